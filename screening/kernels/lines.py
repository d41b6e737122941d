"""Line correction: raw counts to -ln T with its variance and pixel states, in one pass."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _lines as _engine
from .results import LineCorrection

__all__ = ["correct_lines", "isa"]


def isa() -> str:
    """Return the instruction set the kernels use on this processor.

    Returns
    -------
    str
        "x86-64-v4", "x86-64-v3" or "baseline".
    """
    return ("baseline", "x86-64-v3", "x86-64-v4")[_engine.isa_level()]


def correct_lines(
    raw: NDArray[np.uint16],
    *,
    dark: ArrayLike,
    air: ArrayLike,
    reference: ArrayLike | None = None,
    row_mask: ArrayLike | None = None,
    column_mask: ArrayLike | None = None,
    electronic_sigma: float,
    gain: float,
    saturation: int,
    out: LineCorrection | None = None,
) -> LineCorrection:
    """Correct a picture for dark, air and source strength, and take -ln, in one pass.

    With S = raw - dark, A = air - dark and the column's source strength r, the transmission is
    T = max(S, s_e) / (A r): the signal is clipped below at one sigma of the electronic noise, the noise
    limit, under which a logarithm means nothing. A pixel clipped there is CENSORED: `neg_log` is a lower
    bound. The variance is that of -ln T by the delta method, var(S) / S^2, with var(S) = s_e^2 + g S
    from the photon-transfer law (Janesick, *Photon Transfer*, SPIE 2007) and S clipped as above.

    Every pixel is finite whatever comes in. One that says nothing of the cargo (see
    :meth:`PixelState.unseen`) gets `UNSEEN_NEG_LOG` and `UNSEEN_VARIANCE`: it reads opaque and weighs
    nothing. Raw zeros keep the state of their row and column; :func:`classify_zeros` tells them apart.

    Parameters
    ----------
    raw : ndarray of shape (n_row, n_column), uint16
        Raw counts of one energy; row = detector, column = line.
    dark : array_like of shape (n_row,), float32
        Signal without beam, counts.
    air : array_like of shape (n_row,), float32
        Signal with beam and nothing in it, counts, dark not subtracted. A row is DEAD_ROW where dark or
        air is not finite, dark is beyond 16 bits, or A is under ten s_e or above 1e6.
    reference : array_like of shape (n_column,), float32, or None
        Source strength of each line over nominal; None for 1. A line is LOST_LINE where it is not finite,
        not positive or above 1e6, a pixel is where A r is under ten s_e.
    row_mask : array_like of shape (n_row,), uint8, or None
        PixelState bits known of whole rows.
    column_mask : array_like of shape (n_column,), uint8, or None
        PixelState bits known of whole columns.
    electronic_sigma : float
        s_e, counts; positive.
    gain : float
        g, counts; not negative.
    saturation : int
        Raw value at and above which a pixel is SATURATED, 1 to 65536 (65536: none is).
    out : LineCorrection or None
        Arrays to write, of the right shapes and types, C-contiguous; None makes new ones.

    Returns
    -------
    LineCorrection
        ``neg_log`` and ``variance`` (float32) and ``state`` (uint8), each (n_row, n_column).

    Raises
    ------
    TypeError
        If `raw` or an array of `out` has another dtype.
    ValueError
        If a shape does not fit, or a number is out of its range.
    """
    if raw.dtype != np.uint16:
        raise TypeError(f"raw needs dtype uint16, got {raw.dtype}")
    if raw.ndim != 2:
        raise ValueError(f"raw needs shape (n_row, n_column), got {raw.shape}")
    if not (math.isfinite(electronic_sigma) and electronic_sigma >= 1e-3):
        raise ValueError(f"electronic_sigma must be at least 0.001 counts, got {electronic_sigma!r}")
    if not (math.isfinite(gain) and 0 <= gain <= 1e6):
        raise ValueError(f"gain must be 0 to 1e6 counts, got {gain!r}")
    if not 1 <= saturation <= 65536:
        raise ValueError(f"saturation must be 1 to 65536, got {saturation!r}")
    n_row, n_column = raw.shape
    if out is None:
        out = LineCorrection(
            np.empty(raw.shape, np.float32), np.empty(raw.shape, np.float32), np.empty(raw.shape, np.uint8)
        )
    else:
        _require_out(out, raw)
    return _engine.correct_lines(
        np.ascontiguousarray(raw),
        dark=_floats("dark", dark, n_row),
        air=_floats("air", air, n_row),
        reference=None if reference is None else _floats("reference", reference, n_column),
        row_mask=_bits("row_mask", row_mask, n_row),
        column_mask=_bits("column_mask", column_mask, n_column),
        electronic_sigma=electronic_sigma,
        gain=gain,
        saturation=int(saturation),
        out=out,
    )


def _floats(name: str, values: ArrayLike, length: int) -> NDArray[np.float32]:
    array = np.ascontiguousarray(values)
    if array.shape != (length,):
        raise ValueError(f"{name} needs shape ({length},), got {array.shape}")
    with np.errstate(over="ignore"):
        return array.astype(np.float32, copy=False)


def _bits(name: str, values: ArrayLike | None, length: int) -> NDArray[np.uint8] | None:
    if values is None:
        return None
    array = np.ascontiguousarray(values)
    if array.dtype != np.uint8:
        raise TypeError(f"{name} needs dtype uint8 (PixelState bits), got {array.dtype}")
    if array.shape != (length,):
        raise ValueError(f"{name} needs shape ({length},), got {array.shape}")
    return array


def _require_out(out: LineCorrection, raw: NDArray[np.uint16]) -> None:
    shape = raw.shape
    targets = (("neg_log", out.neg_log, "f4"), ("variance", out.variance, "f4"), ("state", out.state, "u1"))
    for name, array, dtype in targets:
        if array.dtype != np.dtype(dtype):
            raise TypeError(f"out.{name} needs dtype {np.dtype(dtype)}, got {array.dtype}")
        if array.shape != shape or not array.flags.c_contiguous or not array.flags.writeable:
            raise ValueError(
                f"out.{name} needs to be writeable, C-contiguous, of shape {shape}, got {array.shape}"
            )
    # The kernel is told that its arrays do not overlap.
    if any(np.may_share_memory(one, other) for one, other in combinations([raw, *out], 2)):
        raise ValueError("raw and the arrays of out must not share memory")

"""A picture as physics has it: counts, -ln T by its own air, what measures, what is opaque.

Simulated and real pictures go the same way: a calibration that came along is not used, so that the way to
the air level tells nobody which is which.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from screening.radiography.levels import resolve_levels
from screening.records import Radiograph

from .zeros import ZeroKinds, dead_rows, sort_zeros

__all__ = ["OPAQUE_COUNTS", "Planes", "picture_planes"]

#: A place is opaque where the mean over 9 x 9 pixels is below this many counts; the definition behind the
#: figures of the real scans, whose floor is 34 to 57 counts.
OPAQUE_COUNTS, OPAQUE_SIDE = 100.0, 9

#: -ln T is never taken of less than this many counts.
LEAST_COUNTS = 1.0


class Planes(NamedTuple):
    """A picture made ready for statistics.

    Attributes
    ----------
    signal : ndarray of shape (n_energy, n_row, n_column), float32
        Counts, dark subtracted.
    depth : ndarray of shape (n_energy, n_row, n_column), float32
        -ln T by the picture's own air.
    beam : ndarray of shape (n_energy, n_row), float32
        Open beam, counts, dark subtracted.
    is_live : ndarray of shape (n_energy, n_row, n_column), bool
        Pixels that measure: no dead row, lost line, missing packet or saturation.
    is_opaque : ndarray of shape (n_row, n_column), bool
        Where next to nothing of the most penetrating energy comes through.
    is_dead : ndarray of shape (n_row,), bool
        Dead rows.
    zeros : tuple of ZeroKinds
        Zeros by kind, one of each energy.
    has_floor : bool
        The dark level is known (subtracted by the device, given, or 0 by the zeros): only then is the
        floor a number of counts.
    """

    signal: NDArray[np.float32]
    depth: NDArray[np.float32]
    beam: NDArray[np.float32]
    is_live: NDArray[np.bool_]
    is_opaque: NDArray[np.bool_]
    is_dead: NDArray[np.bool_]
    zeros: tuple[ZeroKinds, ...]
    has_floor: bool


def picture_planes(
    raw: NDArray[np.uint16],
    *,
    dark: NDArray[np.float32] | None = None,
    air: NDArray[np.float32] | None = None,
    is_lost: NDArray[np.bool_] | None = None,
    saturation: int = 65535,
) -> Planes:
    """Make a picture ready for statistics.

    Parameters
    ----------
    raw : ndarray of shape (n_row, n_column, n_energy), uint16
        Raw counts, the most penetrating energy first.
    dark : ndarray of shape (n_row, n_energy), optional
        Dark signal, counts; zeros if the device has subtracted it. Estimated from the picture if omitted.
    air : ndarray of shape (n_row, n_energy), optional
        Air signal, counts, dark not subtracted; the picture's own if omitted.
    is_lost : ndarray of shape (n_column, n_energy), bool, optional
        Lines that never arrived.
    saturation : int
        Raw value at and above which a pixel is saturated.

    Returns
    -------
    Planes
        Counts, optical depth and masks.

    Raises
    ------
    ValueError
        If shapes do not fit together or the picture is smaller than 64 x 64.
    """
    if raw.ndim != 3 or raw.dtype != np.uint16 or min(raw.shape[:2]) < 64:
        raise ValueError(
            f"a picture is uint16 (n_row, n_column, n_energy), 64 x 64 or more, got {raw.dtype} {raw.shape}"
        )
    n_row, n_column, n_energy = raw.shape
    for name, array in (("dark", dark), ("air", air)):
        if array is not None and array.shape != (n_row, n_energy):
            raise ValueError(f"{name} needs shape {(n_row, n_energy)}, got {array.shape}")
        if array is not None and not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite")
    if is_lost is not None and is_lost.shape != (n_column, n_energy):
        raise ValueError(f"is_lost needs shape {(n_column, n_energy)}, got {is_lost.shape}")
    is_dead = dead_rows(raw)
    # names of energies play no part in levels
    bare = Radiograph(raw=raw, energies=("6MV",) * n_energy, is_lost=is_lost, saturation=saturation)
    signal = np.empty((n_energy, n_row, n_column), dtype=np.float32)
    depth = np.empty_like(signal)
    beam = np.empty((n_energy, n_row), dtype=np.float32)
    is_live = np.empty(signal.shape, dtype=bool)
    zeros = []
    has_floor = True
    for k in range(n_energy):
        levels = resolve_levels(bare, k)
        own_dark = levels.dark if dark is None else dark[:, k].astype(np.float32)
        own_air = levels.air if air is None else air[:, k].astype(np.float32)
        has_floor &= dark is not None or not levels.dark.any()
        kinds = sort_zeros(raw[:, :, k], is_dead)
        zeros.append(kinds)
        signal[k] = raw[:, :, k] - own_dark[:, None]
        beam[k] = np.maximum(own_air - own_dark, 1.0)
        np.divide(np.maximum(signal[k], LEAST_COUNTS), beam[k, :, None], out=depth[k])
        is_live[k] = ~is_dead[:, None] & (levels.column_mask == 0)[None, :] & (raw[:, :, k] < saturation)
        is_live[k] &= ~kinds.is_packet
    np.log(depth, out=depth)
    np.negative(depth, out=depth)
    weight = ndimage.uniform_filter(is_live[0].astype(np.float32), OPAQUE_SIDE, mode="nearest")
    mean = ndimage.uniform_filter(signal[0] * is_live[0], OPAQUE_SIDE, mode="nearest")
    is_opaque = (mean < OPAQUE_COUNTS * weight) & (weight > 0.2)
    return Planes(signal, depth, beam, is_live, is_opaque, is_dead, tuple(zeros), has_floor)

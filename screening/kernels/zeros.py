"""Zeros of a picture told apart: failed pixels from places that are opaque."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from . import _zeros as _engine

__all__ = ["classify_zeros"]


def classify_zeros(
    raw: NDArray[np.uint16], state: NDArray[np.uint8], *, electronic_sigma: float, floor_counts: float
) -> NDArray[np.uint8]:
    """Tell failed zeros from opaque ones.

    A raw zero is one of three things: a row or module that sent nothing, a pixel that failed alone, or
    noise around nothing, clipped at zero, behind opaque cargo. Only strong evidence makes it a failure,
    so that opaque cargo is never masked as one; everything else stays a valid, censored measurement:

    - DEAD_ROW: every pixel of the row that is not already unseen is zero.
    - DROPOUT: a run of at least 8 zeros within a column, the same run in at most 16 neighbouring columns
      (a packet of about ten lines), with bright pixels right at its ends and at least three quarters
      bright on both sides: a rectangle with sharp edges, as a module leaves it. A picture's border
      counts as an end; one side at least must be seen.
    - ISOLATED_ZERO: all live ones of its eight neighbours (at least 3) are bright, and so is the median
      of the live pixels of the 7 x 7 around it.
    - CENSORED: all other zeros.

    Bright is more than `floor_counts` + 30 `electronic_sigma`; unseen pixels are left out of every count.

    Parameters
    ----------
    raw : ndarray of shape (n_row, n_column), uint16
        Raw counts of one energy.
    state : ndarray of shape (n_row, n_column), uint8
        PixelState bits so far, as :func:`correct_lines` gives them. Not changed.
    electronic_sigma : float
        Electronic noise, counts; positive.
    floor_counts : float
        Raw counts of an opaque place; not negative.

    Returns
    -------
    ndarray of shape (n_row, n_column), uint8
        `state` with the bits of the zeros added.

    Raises
    ------
    TypeError
        If `raw` or `state` has another dtype.
    ValueError
        If the shapes differ, or a number is out of its range.
    """
    if raw.dtype != np.uint16 or state.dtype != np.uint8:
        raise TypeError(f"raw and state need dtypes uint16 and uint8, got {raw.dtype} and {state.dtype}")
    if raw.ndim != 2 or raw.shape != state.shape:
        raise ValueError(f"raw and state need one shape (n_row, n_column), got {raw.shape} and {state.shape}")
    if not (math.isfinite(electronic_sigma) and electronic_sigma > 0):
        raise ValueError(f"electronic_sigma must be positive, got {electronic_sigma!r}")
    if not (math.isfinite(floor_counts) and floor_counts >= 0):
        raise ValueError(f"floor_counts must not be negative, got {floor_counts!r}")
    return _engine.classify_zeros(
        np.ascontiguousarray(raw),
        np.ascontiguousarray(state),
        electronic_sigma=electronic_sigma,
        floor_counts=floor_counts,
    )

"""Sliding windows over the intervals of an occupancy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from . import _windows as _engine
from .results import CountWindows

__all__ = ["count_windows"]


def count_windows(
    counts: NDArray[np.int64], background: NDArray[np.float64], window: int, n_sigma: float
) -> CountWindows:
    """Return the alarm statistics of every window of an occupancy.

    The rule of gross-count portals: S counts in a window against B expected alarm when
    S > B + N sqrt(B).

    Parameters
    ----------
    counts : ndarray of shape (n_interval, n_group), int64
        Counts by interval and group of panels; -1 where nothing was received.
    background : ndarray of shape (n_group,), float64
        B, expected counts in one window. Without a finite positive one a group has no valid window.
    window : int
        Intervals in a window, at least 1. More than there are give no window at all.
    n_sigma : float
        N; finite.

    Returns
    -------
    CountWindows
        ``nsigma`` (n_interval - window + 1, n_group), ``max_nsigma``, ``argmax`` and ``n_alarms``
        (n_group,). A window that holds a missing interval has no value, and cannot alarm.

    Raises
    ------
    TypeError
        If an array has another dtype.
    ValueError
        If a shape or number does not fit, or counts are below -1 or beyond exact sums (2^53).
    """
    if counts.dtype != np.int64 or background.dtype != np.float64:
        raise TypeError(
            f"counts and background need dtypes int64 and float64, got {counts.dtype} and {background.dtype}"
        )
    if counts.ndim != 2 or background.shape != (counts.shape[1],):
        raise ValueError(
            "counts and background need shapes (n_interval, n_group) and (n_group,), "
            f"got {counts.shape} and {background.shape}"
        )
    if window < 1:
        raise ValueError(f"window must be at least 1 interval, got {window!r}")
    if not math.isfinite(n_sigma):
        raise ValueError(f"n_sigma must be finite, got {n_sigma!r}")
    if counts.size:
        lowest, highest = int(counts.min()), int(counts.max())
        if lowest < -1:
            raise ValueError(f"counts must not be below -1 (missing), got {lowest}")
        if highest > (1 << 53) // min(window, len(counts)):
            raise ValueError(f"counts of a window must stay below 2^53, got {highest} in one interval")
    return _engine.count_windows(
        np.ascontiguousarray(counts),
        np.ascontiguousarray(background),
        window=int(window),
        n_sigma=float(n_sigma),
    )

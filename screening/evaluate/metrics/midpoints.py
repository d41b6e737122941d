"""The level at which half is found, with its interval over parents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from screening.evaluate.metrics.resampling import Estimate, bootstrap_weighted
from screening.evaluate.metrics.sigmoid import fit_detection_curves

__all__ = ["midpoint_interval"]


def midpoint_interval(
    levels: ArrayLike,
    at: ArrayLike,
    hit: ArrayLike,
    parents: Sequence[Any] | NDArray[Any],
    *,
    reach: tuple[float, float],
    n_resample: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Return the level at which half of the trials are hits, by a probit curve in its logarithm.

    Parameters
    ----------
    levels : array-like of shape (n_level,), float64
        Ascending, above 0: counts, masses.
    at : array-like of shape (n,), int
        Index of the level of each trial.
    hit : array-like of shape (n,), bool
        Outcome of each trial.
    parents : sequence of hashable, length n
        What trials share.
    reach : tuple of float
        Levels beyond which a curve is not believed.
    n_resample, seed : int
        Of the bootstrap.

    Returns
    -------
    Estimate
        A bound that lies beyond `reach` is None, and `method` says so.

    Raises
    ------
    ValueError
        If a level is not above 0.

    Notes
    -----
    A resample in which hits and misses meet at one level, or do not overlap, has no finite slope, but its
    likelihood grows towards a step there: that level, or the middle of the gap, is taken. To leave such
    resamples out would keep the flat curves alone. One in which all are hits lies below everything, one
    without any above it.
    """
    x = np.asarray(levels, dtype=np.float64)
    member = (np.asarray(at)[:, np.newaxis] == np.arange(x.size)).astype(np.int64)
    right = member * np.asarray(hit, dtype=bool)[:, np.newaxis]

    def _half(weight: NDArray[np.int64]) -> NDArray[np.float64]:
        k, n = weight @ right, weight @ member
        curves = fit_detection_curves(x, k, n, chance=0.0, cover=None)
        half, outcome = curves.mda(0.5), curves.outcome
        hit_low = np.min(np.where(k > 0, x, np.inf), axis=1)
        miss_high = np.max(np.where(k < n, x, 0.0), axis=1)
        is_step = (outcome == "separated") & (miss_high <= hit_low)
        half[is_step] = np.sqrt(hit_low[is_step] * miss_high[is_step])
        half[outcome == "never detected"] = reach[1]
        half[outcome == "always detected"] = reach[0]
        return np.clip(half, *reach)

    found = bootstrap_weighted(_half, member.shape[0], parents, n_resample=n_resample, seed=seed)
    low, high, method = found.low, found.high, found.method
    if low is not None and low <= reach[0]:
        low, method = None, f"{method}; open below {reach[0]:g}"
    if high is not None and high >= reach[1]:
        high, method = None, f"{method}; open above {reach[1]:g}"
    return msgspec.structs.replace(found, low=low, high=high, method=method)

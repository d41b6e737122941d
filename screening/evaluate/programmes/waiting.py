"""Waiting times in which some still wait: quantiles of the Kaplan-Meier estimate, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from screening.evaluate.metrics.resampling import Estimate, bootstrap_weighted

__all__ = ["waiting_quantile"]


def waiting_quantile(
    time_s: ArrayLike,
    is_over: ArrayLike,
    q: float,
    parents: Sequence[Any] | None = None,
    *,
    confidence: float = 0.95,
    n_resample: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Return the time by which a share has stopped waiting; those who still wait are censored, not dropped.

    Parameters
    ----------
    time_s : array-like of shape (n,), float64
        Until it was over, or until the watch ended.
    is_over : array-like of shape (n,), bool
        False: still waiting then.
    q : float
        The share, above 0 and below 1: 0.5 for the median.
    parents : sequence of hashable, length n, optional
        What those who wait share: the interval resamples these.
    confidence : float
        Of the interval.
    n_resample : int
        Resamples.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Estimate
        Seconds; None where fewer than that share are over within the watch.

    Raises
    ------
    ValueError
        If q is out of range, shapes differ, or a time is negative or not finite.

    Notes
    -----
    The quantile of :func:`screening.evaluate.metrics.time_to_alarm.kaplan_meier`, for many resamples at once.
    """
    if not 0.0 < q < 1.0:
        raise ValueError(f"q must lie between 0 and 1, got {q!r}")
    times, over = np.asarray(time_s, dtype=np.float64), np.asarray(is_over, dtype=bool)
    if times.shape != over.shape or times.ndim != 1 or not np.all(np.isfinite(times) & (times >= 0.0)):
        raise ValueError("as many times, finite and not negative, as ends are needed")
    if times.size == 0:
        return Estimate(value=None, low=None, high=None, confidence=confidence, method="none: nobody waited")

    # events before censorings at the same time: who is censored then was still at risk
    order = np.lexsort((~over, times))
    ordered, done = times[order], over[order]

    def _quantile(weights: NDArray[np.int64]) -> NDArray[np.float64]:
        weight = weights[:, order].astype(np.float64)
        at_risk = np.cumsum(weight[:, ::-1], axis=1)[:, ::-1]
        ended = np.where(done, weight, 0.0)
        left = np.cumprod(
            1.0 - np.divide(ended, at_risk, out=np.zeros_like(ended), where=at_risk > 0), axis=1
        )
        # equal times end together, whatever their order: the last of them tells
        is_reached = left <= 1.0 - q + 1e-12
        first = np.argmax(is_reached, axis=1)
        return np.where(is_reached.any(axis=1), ordered[first], np.nan)

    if not np.isfinite(_quantile(np.ones((1, times.size), dtype=np.int64))[0]):
        return Estimate(
            value=None,
            low=None,
            high=None,
            confidence=confidence,
            n=int(times.size),
            method="none: fewer than that share are over within the watch",
        )
    return bootstrap_weighted(
        _quantile, times.size, parents, n_resample=n_resample, confidence=confidence, seed=seed
    )

"""Exact intervals of counts: the binomial share and the Poisson mean."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from scipy import stats

__all__ = ["MIN_PARENTS", "Interval", "Side", "clopper_pearson", "garwood"]

#: Draws from fewer parents than this give fractions per parent and no interval.
MIN_PARENTS = 5

Side = Literal["both", "lower", "upper"]


class Interval(NamedTuple):
    """A confidence interval, ends included."""

    low: float
    high: float


def clopper_pearson(k: float, n: float, *, confidence: float = 0.95, side: Side = "both") -> Interval:
    """Return the exact interval of a binomial proportion.

    Parameters
    ----------
    k, n : int
        Successes and trials, n at least 1. Effective trials of clustered draws need not be whole.
    confidence : float
        Coverage, between 0 and 1.
    side : {"both", "lower", "upper"}
        Two-sided, or one bound with the whole error on its side.

    Returns
    -------
    Interval
        Within 0 to 1.

    Raises
    ------
    ValueError
        If the numbers are no trials, or the confidence is out of range.

    Notes
    -----
    Clopper and Pearson, Biometrika 26 (1934) 404: quantiles of the beta distribution.
    """
    if not 0 <= k <= n or n < 1:
        raise ValueError(f"{k} successes in {n} trials")
    error = tail(confidence, side)
    low = 0.0 if k == 0 or side == "upper" else float(stats.beta.ppf(error, k, n - k + 1))
    high = 1.0 if k == n or side == "lower" else float(stats.beta.ppf(1.0 - error, k + 1, n - k))
    return Interval(low, high)


def garwood(n: int, *, confidence: float = 0.95, side: Side = "both") -> Interval:
    """Return the exact interval of a Poisson mean.

    Parameters
    ----------
    n : int
        Events counted.
    confidence : float
        Coverage.
    side : {"both", "lower", "upper"}
        Two-sided, or one bound.

    Returns
    -------
    Interval
        In events.

    Raises
    ------
    ValueError
        If n is negative, or the confidence is out of range.

    Notes
    -----
    Garwood, Biometrika 28 (1936) 437: quantiles of the chi-squared distribution.
    """
    if n < 0:
        raise ValueError(f"{n} events")
    error = tail(confidence, side)
    low = 0.0 if n == 0 or side == "upper" else 0.5 * float(stats.chi2.ppf(error, 2 * n))
    high = np.inf if side == "lower" else 0.5 * float(stats.chi2.ppf(1.0 - error, 2 * n + 2))
    return Interval(low, float(high))


def tail(confidence: float, side: Side = "both") -> float:
    """Return the error on one side of an interval.

    Parameters
    ----------
    confidence : float
        Coverage, between 0 and 1.
    side : {"both", "lower", "upper"}
        Two-sided: half the error on each side; else all of it on one.

    Returns
    -------
    float
        The error.

    Raises
    ------
    ValueError
        If the confidence is out of range.
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence!r}")
    return (1.0 - confidence) / (2.0 if side == "both" else 1.0)

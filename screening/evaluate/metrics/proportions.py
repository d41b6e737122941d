"""Metrics as functions of arrays, with exact intervals.

Every figure comes with how many trials it rests on; an accuracy without its answer rate says nothing,
because always answering UNKNOWN would pass nearly everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

__all__ = [
    "MIN_PARENTS",
    "Interval",
    "Proportion",
    "Rate",
    "Roc",
    "auc",
    "bootstrap_interval",
    "clopper_pearson",
    "garwood",
    "proportion",
    "rate",
    "roc",
]

#: Draws from fewer parents than this give fractions per parent and no interval.
MIN_PARENTS = 5

Side = Literal["both", "lower", "upper"]


class Interval(NamedTuple):
    """A confidence interval, ends included."""

    low: float
    high: float


class Proportion(msgspec.Struct, frozen=True, kw_only=True):
    """A share of trials.

    Attributes
    ----------
    k, n : int
        Successes and trials.
    value : float or None
        k / n; None without trials.
    low, high : float or None
        Interval; None without trials, or where draws share too few parents.
    confidence : float
        Of the interval.
    method : str
        "clopper-pearson" (independent trials), "bootstrap over parents", or "none" with the reason.
    """

    k: int
    n: int
    value: float | None
    low: float | None
    high: float | None
    confidence: float = 0.95
    method: str = "clopper-pearson"


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Events per exposure.

    Attributes
    ----------
    n : int
        Events.
    exposure : float
        In `unit`.
    unit : str
        "hour" or "occupancy".
    value : float or None
        n / exposure.
    low, high : float or None
        Garwood's interval.
    confidence : float
        Of the interval.
    """

    n: int
    exposure: float
    unit: str
    value: float | None
    low: float | None
    high: float | None
    confidence: float = 0.95


class Roc(NamedTuple):
    """Operating points of a score, from the strictest threshold to the laxest.

    Attributes
    ----------
    fpr, tpr : ndarray of shape (n_point,), float64
        False and true positive rates; the first point is (0, 0), the last (1, 1).
    threshold : ndarray of shape (n_point,), float64
        Scores at or above it are positive; the first is infinite.
    """

    fpr: NDArray[np.float64]
    tpr: NDArray[np.float64]
    threshold: NDArray[np.float64]


def clopper_pearson(k: int, n: int, *, confidence: float = 0.95, side: Side = "both") -> Interval:
    """Return the exact interval of a binomial proportion.

    Parameters
    ----------
    k, n : int
        Successes and trials, n at least 1.
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
    error = _error(confidence, side)
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
    error = _error(confidence, side)
    low = 0.0 if n == 0 or side == "upper" else 0.5 * float(stats.chi2.ppf(error, 2 * n))
    high = np.inf if side == "lower" else 0.5 * float(stats.chi2.ppf(1.0 - error, 2 * n + 2))
    return Interval(low, float(high))


def proportion(successes: ArrayLike, parents: Sequence[str] | None = None, *, seed: int = 0) -> Proportion:
    """Return a share with the interval its trials allow.

    Parameters
    ----------
    successes : array-like of shape (n_trial,), bool
        Outcomes.
    parents : sequence of str, optional
        What each trial was drawn from. Trials that share a parent are not independent: the interval
        is then a bootstrap over parents, and there is none with fewer than `MIN_PARENTS`.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Proportion
        The share.
    """
    hits = np.asarray(successes, dtype=bool)
    k, n = int(hits.sum()), int(hits.size)
    if n == 0:
        return Proportion(k=0, n=0, value=None, low=None, high=None, method="none: no trials")
    names = list(parents) if parents is not None else []
    n_parent = len(set(names))
    if not names or n_parent == n:
        return Proportion(k=k, n=n, value=k / n, **clopper_pearson(k, n)._asdict())
    if n_parent < MIN_PARENTS:
        return Proportion(
            k=k,
            n=n,
            value=k / n,
            low=None,
            high=None,
            method=f"none: {n_parent} parents, {MIN_PARENTS} needed",
        )
    interval = bootstrap_interval(hits.astype(np.float64), names, np.mean, seed=seed)
    method = f"bootstrap over {n_parent} parents"
    if k in (0, n):  # a bootstrap of equal outcomes has no width: count the parents as trials instead
        interval = clopper_pearson(n_parent if k else 0, n_parent)
        method = f"clopper-pearson over {n_parent} parents"
    return Proportion(k=k, n=n, value=k / n, **interval._asdict(), method=method)


def rate(n: int, exposure: float, unit: str, *, confidence: float = 0.95) -> Rate:
    """Return a rate of events with Garwood's interval.

    Parameters
    ----------
    n : int
        Events.
    exposure : float
        How much of `unit` was watched; 0 gives no rate.
    unit : str
        "hour" or "occupancy"; the two are never converted into each other.
    confidence : float
        Of the interval.

    Returns
    -------
    Rate
        The rate.
    """
    if not exposure > 0:
        return Rate(n=n, exposure=exposure, unit=unit, value=None, low=None, high=None, confidence=confidence)
    low, high = garwood(n, confidence=confidence)
    return Rate(
        n=n,
        exposure=exposure,
        unit=unit,
        value=n / exposure,
        low=low / exposure,
        high=high / exposure,
        confidence=confidence,
    )


def bootstrap_interval(
    values: NDArray[np.float64],
    parents: Sequence[str],
    statistic: Callable[[NDArray[np.float64]], Any],
    *,
    n_resample: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return a percentile interval by resampling parents first, then draws within each.

    Parameters
    ----------
    values : ndarray of shape (n,), float64
        One value per draw.
    parents : sequence of str, length n
        What each was drawn from.
    statistic : callable
        From values to one number.
    n_resample : int
        How many resamples.
    confidence : float
        Coverage.
    seed : int
        Of the random numbers.

    Returns
    -------
    Interval
        The interval.
    """
    names = np.asarray(parents)
    groups = [values[names == name] for name in sorted(set(parents))]
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    found = np.empty(n_resample)
    for i in range(n_resample):
        chosen = [groups[j] for j in rng.integers(0, len(groups), len(groups))]
        found[i] = statistic(
            np.concatenate([group[rng.integers(0, group.size, group.size)] for group in chosen])
        )
    error = 0.5 * (1.0 - confidence)
    return Interval(float(np.quantile(found, error)), float(np.quantile(found, 1.0 - error)))


def roc(scores: ArrayLike, truth: ArrayLike) -> Roc:
    """Return the receiver operating characteristic of a score.

    Parameters
    ----------
    scores : array-like of shape (n,), float64
        Higher means more likely positive; equal scores share one point.
    truth : array-like of shape (n,), bool
        Positive or not.

    Returns
    -------
    Roc
        The curve.

    Raises
    ------
    ValueError
        If shapes differ, a score is not a number, or one of the classes is empty.
    """
    values, positive = np.asarray(scores, dtype=np.float64), np.asarray(truth, dtype=bool)
    if values.shape != positive.shape or values.ndim != 1:
        raise ValueError(f"scores {values.shape} and truth {positive.shape} need one shape (n,)")
    if np.isnan(values).any():
        raise ValueError(f"{int(np.isnan(values).sum())} scores are not a number")
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if n_positive == 0 or n_negative == 0:
        raise ValueError(f"a curve needs both classes, got {n_positive} positives and {n_negative} negatives")
    order = np.argsort(-values, kind="stable")
    values, positive = values[order], positive[order]
    last = np.append(np.nonzero(np.diff(values))[0], values.size - 1)
    true_positives = np.cumsum(positive)[last]
    false_positives = last + 1 - true_positives
    return Roc(
        np.concatenate([[0.0], false_positives / n_negative]),
        np.concatenate([[0.0], true_positives / n_positive]),
        np.concatenate([[np.inf], values[last]]),
    )


def auc(curve: Roc) -> float:
    """Return the area under a curve.

    Parameters
    ----------
    curve : Roc
        The curve.

    Returns
    -------
    float
        0 to 1; the probability that a positive scores above a negative, ties counted half.
    """
    return float(np.sum(np.diff(curve.fpr) * 0.5 * (curve.tpr[1:] + curve.tpr[:-1])))


def _error(confidence: float, side: Side) -> float:
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence!r}")
    return (1.0 - confidence) / (2.0 if side == "both" else 1.0)

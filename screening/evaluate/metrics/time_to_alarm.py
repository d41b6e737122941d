"""Time from the appearance of a source to its alarm. A pass without an alarm is counted, never dropped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from screening.evaluate.metrics.exact import tail
from screening.evaluate.metrics.proportions import Proportion, proportion

__all__ = ["KaplanMeier", "TimeToAlarm", "kaplan_meier", "median_interval", "time_to_alarm"]


class TimeToAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """Times to alarm of passes, with those that never alarmed.

    Attributes
    ----------
    n, n_never : int
        Passes, and those without an alarm.
    median_s : float or None
        Time by which half of all passes have alarmed; None if fewer than half do.
    low_s, high_s : float or None
        Its interval; None where the bound is beyond the last alarm.
    within_s : tuple of float
        Times.
    within : tuple of Proportion
        Share of all passes that alarmed within each.
    method : str
        Of the interval of the median.
    """

    n: int
    n_never: int
    median_s: float | None
    low_s: float | None
    high_s: float | None
    within_s: tuple[float, ...]
    within: tuple[Proportion, ...]
    method: str


class KaplanMeier(NamedTuple):
    """Share of passes not yet alarmed, where passes were watched for unequal times.

    Attributes
    ----------
    time_s : ndarray of shape (n_time,), float64
        Times of alarms, rising.
    not_alarmed : ndarray of shape (n_time,), float64
        Share just after each.
    low, high : ndarray of shape (n_time,), float64
        Interval at each time on its own.
    n_at_risk : ndarray of shape (n_time,), int64
        Passes still watched and silent just before each.
    """

    time_s: NDArray[np.float64]
    not_alarmed: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n_at_risk: NDArray[np.int64]


def time_to_alarm(
    time_s: ArrayLike,
    *,
    within_s: Sequence[float] = (1.0, 2.0, 5.0, 10.0),
    parents: Sequence[Any] | None = None,
    confidence: float = 0.95,
) -> TimeToAlarm:
    """Return the median time to alarm and the shares that alarmed in time, over all passes.

    Parameters
    ----------
    time_s : array-like of shape (n_pass,), float64
        From the appearance of the source to its alarm; infinite or not-a-number: no alarm while watched.
    within_s : sequence of float
        Times for the shares. A pass watched for less without an alarm counts as one without.
    parents : sequence of hashable, length n_pass, optional
        What passes share; then the median has no interval, and the shares have one over parents.
    confidence : float
        Coverage.

    Returns
    -------
    TimeToAlarm
        Figures over all passes.

    Raises
    ------
    ValueError
        If a time is negative.
    """
    times = np.asarray(time_s, dtype=np.float64)
    times = np.where(np.isnan(times), np.inf, times)
    if (times < 0).any():
        raise ValueError(f"{int((times < 0).sum())} times to alarm are negative")
    n_never = int(np.isinf(times).sum())
    shares = tuple(proportion(times <= t, parents, confidence=confidence) for t in within_s)
    median, low, high = None, None, None
    method = "none: no passes"
    if times.size:
        middle = float(np.sort(times)[(times.size - 1) // 2])
        median = middle if np.isfinite(middle) else None
        if parents is not None and len(set(parents)) < times.size:
            method = "none: passes share parents"
        else:
            low, high = median_interval(times, confidence=confidence)
            method = "order statistics, exact"
            if low is None and high is None:
                method = "none: too few passes, or too few alarms"
    return TimeToAlarm(
        n=times.size,
        n_never=n_never,
        median_s=median,
        low_s=low,
        high_s=high,
        within_s=tuple(within_s),
        within=shares,
        method=method,
    )


def median_interval(times: ArrayLike, *, confidence: float = 0.95) -> tuple[float | None, float | None]:
    """Return the exact interval of a median from order statistics.

    Parameters
    ----------
    times : array-like of shape (n,), float64
        Independent; infinite for what did not happen.
    confidence : float
        Coverage, at least.

    Returns
    -------
    low, high : float or None
        None where there is no bound, or an infinite one.

    Notes
    -----
    Thompson, Annals of Mathematical Statistics 7 (1936) 122: the bounds are the k-th smallest and largest,
    with k the largest for which the binomial(n, 1/2) probability of fewer than k is within the error.
    """
    ordered = np.sort(np.asarray(times, dtype=np.float64))
    n = ordered.size
    k = int(stats.binom.ppf(tail(confidence), n, 0.5)) if n else 0
    while k > 0 and stats.binom.cdf(k - 1, n, 0.5) > tail(confidence):
        k -= 1
    if k < 1:
        return None, None
    low, high = float(ordered[k - 1]), float(ordered[n - k])
    return (low if np.isfinite(low) else None), (high if np.isfinite(high) else None)


def kaplan_meier(time_s: ArrayLike, is_alarmed: ArrayLike, *, confidence: float = 0.95) -> KaplanMeier:
    """Return the share of passes not yet alarmed, where they were watched for unequal times.

    Parameters
    ----------
    time_s : array-like of shape (n_pass,), float64
        To the alarm, or to the end of the watch.
    is_alarmed : array-like of shape (n_pass,), bool
        False: watched until then without an alarm.
    confidence : float
        Coverage.

    Returns
    -------
    KaplanMeier
        A step function.

    Raises
    ------
    ValueError
        If shapes differ, or a time is negative or not finite.

    Notes
    -----
    Kaplan and Meier, JASA 53 (1958) 457; Greenwood's variance on the scale log(-log S), Kalbfleisch and
    Prentice, The Statistical Analysis of Failure Time Data (1980).
    """
    times, alarmed = np.asarray(time_s, dtype=np.float64), np.asarray(is_alarmed, dtype=bool)
    if times.shape != alarmed.shape or times.ndim != 1:
        raise ValueError(f"times {times.shape} and alarms {alarmed.shape} need one shape (n_pass,)")
    if not np.all(np.isfinite(times) & (times >= 0)):
        raise ValueError("times must be finite and not negative: give the end of the watch without an alarm")
    at, n_event = np.unique(times[alarmed], return_counts=True)
    n_at_risk = times.size - np.searchsorted(np.sort(times), at, "left")
    left = np.cumprod(1.0 - n_event / n_at_risk, dtype=np.float64)
    low, high = np.zeros(at.size, dtype=np.float64), np.ones(at.size, dtype=np.float64)
    inside = (left > 0) & (left < 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(n_event / (n_at_risk * (n_at_risk - n_event).astype(np.float64)))
        spread = np.sqrt(greenwood) / np.abs(np.log(left))
    z = float(stats.norm.isf(tail(confidence)))
    low[inside] = left[inside] ** np.exp(z * spread[inside])
    high[inside] = left[inside] ** np.exp(-z * spread[inside])
    if at.size and left[-1] == 0.0:  # all alarmed: the exact bound of none left of those at risk
        high[-1] = 1.0 - (1.0 - confidence) ** (1.0 / n_at_risk[-1])
    return KaplanMeier(at, left, low, high, n_at_risk)

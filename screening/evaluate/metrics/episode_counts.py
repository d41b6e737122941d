"""Alarm episodes and false alarm rates, after the definitions of the weak-source benchmark.

A score above the threshold starts an episode, which ends once the score has not been above it for the hold
time (5 s). The false alarm rate is episodes per hour of background.

For thresholds by the thousand the scores are read once: interval k starts an episode at threshold h just if
``m_k <= h < s_k``, where s_k is its score and m_k the largest score within the hold time before it. The
number of episodes at h is then the number of s_k above h less the number of m_k above h, over those k
with s_k > m_k, at every h at once and exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

__all__ = [
    "HOLD_S",
    "EpisodeStarts",
    "Episodes",
    "detection_score",
    "episode_starts",
    "episodes",
    "n_episodes",
    "occupancy_starts",
    "overlaps",
    "pooled_starts",
]

HOLD_S = 5.0
#: Of an interval: times that fall on an edge but for rounding fall on it.
EDGE = 1e-6


class Episodes(NamedTuple):
    """Alarm episodes of one run.

    Attributes
    ----------
    start_s : ndarray of shape (n_episode,), float64
        Beginning of the first interval above the threshold.
    end_s : ndarray of shape (n_episode,), float64
        End of the last interval above it plus the hold time.
    peak : ndarray of shape (n_episode,), float64
        Largest score.
    alarm_s : ndarray of shape (n_episode,), float64
        End of the first interval above the threshold: when the alarm is given, since a score rests on data
        up to the end of its interval.
    """

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    peak: NDArray[np.float64]
    alarm_s: NDArray[np.float64]


class EpisodeStarts(NamedTuple):
    """All thresholds at which an interval starts an episode, for one run or for many.

    Attributes
    ----------
    above : ndarray of shape (n_start,), float64
        An episode starts there at thresholds below this (the interval's score) ...
    floor : ndarray of shape (n_start,), float64
        ... and not below this: the largest score within the hold time before it, -inf at the start of a run.
    run : ndarray of shape (n_start,), int64
        Number of the run.
    hours : ndarray of shape (n_run,), float64
        Length of each run; 1 for each occupancy of :func:`occupancy_starts`, whose rates are per occupancy.
    """

    above: NDArray[np.float64]
    floor: NDArray[np.float64]
    run: NDArray[np.int64]
    hours: NDArray[np.float64]


def episodes(score: ArrayLike, threshold: float, interval_s: float, *, hold_s: float = HOLD_S) -> Episodes:
    """Return the alarm episodes of a run.

    Parameters
    ----------
    score : array-like of shape (n_interval,), float64
        Score of each interval; -inf where there is none yet.
    threshold : float
        Scores above it alarm; equal to it they do not.
    interval_s : float
        Length of an interval, s.
    hold_s : float
        An episode ends after this time without a score above the threshold.

    Returns
    -------
    Episodes
        In order of time.

    Raises
    ------
    ValueError
        If a score is not a number, or a time is not above 0.
    """
    values = _scores(score)
    hold = _hold_intervals(interval_s, hold_s)
    above = np.nonzero(values > threshold)[0]
    if above.size == 0:
        empty = np.empty(0, dtype=np.float64)
        return Episodes(empty, empty, empty, empty)
    is_first = np.concatenate([[True], np.diff(above) > hold])
    first = np.nonzero(is_first)[0]
    last = above[np.append(first[1:], above.size) - 1]
    end_s = np.multiply(last + 1, interval_s, dtype=np.float64) + hold_s
    peak = np.maximum.reduceat(values[above], first)
    start_s = np.multiply(above[first], interval_s, dtype=np.float64)
    return Episodes(start_s, end_s, peak, start_s + interval_s)


def episode_starts(
    score: ArrayLike, interval_s: float, *, run: int = 0, lowest: float = -np.inf, hold_s: float = HOLD_S
) -> EpisodeStarts:
    """Return at which thresholds the intervals of a run start an episode.

    Parameters
    ----------
    score : array-like of shape (n_interval,), float64
        Score of each interval; -inf where there is none yet.
    interval_s : float
        Length of an interval, s.
    run : int
        Number of the run, kept with its starts.
    lowest : float
        No threshold below this will be asked for; starts that matter only below it are left out.
    hold_s : float
        As for :func:`episodes`.

    Returns
    -------
    EpisodeStarts
        Of one run; join several by :func:`pooled_starts`.

    Raises
    ------
    ValueError
        If a score is not a number, or a time is not above 0.
    """
    values = _scores(score)
    hold = _hold_intervals(interval_s, hold_s)
    before = np.full(values.size, -np.inf)
    if values.size > 1:
        # The largest of the `hold` scores before k: a window whose last element is k - 1.
        window = ndimage.maximum_filter1d(
            values, hold, origin=hold - 1 - hold // 2, mode="constant", cval=-np.inf
        )
        before[1:] = window[:-1]
    starts = np.nonzero((values > before) & (values > lowest))[0]
    hours = np.array([values.size * interval_s / 3600.0])
    return EpisodeStarts(values[starts], before[starts], np.full(starts.size, run, dtype=np.int64), hours)


def pooled_starts(runs: Sequence[EpisodeStarts]) -> EpisodeStarts:
    """Return the starts of several runs, numbered in their order.

    Parameters
    ----------
    runs : sequence of EpisodeStarts
        One for each run.

    Returns
    -------
    EpisodeStarts
        Of all.

    Raises
    ------
    ValueError
        If there are none, or one holds several runs.
    """
    if not runs or any(item.hours.size != 1 for item in runs):
        raise ValueError("starts are pooled from one or more single runs")
    return EpisodeStarts(
        np.concatenate([item.above for item in runs]),
        np.concatenate([item.floor for item in runs]),
        np.concatenate([np.full(item.above.size, i, dtype=np.int64) for i, item in enumerate(runs)]),
        np.concatenate([item.hours for item in runs]),
    )


def occupancy_starts(score: ArrayLike) -> EpisodeStarts:
    """Return occupancies as runs that alarm once or not at all, for rates per occupancy.

    Parameters
    ----------
    score : array-like of shape (n_occupancy,), float64
        Largest score of each benign occupancy.

    Returns
    -------
    EpisodeStarts
        With an exposure of one each: every rate found from it is per occupancy, never per hour.

    Raises
    ------
    ValueError
        If a score is not a number.
    """
    values = _scores(score)
    return EpisodeStarts(
        values,
        np.full(values.size, -np.inf),
        np.arange(values.size, dtype=np.int64),
        np.ones(values.size, dtype=np.float64),
    )


def n_episodes(starts: EpisodeStarts, thresholds: ArrayLike) -> NDArray[np.int64]:
    """Return the number of episodes of each run at each threshold.

    Parameters
    ----------
    starts : EpisodeStarts
        From :func:`episode_starts` or :func:`pooled_starts`.
    thresholds : array-like of shape (n_threshold,), float64
        In any order.

    Returns
    -------
    ndarray of shape (n_run, n_threshold), int64
        Exact counts.
    """
    h = np.asarray(thresholds, dtype=np.float64)
    n_run = starts.hours.size
    order = np.argsort(starts.run, kind="stable")
    edges = np.searchsorted(starts.run[order], np.arange(n_run + 1))
    found = np.empty((n_run, h.size), dtype=np.int64)
    for run in range(n_run):
        member = order[edges[run] : edges[run + 1]]
        above, floor = np.sort(starts.above[member]), np.sort(starts.floor[member])
        found[run] = np.searchsorted(floor, h, "right") - np.searchsorted(above, h, "right")
    return found


def overlaps(found: Episodes, start_s: float, end_s: float) -> bool:
    """Return whether an episode overlaps a window of time.

    Parameters
    ----------
    found : Episodes
        Of one run.
    start_s, end_s : float
        The window.

    Returns
    -------
    bool
        True for a detection.
    """
    return bool(np.any((found.start_s < end_s) & (found.end_s > start_s)))


def detection_score(
    score: NDArray[np.float64],
    interval_s: float,
    start_s: float,
    end_s: float,
    *,
    hold_s: float = HOLD_S,
) -> NDArray[np.float64]:
    """Return the score above which a threshold leaves a pass undetected.

    Parameters
    ----------
    score : ndarray of shape (..., n_interval), float64
        Scores of passes; -inf where there is none yet.
    interval_s : float
        Length of an interval, s.
    start_s, end_s : float
        Window in which an episode counts as a detection, from the start of the first interval.
    hold_s : float
        As for :func:`episodes`.

    Returns
    -------
    ndarray of shape (...), float64
        Some episode overlaps the window at threshold h just if this is above h, so that one number a pass
        serves every threshold: -inf where the pass has no score that could.

    Raises
    ------
    ValueError
        If a score is not a number, or the window is empty.

    Notes
    -----
    An interval k above h is within an episode that ends hold_s after it or later. Between two intervals of
    one episode there is never more than hold_s, so an episode overlaps the window just if some interval
    above h begins before the window's end and ends less than hold_s before its start.
    """
    values = np.asarray(score, dtype=np.float64)
    if np.isnan(values).any():
        raise ValueError(f"{int(np.isnan(values).sum())} scores are not a number")
    if not end_s > start_s:
        raise ValueError(f"window from {start_s} to {end_s} s")
    _hold_intervals(interval_s, hold_s)
    # k with (k + 1) dt + hold > start and k dt < end
    first = int(np.floor((start_s - hold_s) / interval_s + EDGE)) if start_s > hold_s else 0
    stop = int(np.ceil(end_s / interval_s - EDGE))
    part = values[..., max(first, 0) : max(stop, 0)]
    if part.shape[-1] == 0:
        return np.full(values.shape[:-1], -np.inf)
    found: NDArray[np.float64] = part.max(axis=-1)
    return found


def _scores(score: ArrayLike) -> NDArray[np.float64]:
    values = np.ascontiguousarray(score, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"scores of a run need the shape (n_interval,), got {values.shape}")
    if np.isnan(values).any():
        raise ValueError(f"{int(np.isnan(values).sum())} of {values.size} scores are not a number")
    return values


def _hold_intervals(interval_s: float, hold_s: float) -> int:
    if not (interval_s > 0 and hold_s > 0):
        raise ValueError(f"interval {interval_s} s and hold {hold_s} s must be above 0")
    return max(1, int(np.ceil(hold_s / interval_s - EDGE)))

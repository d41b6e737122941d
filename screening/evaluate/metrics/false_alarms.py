"""Thresholds for a false alarm rate: set on background, with an interval, and verified on unseen background.

A threshold is the smallest score above which there are never more episodes than the rate allows. Its interval
resamples runs and finds it again in each resample. Where the background is too short for that, the peaks of
the episodes above a lower level follow a generalised Pareto law, which is extended to the rate asked.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.evaluate.metrics.episode_counts import EpisodeStarts, n_episodes
from screening.evaluate.metrics.exact import garwood
from screening.evaluate.metrics.pareto import MIN_EPISODES, ParetoTail, pareto_tail, tail_level
from screening.evaluate.metrics.resampling import Estimate, clusters_of, interval_of, weight_blocks
from screening.evaluate.metrics.thresholds import threshold_from_counts, thresholds_of

__all__ = [
    "MIN_EPISODES",
    "MIN_HEADLINE_EPISODES",
    "ParetoTail",
    "Verification",
    "pareto_tail",
    "resampled_thresholds",
    "threshold_at_rate",
    "threshold_by_tail",
    "threshold_from_counts",
    "verified_threshold",
    "verify",
]

#: A threshold rests on at least `MIN_EPISODES`, and one for a headline on more (scoring, false alarms).
MIN_HEADLINE_EPISODES = 100


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """A threshold on background it was not set on.

    Attributes
    ----------
    threshold : float
        The threshold that is used.
    n_episode : int
        Episodes counted at it.
    hours : float
        Background watched.
    rate_per_h : float
        Asked.
    low, high : float
        Garwood's interval of the rate found, per hour.
    verdict : {"holds", "too many", "too few"}
        Whether that interval contains the rate asked.
    is_inflated : bool
        Whether the threshold was raised here until it holds; it is then no longer verified on unseen data.
    """

    threshold: float
    n_episode: int
    hours: float
    rate_per_h: float
    low: float
    high: float
    verdict: Literal["holds", "too many", "too few"]
    is_inflated: bool = False


def threshold_at_rate(
    starts: EpisodeStarts,
    rate_per_h: float,
    *,
    n_resample: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """Return the threshold at which background gives a rate of episodes, with its interval over runs.

    Parameters
    ----------
    starts : EpisodeStarts
        Of all background runs.
    rate_per_h : float
        Episodes per hour, 1/8 for one in eight hours.
    n_resample : int
        Resamples of runs.
    confidence : float
        Coverage.
    seed : int
        Of the random numbers.

    Returns
    -------
    Estimate
        The threshold; no value if the background is too short to hold one episode at that rate.

    Raises
    ------
    ValueError
        If the rate is not above 0.
    """
    value = float(thresholds_of(starts, np.ones((1, starts.hours.size)), rate_per_h)[0])
    clusters = clusters_of(None, starts.hours.size)
    found = resampled_thresholds(starts, rate_per_h, n_resample=n_resample, seed=seed)
    estimate = interval_of(value, found, clusters, confidence=confidence)
    how = estimate.method.replace("bootstrap", f"bootstrap over {starts.hours.size} runs", 1)
    return msgspec.structs.replace(estimate, method=how)


def resampled_thresholds(
    starts: EpisodeStarts, rate_per_h: float, *, n_resample: int = 2000, seed: int = 0
) -> NDArray[np.float64]:
    """Return the threshold of each resample of runs.

    Parameters
    ----------
    starts : EpisodeStarts
        Of all background runs.
    rate_per_h : float
        Episodes per hour.
    n_resample : int
        How many.
    seed : int
        Of the random numbers: one seed draws the same runs for every detector.

    Returns
    -------
    ndarray of shape (n_resample,), float64
        Thresholds; not-a-number where a resample is too short.
    """
    clusters = clusters_of(None, starts.hours.size)
    blocks = weight_blocks(clusters, n_resample, seed=seed)
    return np.concatenate([thresholds_of(starts, w.astype(np.float64), rate_per_h) for w in blocks])


def threshold_by_tail(
    starts: EpisodeStarts,
    rate_per_h: float,
    *,
    level: float | None = None,
    n_resample: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """Return the threshold for a rate from the Pareto law of the peaks, with its interval over runs.

    Parameters
    ----------
    starts : EpisodeStarts
        Of all background runs, 240 h or more.
    rate_per_h : float
        Episodes per hour.
    level : float, optional
        As for :func:`pareto_tail`.
    n_resample : int
        Resamples of runs.
    confidence : float
        Coverage.
    seed : int
        Of the random numbers.

    Returns
    -------
    Estimate
        The threshold; no value where the law cannot be fitted.
    """
    u = tail_level(starts) if level is None else float(level)
    value = float(pareto_tail(starts, level=u).threshold(rate_per_h)[0])
    clusters = clusters_of(None, starts.hours.size)
    found = np.concatenate(
        [
            pareto_tail(starts, level=u, weights=w).threshold(rate_per_h)
            for w in weight_blocks(clusters, n_resample, seed=seed)
        ]
    )
    estimate = interval_of(value, found, clusters, confidence=confidence)
    how = estimate.method.replace("bootstrap", f"bootstrap over {starts.hours.size} runs", 1)
    return msgspec.structs.replace(estimate, method=f"generalised Pareto tail above {u:.4g}, {how}")


def verify(
    starts: EpisodeStarts, threshold: float, rate_per_h: float, *, confidence: float = 0.95
) -> Verification:
    """Return whether a threshold keeps its rate on background it was not set on.

    Parameters
    ----------
    starts : EpisodeStarts
        Of unseen runs.
    threshold : float
        Set elsewhere.
    rate_per_h : float
        Asked.
    confidence : float
        Of Garwood's interval.

    Returns
    -------
    Verification
        The counts and the verdict.
    """
    n, hours = int(n_episodes(starts, [threshold]).sum()), float(starts.hours.sum())
    low, high = (bound / hours for bound in garwood(n, confidence=confidence))
    verdict: Literal["holds", "too many", "too few"] = "holds"
    if not low <= rate_per_h <= high:
        verdict = "too many" if low > rate_per_h else "too few"
    return Verification(
        threshold=float(threshold),
        n_episode=n,
        hours=hours,
        rate_per_h=rate_per_h,
        low=low,
        high=high,
        verdict=verdict,
    )


def verified_threshold(
    starts: EpisodeStarts, threshold: float, rate_per_h: float, *, confidence: float = 0.95
) -> Verification:
    """Return a threshold as verified, or raised until it holds.

    Parameters
    ----------
    starts : EpisodeStarts
        Of unseen runs.
    threshold : float
        Set elsewhere.
    rate_per_h : float
        Asked.
    confidence : float
        Of Garwood's interval.

    Returns
    -------
    Verification
        With `is_inflated` if it had to be raised: to the smallest score from which on Garwood's interval no
        longer lies above the rate. Too few alarms leave the threshold where it is.
    """
    found = verify(starts, threshold, rate_per_h, confidence=confidence)
    if found.verdict != "too many":
        return found
    hours = float(starts.hours.sum())
    n_most = found.n_episode
    while n_most > 0 and garwood(n_most, confidence=confidence).low / hours > rate_per_h:
        n_most -= 1
    raised = float(thresholds_of(starts, np.ones((1, starts.hours.size)), (n_most + 0.5) / hours)[0])
    again = verify(starts, max(raised, threshold), rate_per_h, confidence=confidence)
    return msgspec.structs.replace(again, is_inflated=True)

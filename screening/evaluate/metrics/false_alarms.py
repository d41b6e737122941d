"""Thresholds for a false alarm rate: set on background, with an interval, and verified on unseen background.

A threshold is the smallest score above which there are never more episodes than the rate allows. Its interval
resamples runs and finds it again in each resample. Where the background is too short for that, the peaks of
the episodes above a lower level follow a generalised Pareto law, which is extended to the rate asked.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from screening.evaluate.metrics.episode_counts import EpisodeStarts, n_episodes
from screening.evaluate.metrics.exact import garwood
from screening.evaluate.metrics.resampling import Estimate, clusters_of, interval_of, weight_blocks

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

#: A threshold rests on at least this many episodes, and one for a headline on more (scoring, false alarms).
MIN_EPISODES = 30
MIN_HEADLINE_EPISODES = 100
#: The Pareto law is fitted to about this many of the highest peaks.
N_PEAKS = 500
#: Shapes of the Pareto law below this have no regular likelihood (Smith, Biometrika 72 (1985) 67).
MIN_SHAPE = -0.5


class ParetoTail(NamedTuple):
    """A generalised Pareto law for the excess of episode peaks over a level, for one or many samples.

    Attributes
    ----------
    level : float
        Peaks above it were fitted.
    shape, scale : ndarray of shape (n_fit,), float64
        Of the law; shape 0 is the exponential.
    per_hour : ndarray of shape (n_fit,), float64
        Episodes with a peak above the level, per hour.
    """

    level: float
    shape: NDArray[np.float64]
    scale: NDArray[np.float64]
    per_hour: NDArray[np.float64]

    def threshold(self, rate_per_h: float) -> NDArray[np.float64]:
        """Return the score exceeded at a rate.

        Parameters
        ----------
        rate_per_h : float
            Episodes per hour, at most `per_hour`.

        Returns
        -------
        ndarray of shape (n_fit,), float64
            Thresholds; not-a-number where the rate is above that of the level.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            lift = np.log(self.per_hour / rate_per_h)
            small = np.abs(self.shape) < 1e-9
            growth = np.where(small, lift, np.expm1(self.shape * lift) / np.where(small, 1.0, self.shape))
        return np.where(lift >= 0, self.level + self.scale * growth, np.nan)


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
    value = float(_thresholds(starts, np.ones((1, starts.hours.size)), rate_per_h)[0])
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
    return np.concatenate([_thresholds(starts, w.astype(np.float64), rate_per_h) for w in blocks])


def threshold_from_counts(
    thresholds: ArrayLike,
    counts: ArrayLike,
    hours: ArrayLike,
    rate_per_h: float,
    *,
    weights: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Return the smallest threshold of a grid from which on the rate is kept.

    Parameters
    ----------
    thresholds : array-like of shape (n_threshold,), float64
        Rising.
    counts : array-like of shape (n_run, n_threshold), int
        Episodes of each run at each threshold.
    hours : array-like of shape (n_run,), float64
        Length of each run.
    rate_per_h : float
        Episodes per hour.
    weights : array-like of shape (n_resample, n_run), int, optional
        How often each run is in each resample; once each by default.

    Returns
    -------
    ndarray of shape (n_resample,), float64
        Thresholds; not-a-number where even the largest gives more episodes than the rate.

    Raises
    ------
    ValueError
        If shapes do not fit or thresholds do not rise.
    """
    grid, table = np.asarray(thresholds, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    length = np.asarray(hours, dtype=np.float64)
    if table.shape != (length.size, grid.size) or np.any(np.diff(grid) <= 0):
        raise ValueError(f"counts {table.shape} need runs {length.size} x rising thresholds {grid.size}")
    w = np.ones((1, length.size)) if weights is None else np.asarray(weights, dtype=np.float64)
    is_over = w @ table > _allowed(w @ length, rate_per_h)[:, None]
    first_kept = grid.size - np.argmax(is_over[:, ::-1], axis=1)
    first_kept[~is_over.any(axis=1)] = 0
    return np.where(first_kept < grid.size, grid[np.minimum(first_kept, grid.size - 1)], np.nan)


def pareto_tail(
    starts: EpisodeStarts, *, level: float | None = None, weights: ArrayLike | None = None
) -> ParetoTail:
    """Fit the generalised Pareto law to the peaks of episodes above a level.

    Parameters
    ----------
    starts : EpisodeStarts
        Of all background runs.
    level : float, optional
        Peaks above it are fitted; by default the one that about 500 peaks exceed, or a tenth of all.
    weights : array-like of shape (n_resample, n_run), int, optional
        How often each run is in each resample; once each by default.

    Returns
    -------
    ParetoTail
        One law for each resample; not-a-number where it has fewer than `MIN_EPISODES` peaks.

    Notes
    -----
    Pickands, Annals of Statistics 3 (1975) 119. Maximum likelihood, reduced to one parameter: Grimshaw,
    Technometrics 35 (1993) 185. Peaks of the starts above the level stand for peaks of episodes: a start is
    a score higher than all within the hold time before it, and peaks within one episode that rise further
    are counted by their last.
    """
    u = _level(starts) if level is None else float(level)
    if np.isneginf(u):  # too few episodes at every threshold
        none = np.full(1 if weights is None else len(np.asarray(weights)), np.nan)
        return ParetoTail(u, none, none, none)
    peak, run = _peaks(starts, u)
    w = np.ones((1, starts.hours.size)) if weights is None else np.asarray(weights, dtype=np.float64)
    excess, weight = peak - u, w[:, run]
    n = weight.sum(axis=1)
    shape, scale = _fit_pareto(excess, weight)
    enough = n >= MIN_EPISODES
    return ParetoTail(
        u, np.where(enough, shape, np.nan), np.where(enough, scale, np.nan), n / (w @ starts.hours)
    )


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
    u = _level(starts) if level is None else float(level)
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
    raised = float(_thresholds(starts, np.ones((1, starts.hours.size)), (n_most + 0.5) / hours)[0])
    again = verify(starts, max(raised, threshold), rate_per_h, confidence=confidence)
    return msgspec.structs.replace(again, is_inflated=True)


def _allowed(hours: NDArray[np.float64], rate_per_h: float) -> NDArray[np.float64]:
    if not rate_per_h > 0:
        raise ValueError(f"a rate must be above 0, got {rate_per_h}")
    allowed: NDArray[np.float64] = np.floor(hours * rate_per_h * (1.0 + 1e-9))
    return allowed


def _thresholds(
    starts: EpisodeStarts, weights: NDArray[np.float64], rate_per_h: float
) -> NDArray[np.float64]:
    """Return, for each row of weights, the smallest threshold from which on the rate is kept.

    Going down from the highest score, the count rises by the run's weight below each `above` and falls by
    it below each `floor`. Only the top of the scores is looked at, and more of it if a resample needs it.
    """
    allowed = _allowed(weights @ starts.hours, rate_per_h)
    found = np.full(len(weights), np.nan)
    open_rows = np.nonzero(allowed >= 1)[0]
    n_top = int(4 * allowed.max(initial=1.0)) + 50
    while open_rows.size:
        is_all = n_top >= starts.above.size
        lowest = -np.inf if is_all else np.partition(starts.above, -n_top)[-n_top]
        up = starts.above >= lowest
        down = (starts.floor >= lowest) & np.isfinite(starts.floor)
        value = np.concatenate([starts.above[up], starts.floor[down]])
        run = np.concatenate([starts.run[up], starts.run[down]])
        sign = np.concatenate([np.ones(up.sum()), -np.ones(down.sum())])
        order = np.argsort(-value, kind="stable")
        value, run, sign = value[order], run[order], sign[order]
        # Just below value[last]: all events of equal scores together.
        last = np.append(np.nonzero(np.diff(value))[0], value.size - 1)
        edges = value[last]
        rows_of_block = max(1, 8_000_000 // max(value.size, 1))
        still: list[Any] = []
        for rows in np.split(open_rows, range(rows_of_block, open_rows.size, rows_of_block)):
            count = np.cumsum(weights[rows][:, run] * sign, axis=1)[:, last]
            is_over = count > allowed[rows][:, None] + 0.5
            has = is_over.any(axis=1)
            found[rows[has]] = edges[np.argmax(is_over, axis=1)[has]]
            still.append(rows[~has])
        open_rows = np.concatenate(still)
        if is_all:
            found[open_rows] = -np.inf  # fewer episodes than allowed at every threshold
            break
        n_top *= 4
    return found


def _level(starts: EpisodeStarts) -> float:
    n = min(N_PEAKS, max(MIN_EPISODES, starts.above.size // 10))
    return float(_thresholds(starts, np.ones((1, starts.hours.size)), n / float(starts.hours.sum()))[0])


def _peaks(starts: EpisodeStarts, level: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the peak and run of each episode above a level.

    Starts are in order of time within a run: one whose floor is not above the level begins an episode, and
    the others before the next such one belong to it.
    """
    member = starts.above > level
    above, floor, run = starts.above[member], starts.floor[member], starts.run[member]
    first = np.nonzero(floor <= level)[0]
    if first.size == 0:
        return np.empty(0, dtype=np.float64), np.empty(0, dtype=np.int64)
    return np.maximum.reduceat(above, first), run[first]


def _fit_pareto(
    excess: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return shape and scale of each weighted sample.

    With theta = shape / scale the best shape is the mean of log(1 + theta x), and the likelihood a function
    of theta alone; it is searched on a grid and then narrowed by the golden section.
    """
    n = np.maximum(weight.sum(axis=1), 1e-300)
    if excess.size == 0:
        nan = np.full(len(weight), np.nan)
        return nan, nan
    top = np.where(weight > 0, excess, 0.0).max(axis=1)
    mean = weight @ excess / n

    def _shape(theta: NDArray[np.float64]) -> NDArray[np.float64]:
        inside = np.maximum(1.0 + theta[:, None] * excess, 1e-300)
        found: NDArray[np.float64] = (weight * np.log(inside)).sum(axis=1) / n
        return found

    def _profile(theta: NDArray[np.float64]) -> NDArray[np.float64]:
        shape = _shape(theta)
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.where(np.abs(theta * mean) < 1e-7, mean, shape / theta)
            found = -np.log(scale) - shape - 1.0
        return np.where((scale > 0) & (shape >= MIN_SHAPE), found, -np.inf)

    # theta in units of 1 / mean: from just above -1 / top to heavy tails.
    low = -(1.0 - 1e-6) / top
    grid = np.concatenate([np.linspace(0.0, 1.0, 25), 1.0 + np.geomspace(0.02, 20.0, 35)])
    candidates = [np.where(g <= 1.0, low * (1.0 - g), (g - 1.0) / mean) for g in grid]
    value = np.array([_profile(theta) for theta in candidates])
    best = np.clip(np.argmax(value, axis=0), 1, len(grid) - 2)
    theta = np.array(candidates)
    rows = np.arange(len(weight))
    left, right = theta[best - 1, rows], theta[best + 1, rows]
    ratio = (np.sqrt(5.0) - 1.0) / 2.0
    for _ in range(40):
        a, b = right - ratio * (right - left), left + ratio * (right - left)
        is_left = _profile(a) >= _profile(b)
        left, right = np.where(is_left, left, a), np.where(is_left, b, right)
    middle = 0.5 * (left + right)
    shape = _shape(middle)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(np.abs(middle * mean) < 1e-7, mean, shape / middle)
    return shape, scale

"""The tail of background scores: a generalised Pareto law for the peaks of episodes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from screening.evaluate.metrics.episode_counts import EpisodeStarts
from screening.evaluate.metrics.thresholds import thresholds_of

__all__ = ["MIN_EPISODES", "ParetoTail", "episode_peaks", "pareto_tail", "tail_level"]

#: A law, like a threshold, rests on at least this many episodes (scoring, false alarms).
MIN_EPISODES = 30
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
    u = tail_level(starts) if level is None else float(level)
    if np.isneginf(u):  # too few episodes at every threshold
        none = np.full(1 if weights is None else len(np.asarray(weights)), np.nan)
        return ParetoTail(u, none, none, none)
    peak, run = episode_peaks(starts, u)
    w = np.ones((1, starts.hours.size)) if weights is None else np.asarray(weights, dtype=np.float64)
    excess, weight = peak - u, w[:, run]
    n = weight.sum(axis=1)
    shape, scale = _fit_pareto(excess, weight)
    enough = n >= MIN_EPISODES
    return ParetoTail(
        u, np.where(enough, shape, np.nan), np.where(enough, scale, np.nan), n / (w @ starts.hours)
    )


def tail_level(starts: EpisodeStarts) -> float:
    """Return the level above which the law is fitted.

    Parameters
    ----------
    starts : EpisodeStarts
        Of all background runs.

    Returns
    -------
    float
        The score that about 500 episodes exceed, or as many as a tenth of the starts; -inf without enough.
    """
    n = min(N_PEAKS, max(MIN_EPISODES, starts.above.size // 10))
    return float(thresholds_of(starts, np.ones((1, starts.hours.size)), n / float(starts.hours.sum()))[0])


def episode_peaks(starts: EpisodeStarts, level: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the peak and run of each episode above a level.

    Parameters
    ----------
    starts : EpisodeStarts
        In order of time within each run.
    level : float
        Threshold of the episodes.

    Returns
    -------
    peak : ndarray of shape (n_episode,), float64
        Largest score of each.
    run : ndarray of shape (n_episode,), int64
        Its run.

    Notes
    -----
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

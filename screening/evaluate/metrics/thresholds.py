"""The smallest threshold from which on there are never more episodes than a rate allows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from screening.evaluate.metrics.episode_counts import EpisodeStarts

__all__ = ["allowed_episodes", "threshold_from_counts", "thresholds_of"]


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
    is_over = w @ table > allowed_episodes(w @ length, rate_per_h)[:, None]
    first_kept = grid.size - np.argmax(is_over[:, ::-1], axis=1)
    first_kept[~is_over.any(axis=1)] = 0
    return np.where(first_kept < grid.size, grid[np.minimum(first_kept, grid.size - 1)], np.nan)


def allowed_episodes(hours: NDArray[np.float64], rate_per_h: float) -> NDArray[np.float64]:
    """Return how many episodes a rate allows.

    Parameters
    ----------
    hours : ndarray, float64
        Background watched.
    rate_per_h : float
        Episodes per hour.

    Returns
    -------
    ndarray, float64
        Whole numbers.

    Raises
    ------
    ValueError
        If the rate is not above 0.
    """
    if not rate_per_h > 0:
        raise ValueError(f"a rate must be above 0, got {rate_per_h}")
    allowed: NDArray[np.float64] = np.floor(hours * rate_per_h * (1.0 + 1e-9))
    return allowed


def thresholds_of(
    starts: EpisodeStarts, weights: NDArray[np.float64], rate_per_h: float
) -> NDArray[np.float64]:
    """Return, for each resample, the smallest threshold from which on the rate is kept.

    Parameters
    ----------
    starts : EpisodeStarts
        Of all background runs.
    weights : ndarray of shape (n_resample, n_run), float64
        How often each run is in each resample.
    rate_per_h : float
        Episodes per hour.

    Returns
    -------
    ndarray of shape (n_resample,), float64
        Thresholds: -inf where no threshold gives more episodes, not-a-number where the background is too
        short for one.

    Raises
    ------
    ValueError
        If the rate is not above 0, there is no background, or a start belongs to no run.

    Notes
    -----
    Going down from the highest score, the count rises by the run's weight below each `above` and falls by
    it below each `floor`. Only the top of the scores is looked at, and more of it if a resample needs it.
    """
    n_run = starts.hours.size
    if n_run == 0:
        raise ValueError("no background: a threshold needs at least one run")
    if starts.run.size and not 0 <= starts.run.min() <= starts.run.max() < n_run:
        strange = starts.run[(starts.run < 0) | (starts.run >= n_run)][0]
        raise ValueError(f"an episode starts in run {strange} of {n_run}, counted from 0")
    allowed = allowed_episodes(weights @ starts.hours, rate_per_h)
    found = np.full(len(weights), np.nan)
    open_rows = np.nonzero(allowed >= 1)[0]
    if starts.above.size == 0:  # nothing ever starts an episode
        found[open_rows] = -np.inf
        return found
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
        last = np.append(np.nonzero(value[1:] != value[:-1])[0], value.size - 1)
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

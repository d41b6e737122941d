"""Scores of a series where they count: alarms on background, and whether a pass is detected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.evaluate.metrics.episodes import (
    HOLD_S,
    EpisodeStarts,
    detection_score,
    episode_starts,
)

from .scene import INTERVAL_S, Run

__all__ = ["LEAD_S", "Failures", "Scorer", "background_starts", "frozen", "pass_scores", "scorer_of"]

#: Seconds of a pass that a detector is shown before the first score that counts, unless it asks for others.
LEAD_S = 10.0


class Scorer(NamedTuple):
    """A detector at work.

    Attributes
    ----------
    name : str
        Its name.
    score : callable
        Counts and mean background of a series to scores, (n_series, n_interval): most detectors give one
        series, and only the oracle looks at the mean background.
    lead_s : float
        Seconds before a score that it rests on.
    """

    name: str
    score: Callable[[NDArray[np.uint16], NDArray[np.float32]], NDArray[np.float64]]
    lead_s: float = LEAD_S


class Failures:
    """How often each detector failed, and why it did first.

    Attributes
    ----------
    by_name : dict of str to (int, str)
        Times and the first error.
    """

    def __init__(self) -> None:
        self.by_name: dict[str, tuple[int, str]] = {}

    def note(self, name: str, error: Exception) -> None:
        """Count a failure.

        Parameters
        ----------
        name : str
            The detector.
        error : Exception
            What it raised.
        """
        n, why = self.by_name.get(name, (0, f"{type(error).__name__}: {error}"))
        self.by_name[name] = n + 1, why

    def add(self, lines: NDArray[np.str_]) -> None:
        """Add the failures of a piece of work.

        Parameters
        ----------
        lines : ndarray of shape (n,), str
            From `lines`.
        """
        for line in lines:
            name, times, why = str(line).split("\n", 2)
            n, first = self.by_name.get(name, (0, why))
            self.by_name[name] = n + int(times), first

    def lines(self) -> NDArray[np.str_]:
        """Return the failures as they are kept.

        Returns
        -------
        ndarray of shape (n,), str
            Name, times and first error, in lines.
        """
        return np.array([f"{name}\n{n}\n{why}" for name, (n, why) in self.by_name.items()], dtype=np.str_)


def frozen(counts: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Return counts that nobody can change.

    Parameters
    ----------
    counts : ndarray of shape (n_interval, n_bin), uint16
        Counts.

    Returns
    -------
    ndarray of shape (n_interval, n_bin), uint16
        The same numbers, contiguous and read-only.
    """
    held = np.array(counts, order="C")
    held.setflags(write=False)
    return held


def scorer_of(detector: Any) -> Scorer:
    """Return a detector of series at work.

    Parameters
    ----------
    detector : SeriesDetector
        Fitted.

    Returns
    -------
    Scorer
        It, with its answers checked.
    """

    def _score(counts: NDArray[np.uint16], background: NDArray[np.float32]) -> NDArray[np.float64]:
        del background
        found = np.asarray(detector.score(counts), dtype=np.float64)
        if found.shape != (counts.shape[0],) or np.isnan(found).any():
            raise ValueError(
                f"detector {detector.name!r} must give {counts.shape[0]} scores, none of them not a number, "
                f"got shape {found.shape} with {int(np.isnan(found).sum())} not a number"
            )
        return found[np.newaxis]

    return Scorer(detector.name, _score, float(getattr(detector, "lead_s", LEAD_S)))


def background_starts(
    scorer: Scorer, runs: Sequence[Run], *, is_by_occupancy: bool, lowest: NDArray[np.float64]
) -> list[EpisodeStarts]:
    """Return where alarms would start on the background of one parent, at every threshold.

    Parameters
    ----------
    scorer : Scorer
        A detector.
    runs : sequence of Run
        A run, or the occupancies of a shift.
    is_by_occupancy : bool
        An occupancy alarms or does not, and `hours` of the answer are occupancies.
    lowest : ndarray of shape (n_series,), float64
        No lower thresholds will be asked for.

    Returns
    -------
    list of EpisodeStarts
        One for each series of the detector.
    """
    scores = [scorer.score(run.counts, run.background) for run in runs]
    found = []
    for k in range(scores[0].shape[0]):
        if is_by_occupancy:
            highest = np.array([one[k, run.first :].max() for one, run in zip(scores, runs, strict=True)])
            highest = highest[highest > lowest[k]]
            none = np.full(highest.size, -np.inf)
            found.append(
                EpisodeStarts(highest, none, np.zeros(highest.size, np.int64), np.array([float(len(runs))]))
            )
        else:
            found.append(episode_starts(scores[0][k, runs[0].first :], INTERVAL_S, lowest=float(lowest[k])))
    return found


def pass_scores(
    scorers: Sequence[Scorer],
    counts: NDArray[np.uint16],
    run: Run,
    start_s: float,
    end_s: float,
    *,
    failed: Failures | None = None,
) -> NDArray[np.float64]:
    """Return the threshold below which each detector detects a pass.

    Parameters
    ----------
    scorers : sequence of Scorer
        Detectors, each of one series.
    counts : ndarray of shape (n_interval, n_bin), uint16
        Counts of background and source.
    run : Run
        The background.
    start_s, end_s : float
        Window in which an episode is a detection.
    failed : Failures, optional
        Notes who fails, and such a pass is a miss; without it the error is raised.

    Returns
    -------
    ndarray of shape (n_scorer,), float64
        All get the same counts, cut to what each needs.
    """
    first = max(int(np.floor((start_s - HOLD_S) / INTERVAL_S)), run.first)
    stop = min(int(np.ceil(end_s / INTERVAL_S - 1e-6)), counts.shape[0])
    parts: dict[int, tuple[NDArray[np.uint16], NDArray[np.float32]]] = {}
    found = np.empty(len(scorers))
    for k, scorer in enumerate(scorers):
        begin = max(first - int(np.ceil(scorer.lead_s / INTERVAL_S)), 0)
        if begin not in parts:
            parts[begin] = frozen(counts[begin:stop]), run.background[begin:stop]
        at_s = begin * INTERVAL_S
        try:
            scores = scorer.score(*parts[begin])[0].copy()
            scores[: first - begin] = -np.inf
            found[k] = detection_score(scores, INTERVAL_S, start_s - at_s, end_s - at_s)
        except Exception as error:  # a detector's failure is a result
            if failed is None:
                raise
            failed.note(scorer.name, error)
            found[k] = -np.inf
    return found

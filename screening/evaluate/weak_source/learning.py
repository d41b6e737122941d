"""What detectors learn from: training and validation background, and the merit that chooses settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.evaluate.metrics.episodes import EpisodeStarts
from screening.evaluate.metrics.false_alarms import threshold_at_rate

from .oracle import Oracle, oracle_for
from .protocol import Context
from .scale import Scale
from .scene import INTERVAL_S, Pass, Run, Track, seed_of, stacked_counts
from .watching import Scorer, background_starts, frozen, pass_scores

__all__ = ["FACTORS", "Lesson", "lesson_of"]

#: Activities of validation passes over those at which the oracle is designed, and how many times more false
#: alarms are allowed there than at the operating point, so that a short background tells.
FACTORS, _MORE_ALARMS = (0.7, 1.2, 2.0, 3.5, 6.0), 8.0


class Lesson(NamedTuple):
    """What detectors learn from.

    Attributes
    ----------
    train, validation : list of list of Run
        Background by parent.
    passes : list of tuple
        Validation passes, and their counts at each activity.
    context : Context
        For detectors.
    oracle : Oracle
        Of all sources.
    design : ndarray of shape (n_stratum,), float64
        Activities at which the oracle is designed, MBq.
    """

    train: list[list[Run]]
    validation: list[list[Run]]
    passes: list[tuple[Pass, list[NDArray[np.uint16]]]]
    context: Context
    oracle: Oracle
    design: NDArray[np.float64]


def lesson_of(track: Track, scale: Scale, seed: int) -> Lesson:
    """Draw what detectors learn from.

    Parameters
    ----------
    track : Track
        The track.
    scale : Scale
        How much.
    seed : int
        Of the bench.

    Returns
    -------
    Lesson
        The same in every process.
    """
    train = [_frozen(track.background(seed_of(seed, "train", k))) for k in range(scale.n_train)]
    validation = [
        _frozen(track.background(seed_of(seed, "validation", 0, k))) for k in range(scale.n_validation)
    ]
    counts = np.concatenate([run.counts for runs in train for run in runs])
    rows = np.stack([track.template(stratum) for stratum in track.strata])
    oracle, design = oracle_for(rows, track.profile(), counts.mean(axis=0, dtype=np.float64))
    passes = []
    for i, stratum in enumerate(track.strata):
        for k in range(scale.n_validation_pass):
            one = track.source_pass(stratum, seed_of(seed, "validation", 1, i, k))
            activities = design[i] * np.array(FACTORS)
            drawn = seed_of(seed, "validation", 2, i, k)
            stack = stacked_counts(one, activities, float(activities[-1]), drawn)
            passes.append((one, [frozen(each) for each in stack]))
    templates: dict[str, NDArray[np.float32]] = {}
    for stratum, row in zip(track.strata, rows, strict=True):
        unit = (row / max(float(row.sum()), 1e-300)).astype(np.float32)[np.newaxis]
        known = templates.get(stratum.nuclide)
        templates[stratum.nuclide] = unit if known is None else np.concatenate([known, unit])
    context = Context(
        track=track.name,
        edges_kev=track.edges_kev,
        interval_s=INTERVAL_S,
        templates=templates,
        merit=_merit(track, validation, passes),
        n_trial=scale.n_trial,
        seed=seed,
    )
    return Lesson(train, validation, passes, context, oracle, design)


def _frozen(runs: list[Run]) -> list[Run]:
    return [run._replace(counts=frozen(run.counts)) for run in runs]


def _merit(
    track: Track, validation: list[list[Run]], passes: list[tuple[Pass, list[NDArray[np.uint16]]]]
) -> Callable[[Callable[[NDArray[np.uint16]], NDArray[np.float64]]], float]:
    """Return the share of validation passes detected, as a function of a score."""

    def _of(score: Callable[[NDArray[np.uint16]], NDArray[np.float64]]) -> float:
        owner = getattr(score, "__self__", None)
        lead_s = float(getattr(owner, "lead_s", 60.0))

        def _score(counts: NDArray[np.uint16], background: NDArray[np.float32]) -> NDArray[np.float64]:
            del background
            return np.asarray(score(counts), dtype=np.float64)[np.newaxis]

        scorer = Scorer("tried", _score, lead_s)
        lowest = np.full(1, -np.inf)
        starts = [
            background_starts(scorer, runs, is_by_occupancy=track.is_by_occupancy, lowest=lowest)[0]
            for runs in validation
        ]
        threshold = threshold_at_rate(_pooled(starts), _MORE_ALARMS * track.far, n_resample=1).value
        if threshold is None:
            raise ValueError("validation background is too short for a threshold")
        found = [
            pass_scores([scorer], counts, one.run, one.start_s, one.end_s)[0] > threshold
            for one, stack in passes
            for counts in stack
        ]
        return float(np.mean(found))

    return _of


def _pooled(parts: list[EpisodeStarts]) -> EpisodeStarts:
    return EpisodeStarts(
        np.concatenate([part.above for part in parts]),
        np.concatenate([part.floor for part in parts]),
        np.concatenate([np.full(part.above.size, k, np.int64) for k, part in enumerate(parts)]),
        np.concatenate([part.hours for part in parts]),
    )

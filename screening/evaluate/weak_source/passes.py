"""Passes of sources: at which activities each detector is asked, and what it scored."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from screening.evaluate.metrics.sigmoid import COVER, fit_detection_curve, fit_detection_curves
from screening.work import Job

from .gathered import Gathered, Passes
from .plan import unpacked
from .runner import Runner
from .watching import Failures

__all__ = ["ranges_of", "score_passes_of", "short_of", "unseen_of"]

#: Tenths of a decade about the activity at which the oracle is designed: where the pilot looks, first and for
#: those who have not seen all passes by then, its step, and where the source is drawn.
_PILOT, _PILOT_STRONG, _PILOT_STEP, _LARGEST = (-7, 12), (14, 24), 3, 26

#: What is added to the range the pilot finds, and later where a curve falls short. With (1, 2) curves of 11
#: of the 17 sources along the street fell short, with (2, 3) none.
_MARGIN, _MORE = (2, 3), 4

#: Rounds in which curves that do not reach far enough are extended.
_TURNS = 3


def score_passes_of(runner: Runner, known: Gathered, design: NDArray[np.float64]) -> list[Passes]:
    """Find the range of activities of each detector and source, and score passes there.

    Parameters
    ----------
    runner : Runner
        Who does it.
    known : Gathered
        All but the passes.
    design : ndarray of shape (n_stratum,), float64
        Activities at which the oracle is designed, MBq.

    Returns
    -------
    list of Passes
        By stratum.
    """
    scale = known.scale
    centre = np.round(10.0 * np.log10(design)).astype(int)
    wide = [
        [
            [0, 0] if detector in known.failures else [int(c) + _PILOT[0], int(c) + _PILOT[1]]
            for detector in known.detectors
        ]
        for c in centre
    ]
    pilot = _scored(runner, known, "pilot", wide, centre, scale.n_pilot, _PILOT_STEP)
    # Strong sources take long to fit, and most detectors have seen all by then.
    strong = [unseen_of(known, i, pilot[i], int(centre[i])) for i in range(len(centre))]
    added = _scored(runner, known, "pilot", strong, centre, scale.n_pilot, _PILOT_STEP, stage="pilot-strong")
    pilot = {i: _merged(one, added[i]) if i in added else one for i, one in pilot.items()}
    ranges = [ranges_of(known, i, pilot[i], int(centre[i])) for i in range(len(centre))]
    passes = _scored(runner, known, "test", ranges, centre, scale.n_pass, 1)
    for turn in range(_TURNS):
        free = _chance(known, passes)
        more = [short_of(known, i, passes[i], int(centre[i]), free) for i in range(len(centre))]
        if not any(pair[0] < pair[1] for pairs in more for pair in pairs):
            break
        added = _scored(runner, known, "test", more, centre, scale.n_pass, 1, stage=f"more-{turn}")
        passes = {i: _merged(one, added[i]) if i in added else one for i, one in passes.items()}
    return [passes[i] for i in range(len(centre))]


def _scored(
    runner: Runner,
    known: Gathered,
    split: str,
    ranges: list[list[list[int]]],
    centre: NDArray[np.int64],
    n: int,
    step: int,
    *,
    stage: str = "",
) -> dict[int, Passes]:
    size = known.scale.passes_per_job
    jobs = [
        Job(
            f"{i:03d} {first:06d}",
            {
                "work_dir": str(runner.work_dir),
                "split": split,
                "stratum": i,
                "first": first,
                "stop": min(first + size, n),
                "ranges": pairs,
                "largest": int(centre[i]) + _LARGEST,
                "step": step,
            },
        )
        for i, pairs in enumerate(ranges)
        if any(pair[0] < pair[1] for pair in pairs)
        for first in range(0, n, size)
    ]
    results = runner.run(stage or split, "score_passes", jobs, f"passes of the {split}")
    found = {}
    for i in range(len(ranges)):
        parts = [unpacked(value) for key, value in results.items() if key.startswith(f"{i:03d} ")]
        if parts:
            scores = np.concatenate([part["scores"] for part in parts])
            failed = Failures()
            for part in parts:
                failed.add(part["failed"])
            found[i] = Passes(parts[0]["tenth"], scores[:, :-1], scores[:, -1], failed.by_name)
    return found


def unseen_of(known: Gathered, stratum: int, pilot: Passes, centre: int) -> list[list[int]]:
    """Return the strong activities at which the pilot asks those who have not seen all passes before.

    Parameters
    ----------
    known : Gathered
        Thresholds.
    stratum : int
        Which source.
    pilot : Passes
        Its pilot so far.
    centre : int
        Tenth of a decade at which the oracle is designed.

    Returns
    -------
    list of [int, int]
        For each detector, half-open, tenths of decades of MBq; [0, 0] for one that saw every pass at both of
        the last two activities.
    """
    found = []
    for d, detector in enumerate(known.detectors):
        is_done = detector in known.failures
        if not is_done:
            threshold = known.alarms[known.series(detector, stratum)].verified.threshold
            is_done = bool((pilot.scores[:, -2:, d] > threshold).all())
        found.append([0, 0] if is_done else [centre + each for each in _PILOT_STRONG])
    return found


def ranges_of(known: Gathered, stratum: int, pilot: Passes, centre: int) -> list[list[int]]:
    """Return the activities at which each detector is asked: from 0.02 to 0.99 as the pilot has it.

    Parameters
    ----------
    known : Gathered
        Thresholds.
    stratum : int
        Which source.
    pilot : Passes
        Its pilot.
    centre : int
        Tenth of a decade at which the oracle is designed.

    Returns
    -------
    list of [int, int]
        For each detector, half-open, tenths of decades of MBq.
    """
    top = centre + _LARGEST + 1
    found = []
    for d, detector in enumerate(known.detectors):
        if detector in known.failures:
            found.append([0, 0])
            continue
        threshold = known.alarms[known.series(detector, stratum)].verified.threshold
        asked = np.flatnonzero(~np.isnan(pilot.scores[:, :, d]).all(axis=0))
        tenth = pilot.tenth[asked]
        hits = (pilot.scores[:, asked, d] > threshold).sum(axis=0)
        n = len(pilot.scores)
        curve = fit_detection_curves(10.0 ** (tenth / 10.0), hits[np.newaxis], n, chance=0.0, cover=None)
        ends = [10.0 * np.log10(float(curve.mda(p)[0])) for p in COVER]
        if not np.isfinite(ends).all():
            some, full = np.flatnonzero(hits > 0), np.flatnonzero(hits < n)
            ends = [
                float(tenth[some[0]]) - _PILOT_STEP if some.size else float(tenth[-1]),
                float(tenth[full[-1]]) + _PILOT_STEP if full.size else float(tenth[0]),
            ]
        low, high = int(np.floor(ends[0])) - _MARGIN[0], int(np.ceil(ends[1])) + _MARGIN[1]
        low = min(max(low, centre - 2 * _LARGEST), top - 6)
        found.append([low, min(max(high, low + 5), top)])
    return found


def _chance(known: Gathered, passes: dict[int, Passes]) -> NDArray[np.float64]:
    """Return the share of passes without a source that alarm, by detector over all sources."""
    free = np.zeros(len(known.detectors))
    for d, detector in enumerate(known.detectors):
        if detector not in known.failures:
            found = [
                one.without[:, d] > known.alarms[known.series(detector, i)].verified.threshold
                for i, one in passes.items()
            ]
            free[d] = np.mean(np.concatenate(found))
    return free


def short_of(
    known: Gathered, stratum: int, passes: Passes, centre: int, chance: NDArray[np.float64]
) -> list[list[int]]:
    """Return the activities that each detector's curve still lacks.

    Parameters
    ----------
    known : Gathered
        Thresholds.
    stratum : int
        Which source.
    passes : Passes
        Its passes so far.
    centre : int
        Tenth of a decade at which the oracle is designed.
    chance : ndarray of shape (n_detector,), float64
        Share of passes without a source that alarm, over all sources: what the curves are fitted with.

    Returns
    -------
    list of [int, int]
        For each detector, half-open, tenths of decades of MBq; [0, 0] where nothing lacks.
    """
    top = centre + _LARGEST + 1
    found = []
    for d, detector in enumerate(known.detectors):
        if detector in known.failures:
            found.append([0, 0])
            continue
        threshold = known.alarms[known.series(detector, stratum)].verified.threshold
        asked = np.flatnonzero(~np.isnan(passes.scores[:, :, d]).all(axis=0))
        low, high = int(passes.tenth[asked[0]]), int(passes.tenth[asked[-1]]) + 1
        hits = (passes.scores[:, asked, d] > threshold).sum(axis=0)
        n = len(passes.scores)
        activity = 10.0 ** (passes.tenth[asked] / 10.0)
        free = float(chance[d])
        fit = fit_detection_curve(activity, hits, n, chance=free, cover=None)
        # Where the curve so far says that it goes from 0.02 to 0.99, chance aside; else a step at a time.
        low_end, high_end = low - _MORE, high + _MORE
        if fit.m is not None and fit.s is not None:
            ends = 10.0 / np.log(10.0) * (fit.m + fit.s * special.ndtri(np.array(COVER)))
            low_end, high_end = int(np.floor(ends[0])), int(np.ceil(ends[1])) + 1
        low_end, high_end = max(low_end, centre - 2 * _LARGEST), min(high_end, top)
        if high_end > high:
            found.append([high, high_end])
        elif low_end < low and (fit.is_fitted or hits[0] > (COVER[0] + free) * n):
            found.append([low_end, low])
        else:
            found.append([0, 0])
    return found


def _merged(one: Passes, other: Passes) -> Passes:
    tenth = np.union1d(one.tenth, other.tenth)
    scores = np.full((len(one.scores), tenth.size, one.scores.shape[2]), np.nan, np.float32)
    for part in (one, other):
        at = np.searchsorted(tenth, part.tenth)
        held = scores[:, at]
        scores[:, at] = np.where(np.isnan(part.scores), held, part.scores)
    failed = dict(one.failed or {})
    for name, (n, why) in (other.failed or {}).items():
        before = failed.get(name, (0, why))
        failed[name] = before[0] + n, before[1]
    return Passes(tenth, scores, one.without, failed)

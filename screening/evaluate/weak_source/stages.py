"""The stages of a bench, one after the other; each is a ledger of jobs that a killed run goes on with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.errors import ScreeningError
from screening.evaluate.metrics.episodes import EpisodeStarts, n_episodes
from screening.evaluate.metrics.false_alarms import (
    pareto_tail,
    threshold_at_rate,
    threshold_by_tail,
    verified_threshold,
)
from screening.evaluate.metrics.false_alarms import Verification as Verified
from screening.evaluate.metrics.resampling import Estimate
from screening.evaluate.metrics.sigmoid import COVER, fit_detection_curves
from screening.work import Job, Ledger, Progress, run_jobs

from .jobs import KNOWN, ORACLE, Plan, packed, pass_detectors, series_names, unpacked
from .scale import Scale, scale_of, track_of
from .scene import Track

__all__ = ["Alarms", "Gathered", "Passes", "gather"]

VERSION = "weak-source/1"

#: Floors of stored scores: where validation background alarms so many times more often than allowed.
_FLOOR_FACTOR = 40.0

#: Tenths of a decade about the activity at which the oracle is designed: where the pilot looks, its step, and
#: where the source is drawn; and what is added to the range the pilot finds, and later where it falls short.
_PILOT, _PILOT_STEP, _LARGEST, _MARGIN, _MORE = (-7, 24), 3, 26, (1, 2), 4

_DEADLINE_S = 3600.0


class Alarms(NamedTuple):
    """Alarms of one series on background.

    Attributes
    ----------
    threshold : Estimate
        Set on the threshold split.
    verified : Verification
        On the verification split; holds the threshold that is used.
    starts, unseen : EpisodeStarts
        Where episodes start on both splits; hours are occupancies on the portal.
    """

    threshold: Estimate
    verified: Verified
    starts: EpisodeStarts
    unseen: EpisodeStarts


class Passes(NamedTuple):
    """Scores of the passes of one source.

    Attributes
    ----------
    tenth : ndarray of shape (n_activity,), int64
        Tenths of decades of MBq.
    scores : ndarray of shape (n_pass, n_activity, n_detector), float32
        Below which threshold each is detected; not a number where a detector was not asked.
    without : ndarray of shape (n_pass, n_detector), float32
        The same without a source.
    """

    tenth: NDArray[np.int64]
    scores: NDArray[np.float32]
    without: NDArray[np.float32]


class Gathered(NamedTuple):
    """All that a bench has to say before it is reckoned.

    Attributes
    ----------
    plan, track, scale : Plan, Track, Scale
        What was asked.
    learned : dict of str to dict
        What each detector and the oracle learned, as arrays.
    failures : dict of str to str
        Detectors that could not be tested, and why.
    alarms : dict of str to Alarms
        By series.
    detectors : list of str
        In the order of the passes' scores.
    passes : list of Passes
        By stratum.
    """

    plan: Plan
    track: Track
    scale: Scale
    learned: dict[str, dict[str, NDArray[np.float64]]]
    failures: dict[str, str]
    alarms: dict[str, Alarms]
    detectors: list[str]
    passes: list[Passes]

    def series(self, detector: str, stratum: int) -> str:
        """Return which series of background belongs to a detector and a source.

        Parameters
        ----------
        detector : str
            One of `detectors`.
        stratum : int
            Which source.

        Returns
        -------
        str
            Key of `alarms`.
        """
        chosen = self.track.strata[stratum]
        return {KNOWN: f"{KNOWN}@{chosen.nuclide}", ORACLE: f"{ORACLE}@{chosen.name}"}.get(detector, detector)


class _Runner(NamedTuple):
    work_dir: Path
    identity: dict[str, str]
    workers: int
    progress: Callable[[int, int, str], None] | None

    def run(self, stage: str, function: str, jobs: Iterable[Job], text: str) -> dict[str, bytes]:
        """Do the jobs of a stage, and return their results by key; raise if one is missing."""
        results, failures = self.attempt(stage, function, jobs, text)
        if failures:
            key, why = next(iter(failures.items()))
            raise ScreeningError(f"{stage} {key} of the weak-source bench failed: {why}", value=key)
        return results

    def attempt(
        self, stage: str, function: str, jobs: Iterable[Job], text: str
    ) -> tuple[dict[str, bytes], dict[str, str]]:
        def _tell(state: Progress) -> None:
            if self.progress is not None:
                self.progress(state.counts.done + state.counts.failed, state.counts.total, text)

        with Ledger(self.work_dir / f"{stage}.sqlite", self.identity) as ledger:
            ledger.add(jobs)
            run_jobs(
                ledger,
                f"screening.evaluate.weak_source.jobs:{function}",
                workers=self.workers,
                deadline_s=_DEADLINE_S,
                progress=_tell,
            )
            failures = {failure.key: failure.error for failure in ledger.failures()}
            return {result.key: result.value for result in ledger.results()}, failures


def gather(
    work_dir: Path,
    plan: Plan,
    *,
    workers: int,
    progress: Callable[[int, int, str], None] | None = None,
) -> Gathered:
    """Do all that has not been done.

    Parameters
    ----------
    work_dir : Path
        Folder of the bench; finished pieces in it are kept.
    plan : Plan
        What to do.
    workers : int
        Processes.
    progress : callable, optional
        Called with pieces done, of all of the stage, and what is done.

    Returns
    -------
    Gathered
        The scores.

    Raises
    ------
    ConfigurationError
        If the folder holds another bench.
    ScreeningError
        If a piece of work failed.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    encoded = msgspec.json.encode(plan)
    identity = {"bench": VERSION, "plan": hashlib.sha256(encoded).hexdigest()}
    runner = _Runner(work_dir, identity, workers, progress)
    # The ledger refuses a folder of another bench before its plan is overwritten.
    with Ledger(work_dir / "learn.sqlite", identity):
        (work_dir / "plan.json").write_bytes(encoded)
    track, scale = track_of(plan.what, plan.form), scale_of(plan.what, plan.form)
    learned, failures = _learn(runner, plan)
    names = series_names(work_dir)
    _set_floors(runner, track, scale, names)
    alarms = _alarms(runner, track, scale, names, plan.seed)
    detectors = pass_detectors(work_dir)
    blank = Gathered(plan, track, scale, learned, failures, alarms, detectors, [])
    passes = _pass_stages(runner, blank, learned[ORACLE]["design"])
    return blank._replace(passes=passes)


def _learn(
    runner: _Runner, plan: Plan
) -> tuple[dict[str, dict[str, NDArray[np.float64]]], dict[str, str]]:
    wanted = [ORACLE, *plan.detectors]
    jobs = [
        Job(f"{k:02d} {name}", {"work_dir": str(runner.work_dir), "name": name}) for k, name in enumerate(wanted)
    ]
    results, failures = runner.attempt("learn", "learn", jobs, "detectors learn")
    learned, why = {}, {}
    for job, name in zip(jobs, wanted, strict=True):
        data = results.get(job.key)
        if data is None:
            why[name] = failures[job.key]
            if name == ORACLE:
                raise ScreeningError(f"background cannot be drawn: {why[name]}", value=name)
            data = packed(failed=np.zeros(0))
        else:
            learned[name] = unpacked(data)
        (runner.work_dir / f"learned-{name.replace(':', '-')}.npz").write_bytes(data)
    return learned, why


def _set_floors(runner: _Runner, track: Track, scale: Scale, names: list[str]) -> None:
    """Find below which scores nothing is stored, from the background of the validation."""
    path = runner.work_dir / "floors.npz"
    if path.is_file():
        return
    results = runner.run(
        "floors",
        "score_background",
        _background_jobs(runner, "validation", scale.n_validation, scale),
        "scores of the validation",
    )
    lowest = np.full(len(names), -np.inf)
    for k, starts in enumerate(_starts(list(results.values()), len(names))):
        found = threshold_at_rate(starts, _FLOOR_FACTOR * track.far, n_resample=1).value
        lowest[k] = -np.inf if found is None else found
    held = path.with_suffix(".part")
    held.write_bytes(packed(lowest=lowest))
    held.replace(path)


def _background_jobs(runner: _Runner, split: str, n: int, scale: Scale) -> list[Job]:
    size = scale.parents_per_job
    return [
        Job(
            f"{split} {first:06d}",
            {"work_dir": str(runner.work_dir), "split": split, "first": first, "stop": min(first + size, n)},
        )
        for first in range(0, n, size)
    ]


def _starts(pieces: list[bytes], n_series: int) -> list[EpisodeStarts]:
    """Return the starts of each series over all pieces, runs numbered on."""
    parts = [unpacked(piece) for piece in pieces]
    exposure = np.concatenate([part["exposure"] for part in parts])
    before = np.cumsum([0, *(part["exposure"].size for part in parts)])
    above = np.concatenate([part["above"] for part in parts])
    floor = np.concatenate([part["floor"] for part in parts])
    series = np.concatenate([part["series"] for part in parts])
    run = np.concatenate([part["run"] + at for part, at in zip(parts, before, strict=False)])
    return [
        EpisodeStarts(above[series == k], floor[series == k], run[series == k].astype(np.int64), exposure)
        for k in range(n_series)
    ]


def _alarms(
    runner: _Runner, track: Track, scale: Scale, names: list[str], seed: int
) -> dict[str, Alarms]:
    jobs = [
        *_background_jobs(runner, "threshold", scale.n_threshold, scale),
        *_background_jobs(runner, "verification", scale.n_verification, scale),
    ]
    results = runner.run("background", "score_background", jobs, "scores of background")
    sets = {
        split: _starts([v for key, v in results.items() if key.startswith(split)], len(names))
        for split in ("threshold", "verification")
    }
    found = {}
    for k, name in enumerate(names):
        starts, unseen = sets["threshold"][k], sets["verification"][k]
        set_by = threshold_by_tail if scale.is_tail else threshold_at_rate
        estimate = set_by(starts, track.far, n_resample=scale.n_resample, seed=seed)
        if estimate.value is None or not np.isfinite(estimate.value):
            raise ScreeningError(f"background gives {name} no threshold: {estimate.method}", value=name)
        found[name] = Alarms(estimate, verified_threshold(unseen, estimate.value, track.far), starts, unseen)
    return found


def _pass_stages(runner: _Runner, known: Gathered, design: NDArray[np.float64]) -> list[Passes]:
    scale, n_detector = known.scale, len(known.detectors)
    centre = np.round(10.0 * np.log10(design)).astype(int)
    wide = [[[int(c) + _PILOT[0], int(c) + _PILOT[1]]] * n_detector for c in centre]
    pilot = _scored(runner, known, "pilot", wide, centre, scale.n_pilot, _PILOT_STEP)
    ranges = [_ranges(known, i, pilot[i], int(centre[i])) for i in range(len(centre))]
    passes = _scored(runner, known, "test", ranges, centre, scale.n_pass, 1)
    for turn in range(2):
        more = [_short_of(known, i, passes[i], int(centre[i])) for i in range(len(centre))]
        if not any(pair[0] < pair[1] for pairs in more for pair in pairs):
            break
        added = _scored(runner, known, "test", more, centre, scale.n_pass, 1, stage=f"more-{turn}")
        passes = [_merged(one, other) for one, other in zip(passes, added, strict=True)]
    return passes


def _scored(
    runner: _Runner,
    known: Gathered,
    split: str,
    ranges: list[list[list[int]]],
    centre: NDArray[np.int64],
    n: int,
    step: int,
    *,
    stage: str = "",
) -> list[Passes | None]:
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
    found: list[Passes | None] = []
    for i in range(len(ranges)):
        parts = [unpacked(value) for key, value in results.items() if key.startswith(f"{i:03d} ")]
        if not parts:
            found.append(None)
            continue
        scores = np.concatenate([part["scores"] for part in parts])
        found.append(Passes(parts[0]["tenth"], scores[:, :-1], scores[:, -1]))
    return found


def _ranges(known: Gathered, stratum: int, pilot: Passes | None, centre: int) -> list[list[int]]:
    """Return the activities at which each detector is asked: where the pilot says it goes from 0.02 to 0.99."""
    if pilot is None:
        raise ScreeningError("a pilot has no passes", value=stratum)
    top = centre + _LARGEST + 1
    found = []
    for d, detector in enumerate(known.detectors):
        threshold = known.alarms[known.series(detector, stratum)].verified.threshold
        hits = (pilot.scores[:, :, d] > threshold).sum(axis=0)
        n = len(pilot.scores)
        curve = fit_detection_curves(10.0 ** (pilot.tenth / 10.0), hits[np.newaxis], n, chance=0.0, cover=None)
        ends = [10.0 * np.log10(float(curve.mda(p)[0])) for p in COVER]
        if not np.isfinite(ends).all():
            some, full = np.flatnonzero(hits > 0), np.flatnonzero(hits < n)
            ends = [
                float(pilot.tenth[some[0]]) - _PILOT_STEP if some.size else float(pilot.tenth[-1]),
                float(pilot.tenth[full[-1]]) + _PILOT_STEP if full.size else float(pilot.tenth[0]),
            ]
        low, high = int(np.floor(ends[0])) - _MARGIN[0], int(np.ceil(ends[1])) + _MARGIN[1]
        low = min(max(low, centre - 2 * _LARGEST), top - 6)
        found.append([low, min(max(high, low + 5), top)])
    return found


def _short_of(known: Gathered, stratum: int, passes: Passes, centre: int) -> list[list[int]]:
    """Return the activities that a detector's curve still lacks; an empty range where it lacks none."""
    top = centre + _LARGEST + 1
    found = []
    for d, detector in enumerate(known.detectors):
        threshold = known.alarms[known.series(detector, stratum)].verified.threshold
        asked = np.flatnonzero(~np.isnan(passes.scores[:, :, d]).all(axis=0))
        low, high = int(passes.tenth[asked[0]]), int(passes.tenth[asked[-1]]) + 1
        hits = (passes.scores[:, asked, d] > threshold).sum(axis=0)[np.newaxis]
        n = len(passes.scores)
        activity = 10.0 ** (passes.tenth[asked] / 10.0)
        free = float(np.mean(passes.without[:, d] > threshold))
        curve = fit_detection_curves(activity, hits, n, chance=free)
        if curve.outcome[0] == "fitted":
            found.append([0, 0])
        elif hits[0, -1] < COVER[1] * n and high < top:
            found.append([high, min(high + _MORE, top)])
        elif hits[0, 0] > (COVER[0] + free) * n:
            found.append([low - _MORE, low])
        elif high < top:
            found.append([high, min(high + _MORE, top)])
        else:
            found.append([0, 0])
    return found


def _merged(one: Passes, other: Passes | None) -> Passes:
    if other is None:
        return one
    tenth = np.union1d(one.tenth, other.tenth)
    scores = np.full((len(one.scores), tenth.size, one.scores.shape[2]), np.nan, np.float32)
    for part in (one, other):
        at = np.searchsorted(tenth, part.tenth)
        held = scores[:, at]
        scores[:, at] = np.where(np.isnan(part.scores), held, part.scores)
    return Passes(tenth, scores, one.without)

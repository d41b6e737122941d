"""The stages of a bench, one after the other; each is a ledger of jobs that a killed run goes on with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import special

from screening.errors import ScreeningError
from screening.evaluate.metrics.episodes import EpisodeStarts
from screening.evaluate.metrics.false_alarms import (
    Verification,
    pareto_tail,
    resampled_thresholds,
    threshold_at_rate,
    verified_threshold,
)
from screening.evaluate.metrics.resampling import Estimate, clusters_of, interval_of, weight_blocks
from screening.evaluate.metrics.sigmoid import COVER, fit_detection_curve, fit_detection_curves
from screening.work import Job, Ledger, Progress, run_jobs

from .jobs import KNOWN, ORACLE, Plan, packed, pass_detectors, series_names, unpacked
from .registry import make_detector
from .scale import Scale, scale_of, track_of
from .scene import Track

__all__ = ["Alarms", "Gathered", "Passes", "gather"]

VERSION = "weak-source/1"

#: Floors of stored scores: where validation background alarms so many times more often than allowed.
_FLOOR_FACTOR = 40.0

#: Tenths of a decade about the activity at which the oracle is designed: where the pilot looks, its step, and
#: where the source is drawn; and what is added to the range the pilot finds, and later where it falls short.
_PILOT, _PILOT_STEP, _LARGEST, _MARGIN, _MORE = (-7, 24), 3, 26, (1, 2), 4

#: Rounds in which curves that do not reach far enough are extended.
_TURNS = 3

_DEADLINE_S = 3600.0


class Alarms(NamedTuple):
    """Alarms of one series on background.

    Attributes
    ----------
    threshold : Estimate
        Set on the threshold split.
    resampled : ndarray of shape (n_resample,), float64
        The threshold of each resample of its parents; the same parents for every series.
    verified : Verification
        On the verification split; holds the threshold that is used.
    starts, unseen : EpisodeStarts
        Where episodes start on both splits; hours are occupancies on the portal.
    """

    threshold: Estimate
    resampled: NDArray[np.float64]
    verified: Verification
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
    tiers : dict of str to str
        Of detectors that are not ours, as they say.
    """

    plan: Plan
    track: Track
    scale: Scale
    learned: dict[str, dict[str, NDArray[np.float64]]]
    failures: dict[str, str]
    alarms: dict[str, Alarms]
    detectors: list[str]
    passes: list[Passes]
    tiers: dict[str, str]

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

    def run(self, stage: str, function: str, jobs: list[Job], text: str) -> dict[str, bytes]:
        """Do the jobs of a stage, and return their results by key; raise if one is missing."""
        results, failures = self.attempt(stage, function, jobs, text)
        if failures:
            key, why = next(iter(failures.items()))
            raise ScreeningError(f"{stage} {key} of the weak-source bench failed: {why}", value=key)
        return results

    def attempt(
        self, stage: str, function: str, jobs: list[Job], text: str
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
            keys = {job.key for job in jobs}
            failures = {found.key: found.error for found in ledger.failures() if found.key in keys}
            return {found.key: found.value for found in ledger.results() if found.key in keys}, failures


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
    alarms, failed = _alarms(runner, track, scale, names, plan.seed)
    failures |= failed
    detectors = pass_detectors(work_dir)
    tiers = {
        made.name: str(getattr(made, "tier", "blind"))
        for made in (make_detector(name, plan.settings) for name in plan.detectors if name not in failures)
    }
    blank = Gathered(plan, track, scale, learned, failures, alarms, detectors, [], tiers)
    passes = _pass_stages(runner, blank, learned[ORACLE]["design"])
    return blank._replace(passes=passes)


def _learn(runner: _Runner, plan: Plan) -> tuple[dict[str, dict[str, NDArray[np.float64]]], dict[str, str]]:
    wanted = [ORACLE, *plan.detectors]
    jobs = [
        Job(f"{k:02d} {name}", {"work_dir": str(runner.work_dir), "name": name})
        for k, name in enumerate(wanted)
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
        if starts.above.size:  # none of a detector that fails
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
) -> tuple[dict[str, Alarms], dict[str, str]]:
    jobs = [
        *_background_jobs(runner, "threshold", scale.n_threshold, scale),
        *_background_jobs(runner, "verification", scale.n_verification, scale),
    ]
    results = runner.run("background", "score_background", jobs, "scores of background")
    sets = {
        split: _starts([v for key, v in results.items() if key.startswith(split)], len(names))
        for split in ("threshold", "verification")
    }
    failed = _failed(list(results.values()))
    found = {}
    for k, name in enumerate(names):
        if name in failed:
            continue
        starts, unseen = sets["threshold"][k], sets["verification"][k]
        estimate, resampled = _threshold(starts, track.far, scale, seed)
        if estimate.value is None or not np.isfinite(estimate.value):
            raise ScreeningError(f"background gives {name} no threshold: {estimate.method}", value=name)
        verified = verified_threshold(unseen, estimate.value, track.far)
        found[name] = Alarms(estimate, resampled, verified, starts, unseen)
    return found, failed


def _failed(pieces: list[bytes]) -> dict[str, str]:
    """Return the detectors that failed on background, and why."""
    lines = [str(line) for piece in pieces for line in unpacked(piece)["failed"]]
    return {name: f"failed on background: {why}" for name, _, why in (line.partition("\n") for line in lines)}


def _threshold(
    starts: EpisodeStarts, far: float, scale: Scale, seed: int
) -> tuple[Estimate, NDArray[np.float64]]:
    """Return the threshold, counted or from a Pareto tail, with that of each resample of the parents."""
    clusters = clusters_of(None, starts.hours.size)
    if scale.is_tail:
        tail = pareto_tail(starts)
        value = float(tail.threshold(far)[0])
        resampled = np.concatenate(
            [
                pareto_tail(starts, level=tail.level, weights=weight).threshold(far)
                for weight in weight_blocks(clusters, scale.n_resample, seed=seed)
            ]
        )
    else:
        counted = threshold_at_rate(starts, far, n_resample=1).value
        value = np.nan if counted is None else counted
        resampled = resampled_thresholds(starts, far, n_resample=scale.n_resample, seed=seed)
    estimate = interval_of(value, resampled, clusters)
    how = f"generalised Pareto tail, {estimate.method}" if scale.is_tail else estimate.method
    return msgspec.structs.replace(estimate, method=f"{how} over {starts.hours.size} parents"), resampled


def _pass_stages(runner: _Runner, known: Gathered, design: NDArray[np.float64]) -> list[Passes]:
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
    ranges = [_ranges(known, i, pilot[i], int(centre[i])) for i in range(len(centre))]
    passes = _scored(runner, known, "test", ranges, centre, scale.n_pass, 1)
    for turn in range(_TURNS):
        more = [_short_of(known, i, passes[i], int(centre[i])) for i in range(len(centre))]
        if not any(pair[0] < pair[1] for pairs in more for pair in pairs):
            break
        added = _scored(runner, known, "test", more, centre, scale.n_pass, 1, stage=f"more-{turn}")
        passes = {i: _merged(one, added[i]) if i in added else one for i, one in passes.items()}
    return [passes[i] for i in range(len(centre))]


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
            found[i] = Passes(parts[0]["tenth"], scores[:, :-1], scores[:, -1])
    return found


def _ranges(known: Gathered, stratum: int, pilot: Passes, centre: int) -> list[list[int]]:
    """Return the activities at which each detector is asked: from 0.02 to 0.99 as the pilot has it."""
    top = centre + _LARGEST + 1
    found = []
    for d, detector in enumerate(known.detectors):
        if detector in known.failures:
            found.append([0, 0])
            continue
        threshold = known.alarms[known.series(detector, stratum)].verified.threshold
        hits = (pilot.scores[:, :, d] > threshold).sum(axis=0)
        n = len(pilot.scores)
        curve = fit_detection_curves(
            10.0 ** (pilot.tenth / 10.0), hits[np.newaxis], n, chance=0.0, cover=None
        )
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
        if detector in known.failures:
            found.append([0, 0])
            continue
        threshold = known.alarms[known.series(detector, stratum)].verified.threshold
        asked = np.flatnonzero(~np.isnan(passes.scores[:, :, d]).all(axis=0))
        low, high = int(passes.tenth[asked[0]]), int(passes.tenth[asked[-1]]) + 1
        hits = (passes.scores[:, asked, d] > threshold).sum(axis=0)
        n = len(passes.scores)
        activity = 10.0 ** (passes.tenth[asked] / 10.0)
        free = float(np.mean(passes.without[:, d] > threshold))
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
    return Passes(tenth, scores, one.without)

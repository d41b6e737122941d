"""The pieces of work of a bench, each done in some process from the seed alone, each kept as bytes."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .factorised import FactorTemplates
from .learning import Lesson, lesson_of
from .oracle import Oracle
from .plan import KNOWN, ORACLE, Plan, packed, plan_of, unpacked
from .registry import make_detector
from .scale import Scale, scale_of, track_of
from .scene import INTERVAL_S, Track, seed_of, stacked_counts
from .watching import Failures, Scorer, background_starts, frozen, pass_scores, scorer_of

__all__ = ["learn", "pass_detectors", "score_background", "score_passes", "series_owners"]


class _Bench(NamedTuple):
    track: Track
    scale: Scale
    plan: Plan


@lru_cache(maxsize=2)
def _bench(work_dir: str) -> _Bench:
    plan = plan_of(Path(work_dir))
    return _Bench(track_of(plan.what, plan.form), scale_of(plan.what, plan.form), plan)


@lru_cache(maxsize=1)
def _lesson(work_dir: str) -> Lesson:
    held = _bench(work_dir)
    return lesson_of(held.track, held.scale, held.plan.seed)


@lru_cache(maxsize=2)
def _detectors(work_dir: str) -> tuple[Any, ...]:
    plan = _bench(work_dir).plan
    found = []
    for name in plan.detectors:
        detector = make_detector(name, plan.settings)
        learned = unpacked(_learned_path(work_dir, name).read_bytes())
        if hasattr(detector, "restore") and "failed" not in learned:
            detector.restore({key: value for key, value in learned.items() if key != "none"})
        elif "failed" not in learned:
            _fit(detector, work_dir)
        else:
            continue
        found.append(detector)
    return tuple(found)


@lru_cache(maxsize=2)
def _oracle(work_dir: str) -> Oracle:
    learned = unpacked(_learned_path(work_dir, ORACLE).read_bytes())
    return Oracle(learned["templates"], learned["profile"])


def _learned_path(work_dir: str, name: str) -> Path:
    return Path(work_dir) / f"learned-{name.replace(':', '-')}.npz"


def series_owners(work_dir: Path) -> dict[str, str]:
    """Return the series of scores that background is read for, and who gives each.

    Parameters
    ----------
    work_dir : Path
        Working folder in which everything is learned.

    Returns
    -------
    dict of str to str
        Detectors, those told the nuclide ("nmf-known-source@Cs-137", given by the templates' detector) and
        the oracle of each stratum.
    """
    return {name: scorer.name for scorer, names in _scorers(str(work_dir)) for name in names}


@lru_cache(maxsize=2)
def _scorers(work_dir: str) -> tuple[tuple[Scorer, tuple[str, ...]], ...]:
    """Return who scores background, and the names of their series."""
    track = _bench(work_dir).track
    found: list[tuple[Scorer, tuple[str, ...]]] = []
    nuclides = tuple(dict.fromkeys(stratum.nuclide for stratum in track.strata))
    for detector in _detectors(work_dir):
        if type(detector) is FactorTemplates:
            names = (detector.name, *(f"{KNOWN}@{nuclide}" for nuclide in nuclides))
            found.append((Scorer(detector.name, _with_each(detector), detector.lead_s), names))
        else:
            found.append((scorer_of(detector), (detector.name,)))
    oracle = _oracle(work_dir)
    names = tuple(f"{ORACLE}@{stratum.name}" for stratum in track.strata)
    found.append((Scorer(ORACLE, oracle.score_each, oracle.lead_s), names))
    return tuple(found)


def _with_each(detector: FactorTemplates) -> Any:
    def _score(counts: NDArray[np.uint16], background: NDArray[np.float32]) -> NDArray[np.float64]:
        del background
        each = detector.score_each(counts)
        return np.concatenate([each.max(axis=0, keepdims=True), each])

    return _score


def _fit(detector: Any, work_dir: str) -> None:
    lesson = _lesson(work_dir)
    train = [run.counts for runs in lesson.train for run in runs]
    validation = [run.counts for runs in lesson.validation for run in runs]
    detector.fit(train, validation, lesson.context)


def learn(work_dir: str, name: str) -> bytes:
    """Let one detector learn, or the oracle be told.

    Parameters
    ----------
    work_dir : str
        Working folder.
    name : str
        A detector, or "oracle".

    Returns
    -------
    bytes
        What it learned; of the oracle also what background the bench has.
    """
    if name == ORACLE:
        lesson = _lesson(work_dir)
        counts = [run.counts for runs in lesson.train for run in runs]
        return packed(
            templates=lesson.oracle.templates,
            profile=lesson.oracle.profile,
            design=lesson.design,
            **_background_facts(counts),
        )
    detector: Any = make_detector(name, _bench(work_dir).plan.settings)
    _fit(detector, work_dir)
    if hasattr(detector, "arrays") and hasattr(detector, "restore"):
        return packed(**detector.arrays())
    return packed(none=np.zeros(0))


def _background_facts(series: list[NDArray[np.uint16]]) -> dict[str, NDArray[Any]]:
    """Return rate, its variation and the components above noise of training background.

    Components: eigenvalues of spectra of 2 s in units of Poisson noise above the largest that noise alone
    gives (Marchenko and Pastur 1967: (1 + sqrt(p / n))^2).
    """
    second = [
        counts[: len(counts) // 10 * 10].sum(axis=1, dtype=np.int64).reshape(-1, 10).sum(axis=1)
        for counts in series
    ]
    all_rates = np.concatenate(second).astype(np.float64)
    # Beyond Poisson's, within a series and over all.
    within = [
        max(float(rates.var(ddof=1) - rates.mean()), 0.0) / float(rates.mean()) ** 2
        for rates in second
        if rates.size > 2
    ]
    overall = max(float(all_rates.var() - all_rates.mean()), 0.0) / float(all_rates.mean()) ** 2
    spectra = np.concatenate(
        [c[: len(c) // 20 * 20].reshape(-1, 20, c.shape[1]).sum(axis=1, dtype=np.int64) for c in series]
    ).astype(np.float64)
    total = spectra.sum(axis=1, keepdims=True)
    share = np.maximum(spectra.sum(axis=0) / total.sum(), 1e-9)
    scaled = (spectra - total * share) / np.sqrt(total * share)
    values = np.linalg.eigvalsh(scaled.T @ scaled / len(scaled))[::-1]
    edge = (1.0 + np.sqrt(spectra.shape[1] / len(spectra))) ** 2
    return {
        "rate_cps": np.array(all_rates.mean()),
        "variation_within": np.array(float(np.sqrt(np.mean(within)))),
        "variation": np.array(float(np.sqrt(overall))),
        "eigenvalues": values,
        "noise_edge": np.array(float(edge)),
        "background": np.concatenate(series).mean(axis=0, dtype=np.float64),
        "hours": np.array(sum(len(c) for c in series) / 36000.0),
    }


def score_background(work_dir: str, split: str, first: int, stop: int) -> bytes:
    """Score some parents of a split of background.

    Parameters
    ----------
    work_dir : str
        Working folder.
    split : {"validation", "threshold", "verification"}
        Split.
    first, stop : int
        Parents, half-open.

    Returns
    -------
    bytes
        Where episodes start at each threshold above the series' floor: `above`, `floor`, `series`, `run`
        (from 0), the `exposure` of each run, hours or occupancies, and which detectors `failed`, how often
        and why.
    """
    held = _bench(work_dir)
    names = series_owners(Path(work_dir))
    path = Path(work_dir) / "floors.npz"
    lowest = unpacked(path.read_bytes())["lowest"] if path.is_file() else np.full(len(names), -np.inf)
    keys = (0,) if split == "validation" else ()
    above, floor, series, run, exposure = [], [], [], [], []
    failed = Failures()
    for k in range(first, stop):
        drawn = held.track.background(seed_of(held.plan.seed, split, *keys, k))
        runs = [one._replace(counts=frozen(one.counts)) for one in drawn]
        at = 0
        for scorer, own in _scorers(work_dir):
            try:
                found = background_starts(
                    scorer,
                    runs,
                    is_by_occupancy=held.track.is_by_occupancy,
                    lowest=lowest[at : at + len(own)],
                )
            except Exception as error:  # a detector's failure is a result
                failed.note(scorer.name, error)
                at += len(own)
                continue
            for starts in found:
                above.append(starts.above)
                floor.append(starts.floor)
                series.append(np.full(starts.above.size, at, np.int16))
                run.append(np.full(starts.above.size, k - first, np.int32))
                at += 1
        by_run = sum(run.counts.shape[0] - run.first for run in runs) * INTERVAL_S / 3600.0
        exposure.append(float(len(runs)) if held.track.is_by_occupancy else by_run)
    return packed(
        above=np.concatenate([*above, np.zeros(0)]),
        floor=np.concatenate([*floor, np.zeros(0)]),
        series=np.concatenate([*series, np.zeros(0, np.int16)]),
        run=np.concatenate([*run, np.zeros(0, np.int32)]),
        exposure=np.array(exposure),
        failed=failed.lines(),
    )


def score_passes(
    work_dir: str,
    split: str,
    stratum: int,
    first: int,
    stop: int,
    ranges: list[list[int]],
    largest: int,
    step: int = 1,
) -> bytes:
    """Score passes of one source at the activities that each detector needs.

    Parameters
    ----------
    work_dir : str
        Working folder.
    split : {"pilot", "test"}
        Split.
    stratum : int
        Which source.
    first, stop : int
        Passes, half-open.
    ranges : list of [int, int]
        For each detector the tenths of decades of MBq, half-open, at which it is asked; none when equal.
    largest : int
        Tenth of a decade of MBq at which the source is drawn.
    step : int
        From one activity to the next, tenths.

    Returns
    -------
    bytes
        `scores` (n_pass, n_activity + 1, n_detector), not a number where it was not asked; the last activity
        is none at all; minus infinity, a miss, where a detector failed. `tenth` holds the activities, and
        `failed` who failed, how often and why.
    """
    held = _bench(work_dir)
    chosen = held.track.strata[stratum]
    scorers = _pass_scorers(work_dir, stratum)
    wanted = [pair for pair in ranges if pair[0] < pair[1]]
    tenth = np.arange(min(pair[0] for pair in wanted), max(pair[1] for pair in wanted), step)
    activities = np.append(10.0 ** (tenth / 10.0), 0.0)
    scores = np.full((stop - first, activities.size, len(scorers)), np.nan, dtype=np.float32)
    failed = Failures()
    for k in range(first, stop):
        one = held.track.source_pass(chosen, seed_of(held.plan.seed, split, 0, stratum, k))
        drawn = seed_of(held.plan.seed, split, 1, stratum, k)
        stack = stacked_counts(one, activities, 10.0 ** (largest / 10.0), drawn)
        for i, counts in enumerate(stack):
            at = tenth[i] if i < tenth.size else None
            is_asked = [p[0] < p[1] and (at is None or p[0] <= at < p[1]) for p in ranges]
            asked = [scorer for scorer, is_one in zip(scorers, is_asked, strict=True) if is_one]
            if asked:
                found = pass_scores(asked, counts, one.run, one.start_s, one.end_s, failed=failed)
                scores[k - first, i, np.flatnonzero(is_asked)] = found
    return packed(scores=scores, tenth=tenth, failed=failed.lines())


def _pass_scorers(work_dir: str, stratum: int) -> list[Scorer]:
    """Return who scores the passes of a source: each detector, who is told the nuclide, the oracle."""
    track = _bench(work_dir).track
    nuclides = list(dict.fromkeys(each.nuclide for each in track.strata))
    which = nuclides.index(track.strata[stratum].nuclide)
    found = []
    for detector in _detectors(work_dir):
        found.append(scorer_of(detector))
        if type(detector) is FactorTemplates:
            found[-1] = Scorer(detector.name, _kept(detector, None), detector.lead_s)
            found.append(Scorer(KNOWN, _kept(detector, which), detector.lead_s))
    oracle = _oracle(work_dir)

    def _told(counts: NDArray[np.uint16], background: NDArray[np.float32]) -> NDArray[np.float64]:
        return oracle.score_each(counts, background, np.array([stratum]))

    return [*found, Scorer(ORACLE, _told, oracle.lead_s)]


_LAST_EACH: list[Any] = [None, None, None]


def _kept(detector: FactorTemplates, which: int | None) -> Any:
    """Return a score that does not do again for one nuclide what was done for all."""

    def _score(counts: NDArray[np.uint16], background: NDArray[np.float32]) -> NDArray[np.float64]:
        del background
        if _LAST_EACH[0] is not counts or _LAST_EACH[1] is not detector:
            _LAST_EACH[:] = [counts, detector, detector.score_each(counts)]
        each: NDArray[np.float64] = _LAST_EACH[2]
        return np.array(each.max(axis=0, keepdims=True) if which is None else each[which : which + 1])

    return _score


def pass_detectors(work_dir: Path) -> list[str]:
    """Return who scores passes.

    Parameters
    ----------
    work_dir : Path
        Working folder in which everything is learned.

    Returns
    -------
    list of str
        Names, in the order of the scores.
    """
    return [scorer.name for scorer in _pass_scorers(str(work_dir), 0)]

"""The sections on simulated spectra: overall, by cell, backgrounds, the oracles, confidence, mistakes."""

from __future__ import annotations

from collections.abc import Callable

from screening.config import Settings
from screening.evaluate.identification import load_correspondence, severity
from screening.evaluate.record import DetectorTested, Figure, LeftOut, Part, Section
from screening.records import sha256_hex

from .against import comparisons, shares_of_ceiling
from .curves import calibration, confusions, count_curves, half_points
from .exhibits import failures
from .figures import (
    averages,
    fractions,
    group_figures,
    refusals,
    share_of,
)
from .plan import BENCH_VERSION, NOT_SIMULATED, BenchPlan, parent_plans
from .scored import Answer, oracle_thresholds, scored_parents, with_oracles
from .work import ORACLES, ParentResult

__all__ = ["simulated_part"]

ALL = "identification"
CELLS = "identification-cells"
BACKGROUNDS = "identification-backgrounds"
CEILING = "identification-oracle"
CONFIDENCE = "identification-confidence"
MISTAKES = "identification-mistakes"

_ORACLE_TEXT = {
    "oracle": "told the exact background and the exact spectrum of each source in this instrument",
    "oracle-shape": "told the same shapes, and not how much background there is",
}

#: False identifications of the oracles where there is no background to take the rate from.
_RATE = 0.01

Holds = Callable[[Answer], bool]


def simulated_part(
    results: list[ParentResult],
    plan: BenchPlan,
    detectors: list[DetectorTested],
    settings: Settings,
    *,
    seed: int,
    note: str = "",
) -> Part:
    """Return all figures on simulated spectra.

    Parameters
    ----------
    results : list of ParentResult
        Of the jobs; parents that are not there are left out by name.
    plan : BenchPlan
        The plan they were made after.
    detectors : list of DetectorTested
        Under test, the first compared with the others.
    settings : Settings
        Of the pipeline whose fit is shown.
    seed : int
        Of the bench.
    note : str
        What must be said of all of it.

    Returns
    -------
    Part
        Six sections.
    """
    table = load_correspondence()
    names = [one.name for one in detectors]
    answers, left_out = scored_parents(results, plan, table)
    n_all = sum(1 for _ in parent_plans(plan))
    if len(results) < n_all:
        left_out.append(
            LeftOut(
                kind="not run",
                where="identification",
                text=f"{len(results)} of {n_all} parents were asked: the rest of the plan was not run",
                n=n_all - len(results),
                is_error=False,
            )
        )
    left_out += [
        LeftOut(
            kind="not simulated",
            where=kind,
            text=f"no simulated crystal is of class {kind}: it is not part of the bench",
            is_error=False,
        )
        for kind in NOT_SIMULATED
    ]
    reference = answers[names[0]]
    empty = [one for one in reference if not one.case.truth]
    n_false = sum(one.score.verdict == "wrong" for one in empty)
    # At least one in all: a rate of 0 would put the threshold above everything that was ever seen.
    rate = max(n_false, 1) / len(empty) if empty else _RATE
    thresholds = oracle_thresholds(results, rate)
    both = with_oracles(answers, results, plan, table, thresholds)
    figures: list[Figure] = []
    for name in [*names, *ORACLES]:
        figures += _overall(both[name], name, is_first=name == names[0])
        figures += _backgrounds(both[name], name)
    for name in names:
        figures += _cells(both[name], name)
        figures += confusions(both[name], section=MISTAKES, detector=name)
    strata = _strata(reference)
    sources: dict[str, Holds] = {"": lambda one: bool(one.case.truth), **strata}
    for ceiling in ORACLES:
        headline = names[0] if ceiling == "oracle-shape" else ""
        figures += shares_of_ceiling(both, names, ceiling, sources, section=CEILING, headline=headline)
    figures += half_points(both, [*names, *ORACLES], section=ALL)
    figures += [
        Figure(
            section=CEILING,
            metric="likelihood ratio that must be passed",
            detector=name,
            value=value,
            k=n_false,
            n=float(len(empty)),
            unit="2 ln L",
            method=f"quantile of backgrounds at the rate of {names[0]}, {rate:.4f}",
        )
        for name, value in thresholds.items()
    ]
    stated, diagrams = calibration(answers, table, section=CONFIDENCE)
    shown = [
        exhibit
        for name in names[:1]
        for exhibit in failures(answers[name], plan, settings, seed=seed, section=MISTAKES, detector=name)
    ]
    scan_ids = sorted(scan_id for one in results for scan_id in one.scan_ids)
    return Part(
        sections=_sections(table.version, plan, note, len(reference) - len(empty), len(empty)),
        detectors=(
            *detectors,
            *(
                DetectorTested(name=name, version="1", text=_ORACLE_TEXT[name], tier="oracle")
                for name in ORACLES
            ),
        ),
        figures=(*figures, *stated),
        curves=(*count_curves(both, [*names, *ORACLES], section=ALL), *diagrams),
        comparisons=tuple(comparisons(answers, names[0], names[1:], sources, section=ALL)),
        exhibits=tuple(shown),
        left_out=tuple(left_out),
        data={"identification spectra": sha256_hex("\n".join(scan_ids).encode())},
        seeds={"identification": seed},
    )


def _strata(answers: list[Answer]) -> dict[str, Holds]:
    """Return which spectra are of each class, detector, level, and with or without a background."""
    cases = [one.case for one in answers if one.case.truth]
    strata: dict[str, Holds] = {}
    for name in dict.fromkeys(case.truth_class for case in cases):
        strata[f"class {name}"] = _where(truth_class=name)
    for name in dict.fromkeys(case.group for case in cases):
        strata[f"detector {name}"] = _where(group=name)
    for name in dict.fromkeys(case.level for case in cases):
        strata[name] = _where(level=name)
    for is_with in sorted({case.has_background for case in cases}, reverse=True):
        strata[f"{'with' if is_with else 'without'} a separate background"] = _where(has_background=is_with)
    return strata


def _where(**wanted: object) -> Holds:
    def _holds(one: Answer) -> bool:
        return bool(one.case.truth) and all(
            getattr(one.case, name) == value for name, value in wanted.items()
        )

    return _holds


def _overall(answers: list[Answer], name: str, *, is_first: bool) -> list[Figure]:
    source = [one for one in answers if one.case.truth]
    figures = fractions(source, section=ALL, detector=name, is_headline=True)
    figures += averages(source, section=ALL, detector=name, is_headline=is_first)
    for stratum, holds in _strata(answers).items():
        some = [one for one in source if holds(one)]
        figures += fractions(some, section=ALL, detector=name, stratum=stratum)
        figures += averages(some, section=ALL, detector=name, stratum=stratum)
    for truth in dict.fromkeys(one.case.truth for one in source):
        some = [one for one in source if one.case.truth == truth]
        figures += fractions(some, section=ALL, detector=name, stratum=f"source {'+'.join(truth)}")
    for what, group_of in (
        ("classes of truth", lambda one: one.case.truth_class),
        ("sources", lambda one: "+".join(one.case.truth)),
        ("detector classes", lambda one: one.case.group),
    ):
        figures += group_figures(source, group_of, what=what, section=ALL, detector=name)
    return [*figures, *_passed_off(source, name), *refusals(source, section=ALL, detector=name)]


def _passed_off(source: list[Answer], name: str) -> list[Figure]:
    """Return how often nuclear material was given names, and none as severe: it would go through as those."""
    table = load_correspondence()
    worst = severity("HEU", table)
    mine = [one for one in source if any(severity(label, table) == worst for label in one.case.truth)]

    def _is_passed_off(one: Answer) -> bool:
        named = [label for label in one.reply.nuclides or () if label not in table.always_allowed]
        return bool(named) and all(severity(label, table) < worst for label in named)

    return [
        share_of(
            mine,
            _is_passed_off,
            section=ALL,
            metric="SNM that is given names, all of them less severe",
            detector=name,
            better="lower",
            note="natural labels apart",
        )
    ]


def _cells(answers: list[Answer], name: str) -> list[Figure]:
    """Return the four fractions of every class of truth, level and class of detector."""
    cells: dict[str, list[Answer]] = {}
    for one in answers:
        case = one.case
        cells.setdefault(f"{case.truth_class}, {case.group}, {case.level}", []).append(one)
    figures = []
    for stratum, some in cells.items():
        figures += fractions(some, section=CELLS, detector=name, stratum=stratum)
    return figures


def _backgrounds(answers: list[Answer], name: str) -> list[Figure]:
    empty = [one for one in answers if not one.case.truth]
    strata: dict[str, list[Answer]] = {"": empty}
    for one in empty:
        strata.setdefault(f"detector {one.case.group}", []).append(one)
        strata.setdefault(one.case.level, []).append(one)
        with_ = "with" if one.case.has_background else "without"
        strata.setdefault(f"{with_} a separate background", []).append(one)
    figures = []
    for stratum, some in strata.items():
        for metric, hits in (
            ("false identification", lambda one: one.score.verdict == "wrong"),
            ("false SNM", lambda one: one.score.is_false_snm),
        ):
            figures.append(
                share_of(
                    some,
                    hits,
                    section=BACKGROUNDS,
                    metric=metric,
                    detector=name,
                    stratum=stratum,
                    better="lower",
                    is_headline=not stratum and metric == "false identification",
                )
            )
    return figures


def _sections(version: str, plan: BenchPlan, note: str, n_source: int, n_empty: int) -> tuple[Section, ...]:
    data = (
        f"simulated, bench {BENCH_VERSION}: {n_source} spectra with a source, {n_empty} without; generator "
        "settings wider than training, seeds apart from it"
    )
    said = (note,) if note else ()
    rule = (
        f"Scored by table {version} of correspondence: every spectrum is correct, partial, wrong or missed, "
        "and no answer is missed. Counts and ratio are those between 50 and 3,000 keV."
    )
    made = (
        "Instrument, place and shield are drawn for each parent; its draws at all counts and ratios share "
        "them, so that intervals over several levels go over parents. The background stands beside a "
        "vehicle; half of the parents bring a separate one along, up to 30 % wrong in scale."
    )
    oracle = (
        "The oracles are told what a detector must find out. Their threshold gives as many backgrounds a "
        "name as the first detector does. A share of an oracle is the ratio of two shares of correct answers."
    )
    return (
        Section(id=ALL, title="Identification of simulated spectra", text=(*said, rule, made), data=data),
        Section(
            id=BACKGROUNDS,
            title="Names given to backgrounds",
            text=(
                *said,
                "A name outside the natural series and the crystal's own is a false identification.",
            ),
            data=data,
        ),
        Section(id=CEILING, title="Against the oracles", text=(*said, oracle), data=data),
        Section(
            id=CONFIDENCE,
            title="Whether stated confidence comes true",
            text=(*said, "Confidences of named labels, natural ones in every background left out."),
            data=data,
        ),
        Section(
            id=MISTAKES,
            title="Labels that are not there, and spectra that were answered wrongly",
            text=said,
            data=data,
        ),
        Section(
            id=CELLS,
            title="Class of truth, detector, counts and ratio",
            text=(*said, "One spectrum a parent in every cell: exact intervals."),
            data=data,
        ),
    )

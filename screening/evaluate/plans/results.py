"""From the outcomes of trials to the table of a plan, with the counts behind every verdict."""

from __future__ import annotations

import re
from collections.abc import Sequence

from screening.evaluate.record import (
    Curve,
    DetectorTested,
    Exhibit,
    Figure,
    LeftOut,
    Part,
    Section,
    Series,
)

from .asking import OBSERVER, TrialOutcome
from .exhibits import failing_trials
from .image_scenarios import IndicatorScenario
from .indicators import N_PLACE
from .points import PASSED, SHORT_NOTE, point_figures
from .scenario import Scenario
from .schema import Plan
from .sweeping import sweep_of
from .sweeps import sweep_curve, sweep_figures

__all__ = ["exit_status", "plan_part", "section_id", "verdict_table"]


def plan_part(
    plan: Plan,
    outcomes: Sequence[TrialOutcome],
    detectors: tuple[DetectorTested, ...],
    *,
    seed: int,
    is_short: bool,
    sha256: str,
    left_out: tuple[LeftOut, ...] = (),
) -> Part:
    """Return what a plan adds to a report.

    Parameters
    ----------
    plan : Plan
        The plan.
    outcomes : sequence of TrialOutcome
        All that was answered.
    detectors : tuple of DetectorTested
        Who was tested.
    seed : int
        Of the trials.
    is_short : bool
        Nothing is judged then.
    sha256 : str
        Of the plan.
    left_out : tuple of LeftOut
        What was not made.

    Returns
    -------
    Part
        Figures, curves, failing trials.
    """
    section = section_id(plan)
    figures: list[Figure] = []
    curves: list[Curve] = []
    exhibits: list[Exhibit] = []
    out = list(left_out)
    for k, scenario in enumerate(plan.scenario):
        mine = [one for one in outcomes if one.scenario == k]
        tested = [OBSERVER] if isinstance(scenario, IndicatorScenario) else [one.name for one in detectors]
        sweep = sweep_of(scenario)
        series: list[Series] = []
        for name in tested:
            rows = [one for one in mine if one.detector == name]
            if not rows:
                continue
            out += _not_counted(scenario, name, rows)
            if not _is_served(rows):
                continue
            # what it leaves out, while it answers others, counts as trials without an answer
            rows = [one for one in rows if not one.is_hidden and one.is_made]
            if not rows:
                continue
            if sweep is None:
                figures += point_figures(plan, scenario, name, rows, section, is_short=is_short)
            else:
                found, lines = sweep_figures(
                    plan, scenario, sweep, name, rows, section, seed=seed, is_short=is_short
                )
                figures += found
                series += lines
            exhibits += failing_trials(
                scenario, sweep, name, rows, figures, section, seed=seed, is_short=is_short
            )
        silent = {one.detector for one in mine if not one.is_served}
        silent -= {name for name in silent if _is_served([one for one in mine if one.detector == name])}
        if mine and not is_short and silent.issuperset(one.detector for one in mine):
            # a plan that could not be judged must not look like one that was passed
            text = "no detector under test answers all that it asks: nothing is judged"
            out.append(LeftOut(kind="not judged", where=scenario.name, text=text, n=len(mine) // len(silent)))
        if series and sweep is not None:
            curves.append(sweep_curve(section, scenario, sweep, series))
    names = [one.name for one in detectors]
    used = tuple(one for one in detectors if any(row.detector == one.name for row in outcomes))
    if any(row.detector == OBSERVER for row in outcomes) and OBSERVER not in names:
        used += (
            DetectorTested(
                name=OBSERVER,
                text=f"the picture itself: an observer that knows the test object says in which of {N_PLACE} "
                "places it is",
                tier="reference",
            ),
        )
    figures += _totals(figures, section, is_short=is_short)
    return Part(
        sections=(_section(plan, section, figures, seed=seed, is_short=is_short),),
        detectors=used,
        figures=tuple(figures),
        curves=tuple(curves),
        exhibits=tuple(exhibits),
        left_out=tuple(out),
        data={f"plan {plan.plan.name}": sha256},
        seeds={f"plan {plan.plan.name}": seed},
    )


def section_id(plan: Plan) -> str:
    """Return the id of a plan's section.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    str
        "plan-" and its name in lower case.
    """
    return "plan-" + re.sub(r"[^a-z0-9]+", "-", plan.plan.name.lower()).strip("-")


def exit_status(part: Part) -> int:
    """Return the exit status that a part with plans asks for.

    Parameters
    ----------
    part : Part
        What :func:`.execution.run_plan` returned, or several joined.

    Returns
    -------
    int
        3 if any scenario that was judged was not passed, be it failed or inconclusive; else 0. What the
        short form did not judge does not count.
    """
    judged = [one for one in part.figures if one.metric == PASSED and SHORT_NOTE not in one.note]
    return 3 if any(one.value != 1.0 for one in judged) else 0


def verdict_table(part: Part) -> str:
    """Return the table of scenarios as text.

    Parameters
    ----------
    part : Part
        What :func:`.execution.run_plan` returned.

    Returns
    -------
    str
        One line for each scenario and detector.
    """
    rows = [(one.stratum, one.detector, _word(one), one.note) for one in part.figures if one.metric == PASSED]
    if not rows:
        return "nothing was judged\n"
    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    return "".join(f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:<{widths[2]}}  {d}\n" for a, b, c, d in rows)


def _word(figure: Figure) -> str:
    if SHORT_NOTE in figure.note:
        return "not judged"
    return {1.0: "pass", 0.0: "fail"}.get(figure.value if figure.value is not None else -1.0, "inconclusive")


def _section(plan: Plan, section: str, figures: list[Figure], *, seed: int, is_short: bool) -> Section:
    text = [
        "A scenario is passed when the exact one-sided bound at the plan's confidence lies on the right side "
        "of what is required, failed when the other bound lies on the wrong side, inconclusive otherwise. "
        "UNKNOWN, a detector's failure or no answer is a miss, also where a detector leaves out some trials "
        "and answers others; the share of UNKNOWN stands beside.",
        "Trials that were added after a look at the result weaken the stated confidence: plan the larger "
        "number and run it anew.",
    ]
    if plan.plan.remarks:
        text.insert(0, " ".join(plan.plan.remarks.split()))
    if is_short:
        text.insert(
            0, "Short form: a few trials each, to show that everything works. Nothing here is a measure."
        )
    text += _verdicts(figures)
    return Section(
        id=section,
        title=f"Test plan: {plan.plan.name}, version {plan.plan.version}",
        text=tuple(text),
        data=f"simulated from seed {seed}, except where a scenario names measured rows",
    )


def _verdicts(figures: list[Figure]) -> list[str]:
    """Return what was failed, left open and passed, a paragraph each by detector, with counts and bounds."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in figures:
        if one.metric == PASSED:
            found.setdefault((one.detector, _word(one)), []).append(f"{one.stratum} ({one.note})")
    order = ("fail", "inconclusive", "pass", "not judged")
    heads = dict(zip(order, ("Failed", "Inconclusive", "Passed", "Not judged"), strict=True))
    return [
        f"{heads[word]}, {name}: {'; '.join(said)}."
        for (name, word), said in sorted(
            found.items(), key=lambda item: (item[0][0], order.index(item[0][1]))
        )
    ]


def _is_served(rows: list[TrialOutcome]) -> bool:
    """Tell whether a detector answers any trial of a scenario; a scan that cannot be read is no answer."""
    if all(one.is_served for one in rows):
        return True
    return any(one.is_served and one.is_made and not one.error.startswith("reading") for one in rows)


def _not_counted(scenario: Scenario, name: str, rows: list[TrialOutcome]) -> list[LeftOut]:
    found = []
    unserved = [one for one in rows if not one.is_served]
    hidden = [one for one in rows if one.is_served and one.is_hidden]
    failed = [one for one in rows if one.error and one.is_made]
    unmade = [one for one in rows if not one.is_made]
    if unserved:
        is_partly = _is_served(rows)
        text = f"{name} does not answer what scenario {scenario.name!r} asks"
        if is_partly:
            text = (
                f"{name} leaves out {len(unserved)} of {len(rows)} trials and answers others: these count as "
                "trials without an answer, as misses where something is to be found"
            )
        found.append(
            LeftOut(kind="not served", where=scenario.name, text=text, n=len(unserved), is_error=is_partly)
        )
    if hidden:
        text = f"{scenario.name}: less than half of the object shows behind what is opaque"
        found.append(
            LeftOut(kind="hidden object", where=scenario.name, text=text, n=len(hidden), is_error=False)
        )
    if unmade:
        text = unmade[0].error
        found.append(LeftOut(kind="trials not made", where=scenario.name, text=text, n=len(unmade)))
    if failed:
        kind = "reading failed" if failed[0].error.startswith("reading") else "detector failed"
        found.append(
            LeftOut(kind=kind, where=scenario.name, text=f"{name}: {failed[0].error}", n=len(failed))
        )
    return found


def _totals(figures: list[Figure], section: str, *, is_short: bool) -> list[Figure]:
    judged: dict[str, list[Figure]] = {}
    for one in figures:
        if one.metric == PASSED:
            judged.setdefault(one.detector, []).append(one)
    return [
        Figure(
            section=section,
            metric="scenarios passed",
            detector=name,
            value=None if is_short else sum(one.value == 1.0 for one in rows) / len(rows),
            k=None if is_short else sum(one.value == 1.0 for one in rows),
            n=float(len(rows)),
            better="higher",
            is_headline=True,
            method="none: scenarios are no sample",
            note=SHORT_NOTE
            if is_short
            else f"{sum(one.value == 0.0 for one in rows)} failed, "
            f"{sum(one.value is None for one in rows)} inconclusive",
        )
        for name, rows in judged.items()
    ]

"""The figures of one scenario without a sweep: counts, bounds, and what they say of the requirement."""

from __future__ import annotations

import math
from collections import Counter
from typing import Literal, NamedTuple

from screening.evaluate.metrics.proportions import proportion
from screening.evaluate.record import Figure, figure_of

from .asking import TrialOutcome
from .portal_scenarios import BenignScenario
from .scenario import Scenario
from .schema import Plan
from .verdicts import Judgement, judge_at_least, judge_at_most, judge_rate

__all__ = [
    "EVENTS",
    "PASSED",
    "SHORT_NOTE",
    "Key",
    "metric_of",
    "passed_figure",
    "point_figures",
    "reasons_of",
]

#: The metric that says whether a scenario is passed: 1, 0, or None where neither was shown.
PASSED = "scenario passed"

SHORT_NOTE = "short form: no measure"

#: What each event is called as a metric.
EVENTS = {
    "alarm": "alarm",
    "alarm-within": "alarm in time",
    "neutron-alarm": "neutron alarm",
    "identified": "identified correctly",
    "high": "level HIGH",
    "not-low": "level not LOW",
    "loaded": "called loaded",
    "dense": "called dense",
    "shielded": "called shielded",
    "threat": "called a threat",
    "object": "object pointed at",
    "seen": "test object seen",
}


class Key(NamedTuple):
    """Where a figure stands: section, detector and stratum of its key."""

    section: str
    detector: str
    stratum: str


def metric_of(scenario: Scenario) -> str:
    """Return what a scenario's event is called as a metric.

    Parameters
    ----------
    scenario : Scenario
        Any.

    Returns
    -------
    str
        One of the values of EVENTS.
    """
    return EVENTS[str(getattr(scenario, "event", ""))]


def reasons_of(rows: list[TrialOutcome]) -> str:
    """Return why answers are UNKNOWN, the most frequent reasons first.

    Parameters
    ----------
    rows : list of TrialOutcome
        Outcomes.

    Returns
    -------
    str
        Up to four reason codes, each with its number of answers.
    """
    codes = Counter(code for one in rows if one.level == "UNKNOWN" for code in one.codes)
    return ", ".join(f"{code} {count}" for code, count in codes.most_common(4))


def point_figures(
    plan: Plan,
    scenario: Scenario,
    name: str,
    rows: list[TrialOutcome],
    section: str,
    *,
    is_short: bool,
) -> list[Figure]:
    """Return the figures of a scenario with one point.

    Parameters
    ----------
    plan : Plan
        Its plan.
    scenario : Scenario
        The scenario.
    name : str
        The detector.
    rows : list of TrialOutcome
        Its outcomes, those that count.
    section : str
        Where the figures stand.
    is_short : bool
        Nothing is judged.

    Returns
    -------
    list of Figure
        Share or rate of the event, share of UNKNOWN, and whether the scenario is passed.
    """
    confidence = plan.confidence_of(scenario)
    key = Key(section, name, scenario.name)
    is_limit = scenario.maximum is not None or getattr(scenario, "maximum_per_hour", None) is not None
    # silence is a miss where something is to be found, and earns nothing where nothing is
    asked_all, rows = rows, [one for one in rows if one.event is not None or not is_limit]
    k, n = sum(one.event is True for one in rows), len(rows)
    parents = [one.parent or f"{one.sample}{one.index}" for one in rows]
    if not rows:
        return _silent(scenario, key, confidence, asked_all, is_short=is_short)
    judged: list[tuple[Judgement, str]] = []
    unit, asked, exposure, better = "", 0.0, float(n), _better(scenario)
    if isinstance(scenario, BenignScenario) and scenario.maximum_per_hour is not None:
        exposure = sum(one.duration_s for one in rows) / 3600.0
        unit, asked = "1/h", scenario.maximum_per_hour
        judgement = judge_rate(k, exposure, asked, confidence)
        said = f"at most {asked:g} an hour: {k} in {exposure:.4g} h"
    elif scenario.maximum is not None:
        asked = scenario.maximum
        judgement = judge_at_most(k, n, asked, confidence)
        said = f"at most {asked:g}: {k} of {n}"
    else:
        asked = float(scenario.required or 0.0)
        judgement = judge_at_least(k, n, asked, confidence)
        said = f"at least {asked:g}: {k} of {n}"
    is_clustered = len(set(parents)) < n
    low: float | None = judgement.lower
    high: float | None = judgement.upper
    method = f"{'garwood' if unit else 'clopper-pearson'}, one-sided bounds each at {confidence:.4g}"
    if is_clustered:
        # trials that share a parent are not independent: the two-sided interval at 2 c - 1 has one-sided
        # bounds at c
        share = proportion([one.event is True for one in rows], parents, confidence=2.0 * confidence - 1.0)
        low, high, method = share.low, share.high, share.method
        judgement = _clustered(judgement, low, high, scenario)
    judged.append((judgement, said))
    if scenario.maximum_unknown is not None:
        k_unknown, n_asked = sum(one.level == "UNKNOWN" for one in asked_all), len(asked_all)
        judged.append(
            (
                judge_at_most(k_unknown, n_asked, scenario.maximum_unknown, confidence),
                f"UNKNOWN at most {scenario.maximum_unknown:g}: {k_unknown} of {n_asked}",
            )
        )
    silent = len(asked_all) - len(rows)
    said_silent = f"{silent} of {len(asked_all)} trials without an answer are not counted" if silent else ""
    return [
        Figure(
            section=key.section,
            detector=key.detector,
            stratum=key.stratum,
            metric=metric_of(scenario),
            value=judgement.value,
            low=low,
            high=high,
            confidence=confidence,
            k=k,
            n=exposure,
            unit=unit,
            method=method,
            better=better,
            note="; ".join(note for note in (SHORT_NOTE if is_short else "", said_silent) if note),
        ),
        _unknown_figure(asked_all, key),
        passed_figure(judged, key, confidence, is_short=is_short),
    ]


def _silent(
    scenario: Scenario, key: Key, confidence: float, rows: list[TrialOutcome], *, is_short: bool
) -> list[Figure]:
    """Return the figures of a limit that no answer was held against: nothing is concluded."""
    said = f"no answer to any of {len(rows)} trials"
    return [
        Figure(
            section=key.section,
            detector=key.detector,
            stratum=key.stratum,
            metric=metric_of(scenario),
            confidence=confidence,
            n=0.0,
            better=_better(scenario),
            note=said,
            method="none: no answer",
        ),
        _unknown_figure(rows, key),
        passed_figure(
            [(Judgement("inconclusive", 0.0, 0.0, 1.0, None), said)], key, confidence, is_short=is_short
        ),
    ]


def _unknown_figure(rows: list[TrialOutcome], key: Key) -> Figure:
    parents = [one.parent or f"{one.sample}{one.index}" for one in rows]
    return figure_of(
        proportion([one.level == "UNKNOWN" for one in rows], parents),
        metric="UNKNOWN",
        better="lower",
        note=reasons_of(rows),
        section=key.section,
        detector=key.detector,
        stratum=key.stratum,
    )


def _better(scenario: Scenario) -> Literal["higher", "lower"]:
    return "higher" if scenario.required is not None else "lower"


def _clustered(judgement: Judgement, low: float | None, high: float | None, scenario: Scenario) -> Judgement:
    """Judge by an interval over parents; without one nothing is concluded."""
    if low is None or high is None:
        return judgement._replace(verdict="inconclusive", needed=None)
    verdict: Literal["pass", "fail", "inconclusive"] = "inconclusive"
    if scenario.required is not None:
        verdict = "pass" if low >= scenario.required else "fail" if high < scenario.required else verdict
    elif scenario.maximum is not None:
        verdict = "pass" if high <= scenario.maximum else "fail" if low > scenario.maximum else verdict
    return judgement._replace(verdict=verdict, lower=low, upper=high, needed=None)


def passed_figure(
    judged: list[tuple[Judgement, str]], key: Key, confidence: float, *, is_short: bool
) -> Figure:
    """Return the verdict of a scenario as a figure.

    Parameters
    ----------
    judged : list of (Judgement, str)
        Each with what was required of what.
    key : Key
        Where it stands.
    confidence : float
        Of the bounds.
    is_short : bool
        Nothing is judged.

    Returns
    -------
    Figure
        1: all pass. 0: one fails. None: neither was shown.
    """
    verdicts = [one.verdict for one, _ in judged]
    value = 0.0 if "fail" in verdicts else None if "inconclusive" in verdicts else 1.0
    notes = []
    for one, said in judged:
        text = f"{said}, {one.value:.4g} ({one.lower:.4g} to {one.upper:.4g}): {one.verdict}"
        if one.verdict == "inconclusive" and one.lower == 0.0 and one.upper == 1.0:
            notes.append(f"{said}: inconclusive")
            continue
        if one.verdict == "inconclusive":
            unit = "hours" if "an hour" in said else "trials"
            # rounded up: what is printed must decide
            more = (
                f"{math.ceil(one.needed)} {unit} in all" if one.needed is not None else "more than a million"
            )
            text += f"; at this share {more} would decide"
        notes.append(text)
    note = "; ".join(notes)
    if is_short:
        value, note = None, f"{SHORT_NOTE}; {note}"
    return Figure(
        section=key.section,
        detector=key.detector,
        stratum=key.stratum,
        metric=PASSED,
        value=value,
        confidence=confidence,
        unit="" if is_short else "verdict",
        better="higher",
        note=note,
        method="exact bounds",
    )

"""What a plan will take before it is run: how many trials, how many may fail, and how long."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from screening.config import Settings
from screening.errors import ScreeningError
from screening.evaluate.detectors import DetectorUnderTest, chosen_detectors
from screening.evaluate.metrics.planning import Plan as Sizes
from screening.evaluate.metrics.planning import detection_plan, false_alarm_plan, power, rate_plan_hours

from .asking import one_trial
from .image_scenarios import MeasuredScenario
from .portal_scenarios import BenignScenario, has_blank
from .scenario import Scenario
from .schema import Plan
from .sweeping import sweep_of
from .trials import trial_count
from .verdicts import judge_at_least, judge_at_most

__all__ = ["allowed_misses", "describe_plan", "time_plan"]

#: How good a detector is whose chance to pass is told: it fails in this share of what the plan allows.
GOOD = 0.2


def allowed_misses(n: int, required: float, confidence: float) -> int:
    """Return how many of n trials may fail with the requirement still shown.

    Parameters
    ----------
    n : int
        Trials.
    required : float
        Least probability.
    confidence : float
        Of the one-sided lower bound.

    Returns
    -------
    int
        The acceptance number; -1 if not even n successes show it.
    """
    low, high = -1, n
    while low < high:
        middle = (low + high + 1) // 2
        is_shown = judge_at_least(n - middle, n, required, confidence).verdict == "pass"
        low, high = (middle, high) if is_shown else (low, middle - 1)
    return low


def time_plan(
    plan: Plan,
    *,
    detectors: Sequence[str | DetectorUnderTest] | None = None,
    settings: Settings,
    seed: int = 0,
) -> dict[str, float]:
    """Return how long a trial of each scenario takes here, from one made for the purpose.

    Parameters
    ----------
    plan : Plan
        The plan.
    detectors : sequence of str or DetectorUnderTest, optional
        Who is tested; those the plan names when omitted.
    settings : Settings
        Handed to detectors.
    seed : int
        Of the trials.

    Returns
    -------
    dict of str to float
        Seconds by name of scenario; measured ones, and those whose trials cannot be made, are not timed.
    """
    tested = chosen_detectors(list(plan.plan.detectors if detectors is None else detectors), settings)
    found = {}
    for scenario in plan.scenario:
        if isinstance(scenario, MeasuredScenario):
            continue
        with suppress(ScreeningError):  # what cannot be made is told when the plan is run
            one_trial(scenario, 0, seed, tested)  # loads tables and models, which later trials find loaded
            began = time.perf_counter()
            one_trial(scenario, 1, seed, tested)
            found[scenario.name] = time.perf_counter() - began
    return found


def describe_plan(plan: Plan, *, seconds_per_trial: Mapping[str, float] | None = None) -> str:
    """Return what a plan takes, for a person.

    Parameters
    ----------
    plan : Plan
        The plan.
    seconds_per_trial : mapping of str to float, optional
        As :func:`time_plan` returns; without it no times are told.

    Returns
    -------
    str
        Lines of text: each scenario with its trials, the least number that could show what is required,
        the misses it may have, and the chance that a good detector passes; then the total.
    """
    lines = [f"{plan.plan.name}, version {plan.plan.version}"]
    if plan.plan.remarks:
        lines += [" ".join(plan.plan.remarks.split())]
    total_s, n_timed, n_trial, n_measured = 0.0, 0, 0, 0
    for scenario in plan.scenario:
        confidence = plan.confidence_of(scenario)
        if isinstance(scenario, MeasuredScenario):
            n_measured += 1
        else:
            n_trial += _n_all(scenario)
        lines += ["", f"{scenario.name}", *(f"  {text}" for text in _described(scenario, confidence))]
        if scenario.remarks:
            lines.append(f"  {' '.join(scenario.remarks.split())}")
        if seconds_per_trial is not None and scenario.name in seconds_per_trial:
            takes = seconds_per_trial[scenario.name] * _n_all(scenario)
            total_s += takes
            n_timed += 1
            lines.append(f"  about {_duration(takes)} in one process")
    n = len(plan.scenario)
    rows = f", and the rows of {n_measured} measured ones" if n_measured else ""
    lines += ["", f"{n} scenario{'s' if n > 1 else ''}: {n_trial} trials in all{rows}"]
    if n_timed:
        more = f", {n - n_timed} not timed" if n_timed < n else ""
        lines += [f"about {_duration(total_s)} in one process{more}; several go faster (--workers)"]
    return "\n".join(lines) + "\n"


def _n_all(scenario: Scenario) -> int:
    sweep = sweep_of(scenario)
    if sweep is None:
        return trial_count(scenario)
    return trial_count(scenario) * (len(sweep.values) + has_blank(scenario))


def _described(scenario: Scenario, confidence: float) -> list[str]:
    if isinstance(scenario, MeasuredScenario):
        return ["measured rows: as many trials as there are"]
    n = trial_count(scenario)
    sweep = sweep_of(scenario)
    if sweep is not None:
        bare = f", and {n} without a source, for what chance gives" if has_blank(scenario) else ""
        return [
            f"curve over {len(sweep.values)} values of {sweep.name}, {n} trials each{bare}: "
            f"{_n_all(scenario)} in all"
        ]
    if isinstance(scenario, BenignScenario) and scenario.maximum_per_hour is not None:
        least = rate_plan_hours(scenario.maximum_per_hour, confidence=confidence)
        return [
            f"{scenario.hours:g} h ({n} scans) against {scenario.maximum_per_hour:g} alarms an hour at "
            f"{confidence:.0%}; the least that could show it is {least:.4g} h"
        ]
    if scenario.maximum is not None:
        sizes = false_alarm_plan(scenario.maximum, confidence=confidence)
        most = _allowed_events(n, scenario.maximum, confidence)
        true, word = GOOD * scenario.maximum, "at most"
    else:
        sizes = detection_plan(float(scenario.required or 0.0), confidence=confidence)
        most = allowed_misses(n, sizes.limit, confidence)
        true, word = 1.0 - GOOD * (1.0 - sizes.limit), "at least"
    ours = Sizes(
        kind=sizes.kind, limit=sizes.limit, confidence=confidence, n=n, n_allowed=most, bound=sizes.bound
    )
    what = "misses" if sizes.kind == "detection" else "events"
    return [
        f"{n} trials against {word} {sizes.limit:g} at {confidence:.0%}; the least is {sizes.n}",
        f"passes with {what} up to {most}; a detector with {true:g} passes with {power(ours, true):.0%}",
    ]


def _allowed_events(n: int, maximum: float, confidence: float) -> int:
    k = 0
    while k < n and judge_at_most(k + 1, n, maximum, confidence).verdict == "pass":
        k += 1
    return k


def _duration(seconds: float) -> str:
    if seconds < 90.0:
        return f"{seconds:.1f} s"
    return f"{seconds / 60.0:.1f} min" if seconds < 5400.0 else f"{seconds / 3600.0:.1f} h"

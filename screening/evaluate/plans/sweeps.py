"""The figures of a scenario with a sweep: shares at each value, the fitted curve, where it crosses."""

from __future__ import annotations

import numpy as np

from screening.evaluate.metrics.proportions import clopper_pearson, proportion
from screening.evaluate.record import Curve, Figure, Series, figure_of

from .asking import TrialOutcome
from .curves import Crossing, SweepFit, fit_sweep
from .image_scenarios import IndicatorScenario
from .indicators import N_PLACE
from .points import PASSED, SHORT_NOTE, Key, metric_of, reasons_of
from .portal_scenarios import SourceScenario
from .quantities import BASE, parse_quantity
from .scenario import Scenario
from .schema import Plan
from .sweeping import Sweep, sweep_kind

__all__ = ["sweep_curve", "sweep_figures"]


def sweep_figures(
    plan: Plan,
    scenario: Scenario,
    sweep: Sweep,
    name: str,
    rows: list[TrialOutcome],
    section: str,
    *,
    seed: int,
    is_short: bool,
) -> tuple[list[Figure], list[Series]]:
    """Return the figures and lines of a scenario with a sweep.

    Parameters
    ----------
    plan : Plan
        Its plan.
    scenario : Scenario
        The scenario.
    sweep : Sweep
        What it varies.
    name : str
        The detector.
    rows : list of TrialOutcome
        Its outcomes, those that count.
    section : str
        Where the figures stand.
    seed : int
        Of the resampling.
    is_short : bool
        Nothing is judged.

    Returns
    -------
    figures : list of Figure
        Shares at each value, values at the probabilities asked for, the verdict on a limit.
    lines : list of Series
        Points with intervals, and the fitted curve.
    """
    confidence = plan.confidence_of(scenario)
    n_point = len(sweep.values)
    by_point: dict[int, dict[int, bool]] = {}
    for one in rows:
        by_point.setdefault(one.point, {})[one.index] = one.event is True
    figures: list[Figure] = []
    shares: list[float] = []
    bounds: list[tuple[float, float]] = []
    points = [p for p in sorted(by_point) if p < n_point]
    for point in points:
        hits = list(by_point[point].values())
        found = proportion(hits)
        interval = clopper_pearson(sum(hits), len(hits))
        shares.append(sum(hits) / len(hits))
        bounds.append((interval.low, interval.high))
        figures.append(
            figure_of(
                found,
                section=section,
                metric=metric_of(scenario),
                detector=name,
                stratum=f"{scenario.name}: {sweep.texts[point]}",
                note=SHORT_NOTE if is_short else "",
            )
        )
    key = Key(section, name, scenario.name)
    without = by_point.get(n_point)
    chance, chance_note = _chance(scenario, without)
    if without is not None:
        figures.append(
            figure_of(
                proportion(list(without.values())),
                section=section,
                metric=metric_of(scenario),
                detector=name,
                stratum=f"{scenario.name}: no source",
                better="lower",
            )
        )
    unknown = proportion([one.level == "UNKNOWN" for one in rows])
    figures.append(
        figure_of(
            unknown,
            metric="UNKNOWN",
            better="lower",
            note=reasons_of(rows),
            section=key.section,
            detector=key.detector,
            stratum=key.stratum,
        )
    )
    common = sorted(set.intersection(*(set(by_point[p]) for p in points))) if points else []
    hits_by_point = np.array([[by_point[p][i] for i in common] for p in points], dtype=bool)
    required = float(scenario.required or 0.95)
    fit: SweepFit | None = None
    if common and len(points) >= 2 and chance < 1.0:
        fit = fit_sweep(
            sweep,
            hits_by_point,
            chance=chance,
            at=tuple(dict.fromkeys((0.5, required))),
            confidence=confidence,
            seed=seed,
        )
    figures += _crossing_figures(scenario, sweep, fit, key, confidence, chance_note, is_short=is_short)
    values = [sweep.values[p] for p in points]
    lines = [
        Series(
            name=name,
            x=tuple(values),
            y=tuple(shares),
            low=tuple(low for low, _ in bounds),
            high=tuple(high for _, high in bounds),
            style="points",
        )
    ]
    if fit is not None and fit.outcome == "fitted":
        grid = np.geomspace(min(values), max(values), 60)
        lines.append(
            Series(
                name=f"{name}, fitted",
                x=tuple(grid.tolist()),
                y=tuple(fit.probability(sweep, grid).tolist()),
            )
        )
    return figures, lines


def _chance(scenario: Scenario, without: dict[int, bool] | None) -> tuple[float, str]:
    """Return the share of events without any source, and how it is known."""
    if isinstance(scenario, IndicatorScenario):
        return 1.0 / N_PLACE, f"chance 1/{N_PLACE}"
    if isinstance(scenario, SourceScenario) and without:
        k = sum(without.values())
        return k / len(without), f"chance {k} of {len(without)} without a source"
    return 0.0, "chance taken as 0"


def _crossing_figures(
    scenario: Scenario,
    sweep: Sweep,
    fit: SweepFit | None,
    key: Key,
    confidence: float,
    chance_note: str,
    *,
    is_short: bool,
) -> list[Figure]:
    figures: list[Figure] = []
    unit = BASE[sweep_kind(sweep.name)]
    required = float(scenario.required or 0.95)
    by_p = {} if fit is None else {one.p: one for one in fit.crossings}
    quality = "" if fit is None or fit.fit_p is None else f"; fit p = {fit.fit_p:.2g}"
    for p in dict.fromkeys((0.5, required)):
        one = by_p.get(p)
        figures.append(
            Figure(
                section=key.section,
                detector=key.detector,
                stratum=key.stratum,
                metric=f"{sweep.name} at probability {p:g}",
                value=None if one is None else one.value,
                low=None if one is None else one.low,
                high=None if one is None else one.high,
                confidence=confidence,
                unit=unit,
                method="probit fit, trials resampled",
                better="lower" if sweep.is_easier_up else "higher",
                is_headline=p == required and not is_short,
                note="; ".join(
                    part
                    for part in (
                        SHORT_NOTE if is_short else "",
                        "no fit" if one is None else one.note,
                        chance_note + quality,
                    )
                    if part
                ),
            )
        )
    if scenario.limit is not None:
        figures.append(_limit_figure(scenario, sweep, by_p.get(required), key, confidence, is_short=is_short))
    return figures


def _limit_figure(
    scenario: Scenario,
    sweep: Sweep,
    crossing: Crossing | None,
    key: Key,
    confidence: float,
    *,
    is_short: bool,
) -> Figure:
    """Judge the value at the required probability against the limit, by its whole interval."""
    limit = parse_quantity(str(scenario.limit), sweep_kind(sweep.name), name="limit")
    unit = BASE[sweep_kind(sweep.name)]
    value: float | None = None
    word = "at most" if sweep.is_easier_up else "at least"
    low = None if crossing is None else crossing.low
    high = None if crossing is None else crossing.high
    if crossing is not None and low is not None and high is not None:
        if sweep.is_easier_up:
            value = 1.0 if high <= limit else 0.0 if low > limit else None
        else:
            value = 1.0 if low >= limit else 0.0 if high < limit else None
        found = f"{crossing.value:.4g} ({low:.4g} to {high:.4g}) {unit}"
    else:
        found = f"no value with an interval: {'no fit' if crossing is None else crossing.note}"
    verdict = {1.0: "pass", 0.0: "fail"}.get(value if value is not None else -1.0, "inconclusive")
    note = f"{sweep.name} at probability {scenario.required:g} {word} {limit:g} {unit}: {found}: {verdict}"
    if is_short:
        value, note = None, f"{SHORT_NOTE}; {note}"
    return Figure(
        section=key.section,
        detector=key.detector,
        stratum=key.stratum,
        metric=PASSED,
        value=value,
        confidence=confidence,
        better="higher",
        note=note,
        method="interval of the fit",
    )


def sweep_curve(section: str, scenario: Scenario, sweep: Sweep, series: list[Series]) -> Curve:
    """Return the picture of a sweep.

    Parameters
    ----------
    section : str
        Where it stands.
    scenario : Scenario
        The scenario.
    sweep : Sweep
        What it varies.
    series : list of Series
        Lines of all detectors.

    Returns
    -------
    Curve
        The picture.
    """
    unit = BASE[sweep_kind(sweep.name)]
    return Curve(
        section=section,
        title=scenario.name,
        x_label=f"{sweep.name}, {unit}" if unit else sweep.name,
        y_label=f"share of trials: {metric_of(scenario)}",
        series=tuple(series),
        x_scale="log",
    )

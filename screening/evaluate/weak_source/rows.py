"""The figures of a bench as rows of the report."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from screening.evaluate.metrics.comparison import holm, verdict
from screening.evaluate.metrics.episodes import n_episodes
from screening.evaluate.metrics.proportions import clopper_pearson
from screening.evaluate.metrics.resampling import Estimate
from screening.evaluate.record import (
    Comparison,
    Curve,
    DetectorTested,
    Figure,
    LeftOut,
    Part,
    Section,
    Series,
    figure_of,
)

from .analysis import PROBABILITIES, Found, figure_of_merit, gap_closed
from .jobs import KNOWN, ORACLE
from .registry import BUILT_IN
from .stages import Gathered

__all__ = ["part_of"]

#: Who the blind are measured against, and who the informed are.
_REFERENCE = {"blind": "nmf", "informed": "nmf-templates"}

_NO_MEASURE = "short form: no measure"

#: MBq in the unit of a track's figures.
_UNITS = {"street": ("MBq", 1.0), "portal": ("kBq", 1e-3)}

_TEXTS = {
    KNOWN: "likelihood ratio of the one source that is there beside factors of background: told which",
    ORACLE: "likelihood ratio with the true mean background, spectrum and pass: the ceiling",
}


def part_of(known: Gathered, found: Found, others: list[str]) -> Part:
    """Return the part of the report that a bench makes.

    Parameters
    ----------
    known : Gathered
        Scores and thresholds.
    found : Found
        What they say.
    others : list of str
        Detectors asked for that are of another kind.

    Returns
    -------
    Part
        Section, figures, curves, comparisons, what is left out.
    """
    known = known._replace(detectors=[name for name in known.detectors if name not in known.failures])
    section = _section(known)
    comparisons = _comparisons(known, found, section.id)
    return Part(
        sections=(section,),
        detectors=tuple(_tested(known, name) for name in known.detectors),
        figures=(*_data_figures(known, section.id), *_figures(known, found, section.id)),
        curves=tuple(_curves(known, found, section.id)),
        comparisons=tuple(comparisons),
        left_out=tuple(_left_out(known, found, others)),
        seeds={f"weak-source-{known.track.name}": known.plan.seed},
    )


def tier_of(known: Gathered, detector: str) -> str:
    """Return the tier of a detector.

    Parameters
    ----------
    known : Gathered
        The bench.
    detector : str
        Its name.

    Returns
    -------
    str
        "blind", "informed" or "oracle".
    """
    if detector in (KNOWN, ORACLE):
        return "oracle" if detector == ORACLE else "informed"
    if detector in BUILT_IN:
        return BUILT_IN[detector].tier
    return known.tiers.get(detector, "blind")


def _section(known: Gathered) -> Section:
    track, scale = known.track, known.scale
    unit = "occupancies" if track.is_by_occupancy else "h"
    exposure = next(iter(known.alarms.values()))
    set_on, seen_on = (float(starts.hours.sum()) for starts in (exposure.starts, exposure.unseen))
    rate = (
        f"1 in {1 / track.far:.0f} occupancies"
        if track.is_by_occupancy
        else (f"1 in {1 / track.far:g} h" if track.far <= 1 else f"{track.far:g} an hour")
    )
    how = "a generalised Pareto tail of" if scale.is_tail else "a count on"
    place = {
        "street": "5 m/s, closest approach 10 m, bare sources in vacuum, potassium, uranium, thorium, "
        "radon and cosmic rays along a street at 300 to 2,500 counts/s.",
        "portal": "2.2 m/s, closest approach 2.5 m, occupancies of 8 s by vehicles that shade the "
        "background, sources bare, behind 1 cm of steel and in 20 cm of water; uranium and plutonium of "
        "10 g/cm2; sites of 150 to 500 counts/s whose radon and ground drift within a shift.",
    }[track.name]
    text = [
        "One 2 x 4 x 16 inch NaI log, 7.5 % at 662 keV, 128 bins from 50 to 3,000 keV, every 0.1 s. " + place,
        f"False alarms allowed: {rate}, set by {how} {set_on:,.0f} {unit} of background without a source and "
        f"verified on {seen_on:,.0f} {unit} unseen. All detectors get the same counts; a weaker source is a "
        "part of the draw of a stronger one.",
        f"Detectable activity: {scale.n_pass} passes at each activity, ten activities a decade; the curve c "
        "+ (1 - c) Phi((ln A - m) / s) with c the share of passes without a source that alarm. Intervals: "
        f"{scale.n_resample} resamples of background and passes, the threshold set again in each.",
        "Blind detectors know background alone, informed ones the sources' spectra, the oracle also the mean "
        "background and the shape of the pass. Only detectors of one tier are compared.",
    ]
    if not scale.is_measure:
        text.insert(
            0, "Short form: it shows that everything works, and its figures are no measure of anything."
        )
    return Section(
        id=f"weak-source-{track.name}",
        title={"street": "Weak sources along a street", "portal": "Weak sources in a portal"}[track.name],
        text=tuple(text),
        data=f"simulated, seed {known.plan.seed}; training, validation, threshold, verification, pilot and "
        "test apart by seed",
    )


def _tested(known: Gathered, name: str) -> DetectorTested:
    text = _TEXTS.get(name, BUILT_IN[name].text if name in BUILT_IN else "")
    version = BUILT_IN[name].version if name in BUILT_IN else ("1" if name in _TEXTS else "")
    return DetectorTested(name=name, version=version, text=text, tier=tier_of(known, name))  # type: ignore[arg-type]


def _note(known: Gathered, *texts: str) -> str:
    parts = [*texts] if known.scale.is_measure else [_NO_MEASURE, *texts]
    return "; ".join(text for text in parts if text)


def _data_figures(known: Gathered, section: str) -> list[Figure]:
    learned = known.learned[ORACLE]
    values = learned["eigenvalues"]
    n_component = int((values > float(learned["noise_edge"])).sum())
    note = _note(known, "training background")
    hours = float(learned["hours"])

    def _figure(metric: str, value: float, unit: str, note: str) -> Figure:
        return Figure(
            section=section,
            metric=metric,
            value=value,
            n=hours,
            unit=unit,
            note=note,
            method="none: a description",
        )

    return [
        _figure("mean background rate", float(learned["rate_cps"]), "1/s", note),
        _figure(
            "coefficient of variation, all runs",
            float(learned["variation"]),
            "",
            _note(known, "beyond Poisson, 1 s"),
        ),
        _figure(
            "coefficient of variation, within runs",
            float(learned["variation_within"]),
            "",
            _note(known, "beyond Poisson, 1 s, root mean square over runs"),
        ),
        _figure(
            "principal components above noise",
            n_component,
            "",
            _note(
                known,
                "2 s, Poisson-scaled, above (1 + sqrt(p / n))^2: eigenvalues "
                + ", ".join(f"{value:.3g}" for value in values[: n_component + 1])
                + f" against {float(learned['noise_edge']):.3g}",
            ),
        ),
    ]


def _from_estimate(estimate: Estimate, factor: float = 1.0, **fields: Any) -> Figure:
    value, low, high = (
        None if bound is None else float(bound) * factor
        for bound in (estimate.value, estimate.low, estimate.high)
    )
    return Figure(value=value, low=low, high=high, **fields)


def _figures(known: Gathered, found: Found, section: str) -> list[Figure]:
    rows: list[Figure] = []
    unit, size = _UNITS[known.track.name]
    per = "occupancy" if known.track.is_by_occupancy else "h"
    for detector in known.detectors:
        rows += _alarm_figures(known, detector, section, per)
        free = found.chance[detector]
        rows.append(
            figure_of(
                free,
                section=section,
                metric="share of passes without a source that alarm",
                detector=detector,
                better="lower",
                note=_note(known),
            )
        )
        for stratum, curve in zip(known.track.strata, found.curves[detector], strict=True):
            for p, estimate in zip(PROBABILITIES, curve.mda_mbq, strict=True):
                note = "" if curve.fit.is_fitted else f"no curve: {curve.fit.outcome}"
                rows.append(
                    _from_estimate(
                        estimate,
                        1.0 / size,
                        section=section,
                        metric=f"activity detected with probability {p:g}",
                        detector=detector,
                        stratum=stratum.name,
                        n=curve.n_pass,
                        unit=unit,
                        method=f"{estimate.method}; background resampled",
                        better="lower",
                        note=_note(known, note),
                    )
                )
        rows += _summary_figures(known, found, detector, section, unit, size)
    return rows


def _alarm_figures(known: Gathered, detector: str, section: str, per: str) -> list[Figure]:
    rows = []
    names = dict.fromkeys(known.series(detector, i) for i in range(len(known.track.strata)))
    for name in names:
        alarm = known.alarms[name]
        stratum = name.partition("@")[2]
        checked = alarm.verified
        n_set = int(n_episodes(alarm.starts, [float(alarm.threshold.value or np.inf)]).sum())
        verdicts = {"holds": "holds", "too many": "too many alarms", "too few": "fewer alarms than allowed"}
        note = verdicts[checked.verdict] + (", threshold inflated" if checked.is_inflated else "")
        rows.append(
            _from_estimate(
                alarm.threshold,
                section=section,
                metric="threshold",
                detector=detector,
                stratum=stratum,
                k=n_set,
                n=float(alarm.starts.hours.sum()),
                method=alarm.threshold.method,
                note=_note(known, f"{n_set} alarms above it where it was set"),
            )
        )
        rows.append(
            Figure(
                section=section,
                metric="false alarm rate on unseen background",
                detector=detector,
                stratum=stratum,
                value=checked.n_episode / checked.hours,
                low=checked.low,
                high=checked.high,
                k=checked.n_episode,
                n=checked.hours,
                unit=f"1/{per}",
                method="garwood",
                better="lower",
                is_headline=not stratum and known.scale.is_measure,
                note=_note(known, f"{known.track.far:.4g} allowed: {note}"),
            )
        )
    return rows


def _summary_figures(
    known: Gathered, found: Found, detector: str, section: str, unit: str, size: float
) -> list[Figure]:
    values, again = found.log_mda(detector)
    failed = int(np.isnan(values).sum())
    names = [s.name for s, value in zip(known.track.strata, values, strict=True) if np.isnan(value)]
    resampled = np.exp(again.mean(axis=0))
    has = failed == 0 and np.isnan(resampled).mean() <= 0.05
    bounds = (np.nanquantile(resampled, [0.025, 0.975]) / size).tolist() if has else [None, None]
    low, high = bounds
    rows = [
        Figure(
            section=section,
            metric="activity detected with probability 0.95, geometric mean",
            detector=detector,
            value=None if failed else float(np.exp(values.mean()) / size),
            low=low,
            high=high,
            n=values.size,
            unit=unit,
            method="bootstrap over background and passes" if has else "none: a source without a curve",
            better="lower",
            is_headline=known.scale.is_measure,
            note=_note(
                known, f"over {values.size} sources" + (f"; no curve for {', '.join(names)}" if names else "")
            ),
        ),
        Figure(
            section=section,
            metric="sources without a detection curve",
            detector=detector,
            value=failed,
            k=failed,
            n=values.size,
            method="none: a count",
            better="lower",
            note=_note(known, ", ".join(names)),
        ),
    ]
    tier = tier_of(known, detector)
    reference = _REFERENCE["blind"]
    if reference in found.curves and detector != reference and tier != "oracle":
        share = gap_closed(found, detector, reference)
        rows.append(
            _from_estimate(
                share,
                section=section,
                metric="share of the gap from nmf to the oracle closed",
                detector=detector,
                n=values.size,
                method=share.method,
                better="higher",
                is_headline=known.scale.is_measure,
                note=_note(known, "in the mean logarithm of the activity"),
            )
        )
    learned = known.learned.get(detector, {})
    if "tried.merit" in learned:
        merits = learned["tried.merit"]
        tried = ", ".join(f"{n} {m:.3f}" for n, m in zip(learned["tried.name"], merits, strict=True))
        rows.append(
            Figure(
                section=section,
                metric="share of validation passes detected",
                detector=detector,
                value=float(merits[_chosen(learned)]),
                n=len(merits),
                method="none: the best of those tried",
                better="",
                note=_note(known, f"chosen {_as_text(learned['choice'])}; tried {tried}"),
            )
        )
    return rows


def _as_text(choice: NDArray[np.float64]) -> str:
    return ", ".join(f"{value:g}" for value in np.atleast_1d(choice))


def _chosen(learned: dict[str, NDArray[np.float64]]) -> int:
    texts = [str(name).strip("()").replace(" ", "").split(",") for name in learned["tried.name"]]
    wanted = [float(value) for value in np.atleast_1d(learned["choice"])]
    return next(k for k, text in enumerate(texts) if [float(part) for part in text if part] == wanted)


def _comparisons(known: Gathered, found: Found, section: str) -> list[Comparison]:
    pairs = []
    for tier in ("blind", "informed"):
        members = [name for name in known.detectors if tier_of(known, name) == tier]
        pairs += list(combinations(members[::-1], 2))
    if ORACLE in found.curves and _REFERENCE["blind"] in found.curves:
        pairs += [(ORACLE, name) for name in known.detectors if name != ORACLE]
    families: list[list[tuple[str, str, str, Estimate, NDArray[np.float64]]]] = [[]]
    for a, b in pairs:
        families[0].append((a, b, "", *figure_of_merit(found, a, b)))
    families += [
        [
            (name, reference, stratum.name, *figure_of_merit(found, name, reference, np.array([i])))
            for i, stratum in enumerate(known.track.strata)
        ]
        for tier, reference in _REFERENCE.items()
        for name in known.detectors
        if reference in found.curves and name != reference and tier_of(known, name) == tier
    ]
    rows = []
    for family in families:
        ps = [_p(estimate, resampled) for *_, estimate, resampled in family]
        for (a, b, stratum, estimate, _), p, corrected in zip(family, ps, holm(ps), strict=True):
            rows.append(
                Comparison(
                    section=section,
                    metric="activity detected with probability 0.95",
                    stratum=stratum,
                    a=a,
                    b=b,
                    effect=estimate.value,
                    effect_name="1 - ratio of detectable activities, geometric mean over sources"
                    if not stratum
                    else "1 - ratio of detectable activities",
                    low=estimate.low,
                    high=estimate.high,
                    p=p,
                    p_holm=corrected,
                    n=estimate.n,
                    test=f"{estimate.method} of background and passes",
                    verdict=verdict(estimate.value, corrected) if known.scale.is_measure else "not tested",
                )
            )
    return rows


def _p(estimate: Estimate, resampled: NDArray[np.float64]) -> float | None:
    """Return the two-sided p-value of no difference: where 0 lies among the resamples."""
    values = resampled[~np.isnan(resampled)]
    if estimate.low is None or values.size == 0:
        return None
    fewer = min(int((values <= 0).sum()), int((values >= 0).sum()))
    return float(min(1.0, 2.0 * (fewer + 1) / (values.size + 1)))


def _curves(known: Gathered, found: Found, section: str) -> list[Curve]:
    unit, size = _UNITS[known.track.name]
    per = "occupancy" if known.track.is_by_occupancy else "h"
    names = [f"{k + 1} {stratum.name}" for k, stratum in enumerate(known.track.strata)]
    curves = [
        Curve(
            section=section,
            title="Detectable activity by source",
            x_label="source: " + ", ".join(names),
            y_label=f"activity detected with probability 0.95, {unit}",
            y_scale="log",
            series=tuple(_mda_series(found, detector, size) for detector in known.detectors),
        ),
        Curve(
            section=section,
            title="False alarms against threshold, less the threshold that is used",
            x_label="threshold less the one used",
            y_label=f"alarms, 1/{per}",
            y_scale="log",
            series=tuple(
                _alarm_series(known, detector) for detector in known.detectors if detector in known.alarms
            ),
        ),
    ]
    for i, stratum in enumerate(known.track.strata):
        curves.append(
            Curve(
                section=section,
                title=f"Detection of {stratum.name}",
                x_label=f"activity, {unit}",
                y_label="probability of detection",
                x_scale="log",
                series=tuple(
                    series
                    for detector in known.detectors
                    for series in _detection_series(found, detector, i, size)
                ),
            )
        )
    return curves


def _mda_series(found: Found, detector: str, size: float) -> Series:
    estimates = [curve.mda_mbq[0] for curve in found.curves[detector]]

    def _scaled(values: list[float | None]) -> tuple[float | None, ...]:
        return tuple(None if value is None else value / size for value in values)

    return Series(
        name=detector,
        x=tuple(float(k + 1) for k in range(len(estimates))),
        y=_scaled([each.value for each in estimates]),
        low=_scaled([each.low for each in estimates]),
        high=_scaled([each.high for each in estimates]),
        style="points",
    )


def _alarm_series(known: Gathered, detector: str) -> Series:
    alarm = known.alarms[detector]
    used = alarm.verified.threshold
    top = np.sort(alarm.starts.above)[::-1]
    exposure = float(alarm.starts.hours.sum())
    most = int(np.clip(10.0 * known.track.far * exposure, 5, top.size - 1)) if top.size > 1 else 0
    grid = np.linspace(top[most], top[0], 60)
    rate = n_episodes(alarm.starts, grid).sum(axis=0) / exposure
    return Series(
        name=detector,
        x=tuple((grid - used).tolist()),
        y=tuple(value if value > 0 else None for value in rate.tolist()),
        style="step",
    )


def _detection_series(found: Found, detector: str, stratum: int, size: float) -> list[Series]:
    curve = found.curves[detector][stratum]
    bounds = [clopper_pearson(int(k), curve.n_pass) for k in curve.n_detected]
    points = Series(
        name=detector,
        x=tuple((curve.activity_mbq / size).tolist()),
        y=tuple((curve.n_detected / curve.n_pass).tolist()),
        low=tuple(each.low for each in bounds),
        high=tuple(each.high for each in bounds),
        style="points",
    )
    fit = curve.fit
    if not fit.is_fitted or fit.m is None or fit.s is None:
        return [points]
    fine = np.geomspace(curve.activity_mbq[0], curve.activity_mbq[-1], 60)
    y = fit.chance + (1.0 - fit.chance) * special.ndtr((np.log(fine) - fit.m) / fit.s)
    line = Series(name=f"{detector}, fit", x=tuple((fine / size).tolist()), y=tuple(y.tolist()))
    return [points, line]


def _left_out(known: Gathered, found: Found, others: list[str]) -> list[LeftOut]:
    rows = [
        LeftOut(kind="not learned", where=name, text=why, is_error=True)
        for name, why in known.failures.items()
    ]
    rows += [
        LeftOut(
            kind="not a detector of series",
            where=name,
            text=f"{name} answers scans; the weak-source bench asks for fit and score",
            is_error=False,
        )
        for name in others
    ]
    for detector, curves in found.curves.items():
        for stratum, curve in zip(known.track.strata, curves, strict=True):
            if not curve.fit.is_fitted:
                rows.append(
                    LeftOut(
                        kind="no detection curve",
                        where=f"{detector}, {stratum.name}",
                        text=f"no detectable activity: {curve.fit.outcome}; counted as a failure",
                        is_error=False,
                    )
                )
    return rows

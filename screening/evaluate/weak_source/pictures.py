"""Pictures of a bench: activities by source, false alarms by threshold, detection by activity."""

from __future__ import annotations

import numpy as np
from scipy import special

from screening.evaluate.metrics.episodes import n_episodes
from screening.evaluate.metrics.proportions import clopper_pearson
from screening.evaluate.record import Curve, Series

from .analysis import Found
from .gathered import Gathered
from .plan import ORACLE
from .wording import REFERENCE, UNITS, tier_of

__all__ = ["curves", "drawn_detectors"]


def curves(known: Gathered, found: Found, section: str) -> list[Curve]:
    """Return the pictures of a bench.

    Parameters
    ----------
    known : Gathered
        The bench.
    found : Found
        Its curves.
    section : str
        Section of the report.

    Returns
    -------
    list of Curve
        Two of all sources, then one of each nuclide as it is hidden first; with more than a few detectors
        those of `drawn_detectors`.
    """
    unit, size = UNITS[known.track.name]
    per = "occupancy" if known.track.is_by_occupancy else "h"
    drawn = [
        Curve(
            section=section,
            title="Detectable activity by source",
            x_label="source, numbered as in the text above",
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
    few = drawn_detectors(known, found)
    firsts = {stratum.nuclide: i for i, stratum in reversed(list(enumerate(known.track.strata)))}
    for i in sorted(firsts.values()):
        stratum = known.track.strata[i]
        drawn.append(
            Curve(
                section=section,
                title=f"Detection of {stratum.name}",
                x_label=f"activity, {unit}",
                y_label="probability of detection",
                x_scale="log",
                series=tuple(
                    series for detector in few for series in _detection_series(found, detector, i, size)
                ),
            )
        )
    return drawn


def drawn_detectors(known: Gathered, found: Found) -> list[str]:
    """Return whose detection curves are drawn.

    Parameters
    ----------
    known : Gathered
        The bench.
    found : Found
        Its curves.

    Returns
    -------
    list of str
        Of the blind and of the informed the reference and who needs least activity, and the oracle; the
        rows hold all.
    """
    wanted = {ORACLE}
    for tier, reference in REFERENCE.items():
        means = {
            name: float(np.mean(found.log_mda(name)[0]))
            for name in known.detectors
            if tier_of(known, name) == tier
        }
        able = {name: mean for name, mean in means.items() if np.isfinite(mean)}
        wanted |= {reference, min(able, key=lambda name: able[name])} if able else {*means}
    return [name for name in known.detectors if name in wanted]


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

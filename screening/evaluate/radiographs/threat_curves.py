"""Curves of the threats: found against false alarms, containers, mass, areal density."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from screening.evaluate.metrics.froc import container_scores, detection_by, froc
from screening.evaluate.metrics.proportions import roc
from screening.evaluate.record import Curve, Series

from .scored import SECTION, Scored

__all__ = ["MASS_BANDS", "container_curve", "contrast_curve", "froc_curve", "mass_curve"]

#: Bands of mass, kg, two a decade.
MASS_BANDS = tuple(float(np.round(10 ** (k / 2), 3)) for k in range(-2, 8))

#: Most points of a curve that are kept, and where its axis of false alarms ends.
CURVE_POINTS, MOST_FALSE_ALARMS = 200, 10.0


def _thinned(*columns: NDArray[np.float64]) -> list[tuple[float, ...]]:
    size = columns[0].size
    kept = np.unique(np.linspace(0, size - 1, min(size, CURVE_POINTS)).round().astype(np.int64))
    return [tuple(float(value) for value in column[kept]) for column in columns]


def froc_curve(scored: list[Scored]) -> Curve:
    """Return threats found against false alarms a picture, both at every threshold.

    Parameters
    ----------
    scored : list of Scored
        Detectors.

    Returns
    -------
    Curve
        One series for each.
    """
    series = []
    for one in scored:
        curve = froc(one.test)
        upto = int(np.searchsorted(curve.nlf, MOST_FALSE_ALARMS, side="right"))
        x, y = _thinned(curve.nlf[:upto], curve.llf[:upto])
        series.append(Series(name=one.name, x=x, y=y, style="step"))
    return Curve(
        section=SECTION,
        title="Threats found against false alarms",
        x_label="false alarms per picture without a threat",
        y_label="share of visible threats found",
        series=tuple(series),
    )


def container_curve(scored: list[Scored]) -> Curve:
    """Return the curve over containers.

    Parameters
    ----------
    scored : list of Scored
        Detectors.

    Returns
    -------
    Curve
        One series for each.
    """
    series = []
    for one in scored:
        score, has_threat = container_scores(one.test)
        if has_threat.all() or not has_threat.any():
            continue
        curve = roc(score, has_threat)
        x, y = _thinned(curve.fpr, curve.tpr)
        series.append(Series(name=one.name, x=x, y=y, style="step"))
    return Curve(
        section=SECTION,
        title="Containers found against clean containers that alarm",
        x_label="share of clean containers that alarm",
        y_label="share of containers with a threat that alarm",
        series=tuple(series),
    )


def _banded_curve(
    scored: list[Scored],
    values: Callable[[Scored], NDArray[np.float64]],
    bands: tuple[float, ...],
    title: str,
    x_label: str,
) -> Curve:
    series = []
    for one in scored:
        found = [
            (float(np.sqrt(max(low, 0.3) * high)), share)
            for low, high, share in detection_by(one.test, values(one), bands, one.threshold)
            if share.n > 0
        ]
        series.append(
            Series(
                name=one.name,
                x=tuple(x for x, _ in found),
                y=tuple(share.value for _, share in found),
                low=tuple(share.low for _, share in found),
                high=tuple(share.high for _, share in found),
                style="points",
            )
        )
    return Curve(
        section=SECTION,
        title=title,
        x_label=x_label,
        y_label="share found at the threshold of the claim",
        x_scale="log",
        series=tuple(series),
    )


def mass_curve(scored: list[Scored]) -> Curve:
    """Return the share found by mass, at each detector's threshold.

    Parameters
    ----------
    scored : list of Scored
        Detectors.

    Returns
    -------
    Curve
        One series for each.
    """
    return _banded_curve(
        scored,
        lambda one: one.test.mass_kg,
        MASS_BANDS,
        "Threats found by their mass",
        "mass in the picture, kg",
    )


def contrast_curve(scored: list[Scored]) -> Curve:
    """Return the share found by peak areal density, at each detector's threshold.

    Parameters
    ----------
    scored : list of Scored
        Detectors.

    Returns
    -------
    Curve
        One series for each.
    """
    bands = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
    return _banded_curve(
        scored,
        lambda one: one.test.contrast_g_cm2,
        bands,
        "Threats found by their peak areal density",
        "peak areal density, g/cm2",
    )

"""Curves of identification: correct against net counts, stated confidence against what came true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from screening.evaluate.identification import Correspondence, Label
from screening.evaluate.metrics.calibration import brier_interval, expected_calibration_error, reliability
from screening.evaluate.metrics.midpoints import midpoint_interval
from screening.evaluate.metrics.proportions import proportion
from screening.evaluate.metrics.resampling import Estimate, bootstrap
from screening.evaluate.metrics.sigmoid import fit_detection_curve
from screening.evaluate.record import Curve, Figure, Series, figure_of

from .figures import estimate_figure
from .scored import Answer, Answers

__all__ = ["calibration", "confusions", "count_curves", "half_points"]

#: Mistakes that were made fewer times than this are counted together.
_LEAST_CONFUSED = 3

#: Resamples of parents for fitted curves and for the error of calibration, of which there are many.
_N_RESAMPLE = 500

#: Bins of the error of calibration.
_N_BIN = 10


def count_curves(answers: Answers, detectors: Sequence[str], *, section: str) -> list[Curve]:
    """Return the share of correct answers against net counts, one curve for each truth.

    Parameters
    ----------
    answers : dict of str to list of Answer
        By detector.
    detectors : sequence of str
        Lines of each curve.
    section : str
        Where they stand.

    Returns
    -------
    list of Curve
        In the order of the truths.
    """
    truths = list(dict.fromkeys(one.case.truth for one in answers[detectors[0]] if one.case.truth))
    curves = []
    for truth in truths:
        series = []
        for name in detectors:
            mine = [one for one in answers[name] if one.case.truth == truth]
            levels = sorted({one.case.net_counts for one in mine})
            points = [
                proportion(
                    [one.is_correct for one in mine if one.case.net_counts == level],
                    [one.case.parent for one in mine if one.case.net_counts == level],
                )
                for level in levels
            ]
            series.append(
                Series(
                    name=name,
                    x=tuple(levels),
                    y=tuple(point.value for point in points),
                    low=tuple(point.low for point in points),
                    high=tuple(point.high for point in points),
                )
            )
        curves.append(
            Curve(
                section=section,
                title=f"{' + '.join(truth)}: correct against net counts, all detectors and ratios",
                x_label="net counts, 50 to 3,000 keV",
                y_label="share correct",
                x_scale="log",
                series=tuple(series),
            )
        )
    return curves


def half_points(answers: Answers, detectors: Sequence[str], *, section: str) -> list[Figure]:
    """Return the net counts at which half of the answers are correct, for each truth.

    Parameters
    ----------
    answers : dict of str to list of Answer
        By detector.
    detectors : sequence of str
        Which.
    section : str
        Where they stand.

    Returns
    -------
    list of Figure
        From a probit fit in the logarithm of the counts; without a number where there is none, with why.
    """
    truths = list(dict.fromkeys(one.case.truth for one in answers[detectors[0]] if one.case.truth))
    found = []
    for name in detectors:
        for truth in truths:
            mine = [one for one in answers[name] if one.case.truth == truth]
            levels = sorted({one.case.net_counts for one in mine})
            n = np.array([sum(one.case.net_counts == level for one in mine) for level in levels])
            right = [one.case.net_counts for one in mine if one.is_correct]
            k = np.array([right.count(level) for level in levels])
            fit = fit_detection_curve(levels, k, n, chance=0.0, cover=None)
            # A fit far outside the counts that were tried is no measurement.
            reach = (levels[0] / 3.0, levels[-1] * 3.0)
            is_inside = fit.m is not None and reach[0] <= np.exp(min(fit.m, 99.0)) <= reach[1]
            half = fit.midpoint if is_inside else None
            interval = _half_interval(mine, levels, reach) if is_inside else None
            why = (
                "" if is_inside else (fit.outcome if fit.m is None else "outside the counts that were tried")
            )
            found.append(
                Figure(
                    section=section,
                    metric="net counts at which half are correct",
                    detector=name,
                    stratum="+".join(truth),
                    value=half,
                    low=interval.low if interval is not None else None,
                    high=interval.high if interval is not None else None,
                    k=int(k.sum()),
                    n=float(n.sum()),
                    unit="counts",
                    method=f"probit fit; {interval.method}" if interval is not None else "probit fit",
                    better="lower",
                    note="" if is_inside else why,
                )
            )
    return found


def _half_interval(mine: Sequence[Answer], levels: Sequence[float], reach: tuple[float, float]) -> Estimate:
    return midpoint_interval(
        levels,
        [levels.index(one.case.net_counts) for one in mine],
        [one.is_correct for one in mine],
        [one.case.parent for one in mine],
        reach=reach,
        n_resample=_N_RESAMPLE,
    )


def calibration(answers: Answers, table: Correspondence, *, section: str) -> tuple[list[Figure], list[Curve]]:
    """Return whether the confidence of named labels comes true.

    Labels that are never wrong, being in every background or allowed beside the truth, are not looked at:
    their confidence cannot fail. Nor are those that are partly right.

    Parameters
    ----------
    answers : dict of str to list of Answer
        By detector; those that state no confidence are left out.
    table : Correspondence
        What answers for what.
    section : str
        Where they stand.

    Returns
    -------
    figures : list of Figure
        Expected calibration error and Brier score by detector.
    curves : list of Curve
        One reliability diagram with a line for each detector.
    """
    figures: list[Figure] = []
    series: list[Series] = []
    for name, mine in answers.items():
        stated, right, parents = [], [], []
        for one in mine:
            fine, beside = set(one.case.truth), set(table.always_allowed)
            for label in one.case.truth:
                rule = table.label.get(label, Label())
                fine.update(rule.accepts)
                beside.update(rule.allowed, rule.partial)
            for label, confidence in one.reply.confidences.items():
                if label in beside and label not in fine:
                    continue
                stated.append(confidence)
                right.append(label in fine)
                parents.append(one.case.parent)
        if not stated:
            continue
        error = expected_calibration_error(stated, right, n_bin=_N_BIN)
        interval = _error_interval(stated, right, parents)
        figures.append(
            Figure(
                section=section,
                metric="expected calibration error",
                detector=name,
                value=error.value,
                low=interval.low if interval.low is None else max(interval.low, 0.0),
                high=interval.high,
                n=float(error.n),
                method=f"{error.n_bin} bins of equal numbers; {interval.method}",
                better="lower",
                note=f"{error.by_chance:.3f} would be found by chance if confidences were right",
            )
        )
        figures.append(
            estimate_figure(
                brier_interval(stated, right, parents),
                section=section,
                metric="Brier score of named labels",
                detector=name,
                better="lower",
            )
        )
        figures.append(
            figure_of(
                proportion(right, parents),
                section=section,
                metric="named labels that are right",
                detector=name,
                better="higher",
                note=f"mean stated confidence {np.mean(stated):.3f}",
            )
        )
        diagram = reliability(stated, right, parents, n_bin=8, binning="equal mass")
        series.append(
            Series(
                name=name,
                x=tuple(float(value) for value in diagram.stated),
                y=tuple(point.value for point in diagram.observed),
                low=tuple(point.low for point in diagram.observed),
                high=tuple(point.high for point in diagram.observed),
                style="points",
            )
        )
    if not series:
        return figures, []
    ideal = Series(name="as stated", x=(0.0, 1.0), y=(0.0, 1.0))
    curve = Curve(
        section=section,
        title="Confidence stated of named labels against the share that is right",
        x_label="mean confidence in bins of equal numbers",
        y_label="share right",
        series=(*series, ideal),
    )
    return figures, [curve]


def _error_interval(stated: list[float], right: list[bool], parents: list[str]) -> Estimate:
    """Return the interval of the calibration error over parents.

    It is reflected: resamples lie above the error, as the error of a sample lies above that of the detector.
    """

    def _error(p: NDArray[np.float64], is_right: NDArray[np.bool_]) -> float:
        return expected_calibration_error(p, is_right, n_bin=_N_BIN, n_draw=1).value

    arrays = [np.array(stated), np.array(right)]
    return bootstrap(_error, arrays, parents, n_resample=_N_RESAMPLE, method="reflected")


def confusions(answers: Sequence[Answer], *, section: str, detector: str) -> list[Figure]:
    """Return which labels were named that are not there.

    Parameters
    ----------
    answers : sequence of Answer
        Of one detector.
    section, detector : str
        Their key.

    Returns
    -------
    list of Figure
        Named label by truth, of all spectra of that truth; mistakes made once or twice together.
    """
    found = []
    truths = list(dict.fromkeys(one.case.truth for one in answers))
    for truth in truths:
        mine = [one for one in answers if one.case.truth == truth]
        parents = [one.case.parent for one in mine]
        times = Counter(label for one in mine for label in one.score.extra)
        often = sorted(label for label, n in times.items() if n >= _LEAST_CONFUSED)
        rare = {label for label, n in times.items() if n < _LEAST_CONFUSED}
        groups = [(f"named: {label}", {label}) for label in often]
        if rare:
            groups.append(("named: others, once or twice each", rare))
        for metric, labels in groups:
            hits = [bool(labels & set(one.score.extra)) for one in mine]
            found.append(
                figure_of(
                    proportion(hits, parents),
                    section=section,
                    metric=metric,
                    detector=detector,
                    stratum=" + ".join(truth) or "background",
                    better="lower",
                    note=", ".join(sorted(labels)) if labels is rare else "",
                )
            )
    return found

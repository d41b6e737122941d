"""Figures that several questions share: answer rates, shares by truth, curves of a score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from screening.evaluate.detectors.answer import DetectorAnswer
from screening.evaluate.metrics.curve_intervals import (
    auc_delong,
    auc_interval,
    partial_auc_interval,
    tpr_at_fpr_interval,
)
from screening.evaluate.metrics.curves import auc, roc
from screening.evaluate.metrics.froc import Estimate as FrocEstimate
from screening.evaluate.metrics.proportions import Proportion, proportion
from screening.evaluate.metrics.resampling import Estimate
from screening.evaluate.record import Better, Curve, Figure, Series, figure_of
from screening.evaluate.samples import Sample

__all__ = ["Answered", "Scored", "Told", "estimated", "roc_curve", "scored", "share"]

MAX_CURVE_POINTS = 400
#: Operating points at few false alarms; each is given where at least one negative may be called positive.
FPR_POINTS = (0.1, 0.01, 0.001)
LOW_FPR = 0.1
N_RESAMPLE = 1000


class Answered(NamedTuple):
    """A sample with what the detector said of it.

    Attributes
    ----------
    sample : Sample
        The truth.
    answer : DetectorAnswer
        The answer.
    has_spectra : bool
        False for a portal that only counts: nobody could name a nuclide there, and naming none is no
        merit. True where the scan could not even be read.
    """

    sample: Sample
    answer: DetectorAnswer
    has_spectra: bool = True


class Told(NamedTuple):
    """Figures and curves of one detector in one section.

    Attributes
    ----------
    figures : list of Figure
        Numbers.
    curves : list of Curve
        Each with the line of this detector; those of one title become one picture.
    """

    figures: list[Figure]
    curves: list[Curve]


class Scored(NamedTuple):
    """Scores of samples, for curves.

    Attributes
    ----------
    ids : list of str
        Samples.
    truth : ndarray of shape (n,), bool
        Positive or not.
    score : ndarray of shape (n,), float64
        Higher is more likely positive.
    parents : list of str
        What samples share.
    n_without : int
        Samples without a score: positives among them stand below every score, negatives are left out.
    """

    ids: list[str]
    truth: np.ndarray[tuple[int], np.dtype[np.bool_]]
    score: np.ndarray[tuple[int], np.dtype[np.float64]]
    parents: list[str]
    n_without: int

    @property
    def has_both(self) -> bool:
        """Whether both classes are there."""
        return bool(self.truth.any() and not self.truth.all())


def share(
    items: Sequence[Answered],
    is_hit: Callable[[DetectorAnswer], bool],
    *,
    section: str,
    metric: str,
    detector: str,
    stratum: str = "",
    better: Better = "",
    is_headline: bool = False,
    note: str = "",
) -> Figure:
    """Return a share of samples, with the interval its parents allow.

    Parameters
    ----------
    items : sequence of Answered
        The trials.
    is_hit : callable
        Whether an answer counts.
    section, metric, detector, stratum : str
        Its key.
    better : {"higher", "lower", ""}
        Which way is good.
    is_headline : bool
        Shown in the first table.
    note : str
        What must be said beside it.

    Returns
    -------
    Figure
        The share.
    """
    found: Proportion = proportion(
        [is_hit(answer) for _, answer, _ in items], [sample.parent for sample, _, _ in items]
    )
    return figure_of(
        found,
        section=section,
        metric=metric,
        detector=detector,
        stratum=stratum,
        better=better,
        is_headline=is_headline,
        note=note,
    )


def scored(
    items: Sequence[Answered],
    truth: Callable[[Sample], bool],
    value: Callable[[DetectorAnswer], float | None],
) -> Scored:
    """Return the scores of samples.

    Parameters
    ----------
    items : sequence of Answered
        Samples whose truth is known.
    truth : callable
        Positive or not.
    value : callable
        The score of an answer; None without one.

    Returns
    -------
    Scored
        Those that have one. A positive without one is a miss at every threshold that tells anything, and
        stands below all scores; a negative without one is no evidence and is left out.
    """
    every = [(s, v if (v := value(a)) is not None and np.isfinite(v) else None) for s, a, _ in items]
    given = [v for _, v in every if v is not None]
    below = min(given, default=0.0) - 1.0
    found = [(s, below if v is None else v) for s, v in every if v is not None or (given and truth(s))]
    return Scored(
        ids=[sample.id for sample, _ in found],
        truth=np.array([truth(sample) for sample, _ in found], dtype=bool),
        score=np.array([v for _, v in found], dtype=np.float64),
        parents=[sample.parent for sample, _ in found],
        n_without=len(items) - len(given),
    )


def estimated(
    found: Estimate | FrocEstimate,
    *,
    section: str,
    metric: str,
    detector: str,
    stratum: str = "",
    unit: str = "",
    better: Better = "",
    is_headline: bool = False,
    note: str = "",
) -> Figure:
    """Return a number with its bootstrap interval as a figure.

    Parameters
    ----------
    found : Estimate
        The number.
    section, metric, detector, stratum : str
        Its key.
    unit : str
        "" for a share.
    better : {"higher", "lower", ""}
        Which way is good.
    is_headline : bool
        Shown in the first table.
    note : str
        What must be said beside it.

    Returns
    -------
    Figure
        The same number.
    """
    return Figure(
        section=section,
        metric=metric,
        detector=detector,
        stratum=stratum,
        value=found.value,
        low=found.low,
        high=found.high,
        n=found.n,
        unit=unit,
        method=found.method,
        better=better,
        is_headline=is_headline,
        note=note,
    )


def roc_curve(found: Scored, *, section: str, metric: str, detector: str, is_headline: bool = False) -> Told:
    """Return the curves of a score, the area under them, and what can be had at few false alarms.

    Parameters
    ----------
    found : Scored
        Scores.
    section, metric, detector : str
        Where it stands: the metric is a prefix, "alarm".
    is_headline : bool
        Whether the area is shown in the first table.

    Returns
    -------
    Told
        Nothing where one of the classes is missing.
    """
    if not found.has_both:
        return Told([], [])
    curve = roc(found.score, found.truth)
    n_positive = int(found.truth.sum())
    n_negative = int(found.truth.size - n_positive)
    note = f"{n_positive} positives, {n_negative} negatives"
    if found.n_without:
        note += f", {found.n_without} without a score: positives among them are misses"
    area = _area(found, auc(curve))
    key: dict[str, Any] = {"section": section, "detector": detector, "note": note}
    figures = [
        estimated(
            area, metric=f"{metric}: area under the curve", better="higher", is_headline=is_headline, **key
        )
    ]
    if n_negative * LOW_FPR >= 1.0:
        low = partial_auc_interval(
            found.score, found.truth, LOW_FPR, found.parents, is_standardised=True, n_resample=N_RESAMPLE
        )
        figures.append(
            estimated(
                low,
                metric=f"{metric}: partial area up to {LOW_FPR:g} (McClish)",
                better="higher",
                **key,
            )
        )
    figures.extend(
        estimated(
            tpr_at_fpr_interval(found.score, found.truth, fpr, found.parents, n_resample=N_RESAMPLE),
            metric=f"{metric}: true positive rate at false positive rate {fpr:g}",
            better="higher",
            **key,
        )
        for fpr in FPR_POINTS
        if n_negative * fpr >= 1.0
    )
    name = f"{metric[:1].upper()}{metric[1:]}"
    fpr, tpr = (_thinned(values) for values in (curve.fpr, curve.tpr))
    curves = [
        Curve(
            section=section,
            title=f"{name}: receiver operating characteristic",
            x_label="false positive rate",
            y_label="true positive rate",
            series=(Series(name=detector, x=tuple(fpr), y=tuple(tpr)),),
        ),
        Curve(
            section=section,
            title=f"{name}: detection error tradeoff",
            x_label="false positive rate",
            y_label="missed",
            x_scale="probit",
            y_scale="probit",
            series=(Series(name=detector, x=tuple(fpr), y=tuple(1.0 - value for value in tpr)),),
        ),
    ]
    return Told(figures, curves)


def _area(found: Scored, value: float) -> Estimate:
    n_parent = len(set(found.parents))
    smaller = min(int(found.truth.sum()), int((~found.truth).sum()))
    if smaller < 2:
        why = "none: two of each class are needed"
        return Estimate(value=value, low=None, high=None, n=found.truth.size, n_parent=n_parent, method=why)
    if n_parent == found.truth.size:
        return auc_delong(found.score, found.truth)
    return auc_interval(found.score, found.truth, found.parents, n_resample=N_RESAMPLE)


def _thinned(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
    at = np.linspace(0, values.size - 1, min(values.size, MAX_CURVE_POINTS)).round().astype(int)
    thinned: list[float] = values[np.unique(at)].tolist()
    return thinned

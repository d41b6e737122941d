"""Figures that several questions share: answer rates, shares by truth, curves of a score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from screening.evaluate.detectors.answer import DetectorAnswer
from screening.evaluate.metrics.proportions import Proportion, Roc, auc, proportion, roc
from screening.evaluate.record import Better, Curve, Figure, Series, figure_of
from screening.evaluate.samples import Sample

__all__ = ["Answered", "Scored", "Told", "roc_curve", "scored", "share"]

MAX_CURVE_POINTS = 400


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
    """Scores of the samples that have one, for curves.

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
        Samples without a score.
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
        Those that have one, and how many have none.
    """
    found = [(s, v) for s, a, _ in items if (v := value(a)) is not None and np.isfinite(v)]
    return Scored(
        ids=[sample.id for sample, _ in found],
        truth=np.array([truth(sample) for sample, _ in found], dtype=bool),
        score=np.array([v for _, v in found], dtype=np.float64),
        parents=[sample.parent for sample, _ in found],
        n_without=len(items) - len(found),
    )


def roc_curve(found: Scored, *, section: str, metric: str, detector: str, is_headline: bool = False) -> Told:
    """Return the curve of a score, the area under it, and what can be read off at few false alarms.

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
    note = f"{n_positive} positives, {found.truth.size - n_positive} negatives"
    if found.n_without:
        note += f", {found.n_without} without a score"
    area = Figure(
        section=section,
        metric=f"{metric}: area under the curve",
        detector=detector,
        value=auc(curve),
        n=found.truth.size,
        method="none",
        better="higher",
        is_headline=is_headline,
        note=note,
    )
    drawn = Curve(
        section=section,
        title=f"{metric[:1].upper()}{metric[1:]}: receiver operating characteristic",
        x_label="false positive rate",
        y_label="true positive rate",
        series=(_series(detector, curve),),
    )
    return Told([area], [drawn])


def _series(name: str, curve: Roc) -> Series:
    kept = np.unique(
        np.linspace(0, curve.fpr.size - 1, min(curve.fpr.size, MAX_CURVE_POINTS)).round().astype(int)
    )
    return Series(name=name, x=tuple(curve.fpr[kept].tolist()), y=tuple(curve.tpr[kept].tolist()))

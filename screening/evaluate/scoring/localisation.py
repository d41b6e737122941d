"""Where on a picture: free-response curves over the pictures whose objects are known."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan
from typing import Any

import msgspec

from screening.evaluate.detectors.answer import Candidate
from screening.evaluate.metrics.froc import froc, summary
from screening.evaluate.metrics.matching import PictureMatch, Region, Truth, match
from screening.evaluate.metrics.pooling import pool
from screening.evaluate.metrics.proportions import proportion
from screening.evaluate.record import Curve, Figure, Section, Series, figure_of
from screening.evaluate.samples import Sample, TruthBox
from screening.evaluate.truths import decode_mask

from .questions import MAX_CURVE_POINTS, N_RESAMPLE, Answered, Told, estimated, share

__all__ = ["SECTION", "localisation_figures", "matched", "truths_of"]

SECTION = Section(
    id="localisation",
    title="Objects on pictures",
    text=(
        "Free-response curves: the share of objects found against false alarms per picture without threats, "
        "the threshold swept over all scores. A candidate hits by its centre and area, large objects by the "
        "overlap of boxes; one candidate to an object. Objects of which less than half can be seen are asked "
        "about elsewhere. A picture without an answer has no candidates. Intervals are over parents. A "
        "threshold for use is set on a validation split, never on this curve.",
        "Labels do not say where containers stand, nor answers what cannot be seen: a picture of two "
        "containers is one case here, and whether hidden objects lie in a region that gates is not reported. "
        "The bench of radiographs knows both and reports them.",
    ),
)


def localisation_figures(name: str, answers: Sequence[Answered]) -> Told:
    """Return how well one detector points.

    Parameters
    ----------
    name : str
        The detector.
    answers : sequence of Answered
        Its answers.

    Returns
    -------
    Told
        Figures of the section "localisation"; none for a detector that does not point, or without an
        object that can be seen.
    """
    known = [
        item for item in answers if item.sample.boxes is not None and item.sample.modality != "radiation"
    ]
    if not any(item.answer.candidates is not None for item in known):
        return Told([], [])
    matches = matched(known)
    pooled = pool(matches)
    if not (~pooled.truth_is_hidden).any():
        return Told([], [])
    found = summary(pooled, n_resample=N_RESAMPLE)
    key: dict[str, Any] = {"section": SECTION.id, "detector": name}
    figures = [
        share(known, lambda a: a.candidates is not None, metric="objects: answered", better="higher", **key)
    ]
    figures.extend(
        estimated(
            value,
            metric=f"objects: found at {level:g} false alarms a clean picture",
            better="higher",
            is_headline=level == 0.1,
            note=f"{value.n_clean} clean pictures",
            **key,
        )
        for level, value in found.llf.items()
    )
    figures += [
        estimated(
            found.area, metric="objects: area up to 1 false alarm a clean picture", better="higher", **key
        ),
        estimated(found.precision, metric="objects: average precision", better="higher", **key),
        estimated(found.container_auc, metric="containers: area under the curve", better="higher", **key),
        estimated(
            found.container_tpr,
            metric="containers: true positive rate at false positive rate 0.06",
            better="higher",
            **key,
        ),
    ]
    figures.extend(_by_class(name, matches))
    n_hidden = int(pooled.truth_is_hidden.sum())
    if n_hidden:
        figures.append(
            Figure(
                metric="objects: hidden, not asked for",
                value=float(n_hidden),
                k=n_hidden,
                method="count",
                **key,
            )
        )
    curve = froc(pooled)
    step = max(1, curve.llf.size // MAX_CURVE_POINTS)
    drawn = Curve(
        section=SECTION.id,
        title="Objects: free-response curve",
        x_label="false alarms per picture without threats",
        y_label="share of objects found",
        x_scale="log",
        series=(
            Series(
                name=name,
                x=tuple(_finite(value) for value in curve.nlf[::step].tolist()),
                y=tuple(curve.llf[::step].tolist()),
                style="step",
            ),
        ),
    )
    return Told(figures, [drawn])


def matched(known: Sequence[Answered]) -> list[PictureMatch]:
    """Return pictures with their candidates set against their objects.

    Parameters
    ----------
    known : sequence of Answered
        Pictures whose objects are known.

    Returns
    -------
    list of PictureMatch
        In the same order. A candidate's class counts only if it is a class of the truths: "dense" of a
        detector that knows no weapons is any class.
    """
    classes = {box.kind for item in known for box in item.sample.boxes or ()}
    return [
        match(
            [_known_class(place, classes) for place in item.answer.candidates or ()],
            truths_of(item.sample),
            scene=item.sample.parent,
            ignore=[_region(box) for box in item.sample.boxes or () if box.is_ignored],
            strata={"scanner": item.sample.scanner, "cargo": item.sample.cargo},
        )
        for item in known
    ]


def truths_of(sample: Sample) -> list[Truth]:
    """Return the objects of a sample as the matching takes them.

    Parameters
    ----------
    sample : Sample
        A picture.

    Returns
    -------
    list of Truth
        Those that are asked for or hidden; regions to be ignored are left out.
    """
    return [
        Truth(
            row0=box.row0,
            col0=box.col0,
            row1=box.row1,
            col1=box.col1,
            kind=box.kind,
            mask=decode_mask(box),
            visible=box.visible,
            contrast_g_cm2=_number(box.peak_g_cm2),
            background_g_cm2=_number(box.background_g_cm2),
            mass_kg=_number(box.mass_kg),
        )
        for box in sample.boxes or ()
        if not box.is_ignored
    ]


def _by_class(name: str, matches: Sequence[PictureMatch]) -> list[Figure]:
    """Return the share of objects that any candidate points at, by class: the end of the curve."""
    found: dict[str, list[tuple[bool, str]]] = {}
    for picture in matches:
        for truth, score in zip(picture.truths, picture.truth_score.tolist(), strict=True):
            if not truth.is_hidden:
                found.setdefault(truth.kind or "any", []).append((score > -inf, picture.scene))
    return [
        figure_of(
            proportion([hit for hit, _ in hits], [parent for _, parent in hits]),
            section=SECTION.id,
            metric="objects: pointed at, at any score",
            detector=name,
            stratum=kind,
            better="higher",
        )
        for kind, hits in sorted(found.items())
    ]


def _known_class(place: Candidate, classes: set[str]) -> Candidate:
    return place if place.kind in classes else msgspec.structs.replace(place, kind="")


def _region(box: TruthBox) -> Region:
    return Region(box.row0, box.col0, box.row1, box.col1, decode_mask(box))


def _number(value: float | None) -> float:
    return nan if value is None else value


def _finite(value: float) -> float | None:
    return None if value != value else value

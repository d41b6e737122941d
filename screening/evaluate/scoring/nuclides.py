"""Identification: every spectrum in one of four classes, and no answer is a miss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from screening.evaluate.identification import Correspondence, Score, Verdict, score
from screening.evaluate.metrics.proportions import proportion
from screening.evaluate.metrics.resampling import clusters_of, interval_of, resampled_sums
from screening.evaluate.record import Better, Figure, Section, figure_of

from .questions import N_RESAMPLE, Answered, Told, estimated

__all__ = ["SECTION", "identification_figures", "identified"]

SECTION = Section(
    id="identification",
    title="Nuclides",
    text=(
        "Each spectrum is correct (every required label, nothing outside required and allowed), partial, "
        "wrong (nothing required and something else, or any extra label of a more severe category than the "
        "truth's) or missed. Denominators are all spectra; scans without spectra are not asked. A spectrum "
        "without a source is correct when nothing outside what is always allowed is named, which silence "
        "earns too: spectra with a source, and false names in answers without one, are counted apart. "
        "Precision, recall and F are averaged per spectrum.",
    ),
)
_BETTER: dict[Verdict, Better] = {
    Verdict.CORRECT: "higher",
    Verdict.PARTIAL: "",
    Verdict.WRONG: "lower",
    Verdict.MISSED: "lower",
}


class _Spectrum(NamedTuple):
    item: Answered
    score: Score


def identified(answers: Sequence[Answered], table: Correspondence) -> list[tuple[Answered, Score]]:
    """Return the spectra of known truth with their scores.

    Parameters
    ----------
    answers : sequence of Answered
        Answers of one detector.
    table : Correspondence
        What answers for what.

    Returns
    -------
    list of tuple of Answered and Score
        Empty for a detector that names nothing anywhere: it does not identify.
    """
    known = [item for item in answers if item.sample.truth_nuclides is not None and item.has_spectra]
    if not any(answer.nuclides is not None for _, answer, _ in known):
        return []
    return [
        (item, score(item.answer.nuclides or (), item.sample.truth_nuclides or (), table)) for item in known
    ]


def identification_figures(name: str, answers: Sequence[Answered], table: Correspondence) -> Told:
    """Return the identification of one detector.

    Parameters
    ----------
    name : str
        The detector.
    answers : sequence of Answered
        Its answers.
    table : Correspondence
        What answers for what.

    Returns
    -------
    Told
        Figures of the section "identification"; none for a detector that does not identify.
    """
    spectra = [_Spectrum(*pair) for pair in identified(answers, table)]
    if not spectra:
        return Told([], [])
    with_source = [found for found in spectra if found.item.sample.truth_nuclides]
    # as with alarms: an answer that was not given is no sign that nothing would have been named
    without = [
        found
        for found in spectra
        if not found.item.sample.truth_nuclides and found.item.answer.nuclides is not None
    ]
    note = f"correspondence {table.version}"
    figures = [
        # the share over all spectra is high where most hold nothing, even of a detector that names nothing
        _share(
            with_source,
            [found.score.verdict is Verdict.CORRECT for found in with_source],
            metric="nuclides: correct, with a source",
            detector=name,
            better="higher",
            is_headline=True,
            note=note,
        ),
        _share(
            without,
            [bool(found.score.extra) for found in without],
            metric="nuclides: named where nothing is",
            detector=name,
            better="lower",
            is_headline=True,
            note=note,
        ),
        _share(
            with_source,
            [found.score.is_answered for found in with_source],
            metric="nuclides: answered",
            detector=name,
            better="higher",
        ),
    ]
    figures.extend(
        _share(
            spectra,
            [found.score.verdict is verdict for found in spectra],
            metric=f"nuclides: {verdict.value}",
            detector=name,
            better=_BETTER[verdict],
            is_headline=verdict is Verdict.WRONG,
            note=note,
        )
        for verdict in Verdict
    )
    figures.append(
        _share(
            spectra,
            [found.score.is_false_snm for found in spectra],
            metric="nuclides: false SNM",
            detector=name,
            better="lower",
        )
    )
    figures.extend(_averages(name, spectra))
    figures.extend(_by_truth(name, spectra))
    figures.extend(_wrong_labels(name, spectra))
    return Told(figures, [])


def _share(
    spectra: Sequence[_Spectrum],
    hits: Sequence[bool],
    *,
    metric: str,
    detector: str,
    stratum: str = "",
    better: Better = "",
    is_headline: bool = False,
    note: str = "",
) -> Figure:
    return figure_of(
        proportion(hits, [found.item.sample.parent for found in spectra]),
        section=SECTION.id,
        metric=metric,
        detector=detector,
        stratum=stratum,
        better=better,
        is_headline=is_headline,
        note=note,
    )


def _averages(name: str, spectra: Sequence[_Spectrum]) -> list[Figure]:
    """Return precision, recall and F averaged per spectrum, with intervals over parents."""
    titles = ("precision", "recall", "F")
    values = np.array([(f.score.precision, f.score.recall, f.score.f) for f in spectra], dtype=np.float64)
    parents = [found.item.sample.parent for found in spectra]
    clusters = clusters_of(parents, len(values))
    sums, n = resampled_sums(values, parents, n_resample=N_RESAMPLE)
    return [
        estimated(
            interval_of(float(values[:, k].mean()), sums[:, k] / n, clusters),
            section=SECTION.id,
            metric=f"nuclides: {title}",
            detector=name,
            better="higher",
            note="mean over spectra",
        )
        for k, title in enumerate(titles)
    ]


def _by_truth(name: str, spectra: Sequence[_Spectrum]) -> list[Figure]:
    strata: dict[str, list[_Spectrum]] = {}
    for found in spectra:
        truth = "; ".join(found.item.sample.truth_nuclides or ()) or "none"
        strata.setdefault(truth, []).append(found)
    return [
        _share(
            group,
            [found.score.verdict is verdict for found in group],
            metric=f"nuclides: {verdict.value}",
            detector=name,
            stratum=truth,
            better=_BETTER[verdict],
        )
        for truth, group in sorted(strata.items())
        for verdict in Verdict
    ]


def _wrong_labels(name: str, spectra: Sequence[_Spectrum]) -> list[Figure]:
    extra = Counter(label for found in spectra for label in found.score.extra)
    return [
        _share(
            spectra,
            [label in found.score.extra for found in spectra],
            metric="nuclides: named outside the truth",
            detector=name,
            stratum=label,
            better="lower",
        )
        for label, _ in sorted(extra.items(), key=lambda item: (-item[1], item[0]))
    ]

"""Detectors against each other, on the samples that both were asked about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from screening.evaluate.identification import Correspondence, Verdict
from screening.evaluate.metrics.comparison import Paired, delong, holm, paired_shares, verdict
from screening.evaluate.metrics.curve_intervals import compare_curves, weighted_areas
from screening.evaluate.record import Comparison, DetectorTested

from .alarms import alarm_scores, is_nuisance
from .levels import makes_no_claim
from .nuclides import identified
from .pictures import QUESTIONS, Question, picture_scores
from .questions import N_RESAMPLE, Answered, Scored

__all__ = ["comparisons"]

#: Fewer samples than this in common are not compared.
MIN_SAMPLES = 5
#: DeLong's variance needs two of each class.
MIN_CLASS = 2


class _Outcomes(NamedTuple):
    """What counts as success, by sample."""

    hits: dict[str, bool]
    parents: dict[str, str]


def comparisons(
    detectors: Sequence[DetectorTested], answers: Mapping[str, Sequence[Answered]], table: Correspondence
) -> list[Comparison]:
    """Return all paired comparisons of detectors.

    Parameters
    ----------
    detectors : sequence of DetectorTested
        Under test; those of different tiers are not compared, but for references, which are there for it.
    answers : mapping of str to sequence of Answered
        By detector.
    table : Correspondence
        What answers for what.

    Returns
    -------
    list of Comparison
        P-values are corrected (Holm) within each metric.
    """
    found: list[Comparison] = []
    pairs = [
        (a.name, b.name)
        for a, b in combinations(detectors, 2)
        if _are_comparable(a, b) and answers.get(a.name) and answers.get(b.name)
    ]
    shares: list[tuple[str, str, bool, Callable[[Sequence[Answered]], _Outcomes]]] = [
        ("alarms", "alarm: sources detected", True, lambda a: _detected(a, table)),
        ("alarms", "alarm: false, per occupancy", False, _false_alarms),
        ("identification", "nuclides: correct", True, lambda a: _correct(a, table)),
        ("identification", "nuclides: correct, with a source", True, lambda a: _correct_with(a, table)),
        *((q.section.id, f"{q.metric}: right", True, _right(q)) for q in QUESTIONS),
    ]
    for section, metric, is_higher_better, outcomes in shares:
        own = {name: outcomes(items) for name, items in answers.items()}
        tested = [(a, b, _shares(own[a], own[b])) for a, b in pairs]
        found.extend(_family(section, metric, is_higher_better, tested))
    areas: list[tuple[str, str, Callable[[Sequence[Answered]], Scored]]] = [
        ("alarms", "alarm: area under the curve", lambda a: alarm_scores(a, table)),
        *((q.section.id, f"{q.metric}: area under the curve", _scores(q)) for q in QUESTIONS),
    ]
    for section, metric, scores in areas:
        curves = {name: scores(items) for name, items in answers.items()}
        found.extend(_family(section, metric, True, [(a, b, _areas(curves[a], curves[b])) for a, b in pairs]))
    return found


def _are_comparable(a: DetectorTested, b: DetectorTested) -> bool:
    return a.tier == b.tier or not (a.tier and b.tier) or "reference" in (a.tier, b.tier)


def _family(
    section: str,
    metric: str,
    is_higher_better: bool,
    compared: Sequence[tuple[str, str, Paired | None]],
) -> list[Comparison]:
    """Return the comparisons of one metric, their p-values corrected together."""
    tested = [(a, b, found) for a, b, found in compared if found is not None]
    corrected = holm([found.p for _, _, found in tested])
    return [
        Comparison(
            section=section,
            metric=metric,
            a=a,
            b=b,
            effect=found.effect,
            effect_name="difference of areas" if "area" in metric else "difference of shares",
            low=found.low,
            high=found.high,
            p=found.p,
            p_holm=p,
            n=found.n,
            test=found.test,
            verdict=verdict(found.effect, p, is_higher_better=is_higher_better),
        )
        for (a, b, found), p in zip(tested, corrected, strict=True)
    ]


def _shares(a: _Outcomes, b: _Outcomes) -> Paired | None:
    both = [name for name in a.hits if name in b.hits]
    if len(both) < MIN_SAMPLES:
        return None
    return paired_shares(
        [a.hits[name] for name in both],
        [b.hits[name] for name in both],
        [a.parents[name] for name in both],
        n_resample=N_RESAMPLE,
    )


def _areas(a: Scored, b: Scored) -> Paired | None:
    at = {name: i for i, name in enumerate(b.ids)}
    pairs = [(i, at[name]) for i, name in enumerate(a.ids) if name in at]
    if len(pairs) < MIN_SAMPLES:
        return None
    first, second = (np.array(index) for index in zip(*pairs, strict=True))
    truth = a.truth[first]
    if min(truth.sum(), (~truth).sum()) < MIN_CLASS:
        return None
    parents = [a.parents[i] for i in first]
    one, other = a.score[first], b.score[second]
    if len(set(parents)) == len(parents):
        return delong(one, other, truth)
    return compare_curves(
        weighted_areas(one, truth), weighted_areas(other, truth), truth, parents, n_resample=N_RESAMPLE
    )


def _detected(answers: Sequence[Answered], table: Correspondence) -> _Outcomes:
    asked = [
        item
        for item in answers
        if item.sample.modality != "radiograph"
        and item.sample.has_source
        and not is_nuisance(item.sample, table)
    ]
    if makes_no_claim(asked, lambda a: a.alarm is not None):
        return _Outcomes({}, {})  # an identifier is not worse at a question it does not answer
    return _outcomes(asked, lambda item: item.answer.alarm is True)


def _false_alarms(answers: Sequence[Answered]) -> _Outcomes:
    asked = [
        item
        for item in answers
        if item.sample.modality != "radiograph"
        and item.sample.has_source is False
        and item.answer.alarm is not None
    ]
    return _outcomes(asked, lambda item: item.answer.alarm is True)


def _correct(answers: Sequence[Answered], table: Correspondence) -> _Outcomes:
    scores = identified(answers, table)
    return _Outcomes(
        {item.sample.id: found.verdict is Verdict.CORRECT for item, found in scores},
        {item.sample.id: item.sample.parent for item, _ in scores},
    )


def _correct_with(answers: Sequence[Answered], table: Correspondence) -> _Outcomes:
    found = _correct(answers, table)
    asked = {item.sample.id for item in answers if item.sample.truth_nuclides}
    return _Outcomes(
        {name: hit for name, hit in found.hits.items() if name in asked},
        {name: parent for name, parent in found.parents.items() if name in asked},
    )


def _right(question: Question) -> Callable[[Sequence[Answered]], _Outcomes]:
    def _found(answers: Sequence[Answered]) -> _Outcomes:
        known = [
            item
            for item in answers
            if item.sample.modality != "radiation" and question.truth(item.sample) is not None
        ]
        if not any(question.call(item.answer) is not None for item in known):
            return _Outcomes({}, {})
        return _outcomes(known, lambda item: question.call(item.answer) is question.truth(item.sample))

    return _found


def _scores(question: Question) -> Callable[[Sequence[Answered]], Scored]:
    return lambda answers: picture_scores(answers, question)


def _outcomes(items: Sequence[Answered], is_hit: Callable[[Answered], bool]) -> _Outcomes:
    return _Outcomes(
        {item.sample.id: is_hit(item) for item in items},
        {item.sample.id: item.sample.parent for item in items},
    )

"""From answers and truths to figures. Nothing is dropped: what has no answer is counted as such."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from screening.records import Level

from .dataset import Sample
from .detectors import DetectorAnswer
from .identification import Correspondence, Verdict, score, severity
from .metrics import Proportion, auc, proportion, rate, roc
from .results import (
    AlarmFigures,
    BinaryFigures,
    DetectorResult,
    Failure,
    IdentificationFigures,
    RocFigures,
)

__all__ = ["Answered", "detector_result"]

MAX_CURVE_POINTS = 400
#: Truths up to this severity are a nuisance when they alarm, not a success.
NUISANCE = 1  # medical


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


def detector_result(
    name: str,
    answers: Sequence[Answered],
    table: Correspondence,
    *,
    failures: Sequence[Failure] = (),
    n_not_served: int = 0,
) -> DetectorResult:
    """Return all figures of one detector.

    Parameters
    ----------
    name : str
        The detector.
    answers : sequence of Answered
        Its answers; a failure is an UNKNOWN one.
    table : Correspondence
        For the identification.
    failures : sequence of Failure
        What failed.
    n_not_served : int
        Scans of a modality it does not serve.

    Returns
    -------
    DetectorResult
        The figures.
    """
    levels = [answer.level for _, answer, _ in answers]
    unknown = [level is Level.UNKNOWN for level in levels]
    parents = [sample.parent for sample, _, _ in answers]
    codes = sorted(
        {code for _, answer, _ in answers if answer.level is Level.UNKNOWN for code in answer.codes}
    )
    not_low = [(s, a) for s, a, _ in answers if s.level not in (None, Level.LOW)]
    return DetectorResult(
        name=name,
        n_answers=len(answers),
        n_not_served=n_not_served,
        failures=tuple(failures),
        levels={level.value: levels.count(level) for level in Level},
        unknown=proportion(unknown, parents),
        unknown_by_reason={
            code: proportion([a.level is Level.UNKNOWN and code in a.codes for _, a, _ in answers], parents)
            for code in codes
        },
        levels_by_truth=_levels(answers, lambda s: s.level.value if s.level is not None else ""),
        levels_by_group=_levels(answers, lambda s: s.group),
        false_low=proportion([a.level is Level.LOW for _, a in not_low], [s.parent for s, _ in not_low]),
        alarms=_alarms(answers, table),
        identification=_identification(answers, table),
        loaded=_binary(
            answers,
            lambda s: None if s.is_empty is None else not s.is_empty,
            lambda a: a.is_loaded,
            lambda a: a.load_score,
        ),
        dense=_binary(answers, lambda s: s.has_dense, lambda a: a.has_dense, lambda a: None),
        shielded=_binary(answers, lambda s: s.is_shielded, lambda a: a.is_shielded, lambda a: None),
    )


def _levels(answers: Sequence[Answered], key: Callable[[Sample], str]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for sample, answer, _ in answers:
        if name := key(sample):
            row = counts.setdefault(name, {level.value: 0 for level in Level})
            row[answer.level.value] += 1
    return dict(sorted(counts.items()))


def _alarms(answers: Sequence[Answered], table: Correspondence) -> AlarmFigures | None:
    known = [
        item
        for item in answers
        if item.sample.modality != "radiograph" and item.sample.has_source is not None
    ]
    if not known:
        return None
    sources = [item for item in known if item.sample.has_source]
    nuisance = [item for item in sources if _is_nuisance(item.sample, table)]
    threats = [item for item in sources if not _is_nuisance(item.sample, table)]
    clean = [item for item in known if not item.sample.has_source and item.answer.alarm is not None]
    return AlarmFigures(
        answered=_share(known, lambda a: a.alarm is not None),
        detection=_share(threats, lambda a: a.alarm is True),
        nuisance=_share(nuisance, lambda a: a.alarm is True),
        false_alarm=rate(sum(a.alarm is True for _, a, _ in clean), float(len(clean)), "occupancy"),
        roc=_curve([*threats, *clean], lambda s: bool(s.has_source), lambda a: a.alarm_score),
    )


def _is_nuisance(sample: Sample, table: Correspondence) -> bool:
    nuclides = sample.truth_nuclides
    return bool(nuclides) and all(severity(label, table) <= NUISANCE for label in nuclides or ())


def _identification(answers: Sequence[Answered], table: Correspondence) -> IdentificationFigures | None:
    known = [item for item in answers if item.sample.truth_nuclides is not None and item.has_spectra]
    if not any(answer.nuclides is not None for _, answer, _ in known):
        return None  # this detector does not identify
    scores = [score(a.nuclides or (), s.truth_nuclides or (), table) for s, a, _ in known]
    parents = [sample.parent for sample, _, _ in known]
    by_truth: dict[str, dict[str, int]] = {}
    for (sample, _, _), found in zip(known, scores, strict=True):
        truth = "; ".join(sample.truth_nuclides or ()) or "none"
        row = by_truth.setdefault(truth, {verdict.value: 0 for verdict in Verdict})
        row[found.verdict.value] += 1
    with_source = [
        (item, found) for item, found in zip(known, scores, strict=True) if item.sample.truth_nuclides
    ]
    extra = Counter(label for found in scores for label in found.extra)

    def share(verdict: Verdict) -> Proportion:
        return proportion([found.verdict is verdict for found in scores], parents)

    return IdentificationFigures(
        correspondence=table.version,
        answered=proportion(
            [f.is_answered for _, f in with_source], [i.sample.parent for i, _ in with_source]
        ),
        correct=share(Verdict.CORRECT),
        partial=share(Verdict.PARTIAL),
        wrong=share(Verdict.WRONG),
        missed=share(Verdict.MISSED),
        false_snm=proportion([found.is_false_snm for found in scores], parents),
        precision=float(np.mean([found.precision for found in scores])),
        recall=float(np.mean([found.recall for found in scores])),
        f=float(np.mean([found.f for found in scores])),
        by_truth=dict(sorted(by_truth.items())),
        wrong_labels=dict(sorted(extra.items(), key=lambda item: (-item[1], item[0]))),
    )


def _binary(
    answers: Sequence[Answered],
    truth: Callable[[Sample], bool | None],
    call: Callable[[DetectorAnswer], bool | None],
    value: Callable[[DetectorAnswer], float | None],
) -> BinaryFigures | None:
    known = [
        item for item in answers if item.sample.modality != "radiation" and truth(item.sample) is not None
    ]
    if not any(call(answer) is not None for _, answer, _ in known):
        return None  # this detector does not answer the question
    positives = [item for item in known if truth(item.sample)]
    negatives = [item for item in known if not truth(item.sample) and call(item.answer) is not None]
    return BinaryFigures(
        answered=_share(known, lambda a: call(a) is not None),
        tpr=_share(positives, lambda a: call(a) is True),
        fpr=_share(negatives, lambda a: call(a) is True),
        roc=_curve(known, lambda s: bool(truth(s)), value),
    )


def _share(items: Sequence[Answered], is_hit: Callable[[DetectorAnswer], bool]) -> Proportion:
    return proportion([is_hit(answer) for _, answer, _ in items], [sample.parent for sample, _, _ in items])


def _curve(
    items: Sequence[Answered],
    truth: Callable[[Sample], bool],
    value: Callable[[DetectorAnswer], float | None],
) -> RocFigures | None:
    scored = [(truth(s), v) for s, a, _ in items if (v := value(a)) is not None and np.isfinite(v)]
    positive = np.array([is_positive for is_positive, _ in scored], dtype=bool)
    if not positive.any() or positive.all():
        return None
    curve = roc([v for _, v in scored], positive)
    kept = np.unique(
        np.linspace(0, curve.fpr.size - 1, min(curve.fpr.size, MAX_CURVE_POINTS)).round().astype(int)
    )
    return RocFigures(
        n_positive=int(positive.sum()),
        n_negative=int((~positive).sum()),
        n_without_score=len(items) - len(scored),
        auc=auc(curve),
        fpr=tuple(curve.fpr[kept].tolist()),
        tpr=tuple(curve.tpr[kept].tolist()),
        threshold=tuple(None if np.isinf(t) else t for t in curve.threshold[kept].tolist()),
    )

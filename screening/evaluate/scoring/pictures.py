"""Questions on radiographs that are answered by yes or no: loaded, dense, shielded, threat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from screening.evaluate.detectors.answer import DetectorAnswer
from screening.evaluate.record import Section
from screening.evaluate.samples import Sample

from .questions import Answered, Scored, Told, roc_curve, scored, share

__all__ = ["QUESTIONS", "Question", "picture_figures", "picture_scores"]


class Question(NamedTuple):
    """A question that a detector answers by yes or no.

    Attributes
    ----------
    section : Section
        Where its figures stand.
    metric : str
        What they are called.
    truth : callable
        From a sample to True, False, or None when not known.
    call : callable
        From an answer to the detector's own call, or None without one.
    value : callable
        From an answer to a score, or None without one.
    is_headline : bool
        Whether its rates are shown in the first table.
    """

    section: Section
    metric: str
    truth: Callable[[Sample], bool | None]
    call: Callable[[DetectorAnswer], bool | None]
    value: Callable[[DetectorAnswer], float | None]
    is_headline: bool = False


_TEXT = (
    "True positive rate over all positives, where no answer is a miss; false positive rate over the "
    "negatives with an answer, by the detector's own call. The curve is over all positives, those without a "
    "score below every threshold, and over negatives with a score.",
)

QUESTIONS = (
    Question(
        Section(id="loaded", title="Loaded or empty", text=_TEXT),
        "loaded",
        lambda s: None if s.is_empty is None else not s.is_empty,
        lambda a: a.is_loaded,
        lambda a: a.load_score,
        is_headline=True,
    ),
    Question(
        Section(id="dense", title="Dense objects", text=_TEXT),
        "dense object",
        lambda s: s.has_dense,
        lambda a: a.has_dense,
        lambda a: None,
    ),
    Question(
        Section(id="shielded", title="Shielded", text=_TEXT),
        "shielded",
        lambda s: s.is_shielded,
        lambda a: a.is_shielded,
        lambda a: a.hideable_fraction,
    ),
    Question(
        Section(id="threat", title="Threat objects, by picture", text=_TEXT),
        "threat",
        lambda s: s.has_threat,
        lambda a: a.has_threat,
        lambda a: a.threat_score,
    ),
)


def picture_figures(name: str, answers: Sequence[Answered], question: Question) -> Told:
    """Return the answers of one detector to one question.

    Parameters
    ----------
    name : str
        The detector.
    answers : sequence of Answered
        Its answers.
    question : Question
        The question.

    Returns
    -------
    Told
        Figures of the question's section; none for a detector that does not answer it.
    """
    known = _known(answers, question)
    if not any(question.call(answer) is not None for _, answer, _ in known):
        return Told([], [])
    positives = [item for item in known if question.truth(item.sample)]
    negatives = [
        item for item in known if not question.truth(item.sample) and question.call(item.answer) is not None
    ]
    section, metric = question.section.id, question.metric
    figures = [
        share(
            known,
            lambda a: question.call(a) is not None,
            section=section,
            metric=f"{metric}: answered",
            detector=name,
            better="higher",
        ),
        share(
            positives,
            lambda a: question.call(a) is True,
            section=section,
            metric=f"{metric}: true positive rate",
            detector=name,
            better="higher",
            is_headline=question.is_headline,
        ),
        share(
            negatives,
            lambda a: question.call(a) is True,
            section=section,
            metric=f"{metric}: false positive rate",
            detector=name,
            better="lower",
            is_headline=question.is_headline,
        ),
    ]
    curve = roc_curve(picture_scores(answers, question), section=section, metric=metric, detector=name)
    return Told([*figures, *curve.figures], curve.curves)


def picture_scores(answers: Sequence[Answered], question: Question) -> Scored:
    """Return the scores of one detector for one question.

    Parameters
    ----------
    answers : sequence of Answered
        Its answers.
    question : Question
        The question.

    Returns
    -------
    Scored
        Over pictures whose truth is known; see :func:`screening.evaluate.scoring.questions.scored`.
    """
    return scored(_known(answers, question), lambda s: bool(question.truth(s)), question.value)


def _known(answers: Sequence[Answered], question: Question) -> list[Answered]:
    return [
        item
        for item in answers
        if item.sample.modality != "radiation" and question.truth(item.sample) is not None
    ]

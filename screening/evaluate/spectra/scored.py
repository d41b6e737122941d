"""Answers held against the truth: what every figure of the bench is counted from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
import numpy as np

from screening.evaluate.identification import Correspondence, Score, score
from screening.evaluate.record import LeftOut

from .oracle import threshold_at
from .plan import BenchPlan, parent_plans
from .work import ORACLES, ParentResult, Reply

__all__ = [
    "Answer",
    "Answers",
    "Case",
    "counted",
    "oracle_thresholds",
    "scored_parents",
    "scored_replies",
    "with_oracles",
]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One spectrum.

    Attributes
    ----------
    id, parent : str
        Its name, and what it was drawn from.
    truth : tuple of str
        Labels present; empty for a background.
    truth_class : str
        "background", "norm", "medical", "industrial", "nuclear", "snm" or "mixture".
    group : str
        Class of detector, or instrument.
    level : str
        Net counts and ratio, for people.
    net_counts : float
        Of all sources.
    has_background : bool
        A background measured apart came along.
    number, place : int
        Parent and level within the bench; -1 for a measured spectrum.
    """

    id: str
    parent: str
    truth: tuple[str, ...]
    truth_class: str
    group: str
    level: str
    net_counts: float
    has_background: bool
    number: int = -1
    place: int = -1


class Answer(NamedTuple):
    """One spectrum, what a detector said of it, and its score."""

    case: Case
    reply: Reply
    score: Score

    @property
    def is_correct(self) -> bool:
        """Whether every required label was named and nothing outside what is allowed."""
        return self.score.verdict == "correct"


#: Answers of each detector, all in the same order of spectra.
Answers = dict[str, list[Answer]]


def scored_replies(
    case: Case, replies: Iterable[Reply], table: Correspondence, answers: Answers
) -> list[LeftOut]:
    """Score what detectors said of one spectrum.

    Parameters
    ----------
    case : Case
        The spectrum.
    replies : iterable of Reply
        One from each detector.
    table : Correspondence
        What answers for what.
    answers : dict of str to list of Answer
        Receives them.

    Returns
    -------
    list of LeftOut
        Detectors that failed; a failure is scored as no answer.
    """
    failed = []
    for reply in replies:
        answers.setdefault(reply.detector, []).append(
            Answer(case, reply, score(reply.nuclides or (), case.truth, table))
        )
        if reply.error:
            text = f"{reply.detector}: {reply.error}"
            failed.append(LeftOut(kind="detector failed", where=case.id, text=text))
    return failed


def oracle_thresholds(results: list[ParentResult], rate: float) -> dict[str, float]:
    """Return the likelihood ratio at which each oracle names as many backgrounds as asked.

    Parameters
    ----------
    results : list of ParentResult
        With what the oracles found in backgrounds made for this and nothing else.
    rate : float
        Share of backgrounds that are given a name.

    Returns
    -------
    dict of str to float
        By oracle.
    """
    return {
        name: threshold_at(np.array([value for one in results for value in one.null[name]]), rate)
        for name in ORACLES
    }


def scored_parents(
    results: list[ParentResult], plan: BenchPlan, table: Correspondence
) -> tuple[Answers, list[LeftOut]]:
    """Score what detectors said of simulated spectra.

    Parameters
    ----------
    results : list of ParentResult
        Of the jobs.
    plan : BenchPlan
        The plan they were made after.
    table : Correspondence
        What answers for what.

    Returns
    -------
    answers : dict of str to list of Answer
        By detector.
    left_out : list of LeftOut
        Detectors that failed.
    """
    answers: Answers = {}
    left_out: list[LeftOut] = []
    for result, place, case in _cases(results, plan):
        mine = [reply for reply in result.replies if reply.level == place]
        left_out += scored_replies(case, mine, table, answers)
    return answers, counted(left_out)


def counted(left_out: Iterable[LeftOut]) -> list[LeftOut]:
    """Return rows that say the same as one, with the first place and how many they are.

    Parameters
    ----------
    left_out : iterable of LeftOut
        Rows.

    Returns
    -------
    list of LeftOut
        In the order of their first.
    """
    found: dict[tuple[str, str], LeftOut] = {}
    for one in left_out:
        first = found.get((one.kind, one.text))
        found[one.kind, one.text] = (
            one if first is None else msgspec.structs.replace(first, n=first.n + one.n)
        )
    return list(found.values())


def with_oracles(
    answers: Answers,
    results: list[ParentResult],
    plan: BenchPlan,
    table: Correspondence,
    thresholds: dict[str, float],
) -> Answers:
    """Return the answers with those of the oracles beside them.

    Parameters
    ----------
    answers : dict of str to list of Answer
        Of the detectors.
    results : list of ParentResult
        Of the jobs.
    plan : BenchPlan
        The plan they were made after.
    table : Correspondence
        What answers for what.
    thresholds : dict of str to float
        By oracle: what it names must have at least this likelihood ratio.

    Returns
    -------
    dict of str to list of Answer
        The same order of spectra.
    """
    found: Answers = dict(answers)
    for name, threshold in thresholds.items():
        for result, place, case in _cases(results, plan):
            named: list[str] = []
            for label, ratio in result.ranked[name][place]:
                if ratio <= threshold:
                    break
                named.append(label)
            scored_replies(case, [Reply(detector=name, level=place, nuclides=tuple(named))], table, found)
    return found


def _cases(results: list[ParentResult], plan: BenchPlan) -> Iterator[tuple[ParentResult, int, Case]]:
    """Yield every spectrum in the order of parents and levels."""
    plans = {one.number: one for one in parent_plans(plan)}
    for result in sorted(results, key=lambda one: one.number):
        one = plans[result.number]
        for place, level in enumerate(one.levels):
            yield (
                result,
                place,
                Case(
                    id=f"{one.name}, {level.text}",
                    parent=one.name,
                    truth=one.truth,
                    truth_class=one.truth_class,
                    group=one.kind,
                    level=level.text,
                    net_counts=level.net_counts,
                    has_background=one.has_background,
                    number=one.number,
                    place=place,
                ),
            )

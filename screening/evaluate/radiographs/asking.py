"""Detectors asked whether a container is loaded, and how their call is made."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.evaluate.record import LeftOut

from .empty_scenes import EmptyRow
from .rows import AnswerRow

__all__ = ["FALSE_ALARM_RATE", "SECTION", "Asked", "asked_detectors"]

SECTION = "empties"

PIPELINE = "pipeline"

#: Share of the empties of the validation split that may alarm, those with residue of a load left aside.
FALSE_ALARM_RATE = 0.007

#: Share of the swept empties that must have a score for a threshold to be set on them.
ALWAYS_SCORED = 0.9


class Asked(NamedTuple):
    """One detector, and how its call is made.

    Attributes
    ----------
    name : str
        Of the detector, as reported.
    detector : str
        Whose answers they are.
    threshold : float or None
        Scores at or above it say that a load is there; None for the detector's own call.
    """

    name: str
    detector: str
    threshold: float | None

    def answer(self, answers: tuple[AnswerRow, ...]) -> AnswerRow | None:
        """Return its answer among those to one picture.

        Parameters
        ----------
        answers : tuple of AnswerRow
            All answers.

        Returns
        -------
        AnswerRow or None
            None if it was not asked.
        """
        return next((one for one in answers if one.detector == self.detector), None)

    def call(self, answers: tuple[AnswerRow, ...]) -> bool | None:
        """Return whether it says that a load is there.

        Parameters
        ----------
        answers : tuple of AnswerRow
            All answers to one picture.

        Returns
        -------
        bool or None
            None without an answer.
        """
        one = self.answer(answers)
        if one is None:
            return None
        if self.threshold is None:
            return one.is_loaded
        return None if one.load_score is None else one.load_score >= self.threshold


def asked_detectors(validation: list[EmptyRow], names: list[str]) -> tuple[list[Asked], list[LeftOut]]:
    """Return which detectors answer, each with its own call and with a threshold from the validation split.

    Parameters
    ----------
    validation : list of EmptyRow
        Empties that thresholds are set on: those swept clean. Residue of the last load is a question of
        its own, and false alarms on it are reported apart.
    names : list of str
        Detectors.

    Returns
    -------
    asked : list of Asked
        A detector that scores nearly every swept empty is asked at the threshold, another for its own call.
    left_out : list of LeftOut
        Detectors without an answer to this question, and failures.
    """
    asked, left = [], []
    for name in names:
        answers = [one for row in validation for one in row.answers if one.detector == name]
        errors = [one.error for one in answers if one.error]
        if errors:
            left.append(
                LeftOut(kind="detector failed", where=name, text=f"empties: {errors[0]}", n=len(errors))
            )
        swept = [
            one for row in validation if not row.has_residue for one in row.answers if one.detector == name
        ]
        scores = np.array([one.load_score for one in swept if one.load_score is not None])
        has_call = any(one.is_loaded is not None for one in answers)
        # a score of nearly every empty makes a threshold; one that is given only now and then does not
        if scores.size >= ALWAYS_SCORED * len(swept) > 0:
            asked.append(Asked(name, name, _threshold(scores)))
        elif has_call:
            asked.append(Asked(name, name, None))
        else:
            left.append(
                LeftOut(
                    kind="not asked",
                    where=name,
                    text="does not say whether a container is loaded",
                    n=len(answers),
                    is_error=False,
                )
            )
    return asked, left


def _threshold(scores: NDArray[np.float64]) -> float:
    """Return the lowest threshold at which at most the allowed share of the empties alarm."""
    ordered = np.sort(scores)[::-1]
    allowed = int(np.floor(FALSE_ALARM_RATE * ordered.size))
    return float(np.nextafter(ordered[allowed], np.inf))

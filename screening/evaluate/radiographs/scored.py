"""Detectors that name places, with their matches pooled and their thresholds from the validation split."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from screening.evaluate.metrics.froc import CONTAINER_FPR, Pooled, container_scores, pool
from screening.evaluate.record import LeftOut

from .rows import AnswerRow, PictureRow, restored

__all__ = ["SECTION", "Scored", "scored_detectors", "validated_threshold"]

SECTION = "threats"


class Scored(NamedTuple):
    """One detector's pictures with their matches.

    Attributes
    ----------
    name : str
        Of the detector.
    validation, test : Pooled
        Pictures with and without threats of each split, look-alikes apart.
    test_rows : list of (PictureRow, AnswerRow)
        Those of the test, in the same order.
    lookalikes : list of (PictureRow, AnswerRow)
        Pictures of the test with an innocent object.
    threshold : float
        At which 6 % of the clean containers of the validation split alarm at most.
    n_unserved : int
        Pictures of the test that it does not serve, such as those of one energy.
    """

    name: str
    validation: Pooled
    test: Pooled
    test_rows: list[tuple[PictureRow, AnswerRow]]
    lookalikes: list[tuple[PictureRow, AnswerRow]]
    threshold: float
    n_unserved: int = 0


def scored_detectors(
    validation: list[PictureRow], test: list[PictureRow], names: Iterable[str]
) -> tuple[list[Scored], list[LeftOut]]:
    """Return the detectors that name places, with their matches pooled.

    Parameters
    ----------
    validation, test : list of PictureRow
        Pictures of each split.
    names : iterable of str
        Detectors.

    Returns
    -------
    scored : list of Scored
        In the order of the names.
    left_out : list of LeftOut
        Detectors that point at nothing, and failures by detector.
    """
    found, left = [], []
    for name in names:
        rows = {"validation": _of(validation, name), "test": _of(test, name)}
        every = [answer for pairs in rows.values() for _, answer in pairs]
        errors = [answer.error for answer in every if answer.error]
        if errors:
            left.append(
                LeftOut(kind="detector failed", where=name, text=f"threats: {errors[0]}", n=len(errors))
            )
        if not any(answer.points for answer in every):
            why = "names no place on a picture" if any(a.serves for a in every) else "answers no picture"
            left.append(LeftOut(kind="not asked", where=name, text=why, n=len(every), is_error=False))
            continue
        plain = {
            split: [pair for pair in pairs if pair[0].variant != "lookalike"] for split, pairs in rows.items()
        }
        is_asked = any(truth.visible >= 0.5 for row, _ in plain["test"] for truth in row.truths)
        if not plain["validation"] or not is_asked:
            why = "serves no picture of the validation split, or none with a threat of the test"
            left.append(LeftOut(kind="not asked", where=name, text=why, n=len(every), is_error=False))
            continue
        pooled = {split: pool(restored(*pair) for pair in pairs) for split, pairs in plain.items()}
        found.append(
            Scored(
                name,
                pooled["validation"],
                pooled["test"],
                plain["test"],
                [pair for pair in rows["test"] if pair[0].variant == "lookalike"],
                validated_threshold(pooled["validation"], CONTAINER_FPR),
                sum(row.variant != "lookalike" for row in test) - len(plain["test"]),
            )
        )
    return found, left


def validated_threshold(pooled: Pooled, rate: float) -> float:
    """Return the lowest threshold at which no more than a share of the clean containers alarm.

    Parameters
    ----------
    pooled : Pooled
        A validation split.
    rate : float
        The share allowed.

    Returns
    -------
    float
        Just above the first clean score that would be too many; scores at or above it alarm.
    """
    score, has_threat = container_scores(pooled)
    clean = np.sort(score[~has_threat])[::-1]
    allowed = int(np.floor(rate * clean.size))
    if allowed >= clean.size:
        return float("-inf")
    return float(np.nextafter(clean[allowed], np.inf))


def _of(rows: list[PictureRow], name: str) -> list[tuple[PictureRow, AnswerRow]]:
    return [
        (row, answer)
        for row in rows
        for answer in row.answers
        if answer.detector == name and answer.match is not None
    ]

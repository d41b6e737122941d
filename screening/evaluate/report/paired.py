"""Tests of a report against its baseline on the same samples, from the answers stored beside both."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from screening.evaluate.answers import ANSWERS, Answers, StoredAnswer, read_answers
from screening.evaluate.identification import load_correspondence
from screening.evaluate.metrics.comparison import paired_shares
from screening.evaluate.record import DetectorTested
from screening.evaluate.scoring.compared import comparisons
from screening.evaluate.scoring.questions import N_RESAMPLE, Answered
from screening.records import Level

__all__ = ["PairedTest", "answers_beside", "paired_tests", "stored_pairs"]

Key = tuple[str, str, str, str]
NOW, BEFORE = "now", "before"


class PairedTest(NamedTuple):
    """A test of one figure on the same samples.

    Attributes
    ----------
    p : float
        Two-sided p-value.
    test : str
        Which.
    n : int
        Samples; a figure of more or fewer is not of these samples.
    """

    p: float
    test: str
    n: int


def stored_pairs(now: Path, before: Path) -> dict[Key, PairedTest]:
    """Return paired tests of two reports that stored their answers.

    Parameters
    ----------
    now, before : Path
        Folders of the report and of its baseline, or files in them.

    Returns
    -------
    dict of tuple to PairedTest
        By key of a figure; empty where either has no ``answers.jsonl``.

    Raises
    ------
    FormatError
        If a file of answers cannot be read.
    """
    answers = [answers_beside(path) for path in (now, before)]
    if answers[0] is None or answers[1] is None:
        return {}
    return paired_tests(answers[0], answers[1])


def answers_beside(path: Path) -> Answers | None:
    """Return the answers stored beside a report.

    Parameters
    ----------
    path : Path
        Folder of the report, or a file in it.

    Returns
    -------
    Answers or None
        None where there are none.

    Raises
    ------
    FormatError
        If the file of answers cannot be read.
    """
    file = (path if path.is_dir() else path.parent) / ANSWERS
    return read_answers(file) if file.is_file() else None


def paired_tests(now: Answers, before: Answers) -> dict[Key, PairedTest]:
    """Return paired tests of the detectors that answered for the same samples before and now.

    Parameters
    ----------
    now, before : Answers
        Stored answers. A sample is the same when its name, its truth and the bytes it was measured on are.

    Returns
    -------
    dict of tuple to PairedTest
        By key of a figure. A detector whose samples are not all the same is left out: its figures are
        of different data.
    """
    table = load_correspondence()
    found: dict[Key, PairedTest] = {}
    for detector in (d.name for d in now.header.detectors):
        new, old = (_rows(answers, detector) for answers in (now, before))
        if not new or {_same(row) for row in new} != {_same(row) for row in old}:
            continue
        given = {
            name: [
                Answered(row.sample, row.answer, row.has_spectra) for row in rows if row.answer is not None
            ]
            for name, rows in ((NOW, new), (BEFORE, old))
        }
        for item in comparisons([DetectorTested(name=NOW), DetectorTested(name=BEFORE)], given, table):
            if item.p is not None:
                key = (item.section, item.metric, detector, item.stratum)
                found[key] = PairedTest(item.p, f"{item.test}, on the same samples", item.n)
        found.update(_level_tests(detector, given[NOW], given[BEFORE]))
    return found


def _level_tests(detector: str, now: list[Answered], before: list[Answered]) -> dict[Key, PairedTest]:
    """Return the tests of the two figures about levels, which no detector is ranked by."""
    found: dict[Key, PairedTest] = {}
    for metric, level, is_of_all in (
        ("answers UNKNOWN", Level.UNKNOWN, True),
        ("LOW where it must not be", Level.LOW, False),
    ):
        sides = [
            {a.sample.id: a for a in side if is_of_all or a.sample.level not in (None, Level.LOW)}
            for side in (now, before)
        ]
        both = [name for name in sides[0] if name in sides[1]]
        if not both:
            continue
        now_hit, before_hit = ([side[name].answer.level is level for name in both] for side in sides)
        parents = [sides[0][name].sample.parent for name in both]
        test = paired_shares(now_hit, before_hit, parents, n_resample=N_RESAMPLE)
        if test.p is not None:
            key = ("levels", metric, detector, "")
            found[key] = PairedTest(test.p, f"{test.test}, on the same samples", test.n)
    return found


def _rows(answers: Answers, detector: str) -> list[StoredAnswer]:
    return [row for row in answers.rows if row.detector == detector]


def _same(row: StoredAnswer) -> tuple[str, str, str]:
    return row.sample.id, repr(row.sample), row.input_sha256

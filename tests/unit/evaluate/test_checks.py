from __future__ import annotations

import numpy as np
import pytest

from screening.evaluate.detectors import Candidate, DetectorAnswer
from screening.evaluate.detectors.checks import checked_answer
from screening.evaluate.detectors.contract import ordinary_scans
from screening.records import Level


@pytest.fixture(scope="module")
def scans():
    quiet, _, picture = ordinary_scans()
    return {"radiation": quiet, "radiograph": picture}


def answer(**fields):
    return DetectorAnswer(level=Level.HIGH, **fields)


class Unspeakable:
    def __repr__(self):
        raise RuntimeError("no words")


def place(**fields):
    return Candidate(**{"row0": 0, "col0": 0, "row1": 4, "col1": 4, "score": 1.0, **fields})


@pytest.mark.parametrize(
    ("given", "kind", "text"),
    [
        ("alarm", "wrong type", "a DetectorAnswer or None is due, got str"),
        (DetectorAnswer(level="high"), "out of range", "level 'high'"),
        (DetectorAnswer(level=1), "wrong type", "level 1"),
        (answer(alarm="yes"), "wrong type", "alarm is True, False or None"),
        (answer(alarm=1), "wrong type", "alarm"),
        (answer(alarm_score=float("nan")), "not a number", "alarm_score is nan"),
        (answer(load_score=float("inf")), "not a number", "load_score is inf"),
        (answer(alarm_score=np.ones(3)), "wrong shape", r"alarm_score is one value.*\(3,\)"),
        (answer(alarm_score=True), "wrong type", "alarm_score"),
        (answer(alarm_time_s=-1.0), "out of range", "alarm_time_s is -1"),
        (answer(hideable_fraction=1.5), "out of range", "hideable_fraction"),
        (answer(nuclides="Cs-137"), "wrong type", "nuclides is a tuple"),
        (answer(nuclides=("Cs-137", 5)), "wrong type", "nuclides holds 5"),
        (answer(confidences={"Cs-137": -0.1}), "out of range", "confidence of Cs-137 is -0.1"),
        (answer(confidences={"Cs-137": None}), "wrong type", "confidence of Cs-137"),
        (answer(confidences=[0.5]), "wrong type", "confidences is a mapping"),
        (answer(candidates=place()), "wrong type", "candidates is a tuple"),
        (answer(candidates=[(0, 0, 1, 1)]), "wrong type", "candidate 0"),
        (answer(candidates=[place(row1=0)]), "wrong shape", "the box is empty"),
        (answer(candidates=[place(row1=999)]), "outside the picture", "picture of 160 x 400"),
        (answer(candidates=[place(col0=-1)]), "outside the picture", "columns -1:4"),
        (answer(candidates=[place(view=1)]), "outside the picture", "view 1"),
        (answer(candidates=[place(row0=0.5)]), "wrong type", "row0 of candidate 0 is a whole number"),
        (answer(candidates=[place(score=float("nan"))]), "not a number", "score of candidate 0"),
        (answer(alarm_score=10**400), "wrong type", "cannot be read: OverflowError"),
        (answer(alarm=Unspeakable()), "wrong type", "cannot be read: RuntimeError"),
        (answer(nuclides=("\ud800",)), "wrong type", "which is no label"),
        (answer(candidates=[place(kind="\udcff")]), "wrong type", "needs a score and a class"),
    ],
)
def test_what_is_no_answer_is_named_and_unknown(scans, given, kind, text):
    found = checked_answer(given, scans["radiograph"])
    assert found.fault.kind == kind
    assert found.answer == DetectorAnswer(level=Level.UNKNOWN, codes=("MODEL_ERROR",))
    with pytest.raises(AssertionError, match=text):
        raise AssertionError(found.fault.text)


def test_a_box_on_a_pass_is_outside_every_picture(scans):
    found = checked_answer(answer(candidates=[place()]), scans["radiation"])
    assert found.fault.kind == "outside the picture"


def test_scalars_of_arrays_are_numbers(scans):
    given = answer(
        alarm=np.bool_(True),
        alarm_score=np.float32(2.5),
        candidates=[place(row1=np.int64(5), score=np.array(0.5))],
        nuclides=["Cs-137", "Cs-137"],
        confidences={"Cs-137": np.float64(0.25)},
    )
    found, fault = checked_answer(given, scans["radiograph"])
    assert fault is None
    assert found == answer(
        alarm=True,
        alarm_score=2.5,
        candidates=(place(row1=5, score=0.5),),
        nuclides=("Cs-137",),
        confidences={"Cs-137": 0.25},
    )
    assert type(found.alarm) is bool


def test_a_label_nobody_knows_is_told_and_stays(scans):
    # Turned into no answer it would be right on background.
    found, fault = checked_answer(answer(nuclides=("Gizmo-1",)), scans["radiation"])
    assert (fault.kind, fault.is_answer_kept, found.nuclides) == ("unknown label", True, ("Gizmo-1",))


def test_no_answer_at_all_is_no_fault(scans):
    assert checked_answer(None, scans["radiation"]) == (None, None)

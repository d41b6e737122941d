"""Opening and measuring again answers what was found before, and nothing later."""

from __future__ import annotations

import pytest

from screening.records import CalibrationRef, Remeasurement


@pytest.fixture
def remeasure(make):
    def remeasure(*flags, outcome="LOW", minutes=20, by="trusted"):
        made = Remeasurement(
            container_id=make.box,
            outcome=outcome,
            instrument="slow pass",
            officer_ref="o1",
            at=make.at(minutes),
            flag_ids=tuple(flag.flag_id for flag in flags),
        )
        return make.seal(made, by)

    return remeasure


@pytest.fixture
def opened(make):
    """An alarm at 60 and a clean opening at 40 minutes."""
    return (
        make.assessment(),
        make.flag("RAD_GROSS", "RAD_GAMMA_NSIGMA", minutes=60),
        make.destuffing("CLEAN", 40),
        make.event("SEALED", 10),
    )


def test_an_alarm_is_answered_by_opening_and_a_low_measurement(
    make, opened, remeasure, join, outcome
) -> None:
    low = make.flag("RAD_GROSS", minutes=25)
    case = join(*opened, low, remeasure(low))
    assert (case.destuff, case.remeasured, outcome(case).action) == ("CLEAN", "LOW", "CLEARED_FOR_DEPARTURE")
    assert outcome(join(*opened)).action == "REFER_SECONDARY_RAD"


@pytest.mark.parametrize(
    ("flag", "record", "expected"),
    [
        ({"minutes": 45}, {}, None),  # measured before it was opened
        ({}, {"minutes": 45}, None),
        ({"by": "stranger"}, {}, None),
        ({}, {"by": "stranger"}, None),
        ({"codes": ("Q_SPEED",)}, {}, None),
        ({}, {"outcome": "NOT_LOW"}, "NOT_LOW"),
        ({}, {"outcome": "NOT_LOW", "by": "stranger"}, "NOT_LOW"),
        ({}, {"minutes": -10}, None),
    ],
)
def test_what_is_no_low_measurement(flag, record, expected, make, opened, remeasure, join, outcome) -> None:
    codes = flag.get("codes", ())
    changes = {name: value for name, value in flag.items() if name != "codes"}
    made = make.flag("RAD_GROSS", *codes, **{"minutes": 25, **changes})
    case = join(*opened, made, remeasure(made, **record))
    assert case.remeasured == expected
    assert outcome(case).risk != "LOW"


def test_an_officers_word_without_flags_is_no_measurement(opened, remeasure, join) -> None:
    assert join(*opened, remeasure()).remeasured is None


def test_a_measurement_not_low_stands_until_the_box_is_opened_again(make, opened, remeasure, join) -> None:
    low = make.flag("RAD_GROSS", minutes=15)
    first = remeasure(outcome="NOT_LOW", minutes=30)
    assert join(*opened, first, low, remeasure(low, minutes=14)).remeasured == "NOT_LOW"
    again = make.destuffing("CLEAN", 20)
    assert join(*opened, first, again, low, remeasure(low, minutes=14)).remeasured == "LOW"


def test_an_alarm_after_the_opening_is_not_answered_by_it(make, opened, remeasure, join, look) -> None:
    low = make.flag("RAD_GROSS", minutes=25)
    held = (*opened, low, remeasure(low))
    later = make.flag("RAD_GROSS", "RAD_GAMMA_NSIGMA", minutes=15)
    assert look(join(*held, later)).inputs.remeasured == "NOT_LOW"
    assert look(join(*held, make.flag("XRAY", "IMG_THREAT", minutes=15))).inputs.destuff is None
    assert look(join(*held, make.flag("XRAY", "IMG_THREAT", minutes=50))).inputs.destuff == "CLEAN"


def test_the_policy_asks_the_same_of_a_measurement_after_opening(make, opened, remeasure, join, look) -> None:
    low = make.flag("RAD_GROSS", minutes=25, calibration=CalibrationRef(id="C7"))
    case = join(*opened, low, remeasure(low))
    assert look(case).inputs.remeasured == "LOW"
    assert look(case, revoked=frozenset({"C7"})).inputs.remeasured == "NOT_LOW"


def test_found_stays_found(make, opened, join) -> None:
    for found in (make.destuffing("FOUND", 500, by="stranger"), make.destuffing("FOUND", -500)):
        assert join(*opened, found).destuff == "FOUND"

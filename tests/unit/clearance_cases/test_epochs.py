"""What a new seal makes good, and what it never does."""

from __future__ import annotations

from itertools import permutations

import msgspec
import pytest

CLEARED = ("LOW", "CLEARED_FOR_DEPARTURE")


def answer(outcome, case) -> tuple[str, str]:
    said = outcome(case)
    return str(said.risk), str(said.action)


def test_the_first_seal_on_a_box_without_trouble(make, join, outcome, innocent) -> None:
    case = join(*innocent, make.event("SEALED", 10))
    assert answer(outcome, case) == CLEARED
    assert (case.epoch_started_at, case.low_counts_after) == (None, None)


@pytest.mark.parametrize("trouble", ["GAP", "ROUTE_DEVIATION"])
def test_after_a_gap_a_new_seal_needs_an_examination_between(trouble, make, join, outcome) -> None:
    """And radiation has to be measured anew: what was LOW before the gap says nothing of the box now."""
    first, gap = make.event("SEALED", 100), make.event(trouble, 80)
    new = make.event("SEALED", 40, seal_id="S2")
    again = make.flag("RAD_GROSS", minutes=30)
    held = (make.assessment(), make.flag("RAD_GROSS", minutes=110), first, gap, new)
    assert answer(outcome, join(*held, again)) == ("UNKNOWN", "RESEAL")
    picture = make.flag("XRAY", minutes=60)
    case = join(*held, picture, again)
    assert answer(outcome, case) == CLEARED
    assert case.epoch_started_at == "2026-03-01T11:20:00Z"
    assert [event.event for event in case.seal_events] == ["SEALED"]
    assert answer(outcome, join(*held, picture)) == ("UNKNOWN", "REFER_SECONDARY_RAD")
    assert answer(outcome, join(*held, again, make.destuffing("CLEAN", 60))) == CLEARED


@pytest.mark.parametrize(
    "examination",
    [
        {"minutes": 90},  # before the gap
        {"minutes": 80},  # at the same time
        {"minutes": 30},  # after the sealing
        {"codes": ("IMG_ANOMALY",)},
        {"by": "stranger"},
        {"number": "MWCU6059784"},
    ],
)
def test_an_examination_that_opens_no_epoch(examination, make, join, outcome) -> None:
    codes = examination.pop("codes", ())
    held = (make.event("SEALED", 100), make.event("GAP", 80), make.event("SEALED", 40, seal_id="S2"))
    case = join(make.assessment(), *held, make.flag("XRAY", *codes, **{"minutes": 60, **examination}))
    assert case.epoch_started_at is None
    assert outcome(case).risk != "LOW"


@pytest.mark.parametrize("breach", ["BROKEN", "TAMPER"])
def test_after_a_breach_only_two_officers_with_a_clean_destuffing(breach, make, join, outcome) -> None:
    held = (
        make.assessment(),
        make.event("SEALED", 100),
        make.event(breach, 80, by="nobody"),
        make.event("SEALED", 40, seal_id="S2"),
        make.flag("RAD_GROSS", minutes=30),
    )
    hold = ("HIGH", "HOLD")
    assert answer(outcome, join(*held, make.flag("XRAY", minutes=60))) == hold
    assert answer(outcome, join(*held, make.destuffing("CLEAN", 60))) == hold
    assert answer(outcome, join(*held, make.destuffing("CLEAN", 60, "o1"))) == hold
    assert answer(outcome, join(*held, make.destuffing("CLEAN", 60, "o2", by="stranger"))) == hold
    assert answer(outcome, join(*held, make.destuffing("CLEAN", 90, "o2"))) == hold
    assert answer(outcome, join(*held, make.destuffing("CLEAN", 60, "o2"))) == CLEARED


def test_a_late_tamper_counts_by_its_own_time(make, join, outcome) -> None:
    """It may be told after the box was opened, sealed and cleared."""
    held = (
        make.assessment(),
        make.event("SEALED", 100),
        make.event("GAP", 80),
        make.destuffing("CLEAN", 60, "o2"),
        make.event("SEALED", 40, seal_id="S2"),
        make.flag("RAD_GROSS", minutes=30),
    )
    assert answer(outcome, join(*held)) == CLEARED
    assert answer(outcome, join(*held, make.event("TAMPER", 70))) == CLEARED
    for minutes in (60, 50, 40, 20, -60):
        assert answer(outcome, join(*held, make.event("TAMPER", minutes))) == ("HIGH", "HOLD")
    image_only = [record for record in held if record.schema != "destuffing/1"]
    looked = (*image_only, make.flag("XRAY", minutes=60))
    assert answer(outcome, join(*looked)) == CLEARED
    assert answer(outcome, join(*looked, make.event("TAMPER", 70))) == ("HIGH", "HOLD")


def test_an_undated_tamper_is_made_good_by_nothing(make, join, outcome) -> None:

    undated = msgspec.structs.replace(make.event("TAMPER", 90), at="at night")
    case = join(
        make.assessment(),
        make.event("SEALED", 100),
        undated,
        make.destuffing("CLEAN", 60, "o2"),
        make.event("SEALED", 40, seal_id="S2"),
        make.flag("RAD_GROSS", minutes=30),
    )
    assert answer(outcome, case) == ("HIGH", "HOLD")


def test_doubts_alarms_and_findings_outlive_the_epoch(make, join, look, outcome) -> None:
    opened = (
        make.assessment(),
        make.event("SEALED", 100),
        make.event("GAP", 80),
        make.destuffing("CLEAN", 60, "o2"),
        make.event("SEALED", 40, seal_id="S2"),
        make.flag("RAD_GROSS", minutes=30),
    )
    alarm = make.flag("RAD_GROSS", "RAD_GAMMA_NSIGMA", minutes=95)
    assert look(join(*opened, alarm)).inputs.radiation == "HIGH"
    # An innocent conclusion from before the gap is a LOW like any other.
    before, after = make.conclusion(alarm, minutes=90), make.conclusion(alarm, minutes=20)
    assert look(join(*opened, alarm, before)).inputs.adjudication is None
    assert look(join(*opened, alarm, after)).inputs.adjudication == "INNOCENT_MEASURED"
    assert look(join(*opened, make.flag("XRAY", "IMG_THREAT", minutes=95))).inputs.image == "HIGH"
    assert outcome(join(*opened, make.destuffing("FOUND", 300))).action == "HOLD"
    assert outcome(join(*opened, make.conclusion(alarm, 1, minutes=300))).action == "HOLD"


def test_a_destuffing_from_before_the_trouble_counts_no_more(make, join) -> None:
    opened = (make.event("SEALED", 100), make.event("GAP", 80), make.event("SEALED", 40, seal_id="S2"))
    picture = make.flag("XRAY", minutes=60)
    assert join(make.destuffing("CLEAN", 90), *opened, picture).destuff is None
    assert join(make.destuffing("CLEAN", 70), *opened, picture).destuff == "CLEAN"


def test_a_box_that_has_moved_is_not_made_good_by_a_new_seal(make, join, look, outcome, innocent) -> None:
    held = (
        *(make.assessment(), make.flag("RAD_GROSS", minutes=110), make.flag("XRAY", minutes=110)),
        make.event("SEALED", 100),
        make.crossing("DEPARTURE", 90),
    )
    for moved in (
        make.event("SEALED", 40, place="CAWNP", seal_id="S2"),
        make.event("SEALED", 40, place="CAPRR", seal_id="S2"),
        make.event("SEALED", 40, place="CAPRR", seal_id="S1"),
    ):
        case = join(*held, moved, make.flag("RAD_GROSS", minutes=20), stage="ARRIVAL")
        assert case.epoch_started_at == "2026-03-01T10:20:00Z"  # the first seal, put on after the picture
        assert look(case).inputs.transit == "GAP"
        arrived = make.event("ARRIVED", 10, place="USINL", seal_id=moved.seal_id)
        case = join(*held, moved, arrived, make.flag("RAD_GROSS", minutes=5), stage="ARRIVAL")
        assert look(case).inputs.transit == "GAP"
        assert outcome(case).risk == "UNKNOWN"


def test_a_seal_put_on_elsewhere_takes_an_examination_there(make, join) -> None:
    """Nobody saw it leave: a picture of where it stood before says nothing of where it is."""
    held = (make.event("SEALED", 100), make.event("SEALED", 40, place="CAWNP", seal_id="S2"))
    assert join(*held, make.flag("XRAY", minutes=60)).epoch_started_at is None
    there = join(*held, make.flag("XRAY", minutes=60, site="CAWNP"))
    assert there.epoch_started_at is not None
    assert there.low_counts_after < make.at(60)
    assert join(*held, make.destuffing("CLEAN", 60, place="CAWNP")).epoch_started_at is not None


def test_after_an_examination_the_way_begins_again(make, join, look) -> None:
    held = (
        make.event("SEALED", 200),
        make.crossing("DEPARTURE", 190),
        make.event("GAP", 150, place=None),
        make.event("READ", 120, place="CAWNP"),
        make.flag("XRAY", minutes=110, site="CAWNP"),
        make.event("SEALED", 100, place="CAWNP", seal_id="S2"),
    )
    case = join(*held)
    assert (case.has_moved, look(case).inputs.transit, look(case).inputs.seal) == (
        False,
        "NOT_MOVED",
        "VERIFIED",
    )
    arrived = make.event("ARRIVED", 10, place="USINL", seal_id="S2")
    assert look(join(*held, arrived, stage="ARRIVAL")).inputs.transit == "INTACT"


def test_records_with_one_time_are_ordered_by_their_hashes(make, join) -> None:
    events = [make.event("READ", 10, place=place) for place in ("CAPRR", None)] + [make.event("SEALED", 10)]
    cases = {join(*given).seal_events for given in permutations(events)}
    assert len(cases) == 1


class TestMovement:
    @pytest.mark.parametrize(("stage", "moved"), [("DEPARTURE", False), ("ARRIVAL", None)])
    def test_silence_means_what_the_stage_says(self, stage, moved, make, join) -> None:
        held = (make.event("SEALED", 100), make.event("READ", 50), make.crossing("ENTRY", 40))
        assert join(*held, stage=stage).has_moved is moved

    def test_what_says_that_it_moved(self, make, join) -> None:
        sealed = make.event("SEALED", 100)
        for sign in (
            make.crossing("DEPARTURE", 50),
            make.crossing("ARRIVAL", 50),
            make.crossing("EXIT", 50, by="stranger"),
            make.event("ARRIVED", 50, by="stranger"),
            make.event("READ", 50, place="CAWNP"),
        ):
            assert join(sealed, sign).has_moved is True
        assert join(sealed, make.event("READ", 50, place=None)).has_moved is False
        assert join(sealed, make.crossing("ARRIVAL", 200)).has_moved is False

"""What was done with each container, from records in any order."""

from __future__ import annotations

import random

import msgspec
import pytest

from screening.clearance.measures import Expected, container_runs, read_ledger
from screening.errors import IntegrityError
from screening.records import IdentityRuling, Level, Reason, ReasonCode, SecondaryInspection

ONE, TWO = "CSQU3054383", "MWCU6059784"


@pytest.fixture
def runs():
    def run(records, *lists, **options):
        expected = [Expected(ONE, name) for name in lists or ("vessel 1",)]
        return container_runs(records, expected, administration="CA", **options)

    return run


@pytest.fixture
def done(make):
    """Everything done, let go, arrived, accepted."""
    decision = make.decision(ONE, 5, "CLEARED_FOR_DEPARTURE")
    return [
        make.targeting(ONE, -20),
        make.targeting(ONE, -19, "HIGH", "US"),
        make.crossing(ONE, 1),
        make.seal(ONE, 2),
        make.flag(ONE, 3),
        make.flag(ONE, 3, "NEUTRON"),
        make.flag(ONE, 4, "XRAY"),
        decision,
        make.seal(ONE, 60, "ARRIVED"),
        make.acceptance(decision, 61),
    ]


def test_a_container_with_everything_done(runs, done, at):
    (run,) = runs(done)
    assert (run.list, run.arrived_at, run.decided_at) == ("vessel 1", at(1), at(5))
    assert (run.targeting, run.targeting_other) == (Level.LOW, Level.HIGH)
    assert (run.is_sealed, run.radiation, run.image, run.has_arrived) == (True, Level.LOW, Level.LOW, True)
    assert (run.action, run.is_destuffed, run.border) == ("CLEARED_FOR_DEPARTURE", False, "ACCEPT")


def test_the_order_of_records_makes_no_difference(runs, done):
    expected = runs(done)
    for seed in range(5):
        shuffled = random.Random(seed).sample(done, len(done))
        assert runs(shuffled) == expected


def test_a_step_without_its_record_is_not_done(runs, make):
    (run,) = runs([make.crossing(ONE, 1)])
    assert (run.targeting, run.is_sealed, run.radiation, run.image) == (None, False, None, None)
    assert (run.decided_at, run.action, run.border, run.has_arrived) == (None, None, None, False)


def test_the_first_decision_that_asked_for_something_is_the_action(runs, make, at):
    asked = [make.decision(ONE, h, action) for h, action in ((3, "REFER_NII"), (6, "CLEARED_FOR_DEPARTURE"))]
    (run,) = runs([make.crossing(ONE, 1), *asked])
    assert (run.action, run.decided_at) == ("REFER_NII", at(6))


def test_another_administrations_decision_is_not_this_ones(runs, make):
    (run,) = runs([make.crossing(ONE, 1), make.decision(ONE, 3, "ACCEPT", "US")])
    assert (run.decided_at, run.action) == (None, None)


def test_the_worst_flag_is_the_level_and_a_superseded_one_is_none(runs, make):
    high = make.flag(ONE, 3, level="HIGH")
    assert runs([high, make.flag(ONE, 4)])[0].radiation is Level.HIGH
    again = make.flag(ONE, 4, supersedes=high.flag_id, scan_id=high.scan_id)
    assert runs([high, again])[0].radiation is Level.LOW
    of_another_scan = make.flag(ONE, 4, supersedes=high.flag_id)
    assert runs([high, of_another_scan])[0].radiation is Level.HIGH


def test_a_flag_of_a_secondary_inspection_is_not_the_portals(runs, make):
    flag = make.flag(ONE, 4)
    inspection = SecondaryInspection(
        container_id=ONE,
        concerns=(),
        method="HANDHELD",
        instrument="x",
        officer_ref="o",
        at=flag.created_at,
        flag_ids=(flag.flag_id,),
    )
    assert runs([flag, inspection])[0].radiation is None


def test_a_flag_kept_apart_counts_for_nobody_until_an_officer_ruled(runs, make):
    doubt = Reason(code=ReasonCode.ID_MISMATCH, level=Level.UNKNOWN, text="another number declared")
    flag = make.flag(TWO, 4, level="UNKNOWN", reasons=(doubt,))
    entry = make.crossing(ONE, 1)
    assert runs([entry, flag])[0].radiation is None
    ruling = IdentityRuling(
        scan_id=flag.scan_id, container_id=ONE, officer_ref="o", at=flag.created_at, basis="picture"
    )
    assert runs([entry, flag, ruling])[0].radiation is Level.UNKNOWN
    other = msgspec.structs.replace(ruling, container_id=TWO, officer_ref="p")
    assert runs([entry, flag, ruling, other])[0].radiation is None


def test_a_number_with_a_wrong_check_digit_is_no_container(runs, make):
    assert runs([make.flag("CSQU3054384", 3)]) == ()


def test_on_the_border_a_container_comes_with_its_arrival(runs, make, at):
    records = [make.crossing(ONE, 1), make.seal(ONE, 60, "ARRIVED"), make.decision(ONE, 61, "ACCEPT")]
    (run,) = runs(records, stage="ARRIVAL")
    assert (run.arrived_at, run.decided_at) == (at(60), at(61))


def test_a_container_that_has_not_come_is_targeted_all_the_same(runs, make):
    (run,) = runs([make.targeting(ONE, -5)])
    assert (run.arrived_at, run.targeting) == (None, Level.LOW)


def test_a_container_that_comes_again_is_another_run(runs, make, done):
    again = [
        make.targeting(ONE, 900, "HIGH"),
        make.crossing(ONE, 910, conveyance="vessel 9"),
        make.flag(ONE, 911, level="HIGH"),
    ]
    first, second = runs([*done, *again], "vessel 1", "vessel 9")
    assert (first.list, first.targeting, first.radiation) == ("vessel 1", Level.LOW, Level.LOW)
    assert (second.list, second.targeting, second.radiation) == ("vessel 9", Level.HIGH, Level.HIGH)
    assert second.decided_at is None


def test_an_entry_recorded_twice_is_one_visit(runs, make, at):
    (run,) = runs([make.crossing(ONE, 1), make.crossing(ONE, 1.1), make.flag(ONE, 2)])
    assert run.arrived_at == at(1)


def test_what_nobody_announced_keeps_the_name_of_its_conveyance(make):
    records = [make.crossing(TWO, 1, conveyance="vessel 3"), make.crossing(ONE, 1)]
    runs = container_runs(records, [], administration="CA")
    assert [(run.container_id, run.list) for run in runs] == [(ONE, "not announced"), (TWO, "vessel 3")]


def test_what_was_stated_after_the_record_was_closed_is_left_out(make, ledger_of, at):
    records = [make.crossing(ONE, 1), make.flag(ONE, 3), make.seal(ONE, 5)]
    assert read_ledger(ledger_of(records), until=at(3)).records == tuple(records[:2])
    assert read_ledger(ledger_of(records)).records == tuple(records)


def test_an_entry_of_a_kind_not_known_is_counted_and_a_broken_one_refused(make, ledger_of):
    ledger = ledger_of([make.crossing(ONE, 1)])
    (entry,) = ledger.entries(0, 1)
    ledger._entries = [entry._replace(kind="later/9"), entry]
    assert read_ledger(ledger) == ((make.crossing(ONE, 1),), 1)
    ledger._entries = [entry._replace(body=b"{}")]
    with pytest.raises(IntegrityError, match="entry 0"):
        read_ledger(ledger)

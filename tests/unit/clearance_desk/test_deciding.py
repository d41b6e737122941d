"""When a desk decides, what it says then, and what it leaves as it is."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import update

from screening.clearance import default_policy, verify_decision
from screening.clearance.desk.tables import records
from screening.records import ReasonCode, canonical_bytes, sha256_hex

MINUTE = timedelta(minutes=1)


def test_a_case_waits_until_every_step_has_evidence(desk, sealing, bodies, decide, now) -> None:
    make = sealing()
    desk.take(bodies(make.targeting(), make.event("SEALED")), received_at=now)
    assert decide(desk) == []
    view = desk.case(make.box)
    assert (view.risk, view.is_open, view.is_due, view.deadline) == (
        None,
        True,
        False,
        "2026-03-01T12:15:00.000Z",
    )
    desk.take(bodies(make.flag("RAD_GROSS")), received_at=now + MINUTE)
    assert desk.case(make.box).is_due
    assert [d.risk for d in decide(desk, now + MINUTE)] == ["LOW"]


def test_a_case_that_waits_too_long_is_decided_on_what_there_is(desk, sealing, bodies, decide, now) -> None:
    make = sealing()
    desk.take(bodies(make.targeting(), make.event("SEALED")), received_at=now)
    decide(desk)
    assert decide(desk, now + 15 * MINUTE - timedelta(seconds=1)) == []
    (decision,) = decide(desk, now + 15 * MINUTE)
    assert (decision.risk, decision.action) == ("UNKNOWN", "REFER_SECONDARY_RAD")
    assert ReasonCode.TIMEOUT in decision.reason_codes
    desk.take(bodies(make.flag("RAD_GROSS")), received_at=now + 16 * MINUTE)
    (late,) = decide(desk, now + 16 * MINUTE)
    assert (late.risk, late.reason_codes) == ("LOW", ())


def test_declarations_alone_start_no_clock(desk, sealing, bodies, decide, now) -> None:
    make = sealing()
    desk.take(bodies(make.targeting(), make.advance()), received_at=now)
    assert decide(desk, now + timedelta(days=2)) == []
    assert desk.case(make.box).deadline is None


def test_a_high_waits_for_nothing(desk, sealing, bodies, decide, now) -> None:
    desk.take(bodies(sealing().flag("NEUTRON", "RAD_NEUTRON")), received_at=now)
    (decision,) = decide(desk)
    assert (decision.risk, decision.action) == ("HIGH", "HOLD")
    (again,) = decide(desk, now + 16 * MINUTE)
    assert set(again.reason_codes) - set(decision.reason_codes) == {ReasonCode.TIMEOUT}


def test_what_adds_nothing_makes_no_decision(desk, sealing, bodies, decide, now) -> None:
    make = sealing()
    desk.take(bodies(*make.clean()), received_at=now)
    assert len(decide(desk)) == 1
    desk.take(bodies(make.crossing("ENTRY", 9000)), received_at=now)
    assert decide(desk) == []


def test_decisions_of_a_container_are_linked_and_verify(desk, sealing, bodies, decide, keys, now) -> None:
    make = sealing()
    desk.take(bodies(*make.clean()), received_at=now)
    (first,) = decide(desk)
    desk.take(bodies(make.event("BROKEN", age_s=0)), received_at=now)
    (second,) = decide(desk, now + MINUTE)
    assert (second.risk, second.prev_hash) == ("HIGH", sha256_hex(canonical_bytes(first)))
    for made, previous in ((first, None), (second, canonical_bytes(first))):
        report = verify_decision(
            desk.decision(made.decision_id),
            keys,
            previous=previous,
            flags=[desk.record(ref.sha256) for ref in made.flags],
            policy=default_policy(),
        )
        assert report.is_good, report.checks
        assert desk.index_of(sha256_hex(canonical_bytes(made))) == made.log_index


def test_a_clock_that_is_set_back_keeps_the_order_of_decisions(desk, sealing, bodies, decide, now) -> None:
    make = sealing()
    desk.take(bodies(*make.clean()), received_at=now)
    (first,) = decide(desk)
    hour_ago = now - timedelta(hours=1)
    desk.take(bodies(sealing().event("BROKEN", age_s=4000)), received_at=hour_ago)
    (second,) = decide(desk, hour_ago)
    assert (second.risk, second.decided_at) == ("HIGH", first.decided_at)


def test_a_low_is_renewed_while_its_evidence_counts_and_withdrawn_after(
    open_desk, sealing, bodies, decide, now
) -> None:
    desk = open_desk(policy=msgspec.structs.replace(default_policy(), validity_s=3600))
    desk.take(bodies(*sealing().clean()), received_at=now)
    assert [d.risk for d in decide(desk)] == ["LOW"]
    assert decide(desk, now + timedelta(minutes=59)) == []
    assert [d.risk for d in decide(desk, now + timedelta(hours=1))] == ["LOW"]
    assert [d.risk for d in decide(desk, now + timedelta(hours=25))] == ["UNKNOWN"]
    assert [d.risk for d in decide(desk, now + timedelta(days=9))] == ["UNKNOWN"]  # targeting is old, too
    assert decide(desk, now + timedelta(days=30)) == []


def test_all_lanes_a_site_asks_for_have_to_report(open_desk, sealing, bodies, decide, now) -> None:
    desk = open_desk(required_lanes=("1", "2"))
    make = sealing()
    desk.take(bodies(*make.clean()), received_at=now)
    assert decide(desk) == []
    (timed_out,) = decide(desk, now + 15 * MINUTE)
    assert (timed_out.risk, timed_out.inputs.radiation) == ("UNKNOWN", None)
    assert ReasonCode.TIMEOUT in timed_out.reason_codes
    desk.take(bodies(make.flag("RAD_GROSS", lane="2", scan_id="second")), received_at=now + 16 * MINUTE)
    assert [d.risk for d in decide(desk, now + 16 * MINUTE)] == ["LOW"]


def test_a_model_the_site_does_not_allow_makes_no_low(open_desk, sealing, bodies, decide, now) -> None:
    desk = open_desk(models_allowed=("e" * 64,))
    desk.take(bodies(*sealing().clean()), received_at=now)
    assert [d.risk for d in decide(desk)] == ["UNKNOWN"]


def misread(box: str) -> str:
    return box[:10] + str((int(box[10]) + 1) % 10)


def test_a_scan_that_cannot_be_told_is_kept_apart_and_moved_by_a_ruling(
    desk, sealing, bodies, decide, now
) -> None:
    make = sealing()
    flag = make.flag("RAD_GROSS", number=misread(make.box))
    desk.take(bodies(make.targeting(), make.event("SEALED"), make.advance(), flag), received_at=now)
    apart = f"scan:{flag.scan_id}"
    assert desk.records_of(apart) == bodies(flag)
    said = {d.consignment.container_id: d for d in decide(desk, now + 15 * MINUTE)}
    assert {key: d.risk for key, d in said.items()} == {make.box: "UNKNOWN", apart: "UNKNOWN"}
    assert ReasonCode.ID_MISMATCH in said[make.box].reason_codes
    desk.take(bodies(make.ruling(flag.scan_id)), received_at=now)
    (ruled,) = decide(desk, now + 16 * MINUTE)
    assert (ruled.consignment.container_id, ruled.risk) == (make.box, "LOW")
    assert [ref.flag_id for ref in ruled.flags] == [flag.flag_id]
    assert (desk.case(apart).n_records, desk.case(apart).is_open) == (0, False)


def test_an_alarm_of_an_unknown_container_is_high_under_its_own_key(
    desk, sealing, bodies, decide, now
) -> None:
    flag = sealing().flag("NEUTRON", "RAD_NEUTRON", number=None)
    desk.take(bodies(flag), received_at=now)
    (decision,) = decide(desk)
    assert (decision.risk, decision.consignment.container_id) == ("HIGH", f"scan:{flag.scan_id}")


def test_officers_who_disagree_leave_every_container_in_doubt(
    desk, sealing, bodies, decide, now, sealed_traffic
) -> None:
    make, other = sealing(), sealing(sealed_traffic.container(7))
    flag = make.flag("RAD_GROSS", number=None, scan_id="unreadable")
    desk.take(bodies(*make.clean(), *other.clean(), flag), received_at=now)
    decide(desk)
    assert {desk.case(box).risk for box in (make.box, other.box)} == {"LOW"}
    desk.take(bodies(make.ruling(flag.scan_id), make.ruling(flag.scan_id, other.box)), received_at=now)
    decide(desk)
    assert {desk.case(box).risk for box in (make.box, other.box)} == {"UNKNOWN"}
    assert desk.records_of(f"scan:{flag.scan_id}") == bodies(flag)


def test_a_ruling_takes_a_scan_away_from_the_number_it_reads(
    desk, sealing, bodies, decide, now, sealed_traffic
) -> None:
    make, other = sealing(), sealing(sealed_traffic.container(7))
    flag = make.flag("RAD_GROSS")
    desk.take(bodies(make.targeting(), make.event("SEALED"), flag), received_at=now)
    assert [d.risk for d in decide(desk)] == ["LOW"]
    desk.take(bodies(make.ruling(flag.scan_id, other.box)), received_at=now)
    said = {d.consignment.container_id: d for d in decide(desk, now + MINUTE)}
    assert (said[make.box].risk, said[make.box].inputs.radiation) == ("UNKNOWN", None)


def test_a_reading_that_is_not_on_the_manifest_waits_for_it(open_desk, sealing, bodies, decide, now) -> None:
    desk = open_desk(policy=msgspec.structs.replace(default_policy(), needs_advance_data=True))
    make = sealing()
    flag = make.flag("RAD_GROSS")
    desk.take(bodies(flag), received_at=now)
    assert (desk.case(make.box), desk.case(f"scan:{flag.scan_id}").n_records) == (None, 1)
    desk.take(bodies(make.advance()), received_at=now)
    assert desk.case(make.box).n_records == 2


@pytest.mark.parametrize("comes_first", ["the flag", "its record"])
def test_a_handheld_measurement_joins_the_container_its_record_names(
    desk, sealing, bodies, now, comes_first
) -> None:
    make = sealing()
    found = make.flag("RAD_SPECTRAL", number=None)
    sent = bodies(found, make.secondary(found))
    for body in sent if comes_first == "the flag" else reversed(sent):
        desk.take([body], received_at=now)
    assert set(desk.records_of(make.box)) == set(sent)
    assert desk.case(make.box).n_records == 2


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_row_that_was_changed_is_not_decided_on(desk, sealing, bodies, decide, now) -> None:
    make = sealing()
    alarm = make.flag("NEUTRON", "RAD_NEUTRON")
    desk.take(bodies(*make.clean(), alarm), received_at=now)
    (body,) = bodies(alarm)
    changed = (
        update(records)
        .where(records.c.sha256 == sha256_hex(body))
        .values(body=body.replace(b"HIGH", b"LOW "))
    )
    desk._database.write(lambda connection: connection.execute(changed))
    assert decide(desk) == []
    assert desk.case(make.box).decision_id is None


def test_a_doubtful_reading_marks_the_declared_containers_it_is_near(
    desk, sealing, bodies, decide, now
) -> None:
    make = sealing()
    desk.take(bodies(*make.clean()), received_at=now)
    assert [d.risk for d in decide(desk)] == ["LOW"]
    desk.take(bodies(make.flag("RAD_GROSS", number=misread(make.box), scan_id="doubtful")), received_at=now)
    assert decide(desk) == []  # nobody declared the container
    desk.take(bodies(make.advance()), received_at=now)
    (decision,) = decide(desk)
    assert (decision.risk, ReasonCode.ID_MISMATCH in decision.reason_codes) == ("UNKNOWN", True)


def test_a_container_that_is_silent_on_its_way_is_decided_again(desk, sealing, bodies, decide, now) -> None:
    make = sealing()
    desk.take(bodies(*make.clean(), make.journey(("CAJAS", 3600), arrives_in_s=7200)), received_at=now)
    assert [d.risk for d in decide(desk)] == ["LOW"]
    assert decide(desk, now + timedelta(hours=1)) == []
    (missed,) = decide(desk, now + timedelta(hours=1, seconds=1))
    assert (missed.risk, missed.inputs.seal) == ("UNKNOWN", "UNVERIFIED")

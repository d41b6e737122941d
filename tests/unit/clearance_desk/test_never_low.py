"""Attempts to have a container called LOW, or to keep it so, that must not work."""

from __future__ import annotations

import random
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import update

from screening.clearance import KeyRing, default_policy
from screening.clearance.desk.tables import records
from screening.errors import PolicyError
from screening.records import (
    FlagClock,
    FlagGate,
    FlagQuality,
    InputRef,
    ModelRef,
    OperatingMode,
    ReasonCode,
    RevocationList,
    canonical_bytes,
    sha256_hex,
)

pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def signer_of(sealed_traffic):
    return sealed_traffic.signer_of


@pytest.fixture
def cleared(desk, sealing, bodies, decide, now):
    make = sealing()
    desk.take(bodies(*make.clean()), received_at=now)
    assert [d.risk for d in decide(desk)] == ["LOW"]
    return make


def test_a_low_is_withdrawn_at_once_whatever_is_still_missing(
    open_desk, sealing, bodies, decide, now
) -> None:
    desk = open_desk(policy=msgspec.structs.replace(default_policy(), max_flag_age_s=1200))
    make = sealing()
    desk.take(bodies(*make.clean()), received_at=now)
    assert [d.risk for d in decide(desk)] == ["LOW"]
    # a reading comes in when the flags are too old: no step is complete any more, and no deadline near
    desk.take(bodies(make.event("READ", age_s=-3600)), received_at=now + HOUR)
    (withdrawn,) = decide(desk, now + HOUR)
    assert (withdrawn.risk, withdrawn.inputs.radiation) == ("UNKNOWN", None)


def test_a_low_whose_evidence_was_changed_in_the_database_is_withdrawn(
    desk, cleared, bodies, decide, now
) -> None:
    broken = cleared.event("BROKEN", age_s=10)
    desk.take(bodies(broken), received_at=now)
    (body,) = bodies(broken)
    changed = (
        update(records)
        .where(records.c.sha256 == sha256_hex(body))
        .values(body=body.replace(b"BROKEN", b"SEALED"))
    )
    desk._database.write(lambda connection: connection.execute(changed))
    (withdrawn,) = decide(desk)
    assert (withdrawn.risk, ReasonCode.INPUT_CORRUPT in withdrawn.reason_codes) == ("UNKNOWN", True)
    assert desk.case(cleared.box).risk == "UNKNOWN"
    assert decide(desk, now + 2 * MINUTE) == []  # said once


def test_a_changed_row_keeps_no_alarm_from_being_told(desk, cleared, bodies, decide, now) -> None:
    (changed,) = bodies(cleared.crossing("ENTRY", 9000))
    desk.take([changed, *bodies(cleared.event("BROKEN", age_s=10))], received_at=now)
    spoil = (
        update(records)
        .where(records.c.sha256 == sha256_hex(changed))
        .values(body=changed.replace(b"ENTRY", b"EXIT "))
    )
    desk._database.write(lambda connection: connection.execute(spoil))
    assert [(d.risk, d.action) for d in decide(desk)] == [("HIGH", "HOLD")]
    assert decide(desk, now + 2 * MINUTE) == []


def test_no_number_in_a_journey_stops_the_desk(desk, cleared, sealing, bodies, decide, now) -> None:
    silent = msgspec.structs.replace(cleared.journey(arrives_in_s=36000), max_silence_s=(1 << 53) - 1)
    desk.take(bodies(cleared.signer.seal(silent), cleared.event("BROKEN", age_s=10)), received_at=now)
    assert [d.risk for d in decide(desk)] == ["HIGH"]


def test_a_revoked_card_of_a_model_marks_what_rests_on_it(desk, cleared, bodies, decide, now) -> None:
    desk.take(bodies(cleared.revocation("MODEL", "b" * 64)), received_at=now)
    (withdrawn,) = decide(desk)
    assert (withdrawn.risk, ReasonCode.MODEL_UNVERIFIED in withdrawn.reason_codes) == ("UNKNOWN", True)


def test_a_model_without_a_hash_is_not_allowed(open_desk, sealing, bodies, decide, now) -> None:
    desk = open_desk(models_allowed=("e" * 64,))
    make = sealing()
    flag = make.flag("RAD_GROSS")
    (model,) = flag.pipeline.models
    nameless = msgspec.structs.replace(flag.pipeline, models=(msgspec.structs.replace(model, sha256=""),))
    desk.take(
        bodies(make.targeting(), make.event("SEALED"), make.flag("RAD_GROSS", pipeline=nameless)),
        received_at=now,
    )
    assert [d.risk for d in decide(desk)] == ["UNKNOWN"]


def test_intelligence_that_gives_no_time_is_not_forgotten(desk, cleared, bodies, decide, now) -> None:
    untimed = cleared.signer.seal(
        msgspec.structs.replace(cleared.revocation("CONTAINER", cleared.box), at="some day")
    )
    listed = cleared.signer.seal(
        RevocationList(
            administration="CA",
            number=1,
            issued_at=cleared.at(0),
            next_update=cleared.at(-86400),
            revocations=(untimed,),
        )
    )
    desk.take([canonical_bytes(listed)], received_at=now)
    assert [d.risk for d in decide(desk)] == ["UNKNOWN"]
    # and nothing later clears: nobody knows that it is later
    again = [cleared.targeting(age_s=-60), cleared.flag("XRAY", age_s=-60), cleared.event("READ", age_s=-60)]
    desk.take(bodies(*again), received_at=now + MINUTE)
    decide(desk, now + MINUTE)
    assert desk.case(cleared.box).risk == "UNKNOWN"


def test_a_lane_that_reported_of_an_earlier_passage_has_not_reported(
    open_desk, sealing, bodies, decide, now
) -> None:
    desk = open_desk(required_lanes=("1", "2"))
    make = sealing()
    earlier = make.flag("RAD_GROSS", lane="2", scan_id="last week", age_s=6 * 86400)
    desk.take(bodies(earlier), received_at=now - timedelta(days=6))
    decide(desk, now - timedelta(days=6) + HOUR)
    desk.take(bodies(*make.clean()), received_at=now)
    decide(desk)
    assert desk.case(make.box).risk == "UNKNOWN"
    desk.take(bodies(make.flag("RAD_GROSS", lane="2", scan_id="today")), received_at=now)
    assert [d.risk for d in decide(desk)] == ["LOW"]


def test_an_arrival_short_of_the_end_of_the_journey_is_none(desk, cleared, bodies, decide, now) -> None:
    desk.take(bodies(cleared.journey(("CAJAS", 36000), arrives_in_s=36000)), received_at=now)
    arrived = cleared.event("ARRIVED", age_s=-3500, place="CAJAS")
    desk.take(bodies(cleared.crossing("DEPARTURE", -60), arrived), received_at=now + HOUR)
    (told,) = decide(desk, now + HOUR)
    assert (told.risk, told.inputs.transit) == ("UNKNOWN", None)


def test_an_alarm_is_not_replaced_from_another_lane(
    open_desk, signer_of, ops, sealing, bodies, decide, now
) -> None:
    other = signer_of("x")
    bound = msgspec.structs.replace(other.public, kinds=("riskflag/1",), lanes=("2",))
    desk = open_desk(trusted=KeyRing([ops.public, bound]))
    make, elsewhere = sealing(), sealing(signer=other)
    alarm = make.flag("NEUTRON", "RAD_NEUTRON")
    said = elsewhere.flag("NEUTRON", lane="2", scan_id=alarm.scan_id, supersedes=alarm.flag_id)
    desk.take(bodies(*make.clean()[:2], make.event("SEALED"), alarm, said), received_at=now)
    decide(desk)
    assert desk.case(make.box).risk == "HIGH"


@pytest.mark.parametrize(
    "changes",
    [
        {"operating_mode": OperatingMode.TEST},
        {"age_s": 300},
        {"inputs": ()},
        {"codes": ("Q_SPEED",)},
        {"scan_id": "another"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_an_alarm_is_replaced_by_nothing_that_is_in_doubt(
    desk, sealing, bodies, decide, now, changes
) -> None:
    make = sealing()
    seen = (InputRef(kind="raw", uri="raw/1", n_bytes=1, sha256="f" * 64),)
    alarm = make.flag("NEUTRON", "RAD_NEUTRON", inputs=seen)
    again = {"supersedes": alarm.flag_id, "inputs": seen, **changes}
    said = make.flag("NEUTRON", *again.pop("codes", ()), **again)
    desk.take(bodies(*make.clean()[:2], make.event("SEALED"), alarm, said), received_at=now)
    decide(desk)
    assert desk.case(make.box).risk == "HIGH"


def test_an_alarm_comes_back_when_the_model_that_took_it_away_is_revoked(
    desk, sealing, bodies, decide, now
) -> None:
    make = sealing()
    alarm = make.flag("NEUTRON", "RAD_NEUTRON")
    newer = msgspec.structs.replace(
        alarm.pipeline, models=(ModelRef(name="m2", sha256="9" * 64, card_sha256="8" * 64),)
    )
    again = make.flag("NEUTRON", supersedes=alarm.flag_id, pipeline=newer)
    desk.take(bodies(*make.clean()[:2], make.event("SEALED"), alarm, again), received_at=now)
    assert [d.risk for d in decide(desk)] == ["LOW"]
    desk.take(bodies(make.revocation("MODEL", "9" * 64)), received_at=now)
    assert [(d.risk, d.action) for d in decide(desk)] == [("HIGH", "HOLD")]


def test_a_flag_that_failed_its_own_gate_is_not_low(desk, sealing, bodies, decide, now) -> None:
    make = sealing()
    gate = FlagGate(name="speed", passed=False, value="9", limit="2.5")
    flag = make.flag("RAD_GROSS", quality=FlagQuality(gates=(gate,)))
    desk.take(bodies(make.targeting(), make.event("SEALED"), flag), received_at=now)
    decide(desk, now + HOUR)
    assert desk.case(make.box).risk == "UNKNOWN"


@pytest.mark.parametrize("without", ["NEUTRON", "RAD_GROSS"])
def test_a_neutron_alarm_is_measured_again_for_neutrons_and_gamma_rays(
    desk, sealing, bodies, decide, now, without
) -> None:
    make = sealing()
    alarm = make.flag("NEUTRON", "RAD_NEUTRON")
    again = [
        make.flag(modality, age_s=150, scan_id="again", number=None)
        for modality in ("NEUTRON", "RAD_GROSS", "XRAY")
        if modality != without
    ]
    case = [*make.clean()[:2], alarm, make.event("SEALED"), make.destuffing(), *again]
    desk.take(bodies(*case, make.remeasurement(*again)), received_at=now)
    decide(desk)
    assert desk.case(make.box).risk == "HIGH"
    missing = make.flag(without, age_s=150, scan_id="again", number=None)
    desk.take(bodies(missing, make.remeasurement(*again, missing, age_s=110)), received_at=now)
    decide(desk)
    assert desk.case(make.box).risk == "LOW"


def test_an_opening_of_an_earlier_passage_answers_nothing(desk, sealing, bodies, decide, now) -> None:
    make = sealing()
    desk.take(bodies(make.destuffing(age_s=20 * 86400)), received_at=now - timedelta(days=20))
    desk.take(bodies(make.targeting("HIGH"), *make.clean()[1:]), received_at=now)
    decide(desk)
    assert (desk.case(make.box).risk, desk.case(make.box).action) == ("HIGH", "REFER_NII")


def test_no_other_key_takes_back_the_level_of_an_administration(
    open_desk, signer_of, ops, sealing, bodies, decide, now
) -> None:
    other = signer_of("x")
    desk = open_desk(trusted=KeyRing([ops.public, other.public]))
    make, stranger = sealing(), sealing(signer=other)
    desk.take(bodies(*make.clean(), make.targeting("HIGH", administration="US")), received_at=now)
    assert [d.inputs.targeting for d in decide(desk)] == ["HIGH"]
    desk.take(bodies(stranger.targeting(administration="US", age_s=60)), received_at=now)
    assert decide(desk) == []
    desk.take(bodies(make.targeting(administration="US", age_s=50)), received_at=now)
    assert [d.inputs.targeting for d in decide(desk)] == ["LOW"]


def test_that_a_box_was_moved_is_not_forgotten_with_the_key_that_sealed_it(
    open_desk, signer_of, ops, sealing, bodies, decide, now
) -> None:
    gateway = signer_of("x")
    desk = open_desk(trusted=KeyRing([ops.public, gateway.public]))
    make = sealing()
    first = sealing(signer=gateway).event("SEALED", place="CAPRR")
    moved = make.event("READ", age_s=900, place="CAJAS")
    anew = make.event("SEALED", age_s=300, seal_id="SEAL-2", place="CAJAS")
    desk.take(bodies(*make.clean()[:3], first, moved, anew), received_at=now)
    desk.take(bodies(make.revocation("KEY", gateway.key_id)), received_at=now)
    decide(desk, now + HOUR)
    assert desk.case(make.box).risk == "UNKNOWN"


def test_a_seal_that_was_read_at_two_places_has_moved(desk, sealing, bodies, decide, now) -> None:
    make = sealing()
    read = [make.event("READ", age_s=1200, place="CAPRR"), make.event("READ", age_s=300, place="CAJAS")]
    desk.take(bodies(*make.clean(), *read), received_at=now)
    decide(desk)
    assert desk.case(make.box).risk == "UNKNOWN"


@pytest.fixture
def moved_alarm(desk, sealing, bodies, decide, now, sealed_traffic):
    """Two containers: the alarm of the first is said by one officer to be of the second."""
    make, other = sealing(), sealing(sealed_traffic.container(7))
    alarm = make.flag("NEUTRON", "RAD_NEUTRON", scan_id="theirs")
    desk.take(bodies(*make.clean(), *other.clean(), alarm), received_at=now)
    decide(desk)
    desk.take(bodies(make.ruling("theirs", other.box)), received_at=now)
    decide(desk)
    return make, other, alarm


def test_one_officer_does_not_take_an_alarm_away_from_its_container(
    desk, moved_alarm, bodies, decide, now
) -> None:
    make, other, alarm = moved_alarm
    assert {desk.case(box).risk for box in (make.box, other.box)} == {"HIGH"}
    again = make.signer.seal(
        msgspec.structs.replace(make.ruling("theirs", other.box, age_s=50), basis="once more")
    )
    desk.take(bodies(again), received_at=now)
    decide(desk)
    assert desk.case(make.box).risk == "HIGH"
    second = make.signer.seal(msgspec.structs.replace(again, officer_ref="officer-2"))
    desk.take(bodies(second), received_at=now)
    decide(desk)
    assert [desk.case(box).risk for box in (make.box, other.box)] == ["LOW", "HIGH"]
    assert bodies(alarm)[0] in desk.records_of(other.box)


@pytest.mark.parametrize("is_listed", [False, True])
def test_what_was_ruled_under_a_key_that_is_revoked_is_not_ruled(
    open_desk, signer_of, ops, sealing, bodies, decide, now, sealed_traffic, is_listed
) -> None:
    station = signer_of("x")
    desk = open_desk(trusted=KeyRing([ops.public, station.public]))
    make, other = sealing(), sealing(sealed_traffic.container(7))
    alarm = make.flag("RAD_GROSS", "Q_SPEED", scan_id="theirs")
    ruling = sealing(signer=station).ruling("theirs", other.box)
    desk.take(bodies(*make.clean(), *other.clean(), alarm, ruling), received_at=now)
    decide(desk)
    assert [desk.case(box).risk for box in (make.box, other.box)] == ["LOW", "UNKNOWN"]
    revoked = make.revocation("KEY", station.key_id)
    if is_listed:
        revoked = make.signer.seal(
            RevocationList(
                administration="CA",
                number=1,
                issued_at=make.at(0),
                next_update=make.at(-86400),
                revocations=(revoked,),
            )
        )
    desk.take(bodies(revoked), received_at=now)
    decide(desk)
    assert [desk.case(box).risk for box in (make.box, other.box)] == ["UNKNOWN", "LOW"]
    assert bodies(alarm)[0] in desk.records_of(make.box)
    desk.take(bodies(sealing(signer=station).ruling("theirs", other.box, age_s=20)), received_at=now)
    decide(desk)
    assert desk.case(make.box).risk == "UNKNOWN"


def test_no_flag_takes_the_place_of_targeting(desk, sealing, bodies, decide, now) -> None:
    make = sealing()
    desk.take(bodies(make.flag("TARGETING"), *make.clean()[1:]), received_at=now)
    decide(desk, now + HOUR)
    assert (desk.case(make.box).risk, desk.case(make.box).action) == ("UNKNOWN", "REFER_NII")


def test_of_two_conclusions_at_one_time_the_lesser_counts(desk, sealing, bodies, decide, now) -> None:
    make = sealing()
    alarm = make.flag("RAD_GROSS", "RAD_GAMMA_NSIGMA")
    case = [make.targeting(), make.event("SEALED"), alarm, make.flag("XRAY")]
    for officer in ("officer-7", "officer-8", "officer-9"):  # their hashes fall in any order
        case += [make.conclusion(alarm, officer_ref=officer), make.conclusion(alarm, 11, officer_ref=officer)]
    desk.take(bodies(*case), received_at=now)
    decide(desk, now + HOUR)
    assert desk.case(make.box).risk == "HIGH"


@pytest.mark.parametrize("seal", ["SEAL-1", "SEAL-2", "SEAL-3", "SEAL-4"])
@pytest.mark.parametrize("bad", ["UNSEALED", "FAULT", "LOW_BATTERY"])
def test_what_states_the_time_of_the_sealing_may_have_come_after_it(
    desk, sealing, bodies, decide, now, bad, seal
) -> None:
    make = sealing()
    sealed = [make.event("SEALED", seal_id=seal), make.event(bad, seal_id=seal)]
    desk.take(bodies(*make.clean()[:3], *sealed), received_at=now)
    decide(desk, now + HOUR)
    assert desk.case(make.box).risk == "UNKNOWN"


def test_one_that_arrives_after_its_window_is_examined(desk, cleared, bodies, decide, now) -> None:
    desk.take(bodies(cleared.journey(arrives_in_s=3600)), received_at=now)
    desk.take(bodies(cleared.crossing("DEPARTURE", -60)), received_at=now + MINUTE)
    assert decide(desk, now + MINUTE) == []
    arrived = cleared.event("ARRIVED", age_s=-7100, place="USINT")
    desk.take(bodies(arrived), received_at=now + 2 * HOUR)
    (told,) = decide(desk, now + 2 * HOUR)
    assert (told.risk, told.inputs.transit) == ("UNKNOWN", "GAP")


def test_no_low_rests_on_fewer_flags_than_the_alarm_before_it(
    desk, sealing, bodies, decide, now, sealed_traffic
) -> None:
    """Whatever comes first of a container whose alarm was explained, and however early it was decided."""
    rng = random.Random(5)
    for number in range(20):
        make = sealing(sealed_traffic.container(number))
        alarm = make.flag("RAD_GROSS", "RAD_GAMMA_NSIGMA")
        records = [*make.clean(), alarm, make.flag("XRAY", age_s=450), make.conclusion(alarm)]
        rng.shuffle(records)
        told = []
        for record in records:
            desk.take(bodies(record), received_at=now)
            told += decide(desk)
        assert told[-1].risk == "LOW"
        for i, decision in enumerate(told):
            if decision.risk == "LOW":
                kept = {ref.flag_id for ref in decision.flags}
                assert all(ref.flag_id in kept for former in told[:i] for ref in former.flags)


def test_an_alarm_stands_when_the_key_that_sealed_it_is_revoked(
    open_desk, signer_of, ops, sealing, bodies, decide, now
) -> None:
    lane = signer_of("x")
    desk = open_desk(trusted=KeyRing([ops.public, lane.public]))
    make, other = sealing(), sealing(signer=lane)
    alarm = other.flag("NEUTRON", "RAD_NEUTRON")
    desk.take(bodies(*make.clean(), alarm), received_at=now)
    decide(desk)
    desk.take(bodies(make.revocation("KEY", lane.key_id)), received_at=now)
    decide(desk)
    assert (desk.case(make.box).risk, desk.case(make.box).action) == ("HIGH", "HOLD")
    low = other.flag("NEUTRON", supersedes=alarm.flag_id)
    assert [taken.failure for taken in desk.take(bodies(low), received_at=now)] == ["REVOKED_KEY"]


def test_an_old_scan_that_is_told_of_again_is_as_old_as_it_was(desk, sealing, bodies, decide, now) -> None:
    make = sealing()
    old = FlagClock(t_start=make.at(3 * 86400 + 60), t_end=make.at(3 * 86400))
    flag = make.flag("RAD_GROSS", clock=old)
    desk.take(bodies(make.targeting(), make.event("SEALED"), flag), received_at=now)
    decide(desk, now + HOUR)
    assert (desk.case(make.box).risk, desk.case(make.box).action) == ("UNKNOWN", "REFER_SECONDARY_RAD")


def test_a_station_opens_no_container_at_another_place(
    open_desk, signer_of, ops, sealing, bodies, now
) -> None:
    station = signer_of("x")
    bound = msgspec.structs.replace(station.public, sites=("CAPRR",))
    desk = open_desk(trusted=KeyRing([ops.public, bound]))
    opened = sealing().destuffing()
    sent = [station.seal(msgspec.structs.replace(opened, place=place)) for place in ("CAPRR", "USINT", None)]
    assert [taken.failure for taken in desk.take(bodies(*sent), received_at=now)] == [
        None,
        "WRONG_LANE",
        None,
    ]


def test_the_database_of_an_exercise_is_none_of_the_operation(
    open_desk, exercise, ops, sealing, bodies, decide, now
) -> None:
    make = sealing(signer=exercise)
    with open_desk(signer=exercise) as desk:
        desk.take(bodies(make.event("BROKEN")), received_at=now)
        assert [d.is_exercise for d in decide(desk)] == [True]
    with pytest.raises(PolicyError, match="share no database"):
        open_desk(signer=ops)


@pytest.mark.parametrize(
    ("changes", "risk"),
    [
        ({}, "LOW"),
        ({"second_officer_ref": " "}, "HIGH"),
        ({"second_officer_ref": "Officer-1 "}, "HIGH"),
        ({"instrument": " "}, "HIGH"),
        ({"basis": "PAPER"}, "HIGH"),
    ],
)
@pytest.mark.parametrize("is_severe", [True, False])
def test_neutrons_take_an_instrument_and_two_people_whatever_their_flag_says(
    desk, sealing, bodies, decide, now, changes, risk, is_severe
) -> None:
    make = sealing()
    alarm = make.flag("NEUTRON", "RAD_NEUTRON", is_severe=is_severe)
    case = [make.targeting(), make.event("SEALED"), make.flag("RAD_GROSS"), make.flag("XRAY"), alarm]
    desk.take(bodies(*case, make.conclusion(alarm, **changes)), received_at=now)
    decide(desk)
    assert desk.case(make.box).risk == risk


def test_a_picture_of_the_last_visit_answers_nothing_of_this_one(desk, sealing, bodies, decide, now) -> None:
    make = sealing()
    desk.take(bodies(*make.clean(), make.flag("XRAY")), received_at=now)
    decide(desk)
    back = 6 * HOUR
    again = [
        make.crossing("ENTRY", -20000),
        make.targeting("HIGH", age_s=-20000),
        make.flag("RAD_GROSS", age_s=-19990, scan_id="at the gate"),
        make.flag("NEUTRON", age_s=-19990, scan_id="at the gate"),
        make.event("SEALED", age_s=-21000, seal_id="SEAL-2"),
    ]
    desk.take(bodies(*again), received_at=now + back)
    (told,) = decide(desk, now + back)
    assert (told.risk, told.action, told.inputs.radiation) == ("HIGH", "REFER_NII", "LOW")

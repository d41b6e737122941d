"""Attempts to have a container called LOW, or to keep it so, that must not work."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import update

from screening.clearance import default_policy
from screening.clearance.desk.tables import records
from screening.records import ReasonCode, RevocationList, canonical_bytes, sha256_hex

pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


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

"""A container that was cleared and has left: its departure goes on until there is worse news than none."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from screening.clearance import default_policy
from screening.records import ReasonCode

pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)
HOUR = timedelta(hours=1)


@pytest.fixture
def cleared(open_desk, sealing, bodies, decide, now):
    """A desk that has cleared a container, and what seals more records of it."""

    def make(*more, **policy):
        desk = open_desk(policy=msgspec.structs.replace(default_policy(), **policy))
        make = sealing()
        first = make.event("SEALED", place="CAPRR")
        others = [one for one in make.clean() if one.schema != "sealevent/1"]
        desk.take(bodies(*others, first, *(one(make) for one in more)), received_at=now)
        (decision,) = decide(desk)
        assert decision.action == "CLEARED_FOR_DEPARTURE"
        return desk, make

    return make


def test_readings_on_the_way_say_nothing_new(cleared, bodies, decide, now) -> None:
    desk, make = cleared(lambda make: make.journey(("CAJAS", 7200), arrives_in_s=36 * 3600))
    desk.take(bodies(make.crossing("DEPARTURE", -60)), received_at=now + HOUR)
    assert decide(desk, now + HOUR) == []
    desk.take(bodies(make.event("READ", age_s=-7000, place="CAJAS")), received_at=now + 2 * HOUR)
    assert decide(desk, now + 2 * HOUR) == []
    # what was young enough when it left is not news because it grew older on the way
    desk.take(bodies(make.event("READ", age_s=-30 * 3600, place="CAJAS")), received_at=now + 30 * HOUR)
    assert decide(desk, now + 30 * HOUR) == []
    assert desk.case(make.box).risk == "LOW"


def test_one_that_does_not_arrive_in_its_window_is_decided_when_that_ends(
    cleared, bodies, decide, now
) -> None:
    desk, make = cleared(lambda make: make.journey(arrives_in_s=5 * 3600))
    desk.take(bodies(make.crossing("DEPARTURE", -60)), received_at=now + HOUR)
    assert decide(desk, now + HOUR) == []
    assert decide(desk, now + 5 * HOUR) == []
    (late,) = decide(desk, now + 5 * HOUR + timedelta(milliseconds=1))
    assert (late.risk, late.action) == ("UNKNOWN", "REFER_NII")
    assert ReasonCode.ARRIVAL_MISSING in late.reason_codes


@pytest.mark.parametrize(
    ("policy", "hours"), [({"arrival_window_s": 7200}, 2), ({"validity_s": 3 * 3600}, 3)]
)
def test_without_a_journey_the_policy_says_when_it_is_late(
    cleared, bodies, decide, now, policy, hours
) -> None:
    desk, make = cleared(**policy)
    desk.take(bodies(make.crossing("DEPARTURE", -60)), received_at=now + HOUR)
    assert decide(desk, now + HOUR) == []
    assert decide(desk, now + hours * HOUR - timedelta(seconds=1)) == []
    (late,) = decide(desk, now + hours * HOUR + timedelta(milliseconds=1))
    assert (late.risk, ReasonCode.ARRIVAL_MISSING in late.reason_codes) == ("UNKNOWN", True)


@pytest.mark.parametrize(
    ("bad", "risk"),
    [
        (lambda make: make.event("TAMPER", age_s=-1800), "HIGH"),
        (lambda make: make.event("GAP", age_s=-1800), "UNKNOWN"),
        (lambda make: make.event("FAULT", age_s=-1800), "UNKNOWN"),
        (lambda make: make.event("SEALED", age_s=-1800, seal_id="SEAL-2", place="CAJAS"), "UNKNOWN"),
        (lambda make: make.event("SEALED", age_s=-1800, place="CAJAS"), "UNKNOWN"),
        (lambda make: make.event("UNSEALED", age_s=-1800), "UNKNOWN"),
        (lambda make: make.flag("NEUTRON", "RAD_NEUTRON", scan_id="late"), "HIGH"),
        (lambda make: make.flag("RAD_GROSS", "Q_SPEED", scan_id="late"), "UNKNOWN"),
        (lambda make: make.targeting("HIGH", age_s=-1800), "HIGH"),
        (lambda make: make.revocation("MODEL", "a" * 64, age_s=-1800), "UNKNOWN"),
        (lambda make: make.revocation("CONTAINER", make.box, age_s=-1800), "UNKNOWN"),
        (lambda make: make.crossing("ARRIVAL", -1800, place="USINT"), "UNKNOWN"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_news_on_the_way_is_told_at_once(cleared, bodies, decide, now, bad, risk) -> None:
    desk, make = cleared(lambda make: make.journey(arrives_in_s=36 * 3600))
    desk.take(bodies(make.crossing("DEPARTURE", -60)), received_at=now + HOUR)
    assert decide(desk, now + HOUR) == []
    desk.take(bodies(bad(make)), received_at=now + HOUR)
    (told,) = decide(desk, now + HOUR)
    assert told.risk == risk


def test_one_that_arrives_is_accepted_after_the_departure_itself(cleared, bodies, decide, now) -> None:
    desk, make = cleared(lambda make: make.journey(arrives_in_s=36 * 3600))
    desk.take(bodies(make.crossing("DEPARTURE", -60)), received_at=now + HOUR)
    assert decide(desk, now + HOUR) == []
    desk.take(bodies(make.event("ARRIVED", age_s=-7000, place="USINT")), received_at=now + 2 * HOUR)
    (accepted,) = decide(desk, now + 2 * HOUR)
    assert (accepted.risk, accepted.action) == ("LOW", "ACCEPT")

"""Entry and exit add up, or somebody is told."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from screening.clearance import account_crossings
from screening.records import Journey


@pytest.fixture
def journey(make):
    def journey(
        ends: float, minutes: float = 300, by: str = "trusted", destination: str = "USINL"
    ) -> Journey:
        made = Journey(
            container_id=make.box,
            seal_id="S1",
            origin="CAPRR",
            destination="USINL",
            departs_at=make.at(250),
            arrives_before=make.at(ends),
            administration="CA",
            at=make.at(minutes),
        )
        return make.seal(made, by)

    return journey


@pytest.fixture
def codes(make):
    def codes(*records, **changes):
        return [one.code for one in account_crossings(records, make.now, **changes)]

    return codes


def test_a_visit_that_adds_up(make, journey, codes) -> None:
    visit = (make.crossing("ENTRY", 290), make.crossing("ARRIVAL", 60), make.crossing("EXIT", 30))
    assert codes(*visit, journey(50)) == []
    assert codes(*reversed(visit), *visit, journey(50)) == []
    assert codes() == []


def test_entered_and_not_arrived_in_its_window(make, journey) -> None:
    (found,) = account_crossings([make.crossing("ENTRY", 290), journey(10)], make.now)
    assert (found.code, found.place, found.at) == ("NOT_ARRIVED", "USINL", "2026-03-01T11:50:00.000Z")
    assert account_crossings([make.crossing("ENTRY", 290), journey(-10)], make.now) == ()


def test_the_journey_set_last_gives_the_window(make, journey, codes) -> None:
    held = (make.crossing("ENTRY", 290), journey(10))
    assert codes(*held, journey(-100, minutes=200)) == []
    assert codes(*held, journey(-100, minutes=400)) == ["NOT_ARRIVED"]


def test_without_a_journey_the_policys_window_holds(make, codes) -> None:
    entry = make.crossing("ENTRY", 290)
    assert codes(entry) == []
    assert codes(entry, window_s=3600) == ["NOT_ARRIVED"]
    assert codes(entry, window_s=86400) == []
    assert codes(entry, make.crossing("ARRIVAL", 60), window_s=3600) == ["ARRIVED_LATE"]


def test_arrived_late(make, journey, codes) -> None:
    assert codes(make.crossing("ENTRY", 290), make.crossing("ARRIVAL", 60), journey(61)) == ["ARRIVED_LATE"]


def test_arrived_without_an_entry(make, codes) -> None:
    assert codes(make.crossing("ARRIVAL", 60)) == ["NO_ENTRY"]
    left = (make.crossing("ENTRY", 290), make.crossing("EXIT", 200))
    assert codes(*left, make.crossing("ARRIVAL", 60)) == ["NO_ENTRY"]


def test_arrived_twice_but_not_because_two_administrations_saw_it(make, codes) -> None:
    first = (make.crossing("ENTRY", 290), make.crossing("ARRIVAL", 60))
    assert codes(*first, make.crossing("ARRIVAL", 55, administration="US")) == []
    assert codes(*first, make.crossing("ARRIVAL", 40)) == ["ARRIVED_TWICE"]
    assert codes(*first, make.crossing("ENTRY", 50), make.crossing("ARRIVAL", 40)) == []


def test_exit_before_entry(make, codes) -> None:
    assert codes(make.crossing("EXIT", 60), make.crossing("ENTRY", 50)) == ["EXIT_BEFORE_ENTRY"]


def test_a_crossing_without_a_time_is_told(make, codes) -> None:

    assert codes(msgspec.structs.replace(make.crossing("ENTRY", 60), at="noon")) == ["NO_TIME"]


def test_only_trusted_records_account_for_a_container(make, journey, codes) -> None:
    held = (make.crossing("ENTRY", 290), make.crossing("ARRIVAL", 60, by="stranger"), journey(10))
    assert codes(*held, is_trusted=lambda record: record.key_id == "trusted") == ["NOT_ARRIVED"]


def test_of_a_case_and_of_many_containers(make, join, journey) -> None:
    case = join(make.crossing("ENTRY", 290), make.crossing("ARRIVAL", 60, by="stranger"), journey(10))
    assert [one.code for one in account_crossings(case, make.now)] == ["NOT_ARRIVED"]
    assert account_crossings(case, make.now - timedelta(hours=1)) == ()
    other = make.crossing("ARRIVAL", 60, container_id="MWCU6059784")
    found = account_crossings([other, make.crossing("ENTRY", 290), journey(10)], make.now)
    assert [(one.container_id, one.code) for one in found] == [
        (make.box, "NOT_ARRIVED"),
        ("MWCU6059784", "NO_ENTRY"),
    ]

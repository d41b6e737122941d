"""Seals as detectors, from their events."""

from __future__ import annotations

import pytest

from screening.clearance.measures import SealTruth, seal_measures, seal_trips
from screening.records import Journey, JourneyPoint, utc_string

BOX = "CSQU3054383"


@pytest.fixture
def journey(at):
    return Journey(
        container_id=BOX,
        seal_id="S1",
        origin="A",
        destination="D",
        departs_at=str(utc_string(at(2))),
        arrives_before=str(utc_string(at(72))),
        administration="CA",
        at=str(utc_string(at(0))),
        points=(JourneyPoint(place="B"), JourneyPoint(place="C")),
    )


@pytest.fixture
def trip(make):
    return [make.seal(BOX, 1, place="A"), make.seal(BOX, 20, "READ", "B"), make.seal(BOX, 50, "ARRIVED", "D")]


def test_a_trip_with_a_point_missed(trip, journey, at):
    (found,), reads = seal_trips([*trip, journey], now=at(60))
    assert (found.departed_at, found.arrived_at, found.has_gap) == (at(1), at(50), True)
    assert (found.opening_kind, found.reports) == ("", ())
    assert [(read.point, read.read_at) for read in reads] == [("B", at(20)), ("C", None)]


def test_a_trip_under_way_is_not_counted_until_its_window_is_over(trip, journey, at):
    assert seal_trips([*trip[:2], journey], now=at(60)) == ((), ())
    (found,), reads = seal_trips([*trip[:2], journey], now=at(73))
    assert (found.arrived_at, found.has_gap) == (at(20), True)
    assert len(reads) == 2


def test_what_is_reported_after_the_arrival_is_not_the_trips(make, trip, journey, at):
    events = [
        *trip,
        make.seal(BOX, 30, "TAMPER"),
        make.seal(BOX, 55, "BROKEN"),
        make.seal(BOX, 40, "LOW_BATTERY"),
    ]
    (found,), _ = seal_trips([*events, journey], now=at(60))
    assert (found.reports, found.has_low_battery, found.has_fault) == ((at(30),), True, False)


def test_a_seal_used_again_makes_another_trip(make, trip, journey, at):
    again = [make.seal(BOX, 200, place="A"), make.seal(BOX, 260, "ARRIVED", "D")]
    trips, reads = seal_trips([*trip, *again, journey], now=at(300))
    assert [one.departed_at for one in trips] == [at(1), at(200)]
    assert {read.trip for read in reads} == {trips[0].trip}


def test_the_truth_of_one_trip_is_not_that_of_another(make, trip, journey, at):
    again = [make.seal(BOX, 200, place="A"), make.seal(BOX, 260, "ARRIVED", "D")]
    truth = SealTruth(container_id=BOX, seal="S1", model="m", opening_kind="doors", opened_at=at(210))
    trips, _ = seal_trips([*trip, *again, journey], now=at(300), truths={(BOX, "S1"): truth})
    assert [(one.opening_kind, one.opened_at) for one in trips] == [("", None), ("doors", at(210))]


def test_openings_and_false_tampers_count_only_where_the_truth_is_known(make, trip, at):
    events = [*trip, make.seal(BOX, 30, "TAMPER")]

    def figures(truth):
        trips, reads = seal_trips(events, now=at(60), truths=truth)
        return {one.metric: (one.k, one.n) for one in seal_measures(trips, reads)}

    assert figures(None)["openings detected"] == (0, 0)
    assert figures(None)["false tampers"] == (0, 0)
    none = {(BOX, "S1"): SealTruth(container_id=BOX, seal="S1", opening_kind="none")}
    assert figures(none)["false tampers"] == (1, 1)
    opened = SealTruth(container_id=BOX, seal="S1", opening_kind="doors", opened_at=at(29))
    assert figures({(BOX, "S1"): opened})["openings detected"] == (1, 1)
    late = SealTruth(container_id=BOX, seal="S1", opening_kind="doors", opened_at=at(31))
    assert figures({(BOX, "S1"): late})["openings detected"] == (0, 1)

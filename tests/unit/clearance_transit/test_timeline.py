"""What the readings of a journey leave open."""

from __future__ import annotations

import random

import msgspec
import pytest

from screening.clearance.transit import custody_timeline, journey_gaps
from screening.records import JourneyPoint, utc_string


def kinds(gaps):
    return [gap.kind for gap in gaps]


def is_signed(event):
    return event.signature is not None


def test_a_journey_read_everywhere_leaves_nothing_open(good_events, journey, hour):
    assert journey_gaps(good_events, journey(), now=hour(61)) == ()


def test_without_a_journey_nothing_is_missing(good_events, hour):
    assert journey_gaps(good_events, None, now=hour(61)) == ()


def test_order_repetition_and_lateness_of_arrival_make_no_difference(good_events, journey, hour, event):
    events = [*good_events[:2], *good_events[3:], event("READ", 5, "Z")]
    expected = journey_gaps(events, journey(max_silence_s=3600), now=hour(61))
    assert kinds(expected)
    rng = random.Random(7)
    for _ in range(20):
        shuffled = events * 2
        rng.shuffle(shuffled)
        assert journey_gaps(shuffled, journey(max_silence_s=3600), now=hour(61)) == expected


def test_a_point_is_pending_until_it_is_passed(good_events, journey, hour):
    assert journey_gaps(good_events[:1], journey(), now=hour(11)) == ()
    assert journey_gaps(good_events[:2], journey(), now=hour(40)) == ()


@pytest.mark.parametrize(("now", "missed"), [(12, []), (13, ["B"]), (73, ["B", "D"])])
def test_a_point_is_missed_once_its_time_or_the_window_is_over(now, missed, good_events, journey, hour):
    gaps = journey_gaps(good_events[:1], journey(), now=hour(now))
    assert [(gap.kind, gap.place) for gap in gaps] == [("MISSED", place) for place in missed]


def test_a_point_is_missed_once_a_later_one_was_read(good_events, journey, hour):
    gaps = journey_gaps((good_events[0], good_events[2]), journey(), now=hour(31))
    assert [(gap.kind, gap.place) for gap in gaps] == [("MISSED", "B")]


def test_an_arrival_misses_every_required_point_before_it_and_no_optional_one(good_events, journey, hour):
    gaps = journey_gaps((good_events[0], good_events[-1]), journey(), now=hour(61))
    assert [(gap.kind, gap.place) for gap in gaps] == [("MISSED", "B"), ("MISSED", "D")]


def test_a_reading_that_comes_late_to_the_desk_closes_the_gap(good_events, journey, hour):
    without = (good_events[0], *good_events[2:])
    assert kinds(journey_gaps(without, journey(), now=hour(61))) == ["MISSED"]
    assert journey_gaps((*without, good_events[1]), journey(), now=hour(61)) == ()


def test_a_reading_after_its_time_is_late(good_events, journey, hour, event):
    gaps = journey_gaps((good_events[0], event("READ", 12.5, "B")), journey(), now=hour(13))
    assert [(gap.kind, gap.place) for gap in gaps] == [("LATE", "B")]


def test_a_second_reading_of_a_box_that_stands_is_not_late(good_events, journey, hour, event):
    assert journey_gaps((*good_events[:2], event("READ", 13, "B")), journey(), now=hour(14)) == ()


def test_a_limit_that_is_no_time_is_not_taken_for_kept(good_events, journey, hour):
    points = (JourneyPoint(place="B", not_after="soon"),)
    assert kinds(journey_gaps(good_events[:2], journey(points=points), now=hour(11))) == ["LATE"]


def test_a_step_back_along_the_route_is_out_of_order(good_events, journey, hour, event):
    gaps = journey_gaps((*good_events[:4], event("READ", 55, "B")), journey(), now=hour(56))
    assert [(gap.kind, gap.place) for gap in gaps] == [("OUT_OF_ORDER", "B")]


def test_a_place_that_the_way_passes_twice_is_in_order_both_times(journey, hour, event):
    points = tuple(JourneyPoint(place=place) for place in ("B", "C", "B", "D"))
    events = [event("SEALED", 1, "A"), *(event("READ", 3 + i, one.place) for i, one in enumerate(points))]
    assert journey_gaps(events, journey(points=points), now=hour(8)) == ()


def test_a_reading_off_the_route_is_a_deviation_even_unsigned(good_events, journey, hour, event):
    events = (*good_events[:2], event("READ", 20, "Z", signed=False))
    gaps = journey_gaps(events, journey(), now=hour(21), is_trusted=is_signed)
    assert [(gap.kind, gap.place) for gap in gaps] == [("ROUTE_DEVIATION", "Z")]


def test_where_the_box_was_sealed_before_the_departure_is_no_deviation(journey, hour, event):
    events = (event("SEALED", -5, "SHIPPER"), event("READ", 1, "A"))
    assert journey_gaps(events, journey(), now=hour(3)) == ()


def test_a_sealing_elsewhere_after_the_departure_is_a_deviation(good_events, journey, hour, event):
    gaps = journey_gaps((*good_events[:2], event("SEALED", 11, "SIDING")), journey(), now=hour(12))
    assert kinds(gaps) == ["ROUTE_DEVIATION"]


def test_an_earlier_journey_of_a_seal_that_is_used_again_is_not_this_one(good_events, journey, hour, event):
    before = (event("READ", -90, "D"), event("READ", -80, "Z"), event("ARRIVED", -70, "E"))
    assert journey_gaps((*before, *good_events), journey(max_silence_s=21 * 3600), now=hour(61)) == ()


def test_sealing_again_on_the_way_hides_no_gap(good_events, journey, hour, event):
    events = (good_events[0], good_events[2], event("SEALED", 31, "C"), *good_events[3:])
    assert [(gap.kind, gap.place) for gap in journey_gaps(events, journey(), now=hour(61))] == [
        ("MISSED", "B")
    ]


@pytest.mark.parametrize("how", ["unsigned", "another seal", "another container"])
def test_what_is_not_a_trusted_reading_of_that_seal_fills_no_point(how, good_events, journey, hour, event):
    spoilt = {
        "unsigned": event("READ", 10, "B", signed=False),
        "another seal": event("READ", 10, "B", seal="SEAL-2"),
        "another container": msgspec.structs.replace(good_events[1], container_id="MWCU6059784"),
    }[how]
    events = (good_events[0], spoilt, *good_events[2:])
    gaps = journey_gaps(events, journey(), now=hour(61), is_trusted=is_signed)
    assert [(gap.kind, gap.place) for gap in gaps] == [("MISSED", "B")]


@pytest.mark.parametrize("kind", ["TAMPER", "FAULT", "GAP", "SHOCK", "UNSEALED"])
def test_an_event_that_is_no_reading_fills_no_point(kind, good_events, journey, hour, event):
    events = (good_events[0], event(kind, 10, "B"), *good_events[2:])
    assert kinds(journey_gaps(events, journey(), now=hour(61))) == ["MISSED"]


def test_a_reading_of_the_future_breaks_no_silence(good_events, journey, hour, event):
    events = (*good_events[:2], event("READ", 40, "C"))
    gaps = journey_gaps(events, journey(max_silence_s=24 * 3600), now=hour(35))
    assert kinds(gaps) == ["SILENCE"]


@pytest.mark.parametrize(("now", "n"), [(33, 0), (35, 1)])
def test_silence_since_the_last_reading(now, n, good_events, journey, hour):
    gaps = journey_gaps(good_events[:2], journey(max_silence_s=24 * 3600), now=hour(now))
    assert kinds(gaps) == ["SILENCE"] * n


def test_a_silence_between_readings_stays_and_ends_with_the_arrival(good_events, journey, hour):
    limited = journey(max_silence_s=15 * 3600)
    gaps = journey_gaps(good_events, limited, now=hour(1000))
    assert [(gap.kind, gap.place, gap.at) for gap in gaps] == [
        ("SILENCE", "B", str(utc_string(hour(10)))),
        ("SILENCE", "C", str(utc_string(hour(30)))),
    ]


def test_a_seal_never_heard_of_is_silent_since_the_departure(journey, hour):
    assert kinds(journey_gaps((), journey(max_silence_s=3600, points=()), now=hour(4))) == ["SILENCE"]
    assert journey_gaps((), journey(max_silence_s=3600, points=()), now=hour(2.5)) == ()


def test_taking_a_good_reading_away_never_leaves_less_open(good_events, journey, hour):
    whole = len(journey_gaps(good_events, journey(max_silence_s=21 * 3600), now=hour(61)))
    for i in range(len(good_events)):
        fewer = good_events[:i] + good_events[i + 1 :]
        assert len(journey_gaps(fewer, journey(max_silence_s=21 * 3600), now=hour(61))) >= whole


def test_a_time_without_a_zone_is_refused(journey, hour):
    with pytest.raises(ValueError, match="zone"):
        journey_gaps((), journey(), now=hour(1).replace(tzinfo=None))


def test_the_timeline_shows_every_point_with_its_status(good_events, journey, hour, event):
    events = (
        good_events[0],
        event("READ", 13, "B"),
        event("READ", 30, "C", signed=False),
        event("TAMPER", 31, "C"),
        event("READ", 40, "Z"),
    )
    found = custody_timeline(events, journey(), now=hour(45), is_trusted=is_signed)
    assert [(point.place, point.event, point.status) for point in found] == [
        ("A", "SEALED", "read"),
        ("B", "READ", "late"),
        ("C", "READ", "unsigned"),
        ("C", "TAMPER", "reported"),
        ("Z", "READ", "off route"),
        ("D", None, "pending"),
        ("E", None, "pending"),
    ]
    assert found[1].reader == "B gate"
    assert [point.place for point in found if point.is_required] == ["B", "D"]


def test_the_timeline_and_the_gaps_tell_the_same_of_the_points(good_events, journey, hour):
    for i in range(len(good_events)):
        events = good_events[:i] + good_events[i + 1 :]
        for now in (hour(11), hour(40), hour(61), hour(80)):
            gaps = journey_gaps(events, journey(), now=now)
            points = custody_timeline(events, journey(), now=now, is_trusted=is_signed)
            missed = {point.place for point in points if point.is_required and point.status == "missed"}
            assert missed == {gap.place for gap in gaps if gap.kind == "MISSED"}


def test_the_timeline_without_a_journey_is_the_events(good_events, hour, event):
    events = (*good_events, event("SHOCK", 70, None, signed=False))
    found = custody_timeline(events, None, now=hour(80), is_trusted=is_signed)
    assert [point.status for point in found] == ["read"] * 5 + ["reported"]
    assert found[-1].text == "not signed by a trusted gateway"

"""What holds of any journey and any events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from screening.clearance.transit import custody_timeline, journey_gaps
from screening.records import Journey, JourneyPoint, SealEvent, utc_string

START = datetime(2026, 3, 1, tzinfo=UTC)
NUMBERS, SEALS, PLACES = ("CSQU3054383", "MWCU6059784"), ("S1", "S2"), ("A", "B", "C", "D", "Z", None)
KINDS = ("SEALED", "READ", "ARRIVED", "TAMPER", "UNSEALED", "GAP", "SHOCK")

hours = st.integers(0, 60)
times = st.one_of(
    hours.map(lambda h: str(utc_string(START + timedelta(hours=h)))),
    st.sampled_from(["", "soon", "2026-03-01"]),
)
events = st.builds(
    SealEvent,
    container_id=st.sampled_from(NUMBERS),
    seal_id=st.sampled_from(SEALS),
    event=st.sampled_from(KINDS),
    at=times,
    place=st.sampled_from(PLACES),
    signature=st.sampled_from(["00", None]),
)
points = st.builds(
    JourneyPoint,
    place=st.sampled_from("ABCD"),
    is_required=st.booleans(),
    not_after=st.one_of(st.none(), times),
)
journeys = st.builds(
    Journey,
    container_id=st.just(NUMBERS[0]),
    seal_id=st.just(SEALS[0]),
    origin=st.just("A"),
    destination=st.just("D"),
    departs_at=times,
    arrives_before=times,
    administration=st.just("CA"),
    at=times,
    points=st.lists(points, max_size=4).map(tuple),
    max_silence_s=st.one_of(st.none(), st.integers(0, 20 * 3600)),
)
nows = hours.map(lambda h: START + timedelta(hours=h))


def is_signed(event):
    return event.signature is not None


def gaps(found, journey, now):
    return journey_gaps(found, journey, now=now, is_trusted=is_signed)


@settings(max_examples=120, deadline=None)
@given(st.lists(events, max_size=8), journeys, nows, st.randoms(use_true_random=False))
def test_a_set_of_events_has_one_answer(found, journey, now, random):
    shuffled = found + found[: len(found) // 2]
    random.shuffle(shuffled)
    assert gaps(shuffled, journey, now) == gaps(found, journey, now)
    assert custody_timeline(shuffled, journey, now=now, is_trusted=is_signed) == custody_timeline(
        found, journey, now=now, is_trusted=is_signed
    )


@settings(max_examples=120, deadline=None)
@given(st.lists(events, max_size=8), journeys, nows, events)
def test_what_nobody_signed_closes_no_gap(found, journey, now, another):
    unsigned = SealEvent(
        container_id=another.container_id,
        seal_id=another.seal_id,
        event=another.event,
        at=another.at,
        place=another.place,
    )
    before, after = gaps(found, journey, now), gaps([*found, unsigned], journey, now)
    assert set(before) <= set(after)


@settings(max_examples=120, deadline=None)
@given(st.lists(events, max_size=8), journeys, nows, events)
def test_what_is_of_another_seal_or_container_changes_nothing(found, journey, now, another):
    if (another.container_id, another.seal_id) != (NUMBERS[0], SEALS[0]):
        assert gaps([*found, another], journey, now) == gaps(found, journey, now)


@settings(max_examples=120, deadline=None)
@given(st.lists(events, max_size=8), journeys, nows)
def test_a_required_point_that_was_passed_is_read_or_is_a_gap(found, journey, now):
    """Nothing is lost between read and missed: once the journey is over no required point is open."""
    ended = [one for one in found if one.event != "ARRIVED"]
    late = max(now, START + timedelta(hours=61))
    said = {gap.place for gap in gaps(ended, journey, late) if gap.kind == "MISSED"}
    read = {
        point.place
        for point in custody_timeline(ended, journey, now=late, is_trusted=is_signed)
        if point.status in ("read", "late")
    }
    assert {point.place for point in journey.points if point.is_required} <= said | read


@settings(max_examples=100, deadline=None)
@given(st.lists(events, max_size=8), journeys, nows)
def test_every_event_stands_in_the_timeline_once(found, journey, now):
    shown = custody_timeline(found, journey, now=now, is_trusted=is_signed)
    assert sum(point.event is not None for point in shown) == len(set(found))

"""Custody on the way: which reading points of a journey were read, and what is missing.

A gap is not a breach: nobody knows what happened, so it is UNKNOWN. Both functions read a set of
events: order, repetition and lateness of arrival make no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from screening.records import Journey, JourneyPoint, SealEvent, utc_string

from .route import READINGS, Followed, Reading, fields_of, follow, time_of

__all__ = ["CustodyPoint", "JourneyGap", "custody_timeline", "journey_gaps", "longest_silence"]

_Status = Literal["read", "late", "missed", "pending", "unsigned", "off route", "reported"]


_NEVER = datetime.max.replace(tzinfo=UTC)
#: Longer than any journey, and short enough to be added to any time that is not taken for the future.
_LONGEST_SILENCE = timedelta(days=3660)


class JourneyGap(NamedTuple):
    """One thing about a journey that its readings leave open.

    Attributes
    ----------
    kind : {"MISSED", "LATE", "OUT_OF_ORDER", "SILENCE", "ROUTE_DEVIATION"}
        What it is.
    place : str or None
        Where.
    at : str or None
        When: of the reading, or when the silence began.
    text : str
        One line for a person.
    """

    kind: Literal["MISSED", "LATE", "OUT_OF_ORDER", "SILENCE", "ROUTE_DEVIATION"]
    place: str | None
    at: str | None
    text: str


class CustodyPoint(NamedTuple):
    """One line of a custody timeline.

    Attributes
    ----------
    place : str or None
        Where.
    at : str or None
        When it was read or reported; None if it was not.
    reader : str or None
        By which reader.
    event : str or None
        What was reported.
    status : {"read", "late", "missed", "pending", "unsigned", "off route", "reported"}
        "unsigned": read, but by no trusted gateway; "reported": not a reading (a tamper, a shock).
    is_required : bool
        Whether a missing reading here is a gap.
    text : str
        What else is to be said; empty for nothing.
    """

    place: str | None
    at: str | None
    reader: str | None
    event: str | None
    status: _Status
    is_required: bool = False
    text: str = ""


def journey_gaps(
    events: Sequence[SealEvent],
    journey: Journey | None,
    *,
    now: datetime,
    is_trusted: Callable[[SealEvent], bool] | None = None,
) -> tuple[JourneyGap, ...]:
    """Return what a journey's readings leave open.

    Parameters
    ----------
    events : sequence of SealEvent
        Events of the current seal epoch, in any order.
    journey : Journey or None
        The way the container was to take; None: nothing was laid down, so nothing is missing here.
    now : datetime
        The present, aware.
    is_trusted : callable or None
        Whether a trusted gateway signed an event; None if only such events are given. A reading that
        is not trusted fills no point, but one off the route counts: bad news counts from anybody.

    Returns
    -------
    tuple of JourneyGap
        In order of the route: required points passed without a reading or read too late, readings out
        of order; then readings off the route; then silences longer than the journey allows.

    Raises
    ------
    ValueError
        If `now` has no zone.
    """
    if now.tzinfo is None:
        raise ValueError(f"a time with a zone is needed, got {now!r}")
    if journey is None:
        return ()
    way = follow(events, journey, now=now, is_trusted=is_trusted)
    gaps: list[JourneyGap] = []
    for i, stop in enumerate(way.stops):
        status, reading = _status(way, i, journey, now)
        if status in ("missed", "unsigned") and stop.is_required and _is_over(way, i, journey, now):
            text = f"{stop.place}: no reading by a trusted gateway"
            gaps.append(JourneyGap("MISSED", stop.place, stop.not_after, text))
        if status == "late" and reading is not None:
            text = f"{stop.place}: read at {reading.event.at}, after {stop.not_after}"
            gaps.append(JourneyGap("LATE", stop.place, reading.event.at, text))
    window = time_of(journey.arrives_before)
    if way.arrived is not None and (window is None or way.arrived > window):
        text = f"{journey.destination}: arrived after {journey.arrives_before}"
        gaps.append(JourneyGap("LATE", journey.destination, utc_string(way.arrived), text))
    for reading in way.readings:
        place, at = reading.event.place, reading.event.at
        if reading.is_out_of_order:
            gaps.append(JourneyGap("OUT_OF_ORDER", place, at, f"{place}: read after a later point"))
        if reading.is_off_route:
            gaps.append(JourneyGap("ROUTE_DEVIATION", place, at, f"{place} is not on the route"))
    return (*gaps, *_silences(way, journey, now))


def custody_timeline(
    events: Sequence[SealEvent],
    journey: Journey | None,
    *,
    now: datetime,
    is_trusted: Callable[[SealEvent], bool],
) -> tuple[CustodyPoint, ...]:
    """Return the custody of a container on its way, line by line.

    Parameters
    ----------
    events : sequence of SealEvent
        Events of the container, in any order.
    journey : Journey or None
        The way it was to take; None: the events alone.
    now : datetime
        The present, aware.
    is_trusted : callable
        Whether a trusted gateway signed an event.

    Returns
    -------
    tuple of CustodyPoint
        In order of time; what was not read stands where the route has it.

    Raises
    ------
    ValueError
        If `now` has no zone.
    """
    if now.tzinfo is None:
        raise ValueError(f"a time with a zone is needed, got {now!r}")
    points: list[CustodyPoint] = []
    shown: set[SealEvent] = set()
    if journey is not None:
        way = follow(events, journey, now=now, is_trusted=is_trusted)
        for i, stop in enumerate(way.stops):
            status, reading = _status(way, i, journey, now)
            points.append(_point(stop, status, reading))
            if reading is not None:
                shown.add(reading.event)
        off_route = {one.event for one in way.readings if one.is_off_route}
        out_of_order = {one.event for one in way.readings if one.is_out_of_order}
    else:
        off_route, out_of_order = set(), set()
    for event in sorted(frozenset(events) - shown, key=_in_time):
        is_signed = is_trusted(event)
        word = _event_status(event, is_signed=is_signed, is_off_route=event in off_route)
        said = [] if is_signed or word == "unsigned" else ["not signed by a trusted gateway"]
        if event in out_of_order:
            said.append("out of order")
        if journey is not None and event.seal_id != journey.seal_id:
            said.append(f"seal {event.seal_id} is not the journey's")
        made = CustodyPoint(event.place, event.at, event.reader, event.event, word, text="; ".join(said))
        points.insert(_place_in(points, event), made)
    return tuple(points)


def longest_silence(journey: Journey) -> timedelta | None:
    """Return how long a seal may go without a reading.

    Parameters
    ----------
    journey : Journey
        The journey; the number of seconds it states may be any.

    Returns
    -------
    datetime.timedelta or None
        At most ten years; None if it is not bounded.
    """
    if journey.max_silence_s is None:
        return None
    return timedelta(seconds=min(journey.max_silence_s, int(_LONGEST_SILENCE.total_seconds())))


def _status(
    way: Followed, i: int, journey: Journey, now: datetime
) -> tuple[Literal["read", "late", "missed", "pending", "unsigned"], Reading | None]:
    """Return how one stop of the route stands, and the reading that says so."""
    stop = way.stops[i]
    there = [one for one in way.readings if one.stop == i]
    trusted = [one for one in there if one.is_trusted]
    not_after = time_of(stop.not_after)
    if trusted:
        # a limit that is no time was meant to bound something: it is not taken for kept
        has_limit = stop.not_after is not None
        is_late = has_limit and (not_after is None or trusted[0].t > not_after)
        return ("late" if is_late else "read"), trusted[0]
    if there:
        return "unsigned", there[0]
    return ("missed" if _is_over(way, i, journey, now) else "pending"), None


def _is_over(way: Followed, i: int, journey: Journey, now: datetime) -> bool:
    """Tell whether a stop without a reading can no longer get one in its turn."""
    not_after, window = time_of(way.stops[i].not_after), time_of(journey.arrives_before)
    if way.last_stop > i or way.arrived is not None:
        return True
    return (not_after is not None and now > not_after) or window is None or now > window


def _silences(way: Followed, journey: Journey, now: datetime) -> tuple[JourneyGap, ...]:
    longest = longest_silence(journey)
    if longest is None:
        return ()
    heard = [one for one in way.readings if one.is_trusted]
    times = [(one.t, one.event.place) for one in heard if way.arrived is None or one.t <= way.arrived]
    departs = time_of(journey.departs_at)
    if not times and departs is not None:
        times = [(departs, journey.origin)]
    ends = [*(t for t, _ in times[1:]), *([now] if way.arrived is None else [])]
    gaps = []
    for (begun, place), end in zip(times, ends, strict=False):
        if end - begun > longest:
            text = f"no reading for {_hours(end - begun)} after {place or 'an unnamed place'}"
            gaps.append(JourneyGap("SILENCE", place, utc_string(begun), text))
    return tuple(gaps)


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:.1f} h"


def _point(stop: JourneyPoint, status: _Status, reading: Reading | None) -> CustodyPoint:
    said = []
    if status == "late" or (reading is None and stop.not_after is not None):
        said.append(f"due by {stop.not_after}")
    if reading is not None and reading.is_out_of_order:
        said.append("out of order")
    event = None if reading is None else reading.event
    return CustodyPoint(
        place=stop.place,
        at=None if event is None else event.at,
        reader=None if event is None else event.reader,
        event=None if event is None else event.event,
        status=status,
        is_required=stop.is_required,
        text="; ".join(said),
    )


def _event_status(event: SealEvent, *, is_signed: bool, is_off_route: bool) -> _Status:
    if is_off_route:
        return "off route"
    if event.event not in READINGS:
        return "reported"
    return "read" if is_signed else "unsigned"


def _in_time(event: SealEvent) -> tuple[datetime, tuple[str, ...]]:
    return time_of(event.at) or _NEVER, fields_of(event)


def _place_in(points: Sequence[CustodyPoint], event: SealEvent) -> int:
    """Return where an event belongs among points that are in order but not all timed."""
    t = time_of(event.at)
    if t is None:
        return len(points)
    earlier = [i for i, point in enumerate(points) if (seen := time_of(point.at)) is not None and seen <= t]
    return max(earlier, default=-1) + 1

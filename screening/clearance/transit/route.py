"""A journey's route and the readings of its seal, laid along each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from screening.records import Journey, JourneyPoint, SealEvent

__all__ = ["FUTURE", "READINGS", "Followed", "Reading", "fields_of", "follow", "route_of", "time_of"]

#: Events that say a seal was there and answered.
READINGS = ("SEALED", "READ", "ARRIVED")

#: A reading further ahead of the clock than this proves nothing yet.
FUTURE = timedelta(minutes=5)


class Reading(NamedTuple):
    """One reading of the journey's seal, on its route.

    Attributes
    ----------
    t : datetime
        When, aware.
    event : SealEvent
        The event.
    is_trusted : bool
        Whether a trusted gateway signed it.
    stop : int or None
        Which stop of the route it is of; None: no place was given, or none on the route.
    is_off_route : bool
        Its place is not on the route, and the journey had begun.
    is_out_of_order : bool
        A later stop had been read already.
    """

    t: datetime
    event: SealEvent
    is_trusted: bool
    stop: int | None = None
    is_off_route: bool = False
    is_out_of_order: bool = False


class Followed(NamedTuple):
    """A journey with its readings.

    Attributes
    ----------
    stops : tuple of JourneyPoint
        Origin, reading points, destination; an end that is itself a point stands once.
    readings : tuple of Reading
        In order of time.
    last_stop : int
        The furthest stop with a trusted reading; -1 without one.
    arrived : datetime or None
        The first trusted arrival at the destination, or without a place.
    """

    stops: tuple[JourneyPoint, ...]
    readings: tuple[Reading, ...]
    last_stop: int
    arrived: datetime | None


def time_of(text: str | None) -> datetime | None:
    """Return the time of an RFC 3339 string.

    Parameters
    ----------
    text : str or None
        The string.

    Returns
    -------
    datetime or None
        Aware, UTC; None if it is none, or has no zone.
    """
    if text is None:
        return None
    try:
        t = datetime.fromisoformat(text)
        return None if t.tzinfo is None else t.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def fields_of(event: SealEvent) -> tuple[str, ...]:
    """Return every field of an event, to put events of the same time into one order on every machine.

    Parameters
    ----------
    event : SealEvent
        The event.

    Returns
    -------
    tuple of str
        Its fields; what it does not say is empty.
    """
    return tuple(value or "" for value in msgspec.structs.astuple(event))


def route_of(journey: Journey) -> tuple[JourneyPoint, ...]:
    """Return every stop of a journey, ends included.

    Parameters
    ----------
    journey : Journey
        The journey.

    Returns
    -------
    tuple of JourneyPoint
        The ends are not required as reading points: departure and arrival have rules of their own.
    """
    points = journey.points
    begins = bool(points) and points[0].place == journey.origin
    ends = bool(points) and points[-1].place == journey.destination
    first = () if begins else (JourneyPoint(place=journey.origin, is_required=False),)
    last = () if ends else (JourneyPoint(place=journey.destination, is_required=False),)
    return (*first, *points, *last)


def follow(
    events: Iterable[SealEvent],
    journey: Journey,
    *,
    now: datetime,
    is_trusted: Callable[[SealEvent], bool] | None,
) -> Followed:
    """Return the readings of a journey's seal, each at its stop of the route.

    Parameters
    ----------
    events : iterable of SealEvent
        In any order, and any number of times; those of other containers and seals are passed over.
    journey : Journey
        The journey.
    now : datetime
        The present, aware; what claims to be of the future is passed over.
    is_trusted : callable or None
        Whether a trusted gateway signed an event; None if all of them are.

    Returns
    -------
    Followed
        The journey with its readings.
    """
    stops = route_of(journey)
    departs = time_of(journey.departs_at)
    timed = []
    for event in frozenset(events):
        t = time_of(event.at)
        is_of_it = event.container_id == journey.container_id and event.seal_id == journey.seal_id
        if event.event in READINGS and is_of_it and t is not None and t <= now + FUTURE:
            timed.append((t, event))
    sealed_at = max(
        (
            t
            for t, event in timed
            if event.event == "SEALED" and _counts(event, is_trusted) and _by(t, departs)
        ),
        default=None,
    )
    if sealed_at is not None:  # what was read before the sealing is of another journey of that seal
        timed = [(t, event) for t, event in timed if t >= sealed_at]
    timed.sort(
        key=lambda one: (
            one[0],
            _first_stop(stops, one[1].place),
            READINGS.index(one[1].event),
            fields_of(one[1]),
        )
    )
    readings: list[Reading] = []
    at, arrived = -1, None
    for t, event in timed:
        trusted = _counts(event, is_trusted)
        stop, is_out_of_order = _stop(stops, event.place, at)
        has_begun = at > 0 or departs is None or t >= departs
        is_off_route = event.place is not None and stop is None and has_begun
        readings.append(Reading(t, event, trusted, stop, is_off_route, is_out_of_order and trusted))
        if not trusted:
            continue
        at = max(at, -1 if stop is None else stop)
        is_there = event.place is None or event.place == journey.destination
        if event.event == "ARRIVED" and is_there and arrived is None:
            arrived = t
            at = len(stops) - 1
    return Followed(stops, tuple(readings), at, arrived)


def _counts(event: SealEvent, is_trusted: Callable[[SealEvent], bool] | None) -> bool:
    return is_trusted is None or is_trusted(event)


def _by(t: datetime, limit: datetime | None) -> bool:
    return limit is not None and t <= limit


def _stop(stops: Sequence[JourneyPoint], place: str | None, at: int) -> tuple[int | None, bool]:
    """Return the stop a reading is of, and whether it lies behind one that was read already."""
    found = [i for i, stop in enumerate(stops) if stop.place == place]
    if not found:
        return None, False
    ahead = [i for i in found if i >= at]
    return (ahead[0], False) if ahead else (found[-1], True)


def _first_stop(stops: Sequence[JourneyPoint], place: str | None) -> int:
    return next((i for i, stop in enumerate(stops) if stop.place == place), len(stops))

"""One row for each trip of a seal, and one for each reading that was due, from the records of a ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from screening.clearance.transit import custody_timeline, journey_gaps
from screening.clearance.transit.custody import latest_journey
from screening.clearance.transit.route import time_of
from screening.records import Journey, Sealed, SealEvent

__all__ = ["PointRead", "SealTruth", "Trip", "seal_trips"]

#: Model of a seal that nobody told.
NOT_TOLD = "not told"


class SealTruth(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a seal besides what it reported: its model, and whether somebody opened it.

    Attributes
    ----------
    container_id, seal : str
        Which seal on which container.
    model, route, temperature : str
        The device's model, and strata.
    opening_kind : str
        How it was opened; "none": it was not; "": not known.
    opened_at : datetime or None
        When; None where it was not opened.
    """

    container_id: str
    seal: str
    model: str = NOT_TOLD
    route: str = ""
    temperature: str = ""
    opening_kind: str = ""
    opened_at: datetime | None = None


class Trip(msgspec.Struct, frozen=True, kw_only=True):
    """One trip of one seal.

    Attributes
    ----------
    trip : str
        Container, seal and time of sealing.
    seal, model, route, temperature : str
        The device, and strata.
    departed_at, arrived_at : datetime
        When it was sealed, and when its watch ended: on arrival, when it was taken off, or at its last
        event once the window of its journey is over.
    opening_kind : str
        How it was opened; "none": it was not; "": not known.
    opened_at : datetime or None
        When.
    reports : tuple of datetime
        Reports of a broken seal or of tampering while it was watched.
    has_gap, has_low_battery, has_fault : bool
        Reported, or left open by its readings.
    """

    trip: str
    seal: str
    model: str
    route: str
    temperature: str
    departed_at: datetime
    arrived_at: datetime
    opening_kind: str
    opened_at: datetime | None
    reports: tuple[datetime, ...]
    has_gap: bool
    has_low_battery: bool
    has_fault: bool


class PointRead(msgspec.Struct, frozen=True, kw_only=True):
    """One reading that was due.

    Attributes
    ----------
    trip, seal, point : str
        Which trip, which seal, where.
    read_at : datetime or None
        When it was read; None: it was not.
    """

    trip: str
    seal: str
    point: str
    read_at: datetime | None = None


class _Timed(NamedTuple):
    t: datetime
    event: SealEvent


def seal_trips(
    records: Iterable[Sealed],
    *,
    now: datetime,
    truths: Mapping[tuple[str, str], SealTruth] | None = None,
) -> tuple[tuple[Trip, ...], tuple[PointRead, ...]]:
    """Return the trips of seals that have ended, and the readings that were due on them.

    Parameters
    ----------
    records : iterable of Sealed
        Those of a ledger, in any order.
    now : datetime
        When the record was closed, aware.
    truths : mapping of (str, str) to SealTruth, optional
        By container and seal. Without it nobody knows whether a seal was opened, and no opening and no
        false tamper is counted.

    Returns
    -------
    tuple of (tuple of Trip, tuple of PointRead)
        A trip begins with a sealing. One that is under way is in neither.
    """
    events: dict[tuple[str, str], list[_Timed]] = {}
    journeys: dict[tuple[str, str], list[Journey]] = {}
    for record in {one for one in records if isinstance(one, SealEvent | Journey)}:
        if isinstance(record, SealEvent) and (t := time_of(record.at)) is not None and t <= now:
            events.setdefault((record.container_id, record.seal_id), []).append(_Timed(t, record))
        elif isinstance(record, Journey):
            journeys.setdefault((record.container_id, record.seal_id), []).append(record)
    trips: list[Trip] = []
    reads: list[PointRead] = []
    for key in sorted(events):
        truth = (truths or {}).get(key) or SealTruth(container_id=key[0], seal=key[1])
        timed = sorted(events[key], key=lambda one: (one.t, one.event.event != "SEALED", one.event.event))
        for part in _parts(timed):
            journey = _journey_of(part, journeys.get(key, ()))
            made = _trip(part, journey, truth, now)
            if made is not None:
                trips.append(made)
                reads += _reads(made, part, journey, now)
    return tuple(trips), tuple(reads)


def _parts(timed: list[_Timed]) -> list[list[_Timed]]:
    """Cut the events of a seal at each sealing; what came before the first is of no trip."""
    parts: list[list[_Timed]] = []
    for one in timed:
        if one.event.event == "SEALED":
            parts.append([])
        if parts:
            parts[-1].append(one)
    return parts


def _journey_of(part: list[_Timed], journeys: Iterable[Journey]) -> Journey | None:
    """Return the journey whose window the sealing lies before: of several, that which departs first."""
    sealed_at = part[0].t
    timed = [
        (departs, one)
        for one in journeys
        if (departs := time_of(one.departs_at)) is not None and departs >= sealed_at
    ]
    if not timed:
        return None
    first = min(departs for departs, _ in timed)
    return latest_journey(one for departs, one in timed if departs == first)


def _trip(part: list[_Timed], journey: Journey | None, truth: SealTruth, now: datetime) -> Trip | None:
    begun = part[0].t
    ended = next((one.t for one in part if one.event.event in ("ARRIVED", "UNSEALED")), None)
    if ended is None:
        window = None if journey is None else time_of(journey.arrives_before)
        if window is None or window > now:
            return None
        ended = max(part[-1].t, truth.opened_at or begun)
    if truth.opened_at is not None and not begun <= truth.opened_at <= ended:  # on another of its trips
        truth = msgspec.structs.replace(truth, opening_kind="", opened_at=None)
    watched = [one for one in part if one.t <= ended]
    kinds = {one.event.event for one in watched}
    gaps = journey_gaps([one.event for one in part], journey, now=now)
    return Trip(
        trip=f"{truth.container_id} {truth.seal} {begun.isoformat().replace('+00:00', 'Z')}",
        seal=truth.seal,
        model=truth.model,
        route=truth.route,
        temperature=truth.temperature,
        departed_at=begun,
        arrived_at=ended,
        opening_kind=truth.opening_kind,
        opened_at=truth.opened_at,
        reports=tuple(one.t for one in watched if one.event.event in ("BROKEN", "TAMPER")),
        has_gap=bool(gaps) or "GAP" in kinds,
        has_low_battery="LOW_BATTERY" in kinds,
        has_fault="FAULT" in kinds,
    )


def _reads(trip: Trip, part: list[_Timed], journey: Journey | None, now: datetime) -> list[PointRead]:
    if journey is None:
        return []
    points = custody_timeline(
        [one.event for one in part], journey, now=now, is_trusted=lambda event: event.signature is not None
    )
    wanted = {point.place for point in journey.points}
    found: dict[str, PointRead] = {}
    for point in points:
        if point.place not in wanted or point.status not in ("read", "late", "missed", "unsigned"):
            continue
        read_at = time_of(point.at) if point.status in ("read", "late") else None
        found.setdefault(
            point.place, PointRead(trip=trip.trip, seal=trip.seal, point=point.place, read_at=read_at)
        )
    return list(found.values())

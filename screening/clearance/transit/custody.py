"""The custody of one container, from the records that a desk keeps of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from screening.records import EVIDENCE, Journey, SealEvent, parse_strict

from .route import time_of
from .timeline import CustodyPoint, JourneyGap, custody_timeline, journey_gaps

__all__ = ["CustodyReport", "custody_of", "latest_journey"]

_BREACHES = ("BROKEN", "TAMPER")


class CustodyReport(NamedTuple):
    """Custody of a container.

    Attributes
    ----------
    journey : Journey or None
        The way it was to take; None: nobody laid one down.
    points : tuple of CustodyPoint
        Line by line.
    gaps : tuple of JourneyGap
        What the readings leave open.
    breaches : tuple of SealEvent
        Reports of a broken seal or of tampering.
    """

    journey: Journey | None
    points: tuple[CustodyPoint, ...]
    gaps: tuple[JourneyGap, ...]
    breaches: tuple[SealEvent, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the report for JSON.

        Returns
        -------
        dict
            Journey, points, gaps, breaches.
        """
        return {
            "journey": msgspec.to_builtins(self.journey),
            "points": [point._asdict() for point in self.points],
            "gaps": [gap._asdict() for gap in self.gaps],
            "breaches": [msgspec.to_builtins(event) for event in self.breaches],
        }

    def lines(self) -> tuple[str, ...]:
        """Return the report for a person.

        Returns
        -------
        tuple of str
            Line by line.
        """
        way = self.journey
        head = (
            "no journey was laid down: the events alone"
            if way is None
            else f"{way.container_id}, seal {way.seal_id}: {way.origin} to {way.destination}"
        )
        rows = [
            f"{point.at or '':<24}  {point.place or '':<20}  {point.event or '':<16}"
            f"{point.status:<10}{point.text}".rstrip()
            for point in self.points
        ]
        said = [f"BREACH  {event.event} at {event.place or 'an unnamed place'}" for event in self.breaches]
        said += [f"GAP  {gap.kind}: {gap.text}" for gap in self.gaps]
        return (head, *rows, *(said or ["no gap"]))


def latest_journey(journeys: Iterable[Journey]) -> Journey | None:
    """Return the journey that holds: the one that was set last.

    Parameters
    ----------
    journeys : iterable of Journey
        All that were set for one container.

    Returns
    -------
    Journey or None
        None without any.
    """
    timed = [(t, one) for one in journeys if (t := time_of(one.at)) is not None]
    return max(timed, key=lambda pair: (pair[0], pair[1].signature or ""), default=(None, None))[1]


def custody_of(bodies: Iterable[bytes], *, now: datetime) -> CustodyReport:
    """Return the custody that a desk's records of one container tell.

    Parameters
    ----------
    bodies : iterable of bytes
        The records; the desk verified each when it took it, so that a signature means a trusted gateway.
    now : datetime
        The present, aware.

    Returns
    -------
    CustodyReport
        Its journey, points and gaps.

    Raises
    ------
    IntegrityError
        If a record cannot be read.
    """
    events: list[SealEvent] = []
    journeys: list[Journey] = []
    for body in bodies:
        kind = EVIDENCE.get(msgspec.json.decode(body, type=_Kind).schema)
        if kind is SealEvent:
            events.append(parse_strict(body, SealEvent))
        elif kind is Journey:
            journeys.append(parse_strict(body, Journey))
    journey = latest_journey(journeys)
    return CustodyReport(
        journey,
        custody_timeline(events, journey, now=now, is_trusted=_is_sealed),
        journey_gaps(events, journey, now=now, is_trusted=_is_sealed),
        tuple(event for event in events if event.event in _BREACHES),
    )


class _Kind(msgspec.Struct):
    schema: str


def _is_sealed(event: SealEvent) -> bool:
    return event.signature is not None

"""From the set of a container's records to its case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec

from screening.clearance.seals import parse_time
from screening.clearance.transit import journey_gaps
from screening.clearance.weighing import ILLICIT_CODES
from screening.records import (
    Adjudication,
    AdvanceData,
    Case,
    Conclusion,
    Crossing,
    Destuffing,
    Evidence,
    Goods,
    Journey,
    Level,
    Remeasurement,
    SealEvent,
    SecondaryInspection,
    Targeting,
    TargetingAssessment,
)

from .contents import examinations_of, open_up
from .epochs import Epoch, divide_epochs
from .held import Held, hold
from .scans import sort_scans

__all__ = ["join_case"]

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def join_case(
    container_id: str,
    records: Iterable[Evidence],
    *,
    now: datetime,
    stage: Literal["DEPARTURE", "ARRIVAL"],
    is_trusted: Callable[[Evidence], bool],
    doubtful_scans: Iterable[Evidence] = (),
    intel_at: datetime | None = None,
    hash_of: Callable[[Evidence], str] | None = None,
) -> Case:
    """Return the case that a container's records make.

    It is a function of the set of records: their order, repetition and lateness make no difference.
    Where two state the same time, their hashes decide which is the later.

    Parameters
    ----------
    container_id : str
        ISO 6346 number, compact.
    records : iterable of Evidence
        Everything held of it; what speaks of another container is passed over, but for flags, which
        are in doubt then.
    now : datetime
        The present, aware.
    stage : {"DEPARTURE", "ARRIVAL"}
        Where the case is decided; it says what silence about movement means.
    is_trusted : callable
        Whether a record is sealed by a trusted key. Good news counts only then; bad news always.
    doubtful_scans : iterable of Evidence
        Flags of scans that are kept apart and may be of this container, with the rulings on them.
    intel_at : datetime or None
        When new intelligence on the container came in, aware.
    hash_of : callable or None
        The sha256 of a record's sealed bytes, for a caller that knows it; None: computed here.

    Returns
    -------
    Case
        The case of the current seal epoch.
    """
    held = hold(container_id, records, doubtful_scans, is_trusted, hash_of)
    scans = sort_scans(container_id, held)
    journeys = _journeys(held)
    events = held.of(SealEvent)
    epoch = divide_epochs(
        events,
        crossings=held.of(Crossing),
        examinations=examinations_of(held, scans, now),
        silent_journeys=[
            journey for journey in journeys if journey_gaps(events, journey, now=now, is_trusted=held.vouches)
        ],
        now=now,
        stage=stage,
        is_trusted=held.vouches,
    )
    found = open_up(held, scans, now, _later(epoch.low_counts_after, intel_at))
    return Case(
        container_id=container_id,
        flags=scans.own,
        targeting=_targeting(held),
        seal_events=epoch.events,
        adjudications=_adjudications(held),
        destuff=found.destuff,
        remeasured=found.remeasured,
        has_moved=epoch.has_moved,
        epoch_started_at=_exact(epoch.started_at),
        low_counts_after=_exact(epoch.low_counts_after),
        intel_at=_exact(intel_at),
        journey=_journey(journeys, epoch, held, now),
        crossings=held.of(Crossing, trusted_only=True),
        secondaries=held.of(SecondaryInspection, trusted_only=True),
        secondary_flags=scans.secondary,
        destuffings=held.of(Destuffing),
        remeasurements=held.of(Remeasurement),
        doubtful_scans=scans.doubtful,
        rulings=scans.rulings,
        advance=held.of(AdvanceData, trusted_only=True),
        goods=_goods(held),
    )


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((t for t in (one, other) if t is not None), default=None)


def _exact(t: datetime | None) -> str | None:
    """Return a time to the microsecond: rounded down it would let a LOW from before the trouble count."""
    return None if t is None else t.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _targeting(held: Held) -> tuple[Targeting, ...]:
    """Return what administrations made of the advance data, and what is said of them at second hand.

    A level at second hand, or one that no trusted key sealed, never takes the place of an
    administration's own: it stands beside it under a name of its own, and only if it is not LOW where
    nobody vouches for it. Nor does what another key sealed in an administration's name.
    """
    stated: list[tuple[str, Targeting]] = []
    doubted: dict[str, Targeting] = {}
    said: list[tuple[Evidence, list[Targeting]]] = [
        *((one, [one.targeting]) for one in held.of(TargetingAssessment)),
        *((data, _declared_risks(data)) for data in held.of(AdvanceData)),
    ]
    for record, levels in said:
        if held.vouches(record):
            stated.extend((record.key_id or "", one) for one in levels)
            continue
        for one in levels:
            name = f"{one.administration}, unverified"
            known = doubted.get(name)
            if one.level is not Level.LOW and (known is None or one.level.rank > known.level.rank):
                doubted[name] = msgspec.structs.replace(one, administration=name)
    keys: dict[str, set[str]] = {}
    for key_id, one in stated:
        keys.setdefault(one.administration, set()).add(key_id)
    named = (
        one
        if len(keys[one.administration]) == 1
        else msgspec.structs.replace(one, administration=f"{one.administration}, under {key_id}")
        for key_id, one in stated
    )
    return (*named, *doubted.values())


def _declared_risks(data: AdvanceData) -> list[Targeting]:
    return [
        Targeting(
            container_id=data.container_id,
            level=risk.level,
            administration=risk.administration
            if risk.administration == data.administration
            else f"{risk.administration}, as stated by {data.administration}",
            source=risk.source,
            at=risk.at,
        )
        for risk in data.risks
    ]


def _adjudications(held: Held) -> tuple[Adjudication, ...]:
    return tuple(
        one.adjudication
        for one in held.of(Conclusion)
        if held.vouches(one) or one.adjudication.code in ILLICIT_CODES
    )


def _goods(held: Held) -> tuple[Goods, ...]:
    latest = {data.administration: data for data in held.of(AdvanceData, trusted_only=True)}
    return tuple(goods for name in sorted(latest) for goods in latest[name].goods)


def _journeys(held: Held) -> tuple[Journey, ...]:
    """Return the journeys in force: for each seal and whoever set it, the one set last before departure.

    One that is set when the box was to have left, or by somebody else, takes no other's place: both hold.
    """
    found: dict[tuple[str, str | None], list[Journey]] = {}
    for journey in held.of(Journey, trusted_only=True):
        former = found.setdefault((journey.seal_id, journey.key_id), [])
        set_at = parse_time(journey.at)
        departs = parse_time(former[-1].departs_at) if former else None
        if set_at is not None and departs is not None and set_at <= departs:
            former.pop()
        former.append(journey)
    return tuple(journey for several in found.values() for journey in several)


def _journey(journeys: Sequence[Journey], epoch: Epoch, held: Held, now: datetime) -> Journey | None:
    """Return the journey under the current seal; one under another seal that is as young holds too.

    A box that was sealed anew before it left still has to be read on its way. Of several, the one that
    its readings leave something open of, else the one whose window ends first.
    """
    sealed = [event.seal_id for event in epoch.events if event.event == "SEALED"]
    begun = epoch.started_at
    under_it = [journey for journey in journeys if sealed and journey.seal_id == sealed[-1]]
    young = under_it or [
        journey
        for journey in journeys
        if begun is None or ((at := parse_time(journey.at)) is not None and at >= begun)
    ]

    def first(journey: Journey) -> tuple[bool, datetime, str]:
        gaps = journey_gaps(epoch.events, journey, now=now, is_trusted=held.vouches)
        ends = parse_time(journey.arrives_before)
        return not gaps, ends or _LONG_AGO, journey.signature or ""

    return min(young, key=first, default=None)

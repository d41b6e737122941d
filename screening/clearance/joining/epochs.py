"""Seal epochs: since when a container counts as sealed, and from when on a LOW counts.

A new seal does not make good what happened before it. It opens a new epoch only if the container was
examined between the last trouble and the sealing; after a breach, opened by two officers and found
clean. Everything here reads sets of records by the times they state, so that it makes no difference
when they came in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from screening.clearance.seals import parse_time
from screening.records import Crossing, Journey, SealEvent

__all__ = ["FUTURE", "Epoch", "Examination", "divide_epochs", "is_movement"]

#: A statement further ahead of the clock than this proves nothing yet.
FUTURE = timedelta(minutes=5)

_BREACHES = ("BROKEN", "TAMPER")
_GAPS = ("GAP", "ROUTE_DEVIATION")
_READINGS = ("SEALED", "READ", "ARRIVED")
_END = datetime.max.replace(tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)
#: A portal at the gate may see a box before its entry is recorded.
_AT_THE_GATE = timedelta(minutes=15)


class Examination(NamedTuple):
    """An examination that found nothing.

    Attributes
    ----------
    at : datetime
        When it ended, aware.
    place : str or None
        Where.
    is_opening_by_two : bool
        The container was opened, and two officers signed: after a breach nothing less will do.
    """

    at: datetime
    place: str | None
    is_opening_by_two: bool


class Epoch(NamedTuple):
    """The current seal epoch.

    Attributes
    ----------
    started_at : datetime or None
        When the seal that opened it was put on; None in the first epoch.
    low_counts_after : datetime or None
        The last trouble that a later seal followed: LOW from before it counts no more.
    events : tuple of SealEvent
        Events of the epoch, in order of time; those without a time come first.
    has_moved : bool or None
        Whether the container moved since it was sealed; None: nobody knows.
    """

    started_at: datetime | None
    low_counts_after: datetime | None
    events: tuple[SealEvent, ...]
    has_moved: bool | None


class _Sign(NamedTuple):
    """Something that stands between an examination and a sealing; no time: it stands always."""

    at: datetime
    kind: Literal["BREACH", "GAP", "OPENING", "MOVEMENT"]


class _Sealing(NamedTuple):
    at: datetime
    place: str | None
    former_places: frozenset[str]

    @property
    def is_elsewhere(self) -> bool:
        """The box was sealed at another place than the time before: it moved, nobody knows when."""
        return self.place is not None and bool(self.former_places - {self.place})


def divide_epochs(
    events: Sequence[SealEvent],
    *,
    crossings: Iterable[Crossing],
    examinations: Sequence[Examination],
    silent_journeys: Iterable[Journey],
    now: datetime,
    stage: Literal["DEPARTURE", "ARRIVAL"],
    is_trusted: Callable[[SealEvent], bool],
) -> Epoch:
    """Return the current seal epoch.

    Parameters
    ----------
    events : sequence of SealEvent
        Every event of the container, in order of time and hash.
    crossings : iterable of Crossing
        Every crossing of it.
    examinations : sequence of Examination
        Examinations that found nothing.
    silent_journeys : iterable of Journey
        Journeys whose readings leave something open.
    now : datetime
        The present, aware.
    stage : {"DEPARTURE", "ARRIVAL"}
        What silence about movement means: at a departure that the box stands where it was sealed.
    is_trusted : callable
        Whether a trusted gateway signed an event.

    Returns
    -------
    Epoch
        The epoch.
    """
    sealings = _sealings(events, now, is_trusted)
    crossed = tuple(crossings)
    signs = [*_signs(events, sealings), *_crossed(crossed), *_left_open(silent_journeys, events)]
    opening = next((sealing for sealing in reversed(sealings) if _opens(sealing, signs, examinations)), None)
    begun = None if opening is None else opening.at
    return Epoch(
        started_at=begun,
        low_counts_after=_last_trouble(sealings, signs, examinations, crossed),
        events=tuple(event for event in events if _is_in(event, begun)),
        has_moved=_has_moved(events, signs, begun, stage),
    )


def is_movement(crossing: Crossing) -> bool:
    """Tell whether a crossing means that the container moved away from where it was sealed.

    Parameters
    ----------
    crossing : Crossing
        The crossing.

    Returns
    -------
    bool
        False for the entry, at which it has not been examined yet.
    """
    return crossing.point != "ENTRY"


def _sealings(
    events: Iterable[SealEvent], now: datetime, is_trusted: Callable[[SealEvent], bool]
) -> list[_Sealing]:
    """Return the sealings that count, each with where the box was sealed before, by anybody's word."""
    found: list[_Sealing] = []
    trusted_place: str | None = None
    stated_place: str | None = None
    for event in events:
        at = parse_time(event.at)
        if event.event != "SEALED" or at is None or at - now > FUTURE:
            continue
        if is_trusted(event):
            former = frozenset(place for place in (trusted_place, stated_place) if place is not None)
            found.append(_Sealing(at, event.place, former))
            trusted_place = event.place or trusted_place
        stated_place = event.place or stated_place
    return found


def _signs(events: Iterable[SealEvent], sealings: Sequence[_Sealing]) -> Iterable[_Sign]:
    """Yield what stands between an examination and a sealing.

    Where the box was sealed, and seen since, is taken from anybody: that it moved is no good news.
    """
    stated_place: str | None = None
    seen_place: str | None = None
    for event in events:
        at = parse_time(event.at) or _END
        if event.event in _BREACHES:
            yield _Sign(at, "BREACH")
        elif event.event in _GAPS:
            yield _Sign(at, "GAP")
        elif event.event == "UNSEALED":
            yield _Sign(at, "OPENING")
        place = next(
            (one.place for one in reversed(sealings) if one.at <= at and one.place is not None), None
        )
        known = {place, stated_place, seen_place} - {None}
        is_away = event.place is not None and bool(known - {event.place})
        if event.event == "SEALED":
            stated_place, seen_place = event.place or stated_place, None
        else:
            seen_place = event.place or seen_place
        if event.event == "ARRIVED" or (is_away and event.event != "SEALED"):
            yield _Sign(at, "MOVEMENT")


def _crossed(crossings: Iterable[Crossing]) -> Iterable[_Sign]:
    return (_Sign(parse_time(one.at) or _END, "MOVEMENT") for one in crossings if is_movement(one))


def _left_open(journeys: Iterable[Journey], events: Sequence[SealEvent]) -> Iterable[_Sign]:
    """Yield a gap for each journey, at the last reading of its seal: it lies before that, or begins there."""
    for journey in journeys:
        read = [
            at
            for event in events
            if event.event in _READINGS and event.seal_id == journey.seal_id
            if (at := parse_time(event.at)) is not None
        ]
        yield _Sign(max(read, default=parse_time(journey.departs_at) or _END), "GAP")


def _opens(sealing: _Sealing, signs: Iterable[_Sign], examinations: Sequence[Examination]) -> bool:
    """Tell whether a sealing opens an epoch: the box was examined after all that stands before it."""
    before = [sign for sign in signs if sign.at <= sealing.at or sign.at == _END]
    if not _examined(sealing, examinations, max((sign.at for sign in before), default=None)):
        return False
    breaches = [sign.at for sign in before if sign.kind == "BREACH"]
    by_two = [one for one in examinations if one.is_opening_by_two]
    return not breaches or bool(_examined(sealing, by_two, max(breaches)))


def _examined(
    sealing: _Sealing, examinations: Sequence[Examination], after: datetime | None
) -> list[Examination]:
    """Return the examinations between a time and a sealing, made where the seal was put on."""
    return [
        one
        for one in examinations
        if one.at < sealing.at
        and (after is None or one.at > after)
        and (not sealing.is_elsewhere or one.place == sealing.place)
    ]


def _last_trouble(
    sealings: Sequence[_Sealing],
    signs: Sequence[_Sign],
    examinations: Sequence[Examination],
    crossings: Sequence[Crossing],
) -> datetime | None:
    """Return the last trouble that a seal followed.

    An entry between two sealings is one: the box had been away.

    It depends on no epoch: one more gap can close an epoch again, and what was LOW before the trouble
    must not come back with it.
    """
    if not sealings:
        return None
    last = sealings[-1].at
    found = [sign.at for sign in signs if sign.kind in ("BREACH", "GAP") and sign.at <= last]
    for former, sealing in zip((None, *sealings), sealings, strict=False):
        since = [
            sign
            for sign in signs
            if sign.at <= sealing.at and (former is None or sign.at > former.at) and sign.kind != "BREACH"
        ]
        # Moved, and sealed again: it stood open somewhere on the way.
        if any(sign.kind == "MOVEMENT" for sign in since):
            found.append(max(sign.at for sign in since))
        if former is not None:
            entered = [
                t for one in crossings if one.point == "ENTRY" and (t := parse_time(one.at)) is not None
            ]
            away = [t for t in entered if former.at < t <= sealing.at]
            found += [max(former.at, max(away) - _AT_THE_GATE)] if away else []
        if sealing.is_elsewhere:
            there = [
                one.at for one in _examined(sealing, examinations, None if former is None else former.at)
            ]
            found.append(max(there) - _INSTANT if there else sealing.at)
    return max(found, default=None)


def _is_in(event: SealEvent, begun: datetime | None) -> bool:
    at = parse_time(event.at)
    return begun is None or at is None or at >= begun


def _has_moved(
    events: Iterable[SealEvent],
    signs: Iterable[_Sign],
    begun: datetime | None,
    stage: Literal["DEPARTURE", "ARRIVAL"],
) -> bool | None:
    sealed = [at for event in events if event.event == "SEALED" and (at := parse_time(event.at)) is not None]
    since = begun or min(sealed, default=None)
    if any(sign.kind == "MOVEMENT" and (since is None or sign.at >= since) for sign in signs):
        return True
    return False if stage == "DEPARTURE" else None

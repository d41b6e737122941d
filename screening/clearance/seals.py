"""What the events of a seal say together: its state now, and what happened on the way.

Seals are detectors: they miss and they fail. Bad news counts from anybody; good news counts only
when a trusted gateway signed it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from screening.records import (
    Action,
    Case,
    ClearanceDecision,
    CustodyEvent,
    ReasonCode,
    SealEvent,
    SealState,
)

from .transit import journey_gaps

__all__ = ["SealReport", "parse_time", "read_seal"]

_SealValue = Literal["VERIFIED", "UNVERIFIED", "FAULT", "BROKEN"] | None
_Transit = Literal["NOT_MOVED", "INTACT", "GAP", "TAMPER"] | None
_BREACHES = ("BROKEN", "TAMPER")
_READINGS = ("SEALED", "READ", "ARRIVED")
#: ROUTE_DEVIATION was seen by a reader where the box should not be: nobody had it in view on the way.
_GAPS = ("GAP", "ROUTE_DEVIATION")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class SealReport(NamedTuple):
    """What the events say.

    Attributes
    ----------
    seal : {"VERIFIED", "UNVERIFIED", "FAULT", "BROKEN"} or None
        State of the current seal; None without one.
    transit : {"NOT_MOVED", "INTACT", "GAP", "TAMPER"} or None
        What happened on the way; None without a valid arrival record.
    codes : tuple of ReasonCode
        Why it is not better.
    record : SealState
        As a decision carries it.
    """

    seal: _SealValue
    transit: _Transit
    codes: tuple[ReasonCode, ...]
    record: SealState


def parse_time(text: str | None) -> datetime | None:
    """Return the time of an RFC 3339 string.

    Parameters
    ----------
    text : str or None
        The string.

    Returns
    -------
    datetime or None
        Aware, UTC; None if there is none, or it has no zone, or is no time: its age is not known then.
    """
    if text is None:
        return None
    try:
        t = datetime.fromisoformat(text)
        return None if t.tzinfo is None else t.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_seal(
    case: Case,
    *,
    now: datetime,
    max_age_s: int,
    is_trusted: Callable[[SealEvent], bool],
    previous: ClearanceDecision | None = None,
) -> SealReport:
    """Return what a case's seal events say together.

    Parameters
    ----------
    case : Case
        Its events, in any order, whether the box has moved, and the way it is to take.
    now : datetime
        Time of the decision, aware.
    max_age_s : int
        Age at which the last reading no longer proves anything, seconds.
    is_trusted : callable
        Whether an event is signed by a trusted gateway.
    previous : ClearanceDecision or None
        The previous decision on the same container; a departure tells which seal left.

    Returns
    -------
    SealReport
        State, transit, reasons, record.
    """
    events = sorted(
        (event for event in case.seal_events if event.container_id == case.container_id),
        key=lambda event: parse_time(event.at) or _LONG_AGO,
    )
    current = _current(events)
    seal, codes = _seal(events, current, now=now, max_age_s=max_age_s, is_trusted=is_trusted)
    is_open = _has(events, *_GAPS) or bool(journey_gaps(events, case.journey, now=now, is_trusted=is_trusted))
    transit = _transit(case, events, current, is_open=is_open, is_trusted=is_trusted, previous=previous)
    if seal == "VERIFIED" and transit == "NOT_MOVED" and is_open:
        seal = "UNVERIFIED"
    codes += {
        "GAP": (ReasonCode.SEAL_GAP,),
        "TAMPER": (ReasonCode.SEAL_BROKEN,),
        None: (ReasonCode.ARRIVAL_MISSING,),
    }.get(transit, ())
    if seal == "UNVERIFIED" and ReasonCode.SEAL_UNVERIFIED not in codes:
        codes += (ReasonCode.SEAL_UNVERIFIED,)
    return SealReport(seal, transit, codes, _record(events, current, seal))


def _current(events: list[SealEvent]) -> list[SealEvent]:
    """Return the events from the last sealing on; empty if nothing was ever sealed.

    What states the same time as the sealing may have come after it.
    """
    last = max((i for i, event in enumerate(events) if event.event == "SEALED"), default=None)
    if last is None:
        return []
    at = parse_time(events[last].at)
    same = [event for event in events[:last] if at is not None and parse_time(event.at) == at]
    return [events[last], *same, *events[last + 1 :]]


def _has(events: list[SealEvent], *kinds: str) -> bool:
    return any(event.event in kinds for event in events)


def _seal(
    events: list[SealEvent],
    current: list[SealEvent],
    *,
    now: datetime,
    max_age_s: int,
    is_trusted: Callable[[SealEvent], bool],
) -> tuple[_SealValue, tuple[ReasonCode, ...]]:
    if _has(events, *_BREACHES):
        return "BROKEN", (ReasonCode.SEAL_BROKEN,)
    if not current or _has(current, "UNSEALED"):
        return None, (ReasonCode.SEAL_ABSENT,)
    if _has(current, "FAULT") or _is_hurt(current, is_trusted):
        return "FAULT", (ReasonCode.SEAL_FAULT,)
    if _has(current, "LOW_BATTERY"):
        return "UNVERIFIED", (ReasonCode.SEAL_LOW_BATTERY,)
    readings = [event for event in current if event.event in _READINGS]
    is_one_seal = all(event.seal_id == current[0].seal_id for event in readings)
    read_at = parse_time(readings[-1].at)
    is_recent = read_at is not None and timedelta(minutes=-5) <= now - read_at <= timedelta(seconds=max_age_s)
    if is_one_seal and is_recent and is_trusted(readings[0]) and is_trusted(readings[-1]):
        return "VERIFIED", ()
    return "UNVERIFIED", (ReasonCode.SEAL_UNVERIFIED,)


def _transit(
    case: Case,
    events: list[SealEvent],
    current: list[SealEvent],
    *,
    is_open: bool,
    is_trusted: Callable[[SealEvent], bool],
    previous: ClearanceDecision | None,
) -> _Transit:
    arrivals = [event for event in current if event.event == "ARRIVED"]
    if case.has_moved is None or (case.has_moved is False and _has(events, "ARRIVED")):
        return None
    if not case.has_moved:
        return "NOT_MOVED"
    if _has(events, *_BREACHES):
        return "TAMPER"
    if is_open or _has(events, "UNSEALED") or _was_sealed_again(case, events, previous):
        return "GAP"
    is_proven = (
        bool(arrivals)
        and arrivals[-1].seal_id == current[0].seal_id
        and is_trusted(arrivals[-1])
        # Where a journey says where it ends, an arrival anywhere else is none.
        and (case.journey is None or arrivals[-1].place in (None, case.journey.destination))
    )
    return "INTACT" if is_proven else None


def _is_hurt(current: list[SealEvent], is_trusted: Callable[[SealEvent], bool]) -> bool:
    """Tell whether a seal that took a shock has not been well since: a shock alone is only told."""
    shock = next((i for i, event in enumerate(current) if event.event == "SHOCK"), None)
    if shock is None:
        return False
    after = current[shock + 1 :]
    return _has(after, "LOW_BATTERY", *_GAPS) or any(
        event.seal_id != current[0].seal_id or not is_trusted(event)
        for event in after
        if event.event in _READINGS
    )


def _was_sealed_again(case: Case, events: list[SealEvent], previous: ClearanceDecision | None) -> bool:
    """Tell whether the seal on arrival is not the one the box left with."""
    sealings = [event for event in events if event.event == "SEALED"]
    if _left_before(case, sealings):
        return True
    begun = parse_time(case.epoch_started_at)
    left = None if previous is None else parse_time(previous.decided_at)
    # A departure from before this epoch says nothing of its seal: the box was examined since.
    is_of_epoch = begun is None or left is None or left > begun
    if previous is None or previous.action is not Action.CLEARED_FOR_DEPARTURE or not is_of_epoch:
        return len({event.seal_id for event in sealings}) > 1
    if not sealings:
        return False
    sealed = parse_time(sealings[-1].at)
    is_the_one = sealings[-1].seal_id in previous.consignment.seals
    return not is_the_one or left is None or sealed is None or sealed > left


def _left_before(case: Case, sealings: list[SealEvent]) -> bool:
    """Tell whether the box crossed a point between two sealings, whatever seals they were."""
    times = [at for event in sealings if (at := parse_time(event.at)) is not None]
    if len(times) < 2:
        return False
    crossed = [parse_time(one.at) for one in case.crossings if one.point != "ENTRY"]
    return any(at is not None and min(times) <= at <= max(times) for at in crossed)


def _record(events: list[SealEvent], current: list[SealEvent], seal: _SealValue) -> SealState:
    first = current[0] if current else None
    return SealState(
        id=None if first is None else first.seal_id,
        sealed_at=None if first is None else first.at,
        intact={"BROKEN": False, "VERIFIED": True}.get(seal or ""),
        verification="unknown" if seal is None else "verified" if seal == "VERIFIED" else "unverified",
        custody=tuple(
            CustodyEvent(
                t=event.at,
                status=event.event,
                place=event.place,
                reader=event.reader,
                signature=event.signature,
            )
            for event in events
        ),
        gaps=sum(event.event in _GAPS for event in events),
    )

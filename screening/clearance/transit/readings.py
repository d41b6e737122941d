"""From what a seal or a terminal says to sealed events: one table of words, and the gateway's signature.

Electronic seals send in clear text and sign nothing (ISO 18185): a reading is evidence only once the
gateway that heard it has sealed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

import msgspec

from screening.clearance.keys import Signer, VerificationError
from screening.errors import FormatError, IntegrityError
from screening.records import SealEvent, canonical_bytes, parse_strict, utc_string

from .route import time_of

__all__ = ["EVENTS_OF_CONDITION", "EVENTS_OF_STATUS", "UnsignedReading", "read_event", "seal_reading"]

_Event: TypeAlias = Literal[
    "SEALED", "UNSEALED", "READ", "BROKEN", "TAMPER", "LOW_BATTERY", "FAULT", "GAP", "ARRIVED", "SHOCK",
    "ROUTE_DEVIATION",
]  # fmt: skip
_Status: TypeAlias = Literal[
    "CLOSED", "SEALED", "OPENED", "DISARMED", "TAMPERED", "BATTERY_LOW", "SHOCK", "FAULT", "NO_ANSWER"
]

#: What an electronic seal says of itself (the state of ISO 18185, in words), and our events. A seal that
#: answered with a low battery or a shock was also read. It cannot know who opened it: OPENED is a breach,
#: and an opening by officers is filed as UNSEALED by whoever opened it (DISARMED, where the device knows).
EVENTS_OF_STATUS: Mapping[str, tuple[_Event, ...]] = MappingProxyType(
    {
        "CLOSED": ("SEALED",),
        "SEALED": ("READ",),
        "OPENED": ("BROKEN",),
        "DISARMED": ("UNSEALED",),
        "TAMPERED": ("TAMPER",),
        "BATTERY_LOW": ("READ", "LOW_BATTERY"),
        "SHOCK": ("READ", "SHOCK"),
        "FAULT": ("FAULT",),
        "NO_ANSWER": ("GAP",),
    }
)

#: Condition of a seal in an EDIFACT message (segment SEL, data element 4517), and our events. A seal that
#: is missing was taken off by somebody: it is no better news than one that was left hanging, broken.
EVENTS_OF_CONDITION: Mapping[int, tuple[_Event, ...]] = MappingProxyType(
    {
        1: ("READ",),  # in right condition
        2: ("TAMPER",),  # damaged
        3: ("BROKEN",),  # missing
        4: ("BROKEN",),  # broken
        5: ("FAULT",),  # faulty electronic
    }
)


class UnsignedReading(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line as a reader's software writes it; exactly one of event, status and condition is given.

    Attributes
    ----------
    container_id, seal_id : str
        Which container and seal.
    at : str
        When, RFC 3339 with a zone.
    event : str or None
        One of our events.
    status : str or None
        What the seal said of itself.
    condition : int or None
        Code of an EDIFACT seal condition, 1 to 5.
    place, reader : str or None
        Where and by which reader.
    """

    container_id: str
    seal_id: str
    at: str
    event: _Event | None = None
    status: _Status | None = None
    condition: Literal[1, 2, 3, 4, 5] | None = None
    place: str | None = None
    reader: str | None = None


def seal_reading(
    line: bytes,
    signer: Signer,
    *,
    place: str | None = None,
    reader: str | None = None,
    is_arrival: bool = False,
) -> tuple[bytes, ...]:
    """Return the sealed events that one line of a reader's software stands for.

    Parameters
    ----------
    line : bytes
        JSON of an :class:`UnsignedReading`.
    signer : Signer
        The gateway's key.
    place, reader : str or None
        The gateway's own; a line that names another is refused, for the key speaks for this place alone.
    is_arrival : bool
        The gateway stands at the destination: what it reads has arrived.

    Returns
    -------
    tuple of bytes
        Canonical sealed lines, without a line feed.

    Raises
    ------
    FormatError
        If the line is none, gives no time, or names another place or reader.
    """
    try:
        raw = parse_strict(line, UnsignedReading)
    except IntegrityError as error:
        raise FormatError(str(error), value=error.value) from None
    given = [one for one in (raw.event, raw.status, raw.condition) if one is not None]
    if len(given) != 1:
        raise FormatError("exactly one of event, status and condition is needed", value=line[:64])
    t = time_of(raw.at)
    if t is None:
        raise FormatError(f"at {raw.at!r} is no time with a zone", value=raw.at)
    for name, own, said in (("place", place, raw.place), ("reader", reader, raw.reader)):
        if own is not None and said not in (None, own):
            raise FormatError(f"{name} {said!r} is not this gateway's, {own!r}", value=said)
    sealed = []
    for event in _events_of(raw):
        record = SealEvent(
            container_id=raw.container_id,
            seal_id=raw.seal_id,
            event="ARRIVED" if is_arrival and event == "READ" else event,
            at=str(utc_string(t)),
            place=place if raw.place is None else raw.place,
            reader=reader if raw.reader is None else raw.reader,
        )
        sealed.append(canonical_bytes(signer.seal(record)))
    return tuple(sealed)


def read_event(line: bytes) -> SealEvent:
    """Return the event of a sealed line; whether its signature holds is asked later, where the keys are.

    Parameters
    ----------
    line : bytes
        Canonical sealed sealevent/1.

    Returns
    -------
    SealEvent
        The event.

    Raises
    ------
    VerificationError
        If it is no such record, not in its one form, or not sealed.
    """
    try:
        event = parse_strict(line, SealEvent)
        is_canonical = canonical_bytes(event) == line
    except IntegrityError as error:
        raise VerificationError(str(error), "MALFORMED", value=error.value) from None
    if not is_canonical:
        raise VerificationError("the line is not the canonical form of the event", "NOT_CANONICAL")
    if event.key_id is None or event.signature is None:
        raise VerificationError("the event is not sealed", "UNSIGNED")
    return event


def _events_of(raw: UnsignedReading) -> tuple[_Event, ...]:
    if raw.status is not None:
        return EVENTS_OF_STATUS[raw.status]
    if raw.condition is not None:
        return EVENTS_OF_CONDITION[raw.condition]
    return () if raw.event is None else (raw.event,)

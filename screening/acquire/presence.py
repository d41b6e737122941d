"""Which container stands in a lane: the identity feed's lines, joined to scans by order of arrival.

The join uses the spool's sequence numbers, not clocks: a step of the host's clock, or a camera with
a wrong one, must not give a scan to another container.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from screening.errors import FormatError
from screening.records import Manifest, SealEvent, Targeting

__all__ = ["IdentityReading", "Presence", "PresenceLog", "parse_reading"]

ContainerName = Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{4,17}$")]
MAX_LINE_BYTES = 64 << 10
KEEP = 64  # a lane holds a few vehicles; older presences can match no open scan


class IdentityReading(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of an identity feed.

    Attributes
    ----------
    schema : {"lane-identity/1"}
        Version of this record.
    event : {"ENTER", "LEAVE"}
        A container came into the lane, or left it.
    container_id : str
        Its number as read, ISO 6346, compact: capitals and digits. A wrong check digit is told by the
        flags; anything else is no number and must not reach file names.
    t : str or None
        When, by the reader's own clock, RFC 3339; told, never used to join.
    confidence : float or None
        Of the reading, 0 to 1.
    id_source : {"OCR", "MANUAL", "RFID"}
        How it was read.
    manifest : Manifest or None
        What was declared of it.
    targeting : tuple of Targeting
        Risk assessed on advance data.
    seal_events : tuple of SealEvent
        Readings of its seal, as the gateway signed them.
    """

    event: Literal["ENTER", "LEAVE"]
    container_id: ContainerName
    t: str | None = None
    confidence: float | None = None
    id_source: Literal["OCR", "MANUAL", "RFID"] = "OCR"
    manifest: Manifest | None = None
    targeting: tuple[Targeting, ...] = ()
    seal_events: tuple[SealEvent, ...] = ()
    schema: Literal["lane-identity/1"] = "lane-identity/1"


class Presence(msgspec.Struct, kw_only=True):
    """A container's stay in a lane, in sequence numbers of the spool.

    Attributes
    ----------
    reading : IdentityReading
        The line that began it.
    first : int
        Sequence number of that line.
    last : int or None
        Sequence number of the line that ended it; None while it lasts.
    """

    reading: IdentityReading
    first: int
    last: int | None = None


class PresenceLog:
    """The containers of one lane, most recent last."""

    def __init__(self) -> None:
        self._stays: list[Presence] = []

    def take(self, reading: IdentityReading, sequence: int) -> None:
        """Take a line of the feed.

        A container that enters ends the stay of the one before it: an instrument's lane holds one.
        The same container entering again (the feed repeats itself after a reconnect) stays.

        Parameters
        ----------
        reading : IdentityReading
            The line.
        sequence : int
            Its number in the spool.
        """
        current = self._stays[-1] if self._stays and self._stays[-1].last is None else None
        is_same = current is not None and current.reading.container_id == reading.container_id
        if reading.event == "LEAVE":
            if current is not None and is_same:
                current.last = sequence
            return
        if current is not None:
            if is_same:
                current.reading = reading
                return
            current.last = sequence
        self._stays.append(Presence(reading=reading, first=sequence))
        del self._stays[:-KEEP]

    def during(self, first: int, last: int) -> tuple[IdentityReading, ...]:
        """Return the containers that stood in the lane during a scan.

        Parameters
        ----------
        first, last : int
            Sequence numbers of the scan's first and last record.

        Returns
        -------
        tuple of IdentityReading
            None, one, or several: a scan that several overlap belongs to none of them for certain.
        """
        return tuple(
            stay.reading
            for stay in self._stays
            if stay.first <= last and (stay.last is None or stay.last >= first)
        )

    def restore(self, stays: Iterable[Presence]) -> None:
        """Take over stays from before a restart; those already known are left alone.

        Parameters
        ----------
        stays : iterable of Presence
            In order of arrival, still lasting when they were written down.
        """
        known = {stay.first for stay in self._stays}
        earlier = [stay for stay in stays if stay.first not in known]
        if self._stays and earlier:
            for stay in earlier:
                stay.last = self._stays[0].first
        self._stays = [*earlier, *self._stays]

    @property
    def lasting(self) -> tuple[tuple[IdentityReading, int], ...]:
        """The stay that has not ended, as a restart needs it."""
        return tuple((stay.reading, stay.first) for stay in self._stays if stay.last is None)

    @property
    def current(self) -> IdentityReading | None:
        """The container that stands in the lane now."""
        return self._stays[-1].reading if self._stays and self._stays[-1].last is None else None


def parse_reading(line: bytes) -> IdentityReading:
    """Parse one line of an identity feed.

    Parameters
    ----------
    line : bytes
        UTF-8 JSON.

    Returns
    -------
    IdentityReading
        The line.

    Raises
    ------
    FormatError
        If it is too long, no JSON, or not of this shape.
    """
    if len(line) > MAX_LINE_BYTES:
        raise FormatError(f"identity line of {len(line)} bytes", value=len(line))
    try:
        return msgspec.json.decode(line, type=IdentityReading)
    except (msgspec.DecodeError, ValueError) as error:
        raise FormatError(f"not an identity line: {error}", value=line[:80]) from None

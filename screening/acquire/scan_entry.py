"""The SCAN record of the spool: where a scan's bytes stand, and all its analysis needs beside them."""

from __future__ import annotations

import secrets
import time
import uuid
from datetime import UTC, datetime
from typing import Literal

import msgspec

from screening.records import (
    ClockState,
    Device,
    Manifest,
    OperatingMode,
    ReasonCode,
    ScanIdentity,
    ScanNote,
    SealEvent,
    Targeting,
    TimeSource,
)

__all__ = ["Place", "ScanBegin", "ScanEntry", "new_scan_id", "utc_of_ns"]


class Place(msgspec.Struct, frozen=True, array_like=True):
    """A byte of a lane's stream: a record of the spool and an index in its payload.

    Attributes
    ----------
    segment, offset : int
        Address of the record.
    byte : int
        Index of the byte in the record's payload.
    sequence : int
        Sequence number of the record.
    end : int
        Offset just behind the record.
    """

    segment: int
    offset: int
    byte: int
    sequence: int
    end: int


class ScanBegin(msgspec.Struct, frozen=True, kw_only=True):
    """Payload of a BEGIN record.

    Attributes
    ----------
    scan_id : str
        UUIDv7 of the scan.
    first : Place
        Its first byte.
    primer : tuple of (int, bytes)
        What the reader must have seen before: lines with the host's UTC nanoseconds.
    device_scan : str or None
        The instrument's own name of the scan.
    """

    scan_id: str
    first: Place
    primer: tuple[tuple[int, bytes], ...] = ()
    device_scan: str | None = None


class ScanEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Payload of a SCAN record.

    Attributes
    ----------
    scan_id : str
        UUIDv7 of the scan.
    site, lane : str
        Where.
    kind : {"rpm", "n42", "linestream"}
        What its bytes are.
    mode : OperatingMode
        The service's mode.
    first, last : Place
        Its first byte, and its last one (included).
    n_bytes : int
        Bytes in between, as received; -1 if nobody counted them, after a restart.
    began_ns, ended_ns : int
        Host clock at the first and last record, UTC nanoseconds since 1970.
    primer : tuple of (int, bytes)
        What the reader must have seen before the first byte.
    is_closed : bool
        The end of the scan was not received: the reader is closed behind the last byte.
    device_scan : str or None
        The instrument's own name of the scan.
    make, model : str or None
        The instrument, as the site names it.
    container_id : str or None
        Container that stood in the lane.
    id_source : {"OCR", "MANUAL", "RFID"} or None
        How its number was read.
    confidence : float or None
        Of that reading, 0 to 1.
    manifest : Manifest or None
        What was declared.
    targeting : tuple of Targeting
        Risk on advance data.
    seal_events : tuple of SealEvent
        Readings of the seal.
    is_clock_steady : bool
        The UTC clock moved with the monotonic one during the scan.
    notes : tuple of ScanNote
        What the lane saw.
    """

    scan_id: str
    site: str
    lane: str
    kind: Literal["rpm", "n42", "linestream"]
    mode: OperatingMode
    first: Place
    last: Place
    n_bytes: int
    began_ns: int
    ended_ns: int
    primer: tuple[tuple[int, bytes], ...] = ()
    is_closed: bool = False
    device_scan: str | None = None
    make: str | None = None
    model: str | None = None
    container_id: str | None = None
    id_source: Literal["OCR", "MANUAL", "RFID"] | None = None
    confidence: float | None = None
    manifest: Manifest | None = None
    targeting: tuple[Targeting, ...] = ()
    seal_events: tuple[SealEvent, ...] = ()
    is_clock_steady: bool = True
    notes: tuple[ScanNote, ...] = ()

    @property
    def modality(self) -> Literal["radiation", "radiograph"]:
        """Which analysis the scan asks for."""
        return "radiograph" if self.kind == "linestream" else "radiation"

    def identity(self) -> ScanIdentity:
        """Return what the lane knows of the scan's identity.

        Returns
        -------
        ScanIdentity
            With the host's times.
        """
        return ScanIdentity(
            scan_id=self.scan_id,
            site=self.site,
            lane=self.lane,
            device=Device(make=self.make, model=self.model),
            container_id=self.container_id,
            id_source=self.id_source,
            ocr_confidence=self.confidence,
            operating_mode=self.mode,
            t_start_utc=utc_of_ns(self.began_ns),
            t_end_utc=utc_of_ns(self.ended_ns),
            clock=ClockState(
                t_source=TimeSource.HOST,
                source="host",
                is_synchronised=None if self.is_clock_steady else False,
            ),
            manifest=self.manifest,
        )

    def with_note(self, text: str, reason: ReasonCode) -> ScanEntry:
        """Return the entry with one more note.

        Parameters
        ----------
        text : str
            One line for a person.
        reason : ReasonCode
            Reason code it raises.

        Returns
        -------
        ScanEntry
            A new entry.
        """
        return msgspec.structs.replace(self, notes=(*self.notes, ScanNote(text=text, reason=reason)))


def new_scan_id() -> str:
    """Return a UUIDv7 of now (RFC 9562, section 5.7): identifiers sort by time.

    Returns
    -------
    str
        48 bits of UTC milliseconds, then 74 random bits.
    """
    number = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << 80 | secrets.randbits(80)
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=number))


def utc_of_ns(ns: int) -> datetime:
    """Return a time of the host's clock.

    Parameters
    ----------
    ns : int
        UTC nanoseconds since 1970.

    Returns
    -------
    datetime
        Aware, UTC, to the microsecond.
    """
    return datetime.fromtimestamp(ns // 1_000_000_000, UTC).replace(microsecond=ns // 1000 % 1_000_000)

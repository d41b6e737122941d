"""From a SCAN record back to the scan: the bytes are read from the spool again and parsed afresh."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from screening.errors import FormatError
from screening.formats.linestream import LineStreamReader
from screening.formats.n42 import read_n42
from screening.formats.rpm import RpmReader
from screening.records import (
    InputRef,
    IntervalBlock,
    LineBlock,
    OperatingMode,
    ReasonCode,
    Scan,
    ScanBuilder,
    ScanHeader,
    ScanIdentity,
    ScanNote,
    ScanTrailer,
    sha256_hex,
)

from .scan_entry import ScanEntry, utc_of_ns
from .spool import read_range
from .spool_format import Address, RecordType

STX, ETX = b"\x02", b"\x03"
MAX_CLOCK_OFFSET_S = 60.0
"""Beyond this the device's clock, or the age of what it sent, is not understood: CLOCK_UNSYNC."""

__all__ = ["SpooledBytes", "read_scan", "read_spooled"]


class SpooledBytes(NamedTuple):
    """A scan's bytes, as they were received.

    Attributes
    ----------
    pieces : list of (int, bytes)
        UTC nanoseconds of the host's clock, and what was received then.
    data : bytes
        All of it.
    ref : InputRef
        Its address and hash.
    notes : tuple of ScanNote
        What of it is missing or damaged.
    """

    pieces: list[tuple[int, bytes]]
    data: bytes
    ref: InputRef
    notes: tuple[ScanNote, ...]


def read_spooled(folder: Path, entry: ScanEntry) -> SpooledBytes:
    """Read a scan's bytes from the spool.

    Parameters
    ----------
    folder : Path
        The spool.
    entry : ScanEntry
        The scan.

    Returns
    -------
    SpooledBytes
        The bytes, whatever is left of them.
    """
    first, last = entry.first, entry.last
    records, damages = read_range(
        folder, Address(first.segment, first.offset), Address(last.segment, last.offset), last.end, entry.lane
    )
    pieces: list[tuple[int, bytes]] = []
    for record in records:
        if record.type != RecordType.DATA:
            continue
        stop = last.byte + 1 if record.sequence == last.sequence else len(record.payload)
        start = first.byte if record.sequence == first.sequence else 0
        pieces.append((record.wall_ns, record.payload[start:stop]))
    data = b"".join(piece for _, piece in pieces)
    notes: tuple[ScanNote, ...] = ()
    if damages or len(data) != entry.n_bytes >= 0:
        expected = f" of {entry.n_bytes}" if entry.n_bytes >= 0 else ""
        text = f"the spool is damaged: {len(data)}{expected} bytes of the scan are left"
        notes = (ScanNote(text=text, reason=ReasonCode.INPUT_CORRUPT),)
    uri = f"spool:{entry.lane}:{first.segment}:{first.offset}"
    ref = InputRef(kind="spool", uri=uri, n_bytes=len(data), sha256=sha256_hex(data))
    return SpooledBytes(pieces, data, ref, notes)


def read_scan(spooled: SpooledBytes, entry: ScanEntry) -> Scan:
    """Parse a scan's bytes.

    Parameters
    ----------
    spooled : SpooledBytes
        The bytes.
    entry : ScanEntry
        What is known beside them.

    Returns
    -------
    Scan
        The scan, with everything the lane and the spool know of it in its notes.

    Raises
    ------
    FormatError
        If the bytes hold no scan.
    """
    identity = entry.identity()
    if entry.kind == "n42":
        found = read_n42(spooled.data.strip(STX + ETX), name=entry.lane)
    else:
        found = list(_scans(_events(spooled, entry, identity), identity))
    if entry.device_scan is not None:
        found = [scan for scan in found if scan.identity.scan_id == entry.device_scan]
    if not found:
        raise FormatError(f"lane {entry.lane}: the bytes of scan {entry.scan_id} hold no scan")
    scan = found[0]
    notes = [*scan.notes, *entry.notes, *spooled.notes]
    if len(found) > 1:
        text = f"{len(found)} scans where one was expected; the first was analysed"
        notes.append(ScanNote(text=text, reason=ReasonCode.INPUT_CORRUPT))
    inputs = (spooled.ref, *(ref for ref in scan.inputs if ref.kind != "scan"))
    return msgspec.structs.replace(
        scan, identity=_merged(scan.identity, identity, entry), inputs=inputs, notes=tuple(notes)
    )


def _events(spooled: SpooledBytes, entry: ScanEntry, identity: ScanIdentity) -> Iterable[Any]:
    if entry.kind == "rpm":
        portal = RpmReader(identity)
        for wall_ns, line in entry.primer:
            portal.feed(line, utc_of_ns(wall_ns))
        for wall_ns, piece in spooled.pieces:
            yield from portal.feed(piece, utc_of_ns(wall_ns))
        yield from portal.close()
    else:
        scanner = LineStreamReader(identity)
        for wall_ns, piece in spooled.pieces:
            yield from scanner.feed(piece, utc_of_ns(wall_ns))
        yield from scanner.close()


def _scans(events: Iterable[Any], identity: ScanIdentity) -> Iterable[Scan]:
    builder: ScanBuilder | None = None
    for event in events:
        if isinstance(event, ScanHeader):
            builder = ScanBuilder(event)
        elif builder is not None and isinstance(event, ScanTrailer):
            try:
                yield builder.build(event)
            except ValueError as error:
                raise FormatError(f"scan {identity.scan_id}: {error}", value=identity.scan_id) from None
            builder = None
        elif builder is not None and isinstance(event, IntervalBlock | LineBlock):
            builder.add(event)


def _merged(read: ScanIdentity, known: ScanIdentity, entry: ScanEntry) -> ScanIdentity:
    """Join what the bytes say of themselves to what the lane knows; who and where is the lane's word."""
    device = msgspec.structs.replace(
        read.device, make=known.device.make or read.device.make, model=known.device.model or read.device.model
    )
    mode = read.operating_mode if known.operating_mode is OperatingMode.OPS else known.operating_mode
    merged = msgspec.structs.replace(
        known,
        device=device,
        container_id=known.container_id or read.container_id,
        id_source=known.id_source if known.container_id else read.id_source,
        operating_mode=mode,
        manifest=known.manifest or read.manifest,
    )
    if entry.kind == "rpm":  # its times are the host's, taken back along the cadence of the intervals
        clock = msgspec.structs.replace(known.clock, t_source=read.clock.t_source)
        return msgspec.structs.replace(
            merged,
            t_start_utc=read.t_start_utc or known.t_start_utc,
            t_end_utc=read.t_end_utc or known.t_end_utc,
            clock=clock,
        )
    return _in_host_time(read, merged, entry)


def _in_host_time(read: ScanIdentity, known: ScanIdentity, entry: ScanEntry) -> ScanIdentity:
    """Keep the host's times and record how far the device's clock is off; an old recording shows here."""
    start, end = known.t_start_utc, known.t_end_utc
    clock = known.clock
    is_document = entry.kind == "n42"
    device_time, host_time = (read.t_end_utc, end) if is_document else (read.t_start_utc, start)
    if device_time is not None and host_time is not None:
        offset_s = (device_time - host_time).total_seconds()
        is_off = abs(offset_s) > MAX_CLOCK_OFFSET_S
        clock = msgspec.structs.replace(
            clock,
            offset_ms=round(offset_s * 1000),
            is_synchronised=False if is_off else clock.is_synchronised,
        )
    if is_document and end is not None and read.t_start_utc is not None and read.t_end_utc is not None:
        start = end - (read.t_end_utc - read.t_start_utc)  # a document comes when all is over
    return msgspec.structs.replace(known, t_start_utc=start, clock=clock)

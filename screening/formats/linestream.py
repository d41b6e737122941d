"""The line stream: from a scanner's bytes to columns in their places.

A line identifier has 16 bits and wraps. The reader unwraps it, waits a bounded while for lines that
arrive out of order, drops what arrives twice, and leaves an empty, marked column where a line never
came: a picture never gets shorter than the scan was. Frames and their layout are in
:mod:`screening.formats.lineframes` and ``docs/formats.md``.
"""

from __future__ import annotations

import contextlib
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.errors import ScreeningError
from screening.records import (
    Gap,
    LineBlock,
    ReasonCode,
    ScanHeader,
    ScanIdentity,
    ScanNote,
    ScanTrailer,
    TimeSource,
    parse_strict,
)

from .line_calibration import line_calibration
from .lineframes import (
    CALIBRATION_HEAD,
    LINE_HEAD,
    Frame,
    FrameReader,
    LineScanBegin,
    LineScanEnd,
    MessageType,
    encode_ack,
    encode_calibration,
    encode_end,
    encode_event,
    encode_header,
    encode_heartbeat,
    encode_line,
)

__all__ = [
    "LineScanBegin",
    "LineScanEnd",
    "LineStreamEvent",
    "LineStreamReader",
    "Status",
    "encode_ack",
    "encode_calibration",
    "encode_end",
    "encode_event",
    "encode_header",
    "encode_heartbeat",
    "encode_line",
]

WINDOW = 64
"""Columns that a late line may lag behind the newest one; memory is bounded by it."""

MAX_COLUMNS = 131_072
"""A scan beyond this is cut."""

_BLOCK = 256
_HISTORY = 8192


class Status(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a scanner says beside its lines, and what the reader saw of the connection.

    Attributes
    ----------
    kind : {"heartbeat", "event", "ack", "orphan", "damaged", "empty-scan", "unknown"}
        What it is. "orphan": lines without a scan; "empty-scan": a scan that ended without a line.
    text : str
        One line.
    scan_id : str or None
        The scan it concerns.
    values : dict
        Fields of the message ("temperature_c", ...).
    """

    kind: Literal["heartbeat", "event", "ack", "orphan", "damaged", "empty-scan", "unknown"]
    text: str = ""
    scan_id: str | None = None
    values: dict[str, Any] = {}


LineStreamEvent = ScanHeader | LineBlock | ScanTrailer | Status


@dataclass(slots=True)
class _Column:
    """One column that is not complete, or not yet its turn."""

    pixels: dict[int, NDArray[np.uint16]] = field(default_factory=dict)
    reference: dict[int, float] = field(default_factory=dict)
    time_s: float = float("nan")


@dataclass(slots=True)
class _Open:
    """The scan being received."""

    scan_id: str
    begin: LineScanBegin
    host_time_utc: datetime | None
    highest: int
    dark: NDArray[np.float32] | None = None
    air: NDArray[np.float32] | None = None
    header: ScanHeader | None = None
    next_column: int = 0
    pending: dict[int, _Column] = field(default_factory=dict)
    history: deque[int] = field(default_factory=lambda: deque(maxlen=_HISTORY))
    gaps: list[list[int]] = field(default_factory=list)
    last_time_s: float = 0.0
    n_duplicate: int = 0
    n_late: int = 0
    n_bad: int = 0
    is_tampered: bool = False
    notes: list[ScanNote] = field(default_factory=list)

    def note(self, text: str, reason: ReasonCode | None = None) -> None:
        note = ScanNote(text=text, reason=reason)
        if len(self.notes) < 50 and note not in self.notes:
            self.notes.append(note)


class LineStreamReader:
    """Turns a scanner's bytes into the events of its scans; one for each connection.

    Parameters
    ----------
    identity_template : ScanIdentity or None
        Site, lane, device and clock to use where the scanner gives none.
    window : int
        Columns that a late line may lag.

    Attributes
    ----------
    frames : FrameReader
        Its counters tell how many bytes were skipped and how many frames damaged.
    """

    def __init__(self, identity_template: ScanIdentity | None = None, *, window: int = WINDOW) -> None:
        self._template = identity_template or ScanIdentity(scan_id="")
        self._window = window
        self.frames = FrameReader()
        self._n_damaged = 0
        self._open: _Open | None = None
        self._is_orphan_told = False

    def feed(self, data: bytes, host_time_utc: datetime | None = None) -> list[LineStreamEvent]:
        """Return the events that some bytes complete.

        Parameters
        ----------
        data : bytes
            What arrived.
        host_time_utc : datetime or None
            When it arrived; used where the scanner gives no time.

        Returns
        -------
        list of ScanHeader, LineBlock, ScanTrailer or Status
            In order.
        """
        return self._handle(self.frames.feed(data), host_time_utc)

    def close(self) -> list[LineStreamEvent]:
        """Return the events that the end of the connection brings.

        Returns
        -------
        list of ScanHeader, LineBlock, ScanTrailer or Status
            An open scan ends incomplete; half a line is lost.
        """
        events = self._handle(self.frames.close(), None)
        if self._open is not None:
            self._end(events, None, "the connection ended before the end of the scan")
        return events

    def _handle(self, frames: list[Frame], host_time_utc: datetime | None) -> list[LineStreamEvent]:
        events: list[LineStreamEvent] = []
        for frame in frames:
            if frame.kind == MessageType.LINE:
                self._line(frame, events)
            elif frame.kind == MessageType.SCAN_BEGIN:
                self._begin(frame, host_time_utc, events)
            elif frame.kind == MessageType.CALIBRATION:
                self._calibration(frame)
            elif frame.kind == MessageType.SCAN_END:
                self._end_frame(frame, events)
            else:
                self._other(frame, events)
        if self.frames.n_damaged > self._n_damaged:
            n_new = self.frames.n_damaged - self._n_damaged
            self._n_damaged = self.frames.n_damaged
            if self._open is not None:
                self._open.n_bad += n_new
            events.append(Status(kind="damaged", text=f"{n_new} frames with a wrong checksum"))
        if self._open is not None and self._open.header is not None:
            self._emit_complete(self._open, events)
        return events

    def _begin(self, frame: Frame, host_time_utc: datetime | None, events: list[LineStreamEvent]) -> None:
        try:
            begin = parse_strict(frame.payload, LineScanBegin)
        except ScreeningError as error:
            events.append(Status(kind="damaged", text=f"SCAN_BEGIN: {error}", scan_id=frame.scan_id))
            return
        if self._open is not None:
            if self._open.scan_id == frame.scan_id and self._open.begin == begin:
                return
            self._end(events, None, "a new scan began before the end of this one")
        self._is_orphan_told = False
        first = begin.first_line_id
        self._open = _Open(scan_id=frame.scan_id, begin=begin, host_time_utc=host_time_utc, highest=first - 1)

    def _calibration(self, frame: Frame) -> None:
        scan = self._open
        if scan is None or scan.scan_id != frame.scan_id:
            return
        shape = (scan.begin.n_row, len(scan.begin.energies))
        size = CALIBRATION_HEAD.size
        head = CALIBRATION_HEAD.unpack_from(frame.payload) if len(frame.payload) >= size else (9, 0, 0, 0)
        kind, _, n_energy, n_row = head
        if scan.header is not None or kind not in (0, 1) or (n_row, n_energy) != shape:
            scan.note("a calibration was late or of another size", ReasonCode.CAL_MISSING)
            return
        if len(frame.payload) != size + 4 * n_row * n_energy:
            scan.note("a calibration has a wrong length", ReasonCode.CAL_MISSING)
            return
        values = np.frombuffer(frame.payload, dtype="<f4", offset=size).reshape(shape).astype(np.float32)
        if kind == 0:
            scan.dark = values
        else:
            scan.air = values

    def _line(self, frame: Frame, events: list[LineStreamEvent]) -> None:
        scan = self._open
        if scan is None or scan.scan_id != frame.scan_id:
            if not self._is_orphan_told:
                self._is_orphan_told = True
                events.append(Status(kind="orphan", text="lines without a scan", scan_id=frame.scan_id))
            return
        payload, size = frame.payload, LINE_HEAD.size
        n_row = scan.begin.n_row
        if len(payload) != size + 2 * n_row:
            scan.n_bad += 1
            return
        line_id, energy, _, time_us, reference, n = LINE_HEAD.unpack_from(payload)
        if n != n_row or energy >= len(scan.begin.energies):
            scan.n_bad += 1
            return
        if scan.header is None:
            self._emit_header(scan, events)
        number = scan.highest + ((line_id - scan.highest + 0x8000) & 0xFFFF) - 0x8000
        column = number - scan.begin.first_line_id
        if column < scan.next_column:
            self._too_late(scan, column, energy)
            return
        if column >= MAX_COLUMNS:
            self._end(events, None, f"the scan exceeds {MAX_COLUMNS} columns")
            return
        entry = scan.pending.get(column)
        if entry is None:
            entry = scan.pending[column] = _Column()
        elif energy in entry.pixels:
            scan.n_duplicate += 1
            return
        entry.pixels[energy] = np.frombuffer(payload, dtype="<u2", offset=size)
        entry.reference[energy] = reference
        if not entry.time_s >= 0:
            entry.time_s = time_us * 1e-6
        if number > scan.highest:
            scan.highest = number
            scan.last_time_s = max(scan.last_time_s, entry.time_s)
            self._emit(scan, column - self._window, events)

    def _too_late(self, scan: _Open, column: int, energy: int) -> None:
        back = scan.next_column - column
        mask = scan.history[-back] if 0 < back <= len(scan.history) else 0
        if mask >> energy & 1:
            scan.n_duplicate += 1
        else:
            scan.n_late += 1

    def _emit_header(self, scan: _Open, events: list[LineStreamEvent]) -> None:
        begin, template = scan.begin, self._template
        start = begin.t_start_utc or scan.host_time_utc
        source = TimeSource.DEVICE if begin.t_start_utc is not None else TimeSource.HOST
        calibration, notes = line_calibration(
            dark=scan.dark,
            air=scan.air,
            is_dark_subtracted=begin.is_dark_subtracted,
            electronic_sigma=begin.electronic_sigma,
            gain=begin.gain,
            scatter_floor=begin.scatter_floor,
            identifier=begin.calibration_id,
            made_at=begin.calibration_made_at,
            scan_start_utc=start,
        )
        for note in notes:
            scan.note(note.text, note.reason)
        identity = msgspec.structs.replace(
            template,
            scan_id=scan.scan_id,
            site=begin.site or template.site,
            lane=begin.lane or template.lane,
            device=begin.device if begin.device != type(begin.device)() else template.device,
            container_id=begin.container_id or template.container_id,
            id_source=begin.id_source if begin.container_id else template.id_source,
            operating_mode=begin.operating_mode,
            t_start_utc=start,
            clock=msgspec.structs.replace(template.clock, t_source=source),
            manifest=begin.manifest or template.manifest,
        )
        fixed: dict[str, Any] = {
            "energies": begin.energies,
            "calibration": calibration,
            "pitch_mm": begin.pitch_mm,
            "saturation": begin.saturation,
            "is_dark_subtracted": begin.is_dark_subtracted,
            "motion": begin.motion,
        }
        scan.header = ScanHeader(identity=identity, modality="radiograph", fixed=fixed)
        events.append(scan.header)

    def _emit_complete(self, scan: _Open, events: list[LineStreamEvent]) -> None:
        n_energy, end = len(scan.begin.energies), scan.next_column
        while (entry := scan.pending.get(end)) is not None and len(entry.pixels) == n_energy:
            end += 1
        self._emit(scan, end, events)

    def _emit(self, scan: _Open, end: int, events: list[LineStreamEvent]) -> None:
        """Emit the columns up to `end`, complete or not."""
        while scan.next_column < end:
            n_column = min(_BLOCK, end - scan.next_column)
            events.append(_block(scan, n_column))

    def _end_frame(self, frame: Frame, events: list[LineStreamEvent]) -> None:
        scan = self._open
        if scan is None or scan.scan_id != frame.scan_id:
            events.append(Status(kind="orphan", text="SCAN_END without its scan", scan_id=frame.scan_id))
            return
        try:
            end = parse_strict(frame.payload, LineScanEnd)
        except ScreeningError as error:
            self._end(events, None, f"SCAN_END is damaged: {error}")
            return
        self._end(events, end, "the scanner gave the scan up" if end.is_aborted else None)

    def _end(
        self, events: list[LineStreamEvent], end: LineScanEnd | None, why_incomplete: str | None
    ) -> None:
        scan = self._open
        self._open = None
        if scan is None:
            return
        if scan.header is None:
            text = why_incomplete or "the scan ended without a line"
            events.append(Status(kind="empty-scan", text=text, scan_id=scan.scan_id))
            return
        n_column = scan.highest + 1 - scan.begin.first_line_id
        n_sent = None if end is None else end.n_column
        if n_sent is not None and n_sent < n_column:
            scan.note(f"{n_column} columns were received of {n_sent} sent", ReasonCode.INPUT_CORRUPT)
        elif n_sent is not None and n_sent > MAX_COLUMNS:
            scan.note(f"the scan exceeds {MAX_COLUMNS} columns", ReasonCode.Q_COVERAGE)
        elif n_sent is not None:
            n_column = n_sent
        self._emit(scan, n_column, events)
        if why_incomplete is not None:
            scan.note(why_incomplete, ReasonCode.Q_COVERAGE)
        if scan.n_duplicate:
            scan.note(f"{scan.n_duplicate} lines came twice; the first was kept")
        if scan.n_late:
            scan.note(f"{scan.n_late} lines came too late for their place")
        if scan.n_bad:
            scan.note(f"{scan.n_bad} frames were damaged")
        start = scan.header.identity.t_start_utc
        t_end = end.t_end_utc if end is not None else None
        if t_end is None and start is not None:
            with contextlib.suppress(OverflowError):  # a device clock may say anything
                t_end = start + timedelta(seconds=scan.last_time_s)
        fixed = {
            "speed_m_s": None if end is None else end.speed_m_s,
            "is_complete": why_incomplete is None,
            "is_tampered": scan.is_tampered or (end is not None and end.is_tampered),
            "faults": () if end is None else end.faults,
        }
        gaps = tuple(Gap(index=first, n_missing=n, cause="line ids") for first, n in scan.gaps)
        events.append(ScanTrailer(t_end_utc=t_end, fixed=fixed, gaps=gaps, notes=tuple(scan.notes)))

    def _other(self, frame: Frame, events: list[LineStreamEvent]) -> None:
        values: dict[str, Any] = {}
        try:
            values = parse_strict(frame.payload, dict) if frame.payload else {}
        except ScreeningError as error:
            events.append(Status(kind="damaged", text=str(error), scan_id=frame.scan_id))
            return
        text = str(values.get("text", ""))
        if frame.kind == MessageType.HEARTBEAT:
            events.append(Status(kind="heartbeat", values=values))
        elif frame.kind == MessageType.ACK:
            events.append(Status(kind="ack", scan_id=frame.scan_id))
        elif frame.kind == MessageType.EVENT:
            if self._open is not None:
                if values.get("kind") in ("data-lost", "buffer-full"):
                    self._open.note(f"the scanner reports {values['kind']}: {text}", ReasonCode.Q_LINES_LOST)
                elif values.get("kind") == "tamper":
                    self._open.is_tampered = True
            events.append(Status(kind="event", text=text, scan_id=frame.scan_id, values=values))
        else:
            events.append(Status(kind="unknown", text=f"message type {frame.kind}", scan_id=frame.scan_id))


def _block(scan: _Open, n_column: int) -> LineBlock:
    """Take the next columns out of the pending ones; lost ones stay zero."""
    first, n_row, n_energy = scan.next_column, scan.begin.n_row, len(scan.begin.energies)
    entries = [scan.pending.pop(column, None) for column in range(first, first + n_column)]
    is_lost = np.ones((n_column, n_energy), dtype=bool)
    time_s = np.full(n_column, np.nan)
    reference = np.full((n_column, n_energy), np.nan, dtype=np.float32)
    if any(entries):
        lines = np.zeros((n_energy, n_column, n_row), dtype=np.uint16)
    else:
        # Nothing arrived: no memory for it either, however long the gap.
        lines = np.broadcast_to(np.zeros((), dtype=np.uint16), (n_energy, n_column, n_row))
    for i, entry in enumerate(entries):
        mask = 0
        if entry is not None:
            time_s[i] = entry.time_s
            for energy, pixels in entry.pixels.items():
                lines[energy, i] = pixels
                is_lost[i, energy] = False
                reference[i, energy] = entry.reference[energy]
                mask |= 1 << energy
        scan.history.append(mask)
        if mask != (1 << n_energy) - 1:
            if scan.gaps and sum(scan.gaps[-1]) == first + i:
                scan.gaps[-1][1] += 1
            else:
                scan.gaps.append([first + i, 1])
    scan.next_column = first + n_column
    return LineBlock(
        raw=lines.transpose(2, 1, 0),
        is_lost=is_lost,
        line_ids=np.arange(first, first + n_column, dtype=np.int64) + scan.begin.first_line_id,
        line_time_s=time_s,
        reference=reference if scan.begin.has_reference else None,
    )

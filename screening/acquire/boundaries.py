"""Where scans begin and end in a lane's bytes: only that, so that reading sockets stays cheap and safe.

Nothing here keeps a scan's bytes: they are in the spool. Memory is bounded whatever is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from screening.formats.lineframes import HEAD_BYTES, FrameReader, MessageType
from screening.formats.rpm_lines import MAX_LINE_BYTES, tagged

from .scan_entry import Place
from .spool_format import SpoolRecord

__all__ = [
    "Boundary",
    "BoundaryFinder",
    "LineStreamBoundaries",
    "PortalBoundaries",
    "StxBoundaries",
    "place_in",
]

_STATE_TAGS = ("GB", "NB", "GH", "GL", "NH", "SG1", "SG2", "SG3", "SN1", "SN2")
_LINE_END = re.compile(rb"[\r\n]")
STX, ETX = b"\x02", b"\x03"


class Boundary(NamedTuple):
    """A scan begins or ends.

    Attributes
    ----------
    is_end : bool
        End or begin.
    place : Place
        The scan's first byte, or its last.
    at : int
        Bytes of the connection before the scan's first byte, or up to and with its last.
    device_scan : str or None
        The instrument's own name of the scan.
    is_complete : bool
        For an end: the instrument said so. For a begin: what came before shows that it is one.
    """

    is_end: bool
    place: Place
    at: int
    device_scan: str | None = None
    is_complete: bool = True


class BoundaryFinder(Protocol):
    """Finds the scans in one kind of stream."""

    def feed(self, record: SpoolRecord) -> list[Boundary]:
        """Return the boundaries in a lane's next DATA record, in order.

        Parameters
        ----------
        record : SpoolRecord
            The record.

        Returns
        -------
        list of Boundary
            Where scans begin and end.
        """
        ...

    def reset(self) -> None:
        """Forget what was left of a connection that broke."""
        ...

    @property
    def at(self) -> int:
        """Number of bytes of the connection so far."""
        ...

    @property
    def primer(self) -> tuple[tuple[int, bytes], ...]:
        """What a reader must have seen before the next scan: lines with the host's nanoseconds."""
        ...


def place_in(record: SpoolRecord, byte: int) -> Place:
    """Return the place of a byte of a record.

    Parameters
    ----------
    record : SpoolRecord
        The record.
    byte : int
        Index in its payload.

    Returns
    -------
    Place
        Its place.
    """
    return Place(record.address.segment, record.address.offset, byte, record.sequence, record.end)


class PortalBoundaries:
    """Occupancies in a portal's lines: from the first interval line to GX.

    A portal sends background (GB, NB) only while nobody is in it: after intervals it means that the
    GX was lost.
    """

    def __init__(self) -> None:
        self._state: dict[str, tuple[int, bytes]] = {}
        self.reset()

    def reset(self) -> None:
        """Forget the line that a broken connection left unfinished, and the open occupancy."""
        self._part = b""
        self._is_overlong = False
        self._first: tuple[Place, int] | None = None
        self._at = 0
        self._is_open = False
        self._was_empty = False

    @property
    def at(self) -> int:
        """Number of bytes of the connection so far."""
        return self._at

    @property
    def primer(self) -> tuple[tuple[int, bytes], ...]:
        """Last line of each kind that outlasts an occupancy: background, set-up, faults, tamper."""
        return tuple(sorted(self._state.values()))

    def feed(self, record: SpoolRecord) -> list[Boundary]:
        """Return the boundaries in the next record.

        Parameters
        ----------
        record : SpoolRecord
            The lane's next DATA record.

        Returns
        -------
        list of Boundary
            In order.
        """
        found: list[Boundary] = []
        data = record.payload
        start = 0
        for match in _LINE_END.finditer(data):
            stop = match.start()
            first = self._first or (place_in(record, start), self._at + start)
            line = b"" if self._is_overlong else self._part + data[start:stop]
            self._part, self._is_overlong, self._first = b"", False, None
            start = stop + 1
            if 0 < len(line) <= MAX_LINE_BYTES:
                last = (place_in(record, stop), self._at + start)
                for tagged_line in tagged(line.decode("ascii", "replace")):
                    found += self._boundaries(tagged_line.tag, first, last)
                    self._keep(tagged_line.tag, line, record.wall_ns)
        if start < len(data):
            self._first = self._first or (place_in(record, start), self._at + start)
            self._part += data[start : start + MAX_LINE_BYTES + 1]
            if len(self._part) > MAX_LINE_BYTES:
                self._part, self._is_overlong = b"", True
        self._at += len(data)
        return found

    def _boundaries(self, tag: str, first: tuple[Place, int], last: tuple[Place, int]) -> Iterator[Boundary]:
        # A line whose end was lost holds several records; both ends of a scan are then those of the
        # line, and the reader, which sees the same bytes, takes its own part of it.
        if tag in ("GS", "GA") and not self._is_open:
            self._is_open = True
            # Intervals with nothing before them on this connection: the occupancy began without us.
            yield Boundary(False, *first, is_complete=self._was_empty)
        elif tag in ("GX", "GB", "GH", "GL") and self._is_open:
            self._is_open = False
            yield Boundary(True, *last, is_complete=tag == "GX")
        self._was_empty = self._was_empty or tag in ("GB", "NB", "GX")

    def _keep(self, tag: str, line: bytes, wall_ns: int) -> None:
        if tag in _STATE_TAGS:
            self._state[tag] = (wall_ns, line + b"\r\n")
        elif tag in ("TT", "TC"):
            self._state["tamper"] = (wall_ns, line + b"\r\n")
        if tag == "GB":  # a valid background ends the faults told before it
            self._state.pop("GH", None)
            self._state.pop("GL", None)
        elif tag == "NB":
            self._state.pop("NH", None)


class StxBoundaries:
    """Documents between STX and ETX; one document is one scan."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the document that a broken connection left unfinished."""
        self._at = 0
        self._is_open = False
        self._last = Place(0, 0, 0, 0, 0)

    @property
    def at(self) -> int:
        """Number of bytes of the connection so far."""
        return self._at

    @property
    def primer(self) -> tuple[tuple[int, bytes], ...]:
        """Nothing: a document stands for itself."""
        return ()

    def feed(self, record: SpoolRecord) -> list[Boundary]:
        """Return the boundaries in the next record.

        Parameters
        ----------
        record : SpoolRecord
            The lane's next DATA record.

        Returns
        -------
        list of Boundary
            In order.
        """
        found: list[Boundary] = []
        data = record.payload
        i = 0
        while i < len(data):
            if not self._is_open:
                i = data.find(STX, i)
                if i < 0:
                    break
                self._is_open = True
                found.append(Boundary(False, place_in(record, i), self._at + i))
                i += 1
                continue
            # XML holds neither byte: another STX means that the document before it was cut.
            etx, stx = data.find(ETX, i), data.find(STX, i)
            if stx >= 0 and (etx < 0 or stx < etx):
                self._is_open = False
                before = place_in(record, stx - 1) if stx > 0 else self._last
                found.append(Boundary(True, before, self._at + stx, is_complete=False))
                i = stx
            elif etx >= 0:
                self._is_open = False
                found.append(Boundary(True, place_in(record, etx), self._at + etx + 1))
                i = etx + 1
            else:
                break
        self._at += len(data)
        self._last = place_in(record, len(data) - 1)
        return found


class LineStreamBoundaries:
    """Scans in a line scanner's frames: from SCAN_BEGIN to SCAN_END.

    Frames are checked as the reader checks them, so that an acknowledged end is one that the reader
    sees as well. Where garbage stands between frames a place is taken a little too wide, never too
    narrow.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the frame that a broken connection left unfinished."""
        self._reader = FrameReader()
        self._at = 0
        self._first: tuple[Place, int] | None = None

    @property
    def at(self) -> int:
        """Number of bytes of the connection so far."""
        return self._at

    @property
    def primer(self) -> tuple[tuple[int, bytes], ...]:
        """Nothing: a scan brings its own calibration."""
        return ()

    def feed(self, record: SpoolRecord) -> list[Boundary]:
        """Return the boundaries in the next record.

        Parameters
        ----------
        record : SpoolRecord
            The lane's next DATA record.

        Returns
        -------
        list of Boundary
            In order.
        """
        before, reader = self._at, self._reader
        n_lost = reader.n_skipped + reader.n_damaged
        frames = reader.feed(record.payload)
        self._at += len(record.payload)
        n_pending = reader.n_pending
        is_clean = reader.n_skipped + reader.n_damaged == n_lost
        first = self._first or (place_in(record, 0), before)
        found: list[Boundary] = []
        stop = self._at - n_pending
        for frame in reversed(frames):
            start = stop - (HEAD_BYTES + len(frame.payload) + 4) if is_clean else first[1]
            if frame.kind == MessageType.SCAN_BEGIN:
                begin = (place_in(record, start - before), start) if start >= before else first
                found.append(Boundary(False, *begin, device_scan=frame.scan_id))
            elif frame.kind == MessageType.SCAN_END:
                last = place_in(record, max(stop - 1 - before, 0))
                found.append(Boundary(True, last, stop, device_scan=frame.scan_id))
            stop = start if is_clean else stop
        if n_pending == 0:
            self._first = None
        elif n_pending <= len(record.payload):
            at = self._at - n_pending
            self._first = (place_in(record, at - before), at)
        elif self._first is None:
            self._first = first
        return found[::-1]

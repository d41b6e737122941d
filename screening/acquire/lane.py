"""One lane: connect, spool what comes, find the scans in it, acknowledge what is on the disk."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import msgspec

from screening.errors import StoreError
from screening.records import OperatingMode, ReasonCode, ScanNote

from .boundaries import Boundary, BoundaryFinder, place_in
from .events import EventLog
from .presence import PresenceLog
from .scan_entry import Place, ScanBegin, ScanEntry, new_scan_id
from .settings import SILENCE_S, LaneSettings
from .spool import Spool
from .spool_format import Address, RecordType, SpoolRecord

__all__ = ["Lane", "OpenScan"]

CHUNK_BYTES = 64 << 10
FIRST_RETRY_S, LAST_RETRY_S = 0.1, 5.0
CLOCK_STEP_NS = 500_000_000  # a time service slews; a step of more than this was not the time passing
KEEP_ACKNOWLEDGED = 256


class OpenScan(msgspec.Struct, kw_only=True):
    """A scan whose end has not been seen.

    Attributes
    ----------
    begin : ScanBegin
        Its BEGIN record.
    at : int
        Bytes of the connection before it.
    began_ns, began_mono_ns : int
        Host clocks when it began.
    last : Place
        Its last byte so far.
    n_bytes : int
        Bytes so far.
    last_ns, last_mono_ns : int
        Host clocks at its last byte.
    notes : tuple of ScanNote
        What went wrong so far.
    """

    begin: ScanBegin
    at: int
    began_ns: int
    began_mono_ns: int
    last: Place
    n_bytes: int
    last_ns: int
    last_mono_ns: int
    notes: tuple[ScanNote, ...] = ()


class Lane:
    """One instrument of one lane.

    Parameters
    ----------
    settings : LaneSettings
        The instrument.
    site : str
        Name of the site.
    mode : OperatingMode
        The service's mode.
    scan_limit_bytes : int
        Size beyond which a scan is ended.
    finder : BoundaryFinder
        Finds scans in its bytes.
    acknowledge : callable or None
        Returns the bytes that tell the instrument, by its own name of the scan, that the scan is kept.
    spool : Spool
        Where everything goes first.
    presence : PresenceLog
        Who stands in the lane.
    events : EventLog
        Where it tells.
    sync : callable
        Brings the spool to the disk, off the event loop.
    submit : callable
        Takes a spooled scan for analysis; waits while too many wait.
    """

    def __init__(
        self,
        settings: LaneSettings,
        *,
        site: str,
        mode: OperatingMode,
        scan_limit_bytes: int,
        finder: BoundaryFinder,
        acknowledge: Callable[[str], bytes] | None,
        spool: Spool,
        presence: PresenceLog,
        events: EventLog,
        sync: Callable[[], Awaitable[None]],
        submit: Callable[[ScanEntry], Awaitable[None]],
    ) -> None:
        self.settings = settings
        self.finder = finder
        self.acknowledged: OrderedDict[str, str] = OrderedDict()
        self.interrupted: OpenScan | None = None
        self._site = site
        self._mode = mode
        self._scan_limit_bytes = scan_limit_bytes
        self._acknowledge = acknowledge
        self._spool = spool
        self._presence = presence
        self._events = events
        self._sync = sync
        self._submit = submit
        self._open: OpenScan | None = None
        self._is_repeat = False
        self._interrupted_at = 0.0
        self._writer: asyncio.StreamWriter | None = None

    async def run(self) -> None:
        """Stay connected, until cancelled."""
        retry_s = FIRST_RETRY_S
        while True:
            try:
                await self._settle()
                received = await self._converse()
            except (OSError, StoreError, TimeoutError) as error:
                received = False
                self._tell("failed", f"{self.settings.name}: {_why(error)}")
            except Exception as error:
                # A defect that some bytes bring out must not end the lane, and less so the others.
                received = False
                text = f"{self.settings.name}: a defect of this program ({type(error).__name__}: {error})"
                self._tell("failed", text)
            retry_s = FIRST_RETRY_S if received else min(retry_s * 2, LAST_RETRY_S)
            await asyncio.sleep(retry_s)

    def restore(self, open_scan: OpenScan) -> None:
        """Take over a scan that a former process left open.

        Parameters
        ----------
        open_scan : OpenScan
            As found in the spool.
        """
        self.interrupted = open_scan
        self._interrupted_at = time.monotonic()

    def remember(self, device_scan: str, scan_id: str) -> None:
        """Remember a scan that was acknowledged, so that the instrument may send it again.

        Parameters
        ----------
        device_scan : str
            The instrument's name of it.
        scan_id : str
            Ours.
        """
        self.acknowledged[device_scan] = scan_id
        while len(self.acknowledged) > KEEP_ACKNOWLEDGED:
            self.acknowledged.popitem(last=False)

    @property
    def is_idle(self) -> bool:
        """Nothing is open."""
        return self._open is None and self.interrupted is None

    async def _converse(self) -> bool:
        """Hold one connection; return whether anything came."""
        settings = self.settings
        try:
            async with asyncio.timeout(SILENCE_S):
                reader, writer = await asyncio.open_connection(settings.host, settings.port)
        except OSError:
            return False  # not there yet, or away: no event every few seconds for that
        _keep_alive(writer)
        self._writer = writer
        received = False
        try:
            where = f"{settings.host}:{settings.port}"
            self._spool.append(RecordType.CONNECTED, settings.name, msgspec.json.encode({"address": where}))
            self._tell("connected", f"connected to {settings.kind} {where}")
            while True:
                chunk = await self._read(reader)
                if not chunk:
                    break
                received = True
                await self._take(self._spool.append(RecordType.DATA, settings.name, chunk))
                await self._settle()
        finally:
            self._writer = None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self._disconnected()
        return received

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        limit_s = self.settings.idle_limit_s
        if limit_s is None and self._open is not None:
            limit_s = SILENCE_S  # between documents there may be silence, inside one there is none
        deadline = math.inf if limit_s is None else time.monotonic() + limit_s
        while True:
            wait_s = deadline - time.monotonic()
            if self.interrupted is not None:
                wait_s = min(wait_s, self.settings.resend_wait_s)
            try:
                async with asyncio.timeout(None if math.isinf(wait_s) else wait_s):
                    return await reader.read(CHUNK_BYTES)
            except TimeoutError:
                if time.monotonic() >= deadline:
                    raise
                await self._settle()

    async def _take(self, record: SpoolRecord) -> None:
        for boundary in self.finder.feed(record):
            if boundary.is_end:
                await self._end(boundary, record)
            else:
                await self._begin(boundary, record)
        if self._open is not None:
            scan = self._open
            scan.last = place_in(record, len(record.payload) - 1)
            scan.n_bytes = self.finder.at - scan.at
            scan.last_ns, scan.last_mono_ns = record.wall_ns, record.mono_ns
            if scan.n_bytes > self._scan_limit_bytes:
                await self._cut(f"a scan of more than {self._scan_limit_bytes} bytes")
            elif record.mono_ns - scan.began_mono_ns > self.settings.scan_limit_s * 1e9:
                await self._cut(f"a scan of more than {self.settings.scan_limit_s:g} s")

    async def _begin(self, boundary: Boundary, record: SpoolRecord) -> None:
        device_scan = boundary.device_scan
        scan = self._open
        if scan is not None and device_scan is not None and device_scan == scan.begin.device_scan:
            self.interrupted, self._open = scan, None  # the instrument began it afresh
        if self._open is not None:
            await self._cut("another scan began before it ended")
        self._is_repeat = device_scan is not None and device_scan in self.acknowledged
        if self._is_repeat:
            return
        if self.interrupted is not None:
            await self._resolve_interrupted(device_scan)
        begin = ScanBegin(
            scan_id=new_scan_id(), first=boundary.place, primer=self.finder.primer, device_scan=device_scan
        )
        self._spool.append(RecordType.BEGIN, self.settings.name, msgspec.json.encode(begin))
        # A scan may begin in an earlier record, of which only the place is known; its clock is that of
        # the record that completed its first frame, at most one frame later.
        self._open = OpenScan(
            begin=begin,
            at=boundary.at,
            began_ns=record.wall_ns,
            began_mono_ns=record.mono_ns,
            last=boundary.place,
            n_bytes=0,
            last_ns=record.wall_ns,
            last_mono_ns=record.mono_ns,
        )
        if not boundary.is_complete:
            text = "the connection was made while the scan was under way"
            self._open.notes = (ScanNote(text=text, reason=self._incomplete),)
        self._tell("begun", f"scan {begin.scan_id} began", scan_id=begin.scan_id)

    async def _end(self, boundary: Boundary, record: SpoolRecord) -> None:
        device_scan = boundary.device_scan
        scan = self._open
        if scan is None or scan.begin.device_scan != device_scan:
            if self._is_repeat and device_scan is not None and device_scan in self.acknowledged:
                self._is_repeat = False
                await self._send_acknowledgement(device_scan)
            return
        self._open = None
        scan.last, scan.n_bytes = boundary.place, boundary.at - scan.at
        scan.last_ns, scan.last_mono_ns = record.wall_ns, record.mono_ns
        entry = await self._store(scan, is_closed=not boundary.is_complete)
        if entry is None:
            return
        try:
            if entry.device_scan is not None:
                self.remember(entry.device_scan, entry.scan_id)
                await self._send_acknowledgement(entry.device_scan)
        finally:
            await self._submit(entry)

    async def _cut(self, why: str) -> None:
        """End the open scan where it stands, incomplete."""
        scan, self._open = self._open, None
        if scan is not None:
            scan.notes = (*scan.notes, ScanNote(text=why, reason=self._incomplete))
            entry = await self._store(scan, is_closed=True)
            if entry is not None:
                await self._submit(entry)

    async def _store(self, scan: OpenScan, *, is_closed: bool) -> ScanEntry | None:
        """Write a scan's record and bring it to the disk; return it if it may be acknowledged."""
        entry = self._entry(scan, is_closed=is_closed)
        try:
            record = self._spool.append(RecordType.SCAN, self.settings.name, msgspec.json.encode(entry))
            await self._sync()
            first = Address(entry.first.segment, entry.first.offset)
            is_safe = not self._spool.is_suspect(first, record.address)
            why = f"spool segments {first.segment} to {record.address.segment} may have lost bytes"
        except StoreError as error:
            is_safe, why = False, str(error)
        if is_safe:
            self._tell(
                "stored",
                f"stored {entry.scan_id}",
                scan_id=entry.scan_id,
                container_id=entry.container_id,
                n_bytes=entry.n_bytes,
                kind=entry.kind,
                complete=not is_closed,
            )
            return entry
        self._tell("suspect", f"scan {entry.scan_id} is not safely stored: {why}", scan_id=entry.scan_id)
        scan.notes = (*scan.notes, ScanNote(text=why, reason=ReasonCode.INPUT_CORRUPT))
        self.interrupted, self._interrupted_at = scan, time.monotonic()
        if self._acknowledge is not None:
            raise ConnectionResetError("the scan could not be stored; the instrument has to send it again")
        return None  # a portal cannot send again: the next turn writes it down as it is

    async def _settle(self) -> None:
        """Write down an interrupted scan that will not be sent again."""
        scan = self.interrupted
        if scan is None:
            return
        can_resend = self._acknowledge is not None and scan.begin.device_scan is not None
        if can_resend and time.monotonic() - self._interrupted_at < self.settings.resend_wait_s:
            return
        self.interrupted = None
        await self._write_interrupted(scan)

    async def _resolve_interrupted(self, device_scan: str | None) -> None:
        scan, self.interrupted = self.interrupted, None
        if scan is None:
            return
        if device_scan is not None and device_scan == scan.begin.device_scan:
            body = {"scan_id": scan.begin.scan_id, "device_scan": device_scan}
            self._spool.append(RecordType.DISCARD, self.settings.name, msgspec.json.encode(body))
            text = f"scan {scan.begin.scan_id} is sent again"
            self._tell("discarded", text, scan_id=scan.begin.scan_id)
        else:
            await self._write_interrupted(scan)

    async def _write_interrupted(self, scan: OpenScan) -> None:
        entry = self._entry(scan, is_closed=True)
        try:
            self._spool.append(RecordType.SCAN, self.settings.name, msgspec.json.encode(entry))
            await self._sync()
        except StoreError:
            self.interrupted = scan  # not lost: tried again at the next turn, or after a restart
            raise
        text = f"stored {entry.scan_id}"
        self._tell("stored", text, scan_id=entry.scan_id, container_id=entry.container_id, complete=False)
        await self._submit(entry)

    def _disconnected(self) -> None:
        scan, self._open = self._open, None
        self.finder.reset()
        self._is_repeat = False
        if scan is not None:
            scan.notes = (*scan.notes, ScanNote(text="the connection broke", reason=self._incomplete))
            self.interrupted, self._interrupted_at = scan, time.monotonic()
        with contextlib.suppress(StoreError):
            self._spool.append(RecordType.DISCONNECTED, self.settings.name, b"{}")
        self._tell("disconnected", "disconnected")

    def _entry(self, scan: OpenScan, *, is_closed: bool) -> ScanEntry:
        settings, begin = self.settings, scan.begin
        elapsed_ns = scan.last_ns - scan.began_ns
        elapsed_mono_ns = scan.last_mono_ns - scan.began_mono_ns
        entry = ScanEntry(
            scan_id=begin.scan_id,
            site=self._site,
            lane=settings.name,
            kind=settings.kind,
            mode=self._mode,
            first=begin.first,
            last=scan.last,
            n_bytes=scan.n_bytes,
            began_ns=scan.began_ns,
            ended_ns=scan.last_ns,
            primer=begin.primer,
            is_closed=is_closed,
            device_scan=begin.device_scan,
            make=settings.make,
            model=settings.model,
            is_clock_steady=abs(elapsed_ns - elapsed_mono_ns) <= CLOCK_STEP_NS,
            notes=scan.notes,
        )
        found = self._presence.during(begin.first.sequence, scan.last.sequence)
        if len(found) == 1:
            (reading,) = found
            return msgspec.structs.replace(
                entry,
                container_id=reading.container_id,
                id_source=reading.id_source,
                confidence=reading.confidence,
                manifest=reading.manifest,
                targeting=reading.targeting,
                seal_events=reading.seal_events,
            )
        if len(found) > 1:
            names = ", ".join(reading.container_id for reading in found)
            return entry.with_note(f"several containers stood in the lane: {names}", ReasonCode.ID_MISMATCH)
        return entry

    async def _send_acknowledgement(self, device_scan: str) -> None:
        if self._acknowledge is not None and self._writer is not None:
            self._writer.write(self._acknowledge(device_scan))
            await self._writer.drain()

    @property
    def _incomplete(self) -> ReasonCode:
        return ReasonCode.Q_COVERAGE if self.settings.kind == "linestream" else ReasonCode.Q_OCCUPANCY

    def _tell(
        self,
        event: str,
        text: str,
        *,
        scan_id: str | None = None,
        container_id: str | None = None,
        **fields: object,
    ) -> None:
        self._events.emit(
            event, text, lane=self.settings.name, scan_id=scan_id, container_id=container_id, **fields
        )


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """Have the system find out about a peer that is gone, where nothing is said for hours."""
    link: socket.socket = writer.get_extra_info("socket")
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # The first probe after 30 s, then every 10 s, gone after 3 without an answer. Not every system
    # lets a program set these; its own are then used.
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        option = getattr(socket, name, None)
        if option is not None:
            link.setsockopt(socket.IPPROTO_TCP, option, value)


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "nothing came for too long"
    return str(error) or type(error).__name__

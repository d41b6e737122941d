"""What a former process left in the spool: scans without a result, scans without an end, acknowledgements."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from screening.errors import FormatError
from screening.records import ReasonCode, ScanNote

from .boundaries import BoundaryFinder, place_in
from .lane import OpenScan
from .presence import IdentityReading, Presence, PresenceLog, parse_reading
from .scan_entry import ScanBegin, ScanEntry
from .settings import LaneSettings
from .spool import iterate, read_checkpoint
from .spool_format import Damage, RecordType, SpoolRecord

__all__ = ["LaneState", "Recovered", "recover"]


class LaneState(msgspec.Struct, kw_only=True):
    """What a restart must know of a lane from before the segment it reads from.

    Attributes
    ----------
    acknowledged : dict of str to str
        Scans that were acknowledged: the instrument's name of each, and ours.
    presence : tuple of (IdentityReading, int)
        Who stands in the lane, and since which sequence number.
    """

    acknowledged: dict[str, str] = {}
    presence: tuple[tuple[IdentityReading, int], ...] = ()


class Recovered(msgspec.Struct, kw_only=True):
    """What was found.

    Attributes
    ----------
    entries : dict of str to ScanEntry
        Spooled scans by id, in order; whether they have a result, the store knows.
    open_scans : dict of str to OpenScan
        By lane, the scan that was open at the end.
    acknowledged : dict of str to dict
        By lane, as in LaneState.
    damages : list of Damage
        Places that hold no valid record.
    suspect : set of int
        Segments marked suspect.
    last_data : dict of str to SpoolRecord
        By lane, the last bytes received.
    """

    entries: dict[str, ScanEntry] = {}
    open_scans: dict[str, OpenScan] = {}
    acknowledged: dict[str, dict[str, str]] = {}
    damages: list[Damage] = []
    suspect: set[int] = set()
    last_data: dict[str, SpoolRecord] = {}


def recover(
    folder: Path,
    lanes: tuple[LaneSettings, ...],
    finders: dict[str, BoundaryFinder],
    presences: dict[str, PresenceLog],
) -> Recovered:
    """Read the spool from its checkpoint on.

    Parameters
    ----------
    folder : Path
        The spool.
    lanes : tuple of LaneSettings
        The lanes of today's settings; others are passed over, their scans are not.
    finders : dict of str to BoundaryFinder
        By lane; they see the bytes again, for the state that outlasts a scan.
    presences : dict of str to PresenceLog
        By lane; filled.

    Returns
    -------
    Recovered
        What was found.
    """
    found = Recovered()
    handlers: dict[int, Callable[[SpoolRecord], None]] = {
        RecordType.BEGIN: lambda record: _begin(found, record),
        RecordType.SCAN: lambda record: _scan(found, record),
        RecordType.DISCARD: lambda record: _discard(found, record),
        RecordType.GAP: lambda record: _gap(found, record),
        RecordType.STATE: lambda record: _state(found, presences, record),
        RecordType.IDENTITY: lambda record: _identity(presences, record),
        RecordType.DATA: lambda record: _data(found, finders, record),
        RecordType.DISCONNECTED: lambda record: _disconnected(finders, record),
    }
    names = {lane.name for lane in lanes}
    for entry in iterate(folder, from_segment=read_checkpoint(folder)):
        if isinstance(entry, Damage):
            found.damages.append(entry)
            _note_damage(found)
            continue
        handle = handlers.get(entry.type)
        if handle is not None:
            try:
                handle(entry)
            except (msgspec.DecodeError, LookupError):
                # Intact bytes that this version cannot read: told, and no reason not to start.
                found.damages.append(Damage(entry.address, 0, at_tail=False))
    for finder in finders.values():
        finder.reset()
    _reopen_unsafe(found)
    for lane in [lane for lane in found.open_scans if lane not in names]:
        del found.open_scans[lane]  # that instrument is gone; its bytes stay in the spool
    return found


def _begin(found: Recovered, record: SpoolRecord) -> None:
    begin = msgspec.json.decode(record.payload, type=ScanBegin)
    note = ScanNote(text="acquisition stopped before the end of the scan", reason=_incomplete(begin))
    scan = OpenScan(
        begin=begin,
        at=0,
        began_ns=record.wall_ns,
        began_mono_ns=record.mono_ns,
        last=begin.first,
        n_bytes=-1,
        last_ns=record.wall_ns,
        last_mono_ns=record.mono_ns,
        notes=(note,),
    )
    found.open_scans[record.lane] = scan
    data = found.last_data.get(record.lane)
    if data is not None:  # a BEGIN follows the bytes in which the beginning was found
        _reach(scan, data)


def _scan(found: Recovered, record: SpoolRecord) -> None:
    entry = msgspec.json.decode(record.payload, type=ScanEntry)
    found.entries[entry.scan_id] = entry
    if entry.device_scan is not None and not entry.is_closed:
        found.acknowledged.setdefault(record.lane, {})[entry.device_scan] = entry.scan_id
    _close(found, record.lane, entry.scan_id)


def _discard(found: Recovered, record: SpoolRecord) -> None:
    scan_id = msgspec.json.decode(record.payload, type=dict[str, str])["scan_id"]
    entry = found.entries.pop(scan_id, None)
    if entry is not None and entry.device_scan is not None:
        found.acknowledged.get(record.lane, {}).pop(entry.device_scan, None)
    _close(found, record.lane, scan_id)


def _close(found: Recovered, lane: str, scan_id: str) -> None:
    scan = found.open_scans.get(lane)
    if scan is not None and scan.begin.scan_id == scan_id:
        del found.open_scans[lane]


def _gap(found: Recovered, record: SpoolRecord) -> None:
    suspect = msgspec.json.decode(record.payload, type=dict[str, int]).get("suspect")
    if suspect is not None:
        found.suspect.add(suspect)


def _state(found: Recovered, presences: dict[str, PresenceLog], record: SpoolRecord) -> None:
    state = msgspec.json.decode(record.payload, type=LaneState)
    known = found.acknowledged.setdefault(record.lane, {})
    found.acknowledged[record.lane] = {**state.acknowledged, **known}
    log = presences.get(record.lane)
    if log is not None:
        log.restore(Presence(reading=reading, first=first) for reading, first in state.presence)


def _identity(presences: dict[str, PresenceLog], record: SpoolRecord) -> None:
    log = presences.get(record.lane)
    if log is None:
        return
    try:
        log.take(parse_reading(record.payload), record.sequence)
    except FormatError:
        return  # it was told when it came


def _data(found: Recovered, finders: dict[str, BoundaryFinder], record: SpoolRecord) -> None:
    finder = finders.get(record.lane)
    if finder is not None:
        finder.feed(record)
    found.last_data[record.lane] = record
    scan = found.open_scans.get(record.lane)
    if scan is not None:
        _reach(scan, record)


def _reach(scan: OpenScan, record: SpoolRecord) -> None:
    scan.last = place_in(record, len(record.payload) - 1)
    scan.last_ns, scan.last_mono_ns = record.wall_ns, record.mono_ns


def _reopen_unsafe(found: Recovered) -> None:
    """Take back scans whose bytes may not have reached the disk, where the instrument can send again.

    They were never acknowledged. What reads well now may have been read from memory.
    """
    for entry in list(found.entries.values()):
        segments = range(entry.first.segment, entry.last.segment + 1)
        if entry.device_scan is None or entry.is_closed or not found.suspect.intersection(segments):
            continue
        del found.entries[entry.scan_id]
        found.acknowledged.get(entry.lane, {}).pop(entry.device_scan, None)
        begin = ScanBegin(
            scan_id=entry.scan_id, first=entry.first, primer=entry.primer, device_scan=entry.device_scan
        )
        text = "writing the scan to the disk failed"
        found.open_scans[entry.lane] = OpenScan(
            begin=begin,
            at=0,
            began_ns=entry.began_ns,
            began_mono_ns=0,
            last=entry.last,
            n_bytes=entry.n_bytes,
            last_ns=entry.ended_ns,
            last_mono_ns=entry.ended_ns - entry.began_ns,
            notes=(*entry.notes, ScanNote(text=text, reason=ReasonCode.INPUT_CORRUPT)),
        )


def _incomplete(begin: ScanBegin) -> ReasonCode:
    return ReasonCode.Q_OCCUPANCY if begin.device_scan is None else ReasonCode.Q_COVERAGE


def _disconnected(finders: dict[str, BoundaryFinder], record: SpoolRecord) -> None:
    finder = finders.get(record.lane)
    if finder is not None:
        finder.reset()


def _note_damage(found: Recovered) -> None:
    note = ScanNote(text="the spool was damaged during the scan", reason=ReasonCode.INPUT_CORRUPT)
    for scan in found.open_scans.values():
        scan.notes = (*scan.notes, note)

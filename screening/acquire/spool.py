"""The spool: what was received, on disk before it is parsed, in append-only CRC-checked segments.

One process writes; analysis children read. A kill or a power cut can tear the last record only;
everything before it is found again, and what is missing is told, never closed up.
"""

from __future__ import annotations

import contextlib
import errno
import json
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from screening.errors import StoreError

from .folder_lock import FolderLock
from .segment_files import DiskFiles, SegmentFiles
from .spool_format import (
    SEGMENT_HEADER_SIZE,
    Address,
    Damage,
    RecordType,
    SpoolRecord,
    decode_segment_header,
    encode_record,
    encode_segment_header,
    scan_segment,
)

__all__ = ["Spool", "iterate", "read_checkpoint", "read_range"]

SEGMENT_SUFFIX = ".spool"


class Spool:
    """The writing end of a spool. Safe to append from one thread and sync from another.

    Parameters
    ----------
    folder : Path
        Folder of the segments; made if missing.
    segment_bytes : int
        Size beyond which a new segment begins.
    files : SegmentFiles, optional
        The operating system.

    Attributes
    ----------
    folder : Path
        Folder of the segments.
    damages : tuple of Damage
        What opening found broken in the last segment.
    suspect : set of int
        Segments whose bytes may not be on the disk: writing them back failed.

    Raises
    ------
    StoreError
        If another process writes this spool, or the disk refuses.
    """

    def __init__(
        self, folder: Path, *, segment_bytes: int = 32 << 20, files: SegmentFiles | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.suspect: set[int] = set()
        self._files = files or DiskFiles()
        self._segment_bytes = segment_bytes
        self._state = threading.Lock()
        self._sync = threading.Lock()
        self._untold: list[int] = []
        self._fd: int | None = None
        self._size = 0
        self._sequence = 0
        self._lock = FolderLock(folder)
        try:
            numbers = _segment_numbers(folder)
            self._number = numbers[-1] if numbers else 0
            self.damages = self._recover(numbers)
            self._begin_segment()
        except BaseException:
            self._lock.release()
            raise

    def append(self, kind: RecordType, lane: str, payload: bytes) -> SpoolRecord:
        """Write one record. It is on the disk only after :meth:`sync`.

        Parameters
        ----------
        kind : RecordType
            What the payload is.
        lane : str
            Lane it belongs to.
        payload : bytes
            At most MAX_PAYLOAD bytes.

        Returns
        -------
        SpoolRecord
            What was written, and where.

        Raises
        ------
        StoreError
            If the disk refuses; nothing of the record is then left behind, or its segment is suspect.
        """
        if self._fd is None or self._size >= self._segment_bytes:
            with self._sync, self._state:
                self._rotate()
        with self._state:
            if self._fd is None:
                raise StoreError("the spool has no open segment", value=str(self.folder))
            return self._write_record(kind, lane, payload)

    def sync(self) -> None:
        """Bring everything appended so far to the disk.

        Raises
        ------
        StoreError
            If the disk refuses. The segment is then suspect and a new one begun: what a failed
            fsync left unwritten may be dropped by the kernel, and a second fsync would not say so.
        """
        with self._sync:
            with self._state:
                fd, number = self._fd, self._number
            if fd is None:
                raise StoreError("the spool has no open segment", value=str(self.folder))
            try:
                self._files.sync(fd)
            except OSError as error:
                with self._state:
                    self._abandon(number, f"fsync: {_why(error)}")
                    with contextlib.suppress(StoreError):
                        self._begin_segment()
                raise StoreError(
                    f"spool segment {number}: fsync failed ({_why(error)})", value=number
                ) from None

    def is_suspect(self, first: Address, last: Address) -> bool:
        """Return whether a stretch of records may have lost bytes to a failed write.

        Parameters
        ----------
        first, last : Address
            Ends of the stretch.

        Returns
        -------
        bool
            Whether one of its segments is suspect.
        """
        return any(first.segment <= number <= last.segment for number in self.suspect)

    @property
    def number(self) -> int:
        """Number of the segment that is being written."""
        return self._number

    def checkpoint(self, segment: int) -> None:
        """Remember that every scan which began before a segment is dealt with.

        Parameters
        ----------
        segment : int
            Number of the first segment that a restart has to read.
        """
        temporary = self.folder / "checkpoint.new"
        temporary.write_text(json.dumps({"segment": segment}), encoding="utf-8")
        temporary.replace(self.folder / "checkpoint")

    def close(self) -> None:
        """Sync, close and unlock; a second call does nothing."""
        with self._sync, self._state:
            if self._fd is not None:
                with contextlib.suppress(OSError):
                    self._files.sync(self._fd)
                self._files.close(self._fd)
                self._fd = None
        self._lock.release()

    def _recover(self, numbers: list[int]) -> tuple[Damage, ...]:
        # Only the last segment can be torn: an earlier one was synced before the next began. One
        # that was cut inside its header holds no record; the one before it then gives the sequence.
        damages: list[Damage] = []
        for number in reversed(numbers):
            records, found = _read_segment(self.folder, number)
            damages = [*found, *damages]
            if records:
                self._sequence = records[-1].sequence + 1
                break
        return tuple(damages)

    def _begin_segment(self) -> None:
        number = self._number + 1
        path = _segment_path(self.folder, number)
        try:
            fd = self._files.create(path)
        except OSError as error:
            raise StoreError(f"{path.name}: cannot be created ({_why(error)})", value=str(path)) from error
        self._fd, self._number, self._size = fd, number, 0
        header = encode_segment_header(number, time.time_ns())
        self._write(header, 0)
        self._size = len(header)
        try:
            self._files.sync_folder(self.folder)
        except OSError as error:
            self._abandon(number, f"folder: {_why(error)}")
            raise StoreError(
                f"{path.name}: the folder cannot be synced ({_why(error)})", value=number
            ) from None

    def _rotate(self) -> None:
        if self._fd is not None:
            fd, number = self._fd, self._number
            try:
                self._files.sync(fd)
            except OSError as error:
                self._abandon(number, f"fsync: {_why(error)}")
            else:
                self._fd = None
                self._files.close(fd)
        self._begin_segment()

    def _write_record(self, kind: RecordType, lane: str, payload: bytes) -> SpoolRecord:
        mono_ns, wall_ns = time.monotonic_ns(), time.time_ns()
        data = encode_record(kind, lane, payload, sequence=self._sequence, mono_ns=mono_ns, wall_ns=wall_ns)
        self._write(data, self._size)
        address, sequence = Address(self._number, self._size), self._sequence
        self._size += len(data)
        self._sequence += 1
        return SpoolRecord(address, self._size, kind, lane, sequence, mono_ns, wall_ns, payload)

    def _write(self, data: bytes, start: int) -> None:
        assert self._fd is not None  # noqa: S101 - every caller has just opened one
        view = memoryview(data)
        try:
            while view:
                view = view[self._files.write(self._fd, view) :]
        except OSError as error:
            number = self._number
            try:
                self._files.truncate(self._fd, start)
            except OSError:
                self._abandon(number, f"write: {_why(error)}")
            if start == 0:  # not even the header: an empty segment must not be written to
                self._abandon(number, f"write: {_why(error)}")
            full = " (disk full)" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
            message = f"spool segment {number}: cannot be written{full}: {_why(error)}"
            raise StoreError(message, value=number) from None

    def _abandon(self, number: int, why: str) -> None:
        if self._fd is None or number != self._number:
            return
        self.suspect.add(number)
        self._untold.append(number)
        with contextlib.suppress(OSError):
            self._files.close(self._fd)
        self._fd = None
        with contextlib.suppress(OSError):  # for a person who looks at the folder later
            (self.folder / f"{number:012d}.suspect").write_text(why + "\n", encoding="utf-8")


def iterate(folder: Path, *, from_segment: int = 0) -> Iterator[SpoolRecord | Damage]:
    """Read a spool from one of its segments to its end.

    Parameters
    ----------
    folder : Path
        Folder of the segments.
    from_segment : int
        First segment to read.

    Returns
    -------
    iterator of SpoolRecord or Damage
        In order; a Damage also where sequence numbers are missing.
    """
    numbers = (number for number in _segment_numbers(folder) if number >= from_segment)
    return _told_of_jumps(entry for number in numbers for entry in _in_order(*_read_segment(folder, number)))


def read_range(
    folder: Path, first: Address, last: Address, last_end: int, lane: str
) -> tuple[list[SpoolRecord], list[Damage]]:
    """Read one lane's records between two addresses.

    Parameters
    ----------
    folder : Path
        Folder of the segments.
    first, last : Address
        First and last record.
    last_end : int
        Offset just behind the last record.
    lane : str
        Lane whose records are wanted.

    Returns
    -------
    records : list of SpoolRecord
        The lane's records, in order.
    damages : list of Damage
        What of the stretch could not be read, of whichever lane.
    """
    records: list[SpoolRecord] = []
    damages: list[Damage] = []
    for entry in _told_of_jumps(_stretch(folder, first, last, last_end)):
        if isinstance(entry, Damage):
            damages.append(entry)
        elif entry.lane == lane:
            records.append(entry)
    if not damages and (not records or records[0].address != first or records[-1].address != last):
        damages.append(Damage(first, 0, at_tail=False))
    return records, damages


def read_checkpoint(folder: Path) -> int:
    """Return the first segment that a restart has to read.

    Parameters
    ----------
    folder : Path
        Folder of the segments.

    Returns
    -------
    int
        Its number; 0 (read everything) without a readable checkpoint.
    """
    try:
        found = json.loads((folder / "checkpoint").read_text(encoding="utf-8"))["segment"]
    except (OSError, ValueError, KeyError, TypeError):
        return 0
    return found if isinstance(found, int) else 0


def _segment_path(folder: Path, number: int) -> Path:
    return folder / f"{number:012d}{SEGMENT_SUFFIX}"


def _segment_numbers(folder: Path) -> list[int]:
    stems = (path.stem for path in folder.glob(f"*{SEGMENT_SUFFIX}"))
    return sorted(int(stem) for stem in stems if stem.isdigit())


def _read_segment(folder: Path, number: int) -> tuple[list[SpoolRecord], list[Damage]]:
    path = _segment_path(folder, number)
    try:
        blob = path.read_bytes()
        if decode_segment_header(blob) != number:
            raise StoreError(f"{path.name} holds another segment", value=number)
    except OSError as error:
        raise StoreError(f"{path.name}: cannot be read ({_why(error)})", value=str(path)) from None
    except StoreError:
        # A damaged header costs no record: the search finds the first one behind it.
        records, damages = scan_segment(number, blob)
        return records, damages
    return scan_segment(number, blob[SEGMENT_HEADER_SIZE:], base=SEGMENT_HEADER_SIZE)


def _stretch(folder: Path, first: Address, last: Address, last_end: int) -> Iterator[SpoolRecord | Damage]:
    for number in range(first.segment, last.segment + 1):
        start = first.offset if number == first.segment else SEGMENT_HEADER_SIZE
        try:
            with _segment_path(folder, number).open("rb") as file:
                file.seek(start)
                blob = file.read(last_end - start if number == last.segment else -1)
        except OSError:
            yield Damage(Address(number, start), 0, at_tail=False)
        else:
            yield from _in_order(*scan_segment(number, blob, base=start))


def _in_order(records: list[SpoolRecord], damages: list[Damage]) -> list[SpoolRecord | Damage]:
    entries: list[SpoolRecord | Damage] = [*records, *damages]
    return sorted(entries, key=lambda entry: entry.address)


def _told_of_jumps(entries: Iterable[SpoolRecord | Damage]) -> Iterator[SpoolRecord | Damage]:
    expected: int | None = None
    is_told = False
    for entry in entries:
        if isinstance(entry, SpoolRecord):
            if expected is not None and entry.sequence != expected and not is_told:
                yield Damage(entry.address, 0, at_tail=False)
            expected = entry.sequence + 1
        is_told = isinstance(entry, Damage)
        yield entry


def _why(error: OSError) -> str:
    return error.strerror or str(error)

"""The spool keeps what it took, tells what it lost, and serves one writer."""

from __future__ import annotations

import errno
import multiprocessing
import os
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screening.acquire.segment_files import DiskFiles
from screening.acquire.spool import Spool, iterate, read_checkpoint, read_range
from screening.acquire.spool_format import (
    SEGMENT_HEADER_SIZE,
    Damage,
    RecordType,
    SpoolRecord,
    decode_segment_header,
    encode_record,
    encode_segment_header,
    scan_segment,
)
from screening.errors import StoreError

DATA = RecordType.DATA


def _payloads(folder: Path) -> list[bytes]:
    return [entry.payload for entry in iterate(folder) if isinstance(entry, SpoolRecord)]


def _damages(folder: Path) -> list[Damage]:
    return [entry for entry in iterate(folder) if isinstance(entry, Damage)]


def _last_segment(folder: Path) -> Path:
    return max(folder.glob("*.spool"))


def test_golden_bytes_of_version_1() -> None:
    # Written out by hand from docs/spool.md: an encoder and a decoder by one hand can agree and be wrong.
    header = b"SCRSPOOL" + struct.pack("<HHQq", 1, 32, 7, 1_000)
    assert encode_segment_header(7, 1_000) == header + struct.pack("<I", zlib.crc32(header))
    body = b"\xa5REC" + bytes([1, 2, 0, 0]) + struct.pack("<IQqq", 3, 9, 11, 13) + b"P1" + b"abc"
    encoded = encode_record(DATA, "P1", b"abc", sequence=9, mono_ns=11, wall_ns=13)
    assert encoded == body + struct.pack("<I", zlib.crc32(body))
    (record,), damages = scan_segment(7, encoded, base=32)
    assert damages == []
    assert (record.lane, record.sequence, record.mono_ns, record.wall_ns) == ("P1", 9, 11, 13)
    assert record.payload == b"abc"
    assert (record.address, record.end) == ((7, 32), 32 + len(encoded))


def test_records_survive_reopening_in_order(tmp_path: Path) -> None:
    with_spool = Spool(tmp_path, segment_bytes=200)
    for i in range(20):
        with_spool.append(DATA, "P1", f"line {i}".encode())
    with_spool.close()
    again = Spool(tmp_path)
    again.append(DATA, "P1", b"after")
    again.close()
    assert _payloads(tmp_path) == [*(f"line {i}".encode() for i in range(20)), b"after"]
    assert len(list(tmp_path.glob("*.spool"))) > 3
    assert _damages(tmp_path) == []


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(min_value=0, max_value=400), flip=st.integers(min_value=0, max_value=10_000))
def test_torn_tail_gives_the_exact_valid_prefix(cut: int, flip: int) -> None:
    records = [encode_record(DATA, "L", bytes([i]) * i, sequence=i, mono_ns=i, wall_ns=i) for i in range(8)]
    ends = [sum(map(len, records[: i + 1])) for i in range(8)]
    blob = b"".join(records)
    torn = blob[: len(blob) - cut]
    found, damages = scan_segment(1, torn)
    n_whole = sum(end <= len(torn) for end in ends)
    assert [r.payload for r in found] == [bytes([i]) * i for i in range(n_whole)]
    lost = len(torn) - (ends[n_whole - 1] if n_whole else 0)
    assert [d.n_bytes for d in damages] == ([lost] if lost else [])
    assert all(d.at_tail for d in damages)

    at = flip % len(blob)
    flipped = bytearray(blob)
    flipped[at] ^= 1 << (flip % 8)
    hit = next(i for i, end in enumerate(ends) if at < end)
    found, damages = scan_segment(1, bytes(flipped))
    assert [r.sequence for r in found] == [i for i in range(8) if i != hit]
    assert len(damages) == 1
    assert damages[0].n_bytes == len(records[hit])
    assert damages[0].at_tail == (hit == 7)


def test_reopening_over_a_torn_tail_goes_on_and_tells(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    first = spool.append(DATA, "P1", b"whole")
    spool.append(DATA, "P1", b"torn")
    spool.close()
    segment = _last_segment(tmp_path)
    segment.write_bytes(segment.read_bytes()[:-3])
    again = Spool(tmp_path)
    assert [d.address.offset for d in again.damages] == [first.end]
    after = again.append(DATA, "P1", b"after")
    again.close()
    assert after.sequence == first.sequence + 1
    assert _payloads(tmp_path) == [b"whole", b"after"]
    assert len(_damages(tmp_path)) == 1


def test_a_segment_torn_in_its_header_keeps_the_numbering(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(DATA, "P1", b"one")
    spool.close()
    (tmp_path / "000000000002.spool").write_bytes(b"SCRSP")
    again = Spool(tmp_path)
    record = again.append(DATA, "P1", b"two")
    again.close()
    assert (record.address.segment, record.sequence) == (3, 1)
    assert _payloads(tmp_path) == [b"one", b"two"]


def test_newer_version_is_refused() -> None:
    header = b"SCRSPOOL" + struct.pack("<HHQq", 2, 32, 7, 1_000)
    with pytest.raises(StoreError, match="newer"):
        decode_segment_header(header + struct.pack("<I", zlib.crc32(header)))


def test_read_range_takes_one_lane_and_tells_what_is_missing(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_bytes=300)
    wanted = []
    for i in range(12):
        spool.append(DATA, "other", b"noise" * 3)
        wanted.append(spool.append(DATA, "P1", bytes([i])))
    spool.close()
    first, last = wanted[2], wanted[9]
    records, damages = read_range(tmp_path, first.address, last.address, last.end, "P1")
    assert [r.payload for r in records] == [bytes([i]) for i in range(2, 10)]
    assert damages == []

    hit = wanted[5]
    path = tmp_path / f"{hit.address.segment:012d}.spool"
    blob = bytearray(path.read_bytes())
    blob[hit.end - 5] ^= 0x10
    path.write_bytes(bytes(blob))
    records, damages = read_range(tmp_path, first.address, last.address, last.end, "P1")
    assert [r.payload for r in records] == [bytes([i]) for i in range(2, 10) if i != 5]
    assert [d.address for d in damages] == [hit.address]

    path.unlink()
    _, damages = read_range(tmp_path, first.address, last.address, last.end, "P1")
    assert damages


def test_a_missing_segment_shows_as_damage(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_bytes=100)
    for i in range(9):
        spool.append(DATA, "P1", bytes([i]))
    spool.close()
    (tmp_path / "000000000002.spool").unlink()
    assert len(_damages(tmp_path)) == 1


def _try_to_open(folder: str, queue: multiprocessing.Queue[str]) -> None:
    try:
        Spool(Path(folder)).close()
    except StoreError as error:
        queue.put(str(error))
    else:
        queue.put("opened")


def test_second_process_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[str] = context.Queue()
    spool = Spool(tmp_path)
    for expected in ("in use", "opened"):
        child = context.Process(target=_try_to_open, args=(str(tmp_path), queue))
        child.start()
        answer = queue.get(timeout=60)
        child.join(60)
        assert expected in answer
        if expected == "in use":
            assert str(os.getpid()) in answer
            spool.close()
    queue.close()
    queue.join_thread()


class FailingFiles(DiskFiles):
    """Fails the n-th call of one operation."""

    def __init__(self, operation: str, at: int, code: int, *, partial: int = 0) -> None:
        self.operation, self.at, self.code, self.partial = operation, at, code, partial
        self.n_calls = 0

    def _maybe_fail(self, operation: str) -> bool:
        if operation != self.operation:
            return False
        self.n_calls += 1
        return self.n_calls == self.at

    def write(self, fd: int, data: bytes | memoryview) -> int:
        if self._maybe_fail("write"):
            if self.partial:
                super().write(fd, data[: self.partial])
            raise OSError(self.code, os.strerror(self.code))
        return super().write(fd, data)

    def sync(self, fd: int) -> None:
        if self._maybe_fail("sync"):
            raise OSError(self.code, os.strerror(self.code))
        super().sync(fd)

    def truncate(self, fd: int, size: int) -> None:
        if self._maybe_fail("truncate"):
            raise OSError(self.code, os.strerror(self.code))
        super().truncate(fd, size)


@pytest.mark.parametrize("at", range(2, 8))
def test_disk_full_leaves_no_half_record_and_resumes(tmp_path: Path, at: int) -> None:
    files = FailingFiles("write", at, errno.ENOSPC, partial=11)
    spool = Spool(tmp_path, files=files)
    kept = []
    for i in range(8):
        payload = f"record {i}".encode()
        if files.n_calls == at - 1:
            with pytest.raises(StoreError, match="disk full"):
                spool.append(DATA, "P1", payload)
        else:
            spool.append(DATA, "P1", payload)
            kept.append(payload)
    spool.sync()
    spool.close()
    assert len(kept) == 7
    assert _payloads(tmp_path) == kept
    assert _damages(tmp_path) == []
    assert spool.suspect == set()


def test_failed_fsync_makes_the_segment_suspect_and_begins_another(tmp_path: Path) -> None:
    spool = Spool(tmp_path, files=FailingFiles("sync", 2, errno.EIO))
    before = spool.append(DATA, "P1", b"before")
    spool.sync()
    lost = spool.append(DATA, "P1", b"perhaps lost")
    with pytest.raises(StoreError, match="fsync failed"):
        spool.sync()
    after = spool.append(DATA, "P1", b"after")
    spool.sync()
    spool.close()
    assert after.address.segment == before.address.segment + 1
    assert spool.is_suspect(before.address, lost.address)
    assert spool.is_suspect(lost.address, after.address)
    assert not spool.is_suspect(after.address, after.address)
    assert list(tmp_path.glob("*.suspect"))


def test_a_record_that_cannot_be_taken_back_closes_its_segment(tmp_path: Path) -> None:
    class Worse(FailingFiles):
        def truncate(self, fd: int, size: int) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    spool = Spool(tmp_path, files=Worse("write", 3, errno.EIO, partial=9))
    first = spool.append(DATA, "P1", b"first")
    with pytest.raises(StoreError):
        spool.append(DATA, "P1", b"second")
    third = spool.append(DATA, "P1", b"third")
    spool.close()
    assert third.address.segment == first.address.segment + 1
    assert _payloads(tmp_path) == [b"first", b"third"]
    assert [d.n_bytes for d in _damages(tmp_path)] == [9]


def test_a_full_disk_at_rotation_resumes_when_space_returns(tmp_path: Path) -> None:
    class Full(DiskFiles):
        full = False

        def create(self, path: Path) -> int:
            if self.full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().create(path)

    files = Full()
    spool = Spool(tmp_path, segment_bytes=SEGMENT_HEADER_SIZE + 1, files=files)
    spool.append(DATA, "P1", b"first")
    files.full = True
    for _ in range(3):
        with pytest.raises(StoreError):
            spool.append(DATA, "P1", b"no room")
    files.full = False
    spool.append(DATA, "P1", b"room again")
    spool.sync()
    spool.close()
    assert _payloads(tmp_path) == [b"first", b"room again"]
    assert _damages(tmp_path) == []


def test_checkpoint_is_read_back_and_a_broken_one_reads_everything(tmp_path: Path) -> None:
    assert read_checkpoint(tmp_path) == 0
    spool = Spool(tmp_path)
    spool.checkpoint(5)
    spool.close()
    assert read_checkpoint(tmp_path) == 5
    (tmp_path / "checkpoint").write_text("{", encoding="utf-8")
    assert read_checkpoint(tmp_path) == 0

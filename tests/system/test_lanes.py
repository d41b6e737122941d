"""From an emulated instrument over TCP and the spool back to the scan: nothing changed, nothing lost."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from screening.acquire import lane as lane_module
from screening.acquire import settings as settings_module
from screening.acquire.reading import read_scan, read_spooled
from screening.acquire.scan_entry import ScanEntry
from screening.acquire.segment_files import DiskFiles
from screening.acquire.settings import LaneSettings
from screening.records import Gap, Occupancy, Radiograph, ReasonCode, Scan
from screening.simulation.emulators import Passage, PortalEmulator, ScannerEmulator, Vehicle
from screening.simulation.occupancies import OccupancyRecipe, simulate_occupancy
from screening.simulation.radiographs import RadiographRecipe, simulate_radiograph

pytestmark = pytest.mark.timeout(60)

BOX = "CSQU3054383"
FAST = 200.0


@pytest.fixture(scope="module")
def occupancy() -> Scan:
    return simulate_occupancy(OccupancyRecipe(vehicle_m=8.0, seed=3))[0]


@pytest.fixture(scope="module")
def spectra() -> Scan:
    return simulate_occupancy(OccupancyRecipe(portal="srpm", n_channel=64, vehicle_m=8.0, seed=3))[0]


@pytest.fixture(scope="module")
def picture() -> Scan:
    return simulate_radiograph(RadiographRecipe(scale=10.0, length="20", seed=5))[0]


def _passage(scan: Scan, spectra: Scan | None = None, *, container_id: str | None = BOX) -> Passage:
    vehicle = None if container_id is None else Vehicle(container_id)
    return Passage(vehicle, scan, str(uuid.uuid4()), spectra)


def _read(folder: Path, entry: ScanEntry) -> Scan:
    # Through JSON, as the record stands in the spool and as a child is given it.
    entry = msgspec.json.decode(msgspec.json.encode(entry), type=ScanEntry)
    return read_scan(read_spooled(folder, entry), entry)


def _reasons(scan: Scan) -> set[ReasonCode]:
    return {note.reason for note in scan.notes if note.reason is not None}


def _same_counts(read: Scan, sent: Scan) -> None:
    got, wanted = read.payload, sent.payload
    assert isinstance(got, Occupancy)
    assert isinstance(wanted, Occupancy)
    np.testing.assert_array_equal(got.gamma_counts, wanted.gamma_counts)
    np.testing.assert_array_equal(got.neutron_counts, wanted.neutron_counts)
    assert got.n_prior == wanted.n_prior
    assert got.background is not None
    assert wanted.background is not None
    np.testing.assert_allclose(got.background.gamma_cps, wanted.background.gamma_cps, atol=0.5)
    assert got.is_complete


def _same_picture(read: Scan, sent: Scan) -> None:
    got, wanted = read.payload, sent.payload
    assert isinstance(got, Radiograph)
    assert isinstance(wanted, Radiograph)
    np.testing.assert_array_equal(got.raw, wanted.raw)
    np.testing.assert_array_equal(got.is_lost, wanted.is_lost)
    assert got.gaps == wanted.gaps
    assert got.calibration is not None
    assert wanted.calibration is not None
    np.testing.assert_array_equal(got.calibration.air, wanted.calibration.air)
    assert got.is_complete


@pytest.mark.parametrize("chunk", [1, 65536])
def test_portal_lines_arrive_as_they_were_sent(
    chunk: int,
    occupancy: Scan,
    lane_bench: Callable[..., Any],
    in_turn: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lane_module, "CHUNK_BYTES", chunk)

    async def run() -> tuple[Path, list[ScanEntry]]:
        # Byte by byte takes its time: the vehicle must not have left before its counts are read.
        factor = FAST / 10 if chunk == 1 else FAST
        emulator = PortalEmulator(n42_port=None, speed_factor=factor, gap_s=4.0)
        await emulator.start()
        port, identity_port = emulator.lines.port, emulator.identity.port
        settings = LaneSettings(name="P1", kind="rpm", port=port, identity_port=identity_port)
        async with lane_bench(settings) as bench:
            await asyncio.sleep(0.1)
            driving = asyncio.create_task(emulator.drive(in_turn([_passage(occupancy)] * 2)))
            await bench.wait_for(2)
            await bench.while_served(driving)
            assert len(bench.told("stored")) == 2
        await emulator.stop()
        return bench.folder, bench.entries

    folder, entries = asyncio.run(run())
    assert len({entry.scan_id for entry in entries}) == 2
    for entry in entries:
        scan = _read(folder, entry)
        _same_counts(scan, occupancy)
        assert scan.identity.container_id == BOX
        assert scan.identity.scan_id == entry.scan_id
        assert uuid.UUID(entry.scan_id).version == 7
        assert _reasons(scan) == set()
        (ref,) = scan.inputs
        assert ref.n_bytes == entry.n_bytes


def test_n42_documents_arrive_whole_and_in_host_time(
    occupancy: Scan, spectra: Scan, lane_bench: Callable[..., Any], in_turn: Callable[..., Any]
) -> None:
    async def run() -> tuple[Path, list[ScanEntry]]:
        emulator = PortalEmulator(speed_factor=FAST, gap_s=1.0)
        await emulator.start()
        assert emulator.documents is not None
        settings = LaneSettings(name="S1", kind="n42", port=emulator.documents.port)
        async with lane_bench(settings) as bench:
            # The portal waits for somebody who reads its lines as well.
            _, writer = await asyncio.open_connection("127.0.0.1", emulator.lines.port)
            await bench.while_served(emulator.drive(in_turn([_passage(occupancy, spectra)])))
            await bench.wait_for(1)
            writer.close()
        await emulator.stop()
        return bench.folder, bench.entries

    folder, (entry,) = asyncio.run(run())
    scan = _read(folder, entry)
    assert isinstance(scan.payload, Occupancy)
    assert isinstance(spectra.payload, Occupancy)
    assert scan.payload.spectra is not None
    np.testing.assert_array_equal(scan.payload.spectra, spectra.payload.spectra)
    assert scan.identity.container_id is None
    assert scan.identity.t_end_utc is not None
    assert abs((scan.identity.t_end_utc - datetime.now(UTC)).total_seconds()) < 60
    assert scan.identity.clock.is_synchronised is None


def test_an_old_document_says_that_its_clock_is_not_understood(
    spectra: Scan, lane_bench: Callable[..., Any]
) -> None:
    from screening.formats.n42 import write_n42
    from screening.formats.n42stream import encode

    document = encode(write_n42(spectra))  # of January: a replay, or a clock that lost its battery

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(document)
        await writer.drain()
        await reader.read()
        writer.close()

    async def run() -> tuple[Path, list[ScanEntry]]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        settings = LaneSettings(name="S1", kind="n42", port=server.sockets[0].getsockname()[1])
        async with lane_bench(settings) as bench:
            await bench.wait_for(1)
        server.close()
        await asyncio.sleep(0.05)  # the other end of the last connection closes
        return bench.folder, bench.entries

    folder, (entry,) = asyncio.run(run())
    assert _read(folder, entry).identity.clock.is_synchronised is False


@pytest.mark.parametrize("chunk", [11, 65536])
@pytest.mark.parametrize("lines_lost", [0.0, 1e-2, 0.1])
def test_pictures_arrive_with_every_lost_line_counted_at_its_place(
    chunk: int,
    lines_lost: float,
    lane_bench: Callable[..., Any],
    in_turn: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lane_module, "CHUNK_BYTES", chunk)
    scan, truth = simulate_radiograph(
        RadiographRecipe(scale=12.0, length="20", lines_lost=lines_lost, seed=5)
    )

    async def run() -> tuple[Path, list[ScanEntry]]:
        emulator = ScannerEmulator(speed_factor=FAST, gap_s=0.0, duplicate_every=7)
        await emulator.start()
        settings = LaneSettings(
            name="X1", kind="linestream", port=emulator.port, identity_port=emulator.identity.port
        )
        async with lane_bench(settings) as bench:
            await asyncio.sleep(0.1)
            await bench.while_served(
                emulator.drive(in_turn([_passage(scan)]))
            )  # it returns when the scan is acknowledged
            assert len(bench.told("stored")) == 1
            assert emulator.n_resent == 0
            await bench.wait_for(1)
        await emulator.stop()
        return bench.folder, bench.entries

    folder, (entry,) = asyncio.run(run())
    read = _read(folder, entry)
    _same_picture(read, scan)
    assert isinstance(read.payload, Radiograph)
    n_column = read.payload.raw.shape[1]
    assert read.payload.line_ids is not None
    assert read.payload.line_ids[0] <= 0xFFFF < read.payload.line_ids[-1] or n_column < 2  # it wrapped
    lost = sorted(int(column) for column in truth["lost_columns"])
    assert lost == [c for gap in read.payload.gaps for c in range(gap.index, gap.index + gap.n_missing)]
    assert all(isinstance(gap, Gap) for gap in read.payload.gaps)
    assert read.identity.container_id == BOX


def test_a_scan_cut_by_the_connection_is_sent_again_and_counted_once(
    picture: Scan, lane_bench: Callable[..., Any], in_turn: Callable[..., Any]
) -> None:
    async def run() -> tuple[Path, list[ScanEntry], list[str]]:
        emulator = ScannerEmulator(speed_factor=20.0, gap_s=0.0)
        await emulator.start()
        settings = LaneSettings(name="X1", kind="linestream", port=emulator.port)
        async with lane_bench(settings) as bench:
            driving = asyncio.create_task(emulator.drive(in_turn([_passage(picture)])))
            while not bench.told("begun"):
                await asyncio.sleep(0.005)
            assert emulator._writer is not None
            emulator._writer.transport.abort()
            await bench.while_served(driving)
            await bench.wait_for(1)
            await asyncio.sleep(0.2)
            assert emulator.n_resent >= 1
        await emulator.stop()
        return bench.folder, bench.entries, [event.event for event in bench.events]

    folder, entries, told = asyncio.run(run())
    (entry,) = entries
    assert told.count("stored") == 1
    assert told.count("discarded") == 1
    _same_picture(_read(folder, entry), picture)


def test_a_lost_acknowledgement_is_given_again_without_a_second_scan(
    picture: Scan, lane_bench: Callable[..., Any], in_turn: Callable[..., Any]
) -> None:
    async def run() -> list[ScanEntry]:
        emulator = ScannerEmulator(speed_factor=FAST, gap_s=0.0)
        await emulator.start()
        settings = LaneSettings(name="X1", kind="linestream", port=emulator.port)
        async with lane_bench(settings) as bench:
            passage = _passage(picture)
            await bench.while_served(emulator.drive(in_turn([passage])))
            emulator._acknowledged.clear()  # as if the answer had been lost on the way
            await bench.while_served(emulator.drive(in_turn([passage])))
            await asyncio.sleep(0.1)
        await emulator.stop()
        return list(bench.entries)

    assert len(asyncio.run(run())) == 1


def test_a_second_receiver_does_not_disturb_the_first(
    picture: Scan, lane_bench: Callable[..., Any], in_turn: Callable[..., Any]
) -> None:
    async def run() -> tuple[list[ScanEntry], bytes]:
        emulator = ScannerEmulator(speed_factor=20.0, gap_s=0.0)
        await emulator.start()
        settings = LaneSettings(name="X1", kind="linestream", port=emulator.port)
        async with lane_bench(settings) as bench:
            driving = asyncio.create_task(emulator.drive(in_turn([_passage(picture)])))
            while not bench.told("begun"):
                await asyncio.sleep(0.005)
            reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
            heard = await reader.read()
            writer.close()
            await bench.while_served(driving)
            await bench.wait_for(1)
            assert emulator.n_resent == 0
        await emulator.stop()
        return bench.entries, heard

    entries, heard = asyncio.run(run())
    assert len(entries) == 1
    assert heard == b""


def test_an_occupancy_cut_by_the_connection_is_kept_and_not_complete(
    occupancy: Scan, lane_bench: Callable[..., Any], in_turn: Callable[..., Any]
) -> None:
    async def run() -> tuple[Path, list[ScanEntry]]:
        emulator = PortalEmulator(n42_port=None, speed_factor=10.0, gap_s=1.0)
        await emulator.start()
        settings = LaneSettings(name="P1", kind="rpm", port=emulator.lines.port)
        async with lane_bench(settings) as bench:
            await asyncio.sleep(0.1)
            driving = asyncio.create_task(emulator.drive(in_turn([_passage(occupancy)])))
            while not bench.told("begun"):
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.1)
            for writer in list(emulator.lines._writers):
                writer.transport.abort()
            await bench.wait_for(1)
            await bench.while_served(driving)
            driving = asyncio.create_task(emulator.idle())
            await bench.wait_for(2)  # the rest of the vehicle, seen from the middle
            driving.cancel()
        await emulator.stop()
        return bench.folder, bench.entries

    folder, entries = asyncio.run(run())
    for entry in entries[:2]:
        scan = _read(folder, entry)
        assert isinstance(scan.payload, Occupancy)
        assert ReasonCode.Q_OCCUPANCY in _reasons(scan)


def test_a_scan_that_two_containers_overlap_belongs_to_none(lane_bench: Callable[..., Any]) -> None:
    intervals = b"GS,000080,000080,000080,000080\r\n"
    both_told = asyncio.Event()

    async def portal(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GB,000400,000400,000400,000400\r\n" + intervals * 8)
        await both_told.wait()
        await asyncio.sleep(0.2)
        writer.write(intervals * 8 + b"GX,000001,000000\r\n")
        await reader.read()
        writer.close()

    async def camera(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for name in (BOX, "MWCU6059784"):
            writer.write(b'{"event":"ENTER","container_id":"%s"}\n' % name.encode())
            await writer.drain()
            await asyncio.sleep(0.3)
        both_told.set()
        await reader.read()
        writer.close()

    async def run() -> tuple[Path, list[ScanEntry]]:
        servers = [await asyncio.start_server(one, "127.0.0.1", 0) for one in (portal, camera)]
        port, identity_port = (server.sockets[0].getsockname()[1] for server in servers)
        settings = LaneSettings(name="P1", kind="rpm", port=port, identity_port=identity_port)
        async with lane_bench(settings) as bench:
            await bench.wait_for(1)
        for server in servers:
            server.close()
        await asyncio.sleep(0.05)
        return bench.folder, bench.entries

    folder, (entry,) = asyncio.run(run())
    scan = _read(folder, entry)
    assert scan.identity.container_id is None
    assert ReasonCode.ID_MISMATCH in _reasons(scan)
    (text,) = [note.text for note in scan.notes if note.reason is ReasonCode.ID_MISMATCH]
    assert BOX in text
    assert "MWCU6059784" in text


def test_a_stuck_occupancy_ends_at_the_limit(lane_bench: Callable[..., Any]) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GB,000400,000400,000400,000400\r\n")
        with_counts = b"GS,000080,000080,000080,000080\r\n"
        with contextlib.suppress(OSError):
            while not writer.is_closing():
                writer.write(with_counts)
                await writer.drain()
                await asyncio.sleep(0.01)
        writer.close()

    async def run() -> list[ScanEntry]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        settings = LaneSettings(name="P1", kind="rpm", port=port, scan_limit_s=0.3)
        async with lane_bench(settings) as bench:
            await bench.wait_for(1)
        server.close()
        await asyncio.sleep(0.05)  # the other end of the last connection closes
        return list(bench.entries)

    (entry, *_) = asyncio.run(run())
    assert entry.is_closed
    assert ReasonCode.Q_OCCUPANCY in {note.reason for note in entry.notes}


@pytest.mark.parametrize(
    ("kind", "sent", "is_kept"),
    [("n42", b"\x02<a/>\x03", True), ("n42", b"\x02<a", False), ("rpm", b"GB,000400\r\n", False)],
    ids=["between documents", "inside a document", "between backgrounds"],
)
def test_silence_ends_a_connection_where_an_instrument_would_not_be_silent(
    kind: Any, sent: bytes, is_kept: bool, lane_bench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (lane_module, settings_module):
        monkeypatch.setattr(module, "SILENCE_S", 0.1)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await reader.read()
        writer.close()

    async def run() -> tuple[int, int, list[str]]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        settings = LaneSettings(name="S1", kind=kind, port=server.sockets[0].getsockname()[1])
        async with lane_bench(settings) as bench:
            await asyncio.sleep(0.6)
            told = len(bench.told("connected")), len(bench.told("disconnected"))
            failures = [event.text for event in bench.told("failed")]
        server.close()
        await asyncio.sleep(0.05)  # the other end of the last connection closes
        return *told, failures

    n_connected, n_disconnected, failures = asyncio.run(run())
    if is_kept:
        assert (n_connected, n_disconnected, failures) == (1, 0, [])
    else:
        assert n_disconnected >= 1
        assert failures[0] == "S1: nothing came for too long"


def test_a_connection_is_kept_alive_by_the_system(
    lane_bench: Callable[..., Any],
) -> None:
    async def run() -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with lane_bench(LaneSettings(name="S1", kind="n42", port=port)) as bench:
            async with asyncio.timeout(10):
                while not bench.told("connected"):
                    await asyncio.sleep(0.01)
            link = bench.lane._writer.get_extra_info("socket")
            is_set: int = link.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        server.close()
        await asyncio.sleep(0.05)
        return is_set

    assert asyncio.run(run()) == 1


class _FullFor(DiskFiles):
    """A disk that is full for a while."""

    def __init__(self) -> None:
        self.is_full = False
        self.is_broken = False

    def write(self, fd: int, data: bytes | memoryview) -> int:
        if self.is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(fd, data)

    def sync(self, fd: int) -> None:
        if self.is_broken:
            self.is_broken = False
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().sync(fd)


def test_a_full_disk_loses_no_scan_of_a_scanner_and_resumes(
    picture: Scan, lane_bench: Callable[..., Any], in_turn: Callable[..., Any]
) -> None:
    files = _FullFor()

    async def run() -> tuple[Path, list[ScanEntry], int]:
        emulator = ScannerEmulator(speed_factor=20.0, gap_s=0.0)
        await emulator.start()
        settings = LaneSettings(name="X1", kind="linestream", port=emulator.port)
        async with lane_bench(settings, files=files) as bench:
            driving = asyncio.create_task(emulator.drive(in_turn([_passage(picture)])))
            while not bench.told("begun"):
                await asyncio.sleep(0.005)
            files.is_full = True
            while not bench.told("failed"):
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.3)
            assert not bench.told("stored")
            files.is_full = False
            await bench.while_served(driving)
            await bench.wait_for(1)
        await emulator.stop()
        return bench.folder, bench.entries, len(bench.told("stored"))

    folder, (entry,), n_stored = asyncio.run(run())
    assert n_stored == 1
    _same_picture(_read(folder, entry), picture)


def test_a_failed_fsync_is_never_acknowledged(
    picture: Scan, lane_bench: Callable[..., Any], in_turn: Callable[..., Any]
) -> None:
    files = _FullFor()

    async def run() -> tuple[Path, list[ScanEntry], list[str]]:
        emulator = ScannerEmulator(speed_factor=FAST, gap_s=0.0)
        await emulator.start()
        settings = LaneSettings(name="X1", kind="linestream", port=emulator.port)
        async with lane_bench(settings, files=files) as bench:
            files.is_broken = True
            await bench.while_served(emulator.drive(in_turn([_passage(picture)])))
            await bench.wait_for(1)
            assert emulator.n_resent >= 1
        await emulator.stop()
        return bench.folder, bench.entries, [event.event for event in bench.events]

    folder, (entry,), told = asyncio.run(run())
    assert told.index("suspect") < told.index("stored")
    assert told.count("stored") == 1
    scan = _read(folder, entry)
    _same_picture(scan, picture)
    assert ReasonCode.INPUT_CORRUPT not in _reasons(scan)


def test_a_portal_scan_of_a_failed_fsync_is_kept_as_corrupt(
    occupancy: Scan, lane_bench: Callable[..., Any], in_turn: Callable[..., Any]
) -> None:
    files = _FullFor()

    async def run() -> tuple[Path, list[ScanEntry], list[str]]:
        emulator = PortalEmulator(n42_port=None, speed_factor=FAST, gap_s=1.0)
        await emulator.start()
        settings = LaneSettings(name="P1", kind="rpm", port=emulator.lines.port)
        async with lane_bench(settings, files=files) as bench:
            await asyncio.sleep(0.1)
            files.is_broken = True
            await bench.while_served(emulator.drive(in_turn([_passage(occupancy)])))
            await bench.wait_for(1)
        await emulator.stop()
        return bench.folder, bench.entries, [event.event for event in bench.events]

    folder, (entry,), told = asyncio.run(run())
    assert told.count("suspect") == 1
    assert ReasonCode.INPUT_CORRUPT in _reasons(_read(folder, entry))


def test_bytes_that_are_damaged_in_the_spool_are_told(
    occupancy: Scan, lane_bench: Callable[..., Any], in_turn: Callable[..., Any]
) -> None:
    async def run() -> tuple[Path, ScanEntry]:
        emulator = PortalEmulator(n42_port=None, speed_factor=FAST, gap_s=1.0)
        await emulator.start()
        settings = LaneSettings(name="P1", kind="rpm", port=emulator.lines.port)
        async with lane_bench(settings) as bench:
            await asyncio.sleep(0.1)
            await bench.while_served(emulator.drive(in_turn([_passage(occupancy)])))
            await bench.wait_for(1)
        await emulator.stop()
        return bench.folder, bench.entries[0]

    folder, entry = asyncio.run(run())
    segment = folder / f"{entry.first.segment:012d}.spool"
    data = bytearray(segment.read_bytes())
    middle = (entry.first.end + entry.last.offset) // 2
    data[middle] ^= 0x40
    segment.write_bytes(bytes(data))
    assert ReasonCode.INPUT_CORRUPT in _reasons(_read(folder, entry))

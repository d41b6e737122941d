"""What a restart must still know, though the checkpoint spares it the segments where it stands."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from screening.acquire.casework import Casework
from screening.acquire.events import Event, EventLog
from screening.acquire.lane import OpenScan
from screening.acquire.presence import PresenceLog
from screening.acquire.recovery import recover
from screening.acquire.service import AcquireService
from screening.acquire.settings import AcquireSettings, LaneSettings
from screening.acquire.spool import read_checkpoint
from screening.errors import ConfigurationError
from screening.records import OperatingMode, ReasonCode
from screening.simulation.emulators import Passage, PortalEmulator, ScannerEmulator, Vehicle
from screening.simulation.occupancies import OccupancyRecipe, simulate_occupancy
from screening.simulation.radiographs import RadiographRecipe, simulate_radiograph
from screening.stores import ResultStore

pytestmark = pytest.mark.timeout(90)

BOX = "CSQU3054383"
CHILD = """
import json, struct, sys
def read():
    head = sys.stdin.buffer.read(4)
    return json.loads(sys.stdin.buffer.read(struct.unpack("<I", head)[0])) if len(head) == 4 else sys.exit()
def write(message):
    body = json.dumps(message).encode()
    sys.stdout.buffer.write(struct.pack("<I", len(body)) + body)
    sys.stdout.buffer.flush()
read()
write({})
while True:
    read()
    write({"error": "not analysed in this test"})
"""


def _service(folder: Path, lane: LaneSettings, events: list[Event]) -> AcquireService:
    casework = Casework(ResultStore(folder / "results.sqlite"), signer=None)
    settings = AcquireSettings(
        site="TEST",
        lanes=(lane,),
        spool=str(folder / "spool"),
        archive=str(folder / "archive"),
        mode=OperatingMode.EXERCISE,
    )
    log = EventLog(listeners=(events.append,))
    command = (sys.executable, "-c", CHILD)
    return AcquireService(settings, "", casework=casework, events=log, child_command=command)


def test_an_acknowledgement_is_remembered_over_restarts_and_checkpoints(
    tmp_path: Path, in_turn: Callable[..., Any]
) -> None:
    picture, _ = simulate_radiograph(RadiographRecipe(scale=12.0, length="20", seed=5))
    passage = Passage(Vehicle(BOX), picture, str(uuid.uuid4()))

    async def run() -> list[Event]:
        emulator = ScannerEmulator(speed_factor=200.0, gap_s=0.0)
        await emulator.start()
        lane = LaneSettings(
            name="X1", kind="linestream", port=emulator.port, identity_port=emulator.identity.port
        )
        events: list[Event] = []
        for _ in range(3):
            service = _service(tmp_path, lane, events)
            before = read_checkpoint(tmp_path / "spool")
            stop = asyncio.Event()
            running = asyncio.create_task(service.run(stop))
            emulator._acknowledged.clear()  # the answer of the last time was lost on the way
            async with asyncio.timeout(30):
                await emulator.drive(in_turn([passage]))
                while read_checkpoint(tmp_path / "spool") == before:
                    await asyncio.sleep(0.05)
            stop.set()
            await running
        await emulator.stop()
        return events

    events = asyncio.run(run())
    assert [event.event for event in events].count("stored") == 1
    assert read_checkpoint(tmp_path / "spool") == 3
    with ResultStore(tmp_path / "results.sqlite", read_only=True) as store:
        assert store.counts()["scans"] == 1


def test_who_stood_in_the_lane_is_known_after_a_restart(
    tmp_path: Path, lane_bench: Callable[..., Any], in_turn: Callable[..., Any]
) -> None:
    occupancy, _ = simulate_occupancy(OccupancyRecipe(vehicle_m=8.0, seed=3))

    async def run() -> LaneSettings:
        emulator = PortalEmulator(n42_port=None, speed_factor=10.0, gap_s=1.0)
        await emulator.start()
        lane = LaneSettings(
            name="P1", kind="rpm", port=emulator.lines.port, identity_port=emulator.identity.port
        )
        async with lane_bench(lane) as bench:
            await asyncio.sleep(0.1)
            passage = Passage(Vehicle(BOX), occupancy, str(uuid.uuid4()))
            driving = asyncio.create_task(emulator.drive(in_turn([passage])))
            while not bench.told("begun"):
                await asyncio.sleep(0.005)
            bench.spool._files = _Gone()  # nothing more reaches the disk: the process is dead
            driving.cancel()
        await emulator.stop()
        return lane

    class _Gone:
        def __getattr__(self, name: str) -> Callable[..., Any]:
            def refuse(*_: object) -> None:
                raise OSError(5, "gone")

            return refuse

    lane = asyncio.run(run())
    presence = PresenceLog()
    found = recover(tmp_path / "spool", (lane,), {}, {"P1": presence})
    scan = found.open_scans["P1"]
    assert isinstance(scan, OpenScan)
    assert found.entries == {}
    (reading,) = presence.during(scan.begin.first.sequence, scan.last.sequence)
    assert reading.container_id == BOX
    assert [note.reason for note in scan.notes] == [ReasonCode.Q_OCCUPANCY]
    assert scan.begin.primer


def test_a_clearance_that_cannot_be_asked_does_not_stop_the_lanes(tmp_path: Path) -> None:
    class Refused:
        def advance(self, now: object, *, coming: object) -> None:
            raise ConfigurationError("the token is none")

        def known(self, scan_ids: object) -> set[str]:
            return set()

        def close(self) -> None:
            pass

    async def run() -> list[str]:
        events: list[Event] = []
        service = _service(tmp_path, LaneSettings(name="X1", kind="linestream", port=9), events)
        service._casework.close()
        service._casework = Refused()
        stop = asyncio.Event()
        running = asyncio.create_task(service.run(stop))
        async with asyncio.timeout(20):
            while not any("clearance: the token is none" in event.text for event in events):
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
        assert not running.done()
        stop.set()
        await running
        return [event.event for event in events]

    assert asyncio.run(run())[-1] == "stopped"

"""The service over analyses that crash, hang or are slow: acquisition goes on, and nothing is LOW by it."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from screening.acquire.casework import Casework
from screening.acquire.clearances import DeskClearance
from screening.acquire.events import Event, EventLog
from screening.acquire.service import AcquireService
from screening.acquire.settings import AcquireSettings, LaneSettings
from screening.clearance import generate_exercise_key
from screening.clearance.opening import open_desk
from screening.clearance.settings import ClearanceSettings
from screening.errors import ConfigurationError, StoreError
from screening.records import Level, OperatingMode, ReasonCode, Scan
from screening.simulation.emulators import Passage, PortalEmulator, Vehicle
from screening.simulation.occupancies import OccupancyRecipe, simulate_occupancy
from screening.simulation.presets import container_number
from screening.stores import ResultStore

pytestmark = pytest.mark.timeout(90)

N = 3
PRELUDE = """
import json, os, struct, sys, time
def read():
    head = sys.stdin.buffer.read(4)
    return json.loads(sys.stdin.buffer.read(struct.unpack("<I", head)[0])) if len(head) == 4 else sys.exit()
def write(message):
    body = json.dumps(message).encode()
    sys.stdout.buffer.write(struct.pack("<I", len(body)) + body)
    sys.stdout.buffer.flush()
read()
"""


@pytest.fixture(scope="module")
def occupancy() -> Scan:
    return simulate_occupancy(OccupancyRecipe(vehicle_m=6.0, seed=8))[0]


async def _serve(
    folder: Path, child: str, occupancy: Scan, in_turn: Callable[..., Any], **settings: Any
) -> list[Event]:
    """Run the service over N vehicles until each has a result; return what it told."""
    events: list[Event] = []
    emulator = PortalEmulator(n42_port=None, speed_factor=100.0, gap_s=1.0)
    await emulator.start()
    lane = LaneSettings(name="P1", kind="rpm", port=emulator.lines.port, identity_port=emulator.identity.port)
    signer = generate_exercise_key(folder / "exercise.key")
    store = ResultStore(folder / "results.sqlite")
    settings_of_desk = ClearanceSettings(
        administration="test",
        key_file=str(folder / "exercise.key"),
        database=str(folder / "cases.sqlite"),
        required_lanes=("P1",),
        case_deadline_s=600.0,
        is_exercise=True,
    )
    casework = Casework(store, signer=signer, clearance=DeskClearance(open_desk(settings_of_desk)))
    service = AcquireService(
        AcquireSettings(
            site="TEST",
            lanes=(lane,),
            spool=str(folder / "spool"),
            archive=str(folder / "archive"),
            mode=OperatingMode.EXERCISE,
            **settings,
        ),
        "",
        casework=casework,
        events=EventLog(listeners=(events.append,)),
        child_command=(sys.executable, "-c", PRELUDE + child),
    )
    stop = asyncio.Event()
    running = asyncio.create_task(service.run(stop))
    names = [container_number(i) for i in range(N)]
    passages = [Passage(Vehicle(name), occupancy, str(uuid.uuid4())) for name in names]
    driving = asyncio.create_task(emulator.drive(in_turn(passages)))

    async def until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(40):
            while not condition() and not running.done():
                await asyncio.sleep(0.02)

    try:
        await until(lambda: sum(event.event == "decided" for event in events) >= N)
    finally:
        stop.set()
        driving.cancel()
        await _quietly(driving)
        await emulator.stop()
        await running
    return events


async def _quietly(task: Awaitable[None]) -> None:
    try:
        await task
    except asyncio.CancelledError:
        return


CRASH = "write({})\nread()\nos._exit(9)"
HANG = "write({})\nread()\ntime.sleep(60)"
SLOW = 'write({})\nwhile True:\n    read()\n    time.sleep(0.6)\n    write({"error": "slow"})'
NO_REPORT = 'write({})\nwhile True:\n    read()\n    write({"report": {"level": "LOW"}})'


@pytest.mark.parametrize(
    ("child", "code"),
    [
        (CRASH, ReasonCode.MODEL_ERROR),
        (HANG, ReasonCode.TIMEOUT),
        (NO_REPORT, ReasonCode.MODEL_ERROR),
    ],
    ids=["crash", "hang", "no report"],
)
def test_an_analysis_that_fails_leaves_an_unknown_scan_and_a_served_lane(
    tmp_path: Path, child: str, code: ReasonCode, occupancy: Scan, in_turn: Callable[..., Any]
) -> None:
    events = asyncio.run(_serve(tmp_path, child, occupancy, in_turn, analysis_deadline_s=0.5))
    stored = [event.scan_id for event in events if event.event == "stored"]
    assert len(stored) == N
    with ResultStore(tmp_path / "results.sqlite", read_only=True) as store:
        assert {scan.identity.scan_id for scan in store.scans()} == set(stored)
        for scan_id in stored:
            assert scan_id is not None
            (flag,) = store.flags_of_scan(scan_id)
            assert flag.level is Level.UNKNOWN
            assert code in {reason.code for reason in flag.reasons}
        assert all(decision.risk is not Level.LOW for decision in store.decisions())


def test_lanes_wait_visibly_while_too_many_scans_do(
    tmp_path: Path, occupancy: Scan, in_turn: Callable[..., Any]
) -> None:
    events = asyncio.run(_serve(tmp_path, SLOW, occupancy, in_turn, queue_limit=1))
    assert sum(event.event == "stored" for event in events) == N
    assert any(event.event == "lagging" for event in events)


def test_results_wait_for_a_store_that_is_full_for_a_while(
    tmp_path: Path, occupancy: Scan, in_turn: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    record, n_refused = ResultStore.record, 0

    def refuse_at_first(self: ResultStore, **what: Any) -> int:
        nonlocal n_refused
        if n_refused < 2:
            n_refused += 1
            raise StoreError("database or disk is full")
        return record(self, **what)

    monkeypatch.setattr(ResultStore, "record", refuse_at_first)
    events = asyncio.run(_serve(tmp_path, CRASH, occupancy, in_turn))
    told = [event.text for event in events if event.event == "failed"]
    assert sum("disk is full" in text for text in told) == 1  # once, not at every attempt
    with ResultStore(tmp_path / "results.sqlite", read_only=True) as store:
        assert store.counts()["scans"] == N


def test_settings_that_the_analysis_refuses_end_the_service(
    tmp_path: Path, occupancy: Scan, in_turn: Callable[..., Any]
) -> None:
    with pytest.raises(ConfigurationError, match="no such key"):
        asyncio.run(_serve(tmp_path, 'write({"error": "no such key"})', occupancy, in_turn))

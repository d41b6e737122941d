"""Passages are simulated ahead, in order, and a failure is not swallowed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from screening.clearance import KeyRing, generate_exercise_key
from screening.clearance.signatures import verify_sealed
from screening.errors import ConfigurationError
from screening.records import Level
from screening.simulation.emulators.presets import portal_passages, scanner_passages
from screening.simulation.emulators.running import run_emulator
from screening.simulation.emulators.traffic import Passage, ahead


def _makers(n: int, made: list[int]) -> list[Callable[[], Passage]]:
    def maker(i: int) -> Callable[[], Passage]:
        def make() -> Passage:
            assert threading.current_thread() is not threading.main_thread()
            made.append(i)
            return Passage(None, None, str(i))  # type: ignore[arg-type]

        return make

    return [maker(i) for i in range(n)]


def test_passages_come_in_order_and_only_a_few_ahead() -> None:
    made: list[int] = []

    async def run() -> list[str]:
        names = []
        async for passage in ahead(_makers(8, made), n_ahead=2):
            names.append(passage.name)
            await asyncio.sleep(0.01)
            assert len(made) <= len(names) + 3
        return names

    assert asyncio.run(run()) == [str(i) for i in range(8)]


def test_a_simulation_that_fails_stops_the_emulator() -> None:
    def fail() -> Passage:
        raise ValueError("no such cargo")

    async def run() -> None:
        async for _ in ahead([fail]):
            pass

    with pytest.raises(ValueError, match="no such cargo"):
        asyncio.run(run())


def test_portal_and_scanner_see_the_same_containers(tmp_path: Path) -> None:
    gateway = generate_exercise_key(tmp_path / "gateway.key")
    ring = KeyRing([gateway.public])
    portal = [make() for make in portal_passages("demo", 3, n=2, gateway=gateway, has_spectra=False)]
    scanner = [make() for make in scanner_passages("demo", 3, n=2, gateway=gateway, scale=12.0)]
    for one, other in zip(portal, scanner, strict=True):
        assert one.vehicle is not None
        assert other.vehicle is not None
        assert one.vehicle.container_id == other.vehicle.container_id
        assert one.name != other.name
        for event in one.vehicle.seal_events:
            verify_sealed(event, ring, allow_exercise=True)
        (assessed,) = one.vehicle.targeting
        assert assessed.level in set(Level)


@pytest.mark.parametrize("traffic", ["quiet", "mixed"])
def test_endless_traffic_is_the_same_for_the_same_seed(traffic: str) -> None:
    first, again = (
        [make() for make in portal_passages(traffic, 9, n=2, has_spectra=False)] for _ in range(2)
    )
    assert [p.vehicle.container_id for p in first if p.vehicle] == [
        p.vehicle.container_id for p in again if p.vehicle
    ]
    assert first[0].scan.identity.scan_id == again[0].scan.identity.scan_id


def test_unknown_traffic_and_speeds_are_refused() -> None:
    started = time.monotonic()
    with pytest.raises(ConfigurationError, match="rush hour"):
        run_emulator("portal", traffic="rush hour")
    with pytest.raises(ConfigurationError, match="speed_factor"):
        run_emulator("scanner", speed_factor=0.0)
    assert time.monotonic() - started < 5

"""A running service exports heads: at the start, from time to time, and at its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec

from screening.clearance.ledger import read_heads
from screening.clearance.opening import open_desk
from screening.clearance.service.serve import running_server
from screening.clearance.service.service import Service
from screening.clearance.settings import ClearanceSettings

HEADERS = {"Authorization": "Bearer send", "Content-Type": "application/json"}


def _until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_heads_are_exported_while_the_service_runs_and_at_its_end(
    site: ClearanceSettings, tmp_path: Path, seal_flag: Callable[..., bytes]
) -> None:
    folder, aside = tmp_path / "heads", tmp_path / "aside"
    settings = msgspec.structs.replace(site, heads=str(folder), heads_interval_s=0.05)
    with open_desk(settings) as desk, running_server(Service(desk, settings), settings) as url:
        assert httpx.post(f"{url}/v1/records", content=seal_flag(), headers=HEADERS).status_code == 200
        _until(lambda: read_heads(folder)[-1].size >= 1)
        # The disk goes away: nothing is made in its place, and the health says so until it is back.
        folder.rename(aside)
        _until(lambda: httpx.get(f"{url}/v1/health").json()["checks"]["heads"] is False)
        assert not folder.exists()
        aside.rename(folder)
        _until(lambda: httpx.get(f"{url}/v1/health").json()["checks"]["heads"] is True)
    settings = msgspec.structs.replace(settings, heads_interval_s=3600.0)
    with open_desk(settings) as desk, running_server(Service(desk, settings), settings) as url:
        before = read_heads(folder)[-1].size
        assert httpx.post(f"{url}/v1/records", content=seal_flag(2), headers=HEADERS).status_code == 200
    assert read_heads(folder)[-1].size > before

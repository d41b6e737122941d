"""How many signed flags the service accepts over HTTP, and a minute of kills on PostgreSQL."""

from __future__ import annotations

import importlib.util
import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

_spec = importlib.util.spec_from_file_location(
    "clearance_campaign", Path(__file__).parents[1] / "system" / "clearance_campaign.py"
)
assert _spec is not None
assert _spec.loader is not None
campaign: ModuleType = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(campaign)

N_CONNECTIONS = 16


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Any]:
    with campaign.Site(tmp_path, case_deadline_s=900.0, stream_s=0.05) as made:
        yield made


@pytest.mark.parametrize("batch", [1, 16, 64])
def test_bench_flags_accepted_over_http(site: Any, batch: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Distinct flags sealed beforehand; SQLite with FULL; deciding goes on beside. 500 a second are meant.

    The rate depends on what else runs on the machine. The service's own processor time for one flag does
    not, and bounds what it can take on a processor of its own.
    """
    n = 1024 if batch == 1 else 4096
    at = datetime.now(UTC)
    flags = [site.flag("gamma", campaign.container_number(number), at=at) for number in range(n)]
    instance = site.start()
    instance.get("/v1/health")
    refused: list[Any] = []

    def send(mine: list[bytes]) -> None:
        with campaign.RecordClient(instance.url, token=campaign.TOKEN) as client:
            for start in range(0, len(mine), batch):
                answers = client.post(mine[start : start + batch])
                refused.extend(one for one in answers if one.status != "ACCEPTED")

    threads = [threading.Thread(target=send, args=(flags[k::N_CONNECTIONS],)) for k in range(N_CONNECTIONS)]
    cpu, began = _cpu_s(instance.process.pid), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took_s = time.perf_counter() - began
    cpu_ms = (_cpu_s(instance.process.pid) - cpu) / n * 1e3
    assert refused == []
    with capsys.disabled():
        print(  # noqa: T201
            f"\nbatches of {batch}: {n / took_s:.0f} flags/s accepted over {N_CONNECTIONS} connections; "
            f"{cpu_ms:.2f} ms of the service's processor time a flag, deciding included "
            f"({1e3 / cpu_ms:.0f} flags per processor second); load {os.getloadavg()[0]:.1f} on "
            f"{os.cpu_count()} processors"
        )
    assert instance.stop() == 0


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_bench_a_minute_of_kills(
    tmp_path: Path, postgres_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four senders, two instances on one PostgreSQL, one of them killed every few seconds for a minute."""
    counts = campaign.run_kill_campaign(
        tmp_path, postgres_url, duration_s=60.0, kill_every_s=3.0, n_boxes=200
    )
    assert counts["n_killed"] >= 5
    with capsys.disabled():
        print(f"\na minute of kills: {counts}")  # noqa: T201


@pytest.mark.campaign
@pytest.mark.timeout(1200)
def test_bench_schemathesis(site: Any, tmp_path: Path) -> None:
    """Every phase and check of schemathesis over the document: some thousand requests."""
    campaign.run_schemathesis(
        site, tmp_path, ["--phases", "coverage,fuzzing,stateful", "--max-examples", "30"]
    )


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

"""What the ledger costs beside a bare process pool, and how long a report takes.

Nothing here asserts a time; what is asserted is that the work compared is the same. Run with
``pytest tests/benchmarks --benchmark-only -s``.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from screening.reanalyse.report import Entry, ReportedScan, write_report
from screening.records import Level
from screening.work import Job, Ledger, run_jobs

N_JOB = 200
WORK = '''
import hashlib

def digest(n):
    """About ten milliseconds of computation, the order of one portal occupancy."""
    value = str(n).encode()
    for _ in range(8000):
        value = hashlib.sha256(value).digest()
    return value
'''


def test_bench_ledger_beside_a_bare_pool(
    benchmark: BenchmarkFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every result fsynced before the next job begins, against results held in memory alone."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "bench_work.py").write_text(WORK, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    from bench_work import digest  # type: ignore[import-not-found]

    def with_ledger() -> tuple[float, dict[str, bytes]]:
        path = tmp_path / f"{time.monotonic_ns()}.sqlite"
        with Ledger(path) as ledger:
            ledger.add(Job(f"{n:04d}", {"n": n}) for n in range(N_JOB))
            started = time.perf_counter()
            run_jobs(ledger, "bench_work:digest", workers=2)
            elapsed_s = time.perf_counter() - started
            return elapsed_s, {result.key: result.value for result in ledger.results()}

    def bare() -> tuple[float, dict[str, bytes]]:
        started = time.perf_counter()
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            values = dict(
                zip((f"{n:04d}" for n in range(N_JOB)), pool.map(digest, range(N_JOB)), strict=True)
            )
        return time.perf_counter() - started, values

    bare_s, expected = min((bare() for _ in range(2)), key=lambda item: item[0])
    ledger_s, found = benchmark.pedantic(with_ledger, rounds=2)
    assert found == expected
    benchmark.extra_info["over_bare_pool"] = round(ledger_s / bare_s, 3)


def test_bench_report(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Fourteen containers with a full spectrum, a profile and a picture each."""
    pytest.importorskip("matplotlib")
    rng = np.random.default_rng(np.random.SeedSequence(1))
    portal = {
        "t_s": np.arange(60) * 0.2,
        "rate_cps": rng.poisson(1000, 60).astype(float),
        "energy_edges_kev": np.linspace(0, 3000, 1025),
        "spectrum": rng.poisson(1e4 * np.exp(-np.arange(1024) / 150.0)).astype(float),
    }
    picture = {"transmission": rng.uniform(0.01, 1.0, (512, 1500)).astype(np.float32)}
    scans = (
        ReportedScan(scan_id="p", modality="radiation", level=Level.LOW, products=portal),
        ReportedScan(scan_id="r", modality="radiograph", level=Level.LOW, products=picture),
    )
    entries = [Entry(container_id=f"SIMU{n:07d}", scans=scans) for n in range(14)]
    path = benchmark.pedantic(
        lambda: write_report(tmp_path / "report.html", entries, title="Benchmark"), rounds=2, warmup_rounds=1
    )
    assert path.read_text(encoding="utf-8").count('class="picture"') == 14
    benchmark.extra_info["megabytes"] = round(path.stat().st_size / 1e6, 2)

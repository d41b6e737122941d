"""How long the command line takes to start."""

from __future__ import annotations

import subprocess
import sys

from pytest_benchmark.fixture import BenchmarkFixture


def test_bench_help(benchmark: BenchmarkFixture) -> None:
    """``screening --help`` is meant to take less than 0.3 s; it loads no numeric library."""

    def show() -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "screening", "--help"], capture_output=True, check=True
        )

    assert b"analyse" in benchmark.pedantic(show, rounds=5, warmup_rounds=1).stdout

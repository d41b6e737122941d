"""A disk that dies, fills up, tears writes or fails: what was acknowledged is there, and once.

The disk is that of `tests/faults/faulty_disk.c`. Here it fails at some places; at each of its changes in
`tests/benchmarks/test_bench_faults.py`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(180)

FAULTS = Path(__file__).parents[1] / "faults"
READY_S = 10.0


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("no C compiler, or not Linux")
    if not (FAULTS / "faulty_disk.c").exists():
        pytest.skip("a copy of the tree without C sources")
    library = tmp_path_factory.mktemp("shim") / "faulty_disk.so"
    source = str(FAULTS / "faulty_disk.c")
    flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, "-o", str(library), source, "-ldl", "-lpthread"], check=True)
    return library


def campaign(
    shim: Path, folder: Path, workload: str, *, limit_s: float = 170, **kinds: int | str
) -> tuple[int, list[dict[str, Any]]]:
    """Run a campaign; return how many changes a whole run makes, and what each run left.

    For each kind of fault, at how many places, 0 for each single one; or at which, as "1-40".
    """
    wanted = [f"{kind}={n}" for kind, n in kinds.items()]
    done = subprocess.run(
        [sys.executable, str(FAULTS / "campaign.py"), str(folder), workload, *wanted],
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
        env={**os.environ, "LD_PRELOAD": str(shim), "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-1000:]
    first, *runs = map(json.loads, done.stdout.splitlines())
    assert {run["kind"] for run in runs} == set(kinds)
    return first["n_change"], runs


def assert_held(runs: list[dict[str, Any]]) -> None:
    for run in runs:
        where = f"{run['kind']} at {run['at']}"
        assert run["problems"] == [], where
        assert run["defects"] == [], where
        assert run["status"] == -9, where  # it ended by the cut, not before and not by itself
        assert run["ready_s"] < READY_S, where


def assert_told(runs: list[dict[str, Any]], kind: str, text: str) -> None:
    """Every caller that met a fault was told so in one line, and by our own error."""
    errors = [error for run in runs if run["kind"] == kind for error in run["errors"]]
    assert any(text in error for error in errors)
    assert all(error.startswith(("StoreError: ", "ConfigurationError: ")) for error in errors)


def test_the_disk_loses_what_was_not_synced_and_keeps_what_was(shim: Path, tmp_path: Path) -> None:
    _, careless = campaign(shim, tmp_path, "careless", cut=10, torn=10)
    assert sum(any("lost row" in problem for problem in run["problems"]) for run in careless) > 8
    _, bare = campaign(shim, tmp_path, "bare", kill=5, cut=20, torn=20, full=8, eio=8)
    assert_held(bare)
    assert any(run["did"] for run in bare)


def test_a_name_is_on_the_disk_when_its_folder_is(shim: Path, tmp_path: Path) -> None:
    _, careless = campaign(shim, tmp_path, "careless-heads", cut=0)
    assert any("lost head" in problem for run in careless for problem in run["problems"])
    n, runs = campaign(shim, tmp_path, "heads", kill=5, cut=0, torn=20, full=5, eio=20)
    assert n > 20
    assert_held(runs)


def test_the_result_store_holds_what_it_acknowledged(shim: Path, tmp_path: Path) -> None:
    _, runs = campaign(shim, tmp_path, "results", cut=12, torn=6, again=4, kill=4, full=6, eio=6)
    assert_held(runs)
    assert_told(runs, "full", "full")
    assert_told(runs, "eio", "disk I/O error")


def test_the_desk_holds_what_it_acknowledged(shim: Path, tmp_path: Path) -> None:
    _, careless = campaign(shim, tmp_path, "careless-desk", cut=4)
    assert sum(bool(run["problems"]) for run in careless) >= 2
    # While the database is made, the switch to a write-ahead log goes through a rollback journal, which
    # the next start has to play back: at these places a desk once did not open again.
    made = "9-12"
    _, runs = campaign(shim, tmp_path, "desk", kill=made, cut=8, torn=3, again=2, full=4, eio=4)
    assert_held(runs)
    assert_told(runs, "full", "full")
    assert_told(runs, "eio", "disk I/O error")

"""The disk fails at every single change of the desk and of the result store, in every way; see tests/faults.

This takes about an hour; ``-k results`` is a part of it.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = [pytest.mark.timeout(7200), pytest.mark.campaign]


def _short() -> ModuleType:
    path = Path(__file__).parents[1] / "system" / "test_clearance_faults.py"
    spec = importlib.util.spec_from_file_location("short_faults", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


short = _short()
shim = short.shim


@pytest.mark.parametrize("kind", ["kill", "cut", "torn", "again", "full", "eio"])
@pytest.mark.parametrize("workload", ["results", "desk"])
def test_every_change(shim: Path, tmp_path: Path, workload: str, kind: str) -> None:
    n_change, runs = short.campaign(shim, tmp_path, workload, limit_s=7000, **{kind: 0})
    assert n_change >= 200
    assert len(runs) == n_change
    problems = Counter(problem for run in runs for problem in (*run["problems"], *run["defects"]))
    slowest = max(run["ready_s"] for run in runs)
    n_told = sum(len(run["errors"]) for run in runs)
    n_bad = sum(bool(run["problems"]) for run in runs)
    print(  # noqa: T201 - a benchmark prints what it found
        f"\n{workload}, {kind} at each of {n_change} changes: {n_bad} runs with problems, "
        f"{n_told} errors told, ready and looked over in at most {slowest:.2f} s"
    )
    assert not problems
    short.assert_held(runs)

"""The demonstration, as a user runs it, with its acquisition killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from screening.errors import ConfigurationError
from screening.stores import ResultStore

pytest.importorskip("matplotlib", reason="the report needs the extra 'report'")
pytestmark = [
    pytest.mark.timeout(200),
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the child in /proc"),
]

N = 2


def _acquire_pid(parent: int) -> int | None:
    """Return the acquisition that a demonstration started."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            ppid = int((folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if ppid == parent and b"acquire" in arguments:
            return int(folder.name)
    return None


def _stored(events: Path) -> list[str]:
    lines = events.read_text(encoding="utf-8").splitlines() if events.exists() else []
    return [event["scan_id"] for event in map(json.loads, lines) if event["event"] == "stored"]


def test_demo_decides_every_container_though_its_acquisition_is_killed(tmp_path: Path) -> None:
    out = tmp_path / "exercise"
    command = [sys.executable, "-m", "screening", "demo", "--out", str(out), "--n", str(N), "--seed", "4"]
    log = tmp_path / "log"
    with log.open("w", encoding="utf-8") as stream:
        demo = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
    try:
        deadline = time.monotonic() + 90
        while len(_stored(out / "events.jsonl")) < 2:
            assert demo.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.05)
        pid = _acquire_pid(demo.pid)
        assert pid is not None
        acknowledged = _stored(out / "events.jsonl")
        os.kill(pid, signal.SIGKILL)
        assert demo.wait(150) == 0, log.read_text(encoding="utf-8")
    finally:
        if demo.poll() is None:
            demo.terminate()
            demo.wait(30)
    shown = log.read_text(encoding="utf-8")
    assert "EXERCISE" in shown
    assert f"{N} of {N} containers decided" in shown
    with ResultStore(out / "results.sqlite", read_only=True) as store:
        ids = [scan.identity.scan_id for scan in store.scans()]
        decisions = store.decisions()
    assert set(acknowledged) <= set(ids)
    assert len(ids) == len(set(ids))
    assert all(decision.is_exercise for decision in decisions)
    assert len({decision.consignment.container_id for decision in decisions}) == N
    report = (out / "report.html").read_text(encoding="utf-8")
    assert report.count("EXERCISE") >= N
    for decision in decisions:
        assert decision.consignment.container_id[4:10] in report.replace(" ", "").replace("&nbsp;", "")

    verify = next(line.split() for line in shown.splitlines() if "clearance verify" in line)
    done = subprocess.run(
        [sys.executable, "-m", *verify], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    changed = out / "changed.json"
    changed.write_bytes(Path(verify[3]).read_bytes().replace(b'"EXERCISE"', b'"ARRIVAL_MISSING"', 1))
    verify[3] = str(changed)
    done = subprocess.run(
        [sys.executable, "-m", *verify], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 3


def test_demo_replaces_its_own_folder_and_no_other(tmp_path: Path) -> None:
    from screening.operations.demo import run_demo

    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="name another folder"):
        run_demo(tmp_path)
    assert (tmp_path / "thesis.txt").exists()
    with pytest.raises(ConfigurationError, match="containers"):
        run_demo(tmp_path / "new", n=17)

"""Kill the service at any moment: every acknowledged scan is there after a restart, and none twice."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from screening.clearance import generate_exercise_key
from screening.simulation.emulators import EmulatorPorts
from screening.stores import ResultStore

pytestmark = pytest.mark.timeout(180)

N_VEHICLE = 4
STORED = re.compile(r"\] stored (\S+)")
EMULATE = """
import sys
from pathlib import Path
from screening.simulation.emulators import run_emulator
kind, folder, n = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
options = {"n42_port": None} if kind == "portal" else {"scale": 8.0}
run_emulator(kind, traffic="demo", seed=2, n=n, speed_factor=15.0, gap_s=2.0,
             ready_file=folder / f"{kind}.ports", **options)
"""
ACQUIRE = """
import sys
from pathlib import Path
from screening.acquire import run_acquire
run_acquire(Path(sys.argv[1]))
"""


@contextlib.contextmanager
def _processes() -> Iterator[list[subprocess.Popen[str]]]:
    """Hand out a list of processes that end with the test, each by its own number."""
    started: list[subprocess.Popen[str]] = []
    try:
        yield started
    finally:
        for process in started:
            if process.poll() is None:
                process.terminate()
        for process in started:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


def _python(code: str, *arguments: str, log: Path | None = None) -> subprocess.Popen[str]:
    # With a file of its own for standard error: a pipe that nobody empties would stop the child.
    with log.open("a") if log is not None else contextlib.nullcontext() as stderr:
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdin=subprocess.DEVNULL, stderr=stderr, text=True
        )


def _ports(folder: Path, kind: str) -> EmulatorPorts:
    path = folder / f"{kind}.ports"
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"the emulated {kind} did not start"
        time.sleep(0.05)
    return msgspec.json.decode(path.read_bytes(), type=EmulatorPorts)


def _site(folder: Path, portal: EmulatorPorts, scanner: EmulatorPorts) -> Path:
    generate_exercise_key(folder / "exercise.key")
    path = folder / "site.toml"
    path.write_text(
        f"""
[acquire]
site = "TEST"
mode = "Exercise"
key_file = "exercise.key"
case_deadline_s = 600.0
[[acquire.lanes]]
name = "P1"
kind = "rpm"
port = {portal.port}
identity_port = {portal.identity_port}
[[acquire.lanes]]
name = "X1"
kind = "linestream"
port = {scanner.port}
identity_port = {scanner.identity_port}
""",
        encoding="utf-8",
    )
    return path


def _acknowledged(log: Path) -> list[str]:
    return STORED.findall(log.read_text(encoding="utf-8")) if log.exists() else []


def _in_store(folder: Path) -> list[str]:
    if not (folder / "results.sqlite").exists():
        return []
    with ResultStore(folder / "results.sqlite", read_only=True) as store:
        return [scan.identity.scan_id for scan in store.scans()]


def test_every_acknowledged_scan_survives_kills_and_none_is_there_twice(tmp_path: Path) -> None:
    seed = int.from_bytes(os.urandom(4), "big")
    rng = random.Random(seed)
    log = tmp_path / "acquire.log"
    with _processes() as running:
        for kind in ("portal", "scanner"):
            running.append(_python(EMULATE, kind, str(tmp_path), str(N_VEHICLE)))
        site = _site(tmp_path, _ports(tmp_path, "portal"), _ports(tmp_path, "scanner"))
        n_kill = 0
        for _ in range(5):
            service = _python(ACQUIRE, str(site), log=log)
            running.append(service)
            # Anywhere from its start, over stored scans that nobody analysed, to results in the store.
            time.sleep(rng.uniform(0.8, 3.0))
            service.send_signal(signal.SIGKILL)
            service.wait()
            n_kill += 1
        before = log.stat().st_size
        last = _python(ACQUIRE, str(site), log=log)
        running.append(last)
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            acknowledged = set(_acknowledged(log))
            stored = set(_in_store(tmp_path))
            with ResultStore(tmp_path / "results.sqlite", read_only=True) as store:
                pictures = [scan for scan in store.scans() if scan.modality == "radiograph"]
            # Earlier processes may have left nothing to do: this one must begin before it is told to end.
            has_started = re.search(rb"site .*: \d+ lanes", log.read_bytes()[before:])
            if has_started and acknowledged <= stored and len(pictures) >= N_VEHICLE:
                break
            time.sleep(0.3)
        last.send_signal(signal.SIGTERM)
        assert last.wait(20) == 0, log.read_text(encoding="utf-8")[-2000:]
    told = f"seed {seed}, {n_kill} kills\n{log.read_text(encoding='utf-8')[-4000:]}"
    acknowledged_list, stored_list = _acknowledged(log), _in_store(tmp_path)
    assert set(acknowledged_list) <= set(stored_list), told
    assert len(stored_list) == len(set(stored_list)), told
    assert len(acknowledged_list) == len(set(acknowledged_list)), told
    # The scanner sends again what was not acknowledged: each vehicle has one picture, exactly.
    with ResultStore(tmp_path / "results.sqlite", read_only=True) as store:
        scans = store.scans()
        complete = [
            scan.identity.container_id
            for scan in scans
            if scan.modality == "radiograph" and not any(note.reason for note in scan.notes)
        ]
        assert len(complete) == len(set(complete)) == N_VEHICLE, told
        # A portal cannot send again: each vehicle it told of whole is there once, and the others not LOW.
        for scan in scans:
            assert store.flags_of_scan(scan.identity.scan_id), told


def test_a_second_service_on_the_same_spool_refuses(tmp_path: Path) -> None:
    idle = EmulatorPorts(port=1, identity_port=1)  # nobody listens there
    site = _site(tmp_path, idle, idle)
    log = tmp_path / "acquire.log"
    with _processes() as running:
        first = _python(ACQUIRE, str(site), log=log)
        running.append(first)
        deadline = time.monotonic() + 30
        while not log.exists() or "lanes" not in log.read_text(encoding="utf-8"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        second = subprocess.run(
            [sys.executable, "-c", ACQUIRE, str(site)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert second.returncode != 0
        assert "in use by another process" in second.stderr
        assert str(first.pid) in second.stderr
        assert first.poll() is None


def test_the_socket_process_imports_neither_kernels_nor_runtime(tmp_path: Path) -> None:
    code = """
import sys
import screening.acquire.running, screening.acquire.service, screening.acquire.view
heavy = ("screening.kernels", "onnxruntime", "h5py", "scipy", "skimage", "lxml",
         "screening.radiation", "screening.radiography", "screening.simulation", "screening.assembly")
print([name for name in sys.modules if name.startswith(heavy)])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from screening.errors import ConfigurationError
from screening.work import Job, Ledger, run_jobs

JOBS = '''
import os, signal, time
from pathlib import Path

def double(n):
    return str(2 * n).encode()

def die(n, folder):
    """Kill this process the first `n` times, then answer."""
    seen = len(list(Path(folder).glob("death-*")))
    if seen < n:
        Path(folder, f"death-{seen}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return b"survived"

def die_if(n, bad):
    if n == bad:
        os._exit(3)
    return str(n).encode()

def fail(n):
    raise ValueError(f"no answer for {n}\\nand a second line")

def hang(n):
    if n == 1:
        time.sleep(600)
    return b"quick"

def text(n):
    return "not bytes"

def threads():
    return os.environ["OMP_NUM_THREADS"].encode()

def slow(n, folder):
    Path(folder, f"start-{n}-{os.getpid()}").touch()
    time.sleep(0.3)
    Path(folder, f"end-{n}-{os.getpid()}").touch()
    return str(n).encode()
'''


@pytest.fixture
def jobs(tmp_path, monkeypatch):
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "sample_jobs.py").write_text(JOBS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return folder


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "work.sqlite") as ledger:
        yield ledger


def values(ledger):
    return {result.key: result.value for result in ledger.results()}


def test_every_job_is_done_and_told_of(jobs, ledger):
    ledger.add(Job(f"{n}", {"n": n}) for n in range(6))
    seen = []
    counts = run_jobs(ledger, "sample_jobs:double", workers=2, progress=seen.append)
    assert values(ledger) == {f"{n}": f"{2 * n}".encode() for n in range(6)}
    assert (counts.done, counts.total) == (6, 6)
    assert sorted(p.key for p in seen) == [f"{n}" for n in range(6)]
    assert seen[-1].counts == counts


def test_nothing_to_do_starts_nothing(jobs, ledger):
    assert run_jobs(ledger, "no_such_module:function").total == 0


def test_a_killed_worker_costs_its_job_one_attempt(jobs, ledger, tmp_path):
    ledger.add([Job("a", {"n": 1, "folder": str(tmp_path)})])
    seen = []
    run_jobs(ledger, "sample_jobs:die", progress=seen.append)
    assert [p.note for p in seen] == ["its worker process died; tried again", ""]
    assert values(ledger) == {"a": b"survived"}


def test_a_poison_job_is_isolated_and_recorded_and_the_rest_is_done(jobs, ledger):
    ledger.add(Job(f"{n}", {"n": n, "bad": 2}) for n in range(6))
    counts = run_jobs(ledger, "sample_jobs:die_if", workers=2, max_attempts=2)
    assert sorted(values(ledger)) == ["0", "1", "3", "4", "5"]
    (failure,) = ledger.failures()
    assert (failure.key, failure.cause, failure.attempts) == ("2", "DIED", 2)
    assert (counts.done, counts.failed, counts.pending, counts.running) == (5, 1, 0, 0)


def test_an_exception_is_an_answer_and_not_tried_again(jobs, ledger):
    ledger.add([Job("a", {"n": 7})])
    run_jobs(ledger, "sample_jobs:fail", max_attempts=3)
    (failure,) = ledger.failures()
    assert failure == ("a", "EXCEPTION", "ValueError: no answer for 7", 1)


def test_a_job_past_its_deadline_is_stopped(jobs, ledger):
    ledger.add(Job(f"{n}", {"n": n}) for n in range(3))
    began = time.monotonic()
    run_jobs(ledger, "sample_jobs:hang", max_attempts=1, deadline_s=0.5)
    assert time.monotonic() - began < 30
    (failure,) = ledger.failures()
    assert (failure.key, failure.cause) == ("1", "DEADLINE")
    assert sorted(values(ledger)) == ["0", "2"]


def test_a_result_that_is_not_bytes_is_a_failure(jobs, ledger):
    ledger.add([Job("a", {"n": 1})])
    run_jobs(ledger, "sample_jobs:text")
    (failure,) = ledger.failures()
    assert "must return bytes, got str" in failure.error


def test_a_worker_computes_with_one_thread(jobs, ledger):
    ledger.add([Job("a", {})])
    run_jobs(ledger, "sample_jobs:threads")
    assert values(ledger) == {"a": b"1"}


def test_a_function_that_cannot_be_loaded_is_named(jobs, ledger):
    ledger.add([Job("a", {})])
    with pytest.raises(ConfigurationError, match="sample_jobs:absent"):
        run_jobs(ledger, "sample_jobs:absent")
    assert ledger.counts().pending == 1


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("no-colon", {}),
        (":f", {}),
        ("a:", {}),
        ("a:f", {"workers": 0}),
        ("a:f", {"deadline_s": float("nan")}),
    ],
)
def test_wrong_arguments_are_refused(ledger, target, options):
    with pytest.raises(ConfigurationError):
        run_jobs(ledger, target, **options)


def test_a_run_killed_as_a_whole_is_resumed(jobs, tmp_path):
    folder = tmp_path / "marks"
    folder.mkdir()
    script = tmp_path / "run.py"
    script.write_text(
        textwrap.dedent(f"""
            import sys
            sys.path.insert(0, {str(jobs)!r})
            from screening.work import Job, Ledger, run_jobs
            if __name__ == "__main__":
                with Ledger({str(tmp_path / "work.sqlite")!r}) as ledger:
                    ledger.add(Job(f"{{n}}", {{"n": n, "folder": {str(folder)!r}}}) for n in range(8))
                    run_jobs(ledger, "sample_jobs:slow", workers=2)
        """),
        encoding="utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, str(script)], env=environment)
    try:
        give_up = time.monotonic() + 60
        while len(list(folder.glob("end-*"))) < 2 and time.monotonic() < give_up:
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    # The workers of a dead run must not go on beside those of the next one.
    pids = {int(mark.name.rsplit("-", 1)[1]) for mark in folder.iterdir()}
    give_up = time.monotonic() + 10
    while any(map(_is_alive, pids)) and time.monotonic() < give_up:
        time.sleep(0.02)
    assert not any(map(_is_alive, pids))
    with Ledger(tmp_path / "work.sqlite") as ledger:
        done_before = values(ledger)
        assert 1 <= len(done_before) < 8
        run_jobs(ledger, "sample_jobs:slow", workers=2)
        assert values(ledger) == {f"{n}": f"{n}".encode() for n in range(8)}
    for key in done_before:  # what was done is not done again
        assert len(list(folder.glob(f"start-{key}-*"))) == 1


def _is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False

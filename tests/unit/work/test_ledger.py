from __future__ import annotations

import sqlite3

import pytest

from screening.errors import ConfigurationError, StoreError
from screening.work import Counts, Failure, Job, Ledger


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "work.sqlite") as ledger:
        yield ledger


def test_a_job_goes_from_pending_to_done(ledger):
    assert ledger.add([Job("b", {"n": 2}), Job("a", {"n": 1})]) == 2
    job = ledger.take()
    assert job == Job("a", {"n": 1}, "")
    assert ledger.counts() == Counts(pending=1, running=1, done=0, failed=0)
    ledger.finish("a", b"one", 0.5)
    assert ledger.counts() == Counts(pending=1, running=0, done=1, failed=0)
    assert [tuple(result) for result in ledger.results()] == [("a", b"one", 0.5)]


def test_results_come_in_the_order_of_the_keys_not_of_their_ending(ledger):
    ledger.add(Job(key, {}) for key in "abc")
    for key in ("c", "a", "b"):
        ledger.finish(key, key.encode(), 0.0)
    assert [result.key for result in ledger.results()] == ["a", "b", "c"]


def test_a_job_tried_before_waits_behind_the_others(ledger):
    ledger.add(Job(key, {}) for key in "ab")
    ledger.take()
    assert ledger.fail("a", "DIED", "died", max_attempts=3) is False
    assert ledger.take().key == "b"
    assert ledger.take().key == "a"


def test_a_job_is_given_up_after_its_attempts(ledger):
    ledger.add([Job("a", {})])
    for _ in range(2):
        ledger.take()
        ledger.fail("a", "DIED", "died", max_attempts=3)
    ledger.take()
    assert ledger.fail("a", "DEADLINE", "too slow", max_attempts=3) is True
    assert list(ledger.failures()) == [Failure("a", "DEADLINE", "too slow", 3)]
    assert ledger.take() is None


def test_adding_again_keeps_results_unless_the_fingerprint_changed(ledger):
    ledger.add([Job("a", {"n": 1}, "1"), Job("b", {"n": 1}, "1")])
    for key in "ab":
        ledger.finish(key, b"old", 0.0)
    assert ledger.add([Job("a", {"n": 1}, "1"), Job("b", {"n": 1}, "2")]) == 1
    assert [result.key for result in ledger.results()] == ["a"]
    assert ledger.take().key == "b"


def test_jobs_whose_input_is_gone_are_forgotten(ledger):
    ledger.add(Job(key, {}) for key in "abc")
    assert ledger.keep_only(["b"]) == 2
    assert ledger.counts().total == 1


def test_a_dead_run_leaves_its_running_jobs_to_the_next(tmp_path):
    path = tmp_path / "work.sqlite"
    with Ledger(path) as ledger:
        ledger.add(Job(key, {}) for key in "ab")
        ledger.take()
    with Ledger(path) as ledger:
        assert ledger.recover(max_attempts=3) == 2
        assert ledger.take().key == "b"


def test_a_job_that_takes_the_run_down_each_time_is_given_up(tmp_path):
    path = tmp_path / "work.sqlite"
    for _ in range(2):
        with Ledger(path) as ledger:
            ledger.add([Job("a", {})])
            ledger.recover(max_attempts=2)
            ledger.take()
    with Ledger(path) as ledger:
        assert ledger.recover(max_attempts=2) == 0
        (failure,) = ledger.failures()
    assert failure.cause == "DIED"
    assert failure.attempts == 2


def test_failed_jobs_are_tried_again_only_when_asked(ledger):
    ledger.add([Job("a", {})])
    ledger.take()
    ledger.fail("a", "EXCEPTION", "no", max_attempts=1)
    assert ledger.recover(max_attempts=1) == 0
    assert ledger.recover(max_attempts=1, retry_failed=True) == 1


def test_a_second_process_is_refused(tmp_path):
    path = tmp_path / "work.sqlite"
    with Ledger(path), pytest.raises(StoreError, match="another run"):
        Ledger(path)
    Ledger(path).close()


def test_another_identity_is_refused_and_named(tmp_path):
    path = tmp_path / "work.sqlite"
    Ledger(path, {"config_sha256": "1", "version": "1"}).close()
    with pytest.raises(ConfigurationError, match="another config_sha256:"):
        Ledger(path, {"config_sha256": "2", "version": "1"})
    Ledger(path, {"config_sha256": "1", "version": "1"}).close()


def test_a_file_that_is_no_ledger_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "work.sqlite"
    path.write_bytes(b"not a database at all, and longer than a header" * 40)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"work\.sqlite"):
        Ledger(path)
    assert path.read_bytes() == before


def test_writes_are_synchronous(ledger):
    # 2 is FULL: a committed result survives a power cut, not only a kill.
    assert ledger._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert ledger._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_other_programs_can_read_while_it_runs(ledger):
    ledger.add([Job("a", {})])
    reader = sqlite3.connect(f"file:{ledger.path}?mode=ro", uri=True)
    assert reader.execute("SELECT count(*) FROM jobs").fetchone() == (1,)
    reader.close()

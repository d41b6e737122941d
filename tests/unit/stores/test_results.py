from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from screening.errors import IntegrityError, StoreError
from screening.records import (
    CalibrationRef,
    CaseInputs,
    ClearanceDecision,
    Consignment,
    Device,
    FlagClock,
    FlagModality,
    FlagPipeline,
    FlagQuality,
    FlagScores,
    InputRef,
    Level,
    OperatingMode,
    PolicyRef,
    RiskFlag,
    ScanIdentity,
    SealState,
    Subject,
    Validity,
)
from screening.stores import SCHEMA_VERSION, Message, ResultStore, StoredScan

BOX = "CSQU3054383"


@pytest.fixture
def store(tmp_path: Path):
    with ResultStore(tmp_path / "results.sqlite") as opened:
        yield opened


def make_scan(scan_id: str = "scan-1", container_id: str | None = BOX, sha256: str = "a" * 64) -> StoredScan:
    return StoredScan(
        identity=ScanIdentity(
            scan_id=scan_id, container_id=container_id, t_end_utc=datetime(2026, 3, 1, tzinfo=UTC)
        ),
        modality="radiation",
        inputs=(InputRef(kind="scan", uri="x", n_bytes=1, sha256=sha256),),
    )


def make_flag(flag_id: str = "f1", scan_id: str = "scan-1", **changes) -> RiskFlag:
    flag = RiskFlag(
        flag_id=flag_id,
        scan_id=scan_id,
        site=None,
        lane=None,
        device=Device(),
        operating_mode=OperatingMode.OPS,
        subject=Subject(container_id=BOX),
        modality=FlagModality.RAD_GROSS,
        level=Level.LOW,
        is_severe=False,
        reasons=(),
        scores=FlagScores(),
        quality=FlagQuality(),
        calibration=CalibrationRef(),
        background_age_s=None,
        clock=FlagClock(),
        pipeline=FlagPipeline(
            version="0", kernel_isa="b", models=(), config_sha256="c", threshold_sha256="d"
        ),
        inputs=(),
    )
    return msgspec.structs.replace(flag, **changes)


def make_decision(decision_id: str = "d1", **changes) -> ClearanceDecision:
    decision = ClearanceDecision(
        decision_id=decision_id,
        consignment=Consignment(container_id=BOX),
        stage="DEPARTURE",
        risk=Level.LOW,
        action="CLEARED_FOR_DEPARTURE",
        reason_codes=(),
        inputs=CaseInputs(),
        policy=PolicyRef(id="p", version="1", sha256="e"),
        required_steps=(),
        flags=(),
        seal=SealState(),
        validity=Validity(not_before="2026-03-01T00:00:00.000Z", expires="2026-03-02T00:00:00.000Z"),
        is_exercise=True,
        decided_at="2026-03-01T00:00:00.000Z",
        administration="CA",
        key_id="k",
        signature="s",
    )
    decision = msgspec.convert(msgspec.to_builtins(decision), type=ClearanceDecision)
    return msgspec.structs.replace(decision, **changes)


def test_what_is_recorded_comes_back(store: ResultStore) -> None:
    scan, flag, decision = make_scan(), make_flag(), make_decision()
    n = store.record(
        scan=scan, flags=[flag], decision=decision, messages=[Message(kind="clearance/1", body=b"m")]
    )
    assert n == 4
    assert store.scans() == [scan]
    assert store.scan("scan-1") == scan
    assert store.flags_of_scan("scan-1") == store.flags_of_container(BOX) == [flag]
    assert store.latest_decision(BOX) == decision
    assert store.counts() == {"scans": 1, "flags": 1, "decisions": 1, "outbox": 1, "pending": 1}
    assert store.scan("none") is None
    assert store.latest_decision("none") is None


def test_writing_twice_changes_nothing(store: ResultStore) -> None:
    everything = {
        "scan": make_scan(),
        "flags": [make_flag()],
        "decision": make_decision(),
        "messages": [Message(kind="k", body=b"m")],
    }
    assert store.record(**everything) == 4
    assert store.record(**everything) == 0
    assert set(store.counts().values()) == {1}


def test_a_relayed_message_is_not_owed_again(store: ResultStore) -> None:
    messages = [Message(kind="k", body=str(i).encode()) for i in range(3)]
    store.record(messages=messages)
    owed = store.pending()
    assert [one.message for one in owed] == messages
    assert [one.id for one in store.pending(limit=1)] == [owed[0].id]
    store.mark_relayed([owed[0].id, owed[2].id], at=datetime(2026, 3, 1, tzinfo=UTC))
    assert store.pending() == [owed[1]]
    store.record(messages=messages)
    assert store.pending() == [owed[1]]
    assert len({one.key for one in owed}) == 3


def test_another_scan_under_the_same_id_is_refused(store: ResultStore) -> None:
    store.record(scan=make_scan())
    with pytest.raises(IntegrityError, match="another scan"):
        store.record(scan=make_scan(sha256="b" * 64), messages=[Message(kind="k", body=b"m")])
    assert store.counts()["outbox"] == 0
    more = msgspec.structs.replace(
        make_scan(), inputs=(*make_scan().inputs, *make_scan(sha256="b" * 64).inputs)
    )
    assert store.record(scan=more) == 0
    assert store.scan("scan-1") == make_scan()


def test_all_or_nothing(store: ResultStore) -> None:
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        store.record(
            scan=make_scan("scan-2"),
            flags=[make_flag(scan_id="nowhere")],
            messages=[Message(kind="k", body=b"m")],
        )
    assert set(store.counts().values()) == {0}


def test_the_sealed_form_of_a_flag_is_the_one_returned(store: ResultStore) -> None:
    plain, sealed = make_flag(), make_flag(key_id="k", signature="s")
    store.record(scan=make_scan(), flags=[plain, make_flag("f2"), sealed, plain])
    assert store.flags_of_scan("scan-1") == [sealed, make_flag("f2")]


def test_an_unsealed_decision_is_not_stored(store: ResultStore) -> None:
    with pytest.raises(IntegrityError, match="sealed"):
        store.record(decision=make_decision(signature=None))


def test_the_latest_decision_is_the_last_recorded(store: ResultStore) -> None:
    store.record(decision=make_decision("d1"))
    store.record(decision=make_decision("d2"))
    latest = store.latest_decision(BOX)
    assert latest is not None
    assert latest.decision_id == "d2"
    assert [d.decision_id for d in store.decisions(BOX)] == ["d1", "d2"]
    assert [d.decision_id for d in store.decisions()] == ["d1", "d2"]
    assert store.decisions("MWCU6059784") == []


def test_scans_are_listed_latest_first(store: ResultStore) -> None:
    for i in range(3):
        store.record(scan=make_scan(f"scan-{i}", container_id=BOX if i else None))
    assert [scan.identity.scan_id for scan in store.scans(limit=2)] == ["scan-2", "scan-1"]
    assert [scan.identity.scan_id for scan in store.scans(container_id=BOX)] == ["scan-2", "scan-1"]


def test_the_settings_that_keep_it_safe(store: ResultStore) -> None:
    def pragma(name: str) -> object:
        return store._connection.execute(f"PRAGMA {name}").fetchone()[0]

    assert (pragma("journal_mode"), pragma("synchronous"), pragma("foreign_keys")) == ("wal", 2, 1)
    assert (pragma("user_version"), pragma("busy_timeout")) == (SCHEMA_VERSION, 10_000)


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    ResultStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    for read_only in (False, True):
        with pytest.raises(StoreError, match="newer"):
            ResultStore(path, read_only=read_only)


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(StoreError, match="not a result store"):
        ResultStore(other)
    text = tmp_path / "text.sqlite"
    text.write_text("no database at all " * 100)
    with pytest.raises(StoreError):
        ResultStore(text)
    with pytest.raises(StoreError):
        ResultStore(tmp_path / "missing" / "r.sqlite")
    with pytest.raises(StoreError):
        ResultStore(tmp_path / "absent.sqlite", read_only=True)
    assert not (tmp_path / "absent.sqlite").exists()


def test_a_read_only_store_takes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    with ResultStore(path) as store:
        store.record(scan=make_scan())
        with ResultStore(path, read_only=True) as reader:
            assert reader.scans() == [make_scan()]
            with pytest.raises(StoreError, match="readonly"):
                reader.record(scan=make_scan("scan-2"))
            with pytest.raises(StoreError, match="readonly"):
                reader.mark_relayed([1])


def test_a_full_disk_loses_nothing_and_is_over_when_space_returns(store: ResultStore) -> None:
    store.record(scan=make_scan("scan-0"))
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    big = Message(kind="k", body=b"x" * 100_000)
    with pytest.raises(StoreError, match="full"):
        store.record(scan=make_scan("scan-1"), messages=[big])
    assert store.counts() == {"scans": 1, "flags": 0, "decisions": 0, "outbox": 0, "pending": 0}
    store._connection.execute("PRAGMA max_page_count = 1000000")
    assert store.record(scan=make_scan("scan-1"), messages=[big]) == 2


def test_threads_share_a_store(store: ResultStore) -> None:
    failures: list[BaseException] = []

    def write(thread: int) -> None:
        try:
            for i in range(20):
                store.record(
                    scan=make_scan(f"scan-{thread}-{i}"),
                    messages=[Message(kind="k", body=f"{thread} {i}".encode())],
                )
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.counts()["scans"] == store.counts()["pending"] == 80


def test_two_stores_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    with ResultStore(path) as one, ResultStore(path) as two:
        one.record(scan=make_scan("scan-1"))
        two.record(scan=make_scan("scan-2"))
        assert one.counts() == two.counts()
        assert one.counts()["scans"] == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_must_open_its_own(store: ResultStore) -> None:
    store._pid += 1
    with pytest.raises(StoreError, match="fork"):
        store.counts()
    store._pid -= 1


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    template = msgspec.json.encode(make_flag()).decode()
    acknowledged: list[int] = []
    for round_ in range(20):
        child = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("writer.py"), path, str(round_ * 100_000), template],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            text=True,
        )
        assert child.stdout is not None
        with child:
            # Killed at another point of a transaction each time: told of n writes, amid the next.
            acknowledged += [int(child.stdout.readline()) for _ in range(1 + round_ % 5)]
            child.kill()
            acknowledged += [int(line) for line in child.stdout.read().split("\n")[:-1]]
    with ResultStore(path) as store:
        known = {scan.identity.scan_id for scan in store.scans()}
        assert {f"scan-{i}" for i in acknowledged} <= known
        messages = {int(owed.message.body) for owed in store.pending(limit=1_000_000)}
        assert {f"scan-{i}" for i in messages} == known
        counts = store.counts()
        assert counts["scans"] == counts["flags"] == counts["outbox"] == len(known)
        assert len(acknowledged) >= 60
        assert store._connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"

"""Results become cases: decided when complete or overdue, recorded whatever else happens."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from screening.acquire.casework import Casework
from screening.acquire.scan_entry import Place, ScanEntry, new_scan_id
from screening.acquire.supervisor import AnalysisAnswer
from screening.acquire.unanswered import unanswered_report
from screening.clearance import KeyRing, Signer, default_policy, generate_exercise_key, verify_record
from screening.errors import ModelError, StoreError
from screening.records import (
    Action,
    ClearanceDecision,
    Level,
    OperatingMode,
    ScreeningReport,
    Targeting,
    utc_string,
)
from screening.records.scan import ScanNote
from screening.risk import Provenance
from screening.stores import ResultStore

BOX = "CSQU3054383"
PROVENANCE = Provenance(version="0", kernel_isa="none", config_sha256="0" * 64, threshold_sha256="0" * 64)


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return generate_exercise_key(tmp_path / "exercise.key")


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore(tmp_path / "results.sqlite")


def _casework(
    store: ResultStore, signer: Signer | None, *, deadline_s: float = 60.0, decisions: Path | None = None
) -> Casework:
    return Casework(
        store,
        signer=signer,
        keys=KeyRing(),
        policy=default_policy(),
        administration="test customs",
        required=frozenset({"P1", "X1"}),
        deadline_s=deadline_s,
        decisions=decisions,
    )


def _entry(lane: str, container_id: str | None = BOX, *, notes: tuple[ScanNote, ...] = ()) -> ScanEntry:
    place = Place(4, 32, 0, 0, 100)
    now = time.time_ns()
    targeting = Targeting(
        container_id=BOX,
        level=Level.LOW,
        administration="a",
        source="s",
        at=utc_string(_now()) or "",
    )
    return ScanEntry(
        scan_id=new_scan_id(),
        site="T",
        lane=lane,
        kind="rpm" if lane == "P1" else "linestream",
        mode=OperatingMode.EXERCISE,
        first=place,
        last=place,
        n_bytes=1,
        began_ns=now,
        ended_ns=now,
        container_id=container_id,
        targeting=(targeting,),
        notes=notes,
    )


def _now():  # type: ignore[no-untyped-def]
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _unknown(entry: ScanEntry) -> ScreeningReport:
    return unanswered_report(entry, ModelError("crashed"), PROVENANCE)


def test_a_case_is_decided_when_its_last_lane_is_in(
    tmp_path: Path, store: ResultStore, signer: Signer
) -> None:
    casework = _casework(store, signer, decisions=tmp_path / "decisions")
    first, second = _entry("P1"), _entry("X1")
    assert casework.record(first, _unknown(first), AnalysisAnswer()) == (None, None)
    assert casework.first_segments == (4,)
    decision, problem = casework.record(second, _unknown(second), AnalysisAnswer())
    assert problem is None
    assert decision is not None
    assert decision.is_exercise
    assert decision.risk is not Level.LOW
    assert decision.action is Action.REFER_SECONDARY_RAD
    assert {flag.flag_id for flag in decision.flags} == {
        flag.flag_id for flag in store.flags_of_container(BOX)
    }
    assert all(flag.signature for flag in store.flags_of_container(BOX))
    assert store.decisions(BOX) == [decision]
    assert store.counts()["pending"] == 3  # two flags and the decision are owed to receivers
    (file,) = (tmp_path / "decisions").glob(f"{BOX}-*.json")
    ring = KeyRing([signer.public])
    assert verify_record(file.read_bytes(), ClearanceDecision, ring, allow_exercise=True) == decision
    assert casework.first_segments == ()
    casework.close()


def test_a_case_that_waits_too_long_is_decided_on_what_there_is(store: ResultStore, signer: Signer) -> None:
    casework = _casework(store, signer, deadline_s=10.0)
    entry = _entry("X1")
    casework.record(entry, _unknown(entry), AnalysisAnswer())
    assert casework.decide_overdue(time.time()) == []
    (decision,) = casework.decide_overdue(time.time() + 11)
    assert decision.action is Action.REFER_SECONDARY_RAD  # the portal never saw it
    assert decision.risk is not Level.LOW
    assert casework.decide_overdue(time.time() + 99) == []
    casework.close()


def test_a_scan_of_no_container_is_recorded_and_decides_nothing(store: ResultStore, signer: Signer) -> None:
    casework = _casework(store, signer)
    entry = _entry("P1", None)
    assert casework.record(entry, _unknown(entry), AnalysisAnswer()) == (None, None)
    assert store.scan(entry.scan_id) is not None
    assert casework.decide_overdue(time.time() + 1e6) == []
    casework.close()


def test_without_a_key_nothing_is_decided_and_everything_is_recorded(store: ResultStore) -> None:
    casework = _casework(store, None)
    for lane in ("P1", "X1"):
        entry = _entry(lane)
        assert casework.record(entry, _unknown(entry), AnalysisAnswer()).decision is None
    assert store.counts()["flags"] == 2
    assert store.counts()["decisions"] == 0
    casework.close()


def test_a_restart_takes_up_what_was_recorded_and_not_decided(store: ResultStore, signer: Signer) -> None:
    before = _casework(store, signer)
    first, second = _entry("P1"), _entry("X1")
    before.record(first, _unknown(first), AnalysisAnswer())
    after = _casework(store, signer)
    entries = {entry.scan_id: entry for entry in (first, second)}
    assert after.known(entries) == {first.scan_id}
    decision, _ = after.record(second, _unknown(second), AnalysisAnswer())
    assert decision is not None
    # Once decided, another restart reopens nothing.
    again = _casework(store, signer)
    assert again.known(entries) == set(entries)
    assert again.first_segments == ()
    again.close()


def test_a_store_that_refuses_leaves_the_case_as_it_was(
    store: ResultStore, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    casework = _casework(store, signer)
    first, second = _entry("P1"), _entry("X1")
    casework.record(first, _unknown(first), AnalysisAnswer())

    def refuse(**_: object) -> int:
        raise StoreError("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(store, "record", refuse)
        with pytest.raises(StoreError):
            casework.record(second, _unknown(second), AnalysisAnswer())
    decision, _ = casework.record(second, _unknown(second), AnalysisAnswer())
    assert decision is not None
    assert len(store.decisions(BOX)) == 1
    casework.close()

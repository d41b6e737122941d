"""Results become cases: decided when complete or overdue, recorded whatever else happens."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from screening.acquire.casework import Advanced, Casework
from screening.acquire.clearances import DeskClearance
from screening.acquire.scan_entry import Place, ScanEntry, new_scan_id
from screening.acquire.supervisor import AnalysisAnswer
from screening.acquire.unanswered import unanswered_report
from screening.clearance import KeyRing, Signer, generate_exercise_key, verify_record
from screening.clearance.opening import open_desk
from screening.clearance.settings import ClearanceSettings
from screening.errors import ModelError, StoreError
from screening.records import (
    Action,
    ClearanceDecision,
    Level,
    OperatingMode,
    ReasonCode,
    ScreeningReport,
    SealEvent,
    Targeting,
    utc_string,
)
from screening.records.scan import ScanNote
from screening.risk import Provenance
from screening.stores import ResultStore

BOX = "CSQU3054383"
_DESKS: list[DeskClearance] = []
PROVENANCE = Provenance(version="0", kernel_isa="none", config_sha256="0" * 64, threshold_sha256="0" * 64)


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return generate_exercise_key(tmp_path / "exercise.key")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ResultStore]:
    with ResultStore(tmp_path / "results.sqlite") as opened:
        yield opened


@pytest.fixture(autouse=True)
def desks() -> Iterator[list[DeskClearance]]:
    """Every desk that a test opens, closed after it."""
    _DESKS.clear()
    yield _DESKS
    for desk in _DESKS:
        desk.close()


def _casework(
    store: ResultStore, signer: Signer | None, *, deadline_s: float = 60.0, decisions: Path | None = None
) -> Casework:
    folder = store.path.parent
    clearance = None
    if signer is not None:
        settings = ClearanceSettings(
            administration="test customs",
            key_file=str(folder / "exercise.key"),
            database=str(folder / "cases.sqlite"),
            required_lanes=("P1", "X1"),
            case_deadline_s=deadline_s,
            is_exercise=True,
        )
        clearance = DeskClearance(open_desk(settings))
        _DESKS.append(clearance)
    return Casework(store, signer=signer, clearance=clearance, decisions=decisions)


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


def _now() -> datetime:
    return datetime.now(UTC)


def _unknown(entry: ScanEntry) -> ScreeningReport:
    return unanswered_report(entry, ModelError("crashed"), PROVENANCE)


def _recorded(casework: Casework, *entries: ScanEntry) -> None:
    for entry in entries:
        casework.record(entry, _unknown(entry), AnalysisAnswer())


def test_a_case_is_decided_when_its_last_lane_is_in(
    tmp_path: Path, store: ResultStore, signer: Signer
) -> None:
    casework = _casework(store, signer, decisions=tmp_path / "decisions")
    first, second = _entry("P1"), _entry("X1")
    _recorded(casework, first)
    assert casework.advance(_now()) == Advanced(())
    _recorded(casework, second)
    (decision,), refused = casework.advance(_now())
    assert refused == ()
    assert decision.is_exercise
    assert decision.risk is not Level.LOW
    assert decision.action is Action.REFER_SECONDARY_RAD
    assert decision.inputs.targeting == Level.LOW  # the site put its name to what its feed told
    assert {flag.flag_id for flag in decision.flags} == {
        flag.flag_id for flag in store.flags_of_container(BOX)
    }
    assert all(flag.signature for flag in store.flags_of_container(BOX))
    assert store.decisions(BOX) == [decision]
    assert store.counts()["pending"] == 0
    (file,) = (tmp_path / "decisions").glob(f"{BOX}-*.json")
    ring = KeyRing([signer.public])
    assert verify_record(file.read_bytes(), ClearanceDecision, ring, allow_exercise=True) == decision
    assert casework.advance(_now()) == Advanced(())
    casework.close()


def test_a_case_that_waits_too_long_is_decided_on_what_there_is(store: ResultStore, signer: Signer) -> None:
    casework = _casework(store, signer, deadline_s=10.0)
    _recorded(casework, _entry("X1"))
    assert casework.advance(_now()).decisions == ()
    late = _now() + timedelta(seconds=11)
    assert casework.advance(late, coming=[BOX, None]).decisions == ()  # one of its scans is on its way
    (decision,) = casework.advance(late + timedelta(seconds=2)).decisions
    assert decision.action is Action.REFER_SECONDARY_RAD  # the portal never saw it
    assert decision.risk is not Level.LOW
    assert ReasonCode.TIMEOUT in decision.reason_codes
    assert casework.advance(late + timedelta(seconds=88)).decisions == ()
    casework.close()


def test_a_scan_of_no_container_is_recorded_and_clears_nobody(store: ResultStore, signer: Signer) -> None:
    casework = _casework(store, signer)
    entry = _entry("P1", None)
    _recorded(casework, entry)
    assert store.scan(entry.scan_id) is not None
    decisions = casework.advance(_now() + timedelta(seconds=100)).decisions
    assert all(decision.risk is not Level.LOW for decision in decisions)
    assert store.decisions(BOX) == []
    casework.close()


def test_without_a_key_nothing_is_decided_and_everything_is_recorded(store: ResultStore) -> None:
    casework = _casework(store, None)
    _recorded(casework, _entry("P1"), _entry("X1"))
    assert casework.advance(_now()) == Advanced(())
    assert store.counts()["flags"] == 2
    assert store.counts()["decisions"] == 0
    casework.close()


def test_a_restart_takes_up_what_was_recorded_and_not_handed_in(store: ResultStore, signer: Signer) -> None:
    first, second = _entry("P1"), _entry("X1")
    before = _casework(store, signer)
    _recorded(before, first, second)  # and the process ends before its next look
    after = _casework(store, signer)
    assert after.known([first.scan_id, second.scan_id, "another"]) == {first.scan_id, second.scan_id}
    (decision,) = after.advance(_now()).decisions
    assert store.decisions(BOX) == [decision]


def test_a_decision_that_was_not_copied_before_a_crash_is_copied_after_it(
    store: ResultStore, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    casework = _casework(store, signer)
    _recorded(casework, _entry("P1"), _entry("X1"))

    def refuse(**_: object) -> int:
        raise StoreError("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(store, "record", refuse)
        with pytest.raises(StoreError):
            casework.advance(_now())
    assert store.decisions(BOX) == []
    (decision,) = _casework(store, signer).advance(_now()).decisions
    assert store.decisions(BOX) == [decision]


def test_a_store_that_refuses_records_nothing_and_takes_it_later(
    store: ResultStore, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    casework = _casework(store, signer)
    first, second = _entry("P1"), _entry("X1")
    _recorded(casework, first)

    def refuse(**_: object) -> int:
        raise StoreError("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(store, "record", refuse)
        with pytest.raises(StoreError):
            _recorded(casework, second)
    _recorded(casework, second)
    assert len(casework.advance(_now()).decisions) == 1
    assert len(store.decisions(BOX)) == 1
    casework.close()


def test_what_the_clearance_refuses_is_told_and_holds_up_nothing(store: ResultStore, signer: Signer) -> None:
    casework = _casework(store, signer)
    stranger = generate_exercise_key(store.path.parent / "stranger.key")
    event = SealEvent(container_id=BOX, seal_id="S", event="SEALED", at=utc_string(_now()) or "")
    entry = msgspec.structs.replace(_entry("P1"), seal_events=(stranger.seal(event),))
    _recorded(casework, entry, _entry("X1"))
    (decision,), (refusal,) = casework.advance(_now())
    assert (refusal.kind, refusal.failure) == ("sealevent/1", "UNKNOWN_KEY")
    assert decision.inputs.seal is None
    casework.close()


@pytest.mark.parametrize(("event", "seal"), [("TAMPER", "BROKEN"), ("SEALED", None)])
def test_the_site_puts_its_name_to_bad_news_alone(
    store: ResultStore, signer: Signer, event: str, seal: str | None
) -> None:
    casework = _casework(store, signer)
    told = SealEvent(container_id=BOX, seal_id="S", event=event, at=utc_string(_now()) or "")
    _recorded(casework, msgspec.structs.replace(_entry("P1"), seal_events=(told,)), _entry("X1"))
    (decision,) = casework.advance(_now()).decisions
    assert decision.inputs.seal == seal
    casework.close()

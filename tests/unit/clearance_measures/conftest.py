"""Records of a programme, as a ledger holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from screening.clearance.ledger import LedgerEntry
from screening.records import (
    Acceptance,
    Action,
    CalibrationRef,
    CaseInputs,
    ClearanceDecision,
    Consignment,
    Crossing,
    Device,
    FlagClock,
    FlagModality,
    FlagPipeline,
    FlagQuality,
    FlagScores,
    Level,
    OperatingMode,
    PolicyRef,
    Reason,
    ReasonCode,
    RiskFlag,
    Sealed,
    SealEvent,
    SealState,
    Subject,
    Targeting,
    TargetingAssessment,
    Validity,
    Verified,
    canonical_bytes,
    sha256_hex,
    utc_string,
)

START = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)


def text(hours: float) -> str:
    return str(utc_string(START + timedelta(hours=hours)))


class ListLedger:
    """A ledger in memory."""

    def __init__(self, records: Iterable[Sealed]) -> None:
        self._entries = [
            LedgerEntry(i, record.schema, sha256_hex(canonical_bytes(record)), canonical_bytes(record))
            for i, record in enumerate(records)
        ]

    def size(self) -> int:
        return len(self._entries)

    def entries(self, start: int, stop: int) -> Sequence[LedgerEntry]:
        return self._entries[start:stop]

    def node(self, level: int, index: int) -> bytes:
        raise NotImplementedError


class Make:
    """Makes records in few words; times are hours from the start."""

    def __init__(self) -> None:
        self.n = 0

    def flag(
        self, number: str, h: float, modality: str = "RAD_GROSS", level: str = "LOW", **changes: Any
    ) -> RiskFlag:
        self.n += 1
        flag = RiskFlag(
            flag_id=f"{self.n:064x}",
            scan_id=f"scan-{self.n}",
            site="YPR",
            lane="1",
            device=Device(),
            operating_mode=OperatingMode.OPS,
            subject=Subject(container_id=number),
            modality=FlagModality(modality),
            level=Level(level),
            is_severe=False,
            reasons=()
            if level == "LOW"
            else (Reason(code=ReasonCode.Q_COVERAGE, level=Level.UNKNOWN, text="part not seen"),),
            scores=FlagScores(),
            quality=FlagQuality(),
            calibration=CalibrationRef(),
            background_age_s=30,
            clock=FlagClock(),
            pipeline=FlagPipeline(
                version="0", kernel_isa="baseline", models=(), config_sha256="c", threshold_sha256="t"
            ),
            inputs=(),
            created_at=text(h),
        )
        return msgspec.structs.replace(flag, **changes)

    def targeting(
        self, number: str, h: float, level: str = "LOW", administration: str = "CA"
    ) -> TargetingAssessment:
        return TargetingAssessment(
            targeting=Targeting(
                container_id=number,
                level=Level(level),
                administration=administration,
                source="test",
                at=text(h),
            )
        )

    def seal(
        self, number: str, h: float, event: str = "SEALED", place: str | None = None, seal: str = "S1"
    ) -> SealEvent:
        return SealEvent(
            container_id=number, seal_id=seal, event=event, at=text(h), place=place, signature="00"
        )

    def crossing(
        self, number: str, h: float, point: str = "ENTRY", conveyance: str | None = None
    ) -> Crossing:
        return Crossing(
            container_id=number,
            point=point,
            place="CAPRR",
            at=text(h),
            administration="CA",
            conveyance=conveyance,
        )

    def decision(self, number: str, h: float, action: str, administration: str = "CA") -> ClearanceDecision:
        self.n += 1
        return ClearanceDecision(
            decision_id=f"{self.n:064x}",
            consignment=Consignment(container_id=number),
            stage="DEPARTURE",
            risk=Level.LOW if action in ("CLEARED_FOR_DEPARTURE", "ACCEPT") else Level.UNKNOWN,
            action=Action(action),
            reason_codes=(),
            inputs=CaseInputs(),
            policy=PolicyRef(id="p", version="1", sha256="0"),
            required_steps=(),
            flags=(),
            seal=SealState(),
            validity=Validity(not_before=text(h), expires=text(h + 72)),
            is_exercise=False,
            decided_at=text(h),
            administration=administration,
        )

    def acceptance(self, decision: ClearanceDecision, h: float, outcome: str = "ACCEPT") -> Acceptance:
        self.n += 1
        return Acceptance(
            acceptance_id=f"{self.n:064x}",
            decision_id=decision.decision_id,
            verified=Verified(
                signature=True,
                chain=True,
                models_allowed=True,
                calibration_valid=True,
                policy_equivalent=True,
            ),
            outcome=outcome,
            reasons=(),
            administration="US",
            at=text(h),
        )


@pytest.fixture
def make() -> Make:
    return Make()


@pytest.fixture
def at() -> Callable[[float], datetime]:
    return lambda hours: START + timedelta(hours=hours)


@pytest.fixture
def ledger_of() -> Callable[[Iterable[Sealed]], ListLedger]:
    return ListLedger

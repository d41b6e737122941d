"""Records of one container at minutes before NOW, sealed by a key that the tests trust."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from screening.clearance import KeyRing, Policy, WeighedCase, decide, default_policy, join_case, weigh
from screening.clearance.table import Outcome
from screening.records import (
    Adjudication,
    CalibrationRef,
    Case,
    Conclusion,
    Crossing,
    Destuffing,
    Device,
    Evidence,
    FlagClock,
    FlagModality,
    FlagPipeline,
    FlagQuality,
    FlagScores,
    Level,
    OperatingMode,
    Reason,
    ReasonCode,
    RiskFlag,
    SealEvent,
    Subject,
    Targeting,
    TargetingAssessment,
    canonical_bytes,
    utc_string,
)
from screening.risk import LEVEL_OF_CODE, level_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BOX = "CSQU3054383"


class Records:
    """Makes sealed records; `minutes` is how long before NOW they were made."""

    box = BOX
    now = NOW

    @staticmethod
    def at(minutes: float) -> str:
        return str(utc_string(NOW - timedelta(minutes=minutes)))

    @staticmethod
    def seal(record: Any, by: str = "trusted") -> Any:
        """Under the key that the tests trust, or under another; no curve is needed for that."""
        mark = sha256(canonical_bytes(record)).hexdigest()
        return msgspec.structs.replace(record, key_id=by, signature=mark)

    def flag(
        self, modality: str, *codes: str, minutes: float = 20, by: str = "trusted", **changes: Any
    ) -> RiskFlag:
        reasons = tuple(
            Reason(code=ReasonCode(code), level=LEVEL_OF_CODE[ReasonCode(code)], text="x") for code in codes
        )
        number = changes.pop("number", BOX)
        flag = RiskFlag(
            flag_id="",
            scan_id=f"scan {modality} {minutes}",
            site="CAPRR",
            lane="1",
            device=Device(),
            operating_mode=OperatingMode.OPS,
            subject=Subject(container_id=number),
            modality=FlagModality(modality),
            level=level_of(reasons),
            is_severe="RAD_NEUTRON" in codes,
            reasons=reasons,
            scores=FlagScores(),
            quality=FlagQuality(),
            calibration=CalibrationRef(),
            background_age_s=30,
            clock=FlagClock(),
            pipeline=FlagPipeline(
                version="0", kernel_isa="b", models=(), config_sha256="c", threshold_sha256="d"
            ),
            inputs=(),
            created_at=self.at(minutes),
        )
        flag = msgspec.structs.replace(flag, **changes)
        return self.seal(msgspec.structs.replace(flag, flag_id=sha256(canonical_bytes(flag)).hexdigest()), by)

    def event(
        self,
        kind: str,
        minutes: float,
        *,
        place: str | None = "CAPRR",
        seal_id: str = "S1",
        by: str = "trusted",
    ) -> SealEvent:
        made = SealEvent(container_id=BOX, seal_id=seal_id, event=kind, at=self.at(minutes), place=place)
        return self.seal(made, by)

    def destuffing(
        self, outcome: str, minutes: float, second: str | None = None, **changes: Any
    ) -> Destuffing:
        by = changes.pop("by", "trusted")
        made = Destuffing(
            container_id=BOX,
            outcome=outcome,
            officer_ref="o1",
            at=self.at(minutes),
            second_officer_ref=second,
            **changes,
        )
        return self.seal(made, by)

    def conclusion(self, flag: RiskFlag, code: int = 4, minutes: float = 5, **changes: Any) -> Conclusion:
        by = changes.pop("by", "trusted")
        made = Adjudication(
            officer_ref="o1",
            flag_id=flag.flag_id,
            code=code,
            basis=changes.pop("basis", "MEASUREMENT"),
            at=self.at(minutes),
            instrument=changes.pop("instrument", "riid 7"),
            second_officer_ref=changes.pop("second", None),
            **changes,
        )
        return self.seal(Conclusion(container_id=BOX, adjudication=made, administration="CA"), by)

    def assessment(
        self, level: str = "LOW", minutes: float = 200, administration: str = "CA", by: str = "trusted"
    ) -> TargetingAssessment:
        made = Targeting(
            container_id=BOX,
            level=Level(level),
            administration=administration,
            source="s",
            at=self.at(minutes),
        )
        return self.seal(TargetingAssessment(targeting=made), by)

    def crossing(self, point: str, minutes: float, place: str = "CAPRR", **changes: Any) -> Crossing:
        by = changes.pop("by", "trusted")
        made = Crossing(
            container_id=changes.pop("container_id", BOX),
            point=point,
            place=place,
            at=self.at(minutes),
            administration=changes.pop("administration", "CA"),
            **changes,
        )
        return self.seal(made, by)


@pytest.fixture(scope="session")
def make() -> Records:
    return Records()


@pytest.fixture(scope="session")
def policy() -> Policy:
    return default_policy()


@pytest.fixture
def join() -> Callable[..., Case]:
    def join(*records: Evidence, stage: Any = "DEPARTURE", apart: Any = (), **changes: Any) -> Case:
        trusts = changes.pop("trusts", lambda record: record.key_id == "trusted")
        return join_case(
            BOX, records, now=NOW, stage=stage, is_trusted=trusts, doubtful_scans=apart, **changes
        )

    return join


@pytest.fixture
def look(policy: Policy) -> Callable[..., WeighedCase]:
    def look(case: Case, **changes: Any) -> WeighedCase:
        under = msgspec.structs.replace(policy, **changes.pop("policy", {}))
        given = {"is_trusted": lambda record: record.key_id == "trusted", **changes}
        return weigh(case, now=NOW, policy=under, keys=KeyRing(), **given)

    return look


@pytest.fixture
def outcome(look: Callable[..., WeighedCase]) -> Callable[..., Outcome]:
    def outcome(case: Case, **changes: Any) -> Outcome:
        return decide(look(case, **changes).inputs)

    return outcome


@pytest.fixture
def innocent(make: Records) -> tuple[Evidence, ...]:
    """All that a departure takes but the seal."""
    return (make.assessment(), make.flag("RAD_GROSS"), make.flag("NEUTRON"))

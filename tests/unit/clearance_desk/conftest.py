"""A desk on each database, and sealed records to hand in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from screening.clearance import KeyRing, Signer, default_policy
from screening.clearance.desk import Database, Desk, DeskRules, SinkWants
from screening.records import (
    CalibrationRef,
    Device,
    FlagClock,
    FlagModality,
    FlagPipeline,
    FlagQuality,
    FlagScores,
    OperatingMode,
    Reason,
    ReasonCode,
    RiskFlag,
    SealEvent,
    Subject,
    Targeting,
    TargetingAssessment,
    canonical_bytes,
    content_id,
    utc_string,
)
from screening.risk import LEVEL_OF_CODE, level_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CONTAINER = "CSQU3054383"


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def ops() -> Signer:
    return Signer(Ed25519PrivateKey.from_private_bytes(b"o" * 32), "ops")


@pytest.fixture(scope="session")
def exercise() -> Signer:
    return Signer(Ed25519PrivateKey.from_private_bytes(b"e" * 32), "exercise")


@pytest.fixture(scope="session")
def keys(ops: Signer, exercise: Signer) -> KeyRing:
    return KeyRing([ops.public, exercise.public])


class Sealing:
    """Seals records about a container, LOW unless told otherwise."""

    def __init__(self, signer: Signer, container: str = CONTAINER) -> None:
        self.signer, self.container = signer, container

    def flag(
        self, modality: str, *codes: str, age_s: float = 600, container: str | None = "", **changes: Any
    ) -> RiskFlag:
        reasons = tuple(
            Reason(code=ReasonCode(code), level=LEVEL_OF_CODE[ReasonCode(code)], text=code.lower())
            for code in codes
        )
        number = self.container if container == "" else container
        flag = RiskFlag(
            flag_id="",
            scan_id=f"scan-{number}-{modality[:3]}",
            site="TEST",
            lane="1",
            device=Device(),
            operating_mode=OperatingMode.EXERCISE if "EXERCISE" in codes else OperatingMode.OPS,
            subject=Subject(container_id=number, id_source="OCR", check_digit_ok=True, ocr_confidence="0.99"),
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
                version="0.1.0",
                kernel_isa="baseline",
                models=(),
                config_sha256="c" * 64,
                threshold_sha256="d" * 64,
            ),
            inputs=(),
            created_at=utc_string(NOW - timedelta(seconds=age_s)),
        )
        flag = msgspec.structs.replace(flag, **changes)
        return self.signer.seal(
            msgspec.structs.replace(
                flag, flag_id=content_id(flag, without=("flag_id", "key_id", "signature"))
            )
        )

    def targeting(
        self, level: str = "LOW", age_s: float = 7200, administration: str = "CA"
    ) -> TargetingAssessment:
        targeting = Targeting(
            container_id=self.container,
            level=level,
            administration=administration,
            source="test",
            at=str(utc_string(NOW - timedelta(seconds=age_s))),
        )
        return self.signer.seal(TargetingAssessment(targeting=targeting))

    def event(self, event: str, age_s: float = 1800, seal_id: str = "SEAL-1") -> SealEvent:
        at = str(utc_string(NOW - timedelta(seconds=age_s)))
        return self.signer.seal(SealEvent(container_id=self.container, seal_id=seal_id, event=event, at=at))

    def clean(self) -> list[Any]:
        """A container that may leave."""
        return [self.targeting(), self.flag("RAD_GROSS"), self.flag("NEUTRON"), self.event("SEALED")]


@pytest.fixture
def sealing(ops: Signer) -> Callable[..., Sealing]:
    def make(container: str = CONTAINER, signer: Signer = ops) -> Sealing:
        return Sealing(signer, container)

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a fresh desk may lie, once on each database."""
    if request.param == "sqlite":
        return str(tmp_path / "desk.sqlite")
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def open_desk(place: str, ops: Signer, keys: KeyRing) -> Iterator[Callable[..., Desk]]:
    opened = []

    def make(at: str | None = None, signer: Signer = ops, heads: tuple = (), **rules: Any) -> Desk:
        settings = {"administration": "CA", "sinks": (SinkWants(name="a"),), **rules}
        desk = Desk(
            Database(at or place),
            signer=signer,
            keys=keys,
            policy=default_policy(),
            rules=DeskRules(**settings),
            heads=heads,
        )
        opened.append(desk)
        return desk

    yield make
    for desk in opened:
        desk.close()


@pytest.fixture
def desk(open_desk: Callable[..., Desk]) -> Desk:
    return open_desk()


@pytest.fixture
def bodies() -> Callable[..., list[bytes]]:
    def make(records: list[Any]) -> list[bytes]:
        return [canonical_bytes(record) for record in records]

    return make

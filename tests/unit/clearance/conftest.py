"""Sealed flags, seal events and cases that end well, for a test to spoil in one respect."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from screening.clearance import KeyRing, Policy, Signer, default_policy
from screening.records import (
    CalibrationRef,
    Case,
    Device,
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


@pytest.fixture(scope="session")
def policy() -> Policy:
    return default_policy()


@pytest.fixture
def make_flag(ops: Signer) -> Callable[..., RiskFlag]:
    """A flag as the risk stage makes it, LOW without codes, sealed unless told not to be."""

    def make(
        modality: str,
        *codes: str,
        signer: Signer | None = ops,
        age: timedelta = timedelta(minutes=10),
        container_id: str | None = CONTAINER,
        explained: bool = False,
        params: dict[str, str] | None = None,
        **changes: Any,
    ) -> RiskFlag:
        reasons = tuple(
            Reason(
                code=ReasonCode(code),
                level="UNKNOWN"
                if explained and code == "RAD_GAMMA_NSIGMA"
                else LEVEL_OF_CODE[ReasonCode(code)],
                text=code.lower(),
                params=params or {},
            )
            for code in codes
        )
        reasons = msgspec.convert(msgspec.to_builtins(reasons), type=tuple[Reason, ...])
        flag = RiskFlag(
            flag_id="",
            scan_id=f"scan-{modality[:3]}",
            site="TEST",
            lane="1",
            device=Device(),
            operating_mode=OperatingMode.EXERCISE if "EXERCISE" in codes else OperatingMode.OPS,
            subject=Subject(container_id=container_id, id_source="OCR", check_digit_ok=True),
            modality=FlagModality(modality),
            level=level_of(reasons),
            is_severe="RAD_NEUTRON" in codes or "RAD_NUCLIDE_SNM" in codes,
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
            created_at=utc_string(NOW - age),
        )
        flag = msgspec.structs.replace(flag, **changes)
        flag = msgspec.structs.replace(
            flag, flag_id=content_id(flag, without=("flag_id", "key_id", "signature"))
        )
        return flag if signer is None else signer.seal(flag)

    return make


@pytest.fixture
def make_event(ops: Signer) -> Callable[..., SealEvent]:
    def make(
        event: str,
        *,
        signer: Signer | None = ops,
        age: timedelta = timedelta(minutes=30),
        seal_id: str = "SEAL-1",
        container_id: str = CONTAINER,
    ) -> SealEvent:
        made = SealEvent(
            container_id=container_id, seal_id=seal_id, event=event, at=str(utc_string(NOW - age))
        )
        return made if signer is None else signer.seal(made)

    return make


@pytest.fixture
def make_case(
    make_flag: Callable[..., RiskFlag], make_event: Callable[..., SealEvent]
) -> Callable[..., Case]:
    """A container that may leave: targeting and radiation LOW, sealed, not moved."""

    def make(**changes: Any) -> Case:
        case = Case(
            container_id=CONTAINER,
            flags=(make_flag("RAD_GROSS"), make_flag("NEUTRON")),
            targeting=(
                Targeting(
                    container_id=CONTAINER,
                    level=Level.LOW,
                    administration="CA",
                    source="test",
                    at=str(utc_string(NOW - timedelta(hours=2))),
                ),
            ),
            seal_events=(make_event("SEALED"),),
            has_moved=False,
        )
        return msgspec.structs.replace(case, **changes)

    return make

"""Sealed records about containers, made the same way in every process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from screening.clearance import KeyRing, Signer
from screening.records import (
    Action,
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
    Level,
    OperatingMode,
    PolicyRef,
    RiskFlag,
    Sealed,
    SealEvent,
    SealState,
    Subject,
    Targeting,
    TargetingAssessment,
    Validity,
    content_id,
    utc_string,
)

__all__ = ["CONTAINERS", "KEYS", "NOW", "OPS", "evidence_on", "loose_decision"]

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OPS = Signer(Ed25519PrivateKey.from_private_bytes(b"o" * 32), "ops")
KEYS = KeyRing([OPS.public])
#: Valid numbers; nobody measured the radiation of the second: it must never be LOW.
CONTAINERS = ("CSQU3054383", "MWCU6059784")

_UNSEALED = ("key_id", "signature")


def evidence_on(container_id: str, *, with_radiation: bool = True) -> list[Sealed]:
    """Everything that lets a container leave, or all of it but the radiation."""
    at = str(utc_string(NOW - timedelta(minutes=30)))
    targeting = Targeting(
        container_id=container_id, level=Level.LOW, administration="CA", source="test", at=at
    )
    records: list[Sealed] = [
        TargetingAssessment(targeting=targeting),
        SealEvent(container_id=container_id, seal_id="SEAL-1", event="SEALED", at=at),
    ]
    if with_radiation:
        records += [_flag(container_id, modality, at) for modality in ("RAD_GROSS", "NEUTRON")]
    return [OPS.seal(record) for record in records]


def _flag(container_id: str, modality: str, at: str) -> RiskFlag:
    flag = RiskFlag(
        flag_id="",
        scan_id=f"scan-{container_id}-{modality}",
        site="TEST",
        lane="1",
        device=Device(),
        operating_mode=OperatingMode.OPS,
        subject=Subject(
            container_id=container_id, id_source="OCR", check_digit_ok=True, ocr_confidence="0.99"
        ),
        modality=FlagModality(modality),
        level=Level.LOW,
        is_severe=False,
        reasons=(),
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
        created_at=at,
    )
    return msgspec.structs.replace(flag, flag_id=content_id(flag, without=("flag_id", *_UNSEALED)))


def loose_decision(number: int) -> ClearanceDecision:
    """A sealed decision by itself, another for each number."""
    decision = ClearanceDecision(
        decision_id="",
        consignment=Consignment(container_id=CONTAINERS[number % 2], bill=f"bill-{number}"),
        stage="DEPARTURE",
        risk=Level.UNKNOWN,
        action=Action.REFER_SECONDARY_RAD,
        reason_codes=(),
        inputs=CaseInputs(),
        policy=PolicyRef(id="port", version="1", sha256="a" * 64),
        required_steps=(),
        flags=(),
        seal=SealState(),
        validity=Validity(not_before=str(utc_string(NOW)), expires=str(utc_string(NOW + timedelta(days=1)))),
        is_exercise=False,
        decided_at=str(utc_string(NOW)),
        administration="CA",
    )
    name = content_id(decision, without=("decision_id", *_UNSEALED))
    return OPS.seal(msgspec.structs.replace(decision, decision_id=name))

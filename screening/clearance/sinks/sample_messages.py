"""Sealed messages to try a sink with: decisions of every kind, flags, and a key that nobody trusts."""

from __future__ import annotations

from functools import cache

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from screening.clearance.keys import Signer
from screening.records import (
    Action,
    CalibrationRef,
    CaseInputs,
    ClearanceDecision,
    Consignment,
    Device,
    FlagClock,
    FlagGate,
    FlagModality,
    FlagPipeline,
    FlagQuality,
    FlagRef,
    FlagScores,
    Level,
    OperatingMode,
    PolicyRef,
    Reason,
    ReasonCode,
    RequiredStep,
    RiskFlag,
    Sealed,
    SealState,
    Subject,
    Validity,
    canonical_bytes,
    container_of,
    content_id,
    sha256_hex,
)

from .sink import SinkContext

__all__ = ["SampleMessage", "sample_context", "sample_decision", "sample_flag", "sample_messages"]

CONTAINERS = ("CSQU3054383", "MWCU6059784")
_AT = "2026-03-01T12:00:00.000Z"


class SampleMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message as the outbox gives it.

    Attributes
    ----------
    key, container_id, kind, body, attempts, log_index
        As in :class:`SinkMessage`.
    """

    key: str
    container_id: str
    kind: str
    body: bytes
    attempts: int = 1
    log_index: int | None = None


def sample_signer(scope: str = "ops") -> Signer:
    """Return a key made of a constant: nobody may trust it.

    Parameters
    ----------
    scope : {"ops", "exercise"}
        Its scope.

    Returns
    -------
    Signer
        The key.
    """
    key = Ed25519PrivateKey.from_private_bytes(sha256_hex(f"sample {scope}".encode())[:32].encode())
    return Signer(key, "exercise" if scope == "exercise" else "ops")


def sample_flag(
    modality: FlagModality,
    reasons: tuple[Reason, ...] = (),
    *,
    container_id: str = CONTAINERS[0],
    mode: OperatingMode = OperatingMode.OPS,
    labels: dict[str, str] | None = None,
    gates: tuple[FlagGate, ...] = (),
    is_severe: bool = False,
) -> RiskFlag:
    """Return a sealed flag.

    Parameters
    ----------
    modality : FlagModality
        Kind of evidence.
    reasons : tuple of Reason
        Its reasons; the worst of their levels is the flag's.
    container_id : str
        The container.
    mode : OperatingMode
        Operating mode.
    labels : dict of str to str
        Nuclides with their confidence.
    gates : tuple of FlagGate
        Quality gates.
    is_severe : bool
        Neutrons, SNM or an overload.

    Returns
    -------
    RiskFlag
        The flag, of scan "scan-RAD" or "scan-XRAY".
    """
    levels = [reason.level for reason in reasons if reason.level is not None]
    flag = RiskFlag(
        flag_id="",
        scan_id="scan-XRAY" if modality is FlagModality.XRAY else "scan-RAD",
        site="SAMPLE",
        lane="lane-1",
        device=Device(make="Example", model="Portal 4", serial="0042", firmware="7.1"),
        operating_mode=mode,
        subject=Subject(container_id=container_id, id_source="MANUAL", check_digit_ok=True),
        modality=modality,
        level=max(levels, key=lambda level: level.rank, default=Level.LOW),
        is_severe=is_severe,
        reasons=reasons,
        scores=FlagScores(raw=dict(labels or {}), labels=tuple(labels or {})),
        quality=FlagQuality(gates=gates),
        calibration=CalibrationRef(id="cal-1", made_at="2026-02-27T06:00:00.000Z"),
        background_age_s=30,
        clock=FlagClock(t_start="2026-03-01T11:58:00.000Z", t_end="2026-03-01T11:58:09.000Z"),
        pipeline=FlagPipeline(
            version="0.1.0",
            kernel_isa="baseline",
            models=(),
            config_sha256=sha256_hex(b"configuration"),
            threshold_sha256=sha256_hex(b"thresholds"),
        ),
        inputs=(),
        created_at="2026-03-01T11:58:09.000Z",
    )
    flag_id = content_id(flag, without=("flag_id", "key_id", "signature"))
    return sample_signer().seal(msgspec.structs.replace(flag, flag_id=flag_id))


def sample_decision(
    risk: Level,
    action: Action,
    flags: tuple[RiskFlag, ...] = (),
    *,
    container_id: str = CONTAINERS[0],
    is_exercise: bool = False,
    inputs: CaseInputs | None = None,
    **changes: object,
) -> ClearanceDecision:
    """Return a sealed decision.

    Parameters
    ----------
    risk : Level
        Its risk.
    action : Action
        Its action.
    flags : tuple of RiskFlag
        The evidence it names.
    container_id : str
        The container.
    is_exercise : bool
        Of an exercise.
    inputs : CaseInputs or None
        What the table read; nothing known when omitted.
    **changes : object
        Other fields.

    Returns
    -------
    ClearanceDecision
        The decision. It need not be one that the decision table gives.
    """
    codes = dict.fromkeys(reason.code for flag in flags for reason in flag.reasons)
    decision = ClearanceDecision(
        decision_id="",
        consignment=Consignment(container_id=container_id, seals=("SEAL-1",)),
        stage="DEPARTURE",
        risk=risk,
        action=action,
        reason_codes=(*codes, *((ReasonCode.EXERCISE,) if is_exercise else ())),
        inputs=inputs or CaseInputs(),
        policy=PolicyRef(id="sample", version="1", sha256=sha256_hex(b"policy")),
        required_steps=(RequiredStep(step="RADIATION", done=bool(flags)),),
        flags=tuple(
            FlagRef(
                flag_id=flag.flag_id,
                sha256=sha256_hex(canonical_bytes(flag)),
                modality=flag.modality,
                level=flag.level,
            )
            for flag in flags
        ),
        seal=SealState(id="SEAL-1", intact=True, verification="verified"),
        validity=Validity(not_before=_AT, expires="2026-03-04T12:00:00.000Z"),
        is_exercise=is_exercise,
        decided_at=_AT,
        administration="SAMPLE",
    )
    decision = msgspec.structs.replace(decision, **changes)
    body_id = content_id(decision, without=("decision_id", "key_id", "signature"))
    named = msgspec.structs.replace(decision, decision_id=body_id)
    return sample_signer("exercise" if is_exercise else "ops").seal(named)


@cache
def sample_messages() -> tuple[SampleMessage, ...]:
    """Return one message of every sort.

    Returns
    -------
    tuple of SampleMessage
        A LOW, an UNKNOWN and a HIGH decision, one of an exercise, and their flags.
    """
    return tuple(_message(record, index) for index, record in enumerate(_all()))


def sample_context() -> SinkContext:
    """Return what a site lends to its sinks: a key, and the flags of the sample decisions.

    Returns
    -------
    SinkContext
        Without scans.
    """
    known = {sha256_hex(canonical_bytes(flag)): canonical_bytes(flag) for flag in _samples()[0]}
    return SinkContext(signer=sample_signer(), record=known.get)


def _all() -> tuple[Sealed, ...]:
    flags, decisions = _samples()
    return (*decisions, *flags)


@cache
def _samples() -> tuple[tuple[RiskFlag, ...], tuple[ClearanceDecision, ...]]:
    gross, neutron = sample_flag(FlagModality.RAD_GROSS), sample_flag(FlagModality.NEUTRON)
    norm = sample_flag(
        FlagModality.RAD_SPECTRAL,
        (_reason(ReasonCode.RAD_NUCLIDE_NORM, Level.UNKNOWN, nuclide="K-40", confidence="0.97"),),
        container_id=CONTAINERS[1],
        labels={"K-40": "0.97"},
        gates=(FlagGate(name="speed", passed=False, value="3.1", limit="2.5"),),
    )
    alarm = sample_flag(FlagModality.NEUTRON, (_reason(ReasonCode.RAD_NEUTRON, Level.HIGH),), is_severe=True)
    picture = sample_flag(FlagModality.XRAY, (_reason(ReasonCode.IMG_SHIELDED, Level.UNKNOWN),))
    drill = sample_flag(
        FlagModality.RAD_GROSS, (_reason(ReasonCode.EXERCISE, Level.UNKNOWN),), mode=OperatingMode.EXERCISE
    )
    low = CaseInputs(targeting=Level.LOW, seal="VERIFIED", radiation=Level.LOW, transit="NOT_MOVED")
    decisions = (
        sample_decision(Level.LOW, Action.CLEARED_FOR_DEPARTURE, (gross, neutron), inputs=low),
        sample_decision(Level.UNKNOWN, Action.REFER_SECONDARY_RAD, (norm,), container_id=CONTAINERS[1]),
        sample_decision(Level.HIGH, Action.HOLD, (alarm, picture)),
        sample_decision(Level.LOW, Action.CLEARED_FOR_DEPARTURE, (drill,), is_exercise=True, inputs=low),
    )
    return (gross, neutron, norm, alarm, picture, drill), decisions


def _reason(code: ReasonCode, level: Level, **params: str) -> Reason:
    return Reason(code=code, level=level, text=code.value.lower().replace("_", " "), params=params)


def _message(record: Sealed, index: int) -> SampleMessage:
    body = canonical_bytes(record)
    return SampleMessage(
        key=sha256_hex(body),
        container_id=container_of(record) or "",
        kind=record.schema,
        body=body,
        log_index=index,
    )

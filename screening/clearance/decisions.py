"""A signed decision on a case, by one administration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from screening.errors import IntegrityError, PolicyError
from screening.records import (
    Case,
    CaseInputs,
    ClearanceDecision,
    Consignment,
    FlagModality,
    FlagRef,
    Level,
    RequiredStep,
    RiskFlag,
    Validity,
    canonical_bytes,
    content_id,
    sha256_hex,
    utc_string,
)

from .cases import WeighedCase, weigh
from .keys import KeyRing, Signer
from .policy import Policy
from .table import decide

__all__ = ["conclude", "record_hash"]

_RADIATION = (FlagModality.RAD_GROSS, FlagModality.RAD_SPECTRAL, FlagModality.NEUTRON)


def conclude(
    case: Case,
    *,
    policy: Policy,
    administration: str,
    at: datetime,
    signer: Signer,
    previous: ClearanceDecision | None = None,
    keys: KeyRing | None = None,
    bill: str | None = None,
) -> ClearanceDecision:
    """Decide a case and sign the decision.

    Whether it is an exercise follows from the scope of the key that signs, and from nothing else.

    Parameters
    ----------
    case : Case
        The evidence of the current seal epoch; its flags are sealed.
    policy : Policy
        The administration's policy.
    administration : str
        Who decides.
    at : datetime
        Time of the decision, aware.
    signer : Signer
        The administration's key.
    previous : ClearanceDecision or None
        The previous decision on the same container.
    keys : KeyRing or None
        The keys whose flags and seal events count; None for the signer's own alone.
    bill : str or None
        Bill of lading.

    Returns
    -------
    ClearanceDecision
        Sealed.

    Raises
    ------
    PolicyError
        If exercise and operation are mixed.
    IntegrityError
        If the previous decision is of another container or later than this one.
    ValueError
        If `at` has no zone.
    """
    decided_at = _utc(at)
    exercise = signer.scope == "exercise"
    _check_previous(case, previous, at, exercise=exercise)
    trusted = KeyRing([signer.public]) if keys is None else keys
    weighed = weigh(case, now=at, policy=policy, keys=trusted, exercise=exercise, previous=previous)
    outcome = decide(weighed.inputs)
    seal_id = weighed.seal.record.id
    decision = ClearanceDecision(
        decision_id="",
        consignment=Consignment(
            container_id=case.container_id, bill=bill, seals=() if seal_id is None else (seal_id,)
        ),
        stage="DEPARTURE" if weighed.inputs.transit == "NOT_MOVED" else "ARRIVAL",
        risk=outcome.risk,
        action=outcome.action,
        reason_codes=weighed.reason_codes,
        inputs=weighed.inputs,
        policy=policy.ref,
        required_steps=_required_steps(weighed),
        flags=tuple(_flag_ref(flag) for flag in weighed.flags),
        adjudications=case.adjudications,
        seal=weighed.seal.record,
        validity=Validity(not_before=decided_at, expires=_utc(at + timedelta(seconds=policy.validity_s))),
        is_exercise=exercise,
        decided_at=decided_at,
        administration=administration,
        prev_hash=None if previous is None else record_hash(previous),
    )
    decision_id = content_id(decision, without=("decision_id", "key_id", "signature"))
    return signer.seal(msgspec.structs.replace(decision, decision_id=decision_id))


def record_hash(record: RiskFlag | ClearanceDecision) -> str:
    """Return the sha256 of a record's canonical bytes, with its signature.

    Parameters
    ----------
    record : RiskFlag or ClearanceDecision
        A sealed record.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return sha256_hex(canonical_bytes(record))


def _check_previous(case: Case, previous: ClearanceDecision | None, at: datetime, *, exercise: bool) -> None:
    if previous is None:
        return
    if previous.consignment.container_id != case.container_id:
        raise IntegrityError(
            f"the previous decision is of container {previous.consignment.container_id}",
            value=previous.decision_id,
        )
    if datetime.fromisoformat(previous.decided_at) > at:
        raise IntegrityError("the previous decision is later than this one", value=previous.decided_at)
    if previous.is_exercise != exercise:
        raise PolicyError("an exercise and an operation share no decisions", value=previous.decision_id)


def _required_steps(weighed: WeighedCase) -> tuple[RequiredStep, ...]:
    seen = weighed.inputs
    radiation = tuple(flag.flag_id for flag in weighed.flags if flag.modality in _RADIATION)
    pictures = tuple(flag.flag_id for flag in weighed.flags if flag.modality is FlagModality.XRAY)
    steps = [
        RequiredStep(step="TARGETING", done=seen.targeting is not None),
        RequiredStep(step="SEAL", done=seen.seal == "VERIFIED"),
        RequiredStep(step="RADIATION", done=seen.radiation is not None, flag_ids=radiation),
    ]
    if seen.targeting != Level.LOW or seen.radiation != Level.LOW or pictures:
        is_done = seen.image is not None or seen.destuff == "CLEAN"
        steps.append(RequiredStep(step="IMAGE", done=is_done, flag_ids=pictures))
    if seen.radiation != Level.LOW:
        steps.append(RequiredStep(step="SECONDARY_RAD", done=_is_resolved(seen)))
    if seen.image not in (None, "LOW") or seen.destuff is not None:
        steps.append(RequiredStep(step="DESTUFF", done=seen.destuff == "CLEAN"))
    if seen.transit != "NOT_MOVED":
        steps.append(RequiredStep(step="ARRIVAL", done=seen.transit == "INTACT"))
    return tuple(steps)


def _is_resolved(seen: CaseInputs) -> bool:
    is_remeasured = seen.destuff == "CLEAN" and seen.remeasured == "LOW"
    return seen.adjudication in ("INNOCENT_PAPER", "INNOCENT_MEASURED") or is_remeasured


def _flag_ref(flag: RiskFlag) -> FlagRef:
    return FlagRef(flag_id=flag.flag_id, sha256=record_hash(flag), modality=flag.modality, level=flag.level)


def _utc(t: datetime) -> str:
    if t.tzinfo is None:
        raise ValueError(f"a decision needs a time with a zone, got {t!r}")
    return str(utc_string(t.astimezone(UTC)))

"""A signed decision on a case, by one administration."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from screening.errors import IntegrityError, PolicyError
from screening.records import (
    Case,
    ClearanceDecision,
    Consignment,
    FlagModality,
    FlagRef,
    Level,
    ReasonCode,
    RequiredStep,
    RiskFlag,
    Sealed,
    Validity,
    canonical_bytes,
    sha256_hex,
    utc_string,
)

from .cases import WeighedCase, weigh
from .keys import KeyRing, Signer
from .policy import Policy
from .site_rules import STEPS, StepName, is_step_done
from .table import Outcome, decide

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
    log_index: int | None = None,
    revoked: frozenset[str] = frozenset(),
    is_trusted: Callable[[Sealed], bool] | None = None,
    hash_of: Callable[[Sealed], str] | None = None,
    was_sealed: Callable[[Sealed], bool] | None = None,
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
    log_index : int or None
        The decision's place in the ledger; None where none is kept.
    revoked : frozenset of str
        Models (sha256) and calibrations (id) that were revoked: nothing LOW rests on them.
    is_trusted : callable or None
        Whether a sealed record counts, for a caller that has verified each one before; None: verified
        here against `keys`.
    hash_of : callable or None
        The sha256 of a record's sealed bytes, for a caller that knows it; None: computed here.
    was_sealed : callable or None
        Whether an alarm that counts for nothing else stands: see :func:`weigh`.

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
    weighed = weigh(
        case,
        now=at,
        policy=policy,
        keys=trusted,
        exercise=exercise,
        previous=previous,
        revoked=revoked,
        is_trusted=is_trusted,
        was_sealed=was_sealed,
    )
    outcome = policy.decide(weighed.inputs)
    seal_id = weighed.seal.record.id
    decision = ClearanceDecision(
        decision_id="",
        consignment=Consignment(
            container_id=case.container_id, bill=bill, seals=() if seal_id is None else (seal_id,)
        ),
        stage="DEPARTURE" if weighed.inputs.transit == "NOT_MOVED" else "ARRIVAL",
        risk=outcome.risk,
        action=outcome.action,
        reason_codes=_reason_codes(weighed, outcome),
        inputs=weighed.inputs,
        policy=policy.ref,
        required_steps=_required_steps(weighed, policy),
        flags=tuple(_flag_ref(flag, hash_of or record_hash) for flag in weighed.flags),
        adjudications=case.adjudications,
        seal=weighed.seal.record,
        validity=Validity(
            not_before=decided_at,
            expires=_utc(at + timedelta(seconds=policy.validity_s)),
            void_on=policy.void_on,
        ),
        is_exercise=exercise,
        decided_at=decided_at,
        administration=administration,
        prev_hash=None if previous is None else (hash_of or record_hash)(previous),
        log_index=log_index,
    )
    return signer.name_and_seal(decision)


def record_hash(record: Sealed) -> str:
    """Return the sha256 of a record's canonical bytes, with its signature.

    Parameters
    ----------
    record : Sealed
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


def _reason_codes(weighed: WeighedCase, outcome: Outcome) -> tuple[ReasonCode, ...]:
    """Return why the outcome is not better; where the site demands what the table does not, it says so."""
    if outcome[:2] == decide(weighed.inputs)[:2]:
        return weighed.reason_codes
    codes = {*weighed.reason_codes, ReasonCode.STEP_SKIPPED}
    return tuple(code for code in ReasonCode if code in codes)


def _required_steps(weighed: WeighedCase, policy: Policy) -> tuple[RequiredStep, ...]:
    """Return the steps that the policy requires of every box and those that this one's evidence demands.

    A secondary inspection is of an alarm, and an arrival of a box that has moved: they are never required
    of others.
    """
    seen = weighed.inputs
    ids: dict[StepName, tuple[str, ...]] = {
        "RADIATION": tuple(flag.flag_id for flag in weighed.flags if flag.modality in _RADIATION),
        "IMAGE": tuple(flag.flag_id for flag in weighed.flags if flag.modality is FlagModality.XRAY),
    }
    required = set(policy.required_steps)
    is_alarm = seen.radiation != Level.LOW
    has_moved = seen.transit != "NOT_MOVED"
    is_asked: dict[StepName, bool] = {
        "TARGETING": True,
        "SEAL": True,
        "RADIATION": True,
        "IMAGE": "IMAGE" in required or seen.targeting != Level.LOW or is_alarm or bool(ids["IMAGE"]),
        "SECONDARY_RAD": is_alarm,
        "DESTUFF": "DESTUFF" in required or seen.image not in (None, "LOW") or seen.destuff is not None,
        "ARRIVAL": has_moved,
    }
    return tuple(
        RequiredStep(
            step=step,
            done=is_step_done(step, seen, on_paper="SECONDARY_RAD" not in required),
            flag_ids=ids.get(step, ()),
        )
        for step in STEPS
        if is_asked[step]
    )


def _flag_ref(flag: RiskFlag, hash_of: Callable[[Sealed], str]) -> FlagRef:
    return FlagRef(flag_id=flag.flag_id, sha256=hash_of(flag), modality=flag.modality, level=flag.level)


def _utc(t: datetime) -> str:
    if t.tzinfo is None:
        raise ValueError(f"a decision needs a time with a zone, got {t!r}")
    return str(utc_string(t.astimezone(UTC)))

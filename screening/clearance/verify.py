"""What can be verified of a decision from its bytes alone, check by check."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from screening.errors import IntegrityError
from screening.records import Acceptance, ClearanceDecision, RiskFlag, parse_strict, sha256_hex

from .keys import KeyRing, VerificationError, check_id
from .policy import Policy
from .properties import keeps_to_the_floor
from .seals import parse_time
from .signatures import verify_record, verify_sealed
from .table import decide

__all__ = ["AcceptanceReport", "Check", "DecisionReport", "verify_acceptance", "verify_decision"]


class Check(NamedTuple):
    """One thing that was checked.

    Attributes
    ----------
    name : str
        What.
    passed : bool
        Whether it holds.
    text : str
        One line for a person.
    """

    name: str
    passed: bool
    text: str


class DecisionReport(NamedTuple):
    """Everything that was checked of one decision.

    Attributes
    ----------
    checks : tuple of Check
        In the order they were made; a check that others rest on stops them.
    decision : ClearanceDecision or None
        The decision as parsed; None if its bytes were no decision. It is to be trusted only if the
        report is good.
    """

    checks: tuple[Check, ...]
    decision: ClearanceDecision | None

    @property
    def is_good(self) -> bool:
        """Whether every check passed.

        Returns
        -------
        bool
            False also if nothing was checked.
        """
        return bool(self.checks) and all(check.passed for check in self.checks)


class AcceptanceReport(NamedTuple):
    """Everything that was checked of one acceptance.

    Attributes
    ----------
    checks : tuple of Check
        In the order they were made.
    acceptance : Acceptance or None
        The acceptance; None if its seal does not hold.
    """

    checks: tuple[Check, ...]
    acceptance: Acceptance | None

    @property
    def is_good(self) -> bool:
        """Whether every check passed.

        Returns
        -------
        bool
            False also if nothing was checked.
        """
        return bool(self.checks) and all(check.passed for check in self.checks)


def verify_acceptance(
    data: bytes, keys: KeyRing, *, decision: bytes | None = None, allow_exercise: bool = False
) -> AcceptanceReport:
    """Check an acceptance as received: that it is what its key holder sealed, and what it answers.

    Parameters
    ----------
    data : bytes
        The acceptance.
    keys : KeyRing
        The keys trusted; a key must have been valid when the acceptance says it was made.
    decision : bytes or None
        The decision it is to answer, if that is to be checked; whose that is, is not.
    allow_exercise : bool
        Whether an exercise key is looked at; none seals an acceptance.

    Returns
    -------
    AcceptanceReport
        Check by check.
    """
    try:
        acceptance = verify_record(data, Acceptance, keys, allow_exercise=allow_exercise)
        at = parse_time(acceptance.at)
        if at is None:
            raise VerificationError(f"at is no time: {acceptance.at!r}", "MALFORMED", value=acceptance.at)
        verify_sealed(acceptance, keys, allow_exercise=allow_exercise, at=at)
    except VerificationError as error:
        return AcceptanceReport((Check("record", False, f"{error.failure}: {error}"),), None)
    checks = [Check("record", True, f"sealed by {acceptance.key_id}, canonical, acceptance_id fits")]
    if decision is not None:
        checks.append(_check_answer(acceptance, decision))
    return AcceptanceReport(tuple(checks), acceptance)


def _check_answer(acceptance: Acceptance, data: bytes) -> Check:
    try:
        decision = parse_strict(data, ClearanceDecision)
        check_id(decision)
    except IntegrityError as error:
        return Check("answer", False, f"no decision to compare with: {error}")
    if decision.decision_id != acceptance.decision_id:
        text = f"it answers {acceptance.decision_id[:12]}, the decision given is {decision.decision_id[:12]}"
        return Check("answer", False, text)
    return Check("answer", True, f"it answers decision {decision.decision_id[:12]}")


def verify_decision(
    data: bytes,
    keys: KeyRing,
    *,
    at: datetime | None = None,
    previous: bytes | None = None,
    flags: Iterable[bytes] | None = None,
    allow_exercise: bool = False,
    policy: Policy | None = None,
) -> DecisionReport:
    """Check a decision as received.

    Parameters
    ----------
    data : bytes
        The decision.
    keys : KeyRing
        The keys trusted. Keys that come along with a decision are never among them.
    at : datetime or None
        Time at which it is to hold, aware; None leaves its validity unchecked.
    previous : bytes or None
        The previous decision of the same container, if the chain is to be checked.
    flags : iterable of bytes or None
        The sealed flags it names, if they are to be checked.
    allow_exercise : bool
        Whether a decision of an exercise is looked into at all; it is never good for cargo.
    policy : Policy or None
        The policy it was taken under, if it is to be exactly what that policy says; None: no policy is
        known, and it must be what some policy could say.

    Returns
    -------
    DecisionReport
        Check by check.
    """
    try:
        decision = verify_record(data, ClearanceDecision, keys, allow_exercise=allow_exercise, at=at)
    except VerificationError as error:
        return DecisionReport((Check("record", False, f"{error.failure}: {error}"),), _parsed(data))
    checks = [Check("record", True, f"sealed by {decision.key_id}, canonical, decision_id fits")]
    checks.append(_check_exercise(decision, allow_exercise=allow_exercise))
    if policy is not None:
        checks += [_check_policy(decision, policy), _check_terms(decision, policy)]
    checks.append(_check_outcome(decision, policy))
    if at is not None:
        checks.append(_check_validity(decision, at))
    if previous is not None:
        is_linked = decision.prev_hash == sha256_hex(previous)
        checks.append(
            Check("chain", is_linked, "follows the previous decision" if is_linked else "does not follow it")
        )
    if flags is not None:
        checks.extend(_check_flags(decision, flags, keys, allow_exercise=allow_exercise))
    return DecisionReport(tuple(checks), decision)


def _parsed(data: bytes) -> ClearanceDecision | None:
    try:
        return parse_strict(data, ClearanceDecision)
    except IntegrityError:
        return None


def _check_exercise(decision: ClearanceDecision, *, allow_exercise: bool) -> Check:
    if not decision.is_exercise:
        return Check("operation", True, "not an exercise")
    return Check("operation", allow_exercise, "EXERCISE: never valid for cargo")


def _check_policy(decision: ClearanceDecision, policy: Policy) -> Check:
    named, given = decision.policy, policy.ref
    text = f"{named.id} {named.version}, {named.sha256[:12]}"
    if named != given:
        text += f"; given is {given.id} {given.version}, {given.sha256[:12]}"
    return Check("policy", named == given, text)


def _check_terms(decision: ClearanceDecision, policy: Policy) -> Check:
    """Check that it holds as long as the policy says, and is void on what the policy says."""
    start, end = parse_time(decision.validity.not_before), parse_time(decision.validity.expires)
    fits = (
        start is not None
        and end is not None
        and end - start == timedelta(seconds=policy.validity_s)
        and decision.validity.not_before == decision.decided_at
        and decision.validity.void_on == policy.void_on
    )
    void_on = " ".join(decision.validity.void_on) or "nothing"
    return Check("terms", fits, f"until {decision.validity.expires}, void on {void_on}")


def _check_outcome(decision: ClearanceDecision, policy: Policy | None) -> Check:
    """Check that the decision follows from the inputs it states: exactly, or as far as can be known."""
    if policy is not None:
        expected = policy.decide(decision.inputs)
        fits = (decision.risk, decision.action) == expected[:2]
        speaker = "policy"
    else:
        expected = decide(decision.inputs)
        fits = keeps_to_the_floor(decision.inputs, (decision.risk, decision.action))
        speaker = "table"
    return Check(
        "outcome",
        fits,
        f"{decision.risk} {decision.action}; the {speaker} says {expected.risk} {expected.action}",
    )


def _check_validity(decision: ClearanceDecision, at: datetime) -> Check:
    start, end = parse_time(decision.validity.not_before), parse_time(decision.validity.expires)
    holds = start is not None and end is not None and start <= at < end
    return Check(
        "validity", holds, f"valid from {decision.validity.not_before} to {decision.validity.expires}"
    )


def _check_flags(
    decision: ClearanceDecision, flags: Iterable[bytes], keys: KeyRing, *, allow_exercise: bool
) -> Iterable[Check]:
    """Check that every flag it names is given, verifies, and is the one it names; and no other is."""
    given = {sha256_hex(data): data for data in flags}
    for ref in decision.flags:
        name = f"flag {ref.flag_id[:12]}"
        data = given.pop(ref.sha256, None)
        if data is None:
            yield Check(name, False, "not among the flags given")
            continue
        try:
            flag = verify_record(data, RiskFlag, keys, allow_exercise=allow_exercise)
        except VerificationError as error:
            yield Check(name, False, f"{error.failure}: {error}")
            continue
        fits = (flag.flag_id, flag.modality, flag.level) == (ref.flag_id, ref.modality, ref.level)
        yield Check(name, fits, f"{flag.modality} {flag.level}")
    if given:
        yield Check("flags", False, f"{len(given)} flags the decision does not name")

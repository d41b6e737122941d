"""What a second administration makes of a bundle: its own look at the evidence, and its own signed word."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec

from screening.clearance.cases import WeighedCase, weigh
from screening.clearance.decisions import record_hash
from screening.clearance.joining import join_case
from screening.clearance.keys import Signer
from screening.clearance.policy import Policy
from screening.clearance.seals import parse_time
from screening.clearance.table import Outcome
from screening.errors import ScreeningError
from screening.records import (
    Acceptance,
    ClearanceDecision,
    Level,
    Sealed,
    Verified,
    content_id,
    parse_strict,
    utc_string,
)

from .binding import previous_departure
from .bundle import unpack
from .checks import Opened
from .failures import CONSEQUENCES, BundleError
from .stored_zip import Limits
from .trust import Trust
from .verify import BundleReport, verify_bundle

__all__ = ["Judgement", "accept"]

Stage = Literal["DEPARTURE", "ARRIVAL"]


class Judgement(NamedTuple):
    """An acceptance, and everything behind it.

    Attributes
    ----------
    outcome : {"ACCEPT", "REJECT", "RE_EXAMINE"}
        What follows.
    reasons : tuple of str
        Codes, in the order of their table.
    report : BundleReport
        What was checked of the bundle.
    verified : Verified
        The same, as the acceptance carries it.
    own : Outcome or None
        What the second administration's own policy says of the evidence; None if there was nothing to
        be weighed.
    weighed : WeighedCase or None
        The evidence as its table saw it.
    acceptance : Acceptance or None
        Sealed; None if the bytes name no decision that could be spoken of.
    """

    outcome: Literal["ACCEPT", "REJECT", "RE_EXAMINE"]
    reasons: tuple[str, ...]
    report: BundleReport
    verified: Verified
    own: Outcome | None
    weighed: WeighedCase | None
    acceptance: Acceptance | None

    @property
    def differences(self) -> dict[str, tuple[Any, Any]]:
        """In which inputs of the table the two administrations differ: theirs, own."""
        if self.report.decision is None or self.weighed is None:
            return {}
        theirs = msgspec.to_builtins(self.report.decision.inputs)
        own = msgspec.to_builtins(self.weighed.inputs)
        return {name: (theirs[name], own[name]) for name in own if theirs[name] != own[name]}

    def as_json(self) -> dict[str, Any]:
        """Return the judgement for a program, both outcomes side by side.

        Returns
        -------
        dict
            Outcome, reasons, both administrations' outcomes, and the report.
        """
        decision = self.report.decision
        theirs = None
        if decision is not None:
            theirs = {
                "administration": decision.administration,
                "risk": decision.risk.value,
                "action": decision.action.value,
                "reason_codes": [code.value for code in decision.reason_codes],
            }
        own = None
        if self.own is not None and self.weighed is not None:
            own = {
                "risk": self.own.risk.value,
                "action": self.own.action.value,
                "rule": self.own.rule,
                "reason_codes": [code.value for code in self.weighed.reason_codes],
            }
        return {
            "outcome": self.outcome,
            "reasons": list(self.reasons),
            "verified": msgspec.to_builtins(self.verified),
            "theirs": theirs,
            "own": own,
            "differences": {name: list(pair) for name, pair in self.differences.items()},
            "report": self.report.as_json(),
            "acceptance_id": None if self.acceptance is None else self.acceptance.acceptance_id,
        }


def accept(
    data: bytes,
    trust: Trust,
    policy: Policy,
    signer: Signer,
    administration: str,
    at: datetime,
    *,
    stage: Stage = "ARRIVAL",
    own_records: Iterable[bytes] = (),
    limits: Limits | None = None,
) -> Judgement:
    """Judge a bundle as a second administration, and seal what follows.

    Parameters
    ----------
    data : bytes
        The bundle.
    trust : Trust
        Own keys, models and revocation lists.
    policy : Policy
        Own policy; the evidence is weighed again under it.
    signer : Signer
        Own key, of scope ``ops``: nothing is accepted in an exercise.
    administration : str
        Who judges.
    at : datetime
        When, aware.
    stage : {"DEPARTURE", "ARRIVAL"}
        Where the container is. On arrival its seal must have been read there.
    own_records : iterable of bytes
        Own sealed evidence on the container: the reading on arrival, own targeting.
    limits : Limits or None
        The budget of the file.

    Returns
    -------
    Judgement
        ACCEPT only where everything holds, the decision is LOW, and the own outcome is LOW.

    Raises
    ------
    PolicyError
        If the key is of scope ``exercise``.
    """
    report = verify_bundle(data, trust, at, policy=policy, own_records=own_records, limits=limits)
    weighed, own = None, None
    if report.opened is not None:
        weighed, own = _own_outcome(report.opened, policy, at, stage)
    decision = report.decision
    is_equivalent = decision is not None and decision.policy.sha256 in {
        policy.sha256,
        *policy.equivalent_policies,
    }
    codes = {*report.codes, *_judge(report, weighed, own, policy, at, is_equivalent=is_equivalent)}
    reasons = tuple(code for code in CONSEQUENCES if code in codes)
    followed = {CONSEQUENCES[code] for code in reasons}
    outcome: Literal["ACCEPT", "REJECT", "RE_EXAMINE"] = "RE_EXAMINE"
    if "REJECT" in followed:
        outcome = "REJECT"
    elif not reasons and report.is_good and own is not None and own.risk is Level.LOW:
        outcome = "ACCEPT"
    verified = Verified(
        signature=report.passed("bundle", "seal", "decision", "records", "flags", "container"),
        chain=report.passed("chain", "ledger"),
        models_allowed=report.passed("models"),
        calibration_valid=report.passed("calibrations"),
        policy_equivalent=is_equivalent,
    )
    acceptance = None
    decision_id = decision.decision_id if decision is not None else _stated_id(data, limits)
    if decision_id is not None:
        draft = Acceptance(
            acceptance_id="",
            decision_id=decision_id,
            verified=verified,
            outcome=outcome,
            reasons=reasons,
            administration=administration,
            at=str(utc_string(at)),
        )
        named = content_id(draft, without=("acceptance_id", "key_id", "signature"))
        acceptance = signer.seal(msgspec.structs.replace(draft, acceptance_id=named))
    return Judgement(outcome, reasons, report, verified, own, weighed, acceptance)


def _own_outcome(
    opened: Opened, policy: Policy, at: datetime, stage: Stage
) -> tuple[WeighedCase | None, Outcome | None]:
    """Weigh the evidence again, as if it were the administration's own; only what verified counts."""
    records = (*opened.flags, *opened.records)
    verified = {record_hash(record) for record in records}

    def is_trusted(record: Sealed) -> bool:
        return record_hash(record) in verified

    previous = previous_departure(opened.contents, opened.decision)
    try:
        case = join_case(
            opened.decision.consignment.container_id, records, now=at, stage=stage, is_trusted=is_trusted
        )
        weighed = weigh(
            case,
            now=at,
            policy=policy,
            keys=opened.keys,
            previous=previous,
            revoked=opened.revocations.models | opened.revocations.calibrations,
            is_trusted=is_trusted,
        )
    except ScreeningError:
        return None, None
    return weighed, policy.decide(weighed.inputs)


def _judge(
    report: BundleReport,
    weighed: WeighedCase | None,
    own: Outcome | None,
    policy: Policy,
    at: datetime,
    *,
    is_equivalent: bool,
) -> Iterable[str]:
    """Yield what speaks against acceptance besides the checks of the bundle."""
    decision, opened = report.decision, report.opened
    if decision is None or opened is None:
        return
    if Level.HIGH in (decision.risk, None if own is None else own.risk):
        yield "HIGH_STANDS"
    if decision.risk is not Level.LOW:
        yield "NOT_CLEARED"
    if own is not None and own.risk is Level.LOW:
        return
    yield "OWN_OUTCOME_NOT_LOW"
    if not is_equivalent:
        yield "POLICY_NOT_EQUIVALENT"
    if weighed is not None and (
        weighed.inputs.seal != "VERIFIED" or weighed.inputs.transit not in ("NOT_MOVED", "INTACT")
    ):
        yield "SEAL_NOT_VERIFIED"
    limit = timedelta(seconds=policy.max_flag_age_s)
    made = [parse_time(flag.created_at) for flag in opened.flags]
    if any(one is None or at - one > limit for one in made):
        yield "STALE_EVIDENCE"


def _stated_id(data: bytes, limits: Limits | None) -> str | None:
    """Return the id of a decision that was not taken, if the bundle holds one whose id is its own.

    Its seal does not hold: the acceptance that names it can only be a refusal.
    """
    try:
        decision = parse_strict(unpack(data, limits).decision, ClearanceDecision)
    except (BundleError, ScreeningError):
        return None
    named = content_id(decision, without=("decision_id", "key_id", "signature"))
    return named if named == decision.decision_id else None

"""Whether a case is to be decided now, and the decision: pure, no database."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from screening.clearance.cases import WeighedCase, weigh
from screening.clearance.decisions import conclude
from screening.clearance.keys import KeyRing, Signer
from screening.clearance.policy import Policy
from screening.clearance.seals import parse_time
from screening.clearance.table import decide
from screening.records import (
    Case,
    CaseInputs,
    ClearanceDecision,
    Conclusion,
    Destuffing,
    Level,
    ReasonCode,
    Remeasurement,
    RiskFlag,
    SealEvent,
    TargetingAssessment,
    content_id,
)

from .clock import to_ms
from .verified import StoredRecord
from .views import DeskRules

__all__ = ["Judge", "Judged", "Pending", "Revoked"]

_UNSIGNED = ("decision_id", "key_id", "signature")


class Revoked(NamedTuple):
    """What has been revoked.

    Attributes
    ----------
    subjects : frozenset of str
        Hashes of models, identifiers of calibrations.
    keys : frozenset of str
        Identifiers of keys.
    """

    subjects: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()


class Pending(NamedTuple):
    """A case that is due, with everything that weighing it takes.

    Attributes
    ----------
    key : str
        The case.
    deadline : int or None
        When it is decided on what there is, milliseconds.
    previous : ClearanceDecision or None
        The latest decision.
    evidence : tuple of StoredRecord
        Its records, in the order of their hashes.
    doubtful_scans : tuple of str
        Scans kept apart that may be of this container.
    """

    key: str
    deadline: int | None
    previous: ClearanceDecision | None
    evidence: tuple[StoredRecord, ...]
    doubtful_scans: tuple[str, ...]


class Judged(NamedTuple):
    """What comes of a case, before anything is signed.

    Attributes
    ----------
    pending : Pending
        The case.
    case : Case
        As joined.
    at : datetime
        Time of the decision; never before the previous one.
    is_to_be_issued : bool
        Whether a decision is issued.
    is_timed_out : bool
        It is decided because its time is up, and something is missing.
    next_due : int or None
        When to look again, milliseconds.
    """

    pending: Pending
    case: Case
    at: datetime
    is_to_be_issued: bool
    is_timed_out: bool
    next_due: int | None


class Judge:
    """Joins, weighs and concludes cases for one desk.

    Parameters
    ----------
    signer : Signer
        The administration's key.
    keys : KeyRing
        The keys whose records count.
    policy : Policy
        The administration's policy.
    rules : DeskRules
        The site.
    """

    def __init__(self, *, signer: Signer, keys: KeyRing, policy: Policy, rules: DeskRules) -> None:
        self._signer, self._keys, self._policy, self._rules = signer, keys, policy, rules

    def judge(self, pending: Pending, now: datetime, lost: Revoked) -> Judged:
        """Return whether a case is to be decided now.

        Parameters
        ----------
        pending : Pending
            The case.
        now : datetime
            This moment.
        lost : Revoked
            What has been revoked.

        Returns
        -------
        Judged
            What comes of it.
        """
        previous = pending.previous
        # A clock that was set back never puts a decision before the one it follows.
        decided = None if previous is None else parse_time(previous.decided_at)
        at = now if decided is None else max(now, decided)
        case = _join(pending, self._rules)
        weighed = self._weigh(case, at, previous, lost)
        risk = decide(weighed.inputs).risk
        is_complete = self._is_complete(weighed, pending)
        is_overdue = pending.deadline is not None and pending.deadline <= to_ms(at)
        is_timed_out = is_overdue and not is_complete
        is_ready = bool(pending.evidence) and (is_complete or is_overdue or risk == Level.HIGH)
        next_due = None
        if not is_complete and not is_overdue:
            next_due = pending.deadline
        judged = Judged(pending, case, at, is_ready, is_timed_out, next_due)
        if is_ready and previous is not None:
            draft = self.conclude(judged, lost, log_index=previous.log_index or 0)
            return judged._replace(is_to_be_issued=_differs(draft, previous, at))
        return judged

    def conclude(self, judged: Judged, lost: Revoked, *, log_index: int) -> ClearanceDecision:
        """Return the sealed decision on a case.

        Parameters
        ----------
        judged : Judged
            The case.
        lost : Revoked
            What has been revoked.
        log_index : int
            The decision's place in the ledger.

        Returns
        -------
        ClearanceDecision
            Sealed.
        """
        del lost
        decision = conclude(
            judged.case,
            policy=self._policy,
            administration=self._rules.administration,
            at=judged.at,
            signer=self._signer,
            previous=judged.pending.previous,
            keys=self._keys,
        )
        codes = decision.reason_codes
        if judged.is_timed_out:
            codes = tuple(code for code in ReasonCode if code in {*codes, ReasonCode.TIMEOUT})
        decision = msgspec.structs.replace(decision, reason_codes=codes, log_index=log_index)
        decision = msgspec.structs.replace(decision, decision_id=content_id(decision, without=_UNSIGNED))
        return self._signer.seal(decision)

    def _weigh(
        self, case: Case, at: datetime, previous: ClearanceDecision | None, lost: Revoked
    ) -> WeighedCase:
        del lost
        return weigh(
            case,
            now=at,
            policy=self._policy,
            keys=self._keys,
            exercise=self._signer.scope == "exercise",
            previous=previous,
        )

    def _is_complete(self, weighed: WeighedCase, pending: Pending) -> bool:
        if self._rules.required_lanes:
            lanes = {stored.record.lane for stored in pending.evidence if isinstance(stored.record, RiskFlag)}
            if lanes.issuperset(self._rules.required_lanes):
                return True
        return all(_has_evidence(step, weighed.inputs) for step in ("TARGETING", "SEAL", "RADIATION"))


def _has_evidence(step: str, seen: CaseInputs) -> bool:
    """Tell whether there is any valid evidence for a step, whatever it says."""
    found = {
        "TARGETING": seen.targeting,
        "SEAL": seen.seal,
        "RADIATION": seen.radiation,
        "IMAGE": seen.image,
        "SECONDARY_RAD": seen.adjudication,
        "DESTUFF": seen.destuff,
        "ARRIVAL": None if seen.transit == "NOT_MOVED" else seen.transit,
    }
    return found[step] is not None


def _differs(draft: ClearanceDecision, previous: ClearanceDecision, at: datetime) -> bool:
    """Tell whether a decision says anything that the latest does not."""
    expires = parse_time(previous.validity.expires)
    is_expired = expires is None or expires <= at
    # A LOW that still holds is renewed; anything else goes on until there is news.
    return _matter(draft) != _matter(previous) or (is_expired and draft.risk == Level.LOW)


def _matter(decision: ClearanceDecision) -> tuple[object, ...]:
    return (
        decision.risk,
        decision.action,
        decision.reason_codes,
        decision.flags,
        decision.adjudications,
        decision.required_steps,
        decision.seal,
        decision.inputs,
        decision.stage,
    )


def _join(pending: Pending, rules: DeskRules) -> Case:
    found = [stored.record for stored in pending.evidence if stored.is_verified]
    events = tuple(
        sorted((r for r in found if isinstance(r, SealEvent)), key=lambda e: (parse_time(e.at), e.event))
    )
    return Case(
        container_id=pending.key,
        flags=tuple(
            sorted(
                (r for r in found if isinstance(r, RiskFlag)), key=lambda f: (f.created_at or "", f.flag_id)
            )
        ),
        targeting=tuple(
            sorted(
                (r.targeting for r in found if isinstance(r, TargetingAssessment)),
                key=lambda t: (t.at, t.administration, t.level),
            )
        ),
        seal_events=events,
        adjudications=tuple(
            sorted(
                (r.adjudication for r in found if isinstance(r, Conclusion)), key=lambda a: (a.at, a.flag_id)
            )
        ),
        destuff=_worst_outcome([r.outcome for r in found if isinstance(r, Destuffing)], "FOUND", "CLEAN"),
        remeasured=_worst_outcome(
            [r.outcome for r in found if isinstance(r, Remeasurement)], "NOT_LOW", "LOW"
        ),
        has_moved=rules.stage == "ARRIVAL" or any(event.event == "ARRIVED" for event in events),
    )


def _worst_outcome(outcomes: list[Any], worse: str, better: str) -> Any:
    return worse if worse in outcomes else better if better in outcomes else None

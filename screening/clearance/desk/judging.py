"""Whether a case is to be decided now, and the decision: pure, no database."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

import msgspec

from screening.clearance.decisions import conclude, record_hash
from screening.clearance.identity import SCAN_KEY
from screening.clearance.joining import join_case
from screening.clearance.keys import KeyRing, Signer
from screening.clearance.policy import Policy
from screening.clearance.seals import parse_time
from screening.records import (
    Case,
    CaseInputs,
    ClearanceDecision,
    FlagModality,
    Level,
    ReasonCode,
    RiskFlag,
    Sealed,
)

from .clock import to_ms
from .on_its_way import arrival_ends, expiry_of, is_on_its_way, journey_times, lasting_longer
from .verified import StoredRecord
from .views import DeskRules

__all__ = ["Judge", "Judged", "Pending", "Revoked"]

S = TypeVar("S", bound=Sealed)
_RADIATION = (FlagModality.RAD_GROSS, FlagModality.RAD_SPECTRAL, FlagModality.NEUTRON)
#: An overdue case of which a scan is being analysed is looked at again after this time.
_AGAIN_MS = 1000


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
        When it is decided on what there is, milliseconds; None while only declarations have come.
    previous : ClearanceDecision or None
        The latest decision.
    evidence : tuple of StoredRecord
        Its records, in the order of their hashes.
    apart : tuple of StoredRecord
        Flags of scans kept apart that may be of this container, with the rulings on them.
    intel_at : datetime or None
        When new intelligence on the container came in; None: nobody knows.
    has_intel : bool
        There is new intelligence on it.
    """

    key: str
    deadline: int | None
    previous: ClearanceDecision | None
    evidence: tuple[StoredRecord, ...]
    apart: tuple[StoredRecord, ...] = ()
    intel_at: datetime | None = None
    has_intel: bool = False


class Judged(NamedTuple):
    """What comes of a case, before it has a place in the ledger.

    Attributes
    ----------
    pending : Pending
        The case.
    draft : ClearanceDecision or None
        The decision to be issued; None if there is nothing to say.
    next_due : int or None
        When to look again, milliseconds.
    missing : tuple of str
        What a case waits for of which nothing has been decided: steps of the policy, or lanes.
    """

    pending: Pending
    draft: ClearanceDecision | None
    next_due: int | None
    missing: tuple[str, ...] = ()


class _Drafting(Signer):
    """Names and seals nothing: most drafts say no more than the latest decision, and are dropped."""

    def __init__(self, signer: Signer) -> None:
        self.scope, self.public = signer.scope, signer.public

    def name_and_seal(self, record: S) -> S:
        return record


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
        self._drafting = _Drafting(signer)
        self._models_allowed = frozenset(rules.models_allowed)

    def judge(self, pending: Pending, now: datetime, lost: Revoked, waiting: Collection[str] = ()) -> Judged:
        """Return what comes of a case that is due.

        Parameters
        ----------
        pending : Pending
            The case.
        now : datetime
            This moment.
        lost : Revoked
            What has been revoked.
        waiting : collection of str
            Cases that are not decided for being overdue: a scan of theirs is still being analysed.

        Returns
        -------
        Judged
            The decision, or when to look again.

        Raises
        ------
        ScreeningError
            If the case cannot be weighed.
        """
        previous = pending.previous
        if not pending.evidence and (previous is None or pending.key.startswith(SCAN_KEY)):
            # Its records have moved to the container that they are of.
            return Judged(pending, None, None)
        # A clock that was set back never puts a decision before the one it follows.
        decided = None if previous is None else parse_time(previous.decided_at)
        at = now if decided is None else max(now, decided)
        trusts = _trust(pending, lost)
        case = join_case(
            pending.key,
            [stored.record for stored in pending.evidence],  # type: ignore[misc]
            now=at,
            stage=self._rules.stage,
            is_trusted=trusts,
            doubtful_scans=[stored.record for stored in pending.apart],  # type: ignore[misc]
            intel_at=pending.intel_at,
            hash_of=_hashes(pending),
        )
        draft = self._conclude(case, at, pending, lost, trusts)
        if previous is not None and is_on_its_way(case, draft, previous, at, self._policy):
            aged = self._conclude(case, at, pending, lost, trusts, aged_by=at - (decided or at))
            as_it_left = msgspec.structs.replace(aged.inputs, transit="NOT_MOVED")
            if self._policy.decide(as_it_left).risk == Level.LOW:
                ends = (*journey_times(case), arrival_ends(case, previous, self._policy))
                return Judged(pending, None, _soonest(*ends, expiry_of(previous), after=to_ms(at)))
        missing_lanes = self._missing_lanes(case, at, trusts)
        is_complete = not missing_lanes and (
            bool(self._rules.required_lanes) or self._has_every_step(draft.inputs)
        )
        is_late = pending.deadline is not None and pending.deadline <= to_ms(at)
        is_overdue = is_late and pending.key not in waiting
        again = to_ms(at) + _AGAIN_MS if is_late and not is_overdue and not is_complete else None
        is_ready = is_complete or is_overdue or draft.risk == Level.HIGH
        # What was decided once is put right at once, whatever is still missing.
        if not is_ready and previous is None:
            missing = self._missing(draft.inputs, missing_lanes)
            return Judged(pending, None, again or pending.deadline, missing)
        if missing_lanes and draft.risk == Level.LOW:
            # LOW would rest on fewer scans than the site asks for: then radiation was not screened.
            case = msgspec.structs.replace(
                case, flags=tuple(f for f in case.flags if f.modality not in _RADIATION)
            )
            draft = self._conclude(case, at, pending, lost, trusts)
        if is_overdue and not is_complete:
            codes = {*draft.reason_codes, ReasonCode.TIMEOUT}
            draft = msgspec.structs.replace(
                draft, reason_codes=tuple(code for code in ReasonCode if code in codes)
            )
        waits = (*journey_times(case), again, None if is_complete or is_overdue else pending.deadline)
        if previous is not None and not _says_more(draft, previous, at):
            return Judged(pending, None, _soonest(*waits, expiry_of(previous), after=to_ms(at)))
        return Judged(pending, draft, _soonest(*waits, expiry_of(draft), after=to_ms(at)))

    def withdraw(self, key: str, previous: ClearanceDecision | None, now: datetime, again: int) -> Judged:
        """Return what takes the place of a decision on a case that cannot be weighed any more.

        Parameters
        ----------
        key : str
            The case.
        previous : ClearanceDecision or None
            Its latest decision.
        now : datetime
            This moment.
        again : int
            When to look again, milliseconds.

        Returns
        -------
        Judged
            A decision on no evidence where the latest was LOW: what cannot be read is UNKNOWN. Anything
            else stands.
        """
        pending = Pending(key, None, previous, ())
        if previous is None or previous.risk != Level.LOW:
            return Judged(pending, None, again)
        draft = conclude(
            Case(container_id=key),
            policy=self._policy,
            administration=self._rules.administration,
            at=max(now, parse_time(previous.decided_at) or now),
            signer=self._drafting,
            previous=previous,
            keys=self._keys,
        )
        codes = {*draft.reason_codes, ReasonCode.INPUT_CORRUPT}
        draft = msgspec.structs.replace(
            draft, reason_codes=tuple(code for code in ReasonCode if code in codes)
        )
        return Judged(pending, draft, again)

    def issue(self, draft: ClearanceDecision, log_index: int) -> ClearanceDecision:
        """Return a decision with its place in the ledger, sealed.

        Parameters
        ----------
        draft : ClearanceDecision
            The decision.
        log_index : int
            Its place.

        Returns
        -------
        ClearanceDecision
            Sealed.
        """
        return self._signer.name_and_seal(msgspec.structs.replace(draft, log_index=log_index))

    def _conclude(
        self,
        case: Case,
        at: datetime,
        pending: Pending,
        lost: Revoked,
        trusts: Callable[[Sealed], bool],
        aged_by: timedelta = timedelta(0),
    ) -> ClearanceDecision:
        revoked = lost.subjects
        if self._models_allowed:
            revoked |= _models_of(case) - self._models_allowed
        if pending.has_intel:
            revoked |= {pending.key}
        return conclude(
            case,
            policy=lasting_longer(self._policy, aged_by) if aged_by else self._policy,
            administration=self._rules.administration,
            at=at,
            signer=self._drafting,
            previous=pending.previous,
            keys=self._keys,
            bill=case.advance[-1].bill if case.advance else None,
            revoked=revoked,
            is_trusted=trusts,
            hash_of=_hashes(pending),
            was_sealed=_sealed_under(pending, lost.keys),
        )

    def _missing(self, seen: CaseInputs, missing_lanes: frozenset[str]) -> tuple[str, ...]:
        if self._rules.required_lanes:
            return tuple(f"lane {lane}" for lane in sorted(missing_lanes))
        return tuple(step for step in self._policy.required_steps if not _has_evidence(step, seen))

    def _missing_lanes(self, case: Case, at: datetime, trusts: Callable[[Sealed], bool]) -> frozenset[str]:
        """Return the lanes that have still to report of this passage: an old LOW is of an earlier one."""
        if not self._rules.required_lanes:
            return frozenset()
        since = at - timedelta(seconds=self._policy.max_flag_age_s)
        troubled = parse_time(case.low_counts_after)

        def counts(flag: RiskFlag) -> bool:
            made = parse_time(flag.created_at)
            is_young = made is not None and made >= since and (troubled is None or made > troubled)
            return trusts(flag) and (is_young or flag.level != Level.LOW)

        return frozenset(self._rules.required_lanes) - {flag.lane for flag in case.flags if counts(flag)}

    def _has_every_step(self, seen: CaseInputs) -> bool:
        return all(_has_evidence(step, seen) for step in self._policy.required_steps)


def _trust(pending: Pending, lost: Revoked) -> Callable[[Sealed], bool]:
    """Return whether one of these very objects is sealed by a key that is still good."""
    good = {
        id(stored.record)
        for stored in (*pending.evidence, *pending.apart)
        if stored.is_verified and stored.record.key_id not in lost.keys
    }
    return lambda record: id(record) in good


def _hashes(pending: Pending) -> Callable[[Sealed], str]:
    """Return the hash of one of these very objects, as its row was compared with."""
    known = {id(stored.record): stored.sha256 for stored in (*pending.evidence, *pending.apart)}
    return lambda record: known.get(id(record)) or record_hash(record)


def _sealed_under(pending: Pending, lost: frozenset[str]) -> Callable[[Sealed], bool]:
    """Return whether one of these very objects was sealed by a key that has been revoked since."""
    found = {
        id(stored.record)
        for stored in (*pending.evidence, *pending.apart)
        if stored.is_verified and stored.record.key_id in lost
    }
    return lambda record: id(record) in found


def _models_of(case: Case) -> frozenset[str]:
    flags: tuple[RiskFlag, ...] = (*case.flags, *case.secondary_flags, *case.doubtful_scans)
    # One without a hash is none that anybody allowed.
    return frozenset(model.sha256 for flag in flags for model in flag.pipeline.models)


def _has_evidence(step: str, seen: CaseInputs) -> bool:
    """Tell whether there is any valid evidence for a step, whatever it says, or nothing to be waited for.

    No alarm, no secondary inspection of it; and a box that has not left cannot have arrived.
    """
    found = {
        "TARGETING": seen.targeting,
        "SEAL": seen.seal,
        "RADIATION": seen.radiation,
        "IMAGE": seen.image,
        "SECONDARY_RAD": seen.radiation if seen.radiation == Level.LOW else seen.adjudication,
        "DESTUFF": seen.destuff,
        "ARRIVAL": seen.transit,
    }
    return found[step] is not None


def _says_more(draft: ClearanceDecision, previous: ClearanceDecision, at: datetime) -> bool:
    """Tell whether a decision says anything that the latest does not.

    A LOW that has expired is renewed as long as its evidence still counts; anything else goes on until
    there is news.
    """
    expires = parse_time(previous.validity.expires)
    is_expired = expires is None or expires <= at
    return _matter(draft) != _matter(previous) or (is_expired and draft.risk == Level.LOW)


def _matter(decision: ClearanceDecision) -> tuple[object, ...]:
    return (
        decision.stage,
        decision.consignment,
        decision.risk,
        decision.action,
        decision.reason_codes,
        decision.inputs,
        decision.required_steps,
        decision.flags,
        decision.adjudications,
        decision.seal,
    )


def _soonest(*times: int | None, after: int) -> int | None:
    return min((t for t in times if t is not None and t > after), default=None)

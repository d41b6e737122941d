"""Verification of a bundle, check by check, against what the verifier itself trusts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

import msgspec

from screening.clearance.keys import KeyRing, VerificationError
from screening.clearance.policy import Policy
from screening.clearance.seals import parse_time
from screening.clearance.signatures import verify_content
from screening.errors import IntegrityError
from screening.records import (
    EVIDENCE,
    ClearanceDecision,
    Evidence,
    RiskFlag,
    Sealed,
    canonical_bytes,
    parse_strict,
    sha256_hex,
    stated_at,
)

from .attachments import check_cards, check_evidence_files, check_keys
from .binding import check_chain, check_containers, check_custody, check_flags, check_ledger
from .bundle import BUNDLE, Contents, DetachedSeal, manifest_of, unpack
from .checks import BundleCheck, Opened, failed, passed, verify_when_stated
from .failures import CONSEQUENCES, BundleError, Consequence
from .outcome import check_policy
from .standing import check_calibrations, check_models, check_validity, check_voids
from .stored_zip import Limits
from .trust import Trust

__all__ = ["DEFAULT_LIST_AGE_S", "BundleReport", "kind_of", "verify_bundle"]

#: Age of a revocation list where no policy is given: a week.
DEFAULT_LIST_AGE_S = 7 * 86400
_FUTURE = timedelta(minutes=5)
E = TypeVar("E", bound=Evidence)


class _AnyRecord(msgspec.Struct):
    schema: str


class BundleReport(NamedTuple):
    """Everything that was checked of one bundle.

    Attributes
    ----------
    checks : tuple of BundleCheck
        In the order they were made; a check that others rest on stops them.
    decision : ClearanceDecision or None
        The decision, if its seal holds.
    opened : Opened or None
        The bundle as far as it verifies; None without a decision whose seal holds.
    not_checked : tuple of BundleCheck
        What the verifier had nothing to check against, and did not ask for.
    """

    checks: tuple[BundleCheck, ...]
    decision: ClearanceDecision | None = None
    opened: Opened | None = None
    not_checked: tuple[BundleCheck, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether every check passed; False also if nothing was checked."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def codes(self) -> tuple[str, ...]:
        """What failed, each code once, in the order found."""
        return tuple(dict.fromkeys(check.code for check in self.checks if check.code is not None))

    @property
    def consequence(self) -> Consequence | None:
        """What the failures lead to; None if there are none."""
        found = {CONSEQUENCES[code] for code in self.codes}
        return "REJECT" if "REJECT" in found else "RE_EXAMINE" if found else None

    def passed(self, *names: str) -> bool:
        """Tell whether checks were made and all of them passed.

        Parameters
        ----------
        *names : str
            Their names.

        Returns
        -------
        bool
            False for one that was not made.
        """
        made = {check.name for check in self.checks}
        lost = {check.name for check in self.checks if not check.passed}
        return all(name in made and name not in lost for name in names)

    def without(self, *names: str) -> BundleReport:
        """Return the report with failed checks as not made: there was nothing to make them with.

        Parameters
        ----------
        *names : str
            Names of checks.

        Returns
        -------
        BundleReport
            With `not_checked`. Nothing is accepted on it: whoever judges makes every check.
        """
        left = tuple(one for one in self.checks if one.name in names and not one.passed)
        return self._replace(
            checks=tuple(one for one in self.checks if one not in left), not_checked=self.not_checked + left
        )

    def as_json(self) -> dict[str, Any]:
        """Return the report for a program.

        Returns
        -------
        dict
            ``is_good``, ``codes`` and every check.
        """
        return {
            "is_good": self.is_good,
            "codes": list(self.codes),
            "not_checked": [one.name for one in self.not_checked],
            "decision_id": None if self.decision is None else self.decision.decision_id,
            "container_id": None if self.decision is None else self.decision.consignment.container_id,
            "checks": [
                {"name": one.name, "passed": one.passed, "code": one.code, "text": one.text}
                for one in self.checks
            ],
        }


def verify_bundle(
    data: bytes,
    trust: Trust,
    at: datetime,
    *,
    policy: Policy | None = None,
    own_records: Iterable[bytes] = (),
    limits: Limits | None = None,
) -> BundleReport:
    """Check a bundle as received.

    Parameters
    ----------
    data : bytes
        The file.
    trust : Trust
        The verifier's own keys, models and revocation lists. Keys in the bundle are never used.
    at : datetime
        The time at which it is to hold, aware.
    policy : Policy or None
        The verifier's own policy, for its limits of age.
    own_records : iterable of bytes
        The verifier's own sealed evidence on the container: the reading on arrival, its own targeting.
    limits : Limits or None
        The budget of the file.

    Returns
    -------
    BundleReport
        Check by check.
    """
    try:
        contents = unpack(data, limits)
    except BundleError as error:
        return BundleReport((failed("bundle", error.failure, str(error)),))
    max_age_s = DEFAULT_LIST_AGE_S if policy is None else policy.max_revocation_list_age_s
    revocations = trust.revocations(at, max_age_s)
    keys = KeyRing(trust.keys, revoked=revocations.keys)
    checks = [passed("bundle", f"{len(data)} bytes, in the one form they can have")]
    seal = _check_seal(contents, keys, at)
    checks.append(seal)
    try:
        decision = verify_when_stated(contents.decision, ClearanceDecision, keys)
    except VerificationError as error:
        return BundleReport((*checks, failed("decision", error.failure, str(error))))
    checks.append(passed("decision", f"sealed by {decision.key_id} for {decision.administration}"))
    if decision.is_exercise:
        return BundleReport((*checks, failed("operation", "EXERCISE", "EXERCISE: never valid for cargo")))
    checks += check_policy(contents, decision, keys)
    flags, failures = _verify_all(contents.flags, keys, at, lambda _: RiskFlag)
    own = tuple(own_records)
    records, more = _verify_all((*contents.records, *own), keys, at, kind_of)
    checks += _check_order(
        contents, (decision, *flags, *(r for r in records if canonical_bytes(r) not in own))
    )
    opened = Opened(
        contents,
        decision,
        flags,
        records,
        keys,
        revocations,
        at,
        is_sealed=seal.passed,
    )
    checks += [*failures, *more]
    if not failures and not more:
        checks.append(passed("records", f"{len(flags)} flags and {len(records)} other records are sealed"))
    checks += check_flags(opened)
    checks.append(check_containers(opened))
    checks.append(check_custody(opened))
    checks.append(check_chain(contents, decision, keys))
    checks.append(check_ledger(contents, decision, keys))
    checks += [check_keys(opened), check_cards(opened), check_evidence_files(opened)]
    checks.append(check_validity(opened))
    checks += check_voids(opened)
    checks.append(check_models(opened, trust))
    checks.append(check_calibrations(opened, policy))
    if revocations.failure is None:
        checks.append(passed("revocations", revocations.text))
    else:
        checks.append(failed("revocations", revocations.failure, revocations.text))
    return BundleReport(tuple(checks), decision, opened)


def _check_seal(contents: Contents, keys: KeyRing, at: datetime) -> BundleCheck:
    """Check the sender's seal on the manifest: that nothing was taken out is the sender's word."""
    made = parse_time(contents.made_at)
    if made is None:
        return failed("seal", "MANIFEST_MALFORMED", f"made_at is no time: {contents.made_at!r}")
    if made - at > _FUTURE:
        return failed("seal", "FROM_THE_FUTURE", f"made at {contents.made_at}")
    if contents.seal is None:
        return failed("seal", "UNSEALED_BUNDLE", "nobody says that the bundle is complete")
    try:
        seal = parse_strict(contents.seal, DetachedSeal)
    except IntegrityError as error:
        return failed("seal", "MALFORMED", str(error))
    if canonical_bytes(seal) != contents.seal:
        return failed("seal", "NOT_CANONICAL", "the seal is not in its canonical form")
    try:
        verify_content(BUNDLE, manifest_of(contents), seal.key_id, seal.signature, keys, at=made)
    except VerificationError as error:
        return failed("seal", error.failure, str(error))
    return passed("seal", f"complete as of {contents.made_at}, by {seal.key_id}")


def _check_order(contents: Contents, held: Iterable[Sealed]) -> Iterator[BundleCheck]:
    """Look for what is later than the moment as of which the sender calls the bundle complete.

    A bundle that was dated back would hide by that how old its evidence is, or that its key has expired.
    """
    made = parse_time(contents.made_at)
    for record in held:
        stated = parse_time(stated_at(record))
        if made is not None and stated is not None and stated - made > _FUTURE:
            text = f"{record.schema} of {stated_at(record)} in a bundle made at {contents.made_at}"
            yield failed("seal", "FROM_THE_FUTURE", text)
            return


def _verify_all(
    bodies: Iterable[bytes], keys: KeyRing, at: datetime, kind_of: Callable[[bytes], type[E]]
) -> tuple[tuple[E, ...], list[BundleCheck]]:
    """Return the records whose seal holds, and a failed check for each that does not."""
    good: list[E] = []
    checks: list[BundleCheck] = []
    for data in bodies:
        name = f"record {sha256_hex(data)[:12]}"
        try:
            record = verify_when_stated(data, kind_of(data), keys)
        except VerificationError as error:
            checks.append(failed(name, error.failure, str(error)))
            continue
        stated = parse_time(stated_at(record))
        if stated is not None and stated - at > _FUTURE:
            checks.append(failed(name, "FROM_THE_FUTURE", f"{record.schema} of {stated_at(record)}"))
        good.append(record)
    return tuple(good), checks


def kind_of(data: bytes) -> type[Evidence]:
    """Return the kind of evidence that a record says it is.

    Parameters
    ----------
    data : bytes
        The record.

    Returns
    -------
    type
        Its kind.

    Raises
    ------
    VerificationError
        MALFORMED or WRONG_KIND.
    """
    try:
        schema = msgspec.json.decode(data, type=_AnyRecord).schema
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise VerificationError(f"no record: {error}", "MALFORMED") from None
    kind = EVIDENCE.get(schema)
    if kind is None:
        raise VerificationError(f"no evidence: {schema[:64]!r}", "WRONG_KIND", value=schema)
    return kind

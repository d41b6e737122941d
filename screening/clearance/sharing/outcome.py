"""Whether a decision follows from what it states, under the policy it names."""

from __future__ import annotations

from collections.abc import Iterator

from screening.clearance.keys import KeyRing, VerificationError
from screening.clearance.policy import Policy, parse_policy
from screening.clearance.seals import parse_time
from screening.clearance.signatures import verify_content
from screening.clearance.verify import verify_decision
from screening.errors import ScreeningError
from screening.records import ClearanceDecision, canonical_bytes, parse_strict, sha256_hex

from .bundle import Contents, DetachedSeal
from .checks import BundleCheck, failed, passed

__all__ = ["check_policy"]

_POLICY = "policy/1"


def check_policy(contents: Contents, decision: ClearanceDecision, keys: KeyRing) -> Iterator[BundleCheck]:
    """Check the policy file against the decision, and the decision's outcome against the policy.

    Parameters
    ----------
    contents : Contents
        The bundle.
    decision : ClearanceDecision
        Its decision.
    keys : KeyRing
        The keys trusted.

    Yields
    ------
    BundleCheck
        POLICY_CHANGED, POLICY_INVALID, or what is wrong with the signature; then WRONG_OUTCOME if the
        decision is not what the policy says of the inputs it states. Without the policy's file the
        table alone is asked: a decision below it is wrong under every policy.
    """
    check, policy = _open_policy(contents, decision, keys)
    yield check
    report = verify_decision(contents.decision, keys, policy=policy)
    stated = next((one for one in report.checks if one.name == "outcome"), None)
    if stated is not None and stated.passed:
        yield passed("outcome", stated.text)
    else:
        yield failed("outcome", "WRONG_OUTCOME", "not checked" if stated is None else stated.text)


def _open_policy(
    contents: Contents, decision: ClearanceDecision, keys: KeyRing
) -> tuple[BundleCheck, Policy | None]:
    named = f"{decision.policy.id} {decision.policy.version}"
    if contents.policy is None:
        if contents.policy_signature is not None:
            return failed("policy", "POLICY_INVALID", "a signature without its policy"), None
        return passed("policy", f"{named}, by hash alone"), None
    if sha256_hex(contents.policy) != decision.policy.sha256:
        return failed("policy", "POLICY_CHANGED", f"not the file of {named} that the decision names"), None
    try:
        policy = parse_policy(contents.policy, "policy.toml")
        by = "without a signature of its own"
        if contents.policy_signature is not None:
            mark = parse_strict(contents.policy_signature, DetachedSeal)
            if canonical_bytes(mark) != contents.policy_signature:
                return failed("policy", "POLICY_INVALID", "the signature is not in its canonical form"), None
            # It tells no time of its own: its key must have been valid when it was decided under.
            at = parse_time(decision.decided_at)
            if at is None:
                return failed("policy", "MALFORMED", "the decision does not say when it was taken"), None
            verify_content(_POLICY, contents.policy, mark.key_id, mark.signature, keys, at=at)
            by = f"signed by {mark.key_id}"
    except VerificationError as error:
        return failed("policy", error.failure, str(error)), None
    except ScreeningError as error:
        return failed("policy", "POLICY_INVALID", str(error)), None
    if policy.ref != decision.policy:
        return failed("policy", "POLICY_CHANGED", f"the file is of {policy.id} {policy.version}"), None
    return passed("policy", f"{named}, by the hash in the decision, {by}"), policy

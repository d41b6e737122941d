"""Whether a decision follows from what it states, under the policy it names."""

from __future__ import annotations

from screening.clearance.keys import KeyRing, VerificationError
from screening.clearance.signatures import verify_content
from screening.clearance.verify import verify_decision
from screening.errors import IntegrityError
from screening.records import ClearanceDecision, parse_strict, sha256_hex

from .bundle import Contents, DetachedSeal
from .checks import BundleCheck, failed, passed

__all__ = ["check_outcome", "check_policy"]

_POLICY = "policy/1"


def check_outcome(contents: Contents, decision: ClearanceDecision, keys: KeyRing) -> BundleCheck:
    """Check that the decision is no better than what the table says of the inputs it states.

    Parameters
    ----------
    contents : Contents
        The bundle.
    decision : ClearanceDecision
        Its decision.
    keys : KeyRing
        The keys trusted.

    Returns
    -------
    BundleCheck
        WRONG_OUTCOME if it is better.
    """
    report = verify_decision(contents.decision, keys)
    check = next(one for one in report.checks if one.name == "outcome")
    return passed("outcome", check.text) if check.passed else failed("outcome", "WRONG_OUTCOME", check.text)


def check_policy(contents: Contents, decision: ClearanceDecision, keys: KeyRing) -> BundleCheck:
    """Check that the policy file is the one the decision names, and its signature.

    Parameters
    ----------
    contents : Contents
        The bundle.
    decision : ClearanceDecision
        Its decision.
    keys : KeyRing
        The keys trusted.

    Returns
    -------
    BundleCheck
        POLICY_CHANGED, POLICY_INVALID, or what is wrong with the signature.
    """
    named = f"{decision.policy.id} {decision.policy.version}"
    if contents.policy is None:
        if contents.policy_signature is not None:
            return failed("policy", "POLICY_INVALID", "a signature without its policy")
        return passed("policy", f"{named}, by hash alone")
    if sha256_hex(contents.policy) != decision.policy.sha256:
        return failed("policy", "POLICY_CHANGED", f"the file is not the {named} that the decision names")
    if contents.policy_signature is None:
        return passed("policy", f"{named}, by the hash in the decision; without a signature of its own")
    try:
        mark = parse_strict(contents.policy_signature, DetachedSeal)
        verify_content(_POLICY, contents.policy, mark.key_id, mark.signature, keys)
    except VerificationError as error:
        return failed("policy", error.failure, str(error))
    except IntegrityError as error:
        return failed("policy", "POLICY_INVALID", str(error))
    return passed("policy", f"{named}, signed by {mark.key_id}")

"""Whether the parts of a bundle belong to its decision: flags, container, custody, chain, ledger."""

from __future__ import annotations

from collections.abc import Iterator

from screening.clearance.keys import KeyRing, VerificationError
from screening.clearance.ledger.merkle import leaf_hash, verify_inclusion
from screening.errors import IntegrityError
from screening.records import (
    ClearanceDecision,
    IdentityRuling,
    ReasonCode,
    RiskFlag,
    SealEvent,
    TreeHead,
    canonical_bytes,
    container_of,
    parse_strict,
    sha256_hex,
)

from .bundle import Contents, InclusionProof
from .checks import BundleCheck, Opened, failed, passed, verify_when_stated

__all__ = [
    "check_chain",
    "check_containers",
    "check_custody",
    "check_flags",
    "check_ledger",
    "previous_departure",
]

_IDENTITY = frozenset({ReasonCode.ID_MISMATCH, ReasonCode.ID_CHECKDIGIT})


def check_flags(opened: Opened) -> Iterator[BundleCheck]:
    """Check that the flags are those that the decision names.

    Parameters
    ----------
    opened : Opened
        The bundle.

    Yields
    ------
    BundleCheck
        One for all flags, or one for each that is missing, changed or not named.
    """
    given = {sha256_hex(data) for data in opened.contents.flags}
    parsed = {sha256_hex(canonical_bytes(flag)): flag for flag in opened.flags}
    is_good = True
    for ref in opened.decision.flags:
        flag = parsed.get(ref.sha256)
        name = f"flag {ref.flag_id[:12]}"
        if ref.sha256 not in given:
            is_good = False
            yield failed(name, "FLAG_MISSING", "the decision names it, the bundle does not hold it")
        elif flag is not None and (flag.flag_id, flag.modality, flag.level) != (
            ref.flag_id, ref.modality, ref.level,
        ):  # fmt: skip
            is_good = False
            yield failed(
                name, "FLAG_CHANGED", f"{flag.modality} {flag.level}, named {ref.modality} {ref.level}"
            )
    for stranger in sorted(given - {ref.sha256 for ref in opened.decision.flags}):
        is_good = False
        yield failed(f"flag {stranger[:12]}", "FLAG_NOT_NAMED", "the decision does not name it")
    if is_good:
        levels = " ".join(f"{ref.modality}={ref.level}" for ref in opened.decision.flags)
        yield passed("flags", levels or "the decision names none")


def check_containers(opened: Opened) -> BundleCheck:
    """Check that every record speaks of the decision's container.

    A flag of a scan in doubt may name another number, if an officer ruled which container it was of,
    or if the decision itself says that identity is in doubt.

    Parameters
    ----------
    opened : Opened
        The bundle.

    Returns
    -------
    BundleCheck
        WRONG_CONTAINER at the first that does not.
    """
    container = opened.decision.consignment.container_id
    ruled = {one.scan_id for one in opened.records if isinstance(one, IdentityRuling)}
    is_in_doubt = bool(_IDENTITY & set(opened.decision.reason_codes))
    for record in (*opened.flags, *opened.records):
        found = container_of(record)
        is_excused = isinstance(record, RiskFlag) and (record.scan_id in ruled or is_in_doubt)
        if found != container and not is_excused:
            return failed("container", "WRONG_CONTAINER", f"a {record.schema} is of {found}, not {container}")
    return passed("container", f"every record is of {container}")


def check_custody(opened: Opened) -> BundleCheck:
    """Check that every signed point of custody that the decision lists is there as its sealed event.

    Parameters
    ----------
    opened : Opened
        The bundle.

    Returns
    -------
    BundleCheck
        CUSTODY_MISSING if not.
    """
    events = {(one.at, one.event, one.signature) for one in opened.records if isinstance(one, SealEvent)}
    listed = [(one.t, one.status, one.signature) for one in opened.decision.seal.custody if one.signature]
    missing = [point for point in listed if point not in events]
    if missing:
        t, status, _ = missing[0]
        return failed(
            "custody", "CUSTODY_MISSING", f"{len(missing)} not in the bundle, first {status} at {t}"
        )
    return passed("custody", f"{len(listed)} signed readings")


def check_chain(contents: Contents, decision: ClearanceDecision, keys: KeyRing) -> BundleCheck:
    """Check the decision's link to the earlier decisions on its container.

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
        CHAIN_MISSING, CHAIN_BROKEN, WRONG_CONTAINER, or what is wrong with a link's seal.
    """
    earlier = {sha256_hex(data): data for data in contents.chain}
    later, n = decision, 0
    while later.prev_hash is not None and (data := earlier.pop(later.prev_hash, None)) is not None:
        try:
            link = verify_when_stated(data, ClearanceDecision, keys)
        except VerificationError as error:
            return failed("chain", error.failure, str(error))
        found = link.consignment.container_id
        if found != decision.consignment.container_id:
            return failed("chain", "WRONG_CONTAINER", f"an earlier decision is of {found}")
        if link.decided_at > later.decided_at:
            return failed("chain", "CHAIN_BROKEN", "an earlier decision is later than the one that follows")
        later, n = link, n + 1
    if n == 0 and decision.prev_hash is not None:
        code = "CHAIN_BROKEN" if earlier else "CHAIN_MISSING"
        return failed("chain", code, "the previous decision is not in the bundle")
    if earlier:
        return failed("chain", "CHAIN_BROKEN", f"{len(earlier)} decisions that the chain does not lead to")
    if later.prev_hash is not None:
        return passed("chain", f"{n} earlier decisions; the oldest follows others that are not in the bundle")
    return passed("chain", f"{n} earlier decisions, to the first" if n else "the first of this container")


def previous_departure(contents: Contents, decision: ClearanceDecision) -> ClearanceDecision | None:
    """Return the decision with which the container left, or else the one before.

    Parameters
    ----------
    contents : Contents
        A bundle whose chain holds.
    decision : ClearanceDecision
        Its decision.

    Returns
    -------
    ClearanceDecision or None
        The latest departure up to and including the decision; without one, the previous decision.
    """
    earlier = {sha256_hex(data): data for data in contents.chain}
    found: ClearanceDecision | None = None
    one: ClearanceDecision | None = decision
    while one is not None:
        if one.action == "CLEARED_FOR_DEPARTURE":
            return one
        data = earlier.get(one.prev_hash or "")
        one = None if data is None else parse_strict(data, ClearanceDecision)
        found = found or one
    return found


def check_ledger(contents: Contents, decision: ClearanceDecision, keys: KeyRing) -> BundleCheck:
    """Check that the decision is an entry of a ledger whose head is signed.

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
        One of the codes PROOF_, or what is wrong with the head's seal.
    """
    if contents.head is None or contents.inclusion is None:
        return failed("ledger", "PROOF_MISSING", "no proof that the decision is in a ledger")
    try:
        head = verify_when_stated(contents.head, TreeHead, keys)
    except VerificationError as error:
        return failed("ledger", error.failure, f"tree head: {error}")
    try:
        proof = parse_strict(contents.inclusion, InclusionProof)
    except IntegrityError as error:
        return failed("ledger", "PROOF_MALFORMED", str(error))
    if canonical_bytes(proof) != contents.inclusion or proof.index >= proof.size:
        return failed("ledger", "PROOF_MALFORMED", "not a proof in its canonical form")
    if proof.size != head.size:
        return failed(
            "ledger", "PROOF_OF_ANOTHER_HEAD", f"of a ledger of {proof.size}, the head has {head.size}"
        )
    if decision.log_index is not None and decision.log_index != proof.index:
        text = f"of entry {proof.index}, the decision is entry {decision.log_index}"
        return failed("ledger", "PROOF_OF_ANOTHER_INDEX", text)
    path = [bytes.fromhex(node) for node in proof.path]
    leaf = leaf_hash(contents.decision)
    if not verify_inclusion(leaf, proof.index, proof.size, path, bytes.fromhex(head.root)):
        return failed("ledger", "PROOF_WRONG", f"the path does not lead to the root of {head.ledger_id}")
    return passed("ledger", f"entry {proof.index} of {head.ledger_id}, under its head of {head.size}")

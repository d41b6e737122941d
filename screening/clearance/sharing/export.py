"""From a desk to the contents of a bundle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from screening.clearance.keys import KeyRing
from screening.errors import StoreError
from screening.records import (
    EVIDENCE,
    ClearanceDecision,
    TreeHead,
    canonical_bytes,
    parse_strict,
    sha256_hex,
    utc_string,
)

from .bundle import Contents, InclusionProof

__all__ = ["Attachments", "Shelf", "contents_of", "latest_decision"]

#: Earlier decisions that are shared, at most: enough to reach the departure of any container.
_MAX_CHAIN = 64


class _Standing(Protocol):
    @property
    def decision_id(self) -> str | None: ...


class Shelf(Protocol):
    """What is asked of a desk: its cases and records, and its ledger's proofs."""

    def case(self, key: str) -> _Standing | None:
        """Return how a case stands.

        Parameters
        ----------
        key : str
            The case.

        Returns
        -------
        object or None
            With its latest ``decision_id``.
        """

    def decision(self, decision_id: str) -> bytes | None:
        """Return a decision's sealed bytes.

        Parameters
        ----------
        decision_id : str
            Its identifier.

        Returns
        -------
        bytes or None
            None if there is none.
        """

    def record(self, sha256: str) -> bytes | None:
        """Return a record by the hash of its sealed bytes.

        Parameters
        ----------
        sha256 : str
            The hash.

        Returns
        -------
        bytes or None
            None if there is none.
        """

    def records_of(self, key: str) -> list[bytes]:
        """Return everything on a case, in the order of the ledger.

        Parameters
        ----------
        key : str
            The case.

        Returns
        -------
        list of bytes
            Sealed records.
        """

    def index_of(self, sha256: str) -> int | None:
        """Return the place of a record in the ledger.

        Parameters
        ----------
        sha256 : str
            Hash of its sealed bytes.

        Returns
        -------
        int or None
            None if it is not there.
        """

    def resting_on(self, subject: str) -> list[str]:
        """Return the decisions that rest on a model, calibration or key.

        Parameters
        ----------
        subject : str
            sha256 of a model, identifier of a calibration or key.

        Returns
        -------
        list of str
            Identifiers of decisions.
        """

    def head(self) -> TreeHead:
        """Return the sealed head of the ledger.

        Returns
        -------
        TreeHead
            Sealed.
        """

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the proof that an entry is in the ledger.

        Parameters
        ----------
        index : int
            Which entry.
        size : int or None
            Size of the tree; None for the present one.

        Returns
        -------
        list of bytes
            Siblings from the leaf to the root.
        """


class Attachments(NamedTuple):
    """What goes along with the records of a desk.

    Attributes
    ----------
    policy, policy_signature : bytes or None
        The site's policy file; it goes along if it is the one that the decision names.
    cards : tuple of bytes
        Cards of models.
    keys : KeyRing
        Public keys; those that the records are sealed with go along.
    evidence : tuple of bytes
        Files: scans, pictures, N42.
    """

    policy: bytes | None = None
    policy_signature: bytes | None = None
    cards: tuple[bytes, ...] = ()
    keys: KeyRing | None = None
    evidence: tuple[bytes, ...] = ()


class _Sealed(msgspec.Struct):
    schema: str
    key_id: str | None = None


def latest_decision(desk: Shelf, container_id: str) -> str | None:
    """Return the decision on a container that no other follows.

    Parameters
    ----------
    desk : Shelf
        The desk.
    container_id : str
        ISO 6346 number, compact.

    Returns
    -------
    str or None
        Its identifier; None if nothing was decided.
    """
    case = desk.case(container_id)
    return None if case is None else case.decision_id


def contents_of(desk: Shelf, decision_id: str, at: datetime, attached: Attachments | None = None) -> Contents:
    """Return what a bundle of a decision carries: everything the desk holds on its container.

    Parameters
    ----------
    desk : Shelf
        The desk.
    decision_id : str
        The decision.
    at : datetime
        This moment, aware: the evidence is as of now.
    attached : Attachments or None
        What goes along.

    Returns
    -------
    Contents
        To be packed and sealed.

    Raises
    ------
    StoreError
        If the desk has no such decision, or lacks something that it names.
    """
    attached = attached or Attachments()
    body = desk.decision(decision_id)
    if body is None:
        raise StoreError(f"no decision {decision_id}", value=decision_id)
    decision = parse_strict(body, ClearanceDecision)
    flags = [_held(desk, ref.sha256, f"flag {ref.flag_id[:12]}") for ref in decision.flags]
    named = set(flags)
    records = [one for one in _evidence(desk, decision) if one not in named]
    chain = list(_chain(desk, decision))
    index = decision.log_index if decision.log_index is not None else desk.index_of(sha256_hex(body))
    if index is None:
        raise StoreError("the decision is not in the ledger", value=decision_id)
    head = desk.head()
    path = desk.inclusion(index, head.size)
    proof = InclusionProof(index=index, size=head.size, path=tuple(node.hex() for node in path))
    is_policy = attached.policy is not None and sha256_hex(attached.policy) == decision.policy.sha256
    sealed_with = {_header(one).key_id for one in (body, *flags, *records, *chain)} | {head.key_id}
    keys = [key for key in attached.keys or () if key.key_id in sealed_with]
    return Contents(
        made_at=str(utc_string(at)),
        decision=body,
        flags=tuple(flags),
        records=tuple(records),
        chain=tuple(chain),
        policy=attached.policy if is_policy else None,
        policy_signature=attached.policy_signature if is_policy else None,
        cards=attached.cards,
        keys=tuple(canonical_bytes(key) for key in keys),
        head=canonical_bytes(head),
        inclusion=canonical_bytes(proof),
        evidence=attached.evidence,
    )


def _evidence(desk: Shelf, decision: ClearanceDecision) -> Iterable[bytes]:
    held = desk.records_of(decision.consignment.container_id)
    return dict.fromkeys(body for body in held if _header(body).schema in EVIDENCE)


def _chain(desk: Shelf, decision: ClearanceDecision) -> Iterator[bytes]:
    digest = decision.prev_hash
    for _ in range(_MAX_CHAIN):
        if digest is None:
            return
        body = _held(desk, digest, "the previous decision")
        yield body
        digest = parse_strict(body, ClearanceDecision).prev_hash


def _held(desk: Shelf, sha256: str, what: str) -> bytes:
    body = desk.record(sha256)
    if body is None:
        raise StoreError(f"{what} is not held here", value=sha256)
    return body


def _header(body: bytes) -> _Sealed:
    return msgspec.json.decode(body, type=_Sealed)

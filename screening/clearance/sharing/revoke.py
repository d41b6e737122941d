"""Revoking a model, a calibration, a key, or what was thought of a container."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

from screening.clearance.decisions import record_hash
from screening.clearance.keys import Signer
from screening.errors import ConfigurationError, IntegrityError
from screening.records import (
    ClearanceDecision,
    Revocation,
    RevocationList,
    canonical_bytes,
    parse_strict,
    utc_string,
)
from screening.risk import has_valid_check_digit

from .export import Shelf, latest_decision

__all__ = [
    "Affected",
    "What",
    "affected_by",
    "extend_list",
    "make_revocation",
    "read_list",
    "write_list",
]

What = Literal["MODEL", "CALIBRATION", "KEY", "CONTAINER"]

#: Which of its own conditions voids a decision. A revoked key voids all that rests on it: nothing
#: verifies under it any more, whatever the decision says.
_CONDITION = {"MODEL": "MODEL_REVOKED", "CALIBRATION": "CAL_REVOKED", "CONTAINER": "NEW_INTEL"}
_PATTERNS = {"MODEL": "[0-9a-f]{64}", "KEY": "(ops|exercise)-[0-9a-f]{32}"}


class Affected(NamedTuple):
    """A decision that rests on what was revoked.

    Attributes
    ----------
    decision : ClearanceDecision
        The decision.
    is_void : bool
        Whether it is void: by its own word, or since nothing verifies under a revoked key.
    is_latest : bool
        Whether no other decision on the container follows it.
    """

    decision: ClearanceDecision
    is_void: bool
    is_latest: bool


def make_revocation(
    what: What, subject: str, *, reason: str, administration: str, at: datetime, signer: Signer
) -> Revocation:
    """Return a sealed revocation.

    Parameters
    ----------
    what : {"MODEL", "CALIBRATION", "KEY", "CONTAINER"}
        Kind of the subject.
    subject : str
        sha256 of the model, identifier of the calibration or key, container number.
    reason : str
        One line.
    administration : str
        Who revokes.
    at : datetime
        When, aware.
    signer : Signer
        Its key.

    Returns
    -------
    Revocation
        Sealed.

    Raises
    ------
    ConfigurationError
        If the subject is not of its kind: what is mistyped would revoke nothing.
    """
    pattern = _PATTERNS.get(what, ".{1,200}")
    is_number = what != "CONTAINER" or has_valid_check_digit(subject)
    if re.fullmatch(pattern, subject) is None or not is_number:
        raise ConfigurationError(f"not the name of a {what.lower()}: {subject[:80]!r}", value=subject)
    if not reason.strip():
        raise ConfigurationError("a revocation needs its reason", value=reason)
    return signer.seal(
        Revocation(
            what=what, subject=subject, at=str(utc_string(at)), reason=reason, administration=administration
        )
    )


def extend_list(
    known: RevocationList | None,
    added: Iterable[Revocation],
    *,
    administration: str,
    at: datetime,
    next_update_s: int,
    signer: Signer,
) -> RevocationList:
    """Return the next list of an administration: nothing is ever taken off it.

    Parameters
    ----------
    known : RevocationList or None
        The list so far; None if this is the first.
    added : iterable of Revocation
        What is revoked now; a subject that is on the list already keeps its first entry.
    administration : str
        Whose list.
    at : datetime
        When it is issued, aware.
    next_update_s : int
        When the next is due, seconds from then.
    signer : Signer
        The administration's key.

    Returns
    -------
    RevocationList
        Sealed, with the next number.

    Raises
    ------
    ConfigurationError
        If the list so far is another administration's, or of a later time.
    """
    held: dict[tuple[str, str], Revocation] = {}
    number = 1
    if known is not None:
        if known.administration != administration:
            raise ConfigurationError(f"that is the list of {known.administration}", value=administration)
        if datetime.fromisoformat(known.issued_at) > at:
            raise ConfigurationError(f"the list so far is of {known.issued_at}", value=known.issued_at)
        held = {(one.what, one.subject): one for one in known.revocations}
        number = known.number + 1
    for one in added:
        held.setdefault((one.what, one.subject), one)
    return signer.seal(
        RevocationList(
            administration=administration,
            number=number,
            issued_at=str(utc_string(at)),
            next_update=str(utc_string(at + timedelta(seconds=next_update_s))),
            revocations=tuple(held.values()),
        )
    )


def read_list(path: Path) -> RevocationList | None:
    """Return the list of a file, without verifying it.

    Parameters
    ----------
    path : Path
        The file: the canonical bytes of one ``revocationlist/1``.

    Returns
    -------
    RevocationList or None
        None if there is no such file.

    Raises
    ------
    ConfigurationError
        If it cannot be read.
    IntegrityError
        If it is no such list.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path.name}: {error.strerror}", value=str(path)) from None
    known = parse_strict(data, RevocationList)
    if canonical_bytes(known) != data:
        raise IntegrityError(f"{path.name}: not in its canonical form", value=str(path))
    return known


def write_list(path: Path, revocations: RevocationList) -> None:
    """Put a list in the place of the one before; whoever reads at that moment gets one of the two whole.

    Parameters
    ----------
    path : Path
        The file.
    revocations : RevocationList
        The list.

    Raises
    ------
    ConfigurationError
        If it cannot be written.
    """
    beside = path.with_name(path.name + ".new")
    try:
        with beside.open("wb") as file:
            file.write(canonical_bytes(revocations))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise ConfigurationError(f"{path.name}: {error.strerror}", value=str(path)) from None


def affected_by(desk: Shelf, revocation: Revocation) -> list[Affected]:
    """Return every decision of a desk that rests on what was revoked, in the order of the ledger.

    Parameters
    ----------
    desk : Desk
        The desk, before it decides anew.
    revocation : Revocation
        What was revoked.

    Returns
    -------
    list of Affected
        The decisions, and which of them are void.
    """
    known_at = None
    if revocation.what == "CONTAINER":
        latest = latest_decision(desk, revocation.subject)
        ids = [] if latest is None else [latest]
        known_at = desk.index_of(record_hash(revocation))
    else:
        ids = desk.resting_on(revocation.subject)
    found = []
    for decision_id in ids:
        body = desk.decision(decision_id)
        if body is None:
            continue
        decision = parse_strict(body, ClearanceDecision)
        if known_at is not None and (decision.log_index is None or decision.log_index > known_at):
            continue  # it was taken in knowledge of this very revocation
        is_void = revocation.what == "KEY" or _CONDITION[revocation.what] in decision.validity.void_on
        last = latest_decision(desk, decision.consignment.container_id)
        found.append(Affected(decision, is_void, decision_id == last))
    return found

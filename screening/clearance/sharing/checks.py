"""What one check of a bundle says, and what all of them read."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, TypeVar

from screening.clearance.keys import KeyRing, VerificationError
from screening.clearance.seals import parse_time
from screening.clearance.signatures import verify_record
from screening.errors import IntegrityError
from screening.records import ClearanceDecision, Evidence, RiskFlag, Sealed, parse_strict, stated_at

from .bundle import Contents
from .failures import CONSEQUENCES
from .trust import Revocations

__all__ = ["BundleCheck", "Opened", "failed", "passed", "verify_when_stated"]

S = TypeVar("S", bound=Sealed)


class BundleCheck(NamedTuple):
    """One thing that was checked.

    Attributes
    ----------
    name : str
        What.
    code : str or None
        None if it holds, else one of :data:`screening.clearance.sharing.CONSEQUENCES`.
    text : str
        One line for a person.
    """

    name: str
    code: str | None
    text: str

    @property
    def passed(self) -> bool:
        """Whether it holds."""
        return self.code is None


class Opened(NamedTuple):
    """A bundle whose decision verifies, with what of its records does.

    Attributes
    ----------
    contents : Contents
        All of it, as bytes.
    decision : ClearanceDecision
        The decision.
    flags : tuple of RiskFlag
        Flags whose seal holds.
    records : tuple of Evidence
        Other records whose seal holds.
    keys : KeyRing
        The verifier's keys, less what is revoked.
    revocations : Revocations
        What is revoked.
    at : datetime
        The time of asking.
    is_sealed : bool
        Whether the sender's seal on the manifest holds.
    """

    contents: Contents
    decision: ClearanceDecision
    flags: tuple[RiskFlag, ...]
    records: tuple[Evidence, ...]
    keys: KeyRing
    revocations: Revocations
    at: datetime
    is_sealed: bool

    @property
    def all_flags(self) -> tuple[RiskFlag, ...]:
        """Every flag: those that the decision names, and those beside it (of a secondary inspection)."""
        return (*self.flags, *(one for one in self.records if isinstance(one, RiskFlag)))


def passed(name: str, text: str) -> BundleCheck:
    """Return a check that holds.

    Parameters
    ----------
    name, text : str
        What was checked, and one line for a person.

    Returns
    -------
    BundleCheck
        Without a code.
    """
    return BundleCheck(name, None, text)


def failed(name: str, code: str, text: str) -> BundleCheck:
    """Return a check that does not hold.

    Parameters
    ----------
    name : str
        What was checked.
    code : str
        What is wrong with it; it must have a consequence.
    text : str
        One line for a person.

    Returns
    -------
    BundleCheck
        With the code.
    """
    if code not in CONSEQUENCES:
        raise ValueError(f"no consequence for {code!r}")
    return BundleCheck(name, code, text)


def verify_when_stated(data: bytes, kind: type[S], keys: KeyRing) -> S:
    """Verify a record with its key's validity at the time the record itself gives.

    Parameters
    ----------
    data : bytes
        The record.
    kind : type
        The kind it must be of.
    keys : KeyRing
        The keys trusted.

    Returns
    -------
    record
        The record.

    Raises
    ------
    VerificationError
        With the check that failed; a record that gives no time is MALFORMED, since nobody can tell
        whether its key was valid.
    """
    try:
        record = parse_strict(data, kind)
        at = parse_time(stated_at(record))
        if at is None:
            raise VerificationError("the record does not say when it was made", "MALFORMED")
        return verify_record(data, kind, keys, at=at)
    except VerificationError:
        raise
    except IntegrityError as error:
        raise VerificationError(str(error), "MALFORMED", value=error.value) from None

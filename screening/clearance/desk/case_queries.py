"""What deciding reads of many cases at once, each statement built once for each kind of database."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import Select, func, select

from screening.records import EVIDENCE

from .dialects import is_among
from .tables import apart, doubts, records, revoked

__all__ = ["doubted_on", "evidence_of", "intel_on", "records_among"]


@lru_cache
def evidence_of(dialect: str) -> Select[Any]:
    """Return the query of the evidence on some cases.

    Parameters
    ----------
    dialect : str
        Name of the database's dialect.

    Returns
    -------
    Select
        To be run with the cases as `keys`, or the hashes as `hashes`.
    """
    return (
        select(records.c.case_key, records.c.sha256, records.c.kind, records.c.body)
        .where(is_among(dialect, records.c.case_key, "keys"), records.c.kind.in_(list(EVIDENCE)))
        .order_by(records.c.sha256)
    )


@lru_cache
def records_among(dialect: str) -> Select[Any]:
    """Return the query of some records by their hashes.

    Parameters
    ----------
    dialect : str
        Name of the database's dialect.

    Returns
    -------
    Select
        To be run with the cases as `keys`, or the hashes as `hashes`.
    """
    return select(records.c.sha256, records.c.kind, records.c.body).where(
        is_among(dialect, records.c.sha256, "hashes")
    )


@lru_cache
def doubted_on(dialect: str) -> Select[Any]:
    """Return the query of the flags kept apart that may be of some containers.

    Parameters
    ----------
    dialect : str
        Name of the database's dialect.

    Returns
    -------
    Select
        To be run with the cases as `keys`, or the hashes as `hashes`.
    """
    return (
        select(doubts.c.container_id, doubts.c.scan_id, records.c.sha256, records.c.kind, records.c.body)
        .join(records, records.c.scan_id == doubts.c.scan_id)
        .join(apart, apart.c.sha256 == records.c.sha256)
        .where(is_among(dialect, doubts.c.container_id, "keys"))
    )


@lru_cache
def intel_on(dialect: str) -> Select[Any]:
    """Return the query of new intelligence on some containers.

    Parameters
    ----------
    dialect : str
        Name of the database's dialect.

    Returns
    -------
    Select
        To be run with the cases as `keys`, or the hashes as `hashes`.
    """
    return (
        select(
            revoked.c.subject,
            func.max(revoked.c.at).label("at"),
            (func.count() - func.count(revoked.c.at)).label("n_untimed"),
        )
        .where(revoked.c.what == "CONTAINER", is_among(dialect, revoked.c.subject, "keys"))
        .group_by(revoked.c.subject)
    )

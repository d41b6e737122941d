"""Entries and exits of a case's records that do not go together."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from screening.clearance.joining import account_crossings
from screening.records import EVIDENCE, Crossing, Evidence, Journey, parse_strict

from .answers import DiscrepancyEntry

__all__ = ["discrepancies_of"]


class _Kind(msgspec.Struct):
    schema: str


def discrepancies_of(records: Iterable[bytes], now: datetime | None = None) -> list[DiscrepancyEntry]:
    """Account for the crossings of one case.

    Parameters
    ----------
    records : iterable of bytes
        Its sealed records.
    now : datetime or None
        Time, aware; None for this moment.

    Returns
    -------
    list of DiscrepancyEntry
        What entered and did not arrive in its window, and what arrived without an entry.
    """
    found: list[Evidence] = []
    for body in records:
        kind = EVIDENCE.get(msgspec.json.decode(body, type=_Kind).schema)
        if kind in (Crossing, Journey):
            found.append(parse_strict(body, kind))
    if not found:
        return []
    return [DiscrepancyEntry(**one._asdict()) for one in account_crossings(found, now or datetime.now(UTC))]

"""The records of a ledger, parsed."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec

from screening.clearance.ledger import LedgerError, LedgerReader
from screening.clearance.transit.route import time_of
from screening.errors import IntegrityError
from screening.records import SEALED, Sealed, sha256_hex, stated_at

__all__ = ["LedgerRecords", "read_ledger"]

_PAGE = 1000


class LedgerRecords(NamedTuple):
    """What a ledger holds.

    Attributes
    ----------
    records : tuple of Sealed
        In the order of the ledger.
    n_unknown : int
        Entries of kinds that this version does not know.
    """

    records: tuple[Sealed, ...]
    n_unknown: int = 0


def read_ledger(reader: LedgerReader, *, until: datetime | None = None) -> LedgerRecords:
    """Return the records of a ledger; whether it is whole is for the audit to say.

    Parameters
    ----------
    reader : LedgerReader
        The ledger.
    until : datetime or None
        Leave out what was stated later, aware; None: nothing.

    Returns
    -------
    LedgerRecords
        Its records.

    Raises
    ------
    LedgerError
        EDITED, if an entry is not what its hash names.
    IntegrityError
        If an entry is not a record of its kind.
    """
    found: list[Sealed] = []
    n_unknown = 0
    size = reader.size()
    for start in range(0, size, _PAGE):
        for entry in reader.entries(start, min(start + _PAGE, size)):
            if sha256_hex(entry.body) != entry.sha256:
                text = f"entry {entry.index} of the ledger, record {entry.sha256}, is not what was written"
                raise LedgerError(text, "EDITED", index=entry.index)
            kind = SEALED.get(entry.kind)
            if kind is None:
                n_unknown += 1
                continue
            try:
                record = msgspec.json.decode(entry.body, type=kind)
            except msgspec.DecodeError as error:
                text = f"entry {entry.index} of the ledger is no {entry.kind}: {error}"
                raise IntegrityError(text, value=entry.index) from None
            stated = time_of(stated_at(record))
            if until is None or (stated is not None and stated <= until):
                found.append(record)
    return LedgerRecords(tuple(found), n_unknown)

"""Making the tables of a desk, and bringing those of an earlier version up to date."""

from __future__ import annotations

import uuid

from .database import Database
from .dialects import insert_new
from .tables import METADATA, ledger

__all__ = ["open_tables"]


def open_tables(database: Database, *, ledger_id: str | None = None) -> None:
    """Make the tables, or bring them up to date; processes that do it at once do it one after the other.

    Parameters
    ----------
    database : Database
        Where.
    ledger_id : str or None
        Name of a ledger that is begun; None for a random one.
    """
    database.write(lambda connection: METADATA.create_all(connection))
    row = {"id": 1, "ledger_id": ledger_id or uuid.uuid4().hex, "size": 0, "frontier": b""}
    database.write(
        lambda connection: connection.execute(insert_new(connection, ledger).on_conflict_do_nothing(), row)
    )

"""What SQLite and PostgreSQL say in the same words, and SQLAlchemy only in each dialect's own."""

from __future__ import annotations

from typing import TypeAlias

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

__all__ = ["Insert", "insert_new"]

Insert: TypeAlias = postgresql.Insert | sqlite.Insert


def insert_new(connection: Connection, table: Table) -> Insert:
    """Return an insert that can be told what to do about rows that are there.

    Parameters
    ----------
    connection : Connection
        Which database.
    table : Table
        Where to.

    Returns
    -------
    Insert
        With `on_conflict_do_nothing` and `on_conflict_do_update`.
    """
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)

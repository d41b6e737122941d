"""What SQLite and PostgreSQL say in the same words, and SQLAlchemy only in each dialect's own."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TypeAlias

from sqlalchemy import ARRAY, ColumnElement, Connection, String, Table, any_, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

__all__ = ["Insert", "insert_new", "is_among", "listed"]

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


def is_among(dialect: str, column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Return a condition that a column holds one of several values, whose text is the same for any number.

    Parameters
    ----------
    dialect : str
        Name of the dialect.
    column : ColumnElement
        The column.
    name : str
        Name of the parameter that takes the values, as `listed` returns them.

    Returns
    -------
    ColumnElement
        The condition.
    """
    if dialect == "postgresql":
        return column == any_(bindparam(name, type_=ARRAY(String)))
    values = func.json_each(bindparam(name, type_=String)).table_valued("value")
    return column.in_(select(values.c.value))


def listed(dialect: str, values: Collection[str]) -> list[str] | str:
    """Return values as the parameter of `is_among`.

    Parameters
    ----------
    dialect : str
        Name of the dialect.
    values : collection of str
        The values.

    Returns
    -------
    list of str or str
        What the driver takes.
    """
    return sorted(values) if dialect == "postgresql" else json.dumps(sorted(values))

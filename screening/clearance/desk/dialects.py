"""What SQLite and PostgreSQL say in the same words, and SQLAlchemy only in each dialect's own."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    String,
    Table,
    UpdateBase,
    any_,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

__all__ = ["Insert", "add_new", "insert_into", "insert_new", "is_among", "listed", "write_rows"]

Insert: TypeAlias = postgresql.Insert | sqlite.Insert


class _Written(NamedTuple):
    """A statement as the driver takes it: text, parameters in order, and those that never change."""

    text: str
    order: tuple[str, ...] | None
    fixed: Mapping[str, Any]


_WRITTEN: dict[tuple[str, UpdateBase, tuple[str, ...]], _Written] = {}


def write_rows(connection: Connection, statement: UpdateBase, rows: Sequence[Mapping[str, Any]]) -> None:
    """Run a statement once for each of many rows.

    The toolkit would look at every value of every row; these are whole numbers, strings, bytes and truth
    values, which both drivers take as they are.

    Parameters
    ----------
    connection : Connection
        In a write transaction.
    statement : UpdateBase
        What to run; one object for good, for its text is kept.
    rows : sequence of mapping
        Their parameters, the same names in each; without rows nothing is run.
    """
    if not rows:
        return
    names = tuple(rows[0])
    known = (connection.dialect.name, statement, names)
    written = _WRITTEN.get(known)
    if written is None:
        written = _WRITTEN[known] = _write(connection, statement, names)
    given = [{**written.fixed, **row} for row in rows] if written.fixed else rows
    if written.order is None:
        connection.exec_driver_sql(written.text, [dict(row) for row in given])
    else:
        # Every table has two columns or more, so that this gives tuples.
        connection.exec_driver_sql(written.text, list(map(itemgetter(*written.order), given)))


def add_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows that are not there yet.

    Parameters
    ----------
    connection : Connection
        In a write transaction.
    table : Table
        Where to.
    rows : sequence of mapping
        The rows.
    """
    write_rows(connection, _insert_or_leave(connection.dialect.name, table), rows)


@lru_cache
def _insert_or_leave(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table).on_conflict_do_nothing()


def _write(connection: Connection, statement: UpdateBase, names: tuple[str, ...]) -> _Written:
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(names))
    order = tuple(compiled.positiontup or ()) if compiled.positional else None
    fixed = {name: value for name, value in compiled.params.items() if name not in names}
    return _Written(str(compiled), order, fixed)


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
    return insert_into(connection.dialect.name, table)


def insert_into(dialect: str, table: Table) -> Insert:
    """Return the same for a dialect by its name, to build a statement once.

    Parameters
    ----------
    dialect : str
        Name of the dialect.
    table : Table
        Where to.

    Returns
    -------
    Insert
        With `on_conflict_do_nothing` and `on_conflict_do_update`.
    """
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


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

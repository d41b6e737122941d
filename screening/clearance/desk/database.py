"""One database behind a desk, SQLite or PostgreSQL: durable, serialised where it must be.

SQLite: write-ahead log, synchronous FULL, every write transaction takes the write lock at its start.
PostgreSQL: READ COMMITTED with explicit row locks, synchronous_commit on. A transaction that failed
because others were in its way, or because the connection broke, is run again from its start; everything
a desk writes is keyed by content, so that running it twice changes nothing.
"""

from __future__ import annotations

import random
import re
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from screening.errors import ConfigurationError, StoreError

__all__ = ["Database", "safe_url"]

T = TypeVar("T")

#: Tells a desk from any other SQLite file ("SCRD").
APPLICATION_ID = 0x53435244

_BUSY_S = 30
_ATTEMPTS = 8
#: Serialisation failure and deadlock.
_IN_THE_WAY = frozenset({"40001", "40P01", "55P03"})


class Database:
    """A database that a desk's tables live in.

    One object serves all threads of a process; each process opens its own.

    Parameters
    ----------
    place : str or Path
        File of a SQLite database, or the URL of a PostgreSQL one.

    Attributes
    ----------
    name : str
        The place without its password, for a person.
    is_sqlite : bool
        Whether it is a SQLite file.

    Raises
    ------
    ConfigurationError
        If the place is no URL that can be used.
    """

    def __init__(self, place: str | Path) -> None:
        url = _url(place)
        self.name = safe_url(url)
        self.is_sqlite = url.get_backend_name() == "sqlite"
        options: dict[str, Any] = {"connect_args": {"timeout": _BUSY_S}} if self.is_sqlite else {}
        if not self.is_sqlite:
            options = {
                "pool_pre_ping": True,
                "isolation_level": "READ COMMITTED",
                "connect_args": {"connect_timeout": 10, "options": "-c synchronous_commit=on"},
            }
        try:
            self.engine: Engine = create_engine(url, hide_parameters=True, **options)
        except (ArgumentError, ImportError) as error:
            raise ConfigurationError(f"{self.name}: {error}", value=self.name) from None
        self._turn = threading.Lock()
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run one write transaction; it is on disk when this returns.

        Parameters
        ----------
        work : callable
            Takes the connection. It is run again if others were in its way, so it must have no effect
            outside of the transaction.

        Returns
        -------
        object
            What `work` returned.

        Raises
        ------
        StoreError
            If the database cannot be written.
        """
        return self._run(work, is_writing=True)

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run one read transaction.

        Parameters
        ----------
        work : callable
            Takes the connection.

        Returns
        -------
        object
            What `work` returned.

        Raises
        ------
        StoreError
            If the database cannot be read.
        """
        return self._run(work, is_writing=False)

    def _run(self, work: Callable[[Connection], T], *, is_writing: bool) -> T:
        for attempt in range(_ATTEMPTS):
            # Threads of one process take turns; waiting for the file's own lock is by polling.
            turn = self._turn if is_writing and self.is_sqlite else nullcontext()
            try:
                with turn, self.engine.connect() as connection:
                    connection = connection.execution_options(is_writing=is_writing)
                    with connection.begin():
                        return work(connection)
            except DBAPIError as error:
                if not _is_worth_another_try(error) or attempt == _ATTEMPTS - 1:
                    raise self._error(error) from None
            except SQLAlchemyError as error:
                raise self._error(error) from None
            time.sleep(random.uniform(0.5, 1.0) * min(0.02 * 2**attempt, 1.0))  # noqa: S311
        raise AssertionError("the last attempt returns or raises")

    def _error(self, error: SQLAlchemyError) -> StoreError:
        cause = getattr(error, "orig", None) or error
        first_line = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
        return StoreError(f"{self.name}: {_without_passwords(first_line)}", value=self.name)


def safe_url(url: URL) -> str:
    """Return a database's address without its password.

    Parameters
    ----------
    url : URL
        The address.

    Returns
    -------
    str
        For a message or a log.
    """
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    # A password may also stand in the query.
    return url.set(query={}).render_as_string(hide_password=True)


def _url(place: str | Path) -> URL:
    text = str(place)
    if not text.startswith(("postgresql:", "postgresql+psycopg:", "postgres:")):
        kind, is_address, _ = text.partition("://")
        if is_address:
            raise ConfigurationError(f"no kind of database: {kind!r}; there are SQLite files, postgresql://")
        return URL.create("sqlite", database=text)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ConfigurationError("not the URL of a PostgreSQL database", value=None) from None
    return url.set(drivername="postgresql+psycopg")


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    # The driver must not begin transactions by itself: the kind of BEGIN is chosen below.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_S * 1000}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: Connection) -> None:
    is_writing = connection.get_execution_options().get("is_writing", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


def _is_worth_another_try(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    cause = error.orig
    if isinstance(cause, sqlite3.OperationalError):
        return cause.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return getattr(cause, "sqlstate", None) in _IN_THE_WAY


def _without_passwords(text: str) -> str:
    text = re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:***@", text)
    return re.sub(r"(password=)\S+", r"\1***", text)

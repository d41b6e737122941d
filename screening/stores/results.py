"""Results of screening in one SQLite file: scans, flags, decisions, and the messages they owe.

Every write is one transaction that holds the state and the messages about it, synchronous FULL: what
was acknowledged survives a kill and a power cut, and a message is owed if and only if its state is
there. Rows are keyed by the hash of their content, so that writing a thing twice changes nothing.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from screening.errors import IntegrityError, StoreError
from screening.records import ClearanceDecision, RiskFlag, Scan, utc_string

from .rows import (
    TABLES,
    Message,
    Owed,
    StoredScan,
    decoded,
    insert_decision,
    insert_flag,
    insert_message,
    insert_scan,
)

__all__ = ["SCHEMA_VERSION", "ResultStore"]

#: Version of the tables, the first. A store of a newer version is refused, never guessed at.
SCHEMA_VERSION = 1

_APPLICATION_ID = 0x53435253  # "SCRS": tells a result store from any other SQLite file
_BUSY_MS = 10_000


class ResultStore:
    """Results in one SQLite file.

    One store object serves all threads of a process; each process opens its own.

    Parameters
    ----------
    path : Path
        The file; made if it does not exist.
    read_only : bool
        Open an existing store without writing to it.

    Raises
    ------
    StoreError
        If the file cannot be opened, is no result store, or is of a newer version.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = Path(path)
        self._pid = os.getpid()
        self._lock = threading.RLock()
        with self._wrapped():
            self._connection = self._connect(read_only=read_only)
        try:
            with self._wrapped():
                self._prepare(read_only=read_only)
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> ResultStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def record(
        self,
        *,
        scan: Scan | StoredScan | None = None,
        flags: Sequence[RiskFlag] = (),
        decision: ClearanceDecision | None = None,
        messages: Sequence[Message] = (),
    ) -> int:
        """Write results and the messages about them, all or nothing.

        When it returns they are on disk.

        Parameters
        ----------
        scan : Scan or StoredScan or None
            The scan; its data stay in the archive.
        flags : sequence of RiskFlag
            Flags, of this scan or of scans recorded before.
        decision : ClearanceDecision or None
            A sealed decision.
        messages : sequence of Message
            What receivers are owed.

        Returns
        -------
        int
            How many rows are new; what was there already is not written again.

        Raises
        ------
        StoreError
            If it cannot be written; nothing is, then.
        IntegrityError
            If another scan is recorded under the same scan_id, or the decision is not sealed.
        """
        if decision is not None and decision.signature is None:
            raise IntegrityError("a decision is stored sealed or not at all", value=decision.decision_id)
        with self._transaction() as connection:
            n_before = connection.total_changes
            if scan is not None:
                insert_scan(connection, scan)
            for flag in flags:
                insert_flag(connection, flag)
            if decision is not None:
                insert_decision(connection, decision)
            for message in messages:
                insert_message(connection, message)
            return connection.total_changes - n_before

    def scans(self, *, container_id: str | None = None, limit: int | None = None) -> list[StoredScan]:
        """Return scans, latest recorded first.

        Parameters
        ----------
        container_id : str or None
            Of this container; None for all.
        limit : int or None
            At most so many.

        Returns
        -------
        list of StoredScan
            The scans.
        """
        where, values = ("", ()) if container_id is None else ("WHERE container_id = ?", (container_id,))
        rows = self._rows(
            f"SELECT body FROM scans {where} ORDER BY id DESC LIMIT ?",  # noqa: S608 - fixed text
            (*values, -1 if limit is None else limit),
        )
        return [decoded(row[0], StoredScan) for row in rows]

    def scan(self, scan_id: str) -> StoredScan | None:
        """Return one scan.

        Parameters
        ----------
        scan_id : str
            Its identifier.

        Returns
        -------
        StoredScan or None
            None if it is not there.
        """
        rows = self._rows("SELECT body FROM scans WHERE scan_id = ?", (scan_id,))
        return decoded(rows[0][0], StoredScan) if rows else None

    def flags_of_scan(self, scan_id: str) -> list[RiskFlag]:
        """Return the flags of one scan, in the order they were first recorded.

        Parameters
        ----------
        scan_id : str
            The scan.

        Returns
        -------
        list of RiskFlag
            Each flag once, in its latest form: sealed if it was ever recorded sealed.
        """
        return self._flags("scan_id", scan_id)

    def flags_of_container(self, container_id: str) -> list[RiskFlag]:
        """Return the flags of one container, in the order they were first recorded.

        Parameters
        ----------
        container_id : str
            ISO 6346 number, compact.

        Returns
        -------
        list of RiskFlag
            Each flag once, in its latest form: sealed if it was ever recorded sealed.
        """
        return self._flags("container_id", container_id)

    def decisions(self, container_id: str | None = None) -> list[ClearanceDecision]:
        """Return decisions in the order they were recorded.

        Parameters
        ----------
        container_id : str or None
            Of this container; None for all.

        Returns
        -------
        list of ClearanceDecision
            Sealed.
        """
        where, values = ("", ()) if container_id is None else ("WHERE container_id = ?", (container_id,))
        rows = self._rows(f"SELECT body FROM decisions {where} ORDER BY id", values)  # noqa: S608 - fixed text
        return [decoded(row[0], ClearanceDecision) for row in rows]

    def latest_decision(self, container_id: str) -> ClearanceDecision | None:
        """Return the decision recorded last for a container.

        Parameters
        ----------
        container_id : str
            ISO 6346 number, compact.

        Returns
        -------
        ClearanceDecision or None
            None if there was none.
        """
        rows = self._rows(
            "SELECT body FROM decisions WHERE container_id = ? ORDER BY id DESC LIMIT 1", (container_id,)
        )
        return decoded(rows[0][0], ClearanceDecision) if rows else None

    def latest_recorded_decision(self) -> ClearanceDecision | None:
        """Return the decision recorded last, of whatever container.

        Returns
        -------
        ClearanceDecision or None
            None if there was none.
        """
        rows = self._rows("SELECT body FROM decisions ORDER BY id DESC LIMIT 1", ())
        return decoded(rows[0][0], ClearanceDecision) if rows else None

    def pending(self, limit: int = 100) -> list[Owed]:
        """Return messages that were not relayed yet, oldest first.

        Parameters
        ----------
        limit : int
            At most so many.

        Returns
        -------
        list of Owed
            The messages.
        """
        rows = self._rows(
            "SELECT id, sha256, kind, body FROM outbox WHERE relayed_at IS NULL ORDER BY id LIMIT ?", (limit,)
        )
        return [
            Owed(id=number, key=key, message=Message(kind=kind, body=body))
            for number, key, kind, body in rows
        ]

    def mark_relayed(self, ids: Iterable[int], *, at: datetime | None = None) -> None:
        """Note that receivers have confirmed messages.

        Parameters
        ----------
        ids : iterable of int
            Their places in the outbox.
        at : datetime or None
            When, aware; None for now.

        Raises
        ------
        StoreError
            If it cannot be written: they will be relayed again.
        """
        when = utc_string(at or datetime.now(UTC))
        with self._transaction() as connection:
            connection.executemany(
                "UPDATE outbox SET relayed_at = ? WHERE id = ? AND relayed_at IS NULL",
                [(when, number) for number in ids],
            )

    def counts(self) -> dict[str, int]:
        """Return how many rows each table holds, and how many messages are pending.

        Returns
        -------
        dict of str to int
            Keys "scans", "flags", "decisions", "outbox" and "pending".
        """
        tables = ("scans", "flags", "decisions", "outbox")
        queries = [f"(SELECT count(*) FROM {name})" for name in tables]  # noqa: S608 - fixed names
        queries.append("(SELECT count(*) FROM outbox WHERE relayed_at IS NULL)")
        (row,) = self._rows(f"SELECT {', '.join(queries)}", ())
        return dict(zip((*tables, "pending"), row, strict=True))

    def _connect(self, *, read_only: bool) -> sqlite3.Connection:
        uri = self.path.absolute().as_uri() + ("?mode=ro" if read_only else "")
        return sqlite3.connect(
            uri, uri=True, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False
        )

    def _prepare(self, *, read_only: bool) -> None:
        connection = self._connection
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        if not read_only:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise StoreError(f"{self.path.name}: no write-ahead log on this file system", value=mode)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        self._check_version(read_only=read_only)

    def _check_version(self, *, read_only: bool) -> None:
        if not read_only:
            # Under the write lock, so that of two processes that make one store only one does it.
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            application = self._connection.execute("PRAGMA application_id").fetchone()[0]
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            is_empty = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
            if is_empty and not read_only:
                for statement in TABLES.split(";"):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            elif application != _APPLICATION_ID:
                raise StoreError(f"{self.path.name} is not a result store", value=application)
            elif version > SCHEMA_VERSION:
                raise StoreError(
                    f"{self.path.name} is of version {version}, newer than {SCHEMA_VERSION}", value=version
                )
            if not read_only:
                self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _flags(self, column: Literal["scan_id", "container_id"], value: str) -> list[RiskFlag]:
        query = f"SELECT body FROM flags WHERE {column} = ? ORDER BY id"  # noqa: S608 - fixed names
        found: dict[str, RiskFlag] = {}
        for (body,) in self._rows(query, (value,)):
            flag = decoded(body, RiskFlag)
            known = found.get(flag.flag_id)
            if known is None or known.signature is None or flag.signature is not None:
                found[flag.flag_id] = flag
        return list(found.values())

    def _rows(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._lock, self._wrapped():
            self._check_process()
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._wrapped():
            self._check_process()
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            raise StoreError("a store does not survive a fork: open it in the child", value=self._pid)

    @contextmanager
    def _wrapped(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"{self.path.name}: {error}", value=str(self.path)) from error

"""The work ledger: which jobs of a batch are done, on disk before anyone is told so.

A killed worker breaks a process pool, and a killed run loses every future. The ledger is what makes
both harmless: every change of state is one SQLite transaction (WAL, synchronous FULL), so a run that
was interrupted at any point continues with the jobs that have no result yet.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple

from screening.errors import ConfigurationError, StoreError

__all__ = ["Cause", "Counts", "Failure", "Job", "Ledger", "Result"]

Cause = Literal["EXCEPTION", "DIED", "DEADLINE"]

LEDGER_VERSION = "1"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS jobs (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    arguments TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'running', 'done', 'failed')),
    attempts INTEGER NOT NULL DEFAULT 0,
    result BLOB,
    cause TEXT,
    error TEXT,
    elapsed_s REAL NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, attempts, key);
"""


class Job(NamedTuple):
    """One unit of work.

    Attributes
    ----------
    key : str
        Its name, unique in the batch; results come out in the order of the keys.
    arguments : dict of str to JSON value
        Keyword arguments of the worker function.
    fingerprint : str
        State of what it works on (a size and a time, a hash). A job that is added again with
        another fingerprint is done again.
    """

    key: str
    arguments: dict[str, Any]
    fingerprint: str = ""


class Result(NamedTuple):
    """A finished job: its key, what the worker function returned, and how long it took."""

    key: str
    value: bytes
    elapsed_s: float


class Failure(NamedTuple):
    """A job without a result.

    Attributes
    ----------
    key : str
        The job.
    cause : {"EXCEPTION", "DIED", "DEADLINE"}
        The function raised; its process died; it was stopped at the deadline.
    error : str
        One line for a person.
    attempts : int
        How often it was tried.
    """

    key: str
    cause: Cause
    error: str
    attempts: int


class Counts(NamedTuple):
    """How many jobs are in each state."""

    pending: int
    running: int
    done: int
    failed: int

    @property
    def total(self) -> int:
        """All jobs."""
        return sum(self)


class Ledger:
    """The state of one batch in one SQLite file. One process at a time.

    Parameters
    ----------
    path : path-like
        The file; made if it does not exist.
    identity : mapping of str to str, optional
        What the batch is about (configuration hash, version). A ledger begun with another identity
        is refused: half of the results would answer another question.

    Raises
    ------
    StoreError
        If the file cannot be used, is not a ledger, or another process holds it.
    ConfigurationError
        If it was begun with another identity.
    """

    def __init__(self, path: str | Path, identity: Mapping[str, str] | None = None) -> None:
        self.path = Path(path)
        self._lock = self._acquire_lock()
        try:
            self._db = sqlite3.connect(self.path, isolation_level=None)
        except sqlite3.Error as error:
            self._lock.close()
            raise StoreError(f"{self.path.name}: cannot be opened: {error}", value=str(path)) from None
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)
            self._check_identity({"ledger_version": LEDGER_VERSION, **(identity or {})})
        except sqlite3.Error as error:
            self.close()
            raise StoreError(
                f"{self.path.name}: not usable as a work ledger: {error}", value=str(path)
            ) from None
        except ConfigurationError:
            self.close()
            raise

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and let other processes have it."""
        self._db.close()
        self._lock.close()

    def add(self, jobs: Iterable[Job]) -> int:
        """Add jobs; known ones stay as they are unless their fingerprint or arguments changed.

        Parameters
        ----------
        jobs : iterable of Job
            The jobs.

        Returns
        -------
        int
            How many are new or have to be done again.
        """
        n_added = 0
        with self._transaction() as db:
            for job in jobs:
                arguments = json.dumps(job.arguments, sort_keys=True)
                cursor = db.execute(
                    "INSERT INTO jobs (key, fingerprint, arguments) VALUES (?, ?, ?) "
                    "ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, "
                    "arguments = excluded.arguments, state = 'pending', attempts = 0, result = NULL, "
                    "cause = NULL, error = NULL, elapsed_s = 0 "
                    "WHERE fingerprint IS NOT excluded.fingerprint OR arguments IS NOT excluded.arguments",
                    (job.key, job.fingerprint, arguments),
                )
                n_added += cursor.rowcount
        return n_added

    def keep_only(self, keys: Iterable[str]) -> int:
        """Forget every job that is not named: its input no longer exists.

        Parameters
        ----------
        keys : iterable of str
            The jobs to keep.

        Returns
        -------
        int
            How many were forgotten.
        """
        kept = set(keys)
        with self._transaction() as db:
            gone = [key for (key,) in db.execute("SELECT key FROM jobs") if key not in kept]
            db.executemany("DELETE FROM jobs WHERE key = ?", [(key,) for key in gone])
        return len(gone)

    def recover(self, *, max_attempts: int, retry_failed: bool = False) -> int:
        """Return the jobs that a dead run left behind to the queue.

        A job that was running when its whole run died keeps its count of attempts: one that takes
        the machine down each time is given up like one that kills its worker.

        Parameters
        ----------
        max_attempts : int
            Attempts after which a job is given up.
        retry_failed : bool
            Also try the failed jobs again from the start.

        Returns
        -------
        int
            How many jobs are pending now.
        """
        with self._transaction() as db:
            db.execute(
                "UPDATE jobs SET state = 'failed', cause = 'DIED', "
                "error = 'the run died with this job ' || attempts || ' times' "
                "WHERE state = 'running' AND attempts >= ?",
                (max_attempts,),
            )
            db.execute("UPDATE jobs SET state = 'pending' WHERE state = 'running'")
            if retry_failed:
                db.execute(
                    "UPDATE jobs SET state = 'pending', attempts = 0, cause = NULL, error = NULL "
                    "WHERE state = 'failed'"
                )
        return self.counts().pending

    def take(self) -> Job | None:
        """Mark the next pending job as running and return it.

        Jobs that were tried least come first, so one that kills its worker does not hold up the rest.

        Returns
        -------
        Job or None
            None when nothing is pending.
        """
        with self._transaction() as db:
            row = db.execute(
                "SELECT key, arguments, fingerprint FROM jobs WHERE state = 'pending' "
                "ORDER BY attempts, key LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            db.execute("UPDATE jobs SET state = 'running', attempts = attempts + 1 WHERE key = ?", (row[0],))
        return Job(row[0], json.loads(row[1]), row[2])

    def finish(self, key: str, result: bytes, elapsed_s: float) -> None:
        """Record a result. When this returns it is on disk.

        Parameters
        ----------
        key : str
            The job.
        result : bytes
            What the worker function returned.
        elapsed_s : float
            How long it took, seconds.
        """
        with self._transaction() as db:
            db.execute(
                "UPDATE jobs SET state = 'done', result = ?, elapsed_s = ?, cause = NULL, error = NULL "
                "WHERE key = ?",
                (result, elapsed_s, key),
            )

    def fail(self, key: str, cause: Cause, error: str, *, max_attempts: int) -> bool:
        """Record that an attempt brought no result.

        Parameters
        ----------
        key : str
            The job.
        cause : {"EXCEPTION", "DIED", "DEADLINE"}
            What happened.
        error : str
            One line for a person.
        max_attempts : int
            Attempts after which the job is given up; 1 gives it up at once.

        Returns
        -------
        bool
            True if the job was given up, False if it is pending again.
        """
        with self._transaction() as db:
            (attempts,) = db.execute("SELECT attempts FROM jobs WHERE key = ?", (key,)).fetchone()
            is_given_up = bool(attempts >= max_attempts)
            db.execute(
                "UPDATE jobs SET state = ?, cause = ?, error = ? WHERE key = ?",
                ("failed" if is_given_up else "pending", cause, error, key),
            )
        return is_given_up

    def counts(self) -> Counts:
        """Return how many jobs are in each state.

        Returns
        -------
        Counts
            The numbers.
        """
        found = dict(self._db.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())
        return Counts(*(found.get(state, 0) for state in Counts._fields))

    def results(self) -> Iterator[Result]:
        """Yield the finished jobs in the order of their keys.

        Yields
        ------
        Result
            One finished job.
        """
        for row in self._db.execute(
            "SELECT key, result, elapsed_s FROM jobs WHERE state = 'done' ORDER BY key"
        ):
            yield Result(*row)

    def failures(self) -> Iterator[Failure]:
        """Yield the jobs that were given up in the order of their keys.

        Yields
        ------
        Failure
            One job without a result.
        """
        for row in self._db.execute(
            "SELECT key, cause, error, attempts FROM jobs WHERE state = 'failed' ORDER BY key"
        ):
            yield Failure(*row)

    def _acquire_lock(self) -> sqlite3.Connection:
        # SQLite's own file lock works alike on every platform and dies with the process that holds it;
        # it lies beside the ledger so that other programs can still read the ledger itself.
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = sqlite3.connect(
                self.path.with_name(self.path.name + ".lock"), timeout=0, isolation_level=None
            )
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{self.path}: cannot be made: {error}", value=str(self.path)) from None
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            lock.close()
            raise StoreError(
                f"{self.path}: another run is working on it ({error})", value=str(self.path)
            ) from None
        return lock

    def _check_identity(self, identity: Mapping[str, str]) -> None:
        known = dict(self._db.execute("SELECT name, value FROM meta").fetchall())
        if not known:
            with self._transaction() as db:
                db.executemany("INSERT INTO meta VALUES (?, ?)", sorted(identity.items()))
            return
        changed = sorted(name for name in {*known, *identity} if known.get(name) != identity.get(name))
        if changed:
            raise ConfigurationError(
                f"{self.path.name} was begun with another {', '.join(changed)}: finish it with the old one, "
                "or start in a new folder",
                value={name: known.get(name) for name in changed},
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

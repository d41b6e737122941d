"""What is done on the disk that fails, and what must be true of it afterwards."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar, Protocol, TypeVar

from evidence import NOW, OPS, loose_decision

from screening.clearance.ledger import heads, read_heads, write_head
from screening.errors import ScreeningError
from screening.records import TreeHead, canonical_bytes, utc_string
from screening.stores import Message, ResultStore

__all__ = ["WORKLOADS", "Tell", "Workload", "corrupt", "insist", "repeated"]

T = TypeVar("T")
Tell = Callable[[str], None]

#: How often what failed is tried again; a full disk has room again by then.
N_TRY = 60


class Workload(Protocol):
    """Something to do, and how to look at what is left of it."""

    def run(self, folder: Path, did: Tell, failed: Tell) -> None:
        """Do it; tell each thing as it is acknowledged, and each error that a caller was told."""

    def look(self, folder: Path, did: tuple[str, ...]) -> Iterator[str]:
        """After a restart, name everything that is wrong."""


def insist(do: Callable[[], T], failed: Tell, *errors: type[Exception]) -> T:
    """Try until it works; whatever is not one of the errors meant for callers is a defect, and goes up."""
    for _ in range(N_TRY):
        try:
            return do()
        except (ScreeningError, *errors) as error:
            failed(f"{type(error).__name__}: {error}")
    raise AssertionError(f"still failing after {N_TRY} times")


def repeated(names: list[str]) -> list[str]:
    return [name for name, n in Counter(names).items() if n > 1]


def corrupt(path: Path) -> Iterator[str]:
    with closing(sqlite3.connect(path)) as connection:
        answer = connection.execute("PRAGMA integrity_check").fetchall()
    if answer != [("ok",)]:
        yield f"{path.name} is corrupt: {answer[:3]}"


class BareSqlite:
    """Rows in SQLite by itself: what the shim does to a database that waits for the disk."""

    synchronous: ClassVar[str] = "FULL"

    def _open(self, folder: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self.synchronous}")
            connection.execute("CREATE TABLE IF NOT EXISTS rows (name TEXT PRIMARY KEY, body BLOB)")
        except BaseException:
            connection.close()
            raise
        return connection

    def run(self, folder: Path, did: Tell, failed: Tell) -> None:
        with closing(insist(lambda: self._open(folder), failed, sqlite3.Error)) as connection:
            for i in range(12):
                row = (f"row-{i}", bytes(3000))
                insist(
                    lambda row=row: connection.execute("INSERT OR IGNORE INTO rows VALUES (?, ?)", row),
                    failed,
                    sqlite3.Error,
                )
                did(row[0])
                if i % 5 == 4:
                    insist(
                        lambda: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)"), failed, sqlite3.Error
                    )

    def look(self, folder: Path, did: tuple[str, ...]) -> Iterator[str]:
        with closing(self._open(folder)) as connection:
            there = {name for (name,) in connection.execute("SELECT name FROM rows")}
        yield from (f"lost {name}" for name in did if name not in there)
        yield from corrupt(folder / "bare.sqlite")


class CarelessSqlite(BareSqlite):
    """The same, without waiting for the disk."""

    synchronous = "OFF"


class Results:
    """The result store: decisions, what is owed about them, and what was relayed."""

    def run(self, folder: Path, did: Tell, failed: Tell) -> None:
        with insist(lambda: ResultStore(folder / "results.sqlite"), failed) as store:
            for i in range(8):
                decision = loose_decision(i)
                message = Message(kind="clearance/1", body=canonical_bytes(decision))
                insist(
                    lambda decision=decision, message=message: store.record(
                        decision=decision, messages=[message]
                    ),
                    failed,
                )
                did(f"decision {decision.decision_id}")
                if i % 3 == 2:
                    owed = store.pending(2)
                    insist(lambda owed=owed: store.mark_relayed([one.id for one in owed]), failed)
                    for one in owed:
                        did(f"relayed {one.key}")

    def look(self, folder: Path, did: tuple[str, ...]) -> Iterator[str]:
        with ResultStore(folder / "results.sqlite") as store:
            there = [decision.decision_id for decision in store.decisions()]
            pending = [one.key for one in store.pending(1000)]
            counts = store.counts()
            store.record(decision=loose_decision(100))
        yield from (f"twice {name}" for name in (*repeated(there), *repeated(pending)))
        if counts["outbox"] != counts["decisions"]:
            yield f"{counts['decisions']} decisions and {counts['outbox']} messages about them"
        for line in did:
            what, name = line.split()
            if what == "decision" and name not in there:
                yield f"lost {line}"
            if what == "relayed" and name in pending:
                yield f"owed again {line}"
        yield from corrupt(folder / "results.sqlite")


class Heads:
    """Heads exported one after the other; those the folder held before are gone over again."""

    def run(self, folder: Path, did: Tell, failed: Tell) -> None:
        for size in range(6):
            head = OPS.seal(TreeHead(ledger_id="port-1", size=size, root="a" * 64, at=str(utc_string(NOW))))
            insist(lambda head=head: write_head(folder / "heads", head), failed)
            did(f"head {size}")

    def look(self, folder: Path, did: tuple[str, ...]) -> Iterator[str]:
        known = read_heads(folder / "heads") if (folder / "heads").exists() else ()
        there = {f"head {head.size}" for head in known}
        yield from (f"lost {name}" for name in did if name not in there)


class CarelessHeads(Heads):
    """The same, without waiting for the folder's entries to reach the disk."""

    def run(self, folder: Path, did: Tell, failed: Tell) -> None:
        heads._sync_folder = lambda folder: None
        super().run(folder, did, failed)


def _clearance(*, is_careless: bool = False) -> Workload:
    from desk_workload import CarelessClearance, Clearance  # the others do without its database library

    return CarelessClearance() if is_careless else Clearance()


WORKLOADS: dict[str, Callable[[], Workload]] = {
    "bare": BareSqlite,
    "careless": CarelessSqlite,
    "results": Results,
    "desk": _clearance,
    "careless-desk": lambda: _clearance(is_careless=True),
    "heads": Heads,
    "careless-heads": CarelessHeads,
}

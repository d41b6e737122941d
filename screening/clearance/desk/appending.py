"""The ledger inside the desk's transactions: appended at their end, under one lock, and read back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection, bindparam, func, insert, select, update

from screening.clearance.ledger import Frontier, LedgerEntry, LedgerError, leaf_hash

from .database import Database
from .dialects import write_rows
from .tables import entries, ledger, nodes, records

__all__ = ["Appender", "DeskLedger"]

_PAGE = 256
_LOCK = select(ledger.c.size, ledger.c.frontier).with_for_update()
_ADD_ENTRIES, _ADD_NODES = insert(entries), insert(nodes)
_SET_END = update(ledger).values(size=bindparam("new_size"), frontier=bindparam("new_frontier"))


class Appender:
    """The end of the ledger, locked until the transaction ends.

    Whoever holds it appends alone: it is taken last of all locks, and held for as short as possible.

    Parameters
    ----------
    connection : Connection
        In a write transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        row = connection.execute(_LOCK).one()
        self._frontier = Frontier(row.size, _hashes(row.frontier))
        self._entries: list[dict[str, object]] = []
        self._nodes: list[dict[str, object]] = []

    @property
    def next_index(self) -> int:
        """Index that the next record will have.

        Returns
        -------
        int
            The number of entries so far.
        """
        return self._frontier.size

    def append(self, kind: str, sha256: str, body: bytes) -> int:
        """Append one record.

        Parameters
        ----------
        kind : str
            Its schema name.
        sha256 : str
            Hash of its bytes.
        body : bytes
            Its sealed canonical bytes.

        Returns
        -------
        int
            Its index.
        """
        index, leaf = self._frontier.size, leaf_hash(body)
        self._frontier, made = self._frontier.append(leaf)
        self._entries.append({"log_index": index, "kind": kind, "sha256": sha256, "leaf": leaf})
        self._nodes += [
            {"level": level, "node_index": at, "hash": value} for level, at, value in made if level > 0
        ]
        return index

    def flush(self) -> None:
        """Write what was appended."""
        write_rows(self._connection, _ADD_ENTRIES, self._entries)
        write_rows(self._connection, _ADD_NODES, self._nodes)
        if self._entries:
            end = {"new_size": self._frontier.size, "new_frontier": b"".join(self._frontier.hashes)}
            self._connection.execute(_SET_END, end)
        self._entries, self._nodes = [], []


class DeskLedger:
    """The desk's ledger, to read.

    Parameters
    ----------
    database : Database
        Where it lies.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def size(self) -> int:
        """Return the number of entries.

        Returns
        -------
        int
            As the ledger states it.
        """
        return self._database.read(
            lambda connection: int(connection.execute(select(ledger.c.size)).scalar_one())
        )

    def entries(self, start: int, stop: int) -> Iterable[LedgerEntry]:
        """Return entries in order, with the bodies as they lie in the database.

        Parameters
        ----------
        start, stop : int
            Half-open range of indices.

        Returns
        -------
        iterable of LedgerEntry
            What is missing is left out.
        """
        return self._entries(start, stop)

    def _entries(self, start: int, stop: int) -> Iterator[LedgerEntry]:
        while start < stop:
            yield from self.page(start, min(stop, start + _PAGE))
            start += _PAGE

    def page(self, start: int, stop: int, kinds: Sequence[str] | None = None) -> list[LedgerEntry]:
        """Return a range of entries at once.

        Parameters
        ----------
        start, stop : int
            Half-open range of indices.
        kinds : sequence of str or None
            Kinds wanted; None for all.

        Returns
        -------
        list of LedgerEntry
            In order.
        """
        query = (
            select(entries.c.log_index, entries.c.kind, entries.c.sha256, records.c.body)
            .join(records, records.c.sha256 == entries.c.sha256)
            .where(entries.c.log_index >= start, entries.c.log_index < stop)
            .order_by(entries.c.log_index)
        )
        if kinds is not None:
            query = query.where(entries.c.kind.in_(kinds))
        rows = self._database.read(lambda connection: connection.execute(query).all())
        return [LedgerEntry(row.log_index, row.kind, row.sha256, bytes(row.body)) for row in rows]

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree.

        Parameters
        ----------
        level : int
            0 for leaves.
        index : int
            Which subtree of that level.

        Returns
        -------
        bytes
            32 bytes.

        Raises
        ------
        LookupError
            If it is not stored.
        """
        if level == 0:
            query = select(entries.c.leaf).where(entries.c.log_index == index)
        else:
            query = select(nodes.c.hash).where(nodes.c.level == level, nodes.c.node_index == index)
        found = self._database.read(lambda connection: connection.execute(query).scalar())
        if found is None:
            raise LookupError(f"the ledger lacks node {index} of level {level}")
        return bytes(found)

    def frontier(self) -> Frontier:
        """Return the frontier as stored.

        Returns
        -------
        Frontier
            Its size and hashes.
        """
        row = self._database.read(
            lambda connection: connection.execute(select(ledger.c.size, ledger.c.frontier)).one()
        )
        return Frontier(row.size, _hashes(row.frontier))

    def check(self) -> None:
        """Check that entries, nodes and the stored frontier fit together, without reading every body.

        Raises
        ------
        LedgerError
            EDITED, if they do not: the database was not only appended to.
        """
        frontier = self.frontier()
        counted, last = self._database.read(
            lambda connection: connection.execute(select(func.count(), func.max(entries.c.log_index))).one()
        )
        if (
            counted != frontier.size
            or (last is None) != (frontier.size == 0)
            or (last or 0) + 1 != max(counted, 1)
        ):
            text = f"the ledger states {frontier.size} entries and holds {counted}"
            raise LedgerError(text, "EDITED", index=frontier.size)
        try:
            stored = Frontier.of(frontier.size, self.node)
        except LookupError as error:
            raise LedgerError(str(error), "EDITED", index=frontier.size) from None
        if stored != frontier:
            text = "the ledger's frontier is not that of its nodes"
            raise LedgerError(text, "EDITED", index=frontier.size)


def _hashes(data: bytes) -> tuple[bytes, ...]:
    return tuple(data[i : i + 32] for i in range(0, len(data), 32))

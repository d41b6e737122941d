"""What sinks are owed: claimed under a lease, delivered at least once, in the order of each container."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, and_, exists, func, select, update

from screening.errors import StoreError

from .clock import text_of_ms, to_ms
from .database import Database
from .tables import outbox, records
from .views import OutboxMessage, Troubled

__all__ = ["Outbox"]

_PENDING, _DELIVERED, _DEAD = "PENDING", "DELIVERED", "DEAD"


class Outbox:
    """The messages that a desk owes.

    A message is here if and only if its record is in the ledger: both come in one transaction.

    Parameters
    ----------
    database : Database
        Where it lies.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self, sink: str, *, now: datetime | None = None, limit: int = 100, lease_s: float = 60.0
    ) -> list[OutboxMessage]:
        """Take messages to deliver; nobody else gets them until the lease ends.

        Of each container only the oldest message that is still owed is given, so that a receiver gets
        them in order. A message that is dead waits for nobody.

        Parameters
        ----------
        sink : str
            Whose messages.
        now : datetime or None
            Time, aware; None for this moment.
        limit : int
            At most so many.
        lease_s : float
            How long they are the caller's.

        Returns
        -------
        list of OutboxMessage
            Oldest first.
        """
        at = now or datetime.now(UTC)
        now_ms, until = to_ms(at), to_ms(at + timedelta(seconds=lease_s))

        def _claim(connection: Connection) -> list[OutboxMessage]:
            older = outbox.alias("older")
            query = (
                select(outbox.c.id)
                .where(
                    outbox.c.sink == sink,
                    outbox.c.state == _PENDING,
                    outbox.c.retry_at <= now_ms,
                    outbox.c.leased_until <= now_ms,
                    ~exists().where(
                        older.c.sink == sink,
                        older.c.container_id == outbox.c.container_id,
                        older.c.state == _PENDING,
                        older.c.log_index < outbox.c.log_index,
                    ),
                )
                .order_by(outbox.c.log_index)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
            ids = list(connection.execute(query).scalars())
            if not ids:
                return []
            connection.execute(
                update(outbox)
                .where(outbox.c.id.in_(ids))
                .values(leased_until=until, attempts=outbox.c.attempts + 1)
            )
            return _messages(connection, _with_bodies().where(outbox.c.id.in_(ids)))

        return self._database.write(_claim)

    def delivered(self, ids: Iterable[int], at: datetime | None = None) -> None:
        """Note that a receiver has acknowledged messages.

        Parameters
        ----------
        ids : iterable of int
            Which.
        at : datetime or None
            When; None for this moment.
        """
        values = {"state": _DELIVERED, "done_at": to_ms(at or datetime.now(UTC)), "error": None}
        self._update(list(ids), outbox.c.state != _DELIVERED, values)

    def failed(self, id: int, error: str, retry_at: datetime) -> None:
        """Note that a delivery failed, and when to try again.

        Parameters
        ----------
        id : int
            Which message.
        error : str
            What happened, one line.
        retry_at : datetime
            Not before then.
        """
        values = {"error": error[:500], "retry_at": to_ms(retry_at), "leased_until": 0}
        self._update([id], outbox.c.state == _PENDING, values)

    def bury(self, id: int, error: str) -> None:
        """Give a message up: it stays visible, and can be replayed.

        Parameters
        ----------
        id : int
            Which message.
        error : str
            Why, one line.
        """
        values = {
            "state": _DEAD,
            "error": error[:500],
            "leased_until": 0,
            "done_at": to_ms(datetime.now(UTC)),
        }
        self._update([id], outbox.c.state == _PENDING, values)

    def dead(self, sink: str | None = None, limit: int = 1000) -> list[OutboxMessage]:
        """Return the messages that were given up.

        Parameters
        ----------
        sink : str or None
            Of one sink; None for all.
        limit : int
            At most so many.

        Returns
        -------
        list of OutboxMessage
            Oldest first.
        """
        query = _with_bodies().where(outbox.c.state == _DEAD).limit(limit)
        if sink is not None:
            query = query.where(outbox.c.sink == sink)
        return self._database.read(lambda connection: _messages(connection, query))

    def troubled(self) -> list[Troubled]:
        """Return what receivers did not take, and will be sent again.

        Returns
        -------
        list of Troubled
            One for each sink with such messages, by its name.
        """
        # One that is owed again keeps what it met, and has no attempts.
        tried = (outbox.c.state == _PENDING, outbox.c.error.is_not(None), outbox.c.attempts > 0)
        counted = (
            select(
                outbox.c.sink,
                func.count().label("n"),
                func.max(outbox.c.attempts).label("attempts"),
                func.min(outbox.c.retry_at).label("next_at"),
            )
            .where(*tried)
            .group_by(outbox.c.sink)
            .order_by(outbox.c.sink)
        )
        found = []
        for row in self._database.read(lambda connection: connection.execute(counted).all()):
            said = select(outbox.c.error).where(
                *tried, outbox.c.sink == row.sink, outbox.c.retry_at == row.next_at
            )
            error = self._database.read(partial(_first_of, said))
            if error is not None:  # delivered meanwhile
                found.append(Troubled(row.sink, row.n, row.attempts, error, str(text_of_ms(row.next_at))))
        return found

    def replay(self, ids: Iterable[int], *, force: bool = False) -> int:
        """Owe dead messages again.

        A decision that a later one of the same container has replaced is not sent after it: a receiver
        that keeps the latest it was told would take the older one for the newer.

        Parameters
        ----------
        ids : iterable of int
            Which.
        force : bool
            Also those that were replaced.

        Returns
        -------
        int
            How many are owed again.

        Raises
        ------
        StoreError
            If one of them was replaced and `force` is not set; nothing is changed then.
        """
        wanted = list(ids)

        def _replay(connection: Connection) -> int:
            later = outbox.alias("later")
            replaced = (
                select(outbox.c.id)
                .where(
                    outbox.c.id.in_(wanted),
                    outbox.c.state == _DEAD,
                    exists().where(
                        later.c.sink == outbox.c.sink,
                        later.c.container_id == outbox.c.container_id,
                        later.c.kind == outbox.c.kind,
                        later.c.log_index > outbox.c.log_index,
                    ),
                )
                .order_by(outbox.c.id)
            )
            found = list(connection.execute(replaced).scalars())
            if found and not force:
                raise StoreError(
                    f"message {found[0]} was replaced by a later one of its container", value=tuple(found)
                )
            done = connection.execute(
                update(outbox)
                .where(outbox.c.id.in_(wanted), outbox.c.state == _DEAD)
                .values(state=_PENDING, attempts=0, retry_at=0, leased_until=0, done_at=None)
            )
            return int(done.rowcount)

        return self._database.write(_replay)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many messages stand in which state.

        Returns
        -------
        dict
            State to count, for each sink.
        """
        query = select(outbox.c.sink, outbox.c.state, func.count()).group_by(outbox.c.sink, outbox.c.state)
        found: dict[str, dict[str, int]] = {}
        for sink, state, count in self._database.read(lambda connection: connection.execute(query).all()):
            found.setdefault(sink, {_PENDING: 0, _DELIVERED: 0, _DEAD: 0})[state] = count
        return found

    def _update(self, ids: list[int], condition: object, values: dict[str, object]) -> None:
        if ids:
            statement = update(outbox).where(and_(outbox.c.id.in_(ids), condition)).values(**values)  # type: ignore[arg-type]
            self._database.write(lambda connection: connection.execute(statement))


def _first_of(query: Select[Any], connection: Connection) -> str | None:
    return connection.execute(query.limit(1)).scalars().first()


def _with_bodies() -> Select[tuple[object, ...]]:
    return (
        select(outbox, records.c.body)
        .join(records, records.c.sha256 == outbox.c.key)
        .order_by(outbox.c.log_index)
    )


def _messages(connection: Connection, query: Select[tuple[object, ...]]) -> list[OutboxMessage]:
    return [
        OutboxMessage(
            id=row.id,
            sink=row.sink,
            key=row.key,
            container_id=row.container_id,
            kind=row.kind,
            body=bytes(row.body),
            attempts=row.attempts,
            log_index=row.log_index,
            state=row.state,
            error=row.error,
        )
        for row in connection.execute(query)
    ]

"""What a desk can be asked: cases, decisions, records, the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, Select, func, select

from screening.clearance.ledger import LedgerEntry, LedgerError, inclusion_path
from screening.records import Action, Level, sha256_hex

from .appending import DeskLedger
from .clock import text_of_ms, to_ms
from .database import Database
from .tables import cases, decisions, entries, records, rests_on
from .views import CaseView

__all__ = ["DeskReader"]


class DeskReader:
    """The questions that a desk answers.

    Parameters
    ----------
    database : Database
        Where its tables are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ledger = DeskLedger(database)

    @property
    def ledger(self) -> DeskLedger:
        """The ledger, to read.

        Returns
        -------
        DeskLedger
            A reader.
        """
        return self._ledger

    def n_due(self, *, now: datetime | None = None) -> int:
        """Return how many cases are due.

        Parameters
        ----------
        now : datetime or None
            Time, aware; None for this moment.

        Returns
        -------
        int
            The number.
        """
        query = select(func.count()).where(cases.c.due_at <= to_ms(now or datetime.now(UTC)))
        return int(self._database.read(lambda connection: connection.execute(query).scalar_one()))

    def case(self, key: str) -> CaseView | None:
        """Return how a case stands.

        Parameters
        ----------
        key : str
            Container number, or ``scan:<scan_id>``.

        Returns
        -------
        CaseView or None
            None if nothing is known of it.
        """
        query = select(cases).where(cases.c.key == key)
        row = self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else _view(row)

    def cases(
        self,
        *,
        risk: Level | str | None = None,
        action: Action | str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> list[CaseView]:
        """Return cases in the order of their keys.

        Parameters
        ----------
        risk, action : str or None
            Only those whose latest decision says so.
        after : str or None
            Only keys after this one.
        limit : int
            At most so many.

        Returns
        -------
        list of CaseView
            The cases.
        """
        query = select(cases).order_by(cases.c.key).limit(limit)
        if risk is not None:
            query = query.where(cases.c.risk == str(risk))
        if action is not None:
            query = query.where(cases.c.action == str(action))
        if after is not None:
            query = query.where(cases.c.key > after)
        return [_view(row) for row in self._database.read(lambda connection: connection.execute(query).all())]

    def decision(self, decision_id: str) -> bytes | None:
        """Return a decision of this desk.

        Parameters
        ----------
        decision_id : str
            Its identifier.

        Returns
        -------
        bytes or None
            Its sealed bytes; None if there is none.

        Raises
        ------
        LedgerError
            EDITED, if a row is not what was written.
        """
        query = (
            select(records.c.sha256, records.c.body)
            .join(decisions, decisions.c.sha256 == records.c.sha256)
            .where(decisions.c.decision_id == decision_id)
        )
        return next(iter(self._as_written(query)), None)

    def decisions_since(self, log_index: int, limit: int = 100) -> list[LedgerEntry]:
        """Return decisions from a place in the ledger on.

        Parameters
        ----------
        log_index : int
            The first index wanted.
        limit : int
            At most so many.

        Returns
        -------
        list of LedgerEntry
            In the order of the ledger.
        """
        query = (
            select(decisions.c.log_index, decisions.c.sha256, records.c.kind, records.c.body)
            .join(records, records.c.sha256 == decisions.c.sha256)
            .where(decisions.c.log_index >= log_index)
            .order_by(decisions.c.log_index)
            .limit(limit)
        )
        rows = self._database.read(lambda connection: connection.execute(query).all())
        return [LedgerEntry(row.log_index, row.kind, row.sha256, bytes(row.body)) for row in rows]

    def record(self, sha256: str) -> bytes | None:
        """Return a record.

        Parameters
        ----------
        sha256 : str
            Hash of its sealed bytes.

        Returns
        -------
        bytes or None
            The bytes; None if there is none.

        Raises
        ------
        LedgerError
            EDITED, if a row is not what was written.
        """
        query = select(records.c.sha256, records.c.body).where(records.c.sha256 == sha256)
        return next(iter(self._as_written(query)), None)

    def records_of(self, key: str) -> list[bytes]:
        """Return everything on a case, decisions included, in the order of the ledger.

        Parameters
        ----------
        key : str
            The case.

        Returns
        -------
        list of bytes
            Sealed records.

        Raises
        ------
        LedgerError
            EDITED, if a row is not what was written.
        """
        query = (
            select(records.c.sha256, records.c.body)
            .join(entries, entries.c.sha256 == records.c.sha256)
            .where(records.c.case_key == key)
            .order_by(entries.c.log_index)
        )
        return self._as_written(query)

    def index_of(self, sha256: str) -> int | None:
        """Return the place of a record in the ledger.

        Parameters
        ----------
        sha256 : str
            Hash of its sealed bytes.

        Returns
        -------
        int or None
            None if it is not there.
        """
        query = select(entries.c.log_index).where(entries.c.sha256 == sha256)
        return self._database.read(lambda connection: connection.execute(query).scalar())

    def resting_on(self, subject: str) -> list[str]:
        """Return the decisions that rest on something.

        Parameters
        ----------
        subject : str
            sha256 of a model, identifier of a calibration or of a key.

        Returns
        -------
        list of str
            Identifiers of decisions, in the order of the ledger.
        """
        query = (
            select(rests_on.c.decision_id)
            .join(decisions, decisions.c.decision_id == rests_on.c.decision_id)
            .where(rests_on.c.subject == subject)
            .order_by(decisions.c.log_index)
        )
        return list(self._database.read(lambda connection: connection.execute(query).scalars().all()))

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the proof that an entry is in the ledger.

        Parameters
        ----------
        index : int
            Which entry.
        size : int or None
            Size of the tree it is proven in; None for the present one.

        Returns
        -------
        list of bytes
            Siblings from the leaf to the root.
        """
        return inclusion_path(index, self._ledger.size() if size is None else size, self._ledger.node)

    def _as_written(self, query: Select[Any]) -> list[bytes]:
        """Return bodies that are what their keys name: nobody is handed a row that was changed."""
        found = []
        for row in self._database.read(lambda connection: connection.execute(query).all()):
            body = bytes(row.body)
            if sha256_hex(body) != row.sha256:
                raise LedgerError(f"record {row.sha256} of the database is not what was written", "EDITED")
            found.append(body)
        return found

    def stored_body(self, query: Select[Any]) -> bytes | None:
        """Return the bytes that a query finds first.

        Parameters
        ----------
        query : Select
            Of one column that holds bytes.

        Returns
        -------
        bytes or None
            None if it finds nothing.
        """
        found = self._database.read(lambda connection: connection.execute(query).scalar())
        return None if found is None else bytes(found)


def _view(row: Row[Any]) -> CaseView:
    return CaseView(
        key=row.key,
        risk=None if row.risk is None else Level(row.risk),
        action=None if row.action is None else Action(row.action),
        decision_id=row.decision_id,
        decision_sha256=row.decision_sha256,
        decided_at=text_of_ms(row.decided_at),
        expires_at=text_of_ms(row.expires_at),
        is_open=row.is_open,
        is_due=row.due_at == 0,
        deadline=text_of_ms(row.deadline),
        opened_at=str(text_of_ms(row.opened_at)),
        updated_at=str(text_of_ms(row.updated_at)),
        n_records=row.n_records,
    )

"""One site's clearance: takes sealed records, keeps cases, decides, keeps the ledger, owes messages."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any

from sqlalchemy import Row, Select, select

from screening.clearance.keys import KeyRing, Signer
from screening.clearance.ledger import LedgerEntry, check_against_heads, inclusion_path
from screening.clearance.policy import Policy
from screening.records import (
    EVIDENCE,
    Action,
    ClearanceDecision,
    Level,
    TreeHead,
    canonical_bytes,
    parse_strict,
    utc_string,
)

from .appending import DeskLedger
from .checking import check_record
from .clock import text_of_ms, to_ms
from .database import Database
from .deciding import Decider
from .dialects import insert_new
from .outbox import Outbox
from .placing import Manifest
from .schema import open_tables
from .tables import cases, decisions, entries, heads, ledger, records, rests_on
from .taking import take_checked
from .views import CaseView, DeskRules, Taken

__all__ = ["Desk"]

#: Others want to write between: a transaction decides no more cases than this.
_CASES_PER_TRANSACTION = 32


class Desk:
    """One site's clearance.

    One object serves all threads of a process. Several processes may each open one on the same
    PostgreSQL database, or on the same SQLite file.

    Parameters
    ----------
    database : Database
        Where everything lies; its tables are made or brought up to date.
    signer : Signer
        The administration's key. Its scope makes the desk one of the operation or of an exercise.
    keys : KeyRing
        The keys trusted; the signer's own always is.
    policy : Policy
        The administration's policy.
    rules : DeskRules
        What the desk is told of its site.
    heads : iterable of TreeHead
        Heads of this ledger that were exported before.

    Raises
    ------
    StoreError
        If the database cannot be opened, or is of a newer version.
    IntegrityError
        If the ledger is shorter than one of the heads, or another: such a desk signs nothing.
    """

    def __init__(
        self,
        database: Database,
        *,
        signer: Signer,
        keys: KeyRing,
        policy: Policy,
        rules: DeskRules,
        heads: Iterable[TreeHead] = (),
    ) -> None:
        known = list(keys)
        if keys.get(signer.key_id) is None:
            known.append(signer.public)
        self._keys = KeyRing(known)
        self._database, self._signer, self._rules = database, signer, rules
        self._decider = Decider(signer=signer, keys=self._keys, policy=policy, rules=rules)
        self._deciding = threading.Lock()
        self._manifest = Manifest(policy.needs_advance_data, policy.min_ocr_confidence)
        open_tables(database, ledger_id=rules.ledger_id)
        self._ledger = DeskLedger(database)
        self._ledger_id = database.read(lambda c: str(c.execute(select(ledger.c.ledger_id)).scalar_one()))
        self.outbox = Outbox(database)
        self._ledger.check()
        check_against_heads(self._ledger, [*heads, *self._own_heads()], self._keys, ledger_id=self._ledger_id)

    def __enter__(self) -> Desk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    @property
    def ledger_id(self) -> str:
        """The ledger's name in its heads.

        Returns
        -------
        str
            As its database holds it.
        """
        return self._ledger_id

    @property
    def ledger(self) -> DeskLedger:
        """The ledger, to read.

        Returns
        -------
        DeskLedger
            A reader.
        """
        return self._ledger

    def take(self, bodies: Sequence[bytes], *, received_at: datetime | None = None) -> list[Taken]:
        """Take sealed records; what is ACCEPTED or KNOWN is on disk when this returns.

        Every record is verified before the database is touched, and the good ones are written in one
        transaction. Handing a record in again changes nothing.

        Parameters
        ----------
        bodies : sequence of bytes
            Canonical sealed records, in any order.
        received_at : datetime or None
            When they came, aware; None for this moment.

        Returns
        -------
        list of Taken
            One for each body, in order.

        Raises
        ------
        StoreError
            If the database cannot be written; nothing was taken then.
        """
        at = received_at or datetime.now(UTC)
        checked = [
            check_record(body, received_at=at, keys=self._keys, rules=self._rules, scope=self._signer.scope)
            for body in bodies
        ]
        for one in checked:
            if one.record is not None and one.record.schema in EVIDENCE:
                self._decider.verified.remember(one.sha256, one.record)
        received_ms = to_ms(at)
        return self._database.write(
            lambda connection: take_checked(
                connection,
                checked,
                received_ms=received_ms,
                rules=self._rules,
                manifest=self._manifest,
            )
        )

    def decide_due(self, *, now: datetime | None = None, limit: int = 100) -> list[ClearanceDecision]:
        """Decide cases that are due; what is returned is on disk, in the ledger and in the outbox.

        Parameters
        ----------
        now : datetime or None
            Time of the decisions, aware; None for this moment.
        limit : int
            At most so many are issued.

        Returns
        -------
        list of ClearanceDecision
            The decisions issued; empty only if no case that is due calls for one. A case that is not
            complete waits for its deadline, and one that is as it was is left.

        Raises
        ------
        StoreError
            If the database cannot be written; nothing was decided then.
        """
        at = now or datetime.now(UTC)
        issued: list[ClearanceDecision] = []
        while limit > 0:
            n_cases = min(limit, _CASES_PER_TRANSACTION)
            with self._deciding:
                n_seen, made = self._database.write(partial(self._decider.decide, now=at, limit=n_cases))
            issued += made
            # Cases that wait are not counted: nothing issued means that nothing was due.
            limit -= max(len(made), n_seen if issued else 0)
            if n_seen < n_cases:
                break
        return issued

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
        query = select(cases.c.key).where(cases.c.due_at <= to_ms(now or datetime.now(UTC)))
        return len(self._database.read(lambda connection: connection.execute(query).all()))

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
        """
        query = (
            select(records.c.body)
            .join(decisions, decisions.c.sha256 == records.c.sha256)
            .where(decisions.c.decision_id == decision_id)
        )
        return self._body(query)

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
        """
        return self._body(select(records.c.body).where(records.c.sha256 == sha256))

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
        """
        query = (
            select(records.c.body)
            .join(entries, entries.c.sha256 == records.c.sha256)
            .where(records.c.case_key == key)
            .order_by(entries.c.log_index)
        )
        return [bytes(body) for body in self._database.read(lambda c: c.execute(query).scalars().all())]

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

    def head(self) -> TreeHead:
        """Return the sealed head of the ledger as it is now.

        Returns
        -------
        TreeHead
            The same one until something is appended.
        """
        frontier = self._ledger.frontier()
        query = select(heads.c.body).where(
            heads.c.size == frontier.size, heads.c.key_id == self._signer.key_id
        )
        stored = self._body(query)
        if stored is not None:
            return parse_strict(stored, TreeHead)
        made = self._signer.seal(
            TreeHead(
                ledger_id=self._ledger_id,
                size=frontier.size,
                root=frontier.root.hex(),
                at=str(utc_string(datetime.now(UTC))),
            )
        )
        row = {"size": made.size, "key_id": made.key_id, "body": canonical_bytes(made)}
        self._database.write(lambda c: c.execute(insert_new(c, heads).on_conflict_do_nothing(), row))
        return parse_strict(self._body(query) or row["body"], TreeHead)  # type: ignore[arg-type]

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

    def _own_heads(self) -> list[TreeHead]:
        query = select(heads.c.body).order_by(heads.c.size.desc()).limit(1)
        body = self._body(query)
        return [] if body is None else [parse_strict(body, TreeHead)]

    def _body(self, query: Select[Any]) -> bytes | None:
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

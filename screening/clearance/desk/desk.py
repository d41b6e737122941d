"""One site's clearance: takes sealed records, keeps cases, decides, keeps the ledger, owes messages."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from types import TracebackType

from sqlalchemy import select

from screening.clearance.keys import KeyRing, Signer
from screening.clearance.ledger import check_against_heads
from screening.clearance.policy import Policy
from screening.errors import PolicyError
from screening.records import (
    EVIDENCE,
    ClearanceDecision,
    TreeHead,
    canonical_bytes,
    parse_strict,
    utc_string,
)

from .checking import check_record
from .clock import to_ms
from .database import Database
from .deciding import Decider
from .dialects import insert_new
from .outbox import Outbox
from .placing import Manifest
from .reading import DeskReader
from .schema import open_tables
from .tables import decisions, heads, ledger, records
from .taking import take_checked
from .views import DeskRules, OpenCase, Taken

__all__ = ["Desk"]

#: Others want to write between: a transaction decides no more cases than this.
_CASES_PER_TRANSACTION = 64


class Desk(DeskReader):
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
    PolicyError
        If the database is of an exercise and the key is not, or the other way round.
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
        super().__init__(database)
        known = list(keys)
        if keys.get(signer.key_id) is None:
            known.append(signer.public)
        self._keys = KeyRing(known)
        self._signer, self._rules = signer, rules
        self._decider = Decider(signer=signer, keys=self._keys, policy=policy, rules=rules)
        self._deciding = threading.Lock()
        self._manifest = Manifest(policy.needs_advance_data, policy.min_ocr_confidence)
        open_tables(database, ledger_id=rules.ledger_id)
        self._ledger_id = database.read(lambda c: str(c.execute(select(ledger.c.ledger_id)).scalar_one()))
        self.outbox = Outbox(database)
        self._ledger.check()
        self._check_scope()
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
    def unweighed(self) -> dict[str, str]:
        """The cases that could not be weighed when this desk last looked at them, and why.

        Returns
        -------
        dict of str to str
            By the key of the case.
        """
        return dict(self._decider.unweighed)

    @property
    def has_signed(self) -> bool:
        """Whether the database keeps a head of the ledger.

        Returns
        -------
        bool
            True once somebody asked for one.
        """
        return bool(self._own_heads())

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

    def decide_due(
        self, *, now: datetime | None = None, limit: int = 100, waiting: Collection[str] = ()
    ) -> list[ClearanceDecision]:
        """Decide cases that are due; what is returned is on disk, in the ledger and in the outbox.

        Parameters
        ----------
        now : datetime or None
            Time of the decisions, aware; None for this moment.
        limit : int
            At most so many are issued.
        waiting : collection of str
            Keys of cases of which a scan is still being analysed: they are not decided for being overdue,
            and looked at again a second later.

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
                n_seen, made = self._database.write(
                    partial(self._decider.decide, now=at, limit=n_cases, waiting=waiting)
                )
            issued += made
            # Cases that wait are not counted: nothing issued means that nothing was due.
            limit -= max(len(made), n_seen if issued else 0)
            if n_seen < n_cases:
                break
        return issued

    def waiting(self, *, now: datetime | None = None, limit: int = 100) -> list[OpenCase]:
        """Return cases of which nothing has been decided, with what they wait for.

        Parameters
        ----------
        now : datetime or None
            Time, aware; None for this moment.
        limit : int
            At most so many.

        Returns
        -------
        list of OpenCase
            Those that are decided soonest first.
        """
        at = now or datetime.now(UTC)
        return self._database.read(partial(self._decider.waiting, now=at, limit=limit))

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
        stored = self.stored_body(query)
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
        return parse_strict(self.stored_body(query) or row["body"], TreeHead)  # type: ignore[arg-type]

    def _check_scope(self) -> None:
        """Refuse a database with decisions of the other scope: no exercise is taken for the operation."""
        query = (
            select(records.c.body)
            .join(decisions, decisions.c.sha256 == records.c.sha256)
            .order_by(decisions.c.log_index.desc())
            .limit(1)
        )
        body = self.stored_body(query)
        if body is None:
            return
        if parse_strict(body, ClearanceDecision).is_exercise != (self._signer.scope == "exercise"):
            raise PolicyError(
                "an exercise and an operation share no database: this one holds decisions of the other",
                value=self._signer.key_id,
            )

    def _own_heads(self) -> list[TreeHead]:
        query = select(heads.c.body).order_by(heads.c.size.desc()).limit(1)
        body = self.stored_body(query)
        return [] if body is None else [parse_strict(body, TreeHead)]

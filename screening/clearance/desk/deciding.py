"""Deciding the cases that are due: claim, join, weigh, conclude, append, owe, in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeAlias

import structlog
from sqlalchemy import Connection, bindparam, insert, select, update

from screening.clearance.keys import KeyRing, Signer
from screening.clearance.policy import Policy
from screening.clearance.seals import parse_time
from screening.errors import IntegrityError, ScreeningError
from screening.records import (
    ClearanceDecision,
    IdentityRuling,
    Level,
    RiskFlag,
    canonical_bytes,
    sha256_hex,
)

from .appending import Appender
from .case_queries import doubted_on, evidence_of, intel_on, records_among
from .clock import from_ms, text_of_ms, to_ms
from .dialects import add_new, listed, write_rows
from .judging import Judge, Judged, Pending, Revoked
from .tables import cases, decisions, outbox, records, rests_on, revoked, rulings
from .taking import owe
from .verified import StoredRecord, VerifiedRecords
from .views import DeskRules, OpenCase

__all__ = ["Decider"]

_LOG = structlog.get_logger(__name__)
#: A row of a query; its type differs from one release of SQLAlchemy to the next.
StoredRow: TypeAlias = Any
#: A case that cannot be weighed is looked at again after this time.
_AGAIN_MS = 60_000
_DUE = (
    select(cases.c.key, cases.c.deadline, cases.c.decision_sha256, cases.c.is_open)
    .where(cases.c.due_at <= bindparam("now"))
    .order_by(cases.c.due_at, cases.c.updated_at, cases.c.key)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
)
_UNDECIDED = (
    select(cases.c.key, cases.c.deadline)
    .where(cases.c.decision_sha256.is_(None), cases.c.is_open, cases.c.n_records > 0)
    .order_by(cases.c.deadline.is_(None), cases.c.deadline, cases.c.key)
    .limit(bindparam("at_most"))
)
_REVOKED = select(revoked.c.what, revoked.c.subject)
_ADD_RECORDS, _ADD_DECISIONS = insert(records), insert(decisions)
_LEAVE = (
    update(cases)
    .where(cases.c.key == bindparam("at_key"))
    .values(due_at=bindparam("next_due"), is_open=bindparam("open"))
)
_DECIDE = _LEAVE.values(
    risk=bindparam("new_risk"),
    action=bindparam("new_action"),
    decision_id=bindparam("new_id"),
    decision_sha256=bindparam("new_sha256"),
    decided_at=bindparam("new_decided"),
    expires_at=bindparam("new_expires"),
)


class Decider:
    """Decides what is due.

    Parameters
    ----------
    signer : Signer
        The administration's key.
    keys : KeyRing
        The keys whose records count, the signer's own among them.
    policy : Policy
        The administration's policy.
    rules : DeskRules
        The site.

    Attributes
    ----------
    unweighed : dict of str to str
        The cases that could not be weighed when they were last looked at, and why.
    """

    def __init__(self, *, signer: Signer, keys: KeyRing, policy: Policy, rules: DeskRules) -> None:
        self.unweighed: dict[str, str] = {}
        self._rules = rules
        self._judge = Judge(signer=signer, keys=keys, policy=policy, rules=rules)
        self.verified = VerifiedRecords(keys, allow_exercise=signer.scope == "exercise")

    def decide(
        self, connection: Connection, *, now: datetime, limit: int, waiting: Collection[str] = ()
    ) -> tuple[int, list[ClearanceDecision]]:
        """Decide cases that are due.

        Parameters
        ----------
        connection : Connection
            In a write transaction.
        now : datetime
            Time of the decisions.
        limit : int
            At most so many cases.
        waiting : collection of str
            Cases that are not decided for being overdue.

        Returns
        -------
        n_seen : int
            How many cases were due, at most `limit`.
        decisions : list of ClearanceDecision
            Those issued, in the order of the ledger.
        """
        rows = self._claim(connection, to_ms(now), limit)
        if not rows:
            return 0, []
        lost = self._lost(connection)
        evidence, previous = self._evidence(connection, rows), self._previous(connection, rows)
        apart, intel = self._apart(connection, rows), self._intel(connection, rows)
        issued: list[Judged] = []
        left: list[dict[str, Any]] = []
        for row in rows:
            latest: ClearanceDecision | None = None
            again = to_ms(now) + _AGAIN_MS
            try:
                latest = self._decision(previous.get(row.key))
                pending = Pending(
                    row.key,
                    row.deadline,
                    latest,
                    self._records(evidence.get(row.key, ())),
                    self._records(apart.get(row.key, ())),
                    intel.get(row.key),
                    has_intel=row.key in intel,
                )
                judged = self._judge.judge(pending, now, lost, waiting)
                self.unweighed.pop(row.key, None)
            except Exception as error:
                # The others do not wait for it, whatever it was; it stays due, and nothing stays LOW that
                # cannot be weighed any more.
                said = f"{type(error).__name__}: {error}"
                self.unweighed[row.key] = said
                _LOG.error("a case cannot be weighed", case=row.key, error=said)
                held = evidence.get(row.key, ()), apart.get(row.key, ())
                judged = self._alarm(row, latest, *held, now, lost) or self._judge.withdraw(
                    row.key, latest, now, again
                )
                if judged.draft is None:
                    left.append(_waiting(row, again))
                    continue
            if judged.draft is not None:
                issued.append(judged)
            else:
                left.append(_waiting(row, judged.next_due, is_empty=not judged.pending.evidence))
        write_rows(connection, _LEAVE, left)
        return len(rows), self._issue(connection, issued, lost) if issued else []

    def waiting(self, connection: Connection, *, now: datetime, limit: int) -> list[OpenCase]:
        """Return cases of which nothing has been decided, with what they wait for.

        Parameters
        ----------
        connection : Connection
            In a transaction; nothing is written.
        now : datetime
            The time.
        limit : int
            At most so many.

        Returns
        -------
        list of OpenCase
            Those that are decided soonest first.
        """
        rows = connection.execute(_UNDECIDED, {"at_most": limit}).all()
        if not rows:
            return []
        lost, evidence = self._lost(connection), self._evidence(connection, rows)
        apart, intel = self._apart(connection, rows), self._intel(connection, rows)
        found = []
        for row in rows:
            missing: tuple[str, ...] = ()
            with suppress(ScreeningError):  # it cannot be weighed, and is named for that
                records = self._records(evidence.get(row.key, ()))
                doubtful = self._records(apart.get(row.key, ()))
                held = Pending(
                    row.key, row.deadline, None, records, doubtful, intel.get(row.key), row.key in intel
                )
                missing = self._judge.judge(held, now, lost).missing
            found.append(OpenCase(row.key, missing, text_of_ms(row.deadline)))
        return found

    def _alarm(
        self,
        row: StoredRow,
        latest: ClearanceDecision | None,
        evidence: Iterable[StoredRow],
        doubtful: Iterable[StoredRow],
        now: datetime,
        lost: Revoked,
    ) -> Judged | None:
        """Return what comes of the records of a case that can be read, if that is HIGH: it waits for none."""
        held = Pending(row.key, None, latest, self._readable(evidence), self._readable(doubtful))
        try:
            judged = self._judge.judge(held, now, lost)
        except Exception:
            return None
        is_alarm = judged.draft is not None and judged.draft.risk == Level.HIGH
        return judged._replace(next_due=to_ms(now) + _AGAIN_MS) if is_alarm else None

    def _readable(self, rows: Iterable[StoredRow]) -> tuple[StoredRecord, ...]:
        found: list[StoredRecord] = []
        for row in rows:
            with suppress(ScreeningError):
                found += self._records([row])
        return tuple(found)

    def _claim(self, connection: Connection, now_ms: int, limit: int) -> Sequence[StoredRow]:
        """Lock cases that are due; another instance passes over them."""
        return connection.execute(_DUE, {"now": now_ms, "at_most": limit}).all()

    def _lost(self, connection: Connection) -> Revoked:
        rows = connection.execute(_REVOKED).all()
        return Revoked(
            subjects=frozenset(row.subject for row in rows if row.what in ("MODEL", "CALIBRATION")),
            keys=frozenset(row.subject for row in rows if row.what == "KEY"),
        )

    def _evidence(self, connection: Connection, rows: Sequence[StoredRow]) -> dict[str, list[StoredRow]]:
        found: dict[str, list[StoredRow]] = {}
        for record in connection.execute(evidence_of(connection.dialect.name), _keys(connection, rows)):
            found.setdefault(record.case_key, []).append(record)
        return found

    def _previous(self, connection: Connection, rows: Sequence[StoredRow]) -> dict[str, StoredRow]:
        hashes = {row.decision_sha256: row.key for row in rows if row.decision_sha256 is not None}
        if not hashes:
            return {}
        dialect = connection.dialect.name
        wanted = {"hashes": listed(dialect, hashes)}
        return {hashes[row.sha256]: row for row in connection.execute(records_among(dialect), wanted)}

    def _records(self, rows: Iterable[StoredRow]) -> tuple[StoredRecord, ...]:
        return tuple(self.verified.get(row.sha256, row.kind, bytes(row.body)) for row in rows)

    def _decision(self, row: StoredRow | None) -> ClearanceDecision | None:
        if row is None:
            return None
        found = self.verified.get(row.sha256, row.kind, bytes(row.body))
        if not found.is_verified or not isinstance(found.record, ClearanceDecision):
            raise IntegrityError("the latest decision does not verify", value=row.sha256)
        return found.record

    def _apart(self, connection: Connection, rows: Sequence[StoredRow]) -> dict[str, list[StoredRow]]:
        """Return the flags kept apart that may be of each container, with the rulings on their scans."""
        found: dict[str, list[StoredRow]] = {}
        scans: dict[str, set[str]] = {}
        for row in connection.execute(doubted_on(connection.dialect.name), _keys(connection, rows)):
            found.setdefault(row.container_id, []).append(row)
            scans.setdefault(row.scan_id, set()).add(row.container_id)
        if not scans:
            return found
        ruled = connection.execute(select(rulings).where(rulings.c.scan_id.in_(sorted(scans)))).all()
        boxes = sorted({row.container_id for row in ruled})
        stated = select(records.c.sha256, records.c.kind, records.c.body).where(
            records.c.case_key.in_(boxes), records.c.kind == "identityruling/1"
        )
        for one in connection.execute(stated) if boxes else ():
            ruling = self.verified.get(one.sha256, one.kind, bytes(one.body)).record
            if isinstance(ruling, IdentityRuling):
                for box in scans.get(ruling.scan_id, ()):
                    found[box].append(one)
        return found

    def _intel(self, connection: Connection, rows: Sequence[StoredRow]) -> dict[str, datetime | None]:
        """Return since when there is new intelligence; None where one statement of it gives no time."""
        found = connection.execute(intel_on(connection.dialect.name), _keys(connection, rows))
        return {row.subject: None if row.n_untimed else from_ms(row.at) for row in found}

    def _issue(self, connection: Connection, judged: list[Judged], lost: Revoked) -> list[ClearanceDecision]:
        """Seal and write decisions; the end of the ledger is locked from here to the commit."""
        appender = Appender(connection)
        issued: list[ClearanceDecision] = []
        rows: dict[str, list[dict[str, Any]]] = {
            "records": [],
            "decisions": [],
            "rests": [],
            "owed": [],
            "cases": [],
        }
        for one in judged:
            assert one.draft is not None  # noqa: S101 - only those are handed on
            decision = self._judge.issue(one.draft, appender.next_index)
            body = canonical_bytes(decision)
            sha256, key = sha256_hex(body), one.pending.key
            index = appender.append(decision.schema, sha256, body)
            decided_ms, expires_ms = _ms(decision.decided_at), _ms(decision.validity.expires)
            rows["records"].append(
                {
                    "sha256": sha256,
                    "kind": decision.schema,
                    "case_key": key,
                    "received_at": decided_ms,
                    "body": body,
                }
            )
            rows["decisions"].append(
                {"decision_id": decision.decision_id, "sha256": sha256, "case_key": key, "log_index": index}
            )
            rows["rests"] += [
                {"subject": subject, "decision_id": decision.decision_id, "case_key": key}
                for subject in _subjects(one, lost)
            ]
            rows["owed"] += owe(self._rules, decision.schema, sha256, key, index)
            rows["cases"].append(
                {
                    "at_key": key,
                    "next_due": one.next_due,
                    "new_risk": decision.risk.value,
                    "new_action": decision.action.value,
                    "new_id": decision.decision_id,
                    "new_sha256": sha256,
                    "new_decided": decided_ms,
                    "new_expires": expires_ms,
                    "open": decision.risk.value != "LOW",
                }
            )
            self.verified.remember(sha256, decision)
            issued.append(decision)
        appender.flush()
        write_rows(connection, _ADD_RECORDS, rows["records"])
        write_rows(connection, _ADD_DECISIONS, rows["decisions"])
        add_new(connection, rests_on, rows["rests"])
        add_new(connection, outbox, rows["owed"])
        write_rows(connection, _DECIDE, rows["cases"])
        return issued


def _keys(connection: Connection, rows: Sequence[StoredRow]) -> dict[str, Any]:
    return {"keys": listed(connection.dialect.name, [row.key for row in rows])}


def _waiting(row: StoredRow, next_due: int | None, *, is_empty: bool = False) -> dict[str, Any]:
    """Return what becomes of a case that nothing is said of; one whose records moved away is closed."""
    return {"at_key": row.key, "next_due": next_due, "open": row.is_open and not is_empty}


def _subjects(judged: Judged, lost: Revoked) -> list[str]:
    """Return what a decision rests on: models, calibrations, keys.

    What was revoked before it was taken is none of it: the decision knew, and no revocation voids it.
    """
    subjects: set[str] = set()
    for stored in judged.pending.evidence:
        record = stored.record
        if record.key_id is not None:
            subjects.add(record.key_id)
        if isinstance(record, RiskFlag):
            for model in record.pipeline.models:
                subjects.update(sha256 for sha256 in (model.sha256, model.card_sha256) if sha256)
            if record.calibration.id:
                subjects.add(record.calibration.id)
            if record.calibration.sha256:
                subjects.add(record.calibration.sha256)
    return sorted(subjects - lost.subjects - lost.keys)


def _ms(text: str) -> int | None:
    t = parse_time(text)
    return None if t is None else to_ms(t)

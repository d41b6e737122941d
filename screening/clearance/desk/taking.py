"""Taking records: insert what is new, append it to the ledger, mark its cases due, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.schema import Table

from screening.records import (
    EVIDENCE,
    Acceptance,
    AdvanceData,
    IdentityRuling,
    Revocation,
    RevocationList,
    RiskFlag,
    Sealed,
)

from .appending import Appender
from .checking import Checked
from .identity import KEPT_APART, key_of, near_declared
from .tables import cases, decisions, doubts, outbox, records, rests_on, revoked, rulings
from .views import DeskRules, Taken

__all__ = ["insert_new", "owe", "take_checked"]

_CHUNK = 400
#: What says that a container is here; what is declared beforehand starts no clock.
_PHYSICAL = frozenset(EVIDENCE) - {"advancedata/1", "assessment/1", "journey/1", "identityruling/1"}
#: Takes that may change which container a scan is of are run one after the other.
_IDENTITY_LOCK = 0x5343_5244


def insert_new(connection: Connection, table: Table) -> Insert:
    """Return an insert that the database's dialect can say ``ON CONFLICT`` to.

    Parameters
    ----------
    connection : Connection
        Which database.
    table : Table
        Where to.

    Returns
    -------
    Insert
        With `on_conflict_do_nothing` and `on_conflict_do_update`.
    """
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def take_checked(
    connection: Connection, checked: Sequence[Checked], *, received_ms: int, rules: DeskRules
) -> list[Taken]:
    """Take records that were found good.

    Parameters
    ----------
    connection : Connection
        In a write transaction.
    checked : sequence of Checked
        In the order they were handed in; refused ones are passed through.
    received_ms : int
        When.
    rules : DeskRules
        Limits and sinks.

    Returns
    -------
    list of Taken
        One for each, in order; to be acknowledged once the transaction is committed.
    """
    good = {one.sha256: one for one in checked if one.record is not None}
    known = _known(connection, good)
    fresh = [one for sha256, one in good.items() if sha256 not in known and not one.is_old]
    if connection.dialect.name == "postgresql" and any(_concerns_identity(one.record) for one in fresh):
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _IDENTITY_LOCK})
    inserted = _insert_records(connection, fresh, received_ms)
    new = [one for one in fresh if one.sha256 in inserted]
    if new:
        _mark_cases(connection, new, inserted, received_ms, rules)
        appender = Appender(connection)
        owed = []
        for one in new:
            kind = one.record.schema  # type: ignore[union-attr]
            index = appender.append(kind, one.sha256, one.body)
            owed += owe(rules, kind, one.sha256, inserted[one.sha256] or "", index)
        appender.flush()
        if owed:
            connection.execute(insert_new(connection, outbox).on_conflict_do_nothing(), owed)
    return _answers(checked, inserted, known)


def owe(rules: DeskRules, kind: str, sha256: str, container_id: str, log_index: int) -> list[dict[str, Any]]:
    """Return the rows of the messages that a record makes.

    Parameters
    ----------
    rules : DeskRules
        Which sinks want what.
    kind, sha256, container_id : str
        The record.
    log_index : int
        Its place in the ledger.

    Returns
    -------
    list of dict
        One for each sink that wants it.
    """
    return [
        {
            "sink": sink.name,
            "key": sha256,
            "container_id": container_id,
            "kind": kind,
            "log_index": log_index,
            "state": "PENDING",
            "attempts": 0,
            "retry_at": 0,
            "leased_until": 0,
        }
        for sink in rules.sinks
        if kind in sink.kinds
    ]


def _answers(checked: Sequence[Checked], inserted: dict[str, str | None], known: set[str]) -> list[Taken]:
    answers, seen = [], set()
    for one in checked:
        if one.record is None:
            answers.append(Taken(one.sha256, "REFUSED", one.failure, one.text))
        elif one.sha256 in inserted and one.sha256 not in seen:
            answers.append(Taken(one.sha256, "ACCEPTED", None, "taken"))
        elif one.is_old and one.sha256 not in known:
            answers.append(Taken(one.sha256, "REFUSED", "TOO_OLD", "older than records are taken"))
        else:
            answers.append(Taken(one.sha256, "KNOWN", None, "known already"))
        seen.add(one.sha256)
    return answers


def _known(connection: Connection, hashes: Iterable[str]) -> set[str]:
    wanted = sorted(hashes)
    found: set[str] = set()
    for i in range(0, len(wanted), _CHUNK):
        query = select(records.c.sha256).where(records.c.sha256.in_(wanted[i : i + _CHUNK]))
        found.update(connection.execute(query).scalars())
    return found


def _insert_records(connection: Connection, fresh: list[Checked], received_ms: int) -> dict[str, str | None]:
    """Insert records in the order of their hashes, so that two transactions never wait for each other."""
    if not fresh:
        return {}
    ruled = _ruled(connection, {one.record.scan_id for one in fresh if isinstance(one.record, RiskFlag)})
    rows = {}
    for one in sorted(fresh, key=lambda one: one.sha256):
        record = one.record
        assert record is not None  # noqa: S101 - refused ones were left out
        scan_id = record.scan_id if isinstance(record, RiskFlag) else None
        key = _case_key(connection, record)
        if key is not None and key.startswith(KEPT_APART) and scan_id in ruled:
            key = ruled[scan_id]
        rows[one.sha256] = {
            "sha256": one.sha256,
            "kind": record.schema,
            "case_key": key,
            "scan_id": scan_id,
            "received_at": received_ms,
            "body": one.body,
        }
    statement = insert_new(connection, records).on_conflict_do_nothing().returning(records.c.sha256)
    done = connection.execute(statement, list(rows.values())).scalars().all()
    return {sha256: rows[sha256]["case_key"] for sha256 in done}


def _case_key(connection: Connection, record: Sealed) -> str | None:
    if isinstance(record, Acceptance):
        query = select(decisions.c.case_key).where(decisions.c.decision_id == record.decision_id)
        return connection.execute(query).scalar()
    if isinstance(record, Revocation):
        return record.subject if record.what == "CONTAINER" else None
    if isinstance(record, RevocationList):
        return None
    return key_of(record)


def _ruled(connection: Connection, scan_ids: Iterable[str]) -> dict[str, str]:
    """Return the scans on which all rulings agree; a scan that officers disagree on stays apart."""
    wanted = sorted(scan_ids)
    if not wanted:
        return {}
    query = (
        select(rulings.c.scan_id, func.min(rulings.c.container_id).label("container_id"))
        .where(rulings.c.scan_id.in_(wanted))
        .group_by(rulings.c.scan_id)
        .having(func.count() == 1)
    )
    return {row.scan_id: row.container_id for row in connection.execute(query)}


def _mark_cases(
    connection: Connection,
    new: list[Checked],
    keys: dict[str, str | None],
    received_ms: int,
    rules: DeskRules,
) -> None:
    counts: dict[str, int] = {}
    present: set[str] = set()
    declared: set[str] = set()
    for one in new:
        record, key = one.record, keys[one.sha256]
        if isinstance(record, IdentityRuling):
            _rule(connection, record, counts, present)
        if isinstance(record, Revocation | RevocationList):
            _revoke(connection, record, one.sha256, counts)
        if isinstance(record, RiskFlag) and key is not None and key.startswith(KEPT_APART):
            _doubt(connection, record, near_declared(connection, record), counts)
        if isinstance(record, AdvanceData):
            declared.add(record.container_id)
            _doubt_again(connection, record.container_id, counts)
        if key is not None and not isinstance(record, Acceptance):
            counts[key] = counts.get(key, 0) + 1
            if record is not None and record.schema in _PHYSICAL:
                present.add(key)
    _upsert_cases(connection, counts, present, declared, received_ms, rules)


def _upsert_cases(
    connection: Connection,
    counts: dict[str, int],
    present: set[str],
    declared: set[str],
    received_ms: int,
    rules: DeskRules,
) -> None:
    if not counts:
        return
    deadline = received_ms + int(rules.case_deadline_s * 1000)
    # In the order of their keys: two transactions never wait for each other.
    rows = [
        {
            "key": key,
            "opened_at": received_ms,
            "updated_at": received_ms,
            "n_records": counts[key],
            "deadline": deadline if key in present else None,
            # 0: due at once, whatever a clock that is set back says.
            "due_at": 0,
            "is_open": True,
            "is_declared": key in declared,
        }
        for key in sorted(counts)
    ]
    statement = insert_new(connection, cases)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "updated_at": new.updated_at,
            "n_records": cases.c.n_records + new.n_records,
            "deadline": func.coalesce(cases.c.deadline, new.deadline),
            "due_at": 0,
            "is_declared": cases.c.is_declared | new.is_declared
            if connection.dialect.name == "sqlite"
            else cases.c.is_declared.op("OR")(new.is_declared),
        },
    )
    connection.execute(statement, rows)


def _rule(connection: Connection, ruling: IdentityRuling, counts: dict[str, int], present: set[str]) -> None:
    """Move the flags of a scan to the container an officer ruled; back, where officers disagree."""
    row = {"scan_id": ruling.scan_id, "container_id": ruling.container_id}
    connection.execute(insert_new(connection, rulings).on_conflict_do_nothing(), row)
    apart = KEPT_APART + ruling.scan_id
    named = set(
        connection.execute(
            select(rulings.c.container_id).where(rulings.c.scan_id == ruling.scan_id)
        ).scalars()
    )
    target = next(iter(named)) if len(named) == 1 else apart
    mine = (records.c.scan_id == ruling.scan_id) & records.c.case_key.in_({apart, *named})
    moving = connection.execute(
        select(records.c.sha256, records.c.case_key).where(mine, records.c.case_key != target)
    ).all()
    for _, source in moving:
        counts[source] = counts.get(source, 0) - 1
        counts[target] = counts.get(target, 0) + 1
        present.add(target)
    if moving:
        connection.execute(
            update(records)
            .where(records.c.sha256.in_([row.sha256 for row in moving]))
            .values(case_key=target)
        )
    if len(named) > 1:
        _doubt_scan(connection, ruling.scan_id, named, counts)
    for candidate in connection.execute(
        select(doubts.c.container_id).where(doubts.c.scan_id == ruling.scan_id)
    ).scalars():
        counts.setdefault(candidate, 0)


def _doubt(connection: Connection, flag: RiskFlag, candidates: Iterable[str], counts: dict[str, int]) -> None:
    _doubt_scan(connection, flag.scan_id, candidates, counts)


def _doubt_scan(
    connection: Connection, scan_id: str, candidates: Iterable[str], counts: dict[str, int]
) -> None:
    rows = [{"scan_id": scan_id, "container_id": candidate} for candidate in sorted(candidates)]
    if rows:
        connection.execute(insert_new(connection, doubts).on_conflict_do_nothing(), rows)
    for row in rows:
        counts.setdefault(row["container_id"], 0)


def _doubt_again(connection: Connection, declared: str, counts: dict[str, int]) -> None:
    """Hold a container that was declared late against the scans that are kept apart."""


def _revoke(
    connection: Connection, record: Revocation | RevocationList, sha256: str, counts: dict[str, int]
) -> None:
    """Note what is revoked, and mark every case due whose decisions rest on it."""
    named = record.revocations if isinstance(record, RevocationList) else (record,)
    rows = [{"subject": one.subject, "what": one.what, "sha256": sha256} for one in named]
    if not rows:
        return
    connection.execute(insert_new(connection, revoked).on_conflict_do_nothing(), rows)
    for one in named:
        query = select(rests_on.c.case_key).where(rests_on.c.subject == one.subject).distinct()
        for key in connection.execute(query).scalars():
            counts.setdefault(key, 0)


def _concerns_identity(record: Sealed | None) -> bool:
    if isinstance(record, RiskFlag):
        return (key_of(record) or "").startswith(KEPT_APART)
    return isinstance(record, IdentityRuling | AdvanceData)

"""Taking records: insert what is new, append it to the ledger, mark its cases due, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, insert, or_, select, text, update

from screening.clearance.seals import parse_time
from screening.records import (
    EVIDENCE,
    Acceptance,
    AdvanceData,
    Revocation,
    RevocationList,
    RiskFlag,
    Sealed,
    container_of,
)

from .appending import Appender
from .checking import Checked
from .clock import to_ms
from .dialects import Insert, add_new, insert_into, insert_new, is_among, listed, write_rows
from .names import compact_number
from .placing import Manifest, Placed, bears_on_identity, note_facts, place_again, place_new
from .tables import cases, decisions, outbox, records, rests_on, revoked
from .views import DeskRules, Taken

__all__ = ["owe", "take_checked"]

#: What says that a container is here; what is declared beforehand starts no clock.
_PHYSICAL = frozenset(EVIDENCE) - {"advancedata/1", "assessment/1", "journey/1"}
#: Takes that may change which container a scan is of are run one after the other.
_IDENTITY_LOCK = 0x5343_5244
_ADD_RECORDS = insert(records)
_REVOKED_KEYS = select(revoked.c.subject).where(revoked.c.what == "KEY")
_MARK_DUE = (
    update(cases)
    .where(cases.c.key == bindparam("at_key"))
    .values(due_at=0, n_records=cases.c.n_records + bindparam("n"))
)


def take_checked(
    connection: Connection,
    checked: Sequence[Checked],
    *,
    received_ms: int,
    rules: DeskRules,
    manifest: Manifest,
) -> list[Taken]:
    """Take records that were found good.

    Locks are taken in one order everywhere: records, then cases, each in the order of their keys, and
    the end of the ledger last.

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
    manifest : Manifest
        What the policy says of container numbers.

    Returns
    -------
    list of Taken
        One for each, in order; to be acknowledged once the transaction is committed.
    """
    good = {one.sha256: one for one in checked if one.record is not None}
    known = _known(connection, good)
    lost = _revoked_keys(connection) if good.keys() - known else frozenset()
    fresh = {
        sha256: one.record
        for sha256, one in good.items()
        if sha256 not in known and not one.is_old and one.record is not None and one.record.key_id not in lost
    }
    inserted: set[str] = set()
    if fresh:
        if connection.dialect.name == "postgresql" and any(
            bears_on_identity(record, manifest) for record in fresh.values()
        ):
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _IDENTITY_LOCK})
        inserted = _take(connection, fresh, good, received_ms, rules, manifest)
    return [_answer(one, inserted, known, lost) for one in _each_once(checked, inserted)]


def _take(
    connection: Connection,
    fresh: Mapping[str, Sealed],
    good: Mapping[str, Checked],
    received_ms: int,
    rules: DeskRules,
    manifest: Manifest,
) -> set[str]:
    note_facts(connection, fresh.values())
    declared = {
        compact_number(record.container_id) for record in fresh.values() if isinstance(record, AdvanceData)
    }
    flags = {sha256: record for sha256, record in fresh.items() if isinstance(record, RiskFlag)}
    placed = place_new(connection, flags, declared, manifest)
    keys = {
        sha256: placed.keys.get(sha256) or _key_of(connection, record) for sha256, record in fresh.items()
    }
    rows = [
        {
            "sha256": sha256,
            "kind": record.schema,
            "case_key": keys[sha256],
            "scan_id": record.scan_id if isinstance(record, RiskFlag) else None,
            "received_at": received_ms,
            "body": good[sha256].body,
        }
        for sha256, record in sorted(fresh.items())
    ]
    inserted = _insert(connection, rows)
    new = {sha256: record for sha256, record in fresh.items() if sha256 in inserted}
    again = place_again(connection, new.values(), declared, manifest)
    _mark_cases(connection, new, keys, placed, again, declared, received_ms, rules)
    appender = Appender(connection)
    owed = []
    for sha256, record in new.items():
        index = appender.append(record.schema, sha256, good[sha256].body)
        owed += owe(rules, record.schema, sha256, keys[sha256] or "", index)
    appender.flush()
    add_new(connection, outbox, owed)
    return inserted


def _insert(connection: Connection, rows: list[dict[str, Any]]) -> set[str]:
    """Insert records that were not there a moment ago, and return those that nobody else was quicker with."""
    if connection.dialect.name == "sqlite":
        # Whoever writes is alone from the start of the transaction.
        write_rows(connection, _ADD_RECORDS, rows)
        return {row["sha256"] for row in rows}
    statement = insert_new(connection, records).on_conflict_do_nothing().returning(records.c.sha256)
    return set(connection.execute(statement, rows).scalars())


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


def _each_once(checked: Sequence[Checked], inserted: set[str]) -> Iterable[Checked]:
    """Yield every record; one that came twice is new the first time only."""
    seen: set[str] = set()
    for one in checked:
        yield one._replace(text="again") if one.sha256 in seen and one.sha256 in inserted else one
        seen.add(one.sha256)


def _answer(one: Checked, inserted: set[str], known: set[str], lost: frozenset[str]) -> Taken:
    if one.record is None:
        return Taken(one.sha256, "REFUSED", one.failure, one.text)
    if one.sha256 in inserted and one.text != "again":
        return Taken(one.sha256, "ACCEPTED", None, "taken")
    if one.sha256 in inserted or one.sha256 in known:
        return Taken(one.sha256, "KNOWN", None, "known already")
    if one.is_old:
        return Taken(one.sha256, "REFUSED", "TOO_OLD", "older than records are taken")
    if one.record.key_id in lost:
        return Taken(one.sha256, "REFUSED", "REVOKED_KEY", f"key {one.record.key_id} is revoked")
    # Another transaction was quicker; its record is on disk.
    return Taken(one.sha256, "KNOWN", None, "known already")


def _known(connection: Connection, hashes: Iterable[str]) -> set[str]:
    dialect = connection.dialect.name
    wanted = {"hashes": listed(dialect, set(hashes))}
    return set(connection.execute(_hashes_among(dialect), wanted).scalars())


@lru_cache
def _hashes_among(dialect: str) -> Select[Any]:
    return select(records.c.sha256).where(is_among(dialect, records.c.sha256, "hashes"))


def _revoked_keys(connection: Connection) -> frozenset[str]:
    return frozenset(connection.execute(_REVOKED_KEYS).scalars())


def _key_of(connection: Connection, record: Sealed) -> str | None:
    """Return the case that anything but a flag belongs to."""
    if isinstance(record, Acceptance):
        query = select(decisions.c.case_key).where(decisions.c.decision_id == record.decision_id)
        return connection.execute(query).scalar()
    number = container_of(record)
    return None if number is None else compact_number(number)


def _mark_cases(
    connection: Connection,
    new: Mapping[str, Sealed],
    keys: Mapping[str, str | None],
    placed: Placed,
    again: Placed,
    declared: set[str],
    received_ms: int,
    rules: DeskRules,
) -> None:
    """Count what joined each case, start its clock, and mark it due."""
    counts = {key: n for key, n in again.moved.items() if n}
    present = {key for key, n in again.moved.items() if n > 0}
    due = {*placed.doubted, *again.doubted}
    for sha256, record in new.items():
        key = keys[sha256]
        if isinstance(record, Revocation | RevocationList):
            due |= _revoke(connection, record, sha256)
        # An acceptance says nothing about the container that its decision does not say.
        if key is not None and not isinstance(record, Acceptance):
            counts[key] = counts.get(key, 0) + 1
            if record.schema in _PHYSICAL:
                present.add(key)
    joined = {key: n for key, n in counts.items() if n > 0}
    _upsert_cases(connection, joined, present, declared, received_ms, rules)
    others = [
        {"at_key": key, "n": counts.get(key, 0)} for key in sorted((due | counts.keys()) - joined.keys())
    ]
    write_rows(connection, _MARK_DUE, others)


def _upsert_cases(
    connection: Connection,
    counts: Mapping[str, int],
    present: set[str],
    declared: set[str],
    received_ms: int,
    rules: DeskRules,
) -> None:
    deadline = received_ms + int(rules.case_deadline_s * 1000)
    rows = [
        {
            "key": key,
            "opened_at": received_ms,
            "updated_at": received_ms,
            "n_records": counts[key],
            "deadline": deadline if key in present else None,
            # Due at once, whatever a clock that is set back will say.
            "due_at": 0,
            "is_open": True,
            "is_declared": key in declared,
        }
        for key in sorted(counts)
    ]
    write_rows(connection, _open_or_mark(connection.dialect.name), rows)


@lru_cache
def _open_or_mark(dialect: str) -> Insert:
    statement = insert_into(dialect, cases)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "updated_at": new.updated_at,
            "n_records": cases.c.n_records + new.n_records,
            "deadline": func.coalesce(cases.c.deadline, new.deadline),
            "due_at": 0,
            "is_declared": or_(cases.c.is_declared, new.is_declared),
        },
    )


def _revoke(connection: Connection, record: Revocation | RevocationList, sha256: str) -> set[str]:
    """Note what is revoked, and return the cases whose decisions rest on it."""
    named = record.revocations if isinstance(record, RevocationList) else (record,)
    rows, due = [], set()
    for one in named:
        at = parse_time(one.at)
        subject = compact_number(one.subject) if one.what == "CONTAINER" else one.subject
        rows.append(
            {"subject": subject, "what": one.what, "sha256": sha256, "at": None if at is None else to_ms(at)}
        )
        if one.what == "CONTAINER":
            due.add(subject)
        query = select(rests_on.c.case_key).where(rests_on.c.subject == subject).distinct()
        due.update(connection.execute(query).scalars())
    add_new(connection, revoked, rows)
    return due

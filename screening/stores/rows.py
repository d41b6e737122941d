"""The tables of a result store, what their rows hold, and how a record becomes a row."""

from __future__ import annotations

import sqlite3
from typing import TypeVar

import msgspec

from screening.errors import IntegrityError, StoreError
from screening.records import (
    ClearanceDecision,
    InputRef,
    RiskFlag,
    Scan,
    ScanIdentity,
    ScanNote,
    canonical_bytes,
    sha256_hex,
    utc_string,
)

__all__ = [
    "TABLES",
    "Message",
    "Owed",
    "StoredScan",
    "decoded",
    "insert_decision",
    "insert_flag",
    "insert_message",
    "insert_scan",
]

T = TypeVar("T")

#: The tables of version 1.
TABLES = """
CREATE TABLE scans (
    id INTEGER PRIMARY KEY,
    scan_id TEXT NOT NULL UNIQUE,
    container_id TEXT,
    modality TEXT NOT NULL,
    t_end TEXT,
    sha256 TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX scans_by_container ON scans (container_id);
CREATE TABLE flags (
    id INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    flag_id TEXT NOT NULL,
    scan_id TEXT NOT NULL REFERENCES scans (scan_id),
    container_id TEXT,
    modality TEXT NOT NULL,
    level TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX flags_by_scan ON flags (scan_id);
CREATE INDEX flags_by_container ON flags (container_id);
CREATE INDEX flags_by_flag_id ON flags (flag_id);
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    decision_id TEXT NOT NULL,
    container_id TEXT NOT NULL,
    risk TEXT NOT NULL,
    action TEXT NOT NULL,
    is_exercise INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX decisions_by_container ON decisions (container_id);
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256 TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    relayed_at TEXT
) STRICT;
CREATE INDEX outbox_pending ON outbox (id) WHERE relayed_at IS NULL;
"""


class StoredScan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the store keeps of a scan: all but the measured data, which are in the archive.

    Attributes
    ----------
    identity : ScanIdentity
        Who, where, when.
    modality : str
        "radiation" or "radiograph".
    inputs : tuple of InputRef
        The bytes it came from.
    notes : tuple of ScanNote
        What the reader saw.
    """

    identity: ScanIdentity
    modality: str
    inputs: tuple[InputRef, ...] = ()
    notes: tuple[ScanNote, ...] = ()


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something to tell a receiver.

    Attributes
    ----------
    kind : str
        What it is ("riskflag/1", "clearance/1"): receivers choose by it.
    body : bytes
        The message itself.
    """

    kind: str
    body: bytes


class Owed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message that was not relayed yet.

    Attributes
    ----------
    id : int
        Its place in the outbox: messages are relayed in this order.
    key : str
        Hash of kind and body: a receiver that has seen it ignores it.
    message : Message
        What to tell.
    """

    id: int
    key: str
    message: Message


def insert_scan(connection: sqlite3.Connection, scan: Scan | StoredScan) -> None:
    """Write a scan; the first record of it stays.

    Parameters
    ----------
    connection : sqlite3.Connection
        In a transaction.
    scan : Scan or StoredScan
        The scan.

    Raises
    ------
    IntegrityError
        If another scan is recorded under the same scan_id: of another modality, or from bytes of
        which none are the same.
    """
    new = StoredScan(
        identity=scan.identity, modality=scan.modality, inputs=tuple(scan.inputs), notes=tuple(scan.notes)
    )
    scan_id, body = new.identity.scan_id, msgspec.json.encode(new)
    row = connection.execute("SELECT body FROM scans WHERE scan_id = ?", (scan_id,)).fetchone()
    if row is not None:
        known = decoded(row[0], StoredScan)
        one, other = ({ref.sha256 for ref in stored.inputs} for stored in (known, new))
        if known.modality != new.modality or (one and other and not one & other):
            raise IntegrityError(f"another scan is recorded as {scan_id}", value=scan_id)
        return
    connection.execute(
        "INSERT INTO scans (scan_id, container_id, modality, t_end, sha256, body) VALUES (?, ?, ?, ?, ?, ?)",
        (
            scan_id,
            new.identity.container_id,
            new.modality,
            utc_string(new.identity.t_end_utc),
            sha256_hex(body),
            body,
        ),
    )


def insert_flag(connection: sqlite3.Connection, flag: RiskFlag) -> None:
    """Write a flag, unless these very bytes are there.

    Parameters
    ----------
    connection : sqlite3.Connection
        In a transaction.
    flag : RiskFlag
        The flag, sealed or not.
    """
    body = canonical_bytes(flag)
    connection.execute(
        "INSERT INTO flags (sha256, flag_id, scan_id, container_id, modality, level, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sha256) DO NOTHING",
        (
            sha256_hex(body),
            flag.flag_id,
            flag.scan_id,
            flag.subject.container_id,
            str(flag.modality),
            str(flag.level),
            body,
        ),
    )


def insert_decision(connection: sqlite3.Connection, decision: ClearanceDecision) -> None:
    """Write a decision, unless these very bytes are there.

    Parameters
    ----------
    connection : sqlite3.Connection
        In a transaction.
    decision : ClearanceDecision
        Sealed.
    """
    body = canonical_bytes(decision)
    connection.execute(
        "INSERT INTO decisions (sha256, decision_id, container_id, risk, action, is_exercise, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sha256) DO NOTHING",
        (
            sha256_hex(body),
            decision.decision_id,
            decision.consignment.container_id,
            str(decision.risk),
            str(decision.action),
            decision.is_exercise,
            body,
        ),
    )


def insert_message(connection: sqlite3.Connection, message: Message) -> None:
    """Write a message, unless it is there, relayed or not.

    Parameters
    ----------
    connection : sqlite3.Connection
        In a transaction.
    message : Message
        What a receiver is owed.
    """
    connection.execute(
        "INSERT INTO outbox (sha256, kind, body) VALUES (?, ?, ?) ON CONFLICT (sha256) DO NOTHING",
        (sha256_hex(message.kind.encode() + b"\n" + message.body), message.kind, message.body),
    )


def decoded(body: bytes, kind: type[T]) -> T:
    """Return the record of a row.

    Parameters
    ----------
    body : bytes
        As stored.
    kind : type
        Its kind.

    Returns
    -------
    record
        An instance of `kind`.

    Raises
    ------
    StoreError
        If it cannot be read.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise StoreError(f"a stored {kind.__name__} cannot be read: {error}", value=body[:64]) from None

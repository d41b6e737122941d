"""The tables of a desk, one description for SQLite and PostgreSQL.

Times are milliseconds since 1970 in UTC; hashes are hexadecimal, as the records write them. Bodies are
the canonical sealed bytes, and nothing that decides ever reads a column that a body could contradict:
the columns beside a body serve to find it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

__all__ = [
    "METADATA",
    "apart",
    "cases",
    "decisions",
    "doubts",
    "entries",
    "heads",
    "ledger",
    "named_flags",
    "nodes",
    "outbox",
    "records",
    "rests_on",
    "revoked",
    "rulings",
]

METADATA = MetaData()

# SQLite numbers rows by itself only where the key is exactly INTEGER.
_RowNumber = BigInteger().with_variant(Integer(), "sqlite")

#: Every sealed record, once, under the hash of its bytes.
records = Table(
    "records",
    METADATA,
    Column("sha256", String(64), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("case_key", String(160)),
    Column("scan_id", String(128)),
    Column("received_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("records_by_case", "case_key"),
    Index("records_by_scan", "scan_id", sqlite_where=text("scan_id IS NOT NULL"),
          postgresql_where=text("scan_id IS NOT NULL")),
)  # fmt: skip

#: One row for each container, and for each scan that is kept apart.
cases = Table(
    "cases",
    METADATA,
    Column("key", String(160), primary_key=True),
    Column("opened_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("n_records", Integer, nullable=False),
    Column("deadline", BigInteger),
    Column("due_at", BigInteger),
    Column("is_open", Boolean, nullable=False),
    Column("is_declared", Boolean, nullable=False),
    Column("risk", String(16)),
    Column("action", String(32)),
    Column("decision_id", String(64)),
    Column("decision_sha256", String(64)),
    Column("decided_at", BigInteger),
    Column("expires_at", BigInteger),
    Index("cases_due", "due_at", "updated_at", sqlite_where=text("due_at IS NOT NULL"),
          postgresql_where=text("due_at IS NOT NULL")),
)  # fmt: skip

#: Decisions of this desk, by their own identifier.
decisions = Table(
    "decisions",
    METADATA,
    Column("decision_id", String(64), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("case_key", String(160), nullable=False),
    Column("log_index", BigInteger, nullable=False),
    Index("decisions_by_case", "case_key", "log_index"),
    Index("decisions_by_index", "log_index"),
)

#: The ledger's entries, in order; the leaf is the Merkle hash of the body.
entries = Table(
    "entries",
    METADATA,
    Column(
        "log_index", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False
    ),
    Column("kind", String(32), nullable=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("leaf", LargeBinary, nullable=False),
)

#: Hashes of complete subtrees above the leaves.
nodes = Table(
    "nodes",
    METADATA,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("node_index", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)

#: One row: the ledger's name, size and frontier. Whoever appends locks it.
ledger = Table(
    "ledger",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("ledger_id", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
)

#: Tree heads this desk has signed.
heads = Table(
    "heads",
    METADATA,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("key_id", String(64), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

#: Messages owed to sinks.
outbox = Table(
    "outbox",
    METADATA,
    Column("id", _RowNumber, primary_key=True),
    Column("sink", String(64), nullable=False),
    Column("key", String(64), nullable=False),
    Column("container_id", String(160), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("log_index", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("retry_at", BigInteger, nullable=False),
    Column("leased_until", BigInteger, nullable=False),
    Column("error", Text),
    Column("done_at", BigInteger),
    Index("outbox_once", "sink", "key", unique=True),
    Index("outbox_pending", "sink", "log_index", sqlite_where=text("state = 'PENDING'"),
          postgresql_where=text("state = 'PENDING'")),
    Index("outbox_order", "sink", "container_id", "log_index"),
)  # fmt: skip

#: What each decision rests on: hashes of models, identifiers of calibrations and of keys.
rests_on = Table(
    "rests_on",
    METADATA,
    Column("subject", String(256), primary_key=True),
    Column("decision_id", String(64), primary_key=True),
    Column("case_key", String(160), nullable=False),
)

#: Flags kept apart: their container number is missing, invalid or in doubt.
apart = Table(
    "apart",
    METADATA,
    Column("sha256", String(64), primary_key=True),
    Column("flag_id", String(64), nullable=False),
    Column("scan_id", String(128), nullable=False),
    Column("reading", String(64)),
    Index("apart_by_flag", "flag_id"),
)

#: Flags that a secondary measurement of a container names as its own.
named_flags = Table(
    "named_flags",
    METADATA,
    Column("flag_id", String(128), primary_key=True),
    Column("container_id", String(160), primary_key=True),
)

#: Scans kept apart, and the containers each may be of.
doubts = Table(
    "doubts",
    METADATA,
    Column("scan_id", String(128), primary_key=True),
    Column("container_id", String(160), primary_key=True),
    Index("doubts_by_container", "container_id"),
)

#: Officers' rulings: which container a scan was of.
rulings = Table(
    "rulings",
    METADATA,
    Column("scan_id", String(128), primary_key=True),
    Column("container_id", String(160), primary_key=True),
)

#: Subjects of the revocations taken.
revoked = Table(
    "revoked",
    METADATA,
    Column("subject", String(256), primary_key=True),
    Column("what", String(16), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("at", BigInteger),
)

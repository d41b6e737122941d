"""The audit of a ledger: every entry, every stored hash, every signature, against the exported heads."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from screening.clearance.keys import KeyRing, VerificationError
from screening.clearance.signatures import verify_record
from screening.records import SEALED, ClearanceDecision, TreeHead, sha256_hex

from .damage import Damage, check_nodes, check_place, read_entries
from .entries import LedgerEntry, LedgerError, LedgerReader, stale_node
from .heads import check_head, without_revocations
from .merkle import Frontier, leaf_hash

__all__ = ["AuditReport", "audit"]


class AuditReport(NamedTuple):
    """What an audit found.

    Attributes
    ----------
    n_entry : int
        Entries that hold by themselves and stand where they were written, from the first on.
    root : str
        Merkle tree hash over these, hexadecimal.
    n_head : int
        Heads that fit them.
    damages : tuple of Damage
        Empty if nothing is wrong. The walk ends at the first bad entry: after it, nothing is where it
        was written.
    n_decision : int
        Decisions among these entries.
    """

    n_entry: int
    root: str
    n_head: int
    damages: tuple[Damage, ...]
    n_decision: int = 0

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong.

        Returns
        -------
        bool
            True if there is no damage.
        """
        return not self.damages

    @property
    def first_bad(self) -> int | None:
        """The first index that is not as it was written.

        Returns
        -------
        int or None
            None if nothing is wrong with any entry.
        """
        return min((damage.index for damage in self.damages if damage.index is not None), default=None)


class _LatestDecisions:
    """The last decision of each container, kept on disk: memory does not grow with the ledger."""

    def __init__(self) -> None:
        # An empty name makes a private file that is gone when it is closed.
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute(
            "CREATE TABLE latest (chain TEXT PRIMARY KEY, sha256 TEXT NOT NULL) WITHOUT ROWID"
        )
        self._connection.execute("BEGIN")

    def close(self) -> None:
        self._connection.close()

    def replace(self, decision: ClearanceDecision, sha256: str) -> str | None:
        """Note a decision and return the hash of the one before it."""
        # Exercises have chains of their own.
        chain = f"{'exercise' if decision.is_exercise else 'ops'} {decision.consignment.container_id}"
        row = self._connection.execute("SELECT sha256 FROM latest WHERE chain = ?", (chain,)).fetchone()
        self._connection.execute("INSERT OR REPLACE INTO latest VALUES (?, ?)", (chain, sha256))
        return None if row is None else row[0]


def audit(
    reader: LedgerReader,
    *,
    heads: Iterable[TreeHead] = (),
    kept: Iterable[TreeHead] = (),
    keys: KeyRing,
    ledger_id: str | None = None,
) -> AuditReport:
    """Walk a ledger from its first entry to its last, and hold it against its heads.

    Entries are read in pieces; memory does not grow with the ledger.

    Parameters
    ----------
    reader : LedgerReader
        The ledger.
    heads : iterable of TreeHead
        Heads exported from it.
    kept : iterable of TreeHead
        Heads that it keeps itself, in the order of their sizes: they are read as the walk comes to them,
        however many there are.
    keys : KeyRing
        The keys trusted; one that was revoked since, or has expired, still shows that an entry is what its
        holder sealed.
    ledger_id : str or None
        Its name, where it is known: heads of other ledgers are passed over.

    Returns
    -------
    AuditReport
        What holds, and what does not.
    """
    keys = without_revocations(keys)
    damages: list[Damage] = []
    in_order = heapq.merge(sorted(heads, key=_size), kept, key=_size)
    waiting = _verified(in_order, keys, ledger_id, damages)
    head = next(waiting, None)
    frontier, n_head, n_decision, last_good = Frontier(), 0, 0, 0
    size = reader.size()
    latest = _LatestDecisions()
    try:
        entries = read_entries(reader, 0, size)
        while True:
            while head is not None and head.size == frontier.size:
                if frontier.root.hex() == head.root:
                    n_head, last_good = n_head + 1, head.size
                else:
                    damages.append(_forked(head, last_good))
                head = next(waiting, None)
            entry = next(entries, None)
            if entry is None:
                damage = _check_end(reader, frontier.size, size)
                break
            damage = check_place(reader, entry, frontier.size, size)
            if damage is None:
                damage = _check_entry(entry, keys, latest)
            following, nodes = frontier.append(leaf_hash(entry.body))
            if damage is None:
                damage = check_nodes(reader, entry.index, nodes, size)
            if damage is not None:
                break
            n_decision += entry.kind == "clearance/1"
            frontier = following
    finally:
        latest.close()
    for _ in waiting:  # that a head is bad is said wherever the walk ended
        pass
    if damage is not None:
        damages.append(damage)
    elif head is not None:
        # Every head left is of a larger ledger.
        text = f"{frontier.size} entries; a head of {head.at} was signed over {head.size}"
        damages.append(Damage(frontier.size, "ROLLED_BACK", text))
    return AuditReport(frontier.size, frontier.root.hex(), n_head, tuple(damages), n_decision)


def _size(head: TreeHead) -> int:
    return head.size


def _verified(
    heads: Iterable[TreeHead], keys: KeyRing, ledger_id: str | None, damages: list[Damage]
) -> Iterator[TreeHead]:
    """Yield the heads whose signature holds; what is wrong with others is added to the damages."""
    first: TreeHead | None = None
    size = 0
    for head in heads:
        if ledger_id is not None and head.ledger_id != ledger_id:
            continue
        try:
            check_head(head, keys)
        except LedgerError as error:
            damages.append(Damage(None, "BAD_HEAD", str(error)))
            continue
        if head.size < size:
            damages.append(Damage(None, "BAD_HEAD", f"a head over {head.size} entries among later ones"))
            continue
        if first is not None and head.ledger_id != first.ledger_id:
            text = f"heads of {first.ledger_id} and {head.ledger_id}: say which ledger this is"
            damages.append(Damage(None, "BAD_HEAD", text))
            continue
        first, size = first or head, head.size
        yield head


def _forked(head: TreeHead, last_good: int) -> Damage:
    text = (
        f"a head of {head.at} was signed over {head.size} other entries; "
        f"the difference begins at entry {last_good} or later"
    )
    return Damage(last_good, "FORKED", text)


def _check_end(reader: LedgerReader, n: int, size: int) -> Damage | None:
    """Look at what should be behind the last entry read: nothing."""
    if n < size:
        return Damage(n, "TRUNCATED", f"the ledger says it has {size} entries, and ends after {n}")
    # Whoever appends meanwhile raises the size as well.
    if any(True for _ in reader.entries(size, size + 1)) and reader.size() == size:
        return Damage(size, "INSERTED", f"an entry behind the {size} that the ledger says it has")
    if stale_node(reader, size) is not None:
        return Damage(size, "TRUNCATED", f"entry {size} was written and is not there")
    return None


def _check_entry(entry: LedgerEntry, keys: KeyRing, latest: _LatestDecisions) -> Damage | None:
    """Check that an entry is what somebody sealed, for this place."""
    i = entry.index
    if sha256_hex(entry.body) != entry.sha256:
        return Damage(i, "EDITED", f"entry {i}: its hash is not that of its body")
    kind = SEALED.get(entry.kind)
    if kind is None:
        return Damage(i, "EDITED", f"entry {i}: {entry.kind!r} is no kind of record")
    try:
        record = verify_record(entry.body, kind, keys, allow_exercise=True)
    except VerificationError as error:
        is_other = error.failure in ("MALFORMED", "NOT_CANONICAL", "WRONG_ID")
        return Damage(i, "EDITED" if is_other else "BAD_SIGNATURE", f"entry {i}: {error.failure}: {error}")
    if not isinstance(record, ClearanceDecision):
        return None
    if record.log_index != i:
        is_later = record.log_index is not None and record.log_index > i
        text = f"entry {i} is a decision made for place {record.log_index}"
        return Damage(i, "MISSING" if is_later else "INSERTED", text)
    previous = latest.replace(record, entry.sha256)
    if record.prev_hash != previous:
        container = record.consignment.container_id
        text = f"entry {i} does not follow the decision on {container} before it"
        return Damage(i, "BROKEN_CHAIN", text)
    return None

"""How a ledger differs from what was written, told from what is left of it.

The hash of each entry says what was written at its place; the hashes above say so once more. Where an
entry does not fit, the rest of the ledger is searched for it: that tells an edited record from one that
was taken away, put in, or moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

from .entries import DamageCode, LedgerEntry, LedgerReader, stored_node
from .merkle import Node, leaf_hash, node_hash

__all__ = ["Damage", "check_nodes", "check_place", "read_entries"]

_CHUNK = 500


class Damage(NamedTuple):
    """One thing that is not as it was written.

    Attributes
    ----------
    index : int or None
        First index that it concerns; None for a head that does not verify.
    code : str
        Its kind.
    text : str
        One line for a person.
    """

    index: int | None  # type: ignore[assignment]  # over that of tuples
    code: DamageCode
    text: str


def read_entries(reader: LedgerReader, start: int, stop: int) -> Iterator[LedgerEntry]:
    """Read entries in pieces, so that memory does not grow with the ledger.

    Parameters
    ----------
    reader : LedgerReader
        The ledger.
    start, stop : int
        From this index up to, and without, that one.

    Yields
    ------
    LedgerEntry
        In order.
    """
    for first in range(start, stop, _CHUNK):
        yield from reader.entries(first, min(first + _CHUNK, stop))


def check_place(reader: LedgerReader, entry: LedgerEntry, i: int, size: int) -> Damage | None:
    """Check that an entry is the one that was written at its place, and say how it came there if not.

    Parameters
    ----------
    reader : LedgerReader
        The ledger.
    entry : LedgerEntry
        The entry read.
    i : int
        The index it should have.
    size : int
        How many entries the ledger says it has.

    Returns
    -------
    Damage or None
        None if it is that entry.
    """
    if entry.index > i:
        return Damage(i, "MISSING", f"entry {i} is not there, entry {entry.index} follows")
    if entry.index < i:
        return Damage(i, "INSERTED", f"a second entry says that it is entry {entry.index}")
    leaf = leaf_hash(entry.body)
    written = stored_node(reader, 0, i)
    if leaf == written:
        return None
    if not entry.body:
        return Damage(i, "MISSING", f"the record of entry {i} is not there")
    # Only now is it worth reading on: where was this entry written, and where did that one go?
    origin = _index_of(leaf, reader, size)
    moved_to, has_copy = None, False
    for later in read_entries(reader, i + 1, size + 1):
        value = leaf_hash(later.body)
        has_copy = has_copy or value == leaf
        if value == written and moved_to is None:
            moved_to = later.index
    is_copy = has_copy or (origin is not None and origin < i)
    if moved_to is not None:
        if origin is None or is_copy:
            return Damage(
                i, "INSERTED", f"entry {i} was never written there; what was is now entry {moved_to}"
            )
        return Damage(i, "REORDERED", f"entry {origin} is now entry {i}, and entry {i} is entry {moved_to}")
    if origin is None or is_copy:
        return Damage(i, "EDITED", f"entry {i} is not what was written there")
    return Damage(i, "MISSING", f"entry {i} is not there; what was entry {origin} stands in its place")


def _index_of(leaf: bytes, reader: LedgerReader, size: int) -> int | None:
    """Return where a leaf was written; the nodes may reach further than the entries that are left."""
    for j in count():
        value = stored_node(reader, 0, j)
        if value == leaf:
            return j
        if value is None and j >= size:
            return None
    raise AssertionError  # count() has no end


def check_nodes(reader: LedgerReader, i: int, nodes: Sequence[Node], size: int) -> Damage | None:
    """Check the stored hashes that became complete with an entry.

    Parameters
    ----------
    reader : LedgerReader
        The ledger.
    i : int
        Index of the entry.
    nodes : sequence of Node
        What the hashes have to be, lowest first.
    size : int
        How many entries the ledger says it has.

    Returns
    -------
    Damage or None
        None if all of them fit.
    """
    for node in nodes:
        stored = stored_node(reader, node.level, node.index)
        if stored == node.value:
            continue
        if node.level == 1 and stored is not None:
            return _blame_pair(reader, i, stored, size)
        first = node.index << node.level
        text = f"the stored hash over entries {first} to {i} does not fit them"
        return Damage(first, "EDITED", text)
    return None


def _blame_pair(reader: LedgerReader, i: int, written: bytes, size: int) -> Damage:
    """Say which entry of a pair is not the one it was hashed with, where their own hashes moved with them.

    A ledger that keeps the hash of each entry in its row says nothing at the lowest level when rows are
    numbered anew; the hash over each pair is the first to differ.
    """
    left, right = _leaf(reader, i - 1), _leaf(reader, i)
    if node_hash(right, left) == written:
        return Damage(i - 1, "REORDERED", f"entries {i - 1} and {i} have changed places")
    following = _leaf(reader, i + 1)
    if node_hash(right, following) == written:
        return Damage(i - 1, "INSERTED", f"what was entry {i - 1} is now entry {i}, behind a stranger")
    if node_hash(left, following) == written:
        if node_hash(right, _leaf(reader, i + 2)) == stored_node(reader, 1, (i >> 1) + 1):
            return Damage(i, "REORDERED", f"entries {i} and {i + 1} have changed places")
        return Damage(i, "INSERTED", f"what was entry {i} is now entry {i + 1}, behind a stranger")
    for j in range(size):
        leaf = _leaf(reader, j)
        if node_hash(leaf, right) == written:
            return Damage(i - 1, "REORDERED", f"entry {i - 1} is now entry {j}")
        if node_hash(left, leaf) == written:
            return Damage(i, "REORDERED", f"entry {i} is now entry {j}")
    if node_hash(right, following) == stored_node(reader, 1, (i >> 1) + 1):
        return Damage(i - 1, "MISSING", f"entry {i - 1} or {i} is not there; those behind have moved up")
    return Damage(i - 1, "EDITED", f"entries {i - 1} and {i} are not those that were written there")


def _leaf(reader: LedgerReader, index: int) -> bytes:
    return stored_node(reader, 0, index) or b""

from __future__ import annotations

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from screening.clearance.ledger.merkle import (
    Frontier,
    consistency_path,
    inclusion_path,
    leaf_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)


def naive_root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


@settings(max_examples=150, deadline=None)
@given(leaves=st.lists(st.binary(max_size=5), max_size=150), data=st.data())
def test_the_tree_is_that_of_the_definition(leaves: list[bytes], data: st.DataObject) -> None:
    frontier, stored, read = Frontier(), {}, []
    for leaf in leaves:
        frontier, nodes = frontier.append(leaf_hash(leaf))
        stored.update({(n.level, n.index): n.value for n in nodes})

    def node(level: int, index: int) -> bytes:
        read.append((level, index))
        return stored[level, index]

    n = len(leaves)
    first = data.draw(st.integers(0, n))
    assert frontier.root == naive_root(leaves)
    assert tree_root(first, node) == naive_root(leaves[:first])
    assert Frontier.of(n, node) == frontier
    read.clear()
    path = consistency_path(first, n, node)
    assert len(read) <= 2 * n.bit_length()
    assert verify_consistency(first, naive_root(leaves[:first]), n, frontier.root, path)
    if n:
        index = data.draw(st.integers(0, n - 1))
        read.clear()
        path = inclusion_path(index, n, node)
        assert len(read) <= 2 * n.bit_length()
        assert len(path) <= (n - 1).bit_length()
        assert verify_inclusion(leaf_hash(leaves[index]), index, n, path, frontier.root)
        if path:
            place = data.draw(st.integers(0, len(path) - 1))
            changed = bytearray(path[place])
            changed[data.draw(st.integers(0, 31))] ^= data.draw(st.integers(1, 255))
            path[place] = bytes(changed)
            assert not verify_inclusion(leaf_hash(leaves[index]), index, n, path, frontier.root)

"""The published reference tree of Certificate Transparency, and every proof of small trees."""

from __future__ import annotations

import hashlib
from functools import cache

import pytest

from screening.clearance.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

#: The leaves of the reference tree, and its roots over the first 0, 1 ... 8 of them.
REFERENCE = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
N = 20


@cache
def naive_root(leaves: tuple[bytes, ...]) -> bytes:
    """The definition, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def tree_of(leaves):
    """Append leaves one by one; return the frontier and what was stored."""
    frontier, stored = Frontier(), {}
    for data in leaves:
        frontier, nodes = frontier.append(leaf_hash(data))
        for node in nodes:
            assert (node.level, node.index) not in stored
            stored[node.level, node.index] = node.value
    return frontier, lambda level, index: stored[level, index]


def spoiled(path: list[bytes]):
    """The path with each of its bytes changed, without its first or last hash, and with one too many."""
    for i, value in enumerate(path):
        for j in range(len(value)):
            changed = bytearray(value)
            changed[j] ^= 0x40
            yield [*path[:i], bytes(changed), *path[i + 1 :]]
        yield [*path[:i], value[:-1], *path[i + 1 :]]
    if path:
        yield path[1:]
        yield path[:-1]
    yield [*path, b"\x00" * 32]


def test_the_roots_of_the_reference_tree() -> None:
    for n, root in enumerate(ROOTS):
        frontier, node = tree_of(REFERENCE[:n])
        assert frontier.root.hex() == root
        assert naive_root(tuple(REFERENCE[:n])).hex() == root
        assert tree_root(n, node).hex() == root
    assert EMPTY_ROOT.hex() == ROOTS[0]
    assert leaf_hash(b"").hex() == ROOTS[1]


def test_proofs_of_the_reference_tree() -> None:
    _, node = tree_of(REFERENCE)
    assert inclusion_path(0, 1, node) == []
    assert [h.hex() for h in inclusion_path(0, 8, node)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert [h.hex() for h in inclusion_path(5, 8, node)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert consistency_path(1, 1, node) == []
    assert [h.hex() for h in consistency_path(6, 8, node)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_every_inclusion_proves_itself_and_nothing_else() -> None:
    data = tuple(bytes([i]) for i in range(N))
    _, node = tree_of(data)
    roots = [naive_root(data[:n]) for n in range(N + 1)]
    for size in range(1, N + 1):
        for index in range(size):
            path = inclusion_path(index, size, node)
            leaf = leaf_hash(data[index])
            assert verify_inclusion(leaf, index, size, path, roots[size])
            for other in range(-1, size + 2):
                assert verify_inclusion(leaf, other, size, path, roots[size]) == (other == index)
            for other in range(N + 1):  # a size goes with its root: no head holds another pair
                assert verify_inclusion(leaf, index, other, path, roots[other]) == (other == size)
            assert not verify_inclusion(leaf_hash(b"x"), index, size, path, roots[size])
            for bad in spoiled(path):
                assert not verify_inclusion(leaf, index, size, bad, roots[size])


def test_every_consistency_proves_itself_and_nothing_else() -> None:
    data = tuple(bytes([i]) for i in range(N))
    _, node = tree_of(data)
    roots = [naive_root(data[:n]) for n in range(N + 1)]
    for second in range(N + 1):
        for first in range(second + 1):
            path = consistency_path(first, second, node)
            assert verify_consistency(first, roots[first], second, roots[second], path)
            for other in range(N + 1):
                if other != first and path:
                    assert not verify_consistency(other, roots[other], second, roots[second], path)
                    assert not verify_consistency(other, roots[first], second, roots[first], path)
                if other != second and path:
                    assert not verify_consistency(first, roots[first], other, roots[other], path)
            for bad in spoiled(path):
                assert not verify_consistency(first, roots[first], second, roots[second], bad)
            if first:
                assert not verify_consistency(first, roots[first - 1], second, roots[second], path)


def test_a_tree_with_another_past_is_not_consistent() -> None:
    data = [bytes([i]) for i in range(N)]
    for first in range(1, N):
        for changed in range(first):
            other = list(data)
            other[changed] = b"changed"
            _, node = tree_of(other)
            path = consistency_path(first, N, node)
            old = naive_root(tuple(data[:first]))
            assert not verify_consistency(first, old, N, tree_root(N, node), path)


def test_what_is_no_hash_and_what_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="leaf_hash"):
        Frontier().append(b"data")
    _, node = tree_of([b"a"])
    for index, size in ((1, 1), (-1, 1), (0, 0)):
        with pytest.raises(ValueError, match="no leaf"):
            inclusion_path(index, size, node)
    with pytest.raises(ValueError, match="does not begin"):
        consistency_path(2, 1, node)
    assert not verify_consistency(2, EMPTY_ROOT, 1, EMPTY_ROOT, [])
    assert not verify_consistency(0, leaf_hash(b"a"), 1, leaf_hash(b"a"), [])
    assert node_hash(EMPTY_ROOT, EMPTY_ROOT) != leaf_hash(EMPTY_ROOT + EMPTY_ROOT)

"""The Merkle tree of RFC 6962, section 2.1: roots, proofs of inclusion and of consistency.

The tree is kept as the hashes of its complete subtrees, which never change once they are written:
``node(level, index)`` is the hash over the leaves from ``index * 2**level`` up to, and without,
``(index + 1) * 2**level``. Every function here reads O(log n) of them and nothing else.

A root does not say over how many leaves it was taken. Index and path are therefore held against the
size and the root of one signed head, never against a size that came from elsewhere: see
:func:`screening.clearance.ledger.verify_entry`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

__all__ = [
    "EMPTY_ROOT",
    "Frontier",
    "Node",
    "NodeOf",
    "consistency_path",
    "inclusion_path",
    "leaf_hash",
    "node_hash",
    "tree_root",
    "verify_consistency",
    "verify_inclusion",
]

#: Gives the hash of a complete subtree by level and index.
NodeOf: TypeAlias = Callable[[int, int], bytes]

#: Root over no leaves at all: the hash of an empty string.
EMPTY_ROOT = hashlib.sha256(b"").digest()

_HASH_BYTES = 32


class Node(NamedTuple):
    """The hash of a complete subtree, as it is stored.

    Attributes
    ----------
    level : int
        It is over ``2**level`` leaves.
    index : int
        Its place among those of its level.
    value : bytes
        The hash, 32 bytes.
    """

    level: int
    index: int  # type: ignore[assignment]  # the word of RFC 6962, over that of tuples
    value: bytes


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf.

    Parameters
    ----------
    data : bytes
        What the leaf holds: the canonical bytes of a sealed record.

    Returns
    -------
    bytes
        sha256 of 0x00 and the data (RFC 6962, 2.1); the prefix keeps leaves and nodes apart.
    """
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over two subtrees.

    Parameters
    ----------
    left, right : bytes
        Their hashes.

    Returns
    -------
    bytes
        sha256 of 0x01 and the two (RFC 6962, 2.1).
    """
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier(NamedTuple):
    """What is needed of a tree to append to it: the complete subtrees its leaves part into.

    Attributes
    ----------
    size : int
        Number of leaves.
    hashes : tuple of bytes
        One for each bit set in the size, largest subtree first.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, size: int, node: NodeOf) -> Frontier:
        """Return the frontier of a stored tree.

        Parameters
        ----------
        size : int
            Number of leaves.
        node : callable
            Its stored nodes.

        Returns
        -------
        Frontier
            Of the first `size` leaves.
        """
        return cls(size, tuple(node(level, index) for level, index in _complete_subtrees(0, size)))

    def append(self, leaf: bytes) -> tuple[Frontier, tuple[Node, ...]]:
        """Return the frontier with one leaf more, and the nodes that became complete by it.

        Parameters
        ----------
        leaf : bytes
            Hash of the leaf, from :func:`leaf_hash`; not the data.

        Returns
        -------
        frontier : Frontier
            The new one.
        nodes : tuple of Node
            To be stored: the leaf, and every subtree that ends with it.

        Raises
        ------
        ValueError
            If `leaf` is no hash.
        """
        if len(leaf) != _HASH_BYTES:
            raise ValueError(f"a frontier takes leaf_hash(data), got {len(leaf)} bytes")
        level, index, value, hashes = 0, self.size, leaf, list(self.hashes)
        nodes = [Node(level, index, value)]
        while index & 1:
            value = node_hash(hashes.pop(), value)
            level, index = level + 1, index >> 1
            nodes.append(Node(level, index, value))
        return Frontier(self.size + 1, (*hashes, value)), tuple(nodes)

    @property
    def root(self) -> bytes:
        """The Merkle tree hash over the leaves so far.

        Returns
        -------
        bytes
            32 bytes.
        """
        return _fold(self.hashes)


def tree_root(size: int, node: NodeOf) -> bytes:
    """Return the Merkle tree hash over the first leaves of a stored tree.

    Parameters
    ----------
    size : int
        How many leaves.
    node : callable
        Its stored nodes.

    Returns
    -------
    bytes
        32 bytes.
    """
    return Frontier.of(size, node).root


def inclusion_path(index: int, size: int, node: NodeOf) -> list[bytes]:
    """Return the proof that a leaf is in a tree (RFC 6962, 2.1.1).

    Parameters
    ----------
    index : int
        Which leaf.
    size : int
        How many leaves the tree has.
    node : callable
        Its stored nodes.

    Returns
    -------
    list of bytes
        Siblings from the leaf to the root.

    Raises
    ------
    ValueError
        If there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    path: list[bytes] = []
    start, n = 0, size
    while n > 1:
        half = _split(n)
        if index < half:
            path.append(_range_hash(start + half, start + n, node))
            n = half
        else:
            path.append(_range_hash(start, start + half, node))
            start, n, index = start + half, n - half, index - half
    return path[::-1]


def consistency_path(first: int, second: int, node: NodeOf) -> list[bytes]:
    """Return the proof that a tree begins with a smaller one (RFC 6962, 2.1.2).

    Parameters
    ----------
    first, second : int
        Sizes of the smaller and of the larger tree.
    node : callable
        Stored nodes of the larger one.

    Returns
    -------
    list of bytes
        The proof; empty where the sizes are equal, or the smaller tree is empty.

    Raises
    ------
    ValueError
        If the first tree is larger than the second.
    """
    if not 0 <= first <= second:
        raise ValueError(f"a tree of {second} does not begin with one of {first}")
    if first in (0, second):
        return []
    path: list[bytes] = []
    start, n, wanted, is_whole = 0, second, first, True
    while wanted < n:
        half = _split(n)
        if wanted <= half:
            path.append(_range_hash(start + half, start + n, node))
            n = half
        else:
            path.append(_range_hash(start, start + half, node))
            start, n, wanted, is_whole = start + half, n - half, wanted - half, False
    if not is_whole:
        path.append(_range_hash(start, start + n, node))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Tell whether a path proves that a leaf is in a tree.

    Parameters
    ----------
    leaf : bytes
        Hash of the leaf.
    index : int
        Its place.
    size : int
        Number of leaves, from the same signed head as the root.
    path : sequence of bytes
        The proof.
    root : bytes
        Root of the tree.

    Returns
    -------
    bool
        False for anything malformed too.
    """
    if not (0 <= index < size and _are_hashes(leaf, root, *path)):
        return False
    # Both count places at the level reached: ours, and the last of the tree.
    place, last, value = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            value = node_hash(sibling, value)
            # The last of an odd number has no sibling; it rises until it has one.
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and value == root


def verify_consistency(
    first: int, first_root: bytes, second: int, second_root: bytes, path: Sequence[bytes]
) -> bool:
    """Tell whether a path proves that a tree begins with a smaller one.

    Parameters
    ----------
    first : int
        Size of the smaller one.
    first_root : bytes
        Its root, from the same signed head.
    second : int
        Size of the larger one.
    second_root : bytes
        Its root, from the same signed head.
    path : sequence of bytes
        The proof.

    Returns
    -------
    bool
        False for anything malformed too.
    """
    if not (0 <= first <= second and _are_hashes(first_root, second_root, *path)):
        return False
    if first == 0:
        return not path and first_root == EMPTY_ROOT and (second > 0 or second_root == EMPTY_ROOT)
    if first == second:
        return not path and first_root == second_root
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    # A smaller tree that is one complete subtree is a node of the larger one: the proof begins with its root.
    hashes = [first_root, *path] if place == 0 else list(path)
    if not hashes:
        return False
    old = new = hashes[0]
    for value in hashes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(value, old), node_hash(value, new)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, value)
        place, last = place >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _split(n: int) -> int:
    """Return the largest power of two below n."""
    return 1 << (n - 1).bit_length() - 1


def _complete_subtrees(start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Part leaves into complete subtrees, largest first; `start` is a multiple of the largest."""
    while start < stop:
        level = (stop - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def _range_hash(start: int, stop: int, node: NodeOf) -> bytes:
    return _fold([node(level, index) for level, index in _complete_subtrees(start, stop)])


def _fold(hashes: Sequence[bytes]) -> bytes:
    """Return the hash over subtrees of falling size: the smallest two are joined first."""
    if not hashes:
        return EMPTY_ROOT
    value = hashes[-1]
    for left in reversed(hashes[:-1]):
        value = node_hash(left, value)
    return value


def _are_hashes(*values: bytes) -> bool:
    return all(isinstance(value, bytes) and len(value) == _HASH_BYTES for value in values)

"""What a ledger holds, how it is read, and how one says that it is damaged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, Protocol

from screening.errors import IntegrityError

__all__ = ["DamageCode", "LedgerEntry", "LedgerError", "LedgerReader", "stale_node", "stored_node"]

DamageCode = Literal[
    "EDITED", "MISSING", "REORDERED", "INSERTED", "TRUNCATED", "ROLLED_BACK", "FORKED", "BROKEN_CHAIN",
    "BAD_SIGNATURE", "BAD_HEAD", "NO_HEADS",
]  # fmt: skip


class LedgerEntry(NamedTuple):
    """One sealed record in a ledger.

    Attributes
    ----------
    index : int
        Its place, from 0.
    kind : str
        Schema of the record ("clearance/1").
    sha256 : str
        Hash of the body.
    body : bytes
        Canonical bytes of the record, with its signature.
    """

    index: int  # type: ignore[assignment]  # over that of tuples
    kind: str
    sha256: str
    body: bytes


class LedgerReader(Protocol):
    """Read access to a ledger, wherever it is kept."""

    def size(self) -> int:
        """Return how many entries the ledger says it has.

        Returns
        -------
        int
            The number.
        """
        ...

    def entries(self, start: int, stop: int) -> Iterable[LedgerEntry]:
        """Return entries as they are stored.

        Parameters
        ----------
        start, stop : int
            From this index up to, and without, that one. What is missing is left out.

        Returns
        -------
        iterable of LedgerEntry
            In the order of their indices.
        """
        ...

    def node(self, level: int, index: int) -> bytes:
        """Return the stored hash of a complete subtree.

        Parameters
        ----------
        level, index : int
            Which; see :mod:`screening.clearance.ledger.merkle`.

        Returns
        -------
        bytes
            32 bytes.

        Raises
        ------
        LookupError or IntegrityError
            If it is not stored.
        """
        ...


class LedgerError(IntegrityError):
    """A ledger that is not the one whose head was signed.

    Parameters
    ----------
    message : str
        One line for a person.
    failure : str
        Kind of damage.
    index : int or None
        First index that is not as it was; None where that cannot be said.

    Attributes
    ----------
    failure : str
        Kind of damage.
    index : int or None
        First index that is not as it was.
    """

    def __init__(self, message: str, failure: DamageCode, *, index: int | None = None) -> None:
        super().__init__(message, value=index)
        self.failure: DamageCode = failure
        self.index = index


def stored_node(reader: LedgerReader, level: int, index: int) -> bytes | None:
    """Return a stored hash, or None where the ledger has none.

    Parameters
    ----------
    reader : LedgerReader
        The ledger.
    level, index : int
        Which subtree.

    Returns
    -------
    bytes or None
        The hash.
    """
    try:
        return reader.node(level, index)
    except (LookupError, IntegrityError):
        return None


def stale_node(reader: LedgerReader, size: int) -> tuple[int, int] | None:
    """Look for a stored hash over more entries than a ledger has.

    Parameters
    ----------
    reader : LedgerReader
        The ledger.
    size : int
        How many entries it has.

    Returns
    -------
    tuple of int or None
        Level and index of one; None if there is none, or the ledger has grown meanwhile.
    """
    for level in range(size.bit_length() + 1):
        if stored_node(reader, level, size >> level) is not None:
            return None if reader.size() > size else (level, size >> level)
    return None

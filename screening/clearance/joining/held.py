"""What is held of a container: a set of records, put in the one order that everything is read in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from screening.clearance.seals import parse_time
from screening.records import (
    Evidence,
    IdentityRuling,
    RiskFlag,
    canonical_bytes,
    container_of,
    sha256_hex,
    stated_at,
)

__all__ = ["Held", "hold"]

E = TypeVar("E", bound=Evidence)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Held(NamedTuple):
    """A container's records, each once, in order of the time they state and then of their hash.

    Attributes
    ----------
    records : tuple of Evidence
        All of them; those without a time come first.
    trusted, apart : frozenset of int
        Which of these very objects a trusted key sealed, and which are kept apart.
    by_kind : mapping of type to list of Evidence
        The same records, each kind by itself.
    """

    records: tuple[Evidence, ...]
    trusted: frozenset[int]
    apart: frozenset[int]
    by_kind: Mapping[type[Any], Sequence[Any]]

    def vouches(self, record: Evidence) -> bool:
        """Tell whether a trusted key sealed one of the records.

        Parameters
        ----------
        record : Evidence
            One of them.

        Returns
        -------
        bool
            Whether it did.
        """
        return id(record) in self.trusted

    def of(self, kind: type[E], *, trusted_only: bool = False) -> tuple[E, ...]:
        """Return the records of a kind.

        Parameters
        ----------
        kind : type
            The kind.
        trusted_only : bool
            Leave out what no trusted key sealed.

        Returns
        -------
        tuple of Evidence
            In order.
        """
        found: Sequence[E] = self.by_kind.get(kind, ())
        return tuple(record for record in found if self.vouches(record)) if trusted_only else tuple(found)


def hold(
    container_id: str,
    records: Iterable[Evidence],
    apart: Iterable[Evidence],
    is_trusted: Callable[[Evidence], bool],
    hash_of: Callable[[Evidence], str] | None = None,
) -> Held:
    """Return what is held of a container.

    Parameters
    ----------
    container_id : str
        ISO 6346 number, compact.
    records : iterable of Evidence
        Its records, in any order and any number of times.
    apart : iterable of Evidence
        Records that are kept apart and may concern it.
    is_trusted : callable
        Whether a record is sealed by a trusted key; asked once of each.
    hash_of : callable or None
        The sha256 of a record's sealed bytes, for a caller that knows it; None: computed here.

    Returns
    -------
    Held
        Flags of whatever number, and what else names the container.
    """
    hash_of = hash_of or _hash
    known = {hash_of(record): record for record in records}
    doubted = {hash_of(record): record for record in apart}
    known |= doubted
    order = sorted(known, key=lambda sha256: (parse_time(stated_at(known[sha256])) or _LONG_AGO, sha256))
    kept = [known[sha256] for sha256 in order if _concerns(known[sha256], container_id)]
    by_kind: dict[type[Any], list[Evidence]] = {}
    for record in kept:
        by_kind.setdefault(type(record), []).append(record)
    return Held(
        tuple(kept),
        frozenset(id(record) for record in kept if is_trusted(record)),
        frozenset(id(record) for record in doubted.values()),
        by_kind,
    )


def _concerns(record: Evidence, container_id: str) -> bool:
    """Tell whether a record says anything of the container; a ruling may say that a scan is another's."""
    if isinstance(record, RiskFlag) or container_of(record) == container_id:
        return True
    return isinstance(record, IdentityRuling)


def _hash(record: Evidence) -> str:
    return sha256_hex(canonical_bytes(record))

"""What officers ruled of scans, as far as their stations' keys are still good."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, select

from screening.records import IdentityRuling, Revocation, RevocationList, Sealed

from .names import compact_number
from .tables import records, revoked, rulings

__all__ = ["keys_revoked_by", "rulings_on", "scans_ruled_under"]


def rulings_on(
    connection: Connection, scan_ids: Iterable[str], lost: frozenset[str] = frozenset()
) -> dict[str, dict[str, frozenset[str]]]:
    """Return who ruled which container some scans are of.

    Parameters
    ----------
    connection : Connection
        In a write transaction.
    scan_ids : iterable of str
        The scans.
    lost : frozenset of str
        Keys that the same transaction revokes; those revoked before are known.

    Returns
    -------
    dict of str to dict of str to frozenset of str
        By scan and container, the officers; a scan that nobody ruled on is left out.
    """
    wanted = frozenset(scan_ids)
    query = select(rulings.c.container_id).where(rulings.c.scan_id.in_(sorted(wanted))).distinct()
    boxes = sorted(connection.execute(query).scalars())
    if not boxes:
        return {}
    keys = select(revoked.c.subject).where(revoked.c.what == "KEY")
    lost |= frozenset(connection.execute(keys).scalars())
    found: dict[str, dict[str, frozenset[str]]] = {}
    for ruling in _stated(connection, boxes):
        if ruling.scan_id in wanted and ruling.key_id not in lost:
            by_box = found.setdefault(ruling.scan_id, {})
            box = compact_number(ruling.container_id)
            by_box[box] = by_box.get(box, frozenset()) | {ruling.officer_ref}
    return found


def scans_ruled_under(connection: Connection, keys: frozenset[str]) -> set[str]:
    """Return the scans on which somebody ruled under one of some keys.

    Parameters
    ----------
    connection : Connection
        In a transaction.
    keys : frozenset of str
        The keys.

    Returns
    -------
    set of str
        The scans.
    """
    return {one.scan_id for one in _stated(connection) if one.key_id in keys} if keys else set()


def keys_revoked_by(fresh: Iterable[Sealed]) -> frozenset[str]:
    """Return the keys that some records revoke.

    Parameters
    ----------
    fresh : iterable of Sealed
        The records.

    Returns
    -------
    frozenset of str
        Their identifiers.
    """
    stated: list[Revocation] = []
    for record in fresh:
        if isinstance(record, Revocation):
            stated.append(record)
        elif isinstance(record, RevocationList):
            stated.extend(record.revocations)
    return frozenset(one.subject for one in stated if one.what == "KEY")


def _stated(connection: Connection, boxes: list[str] | None = None) -> list[IdentityRuling]:
    query = select(records.c.body).where(records.c.kind == "identityruling/1")
    if boxes is not None:
        query = query.where(records.c.case_key.in_(boxes))
    bodies = connection.execute(query).scalars()
    return [msgspec.json.decode(bytes(body), type=IdentityRuling) for body in bodies]

"""The ledger of a site: audited where it lies, by somebody who needs no private key and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, func, select, tuple_

from screening.clearance.key_files import load_signer, read_public_key
from screening.clearance.keys import EVERY_KIND, KeyRing
from screening.clearance.ledger import AuditReport, Damage, audit, heads_of, no_heads
from screening.clearance.settings import ClearanceSettings
from screening.errors import ConfigurationError, IntegrityError, StoreError
from screening.records import TreeHead, parse_strict

from .appending import DeskLedger
from .database import Database
from .tables import heads as heads_kept
from .tables import ledger

__all__ = ["audit_site", "site_keys"]

_PAGE = 500


def site_keys(settings: ClearanceSettings) -> KeyRing:
    """Return the keys whose records a site's ledger may hold, its own among them.

    Parameters
    ----------
    settings : ClearanceSettings
        The site.

    Returns
    -------
    KeyRing
        The keys. The site's own is read from the public file beside its key file where there is one.
    """
    from screening.clearance.opening import load_keys

    private = Path(settings.key_file)
    public = private.with_name(private.name + ".pub")
    own = read_public_key(public) if public.exists() else load_signer(private).public
    # The site sealed whatever it sealed: its public file says what others trust it for.
    own = msgspec.structs.replace(own, kinds=(EVERY_KIND,))
    others = load_keys(settings.trusted_keys)
    return KeyRing([*(key for key in others if key.key_id != own.key_id), own])


def audit_site(settings: ClearanceSettings, *, heads: Path | None = None) -> AuditReport:
    """Audit a site's ledger against the heads it exported, and those that its database keeps itself.

    Parameters
    ----------
    settings : ClearanceSettings
        The site.
    heads : Path or None
        Folder of exported heads; None for that of the settings.

    Returns
    -------
    AuditReport
        What holds, and what does not.

    Raises
    ------
    ConfigurationError
        If a key, or the folder of heads, cannot be read, or there is no database.
    StoreError
        If the database cannot be read.
    """
    if not settings.is_postgresql and not Path(settings.database).exists():
        # Opening would make an empty one, and find nothing wrong with it.
        raise ConfigurationError(f"there is no database {settings.database}", value=settings.database)
    keys = site_keys(settings)
    folder = heads or (Path(settings.heads) if settings.heads is not None else None)
    exported = heads_of(folder) if folder is not None else ()
    database = Database(settings.database)
    try:
        ledger_id = database.read(lambda c: str(c.execute(select(ledger.c.ledger_id)).scalar_one()))
        reader = DeskLedger(database)
        unread: list[Damage] = []
        kept = _kept_heads(database, unread)
        report = audit(reader, heads=exported, kept=kept, keys=keys, ledger_id=ledger_id)
        damages = tuple(unread)
        if exported and not any(head.ledger_id == ledger_id for head in exported):
            damages += (Damage(None, "BAD_HEAD", f"heads of other ledgers alone, none of {ledger_id}"),)
        if folder is not None and not exported and (report.n_entry or report.n_head):
            missing = no_heads(folder, report.n_entry)
            damages += (Damage(None, "NO_HEADS", str(missing)),)
        if report.is_good:
            damages += _frontier_damage(reader, report)
        return report._replace(damages=(*damages, *report.damages))
    finally:
        database.close()


def _kept_heads(database: Database, damages: list[Damage]) -> Iterator[TreeHead]:
    """Yield the heads that a database keeps in the order of their sizes, a page at a time."""
    place = tuple_(heads_kept.c.size, heads_kept.c.key_id)
    last = (-1, "")
    # Asked for before the ledger's size is: whoever signs meanwhile signs over entries the walk may not see.
    newest = database.read(lambda c: c.execute(select(func.max(heads_kept.c.size))).scalar())
    while newest is not None:
        query = (
            select(heads_kept)
            .where(place > last, heads_kept.c.size <= newest)
            .order_by(heads_kept.c.size, heads_kept.c.key_id)
            .limit(_PAGE)
        )
        rows = database.read(partial(_all_of, query))
        for row in rows:
            last = (row.size, row.key_id)
            try:
                head = parse_strict(bytes(row.body), TreeHead)
            except IntegrityError as error:
                damages.append(Damage(None, "BAD_HEAD", f"a head in the database: {error}"))
                continue
            if (head.size, head.key_id) != last:
                damages.append(Damage(None, "BAD_HEAD", f"a head over {head.size} entries is kept as {last}"))
                continue
            yield head
        if len(rows) < _PAGE:
            return


def _all_of(query: Select[Any], connection: Connection) -> Sequence[Row[Any]]:
    return connection.execute(query).all()


def _frontier_damage(reader: DeskLedger, report: AuditReport) -> tuple[Damage, ...]:
    """Hold the end of the ledger, over which no stored hash is complete, against the stored frontier."""
    try:
        frontier = reader.frontier()
    except (StoreError, IntegrityError) as error:
        return (Damage(None, "EDITED", f"the stored frontier: {error}"),)
    if frontier.size == report.n_entry and frontier.root.hex() != report.root:
        last = max(report.n_entry - 1, 0)
        return (Damage(last, "EDITED", "the stored frontier is not that of the entries"),)
    return ()

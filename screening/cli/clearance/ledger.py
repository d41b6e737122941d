"""Clearance commands: audit the ledger, export its head."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]

_Config = Annotated[Path, typer.Option("--config", help="The site's settings, with a clearance table.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module.

    Parameters
    ----------
    app : typer.Typer
        The clearance command line.
    """
    app.command()(audit)
    app.command()(head)


def audit(
    config: _Config,
    heads: Annotated[
        Path | None, typer.Option(help="Folder of exported heads; else that of the settings.")
    ] = None,
) -> None:
    """Audit the ledger, entry by entry, against its exported heads. Exit status 3 if anything is wrong."""
    from screening.clearance.desk.auditing import audit_site
    from screening.clearance.settings import read_clearance_settings

    settings = read_clearance_settings(config)
    report = audit_site(settings, heads=heads)
    typer.echo(f"entries   {report.n_entry}, of which decisions {report.n_decision}")
    typer.echo(f"root      {report.root}")
    typer.echo(f"heads     {report.n_head} fit")
    if heads is None and settings.heads is None:
        typer.echo("not checked  rollback: no folder of exported heads was given (--heads)")
    for damage in report.damages:
        where = "" if damage.index is None else f" at entry {damage.index}"
        typer.echo(f"{damage.code}{where}: {damage.text}")
    if not report.is_good:
        first = report.first_bad
        typer.echo("NOT GOOD" if first is None else f"NOT GOOD: first bad entry {first}")
        raise typer.Exit(3)
    typer.echo("good")


def head(
    config: _Config,
    out: Annotated[
        Path, typer.Option(help="Folder the head is written to; best on another machine or medium.")
    ],
) -> None:
    """Export the signed head of the ledger. Exit status 3 if the ledger does not fit its earlier heads."""
    from screening.clearance.ledger import write_head
    from screening.clearance.opening import open_desk
    from screening.clearance.settings import read_clearance_settings
    from screening.errors import IntegrityError

    settings = read_clearance_settings(config)
    try:
        with open_desk(settings) as desk:
            made = desk.head()
    except IntegrityError as error:
        typer.echo(f"NOT SIGNED: {error}")
        raise typer.Exit(3) from None
    path = write_head(out, made)
    typer.echo(f"{path}: {made.size} entries, root {made.root}")

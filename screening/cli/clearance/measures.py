"""Clearance command: measures of a programme, from the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands of this module.

    Parameters
    ----------
    app : typer.Typer
        The clearance command line.
    """
    app.command()(measures)


def measures(
    config: Annotated[Path, typer.Option("--config", help="The site's settings.", show_default=False)],
    expected: Annotated[
        Path, typer.Option(help="What vessels and trains announced: container_id,list.", show_default=False)
    ],
    out: Annotated[Path | None, typer.Option(help="Write the tables for 'screening evaluate' here.")] = None,
    seals: Annotated[
        Path | None, typer.Option(help="Models of seals, and which of them were opened.", show_default=False)
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(help="When the record is closed, RFC 3339; now without it.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Print the measures of the programme that a site's ledger tells."""
    import msgspec

    from screening.clearance import measures as programme
    from screening.clearance.opening import open_desk
    from screening.clearance.settings import read_clearance_settings
    from screening.errors import ConfigurationError

    settings = read_clearance_settings(config)
    for path in (expected, seals):
        if path is not None and not path.is_file():
            raise ConfigurationError(f"{path}: no such file", value=str(path))
    now = datetime.now(UTC) if as_of is None else _time(as_of)
    announced = programme.read_expected(expected)
    truths = None if seals is None else programme.read_truths(seals)
    desk = open_desk(settings)
    try:
        ledger = programme.read_ledger(desk.ledger, until=now)
    finally:
        desk.close()
    runs = programme.container_runs(
        ledger.records, announced, administration=settings.administration, stage=settings.stage
    )
    trips, reads = programme.seal_trips(ledger.records, now=now, truths=truths)
    found = (
        *programme.programme_measures(announced, runs, now=now),
        *programme.seal_measures(trips, reads),
    )
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
    else:
        heading = ""
        for one in found:
            if one.of != heading:
                heading = one.of
                typer.echo(f"{heading}:")
            typer.echo(one.line())
    if out is not None:
        files = programme.write_tables(out, expected=announced, runs=runs, trips=trips, reads=reads)
        typer.echo(f"written: {', '.join(str(path) for path in files)}", err=True)
    if ledger.n_unknown:
        typer.echo(f"{ledger.n_unknown} entries of kinds this version does not know were left out", err=True)
        raise typer.Exit(1)


def _time(text: str) -> datetime:
    from screening.clearance.transit.route import time_of

    found = time_of(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no time with a zone", param_hint="--as-of")
    return found

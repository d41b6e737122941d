"""Clearance command: serve."""

from __future__ import annotations

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
    app.command()(serve)


def serve(
    config: Annotated[Path, typer.Option(help="Settings of the site, with a clearance table.")],
    exercise: Annotated[
        bool, typer.Option("--exercise", help="Run an exercise, under an exercise key (never for cargo).")
    ] = False,
) -> None:
    """Take sealed records over HTTP, decide, relay and answer, until told to stop.

    Exit status 3 if the ledger does not fit its exported heads, or they are not there.
    """
    import msgspec

    from screening.clearance.settings import read_clearance_settings
    from screening.errors import ConfigurationError, IntegrityError

    settings = read_clearance_settings(config)
    if exercise:
        settings = msgspec.structs.replace(settings, is_exercise=True)
    try:
        from screening.clearance.service.serve import serve as run
    except ImportError as error:
        raise ConfigurationError(f"{error}: pip install 'screening[site]'") from None

    def announce(url: str) -> None:
        word = "EXERCISE, never valid for cargo: " if settings.is_exercise else ""
        typer.echo(f"{word}clearance of {settings.administration} on {url}")

    try:
        run(settings, announce=announce)
    except IntegrityError as error:
        typer.echo(f"screening: {error}", err=True)
        raise typer.Exit(3) from None

"""Clearance command: make keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands of this module.

    Parameters
    ----------
    app : typer.Typer
        The clearance command line.
    """
    app.command()(keygen)


def keygen(
    path: Annotated[Path, typer.Argument(help="Where the private key goes; the public one goes beside it.")],
    scope: Annotated[
        Literal["ops", "exercise"], typer.Option(help="What the key may sign: real cargo, or an exercise.")
    ] = "ops",
) -> None:
    """Make an Ed25519 key pair. An existing key is never overwritten."""
    from screening.clearance import generate_key

    signer = generate_key(path, scope)
    typer.echo(f"{path}: key {signer.key_id} of scope {scope}")

"""Clearance command: seal a record that somebody wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .record_files import write_new

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command of this module.

    Parameters
    ----------
    app : typer.Typer
        The clearance command line.
    """
    app.command()(seal)


def seal(
    path: Annotated[
        Path, typer.Argument(help="The record, JSON without key_id and signature.", show_default=False)
    ],
    key: Annotated[Path, typer.Option(help="Private key of whoever states it.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(help="Where the sealed record goes; else to standard output.")
    ] = None,
) -> None:
    """Seal a record of evidence with a key that is for it.

    Exit status 1 if it is no valid record, 3 if the public key beside the private one does not allow it.
    """
    from screening.clearance import VerificationError
    from screening.clearance.sealing import OwnKey
    from screening.errors import ConfigurationError, FormatError, PolicyError
    from screening.records import canonical_bytes

    own = OwnKey.load(key)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}", value=str(path)) from None
    try:
        sealed = own.seal(data)
    except FormatError as error:
        raise FormatError(f"{path.name}: {error}", value=error.value) from None
    except (VerificationError, PolicyError) as error:
        typer.echo(f"{path.name}: NOT SEALED: {error}", err=True)
        raise typer.Exit(3) from None
    body = canonical_bytes(sealed)
    if out is None:
        typer.echo(body.decode())
    else:
        write_new(out, body)
        typer.echo(f"{out}: {sealed.schema} sealed by {own.signer.key_id}", err=True)

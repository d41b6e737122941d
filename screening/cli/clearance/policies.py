"""Clearance command: check and sign a site's policy."""

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
    app.command()(policy)


def policy(
    path: Annotated[Path, typer.Argument(help="The policy, TOML.", show_default=False)],
    sign: Annotated[
        Path | None, typer.Option(help="Sign it with this private key, into a file beside it.")
    ] = None,
    keys: Annotated[
        list[Path] | None,
        typer.Option(help="Verify its signature with these public keys: files, or folders of .pub files."),
    ] = None,
) -> None:
    """Check a policy over every combination of evidence, and sign it.

    Exit status 3 if it is refused, or if the key's public half does not allow it to sign policies.
    """
    from screening.clearance import KeyRing, VerificationError, load_policy, read_public_key
    from screening.clearance.policy import read_policy, sign_policy
    from screening.clearance.sealing import OwnKey
    from screening.errors import PolicyError

    try:
        found = read_policy(path)
        if sign is not None:
            own = OwnKey.load(sign)
            own.check_kind("policy/1", datetime.now(UTC))
            typer.echo(f"signed     {sign_policy(path, own.signer).name}")
        if keys is not None:
            files = [f for one in keys for f in (sorted(one.glob("*.pub")) if one.is_dir() else [one])]
            load_policy(path, KeyRing(read_public_key(file) for file in files), at=datetime.now(UTC))
            typer.echo("signature  verified")
    except (PolicyError, VerificationError) as error:
        for line in str(error).split(" | "):
            typer.echo(line)
        typer.echo("REFUSED")
        raise typer.Exit(3) from None
    typer.echo(f"policy     {found.id} {found.version}")
    typer.echo(f"sha256     {found.sha256}")
    typer.echo(f"steps      {' '.join(found.required_steps)}")
    typer.echo(f"the table  {'asks for more under it' if found.changes_the_table else 'as it is'}")
    if sign is None and keys is None:
        typer.echo("its signature was not looked at (--keys does that)")

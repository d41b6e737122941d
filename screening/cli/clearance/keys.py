"""Clearance command: make keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
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
    role: Annotated[
        Literal["lane", "gateway", "officer", "administration"] | None,
        typer.Option(help="Whose key it is: what it may seal follows from that; else flags and seal events."),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="A kind of record it may seal besides, as riskflag/1; may be repeated."),
    ] = None,
    site: Annotated[
        list[str] | None, typer.Option(help="A site (a place, for seal events) it speaks for.")
    ] = None,
    lane: Annotated[
        list[str] | None, typer.Option(help="A lane (a reader, for seal events) it speaks for.")
    ] = None,
    modality: Annotated[
        list[str] | None, typer.Option(help="Modality of the flags it may seal, as XRAY; else every one.")
    ] = None,
    administration: Annotated[
        list[str] | None, typer.Option(help="Administration it speaks for, on records that name one.")
    ] = None,
    holder: Annotated[str | None, typer.Option(help="Who holds it, for a person.")] = None,
    not_before: Annotated[
        datetime | None, typer.Option(help="Start of its validity, UTC; else none.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, help="It is valid for so many days from its start, or from now.")
    ] = None,
) -> None:
    """Make an Ed25519 key pair. An existing key is never overwritten."""
    from screening.clearance import generate_key
    from screening.clearance.key_files import ROLES, read_public_key

    start = None if not_before is None else not_before.replace(tzinfo=UTC)
    end = None if days is None else (start or datetime.now(UTC)) + timedelta(days=days)
    signer = generate_key(
        path,
        scope,
        kinds=(*(ROLES[role] if role is not None else ()), *(kind or ())),
        sites=tuple(site or ()),
        lanes=tuple(lane or ()),
        modalities=tuple(modality or ()),
        administrations=tuple(administration or ()),
        holder=holder,
        not_before=start,
        expires=end,
    )
    kinds = read_public_key(path.with_name(f"{path.name}.pub")).kinds
    said = "every kind of record" if "*" in kinds else " ".join(kinds)
    typer.echo(f"{path}: key {signer.key_id} of scope {scope}, for {said}")

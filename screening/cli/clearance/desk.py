"""Clearance command: take sealed records, decide what is due, print the decisions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .record_files import read_records

if TYPE_CHECKING:
    from screening.clearance.desk.views import OpenCase

__all__ = ["register"]

_PAGE = 256
_N_WAITING = 100


def register(app: typer.Typer) -> None:
    """Add the command of this module.

    Parameters
    ----------
    app : typer.Typer
        The clearance command line.
    """
    app.command()(decide)


def decide(
    config: Annotated[Path, typer.Option(help="Settings of the site, with a clearance table.")],
    records: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Sealed records to take first: files .json (one), .jsonl (one a line), or folders of them.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the sealed decisions, one on a line.")] = False,
) -> None:
    """Take sealed records, decide what is due, and print it.

    Exit status 1 if a record was refused, 3 if the ledger or the policy is not what was signed, or a case
    could not be weighed (the others are decided all the same).
    """
    from screening.clearance import load_signer
    from screening.clearance.ledger import export_head
    from screening.clearance.opening import open_desk
    from screening.clearance.settings import read_clearance_settings
    from screening.clearance.sinks import SinkContext, build_sinks
    from screening.errors import IntegrityError
    from screening.records import canonical_bytes

    settings = read_clearance_settings(config)
    bodies = read_records(records or [])
    try:
        desk = open_desk(settings)
    except IntegrityError as error:
        typer.echo(f"screening: {error}", err=True)
        raise typer.Exit(3) from None
    with desk:
        # Whoever is owed what is decided here must be able to get it: as `serve` does before it starts.
        build_sinks(
            settings.sinks, SinkContext(signer=load_signer(Path(settings.key_file)), record=desk.record)
        )
        n_refused = 0
        for i in range(0, len(bodies), _PAGE):
            page = bodies[i : i + _PAGE]
            for body, taken in zip(page, desk.take([body.data for body in page]), strict=True):
                if taken.status == "REFUSED":
                    n_refused += 1
                    typer.echo(f"{body.name}: {taken.failure}: {taken.text}", err=True)
        now, n_issued = datetime.now(UTC), 0
        while issued := desk.decide_due(now=now):
            for decision in issued:
                n_issued += 1
                if json:
                    typer.echo(canonical_bytes(decision).decode())
                    continue
                word = "EXERCISE, never valid for cargo: " if decision.is_exercise else ""
                number = decision.consignment.container_id
                said = f"{number}: {decision.risk}, {decision.action}  {' '.join(decision.reason_codes)}"
                typer.echo(f"{word}{said.rstrip()}{_doubt(number)}")
        if not json:
            _print_waiting(desk.waiting(now=now, limit=_N_WAITING + 1))
        if settings.heads is not None:
            export_head(Path(settings.heads), desk.head())
        typer.echo(
            f"{len(bodies) - n_refused} records taken, {n_refused} refused, {n_issued} decisions", err=True
        )
        for key, text in sorted(desk.unweighed.items()):
            typer.echo(f"{key}: cannot be weighed: {text}", err=True)
        is_harmed = bool(desk.unweighed)
    if is_harmed:
        raise typer.Exit(3)
    if n_refused:
        raise typer.Exit(1)


def _print_waiting(waiting: list[OpenCase]) -> None:
    for one in waiting[:_N_WAITING]:
        missing = ", ".join(one.missing) or "nothing that can be named"
        until = "no deadline yet: nothing says that it is here" if one.deadline is None else one.deadline
        typer.echo(
            f"{one.key}: open, missing {missing}; decided on what there is at: {until}{_doubt(one.key)}"
        )
    if len(waiting) > _N_WAITING:
        typer.echo(f"and more that are open than these {_N_WAITING}")


def _doubt(number: str) -> str:
    from screening.clearance.identity import SCAN_KEY, check_container_id

    if number.startswith(SCAN_KEY):
        return "  (kept apart: its container number is missing or in doubt)"
    is_good = check_container_id(number).is_valid
    return "" if is_good else "  (no valid container number: its check digit is wrong)"

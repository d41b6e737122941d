"""Clearance commands: what the sinks are owed, and messages that were given up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from screening.clearance.desk import Outbox

__all__ = ["register"]

_PAGE = 1000

_Config = Annotated[Path, typer.Option(help="Settings of the site, with a clearance table.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module.

    Parameters
    ----------
    app : typer.Typer
        The clearance command line.
    """
    outbox = typer.Typer(help="Messages to sinks: what is owed, and what was given up.", no_args_is_help=True)
    outbox.command("list")(list_messages)
    outbox.command()(replay)
    app.add_typer(outbox, name="outbox")


def list_messages(
    config: _Config,
    sink: Annotated[str | None, typer.Option(help="Of this sink alone.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print dead letters as JSON, one on a line.")] = False,
) -> None:
    """Count the messages of each sink, and list what is not taken, and the dead letters, with why."""
    import msgspec

    with _opened(config) as outbox:
        counts, troubled, dead = outbox.counts(), outbox.troubled(), outbox.dead(sink)
    if json:
        for message in dead:
            fields = {
                name: getattr(message, name)
                for name in ("id", "sink", "kind", "container_id", "key", "attempts", "log_index", "error")
            }
            typer.echo(msgspec.json.encode(fields).decode())
        return
    for name, states in sorted(counts.items()):
        if sink in (None, name):
            typer.echo(f"{name}: " + ", ".join(f"{n} {state.lower()}" for state, n in states.items()))
    for one in troubled:
        if sink in (None, one.sink):
            typer.echo(
                f"not taken by {one.sink}: {one.n_message}, after up to {one.attempts} attempts; "
                f"next try {one.next_at}; last met: {one.error}"
            )
    if not counts:
        typer.echo("no sink is owed anything")
    for message in dead:
        typer.echo(
            f"dead {message.id}  {message.sink}  {message.kind}  {message.container_id or 'no container'}  "
            f"after {message.attempts} attempts: {message.error}"
        )
    n_dead = sum(states["DEAD"] for name, states in counts.items() if sink in (None, name))
    if n_dead > len(dead):
        typer.echo(f"and {n_dead - len(dead)} more that are dead")


def replay(
    config: _Config,
    ids: Annotated[
        list[int] | None,
        typer.Argument(min=1, max=(1 << 63) - 1, help="Numbers of dead letters.", show_default=False),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All dead letters.")] = False,
    sink: Annotated[str | None, typer.Option(help="With --all: of this sink alone.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also messages that a later one of their container has replaced.")
    ] = False,
) -> None:
    """Owe dead letters again. Exit status 1 if one of the numbers is none."""
    if bool(ids) == every:
        raise typer.BadParameter("give numbers, or --all")
    if sink is not None and not every:
        raise typer.BadParameter("--sink goes with --all")
    with _opened(config) as outbox:
        wanted = dict.fromkeys(ids or _some_dead(outbox, sink, 0))
        n = outbox.replay(wanted, force=force)
        # Page by page, each once: a relay that runs may bury again what was just owed.
        while every and (page := [i for i in _some_dead(outbox, sink, len(wanted)) if i not in wanted]):
            wanted |= dict.fromkeys(page)
            n += outbox.replay(page, force=force)
    typer.echo(f"{n} owed again")
    if n < len(wanted):
        typer.echo(f"{len(wanted) - n} of the numbers are no dead letters", err=True)
        raise typer.Exit(1)


def _some_dead(outbox: Outbox, sink: str | None, n_seen: int) -> list[int]:
    return [message.id for message in outbox.dead(sink, limit=_PAGE + n_seen)]


@contextmanager
def _opened(config: Path) -> Iterator[Outbox]:
    """Open the outbox alone: looking into it takes no key."""
    from screening.clearance.desk import Database, Outbox
    from screening.clearance.settings import read_clearance_settings
    from screening.errors import ConfigurationError

    settings = read_clearance_settings(config)
    if not settings.is_postgresql and not Path(settings.database).is_file():
        raise ConfigurationError(f"there is no database {settings.database}", value=settings.database)
    database = Database(settings.database)
    try:
        yield Outbox(database)
    finally:
        database.close()

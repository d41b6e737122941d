"""Clearance commands: the gateway that takes readings of seals, and the custody of a container."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from screening.clearance.transit.taking import Take

__all__ = ["register"]

Config = Annotated[Path, typer.Option("--config", help="The site's settings.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands of this module.

    Parameters
    ----------
    app : typer.Typer
        The clearance command line.
    """
    group = typer.Typer(help="Take readings of seals from gateways.", invoke_without_command=True)
    group.callback()(gateway)
    group.command()(sign)
    app.add_typer(group, name="gateway")
    app.command()(custody)


def gateway(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", help="The site's settings.", show_default=False)
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Listen on this TCP port; 0 for any.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    folder: Annotated[Path | None, typer.Option(help="Watch this folder for *.jsonl files.")] = None,
    once: Annotated[
        bool,
        typer.Option("--once", help="Take what lies in the folder, and end (status 1 if some is refused)."),
    ] = False,
) -> None:
    """Take sealed readings of seals: JSON lines over TCP, or files in a folder, until interrupted."""
    if context.invoked_subcommand is not None:
        return
    if config is None or (port is None) == (folder is None) or (once and folder is None):
        raise typer.BadParameter(
            "--config is needed, and one of --port and --folder; --once goes with --folder"
        )
    from screening.clearance.opening import open_desk
    from screening.clearance.settings import read_clearance_settings

    desk = open_desk(read_clearance_settings(config))
    try:
        if folder is not None:
            _take_files(folder, desk.take, once=once)
        else:
            _listen(host, port or 0, desk.take)
    finally:
        desk.close()


def sign(
    path: Annotated[Path, typer.Argument(help="Lines of a reader's software; - for standard input.")],
    key: Annotated[Path, typer.Option(help="The gateway's private key.", show_default=False)],
    place: Annotated[str | None, typer.Option(help="Where the gateway stands.")] = None,
    reader: Annotated[str | None, typer.Option(help="Name of its reader.")] = None,
    arrival: Annotated[
        bool, typer.Option("--arrival", help="It stands at the destination: what it reads has arrived.")
    ] = False,
) -> None:
    """Seal unsigned readings with a gateway's key, line by line.

    Exit status 1 if some cannot be sealed, 3 if the key's public half does not allow this place or reader.
    """
    from screening.clearance import VerificationError
    from screening.clearance.sealing import OwnKey
    from screening.clearance.transit.readings import seal_reading
    from screening.errors import ConfigurationError, FormatError
    from screening.records import SealEvent, parse_strict

    own = OwnKey.load(key)
    try:
        own.check_kind("sealevent/1", datetime.now(UTC))
        own.check_place(place, reader)
    except VerificationError as error:
        typer.echo(f"not signed: {error}", err=True)
        raise typer.Exit(3) from None
    n_refused = 0
    try:
        stream = sys.stdin.buffer if str(path) == "-" else path.open("rb")
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}", value=str(path)) from None
    with stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                sealed = seal_reading(
                    line.strip(), own.signer, place=place, reader=reader, is_arrival=arrival
                )
                for body in sealed:
                    own.check_sealed(parse_strict(body, SealEvent))
            except (FormatError, VerificationError) as error:
                n_refused += 1
                typer.echo(f"line {number}: not signed, {error}", err=True)
                continue
            for body in sealed:
                typer.echo(body.decode())
    if n_refused:
        raise typer.Exit(1)


def custody(
    container: Annotated[str, typer.Argument(help="Container number.", show_default=False)],
    config: Config,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show the custody of a container: where its seal was read, and what is missing. Status 3 on a gap."""
    from screening.clearance import check_container_id
    from screening.clearance.opening import open_desk
    from screening.clearance.settings import read_clearance_settings
    from screening.clearance.transit.custody import custody_of

    desk = open_desk(read_clearance_settings(config))
    try:
        bodies = desk.records_of(check_container_id(container).compact)
    finally:
        desk.close()
    if not bodies:
        typer.echo(f"{container}: nothing is known here", err=True)
        raise typer.Exit(1)
    report = custody_of(bodies, now=datetime.now(UTC))
    if as_json:
        typer.echo(json.dumps(report.as_dict(), indent=1))
    else:
        for line in report.lines():
            typer.echo(line)
    if report.gaps or report.breaches:
        raise typer.Exit(3)


def _listen(host: str, port: int, take: Take) -> None:
    from screening.clearance.transit.gateway import GatewayServer

    with GatewayServer(take, host=host, port=port) as server:
        typer.echo(f"listening on {server.address[0]} port {server.address[1]}")
        _until_stopped(server.serve)
        counts = server.counts
        typer.echo(
            f"{counts.accepted} events taken, {counts.known} known already, {counts.refused} lines refused"
        )


def _take_files(folder: Path, take: Take, *, once: bool) -> None:
    from screening.clearance.transit.folder import take_folder, watch_folder

    if once:
        found = take_folder(folder, take)
        typer.echo(f"{found.n_event} events taken, {found.n_done} files done, {found.n_refused} refused")
        raise typer.Exit(1 if found.n_refused else 0)
    folder.mkdir(parents=True, exist_ok=True)
    typer.echo(f"watching {folder}")
    _until_stopped(lambda stop: watch_folder(folder, take, stop=stop))


def _until_stopped(run: Callable[[threading.Event], Any]) -> None:
    stop = threading.Event()
    with suppress(ValueError):  # not in the main thread: whoever runs it there stops it otherwise
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
    run(stop)

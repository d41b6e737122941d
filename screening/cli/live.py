"""Live commands: demo, acquire, emulate."""

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
        The command line.
    """
    app.command()(demo)
    app.command()(acquire)
    app.command()(emulate)


def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything it leaves.")] = Path("screening-demo"),
    seed: Annotated[int, typer.Option(help="Seed of the traffic.")] = 1,
    n: Annotated[int, typer.Option("--n", min=1, help="How many containers.")] = 16,
) -> None:
    """Show the whole chain on this machine: emulated lane, live analysis, decisions, one report."""
    from screening.operations import run_demo

    outcome = run_demo(out, seed=seed, n=n)
    typer.echo(f"{outcome.n_decided} of {outcome.n_container} containers decided")
    typer.echo(f"report: {outcome.report}")
    if outcome.decisions:
        typer.echo(f"verify a decision, here or on another machine:\n  {outcome.verify_command}")
    if outcome.n_decided < n:
        raise typer.Exit(1)


def acquire(
    config: Annotated[Path, typer.Option(help="Settings of the site, with an acquire table.")],
    view: Annotated[bool, typer.Option("--view", help="Show a live table, not event lines.")] = False,
) -> None:
    """Run the live lanes of a site until told to stop."""
    from screening.acquire import run_acquire

    run_acquire(config, has_view=view)


def emulate(
    kind: Annotated[
        Literal["portal", "scanner", "vacis"],
        typer.Argument(help="Portal (RPM lines and N42), X-ray scanner, or gamma-ray scanner."),
    ],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The instrument's port; 0 takes a free one.")
    ] = 0,
    identity_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the identity feed.")] = 0,
    n42_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of a portal's N42 documents.")] = 0,
    host: Annotated[str, typer.Option(help="Address; the protocols know no passwords.")] = "127.0.0.1",
    traffic: Annotated[Literal["demo", "quiet", "mixed"], typer.Option(help="What comes.")] = "mixed",
    seed: Annotated[int, typer.Option(help="Seed of the traffic.")] = 1,
    n: Annotated[
        int | None, typer.Option("--n", min=1, help="How many vehicles; endless if not given.")
    ] = None,
    speed_factor: Annotated[float, typer.Option(help="How much faster than the real cadence.")] = 1.0,
    scale: Annotated[
        float,
        typer.Option(help="Pixel size of radiographs; 1 is a full picture, larger is coarser and quicker."),
    ] = 1.0,
    gateway_key: Annotated[Path | None, typer.Option(help="Private key that signs seal readings.")] = None,
) -> None:
    """Emulate an instrument that speaks the wire protocols, until told to stop."""
    from screening.simulation.emulators import EmulatorPorts, run_emulator

    def announce(ports: EmulatorPorts) -> None:
        n42 = f", N42 {ports.n42_port}" if ports.n42_port is not None else ""
        typer.echo(f"{kind} on {host}: port {ports.port}, identity {ports.identity_port}{n42}")

    run_emulator(
        kind,
        host=host,
        port=port,
        identity_port=identity_port,
        n42_port=n42_port,
        traffic=traffic,
        seed=seed,
        n=n,
        speed_factor=speed_factor,
        scale=scale,
        gateway_key=gateway_key,
        announce=announce,
    )

"""Commands on many scans: simulate, train, reanalyse, evaluate."""

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
    app.command()(train)


def train(
    name: Annotated[str, typer.Argument(help="Model: nuclides or empties.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder for model.onnx and card.toml.")] = Path("model"),
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="A small run that shows it works.")] = False,
) -> None:
    """Train a shipped model again, from simulation and a seed (extra: train)."""
    from screening.training import train as train_model

    card = train_model(name, out, seed=seed, quick=quick, progress=typer.echo)
    typer.echo(f"{out}: {card.name} {card.version}, sha256 {card.sha256}")
    for figure in card.performance:
        typer.echo(
            f"  {figure.metric}: {figure.value:.4g} [{figure.low:.4g}, {figure.high:.4g}], n = {figure.n}"
        )


_ = Literal

"""Commands of the simulators: labelled sets, detector responses, likeness to real scans, validation."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from screening.errors import ConfigurationError

from .progress import progress_bar

__all__ = ["app"]

app = typer.Typer(
    help="Simulate labelled scans from a preset and a seed; compare what is simulated with what is real.",
    no_args_is_help=True,
)

Out = Annotated[Path, typer.Option(help="Folder for the results.", show_default=False)]
SetOut = Annotated[Path | None, typer.Option(help="Folder of the set; one that was interrupted is finished.")]
Preset = Annotated[str, typer.Option(help="What kind of traffic; --list names them.")]
Number = Annotated[int, typer.Option("--n", min=1, help="How many scans.")]
Seed = Annotated[
    int, typer.Option(min=0, help="Seed of everything random: the same seed gives the same bytes.")
]
Workers = Annotated[int, typer.Option(min=1, help="Processes; the bytes do not depend on it.")]
List = Annotated[bool, typer.Option("--list", help="List the presets and stop.")]


@app.command()
def occupancies(
    out: SetOut = None,
    preset: Preset = "mixed",
    n: Number = 20,
    seed: Seed = 1,
    workers: Workers = 1,
    list_presets: List = False,
) -> None:
    """Simulate vehicle passes through a portal."""
    _write_set("occupancies", "passes", out, preset, n, seed, workers, list_presets)


@app.command()
def radiographs(
    out: SetOut = None,
    preset: Preset = "mixed",
    n: Number = 4,
    seed: Seed = 1,
    workers: Workers = 1,
    maps: Annotated[
        bool, typer.Option("--maps", help="Also write the truth by pixel, a .npz for each picture.")
    ] = False,
    list_presets: List = False,
) -> None:
    """Simulate pictures of a line scanner."""
    _write_set("radiographs", "pictures", out, preset, n, seed, workers, list_presets, has_maps=maps)


@app.command()
def likeness(
    first: Annotated[
        list[Path], typer.Argument(help="Two files or folders of radiographs.", show_default=False)
    ],
    out: Out,
    seed: Seed = 1,
    patches: Annotated[int, typer.Option(min=1, help="Most patches taken from one picture.")] = 60,
    network: Annotated[
        bool, typer.Option("--network", help="Also a small convolutional network (extra: train).")
    ] = False,
) -> None:
    """Ask a classifier of 64-pixel patches which of two sets of radiographs is which (extra: train)."""
    if len(first) != 2:
        raise typer.BadParameter(f"two files or folders are compared, got {len(first)}")
    _require("sklearn", "train")
    from screening.simulation.likeness import compare_files

    with progress_bar("likeness") as show:
        result = compare_files(
            first[0], first[1], out, seed=seed, n_patch=patches, has_network=network, progress=show
        )
    typer.echo(result.table())
    typer.echo(f"results: {out / 'likeness.json'}")


@app.command()
def responses(
    out: Out,
    detector: Annotated[
        list[str] | None, typer.Option(help="A detector by name; every one when not given.")
    ] = None,
    histories: Annotated[
        int | None,
        typer.Option(
            min=1000, help="Photons followed for each energy; as the shipped tables when not given."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed; that of the shipped tables when not given.")
    ] = None,
    scatter: Annotated[
        bool, typer.Option("--scatter", help="Also what shields and surroundings scatter (scatter.npz).")
    ] = False,
) -> None:
    """Compute detector response matrices by photon Monte Carlo; the defaults make the shipped tables."""
    from screening.simulation.photons import write_responses, write_scatter
    from screening.simulation.photons.detectors import DETECTORS

    unknown = [name for name in detector or () if name not in DETECTORS]
    if unknown:
        raise ConfigurationError(
            f"unknown detector {unknown[0]!r}; known: {', '.join(DETECTORS)}", value=unknown[0]
        )
    chosen: dict[str, Any] = {}
    if histories is not None:
        chosen["histories"] = histories
    if seed is not None:
        chosen["seed"] = seed
    typer.echo(f"responses: {write_responses(out, names=detector or None, progress=_say, **chosen)}")
    if scatter:
        typer.echo(f"scatter: {write_scatter(out, progress=_say, **chosen)}")


@app.command()
def validation(
    shared: Annotated[Path, typer.Option(help="Folder of the measured data.", show_default=False)],
    out: Out,
) -> None:
    """Put the simulators beside measured data, on one page (extras: report and train)."""
    _require("matplotlib", "report")
    _require("sklearn", "train")
    from screening.simulation.validation.page import write_validation

    with progress_bar("validation") as show:
        page = write_validation(shared, out, progress=show)
    typer.echo(f"report: {page}")


def _write_set(
    name: str,
    noun: str,
    out: Path | None,
    preset: str,
    n: int,
    seed: int,
    workers: int,
    list_presets: bool,
    *,
    has_maps: bool = False,
) -> None:
    from screening.simulation import sets

    if list_presets:
        typer.echo(sets.known_presets(name))
        return
    if out is None:
        raise typer.BadParameter("a folder is needed", param_hint="--out")
    with progress_bar("simulate") as show:
        labels = sets.write_set(name, out, preset, n, seed, workers=workers, has_maps=has_maps, progress=show)
    typer.echo(f"{n} {noun}, {labels}")


def _say(name: str, at: float, histories: int) -> None:
    # of energies and thicknesses that differ by detector there is no bar, only what was just done
    typer.echo(f"  {name} at {at:g}: {histories} histories", err=True)


def _require(module: str, extra: str) -> None:
    if find_spec(module) is None:
        raise ConfigurationError(
            f"this command needs {module}: install the extra {extra} (pip install 'screening[{extra}]')",
            value=module,
        )

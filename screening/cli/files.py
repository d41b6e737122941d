"""Commands on files: analyse, info, convert."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from screening.errors import ConfigurationError, ScreeningError

if TYPE_CHECKING:
    from screening.records import ScreeningReport

__all__ = ["register"]

_FAILED = {"MODEL_ERROR", "MODEL_UNVERIFIED", "INPUT_CORRUPT", "TIMEOUT"}
_STYLE = {"LOW": typer.colors.BLUE, "UNKNOWN": typer.colors.YELLOW, "HIGH": typer.colors.RED}


def register(app: typer.Typer) -> None:
    """Add the commands of this module.

    Parameters
    ----------
    app : typer.Typer
        The command line.
    """
    app.command()(analyse)
    app.command()(info)
    app.command()(convert)


def analyse(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders of files.", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="One JSON object per scan and line.")] = False,
    background: Annotated[
        Path | None, typer.Option(help="A background measured apart, in place of the file's own.")
    ] = None,
    products: Annotated[
        Path | None, typer.Option(help="Folder for <scan_id>.h5 with the maps and spectra behind the answer.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Settings of the site (TOML).")] = None,
) -> None:
    """Analyse scans: occupancies, spectra and radiographs."""
    import msgspec

    from screening.assembly import analyse as analyse_file
    from screening.assembly import build_pipeline, read_background
    from screening.config import load_settings

    if background is not None:
        try:  # one usage error before anything is analysed, not one per scan
            read_background(background)
        except ScreeningError as error:
            raise ConfigurationError(f"--background: {error}", value=str(background)) from None
    pipeline = build_pipeline(load_settings(config))
    if products is not None:
        products.mkdir(parents=True, exist_ok=True)
    found = _files(paths)
    failed = not found
    if not found:
        sys.stderr.write("screening: there is nothing to analyse in what was named\n")
    for path in found:
        for report in analyse_file(path, background=background, pipeline=pipeline, products=products):
            failed = _tell_failures(report) or failed
            if json:
                sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
                sys.stdout.flush()
            else:
                _show(report)
    if failed:
        raise typer.Exit(1)


def info(
    path: Annotated[Path, typer.Argument(help="A scan, in any format that is read.", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="One JSON object per scan and line.")] = False,
) -> None:
    """Say what a file holds, without analysing it."""
    from screening.sources.describe import describe

    held = describe(path)
    for scan in held["scans"]:
        _show_table({"file": held["file"], "source": held["source"], **scan}, json=json)


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A scan, in any format that is read.")],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="The ending chooses: .h5 archive, .n42, .npy with sidecar.")
    ],
) -> None:
    """Convert a scan, and never lose a bit of its raw channels."""
    from screening.sources.convert import convert as convert_file

    for written in convert_file(source, target):
        typer.echo(written)


def _show_table(table: dict[str, Any], *, json: bool) -> None:
    if json:
        import msgspec

        sys.stdout.write(msgspec.json.encode(table).decode() + "\n")
        return
    width = max(map(len, table))
    for name, value in table.items():
        if value not in (None, [], {}):
            typer.echo(f"{name:<{width}}  {_plain(value)}")
    typer.echo()


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(item)}" for name, item in value.items() if item is not None)
    if isinstance(value, list):
        shown = [_plain(item) for item in value[:12]]
        return ", ".join([*shown, f"... ({len(value)} in all)"] if len(value) > len(shown) else shown)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _files(paths: list[Path]) -> list[Path]:
    """Return the files named, and in the folders named whatever may hold scans, to the bottom."""
    from screening.sources import scan_files

    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            folders = [path, *sorted(inner for inner in path.rglob("*") if inner.is_dir())]
            found += [file for folder in folders for file in scan_files(folder) if file.name != "labels.csv"]
        else:
            found.append(path)
    return found


def _tell_failures(report: ScreeningReport) -> bool:
    if report.error is not None:
        sys.stderr.write(f"screening: {report.error.text}\n")
        return True
    failures = [r for flag in report.flags for r in flag.reasons if r.code in _FAILED]
    for reason in failures:
        sys.stderr.write(f"screening: {report.path}: {reason.code}: {reason.text}\n")
    return bool(failures)


def _show(report: ScreeningReport) -> None:
    level = typer.style(f"{report.level:<8}", fg=_STYLE[report.level], bold=True)
    typer.echo(f"{level} {report.path}  {_headline(report)}")
    if report.error is not None:
        typer.echo(f"         {report.error.code}: {report.error.text}")
    for flag in report.flags:
        for reason in flag.reasons:
            typer.echo(f"         {flag.modality:<12} {reason.code}: {reason.text}")


def _headline(report: ScreeningReport) -> str:
    from screening.records import RadiationMeasurements, RadiographMeasurements

    measured = report.measurements
    if isinstance(measured, RadiationMeasurements):
        said = [f"{n.nuclide} ({'/'.join(n.categories)})" for n in measured.nuclides]
        if measured.gamma is not None and measured.gamma.max_nsigma is not None:
            said.append(f"gamma {measured.gamma.max_nsigma:.1f} sigma")
        if measured.detection_limit_mbq_cs137 is not None:
            said.append(f"would have alarmed at {measured.detection_limit_mbq_cs137:.3g} MBq of Cs-137")
        return ", ".join(said)
    if isinstance(measured, RadiographMeasurements):
        rows, columns = measured.shape
        text = (
            f"{rows} x {columns}, {len(measured.containers)} container(s), {len(measured.regions)} region(s)"
        )
        if measured.empty_probability is not None:
            text += f", empty with probability {measured.empty_probability:.3f}"
        return text
    return ""

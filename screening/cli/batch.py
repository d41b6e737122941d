"""Commands on many scans: reanalyse, evaluate, simulate, train."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import typer

from . import simulate
from .progress import progress_bar

__all__ = ["register"]

Out = Annotated[Path, typer.Option(help="Folder for the results.", show_default=False)]
Config = Annotated[Path | None, typer.Option(help="Settings of the site (TOML).")]
Seed = Annotated[int, typer.Option(help="Seed of everything random: the same seed gives the same bytes.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module.

    Parameters
    ----------
    app : typer.Typer
        The command line.
    """
    app.command()(reanalyse)
    app.command()(evaluate)
    app.add_typer(simulate.app, name="simulate")
    app.command()(train)


def reanalyse(
    archive: Annotated[Path, typer.Argument(help="Folder of archived scans.", show_default=False)],
    out: Out,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an earlier run in OUT.")] = False,
    products: Annotated[bool, typer.Option("--products", help="Also write maps and spectra.")] = False,
    engine: Annotated[str, typer.Option(help="What runs the jobs; this version has: local.")] = "local",
    config: Config = None,
) -> None:
    """Analyse every scan of an archive again, and compare with what was stored."""
    from screening.reanalyse import run

    with progress_bar("reanalyse") as show:
        summary = run(
            archive,
            out,
            workers=workers,
            resume=resume,
            settings=config,
            engine=engine,
            products=products,
            progress=lambda p: show(p.counts.done + p.counts.failed, p.counts.total),
        )
    levels = ", ".join(f"{level} {n}" for level, n in summary.levels.items())
    typer.echo(f"{summary.n_scans} scans of {summary.n_files} files in {summary.elapsed_s:.1f} s: {levels}")
    for code, n in summary.reasons.items():
        typer.echo(f"  {code:<26} {n}")
    if summary.comparison_text is not None:
        typer.echo(summary.comparison_text)
    if summary.not_scans:
        typer.echo(f"{len(summary.not_scans)} files left out; summary.json names them")
    typer.echo(f"results: {out / 'results.jsonl'}")
    if summary.exit_status:
        raise typer.Exit(summary.exit_status)


def evaluate(
    dataset: Annotated[
        Path | None, typer.Argument(help="Folder with labels.csv and scans.", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("evaluation"),
    detector: Annotated[
        list[str] | None, typer.Option(help="A registered detector; every one when not given.")
    ] = None,
    replay: Annotated[
        list[str] | None,
        typer.Option(help="An outside program, 'CMD {in} {out}': N42 in, N42 AnalysisResults or CSV out."),
    ] = None,
    preset: Annotated[
        list[str] | None,
        typer.Option(
            help="A bench: weak-source-street, weak-source-portal, identification, radiograph.",
        ),
    ] = None,
    plan: Annotated[
        list[str] | None, typer.Option(help="A test plan (TOML), or example:NAME for a shipped one.")
    ] = None,
    stored: Annotated[
        list[Path] | None, typer.Option(help="Answers of an earlier run: answers.jsonl or its folder.")
    ] = None,
    programme: Annotated[
        list[Path] | None, typer.Option(help="Folder with records of seals, custody or containers (CSV).")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="An earlier report.json: say what changed; exit status 3 if worse.")
    ] = None,
    measured: Annotated[
        Path | None, typer.Option(help="Measured spectra for the identification bench, with a spectra.toml.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="Another spectra.toml for the measured spectra.")
    ] = None,
    split: Annotated[str, typer.Option(help="Which rows of the data set are scored.")] = "test",
    short: Annotated[
        bool, typer.Option("--short", help="A short form of benches and plans; it measures nothing.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only say how many trials plans take."),
    ] = False,
    how_many: Annotated[
        float | None,
        typer.Option(
            help="Only say how many trials show this probability of detection (above 0.5), "
            "or a false alarm probability below this."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an earlier run in OUT.")] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    time_limit: Annotated[float | None, typer.Option(help="Longest time for one answer, seconds.")] = None,
    seed: Seed = 1,
    config: Config = None,
) -> None:
    """Measure detectors on labelled samples, benches and test plans, with intervals."""
    import sys

    from screening.evaluate import Request, changes_table, evaluation_table, run_request
    from screening.evaluate.report import parquet_notice

    if how_many is not None:
        _tell_trials(how_many)
        return
    if dry_run:
        _describe_plans(plan or [], detector, config, seed)
        return
    request = Request(
        dataset=dataset,
        stored=tuple(stored or ()),
        presets=tuple(preset or ()),
        plans=tuple(plan or ()),
        programmes=tuple(programme or ()),
        measured=measured,
        recipe=recipe,
        detectors=tuple(detector) if detector else None,
        replays=tuple(replay or ()),
        split=split,
        is_short=short,
        is_resumed=resume,
        workers=workers,
        seed=seed,
        time_limit_s=time_limit,
        baseline=baseline,
        command=("screening", *sys.argv[1:]),
    )
    with _told_to_end(), progress_bar("evaluate") as show:
        outcome = run_request(request, out, settings=config, progress=lambda done, of, _: show(done, of))
    typer.echo(evaluation_table(outcome.evaluation))
    if outcome.changes is not None:
        typer.echo(changes_table(outcome.changes))
    if notice := parquet_notice():
        typer.echo(notice)
    typer.echo(f"report: {out / 'report.html'}")
    if outcome.exit_status:
        raise typer.Exit(outcome.exit_status)


@contextlib.contextmanager
def _told_to_end() -> Iterator[None]:
    """Take SIGTERM, which a build server sends, as Ctrl-C: what has been started is ended too."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell_trials(limit: float) -> None:
    from screening.errors import ConfigurationError
    from screening.evaluate.metrics.planning import plan_table, power

    if not 0.0 < limit < 1.0:
        raise ConfigurationError(f"a probability lies between 0 and 1, got {limit!r}", value=limit)
    kind: Literal["detection", "false alarm"] = "detection" if limit > 0.5 else "false alarm"
    better = 1.0 - (1.0 - limit) / 5 if kind == "detection" else limit / 5
    for one in plan_table(limit, kind=kind):
        typer.echo(f"{one.text} A detector at {better:.6g} passes with {power(one, better):.0%}.")


def _describe_plans(plans: list[str], detectors: list[str] | None, config: Path | None, seed: int) -> None:
    from screening.config import load_settings
    from screening.errors import ConfigurationError
    from screening.evaluate.plans import describe_plan, example_plan, parse_plan, read_plan, time_plan

    if not plans:
        raise ConfigurationError("--dry-run tells what a plan takes; name one with --plan")
    for name in plans:
        is_example, short_name = name.startswith("example:"), name.removeprefix("example:")
        known = parse_plan(example_plan(short_name), name=name) if is_example else read_plan(name)
        takes = time_plan(known, detectors=detectors, settings=load_settings(config), seed=seed)
        typer.echo(describe_plan(known, seconds_per_trial=takes))


def train(
    name: Annotated[str, typer.Argument(help="Model: nuclides or empties.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder for model.onnx and card.toml.")] = Path("model"),
    seed: Seed = 1,
    quick: Annotated[bool, typer.Option("--quick", help="A small run that shows it works.")] = False,
) -> None:
    """Train a shipped model again, from simulation and a seed (extra: train)."""
    from screening.training import train as train_model

    card = train_model(name, out, seed=seed, quick=quick, progress=typer.echo)
    typer.echo(f"{out}: {card.name} {card.version}, sha256 {card.sha256}")
    for figure in card.performance:
        interval = f"[{figure.low:.4g}, {figure.high:.4g}]"
        typer.echo(f"  {figure.metric}: {figure.value:.4g} {interval}, n = {figure.n}, {figure.data}")

"""The document of measured performance, made from stored reports and from nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import msgspec

from screening.evaluate.record import Evaluation, Figure, Section

from .baseline import stripped
from .files import encoded, read_report
from .table import markdown_table
from .tables import by_section

__all__ = ["keep_report", "performance_page", "read_reports", "write_performance"]

INTRODUCTION = """# Performance

Every number here was measured by `screening evaluate` and written by `python docs/performance/make.py` from
the reports beside it, with the command, the version and the seeds that made it. Nothing is typed by hand, and
a test compares. All data are simulated unless a section says otherwise: no figure is a claim on an instrument
that was not measured. Intervals are 95 %. UNKNOWN counts as a miss.
"""
#: Of a section with more figures than this only headline figures and those of the whole are kept.
MAX_KEPT = 500
#: A section shows at most this many rows beside its headline figures; the report holds all.
MAX_ROWS = 30


def performance_page(reports: Mapping[str, Evaluation]) -> str:
    """Return the document.

    Parameters
    ----------
    reports : mapping of str to Evaluation
        By the name of their file without suffix: the preset.

    Returns
    -------
    str
        Markdown.
    """
    lines = [INTRODUCTION]
    for name, report in reports.items():
        made = report.provenance
        seeds = ", ".join(f"{what} {seed}" for what, seed in sorted(made.seeds.items()))
        lines += [
            f"## {name}",
            "",
            f"    {made.command}",
            "",
            f"Version {made.version}, {made.made_utc[:10]}, {made.elapsed_s / 60:.0f} minutes"
            f"{f', seeds: {seeds}' if seeds else ''}. Figures: `docs/performance/{name}.json`;",
            "with that file as `--baseline` the same command says what changed.",
            "",
        ]
        rows = by_section(report.figures)
        for section in report.sections:
            if section.id in rows:
                lines += _section(section, rows[section.id], report)
    return "\n".join(lines).rstrip() + "\n"


def keep_report(report_dir: Path, folder: Path, name: str) -> Path:
    """Keep the figures of a report beside the document, small enough for version control.

    Parameters
    ----------
    report_dir : Path
        Folder of a report.
    folder : Path
        Where the reports of the document are.
    name : str
        Its name: the preset.

    Returns
    -------
    Path
        The file written.
    """
    whole = read_report(report_dir)
    report = msgspec.structs.replace(stripped(whole), sections=whole.sections, provenance=whole.provenance)
    counts = Counter(figure.section for figure in report.figures)
    report = msgspec.structs.replace(
        report,
        figures=tuple(
            figure
            for figure in report.figures
            if counts[figure.section] <= MAX_KEPT or figure.is_headline or not figure.stratum
        ),
    )
    target = folder / f"{name}.json"
    target.write_bytes(encoded(report))
    return target


def read_reports(folder: Path) -> dict[str, Evaluation]:
    """Return the reports of a folder.

    Parameters
    ----------
    folder : Path
        With a report of figures as NAME.json for each.

    Returns
    -------
    dict of str to Evaluation
        By name, sorted.
    """
    return {path.stem: read_report(path) for path in sorted(folder.glob("*.json"))}


def write_performance(folder: Path, page: Path) -> None:
    """Write the document.

    Parameters
    ----------
    folder : Path
        Where the reports are.
    page : Path
        The document.
    """
    page.write_text(performance_page(read_reports(folder)), encoding="utf-8")


def _section(section: Section, figures: list[Figure], report: Evaluation) -> list[str]:
    headline = [figure for figure in figures if figure.is_headline]
    others = [figure for figure in figures if not figure.is_headline]
    for wanted in (others, [figure for figure in others if not figure.stratum]):
        n_rows = len({(figure.metric, figure.stratum) for figure in wanted})
        if n_rows <= MAX_ROWS:
            break
    shown = [*headline, *(wanted if n_rows <= MAX_ROWS else [])]
    if not shown:
        return []
    lines = [f"### {section.title}", ""]
    if section.data:
        lines += [section.data, ""]
    lines += [markdown_table(shown, report.detectors), ""]
    if len(shown) < len(figures):
        lines += [f"{len(figures) - len(shown)} more figures are in the report.", ""]
    return lines

"""The evaluation as text: a table for a terminal, and one for the documents."""

from __future__ import annotations

import shutil
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

from screening.evaluate.record import DetectorTested, Evaluation, Figure, LeftOut

from .baseline import QUIET, Change, Changes
from .numbers import NOTHING, VERDICT, counted, figure_words, p_words, rounded, unit_words
from .tables import Pivot, better_ones, by_section, column_name, pivot, usual_method

__all__ = ["changes_table", "evaluation_table", "markdown_table"]

GAP = "  "
NARROWEST = 60
#: Scenarios of a plan, shown with their verdicts where there are no more.
VERDICTS = 20
#: Lines of the first case of a class of errors.
CASE_LINES = 3
TOLD_WHOLE = ("not asked again",)
#: Moves for the worse that chance explains, shown at most.
MOVES = 5


def evaluation_table(
    evaluation: Evaluation,
    *,
    width: int | None = None,
    is_whole: bool = False,
    changes: Changes | None = None,
) -> str:
    """Return figures as a table for a terminal.

    Parameters
    ----------
    evaluation : Evaluation
        The report.
    width : int, optional
        Columns of the terminal; asked from it when omitted.
    is_whole : bool
        All figures, not the headline ones alone. They are shown whole where none is a headline.
    changes : Changes, optional
        Since a baseline.

    Returns
    -------
    str
        Lines of text. A star marks what a comparison says is better than the others of its tier. Scenarios
        of a plan are named with their verdicts where there are few; of what is left out as an error the first
        case of each class is shown.
    """
    columns = max(NARROWEST, width or shutil.get_terminal_size((100, 40)).columns)
    has_headline = any(figure.is_headline for figure in evaluation.figures)
    chosen = [f for f in evaluation.figures if f.is_headline or is_whole or not has_headline]
    stars = better_ones(evaluation.comparisons, evaluation.detectors)
    lines = [_plain(evaluation.title)]
    chosen = _with_verdicts(evaluation.figures, chosen)
    grouped = by_section(chosen)
    for section in evaluation.sections:
        figures = grouped.get(section.id)
        if figures:
            lines += ["", _plain(section.title)]
            lines += _section(pivot(figures, evaluation.detectors), stars, columns)
    lines += _legend(chosen, stars, columns)
    lines += _left_out(evaluation.left_out, columns)
    if changes is not None:
        lines += ["", changes_table(changes).rstrip("\n")]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _with_verdicts(figures: Sequence[Figure], chosen: Sequence[Figure]) -> list[Figure]:
    """Return chosen figures and, where a section has few, its verdicts: what was failed is named."""
    verdicts = by_section(figure for figure in figures if figure.unit == VERDICT)
    added = [
        figure
        for rows in verdicts.values()
        if len({(figure.metric, figure.stratum) for figure in rows}) <= VERDICTS
        for figure in rows
    ]
    known = {figure.key for figure in chosen}
    return [*chosen, *(figure for figure in added if figure.key not in known)]


def _legend(figures: Sequence[Figure], stars: set[tuple[str, str, str, str]], width: int) -> list[str]:
    lines = []
    method = usual_method(figures)
    if method.startswith("none"):
        lines.append(f"no intervals{method[4:]}")
    elif method:
        lines.append(f"intervals: {method} for most; report.json says which for each")
    if any(figure.key in stars for figure in figures):
        lines.append("*: better than every detector of its tier it was compared with")
    if any(figure_words(figure).value == NOTHING for figure in figures):
        lines.append(f"{NOTHING}: the detector makes no such claim on any sample")
    wrapped = [piece for line in lines for piece in textwrap.wrap(line, width)]
    return ["", *wrapped] if wrapped else []


def _left_out(items: Sequence[LeftOut], width: int) -> list[str]:
    """Return what was left out by class; of errors the first case, for failures with the detector's name."""
    classes: dict[tuple[str, bool], list[LeftOut]] = {}
    for item in items:
        classes.setdefault((item.kind, item.is_error), []).append(item)
    lines = ["", "left out:"] if classes else []
    for (kind, is_error), found in classes.items():
        n, first = sum(item.n for item in found), found[0]
        case = f"{first.where}: {first.text}" if first.where else first.text
        if not is_error:
            # What was kept of an earlier run is told whole: it is one line.
            lines.append(f"  {_plain(kind)}: {_plain(case) if kind in TOLD_WHOLE else n}")
            continue
        lines.append(f"  {_plain(kind)}: {n} (error)")
        begin = "first: " if len(found) > 1 else ""
        lines += textwrap.wrap(begin + _plain(case), width, initial_indent="    ", subsequent_indent="    ")[
            :CASE_LINES
        ]
    return lines


def markdown_table(
    figures: Iterable[Figure], detectors: Sequence[DetectorTested] = (), *, with_section: bool = False
) -> str:
    """Return figures as a table of Markdown.

    Parameters
    ----------
    figures : iterable of Figure
        Which; those of one row must be of one section unless `with_section`.
    detectors : sequence of DetectorTested
        Order of the columns.
    with_section : bool
        Put the id of the section before each metric.

    Returns
    -------
    str
        Lines: a head, and "value [low, high] (trials)" in each cell.
    """
    chosen = list(figures)
    grouped = by_section(chosen) if with_section else {"": chosen}
    columns = pivot(chosen, detectors).detectors
    lines = [
        "| figure | " + " | ".join(_cell_text(column_name(name)) for name in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for section, found in grouped.items():
        for row in pivot(found, detectors).rows:
            name = ": ".join(piece for piece in (section, row.metric, row.stratum) if piece)
            unit = unit_words(row.unit, row.metric)
            cells = (_markdown_cell(row.cells.get(column)) for column in columns)
            lines.append(f"| {_cell_text(name + unit)} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def changes_table(changes: Changes) -> str:
    """Return what changed since a baseline, for a terminal.

    Parameters
    ----------
    changes : Changes
        From :func:`screening.evaluate.report.compare`.

    Returns
    -------
    str
        Lines of text: headline figures first, then others that differ.
    """
    verdicts = Counter(change.verdict for change in changes.headline)
    summary = ", ".join(f"{n} {verdict}" for verdict, n in verdicts.items()) or "none"
    lines = [f"since the baseline ({_plain(changes.baseline)}): headline figures {summary}"]
    lines += [f"  note: {_plain(note)}" for note in changes.notes]
    lines += [f"  not run now: {_plain(name)}" for name in changes.not_run]
    lines += [_change_line(change) for change in changes.headline if change.verdict not in QUIET]
    slipped = [c for c in changes.headline if c.verdict == "not distinguishable" and c.is_for_the_worse]
    if slipped:
        slipped.sort(key=lambda change: 1.0 if change.p is None else change.p)
        lines.append(f"moved for the worse, by what chance explains ({len(slipped)}; least likely first):")
        lines += [_change_line(change) for change in slipped[:MOVES]]
    if changes.others:
        verdicts = Counter(change.verdict for change in changes.others)
        lines.append("other figures: " + ", ".join(f"{n} {verdict}" for verdict, n in verdicts.items()))
    ends = []
    if changes.regressions:
        ends.append(counted(len(changes.regressions), "headline figure", "headline figures"))
    if changes.not_run:
        ends.append(f"not run now: {', '.join(_plain(name) for name in changes.not_run)}")
    lines.append(f"REGRESSION: {'; '.join(ends)}" if ends else "no significant regression")
    return "\n".join(lines) + "\n"


def _change_line(change: Change) -> str:
    name = " · ".join(_plain(piece) for piece in change.key if piece)
    before, now = (_change_cell(figure) for figure in (change.before, change.now))
    p = f", p {p_words(change.p_holm)} after Holm" if change.p_holm is not None else ""
    if not p and change.test:
        way = "for the worse, " if change.verdict == "not tested" and change.is_for_the_worse else ""
        p = f" ({way}{change.test.removeprefix('none: ')})"
    seen = f"; a change to {rounded(change.visible)} would be seen" if change.visible is not None else ""
    return f"  {change.verdict}: {name}: {before} -> {now}{p}{seen}"


def _change_cell(figure: Figure | None) -> str:
    if figure is None:
        return "none"
    words = figure_words(figure)
    return f"{words.value} ({words.trials})" if words.trials else words.value


def _section(table: Pivot, stars: set[tuple[str, str, str, str]], width: int) -> list[str]:
    names = [
        row.metric + unit_words(row.unit, row.metric) + (f": {row.stratum}" if row.stratum else "")
        for row in table.rows
    ]
    cells = [[_terminal_cell(row.cells.get(name), stars) for name in table.detectors] for row in table.rows]
    heads = [_plain(column_name(name)) for name in table.detectors]
    sizes = [max(len(head), *(len(row[i]) for row in cells)) for i, head in enumerate(heads)]
    first = max(len(_plain(name)) for name in names)
    if 2 + first + sum(size + len(GAP) for size in sizes) <= width:
        lines = [
            "  " + " " * first + "".join(GAP + f"{h:<{size}}" for h, size in zip(heads, sizes, strict=True))
        ]
        for name, row in zip(names, cells, strict=True):
            values = "".join(GAP + f"{cell:<{size}}" for cell, size in zip(row, sizes, strict=True))
            lines.append(f"  {_plain(name):<{first}}{values}")
        return lines
    # Too wide: a block for each figure, a line for each detector.
    label = max(len(head) for head in heads)
    lines = []
    for name, row in zip(names, cells, strict=True):
        lines.append(f"  {_shortened(_plain(name), width - 2)}")
        lines += [
            f"    {_shortened(head, width // 2):<{min(label, width // 2)}}{GAP}{cell}"
            for head, cell in zip(heads, row, strict=True)
            if cell
        ]
    return lines


def _terminal_cell(figure: Figure | None, stars: set[tuple[str, str, str, str]]) -> str:
    if figure is None:
        return ""
    words = figure_words(figure)
    star = "*" if figure.key in stars else ""
    trials = f"({words.trials})" if words.trials else ""
    return " ".join(piece for piece in (words.value + star, words.interval, trials) if piece)


def _markdown_cell(figure: Figure | None) -> str:
    if figure is None:
        return ""
    words = figure_words(figure)
    trials = f"({words.trials})" if words.trials else ""
    return _cell_text(" ".join(piece for piece in (words.value, words.interval, trials) if piece))


def _cell_text(text: str) -> str:
    return _plain(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _plain(text: str) -> str:
    """Return text without line ends and control characters: a label must not steer a terminal."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"

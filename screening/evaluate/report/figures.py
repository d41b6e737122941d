"""Tables of figures as HTML: rows of metric and stratum, columns of detectors, notes as footnotes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from string import ascii_lowercase

from screening.evaluate.record import DetectorTested, Figure

from .html import Markup, join, tag, text
from .numbers import NO_CLAIM, figure_words, shortened_numbers, unit_words
from .tables import Pivot, Row, column_name, columns_of, pivot, usual_method

__all__ = ["MANY_STRATA", "figures_html", "headline_html"]

#: Columns of detectors side by side on a page of A4.
COLUMNS = 6
#: With so few, value, interval and trials fit on one line.
FEW = 2
#: A longer name is broken anywhere, that its column stays narrow.
LONG_NAME = 20
#: A metric with more strata than this is folded; in a section of many rows, with fewer.
MANY_STRATA = 12
FEW_STRATA = 3
MANY_ROWS = 40
#: How strata end in which nothing is to be found: they are no worst case of finding it.
BLANK = "no source"

Key = tuple[str, str, str, str]


class _Notes:
    """Footnotes of one table: equal texts share a letter."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def letter(self, note: str) -> str:
        if note not in self.texts:
            number, name = len(self.texts) + 1, ""
            while number:
                number, i = divmod(number - 1, len(ascii_lowercase))
                name = ascii_lowercase[i] + name
            self.texts[note] = name
        return self.texts[note]

    def html(self) -> Markup | None:
        if not self.texts:
            return None
        items = (
            tag("li", tag("sup", letter), " ", shortened_numbers(note)) for note, letter in self.texts.items()
        )
        return tag("ul", *items, class_="notes")


def headline_html(
    sections: Iterable[tuple[str, str, Sequence[Figure]]],
    detectors: Sequence[DetectorTested],
    bold: set[Key],
) -> Markup:
    """Return the first table: headline figures of all sections, all detectors in columns.

    Parameters
    ----------
    sections : iterable of (str, str, sequence of Figure)
        Link, title and headline figures of each section that has some.
    detectors : sequence of DetectorTested
        Columns, in order.
    bold : set of tuple of str
        Keys of figures that stand out.

    Returns
    -------
    Markup
        Tables.
    """
    parts = [(link, title, pivot(figures, detectors), figures) for link, title, figures in sections]
    every = [figure for _, _, _, figures in parts for figure in figures]
    if not every:
        return tag("p", "No figure is marked as a headline.", class_="soft")
    method, notes = usual_method(every), _Notes()
    names = pivot(every, detectors).detectors
    groups = columns_of(names, at_most=COLUMNS)
    tables = []
    for i, columns in enumerate(groups):
        bodies = []
        for link, title, table, _ in parts:
            rows = [row for row in table.rows if any(name in row.cells for name in columns)]
            if rows:
                head = tag(
                    "th",
                    tag("a", title, href=f"#{link}"),
                    class_="head",
                    scope="rowgroup",
                    colspan=len(columns) + 1,
                )
                lines = [_row(row, columns, bold, notes, method) for row in rows]
                bodies.append(tag("tbody", tag("tr", head), *lines, class_="of"))
        part = f", part {i + 1} of {len(groups)}" if len(groups) > 1 else ""
        caption = tag("caption", f"All sections{part}. {_said(every, method, bold)}")
        tables.append(_table(caption, _head(columns, detectors), bodies, is_few=len(columns) <= FEW))
    return join(*tables, notes.html())


def figures_html(figures: Sequence[Figure], detectors: Sequence[DetectorTested], bold: set[Key]) -> Markup:
    """Return all figures of a section; strata of a metric that has many are folded.

    Parameters
    ----------
    figures : sequence of Figure
        Of the section.
    detectors : sequence of DetectorTested
        Columns, in order.
    bold : set of tuple of str
        Keys of figures that stand out.

    Returns
    -------
    Markup
        Tables.
    """
    whole = pivot(figures, detectors)
    shown: list[Row] = []
    folded: list[tuple[str, list[Row]]] = []
    for metric, group in groupby(whole.rows, key=lambda row: row.metric):
        rows = list(group)
        n_strata = sum(bool(row.stratum) for row in rows)
        if n_strata > (FEW_STRATA if len(whole.rows) > MANY_ROWS else MANY_STRATA):
            shown += [row for row in rows if not row.stratum]
            folded.append((metric, [row for row in rows if row.stratum]))
        else:
            shown += rows
    pieces: list[Markup] = []
    # A column of the data's own figures would be empty but for its own rows: it stands apart.
    for title, names in (
        ("Of the data", ("",)),
        ("Figures", tuple(name for name in whole.detectors if name)),
    ):
        rows = [row for row in shown if any(name in row.cells for name in names)]
        if rows:
            pieces.append(_whole_table(Pivot(names, tuple(rows)), detectors, bold, title))
    for metric, rows in folded:
        names = tuple(name for name in whole.detectors if any(name in row.cells for row in rows))
        table = _whole_table(Pivot(names, tuple(rows)), detectors, bold, metric, is_of_one=True)
        summary = tag(
            "summary",
            tag("strong", metric),
            f": {len(rows)} strata",
            tag("span", _range(rows), class_="soft"),
        )
        pieces.append(tag("details", summary, table))
    return join(*pieces)


def _range(rows: Sequence[Row]) -> Markup:
    """Return the worst stratum of each detector in a few words."""
    worst = []
    for name in dict.fromkeys(name for row in rows for name in row.cells):
        known = [
            row.cells[name]
            for row in rows
            if name in row.cells and row.cells[name].value is not None and not row.stratum.endswith(BLANK)
        ]
        if known and known[0].better:
            sign = 1.0 if known[0].better == "higher" else -1.0
            found = min(known, key=lambda figure: sign * (figure.value or 0.0))
            if len({figure.value for figure in known}) == 1:
                continue  # none is worse than the others
            whose = f"{name} " if name else ""
            worst.append(text(f"{whose}{figure_words(found).value} ({found.stratum})"))
    return join("; worst: ", join(*worst, by=", ")) if worst else Markup("")


def _whole_table(
    table: Pivot, detectors: Sequence[DetectorTested], bold: set[Key], title: str, *, is_of_one: bool = False
) -> Markup:
    every = [figure for row in table.rows for figure in row.cells.values()]
    method, notes, tables = usual_method(every), _Notes(), []
    groups = columns_of(table.detectors, at_most=COLUMNS)
    for i, columns in enumerate(groups):
        rows = [row for row in table.rows if any(name in row.cells for name in columns)]
        part = f", part {i + 1} of {len(groups)}" if len(groups) > 1 else ""
        caption = tag("caption", f"{title}{part}. {_said(every, method, bold)}")
        lines = [
            _row(row, columns, bold, notes, method, is_of_one=is_of_one, is_again=again == row.metric)
            for row, again in zip(rows, ["", *(row.metric for row in rows)], strict=False)
        ]
        tables.append(
            _table(caption, _head(columns, detectors), [tag("tbody", *lines)], is_few=len(columns) <= FEW)
        )
    return join(*tables, notes.html())


def _table(caption: Markup, head: Markup, bodies: Sequence[Markup], *, is_few: bool) -> Markup:
    return tag("div", tag("table", caption, head, *bodies, class_="few" if is_few else None), class_="scroll")


def _head(columns: Sequence[str], detectors: Sequence[DetectorTested]) -> Markup:
    tier = {detector.name: detector.tier for detector in detectors}
    cells = (
        tag(
            "th",
            column_name(name),
            tag("em", tier[name]) if tier.get(name) else None,
            scope="col",
            class_="long" if len(name) > LONG_NAME else None,
        )
        for name in columns
    )
    return tag("thead", tag("tr", tag("th", "figure", scope="col"), *cells))


def _row(
    row: Row,
    columns: Sequence[str],
    bold: set[Key],
    notes: _Notes,
    method: str,
    *,
    is_of_one: bool = False,
    is_again: bool = False,
) -> Markup:
    unit = unit_words(row.unit, row.metric)
    if is_of_one:
        head = tag("th", row.stratum or "all", unit, scope="row")
    elif row.stratum and is_again:
        head = tag("th", tag("em", f"{row.metric}{unit}: "), row.stratum, scope="row")
    else:
        head = tag("th", row.metric, unit, f": {row.stratum}" if row.stratum else None, scope="row")
    return Markup(
        f"<tr>{head}{''.join(_cell(row.cells.get(name), bold, notes, method) for name in columns)}</tr>"
    )


def _cell(figure: Figure | None, bold: set[Key], notes: _Notes, method: str) -> str:
    if figure is None:
        return '<td class="none">–</td>'
    words = figure_words(figure)
    said = [figure.note] if figure.note else []
    if figure.method and figure.method not in (method, NO_CLAIM):
        is_none = figure.method.startswith("none")
        no_interval = "no interval" + (figure.method[4:] if is_none else f", {figure.method}")
        said.append(f"interval: {figure.method}" if words.interval else no_interval)
    marks = ", ".join(notes.letter(note) for note in said)
    value = f"<b>{words.value}</b>" if figure.key in bold else words.value
    mark = f"<sup>{marks}</sup>" if marks else ""
    small = "<br> ".join(str(text(piece)) for piece in (words.interval, words.trials) if piece)
    return f"<td>{value}{mark}{f'<small>{small}</small>' if small else ''}</td>"


def _said(figures: Sequence[Figure], method: str, bold: set[Key]) -> str:
    shares = sorted({figure.confidence for figure in figures if figure.low is not None})
    if not shares:
        return "No intervals."
    percent = ", ".join(f"{100 * share:.4g}" for share in shares)
    by = f", {method} unless noted" if method else ""
    has_bold = any(figure.key in bold for figure in figures)
    said = " Bold: better than every detector of its tier it was compared with." if has_bold else ""
    return f"With each value its {percent} % interval{by}, and its trials.{said}"

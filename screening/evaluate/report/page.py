"""The evaluation for people: a terminal table, and one small HTML page with the same numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from screening.evaluate.metrics import Proportion, Rate
from screening.evaluate.results import DetectorResult, Evaluation, RocFigures

__all__ = ["evaluation_page", "evaluation_table", "figure_rows"]

STYLE = """
:root { --ink: #1b2733; --soft: #566573; --line: #dde4e9; --blue: #1f6fb4; }
body { margin: 0; background: #f2f5f7; color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
header { background: #16222e; color: #fff; padding: 26px 0; }
header > div, main { max-width: 1080px; margin: 0 auto; padding: 0 24px; }
h1 { font-size: 28px; margin: 0; font-weight: 650; } header p { color: #b9c6d1; margin: 6px 0 0; }
h2 { font-size: 20px; margin: 34px 0 10px; } h3 { font-size: 15px; margin: 20px 0 6px; }
section { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 4px 22px 18px;
  margin: 22px 0; }
section h2 { margin-top: 16px; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; color: var(--soft); font-size: 12.5px; }
th, td { padding: 6px 10px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n { font-variant-numeric: tabular-nums; white-space: nowrap; }
.soft { color: var(--soft); font-size: 13px; }
.curves { display: flex; flex-wrap: wrap; gap: 26px; } figure { margin: 8px 0; }
figcaption { color: var(--soft); font-size: 13px; }
@media print { body { background: #fff; } section { break-inside: avoid; } }
"""
CURVE_PX = 210


def figure_rows(result: DetectorResult) -> Iterator[tuple[str, Proportion | Rate]]:
    """Yield the figures of a detector with their names.

    Parameters
    ----------
    result : DetectorResult
        One detector.

    Yields
    ------
    tuple of str and Proportion or Rate
        A name and a figure.
    """
    yield "answers UNKNOWN", result.unknown
    if result.false_low.n:
        yield "LOW where it must not be", result.false_low
    if result.alarms is not None:
        yield "alarm: answered", result.alarms.answered
        yield "alarm: sources detected", result.alarms.detection
        yield "alarm: natural and medical", result.alarms.nuisance
        yield "alarm: false, per occupancy", result.alarms.false_alarm
    if result.identification is not None:
        found = result.identification
        yield "nuclides: answered", found.answered
        yield "nuclides: correct", found.correct
        yield "nuclides: partial", found.partial
        yield "nuclides: wrong", found.wrong
        yield "nuclides: missed", found.missed
        yield "nuclides: false SNM", found.false_snm
    for name, binary in (
        ("loaded", result.loaded),
        ("dense object", result.dense),
        ("shielded", result.shielded),
    ):
        if binary is not None:
            yield f"{name}: answered", binary.answered
            yield f"{name}: true positive rate", binary.tpr
            yield f"{name}: false positive rate", binary.fpr


def evaluation_table(evaluation: Evaluation) -> str:
    """Return the figures as a table for a terminal.

    Parameters
    ----------
    evaluation : Evaluation
        The evaluation.

    Returns
    -------
    str
        Lines of text.
    """
    data = evaluation.data
    lines = [
        f"data set {data.name}, split {data.split}: {data.n_scored} scans from {data.n_parents} parents"
        f" (labels {data.labels_sha256[:12]})"
    ]
    lines.extend(f"  {kind}: {n}" for kind, n in data.n_problems.items())
    for result in evaluation.detectors:
        lines.append("")
        served = f", {result.n_not_served} of another modality" if result.n_not_served else ""
        failed = f", {len(result.failures)} failed" if result.failures else ""
        lines.append(f"{result.name}: {result.n_answers} answers{served}{failed}")
        rows = [(name, *_words(figure)) for name, figure in figure_rows(result)]
        rows.extend(
            (f"  UNKNOWN by {code}", *_words(figure)) for code, figure in result.unknown_by_reason.items()
        )
        width = max(len(row[0]) for row in rows)
        lines.extend(
            f"  {name:<{width}}  {value:>8}  {interval:<18}  {n}" for name, value, interval, n in rows
        )
    return "\n".join(lines) + "\n"


def evaluation_page(evaluation: Evaluation) -> str:
    """Return the figures as one self-contained HTML page.

    Parameters
    ----------
    evaluation : Evaluation
        The evaluation.

    Returns
    -------
    str
        HTML without script.
    """
    data = evaluation.data
    title = f"Evaluation on {data.name}"
    summary = (
        f"split {data.split}: {data.n_scored} scans from {data.n_parents} independent parents; "
        f"screening {evaluation.version}; intervals 95 %"
    )
    body = [
        f"<header><div><h1>{escape(title)}</h1><p>{escape(summary)}</p></div></header><main>",
        _data_section(evaluation),
        *(_detector_section(result) for result in evaluation.detectors),
        "</main>",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _data_section(evaluation: Evaluation) -> str:
    data = evaluation.data
    rows = [
        ("rows of the labels", str(data.n_rows)),
        ("scored", str(data.n_scored)),
        *((f"left out: split {split}", str(n)) for split, n in data.n_other_splits.items()),
        ("labels, sha256", data.labels_sha256),
        ("configuration, sha256", evaluation.config_sha256),
    ]
    if data.ignored_columns:
        rows.append(("columns without a meaning here", ", ".join(data.ignored_columns)))
    problems = ""
    if data.problems:
        problems = "<h3>What does not fit together</h3>" + _table(
            ("class", "where", "what"), [(p.kind, p.where, p.text) for p in data.problems]
        )
    return f"<section><h2>Data</h2>{_table(None, rows)}{problems}</section>"


def _detector_section(result: DetectorResult) -> str:
    parts = [f"<section><h2>{escape(result.name)}</h2>"]
    levels = ", ".join(f"{n} {level}" for level, n in result.levels.items())
    served = f"; {result.n_not_served} scans of another modality" if result.n_not_served else ""
    parts.append(f'<p class="soft">{result.n_answers} answers: {escape(levels)}{served}</p>')
    rows = [(name, *_words(figure), _method(figure)) for name, figure in figure_rows(result)]
    parts.append(_table(("figure", "value", "interval", "trials", "interval by"), rows))
    if result.unknown_by_reason:
        rows = [(code, *_words(figure), _method(figure)) for code, figure in result.unknown_by_reason.items()]
        parts.append("<h3>UNKNOWN by reason</h3>")
        parts.append(_table(("code", "share of all answers", "interval", "trials", "interval by"), rows))
    for by, counted in (("true level", result.levels_by_truth), ("group", result.levels_by_group)):
        if counted:
            parts.append(f"<h3>Answers by {by}</h3>")
            lines = [(name, *(str(n) for n in row.values())) for name, row in counted.items()]
            parts.append(_table((by, *next(iter(counted.values()))), lines))
    found = result.identification
    if found is not None:
        heads = ("truth", "correct", "partial", "wrong", "missed")
        counts = [(truth, *(str(row[head]) for head in heads[1:])) for truth, row in found.by_truth.items()]
        parts.append(f"<h3>Nuclides by truth (correspondence {escape(found.correspondence)})</h3>")
        parts.append(_table(heads, counts))
    curves = [
        (name, figures.roc)
        for name, figures in (("alarm", result.alarms), ("loaded", result.loaded))
        if figures is not None and figures.roc is not None
    ]
    if curves:
        drawn = "".join(_curve(name, curve) for name, curve in curves if curve is not None)
        parts.append(f'<h3>Curves</h3><div class="curves">{drawn}</div>')
    if result.failures:
        parts.append("<h3>Failed</h3>")
        parts.append(_table(("scan", "stage", "what"), [(f.id, f.stage, f.text) for f in result.failures]))
    return "".join(parts) + "</section>"


def _table(heads: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> str:
    top = "" if heads is None else "<tr>" + "".join(f"<th>{escape(head)}</th>" for head in heads) + "</tr>"
    body = "".join(
        "<tr>"
        + "".join(f"<td{'' if i == 0 else ' class=n'}>{escape(cell)}</td>" for i, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )
    return f"<table>{top}{body}</table>"


def _curve(name: str, curve: RocFigures) -> str:
    size = CURVE_PX
    points = " ".join(
        f"{x * size:.1f},{(1 - y) * size:.1f}" for x, y in zip(curve.fpr, curve.tpr, strict=True)
    )
    n = f"{curve.n_positive} positives, {curve.n_negative} negatives"
    missing = f", {curve.n_without_score} without a score" if curve.n_without_score else ""
    return (
        f'<figure><svg width="{size}" height="{size}" viewBox="-2 -2 {size + 4} {size + 4}" role="img">'
        f'<rect width="{size}" height="{size}" fill="none" stroke="#dde4e9"/>'
        f'<line x1="0" y1="{size}" x2="{size}" y2="0" stroke="#b8c2ca" stroke-dasharray="4 4"/>'
        f'<polyline points="{points}" fill="none" stroke="#1f6fb4" stroke-width="2"/></svg>'
        f"<figcaption>{escape(name)}: area {curve.auc:.4f}<br>{n}{missing}</figcaption></figure>"
    )


def _words(figure: Proportion | Rate) -> tuple[str, str, str]:
    trials = (
        f"{figure.k} of {figure.n}"
        if isinstance(figure, Proportion)
        else f"{figure.n} in {figure.exposure:g}"
    )
    if figure.value is None:
        return "none", "", trials
    interval = "" if figure.low is None or figure.high is None else f"[{figure.low:.4g}, {figure.high:.4g}]"
    return f"{figure.value:.4g}", interval, trials


def _method(figure: Proportion | Rate) -> str:
    return figure.method if isinstance(figure, Proportion) else "garwood"

"""Sections of the page: what was measured, figures, curves, comparisons and samples."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from screening.evaluate.record import (
    Comparison,
    Curve,
    DetectorTested,
    Exhibit,
    Figure,
    LeftOut,
    Provenance,
    Section,
)

from .figures import MANY_STRATA, Key, figures_html
from .html import Markup, anchor, join, tag
from .ink import Pen
from .numbers import p_words, rounded, shortened_numbers
from .samples import exhibit_html
from .svg import curve_svg

__all__ = [
    "comparisons_html",
    "curve_html",
    "detectors_html",
    "left_out_html",
    "provenance_html",
    "section_html",
]

#: Rows of what was left out that the page lists for each class; all are in report.json.
LISTED = 50
#: A paragraph longer than this that lists more things than this is folded.
LONG_TEXT, MANY_ITEMS = 400, 5


def section_html(
    section: Section,
    figures: Sequence[Figure],
    curves: Sequence[Curve],
    comparisons: Sequence[Comparison],
    exhibits: Sequence[Exhibit],
    *,
    detectors: Sequence[DetectorTested],
    bold: set[Key],
    pens: Mapping[str, Pen],
) -> Markup:
    """Return a section.

    Parameters
    ----------
    section : Section
        Its heading and text.
    figures, curves, comparisons, exhibits : sequence
        What stands in it.
    detectors : sequence of DetectorTested
        Columns, in order.
    bold : set of tuple of str
        Keys of figures that stand out.
    pens : mapping of str to Pen
        For each name of a series.

    Returns
    -------
    Markup
        One ``<section>``.
    """
    pieces: list[Markup | None] = [tag("h2", section.title)]
    pieces += [_paragraph(words) for words in section.text]
    pieces.append(tag("p", f"Data: {section.data}", class_="data") if section.data else None)
    if figures:
        pieces.append(figures_html(figures, detectors, bold))
    if curves:
        pieces.append(tag("h3", "Curves"))
        pieces.append(tag("div", *(curve_html(curve, pens) for curve in curves), class_="curves"))
    if comparisons:
        pieces.append(comparisons_html(comparisons))
    if exhibits:
        pieces.append(tag("h3", "To look at"))
        pieces.append(tag("div", *map(exhibit_html, exhibits), class_="exhibits"))
    return tag("section", *pieces, id=anchor(section.id))


def _paragraph(words: str) -> Markup:
    """Return a paragraph; a long list, "Head: a; b; c.", is folded, its items one a line."""
    head, colon, rest = words.partition(": ")
    items = _parted(rest.removesuffix("."))
    if not colon or len(words) <= LONG_TEXT or len(items) < MANY_ITEMS:
        return tag("p", shortened_numbers(words))
    summary = tag("summary", tag("strong", head), f": {len(items)}")
    return tag("details", summary, tag("ul", *(tag("li", shortened_numbers(item)) for item in items)))


def _parted(words: str) -> list[str]:
    """Return what stands between semicolons that are in no brackets."""
    pieces, depth = [""], 0
    for piece in re.split(r"(; |[()])", words):
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if piece == "; " and depth <= 0:
            pieces.append("")
        else:
            pieces[-1] += piece
    return pieces


def curve_html(curve: Curve, pens: Mapping[str, Pen]) -> Markup:
    """Return a curve with its caption.

    Parameters
    ----------
    curve : Curve
        Its numbers.
    pens : mapping of str to Pen
        For each name of a series.

    Returns
    -------
    Markup
        One ``<figure>``. The caption says how many points an axis could not show.
    """
    n_off = sum(_n_off(series.x, curve.x_scale) + _n_off(series.y, curve.y_scale) for series in curve.series)
    said = (
        f"{n_off} coordinates that such an axis cannot show stand on its end, labelled 0 or 1."
        if n_off
        else None
    )
    caption = tag("figcaption", tag("strong", curve.title), tag("span", said) if said else None)
    return tag("figure", caption, curve_svg(curve, pens))


def comparisons_html(comparisons: Sequence[Comparison]) -> Markup:
    """Return detectors compared on the same samples.

    Parameters
    ----------
    comparisons : sequence of Comparison
        Of one section.

    Returns
    -------
    Markup
        A heading and a table; a long one is folded.
    """
    rows = []
    for item in comparisons:
        what = tag("th", item.metric, tag("em", f": {item.stratum}") if item.stratum else None, scope="row")
        rows.append(
            tag(
                "tr",
                what,
                tag("td", f"{item.a} over {item.b}"),
                tag("td", _verdict(item)),
                tag("td", *_effect(item)),
                tag("td", p_words(item.p), class_="n"),
                tag("td", p_words(item.p_holm), class_="n"),
                tag("td", item.n, class_="n"),
                tag("td", item.test),
            )
        )
    heads = ("figure", "detectors", "verdict", "effect", "p", "p, Holm", "samples", "test")
    table = _plain(
        "Both detectors on the same samples. The verdict holds after Holm's correction over its family.",
        heads,
        rows,
    )
    n_open = sum(item.verdict == "not distinguishable" for item in comparisons)
    said = f"{len(comparisons)} comparisons, {n_open} not distinguishable"
    if len(comparisons) > 2 * MANY_STRATA:
        table = tag("details", tag("summary", said), table)
    return join(tag("h3", "Comparisons"), table)


def detectors_html(detectors: Sequence[DetectorTested]) -> Markup:
    """Return the detectors under test.

    Parameters
    ----------
    detectors : sequence of DetectorTested
        Of the report.

    Returns
    -------
    Markup
        A table.
    """
    rows = [
        tag(
            "tr",
            tag("th", detector.name, scope="row"),
            tag("td", detector.version or "–", class_="n"),
            tag("td", detector.tier or "–"),
            tag(
                "td",
                detector.text,
                *(tag("div", f"{name} ", tag("code", value)) for name, value in detector.models.items()),
            ),
        )
        for detector in detectors
    ]
    return _plain(
        "Detectors of one tier are ranked against each other.",
        ("detector", "version", "tier", "what it does, models (sha256)"),
        rows,
    )


def left_out_html(items: Sequence[LeftOut]) -> Markup:
    """Return what was not measured, by class.

    Parameters
    ----------
    items : sequence of LeftOut
        Of the report.

    Returns
    -------
    Markup
        A table of classes with their counts, and their cases folded below.
    """
    if not items:
        return tag("p", "Nothing was left out: all that was asked for was measured.", class_="calm")
    classes: dict[tuple[str, bool], list[LeftOut]] = {}
    for item in items:
        classes.setdefault((item.kind, item.is_error), []).append(item)
    rows = [
        tag(
            "tr",
            tag("th", kind, scope="row"),
            tag("td", sum(item.n for item in found), class_="n"),
            tag("td", "error: exit status 1" if is_error else "as asked"),
            tag("td", shortened_numbers(f"{found[0].where}: {found[0].text}")),
        )
        for (kind, is_error), found in classes.items()
    ]
    pieces = [_plain("What was left out, by class.", ("class", "count", "counts as", "first case"), rows)]
    for (kind, _), found in classes.items():
        if len(found) > 1:
            cases = [
                tag(
                    "tr",
                    tag("th", item.where, scope="row"),
                    tag("td", item.n, class_="n"),
                    tag("td", shortened_numbers(item.text)),
                )
                for item in found[:LISTED]
            ]
            more = f"; the first {LISTED} are listed, all are in report.json" if len(found) > LISTED else ""
            pieces.append(
                tag(
                    "details",
                    tag("summary", f"{kind}: {len(found)} cases{more}"),
                    _plain(None, ("where", "count", "what"), cases),
                )
            )
    return join(*pieces)


def provenance_html(provenance: Provenance, report_sha256: str) -> Markup:
    """Return what made the report.

    Parameters
    ----------
    provenance : Provenance
        Of the report.
    report_sha256 : str
        Hash of report.json; empty where it is not known.

    Returns
    -------
    Markup
        A table.
    """
    rows = [
        ("software", f"screening {provenance.version}"),
        ("made", provenance.made_utc),
        ("took", f"{rounded(provenance.elapsed_s)} s" if provenance.elapsed_s else ""),
        ("command", provenance.command),
        ("report.json, sha256", report_sha256),
        ("settings, sha256", provenance.config_sha256),
        *((f"{name}, sha256", value) for name, value in provenance.data.items()),
        *((f"seed of {name}", str(value)) for name, value in provenance.seeds.items()),
        *provenance.machine.items(),
    ]
    lines = [
        tag("tr", tag("th", name, scope="row"), tag("td", tag("code", value)))
        for name, value in rows
        if value
    ]
    return _plain(None, None, lines)


def _plain(caption: str | None, heads: Sequence[str] | None, rows: Sequence[Markup]) -> Markup:
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in heads))) if heads else None
    body = tag("tbody", *rows)
    table = tag("table", tag("caption", caption) if caption else None, head, body, class_="plain")
    return tag("div", table, class_="scroll")


def _verdict(item: Comparison) -> Markup | str:
    if item.verdict in ("a is better", "b is better"):
        return tag("strong", f"{item.a if item.verdict[0] == 'a' else item.b} is better")
    return item.verdict


def _effect(item: Comparison) -> tuple[Markup | str | None, ...]:
    if item.effect is None:
        return ("none", tag("small", item.effect_name))
    has_interval = item.low is not None and item.high is not None
    spread = 0.5 * (item.high - item.low) if item.low is not None and item.high is not None else None
    interval = (
        f"[{rounded(item.low, spread=spread)}, {rounded(item.high, spread=spread)}]" if has_interval else None
    )
    return (
        rounded(item.effect, spread=spread),
        tag("small", interval) if interval else None,
        tag("small", item.effect_name),
    )


def _n_off(values: Sequence[float | None], scale: str) -> int:
    if scale == "linear":
        return 0
    found = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return int((found <= 0.0).sum() + ((found >= 1.0).sum() if scale == "probit" else 0))

"""The evaluation for people: one self-contained page, without script, that prints on A4."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from importlib.resources import files
from typing import Any, Protocol, TypeVar

from screening.evaluate.record import Evaluation

from .baseline import Changes
from .changes import changes_html
from .figures import headline_html
from .html import Markup, anchor, join, tag, text
from .ink import pens
from .numbers import counted
from .sections import detectors_html, left_out_html, provenance_html, section_html
from .tables import better_ones, by_section

__all__ = ["evaluation_page"]


#: Left out by nature, not by a request: no reason to warn.
EXPECTED = ("another modality", "not asked again")


class _InSection(Protocol):
    @property
    def section(self) -> str: ...


T = TypeVar("T", bound=_InSection)


def evaluation_page(
    evaluation: Evaluation, *, changes: Changes | None = None, report_sha256: str = ""
) -> str:
    """Return a report as one HTML page.

    Parameters
    ----------
    evaluation : Evaluation
        The report.
    changes : Changes, optional
        Since a baseline.
    report_sha256 : str
        Hash of the ``report.json`` beside the page, which holds every number of it.

    Returns
    -------
    str
        HTML with its style and pictures inside; the same for the same report.
    """
    bold = better_ones(evaluation.comparisons, evaluation.detectors)
    figures = by_section(evaluation.figures)
    curves, comparisons = _grouped(evaluation.curves), _grouped(evaluation.comparisons)
    exhibits = _grouped(evaluation.exhibits)
    names = [detector.name for detector in evaluation.detectors]
    names += [series.name for curve in evaluation.curves for series in curve.series]
    drawn = pens(names)
    headlines = [
        (anchor(section.id), section.title, [f for f in figures.get(section.id, ()) if f.is_headline])
        for section in evaluation.sections
    ]
    body = [
        _head(evaluation),
        Markup("<main>"),
        _summary(evaluation, changes),
        tag(
            "section",
            tag("h2", "Headline figures"),
            headline_html([part for part in headlines if part[2]], evaluation.detectors, bold),
            id="headline",
        ),
        tag("section", tag("h2", "Changes since the baseline"), changes_html(changes), id="changes")
        if changes is not None
        else None,
        _contents(evaluation),
        *(
            section_html(
                section,
                figures.get(section.id, ()),
                curves.get(section.id, ()),
                comparisons.get(section.id, ()),
                exhibits.get(section.id, ()),
                detectors=evaluation.detectors,
                bold=bold,
                pens=drawn,
            )
            for section in evaluation.sections
        ),
        tag("section", tag("h2", "What was left out"), left_out_html(evaluation.left_out), id="left-out"),
        tag(
            "section",
            tag("h2", "Provenance"),
            provenance_html(evaluation.provenance, report_sha256),
            _signatures(),
            id="provenance",
        ),
        Markup("</main>"),
    ]
    style = files("screening.evaluate.report").joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
        f"<title>{text(evaluation.title)}</title>\n<style>\n{style}</style></head>\n<body>\n"
        + join(*body, by="\n")
        + "\n</body></html>\n"
    )


def _grouped(items: Iterable[T]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = defaultdict(list)
    for item in items:
        found[item.section].append(item)
    return found


def _head(evaluation: Evaluation) -> Markup:
    made = evaluation.provenance
    facts = [made.made_utc, f"screening {made.version}", evaluation.schema]
    said = tag("p", " · ".join(fact for fact in facts if fact))
    return tag("header", tag("div", tag("h1", evaluation.title), said), class_="title")


def _summary(evaluation: Evaluation, changes: Changes | None) -> Markup:
    pieces: list[Any] = [tag("h2", "What was tested"), detectors_html(evaluation.detectors)]
    data = [section for section in evaluation.sections if section.data]
    if data:
        told: dict[str, list[str]] = {}
        for section in data:
            told.setdefault(section.data, []).append(section.title)
        lines = [
            tag("li", words, tag("span", f" ({', '.join(titles)})", class_="soft"))
            for words, titles in told.items()
        ]
        pieces += [tag("h3", "On which data"), tag("ul", *lines)]
    link = tag("a", "what was left out", href="#left-out")
    for is_error, begin, look in (
        (True, "Does not fit together, or failed", "alarm"),
        (False, "Left out as asked", "trouble"),
    ):
        classes = Counter[str]()
        for item in evaluation.left_out:
            if item.is_error is is_error and (is_error or item.kind not in EXPECTED):
                classes[item.kind] += item.n
        if classes:
            said = ", ".join(f"{kind} {n}" for kind, n in classes.items())
            pieces.append(tag("p", f"{begin}: {said}; see ", link, ".", class_=look))
    kept = [item for item in evaluation.left_out if item.kind == "not asked again"]
    pieces += [tag("p", f"{item.text}.", class_="soft") for item in kept]
    if not evaluation.left_out:
        pieces.append(tag("p", "All that was asked for was measured; nothing was left out.", class_="calm"))
    if changes is not None and changes.regressions:
        link = tag("a", "changes since the baseline", href="#changes")
        said = counted(len(changes.regressions), "headline figure is", "headline figures are")
        pieces.append(tag("p", f"{said} worse than the baseline, or gone: see ", link, ".", class_="alarm"))
    if changes is not None and changes.not_run:
        said = ", ".join(changes.not_run)
        pieces.append(tag("p", f"Of the baseline, not run now: {said}.", class_="alarm"))
    if changes is not None and changes.is_other_data:
        said = next(note for note in changes.notes if note.startswith("other data: "))
        pieces.append(tag("p", f"The baseline is of {said}.", class_="trouble"))
    return tag("section", *pieces, id="tested")


def _contents(evaluation: Evaluation) -> Markup:
    links = [
        *((anchor(section.id), section.title) for section in evaluation.sections),
        ("left-out", "What was left out"),
        ("provenance", "Provenance"),
    ]
    items = (tag("li", tag("a", title, href=f"#{link}")) for link, title in links)
    said = "Folded tables are printed unfolded. Every row is in report.json and figures.csv."
    return tag(
        "nav", tag("h2", "Contents"), tag("ol", *items), tag("p", said, class_="soft"), aria_label="Contents"
    )


def _signatures() -> Markup:
    blanks = ("evaluated by", "reviewed by", "place and date")
    return tag("div", *(tag("div", name) for name in blanks), class_="sign")

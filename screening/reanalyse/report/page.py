"""The report as one HTML file that needs nothing else: no script, no network, no folder beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

from screening.errors import StoreError
from screening.records import Level

from .entries import Entry
from .figures import require_matplotlib
from .markup import Markup, join, tag
from .sections import badge, banner_strip, container_section, entry_name, headline, scan_summary
from .words import ACTION_SHORT, LEVEL_WORDS

__all__ = ["write_report"]

PICTURE_BUDGET = 4_200_000  # pixels over the whole report: about one byte each in base64
LARGEST_PICTURE = 420_000
LEVELS_DOWN = (Level.HIGH, Level.UNKNOWN, Level.LOW)


def write_report(
    path: str | Path,
    entries: Sequence[Entry],
    *,
    title: str,
    banner: str | None = None,
    provenance: Mapping[str, str] | None = None,
) -> Path:
    """Write a report on containers.

    Parameters
    ----------
    path : path-like
        The HTML file; replaced in one step when complete.
    entries : sequence of Entry
        One per container; shown in this order.
    title : str
        Heading.
    banner : str, optional
        A warning over the page and over every container ("EXERCISE: not valid for cargo").
    provenance : mapping of str to str, optional
        What made the results: version, configuration, models.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ConfigurationError
        If matplotlib is not installed (extra ``report``).
    StoreError
        If the file cannot be written.
    """
    require_matplotlib()
    folder = files("screening.reanalyse") / "templates"
    body = _body(entries, title=title, banner=banner, provenance=provenance or {})
    page = Template((folder / "page.html").read_text(encoding="utf-8")).substitute(
        title=join(f"{banner}: {title}" if banner else title),
        style=(folder / "report.css").read_text(encoding="utf-8"),
        body=body,
    )
    path = Path(path)
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(page, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror})", value=str(path)) from None
    return path


def _body(
    entries: Sequence[Entry], *, title: str, banner: str | None, provenance: Mapping[str, str]
) -> Markup:
    n_picture = sum(scan.modality == "radiograph" for entry in entries for scan in entry.scans)
    max_pixels = min(LARGEST_PICTURE, PICTURE_BUDGET // max(1, n_picture))
    sections = [
        container_section(entry, anchor=f"c{i + 1}", banner=banner, max_pixels=max_pixels)
        for i, entry in enumerate(entries)
    ]
    return join(
        banner_strip(banner, is_top=True),
        _title(entries, title, provenance),
        tag("main", _overview(entries), *sections, _provenance(provenance)),
    )


def _title(entries: Sequence[Entry], title: str, provenance: Mapping[str, str]) -> Markup:
    tally = Counter(entry.level for entry in entries)
    n_scan = sum(len(entry.scans) for entry in entries)
    boxes = [
        tag("div", tag("strong", tally[level]), tag("span", level.value), class_=level.value)
        for level in LEVELS_DOWN
    ]
    times = sorted(scan.taken_at for entry in entries for scan in entry.scans if scan.taken_at)
    span = f" · {times[0][:16].replace('T', ' ')} to {times[-1][:16].replace('T', ' ')} UTC" if times else ""
    made = f" · screening {provenance['version']}" if "version" in provenance else ""
    summary = f"{_number(len(entries), 'container')}, {_number(n_scan, 'scan')}{span}{made}"
    return tag(
        "header",
        tag(
            "div",
            tag("div", tag("h1", title), tag("p", summary)),
            tag("div", *boxes, class_="tally"),
        ),
        class_="title",
    )


def _overview(entries: Sequence[Entry]) -> Markup:
    rows = [_overview_row(entry, f"c{i + 1}") for i, entry in enumerate(entries)]
    heads = ("Container", "Risk", "Action", "Portal", "Radiograph", "Why")
    table = tag(
        "table",
        tag("thead", tag("tr", *(tag("th", head) for head in heads))),
        tag("tbody", *rows),
        class_="overview",
    )
    legend = [tag("span", badge(level), " ", LEVEL_WORDS[level]) for level in LEVELS_DOWN]
    if any(scan.is_exercise for entry in entries for scan in entry.scans):
        legend.append(
            tag("span", "Of an exercise: what this evidence would be in operation; its flags are never LOW.")
        )
    return join(
        tag("div", tag("div", table, class_="scroll"), class_="panel"),
        tag("div", *legend, class_="legend"),
    )


def _overview_row(entry: Entry, anchor: str) -> Markup:
    link = tag("a", entry_name(entry), href=f"#{anchor}", class_="id iso" if entry.container_id else "id")
    action = ACTION_SHORT[entry.decision.action] if entry.decision is not None else "none"
    return tag(
        "tr",
        tag("td", link, class_="name"),
        tag("td", badge(entry.level), class_="risk"),
        tag("td", action, class_="action"),
        tag("td", scan_summary(entry, "radiation"), class_="found", data_label="Portal"),
        tag("td", scan_summary(entry, "radiograph"), class_="found", data_label="Radiograph"),
        tag("td", headline(entry), class_="why"),
    )


def _provenance(provenance: Mapping[str, str]) -> Markup | None:
    if not provenance:
        return None
    items = [
        join(tag("dt", name.replace("_", " ")), tag("dd", value, class_="mono"))
        for name, value in provenance.items()
    ]
    return tag("section", tag("h3", "How these results were made"), tag("dl", *items), class_="provenance")


def _number(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"

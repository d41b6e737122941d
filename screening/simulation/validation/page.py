"""One page with all parts of the validation: pictures inside, numbers beside it as JSON."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable, Mapping
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any, NamedTuple

from screening.errors import ConfigurationError, StoreError

__all__ = ["PARTS", "PartReport", "write_validation"]

#: Parts in the order of the page: title, and the function that makes it. It takes the folder to write to as
#: ``out_dir``, and the folder of measured data as ``data_dir`` or ``shared_dir`` if it needs one. It gives a
#: :class:`PartReport`, or plain values whose ``pictures`` are file names, and whose lists of records
#: become tables.
PARTS = (
    ("Gamma spectra", "screening.simulation.validation.gamma:gamma_report"),
    ("Passes", "screening.simulation.validation.passes:validate_passes"),
    ("Radiographs", "screening.simulation.validation.radiographs:write_radiograph_validation"),
)

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 66rem; padding: 0 1rem; }
img { max-width: 100%; border: 1px solid #ddd; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 13px; }
th, td { border-bottom: 1px solid #ddd; padding: .25rem .6rem; text-align: left; }
figure { margin: 1.5rem 0; } figcaption { color: #555; }
.missing { background: #fff3d6; padding: .6rem 1rem; }
.no { color: #a02020; font-weight: 600; }
"""


class PartReport(NamedTuple):
    """What one part of the validation brings to the page.

    Attributes
    ----------
    numbers : dict
        Every number, as plain values.
    pictures : tuple of (str, str)
        File names in the folder, with captions.
    tables : tuple of (str, tuple, list)
        Title, names of columns, rows.
    notes : tuple of str
        Paragraphs.
    """

    numbers: dict[str, Any]
    pictures: tuple[tuple[str, str], ...] = ()
    tables: tuple[tuple[str, tuple[str, ...], list[tuple[Any, ...]]], ...] = ()
    notes: tuple[str, ...] = ()


def write_validation(
    shared_dir: Path,
    out_dir: Path,
    *,
    parts: tuple[tuple[str, str], ...] = PARTS,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Put the simulators beside measured data.

    Parameters
    ----------
    shared_dir : Path
        Folder of the measured data: its ``data``, or the folder above.
    out_dir : Path
        Folder, made if needed. Receives ``validation.html`` (self-contained), ``validation.json`` (every
        number) and the pictures.
    parts : tuple of (str, str)
        Title and function of each part.
    progress : callable, optional
        Called with (parts done, of).

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ConfigurationError
        If the folder of measured data does not exist.
    StoreError
        If the page cannot be written.
    """
    if not shared_dir.is_dir():
        raise ConfigurationError(f"{shared_dir}: no such folder of measured data", value=str(shared_dir))
    data_dir = shared_dir / "data" if (shared_dir / "data").is_dir() else shared_dir
    numbers: dict[str, Any] = {}
    sections = []
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        for done, (title, target) in enumerate(parts):
            if progress is not None:
                progress(done, len(parts))
            try:
                report = _as_report(_called(_function(target), data_dir, shared_dir, out_dir))
            except FileNotFoundError as error:
                text = f"not made: the measured data lack {Path(error.filename or str(error)).name}"
                numbers[title] = {"missing": text}
                sections.append(f'<h2>{html.escape(title)}</h2><p class="missing">{html.escape(text)}</p>')
                continue
            numbers[title] = report.numbers
            sections.append(_section(title, report, out_dir))
        (out_dir / "validation.json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
        page = out_dir / "validation.html"
        page.write_text(_page(sections), encoding="utf-8")
    except OSError as error:
        name = Path(error.filename).name if error.filename else str(out_dir)
        raise StoreError(f"{name}: {error.strerror or error}", value=str(out_dir)) from None
    if progress is not None:
        progress(len(parts), len(parts))
    return page


def _function(target: str) -> Callable[..., Any]:
    module, _, name = target.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


def _called(function: Callable[..., Any], data_dir: Path, shared_dir: Path, out_dir: Path) -> Any:
    given = {"data_dir": data_dir, "shared_dir": shared_dir, "out_dir": out_dir}
    wanted = signature(function).parameters
    return function(**{name: value for name, value in given.items() if name in wanted})


def _as_report(found: Any) -> PartReport:
    """Return what a part gave as a report."""
    if isinstance(found, PartReport):
        return found
    if not isinstance(found, Mapping):
        raise TypeError(f"a part of the validation gives a report, got {type(found).__name__}")
    pictures = [item if isinstance(item, str) else item[0] for item in found.get("pictures", ())]
    numbers = {name: value for name, value in found.items() if name != "pictures"}
    tables = [(name, *_as_table(value)) for name, value in numbers.items() if _is_table(value)]
    return PartReport(
        numbers,
        tuple((Path(name).name, Path(name).stem.replace("-", " ")) for name in pictures),
        tuple(tables),
    )


def _is_table(value: Any) -> bool:
    """Return whether plain values are a table: records of one kind, in a list or by name."""
    records = list(value.values()) if isinstance(value, Mapping) else value
    return (
        isinstance(records, list)
        and bool(records)
        and all(isinstance(record, Mapping) for record in records)
        and not any(
            isinstance(cell, (list, tuple, Mapping)) for record in records for cell in record.values()
        )
    )


def _as_table(value: Any) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    named = value.items() if isinstance(value, Mapping) else (("", record) for record in value)
    rows = [(name, record) for name, record in named]
    columns = list(dict.fromkeys(column for _, record in rows for column in record))
    first = [""] if isinstance(value, Mapping) else []
    return (
        (*first, *map(str, columns)),
        [(*([name] if first else []), *(record.get(column) for column in columns)) for name, record in rows],
    )


def _section(title: str, report: PartReport, out_dir: Path) -> str:
    blocks = [f"<h2>{html.escape(title)}</h2>"]
    blocks += [f"<p>{html.escape(note)}</p>" for note in report.notes]
    for name, columns, rows in report.tables:
        head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
        body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
        blocks.append(f"<h3>{html.escape(name)}</h3><table><tr>{head}</tr>{body}</table>")
    for file, caption in report.pictures:
        path = out_dir / file
        kind = "svg+xml" if path.suffix == ".svg" else path.suffix.lstrip(".")
        data = base64.b64encode(path.read_bytes()).decode("ascii")
        text = html.escape(caption)
        blocks.append(
            f'<figure><img alt="{text}" src="data:image/{kind};base64,{data}">'
            f"<figcaption>{text}</figcaption></figure>"
        )
    return "\n".join(blocks)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "<td>yes</td>" if value else '<td class="no">no</td>'
    if isinstance(value, float):
        return f"<td>{value:.4g}</td>"
    return f"<td>{'' if value is None else html.escape(str(value))}</td>"


def _page(sections: list[str]) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<title>Validation of the simulators</title>"
        f"<style>{_STYLE}</style></head><body><h1>Validation of the simulators</h1>"
        "<p>What the simulators make beside what was measured. What does not match is marked.</p>"
        + "\n".join(sections)
        + "</body></html>\n"
    )

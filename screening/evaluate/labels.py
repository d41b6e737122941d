"""Read ``labels.csv``: what is known of each scan of a data set."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Literal

import msgspec

from screening.errors import FormatError
from screening.physics import NUCLIDES
from screening.records import Level, sha256_hex

from .detectors.nuclide_names import label_of
from .identification import load_correspondence
from .samples import SPLITS, Problem, Sample

__all__ = ["COLUMNS", "LABELS", "LabelTable", "labelled_by", "meant_column", "read_labels"]

LABELS = "labels.csv"
COLUMNS = (
    "path",
    "index",
    "id",
    "modality",
    "truth_nuclides",
    "has_source",
    "has_neutrons",
    "is_empty",
    "has_dense",
    "is_shielded",
    "has_threat",
    "level",
    "split",
    "parent",
    "group",
    "site",
    "scanner",
    "cargo",
    "seed",
    "scan_id",
    "cargo_mass_kg",
)
NOTHING = "none"
MODALITIES = ("radiation", "radiograph")
_FLAGS = ("has_source", "has_neutrons", "is_empty", "has_dense", "is_shielded", "has_threat")
_WORDS: dict[str, bool | None] = {
    "true": True,
    "yes": True,
    "1": True,
    "false": False,
    "no": False,
    "0": False,
    "": None,
}


class LabelTable(msgspec.Struct, frozen=True, kw_only=True):
    """Labels as read, before anybody has looked for the scans.

    Attributes
    ----------
    samples : tuple of Sample
        Rows that can be read, with where each stands.
    rows : tuple of int
        The line of the file on which each sample's row begins.
    ids : frozenset of str
        Names of all rows, also of those that cannot be read.
    places : frozenset of str
        What the key column holds, in all rows.
    problems : tuple of Problem
        Rows that cannot be read, and names that stand twice.
    n_rows : int
        Rows of the file.
    ignored_columns : tuple of str
        Columns without a meaning here.
    sha256 : str
        Hash of the file.
    """

    samples: tuple[Sample, ...]
    rows: tuple[int, ...]
    ids: frozenset[str]
    places: frozenset[str]
    problems: tuple[Problem, ...]
    n_rows: int
    ignored_columns: tuple[str, ...]
    sha256: str


def labelled_by(path: Path) -> Literal["path", "scan_id"]:
    """Return by what labels name their scans.

    Parameters
    ----------
    path : Path
        ``labels.csv``.

    Returns
    -------
    {"path", "scan_id"}
        "scan_id" where there is such a column and none of paths.

    Raises
    ------
    FormatError
        If the file cannot be read.
    """
    header = _table(path)[1]
    return "scan_id" if "scan_id" in header and "path" not in header else "path"


def meant_column(name: str) -> str:
    """Return the column that a name without a meaning probably stands for.

    Parameters
    ----------
    name : str
        A column of the labels.

    Returns
    -------
    str
        One of COLUMNS; "" where none comes near.

    Examples
    --------
    >>> [meant_column(name) for name in ("is_emty", "isempty", "Level", "colour")]
    ['is_empty', 'is_empty', 'level', '']
    """
    bare = {column.replace("_", ""): column for column in COLUMNS}
    near = get_close_matches(re.sub(r"[\s_-]", "", name).lower(), bare, n=1, cutoff=0.8)
    return bare[near[0]] if near else ""


def read_labels(path: Path, *, by: Literal["path", "scan_id"] = "path") -> LabelTable:
    """Read labels.

    Parameters
    ----------
    path : Path
        ``labels.csv``.
    by : {"path", "scan_id"}
        The column that names the scan: it must be there.

    Returns
    -------
    LabelTable
        Samples, and every row that cannot be read by name.

    Raises
    ------
    FormatError
        If the file cannot be read, the column is missing, or a column stands twice.
    """
    data, header, rows = _table(path)
    twice = [name for name, n in Counter(header).items() if n > 1]
    if by not in header or twice:
        why = f"column {twice[0]} twice" if twice else f"no column {by!r}"
        raise FormatError(f"{LABELS}: {why}; known columns: {', '.join(COLUMNS)}", value=header)
    problems: list[Problem] = []
    samples, numbers = [], []
    seen_ids: dict[str, int] = {}
    seen_scans: dict[tuple[str, int], int] = {}
    ids: set[str] = set()
    places: set[str] = set()
    for number, row in rows:
        cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
        ids.add(_name(cells))
        places.add(cells.get(by, ""))
        sample = _sample(cells, f"{LABELS} row {number}", len(row), len(header), by, problems)
        if sample is None:
            continue
        scan = (sample.path, sample.index) if by == "path" else (sample.scan_id, 0)
        if (first := seen_scans.get(scan)) is not None:
            what = f"scan {sample.index} of {sample.path}" if by == "path" else f"scan {sample.scan_id}"
            text = f"{what} is labelled in rows {first} and {number}; the first counts"
            problems.append(Problem(kind="duplicate scan", where=f"row {number}", text=text))
            continue
        if (first := seen_ids.get(sample.id)) is not None:
            text = f"the id {sample.id!r} stands in rows {first} and {number}; the first counts"
            problems.append(Problem(kind="duplicate id", where=f"row {number}", text=text))
            continue
        seen_scans[scan] = seen_ids[sample.id] = number
        samples.append(sample)
        numbers.append(number)
    return LabelTable(
        samples=tuple(samples),
        rows=tuple(numbers),
        ids=frozenset(ids),
        places=frozenset(places),
        problems=tuple(problems),
        n_rows=len(rows),
        ignored_columns=tuple(name for name in header if name not in COLUMNS),
        sha256=sha256_hex(data),
    )


def _table(path: Path) -> tuple[bytes, list[str], list[tuple[int, list[str]]]]:
    """Return the bytes, the header, and each row with the line on which it begins."""
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise FormatError(f"{path}: {error.strerror or error}", value=str(path)) from None
    except UnicodeDecodeError as error:
        raise FormatError(f"{LABELS}: not UTF-8 at byte {error.start}", value=error.start) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, list[str]]] = []
    ended = 0
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((ended + 1, row))
            ended = reader.line_num
    except csv.Error as error:
        raise FormatError(f"{LABELS}, line {reader.line_num}: {error}", value=reader.line_num) from None
    header = [name.strip() for name in rows[0][1]] if rows else []
    return data, header, rows[1:]


def _sample(
    cells: dict[str, str],
    where: str,
    n_cell: int,
    n_column: int,
    by: str,
    problems: list[Problem],
) -> Sample | None:
    def invalid(text: str) -> None:
        problems.append(Problem(kind="invalid value", where=where, text=text))

    if n_cell != n_column:
        invalid(f"{n_cell} cells under {n_column} columns")
        return None
    path = PurePosixPath(cells.get("path", "")).as_posix()
    index_text = cells.get("index", "") or "0"
    modality = cells.get("modality", "")
    split = cells.get("split", "") or "test"
    level = cells.get("level", "")
    n_before = len(problems)
    if not cells[by]:
        invalid(f"no {by}")
    if "\0" in path:
        invalid(f"path {path!r} is none")
    if _whole(index_text) is None or index_text.startswith("-"):
        invalid(f"index {index_text!r} is no number")
    if modality not in ("", *MODALITIES):
        problems.append(
            Problem(kind="unknown class", where=where, text=_unknown("modality", modality, MODALITIES))
        )
    if split not in SPLITS:
        problems.append(Problem(kind="unknown class", where=where, text=_unknown("split", split, SPLITS)))
    seed = cells.get("seed", "")
    if seed and _whole(seed) is None:
        invalid(f"seed {seed!r} is no number")
    levels = tuple(level.value for level in Level)
    if level not in ("", *levels):
        problems.append(Problem(kind="unknown class", where=where, text=_unknown("level", level, levels)))
    flags: dict[str, bool | None] = {}
    for name in _FLAGS:
        word = cells.get(name, "").lower()
        if word not in _WORDS:
            invalid(f"{name} {word!r} is neither true nor false")
        flags[name] = _WORDS.get(word)
    mass_kg = None
    if mass_text := cells.get("cargo_mass_kg", ""):
        mass_kg = _positive(mass_text)
        if mass_kg is None:
            invalid(f"cargo_mass_kg {mass_text!r} is no mass")
    nuclides = _nuclides(cells.get("truth_nuclides", ""), where, problems)
    if len(problems) > n_before:
        return None
    if flags["has_source"] is None and nuclides is not None:
        flags["has_source"] = bool(nuclides)
    if nuclides is not None and flags["has_source"] is not bool(nuclides):
        said = f"truth_nuclides {cells['truth_nuclides']!r} and has_source {cells['has_source']!r}"
        text = f"{said} contradict each other: neither is scored"
        problems.append(Problem(kind="contradiction", where=where, text=text))
        nuclides = flags["has_source"] = None
    name = _name(cells)
    return Sample(
        id=name,
        path=path,
        index=int(index_text),
        modality=modality or None,  # type: ignore[arg-type]
        truth_nuclides=nuclides,
        level=Level(level) if level else None,
        split=split,
        parent=cells.get("parent", "") or name,
        group=cells.get("group", ""),
        site=cells.get("site", ""),
        scanner=cells.get("scanner", ""),
        cargo=cells.get("cargo", ""),
        seed=int(seed) if seed else None,
        scan_id=cells.get("scan_id", ""),
        cargo_mass_kg=mass_kg,
        **flags,  # type: ignore[arg-type]
    )


def _name(cells: dict[str, str]) -> str:
    if "path" not in cells:
        return cells.get("id", "") or cells.get("scan_id", "")
    path = PurePosixPath(cells["path"]).as_posix()
    return cells.get("id", "") or f"{path}#{cells.get('index', '') or '0'}"


def _positive(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0.0 <= value < float("inf") else None


def _whole(text: str) -> int | None:
    """Return a whole number that a record holds: 64 bits."""
    if re.fullmatch(r"-?[0-9]{1,19}", text) is None:
        return None
    value = int(text)
    return value if -(2**63) <= value < 2**63 else None


def _nuclides(text: str, where: str, problems: list[Problem]) -> tuple[str, ...] | None:
    if not text:
        return None
    if text.lower() == NOTHING:
        return ()
    names = tuple(dict.fromkeys(label_of(name) for name in text.split(";") if name.strip()))
    table = load_correspondence()
    labels = (*NUCLIDES, *table.category)
    for name in names:
        if not table.knows(name):
            near = get_close_matches(name, labels, n=1, cutoff=0.7)
            meant = f" (did you mean {near[0]!r}?)" if near else ""
            said = f"nuclide {name!r} is unknown{meant}: the whole row is left out"
            problems.append(Problem(kind="unknown class", where=where, text=said))
    return names


def _unknown(what: str, word: str, allowed: tuple[str, ...]) -> str:
    return f"{what} {word!r} is none of {', '.join(allowed)}: the whole row is left out"

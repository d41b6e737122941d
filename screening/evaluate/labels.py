"""Read ``labels.csv``: what is known of each scan of a data set."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Literal

import msgspec

from screening.errors import FormatError
from screening.records import Level, sha256_hex

from .identification import load_correspondence
from .samples import SPLITS, Problem, Sample

__all__ = ["COLUMNS", "LABELS", "LabelTable", "labelled_by", "read_labels"]

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
        The row of each sample in the file.
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
    seen: set[str] = set()
    ids: set[str] = set()
    places: set[str] = set()
    for number, row in enumerate(rows, start=2):
        cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
        ids.add(_name(cells))
        places.add(cells.get(by, ""))
        sample = _sample(cells, f"{LABELS} row {number}", len(row), len(header), by, problems)
        if sample is None:
            continue
        place = f"{sample.path}#{sample.index}" if by == "path" else f"scan {sample.scan_id}"
        if seen & {sample.id, place}:
            text = f"{sample.id} is labelled twice; the first counts"
            problems.append(Problem(kind="duplicate id", where=f"row {number}", text=text))
            continue
        seen |= {sample.id, place}
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


def _table(path: Path) -> tuple[bytes, list[str], list[list[str]]]:
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise FormatError(f"{path}: {error.strerror or error}", value=str(path)) from None
    except UnicodeDecodeError as error:
        raise FormatError(f"{LABELS}: not UTF-8 at byte {error.start}", value=error.start) from None
    reader = csv.reader(text.splitlines(), strict=True)
    try:
        rows = [row for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise FormatError(f"{LABELS}, line {reader.line_num}: {error}", value=reader.line_num) from None
    header = [name.strip() for name in rows[0]] if rows else []
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
    if modality not in ("", "radiation", "radiograph"):
        problems.append(Problem(kind="unknown class", where=where, text=f"modality {modality!r}"))
    if split not in SPLITS:
        problems.append(Problem(kind="unknown class", where=where, text=f"split {split!r}"))
    seed = cells.get("seed", "")
    if seed and _whole(seed) is None:
        invalid(f"seed {seed!r} is no number")
    if level not in ("", *(level.value for level in Level)):
        problems.append(Problem(kind="unknown class", where=where, text=f"level {level!r}"))
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
    names = tuple(dict.fromkeys(name.strip() for name in text.split(";") if name.strip()))
    table = load_correspondence()
    problems.extend(
        Problem(kind="unknown class", where=where, text=f"nuclide {name!r}")
        for name in names
        if not table.knows(name)
    )
    return names

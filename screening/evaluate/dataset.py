"""Labelled data sets: a folder of scans with ``labels.csv``. Every mismatch is named and counted."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path, PurePosixPath

from screening.errors import FormatError
from screening.records import Level, sha256_hex
from screening.sources import scan_files

from .identification import load_correspondence
from .samples import SPLITS, DataSet, Problem, Sample, TruthBox
from .truths import TRUTH, with_truths

__all__ = ["COLUMNS", "SPLITS", "DataSet", "Problem", "Sample", "TruthBox", "read_dataset"]

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


def read_dataset(folder: str | Path) -> DataSet:
    """Read a data set's labels and hold them against its files.

    Parameters
    ----------
    folder : path-like
        Folder with ``labels.csv``, and ``truth.json`` where objects on pictures are known.

    Returns
    -------
    DataSet
        Samples, and every problem by name.

    Raises
    ------
    FormatError
        If there are no labels, they have no column ``path`` or a column twice, or the truth is no JSON.
    """
    root = Path(folder)
    try:
        data = (root / LABELS).read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise FormatError(f"{root / LABELS}: {error.strerror or error}", value=str(root)) from None
    except UnicodeDecodeError as error:
        raise FormatError(f"{LABELS}: not UTF-8 at byte {error.start}", value=error.start) from None
    reader = csv.reader(text.splitlines(), strict=True)
    try:
        rows = [row for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise FormatError(f"{LABELS}, line {reader.line_num}: {error}", value=reader.line_num) from None
    header = [name.strip() for name in rows[0]] if rows else []
    twice = [name for name, n in Counter(header).items() if n > 1]
    if "path" not in header or twice:
        why = f"column {twice[0]} twice" if twice else "no column 'path'"
        raise FormatError(f"{LABELS}: {why}; known columns: {', '.join(COLUMNS)}", value=header)
    problems: list[Problem] = []
    samples: list[Sample] = []
    seen: set[str] = set()
    named: set[str] = set()
    for number, row in enumerate(rows[1:], start=2):
        cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
        named.add(_name(cells))
        sample = _sample(cells, f"{LABELS} row {number}", len(row), len(header), problems)
        if sample is None:
            continue
        place = f"{sample.path}#{sample.index}"
        if seen & {sample.id, place}:
            problems.append(
                Problem(
                    kind="duplicate id",
                    where=f"row {number}",
                    text=f"{sample.id} is labelled twice; the first counts",
                )
            )
            continue
        seen |= {sample.id, place}
        if not _within(root, sample.path):
            problems.append(
                Problem(
                    kind="missing scan",
                    where=f"row {number}",
                    text=f"{sample.path}: no such file in the data set",
                )
            )
            continue
        samples.append(sample)
    problems.extend(
        _unlabelled(
            root,
            {cells[header.index("path")].strip() for cells in rows[1:] if len(cells) > header.index("path")},
        )
    )
    samples, truth_sha256 = with_truths(root, samples, named, problems)
    return DataSet(
        folder=root.resolve().name,
        labels_sha256=sha256_hex(data),
        truth_sha256=truth_sha256,
        samples=tuple(samples),
        n_rows=max(0, len(rows) - 1),
        problems=tuple(problems),
        ignored_columns=tuple(name for name in header if name not in COLUMNS),
    )


def _sample(
    cells: dict[str, str], where: str, n_cell: int, n_column: int, problems: list[Problem]
) -> Sample | None:
    def invalid(text: str) -> None:
        problems.append(Problem(kind="invalid value", where=where, text=text))

    if n_cell != n_column:
        invalid(f"{n_cell} cells under {n_column} columns")
        return None
    path = PurePosixPath(cells["path"]).as_posix()
    index_text = cells.get("index", "") or "0"
    modality = cells.get("modality", "")
    split = cells.get("split", "") or "test"
    level = cells.get("level", "")
    n_before = len(problems)
    if not cells["path"]:
        invalid("no path")
    if not index_text.isdecimal():
        invalid(f"index {index_text!r} is no number")
    if modality not in ("", "radiation", "radiograph"):
        problems.append(Problem(kind="unknown class", where=where, text=f"modality {modality!r}"))
    if split not in SPLITS:
        problems.append(Problem(kind="unknown class", where=where, text=f"split {split!r}"))
    seed = cells.get("seed", "")
    if seed and not seed.lstrip("-").isdecimal():
        invalid(f"seed {seed!r} is no number")
    if level not in ("", *(level.value for level in Level)):
        problems.append(Problem(kind="unknown class", where=where, text=f"level {level!r}"))
    flags: dict[str, bool | None] = {}
    for name in _FLAGS:
        word = cells.get(name, "").lower()
        if word not in _WORDS:
            invalid(f"{name} {word!r} is neither true nor false")
        flags[name] = _WORDS.get(word)
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
        **flags,  # type: ignore[arg-type]
    )


def _name(cells: dict[str, str]) -> str:
    path = PurePosixPath(cells.get("path", "")).as_posix()
    return cells.get("id", "") or f"{path}#{cells.get('index', '') or '0'}"


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


def _within(root: Path, path: str) -> bool:
    # A label must not reach out of its data set.
    target = (root / path).resolve()
    return target.is_relative_to(root.resolve()) and target.is_file()


def _unlabelled(root: Path, labelled: set[str]) -> list[Problem]:
    folders = [
        root,
        *sorted(path for path in root.rglob("*") if path.is_dir() and not path.name.startswith(".")),
    ]
    found = []
    for folder in folders:
        for path in scan_files(folder):
            name = path.relative_to(root).as_posix()
            if path.name not in (LABELS, TRUTH) and name not in labelled:
                found.append(
                    Problem(kind="scan without label", where=name, text=f"{name} is in no row of {LABELS}")
                )
    return found

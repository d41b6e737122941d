"""Labelled data sets: a folder of scans with ``labels.csv``. Every mismatch is named and counted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from screening.records import sha256_hex
from screening.sources import scan_files

from .detectors.checks import storable
from .labels import COLUMNS, LABELS, labelled_by, read_labels
from .samples import SPLITS, DataSet, Problem, Sample, TruthBox
from .truths import TRUTH, with_truths

__all__ = ["COLUMNS", "SPLITS", "DataSet", "Problem", "Sample", "TruthBox", "read_dataset"]


def read_dataset(folder: str | Path) -> DataSet:
    """Read a data set's labels and hold them against its files.

    Parameters
    ----------
    folder : path-like
        Folder with ``labels.csv``, and ``truth.json`` where objects on pictures are known. Labels with a
        column ``scan_id`` and none of paths speak of an archive (:func:`read_archive`). A folder without
        labels whose folders have some is all of these data sets as one.

    Returns
    -------
    DataSet
        Samples, and every problem by name.

    Raises
    ------
    FormatError
        If there are no labels, they name no scans or have a column twice, or the truth is no JSON.
    """
    root = Path(folder)
    if not (root / LABELS).is_file() and root.is_dir():
        parts = sorted(path for path in root.iterdir() if (path / LABELS).is_file())
        if parts:
            return _joined(root, parts)
    if labelled_by(root / LABELS) == "scan_id":
        from .archives import read_archive

        return read_archive(root)
    table = read_labels(root / LABELS)
    problems = list(table.problems)
    samples = []
    for number, sample in zip(table.rows, table.samples, strict=True):
        if _within(root, sample.path):
            samples.append(sample)
        else:
            text = f"{sample.path}: {_why_not(root, sample.path)}"
            problems.append(Problem(kind="missing scan", where=f"row {number}", text=text))
    problems.extend(_unlabelled(root, set(table.places)))
    samples, truth_sha256 = with_truths(root, samples, set(table.ids), problems)
    return DataSet(
        folder=storable(root.resolve().name),
        labels_sha256=table.sha256,
        truth_sha256=truth_sha256,
        samples=tuple(samples),
        n_rows=table.n_rows,
        problems=tuple(problems),
        ignored_columns=table.ignored_columns,
    )


def _joined(root: Path, parts: Sequence[Path]) -> DataSet:
    """Return several data sets as one: names and places get the folder in front."""
    read = [(path.name, read_dataset(path)) for path in parts]
    truths = "".join(part.truth_sha256 for _, part in read)
    return DataSet(
        folder=storable(root.resolve().name),
        labels_sha256=sha256_hex("".join(part.labels_sha256 for _, part in read).encode()),
        truth_sha256=sha256_hex(truths.encode()) if truths else "",
        samples=tuple(_renamed(name, sample) for name, part in read for sample in part.samples),
        n_rows=sum(part.n_rows for _, part in read),
        problems=tuple(
            msgspec.structs.replace(problem, where=f"{name}: {problem.where}")
            for name, part in read
            for problem in part.problems
        ),
        ignored_columns=tuple(dict.fromkeys(column for _, part in read for column in part.ignored_columns)),
    )


def _renamed(name: str, sample: Sample) -> Sample:
    new_id = f"{name}/{sample.id}"
    return msgspec.structs.replace(
        sample,
        id=new_id,
        path=f"{name}/{sample.path}",
        parent=new_id if sample.parent == sample.id else sample.parent,
    )


def _within(root: Path, path: str) -> bool:
    # A label must not reach out of its data set.
    try:
        target = (root / path).resolve()
        return target.is_relative_to(root.resolve()) and target.is_file()
    except (OSError, ValueError):  # longer than a name may be, a loop of links, a character no name has
        return False


def _why_not(root: Path, path: str) -> str:
    try:
        is_outside = not (root / path).resolve().is_relative_to(root.resolve())
    except (OSError, ValueError):
        is_outside = False
    return "outside of the folder of the data set" if is_outside else "no such file in the data set"


def _unlabelled(root: Path, labelled: set[str]) -> list[Problem]:
    folders = [
        root,
        *sorted(path for path in root.rglob("*") if path.is_dir() and not path.name.startswith(".")),
    ]
    stems = {name.rpartition(".")[0] for name in labelled}
    found = []
    for folder in folders:
        for path in scan_files(folder):
            name = path.relative_to(root).as_posix()
            # Maps of truth by pixel lie beside their scan under the same name.
            is_map = path.suffix == ".npz" and name.removesuffix(".npz") in stems
            if path.name not in (LABELS, TRUTH) and name not in labelled and not is_map:
                found.append(
                    Problem(
                        kind="scan without label",
                        where=storable(name),
                        text=f"{storable(name)} is in no row of {LABELS}",
                    )
                )
    return found

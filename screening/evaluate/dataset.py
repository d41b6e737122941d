"""Labelled data sets: a folder of scans with ``labels.csv``. Every mismatch is named and counted."""

from __future__ import annotations

from pathlib import Path

from screening.sources import scan_files

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
        column ``scan_id`` and none of paths speak of an archive (:func:`read_archive`).

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
            text = f"{sample.path}: no such file in the data set"
            problems.append(Problem(kind="missing scan", where=f"row {number}", text=text))
    problems.extend(_unlabelled(root, set(table.places)))
    samples, truth_sha256 = with_truths(root, samples, set(table.ids), problems)
    return DataSet(
        folder=root.resolve().name,
        labels_sha256=table.sha256,
        truth_sha256=truth_sha256,
        samples=tuple(samples),
        n_rows=table.n_rows,
        problems=tuple(problems),
        ignored_columns=table.ignored_columns,
    )


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

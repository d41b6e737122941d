"""Data sets from elsewhere: archives labelled by the scan's identity, and simulated presets by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from screening.errors import ConfigurationError, ScreeningError
from screening.sources import open_scans, scan_files

from .detectors.checks import storable
from .labels import LABELS, read_labels
from .samples import DataSet, Problem, Sample
from .truths import TRUTH, with_truths

__all__ = ["PREFIX", "read_archive", "simulated_set"]

#: A data set that is not a folder: "simulated:occupancies/quiet?n=100&seed=3".
PREFIX = "simulated:"
_N_DEFAULT = 100


def read_archive(folder: str | Path, labels: str | Path | None = None) -> DataSet:
    """Read labels by ``scan_id`` and find the scans they speak of in a folder of archives.

    Parameters
    ----------
    folder : path-like
        Folder with scans, searched with all folders below.
    labels : path-like, optional
        Labels with a column ``scan_id`` and no ``path``; ``labels.csv`` in the folder when omitted.

    Returns
    -------
    DataSet
        Samples with the files they were found in. Labels whose scan is not there, scans without a label
        and files that cannot be read are named.

    Raises
    ------
    FormatError
        If the labels cannot be read.
    """
    root = Path(folder)
    source = root / LABELS if labels is None else Path(labels)
    table = read_labels(source, by="scan_id")
    problems = list(table.problems)
    places: dict[str, tuple[str, int]] = {}
    folders = [root, *sorted(path for path in root.rglob("*") if path.is_dir() and path.name[:1] != ".")]
    for path in (path for place in folders for path in scan_files(place)):
        name = path.relative_to(root).as_posix()
        if path.resolve() == source.resolve() or path.name in (LABELS, TRUTH) or path.suffix == ".npz":
            continue
        if storable(name) != name:
            text = f"{storable(name)}: the name is not UTF-8; rename it"
            problems.append(Problem(kind="scan without label", where=storable(name), text=text))
            continue
        try:
            scans = open_scans(path)
        except ScreeningError as error:
            problems.append(Problem(kind="scan without label", where=name, text=f"cannot be read: {error}"))
            continue
        for index, scan in enumerate(scans):
            scan_id = scan.identity.scan_id
            if scan_id in places:
                text = f"scan {scan_id} lies in {places[scan_id][0]} too; the first counts"
                problems.append(Problem(kind="duplicate scan", where=name, text=text))
                continue
            places[scan_id] = (name, index)
    samples: list[Sample] = []
    for sample in table.samples:
        if sample.scan_id not in places:
            text = f"scan {sample.scan_id} is in no file of the archive"
            problems.append(Problem(kind="missing scan", where=sample.scan_id, text=text))
            continue
        path_name, index = places[sample.scan_id]
        samples.append(msgspec.structs.replace(sample, path=path_name, index=index))
    labelled = {sample.scan_id for sample in table.samples}
    problems.extend(
        Problem(
            kind="scan without label",
            where=f"{name}#{index}",
            text=f"scan {scan_id} is in no row of the labels",
        )
        for scan_id, (name, index) in places.items()
        if scan_id not in labelled
    )
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


def simulated_set(
    name: str,
    work_dir: str | Path,
    *,
    workers: int = 1,
    progress: Callable[[int, int, str], None] | None = None,
) -> Path:
    """Make a simulated set, or take up one that was begun, and return its folder.

    Parameters
    ----------
    name : str
        ``simulated:KIND/PRESET``, with ``?n=100&seed=1`` behind it where these are not the numbers
        wanted: "simulated:radiographs/samples?n=20&seed=7".
    work_dir : path-like
        Where the folder of the set goes.
    workers : int
        Processes.
    progress : callable, optional
        Called with scans made, of all, and the folder's name.

    Returns
    -------
    Path
        A folder with ``labels.csv``, and of pictures ``truth.json``; the same for the same name.

    Raises
    ------
    ConfigurationError
        If the name is none, or the kind or the preset is unknown.
    """
    from screening.simulation.sets import set_kind, write_set

    body, _, query = name.removeprefix(PREFIX).partition("?")
    kind, _, preset = body.partition("/")
    numbers = {"n": _N_DEFAULT, "seed": 1}
    for item in filter(None, query.split("&")):
        key, _, value = item.partition("=")
        if key not in numbers or not value.isdecimal():
            raise ConfigurationError(f"{name}: {item!r} is neither n nor seed with a number", value=name)
        numbers[key] = int(value)
    if not name.startswith(PREFIX) or not preset or numbers["n"] < 1:
        raise ConfigurationError(
            f"{name!r} is no simulated set; write {PREFIX}KIND/PRESET?n=100&seed=1", value=name
        )
    set_kind(kind)
    folder = Path(work_dir) / f"{kind}-{preset}-n{numbers['n']}-s{numbers['seed']}"

    def _tell(done: int, of: int) -> None:
        if progress is not None:
            progress(done, of, folder.name)

    has_objects = kind == "radiographs"
    write_set(
        kind,
        folder,
        preset=preset,
        n=numbers["n"],
        seed=numbers["seed"],
        workers=workers,
        has_maps=has_objects,  # the truth by pixel is where objects' masks come from
        progress=_tell,
    )
    if has_objects:
        from .radiographs.simulated import write_set_truths

        write_set_truths(folder)
    return folder

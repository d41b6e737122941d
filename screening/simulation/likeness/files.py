"""The test "real or simulated" on files: whatever the package opens, a laboratory's own scans included."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import msgspec

from screening.errors import ConfigurationError, FormatError
from screening.records import Radiograph
from screening.sources import open_scans, scan_files

from .result import TwoSampleResult
from .statistics import PictureStatistics, picture_statistics
from .two_sample import two_sample

__all__ = ["compare_files", "read_radiographs", "statistics_of"]


def read_radiographs(path: Path) -> Iterator[tuple[str, Radiograph]]:
    """Open the radiographs of a file or folder, one at a time.

    Parameters
    ----------
    path : Path
        A file, or a folder whose scans are taken in name order.

    Yields
    ------
    tuple of (str, Radiograph)
        Name and picture; scans of another modality are left out.

    Raises
    ------
    FormatError
        If a file cannot be read.
    """
    for file in scan_files(path) if path.is_dir() else [path]:
        scans = [scan for scan in open_scans(file) if isinstance(scan.payload, Radiograph)]
        for index, scan in enumerate(scans):
            assert isinstance(scan.payload, Radiograph)  # noqa: S101
            yield (file.name if len(scans) == 1 else f"{file.name}#{index}"), scan.payload


def statistics_of(picture: Radiograph) -> PictureStatistics:
    """Return the figures of one radiograph; its dark is used, its air is not.

    Parameters
    ----------
    picture : Radiograph
        The picture.

    Returns
    -------
    PictureStatistics
        See there.
    """
    dark = None
    if picture.calibration is not None:
        dark = picture.calibration.dark * (0.0 if picture.is_dark_subtracted else 1.0)
    return picture_statistics(picture.raw, dark=dark, is_lost=picture.is_lost, saturation=picture.saturation)


def compare_files(
    first: Path,
    second: Path,
    out_dir: Path,
    *,
    seed: int = 1,
    n_patch: int = 60,
    has_network: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> TwoSampleResult:
    """Ask whether two sets of files can be told apart, and write what was found.

    Parameters
    ----------
    first, second : Path
        Files or folders that hold radiographs.
    out_dir : Path
        Folder, made if needed. Receives ``likeness.json`` (the result, and the figures of every picture)
        and, with matplotlib, ``likeness.png``.
    seed : int
        Seed of everything random.
    n_patch : int
        Most patches of one picture.
    has_network : bool
        Also train a network.
    progress : callable, optional
        Called with (done, of).

    Returns
    -------
    TwoSampleResult
        What was found.

    Raises
    ------
    ConfigurationError
        If a set is missing, or has too few pictures.
    FormatError
        If a file cannot be read.
    """
    for path in (first, second):
        if not path.exists():
            raise ConfigurationError(f"{path}: no such file or folder", value=str(path))
    done, expected = 0, _n_files(first) + _n_files(second) + 40

    def _step(n: int) -> None:
        nonlocal done
        done += n
        if progress is not None:
            # how many trainings there will be depends on what is found
            progress(done, max(expected, done + 1))

    figures: dict[str, list[dict[str, object]]] = {}

    def _watched(path: Path, side: str) -> Iterator[tuple[str, Radiograph]]:
        for name, picture in read_radiographs(path):
            statistics = msgspec.to_builtins(statistics_of(picture))
            figures.setdefault(side, []).append({"picture": name, **statistics})
            yield name, picture

    result = two_sample(
        _watched(first, "first"),
        _watched(second, "second"),
        seed,
        parents=(_parents(first), _parents(second)),
        n_patch=n_patch,
        has_network=has_network,
        progress=_step,
    )
    out_dir.mkdir(parents=True, exist_ok=True)
    document = {
        "first": str(first),
        "second": str(second),
        **result.to_plain(),
        "statistics": figures,
    }
    (out_dir / "likeness.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if find_spec("matplotlib") is not None:
        from .plots import draw_result

        draw_result(result, out_dir / "likeness.png", (first.name, second.name))
    if progress is not None:
        progress(done, done)
    return result


def _n_files(path: Path) -> int:
    return len(scan_files(path)) if path.is_dir() else 1


def _parents(path: Path) -> dict[str, str]:
    """Return what pictures share, where a folder of simulated or labelled scans says it."""
    labels = path / "labels.csv"
    if not labels.is_file():
        return {}
    try:
        with labels.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, ValueError, csv.Error) as error:
        raise FormatError(f"{labels.name}: cannot be read: {error}") from None
    known = [row for row in rows if row.get("path") and row.get("parent")]
    # of several scans in one file the index tells which
    numbered = {f"{row['path']}#{row.get('index') or 0}": row["parent"] for row in known}
    return {row["path"]: row["parent"] for row in known} | numbered

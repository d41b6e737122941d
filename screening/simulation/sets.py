"""Labelled sets of simulated scans on disk: one engine for passes and pictures.

Scan ``i`` of a set depends on the preset, the seed and ``i`` alone. Its archive is written first, then its
maps, then its truth, each in one step; the labels come last, from the truth files. So a set may be killed
at any time and taken up again, by any number of processes, and the folder ends up the same byte for byte.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.archive import write_scan
from screening.errors import ConfigurationError, StoreError
from screening.records import Scan
from screening.work import Job, Ledger, Progress, run_jobs

__all__ = ["MadeScan", "SetKind", "known_presets", "set_kind", "write_items", "write_set"]

#: What sets can be made of: the module that holds its :class:`SetKind` under the name ``SET``.
_MODULES = {
    "occupancies": "screening.simulation.occupancies.traffic",
    "radiographs": "screening.simulation.radiographs.picture_set",
}

#: Folder that holds the lock and the ledger of a run; gone when the set is complete.
_WORK = ".simulate"

#: Longest time for one job of a worker, seconds, and how many jobs each worker gets if there are enough.
_DEADLINE_S, _JOBS_PER_WORKER = 1800.0, 8


class MadeScan(NamedTuple):
    """One simulated scan with all that is known of it.

    Attributes
    ----------
    scan : Scan
        The scan.
    truth : dict
        What was simulated, as plain values.
    maps : dict of str to ndarray
        Truth by pixel, written only when asked for.
    """

    scan: Scan
    truth: dict[str, Any]
    maps: dict[str, NDArray[Any]]


class SetKind(NamedTuple):
    """How one kind of set is made.

    Attributes
    ----------
    name : str
        "occupancies", "radiographs".
    stem : str
        What its files are called: ``<stem>-<index>.h5``.
    presets : dict of str to str
        What each preset holds, in one line.
    draw : callable
        (preset, seed, index) to the recipe, a msgspec struct.
    make : callable
        A recipe to a :class:`MadeScan`.
    columns : tuple of str
        Columns of ``labels.csv``.
    label : callable
        A truth, as read back from its file, to one row of labels.
    largest_job : int
        Most scans that one job of a worker makes.
    """

    name: str
    stem: str
    presets: dict[str, str]
    draw: Callable[[str, int, int], Any]
    make: Callable[[Any], MadeScan]
    columns: tuple[str, ...]
    label: Callable[[dict[str, Any]], dict[str, Any]]
    largest_job: int


def set_kind(name: str) -> SetKind:
    """Return how a kind of set is made.

    Parameters
    ----------
    name : str
        "occupancies" or "radiographs".

    Returns
    -------
    SetKind
        Its presets, recipes and labels.

    Raises
    ------
    ConfigurationError
        If there is no such kind.
    """
    if name not in _MODULES:
        raise ConfigurationError(
            f"unknown kind of set {name!r}; known: {', '.join(sorted(_MODULES))}", value=name
        )
    kind: SetKind = import_module(_MODULES[name]).SET
    return kind


def known_presets(name: str) -> str:
    """Return the presets of a kind of set, one line each.

    Parameters
    ----------
    name : str
        "occupancies" or "radiographs".

    Returns
    -------
    str
        Names with what they hold, for a person.
    """
    presets = set_kind(name).presets
    width = max(map(len, presets))
    return "\n".join(f"  {preset:<{width}}  {text}" for preset, text in presets.items())


def write_set(
    name: str,
    out_dir: Path,
    preset: str,
    n: int,
    seed: int,
    *,
    workers: int = 1,
    has_maps: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Simulate a set of scans and write it, or finish one that was interrupted.

    Parameters
    ----------
    name : str
        "occupancies" or "radiographs".
    out_dir : Path
        Folder, made if needed. Receives ``<stem>-<index>.h5`` (archive), ``.json`` (recipe and truth),
        with `has_maps` ``.npz`` (truth by pixel), and ``labels.csv``.
    preset : str
        One of the kind's presets.
    n : int
        How many scans.
    seed : int
        Seed of the set, not negative.
    workers : int
        Processes; the bytes do not depend on it.
    has_maps : bool
        Also write the truth by pixel, where the kind has any.
    progress : callable, optional
        Called with (done, of), first with what was there already if the set is taken up again.

    Returns
    -------
    Path
        The labels file.

    Raises
    ------
    ConfigurationError
        If the preset is unknown, a number is out of range, or the folder holds another set.
    StoreError
        If the disk refuses, or another run is at work in the folder.
    """
    kind = set_kind(name)
    if preset not in kind.presets:
        raise ConfigurationError(
            f"unknown preset {preset!r} of {name}; known:\n{known_presets(name)}", value=preset
        )
    if n < 1:
        raise ConfigurationError(f"a set needs at least one scan, got {n}", value=n)
    if seed < 0 or workers < 1:
        raise ConfigurationError(
            f"seed must not be negative and workers must be positive, got {seed} and {workers}",
            value=(seed, workers),
        )
    _refuse_others(out_dir, kind, preset, n, seed)
    with _held(out_dir) as ledger:
        _clean(out_dir, kind)
        missing = [i for i in range(n) if not _is_done(out_dir, kind, preset, seed, i, has_maps=has_maps)]
        done = n - len(missing)
        if progress is not None and done:
            progress(done, n)

        def tell(count: int) -> None:
            if progress is not None:
                progress(done + count, n)

        if workers == 1 or len(missing) < 2:
            for count, index in enumerate(missing, 1):
                write_items(name, str(out_dir), preset, seed, [index], has_maps)
                tell(count)
        else:
            jobs = _jobs(kind, out_dir, preset, seed, missing, workers, has_maps)
            _run(ledger, jobs, workers, tell)
        _clean(out_dir, kind)
        return _write_labels(out_dir, kind, n)


def write_items(name: str, out_dir: str, preset: str, seed: int, indices: list[int], has_maps: bool) -> bytes:
    """Make some scans of a set. What a worker process does.

    Parameters
    ----------
    name : str
        Kind of the set.
    out_dir : str
        Its folder.
    preset : str
        Its preset.
    seed : int
        Its seed.
    indices : list of int
        Which scans.
    has_maps : bool
        Whether to write the truth by pixel.

    Returns
    -------
    bytes
        Nothing: what was made is on disk.

    Raises
    ------
    StoreError
        If the disk refuses.
    """
    kind = set_kind(name)
    for index in indices:
        stem = Path(out_dir) / _stem(kind, index)
        recipe = kind.draw(preset, seed, index)
        made = kind.make(recipe)
        archive = stem.with_suffix(".h5")
        write_scan(archive, made.scan)
        if has_maps and made.maps:
            stream = io.BytesIO()
            # the members carry no time of their own: the same maps give the same bytes
            np.savez_compressed(stream, allow_pickle=False, **made.maps)
            _write(stem.with_suffix(".npz"), stream.getvalue())
        truth = {
            "file": archive.name,
            "scan_id": made.scan.identity.scan_id,
            "preset": preset,
            "set_seed": seed,
            "index": index,
            "recipe": _plain(recipe),
            "maps": sorted(made.maps),
            **made.truth,
        }
        _write(stem.with_suffix(".json"), (json.dumps(truth, indent=1, sort_keys=True) + "\n").encode())
    return b""


@contextmanager
def _held(out_dir: Path) -> Iterator[Ledger]:
    """Hold the folder against other runs; what a dead run noted of its jobs is forgotten, its files count."""
    work = out_dir / _WORK
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        work.mkdir(exist_ok=True)
    except OSError as error:
        raise StoreError(f"{out_dir}: {error.strerror or error}", value=str(out_dir)) from None
    try:
        ledger = Ledger(work / "jobs.sqlite")
    except StoreError:
        raise StoreError(
            f"{out_dir}: another run is simulating into this folder, or it cannot be written",
            value=str(out_dir),
        ) from None
    with ledger:
        ledger.keep_only(())
        yield ledger
    with suppress(OSError):
        shutil.rmtree(work)


def _jobs(
    kind: SetKind,
    out_dir: Path,
    preset: str,
    seed: int,
    missing: list[int],
    workers: int,
    has_maps: bool,
) -> dict[str, Job]:
    size = min(max(len(missing) // (workers * _JOBS_PER_WORKER), 1), kind.largest_job)
    jobs = {}
    for start in range(0, len(missing), size):
        indices = missing[start : start + size]
        key = f"{kind.stem} {indices[0]:08d}"
        jobs[key] = Job(
            key,
            {
                "name": kind.name,
                "out_dir": str(out_dir),
                "preset": preset,
                "seed": seed,
                "indices": indices,
                "has_maps": has_maps,
            },
        )
    return jobs


def _run(ledger: Ledger, jobs: dict[str, Job], workers: int, tell: Callable[[int], None]) -> None:
    ledger.add(jobs.values())
    count = 0

    def watch(report: Progress) -> None:
        nonlocal count
        if report.counts.failed:  # every further scan would most likely meet the same full disk
            raise StoreError(f"{report.key}: {report.note}", value=report.key)
        if not report.note:
            count += len(jobs[report.key].arguments["indices"])
            tell(count)

    target = f"{__name__}:{write_items.__name__}"
    run_jobs(ledger, target, workers=workers, deadline_s=_DEADLINE_S, progress=watch)


def _is_done(out_dir: Path, kind: SetKind, preset: str, seed: int, index: int, *, has_maps: bool) -> bool:
    stem = out_dir / _stem(kind, index)
    path = stem.with_suffix(".json")
    if not path.is_file():
        return False
    truth = _read(path)
    if truth.get("recipe") != _plain(kind.draw(preset, seed, index)):
        raise ConfigurationError(
            f"{path.name} was made by another version of this simulator: finish it with that one, "
            "or start in a new folder",
            value=path.name,
        )
    lacks_maps = has_maps and bool(truth["maps"]) and not stem.with_suffix(".npz").is_file()
    return stem.with_suffix(".h5").is_file() and not lacks_maps


def _refuse_others(out_dir: Path, kind: SetKind, preset: str, n: int, seed: int) -> None:
    """Refuse a folder that holds scans of another set, or more of this one than asked for."""
    if not out_dir.is_dir():
        return
    ours = re.compile(rf"{kind.stem}-(\d+)\.(h5|json|npz)")
    indices, archives, n_truth = [], [], 0
    for path in sorted(out_dir.iterdir()):
        match = ours.fullmatch(path.name)
        if match is None:
            if path.suffix == ".h5" and not path.name.startswith("."):
                raise ConfigurationError(
                    f"{path.name} is no part of this set: take a folder of its own", value=path.name
                )
            continue
        indices.append(int(match[1]))
        if path.suffix == ".h5":
            archives.append(path.name)
        if path.suffix == ".json":
            n_truth += 1
            truth = _read(path)
            if (truth.get("preset"), truth.get("set_seed")) != (preset, seed):
                raise ConfigurationError(
                    f"{path.name} belongs to preset {truth.get('preset')} with seed {truth.get('set_seed')}",
                    value=path.name,
                )
    # the folder of work is there before the first archive, and stays behind when a run is killed
    if not n_truth and not (out_dir / _WORK).is_dir() and (archives or (out_dir / "labels.csv").exists()):
        name = [*archives, "labels.csv"][0]
        raise ConfigurationError(
            f"{out_dir.name} holds {name} of another origin: take a folder of its own", value=name
        )
    if indices and max(indices) >= n:
        raise ConfigurationError(
            f"{out_dir.name} holds {max(indices) + 1} scans of this set already, asked for {n}", value=n
        )


def _clean(out_dir: Path, kind: SetKind) -> None:
    """Remove what a killed process was about to rename."""
    for path in out_dir.glob(".*.tmp"):
        if re.fullmatch(rf"\.(({kind.stem}-\d+\.(h5|json|npz))|labels\.csv)\.[0-9a-f]+\.tmp", path.name):
            with suppress(OSError):
                path.unlink()


def _write_labels(out_dir: Path, kind: SetKind, n: int) -> Path:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, kind.columns, lineterminator="\n")
    writer.writeheader()
    for index in range(n):
        writer.writerow(kind.label(_read(out_dir / f"{_stem(kind, index)}.json")))
    path = out_dir / "labels.csv"
    _write(path, stream.getvalue().encode())
    return path


def _write(path: Path, content: bytes) -> None:
    """Write a file in one step that either happened or did not."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise StoreError(f"{path.name}: cannot be written: {error.strerror or error}") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        truth = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreError(f"{path.name}: cannot be read: {error}", value=path.name) from None
    if not isinstance(truth, dict):
        raise StoreError(f"{path.name}: holds no truth of a simulated scan", value=path.name)
    return truth


def _plain(recipe: Any) -> Any:
    return json.loads(msgspec.json.encode(recipe))


def _stem(kind: SetKind, index: int) -> str:
    return f"{kind.stem}-{index:05d}"

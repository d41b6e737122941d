"""Run detectors over the samples of a data set and store what they answer."""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, suppress
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from screening import __version__
from screening.config import Settings, load_settings, settings_sha256
from screening.errors import ConfigurationError, FormatError, ScreeningError
from screening.records import sha256_hex

from .answering import ScanReader, asked, unread
from .answers import ANSWERS, Answers, AnswersHeader, AnswerWriter, StoredAnswer
from .archives import PREFIX, simulated_set
from .dataset import read_dataset
from .detectors import DetectorUnderTest, ReplayDetector
from .detectors.registry import chosen_with_entries
from .failures import failures_of
from .fingerprints import code_sha256, detector_sha256
from .hosting import Host, host_spec
from .labels import COLUMNS
from .leaks import Statement, leaks, model_statements
from .record import DetectorTested, LeftOut, Part
from .resuming import kept_answers
from .samples import SPLITS, DataSet, Problem, Sample
from .scoring import part_of

__all__ = ["Progress", "answers_of", "evaluate_dataset", "tested"]

Progress = Callable[[int, int, str], None]


class _Work(NamedTuple):
    """Detectors, the samples each must still be asked about, and the answers that are there already."""

    detectors: list[DetectorUnderTest]
    entries: list[str | None]
    samples: list[Sample]
    kept: dict[tuple[str, str], StoredAnswer]

    def todo(self, detector: DetectorUnderTest) -> list[Sample]:
        return [sample for sample in self.samples if (detector.name, sample.id) not in self.kept]


def evaluate_dataset(
    dataset_dir: str | Path,
    *,
    detectors: Sequence[str | DetectorUnderTest] | None = None,
    settings: Settings | Path | None = None,
    split: str = "test",
    work_dir: str | Path | None = None,
    is_resumed: bool = False,
    workers: int = 1,
    time_limit_s: float | None = None,
    progress: Progress | None = None,
) -> Part:
    """Measure detectors on one split of a data set.

    Parameters
    ----------
    dataset_dir : path-like
        Folder with ``labels.csv`` and scans; or the name of a simulated set
        ("simulated:occupancies/quiet?n=100&seed=1"), which is made below `work_dir` first.
    detectors : sequence of str or DetectorUnderTest, optional
        Registered names, or detectors themselves; all registered ones when omitted.
    settings : Settings or Path, optional
        Settings or their file.
    split : {"train", "validation", "threshold", "test"}
        Which rows are scored. Figures on rows that took part in training or in setting a threshold
        are no measure of anything but memory.
    work_dir : path-like, optional
        Where ``answers.jsonl`` goes; nothing is stored when omitted.
    is_resumed : bool
        Keep the answers in `work_dir` that the same version of a detector gave, from the same source files,
        with the same code of this software and the same settings, to the same bytes. A detector without a
        version, or whose class has no file, is asked again.
    workers : int
        Processes. More than one, or a time limit, gives each detector processes of its own.
    time_limit_s : float, optional
        Longest time for one answer; then it is UNKNOWN, "out of time".
    progress : callable, optional
        Called with the number of answers given, of all that are due, and the sample's id.

    Returns
    -------
    Part
        Sections, figures, some failures to look at, and what was left out.

    Raises
    ------
    ConfigurationError
        If the split or a detector is unknown, or a number is out of range.
    FormatError
        If the data set has no readable labels, or no row of the split.
    StoreError
        If `work_dir` cannot be written.
    """
    folder = _folder(dataset_dir, work_dir, workers, progress)
    answers, resumed = _measured(
        folder,
        detectors=detectors,
        settings=settings,
        split=split,
        work_dir=work_dir,
        is_resumed=is_resumed,
        workers=workers,
        time_limit_s=time_limit_s,
        progress=progress,
    )
    part = part_of(answers)
    present = {section.id for section in part.sections}
    exhibits = tuple(one for one in failures_of(answers, folder) if one.section in present)
    return msgspec.structs.replace(part, exhibits=exhibits, left_out=(*part.left_out, *resumed))


def answers_of(
    dataset_dir: str | Path,
    *,
    detectors: Sequence[str | DetectorUnderTest] | None = None,
    settings: Settings | Path | None = None,
    split: str = "test",
    work_dir: str | Path | None = None,
    is_resumed: bool = False,
    workers: int = 1,
    time_limit_s: float | None = None,
    progress: Progress | None = None,
) -> Answers:
    """Return what detectors answer to one split of a data set.

    Parameters
    ----------
    dataset_dir : path-like
        As in :func:`evaluate_dataset`, and so are all others.
    detectors : sequence of str or DetectorUnderTest, optional
        Which.
    settings : Settings or Path, optional
        Settings or their file.
    split : {"train", "validation", "threshold", "test"}
        Which rows.
    work_dir : path-like, optional
        Where they are stored.
    is_resumed : bool
        Keep what is stored.
    workers : int
        Processes.
    time_limit_s : float, optional
        For one answer.
    progress : callable, optional
        Called after each answer.

    Returns
    -------
    Answers
        Detector after detector, samples in the order of the labels, whatever the number of processes.

    Raises
    ------
    ConfigurationError, FormatError, StoreError
        As in :func:`evaluate_dataset`.
    """
    answers, _ = _measured(
        dataset_dir,
        detectors=detectors,
        settings=settings,
        split=split,
        work_dir=work_dir,
        is_resumed=is_resumed,
        workers=workers,
        time_limit_s=time_limit_s,
        progress=progress,
    )
    return answers


def _measured(
    dataset_dir: str | Path,
    *,
    detectors: Sequence[str | DetectorUnderTest] | None,
    settings: Settings | Path | None,
    split: str,
    work_dir: str | Path | None,
    is_resumed: bool,
    workers: int,
    time_limit_s: float | None,
    progress: Progress | None,
) -> tuple[Answers, list[LeftOut]]:
    """Return the answers, and how many of them are of an earlier run."""
    if split not in SPLITS:
        raise ConfigurationError(f"split must be one of {', '.join(SPLITS)}, got {split!r}", value=split)
    if workers < 1 or (time_limit_s is not None and not time_limit_s > 0):
        raise ConfigurationError(
            f"processes and the time limit must be positive, got {workers} and {time_limit_s}",
            value=(workers, time_limit_s),
        )
    chosen = settings if isinstance(settings, Settings) else load_settings(settings)
    named = chosen_with_entries(detectors, chosen)
    under_test, entries = [one.detector for one in named], [one.entry for one in named]
    dataset = read_dataset(dataset_dir)
    samples = [sample for sample in dataset.samples if sample.split == split]
    if not samples:
        present = Counter(sample.split for sample in dataset.samples)
        there = ", ".join(f"{name} ({n})" for name, n in sorted(present.items())) or "no usable row at all"
        raise FormatError(f"{dataset.folder}: no row of split {split!r}; there is: {there}", value=split)
    header = _header(dataset, chosen, split, len(samples), under_test)
    model_dir = None if chosen.models.folder is None else Path(chosen.models.folder)
    statements = model_statements(model_dir)  # read now: what is none must not be told after hours
    store = None if work_dir is None else Path(work_dir) / ANSWERS
    kept, resumed = (
        kept_answers(store, header, samples, Path(dataset_dir))
        if is_resumed and store is not None
        else ({}, [])
    )
    work = _Work(under_test, entries, samples, kept)
    writer = None if store is None else AnswerWriter(store, header, kept.values())
    rows = dict(kept)
    n_due = len(samples) * len(under_test)
    source = (
        _in_this_process(work, Path(dataset_dir))
        if workers == 1 and time_limit_s is None
        else _in_processes(work, Path(dataset_dir), chosen, workers, time_limit_s)
    )
    try:
        with closing(source):  # interrupted: processes end now, not when somebody collects garbage
            for row in source:
                rows[row.detector, row.sample.id] = row
                if writer is not None:
                    writer.add(row)
                if progress is not None:
                    progress(len(rows), n_due, row.sample.id)
    finally:
        if writer is not None:
            writer.close()
    ordered = tuple(rows[detector.name, sample.id] for detector in under_test for sample in samples)
    outside = _outside(ordered)
    ordered = tuple(_without_boxes(row) if row.sample.id in outside else row for row in ordered)
    problems = (*dataset.problems, *_mismatches(samples, ordered), *outside.values())
    header = msgspec.structs.replace(
        header,
        problems=problems,
        leaks=tuple(_leaks(under_test, dataset, ordered, split, Path(dataset_dir), statements)),
    )
    if store is not None:
        AnswerWriter(store, header, ordered).close()
    return Answers(header=header, rows=ordered), resumed


def _folder(
    dataset_dir: str | Path, work_dir: str | Path | None, workers: int, progress: Progress | None
) -> Path:
    name = str(dataset_dir)
    if not name.startswith(PREFIX):
        return Path(dataset_dir)
    if work_dir is None:
        raise ConfigurationError(f"{name}: a simulated set needs a folder to be made in", value=name)
    return simulated_set(name, Path(work_dir) / "work", workers=workers, progress=progress)


def tested(detector: DetectorUnderTest) -> DetectorTested:
    """Return a detector as the report names it.

    Parameters
    ----------
    detector : DetectorUnderTest
        The detector.

    Returns
    -------
    DetectorTested
        With what it says of itself; nothing where it says nothing.
    """
    tier: Any = getattr(detector, "tier", "")
    models = getattr(detector, "models", {})
    return DetectorTested(
        name=detector.name,
        version=str(getattr(detector, "version", "")),
        text=str(getattr(detector, "text", "")),
        tier=tier if tier in ("blind", "informed", "oracle", "reference") else "",
        models={str(key): str(value) for key, value in models.items()} if isinstance(models, dict) else {},
    )


def _header(
    dataset: DataSet, settings: Settings, split: str, n_scored: int, detectors: Sequence[DetectorUnderTest]
) -> AnswersHeader:
    others = Counter(sample.split for sample in dataset.samples if sample.split != split)
    return AnswersHeader(
        version=__version__,
        config_sha256=settings_sha256(settings),
        data=dataset.folder,
        labels_sha256=dataset.labels_sha256,
        truth_sha256=dataset.truth_sha256,
        split=split,
        n_rows=dataset.n_rows,
        n_scored=n_scored,
        n_other_splits=dict(sorted(others.items())),
        problems=dataset.problems,
        ignored_columns=_without_simulated(dataset.ignored_columns),
        detectors=tuple(tested(detector) for detector in detectors),
        code_sha256=code_sha256(),
        sources_sha256={d.name: found for d in detectors if (found := detector_sha256(d))},
    )


def _without_simulated(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return columns without those that the simulator writes for its own use, where all of them are there."""
    from screening.simulation.sets import set_kind

    found = set(columns)
    for name in ("occupancies", "radiographs"):
        own = set(set_kind(name).columns) - set(COLUMNS)
        if own and own <= set(columns):
            found -= own
    return tuple(column for column in columns if column in found)


def _mismatches(labelled: Sequence[Sample], rows: Sequence[StoredAnswer]) -> list[Problem]:
    """Return where the labels say something else of a scan than the scan itself."""
    found = {row.sample.id: row.sample for row in rows}
    problems = []
    for sample in labelled:
        scan = found[sample.id]
        if sample.modality not in (None, scan.modality):
            text = f"{sample.id}: labelled {sample.modality}, the file holds a {scan.modality} scan"
            problems.append(Problem(kind="modality mismatch", where=sample.path, text=text))
        if sample.scan_id and sample.scan_id != scan.scan_id:
            text = f"{sample.id}: labelled scan {sample.scan_id}, the file holds {scan.scan_id}"
            problems.append(Problem(kind="scan id mismatch", where=sample.path, text=text))
    return problems


def _outside(rows: Sequence[StoredAnswer]) -> dict[str, Problem]:
    """Return the samples whose objects do not lie on their pictures: their truth cannot be used."""
    found = {}
    for row in rows:
        for box in row.sample.boxes or ():
            n_row, n_column = row.shape or (box.row1, box.col1)
            if box.row1 > n_row or box.col1 > n_column or box.view != 0:
                text = (
                    f"{row.sample.id}: an object in view {box.view}, rows {box.row0}:{box.row1}, columns "
                    f"{box.col0}:{box.col1}; the picture has {n_row} x {n_column}"
                )
                found[row.sample.id] = Problem(kind="outside the picture", where=row.sample.path, text=text)
    return found


def _without_boxes(row: StoredAnswer) -> StoredAnswer:
    return msgspec.structs.replace(row, sample=msgspec.structs.replace(row.sample, boxes=None))


def _leaks(
    detectors: Sequence[DetectorUnderTest],
    dataset: DataSet,
    rows: Sequence[StoredAnswer],
    split: str,
    root: Path,
    statements: Mapping[str, Statement],
) -> list[LeftOut]:
    hashes = {row.sample.id: row.input_sha256 for row in rows}
    by_path: dict[str, str] = {}
    for sample in dataset.samples:
        if sample.split != split:
            if sample.path not in by_path:
                with suppress(OSError):
                    by_path[sample.path] = sha256_hex((root / sample.path).read_bytes())
            hashes[sample.id] = by_path.get(sample.path, "")
    return leaks(detectors, dataset.samples, hashes, split, statements)


def _in_this_process(work: _Work, root: Path) -> Generator[StoredAnswer]:
    reader = ScanReader(root)
    for sample in work.samples:
        due = [detector for detector in work.detectors if (detector.name, sample.id) not in work.kept]
        if not due:
            continue
        scan, sha256 = reader.read(sample)
        for detector in due:
            if isinstance(scan, ScreeningError):
                yield unread(detector.name, sample, scan, sha256)
            else:
                yield asked(detector, sample, scan, sha256)


def _in_processes(
    work: _Work, root: Path, settings: Settings, workers: int, time_limit_s: float | None
) -> Generator[StoredAnswer]:
    """Yield answers as they come from processes that hold one detector each."""
    batches: queue.SimpleQueue[tuple[int, list[Sample]]] = queue.SimpleQueue()
    n_due = 0
    for index, detector in enumerate(work.detectors):
        for _, samples in groupby(work.todo(detector), key=lambda sample: sample.path):
            batch = list(samples)
            batches.put((index, batch))
            n_due += len(batch)
    specs = [
        host_spec(detector, entry, settings, root)
        for detector, entry in zip(work.detectors, work.entries, strict=True)
    ]
    answered: queue.SimpleQueue[StoredAnswer | Exception] = queue.SimpleQueue()
    is_stopped = threading.Event()
    hosts: list[Host] = []

    def _drive() -> None:
        host: Host | None = None
        try:
            while not is_stopped.is_set():
                index, batch = batches.get_nowait()
                if host is None or host.spec is not specs[index]:
                    if host is not None:
                        host.close()
                    host = Host(specs[index])
                    hosts.append(host)
                for sample in batch:
                    if is_stopped.is_set():
                        break
                    # An outside program is ended by who started it: ended from here it would stay behind.
                    is_program = isinstance(work.detectors[index], ReplayDetector)
                    answered.put(host.ask(sample, time_limit_s=None if is_program else time_limit_s))
        except queue.Empty:
            pass
        except Exception as error:
            answered.put(error)
        finally:
            if host is not None:
                host.close(kill=is_stopped.is_set())

    threads = [threading.Thread(target=_drive, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(n_due):
            found = answered.get()
            if isinstance(found, Exception):
                raise found
            yield found
    finally:
        is_stopped.set()
        if any(thread.is_alive() for thread in threads):
            for host in hosts:  # interrupted: nobody waits for what is being asked
                host.kill()
        for thread in threads:
            thread.join()

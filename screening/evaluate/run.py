"""Run detectors over a labelled data set and write what they are worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from screening import __version__
from screening.config import Settings, load_settings, settings_sha256
from screening.errors import ConfigurationError, FormatError, ScreeningError, StoreError
from screening.records import Level, Occupancy, ReasonCode, Scan
from screening.sources import open_scans

from .dataset import SPLITS, DataSet, Problem, Sample, read_dataset
from .detectors import DetectorAnswer, DetectorUnderTest, load_detectors
from .identification import load_correspondence
from .report import evaluation_page
from .results import DataUsed, Evaluation, Failure
from .scoring import Answered, detector_result

__all__ = ["run"]

REPORT = "report.json"
PAGE = "report.html"


def run(
    dataset_dir: str | Path,
    out_dir: str | Path,
    *,
    detectors: list[str] | list[DetectorUnderTest] | None = None,
    settings: Settings | Path | None = None,
    split: str = "test",
    progress: Callable[[int, int, str], None] | None = None,
) -> Evaluation:
    """Evaluate detectors on one split of a data set.

    Parameters
    ----------
    dataset_dir : path-like
        Folder with ``labels.csv`` and scans.
    out_dir : path-like
        Where ``report.json`` (evaluation/1) and ``report.html`` go.
    detectors : list of str or list of DetectorUnderTest, optional
        Registered names, or detectors themselves; all registered ones when omitted.
    settings : Settings or Path, optional
        Settings or their file.
    split : {"train", "validation", "threshold", "test"}
        Which rows are scored. Figures on rows that took part in training or in setting a threshold
        are no measure of anything but memory.
    progress : callable, optional
        Called with the number of scans done, of all scans, and the scan's id.

    Returns
    -------
    Evaluation
        The figures.

    Raises
    ------
    ConfigurationError
        If the split or a detector is unknown.
    FormatError
        If the data set has no readable labels, or no row of the split.
    StoreError
        If `out_dir` cannot be written.
    """
    if split not in SPLITS:
        raise ConfigurationError(f"split must be one of {', '.join(SPLITS)}, got {split!r}", value=split)
    chosen = settings if isinstance(settings, Settings) else load_settings(settings)
    tested = _detectors(detectors, chosen)
    dataset = read_dataset(dataset_dir)
    samples = [sample for sample in dataset.samples if sample.split == split]
    if not samples:
        present = Counter(sample.split for sample in dataset.samples)
        there = ", ".join(f"{name} ({n})" for name, n in sorted(present.items())) or "no usable row at all"
        raise FormatError(f"{dataset.folder}: no row of split {split!r}; there is: {there}", value=split)
    answers: dict[str, list[Answered]] = {detector.name: [] for detector in tested}
    failures: dict[str, list[Failure]] = {detector.name: [] for detector in tested}
    not_served: Counter[str] = Counter()
    problems = list(dataset.problems)
    for number, (sample, scan) in enumerate(_scans(Path(dataset_dir), samples), start=1):
        if isinstance(scan, Scan) and sample.modality not in (None, scan.modality):
            text = f"{sample.id}: labelled {sample.modality}, the file holds a {scan.modality} scan"
            problems.append(Problem(kind="modality mismatch", where=sample.path, text=text))
        labelled = sample
        if isinstance(scan, Scan):
            labelled = msgspec.structs.replace(sample, modality=scan.modality)
        for detector in tested:
            answer = _answer(detector, labelled, scan, failures[detector.name])
            if answer is None:
                not_served[detector.name] += 1
            else:
                answers[detector.name].append(Answered(labelled, answer, _has_spectra(scan)))
        if progress is not None:
            progress(number, len(samples), sample.id)
    table = load_correspondence()
    evaluation = Evaluation(
        version=__version__,
        config_sha256=settings_sha256(chosen),
        data=_data_used(dataset, split, samples, problems),
        detectors=tuple(
            detector_result(
                detector.name,
                answers[detector.name],
                table,
                failures=failures[detector.name],
                n_not_served=not_served[detector.name],
            )
            for detector in tested
        ),
    )
    out = Path(out_dir)
    _write(out / REPORT, msgspec.json.format(msgspec.json.encode(evaluation), indent=2) + b"\n")
    _write(out / PAGE, evaluation_page(evaluation).encode())
    return evaluation


def _detectors(
    wanted: list[str] | list[DetectorUnderTest] | None, settings: Settings
) -> list[DetectorUnderTest]:
    if wanted is None:
        return load_detectors(None, settings)
    names = [item for item in wanted if isinstance(item, str)]
    loaded = dict(zip(names, load_detectors(names, settings), strict=True)) if names else {}
    tested = [loaded[item] if isinstance(item, str) else item for item in wanted]
    twice = [name for name, n in Counter(detector.name for detector in tested).items() if n > 1]
    if twice or not tested:
        why = f"detector {twice[0]!r} is named twice" if twice else "no detector is named"
        raise ConfigurationError(why, value=twice)
    return tested


def _scans(folder: Path, samples: list[Sample]) -> Iterator[tuple[Sample, Scan | ScreeningError]]:
    # A file with many scans is read once as long as its rows stand together.
    path, scans = "", list[Scan]()
    failure: ScreeningError | None = None
    for sample in samples:
        if sample.path != path:
            path, scans, failure = sample.path, [], None
            try:
                scans = open_scans(folder / path)
            except ScreeningError as error:
                failure = error
        if failure is not None:
            yield sample, failure
        elif sample.index >= len(scans):
            yield sample, StoreError(f"{path}: holds {len(scans)} scans, no number {sample.index}")
        else:
            yield sample, scans[sample.index]


def _has_spectra(scan: Scan | ScreeningError) -> bool:
    return not (
        isinstance(scan, Scan) and isinstance(scan.payload, Occupancy) and scan.payload.spectra is None
    )


def _answer(
    detector: DetectorUnderTest, sample: Sample, scan: Scan | ScreeningError, failures: list[Failure]
) -> DetectorAnswer | None:
    if isinstance(scan, ScreeningError):
        failures.append(Failure(id=sample.id, stage="reading", text=str(scan)))
        return DetectorAnswer(level=Level.UNKNOWN, codes=(scan.reason,))
    try:
        return detector.answer(scan)
    except Exception as error:  # whatever a detector does, the others are still measured
        text = f"{type(error).__name__}: {error}".splitlines()[0]
        failures.append(Failure(id=sample.id, stage="detector", text=text))
        code = error.reason if isinstance(error, ScreeningError) else ReasonCode.MODEL_ERROR.value
        return DetectorAnswer(level=Level.UNKNOWN, codes=(code,))


def _data_used(dataset: DataSet, split: str, samples: list[Sample], problems: list[Problem]) -> DataUsed:
    others = Counter(sample.split for sample in dataset.samples if sample.split != split)
    return DataUsed(
        name=dataset.folder,
        labels_sha256=dataset.labels_sha256,
        split=split,
        n_rows=dataset.n_rows,
        n_scored=len(samples),
        n_other_splits=dict(sorted(others.items())),
        n_parents=len({sample.parent for sample in samples}),
        problems=tuple(problems),
        n_problems=dict(sorted(Counter(problem.kind for problem in problems).items())),
        ignored_columns=dataset.ignored_columns,
    )


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror})", value=str(path)) from None

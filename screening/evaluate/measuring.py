"""Run detectors over the samples of a data set and store what they answer."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from screening import __version__
from screening.config import Settings, load_settings, settings_sha256
from screening.errors import ConfigurationError, FormatError, ScreeningError, StoreError
from screening.records import Level, Occupancy, ReasonCode, Scan
from screening.sources import open_scans

from .answers import ANSWERS, Answers, AnswersHeader, AnswerWriter, Failure, StoredAnswer
from .dataset import read_dataset
from .detectors import DetectorAnswer, DetectorUnderTest, chosen_detectors
from .record import DetectorTested, Part
from .samples import SPLITS, DataSet, Problem, Sample
from .scoring import part_of

__all__ = ["answers_of", "evaluate_dataset", "tested"]


def evaluate_dataset(
    dataset_dir: str | Path,
    *,
    detectors: Sequence[str | DetectorUnderTest] | None = None,
    settings: Settings | Path | None = None,
    split: str = "test",
    work_dir: str | Path | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Part:
    """Measure detectors on one split of a data set.

    Parameters
    ----------
    dataset_dir : path-like
        Folder with ``labels.csv`` and scans.
    detectors : sequence of str or DetectorUnderTest, optional
        Registered names, or detectors themselves; all registered ones when omitted.
    settings : Settings or Path, optional
        Settings or their file.
    split : {"train", "validation", "threshold", "test"}
        Which rows are scored. Figures on rows that took part in training or in setting a threshold
        are no measure of anything but memory.
    work_dir : path-like, optional
        Where ``answers.jsonl`` goes; nothing is stored when omitted.
    progress : callable, optional
        Called with the number of scans done, of all scans, and the scan's id.

    Returns
    -------
    Part
        Sections, figures, and what was left out.

    Raises
    ------
    ConfigurationError
        If the split or a detector is unknown.
    FormatError
        If the data set has no readable labels, or no row of the split.
    StoreError
        If `work_dir` cannot be written.
    """
    return part_of(
        answers_of(
            dataset_dir,
            detectors=detectors,
            settings=settings,
            split=split,
            work_dir=work_dir,
            progress=progress,
        )
    )


def answers_of(
    dataset_dir: str | Path,
    *,
    detectors: Sequence[str | DetectorUnderTest] | None = None,
    settings: Settings | Path | None = None,
    split: str = "test",
    work_dir: str | Path | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Answers:
    """Return what detectors answer to one split of a data set.

    Parameters
    ----------
    dataset_dir, detectors, settings, split, work_dir, progress
        As in :func:`evaluate_dataset`.

    Returns
    -------
    Answers
        Sample after sample, in the order of the labels.

    Raises
    ------
    ConfigurationError, FormatError, StoreError
        As in :func:`evaluate_dataset`.
    """
    if split not in SPLITS:
        raise ConfigurationError(f"split must be one of {', '.join(SPLITS)}, got {split!r}", value=split)
    chosen = settings if isinstance(settings, Settings) else load_settings(settings)
    under_test = chosen_detectors(detectors, chosen)
    dataset = read_dataset(dataset_dir)
    samples = [sample for sample in dataset.samples if sample.split == split]
    if not samples:
        present = Counter(sample.split for sample in dataset.samples)
        there = ", ".join(f"{name} ({n})" for name, n in sorted(present.items())) or "no usable row at all"
        raise FormatError(f"{dataset.folder}: no row of split {split!r}; there is: {there}", value=split)
    problems = list(dataset.problems)
    rows: list[StoredAnswer] = []
    for number, (sample, scan) in enumerate(_scans(Path(dataset_dir), samples), start=1):
        rows.extend(_answered(under_test, sample, scan, problems))
        if progress is not None:
            progress(number, len(samples), sample.id)
    header = _header(dataset, chosen, split, len(samples), problems, under_test)
    if work_dir is not None:
        AnswerWriter(Path(work_dir) / ANSWERS, header, rows).close()
    return Answers(header=header, rows=tuple(rows))


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
    tier = getattr(detector, "tier", "")
    models = getattr(detector, "models", {})
    return DetectorTested(
        name=detector.name,
        version=str(getattr(detector, "version", "")),
        text=str(getattr(detector, "text", "")),
        tier=tier if tier in ("blind", "informed", "oracle", "reference") else "",
        models={str(key): str(value) for key, value in models.items()} if isinstance(models, dict) else {},
    )


def _header(
    dataset: DataSet,
    settings: Settings,
    split: str,
    n_scored: int,
    problems: Sequence[Problem],
    detectors: Sequence[DetectorUnderTest],
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
        problems=tuple(problems),
        ignored_columns=dataset.ignored_columns,
        detectors=tuple(tested(detector) for detector in detectors),
    )


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


def _answered(
    detectors: Sequence[DetectorUnderTest],
    sample: Sample,
    scan: Scan | ScreeningError,
    problems: list[Problem],
) -> Iterator[StoredAnswer]:
    if isinstance(scan, ScreeningError):
        failure = Failure(stage="reading", kind="not read", text=str(scan))
        answer = DetectorAnswer(level=Level.UNKNOWN, codes=(scan.reason,))
        for detector in detectors:
            yield StoredAnswer(sample=sample, detector=detector.name, answer=answer, failure=failure)
        return
    if sample.modality not in (None, scan.modality):
        text = f"{sample.id}: labelled {sample.modality}, the file holds a {scan.modality} scan"
        problems.append(Problem(kind="modality mismatch", where=sample.path, text=text))
    labelled = msgspec.structs.replace(sample, modality=scan.modality)
    for detector in detectors:
        yield _one_answer(detector, labelled, scan)


def _one_answer(detector: DetectorUnderTest, sample: Sample, scan: Scan) -> StoredAnswer:
    failure = None
    started = time.perf_counter()
    try:
        answer = detector.answer(scan)
    except Exception as error:  # whatever a detector does, the others are still measured
        text = f"{type(error).__name__}: {error}".splitlines()[0]
        failure = Failure(stage="detector", kind="detector failed", text=text)
        code = error.reason if isinstance(error, ScreeningError) else ReasonCode.MODEL_ERROR.value
        answer = DetectorAnswer(level=Level.UNKNOWN, codes=(code,))
    elapsed_s = time.perf_counter() - started
    return StoredAnswer(
        sample=sample,
        detector=detector.name,
        answer=answer,
        failure=failure,
        has_spectra=_has_spectra(scan),
        elapsed_s=round(elapsed_s, 6),
    )


def _has_spectra(scan: Scan) -> bool:
    return not (isinstance(scan.payload, Occupancy) and scan.payload.spectra is None)

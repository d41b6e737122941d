"""Evaluate a labelled data set and write the report."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from screening.config import Settings, load_settings

from .detectors import DetectorUnderTest
from .measuring import evaluate_dataset
from .provenance import provenance_of
from .record import Evaluation, joined

__all__ = ["run"]


def run(
    dataset_dir: str | Path,
    out_dir: str | Path,
    *,
    detectors: Sequence[str | DetectorUnderTest] | None = None,
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
        Where ``report.json`` (evaluation/2), ``report.html`` and ``answers.jsonl`` go.
    detectors : sequence of str or DetectorUnderTest, optional
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
    started = time.perf_counter()
    chosen = settings if isinstance(settings, Settings) else load_settings(settings)
    part = evaluate_dataset(
        dataset_dir,
        detectors=detectors,
        settings=chosen,
        split=split,
        work_dir=out_dir,
        progress=progress,
    )
    evaluation = joined(
        [part],
        title=f"Evaluation on {Path(dataset_dir).resolve().name}",
        provenance=provenance_of(chosen, started=started),
    )
    _write(Path(out_dir), evaluation)
    return evaluation


def _write(out_dir: Path, evaluation: Evaluation) -> None:
    try:
        from screening.evaluate.report import write_report
    except ImportError:
        out_dir.mkdir(parents=True, exist_ok=True)
        (out_dir / "report.json").write_bytes(
            msgspec.json.format(msgspec.json.encode(evaluation), indent=1) + b"\n"
        )
        return
    write_report(out_dir, evaluation)

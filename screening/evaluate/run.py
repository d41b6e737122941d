"""Evaluate a labelled data set and write the report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from screening.config import Settings, load_settings

from .detectors import DetectorUnderTest
from .measuring import Progress, evaluate_dataset
from .record import Evaluation, joined
from .report import provenance, write_report

__all__ = ["run"]


def run(
    dataset_dir: str | Path,
    out_dir: str | Path,
    *,
    detectors: Sequence[str | DetectorUnderTest] | None = None,
    settings: Settings | Path | None = None,
    split: str = "test",
    is_resumed: bool = False,
    workers: int = 1,
    time_limit_s: float | None = None,
    progress: Progress | None = None,
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
    is_resumed : bool
        Keep the answers in `out_dir` that would be given again.
    workers : int
        Processes; their number changes no figure but those of cost.
    time_limit_s : float, optional
        Longest time for one answer.
    progress : callable, optional
        Called with the number of answers given, of all that are due, and the sample's id.

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
        is_resumed=is_resumed,
        workers=workers,
        time_limit_s=time_limit_s,
        progress=progress,
    )
    evaluation = joined(
        [part],
        title=f"Evaluation on {Path(dataset_dir).resolve().name}",
        provenance=provenance(chosen, elapsed_s=round(time.perf_counter() - started, 3)),
    )
    write_report(Path(out_dir), evaluation)
    return evaluation

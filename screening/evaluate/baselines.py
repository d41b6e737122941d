"""Keep a report as the baseline that later ones are measured against."""

from __future__ import annotations

from pathlib import Path

import msgspec

from screening.errors import StoreError

from .answers import ANSWERS, AnswerWriter, read_answers
from .report import read_report, stripped

__all__ = ["keep_baseline"]

REPORT = "report.json"


def keep_baseline(report_dir: str | Path, folder: str | Path) -> Path:
    """Write the figures and the answers of a report, without what changes from run to run.

    Parameters
    ----------
    report_dir : path-like
        Folder of a report on a data set, with ``report.json`` and ``answers.jsonl``.
    folder : path-like
        Where the baseline goes; small enough to be kept under version control. The same answers give the
        same bytes.

    Returns
    -------
    Path
        The ``report.json`` to be named as baseline. The answers beside it let later reports be compared on
        the same samples, which sees smaller changes.

    Raises
    ------
    FormatError
        If the report or its answers are none.
    StoreError
        If they cannot be read, or the folder cannot be written.
    """
    source, target = Path(report_dir), Path(folder)
    report = stripped(read_report(source / REPORT))
    report = msgspec.structs.replace(
        report,
        figures=tuple(figure for figure in report.figures if figure.section != "cost"),
        sections=tuple(section for section in report.sections if section.id != "cost"),
    )
    answers = read_answers(source / ANSWERS)
    kept = (msgspec.structs.replace(row, elapsed_s=None, peak_bytes=None) for row in answers.rows)
    try:
        target.mkdir(parents=True, exist_ok=True)
        partial = target / f"{REPORT}.part"
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
        partial.replace(target / REPORT)
    except OSError as error:
        raise StoreError(f"{target}: cannot be written ({error.strerror})", value=str(target)) from None
    header = msgspec.structs.replace(answers.header, code_sha256="", sources_sha256={})
    AnswerWriter(target / ANSWERS, header, kept).close()
    return target / REPORT

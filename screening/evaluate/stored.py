"""Make a report again from stored answers, without running a detector."""

from __future__ import annotations

from pathlib import Path

from .answers import ANSWERS, read_answers
from .identification import Correspondence
from .record import Part
from .scoring import part_of

__all__ = ["evaluate_stored"]


def evaluate_stored(path: str | Path, *, table: Correspondence | None = None) -> Part:
    """Return the part of a report that stored answers give.

    Parameters
    ----------
    path : path-like
        ``answers.jsonl``, or the folder it lies in.
    table : Correspondence, optional
        What answers for what; the shipped one when omitted.

    Returns
    -------
    Part
        The same figures as the run that stored them.

    Raises
    ------
    FormatError
        If the file cannot be read.
    """
    source = Path(path)
    return part_of(read_answers(source / ANSWERS if source.is_dir() else source), table=table)

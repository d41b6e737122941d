"""Make a report again from stored answers, without running a detector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from .answers import ANSWERS, read_answers
from .identification import Correspondence
from .record import Part
from .scoring import part_of

__all__ = ["evaluate_stored", "named_apart"]


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


def named_apart(part: Part, name: str) -> Part:
    """Return a part with names of its own, so that it can stand beside another of the same kind.

    Parameters
    ----------
    part : Part
        Of a data set.
    name : str
        Set before the sections' ids and titles: the data set, the site, the release.

    Returns
    -------
    Part
        The same figures in sections of other names.
    """

    def _moved(item: Any) -> Any:
        return msgspec.structs.replace(item, section=f"{name}/{item.section}")

    return msgspec.structs.replace(
        part,
        sections=tuple(
            msgspec.structs.replace(one, id=f"{name}/{one.id}", title=f"{name}: {one.title}")
            for one in part.sections
        ),
        figures=tuple(_moved(item) for item in part.figures),
        curves=tuple(_moved(item) for item in part.curves),
        comparisons=tuple(_moved(item) for item in part.comparisons),
        exhibits=tuple(_moved(item) for item in part.exhibits),
    )

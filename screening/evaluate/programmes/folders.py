"""A folder of records: of seals, of a programme, or of both."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from screening.errors import FormatError
from screening.evaluate.record import Part

from .programme import run_programme
from .seals import run_seals
from .tables import CONTAINERS, CUSTODY, EXPECTED, TRIALS

__all__ = ["run_records"]


def run_records(folder: str | Path, *, as_of: datetime | None = None, name: str = "") -> Part:
    """Evaluate whatever records a folder holds.

    Parameters
    ----------
    folder : path-like
        With ``seal-trials.csv`` (and ``custody.csv``), or ``expected.csv`` and ``containers.csv``, or all.
    as_of : datetime, optional
        When the record of the programme was closed, aware; the last time that stands in it when omitted.
    name : str
        Added to the ids and titles of the sections, so that several folders stand in one report; empty for
        one folder alone.

    Returns
    -------
    Part
        Seals first, then the programme.

    Raises
    ------
    FormatError
        If there is neither, or a table cannot be read or lacks its companion.
    """
    root = Path(folder)
    parts = []
    if (root / TRIALS).exists() or (root / CUSTODY).exists():
        parts.append(run_seals(root))
    if (root / CONTAINERS).exists() or (root / EXPECTED).exists():
        parts.append(run_programme(root, as_of=as_of))
    if not parts:
        raise FormatError(
            f"{root}: no records; a folder holds {TRIALS} (and {CUSTODY}), or {EXPECTED} and {CONTAINERS}",
            value=str(root),
        )
    joined = Part(
        sections=tuple(one for part in parts for one in part.sections),
        detectors=tuple(one for part in parts for one in part.detectors),
        figures=tuple(one for part in parts for one in part.figures),
        left_out=tuple(one for part in parts for one in part.left_out),
        data={key: value for part in parts for key, value in part.data.items()},
    )
    return _named(joined, name) if name else joined


def _named(part: Part, name: str) -> Part:
    return msgspec.structs.replace(
        part,
        sections=tuple(
            msgspec.structs.replace(one, id=f"{one.id}-{name}", title=f"{one.title}: {name}")
            for one in part.sections
        ),
        figures=tuple(msgspec.structs.replace(one, section=f"{one.section}-{name}") for one in part.figures),
        left_out=tuple(msgspec.structs.replace(one, where=f"{name}: {one.where}") for one in part.left_out),
    )

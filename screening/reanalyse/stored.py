"""Answers that were stored before: what a run is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from screening.errors import IntegrityError
from screening.records import ScreeningReport

from .compare import Answer, answers_of

__all__ = ["Stored", "stored_answers"]

RESULTS = "results.jsonl"


class Stored(NamedTuple):
    """Stored answers and the file they were found in."""

    name: str
    answers: Mapping[tuple[str, str], Answer]


def stored_answers(folder: Path) -> Stored | None:
    """Return the answers stored in an archive folder.

    Parameters
    ----------
    folder : Path
        The archive; ``results.jsonl`` in it is looked for.

    Returns
    -------
    Stored or None
        None where nothing is stored.

    Raises
    ------
    IntegrityError
        If the file is there and cannot be read: a comparison with a part of it would mislead.
    """
    path = folder / RESULTS
    if not path.is_file():
        return None
    flags = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            flags.extend(msgspec.json.decode(line, type=ScreeningReport).flags)
        except (msgspec.DecodeError, ValueError) as error:
            raise IntegrityError(f"{path.name}, line {number}: {error}", value=line[:64]) from None
    return Stored(path.name, answers_of(flags))

"""Every answer stored, one a line, so that a report is made again without running a detector.

The first line of ``answers.jsonl`` says what was measured on what; each further line is one answer of one
detector to one sample, with its truth. Lines are only ever added: a run that was killed goes on after the
last whole line.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from screening.errors import FormatError, StoreError

from .detectors.answer import DetectorAnswer
from .record import DetectorTested, LeftOut
from .samples import Problem, Sample

__all__ = ["ANSWERS", "AnswerWriter", "Answers", "AnswersHeader", "Failure", "StoredAnswer", "read_answers"]

ANSWERS = "answers.jsonl"


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a scan has no answer that could be used.

    Attributes
    ----------
    stage : {"reading", "detector", "answer"}
        What failed: reading the scan, the detector, or what it answered.
    kind : str
        Its class: "not read", "detector failed", "out of time", "not a number", "wrong type".
    text : str
        One line for a person.
    is_answer_kept : bool
        The answer was scored all the same.
    """

    stage: Literal["reading", "detector", "answer"]
    kind: str
    text: str
    is_answer_kept: bool = False


class StoredAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answer of one detector.

    Attributes
    ----------
    sample : Sample
        The sample with its truth.
    detector : str
        Whose answer.
    answer : DetectorAnswer or None
        The answer; None where the detector does not serve the modality.
    failure : Failure or None
        Why it is UNKNOWN, if something failed.
    has_spectra : bool
        False for a portal that only counts: nobody could name a nuclide there, and naming none is no
        merit. True where the scan could not even be read.
    shape : tuple of int or None
        (rows, columns) of the picture.
    elapsed_s : float or None
        How long the detector took.
    peak_bytes : int or None
        Largest memory of the detector's process so far; None where it shared one.
    input_sha256 : str
        Hash of the file it was measured on.
    """

    sample: Sample
    detector: str
    answer: DetectorAnswer | None
    failure: Failure | None = None
    has_spectra: bool = True
    shape: tuple[int, int] | None = None
    elapsed_s: float | None = None
    peak_bytes: int | None = None
    input_sha256: str = ""


class AnswersHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What a file of answers holds.

    Attributes
    ----------
    schema : {"answers/1"}
        Version of the format.
    version, config_sha256 : str
        Of the software and its settings.
    data : str
        Name of the data set.
    labels_sha256, truth_sha256 : str
        Hashes of its labels and of the objects on its pictures.
    split : str
        Which rows.
    n_rows : int
        Rows of the labels.
    n_scored : int
        Rows of the split.
    n_other_splits : dict of str to int
        Rows left out because they belong to another split.
    problems : tuple of Problem
        What did not fit together.
    ignored_columns : tuple of str
        Columns without a meaning here.
    detectors : tuple of DetectorTested
        Under test.
    leaks : tuple of LeftOut
        Training data among the samples, and detectors that do not say what they were trained on.
    code_sha256 : str
        Hash of this software's code that gave the answers; empty in a baseline.
    sources_sha256 : dict of str to str
        Hashes of the sources of the detectors, by name; without those that have no file.
    """

    version: str
    config_sha256: str
    data: str
    labels_sha256: str
    split: str
    n_rows: int
    n_scored: int
    n_other_splits: dict[str, int]
    problems: tuple[Problem, ...]
    ignored_columns: tuple[str, ...]
    detectors: tuple[DetectorTested, ...]
    truth_sha256: str = ""
    leaks: tuple[LeftOut, ...] = ()
    code_sha256: str = ""
    sources_sha256: dict[str, str] = {}
    schema: Literal["answers/1"] = "answers/1"


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """A file of answers, read.

    Attributes
    ----------
    header : AnswersHeader
        What it holds.
    rows : tuple of StoredAnswer
        In the order in which they were given.
    """

    header: AnswersHeader
    rows: tuple[StoredAnswer, ...]


def read_answers(path: str | Path) -> Answers:
    """Read a file of answers.

    Parameters
    ----------
    path : path-like
        ``answers.jsonl``.

    Returns
    -------
    Answers
        Its header and its rows. A last line that was cut off is left out: it was never finished.

    Raises
    ------
    FormatError
        If it cannot be read, has no header of this version, or a line is no answer or a second one.
    """
    source = Path(path)
    try:
        data = source.read_bytes()
    except OSError as error:
        raise FormatError(f"{source}: {error.strerror or error}", value=str(source)) from None
    lines = data.split(b"\n")
    lines.pop()  # what follows the last end of a line: nothing, or a line that was cut off
    if not lines:
        raise FormatError(f"{source.name}: no header", value=str(source))
    number = 1
    try:
        header = msgspec.json.decode(lines[0], type=AnswersHeader)
        decoder = msgspec.json.Decoder(StoredAnswer)
        rows: list[StoredAnswer] = []
        seen: set[tuple[str, str]] = set()
        for number, line in enumerate(lines[1:], start=2):
            if not line:
                continue
            row = decoder.decode(line)
            if (row.detector, row.sample.id) in seen:
                text = f"{row.detector} answers {row.sample.id} a second time"
                raise FormatError(f"{source.name}, line {number}: {text}", value=number)
            seen.add((row.detector, row.sample.id))
            rows.append(row)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"{source.name}, line {number}: {error}", value=number) from None
    return Answers(header=header, rows=tuple(rows))


class AnswerWriter:
    """Write answers, one a line.

    Parameters
    ----------
    path : path-like
        ``answers.jsonl``; written anew.
    header : AnswersHeader
        What it holds.
    kept : iterable of StoredAnswer
        Answers of an earlier run that stay.
    """

    def __init__(self, path: str | Path, header: AnswersHeader, kept: Iterable[StoredAnswer] = ()) -> None:
        self._path = Path(path)
        self._encoder = msgspec.json.Encoder(order="deterministic")
        partial = self._path.with_name(self._path.name + ".part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                file.write(self._encoder.encode(header) + b"\n")
                for row in kept:
                    file.write(self._encoder.encode(row) + b"\n")
            partial.replace(self._path)
            self._file = self._path.open("ab")
        except OSError as error:
            raise StoreError(f"{self._path}: cannot be written ({error.strerror})", value=str(path)) from None

    def add(self, row: StoredAnswer) -> None:
        """Write one answer; it is on its way to the disk when this returns.

        Parameters
        ----------
        row : StoredAnswer
            The answer.

        Raises
        ------
        StoreError
            If it cannot be written.
        """
        try:
            self._file.write(self._encoder.encode(row) + b"\n")
            self._file.flush()
        except OSError as error:
            raise StoreError(
                f"{self._path}: cannot be written ({error.strerror})", value=str(self._path)
            ) from None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

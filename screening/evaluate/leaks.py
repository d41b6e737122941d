"""Nothing that a detector was trained on may stand in its test set.

A model states what it was trained on in ``trained_on.txt`` beside its card, one entry a line:

    sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    seed 1146794100
    parent b3629dd9-00ce-85b3-aaad-0ba8acd3a084

``sha256`` is of a file's bytes, ``seed`` what a scan was simulated from, ``parent`` what draws share. A
detector may state the same in an attribute ``trained_on``. Without such a statement nothing can be checked,
and the report says so.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from screening.errors import FormatError

from .record import LeftOut
from .samples import Sample
from .whole_files import write_whole

__all__ = [
    "STATEMENT",
    "Statement",
    "between_splits",
    "leaks",
    "model_statements",
    "parse_statement",
    "read_statement",
    "statement_of",
    "trained_on",
    "write_statement",
]

STATEMENT = "trained_on.txt"
_KINDS = ("sha256", "seed", "parent")
_N_NAMED = 5


class Statement(NamedTuple):
    """What was trained on.

    Attributes
    ----------
    name : str
        The model or the detector.
    entries : frozenset of str
        "sha256 ...", "seed ...", "parent ...".
    """

    name: str
    entries: frozenset[str]


def parse_statement(text: str, *, name: str) -> Statement:
    """Return a statement from its lines.

    Parameters
    ----------
    text : str
        One entry a line; blank lines and lines that begin with # are left out.
    name : str
        The model.

    Returns
    -------
    Statement
        The statement.

    Raises
    ------
    FormatError
        If a line is no entry.
    """
    entries = set()
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        kind, _, value = line.strip().partition(" ")
        value = value.strip()
        is_seed = re.fullmatch(r"-?[0-9]{1,20}", value) is not None
        if kind not in _KINDS or not value or (kind == "seed" and not is_seed):
            raise FormatError(
                f"{name}, {STATEMENT} line {number}: {line.strip()[:60]!r} is none of {', '.join(_KINDS)} "
                "with a value",
                value=line,
            )
        # Written otherwise they are the same: hexadecimal digits in capitals, a seed with zeros before it.
        same = str(int(value)) if kind == "seed" else value.lower() if kind == "sha256" else value
        entries.add(f"{kind} {same}")
    return Statement(name, frozenset(entries))


def read_statement(folder: Any, *, name: str) -> Statement | None:
    """Return the statement of a model.

    Parameters
    ----------
    folder : Path or Traversable
        Folder of the model.
    name : str
        The model.

    Returns
    -------
    Statement or None
        None without a file.

    Raises
    ------
    FormatError
        If the file is no statement.
    """
    path = folder.joinpath(STATEMENT)
    if not path.is_file():
        return None
    try:
        return parse_statement(path.read_bytes().decode("utf-8"), name=name)
    except UnicodeDecodeError as error:
        raise FormatError(f"{name}, {STATEMENT}: not UTF-8 at byte {error.start}") from None


def write_statement(
    folder: Path,
    *,
    sha256: Iterable[str] = (),
    seeds: Iterable[int] = (),
    parents: Iterable[str] = (),
) -> Path:
    """Write what a model was trained on.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    sha256 : iterable of str
        Hashes of files.
    seeds : iterable of int
        Seeds of simulated scans.
    parents : iterable of str
        What draws share.

    Returns
    -------
    Path
        The file; the same for the same entries in any order.
    """
    lines = sorted(
        {
            *(f"sha256 {value}" for value in sha256),
            *(f"seed {value}" for value in seeds),
            *(f"parent {value}" for value in parents),
        }
    )
    path = folder / STATEMENT
    write_whole(path, "".join(f"{line}\n" for line in lines).encode())
    return path


def statement_of(detector: Any, statements: Mapping[str, Statement]) -> Statement | None:
    """Return what a detector was trained on, as far as anybody says.

    Parameters
    ----------
    detector : object
        The detector: its attribute ``trained_on`` (entries as in the file) and those of its models.
    statements : mapping of str to Statement
        Of models, by name.

    Returns
    -------
    Statement or None
        None if neither it nor all of its models say.
    """
    entries: set[str] = set()
    own = getattr(detector, "trained_on", None)
    if isinstance(own, Collection) and not isinstance(own, str):
        entries |= parse_statement("\n".join(str(item) for item in own), name=detector.name).entries
    models = getattr(detector, "models", {})
    names = list(models) if isinstance(models, dict) else []
    for name in names:
        if name in statements:
            entries |= statements[name].entries
    is_stated = own is not None or (bool(names) and all(name in statements for name in names))
    return Statement(str(detector.name), frozenset(entries)) if is_stated else None


def model_statements(folder: Any | None = None) -> dict[str, Statement]:
    """Return the statements of installed models.

    Parameters
    ----------
    folder : Path or Traversable, optional
        Where the folders of the models are; those shipped when omitted.

    Returns
    -------
    dict of str to Statement
        By name of the model; models that do not state anything are not in it.

    Raises
    ------
    FormatError
        If a file is no statement.
    """
    root: Any = files("screening.models") if folder is None else folder
    found = {}
    for place in root.iterdir() if root.is_dir() else ():
        statement = read_statement(place, name=place.name) if place.is_dir() else None
        if statement is not None:
            found[place.name] = statement
    return found


def leaks(
    detectors: Sequence[Any],
    samples: Sequence[Sample],
    sha256: Mapping[str, str],
    split: str,
    statements: Mapping[str, Statement],
) -> list[LeftOut]:
    """Return all that leaks into a split: from training, and from the other splits of its data set.

    Parameters
    ----------
    detectors : sequence of object
        Under test.
    samples : sequence of Sample
        All of the data set.
    sha256 : mapping of str to str
        Hash of each sample's file, by its id.
    split : str
        The split that is scored.
    statements : mapping of str to Statement
        Of models, by name.

    Returns
    -------
    list of LeftOut
        Errors; and without being one, detectors with models that do not state their training.
    """
    scored = [sample for sample in samples if sample.split == split]
    found = between_splits(samples, sha256, split)
    for detector in detectors:
        try:
            statement = statement_of(detector, statements)
        except FormatError as error:  # its answers are there: a statement that is none does not undo them
            found.append(
                LeftOut(
                    kind="training not stated",
                    where=str(detector.name),
                    text=f"what it says of its training cannot be read: {error}",
                    n=len(scored),
                )
            )
            continue
        models = getattr(detector, "models", {})
        if statement is not None:
            found.extend(trained_on(scored, sha256, statement))
        elif models:
            found.append(
                LeftOut(
                    kind="training not stated",
                    where=str(detector.name),
                    text=f"no {STATEMENT} beside {', '.join(sorted(models))}: nobody can tell whether it was "
                    "trained on these samples",
                    n=len(scored),
                    is_error=False,
                )
            )
    return found


def trained_on(samples: Sequence[Sample], sha256: Mapping[str, str], statement: Statement) -> list[LeftOut]:
    """Return the samples that were trained on.

    Parameters
    ----------
    samples : sequence of Sample
        That are scored.
    sha256 : mapping of str to str
        Hash of each sample's file, by its id.
    statement : Statement
        What was trained on.

    Returns
    -------
    list of LeftOut
        One for each kind of entry, with the first samples by name.
    """
    found: dict[str, list[str]] = {}
    for sample in samples:
        entries = {
            "the same bytes": f"sha256 {sha256.get(sample.id, '')}",
            "the same seed": f"seed {sample.seed}",
            "the same parent": f"parent {sample.parent}",
        }
        for why, entry in entries.items():
            if entry in statement.entries:
                found.setdefault(why, []).append(sample.id)
                break
    return [
        LeftOut(
            kind="trained on",
            where=statement.name,
            text=f"{why} as in its training: {_named(ids)}; figures on them measure memory",
            n=len(ids),
        )
        for why, ids in found.items()
    ]


def between_splits(samples: Sequence[Sample], sha256: Mapping[str, str], split: str) -> list[LeftOut]:
    """Return what a split shares with the others of its data set.

    Parameters
    ----------
    samples : sequence of Sample
        All of the data set.
    sha256 : mapping of str to str
        Hash of each sample's file, by its id, as far as known.
    split : str
        The split that is scored.

    Returns
    -------
    list of LeftOut
        Parents, seeds and bytes that stand in another split too.
    """
    others: dict[str, Sample] = {}
    for sample in samples:
        if sample.split != split:
            for key in _keys(sample, sha256):
                others.setdefault(key, sample)
    found: dict[tuple[str, str], list[str]] = {}
    for sample in samples:
        if sample.split != split:
            continue
        shared = next((key for key in _keys(sample, sha256) if key in others), None)
        if shared is not None:
            found.setdefault((others[shared].split, shared.partition(" ")[0]), []).append(sample.id)
    return [
        LeftOut(
            kind="in two splits",
            where=f"{split} and {other}",
            text=f"the same {what} in both: {_named(ids)}",
            n=len(ids),
        )
        for (other, what), ids in found.items()
    ]


def _keys(sample: Sample, sha256: Mapping[str, str]) -> list[str]:
    keys = [f"parent {sample.parent}"] if sample.parent else []
    if sample.seed is not None:
        keys.append(f"seed {sample.seed}")
    if sha256.get(sample.id):
        # Two scans of one file are two samples: its bytes alone do not make them one.
        keys.append(f"bytes {sha256[sample.id]} {sample.index}")
    return keys


def _named(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _N_NAMED} more" if len(ids) > _N_NAMED else ""
    return ", ".join(ids[:_N_NAMED]) + more

"""Read ``truth.json``: which objects stand where on the pictures of a data set."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.errors import FormatError
from screening.records import sha256_hex

from .samples import Problem, Sample, TruthBox
from .whole_files import write_whole

__all__ = ["TRUTH", "decode_mask", "encode_mask", "with_truths", "write_truths"]

TRUTH = "truth.json"


def encode_mask(mask: NDArray[np.bool_]) -> tuple[int, ...]:
    """Return the runs of a mask.

    Parameters
    ----------
    mask : ndarray of shape (n_row, n_column), bool
        Pixels of the object within its box.

    Returns
    -------
    tuple of int
        Lengths, row after row; the first is of pixels outside the object and may be 0.
    """
    flat = np.asarray(mask, dtype=bool).ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return tuple([0, *lengths] if flat.size and flat[0] else lengths)


def decode_mask(box: TruthBox) -> NDArray[np.bool_] | None:
    """Return the mask of an object.

    Parameters
    ----------
    box : TruthBox
        The object.

    Returns
    -------
    ndarray of shape (row1 - row0, col1 - col0), bool, or None
        None for the whole box.

    Raises
    ------
    ValueError
        If the runs do not fill the box, or hold no pixel.
    """
    if not box.mask:
        return None
    shape = (box.row1 - box.row0, box.col1 - box.col0)
    ends = list(accumulate(box.mask))
    if min(box.mask) < 0 or ends[-1] != shape[0] * shape[1]:
        raise ValueError(f"runs of {ends[-1]} pixels in a box of {shape[0]} x {shape[1]}")
    flat = np.zeros(ends[-1], dtype=bool)
    for start, end in zip(ends[0::2], ends[1::2], strict=False):
        flat[start:end] = True
    if not flat.any():
        raise ValueError("a mask without a pixel")
    return flat.reshape(shape)


def with_truths(
    root: Path, samples: list[Sample], known_ids: set[str], problems: list[Problem]
) -> tuple[list[Sample], str]:
    """Return samples with the objects that ``truth.json`` gives for them.

    Parameters
    ----------
    root : Path
        Folder of the data set.
    samples : list of Sample
        Its samples.
    known_ids : set of str
        Every id of the labels, also of rows that cannot be scored.
    problems : list of Problem
        What does not fit is added here.

    Returns
    -------
    samples : list of Sample
        In the same order. A picture that the file does not name keeps None: not known.
    sha256 : str
        Hash of the file; "" without one.

    Raises
    ------
    FormatError
        If the file is there and is no JSON object of lists.
    """
    path = root / TRUTH
    if not path.is_file():
        return samples, ""
    data = path.read_bytes()
    try:
        found = msgspec.json.decode(data, type=dict[str, list[msgspec.Raw]])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"{TRUTH}: {error}", value=str(path)) from None
    problems.extend(
        Problem(
            kind="truth without sample", where=TRUTH, text=f"{name} is in {TRUTH} and in no row of the labels"
        )
        for name in found
        if name not in known_ids
    )
    return [_with_boxes(sample, found.get(sample.id), problems) for sample in samples], sha256_hex(data)


def write_truths(folder: str | Path, truths: dict[str, list[TruthBox]]) -> Path:
    """Write ``truth.json``.

    Parameters
    ----------
    folder : path-like
        Of the data set.
    truths : dict of str to list of TruthBox
        By sample id; an empty list says that nothing is there.

    Returns
    -------
    Path
        The file.
    """
    path = Path(folder) / TRUTH
    write_whole(path, msgspec.json.encode(truths) + b"\n")
    return path


def _with_boxes(sample: Sample, raw: list[msgspec.Raw] | None, problems: list[Problem]) -> Sample:
    if raw is None:
        return sample
    boxes = []
    for number, item in enumerate(raw):
        try:
            box = msgspec.json.decode(item, type=TruthBox)
            _check(box)
        except (ValueError, msgspec.DecodeError) as error:
            text = f"{sample.id}, object {number}: {error}"
            problems.append(Problem(kind="invalid value", where=TRUTH, text=text))
            return sample  # a picture with half of its objects would call the others false alarms
        boxes.append(box)
    return msgspec.structs.replace(sample, boxes=tuple(boxes))


def _check(box: TruthBox) -> None:
    if not (0 <= box.row0 < box.row1 and 0 <= box.col0 < box.col1):
        raise ValueError(f"box rows {box.row0}:{box.row1}, columns {box.col0}:{box.col1} is none")
    if not 0.0 <= box.visible <= 1.0:
        raise ValueError(f"visible {box.visible!r} is no share")
    decode_mask(box)

"""``truth.json`` of a set that ``screening simulate radiographs`` wrote: where objects stand on its pictures.

The set's own truth files hold far more. This takes from them what the evaluation of a data set asks for, so
that candidates of any detector are scored on a simulated set as on an injected one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.errors import FormatError
from screening.evaluate.dataset import read_dataset
from screening.evaluate.samples import TruthBox
from screening.evaluate.truths import encode_mask, write_truths

__all__ = ["write_set_truths"]

#: Kinds of object that are asked for; look-alikes are innocent, and are to be ignored.
ASKED, IGNORED = frozenset(("threat", "person", "stash")), frozenset(("lookalike",))


def write_set_truths(folder: str | Path) -> Path:
    """Write ``truth.json`` beside the labels of a simulated set.

    Parameters
    ----------
    folder : path-like
        What ``screening simulate radiographs`` wrote. With ``--maps`` objects get their pixels, else their
        windows.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FormatError
        If a picture of the labels has no truth file, or the file cannot be read.
    """
    root = Path(folder)
    truths: dict[str, list[TruthBox]] = {}
    for sample in read_dataset(root).samples:
        path = (root / sample.path).with_suffix(".json")
        try:
            said: dict[str, Any] = msgspec.json.decode(path.read_bytes())
        except OSError as error:
            raise FormatError(f"{path.name}: {error.strerror or error}", value=str(path)) from None
        except msgspec.DecodeError as error:
            raise FormatError(f"{path.name}: {error}", value=str(path)) from None
        truths[sample.id] = _boxes(said, path.with_suffix(".npz"))
    return write_truths(root, truths)


def _boxes(said: dict[str, Any], maps: Path) -> list[TruthBox]:
    index: NDArray[np.uint8] | None = None
    injected: NDArray[np.bool_] | None = None
    if maps.is_file():
        with np.load(maps) as planes:
            index = planes["object_index"]
            injected = planes.get("injected_mask")
    found = []
    for number, one in enumerate(said.get("objects", [])):
        mask = None if index is None else index == number + 1
        found.append(_box(one, mask))
    if said.get("injected"):
        found.append(_box(said["injected"], injected))
    return [box for box in found if box is not None]


def _box(one: dict[str, Any], mask: NDArray[np.bool_] | None) -> TruthBox | None:
    """Return one object; None for what is neither asked for nor to be ignored, or holds no pixel."""
    if one["kind"] not in ASKED | IGNORED:
        return None
    row0, col0, row1, col1 = (int(one[name]) for name in ("row0", "col0", "row1", "col1"))
    runs: tuple[int, ...] = ()
    if mask is not None:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not rows.size:
            return None
        row0, row1, col0, col1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        runs = encode_mask(mask[row0:row1, col0:col1])
    elif not one["n_pixel"]:
        return None
    return TruthBox(
        row0=row0,
        col0=col0,
        row1=row1,
        col1=col1,
        kind=_family(one),
        visible=float(one.get("visible_share", 1.0)),
        peak_g_cm2=round(float(one["peak_g_cm2"]), 3),
        background_g_cm2=round(float(one["behind_g_cm2"]), 3) if "behind_g_cm2" in one else None,
        mass_kg=round(float(one["mass_in_picture_kg"]), 3) if "mass_in_picture_kg" in one else None,
        mask=runs,
        is_ignored=one["kind"] in IGNORED,
    )


def _family(one: dict[str, Any]) -> str:
    from screening.simulation.radiographs.lookalikes import LOOKALIKES
    from screening.simulation.radiographs.threats import THREATS

    known = THREATS.get(one["label"]) or LOOKALIKES.get(one["label"])
    return known.family if known else str(one["kind"])

"""Check what a detector answers before anything is counted.

A detector of a third party may return anything. What is not an answer is named and turned into UNKNOWN: it
is never read as "no alarm", and never used in part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np

from screening.evaluate.identification import load_correspondence
from screening.records import Level, Radiograph, ReasonCode, Scan

from .answer import Candidate, DetectorAnswer

__all__ = ["Checked", "Fault", "checked_answer", "described", "no_answer", "storable"]

_FLAGS = ("alarm", "is_loaded", "has_dense", "is_shielded", "has_threat")
#: Scores and measurements with the range in which they mean something.
_NUMBERS: dict[str, tuple[float, float]] = {
    "alarm_score": (-math.inf, math.inf),
    "load_score": (-math.inf, math.inf),
    "threat_score": (-math.inf, math.inf),
    "alarm_time_s": (0.0, math.inf),
    "cargo_mass_kg": (0.0, math.inf),
    "hideable_fraction": (0.0, 1.0),
}
_CORNERS = ("row0", "col0", "row1", "col1")


class Fault(NamedTuple):
    """What is wrong with an answer.

    Attributes
    ----------
    kind : str
        Its class: "wrong type", "wrong shape", "not a number", "out of range", "outside the picture",
        "unknown label".
    text : str
        One line for a person.
    is_answer_kept : bool
        The answer is scored all the same: a label that nobody knows counts as one that is outside every
        truth, so it cannot help.
    """

    kind: str
    text: str
    is_answer_kept: bool = False


class Checked(NamedTuple):
    """An answer that can be counted.

    Attributes
    ----------
    answer : DetectorAnswer or None
        The answer; UNKNOWN after a fault, None where the detector does not serve the scan.
    fault : Fault or None
        What was wrong.
    """

    answer: DetectorAnswer | None
    fault: Fault | None = None


class _FaultError(Exception):
    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.fault = Fault(kind, text)


def no_answer(code: str = ReasonCode.MODEL_ERROR.value) -> DetectorAnswer:
    """Return the answer of a detector that gave none.

    Parameters
    ----------
    code : str
        Reason code.

    Returns
    -------
    DetectorAnswer
        UNKNOWN.
    """
    return DetectorAnswer(level=Level.UNKNOWN, codes=(code,))


def storable(text: str) -> str:
    """Return text as UTF-8 can hold it.

    Parameters
    ----------
    text : str
        From outside; may hold halves of surrogate pairs, as names of files that are not UTF-8 do.

    Returns
    -------
    str
        With a question mark in place of each.
    """
    return text.encode("utf-8", "replace").decode()


def described(error: BaseException) -> str:
    """Return what an error of somebody else's code says, in one line.

    Parameters
    ----------
    error : BaseException
        The error; it may even fail to say what it is.

    Returns
    -------
    str
        Its class, and its first line.
    """
    try:
        said = str(error)
    except Exception:
        said = "it cannot say why"
    return storable(f"{type(error).__name__}: {said}".splitlines()[0])


def checked_answer(answer: Any, scan: Scan) -> Checked:
    """Return an answer that can be counted.

    Parameters
    ----------
    answer : object
        What the detector returned.
    scan : Scan
        What it was asked about.

    Returns
    -------
    Checked
        The answer with plain numbers in place of NumPy scalars, or UNKNOWN with what was wrong.
    """
    if answer is None:
        return Checked(None)
    try:
        found = _plain(answer, scan)
    except _FaultError as error:
        return Checked(no_answer(), error.fault)
    except Exception as error:  # numbers too large for a float, objects that cannot be shown or iterated
        return Checked(no_answer(), Fault("wrong type", f"the answer cannot be read: {described(error)}"))
    named = {*(found.nuclides or ()), *(found.prediction_set or ()), *(found.confidences or ())}
    table = load_correspondence()
    unknown = sorted(label for label in named if not table.knows(label))
    if unknown:
        return Checked(found, Fault("unknown label", f"no label {', '.join(unknown)} here", True))
    return Checked(found)


def _plain(answer: Any, scan: Scan) -> DetectorAnswer:
    if not isinstance(answer, DetectorAnswer):
        raise _FaultError("wrong type", f"a DetectorAnswer or None is due, got {type(answer).__name__}")
    fields: dict[str, Any] = {"level": _level(answer.level), "codes": _labels("codes", answer.codes)}
    for name in _FLAGS:
        fields[name] = _flag(name, getattr(answer, name))
    for name, (low, high) in _NUMBERS.items():
        fields[name] = _number(name, getattr(answer, name), low, high)
    for name in ("nuclides", "prediction_set"):
        value = getattr(answer, name)
        fields[name] = None if value is None else _labels(name, value)
    fields["confidences"] = _confidences(answer.confidences)
    fields["candidates"] = _candidates(answer.candidates, scan)
    return DetectorAnswer(**fields)


def _level(value: Any) -> Level:
    try:
        return Level(value)
    except ValueError:
        kind = "wrong type" if not isinstance(value, str) else "out of range"
        raise _FaultError(kind, f"level {value!r} is none of {', '.join(Level)}") from None


def _scalar(name: str, value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if value.ndim:
            raise _FaultError("wrong shape", f"{name} is one value, got an array of shape {value.shape}")
        return value.item()
    return value.item() if isinstance(value, np.generic) else value


def _flag(name: str, value: Any) -> bool | None:
    found = _scalar(name, value)
    if found is None or isinstance(found, bool):
        return found
    raise _FaultError("wrong type", f"{name} is True, False or None, got {_shown(found)}")


def _number(name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> float | None:
    found = _scalar(name, value)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise _FaultError("wrong type", f"{name} is a number or None, got {_shown(found)}")
    if not math.isfinite(found):
        raise _FaultError("not a number", f"{name} is {found}")
    if not low <= found <= high:
        raise _FaultError("out of range", f"{name} is {found:g}, not within {low:g} to {high:g}")
    return float(found)


def _labels(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, tuple | list | set | frozenset):
        raise _FaultError("wrong type", f"{name} is a tuple of labels, got {_shown(value)}")
    wrong = [item for item in value if not _is_label(item)]
    if wrong:
        raise _FaultError("wrong type", f"{name} holds {_shown(wrong[0])}, which is no label")
    ordered = sorted(value) if isinstance(value, set | frozenset) else value
    return tuple(dict.fromkeys(str(item) for item in ordered))


def _is_label(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and storable(value) == value


def _confidences(value: Any) -> dict[str, float] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise _FaultError("wrong type", f"confidences is a mapping or None, got {_shown(value)}")
    found = {}
    for label, confidence in value.items():
        if not _is_label(label):
            raise _FaultError("wrong type", f"confidences holds {_shown(label)}, which is no label")
        number = _number(f"confidence of {label}", confidence, 0.0, 1.0)
        if number is None:
            raise _FaultError("wrong type", f"confidence of {label} is None")
        found[label] = number
    return found


def _candidates(value: Any, scan: Scan) -> tuple[Candidate, ...] | None:
    if value is None:
        return None
    if not isinstance(value, tuple | list):
        raise _FaultError("wrong type", f"candidates is a tuple or None, got {_shown(value)}")
    return tuple(_candidate(f"candidate {i}", item, scan) for i, item in enumerate(value))


def _candidate(name: str, item: Any, scan: Scan) -> Candidate:
    if not isinstance(item, Candidate):
        raise _FaultError("wrong type", f"{name} is {_shown(item)}, not a Candidate")
    corners = {}
    for corner in (*_CORNERS, "view"):
        found = _scalar(f"{corner} of {name}", getattr(item, corner))
        if isinstance(found, bool) or not isinstance(found, int | float) or found != found // 1:
            raise _FaultError("wrong type", f"{corner} of {name} is a whole number, got {_shown(found)}")
        corners[corner] = int(found)
    score = _number(f"score of {name}", item.score)
    if score is None or not isinstance(item.kind, str) or storable(item.kind) != item.kind:
        raise _FaultError("wrong type", f"{name} needs a score and a class")
    box = f"rows {corners['row0']}:{corners['row1']}, columns {corners['col0']}:{corners['col1']}"
    payload = scan.payload
    if not isinstance(payload, Radiograph):
        raise _FaultError("outside the picture", f"{name}, {box}: the scan has no picture")
    n_row, n_column = payload.raw.shape[:2]
    if corners["row0"] >= corners["row1"] or corners["col0"] >= corners["col1"]:
        raise _FaultError("wrong shape", f"{name}, {box}: the box is empty")
    is_inside = corners["row0"] >= 0 and corners["row1"] <= n_row
    if not is_inside or corners["col0"] < 0 or corners["col1"] > n_column or corners["view"] != 0:
        raise _FaultError(
            "outside the picture", f"{name}, view {corners['view']}, {box}: picture of {n_row} x {n_column}"
        )
    return msgspec.structs.replace(item, score=score, **corners)


def _shown(value: Any) -> str:
    text = repr(value).splitlines()[0] if repr(value) else type(value).__name__
    return text if len(text) <= 60 else f"{text[:57]}..."

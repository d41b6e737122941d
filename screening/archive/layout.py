"""Where things are in an archive, and how a scan becomes a tree of arrays and one record.

History of the format, kept in ``docs/formats.md``: version 1, the first.
"""

from __future__ import annotations

import json
from typing import Any, get_args, get_type_hints

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.errors import FormatError
from screening.records import (
    Background,
    InputRef,
    LineCalibration,
    Occupancy,
    Radiograph,
    Scan,
    ScanIdentity,
    ScanNote,
)

__all__ = ["ARCHIVE_VERSION", "VERSION_ATTRIBUTE", "record_and_arrays", "scan_from"]

ARCHIVE_VERSION = 1

VERSION_ATTRIBUTE = "screening_archive_version"
"""Attribute of the root group; without it a file is not one of ours."""

_STRUCTS: dict[str, type[msgspec.Struct]] = {
    kind.__name__: kind for kind in (Background, LineCalibration, Occupancy, Radiograph)
}

PLANES = "energy,row,column"
"""Order in which `raw` is stored: one picture after the other, so that viewers open a picture."""


def record_and_arrays(scan: Scan) -> tuple[str, dict[str, NDArray[Any]]]:
    """Return everything of a scan as one JSON text and named arrays.

    Parameters
    ----------
    scan : Scan
        The scan.

    Returns
    -------
    record : str
        JSON; where a value is an array it names the array.
    arrays : dict of str to ndarray
        Arrays by path ("gamma_counts", "background/spectra", ...).
    """
    arrays: dict[str, NDArray[Any]] = {}
    record = {
        "identity": msgspec.to_builtins(scan.identity),
        "payload": _encoded(scan.payload, "", arrays),
        "inputs": msgspec.to_builtins(scan.inputs),
        "notes": msgspec.to_builtins(scan.notes),
    }
    return json.dumps(record, ensure_ascii=False, sort_keys=True), arrays


def _encoded(struct: msgspec.Struct, prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    body: dict[str, Any] = {"$struct": type(struct).__name__}
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        if isinstance(value, np.ndarray):
            path = f"{prefix}{name}"
            if isinstance(struct, Radiograph) and name == "raw":
                body[name] = {"$array": path, "order": PLANES}
                arrays[path] = value.transpose(2, 0, 1)
            else:
                body[name] = {"$array": path}
                arrays[path] = value
        elif type(value).__name__ in _STRUCTS:
            body[name] = _encoded(value, f"{prefix}{name}/", arrays)
        else:
            body[name] = msgspec.to_builtins(value)
    return body


def scan_from(record: str, arrays: dict[str, NDArray[Any]], *, name: str) -> Scan:
    """Return the scan of a record and its arrays.

    Parameters
    ----------
    record : str
        JSON.
    arrays : dict of str to ndarray
        Arrays by path.
    name : str
        File name, for messages.

    Returns
    -------
    Scan
        As it was written, every field.

    Raises
    ------
    FormatError
        If something is missing, unknown or of the wrong type.
    """
    try:
        body = json.loads(record)
        payload = _decoded(body["payload"], arrays)
        if not isinstance(payload, Occupancy | Radiograph):
            raise ValueError(f"a payload of kind {type(payload).__name__}")
        return Scan(
            identity=msgspec.convert(body["identity"], ScanIdentity),
            payload=payload,
            inputs=msgspec.convert(body["inputs"], tuple[InputRef, ...]),
            notes=msgspec.convert(body["notes"], tuple[ScanNote, ...]),
        )
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise FormatError(f"{name}: the archive's record is damaged: {reason}") from None


def _decoded(body: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> msgspec.Struct:
    kind = _STRUCTS[body["$struct"]]
    hints = get_type_hints(kind)
    fields: dict[str, Any] = {}
    for name, value in body.items():
        if name == "$struct":
            continue
        if name not in hints:
            raise ValueError(f"unknown field {name!r}")
        if isinstance(value, dict) and "$array" in value:
            array = arrays[value["$array"]]
            if array.dtype != _dtype_of(hints[name]):
                raise ValueError(f"{name} has the dtype {array.dtype}")
            fields[name] = array.transpose(1, 2, 0) if value.get("order") == PLANES else array
        elif isinstance(value, dict) and "$struct" in value:
            fields[name] = _decoded(value, arrays)
        else:
            fields[name] = None if value is None else msgspec.convert(value, hints[name])
    return kind(**fields)


def _dtype_of(hint: Any) -> np.dtype[Any] | None:
    """Return the dtype that a field's annotation names: NDArray[np.int64], or that or None.

    What ``NDArray`` itself is differs between versions of NumPy; the scalar type is somewhere inside.
    """
    if isinstance(hint, type) and issubclass(hint, np.generic):
        return np.dtype(hint)
    found = (_dtype_of(part) for part in get_args(hint))
    return next((dtype for dtype in found if dtype is not None), None)

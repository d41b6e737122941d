"""Where things are in an archive, and how a scan becomes a tree of arrays and one record.

History of the format, kept in ``docs/formats.md``: version 1, the first; version 2, the record holds a
checksum of the arrays.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
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

__all__ = [
    "ARCHIVE_VERSION",
    "CHECKSUM",
    "VERSION_ATTRIBUTE",
    "arrays_sha256",
    "record_and_arrays",
    "require_input",
    "scan_from",
]

ARCHIVE_VERSION = 2

VERSION_ATTRIBUTE = "screening_archive_version"
"""Attribute of the root group; without it a file is not one of ours."""

CHECKSUM = "arrays_sha256"
"""Key of the record, and attribute of the products, that holds :func:`arrays_sha256`."""

_STRUCTS: dict[str, type[msgspec.Struct]] = {
    kind.__name__: kind for kind in (Background, LineCalibration, Occupancy, Radiograph)
}

PLANES = "energy,row,column"
"""Order in which `raw` is stored: one picture after the other, so that viewers open a picture."""

_NO_CHECKSUM = "an archive of version 1: its arrays carry no checksum"
_RECORD_KEY = "record_sha256"


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
    record[CHECKSUM] = arrays_sha256(arrays)
    record[_RECORD_KEY] = _record_sha256(record)
    return _text(record), arrays


def arrays_sha256(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the checksum over all arrays of an archive.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Arrays by path, as they are stored.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits, of each array in the order of the paths: a line of JSON with
        path, dtype (as NumPy writes it, little-endian) and shape, and the bytes in C order.
    """
    digest = hashlib.sha256()
    for path in sorted(arrays):
        array = np.ascontiguousarray(arrays[path])
        if array.dtype.byteorder == ">" or (array.dtype.byteorder == "=" and sys.byteorder == "big"):
            array = array.astype(array.dtype.newbyteorder("<"))
        head = json.dumps([path, array.dtype.newbyteorder("<").str, list(arrays[path].shape)])
        digest.update(head.encode("utf-8") + b"\n")
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def require_input(original_sha256: str, inputs_sha256: Iterable[str]) -> None:
    """Refuse original bytes that are none of the inputs a scan names.

    Parameters
    ----------
    original_sha256 : str
        Hash of the bytes.
    inputs_sha256 : iterable of str
        Hashes of the scan's inputs; with none nothing can be said.

    Raises
    ------
    FormatError
        If it is not among them.
    """
    known = set(inputs_sha256)
    if known and original_sha256 not in known:
        raise FormatError("the original bytes are none of the scan's inputs", value=original_sha256)


def _text(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, sort_keys=True)


def _record_sha256(record: dict[str, Any]) -> str:
    body = {key: value for key, value in record.items() if key != _RECORD_KEY}
    return hashlib.sha256(_text(body).encode("utf-8", "surrogatepass")).hexdigest()


def _encoded(struct: msgspec.Struct, prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    body: dict[str, Any] = {"$struct": type(struct).__name__}
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        if isinstance(value, np.ndarray):
            path = f"{prefix}{name}"
            if isinstance(struct, Radiograph) and name == "raw":
                body[name] = {"$array": path, "order": PLANES}
                arrays[path] = np.ascontiguousarray(value.transpose(2, 0, 1))
            else:
                body[name] = {"$array": path}
                arrays[path] = value
        elif type(value).__name__ in _STRUCTS:
            body[name] = _encoded(value, f"{prefix}{name}/", arrays)
        else:
            body[name] = msgspec.to_builtins(value)
    return body


def scan_from(
    record: str, arrays: dict[str, NDArray[Any]], *, name: str, version: int = ARCHIVE_VERSION
) -> Scan:
    """Return the scan of a record and its arrays.

    Parameters
    ----------
    record : str
        JSON.
    arrays : dict of str to ndarray
        Arrays by path.
    name : str
        File name, for messages.
    version : int
        Of the archive. Version 1 had no checksums: its scans get a note that says so.

    Returns
    -------
    Scan
        As it was written, every field.

    Raises
    ------
    FormatError
        If something is missing, unknown or of the wrong type, or is not what was written.
    """
    try:
        body = json.loads(record)
        notes = msgspec.convert(body["notes"], tuple[ScanNote, ...])
        # A version damaged to 1 must not switch the check off.
        if version == 1 and _RECORD_KEY not in body:
            notes = (*notes, ScanNote(text=_NO_CHECKSUM))
        elif body[_RECORD_KEY] != _record_sha256(body):
            raise FormatError(f"{name}: the archive's record is not the one that was written")
        elif body[CHECKSUM] != arrays_sha256(arrays):
            raise FormatError(f"{name}: the archive's arrays are not those that were written")
        payload = _decoded(body["payload"], arrays)
        if not isinstance(payload, Occupancy | Radiograph):
            raise ValueError(f"a payload of kind {type(payload).__name__}")
        return Scan(
            identity=msgspec.convert(body["identity"], ScanIdentity),
            payload=payload,
            inputs=msgspec.convert(body["inputs"], tuple[InputRef, ...]),
            notes=notes,
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

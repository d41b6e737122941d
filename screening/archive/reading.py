"""Read archives; nothing in a file can make the reader open another one."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from screening.errors import FormatError, IntegrityError, ResourceLimitError
from screening.isolation import run_isolated
from screening.records import Scan, sha256_hex

from .layout import ARCHIVE_VERSION, CHECKSUM, VERSION_ATTRIBUTE, arrays_sha256, require_input, scan_from

__all__ = [
    "parse_archive",
    "read_original",
    "read_products",
    "read_scan",
    "read_untrusted",
]

MAX_ARRAY_BYTES = 4 << 30
"""Limit on the arrays of one archive, bytes after decompression."""

_MAX_OBJECTS = 10_000
_ISOLATED_TIME_S = 120.0
_ISOLATED_MEMORY_BYTES = 4 << 30


def read_scan(path: str | Path) -> Scan:
    """Return the scan of one of our own archives, in this process.

    Files of unknown origin go through :func:`screening.sources.open_scan`, which reads them in isolation.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Scan
        As it was written.

    Raises
    ------
    FormatError
        If it is not a screening archive, is of a newer version, or is damaged: its arrays
        and its record must have the checksums they were written with.
    """
    path = Path(path)
    found = _parsed(_read(path), path.name, parts=("scan",))
    return scan_from(found["record"], found["arrays"], name=path.name, version=found["version"])


def read_untrusted(data: bytes, *, name: str) -> Scan:
    """Return the scan of an archive of unknown origin; HDF5 runs in an isolated process.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name.

    Returns
    -------
    Scan
        As it was written.

    Raises
    ------
    FormatError
        As :func:`read_scan`; also if the parser crashes or exceeds its limits.
    """
    found = run_isolated(
        "screening.archive.reading:parse_archive",
        data,
        name=name,
        time_s=_ISOLATED_TIME_S,
        memory_bytes=_ISOLATED_MEMORY_BYTES,
    )
    return scan_from(found["record"], found["arrays"], name=name, version=found["version"])


def read_original(path: str | Path) -> bytes | None:
    """Return the original bytes that an archive holds.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    bytes or None
        None if they are kept elsewhere.

    Raises
    ------
    FormatError
        If it is not a screening archive, or they are none of the inputs its record names.
    IntegrityError
        If the bytes are not those of the recorded hash.
    """
    path = Path(path)
    found = _parsed(_read(path), path.name, parts=("original",))
    original = found.get("original")
    if original is None:
        return None
    data = original.tobytes()
    if sha256_hex(data) != found["sha256"]:
        raise IntegrityError(f"{path.name}: the original bytes do not have the recorded hash")
    return bytes(data)


def read_products(path: str | Path) -> dict[str, NDArray[Any]]:
    """Return the products in an archive or a file of products.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    dict of str to ndarray
        By name; empty if there are none.

    Raises
    ------
    FormatError
        If it is not a file of ours, or they are not what was written.
    """
    path = Path(path)
    products: dict[str, NDArray[Any]] = _parsed(_read(path), path.name, parts=("products",))["products"]
    return products


def parse_archive(data: bytes) -> dict[str, Any]:
    """Return an archive's record and arrays; runs in the isolated process.

    Parameters
    ----------
    data : bytes
        The file.

    Returns
    -------
    dict
        "version", "record" and "arrays".

    Raises
    ------
    FormatError
        If it is not a screening archive.
    """
    return _parsed(data, "", parts=("scan",))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path.name}: {error.strerror or error}") from None


def _parsed(data: bytes, name: str, *, parts: tuple[str, ...]) -> dict[str, Any]:
    prefix = f"{name}: " if name else ""
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            return _tree(file, parts)
    except FormatError as error:
        raise type(error)(f"{prefix}{error}", value=error.value) from None
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
        raise FormatError(f"{prefix}not a readable screening archive: {reason}") from None


def _tree(file: h5py.File, parts: tuple[str, ...]) -> dict[str, Any]:
    version = file.attrs.get(VERSION_ATTRIBUTE)
    if version is None:
        raise FormatError("not a screening archive: an HDF5 file of another kind")
    version = int(version)
    if version < 1:
        raise FormatError(f"archive version {version}: there is none below 1")
    if version > ARCHIVE_VERSION:
        raise FormatError(f"archive version {version} is newer than this program reads ({ARCHIVE_VERSION})")
    _refuse_links(file)
    entry = file["entry"]
    found: dict[str, Any] = {"version": version}
    if "scan" in parts:
        if "record" not in entry:
            raise FormatError("not a scan archive: it holds analysis products only")
        found["record"] = _text(entry["record"])
        found["arrays"] = _arrays(entry["measurement"])
    if "original" in parts and "original" in entry:
        found["original"] = entry["original"]["data"][()]
        found["sha256"] = _text(entry["original"]["sha256"])
        if version > 1:
            inputs = json.loads(_text(entry["record"]))["inputs"]
            require_input(found["sha256"], [item["sha256"] for item in inputs])
    if "products" in parts:
        found["products"] = _arrays(entry["products"]) if "products" in entry else {}
        written = entry["products"].attrs.get(CHECKSUM) if "products" in entry else None
        is_due = written is not None or (version > 1 and bool(found["products"]))
        if is_due and written != arrays_sha256(found["products"]):
            raise FormatError("the archive's products are not those that were written")
    return found


def _text(dataset: h5py.Dataset) -> str:
    value = dataset[()]
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _arrays(group: h5py.Group) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for key in group:
        item = group[key]
        if isinstance(item, h5py.Group):
            for inner, array in _arrays(item).items():
                found[f"{key}/{inner}"] = array
        else:
            found[key] = np.asarray(item[()])
    return found


def _refuse_links(file: h5py.File) -> None:
    """Refuse soft and external links, external and virtual storage, odd filters, and too much of anything."""
    waiting: list[h5py.Group] = [file]
    seen: set[bytes] = set()
    n_bytes = 0
    while waiting:
        group = waiting.pop()
        for key in group:
            link = group.get(key, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise FormatError(f"links to elsewhere are refused ({group.name}/{key})", value=key)
            item = group[key]
            token = bytes(h5py.h5o.get_info(item.id).addr.to_bytes(8, "little"))
            if token in seen:
                continue
            seen.add(token)
            if len(seen) > _MAX_OBJECTS:
                raise ResourceLimitError(f"more than {_MAX_OBJECTS} objects")
            if isinstance(item, h5py.Group):
                waiting.append(item)
            elif isinstance(item, h5py.Dataset):
                n_bytes += _checked_size(item)
            else:
                raise FormatError(f"{key} is neither a group nor a dataset", value=key)
    if n_bytes > MAX_ARRAY_BYTES:
        raise ResourceLimitError(f"{n_bytes} bytes of arrays, the limit is {MAX_ARRAY_BYTES}", value=n_bytes)


def _checked_size(dataset: h5py.Dataset) -> int:
    if dataset.external or dataset.is_virtual:
        raise FormatError(f"the data of {dataset.name} lie in another file: refused", value=dataset.name)
    if dataset.compression not in (None, "gzip"):
        raise FormatError(f"{dataset.name} uses the filter {dataset.compression}, which is not read")
    if dataset.dtype.kind not in "biuf" and h5py.check_string_dtype(dataset.dtype) is None:
        raise FormatError(f"{dataset.name} has the dtype {dataset.dtype}, which is not read")
    return int(dataset.nbytes)

"""Write archives: in memory first, then to the disk in one step that either happened or did not."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from screening.errors import FormatError, StoreError
from screening.records import Occupancy, Scan, sha256_hex, utc_string

from .layout import (
    ARCHIVE_VERSION,
    CHECKSUM,
    VERSION_ATTRIBUTE,
    arrays_sha256,
    record_and_arrays,
    require_input,
)

__all__ = ["archive_bytes", "products_bytes", "write_products", "write_scan"]

_COMPRESS_FROM = 1 << 14
_PRODUCT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.+-]{0,63}(/[A-Za-z0-9][A-Za-z0-9_.+-]{0,63})?")


def write_scan(
    path: str | Path,
    scan: Scan,
    *,
    original: bytes | None = None,
    products: Mapping[str, NDArray[Any]] | None = None,
) -> None:
    """Write one scan to an archive file.

    The file is complete on disk under its name when this returns, or it is not there at all.

    Parameters
    ----------
    path : str or Path
        The file, by custom ``<scan_id>.h5``; an existing one is replaced.
    scan : Scan
        The scan.
    original : bytes or None
        The bytes it was read from; None if they are kept elsewhere (the scan's inputs hold their hash).
    products : mapping of str to ndarray, optional
        Maps and spectra of an analysis.

    Raises
    ------
    StoreError
        If the disk refuses; nothing is left behind.
    FormatError
        If `original` is none of the scan's inputs, or a product cannot be stored.
    """
    _write(Path(path), archive_bytes(scan, original=original, products=products))


def write_products(path: str | Path, scan_id: str, products: Mapping[str, NDArray[Any]]) -> None:
    """Write the maps and spectra behind an answer to a file of their own.

    Parameters
    ----------
    path : str or Path
        The file.
    scan_id : str
        The scan they belong to.
    products : mapping of str to ndarray
        By name.

    Raises
    ------
    StoreError
        If the disk refuses.
    FormatError
        If a name or a dtype cannot be stored.
    """
    _write(Path(path), products_bytes(scan_id, products))


def archive_bytes(
    scan: Scan,
    *,
    original: bytes | None = None,
    products: Mapping[str, NDArray[Any]] | None = None,
) -> bytes:
    """Return an archive as bytes; the same scan gives the same bytes.

    Parameters
    ----------
    scan : Scan
        The scan.
    original : bytes or None
        The bytes it was read from.
    products : mapping of str to ndarray, optional
        Maps and spectra of an analysis.

    Returns
    -------
    bytes
        An HDF5 file.

    Raises
    ------
    FormatError
        If `original` is none of the scan's inputs, or a product cannot be stored.
    """
    if original is not None:
        require_input(sha256_hex(original), (item.sha256 for item in scan.inputs))

    def _fill(entry: h5py.Group) -> None:
        record, arrays = record_and_arrays(scan)
        identity = scan.identity
        entry["title"] = f"{scan.modality} scan"
        entry["entry_identifier"] = identity.scan_id
        for name, time in (("start_time", identity.t_start_utc), ("end_time", identity.t_end_utc)):
            if time is not None:
                entry[name] = utc_string(time)
        instrument = _group(entry, "instrument", "NXinstrument")
        device = identity.device
        instrument["name"] = " ".join(item for item in (device.make, device.model) if item) or "unknown"
        entry["record"] = record
        measurement = _group(entry, "measurement", "NXcollection")
        for name, array in arrays.items():
            _dataset(measurement, name, array)
        _views(entry, measurement, scan)
        if original is not None:
            note = _group(entry, "original", "NXnote")
            note["type"] = "application/octet-stream"
            if scan.inputs:
                note["file_name"] = scan.inputs[0].uri
            note["sha256"] = sha256_hex(original)
            _dataset(note, "data", np.frombuffer(original, dtype=np.uint8))
        if products:
            _products(entry, products)

    return _file(_fill)


def products_bytes(scan_id: str, products: Mapping[str, NDArray[Any]]) -> bytes:
    """Return a file of products as bytes.

    Parameters
    ----------
    scan_id : str
        The scan they belong to.
    products : mapping of str to ndarray
        By name.

    Returns
    -------
    bytes
        An HDF5 file.
    """

    def _fill(entry: h5py.Group) -> None:
        entry["title"] = "analysis products"
        entry["entry_identifier"] = scan_id
        _products(entry, products)
        pictures = [name for name, array in products.items() if array.ndim == 2]
        first = pictures[0] if pictures else next(iter(products), None)
        if first is not None:
            data = _group(entry, "data", "NXdata")
            data.attrs["signal"] = first
            data[first] = entry["products"][first]
            entry.attrs["default"] = "data"

    return _file(_fill)


def _file(fill: Callable[[h5py.Group], None]) -> bytes:
    # HDF5 writes to memory: on a full disk its own driver can crash the process when it exits.
    with h5py.File("archive", "w", driver="core", backing_store=False, libver=("v110", "v110")) as file:
        file.attrs["NX_class"] = "NXroot"
        file.attrs["default"] = "entry"
        file.attrs["creator"] = "screening"
        file.attrs[VERSION_ATTRIBUTE] = ARCHIVE_VERSION
        fill(_group(file, "entry", "NXentry"))
        file.flush()
        image: bytes = file.id.get_file_image()
    return image


def _group(parent: h5py.Group, name: str, kind: str) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["NX_class"] = kind
    return group


def _dataset(parent: h5py.Group, name: str, array: NDArray[Any]) -> None:
    options: dict[str, Any] = {}
    if array.nbytes >= _COMPRESS_FROM:
        options = {"compression": "gzip", "compression_opts": 1, "shuffle": array.dtype.itemsize > 1}
        options["chunks"] = _chunks(array)
    parent.create_dataset(name, data=np.ascontiguousarray(array), **options)


def _chunks(array: NDArray[Any]) -> tuple[int, ...]:
    """Return chunks of about a quarter megabyte that keep the last axes whole."""
    chunks, left = [1] * array.ndim, max(1, (1 << 18) // array.dtype.itemsize)
    for axis in range(array.ndim - 1, -1, -1):
        chunks[axis] = min(array.shape[axis], left)
        left = max(1, left // chunks[axis])
    return tuple(chunks)


def _views(entry: h5py.Group, measurement: h5py.Group, scan: Scan) -> None:
    """Add NXdata groups, by hard links, so that common viewers open on the picture or the profile."""
    payload = scan.payload
    if isinstance(payload, Occupancy):
        profile = _group(entry, "profile", "NXdata")
        profile.attrs["signal"] = "gamma_counts"
        profile.attrs["axes"] = ["t_s", "."]
        for name in ("gamma_counts", "t_s"):
            profile[name] = measurement[name]
        measurement["t_s"].attrs["units"] = "s"
        default = "profile"
        if payload.spectra is not None:
            spectra = _group(entry, "spectra", "NXdata")
            spectra.attrs["signal"] = "spectra"
            spectra["spectra"] = measurement["spectra"]
            if payload.energy_edges_kev is not None:
                spectra["energy_edges_kev"] = measurement["energy_edges_kev"]
                measurement["energy_edges_kev"].attrs["units"] = "keV"
            default = "spectra" if payload.kind == "static" else "profile"
    else:
        picture = _group(entry, "picture", "NXdata")
        picture.attrs["signal"] = "raw"
        picture["raw"] = measurement["raw"]
        measurement["raw"].attrs["units"] = "counts"
        measurement["raw"].attrs["energies"] = list(payload.energies)
        default = "picture"
    entry.attrs["default"] = default


def _products(entry: h5py.Group, products: Mapping[str, NDArray[Any]]) -> None:
    group = _group(entry, "products", "NXcollection")
    stored = {name: np.asarray(array) for name, array in products.items()}
    for name, values in stored.items():
        if not _PRODUCT_NAME.fullmatch(name) or values.dtype.kind not in "biuf":
            raise FormatError(f"a product {name!r} of dtype {values.dtype} cannot be stored", value=name)
        _dataset(group, name, values)
    group.attrs[CHECKSUM] = arrays_sha256(stored)


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise StoreError(f"{path.name}: cannot be written: {error.strerror or error}") from None


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened, and the rename is journalled
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

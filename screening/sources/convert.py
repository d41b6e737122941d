"""Convert a scan to another format, if that format can hold all of what was measured."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from screening.archive import read_original, write_scan
from screening.errors import FormatError, StoreError
from screening.formats.n42 import read_n42, write_n42
from screening.formats.raw import read_raw, sidecar_name, sidecar_text
from screening.records import Gap, LineCalibration, Occupancy, Radiograph, Scan

from .opening import open_scan, read_bytes, recognise

__all__ = ["convert"]

# Not what was measured, but how a file came to be.
_NOT_COMPARED = frozenset({"made_at", "sha256", "age_s", "max_age_s", "origin"})


def convert(in_path: str | Path, out_path: str | Path) -> list[Path]:
    """Write the scan of one file to another, by the suffix of its name.

    Raw counts are never changed, and what the target cannot hold is never dropped silently: the
    result is read back and compared before anything is written.

    Parameters
    ----------
    in_path : str or Path
        A file with one scan.
    out_path : str or Path
        ``.h5`` (archive, with the original bytes), ``.n42`` (occupancies and spectra) or ``.npy``
        (radiographs, with a sidecar and files for dark, air, reference and lost columns). No file that
        exists is written over.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    FormatError
        If the input cannot be read, or the target cannot hold the scan; the message names what would
        be lost.
    StoreError
        If the files cannot be written, or one of them exists; nothing is written then.
    """
    source, target = Path(in_path), Path(out_path)
    scan = open_scan(source)
    suffix = target.suffix.lower()
    if suffix == ".h5":
        _require_new([target])
        write_scan(target, scan, original=_original(source))
        return [target]
    if suffix == ".n42":
        if not isinstance(scan.payload, Occupancy):
            raise FormatError(f"{source.name}: a radiograph cannot be written as N42")
        document = write_n42(scan)
        _require_lossless(scan, read_n42(document, name=target.name)[0], source.name, "N42")
        files = {target.name: document}
    elif suffix == ".npy":
        if not isinstance(scan.payload, Radiograph):
            raise FormatError(f"{source.name}: an occupancy cannot be written as a raw array")
        files = _raw_files(scan, scan.payload, target.name)
        back = read_raw(
            files[target.name], files[sidecar_name(target.name)], name=target.name, beside=files.get
        )
        _require_lossless(scan, back, source.name, "a raw array")
    else:
        raise FormatError(f"{target.name}: convert writes .h5, .n42 and .npy", value=suffix)
    return _write_all(files, target.parent)


def _original(source: Path) -> bytes | None:
    """Return the bytes as first received: those an archive keeps, or the file's own."""
    return read_original(source) if recognise(source) == "archive" else read_bytes(source)


def _require_new(paths: list[Path]) -> None:
    """Refuse to write over anything: a measurement cannot be taken again."""
    for path in paths:
        if os.path.lexists(path):
            raise StoreError(f"{path.name}: exists; name another file", value=path.name)


def _write_all(files: dict[str, bytes], folder: Path) -> list[Path]:
    written = [folder / name for name in files]
    _require_new(written)
    try:
        for path, content in zip(written, files.values(), strict=True):
            with path.open("xb") as file:
                file.write(content)
    except OSError as error:
        raise StoreError(f"{written[0].name}: cannot be written: {error.strerror or error}") from None
    return written


def _npy(array: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _raw_files(scan: Scan, payload: Radiograph, name: str) -> dict[str, bytes]:
    stem = Path(name).stem
    files = {name: _npy(np.ascontiguousarray(payload.raw))}
    identity, calibration = scan.identity, payload.calibration
    values: dict[str, Any] = {
        "modality": "radiograph",
        "energies": payload.energies,
        "axes": "row,column,energy",
        "pitch_mm": payload.pitch_mm,
        "saturation": payload.saturation,
        "is_dark_subtracted": payload.is_dark_subtracted,
        "speed_m_s": payload.speed_m_s,
        "motion": payload.motion,
        "container_id": identity.container_id,
        "declared_empty": None if identity.manifest is None else identity.manifest.is_declared_empty,
        "t_start_utc": identity.t_start_utc,
        "t_end_utc": identity.t_end_utc,
        "site": identity.site,
        "lane": identity.lane,
        "operating_mode": identity.operating_mode.value,
    }
    companions: dict[str, Any] = {
        "reference": payload.reference,
        "line_ids": payload.line_ids,
        "line_time_s": payload.line_time_s,
    }
    if payload.is_lost is not None and payload.is_lost.any():
        companions["lost"] = payload.is_lost
    if calibration is not None:
        companions |= {"dark": calibration.dark, "air": calibration.air}
        values |= {
            "electronic_sigma": calibration.electronic_sigma,
            "gain": calibration.gain,
            "scatter_floor": calibration.scatter_floor,
            "calibration_id": calibration.ref.id,
            "calibration_made_at": calibration.ref.made_at,
        }
    for kind, array in companions.items():
        if array is not None:
            values[kind] = f"{stem}.{kind}.npy"
            files[values[kind]] = _npy(array)
    values["device"] = msgspec.to_builtins(identity.device)
    files[sidecar_name(name)] = sidecar_text(values).encode("utf-8")
    return files


def _require_lossless(scan: Scan, back: Scan, name: str, target: str) -> None:
    lost = _differences(scan.payload, back.payload, "")
    if lost:
        raise FormatError(
            f"{name}: {target} cannot hold {', '.join(lost)}; convert to .h5 instead", value=tuple(lost)
        )


def _differences(before: Any, after: Any, where: str) -> list[str]:
    found: list[str] = []
    for name in before.__struct_fields__:
        if name in _NOT_COMPARED:
            continue
        a, b = getattr(before, name), getattr(after, name)
        path = f"{where}{name}"
        if isinstance(a, LineCalibration) and b is None:
            found.append(path)
        elif isinstance(a, msgspec.Struct) and type(a) is type(b):
            found += _differences(a, b, f"{path}.")
        elif isinstance(a, np.ndarray):
            if not _same_array(a, b, name):
                found.append(path)
        elif isinstance(a, tuple) and a and isinstance(a[0], Gap):
            if [(gap.index, gap.n_missing) for gap in a] != [(gap.index, gap.n_missing) for gap in b]:
                found.append(path)
        elif isinstance(a, float) and isinstance(b, float):
            if not np.isclose(a, b, rtol=1e-12, atol=0.0, equal_nan=True):
                found.append(path)
        elif isinstance(b, np.ndarray) or a != b:
            found.append(path)
    return found


def _same_array(a: np.ndarray[Any, Any], b: Any, name: str) -> bool:
    if b is None:
        # A mask without a lost column says nothing that its absence does not.
        return name == "is_lost" and not a.any()
    if a.shape != b.shape:
        return False
    if a.dtype.kind == "f":
        return bool(np.allclose(a, b, rtol=1e-9, atol=0.0, equal_nan=True))
    return bool(np.array_equal(a, b))

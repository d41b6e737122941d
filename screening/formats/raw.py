"""Raw arrays (.npy, 16-bit TIFF) that a TOML sidecar of the same name declares to be a radiograph.

The array holds counts as the detector gave them. Eight-bit pictures and floating-point pictures are
renderings and are refused: they cannot be corrected any more.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from screening.errors import FormatError, ResourceLimitError
from screening.isolation import run_isolated
from screening.records import (
    ClockState,
    Gap,
    InputRef,
    Manifest,
    Radiograph,
    Scan,
    ScanIdentity,
    ScanNote,
    file_scan_id,
    sha256_hex,
)

from .line_calibration import line_calibration
from .sidecar import Sidecar, one_line, parse_sidecar, sidecar_name, sidecar_text

__all__ = ["Sidecar", "parse_tiff", "read_raw", "sidecar_name", "sidecar_text"]

MAX_PIXELS = 1 << 29
"""Limit on the elements of one array."""

_TIFF_TIME_S = 60.0
_TIFF_MEMORY_BYTES = 4 << 30
_MAX_WIDENING = 4
"""Limit on the width with the lost lines over the columns there are: memory stays in step with the file."""

_NPY_MARK = b"\x93NUMPY"


def read_raw(data: bytes, sidecar: bytes | None, *, name: str, beside: Callable[[str], bytes | None]) -> Scan:
    """Return the radiograph in a raw array.

    Parameters
    ----------
    data : bytes
        A .npy file, or a TIFF of 16-bit unsigned pixels.
    sidecar : bytes or None
        TOML; None if there is no such file.
    name : str
        File name of the array.
    beside : callable
        Gives the bytes of a file beside the array by its name, None if there is none.

    Returns
    -------
    Scan
        The radiograph; raw values bit for bit.

    Raises
    ------
    FormatError
        If the sidecar is missing or wrong, a file it names is missing, or the array is not raw counts.
    """
    if sidecar is None:
        raise FormatError(
            f"{name}: a raw array needs the sidecar {sidecar_name(name)} with modality, energies and axes"
        )
    about = parse_sidecar(sidecar, name=sidecar_name(name))
    inputs = [_input("scan", name, data), _input("sidecar", sidecar_name(name), sidecar)]
    raw = _raw(_array(data, name), about, name)
    n_row, n_column, n_energy = raw.shape

    def _companion(kind: str, file: str | None) -> NDArray[Any] | None:
        if file is None:
            return None
        content = beside(file)
        if content is None:
            raise FormatError(f"{name}: the {kind} file {file} named by the sidecar is missing", value=file)
        inputs.append(_input("calibration" if kind in ("dark", "air") else kind, file, content))
        return _array(content, file)

    dark = _by_row(_companion("dark", about.dark), (n_row, n_energy), about, "dark", name)
    air = _by_row(_companion("air", about.air), (n_row, n_energy), about, "air", name)
    reference = _by_column(_companion("reference", about.reference), (n_column, n_energy), "reference", name)
    lost = _by_column(_companion("lost", about.lost), (n_column, n_energy), "lost", name)
    line_ids = _by_column(_companion("line_ids", about.line_ids), (n_column,), "line_ids", name)
    times_s = _by_column(_companion("line_time_s", about.line_time_s), (n_column,), "line_time_s", name)
    calibration, notes = line_calibration(
        dark=dark,
        air=air,
        is_dark_subtracted=about.is_dark_subtracted,
        electronic_sigma=about.electronic_sigma,
        gain=about.gain,
        scatter_floor=about.scatter_floor,
        identifier=about.calibration_id,
        made_at=about.calibration_made_at,
        scan_start_utc=about.t_start_utc,
    )
    is_lost = None if lost is None else lost.astype(bool)
    gaps = () if is_lost is None else _gaps(np.asarray(is_lost.any(axis=1)))
    if line_ids is not None:
        line_ids = _line_numbers(line_ids, name)
        n_whole = _whole_width(line_ids, n_row * n_energy, name)
        if n_whole > n_column:
            # Lines that never came get their place back: a picture is never shorter than the scan was.
            place = line_ids - line_ids[0]
            is_absent = np.ones(n_whole, dtype=bool)
            is_absent[place] = False
            received = np.zeros((n_column, n_energy), dtype=bool) if is_lost is None else is_lost
            is_lost = _spread(received, place, n_whole, fill=True)
            gaps = _gaps(np.asarray(is_lost.any(axis=1)), is_absent)
            raw = _spread(raw.transpose(2, 0, 1), place, n_whole, fill=0, axis=2).transpose(1, 2, 0)
            reference = (
                None if reference is None else _spread(_floats(reference), place, n_whole, fill=np.nan)
            )
            times_s = None if times_s is None else _spread(_floats(times_s), place, n_whole, fill=np.nan)
            line_ids = np.arange(n_whole, dtype=np.int64) + line_ids[0]
            notes.append(ScanNote(text=f"{n_whole - n_column} lines are missing by their line ids"))
    payload = Radiograph(
        raw=raw,
        energies=about.energies,
        calibration=calibration,
        reference=None if reference is None else reference.astype(np.float32),
        is_lost=is_lost,
        line_ids=line_ids,
        line_time_s=None if times_s is None else times_s.astype(np.float64),
        pitch_mm=about.pitch_mm,
        speed_m_s=about.speed_m_s,
        saturation=about.saturation,
        is_dark_subtracted=about.is_dark_subtracted,
        gaps=gaps,
        motion=about.motion,
    )
    if about.air is None:
        notes.append(ScanNote(text="no air file: the air level is estimated from the picture"))
    identity = _identity(about, inputs)
    return Scan(identity=identity, payload=payload, inputs=tuple(inputs), notes=tuple(notes))


def _identity(about: Sidecar, inputs: list[InputRef]) -> ScanIdentity:
    is_declared = about.declared_empty is not None
    return ScanIdentity(
        scan_id=file_scan_id(inputs[0].sha256),
        site=about.site,
        lane=about.lane,
        device=about.device,
        container_id=about.container_id,
        id_source="MANUAL" if about.container_id else None,
        operating_mode=about.operating_mode,
        t_start_utc=about.t_start_utc,
        t_end_utc=about.t_end_utc,
        clock=ClockState(),
        manifest=Manifest(is_declared_empty=about.declared_empty) if is_declared else None,
    )


def _input(kind: str, name: str, data: bytes) -> InputRef:
    return InputRef(kind=kind, uri=name, n_bytes=len(data), sha256=sha256_hex(data))


def _array(data: bytes, name: str) -> NDArray[Any]:
    if data.startswith(_NPY_MARK):
        return _npy(data, name)
    found: NDArray[Any] = run_isolated(
        "screening.formats.raw:parse_tiff",
        data,
        name=name,
        time_s=_TIFF_TIME_S,
        memory_bytes=_TIFF_MEMORY_BYTES,
    )
    return found


def _npy(data: bytes, name: str) -> NDArray[Any]:
    """Read a .npy file: never a pickle, and never more memory than the file has bytes."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"version {version}")
        formats = np.lib.format
        read = formats.read_array_header_1_0 if version == (1, 0) else formats.read_array_header_2_0
        shape, is_fortran, dtype = read(stream, max_header_size=10_000)
    except Exception as error:  # the header is Python text: its parsers raise many kinds
        raise FormatError(f"{name}: not a readable .npy file: {one_line(error)}") from None
    if dtype.hasobject or dtype.kind not in "biuf":
        raise FormatError(f"{name}: an array of dtype {dtype} is not counts", value=str(dtype))
    n_items = 1
    for size in shape:
        n_items *= size
    if n_items > MAX_PIXELS or n_items * dtype.itemsize != len(data) - stream.tell():
        raise FormatError(f"{name}: {len(data) - stream.tell()} bytes do not hold {shape} of {dtype}")
    array = np.frombuffer(data, dtype=dtype, offset=stream.tell())
    return array.reshape(shape, order="F" if is_fortran else "C")


def parse_tiff(data: bytes) -> NDArray[Any]:
    """Parse the pictures of a TIFF; runs in the isolated process.

    Parameters
    ----------
    data : bytes
        The file.

    Returns
    -------
    ndarray
        Its first series.

    Raises
    ------
    FormatError
        If its pixels are not 16-bit unsigned integers, or it has none.
    """
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        if not tiff.series:
            raise FormatError("the TIFF holds no picture")
        series = tiff.series[0]
        if series.dtype is None or series.dtype.kind != "u" or series.dtype.itemsize != 2:
            raise FormatError(f"the TIFF holds {series.dtype} pixels; raw counts are 16-bit unsigned")
        if series.size > MAX_PIXELS:
            raise ResourceLimitError(f"the TIFF declares {series.size} pixels, the limit is {MAX_PIXELS}")
        return np.ascontiguousarray(series.asarray(), dtype=np.uint16)


def _raw(array: NDArray[Any], about: Sidecar, name: str) -> NDArray[np.uint16]:
    if array.dtype.kind not in "iu" or array.dtype.itemsize < 2:
        raise FormatError(
            f"{name}: {array.dtype} values are a rendering; raw counts are 16-bit integers",
            value=str(array.dtype),
        )
    order = about.axes.replace(" ", "").split(",")
    if array.ndim == 2 and len(order) == 3 and len(about.energies) == 1:
        order = [axis for axis in order if axis != "energy"]
    if array.ndim != len(order):
        raise FormatError(f"{name}: the array has {array.ndim} axes, the sidecar says {about.axes}")
    if array.ndim == 2:
        order, array = [*order, "energy"], array[:, :, None]
    array = array.transpose([order.index(axis) for axis in ("row", "column", "energy")])
    if array.shape[2] != len(about.energies) or 0 in array.shape:
        raise FormatError(
            f"{name}: shape {array.shape} (row, column, energy) does not fit {len(about.energies)} energies"
        )
    if array.dtype.newbyteorder("=") == np.uint16:
        return array.astype(np.uint16, copy=False)
    if int(array.min()) < 0 or int(array.max()) > 0xFFFF:
        raise FormatError(f"{name}: values from {array.min()} to {array.max()} are not 16-bit counts")
    return array.astype(np.uint16)


def _by_row(
    array: NDArray[Any] | None, shape: tuple[int, int], about: Sidecar, kind: str, name: str
) -> NDArray[np.float32] | None:
    if array is None:
        return None
    values = array.astype(np.float32)
    if values.ndim == 1 and shape[1] == 1:
        values = values[:, None]
    if values.ndim == 3 or (values.ndim == 2 and values.shape != shape):
        # A picture of air or dark: in the axes of the scan, averaged over its columns.
        order = about.axes.replace(" ", "").split(",")
        if values.ndim == 2 and shape[1] == 1:
            order = [axis for axis in order if axis != "energy"]
        if values.ndim == len(order):
            values = values.mean(axis=order.index("column"), dtype=np.float64).astype(np.float32)
            order.remove("column")
            if values.ndim == 1:
                values = values[:, None]
            elif order == ["energy", "row"]:
                values = values.T
    if values.shape != shape:
        raise FormatError(f"{name}: {kind} of shape {array.shape} does not fit (row, energy) {shape}")
    return values


def _by_column(
    array: NDArray[Any] | None, shape: tuple[int, ...], kind: str, name: str
) -> NDArray[Any] | None:
    if array is None:
        return None
    if array.ndim == 1 and len(shape) == 2 and shape[1] == 1:
        array = array[:, None]
    if array.shape != shape:
        raise FormatError(f"{name}: {kind} of shape {array.shape} does not fit the columns {shape}")
    return array


def _line_numbers(array: NDArray[Any], name: str) -> NDArray[np.int64]:
    """Return the line ids as whole numbers that increase, or refuse them."""
    ids = array.astype(np.int64) if array.dtype.kind in "iu" else None
    if ids is None or (array.dtype.kind == "u" and (ids < 0).any()):
        raise FormatError(f"{name}: line_ids of dtype {array.dtype} are not whole numbers of 64 bits")
    wrong = np.flatnonzero(ids[1:] <= ids[:-1])
    if wrong.size:
        at = int(wrong[0])
        what = "is repeated" if ids[at + 1] == ids[at] else f"follows {ids[at]}"
        raise FormatError(
            f"{name}: line_ids do not increase: {ids[at + 1]} {what} at column {at + 1}",
            value=int(ids[at + 1]),
        )
    return ids


def _whole_width(ids: NDArray[np.int64], n_pixel: int, name: str) -> int:
    """Return how many columns there are with the lost ones; `n_pixel` is what one column holds."""
    n_whole = int(ids[-1]) - int(ids[0]) + 1
    if n_whole > _MAX_WIDENING * ids.size:
        raise FormatError(
            f"{name}: line_ids from {ids[0]} to {ids[-1]} with {ids.size} columns: "
            f"more than {_MAX_WIDENING - 1} of {_MAX_WIDENING} lines are missing",
            value=n_whole,
        )
    if n_whole > ids.size and n_whole * n_pixel > MAX_PIXELS:
        raise ResourceLimitError(f"{name}: {n_whole} lines by their ids are too many", value=n_whole)
    return n_whole


def _floats(array: NDArray[Any]) -> NDArray[np.float64]:
    return array.astype(np.float64)


def _spread(
    array: NDArray[Any], place: NDArray[np.int64], n_whole: int, *, fill: float, axis: int = 0
) -> NDArray[Any]:
    """Return an array with its columns (along `axis`) at their places and `fill` between them."""
    shape = list(array.shape)
    shape[axis] = n_whole
    whole = np.full(shape, fill, dtype=array.dtype)
    np.moveaxis(whole, axis, 0)[place] = np.moveaxis(array, axis, 0)
    return whole


def _gaps(is_missing: NDArray[np.bool_], is_absent: NDArray[np.bool_] | None = None) -> tuple[Gap, ...]:
    """Return the runs of missing columns; those that hold one absent by its line id say so."""
    steps = np.diff(np.concatenate(([0], is_missing.astype(np.int8), [0])))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    return tuple(
        Gap(
            index=int(start),
            n_missing=int(end - start),
            cause="line ids" if is_absent is not None and is_absent[start:end].any() else "sidecar",
        )
        for start, end in zip(starts, ends, strict=True)
    )

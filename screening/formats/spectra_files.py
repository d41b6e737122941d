"""Spectrum files of over a hundred other formats, through SandiaSpecUtils in an isolated process.

SpecUtils invents an energy calibration where a file has none. Channel numbers would then pose as
energies and a nuclide would be found where none can be told, so an invented or invalid calibration
becomes no calibration here (CAL_MISSING).
"""

from __future__ import annotations

import contextlib
import tempfile
from importlib.util import find_spec
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from screening.errors import FormatError
from screening.isolation import run_isolated
from screening.records import Background, Device, Scan

from .calibration import Calibration
from .measurements import DetectorSpectrum, Document, GrossCount, Role, Slice, time_utc
from .scans import background_of, scans_of

__all__ = ["parse_with_specutils", "read_spectrum_background", "read_spectrum_file"]

_TIME_S = 30.0
_MEMORY_BYTES = 1 << 30


def read_spectrum_file(data: bytes, *, name: str) -> list[Scan]:
    """Return the scans of a spectrum file.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        File name; its suffix tells the parser what to try first.

    Returns
    -------
    list of Scan
        As :func:`screening.formats.n42.read_n42`.

    Raises
    ------
    FormatError
        If SandiaSpecUtils is not installed or cannot read the file.
    """
    return scans_of(_document(data, name), data, name=name)


def read_spectrum_background(data: bytes, *, name: str) -> Background:
    """Return a spectrum file as a background.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        File name.

    Returns
    -------
    Background
        The sum of its background measurements; of all if it calls none so.

    Raises
    ------
    FormatError
        As :func:`read_spectrum_file`.
    """
    return background_of(_document(data, name), name=name)


def _document(data: bytes, name: str) -> Document:
    if find_spec("SpecUtils") is None:
        raise FormatError(
            f'{name}: this format is read by SandiaSpecUtils: pip install "screening[formats]"', value=name
        )
    found = run_isolated(
        "screening.formats.spectra_files:parse_with_specutils",
        data,
        name=name,
        time_s=_TIME_S,
        memory_bytes=_MEMORY_BYTES,
        arguments={"suffix": PurePath(name).suffix[:16]},
    )
    document = Document(
        device=Device(
            make=found["make"] or None,
            model=found["model"] or None,
            serial=found["serial"] or None,
            detector=found["detector"] or None,
        )
    )
    for text in found["warnings"]:
        document.note(f"SpecUtils: {text}"[:200])
    slices: dict[tuple[int, str], Slice] = {}
    for item in found["measurements"]:
        _add(document, slices, item)
    document.slices = list(slices.values())
    return document


def _add(document: Document, slices: dict[tuple[int, str], Slice], item: dict[str, Any]) -> None:
    role: Role = item["role"]
    if item["is_background_subtracted"]:
        document.is_background_subtracted = True
    start, _ = time_utc(item["start"])
    if start is not None:
        document.note("times were read as UTC")
    key = (item["sample"], role)
    found = slices.get(key)
    if found is None or item["detector"] in found.detectors():
        # One sample number with the same detector twice: two measurements, not two crystals.
        key = key if found is None else (-len(slices) - 1, role)
        found = slices[key] = Slice(
            start_utc=start,
            real_time_s=item["real_s"],
            role=role,
            is_occupied=item["is_occupied"],
            speed_m_s=item["speed_m_s"],
        )
    if item["counts"] is not None:
        edges = item["edges"]
        found.spectra.append(
            DetectorSpectrum(
                detector=item["detector"],
                live_time_s=item["live_s"],
                calibration=None if edges is None else Calibration("edges", tuple(edges.tolist())),
                counts=item["counts"],
            )
        )
    if item["neutron_counts"] is not None:
        found.neutron.append(GrossCount(item["detector"], item["neutron_counts"], item["live_s"]))


def parse_with_specutils(data: bytes, *, suffix: str) -> dict[str, Any]:
    """Parse a spectrum file; runs in the isolated process.

    Parameters
    ----------
    data : bytes
        The file.
    suffix : str
        Suffix of its name.

    Returns
    -------
    dict
        Instrument, warnings, and the measurements with counts and channel edges as arrays.

    Raises
    ------
    FormatError
        If SpecUtils cannot read it.
    """
    import SpecUtils

    source = SpecUtils.SpecFile()
    # SpecUtils tries some parsers on paths only, so it gets a file; names are not passed on.
    folder = Path(tempfile.mkdtemp(prefix="screening-"))
    path = folder / f"spectrum{suffix if suffix.replace('.', '').isalnum() else ''}"
    try:
        path.write_bytes(data)
        source.loadFile(str(path), SpecUtils.ParserType.Auto)
    except RuntimeError:
        raise FormatError("no parser of SandiaSpecUtils reads it") from None
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
            folder.rmdir()
    measurements = [_plain(SpecUtils, source.measurement(i)) for i in range(source.numMeasurements())]
    kinds = str(source.detectorType()).rpartition(".")[2]
    return {
        "make": source.manufacturer(),
        "model": source.instrumentModel(),
        "serial": source.instrumentId(),
        "detector": "" if kinds == "Unknown" else kinds,
        "warnings": [str(item) for item in source.parseWarnings()][:20],
        "measurements": measurements,
    }


def _plain(library: Any, item: Any) -> dict[str, Any]:
    kind = item.energyCalibrationModel()
    types = library.EnergyCalType
    is_real = kind in (types.Polynomial, types.FullRangeFraction, types.LowerChannelEdge)
    n_channel = item.numGammaChannels()
    edges = np.array(item.channelEnergies() or [], dtype=np.float64) if is_real else None
    derived = int(item.derivedDataProperties())
    is_subtracted = bool(derived & int(library.DerivedDataProperties.BackgroundSubtracted.value))
    sources = library.SourceType
    roles = {
        sources.Background: "background",
        sources.Calibration: "calibration",
        sources.IntrinsicActivity: "calibration",
    }
    states = {library.OccupancyStatus.Occupied: True, library.OccupancyStatus.NotOccupied: False}
    start = item.startTime()
    # The first instant of the epoch, or before, is how a missing time shows.
    start_text = start.isoformat() if start is not None and start.year > 1970 else None
    speed_m_s = float(item.speed())
    role = "derived" if derived and not is_subtracted else roles.get(item.sourceType(), "foreground")
    return {
        "detector": item.detectorName(),
        "sample": int(item.sampleNumber()),
        "start": start_text,
        "real_s": float(item.realTime()),
        "live_s": float(item.liveTime()),
        "role": role,
        "is_background_subtracted": is_subtracted,
        "is_occupied": states.get(item.occupied()),
        "speed_m_s": speed_m_s if speed_m_s > 0 else None,
        "counts": np.array(item.gammaCounts(), dtype=np.float64) if n_channel > 0 else None,
        "edges": edges if edges is not None and len(edges) else None,
        "neutron_counts": float(item.neutronCountsSum()) if item.containedNeutron() else None,
    }

"""N42.42-2011 and 2012 (``RadInstrumentData``) to time slices.

One ``RadMeasurement`` is one interval, of all detectors or of one. Things refer to each other by
identifier, so an identifier that occurs twice makes a document ambiguous and it is refused. Real
files carry four or five calibration coefficients where the schema allows three: read, with a note.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from screening.errors import FormatError
from screening.records import Device

from .calibration import Calibration
from .hardened_xml import child, children, local_name, text_of
from .measurements import DetectorSpectrum, Document, GrossCount, Role, Slice, duration_s, time_utc
from .n42_write import EDGES_REMARK, END_REMARK, NO_LIVE_REMARK

if TYPE_CHECKING:
    from lxml import etree

__all__ = ["document_2012"]

_ROLES: dict[str, Role] = {
    "Background": "background",
    "Calibration": "calibration",
    "IntrinsicActivity": "calibration",
}


def document_2012(root: etree._Element, *, name: str) -> Document:
    """Return the time slices of a 2011 or 2012 document.

    Parameters
    ----------
    root : lxml.etree._Element
        ``RadInstrumentData``.
    name : str
        File name.

    Returns
    -------
    Document
        One slice for each ``RadMeasurement``.

    Raises
    ------
    FormatError
        If an identifier occurs twice.
    """
    _refuse_duplicate_ids(root, name)
    document = Document()
    detectors = _detectors(document, root)
    calibrations = {
        element.get("id", ""): _calibration(document, element)
        for element in children(root, "EnergyCalibration")
    }
    for element in root:
        kind = local_name(element)
        if kind == "RadMeasurement":
            document.slices.append(_slice(document, element, detectors, calibrations))
        elif kind == "DerivedData":
            document.note("derived data were not read")
        elif kind == "AnalysisResults":
            _analysis(document, element)
    return document


def _refuse_duplicate_ids(root: etree._Element, name: str) -> None:
    seen: set[str] = set()
    for element in root.iter():
        identifier = element.get("id")
        if identifier is not None:
            if identifier in seen:
                raise FormatError(f"{name}: the id {identifier!r} occurs twice", value=identifier)
            seen.add(identifier)


def _detectors(document: Document, root: etree._Element) -> dict[str, tuple[str, bool]]:
    """Return name and "is a neutron detector" by identifier; set the device."""
    information = child(root, "RadInstrumentInformation")
    kinds, found = set(), {}
    for element in children(root, "RadDetectorInformation"):
        identifier = element.get("id", "")
        category = text_of(element, "RadDetectorCategoryCode") or "Gamma"
        if category == "Gamma":
            kinds.add(text_of(element, "RadDetectorKindCode"))
        found[identifier] = (text_of(element, "RadDetectorName") or identifier, category == "Neutron")
    firmware = None
    if information is not None:
        for version in children(information, "RadInstrumentVersion"):
            if (text_of(version, "RadInstrumentComponentName") or "").lower() in ("firmware", "software"):
                firmware = text_of(version, "RadInstrumentComponentVersion")
                break
        document.device = Device(
            make=_known(text_of(information, "RadInstrumentManufacturerName")),
            model=_known(text_of(information, "RadInstrumentModelName")),
            serial=text_of(information, "RadInstrumentIdentifier"),
            firmware=_known(firmware),
            detector=_known(kinds.pop()) if len(kinds) == 1 else None,
        )
    return found


def _known(text: str | None) -> str | None:
    return None if text is None or text.lower() in ("unknown", "other") else text


def _floats(text: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(item) for item in (text or "").split()[:100_000])
    except ValueError:
        return ()


def _calibration(document: Document, element: etree._Element) -> Calibration | None:
    boundaries = _floats(text_of(element, "EnergyBoundaryValues"))
    remark = text_of(element, "Remark") or ""
    if remark.startswith(EDGES_REMARK):
        boundaries = _floats(remark.removeprefix(EDGES_REMARK))
    if boundaries:
        return Calibration("edges", boundaries)
    coefficients = _floats(text_of(element, "CoefficientValues"))
    if not coefficients:
        return None
    if len(coefficients) > 3:
        document.note(f"an energy calibration has {len(coefficients)} coefficients, the schema allows 3")
    energies = _floats(text_of(element, "EnergyValues"))
    deviations = _floats(text_of(element, "EnergyDeviationValues"))
    if len(energies) != len(deviations):
        return None
    return Calibration("polynomial", coefficients, tuple(zip(energies, deviations, strict=True)))


def _slice(
    document: Document,
    element: etree._Element,
    detectors: dict[str, tuple[str, bool]],
    calibrations: dict[str, Calibration | None],
) -> Slice:
    start, has_zone = time_utc(text_of(element, "StartDateTime"))
    if not has_zone:
        document.note("times without a zone were read as UTC")
    if start is not None and start.year <= 1970:
        document.note("the clock was never set (a time of 1970)")
        start = None
    occupied = (text_of(element, "OccupancyIndicator") or "").lower()
    found = Slice(
        start_utc=start,
        real_time_s=duration_s(text_of(element, "RealTimeDuration")),
        role=_ROLES.get(text_of(element, "MeasurementClassCode") or "", "foreground"),
        is_occupied={"true": True, "1": True, "false": False, "0": False}.get(occupied),
        is_end=text_of(element, "Remark") == END_REMARK,
        group=element.get("radMeasurementGroupReferences") or "",
    )
    for item in element:
        kind = local_name(item)
        if kind == "Spectrum":
            _add_spectrum(document, found, item, detectors, calibrations)
        elif kind == "GrossCounts":
            _add_gross(found, item, detectors)
        elif kind in ("RadInstrumentState", "RadDetectorState", "RadItemState"):
            _add_state(document, found, item)
    return found


def _add_spectrum(
    document: Document,
    found: Slice,
    element: etree._Element,
    detectors: dict[str, tuple[str, bool]],
    calibrations: dict[str, Calibration | None],
) -> None:
    reference = element.get("radDetectorInformationReference") or ""
    detector, is_neutron = detectors.get(reference, (reference, False))
    data = child(element, "ChannelData")
    if data is None or not (data.text or "").strip():
        document.note("a spectrum without channel data was skipped")
        return
    live_s = duration_s(text_of(element, "LiveTimeDuration"))
    if live_s == 0 and text_of(element, "Remark") == NO_LIVE_REMARK:
        live_s = math.nan
    is_counted = (data.get("compressionCode") or "").lower() == "countedzeroes"
    if is_neutron:
        document.note("a spectrum of a neutron detector was not used")
        return
    known = {item.detector for item in found.spectra}
    number, unique = 2, detector
    while unique in known:
        unique, number = f"{detector}-{number}", number + 1
    found.spectra.append(
        DetectorSpectrum(
            detector=unique,
            live_time_s=live_s,
            calibration=calibrations.get(element.get("energyCalibrationReference") or ""),
            text=data.text or "",
            is_counted_zeroes=is_counted,
        )
    )


def _add_gross(found: Slice, element: etree._Element, detectors: dict[str, tuple[str, bool]]) -> None:
    reference = element.get("radDetectorInformationReference") or ""
    detector, is_neutron = detectors.get(reference, (reference, False))
    values = _floats(text_of(element, "CountData"))
    if not values:
        return
    live_s = duration_s(text_of(element, "LiveTimeDuration"))
    counts = float(np.sum(values))
    (found.neutron if is_neutron else found.gamma).append(GrossCount(detector, counts, live_s))


def _add_state(document: Document, found: Slice, element: etree._Element) -> None:
    vector = child(element, "StateVector")
    if vector is not None and local_name(element) == "RadItemState":
        speed = _floats(text_of(vector, "SpeedValue"))
        if len(speed) == 1 and 0 <= speed[0] < 1000:
            found.speed_m_s = speed[0]
    for fault in children(element, "Fault"):
        text = text_of(fault, "FaultDescription") or text_of(fault, "FaultCodeValue") or "fault"
        if "tamper" in text.lower():
            document.is_tampered = True
        elif text not in document.faults:
            document.faults.append(text)


def _analysis(document: Document, element: etree._Element) -> None:
    for alarm in children(element, "RadAlarm"):
        category = (text_of(alarm, "RadAlarmCategoryCode") or "Other").lower()
        text = text_of(alarm, "RadAlarmDescription") or ""
        if text.startswith("screening:"):
            continue
        kind = text if category == "other" and text else category
        if kind not in document.device_alarms:
            document.device_alarms.append(kind)

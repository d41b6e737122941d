"""N42.42-2006 (``N42InstrumentData``) to time slices.

Portals write one ``DetectorData`` for each interval, with a ``Spectrum`` for each crystal; handhelds
write ``Spectrum`` elements right below ``Measurement``. Minimal files carry no namespace. Extensions
of programmes (DHS, DNDO) are skipped, except a detector's operational state.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from screening.errors import FormatError
from screening.records import Device

from .calibration import Calibration
from .hardened_xml import child, children, local_name, text_of
from .measurements import DetectorSpectrum, Document, GrossCount, Role, Slice, duration_s, time_utc

if TYPE_CHECKING:
    from lxml import etree

__all__ = ["document_2006"]

_M_S = {"mph": 0.44704, "km/h": 1 / 3.6, "kph": 1 / 3.6, "kmh": 1 / 3.6, "m/s": 1.0, "ft/s": 0.3048}
_ROLES: dict[str, Role] = {
    "background": "background",
    "calibration": "calibration",
    "stabilization": "calibration",
    "intrinsicactivity": "calibration",
}
_ENERGY_UNITS = {"kev": 1.0, "mev": 1000.0, "ev": 0.001}


def document_2006(root: etree._Element, *, name: str) -> Document:
    """Return the time slices of a 2006 document.

    Parameters
    ----------
    root : lxml.etree._Element
        ``N42InstrumentData``.
    name : str
        File name.

    Returns
    -------
    Document
        Slices of each ``Measurement`` in a group of their own.

    Raises
    ------
    FormatError
        If two calibrations share an identifier.
    """
    document = Document()
    calibrations = _calibrations_by_id(root, name)
    for index, measurement in enumerate(children(root, "Measurement")):
        _instrument(document, measurement)
        reader = _MeasurementReader(document, calibrations, group=str(index))
        for element in measurement:
            kind = local_name(element)
            if kind == "DetectorData":
                reader.read_detector_data(element)
            elif kind in ("Spectrum", "SpectrumMeasurement", "CountDoseData"):
                reader.read_loose(element)
            elif kind == "AnalysisResults":
                _analysis(document, element)
        reader.close()
    return document


def _calibrations_by_id(root: etree._Element, name: str) -> dict[str, Calibration | None]:
    found: dict[str, Calibration | None] = {}
    for element in root.iter("{*}Calibration"):
        identifier = element.get("ID") or element.get("id")
        if identifier is None:
            continue
        if identifier in found:
            raise FormatError(f"{name}: two calibrations have the id {identifier!r}", value=identifier)
        if element.get("Type", "Energy") == "Energy":
            found[identifier] = _calibration(element)
    return found


def _floats(text: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(item) for item in (text or "").replace(",", " ").split()[:100_000])
    except ValueError:
        return ()


def _calibration(element: etree._Element) -> Calibration | None:
    unit = _ENERGY_UNITS.get((element.get("EnergyUnits") or "keV").lower())
    if unit is None:
        return None
    equation = child(element, "Equation")
    if equation is not None:
        values = tuple(unit * value for value in _floats(text_of(equation, "Coefficients")))
        model = (equation.get("Model") or "Polynomial").lower().replace(" ", "")
        if model == "polynomial":
            return Calibration("polynomial", values)
        if model == "fullrangefraction":
            return Calibration("full-range-fraction", values)
        return None
    array = child(element, "ArrayXY")
    if array is None:
        return None
    points: list[tuple[float, float]] = []
    for point in children(array, "PointXY"):
        x, y = _floats(text_of(point, "X")), _floats(text_of(point, "Y"))
        if len(x) == 1 and len(y) == 1:
            points.append((x[0], y[0] * unit))
    return Calibration("points", tuple(value for pair in sorted(points) for value in pair))


def _instrument(document: Document, measurement: etree._Element) -> None:
    information = child(measurement, "InstrumentInformation")
    if information is None:
        return
    kinds = {(item.text or "").strip() for item in measurement.iter("{*}DetectorType")} - {"", "Other"}
    document.device = Device(
        make=text_of(information, "Manufacturer"),
        model=text_of(information, "InstrumentModel"),
        serial=text_of(information, "InstrumentID"),
        firmware=text_of(information, "InstrumentVersion"),
        detector=kinds.pop() if len(kinds) == 1 else None,
    )
    document.lane = text_of(information, "LaneNumber")
    for state in information.iter("{*}DetectorStatus"):
        if state.get("Operational") in ("0", "false"):
            document.faults.append(f"detector {state.get('Detector') or '?'} not operational")


def _analysis(document: Document, element: etree._Element) -> None:
    for alarm in element.iter("{*}ThreatDescription"):
        if alarm.text and alarm.text.strip():
            document.device_alarms.append(alarm.text.strip()[:80])


class _MeasurementReader:
    """Reads one ``Measurement``; spectra outside ``DetectorData`` are gathered by their start."""

    def __init__(
        self, document: Document, calibrations: dict[str, Calibration | None], *, group: str
    ) -> None:
        self._document = document
        self._calibrations = calibrations
        self._group = group
        self._cache: dict[tuple[str | None, str | None, str | None], Calibration | None] = {}
        self._loose: dict[tuple[str | None, str | None], dict[Role, list[Slice]]] = {}

    def read_detector_data(self, element: etree._Element) -> None:
        start, real, occupied, speed = (None, None, None, None)
        contents: list[etree._Element] = []
        for item in element:
            kind = local_name(item)
            if kind == "StartTime":
                start = item.text
            elif kind == "SampleRealTime":
                real = item.text
            elif kind == "Occupied":
                occupied = item.text
            elif kind == "Speed":
                speed = item
            else:
                contents.append(item)
        template = Slice(
            start_utc=self._time(start),
            real_time_s=duration_s(real),
            is_occupied=_boolean(occupied),
            speed_m_s=None if speed is None else self._speed(speed),
            group=self._group,
        )
        open_slices: dict[Role, list[Slice]] = {}
        for item in contents:
            detector = item.get("Detector") or ""
            neutron = "neutron" in (item.get("DetectorType") or "").lower()
            for inner in (item, *item.iterdescendants("{*}Spectrum", "{*}GrossCounts", "{*}CountDoseData")):
                self._add(inner, detector, neutron, template, open_slices)
        self._document.slices += [item for slices in open_slices.values() for item in slices]

    def read_loose(self, element: etree._Element) -> None:
        for inner in (element, *element.iterdescendants("{*}Spectrum")):
            kind = local_name(inner)
            if kind not in ("Spectrum", "CountDoseData"):
                continue
            start = text_of(inner, "StartTime")
            real = text_of(inner, "RealTime") or text_of(inner, "SampleRealTime")
            key = (start, inner.get("SampleNumber"))
            slices = self._loose.setdefault(key, {})
            template = Slice(start_utc=self._time(start), real_time_s=duration_s(real), group=self._group)
            self._add(inner, "", False, template, slices)

    def close(self) -> None:
        for by_role in self._loose.values():
            self._document.slices += [item for slices in by_role.values() for item in slices]

    def _add(
        self,
        element: etree._Element,
        detector: str,
        is_neutron: bool,
        template: Slice,
        open_slices: dict[Role, list[Slice]],
    ) -> None:
        kind = local_name(element)
        if kind == "Spectrum":
            role, spectrum, real_s = self._spectrum(element)
            if spectrum is None:
                return
            if not spectrum.detector:
                spectrum.detector = detector
            target = _slice_without(spectrum.detector, role, template, open_slices)
            if not target.real_time_s > 0:
                target.real_time_s = real_s
            target.spectra.append(spectrum)
        elif kind in ("GrossCounts", "CountDoseData"):
            text = text_of(element, "TotalCounts") or text_of(element, "Counts")
            values = _floats(text)
            if not values:
                return
            of = element.get("Detector") or detector
            neutron = is_neutron or "neutron" in (element.get("DetectorType") or "").lower()
            live_s = duration_s(text_of(element, "LiveTime") or text_of(element, "SampleRealTime"))
            if not live_s > 0:
                live_s = template.real_time_s
            target = _slice_without(("neutron " if neutron else "") + of, "foreground", template, open_slices)
            (target.neutron if neutron else target.gamma).append(GrossCount(of, sum(values), live_s))

    def _spectrum(self, element: etree._Element) -> tuple[Role, DetectorSpectrum | None, float]:
        role: Role = "foreground"
        live_s = real_s = np.nan
        calibration: Calibration | None = None
        text, is_counted = None, False
        for item in element:
            kind = local_name(item)
            if kind == "ChannelData":
                text = item.text
                is_counted = (item.get("Compression") or "").lower() == "countedzeroes"
            elif kind == "Calibration":
                if item.get("Type", "Energy") == "Energy":
                    calibration = self._inline(item)
            elif kind == "LiveTime":
                live_s = duration_s(item.text)
            elif kind == "RealTime":
                real_s = duration_s(item.text)
            elif kind == "SourceType":
                role = _ROLES.get((item.text or "").strip().lower().replace(" ", ""), "foreground")
        if text is None or not text.strip():
            self._document.note("a spectrum without channel data was skipped")
            return role, None, real_s
        if calibration is None:
            for identifier in (element.get("CalibrationIDs") or "").split():
                calibration = self._calibrations.get(identifier) or calibration
        spectrum = DetectorSpectrum(
            detector=element.get("Detector") or "",
            live_time_s=live_s,
            calibration=calibration,
            text=text,
            is_counted_zeroes=is_counted,
        )
        return role, spectrum, real_s

    def _inline(self, element: etree._Element) -> Calibration | None:
        # A portal repeats a crystal's few coefficients in every slice: parse each text once.
        equation = child(element, "Equation")
        if equation is None:
            return _calibration(element)
        key = (element.get("EnergyUnits"), equation.get("Model"), text_of(equation, "Coefficients"))
        if key not in self._cache:
            self._cache[key] = _calibration(element)
        return self._cache[key]

    def _time(self, text: str | None) -> datetime | None:
        time, has_zone = time_utc(text)
        if not has_zone:
            self._document.note("times without a zone were read as UTC")
        return time

    def _speed(self, element: etree._Element) -> float | None:
        values = _floats(element.text)
        factor = _M_S.get((element.get("Units") or element.get("units") or "m/s").lower().replace(" ", ""))
        if len(values) != 1 or factor is None or not 0 <= values[0] < 1000:
            self._document.note("a speed could not be read")
            return None
        return values[0] * factor


def _boolean(text: str | None) -> bool | None:
    return {"1": True, "true": True, "0": False, "false": False}.get((text or "").strip().lower())


def _slice_without(detector: str, role: Role, template: Slice, open_slices: dict[Role, list[Slice]]) -> Slice:
    slices = open_slices.setdefault(role, [])
    for known in slices:
        names = known.gamma_detectors() | {f"neutron {d.detector}" for d in known.neutron}
        if detector not in names:
            return known
    new = Slice(
        start_utc=template.start_utc,
        real_time_s=template.real_time_s,
        role=role,
        is_occupied=template.is_occupied,
        speed_m_s=template.speed_m_s,
        group=template.group,
    )
    slices.append(new)
    return new

"""Write an occupancy or a static measurement as N42.42-2012 that validates against its schema."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from screening.errors import FormatError
from screening.records import Background, Occupancy, ReasonCode, RiskFlag, Scan, utc_string

if TYPE_CHECKING:
    from lxml import etree

__all__ = ["EDGES_REMARK", "END_REMARK", "NAMESPACE", "NO_LIVE_REMARK", "counted_zeroes", "write_n42"]

NAMESPACE = "http://physics.nist.gov/N42/2011/N42"

EDGES_REMARK = "channel edges in keV:"
"""Begins a remark with the exact edges where neither a quadratic nor non-negative edges can hold them."""

END_REMARK = "the occupancy ends with this interval"
"""Remark in the last measurement of a whole pass whose intervals are occupied to the end."""

NO_LIVE_REMARK = "the live time is not known"
"""Remark of a spectrum whose live time is written as zero for want of a figure."""

# fmt: off
_KINDS = frozenset((
    "HPGe", "HPXe", "NaI", "LaBr3", "LaCl3", "BGO", "CZT", "CdTe", "CsI", "GMT", "GMTW", "LiFiber", "PVT",
    "PS", "He3", "He4", "LiGlass", "LiI", "SrI2", "CLYC", "CdWO4", "BF3", "HgI2", "CeBr4", "LiCAF", "LiZnS",
))
# fmt: on
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_ALARMS = {"gamma": "Gamma", "neutron": "Neutron", "isotope": "Isotope"}


def write_n42(scan: Scan, *, flags: Sequence[RiskFlag] = ()) -> bytes:
    """Return a scan as an N42.42-2012 document.

    Parameters
    ----------
    scan : Scan
        A scan with an Occupancy.
    flags : sequence of RiskFlag
        Answers to write as ``AnalysisResults``.

    Returns
    -------
    bytes
        UTF-8 XML. A start time that is not known is written as 1970-01-01, which the reader takes for
        a clock that was never set. A live time that is not known is written as zero.

    Raises
    ------
    FormatError
        If the scan is a radiograph.
    """
    if not isinstance(scan.payload, Occupancy):
        raise FormatError("N42 holds spectra and counts, not radiographs", value=scan.modality)
    return _Writer(scan, scan.payload).document(flags)


def counted_zeroes(counts: NDArray[np.unsignedinteger] | NDArray[np.float64]) -> str:
    """Return channel counts with each run of zeros written as "0 n".

    Parameters
    ----------
    counts : ndarray of shape (n_channel,)
        Counts.

    Returns
    -------
    str
        Tokens separated by blanks.
    """
    tokens: list[str] = []
    position = 0
    values = counts.tolist()
    for index in np.flatnonzero(counts).tolist():
        if index > position:
            tokens += ("0", str(index - position))
        tokens.append(_number(values[index]))
        position = index + 1
    if position < len(values):
        tokens += ("0", str(len(values) - position))
    return " ".join(tokens)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _duration(value: float) -> str:
    if not (np.isfinite(value) and value > 0):
        return "PT0S"
    return f"PT{Decimal(repr(float(value))):f}S"


class _Writer:
    """Builds one document."""

    def __init__(self, scan: Scan, payload: Occupancy) -> None:
        from lxml import etree

        self._etree = etree
        self._scan, self._payload = scan, payload
        self._root = etree.fromstring(f'<RadInstrumentData xmlns="{NAMESPACE}"/>'.encode())
        self._root.set("n42DocUUID", scan.identity.scan_id)
        self._is_known_time = scan.identity.t_start_utc is not None
        self._start = scan.identity.t_start_utc or _NO_TIME
        self._n_measurement = 0
        neutron = payload.neutron_counts
        background = payload.background
        self._n_neutron = 0 if neutron is None else neutron.shape[1]
        if background is not None and background.neutron_cps is not None:
            self._n_neutron = max(self._n_neutron, len(background.neutron_cps))

    def document(self, flags: Sequence[RiskFlag]) -> bytes:
        self._add(self._root, "RadInstrumentDataCreatorName", "screening")
        self._instrument()
        for j, panel in enumerate(self._payload.panel_ids):
            self._detector(f"panel-{j}", panel, "Gamma", self._scan.identity.device.detector)
        for j in range(self._n_neutron):
            self._detector(f"neutron-{j}", f"neutron {j + 1}", "Neutron", "He3")
        item = self._add(self._root, "RadItemInformation", id="item")
        if self._scan.identity.container_id:
            self._add(item, "RadItemDescription", f"container {self._scan.identity.container_id}")
        if self._payload.spectra is not None:
            self._calibrations("cal", self._payload.energy_edges_kev)
        background = self._payload.background
        if background is not None:
            if background.spectra is not None:
                self._calibrations("bkg-cal", background.energy_edges_kev)
            self._background(background)
        self._measurements()
        self._device_alarms()
        for flag in flags:
            self._analysis(flag)
        return self._etree.tostring(self._root, xml_declaration=True, encoding="UTF-8", pretty_print=True)

    def _add(
        self, parent: etree._Element, name: str, text: str | None = None, **attributes: str
    ) -> etree._Element:
        element = self._etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
        for key, value in attributes.items():
            element.set(key, value)
        if text is not None:
            element.text = text
        return element

    def _instrument(self) -> None:
        device = self._scan.identity.device
        element = self._add(self._root, "RadInstrumentInformation", id="instrument")
        self._add(element, "RadInstrumentManufacturerName", device.make or "unknown")
        if device.serial:
            self._add(element, "RadInstrumentIdentifier", device.serial)
        self._add(element, "RadInstrumentModelName", device.model or "unknown")
        kind = "Other"
        if self._payload.kind == "occupancy":
            kind = "Portal Monitor" if self._payload.spectra is None else "Spectroscopic Portal Monitor"
        self._add(element, "RadInstrumentClassCode", kind)
        version = self._add(element, "RadInstrumentVersion")
        self._add(version, "RadInstrumentComponentName", "Firmware")
        self._add(version, "RadInstrumentComponentVersion", device.firmware or "unknown")

    def _detector(self, identifier: str, name: str, category: str, kind: str | None) -> None:
        element = self._add(self._root, "RadDetectorInformation", id=identifier)
        self._add(element, "RadDetectorName", name)
        self._add(element, "RadDetectorCategoryCode", category)
        self._add(element, "RadDetectorKindCode", kind if kind in _KINDS else "Other")

    def _calibrations(self, prefix: str, edges: NDArray[np.float64] | None) -> None:
        for j in range(self._payload.n_panel):
            element = self._add(self._root, "EnergyCalibration", id=f"{prefix}-{j}")
            if edges is None:
                self._add(element, "Remark", "no valid energy calibration")
            elif edges[j, 0] >= 0:
                self._add(element, "EnergyBoundaryValues", _floats(edges[j]))
            else:
                self._polynomial(element, edges[j])

    def _polynomial(self, element: etree._Element, edges: NDArray[np.float64]) -> None:
        # The schema allows no negative edges, and three coefficients only.
        position = np.arange(len(edges), dtype=np.float64)
        fitted = np.polynomial.Polynomial.fit(position, edges, 2).convert().coef
        coefficients = np.zeros(3)
        coefficients[: len(fitted)] = fitted
        error = np.abs(np.polynomial.polynomial.polyval(position, coefficients) - edges).max()
        if error > 1e-9 * abs(float(edges[-1])):
            self._add(element, "Remark", f"{EDGES_REMARK} {_floats(edges)}")
        self._add(element, "CoefficientValues", _floats(coefficients))

    def _measurement(self, kind: str, start: datetime, real_time_s: float) -> etree._Element:
        self._n_measurement += 1
        element = self._add(self._root, "RadMeasurement", id=f"m{self._n_measurement}")
        self._add(element, "MeasurementClassCode", kind)
        text = start.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        self._add(element, "StartDateTime", text)
        self._add(element, "RealTimeDuration", _duration(real_time_s))
        return element

    def _spectrum(
        self, parent: etree._Element, panel: int, calibration: str, live_s: float, counts: NDArray[np.generic]
    ) -> None:
        element = self._add(
            parent,
            "Spectrum",
            id=f"{parent.get('id')}-s{panel}",
            radDetectorInformationReference=f"panel-{panel}",
            energyCalibrationReference=f"{calibration}-{panel}",
        )
        if not np.isfinite(live_s):
            self._add(element, "Remark", NO_LIVE_REMARK)
        self._add(element, "LiveTimeDuration", _duration(live_s))
        text = counted_zeroes(counts)  # type: ignore[arg-type]
        self._add(element, "ChannelData", text, compressionCode="CountedZeroes")

    def _gross(self, parent: etree._Element, detector: str, live_s: float, counts: float) -> None:
        element = self._add(
            parent,
            "GrossCounts",
            id=f"{parent.get('id')}-{detector}",
            radDetectorInformationReference=detector,
        )
        self._add(element, "LiveTimeDuration", _duration(live_s))
        self._add(element, "CountData", _number(counts))

    def _background(self, background: Background) -> None:
        end = background.t_end_utc or _NO_TIME + timedelta(seconds=background.live_time_s)
        start = end - timedelta(seconds=background.live_time_s)
        element = self._measurement("Background", start, background.live_time_s)
        live_s = background.live_time_s
        for j, rate in enumerate(background.gamma_cps):
            if background.spectra is not None:
                self._spectrum(element, j, "bkg-cal", live_s, background.spectra[j])
            elif np.isfinite(rate):
                self._gross(element, f"panel-{j}", live_s, float(rate) * live_s)
        if background.neutron_cps is not None:
            for j, rate in enumerate(background.neutron_cps):
                self._gross(element, f"neutron-{j}", live_s, float(rate) * live_s)

    def _ends_occupied(self) -> bool:
        occupied = self._payload.is_occupied
        return self._payload.is_complete and occupied is not None and bool(occupied[-1])

    def _measurements(self) -> None:
        payload = self._payload
        neutron, neutron_s = payload.neutron_counts, payload.neutron_interval_s
        is_shared = neutron_s is not None and np.array_equal(neutron_s, payload.interval_s)
        for i in range(payload.n_interval):
            start = self._start + timedelta(seconds=float(payload.t_s[i]))
            element = self._measurement("Foreground", start, payload.interval_s[i])
            if i == payload.n_interval - 1 and self._ends_occupied():
                # Without it, the file of a whole pass would read like one that was cut.
                element.insert(0, self._add(element, "Remark", END_REMARK))  # the schema wants it first
            for j in range(payload.n_panel):
                if payload.gamma_counts[i, j] < 0:
                    continue
                live_s = np.nan if payload.live_time_s is None else payload.live_time_s[i, j]
                if payload.spectra is not None:
                    self._spectrum(element, j, "cal", live_s, payload.spectra[i, j])
                else:
                    self._gross(element, f"panel-{j}", live_s, float(payload.gamma_counts[i, j]))
            if is_shared and neutron is not None:
                self._neutrons(element, neutron[i], payload.interval_s[i])
            if i == 0:
                self._states(element)
            if payload.is_occupied is not None:
                self._add(element, "OccupancyIndicator", "true" if payload.is_occupied[i] else "false")
        if neutron is not None and neutron_s is not None and not is_shared:
            starts = np.concatenate(([0.0], np.cumsum(np.nan_to_num(neutron_s))[:-1]))
            for m, start_s in enumerate(starts):
                start = self._start + timedelta(seconds=float(start_s))
                element = self._measurement("Foreground", start, neutron_s[m])
                self._neutrons(element, neutron[m], neutron_s[m])

    def _neutrons(self, element: etree._Element, counts: NDArray[np.int64], live_s: float) -> None:
        for j, count in enumerate(counts):
            if count >= 0:
                self._gross(element, f"neutron-{j}", live_s, float(count))

    def _states(self, element: etree._Element) -> None:
        faults = list(self._payload.faults)
        if self._payload.is_tampered:
            faults.append("tamper switch")
        if faults:
            state = self._add(element, "RadInstrumentState", radInstrumentInformationReference="instrument")
            for text in faults:
                fault = self._add(state, "Fault")
                self._add(fault, "FaultCodeValue", "1")
                self._add(fault, "FaultDescription", text)
                self._add(fault, "FaultSeverityCode", "Warning")
        if self._payload.speed_m_s is not None:
            state = self._add(element, "RadItemState", radItemInformationReference="item")
            vector = self._add(state, "StateVector")
            self._add(vector, "SpeedValue", repr(float(self._payload.speed_m_s)))

    def _device_alarms(self) -> None:
        if not self._payload.device_alarms:
            return
        results = self._add(self._root, "AnalysisResults")
        self._add(results, "AnalysisAlgorithmName", "the instrument's own alarm")
        for text in self._payload.device_alarms:
            alarm = self._add(results, "RadAlarm", radDetectorInformationReferences="panel-0")
            self._add(alarm, "RadAlarmCategoryCode", _ALARMS.get(text, "Other"))
            self._add(alarm, "RadAlarmDescription", text)

    def _analysis(self, flag: RiskFlag) -> None:
        results = self._add(self._root, "AnalysisResults")
        created = flag.created_at or utc_string(self._scan.identity.t_end_utc)
        if created:
            self._add(results, "AnalysisStartDateTime", created)
        self._add(results, "AnalysisAlgorithmName", f"screening {flag.modality.value}")
        version = self._add(results, "AnalysisAlgorithmVersion")
        self._add(version, "AnalysisAlgorithmComponentName", "screening")
        self._add(version, "AnalysisAlgorithmComponentVersion", flag.pipeline.version)
        self._add(results, "AnalysisResultStatusCode", "Success")
        codes = "; ".join(f"{reason.code.value}: {reason.text}" for reason in flag.reasons)
        text = f"level {flag.level.value}" + (f"; {codes}" if codes else "")
        self._add(results, "AnalysisResultDescription", text)
        alarms = {ReasonCode.RAD_GAMMA_NSIGMA: "Gamma", ReasonCode.RAD_NEUTRON: "Neutron"}
        for reason in flag.reasons:
            if reason.code in alarms:
                alarm = self._add(results, "RadAlarm", radDetectorInformationReferences="panel-0")
                self._add(alarm, "RadAlarmCategoryCode", alarms[reason.code])
                self._add(alarm, "RadAlarmDescription", f"screening: {reason.text}")
        if flag.scores.labels:
            nuclides = self._add(results, "NuclideAnalysisResults")
            for label in flag.scores.labels:
                nuclide = self._add(nuclides, "Nuclide")
                self._add(nuclide, "NuclideIdentifiedIndicator", "true")
                self._add(nuclide, "NuclideName", label)
                score = flag.scores.raw.get(label)
                self._add(nuclide, "NuclideIDConfidenceDescription", score or "not stated")


def _floats(values: NDArray[np.float64]) -> str:
    return " ".join(repr(float(value)) for value in values)

"""Write and read the results of an analysis as N42.42-2012, with or without the measurements behind them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from screening.errors import FormatError
from screening.records import Device, Scan

from .hardened_xml import children, local_name, parse_xml, text_of
from .n42_write import NAMESPACE, write_n42

if TYPE_CHECKING:
    from lxml import etree

__all__ = [
    "AnalysisResult",
    "ResultAlarm",
    "ResultFault",
    "ResultNuclide",
    "read_results",
    "write_results",
]

AlarmCategory = Literal["Alpha", "Neutron", "Beta", "Gamma", "Isotope", "Other"]
Severity = Literal["Fatal", "Error", "Warning"]

_ALARM_PREFIX = "screening: "  # so that our reader does not take our alarm for the instrument's own
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class ResultAlarm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A radiation alarm.

    Attributes
    ----------
    category : str
        N42 category.
    text : str
        One line.
    """

    category: AlarmCategory
    text: str


class ResultNuclide(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A nuclide that was identified.

    Attributes
    ----------
    name : str
        Its name.
    confidence : float or None
        0 to 1; None where none was stated.
    category : str or None
        What kind of source it is.
    """

    name: str
    confidence: float | None = None
    category: str | None = None


class ResultFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that speaks against a result.

    Attributes
    ----------
    code, text : str
        What.
    severity : {"Fatal", "Error", "Warning"}
        How much.
    """

    code: str
    text: str
    severity: Severity = "Error"


class AnalysisResult(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One analysis and what came of it.

    Attributes
    ----------
    algorithm, version : str
        What analysed.
    is_success : bool
        Whether it came to an answer. False is "Failure": whoever reads it knows nothing.
    description : str
        One line for a person.
    started_at : str or None
        RFC 3339 UTC.
    remarks : tuple of str
        Further lines.
    alarms, nuclides, faults : tuple
        What was found, and what speaks against it.
    """

    algorithm: str
    version: str
    is_success: bool
    description: str
    started_at: str | None = None
    remarks: tuple[str, ...] = ()
    alarms: tuple[ResultAlarm, ...] = ()
    nuclides: tuple[ResultNuclide, ...] = ()
    faults: tuple[ResultFault, ...] = ()


def write_results(
    results: Sequence[AnalysisResult],
    *,
    document_id: str,
    device: Device | None = None,
    item: str | None = None,
    scan: Scan | None = None,
) -> bytes:
    """Return results as an N42.42-2012 document.

    Parameters
    ----------
    results : sequence of AnalysisResult
        The results.
    document_id : str
        UUID of the document.
    device : Device or None
        The instrument, where `scan` does not name it.
    item : str or None
        What was examined ("container CSQU3054383"), where `scan` does not name it.
    scan : Scan or None
        The measurements, an occupancy or a static one, written with background and calibration. Without
        them the document holds results alone: it is valid, and programs that look for spectra
        find none.

    Returns
    -------
    bytes
        UTF-8 XML; the same arguments give the same bytes.
    """
    from lxml import etree

    if scan is not None:
        root = parse_xml(write_n42(scan), name="scan")
        root.set("n42DocUUID", document_id)
    else:
        root = etree.fromstring(f'<RadInstrumentData xmlns="{NAMESPACE}"/>'.encode())
        root.set("n42DocUUID", document_id)
        _head(root, device or Device(), item)
    detectors = {
        text_of(element, "RadDetectorCategoryCode"): str(element.get("id"))
        for element in reversed(children(root, "RadDetectorInformation"))
    }
    for result in results:
        _result(root, result, detectors)
    # Indented anew as a whole: what was parsed has its blanks already.
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def read_results(data: bytes, *, name: str) -> tuple[AnalysisResult, ...]:
    """Return the results in an N42.42-2012 document.

    Parameters
    ----------
    data : bytes
        The document.
    name : str
        File name, for messages.

    Returns
    -------
    tuple of AnalysisResult
        In the order of the document. A status that is missing or strange reads as a failure.

    Raises
    ------
    FormatError
        If it is not such a document.
    """
    root = parse_xml(data, name=name)
    if local_name(root) != "RadInstrumentData":
        raise FormatError(f"{name}: the root element is {local_name(root)}, not RadInstrumentData")
    return tuple(_read(element) for element in children(root, "AnalysisResults"))


def _head(root: etree._Element, device: Device, item: str | None) -> None:
    _add(root, "RadInstrumentDataCreatorName", "screening")
    instrument = _add(root, "RadInstrumentInformation", id="instrument")
    _add(instrument, "RadInstrumentManufacturerName", device.make or "unknown")
    if device.serial:
        _add(instrument, "RadInstrumentIdentifier", device.serial)
    _add(instrument, "RadInstrumentModelName", device.model or "unknown")
    _add(instrument, "RadInstrumentClassCode", "Portal Monitor")
    version = _add(instrument, "RadInstrumentVersion")
    _add(version, "RadInstrumentComponentName", "Firmware")
    _add(version, "RadInstrumentComponentVersion", device.firmware or "unknown")
    for category in ("Gamma", "Neutron"):
        detector = _add(root, "RadDetectorInformation", id=category.lower())
        _add(detector, "RadDetectorCategoryCode", category)
        _add(detector, "RadDetectorKindCode", "Other")
    if item:
        element = _add(root, "RadItemInformation", id="item")
        _add(element, "RadItemDescription", item)


def _result(root: etree._Element, result: AnalysisResult, detectors: dict[str | None, str]) -> None:
    element = _add(root, "AnalysisResults")
    for remark in result.remarks:
        _add(element, "Remark", remark)
    if result.started_at:
        _add(element, "AnalysisStartDateTime", result.started_at)
    _add(element, "AnalysisAlgorithmName", result.algorithm)
    version = _add(element, "AnalysisAlgorithmVersion")
    _add(version, "AnalysisAlgorithmComponentName", "screening")
    _add(version, "AnalysisAlgorithmComponentVersion", result.version)
    _add(element, "AnalysisResultStatusCode", "Success" if result.is_success else "Failure")
    _add(element, "AnalysisResultDescription", result.description)
    for alarm in result.alarms:
        wanted = "Neutron" if alarm.category == "Neutron" else "Gamma"
        reference = detectors.get(wanted) or next(iter(detectors.values()))
        item = _add(element, "RadAlarm", radDetectorInformationReferences=reference)
        _add(item, "RadAlarmCategoryCode", alarm.category)
        _add(item, "RadAlarmDescription", _ALARM_PREFIX + alarm.text)
    if result.nuclides:
        named = _add(element, "NuclideAnalysisResults")
        for nuclide in result.nuclides:
            _nuclide(named, nuclide)
    for fault in result.faults:
        item = _add(element, "Fault")
        _add(item, "FaultCodeValue", fault.code)
        _add(item, "FaultDescription", fault.text)
        _add(item, "FaultSeverityCode", fault.severity)


def _nuclide(parent: etree._Element, nuclide: ResultNuclide) -> None:
    element = _add(parent, "Nuclide")
    _add(element, "NuclideIdentifiedIndicator", "true")
    _add(element, "NuclideName", nuclide.name)
    confidence = nuclide.confidence
    if confidence is not None and math.isfinite(confidence) and 0.0 <= confidence <= 1.0:
        _add(element, "NuclideIDConfidenceValue", f"{100.0 * confidence:.6g}")
    else:
        _add(element, "NuclideIDConfidenceDescription", "not stated")
    if nuclide.category:
        _add(element, "NuclideCategoryDescription", nuclide.category)


def _read(element: etree._Element) -> AnalysisResult:
    version = children(element, "AnalysisAlgorithmVersion")
    found = [
        item for group in children(element, "NuclideAnalysisResults") for item in children(group, "Nuclide")
    ]
    return AnalysisResult(
        algorithm=text_of(element, "AnalysisAlgorithmName") or "",
        version=(text_of(version[0], "AnalysisAlgorithmComponentVersion") or "") if version else "",
        is_success=text_of(element, "AnalysisResultStatusCode") == "Success",
        description=text_of(element, "AnalysisResultDescription") or "",
        started_at=text_of(element, "AnalysisStartDateTime"),
        remarks=tuple((remark.text or "").strip() for remark in children(element, "Remark")),
        alarms=tuple(_read_alarm(alarm) for alarm in children(element, "RadAlarm")),
        nuclides=tuple(
            _read_nuclide(item)
            for item in found
            if text_of(item, "NuclideIdentifiedIndicator") in ("true", "1")
        ),
        faults=tuple(_read_fault(fault) for fault in children(element, "Fault")),
    )


def _read_alarm(element: etree._Element) -> ResultAlarm:
    category = text_of(element, "RadAlarmCategoryCode")
    known = category if category in ("Alpha", "Neutron", "Beta", "Gamma", "Isotope") else "Other"
    text = text_of(element, "RadAlarmDescription") or ""
    return msgspec.convert({"category": known, "text": text.removeprefix(_ALARM_PREFIX)}, ResultAlarm)


def _read_nuclide(element: etree._Element) -> ResultNuclide:
    text = text_of(element, "NuclideIDConfidenceValue")
    try:
        confidence = float(text) / 100.0 if text is not None else None
    except ValueError:
        confidence = None
    if confidence is not None and not (math.isfinite(confidence) and 0.0 <= confidence <= 1.0):
        confidence = None
    return ResultNuclide(
        name=text_of(element, "NuclideName") or "",
        confidence=confidence,
        category=text_of(element, "NuclideCategoryDescription"),
    )


def _read_fault(element: etree._Element) -> ResultFault:
    severity = text_of(element, "FaultSeverityCode")
    known = severity if severity in ("Fatal", "Error", "Warning") else "Error"
    fields = {
        "code": text_of(element, "FaultCodeValue") or "",
        "text": text_of(element, "FaultDescription") or "",
        "severity": known,
    }
    return msgspec.convert(fields, ResultFault)


def _add(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    from lxml import etree

    element = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    for key, value in attributes.items():
        element.set(key, value)
    if text is not None:
        # Reasons come from elsewhere too: a character that XML cannot hold must not lose the document.
        element.text = _NOT_XML.sub("?", text)
    return element

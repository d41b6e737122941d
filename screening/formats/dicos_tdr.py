"""Write and read DICOS threat detection reports (NEMA IIC 1) by pydicom alone.

The set of attributes is the one that an independent reader was measured to ask for. The words of the
standard are closed lists; a report never says CLEAR unless whoever builds it says so.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from screening.errors import ConfigurationError, FormatError
from screening.records import Device

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileDataset

__all__ = ["TDR_STORAGE", "ThreatRegion", "ThreatReport", "read_tdr", "require_pydicom", "write_tdr"]

TDR_STORAGE = "1.2.840.10008.5.1.4.1.1.501.3"
"""SOP class of a threat detection report."""

AlarmDecision = Literal["ALARM", "CLEAR", "UNKNOWN"]
Assessment = Literal["HIGH_THREAT", "THREAT", "NO_THREAT", "UNKNOWN"]
Ability = Literal["NO_INTERFERENCE", "SHIELD"]
TdrType = Literal["MACHINE", "OPERATOR", "AGGREGATE"]

_ALARMING = ("HIGH_THREAT", "THREAT")
_VERSION = "V03"
# What pydicom's dictionary does not know, or knows otherwise than V03 has it.
_META_VERSION = 0x0002_0004
_IMAGE_SCALE = 0x4010_1075
_PROCESSING_START, _PROCESSING_END, _PROCESSING_TIME = 0x4010_1080, 0x4010_1081, 0x4010_1082

_EXPLICIT_LE = "1.2.840.10008.1.2.1"
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


class ThreatRegion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A potential threat object.

    Attributes
    ----------
    assessment : {"HIGH_THREAT", "THREAT", "NO_THREAT", "UNKNOWN"}
        What it was judged to be.
    ability : {"NO_INTERFERENCE", "SHIELD"}
        SHIELD where something hid what is behind it.
    probability : float or None
        0 to 1; None where none was stated.
    category : str
        DICOS threat category.
    text : str
        One line.
    location : str
        Where, for a person.
    box : tuple of four int or None
        Half-open rows and columns (row0, col0, row1, col1), where they are known.
    """

    assessment: Assessment
    ability: Ability
    text: str
    probability: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    category: str = "ANOMALY"
    location: str = ""
    box: tuple[int, int, int, int] | None = None


class ThreatReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A threat detection report.

    Attributes
    ----------
    key : str
        What the identifiers are derived from: the same key gives the same ones.
    study_key, series_key : str
        The same for study and series.
    decision : {"ALARM", "CLEAR", "UNKNOWN"}
        The alarm decision.
    tdr_type : {"MACHINE", "OPERATOR", "AGGREGATE"}
        Whether a machine, a person, or several together reported.
    decided_at : datetime
        When, UTC.
    scanned_at : datetime or None
        Start of the scan; that of the decision where it is not known.
    calibrated_at : datetime or None
        Last calibration; 1970-01-01 where it is not known.
    object_id : str
        What was examined: the container number.
    institution, address, station : str
        Where.
    device : Device
        The scanner.
    software : str
        Version of what analysed.
    algorithms : tuple of str
        Algorithms and versions.
    regions : tuple of ThreatRegion
        Potential threat objects.
    remarks : tuple of str
        Further lines, EXERCISE first where it is one.
    is_further_screened : bool
        Whether additional screening was done.
    is_operational : bool
        False for a test or an exercise.
    operators : tuple of str
        Pseudonyms of the officers who concluded; an OPERATOR's report names at least one.
    processing_ms : float
        Time the analysis took.
    """

    key: str
    study_key: str
    series_key: str
    decision: AlarmDecision
    tdr_type: TdrType
    decided_at: datetime
    object_id: str
    scanned_at: datetime | None = None
    calibrated_at: datetime | None = None
    institution: str = "unknown"
    address: str = "unknown"
    station: str = "unknown"
    device: Device = Device()
    software: str = "unknown"
    algorithms: tuple[str, ...] = ()
    regions: tuple[ThreatRegion, ...] = ()
    remarks: tuple[str, ...] = ()
    is_further_screened: bool = False
    is_operational: bool = True
    operators: tuple[str, ...] = ()
    processing_ms: float = 0.0

    def __post_init__(self) -> None:
        if self.tdr_type == "OPERATOR" and not self.operators:
            raise ValueError("a report of an operator names one")
        if self.decision == "ALARM" and not any(region.assessment in _ALARMING for region in self.regions):
            raise ValueError("ALARM, and no region that was judged to be a threat")
        if self.decision == "CLEAR" and not self.is_operational:
            raise ValueError("a test or an exercise never clears anything")
        if self.decision == "CLEAR" and any(region.assessment != "NO_THREAT" for region in self.regions):
            raise ValueError("CLEAR, and a region that was not judged to be no threat")


def write_tdr(report: ThreatReport) -> bytes:
    """Return a report as a DICOS file.

    Parameters
    ----------
    report : ThreatReport
        The report.

    Returns
    -------
    bytes
        Explicit little endian; the same report gives the same bytes.

    Raises
    ------
    ConfigurationError
        If pydicom is not installed.
    """
    pydicom = _pydicom()
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID

    instance = _uid("instance", report.key)
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = UID(TDR_STORAGE)
    meta.MediaStorageSOPInstanceUID = UID(instance)
    meta.TransferSyntaxUID = UID(_EXPLICIT_LE)
    meta.ImplementationClassUID = UID(_uid("implementation", "screening"))
    meta.ImplementationVersionName = "SCREENING"
    meta.add_new(_META_VERSION, "CS", _VERSION)
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    _identify(dataset, report, instance)
    _describe(dataset, report)
    dataset.ThreatSequence = [_threat(i, region, report) for i, region in enumerate(report.regions, start=1)]
    target = io.BytesIO()
    pydicom.dcmwrite(target, dataset, enforce_file_format=True)
    return target.getvalue()


def read_tdr(data: bytes) -> FileDataset:
    """Return a report as a pydicom data set.

    Parameters
    ----------
    data : bytes
        The file. It is foreign bytes: read what is not ours in a child process.

    Returns
    -------
    pydicom.dataset.FileDataset
        The data set.

    Raises
    ------
    FormatError
        If it is no threat detection report.
    """
    pydicom = _pydicom()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a file that lacks something says so by lacking it
            dataset = pydicom.dcmread(io.BytesIO(data))
        kind = str(dataset.SOPClassUID)
    except (pydicom.errors.InvalidDicomError, AttributeError, ValueError, EOFError) as error:
        raise FormatError(f"no DICOS file: {error}") from None
    if kind != TDR_STORAGE:
        raise FormatError(f"no threat detection report: its SOP class is {kind}", value=kind)
    return dataset  # type: ignore[no-any-return]


def _identify(dataset: Dataset, report: ThreatReport, instance: str) -> None:
    decided = report.decided_at.astimezone(UTC)
    scanned = (report.scanned_at or report.decided_at).astimezone(UTC)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = _date(decided), _time(decided)
    dataset.SOPClassUID, dataset.SOPInstanceUID = TDR_STORAGE, instance
    dataset.StudyDate, dataset.StudyTime = _date(scanned), _time(scanned)
    dataset.SeriesDate, dataset.SeriesTime = _date(decided), _time(decided)
    dataset.ContentDate, dataset.ContentTime = _date(decided), _time(decided)
    dataset.Modality = "TDR"
    dataset.StudyInstanceUID = _uid("study", report.study_key)
    dataset.SeriesInstanceUID = _uid("series", report.series_key)
    dataset.FrameOfReferenceUID = _uid("frame", report.study_key)
    dataset.StudyID, dataset.InstanceNumber = "1", 1
    dataset.PositionReferenceIndicator = ""
    study = _dataset()
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = TDR_STORAGE, _uid("study", report.study_key)
    dataset.ReferencedStudySequence = [study]
    dataset.PatientID = _one_line(report.object_id)
    dataset.IssuerOfPatientID, dataset.TypeOfPatientID = "ISO 6346", "TEXT"


def _describe(dataset: Dataset, report: ThreatReport) -> None:
    calibrated = (report.calibrated_at or _NO_TIME).astimezone(UTC)
    device = report.device
    dataset.Manufacturer = _one_line(device.make or "unknown")
    dataset.ManufacturerModelName = _one_line(device.model or "unknown")
    dataset.DeviceSerialNumber = _one_line(device.serial or "unknown")
    dataset.InstitutionName, dataset.InstitutionAddress = (
        _one_line(report.institution),
        _one_line(report.address, 1024),
    )
    dataset.StationName = _one_line(report.station, 16)
    dataset.SoftwareVersions = _one_line(report.software)
    dataset.DateOfLastCalibration, dataset.TimeOfLastCalibration = _date(calibrated), _time(calibrated)
    dataset.DICOSVersion = _VERSION
    dataset.OOIType = "CARGO"
    dataset.AcquisitionStatus = "SUCCESSFUL"
    dataset.ScanType = "OPERATIONAL" if report.is_operational else "NON_OPERATIONAL"
    # A double in V03 of the standard, where pydicom's dictionary still has a decimal string.
    dataset.add_new(_IMAGE_SCALE, "FD", 1.0)
    dataset.AlarmDecision = report.decision
    decided = report.decided_at.astimezone(UTC)
    dataset.AlarmDecisionTime = f"{_date(decided)}{_time(decided)}"
    dataset.AbortFlag = "SUCCESS"
    dataset.TDRType = report.tdr_type
    # Readers of a machine's report ask for a name and a version, whatever else follows.
    algorithms = ["screening", report.software, *report.algorithms]
    dataset.ThreatDetectionAlgorithmAndVersion = [_one_line(text) for text in algorithms]
    dataset.TotalProcessingTime = report.processing_ms
    dataset.NumberOfTotalObjects = len(report.regions)
    dataset.NumberOfAlarmObjects = sum(region.assessment in _ALARMING for region in report.regions)
    dataset.AdditionalScreeningPerformed = "YES" if report.is_further_screened else "NO"
    if report.is_further_screened:
        # Of the standard's words (RANDOM, BEHAVIORAL, ALL) the one that is true: whoever is in doubt.
        dataset.AdditionalInspectionSelectionCriteria = "ALL"
    if report.operators:
        dataset.OperatorIdentificationSequence = [_operator(name, report) for name in report.operators]
    if report.remarks:
        dataset.ImageComments = "\n".join(report.remarks)[:10240]


def _threat(number: int, region: ThreatRegion, report: ThreatReport) -> Dataset:
    assessment = _dataset()
    assessment.ThreatCategory = region.category
    assessment.ThreatCategoryDescription = region.text[:10240]
    assessment.ATDAbilityAssessment = region.ability
    assessment.ATDAssessmentFlag = region.assessment
    if region.probability is not None:
        assessment.ATDAssessmentProbability = region.probability
    item = _dataset()
    item.PotentialThreatObjectID = number
    item.ATDAssessmentSequence = [assessment]
    place = _dataset()
    if region.location:
        place.PTOLocationDescription = region.location[:1024]
    if region.box is not None:
        row0, col0, row1, col1 = region.box
        corners = ((col0, row0), (col1, row0), (col1, row1), (col0, row1))
        place.BoundingPolygon = [float(value) for x, y in corners for value in (x, y, 0)]
        voxels = _dataset()
        voxels.ThreatROIBase = [float(col0), float(row0), 0.0]
        voxels.ThreatROIExtents = [float(col1 - col0), float(row1 - row0), 1.0]
        voxels.ThreatROIBitmap = b""  # the whole box
        place.ThreatROIVoxelSequence = [voxels]
    item.PTORepresentationSequence = [place]
    at = report.decided_at.astimezone(UTC)
    item.add_new(_PROCESSING_START, "DT", f"{_date(at)}{_time(at)}")
    item.add_new(_PROCESSING_END, "DT", f"{_date(at)}{_time(at)}")
    item.add_new(_PROCESSING_TIME, "FL", report.processing_ms)
    return item


def _operator(name: str, report: ThreatReport) -> Dataset:
    codes = []
    for value, meaning in ((_one_line(name, 16), "identifier"), ("PSEUDONYM", "type of the identifier")):
        code = _dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "99SCREENING", meaning
        codes.append(code)
    operator = _dataset()
    operator.PersonIdentificationCodeSequence = codes
    operator.InstitutionName = _one_line(report.institution)
    return operator


def _dataset() -> Dataset:
    from pydicom.dataset import Dataset

    return Dataset()


def require_pydicom() -> None:
    """Say at once, and not with the first report, that reports cannot be written here.

    Raises
    ------
    ConfigurationError
        If pydicom is not installed.
    """
    _pydicom()


def _pydicom() -> Any:
    try:
        import pydicom
    except ImportError:
        raise ConfigurationError("DICOS needs pydicom: pip install 'screening[dicos]'") from None
    return pydicom


def _uid(kind: str, key: str) -> str:
    """Return a UID under 2.25 (ITU-T X.667): a UUID, here made from a hash, as one number."""
    digest = bytearray(hashlib.sha256(f"screening/{kind}/{key}".encode()).digest()[:16])
    digest[6] = (digest[6] & 0x0F) | 0x80
    digest[8] = (digest[8] & 0x3F) | 0x80
    return f"2.25.{int.from_bytes(digest, 'big')}"


def _one_line(text: str, limit: int = 64) -> str:
    """Return a text without what DICOS reads otherwise: a backslash parts values."""
    return "".join(letter if letter.isprintable() else " " for letter in text.replace("\\", "/"))[:limit]


def _date(t: datetime) -> str:
    return t.strftime("%Y%m%d")


def _time(t: datetime) -> str:
    return t.strftime("%H%M%S.%f")

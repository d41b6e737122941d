"""Decisions as DICOS threat detection reports: complete, and CLEAR only where everything is."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime

import msgspec
import pytest

from screening.clearance.sinks import SinkContext
from screening.clearance.sinks.sample_messages import sample_context, sample_decision, sample_flag
from screening.clearance.sinks.sink import Told, told_by
from screening.clearance.sinks.tdr import TdrSink, threat_report
from screening.errors import FormatError
from screening.formats.dicos_tdr import ThreatRegion, ThreatReport, read_tdr, write_tdr
from screening.records import (
    Action,
    Adjudication,
    CaseInputs,
    FlagModality,
    Level,
    OperatingMode,
    Reason,
    ReasonCode,
)

pydicom = pytest.importorskip("pydicom")
KEY = "cd" * 32
CLEARED = CaseInputs(targeting=Level.LOW, seal="VERIFIED", radiation=Level.LOW, transit="NOT_MOVED")


def reason(code: ReasonCode, level: Level | None, **params: str) -> Reason:
    return Reason(code=code, level=level, text="said", params=params, evidence_ref="regions/0")


def concluded(flag, code):
    return Adjudication(
        officer_ref="o", flag_id=flag.flag_id, code=code, basis="MEASUREMENT", at="2026-03-01T12:00:00Z"
    )


def report_of(risk, action, *flags, missing=(), inputs=CLEARED, **changes):
    decision = sample_decision(risk, action, flags, inputs=inputs, **changes)
    return threat_report(Told(decision, tuple(flags), tuple(missing)), key=KEY)


GOOD = sample_flag(FlagModality.RAD_GROSS)
PICTURE = sample_flag(
    FlagModality.XRAY,
    (
        reason(
            ReasonCode.IMG_THREAT, Level.HIGH, probability="0.91", row0="10", col0="20", row1="30", col1="60"
        ),
        reason(ReasonCode.IMG_SHIELDED, Level.UNKNOWN, row="7", column="9"),
        reason(ReasonCode.IMG_MANIFEST_MISMATCH, None),
    ),
)
NORM = sample_flag(FlagModality.RAD_SPECTRAL, (reason(ReasonCode.RAD_NUCLIDE_NORM, Level.UNKNOWN),))


def test_what_a_picture_shows_becomes_regions():
    report = report_of(Level.HIGH, Action.HOLD, PICTURE)
    threat, shielded = report.regions
    assert (threat.assessment, threat.ability, threat.probability) == ("THREAT", "NO_INTERFERENCE", 0.91)
    assert threat.box == (10, 20, 30, 60)
    assert (shielded.assessment, shielded.ability, shielded.probability) == ("UNKNOWN", "SHIELD", None)
    assert shielded.location == "row 7, column 9, regions/0"
    assert (report.decision, report.tdr_type) == ("ALARM", "MACHINE")


def test_an_alarm_that_no_flag_raised_is_about_the_decision():
    (region,) = report_of(Level.HIGH, Action.HOLD, GOOD, reason_codes=(ReasonCode.SEAL_BROKEN,)).regions
    assert (region.assessment, region.text) == ("THREAT", "decision HOLD: SEAL_BROKEN")


def test_severe_radiation_is_a_high_threat():
    neutrons = sample_flag(
        FlagModality.NEUTRON, (reason(ReasonCode.RAD_NEUTRON, Level.HIGH),), is_severe=True
    )
    assert report_of(Level.HIGH, Action.HOLD, neutrons).regions[0].assessment == "HIGH_THREAT"


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("risk", Level)
@pytest.mark.parametrize("is_exercise", [False, True])
@pytest.mark.parametrize("missing", [(), ("f" * 64,)])
def test_clear_is_said_where_everything_is_clear_and_nowhere_else(action, risk, is_exercise, missing):
    report = report_of(risk, action, GOOD, missing=missing, is_exercise=is_exercise)
    is_clearing = action in (Action.ACCEPT, Action.CLEARED_FOR_DEPARTURE)
    is_clear = risk is Level.LOW and is_clearing and not is_exercise and not missing
    assert (report.decision == "CLEAR") == is_clear
    assert (report.decision == "ALARM") == (risk is Level.HIGH)
    assert report.is_operational != is_exercise
    assert report.remarks[0].startswith("EXERCISE") == is_exercise


@pytest.mark.parametrize(
    ("changes", "assessment", "decision"),
    [
        ({}, "NO_THREAT", "CLEAR"),  # the policy called NORM LOW
        ({"inputs": CaseInputs(radiation=Level.UNKNOWN)}, "UNKNOWN", "UNKNOWN"),
        ({"inputs": CaseInputs(destuff="CLEAN")}, "UNKNOWN", "UNKNOWN"),  # emptying explains no alarm
        ({"inputs": CaseInputs(destuff="CLEAN", remeasured="LOW")}, "NO_THREAT", "CLEAR"),
        ({"adjudications": (concluded(NORM, 4),)}, "NO_THREAT", "CLEAR"),
        ({"adjudications": (concluded(NORM, 6),)}, "UNKNOWN", "UNKNOWN"),
        ({"adjudications": (concluded(NORM, 4), concluded(NORM, 1))}, "UNKNOWN", "UNKNOWN"),
    ],
)
def test_a_doubt_is_no_threat_only_where_the_decision_says_what_resolved_it(changes, assessment, decision):
    report = report_of(Level.LOW, Action.ACCEPT, NORM, **changes)
    assert (report.regions[0].assessment, report.decision) == (assessment, decision)


@pytest.mark.parametrize(
    ("flags", "adjudications", "kind"),
    [
        ((GOOD,), (), "MACHINE"),
        ((), (concluded(GOOD, 4),), "OPERATOR"),
        ((GOOD,), (concluded(GOOD, 4),), "AGGREGATE"),
        ((GOOD, PICTURE), (), "AGGREGATE"),
    ],
)
def test_who_reported(flags, adjudications, kind):
    assert report_of(Level.HIGH, Action.HOLD, *flags, adjudications=adjudications).tdr_type == kind


@pytest.mark.parametrize(
    "params",
    [
        {"row0": "5", "col0": "5", "row1": "5", "col1": "9"},
        {"row0": "-1", "col0": "0", "row1": "5", "col1": "9"},
        {"row0": "x", "col0": "0", "row1": "5", "col1": "9"},
        {"row0": "0", "col0": "0", "row1": "5", "col1": "99999999999"},
        {"row0": "0"},
    ],
)
def test_a_box_that_is_none_is_left_out(params):
    flag = sample_flag(FlagModality.XRAY, (reason(ReasonCode.IMG_THREAT, Level.HIGH, **params),))
    assert report_of(Level.HIGH, Action.HOLD, flag).regions[0].box is None


@pytest.mark.parametrize("stated", ["1.2", "-0.1", "nan", "none", "most likely"])
def test_a_probability_that_is_none_is_left_out(stated):
    flag = sample_flag(FlagModality.XRAY, (reason(ReasonCode.IMG_THREAT, Level.HIGH, probability=stated),))
    assert report_of(Level.HIGH, Action.HOLD, flag).regions[0].probability is None


def test_the_record_itself_refuses_a_wrong_clear():
    fields = {"key": "k", "study_key": "s", "series_key": "s", "decision": "CLEAR", "tdr_type": "MACHINE",
              "decided_at": datetime(2026, 3, 1, tzinfo=UTC), "object_id": "CSQU3054383"}  # fmt: skip
    ThreatReport(**fields)
    with pytest.raises(ValueError, match="never clears"):
        ThreatReport(**fields, is_operational=False)
    with pytest.raises(ValueError, match="names one"):
        ThreatReport(**{**fields, "tdr_type": "OPERATOR"})
    with pytest.raises(ValueError, match="judged to be a threat"):
        ThreatReport(**{**fields, "decision": "ALARM"})
    with pytest.raises(ValueError, match="no threat"):
        ThreatReport(**fields, regions=(ThreatRegion(assessment="UNKNOWN", ability="SHIELD", text=""),))


def test_pydicom_reads_what_was_written():
    data = write_tdr(report_of(Level.HIGH, Action.HOLD, PICTURE, GOOD))
    read = pydicom.dcmread(io.BytesIO(data))
    assert (read.AlarmDecision, read.TDRType, read.OOIType) == ("ALARM", "AGGREGATE", "CARGO")
    assert (read.NumberOfTotalObjects, read.NumberOfAlarmObjects) == (2, 1)
    assert (read.PatientID, read.DeviceSerialNumber) == ("CSQU3054383", "0042")
    first = read.ThreatSequence[0]
    assert first.ATDAssessmentSequence[0].ATDAssessmentFlag == "THREAT"
    assert first.ATDAssessmentSequence[0].ATDAssessmentProbability == pytest.approx(0.91)
    polygon = list(first.PTORepresentationSequence[0].BoundingPolygon)
    assert polygon == [20, 10, 0, 60, 10, 0, 60, 30, 0, 20, 30, 0]
    assert "action HOLD" in read.ImageComments


@pytest.mark.shared
@pytest.mark.parametrize("flags", [(), (PICTURE,)])
def test_every_attribute_that_a_reader_asks_for_is_there(flags, shared_data):
    text = (shared_data / "xray" / "dicos_required_attributes.txt").read_text(encoding="utf-8")
    wanted = re.findall(r"^\(([0-9A-F]{4}),([0-9A-F]{4})\)", text.split("[TDR]")[1], re.MULTILINE)
    assert len(wanted) > 30
    read = pydicom.dcmread(io.BytesIO(write_tdr(report_of(Level.UNKNOWN, Action.REFER_NII, *flags))))
    missing = [
        f"{group},{element}" for group, element in wanted if (int(group, 16), int(element, 16)) not in read
    ]
    assert missing == []


def test_the_same_decision_gives_the_same_bytes(make_settings, messages, tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        settings = make_settings("tdr", folder=str(tmp_path / folder), institution="Example Port")
        for message in messages:
            if message.kind == "clearance/1":
                TdrSink(settings, sample_context()).deliver(message)
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / f).iterdir()} for f in ("one", "two"))
    assert one == two
    assert len({read_tdr(data).SOPInstanceUID for data in one.values()}) == len(one) == 4


def test_every_sample_is_reported_as_it_is(messages):
    decisions = {}
    for message in messages:
        if message.kind == "clearance/1":
            told = told_by(message, sample_context())
            decisions[told.decision.risk, told.decision.is_exercise] = threat_report(
                told, key=message.key
            ).decision
    assert decisions == {
        (Level.LOW, False): "CLEAR",
        (Level.UNKNOWN, False): "UNKNOWN",
        (Level.HIGH, False): "ALARM",
        (Level.LOW, True): "UNKNOWN",
    }


def test_without_its_evidence_nothing_is_clear(messages):
    told = told_by(messages[0], SinkContext())
    assert threat_report(told, key=KEY).decision == "UNKNOWN"


@pytest.mark.parametrize("data", [b"", b"not dicom", b"\0" * 128 + b"DICM" + b"\xff" * 40])
def test_what_is_no_report_is_refused(data):
    with pytest.raises(FormatError):
        read_tdr(data)


def test_texts_from_elsewhere_are_kept_within_their_bounds():
    flag = sample_flag(
        FlagModality.XRAY, (reason(ReasonCode.IMG_THREAT, Level.HIGH),), mode=OperatingMode.OPS
    )
    device = msgspec.structs.replace(flag.device, make="Ä" * 200, model="a\\b", serial=None)
    report = msgspec.structs.replace(
        report_of(Level.HIGH, Action.HOLD, flag), device=device, station="s" * 99
    )
    read = read_tdr(write_tdr(report))
    assert read.Manufacturer == "Ä" * 64
    assert (read.ManufacturerModelName, read.DeviceSerialNumber) == ("a/b", "unknown")


@pytest.mark.parametrize(
    ("report", "decision", "kind", "assessments"),
    [
        (report_of(Level.HIGH, Action.HOLD, PICTURE, GOOD), "Alarm", "Aggregate", ["Threat", "Unknown"]),
        (report_of(Level.LOW, Action.ACCEPT, GOOD), "Clear", "Machine", []),
        (report_of(Level.LOW, Action.ACCEPT, GOOD, is_exercise=True), "UnknownAlarmDecision", "Machine", []),
        (report_of(Level.UNKNOWN, Action.REFER_NII, NORM), "UnknownAlarmDecision", "Machine", ["Unknown"]),
        (report_of(Level.HIGH, Action.HOLD), "Alarm", "Machine", ["Threat"]),
        (
            report_of(Level.HIGH, Action.HOLD, adjudications=(concluded(GOOD, 1),)),
            "Alarm",
            "Operator",
            ["Threat"],
        ),
    ],
)
def test_pydicos_reads_what_was_written(report, decision, kind, assessments, tmp_path):
    pydicos = pytest.importorskip("pyDICOS")
    path = tmp_path / "report.dcs"
    path.write_bytes(write_tdr(report))
    read, log = pydicos.TDR(), pydicos.ErrorLog()
    assert read.Read(pydicos.Filename(str(path)), log, None), log.GetErrorLog().Get()
    assert read.GetAlarmDecision().name == f"enum{decision}"
    assert read.GetTDRType().name == f"enum{kind}"
    assert read.GetNumPTOs() == len(assessments)
    for number, assessment in enumerate(assessments, start=1):
        assert read.GetPTOAssessmentFlag(number, 0).name == f"enum{assessment}"
    if "Unknown" in assessments and len(assessments) == 2:
        assert read.GetPTOAssessmentAbility(2, 0).name == "enumShield"
        assert read.GetPTOAssessmentProbability(1, 0) == pytest.approx(0.91)

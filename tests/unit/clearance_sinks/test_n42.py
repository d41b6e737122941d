"""Decisions as N42: valid, read back by us and by others, and never clearer than they are."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
from lxml import etree

from screening.clearance.sinks import SinkContext, SinkError
from screening.clearance.sinks.n42 import N42Sink, n42_document, result_of_flag, results_of
from screening.clearance.sinks.sample_messages import (
    SampleMessage,
    sample_context,
    sample_decision,
    sample_flag,
)
from screening.clearance.sinks.sink import Told, told_by
from screening.formats.n42 import read_n42
from screening.formats.n42_results import (
    AnalysisResult,
    ResultAlarm,
    ResultFault,
    ResultNuclide,
    read_results,
    write_results,
)
from screening.records import (
    Action,
    Background,
    FlagGate,
    FlagModality,
    Level,
    Occupancy,
    OperatingMode,
    Reason,
    ReasonCode,
    Scan,
    ScanIdentity,
)

KEY = "ab" * 32


def reason(code: ReasonCode, level: Level | None, text: str = "said", **params: str) -> Reason:
    return Reason(code=code, level=level, text=text, params=params)


@pytest.fixture(scope="module")
def scan() -> Scan:
    rng = np.random.default_rng(7)
    edges = np.vstack([np.linspace(0.0, 3000.0, 65)] * 2)
    spectra = rng.poisson(3.0, (6, 2, 64)).astype(np.uint32)
    return Scan(
        identity=ScanIdentity(
            scan_id="0192f0c0-0000-7000-8000-000000000001",
            container_id="CSQU3054383",
            t_start_utc=datetime(2026, 3, 1, 11, 58, tzinfo=UTC),
        ),
        payload=Occupancy(
            kind="occupancy",
            interval_s=np.full(6, 0.2),
            t_s=np.arange(6) / 5.0,
            panel_ids=("A", "B"),
            gamma_counts=spectra.sum(axis=2).astype(np.int64),
            live_time_s=np.full((6, 2), 0.19),
            spectra=spectra,
            energy_edges_kev=edges,
            background=Background(
                gamma_cps=np.array([190.0, 190.0]),
                live_time_s=60.0,
                spectra=rng.poisson(180.0, (2, 64)).astype(np.float64),
                energy_edges_kev=edges,
                t_end_utc=datetime(2026, 3, 1, 11, 57, tzinfo=UTC),
            ),
        ),
    )


@pytest.fixture
def told() -> Told:
    gamma = sample_flag(
        FlagModality.RAD_GROSS,
        (reason(ReasonCode.RAD_GAMMA_NSIGMA, Level.HIGH, "8.1 sigma & <loud>"),),
        gates=(FlagGate(name="speed", passed=False, value="3.1", limit="2.5"),),
    )
    spectral = sample_flag(
        FlagModality.RAD_SPECTRAL,
        (reason(ReasonCode.RAD_NUCLIDE_INDUSTRIAL, Level.HIGH, nuclide="Cs-137"),),
        labels={"Cs-137": "0.975", "K-40": "nan"},
    )
    return Told(sample_decision(Level.HIGH, Action.HOLD, (gamma, spectral)), (gamma, spectral), ())


def test_a_decision_and_its_flags_are_read_back(told):
    document = n42_document(told, key=KEY)
    assert read_results(document, name="x.n42") == results_of(told)
    decision, gamma, spectral = results_of(told)
    assert "container CSQU3054383; risk HIGH; action HOLD" in decision.description
    assert f"decision {told.decision.decision_id}" in decision.remarks
    assert "niem:ThreatLevelCode High" in decision.remarks
    assert decision.started_at == told.decision.decided_at
    assert gamma.alarms == (ResultAlarm(category="Gamma", text="8.1 sigma & <loud>"),)
    assert gamma.faults == (ResultFault(code="speed", text="gate failed: 3.1 against a limit of 2.5"),)
    assert spectral.nuclides == (
        ResultNuclide(name="Cs-137", confidence=0.975, category="industrial"),
        ResultNuclide(name="K-40", confidence=None),
    )


def test_with_the_scan_the_measurements_are_those_of_the_scan(told, scan):
    document = n42_document(told, key=KEY, scan=scan)
    (back,) = read_n42(document, name="x.n42")
    np.testing.assert_array_equal(back.payload.spectra, scan.payload.spectra)
    np.testing.assert_array_equal(back.payload.background.spectra, scan.payload.background.spectra)
    np.testing.assert_allclose(back.payload.energy_edges_kev, scan.payload.energy_edges_kev)
    assert back.payload.device_alarms == ()  # ours are not the instrument's
    assert read_results(document, name="x.n42") == results_of(told)


def test_specutils_reads_measurements_and_results(told, scan, tmp_path):
    spec_utils = pytest.importorskip("SpecUtils")
    path = tmp_path / "decision.n42"
    path.write_bytes(n42_document(told, key=KEY, scan=scan))
    file = spec_utils.SpecFile()
    file.loadFile(str(path), spec_utils.ParserType.N42_2012)
    counted = sum(
        np.asarray(m.gammaCounts()).sum()
        for m in file.measurements()
        if "ackground" not in str(m.sourceType())
    )
    assert counted == scan.payload.spectra.sum()
    assert file.uuid() == str(etree.fromstring(path.read_bytes()).get("n42DocUUID"))


@pytest.mark.shared
def test_documents_validate_against_the_schema(told, scan, shared_data):
    schema = etree.XMLSchema(etree.parse(shared_data / "schema" / "n42.xsd"))
    documents = [n42_document(told, key=KEY), n42_document(told, key=KEY, scan=scan)]
    odd = sample_flag(
        FlagModality.XRAY, (reason(ReasonCode.IMG_THREAT, Level.HIGH, "bad \x00\x1b\x0b\ufffe text"),)
    )
    documents.append(n42_document(Told(told.decision, (odd,), ("f" * 64,)), key=KEY))
    neutron = sample_flag(FlagModality.NEUTRON, (reason(ReasonCode.RAD_NEUTRON, Level.HIGH),))
    documents.append(n42_document(Told(told.decision, (neutron,), ()), key=KEY, scan=scan))
    for document in documents:
        assert schema.validate(etree.fromstring(document)), schema.error_log.last_error


def test_unknown_without_an_alarm_is_a_failure():
    dead = sample_flag(FlagModality.RAD_GROSS, (reason(ReasonCode.Q_DETECTOR_DEAD, Level.UNKNOWN),))
    result = result_of_flag(dead)
    assert not result.is_success
    assert [fault.code for fault in result.faults] == ["Q_DETECTOR_DEAD"]


@pytest.mark.parametrize(
    ("risk", "missing", "is_exercise", "is_success"),
    [
        (Level.LOW, (), False, True),
        (Level.LOW, ("f",), False, False),
        (Level.LOW, (), True, False),
        (Level.UNKNOWN, (), False, False),
        (Level.HIGH, (), False, True),
        (Level.HIGH, ("f",), True, True),
    ],
)
def test_success_is_said_of_an_answer_alone(risk, missing, is_exercise, is_success):
    decision = sample_decision(risk, Action.ACCEPT, is_exercise=is_exercise)
    result = results_of(Told(decision, (), missing))[0]
    assert result.is_success == is_success
    assert result.description.startswith("EXERCISE") == is_exercise
    assert [fault.code for fault in result.faults].count("EVIDENCE_NOT_AT_HAND") == len(missing)


def test_a_flag_of_an_exercise_says_so():
    drill = sample_flag(
        FlagModality.RAD_GROSS, (reason(ReasonCode.EXERCISE, Level.UNKNOWN),), mode=OperatingMode.EXERCISE
    )
    assert result_of_flag(drill).description.startswith("EXERCISE, never valid for cargo")


def test_a_status_that_is_missing_or_strange_reads_as_a_failure():
    made = AnalysisResult(algorithm="a", version="1", is_success=True, description="d")
    document = write_results([made], document_id="x")
    assert read_results(document, name="x")[0].is_success
    for text in (b"", b"<AnalysisResultStatusCode>success</AnalysisResultStatusCode>"):
        spoiled = document.replace(b"<AnalysisResultStatusCode>Success</AnalysisResultStatusCode>", text)
        assert not read_results(spoiled, name="x")[0].is_success


def test_the_sink_writes_one_file_that_is_the_same_each_time(make_settings, messages, tmp_path):
    sink = N42Sink(make_settings("n42"), sample_context())
    sink.deliver(messages[0])
    (path,) = tmp_path.iterdir()
    first = path.read_bytes()
    path.unlink()
    N42Sink(make_settings("n42"), sample_context()).deliver(messages[0])
    assert path.name == f"clearance-1.{messages[0].key}.n42"
    assert path.read_bytes() == first


def test_the_sink_takes_the_scan_behind_a_radiation_flag(make_settings, messages, tmp_path, scan):
    asked = []
    context = sample_context()
    with_scans = SinkContext(record=context.record, scan=lambda flag: asked.append(flag.modality) or scan)
    N42Sink(make_settings("n42"), with_scans).deliver(messages[0])
    assert asked == [FlagModality.RAD_GROSS]
    (back,) = read_n42(next(tmp_path.iterdir()).read_bytes(), name="x.n42")
    assert back.payload.spectra.sum() == scan.payload.spectra.sum()


def test_evidence_of_other_bytes_than_the_decision_names_counts_as_missing(messages):
    context = sample_context()
    body = next(m.body for m in messages if m.kind == "riskflag/1")
    told = told_by(messages[0], SinkContext(record=lambda sha256: body))
    assert len(told.missing) >= 1
    assert told_by(messages[0], context).missing == ()
    assert told_by(messages[0], SinkContext()).flags == ()


def test_what_is_no_decision_is_refused_for_good():
    with pytest.raises(SinkError) as caught:
        told_by(SampleMessage(key=KEY, container_id="", kind="clearance/1", body=b"{}"), SinkContext())
    assert not caught.value.is_retryable


def test_results_of_documents_by_others_are_read_as_far_as_they_are_understood():
    document = (
        b'<RadInstrumentData xmlns="http://physics.nist.gov/N42/2011/N42"><AnalysisResults><RadAlarm>'
        b"<RadAlarmCategoryCode>Odd</RadAlarmCategoryCode></RadAlarm><NuclideAnalysisResults>"
        b"<Nuclide><NuclideIdentifiedIndicator>false</NuclideIdentifiedIndicator><NuclideName>Co-60</NuclideName></Nuclide>"
        b"<Nuclide><NuclideIdentifiedIndicator>1</NuclideIdentifiedIndicator><NuclideName>Cs-137</NuclideName>"
        b"<NuclideIDConfidenceValue>250</NuclideIDConfidenceValue></Nuclide>"
        b"</NuclideAnalysisResults></AnalysisResults></RadInstrumentData>"
    )
    (result,) = read_results(document, name="x")
    assert result.nuclides == (ResultNuclide(name="Cs-137"),)
    assert result.alarms == (ResultAlarm(category="Other", text=""),)


def test_a_message_is_frozen(messages):
    with pytest.raises(AttributeError):
        messages[0].key = "x"
    assert msgspec.structs.replace(messages[0], attempts=2).attempts == 2

"""N42-2011 and 2012: references by id, boundaries, deviation pairs, occupancy, background."""

from __future__ import annotations

import numpy as np
import pytest

from screening.errors import FormatError
from screening.formats.n42 import read_n42
from screening.records import ReasonCode


def test_static_with_background(documents):
    data = documents.document_2012(
        documents.measurement_2012("b", kind="Background", real="PT100S", live="PT99S", data="10 20 30 40"),
        documents.measurement_2012("f", real="PT10S", live="PT9.9S"),
    )
    (scan,) = read_n42(data, name="x.n42")
    payload = scan.payload
    assert payload.kind == "static"
    assert payload.panel_ids == ("Aa1",)
    assert payload.spectra.tolist() == [[[1, 2, 3, 4]]]
    assert payload.neutron_counts.tolist() == [[1]]
    assert payload.background.gamma_cps.tolist() == [100 / 99]
    assert payload.background.neutron_cps.tolist() == [1 / 100]
    assert scan.identity.device.firmware == "4.2"
    assert scan.identity.device.detector == "NaI"


def test_pass_with_occupancy_speed_fault_and_alarm(documents):
    quiet = documents.measurement_2012(
        "q",
        start="2021-06-01T09:58:00Z",
        real="PT60S",
        state="<OccupancyIndicator>false</OccupancyIndicator>",
    )
    state = (
        '<RadInstrumentState radInstrumentInformationReference="i"><Fault><FaultCodeValue>1</FaultCodeValue>'
        "<FaultDescription>HV low</FaultDescription><FaultSeverityCode>Warning</FaultSeverityCode></Fault>"
        "<Fault><FaultCodeValue>2</FaultCodeValue><FaultDescription>Tamper</FaultDescription>"
        "<FaultSeverityCode>Error</FaultSeverityCode></Fault></RadInstrumentState>"
        '<RadItemState radItemInformationReference="item"><StateVector><SpeedValue>2.5</SpeedValue>'
        "</StateVector></RadItemState><OccupancyIndicator>true</OccupancyIndicator>"
    )
    slices = [
        documents.measurement_2012(
            f"m{i}", start=f"2021-06-01T10:00:0{i}Z", data=f"{i} 2 3 4", code="None", state=state
        )
        for i in range(3)
    ]
    alarm = (
        '<AnalysisResults><RadAlarm radDetectorInformationReferences="g1">'
        "<RadAlarmCategoryCode>Gamma</RadAlarmCategoryCode></RadAlarm></AnalysisResults>"
    )
    (scan,) = read_n42(documents.document_2012(quiet, *slices, alarm), name="x.n42")
    payload = scan.payload
    assert payload.kind == "occupancy"
    assert payload.gamma_counts[:, 0].tolist() == [9, 10, 11]
    assert payload.background.gamma_cps.tolist() == [10 / 0.9]
    assert payload.speed_m_s == 2.5
    assert payload.faults == ("HV low",)
    assert payload.is_tampered
    assert payload.device_alarms == ("gamma",)


def test_detectors_written_one_by_one_are_one_interval(documents):
    other = documents.measurement_2012("h", data="5 6 7 8").replace('"g1"', '"g9"')
    other = other[: other.index("<GrossCounts")] + "</RadMeasurement>"
    (scan,) = read_n42(documents.document_2012(documents.measurement_2012("f"), other), name="x.n42")
    assert scan.payload.panel_ids == ("Aa1", "g9")
    assert scan.payload.gamma_counts.tolist() == [[10, 26]]


def test_boundaries_and_deviations(documents):
    (scan,) = read_n42(documents.document_2012(documents.measurement_2012("f", cal="cb")), name="x")
    assert scan.payload.energy_edges_kev.tolist() == [[0, 100, 250, 500, 1000]]
    (scan,) = read_n42(documents.document_2012(documents.measurement_2012("f", cal="cd")), name="x")
    assert scan.payload.energy_edges_kev.tolist() == [[0, 110, 220, 320, 420]]


def test_more_coefficients_than_the_schema_allows_are_read(documents):
    (scan,) = read_n42(documents.document_2012(documents.measurement_2012("f"), extra="2 1"), name="x")
    channel = np.arange(5.0)
    np.testing.assert_allclose(scan.payload.energy_edges_kev[0], 300 * channel + 2 * channel**3 + channel**4)
    assert any("5 coefficients" in note.text for note in scan.notes)


def test_dangling_reference_is_no_calibration(documents):
    (scan,) = read_n42(documents.document_2012(documents.measurement_2012("f", cal="nowhere")), name="x")
    assert scan.payload.energy_edges_kev is None
    assert [note.reason for note in scan.notes] == [ReasonCode.CAL_MISSING]


def test_duplicate_id_is_refused(documents):
    data = documents.document_2012(documents.measurement_2012("f"), documents.measurement_2012("f"))
    with pytest.raises(FormatError, match=r"^x\.n42: the id 'f' occurs twice"):
        read_n42(data, name="x.n42")


def test_calibration_measurements_are_not_cargo(documents):
    data = documents.document_2012(
        documents.measurement_2012("c", kind="Calibration", data="900 900 900 900"),
        documents.measurement_2012("a", kind="IntrinsicActivity", data="900 900 900 900"),
        documents.measurement_2012("f"),
    )
    (scan,) = read_n42(data, name="x")
    assert scan.payload.gamma_counts.tolist() == [[10]]
    assert any("2 calibration" in note.text for note in scan.notes)


def test_file_with_background_alone_is_still_a_scan(documents):
    (scan,) = read_n42(documents.document_2012(documents.measurement_2012("b", kind="Background")), name="x")
    assert scan.payload.gamma_counts.tolist() == [[10]]
    assert scan.payload.background is None


def test_gross_counts_only(documents):
    data = documents.document_2012(documents.measurement_2012("f"))
    start, end = data.index(b"<Spectrum"), data.index(b"</Spectrum>") + 11
    gross = (
        b'<GrossCounts id="gg" radDetectorInformationReference="g1"><LiveTimeDuration>PT1S</LiveTimeDuration>'
        b"<CountData>120 30</CountData></GrossCounts>"
    )
    (scan,) = read_n42(data[:start] + gross + data[end:], name="x")
    assert scan.payload.gamma_counts.tolist() == [[150]]
    assert scan.payload.spectra is None
    assert scan.payload.energy_edges_kev is None


def test_gross_counts_beside_spectra_are_not_silently_dropped(documents):
    gross = (
        '<GrossCounts id="gg" radDetectorInformationReference="pvt"><LiveTimeDuration>PT1S</LiveTimeDuration>'
        "<CountData>120</CountData></GrossCounts>"
    )
    (scan,) = read_n42(documents.document_2012(documents.measurement_2012("f", state=gross)), name="x")
    assert ReasonCode.Q_COVERAGE in [note.reason for note in scan.notes]


def test_clock_that_was_never_set(documents):
    data = documents.document_2012(documents.measurement_2012("f", start="1970-01-01T00:00:05Z"))
    (scan,) = read_n42(data, name="x")
    assert scan.identity.t_start_utc is None
    assert any("never set" in note.text for note in scan.notes)


def test_time_without_zone_is_said(documents):
    data = documents.document_2012(documents.measurement_2012("f", start="2021-06-01T10:00:00"))
    (scan,) = read_n42(data, name="x")
    assert scan.identity.t_start_utc.isoformat() == "2021-06-01T10:00:00+00:00"
    assert any("zone" in note.text for note in scan.notes)

"""N42-2006: portals, handhelds, minimal files."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from screening.errors import FormatError
from screening.formats.n42 import read_background, read_n42
from screening.records import ReasonCode


def test_portal_becomes_one_occupancy(documents):
    (scan,) = read_n42(documents.portal_2006(), name="pass.n42")
    payload = scan.payload
    assert payload.kind == "occupancy"
    assert payload.panel_ids == ("A1", "A2")
    assert payload.gamma_counts.shape == (5, 2)
    assert payload.gamma_counts[:, 0].tolist() == [1 + 7, 2 + 7, 3 + 7, 4 + 7, 5 + 7]
    assert payload.spectra[4, 0].tolist() == [0, 0, 0, 5, 0, 0, 7, 0]
    assert payload.spectra[4, 1].tolist() == [1, 2, 3, 4, 5, 6, 7, 40]
    assert payload.t_s.tolist() == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert payload.interval_s.tolist() == [0.5] * 5
    assert payload.live_time_s[0].tolist() == [0.48, 0.47]
    assert payload.n_prior == 2
    assert payload.is_occupied.tolist() == [False, False, True, True, True]
    assert payload.speed_m_s == pytest.approx(5 * 0.44704)
    assert payload.neutron_counts.tolist() == [[2]] * 5
    assert payload.gaps == ()
    assert payload.faults == ("detector A2 not operational",)
    assert scan.identity.t_start_utc == datetime(2020, 1, 1, tzinfo=UTC)
    assert scan.identity.t_end_utc == datetime(2020, 1, 1, 0, 0, 2, 500000, tzinfo=UTC)
    assert scan.identity.device.make == "M"
    assert scan.identity.device.detector == "NaI"
    assert scan.identity.lane == "3"
    assert scan.inputs[0].uri == "pass.n42"


def test_each_crystal_has_its_own_calibration(documents):
    (scan,) = read_n42(documents.portal_2006(), name="pass.n42")
    channel = np.arange(9.0)
    np.testing.assert_allclose(scan.payload.energy_edges_kev[0], 300 * channel + channel**2)
    np.testing.assert_allclose(scan.payload.energy_edges_kev[1], -1 + 310 * channel)


@pytest.mark.parametrize(
    ("unit", "speed", "expected"),
    [
        ("km/h", "36", 10.0),
        ("m/s", "2", 2.0),
        ("kph", "3.6", 1.0),
        ("furlong", "2", None),
        ("mph", "x", None),
    ],
)
def test_speed_units(documents, unit, speed, expected):
    (scan,) = read_n42(documents.portal_2006(speed=speed, unit=unit), name="pass.n42")
    assert scan.payload.speed_m_s == (None if expected is None else pytest.approx(expected))
    assert any("speed" in note.text for note in scan.notes) is (expected is None)


def test_missing_slice_is_a_gap_not_a_shorter_pass(documents):
    data = documents.portal_2006(n_slice=8)
    start = data.index(b"<DetectorData><StartTime>2020-01-01T00:00:02.000Z")
    end = data.index(b"<DetectorData><StartTime>2020-01-01T00:00:03.000Z")
    (scan,) = read_n42(data[:start] + data[end:], name="pass.n42")
    assert [(gap.index, gap.n_missing) for gap in scan.payload.gaps] == [(4, 2)]
    assert scan.payload.t_s.tolist() == [0.0, 0.5, 1.0, 1.5, 3.0, 3.5]


def test_missing_crystal_is_minus_one_never_zero(documents):
    data = documents.portal_2006()
    start = data.index(b'<Spectrum Detector="A2">')
    end = data.index(b"</Spectrum>", start) + len(b"</Spectrum>")
    (scan,) = read_n42(data[:start] + data[end:], name="pass.n42")
    assert scan.payload.gamma_counts[0].tolist() == [8, -1]
    assert np.isnan(scan.payload.live_time_s[0, 1])


def test_minimal_file_without_namespace(documents):
    (scan,) = read_n42(documents.MINIMAL_2006, name="base.n42")
    payload = scan.payload
    assert payload.kind == "static"
    assert payload.spectra.tolist() == [[[0, 0, 5, 16872, 74818, 109396, 3, 1]]]
    assert payload.live_time_s.tolist() == [[400.2]]
    assert payload.interval_s.tolist() == [405.03]
    assert payload.energy_edges_kev[0, 0] == -39.5
    assert not payload.is_background_subtracted
    assert scan.identity.t_start_utc is None
    assert scan.notes == ()


def test_calibration_by_id_and_background_in_the_same_file(documents):
    (scan,) = read_n42(documents.BY_ID_2006.format(second="e2").encode(), name="x.n42")
    x = np.arange(9.0) / 8
    np.testing.assert_allclose(scan.payload.energy_edges_kev[0], 10 + 3000 * x + 5 * x**2)
    background = scan.payload.background
    assert background.gamma_cps.tolist() == [360 / 99]
    assert background.live_time_s == 99
    assert background.origin == "file"
    np.testing.assert_allclose(background.energy_edges_kev[0], np.arange(9) * 100.0)


def test_duplicate_calibration_id_is_refused(documents):
    with pytest.raises(FormatError, match=r"^x\.n42: two calibrations have the id 'e1'"):
        read_n42(documents.BY_ID_2006.format(second="e1").encode(), name="x.n42")


@pytest.mark.parametrize(
    "coefficients",
    ["", "0 0 0", "0 1 0", "nan 3", "5 -3 0", "0 3000 -400", "0 1e9", "0 0.001", "a b", "3"],
)
def test_no_valid_calibration_is_said_and_leaves_no_energies(documents, coefficients):
    data = documents.MINIMAL_2006.replace(b"-3.95e+001  3.0e+002 -1.0e-004  1.4e-007", coefficients.encode())
    (scan,) = read_n42(data, name="base.n42")
    assert scan.payload.energy_edges_kev is None
    assert [note.reason for note in scan.notes] == [ReasonCode.CAL_MISSING]


def test_negative_counts_mean_background_subtracted(documents):
    data = documents.MINIMAL_2006.replace(b" 0 0 5 ", b" 0 -4 5 ")
    (scan,) = read_n42(data, name="base.n42")
    assert scan.payload.is_background_subtracted
    assert scan.payload.spectra[0, 0, 1] == 0


def test_fractional_counts_are_rounded_and_said(documents):
    data = documents.MINIMAL_2006.replace(b" 0 0 5 16872", b" 0 0 5.2 16872.0")
    (scan,) = read_n42(data, name="base.n42")
    assert scan.payload.spectra[0, 0, 2] == 5
    (note,) = scan.notes
    assert "fractional" in note.text
    assert note.reason is None


def test_rates_in_place_of_counts_are_corrupt(documents):
    data = documents.MINIMAL_2006.replace(b"0 0 5 16872 74818 109396 3 1", b"0.1 0.2 0.1 0.3 0.4 0.2 0.1 0.2")
    (scan,) = read_n42(data, name="base.n42")
    assert [note.reason for note in scan.notes] == [ReasonCode.INPUT_CORRUPT]


def test_times_missing_is_corrupt_input(documents):
    data = documents.MINIMAL_2006.replace(b"PT405.03S", b"").replace(b"PT400.20S", b"")
    (scan,) = read_n42(data, name="base.n42")
    assert np.isnan(scan.payload.interval_s[0])
    assert ReasonCode.INPUT_CORRUPT in [note.reason for note in scan.notes]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"PT405.03S", b"PT1E300S"),
        (b"PT400.20S", b"PT1E300S"),
        (b"<RealTime", b"<StartTime>9999-12-31T23:59:59Z</StartTime><RealTime"),
        (b"<RealTime", b"<StartTime>0001-01-01T00:00:00+10:00</StartTime><RealTime"),
    ],
)
def test_numbers_beyond_all_sense_are_not_numbers(documents, before, after):
    data = documents.MINIMAL_2006.replace(before, after)
    (scan,) = read_n42(data, name="base.n42")
    assert scan.identity.t_start_utc is None
    assert scan.payload.gamma_counts.sum() == 201095


@pytest.mark.parametrize("counts", [b"1e300", b"nan", b"-3", b"inf"])
def test_neutron_counts_that_are_none(documents, counts):
    data = documents.portal_2006().replace(b"<TotalCounts>2<", b"<TotalCounts>" + counts + b"<")
    (scan,) = read_n42(data, name="x")
    assert scan.payload.neutron_counts.tolist() == [[-1]] * 5


def test_changing_number_of_channels_is_an_error(documents):
    data = documents.portal_2006().replace(b"1 2 3 4 5 6 7 40", b"1 2 3 4 5 6 7")
    with pytest.raises(FormatError, match=r"^pass\.n42: spectrum of A2: "):
        read_n42(data, name="pass.n42")


def test_crystals_with_different_numbers_of_channels(documents):
    data = documents.portal_2006()
    for b in range(0, 50, 10):
        data = data.replace(b"1 2 3 4 5 6 7 %d<" % b, b"1 2 3 4 %d<" % b)
    (scan,) = read_n42(data, name="pass.n42")
    assert scan.payload.spectra[4].tolist() == [[0, 0, 0, 5, 0, 0, 7, 0], [1, 2, 3, 4, 40, 0, 0, 0]]
    assert scan.payload.gamma_counts[4].tolist() == [12, 50]
    np.testing.assert_allclose(np.diff(scan.payload.energy_edges_kev[1]), 310)
    assert any("5 to 8 channels" in note.text for note in scan.notes)


@pytest.mark.parametrize("run", [b"0 4000000000", b"0 99999999999999999999", b"0", b"0 -3", b"0 0"])
def test_runs_of_zeros_that_lie_are_refused(documents, run):
    data = documents.portal_2006().replace(b"0 3 1 0 2 7 0 1<", run + b"<")
    with pytest.raises(FormatError, match=r"^pass\.n42: "):
        read_n42(data, name="pass.n42")


def test_several_separate_spectra_become_static_scans(documents):
    one = documents.MINIMAL_2006
    start, end = one.index(b"<Measurement>"), one.index(b"</N42InstrumentData>")
    two = one[:end] + one[start:end] + one[end:]
    scans = read_n42(two, name="two.n42")
    assert [scan.payload.kind for scan in scans] == ["static", "static"]
    assert len({scan.identity.scan_id for scan in scans}) == 2
    assert [scan.identity.scan_id for scan in scans] == [
        s.identity.scan_id for s in read_n42(two, name="other")
    ]


def test_background_of_a_file_that_calls_nothing_background(documents):
    background = read_background(documents.portal_2006(), name="b.n42")
    assert background.gamma_cps == pytest.approx([sum(range(8, 13)) / 2.4, (5 * 28 + 100) / 2.35])
    assert background.live_time_s == pytest.approx((2.4 + 2.35) / 2)
    assert background.t_end_utc == datetime(2020, 1, 1, 0, 0, 2, 500000, tzinfo=UTC)


def test_no_gamma_measurement_is_an_error():
    with pytest.raises(FormatError, match=r"^x\.n42: holds no gamma measurement"):
        read_n42(b"<N42InstrumentData><Measurement/></N42InstrumentData>", name="x.n42")


@pytest.mark.shared
def test_measured_portal_pass(shared_data):
    data = (shared_data / "radiation/interspec/passthrough.n42").read_bytes()
    (scan,) = read_n42(data, name="passthrough.n42")
    payload = scan.payload
    assert payload.spectra.shape == (133, 8, 16384)
    assert payload.gamma_counts.sum() == 600266
    assert payload.speed_m_s == pytest.approx(2.4 * 0.44704)
    assert payload.n_prior == 0
    assert payload.energy_edges_kev.shape == (8, 16385)


@pytest.mark.shared
def test_every_measured_file_agrees_with_specutils(shared_data):
    spec_utils = pytest.importorskip("SpecUtils")
    for path in sorted((shared_data / "radiation").glob("*/*.n42")):
        scans = read_n42(path.read_bytes(), name=path.name)
        oracle = spec_utils.SpecFile()
        oracle.loadFile(str(path), spec_utils.ParserType.Auto)
        assert sum(int(s.payload.gamma_counts.sum()) for s in scans) == round(oracle.gammaCountSum())
        last = oracle.measurement(oracle.numMeasurements() - 1)
        payload = scans[0].payload
        assert payload.spectra[-1, -1].tolist() == [int(v) for v in last.gammaCounts()]
        np.testing.assert_allclose(payload.energy_edges_kev[-1], last.channelEnergies(), rtol=1e-4, atol=1e-3)
        assert payload.live_time_s[-1, -1] == pytest.approx(last.liveTime(), rel=1e-6)

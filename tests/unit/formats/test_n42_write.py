"""What is written validates against the schema and reads back as it was."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
from lxml import etree

from screening.errors import FormatError
from screening.formats.n42 import read_n42, write_n42
from screening.formats.n42_write import counted_zeroes
from screening.records import (
    Background,
    CalibrationRef,
    Device,
    FlagClock,
    FlagModality,
    FlagPipeline,
    FlagQuality,
    FlagScores,
    Level,
    Occupancy,
    OperatingMode,
    Radiograph,
    Reason,
    ReasonCode,
    RiskFlag,
    Scan,
    ScanIdentity,
    Subject,
)

START = datetime(2026, 11, 21, 8, 30, 0, 250000, tzinfo=UTC)


def spectral_pass(*, edges=None) -> Scan:
    rng = np.random.default_rng(5)
    n_interval, n_channel = 6, 64
    spectra = rng.poisson(0.7, (n_interval, 2, n_channel)).astype(np.uint32)
    if edges is None:
        edges = np.linspace([0.0, 1.5], [3000.0, 2900.0], n_channel + 1, axis=1)
    interval_s = np.full(n_interval, 0.2)
    payload = Occupancy(
        kind="occupancy",
        interval_s=interval_s,
        t_s=np.arange(n_interval) / 5.0,
        panel_ids=("left", "right"),
        gamma_counts=spectra.sum(axis=2).astype(np.int64),
        live_time_s=np.full((n_interval, 2), 0.19),
        spectra=spectra,
        energy_edges_kev=edges,
        neutron_counts=np.array([[2, 1]]),
        neutron_interval_s=np.array([1.0]),
        background=Background(
            gamma_cps=np.array([64.0, 128.0]),
            live_time_s=2.0,
            neutron_cps=np.array([1.0, 2.5]),
            spectra=np.full((2, n_channel), 2.0) * [[1], [2]],
            energy_edges_kev=edges,
            t_end_utc=START,
            origin="file",
        ),
        is_occupied=np.array([False, False, True, True, True, False]),
        n_prior=2,
        speed_m_s=2.2352,
        is_tampered=True,
        faults=("gamma background high",),
        device_alarms=("gamma", "neutron"),
    )
    identity = ScanIdentity(
        scan_id="0192f0c0-0000-7000-8000-000000000001",
        device=Device(make="Maker", model="P4", serial="9", firmware="1.2", detector="NaI"),
        container_id="CSQU3054383",
        t_start_utc=START,
        t_end_utc=START,
    )
    return Scan(identity=identity, payload=payload)


def gross_pass() -> Scan:
    payload = Occupancy(
        kind="occupancy",
        interval_s=np.full(4, 0.2),
        t_s=np.arange(4) / 5.0,
        panel_ids=("p1", "p2"),
        gamma_counts=np.array([[60, 61], [-1, 62], [63, 64], [65, 66]]),
        background=Background(
            gamma_cps=np.array([300.0, 310.0]), live_time_s=1.0, t_end_utc=START, origin="file"
        ),
        is_occupied=np.ones(4, dtype=bool),
    )
    return Scan(identity=ScanIdentity(scan_id="0192f0c0-0000-7000-8000-000000000002"), payload=payload)


def flag(scan: Scan) -> RiskFlag:
    return RiskFlag(
        flag_id="0" * 64,
        scan_id=scan.identity.scan_id,
        site=None,
        lane=None,
        device=scan.identity.device,
        operating_mode=OperatingMode.OPS,
        subject=Subject(),
        modality=FlagModality.RAD_SPECTRAL,
        level=Level.HIGH,
        is_severe=False,
        reasons=(
            Reason(code=ReasonCode.RAD_GAMMA_NSIGMA, level=Level.HIGH, text="12 sigma <&> above background"),
            Reason(code=ReasonCode.RAD_NUCLIDE_INDUSTRIAL, level=Level.HIGH, text="Co-60"),
        ),
        scores=FlagScores(labels=("Co-60",), raw={"Co-60": "0.98"}),
        quality=FlagQuality(),
        calibration=CalibrationRef(),
        background_age_s=0,
        clock=FlagClock(),
        pipeline=FlagPipeline(
            version="0.1.0",
            kernel_isa="baseline",
            models=(),
            config_sha256="0" * 64,
            threshold_sha256="0" * 64,
        ),
        inputs=(),
        created_at="2026-11-21T08:30:01.450Z",
    )


def assert_same_payload(before: Occupancy, after: Occupancy) -> None:
    for name in before.__struct_fields__:
        a, b = getattr(before, name), getattr(after, name)
        if isinstance(a, Background):
            assert_same_payload(a, b)
        elif isinstance(a, np.ndarray):
            np.testing.assert_allclose(b, a, rtol=1e-12, err_msg=name)
        else:
            assert a == b, name


def test_round_trip_of_a_spectral_pass():
    scan = spectral_pass()
    (back,) = read_n42(write_n42(scan), name="x.n42")
    assert_same_payload(scan.payload, back.payload)
    assert back.identity.t_start_utc == START
    assert back.identity.device == scan.identity.device


def test_round_trip_of_gross_counts_with_a_missing_panel():
    scan = gross_pass()
    (back,) = read_n42(write_n42(scan), name="x.n42")
    assert_same_payload(scan.payload, back.payload)
    assert back.identity.t_start_utc is None


def test_own_answers_do_not_read_back_as_the_device_alarms():
    scan = gross_pass()
    (back,) = read_n42(write_n42(scan, flags=(flag(scan),)), name="x.n42")
    assert back.payload.device_alarms == ()


@pytest.mark.parametrize(
    "edges",
    [
        np.polynomial.polynomial.polyval(np.arange(65.0), [-12.5, 40.0, 0.01]),
        np.polynomial.polynomial.polyval(np.arange(65.0), [-12.5, 40.0, 0.01, 1e-3]),
    ],
    ids=["quadratic below zero", "cubic below zero"],
)
def test_edges_below_zero_survive(edges):
    scan = spectral_pass(edges=np.stack([edges, edges + 1]))
    (back,) = read_n42(write_n42(scan), name="x.n42")
    np.testing.assert_allclose(
        back.payload.energy_edges_kev, scan.payload.energy_edges_kev, rtol=1e-9, atol=1e-6
    )


def test_no_calibration_stays_no_calibration():
    scan = spectral_pass()
    payload = msgspec.structs.replace(scan.payload, energy_edges_kev=None)
    (back,) = read_n42(write_n42(msgspec.structs.replace(scan, payload=payload)), name="x.n42")
    assert back.payload.energy_edges_kev is None


def test_same_scan_same_bytes():
    assert write_n42(spectral_pass()) == write_n42(spectral_pass())


def test_radiograph_is_refused():
    payload = Radiograph(raw=np.zeros((2, 3, 1), dtype=np.uint16), energies=("6MV",))
    with pytest.raises(FormatError, match="not radiographs"):
        write_n42(Scan(identity=ScanIdentity(scan_id="x"), payload=payload))


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ([0, 0, 0, 5, 0, 1, 2, 0, 0], "0 3 5 0 1 1 2 0 2"),
        ([1, 2], "1 2"),
        ([0, 0], "0 2"),
        ([7, 0], "7 0 1"),
    ],
)
def test_counted_zeroes(counts, text):
    assert counted_zeroes(np.array(counts, dtype=np.uint32)) == text


@pytest.mark.shared
def test_written_documents_validate_against_the_schema(shared_data):
    schema = etree.XMLSchema(etree.parse(shared_data / "schema" / "n42.xsd"))
    cubic = np.polynomial.polynomial.polyval(np.arange(65.0), [-12.5, 40.0, 0.01, 1e-3])
    for scan in (spectral_pass(), gross_pass(), spectral_pass(edges=np.stack([cubic, cubic]))):
        for flags in ((), (flag(scan),)):
            document = etree.fromstring(write_n42(scan, flags=flags))
            assert schema.validate(document), schema.error_log.last_error
    for path in sorted((shared_data / "radiation").glob("*/*.n42")):
        for scan in read_n42(path.read_bytes(), name=path.name):
            assert schema.validate(etree.fromstring(write_n42(scan))), path.name


def test_a_pass_cut_while_occupied_is_not_complete():
    (whole,) = read_n42(write_n42(gross_pass()), name="x.n42")
    assert whole.payload.is_complete
    document = write_n42(gross_pass())
    last = document.rindex(b"<RadMeasurement ")
    end = document.rindex(b"</RadMeasurement>") + len(b"</RadMeasurement>")
    (cut,) = read_n42(document[:last] + document[end:], name="x.n42")
    assert cut.payload.n_interval == whole.payload.n_interval - 1
    assert not cut.payload.is_complete

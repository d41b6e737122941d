"""Other spectrum formats through SandiaSpecUtils."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from screening.errors import FormatError
from screening.formats import spectra_files
from screening.formats.spectra_files import read_spectrum_background, read_spectrum_file
from screening.isolation import stop_child
from screening.records import ReasonCode

SPE = (
    b"""$SPEC_ID:
a test
$DATE_MEA:
11/21/2026 10:00:00
$MEAS_TIM:
95 100
$DATA:
0 63
"""
    + b"\n".join(b"%8d" % (i % 7) for i in range(64))
    + b"\n"
)

CALIBRATED = SPE + b"$MCA_CAL:\n3\n1.0E+000 3.0E+001 1.0E-002 keV\n"


def test_calibrated_file():
    (scan,) = read_spectrum_file(CALIBRATED, name="a.spe")
    payload = scan.payload
    assert payload.kind == "static"
    assert payload.spectra[0, 0].tolist() == [i % 7 for i in range(64)]
    assert payload.live_time_s.tolist() == [[95]]
    assert payload.interval_s.tolist() == [100]
    channel = np.arange(65.0)
    np.testing.assert_allclose(payload.energy_edges_kev[0], 1 + 30 * channel + 0.01 * channel**2, rtol=1e-5)
    assert scan.identity.t_start_utc.isoformat() == "2026-11-21T10:00:00+00:00"


@pytest.mark.parametrize(
    "tail", [b"", b"$ENER_FIT:\n0.0 0.0\n$MCA_CAL:\n3\n0.0E+000 0.0E+000 0.0E+000\n"], ids=["none", "zeros"]
)
def test_invented_calibration_is_none(tail):
    (scan,) = read_spectrum_file(SPE + tail, name="a.spe")
    assert scan.payload.energy_edges_kev is None
    assert ReasonCode.CAL_MISSING in [note.reason for note in scan.notes]


def test_as_background():
    background = read_spectrum_background(CALIBRATED, name="a.spe")
    assert background.gamma_cps == pytest.approx([sum(i % 7 for i in range(64)) / 95])


def test_not_a_spectrum():
    with pytest.raises(FormatError, match=r"^a\.cnf: no parser of SandiaSpecUtils reads it$"):
        read_spectrum_file(bytes(range(256)) * 8, name="a.cnf")


def test_missing_extra_names_its_install(monkeypatch):
    monkeypatch.setattr(spectra_files, "find_spec", lambda name: None)
    with pytest.raises(FormatError, match=r'^a\.spe: .*pip install "screening\[formats\]"$'):
        read_spectrum_file(CALIBRATED, name="a.spe")


def test_the_library_is_loaded_in_the_child_alone():
    stop_child()
    before = "SpecUtils" in sys.modules
    read_spectrum_file(CALIBRATED, name="a.spe")
    assert ("SpecUtils" in sys.modules) == before


@pytest.mark.shared
def test_measured_files(shared_data):
    folder = shared_data / "radiation"
    for path in sorted(folder.glob("radiacode/*.xml")):
        (scan,) = read_spectrum_file(path.read_bytes(), name=path.name)
        assert scan.payload.energy_edges_kev.shape == (1, 1025)
        assert (scan.payload.background is not None) == ("plus_background" in path.name)
    for name in ("digibase_5min_30_1.spe", "nai_detector.spe"):
        (scan,) = read_spectrum_file((folder / "becquerel" / name).read_bytes(), name=name)
        assert scan.payload.energy_edges_kev is None
        assert ReasonCode.CAL_MISSING in [note.reason for note in scan.notes]
    (scan,) = read_spectrum_file((folder / "becquerel/Alcatraz14.Spc").read_bytes(), name="Alcatraz14.Spc")
    assert scan.payload.energy_edges_kev is not None

"""Static spectra: named, and held against a background; never a clearance of a container."""

from __future__ import annotations

import numpy as np
import pytest

from screening.radiation import RadiationSettings
from screening.records import Category, Occupancy, ReasonCode


def _static(make, *, rate=100.0, live_s=300.0, **changes):
    rng = np.random.default_rng(9)
    shape = np.exp(-np.arange(256) / 40.0)
    shape /= shape.sum()
    spectra = rng.poisson(rate * live_s * shape)[None, None, :].astype(np.uint32)
    edges = np.linspace(0.0, 3000.0, 257)[None, :]
    background = make.background(
        gamma_cps=np.array([100.0]),
        live_time_s=600.0,
        neutron_cps=None,
        spectra=np.round(100.0 * 600.0 * shape)[None, :],
        energy_edges_kev=edges,
        origin="file",
    )
    fields = {
        "kind": "static",
        "interval_s": np.array([live_s]),
        "t_s": np.zeros(1),
        "panel_ids": ("1",),
        "gamma_counts": spectra.sum(axis=2).astype(np.int64),
        "live_time_s": np.array([[live_s * 0.98]]),
        "spectra": spectra,
        "energy_edges_kev": edges,
        "background": background,
    }
    return Occupancy(**(fields | changes))


def test_against_a_background(make, analyse):
    identifier = make.identifier()
    analysis, codes = analyse(_static(make), identifier)
    gamma = analysis.measurements.gamma
    assert gamma.alarm is False
    assert abs(gamma.max_nsigma) < 1.0
    # No lane, no detection limit: nothing said of a container.
    assert codes == {"RAD_GROSS": {ReasonCode.Q_COVERAGE}, "RAD_SPECTRAL": {ReasonCode.Q_COVERAGE}}
    assert analysis.measurements.detection_limit_mbq_cs137 is None
    asked = identifier.asked[0]
    assert asked["live_time_s"] == pytest.approx(294.0)
    assert asked["background"][2] == 600.0


def test_excess_by_hand(make, analyse):
    analysis, codes = analyse(_static(make, rate=200.0), make.identifier())
    total = float(analysis.products["spectrum"].sum())
    expected = 294.0 * 100.0
    sigma = np.sqrt(expected * (1 + 294.0 / 600.0) + (0.05 * expected) ** 2)
    assert analysis.measurements.gamma.max_nsigma == pytest.approx((total - expected) / sigma)
    assert ReasonCode.RAD_GAMMA_NSIGMA in codes["RAD_GROSS"]
    assert ReasonCode.RAD_SPECTRAL_ANOMALY in codes["RAD_SPECTRAL"]


def test_without_background_there_is_no_answer(make, analyse):
    analysis, codes = analyse(_static(make, background=None), make.identifier(("K-40", (Category.NORM,))))
    assert analysis.measurements.gamma is None
    for modality in ("RAD_GROSS", "RAD_SPECTRAL"):
        assert ReasonCode.BKG_MISSING in codes[modality]
    assert analysis.measurements.nuclides[0].nuclide == "K-40"


def test_differences_are_no_counts(make, analyse):
    identifier = make.identifier()
    analysis, codes = analyse(_static(make, is_background_subtracted=True), identifier)
    assert analysis.measurements.gamma is None
    assert ReasonCode.BKG_MISSING in codes["RAD_GROSS"]
    assert identifier.asked[0]["is_background_subtracted"] is True
    assert identifier.asked[0]["background"] is None


def test_no_calibration_is_no_nuclide(make, analyse):
    identifier = make.identifier(("Cs-137", (Category.INDUSTRIAL,)))
    analysis, codes = analyse(_static(make, energy_edges_kev=None), identifier)
    assert ReasonCode.CAL_MISSING in codes["RAD_SPECTRAL"]
    assert not identifier.asked
    assert analysis.measurements.nuclides == ()


def test_radium_without_a_background_is_natural_and_in_differences_a_source(make, analyse):
    radium = ("Ra-226", (Category.NORM, Category.INDUSTRIAL))
    _, codes = analyse(_static(make, background=None), make.identifier(radium))
    assert ReasonCode.RAD_NUCLIDE_NORM in codes["RAD_SPECTRAL"]
    assert ReasonCode.RAD_NUCLIDE_INDUSTRIAL not in codes["RAD_SPECTRAL"]
    _, codes = analyse(_static(make, is_background_subtracted=True), make.identifier(radium))
    assert ReasonCode.RAD_NUCLIDE_INDUSTRIAL in codes["RAD_SPECTRAL"]


def test_an_empty_spectrum_says_nothing(make, analyse):
    empty = np.zeros((1, 1, 256), dtype=np.uint32)
    changes = {"spectra": empty, "gamma_counts": np.zeros((1, 1), dtype=np.int64)}
    _, codes = analyse(_static(make, **changes), make.identifier())
    assert ReasonCode.Q_COVERAGE in codes["RAD_SPECTRAL"]


def test_overload(make, analyse):
    settings = RadiationSettings(overload_panel_cps=50.0)
    _, codes = analyse(_static(make), make.identifier(), settings)
    assert ReasonCode.Q_SATURATED in codes["RAD_GROSS"]


@pytest.mark.parametrize("live_s", [np.inf, np.nan, -1.0, 0.0])
def test_a_live_time_that_is_none_gives_no_clearance(make, analyse, live_s):
    # A device may also report a count that is none: then nothing of the interval was seen.
    payload = _static(make, live_time_s=np.array([[live_s]]), gamma_counts=np.array([[-7]]), spectra=None)
    analysis, codes = analyse(payload)
    assert analysis.measurements.detection_limit_mbq_cs137 is None
    assert codes["RAD_GROSS"]

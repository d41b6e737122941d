"""The fit of simulated spectra to measured ones: on spectra made here, and on the measured files."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from screening.physics import FwhmLaw
from screening.simulation.spectra.channels import channel_counts
from screening.simulation.validation import gamma
from screening.simulation.validation.gamma import (
    AREA_TOLERANCE,
    GammaComparison,
    compare,
    fit_measured,
    place_tolerance_kev,
    plot,
)
from screening.simulation.validation.gamma_fit import Measured, fit_shape, source_deposits
from screening.simulation.validation.gamma_peaks import fit_peak
from screening.simulation.validation.gamma_setups import BOUNDS, SETUPS, GammaSetup, range_of

#: Peaks whose share of the counts is off by more than 20 %, with what is reached instead: of thorium in a
#: 1 cm3 crystal the peak at 583 keV comes out 22 % too strong (see the page of the validation).
AREA_MISSED = {("csi-Th-232", 583.2): 0.25}

SETUP = GammaSetup(
    "made", "", "Co-60", "labr3-1.5x1.5", (1173.2, 1332.5), (60.0, 1500.0), (0.03, 0.5), (("steel", 4.0),)
)


def _made(scatter: float = 0.8, offset_kev: float = 6.0, gain: float = 0.985) -> Measured:
    source, back = source_deposits(SETUP)
    edges = np.linspace(0.0, 3000.0, 1025)
    shapes = [
        channel_counts(one, (edges - offset_kev) / gain, FwhmLaw(0.033, 0.55, 1.5)) for one in (source, back)
    ]
    expected = shapes[0] + scatter * shapes[1]
    expected *= 1e6 / expected.sum()
    counts = np.random.default_rng(4).poisson(expected).astype(np.float64)
    return Measured(counts, np.zeros(counts.size), np.maximum(counts, 1.0), edges, 1e5, 1)


def test_the_fit_finds_what_a_spectrum_was_made_with() -> None:
    found = fit_shape(SETUP, _made())
    assert found.parameters["gain"] == pytest.approx(0.985, abs=0.002)
    assert found.parameters["offset_kev"] == pytest.approx(6.0, abs=1.5)
    assert found.parameters["fwhm_662"] == pytest.approx(0.033, rel=0.06)
    assert found.parameters["scatter"] == pytest.approx(0.8, abs=0.08)
    # 3 % of each channel are allowed beside counting: the made spectrum has no such error.
    assert found.reduced_chi_squared < 1.1


def test_another_crystal_does_not_fit() -> None:
    small = fit_shape(SETUP, _made())
    large = fit_shape(SETUP._replace(response="labr3-3x3"), _made())
    assert large.reduced_chi_squared > 3.0 * small.reduced_chi_squared


def test_a_peak_on_a_slope_is_measured() -> None:
    edges = np.linspace(500.0, 900.0, 201)
    centre = 0.5 * (edges[1:] + edges[:-1])
    expected = 50.0 - 0.03 * (centre - 500.0)
    sigma = 46.0 / 2.3548
    expected += 5000.0 * np.exp(-0.5 * ((centre - 668.0) / sigma) ** 2) * 2.0 / (sigma * np.sqrt(2 * np.pi))
    counts = np.random.default_rng(1).poisson(expected).astype(np.float64)
    found = fit_peak(counts, np.maximum(counts, 1.0), edges, 662.0, 46.0)
    assert found.energy_kev == pytest.approx(668.0, abs=2.0)
    assert found.area == pytest.approx(5000.0, abs=4.0 * found.area_sigma)
    assert 60.0 < found.area_sigma < 300.0
    with pytest.raises(ValueError, match="no peak fits at 662"):
        fit_peak(counts, counts + 1.0, edges, 662.0, 1.0)


def test_tolerances() -> None:
    assert place_tolerance_kev(59.5) == 3.0
    assert place_tolerance_kev(1332.5) == pytest.approx(20.0, abs=0.1)
    assert AREA_TOLERANCE == 0.20
    assert range_of("fwhm_662", "csi-1cm3@near") == (0.05, 0.14)
    assert range_of("gain", "csi-1cm3@near") == BOUNDS["gain"]


def test_a_picture_is_drawn(tmp_path) -> None:
    pytest.importorskip("matplotlib")
    measured = _made()
    found = fit_shape(SETUP, measured)
    comparison = GammaComparison(
        "made", "Co-60", SETUP.response, found.parameters, (), 100.0, found.reduced_chi_squared,
        measured.edges_kev, measured.counts, found.source, found.background, found.sigma, found.fitted, "",
    )  # fmt: skip
    assert comparison.at_bounds == ()
    plot(comparison, tmp_path / "made.png")
    assert 5_000 < (tmp_path / "made.png").stat().st_size < 80_000


@pytest.mark.shared
@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
def test_measured_spectra(shared_data, setup: GammaSetup) -> None:
    found = compare(setup, shared_data)
    assert found.at_bounds == ()
    for peak in found.peaks:
        assert peak.is_place_within, (peak.energy_kev, peak.off_kev)
        missed = AREA_MISSED.get((setup.name, peak.energy_kev), AREA_TOLERANCE)
        assert abs(peak.share_ratio - 1.0) <= missed, (peak.energy_kev, peak.share_ratio)


@pytest.mark.shared
def test_any_file_can_be_fitted(shared_data) -> None:
    path = shared_data / "radiation" / "rase" / "VABCD_M001_I131.n42"
    found = fit_measured(
        path, "I-131", "labr3-1.5x1.5", peaks_kev=(364.5,), range_kev=(60.0, 760.0), start=(0.029, 0.5),
        layers=(("polyethylene", 9.5),),
    )  # fmt: skip
    assert found.peaks[0].is_place_within
    assert found.peaks[0].is_area_within
    with pytest.raises(ValueError, match="unknown detector"):
        fit_measured(path, "I-131", "nai-5x5", peaks_kev=(364.5,))


@pytest.mark.shared
def test_the_table_holds_every_peak(shared_data, tmp_path, monkeypatch) -> None:
    pytest.importorskip("matplotlib")
    chosen = tuple(setup for setup in SETUPS if setup.name in ("labr3-Co-57", "csi-Am-241"))
    monkeypatch.setattr(gamma, "SETUPS", chosen)
    steps = []
    found = gamma.write_gamma_validation(shared_data, tmp_path, lambda done, of: steps.append((done, of)))
    assert [one.name for one in found] == ["csi-Am-241", "labr3-Co-57"]
    assert steps == [(1, 2), (2, 2)]
    with (tmp_path / "gamma.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["peak_kev"] for row in rows] == ["59.5", "122.1"]
    report = gamma.gamma_report(shared_data.parent, tmp_path)
    assert report["pictures"] == [f"gamma-{setup.name}.png" for setup in chosen]
    assert [row["peak_kev"] for row in report["peaks"]] == [59.5, 122.1]
    assert all(row["is_inside_ranges"] for row in report["fits"])
    assert {path.name for path in tmp_path.glob("*.png")} == {f"gamma-{setup.name}.png" for setup in chosen}

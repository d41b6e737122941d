"""The resolution is read off the peaks, not off a header."""

from __future__ import annotations

import numpy as np
import pytest

from screening.radiation.resolution import Peak, find_peaks, fit_widths, resolution_candidates
from screening.radiation.spectrum import live_range_kev, measured_spectrum
from screening.simulation.spectra import SpectrumRecipe, simulate_spectrum


@pytest.mark.parametrize("kind", ["hpge", "czt", "labr3", "nai", "csi"])
@pytest.mark.parametrize("source", ["Cs-137", "Co-60"])
def test_resolution_of_simulated_detectors(kind: str, source: str) -> None:
    found = simulate_spectrum(SpectrumRecipe((source,), 60_000.0, 8.0, kind, calibration_error=0.3), 11)
    spectrum = measured_spectrum(found.counts, found.edges_kev, found.live_time_s)
    peaks = fit_widths(spectrum, find_peaks(spectrum, *live_range_kev(spectrum)))
    channel_kev = found.edges_kev[1] - found.edges_kev[0]
    candidates, is_measured = resolution_candidates(peaks, channel_kev)
    assert is_measured
    ratio = np.array(candidates) / found.detector.law.r662
    # A candidate within 45 % is close enough for the fit to find the rest.
    assert np.any((ratio > 0.65) & (ratio < 1.45)), (candidates, found.detector.law)


def test_a_line_is_found_where_it_is() -> None:
    rng = np.random.default_rng(5)
    edges = np.linspace(0.0, 3000.0, 2049)
    centre = 0.5 * (edges[1:] + edges[:-1])
    line = 4000.0 * np.exp(-0.5 * ((centre - 800.0) / 12.0) ** 2) / (12.0 * 2.5066) * (edges[1] - edges[0])
    spectrum = measured_spectrum(rng.poisson(line + 30.0).astype(float), edges, 1.0)
    best = fit_widths(spectrum, find_peaks(spectrum, 20.0, 3000.0)[:1])[0]
    assert best.energy_kev == pytest.approx(800.0, abs=3.0)
    assert best.fwhm_kev == pytest.approx(12.0 * 2.3548, rel=0.2)
    assert best.net_counts == pytest.approx(4000.0, rel=0.2)


def test_without_a_peak_the_answer_says_so() -> None:
    candidates, is_measured = resolution_candidates([], 3.0)
    assert not is_measured
    assert candidates == [0.075, 0.03]
    hump = Peak(80.0, 40.0, 500.0, 12.0, 1.0)
    assert resolution_candidates([hump], 3.0) == ([0.075, 0.03], False)

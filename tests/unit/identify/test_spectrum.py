"""A spectrum is refused when malformed, and put on other axes without losing a count."""

from __future__ import annotations

import numpy as np
import pytest

from screening.radiation.spectrum import live_range_kev, measured_spectrum, noise_excess


def _edges(n: int = 1024) -> np.ndarray:
    return np.linspace(0.0, 3000.0, n + 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c, e: (c[:-1], e, 1.0), "counts"),
        (lambda c, e: (np.where(np.arange(c.size) == 5, np.nan, c), e, 1.0), "count nan is not finite"),
        (lambda c, e: (c, np.where(np.arange(e.size) == 7, np.inf, e), 1.0), "edge inf keV is not finite"),
        (lambda c, e: (c, e[::-1], 1.0), "must increase, got 3000 keV"),
        (lambda c, e: (c, np.zeros_like(e), 1.0), "must increase"),
        (lambda c, e: (c, e, 0.0), "live time must be positive, got 0.0 s"),
        (lambda c, e: (c, e, float("nan")), "live time must be positive"),
        (lambda c, e: (c[:4], e[:5], 1.0), "at least 16 channels, got 4"),
    ],
)
def test_malformed_spectra_are_refused_by_value(change, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measured_spectrum(*change(np.ones(1024), _edges()))


def test_rebinning_keeps_counts_and_applies_the_calibration() -> None:
    rng = np.random.default_rng(3)
    spectrum = measured_spectrum(rng.poisson(20.0, 1024), _edges(), 10.0)
    axis = np.geomspace(1.0, 3000.0, 200)
    whole = spectrum.on_axis(np.concatenate([[0.0], axis]))
    assert whole.sum() == pytest.approx(spectrum.counts.sum())
    line = np.zeros(1024)
    line[300] = 1000.0
    moved = measured_spectrum(line, _edges(), 1.0).on_axis(_edges(), gain=1.01, offset_kev=5.0, bend_kev=2.0)
    centre = 0.5 * (_edges()[1:] + _edges()[:-1])
    true = 1.01 * centre[300] + 5.0 + 2.0 * (centre[300] / 1000.0) ** 2
    assert float((moved * centre).sum() / moved.sum()) == pytest.approx(true, abs=1.0)


def test_the_discriminator_is_found() -> None:
    centre = 0.5 * (_edges()[1:] + _edges()[:-1])
    expected = 500.0 * np.exp(-centre / 300.0) * (centre > 55.0)
    counts = np.random.default_rng(1).poisson(expected).astype(float)
    low, high = live_range_kev(measured_spectrum(counts, _edges(), 1.0))
    assert 50.0 <= low <= 70.0
    assert high > 1500.0


def test_subtracted_spectra_show_their_added_noise_and_poisson_ones_do_not() -> None:
    rng = np.random.default_rng(2)
    plain = rng.poisson(50.0, 2048).astype(float)
    edges = _edges(2048)
    assert np.mean(noise_excess(measured_spectrum(plain, edges, 1.0)) > 0) < 0.05
    subtracted = np.maximum(rng.poisson(450.0, 2048) - 400.0, 0.0)
    excess = noise_excess(measured_spectrum(subtracted, edges, 1.0))
    assert np.median(excess) == pytest.approx(400.0, rel=0.4)

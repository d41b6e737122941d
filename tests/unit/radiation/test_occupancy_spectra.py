"""Spectra summed over intervals and, in energy, over crystals."""

from __future__ import annotations

import numpy as np
import pytest

from screening.radiation.occupancy_spectra import common_edges, sum_spectra, valid_edges
from screening.radiation.products import MAX_BINS, fit_products, merge_bins, spectrum_products


def test_a_line_stands_at_one_energy_whatever_the_gain(make):
    occupancy = make.with_spectra(make.occupancy(), 512)
    spectra = np.zeros(occupancy.spectra.shape, dtype=np.uint32)
    for panel, edges in enumerate(occupancy.energy_edges_kev):
        spectra[:, panel, np.searchsorted(edges, 661.7) - 1] = 10
    occupancy = _with(occupancy, spectra=spectra)
    everything = np.ones(occupancy.n_interval, dtype=bool)
    found = sum_spectra(occupancy, everything, None, None, 0.0)
    counts = found.foreground.counts
    assert counts.sum() == pytest.approx(40 * 4 * 10)
    centre = 0.5 * (found.edges_kev[1:] + found.edges_kev[:-1])
    mean = (counts * centre).sum() / counts.sum()
    assert mean == pytest.approx(661.7, abs=4.0)
    assert np.sqrt((counts * (centre - mean) ** 2).sum() / counts.sum()) < 6.0


def test_only_the_chosen_intervals_count(make):
    occupancy = make.with_spectra(make.occupancy())
    chosen = np.zeros(occupancy.n_interval, dtype=bool)
    chosen[[3, 4, 5, 20, 39]] = True
    found = sum_spectra(occupancy, chosen, ~chosen, None, 0.0)
    assert found.foreground.counts.sum() == pytest.approx(occupancy.gamma_counts[chosen].sum(), rel=0.02)
    assert found.background.counts.sum() == pytest.approx(occupancy.gamma_counts[~chosen].sum(), rel=0.02)
    assert found.foreground.live_time_s == pytest.approx(1.0)
    assert found.background.live_time_s == pytest.approx(7.0)


def test_large_counts_do_not_wrap(make):
    occupancy = make.with_spectra(make.occupancy())
    spectra = np.zeros(occupancy.spectra.shape, dtype=np.uint32)
    spectra[:, :, 3] = 2**31
    found = sum_spectra(_with(occupancy, spectra=spectra), np.ones(40, dtype=bool), None, None, 0.0)
    assert found.foreground.counts.sum() == pytest.approx(40 * 4 * 2.0**31, rel=1e-9)


def test_suppression_lengthens_the_backgrounds_time_and_keeps_its_counts(make):
    occupancy = make.with_spectra(make.occupancy())
    everything = np.ones(occupancy.n_interval, dtype=bool)
    found = sum_spectra(occupancy, everything, None, occupancy.background, 0.25)
    assert found.background.live_time_s == pytest.approx(80.0)
    assert found.background.counts.sum() == pytest.approx(occupancy.background.spectra.sum(), rel=0.02)


def test_background_without_spectra_leaves_the_quiet_part(make):
    occupancy = make.with_spectra(make.occupancy())
    chosen = np.arange(40) >= 20
    found = sum_spectra(occupancy, chosen, ~chosen, make.background(), 0.0)
    assert found.background.live_time_s == pytest.approx(4.0)


def test_edges():
    rows = np.array([[0.0, 100.0, 300.0], [0.0, 102.0, 306.0], [0.0, 98.0, 294.0]])
    np.testing.assert_array_equal(common_edges(rows), [0.0, 100.0, 300.0])
    assert valid_edges(rows)
    for broken in (None, rows[0], rows[:, ::-1], rows * np.nan, rows * 0.1, rows + 600.0, rows[:, :0]):
        assert not valid_edges(broken)


def test_products_are_small_and_lose_nothing(make):
    edges = np.linspace(0.0, 3000.0, 16385)
    counts = np.random.default_rng(1).poisson(3.0, 16384).astype(float)
    merged_edges, merged = merge_bins(edges, counts)
    assert merged.shape[0] <= MAX_BINS
    assert merged.sum() == counts.sum()
    assert merged_edges[0] == 0.0
    assert merged_edges[-1] == 3000.0
    occupancy = make.with_spectra(make.occupancy())
    chosen = np.arange(40) >= 20
    products = spectrum_products(sum_spectra(occupancy, chosen, ~chosen, None, 0.0))
    net = products["spectrum"] - products["background_spectrum"]
    np.testing.assert_allclose(products["net_spectrum"], net)


def test_fit_is_brought_to_the_spectrums_axis():
    axis = np.linspace(0.0, 100.0, 11)
    found = {
        "energy_kev": np.array([20.0, 40.0, 80.0]),
        "fitted": np.array([4.0, 8.0]),
        "component/Cs-137": np.array([2.0, 0.0]),
        "measured": np.array([4.0, 8.0]),
    }
    products = fit_products(found, axis)
    assert set(products) == {"fit", "component/Cs-137"}
    np.testing.assert_allclose(products["fit"], [0, 0, 2, 2, 2, 2, 2, 2, 0, 0])
    assert fit_products({}, axis) == {}


def test_without_spectra_there_is_nothing_to_sum(make):
    with pytest.raises(ValueError, match="spectra"):
        sum_spectra(make.occupancy(), np.ones(40, dtype=bool), None, None, 0.0)


def _with(occupancy, **changes):
    fields = {name: getattr(occupancy, name) for name in occupancy.__struct_fields__}
    return type(occupancy)(**(fields | changes))

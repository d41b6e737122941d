"""From events to channels: nothing is lost but what the electronics lose."""

from __future__ import annotations

import numpy as np
import pytest

from screening.physics import FwhmLaw
from screening.simulation.spectra import Crystal, Detector, discriminator, expected_counts, piled_up
from screening.simulation.spectra.channels import _tailed, blurred, channel_counts
from screening.simulation.spectra.crystal import DEPOSIT_EDGES, Deposits

NAI = Detector("nai", Crystal("nai-3x3", "nai-3x3", 0.0), FwhmLaw(0.07), threshold_kev=30.0)


def _peak(energy: float, number: float = 1000.0) -> Deposits:
    return Deposits(np.array([energy]), np.array([number]), np.zeros(DEPOSIT_EDGES.size - 1))


@pytest.mark.parametrize("r662", [0.002, 0.02, 0.07, 0.14])
@pytest.mark.parametrize("tail", [0.0, 0.3])
def test_a_peak_keeps_its_area_and_width(r662: float, tail: float) -> None:
    edges = np.linspace(0.0, 1500.0, 6001)
    counts = channel_counts(_peak(661.7), edges, FwhmLaw(r662), tail=tail)
    centre = 0.5 * (edges[1:] + edges[:-1])
    assert counts.sum() == pytest.approx(1000.0, rel=3e-3)
    if tail == 0.0:
        mean = (centre * counts).sum() / counts.sum()
        spread = np.sqrt((counts * (centre - mean) ** 2).sum() / counts.sum())
        assert mean == pytest.approx(661.7, abs=0.3)
        assert 2.3548 * spread == pytest.approx(r662 * 661.7, rel=0.02)


@pytest.mark.parametrize("law", [FwhmLaw(0.002, 0.5, 0.6), FwhmLaw(0.015), FwhmLaw(0.09)])
def test_a_continuum_keeps_its_counts_and_shows_no_bins(law: FwhmLaw) -> None:
    width = np.diff(DEPOSIT_EDGES)
    flat = Deposits(np.zeros(0), np.zeros(0), np.where(DEPOSIT_EDGES[1:] < 2000.0, width, 0.0))
    edges = np.linspace(0.0, 3000.0, 3001)
    counts = channel_counts(flat, edges, law)
    assert counts.sum() == pytest.approx(flat.continuum.sum(), rel=5e-3)
    # Away from its ends the density is one count a keV.
    np.testing.assert_allclose(counts[300:1500], 1.0, rtol=0.02)


def test_the_tail_is_the_convolution_of_a_gaussian_and_an_exponential() -> None:
    u = np.linspace(-12.0, 5.0, 60)
    rng = np.random.default_rng(0)
    sample = rng.standard_normal(400_000) - 1.7 * rng.exponential(size=400_000)
    drawn = np.array([(sample <= value).mean() for value in u])
    np.testing.assert_allclose(_tailed(u, 1.7), drawn, atol=4e-3)
    assert np.isfinite(_tailed(np.array([-80.0, 80.0]), 0.3)).all()


def test_pile_up_moves_counts_to_the_sum_and_loses_half_of_them() -> None:
    counts = np.zeros(400)
    counts[100] = 1e6
    piled = piled_up(counts, 0.01)
    assert piled[100] == pytest.approx(0.98e6)
    assert piled[200] + piled[201] == pytest.approx(0.01e6, rel=1e-6)
    np.testing.assert_array_equal(piled_up(counts, 0.0), counts)
    for probability in (-0.1, 0.6, float("nan")):
        with pytest.raises(ValueError, match="pile-up probability"):
            piled_up(counts, probability)


def test_drift_and_summed_crystals_broaden_a_line() -> None:
    def width(detector: Detector) -> float:
        counts = blurred(detector, _peak(1332.5))
        centre = 0.5 * (detector.edges_kev[1:] + detector.edges_kev[:-1])
        mean = (centre * counts).sum() / counts.sum()
        return float(np.sqrt((counts * (centre - mean) ** 2).sum() / counts.sum()))

    narrow = NAI._replace(law=FwhmLaw(0.01), n_channel=4096)
    plain = width(narrow)
    drifted = width(narrow._replace(drift=0.02))
    # An even drift of 2 % adds 2 % / sqrt(12) of the energy in quadrature.
    assert drifted == pytest.approx(np.hypot(plain, 0.02 * 1332.5 / np.sqrt(12.0)), rel=0.05)
    assert width(narrow._replace(n_crystal=8, gain_spread=0.01)) > 1.5 * plain


def test_the_discriminator_is_soft() -> None:
    passed = discriminator(NAI)
    centre = 0.5 * (NAI.edges_kev[1:] + NAI.edges_kev[:-1])
    assert passed[centre < 15.0].max() < 1e-3
    assert passed[centre > 45.0].min() > 0.999
    assert 0.0 < passed[int(np.argmin(np.abs(centre - 30.0)))] < 1.0


def test_calibration_faults_move_a_peak() -> None:
    wrong = NAI._replace(gain=1.03, offset_kev=8.0)
    counts = blurred(wrong, _peak(1000.0))
    centre = 0.5 * (wrong.edges_kev[1:] + wrong.edges_kev[:-1])
    assert (centre * counts).sum() / counts.sum() == pytest.approx(1038.0, abs=2.0)
    light = NAI._replace(nonproportionality=0.04)
    counts = blurred(light, _peak(60.0))
    assert (centre * counts).sum() / counts.sum() == pytest.approx(62.3, abs=0.7)


def test_a_shield_attenuates_and_scatters() -> None:
    energy, intensity = np.array([661.7]), np.ones(1)
    bare = expected_counts(NAI, energy, intensity, scatter=0.0)
    behind = expected_counts(NAI, energy, intensity, shielding=(("steel", 20.0),), scatter=0.0)
    centre = 0.5 * (NAI.edges_kev[1:] + NAI.edges_kev[:-1])
    at_peak, below = np.abs(centre - 661.7) < 25.0, (centre > 100.0) & (centre < 450.0)
    assert behind[at_peak].sum() / bare[at_peak].sum() == pytest.approx(np.exp(-0.0735 * 20.0), rel=0.2)
    assert behind[below].sum() / behind[at_peak].sum() > 1.3 * bare[below].sum() / bare[at_peak].sum()


def test_scatter_off_the_surroundings_is_a_hump_at_backscatter_energies() -> None:
    energy, intensity = np.array([661.7]), np.ones(1)
    extra = expected_counts(NAI, energy, intensity, scatter=1.0) - expected_counts(
        NAI, energy, intensity, scatter=0.0
    )
    centre = 0.5 * (NAI.edges_kev[1:] + NAI.edges_kev[:-1])
    assert extra.min() > -1e-9
    assert 80.0 < centre[int(np.argmax(extra))] < 280.0

"""Drawn spectra: the same bytes from the same seed, and what stands in them."""

from __future__ import annotations

import numpy as np
import pytest

from screening.physics import NUCLIDES, FwhmLaw, attenuation
from screening.simulation.spectra import (
    Crystal,
    Detector,
    SpectrumRecipe,
    background_counts,
    draw_detector,
    simulate_spectrum,
    source_counts,
)
from screening.simulation.spectra.channels import blurred
from screening.simulation.spectra.crystal import deposits_of
from screening.simulation.spectra.intrinsic import LANTHANUM_BQ_CM3, intrinsic_deposits
from screening.simulation.spectra.medium import flux_in_medium
from screening.simulation.spectra.pairs import photon_pairs
from screening.simulation.spectra.photons import FLUX_KEV, Photons, no_continuum, through
from screening.simulation.spectra.site import shaded
from screening.simulation.spectra.sources import Hiding, draw_hiding, emitted, hidden
from screening.simulation.spectra.summing import PhotonPairs, summed

LABR3 = Detector("labr3", Crystal("labr3-3x3", "labr3-3x3", 0.0), FwhmLaw(0.03), lanthanum=1.0)
GERMANIUM = Detector("hpge", Crystal("hpge-50", "hpge-50", 0.0), FwhmLaw(0.0022, 0.5, 0.7), n_channel=8192)


def test_the_same_seed_gives_the_same_bytes() -> None:
    recipe = SpectrumRecipe(("Cs-137", "K-40"), 2000.0, 1.0, has_background=True)
    first, second = simulate_spectrum(recipe, 5), simulate_spectrum(recipe, 5)
    assert first.counts.tobytes() == second.counts.tobytes()
    assert first.background[0].tobytes() == second.background[0].tobytes()
    assert first.detector == second.detector
    assert simulate_spectrum(recipe, 6).counts.tobytes() != first.counts.tobytes()


def test_counts_are_what_was_asked_for() -> None:
    net, background = 20_000.0, 10_000.0
    drawn = simulate_spectrum(SpectrumRecipe(("Co-60",), net, net / background, "nai"), 4)
    assert drawn.net_counts == pytest.approx(net)
    assert drawn.counts.sum() == pytest.approx(net + background, rel=0.05)


@pytest.mark.parametrize("kind", ["hpge", "labr3", "nai"])
def test_labels_of_all_kinds_give_spectra(kind: str) -> None:
    detector = draw_detector(np.random.default_rng(2), kind)
    # Every fifth label, and what emits no line, betas or positrons.
    for index, name in enumerate(
        [*list(NUCLIDES)[::5], "HEU", "DU", "WGPu", "Sr-90", "P-32", "annihilation"]
    ):
        counts = source_counts(detector, name, np.random.default_rng(index))
        assert np.isfinite(counts).all(), name
        assert (counts >= 0.0).all(), name
        energies = NUCLIDES[name].energy_kev[NUCLIDES[name].intensity > 1e-3]
        if np.any((energies > 150.0) & (energies < 1200.0)):
            assert counts.sum() > 0.0, name


def test_a_shield_leaves_something_of_the_source() -> None:
    rng = np.random.default_rng(0)
    materials = set()
    most = 0.0
    for name in ("Cs-137", "Co-60", "Am-241", "I-131", "HEU") * 60:
        hiding = draw_hiding(rng, name)
        materials |= {material for material, _ in hiding.layers}
        most = max(most, *(areal for _, areal in hiding.layers))
        photons = emitted(name)
        left = hidden(photons, hiding)
        before = (photons.energy_kev * photons.number).sum()
        assert (left.energy_kev * left.number).sum() > 0.99 * np.exp(-5.0) * before
    assert {"aluminium", "polyethylene", "steel", "lead", "water", "wood"} <= materials
    assert 40.0 < most <= 60.0


def test_backgrounds_are_a_family_with_the_natural_lines() -> None:
    centre = 0.5 * (GERMANIUM.edges_kev[1:] + GERMANIUM.edges_kev[:-1])
    ratios = []
    for seed in range(8):
        counts = background_counts(GERMANIUM, np.random.default_rng(seed))
        net = []
        for energy in (609.3, 1460.8, 2614.5):
            inside = np.abs(centre - energy) < 3.0
            beside = (np.abs(centre - energy) > 5.0) & (np.abs(centre - energy) < 12.0)
            net.append(counts[inside].sum() - counts[beside].mean() * inside.sum())
        assert min(net) > 0.0
        ratios.append(net[1] / net[0])
        # Most of a background is scattered: it falls steeply from 100 keV on.
        assert (
            counts[(centre > 100) & (centre < 200)].sum()
            > 3.0 * counts[(centre > 500) & (centre < 600)].sum()
        )
    assert max(ratios) > 2.0 * min(ratios)


def test_rates_of_a_background_are_those_of_real_crystals() -> None:
    # A 3 x 3 inch NaI counts some hundred a second over ordinary ground (300 to 600 above 30 keV).
    nai = Detector("nai", Crystal("nai-3x3", "nai-3x3", 0.0), FwhmLaw(0.07))
    rates = [background_counts(nai, np.random.default_rng(seed)).sum() for seed in range(12)]
    assert 150.0 < float(np.median(rates)) < 1000.0


def test_lanthanum_bromide_sees_itself_from_inside() -> None:
    # Published values are 1.4 to 1.5 Bq/cm3 of La-138.
    assert 1.35 < LANTHANUM_BQ_CM3 < 1.55
    counts = blurred(LABR3, intrinsic_deposits(LABR3.crystal, 0.02, 0.31))
    centre = 0.5 * (LABR3.edges_kev[1:] + LABR3.edges_kev[:-1])
    region = (centre > 1400.0) & (centre < 1550.0)
    # The gamma of 1435.8 keV never comes alone: the x-ray or Auger electrons of barium are caught with it.
    assert 1460.0 < centre[region][np.argmax(counts[region])] < 1478.0
    # Beta spectrum on top of the 788.7 keV gamma, and nothing of it below but its Compton continuum.
    assert counts[(centre > 800) & (centre < 900)].sum() > 1.5 * counts[(centre > 680) & (centre < 760)].sum()
    alphas = counts[(centre > 1600.0) & (centre < 2500.0)].sum()
    assert alphas == pytest.approx(0.02 * LABR3.crystal.volume_cm3 * 4.76, rel=0.1)


def test_coincidences_balance() -> None:
    crystal = Crystal("csi-3x3cm", "csi-3x3cm", 0.0)
    pairs = PhotonPairs(np.array([1173.2]), np.array([1332.5]), np.array([1.0]))
    change = summed(crystal, pairs, 0.2)

    def seen(energy: float) -> float:
        line = deposits_of(crystal, Photons(np.array([energy]), np.ones(1), no_continuum()))
        return float(line.number.sum() + line.continuum.sum())

    # Two events become one.
    lost = change.number.sum() + change.continuum.sum()
    assert lost == pytest.approx(-0.2 * seen(1173.2) * seen(1332.5), rel=0.02)
    full = crystal.peaks(np.array([1173.2, 1332.5]))[1][:, 0]
    at_sum = np.abs(change.energy_kev - 2505.7) < 0.01
    assert change.number[at_sum].sum() == pytest.approx(0.2 * full.prod(), rel=1e-6)
    with pytest.raises(ValueError, match="solid angle"):
        summed(crystal, pairs, 0.7)


def test_pure_beta_emitters_shine_by_bremsstrahlung() -> None:
    photons = emitted("Sr-90")
    assert photons.continuum[FLUX_KEV > 100.0].sum() > 1e-3
    assert photons.continuum[FLUX_KEV > 2300.0].sum() == 0.0
    # Depleted uranium: more photons of bremsstrahlung than of its 766 and 1001 keV lines.
    uranium = emitted("DU")
    lines = uranium.number[uranium.energy_kev > 700.0].sum()
    assert uranium.continuum[(FLUX_KEV > 100.0) & (FLUX_KEV < 700.0)].sum() > lines


def test_pairs_of_a_chain_come_from_its_members() -> None:
    cobalt = photon_pairs("Co-60")
    assert (cobalt.first_kev[0], cobalt.second_kev[0]) == pytest.approx((1332.5, 1173.2), abs=0.1)
    assert cobalt.number[0] == pytest.approx(0.998, abs=0.01)
    thorium = photon_pairs("Th-232")
    strongest = {
        (round(a), round(b)) for a, b in zip(thorium.first_kev[:6], thorium.second_kev[:6], strict=True)
    }
    assert (2615, 583) in strongest
    assert photon_pairs("K-40") is None


def test_uranium_holds_back_its_own_low_lines() -> None:
    def low_share(seed: int) -> float:
        photons = emitted("DU", np.random.default_rng(seed))
        low = photons.energy_kev < 100.0
        return float(photons.number[low].sum() / photons.number.sum())

    plain = emitted("DU")
    assert low_share(1) < (plain.number[plain.energy_kev < 100.0].sum() / plain.number.sum())
    assert float(attenuation("uranium", 63.0)) > 1.0


NOT_ALLOWED = {
    "unknown nuclide 'Xx-1'": lambda: simulate_spectrum(SpectrumRecipe(("Xx-1",)), 1),
    "net_counts is nan": lambda: simulate_spectrum(SpectrumRecipe(net_counts=np.nan), 1),
    "net_counts is -5": lambda: simulate_spectrum(SpectrumRecipe(net_counts=-5.0), 1),
    "signal_to_background is 0": lambda: simulate_spectrum(SpectrumRecipe(signal_to_background=0.0), 1),
    "harshness is -1; allowed: 0 to 10": lambda: simulate_spectrum(SpectrumRecipe(harshness=-1.0), 1),
    "calibration_error is 100": lambda: simulate_spectrum(SpectrumRecipe(calibration_error=100.0), 1),
    "unknown nuclide 'Xx-2'": lambda: emitted("Xx-2"),
    "unknown nuclide 'Xx-3'": lambda: draw_hiding(np.random.default_rng(1), "Xx-3"),
    "unknown nuclide 'Xx-4'": lambda: flux_in_medium("Xx-4", "soil"),
    "cover 2 of a shield": lambda: hidden(emitted("Cs-137"), Hiding((("lead", 1.0),), 2.0)),
    "share of directions 2": lambda: shaded(flux_in_medium("K-40", "soil"), 2.0, 1.0),
    "scatter is -2": lambda: through(emitted("Cs-137"), "lead", 1.0, scatter=-2.0),
}


@pytest.mark.parametrize("message", NOT_ALLOWED)
def test_what_cannot_be_is_refused(message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NOT_ALLOWED[message]()


def test_what_is_kept_between_calls_cannot_be_changed() -> None:
    for values in (emitted("Cs-137").energy_kev, *flux_in_medium("K-40", "soil")):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1.0

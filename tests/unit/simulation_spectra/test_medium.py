"""The flux in a medium balances: what is emitted is what is absorbed."""

from __future__ import annotations

import numpy as np
import pytest

from screening.physics import NUCLIDES, attenuation
from screening.simulation.spectra.medium import _scatter, flux_in_medium
from screening.simulation.spectra.photons import FLUX_EDGES, FLUX_KEV
from screening.simulation.spectra.site import draw_site, shaded, site_flux


@pytest.mark.parametrize("label", ["K-40", "Ra-226", "Th-232"])
@pytest.mark.parametrize("medium", ["soil", "concrete"])
def test_energy_emitted_is_energy_absorbed(label: str, medium: str) -> None:
    flux = flux_in_medium(label, medium)
    nuclide = NUCLIDES[label]
    emitted = float((nuclide.energy_kev * nuclide.intensity).sum())
    absorbed = 0.0
    for energy, number in ((flux.energy_kev, flux.number), (FLUX_KEV, flux.continuum)):
        kept = _scatter(energy) * FLUX_KEV[:, None]
        electron = energy - kept.sum(axis=0)
        pairs = attenuation(medium, energy, process="pair_nuclear")
        pairs = pairs + attenuation(medium, energy, process="pair_electron")
        rate = attenuation(medium, energy, process="photoelectric") * energy
        rate += attenuation(medium, energy, process="incoherent") * electron
        rate += pairs * (energy - 1022.0)
        absorbed += float((rate * number).sum())
    assert absorbed == pytest.approx(emitted, rel=0.02)


def test_unscattered_lines_are_the_source_over_the_coefficient() -> None:
    flux = flux_in_medium("K-40", "soil")
    nuclide = NUCLIDES["K-40"]
    line = float(nuclide.energy_kev[np.argmax(nuclide.energy_kev)])
    mu = attenuation("soil", line) - attenuation("soil", line, process="coherent")
    k = int(np.argmin(np.abs(flux.energy_kev - line)))
    assert flux.number[k] == pytest.approx(float(nuclide.intensity[-1] / mu), rel=1e-9)


def test_no_photon_is_scattered_above_the_highest_line() -> None:
    flux = flux_in_medium("K-40", "soil")
    assert flux.continuum[FLUX_EDGES[:-1] > 1460.9].sum() == 0.0


@pytest.mark.parametrize("energy", [60.0, 662.0, 2614.5])
def test_scatter_shares_sum_to_one(energy: float) -> None:
    shares = _scatter(np.array([energy]))
    assert shares.sum() == pytest.approx(1.0, abs=1e-9)
    assert (shares >= -1e-12).all()


def test_a_site_shines_as_ground_does() -> None:
    # Gamma flux above ground is of the order of ten photons a cm2 and second (any handbook of dosimetry).
    totals = []
    for seed in range(30):
        flux = site_flux(draw_site(np.random.default_rng(seed)))
        assert (flux.number >= 0).all()
        assert (flux.continuum >= 0).all()
        totals.append(flux.number.sum() + flux.continuum.sum())
    assert 5.0 < float(np.median(totals)) < 40.0
    assert max(totals) > 2.0 * min(totals)


def test_a_vehicle_takes_more_of_the_low_energies() -> None:
    flux = site_flux(draw_site(np.random.default_rng(3)))
    beside = shaded(flux, 0.5, 10.0)
    at = {name: int(np.argmin(np.abs(flux.energy_kev - e))) for name, e in (("low", 238.6), ("high", 2614.5))}
    assert (
        beside.number[at["low"]] / flux.number[at["low"]]
        < beside.number[at["high"]] / flux.number[at["high"]]
    )
    assert beside.number[at["low"]] >= 0.5 * flux.number[at["low"]]

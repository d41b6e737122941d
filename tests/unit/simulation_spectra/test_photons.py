"""Layers: what enters leaves, scattered or not, or is absorbed."""

from __future__ import annotations

import numpy as np
import pytest

from screening.physics import transmission
from screening.physics.scatter import emerging
from screening.simulation.spectra.photons import (
    FLUX_EDGES,
    FLUX_KEV,
    Photons,
    no_continuum,
    scattered_back,
    through,
    through_layers,
)


def _line(energy: float) -> Photons:
    return Photons(np.array([energy]), np.ones(1), no_continuum())


@pytest.mark.parametrize("material", ["steel", "lead", "water", "polyethylene", "aluminium"])
@pytest.mark.parametrize("areal", [0.3, 5.0, 40.0])
def test_a_layer_makes_no_photons_above_the_line_and_keeps_the_unscattered(
    material: str, areal: float
) -> None:
    behind = through(_line(662.0), material, areal)
    assert behind.number[0] == pytest.approx(float(transmission(material, 662.0, areal)), rel=1e-12)
    assert (behind.continuum >= 0.0).all()
    # The axis has bins of 2.7 %: a line lies between two of them.
    assert behind.continuum[FLUX_KEV > 662.0 * 1.03].sum() == 0.0
    assert 0.0 < behind.number[0] + behind.continuum.sum() <= 1.02


def test_thicker_light_cargo_scatters_more() -> None:
    ratios = []
    for areal in (5.0, 20.0, 40.0):
        behind = through(_line(662.0), "polyethylene", areal)
        ratios.append(behind.continuum.sum() / behind.number[0])
    assert ratios[0] < ratios[1] < ratios[2]


def test_nothing_is_no_layer() -> None:
    photons = _line(662.0)
    assert through(photons, "steel", 0.0) is photons
    assert through_layers(photons, ()) is photons


def test_areal_density_is_checked() -> None:
    for areal in (-1.0, float("nan"), 101.0):
        with pytest.raises(ValueError, match="areal density"):
            through(_line(662.0), "steel", areal)


def test_a_surface_returns_less_than_it_gets_and_at_backscatter_energies() -> None:
    back = scattered_back(_line(662.0), "concrete")
    assert 0.05 < back.sum() < 0.9
    # Scattered by more than a right angle once, or several times: below E / (1 + E / 511 keV).
    assert back[FLUX_KEV < 300.0].sum() > 0.7 * back.sum()


@pytest.mark.parametrize(("material", "areal"), [("lead", 75.0), ("water", 118.0), ("concrete", 110.0)])
def test_scatter_follows_the_table_to_its_end(material: str, areal: float) -> None:
    # Beyond the last kept thickness scatter was extrapolated. At the middle of a bin: lines stand in one.
    energy = FLUX_KEV[[181, 206]]
    made = through(Photons(energy, np.ones(2), no_continuum()), material, areal).continuum
    table = emerging(material, areal, energy, FLUX_EDGES).sum(axis=1)
    assert made.sum() == pytest.approx(table.sum(), rel=0.01)
    for bins in np.array_split(np.arange(150), 5):
        assert made[bins].sum() == pytest.approx(table[bins].sum(), rel=0.05, abs=1e-3 * table.sum())

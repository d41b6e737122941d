"""Bremsstrahlung of beta emitters: mean energies and total yields against published figures."""

from __future__ import annotations

import numpy as np
import pytest

from screening.physics import MATERIALS, activities, bremsstrahlung, members, nuclide
from screening.physics.bremsstrahlung import beta_spectrum
from screening.physics.electrons import (
    collision_stopping,
    photon_cross_section,
    slowing_photons,
)

EDGES = np.geomspace(5.0, 2400.0, 161)
CENTRES = np.sqrt(EDGES[1:] * EDGES[:-1])


@pytest.mark.parametrize(
    ("name", "mean_kev", "tolerance"),
    # Mean energies of ICRP Publication 107, electrons of the main branches.
    [("P-32", 694.9, 0.005), ("Y-90", 933.6, 0.02), ("Sr-90", 195.8, 0.035), ("Sr-89", 584.5, 0.025),
     ("Bi-210", 389.0, 0.02), ("Pa-234m", 819.0, 0.03), ("Tm-170", 317.0, 0.02)],
)  # fmt: skip
def test_mean_beta_energies(name: str, mean_kev: float, tolerance: float) -> None:
    energy = np.linspace(0.1, 2500.0, 20001)
    spectrum = beta_spectrum(name, energy)
    number = np.trapezoid(spectrum, energy)
    assert number == pytest.approx(1.0, abs=4e-3)
    assert np.trapezoid(spectrum * energy, energy) / number == pytest.approx(mean_kev, rel=tolerance)


@pytest.mark.parametrize("material", ["water", "pmma", "aluminium", "iron", "tungsten", "lead"])
def test_yield_of_yttrium_follows_the_published_rule(material: str) -> None:
    """Share of the beta energy that is radiated, 3.5e-4 Z E_max (Cember, Introduction to Health Physics)."""
    photons = bremsstrahlung("Y-90", material, EDGES, is_internal_included=False)
    found = float((photons * CENTRES).sum()) / 933.6
    rule = 3.5e-4 * MATERIALS[material].effective_z * 2.2798
    assert found == pytest.approx(rule, rel=0.15)


def test_internal_bremsstrahlung_matters_in_light_materials_only() -> None:
    """Of the order of alpha / pi (Knipp and Uhlenbeck): some 2e-3 of the energy, whatever the material."""
    for material, low, high in (("water", 1.3, 1.7), ("lead", 1.01, 1.06)):
        both = (bremsstrahlung("Y-90", material, EDGES) * CENTRES).sum()
        external = (bremsstrahlung("Y-90", material, EDGES, is_internal_included=False) * CENTRES).sum()
        assert low < both / external < high


def test_collision_stopping_against_icru_37() -> None:
    # MeV cm2/g; below 1 MeV the density effect, which is left out here, is small.
    for material, electron_kev, expected, tolerance in (
        ("C", 100.0, 3.671, 0.01),
        ("Al", 1000.0, 1.465, 0.03),
        ("Pb", 1000.0, 1.003, 0.02),
        ("water", 1000.0, 1.849, 0.03),
        ("water", 100.0, 4.115, 0.015),
    ):
        found = float(collision_stopping(material, electron_kev)) / 1e3
        assert found == pytest.approx(expected, rel=tolerance), (material, electron_kev)


def test_a_photon_takes_no_more_than_the_electron_has() -> None:
    cross_section = photon_cross_section(74, 1000.0, [500.0, 999.0, 1000.0, 1500.0])
    assert (cross_section[:2] > 0).all()
    assert (cross_section[2:] == 0).all()
    edges = np.array([100.0, 2279.0, 2290.0, 3000.0])
    photons = bremsstrahlung("Y-90", "lead", edges)
    assert photons[0] > 0.1
    assert photons[2] == 0.0


def test_radiation_yield_of_one_electron() -> None:
    """The rule 6e-4 Z T / (1 + 6e-4 Z T), T in MeV, known to be low for heavy elements: within a third."""
    electron = np.geomspace(1.0, 1000.0, 240)
    photon = np.geomspace(1.0, 999.0, 240)
    for symbol, z in (("C", 6), ("Cu", 29), ("W", 74), ("Pb", 82)):
        spectrum = slowing_photons(symbol, electron, np.ones(electron.size), photon)
        found = np.trapezoid(spectrum * photon, photon) / 1000.0
        simple = 6e-4 * z / (1 + 6e-4 * z)
        assert 1.0 < found / simple < 1.35, symbol


def test_a_label_brings_its_daughters() -> None:
    assert set(members("Sr-90")) >= {"Sr-90", "Y-90"}
    assert members("Sr-90")["Y-90"] == pytest.approx(1.0, abs=0.01)
    assert members("Bi-210") == {"Bi-210": pytest.approx(1.0)}
    assert members("Rb-87") == {"Rb-87": 1.0}
    for name in ("HEU", "WGPu", "DU"):
        assert {o.rstrip("*") for o in nuclide(name).origin} - set(members(name)) <= {"U-232", "Am-241"}
    hard = np.array([1500.0, 3000.0])
    assert bremsstrahlung("Sr-90", "steel", hard)[0] > 0.0
    assert bremsstrahlung({"Sr-90": 1.0}, "steel", hard)[0] == 0.0


def test_depleted_uranium_radiates_by_its_protactinium() -> None:
    edges = np.array([100.0, 300.0, 1000.0, 2300.0])
    label = bremsstrahlung("DU", "uranium", edges)
    aged = activities({"U-238": 0.998, "U-235": 0.002}, unit="g", age_s=5 * 3.156e7)
    mixture = bremsstrahlung(aged, "uranium", edges) / sum(aged.values())
    np.testing.assert_allclose(label, mixture, rtol=1e-3)
    assert 0.02 < label[0] < 0.2
    # far more photons between 300 and 1000 keV than all lines there have
    energy, strength = nuclide("DU").energy_kev, nuclide("DU").intensity
    assert label[1] > strength[(energy > 300.0) & (energy < 1000.0)].sum()


@pytest.mark.parametrize(
    ("source", "material", "edges", "message"),
    [
        ("Xx-9", "lead", [10.0, 20.0], "unknown or stable nuclide 'Xx-9'"),
        ("Y-90", "cheese-like", [10.0, 20.0], "unknown material 'cheese-like'"),
        ("Y-90", "lead", [20.0, 10.0], "ascending and above 0 keV"),
        ("Y-90", "lead", [0.0, 10.0], "ascending and above 0 keV"),
    ],
)
def test_what_cannot_be_is_refused(source: str, material: str, edges: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bremsstrahlung(source, material, edges)
    with pytest.raises(ValueError, match=r"electron energy 0\.5 keV is outside the range 1 to 20000"):
        collision_stopping("water", 0.5)


@pytest.mark.parametrize("share", [-1.0, np.nan, np.inf])
def test_activities_that_cannot_be_are_refused(share: float) -> None:
    with pytest.raises(ValueError, match=rf"activity of Y-90 is {share:g}"):
        bremsstrahlung({"Y-90": share}, "steel", [10.0, 100.0])
    with pytest.raises(ValueError, match="atomic number 0 is outside"):
        photon_cross_section(0, 100.0, 50.0)

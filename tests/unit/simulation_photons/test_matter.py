from __future__ import annotations

import numpy as np
import pytest

from screening.kernels.photons import node_energies_kev
from screening.physics import attenuation
from screening.physics.electrons import slowing_photons
from screening.simulation.photons.detectors import DETECTORS, detector_setup
from screening.simulation.photons.fluorescence import K_LINES
from screening.simulation.photons.matter import (
    HOUSINGS,
    body_material,
    electron_range_g_cm2,
    klein_nishina_cm2,
    photon_materials,
    radiative_yield,
)


@pytest.mark.parametrize("material", ["nai", "lead", "water"])
def test_table_holds_xcom(material):
    table = photon_materials((material,)).table[0]
    energy = node_energies_kev()
    used = energy <= 20_000
    density = body_material(material).density_g_cm3
    processes = ("photoelectric", "incoherent", "coherent", "pair_nuclear", "pair_electron")
    parts = [attenuation(material, energy[used], process=process) for process in processes]
    # Near the pair threshold the kernel's table starts at 1022 keV, the data's lines at a node below.
    away = np.abs(energy[used] - 1022) > 25
    np.testing.assert_allclose(table[used, 0][away], sum(parts)[away] * density, rtol=1e-4)
    np.testing.assert_allclose((table[used, 1] * table[used, 0])[away], parts[0][away] * density, rtol=1e-4)
    # The total interpolated as one is up to 4 % higher between XCOM's nodes.
    np.testing.assert_allclose(table[used, 0], attenuation(material, energy[used]) * density, rtol=0.05)
    assert (np.diff(table[:, 1:4], axis=1) >= 0).all()
    assert (table[:, 3] <= 1).all()


def test_thomson_limit_of_klein_nishina():
    thomson = 8 * np.pi / 3 * 2.8179403262e-13**2
    assert klein_nishina_cm2(np.array(0.5)) == pytest.approx(thomson, rel=0.003)


def test_k_lines_share_out_to_one():
    for symbol, lines in K_LINES.items():
        assert sum(lines.share) == pytest.approx(1), symbol
        assert 0 < lines.fluorescence < 1
        assert max(lines.line_kev) < lines.edge_kev


def test_k_lines_only_above_the_edge():
    table = photon_materials(("nai",)).table[0]
    energy = node_energies_kev()
    iodine = K_LINES["I"]
    assert (table[energy < iodine.edge_kev, 6] == 0).all()
    # Share of the K shell 5/6, yield 0.89, iodine absorbs nearly all.
    above = table[energy > iodine.edge_kev, 6]
    assert above[0] == pytest.approx(0.74, abs=0.02)


def test_electron_range_of_aluminium():
    # Katz and Penfold, Rev. Mod. Phys. 24 (1952) 28: 412 E^(1.265 - 0.0954 ln E) mg/cm2, E in MeV.
    energy = np.array([0.5, 1.0, 2.0])
    expected = 0.412 * energy ** (1.265 - 0.0954 * np.log(energy))
    found = electron_range_g_cm2(body_material("aluminium"), 1000 * energy)
    np.testing.assert_allclose(found, expected, rtol=0.06)


@pytest.mark.parametrize(
    ("material", "tolerance"), [("aluminium", 0.1), ("nai", 0.2), ("labr3", 0.2), ("lead", 0.35)]
)
def test_radiative_yield_beside_that_of_physics(material, tolerance):
    # The plain formula, against Bethe and Heitler's cross section integrated while the electron slows down.
    for start in (1000.0, 2000.0, 5000.0):
        energy, photon = np.geomspace(1.0, start, 300), np.geomspace(1.0, 0.9999 * start, 300)
        emitted = slowing_photons(material, energy, np.ones(energy.size), photon)
        expected = np.trapezoid(emitted * photon, photon) / start
        found = radiative_yield(body_material(material), np.array([start]))[0]
        assert found == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize("name", sorted(HOUSINGS))
def test_housings_are_whole(name):
    assert sum(fraction for _, fraction in HOUSINGS[name].composition) == pytest.approx(1, abs=1e-4)


def test_unknown_material():
    with pytest.raises(ValueError, match="unknown material 'cheese-wire'"):
        body_material("cheese-wire")


def test_setup_of_a_coaxial():
    setup = detector_setup(DETECTORS["hpge-50"])
    assert setup.crystal == 1
    assert setup.material[0] == -1
    assert setup.bounds_cm[0, 2] == pytest.approx(6.2 - 4.8)
    # Crystal and dead layer are one material.
    assert setup.material[1] == setup.material[2]
    assert DETECTORS["hpge-50"].volume_cm3 == pytest.approx(np.pi * (3.05**2 * 6.2 - 0.5**2 * 4.8), rel=1e-12)

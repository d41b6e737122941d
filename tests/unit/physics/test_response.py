from __future__ import annotations

import numpy as np
import pytest

from screening.kernels import transport_photons
from screening.physics import RESPONSES, FwhmLaw, response
from screening.physics.light import light_yield
from screening.physics.response import PEAKS, deposit_edges_kev
from screening.simulation.photons.detectors import DETECTORS, detector_setup

ENERGIES = np.array([10.0, 32.0, 59.54, 122.06, 300.0, 511.0, 661.66, 1022.0, 1332.5, 2614.5, 6000.0, 1e4])


@pytest.mark.parametrize("name", RESPONSES)
def test_chances_add_up(name):
    found = response(name)
    place, chance = found.peaks(ENERGIES)
    edges = np.linspace(0, 1e4, 301)
    continuum = found.continuum(ENERGIES, edges)
    assert place.shape == chance.shape == (12, 6)
    assert continuum.shape == (300, 12)
    assert (chance >= 0).all()
    assert (continuum >= 0).all()
    np.testing.assert_allclose(chance.sum(axis=1) + continuum.sum(axis=0), found.total(ENERGIES), rtol=1e-6)
    assert (found.total(ENERGIES) <= 1).all()
    # Above the energies of a line nothing is deposited.
    assert (continuum[edges[:-1, None] >= ENERGIES] == 0).all()


@pytest.mark.parametrize("name", RESPONSES)
def test_table_describes_the_detector(name):
    found, detector = response(name), DETECTORS[name]
    assert found.name == name
    assert found.crystal == detector.crystal
    assert found.description == detector.description
    assert found.face_area_cm2 == pytest.approx(detector.face_area_cm2)
    assert found.volume_cm3 == pytest.approx(detector.volume_cm3)
    assert found.n_histories >= 500_000
    assert "parallel beam" in found.source
    assert found.incident_kev[0] == 10
    assert found.incident_kev[-1] == 10_000
    assert (np.diff(found.incident_kev) > 0).all()
    assert isinstance(found.fwhm_law, FwhmLaw)
    assert response(name) is found
    with pytest.raises(ValueError, match="read-only"):
        found.incident_kev[0] = 0


def test_sizes_that_were_asked_for():
    assert response("nai-2x4x16").face_area_cm2 == pytest.approx(4 * 16 * 2.54**2)
    assert response("pvt-panel").volume_cm3 == pytest.approx(170 * 35 * 5)
    assert response("csi-1cm3").volume_cm3 == pytest.approx(1)


@pytest.mark.parametrize("energy", [83.0, 700.0, 1172.0, 2505.0])
@pytest.mark.parametrize("name", ["nai-3x3", "csi-1cm3", "hpge-50", "labr3-3x3"])
def test_between_nodes_as_simulated_there(name, energy):
    # None of these energies is in the tables: the interpolation against the Monte Carlo itself.
    found = response(name)
    assert np.abs(found.incident_kev / energy - 1).min() > 0.004
    # From 15 keV on: germanium's K lines from the dead layer do not move with the energy, and are smeared.
    edges = np.linspace(15, energy, 31)
    n = 200_000
    tally = transport_photons(detector_setup(DETECTORS[name]), energy, edges, n_histories=n, seed=5)
    _, chance = found.peaks([energy])
    sigma = np.sqrt(np.maximum(tally.peaks, 1)) / n
    # 1 % of the peak for the interpolation, 10 % of the rare ones.
    slack = np.array([0.01, 0.1, 0.1, 0.04, 0.04, 0.2]) * chance[0]
    assert (np.abs(chance[0] - tally.peaks / n) < 4.5 * sigma + slack + 1e-5).all()
    continuum = found.continuum([energy], edges)[:, 0]
    counted = tally.histogram / n
    sigma = np.sqrt(np.maximum(tally.histogram, 1)) / n
    assert (np.abs(continuum - counted) < 4.5 * sigma + 0.12 * counted + 1e-4).all()
    assert np.abs(continuum - counted).sum() < 0.04 * counted.sum() + sigma.sum()


def test_compton_edge_moves_with_the_energy():
    found = response("nai-3x3")
    for energy in (560.0, 600.0, 640.0, 700.0, 760.0):
        edge = energy * 2 * energy / 510.99895 / (1 + 2 * energy / 510.99895)
        edges = np.array([edge * 0.97, edge, edge * 1.03])
        below, above = found.continuum([energy], edges)[:, 0]
        assert below > 2.5 * above


def test_smooth_in_energy():
    # Steps of 0.5 % across nodes and across the energies where pieces of the axis open.
    found = response("nai-3x3")
    energy = np.geomspace(300, 3000, 460)
    total, (_, chance) = found.total(energy), found.peaks(energy)
    for curve in (total, chance[:, 0]):
        assert np.abs(np.diff(np.log(curve), n=2)).max() < 4e-3
    edges = np.linspace(0, 3000, 31)
    steps = np.diff(found.continuum(energy, edges), axis=1)
    assert np.abs(steps).max() < 0.03 * found.total([300.0])[0]


def test_peaks_are_where_they_must_be():
    place, chance = response("nai-3x3").peaks([20.0, 60.0, 2614.5])
    alpha, single = PEAKS.index("k-alpha"), PEAKS.index("single")
    assert chance[0, alpha] == 0
    assert place[0, alpha] == 20
    assert place[1, alpha] == pytest.approx(60 - 28.5, abs=0.1)
    assert (chance[:2, single] == 0).all()
    assert place[2, single] == pytest.approx(2614.5 - 510.999, abs=0.01)
    assert place[2, PEAKS.index("double")] == pytest.approx(2614.5 - 1021.998, abs=0.01)
    assert place[2, PEAKS.index("511")] == pytest.approx(510.999, abs=0.01)
    np.testing.assert_array_equal(place[:, 0], [20.0, 60.0, 2614.5])


def test_single_and_double_escape_order():
    small, large = (response(name).peaks([2614.5])[1][0] for name in ("csi-1cm3", "nai-3x3"))
    assert small[4] > small[3]
    assert large[3] > large[4]


def test_larger_crystals_take_more():
    for small, large in (("nai-1.5x1.5", "nai-3x3"), ("csi-1cm3", "csi-3x3cm"), ("hpge-20", "hpge-50")):
        first, second = (response(name).peaks([662.0])[1][0, 0] for name in (small, large))
        assert second > first


def test_pieces_of_the_axis():
    for energy in (10.0, 200.0, 255.5, 400.0, 511.0, 700.0, 1022.0, 1100.0, 9000.0):
        edges = deposit_edges_kev(energy)
        assert edges.size == 193
        assert edges[0] == 0
        assert edges[-1] == energy
        assert (np.diff(edges) >= 0).all()


def test_light_yields():
    assert response("nai-3x3").nonproportionality(661.657) == pytest.approx(1)
    assert response("nai-3x3").nonproportionality(60.0) > 1.1
    assert response("labr3-3x3").nonproportionality(30.0) < 0.96
    np.testing.assert_array_equal(response("hpge-50").nonproportionality([20.0, 3000.0]), 1)
    # Quenching: a 60 keV electron in plastic gives about a tenth less light per keV than one of 662 keV.
    quenched = response("pvt-panel").nonproportionality(np.array([20.0, 60.0, 662.0, 3000.0]))
    assert (np.diff(quenched) > 0).all()
    assert 0.8 < quenched[1] < 0.95
    assert quenched[2] == pytest.approx(1, abs=1e-3)


def test_widths():
    assert response("nai-3x3").fwhm_law.fwhm_kev(661.657) == pytest.approx(0.07 * 661.657)
    assert response("hpge-50").fwhm_law.fwhm_kev(1332.5) == pytest.approx(1.9, abs=0.1)
    assert response("hpge-50").fwhm_law.fwhm_kev(122.0) == pytest.approx(0.85, abs=0.1)


@pytest.mark.parametrize("energy", [9.99, 10_001.0, np.nan, -1.0])
def test_energies_outside_the_table(energy):
    found = response("nai-3x3")
    for call in (
        found.total,
        found.peaks,
        found.nonproportionality,
        lambda e: found.continuum(e, np.array([0.0, 1.0])),
    ):
        with pytest.raises(ValueError, match=r"outside the table, 10 to 10000 keV"):
            call([100.0, energy])


@pytest.mark.parametrize("edges", [[1.0], [1.0, 1.0], [2.0, 1.0], [0.0, np.nan]])
def test_bad_edges(edges):
    with pytest.raises(ValueError, match="edges_kev"):
        response("nai-3x3").continuum([100.0], edges)


def test_unknown_detector():
    with pytest.raises(ValueError, match="unknown detector 'geiger'; known: nai-2x4x16"):
        response("geiger")


def test_light_of_what_is_unknown_is_refused() -> None:
    assert (light_yield("hpge", np.array([100.0])) == 1.0).all()
    with pytest.raises(ValueError, match="unknown crystal 'bgo'; known: nai"):
        light_yield("bgo", np.array([100.0]))
    for energy in (5.0, np.nan, 2e4):
        with pytest.raises(ValueError, match="outside the curves, 10 to 10000 keV"):
            light_yield("nai", np.array([100.0, energy]))

from __future__ import annotations

import numpy as np
import pytest

from screening.kernels import PhotonSetup, transport_photons
from screening.physics import attenuation, backscattered, emerging, transmission
from screening.physics.scatter import (
    SHIELDS,
    SURFACES,
    buildup_factor,
    emerging_edges_kev,
    largest_areal_density_g_cm2,
)
from screening.simulation.photons.matter import photon_materials
from screening.simulation.photons.scattering import THICKEST_G_CM2, shell_setup, surface_setup

WHOLE = np.geomspace(10.0, 1e4, 201)


@pytest.mark.parametrize("material", SHIELDS)
def test_scatter_and_transmission_leave_at_most_what_came(material):
    energy = np.array([15.0, 60.0, 186.0, 662.0, 1000.0])
    areal = np.linspace(0, largest_areal_density_g_cm2(material), 40)
    for value in areal:
        found = emerging(material, value, energy, WHOLE)
        assert found.shape == (200, 5)
        assert (found >= 0).all()
        # Scattered photon and K line of one history both count: a little over 1 is possible.
        assert (found.sum(axis=0) + transmission(material, energy, value) < 1.03).all()
        carried = (np.sqrt(WHOLE[1:] * WHOLE[:-1]) @ found) / energy
        assert (carried + transmission(material, energy, value) < 1.03).all()


@pytest.mark.parametrize("material", SHIELDS)
def test_table_reaches_far_enough(material):
    assert largest_areal_density_g_cm2(material) == THICKEST_G_CM2[material]
    assert attenuation(material, 662.0) * largest_areal_density_g_cm2(material) > 4


def test_no_shield_scatters_nothing():
    assert (emerging("lead", 0.0, [662.0, 60.0], WHOLE) == 0).all()


def test_thin_shield_scatters_in_proportion():
    first, second = (emerging("steel", value, [662.0], WHOLE).sum() for value in (0.05, 0.1))
    assert second / first == pytest.approx(2, rel=0.05)
    interacted = 1 - transmission("steel", 662.0, 0.1)
    # Some are absorbed, and some on their way out.
    assert 0.85 * float(interacted) < second < float(interacted)


@pytest.mark.parametrize(
    ("material", "areal", "energy"),
    [("lead", 15.0, 1100.0), ("steel", 30.0, 700.0), ("water", 40.0, 150.0), ("concrete", 70.0, 2500.0)],
)
def test_between_nodes_as_simulated_there(material, areal, energy):
    n = 200_000
    edges = np.geomspace(10, energy, 25)
    edges[-1] = 1.0001 * energy
    tally = transport_photons(shell_setup(material, areal), energy, edges, n_histories=n, seed=3)
    found = emerging(material, areal, [energy], np.append(edges, 1e4))[:, 0]
    for k, peak in ((0, energy), (1, tally.peak_kev[1]), (2, tally.peak_kev[2]), (5, 510.99895)):
        place = np.searchsorted(edges, peak, side="right") - 1
        if tally.peaks[k]:
            tally.histogram[min(place, 23)] += tally.peaks[k]
    counted, sigma = tally.histogram / n, np.sqrt(np.maximum(tally.histogram, 1)) / n
    assert found.sum() == pytest.approx(counted.sum(), rel=0.04)
    assert (np.abs(found[:24] - counted) < 5 * sigma + 0.12 * counted + 2e-4).all()


def test_lead_sends_out_its_k_lines():
    found = emerging("lead", 0.4, [120.0], np.array([60.0, 72.0, 76.0, 84.0, 88.0]))[:, 0]
    assert found[1] > 5 * found[0]
    assert found[3] > 0.2 * found[1]
    assert emerging("lead", 0.4, [80.0], np.array([72.0, 76.0]))[0, 0] < 0.05 * found[1]


def test_coherent_scatter_stays_in_the_line():
    edges = np.array([640.0, 655.0, 661.0, 662.0, 663.0])
    found = emerging("lead", 15.0, [661.657], edges)[:, 0]
    # No shelf below the line: what is there is small-angle incoherent scatter.
    assert found[2] > 5 * found[1]
    assert found[3] == 0
    lost = attenuation("lead", 661.657, process="coherent") * 15.0
    direct = float(transmission("lead", 661.657, 15.0))
    assert found[2] == pytest.approx(direct * float(lost), rel=0.35)


def test_annihilation_quanta_come_out():
    found = emerging("lead", 15.0, [2614.5], np.array([505.0, 510.0, 512.0, 517.0]))[:, 0]
    assert found[1] > 5 * max(found[0], found[2])


# Goldstein and Wilkins, NYO-3075 (1954): dose buildup factors, point isotropic source, infinite medium, at
# 1, 2 and 4 mean free paths.
PUBLISHED = {
    ("water", 500.0): (2.52, 5.14, 14.3),
    ("water", 1000.0): (2.13, 3.71, 7.68),
    ("water", 2000.0): (1.83, 2.77, 4.88),
    ("iron", 1000.0): (1.87, 2.89, 5.39),
}


def exposure_at(material, energy, depth_mfp, *, n):
    """Exposure in an infinite medium over that without scatter: a thin shell of dense air in the medium."""
    materials = photon_materials((material, "air"))
    table = materials.table.copy()
    # So dense that the shell sees enough photons, so thin that it does not disturb them.
    table[1, :, 0] *= 800
    # What the quanta hand to electrons counts, wherever those end.
    table[1, :, 7], table[1, :, 8] = 0.0, 1.0
    materials = materials._replace(table=table)
    density = {"water": 1.0, "iron": 7.87}[material]
    mu = float(attenuation(material, energy) - attenuation(material, energy, process="coherent")) * density
    radius, thin = depth_mfp / mu, 0.4 / density
    bounds = np.zeros((3, 4))
    bounds[:, 0] = (radius - thin / 2, radius + thin / 2, radius + 12 / mu)
    setup = PhotonSetup(materials, "sphere", bounds, np.array([0, 1, 0], dtype=np.int32), 1, "centre")
    edges = np.linspace(0, energy, 2001)

    def deposited(tally):
        centre = (edges[1:] + edges[:-1]) / 2
        return centre @ tally.histogram + tally.peaks[0] * energy

    with_scatter = deposited(transport_photons(setup, energy, edges, n_histories=n, seed=2))
    nothing = setup._replace(material=np.array([-1, 1, -1], dtype=np.int32))
    direct = deposited(transport_photons(nothing, energy, edges, n_histories=n, seed=2))
    return with_scatter / (direct * np.exp(-depth_mfp))


@pytest.mark.parametrize(("material", "energy"), sorted(PUBLISHED))
def test_published_buildup_factors_of_infinite_media(material, energy):
    # The transport core, by exposure at a depth: within 10 % of tables with the cross sections of 1954.
    for depth, expected in zip((1.0, 2.0), PUBLISHED[material, energy][:2], strict=True):
        assert exposure_at(material, energy, depth, n=200_000) == pytest.approx(expected, rel=0.10)


def test_buildup_of_shells_is_below_that_of_infinite_media():
    # Nothing comes back from outside, and photons that leave are counted, not their fluence at the surface.
    for (material, energy), published in PUBLISHED.items():
        name = "steel" if material == "iron" else material
        mu = float(attenuation(name, energy) - attenuation(name, energy, process="coherent"))
        for depth, expected in zip((1.0, 2.0, 4.0), published, strict=True):
            if depth / mu <= largest_areal_density_g_cm2(name):
                found = buildup_factor(name, depth / mu, energy, response="exposure")[0]
                assert 0.4 * expected < found < expected


def test_buildup_counts():
    assert buildup_factor("steel", 0.0, 662.0)[0] == 1
    number = buildup_factor("water", np.float64(20.0), [662.0, 1332.5])
    exposure = buildup_factor("water", 20.0, [662.0, 1332.5], response="exposure")
    assert (number > exposure).all()
    with pytest.raises(ValueError, match="unknown response 'dose'"):
        buildup_factor("water", 1.0, 662.0, response="dose")


@pytest.mark.parametrize("surface", SURFACES)
def test_backscatter_has_its_peak(surface):
    # One scatter by 110 to 180 degrees: 184 to 240 keV of 662.
    edges = np.arange(10.0, 700.0, 10.0)
    found = backscattered(surface, [662.0], edges)[:, 0]
    assert 170 <= edges[found.argmax()] <= 240
    assert 0.2 < found.sum() < 0.7
    assert found[edges[:-1] > 600].sum() < 0.12 * found.sum()


def test_heavier_surfaces_send_back_less_below_100_kev():
    order = [backscattered(name, [60.0], WHOLE).sum() for name in ("water", "concrete", "steel")]
    assert order[0] > order[1] > order[2]


def test_backscatter_as_simulated():
    n, energy = 200_000, 900.0
    edges = np.geomspace(10, 500, 20)
    tally = transport_photons(surface_setup("soil"), energy, edges, n_histories=n, seed=8)
    found = backscattered("soil", [energy], edges)[:, 0]
    counted = tally.histogram / n
    sigma = np.sqrt(np.maximum(tally.histogram, 1)) / n
    assert (np.abs(found - counted) < 4.5 * sigma + 0.06 * counted + 1e-4).all()


def test_edges():
    edges = emerging_edges_kev(662.0)
    assert edges.size == 89
    assert (np.diff(edges) > 0).all()
    assert edges[0] == pytest.approx(10)
    assert edges[-1] == 662


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: emerging("cheese", 1.0, [662.0], WHOLE), "unknown shield 'cheese'; known: water"),
        (lambda: emerging("lead", 81.0, [662.0], WHOLE), "81 g/cm2 of lead is outside the table, 0 to 80"),
        (lambda: emerging("lead", -1.0, [662.0], WHOLE), "-1 g/cm2 of lead is outside the table"),
        (lambda: emerging("lead", np.nan, [662.0], WHOLE), "outside the table"),
        (lambda: emerging("lead", 1.0, [14.0], WHOLE), "photon energy 14 keV is outside the table, 15 to"),
        (lambda: emerging("lead", 1.0, [np.nan], WHOLE), "outside the table"),
        (lambda: emerging("lead", 1.0, [662.0], [2.0, 1.0]), "edges_kev"),
        (lambda: backscattered("lead", [662.0], WHOLE), "unknown surface 'lead'; known: concrete"),
        (lambda: backscattered("soil", [10_001.0], WHOLE), "outside the table"),
        (lambda: largest_areal_density_g_cm2("cheese"), "unknown shield"),
        (lambda: shell_setup("lead", 0.0), "areal density must be above 0"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_buildup_behind_which_nothing_is_direct_is_refused() -> None:
    with pytest.raises(ValueError, match="at 15 keV nothing passes 50 g/cm2 of lead"):
        buildup_factor("lead", 50.0, [662.0, 15.0])

"""The compiled photon transport against its twin: the same physics by another way, other random numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from screening.kernels import reference_photons as reference
from screening.kernels import transport_photons as compiled
from screening.simulation.photons.detectors import DETECTORS, detector_setup
from screening.simulation.photons.scattering import shell_setup, surface_setup


def counts(tally):
    untouched = tally.n_histories - tally.n_scored - tally.n_uncollided
    rest = [tally.n_uncollided, max(untouched, 0)]
    return np.concatenate([tally.histogram, tally.peaks, rest]).astype(float)


def chance(first, second):
    """Chance of so large a difference between two counted spectra (chi-square of two samples)."""
    a, b = counts(first), counts(second)
    few = a + b < 25
    a, b = np.append(a[~few], a[few].sum()), np.append(b[~few], b[few].sum())
    used = a + b > 0
    ratio = np.sqrt(second.n_histories / first.n_histories)
    square = ((ratio * a - b / ratio) ** 2 / np.where(used, a + b, 1.0)).sum()
    return chi2.sf(square, used.sum() - 1)


DETECTED = [
    ("nai-3x3", "parallel", 0.0, 662.0),
    ("nai-1.5x1.5", "point", 5.0, 59.54),
    ("csi-1cm3", "isotropic", 0.0, 2614.0),
    ("hpge-20", "parallel", 0.0, 1500.0),
    ("labr3-1.5x1.5", "point", 20.0, 45.0),
    ("czt-1cm3", "parallel", 0.0, 6000.0),
]


@pytest.mark.parametrize(("name", "source", "distance_cm", "energy"), DETECTED)
def test_transport_photons(name, source, distance_cm, energy):
    setup = detector_setup(DETECTORS[name], source=source, distance_cm=distance_cm)
    edges = np.linspace(0, energy, 51)
    ours = compiled(setup, energy, edges, n_histories=200_000, seed=1)
    twin = reference.transport_photons(setup, energy, edges, n_histories=8_000, seed=1)
    assert chance(ours, twin) > 1e-3
    assert sum(twin.energy_kev[1:]) == pytest.approx(twin.energy_kev[0], rel=1e-9)
    # Mean energies, in units of what 8,000 histories can tell.
    sigma = energy / np.sqrt(8_000)
    np.testing.assert_allclose(
        ours.energy_kev[1:] / 200_000, twin.energy_kev[1:] / 8_000, atol=4 * 0.5 * sigma
    )


@pytest.mark.parametrize(
    ("kind", "material", "areal", "energy"),
    [
        ("shell", "lead", 10.0, 1500.0),
        ("shell", "water", 20.0, 150.0),
        ("shell", "tungsten", 0.5, 90.0),
        ("surface", "concrete", None, 662.0),
    ],
)
def test_transport_photons_that_come_out(kind, material, areal, energy):
    setup = shell_setup(material, areal) if kind == "shell" else surface_setup(material)
    edges = np.linspace(0, energy, 41)
    ours = compiled(setup, energy, edges, n_histories=200_000, seed=1)
    twin = reference.transport_photons(setup, energy, edges, n_histories=8_000, seed=1)
    assert ours.n_scored > 10_000
    assert chance(ours, twin) > 1e-3
    assert sum(twin.energy_kev[1:]) == pytest.approx(twin.energy_kev[0], rel=1e-9)


def test_the_comparison_tells_a_wrong_model_apart():
    # Iodine's K lines left out: 7 % of the events at 60 keV.
    setup = detector_setup(DETECTORS["nai-3x3"])
    edges = np.linspace(0, 60.0, 51)
    table = setup.materials.table.copy()
    table[:, :, 4:7] = 0.0
    wrong = setup._replace(materials=setup.materials._replace(table=table))
    ours = compiled(wrong, 60.0, edges, n_histories=200_000, seed=1)
    twin = reference.transport_photons(setup, 60.0, edges, n_histories=5_000, seed=1)
    assert chance(ours, twin) < 1e-6

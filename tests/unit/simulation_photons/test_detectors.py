"""Simulated detectors against what can be said about them without simulation, and against references."""

from __future__ import annotations

import numpy as np
import pytest

from screening.kernels import transport_photons
from screening.physics import attenuation
from screening.physics.materials import MATERIALS
from screening.simulation.photons.detectors import DETECTORS, Detector, Layer, detector_setup
from screening.simulation.photons.validation import (
    REFERENCE_EFFICIENCY,
    full_energy_efficiency,
    plot,
    reference_setups,
)


def run(detector, energy, *, n=200_000, n_bin=100, **source):
    setup = detector_setup(detector, **source)
    return transport_photons(setup, energy, np.linspace(0, energy, n_bin + 1), n_histories=n, seed=1)


def bare(crystal, shape, *size):
    return Detector(crystal, shape, size, (), "bare")


@pytest.mark.parametrize("energy", [60.0, 662.0, 2614.0])
@pytest.mark.parametrize("detector", [bare("nai", "cylinder", 7.62, 7.62), bare("csi", "box", 1.0, 1.0, 1.0)])
def test_total_is_the_ray_integral_of_a_parallel_beam(detector, energy):
    n = 300_000
    mu = attenuation(detector.crystal, energy) - attenuation(detector.crystal, energy, process="coherent")
    expected = 1 - np.exp(-mu * MATERIALS[detector.crystal].density_g_cm3 * detector.size_cm[-1])
    found = run(detector, energy, n=n).n_scored / n
    # Coherent scattering lengthens and shortens paths a little; 0.2 % covers it and the steps of the table.
    assert found == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / n) + 0.002 * expected)


def test_total_is_the_ray_integral_of_a_point_source():
    n, distance, radius, length = 300_000, 10.0, 3.81, 7.62
    mu = float(attenuation("nai", 662.0) - attenuation("nai", 662.0, process="coherent")) * 3.67
    # Even in solid angle: even in the cosine.
    cosine = np.linspace(distance / np.hypot(distance, radius), 1, 20_001)
    cosine = (cosine[1:] + cosine[:-1]) / 2
    tangent = np.sqrt(1 - cosine**2) / cosine
    through_back = distance + length <= radius / np.maximum(tangent, 1e-12)
    path = np.where(through_back, length / cosine, (radius / np.maximum(tangent, 1e-12) - distance) / cosine)
    expected = float((1 - np.exp(-mu * path)).mean())
    found = run(bare("nai", "cylinder", 2 * radius, length), 662.0, n=n, source="point", distance_cm=distance)
    assert found.n_scored / n == pytest.approx(
        expected, abs=4 * np.sqrt(expected * (1 - expected) / n) + 0.002 * expected
    )


@pytest.mark.parametrize("energy", [122.0, 662.0, 1332.5])
def test_thin_wide_box_and_cylinder_are_one(energy):
    # So wide that the rim has no say: both are a slab.
    n = 200_000
    box = run(bare("nai", "box", 200.0, 200.0, 2.0), energy, n=n)
    cylinder = run(bare("nai", "cylinder", 200.0, 2.0), energy, n=n)
    for first, second in ((box.peaks[0], cylinder.peaks[0]), (box.n_scored, cylinder.n_scored)):
        assert abs(int(first) - int(second)) < 5 * np.sqrt(first + second)


def test_large_crystal_takes_all():
    tally = run(bare("nai", "cylinder", 200.0, 200.0), 1000.0, n=20_000)
    # All but what comes back out of the front.
    assert tally.peaks[0] / tally.n_scored > 0.93


def test_escape_peaks_of_small_and_large_crystals():
    # In a small crystal both quanta get away more often than one of them; in a large one less often.
    small, large = run(DETECTORS["csi-1cm3"], 2614.0), run(DETECTORS["nai-3x3"], 2614.0)
    assert small.peaks[4] > small.peaks[3] > 0
    assert large.peaks[3] > large.peaks[4] > 0
    assert run(DETECTORS["nai-3x3"], 1000.0).peaks[3:5].sum() == 0


def test_k_escape_where_it_can_be():
    assert run(DETECTORS["nai-3x3"], 32.0).peaks[1:3].sum() == 0
    above = run(DETECTORS["nai-3x3"], 60.0)
    # Iodine's K lines take 28 to 33 keV out through the face: about a tenth of the full-energy peak.
    assert 0.08 < above.peaks[1:3].sum() / above.peaks[0] < 0.14
    assert above.peaks[1] > above.peaks[2]


def test_peak_to_total_falls_with_energy():
    share = []
    for energy in (200.0, 662.0, 1332.5, 2614.0):
        tally = run(DETECTORS["nai-3x3"], energy)
        share.append(tally.peaks[0] / tally.n_scored)
    assert (np.diff(share) < 0).all()
    assert share[1] == pytest.approx(0.57, abs=0.03)


def test_housing_matters_below_100_kev():
    with_can = run(DETECTORS["nai-3x3"], 30.0).peaks[0]
    without = run(DETECTORS["nai-3x3"]._replace(layers=()), 30.0).peaks[0]
    assert with_can < 0.75 * without


def test_annihilation_quanta_from_the_housing():
    thick = DETECTORS["nai-3x3"]._replace(layers=(Layer("lead", 0.5, 0.5, 0.0),))
    assert run(thick, 2614.0).peaks[5] > 3 * run(DETECTORS["nai-3x3"], 2614.0).peaks[5]


@pytest.mark.parametrize(("name", "stated", "tolerance"), [("hpge-50", 50.0, 0.05), ("hpge-20", 20.0, 0.08)])
def test_relative_efficiency_of_coaxials(name, stated, tolerance):
    # By definition: full-energy efficiency at 1332 keV, 25 cm from the cap, over 1.2e-3 (IEEE 325).
    detector = DETECTORS[name]
    setup = detector_setup(detector, source="point", distance_cm=25.0)
    share, _ = full_energy_efficiency(setup, 1332.5, histories=300_000, seed=1)
    drop = 25.0 - setup.bounds_cm[-1, 2]
    solid_angle = (1 - drop / np.hypot(drop, detector.size_cm[0] / 2)) / 2
    assert 100 * share * solid_angle / 1.2e-3 == pytest.approx(stated, rel=tolerance)


# What is allowed at each energy of the reference, by set-up: at 25 cm a real 3 x 3 inch crystal stays below a
# reference that describes a narrower one from far.
TOLERANCE = {
    "as stated": (0.03, 0.03, 0.05, 0.055, 0.03, 0.04),
    "3 x 3 at 40 cm": (0.03, 0.04, 0.08, 0.05, 0.05, 0.05),
    "3 x 3 at 25 cm": (0.03, 0.05, 0.13, 0.05, 0.065, 0.09),
}


@pytest.mark.parametrize("name", sorted(TOLERANCE))
def test_reference_efficiencies(name):
    setup = reference_setups()[name]
    for (energy, expected), tolerance in zip(REFERENCE_EFFICIENCY, TOLERANCE[name], strict=True):
        found, _ = full_energy_efficiency(setup, energy, histories=400_000, seed=1)
        assert found == pytest.approx(expected, rel=tolerance), energy


def test_picture_is_repeatable(tmp_path):
    pytest.importorskip("matplotlib")
    from screening.simulation.photons.validation import efficiency_figure

    figure = efficiency_figure(histories=1_000, seed=3)
    first, second = plot(tmp_path / "a.svg", figure), plot(tmp_path / "b.svg", figure)
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size < 60_000

"""The steel curve: its inverse, its physics, and spectra simulated by others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from screening.physics.attenuation import attenuation
from screening.radiography.curves import ENERGY_LABELS, beam, neg_log_of, steel_equivalent


@pytest.mark.parametrize("label", ENERGY_LABELS)
def test_the_inverse_is_an_inverse(label: str) -> None:
    density = np.linspace(0.0, 300.0, 301)
    back = steel_equivalent(neg_log_of(density, label), label)
    np.testing.assert_allclose(back, density, atol=0.02, rtol=2e-3)


@pytest.mark.parametrize("label", ENERGY_LABELS)
def test_curves_rise_and_harden(label: str) -> None:
    density = np.linspace(0.0, 300.0, 61)
    depth = neg_log_of(density, label)
    slope = np.diff(depth) / np.diff(density)
    assert (slope > 0).all()
    # the slope falls as the soft part of the beam is filtered away; a single line keeps its slope
    assert (np.diff(slope) <= 1e-12).all()
    assert beam(label).weight.sum() == pytest.approx(1.0)


def test_a_line_is_plain_exponential() -> None:
    expected = 50.0 * float(attenuation("steel", 661.7))
    assert float(neg_log_of(50.0, "Cs-137")) == pytest.approx(expected, rel=1e-9)


def test_other_materials_read_as_documented() -> None:
    for density in (20.0, 50.0, 100.0):
        for material, low, high in (("polyethylene", 1.08, 1.15), ("lead", 1.17, 1.23)):
            read = float(steel_equivalent(neg_log_of(density, "6MV", material), "6MV"))
            assert low <= read / density <= high, (material, density, read)


def test_noise_around_air_is_not_rectified() -> None:
    noise = np.random.default_rng(0).normal(0.0, 0.01, 100_000)
    density = steel_equivalent(noise, "6MV")
    assert abs(float(density.mean())) < 5 * float(density.std()) / np.sqrt(density.size)
    assert density.min() < 0


def test_far_beyond_the_table_is_the_table_end() -> None:
    assert float(steel_equivalent(1e6, "6MV")) == pytest.approx(500.0, abs=1.0)


def test_unknown_beams_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="energy must be one of 9MV"):
        beam("5MV")


@pytest.mark.shared
@pytest.mark.parametrize(("label", "name"), [("6MV", "phi_6MeV.npy"), ("9MV", "phi_9MeV.npy")])
def test_the_steel_curve_against_spectra_simulated_by_others(
    shared_data: Path, label: str, name: str
) -> None:
    folder = shared_data / "xray" / "semiz"
    energy_kev = np.load(folder / "E.npy") * 1000.0
    response = np.load(folder / "D.npy")
    number = np.load(folder / name)
    number = number[number.shape[0] // 2]  # the middle of the fan
    weight = number * response
    weight /= weight.sum()
    density = np.array([5.0, 20.0, 50.0, 100.0, 150.0, 180.0])
    coefficient = attenuation("Fe", energy_kev)
    expected = -np.log(np.exp(-density[:, None] * coefficient) @ weight)
    np.testing.assert_allclose(neg_log_of(density, label), expected, rtol=0.02)


@pytest.mark.shared
def test_calibration_steps_of_others_fit_with_three_scales(shared_data: Path) -> None:
    """A measured scanner's curves differ by scale factors of the three processes (semiempirical model)."""
    from scipy.optimize import least_squares

    folder = shared_data / "xray" / "semiz"
    # near the middle of their half fan, where one spectrum is enough
    near = slice(47, 53)
    atomic = np.load(folder / "Z_calib.npy")[near]
    density = np.load(folder / "lmbda_calib.npy")[near]
    measured = np.load(folder / "alpha_L_calib.npy")[near]
    spectrum = beam("6MV")
    by_z = {}
    for z, symbol in ((6, "C"), (26, "Fe"), (82, "Pb")):
        pair = attenuation(symbol, spectrum.energy_kev, process="pair_nuclear") + attenuation(
            symbol, spectrum.energy_kev, process="pair_electron"
        )
        photo = attenuation(symbol, spectrum.energy_kev, process="photoelectric")
        compton = attenuation(symbol, spectrum.energy_kev) - pair - photo
        by_z[z] = (photo, compton, pair)

    def predicted(scales: np.ndarray) -> np.ndarray:
        result = np.empty(density.shape)
        for z, parts in by_z.items():
            coefficient = sum(scale * part for scale, part in zip(scales, parts, strict=True))
            chosen = atomic == z
            exponent = density[chosen][:, None] * coefficient
            result[chosen] = -np.log(np.exp(-exponent) @ spectrum.weight)
        return result

    fit = least_squares(lambda scales: (predicted(scales) - measured).ravel(), np.ones(3))
    assert np.abs(fit.fun).max() < 0.03
    # Compton carries the curve; its scale says how well the spectrum fits as it is
    assert fit.x[1] == pytest.approx(1.0, abs=0.08)

"""Every drawn parameter stays in its documented range, and the ranges are filled."""

from __future__ import annotations

import numpy as np
import pytest

from screening.physics.response import response
from screening.simulation.spectra import DETECTOR_CLASSES, Detector, draw_detector


@pytest.fixture(scope="module")
def drawn() -> list[Detector]:
    rng = np.random.default_rng(8)
    return [draw_detector(rng) for _ in range(3000)]


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        ("housing_mm", 0.3, 5.0),
        ("scatter", 0.0, 2.0),
        ("threshold_kev", 15.0, 80.0),
        ("threshold_width_kev", 1.0, 6.0),
        ("ceiling_kev", 1400.0, 3200.0),
        ("resolving_us", 0.2, 5.0),
    ],
)
def test_ranges_are_kept_and_filled(drawn: list[Detector], field: str, low: float, high: float) -> None:
    values = np.array([getattr(one, field) for one in drawn])
    assert values.min() >= low
    assert values.max() <= high
    assert values.min() < low + 0.1 * (high - low)
    assert values.max() > high - 0.1 * (high - low)


def test_resolutions_gains_and_offsets(drawn: list[Detector]) -> None:
    widths = np.array([one.law.r662 for one in drawn])
    assert 0.0019 <= widths.min() < 0.0022
    assert 0.13 < widths.max() <= 0.14
    exponents = np.array([one.law.exponent for one in drawn])
    assert 0.3 <= exponents.min() < 0.36
    assert 0.64 < exponents.max() <= 0.7
    assert max(abs(one.gain - 1.0) for one in drawn) <= 0.05 + 1e-12
    assert max(abs(one.gain - 1.0) for one in drawn) > 0.035
    assert 8.0 < max(abs(one.offset_kev) for one in drawn) <= 15.0
    assert 0.035 < max(one.nonproportionality for one in drawn) <= 0.04
    assert -0.04 <= min(one.nonproportionality for one in drawn) < -0.03


def test_every_simulated_spectrometer_is_drawn_and_sizes_span_a_decade(drawn: list[Detector]) -> None:
    used = {name for one in drawn for name in (one.crystal.small, one.crystal.large)}
    assert used == set(_SPECTROMETERS)
    for kind in ("hpge", "nai", "csi", "labr3"):
        volumes = [one.crystal.volume_cm3 for one in drawn if one.kind == kind]
        assert max(volumes) > 2.0 * min(volumes), kind


_SPECTROMETERS = (
    "nai-2x4x16", "nai-3x3", "nai-1.5x1.5", "csi-1cm3", "csi-3x3cm", "labr3-3x3", "labr3-1.5x1.5",
    "hpge-50", "hpge-20", "hpge-planar-small", "czt-1cm3",
)  # fmt: skip


def test_a_crystal_between_two_sizes_lies_between_them() -> None:
    energy = np.array([661.7])
    detector = draw_detector(np.random.default_rng(1), "labr3")
    low, high = response("labr3-1.5x1.5"), response("labr3-3x3")
    chance = detector.crystal.peaks(energy)[1][0, 0]
    assert low.peaks(energy)[1][0, 0] <= chance <= high.peaks(energy)[1][0, 0]
    assert low.volume_cm3 <= detector.crystal.volume_cm3 <= high.volume_cm3


def test_an_unknown_class_is_named() -> None:
    with pytest.raises(ValueError, match="unknown class of detector 'plastic'"):
        draw_detector(np.random.default_rng(0), "plastic")


def test_classes_have_shares() -> None:
    assert sum(entry[3] for entry in DETECTOR_CLASSES.values()) == pytest.approx(1.0)

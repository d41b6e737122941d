"""Test objects in pictures, and the observer that says where they are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from screening.evaluate.plans.indicators import N_PLACE, indicator_scan, is_seen, observe


def seen(n, indicator, **size):
    return sum(is_seen(*indicator_scan(indicator, seed, **size)) for seed in range(n))


def test_the_observer_finds_a_dark_place_in_an_array():
    y, z = np.arange(200) * 0.01, np.arange(50)[::-1] * 0.01
    places = 0.3 + 0.2 * np.arange(8)
    picture = np.ones((50, 200)) * np.linspace(0.5, 1.5, 50)[:, None]  # rows of different gain
    picture[20:30, np.abs(y - places[5]) <= 0.05] *= 0.99
    place, contrast = observe(
        picture,
        np.ones(picture.shape, dtype=bool),
        y,
        z,
        places,
        width_m=0.1,
        height_m=0.09,
        centre_z_m=0.245,
    )
    assert place == 5
    assert contrast[5] == pytest.approx(0.01, rel=0.2)
    assert np.abs(np.delete(contrast, 5)).max() < 1e-12


def test_places_without_live_pixels_are_never_pointed_at():
    y, z = np.arange(200) * 0.01, np.arange(50)[::-1] * 0.01
    live = np.zeros((50, 200), dtype=bool)
    live[:, 90:130] = True
    place, contrast = observe(
        np.ones((50, 200)), live, y, z, 0.3 + 0.2 * np.arange(8), width_m=0.1, height_m=0.1, centre_z_m=0.25
    )
    assert np.isfinite(contrast[place])
    assert np.isneginf(contrast[0])


def test_without_anything_to_see_the_observer_is_right_by_chance():
    k = seen(64, "penetration", steel_cm=70.0, scanner="vacis-co")
    assert stats.binomtest(k, 64, 1.0 / N_PLACE).pvalue > 1e-3


def test_a_block_is_seen_behind_little_steel_and_less_behind_more():
    assert seen(12, "penetration", steel_cm=10.0, scanner="vacis-co") == 12
    shallow, deep = (seen(24, "penetration", steel_cm=d, scanner="vacis-co") for d in (20.0, 30.0))
    assert shallow >= 18
    assert deep <= 12


def test_thicker_wires_and_larger_steps_are_seen_better():
    assert seen(8, "wire", steel_cm=0.0, diameter_cm=0.4, scanner="vacis-co") == 8
    assert seen(16, "wire", steel_cm=10.0, diameter_cm=0.05, scanner="vacis-co") < 12
    assert seen(8, "contrast", steel_cm=5.0, contrast=0.1, scanner="vacis-co") == 8
    assert seen(16, "contrast", steel_cm=5.0, contrast=0.0001, scanner="vacis-co") < 12


def test_one_seed_gives_one_picture():
    first, _ = indicator_scan("wire", 5, steel_cm=1.0, diameter_cm=0.2)
    again, _ = indicator_scan("wire", 5, steel_cm=1.0, diameter_cm=0.2)
    other, _ = indicator_scan("wire", 6, steel_cm=1.0, diameter_cm=0.2)
    assert first.identity.scan_id == again.identity.scan_id
    assert np.array_equal(first.payload.raw, again.payload.raw)
    assert first.identity.scan_id != other.identity.scan_id

"""Opaque, unseen, masking, hiding: the definitions on pictures made by hand, and their invariants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screening.radiography.opaque import (
    Floor,
    Visibility,
    estimate_floor,
    hiding_regions,
    opening,
    threat_contrast,
    visibility,
)

SHAPE = (60, 80)
SIGMA, GAIN = 25.0, 12.0
FLOOR = Floor(40.0, 10.0, 40.0)
PITCH = (8.0, 10.0)
DIAMETER = 100.0
CONTRAST = threat_contrast("6MV", DIAMETER)


def look(
    signal: np.ndarray,
    live: np.ndarray | None = None,
    *,
    floor: Floor = FLOOR,
    sigma: float = SIGMA,
    gain: float = GAIN,
) -> Visibility:
    return visibility(
        signal.astype(np.float32),
        np.ones(signal.shape, dtype=bool) if live is None else live,
        floor,
        electronic_sigma=sigma,
        gain=gain,
        contrast=CONTRAST,
        disc_px=(12, 10),
    )


def is_shielded(signal: np.ndarray, live: np.ndarray | None = None, **noise: float) -> bool:
    return bool(hiding_regions(look(signal, live, **noise), PITCH, DIAMETER).any())


def noisy(mean: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return mean + np.sqrt(SIGMA**2 + GAIN * np.maximum(mean, 0)) * rng.standard_normal(mean.shape)


def picture(seed: int, *, height: int = 16, width: int = 14) -> np.ndarray:
    """Air at 40,000 counts around one place with nothing but floor."""
    mean = np.full(SHAPE, 40_000.0)
    mean[20 : 20 + height, 30 : 30 + width] = FLOOR.counts
    return noisy(mean, seed)


def test_the_opaque_rule_by_hand() -> None:
    signal = np.full(SHAPE, 40_000.0)
    # sigma of a block of nine: sqrt((625 + 12 S) / 9 + 100); the rule turns at S - F = 3 sigma
    turn = next(s for s in np.arange(40, 400, 0.5) if s - 40 >= 3 * np.sqrt((625 + 12 * s) / 9 + 100))
    signal[10:30, 10:30] = turn - 1
    signal[35:55, 10:30] = turn + 1
    opaque = look(signal).opaque
    assert opaque[15:25, 15:25].all()
    assert not opaque[40:50, 15:25].any()
    assert not opaque[:, 40:].any()


def test_a_pixel_with_two_live_neighbours_or_fewer_is_unseen() -> None:
    live = np.ones(SHAPE, dtype=bool)
    live[10:13, 10:13] = False
    live[11, 11] = True
    live[12, 12] = True
    seen = look(np.full(SHAPE, 40_000.0), live)
    assert seen.unseen[11, 11]
    assert not seen.unseen[9, 9]
    assert seen.masking[11, 11]


def test_pure_floor_is_shielded() -> None:
    for seed in range(20):
        assert is_shielded(noisy(np.full(SHAPE, FLOOR.counts), seed)), seed


def test_a_floor_that_differs_a_little_is_still_floor() -> None:
    # the floor depends on what stands beside; a quarter above the calibrated one opens nothing
    for seed in range(20):
        assert is_shielded(noisy(np.full(SHAPE, 1.25 * FLOOR.counts), seed)), seed


def test_clear_air_hides_nothing() -> None:
    seen = look(noisy(np.full(SHAPE, 40_000.0), 1))
    assert not seen.masking.any()
    assert not hiding_regions(seen, PITCH, DIAMETER).any()


def test_a_place_smaller_than_the_threat_hides_nothing() -> None:
    # 10 x 14 pixels of 8 x 10 mm: 80 mm high, and 100 mm are needed
    assert not is_shielded(picture(1, height=10))
    assert is_shielded(picture(1, height=14))


def test_texture_as_strong_as_the_threat_hides_it() -> None:
    rng = np.random.default_rng(5)
    blocks = np.exp(-2.0 + 1.8 * rng.standard_normal((10, 16)))
    rough = 40_000.0 * np.kron(blocks, np.ones((12, 10)))
    assert is_shielded(noisy(rough, 1))
    gentle = 40_000.0 * np.kron(np.exp(-2.0 + 0.05 * rng.standard_normal((10, 16))), np.ones((12, 10)))
    assert not is_shielded(noisy(gentle, 1))


def test_one_edge_is_no_texture() -> None:
    signal = np.full((120, 160), 40_000.0)
    signal[:, 80:] = 400.0
    assert not is_shielded(noisy(signal, 2))


boxes = st.tuples(
    st.integers(0, 55), st.integers(0, 75), st.integers(1, 40), st.integers(1, 50), st.floats(0.05, 9.0)
)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.lists(boxes, min_size=1, max_size=5))
def test_adding_cargo_never_turns_shielded_into_clear(seed: int, cargo: list[tuple[int, ...]]) -> None:
    signal = picture(seed)
    assert is_shielded(signal)
    loaded = signal.copy()
    for row, column, height, width, depth in cargo:
        part = loaded[row : row + height, column : column + width]
        # what comes through shrinks; the floor stays, and so does noise that is below it
        part[...] = np.where(part > FLOOR.counts, FLOOR.counts + (part - FLOOR.counts) * np.exp(-depth), part)
    assert is_shielded(loaded)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.lists(boxes, min_size=1, max_size=5), st.floats(0.0, 0.4))
def test_masking_pixels_by_hand_never_turns_shielded_into_clear(
    seed: int, masks: list[tuple[int, ...]], share: float
) -> None:
    signal = picture(seed)
    live = np.random.default_rng(seed).random(SHAPE) >= share
    for row, column, height, width, _ in masks:
        live[row : row + height, column : column + width] = False
    assert is_shielded(signal)
    assert is_shielded(signal, live)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(1.0, 10.0), st.floats(1.0, 10.0))
def test_raising_the_noise_never_turns_shielded_into_clear(seed: int, more: float, gain: float) -> None:
    signal = picture(seed)
    assert is_shielded(signal)
    assert is_shielded(signal, sigma=SIGMA * more, gain=GAIN * gain)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 4.0))
def test_opaque_implies_masking(seed: int, depth: float) -> None:
    rng = np.random.default_rng(seed)
    signal = noisy(40_000.0 * np.exp(-depth * rng.exponential(2.0, SHAPE)), seed)
    live = rng.random(SHAPE) > 0.1
    seen = look(signal, live)
    assert (seen.masking | ~seen.opaque).all()
    assert (seen.masking | ~seen.unseen).all()
    assert not (seen.opaque & seen.unseen).any()


def test_the_floor_of_a_calibration_is_used_as_it_is() -> None:
    signal = np.full(SHAPE, 500.0, dtype=np.float32)
    live = np.ones(SHAPE, dtype=bool)
    floor = estimate_floor(
        signal, live, air_counts=50_000.0, calibrated=8e-4, electronic_sigma=25.0, gain=12.0, limit=3e-3
    )
    assert floor.counts == pytest.approx(40.0)
    assert floor.guard == pytest.approx(40.0)


def test_an_estimated_floor_is_capped_and_guarded() -> None:
    live = np.ones(SHAPE, dtype=bool)
    fields = {
        "air_counts": 50_000.0,
        "calibrated": None,
        "electronic_sigma": 25.0,
        "gain": 12.0,
        "limit": 3e-3,
    }
    bright = estimate_floor(np.full(SHAPE, 9_000.0, dtype=np.float32), live, **fields)
    assert bright.counts == pytest.approx(150.0)
    signal = np.full(SHAPE, 9_000.0, dtype=np.float32)
    signal[:20] = 45.0
    dark = estimate_floor(signal, live, **fields)
    assert dark.counts == pytest.approx(45.0)
    # a floor read from the picture falls when cargo is added elsewhere: hiding assumes the largest
    assert dark.guard == pytest.approx(150.0)


def test_the_threat_takes_nearly_all_of_the_signal() -> None:
    for label in ("9MV", "6MV", "4MV", "Co-60", "Cs-137"):
        assert 0.9 < threat_contrast(label, 100.0) < 1.0
    assert threat_contrast("unknown", 100.0) == threat_contrast("9MV", 100.0)
    assert threat_contrast("6MV", 20.0) < threat_contrast("6MV", 100.0)


def test_opening_by_a_disc_in_millimetres() -> None:
    mask = np.zeros((60, 60), dtype=bool)
    mask[10:30, 10:22] = True  # 160 x 120 mm
    mask[40:44, 5:55] = True  # a bar 32 mm high
    mask[5, 50] = True
    opened = opening(mask, PITCH, DIAMETER)
    assert opened[20, 16]
    assert not opened[40:44].any()
    assert not opened[5, 50]
    assert (mask | ~opened).all()
    assert not opening(np.zeros((9, 9), dtype=bool), PITCH, DIAMETER).any()

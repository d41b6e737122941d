"""Zeros told apart; above all: opaque cargo is never masked."""

from __future__ import annotations

import numpy as np
import pytest

from screening.records import PixelState

AIR = 48_000
NOISE = {"electronic_sigma": 20.0, "floor_counts": 40.0}


def picture(n_row=64, n_column=96):
    return np.full((n_row, n_column), AIR, np.uint16)


def classify(engine, raw, state=None):
    state = np.zeros(raw.shape, np.uint8) if state is None else state
    before = state.copy()
    result = engine.classify_zeros(raw, state, **NOISE)
    np.testing.assert_array_equal(state, before)
    assert not result[(raw > 0)].any() or state.any()
    return result


def test_dead_row(engine):
    raw = picture()
    raw[[0, 17, 18]] = 0
    result = classify(engine, raw)
    assert (result[[0, 17, 18]] == PixelState.DEAD_ROW).all()
    assert np.count_nonzero(result) == 3 * raw.shape[1]


def test_row_is_dead_whatever_lines_were_lost(engine):
    raw = picture()
    raw[9] = 0
    raw[:, 30:34] = 0
    state = np.zeros(raw.shape, np.uint8)
    state[:, 30:34] = PixelState.LOST_LINE
    result = classify(engine, raw, state)
    assert (result[:, 30:34] == PixelState.LOST_LINE).all()
    assert (np.delete(result[9], np.s_[30:34]) == PixelState.DEAD_ROW).all()


def test_picture_of_nothing_is_all_dead(engine):
    assert (classify(engine, np.zeros((9, 9), np.uint16)) == PixelState.DEAD_ROW).all()


@pytest.mark.parametrize("column", [0, 40, 86])
@pytest.mark.parametrize("row", [0, 16, 48])
def test_module_missing_for_ten_lines(engine, row, column):
    raw = picture()
    raw[row : row + 16, column : column + 10] = 0
    result = classify(engine, raw)
    assert (result[row : row + 16, column : column + 10] == PixelState.DROPOUT).all()
    assert np.count_nonzero(result) == 160


def test_module_missing_in_packets_beside_dead_and_lost(engine):
    raw = picture(96, 120)
    state = np.zeros(raw.shape, np.uint8)
    for column in range(0, 120, 20):
        raw[32:48, column : column + 10] = 0
    raw[40] = 0
    raw[:, 25] = 0
    state[:, 25] = PixelState.LOST_LINE
    result = classify(engine, raw, state)
    expected = np.zeros(raw.shape, np.uint8)
    for column in range(0, 120, 20):
        expected[32:48, column : column + 10] = PixelState.DROPOUT
    expected[40] = PixelState.DEAD_ROW
    expected[:, 25] = PixelState.LOST_LINE
    np.testing.assert_array_equal(result, expected)


def test_module_missing_in_front_of_graded_cargo(engine):
    rng = np.random.default_rng(3)
    raw = rng.integers(3_000, 40_000, (64, 96)).astype(np.uint16)
    raw[16:32, 50:60] = 0
    assert (classify(engine, raw)[16:32, 50:60] == PixelState.DROPOUT).all()


@pytest.mark.parametrize("place", [(5, 5), (0, 0), (63, 95), (30, 0)])
def test_isolated_zero_in_the_bright(engine, place):
    raw = picture()
    raw[place] = 0
    result = classify(engine, raw)
    assert result[place] == PixelState.ISOLATED_ZERO
    assert np.count_nonzero(result) == 1


def test_noise_clipped_at_zero_behind_opaque_cargo_is_valid(engine):
    rng = np.random.default_rng(11)
    raw = picture(120, 160)
    raw[20:100, 30:140] = np.clip(np.rint(rng.normal(10, 20, (80, 110))), 0, None)
    result = classify(engine, raw)
    is_zero = raw == 0
    assert is_zero.mean() > 0.05
    assert (result[is_zero] == PixelState.CENSORED).all()


@pytest.mark.parametrize("size", [(2, 2), (3, 3), (4, 30), (7, 1), (20, 17), (60, 40), (8, 17)])
def test_solid_opaque_objects_in_the_bright_are_never_masked(engine, size):
    # Wider than a packet, or shorter than half a module: no drop-out looks so.
    raw = picture()
    raw[2 : 2 + size[0], 11 : 11 + size[1]] = 0
    result = classify(engine, raw)
    assert (result[raw == 0] == PixelState.CENSORED).all()


def test_round_opaque_object_is_never_masked(engine):
    row, column = np.mgrid[:64, :96]
    raw = picture()
    raw[(row - 30) ** 2 + (column - 50) ** 2 < 7**2] = 0
    assert (classify(engine, raw)[raw == 0] == PixelState.CENSORED).all()


def test_narrow_opaque_object_with_a_soft_edge_is_never_masked(engine):
    raw = picture()
    raw[9:31, 39:49] = 300
    raw[10:30, 40:48] = 0
    assert (classify(engine, raw)[raw == 0] == PixelState.CENSORED).all()


def test_module_missing_over_opaque_cargo_stays_opaque(engine):
    raw = picture()
    raw[8:56, 20:80] = 45
    raw[16:32, 40:50] = 0
    assert (classify(engine, raw)[16:32, 40:50] == PixelState.CENSORED).all()


def test_hole_of_light_in_opaque_cargo_does_not_make_its_zero_a_failure(engine):
    raw = np.full((21, 21), 40, np.uint16)
    raw[9:12, 9:12] = AIR
    raw[10, 10] = 0
    assert classify(engine, raw)[10, 10] == PixelState.CENSORED


def test_bits_already_set_are_kept(engine):
    raw = picture(32, 32)
    raw[5, 5] = 0
    state = np.zeros(raw.shape, np.uint8)
    state[5, 5] = PixelState.CENSORED
    state[7, 7] = PixelState.SATURATED
    result = classify(engine, raw, state)
    assert result[5, 5] == PixelState.CENSORED | PixelState.ISOLATED_ZERO
    assert result[7, 7] == PixelState.SATURATED


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (1, 1)])
def test_tiny_pictures(engine, shape):
    raw = np.zeros(shape, np.uint16)
    assert classify(engine, raw).shape == shape


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"raw": np.zeros((2, 2), np.int16)}, TypeError),
        ({"state": np.zeros((2, 2), bool)}, TypeError),
        ({"state": np.zeros((2, 3), np.uint8)}, ValueError),
        ({"electronic_sigma": 0.0}, ValueError),
        ({"floor_counts": -1.0}, ValueError),
        ({"floor_counts": float("nan")}, ValueError),
    ],
)
def test_wrong_arguments_are_refused(engine, change, error):
    arguments = {"raw": np.zeros((2, 2), np.uint16), "state": np.zeros((2, 2), np.uint8), **NOISE, **change}
    with pytest.raises(error):
        engine.classify_zeros(arguments.pop("raw"), arguments.pop("state"), **arguments)

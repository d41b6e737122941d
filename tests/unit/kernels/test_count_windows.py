"""Window statistics of an occupancy."""

from __future__ import annotations

import math

import numpy as np
import pytest


def column(*values):
    return np.array(values, dtype=np.int64)[:, None]


def test_portal_rule_by_hand(engine):
    # Windows of 2: 6, 10, 12 against B = 4: (S - 4) / 2
    result = engine.count_windows(column(2, 4, 6, 6), np.array([4.0]), 2, 3.0)
    assert result.nsigma[:, 0].tolist() == [1.0, 3.0, 4.0]
    assert result.max_nsigma.tolist() == [4.0]
    assert result.argmax.tolist() == [2]
    # S > B + N sqrt(B): equality is no alarm.
    assert result.n_alarms.tolist() == [1]


def test_groups_are_apart_and_the_first_maximum_is_told(engine):
    counts = np.array([[9, 0], [0, 5], [9, 5]])
    result = engine.count_windows(counts, np.array([4.0, 4.0]), 1, 1.0)
    assert result.argmax.tolist() == [0, 1]
    assert result.n_alarms.tolist() == [2, 0]


def test_missing_interval_voids_its_windows_only(engine):
    result = engine.count_windows(column(50, -1, 50, 50, 1), np.array([4.0]), 2, 5.0)
    assert np.isnan(result.nsigma[:2, 0]).all()
    assert result.nsigma[2:, 0].tolist() == [48.0, 23.5]
    assert result.argmax.tolist() == [2]
    assert result.n_alarms.tolist() == [2]


@pytest.mark.parametrize("background", [0.0, -3.0, math.nan, math.inf])
def test_group_without_background_has_no_value_and_no_alarm(engine, background):
    result = engine.count_windows(column(5, 5000), np.array([background]), 1, 5.0)
    assert np.isnan(result.nsigma).all()
    assert np.isnan(result.max_nsigma).all()
    assert result.argmax.tolist() == [-1]
    assert result.n_alarms.tolist() == [0]


@pytest.mark.parametrize("n_interval", [0, 1, 4])
def test_occupancy_shorter_than_the_window(engine, n_interval):
    result = engine.count_windows(np.ones((n_interval, 3), np.int64), np.ones(3), 5, 5.0)
    assert result.nsigma.shape == (0, 3)
    assert np.isnan(result.max_nsigma).all()
    assert result.argmax.tolist() == [-1] * 3
    assert result.n_alarms.tolist() == [0] * 3


def test_no_group(engine):
    assert engine.count_windows(np.ones((4, 0), np.int64), np.ones(0), 2, 5.0).nsigma.shape == (3, 0)


def test_dtypes(engine):
    result = engine.count_windows(column(1, 2), np.ones(1), 1, 5.0)
    assert [array.dtype.str for array in result] == ["<f8", "<f8", "<i8", "<i8"]


@pytest.mark.parametrize(
    ("counts", "background", "window", "n_sigma", "error"),
    [
        (np.ones((2, 1)), np.ones(1), 1, 5.0, TypeError),
        (np.ones((2, 1), np.int64), np.ones(1, "f4"), 1, 5.0, TypeError),
        (np.ones(2, np.int64), np.ones(1), 1, 5.0, ValueError),
        (np.ones((2, 1), np.int64), np.ones(2), 1, 5.0, ValueError),
        (np.ones((2, 1), np.int64), np.ones(1), 0, 5.0, ValueError),
        (np.ones((2, 1), np.int64), np.ones(1), 1, math.nan, ValueError),
        (column(1, -2), np.ones(1), 1, 5.0, ValueError),
        (column(1, 1 << 60), np.ones(1), 2, 5.0, ValueError),
    ],
)
def test_wrong_arguments_are_refused(engine, counts, background, window, n_sigma, error):
    with pytest.raises(error):
        engine.count_windows(counts, background, window, n_sigma)

"""The level at which half is found: coverage of its interval, steps, bounds beyond what was tried."""

from __future__ import annotations

import numpy as np
import pytest

from screening.evaluate.metrics.midpoints import midpoint_interval

LEVELS = (300.0, 1000.0, 3000.0, 10_000.0)
REACH = (100.0, 30_000.0)


def _trials(seed: int, n_parent: int, midpoint: float = 1500.0):
    rng = np.random.default_rng(seed)
    at = np.tile(np.arange(4), 2 * n_parent)
    own = np.repeat(midpoint * np.exp(rng.normal(0.0, 0.8, n_parent)), 8)
    hit = rng.random(at.size) < 1.0 / (1.0 + (own / np.array(LEVELS)[at]) ** 3)
    return at, hit, np.repeat(np.arange(n_parent), 8)


def test_the_interval_holds_the_midpoint_as_often_as_it_says() -> None:
    held = []
    for seed in range(100):
        found = midpoint_interval(LEVELS, *_trials(seed, 30), reach=REACH, n_resample=300)
        assert found.low is not None
        assert found.high is not None
        held.append(found.low < 1500.0 < found.high)
    assert 0.89 <= np.mean(held) <= 0.995


def test_resamples_that_are_steps_are_kept() -> None:
    # of 40 at each level: 1, 8, 39, 40; every third resample has no hit at the first level
    at = np.repeat(np.arange(4), 40)
    hit = np.concatenate([np.arange(40) < n for n in (1, 8, 39, 40)])
    found = midpoint_interval(LEVELS, at, hit, np.arange(160), reach=REACH)
    assert found.n_undefined == 0
    assert found.low < found.value < found.high
    assert 900.0 < found.low < found.high < 2500.0


def test_a_bound_beyond_what_was_tried_is_open() -> None:
    at = np.repeat(np.arange(4), 12)
    hit = np.concatenate([np.arange(12) < n for n in (0, 1, 2, 4)])
    found = midpoint_interval(LEVELS, at, hit, np.arange(48), reach=REACH)
    assert found.value == pytest.approx(22_000.0, rel=0.4)
    assert found.high is None
    assert found.low is not None
    assert "open above 30000" in found.method

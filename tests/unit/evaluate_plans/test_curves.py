"""Curves of sweeps: they recover a known truth, rising and falling, and say why where they do not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from screening.evaluate.plans.curves import fit_sweep
from screening.evaluate.plans.sweeping import Sweep

ACTIVITY = Sweep(
    name="activity",
    texts=("20 kBq", "30 kBq", "45 kBq", "65 kBq", "95 kBq"),
    values=(0.02, 0.03, 0.045, 0.065, 0.095),
    is_easier_up=True,
)
STEEL = Sweep(
    name="steel",
    texts=("20 cm", "24 cm", "28 cm", "32 cm", "36 cm"),
    values=(20.0, 24.0, 28.0, 32.0, 36.0),
    is_easier_up=False,
)


def draw(p, n, rng):
    """Outcomes with common random numbers: each trial succeeds from its own threshold on."""
    return rng.random((1, n)) < np.asarray(p)[:, None]


def test_a_rising_curve_is_recovered_with_intervals_that_cover():
    m, s = np.log(0.04), 0.3
    p = stats.norm.cdf((np.log(ACTIVITY.values) - m) / s)
    truth = np.exp(m + s * stats.norm.ppf(0.95))
    covered = []
    for seed in range(60):
        hits = draw(p, 150, np.random.default_rng(seed))
        fit = fit_sweep(ACTIVITY, hits, chance=0.0, at=(0.5, 0.95), n_resample=300, seed=seed)
        middle, most = fit.crossings
        assert middle.value == pytest.approx(0.04, rel=0.25)
        covered.append(most.low is not None and most.low <= truth <= most.high)
    assert np.mean(covered) >= 0.85  # 95 % of 60, less three standard deviations


def test_a_falling_curve_is_recovered_with_chance():
    chance = 0.125
    p = chance + (1 - chance) * stats.norm.cdf((29.0 - np.array(STEEL.values)) / 2.0)
    fit = fit_sweep(STEEL, draw(p, 800, np.random.default_rng(1)), chance=chance, at=(0.5, 0.95))
    excess = stats.norm.ppf((0.95 - chance) / (1 - chance))
    assert fit.outcome == "fitted"
    assert fit.crossings[1].value == pytest.approx(29.0 - 2.0 * excess, abs=0.6)
    assert fit.crossings[1].low < fit.crossings[1].value < fit.crossings[1].high
    assert fit.probability(STEEL, np.array([10.0, 29.0, 60.0])) == pytest.approx(
        [1.0, 0.5625, 0.125], abs=0.04
    )


def test_what_lies_outside_the_values_tried_is_not_told():
    p = stats.norm.cdf((np.log(ACTIVITY.values) - np.log(0.09)) / 0.3)
    fit = fit_sweep(ACTIVITY, draw(p, 200, np.random.default_rng(2)), chance=0.0, at=(0.5, 0.95))
    assert fit.crossings[0].value == pytest.approx(0.09, rel=0.15)
    assert fit.crossings[1].value is None
    assert fit.crossings[1].note == "outside the values tried: above them"


def test_no_fit_has_a_name():
    never = fit_sweep(ACTIVITY, np.zeros((5, 50), dtype=bool), chance=0.0, at=(0.95,))
    assert never.outcome == "never detected"
    assert never.crossings[0].value is None
    falling = draw([0.9, 0.7, 0.5, 0.3, 0.1], 200, np.random.default_rng(3))
    assert fit_sweep(ACTIVITY, falling, chance=0.0, at=(0.95,)).outcome == "not rising"

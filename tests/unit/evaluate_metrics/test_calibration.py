from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sk_log_loss

from screening.evaluate.metrics.calibration import (
    brier,
    brier_interval,
    conformal_coverage,
    expected_calibration_error,
    log_loss,
    reliability,
)
from screening.evaluate.metrics.exact import clopper_pearson


def calibrated(n=2000, seed=1):
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    stated = rng.beta(2, 2, n)
    return stated, rng.random(n) < stated


def test_bins_of_equal_width_agree_with_scikit_learn():
    stated, truth = calibrated()
    found = reliability(stated, truth)
    share, mean = calibration_curve(truth, stated, n_bins=10)
    assert found.stated == pytest.approx(mean)
    assert [o.value for o in found.observed] == pytest.approx(share)
    assert found.n.sum() == 2000
    assert (found.observed[3].low, found.observed[3].high) == tuple(
        clopper_pearson(found.observed[3].k, found.observed[3].n)
    )


def test_bins_of_equal_mass():
    stated, truth = calibrated()
    found = reliability(stated, truth, binning="equal mass", n_bin=8)
    assert found.n.max() - found.n.min() <= 1
    share, mean = calibration_curve(truth, stated, n_bins=8, strategy="quantile")
    assert found.stated == pytest.approx(mean, abs=2e-3)
    assert [o.value for o in found.observed] == pytest.approx(share, abs=6e-3)
    tied = reliability([0.2] * 50 + [0.9] * 3, [True] * 53, binning="equal mass", n_bin=8)
    assert tied.n.tolist() == [50, 3]  # equal probabilities are not divided


def test_ends_belong_to_the_outer_bins_and_empty_bins_are_left_out():
    found = reliability([0.0, 0.1, 1.0], [False, True, True], n_bin=10)
    assert found.n.tolist() == [1, 1, 1]
    assert found.stated.tolist() == [0.0, 0.1, 1.0]
    assert found.edges.size == 11


def test_bins_over_parents():
    stated = np.repeat([0.3, 0.8], 60)
    truth = np.arange(120) % 5 < 2
    found = reliability(stated, truth, [f"p{i // 6}" for i in range(120)])
    assert [o.method for o in found.observed] == ["bootstrap over 10 parents"] * 2
    few = reliability(stated, truth, [f"p{i // 60}" for i in range(120)])
    assert [o.method for o in few.observed] == ["none: 1 parents, 5 needed"] * 2


def test_the_error_of_a_calibrated_detector_is_what_chance_makes_it():
    chance, plain, debiased = [], [], []
    for seed in range(60):
        stated, truth = calibrated(300, seed)
        found = expected_calibration_error(stated, truth, n_draw=50, seed=seed)
        chance.append(found.by_chance)
        plain.append(found.value)
        debiased.append(found.debiased**2)
        assert found.root_mean_square >= found.value
    assert np.mean(plain) > 0.04  # not 0, though calibrated
    assert np.mean(plain) == pytest.approx(np.mean(chance), rel=0.1)
    assert np.mean(debiased) < 0.25 * np.mean(np.square(plain))


def test_the_error_by_hand():
    found = expected_calibration_error([0.1, 0.1, 0.8, 0.8], [False, True, True, True], n_bin=10)
    assert found.value == pytest.approx(0.5 * 0.4 + 0.5 * 0.2)
    assert (found.n, found.n_bin) == (4, 2)
    # Bin of 0.1: 0.4^2 - 0.25; bin of 0.8: 0.2^2 - 0.
    assert found.debiased == 0.0
    assert found.root_mean_square == pytest.approx(np.sqrt(0.5 * 0.16 + 0.5 * 0.04))
    off = expected_calibration_error([0.5] * 400, [True] * 300 + [False] * 100, n_bin=10)
    assert off.debiased == pytest.approx(np.sqrt(0.0625 - 0.1875 / 399))


def test_brier_and_logarithm_agree_with_scikit_learn():
    stated, truth = calibrated()
    assert brier(stated, truth).value == pytest.approx(brier_score_loss(truth, stated))
    assert log_loss(stated, truth) == pytest.approx(sk_log_loss(truth, stated))
    assert log_loss([0.0, 1.0], [True, False]) == pytest.approx(-np.log(1e-15))
    found = brier_interval(stated, truth)
    squared = (stated - truth) ** 2
    assert found.value == pytest.approx(squared.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * squared.std() / np.sqrt(2000), rel=0.08)
    assert brier_interval([0.5] * 9, [True, False, True] * 3).method == "none: all values equal"


@settings(deadline=None, max_examples=80)
@given(st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=60))
def test_the_parts_of_the_score_add_up(answers):
    found = brier([p / 10 for p, _ in answers], [t for _, t in answers])
    assert found.value == pytest.approx(found.reliability - found.resolution + found.uncertainty, abs=1e-12)
    assert found.resolution <= found.uncertainty + 1e-12


def test_coverage_of_sets():
    size = np.array([1] * 70 + [2] * 25 + [0] * 5)
    holds = np.array([True] * 92 + [False] * 8)
    found = conformal_coverage(holds, size, nominal=0.9)
    assert (found.coverage.k, found.empty.k, found.single.k) == (92, 5, 70)
    assert found.size_counts == (5, 70, 25)
    assert found.mean_size.value == pytest.approx(1.2)
    assert found.mean_size.low < 1.2 < found.mean_size.high
    assert found.verdict == "holds"
    assert conformal_coverage(holds, size, nominal=0.99).verdict == "too low"
    assert conformal_coverage(holds, size, nominal=0.8).verdict == "too high"
    few = conformal_coverage(holds, size, [f"p{i % 3}" for i in range(100)])
    assert (few.verdict, few.coverage.low) == ("not tested", None)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="1 probabilities are not in"):
        brier([0.5, 1.5], [True, False])
    with pytest.raises(ValueError, match="not in"):
        log_loss([np.nan], [True])
    with pytest.raises(ValueError, match="one shape"):
        reliability([0.5], [True, False])
    with pytest.raises(ValueError, match="bins"):
        reliability([0.5], [True], n_bin=0)
    with pytest.raises(ValueError, match="empty set"):
        conformal_coverage([True], [0])
    with pytest.raises(ValueError, match="one shape"):
        conformal_coverage([True], [1, 2])
    for empty in (brier, log_loss, expected_calibration_error):
        with pytest.raises(ValueError, match="no samples"):
            empty([], [])

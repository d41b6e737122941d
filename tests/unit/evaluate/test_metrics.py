from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from screening.evaluate.metrics import (
    auc,
    bootstrap_interval,
    clopper_pearson,
    garwood,
    proportion,
    rate,
    roc,
)


@pytest.mark.parametrize(
    ("k", "n", "low"), [(15, 20, 0.544), (20, 20, 0.861), (59, 60, 0.923), (60, 60, 0.951)]
)
def test_one_sided_lower_bounds_of_acceptance_tests(k, n, low):
    assert clopper_pearson(k, n, side="lower").low == pytest.approx(low, abs=5e-4)
    assert clopper_pearson(k, n, side="lower").high == 1.0


def test_two_sided_interval_as_published():
    # Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 5: 81 of 263.
    low, high = clopper_pearson(81, 263)
    assert low == pytest.approx(0.2527, abs=5e-5)
    assert high == pytest.approx(0.3676, abs=5e-5)


def test_a_binomial_interval_covers_by_its_definition():
    low, high = clopper_pearson(7, 31)
    assert stats.binom.sf(6, 31, low) == pytest.approx(0.025)
    assert stats.binom.cdf(7, 31, high) == pytest.approx(0.025)


def test_no_event_gives_the_rule_of_three():
    assert clopper_pearson(0, 100, side="upper").high == pytest.approx(1 - 0.05 ** (1 / 100))
    assert clopper_pearson(0, 100).low == 0.0


@pytest.mark.parametrize(("k", "n"), [(-1, 3), (4, 3), (0, 0)])
def test_what_is_no_trial_is_refused(k, n):
    with pytest.raises(ValueError, match="trials"):
        clopper_pearson(k, n)


@pytest.mark.parametrize(
    ("n", "low", "high"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.39), (100, 81.36, 121.63)]
)
def test_garwood_as_tabulated(n, low, high):
    # Pearson and Hartley, Biometrika Tables for Statisticians I, table 40.
    found = garwood(n)
    assert found.low == pytest.approx(low, abs=6e-3)
    assert found.high == pytest.approx(high, abs=6e-3)


def test_a_rate_needs_an_exposure():
    found = rate(0, 0.0, "hour")
    assert (found.value, found.low, found.high) == (None, None, None)
    found = rate(10, 80.0, "hour")
    assert found.value == pytest.approx(1 / 8)
    assert found.low == pytest.approx(4.795 / 80, rel=1e-3)


def test_a_share_of_independent_trials_has_an_exact_interval():
    found = proportion([True] * 15 + [False] * 5)
    assert (found.k, found.n, found.value, found.method) == (15, 20, 0.75, "clopper-pearson")
    assert (found.low, found.high) == pytest.approx(tuple(clopper_pearson(15, 20)))


def test_no_trials_give_no_share():
    assert proportion([]).value is None


def test_draws_of_few_parents_get_no_interval():
    found = proportion([True, False] * 10, ["a", "b", "c", "d"] * 5)
    assert found.value == 0.5
    assert found.low is None
    assert found.method == "none: 4 parents, 5 needed"


def test_draws_of_parents_get_a_wider_interval_than_independent_trials():
    hits = np.repeat([True, False] * 10, 20)
    parents = np.repeat([f"p{i}" for i in range(20)], 20).tolist()
    clustered, independent = proportion(hits, parents), proportion(hits)
    assert clustered.high - clustered.low > 2 * (independent.high - independent.low)
    assert clustered.method == "bootstrap over 20 parents"
    assert proportion(hits, parents) == clustered  # seeded


def test_equal_outcomes_of_parents_count_the_parents_only():
    found = proportion([True] * 100, [f"p{i % 5}" for i in range(100)])
    assert found.low == pytest.approx(clopper_pearson(5, 5).low)
    assert found.method == "clopper-pearson over 5 parents"


def test_bootstrap_of_one_value_per_parent_covers_the_mean():
    rng = np.random.default_rng(np.random.SeedSequence(5))
    values = rng.normal(3.0, 1.0, 60)
    low, high = bootstrap_interval(values, [f"{i}" for i in range(60)], np.mean)
    assert low < values.mean() < high
    assert (high - low) == pytest.approx(2 * 1.96 * values.std() / np.sqrt(60), rel=0.15)


def test_roc_by_hand_with_ties():
    curve = roc([0.9, 0.8, 0.8, 0.1], [True, True, False, False])
    assert curve.fpr.tolist() == [0.0, 0.0, 0.5, 1.0]
    assert curve.tpr.tolist() == [0.0, 0.5, 1.0, 1.0]
    assert curve.threshold.tolist() == [np.inf, 0.9, 0.8, 0.1]
    assert auc(curve) == pytest.approx(0.875)


def test_area_is_the_rank_statistic():
    rng = np.random.default_rng(np.random.SeedSequence(6))
    scores, truth = rng.integers(0, 12, 200), rng.random(200) < 0.4
    u = stats.mannwhitneyu(scores[truth], scores[~truth]).statistic
    assert auc(roc(scores, truth)) == pytest.approx(u / (truth.sum() * (~truth).sum()))


@pytest.mark.parametrize(
    ("scores", "truth"), [([1.0, np.nan], [True, False]), ([1.0, 2.0], [True, True]), ([1.0], [True, False])]
)
def test_what_is_no_curve_is_refused(scores, truth):
    with pytest.raises(ValueError, match=r"number|classes|shape"):
        roc(scores, truth)


@given(n=st.integers(1, 500), share=st.floats(0, 1), confidence=st.floats(0.5, 0.999))
def test_an_interval_holds_its_value_and_grows_with_confidence(n, share, confidence):
    k = round(share * n)
    low, high = clopper_pearson(k, n, confidence=confidence)
    assert 0.0 <= low <= k / n <= high <= 1.0
    wider = clopper_pearson(k, n, confidence=0.5 + confidence / 2)
    assert wider.low <= low + 1e-12
    assert wider.high >= high - 1e-12


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=40))
def test_a_curve_rises_from_nothing_to_everything(trials):
    scores, truth = [score for score, _ in trials], [is_positive for _, is_positive in trials]
    if all(truth) or not any(truth):
        return
    curve = roc(scores, truth)
    assert (curve.fpr[0], curve.tpr[0], curve.fpr[-1], curve.tpr[-1]) == (0, 0, 1, 1)
    assert (np.diff(curve.fpr) >= 0).all()
    assert (np.diff(curve.tpr) >= 0).all()
    assert 0.0 <= auc(curve) <= 1.0

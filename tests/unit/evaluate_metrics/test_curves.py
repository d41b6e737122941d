from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from screening.evaluate.metrics.curve_intervals import (
    auc_delong,
    auc_interval,
    compare_curves,
    partial_auc_interval,
    tpr_at_fpr_interval,
    weighted_areas,
    weighted_tpr,
)
from screening.evaluate.metrics.curves import (
    auc,
    average_precision,
    det,
    partial_auc,
    roc,
    standardised_partial_auc,
    tpr_at_fpr,
)


def sample(seed, n=300, decimals=1):
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    truth = rng.random(n) < 0.4
    return np.round(rng.normal(size=n) + 1.2 * truth, decimals), truth


@pytest.mark.parametrize("decimals", [0, 1, 8])
@pytest.mark.parametrize("max_fpr", [0.01, 0.05, 0.3, 1.0])
def test_curves_and_areas_agree_with_scikit_learn(decimals, max_fpr):
    scores, truth = sample(decimals, decimals=decimals)
    curve = roc(scores, truth)
    fpr, tpr, threshold = sk.roc_curve(truth, scores, drop_intermediate=False)
    assert curve.fpr == pytest.approx(fpr)
    assert curve.tpr == pytest.approx(tpr)
    assert curve.threshold.tolist() == threshold.tolist()
    area = partial_auc(curve, max_fpr)
    scaled = auc(curve) if max_fpr == 1.0 else standardised_partial_auc(area, max_fpr)
    assert scaled == pytest.approx(sk.roc_auc_score(truth, scores, max_fpr=max_fpr))
    assert average_precision(scores, truth) == pytest.approx(sk.average_precision_score(truth, scores))


@pytest.mark.parametrize("decimals", [0, 1])
def test_error_tradeoffs_agree_with_scikit_learn(decimals):
    scores, truth = sample(3, decimals=decimals)
    found = det(roc(scores, truth))
    fpr, fnr, threshold = sk.det_curve(truth, scores)
    for a, b, h in zip(fpr, fnr, threshold, strict=True):
        i = np.nonzero(found.threshold == h)[0]
        assert (found.fpr[i[0]], found.fnr[i[0]]) == pytest.approx((a, b))
    inside = (found.fpr > 0) & (found.fpr < 1)
    assert found.x[inside] == pytest.approx(stats.norm.ppf(found.fpr[inside]))
    assert np.isnan(found.x[~inside]).all()
    assert np.isnan(found.y[0]) == (found.fnr[0] in (0.0, 1.0))


def test_operating_points_are_reached_by_a_threshold():
    curve = roc([5, 4, 4, 3, 2, 1], [True, True, False, False, True, False])
    # No threshold has one false positive of three and less than two detections: 4 is shared by both classes.
    assert tpr_at_fpr(curve, 0.3) == (1 / 3, 0.0, 5.0)
    assert tpr_at_fpr(curve, 1 / 3) == (2 / 3, 1 / 3, 4.0)
    assert tpr_at_fpr(curve, 0.9) == (1.0, 2 / 3, 2.0)
    assert tpr_at_fpr(curve, 1.0).threshold == 2.0  # the strictest that finds all
    best_is_clean = roc([5, 4], [False, True])
    assert tpr_at_fpr(best_is_clean, 0.5) == (0.0, 0.0, np.inf)


def test_a_partial_area_by_hand():
    curve = roc([4, 3, 2, 1], [True, False, True, False])
    # (0, 0) (0, 1/2) (1/2, 1/2) (1/2, 1) (1, 1)
    assert partial_auc(curve, 0.25) == pytest.approx(0.125)
    assert partial_auc(curve, 0.75) == pytest.approx(0.25 + 0.25)
    assert standardised_partial_auc(0.5 * 0.3**2, 0.3) == pytest.approx(0.5)
    assert standardised_partial_auc(0.3, 0.3) == pytest.approx(1.0)


@pytest.mark.parametrize("wrong", [0.0, -0.1, 1.1])
def test_rates_out_of_range_are_refused(wrong):
    curve = roc([1, 2], [False, True])
    for call in (
        lambda: partial_auc(curve, wrong),
        lambda: standardised_partial_auc(0.1, wrong),
        lambda: weighted_areas([1, 2], [False, True], max_fpr=wrong),
    ):
        with pytest.raises(ValueError, match=r"\(0, 1\]"):
            call()
    if wrong != 0.0:
        with pytest.raises(ValueError, match=r"\[0, 1\]"):
            tpr_at_fpr(curve, wrong)
        with pytest.raises(ValueError, match=r"\[0, 1\]"):
            weighted_tpr([1, 2], [False, True], wrong)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 1000), st.sampled_from([0.02, 0.1, 0.5, 1.0]), st.integers(0, 1))
def test_weights_count_as_repeated_samples(seed, max_fpr, decimals):
    scores, truth = sample(seed, n=80, decimals=decimals)
    weight = np.random.default_rng(seed).integers(0, 4, (3, 80))
    areas = weighted_areas(scores, truth, max_fpr=max_fpr)(weight)
    rates = weighted_tpr(scores, truth, max_fpr)(weight)
    for row, area, rate in zip(weight, areas, rates, strict=True):
        curve = roc(np.repeat(scores, row), np.repeat(truth, row))
        assert area == pytest.approx(partial_auc(curve, max_fpr))
        assert rate == pytest.approx(tpr_at_fpr(curve, max_fpr).tpr)


def test_low_rates_look_at_the_top_of_the_scores_only_and_lose_nothing():
    scores, truth = sample(8, n=6000, decimals=3)
    weight = np.ones((2, 6000), dtype=np.int64)
    # All of the negatives at the top are drawn out: the top must be looked at further down.
    top = np.argsort(-scores)[:1500]
    weight[1, top[~truth[top]]] = 0
    for max_fpr in (0.01, 0.03):
        areas = weighted_areas(scores, truth, max_fpr=max_fpr)(weight)
        rates = weighted_tpr(scores, truth, max_fpr)(weight)
        for row, area, rate in zip(weight, areas, rates, strict=True):
            curve = roc(np.repeat(scores, row), np.repeat(truth, row))
            assert area == pytest.approx(partial_auc(curve, max_fpr))
            assert rate == pytest.approx(tpr_at_fpr(curve, max_fpr).tpr)


def test_containers_widen_the_interval_of_an_area():
    rng = np.random.default_rng(np.random.SeedSequence(5))
    truth = np.repeat(np.arange(60) % 2 == 0, 6)
    scores = np.repeat(rng.normal(size=60), 6) + 0.3 * rng.normal(size=360) + truth
    parents = np.repeat(np.arange(60), 6)
    alone, together = auc_interval(scores, truth), auc_interval(scores, truth, parents)
    assert together.high - together.low > 1.7 * (alone.high - alone.low)
    assert together.method == "BCa bootstrap over 60 parents"
    assert together.value == pytest.approx(auc(roc(scores, truth)))
    assert auc_interval(scores[:24], truth[:24], parents[:24]).method == "none: 4 parents, 5 needed"


def test_intervals_name_their_figure():
    scores, truth = sample(6, n=400, decimals=6)
    part = partial_auc_interval(scores, truth, 0.1, n_resample=400)
    scaled = partial_auc_interval(scores, truth, 0.1, is_standardised=True, n_resample=400)
    assert part.value == pytest.approx(partial_auc(roc(scores, truth), 0.1))
    for bound in ("value", "low", "high"):
        expected = standardised_partial_auc(getattr(part, bound), 0.1)
        assert getattr(scaled, bound) == pytest.approx(expected)
    at = tpr_at_fpr_interval(scores, truth, 0.1, n_resample=400)
    assert at.value == tpr_at_fpr(roc(scores, truth), 0.1).tpr
    assert at.low < at.value < at.high


def test_a_perfect_detector_has_the_bounds_of_its_containers():
    truth = np.arange(40) < 20
    found = tpr_at_fpr_interval(truth.astype(float), truth, 0.05, n_resample=50)
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low < 0.95
    assert found.method.startswith("clopper-pearson over ")
    assert auc_delong(truth.astype(float), truth).low is None


def test_delongs_interval_of_one_area_agrees_with_the_bootstrap():
    scores, truth = sample(7, n=600, decimals=6)
    exact, drawn = auc_delong(scores, truth), auc_interval(scores, truth)
    width = drawn.high - drawn.low
    assert exact.low == pytest.approx(drawn.low, abs=0.08 * width)
    assert exact.high == pytest.approx(drawn.high, abs=0.08 * width)


def test_figures_of_two_curves_are_compared_on_the_same_resamples():
    scores, truth = sample(9, n=500, decimals=6)
    worse = scores + np.random.default_rng(1).normal(size=500)
    found = compare_curves(
        weighted_areas(scores, truth, max_fpr=0.2), weighted_areas(worse, truth, max_fpr=0.2), truth
    )
    assert found.effect == pytest.approx(
        partial_auc(roc(scores, truth), 0.2) - partial_auc(roc(worse, truth), 0.2)
    )
    assert found.p < 0.05
    assert found.low > 0
    same = compare_curves(weighted_tpr(scores, truth, 0.1), weighted_tpr(scores, truth, 0.1), truth)
    assert (same.effect, same.test) == (0.0, "none: all resamples equal")

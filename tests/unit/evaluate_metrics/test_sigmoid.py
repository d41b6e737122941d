from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, special, stats
from sklearn.linear_model import LogisticRegression

from screening.evaluate.metrics.mda import (
    mda_over_passes,
    mda_parametric,
    mda_profile,
    outcomes,
    profile_bounds,
)
from screening.evaluate.metrics.sigmoid import fit_detection_curve, fit_detection_curves, fit_response

ACTIVITY = np.logspace(0.0, 2.0, 21)  # ten per decade
CHANCE, M, S = 0.01, np.log(12.0), 0.4
PD = CHANCE + (1 - CHANCE) * stats.norm.cdf((np.log(ACTIVITY) - M) / S)
MDA = np.exp(M + S * stats.norm.ppf((0.95 - CHANCE) / (1 - CHANCE)))


def counts(n_fit=1, n_pass=400, seed=1):
    return np.random.default_rng(np.random.SeedSequence(seed)).binomial(n_pass, PD, (n_fit, 21))


def test_the_fit_is_that_of_another_optimiser_on_another_parametrisation():
    k = counts()[0]
    found = fit_detection_curve(ACTIVITY, k, 400, chance=CHANCE)

    def _minus_likelihood(theta):  # MDA and logarithm of the width
        eta = stats.norm.ppf((0.95 - CHANCE) / (1 - CHANCE)) + (np.log(ACTIVITY) - theta[0]) / np.exp(
            theta[1]
        )
        return -stats.binom.logpmf(k, 400, CHANCE + (1 - CHANCE) * stats.norm.cdf(eta)).sum()

    best = optimize.minimize(
        _minus_likelihood, [3.0, -0.5], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11}
    )
    assert found.outcome == "fitted"
    assert np.log(found.mda()) == pytest.approx(best.x[0], abs=1e-6)
    assert np.log(found.s) == pytest.approx(best.x[1], abs=1e-6)
    assert found.midpoint == np.exp(found.m)
    assert found.probability([found.mda(0.5)])[0] == pytest.approx(0.5)
    assert found.probability([found.mda(0.95)])[0] == pytest.approx(0.95)


def test_a_logistic_curve_is_that_of_reweighted_least_squares_and_of_scikit_learn():
    rng = np.random.default_rng(np.random.SeedSequence(4))
    speed, n = np.linspace(1.0, 12.0, 12), 50
    k = rng.binomial(n, special.expit(4.0 - 0.8 * speed))
    found = fit_response(speed, k, n)
    design, beta = np.column_stack([np.ones(12), speed]), np.zeros(2)
    for _ in range(30):
        p = special.expit(design @ beta)
        weight = n * p * (1 - p)
        beta = np.linalg.solve(
            (design.T * weight) @ design, (design.T * weight) @ (design @ beta + (k - n * p) / weight)
        )
    assert -beta[0] / beta[1] == pytest.approx(found.location[0], abs=1e-6)
    assert 1.0 / beta[1] == pytest.approx(found.scale[0], abs=1e-6)
    assert found.scale[0] < 0  # fewer answers at higher speed
    p = special.expit(design @ beta)
    assert found.covariance[0] == pytest.approx(
        np.linalg.inv((design.T * (n * p * (1 - p))) @ design), rel=1e-4
    )
    model = LogisticRegression(C=1e10, tol=1e-10, max_iter=10000)
    model.fit(
        np.repeat(speed, 2)[:, None], np.tile([1, 0], 12), sample_weight=np.column_stack([k, n - k]).ravel()
    )
    assert found.at(0.5)[0] == pytest.approx(-model.intercept_[0] / model.coef_[0, 0], abs=1e-3)
    assert found.deviance[0] == pytest.approx(
        2.0 * (stats.binom.logpmf(k, n, k / n) - stats.binom.logpmf(k, n, p)).sum()
    )
    assert found.probability(speed)[0] == pytest.approx(p, abs=1e-6)


def test_true_parameters_are_recovered_on_average():
    found = fit_detection_curves(ACTIVITY, counts(4000), 400, chance=CHANCE)
    assert outcomes(found) == {"fitted": 4000}
    spread = np.std(found.response.location)
    assert np.mean(found.response.location) == pytest.approx(M, abs=4 * spread / np.sqrt(4000))
    assert np.mean(found.response.scale) == pytest.approx(S, rel=0.005)
    assert np.mean(np.log(found.mda())) == pytest.approx(np.log(MDA), abs=0.003)
    # The information's spread of intercept and slope is the one seen.
    slope = 1.0 / found.response.scale
    assert np.sqrt(found.response.covariance[:, 1, 1].mean()) == pytest.approx(slope.std(), rel=0.05)
    assert found.response.deviance.mean() == pytest.approx(19.0, rel=0.2)


def test_one_of_many_is_the_same_as_alone():
    k = counts(50)
    chance = np.linspace(0.0, 0.02, 50)
    many = fit_detection_curves(ACTIVITY, k, 400, chance=chance)
    alone = fit_detection_curve(ACTIVITY, k[30], np.full(21, 400), chance=chance[30])
    assert alone.m == pytest.approx(many.response.location[30], abs=1e-9)
    rows = fit_detection_curves(np.tile(ACTIVITY, (50, 1)), k, np.full((50, 1), 400), chance=chance)
    assert np.array_equal(rows.mda(), many.mda())


@pytest.mark.parametrize(
    ("k", "chance", "outcome"),
    [
        ([0, 0, 0, 0, 0], 0.0, "never detected"),
        ([20, 20, 20, 20, 20], 0.0, "always detected"),
        ([0, 0, 20, 20, 20], 0.0, "separated"),
        ([0, 0, 11, 20, 20], 0.0, "separated"),
        ([1, 0, 11, 20, 20], 0.02, "separated"),
        ([20, 15, 9, 2, 0], 0.0, "not rising"),
        ([4, 9, 12, 16, 19], 0.0, "not covered"),
        ([0, 2, 9, 13, 17], 0.0, "not covered"),
        ([0, 2, 11, 19, 20], 0.0, "fitted"),
    ],
)
def test_what_cannot_be_fitted_has_a_name_and_no_number(k, chance, outcome):
    found = fit_detection_curve([1, 2, 4, 8, 16], k, 20, chance=chance)
    assert found.outcome == outcome
    assert (found.mda() is None) == (outcome != "fitted")
    assert (found.m is None) == (found.midpoint is None) == (found.deviance is None) == (outcome != "fitted")
    assert np.isnan(found.probability([3.0])[0]) == (outcome != "fitted")


def test_no_trials_and_no_convergence_have_names_too():
    assert fit_detection_curve([1, 2, 4], [0, 0, 0], 0, chance=0.0).outcome == "no trials"
    # Nothing above chance: the likelihood has no top.
    flat = fit_detection_curves(
        ACTIVITY, np.random.default_rng(0).binomial(20, 0.03, (300, 21)), 20, chance=0.02, cover=None
    )
    assert set(outcomes(flat)) <= {"not rising", "not converged", "separated", "fitted"}
    assert np.isnan(flat.mda()[flat.outcome != "fitted"]).all()
    falling = fit_response([1.0, 2.0, 3.0, 4.0], [2, 8, 12, 19], 20, rising=False)
    assert falling.outcome[0] == "not falling"


def test_points_without_passes_weigh_nothing():
    k = counts()[0].astype(float)
    n = np.full(21, 400.0)
    k[5] = n[5] = 0
    without = np.delete(np.arange(21), 5)
    found = fit_detection_curve(ACTIVITY, k, n, chance=CHANCE)
    other = fit_detection_curve(ACTIVITY[without], k[without], 400, chance=CHANCE)
    assert found.mda() == pytest.approx(other.mda(), rel=1e-7)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="above 0"):
        fit_detection_curve([0.0, 1.0], [1, 2], 3, chance=0.0)
    with pytest.raises(ValueError, match="4 answers in 3 trials"):
        fit_detection_curve([1.0, 2.0], [1, 4], 3, chance=0.0)
    with pytest.raises(ValueError, match="chance must lie"):
        fit_detection_curve([1.0, 2.0], [1, 2], 3, chance=1.0)
    with pytest.raises(ValueError, match="do not fit"):
        fit_response([1.0, 2.0, 3.0], [1, 2], 3)
    fitted = fit_detection_curve(ACTIVITY, counts()[0], 400, chance=CHANCE)
    with pytest.raises(ValueError, match="between chance"):
        fitted.mda(0.005)


def test_profile_bounds_are_where_the_likelihood_has_fallen():
    k = counts(3, 100, seed=5)
    curves = fit_detection_curves(ACTIVITY, k, 100, chance=CHANCE)
    low, high = profile_bounds(ACTIVITY, k, 100, curves)

    def _best_at(row, mda):
        def _minus(log_slope):
            eta = stats.norm.ppf((0.95 - CHANCE) / (1 - CHANCE)) + np.exp(log_slope) * np.log(ACTIVITY / mda)
            p = CHANCE + (1 - CHANCE) * stats.norm.cdf(eta)
            return -(special.xlogy(row, p) + special.xlogy(100 - row, 1 - p)).sum()

        return -optimize.minimize_scalar(_minus, bounds=(-2.0, 3.0), method="bounded").fun

    for i in range(3):
        for bound in (low[i], high[i]):
            drop = curves.response.log_likelihood[i] - _best_at(k[i], bound)
            assert 2.0 * drop == pytest.approx(stats.chi2.ppf(0.95, 1), rel=1e-3)
        assert low[i] < curves.mda()[i] < high[i]
    one = mda_profile(ACTIVITY, k[0], 100, chance=CHANCE)
    assert (one.low, one.high) == pytest.approx((low[0], high[0]))


def test_three_intervals_agree_on_independent_passes():
    rng = np.random.default_rng(np.random.SeedSequence(15))
    detected = rng.random((400, 21)) < PD
    k = detected.sum(axis=0)
    profile = mda_profile(ACTIVITY, k, 400, chance=CHANCE)
    drawn = mda_parametric(ACTIVITY, k, 400, chance=CHANCE, n_resample=1000)
    passes = mda_over_passes(ACTIVITY, detected, chance=CHANCE, n_resample=1000)
    width = profile.high - profile.low
    for other in (drawn, passes):
        assert other.value == profile.value
        assert other.low == pytest.approx(profile.low, abs=0.2 * width)
        assert other.high == pytest.approx(profile.high, abs=0.2 * width)


def test_passes_that_share_their_draws_along_the_grid_are_resampled_together():
    rng = np.random.default_rng(np.random.SeedSequence(16))
    detected = rng.random((400, 1)) < PD  # one draw for all activities
    passes = mda_over_passes(ACTIVITY, detected, chance=CHANCE, n_resample=500)
    profile = mda_profile(ACTIVITY, detected.sum(axis=0), 400, chance=CHANCE)
    assert passes.high - passes.low > 1.3 * (profile.high - profile.low)
    runs = mda_over_passes(ACTIVITY, detected, np.arange(400) // 100, chance=CHANCE, n_resample=50)
    assert runs.value == passes.value
    assert (runs.low, runs.method) == (None, "none: 4 parents, 5 needed")


def test_no_fit_gives_no_interval_and_says_why():
    k = np.zeros(21, dtype=int)
    for found in (
        mda_profile(ACTIVITY, k, 400, chance=CHANCE),
        mda_parametric(ACTIVITY, k, 400, chance=CHANCE, n_resample=20),
        mda_over_passes(ACTIVITY, np.zeros((30, 21), dtype=bool), chance=CHANCE, n_resample=20),
    ):
        assert (found.value, found.low, found.high) == (None, None, None)
        assert found.method == "none: never detected"

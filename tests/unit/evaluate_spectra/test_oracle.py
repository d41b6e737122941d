"""The oracle's likelihood ratios against a general optimiser, and its threshold against its promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar
from scipy.stats import chi2

from screening.evaluate.spectra.oracle import likelihood_ratios, ranked, shape_ratios, threshold_at

N = 60
X = np.arange(N)
BACK = 40.0 * np.exp(-X / 20.0) + 2.0
LINES = np.stack([np.exp(-0.5 * ((X - centre) / 2.0) ** 2) for centre in (12.0, 30.0, 31.5)])


def _loss(mean, counts):
    return float(np.sum(mean - counts * np.log(mean)))


@pytest.mark.parametrize("amount", [0.0, 3.0, 40.0])
def test_ratio_and_amplitude_are_those_of_a_general_optimiser(amount):
    rng = np.random.default_rng(1)
    counts = rng.poisson(BACK + amount * LINES[1]).astype(float)
    ratio, amplitude = likelihood_ratios(counts, BACK, LINES)
    for k, line in enumerate(LINES):
        best = minimize_scalar(
            lambda a, line=line: _loss(BACK + a * line, counts), bounds=(0.0, 200.0), method="bounded"
        )
        assert ratio[k] == pytest.approx(max(2.0 * (_loss(BACK, counts) - best.fun), 0.0), abs=1e-4)
        assert amplitude[k] == pytest.approx(best.x, abs=1e-2)


def test_with_a_free_background_both_scales_are_the_best():
    rng = np.random.default_rng(2)
    counts = rng.poisson(1.7 * BACK + 20.0 * LINES[0]).astype(float)
    ratio, share = shape_ratios(counts, BACK, LINES)
    best = minimize(
        lambda p: _loss(np.exp(p[0]) * BACK + np.exp(p[1]) * LINES[0], counts),
        [0.0, 1.0],
        method="Nelder-Mead",
        options={"xatol": 1e-8, "fatol": 1e-10, "maxiter": 4000},
    )
    none = _loss(counts.sum() / BACK.sum() * BACK, counts)
    assert ratio[0] == pytest.approx(2.0 * (none - best.fun), abs=1e-3)
    in_source = np.exp(best.x[1]) * LINES[0].sum()
    assert share[0] == pytest.approx(in_source / counts.sum(), abs=1e-3)
    # the scale that it is told does not matter
    np.testing.assert_allclose(shape_ratios(counts, 5.0 * BACK, LINES)[0], ratio, atol=1e-6)


def test_on_background_the_ratio_is_half_a_chi_squared_of_one_degree():
    rng = np.random.default_rng(3)
    values = np.array(
        [
            likelihood_ratios(rng.poisson(10 * BACK).astype(float), 10 * BACK, LINES[:1])[0][0]
            for _ in range(2000)
        ]
    )
    # Wilks with the amplitude on the edge of what is allowed: half the draws have none at all
    assert np.mean(values == 0.0) == pytest.approx(0.5, abs=0.04)
    assert np.mean(values > chi2.isf(0.1, 1)) == pytest.approx(0.05, abs=0.015)


def test_labels_are_ranked_each_given_those_before():
    rng = np.random.default_rng(4)
    counts = rng.poisson(BACK + 60.0 * LINES[1] + 30.0 * LINES[0]).astype(float)
    for is_known in (True, False):
        found = ranked(counts, BACK, LINES, ("a", "b", "c"), is_scale_known=is_known)
        assert [name for name, _ in found][:2] == ["b", "a"]
        assert found[0][1] > found[1][1] > 30.0
        # its neighbour explains nothing more once it is there
        assert len(found) == 2 or found[2][1] < 10.0


def test_counts_where_nothing_is_expected_make_no_infinity():
    counts = np.zeros(N)
    counts[5] = 3.0
    back = np.where(X < 10, 0.0, BACK)
    for ratios in (likelihood_ratios, shape_ratios):
        ratio, amount = ratios(counts, back, LINES)
        assert np.isfinite(ratio).all()
        assert np.isfinite(amount).all()


def test_no_counts_are_no_evidence():
    for ratios in (likelihood_ratios, shape_ratios):
        ratio, amount = ratios(np.zeros(N), BACK, LINES)
        assert not ratio.any()
        assert not amount.any()
    assert ranked(np.zeros(N), BACK, LINES, ("a", "b", "c")) == []


def test_the_threshold_lets_as_many_pass_as_asked():
    null = np.random.default_rng(5).exponential(size=1000)
    for rate in (0.0, 0.01, 0.2, 1.0):
        assert np.mean(null > threshold_at(null, rate)) <= rate
    assert np.mean(null > threshold_at(null, 0.2)) == pytest.approx(0.2)
    assert threshold_at(null, 0.0) == null.max()
    with pytest.raises(ValueError, match="rate"):
        threshold_at(null, 1.5)
    with pytest.raises(ValueError, match="0 and"):
        threshold_at(np.zeros(0), 0.1)

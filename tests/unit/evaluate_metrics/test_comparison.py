from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from screening.evaluate.metrics.comparison import (
    delong,
    delong_covariance,
    holm,
    mcnemar,
    newcombe_paired,
    paired_bootstrap,
    paired_shares,
    verdict,
)


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (0, 6), (5, 5), (3, 12), (40, 61)])
def test_mcnemar_is_the_binomial_test_of_the_discordant(b, c):
    expected = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert mcnemar(b, c) == pytest.approx(expected)
    assert mcnemar(c, b) == mcnemar(b, c)
    if b + c:
        assert mcnemar(b, c, exactness="mid-p") == pytest.approx(
            min(1.0, 2 * stats.binom.cdf(min(b, c), b + c, 0.5) - stats.binom.pmf(min(b, c), b + c, 0.5))
        )
    with pytest.raises(ValueError, match="-1"):
        mcnemar(-1, 2)


def wilson(k, n):
    """Solve (p - k/n)^2 = z^2 p (1 - p) / n for p."""
    z, q = stats.norm.ppf(0.975), k / n
    return np.sort(np.roots([1 + z * z / n, -2 * q - z * z / n, q * q]).real)


@pytest.mark.parametrize("cells", [(36, 12, 2, 0), (50, 7, 3, 40), (10, 0, 0, 10), (90, 4, 4, 2)])
def test_newcombes_interval_from_its_parts(cells):
    both, only_a, only_b, neither = cells
    n = sum(cells)
    low, high = newcombe_paired(*cells)
    p1, p2 = (both + only_a) / n, (both + only_b) / n
    (l1, u1), (l2, u2) = wilson(both + only_a, n), wilson(both + only_b, n)
    cross = both * neither - only_a * only_b
    cross = cross if cross < 0 else max(cross - n / 2, 0)
    product = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    phi = cross / np.sqrt(product) if product else 0.0
    down = (p1 - l1) ** 2 - 2 * phi * (p1 - l1) * (u2 - p2) + (u2 - p2) ** 2
    up = (p2 - l2) ** 2 - 2 * phi * (p2 - l2) * (u1 - p1) + (u1 - p1) ** 2
    assert (low, high) == pytest.approx((p1 - p2 - np.sqrt(down), p1 - p2 + np.sqrt(up)))
    assert newcombe_paired(both, only_b, only_a, neither) == pytest.approx((-high, -low))


def test_newcombes_interval_covers():
    rng = np.random.default_rng(np.random.SeedSequence(2))
    cells = rng.multinomial(200, [0.70, 0.12, 0.06, 0.12], 2000)
    found = np.array([newcombe_paired(*row) for row in cells.tolist()])
    coverage = np.mean((found[:, 0] <= 0.06) & (found[:, 1] >= 0.06))
    assert 0.93 <= coverage <= 0.97
    with pytest.raises(ValueError, match="samples"):
        newcombe_paired(0, 0, 0, 0)


def test_areas_and_covariance_by_counting_pairs():
    rng = np.random.default_rng(np.random.SeedSequence(3))
    truth = rng.random(40) < 0.5
    scores = np.round(rng.normal(size=(3, 40)) + truth, 1)
    found = delong_covariance(scores, truth)
    # DeLong's structural components as sums over all pairs.
    wins = (scores[:, truth][:, :, None] > scores[:, ~truth][:, None, :]).astype(float)
    wins += 0.5 * (scores[:, truth][:, :, None] == scores[:, ~truth][:, None, :])
    assert found.area == pytest.approx(wins.mean(axis=(1, 2)))
    for r, s in itertools.product(range(3), repeat=2):
        of_positive = np.cov(wins[r].mean(axis=1), wins[s].mean(axis=1))[0, 1] / truth.sum()
        of_negative = np.cov(wins[r].mean(axis=0), wins[s].mean(axis=0))[0, 1] / (~truth).sum()
        assert found.covariance[r, s] == pytest.approx(of_positive + of_negative)


def test_delong_holds_its_error_where_there_is_no_difference():
    rng = np.random.default_rng(np.random.SeedSequence(4))
    truth = np.arange(200) < 80
    shared = rng.normal(size=(2000, 1, 200)) + 1.3 * truth
    scores = shared + rng.normal(size=(2000, 2, 200))
    z = []
    for block in scores.reshape(10, 400, 200):  # 200 experiments at once, two detectors each
        area, covariance = delong_covariance(block, truth)
        pair = np.arange(0, 400, 2)
        variance = covariance[pair, pair] + covariance[pair + 1, pair + 1] - 2 * covariance[pair, pair + 1]
        z.append((area[pair] - area[pair + 1]) / np.sqrt(variance))
    z = np.concatenate(z)
    assert 0.93 <= np.mean(np.abs(z) < stats.norm.ppf(0.975)) <= 0.97
    for i in range(5):
        found = delong(*scores[i], truth)
        assert found.p == pytest.approx(2 * stats.norm.sf(abs(z[i])))
        assert (found.low <= 0.0 <= found.high) == (found.p >= 0.05)


def test_delong_of_equal_ranks_and_of_too_few():
    truth = np.arange(20) < 8
    scores = np.random.default_rng(1).normal(size=20)
    same = delong(scores, np.exp(scores), truth)
    assert (same.effect, same.p, same.test) == (0.0, 1.0, "DeLong, equal ranks")
    apart = delong(truth.astype(float), -truth.astype(float), truth)
    assert (apart.effect, apart.p, apart.test) == (1.0, None, "none: areas without spread")
    with pytest.raises(ValueError, match="two of each class"):
        delong(scores, scores, np.arange(20) < 1)
    with pytest.raises(ValueError, match="not a number"):
        delong(scores, np.full(20, np.nan), truth)
    with pytest.raises(ValueError, match="one n"):
        delong(scores, scores, truth[:5])


def test_shares_of_independent_samples():
    a = [True] * 20 + [False] * 5
    b = [True] * 10 + [False] * 10 + [True, False, False, False, False]
    found = paired_shares(a, b)
    assert (found.n_only_a, found.n_only_b, found.n, found.test) == (10, 1, 25, "McNemar, exact")
    assert found.effect == pytest.approx(9 / 25)
    assert found.p == mcnemar(10, 1)
    assert (found.low, found.high) == newcombe_paired(10, 10, 1, 4)
    assert paired_shares([], []).test == "none: no samples"
    with pytest.raises(ValueError, match="one shape"):
        paired_shares([True], [True, False])


def test_samples_that_share_a_parent_are_not_counted_as_many():
    rng = np.random.default_rng(np.random.SeedSequence(5))
    parents = np.repeat(np.arange(20), 50)
    lean = np.repeat(rng.random(20) < 0.65, 50)  # which of the two a parent favours
    a, b = lean, ~lean
    assert paired_shares(a, b).p < 1e-6
    found = paired_shares(a, b, parents)
    assert found.p > 0.01
    assert found.test == "bootstrap over 20 parents"
    assert found.effect == pytest.approx(lean.mean() - (~lean).mean())
    assert found.low < found.effect < found.high
    assert paired_shares(a, a, parents).p == 1.0
    few = paired_shares(a[:150], b[:150], parents[:150])
    assert (few.p, few.low, few.test) == (None, None, "none: 3 parents, 5 needed")


def test_the_bootstrap_p_value_goes_with_its_interval():
    rng = np.random.default_rng(np.random.SeedSequence(6))
    agree, small = [], []
    for seed in range(300):
        x = rng.normal(size=60)

        def _mean(weight, x=x):
            return weight @ x / weight.sum(axis=1)

        found = paired_bootstrap(_mean, 60, np.arange(60) // 2, n_resample=500, seed=seed)
        small.append(found.p < 0.05)
        agree.append((found.p < 0.05) == (not found.low <= 0.0 <= found.high))
    assert np.mean(agree) > 0.98
    assert 0.02 <= np.mean(small) <= 0.09


def test_holm_by_hand():
    assert holm([0.01, None, 0.04, 0.03]) == pytest.approx([0.03, None, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([1.2])


@pytest.mark.parametrize(
    ("effect", "p", "is_higher_better", "words"),
    [
        (0.1, 0.01, True, "a is better"),
        (0.1, 0.01, False, "b is better"),
        (-0.1, 0.01, True, "b is better"),
        (-0.1, 0.01, False, "a is better"),
        (0.1, 0.06, True, "not distinguishable"),
        (0.0, 0.0, True, "not distinguishable"),
        (0.1, None, True, "not tested"),
        (None, 0.01, True, "not tested"),
    ],
)
def test_what_may_be_said(effect, p, is_higher_better, words):
    assert verdict(effect, p, is_higher_better=is_higher_better) == words

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from screening.evaluate.metrics.exact import clopper_pearson
from screening.evaluate.metrics.proportions import proportion
from screening.evaluate.metrics.resampling import (
    bootstrap,
    bootstrap_interval,
    bootstrap_weighted,
    clusters_of,
    resampled_sums,
    weight_blocks,
)


def clustered(n_parent=40, n_draw=5, seed=2):
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    level = rng.normal(size=n_parent)
    values = np.repeat(level, n_draw) + 0.5 * rng.normal(size=n_parent * n_draw)
    return values, [f"p{i}" for i in np.repeat(np.arange(n_parent), n_draw)]


def mean_of(values):
    return lambda weight: (weight @ values) / weight.sum(axis=1)


def test_a_parent_is_drawn_with_all_its_draws():
    clusters = clusters_of(["b", "a", "b", "c", "a"], 5)
    assert clusters.code.tolist() == [0, 1, 0, 2, 1]
    weight = np.concatenate(list(weight_blocks(clusters, 500)))
    assert (weight[:, 0] == weight[:, 2]).all()
    assert (weight[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert weight[:, 3].mean() == pytest.approx(1.0, abs=0.15)


def test_draws_taken_again_stay_with_their_parent():
    clusters = clusters_of(["b", "a", "b", "c", "a"], 5)
    weight = np.concatenate(list(weight_blocks(clusters, 500, draws="resampled")))
    kept = np.concatenate(list(weight_blocks(clusters, 500)))
    assert np.array_equal(weight[:, [0, 2]].sum(axis=1), kept[:, [0, 2]].sum(axis=1))
    assert (weight[:, 0] != weight[:, 2]).any()


def test_parents_are_drawn_within_their_stratum():
    parents = ["a", "a", "b", "c", "d", "e"]
    clusters = clusters_of(parents, 6, stratum=[0, 1, 0, 0, 1, 1])
    assert len(set(clusters.stratum[[0, 1, 3]])) == 3  # both strata, the first, the second
    weight = np.concatenate(list(weight_blocks(clusters, 100)))
    assert (weight[:, 0] == 1).all()
    assert (weight[:, [2, 3]].sum(axis=1) == 2).all()
    assert (weight[:, [4, 5]].sum(axis=1) == 2).all()
    with pytest.raises(ValueError, match="5 parents for 6 draws"):
        clusters_of(parents[:5], 6)


def test_one_by_one_and_by_weights_is_the_same():
    values, parents = clustered()
    one = bootstrap(np.mean, values, parents, n_resample=300, seed=3)
    many = bootstrap_weighted(mean_of(values), values.size, parents, n_resample=300, seed=3)
    assert (one.value, one.low, one.high) == pytest.approx((many.value, many.low, many.high))
    assert one.method == many.method == "bootstrap over 40 parents"
    by_index = bootstrap(lambda i: values[i].mean(), np.arange(values.size), parents, n_resample=300, seed=3)
    assert by_index.low == pytest.approx(one.low)
    assert bootstrap(np.mean, values, parents, n_resample=300, seed=4).low != one.low


def test_sums_of_resamples_are_the_weighted_ones():
    values, parents = clustered(12, 3)
    table = np.stack([values, values**2], axis=1)
    sums, n = resampled_sums(table, parents, n_resample=50, seed=8)
    weight = np.concatenate(list(weight_blocks(clusters_of(parents, 36), 50, seed=8)))
    assert sums == pytest.approx(weight @ table)
    assert n.tolist() == [36.0] * 50


def test_the_interval_of_a_mean_is_students():
    values, parents = clustered(20, 4)
    means = values.reshape(20, 4).mean(axis=1)
    student = stats.t.interval(0.95, 19, means.mean(), means.std(ddof=1) / np.sqrt(20))
    found = bootstrap_weighted(mean_of(values), 80, parents, n_resample=20000)
    assert (found.low, found.high) == pytest.approx(student, abs=0.05 * (student[1] - student[0]))
    plain = bootstrap_weighted(mean_of(values), 80, parents, n_resample=20000, method="percentile")
    assert plain.high - plain.low < found.high - found.low


def test_bca_follows_skewness_as_scipy_has_it():
    rng = np.random.default_rng(np.random.SeedSequence(6))
    values = rng.exponential(size=60)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20000, method="BCa", rng=rng)
    ours = bootstrap_weighted(mean_of(values), 60, n_resample=20000, method="bca")
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.04 * width)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.08 * width)
    assert ours.high - ours.value > 1.1 * (ours.value - ours.low)
    assert ours.method == "BCa bootstrap"


def test_few_parents_give_no_interval():
    found = bootstrap(np.mean, np.arange(8.0), list("aabbccdd"))
    assert (found.value, found.low, found.n_parent) == (3.5, None, 4)
    assert found.method == "none: 4 parents, 5 needed"


def test_equal_outcomes_count_parents_as_trials():
    parents = [f"p{i % 6}" for i in range(30)]
    found = bootstrap(np.mean, np.ones(30), parents, n_resample=50, is_share=True)
    assert (found.low, found.high) == tuple(clopper_pearson(6, 6))
    assert found.method == "clopper-pearson over 6 parents"
    assert bootstrap(np.mean, np.ones(30), parents, n_resample=50).method == "none: all resamples equal"


def test_resamples_without_a_value_are_counted():
    values = np.array([1.0] * 3 + [0.0] * 37)

    def _ratio(x):
        return x.size / x.sum() if x.sum() else np.nan

    found = bootstrap(_ratio, values, n_resample=400)
    assert found.n_undefined > 0
    assert f"{found.n_undefined} of 400 resamples without a value" in found.method
    assert bootstrap(lambda x: np.nan, values, n_resample=10).method == "none: no value"
    rare = bootstrap(_ratio, values[2:], n_resample=400)
    assert rare.low is None
    assert rare.method == f"none: {rare.n_undefined} of 400 resamples without a value"


def test_an_interval_that_is_none_is_not_returned_as_one():
    with pytest.raises(ValueError, match="no interval: none: all resamples equal"):
        bootstrap_interval(np.ones(9), list("abcdefghi"), np.mean)
    with pytest.raises(ValueError, match="common first axis"):
        bootstrap(lambda x, y: 0.0, [np.ones(3), np.ones(4)])


def test_kinds_of_parents_and_parents_one_by_one_agree():
    rng = np.random.default_rng(np.random.SeedSequence(12))
    size = rng.integers(1, 60, 400)  # too many kinds to be drawn by kind
    code = np.repeat(np.arange(400), size)
    hits = rng.random(code.size) < np.repeat(rng.beta(8, 2, 400), size)
    found = proportion(hits, code.tolist())
    slow = bootstrap(np.mean, hits.astype(float), code, seed=1)
    width = slow.high - slow.low
    assert found.low == pytest.approx(slow.low, abs=0.08 * width)
    assert found.high == pytest.approx(slow.high, abs=0.08 * width)
    few = np.repeat(np.arange(300), 4)  # five kinds
    hits = rng.random(1200) < np.repeat(rng.beta(8, 2, 300), 4)
    found, slow = proportion(hits, few.tolist()), bootstrap(np.mean, hits.astype(float), few, seed=1)
    assert found.low == pytest.approx(slow.low, abs=0.08 * (slow.high - slow.low))


def test_rare_outcomes_get_effective_trials():
    # Two of 40 parents of 5 draws miss all their draws: as if 40 trials had 2 misses, not 200 with 10.
    hits = np.ones(200, dtype=bool)
    hits[:10] = False
    parents = np.repeat(np.arange(40), 5).tolist()
    found = proportion(hits, parents)
    assert found.method.startswith("clopper-pearson with ")
    exact = clopper_pearson(38, 40)
    assert found.low == pytest.approx(exact.low, abs=0.02)
    assert found.high == pytest.approx(exact.high, abs=0.01)


def test_a_share_over_ten_thousand_parents_is_drawn_by_kind():
    hits = np.arange(20000) % 3 > 0
    found = proportion(hits, np.repeat(np.arange(10000), 2).tolist())
    assert found.method == "bootstrap over 10000 parents"
    pair = hits.reshape(-1, 2).mean(axis=1)
    assert found.high - found.low == pytest.approx(2 * 1.96 * pair.std() / 100.0, rel=0.06)


def test_parents_that_are_all_alike_still_have_an_interval():
    hits = np.arange(300) % 3 == 0
    found = proportion(hits, np.repeat(np.arange(50), 6).tolist())  # two of six in each
    assert (found.low, found.high) == tuple(clopper_pearson(100, 300))
    assert found.method == "clopper-pearson with 300 effective trials, 50 parents"

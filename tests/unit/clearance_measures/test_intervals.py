"""Intervals that hold what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from screening.clearance.measures.intervals import exact_quantile, exact_rate, exact_share


@pytest.mark.parametrize(("k", "n"), [(0, 20), (20, 20), (3, 20), (1, 1), (95, 100)])
def test_the_ends_of_a_share_leave_a_tail_each(k, n):
    value, low, high = exact_share(k, n)
    assert value == k / n
    assert low == 0.0 if k == 0 else stats.binom.sf(k - 1, n, low) == pytest.approx(0.025)
    assert high == 1.0 if k == n else stats.binom.cdf(k, n, high) == pytest.approx(0.025)


def test_a_rate_of_nothing_in_a_hundred_trips_is_the_known_bound():
    assert exact_rate(0, 100.0) == (0.0, 0.0, pytest.approx(-math.log(0.025) / 100.0))
    assert exact_rate(4, 100.0)[1] == pytest.approx(stats.chi2.ppf(0.025, 8) / 200.0)


def test_without_trials_there_is_no_figure():
    assert exact_share(0, 0) == exact_rate(0, 0.0) == exact_quantile([], 0.5) == (None, None, None)


@pytest.mark.parametrize("q", [0.5, 0.9])
def test_the_interval_of_a_quantile_covers_it_as_often_as_promised(q):
    rng = np.random.default_rng(3)
    truth = stats.expon.ppf(q)
    n_covered = 0
    for _ in range(400):
        _, low, high = exact_quantile(rng.exponential(size=60).tolist(), q)
        n_covered += (low or 0.0) <= truth <= (math.inf if high is None else high)
    assert n_covered >= stats.binom.ppf(0.001, 400, 0.95)


def test_what_still_waits_bounds_nothing_from_above():
    value, low, high = exact_quantile([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, math.inf, math.inf], 0.9)
    assert value is None
    assert high is None
    # with probability 0.962 six or more of eight values lie below the 90 % quantile, with 0.995 five or more
    assert stats.binom.sf(5, 8, 0.9) < 0.975 < stats.binom.sf(4, 8, 0.9)
    assert low == 5.0
    assert exact_quantile([1.0, 2.0, math.inf], 0.5)[0] == 2.0


@pytest.mark.parametrize("q", [0.0, 1.0, -1.0])
def test_a_share_out_of_range_is_refused(q):
    with pytest.raises(ValueError, match="between"):
        exact_quantile([1.0], q)

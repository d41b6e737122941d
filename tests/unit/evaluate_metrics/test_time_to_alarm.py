from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import stats

from screening.evaluate.metrics.episodes import kaplan_meier, median_interval, time_to_alarm


def test_passes_without_an_alarm_count():
    found = time_to_alarm([1.0, 2.0, 3.0, np.inf, np.nan], within_s=(2.5,))
    assert (found.n, found.n_never, found.median_s) == (5, 2, 3.0)
    assert (found.within[0].k, found.within[0].n) == (2, 5)
    assert time_to_alarm([1.0, np.inf, np.inf]).median_s is None
    assert time_to_alarm([]).median_s is None


def test_median_of_an_even_number_is_when_half_have_alarmed():
    assert time_to_alarm([4.0, 1.0, 2.0, 3.0]).median_s == 2.0


def test_median_bounds_are_those_of_the_sign_test():
    times = np.arange(1.0, 31.0)
    low, high = median_interval(times)
    assert (low, high) == (10.0, 21.0)
    assert stats.binom.cdf(9, 30, 0.5) <= 0.025 < stats.binom.cdf(10, 30, 0.5)
    assert median_interval(times[:5]) == (None, None)
    assert median_interval([*range(1, 21), *[np.inf] * 12]) == (10.0, None)


def test_exact_median_intervals_cover():
    rng = np.random.default_rng(np.random.SeedSequence(9))
    hits = [
        low <= np.log(2.0) <= high
        for low, high in (median_interval(rng.exponential(size=40)) for _ in range(2000))
    ]
    assert np.mean(hits) >= 0.94


def test_passes_of_one_parent_give_no_exact_interval():
    found = time_to_alarm(np.arange(1.0, 41.0), parents=[f"{i // 4}" for i in range(40)])
    assert found.low_s is None
    assert found.method == "none: passes share parents"
    with pytest.raises(ValueError, match="1 times to alarm are negative"):
        time_to_alarm([-1.0])


def test_kaplan_meier_without_censoring_is_the_share():
    times = np.array([3.0, 1.0, 2.0, 2.0, 5.0])
    found = kaplan_meier(times, np.ones(5, dtype=bool))
    assert found.time_s.tolist() == [1.0, 2.0, 3.0, 5.0]
    assert found.not_alarmed == pytest.approx([0.8, 0.4, 0.2, 0.0])
    assert found.high[-1] == pytest.approx(0.95)


def test_kaplan_meier_as_scipy_has_it():
    rng = np.random.default_rng(np.random.SeedSequence(10))
    times = np.round(rng.exponential(10.0, 60), 1)
    alarmed = rng.random(60) < 0.6
    alarmed[np.argmax(times)] = False
    found = kaplan_meier(times, alarmed)
    data = stats.CensoredData(uncensored=times[alarmed], right=times[~alarmed])
    theirs = stats.ecdf(data).sf
    assert found.not_alarmed == pytest.approx(theirs.evaluate(found.time_s))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # before the first alarm their bounds are undefined
        bounds = theirs.confidence_interval(method="log-log")
    inside = (found.not_alarmed > 0) & (found.not_alarmed < 1)
    assert found.low[inside] == pytest.approx(bounds.low.evaluate(found.time_s)[inside])
    assert found.high[inside] == pytest.approx(bounds.high.evaluate(found.time_s)[inside])
    with pytest.raises(ValueError, match="end of the watch"):
        kaplan_meier([np.inf], [False])
    with pytest.raises(ValueError, match="one shape"):
        kaplan_meier([1.0], [False, True])

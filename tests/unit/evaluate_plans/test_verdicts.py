"""Pass, fail, inconclusive: exact, and rarely wrong."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from screening.evaluate.plans import judge_at_least, judge_at_most, judge_rate
from screening.evaluate.plans.planner import allowed_misses


def test_published_bounds():
    assert judge_at_least(15, 20, 0.5, 0.95).lower == pytest.approx(0.544, abs=5e-4)
    assert judge_at_least(59, 60, 0.5, 0.95).lower == pytest.approx(0.923, abs=5e-4)
    assert judge_at_least(60, 60, 0.5, 0.95).lower == pytest.approx(0.951, abs=5e-4)
    assert judge_at_most(0, 3000, 1e-3, 0.95).verdict == "pass"
    assert judge_at_most(0, 2994, 1e-3, 0.95).verdict == "inconclusive"


def test_the_three_verdicts():
    assert judge_at_least(59, 59, 0.95, 0.95).verdict == "pass"
    assert judge_at_least(58, 58, 0.95, 0.95).verdict == "inconclusive"
    assert judge_at_least(40, 60, 0.95, 0.95).verdict == "fail"
    assert judge_at_most(20, 60, 0.05, 0.95).verdict == "fail"
    assert judge_rate(0, 30.0, 0.1, 0.95).verdict == "pass"
    assert judge_rate(0, 29.9, 0.1, 0.95).verdict == "inconclusive"
    assert judge_rate(20, 30.0, 0.1, 0.95).verdict == "fail"


@pytest.mark.parametrize("required", [0.8, 0.95])
@pytest.mark.parametrize("n", [20, 60, 137])
def test_a_wrong_verdict_is_as_rare_as_stated(required, n):
    k = np.arange(n + 1)
    verdicts = np.array([judge_at_least(int(one), n, required, 0.95).verdict for one in k])
    # just below what is required, one passes in at most 5 %; just meeting it, one fails in at most 5 %
    assert stats.binom.pmf(k, n, required - 1e-9)[verdicts == "pass"].sum() <= 0.05
    assert stats.binom.pmf(k, n, required)[verdicts == "fail"].sum() <= 0.05


@pytest.mark.parametrize(("k", "n"), [(57, 60), (110, 120), (19, 20)])
def test_the_number_that_would_decide_does(k, n):
    found = judge_at_least(k, n, 0.9, 0.95)
    assert found.verdict == "inconclusive"
    total = int(found.needed)
    assert judge_at_least(round(k / n * total), total, 0.9, 0.95).verdict != "inconclusive"
    assert total > n


def test_a_share_equal_to_the_requirement_is_never_decided():
    assert judge_at_least(90, 100, 0.9, 0.95).needed is None
    assert judge_rate(3, 30.0, 0.1, 0.95).needed is None


def test_a_rate_needs_an_exposure():
    with pytest.raises(ValueError, match="above 0, got 0"):
        judge_rate(0, 0.0, 0.1, 0.95)


@pytest.mark.parametrize(("n", "required"), [(58, 0.95), (59, 0.95), (92, 0.95), (93, 0.95), (120, 0.9)])
def test_allowed_misses_agree_with_trying_each(n, required):
    shown = [m for m in range(n + 1) if judge_at_least(n - m, n, required, 0.95).verdict == "pass"]
    assert allowed_misses(n, required, 0.95) == max(shown, default=-1)

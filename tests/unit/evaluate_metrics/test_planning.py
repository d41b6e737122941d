from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from screening.evaluate.metrics.exact import clopper_pearson, garwood
from screening.evaluate.metrics.planning import (
    detection_plan,
    false_alarm_plan,
    mcnemar_power,
    paired_plan,
    plan_table,
    power,
    rate_plan_hours,
)


def test_plans_for_095_at_95_percent():
    # 59/0, 93/1, 124/2, 153/3, 181/4: the success-run tables of acceptance sampling.
    assert [(p.n, p.n_allowed) for p in plan_table(0.95, most_allowed=4)] == [
        (59, 0),
        (93, 1),
        (124, 2),
        (153, 3),
        (181, 4),
    ]
    assert detection_plan(0.9).n == 29
    assert detection_plan(0.99).n == 299


@pytest.mark.parametrize("limit", [0.5, 0.8, 0.95, 0.99])
@pytest.mark.parametrize("x", [0, 1, 7])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_one_trial_less_does_not_show_it(limit, x, confidence):
    plan = detection_plan(limit, n_allowed=x, confidence=confidence)
    low = clopper_pearson(plan.n - x, plan.n, confidence=confidence, side="lower").low
    assert plan.bound == pytest.approx(low)
    assert low >= limit - 1e-12
    if plan.n - 1 > x:
        assert clopper_pearson(plan.n - 1 - x, plan.n - 1, confidence=confidence, side="lower").low < limit


def test_false_alarms_below_one_in_a_thousand():
    plan = false_alarm_plan(1e-3)
    assert plan.n == 2995
    assert clopper_pearson(0, 3000, side="upper").high < 1e-3
    assert clopper_pearson(0, 2995, side="upper").high < 1e-3 < clopper_pearson(0, 2994, side="upper").high
    two = false_alarm_plan(1e-3, n_allowed=2)
    assert clopper_pearson(2, two.n, side="upper").high <= 1e-3
    assert two.bound == pytest.approx(clopper_pearson(2, two.n, side="upper").high)
    assert [p.kind for p in plan_table(1e-3, kind="false alarm", most_allowed=1)] == ["false alarm"] * 2


def test_hours_of_background():
    assert rate_plan_hours(1 / 8) == pytest.approx(-np.log(0.05) * 8)
    assert rate_plan_hours(1 / 8, n_allowed=3) == pytest.approx(8 * garwood(3, side="upper").high)
    with pytest.raises(ValueError, match="per hour"):
        rate_plan_hours(0.0)


def test_power_is_the_share_of_simulated_tests_that_pass():
    plan = detection_plan(0.95, n_allowed=2)
    rng = np.random.default_rng(np.random.SeedSequence(1))
    passed = np.mean(rng.binomial(plan.n, 1 - 0.985, 40000) <= 2)
    assert power(plan, 0.985) == pytest.approx(passed, abs=0.01)
    assert power(plan, 0.95) <= 0.05  # a detector at the limit passes in at most 5 %
    assert power(plan, 1.0) == 1.0
    assert power(false_alarm_plan(1e-3), 1e-3) <= 0.05
    assert power(false_alarm_plan(1e-3), 0.0) == 1.0
    with pytest.raises(ValueError, match="probability"):
        power(plan, 1.5)


def test_the_texts_say_the_numbers():
    assert detection_plan(0.95, n_allowed=1).text.startswith("92 of 93 detected shows")
    assert "0 false alarms in 2995 trials" in false_alarm_plan(1e-3).text
    assert paired_plan(0.2, 0.05).text.startswith(f"{paired_plan(0.2, 0.05).n} samples seen by both")


def test_power_of_mcnemars_test_by_adding_up_all_outcomes():
    n, b, c = 30, 0.3, 0.1
    total = 0.0
    for i in range(n + 1):
        for j in range(n + 1 - i):
            if i + j and stats.binomtest(i, i + j).pvalue <= 0.05:
                total += stats.multinomial.pmf([i, j, n - i - j], n, [b, c, 1 - b - c])
    assert mcnemar_power(n, b, c) == pytest.approx(total, abs=1e-7)
    assert mcnemar_power(3, b, c) == 0.0


def test_a_paired_plan_has_its_power_and_no_fewer_samples_would():
    plan = paired_plan(0.15, 0.05)
    assert plan.power >= 0.8
    assert mcnemar_power(plan.n - 1, 0.15, 0.05) < 0.8
    assert plan.n == paired_plan(0.05, 0.15).n
    assert paired_plan(0.15, 0.05, required_power=0.9).n > plan.n


@pytest.mark.parametrize(("a", "b"), [(0.1, 0.1), (-0.1, 0.2), (0.8, 0.3), (0.0001, 0.00011)])
def test_no_plan_for_no_difference(a, b):
    with pytest.raises(ValueError, match=r"difference|samples"):
        paired_plan(a, b)


@pytest.mark.parametrize(("limit", "x"), [(0.0, 0), (1.0, 0), (0.5, -1), (1 - 1e-9, 0)])
def test_no_plan_for_no_limit(limit, x):
    with pytest.raises(ValueError, match=r"limit|trials"):
        detection_plan(limit, n_allowed=x)

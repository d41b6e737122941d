"""The alarm rule against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from screening.radiation.gross import apply_gross_rule, compare_within_pass, log10_excess_p
from screening.radiation.occupancy import group_panels, prepare_pass
from screening.radiation.settings import RadiationSettings
from screening.records import Occupancy


def _pass(counts, interval_s=0.2, **changes):
    counts = np.asarray(counts, dtype=np.int64)
    n = counts.shape[0]
    steps = np.broadcast_to(np.asarray(interval_s, dtype=float), (n,)).copy()
    fields = {
        "kind": "occupancy",
        "interval_s": steps,
        "t_s": np.cumsum(steps) - steps,
        "panel_ids": tuple(f"P{i}" for i in range(counts.shape[1])),
        "gamma_counts": counts,
    }
    return prepare_pass(Occupancy(**(fields | changes)), RadiationSettings())


def test_threshold_by_hand():
    # 4 panels of 100 counts/s: B = 400 in a second, sqrt(B) = 20, threshold 500. Five intervals of 25
    # counts on each panel hold exactly 500, which is not above it; one count more is.
    counts = np.full((5, 4), 25)
    rates = np.full(4, 100.0)
    at = apply_gross_rule(_pass(counts), rates, 5.0)
    assert at.nsigma.shape == (1, 3)
    assert at.max_nsigma == pytest.approx(5.0)
    assert at.is_alarm is False
    counts[2, 1] += 1
    above = apply_gross_rule(_pass(counts), rates, 5.0)
    assert above.max_nsigma == pytest.approx(101 / 20)
    assert above.max_group == "SUM"
    assert above.is_alarm is True
    assert above.in_alarm.all()


def test_one_pillar_alarms_alone():
    # SUM: S = 462, B = 400: 3.1 sigma. First pillar: S = 272, B = 200: 5.09 sigma.
    counts = np.full((5, 4), 20)
    counts[:, 2:] = 19
    counts[0, 0] += 72
    test = apply_gross_rule(_pass(counts), np.full(4, 100.0), 5.0)
    assert test.nsigma[0, 0] == pytest.approx(62 / 20)
    assert test.nsigma[0, 1] == pytest.approx(72 / np.sqrt(200))
    assert test.nsigma[0, 2] == pytest.approx(-10 / np.sqrt(200))
    assert test.max_group == "P0+P1"
    assert test.is_alarm is True


@pytest.mark.parametrize(("cadence", "window"), [(0.1, 10), (0.2, 5), (0.25, 4), (0.5, 2), (1.0, 1)])
def test_any_cadence_tests_one_second(cadence, window):
    counts = np.full((30, 2), round(1000 * cadence))
    test = apply_gross_rule(_pass(counts, cadence), np.full(2, 1000.0), 5.0)
    assert test.nsigma.shape == (30 - window + 1, 1)
    np.testing.assert_allclose(test.nsigma, 0.0, atol=1e-12)


def test_missing_readings_lower_threshold_and_counts_alike():
    counts = np.full((5, 4), 20)
    counts[:, 3] = -1
    counts[2, 0] += 120
    test = apply_gross_rule(_pass(counts), np.full(4, 100.0), 5.0)
    # Three panels: S = 420, B = 300; the silent one hides nothing.
    assert test.nsigma[0, 0] == pytest.approx(120 / np.sqrt(300))
    assert test.is_alarm is True


def test_intervals_of_different_length():
    steps = np.array([0.2, 0.2, 0.4, 0.2, 0.2])
    counts = np.tile((steps * 100).astype(int)[:, None], (1, 2))
    test = apply_gross_rule(_pass(counts, steps), np.full(2, 100.0), 5.0)
    np.testing.assert_allclose(test.nsigma, 0.0, atol=1e-12)


def test_no_window_is_no_answer():
    test = apply_gross_rule(_pass(np.full((3, 4), 20)), np.full(4, 100.0), 5.0)
    assert test.max_nsigma is None
    assert test.is_alarm is None


def test_pairs_follow_panels():
    names, groups = group_panels(("A1", "A2", "B1", "B2"), None)
    assert names == ("SUM", "A1+A2", "B1+B2")
    assert groups == ((0, 1, 2, 3), (0, 1), (2, 3))
    assert group_panels(("A", "B"), None)[1] == ((0, 1),)
    assert group_panels(("A", "B", "C"), None)[1] == ((0, 1, 2), (0, 1), (2,))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    interval=st.integers(0, 19),
    panel=st.integers(0, 3),
    added=st.integers(0, 10_000),
    silent=st.booleans(),
)
def test_adding_counts_never_lowers_the_significance(seed, interval, panel, added, silent):
    counts = np.random.default_rng(seed).poisson(80.0, (20, 4))
    if silent:
        counts[3, 2] = -1
    rates = np.full(4, 400.0)
    before = apply_gross_rule(_pass(counts), rates, 5.0)
    more = counts.copy()
    if more[interval, panel] >= 0:
        more[interval, panel] += added
    after = apply_gross_rule(_pass(more), rates, 5.0)
    assert after.max_nsigma >= before.max_nsigma
    assert after.n_alarm_windows >= before.n_alarm_windows


def test_excess_probability_is_the_binomial_tail():
    for signal, reference, ratio in ((30, 10, 1.0), (12, 0, 2.0), (500, 180, 2.5), (7, 9, 0.3)):
        expected = np.log10(binom.sf(signal - 1, signal + reference, ratio / (1 + ratio)))
        assert float(log10_excess_p(signal, reference, ratio)) == pytest.approx(expected, abs=1e-9)
    assert float(log10_excess_p(0, 50, 1.0)) == 0.0
    assert float(log10_excess_p(100_000, 10, 1.0)) == -300.0


def test_shadow_alone_is_no_contrast():
    rng = np.random.default_rng(3)
    shade = np.where((np.arange(60) > 10) & (np.arange(60) < 50), 0.45, 1.0)
    found = compare_within_pass(_pass(rng.poisson(shade[:, None] * np.full(4, 80.0))), RadiationSettings())
    assert not found.is_alarm
    assert found.ratio is not None
    assert found.ratio > 1.8


def test_source_shows_by_contrast():
    rng = np.random.default_rng(4)
    t = np.arange(60)
    rate = 80.0 * (0.6 + 9.0 / (1.0 + ((t - 30) / 3.0) ** 2) ** 1.5)
    found = compare_within_pass(_pass(rng.poisson(rate[:, None] * np.ones(4))), RadiationSettings())
    assert found.is_alarm
    assert found.in_alarm[30]
    assert not found.in_alarm[5]
    assert found.quiet.any()
    assert not (found.quiet & found.in_alarm).any()
    assert found.log10_p < -4


def test_contrast_seldom_alarms_on_constant_rates():
    alarms = 0
    for seed in range(300):
        counts = np.random.default_rng(seed).poisson(80.0, (50, 4))
        alarms += compare_within_pass(_pass(counts), RadiationSettings()).is_alarm
    assert alarms == 0

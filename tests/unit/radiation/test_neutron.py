"""The neutron test: exact, conditional, with its size stated."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from screening.radiation.neutron import attained_size, measure_neutrons
from screening.radiation.settings import NeutronSettings
from screening.records import ReasonCode


def test_by_hand(make):
    # Background 1.2 counts/s over 60 s: 72 counts. One window of 2 s with 30 counts, ship effect 1.5:
    # share = 3 / 63; the whole pass of 4 s holds 30 counts as well; 3 + 1 windows are looked at.
    counts = np.array([[0, 0], [15, 0], [0, 15], [0, 0]])
    occupancy = make.occupancy(neutron_counts=counts, neutron_interval_s=np.ones(4))
    test = measure_neutrons(occupancy, NeutronSettings())
    assert test.background_cps == pytest.approx(1.2)
    assert test.max_cps == 15.0
    assert test.log10_p == pytest.approx(np.log10(4 * binom.sf(29, 102, 3 / 63)), abs=1e-9)
    assert test.is_alarm
    assert test.max_nsigma == pytest.approx((30 - 2.4) / np.sqrt(2.4))
    assert test.window_s == 2.0


def test_attained_size_is_never_above_its_nominal():
    for total in (0, 1, 5, 40, 300):
        for alpha in (1e-2, 1e-4):
            tails = binom.sf(np.arange(1, total + 1) - 1, total, 0.05)
            expected = tails[tails <= alpha].max(initial=0.0)
            assert attained_size(total, 0.05, alpha) == pytest.approx(expected, rel=1e-9)
    assert 0 < attained_size(2**41, 0.05, 1e-4) <= 1e-4


def test_steel_cargo_is_no_neutron_source(make):
    # All cargo raises the rate by 1.5: part of the null hypothesis, so alarms stay below their size.
    rng = np.random.default_rng(11)
    alarms = 0
    for _ in range(400):
        counts = rng.poisson(0.6 * 1.5, (8, 2))
        background = make.background(neutron_cps=rng.poisson(0.6 * 60, 2) / 60.0)
        occupancy = make.occupancy(neutron_counts=counts, background=background)
        alarms += measure_neutrons(occupancy, NeutronSettings()).is_alarm
    assert alarms == 0


def test_source_alarms_without_background(make):
    counts = np.zeros((12, 2), dtype=int)
    counts[5:7] = 40
    occupancy = make.occupancy(
        neutron_counts=counts, neutron_interval_s=np.ones(12), background=make.background(neutron_cps=None)
    )
    test = measure_neutrons(occupancy, NeutronSettings())
    assert test.background_cps is None
    assert test.is_alarm


def test_short_background_is_joined_by_the_rest_of_the_pass(make):
    counts = np.array([[0, 1], [1, 0], [9, 9], [9, 9], [1, 0], [0, 1], [1, 1], [0, 0]])
    background = make.background(neutron_cps=np.array([1.0, 1.0]), live_time_s=1.0)
    test = measure_neutrons(make.occupancy(neutron_counts=counts, background=background), NeutronSettings())
    # 36 counts in 2 s against 2 in the record's second and 6 in the other 6 s.
    assert test.log10_p == pytest.approx(np.log10(8 * binom.sf(35, 44, 3 / 10)), abs=1e-9)
    assert test.is_alarm


def test_zero_background_is_no_background(make, analyse):
    occupancy = make.occupancy(background=make.background(neutron_cps=np.zeros(2)))
    _, codes = analyse(occupancy)
    assert codes["NEUTRON"] == {ReasonCode.BKG_MISSING}


@pytest.mark.parametrize("rates", [np.array([np.nan, 0.6]), np.array([0.6]), np.array([-1.0, 0.6])])
def test_background_that_cannot_be_used_is_none(make, rates):
    occupancy = make.occupancy(background=make.background(neutron_cps=rates))
    assert measure_neutrons(occupancy, NeutronSettings()).background_cps is None


def test_lost_readings_and_dead_panels_are_told(make, analyse):
    counts = np.column_stack([np.zeros(40, dtype=int), np.full(40, 1)])
    counts[3, 1] = -1
    occupancy = make.occupancy(neutron_counts=counts, neutron_interval_s=np.ones(40))
    test = measure_neutrons(occupancy, NeutronSettings())
    assert (test.n_lost, test.n_dead) == (1, 1)
    _, codes = analyse(occupancy)
    assert {ReasonCode.Q_DETECTOR_DEAD, ReasonCode.Q_COVERAGE} <= codes["NEUTRON"]


def test_gamma_pile_up_is_gated(make, analyse):
    counts = make.occupancy().gamma_counts.copy()
    counts[20:24] = 30_000
    _, codes = analyse(make.occupancy(gamma_counts=counts))
    assert ReasonCode.Q_CROSSTALK in codes["NEUTRON"]


def test_neutrons_are_severe_and_leave_nothing_explained(make, analyse):
    counts = np.zeros((8, 2), dtype=int)
    counts[3:5] = 60
    analysis, codes = analyse(make.occupancy(neutron_counts=counts))
    assert ReasonCode.RAD_NEUTRON in codes["NEUTRON"]
    finding = analysis.assessments[-1].findings[0]
    assert finding.is_severe
    assert float(finding.params["attained_size"]) <= 1e-4

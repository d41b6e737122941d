"""The detection limit: its model by hand, and by drawing counts."""

from __future__ import annotations

import numpy as np
import pytest

from screening.errors import ConfigurationError
from screening.radiation import LaneGeometry, NeutronSettings, RadiationSettings
from screening.radiation.limits import counts_per_mbq, detection_limit_mbq, required_net_counts

PANEL = LaneGeometry(panel_area_m2=0.6, panel_distance_m=2.5, efficiency_662=0.3)


def test_counts_by_hand():
    # At rest, one panel: 0.851e6 * 0.3 * 0.6 / (4 pi 2.5^2) counts in a second per MBq.
    at_rest = counts_per_mbq(PANEL, n_panel=1, speed_m_s=1e-9, window_s=1.0)
    assert at_rest == pytest.approx(0.851e6 * 0.3 * 0.6 / (4 * np.pi * 6.25))
    moving = counts_per_mbq(PANEL, n_panel=4, speed_m_s=5.0, window_s=1.0)
    assert moving == pytest.approx(4 * at_rest / np.sqrt(2.0))


def test_path_average_is_the_integral():
    x = (np.arange(200_000) + 0.5) / 200_000 * 4.0 - 2.0
    integral = (0.6 * 2.5 / (4 * np.pi * (2.5**2 + x**2) ** 1.5)).mean()
    found = counts_per_mbq(PANEL, n_panel=1, speed_m_s=4.0, window_s=1.0)
    assert found == pytest.approx(0.851e6 * 0.3 * integral, rel=1e-6)


@pytest.mark.parametrize("suppression", [0.0, 0.3])
def test_required_counts_alarm_as_often_as_stated(suppression):
    background, n_sigma, z = 1600.0, 5.0, 1.6448536
    net = required_net_counts(background, suppression, n_sigma, z)
    mean = background * (1 - suppression) + net
    drawn = np.random.default_rng(2).poisson(mean, 200_000)
    assert np.mean(drawn > background + n_sigma * np.sqrt(background)) == pytest.approx(0.95, abs=0.002)


def test_worse_conditions_never_lower_the_limit():
    def limit(**changes):
        fields = {
            "background_cps": 1600.0, "suppression": 0.2, "n_panel": 4, "speed_m_s": 2.2,
            "window_s": 1.0, "n_sigma": 5.0, "z": 1.645,
        }  # fmt: skip
        return detection_limit_mbq(PANEL, **(fields | changes))

    usual = limit()
    worse = [{"background_cps": 2500.0}, {"suppression": 0.5}, {"n_panel": 2}, {"speed_m_s": 5.0}]
    worse += [{"n_sigma": 7.0}, {"z": 2.5}]
    assert all(limit(**changes) > usual for changes in worse)
    useless = [{"background_cps": 0.0}, {"background_cps": float("nan")}, {"speed_m_s": 0.0}]
    useless += [{"n_panel": 0}, {"suppression": 1.5}]
    assert all(limit(**changes) is None for changes in useless)


def test_settings_are_checked():
    for broken in (
        {"n_sigma": 0.0},
        {"window_s": float("nan")},
        {"max_suppression": 1.0},
        {"max_gap_s": -1.0},
    ):
        with pytest.raises(ConfigurationError):
            RadiationSettings(**broken)
    with pytest.raises(ConfigurationError):
        LaneGeometry(panel_area_m2=0.0, panel_distance_m=2.5, efficiency_662=0.3)
    with pytest.raises(ConfigurationError):
        NeutronSettings(ship_effect=0.9)

"""Days at a portal: the background drifts as weather has it, and passes drift with it."""

from __future__ import annotations

import numpy as np
import pytest

from screening.simulation.occupancies import OccupancyRecipe, draw_weather, simulate_counts, weathered
from screening.simulation.occupancies.weather import Weather, background_factor

STILL = Weather(1, np.ones(1), np.full(1, 0.5), (), np.zeros(1), np.full(1, 10.0), np.full(4, -0.001))


def test_radon_follows_the_hour():
    times = np.arange(0.0, 86400.0, 600.0)
    factor = background_factor(STILL, times)
    assert times[np.argmax(factor)] / 3600.0 == pytest.approx(5.0, abs=0.2)
    assert factor.max() - factor.min() == pytest.approx(0.06, abs=1e-3)
    morning, noon = (weathered(OccupancyRecipe(), STILL, hour * 3600.0) for hour in (5.0, 17.0))
    assert (morning.radon_factor, noon.radon_factor) == (1.5, 0.5)


def test_gains_follow_the_temperature():
    warm, cold = (weathered(OccupancyRecipe(), STILL, hour * 3600.0) for hour in (15.0, 3.0))
    np.testing.assert_allclose(warm.panel_gains, np.full(4, 1.0 - 0.005))
    np.testing.assert_allclose(cold.panel_gains, np.full(4, 1.0 + 0.005))


def test_a_shower_raises_passes_and_goes_away():
    wet = STILL._replace(showers=((20_000.0, 3600.0, 0.5),))
    before, after, late = (
        weathered(OccupancyRecipe(), wet, 20_000.0 + s).rain for s in (-1.0, 3600.0, 40_000.0)
    )
    assert before is None
    assert late is None
    assert after.start_s == -3600.0
    peak = background_factor(wet, np.array([20_000.0, 23_600.0, 25_400.0])) - background_factor(
        STILL, np.array([20_000.0, 23_600.0, 25_400.0])
    )
    np.testing.assert_allclose(peak, [0.0, 0.5 * 0.75, 0.5 * 0.375])
    recipe = OccupancyRecipe(suppression=0.0)
    counts = [
        simulate_counts(weathered(recipe, days, 23_600.0), range(20)).counts.mean() for days in (STILL, wet)
    ]
    assert counts[1] / counts[0] == pytest.approx(1.375, abs=0.03)


def test_days_are_repeatable_and_varied():
    one, other = draw_weather(3, 20, 4), draw_weather(3, 20, 4)
    assert one.showers == other.showers
    np.testing.assert_array_equal(one.radon, other.radon)
    assert 10 < len(one.showers) < 60
    factor = background_factor(one, np.arange(0.0, 20 * 86400.0, 900.0))
    assert 0.9 < factor.min() < factor.max() < 1.9
    assert draw_weather(4, 20, 4).showers != one.showers


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="n_day must be from 1"):
        draw_weather(1, 0, 4)
    with pytest.raises(ValueError, match="t_s must be from 0 to 86400"):
        weathered(OccupancyRecipe(), STILL, 1e6)
    with pytest.raises(ValueError, match="4 panels for a portal of 2"):
        weathered(OccupancyRecipe(n_panel=2), STILL, 0.0)
    with pytest.raises(ValueError, match="times are from 0"):
        background_factor(STILL, np.array([-1.0]))

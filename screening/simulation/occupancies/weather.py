"""Days at a portal: radon by the hour, showers, and gains that follow the temperature."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from .background import RADON_SHARE, diurnal_radon, washout
from .checks import check_range
from .conditions import RainRecipe
from .recipe import OccupancyRecipe

__all__ = ["Weather", "background_factor", "draw_weather", "weathered"]

_DAY_S = 86400.0

#: Showers a day, how long each lasts, seconds, and what it would add to the background if it went on.
_SHOWERS_A_DAY, _SHOWER_S, _EXCESS = 1.5, (600.0, 7200.0), (0.05, 0.5)

#: Difference between a day's warmest and coldest hour, degrees, and from day to day (one sigma).
_SWING_C, _DAYS_C = (4.0, 14.0), 3.0

#: Light and photomultipliers together lose about 0.3 % for each degree near 20 degrees (Knoll, Radiation
#: Detection and Measurement, chapter 8, for NaI); what a portal's stabiliser leaves of it, and how panels
#: differ.
_GAIN_PER_C, _LEFT, _PANELS_DIFFER = -0.003, 0.3, 0.4


class Weather(NamedTuple):
    """Some days at one portal.

    Attributes
    ----------
    n_day : int
        Days, from midnight.
    radon : ndarray of shape (n_day,), float64
        Radon of each day over the long mean.
    amplitude : ndarray of shape (n_day,), float64
        Of its daily course.
    showers : tuple of (float, float, float)
        Start and duration, seconds, and excess of each shower.
    noon_c, swing_c : ndarray of shape (n_day,), float64
        Mean temperature of each day over that of the calibration, and its swing, degrees.
    gain_per_c : ndarray of shape (n_panel,), float64
        Relative change of each panel's gain with temperature, after stabilisation.
    """

    n_day: int
    radon: NDArray[np.float64]
    amplitude: NDArray[np.float64]
    showers: tuple[tuple[float, float, float], ...]
    noon_c: NDArray[np.float64]
    swing_c: NDArray[np.float64]
    gain_per_c: NDArray[np.float64]

    def warmer_c(self, t_s: float) -> float:
        """Return the temperature over that of the calibration.

        Parameters
        ----------
        t_s : float
            Seconds after the first midnight.

        Returns
        -------
        float
            Degrees; warmest at 15 h.
        """
        day = min(int(t_s // _DAY_S), self.n_day - 1)
        hour = (t_s % _DAY_S) / 3600.0
        course = 0.5 * self.swing_c[day] * np.cos(2.0 * np.pi * (hour - 15.0) / 24.0)
        return float(self.noon_c[day] + course)


def draw_weather(seed: int, n_day: int, n_panel: int) -> Weather:
    """Draw some days.

    Parameters
    ----------
    seed : int
        Seed.
    n_day : int
        Days, 1 or more.
    n_panel : int
        Panels of the portal.

    Returns
    -------
    Weather
        The days.

    Raises
    ------
    ValueError
        If there is no day or no panel.
    """
    check_range("n_day", n_day, 1, 10_000)
    check_range("n_panel", n_panel, 1, 100)
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0xDA75]))
    starts = np.sort(rng.uniform(0.0, n_day * _DAY_S, rng.poisson(_SHOWERS_A_DAY * n_day)))
    showers = tuple(
        (
            round(float(start), 1),
            round(float(rng.uniform(*_SHOWER_S)), 1),
            round(float(rng.uniform(*_EXCESS)), 3),
        )
        for start in starts
    )
    return Weather(
        n_day=n_day,
        radon=np.exp(rng.normal(0.0, 0.3, n_day)),
        amplitude=rng.uniform(0.2, 0.7, n_day),
        showers=showers,
        noon_c=rng.normal(0.0, _DAYS_C, n_day),
        swing_c=rng.uniform(*_SWING_C, n_day),
        gain_per_c=_GAIN_PER_C * _LEFT * (1.0 + _PANELS_DIFFER * rng.standard_normal(n_panel)),
    )


def weathered(recipe: OccupancyRecipe, weather: Weather, t_s: float) -> OccupancyRecipe:
    """Return a recipe as it is at some hour.

    Parameters
    ----------
    recipe : OccupancyRecipe
        A pass.
    weather : Weather
        The days, of a portal with as many panels.
    t_s : float
        When its front reaches the portal, seconds after the first midnight.

    Returns
    -------
    OccupancyRecipe
        With radon, the shower that matters most, and gains. The background is taken at its own age before the
        pass; the gains count against the calibration, so they are in the spectra of the pass, not of its
        background.

    Raises
    ------
    ValueError
        If the hour lies outside the days, or the panels differ in number.
    """
    check_range("t_s", t_s, 0.0, weather.n_day * _DAY_S)
    if weather.gain_per_c.size != recipe.n_panel:
        raise ValueError(f"weather of {weather.gain_per_c.size} panels for a portal of {recipe.n_panel}")
    day = min(int(t_s // _DAY_S), weather.n_day - 1)
    radon = float(weather.radon[day]) * diurnal_radon((t_s % _DAY_S) / 3600.0, float(weather.amplitude[day]))
    gains = 1.0 + weather.gain_per_c * weather.warmer_c(t_s)
    return msgspec.structs.replace(
        recipe,
        radon_factor=round(radon, 4),
        rain=_shower(weather, t_s),
        panel_gains=tuple(round(float(gain), 5) for gain in gains),
    )


def background_factor(
    weather: Weather, t_s: NDArray[np.float64], radon_share: float = RADON_SHARE
) -> NDArray[np.float64]:
    """Return the background over its long mean, as a portal's reports of it drift.

    Parameters
    ----------
    weather : Weather
        The days.
    t_s : ndarray of shape (n,), float64
        Seconds after the first midnight.
    radon_share : float
        Share of radon in the counts of the usual site.

    Returns
    -------
    ndarray of shape (n,), float64
        Factor.

    Raises
    ------
    ValueError
        If a time lies outside the days.
    """
    times = np.asarray(t_s, dtype=np.float64)
    if times.size and not (times.min() >= 0.0 and times.max() <= weather.n_day * _DAY_S):
        raise ValueError(
            f"times are from 0 to {weather.n_day * _DAY_S:g} s, got {times.min():g} to {times.max():g}"
        )
    day = np.minimum((times // _DAY_S).astype(np.int64), weather.n_day - 1)
    hour = (times % _DAY_S) / 3600.0
    course = 1.0 + weather.amplitude[day] * np.cos(2.0 * np.pi * (hour - 5.0) / 24.0)
    factor = 1.0 + radon_share * (weather.radon[day] * course - 1.0)
    for start, duration, excess in weather.showers:
        shower = RainRecipe(start_s=start, duration_s=duration, excess=excess)
        factor += washout(shower, times)
    return np.asarray(factor)


def _shower(weather: Weather, t_s: float) -> RainRecipe | None:
    """Return the shower that adds most at some time, if any adds a thousandth."""
    most, found = 1e-3, None
    for start, duration, excess in weather.showers:
        shower = RainRecipe(start_s=start - t_s, duration_s=duration, excess=excess)
        added = float(washout(shower, np.zeros(1))[0])
        if added > most:
            most, found = added, shower
    return found

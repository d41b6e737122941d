"""What the electronics of panels make of events: gain, discriminator, dead time, pile-up, overload."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .recipe import OccupancyRecipe
from .response import MAX_KEV, THRESHOLD_KEV

__all__ = [
    "DEAD_TIME_S",
    "SATURATION_CPS",
    "Crystals",
    "Events",
    "channels",
    "dead_time_s",
    "draw_crystals",
    "histogram",
    "kept_share",
    "live_time",
    "lose",
    "pass_discriminator",
    "pile_up",
]

#: Dead time after each count, seconds: fast plastic, NaI with a shaping amplifier.
DEAD_TIME_S = {"rpm": 2e-7, "srpm": 3e-6}

#: Two events of a NaI log within this time are recorded as one, seconds.
_PILE_UP_S = 4e-7

#: Events a second from which a NaI log records nothing: a third of them pile up, the log is dead for three
#: quarters of the time, the baseline does not come back between pulses. The order is our own choice.
SATURATION_CPS = 1e6

#: Spread of the crystals' gains (which the file's calibrations know), and what a calibration gets wrong.
_GAIN_SPREAD, _CALIBRATION_ERROR = 0.01, 0.002


class Crystals(NamedTuple):
    """The logs of a portal, alike but for gain and calibration.

    Attributes
    ----------
    ceiling_kev : ndarray of shape (n_panel,), float64
        Highest channel edge, as the portal states it, keV.
    error : ndarray of shape (n_panel,), float64
        Stated energy over the true one.
    n_channel : int
        Channels.
    """

    ceiling_kev: NDArray[np.float64]
    error: NDArray[np.float64]
    n_channel: int

    @property
    def edges_kev(self) -> NDArray[np.float64]:
        """Channel edges as the portal states them, (n_panel, n_channel + 1), keV."""
        return np.linspace(0.0, 1.0, self.n_channel + 1) * self.ceiling_kev[:, np.newaxis]


class Events(NamedTuple):
    """Events in spectra.

    Attributes
    ----------
    cell : ndarray of shape (n_event,), int64
        Interval times panels plus panel.
    energy_kev : ndarray of shape (n_event,), float64
        Blurred deposit, keV.
    """

    cell: NDArray[np.int64]
    energy_kev: NDArray[np.float64]


def draw_crystals(n_panel: int, n_channel: int, rng: np.random.Generator) -> Crystals:
    """Draw gains and calibration errors of a portal's logs.

    Parameters
    ----------
    n_panel, n_channel : int
        Logs, and channels of each.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Crystals
        The logs.
    """
    gains = 1.0 + _GAIN_SPREAD * rng.standard_normal(n_panel)
    errors = 1.0 + _CALIBRATION_ERROR * rng.standard_normal(n_panel)
    return Crystals(MAX_KEV * gains, errors, n_channel)


def pass_discriminator(energy_kev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of a log's events that pass its discriminator.

    Parameters
    ----------
    energy_kev : ndarray of shape (n,), float64
        Energies as the electronics see them, keV.

    Returns
    -------
    ndarray of shape (n,), float64
        0 to 1: a logistic edge, within a hundredth of an error function of the stated width.
    """
    low, width = THRESHOLD_KEV["srpm"]
    return np.asarray(1.0 / (1.0 + np.exp(np.minimum((low - energy_kev) / (0.5875 * width), 500.0))))


def channels(
    events: Events,
    crystals: Crystals,
    gain: NDArray[np.float64] | None,
    rng: np.random.Generator,
) -> Events:
    """Return the events that a log's electronics accept, with the energy that the file states.

    Parameters
    ----------
    events : Events
        Events by deposit.
    crystals : Crystals
        The logs.
    gain : ndarray of shape (n_interval, n_panel), float64, or None
        Gain over that of the calibration; None: all 1.
    rng : numpy.random.Generator
        For the soft edge of the discriminator.

    Returns
    -------
    Events
        Those above the discriminator; energies as stated, keV.
    """
    energy = events.energy_kev * crystals.error[events.cell % crystals.error.size]
    if gain is not None:
        energy = energy * gain.ravel()[events.cell]
    accepted = rng.random(energy.size) < pass_discriminator(energy)
    return Events(events.cell[accepted], energy[accepted])


def histogram(events: Events, crystals: Crystals, n_interval: int) -> NDArray[np.uint32]:
    """Return spectra.

    Parameters
    ----------
    events : Events
        Events by stated energy.
    crystals : Crystals
        The logs.
    n_interval : int
        Intervals.

    Returns
    -------
    ndarray of shape (n_interval, n_panel, n_channel), uint32
        Counts; events above the last channel are not recorded.
    """
    n_panel, n_channel = crystals.ceiling_kev.size, crystals.n_channel
    panel = events.cell % n_panel
    channel = (events.energy_kev * (n_channel / crystals.ceiling_kev)[panel]).astype(np.int64)
    inside = channel < n_channel
    flat = events.cell[inside] * n_channel + channel[inside]
    counts = np.bincount(flat, minlength=n_interval * n_panel * n_channel)
    return counts.astype(np.uint32).reshape(n_interval, n_panel, n_channel)


def dead_time_s(recipe: OccupancyRecipe) -> float:
    """Return the dead time of a recipe's panels.

    Parameters
    ----------
    recipe : OccupancyRecipe
        The recipe.

    Returns
    -------
    float
        Seconds.
    """
    return DEAD_TIME_S[recipe.portal] if recipe.dead_time_s is None else recipe.dead_time_s


def kept_share(recipe: OccupancyRecipe, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of events that is counted.

    Parameters
    ----------
    recipe : OccupancyRecipe
        Dead time, its kind, and the rate of overload.
    counts : ndarray of shape (n_interval, n_panel), int64
        Events without loss.

    Returns
    -------
    ndarray of shape (n_interval, n_panel), float64
        1 / (1 + n tau), or exp(-n tau) if events prolong the dead time (Knoll, Radiation Detection and
        Measurement, chapter 4); 0 in a dead or overloaded panel.
    """
    rate = counts / recipe.interval_s
    busy = rate * dead_time_s(recipe)
    share = np.exp(-busy) if recipe.is_paralysable else 1.0 / (1.0 + busy)
    if recipe.overload_cps is not None:
        share = np.where(rate >= recipe.overload_cps, 0.0, share)
    if recipe.dead_panel is not None:
        share[:, recipe.dead_panel] = 0.0
    return share


def live_time(
    recipe: OccupancyRecipe, counts: NDArray[np.int64], is_saturated: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the live time that a portal states.

    Parameters
    ----------
    recipe : OccupancyRecipe
        The recipe.
    counts : ndarray of shape (n_interval, n_panel), int64
        Events without loss.
    is_saturated : ndarray of shape (n_interval, n_panel), bool
        Where a log records nothing, see :data:`SATURATION_CPS`.

    Returns
    -------
    ndarray of shape (n_interval, n_panel), float64
        Seconds, in steps of a microsecond and at least one, which is what a saturated log states.
    """
    busy = counts / recipe.interval_s * dead_time_s(recipe)
    share = np.exp(-busy) if recipe.is_paralysable else 1.0 / (1.0 + busy)
    share = np.where(is_saturated, 0.0, share)
    return np.asarray(np.maximum(np.round(recipe.interval_s * share, 6), 1e-6))


def lose(
    counts: NDArray[np.int64], share: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the gross counts that the electronics keep.

    Parameters
    ----------
    counts : ndarray of shape (n_interval, n_panel), int64
        Events without loss.
    share : ndarray of shape (n_interval, n_panel), float64
        As from :func:`kept_share`.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of shape (n_interval, n_panel), int64
        Counts.
    """
    return np.asarray(counts - rng.binomial(counts, 1.0 - share))


def pile_up(events: Events, n_cell: int, interval_s: float, rng: np.random.Generator) -> Events:
    """Join events that come too close together: one is recorded, with the sum of their energies.

    An event that follows another within the resolving time joins it, and a third that follows the second in
    time joins both: of n events a second exp(-n t) are recorded.

    Parameters
    ----------
    events : Events
        Events.
    n_cell : int
        Intervals times panels.
    interval_s : float
        Interval, seconds.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Events
        Ordered by cell where anything was joined; as given where rates are low everywhere.
    """
    number = np.bincount(events.cell, minlength=n_cell)
    chance = -np.expm1(-number / interval_s * _PILE_UP_S)
    if chance.max(initial=0.0) < 1e-3:
        return events
    # Events come in any order within their cell; the first of a cell has none before it.
    order = np.argsort(events.cell + rng.random(events.cell.size), kind="stable")
    cell = events.cell[order]
    stands = rng.random(cell.size) >= chance[cell]
    stands[np.diff(cell, prepend=-1) > 0] = True
    energy = np.add.reduceat(events.energy_kev[order], np.flatnonzero(stands))
    return Events(cell[stands], energy)

"""One pass counted: random numbers by kind, everything drawn, and what the electronics leave of it."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .draw import beam_counts, beam_events, draw_events, draw_gross, draw_spectrum
from .electronics import Crystals, Events, channels, histogram, kept_share, live_time, lose, pile_up
from .expected import PassPlan, background_before
from .recipe import OccupancyRecipe
from .response import THRESHOLD_KEV

__all__ = [
    "Drawn",
    "Streams",
    "accept_events",
    "count_events",
    "draw_all_events",
    "draw_pass",
    "draw_surroundings",
    "expected_nsigma",
    "finish_gross",
    "finish_spectra",
    "measured_background",
]


class Streams:
    """The random numbers of a pass, each kind from a stream of its own, begun when it is first used.

    Parameters
    ----------
    seed : int
        Seed, not negative.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def _begin(self, kind: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence([self._seed, 0x0CC, kind]))

    @cached_property
    def shadow(self) -> np.random.Generator:
        """For the texture of the load."""
        return self._begin(0)

    @cached_property
    def gamma(self) -> np.random.Generator:
        """For the background of the site."""
        return self._begin(1)

    @cached_property
    def source(self) -> np.random.Generator:
        """For sources in the vehicle."""
        return self._begin(2)

    @cached_property
    def background(self) -> np.random.Generator:
        """For the background recorded before."""
        return self._begin(3)

    @cached_property
    def neutron(self) -> np.random.Generator:
        """For neutrons."""
        return self._begin(4)

    @cached_property
    def crystal(self) -> np.random.Generator:
        """For gains and calibrations."""
        return self._begin(5)

    @cached_property
    def surroundings(self) -> np.random.Generator:
        """For other lanes and x-ray machines."""
        return self._begin(6)

    @cached_property
    def loss(self) -> np.random.Generator:
        """For dead time and discriminator."""
        return self._begin(7)


class Drawn(NamedTuple):
    """What a portal counted.

    Attributes
    ----------
    counts : ndarray of shape (n_interval, n_panel), int64
        Gross counts.
    spectra : ndarray of shape (n_interval, n_panel, n_channel), uint32, or None
        Counts by channel.
    live_time_s : ndarray of shape (n_interval, n_panel), float64, or None
        Live time, where the portal states it.
    """

    counts: NDArray[np.int64]
    spectra: NDArray[np.uint32] | None
    live_time_s: NDArray[np.float64] | None


def draw_pass(plan: PassPlan, crystals: Crystals | None, rngs: Streams) -> Drawn:
    """Draw what a portal counts in a pass.

    Parameters
    ----------
    plan : PassPlan
        The pass.
    crystals : Crystals or None
        The logs; None for a portal of gross counts.
    rngs : Streams
        Random numbers.

    Returns
    -------
    Drawn
        The counts.
    """
    if crystals is None:
        counts = draw_surroundings(plan, rngs) + draw_gross(plan, plan.sources, rngs.source)
        return finish_gross(plan.recipe, counts, rngs.loss)
    return finish_spectra(plan, crystals, draw_all_events(plan, rngs), rngs.loss)


def draw_surroundings(plan: PassPlan, rngs: Streams) -> NDArray[np.int64]:
    """Draw all gross counts but those of the vehicle's sources, before any loss.

    Parameters
    ----------
    plan : PassPlan
        The pass.
    rngs : Streams
        Random numbers.

    Returns
    -------
    ndarray of shape (n_interval, n_panel), int64
        Counts.
    """
    recipe = plan.recipe
    counts = draw_gross(plan, (plan.background,), rngs.gamma)
    if plan.surroundings or recipe.beams:
        counts += draw_gross(plan, plan.surroundings, rngs.surroundings)
        since_s = plan.t_s - plan.t_s[plan.n_prior]
        pulses = beam_counts(recipe.beams, since_s, recipe.interval_s, recipe.n_panel)
        counts += rngs.surroundings.poisson(pulses)
    return counts


def draw_all_events(plan: PassPlan, rngs: Streams) -> list[Events]:
    """Draw the events of a spectroscopic pass, before the electronics: none on a saturated log.

    Parameters
    ----------
    plan : PassPlan
        The pass.
    rngs : Streams
        Random numbers.

    Returns
    -------
    list of Events
        Background, surroundings, sources.
    """
    recipe, plan = plan.recipe, plan.recorded()
    parts = [draw_events(plan, (plan.background,), rngs.gamma)]
    if plan.surroundings or recipe.beams:
        since_s = plan.t_s - plan.t_s[plan.n_prior]
        parts.append(draw_events(plan, plan.surroundings, rngs.surroundings))
        parts.append(beam_events(recipe.beams, since_s, recipe.interval_s, recipe.n_panel, rngs.surroundings))
    if plan.sources:
        parts.append(draw_events(plan, plan.sources, rngs.source))
    return parts


def accept_events(
    plan: PassPlan, crystals: Crystals, parts: list[Events], rng: np.random.Generator
) -> list[tuple[Events, NDArray[np.float64]]]:
    """Return the events that pass gain and discriminator, each with its luck.

    Parameters
    ----------
    plan : PassPlan
        The pass.
    crystals : Crystals
        The logs.
    parts : list of Events
        Events by deposit.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    list of (Events, ndarray of shape (n_event,))
        By stated energy. An event of luck u, 0 to 1, survives a dead time that spares more than u, so that
        what is counted beside a weaker source is counted beside a stronger one as well, or lost to it.
    """
    accepted = [channels(part, crystals, plan.gain, rng) for part in parts]
    return [(events, rng.random(events.cell.size)) for events in accepted]


def count_events(
    plan: PassPlan, accepted: list[tuple[Events, NDArray[np.float64]]], rng: np.random.Generator
) -> tuple[Events, NDArray[np.int64]]:
    """Return what is left of events after pile-up and dead time.

    Parameters
    ----------
    plan : PassPlan
        The pass.
    accepted : list of (Events, ndarray of shape (n_event,))
        As from :func:`accept_events`.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    events : Events
        By stated energy.
    before : ndarray of shape (n_interval, n_panel), int64
        Events before dead time.
    """
    recipe, n_interval = plan.recipe, plan.t_s.size
    n_cell = n_interval * recipe.n_panel
    alone = Events(
        np.concatenate([one.cell for one, _ in accepted]),
        np.concatenate([one.energy_kev for one, _ in accepted]),
    )
    luck = np.concatenate([one for _, one in accepted])
    events = pile_up(alone, n_cell, recipe.interval_s, rng)
    if events is not alone:
        luck = rng.random(events.cell.size)
    before = np.bincount(events.cell, minlength=n_cell).reshape(n_interval, recipe.n_panel)
    counted = luck < kept_share(recipe, before).ravel()[events.cell]
    return Events(events.cell[counted], events.energy_kev[counted]), before


def finish_gross(recipe: OccupancyRecipe, counts: NDArray[np.int64], rng: np.random.Generator) -> Drawn:
    """Return the counts after losses and faults.

    Parameters
    ----------
    recipe : OccupancyRecipe
        The recipe.
    counts : ndarray of shape (n_interval, n_panel), int64
        Events without loss.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Drawn
        The counts.
    """
    counts = lose(counts, kept_share(recipe, counts), rng)
    if recipe.stuck_panel is not None:
        counts[:, recipe.stuck_panel] = counts[0, recipe.stuck_panel]
    return Drawn(counts, None, None)


def finish_spectra(
    plan: PassPlan, crystals: Crystals, parts: list[Events], rng: np.random.Generator
) -> Drawn:
    """Return spectra after pile-up, gain, discriminator, losses and faults.

    Parameters
    ----------
    plan : PassPlan
        The pass.
    crystals : Crystals
        The logs.
    parts : list of Events
        Events by deposit.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Drawn
        The counts.
    """
    recipe = plan.recipe
    events, before = count_events(plan, accept_events(plan, crystals, parts, rng), rng)
    spectra = histogram(events, crystals, plan.t_s.size)
    if recipe.stuck_panel is not None:
        spectra[:, recipe.stuck_panel] = spectra[0, recipe.stuck_panel]
    return Drawn(spectra.sum(axis=2, dtype=np.int64), spectra, live_time(recipe, before, plan.saturated()))


def expected_nsigma(plan: PassPlan) -> float:
    """Return the largest (S - B) / sqrt(B) of the mean counts in one second, all panels summed.

    Parameters
    ----------
    plan : PassPlan
        The pass.

    Returns
    -------
    float
        Standard deviations of the open background.
    """
    recipe = plan.recipe
    rate = recipe.panel_background_cps * recipe.n_panel
    window = max(1, round(1.0 / recipe.interval_s))
    mean = plan.gross(plan.background).sum(axis=1)
    for part in plan.sources:
        mean = mean + plan.gross(part).sum(axis=1)
    sums = np.convolve(mean, np.ones(window), mode="valid")
    background = rate * window * recipe.interval_s
    return float((sums.max() - background) / np.sqrt(background))


def measured_background(
    plan: PassPlan, crystals: Crystals | None, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
    """Draw what a portal measured before a pass.

    Parameters
    ----------
    plan : PassPlan
        The pass.
    crystals : Crystals or None
        The logs; None for a portal of gross counts.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    gamma_cps, neutron_cps : ndarray of shape (n_panel,), float64
        Rates, counts/s.
    spectra : ndarray of shape (n_panel, n_channel), float64, or None
        Counts by channel.
    """
    recipe = plan.recipe
    live_s = recipe.background_live_s
    neutrons = rng.poisson(np.full(recipe.n_panel, recipe.neutron_background_cps * live_s)) / live_s
    before = background_before(plan)
    if crystals is None:
        threshold = THRESHOLD_KEV[recipe.portal][0]
        mean = before.weight[0] @ before.table.above(threshold)[before.rows]
        return rng.poisson(mean) / live_s, neutrons, None
    spectra = draw_spectrum(plan, before, crystals, rng).astype(np.float64)
    return spectra.sum(axis=1) / live_s, neutrons, spectra

"""Drawing counts: gross counts by Poisson, spectra event by event, and what the electronics lose."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .conditions import BeamRecipe
from .electronics import Crystals, Events, pass_discriminator
from .expected import PassPlan
from .response import Table
from .weights import Contribution

__all__ = ["beam_counts", "beam_events", "draw_events", "draw_gross", "draw_spectrum"]


def draw_gross(
    plan: PassPlan, parts: tuple[Contribution, ...], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw gross counts, each contribution apart, before any loss.

    Parameters
    ----------
    plan : PassPlan
        The pass.
    parts : tuple of Contribution
        What to draw.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of shape (n_interval, n_panel), int64
        Counts.
    """
    total = np.zeros((plan.t_s.size, plan.recipe.n_panel), dtype=np.int64)
    for part in parts:
        total += rng.poisson(plan.gross(part))
    return total


def draw_events(plan: PassPlan, parts: tuple[Contribution, ...], rng: np.random.Generator) -> Events:
    """Draw events: how many of each row, then the energy of each by inversion of the row's running sum.

    At some tens of counts in an interval this takes a fraction of the draws that a Poisson number for each
    channel takes, and has the same distribution.

    Parameters
    ----------
    plan : PassPlan
        The pass.
    parts : tuple of Contribution
        What to draw.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Events
        The events, ordered by contribution, interval, panel and row.
    """
    found = [_draw(plan.response.edges_kev, part, rng) for part in parts]
    if not found:
        return Events(np.zeros(0, dtype=np.int64), np.zeros(0))
    if len(found) == 1:
        return found[0]
    return Events(
        np.concatenate([one.cell for one in found]), np.concatenate([one.energy_kev for one in found])
    )


def _draw(edges_kev: NDArray[np.float64], part: Contribution, rng: np.random.Generator) -> Events:
    total = part.table.total[part.rows]
    numbers = rng.poisson(part.weight * total)
    n_row = part.rows.size
    cells = np.repeat(np.arange(numbers.size), numbers.ravel())
    row = cells % n_row
    energy = _invert(edges_kev, part.table, part.rows, row, rng.random(cells.size))
    return Events(cells // n_row, energy)


def _invert(
    edges_kev: NDArray[np.float64],
    table: Table,
    rows: NDArray[np.int64],
    row: NDArray[np.int64],
    u: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the energies at which the running sums of some rows reach u; even within a bin."""
    steps = (table.cdf[rows] + np.arange(rows.size)[:, np.newaxis]).ravel()
    return np.interp(row + u, steps, np.tile(edges_kev, rows.size))


def draw_spectrum(
    plan: PassPlan, part: Contribution, crystals: Crystals, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw the spectra of one long interval, as a recorded background is.

    Parameters
    ----------
    plan : PassPlan
        The pass.
    part : Contribution
        One interval.
    crystals : Crystals
        The logs.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of shape (n_panel, n_channel), int64
        Counts.
    """
    edges = plan.response.edges_kev
    mean = part.weight[0] @ part.table.spectra[part.rows]
    found = np.zeros((crystals.ceiling_kev.size, crystals.n_channel), dtype=np.int64)
    for panel in range(found.shape[0]):
        stated = edges * crystals.error[panel]
        summed = np.concatenate([[0.0], np.cumsum(mean[panel])])
        at = np.interp(np.linspace(0.0, crystals.ceiling_kev[panel], crystals.n_channel + 1), stated, summed)
        middle = (np.arange(crystals.n_channel) + 0.5) / crystals.n_channel * crystals.ceiling_kev[panel]
        found[panel] = rng.poisson(np.diff(at) * pass_discriminator(middle))
    return found


def beam_counts(
    beams: tuple[BeamRecipe, ...], since_s: NDArray[np.float64], interval_s: float, n_panel: int
) -> NDArray[np.float64]:
    """Return how many pulses of x-ray machines each panel is expected to count.

    Parameters
    ----------
    beams : tuple of BeamRecipe
        The machines.
    since_s : ndarray of shape (n_interval,), float64
        Start of each interval after the vehicle's front reached the portal, seconds.
    interval_s : float
        Interval, seconds.
    n_panel : int
        Panels.

    Returns
    -------
    ndarray of shape (n_interval, n_panel), float64
        Pulses of which at least one photon is seen: a pulse is one count, however many photons it brings.
    """
    total = np.zeros(since_s.size)
    for beam in beams:
        first = np.maximum(since_s, beam.start_s)
        last = np.minimum(since_s + interval_s, beam.start_s + beam.duration_s)
        total += np.maximum(last - first, 0.0) * beam.pulses_per_s * -np.expm1(-beam.photons_per_pulse)
    return np.repeat(total[:, np.newaxis], n_panel, axis=1)


def beam_events(
    beams: tuple[BeamRecipe, ...],
    since_s: NDArray[np.float64],
    interval_s: float,
    n_panel: int,
    rng: np.random.Generator,
) -> Events:
    """Draw the events that x-ray machines leave in spectra: all photons of a pulse in one.

    Parameters
    ----------
    beams : tuple of BeamRecipe
        The machines.
    since_s : ndarray of shape (n_interval,), float64
        Start of each interval after the vehicle's front reached the portal, seconds.
    interval_s : float
        Interval, seconds.
    n_panel : int
        Panels.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Events
        Energies: gamma distributed, of as many photons as the pulse brought.
    """
    cells, energies = [], []
    for beam in beams:
        mean = beam_counts((beam,), since_s, interval_s, n_panel)
        cell = np.repeat(np.arange(mean.size), rng.poisson(mean).ravel())
        # Photons of a pulse that brought one at least: the first comes at a time that is exponential up to
        # the mean number, and the rest are Poisson in what is left of it.
        lam = beam.photons_per_pulse
        first = -np.log1p(rng.random(cell.size) * np.expm1(-lam))
        number = 1 + rng.poisson(np.maximum(lam - first, 0.0))
        cells.append(cell)
        energies.append(rng.gamma(2.0 * number, 0.5 * beam.mean_kev))
    if not cells:
        return Events(np.zeros(0, dtype=np.int64), np.zeros(0))
    return Events(np.concatenate(cells), np.concatenate(energies))

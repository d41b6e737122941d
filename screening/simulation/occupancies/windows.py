"""Plastic panels with energy windows: counts in a few ranges of the light they read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .batch import paired
from .counting import Streams
from .draw import beam_events
from .electronics import kept_share
from .expected import PassPlan, background_before, fixed_part, plan_pass
from .recipe import OccupancyRecipe
from .response import THRESHOLD_KEV
from .weights import Contribution

__all__ = ["PassWindows", "simulate_windows"]


class PassWindows(NamedTuple):
    """Counts of many passes by energy window.

    Attributes
    ----------
    counts : ndarray of shape (n_pass, n_interval, n_panel, n_window), int64
        Counts; -1 after the end of a pass that is shorter than the longest.
    n_interval : ndarray of shape (n_pass,), int64
        Intervals of each pass; the first second is the look-back.
    background_cps : ndarray of shape (n_pass, n_panel, n_window), float64
        Background as the portal measured it.
    edges_kev : ndarray of shape (n_window + 1,), float64
        Windows.
    """

    counts: NDArray[np.int64]
    n_interval: NDArray[np.int64]
    background_cps: NDArray[np.float64]
    edges_kev: NDArray[np.float64]


def simulate_windows(
    recipes: OccupancyRecipe | Sequence[OccupancyRecipe],
    edges_kev: Sequence[float],
    seeds: Iterable[int] | None = None,
) -> PassWindows:
    """Simulate passes through plastic panels that sort their counts by energy.

    A panel of plastic shows no peaks, but a load of NORM, a source of low energy and the background differ in
    how much they put below and above a few hundred keV.

    Parameters
    ----------
    recipes : OccupancyRecipe or sequence of OccupancyRecipe
        One for all seeds, or one for each.
    edges_kev : sequence of float
        Edges of the windows, rising, from the discriminator (28 keV) up.
    seeds : iterable of int, optional
        Seeds; the recipes' own when omitted.

    Returns
    -------
    PassWindows
        The counts. They are drawn by window, so they do not add up to the gross counts of the same seed, but
        to others of the same distribution.

    Raises
    ------
    ValueError
        If windows do not rise or begin below the discriminator, or as
        :func:`screening.simulation.occupancies.simulate_counts`.
    """
    edges = np.asarray(edges_kev, dtype=np.float64)
    low = THRESHOLD_KEV["rpm"][0]
    if edges.ndim != 1 or edges.size < 2 or not (np.diff(edges) > 0).all() or edges[0] < low:
        raise ValueError(f"windows rise from {low:g} keV up, got {edges_kev!r}")
    pairs = paired(recipes, seeds, "rpm")
    found, before = [], []
    last, fixed = pairs[0][0], fixed_part(pairs[0][0])
    for recipe, seed in pairs:
        rngs = Streams(seed)
        if recipe is not last:
            last, fixed = recipe, fixed_part(recipe)
        plan = plan_pass(recipe, rngs.shadow, fixed)
        found.append(_counts(plan, edges, rngs))
        steady = plan._replace(gain=None)
        mean = _in_windows(steady, background_before(plan), edges)[0]
        before.append(rngs.background.poisson(mean) / recipe.background_live_s)
    n_interval = np.array([one.shape[0] for one in found])
    counts = np.full((len(found), int(n_interval.max()), *found[0].shape[1:]), -1, dtype=np.int64)
    for k, one in enumerate(found):
        counts[k, : one.shape[0]] = one
    return PassWindows(counts, n_interval, np.stack(before), edges)


def _in_windows(plan: PassPlan, part: Contribution, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    above = np.stack([plan.gross(part, float(edge)) for edge in edges], axis=-1)
    return np.asarray(np.maximum(above[..., :-1] - above[..., 1:], 0.0))


def _counts(plan: PassPlan, edges: NDArray[np.float64], rngs: Streams) -> NDArray[np.int64]:
    recipe = plan.recipe
    counts = rngs.gamma.poisson(_in_windows(plan, plan.background, edges))
    for part in plan.surroundings:
        counts += rngs.surroundings.poisson(_in_windows(plan, part, edges))
    if recipe.beams:
        since_s = plan.t_s - plan.t_s[plan.n_prior]
        pulses = beam_events(recipe.beams, since_s, recipe.interval_s, recipe.n_panel, rngs.surroundings)
        at = np.searchsorted(edges, pulses.energy_kev, side="right") - 1
        seen = (at >= 0) & (at < edges.size - 1)
        flat = counts.reshape(-1, edges.size - 1)
        np.add.at(flat, (pulses.cell[seen], at[seen]), 1)
    for part in plan.sources:
        counts += rngs.source.poisson(_in_windows(plan, part, edges))
    share = kept_share(recipe, counts.sum(axis=-1))
    counts -= rngs.loss.binomial(counts, 1.0 - share[..., np.newaxis])
    if recipe.stuck_panel is not None:
        counts[:, recipe.stuck_panel] = counts[0, recipe.stuck_panel]
    return counts

"""Neutron counts of a pass: background, the ship effect in bursts, and sources."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .lane import panel_positions, rectangle_share
from .motion import Motion
from .recipe import OccupancyRecipe

__all__ = ["draw_neutrons"]

#: Counts of a panel per neutron at its face: moderated He-3 tubes, for a fission spectrum.
_EFFICIENCY = 0.08

#: Mean number of neutrons that one cosmic ray leaves in the panels when it strikes a steel load: the bursts
#: of the ship effect (geometric in number, all within a millisecond).
_BURST = 1.6


def draw_neutrons(
    recipe: OccupancyRecipe, motion: Motion, n_prior_s: float, total_s: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64] | None, NDArray[np.float64] | None]:
    """Draw neutron counts, one reading a second.

    Parameters
    ----------
    recipe : OccupancyRecipe
        The pass.
    motion : Motion
        How the vehicle moves.
    n_prior_s : float
        Seconds before its front reaches the portal.
    total_s : float
        Seconds of the whole pass.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    counts : ndarray of shape (n_second, n_panel), int64, or None
        Counts; None without neutron detectors.
    interval_s : ndarray of shape (n_second,), float64, or None
        Their real time.
    """
    if not recipe.has_neutrons:
        return None, None
    n_second = max(1, round(total_s))
    along = motion.distance_m(np.asarray(np.arange(n_second) + 0.5 - n_prior_s, dtype=np.float64))
    front, rear = recipe.box_m
    beside = (along >= front) & (along <= rear)
    if recipe.follower_gap_m is not None:
        second = along - recipe.vehicle_m - recipe.follower_gap_m
        beside |= (second >= front) & (second <= rear)
    shape = (n_second, recipe.n_panel)
    mean = np.full(shape, recipe.neutron_background_cps)
    panels = panel_positions(
        recipe.n_panel, portal="neutron", lane_m=recipe.lane_m, heights_m=recipe.heights_m
    )
    for source in recipe.sources:
        if source.neutrons_per_s > 0:
            share = rectangle_share(along - source.position_m, source.across_m, source.height_m, panels)
            mean = mean + source.neutrons_per_s * _EFFICIENCY * share
    counts = rng.poisson(mean)
    extra = (recipe.ship_effect - 1.0) * recipe.neutron_background_cps * recipe.n_panel
    bursts = rng.poisson(np.where(beside, extra / _BURST, 0.0))
    n_burst = int(bursts.sum())
    if n_burst:
        sizes = rng.geometric(1.0 / _BURST, n_burst)
        seconds = np.repeat(np.repeat(np.arange(n_second), bursts), sizes)
        where = rng.integers(0, recipe.n_panel, seconds.size)
        np.add.at(counts, (seconds, where), 1)
    return counts.astype(np.int64), np.ones(n_second)

"""Neutron counts of a pass: cosmic background, the ship effect in bursts, and sources."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from screening.physics import MATERIALS
from screening.physics.neutrons import (
    BURST_POWER,
    LARGEST_BURST,
    NeutronPanel,
    cosmic_counts,
    gamma_counts,
    panel_rate,
)

from .checks import check_range
from .emission import emitted
from .lane import Panels, panel_positions, rectangle_share
from .motion import Motion
from .recipe import OccupancyRecipe

__all__ = ["draw_neutrons", "neutron_efficiency"]

#: Chance that any panel counts a neutron of a cascade in the load, as in
#: :func:`screening.physics.neutrons.cosmic_counts`.
_DETECTION = 0.02

#: False neutrons for each photon that meets a panel.
_GAMMA_SENSITIVITY = 1e-7

#: Shields of the neutron tables and their thickest, cm; layers of other materials are taken as transparent.
_SHIELDS_CM = {"polyethylene": 20.0, "borated-polyethylene": 20.0, "lead": 10.0, "steel": 20.0}


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
    rate = recipe.neutron_background_cps
    counts = cosmic_counts(rng, rate, float(n_second), 0.0, recipe.n_panel, interval_s=1.0)
    excess = (recipe.ship_effect - 1.0) * rate * recipe.n_panel
    if excess > 0.0:
        counts += _bursts(np.where(beside, excess, 0.0), recipe.n_panel, rng)
    panels = panel_positions(
        recipe.n_panel, portal="neutron", lane_m=recipe.lane_m, heights_m=recipe.heights_m
    )
    for source in recipe.sources:
        if source.neutrons_per_s > 0:
            share = rectangle_share(along - source.position_m, source.across_m, source.height_m, panels)
            seen = source.neutrons_per_s * neutron_efficiency(source.label, source.shielding)
            counts += rng.poisson(seen * share)
    for source in recipe.sources:
        photons = emitted(source.label, source.shielding, source.radius_g_cm2)
        rate = source.activity_mbq * 1e6 * float(photons.lines.sum() + photons.scattered.sum())
        if rate * _GAMMA_SENSITIVITY > 1.0:
            share = rectangle_share(along - source.position_m, source.across_m, source.height_m, panels)
            counts += gamma_counts(rng, rate * share, 1.0, _GAMMA_SENSITIVITY)
    return counts, np.ones(n_second)


def _bursts(mean: NDArray[np.float64], n_panel: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw counts of cascades in a load: the number of neutrons falls as n^-2.4, each is seen or not."""
    sizes = np.arange(1, LARGEST_BURST + 1)
    share = sizes ** -float(BURST_POWER)
    share /= share.sum()
    cascades = rng.poisson(mean / (float(share @ sizes) * _DETECTION))
    seen = rng.binomial(rng.choice(sizes, int(cascades.sum()), p=share), _DETECTION)
    when = np.repeat(np.repeat(np.arange(mean.size), cascades), seen)
    counts = np.zeros((mean.size, n_panel), dtype=np.int64)
    np.add.at(counts, (when, rng.integers(0, n_panel, when.size)), 1)
    return counts


@lru_cache(maxsize=256)
def neutron_efficiency(label: str, shielding: tuple[tuple[str, float], ...] = ()) -> float:
    """Return the counts of a panel per neutron that a source emits towards its face.

    Parameters
    ----------
    label : str
        Of the source: Cf-252, a plutonium, or a beryllium source; others as Cf-252.
    shielding : tuple of (str, float)
        Layers around it: material and areal density, g/cm2. Each acts as it would alone, which is the better
        the fewer moderate; materials without a table let everything through.

    Returns
    -------
    float
        Counts, by :func:`screening.physics.neutrons.panel_rate`.

    Raises
    ------
    ValueError
        If a layer is thicker than the table.
    """
    spectrum = "Pu" if label.startswith(("Pu", "WGPu", "RGPu")) else "Cf-252"
    if label.endswith("-Be"):
        spectrum = "Am-Be"
    panel = NeutronPanel()
    at = Panels(np.array([2.0]), np.zeros(1), (panel.width_m, panel.height_m))
    share = float(rectangle_share(np.zeros(1), 0.0, 0.0, at)[0, 0])
    bare = panel_rate(1.0, 2.0, spectrum=spectrum, panel=panel)
    found = bare / share
    for material, areal_density_g_cm2 in shielding:
        if material in _SHIELDS_CM:
            thickness_cm = areal_density_g_cm2 / MATERIALS[material].density_g_cm3
            check_range(f"{material} around a neutron source, cm,", thickness_cm, 0.0, _SHIELDS_CM[material])
            behind = panel_rate(
                1.0, 2.0, spectrum=spectrum, shield=material, shield_cm=thickness_cm, panel=panel
            )
            found *= behind / bare
    return found

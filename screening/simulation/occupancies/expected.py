"""Expected counts of a pass: each contribution as rows of deposits, weighted by interval and panel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .background import COMPONENTS, BackgroundTable, background_table, component_shares, washout
from .checks import check_range
from .electronics import SATURATION_CPS
from .lane import Panels, panel_positions, rectangle_share
from .motion import Motion
from .recipe import OccupancyRecipe
from .response import NODES_G_CM2, THRESHOLD_KEV, PanelResponse, panel_response
from .shadow import shadow_profile
from .weights import SUBSTEPS, Contribution, Geometry, between_nodes, midpoints, weigh_source

__all__ = [
    "BACKING",
    "FixedPart",
    "PassPlan",
    "background_before",
    "fixed_part",
    "plan_pass",
]

#: What backs the panels against other lanes: 6 mm of lead behind a panel.
BACKING = ("lead", 6.8)

_RADON = COMPONENTS.index("radon")

#: The load that shades the background when no cargo is told, and the mean slant of what comes through a load.
_USUAL_LOAD, _USUAL_G_CM2, _SLANT = "polyethylene", 55.0, 1.3

#: Largest share of a panel's view that a vehicle can fill: more suppression needs a thicker load.
_LARGEST_VIEW = 0.9


class PassPlan(NamedTuple):
    """All that is expected of a pass.

    Attributes
    ----------
    recipe : OccupancyRecipe
        The recipe.
    motion : Motion
        How the vehicle moves.
    response : PanelResponse
        Of its panels.
    t_s : ndarray of shape (n_interval,), float64
        Start of each interval, seconds.
    n_prior, n_occupied : int
        Intervals before the occupancy, and in it.
    background : Contribution
        The site's background less the vehicle's shadow, and rain.
    surroundings : tuple of Contribution
        Sources in other lanes.
    sources : tuple of Contribution
        Sources in the vehicle.
    gain : ndarray of shape (n_interval, n_panel), float64, or None
        Gain over that of the calibration; None: all 1.
    """

    recipe: OccupancyRecipe
    motion: Motion
    response: PanelResponse
    t_s: NDArray[np.float64]
    n_prior: int
    n_occupied: int
    background: Contribution
    surroundings: tuple[Contribution, ...]
    sources: tuple[Contribution, ...]
    gain: NDArray[np.float64] | None

    def gross(self, part: Contribution, threshold_kev: float | None = None) -> NDArray[np.float64]:
        """Return the expected counts above the discriminator.

        Parameters
        ----------
        part : Contribution
            One of the plan's.
        threshold_kev : float, optional
            Another energy than the discriminator's, as the electronics read it, keV.

        Returns
        -------
        ndarray of shape (n_interval, n_panel), float64
            Counts.
        """
        threshold = THRESHOLD_KEV[self.recipe.portal][0] if threshold_kev is None else threshold_kev
        if self.gain is None:
            return part.weight @ part.table.above(threshold)[part.rows]
        rounded = np.round(self.gain, 3)
        found = np.zeros(rounded.shape)
        for gain in np.unique(rounded):
            chosen = rounded == gain
            found[chosen] = part.weight[chosen] @ part.table.above(threshold / gain)[part.rows]
        return found

    def events(self, parts: tuple[Contribution, ...]) -> NDArray[np.float64]:
        """Return how many events are expected, whatever their energy.

        Parameters
        ----------
        parts : tuple of Contribution
            Some of the plan's.

        Returns
        -------
        ndarray of shape (n_interval, n_panel), float64
            Events.
        """
        total = np.zeros((self.t_s.size, self.recipe.n_panel))
        for part in parts:
            total += part.weight @ part.table.total[part.rows]
        return total

    def saturated(self) -> NDArray[np.bool_]:
        """Return where so many events are expected that a log records nothing.

        Returns
        -------
        ndarray of shape (n_interval, n_panel), bool
            From :data:`screening.simulation.occupancies.electronics.SATURATION_CPS` events a second.
        """
        expected = self.events((self.background, *self.surroundings, *self.sources))
        return np.asarray(expected >= SATURATION_CPS * self.recipe.interval_s)

    def recorded(self) -> PassPlan:
        """Return the plan without what falls on saturated logs.

        Returns
        -------
        PassPlan
            The same plan if there are none.
        """
        saturated = self.saturated()
        if not saturated.any():
            return self
        kept = ~saturated[..., np.newaxis]
        return self._replace(
            background=self.background._replace(weight=self.background.weight * kept),
            surroundings=tuple(part._replace(weight=part.weight * kept) for part in self.surroundings),
            sources=tuple(part._replace(weight=part.weight * kept) for part in self.sources),
        )


class FixedPart(NamedTuple):
    """What a recipe fixes, whatever the seed.

    Attributes
    ----------
    motion : Motion
        How the vehicle moves.
    response : PanelResponse
        Of its panels.
    t_s, since_s : ndarray of shape (n_interval,), float64
        Start of each interval after the scan's start, and after the front reached the portal, seconds.
    along : ndarray of shape (5 n_interval,), float64
        Part of the vehicle in the portal's plane at moments of each interval, metres behind its front.
    n_prior, n_occupied : int
        Intervals before the occupancy, and in it.
    surroundings, sources : tuple of Contribution
        Sources in other lanes, and in the vehicle.
    gain : ndarray of shape (n_interval, n_panel), float64, or None
        Gain over that of the calibration.
    """

    motion: Motion
    response: PanelResponse
    t_s: NDArray[np.float64]
    since_s: NDArray[np.float64]
    along: NDArray[np.float64]
    n_prior: int
    n_occupied: int
    surroundings: tuple[Contribution, ...]
    sources: tuple[Contribution, ...]
    gain: NDArray[np.float64] | None


def fixed_part(recipe: OccupancyRecipe) -> FixedPart:
    """Reckon what does not depend on the seed.

    Parameters
    ----------
    recipe : OccupancyRecipe
        The recipe.

    Returns
    -------
    FixedPart
        For :func:`plan_pass` of many seeds.

    Raises
    ------
    ValueError
        If the drift takes the gain below 0.3 or above 3 before the pass ends.
    """
    motion = Motion(recipe.speed_m_s, recipe.motion)
    per_second = max(1, round(1.0 / recipe.interval_s))
    n_prior = per_second
    inside_s = motion.leaves_s(recipe.train_m) + recipe.stuck_s
    n_occupied = int(np.ceil(inside_s / recipe.interval_s - 1e-9))
    # Portals go on for a moment after the beam is free: without it, an end cannot be told from a cut.
    n_interval = n_prior + n_occupied + 1
    n_interval += -n_interval % per_second
    t_s = np.round(np.arange(n_interval) * recipe.interval_s, 6)
    response = panel_response(recipe.portal, recipe.fwhm_662)
    panels = panel_positions(
        recipe.n_panel,
        portal=recipe.portal,
        lane_m=recipe.lane_m,
        heights_m=recipe.heights_m,
        face_m=recipe.face_m,
    )
    since_s = t_s - t_s[n_prior]
    steps = midpoints(since_s, recipe.interval_s, SUBSTEPS)
    along = motion.distance_m(steps.ravel())
    geometry: Geometry = {}
    return FixedPart(
        motion=motion,
        response=response,
        t_s=t_s,
        since_s=since_s,
        along=along,
        n_prior=n_prior,
        n_occupied=n_occupied,
        surroundings=_surroundings(recipe, response, panels, steps) if recipe.neighbours else (),
        sources=tuple(
            weigh_source(recipe, source, response, panels, motion, since_s, along, geometry)
            for source in recipe.sources
        ),
        gain=_gain(recipe, since_s),
    )


def plan_pass(
    recipe: OccupancyRecipe, shadow_rng: np.random.Generator, fixed: FixedPart | None = None
) -> PassPlan:
    """Reckon what a pass is expected to show.

    Parameters
    ----------
    recipe : OccupancyRecipe
        The recipe.
    shadow_rng : numpy.random.Generator
        For the texture of the load.
    fixed : FixedPart, optional
        Of this recipe, if it is at hand.

    Returns
    -------
    PassPlan
        Expected counts.
    """
    part = fixed_part(recipe) if fixed is None else fixed
    return PassPlan(
        recipe=recipe,
        motion=part.motion,
        response=part.response,
        t_s=part.t_s,
        n_prior=part.n_prior,
        n_occupied=part.n_occupied,
        background=_background(recipe, part.response, part.along, part.since_s, shadow_rng),
        surroundings=part.surroundings,
        sources=part.sources,
        gain=part.gain,
    )


def background_before(plan: PassPlan) -> Contribution:
    """Return what the portal is expected to have recorded before the vehicle came.

    Parameters
    ----------
    plan : PassPlan
        The pass.

    Returns
    -------
    Contribution
        One interval of `background_live_s`, at nominal gain.
    """
    recipe = plan.recipe
    live_s = recipe.background_live_s
    end_s = -(recipe.background_age_s or 0.0)
    times = np.asarray(end_s - live_s * (np.arange(20) + 0.5) / 20.0, dtype=np.float64)
    site = background_table(plan.response, _load(recipe)[0])
    weight = _site_rates(recipe, site) * live_s
    weight[_RADON] += recipe.panel_background_cps * live_s * float(washout(recipe.rain, times).mean())
    n = weight.size
    return Contribution(site.table, np.arange(n), np.broadcast_to(weight, (1, recipe.n_panel, n)).copy())


def _gain(recipe: OccupancyRecipe, since_s: NDArray[np.float64]) -> NDArray[np.float64] | None:
    if not recipe.panel_gains and recipe.gain_drift_per_s == 0.0:
        return None
    steady = np.array(recipe.panel_gains) if recipe.panel_gains else np.ones(recipe.n_panel)
    change = 1.0 + recipe.gain_drift_per_s * (since_s + 0.5 * recipe.interval_s)
    check_range("gain in a pass that drifts", float(change.min()), 0.3, 3.0)
    check_range("gain in a pass that drifts", float(change.max()), 0.3, 3.0)
    return np.asarray(change[:, np.newaxis] * steady)


def _load(recipe: OccupancyRecipe) -> tuple[str, float]:
    """Return material and areal density of what shades the background."""
    cargo = recipe.cargo
    if cargo is None or cargo.across_g_cm2 < 1.0:
        return _USUAL_LOAD, _USUAL_G_CM2
    return cargo.material, cargo.across_g_cm2


def _site_rates(recipe: OccupancyRecipe, site: BackgroundTable) -> NDArray[np.float64]:
    """Return the open rate of each component in one panel, counts/s."""
    rates = recipe.panel_background_cps * component_shares(site, recipe.background_mix)
    rates[_RADON] *= recipe.radon_factor
    return rates


def _background(
    recipe: OccupancyRecipe,
    response: PanelResponse,
    along: NDArray[np.float64],
    since_s: NDArray[np.float64],
    rng: np.random.Generator,
) -> Contribution:
    """Split the background into what passes the vehicle by, and what comes through it.

    A suppression s of all counts, by a load that keeps the share r of what falls on it, means that the load
    fills s / (1 - r) of the panel's view. So each energy is suppressed as the load lets it through: high ones
    less.
    """
    material, areal = _load(recipe)
    site = background_table(response, material)
    share = component_shares(site, recipe.background_mix)
    kept = share @ site.kept
    through_g_cm2 = areal * _SLANT
    wanted = 1.0 - recipe.suppression / _LARGEST_VIEW
    if np.interp(through_g_cm2, NODES_G_CM2, kept) > wanted:
        # So deep a shadow needs more load than was told.
        through_g_cm2 = float(np.interp(-wanted, -kept, NODES_G_CM2))
    node, part = between_nodes(np.array(through_g_cm2))
    upper = min(int(node) + 1, NODES_G_CM2.size - 1)
    held = (1.0 - part) * site.kept[:, int(node)] + part * site.kept[:, upper]
    loss = max(1.0 - float(share @ held), 1e-6)
    profile = None
    if recipe.cargo is not None and recipe.cargo.profile:
        parts = np.array(recipe.cargo.profile) / np.mean(recipe.cargo.profile)
        local = 1.0 - np.interp(parts * through_g_cm2, NODES_G_CM2, kept)
        profile = local / loss
    starts: tuple[float, ...] = (0.0,)
    if recipe.follower_gap_m is not None:
        starts = (0.0, recipe.vehicle_m + recipe.follower_gap_m)
    shade = shadow_profile(
        along,
        vehicle_m=recipe.vehicle_m,
        box_m=recipe.box_m,
        depth=recipe.suppression,
        rng=rng,
        profile=profile,
        starts_m=starts,
    )
    filled = np.minimum(shade.reshape(since_s.size, -1).mean(axis=1) / loss, 1.0)
    rates = _site_rates(recipe, site) * recipe.interval_s
    added = np.zeros((since_s.size, rates.size))
    if recipe.rain is not None:
        added[:, _RADON] = (
            recipe.panel_background_cps
            * recipe.interval_s
            * washout(recipe.rain, since_s + 0.5 * recipe.interval_s)
        )
    amount = rates + added
    # By component: what passes the vehicle by, and what comes through it, between two tabulated loads.
    behind = filled[:, np.newaxis] * amount
    weight = np.stack([amount - behind, behind * (1.0 - part), behind * part], axis=-1)
    weight = np.broadcast_to(
        weight.reshape(since_s.size, 1, -1), (since_s.size, recipe.n_panel, 3 * rates.size)
    )
    rows = [row for k in range(rates.size) for row in (k, site.row(k, int(node)), site.row(k, upper))]
    return Contribution(site.table, np.array(rows), weight)


def _surroundings(
    recipe: OccupancyRecipe, response: PanelResponse, panels: Panels, steps: NDArray[np.float64]
) -> tuple[Contribution, ...]:
    found = []
    for other in recipe.neighbours:
        along = other.speed_m_s * (steps - other.at_s)
        share = rectangle_share(along, other.across_m, other.height_m, panels).mean(axis=1)
        # Backs of the panels on its side; the others are seen across this lane, from the front.
        is_behind = (panels.across_m > 0) == (other.across_m > 0)
        decays = other.activity_mbq * 1e6 * recipe.interval_s
        for backed, layers in ((True, (*other.shielding, BACKING)), (False, other.shielding)):
            weight = np.where(is_behind == backed, share, 0.0)[..., np.newaxis] * decays
            table = response.table(other.label, layers, has_ground=recipe.has_ground)
            found.append(Contribution(table, np.zeros(1, dtype=np.int64), weight))
    return tuple(found)

"""How much of a source each panel sees in each interval: solid angle, and the cargo on the way there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .lane import Panels, aslant_gain, cargo_path, rectangle_share
from .motion import Motion
from .recipe import OccupancyRecipe, SourceRecipe
from .response import NODES_G_CM2, THRESHOLD_KEV, PanelResponse, Table

__all__ = ["SUBSTEPS", "Contribution", "Geometry", "between_nodes", "midpoints", "weigh_source"]

#: Points in one interval over which a passing source is averaged; fewer for one that is spread.
SUBSTEPS, _SUBSTEPS_SPREAD = 5, 1

#: Parts of a spread source: one each so many metres; places across a bulk load (Gauss-Legendre, half width
#: 1).
_PART_M = 0.8
_ACROSS, _ACROSS_WEIGHT = np.array([-0.774597, 0.0, 0.774597]), np.array([5.0, 8.0, 5.0]) / 18.0

#: Shares of the solid angle and cargo on the way, by place of a source: those of one recipe.
Geometry = dict[tuple[float, ...], tuple[NDArray[np.float64], NDArray[np.float64]]]


class Contribution(NamedTuple):
    """Something that is counted.

    Attributes
    ----------
    table : Table
        Deposits, a row each.
    rows : ndarray of shape (n_row,), int64
        The rows that are used.
    weight : ndarray of shape (n_interval, n_panel, n_row), float64
        How often each row's events are expected.
    """

    table: Table
    rows: NDArray[np.int64]
    weight: NDArray[np.float64]


def midpoints(since_s: NDArray[np.float64], interval_s: float, n: int) -> NDArray[np.float64]:
    """Return moments spread evenly over intervals.

    Parameters
    ----------
    since_s : ndarray of shape (n_interval,), float64
        Start of each interval, seconds.
    interval_s : float
        Interval, seconds.
    n : int
        Moments in each.

    Returns
    -------
    ndarray of shape (n_interval, n), float64
        Seconds.
    """
    return np.asarray(since_s[:, np.newaxis] + (np.arange(n) + 0.5) / n * interval_s)


def _boxes(recipe: OccupancyRecipe) -> tuple[tuple[float, float], ...]:
    front, rear = recipe.box_m
    if recipe.follower_gap_m is None:
        return ((front, rear),)
    shift = recipe.vehicle_m + recipe.follower_gap_m
    return ((front, rear), (front + shift, rear + shift))


def between_nodes(
    areal_g_cm2: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return between which tabulated areal densities some lie.

    Parameters
    ----------
    areal_g_cm2 : ndarray of shape (...), float64
        Areal densities, g/cm2.

    Returns
    -------
    node : ndarray of shape (...), int64
        Index in :data:`NODES_G_CM2` of the one below.
    part : ndarray of shape (...), float64
        How far to the next, 0 to 1; what lies beyond the last is taken there, where next to nothing comes
        through.
    """
    last = NODES_G_CM2.size - 2
    node = np.clip(np.searchsorted(NODES_G_CM2, areal_g_cm2, side="right") - 1, 0, last)
    width = NODES_G_CM2[node + 1] - NODES_G_CM2[node]
    return node, np.clip((areal_g_cm2 - NODES_G_CM2[node]) / width, 0.0, 1.0)


def weigh_source(
    recipe: OccupancyRecipe,
    source: SourceRecipe,
    response: PanelResponse,
    panels: Panels,
    motion: Motion,
    since_s: NDArray[np.float64],
    along: NDArray[np.float64],
    geometry: Geometry,
) -> Contribution:
    """Weigh a source's rows by the solid angle of each panel and the cargo on the way there.

    Between two tabulated loads the logarithm of the counts is linear, and the shape of the spectrum a
    mixture.

    Parameters
    ----------
    recipe : OccupancyRecipe
        The pass.
    source : SourceRecipe
        One of its sources.
    response : PanelResponse
        Of the panels.
    panels : Panels
        Where they stand.
    motion : Motion
        How the vehicle moves.
    since_s : ndarray of shape (n_interval,), float64
        Start of each interval after the front reached the portal, seconds.
    along : ndarray of shape (5 n_interval,), float64
        Part of the vehicle in the portal's plane, metres behind its front.
    geometry : dict
        What was reckoned for sources in the same place; added to.

    Returns
    -------
    Contribution
        The source.
    """
    cargo = recipe.cargo
    table = response.table(
        source.label,
        source.shielding,
        None if cargo is None else cargo.material,
        has_ground=recipe.has_ground,
        radius_g_cm2=source.radius_g_cm2,
    )
    decays = source.activity_mbq * 1e6 * recipe.interval_s
    # Constituents of one good lie in the same places: reckon those once.
    key = (source.position_m, source.spread_m, source.across_m, source.height_m, float(source.is_bulk))
    if key not in geometry:
        geometry[key] = _geometry(recipe, source, panels, motion, since_s, along)
    share, areal = geometry[key]
    n_interval = since_s.size
    if cargo is None:
        weight = np.asarray(share.sum(axis=0)[..., np.newaxis] * decays, dtype=np.float64)
        return Contribution(table, np.zeros(1, dtype=np.int64), weight)
    above = np.maximum(table.above(THRESHOLD_KEV[recipe.portal][0]), 1e-300)
    node, part = between_nodes(areal)
    logarithm = np.log(above)
    total = share * np.exp((1.0 - part) * logarithm[node] + part * logarithm[node + 1])
    cell = np.arange(n_interval * panels.n_panel).reshape(1, n_interval, panels.n_panel) * above.size
    flat = n_interval * panels.n_panel * above.size
    below, beyond = (total * (1.0 - part) / above[node]).ravel(), (total * part / above[node + 1]).ravel()
    by_row = np.bincount((cell + node).ravel(), below, minlength=flat)
    by_row += np.bincount((cell + node + 1).ravel(), beyond, minlength=flat)
    weight = np.asarray(by_row.reshape(n_interval, panels.n_panel, above.size) * decays, dtype=np.float64)
    used = np.flatnonzero(weight.any(axis=(0, 1)))
    used = used if used.size else np.zeros(1, dtype=np.int64)
    return Contribution(table, used, weight[:, :, used])


def _geometry(
    recipe: OccupancyRecipe,
    source: SourceRecipe,
    panels: Panels,
    motion: Motion,
    since_s: NDArray[np.float64],
    along: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return share of the solid angle and cargo on the way, (n_point, n_interval, n_panel).

    The points are parts of the source and moments in the interval; the shares are already divided by their
    number.
    """
    n_interval = since_s.size
    places = np.array([source.position_m])
    moments = along.reshape(n_interval, SUBSTEPS)
    if source.spread_m > 0.0:
        n_part = int(np.clip(np.ceil(source.spread_m / _PART_M), 4, 40))
        places = source.position_m + source.spread_m * ((np.arange(n_part) + 0.5) / n_part - 0.5)
        moments = motion.distance_m(midpoints(since_s, recipe.interval_s, _SUBSTEPS_SPREAD).ravel())
        moments = moments.reshape(n_interval, _SUBSTEPS_SPREAD)
    at = np.repeat(places, moments.shape[1])
    passed = np.tile(moments.T, (places.size, 1))
    across = [(source.across_m, 1.0)]
    if source.is_bulk and recipe.cargo is not None:
        half = recipe.cargo.half_width_m
        across = [(float(x) * half, float(w)) for x, w in zip(_ACROSS, _ACROSS_WEIGHT, strict=True)]
    shares, paths = [], []
    for aside, part in across:
        share = rectangle_share(passed - at[:, np.newaxis], aside, source.height_m, panels)
        if recipe.portal == "rpm":
            share *= aslant_gain(passed - at[:, np.newaxis], aside, source.height_m, panels)
        shares.append(share * (part / at.size))
        if recipe.cargo is not None:
            path = cargo_path(
                passed.ravel(),
                (np.repeat(at, n_interval), aside, source.height_m),
                panels,
                recipe.cargo,
                _boxes(recipe),
            )
            paths.append(path.reshape(share.shape))
    share = np.concatenate(shares)
    return share, np.concatenate(paths) if paths else np.zeros(0)

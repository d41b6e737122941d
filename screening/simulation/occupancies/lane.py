"""The lane of a simulated portal: where the panels stand, what they see, and what lies in between."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from screening.physics import MATERIALS, attenuation

from .conditions import CargoRecipe

__all__ = ["FACE_M", "Panels", "aslant_gain", "cargo_path", "panel_positions", "rectangle_share"]

#: Face of one panel, along the lane and upwards, metres: plastic of 35 x 170 cm; a NaI log's 4 x 16 inch
#: face, upright; the moderated He-3 tubes of one pillar's panel.
FACE_M: dict[str, tuple[float, float]] = {
    "rpm": (0.35, 1.70),
    "srpm": (0.1016, 0.4064),
    "neutron": (0.30, 2.0),
}

#: A plastic panel's depth, cm, its attenuation at 662 keV, 1/cm, and that of its cabinet of 1 mm of steel.
_PLASTIC_CM = 5.0
_PLASTIC_PER_CM = float(attenuation("pvt", 661.657)) * MATERIALS["pvt"].density_g_cm3
_CABINET = float(attenuation("steel", 661.657)) * MATERIALS["steel"].density_g_cm3 * 0.1

#: Heights of a pillar's panels, metres: one alone, or evenly between the lowest and the highest.
_HEIGHT_ALONE_M, _HEIGHTS_M = 1.8, (1.0, 2.7)


class Panels:
    """The panels of a portal.

    Parameters
    ----------
    across_m : ndarray of shape (n_panel,), float64
        Distance across the lane from its centre; negative: the first pillar.
    height_m : ndarray of shape (n_panel,), float64
        Height of their middles.
    face_m : tuple of float
        Extent along the lane and upwards.
    """

    def __init__(
        self, across_m: NDArray[np.float64], height_m: NDArray[np.float64], face_m: tuple[float, float]
    ) -> None:
        self.across_m = across_m
        self.height_m = height_m
        self.face_m = face_m

    @property
    def n_panel(self) -> int:
        """Number of panels."""
        return int(self.across_m.size)


def panel_positions(
    n_panel: int,
    *,
    portal: str = "rpm",
    lane_m: float = 5.0,
    heights_m: tuple[float, ...] = (),
    face_m: tuple[float, float] | None = None,
) -> Panels:
    """Return where the panels stand: those of one pillar after those of the other.

    Parameters
    ----------
    n_panel : int
        Two, four or more panels; half of them on each pillar.
    portal : {"rpm", "srpm", "neutron"}
        What they are.
    lane_m : float, default 5
        From face to face, metres.
    heights_m : tuple of float
        Heights of one pillar's panels; empty: the usual ones.
    face_m : tuple of float, optional
        Extent of a face along the lane and upwards; that of the kind when omitted.

    Returns
    -------
    Panels
        Places and faces.

    Raises
    ------
    ValueError
        If the panels cannot be shared between two pillars, or there is another number of heights.
    """
    if n_panel < 2 or n_panel % 2:
        raise ValueError(f"panels stand on two pillars: an even number from 2 is needed, got {n_panel}")
    per_pillar = n_panel // 2
    if heights_m and len(heights_m) != per_pillar:
        raise ValueError(f"a pillar of {per_pillar} panels needs as many heights, got {len(heights_m)}")
    usual = np.array([_HEIGHT_ALONE_M]) if per_pillar == 1 else np.linspace(*_HEIGHTS_M, per_pillar)
    heights = np.array(heights_m) if heights_m else usual
    sides = np.repeat([-0.5 * lane_m, 0.5 * lane_m], per_pillar)
    return Panels(sides, np.tile(heights, 2), FACE_M[portal] if face_m is None else face_m)


def rectangle_share(
    along_m: NDArray[np.float64], across_m: float, height_m: float, panels: Panels
) -> NDArray[np.float64]:
    """Return the share of the full solid angle that each panel fills, seen from a point.

    The panels look across the lane. The solid angle of a rectangle at distance d, from its corners (x, y)
    about the foot of the perpendicular, is the signed sum of arctan(x y / (d sqrt(x^2 + y^2 + d^2))), which
    is exact.

    Parameters
    ----------
    along_m : ndarray of shape (...), float64
        Distance of the point from the portal's plane, along the lane, metres.
    across_m, height_m : float
        Its place across the lane and its height, metres.
    panels : Panels
        The panels.

    Returns
    -------
    ndarray of shape (..., n_panel), float64
        Omega / 4 pi; 0 for a panel edge on.
    """
    distance = np.abs(panels.across_m - across_m)
    half_along, half_up = 0.5 * panels.face_m[0], 0.5 * panels.face_m[1]
    up = np.stack([panels.height_m - height_m + half_up, panels.height_m - height_m - half_up])
    total = np.zeros((*along_m.shape, panels.n_panel))
    squared = distance**2 + up**2
    for sign, edge in ((1.0, along_m + half_along), (-1.0, along_m - half_along)):
        x = edge[..., np.newaxis]
        square = x * x
        for k, side in enumerate((1.0, -1.0)):
            root = np.sqrt(square + squared[k])
            root *= distance
            total += (sign * side) * np.arctan2(x * up[k], root)
    return np.asarray(np.maximum(total, 0.0) / (4.0 * np.pi))


def aslant_gain(
    along_m: NDArray[np.float64], across_m: float, height_m: float, panels: Panels
) -> NDArray[np.float64]:
    """Return how much better a plastic panel catches photons that come aslant than those that come straight.

    The way through 5 cm of plastic lengthens as 1 / cos, less what leaves through the sides of a panel 35 cm
    wide, and so does the way through the cabinet's millimetre of steel; both at 662 keV. Averaged over an
    isotropic field this is 1.30, and the Monte Carlo gives 1.29. A NaI log stops most photons however they
    come (0.98 in the same Monte Carlo), and needs no such factor.

    Parameters
    ----------
    along_m : ndarray of shape (...), float64
        Distance of the point from the portal's plane, along the lane, metres.
    across_m, height_m : float
        Its place across the lane and its height, metres.
    panels : Panels
        The panels.

    Returns
    -------
    ndarray of shape (..., n_panel), float64
        Factor on the counts.
    """
    distance = np.abs(panels.across_m - across_m)
    along = np.abs(along_m)[..., np.newaxis]
    slant = np.sqrt(along**2 + (distance**2 + (panels.height_m - height_m) ** 2)) / distance
    shift = (_PLASTIC_CM / 100.0 / panels.face_m[0]) * along / distance
    inside = np.where(shift < 1.0, 1.0 - 0.5 * shift, 0.5 / np.maximum(shift, 1.0))
    caught = -np.expm1(-_PLASTIC_PER_CM * _PLASTIC_CM * slant * inside)
    steel = np.exp(-_CABINET * (slant - 1.0))
    return np.asarray(caught * steel / -np.expm1(-_PLASTIC_PER_CM * _PLASTIC_CM))


def cargo_path(
    along_m: NDArray[np.float64],
    place_m: tuple[NDArray[np.float64] | float, float, float],
    panels: Panels,
    cargo: CargoRecipe,
    boxes_m: tuple[tuple[float, float], ...],
) -> NDArray[np.float64]:
    """Return how much cargo lies between a point and the middle of each panel.

    The slant path is cut at the walls of the box; a load that changes along the box is summed along the path.

    Parameters
    ----------
    along_m : ndarray of shape (n,), float64
        Part of the vehicle in the portal's plane, metres behind its front.
    place_m : tuple of (position, across, height)
        The point: metres behind the vehicle's front (a number, or one for each of the n), across the lane,
        above the road.
    panels : Panels
        The panels.
    cargo : CargoRecipe
        The load.
    boxes_m : tuple of (front, rear)
        The boxes that hold it, metres behind the front.

    Returns
    -------
    ndarray of shape (n, n_panel), float64
        Areal density, g/cm2.
    """
    position, across, height = place_m
    step = along_m - position
    side, rise = panels.across_m - across, panels.height_m - height
    length_m = np.sqrt(step[:, np.newaxis] ** 2 + side**2 + rise**2)
    # The part of the ray within walls, floor and top, which is the same for every box.
    enter, leave = np.zeros(panels.n_panel), np.ones(panels.n_panel)
    for start, slope, low, high in (
        (across, side, -cargo.half_width_m, cargo.half_width_m),
        (height, rise, cargo.floor_m, cargo.top_m),
    ):
        first, last = _between(start, slope, low, high)
        enter, leave = np.maximum(enter, first), np.minimum(leave, last)
    path = np.zeros(length_m.shape)
    for front, rear in boxes_m:
        first, last = _between(position, step, front, rear)
        inside = np.minimum(leave, last[:, np.newaxis]) - np.maximum(enter, first[:, np.newaxis])
        crossed = np.maximum(inside, 0.0) * length_m * 100.0 * cargo.density_g_cm3
        if cargo.profile:
            middle = 0.5 * (np.minimum(leave, last[:, np.newaxis]) + np.maximum(enter, first[:, np.newaxis]))
            half = 0.5 * np.maximum(inside, 0.0) * np.abs(step)[:, np.newaxis]
            centre = np.asarray(position + middle.T * step).T
            crossed *= _mean_load(cargo, front, rear, centre, half)
        path += crossed
    return path


def _between(
    start: NDArray[np.float64] | float, slope: NDArray[np.float64], low: float, high: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where a ray (0 at its start, 1 at its end) enters and leaves a slab."""
    safe = np.where(np.abs(slope) < 1e-9, 1e-9, slope)
    one, other = (low - start) / safe, (high - start) / safe
    return np.clip(np.minimum(one, other), 0.0, 1.0), np.clip(np.maximum(one, other), 0.0, 1.0)


def _mean_load(
    cargo: CargoRecipe,
    front: float,
    rear: float,
    centre_m: NDArray[np.float64],
    half_m: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the load over the box's mean, averaged over stretches along the box."""
    parts = np.array(cargo.profile) / np.mean(cargo.profile)
    ends = np.linspace(front, rear, parts.size + 1)
    summed = np.concatenate([[0.0], np.cumsum(parts * np.diff(ends))])
    half = np.maximum(half_m, 1e-3)
    taken = np.interp(centre_m + half, ends, summed) - np.interp(centre_m - half, ends, summed)
    width = np.minimum(centre_m + half, rear) - np.maximum(centre_m - half, front)
    return np.asarray(taken / np.maximum(width, 1e-9))

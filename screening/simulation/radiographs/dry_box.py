"""The ordinary box: walls, castings, rails, posts, floor, doors.

Dimensions are those of ISO 668 and ISO 1496-1 as commonly built. Side panels are 1.6 mm sheet, 2.0 mm
towards the ends; two of them give an optical depth of 0.13 to 0.16 at 6 MV (docs/radiography.md).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .hold import Hold
from .parts import (
    PLYWOOD_G_CM3,
    STEEL_G_CM3,
    corrugation,
    edge_on_plate,
    hollow_section,
    ordered,
)
from .scene import Scene

__all__ = [
    "CONTAINER_LENGTHS_M",
    "CONTAINER_TYPES",
    "WIDTH_M",
    "Container",
    "add_floor",
    "add_frame",
    "add_front_and_doors",
    "add_roof",
    "add_walls",
]

#: External length by its usual name (ISO 668).
CONTAINER_LENGTHS_M = {"20": 6.058, "40": 12.192, "45": 13.716}

#: What is built: ordinary box, refrigerated, open top, flat rack, tank.
CONTAINER_TYPES = ("standard", "reefer", "open-top", "flat-rack", "tank")

WIDTH_M = 2.438

_SIDE_M = WIDTH_M / 2
_GOOSENECK_LENGTH_M = 3.3
_GOOSENECK_HALF_WIDTH_M = 0.515


class Container(NamedTuple):
    """One container of a scene.

    Attributes
    ----------
    y0_m : float
        Where it begins along the motion.
    length_m, height_m : float
        External size.
    base_z_m : float
        Height of its underside over the road or rail.
    wall_mm : float
        Thickness of wall sheets.
    floor_mm : float
        Thickness of the plywood floor.
    corrugation_m : float
        Period of the side walls' corrugation.
    kind : str
        One of :data:`CONTAINER_TYPES`.
    doors_at : int
        1 if its doors are at ``y1_m``, -1 if at ``y0_m``.
    """

    y0_m: float
    length_m: float
    height_m: float
    base_z_m: float
    wall_mm: float = 1.7
    floor_mm: float = 28.0
    corrugation_m: float = 0.278
    kind: str = "standard"
    doors_at: int = 1

    @property
    def y1_m(self) -> float:
        """Where it ends along the motion."""
        return self.y0_m + self.length_m

    @property
    def floor_z_m(self) -> float:
        """Height of the loading surface."""
        if self.kind == "reefer":
            return self.base_z_m + 0.235
        if self.kind == "flat-rack":
            return self.base_z_m + 0.62
        return self.base_z_m + 0.16 + self.floor_mm / 1000.0

    @property
    def ceiling_z_m(self) -> float:
        """Height of the underside of the roof."""
        if self.kind == "reefer":
            return self.base_z_m + self.height_m - 0.11
        return self.base_z_m + self.height_m - 0.04

    @property
    def hold(self) -> Hold:
        """The space for goods."""
        if self.kind == "reefer":
            machine, doors = self.y0_m + 0.55, self.y1_m - 0.12
            y = (machine, doors) if self.doors_at > 0 else (self.y0_m + 0.12, self.y1_m - 0.55)
            # air must flow over the goods: reefers carry a load line
            return Hold(y[0], y[1], self.floor_z_m, self.ceiling_z_m - 0.1, 1.13)
        ends = 0.45 if self.kind == "flat-rack" else 0.12
        headroom = 0.10 if self.kind == "open-top" else 0.08
        return Hold(self.y0_m + ends, self.y1_m - ends, self.floor_z_m, self.ceiling_z_m - headroom)


def add_walls(scene: Scene, c: Container, rng: np.random.Generator) -> None:
    """Add the corrugated side walls: sheet a little thicker towards the ends.

    Parameters
    ----------
    scene : Scene
        The scene, changed.
    c : Container
        The container.
    rng : numpy.random.Generator
        Phase of the corrugation and flatness of each panel.
    """
    sheet = c.wall_mm / 1000.0
    top = c.base_z_m + c.height_m
    skew = scene.geometry.skew
    for sign in (-1.0, 1.0):
        shift = rng.uniform(0.0, c.corrugation_m)
        centre = sign * (_SIDE_M - 0.03)
        # where each line crosses the wall; the angle tells the flanks of the corrugation apart
        along = scene.geometry.column_y_m + skew * centre
        profile = corrugation(along - c.y0_m - shift, c.corrugation_m, float(np.arctan(skew)))
        # panels of about 1.1 m are welded side by side; each leans and is rolled a little differently
        panel = np.floor((along - c.y0_m) / 1.112).astype(np.int64)
        inside = (panel >= 0) & (along < c.y1_m)
        spread = 1.0 + 0.012 * rng.standard_normal(max(int(c.length_m / 1.112) + 2, 1))
        profile = profile * np.where(inside, spread[np.clip(panel, 0, spread.size - 1)], 1.0)
        outer = (along < c.y0_m + 1.112) | (along > c.y1_m - 1.112)
        profile = profile * np.where(outer, 1.18, 1.0)
        x = (centre - sheet / 2, centre + sheet / 2)
        scene.box("steel", STEEL_G_CM3, x, (c.y0_m, c.y1_m), (c.base_z_m + 0.16, top - 0.06), profile=profile)


def add_frame(scene: Scene, c: Container) -> None:
    """Add rails, corner posts and castings.

    Parameters
    ----------
    scene : Scene
        The scene, changed.
    c : Container
        The container.
    """
    y = (c.y0_m, c.y1_m)
    top = c.base_z_m + c.height_m
    for sign in (-1.0, 1.0):
        side = sign * _SIDE_M
        hollow_section(scene, (side, side - sign * 0.06), y, (top - 0.06, top), 0.003)
        # bottom rail: a channel, its web outside
        web = ordered(side - sign * 0.0045, side)
        flange = ordered(side - sign * 0.048, side)
        scene.box("steel", STEEL_G_CM3, web, y, (c.base_z_m + 0.012, c.base_z_m + 0.17))
        for low in (c.base_z_m + 0.012, c.base_z_m + 0.166):
            scene.box("steel", STEEL_G_CM3, flange, y, (low, low + 0.0045))
        for end, inward in ((c.y0_m, 1.0), (c.y1_m, -1.0)):
            span = ordered(end, end + inward * 0.15)
            hollow_section(scene, (side, side - sign * 0.113), span, (c.base_z_m, top), 0.006)
            for face in (end + inward * 0.004, end + inward * 0.146):
                edge_on_plate(scene, (side, side - sign * 0.113), face, (c.base_z_m, top), 0.006)
            corner = ordered(end, end + inward * 0.178)
            for z in ((c.base_z_m, c.base_z_m + 0.118), (top - 0.118, top)):
                hollow_section(scene, (side, side - sign * 0.162), corner, z, 0.018)


def add_roof(scene: Scene, c: Container) -> None:
    """Add the roof: 2 mm sheet with shallow corrugation, and its reinforced ends.

    Parameters
    ----------
    scene : Scene
        The scene, changed.
    c : Container
        The container.
    """
    top = c.base_z_m + c.height_m
    x = (-_SIDE_M + 0.05, _SIDE_M - 0.05)
    profile = corrugation(scene.geometry.column_y_m - c.y0_m, 0.209)
    scene.box("steel", STEEL_G_CM3, x, (c.y0_m, c.y1_m), (top - 0.022, top - 0.020), profile=profile)
    for end in ((c.y0_m, c.y0_m + 0.27), (c.y1_m - 0.27, c.y1_m)):
        scene.box("steel", STEEL_G_CM3, x, end, (top - 0.026, top - 0.023))


def add_front_and_doors(scene: Scene, c: Container) -> None:
    """Add the end walls, which the beam sees along their length, with locking bars and hinges.

    The front sheet's flanks lie between its faces: about 18 flanks of 4.3 mm each are crossed within its
    45 mm, 0.25 g/cm3 on average; a door leaf has fewer.

    Parameters
    ----------
    scene : Scene
        The scene, changed.
    c : Container
        The container.
    """
    top = c.base_z_m + c.height_m
    x = (-_SIDE_M + 0.1, _SIDE_M - 0.1)
    doors, front = (c.y1_m, c.y0_m) if c.doors_at > 0 else (c.y0_m, c.y1_m)
    into_box = -float(c.doors_at)
    wall = ordered(front - into_box * 0.03, front - into_box * 0.075)
    scene.box("steel", 0.25, x, wall, (c.base_z_m + 0.12, top - 0.1))
    leaf = ordered(doors + into_box * 0.055, doors + into_box * 0.091)
    scene.box("steel", 0.17, x, leaf, (c.base_z_m + 0.12, top - 0.1))
    for hinge in (-1.14, -0.06, 0.06, 1.14):
        frame = (hinge - 0.05, hinge + 0.05)
        hollow_section(scene, frame, leaf, (c.base_z_m + 0.12, top - 0.1), 0.0032)
    for bar in (-0.88, -0.3, 0.3, 0.88):
        # doors stand back: nothing reaches beyond the castings
        place = doors + into_box * 0.032
        scene.cylinder("steel", 3.0, "z", (bar, place, (c.base_z_m + top) / 2), 0.017, c.height_m - 0.1)
        for z in (c.base_z_m + 0.1, top - 0.1):
            keeper = (place - 0.03, place + 0.03)
            scene.box("steel", 5.0, (bar - 0.035, bar + 0.035), keeper, (z - 0.05, z + 0.05))
        # handles and their catches, and brackets that guide the bars
        for share in (0.38, 0.44, 0.72):
            z = c.base_z_m + share * c.height_m
            scene.box(
                "steel",
                4.0,
                (bar - 0.04, bar + 0.05),
                ordered(doors + into_box * 0.005, doors + into_box * 0.05),
                (z, z + 0.03),
            )
    for side in (-1.17, 1.17):
        for share in (0.12, 0.37, 0.63, 0.88):
            z = c.base_z_m + share * c.height_m
            leaf_edge = ordered(doors + into_box * 0.01, doors + into_box * 0.05)
            scene.box("steel", 6.0, (side - 0.035, side + 0.035), leaf_edge, (z - 0.06, z + 0.06))
    for end, inward in ((c.y0_m, 1.0), (c.y1_m, -1.0)):
        for low, high in ((top - 0.1, top - 0.01), (c.base_z_m + 0.01, c.base_z_m + 0.15)):
            for face in (0.01, 0.07):
                edge_on_plate(scene, x, end + inward * face, (low, high), 0.003)
            # top and bottom of the header and the sill, seen obliquely
            depth = ordered(end + inward * 0.01, end + inward * 0.07)
            for z in (low, high - 0.003):
                scene.box("steel", STEEL_G_CM3, x, depth, (z, z + 0.003))


def add_floor(scene: Scene, c: Container, rng: np.random.Generator) -> None:
    """Add plywood on cross-members, with gooseneck tunnel (40 and 45 ft) or fork pockets (20 ft).

    Parameters
    ----------
    scene : Scene
        The scene, changed.
    c : Container
        The container.
    rng : numpy.random.Generator
        Moisture of the boards.
    """
    x = (-_SIDE_M + 0.05, _SIDE_M - 0.05)
    z = (c.floor_z_m - c.floor_mm / 1000.0, c.floor_z_m)
    y = c.y0_m + 0.08
    while y < c.y1_m - 0.08:
        end = min(y + 2.4, c.y1_m - 0.08)
        moist = PLYWOOD_G_CM3 * rng.uniform(0.95, 1.12)
        scene.box("organic", moist, x, (y, end - 0.002), z)
        y = end
    front = c.y0_m if c.doors_at > 0 else c.y1_m
    is_long = c.length_m > 9.0
    pockets = () if is_long else ((c.y0_m + c.y1_m) / 2 - 1.025, (c.y0_m + c.y1_m) / 2 + 1.025)
    member = c.y0_m + 0.22
    low, high = c.base_z_m + 0.036, z[0]
    while member < c.y1_m - 0.15:
        if any(abs(member - pocket) < 0.2 for pocket in pockets):
            member += 0.28
            continue
        is_tunnel = is_long and abs(member - front) < _GOOSENECK_LENGTH_M
        halves = (
            ((-_SIDE_M + 0.05, -_GOOSENECK_HALF_WIDTH_M), (_GOOSENECK_HALF_WIDTH_M, _SIDE_M - 0.05))
            if is_tunnel
            else (x,)
        )
        for half in halves:
            edge_on_plate(scene, half, member, (low, high), 0.004)
            for flange in (low, high - 0.004):
                scene.box("steel", STEEL_G_CM3, half, (member, member + 0.042), (flange, flange + 0.004))
        member += 0.28
    if is_long:
        tunnel = ordered(front, front + c.doors_at * _GOOSENECK_LENGTH_M)
        for sign in (-1.0, 1.0):
            web = ordered(sign * _GOOSENECK_HALF_WIDTH_M, sign * (_GOOSENECK_HALF_WIDTH_M + 0.006))
            scene.box("steel", STEEL_G_CM3, web, tunnel, (c.base_z_m + 0.015, high))
        roof = (-_GOOSENECK_HALF_WIDTH_M, _GOOSENECK_HALF_WIDTH_M)
        scene.box("steel", STEEL_G_CM3, roof, tunnel, (high - 0.006, high - 0.002))
    for pocket in pockets:
        opening = (pocket - 0.18, pocket + 0.18)
        scene.box("steel", STEEL_G_CM3, x, opening, (high - 0.006, high - 0.003))
        scene.box("steel", STEEL_G_CM3, (-_SIDE_M, -_SIDE_M + 0.2), opening, (low, low + 0.006))
        scene.box("steel", STEEL_G_CM3, (_SIDE_M - 0.2, _SIDE_M), opening, (low, low + 0.006))
        for side in opening:
            edge_on_plate(scene, x, side, (low, high), 0.004)

"""Containers and what carries them: walls, castings, rails, floor, doors, wagon, trailer.

Dimensions are those of ISO 668 and ISO 1496-1 as commonly built; structures below the floor are
simplified to the bodies that matter in a picture.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .scene import Scene

__all__ = ["CONTAINER_LENGTHS_M", "Container", "add_carrier", "add_container"]

STEEL_G_CM3 = 7.85
PLYWOOD_G_CM3 = 0.72

#: External length by its usual name (ISO 668).
CONTAINER_LENGTHS_M = {"20": 6.058, "40": 12.192, "45": 13.716}

WIDTH_M = 2.438


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
    """

    y0_m: float
    length_m: float
    height_m: float
    base_z_m: float
    wall_mm: float = 1.8
    floor_mm: float = 28.0
    corrugation_m: float = 0.278

    @property
    def y1_m(self) -> float:
        """Where it ends along the motion."""
        return self.y0_m + self.length_m

    @property
    def floor_z_m(self) -> float:
        """Height of the loading surface."""
        return self.base_z_m + 0.16 + self.floor_mm / 1000.0

    @property
    def ceiling_z_m(self) -> float:
        """Height of the underside of the roof."""
        return self.base_z_m + self.height_m - 0.04


def add_container(scene: Scene, container: Container, rng: np.random.Generator) -> None:
    """Add an empty container to a scene.

    Parameters
    ----------
    scene : Scene
        The scene, changed.
    container : Container
        The container.
    rng : numpy.random.Generator
        Wear: dents and patches differ from box to box.
    """
    c = container
    side = WIDTH_M / 2
    y = (c.y0_m, c.y1_m)
    top = c.base_z_m + c.height_m
    sheet = c.wall_mm / 1000.0
    along = scene.geometry.column_y_m
    for sign in (-1.0, 1.0):
        shift = rng.uniform(0.0, 0.03)
        wall = _corrugation(along - c.y0_m - shift, c.corrugation_m)
        centre = sign * (side - 0.02)
        x = (centre - sheet / 2, centre + sheet / 2)
        scene.box("steel", STEEL_G_CM3, x, y, (c.base_z_m + 0.16, top - 0.06), profile=wall)
        _tube(scene, (sign * side, sign * (side - 0.06)), y, (top - 0.06, top), 0.0035)
        _tube(scene, (sign * side, sign * (side - 0.048)), y, (c.base_z_m, c.base_z_m + 0.162), 0.0045)
        for end, inward in ((c.y0_m, 1.0), (c.y1_m, -1.0)):
            span = _ordered(end, end + inward * 0.15)
            _tube(scene, (sign * side, sign * (side - 0.12)), span, (c.base_z_m, top), 0.006)
            corner = _ordered(end, end + inward * 0.178)
            for z in ((c.base_z_m, c.base_z_m + 0.118), (top - 0.118, top)):
                _tube(scene, (sign * side, sign * (side - 0.162)), corner, z, 0.018)
    roof = _corrugation(along - c.y0_m, 0.209)
    x_inner = (-side + 0.05, side - 0.05)
    scene.box("steel", STEEL_G_CM3, x_inner, y, (top - 0.022, top - 0.020), profile=roof)
    # door and front seen edge-on: a few dark lines, most of each line open between the corrugations
    scene.box("steel", 0.12, x_inner, (c.y0_m + 0.02, c.y0_m + 0.06), (c.base_z_m + 0.1, top - 0.1))
    scene.box("steel", 0.10, x_inner, (c.y1_m - 0.07, c.y1_m - 0.02), (c.base_z_m + 0.1, top - 0.1))
    for bar in (-0.9, -0.3, 0.3, 0.9):
        place = (bar, c.y1_m + 0.005, c.base_z_m + c.height_m / 2)
        scene.cylinder("steel", 4.5, "z", place, 0.017, c.height_m - 0.1)
    # header and sill run along the beam: their walls hide only their own thickness of a line, so that
    # the mean over a pixel is far lighter than the steel in it
    for end in (c.y0_m + 0.04, c.y1_m - 0.05):
        y_end = (end - 0.04, end + 0.04)
        scene.box("steel", 0.07, x_inner, y_end, (top - 0.1, top))
        scene.box("steel", 0.07, x_inner, y_end, (c.base_z_m, c.base_z_m + 0.15))
    floor = (c.base_z_m + 0.16, c.floor_z_m)
    scene.box("organic", PLYWOOD_G_CM3, x_inner, y, floor)
    # cross-members: a thin web hides little of a line, so its mean thickness is kept low
    member = c.y0_m + 0.2
    while member < c.y1_m - 0.1:
        web = (member, member + 0.045)
        scene.box("steel", 0.12, x_inner, web, (c.base_z_m + 0.038, c.base_z_m + 0.16))
        member += 0.3
    for _ in range(rng.integers(0, 4)):
        patch = rng.uniform(c.y0_m + 0.3, c.y1_m - 0.8)
        low = rng.uniform(c.base_z_m + 0.3, top - 0.9)
        x = (side - 0.02, side - 0.02 + rng.uniform(0.0008, 0.002))
        scene.box("steel", STEEL_G_CM3, x, (patch, patch + rng.uniform(0.1, 0.4)), (low, low + 0.4))


def add_carrier(scene: Scene, kind: str, containers: tuple[Container, ...], rng: np.random.Generator) -> None:
    """Add what the containers stand on.

    Parameters
    ----------
    scene : Scene
        The scene, changed.
    kind : {"rail", "road", "none"}
        A flat wagon, a skeletal trailer, or nothing in the picture.
    containers : tuple of Container
        What it carries.
    rng : numpy.random.Generator
        Places of axles and boxes.

    Raises
    ------
    ValueError
        If `kind` is none of these.
    """
    if kind == "none":
        return
    if kind not in ("rail", "road"):
        raise ValueError(f"carrier must be rail, road or none, got {kind!r}")
    y0 = min(c.y0_m for c in containers)
    y1 = max(c.y1_m for c in containers)
    base = min(c.base_z_m for c in containers)
    if kind == "rail":
        _add_wagon(scene, y0, y1, base, rng)
    else:
        _add_trailer(scene, y0, y1, base, rng)


def _add_wagon(scene: Scene, y0: float, y1: float, base: float, rng: np.random.Generator) -> None:
    ends = (y0 - rng.uniform(0.3, 0.7), y1 + rng.uniform(0.3, 0.7))
    for x in (-1.2, 1.2):
        _tube(scene, (x - 0.05, x + 0.05), ends, (base - 0.32, base - 0.02), 0.009)
    for x in (-0.2, 0.2):
        _tube(scene, (x - 0.06, x + 0.06), ends, (base - 0.42, base - 0.05), 0.010)
    for y in np.arange(ends[0] + 0.4, ends[1] - 0.3, 1.9):
        scene.box("steel", 0.35, (-1.15, 1.15), (y, y + 0.1), (base - 0.3, base - 0.06))
    bogies = (ends[0] + 2.1, ends[1] - 2.1)
    for bogie in bogies:
        for wheel in (bogie - 0.9, bogie + 0.9):
            for x in (-0.75, 0.75):
                scene.cylinder("steel", STEEL_G_CM3, "x", (x, wheel, 0.46), 0.46, 0.10)
            scene.cylinder("steel", STEEL_G_CM3, "x", (0.0, wheel, 0.46), 0.09, 2.0)
        for x in (-1.0, 1.0):
            x_frame = (x - 0.05, x + 0.05)
            scene.box("steel", 4.0, x_frame, (bogie - 1.2, bogie + 1.2), (0.45, 0.62))
            scene.box("steel", 4.0, x_frame, (bogie - 0.25, bogie + 0.25), (0.35, 0.75))
    span = (scene.geometry.column_y_m[0] - 0.1, scene.geometry.column_y_m[-1] + 0.1)
    for x in (-0.75, 0.75):
        scene.box("steel", STEEL_G_CM3, (x - 0.035, x + 0.035), span, (-0.04, 0.0))
        scene.box("steel", STEEL_G_CM3, (x - 0.008, x + 0.008), span, (-0.14, -0.04))
    y = span[0] + rng.uniform(0.0, 0.6)
    while y < span[1]:
        scene.box("aluminium", 2.3, (-1.3, 1.3), (y, y + 0.25), (-0.40, -0.17))
        y += 0.6


def _add_trailer(scene: Scene, y0: float, y1: float, base: float, rng: np.random.Generator) -> None:
    ends = (y0 - rng.uniform(0.05, 0.25), y1 + rng.uniform(0.05, 0.2))
    for x in (-0.5, 0.5):
        scene.box("steel", STEEL_G_CM3, (x - 0.004, x + 0.004), ends, (base - 0.40, base - 0.01))
        scene.box("steel", 2.0, (x - 0.06, x + 0.06), ends, (base - 0.03, base - 0.01))
        scene.box("steel", 2.0, (x - 0.06, x + 0.06), ends, (base - 0.40, base - 0.38))
    for y in (y0 + 0.2, (y0 + y1) / 2, y1 - 0.3):
        scene.box("steel", 0.3, (-1.2, 1.2), (y, y + 0.12), (base - 0.16, base - 0.01))
    # landing gear, then the axles at the rear, and the tractor's drive axles under the front
    for x in (-0.8, 0.8):
        low = (x - 0.05, x + 0.05)
        _tube(scene, low, (y0 + 2.6, y0 + 2.72), (0.1, base - 0.05), 0.008)
    rear = y1 - rng.uniform(1.2, 1.9)
    axles = [rear, rear - 1.31, rear - 2.62, y0 + 0.7, y0 + 2.0]
    for axle in axles:
        if axle < y0 - 0.5:
            continue
        scene.cylinder("steel", STEEL_G_CM3, "x", (0.0, axle, 0.5), 0.065, 2.1)
        for x in (-1.05, 1.05):
            scene.cylinder("organic", 0.45, "x", (x, axle, 0.5), 0.5, 0.38)
            scene.cylinder("steel", 1.6, "x", (x, axle, 0.5), 0.28, 0.36)
    scene.box("aluminium", 1.9, (-3.0, 3.0), (y0 - 20.0, y1 + 20.0), (-0.5, -0.1))


def _tube(
    scene: Scene,
    x: tuple[float, float],
    y: tuple[float, float],
    z: tuple[float, float],
    wall_m: float,
) -> None:
    """Add a hollow steel profile, open along the motion."""
    x = _ordered(*x)
    scene.box("steel", STEEL_G_CM3, x, y, z)
    inner_x, inner_z = (x[0] + wall_m, x[1] - wall_m), (z[0] + wall_m, z[1] - wall_m)
    if inner_x[0] < inner_x[1] and inner_z[0] < inner_z[1]:
        scene.box("steel", -STEEL_G_CM3, inner_x, y, inner_z)


def _ordered(a: float, b: float) -> tuple[float, float]:
    return (a, b) if a < b else (b, a)


def _corrugation(y: NDArray[np.float64], period_m: float) -> NDArray[np.float64]:
    """Return relative thickness of trapezoidal sheet: its slopes are crossed obliquely."""
    phase = np.mod(y / period_m, 1.0)
    is_slope = ((phase > 0.26) & (phase < 0.50)) | (phase > 0.76)
    return np.where(is_slope, 1.25, 1.0)

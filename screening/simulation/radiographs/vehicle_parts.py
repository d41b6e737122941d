"""Wheels, tyres and engines, which trucks and the vehicles inside containers share."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from .parts import STEEL_G_CM3
from .scene import Region

__all__ = ["Bodies", "add_engine", "add_tyre", "add_wheels"]


class Bodies(Protocol):
    """Whatever bodies can be added to: a scene, or a load that weighs them."""

    def box(  # numpydoc ignore=PR01
        self,
        material: str,
        density_g_cm3: float,
        x: tuple[float, float],
        y: tuple[float, float],
        z: tuple[float, float],
    ) -> Region | None:
        """Add a box.

        Returns
        -------
        Region or None
            Window it is seen in; None if outside the picture.
        """

    def cylinder(  # numpydoc ignore=PR01
        self,
        material: str,
        density_g_cm3: float,
        axis: str,
        centre: tuple[float, float, float],
        radius_m: float,
        length_m: float,
    ) -> Region | None:
        """Add a cylinder.

        Returns
        -------
        Region or None
            Window it is seen in; None if outside the picture.
        """

    def ellipsoid(  # numpydoc ignore=PR01
        self,
        material: str,
        density_g_cm3: float,
        centre: tuple[float, float, float],
        half_axes: tuple[float, float, float],
    ) -> Region | None:
        """Add an ellipsoid.

        Returns
        -------
        Region or None
            Window it is seen in; None if outside the picture.
        """

    def tube(  # numpydoc ignore=PR01
        self,
        material: str,
        density_g_cm3: float,
        start: tuple[float, float, float],
        end: tuple[float, float, float],
        outer_m: float,
        inner_m: float = 0.0,
    ) -> Region | None:
        """Add a pipe between two points.

        Returns
        -------
        Region or None
            Window it is seen in; None if outside the picture.
        """


def add_wheels(
    scene: Bodies, y_m: float, rng: np.random.Generator, *, is_twin: bool, radius_m: float = 0.5
) -> None:
    """Add an axle of a truck with its wheels: tyres with tread and steel cord, rims, hubs, brakes.

    Parameters
    ----------
    scene : Bodies
        Where it is added.
    y_m : float
        Place of the axle along the motion.
    rng : numpy.random.Generator
        Wear and pressure.
    is_twin : bool
        Two wheels a side.
    radius_m : float, default 0.5
        Outer radius of the tyre.
    """
    z = radius_m
    scene.cylinder("steel", STEEL_G_CM3, "x", (0.0, y_m, z), 0.065, 1.9)
    tyre = radius_m * rng.uniform(0.97, 1.0)
    rim = 0.57 * radius_m
    places = ((-1.08, -0.76), (0.76, 1.08)) if is_twin else ((-1.02,), (1.02,))
    for side in places:
        for x in side:
            width = 0.27 if is_twin else 0.36
            add_tyre(scene, (x, y_m, z), tyre, rim, width)
            scene.cylinder("steel", STEEL_G_CM3, "x", (x, y_m, z), rim * 0.95, 0.012)
            scene.cylinder("steel", STEEL_G_CM3, "x", (x, y_m, z), rim, width * 0.75)
            scene.cylinder("steel", -STEEL_G_CM3, "x", (x, y_m, z), rim - 0.008, width * 0.75)
        hub = float(np.mean(side))
        scene.cylinder("steel", 5.5, "x", (hub, y_m, z), 0.12, 0.28)
        inner = 0.82 * hub
        scene.cylinder("steel", STEEL_G_CM3, "x", (inner, y_m, z), 0.21, 0.05)


def add_tyre(
    scene: Bodies, centre: tuple[float, float, float], radius_m: float, rim_m: float, width_m: float
) -> None:
    """Add a tyre with its axis across the motion: tread with steel belts, two side walls.

    Parameters
    ----------
    scene : Bodies
        Where it is added.
    centre : tuple of float
        Its centre, m.
    radius_m, rim_m, width_m : float
        Outer radius, radius of its bead, width.
    """
    tread = 0.05 * radius_m + 0.012
    scene.cylinder("tyre", 1.25, "x", centre, radius_m, width_m)
    scene.cylinder("tyre", -1.25, "x", centre, radius_m - tread, width_m)
    # the side walls, a tenth of its width each, down to the bead
    scene.cylinder("tyre", 0.25, "x", centre, radius_m - tread, width_m)
    scene.cylinder("tyre", -0.25, "x", centre, rim_m, width_m)
    scene.cylinder("steel", 1.6, "x", centre, rim_m + 0.012, width_m * 0.85)
    scene.cylinder("steel", -1.6, "x", centre, rim_m, width_m * 0.85)


def add_engine(
    scene: Bodies,
    centre: tuple[float, float, float],
    size: tuple[float, float, float],
    rng: np.random.Generator,
    *,
    is_iron: bool = True,
) -> None:
    """Add an engine: block with bores, head, sump, crankshaft, flywheel, manifold, alternator.

    Parameters
    ----------
    scene : Bodies
        Where it is added.
    centre : tuple of float
        Its centre, m.
    size : tuple of float
        Across, along and height, m; cylinders stand in a row along the motion.
    rng : numpy.random.Generator
        What hangs on it.
    is_iron : bool, default True
        Cast iron; aluminium otherwise.
    """
    material, density = ("cast-iron", 7.2) if is_iron else ("aluminium", 2.7)
    cx, cy, cz = centre
    wx, wy, wz = size
    block_z = (cz - 0.22 * wz, cz + 0.28 * wz)
    y = (cy - wy / 2, cy + wy / 2)
    scene.box(material, density * 0.62, (cx - wx * 0.24, cx + wx * 0.24), y, block_z)
    n = int(rng.choice([4, 6])) if wy > 0.7 else 4
    for k in range(n):
        bore = cy - wy / 2 + (k + 0.5) * wy / n
        radius = 0.36 * wy / n
        scene.cylinder(material, -density * 0.55, "z", (cx, bore, cz + 0.03 * wz), radius, 0.48 * wz)
        piston = cz + wz * (0.12 if k % 3 == 0 else -0.04)
        scene.cylinder("aluminium", 1.6, "z", (cx, bore, piston), radius * 0.98, 0.1 * wz)
        scene.box("steel", 4.0, (cx - 0.012, cx + 0.012), (bore - 0.02, bore + 0.02), (cz - 0.2 * wz, piston))
    scene.box("aluminium", 1.5, (cx - wx * 0.26, cx + wx * 0.26), y, (cz + 0.28 * wz, cz + 0.42 * wz))
    scene.box("steel", 0.9, (cx - wx * 0.2, cx + wx * 0.2), y, (cz - 0.45 * wz, cz - 0.22 * wz))
    scene.cylinder("steel", 6.5, "y", (cx, cy, cz - 0.22 * wz), 0.055 * wz + 0.02, wy)
    scene.cylinder("steel", STEEL_G_CM3, "y", (cx, y[1] + 0.02, cz - 0.2 * wz), 0.22 * wz, 0.04)
    scene.box("steel", 1.0, (cx + wx * 0.24, cx + wx * 0.42), y, (cz + 0.05 * wz, cz + 0.25 * wz))
    alternator = (cx - wx * 0.36, y[0] + 0.12, cz + rng.uniform(-0.1, 0.15) * wz)
    scene.cylinder("copper", 2.6, "y", alternator, 0.07, 0.14)
    scene.cylinder("steel", 3.2, "y", alternator, 0.07, 0.14)

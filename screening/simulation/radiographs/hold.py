"""The space inside a container, and what is put there by mass."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .scene import Region, Scene

__all__ = ["MAX_PAYLOAD_KG", "Hold", "Load"]

#: Largest payload by container length, kg: maximum gross mass of ISO 668 (30,480 kg) less the box, and
#: for 20 ft boxes what roads commonly allow.
MAX_PAYLOAD_KG = {"20": 28_000.0, "40": 26_500.0, "45": 27_600.0}


class Hold(NamedTuple):
    """The space inside a container, m.

    Attributes
    ----------
    y0_m, y1_m : float
        Its ends.
    z0_m, z1_m : float
        Floor and ceiling.
    half_width_m : float
        Half its width.
    """

    y0_m: float
    y1_m: float
    z0_m: float
    z1_m: float
    half_width_m: float = 1.15

    @property
    def length_m(self) -> float:
        """Length along the motion."""
        return self.y1_m - self.y0_m

    @property
    def height_m(self) -> float:
        """Clear height."""
        return self.z1_m - self.z0_m

    def within(
        self, centre: tuple[float, float, float], half: tuple[float, float, float]
    ) -> tuple[float, float, float]:
        """Return a place so that a body lies in the hold; in its middle if it is too large.

        Parameters
        ----------
        centre : tuple of float
            Where the body would be, m.
        half : tuple of float
            Half its extent along each axis, m.

        Returns
        -------
        tuple of float
            Its place, moved as little as needed.
        """
        limits = ((-self.half_width_m, self.half_width_m), (self.y0_m, self.y1_m), (self.z0_m, self.z1_m))
        moved = []
        for at, reach, (low, high) in zip(centre, half, limits, strict=True):
            fits = high - low >= 2.0 * reach
            moved.append(min(max(at, low + reach), high - reach) if fits else (low + high) / 2.0)
        return float(moved[0]), float(moved[1]), float(moved[2])

    def within_cylinder(
        self, axis: str, centre: tuple[float, float, float], radius_m: float, length_m: float
    ) -> tuple[float, float, float]:
        """Return a place so that a cylinder lies in the hold.

        Parameters
        ----------
        axis : {"x", "y", "z"}
            Its direction.
        centre : tuple of float
            Where it would be, m.
        radius_m, length_m : float
            Its size.

        Returns
        -------
        tuple of float
            Its place, moved as little as needed.
        """
        half = tuple(length_m / 2.0 if one == axis else radius_m for one in "xyz")
        return self.within(centre, (half[0], half[1], half[2]))


class Load:
    """Goods on their way into a hold: bodies with their mass, up to what the box may carry.

    Parameters
    ----------
    scene : Scene
        The scene, changed by every body.
    hold : Hold
        Where the goods stand.
    max_mass_kg : float
        Largest mass of the goods.

    Attributes
    ----------
    scene : Scene
        The scene.
    hold : Hold
        The space.
    max_mass_kg : float
        Largest mass.
    mass_kg : float
        Mass put in so far.
    """

    def __init__(self, scene: Scene, hold: Hold, max_mass_kg: float) -> None:
        self.scene = scene
        self.hold = hold
        self.max_mass_kg = max_mass_kg
        self.mass_kg = 0.0

    def room_kg(self) -> float:
        """Return what may still be put in, kg.

        Returns
        -------
        float
            Never negative.
        """
        return max(self.max_mass_kg - self.mass_kg, 0.0)

    def part(self, hold: Hold, max_mass_kg: float | None = None) -> Load:
        """Return a load of its own for part of the hold.

        Parameters
        ----------
        hold : Hold
            The part.
        max_mass_kg : float, optional
            Its largest mass; what is left here when omitted.

        Returns
        -------
        Load
            Into the same scene. Its mass must be added by the caller.
        """
        limit = self.room_kg() if max_mass_kg is None else min(max_mass_kg, self.room_kg())
        return Load(self.scene, hold, limit)

    def box(
        self,
        material: str,
        density_g_cm3: float,
        x: tuple[float, float],
        y: tuple[float, float],
        z: tuple[float, float],
        *,
        rotation: np.ndarray | None = None,
    ) -> Region | None:
        """Add a box; see :meth:`Scene.box`.

        Parameters
        ----------
        material : str
            What it is made of.
        density_g_cm3 : float
            Mean density; negative to hollow out.
        x, y, z : tuple of float
            Its extent, m.
        rotation : ndarray of shape (3, 3), optional
            Turns it about its centre.

        Returns
        -------
        Region or None
            Where it is seen.
        """
        self.mass_kg += 1000.0 * density_g_cm3 * (x[1] - x[0]) * (y[1] - y[0]) * (z[1] - z[0])
        if rotation is None:
            return self.scene.box(material, density_g_cm3, x, y, z)
        return self.scene.box(material, density_g_cm3, x, y, z, rotation=rotation)

    def cylinder(
        self,
        material: str,
        density_g_cm3: float,
        axis: str,
        centre: tuple[float, float, float],
        radius_m: float,
        length_m: float,
        *,
        inner_m: float = 0.0,
        rotation: np.ndarray | None = None,
    ) -> Region | None:
        """Add a cylinder, or a ring; see :meth:`Scene.cylinder`.

        Parameters
        ----------
        material : str
            What it is made of.
        density_g_cm3 : float
            Mean density.
        axis : {"x", "y", "z"}
            Direction of its axis.
        centre : tuple of float
            Its centre, m.
        radius_m, length_m : float
            Its size.
        inner_m : float, default 0
            Radius of a bore.
        rotation : ndarray of shape (3, 3), optional
            Turns it about its centre.

        Returns
        -------
        Region or None
            Where it is seen.
        """
        self.mass_kg += 1000.0 * density_g_cm3 * math.pi * (radius_m**2 - inner_m**2) * length_m
        turned = {} if rotation is None else {"rotation": rotation}
        region = self.scene.cylinder(material, density_g_cm3, axis, centre, radius_m, length_m, **turned)
        if inner_m > 0.0:
            self.scene.cylinder(material, -density_g_cm3, axis, centre, inner_m, length_m, **turned)
        return region

    def ellipsoid(
        self,
        material: str,
        density_g_cm3: float,
        centre: tuple[float, float, float],
        half_axes: tuple[float, float, float],
        *,
        rotation: np.ndarray | None = None,
    ) -> Region | None:
        """Add an ellipsoid; see :meth:`Scene.ellipsoid`.

        Parameters
        ----------
        material : str
            What it is made of.
        density_g_cm3 : float
            Mean density.
        centre, half_axes : tuple of float
            Its centre and half axes, m.
        rotation : ndarray of shape (3, 3), optional
            Turns it about its centre.

        Returns
        -------
        Region or None
            Where it is seen.
        """
        self.mass_kg += 1000.0 * density_g_cm3 * 4.0 / 3.0 * math.pi * math.prod(half_axes)
        if rotation is None:
            return self.scene.ellipsoid(material, density_g_cm3, centre, half_axes)
        return self.scene.ellipsoid(material, density_g_cm3, centre, half_axes, rotation=rotation)

    def tube(
        self,
        material: str,
        density_g_cm3: float,
        start: tuple[float, float, float],
        end: tuple[float, float, float],
        outer_m: float,
        inner_m: float = 0.0,
    ) -> Region | None:
        """Add a pipe between two points; see :meth:`Scene.tube`.

        Parameters
        ----------
        material : str
            What it is made of.
        density_g_cm3 : float
            Density of its wall.
        start, end : tuple of float
            Middle of its ends, m.
        outer_m, inner_m : float
            Its radii.

        Returns
        -------
        Region or None
            Where it is seen.
        """
        area = math.pi * (outer_m**2 - inner_m**2)
        self.mass_kg += 1000.0 * density_g_cm3 * area * math.dist(start, end)
        return self.scene.tube(material, density_g_cm3, start, end, outer_m, inner_m)

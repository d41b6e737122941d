"""Solids that assemblies are put together from: boxes, cylinders, ellipsoids, meshes with their material."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .meshes import Mesh, extruded, turned

__all__ = ["Part", "block", "disc", "plate", "rod", "solid_of_revolution", "spheroid"]

Triple = tuple[float, float, float]
_UPRIGHT = np.eye(3)
# every part that is not turned shares it
_UPRIGHT.setflags(write=False)


class Part(NamedTuple):
    """One body of an assembly.

    Attributes
    ----------
    shape : {"box", "cylinder", "ellipsoid", "mesh"}
        What it is.
    material : str
        What it is made of.
    density_g_cm3 : float
        Density; negative to hollow out the parts before it.
    centre : tuple of float
        Its place in the assembly, m.
    size : tuple of float
        Full size of a box; radius, radius and length of a cylinder along z; half axes of an ellipsoid;
        full size of what encloses a mesh.
    rotation : ndarray of shape (3, 3), float64
        Turns it about its centre.
    mesh : Mesh or None
        Of a mesh.
    """

    shape: str
    material: str
    density_g_cm3: float
    centre: Triple
    size: Triple
    rotation: NDArray[np.float64] = _UPRIGHT
    mesh: Mesh | None = None

    @property
    def half_size_m(self) -> NDArray[np.float64]:
        """Half the extent of the upright box around it, shape (3,)."""
        if self.shape == "cylinder":
            half = np.array([self.size[0], self.size[1], self.size[2] / 2.0])
        elif self.shape == "ellipsoid":
            half = np.array(self.size)
        else:
            half = np.array(self.size) / 2.0
        return np.asarray(np.abs(self.rotation) @ half)

    @property
    def mass_kg(self) -> float:
        """Mass, negative if it hollows out."""
        a, b, c = self.size
        if self.mesh is not None:
            volume = self.mesh.volume_m3
        elif self.shape == "cylinder":
            volume = math.pi * a * b * c
        elif self.shape == "ellipsoid":
            volume = 4.0 / 3.0 * math.pi * a * b * c
        else:
            volume = a * b * c
        return 1000.0 * self.density_g_cm3 * float(volume)


def block(material: str, density_g_cm3: float, centre: Triple, size: Triple) -> Part:
    """Return a box.

    Parameters
    ----------
    material : str
        What it is made of.
    density_g_cm3 : float
        Density.
    centre, size : tuple of float
        Place and full size, m.

    Returns
    -------
    Part
        The box.
    """
    return Part("box", material, density_g_cm3, centre, size)


def spheroid(material: str, density_g_cm3: float, centre: Triple, half_axes: Triple) -> Part:
    """Return an ellipsoid.

    Parameters
    ----------
    material : str
        What it is made of.
    density_g_cm3 : float
        Density.
    centre, half_axes : tuple of float
        Place and half axes, m.

    Returns
    -------
    Part
        The ellipsoid.
    """
    return Part("ellipsoid", material, density_g_cm3, centre, half_axes)


def disc(
    material: str, density_g_cm3: float, axis: str, centre: Triple, radius_m: float, length_m: float
) -> Part:
    """Return a cylinder along an axis.

    Parameters
    ----------
    material : str
        What it is made of.
    density_g_cm3 : float
        Density.
    axis : {"x", "y", "z"}
        Its direction.
    centre : tuple of float
        Its place, m.
    radius_m, length_m : float
        Its size.

    Returns
    -------
    Part
        The cylinder.

    Raises
    ------
    ValueError
        If the axis is none of these.
    """
    turns = {
        "x": np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]),
        "y": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]),
        "z": _UPRIGHT,
    }
    if axis not in turns:
        raise ValueError(f"axis must be x, y or z, got {axis!r}")
    return Part("cylinder", material, density_g_cm3, centre, (radius_m, radius_m, length_m), turns[axis])


def rod(material: str, density_g_cm3: float, start: Triple, end: Triple, radius_m: float) -> Part:
    """Return a cylinder between two points.

    Parameters
    ----------
    material : str
        What it is made of.
    density_g_cm3 : float
        Density.
    start, end : tuple of float
        Middle of its ends, m.
    radius_m : float
        Its radius.

    Returns
    -------
    Part
        The cylinder.

    Raises
    ------
    ValueError
        If both ends are one point.
    """
    first, last = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    length = float(np.linalg.norm(last - first))
    if not length > 0.0:
        raise ValueError(f"a rod needs two ends, got {start!r} twice")
    middle = _triple((first + last) / 2.0)
    size = (radius_m, radius_m, length)
    return Part("cylinder", material, density_g_cm3, middle, size, _turn_z_to((last - first) / length))


def plate(
    material: str,
    density_g_cm3: float,
    outline: ArrayLike,
    thickness_m: float,
    centre: Triple = (0.0, 0.0, 0.0),
) -> Part:
    """Return a flat outline in the plane of motion and height, drawn out along the beam.

    Parameters
    ----------
    material : str
        What it is made of.
    density_g_cm3 : float
        Density.
    outline : array_like of shape (n_point, 2), float64
        Corners (y, z), m.
    thickness_m : float
        Extent along x.
    centre : tuple of float
        Where the outline's origin goes.

    Returns
    -------
    Part
        The plate.
    """
    return _of_mesh(material, density_g_cm3, extruded(outline, thickness_m), centre)


def solid_of_revolution(
    material: str, density_g_cm3: float, outline: ArrayLike, centre: Triple = (0.0, 0.0, 0.0)
) -> Part:
    """Return an outline turned about the vertical.

    Parameters
    ----------
    material : str
        What it is made of.
    density_g_cm3 : float
        Density.
    outline : array_like of shape (n_point, 2), float64
        Radius and height from bottom to top, m.
    centre : tuple of float
        Where the origin of the outline goes.

    Returns
    -------
    Part
        The solid.
    """
    return _of_mesh(material, density_g_cm3, turned(outline), centre)


def _of_mesh(material: str, density_g_cm3: float, mesh: Mesh, centre: Triple) -> Part:
    """Centre a mesh on the box around it, so that a part's place and size say where it is."""
    low, high = mesh.vertices_m.min(axis=0), mesh.vertices_m.max(axis=0)
    middle = (low + high) / 2.0
    one = mesh._replace(vertices_m=mesh.vertices_m - middle)
    place = _triple(np.asarray(centre) + middle)
    return Part("mesh", material, density_g_cm3, place, _triple(high - low), _UPRIGHT, one)


def _turn_z_to(direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a rotation that takes the z axis to a direction."""
    helper = np.array([1.0, 0.0, 0.0]) if abs(direction[0]) < 0.9 else np.array([0.0, 1.0, 0.0])
    first = np.cross(helper, direction)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(direction, first), direction], axis=1)


def _triple(values: NDArray[np.float64]) -> Triple:
    return float(values[0]), float(values[1]), float(values[2])

"""Assemblies: objects put together from bodies and meshes about an origin of their own.

An assembly can be put into any scene, at any place and turned any way, or be traced alone for threat
image projection. Axes as in scenes; metres.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .scene import Scene, SceneObject
from .solids import Part

__all__ = ["Assembly", "about_z", "assemble", "moved", "put", "random_rotation"]

Triple = tuple[float, float, float]
_UPRIGHT = np.eye(3)
_UPRIGHT.setflags(write=False)


class Assembly(NamedTuple):
    """An object.

    Attributes
    ----------
    label : str
        Its name.
    kind : {"threat", "lookalike", "stash", "person"}
        What it counts as.
    parts : tuple of Part
        In order: what hollows out comes after what it hollows.
    low_m, high_m : tuple of float
        Corners of the upright box around it.
    """

    label: str
    kind: str
    parts: tuple[Part, ...]
    low_m: Triple
    high_m: Triple

    @property
    def mass_kg(self) -> float:
        """Mass of all parts."""
        return float(sum(part.mass_kg for part in self.parts))

    @property
    def size_m(self) -> Triple:
        """Extent of the upright box around it."""
        size = np.subtract(self.high_m, self.low_m)
        return float(size[0]), float(size[1]), float(size[2])


def assemble(label: str, kind: str, parts: Iterable[Part]) -> Assembly:
    """Return an assembly with its extent.

    Parameters
    ----------
    label, kind : str
        What it is.
    parts : iterable of Part
        Its bodies.

    Returns
    -------
    Assembly
        The object.

    Raises
    ------
    ValueError
        If it has no parts.
    """
    pieces = tuple(parts)
    if not pieces:
        raise ValueError(f"{label!r} has no parts")
    centres = np.array([part.centre for part in pieces])
    halves = np.array([part.half_size_m for part in pieces])
    low, high = (centres - halves).min(axis=0), (centres + halves).max(axis=0)
    return Assembly(label, kind, pieces, _triple(low), _triple(high))


def moved(
    parts: Iterable[Part], centre: ArrayLike, rotation: NDArray[np.float64] | None = None
) -> list[Part]:
    """Return parts turned about the origin and then moved.

    Parameters
    ----------
    parts : iterable of Part
        The parts.
    centre : array_like of shape (3,), float64
        Where the origin goes, m.
    rotation : ndarray of shape (3, 3), float64, optional
        The turn.

    Returns
    -------
    list of Part
        The same in their new place.
    """
    turn = _UPRIGHT if rotation is None else rotation
    shift = np.asarray(centre, dtype=np.float64)
    return [
        part._replace(centre=_triple(turn @ np.array(part.centre) + shift), rotation=turn @ part.rotation)
        for part in parts
    ]


def put(
    scene: Scene, assembly: Assembly, centre: Triple, rotation: NDArray[np.float64] | None = None
) -> SceneObject:
    """Put an assembly into a scene, as a labelled object.

    Parameters
    ----------
    scene : Scene
        The scene, changed.
    assembly : Assembly
        The object.
    centre : tuple of float
        Where its origin goes, m.
    rotation : ndarray of shape (3, 3), float64, optional
        Turns it about its origin.

    Returns
    -------
    SceneObject
        What the scene knows of it: label, kind, window and areal density.
    """
    with scene.labelled(assembly.label, assembly.kind) as found:
        for part in moved(assembly.parts, centre, rotation):
            turn = None if np.array_equal(part.rotation, _UPRIGHT) else part.rotation
            if part.mesh is not None:
                scene.mesh(
                    part.material,
                    part.density_g_cm3,
                    part.mesh.vertices_m,
                    part.mesh.triangles,
                    centre=part.centre,
                    rotation=turn,
                )
            elif part.shape == "cylinder":
                scene.cylinder(
                    part.material,
                    part.density_g_cm3,
                    "z",
                    part.centre,
                    part.size[0],
                    part.size[2],
                    rotation=turn,
                )
            elif part.shape == "ellipsoid":
                scene.ellipsoid(part.material, part.density_g_cm3, part.centre, part.size, rotation=turn)
            else:
                spans = [(c - s / 2.0, c + s / 2.0) for c, s in zip(part.centre, part.size, strict=True)]
                scene.box(part.material, part.density_g_cm3, spans[0], spans[1], spans[2], rotation=turn)
    return found


def random_rotation(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a rotation drawn evenly from all (a random unit quaternion).

    Parameters
    ----------
    rng : numpy.random.Generator
        The draw.

    Returns
    -------
    ndarray of shape (3, 3), float64
        The rotation.
    """
    q = rng.standard_normal(4)
    w, x, y, z = q / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def about_z(angle_rad: float) -> NDArray[np.float64]:
    """Return the rotation about the vertical.

    Parameters
    ----------
    angle_rad : float
        The angle.

    Returns
    -------
    ndarray of shape (3, 3), float64
        The rotation.
    """
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _triple(values: NDArray[np.float64]) -> Triple:
    return float(values[0]), float(values[1]), float(values[2])

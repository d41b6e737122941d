"""Bodies with their materials, and their way through the tracer into planes of areal density."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.kernels.fan import BOX, UPRIGHT, FanRays, trace_bodies, trace_mesh
from screening.physics.attenuation import MATERIALS, SYMBOLS

from .bodies import Body
from .geometry import FanGeometry, Region
from .meshes import Mesh

__all__ = ["MATERIAL_ALIASES", "Placed", "material_of", "trace_alone", "trace_into", "union_of"]

#: Names of scenes that are no materials of :mod:`screening.physics`.
MATERIAL_ALIASES = {"organic": "wood"}

#: Rays across a pixel of a mesh, along each axis.
MESH_RAYS = 2

#: Part of a line over which a skewed fan may smear the faces of an upright box that is traced as one.
MOST_SMEAR = 0.25

#: An object is where its areal density is above the rounding of the tracer.
LEAST_SEEN_G_CM2 = 1e-4


class Placed(NamedTuple):
    """A body or a mesh with its material and the window to look in.

    Attributes
    ----------
    material : str
        Name of the material.
    density_g_cm3 : float
        Density; negative to hollow out.
    body : Body or None
        A convex body,
    mesh : Mesh or None
        or a mesh.
    profile : ndarray of shape (n_column,), float64, or None
        Relative thickness along the motion.
    window : Region
        Where it is seen.
    """

    material: str
    density_g_cm3: float
    body: Body | None
    mesh: Mesh | None
    profile: NDArray[np.float64] | None
    window: Region


def material_of(material: str) -> str:
    """Return the name in :mod:`screening.physics` of a material of a scene.

    Parameters
    ----------
    material : str
        Name in ``screening.physics.MATERIALS``, an element symbol, or "organic".

    Returns
    -------
    str
        Name of the coefficients.

    Raises
    ------
    ValueError
        If the material is unknown.
    """
    name = MATERIAL_ALIASES.get(material, material)
    if name not in MATERIALS and name not in SYMBOLS[1:]:
        raise ValueError(
            f"unknown material {material!r}; known: organic, element symbols and "
            f"{', '.join(sorted(MATERIALS))}"
        )
    return name


def union_of(regions: Iterable[Region | None]) -> Region | None:
    """Return the window around windows.

    Parameters
    ----------
    regions : iterable of Region or None
        Windows; None is left out.

    Returns
    -------
    Region or None
        The window; None without any.
    """
    seen = [region for region in regions if region is not None]
    if not seen:
        return None
    return Region(
        min(r.row0 for r in seen), min(r.col0 for r in seen),
        max(r.row1 for r in seen), max(r.col1 for r in seen),
    )  # fmt: skip


def trace_into(
    planes: NDArray[np.float32],
    placed: Sequence[Placed],
    materials: dict[str, int],
    rays: FanRays,
    corner: tuple[int, int] = (0, 0),
) -> None:
    """Add bodies to planes.

    Parameters
    ----------
    planes : ndarray of shape (n_material, n_row, n_column), float32
        Areal density, g/cm2; changed.
    placed : sequence of Placed
        The bodies.
    materials : dict of str to int
        Plane of each material.
    rays : FanRays
        Rays of the planes' rows and columns.
    corner : tuple of int
        Pixel of the picture that is the planes' first.
    """
    n_row, n_column = rays.row_z_m.size, rays.column_y_m.size
    bodies: list[tuple[int, ...]] = []
    shapes: list[tuple[float, ...]] = []
    profiles: list[NDArray[np.float64]] = []
    for one in placed:
        # a line wider than the window shown, for pulses between lines
        window = (
            max(one.window.row0 - corner[0], 0),
            max(one.window.col0 - corner[1] - 1, 0),
            min(one.window.row1 - corner[0], n_row),
            min(one.window.col1 - corner[1] + 1, n_column),
        )
        if window[0] >= window[2] or window[1] >= window[3]:
            continue
        plane = materials[one.material]
        if one.mesh is not None:
            trace_mesh(
                planes[plane], vertices_m=one.mesh.vertices_m, triangles=one.mesh.triangles,
                density_g_cm3=one.density_g_cm3, rays=rays, window=window, n_sub=MESH_RAYS,
            )  # fmt: skip
        elif one.body is not None:
            which = -1
            if one.profile is not None:
                which = len(profiles)
                profiles.append(one.profile[corner[1] : corner[1] + n_column])
            body = one.body
            smear_m = 2.0 * body.half[0] * abs(rays.skew)
            if body.kind == UPRIGHT and which < 0 and smear_m > MOST_SMEAR * rays.pitch_m[1]:
                body = body._replace(kind=BOX)
            bodies.append((body.kind, plane, which, *body.rays(rays.pitch_m), *window))
            shapes.append((one.density_g_cm3, *body.centre, *body.matrix))
    if bodies:
        trace_bodies(
            planes, bodies=bodies, shapes=shapes,
            profiles=np.array(profiles, dtype=np.float64).reshape(len(profiles), n_column), rays=rays,
        )  # fmt: skip


def trace_alone(placed: Sequence[Placed], geometry: FanGeometry) -> tuple[Region | None, NDArray[np.float32]]:
    """Return the areal density of some bodies without the rest of their scene.

    Parameters
    ----------
    placed : sequence of Placed
        The bodies.
    geometry : FanGeometry
        Of the scene.

    Returns
    -------
    region : Region or None
        Smallest window that holds them; None if they are not in the picture.
    density : ndarray of shape (row1 - row0, col1 - col0), float32
        Areal density in it, g/cm2, read-only; shape (0, 0) if not in the picture.
    """
    region = union_of([one.window for one in placed])
    empty = np.zeros((0, 0), dtype=np.float32)
    if region is None:
        return None, empty
    rays = geometry.rays()
    rays = rays._replace(
        row_z_m=rays.row_z_m[region.row0 : region.row1],
        column_y_m=rays.column_y_m[region.col0 : region.col1],
    )
    names = {name: k for k, name in enumerate(sorted({one.material for one in placed}))}
    planes = np.zeros((len(names), rays.row_z_m.size, rays.column_y_m.size), dtype=np.float32)
    trace_into(planes, placed, names, rays, (region.row0, region.col0))
    density = np.maximum(planes, np.float32(0.0)).sum(axis=0, dtype=np.float32)
    is_there = density > LEAST_SEEN_G_CM2
    if not is_there.any():
        return None, empty
    rows, columns = np.flatnonzero(is_there.any(axis=1)), np.flatnonzero(is_there.any(axis=0))
    row0, row1, col0, col1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    density = np.where(is_there, density, np.float32(0.0))[row0:row1, col0:col1].copy()
    density.setflags(write=False)
    return Region(region.row0 + row0, region.col0 + col0, region.row0 + row1, region.col0 + col1), density

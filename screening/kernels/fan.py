"""Fan-beam tracing: areal density of bodies and meshes in every pixel of a line scanner's picture."""

from __future__ import annotations

import math
import operator
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _fan as _engine

__all__ = ["BALL", "BOX", "CYLINDER", "MAX_RAYS", "UPRIGHT", "FanRays", "trace_bodies", "trace_mesh"]

#: Kinds of body. All but the mesh are a unit body behind an affine map: an upright box (its faces along the
#: axes, its share of a line worked out exactly), any other box (|x|, |y|, |z| <= 1), a cylinder
#: (x^2 + y^2 <= 1, |z| <= 1) and a ball (x^2 + y^2 + z^2 <= 1).
UPRIGHT, BOX, CYLINDER, BALL = range(4)

#: Largest number of rays over one row, or parts of one line.
MAX_RAYS = 64


class FanRays(NamedTuple):
    """The rays of a line scanner: one fan across the motion for each line.

    Axes, metres: x from source to detector, y along the motion, z up; x = 0 is the centre plane.

    Attributes
    ----------
    row_z_m : ndarray of shape (n_row,), float64
        Height at the centre plane that each row looks at; falling.
    column_y_m : ndarray of shape (n_column,), float64
        Position of each line along the motion; rising or falling throughout.
    pitch_m : tuple of float
        (row, column) size of a pixel at the centre plane.
    source_distance_m, source_height_m : float
        From the source to the centre plane, and its height.
    skew : float, default 0.0
        Tangent of the angle between the fans and the plane across the motion: at depth x a line sees
        y + skew x.
    """

    row_z_m: NDArray[np.float64]
    column_y_m: NDArray[np.float64]
    pitch_m: tuple[float, float]
    source_distance_m: float
    source_height_m: float
    skew: float = 0.0


class _Rays(TypedDict):
    row_z_m: NDArray[np.float64]
    column_y_m: NDArray[np.float64]
    row_pitch_m: float
    column_pitch_m: float
    source_distance_m: float
    source_height_m: float
    skew: float


def trace_bodies(
    planes: NDArray[np.float32], *, bodies: ArrayLike, shapes: ArrayLike, profiles: ArrayLike, rays: FanRays
) -> None:
    """Add convex bodies to planes of areal density.

    A pixel gets the mean over its rays: `n_ray` across the row, at `n_part` places of the line. An upright
    box needs no parts, its share of each line is exact; with a skew it is that at the box's middle depth,
    which is for thin ones only.

    Parameters
    ----------
    planes : ndarray of shape (n_plane, n_row, n_column), float32
        Areal density, g/cm2; changed.
    bodies : array_like of shape (n_body, 9), int32
        Kind, plane, profile (-1 for none; upright boxes alone), n_ray, n_part, and the half-open window
        row0, col0, row1, col1 outside of which a body is not looked for.
    shapes : array_like of shape (n_body, 13), float64
        Density, g/cm3 (negative to hollow out), centre, m, and the rows of the matrix that takes an offset
        from the centre in metres to the unit body; diagonal and positive for an upright box.
    profiles : array_like of shape (n_profile, n_column), float64
        Relative thickness by line.
    rays : FanRays
        The rays.

    Raises
    ------
    TypeError
        If `planes` has another dtype, or `bodies` are not whole numbers.
    ValueError
        If a shape does not fit, a value is out of its range, or a body reaches back to the source.
    """
    _require_planes(planes, 3, rays)
    n_plane, n_row, n_column = planes.shape
    given = _whole("bodies", bodies)
    shape = np.ascontiguousarray(shapes, dtype=np.float64)
    profile = np.ascontiguousarray(profiles, dtype=np.float64)
    if given.ndim != 2 or given.shape[1] != 9:
        raise ValueError(f"bodies needs shape (n_body, 9), got {given.shape}")
    if shape.shape != (len(given), 13):
        raise ValueError(f"shapes needs shape ({len(given)}, 13), got {shape.shape}")
    if profile.ndim != 2 or profile.shape[1] != n_column:
        raise ValueError(f"profiles needs shape (n_profile, {n_column}), got {profile.shape}")
    for name, column, low, high in (
        ("kind", 0, UPRIGHT, BALL),
        ("plane", 1, 0, n_plane - 1),
        ("profile", 2, -1, len(profile) - 1),
        ("n_ray", 3, 1, MAX_RAYS),
        ("n_part", 4, 1, MAX_RAYS),
        ("row", 5, 0, n_row),
        ("row", 7, 0, n_row),
        ("column", 6, 0, n_column),
        ("column", 8, 0, n_column),
    ):
        values = given[:, column]
        if values.size and not low <= values.min() <= values.max() <= high:
            raise ValueError(f"bodies: {name} must be {low} to {high}, got {values.min()} to {values.max()}")
    if not (np.isfinite(shape).all() and np.isfinite(profile).all()):
        raise ValueError("shapes and profiles must be finite")
    body = np.ascontiguousarray(given, dtype=np.int32)
    upright = shape[body[:, 0] == UPRIGHT, 4:]
    if (upright[:, [0, 4, 8]] <= 0).any() or upright[:, [1, 2, 3, 5, 6, 7]].any():
        raise ValueError("an upright box needs a diagonal, positive matrix")
    _require_before_source(body[:, 0], shape, rays)
    _engine.trace_bodies(planes, bodies=body, shapes=shape, profiles=profile, **_engine_rays(rays))


def trace_mesh(
    plane: NDArray[np.float32],
    *,
    vertices_m: ArrayLike,
    triangles: ArrayLike,
    density_g_cm3: float,
    rays: FanRays,
    window: tuple[int, int, int, int],
    n_sub: int = 2,
) -> None:
    """Add a closed surface of triangles to a plane of areal density.

    Every ray adds the depth at which it leaves and takes the depth at which it enters, so any closed
    surface will do, hollow or in parts. What lies outside the window is left out.

    Parameters
    ----------
    plane : ndarray of shape (n_row, n_column), float32
        Areal density, g/cm2; changed.
    vertices_m : array_like of shape (n_vertex, 3), float64
        Corners (x, y, z).
    triangles : array_like of shape (n_triangle, 3), int32
        Corners of each triangle, counter-clockwise seen from outside.
    density_g_cm3 : float
        Density; negative to hollow out.
    rays : FanRays
        The rays.
    window : tuple of int
        Half-open window row0, col0, row1, col1.
    n_sub : int, default 2
        Rays across a pixel, along each axis.

    Raises
    ------
    TypeError
        If `plane` has another dtype.
    ValueError
        If a shape does not fit, or a value is out of its range.
    """
    _require_planes(plane, 2, rays)
    vertices = np.ascontiguousarray(vertices_m, dtype=np.float64)
    given = _whole("triangles", triangles)
    if vertices.ndim != 2 or vertices.shape[1] != 3:
        raise ValueError(f"vertices_m needs shape (n_vertex, 3), got {vertices.shape}")
    if given.ndim != 2 or given.shape[1] != 3:
        raise ValueError(f"triangles needs shape (n_triangle, 3), got {given.shape}")
    if given.size and not 0 <= given.min() <= given.max() < len(vertices):
        raise ValueError(f"triangles must be 0 to {len(vertices) - 1}, got {given.min()} to {given.max()}")
    corners = np.ascontiguousarray(given, dtype=np.int32)
    if not (np.isfinite(vertices).all() and math.isfinite(density_g_cm3)):
        raise ValueError("vertices_m and density_g_cm3 must be finite")
    if len(vertices) and vertices[:, 0].min() <= -rays.source_distance_m:
        raise ValueError(
            f"x must be above {-rays.source_distance_m:g} m, where the source is, "
            f"got {vertices[:, 0].min():g} m"
        )
    if not 1 <= n_sub <= MAX_RAYS:
        raise ValueError(f"n_sub must be 1 to {MAX_RAYS}, got {n_sub!r}")
    row0, col0, row1, col1 = map(operator.index, window)
    n_row, n_column = plane.shape
    if rays.skew:
        vertices = vertices - rays.skew * vertices[:, :1] * np.array([0.0, 1.0, 0.0])
    if not (0 <= row0 <= row1 <= n_row and 0 <= col0 <= col1 <= n_column):
        raise ValueError(f"window must lie in {plane.shape}, got {window}")
    _engine.trace_mesh(
        plane,
        vertices_m=vertices,
        triangles=corners,
        density_g_cm3=float(density_g_cm3),
        n_sub=operator.index(n_sub),
        window=(row0, col0, row1, col1),
        **_engine_rays(rays),
    )


def _require_planes(planes: NDArray[np.float32], n_dim: int, rays: FanRays) -> None:
    if planes.dtype != np.float32:
        raise TypeError(f"planes need dtype float32, got {planes.dtype}")
    shape = (rays.row_z_m.size, rays.column_y_m.size)
    if planes.ndim != n_dim or planes.shape[-2:] != shape:
        raise ValueError(f"planes need {n_dim} dimensions ending in {shape}, got {planes.shape}")
    if not (planes.flags.c_contiguous and planes.flags.writeable):
        raise ValueError("planes need to be C-contiguous and writeable")
    for name, value in (
        ("row pitch", rays.pitch_m[0]),
        ("column pitch", rays.pitch_m[1]),
        ("source distance", rays.source_distance_m),
    ):
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be positive, got {value!r} m")
    if not (math.isfinite(rays.source_height_m) and np.isfinite(rays.row_z_m).all()):
        raise ValueError("heights of source and rows must be finite")
    if not np.isfinite(rays.column_y_m).all():
        raise ValueError("column_y_m must be finite")
    if not (np.diff(rays.row_z_m) < 0).all():
        raise ValueError("row_z_m must fall")
    if not abs(rays.skew) <= 1.0:
        raise ValueError(f"skew must be -1 to 1, got {rays.skew!r}")
    step = np.diff(rays.column_y_m)
    if not ((step > 0).all() or (step < 0).all()):
        raise ValueError("column_y_m must rise or fall throughout")


def _whole(name: str, values: ArrayLike) -> NDArray[np.integer]:
    found = np.asarray(values)
    if found.size == 0:
        return found.astype(np.int32)
    if found.dtype.kind not in "iu":
        raise TypeError(f"{name} need whole numbers, got dtype {found.dtype}")
    return found


def _require_before_source(kind: NDArray[np.int32], shape: NDArray[np.float64], rays: FanRays) -> None:
    """Refuse bodies that reach back to the source, where depth along a ray has no meaning."""
    if not len(kind):
        return
    try:
        back = np.abs(np.linalg.inv(shape[:, 4:].reshape(-1, 3, 3))[:, 0])
    except np.linalg.LinAlgError:
        raise ValueError("shapes needs matrices that have an inverse") from None
    half = back.sum(axis=1)
    half[kind == CYLINDER] = (np.hypot(back[:, 0], back[:, 1]) + back[:, 2])[kind == CYLINDER]
    half[kind == BALL] = np.sqrt((back**2).sum(axis=1))[kind == BALL]
    nearest = float((shape[:, 1] - half).min())
    if not nearest > -rays.source_distance_m:
        raise ValueError(
            f"x must be above {-rays.source_distance_m:g} m, where the source is, got {nearest:g} m"
        )


def _engine_rays(rays: FanRays) -> _Rays:
    return {
        "row_z_m": np.ascontiguousarray(rays.row_z_m, dtype=np.float64),
        "column_y_m": np.ascontiguousarray(rays.column_y_m, dtype=np.float64),
        "row_pitch_m": float(rays.pitch_m[0]),
        "column_pitch_m": float(rays.pitch_m[1]),
        "source_distance_m": float(rays.source_distance_m),
        "source_height_m": float(rays.source_height_m),
        "skew": float(rays.skew),
    }

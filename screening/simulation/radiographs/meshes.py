"""Closed triangle meshes: checked, and made by turning or extruding an outline."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Mesh", "closed_mesh", "extruded", "turned"]


class Mesh(NamedTuple):
    """A closed surface.

    Attributes
    ----------
    vertices_m : ndarray of shape (n_vertex, 3), float64
        Corners.
    triangles : ndarray of shape (n_triangle, 3), int32
        Corners of each triangle, counter-clockwise seen from outside.
    """

    vertices_m: NDArray[np.float64]
    triangles: NDArray[np.int32]

    @property
    def volume_m3(self) -> float:
        """Volume inside."""
        a, b, c = (self.vertices_m[self.triangles[:, k]] for k in range(3))
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def closed_mesh(vertices: ArrayLike, triangles: ArrayLike) -> Mesh:
    """Return a mesh, checked and turned inside in.

    Parameters
    ----------
    vertices : array_like of shape (n_vertex, 3), float64
        Corners, m.
    triangles : array_like of shape (n_triangle, 3), int
        Corners of each triangle, all in one sense.

    Returns
    -------
    Mesh
        The mesh, its triangles counter-clockwise seen from outside.

    Raises
    ------
    ValueError
        If it is not closed, not in one sense, holds nothing, or has wrong values.
    """
    corners = np.array(vertices, dtype=np.float64)
    faces = np.array(triangles)
    if corners.ndim != 2 or corners.shape[1] != 3 or not np.isfinite(corners).all():
        raise ValueError(f"vertices need shape (n, 3) and finite values, got {corners.shape}")
    if faces.ndim != 2 or faces.shape[1] != 3 or not np.issubdtype(faces.dtype, np.integer):
        raise ValueError(f"triangles need shape (n, 3) and whole numbers, got {faces.shape} {faces.dtype}")
    if len(faces) < 4 or not 0 <= faces.min() <= faces.max() < len(corners):
        raise ValueError(f"triangles must be four or more, of corners 0 to {len(corners) - 1}")
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    forward = np.sort(edges[:, 0] * len(corners) + edges[:, 1])
    backward = np.sort(edges[:, 1] * len(corners) + edges[:, 0])
    if not np.array_equal(forward, backward):
        n_open = np.setdiff1d(forward, backward).size
        raise ValueError(f"the mesh is not closed: {n_open} edges have no triangle on their other side")
    mesh = Mesh(corners, np.ascontiguousarray(faces, dtype=np.int32))
    volume = mesh.volume_m3
    if volume == 0:
        raise ValueError("the mesh holds no volume")
    if volume < 0:
        mesh = mesh._replace(triangles=np.ascontiguousarray(mesh.triangles[:, [0, 2, 1]]))
    return mesh


def turned(outline: ArrayLike, *, n_side: int = 24) -> Mesh:
    """Return the solid an outline makes when turned about the z axis.

    Parameters
    ----------
    outline : array_like of shape (n_point, 2), float64
        Radius and height, m, from the bottom to the top; the ends are closed by discs.
    n_side : int, default 24
        Sides of the polygon that stands for the circle; its area is that of the circle.

    Returns
    -------
    Mesh
        The solid.

    Raises
    ------
    ValueError
        If the outline has fewer than two points, a radius that is not positive, or wrong values.
    """
    points = np.asarray(outline, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2 or not np.isfinite(points).all():
        raise ValueError(f"outline needs shape (n >= 2, 2) and finite values, got {points.shape}")
    if (points[:, 0] <= 0).any():
        raise ValueError(f"radii must be positive, got {points[:, 0].min():g} m")
    if n_side < 3:
        raise ValueError(f"n_side must be 3 or more, got {n_side!r}")
    angle = 2 * np.pi * np.arange(n_side) / n_side
    grown = points[:, 0] * np.sqrt(2 * np.pi / (n_side * np.sin(2 * np.pi / n_side)))
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    rings = np.concatenate(
        [grown[:, None, None] * ring, np.broadcast_to(points[:, 1, None, None], (len(points), n_side, 1))],
        axis=2,
    ).reshape(-1, 3)
    ends = np.array([[0.0, 0.0, points[0, 1]], [0.0, 0.0, points[-1, 1]]])
    k = np.arange(n_side)
    after = (k + 1) % n_side
    faces = []
    for level in range(len(points) - 1):
        low, high = level * n_side, (level + 1) * n_side
        faces += [np.stack([low + k, low + after, high + after], axis=1)]
        faces += [np.stack([low + k, high + after, high + k], axis=1)]
    n = len(rings)
    last = n - n_side
    faces += [np.stack([np.full(n_side, n), after, k], axis=1)]
    faces += [np.stack([np.full(n_side, n + 1), last + k, last + after], axis=1)]
    return closed_mesh(np.concatenate([rings, ends]), np.concatenate(faces))


def extruded(outline: ArrayLike, thickness_m: float) -> Mesh:
    """Return a flat outline drawn out along x, as a blade or the side of a gun is.

    Parameters
    ----------
    outline : array_like of shape (n_point, 2), float64
        Corners (y, z) of a polygon that does not cross itself, m.
    thickness_m : float
        Extent along x, about 0.

    Returns
    -------
    Mesh
        The solid.

    Raises
    ------
    ValueError
        If the outline is no simple polygon or the thickness is not positive.
    """
    points = np.asarray(outline, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3 or not np.isfinite(points).all():
        raise ValueError(f"outline needs shape (n >= 3, 2) and finite values, got {points.shape}")
    if not (np.isfinite(thickness_m) and thickness_m > 0):
        raise ValueError(f"thickness must be positive, got {thickness_m!r} m")
    if _crosses_itself(points):
        raise ValueError("outline must be a polygon that does not cross itself")
    caps = _ears(points)
    n = len(points)
    front = np.concatenate([np.full((n, 1), -thickness_m / 2), points], axis=1)
    back = np.concatenate([np.full((n, 1), thickness_m / 2), points], axis=1)
    k = np.arange(n)
    after = (k + 1) % n
    if _area(points) < 0:
        k, after = after, k
    sides = np.concatenate([np.stack([k, after, n + after], axis=1), np.stack([k, n + after, n + k], axis=1)])
    faces = np.concatenate([sides, caps[:, ::-1], caps + n])
    return closed_mesh(np.concatenate([front, back]), faces)


def _area(points: NDArray[np.float64]) -> float:
    after = np.roll(points, -1, axis=0)
    return float((points[:, 0] * after[:, 1] - after[:, 0] * points[:, 1]).sum() / 2)


def _crosses_itself(points: NDArray[np.float64]) -> bool:
    """Whether two sides that are not neighbours have a point in common."""
    n = len(points)
    after = np.roll(points, -1, axis=0)
    for i in range(n - 2):
        # the sides from i + 2 on, without the one that closes the outline at corner 0
        others = slice(i + 2, n - (i == 0))
        a, b, p, q = points[i], after[i], points[others], after[others]
        apart = _turn(a, b, p) * _turn(a, b, q) > 0
        apart |= _turn_of(p, q, a) * _turn_of(p, q, b) > 0
        if not apart.all():
            return True
    return False


def _ears(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Cut a simple polygon into counter-clockwise triangles (Meisters, *Am. Math. Monthly* 82 (1975) 648)."""
    left = list(range(len(points)))
    if _area(points) < 0:
        left.reverse()
    faces = []
    while len(left) > 3:
        for i in range(len(left)):
            a, b, c = left[i - 1], left[i], left[(i + 1) % len(left)]
            others = points[[p for p in left if p not in (a, b, c)]]
            if _turn(points[a], points[b], points[c][None])[0] > 0 and not _inside(
                others, points[a], points[b], points[c]
            ):
                faces.append((a, b, c))
                del left[i]
                break
        else:
            raise ValueError("outline must be a polygon that does not cross itself")
    return np.array([*faces, tuple(left)], dtype=np.int64)


def _turn(a: NDArray[np.float64], b: NDArray[np.float64], p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((b[0] - a[0]) * (p[:, 1] - a[1]) - (b[1] - a[1]) * (p[:, 0] - a[0]))


def _turn_of(a: NDArray[np.float64], b: NDArray[np.float64], p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((b[:, 0] - a[:, 0]) * (p[1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (p[0] - a[:, 0]))


def _inside(
    p: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]
) -> bool:
    return bool(((_turn(a, b, p) >= 0) & (_turn(b, c, p) >= 0) & (_turn(c, a, p) >= 0)).any())

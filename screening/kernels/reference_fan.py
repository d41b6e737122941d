"""NumPy twins of the fan-beam tracer and of polychromatic transport: the oracle they are tested against."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .fan import BALL, CYLINDER, UPRIGHT, FanRays

__all__ = ["trace_bodies", "trace_mesh", "transmit"]

CM_PER_M = 100.0


def trace_bodies(
    planes: NDArray[np.float32], *, bodies: ArrayLike, shapes: ArrayLike, profiles: ArrayLike, rays: FanRays
) -> None:
    """Twin of :func:`screening.kernels.trace_bodies`.

    Parameters
    ----------
    planes : ndarray of shape (n_plane, n_row, n_column), float32
        Areal density, g/cm2; changed.
    bodies : array_like of shape (n_body, 9), int32
        Kind, plane, profile, n_ray, n_part, window.
    shapes : array_like of shape (n_body, 13), float64
        Density, centre, matrix.
    profiles : array_like of shape (n_profile, n_column), float64
        Relative thickness by line.
    rays : FanRays
        The rays.
    """
    profile = np.asarray(profiles)
    for body, shape in zip(np.asarray(bodies), np.asarray(shapes), strict=True):
        kind, plane, which, n_ray, n_part, row0, col0, row1, col1 = (int(value) for value in body)
        if row0 >= row1 or col0 >= col1:
            continue
        centre, matrix = shape[1:4], shape[4:].reshape(3, 3)
        slope = _slopes(rays, n_ray)[row0:row1].T[:, :, None]
        y = rays.column_y_m[col0:col1]
        if kind == UPRIGHT:
            half = 1.0 / matrix[1, 1]
            pitch = rays.pitch_m[1]
            middle = centre[1] - rays.skew * centre[0]
            share = np.minimum(y + pitch / 2, middle + half) - np.maximum(y - pitch / 2, middle - half)
            cover = np.clip(share / pitch, 0.0, 1.0) * (profile[which, col0:col1] if which >= 0 else 1.0)
            flat = np.diag([matrix[0, 0], 0.0, matrix[2, 2]])
            chord = _chord(kind, flat, centre, slope, np.zeros(1), rays).mean(axis=0) * cover
        else:
            chord = np.zeros((row1 - row0, col1 - col0))
            for part in _parts(n_part) * rays.pitch_m[1]:
                chord += _chord(kind, matrix, centre, slope, y + part, rays).mean(axis=0) / n_part
        planes[plane, row0:row1, col0:col1] += (CM_PER_M * shape[0] * chord).astype(np.float32)


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
    """Twin of :func:`screening.kernels.trace_mesh`: each ray against each triangle.

    After Möller and Trumbore, *J. Graphics Tools* 2 (1997) 21.

    Parameters
    ----------
    plane : ndarray of shape (n_row, n_column), float32
        Areal density, g/cm2; changed.
    vertices_m : array_like of shape (n_vertex, 3), float64
        Corners.
    triangles : array_like of shape (n_triangle, 3), int32
        Corners of each triangle.
    density_g_cm3 : float
        Density.
    rays : FanRays
        The rays.
    window : tuple of int
        row0, col0, row1, col1.
    n_sub : int, default 2
        Rays across a pixel, along each axis.
    """
    row0, col0, row1, col1 = window
    corner = np.asarray(vertices_m, dtype=np.float64)[np.asarray(triangles)]
    edge1, edge2 = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    slopes = _slopes(rays, n_sub)
    for i in range(row0, row1):
        for j in range(col0, col1):
            total = 0.0
            for s in slopes[i]:
                direction = np.array([1.0, rays.skew, s])
                for part in _parts(n_sub):
                    y = rays.column_y_m[j] + part * rays.pitch_m[1]
                    origin = np.array([0.0, y, rays.source_height_m]) - rays.source_distance_m * np.array(
                        [1.0, rays.skew, 0.0]
                    )
                    p = np.cross(direction, edge2)
                    det = (edge1 * p).sum(axis=1)
                    det = np.where(det == 0.0, np.inf, det)
                    to = origin - corner[:, 0]
                    u = (to * p).sum(axis=1) / det
                    q = np.cross(to, edge1)
                    v = q @ direction / det
                    depth = (edge2 * q).sum(axis=1) / det
                    hit = (u >= 0) & (v >= 0) & (u + v <= 1) & np.isfinite(det)
                    total -= float((np.sign(det) * depth)[hit].sum()) * np.sqrt(1.0 + s * s + rays.skew**2)
            plane[i, j] += np.float32(CM_PER_M * density_g_cm3 * total / n_sub**2)


def transmit(
    planes: NDArray[np.float32],
    *,
    mu_cm2_g: ArrayLike,
    weight: ArrayLike,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Twin of :func:`screening.kernels.transmit`.

    Parameters
    ----------
    planes : ndarray of shape (n_material, ...), float32
        Areal density, g/cm2.
    mu_cm2_g : array_like of shape (n_material, n_bin), float64
        Mass attenuation coefficients.
    weight : array_like of shape (n_bin,), float64
        Share of each bin.
    out : ndarray of shape (...), float32, or None
        Array to write.

    Returns
    -------
    ndarray of shape (...), float32
        Transmission.
    """
    density = planes.astype(np.float64)
    np.maximum(density, 0.0, out=density)
    total = np.zeros(planes.shape[1:])
    depth, term = np.empty_like(total), np.empty_like(total)
    for mu, share in zip(np.asarray(mu_cm2_g).T, np.asarray(weight), strict=True):
        depth[...] = 0.0
        for plane, coefficient in zip(density, mu, strict=True):
            np.multiply(plane, coefficient, out=term)
            depth -= term
        np.copyto(depth, -np.inf, where=np.isnan(depth))
        np.exp(depth, out=depth)
        depth *= share
        total += depth
    total[~(density != 0.0).any(axis=0)] = 1.0
    if out is None:
        return total.astype(np.float32)
    out[...] = total
    return out


def _parts(n: int) -> NDArray[np.float64]:
    return (np.arange(n) + 0.5) / n - 0.5


def _slopes(rays: FanRays, n_ray: int) -> NDArray[np.float64]:
    """Slope of each ray of each row, shape (n_row, n_ray)."""
    z = rays.row_z_m[:, None] + _parts(n_ray) * rays.pitch_m[0]
    return np.asarray((z - rays.source_height_m) / rays.source_distance_m)


def _chord(
    kind: int,
    matrix: NDArray[np.float64],
    centre: NDArray[np.float64],
    slope: NDArray[np.float64],
    y: NDArray[np.float64],
    rays: FanRays,
) -> NDArray[np.float64]:
    """Length of each ray in a body, m, shape (n_ray, n_row, n_column): where it is inside of all limits."""
    z = rays.source_height_m + slope * (rays.source_distance_m + centre[0]) - centre[2]
    start = [row[1] * (y + rays.skew * centre[0] - centre[1]) + row[2] * z for row in matrix]
    direction = [row[0] + row[1] * rays.skew + row[2] * slope for row in matrix]
    n_round = {UPRIGHT: 0, CYLINDER: 2, BALL: 3}.get(kind, 0)
    enter, leave = np.float64(-np.inf), np.float64(np.inf)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if n_round:
            a = sum(d * d for d in direction[:n_round])
            b = sum(o * d for o, d in zip(start[:n_round], direction[:n_round], strict=True))
            c = sum(o * o for o in start[:n_round]) - 1.0
            a = np.maximum(a, 1e-24)
            root = np.sqrt(np.maximum(b * b - a * c, 0.0))
            enter, leave = (-b - root) / a, (-b + root) / a
        for o, d in zip(start[n_round:], direction[n_round:], strict=True):
            d = np.where(np.abs(d) < 1e-12, np.where(d < 0, -1e-12, 1e-12), d)
            enter = np.maximum(enter, np.minimum((-1.0 - o) / d, (1.0 - o) / d))
            leave = np.minimum(leave, np.maximum((-1.0 - o) / d, (1.0 - o) / d))
    return np.asarray(np.maximum(leave - enter, 0.0) * np.sqrt(1.0 + slope * slope + rays.skew**2))

"""Bodies of a scene as the tracer takes them: a unit box, cylinder or ball behind an affine map.

Each function returns :class:`Body` records, with sizes checked and the number of rays over a pixel chosen:
what is thinner than a few pixels is sampled finely enough not to alias, what is large costs one ray.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from screening.kernels.fan import BALL, BOX, CYLINDER, MAX_RAYS, UPRIGHT

__all__ = ["Body", "ball", "box", "cylinder", "rotation_matrix", "sheet", "tube_axes"]

AXES = "xyz"
Triple = tuple[float, float, float]
Span = tuple[float, float]

#: Rays over the height of a pixel in an upright box, which costs nothing more.
UPRIGHT_RAYS = 8
#: A body thinner than so many pixels gets four rays a pixel or more, then two, then one: the mass of a
#: pipe is then right to 1 %.
THIN_PIXELS, MEDIUM_PIXELS = 20.0, 80.0
MOST_RAYS = 16


class Body(NamedTuple):
    """A convex body.

    Attributes
    ----------
    kind : int
        One of the kinds of :mod:`screening.kernels.fan`.
    centre : tuple of float
        Its centre, m.
    half : tuple of float
        Half the size of the upright box around it, m.
    matrix : tuple of 9 float
        Rows of the map from an offset in metres to the unit body.
    thinnest_m : tuple of float
        Its thickness as rows and as lines see it, for the choice of rays.
    """

    kind: int
    centre: Triple
    half: Triple
    matrix: tuple[float, ...]
    thinnest_m: tuple[float, float]

    def rays(self, pitch_m: tuple[float, float]) -> tuple[int, int]:
        """Return the number of rays across a row and of parts of a line.

        Parameters
        ----------
        pitch_m : tuple of float
            Size of a pixel (row, column).

        Returns
        -------
        tuple of int
            Rays, parts.
        """
        if self.kind == UPRIGHT:
            n_ray = math.ceil(4.0 * pitch_m[0] / self.thinnest_m[0])
            return min(max(n_ray, UPRIGHT_RAYS), MAX_RAYS), 1
        return _rays(self.thinnest_m[0] / pitch_m[0]), _rays(self.thinnest_m[1] / pitch_m[1])


def _rays(pixels: float) -> int:
    if pixels >= MEDIUM_PIXELS:
        return 1
    if pixels >= THIN_PIXELS:
        return 2
    return min(max(math.ceil(2.0 / max(pixels, 1e-3)), 4), MOST_RAYS)


def rotation_matrix(rotation: ArrayLike) -> NDArray[np.float64]:
    """Return a rotation, checked.

    Parameters
    ----------
    rotation : array_like of shape (3, 3), float64
        Takes a direction of the body to a direction of the scene.

    Returns
    -------
    ndarray of shape (3, 3), float64
        The same.

    Raises
    ------
    ValueError
        If it is no proper rotation.
    """
    matrix = np.asarray(rotation, dtype=np.float64)
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
        raise ValueError(f"rotation needs shape (3, 3) and finite values, got {matrix.shape}")
    if not np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-6) or np.linalg.det(matrix) < 0:
        raise ValueError(f"rotation must be orthonormal with determinant 1, got {matrix.tolist()}")
    return matrix


def box(x: Span, y: Span, z: Span, rotation: ArrayLike | None = None) -> Body:
    """Return a box.

    Parameters
    ----------
    x, y, z : tuple of float
        Its extent along each axis, m.
    rotation : array_like of shape (3, 3), float64, optional
        Rotation about its centre.

    Returns
    -------
    Body
        The box.

    Raises
    ------
    ValueError
        If an extent is empty or not finite.
    """
    half = tuple(_half(name, span) for name, span in zip(AXES, (x, y, z), strict=True))
    centre = ((x[0] + x[1]) / 2, (y[0] + y[1]) / 2, (z[0] + z[1]) / 2)
    if rotation is None:
        hx, hy, hz = half
        matrix = (1.0 / hx, 0.0, 0.0, 0.0, 1.0 / hy, 0.0, 0.0, 0.0, 1.0 / hz)
        return Body(UPRIGHT, centre, (hx, hy, hz), matrix, (2 * hz, 2 * hy))
    turned = rotation_matrix(rotation)
    around = np.abs(turned) @ np.array(half)
    rows = (turned / np.array(half)).T
    return Body(BOX, centre, _triple(around), tuple(rows.ravel().tolist()), (2 * min(half),) * 2)


def cylinder(
    axis: str, centre: Triple, radius_m: float, length_m: float, rotation: ArrayLike | None = None
) -> Body:
    """Return a cylinder.

    Parameters
    ----------
    axis : {"x", "y", "z"}
        Direction of its axis, before any rotation.
    centre : tuple of float
        Its centre, m.
    radius_m, length_m : float
        Its size, m.
    rotation : array_like of shape (3, 3), float64, optional
        Rotation about its centre.

    Returns
    -------
    Body
        The cylinder.

    Raises
    ------
    ValueError
        If the axis is unknown, or a size is not positive and finite.
    """
    if axis not in AXES or len(axis) != 1:
        raise ValueError(f"axis must be x, y or z, got {axis!r}")
    frame = np.eye(3)[:, np.roll(np.arange(3), -1 - AXES.index(axis))]
    return _cylinder(centre, radius_m, length_m, frame, rotation)


def tube_axes(start: Triple, end: Triple) -> tuple[Triple, float, NDArray[np.float64]]:
    """Return centre, length and rotation of a cylinder along z between two points.

    Parameters
    ----------
    start, end : tuple of float
        The points, m.

    Returns
    -------
    centre : tuple of float
        Middle, m.
    length_m : float
        Distance.
    rotation : ndarray of shape (3, 3), float64
        Takes z to the direction from `start` to `end`.

    Raises
    ------
    ValueError
        If the points are the same or not finite.
    """
    a, b = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    _require_finite("start and end", *a.tolist(), *b.tolist())
    length = float(np.linalg.norm(b - a))
    if length <= 0:
        raise ValueError(f"a tube needs two different ends, got {start} twice")
    along = (b - a) / length
    aside = np.eye(3)[int(np.argmin(np.abs(along)))]
    first = np.cross(aside, along)
    first /= np.linalg.norm(first)
    second = np.cross(along, first)
    return _triple((a + b) / 2), length, np.stack([first, second, along], axis=1)


def ball(centre: Triple, half_axes: Triple, rotation: ArrayLike | None = None) -> Body:
    """Return an ellipsoid.

    Parameters
    ----------
    centre, half_axes : tuple of float
        Its centre and half axes, m.
    rotation : array_like of shape (3, 3), float64, optional
        Rotation about its centre.

    Returns
    -------
    Body
        The ellipsoid.

    Raises
    ------
    ValueError
        If a half axis is not positive and finite.
    """
    _require_finite("centre", *centre)
    for value in half_axes:
        _require_positive("half axis", value)
    turned = np.eye(3) if rotation is None else rotation_matrix(rotation)
    half = np.array(half_axes, dtype=np.float64)
    around = np.sqrt(((turned * half) ** 2).sum(axis=1))
    thin = (2 * half_axes[2], 2 * half_axes[1]) if rotation is None else (2 * min(half_axes),) * 2
    return Body(BALL, _triple(centre), _triple(around), tuple((turned / half).T.ravel().tolist()), thin)


def sheet(
    x: Span,
    y: Span,
    z: Span,
    *,
    thickness_m: float,
    period_m: float,
    depth_m: float,
    along: str,
    flat_share: float,
) -> Iterator[Body]:
    """Yield the flats and slopes of a trapezoidal sheet, each traced exactly.

    The sheet lies in the plane across its thinnest extent, about the middle of that extent. The slopes are
    sheared boxes, thicker along the normal by 1 / cos of their angle, which is what shows as corrugation.

    Parameters
    ----------
    x, y, z : tuple of float
        Its extent along each axis, m.
    thickness_m : float
        Thickness of the metal.
    period_m, depth_m : float
        Period of the corrugation, and the distance of its two levels.
    along : {"x", "y", "z"}
        Direction in which levels and slopes follow each other; the corrugations begin with a level.
    flat_share : float
        Share of the two levels in a period, below 1.

    Yields
    ------
    Body
        A level or a slope.

    Raises
    ------
    ValueError
        If a size is impossible, or `along` is the direction of the normal.
    """
    spans = (x, y, z)
    half = [_half(name, span) for name, span in zip(AXES, spans, strict=True)]
    for name, value in (("thickness", thickness_m), ("period", period_m)):
        _require_positive(name, value)
    if not (math.isfinite(depth_m) and depth_m >= 0):
        raise ValueError(f"depth must not be negative, got {depth_m!r} m")
    if not 0.0 < flat_share < 1.0:
        raise ValueError(f"flat_share must be between 0 and 1, got {flat_share!r}")
    if along not in AXES or len(along) != 1:
        raise ValueError(f"along must be x, y or z, got {along!r}")
    s = AXES.index(along)
    n = min((axis for axis in range(3) if axis != s), key=lambda axis: half[axis])
    third = 3 - s - n
    if half[s] < half[n]:
        raise ValueError(f"along must be across the normal of the sheet, got {along!r} for {spans}")
    level, slope = flat_share * period_m / 2, (1.0 - flat_share) * period_m / 2
    steepness = depth_m / slope
    middle = (spans[n][0] + spans[n][1]) / 2
    begin, stop = spans[s]
    # the same rays for all pieces, so that neighbours neither gape nor overlap
    thin = [0.0] * 3
    thin[s], thin[n], thin[third] = min(level, slope), thickness_m, 2 * half[third]
    thinnest = (thin[2], thin[1])
    pieces = (
        (level, depth_m / 2, 0.0),
        (slope, 0.0, -steepness),
        (level, -depth_m / 2, 0.0),
        (slope, 0.0, steepness),
    )
    index = 0
    while begin < stop - 1e-9:
        length, shift, lean = pieces[index % 4]
        end = min(begin + length, stop)
        # a slope cut short is still about the same line
        offset = shift + lean * ((begin + end) / 2 - (begin + length / 2))
        thickness = thickness_m * math.sqrt(1.0 + lean * lean)
        centre, around = [0.0] * 3, [0.0] * 3
        centre[s], centre[n] = (begin + end) / 2, middle + offset
        centre[third] = (spans[third][0] + spans[third][1]) / 2
        around[s], around[third] = (end - begin) / 2, half[third]
        around[n] = thickness / 2 + abs(lean) * (end - begin) / 2
        matrix = [0.0] * 9
        matrix[4 * s], matrix[4 * third] = 1.0 / around[s], 1.0 / around[third]
        matrix[4 * n], matrix[3 * n + s] = 2.0 / thickness, -2.0 * lean / thickness
        yield Body(BOX, _triple(centre), _triple(around), tuple(matrix), thinnest)
        begin, index = end, index + 1


def _cylinder(
    centre: Triple,
    radius_m: float,
    length_m: float,
    frame: NDArray[np.float64],
    rotation: ArrayLike | None,
) -> Body:
    _require_finite("centre", *centre)
    _require_positive("radius", radius_m)
    _require_positive("length", length_m)
    is_turned = rotation is not None
    columns = frame if rotation is None else rotation_matrix(rotation) @ frame
    size = np.array([radius_m, radius_m, length_m / 2])
    around = np.sqrt((columns[:, 0] * radius_m) ** 2 + (columns[:, 1] * radius_m) ** 2)
    around = around + np.abs(columns[:, 2]) * (length_m / 2)
    smallest = min(2 * radius_m, length_m)
    thin = (smallest, smallest) if is_turned else (2 * float(around[2]), 2 * float(around[1]))
    return Body(CYLINDER, _triple(centre), _triple(around), tuple((columns / size).T.ravel().tolist()), thin)


def _triple(values: ArrayLike) -> Triple:
    a, b, c = (float(value) for value in np.asarray(values))
    return a, b, c


def _half(name: str, span: Span) -> float:
    low, high = span
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"{name} must be a finite extent (low, high), got {span!r} m")
    return (high - low) / 2


def _require_positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be positive, got {value!r} m")


def _require_finite(name: str, *values: float) -> None:
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"{name} must be finite, got {values!r} m")

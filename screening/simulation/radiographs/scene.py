"""Fan-beam scenes: bodies of known shape, traced exactly into areal density per pixel.

One line of a line scanner sees one plane across the motion, and in that plane a fan of rays from the
source to the detector column. So a body's chord depends on the ray's slope and on the position along
the motion apart, and boxes, cylinders and ellipsoids have closed forms. Axes, metres: x from source to
detector (0: centre plane of the container), y along the motion, z up (0: road or top of the rail).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["FanGeometry", "Region", "Scene"]

FloatLike = float | NDArray[np.float64]

CM_PER_M = 100.0


class FanGeometry(NamedTuple):
    """Where the source and the pixels are.

    Attributes
    ----------
    source_distance_m : float
        From the source to the container's centre plane.
    source_height_m : float
        Height of the source over the road or rail.
    row_z_m : ndarray of shape (n_row,), float64
        Height at the centre plane that each detector row looks at; falling, row 0 at the top.
    column_y_m : ndarray of shape (n_column,), float64
        Position of each line along the motion.
    pitch_m : tuple of float
        (row, column) pixel pitch at the centre plane.
    """

    source_distance_m: float
    source_height_m: float
    row_z_m: NDArray[np.float64]
    column_y_m: NDArray[np.float64]
    pitch_m: tuple[float, float]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and columns of the picture."""
        return self.row_z_m.size, self.column_y_m.size

    def row_of(self, z_m: float, x_m: float) -> float:
        """Return the row in which a point is seen.

        Parameters
        ----------
        z_m : float
            Height of the point.
        x_m : float
            Its distance behind the centre plane.

        Returns
        -------
        float
            Row, as a coordinate (0.5 is the middle of row 0).
        """
        magnified = self.source_height_m + (z_m - self.source_height_m) * self.source_distance_m / (
            self.source_distance_m + x_m
        )
        return float((self.row_z_m[0] - magnified) / self.pitch_m[0] + 0.5)

    def column_of(self, y_m: float) -> float:
        """Return the column in which a position is seen.

        Parameters
        ----------
        y_m : float
            Position along the motion.

        Returns
        -------
        float
            Column, as a coordinate.
        """
        return float((y_m - self.column_y_m[0]) / self.pitch_m[1] + 0.5)


class Region(NamedTuple):
    """A window of the picture, half-open.

    Attributes
    ----------
    row0, col0, row1, col1 : int
        Its corners.
    """

    row0: int
    col0: int
    row1: int
    col1: int


class Scene:
    """Areal density of each material in each pixel, added up body by body.

    Parameters
    ----------
    geometry : FanGeometry
        Source and pixels.

    Attributes
    ----------
    geometry : FanGeometry
        Source and pixels.
    areal_density : dict of str to ndarray of shape (n_row, n_column), float32
        g/cm2 along the ray, by material.
    """

    def __init__(self, geometry: FanGeometry) -> None:
        self.geometry = geometry
        self.areal_density: dict[str, NDArray[np.float32]] = {}
        slope = (geometry.row_z_m - geometry.source_height_m) / geometry.source_distance_m
        # a ray exactly along a plate has no closed form: lift it by a hair
        slope = np.where(np.abs(slope) < 1e-7, 1e-7, slope)
        self._slope = slope[:, None]
        self._stretch = np.sqrt(1.0 + slope * slope)[:, None]

    def box(
        self,
        material: str,
        density_g_cm3: float,
        x: tuple[float, float],
        y: tuple[float, float],
        z: tuple[float, float],
        *,
        profile: NDArray[np.float64] | None = None,
    ) -> Region | None:
        """Add an upright box.

        Parameters
        ----------
        material : str
            Name of the material.
        density_g_cm3 : float
            Mean density; negative to hollow out a body.
        x, y, z : tuple of float
            Its extent along each axis, m.
        profile : ndarray of shape (n_column,), float64, optional
            Relative thickness along the motion, for corrugated sheet.

        Returns
        -------
        Region or None
            Window it is seen in; None if outside the picture.
        """
        region = self._window(x, y, z)
        if region is None:
            return None
        rows, columns = slice(region.row0, region.row1), slice(region.col0, region.col1)
        chord = self._chord(rows, x[0], x[1], z[0], z[1])
        cover = self._cover(columns, y[0], y[1])
        if profile is not None:
            cover = cover * profile[columns]
        self._add(material, rows, columns, (density_g_cm3 * CM_PER_M) * chord * cover[None, :])
        return region

    def cylinder(
        self,
        material: str,
        density_g_cm3: float,
        axis: str,
        centre: tuple[float, float, float],
        radius_m: float,
        length_m: float,
    ) -> Region | None:
        """Add a cylinder along one of the axes.

        Parameters
        ----------
        material : str
            Name of the material.
        density_g_cm3 : float
            Mean density; negative to hollow out a body.
        axis : {"x", "y", "z"}
            Direction of its axis.
        centre : tuple of float
            Its centre, m.
        radius_m, length_m : float
            Its size, m.

        Returns
        -------
        Region or None
            Window it is seen in; None if outside the picture.
        """
        half = {a: (length_m / 2 if a == axis else radius_m) for a in "xyz"}
        x, y, z = ((c - half[a], c + half[a]) for c, a in zip(centre, "xyz", strict=True))
        region = self._window(x, y, z)
        if region is None:
            return None
        rows, columns = slice(region.row0, region.row1), slice(region.col0, region.col1)
        if axis == "y":
            chord = self._ellipse_chord(rows, centre[0], centre[2], radius_m, radius_m)
            thickness = chord * self._cover(columns, *y)[None, :]
        else:
            offset = self.geometry.column_y_m[columns] - centre[1]
            width = np.sqrt(np.maximum(radius_m**2 - offset**2, 0.0))[None, :]
            if axis == "z":
                thickness = self._chord(rows, centre[0] - width, centre[0] + width, *z)
            else:
                thickness = self._chord(rows, *x, centre[2] - width, centre[2] + width)
        self._add(material, rows, columns, (density_g_cm3 * CM_PER_M) * thickness)
        return region

    def ellipsoid(
        self,
        material: str,
        density_g_cm3: float,
        centre: tuple[float, float, float],
        half_axes: tuple[float, float, float],
    ) -> Region | None:
        """Add an ellipsoid.

        Parameters
        ----------
        material : str
            Name of the material.
        density_g_cm3 : float
            Mean density.
        centre, half_axes : tuple of float
            Its centre and half axes along x, y, z, m.

        Returns
        -------
        Region or None
            Window it is seen in; None if outside the picture.
        """
        x, y, z = ((c - h, c + h) for c, h in zip(centre, half_axes, strict=True))
        region = self._window(x, y, z)
        if region is None:
            return None
        rows, columns = slice(region.row0, region.row1), slice(region.col0, region.col1)
        offset = (self.geometry.column_y_m[columns] - centre[1]) / half_axes[1]
        scale = np.sqrt(np.maximum(1.0 - offset**2, 0.0))[None, :]
        chord = self._ellipse_chord(rows, centre[0], centre[2], half_axes[0] * scale, half_axes[2] * scale)
        self._add(material, rows, columns, (density_g_cm3 * CM_PER_M) * chord)
        return region

    def _window(
        self, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]
    ) -> Region | None:
        geometry = self.geometry
        seen = [geometry.row_of(height, depth) for height in z for depth in x]
        n_row, n_column = geometry.shape
        row0, row1 = max(int(min(seen)) - 1, 0), min(int(max(seen)) + 2, n_row)
        col0 = max(int(geometry.column_of(y[0])) - 1, 0)
        col1 = min(int(geometry.column_of(y[1])) + 2, n_column)
        return Region(row0, col0, row1, col1) if row0 < row1 and col0 < col1 else None

    def _chord(
        self, rows: slice, x0: FloatLike, x1: FloatLike, z0: FloatLike, z1: FloatLike
    ) -> NDArray[np.float64]:
        """Return the length of each ray in a rectangle of the (x, z) plane, m."""
        slope = self._slope[rows]
        height, distance = self.geometry.source_height_m, self.geometry.source_distance_m
        at_z0 = (z0 - height) / slope - distance
        at_z1 = (z1 - height) / slope - distance
        enter = np.maximum(np.minimum(at_z0, at_z1), x0)
        leave = np.minimum(np.maximum(at_z0, at_z1), x1)
        return np.asarray(np.maximum(leave - enter, 0.0) * self._stretch[rows])

    def _ellipse_chord(
        self, rows: slice, x: float, z: float, half_x: FloatLike, half_z: FloatLike
    ) -> NDArray[np.float64]:
        """Return the length of each ray in an ellipse of the (x, z) plane, m."""
        slope = self._slope[rows]
        offset = self.geometry.source_height_m + (x + self.geometry.source_distance_m) * slope - z
        half_x, half_z = np.maximum(half_x, 1e-9), np.maximum(half_z, 1e-9)
        a = 1.0 / half_x**2 + (slope / half_z) ** 2
        b = offset * slope / half_z**2
        c = (offset / half_z) ** 2 - 1.0
        return np.asarray(2.0 * np.sqrt(np.maximum(b * b - a * c, 0.0)) / a * self._stretch[rows])

    def _cover(self, columns: slice, y0: float, y1: float) -> NDArray[np.float64]:
        """Return the share of each line that lies within [y0, y1]."""
        centre, pitch = self.geometry.column_y_m[columns], self.geometry.pitch_m[1]
        overlap = np.minimum(centre + pitch / 2, y1) - np.maximum(centre - pitch / 2, y0)
        return np.asarray(np.clip(overlap / pitch, 0.0, 1.0))

    def _add(self, material: str, rows: slice, columns: slice, areal_density: NDArray[np.float64]) -> None:
        plane = self.areal_density.get(material)
        if plane is None:
            plane = np.zeros(self.geometry.shape, dtype=np.float32)
            self.areal_density[material] = plane
        plane[rows, columns] += areal_density.astype(np.float32)

"""Where source, pixels and lines are: from a point of the scene to its place in the picture."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.kernels.fan import FanRays

from .bodies import Span

__all__ = ["FanGeometry", "Region"]


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
    skew : float, default 0.0
        Tangent of the angle between the fan and the plane across the motion: a point at depth x is seen by
        the line that looks at y - skew x at the centre plane.
    """

    source_distance_m: float
    source_height_m: float
    row_z_m: NDArray[np.float64]
    column_y_m: NDArray[np.float64]
    pitch_m: tuple[float, float]
    skew: float = 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and columns of the picture."""
        return self.row_z_m.size, self.column_y_m.size

    def rays(
        self, line_shift: float = 0.0, row_shift: float = 0.0, parts: tuple[int, int] = (1, 1)
    ) -> FanRays:
        """Return the rays of all lines.

        Parameters
        ----------
        line_shift : float, default 0.0
            How far after its line each pulse comes, in lines.
        row_shift : float, default 0.0
            How far below its row each ray passes, in rows.
        parts : tuple of int, default (1, 1)
            Parts of a row and of a line that a ray stands for one of.

        Returns
        -------
        FanRays
            As the tracer takes them.
        """
        y, z = self.column_y_m, self.row_z_m
        if line_shift:
            step = np.gradient(y) if y.size > 1 else np.array([self.pitch_m[1]])
            y = y + line_shift * step
        if row_shift:
            z = z - row_shift * self.pitch_m[0]
        pitch = (self.pitch_m[0] / parts[0], self.pitch_m[1] / parts[1])
        return FanRays(z, y, pitch, self.source_distance_m, self.source_height_m, self.skew)

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

    def column_of(self, y_m: float, x_m: float = 0.0) -> float:
        """Return the column in which a position is seen.

        Parameters
        ----------
        y_m : float
            Position along the motion.
        x_m : float, default 0.0
            Its distance behind the centre plane, which matters to a skewed fan.

        Returns
        -------
        float
            Column, as a coordinate (0.5 is the middle of column 0). Columns may run either way, and need
            not be evenly spaced; beyond the picture they go on by the pitch.
        """
        y = self.column_y_m
        y_m = y_m - self.skew * x_m
        sign = -1.0 if y.size > 1 and y[-1] < y[0] else 1.0
        first, last, at = sign * float(y[0]), sign * float(y[-1]), sign * y_m
        if at <= first:
            return (at - first) / self.pitch_m[1] + 0.5
        if at >= last:
            return (at - last) / self.pitch_m[1] + y.size - 0.5
        after = (
            int(np.searchsorted(y, y_m)) if sign > 0 else y.size - int(np.searchsorted(y[::-1], y_m, "right"))
        )
        low, high = sign * float(y[after - 1]), sign * float(y[after])
        return after - 0.5 + (at - low) / (high - low)

    def window_of(self, x: Span, y: Span, z: Span) -> Region | None:
        """Return the window in which a box is seen, a pixel or two to spare.

        Parameters
        ----------
        x, y, z : tuple of float
            Its extent along each axis, m.

        Returns
        -------
        Region or None
            Window; None if outside the picture.

        Raises
        ------
        ValueError
            If it reaches to the source or behind it.
        """
        if x[0] <= -self.source_distance_m:
            raise ValueError(
                f"x must be above {-self.source_distance_m:g} m, where the source is, got {x[0]:g} m"
            )
        height, distance, pitch = self.source_height_m, self.source_distance_m, self.pitch_m[0]
        top = float(self.row_z_m[0])
        seen = [
            (top - height - (one - height) * distance / (distance + depth)) / pitch + 0.5
            for one in z
            for depth in x
        ]
        sides = sorted(self.column_of(side, depth) for side in y for depth in x)
        n_row, n_column = self.shape
        row0, row1 = max(int(min(seen)) - 1, 0), min(int(max(seen)) + 2, n_row)
        col0, col1 = max(int(sides[0]) - 1, 0), min(int(sides[-1]) + 2, n_column)
        return Region(row0, col0, row1, col1) if row0 < row1 and col0 < col1 else None


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

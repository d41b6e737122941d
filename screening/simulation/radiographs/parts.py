"""Steel sections and sheets that containers and vehicles are welded from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .scene import Scene

__all__ = [
    "PLYWOOD_G_CM3",
    "STEEL_G_CM3",
    "Course",
    "corrugation",
    "edge_on_plate",
    "hollow_section",
    "ordered",
    "pipe",
]

STEEL_G_CM3 = 7.85
PLYWOOD_G_CM3 = 0.72

#: Faces and flank of the usual side panel: outer 72 mm, flank 68, inner 70, flank 68, 36 mm deep
#: (as drawn in builders' specifications of ISO 1496-1 boxes).
_FACE_SHARE = (72.0 / 278.0, 70.0 / 278.0)
_FLANK_SLOPE = 36.0 / 68.0


class Course(NamedTuple):
    """The way a vehicle is drawn: distance from its front, whichever end that is in the picture.

    Attributes
    ----------
    front_y_m : float
        Where its front is along the motion.
    direction : int
        1 if it extends towards growing y, -1 if mirrored.
    """

    front_y_m: float
    direction: int = 1

    def at(self, behind_m: float) -> float:
        """Return the place so far behind the front, m.

        Parameters
        ----------
        behind_m : float
            Distance behind the front.

        Returns
        -------
        float
            Position along the motion.
        """
        return self.front_y_m + self.direction * behind_m

    def span(self, start_m: float, stop_m: float) -> tuple[float, float]:
        """Return an interval behind the front as an ordered pair along the motion.

        Parameters
        ----------
        start_m, stop_m : float
            Distances behind the front.

        Returns
        -------
        tuple of float
            Lower and upper position.
        """
        return ordered(self.at(start_m), self.at(stop_m))


def ordered(a: float, b: float) -> tuple[float, float]:
    """Return two numbers, the lower first.

    Parameters
    ----------
    a, b : float
        The numbers.

    Returns
    -------
    tuple of float
        Both, in order.
    """
    return (a, b) if a < b else (b, a)


def hollow_section(
    scene: Scene,
    x: tuple[float, float],
    y: tuple[float, float],
    z: tuple[float, float],
    wall_m: float,
    *,
    material: str = "steel",
    density_g_cm3: float = STEEL_G_CM3,
) -> None:
    """Add a hollow profile, open along the motion.

    Parameters
    ----------
    scene : Scene
        The scene, changed.
    x, y, z : tuple of float
        Outer size, in any order, m.
    wall_m : float
        Thickness of its walls.
    material : str
        What it is made of.
    density_g_cm3 : float
        Density of that.
    """
    x, y, z = ordered(*x), ordered(*y), ordered(*z)
    scene.box(material, density_g_cm3, x, y, z)
    inner_x, inner_z = (x[0] + wall_m, x[1] - wall_m), (z[0] + wall_m, z[1] - wall_m)
    if inner_x[0] < inner_x[1] and inner_z[0] < inner_z[1]:
        scene.box(material, -density_g_cm3, inner_x, y, inner_z)


def pipe(
    scene: Scene,
    axis: str,
    centre: tuple[float, float, float],
    radius_m: float,
    length_m: float,
    wall_m: float,
    *,
    material: str = "steel",
    density_g_cm3: float = STEEL_G_CM3,
) -> None:
    """Add a pipe, open at both ends.

    Parameters
    ----------
    scene : Scene
        The scene, changed.
    axis : {"x", "y", "z"}
        Its direction.
    centre : tuple of float
        Its middle, m.
    radius_m, length_m, wall_m : float
        Outer radius, length and thickness of the wall.
    material : str
        What it is made of.
    density_g_cm3 : float
        Density of that.
    """
    scene.cylinder(material, density_g_cm3, axis, centre, radius_m, length_m)
    if wall_m < radius_m:
        scene.cylinder(material, -density_g_cm3, axis, centre, radius_m - wall_m, length_m)


def edge_on_plate(
    scene: Scene,
    x: tuple[float, float],
    y_m: float,
    z: tuple[float, float],
    thickness_m: float,
) -> None:
    """Add a steel plate that stands across the motion and is seen along its length.

    Square to the motion, its steel hides its own thickness of a line and leaves the rest of the line
    open, so the signal of a line of pitch p falls by the share t / p and no more. The plate is given the
    areal density that does so in a beam of 0.04 cm2/g (steel at 6 MV), spread over the line:
    -ln(1 - t / p) / 0.04. A fan that is skewed by more than a line over the plate's length crosses it
    obliquely, and sees the plate as it is.

    Parameters
    ----------
    scene : Scene
        The scene, changed.
    x : tuple of float
        Its extent across, m.
    y_m : float
        Its place along the motion.
    z : tuple of float
        Its heights.
    thickness_m : float
        Thickness along the motion.
    """
    x, z = ordered(*x), ordered(*z)
    pitch = scene.geometry.pitch_m[1]
    length = x[1] - x[0]
    is_oblique = abs(scene.geometry.skew) * length > pitch
    if is_oblique or thickness_m >= pitch:
        y = (y_m - thickness_m / 2, y_m + thickness_m / 2)
        scene.box("steel", STEEL_G_CM3, x, y, z)
        return
    share = thickness_m / pitch
    seen = min(-np.log(1.0 - share) / 0.04, length * 100.0 * STEEL_G_CM3 * share)
    scene.box("steel", float(seen / (length * 100.0)), x, (y_m - pitch / 2, y_m + pitch / 2), z)


def corrugation(y_m: NDArray[np.float64], period_m: float, skew_rad: float = 0.0) -> NDArray[np.float64]:
    """Return the relative thickness of trapezoidal sheet along the motion.

    A flank of slope a is crossed over t / cos(a - s), s the angle between the fan and the square to the
    motion: with s = 0 both flanks are alike and the pattern repeats every half period.

    Parameters
    ----------
    y_m : ndarray of shape (n,), float64
        Positions along the motion.
    period_m : float
        Period of the sheet.
    skew_rad : float, default 0
        Angle of the fan off the square.

    Returns
    -------
    ndarray of shape (n,), float64
        Thickness over the sheet's own; at least 1.
    """
    phase = np.mod(y_m / period_m, 1.0)
    slope = float(np.arctan(_FLANK_SLOPE))
    first_face, second_face = _FACE_SHARE
    flank = (1.0 - first_face - second_face) / 2.0
    edges = (first_face, first_face + flank, first_face + flank + second_face)
    rising = (phase >= edges[0]) & (phase < edges[1])
    falling = phase >= edges[2]
    face = 1.0 / np.cos(skew_rad)
    return np.asarray(
        np.where(
            rising, 1.0 / np.cos(slope - skew_rad), np.where(falling, 1.0 / np.cos(slope + skew_rad), face)
        )
    )

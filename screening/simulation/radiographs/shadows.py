"""What an object alone puts in the way of the beam, as a scanner of a given geometry sees it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.records import Radiograph

from .geometry import FanGeometry
from .scene import Scene
from .shapes import Assembly, put

__all__ = ["Shadow", "assumed_geometry", "shadow_of"]

#: What is assumed of a scanner whose geometry a scan does not tell, m.
ASSUMED_DISTANCE_M, ASSUMED_HEIGHT_M, ASSUMED_LOWEST_M = 6.0, 1.7, -0.2
ASSUMED_PITCH_M = (0.0066, 0.0084)


class Shadow(NamedTuple):
    """What an object puts in the way, by pixel of a window.

    Attributes
    ----------
    label, kind : str
        What it is.
    row, column : int
        Upper left corner of the window in the picture.
    planes : dict of str to ndarray of shape (h, w), float32
        Areal density by material, g/cm2.
    """

    label: str
    kind: str
    row: int
    column: int
    planes: dict[str, NDArray[np.float32]]


def shadow_of(
    assembly: Assembly,
    geometry: FanGeometry,
    centre: tuple[float, float, float],
    rotation: NDArray[np.float64] | None = None,
) -> Shadow:
    """Trace an object alone, as a scanner would see it at a place.

    Parameters
    ----------
    assembly : Assembly
        The object.
    geometry : FanGeometry
        Source and pixels of the picture: magnification and slant come from here.
    centre : tuple of float
        Where its origin is, m.
    rotation : ndarray of shape (3, 3), float64, optional
        Turns it about its origin.

    Returns
    -------
    Shadow
        Areal densities in its window.

    Raises
    ------
    ValueError
        If it is not in the picture.
    """
    half = np.abs(np.eye(3) if rotation is None else rotation) @ np.maximum(
        np.abs(np.array(assembly.low_m)), np.abs(np.array(assembly.high_m))
    )
    spans = [(c - float(h), c + float(h)) for c, h in zip(centre, half, strict=True)]
    window = geometry.window_of(spans[0], spans[1], spans[2])
    if window is None:
        raise ValueError(f"{assembly.label} at {centre!r} m is not in the picture")
    part = geometry._replace(
        row_z_m=geometry.row_z_m[window.row0 : window.row1],
        column_y_m=geometry.column_y_m[window.col0 : window.col1],
    )
    scene = Scene(part)
    put(scene, assembly, centre, rotation)
    return Shadow(assembly.label, assembly.kind, window.row0, window.col0, scene.areal_density)


def assumed_geometry(
    radiograph: Radiograph,
    *,
    source_distance_m: float = ASSUMED_DISTANCE_M,
    source_height_m: float = ASSUMED_HEIGHT_M,
    lowest_m: float = ASSUMED_LOWEST_M,
) -> FanGeometry:
    """Return a geometry for a picture that tells little of its own.

    Parameters
    ----------
    radiograph : Radiograph
        The picture; its pitch is used if it has one.
    source_distance_m, source_height_m : float
        Where the source is, from the centre plane and over the road.
    lowest_m : float
        Height that the last row looks at.

    Returns
    -------
    FanGeometry
        Good enough to scale and slant an object.

    Raises
    ------
    ValueError
        If the distance or the pitch is not positive.
    """
    pitch = ASSUMED_PITCH_M
    if radiograph.pitch_mm is not None:
        pitch = (radiograph.pitch_mm[0] / 1000.0, radiograph.pitch_mm[1] / 1000.0)
    if not (source_distance_m > 1.5 and pitch[0] > 0.0 and pitch[1] > 0.0):
        raise ValueError(
            f"needs a source over 1.5 m away and a positive pitch, got {source_distance_m!r} m, {pitch!r} m"
        )
    n_row, n_column = radiograph.raw.shape[:2]
    return FanGeometry(
        source_distance_m=source_distance_m,
        source_height_m=source_height_m,
        row_z_m=lowest_m + (n_row - 0.5 - np.arange(n_row, dtype=np.float64)) * pitch[0],
        column_y_m=(np.arange(n_column, dtype=np.float64) + 0.5) * pitch[1],
        pitch_m=pitch,
    )

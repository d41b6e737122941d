"""From a corrected picture to what every question starts from: densities, containers, hull maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from screening.records import ContainerBox

from .curves import ENERGY_LABELS, steel_equivalent
from .density import areal_density
from .empty import hull_map
from .hull import find_containers
from .levels import FLOOR_LIMIT
from .planes import Plane, filled

__all__ = ["containers_in", "plane_density", "plane_maps"]


def plane_density(plane: Plane) -> tuple[NDArray[np.float32] | None, NDArray[np.float32]]:
    """Return areal density and its variance.

    Parameters
    ----------
    plane : Plane
        A corrected picture.

    Returns
    -------
    density : ndarray of shape (n_row, n_column), float32, or None
        g/cm2 steel-equivalent; None for a beam without a curve.
    variance : ndarray of shape (n_row, n_column), float32
        Its variance, by the slope of the curve behind a few g/cm2; that of -ln T without a curve.
    """
    levels = plane.levels
    air = max(levels.air_counts, 1.0)
    density = areal_density(
        plane.neg_log,
        plane.label,
        floor_over_air=min(levels.scatter_floor or 0.0, FLOOR_LIMIT),
        noise_over_air=levels.electronic_sigma / air,
    )
    if plane.label not in ENERGY_LABELS:
        return None, plane.variance
    slope = float(steel_equivalent(1.05, plane.label) - steel_equivalent(0.95, plane.label)) / 0.1
    return density, plane.variance * np.float32(slope**2)


def containers_in(plane: Plane, pitch_mm: tuple[float, float] | None) -> tuple[ContainerBox, ...]:
    """Find every container of a picture.

    Parameters
    ----------
    plane : Plane
        The most penetrating energy.
    pitch_mm : tuple of float or None
        Pixel pitch (row, column).

    Returns
    -------
    tuple of ContainerBox
        From left to right.
    """
    levels = plane.levels
    air = max(levels.air_counts, 1.0)
    sigma = float(np.sqrt(levels.electronic_sigma**2 + levels.gain * air)) / air
    return find_containers(filled(plane), air_sigma=sigma, pitch_mm=pitch_mm)


def plane_maps(
    plane: Plane, pitch_mm: tuple[float, float] | None
) -> tuple[tuple[ContainerBox, ...], NDArray[np.float32]]:
    """Find the containers of a picture and return the map of each.

    Parameters
    ----------
    plane : Plane
        The most penetrating energy.
    pitch_mm : tuple of float or None
        Pixel pitch (row, column).

    Returns
    -------
    boxes : tuple of ContainerBox
        Containers found; empty for a beam without a curve.
    maps : ndarray of shape (n_container, 3, 64, 256), float32
        As the loaded-or-empty model reads them.
    """
    density, variance = plane_density(plane)
    boxes = containers_in(plane, pitch_mm) if density is not None else ()
    if density is None or not boxes:
        return (), np.zeros((0, 3, 64, 256), dtype=np.float32)
    return boxes, np.stack([hull_map(density, variance, plane.is_live, box) for box in boxes])

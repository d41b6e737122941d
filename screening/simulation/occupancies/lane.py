"""The lane of a simulated portal: where the panels stand, what they see, and the vehicle's shadow."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from screening.physics import attenuation, nuclide, transmission

__all__ = [
    "LANE_HALF_WIDTH_M",
    "panel_positions",
    "plastic_counts_per_decay",
    "plastic_counts_per_photon",
    "shadow_profile",
    "solid_angle_share",
]

#: From the lane's centre to the panels' faces, metres.
LANE_HALF_WIDTH_M = 2.5

#: Heights of the lower and upper panel of a pillar, metres.
_HEIGHTS_M = (1.0, 2.7)

#: A plastic panel: depth in cm, lower threshold in keV.
_PLASTIC_DEPTH_CM, _PLASTIC_THRESHOLD_KEV = 5.0, 25.0

#: Steps per metre in which the vehicle's shadow is drawn, and the width over which a panel's field of
#: view smears it.
_STEPS_PER_M, _VIEW_M = 10, 1.2


def panel_positions(n_panel: int) -> NDArray[np.float64]:
    """Return where the panels stand: pairs on one pillar after the other.

    Parameters
    ----------
    n_panel : int
        Two, four or more panels; half of them on each pillar.

    Returns
    -------
    ndarray of shape (n_panel, 2), float64
        Distance across the lane from its centre (negative: the first pillar) and height, metres.

    Raises
    ------
    ValueError
        If the panels cannot be shared between two pillars.
    """
    if n_panel < 2 or n_panel % 2:
        raise ValueError(f"panels stand on two pillars: an even number is needed, got {n_panel}")
    per_pillar = n_panel // 2
    heights = np.array([1.8]) if per_pillar == 1 else np.linspace(*_HEIGHTS_M, per_pillar)
    sides = np.repeat([-LANE_HALF_WIDTH_M, LANE_HALF_WIDTH_M], per_pillar)
    return np.column_stack([sides, np.tile(heights, 2)])


def solid_angle_share(
    along_m: NDArray[np.float64],
    across_m: float,
    height_m: float,
    panels: NDArray[np.float64],
    panel_area_m2: float,
) -> NDArray[np.float64]:
    """Return the share of the full solid angle under which a point sees each panel.

    Parameters
    ----------
    along_m : ndarray of shape (n,), float64
        Distance of the point from the portal's plane, along the lane, metres.
    across_m, height_m : float
        Its place across the lane and its height, metres.
    panels : ndarray of shape (n_panel, 2), float64
        As from :func:`panel_positions`.
    panel_area_m2 : float
        Area of one face, m2.

    Returns
    -------
    ndarray of shape (n, n_panel), float64
        Omega / 4 pi of a small flat face that looks across the lane: A d / (4 pi r^3).
    """
    across = np.abs(panels[:, 0] - across_m)
    squared = along_m[:, np.newaxis] ** 2 + across**2 + (panels[:, 1] - height_m) ** 2
    return np.asarray(panel_area_m2 * across / (4.0 * np.pi * squared**1.5))


def shadow_profile(
    along_m: NDArray[np.float64],
    *,
    vehicle_m: float,
    box_m: tuple[float, float],
    depth: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the share of background that a vehicle keeps off the panels.

    Parameters
    ----------
    along_m : ndarray of shape (n,), float64
        Which part of the vehicle is in the portal's plane: metres behind its front.
    vehicle_m : float
        Length of the vehicle.
    box_m : tuple of float
        Front and rear of the container, metres behind the vehicle's front.
    depth : float
        Suppression by the loaded container, 0 to below 1.
    rng : numpy.random.Generator
        For the texture of the load.

    Returns
    -------
    ndarray of shape (n,), float64
        0 far from the vehicle; `depth`, within a tenth, beside the container; less at the cab.
    """
    margin = 10.0
    grid = np.arange(-margin, vehicle_m + margin, 1.0 / _STEPS_PER_M)
    shade = np.where((grid >= 0) & (grid <= vehicle_m), 0.35 * depth, 0.0)
    shade[(grid >= 0) & (grid <= min(3.0, box_m[0]))] = 0.7 * depth
    inside = (grid >= box_m[0]) & (grid <= box_m[1])
    texture = gaussian_filter1d(rng.standard_normal(grid.size), 1.0 * _STEPS_PER_M)
    texture *= 0.05 / max(float(texture.std()), 1e-9)
    shade[inside] = depth * (1.0 + texture[inside])
    shade = gaussian_filter1d(shade, _VIEW_M * _STEPS_PER_M, mode="constant")
    return np.asarray(np.clip(np.interp(along_m, grid, shade, left=0.0, right=0.0), 0.0, 0.95))


def plastic_counts_per_photon(energy_kev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the counts of a plastic panel per photon at its face.

    Parameters
    ----------
    energy_kev : ndarray of shape (n,), float64
        Photon energies, keV.

    Returns
    -------
    ndarray of shape (n,), float64
        Interaction in 5 cm of polyvinyl toluene (NIST XCOM), times the share of recoil electrons
        above the 25 keV threshold, taken as flat up to the Compton edge.
    """
    energy = np.asarray(energy_kev, dtype=np.float64)
    caught = 1.0 - np.exp(-attenuation("pvt", energy) * 1.032 * _PLASTIC_DEPTH_CM)
    edge = 2.0 * energy**2 / (511.0 + 2.0 * energy)
    return np.asarray(caught * np.clip(1.0 - _PLASTIC_THRESHOLD_KEV / np.maximum(edge, 1.0), 0.0, 1.0))


@cache
def plastic_counts_per_decay(label: str, shielding: tuple[tuple[str, float], ...] = ()) -> float:
    """Return the counts of a plastic panel per decay towards its face.

    Parameters
    ----------
    label : str
        Nuclide, group or material of :data:`screening.physics.NUCLIDES`.
    shielding : tuple of (str, float)
        Layers: material and areal density, g/cm2. Narrow beam, no build-up: a lower bound.

    Returns
    -------
    float
        Counts per decay and unit of Omega / 4 pi.
    """
    source = nuclide(label)
    inside = (source.energy_kev >= 20.0) & (source.energy_kev <= 10_000.0)
    energy, intensity = source.energy_kev[inside], source.intensity[inside].copy()
    for material, areal_density_g_cm2 in shielding:
        intensity *= transmission(material, energy, areal_density_g_cm2)
    return float((intensity * plastic_counts_per_photon(energy)).sum())

"""Photons of a source behind layers: its lines, and what is scattered out of the layers."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.physics import attenuation, nuclide

__all__ = ["PHOTON_EDGES_KEV", "PHOTON_KEV", "Photons", "emitted", "through"]

#: Bins of scattered photons, keV, and their middles.
PHOTON_EDGES_KEV = np.geomspace(20.0, 3200.0, 121)
PHOTON_KEV = np.sqrt(PHOTON_EDGES_KEV[1:] * PHOTON_EDGES_KEV[:-1])

#: Lines that a portal can see, keV.
_LINE_RANGE_KEV = (20.0, 3200.0)

#: Thinnest layer from which scatter is reckoned, g/cm2.
_THINNEST_G_CM2 = 0.05


class Photons(NamedTuple):
    """Photons on their way to a panel.

    Attributes
    ----------
    energy_kev : ndarray of shape (n_line,), float64
        Lines, keV.
    lines : ndarray of shape (n_line,), float64
        Photons per decay that have not been scattered.
    scattered : ndarray of shape (n_bin,), float64
        Photons per decay in the bins of :data:`PHOTON_EDGES_KEV` that have.
    """

    energy_kev: NDArray[np.float64]
    lines: NDArray[np.float64]
    scattered: NDArray[np.float64]


@lru_cache(maxsize=1024)
def emitted(label: str, shielding: tuple[tuple[str, float], ...] = ()) -> Photons:
    """Return what comes out of a source's shielding.

    Parameters
    ----------
    label : str
        Key of :data:`screening.physics.NUCLIDES`.
    shielding : tuple of (str, float)
        Layers from the inside: material and areal density, g/cm2.

    Returns
    -------
    Photons
        Per decay, into the full solid angle.

    Raises
    ------
    ValueError
        If the label or a material is unknown, or a thickness is negative.
    """
    source = nuclide(label)
    low, high = _LINE_RANGE_KEV
    inside = (source.energy_kev >= low) & (source.energy_kev < high)
    photons = Photons(source.energy_kev[inside], source.intensity[inside], np.zeros(PHOTON_KEV.size))
    for material, areal_density_g_cm2 in shielding:
        photons = through(photons, material, areal_density_g_cm2)
    return photons


def through(photons: Photons, material: str, areal_density_g_cm2: float) -> Photons:
    """Return what comes through a layer: what is not touched, and what is scattered and still comes out.

    Parameters
    ----------
    photons : Photons
        What goes in.
    material : str
        Material of the layer.
    areal_density_g_cm2 : float
        Its areal density, g/cm2.

    Returns
    -------
    Photons
        What comes out.

    Raises
    ------
    ValueError
        If the material is unknown or the thickness negative.
    """
    if not areal_density_g_cm2 >= 0.0:
        raise ValueError(f"a layer of {material} has 0 g/cm2 or more, got {areal_density_g_cm2:g}")
    passed = photons.lines * np.exp(-attenuation(material, photons.energy_kev) * areal_density_g_cm2)
    if areal_density_g_cm2 < _THINNEST_G_CM2:
        return Photons(photons.energy_kev, passed, photons.scattered)
    kept, scatter = _layer(material, round(float(areal_density_g_cm2), 3))
    lines = np.histogram(photons.energy_kev, PHOTON_EDGES_KEV, weights=photons.lines)[0]
    return Photons(
        photons.energy_kev, passed, kept * photons.scattered + scatter @ (lines + photons.scattered)
    )


@lru_cache(maxsize=512)
def _layer(material: str, areal_density_g_cm2: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the share of each bin that is untouched, and the matrix of what is scattered out."""
    kept = np.exp(-attenuation(material, PHOTON_KEV) * areal_density_g_cm2)
    return kept, _scattered(material, areal_density_g_cm2)


def _scattered(material: str, areal_density_g_cm2: float) -> NDArray[np.float64]:
    energy = PHOTON_KEV
    lost = -np.expm1(-attenuation(material, energy, process="incoherent") * areal_density_g_cm2)
    lowest = energy / (1.0 + 2.0 * energy / 511.0)
    inside = (energy[:, None] >= lowest) & (energy[:, None] <= energy)
    shape = inside * np.diff(PHOTON_EDGES_KEV)[:, None]
    shape = shape / np.maximum(shape.sum(axis=0), 1e-9)
    return np.asarray(
        0.5
        * shape
        * lost
        * np.exp(-0.5 * attenuation(material, energy) * areal_density_g_cm2)[:, None]
        * np.exp(-0.5 * attenuation(material, energy) * areal_density_g_cm2)
    )

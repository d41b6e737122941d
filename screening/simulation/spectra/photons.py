"""Photons on their way: lines, and a continuum on one axis, through layers and off surfaces."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.physics import attenuation, transmission
from screening.physics.scatter import backscattered, emerging, largest_areal_density_g_cm2

__all__ = ["FLUX_EDGES", "FLUX_KEV", "Photons", "no_continuum", "scattered_back", "through", "through_layers"]

#: Axis of all photon continua, keV: bins of 2.7 %, narrower than what scattering leaves of any structure.
FLUX_EDGES = np.geomspace(10.0, 10_000.0, 257)

#: Centres of its bins, keV.
FLUX_KEV = np.sqrt(FLUX_EDGES[1:] * FLUX_EDGES[:-1])

#: Areal densities at which a material's scatter is kept, g/cm2, as far as its table goes, and its end.
_AREAL_GRID = np.geomspace(0.05, 100.0, 18)

#: Lowest source energy the tables of scatter know, keV; photons below it scatter as there.
_LOWEST_KEV = 15.0


class Photons(NamedTuple):
    """A beam of photons.

    Attributes
    ----------
    energy_kev : ndarray of shape (n_line,), float64
        Energies of the lines, keV.
    number : ndarray of shape (n_line,), float64
        Photons in each line.
    continuum : ndarray of shape (n_flux_bin,), float64
        Photons in the bins of ``FLUX_EDGES``.
    """

    energy_kev: NDArray[np.float64]
    number: NDArray[np.float64]
    continuum: NDArray[np.float64]

    def scaled(self, factor: float) -> Photons:
        """Return as many times as many photons.

        Parameters
        ----------
        factor : float
            How many times.

        Returns
        -------
        Photons
            The scaled beam.
        """
        return Photons(self.energy_kev, self.number * factor, self.continuum * factor)

    def joined(self, other: Photons) -> Photons:
        """Return the photons of two beams.

        Parameters
        ----------
        other : Photons
            The other beam.

        Returns
        -------
        Photons
            Lines side by side, continua added.
        """
        return Photons(
            np.concatenate([self.energy_kev, other.energy_kev]),
            np.concatenate([self.number, other.number]),
            self.continuum + other.continuum,
        )


def no_continuum() -> NDArray[np.float64]:
    """Return an empty continuum.

    Returns
    -------
    ndarray of shape (n_flux_bin,), float64
        Zeros on the axis of ``FLUX_EDGES``.
    """
    return np.zeros(FLUX_KEV.size)


def through(photons: Photons, material: str, areal_density_g_cm2: float, *, scatter: float = 1.0) -> Photons:
    """Return what leaves a layer: unscattered lines and everything scattered on the way.

    The source is taken to stand within the layer, as in a container or a pig.

    Parameters
    ----------
    photons : Photons
        What enters.
    material : str
        One of :data:`screening.physics.scatter.SHIELDS`.
    areal_density_g_cm2 : float
        Areal density, g/cm2.
    scatter : float, default 1
        Scattered photons that are seen over those that leave, 0 or more: below 1 for a narrow beam.

    Returns
    -------
    Photons
        The beam behind the layer.

    Raises
    ------
    ValueError
        If the material has no table, the areal density is negative, not finite or beyond its table, or the
        scatter is negative or not finite.
    """
    most = largest_areal_density_g_cm2(material)
    if not 0.0 <= areal_density_g_cm2 <= most:
        raise ValueError(
            f"areal density {areal_density_g_cm2:g} g/cm2 of {material} is outside 0 to {most:g} g/cm2"
        )
    if not 0.0 <= scatter < np.inf:
        raise ValueError(f"scatter is {scatter:g}; allowed: finite, 0 or more")
    if areal_density_g_cm2 == 0.0:
        return photons
    passed = photons.number * transmission(material, photons.energy_kev, areal_density_g_cm2)
    continuum = photons.continuum * np.exp(-_on_axis(material) * areal_density_g_cm2)
    if scatter > 0.0:
        entering = photons.continuum + _spread(photons.energy_kev, photons.number)
        continuum = continuum + scatter * _scattered(material, areal_density_g_cm2, entering)
    return Photons(photons.energy_kev, passed, continuum)


def through_layers(photons: Photons, layers: tuple[tuple[str, float], ...]) -> Photons:
    """Return what leaves several layers, innermost first.

    Parameters
    ----------
    photons : Photons
        What enters.
    layers : tuple of (str, float)
        Material and areal density, g/cm2.

    Returns
    -------
    Photons
        The beam behind the last layer.
    """
    for material, areal_density_g_cm2 in layers:
        photons = through(photons, material, areal_density_g_cm2)
    return photons


def scattered_back(photons: Photons, surface: str) -> NDArray[np.float64]:
    """Return what a surface throws back of the photons that strike it.

    Parameters
    ----------
    photons : Photons
        What strikes the surface.
    surface : str
        A surface known to :func:`screening.physics.scatter.backscattered`.

    Returns
    -------
    ndarray of shape (n_flux_bin,), float64
        Photons in the bins of ``FLUX_EDGES``.
    """
    entering = photons.continuum + _spread(photons.energy_kev, photons.number)
    back: NDArray[np.float64] = _backscattered(surface) @ entering
    return back


def _spread(energy_kev: NDArray[np.float64], number: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return lines on the axis of the continua, in the bin whose centre is next below.

    Shared with the bin above, scattered photons would stand above their line: a step that germanium shows.
    """
    position = np.searchsorted(FLUX_KEV, energy_kev, side="right") - 1
    spread = np.bincount(np.maximum(position, 0), number, minlength=FLUX_KEV.size)
    return np.asarray(spread, dtype=np.float64)


@lru_cache(maxsize=32)
def _on_axis(material: str) -> NDArray[np.float64]:
    return attenuation(material, FLUX_KEV)


def _scattered(
    material: str, areal_density_g_cm2: float, entering: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what a layer scatters: shapes mixed linearly, numbers per g/cm2 by their logarithm."""
    grid = _areal_grid(material)
    step = int(np.clip(np.searchsorted(grid, areal_density_g_cm2), 1, grid.size - 1))
    share = float(np.clip((areal_density_g_cm2 - grid[step - 1]) / (grid[step] - grid[step - 1]), 0.0, 1.0))
    low_log, low = _emerging(material, step - 1)
    high_log, high = _emerging(material, step)
    # Below the thinnest layer of the grid the number is in proportion to the thickness.
    number = entering * areal_density_g_cm2 * np.exp((1.0 - share) * low_log + share * high_log)
    made: NDArray[np.float64] = low @ ((1.0 - share) * number)
    if share > 0.0:
        made = made + high @ (share * number)
    return made


@lru_cache(maxsize=32)
def _areal_grid(material: str) -> NDArray[np.float64]:
    largest = largest_areal_density_g_cm2(material)
    within = largest * (1.0 - 1e-9) > _AREAL_GRID
    return np.append(_AREAL_GRID[within], largest)


@lru_cache(maxsize=256)
def _emerging(material: str, step: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Logarithm of the scattered photons per g/cm2, and their shape, for each bin of entering photons."""
    areal = float(_areal_grid(material)[step])
    made = emerging(material, areal, np.maximum(FLUX_KEV, _LOWEST_KEV), FLUX_EDGES)
    total = made.sum(axis=0)
    shape = made / np.where(total > 0.0, total, 1.0)
    return np.log(np.maximum(total / areal, 1e-30)), shape


@lru_cache(maxsize=8)
def _backscattered(surface: str) -> NDArray[np.float64]:
    return backscattered(surface, np.maximum(FLUX_KEV, _LOWEST_KEV), FLUX_EDGES)

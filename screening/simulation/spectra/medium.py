"""The photons in the middle of a medium that emits them everywhere: ground, walls, air.

In a medium of even activity as many photons leave an energy, by interaction, as arrive there, from the
source or by scattering from above. Solved from the highest energy downwards this gives the spectrum of
unscattered and scattered photons alike, with no free parameter; at a flat surface half of it is left
(a photon cannot come out of the air), exactly for the unscattered lines: ``S / (2 mu)``.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from screening.physics import attenuation, nuclide
from screening.physics.detector import ELECTRON_REST_KEV

from .photons import FLUX_EDGES, FLUX_KEV, Photons

__all__ = ["flux_in_medium", "scattered_in_medium"]

#: Lines weaker than this share of a label's strongest are dropped: no background shows them.
_LEAST_SHARE = 3e-4


@lru_cache(maxsize=64)
def flux_in_medium(label: str, medium: str) -> Photons:
    """Return the flux where each gram of a medium holds one decay a second of a label.

    Parameters
    ----------
    label : str
        Key of :data:`screening.physics.NUCLIDES`.
    medium : str
        Material.

    Returns
    -------
    Photons
        Photons through each cm2 a second: unscattered lines, with the 511 keV of pairs made in the medium,
        and the scattered continuum. Shared between calls; arrays are read-only.

    Raises
    ------
    ValueError
        If the label or the material is unknown.
    """
    source = nuclide(label)
    kept = (source.energy_kev > FLUX_EDGES[0]) & (source.energy_kev < FLUX_EDGES[-1])
    kept &= source.intensity > _LEAST_SHARE * source.intensity.max(initial=0.0)
    energy, intensity = source.energy_kev[kept], source.intensity[kept]
    lines = intensity / _removal(medium, energy)
    scattered, annihilation = scattered_in_medium(medium, energy, lines, np.zeros(FLUX_KEV.size))
    flux = Photons(
        np.append(energy, ELECTRON_REST_KEV), np.append(lines, annihilation), np.maximum(scattered, 0.0)
    )
    for values in flux:
        values.flags.writeable = False
    return flux


def scattered_in_medium(
    medium: str, energy_kev: NDArray[np.float64], lines: NDArray[np.float64], source: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Return the scattered flux in a medium through which lines pass.

    Parameters
    ----------
    medium : str
        Material.
    energy_kev : ndarray of shape (n_line,), float64
        Lines, keV.
    lines : ndarray of shape (n_line,), float64
        Their unscattered flux, photons/cm2/s.
    source : ndarray of shape (n_flux_bin,), float64
        Further photons emitted, per gram and second, in the bins of ``FLUX_EDGES``.

    Returns
    -------
    scattered : ndarray of shape (n_flux_bin,), float64
        Scattered flux, photons/cm2/s in each bin.
    annihilation : float
        Unscattered flux of the 511 keV line of pairs, photons/cm2/s.
    """
    compton = attenuation(medium, FLUX_KEV, process="incoherent")
    removal = _removal(medium, FLUX_KEV)
    pairs = _pairs(medium, FLUX_KEV)
    # arrivals: photons that appear in each bin, per gram and second.
    arrivals = source + _scatter(energy_kev) @ (lines * attenuation(medium, energy_kev, process="incoherent"))
    made_pairs = float((lines * _pairs(medium, energy_kev)).sum())
    matrix = _bin_scatter()
    flux = np.zeros(FLUX_KEV.size)
    annihilation = 0.0
    rest = np.array([ELECTRON_REST_KEV])
    for k in range(FLUX_KEV.size - 1, -1, -1):
        if annihilation == 0.0 and FLUX_EDGES[k] < ELECTRON_REST_KEV:
            annihilation = 2.0 * made_pairs / float(_removal(medium, rest)[0])
            rate = annihilation * float(attenuation(medium, rest, process="incoherent")[0])
            arrivals += rate * _scatter(rest)[:, 0]
        # What a scatter leaves in its own bin has not left it.
        flux[k] = arrivals[k] / (removal[k] - compton[k] * matrix[k, k])
        arrivals[:k] += matrix[:k, k] * compton[k] * flux[k]
        made_pairs += float(pairs[k] * flux[k])
    return flux, annihilation


def _removal(medium: str, energy_kev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coefficient without coherent scattering, which changes no energy, cm2/g."""
    return attenuation(medium, energy_kev) - attenuation(medium, energy_kev, process="coherent")


def _pairs(medium: str, energy_kev: NDArray[np.float64]) -> NDArray[np.float64]:
    return attenuation(medium, energy_kev, process="pair_nuclear") + attenuation(
        medium, energy_kev, process="pair_electron"
    )


def _scatter(energy_kev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of Compton scatters that ends in each bin, (n_flux_bin, n_line): Klein and Nishina (1929).

    In terms of x = E'/E: x + 1/x - 2 t + t^2 with t = (1/x - 1) / alpha = 1 - cos(theta), integrated in
    closed form.
    """
    alpha = energy_kev[None, :] / ELECTRON_REST_KEV
    lowest = 1.0 / (1.0 + 2.0 * alpha)
    x = np.clip(FLUX_EDGES[:, None] / energy_kev[None, :], lowest, 1.0)

    def integral(x: NDArray[np.float64]) -> NDArray[np.float64]:
        log = np.log(x)
        return np.asarray(0.5 * x**2 + log - 2.0 / alpha * (log - x) + (x - 1.0 / x - 2.0 * log) / alpha**2)

    cumulative = integral(x)
    whole = integral(np.ones_like(lowest)) - integral(lowest)
    return np.diff(cumulative, axis=0) / whole


@lru_cache(maxsize=1)
def _bin_scatter() -> NDArray[np.float64]:
    """Scatter from bin to bin, of photons at the bins' centres.

    The part above a centre stays in its own bin, so that every column sums to one above the lowest edge.
    """
    return _scatter(FLUX_KEV)

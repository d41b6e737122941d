"""Photons of beta emitters: external and internal bremsstrahlung.

A beta spectrum (allowed shape, or unique first forbidden where the decay is; Fermi function of a point
nucleus, Konopinski, *The Theory of Beta Radioactivity*, 1966) is stopped in a material
(:mod:`screening.physics.electrons`). To that comes the internal bremsstrahlung of the decay itself
(Knipp and Uhlenbeck, Physica 3 (1936) 425; Bloch, Phys. Rev. 50 (1936) 272), which matters in light
materials. Positrons and conversion electrons are left out. Photons are counted where they are made: a
source of high Z absorbs its soft ones, which is the caller's geometry.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .decay import beta_branches
from .detector import ELECTRON_REST_KEV
from .electrons import FINE_STRUCTURE, slowing_photons
from .materials import SYMBOLS, MaterialData
from .nuclides import members

__all__ = ["UNIQUE_FIRST_FORBIDDEN", "beta_spectrum", "bremsstrahlung"]

#: Decays whose strongest branch is unique first forbidden (spin change 2, parity change; ENSDF): the shape
#: factor is p^2 + q^2.
UNIQUE_FIRST_FORBIDDEN = ("Cs-137", "K-42", "Kr-85", "Rb-86", "Sr-89", "Sr-90", "Tl-204", "Y-90", "Y-91")

#: Weakest branch that is computed, electrons per decay of the source.
MIN_BRANCH = 1e-4

#: Grid points of the electron spectrum, and of the photon spectrum.
_N_ELECTRON = 240
_N_PHOTON = 160


def beta_spectrum(name: str, electron_kev: ArrayLike) -> NDArray[np.float64]:
    """Return the beta-minus spectrum of one nuclide.

    Parameters
    ----------
    name : str
        Nuclide, "Y-90".
    electron_kev : array_like of shape (n,)
        Kinetic energies, keV.

    Returns
    -------
    ndarray of shape (n,), float64
        Electrons per keV and decay; all branches of the table.

    Raises
    ------
    ValueError
        If the nuclide is unknown, or an energy is negative or not finite.
    """
    energy = np.asarray(electron_kev, dtype=np.float64)
    if not np.all(np.isfinite(energy) & (energy >= 0.0)):
        raise ValueError(f"electron energies must be finite and 0 or more, got {float(np.min(energy)):g} keV")
    endpoints, shares = beta_branches(name)
    total = np.zeros(energy.shape)
    for endpoint, share in zip(endpoints, shares, strict=True):
        is_unique = name in UNIQUE_FIRST_FORBIDDEN and share == shares.max()
        grid = np.linspace(0.0, endpoint, 2001)[1:-1]
        norm = np.trapezoid(_shape(name, grid, endpoint, is_unique=is_unique), grid)
        total += share * _shape(name, energy, endpoint, is_unique=is_unique) / norm
    return total


def bremsstrahlung(
    source: str | Mapping[str, float],
    material: str | MaterialData,
    edges_kev: ArrayLike,
    *,
    is_internal_included: bool = True,
) -> NDArray[np.float64]:
    """Return the bremsstrahlung photons of a source of beta rays inside a material.

    Parameters
    ----------
    source : str or mapping of str to float
        Label of :data:`screening.physics.NUCLIDES` with all that belongs to it ("Sr-90" with Y-90, "DU"),
        a nuclide of ICRP 107 alone ("Bi-210"), or activities by nuclide
        (:func:`screening.physics.activities`).
    material : str or MaterialData
        What stops the electrons: the source itself or its capsule.
    edges_kev : array_like of shape (n_bin + 1,)
        Edges of photon energy, ascending, above 0.
    is_internal_included : bool, default True
        Whether the internal bremsstrahlung is added.

    Returns
    -------
    ndarray of shape (n_bin,), float64
        Photons per bin and decay of the source; per second where activities in Bq were given.

    Raises
    ------
    ValueError
        If the source or the material is unknown, an activity is negative or not finite, or the edges do not
        ascend from above 0.
    """
    edges = np.asarray(edges_kev, dtype=np.float64)
    if edges.ndim != 1 or edges.size < 2 or not (edges[0] > 0.0 and np.all(np.diff(edges) > 0.0)):
        raise ValueError("photon edges must be one-dimensional, ascending and above 0 keV")
    shares = members(source) if isinstance(source, str) else dict(source)
    for name, share in shares.items():
        if not 0.0 <= share < np.inf:
            raise ValueError(f"activity of {name} is {share:g}; allowed: finite, 0 or more")
    found = np.zeros(edges.size - 1)
    strongest = max((share for share in shares.values()), default=0.0)
    for name, share in shares.items():
        endpoints, intensity = beta_branches(name)
        keep = endpoints[intensity * share >= MIN_BRANCH * strongest]
        if keep.size and keep.max() > max(edges[0], 10.0):
            found += share * _of_nuclide(name, float(keep.max()), material, edges, is_internal_included)
    return found


def _of_nuclide(
    name: str, endpoint: float, material: str | MaterialData, edges: NDArray[np.float64], internal: bool
) -> NDArray[np.float64]:
    electron = np.geomspace(1.0, endpoint, _N_ELECTRON)
    spectrum = beta_spectrum(name, electron)
    below = np.concatenate([[0.0], np.cumsum(0.5 * (spectrum[1:] + spectrum[:-1]) * np.diff(electron))])
    photon = np.geomspace(min(edges[0], 0.5 * endpoint), 0.9999 * endpoint, _N_PHOTON)
    rate = slowing_photons(material, electron, below[-1] - below, photon)
    if internal:
        rate += _internal(electron, spectrum, photon)
    # photons up to each energy, interpolated at the edges
    up_to = np.concatenate([[0.0], np.cumsum(0.5 * (rate[1:] + rate[:-1]) * np.diff(photon))])
    return np.diff(np.interp(edges, photon, up_to))


def _internal(
    electron: NDArray[np.float64], spectrum: NDArray[np.float64], photon: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return internal bremsstrahlung, photons per keV and decay."""
    e0 = electron[:, None] / ELECTRON_REST_KEV + 1.0
    k = photon[None, :] / ELECTRON_REST_KEV
    e1 = np.maximum(e0 - k, 1.0)
    p0, p1 = np.sqrt(e0**2 - 1.0), np.sqrt(e1**2 - 1.0)
    emitted = FINE_STRUCTURE / np.pi * p1 / (p0 * k) * ((e0**2 + e1**2) / (e0 * np.maximum(p1, 1e-9))
                                                        * np.log(e1 + p1) - 2.0)  # fmt: skip
    emitted = np.where(e0 - k > 1.0, np.maximum(emitted, 0.0), 0.0) / ELECTRON_REST_KEV
    return np.asarray(np.trapezoid(spectrum[:, None] * emitted, electron, axis=0))


def _shape(
    name: str, energy: NDArray[np.float64], endpoint: float, *, is_unique: bool
) -> NDArray[np.float64]:
    """Return a branch's spectrum, not normalised."""
    from scipy.special import gamma as gamma_function  # heavy for those who need attenuation alone
    from scipy.special import loggamma

    element, mass = name.split("-")
    z = SYMBOLS.index(element) + 1 if element in SYMBOLS else 101
    a = int("".join(c for c in mass if c.isdigit()))
    inside = (energy > 0.0) & (energy < endpoint)
    w = np.where(inside, energy, 0.5 * endpoint) / ELECTRON_REST_KEV + 1.0
    p = np.sqrt(w**2 - 1.0)
    q = endpoint / ELECTRON_REST_KEV + 1.0 - w
    # nuclear radius 1.2 fm A^(1/3) in units of the reduced Compton wavelength, 386.16 fm
    radius = 1.2 * a ** (1.0 / 3.0) / 386.15926796
    gamma = np.sqrt(1.0 - (FINE_STRUCTURE * z) ** 2)
    eta = FINE_STRUCTURE * z * w / p
    fermi = (
        2.0
        * (1.0 + gamma)
        * (2.0 * p * radius) ** (2.0 * gamma - 2.0)
        * np.exp(np.pi * eta + 2.0 * np.real(loggamma(gamma + 1j * eta)))
        / gamma_function(2.0 * gamma + 1.0) ** 2
    )
    shape = p * w * q**2 * fermi
    if is_unique:
        shape = shape * (p**2 + q**2)
    return np.where(inside, shape, 0.0)

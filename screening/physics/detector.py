"""What a gamma detector does to a line: width, full-energy efficiency, Compton continuum.

Closed forms, good to some tens of percent, which is all a fit with free shielding and free scatter
needs; they are not a Monte Carlo.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .attenuation import MATERIALS, attenuation

__all__ = [
    "ELECTRON_REST_KEV",
    "FwhmLaw",
    "compton_continuum",
    "compton_edge_kev",
    "full_energy_efficiency",
    "klein_nishina_electron",
]

#: Electron rest energy, keV (CODATA 2018).
ELECTRON_REST_KEV = 510.99895

#: Path left to a scattered photon over the path of the first: set so that a 3 x 3 inch NaI comes within
#: 8 % of its known full-energy efficiencies (356, 662, 1332 and 2614 keV).
REMAINING_PATH = 0.2

#: Where resolutions are quoted: the line of Cs-137, keV.
REFERENCE_KEV = 661.657


class FwhmLaw(NamedTuple):
    """Full width at half maximum as a function of energy.

    ``FWHM(E)^2 = floor^2 + ((r662 * 662)^2 - floor^2) * (E / 662)^(2 * exponent)``: electronic noise and a
    statistical term. The exponent is 0.5 for pure counting statistics; scintillators are measured at 0.3
    to 0.7.

    Attributes
    ----------
    r662 : float
        FWHM at 661.7 keV over 661.7 keV.
    exponent : float
        Exponent of the statistical term.
    floor_kev : float
        Width at zero energy, keV; at most 90 % of the width at 662 keV is used.
    """

    r662: float
    exponent: float = 0.5
    floor_kev: float = 0.0

    def fwhm_kev(self, energy_kev: ArrayLike) -> NDArray[np.float64]:
        """Return the FWHM at some energies.

        Parameters
        ----------
        energy_kev : array_like of shape (...)
            Energy, keV; below 1 keV the width at 1 keV is returned.

        Returns
        -------
        ndarray of shape (...), float64
            FWHM, keV.
        """
        energy = np.maximum(np.asarray(energy_kev, dtype=np.float64), 1.0)
        at_reference = self.r662 * REFERENCE_KEV
        floor = min(self.floor_kev, 0.9 * at_reference)
        scale = (energy / REFERENCE_KEV) ** (2 * self.exponent)
        return np.sqrt(floor**2 + (at_reference**2 - floor**2) * scale)

    def axis(self, low_kev: float, high_kev: float, bins_per_fwhm: float) -> NDArray[np.float64]:
        """Return bin edges on which every peak has the same width in bins.

        Parameters
        ----------
        low_kev, high_kev : float
            Range, keV.
        bins_per_fwhm : float
            Bins in one FWHM.

        Returns
        -------
        ndarray of shape (n_bin + 1,), float64
            Edges, keV.
        """
        energy = np.geomspace(max(low_kev, 1.0), high_kev, 2048)
        width = self.fwhm_kev(energy)
        step = 0.5 * (1.0 / width[1:] + 1.0 / width[:-1]) * np.diff(energy)
        position = np.concatenate([[0.0], np.cumsum(step)])
        n_bin = max(int(np.ceil(position[-1] * bins_per_fwhm)), 8)
        return np.interp(np.linspace(0.0, position[-1], n_bin + 1), position, energy)


def compton_edge_kev(energy_kev: ArrayLike) -> NDArray[np.float64]:
    """Return the largest energy one Compton scatter can leave.

    Parameters
    ----------
    energy_kev : array_like of shape (...)
        Photon energy, keV.

    Returns
    -------
    ndarray of shape (...), float64
        Compton edge, keV.
    """
    energy = np.asarray(energy_kev, dtype=np.float64)
    twice = 2.0 * energy / ELECTRON_REST_KEV
    return energy * twice / (1.0 + twice)


def klein_nishina_electron(energy_kev: ArrayLike, electron_kev: ArrayLike) -> NDArray[np.float64]:
    """Return the relative spectrum of Compton electrons.

    Klein and Nishina (1929), as a function of the electron's energy (Evans, The Atomic Nucleus, 1955,
    chapter 23); zero above the edge. Not normalised.

    Parameters
    ----------
    energy_kev : array_like
        Photon energy, keV.
    electron_kev : array_like
        Energy of the electron, keV; broadcast against `energy_kev`.

    Returns
    -------
    ndarray, float64
        Relative number of electrons per keV.
    """
    photon, electron = np.broadcast_arrays(
        np.asarray(energy_kev, dtype=np.float64), np.asarray(electron_kev, dtype=np.float64)
    )
    alpha = photon / ELECTRON_REST_KEV
    share = np.clip(electron / photon, 0.0, 1.0 - 1e-9)
    ratio = share / (1.0 - share)
    shape = 2.0 + (ratio / alpha) ** 2 + share * ratio - 2.0 * ratio / alpha
    inside = (electron >= 0) & (electron <= compton_edge_kev(photon))
    return np.where(inside, np.maximum(shape, 0.0) / (photon * alpha), 0.0)


def full_energy_efficiency(
    energy_kev: ArrayLike, crystal: str, thickness_cm: float, *, n_scatter: int = 4
) -> NDArray[np.float64]:
    """Return the share of photons at the crystal's face that deposit all their energy.

    A photon interacts with ``1 - exp(-mu x)``; a photoelectric interaction deposits everything; a Compton
    scatter leaves a photon of the mean scattered energy that starts half-way through the crystal and tries
    again; a pair needs both annihilation photons caught.

    Parameters
    ----------
    energy_kev : array_like of shape (...)
        Photon energy, 1 to 20,000 keV.
    crystal : str
        Crystal material.
    thickness_cm : float
        Mean path through the crystal, cm.
    n_scatter : int, default 4
        How many scatters are followed.

    Returns
    -------
    ndarray of shape (...), float64
        Intrinsic full-energy efficiency, 0 to 1.
    """
    energy = np.clip(np.asarray(energy_kev, dtype=np.float64), 1.0, 20000.0)
    areal = MATERIALS[crystal].density_g_cm3 * thickness_cm
    return _absorbed(energy, crystal, areal, n_scatter, is_first=True)


def _absorbed(
    energy: NDArray[np.float64], crystal: str, areal: float, n_scatter: int, *, is_first: bool
) -> NDArray[np.float64]:
    total = attenuation(crystal, energy) - attenuation(crystal, energy, process="coherent")
    photo = attenuation(crystal, energy, process="photoelectric")
    compton = attenuation(crystal, energy, process="incoherent")
    # Below the threshold the difference is an interpolation residue.
    pair = np.where(energy > 2 * ELECTRON_REST_KEV, np.maximum(total - photo - compton, 0.0), 0.0)
    caught = 1.0 - np.exp(-total * areal * (1.0 if is_first else REMAINING_PATH))
    full = photo / total
    if n_scatter > 0:
        alpha = energy / ELECTRON_REST_KEV
        scattered = np.maximum(energy / (1.0 + 0.75 * alpha), 1.0)
        full = full + compton / total * _absorbed(scattered, crystal, areal, n_scatter - 1, is_first=False)
        if np.any(pair > 0):
            quantum = _absorbed(np.array([ELECTRON_REST_KEV]), crystal, areal, 2, is_first=False)[0]
            full = full + pair / total * quantum**2
    return caught * full


def compton_continuum(
    edges_kev: NDArray[np.float64], energy_kev: NDArray[np.float64], *, fill: float = 0.25
) -> NDArray[np.float64]:
    """Return the continuum below each line, one count in all a line.

    Single scatters by Klein-Nishina, and a share of multiple scatters that fills the gap between the edge
    and the line. Not yet smeared by the resolution.

    Parameters
    ----------
    edges_kev : ndarray of shape (n_bin + 1,), float64
        Bin edges, keV.
    energy_kev : ndarray of shape (n_line,), float64
        Line energies, keV.
    fill : float, default 0.25
        Share of multiple scatters.

    Returns
    -------
    ndarray of shape (n_bin, n_line), float64
        Counts in each bin; below the first edge they are lost.
    """
    centre = 0.5 * (edges_kev[1:] + edges_kev[:-1])[:, None]
    width = np.diff(edges_kev)[:, None]
    line = energy_kev[None, :]
    edge = compton_edge_kev(line)
    single = klein_nishina_electron(line, centre) * width
    grid = np.linspace(0.0, 1.0, 101)[1:] - 0.005
    whole = (klein_nishina_electron(energy_kev[:, None], grid * edge.T) * edge.T / 100).sum(axis=1)
    # Multiple scatters: a triangle that rises to the edge and falls to zero at the line.
    rise = np.where(centre <= edge, centre / edge, (line - centre) / np.maximum(line - edge, 1e-9))
    multiple = np.maximum(rise, 0.0) * width / (0.5 * line)
    shape: NDArray[np.float64] = (1.0 - fill) * single / whole + fill * multiple
    return shape

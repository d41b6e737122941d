"""What a crystal does to photons, from the Monte Carlo responses: peaks, and deposits on one axis."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.physics.response import Response

from .photons import FLUX_EDGES, FLUX_KEV, Photons
from .views import NEAR, any_response

__all__ = ["DEPOSIT_EDGES", "Crystal", "Deposits", "deposits_of", "shifted"]

#: Axis of all deposited continua, keV: finest where spectra are steepest.
DEPOSIT_EDGES = np.linspace(np.sqrt(3.0), np.sqrt(3400.0), 641) ** 2

#: Line energies at which the continuum below a line is tabulated, keV: an edge moves by 0.7 % between two.
_LINE_NODES = np.geomspace(FLUX_EDGES[0], FLUX_EDGES[-1], 521)

#: Peaks weaker than this share of all are left out.
_LEAST_SHARE = 1e-6


class Deposits(NamedTuple):
    """Energies left in a crystal, not yet blurred.

    Attributes
    ----------
    energy_kev : ndarray of shape (n_peak,), float64
        Energies left exactly: full-energy and escape peaks, keV.
    number : ndarray of shape (n_peak,), float64
        Events in each.
    continuum : ndarray of shape (n_deposit_bin,), float64
        Events in the bins of ``DEPOSIT_EDGES``.
    """

    energy_kev: NDArray[np.float64]
    number: NDArray[np.float64]
    continuum: NDArray[np.float64]

    def joined(self, other: Deposits) -> Deposits:
        """Return the events of both.

        Parameters
        ----------
        other : Deposits
            The other events.

        Returns
        -------
        Deposits
            Peaks side by side, continua added.
        """
        return Deposits(
            np.concatenate([self.energy_kev, other.energy_kev]),
            np.concatenate([self.number, other.number]),
            self.continuum + other.continuum,
        )

    def scaled(self, factor: float) -> Deposits:
        """Return as many times as many events.

        Parameters
        ----------
        factor : float
            How many times.

        Returns
        -------
        Deposits
            The scaled events.
        """
        return Deposits(self.energy_kev, self.number * factor, self.continuum * factor)


class Crystal(NamedTuple):
    """A crystal between two simulated sizes of one material.

    Attributes
    ----------
    small, large : str
        Names that :func:`any_response` knows; the same for a size that was simulated.
    weight : float
        0 is the small one, 1 the large one.
    """

    small: str
    large: str
    weight: float

    @property
    def parts(self) -> tuple[tuple[Response, float], ...]:
        """The simulated responses with their weights."""
        if self.small == self.large or self.weight == 0.0:
            return ((any_response(self.small), 1.0),)
        return ((any_response(self.small), 1.0 - self.weight), (any_response(self.large), self.weight))

    @property
    def face_area_cm2(self) -> float:
        """Area of the front face, cm2, between the two geometrically."""
        return float(np.exp(sum(w * np.log(one.face_area_cm2) for one, w in self.parts)))

    @property
    def volume_cm3(self) -> float:
        """Volume, cm3, between the two geometrically."""
        return float(np.exp(sum(w * np.log(one.volume_cm3) for one, w in self.parts)))

    def near(self) -> Crystal:
        """Return the crystal as a source one centimetre before its housing sees it.

        Returns
        -------
        Crystal
            A part too large to be held against a source stays as it is.
        """
        small, large = (f"{name}@near" if name in NEAR else name for name in (self.small, self.large))
        return Crystal(small, large, self.weight)

    def around(self) -> Crystal:
        """Return the crystal as photons from everywhere see it.

        Returns
        -------
        Crystal
            Its ``face_area_cm2`` is what an even flux of one photon/cm2 crosses.
        """
        small, large = (f"{name.split('@')[0]}@around" for name in (self.small, self.large))
        return Crystal(small, large, self.weight)

    def total(self, energy_kev: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the chance that a photon on the face leaves anything.

        Parameters
        ----------
        energy_kev : ndarray of shape (n_line,), float64
            Photon energy, keV.

        Returns
        -------
        ndarray of shape (n_line,), float64
            0 to 1.
        """
        return np.asarray(sum(w * one.total(energy_kev) for one, w in self.parts))

    def peaks(self, energy_kev: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the peaks of lines.

        Parameters
        ----------
        energy_kev : ndarray of shape (n_line,), float64
            Line energies, keV.

        Returns
        -------
        energy_kev : ndarray of shape (n_line, 6), float64
            Full, two x-ray escapes, single, double escape, and 511 keV.
        chance : ndarray of shape (n_line, 6), float64
            For a photon on the face.
        """
        energies, chance = self.parts[0][0].peaks(energy_kev)
        chance = self.parts[0][1] * chance
        for one, weight in self.parts[1:]:
            chance = chance + weight * one.peaks(energy_kev)[1]
        return energies, chance

    def continuum(self, energy_kev: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the continuum below each line, at its exact energy.

        Parameters
        ----------
        energy_kev : ndarray of shape (n_line,), float64
            Line energies, keV.

        Returns
        -------
        ndarray of shape (n_deposit_bin, n_line), float64
            For a photon on the face.
        """
        return np.asarray(sum(w * one.continuum(energy_kev, DEPOSIT_EDGES) for one, w in self.parts))


def deposits_of(crystal: Crystal, photons: Photons) -> Deposits:
    """Return what photons on a crystal's face leave in it.

    Parameters
    ----------
    crystal : Crystal
        The crystal.
    photons : Photons
        On the face.

    Returns
    -------
    Deposits
        Peaks and continuum.

    Raises
    ------
    ValueError
        If a line lies outside the energies simulated.
    """
    on_nodes = _share(photons.energy_kev, photons.number)
    continuum = np.zeros(DEPOSIT_EDGES.size - 1)
    for one, weight in crystal.parts:
        below_lines, of_flux = _matrices(one.name)
        continuum += weight * (below_lines @ on_nodes + of_flux @ photons.continuum)
    if photons.energy_kev.size == 0:
        return Deposits(np.zeros(0), np.zeros(0), continuum)
    energies, chance = crystal.peaks(photons.energy_kev)
    number = chance * photons.number[:, None]
    kept = (number > _LEAST_SHARE * max(float(number.sum()), 1e-300)) & (energies > 1.0)
    return Deposits(energies[kept], number[kept], continuum)


def shifted(continuum: NDArray[np.float64], by_kev: float) -> NDArray[np.float64]:
    """Return a continuum with an energy added to every event.

    Parameters
    ----------
    continuum : ndarray of shape (n_deposit_bin,), float64
        Events in the bins of ``DEPOSIT_EDGES``.
    by_kev : float
        What is added, keV.

    Returns
    -------
    ndarray of shape (n_deposit_bin,), float64
        Events; what leaves the axis is lost.
    """
    cumulative = np.concatenate([[0.0], np.cumsum(continuum)])
    return np.diff(np.interp(DEPOSIT_EDGES - by_kev, DEPOSIT_EDGES, cumulative))


def _share(energy_kev: NDArray[np.float64], number: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lines shared between the two nearest tabulated energies."""
    position = np.interp(np.log(energy_kev), np.log(_LINE_NODES), np.arange(_LINE_NODES.size))
    low = np.minimum(position.astype(np.int64), _LINE_NODES.size - 2)
    share = position - low
    nodes = np.bincount(low, number * (1.0 - share), minlength=_LINE_NODES.size)
    nodes = nodes + np.bincount(low + 1, number * share, minlength=_LINE_NODES.size)
    return np.asarray(nodes, dtype=np.float64)


@lru_cache(maxsize=32)
def _matrices(name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Continua below the tabulated lines, and all that a continuum of photons leaves, by deposit bin."""
    one = any_response(name)
    low, high = float(one.incident_kev[0]), float(one.incident_kev[-1])

    def known(energy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.clip(energy, low, high)

    below_lines = np.asarray(one.continuum(known(_LINE_NODES), DEPOSIT_EDGES), dtype=np.float64)
    # Photons the responses do not know leave nothing: none below the table matter, none above are drawn.
    below_lines[:, known(_LINE_NODES) != _LINE_NODES] = 0.0
    inside = known(FLUX_KEV) == FLUX_KEV
    of_flux = np.asarray(one.continuum(known(FLUX_KEV), DEPOSIT_EDGES), dtype=np.float64)
    energies, chance = one.peaks(known(FLUX_KEV))
    for k in range(energies.shape[1]):
        # A peak is as wide as its bin of photon energies, except 511 keV, which stands where it stands.
        shift = energies[:, k] - FLUX_KEV
        is_fixed = k == energies.shape[1] - 1
        lower = energies[:, k] - 2.0 if is_fixed else FLUX_EDGES[:-1] + shift
        upper = energies[:, k] + 2.0 if is_fixed else FLUX_EDGES[1:] + shift
        cumulative = np.clip((DEPOSIT_EDGES[:, None] - lower) / (upper - lower), 0.0, 1.0)
        of_flux += np.diff(cumulative, axis=0) * chance[:, k]
    of_flux[:, ~inside] = 0.0
    for matrix in (below_lines, of_flux):
        matrix.flags.writeable = False
    return below_lines, of_flux

"""True coincidence summing: photons of one decay that meet in a crystal near the source."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .crystal import DEPOSIT_EDGES, Crystal, Deposits, deposits_of, shifted
from .photons import Photons, no_continuum

__all__ = ["PhotonPairs", "summed"]

#: Pairs that are followed: the weaker ones change no spectrum by more than their share.
_MOST_PAIRS = 16

#: Bin of the axis on which two continua are added, keV.
_COARSE_KEV = 10.0


class PhotonPairs(NamedTuple):
    """Photons that one decay sends out together.

    Attributes
    ----------
    first_kev, second_kev : ndarray of shape (n_pair,), float64
        Energies, keV.
    number : ndarray of shape (n_pair,), float64
        Pairs per decay.
    """

    first_kev: NDArray[np.float64]
    second_kev: NDArray[np.float64]
    number: NDArray[np.float64]


def summed(crystal: Crystal, pairs: PhotonPairs, solid_share: float) -> Deposits:
    """Return what coincidences add to and take from a spectrum.

    For a pair of which both photons reach the crystal: each leaves its place with the chance that the
    other leaves anything, and the sum of both deposits appears. To first order, pairs only, directions
    uncorrelated.

    Parameters
    ----------
    crystal : Crystal
        The crystal.
    pairs : PhotonPairs
        Pairs per decay, each already weakened by what lies between.
    solid_share : float
        Share of all directions in which the source sees the crystal's face, 0 to 0.5.

    Returns
    -------
    Deposits
        Changes, for one photon of each line on the face per photon emitted (the unit of the spectrum
        without summing); losses are negative.

    Raises
    ------
    ValueError
        If the share is outside 0 to 0.5.
    """
    if not 0.0 <= solid_share <= 0.5:
        raise ValueError(f"share of solid angle {solid_share:g} is outside 0 to 0.5")
    chosen = np.argsort(-pairs.number)[:_MOST_PAIRS]
    energies: list[NDArray[np.float64]] = [np.zeros(0)]
    numbers: list[NDArray[np.float64]] = [np.zeros(0)]
    continuum = np.zeros(DEPOSIT_EDGES.size - 1)
    known: dict[float, Deposits] = {}
    for index in chosen:
        a, b = float(pairs.first_kev[index]), float(pairs.second_kev[index])
        rate = float(pairs.number[index]) * solid_share
        for energy in (a, b):
            if energy not in known:
                known[energy] = _of_line(crystal, energy)
        first, second = known[a], known[b]
        for one, other in ((first, second), (second, first)):
            lost = rate * (float(other.number.sum()) + float(other.continuum.sum()))
            energies.append(one.energy_kev)
            numbers.append(-lost * one.number)
            continuum -= lost * one.continuum
            for peak, number in zip(one.energy_kev, one.number, strict=True):
                continuum += rate * number * shifted(other.continuum, float(peak))
        energies.append((first.energy_kev[:, None] + second.energy_kev[None, :]).ravel())
        numbers.append(rate * (first.number[:, None] * second.number[None, :]).ravel())
        continuum += rate * _added(first.continuum, second.continuum)
    return Deposits(np.concatenate(energies), np.concatenate(numbers), continuum)


def _of_line(crystal: Crystal, energy_kev: float) -> Deposits:
    return deposits_of(crystal, Photons(np.array([energy_kev]), np.ones(1), no_continuum()))


def _added(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Continuum of the sums of two independent events, on even coarse bins and back."""
    coarse = np.arange(0.0, DEPOSIT_EDGES[-1] + _COARSE_KEV, _COARSE_KEV)

    def onto(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        cumulative = np.concatenate([[0.0], np.cumsum(counts)])
        return np.diff(np.interp(coarse, DEPOSIT_EDGES, cumulative))

    sums = np.convolve(onto(first), onto(second))[: coarse.size - 1]
    cumulative = np.concatenate([[0.0], np.cumsum(sums)])
    # The sum of two bins' centres lies at the upper edge of the bin it is counted in.
    return np.diff(np.interp(DEPOSIT_EDGES - 0.5 * _COARSE_KEV, coarse, cumulative))

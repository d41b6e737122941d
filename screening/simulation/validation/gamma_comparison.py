"""What a comparison of a measured spectrum with a simulated one holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .gamma_setups import range_of

__all__ = ["AREA_TOLERANCE", "GammaComparison", "PeakComparison", "place_tolerance_kev"]

#: A peak's share of all counts must agree within this, relative.
AREA_TOLERANCE = 0.20

#: A parameter that comes this close to its bound, of the bound's width, has not been found within it.
_AT_BOUND = 1e-3


def place_tolerance_kev(energy_kev: float) -> float:
    """Return how far a peak may stand from where the simulation puts it.

    Parameters
    ----------
    energy_kev : float
        Its energy, keV.

    Returns
    -------
    float
        The larger of 1.5 % and 3 keV.
    """
    return max(0.015 * energy_kev, 3.0)


@dataclass(frozen=True, slots=True)
class PeakComparison:
    """One named peak, by the same estimator on both spectra.

    Attributes
    ----------
    energy_kev : float
        The line, keV.
    measured_kev, simulated_kev : float
        Where the peak stands on the file's energy axis, keV.
    measured_share, simulated_share : float
        Net area over the counts above ``total_from_kev``, background taken off.
    ratio_sigma : float
        Counting error of the ratio of the shares.
    """

    energy_kev: float
    measured_kev: float
    simulated_kev: float
    measured_share: float
    simulated_share: float
    ratio_sigma: float

    @property
    def off_kev(self) -> float:
        """Simulated minus measured place, keV."""
        return self.simulated_kev - self.measured_kev

    @property
    def share_ratio(self) -> float:
        """Simulated over measured share; infinite if nothing was measured."""
        return self.simulated_share / self.measured_share if self.measured_share > 0 else float("inf")

    @property
    def is_place_within(self) -> bool:
        """The place agrees within 1.5 % or 3 keV."""
        return abs(self.off_kev) <= place_tolerance_kev(self.energy_kev)

    @property
    def is_area_within(self) -> bool:
        """The share agrees within 20 %."""
        return abs(self.share_ratio - 1.0) <= AREA_TOLERANCE


@dataclass(frozen=True, slots=True, eq=False)
class GammaComparison:
    """A simulated spectrum fitted to a measured one.

    Attributes
    ----------
    name, label, response : str
        Name of the comparison, source, simulated crystal.
    parameters : dict of str to float
        Fitted values; ranges in ``BOUNDS``.
    peaks : tuple of PeakComparison
        Named peaks.
    total_from_kev : float
        Areas are given over the counts above this energy.
    reduced_chi_squared : float
        With counting errors and 3 % of each channel.
    edges_kev : ndarray of shape (n_channel + 1,), float64
        Channel edges of the file.
    measured, source, background : ndarray of shape (n_channel,), float64
        Measured counts, simulated source and scaled measured background.
    sigma : ndarray of shape (n_channel,), float64
        Error of each channel.
    fitted : ndarray of shape (n_channel,), bool
        Channels that took part in the fit.
    note : str
        What is known to differ, and why.
    """

    name: str
    label: str
    response: str
    parameters: dict[str, float]
    peaks: tuple[PeakComparison, ...]
    total_from_kev: float
    reduced_chi_squared: float
    edges_kev: NDArray[np.float64]
    measured: NDArray[np.float64]
    source: NDArray[np.float64]
    background: NDArray[np.float64]
    sigma: NDArray[np.float64]
    fitted: NDArray[np.bool_]
    note: str

    @property
    def at_bounds(self) -> tuple[str, ...]:
        """The parameters that the fit left at an end of their range."""
        found = []
        for name, value in self.parameters.items():
            low, high = range_of(name, self.response)
            if value <= low + _AT_BOUND * (high - low) or value >= high - _AT_BOUND * (high - low):
                found.append(name)
        return tuple(found)

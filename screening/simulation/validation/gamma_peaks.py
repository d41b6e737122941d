"""One estimator of a peak's place and net area, used alike on measured and simulated counts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.special import erf

__all__ = ["PeakFit", "fit_peak"]

#: Half of the window over the FWHM, and how far a peak may stand from where it is looked for, in FWHM.
_HALF_WINDOW, _LARGEST_SHIFT = 1.4, 0.6


class PeakFit(NamedTuple):
    """A Gaussian on a straight line, fitted to a window.

    Attributes
    ----------
    energy_kev : float
        Its centre, keV.
    area : float
        Net counts.
    area_sigma : float
        Their standard deviation from the counts of the window.
    """

    energy_kev: float
    area: float
    area_sigma: float


def fit_peak(
    counts: NDArray[np.float64],
    variance: NDArray[np.float64],
    edges_kev: NDArray[np.float64],
    energy_kev: float,
    fwhm_kev: float,
) -> PeakFit:
    """Fit a peak of known width in a window of 2.8 FWHM about where it should be.

    The centre is scanned over +-0.6 FWHM; at each the area and the line below (its values at both ends,
    none negative) follow by weighted least squares.

    Parameters
    ----------
    counts, variance : ndarray of shape (n_channel,), float64
        Counts and their variance, above zero.
    edges_kev : ndarray of shape (n_channel + 1,), float64
        Channel edges, keV.
    energy_kev, fwhm_kev : float
        Where the peak should stand, and its width, keV.

    Returns
    -------
    PeakFit
        Place and area.

    Raises
    ------
    ValueError
        If fewer than four channels lie in the window.
    """
    low, high = energy_kev - _HALF_WINDOW * fwhm_kev, energy_kev + _HALF_WINDOW * fwhm_kev
    first, last = np.searchsorted(edges_kev, [low, high])
    last = min(int(last), counts.size)
    if last - first < 4:
        raise ValueError(
            f"no peak fits at {energy_kev:g} keV: fewer than four channels in {low:g} to {high:g} keV"
        )
    edges = edges_kev[first : last + 1]
    y = counts[first:last]
    weight = 1.0 / np.sqrt(np.maximum(variance[first:last], 1e-12))
    width = np.diff(edges)
    along = (0.5 * (edges[1:] + edges[:-1]) - edges[0]) / (edges[-1] - edges[0])
    best = (np.inf, energy_kev, 0.0, 0.0)
    step = 1.0 / 40.0
    shifts = np.arange(-_LARGEST_SHIFT, _LARGEST_SHIFT + 0.5 * step, step) * fwhm_kev
    for centre in energy_kev + shifts:
        design = _design(edges, width, along, float(centre), fwhm_kev) * weight[:, None]
        solution, residual = nnls(design, y * weight)
        if residual < best[0]:
            covariance = np.linalg.pinv(design.T @ design)
            best = (float(residual), float(centre), float(solution[0]), float(np.sqrt(covariance[0, 0])))
    return PeakFit(*best[1:])


def _design(
    edges: NDArray[np.float64],
    width: NDArray[np.float64],
    along: NDArray[np.float64],
    centre: float,
    fwhm_kev: float,
) -> NDArray[np.float64]:
    sigma = fwhm_kev / 2.354820045
    peak = np.diff(0.5 * (1.0 + erf((edges - centre) / (sigma * np.sqrt(2.0)))))
    return np.stack([peak, (1.0 - along) * width, along * width], axis=1)

"""What the identification network is shown of a spectrum.

Everything is in true energy and on axes that know the resolution; channel numbers never reach the network.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from screening.physics import FwhmLaw

from .spectrum import MeasuredSpectrum

__all__ = ["FEATURE_VERSION", "N_FEATURE", "network_features"]

#: Changes whenever the features change: a model made for others is refused.
FEATURE_VERSION = "spectrum-2"

N_BIN = 256
FEATURE_EDGES_KEV = np.linspace(np.sqrt(20.0), np.sqrt(3000.0), N_BIN + 1) ** 2
N_FEATURE = 2 * N_BIN + 4

#: Positions in each bin at which a peak is looked for: germanium lines are narrower than a bin.
POSITIONS = np.linspace(0.05, 0.95, 8)


def network_features(
    spectrum: MeasuredSpectrum,
    law: FwhmLaw,
    range_kev: tuple[float, float],
    *,
    gain: float = 1.0,
    offset_kev: float = 0.0,
) -> NDArray[np.float32]:
    """Return the features of one spectrum.

    The square root of the share of counts in each of 256 bins (even in the square root of energy), the
    significance of a peak of the detector's own width in each, and four scalars: resolution, counts,
    lowest and highest energy.

    Parameters
    ----------
    spectrum : MeasuredSpectrum
        The spectrum.
    law : FwhmLaw
        Its resolution.
    range_kev : tuple of float
        Range in which the detector counted, keV.
    gain, offset_kev : float
        True energy = gain * (energy of the file) + offset.

    Returns
    -------
    ndarray of shape (516,), float32
        The features, all finite.
    """
    low, high = range_kev
    centre = 0.5 * (FEATURE_EDGES_KEV[1:] + FEATURE_EDGES_KEV[:-1])
    is_live = (FEATURE_EDGES_KEV[:-1] >= low) & (FEATURE_EDGES_KEV[1:] <= high)
    counts = np.where(is_live, spectrum.on_axis(FEATURE_EDGES_KEV, gain=gain, offset_kev=offset_kev), 0.0)
    total = float(counts.sum())
    shape = np.sqrt(counts / max(total, 1.0) * N_BIN) / 2.0
    step = np.diff(FEATURE_EDGES_KEV)
    energy = FEATURE_EDGES_KEV[:-1, None] + step[:, None] * POSITIONS
    width = law.fwhm_kev(energy)
    marks = energy[None] + width[None] * np.array([-1.5, -0.6, 0.6, 1.5])[:, None, None]
    cumulative = np.interp((marks - offset_kev) / gain, spectrum.edges_kev, spectrum.cumulative)
    left, middle, right = np.diff(cumulative, axis=0)
    ratio = 0.6 / 0.9
    continuum = ratio * (left + right)
    score = (middle - continuum) / np.sqrt(middle + ratio * continuum + (0.02 * continuum) ** 2 + 1.0)
    inside = (energy - 1.5 * width > low) & (energy + 0.6 * width < high)
    best = np.where(inside, score, 0.0)
    strongest = np.take_along_axis(best, np.argmax(np.abs(best), axis=1)[:, None], axis=1)[:, 0]
    peaks = np.sign(strongest) * np.log1p(np.abs(strongest)) / 2.0
    scalars = np.array(
        [
            np.log(law.r662 / 0.05) / 2.0,
            np.log10(max(total, 1.0)) / 3.0 - 1.0,
            np.log(low / 40.0),
            (high - 2500.0) / 1000.0,
        ]
    )
    features = np.concatenate([shape, np.where(centre > 0, peaks, 0.0), scalars])
    finite: NDArray[np.float32] = np.nan_to_num(features, nan=0.0, posinf=10.0, neginf=-10.0).astype(
        np.float32
    )
    return finite

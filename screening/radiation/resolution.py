"""Peaks and their widths, found in the spectrum itself: headers are not believed.

Peaks are looked for in energy and width together (a zero-area box filter at every width, on prefix sums,
after the idea of Mariscotti, Nucl. Instrum. Methods 50 (1967) 309), then fitted with a Gaussian on a
sloping, stepped continuum. Their widths, brought to 662 keV, vote for the resolution.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import erf

from screening.physics.detector import REFERENCE_KEV

from .spectrum import MeasuredSpectrum

__all__ = ["Peak", "find_peaks", "fit_widths", "resolution_candidates"]

#: Widths tried, keV, and the least and largest resolution at 662 keV that a detector is given.
WIDTHS_KEV = np.geomspace(0.8, 170.0, 44)
RESOLUTION_RANGE = (0.0015, 0.16)

#: The best that germanium does at 662 keV.
BEST_GERMANIUM = 0.0018

SIGMA_PER_FWHM = 1.0 / 2.354820045


class Peak(NamedTuple):
    """A peak of the spectrum.

    Attributes
    ----------
    energy_kev, fwhm_kev : float
        Position and width, keV.
    net_counts : float
        Counts above the continuum.
    significance : float
        Signal over its standard deviation, with a systematic share of the continuum.
    quality : float
        Reduced chi-squared of the Gaussian; near 1 for a single clean line.
    """

    energy_kev: float
    fwhm_kev: float
    net_counts: float
    significance: float
    quality: float = 1.0


def find_peaks(
    spectrum: MeasuredSpectrum, low_kev: float, high_kev: float, *, n_peak: int = 14, systematic: float = 0.02
) -> list[Peak]:
    """Return the most significant peaks, strongest first.

    Parameters
    ----------
    spectrum : MeasuredSpectrum
        The spectrum.
    low_kev, high_kev : float
        Where to look, keV.
    n_peak : int, default 14
        How many to return at most.
    systematic : float, default 0.02
        Share of the continuum that curvature may fake.

    Returns
    -------
    list of Peak
        Peaks that do not overlap; widths are those of the filter.
    """
    edges, cumulative = spectrum.edges_kev, spectrum.cumulative
    centre, outer = 0.6, 1.5
    ratio = centre / (outer - centre)
    found: list[tuple[float, float, float, float]] = []
    for width in WIDTHS_KEV:
        energy = np.arange(max(low_kev + outer * width, 2.2 * width), min(high_kev, 3100.0), 0.2 * width)
        if energy.size < 3:
            continue
        marks = np.interp(
            energy + width * np.array([-outer, -centre, centre, outer])[:, None], edges, cumulative
        )
        left, middle, right = np.diff(marks, axis=0)
        continuum = ratio * (left + right)
        variance = middle + ratio * continuum + (systematic * continuum) ** 2 + 1.0
        score = (middle - continuum) / np.sqrt(variance)
        top = (score[1:-1] >= score[:-2]) & (score[1:-1] > score[2:]) & (score[1:-1] > 4.0)
        found += [
            (float(score[k]), float(energy[k]), float(width), float(middle[k] - continuum[k]))
            for k in np.flatnonzero(top) + 1
        ]
    found.sort(reverse=True)
    channel = np.diff(edges)
    kept: list[Peak] = []
    for score_of, energy_of, width_of, net in found:
        step = channel[min(max(int(np.searchsorted(edges, energy_of)) - 1, 0), channel.size - 1)]
        # Narrower than two channels is a single hot channel, not a line.
        if width_of < 2.0 * step:
            continue
        if all(abs(energy_of - peak.energy_kev) > 0.7 * (width_of + peak.fwhm_kev) for peak in kept):
            kept.append(Peak(energy_of, width_of, net, score_of))
        if len(kept) >= n_peak:
            break
    return kept


def fit_widths(spectrum: MeasuredSpectrum, peaks: list[Peak], *, systematic: float = 0.01) -> list[Peak]:
    """Fit a Gaussian on a sloping, stepped continuum to each peak.

    Parameters
    ----------
    spectrum : MeasuredSpectrum
        The spectrum.
    peaks : list of Peak
        Where to fit.
    systematic : float, default 0.01
        Relative error of a bin beyond Poisson.

    Returns
    -------
    list of Peak
        The peaks with fitted positions, widths and significances; those that no Gaussian fits are left out.
    """
    fitted = []
    for peak in peaks:
        result = _fit_width(spectrum, peak, systematic)
        # On little continuum the filter likes to be far too wide: look again, closer.
        for _ in range(3):
            if result is None or result.fwhm_kev > 0.2 * peak.fwhm_kev:
                break
            peak = peak._replace(energy_kev=result.energy_kev, fwhm_kev=4.0 * result.fwhm_kev)
            result = _fit_width(spectrum, peak, systematic)
        if result is not None:
            fitted.append(result)
    return fitted


def _fit_width(spectrum: MeasuredSpectrum, peak: Peak, systematic: float) -> Peak | None:
    energy, width = peak.energy_kev, peak.fwhm_kev
    low, high = energy - 1.5 * width, energy + 1.5 * width
    inside = (spectrum.edges_kev > low) & (spectrum.edges_kev < high)
    n_bin = int(np.clip(np.count_nonzero(inside), 8, 60))
    axis = np.linspace(low, high, n_bin + 1)
    counts = spectrum.on_axis(axis)
    middle = 0.5 * (axis[1:] + axis[:-1])
    weight = 1.0 / (np.maximum(counts, 1.0) + (systematic * counts) ** 2)
    centres = energy + width * np.linspace(-0.5, 0.5, 11)
    step = 3.0 * width / n_bin
    trial = np.maximum(width * np.geomspace(0.15, 1.3, 16), 1.5 * step)
    z = (axis - centres[:, None, None]) / (trial[None, :, None] * SIGMA_PER_FWHM * np.sqrt(2.0))
    cdf = 0.5 * (1.0 + erf(z))
    line = np.diff(cdf, axis=-1)
    tail = 1.0 - 0.5 * (cdf[..., 1:] + cdf[..., :-1])
    flat = np.broadcast_to(np.ones(n_bin), line.shape)
    slope = np.broadcast_to((middle - energy) / width, line.shape)
    design = np.stack([line, flat, slope, tail], axis=-1).reshape(-1, n_bin, 4)
    weighted = design * weight[:, None]
    gram = np.swapaxes(weighted, 1, 2) @ design
    gram += 1e-9 * np.trace(gram, axis1=1, axis2=2)[:, None, None] * np.eye(4)
    right = np.einsum("knp,n->kp", weighted, counts)
    solution = np.linalg.solve(gram, right[..., None])[..., 0]
    total = float(weight @ counts**2)
    chi2 = np.where(solution[:, 0] > 0, total - np.einsum("kp,kp->k", right, solution), np.inf)
    best = int(np.argmin(chi2))
    if not np.isfinite(chi2[best]):
        return None
    plain = total - float(right[0, 1:3] @ np.linalg.solve(gram[0, 1:3, 1:3], right[0, 1:3]))
    gain = max(plain - float(chi2[best]), 0.0)
    row, column = divmod(best, trial.size)
    return Peak(
        float(centres[row]),
        float(trial[column]),
        float(solution[best, 0]),
        float(np.sqrt(gain)),
        float(chi2[best]) / max(n_bin - 6, 1),
    )


def resolution_candidates(peaks: list[Peak], channel_at_662_kev: float) -> tuple[list[float], bool]:
    """Return the resolutions the peaks vote for, best first.

    Parameters
    ----------
    peaks : list of Peak
        Fitted peaks.
    channel_at_662_kev : float
        Channel width at 662 keV, keV: used only when no peak can be measured.

    Returns
    -------
    candidates : list of float
        One or two values of FWHM over energy at 662 keV.
    is_measured : bool
        False when no peak was good enough to vote.
    """
    low, high = RESOLUTION_RANGE
    ballots: list[tuple[float, float]] = []
    sharp: list[tuple[float, float]] = []
    for peak in peaks:
        resolution = peak.fwhm_kev / REFERENCE_KEV * np.sqrt(REFERENCE_KEV / peak.energy_kev)
        # In germanium the noise adds a constant width, which the square root law reads as worse.
        if resolution < 0.009 and peak.fwhm_kev > 0.9:
            resolution = np.sqrt(max(peak.fwhm_kev**2 - 0.8, 0.1)) / REFERENCE_KEV
            resolution = max(resolution * np.sqrt(REFERENCE_KEV / peak.energy_kev), BEST_GERMANIUM)
        if not low <= resolution <= high or peak.significance < 4.0 or peak.fwhm_kev > 0.6 * peak.energy_kev:
            continue
        # The hump of a background's continuum looks like this, and no line of a usable detector does.
        if resolution > 0.105 and peak.energy_kev < 150.0:
            continue
        sharp.append((float(resolution), peak.significance))
        ballots.append(
            (float(np.log(resolution)), min(peak.significance, 60.0) / np.sqrt(max(peak.quality, 1.0)))
        )
    if not ballots:
        return ([0.003, 0.03] if channel_at_662_kev < 0.6 else [0.075, 0.03]), False
    where = np.array([ballot[0] for ballot in ballots])
    weight = np.array([ballot[1] for ballot in ballots])
    grid = np.linspace(np.log(low), np.log(high), 120)
    # Unresolved doublets, Compton edges and backscatter are wider than a line, never narrower: the vote
    # falls off slowly towards narrower resolutions than the one measured, fast towards wider ones.
    distance = grid[:, None] - where[None, :]
    kernel = np.exp(-0.5 * (distance / np.where(distance > 0, 0.15, 0.22)) ** 2)
    votes = kernel @ weight
    candidates: list[float] = []
    for _ in range(2):
        best = int(np.argmax(votes))
        if votes[best] < 0.45 * (kernel @ weight).max():
            break
        candidates.append(float(np.exp(grid[best])))
        votes = np.where(np.abs(grid - grid[best]) < 0.45, 0.0, votes)
    # No instrument makes a strong feature narrower than its resolution: the narrowest one always stands.
    clear = 0.25 * max(significance for _, significance in sharp)
    narrowest = min(value for value, significance in sharp if significance >= clear)
    if clear > 5.0 and all(narrowest < 0.75 * candidate for candidate in candidates):
        candidates = [candidates[0], narrowest]
    return candidates, bool(weight.max() > 5.0)

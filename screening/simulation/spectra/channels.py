"""From energies left in a crystal to counts in the channels of a file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.interpolate import PchipInterpolator
from scipy.special import erf, erfc, erfcx, erfinv

from screening.physics import FwhmLaw

from .crystal import DEPOSIT_EDGES, Deposits, deposits_of
from .instrument import Detector
from .photons import FLUX_EDGES, Photons, no_continuum, scattered_back, through, through_layers

__all__ = [
    "blurred",
    "channel_counts",
    "discriminator",
    "expected_counts",
    "photon_counts",
    "photon_deposits",
    "piled_up",
]

#: Standard deviations over FWHM.
_SIGMA = 1.0 / 2.354820045

#: Density of housings, g/cm3.
_DENSITY = {"aluminium": 2.70, "steel": 7.85}

#: Highest line the simulator takes, keV: what lies above is no discrete line of a decay.
_HIGHEST_KEV = 9_900.0


def expected_counts(
    detector: Detector,
    energy_kev: NDArray[np.float64],
    intensity: NDArray[np.float64],
    *,
    shielding: tuple[tuple[str, float], ...] = (),
    continuum: NDArray[np.float64] | None = None,
    scatter: float | None = None,
) -> NDArray[np.float64]:
    """Return the counts expected in each channel from photons a source sends at the detector.

    Parameters
    ----------
    detector : Detector
        The instrument.
    energy_kev : ndarray of shape (n_line,), float64
        Line energies, keV; lines below 10 keV or above 9,900 keV are left out.
    intensity : ndarray of shape (n_line,), float64
        Photons that would reach the crystal's face with nothing in between.
    shielding : tuple of (str, float)
        Layers between source and detector, innermost first: material and areal density, g/cm2.
    continuum : ndarray of shape (n_flux_bin,), float64, optional
        Photons of a continuous spectrum, in the bins of ``FLUX_EDGES``.
    scatter : float, optional
        Scatter from the surroundings instead of the detector's own.

    Returns
    -------
    ndarray of shape (n_channel,), float64
        Expected counts.

    Raises
    ------
    ValueError
        If a layer is no material or no areal density.
    """
    inside = (energy_kev > FLUX_EDGES[0]) & (energy_kev < _HIGHEST_KEV) & (intensity > 0)
    photons = Photons(
        energy_kev[inside], intensity[inside], no_continuum() if continuum is None else continuum
    )
    return photon_counts(detector, through_layers(photons, shielding), scatter=scatter)


def photon_counts(
    detector: Detector, photons: Photons, *, scatter: float | None = None
) -> NDArray[np.float64]:
    """Return the counts expected in each channel from photons at the detector.

    Parameters
    ----------
    detector : Detector
        The instrument.
    photons : Photons
        Before its housing.
    scatter : float, optional
        Scatter from the surroundings instead of the detector's own; 0 for a background, which holds it.

    Returns
    -------
    ndarray of shape (n_channel,), float64
        Expected counts.
    """
    return blurred(detector, photon_deposits(detector, photons, scatter=scatter))


def photon_deposits(detector: Detector, photons: Photons, *, scatter: float | None = None) -> Deposits:
    """Return what photons at the detector leave in its crystal.

    Parameters
    ----------
    detector : Detector
        The instrument.
    photons : Photons
        Before its housing.
    scatter : float, optional
        Scatter from the surroundings instead of the detector's own.

    Returns
    -------
    Deposits
        Before resolution, calibration and discriminator.
    """
    amount = detector.scatter if scatter is None else scatter
    areal = 0.1 * detector.housing_mm * _DENSITY[detector.housing]
    direct = deposits_of(detector.crystal, through(photons, detector.housing, areal))
    if amount > 0.0:
        # The surface is struck by what the detector is struck by, and returns it from all sides. It
        # also sends back the annihilation photons of pairs made in it, which the matrix holds as scatter.
        back = Photons(np.zeros(0), np.zeros(0), amount * scattered_back(photons, detector.surface))
        scattered = deposits_of(detector.crystal.around(), through(back, detector.housing, areal))
        return direct.joined(scattered)
    return direct


def blurred(detector: Detector, deposits: Deposits) -> NDArray[np.float64]:
    """Return the counts in the file's channels of events in the crystal.

    Parameters
    ----------
    detector : Detector
        Resolution, calibration, discriminator, drift and spread of gains.
    deposits : Deposits
        Events.

    Returns
    -------
    ndarray of shape (n_channel,), float64
        Expected counts.
    """
    true_edges = detector.true_kev(detector.edges_kev)
    counts = channel_counts(
        deposits, true_edges, detector.law, tail=detector.tail, tail_slope=detector.tail_slope
    )
    return _with_gains(detector, counts * discriminator(detector))


def channel_counts(
    deposits: Deposits,
    true_edges_kev: NDArray[np.float64],
    law: FwhmLaw,
    *,
    tail: float = 0.0,
    tail_slope: float = 1.5,
) -> NDArray[np.float64]:
    """Return events blurred by a resolution, in channels.

    Parameters
    ----------
    deposits : Deposits
        Events.
    true_edges_kev : ndarray of shape (n_channel + 1,), float64
        Deposited energy at the channels' edges, keV, ascending.
    law : FwhmLaw
        Resolution.
    tail, tail_slope : float
        As in :class:`Detector`.

    Returns
    -------
    ndarray of shape (n_channel,), float64
        Expected counts.
    """
    counts = _peaks(true_edges_kev, deposits.energy_kev, deposits.number, law, tail, tail_slope)
    centre = 0.5 * (DEPOSIT_EDGES[1:] + DEPOSIT_EDGES[:-1])
    step = np.diff(DEPOSIT_EDGES)
    if np.any(law.fwhm_kev(centre) * _SIGMA > 0.7 * step):
        # Each bin is a peak as wide as the resolution and the bin together; 0.6 bins leave no ripple.
        wide = np.maximum(np.hypot(law.fwhm_kev(centre) * _SIGMA, step / np.sqrt(12.0)), 0.6 * step)
        counts += _gaussians(true_edges_kev, centre, deposits.continuum, wide, 0.0, 1.0)
    else:
        # Many channels to a bin: a smooth density, or germanium would show the bins as steps.
        cumulative = np.concatenate([[0.0], np.cumsum(deposits.continuum)])
        clipped = np.clip(true_edges_kev, DEPOSIT_EDGES[0], DEPOSIT_EDGES[-1])
        counts += np.diff(PchipInterpolator(DEPOSIT_EDGES, cumulative)(clipped))
    return np.maximum(counts, 0.0)


def discriminator(detector: Detector) -> NDArray[np.float64]:
    """Return the share of events that pass the low-level discriminator, by channel.

    Parameters
    ----------
    detector : Detector
        The instrument.

    Returns
    -------
    ndarray of shape (n_channel,), float64
        0 to 1.
    """
    true_edges = detector.true_kev(detector.edges_kev)
    centre = 0.5 * (true_edges[1:] + true_edges[:-1])
    passed: NDArray[np.float64] = 0.5 * erfc((detector.threshold_kev - centre) / detector.threshold_width_kev)
    return passed


def piled_up(counts: NDArray[np.float64], probability: float) -> NDArray[np.float64]:
    """Return a spectrum in which some events are two at once.

    Two events within the resolving time are one with the sum of both energies: with probability
    p an event is followed by another, both are lost from their places, and one appears at the sum (first
    order in p).

    Parameters
    ----------
    counts : ndarray of shape (n_channel,), float64
        Expected counts on channels of even width from zero energy.
    probability : float
        Chance that a second event falls into the resolving time of a first: rate times time, 0 to 0.5.

    Returns
    -------
    ndarray of shape (n_channel,), float64
        Expected counts.

    Raises
    ------
    ValueError
        If the probability is outside 0 to 0.5, where the first order does not hold.
    """
    if not 0.0 <= probability <= 0.5:
        raise ValueError(f"pile-up probability {probability:g} is outside 0 to 0.5")
    total = counts.sum()
    if probability == 0.0 or total <= 0.0:
        return counts
    size = next_fast_len(2 * counts.size, real=True)
    transformed = rfft(counts, size)
    # Centres i + 1/2 and j + 1/2 of two channels sum to the edge between i + j and the next one.
    pairs = irfft(transformed * transformed, size)[: counts.size] / total
    pairs = 0.5 * (pairs + np.concatenate([[0.0], pairs[:-1]]))
    return np.asarray((1.0 - 2.0 * probability) * counts + probability * np.maximum(pairs, 0.0))


def _with_gains(detector: Detector, counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum over crystals of other gains and over the drift: channels stretched and added."""
    factors = np.ones(1)
    if detector.n_crystal > 1 and detector.gain_spread > 0.0:
        # The quantiles of the spread, not a draw: an instrument of n crystals of typical gains.
        quantile = (np.arange(detector.n_crystal) + 0.5) / detector.n_crystal
        factors = 1.0 + detector.gain_spread * np.sqrt(2.0) * erfinv(2.0 * quantile - 1.0)
    if abs(detector.drift) > 0.0:
        steps = detector.drift * ((np.arange(7) + 0.5) / 7.0 - 0.5)
        factors = (factors[:, None] * (1.0 + steps)).ravel()
    if factors.size == 1:
        return counts
    edges = detector.edges_kev
    cumulative = np.concatenate([[0.0], np.cumsum(counts)])
    total = np.zeros(counts.size)
    for factor in factors:
        total += np.diff(np.interp(edges / factor, edges, cumulative))
    return total / factors.size


def _peaks(
    edges: NDArray[np.float64],
    energy: NDArray[np.float64],
    area: NDArray[np.float64],
    law: FwhmLaw,
    tail: float,
    tail_slope: float,
) -> NDArray[np.float64]:
    middle = np.maximum(energy, 1.0)
    return _gaussians(edges, middle, area, law.fwhm_kev(middle) * _SIGMA, tail, tail_slope)


def _gaussians(
    edges: NDArray[np.float64],
    middle: NDArray[np.float64],
    area: NDArray[np.float64],
    sigma: NDArray[np.float64],
    tail: float,
    tail_slope: float,
) -> NDArray[np.float64]:
    """Return Gaussian peaks in channels, a share of each with an exponential tail towards low energies."""
    n_channel = edges.size - 1
    reach = 4.2 + (5.0 * tail_slope if tail > 0.0 else 0.0)
    first = np.clip(np.searchsorted(edges, middle - reach * sigma) - 1, 0, n_channel)
    last = np.clip(np.searchsorted(edges, middle + 4.2 * sigma), 0, n_channel)
    # One edge more than channels, so that each edge is evaluated once.
    length = np.where(last > first, last - first + 1, 0)
    if length.sum() == 0:
        return np.zeros(n_channel)
    line = np.repeat(np.arange(middle.size), length)
    start = np.cumsum(length) - length
    position = np.arange(line.size) - np.repeat(start - first, length)
    u = (edges[position] - middle[line]) / sigma[line]
    below = 0.5 * (1.0 + erf(u / np.sqrt(2.0)))
    if tail > 0.0:
        below = (1.0 - tail) * below + tail * _tailed(u, tail_slope)
    inside = np.ones(line.size, dtype=bool)
    inside[start[length > 0]] = False
    step = np.diff(below, prepend=0.0)[inside]
    counts = np.bincount(position[inside] - 1, area[line[inside]] * step, minlength=n_channel)
    return np.asarray(counts, dtype=np.float64)


def _tailed(u: NDArray[np.float64], slope: float) -> NDArray[np.float64]:
    """Cumulative of a Gaussian with an exponential towards low values, u and slope in standard deviations."""
    gaussian = 0.5 * (1.0 + erf(u / np.sqrt(2.0)))
    shifted = (u + 1.0 / slope) / np.sqrt(2.0)
    # erfcx where it does not overflow; the plain form where the exponential is small.
    upper = 0.5 * np.exp(-0.5 * u**2) * erfcx(np.maximum(shifted, 0.0))
    lower = 0.5 * np.exp(np.minimum(u / slope + 0.5 / slope**2, 50.0)) * erfc(shifted)
    return np.asarray(gaussian + np.where(shifted > 0.0, upper, lower))

"""From the spectra of many crystals and intervals to one foreground and one background spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.kernels import rebin
from screening.records import Background, Occupancy

__all__ = ["EnergySpectrum", "PassSpectra", "common_edges", "sum_spectra", "valid_edges"]

#: A calibration must reach at least this energy, and start below the other, to name nuclides.
_MUST_REACH_KEV, _MUST_START_KEV = 200.0, 500.0


@dataclass(frozen=True, slots=True)
class EnergySpectrum:
    """A spectrum summed in energy over crystals.

    Attributes
    ----------
    counts : ndarray of shape (n_channel,), float64
        Counts.
    live_time_s : float
        Mean live time of the crystals, seconds.
    """

    counts: NDArray[np.float64]
    live_time_s: float


@dataclass(frozen=True, slots=True)
class PassSpectra:
    """Foreground and background on one energy axis.

    Attributes
    ----------
    edges_kev : ndarray of shape (n_channel + 1,), float64
        Channel edges, keV.
    foreground : EnergySpectrum
        The intervals in question.
    background : EnergySpectrum or None
        Background with its own live time; None if there is none with spectra.
    """

    edges_kev: NDArray[np.float64]
    foreground: EnergySpectrum
    background: EnergySpectrum | None


def valid_edges(edges_kev: NDArray[np.float64] | None) -> bool:
    """Tell whether channel edges are a usable energy calibration.

    Parameters
    ----------
    edges_kev : ndarray of shape (n_panel, n_channel + 1), float64, or None
        Channel edges by panel.

    Returns
    -------
    bool
        Finite, strictly rising, and over a range in which nuclides have lines.
    """
    if edges_kev is None or edges_kev.ndim != 2 or edges_kev.size == 0 or not np.isfinite(edges_kev).all():
        return False
    rises = (np.diff(edges_kev, axis=1) > 0).all()
    return bool(
        rises and (edges_kev[:, -1] > _MUST_REACH_KEV).all() and (edges_kev[:, 0] < _MUST_START_KEV).all()
    )


def common_edges(edges_kev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the axis on which crystals of different gain are summed.

    Parameters
    ----------
    edges_kev : ndarray of shape (n_panel, n_channel + 1), float64
        Channel edges by panel, each rising.

    Returns
    -------
    ndarray of shape (n_channel + 1,), float64
        The median edge at each channel: as fine as the crystals' own channels, and rising because
        each of them rises.
    """
    if edges_kev.shape[0] == 1 or bool((edges_kev == edges_kev[0]).all()):
        return np.asarray(edges_kev[0], dtype=np.float64)
    return np.asarray(np.median(edges_kev, axis=0), dtype=np.float64)


def sum_spectra(
    occupancy: Occupancy,
    foreground: NDArray[np.bool_],
    quiet: NDArray[np.bool_] | None,
    background: Background | None,
    suppression: float,
) -> PassSpectra:
    """Sum spectra over intervals, then over crystals in energy.

    Parameters
    ----------
    occupancy : Occupancy
        A pass with spectra and a valid calibration.
    foreground : ndarray of shape (n_interval,), bool
        Intervals of the foreground.
    quiet : ndarray of shape (n_interval,), bool, or None
        Intervals that serve as background where `background` has no spectra.
    background : Background or None
        Background measured apart.
    suppression : float
        Share of the background that the vehicle keeps off, 0 to below 1. The background's live time
        is given as longer by 1 / (1 - suppression), which leaves its counts what they were: Poisson.

    Returns
    -------
    PassSpectra
        Foreground and background.

    Raises
    ------
    ValueError
        If the occupancy has no spectra or no edges.
    """
    if occupancy.spectra is None or occupancy.energy_edges_kev is None:
        raise ValueError("sum_spectra needs spectra with channel edges, got none")
    own_edges = np.asarray(occupancy.energy_edges_kev, dtype=np.float64)
    edges = common_edges(own_edges)
    fore = EnergySpectrum(
        _in_energy(_over_intervals(occupancy.spectra, foreground), own_edges, edges),
        _live_time(occupancy, foreground),
    )
    back: EnergySpectrum | None = None
    if background is not None and background.spectra is not None:
        counts, its_edges = background.spectra, background.energy_edges_kev
        # A background without edges of its own shares the pass's, if it has the same channels.
        if its_edges is None and counts.shape == (own_edges.shape[0], own_edges.shape[1] - 1):
            its_edges = own_edges
        if (
            valid_edges(its_edges)
            and its_edges is not None
            and np.isfinite(counts).all()
            and counts.sum() > 0
        ):
            back = EnergySpectrum(
                _in_energy(np.asarray(counts, dtype=np.float64), np.asarray(its_edges), edges),
                background.live_time_s / (1.0 - suppression),
            )
    elif quiet is not None and quiet.any():
        back = EnergySpectrum(
            _in_energy(_over_intervals(occupancy.spectra, quiet), own_edges, edges),
            _live_time(occupancy, quiet),
        )
    return PassSpectra(edges_kev=edges, foreground=fore, background=back)


def _over_intervals(spectra: NDArray[np.uint32], chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Sum the chosen intervals. Runs are summed as slices: a mask would copy 70 MB of HPGe spectra."""
    flips = np.flatnonzero(np.diff(np.concatenate(([False], chosen, [False])).astype(np.int8)))
    total = np.zeros(spectra.shape[1:], dtype=np.float64)
    for start, stop in flips.reshape(-1, 2):
        # Partial sums of 2^10 rows stay in 32 bits as long as no channel passes 2^22 counts.
        for first in range(int(start), int(stop), 1024):
            part = spectra[first : min(first + 1024, int(stop))]
            narrow = part.shape[0] == 1 or (part.shape[0] <= 1024 and int(part.max(initial=0)) < 1 << 22)
            total += part.sum(axis=0, dtype=np.uint32 if narrow else np.float64)
    return total


def _in_energy(
    counts: NDArray[np.float64], edges: NDArray[np.float64], axis: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sum panels on one energy axis."""
    total = np.zeros(axis.shape[0] - 1)
    for panel_counts, panel_edges in zip(counts, edges, strict=True):
        if panel_edges.shape == axis.shape and bool((panel_edges == axis).all()):
            total += panel_counts
        else:
            total += rebin(panel_counts[np.newaxis], panel_edges, axis)[0]
    return total


def _live_time(occupancy: Occupancy, chosen: NDArray[np.bool_]) -> float:
    """Mean live time over the panels, real time where a device gives none."""
    real = np.asarray(occupancy.interval_s)[chosen]
    if occupancy.live_time_s is None:
        return float(real.sum())
    live = np.asarray(occupancy.live_time_s)[chosen]
    usable = np.where(np.isfinite(live) & (live > 0), live, real[:, np.newaxis])
    return float(usable.mean(axis=1).sum())

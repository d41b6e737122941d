"""One spectrum, checked, and its counts on another energy axis."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["MeasuredSpectrum", "live_range_kev", "measured_spectrum", "noise_excess"]


class MeasuredSpectrum(NamedTuple):
    """A spectrum that passed its checks.

    Attributes
    ----------
    counts : ndarray of shape (n_channel,), float64
        Counts, finite and not negative.
    edges_kev : ndarray of shape (n_channel + 1,), float64
        Channel edges, strictly increasing, keV.
    cumulative : ndarray of shape (n_channel + 1,), float64
        Counts below each edge.
    live_time_s : float
        Live time, seconds.
    """

    counts: NDArray[np.float64]
    edges_kev: NDArray[np.float64]
    cumulative: NDArray[np.float64]
    live_time_s: float

    def on_axis(
        self,
        axis_kev: NDArray[np.float64],
        *,
        gain: float = 1.0,
        offset_kev: float = 0.0,
        bend_kev: float = 0.0,
    ) -> NDArray[np.float64]:
        """Return the counts on an axis of true energy.

        Counts are spread evenly within a channel.

        Parameters
        ----------
        axis_kev : ndarray of shape (n_bin + 1,), float64
            Edges of the axis, keV.
        gain, offset_kev, bend_kev : float
            Energy E stands in the file at ``(E - offset - bend * (E / 1 MeV)^2) / gain``.

        Returns
        -------
        ndarray of shape (n_bin,), float64
            Counts.
        """
        in_file = (axis_kev - offset_kev - bend_kev * (axis_kev / 1000.0) ** 2) / gain
        return np.diff(np.interp(in_file, self.edges_kev, self.cumulative))


def measured_spectrum(
    counts: NDArray[np.float64], edges_kev: NDArray[np.float64], live_time_s: float
) -> MeasuredSpectrum:
    """Check a spectrum.

    Parameters
    ----------
    counts : ndarray of shape (n_channel,), float64
        Counts; negative ones (of a subtracted spectrum) are set to 0.
    edges_kev : ndarray of shape (n_channel + 1,), float64
        Channel edges, keV.
    live_time_s : float
        Live time, seconds.

    Returns
    -------
    MeasuredSpectrum
        The spectrum.

    Raises
    ------
    ValueError
        If shapes do not fit, a count is not finite, the edges are not finite and strictly increasing, or
        the live time is not positive; the message names the value.
    """
    counts = np.asarray(counts, dtype=np.float64)
    edges = np.asarray(edges_kev, dtype=np.float64)
    if counts.ndim != 1 or edges.shape != (counts.size + 1,):
        raise ValueError(
            f"a spectrum needs counts (n,) and edges (n + 1,), got {counts.shape}, {edges.shape}"
        )
    if counts.size < 16:
        raise ValueError(f"a spectrum needs at least 16 channels, got {counts.size}")
    if not np.isfinite(counts).all():
        raise ValueError(f"count {counts[~np.isfinite(counts)][0]} is not finite")
    if not np.isfinite(edges).all():
        raise ValueError(f"channel edge {edges[~np.isfinite(edges)][0]} keV is not finite")
    step = np.diff(edges)
    if not (step > 0).all():
        at = int(np.argmin(step))
        raise ValueError(f"channel edges must increase, got {edges[at]:g} keV then {edges[at + 1]:g} keV")
    if not (np.isfinite(live_time_s) and live_time_s > 0):
        raise ValueError(f"live time must be positive, got {live_time_s} s")
    counts = np.maximum(counts, 0.0)
    return MeasuredSpectrum(counts, edges, np.concatenate([[0.0], np.cumsum(counts)]), float(live_time_s))


def live_range_kev(
    spectrum: MeasuredSpectrum, *, low_kev: float = 18.0, high_kev: float = 3000.0
) -> tuple[float, float]:
    """Return the range in which the detector counted.

    Parameters
    ----------
    spectrum : MeasuredSpectrum
        The spectrum.
    low_kev, high_kev : float
        Widest range to return, keV.

    Returns
    -------
    low_kev, high_kev : float
        From just above the low-level discriminator to the last counts, keV.
    """
    edges = np.geomspace(10.0, 4000.0, 121)
    inside = (edges[:-1] >= spectrum.edges_kev[0]) & (edges[1:] <= spectrum.edges_kev[-1])
    counts = np.where(inside, spectrum.on_axis(edges), 0.0)
    if counts.sum() <= 0:
        return low_kev, high_kev
    density = counts / np.diff(edges)
    # The discriminator: the first bin that is not far below those just above it.
    ahead = np.median(np.lib.stride_tricks.sliding_window_view(density[1:], 6)[: density.size - 7], axis=1)
    on = np.flatnonzero(
        (density[:-7] > 0.3 * ahead) & (counts[:-7] > 0) & (density[:-7] > 0.003 * density.max())
    )
    start = edges[on[0]] if on.size else low_kev
    if on.size and on[0] > 0 and counts[on[0] - 1] < 0.3 * counts[on[0]]:
        start = edges[on[0] + 1]
    last = np.flatnonzero(spectrum.counts > 0)[-1]
    stop = min(float(spectrum.edges_kev[last + 1]), high_kev)
    return max(float(start), low_kev, float(spectrum.edges_kev[0])), max(stop, start * 1.5)


def noise_excess(spectrum: MeasuredSpectrum) -> NDArray[np.float64]:
    """Return by how much the local scatter exceeds Poisson, by channel.

    A spectrum from which a background was subtracted, and then rounded and clipped, scatters more than its
    counts say, and no flag in the file may tell. The second difference of neighbouring channels is free of
    any smooth signal; its median square, over 41 channels, is compared with that of Poisson counts.

    Parameters
    ----------
    spectrum : MeasuredSpectrum
        The spectrum.

    Returns
    -------
    ndarray of shape (n_channel,), float64
        Added variance in counts^2 by channel, 0 where the scatter is Poisson.
    """
    counts = spectrum.counts
    second = np.zeros_like(counts)
    second[1:-1] = (counts[:-2] - 2 * counts[1:-1] + counts[2:]) ** 2 / 6.0
    width = 41
    padded = np.pad(second, width // 2, mode="reflect")
    view = np.lib.stride_tricks.sliding_window_view(padded, width)[::8]
    centres = np.arange(0, counts.size, 8)[: view.shape[0]]
    # The median of a chi-squared variable of one degree of freedom is 0.455 of its mean.
    variance = np.interp(np.arange(counts.size), centres, np.median(view, axis=1) / 0.455)
    level = np.convolve(np.pad(counts, width // 2, mode="reflect"), np.full(width, 1 / width), mode="valid")
    excess = variance - level
    # Poisson scatter of the estimate itself: only a clear excess counts.
    return np.where((level > 0.5) & (variance > 2.0 * level), excess, 0.0)

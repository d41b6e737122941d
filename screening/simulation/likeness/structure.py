"""Figures of what is in a picture: texture, opaque runs, the wall's corrugation, the two top rails."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

__all__ = [
    "GRADIENT_EDGES",
    "corrugation",
    "gradient_histogram",
    "opaque_runs",
    "radial_spectrum",
    "rail_separation",
    "spectrum_slope",
]

#: Edges of the histogram of gradients, -ln T per pixel, after a 3 x 3 mean.
GRADIENT_EDGES = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, np.inf)

#: Side of the windows whose power spectra are averaged, pixels, and the frequencies of the slope, 1/pixel:
#: above the window's own width, below where noise takes over.
WINDOW, SLOPE_BAND = 64, (0.03, 0.15)

#: Optical depth of two side walls alone, and how much it may vary along a row: cargo behind them varies more.
WALL_DEPTH, WALL_SPREAD = (0.012, 0.3), 0.14

#: Least prominence of a rail in -ln T, and the largest height of one, as a share of the rows.
RAIL_DEPTH, RAIL_SHARE = 0.12, 0.05


def radial_spectrum(windows: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean power spectrum of square windows, averaged over directions.

    Parameters
    ----------
    windows : ndarray of shape (n, side, side), float32
        Pieces of a picture.

    Returns
    -------
    frequency : ndarray of shape (side // 2 - 1,), float64
        Cycles per pixel.
    power : ndarray of shape (n, side // 2 - 1), float64
        Mean power of each window, per unit of frequency squared.
    """
    side = windows.shape[-1]
    taper = np.hanning(side)[:, None] * np.hanning(side)[None, :]
    centred = windows - windows.mean(axis=(1, 2), keepdims=True)
    power = np.abs(np.fft.rfft2(centred * taper)) ** 2 / (taper**2).sum()
    ky, kx = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]
    ring = np.rint(np.hypot(ky, kx) * side).astype(int)
    rings = np.arange(1, side // 2)
    flat = power.reshape(power.shape[0], -1)
    mean = np.stack([flat[:, (ring == k).ravel()].mean(axis=1) for k in rings], axis=1)
    return rings / side, mean


def spectrum_slope(
    frequency: NDArray[np.float64], power: NDArray[np.float64], band: tuple[float, float] = SLOPE_BAND
) -> NDArray[np.float64]:
    """Return the exponent of power against frequency.

    Parameters
    ----------
    frequency : ndarray of shape (n_frequency,)
        Cycles per pixel.
    power : ndarray of shape (n, n_frequency)
        Power spectra.
    band : tuple of float
        Frequencies fitted.

    Returns
    -------
    ndarray of shape (n,)
        Slope in log-log; about -2 to -3 for pictures of things, 0 for noise.
    """
    chosen = (frequency >= band[0]) & (frequency <= band[1])
    x = np.log(frequency[chosen])
    y = np.log(np.maximum(power[:, chosen], 1e-30))
    x = x - x.mean()
    return np.asarray((y - y.mean(axis=1, keepdims=True)) @ x / (x @ x))


def gradient_histogram(depth: NDArray[np.float32], is_valid: NDArray[np.bool_]) -> tuple[float, ...]:
    """Return shares of pixels by steepness.

    Parameters
    ----------
    depth : ndarray of shape (n_row, n_column), float32
        -ln T.
    is_valid : ndarray of shape (n_row, n_column), bool
        Pixels to count.

    Returns
    -------
    tuple of float
        Shares in the bins of `GRADIENT_EDGES`.
    """
    smooth = ndimage.uniform_filter(depth, 3, mode="nearest")
    down, across = np.gradient(smooth)
    steepness = np.hypot(down, across)[is_valid]
    counts, _ = np.histogram(steepness, GRADIENT_EDGES)
    return tuple(float(n / max(steepness.size, 1)) for n in counts)


def opaque_runs(is_opaque: NDArray[np.bool_]) -> tuple[float, float] | None:
    """Return how long opaque places are along the motion.

    Parameters
    ----------
    is_opaque : ndarray of shape (n_row, n_column), bool
        Opaque pixels.

    Returns
    -------
    tuple of float or None
        Median and 90 % quantile of the length of runs in columns, each run weighted by its length: the run
        that an opaque pixel belongs to. None without any.
    """
    padded = np.zeros((is_opaque.shape[0], is_opaque.shape[1] + 2), dtype=np.int8)
    padded[:, 1:-1] = is_opaque
    steps = np.diff(padded, axis=1)
    lengths = np.flatnonzero(steps.ravel() == -1) - np.flatnonzero(steps.ravel() == 1)
    if lengths.size == 0:
        return None
    ordered = np.sort(lengths)
    weight = np.cumsum(ordered) / ordered.sum()
    return tuple(float(ordered[np.searchsorted(weight, q)]) for q in (0.5, 0.9))  # type: ignore[return-value]


def corrugation(depth: NDArray[np.float32], is_valid: NDArray[np.bool_]) -> tuple[float, float, float] | None:
    """Return the corrugation of the side walls, where a picture shows walls alone.

    Parameters
    ----------
    depth : ndarray of shape (n_row, n_column), float32
        -ln T.
    is_valid : ndarray of shape (n_row, n_column), bool
        Pixels that measure.

    Returns
    -------
    tuple of float or None
        Period in columns, standard deviation of the optical depth it makes, and the walls' median optical
        depth. None where no walls are seen alone or no period stands out of them.
    """
    n_row, n_column = depth.shape
    masked = np.where(is_valid, depth, np.nan)[: n_row // 2]
    middle = masked[:, n_column // 6 : -n_column // 6]
    known = np.isfinite(middle).mean(axis=1) > 0.8
    wall = np.zeros(middle.shape[0], dtype=bool)
    if not known.any():
        return None
    low, half, high = np.nanquantile(middle[known], (0.1, 0.5, 0.9), axis=1)
    wall[known] = (half > WALL_DEPTH[0]) & (half < WALL_DEPTH[1]) & (high - low < WALL_SPREAD)
    if int(wall.sum()) < 4:
        return None
    rows = middle[wall]
    profile = np.nanmean(rows - np.nanmedian(rows, axis=1, keepdims=True), axis=0)
    profile = np.where(np.isfinite(profile), profile, 0.0)
    profile = profile - ndimage.median_filter(profile, max(n_column // 12, 3) | 1)
    profile = np.clip(profile, *np.quantile(profile, (0.01, 0.99)))
    frequency, power = signal.periodogram(profile, window="hann", detrend=False)
    # a whole container shows some forty waves
    chosen = (frequency > 24.0 / n_column) & (frequency < 120.0 / n_column)
    if not chosen.any():
        return None
    peak = int(np.flatnonzero(chosen)[np.argmax(power[chosen])])
    near = np.abs(frequency - frequency[peak]) <= 2.5 * frequency[1]
    rest = np.median(power[chosen & ~near])
    if power[peak] < 12.0 * rest:
        return None
    variance = float((power[near] - rest).sum() * frequency[1])
    return (
        float(1.0 / frequency[peak]),
        float(np.sqrt(max(variance, 0.0))),
        float(np.nanmedian(rows)),
    )


def rail_separation(depth: NDArray[np.float32], is_valid: NDArray[np.bool_]) -> int | None:
    """Return how many rows lie between the near and the far top rail.

    Rails cross the whole picture, so they stand out of the lower envelope of the columns.

    Parameters
    ----------
    depth : ndarray of shape (n_row, n_column), float32
        -ln T.
    is_valid : ndarray of shape (n_row, n_column), bool
        Pixels that measure.

    Returns
    -------
    int or None
        Rows between them; None if two are not seen in the upper half.
    """
    n_row, n_column = depth.shape
    masked = np.where(is_valid, depth, np.nan)[: n_row // 2]
    middle = masked[:, n_column // 5 : -n_column // 5]
    known = np.isfinite(middle).mean(axis=1) > 0.8
    envelope = np.zeros(middle.shape[0])
    if not known.any():
        return None
    envelope[known] = np.nanquantile(middle[known], 0.15, axis=1)
    envelope = np.interp(np.arange(envelope.size), np.flatnonzero(known), envelope[known])
    peaks, _ = signal.find_peaks(envelope, prominence=RAIL_DEPTH)
    # one rail may show several edges
    rails: list[int] = []
    for peak in peaks:
        if rails and peak - rails[-1] < RAIL_SHARE * n_row:
            rails[-1] = max(rails[-1], int(peak), key=lambda row: envelope[row])
        else:
            rails.append(int(peak))
    return rails[1] - rails[0] if len(rails) >= 2 else None

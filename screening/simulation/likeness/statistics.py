"""Figures of one picture, without any truth: what simulated and real scans are compared by.

The definitions follow those behind the figures of the real scans at hand (see docs/validation.md); each is
stated at its attribute. A figure that a picture cannot give is None.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .air import MIN_DARK_PIXELS, air_noise, find_air, photon_transfer, robust_sigma
from .planes import Planes, picture_planes
from .structure import (
    WINDOW,
    corrugation,
    gradient_histogram,
    opaque_runs,
    radial_spectrum,
    rail_separation,
    spectrum_slope,
)

__all__ = ["DEPTH_EDGES", "RATIO_BANDS", "PictureStatistics", "picture_statistics"]

#: Bands of -ln T (most penetrating energy) in which the ratio of the logarithms is taken, and its quantiles.
RATIO_BANDS = {"0.5-1.5": (0.5, 1.5), "1.5-3": (1.5, 3.0), "3-5": (3.0, 5.0)}
RATIO_QUANTILES = (0.1, 0.5, 0.9)

#: Edges of the histogram of -ln T; the last bin is what is beyond, opaque places included.
DEPTH_EDGES = (-np.inf, 0.05, 0.5, 1.5, 3.0, 5.0, np.inf)

#: Open beam where the mean -ln T over 5 x 5 pixels is below this.
AIR_DEPTH = 0.02

#: Share of clipped zeros from which the floor's own noise is cut, and the counts that are read instead.
CLIPPED_SHARE, CLIPPED_COUNTS = 3e-4, (90.0, 260.0)


class PictureStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one picture. Of several energies, those of the first unless stated.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns.
    dead_rows : int
        Rows that measure nothing.
    dead_rows_at_bottom : int
        Of these, in one piece at the bottom.
    zeros_live_rows : tuple of float
        Share of zeros in live rows, by energy.
    packet_zeros : tuple of float
        Of them, share of pixels in missing packets of a module (12 zeros or more one above the other).
    packet_antiphase : float or None
        Share of the columns with a missing packet in which only one energy misses it; None without any.
    isolated_zeros : tuple of float
        Share of pixels that are 0 where the 7 x 7 median is above 250 counts.
    clipped_zeros : tuple of float
        The remaining zeros.
    saturated : tuple of float
        Share of saturated pixels in live rows, by energy.
    below_100 : tuple of float
        Share of pixels of live rows below 100 raw counts, by energy.
    p01_p50_p99 : tuple of tuple of float
        Quantiles of raw counts in live rows, by energy.
    air_fraction : float
        Share of live pixels that see open beam (5 x 5 mean of -ln T below 0.02).
    air_counts : float or None
        Mean signal of the largest band of open beam.
    air_sigma : float or None
        Relative spread of its pixels about the mean of their row (robust).
    line_sigma : float or None
        Part of it common to a line.
    row_residue : float or None
        Relative spread of the means of its rows.
    gain, electronic_sigma : float or None
        g and s_e of the photon-transfer law, counts.
    variance_over_mean : float or None
        Variance of a pixel over its mean in open beam, counts, line noise taken off.
    opaque_fraction : float
        Share of pixels where the 9 x 9 mean is below 100 counts.
    floor_counts, floor_sigma : float or None
        Median and robust spread of the signal there; None with less than 0.5 % of the picture opaque, or
        an unknown dark.
    dynamic_range : float or None
        Air over floor.
    log_ratio : dict of str to tuple of float
        10, 50 and 90 % quantiles of -ln T(second) / -ln T(first) by band of the first; empty with one
        energy. Bands with fewer than 1,000 pixels are left out.
    depth_histogram : tuple of float
        Shares of live pixels in the bins of `DEPTH_EDGES`.
    gradient_histogram : tuple of float
        Shares by steepness of -ln T, of live pixels neither open nor opaque.
    spectrum_slope : float or None
        Median exponent of the power spectrum of 64-pixel windows neither open nor opaque.
    opaque_run_columns : tuple of float or None
        Length of opaque runs along the motion, median and 90 % quantile by opaque pixel.
    wall_period_columns, wall_sigma, wall_depth : float or None
        Period of the side walls' corrugation, the spread of -ln T it makes, and the walls' median -ln T.
    rail_separation_rows : int or None
        Rows between the near and the far top rail.
    """

    shape: tuple[int, int]
    dead_rows: int
    dead_rows_at_bottom: int
    zeros_live_rows: tuple[float, ...]
    packet_zeros: tuple[float, ...]
    packet_antiphase: float | None
    isolated_zeros: tuple[float, ...]
    clipped_zeros: tuple[float, ...]
    saturated: tuple[float, ...]
    below_100: tuple[float, ...]
    p01_p50_p99: tuple[tuple[float, ...], ...]
    air_fraction: float
    air_counts: float | None
    air_sigma: float | None
    line_sigma: float | None
    row_residue: float | None
    gain: float | None
    electronic_sigma: float | None
    variance_over_mean: float | None
    opaque_fraction: float
    floor_counts: float | None
    floor_sigma: float | None
    dynamic_range: float | None
    log_ratio: dict[str, tuple[float, ...]]
    depth_histogram: tuple[float, ...]
    gradient_histogram: tuple[float, ...]
    spectrum_slope: float | None
    opaque_run_columns: tuple[float, ...] | None
    wall_period_columns: float | None
    wall_sigma: float | None
    wall_depth: float | None
    rail_separation_rows: int | None


def picture_statistics(
    raw: NDArray[np.uint16],
    *,
    dark: NDArray[np.float32] | None = None,
    air: NDArray[np.float32] | None = None,
    is_lost: NDArray[np.bool_] | None = None,
    saturation: int = 65535,
) -> PictureStatistics:
    """Return the figures of one picture.

    Parameters
    ----------
    raw : ndarray of shape (n_row, n_column, n_energy), uint16
        Raw counts, the most penetrating energy first.
    dark : ndarray of shape (n_row, n_energy), optional
        Dark signal, counts; zeros if the device has subtracted it. Estimated from the picture if omitted.
    air : ndarray of shape (n_row, n_energy), optional
        Air signal, counts, dark not subtracted; the picture's own if omitted.
    is_lost : ndarray of shape (n_column, n_energy), bool, optional
        Lines that never arrived.
    saturation : int
        Raw value at and above which a pixel is saturated.

    Returns
    -------
    PictureStatistics
        The figures.

    Raises
    ------
    ValueError
        If shapes do not fit together or the picture is smaller than 64 x 64.
    """
    planes = picture_planes(raw, dark=dark, air=air, is_lost=is_lost, saturation=saturation)
    n_energy = raw.shape[2]
    live_rows = raw[~planes.is_dead]
    by_energy = [live_rows[:, :, k] for k in range(n_energy)]
    live, depth = planes.is_live[0], planes.depth[0]
    smooth = ndimage.uniform_filter(np.where(live, depth, 0.0), 5, mode="nearest")
    weight = np.maximum(ndimage.uniform_filter(live.astype(np.float32), 5, mode="nearest"), 1e-6)
    is_open = live & (smooth / weight < AIR_DEPTH)
    is_between = live & ~is_open & ~planes.is_opaque
    histogram, _ = np.histogram(depth[live], DEPTH_EDGES)
    walls = corrugation(depth, live)
    return PictureStatistics(
        shape=(raw.shape[0], raw.shape[1]),
        dead_rows=int(planes.is_dead.sum()),
        dead_rows_at_bottom=int(np.argmin(np.append(planes.is_dead[::-1], False))),
        zeros_live_rows=tuple(kinds.total for kinds in planes.zeros),
        packet_zeros=tuple(kinds.packets for kinds in planes.zeros),
        packet_antiphase=_antiphase(planes),
        isolated_zeros=tuple(kinds.isolated for kinds in planes.zeros),
        clipped_zeros=tuple(kinds.clipped for kinds in planes.zeros),
        saturated=tuple(_share(plane >= saturation) for plane in by_energy),
        below_100=tuple(_share(plane < 100) for plane in by_energy),
        p01_p50_p99=tuple(_percentiles(plane) for plane in by_energy),
        air_fraction=float(is_open.sum() / max(live.sum(), 1)),
        **_noise(planes),
        opaque_fraction=float(planes.is_opaque.mean()),
        log_ratio=_ratios(planes),
        depth_histogram=tuple(float(n / max(live.sum(), 1)) for n in histogram),
        gradient_histogram=gradient_histogram(depth, is_between),
        spectrum_slope=_slope(depth, is_between),
        opaque_run_columns=opaque_runs(planes.is_opaque),
        wall_period_columns=None if walls is None else walls[0],
        wall_sigma=None if walls is None else walls[1],
        wall_depth=None if walls is None else walls[2],
        rail_separation_rows=rail_separation(depth, live),
    )


def _share(is_so: NDArray[np.bool_]) -> float:
    return float(is_so.mean()) if is_so.size else 0.0


def _percentiles(plane: NDArray[np.uint16]) -> tuple[float, ...]:
    if not plane.size:
        return (0.0, 0.0, 0.0)
    return tuple(float(v) for v in np.percentile(plane, (1, 50, 99)))


def _noise(planes: Planes) -> dict[str, Any]:
    """Return the figures of open beam and floor."""
    signal, live = planes.signal[0], planes.is_live[0]
    names = ("air_counts", "air_sigma", "line_sigma", "row_residue", "gain", "electronic_sigma")
    found: dict[str, Any] = dict.fromkeys((*names, "variance_over_mean", "floor_counts", "floor_sigma"))
    found["dynamic_range"] = None
    band = find_air(signal, live)
    if band is not None:
        figures = air_noise(signal, live, band)
        found |= dict(zip(names[:4], figures, strict=True))
        mean, total, line, _ = figures
        found["variance_over_mean"] = (total**2 - line**2) * mean
        gain, sigma = photon_transfer(signal, live, band, _dark_places(planes))
        found |= {"gain": gain, "electronic_sigma": sigma}
    is_floor = planes.is_opaque & live
    if planes.has_floor and is_floor.mean() > 0.005:
        floor = signal[is_floor]
        found["floor_counts"], found["floor_sigma"] = float(np.median(floor)), robust_sigma(floor)
        if found["air_counts"] is not None and found["floor_counts"] > 0:
            found["dynamic_range"] = found["air_counts"] / found["floor_counts"]
    return found


def _dark_places(planes: Planes) -> NDArray[np.bool_]:
    """Return where electronic noise can be read: opaque, or a little less where the floor is clipped."""
    if not planes.has_floor:
        return np.zeros_like(planes.is_opaque)
    if planes.zeros[0].clipped < CLIPPED_SHARE:
        return planes.is_opaque
    mean = ndimage.uniform_filter(planes.signal[0], 5, mode="nearest")
    between = np.asarray((mean > CLIPPED_COUNTS[0]) & (mean < CLIPPED_COUNTS[1]))
    return between if int((between & planes.is_live[0]).sum()) >= MIN_DARK_PIXELS else planes.is_opaque


def _antiphase(planes: Planes) -> float | None:
    if len(planes.zeros) < 2:
        return None
    first, second = (np.asarray(kinds.is_packet.any(axis=0)) for kinds in planes.zeros[:2])
    n_missing = int((first | second).sum())
    return float((first ^ second).sum() / n_missing) if n_missing else None


def _ratios(planes: Planes) -> dict[str, tuple[float, ...]]:
    if len(planes.depth) < 2:
        return {}
    live = planes.is_live[0] & planes.is_live[1]
    first, second = planes.depth[0][live], planes.depth[1][live]
    found = {}
    for name, (low, high) in RATIO_BANDS.items():
        chosen = (first > low) & (first < high)
        if int(chosen.sum()) >= 1000:
            quantiles = np.quantile(second[chosen] / first[chosen], RATIO_QUANTILES)
            found[name] = tuple(float(q) for q in quantiles)
    return found


def _slope(depth: NDArray[np.float32], is_between: NDArray[np.bool_]) -> float | None:
    n_row, n_column = (size // WINDOW * WINDOW for size in depth.shape)

    def windows(plane: NDArray[Any]) -> NDArray[Any]:
        split = plane[:n_row, :n_column].reshape(n_row // WINDOW, WINDOW, n_column // WINDOW, WINDOW)
        return split.swapaxes(1, 2).reshape(-1, WINDOW, WINDOW)

    chosen = windows(is_between).mean(axis=(1, 2)) > 0.9
    if not chosen.any():
        return None
    frequency, power = radial_spectrum(windows(depth)[chosen])
    return float(np.median(spectrum_slope(frequency, power)))

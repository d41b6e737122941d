"""Figures of a patch that a person can read: what a classifier of patches may key on.

Everything is relative to the picture's own air or a plain number, so that the scale of a scanner's counts
does not tell pictures apart; its noise does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .patches import SIDE, Patches
from .structure import radial_spectrum, spectrum_slope

__all__ = ["FEATURES", "Feature", "patch_features"]

#: Normal consistency of the median absolute deviation.
MAD_TO_SIGMA = 1.4826

#: Frequencies, cycles per pixel, at which spectra are read: structure, and mostly noise.
LOW_BAND, HIGH_BAND = (0.02, 0.12), (0.3, 0.5)

#: Noise is that of -ln T where there is light; below this T it is that of T itself, over T's floor.
LEAST_T = 2e-4


class Feature(NamedTuple):
    """A figure of a patch.

    Attributes
    ----------
    name : str
        What it is called.
    group : str
        What it is about: noise, lines, gradients, spectrum, zeros, energies, texture, counts.
    text : str
        What it is, for a person.
    """

    name: str
    group: str
    text: str


FEATURES: tuple[Feature, ...] = (
    Feature("pixel_noise", "noise", "variance of a pixel over its transmission, log10: 1 / quanta in air"),
    Feature("noise_along", "noise", "correlation of noise with the next line (afterglow)"),
    Feature("noise_across", "noise", "correlation of noise with the next row (crosstalk)"),
    Feature("noise_tails", "noise", "share of noise beyond 3 sigma"),
    Feature("line_noise", "lines", "spread common to lines over what pixel noise leaves of it, log10"),
    Feature("row_noise", "lines", "spread common to rows over what pixel noise leaves of it, log10"),
    Feature("gradient_median", "gradients", "median gradient of -ln T after a 3 x 3 mean, log10"),
    Feature("gradient_90", "gradients", "90 % quantile of that gradient, log10"),
    Feature("gradient_99", "gradients", "99 % quantile of that gradient, log10"),
    Feature("gradient_direction", "gradients", "gradients across the motion over those along it, log10"),
    Feature("spectrum_slope", "spectrum", "exponent of the power spectrum, 0.03 to 0.15 cycles a pixel"),
    Feature("low_power", "spectrum", "power at 0.02 to 0.12 cycles a pixel, log10"),
    Feature("high_power", "spectrum", "power at 0.3 to 0.5 cycles a pixel, log10"),
    Feature("zeros", "zeros", "share of zeros"),
    Feature("saturated", "zeros", "share of saturated or missing pixels"),
    Feature("column_zeros", "zeros", "share of zeros with a zero above or below"),
    Feature("energy_ratio", "energies", "median -ln T(second) over -ln T(first)"),
    Feature("energy_ratio_spread", "energies", "spread of that ratio over 4 x 4 means"),
    Feature("energy_noise", "energies", "noise of the second energy over that of the first, log10"),
    Feature("energy_correlation", "energies", "correlation of the noise of the two energies"),
    Feature("range", "texture", "10 to 90 % range of -ln T"),
    Feature("entropy", "texture", "entropy of -ln T in 24 bins over its range, bit"),
    Feature("skewness", "texture", "third moment of -ln T"),
    Feature("flat_share", "texture", "share of 8 x 8 blocks with no more than noise in them"),
    Feature("run_along", "texture", "length of runs above and below the median along the motion, log10"),
    Feature("run_across", "texture", "length of such runs across the motion, log10"),
    Feature("odd_counts", "counts", "share of odd raw counts (a scale or a shift shows here)"),
    Feature("equal_neighbours", "counts", "share of raw counts equal to those of the line before"),
)


def patch_features(patches: Patches) -> NDArray[np.float32]:
    """Return the figures of patches.

    Parameters
    ----------
    patches : Patches
        Patches of one picture.

    Returns
    -------
    ndarray of shape (n, len(FEATURES)), float32
        NaN where a patch has none (ratios of one energy, of open beam).
    """
    n = patches.stratum.size
    found: dict[str, NDArray[np.floating]] = {}
    live = patches.is_live[:, 0]
    depth = _filled(patches.depth[:, 0], live)
    transmission = _filled(patches.transmission[:, 0], live)
    median = np.median(depth, axis=(1, 2))
    noise = _second_difference(transmission)
    sigma = _spread(noise) / 2.0
    level = np.maximum(np.median(transmission, axis=(1, 2)), LEAST_T)
    found["pixel_noise"] = _log(sigma**2 / level)
    found["noise_along"], found["noise_across"] = _lag(depth)
    centred = np.abs(noise - np.median(noise, axis=(1, 2), keepdims=True))
    # 0.27 % of normal values are beyond three sigma
    found["noise_tails"] = (centred > 6.0 * sigma[:, None, None]).mean(axis=(1, 2))
    relative = np.maximum(_spread(_second_difference(depth)) / 2.0, 1e-6)
    for name, axis in (("line_noise", 1), ("row_noise", 2)):
        profile = depth.mean(axis=axis)
        bend = profile[:, 2:] - 2 * profile[:, 1:-1] + profile[:, :-2]
        found[name] = _log(MAD_TO_SIGMA * np.median(np.abs(bend), axis=1) / 6**0.5 / (relative / SIDE**0.5))
    smooth = ndimage.uniform_filter(depth, (0, 3, 3), mode="nearest")
    down, along = np.gradient(smooth, axis=(1, 2))
    steep = np.hypot(down, along)
    for name, share in (("gradient_median", 0.5), ("gradient_90", 0.9), ("gradient_99", 0.99)):
        found[name] = _log(np.quantile(steep, share, axis=(1, 2)))
    found["gradient_direction"] = _log(np.abs(down).mean(axis=(1, 2)) / np.abs(along).mean(axis=(1, 2)))
    frequency, power = radial_spectrum(depth)
    found["spectrum_slope"] = spectrum_slope(frequency, power)
    for name, (low, high) in (("low_power", LOW_BAND), ("high_power", HIGH_BAND)):
        found[name] = _log(power[:, (frequency >= low) & (frequency <= high)].mean(axis=1))
    found |= _zeros(patches)
    found |= _energies(patches, noise, median)
    low, high = np.quantile(depth, (0.1, 0.9), axis=(1, 2))
    found["range"] = high - low
    found["entropy"] = _entropy(depth)
    spread = depth.std(axis=(1, 2)) + 1e-9
    found["skewness"] = ((depth - depth.mean(axis=(1, 2), keepdims=True)) ** 3).mean(axis=(1, 2)) / spread**3
    blocks = depth.reshape(n, 8, 8, 8, 8).swapaxes(2, 3).reshape(n, 64, 64)
    found["flat_share"] = (blocks.std(axis=2) < 1.5 * relative[:, None]).mean(axis=1)
    above = depth > median[:, None, None]
    found["run_along"] = _log(SIDE / (1 + (above[:, :, 1:] != above[:, :, :-1]).sum(axis=2).mean(axis=1)))
    found["run_across"] = _log(SIDE / (1 + (above[:, 1:] != above[:, :-1]).sum(axis=1).mean(axis=1)))
    raw = patches.raw[:, 0]
    n_live = np.maximum(live.sum(axis=(1, 2)), 1)
    found["odd_counts"] = ((raw & 1).astype(bool) & live).sum(axis=(1, 2)) / n_live
    found["equal_neighbours"] = ((raw[:, :, 1:] == raw[:, :, :-1]) & live[:, :, 1:]).sum(axis=(1, 2)) / n_live
    table = np.stack([np.asarray(found[f.name], dtype=np.float32) for f in FEATURES], axis=1)
    return np.where(np.isfinite(table), table, np.float32(np.nan))


def _zeros(patches: Patches) -> dict[str, NDArray[np.floating]]:
    is_zero = patches.raw[:, 0] == 0
    beside = np.zeros_like(is_zero)
    beside[:, 1:] |= is_zero[:, :-1]
    beside[:, :-1] |= is_zero[:, 1:]
    return {
        "zeros": is_zero.mean(axis=(1, 2)),
        "saturated": (~patches.is_live[:, 0]).mean(axis=(1, 2)),
        "column_zeros": (is_zero & beside).mean(axis=(1, 2)),
    }


def _energies(
    patches: Patches, noise: NDArray[np.float32], median: NDArray[np.floating]
) -> dict[str, NDArray[np.floating]]:
    nothing = np.full(median.size, np.nan)
    names = ("energy_ratio", "energy_ratio_spread", "energy_noise", "energy_correlation")
    if patches.depth.shape[1] < 2 or median.size == 0:
        return dict.fromkeys(names, nothing)
    both = patches.is_live[:, 0] & patches.is_live[:, 1]
    first, second = (_filled(patches.depth[:, k], both) for k in (0, 1))
    means = [
        plane.reshape(-1, SIDE // 4, 4, SIDE // 4, 4).mean(axis=(2, 4)).reshape(median.size, -1)
        for plane in (first, second)
    ]
    ratio = means[1] / np.maximum(means[0], 0.05)
    # in open beam both logarithms are noise; where it is opaque, both are the floor's
    has_ratio = (median > 0.2) & (median < 6.0)
    centre = np.median(ratio, axis=1)
    spread = MAD_TO_SIGMA * np.median(np.abs(ratio - centre[:, None]), axis=1)
    other = _second_difference(_filled(patches.transmission[:, 1], patches.is_live[:, 1]))
    clean = [
        np.clip(x - np.median(x, axis=(1, 2), keepdims=True), -6 * s, 6 * s)
        for x, s in ((noise, _spread(noise)[:, None, None]), (other, _spread(other)[:, None, None]))
    ]
    product = (clean[0] * clean[1]).mean(axis=(1, 2))
    norm = np.sqrt((clean[0] ** 2).mean(axis=(1, 2)) * (clean[1] ** 2).mean(axis=(1, 2)))
    return {
        "energy_ratio": np.where(has_ratio, centre, np.nan),
        "energy_ratio_spread": np.where(has_ratio, spread, np.nan),
        "energy_noise": _log(_spread(other) / np.maximum(_spread(noise), 1e-9)),
        "energy_correlation": product / np.maximum(norm, 1e-12),
    }


def _filled(plane: NDArray[np.float32], is_live: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return patches with what does not measure at the patch's median."""
    masked = np.where(is_live, plane, np.nan)
    alive = is_live.any(axis=(1, 2))
    centre = np.zeros(plane.shape[0], dtype=np.float32)
    if alive.any():
        centre[alive] = np.nanmedian(masked[alive], axis=(1, 2))
    return np.where(is_live, plane, centre[:, None, None]).astype(np.float32)


def _second_difference(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    along = plane[:, :, 1:] - plane[:, :, :-1]
    return np.asarray(along[:, 1:] - along[:, :-1])


def _spread(plane: NDArray[np.floating]) -> NDArray[np.floating]:
    centre = np.median(plane, axis=(1, 2), keepdims=True)
    return np.asarray(MAD_TO_SIGMA * np.median(np.abs(plane - centre), axis=(1, 2)))


def _lag(depth: NDArray[np.float32]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return how noise goes on from line to line and from row to row."""
    found = []
    for axis in (2, 1):
        # differences across the other axis are free of structure that both neighbours share
        step = np.diff(depth, axis=3 - axis)
        step = step - np.median(step, axis=axis, keepdims=True)
        bound = 4.0 * _spread(step)[:, None, None] + 1e-9
        step = np.clip(step, -bound, bound)
        first, second = np.take(step, range(SIDE - 1), axis=axis), np.take(step, range(1, SIDE), axis=axis)
        norm = np.maximum((step**2).mean(axis=(1, 2)), 1e-12)
        found.append((first * second).mean(axis=(1, 2)) / norm)
    return found[0], found[1]


def _entropy(depth: NDArray[np.float32]) -> NDArray[np.float64]:
    low = depth.min(axis=(1, 2), keepdims=True)
    span = np.maximum(depth.max(axis=(1, 2), keepdims=True) - low, 1e-6)
    bins = np.minimum(((depth - low) / span * 24).astype(int), 23).reshape(depth.shape[0], -1)
    share = np.stack([(bins == k).mean(axis=1) for k in range(24)], axis=1)
    return np.asarray(-(share * np.log2(np.maximum(share, 1e-12))).sum(axis=1))


def _log(values: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray(np.log10(np.maximum(values, 1e-12)))

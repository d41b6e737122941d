"""What cannot be seen: opaque and unseen pixels, masking, and where a threat could hide.

Definitions (version 1): S = raw - dark. A block is the live part of 3 x 3 pixels. A pixel is opaque when
the block's mean of S - F is under 3 sigma, with sigma^2 = sum(s_e^2 + g max(S, 0)) / n^2 + sigma_F^2.
It is unseen when masked or with two live pixels or fewer in its block. It is masking when the configured
threat, added behind what is there, would change the mean over its own disc by less than 3 sigma of that
mean and 3 sigma of the local texture; texture multiplies, so it is held against the change of the
logarithm: ln((m - F) / ((1 - c)(m - F) + 3 sigma)) < 3 texture. A hiding region is the morphological
opening of all three, within the hull, by the threat's disc.

Each test is of the form m - F < k sqrt(s_e^2 + g m) + ..., which is convex in m and negative at 0: it
holds below one value of m and not above, so more cargo never makes a pixel clear. For masking each is
made twice, over the live pixels of a block and over all of them with the unseen ones at their darkest,
and either suffices: masking a dark pixel by hand never brightens its neighbours.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from screening.physics.attenuation import attenuation

from .curves import beam

__all__ = [
    "Floor",
    "Visibility",
    "estimate_floor",
    "hiding_regions",
    "opening",
    "threat_contrast",
    "visibility",
]

OPAQUE_SIGMAS = 3.0

#: What a pixel that was not seen counts as where its neighbours are judged, electronic sigmas under dark.
DARKEST_SIGMAS = 5.0
FLOOR_BLOCK = 9
FLOOR_QUANTILE = 0.01

#: How far the floor under one object may be from the calibrated one: it depends on what stands beside it.
FLOOR_SPREAD = 0.25


class Floor(NamedTuple):
    """Scatter floor of one energy.

    Attributes
    ----------
    counts : float
        F, counts over dark.
    sigma : float
        Its uncertainty, counts.
    guard : float
        The floor that the hiding test assumes: F where calibrated; else the largest floor a scanner may
        have, because a floor read from the picture falls when cargo is added elsewhere.
    """

    counts: float
    sigma: float
    guard: float


class Visibility(NamedTuple):
    """Pixel classes of one picture, each ndarray of shape (n_row, n_column), bool.

    Attributes
    ----------
    opaque : ndarray
        Nothing measurable comes through.
    unseen : ndarray
        No measurement.
    masking : ndarray
        The threat would not show; opaque and unseen included.
    starved : ndarray
        Places where a whole disc has too little signal for the threat to show, whatever its texture.
    """

    opaque: NDArray[np.bool_]
    unseen: NDArray[np.bool_]
    masking: NDArray[np.bool_]
    starved: NDArray[np.bool_]


def estimate_floor(
    signal: NDArray[np.float32],
    is_live: NDArray[np.bool_],
    *,
    air_counts: float,
    calibrated: float | None,
    electronic_sigma: float,
    gain: float,
    limit: float,
) -> Floor:
    """Return the scatter floor.

    Parameters
    ----------
    signal : ndarray of shape (n_row, n_column), float32
        Counts over dark inside the hull.
    is_live : ndarray of shape (n_row, n_column), bool
        Pixels that measure.
    air_counts : float
        Air signal over dark, counts.
    calibrated : float or None
        Floor over air of the scanner's calibration.
    electronic_sigma, gain : float
        Photon-transfer law, counts.
    limit : float
        Largest floor over air.

    Returns
    -------
    Floor
        The calibration's; else the 1 % quantile of 9 x 9 block means over live pixels, never above the limit.
    """
    cap = limit * air_counts
    if calibrated is not None:
        counts = min(calibrated * air_counts, cap)
        return Floor(counts, FLOOR_SPREAD * counts, counts)
    weight = is_live.astype(np.float32)
    share = ndimage.uniform_filter(weight, FLOOR_BLOCK, mode="constant")
    total = ndimage.uniform_filter(signal * weight, FLOOR_BLOCK, mode="constant")
    whole = is_live & (share > 0.5)
    counts = cap
    if whole.any():
        counts = min(max(float(np.quantile(total[whole] / share[whole], FLOOR_QUANTILE)), 0.0), cap)
    sigma = float(np.sqrt(electronic_sigma**2 + gain * counts)) / FLOOR_BLOCK
    return Floor(counts, max(sigma, FLOOR_SPREAD * counts), cap)


def threat_contrast(label: str, diameter_mm: float) -> float:
    """Return the share of the signal a uranium sphere takes away, averaged over its disc.

    Parameters
    ----------
    label : str
        Energy label; an unknown one is taken as 9 MV, where the sphere shows least.
    diameter_mm : float
        Its diameter.

    Returns
    -------
    float
        0 to 1, with the most penetrating part of the beam throughout.
    """
    try:
        spectrum = beam(label)
    except ValueError:
        spectrum = beam("9MV")
    softest = float(np.min(attenuation("uranium", spectrum.energy_kev)))
    radius = np.sqrt((np.arange(200) + 0.5) / 200.0)
    chord_cm = diameter_mm / 10.0 * np.sqrt(1.0 - radius**2)
    return float(1.0 - np.mean(np.exp(-softest * 18.95 * chord_cm)))


def visibility(
    signal: NDArray[np.float32],
    is_live: NDArray[np.bool_],
    floor: Floor,
    *,
    electronic_sigma: float,
    gain: float,
    contrast: float,
    disc_px: tuple[int, int],
) -> Visibility:
    """Return which pixels are opaque, unseen or masking.

    Parameters
    ----------
    signal : ndarray of shape (n_row, n_column), float32
        S, counts over dark.
    is_live : ndarray of shape (n_row, n_column), bool
        Pixels that measure.
    floor : Floor
        Scatter floor.
    electronic_sigma, gain : float
        Photon-transfer law, counts.
    contrast : float
        Share of the signal the threat takes away (:func:`threat_contrast`).
    disc_px : tuple of int
        The threat's diameter in rows and columns.

    Returns
    -------
    Visibility
        Pixel classes.
    """
    small = _Sums.of(signal, is_live, (3, 3))
    size = (max(disc_px[0], 1), max(disc_px[1], 1))
    disc = _Sums.of(signal, is_live, size)
    variance_of = partial(_variance, electronic_sigma=electronic_sigma, gain=gain)

    def _is_starved(sums: _Sums, level: float, share: float, weight: float) -> NDArray[np.bool_]:
        sigma = np.sqrt(variance_of(sums) * weight + floor.sigma**2)
        starved: NDArray[np.bool_] = share * (sums.mean - level) < OPAQUE_SIGMAS * sigma
        return starved

    # unseen pixels as they may have been at their darkest
    darkest = -DARKEST_SIGMAS * electronic_sigma
    unseen = ~is_live | (small.n < 2.5)
    opaque = ~unseen & _is_starved(small, floor.counts, 1.0, 1.0)
    beside_unseen = _is_starved(small.with_unseen(darkest), floor.counts, 1.0, 1.0)
    # a disc fills pi/4 of its square
    weight = 4.0 / np.pi
    starved = _is_starved(disc, floor.guard, contrast, weight)
    starved |= _is_starved(disc.with_unseen(darkest), floor.guard, contrast, weight)
    change = np.maximum(disc.mean - floor.guard, 0.0)
    variance = variance_of(disc)
    sigma = np.sqrt(variance * weight + floor.sigma**2)
    texture = _texture(change, np.sqrt(variance), size)
    # what is left of the signal behind the threat, or the noise where that is more
    left = (1.0 - contrast) * change + OPAQUE_SIGMAS * sigma
    drop = np.log(np.maximum(change, 1e-3) / left)
    masking = starved | (drop < OPAQUE_SIGMAS * texture) | opaque | unseen | beside_unseen
    return Visibility(opaque, unseen, masking, starved)


def hiding_regions(seen: Visibility, pitch_mm: tuple[float, float], diameter_mm: float) -> NDArray[np.bool_]:
    """Return where the configured threat could hide, within one hull.

    The disc around a starved place hides a threat as it is: one block that reads above the limit by
    chance does not open it. Such a disc must lie within the hull, since at the edge of the picture of
    a container the mean is over a part of it only.

    Parameters
    ----------
    seen : Visibility
        Pixel classes inside the hull.
    pitch_mm : tuple of float
        Pixel pitch (row, column).
    diameter_mm : float
        Diameter of the threat.

    Returns
    -------
    ndarray of shape (n_row, n_column), bool
        Hiding regions.
    """
    radius = diameter_mm / 2.0
    hides = seen.masking.copy()
    rows, columns = (int(np.ceil(radius / pitch)) for pitch in pitch_mm)
    centres = np.zeros_like(hides)
    within = (slice(rows, hides.shape[0] - rows), slice(columns, hides.shape[1] - columns))
    centres[within] = seen.starved[within]
    if centres.any():
        # half a pixel more: the pixels that a disc touches
        reach = radius + max(pitch_mm) / 2.0
        hides |= ndimage.distance_transform_edt(~centres, sampling=pitch_mm) <= reach
    return opening(hides, pitch_mm, diameter_mm)


class _Sums(NamedTuple):
    """Sums over the pixels of a window around each pixel, each ndarray of the picture's shape, float32."""

    n: NDArray[np.float32]
    signal: NDArray[np.float32]
    positive: NDArray[np.float32]
    window: NDArray[np.float32]

    @classmethod
    def of(cls, signal: NDArray[np.float32], is_live: NDArray[np.bool_], size: tuple[int, int]) -> _Sums:
        """Sum over live pixels; beyond the edge there are none."""
        kept = np.where(is_live, signal, np.float32(0.0))

        rows, columns = (
            np.convolve(np.ones(length), np.ones(width), mode="full")[width - 1 - width // 2 :][:length]
            for length, width in zip(signal.shape, size, strict=True)
        )
        window = np.outer(rows, columns).astype(np.float32)
        n, total = _window_sum(is_live.astype(np.float32), size), _window_sum(kept, size)
        positive = total if kept.min(initial=0.0) >= 0.0 else _window_sum(np.maximum(kept, 0.0), size)
        return cls(n, total, positive, window)

    @property
    def mean(self) -> NDArray[np.float32]:
        """Mean signal."""
        return np.asarray(self.signal / np.maximum(self.n, 1.0))

    def with_unseen(self, value: float) -> _Sums:
        """Count the unseen pixels of each window too, at a value that is not positive."""
        return self._replace(n=self.window, signal=self.signal + (self.window - self.n) * np.float32(value))


def _window_sum(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return sums over windows, centred as scipy's filters are.

    Along a column shifted rows are added up: four times as fast as a running sum with a stride, and a
    dark window beside a bright one keeps its own rounding.
    """
    along: NDArray[np.float32] = ndimage.uniform_filter1d(values, size[1], axis=1, mode="constant")
    along *= np.float32(size[1])
    result = np.zeros_like(along)
    n_row = along.shape[0]
    for shift in range(-(size[0] // 2), size[0] - size[0] // 2):
        first, last = max(-shift, 0), min(n_row - shift, n_row)
        if first < last:
            result[first:last] += along[first + shift : last + shift]
    return result


def _variance(sums: _Sums, *, electronic_sigma: float, gain: float) -> NDArray[np.float32]:
    """Return the variance of the mean, by the photon-transfer law."""
    n = np.maximum(sums.n, 1.0)
    return np.asarray((electronic_sigma**2 + gain * sums.positive / n) / n)


def _texture(
    visible: NDArray[np.float32], sigma: NDArray[np.float32], disc_px: tuple[int, int]
) -> NDArray[np.float32]:
    """Return the relative spread of neighbouring discs that neither noise nor the cargo's shape explains.

    The cargo model is locally linear along the direction in which the cargo is the smoother: second
    differences over neighbouring discs, along rows or along columns. Their median over five by five
    discs leaves out single edges, which are shape and not texture.
    """
    rows, columns = disc_px
    sample = visible[rows // 2 :: rows, columns // 2 :: columns]
    noise = sigma[rows // 2 :: rows, columns // 2 :: columns]
    if min(sample.shape) < 5:
        return np.zeros_like(visible)
    level = np.log(np.maximum(sample, 3.0 * noise))
    relative = noise / np.maximum(sample, 3.0 * noise)
    spread = np.full_like(level, np.inf)
    for axis in (0, 1):
        second = np.abs(level - 0.5 * (np.roll(level, 1, axis) + np.roll(level, -1, axis)))
        edge = [slice(None), slice(None)]
        edge[axis] = slice(0, 1)
        second[tuple(edge)] = 0.0
        edge[axis] = slice(-1, None)
        second[tuple(edge)] = 0.0
        local = ndimage.median_filter(second, 5, mode="nearest") * 1.4826 / np.sqrt(1.5)
        spread = np.minimum(spread, local)
    texture = np.sqrt(np.maximum(spread**2 - relative**2, 0.0)).astype(np.float32)
    return _interpolated(texture, visible.shape, disc_px)


def _interpolated(
    sample: NDArray[np.float32], shape: tuple[int, ...], step: tuple[int, int]
) -> NDArray[np.float32]:
    """Return samples taken at the middles of steps, linearly interpolated onto every pixel."""
    result = sample
    for axis in (0, 1):
        place = (np.arange(shape[axis]) - step[axis] // 2) / step[axis]
        place = np.clip(place, 0.0, result.shape[axis] - 1.0)
        lower = np.minimum(place.astype(np.int64), max(result.shape[axis] - 2, 0))
        upper = np.minimum(lower + 1, result.shape[axis] - 1)
        share = (place - lower).astype(np.float32)
        share = share[:, None] if axis == 0 else share[None, :]
        first = np.take(result, lower, axis)
        result = first + share * (np.take(result, upper, axis) - first)
    return np.asarray(result, dtype=np.float32)


def opening(mask: NDArray[np.bool_], pitch_mm: tuple[float, float], diameter_mm: float) -> NDArray[np.bool_]:
    """Return the morphological opening by a disc, in millimetres.

    Parameters
    ----------
    mask : ndarray of shape (n_row, n_column), bool
        What hides; what lies outside does not.
    pitch_mm : tuple of float
        Pixel pitch (row, column).
    diameter_mm : float
        Diameter of the disc.

    Returns
    -------
    ndarray of shape (n_row, n_column), bool
        Every place a disc that fits can reach.
    """
    if not mask.any():
        return np.zeros_like(mask)
    radius = diameter_mm / 2.0
    padded = np.pad(mask, 1)
    # a distance to the centre of the next clear pixel: the disc fits up to half a pixel before it
    inside = ndimage.distance_transform_edt(padded, sampling=pitch_mm) >= radius + min(pitch_mm) / 2.0
    if not inside.any():
        return np.zeros_like(mask)
    reached = ndimage.distance_transform_edt(~inside, sampling=pitch_mm) <= radius
    return np.asarray(reached[1:-1, 1:-1] & mask)

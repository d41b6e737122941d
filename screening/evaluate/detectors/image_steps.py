"""Steps of the reference detectors for pictures: attenuation on a plain grid, the box, blobs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from screening.radiography.levels import resolve_levels
from screening.records import Radiograph

__all__ = ["Blob", "Picture", "attenuation_picture", "blobs", "box_interior", "deepest", "local_background"]

#: Pixel size the steps work at, mm; finer pictures are averaged in blocks.
WORKING_MM = 8.0
#: Pixel size taken where a scan does not tell it, mm.
ASSUMED_MM = 6.0
#: Air signal below which a picture shows nothing, in electronic sigmas.
MIN_AIR_SIGMAS = 50.0
#: Energies, the most penetrating first.
BY_DEPTH = ("9MV", "6MV", "4MV", "Co-60", "Cs-137")
#: -ln T at and above which a place holds something more than air.
SOLID = 0.04
#: Heights below the roof between which the floor is looked for, m at the centre plane: a near side is seen
#: larger than that.
FLOOR_BELOW_M = (2.2, 3.6)
#: End frames and doors left out at either end, m.
END_M = 0.4
#: Width of the surroundings that a blob's response is compared with, in its own.
SURROUND = 4.0
#: A blob is taken at each scale that answers at least this much of the strongest answer at its place.
SAME_SCALE = 0.7
#: Coarse blocks across the window of the local background.
BLOCKS = 9


class Picture(NamedTuple):
    """A picture of -ln T on a grid of about 8 mm.

    Attributes
    ----------
    neg_log : ndarray of shape (n_row, n_column), float64
        -ln T; what does not measure is filled from beside it.
    variance : ndarray of shape (n_row, n_column), float64
        Its variance by the photon-transfer law var = s_e^2 + g m.
    is_live : ndarray of shape (n_row, n_column), bool
        Where anything measures.
    block : tuple of int
        Rows and columns of the input that make one pixel.
    pixel_mm : tuple of float
        Size of a pixel at the centre plane.
    """

    neg_log: NDArray[np.float64]
    variance: NDArray[np.float64]
    is_live: NDArray[np.bool_]
    block: tuple[int, int]
    pixel_mm: tuple[float, float]


class Blob(NamedTuple):
    """A place that stands out.

    Attributes
    ----------
    row, column : int
        Its middle.
    half_px : float
        Half its size, pixels.
    score : float
        How far it stands out, over what is usual about it.
    sign : int
        1 where there is more than around it, -1 where there is less.
    """

    row: int
    column: int
    half_px: float
    score: float
    sign: int


def deepest(energies: tuple[str, ...]) -> list[int]:
    """Return the indices of energies, the most penetrating first.

    Parameters
    ----------
    energies : tuple of str
        Labels; unknown ones come last.

    Returns
    -------
    list of int
        Their order.
    """
    rank = {label: k for k, label in enumerate(BY_DEPTH)}
    return sorted(range(len(energies)), key=lambda k: (rank.get(energies[k], len(rank)), k))


def attenuation_picture(radiograph: Radiograph, energy: int) -> Picture | None:
    """Return -ln T of one energy, normalised by air, averaged to pixels of about 8 mm.

    Parameters
    ----------
    radiograph : Radiograph
        The scan.
    energy : int
        Index into its energies.

    Returns
    -------
    Picture or None
        None of a picture without usable air, or with half of its rows or lines missing.
    """
    levels = resolve_levels(radiograph, energy)
    open_beam = (levels.air - levels.dark).astype(np.float64)
    rows = (
        (levels.row_mask == 0)
        & np.isfinite(open_beam)
        & (open_beam > MIN_AIR_SIGMAS * levels.electronic_sigma)
    )
    columns = levels.column_mask == 0
    strength = np.ones(columns.size)
    if levels.reference is not None:
        columns &= np.isfinite(levels.reference) & (levels.reference > 0)
        strength[columns] = levels.reference[columns]
    if rows.mean() < 0.5 or columns.mean() < 0.5:
        return None
    raw = radiograph.plane(energy)
    is_live = rows[:, None] & columns & (raw < radiograph.saturation)
    signal = raw - levels.dark.astype(np.float64)[:, None]
    # a zero in a bright place is a failed pixel; in a dark one it is the dark, clipped
    is_live &= (raw > 0) | (ndimage.uniform_filter(signal, 7) < 20.0 * levels.electronic_sigma)
    full = np.where(rows, open_beam, 1.0)[:, None] * strength
    pitch = radiograph.pitch_mm or (ASSUMED_MM, ASSUMED_MM)
    block = tuple(max(1, round(WORKING_MM / mm)) for mm in pitch)
    weight = _blocks(is_live.astype(np.float64), block)
    live = weight > 0
    safe = np.where(live, weight, 1.0)
    through = _blocks(np.where(is_live, signal / full, 0.0), block) / safe
    air = _blocks(np.where(is_live, full, 0.0), block) / safe
    n_pixel = safe * block[0] * block[1]
    counts = np.maximum(through * air, 1.0)
    neg_log = np.where(live, -np.log(np.maximum(through, 1.0 / np.maximum(air, 1.0))), 0.0)
    variance = (levels.electronic_sigma**2 + levels.gain * counts) / (counts**2 * n_pixel)
    if not live.all():
        nearest = ndimage.distance_transform_edt(~live, return_distances=False, return_indices=True)
        neg_log, variance = neg_log[tuple(nearest)], variance[tuple(nearest)]
    size = (pitch[0] * block[0], pitch[1] * block[1])
    return Picture(neg_log, variance, live, (block[0], block[1]), size)


def box_interior(picture: Picture) -> tuple[slice, slice] | None:
    """Return where the inside of a container is, roughly.

    Columns: the longest stretch with something in it below the roof, gaps of a metre closed, ends left out.
    Rows: from the
    roof, the first row in which a quarter of the picture holds something, to the floor, the first strong rise
    of what even the emptiest fifth of the columns holds.

    Parameters
    ----------
    picture : Picture
        The picture.

    Returns
    -------
    tuple of slice, or None
        Rows and columns; None when nothing like a box is there.
    """
    solid = ndimage.median_filter(picture.neg_log, 3) > SOLID
    n_row = solid.shape[0]
    row_mm, column_mm = picture.pixel_mm
    roofs = np.flatnonzero(solid.mean(axis=1) > 0.25)
    if not roofs.size:
        return None
    roof = int(roofs[0])
    least, most = (round(metres * 1000.0 / row_mm) for metres in FLOOR_BELOW_M)
    if roof + least >= n_row:
        return None
    filled = solid[roof : roof + least].mean(axis=0) > 0.5
    gap = max(1, round(1000.0 / column_mm))
    padded = np.pad(filled, gap)
    closed = ndimage.binary_closing(padded, np.ones(gap))[gap:-gap]
    labels, n = ndimage.label(closed)
    if not n:
        return None
    longest = 1 + int(np.argmax(np.bincount(labels)[1:]))
    inside = np.flatnonzero(labels == longest)
    inset = min(round(END_M * 1000.0 / column_mm), (inside.size - 1) // 4)
    columns = slice(int(inside[0]) + inset, int(inside[-1]) + 1 - inset)
    emptiest = np.percentile(picture.neg_log[roof : roof + most, columns], 20, axis=1)
    step = max(2, round(60.0 / row_mm))
    smooth = ndimage.uniform_filter1d(emptiest, step)
    rise = smooth[step:] - smooth[:-step]
    first = min(least, rise.size - 1)
    # the first that is half as strong as any: wheels and ground below it rise too
    floor = roof + first + int(np.argmax(rise[first:] >= 0.5 * rise[first:].max()))
    return slice(roof, floor), columns


def local_background(picture: Picture, window_mm: float) -> NDArray[np.float64]:
    """Return the median of -ln T about each place, over a square window.

    Parameters
    ----------
    picture : Picture
        The picture.
    window_mm : float
        Side of the window; it is taken over coarse means, nine across, and drawn out smoothly.

    Returns
    -------
    ndarray of shape (n_row, n_column), float64
        The background.
    """
    block = tuple(max(1, round(window_mm / BLOCKS / mm)) for mm in picture.pixel_mm)
    coarse = ndimage.median_filter(_blocks(picture.neg_log, block), BLOCKS, mode="nearest")
    places = [
        np.clip((np.arange(n) + 0.5) / size - 0.5, 0, None)
        for n, size in zip(picture.neg_log.shape, block, strict=True)
    ]
    found: NDArray[np.float64] = ndimage.map_coordinates(
        coarse, np.meshgrid(*places, indexing="ij"), order=1, mode="nearest"
    )
    return found


def blobs(
    values: NDArray[np.float64],
    variance: NDArray[np.float64],
    inside: tuple[slice, slice],
    *,
    scales_px: tuple[float, ...],
    min_score: float,
    n_most: int,
) -> list[Blob]:
    """Return blobs of either sign by differences of Gaussians at several scales.

    Parameters
    ----------
    values, variance : ndarray of shape (n_row, n_column), float64
        The picture, and the variance of its pixels.
    inside : tuple of slice
        Rows and columns to look in.
    scales_px : tuple of float
        Standard deviations of the inner Gaussian; the outer one is 1.6 times as wide, which is close to the
        Laplacian (Marr and Hildreth, Proc. R. Soc. B 207 (1980) 187).
    min_score : float
        Least score.
    n_most : int
        Most blobs returned.

    Returns
    -------
    list of Blob
        From the highest score down; of two that overlap by half of the smaller, the higher one. A score is
        the response over the root of its mean square about the place (a Gaussian four times as wide) and
        of the pixel noise: a lone blob in calm goods scores high, an edge in busy ones low.
    """
    peaks: list[tuple[Blob, float]] = []
    strength: list[tuple[NDArray[np.float64], int]] = []
    rows, columns = inside
    for full_scale in scales_px:
        # wide Gaussians change little from pixel to pixel: take them on a coarser grid
        step = max(1, int(full_scale / 2.0))
        scale = full_scale / step
        outer = 1.6 * scale
        coarse = _blocks(values, (step, step))
        response = ndimage.gaussian_filter(coarse, scale) - ndimage.gaussian_filter(coarse, outer)
        # sum of the squares of the weights of a difference of two Gaussians
        share = (1 / scale**2 + 1 / outer**2 - 4 / (scale**2 + outer**2)) / (4 * np.pi)
        noise = ndimage.gaussian_filter(_blocks(variance, (step, step)) / step**2, scale) * share
        texture = ndimage.gaussian_filter(response**2, SURROUND * scale)
        score = response / np.sqrt(noise + texture + 1e-12)
        size = 2 * int(np.ceil(scale)) + 1
        is_peak = (np.abs(score) >= min_score) & (
            np.abs(score) == ndimage.maximum_filter(np.abs(score), size)
        )
        strength.append((np.abs(response), step))
        for r, c in np.argwhere(is_peak):
            row, column = int((r + 0.5) * step), int((c + 0.5) * step)
            if rows.start <= row < rows.stop and columns.start <= column < columns.stop:
                at = float(score[r, c])
                peaks.append(
                    (
                        Blob(row, column, float(np.sqrt(2.0) * full_scale), abs(at), 1 if at > 0 else -1),
                        float(np.abs(response[r, c])),
                    )
                )
    # a thing is about as large as the scale at which it answers most strongly
    found = [
        blob
        for blob, height in peaks
        if height
        >= SAME_SCALE * max(float(other[blob.row // step, blob.column // step]) for other, step in strength)
    ]
    found.sort(key=lambda one: (-one.score, one.row, one.column))
    kept: list[Blob] = []
    for blob in found:
        if not kept or _overlaps(blob, kept).max() <= 0.5:
            kept.append(blob)
        if len(kept) == n_most:
            break
    return kept


def _overlaps(blob: Blob, others: list[Blob]) -> NDArray[np.float64]:
    """Return the area that a square shares with others, over the smaller one's."""
    row, column, half = np.array([(one.row, one.column, one.half_px) for one in others]).T
    reach = half + blob.half_px
    smaller = 2.0 * np.minimum(half, blob.half_px)
    high = np.clip(reach - np.abs(row - blob.row), 0.0, smaller)
    wide = np.clip(reach - np.abs(column - blob.column), 0.0, smaller)
    return np.asarray(high * wide / smaller**2)


def _blocks(values: NDArray[np.float64], block: tuple[int, ...]) -> NDArray[np.float64]:
    """Return means over blocks; those at the end are of what is left."""
    for axis, size in enumerate(block):
        if size > 1:
            starts = np.arange(0, values.shape[axis], size)
            lengths = np.diff(np.append(starts, values.shape[axis]))
            values = np.add.reduceat(values, starts, axis=axis) / (lengths[:, None] if axis == 0 else lengths)
    return values

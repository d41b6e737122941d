"""Areal density, dense regions, and the bounds that opaque places give."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from screening.records import ContainerBox

from .curves import ENERGY_LABELS, MAX_AREAL_DENSITY_G_CM2, steel_equivalent
from .opaque import Floor
from .settings import RadiographySettings

__all__ = ["DenseRegion", "areal_density", "cargo_mass_kg", "dense_regions", "lower_bound_g_cm2"]

#: Corner posts, castings and doors: what is centred this close to an end of the hull is structure, mm.
END_MM = 250.0

#: Below this share of the hull's height there are only cross-members, carrier and wheels.
UNDER_FLOOR = 0.91

#: Half-width of the normal 95 % one-sided interval.
SIGMAS_95 = 1.645


class DenseRegion(NamedTuple):
    """A compact dense body, half-open box in pixels of the picture.

    Attributes
    ----------
    row0, col0, row1, col1 : int
        Its box.
    areal_density_g_cm2 : float
        Median over the region; a bound from below where opaque.
    contrast_g_cm2 : float
        Above its surroundings.
    area_px : int
        Pixels.
    opaque_fraction : float
        Share of it that is opaque.
    """

    row0: int
    col0: int
    row1: int
    col1: int
    areal_density_g_cm2: float
    contrast_g_cm2: float
    area_px: int
    opaque_fraction: float


def areal_density(
    neg_log: NDArray[np.float32], label: str, *, floor_over_air: float, noise_over_air: float
) -> NDArray[np.float32] | None:
    """Return the map of areal density, steel-equivalent.

    Parameters
    ----------
    neg_log : ndarray of shape (n_row, n_column), float32
        -ln T as corrected, floor included.
    label : str
        Energy label.
    floor_over_air, noise_over_air : float
        Scatter floor, and the smallest signal above it that means anything, over air.

    Returns
    -------
    ndarray of shape (n_row, n_column), float32, or None
        g/cm2; None for a beam without a curve.
    """
    if label not in ENERGY_LABELS:
        return None
    transmission = np.exp(-neg_log)
    transmission -= np.float32(floor_over_air)
    np.maximum(transmission, np.float32(max(noise_over_air, 1e-7)), out=transmission)
    # the open beam carries the scatter floor too, so that air stays at zero
    transmission *= np.float32(1.0 / (1.0 - floor_over_air))
    np.log(transmission, out=transmission)
    np.negative(transmission, out=transmission)
    return steel_equivalent(transmission, label)


def lower_bound_g_cm2(
    signal: NDArray[np.float32],
    floor: Floor,
    label: str,
    *,
    air_counts: float,
    electronic_sigma: float,
    gain: float,
) -> float | None:
    """Return the 95 % lower bound of the areal density behind a region.

    Parameters
    ----------
    signal : ndarray of shape (n,), float32
        Counts over dark of the region's live pixels.
    floor : Floor
        Scatter floor.
    label : str
        Energy label.
    air_counts : float
        Air signal over dark.
    electronic_sigma, gain : float
        Photon-transfer law, counts.

    Returns
    -------
    float or None
        g/cm2 steel-equivalent; None without live pixels or without a curve.
    """
    if label not in ENERGY_LABELS or signal.size == 0:
        return None
    mean = float(signal.mean(dtype=np.float64))
    variance = (electronic_sigma**2 + gain * max(mean, 0.0)) / signal.size + floor.sigma**2
    most = max(mean - floor.counts, 0.0) + SIGMAS_95 * float(np.sqrt(variance))
    bound = steel_equivalent(-np.log(min(most / air_counts, 1.0)), label)
    return min(float(bound), MAX_AREAL_DENSITY_G_CM2)


def dense_regions(
    density: NDArray[np.float32],
    opaque: NDArray[np.bool_],
    unseen: NDArray[np.bool_],
    box: ContainerBox,
    pitch_mm: tuple[float, float],
    settings: RadiographySettings,
    *,
    limit_g_cm2: float,
) -> tuple[DenseRegion, ...]:
    """Find compact bodies that are dense in themselves and against what surrounds them.

    What surrounds a place is the grey opening of the density by a rectangle of the largest diameter:
    whatever is narrower than that in either direction stands out, and bodies that are longer are left
    to be cargo.

    Densities beyond what can be told from opaque are noise, and are held at that limit.

    Parameters
    ----------
    density : ndarray of shape (n_row, n_column), float32
        Areal density of the whole picture.
    opaque, unseen : ndarray of shape (n_row, n_column), bool
        Pixel classes of the whole picture.
    box : ContainerBox
        The hull to look in.
    pitch_mm : tuple of float
        Pixel pitch (row, column).
    settings : RadiographySettings
        Sizes and densities.
    limit_g_cm2 : float
        Areal density at which a place turns opaque.

    Returns
    -------
    tuple of DenseRegion
        The densest first.
    """
    rows, columns = slice(box.row0, box.row1), slice(box.col0, box.col1)
    step = tuple(max(int(settings.dense_min_diameter_mm / 4.0 / p), 1) for p in pitch_mm)
    weight = _coarse((~unseen[rows, columns]).astype(np.float32), step)
    inside = np.where(unseen[rows, columns], 0.0, np.minimum(density[rows, columns], limit_g_cm2))
    inside = inside.astype(np.float32)
    coarse = _coarse(inside, step) / np.maximum(weight, 1e-6)
    coarse[weight < 0.3] = 0.0
    if min(coarse.shape) < 3:
        return ()
    window = tuple(
        max(round(settings.dense_max_diameter_mm / (p * s)), 3) for p, s in zip(pitch_mm, step, strict=True)
    )
    # gaps between packages are narrower than any object, and are no surroundings
    gap = tuple(
        max(round(1.25 * settings.dense_min_diameter_mm / (p * s)), 1)
        for p, s in zip(pitch_mm, step, strict=True)
    )
    closed = ndimage.grey_closing(coarse, size=gap, mode="nearest")
    surroundings = np.minimum(ndimage.grey_opening(closed, size=window, mode="nearest"), coarse)
    contrast = coarse - surroundings
    is_dense = (coarse >= settings.dense_min_areal_density_g_cm2) & (
        contrast >= settings.dense_min_contrast_g_cm2
    )
    labels, _ = ndimage.label(is_dense)
    found = []
    for index, place in enumerate(ndimage.find_objects(labels), start=1):
        region = labels[place] == index
        height = (place[0].stop - place[0].start) * step[0] * pitch_mm[0]
        width = (place[1].stop - place[1].start) * step[1] * pitch_mm[1]
        area = float(region.sum()) * step[0] * step[1] * pitch_mm[0] * pitch_mm[1]
        smallest, largest = settings.dense_min_diameter_mm, settings.dense_max_diameter_mm
        if min(height, width) < smallest or max(height, width) > largest:
            continue
        if area < 0.6 * np.pi / 4 * smallest**2:
            continue
        level = float(np.median(coarse[place][region]))
        if not _stands_alone(coarse, place, level - settings.dense_min_contrast_g_cm2):
            continue
        row0, row1 = (box.row0 + v * step[0] for v in (place[0].start, place[0].stop))
        col0, col1 = (box.col0 + v * step[1] for v in (place[1].start, place[1].stop))
        if _is_structure((row0, row1), (col0 + col1) / 2, box, pitch_mm, step):
            continue
        window_opaque = opaque[row0:row1, col0:col1]
        found.append(
            DenseRegion(
                row0=row0,
                col0=col0,
                row1=min(row1, box.row1),
                col1=min(col1, box.col1),
                areal_density_g_cm2=level,
                contrast_g_cm2=float(np.median(contrast[place][region])),
                area_px=int(region.sum()) * step[0] * step[1],
                opaque_fraction=float(window_opaque.mean()) if window_opaque.size else 0.0,
            )
        )
    return tuple(sorted(found, key=lambda r: (-r.areal_density_g_cm2, r.row0, r.col0)))


def cargo_mass_kg(
    density: NDArray[np.float32],
    unseen: NDArray[np.bool_],
    box: ContainerBox,
    baseline_g_cm2: NDArray[np.float32],
    pitch_mm: tuple[float, float],
) -> float:
    """Return the mass of the load from the integral of areal density over the hull.

    A person's figure, good to some 20 %: steel-equivalent, at the pitch of the centre plane, and a
    bound from below where opaque or unseen.

    Parameters
    ----------
    density : ndarray of shape (n_row, n_column), float32
        Areal density of the whole picture.
    unseen : ndarray of shape (n_row, n_column), bool
        Pixels that do not count.
    box : ContainerBox
        The hull.
    baseline_g_cm2 : ndarray of shape (n_box_row,), float32
        Areal density of the container itself, per row of the hull.
    pitch_mm : tuple of float
        Pixel pitch (row, column).

    Returns
    -------
    float
        kg; not negative.
    """
    rows, columns = slice(box.row0, box.row1), slice(box.col0, box.col1)
    excess = density[rows, columns] - baseline_g_cm2[:, None]
    excess = np.where(unseen[rows, columns], 0.0, excess)
    # posts, doors and what is under the floor are no cargo
    height, length = excess.shape
    excess[int(UNDER_FLOOR * height) :] = 0.0
    ends = round(END_MM / 2.0 / pitch_mm[1])
    excess[:, :ends] = 0.0
    excess[:, max(length - ends, 0) :] = 0.0
    area_cm2 = pitch_mm[0] * pitch_mm[1] / 100.0
    return max(float(excess.sum(dtype=np.float64)) * area_cm2 / 1000.0, 0.0)


def _coarse(plane: NDArray[np.float32], step: tuple[int, ...]) -> NDArray[np.float32]:
    n_row, n_column = plane.shape[0] // step[0], plane.shape[1] // step[1]
    cut = plane[: n_row * step[0], : n_column * step[1]]
    return np.asarray(cut.reshape(n_row, step[0], n_column, step[1]).mean(axis=(1, 3)))


def _stands_alone(coarse: NDArray[np.floating], place: tuple[slice, ...], limit: float) -> bool:
    """Tell whether a body ends on all four sides; the crest of a heap does not end below."""
    rows, columns = place
    sides = (
        coarse[max(rows.start - 3, 0) : max(rows.start - 1, 0), columns],
        coarse[rows.stop + 1 : rows.stop + 3, columns],
        coarse[rows, max(columns.start - 3, 0) : max(columns.start - 1, 0)],
        coarse[rows, columns.stop + 1 : columns.stop + 3],
    )
    return all(side.size == 0 or float(np.median(side)) < limit for side in sides)


def _is_structure(
    rows: tuple[int, int],
    column: float,
    box: ContainerBox,
    pitch_mm: tuple[float, float],
    step: tuple[int, ...],
) -> bool:
    """Tell the container's ends, and what reaches out from under it: wheels, axles, wagon."""
    near_end = min(column - box.col0, box.col1 - column) * pitch_mm[1] < END_MM
    height = (sum(rows) / 2 - box.row0) / (box.row1 - box.row0)
    return near_end or height > UNDER_FLOOR or rows[1] >= box.row1 - 2 * step[0]

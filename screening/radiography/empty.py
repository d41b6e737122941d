"""Loaded or empty: a map that a network reads, and an explicit score beside it.

The map is the hull brought to a fixed size in physical units, so that it means the same on every
scanner: steel-equivalent areal density, its noise, and the share of each cell that was not seen.
The explicit score is the areal density above an empty container's walls. Neither can make an opaque
or unseen place clear: both are asked only where no threat could hide.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from screening.records import ContainerBox

__all__ = [
    "FEATURE_VERSION",
    "MAP_SHAPE",
    "empty_baseline",
    "excess_areal_density",
    "hull_map",
]

FEATURE_VERSION = "empties/2"

#: Rows and columns of the map.
MAP_SHAPE = (64, 256)

#: Areal density that a row gets when nothing of it was seen, g/cm2: as far from empty as it can be.
UNSEEN_DENSITY_G_CM2 = 200.0

#: What an empty container may show, by height (share of the hull from the top): roof seen obliquely,
#: two walls, floor and cross-members, g/cm2 steel-equivalent.
_EMPTY_LIMIT = ((0.0, 30.0), (0.04, 14.0), (0.35, 14.0), (0.42, 8.0), (0.76, 8.0), (0.82, 60.0), (1.0, 120.0))

#: Rows (shares from the top) and columns (shares of the length) that hold cargo and little structure. The
#: ends hold doors and, in a refrigerated container, half a metre of machine: 8 % of 20 ft.
_CARGO_ROWS = (0.06, 0.86)
_CARGO_COLUMNS = (0.1, 0.9)

#: From this height (share from the top) on, the first row that is denser than clear walls along most of
#: its length begins what may be the floor and the carrier behind it, seen from a high source, ...
_STRUCTURE_FROM = 0.5
#: ... g/cm2. Two walls of 2 mm and the slopes of their corrugation are under 4.
_CLEAR_WALLS_G_CM2 = 8.0

LOWEST_QUANTILE = 0.2


def hull_map(
    density: NDArray[np.float32], variance: NDArray[np.float32], is_live: NDArray[np.bool_], box: ContainerBox
) -> NDArray[np.float32]:
    """Return the map of one container.

    Parameters
    ----------
    density : ndarray of shape (n_row, n_column), float32
        Areal density of the whole picture, g/cm2.
    variance : ndarray of shape (n_row, n_column), float32
        Its variance.
    is_live : ndarray of shape (n_row, n_column), bool
        Pixels that measure.
    box : ContainerBox
        The container.

    Returns
    -------
    ndarray of shape (3, 64, 256), float32
        Mean areal density of the seen part (g/cm2), its standard error (g/cm2), share not seen. A cell
        of which nothing was seen repeats the nearest one of its row: what could hide in a gap is judged
        by the hiding regions, before emptiness is asked for. A row of which nothing was seen is dense.
    """
    rows, columns = slice(box.row0, box.row1), slice(box.col0, box.col1)
    live = is_live[rows, columns].astype(np.float32)
    n = _resample(live)
    count = np.maximum(n, 1e-3)
    mean = _resample(np.where(live > 0, np.clip(density[rows, columns], -20.0, 500.0), 0.0)) / count
    spread = _resample(np.where(live > 0, np.minimum(variance[rows, columns], 1e6), 0.0)) / count
    pixels = live.size / (MAP_SHAPE[0] * MAP_SHAPE[1])
    error = np.sqrt(spread / np.maximum(n * pixels, 1e-3))
    _fill_unseen(mean, error, n >= 0.02)
    stacked: NDArray[np.float32] = np.stack([mean, np.minimum(error, UNSEEN_DENSITY_G_CM2), 1.0 - n]).astype(
        np.float32
    )
    return stacked


def empty_baseline(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the areal density of the container itself, per row.

    The low quantile over the columns follows walls, roof and floor of this very container; an upper
    limit by height keeps a load that fills a whole row from passing for a wall.

    Parameters
    ----------
    cells : ndarray of shape (n, m), float32
        Areal density of a hull, any number of rows and columns, g/cm2.

    Returns
    -------
    ndarray of shape (n,), float32
        g/cm2.
    """
    height = (np.arange(cells.shape[0]) + 0.5) / cells.shape[0]
    places, limits = (np.array(values) for values in zip(*_EMPTY_LIMIT, strict=True))
    low = np.quantile(cells, LOWEST_QUANTILE, axis=1)
    baseline: NDArray[np.float32] = np.minimum(low, np.interp(height, places, limits)).astype(np.float32)
    return baseline


def excess_areal_density(hull: NDArray[np.float32]) -> float:
    """Return the explicit score of a load: areal density above the container's own.

    Parameters
    ----------
    hull : ndarray of shape (3, 64, 256), float32
        Map from :func:`hull_map`.

    Returns
    -------
    float
        Mean excess over the clear part of the cargo space plus a hundredth of its 99.95 % quantile, g/cm2:
        the first for loads that are light and wide, the second for small dense ones.

    Notes
    -----
    A floor seen from a high source is a band, with the carrier's beams in it, that reads as a low load of
    the whole length does. Rows from there on are left to the network; what is above is always judged.
    """
    density = hull[0]
    excess = density - empty_baseline(density)[:, None]
    first, last = (int(share * MAP_SHAPE[0]) for share in _CARGO_ROWS)
    begin = int(_STRUCTURE_FROM * MAP_SHAPE[0])
    dense_rows = np.flatnonzero(
        np.quantile(density[begin:last], LOWEST_QUANTILE, axis=1) > _CLEAR_WALLS_G_CM2
    )
    if dense_rows.size:
        last = begin + int(dense_rows[0])
    columns = slice(*(int(share * MAP_SHAPE[1]) for share in _CARGO_COLUMNS))
    inner = excess[first:last, columns]
    return float(np.mean(inner, dtype=np.float64) + 0.01 * np.quantile(inner, 0.9995))


def _fill_unseen(mean: NDArray[np.float64], error: NDArray[np.float64], is_seen: NDArray[np.bool_]) -> None:
    columns = np.arange(mean.shape[1])
    for row in np.flatnonzero(~is_seen.all(axis=1)):
        seen = np.flatnonzero(is_seen[row])
        if seen.size == 0:
            mean[row] = error[row] = UNSEEN_DENSITY_G_CM2
            continue
        right = np.clip(np.searchsorted(seen, columns), 0, seen.size - 1)
        left = np.maximum(right - 1, 0)
        is_left = np.abs(columns - seen[left]) <= np.abs(seen[right] - columns)
        nearest = np.where(is_left, seen[left], seen[right])
        mean[row], error[row] = mean[row, nearest], error[row, nearest]


def _resample(plane: NDArray[np.generic]) -> NDArray[np.float64]:
    """Return area means on the map's grid; every pixel counts by its overlap."""
    result = np.asarray(plane, dtype=np.float64)
    for axis, size in enumerate(MAP_SHAPE):
        length = result.shape[axis]
        total = np.concatenate(
            [np.zeros_like(np.take(result, [0], axis)), np.cumsum(result, axis=axis)], axis=axis
        )
        edges = np.linspace(0.0, length, size + 1)
        lower = np.minimum(edges.astype(np.int64), length - 1)
        share = edges - lower
        shape = [1, 1]
        shape[axis] = -1
        before = np.take(total, lower, axis)
        at = before + share.reshape(shape) * (np.take(total, lower + 1, axis) - before)
        result = np.diff(at, axis=axis) * (size / length)
    return result

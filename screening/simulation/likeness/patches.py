"""Pieces of 64 x 64 pixels out of pictures, sorted by how much is in the way."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .planes import Planes

__all__ = ["SIDE", "STRATA", "Patches", "balanced", "cut_patches"]

#: Side of a patch, pixels.
SIDE = 64

#: Strata by the median -ln T of a patch (most penetrating energy). Patches are compared within a stratum,
#: so that heavier cargo in one set does not tell the sets apart.
STRATA = {
    "air": (-np.inf, 0.03),
    "light": (0.03, 0.5),
    "medium": (0.5, 1.5),
    "dense": (1.5, 3.0),
    "denser": (3.0, 5.0),
    "opaque": (5.0, np.inf),
}

#: Most of a patch that may be dead, lost or saturated.
MOST_MASKED = 0.25


class Patches(NamedTuple):
    """Patches of one picture.

    Attributes
    ----------
    transmission : ndarray of shape (n, n_energy, 64, 64), float32
        T by the picture's own air; noise may take it below 0 where dark is subtracted later.
    depth : ndarray of shape (n, n_energy, 64, 64), float32
        -ln T.
    is_live : ndarray of shape (n, n_energy, 64, 64), bool
        Pixels that measure.
    raw : ndarray of shape (n, n_energy, 64, 64), uint16
        Counts as recorded.
    stratum : ndarray of shape (n,), int64
        Index into `STRATA`.
    corner : ndarray of shape (n, 2), int64
        Row and column of the upper left pixel.
    """

    transmission: NDArray[np.float32]
    depth: NDArray[np.float32]
    is_live: NDArray[np.bool_]
    raw: NDArray[np.uint16]
    stratum: NDArray[np.int64]
    corner: NDArray[np.int64]


def cut_patches(
    raw: NDArray[np.uint16], planes: Planes, n_energy: int, n_patch: int, rng: np.random.Generator
) -> Patches:
    """Cut patches out of a picture, as evenly over the strata as it allows.

    Parameters
    ----------
    raw : ndarray of shape (n_row, n_column, n_energy), uint16
        The picture.
    planes : Planes
        The same, made ready.
    n_energy : int
        Energies to take, from the first on.
    n_patch : int
        Most patches.
    rng : numpy.random.Generator
        Where the grid begins, and which places are taken.

    Returns
    -------
    Patches
        At most `n_patch`, none overlapping another.
    """
    n_row, n_column = planes.depth.shape[1:]
    row0, col0 = (int(rng.integers(0, size % SIDE + 1)) for size in (n_row, n_column))
    corners = np.array(
        [
            (row, column)
            for row in range(row0, n_row - SIDE + 1, SIDE)
            for column in range(col0, n_column - SIDE + 1, SIDE)
        ],
        dtype=np.int64,
    )
    windows = [(slice(r, r + SIDE), slice(c, c + SIDE)) for r, c in corners]
    usable = np.array([planes.is_live[0][w].mean() > 1 - MOST_MASKED for w in windows], dtype=bool)
    median = np.array([np.median(planes.depth[0][w]) for w in windows])
    edges = [low for low, _ in STRATA.values()][1:]
    stratum = np.searchsorted(edges, median, side="right")
    chosen = _evenly(stratum, usable, n_patch, rng)

    def _cut(stack: NDArray[Any]) -> NDArray[Any]:
        found = np.empty((chosen.size, n_energy, SIDE, SIDE), dtype=stack.dtype)
        for place, index in enumerate(chosen):
            found[place] = stack[(slice(0, n_energy), *windows[index])]
        return found

    return Patches(
        _cut(planes.signal / planes.beam[:, :, None]),
        _cut(planes.depth),
        _cut(planes.is_live),
        _cut(np.moveaxis(raw, 2, 0)),
        stratum[chosen],
        corners[chosen],
    )


def balanced(
    stratum: NDArray[np.int64], is_second: NDArray[np.bool_], *, least: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return patches so that both sets have equally many in every stratum.

    Parameters
    ----------
    stratum : ndarray of shape (n,)
        Stratum of each patch.
    is_second : ndarray of shape (n,), bool
        Which set it is of.
    least : int
        A stratum with fewer of either set is left out.
    rng : numpy.random.Generator
        Which are taken where one set has more.

    Returns
    -------
    ndarray of shape (m,), int64
        Their indices, ascending.
    """
    taken = []
    for value in np.unique(stratum):
        first, second = (np.flatnonzero((stratum == value) & (is_second == s)) for s in (False, True))
        n = min(first.size, second.size)
        if n >= least:
            taken += [rng.permutation(first)[:n], rng.permutation(second)[:n]]
    return np.sort(np.concatenate(taken)) if taken else np.empty(0, dtype=np.int64)


def _evenly(
    stratum: NDArray[np.int64], usable: NDArray[np.bool_], n_patch: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return up to n_patch usable places, the rarer strata in full."""
    left = {int(s): rng.permutation(np.flatnonzero(usable & (stratum == s))) for s in np.unique(stratum)}
    chosen: list[NDArray[np.int64]] = []
    room = n_patch
    for position, key in enumerate(sorted(left, key=lambda s: left[s].size)):
        share = room // (len(left) - position)
        chosen.append(left[key][:share])
        room -= chosen[-1].size
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, dtype=np.int64)

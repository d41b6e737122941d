"""One energy of a scan, corrected: -ln T, variance, pixel states, and the signal behind them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from screening.kernels import classify_zeros, correct_lines
from screening.records import PixelState, Radiograph

from .consistency import find_frozen
from .curves import ENERGY_LABELS
from .levels import FLOOR_LIMIT, Levels, resolve_levels, source_from_air_rows

__all__ = ["Plane", "correct_plane", "filled", "most_penetrating"]

UNSEEN = int(PixelState.unseen())

#: Columns in which the same rows must be missing before a module is known to fail, and how bright its
#: surroundings must be over an opaque place, in electronic sigmas.
MODULE_COLUMNS = 40
BRIGHT_SIGMAS = 30.0

#: Windows that fill unseen pixels where only the outline of things matters, the nearest first.
FILL_PX = (9, 33)


class Plane(NamedTuple):
    """One energy, corrected.

    Attributes
    ----------
    label : str
        Energy label.
    neg_log, variance : ndarray of shape (n_row, n_column), float32
        -ln T and its variance.
    state : ndarray of shape (n_row, n_column), uint8
        PixelState bits.
    signal : ndarray of shape (n_row, n_column), float32
        Counts over dark.
    levels : Levels
        What it was corrected with.
    """

    label: str
    neg_log: NDArray[np.float32]
    variance: NDArray[np.float32]
    state: NDArray[np.uint8]
    signal: NDArray[np.float32]
    levels: Levels

    @property
    def is_live(self) -> NDArray[np.bool_]:
        """Where pixels measure, ndarray of shape (n_row, n_column), bool."""
        return np.asarray((self.state & UNSEEN) == 0)


def most_penetrating(energies: tuple[str, ...]) -> int:
    """Return the index of the energy that sees deepest.

    Parameters
    ----------
    energies : tuple of str
        Labels of a scan.

    Returns
    -------
    int
        By the order of ``ENERGY_LABELS``; the first of unknown ones.
    """
    rank = {label: k for k, label in enumerate(ENERGY_LABELS)}
    return min(range(len(energies)), key=lambda k: (rank.get(energies[k], len(rank)), k))


def correct_plane(radiograph: Radiograph, energy: int) -> Plane:
    """Correct one energy of a scan.

    Source strength comes from the reference detector, else from rows that see only air.

    Parameters
    ----------
    radiograph : Radiograph
        The scan.
    energy : int
        Index into its energies.

    Returns
    -------
    Plane
        The corrected picture.
    """
    levels = resolve_levels(radiograph, energy)
    raw = radiograph.plane(energy)
    signal = raw.astype(np.float32)
    signal -= np.where(np.isfinite(levels.dark), levels.dark, 0.0).astype(np.float32)[:, None]
    if levels.reference is None:
        open_beam = levels.air - levels.dark
        usable = (levels.row_mask == 0) & (open_beam > 10 * levels.electronic_sigma)
        live = usable[:, None] & (levels.column_mask == 0)[None, :] & (raw > 0)
        upper = slice(0, max(raw.shape[0] // 3, 1))
        level = np.where(usable, open_beam, np.float32(1.0)).astype(np.float32)
        relative = np.asarray(signal[upper] / level[upper, None], dtype=np.float32)
        levels = levels._replace(reference=source_from_air_rows(relative, live[upper]))
    corrected = correct_lines(
        raw,
        dark=levels.dark,
        air=levels.air,
        reference=levels.reference,
        row_mask=levels.row_mask,
        column_mask=levels.column_mask,
        electronic_sigma=levels.electronic_sigma,
        gain=levels.gain,
        saturation=radiograph.saturation,
    )
    state = corrected.state
    if not raw.all():
        floor = FLOOR_LIMIT * max(levels.air_counts, 0.0)
        state = classify_zeros(raw, state, electronic_sigma=levels.electronic_sigma, floor_counts=floor)
        _complete_dropouts(raw, state, bright=floor + BRIGHT_SIGMAS * levels.electronic_sigma)
    frozen = find_frozen(raw, saturation=radiograph.saturation)
    if frozen.any():
        # what repeats an earlier reading says nothing of what passed since
        state |= np.where(frozen & ((state & UNSEEN) == 0), np.uint8(PixelState.DROPOUT), np.uint8(0))
    return Plane(radiograph.energies[energy], corrected.neg_log, corrected.variance, state, signal, levels)


def _complete_dropouts(raw: NDArray[np.uint16], state: NDArray[np.uint8], *, bright: float) -> None:
    """Mark the packets of a failing module that a single failed pixel beside them kept from being seen.

    One packet alone is judged by its own outline. Where the same rows are missing again and again, the
    module is known to fail, and a packet needs no more than all its rows zero and a bright end.
    """
    missing = ((state & PixelState.DROPOUT) != 0).sum(axis=1)
    edges = np.flatnonzero(
        np.diff(np.concatenate([[False], missing >= MODULE_COLUMNS, [False]]).astype(np.int8))
    )
    for row0, row1 in edges.reshape(-1, 2):
        is_zero = (raw[row0:row1] == 0).all(axis=0)
        above = raw[row0 - 1] if row0 > 0 else np.zeros_like(raw[0])
        below = raw[row1] if row1 < raw.shape[0] else np.zeros_like(raw[0])
        columns = np.flatnonzero(is_zero & ((above > bright) | (below > bright)))
        rows = np.arange(row0, row1)
        seen = (state[np.ix_(rows, columns)] & UNSEEN) == 0
        state[np.ix_(rows, columns)] = np.where(seen, PixelState.DROPOUT, state[np.ix_(rows, columns)])


def filled(plane: Plane) -> NDArray[np.float32]:
    """Return -ln T with unseen pixels taken from their neighbours, for outlines only.

    Parameters
    ----------
    plane : Plane
        A corrected picture.

    Returns
    -------
    ndarray of shape (n_row, n_column), float32
        Places with no live neighbour keep their value.
    """
    live = plane.is_live
    if live.all():
        return plane.neg_log
    weight = live.astype(np.float32)
    result = plane.neg_log.copy()
    missing = ~live
    for size in FILL_PX:
        share = ndimage.uniform_filter(weight, size, mode="nearest")
        mean = ndimage.uniform_filter(plane.neg_log * weight, size, mode="nearest")
        usable = missing & (share > 0.02)
        result[usable] = mean[usable] / share[usable]
        missing &= ~usable
        if not missing.any():
            break
    return result

"""Zeros of a picture by kind: dead rows, modules that miss packets, isolated failures, clipped noise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["ZeroKinds", "dead_rows", "sort_zeros"]

#: Zeros one above the other that make a module's missing packet. Modules have 16 rows; one of them may be
#: hidden by a dead row. Independent failures (1e-4 of pixels) never make twelve in a column.
PACKET_ROWS = 12

#: A zero counts as failed where the median around it is above this many counts (advice: 10 s_e), for lack
#: of the scanner's own s_e.
BRIGHT_COUNTS, MEDIAN_SIDE = 250.0, 7

#: A row of which less than this share is not zero is dead.
LIVE_SHARE = 0.01


class ZeroKinds(NamedTuple):
    """Shares of the pixels of live rows, of one energy.

    Attributes
    ----------
    total : float
        All zeros.
    packets : float
        In packets of a module that fails.
    isolated : float
        Failed pixels in bright surroundings.
    clipped : float
        The rest: noise around the floor, clipped at 0.
    is_packet : ndarray of shape (n_row, n_column), bool
        Where packets are missing.
    """

    total: float
    packets: float
    isolated: float
    clipped: float
    is_packet: NDArray[np.bool_]


def dead_rows(raw: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Return the rows that measure nothing at any energy.

    Parameters
    ----------
    raw : ndarray of shape (n_row, n_column, n_energy), uint16
        The picture.

    Returns
    -------
    ndarray of shape (n_row,), bool
        Rows of zeros, and rows that never change.
    """
    share = (raw > 0).mean(axis=1).max(axis=1)
    constant = (raw.max(axis=1) == raw.min(axis=1)).all(axis=1)
    return np.asarray((share < LIVE_SHARE) | constant)


def sort_zeros(plane: NDArray[np.uint16], is_dead: NDArray[np.bool_]) -> ZeroKinds:
    """Tell the zeros of one energy apart.

    Parameters
    ----------
    plane : ndarray of shape (n_row, n_column), uint16
        Raw counts.
    is_dead : ndarray of shape (n_row,), bool
        Dead rows, left out.

    Returns
    -------
    ZeroKinds
        Shares by kind.
    """
    live = plane[~is_dead]
    if live.size == 0:
        return ZeroKinds(0.0, 0.0, 0.0, 0.0, np.zeros(plane.shape, dtype=bool))
    is_zero = live == 0
    column = np.ones((PACKET_ROWS, 1), dtype=bool)
    packets = ndimage.binary_opening(is_zero, column)
    loose = is_zero & ~packets
    isolated = loose.copy()
    isolated[loose] = _surroundings(live, loose) > BRIGHT_COUNTS
    is_packet = np.zeros(plane.shape, dtype=bool)
    is_packet[~is_dead] = packets
    n = is_zero.size
    return ZeroKinds(
        float(is_zero.sum() / n),
        float(packets.sum() / n),
        float(isolated.sum() / n),
        float((loose & ~isolated).sum() / n),
        is_packet,
    )


def _surroundings(plane: NDArray[np.uint16], chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the 7 x 7 median around chosen pixels: there are few of them, and filtering all takes long."""
    padded = np.pad(plane, MEDIAN_SIDE // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (MEDIAN_SIDE, MEDIAN_SIDE))
    rows, columns = np.nonzero(chosen)
    found = np.empty(rows.size)
    for start in range(0, rows.size, 1 << 16):
        part = slice(start, start + (1 << 16))
        found[part] = np.median(windows[rows[part], columns[part]].reshape(-1, MEDIAN_SIDE**2), axis=1)
    return found

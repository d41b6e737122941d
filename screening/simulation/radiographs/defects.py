"""What fails in a scanner: dead and hot rows, modules that miss packets, failed and saturated pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .scanner import Scanner

__all__ = ["add_defects", "row_drift"]

#: A module that drops out, and the packets it misses, as seen on real scans.
MODULE_ROWS = 16
BLOCK_LINES = 10
SATURATED = 65535


def row_drift(scanner: Scanner, n_row: int, n_column: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the gain of drifting rows over that of their calibration.

    Parameters
    ----------
    scanner : Scanner
        The instance.
    n_row, n_column : int
        Size of the picture.
    rng : numpy.random.Generator
        The course of the drift.

    Returns
    -------
    ndarray of shape (len(drifting_rows), n_column), float32
        Relative gain, a slow walk that ends `drift` from where it started, more or less.
    """
    n = sum(row < n_row for row in scanner.drifting_rows)
    steps = rng.standard_normal((n, n_column), dtype=np.float32)
    walk = np.cumsum(steps, axis=1) * np.float32(scanner.drift / np.sqrt(n_column))
    return np.asarray(np.maximum(1.0 + walk, np.float32(0.05)))


def add_defects(raw: NDArray[np.uint16], scanner: Scanner, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Add the faults that replace what a pixel measured.

    Parameters
    ----------
    raw : ndarray of shape (n_energy, n_row, n_column), uint16
        Raw counts; changed.
    scanner : Scanner
        The instance.
    rng : numpy.random.Generator
        Where single pixels fail.

    Returns
    -------
    ndarray of shape (n_energy, n_row, n_column), bool
        Pixels that tell nothing: dead rows, drop-outs, isolated zeros and saturated ones.
    """
    n_energy, n_row, n_column = raw.shape
    is_failed = np.zeros(raw.shape, dtype=bool)
    for k in range(n_energy):
        n = rng.poisson(scanner.isolated_rate * n_row * n_column)
        rows, columns = rng.integers(0, n_row, n), rng.integers(0, n_column, n)
        raw[k, rows, columns] = 0
        is_failed[k, rows, columns] = True
        rows, columns = _saturated(raw[k], scanner.saturated_rate, rng)
        raw[k, rows, columns] = SATURATED
        is_failed[k, rows, columns] = True
    # a module that sends nothing, and dead rows, hold no failed pixels of their own
    if scanner.dropout_row >= 0:
        rows_of = slice(scanner.dropout_row, scanner.dropout_row + MODULE_ROWS)
        packet = (np.arange(n_column) // BLOCK_LINES) % 2
        for k in range(n_energy):
            raw[k, rows_of, packet == k % 2] = 0
            is_failed[k, rows_of, packet == k % 2] = True
    for row in dead_rows(scanner, n_row):
        raw[:, row, :] = 0
        is_failed[:, row, :] = True
    return is_failed


def dead_rows(scanner: Scanner, n_row: int) -> tuple[int, ...]:
    """Return all dead rows of a picture.

    Parameters
    ----------
    scanner : Scanner
        The instance.
    n_row : int
        Its rows.

    Returns
    -------
    tuple of int
        Rows, rising.
    """
    bottom = range(n_row - min(scanner.n_dead_rows, n_row), n_row)
    return tuple(sorted({row for row in scanner.dead_rows if row < n_row} | set(bottom)))


def _saturated(
    plane: NDArray[np.uint16], rate: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw saturated pixels: half anywhere, half where it is bright, near the top of the range."""
    n_row, n_column = plane.shape
    n = int(rng.poisson(rate * plane.size))
    rows, columns = rng.integers(0, n_row, 8 * n), rng.integers(0, n_column, 8 * n)
    bright = plane[rows, columns] > np.uint16(30_000)
    bright[: 4 * n : 4] = True
    keep = np.flatnonzero(bright)[:n]
    return rows[keep], columns[keep]

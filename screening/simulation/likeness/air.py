"""What a picture's open beam tells: level, noise and its parts, and the photon-transfer law."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["MIN_DARK_PIXELS", "AirBand", "air_noise", "find_air", "photon_transfer", "robust_sigma"]

#: Smallest band of open beam that noise is measured in, rows and columns.
MIN_ROWS, MIN_COLUMNS = 8, 16

#: Share of its surroundings' level below which a line of pixels is no longer open beam, and how far the
#: edge of what follows is kept away from, pixels.
EDGE_DROP, MARGIN = 0.93, 3

#: Pixels from which electronic noise is read.
MIN_DARK_PIXELS = 2000

#: Normal consistency of the median absolute deviation.
MAD_TO_SIGMA = 1.4826


class AirBand(NamedTuple):
    """A rectangle of open beam, half-open.

    Attributes
    ----------
    row0, row1, col0, col1 : int
        Its corners.
    """

    row0: int
    row1: int
    col0: int
    col1: int

    @property
    def n_pixel(self) -> int:
        """Area in pixels."""
        return max(self.row1 - self.row0, 0) * max(self.col1 - self.col0, 0)

    def of(self, plane: NDArray[Any]) -> NDArray[Any]:
        """Return this part of a picture.

        Parameters
        ----------
        plane : ndarray of shape (n_row, n_column)
            The picture.

        Returns
        -------
        ndarray of shape (row1 - row0, col1 - col0)
            A view.
        """
        return plane[self.row0 : self.row1, self.col0 : self.col1]


def robust_sigma(values: NDArray[np.floating]) -> float:
    """Return the spread of most values: 1.4826 times the median absolute deviation.

    Parameters
    ----------
    values : ndarray
        Any shape, not empty.

    Returns
    -------
    float
        Equal to the standard deviation for normal values.
    """
    return float(MAD_TO_SIGMA * np.median(np.abs(values - np.median(values))))


def find_air(signal: NDArray[np.float32], is_live: NDArray[np.bool_]) -> AirBand | None:
    """Return the largest band of open beam: above what is scanned, before it or behind it.

    From the top row down, and from each end inwards over the upper half, lines are open beam until one is
    darker than all before it by more than gains of rows and pulses of lines explain.

    Parameters
    ----------
    signal : ndarray of shape (n_row, n_column), float32
        Counts of one energy, dark subtracted.
    is_live : ndarray of shape (n_row, n_column), bool
        Pixels that measure.

    Returns
    -------
    AirBand or None
        None if no band of at least 8 rows and 16 columns is open beam.
    """
    n_row, n_column = signal.shape
    masked = np.where(is_live, signal, np.nan)
    if not is_live[: n_row // 2].any():
        return None
    bright = float(np.nanpercentile(masked[: n_row // 2], 98.0))
    upper = slice(0, max(n_row // 2, MIN_ROWS))
    rows = _medians(masked, 1)
    n_top = _open_lines(rows, bright)
    # gains of rows cancel in what is left of each row's brightest tenth
    level = _quantiles(masked[upper], 0.9)
    is_seen = level > 0.6 * bright
    columns = np.zeros(n_column)
    if is_seen.any():
        columns = _medians(masked[upper][is_seen] / level[is_seen, None], 0)
    n_left = _open_lines(columns, 1.0)
    n_right = _open_lines(columns[::-1], 1.0)
    # rows that see no open beam end the bands beside what is scanned
    unseen = np.flatnonzero(~is_seen)
    tall = slice(0, upper.stop if unseen.size == 0 else max(int(unseen[0]) - MARGIN, 0))
    bands = [
        AirBand(0, n_top - MARGIN, 0, n_column),
        AirBand(tall.start, tall.stop, 0, n_left - MARGIN),
        AirBand(tall.start, tall.stop, n_column - n_right + MARGIN, n_column),
    ]
    usable = [
        band for band in bands if band.row1 - band.row0 >= MIN_ROWS and band.col1 - band.col0 >= MIN_COLUMNS
    ]
    return max(usable, key=lambda band: band.n_pixel, default=None)


def air_noise(
    signal: NDArray[np.float32], is_live: NDArray[np.bool_], band: AirBand
) -> tuple[float, float, float, float]:
    """Return level and noise of the open beam.

    Parameters
    ----------
    signal : ndarray of shape (n_row, n_column), float32
        Counts of one energy, dark subtracted.
    is_live : ndarray of shape (n_row, n_column), bool
        Pixels that measure.
    band : AirBand
        Where to look.

    Returns
    -------
    mean_counts : float
        Mean signal.
    relative_sigma_total : float
        Spread of pixels over their row's mean (robust), source pulses included.
    relative_sigma_line : float
        Spread common to all pixels of a line, that of the mean of pixels taken off.
    relative_row_residue : float
        Spread of the means of rows.
    """
    values = np.where(band.of(is_live), band.of(signal), np.nan)
    values = values[~np.isnan(values).all(axis=1)]
    row_means = np.nanmean(values, axis=1)
    relative = values / row_means[:, None]
    total = robust_sigma(relative[np.isfinite(relative)])
    lines = np.nanmean(relative, axis=0)
    pixel = relative - lines[None, :]
    own = robust_sigma(pixel[np.isfinite(pixel)]) ** 2 / values.shape[0]
    line = float(np.sqrt(max(robust_sigma(lines[np.isfinite(lines)]) ** 2 - own, 0.0)))
    return float(row_means.mean()), total, line, float(row_means.std() / row_means.mean())


def photon_transfer(
    signal: NDArray[np.float32],
    is_live: NDArray[np.bool_],
    band: AirBand,
    is_dark: NDArray[np.bool_],
) -> tuple[float, float | None]:
    """Return gain and electronic noise of var = s_e^2 + g mean, from open beam and dark places.

    Second differences over 2 x 2 pixels are free of row gains, pulses and slopes.

    Parameters
    ----------
    signal : ndarray of shape (n_row, n_column), float32
        Counts of one energy, dark subtracted.
    is_live : ndarray of shape (n_row, n_column), bool
        Pixels that measure.
    band : AirBand
        Open beam.
    is_dark : ndarray of shape (n_row, n_column), bool
        Where little comes through, and not so little that noise is clipped at 0.

    Returns
    -------
    gain : float
        g, counts; with the electronic noise neglected if that is not known.
    electronic_sigma : float or None
        s_e, counts; None without enough dark places.
    """
    # with the rows' gains divided out, a difference of rows is one of noise alone
    air = band.of(signal)
    live = band.of(is_live)
    level = np.nanmean(np.where(live, air, np.nan), axis=1)
    mean = float(np.nanmean(level))
    sigma_air = _difference_sigma(air / level[:, None] * np.float32(mean), live)
    dark_places = is_dark & is_live
    if int(dark_places.sum()) < MIN_DARK_PIXELS:
        return sigma_air**2 / mean, None
    sigma_floor = _difference_sigma(signal, dark_places)
    floor = float(np.mean(signal[dark_places]))
    gain = (sigma_air**2 - sigma_floor**2) / (mean - floor)
    return gain, float(np.sqrt(max(sigma_floor**2 - gain * floor, 0.0)))


def _difference_sigma(plane: NDArray[np.float32], is_live: NDArray[np.bool_]) -> float:
    along = plane[:, 1:] - plane[:, :-1]
    both = along[1:] - along[:-1]
    live = is_live[1:, 1:] & is_live[1:, :-1] & is_live[:-1, 1:] & is_live[:-1, :-1]
    return robust_sigma(both[live]) / 2.0 if live.any() else 0.0


def _open_lines(level: NDArray[np.floating], bright: float) -> int:
    """Return how many lines from the first on are open beam."""
    known = np.isfinite(level)
    filled = np.interp(np.arange(level.size), np.flatnonzero(known), level[known]) if known.any() else level
    if not known.any() or filled[0] < 0.75 * bright:
        return 0
    # the level so far: the median of what has passed, so that the gain of one row changes little
    for index in range(1, filled.size):
        before = float(np.median(filled[max(index - 32, 0) : index]))
        if filled[index] < EDGE_DROP * before and _stays(filled, index, before):
            return index
    return int(filled.size)


def _stays(level: NDArray[np.floating], index: int, before: float) -> bool:
    """Return whether what follows is dark too: a single row of low gain is no edge."""
    after = level[index : index + 3]
    return bool(np.median(after) < EDGE_DROP * before)


def _medians(masked: NDArray[np.floating], axis: int) -> NDArray[np.float64]:
    """Return medians along an axis, NaN where nothing measures."""
    result = np.full(masked.shape[1 - axis], np.nan)
    some = np.isfinite(masked).any(axis=axis)
    kept = masked[some] if axis == 1 else masked[:, some]
    if some.any():
        result[some] = np.nanmedian(kept, axis=axis)
    return result


def _quantiles(masked: NDArray[np.floating], share: float) -> NDArray[np.float64]:
    result = np.zeros(masked.shape[0])
    some = np.isfinite(masked).any(axis=1)
    if some.any():
        result[some] = np.nanquantile(masked[some], share, axis=1)
    return result

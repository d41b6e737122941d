"""Levels of one scan: dark, air, source strength and noise, from its calibration or from itself."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from screening.records import PixelState, Radiograph

__all__ = ["FLOOR_LIMIT", "Levels", "resolve_levels", "source_from_air_rows"]

#: No scatter floor is ever taken above this share of air.
FLOOR_LIMIT = 3e-3

#: Electronic noise assumed when a scan brings no calibration, counts (middle of what scanners show).
ASSUMED_ELECTRONIC_SIGMA = 25.0

#: Zeros over live pixels above which a picture must have had its dark subtracted and clipped.
CLIPPED_ZERO_FRACTION = 1e-3

#: Largest dark that is believed when it has to be guessed, share of air.
MAX_GUESSED_DARK = 0.02

MIN_AIR_COLUMNS = 5
MIN_AIR_ROWS = 8


class Levels(NamedTuple):
    """Levels of one energy.

    Attributes
    ----------
    dark : ndarray of shape (n_row,), float32
        Signal without beam, counts.
    air : ndarray of shape (n_row,), float32
        Signal with beam and nothing in it, dark not subtracted, counts.
    reference : ndarray of shape (n_column,), float32, or None
        Source strength of each line over nominal; NaN where unknown.
    electronic_sigma, gain : float
        s_e and g of var = s_e^2 + g mean, counts.
    scatter_floor : float or None
        Calibrated signal of an opaque place over air.
    row_mask, column_mask : ndarray, uint8
        PixelState bits of whole rows and columns.
    is_estimated : bool
        The scan brought no calibration: these levels come from the picture.
    """

    dark: NDArray[np.float32]
    air: NDArray[np.float32]
    reference: NDArray[np.float32] | None
    electronic_sigma: float
    gain: float
    scatter_floor: float | None
    row_mask: NDArray[np.uint8]
    column_mask: NDArray[np.uint8]
    is_estimated: bool

    @property
    def air_counts(self) -> float:
        """Median air signal over live rows, dark subtracted, counts; 0 without one."""
        open_beam = self.air - self.dark
        live = (self.row_mask == 0) & np.isfinite(open_beam)
        return float(np.median(open_beam[live])) if live.any() else 0.0


def resolve_levels(radiograph: Radiograph, energy: int) -> Levels:
    """Return the levels of one energy of a scan.

    Parameters
    ----------
    radiograph : Radiograph
        The scan.
    energy : int
        Index into its energies.

    Returns
    -------
    Levels
        From its calibration, else estimated from the picture.
    """
    plane = radiograph.plane(energy)
    n_row, n_column = plane.shape
    column_mask = np.zeros(n_column, dtype=np.uint8)
    if radiograph.is_lost is not None:
        column_mask[radiograph.is_lost[:, energy]] = PixelState.LOST_LINE
    for gap in radiograph.gaps:
        column_mask[gap.index : gap.index + gap.n_missing] = PixelState.LOST_LINE
    received = column_mask == 0
    # a line of zeros throughout never arrived, whatever the device says of it
    column_mask[received & ~plane.any(axis=0)] = PixelState.LOST_LINE
    received = column_mask == 0
    row_mask = np.zeros(n_row, dtype=np.uint8)
    if received.any():
        seen = plane[:, received]
        row_mask[seen.max(axis=1) == seen.min(axis=1)] = PixelState.DEAD_ROW
    reference = _source_strength(radiograph, energy, received)
    calibration = radiograph.calibration
    if calibration is not None:
        dark = calibration.dark[:, energy].astype(np.float32)
        air = calibration.air[:, energy].astype(np.float32)
        if radiograph.is_dark_subtracted:
            dark, air = np.zeros_like(dark), air - dark
        sigma, gain, floor = calibration.electronic_sigma, calibration.gain, calibration.scatter_floor
        if floor is not None and not (0.0 <= floor < 1.0):
            floor = None
        return Levels(dark, air, reference, sigma, gain, floor, row_mask, column_mask, is_estimated=False)
    dark, air = _estimate_levels(radiograph, plane, received, row_mask)
    signal = plane.astype(np.float32) - dark[:, None]
    gain = _estimate_gain(signal[:, received], air - dark, row_mask)
    return Levels(
        dark,
        air,
        reference,
        ASSUMED_ELECTRONIC_SIGMA,
        gain,
        None,
        row_mask,
        column_mask,
        is_estimated=True,
    )


def source_from_air_rows(
    transmission: NDArray[np.float32], is_live: NDArray[np.bool_]
) -> NDArray[np.float32] | None:
    """Return the source strength of each line from rows that see only air.

    Parameters
    ----------
    transmission : ndarray of shape (n_row, n_column), float32
        Transmission without source correction.
    is_live : ndarray of shape (n_row, n_column), bool
        Pixels that measure.

    Returns
    -------
    ndarray of shape (n_column,), float32, or None
        Relative strength, NaN where no row measures; None with fewer than 8 such rows.
    """
    is_air = (np.abs(transmission - 1.0) < 0.08) & is_live
    n_live = is_live.sum(axis=1)
    rows = np.flatnonzero((n_live > 0) & (is_air.sum(axis=1) >= 0.95 * np.maximum(n_live, 1)))
    if rows.size < MIN_AIR_ROWS:
        return None
    band = np.where(is_live[rows], transmission[rows], np.nan)
    measured = np.isfinite(band).any(axis=0)
    strength = np.full(transmission.shape[1], np.nan, dtype=np.float32)
    strength[measured] = np.nanmedian(band[:, measured], axis=0)
    return strength


def _source_strength(
    radiograph: Radiograph, energy: int, received: NDArray[np.bool_]
) -> NDArray[np.float32] | None:
    if radiograph.reference is None:
        return None
    counts = radiograph.reference[:, energy].astype(np.float32)
    usable = received & np.isfinite(counts) & (counts > 0)
    if not usable.any():
        return None
    nominal = np.median(counts[usable])
    # the kernel turns a line without a valid reference into a lost line
    return np.where(usable | ~received, counts / nominal, np.float32(np.nan)).astype(np.float32)


def _estimate_levels(
    radiograph: Radiograph,
    plane: NDArray[np.uint16],
    received: NDArray[np.bool_],
    row_mask: NDArray[np.uint8],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return dark and air from the picture: each row's level where the lines see only air."""
    n_row = plane.shape[0]
    dark = np.zeros(n_row, dtype=np.float32)
    live_rows = row_mask == 0
    if not received.any() or not live_rows.any():
        return dark, np.ones(n_row, dtype=np.float32)
    seen = plane[:, received]
    # what is saturated is at least this bright
    seen = np.minimum(seen, np.uint16(min(radiograph.saturation, 65535)))
    rank = int(0.98 * (seen.shape[1] - 1))
    bright = np.partition(seen, rank, axis=1)[:, rank].astype(np.float32)
    level = float(np.percentile(bright[live_rows], 90))
    n_zero = int((seen[live_rows] == 0).sum())
    if not radiograph.is_dark_subtracted and n_zero < CLIPPED_ZERO_FRACTION * seen[live_rows].size:
        # nothing was clipped, so the darkest place still holds the dark signal
        blocks = ndimage.uniform_filter(seen[live_rows].astype(np.float32), 9, mode="nearest")
        dark[:] = min(float(np.percentile(blocks, 0.1)), MAX_GUESSED_DARK * level)
    upper = live_rows & (np.arange(n_row) < 0.7 * n_row) & (bright > 0.5 * level)
    air = bright.copy()
    if upper.any():
        # some sixty rows are plenty for a median
        some = np.flatnonzero(upper)[:: max(int(upper.sum()) // 64, 1)]
        relative = np.median(seen[some] / bright[some, None], axis=0)
        clear = relative > 0.98 * np.percentile(relative, 98)
        if int(clear.sum()) >= MIN_AIR_COLUMNS:
            air = np.median(seen[:, clear], axis=1).astype(np.float32)
    # rows that never see air (rails, ground) borrow from those that do
    valid = live_rows & (air > 0.6 * level)
    if valid.any():
        places = np.arange(n_row)
        air = np.where(valid, air, np.interp(places, places[valid], air[valid])).astype(np.float32)
    return dark, air.astype(np.float32)


def _estimate_gain(
    signal: NDArray[np.float32], open_beam: NDArray[np.float32], row_mask: NDArray[np.uint8]
) -> float:
    """Return g from differences of neighbouring rows in air: what a line has in common drops out."""
    live = np.flatnonzero((row_mask == 0) & (open_beam > 0))
    if live.size < 2:
        return 12.0
    relative = signal[live] / open_beam[live, None]
    is_air = np.abs(relative - 1.0) < 0.06
    pairs = is_air[1:] & is_air[:-1]
    if int(pairs.sum()) < 200:
        return 12.0
    difference = (relative[1:] - relative[:-1])[pairs]
    sigma = 1.4826 * float(np.median(np.abs(difference - np.median(difference)))) / np.sqrt(2.0)
    mean = float(np.median(open_beam[live]))
    gain = (sigma**2 * mean**2 - ASSUMED_ELECTRONIC_SIGMA**2) / mean
    return float(np.clip(gain, 0.5, 60.0))

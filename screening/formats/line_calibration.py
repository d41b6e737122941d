"""Dark and air of a line detector, from whatever a stream or a sidecar gives of them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from screening.records import CalibrationRef, LineCalibration, ReasonCode, ScanNote

__all__ = ["TYPICAL_ELECTRONIC_SIGMA", "TYPICAL_GAIN", "line_calibration"]

TYPICAL_ELECTRONIC_SIGMA = 25.0
"""Counts; integrating MeV line detectors show 15 to 35."""

TYPICAL_GAIN = 14.0
"""Counts; variance over mean in air is 8 to 20 in such detectors (not 1: they do not count photons)."""


def line_calibration(
    *,
    dark: NDArray[np.float32] | None,
    air: NDArray[np.float32] | None,
    is_dark_subtracted: bool,
    electronic_sigma: float | None,
    gain: float | None,
    scatter_floor: float | None = None,
    identifier: str | None = None,
    made_at: str | None = None,
    scan_start_utc: datetime | None = None,
) -> tuple[LineCalibration | None, list[ScanNote]]:
    """Return a calibration, or why there is none.

    Parameters
    ----------
    dark, air : ndarray of shape (n_row, n_energy), float32, or None
        Counts without beam; with beam and nothing in it.
    is_dark_subtracted : bool
        The device subtracts dark: a missing dark is then zero.
    electronic_sigma, gain : float or None
        Photon-transfer constants, counts; None takes typical ones, and a note says so.
    scatter_floor : float or None
        Signal of an opaque place over air.
    identifier, made_at : str or None
        Name and time of the calibration (RFC 3339).
    scan_start_utc : datetime or None
        For its age.

    Returns
    -------
    calibration : LineCalibration or None
        None without air or without dark.
    notes : list of ScanNote
        What was missing or assumed.
    """
    notes: list[ScanNote] = []
    if air is None:
        return None, notes
    if not np.isfinite(air).all() or (dark is not None and not np.isfinite(dark).all()):
        text = "dark or air is not finite: the calibration was not used"
        return None, [ScanNote(text=text, reason=ReasonCode.CAL_MISSING)]
    if dark is None:
        if not is_dark_subtracted:
            text = "air without dark: the calibration was not used"
            return None, [ScanNote(text=text, reason=ReasonCode.CAL_MISSING)]
        dark = np.zeros_like(air)
    if not electronic_sigma or not gain or not (electronic_sigma > 0 and gain > 0):
        notes.append(ScanNote(text="no photon-transfer constants: typical ones were assumed"))
        electronic_sigma, gain = TYPICAL_ELECTRONIC_SIGMA, TYPICAL_GAIN
    digest = hashlib.sha256(np.ascontiguousarray(dark, "<f4").tobytes())
    digest.update(np.ascontiguousarray(air, "<f4").tobytes())
    reference = CalibrationRef(
        id=identifier,
        sha256=digest.hexdigest(),
        made_at=made_at,
        age_s=_age_s(made_at, scan_start_utc),
    )
    calibration = LineCalibration(
        dark=np.array(dark, dtype=np.float32),
        air=np.array(air, dtype=np.float32),
        electronic_sigma=float(electronic_sigma),
        gain=float(gain),
        scatter_floor=scatter_floor,
        ref=reference,
    )
    return calibration, notes


def _age_s(made_at: str | None, scan_start_utc: datetime | None) -> int | None:
    if made_at is None or scan_start_utc is None:
        return None
    try:
        made = datetime.fromisoformat(made_at)
    except ValueError:
        return None
    if made.tzinfo is None:
        made = made.replace(tzinfo=UTC)
    return round((scan_start_utc - made).total_seconds())

"""The payload of a line scanner: raw counts by (row = detector, column = line, energy)."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from .scan import CalibrationRef, Gap, freeze_arrays

__all__ = ["LineCalibration", "Radiograph"]


class LineCalibration(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Dark, air and noise of a line detector.

    Attributes
    ----------
    dark : ndarray of shape (n_row, n_energy), float32
        Signal without beam, counts.
    air : ndarray of shape (n_row, n_energy), float32
        Signal with beam and nothing in it, counts, dark not subtracted.
    electronic_sigma : float
        s_e of the photon-transfer law var = s_e^2 + g mean, counts.
    gain : float
        g of that law, counts.
    scatter_floor : float or None
        Signal of an opaque place over air; None if not calibrated.
    ref : CalibrationRef
        Identity and age.
    """

    dark: NDArray[np.float32]
    air: NDArray[np.float32]
    electronic_sigma: float
    gain: float
    scatter_floor: float | None = None
    ref: CalibrationRef = CalibrationRef()

    def __post_init__(self) -> None:
        if self.dark.shape != self.air.shape or self.dark.ndim != 2:
            raise ValueError(
                f"dark and air need one shape (n_row, n_energy), got {self.dark.shape} and {self.air.shape}"
            )
        if not (self.electronic_sigma > 0 and self.gain > 0):
            raise ValueError(
                f"electronic_sigma and gain must be positive, got {self.electronic_sigma!r} and {self.gain!r}"
            )
        freeze_arrays(self)


class Radiograph(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One line scan, as received.

    Attributes
    ----------
    raw : ndarray of shape (n_row, n_column, n_energy), uint16
        Raw counts. Memory may be one plane after the other; see :meth:`plane`.
    energies : tuple of str, length n_energy
        "6MV", "4MV", "9MV", "Cs-137", "Co-60".
    calibration : LineCalibration or None
        None if the scan brought none: air is then estimated from the picture and CAL_MISSING holds.
    reference : ndarray of shape (n_column, n_energy), float32, or None
        Reference detector, counts; None without one.
    line_ids : ndarray of shape (n_column,), int64, or None
        Unwrapped line numbers.
    line_time_s : ndarray of shape (n_column,), float64, or None
        Time of each line after the scan's start, seconds.
    is_lost : ndarray of shape (n_column, n_energy), bool, or None
        Columns that were never received: present at their place, holding zeros.
    pitch_mm : tuple of two floats, or None
        Pixel pitch (row, column) at the container's centre plane, mm; None if unknown.
    speed_m_s : float or None
        Speed of the motion, m/s.
    saturation : int
        Raw value at and above which a pixel is saturated.
    is_dark_subtracted : bool
        The device clipped at 0 after subtracting dark: zeros are censored values.
    is_complete : bool
        The end of the scan was received.
    is_tampered : bool
        The device reported tampering.
    faults : tuple of str
        Faults the device reported.
    gaps : tuple of Gap
        Lost lines, in columns.
    motion : {"forward", "reverse", "unknown"}
        Direction of the motion.
    """

    raw: NDArray[np.uint16]
    energies: tuple[str, ...]
    calibration: LineCalibration | None = None
    reference: NDArray[np.float32] | None = None
    line_ids: NDArray[np.int64] | None = None
    line_time_s: NDArray[np.float64] | None = None
    is_lost: NDArray[np.bool_] | None = None
    pitch_mm: tuple[float, float] | None = None
    speed_m_s: float | None = None
    saturation: int = 65535
    is_dark_subtracted: bool = False
    is_complete: bool = True
    is_tampered: bool = False
    faults: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    motion: Literal["forward", "reverse", "unknown"] = "unknown"

    def __post_init__(self) -> None:
        if self.raw.ndim != 3 or self.raw.dtype != np.uint16 or self.raw.shape[2] != len(self.energies):
            raise ValueError(
                f"raw needs dtype uint16 and shape (n_row, n_column, {len(self.energies)}), "
                f"got {self.raw.dtype} {self.raw.shape}"
            )
        n_row, n_column, n_energy = self.raw.shape
        wanted: dict[str, tuple[int, ...]] = {
            "reference": (n_column, n_energy),
            "line_ids": (n_column,),
            "line_time_s": (n_column,),
            "is_lost": (n_column, n_energy),
        }
        for name, shape in wanted.items():
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                raise ValueError(f"{name} needs shape {shape}, got {array.shape}")
        if self.calibration is not None and self.calibration.air.shape != (n_row, n_energy):
            raise ValueError(f"calibration needs shape {(n_row, n_energy)}, got {self.calibration.air.shape}")
        freeze_arrays(self)

    def plane(self, energy: int) -> NDArray[np.uint16]:
        """Return one energy's picture, C-contiguous.

        Parameters
        ----------
        energy : int
            Index into `energies`.

        Returns
        -------
        ndarray of shape (n_row, n_column), uint16
            A view where the memory allows it, else a copy.
        """
        return np.ascontiguousarray(self.raw[:, :, energy])

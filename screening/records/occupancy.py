"""The payload of a portal or spectrometer: counts by (interval, panel, channel)."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from .scan import Gap, freeze_arrays

__all__ = ["Background", "Occupancy"]


class Background(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Background measured apart from the occupancy it serves.

    Attributes
    ----------
    gamma_cps : ndarray of shape (n_panel,), float64
        Gamma count rate of each panel, counts/s.
    live_time_s : float
        Live time behind the rates, seconds.
    neutron_cps : ndarray of shape (n_neutron_panel,), float64, or None
        Neutron count rate, counts/s.
    spectra : ndarray of shape (n_panel, n_channel), float64, or None
        Counts by channel over `live_time_s`.
    energy_edges_kev : ndarray of shape (n_panel, n_channel + 1), float64, or None
        Channel edges in keV; None if the spectra have no calibration.
    t_end_utc : datetime or None
        When it was taken.
    origin : {"portal", "file", "within-pass"}
        The portal's own record, a separate file, or the quiet part of the same pass.
    """

    gamma_cps: NDArray[np.float64]
    live_time_s: float
    neutron_cps: NDArray[np.float64] | None = None
    spectra: NDArray[np.float64] | None = None
    energy_edges_kev: NDArray[np.float64] | None = None
    t_end_utc: datetime | None = None
    origin: Literal["portal", "file", "within-pass"] = "portal"

    def __post_init__(self) -> None:
        _require(self.gamma_cps.ndim == 1, "gamma_cps needs shape (n_panel,)", self.gamma_cps.shape)
        _require(self.live_time_s > 0, "live_time_s must be positive", self.live_time_s)
        if self.spectra is not None:
            _require(self.spectra.ndim == 2, "spectra needs shape (n_panel, n_channel)", self.spectra.shape)
        freeze_arrays(self)


class Occupancy(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One vehicle pass through a portal, or one static measurement.

    Attributes
    ----------
    kind : {"occupancy", "static"}
        A pass with many intervals, or one spectrum (a handheld's file).
    interval_s : ndarray of shape (n_interval,), float64
        Real time of each gamma interval, seconds.
    t_s : ndarray of shape (n_interval,), float64
        Start of each interval after the scan's start, seconds. Gaps show as jumps.
    panel_ids : tuple of str, length n_panel
        Names of the gamma panels or crystals.
    gamma_counts : ndarray of shape (n_interval, n_panel), int64
        Gross gamma counts. A panel that sent nothing in an interval has -1 there, never 0.
    live_time_s : ndarray of shape (n_interval, n_panel), float64, or None
        Live time by interval and panel, seconds; None if the device gives none.
    spectra : ndarray of shape (n_interval, n_panel, n_channel), uint32, or None
        Counts by channel; None from a gross-count portal.
    energy_edges_kev : ndarray of shape (n_panel, n_channel + 1), float64, or None
        Channel edges in keV by panel; None when there is no valid calibration (CAL_MISSING).
    neutron_counts : ndarray of shape (n_neutron_interval, n_neutron_panel), int64, or None
        Neutron counts on their own, usually coarser, cadence; None without neutron detectors.
    neutron_interval_s : ndarray of shape (n_neutron_interval,), float64, or None
        Real time of each neutron interval, seconds.
    background : Background or None
        The last background before the occupancy; None if there is none (BKG_MISSING).
    is_occupied : ndarray of shape (n_interval,), bool, or None
        The portal's own occupancy state; None if not given.
    n_prior : int
        How many leading intervals lie before the occupancy (the portal's own look-back).
    speed_m_s : float or None
        Vehicle speed, m/s; None if not measured.
    is_tampered : bool
        A tamper switch was set during the scan.
    faults : tuple of str
        Faults the device reported ("gamma high", "neutron high", "detector A1 dead", ...).
    device_alarms : tuple of str
        The device's own alarms ("gamma", "neutron"), kept as evidence.
    is_complete : bool
        The end of the occupancy was received (GX).
    is_background_subtracted : bool
        The spectra are differences, not counts: Poisson statistics do not hold.
    gaps : tuple of Gap
        Missing intervals.
    """

    kind: Literal["occupancy", "static"]
    interval_s: NDArray[np.float64]
    t_s: NDArray[np.float64]
    panel_ids: tuple[str, ...]
    gamma_counts: NDArray[np.int64]
    live_time_s: NDArray[np.float64] | None = None
    spectra: NDArray[np.uint32] | None = None
    energy_edges_kev: NDArray[np.float64] | None = None
    neutron_counts: NDArray[np.int64] | None = None
    neutron_interval_s: NDArray[np.float64] | None = None
    background: Background | None = None
    is_occupied: NDArray[np.bool_] | None = None
    n_prior: int = 0
    speed_m_s: float | None = None
    is_tampered: bool = False
    faults: tuple[str, ...] = ()
    device_alarms: tuple[str, ...] = ()
    is_complete: bool = True
    is_background_subtracted: bool = False
    gaps: tuple[Gap, ...] = ()

    def __post_init__(self) -> None:
        n_interval, n_panel = self.n_interval, self.n_panel
        _require(
            self.gamma_counts.shape == (n_interval, n_panel),
            f"gamma_counts needs shape ({n_interval}, {n_panel})",
            self.gamma_counts.shape,
        )
        _require(self.t_s.shape == (n_interval,), f"t_s needs shape ({n_interval},)", self.t_s.shape)
        if self.live_time_s is not None:
            _require(
                self.live_time_s.shape == (n_interval, n_panel),
                f"live_time_s needs shape ({n_interval}, {n_panel})",
                self.live_time_s.shape,
            )
        if self.spectra is not None:
            _require(
                self.spectra.ndim == 3 and self.spectra.shape[:2] == (n_interval, n_panel),
                f"spectra needs shape ({n_interval}, {n_panel}, n_channel)",
                self.spectra.shape,
            )
            if self.energy_edges_kev is not None:
                edges = (n_panel, self.spectra.shape[2] + 1)
                _require(
                    self.energy_edges_kev.shape == edges,
                    f"energy_edges_kev needs shape {edges}",
                    self.energy_edges_kev.shape,
                )
        _require(
            (self.neutron_counts is None) == (self.neutron_interval_s is None),
            "neutron_counts and neutron_interval_s come together",
            None,
        )
        freeze_arrays(self)

    @property
    def n_interval(self) -> int:
        """Number of gamma intervals."""
        return int(self.interval_s.shape[0])

    @property
    def n_panel(self) -> int:
        """Number of gamma panels."""
        return len(self.panel_ids)


def _require(condition: bool, message: str, value: object) -> None:
    if not condition:
        raise ValueError(f"{message}, got {value!r}")

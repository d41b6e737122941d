"""Describe a file's scans as plain data, for people and for scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from screening.records import Background, Occupancy, Radiograph, Scan, utc_string

from .opening import open_scans, recognise

__all__ = ["describe"]


def describe(path: str | Path) -> dict[str, Any]:
    """Return what a file holds.

    Parameters
    ----------
    path : str or Path
        A file with scans, or a folder of them.

    Returns
    -------
    dict
        "file", "source" (the name of the source that reads it; None for a folder) and "scans": for
        each its identity, modality, shapes, totals, calibration, background and notes; only strings,
        numbers, booleans, None, lists and dicts.

    Raises
    ------
    FormatError
        If it cannot be read.
    """
    path = Path(path)
    return {
        "file": path.name,
        "source": None if path.is_dir() else recognise(path),
        "scans": [_scan(scan) for scan in open_scans(path)],
    }


def _scan(scan: Scan) -> dict[str, Any]:
    identity = scan.identity
    device = msgspec.to_builtins(identity.device)
    return {
        "scan_id": identity.scan_id,
        "modality": scan.modality,
        "device": {key: value for key, value in device.items() if value is not None},
        "site": identity.site,
        "lane": identity.lane,
        "container_id": identity.container_id,
        "operating_mode": identity.operating_mode.value,
        "t_start": utc_string(identity.t_start_utc),
        "t_end": utc_string(identity.t_end_utc),
        "time_source": identity.clock.t_source.value,
        **(_occupancy(scan.payload) if isinstance(scan.payload, Occupancy) else _radiograph(scan.payload)),
        "inputs": [msgspec.to_builtins(item) for item in scan.inputs],
        "notes": [{"text": note.text, "reason": note.reason and note.reason.value} for note in scan.notes],
    }


def _number(value: Any) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None


def _occupancy(payload: Occupancy) -> dict[str, Any]:
    counts = np.where(payload.gamma_counts < 0, 0, payload.gamma_counts)
    edges = payload.energy_edges_kev
    neutrons = payload.neutron_counts
    live_s = None if payload.live_time_s is None else np.nansum(payload.live_time_s, axis=0).mean()
    return {
        "kind": payload.kind,
        "n_interval": payload.n_interval,
        "panels": list(payload.panel_ids),
        "n_channel": None if payload.spectra is None else int(payload.spectra.shape[2]),
        "energy_range_kev": None if edges is None else [float(edges[:, 0].min()), float(edges[:, -1].max())],
        "real_time_s": _number(payload.interval_s.sum()),
        "live_time_s": _number(live_s),
        "gamma_counts": int(counts.sum()),
        "gamma_counts_by_panel": [int(value) for value in counts.sum(axis=0)],
        "n_missing": int((payload.gamma_counts < 0).sum()),
        "neutron_counts": None if neutrons is None else int(np.clip(neutrons, 0, None).sum()),
        "background": _background(payload.background),
        "speed_m_s": payload.speed_m_s,
        "is_complete": payload.is_complete,
        "is_tampered": payload.is_tampered,
        "is_background_subtracted": payload.is_background_subtracted,
        "faults": list(payload.faults),
        "device_alarms": list(payload.device_alarms),
        "n_gap": len(payload.gaps),
    }


def _background(background: Background | None) -> dict[str, Any] | None:
    if background is None:
        return None
    return {
        "gamma_cps": [_number(value) for value in background.gamma_cps],
        "neutron_cps": None
        if background.neutron_cps is None
        else [_number(value) for value in background.neutron_cps],
        "live_time_s": background.live_time_s,
        "t_end": utc_string(background.t_end_utc),
        "origin": background.origin,
    }


def _radiograph(payload: Radiograph) -> dict[str, Any]:
    n_row, n_column, n_energy = payload.raw.shape
    planes = [payload.plane(energy) for energy in range(n_energy)]
    return {
        "kind": "radiograph",
        "shape": [n_row, n_column],
        "energies": list(payload.energies),
        "raw_range": [[int(plane.min()), int(plane.max())] for plane in planes],
        "saturated_fraction": [float((plane >= payload.saturation).mean()) for plane in planes],
        "zero_fraction": [float((plane == 0).mean()) for plane in planes],
        "calibration": None if payload.calibration is None else payload.calibration.ref.state,
        "has_reference": payload.reference is not None,
        "pitch_mm": None if payload.pitch_mm is None else list(payload.pitch_mm),
        "speed_m_s": payload.speed_m_s,
        "n_lost_lines": 0 if payload.is_lost is None else int(payload.is_lost.any(axis=1).sum()),
        "is_complete": payload.is_complete,
        "is_tampered": payload.is_tampered,
        "faults": list(payload.faults),
        "n_gap": len(payload.gaps),
    }

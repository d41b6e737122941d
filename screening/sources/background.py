"""Use a scan as the background of others."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from screening.errors import FormatError
from screening.records import Background, Occupancy, Scan

__all__ = ["background_of_scans"]


def background_of_scans(scans: Sequence[Scan], *, name: str) -> Background:
    """Return the background that some scans give.

    Parameters
    ----------
    scans : sequence of Scan
        What a file held.
    name : str
        File name.

    Returns
    -------
    Background
        A static scan's counts by live time (real time where none is given). For vehicle passes the
        portal's own last background: a pass is no background.

    Raises
    ------
    FormatError
        If there is none.
    """
    for scan in reversed(scans):
        payload = scan.payload
        if not isinstance(payload, Occupancy):
            raise FormatError(f"{name}: a radiograph is no background")
        if payload.kind == "occupancy":
            if payload.background is not None:
                return msgspec.structs.replace(payload.background, origin="file")
            continue
        live_s = np.broadcast_to(payload.interval_s[:, None], payload.gamma_counts.shape)
        if payload.live_time_s is not None:
            live_s = np.where(payload.live_time_s > 0, payload.live_time_s, live_s)
        total_s = live_s.sum(axis=0)
        if not (np.isfinite(total_s) & (total_s > 0)).all() or (payload.gamma_counts < 0).any():
            continue
        common_s = float(total_s.mean())
        spectra = None
        if payload.spectra is not None:
            spectra = payload.spectra.sum(axis=0, dtype=np.float64) * (common_s / total_s)[:, None]
        neutron_cps = None
        counts, seconds = payload.neutron_counts, payload.neutron_interval_s
        if counts is not None and seconds is not None and (counts >= 0).all() and seconds.sum() > 0:
            neutron_cps = counts.sum(axis=0) / seconds.sum()
        return Background(
            gamma_cps=payload.gamma_counts.sum(axis=0) / total_s,
            live_time_s=common_s,
            neutron_cps=neutron_cps,
            spectra=spectra,
            energy_edges_kev=payload.energy_edges_kev,
            t_end_utc=scan.identity.t_end_utc or scan.identity.t_start_utc,
            origin="file",
        )
    raise FormatError(f"{name}: holds no measurement with a live time to use as a background")

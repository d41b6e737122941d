"""A detector of a third party: it compares counts below and above 400 keV with the background's."""

from __future__ import annotations

import numpy as np

from screening.config import Settings
from screening.evaluate import DetectorAnswer
from screening.records import Level, Occupancy, Scan

__all__ = ["EnergyRatioDetector"]


class EnergyRatioDetector:
    """Alarm when the counts of a pass stand out of the background in either of two energy windows."""

    name = "energy-ratio"
    text = "two energy windows against the background"
    tier = "blind"
    capabilities = frozenset(("radiation", "alarm"))

    def __init__(self, settings: Settings, *, split_kev: float = 400.0, n_sigma: float = 6.0) -> None:
        del settings
        self._split_kev = split_kev
        self._n_sigma = n_sigma

    def answer(self, scan: Scan) -> DetectorAnswer | None:
        """Return whether a window stands out."""
        payload = scan.payload
        if not isinstance(payload, Occupancy):
            return None
        background = payload.background
        if payload.spectra is None or payload.energy_edges_kev is None:
            return None
        if background is None or background.spectra is None or not background.live_time_s > 0:
            return DetectorAnswer(level=Level.UNKNOWN, codes=("BKG_MISSING",))
        worst = -np.inf
        is_low = payload.energy_edges_kev[:, :-1] < self._split_kev
        for window in (is_low, ~is_low):
            counts = float((payload.spectra.sum(axis=0) * window).sum())
            rate = float((background.spectra * window).sum()) / background.live_time_s
            expected = rate * float(payload.interval_s.sum())
            if expected > 0:
                worst = max(worst, (counts - expected) / np.sqrt(expected))
        if not np.isfinite(worst):
            return DetectorAnswer(level=Level.UNKNOWN, codes=("Q_COVERAGE",))
        alarm = worst > self._n_sigma
        return DetectorAnswer(level=Level.HIGH if alarm else Level.LOW, alarm=alarm, alarm_score=float(worst))

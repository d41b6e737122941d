"""The plain gross-count rule, as a reference."""

from __future__ import annotations

import numpy as np

from screening.config import Settings
from screening.records import Level, Occupancy, ReasonCode, Scan

from .answer import DetectorAnswer

__all__ = ["GrossCountDetector"]


class GrossCountDetector:
    """A reference: the plain gross-count rule, (S - B) / sqrt(B) in sliding windows, one sum.

    It has no quality gates, no drift correction and no idea of energy: what the rest of the system
    adds must show against it.

    Parameters
    ----------
    settings : Settings
        Not used; every detector takes it.
    n_sigma : float
        Alarm threshold, standard deviations of the background's counts.
    window_s : float
        Length of the window, seconds.
    """

    name = "gross-counts"
    version = "1"
    text = "plain rule: (S - B) / sqrt(B) > 6 in windows of 1 s, all panels summed"
    tier = "reference"
    capabilities = frozenset(("radiation", "alarm"))

    def __init__(self, settings: Settings, *, n_sigma: float = 6.0, window_s: float = 1.0) -> None:
        del settings
        self._n_sigma = n_sigma
        self._window_s = window_s

    def answer(self, scan: Scan) -> DetectorAnswer | None:
        """Apply the rule to an occupancy with a background; see DetectorUnderTest.

        Parameters
        ----------
        scan : Scan
            Any scan.

        Returns
        -------
        DetectorAnswer or None
            What the rule says; None of a scan it does not apply to.
        """
        payload = scan.payload
        if not isinstance(payload, Occupancy):
            return None
        background = payload.background
        if background is None or not float(background.gamma_cps.sum()) > 0:
            return DetectorAnswer(level=Level.UNKNOWN, codes=(ReasonCode.BKG_MISSING.value,))
        if (payload.gamma_counts < 0).any() or payload.n_interval == 0:
            return DetectorAnswer(level=Level.UNKNOWN, codes=(ReasonCode.Q_OCCUPANCY.value,))
        step_s = float(np.median(payload.interval_s))
        window = min(payload.n_interval, max(1, round(self._window_s / step_s)))
        ones = np.ones(window)
        expected = float(background.gamma_cps.sum()) * np.convolve(payload.interval_s, ones, mode="valid")
        counts = np.convolve(payload.gamma_counts.sum(axis=1).astype(np.float64), ones, mode="valid")
        excess = (counts - expected) / np.sqrt(expected)
        highest = float(excess.max())
        alarm = highest > self._n_sigma
        first = window - 1 + int(np.argmax(excess > self._n_sigma))  # last interval of the first window
        ends_s = payload.t_s + payload.interval_s - payload.t_s[0]
        return DetectorAnswer(
            level=Level.HIGH if alarm else Level.LOW,
            codes=(ReasonCode.RAD_GAMMA_NSIGMA.value,) if alarm else (),
            alarm=alarm,
            alarm_score=highest,
            alarm_time_s=float(ends_s[first]) if alarm else None,
        )

"""Blind reference: gross counts against a background that trails behind."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .bank import WINDOWS_S, BankDetector, Learner
from .protocol import Context

__all__ = ["GrossCounts"]

#: A background needs so many seconds before it is one.
_LEAST_S = 2.0


class GrossCounts(BankDetector):
    """Gross counts by k sigma: (n - b) / sqrt(b + its error), b from before the window."""

    name: ClassVar[str] = "gross-counts"
    text: ClassVar[str] = "counts of all energies against a trailing mean"
    #: Seconds the background is averaged over, and seconds between its end and the window's start.
    settings: ClassVar[tuple[tuple[float, ...], ...]] = (
        (5.0, 0.0),
        (10.0, 0.0),
        (20.0, 0.0),
        (40.0, 0.0),
        (5.0, 4.0),
        (10.0, 4.0),
        (20.0, 4.0),
        (10.0, 8.0),
    )
    lead_s: ClassVar[float] = WINDOWS_S[-1] + 48.0

    def _learn(self, learner: Learner, setting: Any, context: Context) -> dict[str, NDArray[Any]]:
        del learner, context
        return {"trailing_s": np.array(setting, dtype=np.float64)}

    def _statistic(
        self, counts: NDArray[np.uint16], width: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        length, lag = (round(float(s) / self._interval_s) for s in self._known["trailing_s"])
        summed = np.concatenate([[0.0], np.cumsum(counts.sum(axis=1, dtype=np.float64))])
        end = np.arange(width, counts.shape[0] + 1)
        gross = summed[end] - summed[end - width]
        stop = np.maximum(end - width - lag, 0)
        start = np.maximum(stop - length, 0)
        n = stop - start
        is_known = n >= round(_LEAST_S / self._interval_s)
        per_interval = (summed[stop] - summed[start]) / np.maximum(n, 1)
        background = np.maximum(per_interval * width, 1.0)
        variance = background * (1.0 + width / np.maximum(n, 1))
        return np.where(is_known, (gross - background) / np.sqrt(variance), np.nan), gross

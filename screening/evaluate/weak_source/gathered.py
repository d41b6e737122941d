"""What the stages of a bench gather: plan, alarms, scores of passes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .alarms import Alarms
from .plan import KNOWN, ORACLE, Plan
from .scale import Scale
from .scene import Track

__all__ = ["Gathered", "Passes"]


class Passes(NamedTuple):
    """Scores of the passes of one source.

    Attributes
    ----------
    tenth : ndarray of shape (n_activity,), int64
        Tenths of decades of MBq.
    scores : ndarray of shape (n_pass, n_activity, n_detector), float32
        Below which threshold each is detected; not a number where a detector was not asked.
    without : ndarray of shape (n_pass, n_detector), float32
        The same without a source.
    failed : dict of str to (int, str), optional
        Detectors that failed on passes: how often, and why first. Each such pass is a miss.
    """

    tenth: NDArray[np.int64]
    scores: NDArray[np.float32]
    without: NDArray[np.float32]
    failed: dict[str, tuple[int, str]] | None = None


class Gathered(NamedTuple):
    """All that a bench has to say before it is reckoned.

    Attributes
    ----------
    plan, track, scale : Plan, Track, Scale
        What was asked.
    learned : dict of str to dict
        What each detector and the oracle learned, as arrays.
    failures : dict of str to str
        Detectors that could not be tested, and why.
    alarms : dict of str to Alarms
        By series.
    detectors : list of str
        In the order of the passes' scores.
    passes : list of Passes
        By stratum.
    tiers : dict of str to str
        Of detectors that are not ours, as they say.
    unlearned : frozenset of str
        Those of `failures` that could not learn.
    """

    plan: Plan
    track: Track
    scale: Scale
    learned: dict[str, dict[str, NDArray[np.float64]]]
    failures: dict[str, str]
    alarms: dict[str, Alarms]
    detectors: list[str]
    passes: list[Passes]
    tiers: dict[str, str]
    unlearned: frozenset[str] = frozenset()

    def series(self, detector: str, stratum: int) -> str:
        """Return which series of background belongs to a detector and a source.

        Parameters
        ----------
        detector : str
            One of `detectors`.
        stratum : int
            Which source.

        Returns
        -------
        str
            Key of `alarms`.
        """
        chosen = self.track.strata[stratum]
        return {KNOWN: f"{KNOWN}@{chosen.nuclide}", ORACLE: f"{ORACLE}@{chosen.name}"}.get(detector, detector)

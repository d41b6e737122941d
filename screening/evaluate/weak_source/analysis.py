"""What the scores say: detection curves, detectable activities, and detectors beside each other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.evaluate.metrics.proportions import Proportion, proportion
from screening.evaluate.metrics.resampling import Estimate, clusters_of, interval_of, weight_blocks
from screening.evaluate.metrics.sigmoid import DetectionCurve, fit_detection_curve, fit_detection_curves

from .gathered import Gathered, Passes
from .plan import ORACLE

__all__ = ["PROBABILITIES", "CurveFound", "Found", "figure_of_merit", "gap_closed", "reckon"]

#: Probabilities of detection at which activities are told: the headline first.
PROBABILITIES = (0.95, 0.5)

#: Added to the bench's seed for the passes of each source.
_PASS_SEED = 1000


class CurveFound(NamedTuple):
    """One detector on the passes of one source.

    Attributes
    ----------
    activity_mbq : ndarray of shape (n_activity,), float64
        At which it was asked.
    n_detected : ndarray of shape (n_activity,), int64
        Passes detected, of `n_pass`.
    n_pass : int
        Passes.
    fit : DetectionCurve
        The curve, or why there is none.
    mda_mbq : tuple of Estimate
        Activity at each of PROBABILITIES.
    log_mda : ndarray of shape (n_resample,), float64
        Logarithm of the first in resamples of background and passes.
    """

    activity_mbq: NDArray[np.float64]
    n_detected: NDArray[np.int64]
    n_pass: int
    fit: DetectionCurve
    mda_mbq: tuple[Estimate, ...]
    log_mda: NDArray[np.float64]


class Found(NamedTuple):
    """What a bench found.

    Attributes
    ----------
    chance : dict of str to Proportion
        Passes without a source that alarm, over all sources.
    curves : dict of str to list of CurveFound
        By detector, for each stratum.
    """

    chance: dict[str, Proportion]
    curves: dict[str, list[CurveFound]]

    def log_mda(self, detector: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the logarithms of the detectable activities at 0.95.

        Parameters
        ----------
        detector : str
            Which.

        Returns
        -------
        values : ndarray of shape (n_stratum,), float64
            Not a number where the curve could not be fitted.
        resampled : ndarray of shape (n_stratum, n_resample), float64
            The same in resamples.
        """
        curves = self.curves[detector]
        values = [np.nan if c.mda_mbq[0].value is None else np.log(c.mda_mbq[0].value) for c in curves]
        return np.array(values, dtype=np.float64), np.stack([c.log_mda for c in curves])


def reckon(known: Gathered) -> Found:
    """Reckon detection curves and detectable activities with their intervals.

    Each resample draws the parents of the threshold's background anew and sets the threshold again, then
    draws the passes of each source anew; all detectors get the same draws.

    Parameters
    ----------
    known : Gathered
        The scores.

    Returns
    -------
    Found
        Curves of every detector and stratum.
    """
    chance, curves = {}, {}
    for d, detector in enumerate(known.detectors):
        if detector in known.failures:
            continue
        alarms = [known.alarms[known.series(detector, i)] for i in range(len(known.passes))]
        free = [p.without[:, d] > a.verified.threshold for p, a in zip(known.passes, alarms, strict=True)]
        chance[detector] = proportion(np.concatenate(free))
        share = float(chance[detector].value or 0.0)
        found = []
        for i, (one, alarm) in enumerate(zip(known.passes, alarms, strict=True)):
            raised = alarm.verified.threshold - float(alarm.threshold.value or 0.0)
            thresholds = alarm.resampled + raised
            seed = known.plan.seed + _PASS_SEED + i
            found.append(_curve(one, d, alarm.verified.threshold, thresholds, share, seed))
        curves[detector] = found
    return Found(chance, curves)


def _curve(
    passes: Passes, d: int, threshold: float, thresholds: NDArray[np.float64], chance: float, seed: int
) -> CurveFound:
    asked = np.flatnonzero(~np.isnan(passes.scores[:, :, d]).all(axis=0))
    scores = passes.scores[:, asked, d].astype(np.float64)
    activity = 10.0 ** (passes.tenth[asked] / 10.0)
    detected = (scores > threshold).sum(axis=0)
    n = len(scores)
    fit = fit_detection_curve(activity, detected, n, chance=chance)
    clusters = clusters_of(None, n)
    again = np.full((len(PROBABILITIES), thresholds.size), np.nan)
    if fit.is_fitted:
        weights = np.concatenate(list(weight_blocks(clusters, thresholds.size, seed=seed)))
        hits = _resampled_hits(scores, thresholds, weights)
        defined = ~np.isnan(thresholds)
        curves = fit_detection_curves(activity, hits[defined], n, chance=chance, cover=None)
        for k, p in enumerate(PROBABILITIES):
            again[k, defined] = curves.mda(p)
    estimates = []
    for k, p in enumerate(PROBABILITIES):
        value = fit.mda(p) if fit.is_fitted and chance < p else None
        found = interval_of(np.nan if value is None else value, again[k], clusters)
        estimates.append(found)
    with np.errstate(invalid="ignore"):
        log_mda = np.log(again[0])
    return CurveFound(activity, detected.astype(np.int64), n, fit, tuple(estimates), log_mda)


def _resampled_hits(
    scores: NDArray[np.float64], thresholds: NDArray[np.float64], weights: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return passes detected (n_resample, n_activity), each resample at its own threshold."""
    hits = np.empty((thresholds.size, scores.shape[1]), dtype=np.int64)
    row = np.arange(thresholds.size)
    for k in range(scores.shape[1]):
        order = np.argsort(-scores[:, k], kind="stable")
        falling = -scores[order, k]
        # How many scores lie above the threshold, strictly.
        n_above = np.searchsorted(falling, -thresholds, side="left")
        running = np.concatenate(
            [np.zeros((thresholds.size, 1), np.int64), np.cumsum(weights[:, order], axis=1)], axis=1
        )
        hits[:, k] = running[row, n_above]
    return hits


def figure_of_merit(
    found: Found, a: str, b: str, strata: NDArray[np.int64] | None = None
) -> tuple[Estimate, NDArray[np.float64]]:
    """Return by how much less activity one detector needs than another.

    Parameters
    ----------
    found : Found
        Curves.
    a, b : str
        Detectors.
    strata : ndarray of shape (n,), int64, optional
        Over which the mean is taken; all when omitted.

    Returns
    -------
    merit : Estimate
        1 - exp(mean of ln(MDA_a / MDA_b)); no value where a curve of either could not be fitted, since an
        average without it would reward the failure.
    resampled : ndarray of shape (n_resample,), float64
        The same in resamples.
    """
    (x, x_again), (y, y_again) = found.log_mda(a), found.log_mda(b)
    chosen = np.arange(x.size) if strata is None else strata
    value = 1.0 - np.exp(np.mean(x[chosen] - y[chosen]))
    resampled = 1.0 - np.exp(np.mean(x_again[chosen] - y_again[chosen], axis=0))
    n = sum(found.curves[a][int(i)].n_pass for i in chosen)
    return interval_of(float(value), resampled, clusters_of(None, n)), resampled


def gap_closed(found: Found, detector: str, reference: str) -> Estimate:
    """Return which share of the way from a reference to the oracle a detector goes.

    Parameters
    ----------
    found : Found
        Curves.
    detector, reference : str
        Detectors.

    Returns
    -------
    Estimate
        mean(ln MDA_ref - ln MDA) / mean(ln MDA_ref - ln MDA_oracle): 0 at the reference, 1 at the ceiling.
    """
    (x, x_again), (r, r_again) = found.log_mda(detector), found.log_mda(reference)
    o, o_again = found.log_mda(ORACLE)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(np.mean(r - x) / np.mean(r - o))
        resampled = np.mean(r_again - x_again, axis=0) / np.mean(r_again - o_again, axis=0)
    n = sum(curve.n_pass for curve in found.curves[detector])
    return interval_of(value, resampled, clusters_of(None, n))

"""Intervals of areas and operating points: bootstrap over containers, and DeLong's.

All resamples of a block are ranked at once: scores are sorted once, and each resample only changes how often
each counts. Containers are drawn apart by whether they hold positives, negatives or both, so that no
resample is without a class.

Plain quantiles are not good enough: of a partial area of 100 and 100 samples they lay above the truth four
times as often as below it. Areas and operating points have bounds corrected for bias and skewness (BCa), and
partial areas those reflected on the logit scale, since BCa covered 92.9 % there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from screening.evaluate.metrics.comparison import Paired, delong_covariance, paired_bootstrap
from screening.evaluate.metrics.curves import roc, standardised_partial_auc
from screening.evaluate.metrics.exact import tail
from screening.evaluate.metrics.resampling import Estimate, Method, bootstrap_weighted

__all__ = [
    "auc_delong",
    "auc_interval",
    "compare_curves",
    "partial_auc_interval",
    "tpr_at_fpr_interval",
    "weighted_areas",
    "weighted_tpr",
]

Figure = Callable[[NDArray[np.int64]], NDArray[np.float64]]


def auc_delong(scores: ArrayLike, truth: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Return the area under the curve of independent samples with DeLong's interval.

    Parameters
    ----------
    scores : array-like of shape (n,), float64
        Higher means more likely positive.
    truth : array-like of shape (n,), bool
        Positive or not.
    confidence : float
        Coverage.

    Returns
    -------
    Estimate
        The area. The interval is symmetric in the logit, so that it stays within 0 to 1 (Qin and Hotilovac,
        Statistical Methods in Medical Research 17 (2008) 207); none at an area of 0 or 1.
    """
    found = delong_covariance(scores, truth)
    area, spread = float(found.area[0]), float(np.sqrt(found.covariance[0, 0]))
    n = int(np.size(truth))
    if not 0.0 < area < 1.0 or spread == 0.0:
        return Estimate(
            value=area,
            low=None,
            high=None,
            confidence=confidence,
            n=n,
            n_parent=n,
            method="none: all ranks apart, no spread",
        )
    z = float(stats.norm.isf(tail(confidence)))
    logit, width = np.log(area / (1.0 - area)), z * spread / (area * (1.0 - area))
    low, high = (float(1.0 / (1.0 + np.exp(-bound))) for bound in (logit - width, logit + width))
    return Estimate(
        value=area, low=low, high=high, confidence=confidence, n=n, n_parent=n, method="DeLong, logit"
    )


def auc_interval(
    scores: ArrayLike,
    truth: ArrayLike,
    parents: Sequence[Any] | NDArray[Any] | None = None,
    *,
    confidence: float = 0.95,
    n_resample: int = 2000,
    seed: int = 0,
    method: Method = "bca",
) -> Estimate:
    """Return the area under a curve with its bootstrap interval.

    Parameters
    ----------
    scores : array-like of shape (n,), float64
        Higher means more likely positive.
    truth : array-like of shape (n,), bool
        Positive or not.
    parents : sequence of hashable, length n, optional
        Container or scene of each.
    confidence : float
        Coverage.
    n_resample, seed : int
        Of the bootstrap.
    method : {"percentile", "expanded", "reflected", "logit", "bca"}
        As for :func:`screening.evaluate.metrics.resampling.bootstrap_weighted`.

    Returns
    -------
    Estimate
        The area.
    """
    return _interval(weighted_areas(scores, truth), truth, parents, confidence, n_resample, seed, method)


def partial_auc_interval(
    scores: ArrayLike,
    truth: ArrayLike,
    max_fpr: float,
    parents: Sequence[Any] | NDArray[Any] | None = None,
    *,
    is_standardised: bool = False,
    confidence: float = 0.95,
    n_resample: int = 2000,
    seed: int = 0,
    method: Method = "logit",
) -> Estimate:
    """Return the area up to a false positive rate with its bootstrap interval.

    Parameters
    ----------
    scores : array-like of shape (n,), float64
        Higher means more likely positive.
    truth : array-like of shape (n,), bool
        Positive or not.
    max_fpr : float
        Above 0, at most 1.
    parents : sequence of hashable, length n, optional
        Container or scene of each.
    is_standardised : bool
        On McClish's scale from 1/2 (chance) to 1.
    confidence : float
        Coverage.
    n_resample, seed : int
        Of the bootstrap.
    method : {"percentile", "expanded", "reflected", "logit", "bca"}
        As for :func:`screening.evaluate.metrics.resampling.bootstrap_weighted`.

    Returns
    -------
    Estimate
        The area.
    """
    areas = weighted_areas(scores, truth, max_fpr=max_fpr)
    found = _interval(
        lambda weight: areas(weight) / max_fpr, truth, parents, confidence, n_resample, seed, method
    )

    def _scaled(share: float | None) -> float | None:
        if share is None:
            return None
        area = share * max_fpr
        return standardised_partial_auc(area, max_fpr) if is_standardised else area

    return msgspec.structs.replace(
        found, value=_scaled(found.value), low=_scaled(found.low), high=_scaled(found.high)
    )


def tpr_at_fpr_interval(
    scores: ArrayLike,
    truth: ArrayLike,
    max_fpr: float,
    parents: Sequence[Any] | NDArray[Any] | None = None,
    *,
    confidence: float = 0.95,
    n_resample: int = 2000,
    seed: int = 0,
    method: Method = "bca",
) -> Estimate:
    """Return the detections at a false positive rate with their bootstrap interval.

    Parameters
    ----------
    scores : array-like of shape (n,), float64
        Higher means more likely positive.
    truth : array-like of shape (n,), bool
        Positive or not.
    max_fpr : float
        Share of negatives that may be called positive.
    parents : sequence of hashable, length n, optional
        Container or scene of each.
    confidence : float
        Coverage.
    n_resample, seed : int
        Of the bootstrap; the threshold is found again in each resample.
    method : {"percentile", "expanded", "reflected", "logit", "bca"}
        As for :func:`screening.evaluate.metrics.resampling.bootstrap_weighted`.

    Returns
    -------
    Estimate
        The true positive rate.
    """
    figure = weighted_tpr(scores, truth, max_fpr)
    return _interval(figure, truth, parents, confidence, n_resample, seed, method, is_share=True)


def compare_curves(
    figure_a: Figure,
    figure_b: Figure,
    truth: ArrayLike,
    parents: Sequence[Any] | NDArray[Any] | None = None,
    *,
    confidence: float = 0.95,
    n_resample: int = 2000,
    seed: int = 0,
) -> Paired:
    """Compare a figure of two curves on the same samples by resampling containers.

    Parameters
    ----------
    figure_a, figure_b : callable
        From :func:`weighted_areas` or :func:`weighted_tpr`.
    truth : array-like of shape (n,), bool
        Positive or not.
    parents : sequence of hashable, length n, optional
        Container or scene of each.
    confidence : float
        Coverage.
    n_resample, seed : int
        Of the bootstrap.

    Returns
    -------
    Paired
        The difference a - b.
    """
    positive = np.asarray(truth, dtype=bool)
    return paired_bootstrap(
        lambda weight: figure_a(weight) - figure_b(weight),
        positive.size,
        parents,
        confidence=confidence,
        n_resample=n_resample,
        seed=seed,
        stratum=positive,
    )


def weighted_areas(
    scores: ArrayLike, truth: ArrayLike, *, max_fpr: float = 1.0, is_standardised: bool = False
) -> Figure:
    """Return the area under a curve as a function of how often each sample counts.

    Parameters
    ----------
    scores : array-like of shape (n,), float64
        Higher means more likely positive.
    truth : array-like of shape (n,), bool
        Positive or not.
    max_fpr : float
        Up to which false positive rate.
    is_standardised : bool
        On McClish's scale.

    Returns
    -------
    callable
        From multiplicities of shape (n_block, n) to areas of shape (n_block,); not-a-number without a class.

    Raises
    ------
    ValueError
        If there is no curve, or max_fpr is out of range.
    """
    if not 0.0 < max_fpr <= 1.0:
        raise ValueError(f"a partial area needs a false positive rate in (0, 1], got {max_fpr}")
    points = _Points(scores, truth, max_fpr)

    def _whole(weight: NDArray[np.int64]) -> NDArray[np.float64]:
        return points.area(weight)

    def _areas(weight: NDArray[np.int64]) -> NDArray[np.float64]:
        fpr, tpr = points.rates(weight)
        left, right = np.minimum(fpr[:, :-1], max_fpr), np.minimum(fpr[:, 1:], max_fpr)
        with np.errstate(divide="ignore", invalid="ignore"):
            kept = np.where(fpr[:, 1:] > fpr[:, :-1], (right - left) / (fpr[:, 1:] - fpr[:, :-1]), 0.0)
        # Of a segment cut at max_fpr the mean height is that of its remaining part.
        height = tpr[:, :-1] + 0.5 * kept * (tpr[:, 1:] - tpr[:, :-1])
        area: NDArray[np.float64] = np.sum((right - left) * height, axis=1)
        if is_standardised:
            least = 0.5 * max_fpr * max_fpr
            area = 0.5 * (1.0 + (area - least) / (max_fpr - least))
        return area

    return _whole if max_fpr == 1.0 else _areas


def weighted_tpr(scores: ArrayLike, truth: ArrayLike, max_fpr: float) -> Figure:
    """Return the detections at a false positive rate as a function of how often each sample counts.

    Parameters
    ----------
    scores : array-like of shape (n,), float64
        Higher means more likely positive.
    truth : array-like of shape (n,), bool
        Positive or not.
    max_fpr : float
        Share of negatives that may be called positive.

    Returns
    -------
    callable
        From multiplicities of shape (n_block, n) to rates of shape (n_block,); not-a-number without a class.

    Raises
    ------
    ValueError
        If there is no curve, or max_fpr is out of range.
    """
    if not 0.0 <= max_fpr <= 1.0:
        raise ValueError(f"a false positive rate lies in [0, 1], got {max_fpr}")
    points = _Points(scores, truth, max_fpr)

    def _tpr(weight: NDArray[np.int64]) -> NDArray[np.float64]:
        fpr, tpr = points.rates(weight)
        best = np.where(fpr <= max_fpr + 1e-12, tpr, 0.0).max(axis=1)
        return np.where(np.isnan(fpr[:, -1]) | np.isnan(tpr[:, -1]), np.nan, best)

    return _tpr


class _Points:
    """Operating points of weighted samples, from the strictest threshold to somewhat beyond `max_fpr`."""

    def __init__(self, scores: ArrayLike, truth: ArrayLike, max_fpr: float) -> None:
        values, positive = np.asarray(scores, dtype=np.float64), np.asarray(truth, dtype=bool)
        roc(values, positive)  # names what is no curve
        self.max_fpr = max_fpr
        self.order = np.argsort(-values, kind="stable")
        ordered = values[self.order]
        self.last = np.append(np.nonzero(ordered[1:] != ordered[:-1])[0], values.size - 1)
        self.is_positive = positive[self.order]
        self.positive, self.negative = np.nonzero(positive)[0], np.nonzero(~positive)[0]
        self.negative = self.negative[np.argsort(values[self.negative], kind="stable")]
        self.below = np.searchsorted(values[self.negative], values[self.positive], "left")
        self.up_to = np.searchsorted(values[self.negative], values[self.positive], "right")
        # Where few false positives are asked for, the rest of the scores counts in the totals alone.
        n_false = np.cumsum(~self.is_positive)[self.last]
        share = min(1.0, 2.0 * max_fpr + 6.0 / np.sqrt(self.negative.size))
        self.n_point = int(np.searchsorted(n_false, share * self.negative.size, "left")) + 1

    def area(self, weight: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the area under the whole curve: the weighted rank statistic."""
        hits = weight[:, self.positive]
        false = np.zeros((len(weight), self.negative.size + 1), dtype=np.int64)
        np.cumsum(weight[:, self.negative], axis=1, out=false[:, 1:])
        beaten = np.sum(hits * (false[:, self.below] + false[:, self.up_to]), axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            found: NDArray[np.float64] = 0.5 * beaten / (hits.sum(axis=1) * false[:, -1].astype(np.float64))
        return found

    def rates(self, weight: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return false and true positive rates; the first point is (0, 0)."""
        fpr, tpr = self._rates(weight, self.n_point)
        if self.n_point < self.last.size and not np.all(fpr[:, -1] > self.max_fpr):
            fpr, tpr = self._rates(weight, self.last.size)
        return fpr, tpr

    def _rates(
        self, weight: NDArray[np.int64], n_point: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        last = self.last[:n_point]
        n = int(last[-1]) + 1
        ordered = weight[:, self.order[:n]]
        everything = np.cumsum(ordered, axis=1)[:, last].astype(np.float64)
        ordered[:, ~self.is_positive[:n]] = 0
        hits = np.cumsum(ordered, axis=1)[:, last].astype(np.float64)
        n_positive = weight[:, self.positive].sum(axis=1, keepdims=True).astype(np.float64)
        n_negative = weight.sum(axis=1, keepdims=True) - n_positive
        start = np.zeros((len(weight), 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            fpr = np.concatenate([start, (everything - hits) / n_negative], axis=1)
            tpr = np.concatenate([start, hits / n_positive], axis=1)
        return fpr, tpr


def _interval(
    figure: Figure,
    truth: ArrayLike,
    parents: Sequence[Any] | NDArray[Any] | None,
    confidence: float,
    n_resample: int,
    seed: int,
    method: Method,
    *,
    is_share: bool = False,
) -> Estimate:
    positive = np.asarray(truth, dtype=bool)
    return bootstrap_weighted(
        figure,
        positive.size,
        parents,
        n_resample=n_resample,
        confidence=confidence,
        seed=seed,
        method=method,
        stratum=positive,
        is_share=is_share,
    )

"""Receiver operating characteristics: curve, areas and operating points.

Equal scores share a rank: they are one point of a curve, and none lies between. Intervals are in
:mod:`screening.evaluate.metrics.curve_intervals`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

__all__ = [
    "Det",
    "OperatingPoint",
    "Roc",
    "auc",
    "average_precision",
    "det",
    "partial_auc",
    "roc",
    "standardised_partial_auc",
    "tpr_at_fpr",
]


class Roc(NamedTuple):
    """Operating points of a score, from the strictest threshold to the laxest.

    Attributes
    ----------
    fpr, tpr : ndarray of shape (n_point,), float64
        False and true positive rates; the first point is (0, 0), the last (1, 1).
    threshold : ndarray of shape (n_point,), float64
        Scores at or above it are positive; the first is infinite.
    """

    fpr: NDArray[np.float64]
    tpr: NDArray[np.float64]
    threshold: NDArray[np.float64]


def roc(scores: ArrayLike, truth: ArrayLike) -> Roc:
    """Return the receiver operating characteristic of a score.

    Parameters
    ----------
    scores : array-like of shape (n,), float64
        Higher means more likely positive; equal scores share one point.
    truth : array-like of shape (n,), bool
        Positive or not.

    Returns
    -------
    Roc
        The curve.

    Raises
    ------
    ValueError
        If shapes differ, a score is not a number, or one of the classes is empty.
    """
    values, positive = np.asarray(scores, dtype=np.float64), np.asarray(truth, dtype=bool)
    if values.shape != positive.shape or values.ndim != 1:
        raise ValueError(f"scores {values.shape} and truth {positive.shape} need one shape (n,)")
    if np.isnan(values).any():
        raise ValueError(f"{int(np.isnan(values).sum())} scores are not a number")
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if n_positive == 0 or n_negative == 0:
        raise ValueError(f"a curve needs both classes, got {n_positive} positives and {n_negative} negatives")
    order = np.argsort(-values, kind="stable")
    values, positive = values[order], positive[order]
    last = np.append(np.nonzero(values[1:] != values[:-1])[0], values.size - 1)
    true_positives = np.cumsum(positive)[last]
    false_positives = last + 1 - true_positives
    return Roc(
        np.concatenate([[0.0], false_positives / n_negative]),
        np.concatenate([[0.0], true_positives / n_positive]),
        np.concatenate([[np.inf], values[last]]),
    )


def auc(curve: Roc) -> float:
    """Return the area under a curve.

    Parameters
    ----------
    curve : Roc
        The curve.

    Returns
    -------
    float
        0 to 1; the probability that a positive scores above a negative, ties counted half.
    """
    return float(np.sum(np.diff(curve.fpr) * 0.5 * (curve.tpr[1:] + curve.tpr[:-1])))


class Det(NamedTuple):
    """Detection error tradeoff: both errors, and where they lie on normal axes.

    Attributes
    ----------
    fpr, fnr : ndarray of shape (n_point,), float64
        False alarms and misses, from the strictest threshold to the laxest.
    threshold : ndarray of shape (n_point,), float64
        Scores at or above it are positive.
    x, y : ndarray of shape (n_point,), float64
        Normal quantiles of fpr and fnr; not-a-number where a rate is 0 or 1, which normal axes cannot show.
    """

    fpr: NDArray[np.float64]
    fnr: NDArray[np.float64]
    threshold: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]


class OperatingPoint(NamedTuple):
    """The laxest threshold that keeps a false positive rate.

    Attributes
    ----------
    tpr, fpr : float
        Rates there: fpr is at most the one asked.
    threshold : float
        Scores at or above it are positive; infinite where every threshold has too many false positives.
    """

    tpr: float
    fpr: float
    threshold: float


def partial_auc(curve: Roc, max_fpr: float) -> float:
    """Return the area under a curve up to a false positive rate.

    Parameters
    ----------
    curve : Roc
        The curve; between its points it is straight.
    max_fpr : float
        Above 0, at most 1.

    Returns
    -------
    float
        0 to max_fpr.

    Raises
    ------
    ValueError
        If max_fpr is out of range.
    """
    _check_fpr(max_fpr)
    stop = int(np.searchsorted(curve.fpr, max_fpr, "right"))
    at_end = np.interp(max_fpr, curve.fpr, curve.tpr) if stop < curve.fpr.size else curve.tpr[-1]
    x, y = np.append(curve.fpr[:stop], max_fpr), np.append(curve.tpr[:stop], at_end)
    return float(np.sum(np.diff(x) * 0.5 * (y[1:] + y[:-1])))


def standardised_partial_auc(area: float, max_fpr: float) -> float:
    """Return a partial area on the scale where 1/2 is chance and 1 is perfect.

    Parameters
    ----------
    area : float
        From :func:`partial_auc`.
    max_fpr : float
        Up to which it was taken.

    Returns
    -------
    float
        At most 1; below 1/2 for a curve below the diagonal.

    Raises
    ------
    ValueError
        If max_fpr is out of range.

    Notes
    -----
    McClish, Medical Decision Making 9 (1989) 190.
    """
    _check_fpr(max_fpr)
    least = 0.5 * max_fpr * max_fpr
    return 0.5 * (1.0 + (area - least) / (max_fpr - least))


def tpr_at_fpr(curve: Roc, max_fpr: float) -> OperatingPoint:
    """Return the operating point with the most detections at a false positive rate.

    Parameters
    ----------
    curve : Roc
        The curve.
    max_fpr : float
        At most this share of negatives may be called positive, 0 to 1.

    Returns
    -------
    OperatingPoint
        A point that some threshold reaches: nothing is drawn between points.

    Raises
    ------
    ValueError
        If max_fpr is out of range.
    """
    if not 0.0 <= max_fpr <= 1.0:
        raise ValueError(f"a false positive rate lies in [0, 1], got {max_fpr}")
    i = int(np.searchsorted(curve.fpr, max_fpr + 1e-12, "right")) - 1
    # Of points with the same detections, the strictest.
    i = int(np.searchsorted(curve.tpr[: i + 1], curve.tpr[i], "left"))
    return OperatingPoint(float(curve.tpr[i]), float(curve.fpr[i]), float(curve.threshold[i]))


def det(curve: Roc) -> Det:
    """Return the detection error tradeoff of a curve.

    Parameters
    ----------
    curve : Roc
        The curve.

    Returns
    -------
    Det
        The same points.

    Notes
    -----
    Martin et al., Proceedings of Eurospeech (1997) 1895.
    """
    fnr = 1.0 - curve.tpr

    def _normal(rate: NDArray[np.float64]) -> NDArray[np.float64]:
        inside = (rate > 0.0) & (rate < 1.0)
        return np.where(inside, special.ndtri(np.where(inside, rate, 0.5)), np.nan)

    return Det(curve.fpr, fnr, curve.threshold, _normal(curve.fpr), _normal(fnr))


def average_precision(scores: ArrayLike, truth: ArrayLike) -> float:
    """Return the mean precision over detections, without interpolation.

    Parameters
    ----------
    scores : array-like of shape (n,), float64
        Higher means more likely positive.
    truth : array-like of shape (n,), bool
        Positive or not.

    Returns
    -------
    float
        Sum over operating points of precision times the rise of recall.
    """
    positive = np.asarray(truth, dtype=bool)
    curve = roc(scores, positive)
    hits, alarms = curve.tpr * positive.sum(), curve.fpr * (~positive).sum()
    precision = hits[1:] / (hits[1:] + alarms[1:])
    return float(np.sum(np.diff(curve.tpr) * precision))


def _check_fpr(max_fpr: float) -> None:
    if not 0.0 < max_fpr <= 1.0:
        raise ValueError(f"a partial area needs a false positive rate in (0, 1], got {max_fpr}")

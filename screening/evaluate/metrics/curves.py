"""Receiver operating characteristics: curve, areas, operating points, with intervals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Roc", "auc", "roc"]


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
    last = np.append(np.nonzero(np.diff(values))[0], values.size - 1)
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

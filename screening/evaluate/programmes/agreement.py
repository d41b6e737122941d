"""How far two raters agree beyond chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from screening.evaluate.metrics.resampling import Estimate, bootstrap_weighted

__all__ = ["Agreement", "cohen_kappa"]


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """Agreement of two raters.

    Attributes
    ----------
    kappa : Estimate
        Cohen's kappa with its interval; None where both say the same of everything.
    n_agreed, n : int
        Items they agree on, and all.
    table : tuple of tuple of int
        Counts: row by the first rater, column by the second.
    """

    kappa: Estimate
    n_agreed: int
    n: int
    table: tuple[tuple[int, ...], ...]


def cohen_kappa(
    first: ArrayLike,
    second: ArrayLike,
    n_class: int,
    parents: Sequence[Any] | None = None,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> Agreement:
    """Return Cohen's kappa of two raters.

    Parameters
    ----------
    first, second : array-like of shape (n,), int
        Classes that each gave, 0 to n_class - 1.
    n_class : int
        Classes.
    parents : sequence of hashable, length n, optional
        What items share: the interval resamples these.
    confidence : float
        Of the interval.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Agreement
        Kappa, (p_o - p_e) / (1 - p_e), and the table.

    Raises
    ------
    ValueError
        If shapes differ, nothing is given, or a class is out of range.

    Notes
    -----
    Cohen, Educational and Psychological Measurement 20 (1960) 37.
    """
    a, b = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    if a.shape != b.shape or a.ndim != 1 or a.size == 0:
        raise ValueError(f"two raters of the same items are needed, got {a.shape} and {b.shape}")
    if min(a.min(), b.min()) < 0 or max(a.max(), b.max()) >= n_class:
        raise ValueError(f"classes are 0 to {n_class - 1}")
    cell = np.zeros((a.size, n_class * n_class))
    cell[np.arange(a.size), a * n_class + b] = 1.0

    def _kappa(weights: NDArray[np.int64]) -> NDArray[np.float64]:
        table = (weights @ cell).reshape(-1, n_class, n_class)
        total = table.sum(axis=(1, 2))
        observed = np.trace(table, axis1=1, axis2=2) / total
        expected = (table.sum(axis=2) * table.sum(axis=1)).sum(axis=1) / total**2
        left = 1.0 - expected
        found: NDArray[np.float64] = np.divide(
            observed - expected, left, out=np.full(total.size, np.nan), where=left > 1e-12
        )
        return found

    kappa = bootstrap_weighted(_kappa, a.size, parents, confidence=confidence, seed=seed)
    counts = cell.sum(axis=0).astype(np.int64).reshape(n_class, n_class)
    return Agreement(
        kappa=kappa,
        n_agreed=int(np.trace(counts)),
        n=int(a.size),
        table=tuple(tuple(int(one) for one in row) for row in counts),
    )

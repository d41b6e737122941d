"""AUROC as a count of won comparisons between parents, and its bootstrap."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["MIN_PARENTS", "N_BOOTSTRAP", "PairCounts", "count_pairs", "pair_auroc", "pair_interval", "summed"]

N_BOOTSTRAP = 2000

#: With fewer parents in a set there is no interval (docs/evaluate.md).
MIN_PARENTS = 5


class PairCounts(NamedTuple):
    """Comparisons of patches, by parent.

    Attributes
    ----------
    won : ndarray of shape (n_parent, n_parent), float64
        Comparisons in which the patch of the second set scores higher, ties half; rows are parents of the
        first set.
    total : ndarray of shape (n_parent, n_parent), float64
        All comparisons.
    """

    won: NDArray[np.float64]
    total: NDArray[np.float64]


def count_pairs(
    score: NDArray[np.floating],
    fold: NDArray[np.int64],
    parent: NDArray[np.int64],
    is_second: NDArray[np.bool_],
) -> PairCounts:
    """Compare every patch of the first set with every patch of the second in its fold.

    Parameters
    ----------
    score : ndarray of shape (n,)
        Score of each patch; NaN takes no part.
    fold : ndarray of shape (n,)
        Only scores of one fold are compared.
    parent : ndarray of shape (n,)
        Parent of each patch, numbered from 0.
    is_second : ndarray of shape (n,), bool
        Which set it is of.

    Returns
    -------
    PairCounts
        Counts by parents.
    """
    n = int(parent.max()) + 1 if parent.size else 0
    won, total = np.zeros((n, n)), np.zeros((n, n))
    known = np.isfinite(score)
    for k in np.unique(fold):
        first = np.flatnonzero((fold == k) & ~is_second & known)
        second = np.flatnonzero((fold == k) & is_second & known)
        for a in np.unique(parent[first]):
            mine = np.sort(score[first[parent[first] == a]])
            below = np.searchsorted(mine, score[second], side="left")
            not_above = np.searchsorted(mine, score[second], side="right")
            won[a] += np.bincount(parent[second], weights=(below + not_above) / 2.0, minlength=n)
            total[a] += mine.size * np.bincount(parent[second], minlength=n)
    return PairCounts(won, total)


def summed(counts: Iterable[PairCounts]) -> PairCounts:
    """Return counts of several cross-validations together.

    Parameters
    ----------
    counts : iterable of PairCounts
        At least one, all over the same parents.

    Returns
    -------
    PairCounts
        Their sums.
    """
    won, total = zip(*counts, strict=True)
    return PairCounts(np.sum(won, axis=0), np.sum(total, axis=0))


def pair_auroc(counts: PairCounts) -> float:
    """Return the share of comparisons won.

    Parameters
    ----------
    counts : PairCounts
        Comparisons.

    Returns
    -------
    float
        The AUROC; NaN without any comparison.
    """
    total = counts.total.sum()
    return float(counts.won.sum() / total) if total else float("nan")


def pair_interval(
    counts: PairCounts,
    parent: NDArray[np.int64],
    is_second: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[float | None, float | None]:
    """Return the 95 % interval of an AUROC, by a bootstrap over the parents of both sets.

    Parameters
    ----------
    counts : PairCounts
        Comparisons.
    parent, is_second : ndarray of shape (n,)
        Parent and set of each patch.
    rng : numpy.random.Generator
        Draws of the bootstrap.

    Returns
    -------
    tuple of float or None
        Low and high end; None with fewer than 5 parents in a set.
    """
    sides = [np.unique(parent[is_second == which]) for which in (False, True)]
    if min(side.size for side in sides) < MIN_PARENTS:
        return None, None
    won, total = (matrix[np.ix_(*sides)] for matrix in counts)
    drawn = [
        rng.multinomial(n, np.full(n, 1.0 / n), size=N_BOOTSTRAP) for n in (sides[0].size, sides[1].size)
    ]
    weight = ((drawn[0] @ total) * drawn[1]).sum(axis=1)
    values = ((drawn[0] @ won) * drawn[1]).sum(axis=1)[weight > 0] / weight[weight > 0]
    if not values.size:
        return None, None
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)

"""Draws and the parents they share, and how often each is in a resample.

Parents are drawn first, with replacement. Of each parent drawn, all its draws are kept: Davison and Hinkley,
Bootstrap Methods and their Application (1997), section 3.8, strategy 1. Drawing again with replacement
within each parent (their strategy 2, here ``draws="resampled"``) counts the spread within parents twice:
its 95 % intervals cover 98 to 99 % where draws of a parent are alike by little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Clusters", "Draws", "clusters_of", "jackknife_blocks", "resampled_sums", "weight_blocks"]

Draws = Literal["kept", "resampled"]

#: Jackknife groups behind the acceleration of BCa: more change it by little.
MAX_JACKKNIFE = 200
#: Cells of a block of weights: blocks stay in the processor's cache.
BLOCK_CELLS = 250_000


class Clusters(NamedTuple):
    """Which draw comes from which parent.

    Attributes
    ----------
    code : ndarray of shape (n,), int64
        Parent of each draw, 0 to n_parent - 1, in the order of their first draws.
    n_parent : int
        How many there are.
    stratum : ndarray of shape (n_parent,), int64
        Parents are drawn within their stratum, so that each keeps its number of parents.
    """

    code: NDArray[np.int64]
    n_parent: int
    stratum: NDArray[np.int64]

    @property
    def is_independent(self) -> bool:
        """Whether every draw has a parent of its own."""
        return self.n_parent == self.code.size


def clusters_of(
    parents: Sequence[Any] | NDArray[Any] | None, n: int, *, stratum: ArrayLike | None = None
) -> Clusters:
    """Return the parents as numbers.

    Parameters
    ----------
    parents : sequence of hashable, length n, optional
        What each draw comes from; None: each from its own.
    n : int
        Draws.
    stratum : array-like of shape (n,), int, optional
        Of each draw; a parent with draws of several strata is of the stratum of that combination.

    Returns
    -------
    Clusters
        The parents.

    Raises
    ------
    ValueError
        If there are not n of them.
    """
    if parents is None:
        code, n_parent = np.arange(n, dtype=np.int64), n
    else:
        if len(parents) != n:
            raise ValueError(f"{len(parents)} parents for {n} draws")
        names = parents.tolist() if isinstance(parents, np.ndarray) else parents
        numbers: dict[Any, int] = {}
        code = np.fromiter((numbers.setdefault(name, len(numbers)) for name in names), np.int64, n)
        n_parent = len(numbers)
    strata = np.zeros(n_parent, dtype=np.int64)
    if stratum is not None:
        _, number = np.unique(np.asarray(stratum), return_inverse=True)
        if number.shape != (n,):
            raise ValueError(f"strata of shape {number.shape} for {n} draws")
        has = np.zeros((n_parent, int(number.max(initial=0)) + 1), dtype=bool)
        has[code, number] = True
        _, strata = np.unique(has, axis=0, return_inverse=True)
        strata = np.asarray(strata, dtype=np.int64).reshape(n_parent)
    return Clusters(code, n_parent, strata)


def weight_blocks(
    clusters: Clusters, n_resample: int, *, seed: int = 0, draws: Draws = "kept"
) -> Iterator[NDArray[np.int64]]:
    """Yield how often each draw is in each resample, in blocks of bounded size.

    Parameters
    ----------
    clusters : Clusters
        The parents.
    n_resample : int
        How many resamples.
    seed : int
        Of the random numbers.
    draws : {"kept", "resampled"}
        Whether all draws of a parent drawn are kept, or as many drawn again from it.

    Yields
    ------
    ndarray of shape (n_block, n), int64
        Multiplicities; the same for one seed.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 1]))
    for weight in _parent_weights(clusters, n_resample, seed=seed):
        if draws == "kept":
            yield weight if _is_plain(clusters) else weight[:, clusters.code]
        else:
            yield _within(weight, clusters, rng)


def resampled_sums(
    values: NDArray[Any],
    parents: Sequence[Any] | NDArray[Any] | None = None,
    *,
    n_resample: int = 2000,
    seed: int = 0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return sums over draws, and numbers of draws, for resamples of the parents.

    Parameters
    ----------
    values : ndarray of shape (n, ...)
        One row per draw.
    parents : sequence of hashable, length n, optional
        What each draw comes from.
    n_resample : int
        How many.
    seed : int
        Of the random numbers.

    Returns
    -------
    sums : ndarray of shape (n_resample, ...), float64
        Over the draws of each resample.
    n : ndarray of shape (n_resample,), float64
        Draws in each.
    """
    clusters = clusters_of(parents, len(values))
    flat = np.asarray(values, dtype=np.float64).reshape(len(values), -1)
    table = np.zeros((clusters.n_parent, flat.shape[1] + 1))
    np.add.at(table, clusters.code, np.column_stack([flat, np.ones(len(flat))]))
    found = np.concatenate([w @ table for w in _parent_weights(clusters, n_resample, seed=seed)])
    return found[:, :-1].reshape(n_resample, *np.shape(values)[1:]), found[:, -1]


def jackknife_blocks(clusters: Clusters) -> Iterator[NDArray[np.int64]]:
    """Yield multiplicities of the draws without each group of parents, in blocks of bounded size.

    Parameters
    ----------
    clusters : Clusters
        The parents; with more than 200 of them several are left out together.

    Yields
    ------
    ndarray of shape (n_block, n), int64
        0 or 1.
    """
    n_group = min(clusters.n_parent, MAX_JACKKNIFE)
    group = (np.arange(clusters.n_parent) % n_group)[clusters.code]
    n_block = max(1, BLOCK_CELLS // max(clusters.code.size, 1))
    for start in range(0, n_group, n_block):
        left_out = np.arange(start, min(start + n_block, n_group))
        yield np.asarray(group != left_out[:, None], dtype=np.int64)


def _is_plain(clusters: Clusters) -> bool:
    return clusters.is_independent and bool(np.all(np.diff(clusters.code) == 1))


def _parent_weights(clusters: Clusters, n_resample: int, *, seed: int) -> Iterator[NDArray[np.int64]]:
    n = clusters.n_parent
    members = [np.nonzero(clusters.stratum == s)[0] for s in np.unique(clusters.stratum)]
    streams = np.random.SeedSequence(seed).spawn(len(members))
    rngs = [np.random.default_rng(stream) for stream in streams]
    n_block = max(1, BLOCK_CELLS // max(clusters.code.size, 1))
    for start in range(0, n_resample, n_block):
        size = min(n_block, n_resample - start)
        weight = np.zeros((size, n), dtype=np.int64)
        for rng, member in zip(rngs, members, strict=True):
            drawn = rng.integers(0, member.size, (size, member.size))
            drawn += np.arange(size)[:, None] * member.size
            counted = np.bincount(drawn.ravel(), minlength=size * member.size)
            weight[:, member] = counted.reshape(size, member.size)
        yield weight


def _within(weight: NDArray[np.int64], clusters: Clusters, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return multiplicities of draws taken again from each parent drawn."""
    found = np.empty((weight.shape[0], clusters.code.size), dtype=np.int64)
    order = np.argsort(clusters.code, kind="stable")
    for parent, member in enumerate(np.split(order, np.cumsum(np.bincount(clusters.code))[:-1])):
        n = weight[:, parent] * member.size
        found[:, member] = rng.multinomial(n, np.full(member.size, 1.0 / member.size))
    return found

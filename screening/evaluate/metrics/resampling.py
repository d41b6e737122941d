"""Bootstrap over parents: what shares a parent is drawn together.

Parents are drawn first, with replacement. Of each parent drawn, all its draws are kept: Davison and Hinkley,
Bootstrap Methods and their Application (1997), section 3.8, strategy 1. Drawing again with replacement
within each parent (their strategy 2, here ``draws="resampled"``) counts the spread within parents twice:
its 95 % intervals cover 98 to 99 % where draws of a parent are alike by little.

Percentile intervals are too short with few parents. ``"expanded"`` takes the quantiles further out by
Student's t and sqrt(n / (n - 1)): Hesterberg, The American Statistician 69 (2015) 371.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from screening.evaluate.metrics.exact import MIN_PARENTS, Interval, clopper_pearson, tail

__all__ = [
    "Clusters",
    "Estimate",
    "bootstrap",
    "bootstrap_interval",
    "bootstrap_weighted",
    "clusters_of",
    "interval_of",
    "resampled_sums",
    "weight_blocks",
]

Method = Literal["percentile", "expanded", "reflected", "bca"]
Draws = Literal["kept", "resampled"]

#: Above this share of resamples without a value there is no interval.
MAX_UNDEFINED = 0.05
#: Jackknife groups behind the acceleration of BCa: more change it by little.
MAX_JACKKNIFE = 200
#: Cells of a block of weights: blocks stay in the processor's cache.
BLOCK_CELLS = 250_000


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A number with its bootstrap interval.

    Attributes
    ----------
    value : float or None
        Of the data as they are; None where it is not defined.
    low, high : float or None
        Interval; None where there is none, with the reason in `method`.
    confidence : float
        Of the interval.
    n, n_parent : int
        Draws, and parents they come from.
    n_undefined : int
        Resamples for which the statistic had no value.
    method : str
        "bootstrap over 40 parents", "clopper-pearson over 5 parents", "none: 3 parents, 5 needed".
    """

    value: float | None
    low: float | None
    high: float | None
    confidence: float = 0.95
    n: int = 0
    n_parent: int = 0
    n_undefined: int = 0
    method: str = ""


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


def bootstrap_weighted(
    statistic: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    n: int,
    parents: Sequence[Any] | NDArray[Any] | None = None,
    *,
    n_resample: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
    method: Method = "expanded",
    draws: Draws = "kept",
    stratum: ArrayLike | None = None,
    is_share: bool = False,
) -> Estimate:
    """Return a statistic of weighted draws with its interval, many resamples at once.

    Parameters
    ----------
    statistic : callable
        From multiplicities of shape (n_block, n) to numbers of shape (n_block,); not-a-number where it has
        no value.
    n : int
        Draws.
    parents : sequence of hashable, length n, optional
        What each comes from.
    n_resample : int
        How many resamples.
    confidence : float
        Coverage.
    seed : int
        Of the random numbers.
    method : {"percentile", "expanded", "reflected", "bca"}
        Quantiles as they are; those for few parents; those, reflected about the value (the basic bootstrap,
        Davison and Hinkley, section 5.2); or corrected for bias and skewness (Efron, JASA 82 (1987) 171),
        for few parents too.
    draws : {"kept", "resampled"}
        See the head of this file.
    stratum : array-like of shape (n,), int, optional
        Parents are drawn within it.
    is_share : bool
        Whether the statistic is a share of trials: where all outcomes are equal (0 or 1) the bounds are
        then the exact ones with one trial per parent.

    Returns
    -------
    Estimate
        The number.
    """
    clusters = clusters_of(parents, n, stratum=stratum)
    value = float(statistic(np.ones((1, n), dtype=np.int64))[0]) if n else np.nan
    if clusters.n_parent < MIN_PARENTS or not np.isfinite(value):
        return interval_of(value, np.empty(0), clusters, confidence=confidence)
    found = np.concatenate(
        [statistic(weight) for weight in weight_blocks(clusters, n_resample, seed=seed, draws=draws)]
    )
    left_out = None
    if method == "bca":
        left_out = np.concatenate([statistic(weight) for weight in _jackknife_blocks(clusters)])
    return interval_of(
        value, found, clusters, confidence=confidence, method=method, left_out=left_out, is_share=is_share
    )


def bootstrap(
    statistic: Callable[..., Any],
    arrays: NDArray[Any] | Sequence[NDArray[Any]],
    parents: Sequence[Any] | NDArray[Any] | None = None,
    *,
    n_resample: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
    method: Method = "expanded",
    draws: Draws = "kept",
    stratum: ArrayLike | None = None,
    is_share: bool = False,
) -> Estimate:
    """Return any statistic of arrays with its interval, one resample after the other.

    Parameters
    ----------
    statistic : callable
        From the arrays, rows drawn alike, to one number; not-a-number where it has no value. Given
        ``numpy.arange(n)`` it is a statistic of indices.
    arrays : ndarray of shape (n, ...) or sequence of such
        One row per draw.
    parents : sequence of hashable, length n, optional
        What each draw comes from; None: each from its own.
    n_resample : int
        How many resamples.
    confidence : float
        Coverage.
    seed : int
        Of the random numbers.
    method : {"percentile", "expanded", "reflected", "bca"}
        As for :func:`bootstrap_weighted`.
    draws : {"kept", "resampled"}
        See the head of this file.
    stratum : array-like of shape (n,), int, optional
        Parents are drawn within it.
    is_share : bool
        As for :func:`bootstrap_weighted`.

    Returns
    -------
    Estimate
        The number.

    Raises
    ------
    ValueError
        If the arrays have no common first axis.
    """
    rows = [np.asarray(arrays)] if isinstance(arrays, np.ndarray) else [np.asarray(a) for a in arrays]
    lengths = {len(a) for a in rows}
    if len(lengths) != 1:
        raise ValueError(f"arrays of {sorted(lengths)} rows have no common first axis")
    n = lengths.pop()

    def _one_by_one(weights: NDArray[np.int64]) -> NDArray[np.float64]:
        index = np.arange(n)
        taken = (np.repeat(index, weight) for weight in weights)
        return np.array([float(statistic(*(a[i] for a in rows))) for i in taken])

    return bootstrap_weighted(
        _one_by_one,
        n,
        parents,
        n_resample=n_resample,
        confidence=confidence,
        seed=seed,
        method=method,
        draws=draws,
        stratum=stratum,
        is_share=is_share,
    )


def bootstrap_interval(
    values: NDArray[np.float64],
    parents: Sequence[str],
    statistic: Callable[[NDArray[np.float64]], Any],
    *,
    n_resample: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return the interval of a statistic of one array by resampling its parents.

    Parameters
    ----------
    values : ndarray of shape (n,), float64
        One value per draw.
    parents : sequence of str, length n
        What each was drawn from.
    statistic : callable
        From values to one number.
    n_resample : int
        How many resamples.
    confidence : float
        Coverage.
    seed : int
        Of the random numbers.

    Returns
    -------
    Interval
        The interval.

    Raises
    ------
    ValueError
        If there is none: too few parents, or equal values.
    """
    found = bootstrap(statistic, values, parents, n_resample=n_resample, confidence=confidence, seed=seed)
    if found.low is None or found.high is None:
        raise ValueError(f"no interval: {found.method}")
    return Interval(found.low, found.high)


def interval_of(
    value: float,
    resampled: NDArray[np.float64],
    clusters: Clusters,
    *,
    confidence: float = 0.95,
    method: Method = "expanded",
    left_out: NDArray[np.float64] | None = None,
    is_share: bool = False,
) -> Estimate:
    """Return the interval of values that were resampled.

    Parameters
    ----------
    value : float
        Of the data as they are.
    resampled : ndarray of shape (n_resample,), float64
        Of the resamples; not-a-number where undefined.
    clusters : Clusters
        The parents.
    confidence : float
        Coverage.
    method : {"percentile", "expanded", "reflected", "bca"}
        As for :func:`bootstrap_weighted`.
    left_out : ndarray of shape (n_group,), float64, optional
        The statistic without each group of parents; needed by "bca".
    is_share : bool
        As for :func:`bootstrap_weighted`.

    Returns
    -------
    Estimate
        The number.
    """
    error = tail(confidence)
    n, n_parent = clusters.code.size, clusters.n_parent
    undefined = int(np.isnan(resampled).sum())

    def _estimate(bounds: Interval | None, how: str) -> Estimate:
        low, high = bounds if bounds is not None else (None, None)
        return Estimate(
            value=value if np.isfinite(value) else None,
            low=low,
            high=high,
            confidence=confidence,
            n=n,
            n_parent=n_parent,
            n_undefined=undefined,
            method=how,
        )

    if not np.isfinite(value):
        return _estimate(None, "none: no value")
    if n_parent < MIN_PARENTS:
        return _estimate(None, f"none: {n_parent} parents, {MIN_PARENTS} needed")
    if undefined > MAX_UNDEFINED * resampled.size:
        return _estimate(None, f"none: {undefined} of {resampled.size} resamples without a value")
    found = np.sort(resampled[~np.isnan(resampled)])
    if found[0] == found[-1]:
        if is_share and value in (0.0, 1.0):
            exact = clopper_pearson(n_parent * value, n_parent, confidence=confidence)
            return _estimate(exact, f"clopper-pearson over {n_parent} parents")
        return _estimate(None, "none: all resamples equal")
    quantile = np.array([error, 1.0 - error])
    if method != "percentile":
        t = stats.t.ppf(quantile, n_parent - 1) * np.sqrt(n_parent / (n_parent - 1))
        quantile = special.ndtr(t)
    if method == "bca":
        quantile = _bca(quantile, value, found, left_out)
    low, high = np.quantile(found, quantile)
    if method == "reflected":
        low, high = 2.0 * value - high, 2.0 * value - low
    how = "bootstrap" if clusters.is_independent else f"bootstrap over {n_parent} parents"
    if method == "bca":
        how = f"BCa {how}"
    if undefined:
        how += f", {undefined} of {resampled.size} resamples without a value"
    return _estimate(Interval(float(low), float(high)), how)


def _bca(
    quantile: NDArray[np.float64],
    value: float,
    found: NDArray[np.float64],
    left_out: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """Return the quantiles corrected for bias and skewness."""
    if left_out is None:
        raise ValueError("BCa needs the statistic without each group of parents")
    below = (np.sum(found < value) + 0.5 * np.sum(found == value)) / found.size
    z0 = special.ndtri(np.clip(below, 0.5 / found.size, 1.0 - 0.5 / found.size))
    d = np.mean(left_out) - left_out
    scale = np.sum(d * d) ** 1.5
    a = np.sum(d**3) / (6.0 * scale) if scale > 0 else 0.0
    z = z0 + special.ndtri(quantile)
    corrected: NDArray[np.float64] = special.ndtr(z0 + z / np.maximum(1.0 - a * z, 1e-3))
    return corrected


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


def _jackknife_blocks(clusters: Clusters) -> Iterator[NDArray[np.int64]]:
    """Yield multiplicities of the draws without each group of parents."""
    n_group = min(clusters.n_parent, MAX_JACKKNIFE)
    group = (np.arange(clusters.n_parent) % n_group)[clusters.code]
    n_block = max(1, BLOCK_CELLS // max(clusters.code.size, 1))
    for start in range(0, n_group, n_block):
        left_out = np.arange(start, min(start + n_block, n_group))
        yield np.asarray(group != left_out[:, None], dtype=np.int64)

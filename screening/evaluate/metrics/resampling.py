"""Bootstrap over parents: what shares a parent is drawn together.

How parents and draws are drawn is told in :mod:`screening.evaluate.metrics.clusters`.

Percentile intervals are too short with few parents. ``"expanded"`` takes the quantiles further out by
Student's t and sqrt(n / (n - 1)): Hesterberg, The American Statistician 69 (2015) 371.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from screening.evaluate.metrics.clusters import (
    Clusters,
    Draws,
    clusters_of,
    jackknife_blocks,
    resampled_sums,
    weight_blocks,
)
from screening.evaluate.metrics.exact import MIN_PARENTS, Interval, clopper_pearson, tail

__all__ = [
    "Clusters",
    "Draws",
    "Estimate",
    "bootstrap",
    "bootstrap_interval",
    "bootstrap_weighted",
    "clusters_of",
    "interval_of",
    "resampled_sums",
    "weight_blocks",
]

Method = Literal["percentile", "expanded", "reflected", "logit", "bca"]

#: Above this share of resamples without a value there is no interval.
MAX_UNDEFINED = 0.05


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
    method : {"percentile", "expanded", "reflected", "logit", "bca"}
        Quantiles as they are; those for few parents; those, reflected about the value (the basic bootstrap,
        Davison and Hinkley, section 5.2), as it is or, for figures from 0 to 1, by its logit; or corrected
        for bias and skewness (Efron, JASA 82 (1987) 171), for few parents too.
    draws : {"kept", "resampled"}
        As for :func:`screening.evaluate.metrics.clusters.weight_blocks`.
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
        left_out = np.concatenate([statistic(weight) for weight in jackknife_blocks(clusters)])
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
    method : {"percentile", "expanded", "reflected", "logit", "bca"}
        As for :func:`bootstrap_weighted`.
    draws : {"kept", "resampled"}
        As for :func:`screening.evaluate.metrics.clusters.weight_blocks`.
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
    method : {"percentile", "expanded", "reflected", "logit", "bca"}
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
    if method == "logit" and 0.0 < value < 1.0:  # at 0 and 1 there is nothing to reflect about
        margin = 0.5 / n_parent
        down, middle, up = special.logit(np.clip([low, value, high], margin, 1.0 - margin))
        low, high = special.expit([2.0 * middle - up, 2.0 * middle - down])
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

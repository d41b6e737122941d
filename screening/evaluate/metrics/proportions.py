"""Shares and rates with exact intervals, or with intervals over parents.

Every figure comes with how many trials it rests on; an accuracy without its answer rate says nothing,
because always answering UNKNOWN would pass nearly everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from screening.evaluate.metrics.curves import Roc, auc, roc
from screening.evaluate.metrics.exact import MIN_PARENTS, Interval, clopper_pearson, garwood, tail
from screening.evaluate.metrics.resampling import Clusters, bootstrap_interval, clusters_of

__all__ = [
    "MIN_PARENTS",
    "Interval",
    "Proportion",
    "Rate",
    "Roc",
    "auc",
    "bootstrap_interval",
    "clopper_pearson",
    "garwood",
    "proportion",
    "rate",
    "roc",
]

N_RESAMPLE = 2000
#: With fewer parents than this on the rarer outcome's side a bootstrap of a share is too short.
MIN_RARE_PARENTS = 10
#: Up to this many kinds of parents (successes, draws) resamples are drawn by kind.
MAX_KINDS = 200


class Proportion(msgspec.Struct, frozen=True, kw_only=True):
    """A share of trials.

    Attributes
    ----------
    k, n : int
        Successes and trials.
    value : float or None
        k / n; None without trials.
    low, high : float or None
        Interval; None without trials, or where draws share too few parents.
    confidence : float
        Of the interval.
    method : str
        "clopper-pearson" (independent trials), "bootstrap over 40 parents", "clopper-pearson over 5
        parents" or with effective trials, or "none" with the reason.
    """

    k: int
    n: int
    value: float | None
    low: float | None
    high: float | None
    confidence: float = 0.95
    method: str = "clopper-pearson"


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Events per exposure.

    Attributes
    ----------
    n : int
        Events.
    exposure : float
        In `unit`.
    unit : str
        "hour" or "occupancy".
    value : float or None
        n / exposure.
    low, high : float or None
        Garwood's interval.
    confidence : float
        Of the interval.
    """

    n: int
    exposure: float
    unit: str
    value: float | None
    low: float | None
    high: float | None
    confidence: float = 0.95


def proportion(
    successes: ArrayLike,
    parents: Sequence[Any] | None = None,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> Proportion:
    """Return a share with the interval its trials allow.

    Parameters
    ----------
    successes : array-like of shape (n_trial,), bool
        Outcomes.
    parents : sequence of hashable, optional
        What each trial was drawn from. Trials that share a parent are not independent: the interval
        is then a bootstrap over parents, and there is none with fewer than `MIN_PARENTS`.
    confidence : float
        Coverage.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Proportion
        The share.

    Notes
    -----
    Where one outcome is rare (in fewer than 10 parents) the bootstrap is too short, and the bounds are
    those of Clopper and Pearson for the effective number of trials: Korn and Graubard, Survey Methodology
    24 (1998) 193. Where all outcomes are equal each parent counts as one trial.
    """
    hits = np.asarray(successes, dtype=bool)
    k, n = int(hits.sum()), int(hits.size)
    if n == 0:
        return Proportion(
            k=0, n=0, value=None, low=None, high=None, confidence=confidence, method="none: no trials"
        )
    clusters = clusters_of(parents if parents is not None and len(parents) else None, n)
    n_parent = clusters.n_parent
    method = "clopper-pearson"
    bounds: Interval | None
    if clusters.is_independent:
        bounds = clopper_pearson(k, n, confidence=confidence)
    elif n_parent < MIN_PARENTS:
        bounds, method = None, f"none: {n_parent} parents, {MIN_PARENTS} needed"
    else:
        bounds, method = _over_parents(hits, clusters, confidence, seed)
    low, high = bounds if bounds is not None else (None, None)
    return Proportion(k=k, n=n, value=k / n, low=low, high=high, confidence=confidence, method=method)


def rate(n: int, exposure: float, unit: str, *, confidence: float = 0.95) -> Rate:
    """Return a rate of events with Garwood's interval.

    Parameters
    ----------
    n : int
        Events.
    exposure : float
        How much of `unit` was watched; 0 gives no rate.
    unit : str
        "hour" or "occupancy"; the two are never converted into each other.
    confidence : float
        Of the interval.

    Returns
    -------
    Rate
        The rate.
    """
    if not exposure > 0:
        return Rate(n=n, exposure=exposure, unit=unit, value=None, low=None, high=None, confidence=confidence)
    low, high = garwood(n, confidence=confidence)
    return Rate(
        n=n,
        exposure=exposure,
        unit=unit,
        value=n / exposure,
        low=low / exposure,
        high=high / exposure,
        confidence=confidence,
    )


def _over_parents(
    hits: NDArray[np.bool_], clusters: Clusters, confidence: float, seed: int
) -> tuple[Interval, str]:
    n_parent = clusters.n_parent
    size = np.bincount(clusters.code, minlength=n_parent)
    k = np.bincount(clusters.code, weights=hits, minlength=n_parent).astype(np.int64)
    n, total = int(size.sum()), int(k.sum())
    if total in (0, n):  # a bootstrap of equal outcomes has no width: count the parents as trials instead
        bounds = clopper_pearson(n_parent if total else 0, n_parent, confidence=confidence)
        return bounds, f"clopper-pearson over {n_parent} parents"
    if min(np.count_nonzero(k), np.count_nonzero(k < size)) < MIN_RARE_PARENTS:
        return _effective(k, size, confidence)
    found = _resampled_shares(k, size, seed)
    if np.ptp(found) == 0:  # all parents alike, which no resample shows to be chance
        return _effective(k, size, confidence)
    error = tail(confidence)
    spread = stats.t.ppf(1.0 - error, n_parent - 1) * np.sqrt(n_parent / (n_parent - 1))
    low, high = np.quantile(found, special.ndtr([-spread, spread]))
    return Interval(float(low), float(high)), f"bootstrap over {n_parent} parents"


def _effective(k: NDArray[np.int64], size: NDArray[np.int64], confidence: float) -> tuple[Interval, str]:
    """Return the exact bounds for as many independent trials as have the variance of these."""
    n_parent, n, total = size.size, int(size.sum()), int(k.sum())
    share = total / n
    variance = np.sum((k - size * share) ** 2) * n_parent / (n_parent - 1) / n**2
    error = tail(confidence)
    quantiles = stats.t.ppf(error, n - 1) / stats.t.ppf(error, n_parent - 1)
    n_effective = share * (1.0 - share) / variance * quantiles**2 if variance > 0 else float(n)
    n_effective = float(np.clip(n_effective, 1.0, n))
    bounds = clopper_pearson(share * n_effective, n_effective, confidence=confidence)
    return bounds, f"clopper-pearson with {n_effective:.0f} effective trials, {n_parent} parents"


def _resampled_shares(k: NDArray[np.int64], size: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """Return the share of resamples of parents.

    Parents alike in successes and draws are one kind; how often each kind is drawn is multinomial, which
    is the same as drawing parents one by one and takes no time for ten thousand of them.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    kinds, n_of_kind = np.unique(np.column_stack([k, size]), axis=0, return_counts=True)
    if len(kinds) <= MAX_KINDS:
        weight = rng.multinomial(k.size, n_of_kind / k.size, N_RESAMPLE)
        sums = weight @ kinds
    else:
        pairs, n_block = np.column_stack([k, size]), max(1, 2_000_000 // k.size)
        sums = np.concatenate(
            [
                pairs[rng.integers(0, k.size, (min(n_block, N_RESAMPLE - i), k.size))].sum(axis=1)
                for i in range(0, N_RESAMPLE, n_block)
            ]
        )
    shares: NDArray[np.float64] = sums[:, 0] / sums[:, 1]
    return shares

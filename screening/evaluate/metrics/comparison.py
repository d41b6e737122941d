"""Two detectors on the same samples: paired tests, effects with intervals, and what may be said of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from screening.evaluate.metrics.exact import MIN_PARENTS, Interval, tail
from screening.evaluate.metrics.resampling import Draws, Estimate, bootstrap_weighted, clusters_of

__all__ = [
    "DelongResult",
    "Paired",
    "Verdict",
    "delong",
    "delong_covariance",
    "holm",
    "mcnemar",
    "newcombe_paired",
    "paired_bootstrap",
    "paired_shares",
    "verdict",
]

Verdict = Literal["a is better", "b is better", "not distinguishable", "not tested"]
Exactness = Literal["exact", "mid-p"]


class Paired(msgspec.Struct, frozen=True, kw_only=True):
    """What a paired comparison found.

    Attributes
    ----------
    effect : float or None
        a - b.
    low, high : float or None
        Its interval.
    p : float or None
        Two-sided p-value; None where there is no test, with the reason in `test`.
    n : int
        Samples compared.
    test : str
        "McNemar, exact", "DeLong", "bootstrap over 40 parents", "none: 3 parents, 5 needed".
    n_only_a, n_only_b : int
        Samples that only one of them got right, where outcomes are right or wrong.
    """

    effect: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int
    test: str
    n_only_a: int = 0
    n_only_b: int = 0


class DelongResult(NamedTuple):
    """Areas under curves of several scores on the same samples.

    Attributes
    ----------
    area : ndarray of shape (n_score,), float64
        Areas.
    covariance : ndarray of shape (n_score, n_score), float64
        Of the areas.
    """

    area: NDArray[np.float64]
    covariance: NDArray[np.float64]


def mcnemar(n_only_a: int, n_only_b: int, *, exactness: Exactness = "exact") -> float:
    """Return the two-sided p-value of McNemar's test.

    Parameters
    ----------
    n_only_a, n_only_b : int
        Samples that only a, or only b, got right.
    exactness : {"exact", "mid-p"}
        Binomial; or with half the probability of the outcome itself, which is less conservative.

    Returns
    -------
    float
        1 when there is nothing on which they differ.

    Raises
    ------
    ValueError
        If a number is negative.

    Notes
    -----
    McNemar, Psychometrika 12 (1947) 153; Fagerland, Lydersen and Laake, BMC Medical Research Methodology 13
    (2013) 91.
    """
    if n_only_a < 0 or n_only_b < 0:
        raise ValueError(f"{n_only_a} and {n_only_b} samples")
    n, fewer = n_only_a + n_only_b, min(n_only_a, n_only_b)
    if n == 0:
        return 1.0
    p = 2.0 * float(stats.binom.cdf(fewer, n, 0.5))
    if exactness == "mid-p":
        p -= float(stats.binom.pmf(fewer, n, 0.5))
    return min(1.0, p)


def newcombe_paired(
    both: int, only_a: int, only_b: int, neither: int, *, confidence: float = 0.95
) -> Interval:
    """Return the interval of the difference of two paired shares.

    Parameters
    ----------
    both, only_a, only_b, neither : int
        Samples by who got them right.
    confidence : float
        Coverage.

    Returns
    -------
    Interval
        Of share a less share b.

    Raises
    ------
    ValueError
        If there are no samples or a number is negative.

    Notes
    -----
    Newcombe, Statistics in Medicine 17 (1998) 2635, method 10: Wilson's intervals of both shares, joined by
    their correlation, corrected for continuity.
    """
    n = both + only_a + only_b + neither
    if min(both, only_a, only_b, neither) < 0 or n < 1:
        raise ValueError(f"{both}, {only_a}, {only_b} and {neither} samples")
    p1, p2 = (both + only_a) / n, (both + only_b) / n
    low1, high1 = _wilson(both + only_a, n, confidence)
    low2, high2 = _wilson(both + only_b, n, confidence)
    margins = float(both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    product = float(both) * neither - float(only_a) * only_b
    if product > 0:
        product = max(product - n / 2.0, 0.0)
    phi = product / np.sqrt(margins) if margins > 0 else 0.0
    down1, up1, down2, up2 = p1 - low1, high1 - p1, p2 - low2, high2 - p2
    low = np.sqrt(max(down1**2 - 2.0 * phi * down1 * up2 + up2**2, 0.0))
    high = np.sqrt(max(down2**2 - 2.0 * phi * down2 * up1 + up1**2, 0.0))
    return Interval(float(p1 - p2 - low), float(p1 - p2 + high))


def paired_shares(
    a: ArrayLike,
    b: ArrayLike,
    parents: Sequence[Any] | NDArray[Any] | None = None,
    *,
    confidence: float = 0.95,
    n_resample: int = 2000,
    seed: int = 0,
    exactness: Exactness = "exact",
) -> Paired:
    """Compare two shares on the same samples.

    Parameters
    ----------
    a, b : array-like of shape (n,), bool
        Whether each got each sample right.
    parents : sequence of hashable, length n, optional
        What samples share. Then the test is a bootstrap over parents, since McNemar's would count alike
        samples as many.
    confidence : float
        Of the interval.
    n_resample, seed : int
        Of the bootstrap.
    exactness : {"exact", "mid-p"}
        As for :func:`mcnemar`.

    Returns
    -------
    Paired
        The difference of shares a - b.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    right_a, right_b = np.asarray(a, dtype=bool), np.asarray(b, dtype=bool)
    if right_a.shape != right_b.shape or right_a.ndim != 1:
        raise ValueError(f"outcomes {right_a.shape} and {right_b.shape} need one shape (n,)")
    n = right_a.size
    if n == 0:
        return Paired(effect=None, low=None, high=None, p=None, n=0, test="none: no samples")
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    clusters = clusters_of(parents, n)
    if clusters.is_independent:
        both = int((right_a & right_b).sum())
        bounds = newcombe_paired(both, only_a, only_b, n - both - only_a - only_b, confidence=confidence)
        return Paired(
            effect=(only_a - only_b) / n,
            low=bounds.low,
            high=bounds.high,
            p=mcnemar(only_a, only_b, exactness=exactness),
            n=n,
            test=f"McNemar, {exactness}",
            n_only_a=only_a,
            n_only_b=only_b,
        )
    if only_a == only_b == 0:
        n_parent = clusters.n_parent
        test = "no sample on which they differ"
        p = 1.0 if n_parent >= MIN_PARENTS else None
        if p is None:
            test = f"none: {n_parent} parents, {MIN_PARENTS} needed"
        return Paired(effect=0.0, low=None, high=None, p=p, n=n, test=test)
    difference = right_a.astype(np.float64) - right_b

    def _mean(weight: NDArray[np.int64]) -> NDArray[np.float64]:
        mean: NDArray[np.float64] = (weight @ difference) / weight.sum(axis=1)
        return mean

    found = paired_bootstrap(_mean, n, clusters.code, confidence=confidence, n_resample=n_resample, seed=seed)
    return msgspec.structs.replace(found, n_only_a=only_a, n_only_b=only_b)


def paired_bootstrap(
    difference: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    n: int,
    parents: Sequence[Any] | NDArray[Any] | None = None,
    *,
    confidence: float = 0.95,
    n_resample: int = 2000,
    seed: int = 0,
    draws: Draws = "kept",
    stratum: ArrayLike | None = None,
    null: float = 0.0,
) -> Paired:
    """Compare any figure of two detectors on the same samples by resampling parents.

    Parameters
    ----------
    difference : callable
        From multiplicities of shape (n_block, n) to the effect, shape (n_block,): both detectors see the same
        resample.
    n : int
        Samples.
    parents : sequence of hashable, length n, optional
        What samples share.
    confidence : float
        Of the interval.
    n_resample, seed : int
        Of the bootstrap.
    draws : {"kept", "resampled"}
        As for :func:`screening.evaluate.metrics.resampling.bootstrap_weighted`.
    stratum : array-like of shape (n,), int, optional
        Parents are drawn within it.
    null : float
        Effect of no difference.

    Returns
    -------
    Paired
        The effect.

    Notes
    -----
    The p-value inverts the interval: twice the smaller share of resamples on either side of no difference,
    each plus one (Davison and Hinkley (1997), chapter 4), widened for few parents as the interval is.
    """
    resamples: list[NDArray[np.float64]] = []

    def _kept(weight: NDArray[np.int64]) -> NDArray[np.float64]:
        found = np.asarray(difference(weight), dtype=np.float64)
        resamples.append(found)
        return found

    found = bootstrap_weighted(
        _kept,
        n,
        parents,
        n_resample=n_resample,
        confidence=confidence,
        seed=seed,
        draws=draws,
        stratum=stratum,
    )
    values = np.concatenate(resamples[1:]) if len(resamples) > 1 else np.empty(0)
    return _tested(found, values, null)


def delong_covariance(scores: ArrayLike, truth: ArrayLike) -> DelongResult:
    """Return areas under the curves of several scores, with their covariance.

    Parameters
    ----------
    scores : array-like of shape (n_score, n), float64
        Higher means more likely positive.
    truth : array-like of shape (n,), bool
        Positive or not.

    Returns
    -------
    DelongResult
        Areas and covariance.

    Raises
    ------
    ValueError
        If shapes differ, a score is not a number, or a class has fewer than two samples.

    Notes
    -----
    DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837; by midranks: Sun and Xu, IEEE Signal
    Processing Letters 21 (2014) 1389.
    """
    values, positive = np.atleast_2d(np.asarray(scores, dtype=np.float64)), np.asarray(truth, dtype=bool)
    if values.shape[1:] != positive.shape:
        raise ValueError(f"scores {values.shape} and truth {positive.shape} need one n")
    if np.isnan(values).any():
        raise ValueError(f"{int(np.isnan(values).sum())} scores are not a number")
    m, n = int(positive.sum()), int((~positive).sum())
    if m < 2 or n < 2:
        raise ValueError(f"a variance needs two of each class, got {m} positives and {n} negatives")
    all_ranks = stats.rankdata(values, axis=1)
    own_positive = stats.rankdata(values[:, positive], axis=1)
    own_negative = stats.rankdata(values[:, ~positive], axis=1)
    of_positive = (all_ranks[:, positive] - own_positive) / n
    of_negative = 1.0 - (all_ranks[:, ~positive] - own_negative) / m
    covariance = np.cov(of_positive) / m + np.cov(of_negative) / n
    return DelongResult(of_positive.mean(axis=1), np.atleast_2d(covariance))


def delong(a: ArrayLike, b: ArrayLike, truth: ArrayLike, *, confidence: float = 0.95) -> Paired:
    """Compare the areas under the curves of two scores on the same independent samples.

    Parameters
    ----------
    a, b : array-like of shape (n,), float64
        Scores.
    truth : array-like of shape (n,), bool
        Positive or not.
    confidence : float
        Of the interval.

    Returns
    -------
    Paired
        The difference of areas a - b.
    """
    found = delong_covariance(np.stack([np.asarray(a), np.asarray(b)]), truth)
    effect = float(found.area[0] - found.area[1])
    c = found.covariance
    spread = float(np.sqrt(max(c[0, 0] + c[1, 1] - 2.0 * c[0, 1], 0.0)))
    n = int(np.size(truth))
    if spread < 1e-12:
        if abs(effect) < 1e-12:
            return Paired(effect=0.0, low=0.0, high=0.0, p=1.0, n=n, test="DeLong, equal ranks")
        return Paired(effect=effect, low=None, high=None, p=None, n=n, test="none: areas without spread")
    z = float(stats.norm.isf(tail(confidence)))
    return Paired(
        effect=effect,
        low=max(effect - z * spread, -1.0),
        high=min(effect + z * spread, 1.0),
        p=float(2.0 * stats.norm.sf(abs(effect) / spread)),
        n=n,
        test="DeLong",
    )


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Return p-values corrected for their number.

    Parameters
    ----------
    p : sequence of float or None
        Of one family of comparisons; None where there was no test.

    Returns
    -------
    list of float or None
        In the same order.

    Raises
    ------
    ValueError
        If a p-value is not between 0 and 1.

    Notes
    -----
    Holm, Scandinavian Journal of Statistics 6 (1979) 65.
    """
    tested = [(value, i) for i, value in enumerate(p) if value is not None]
    for value, _ in tested:
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"a p-value lies between 0 and 1, got {value}")
    found: list[float | None] = [None] * len(p)
    largest = 0.0
    for rank, (value, i) in enumerate(sorted(tested)):
        largest = max(largest, min(1.0, (len(tested) - rank) * value))
        found[i] = largest
    return found


def verdict(
    effect: float | None,
    p_corrected: float | None,
    *,
    confidence: float = 0.95,
    is_higher_better: bool = True,
) -> Verdict:
    """Return what may be said of two detectors.

    Parameters
    ----------
    effect : float or None
        a - b.
    p_corrected : float or None
        After correction for the family; None where there was no test.
    confidence : float
        Level.
    is_higher_better : bool
        Whether the larger figure is the better one.

    Returns
    -------
    {"a is better", "b is better", "not distinguishable", "not tested"}
        The words of ``screening.evaluate.record.Comparison``.
    """
    if effect is None or p_corrected is None:
        return "not tested"
    if p_corrected > 1.0 - confidence or effect == 0.0:
        return "not distinguishable"
    return "a is better" if (effect > 0.0) == is_higher_better else "b is better"


def _tested(found: Estimate, resampled: NDArray[np.float64], null: float) -> Paired:
    p = None
    values = resampled[~np.isnan(resampled)]
    if found.low is not None and values.size:
        smaller = min(np.sum(values <= null), np.sum(values >= null))
        share = min(0.5, (1.0 + float(smaller)) / (values.size + 1.0))
        z = special.ndtri(share) * np.sqrt((found.n_parent - 1) / found.n_parent)
        p = float(min(1.0, 2.0 * stats.t.cdf(z, found.n_parent - 1)))
    return Paired(effect=found.value, low=found.low, high=found.high, p=p, n=found.n, test=found.method)


def _wilson(k: int, n: int, confidence: float) -> Interval:
    """Return Wilson's score interval (JASA 22 (1927) 209)."""
    z = float(stats.norm.isf(tail(confidence)))
    centre = 2.0 * k + z * z
    spread = z * np.sqrt(z * z + 4.0 * k * (1.0 - k / n))
    low, high = (centre - spread) / (2.0 * (n + z * z)), (centre + spread) / (2.0 * (n + z * z))
    return Interval(0.0 if k == 0 else float(low), 1.0 if k == n else float(high))

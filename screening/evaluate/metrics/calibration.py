"""Whether stated probabilities come true, and whether sets of labels hold the truth as often as they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from screening.evaluate.metrics.exact import MIN_PARENTS
from screening.evaluate.metrics.proportions import Proportion, proportion
from screening.evaluate.metrics.resampling import Estimate, bootstrap_weighted

__all__ = [
    "Binning",
    "BrierScore",
    "CalibrationError",
    "ConformalCoverage",
    "Reliability",
    "brier",
    "brier_interval",
    "conformal_coverage",
    "expected_calibration_error",
    "log_loss",
    "reliability",
]

Binning = Literal["equal width", "equal mass"]

#: Probabilities of 0 and 1 are read as this far from it in the logarithm.
SMALLEST = 1e-15


class Reliability(NamedTuple):
    """A reliability diagram. Bins without samples are left out of all but `edges`.

    Attributes
    ----------
    edges : ndarray of shape (n_edge,), float64
        Of all bins; a bin holds its lower edge, the last also its upper.
    stated : ndarray of shape (n_bin,), float64
        Mean stated probability of the samples in each bin.
    observed : tuple of Proportion
        Share that came true, with its interval.
    n : ndarray of shape (n_bin,), int64
        Samples.
    """

    edges: NDArray[np.float64]
    stated: NDArray[np.float64]
    observed: tuple[Proportion, ...]
    n: NDArray[np.int64]


class CalibrationError(msgspec.Struct, frozen=True, kw_only=True):
    """Expected calibration error.

    Attributes
    ----------
    value : float
        Mean over samples of the distance between stated and observed in their bin.
    by_chance : float
        What a perfectly calibrated detector would show with these samples and bins, on average: with few
        samples a bin it is far from 0.
    root_mean_square, debiased : float
        Root mean square distance, and the same with the variance of the observed shares taken off (0 where
        less than nothing is left).
    n, n_bin : int
        Samples, and bins that hold any.
    """

    value: float
    by_chance: float
    root_mean_square: float
    debiased: float
    n: int
    n_bin: int


class BrierScore(msgspec.Struct, frozen=True, kw_only=True):
    """Mean squared error of stated probabilities, and what it is made of.

    Attributes
    ----------
    value : float
        reliability - resolution + uncertainty, where samples are grouped by equal stated probability.
    reliability : float
        Weighted squared distance of stated and observed: lower is better.
    resolution : float
        Weighted squared distance of observed shares from the base rate: higher is better.
    uncertainty : float
        Of the data: base rate times its complement.
    n, n_group : int
        Samples, and distinct stated probabilities.
    """

    value: float
    reliability: float
    resolution: float
    uncertainty: float
    n: int
    n_group: int


class ConformalCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """How often a set of labels holds the truth, and how large it is.

    Attributes
    ----------
    coverage : Proportion
        Share of samples whose set holds the truth.
    nominal : float
        Share promised.
    verdict : {"holds", "too low", "too high", "not tested"}
        Where the promised share lies against the interval.
    mean_size : Estimate
        Labels in a set.
    empty, single : Proportion
        Share of empty sets, and of sets with one label.
    size_counts : tuple of int
        Sets with 0, 1, 2, ... labels.
    """

    coverage: Proportion
    nominal: float
    verdict: Literal["holds", "too low", "too high", "not tested"]
    mean_size: Estimate
    empty: Proportion
    single: Proportion
    size_counts: tuple[int, ...]


def reliability(
    stated: ArrayLike,
    truth: ArrayLike,
    parents: Sequence[Any] | None = None,
    *,
    n_bin: int = 10,
    binning: Binning = "equal width",
    confidence: float = 0.95,
) -> Reliability:
    """Return the reliability diagram of stated probabilities.

    Parameters
    ----------
    stated : array-like of shape (n,), float64
        Probabilities.
    truth : array-like of shape (n,), bool
        What came true.
    parents : sequence of hashable, length n, optional
        What samples share; intervals are then over parents.
    n_bin : int
        Bins.
    binning : {"equal width", "equal mass"}
        Bins of equal width from 0 to 1, or of equal numbers of samples; equal probabilities are never
        divided, so that there can be fewer.
    confidence : float
        Of the intervals.

    Returns
    -------
    Reliability
        The diagram.

    Raises
    ------
    ValueError
        If shapes differ, a probability is not in [0, 1], or there is no bin.
    """
    p, true = _checked(stated, truth)
    edges, number = _binned(p, n_bin, binning)
    names = np.empty(len(parents), dtype=object) if parents is not None else None
    if names is not None and parents is not None:
        names[:] = list(parents)
    used = np.unique(number)
    shares = []
    for b in used:
        member = number == b
        own = names[member].tolist() if names is not None else None
        shares.append(proportion(true[member], own, confidence=confidence))
    n = np.bincount(number, minlength=edges.size)[used]
    mean = np.bincount(number, weights=p, minlength=edges.size)[used] / n
    return Reliability(edges, mean, tuple(shares), n.astype(np.int64))


def expected_calibration_error(
    stated: ArrayLike,
    truth: ArrayLike,
    *,
    n_bin: int = 15,
    binning: Binning = "equal mass",
    n_draw: int = 200,
    seed: int = 0,
) -> CalibrationError:
    """Return the expected calibration error, with what it would be by chance.

    Parameters
    ----------
    stated : array-like of shape (n,), float64
        Probabilities.
    truth : array-like of shape (n,), bool
        What came true.
    n_bin : int
        Bins.
    binning : {"equal width", "equal mass"}
        As for :func:`reliability`.
    n_draw, seed : int
        Draws of outcomes by the stated probabilities themselves, for the error by chance.

    Returns
    -------
    CalibrationError
        The error and its bias.

    Raises
    ------
    ValueError
        If shapes differ, a probability is not in [0, 1], or there is no sample or bin.

    Notes
    -----
    Naeini, Cooper and Hauskrecht, AAAI (2015) 2901. The plain error is biased upwards. Debiased squares:
    Kumar, Liang and Ma, Verified Uncertainty Calibration, NeurIPS 32 (2019); bins with one sample have no
    variance and are not corrected.
    """
    p, true = _checked(stated, truth)
    if p.size == 0:
        raise ValueError("no samples to be calibrated on")
    used, number = np.unique(_binned(p, n_bin, binning)[1], return_inverse=True)
    number = number.reshape(p.size)
    n = np.bincount(number, minlength=used.size).astype(np.float64)
    mean = np.bincount(number, weights=p) / n
    share = np.bincount(number, weights=true) / n
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    drawn = np.array([np.bincount(number, weights=rng.random(p.size) < p) for _ in range(n_draw)]) / n
    squared = (mean - share) ** 2
    noise = np.where(n > 1, share * (1.0 - share) / np.maximum(n - 1.0, 1.0), 0.0)
    weight = n / p.size
    return CalibrationError(
        value=float(np.sum(weight * np.abs(mean - share))),
        by_chance=float(np.mean(np.abs(drawn - mean) @ weight)),
        root_mean_square=float(np.sqrt(np.sum(weight * squared))),
        debiased=float(np.sqrt(max(np.sum(weight * (squared - noise)), 0.0))),
        n=p.size,
        n_bin=used.size,
    )


def brier(stated: ArrayLike, truth: ArrayLike) -> BrierScore:
    """Return the Brier score with its decomposition.

    Parameters
    ----------
    stated : array-like of shape (n,), float64
        Probabilities.
    truth : array-like of shape (n,), bool
        What came true.

    Returns
    -------
    BrierScore
        The score.

    Raises
    ------
    ValueError
        If shapes differ, a probability is not in [0, 1], or there are no samples.

    Notes
    -----
    Brier, Monthly Weather Review 78 (1950) 1; Murphy, Journal of Applied Meteorology 12 (1973) 595. Grouped
    by distinct probability the parts add up exactly; where each sample has its own, reliability and
    resolution say little, and those of a reliability diagram are to be looked at.
    """
    p, true = _checked(stated, truth)
    if p.size == 0:
        raise ValueError("no samples to score")
    levels, number = np.unique(p, return_inverse=True)
    n = np.bincount(number.reshape(p.size)).astype(np.float64)
    share = np.bincount(number.reshape(p.size), weights=true) / n
    base = float(true.mean())
    return BrierScore(
        value=float(np.mean((p - true) ** 2)),
        reliability=float(np.sum(n * (levels - share) ** 2) / p.size),
        resolution=float(np.sum(n * (share - base) ** 2) / p.size),
        uncertainty=base * (1.0 - base),
        n=p.size,
        n_group=levels.size,
    )


def brier_interval(
    stated: ArrayLike,
    truth: ArrayLike,
    parents: Sequence[Any] | None = None,
    *,
    confidence: float = 0.95,
    n_resample: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Return the Brier score with its bootstrap interval.

    Parameters
    ----------
    stated : array-like of shape (n,), float64
        Probabilities.
    truth : array-like of shape (n,), bool
        What came true.
    parents : sequence of hashable, length n, optional
        What samples share.
    confidence : float
        Coverage.
    n_resample, seed : int
        Of the bootstrap.

    Returns
    -------
    Estimate
        The score.
    """
    p, true = _checked(stated, truth)
    squared = (p - true) ** 2
    return _mean_interval(squared, parents, confidence, n_resample, seed)


def log_loss(stated: ArrayLike, truth: ArrayLike) -> float:
    """Return the mean negative logarithm of the probability stated for what came true.

    Parameters
    ----------
    stated : array-like of shape (n,), float64
        Probabilities; 0 and 1 are read as 1e-15 away from it.
    truth : array-like of shape (n,), bool
        What came true.

    Returns
    -------
    float
        In nats.

    Raises
    ------
    ValueError
        If shapes differ, a probability is not in [0, 1], or there are no samples.
    """
    p, true = _checked(stated, truth)
    if p.size == 0:
        raise ValueError("no samples to score")
    return float(-np.mean(np.log(np.maximum(np.where(true, p, 1.0 - p), SMALLEST))))


def conformal_coverage(
    holds_truth: ArrayLike,
    set_size: ArrayLike,
    parents: Sequence[Any] | None = None,
    *,
    nominal: float = 0.95,
    confidence: float = 0.95,
    seed: int = 0,
) -> ConformalCoverage:
    """Return how often sets of labels hold the truth, and how large they are.

    Parameters
    ----------
    holds_truth : array-like of shape (n,), bool
        Whether each set holds the true label (all of them, where there are several).
    set_size : array-like of shape (n,), int
        Labels in each set.
    parents : sequence of hashable, length n, optional
        What samples share.
    nominal : float
        Share promised.
    confidence : float
        Of the intervals.
    seed : int
        Of the bootstrap.

    Returns
    -------
    ConformalCoverage
        Coverage and size.

    Raises
    ------
    ValueError
        If shapes differ, or an empty set is said to hold the truth.
    """
    holds, size = np.asarray(holds_truth, dtype=bool), np.asarray(set_size, dtype=np.int64)
    if holds.shape != size.shape or holds.ndim != 1:
        raise ValueError(f"coverage {holds.shape} and sizes {size.shape} need one shape (n,)")
    if (size < 0).any() or (holds & (size == 0)).any():
        raise ValueError("an empty set holds no truth, and no size is negative")
    coverage = proportion(holds, parents, confidence=confidence, seed=seed)
    verdict: Literal["holds", "too low", "too high", "not tested"] = "not tested"
    if coverage.low is not None and coverage.high is not None:
        verdict = "holds" if coverage.low <= nominal <= coverage.high else "too low"
        if coverage.low > nominal:
            verdict = "too high"
    return ConformalCoverage(
        coverage=coverage,
        nominal=nominal,
        verdict=verdict,
        mean_size=_mean_interval(size.astype(np.float64), parents, confidence, 2000, seed),
        empty=proportion(size == 0, parents, confidence=confidence, seed=seed),
        single=proportion(size == 1, parents, confidence=confidence, seed=seed),
        size_counts=tuple(np.bincount(size).tolist()),
    )


def _mean_interval(
    values: NDArray[np.float64],
    parents: Sequence[Any] | None,
    confidence: float,
    n_resample: int,
    seed: int,
) -> Estimate:
    if values.size >= MIN_PARENTS and np.ptp(values) == 0:
        n_parent = values.size if parents is None else len(set(parents))
        return Estimate(
            value=float(values[0]),
            low=None,
            high=None,
            confidence=confidence,
            n=values.size,
            n_parent=n_parent,
            method="none: all values equal",
        )

    def _mean(weight: NDArray[np.int64]) -> NDArray[np.float64]:
        mean: NDArray[np.float64] = (weight @ values) / weight.sum(axis=1)
        return mean

    return bootstrap_weighted(
        _mean, values.size, parents, confidence=confidence, n_resample=n_resample, seed=seed
    )


def _checked(stated: ArrayLike, truth: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    p, true = np.asarray(stated, dtype=np.float64), np.asarray(truth, dtype=bool)
    if p.shape != true.shape or p.ndim != 1:
        raise ValueError(f"probabilities {p.shape} and truth {true.shape} need one shape (n,)")
    if not np.all((p >= 0.0) & (p <= 1.0)):
        bad = p[~((p >= 0.0) & (p <= 1.0))]
        raise ValueError(f"{bad.size} probabilities are not in [0, 1], the first is {bad[0]}")
    return p, true


def _binned(
    p: NDArray[np.float64], n_bin: int, binning: Binning
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the edges of bins, and the bin of each probability."""
    if n_bin < 1:
        raise ValueError(f"{n_bin} bins")
    if binning == "equal width" or p.size == 0:
        edges = np.linspace(0.0, 1.0, n_bin + 1)
        number = np.clip(np.searchsorted(edges, p, "right") - 1, 0, n_bin - 1)
        return edges, number.astype(np.int64)
    # By the rank of the first sample of each probability, so that equal ones stay together.
    ordered = np.sort(p)
    rank = np.searchsorted(ordered, p, "left")
    used, number = np.unique(rank * n_bin // p.size, return_inverse=True)
    number = number.reshape(p.size).astype(np.int64)
    starts = np.full(used.size, np.inf)
    np.minimum.at(starts, number, p)
    return np.concatenate([[0.0], starts[1:], [1.0]]), number

"""Exact intervals of shares, rates and quantiles."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import special, stats

__all__ = ["exact_quantile", "exact_rate", "exact_share"]

Interval = tuple[float | None, float | None, float | None]


def exact_share(k: int, n: int, confidence: float = 0.95) -> Interval:
    """Return a share with its exact interval.

    Parameters
    ----------
    k, n : int
        Successes and trials.
    confidence : float
        Coverage, at least.

    Returns
    -------
    tuple of float or None
        Value, lower and upper end; None without trials.

    Notes
    -----
    Clopper and Pearson, Biometrika 26 (1934) 404.
    """
    if n == 0:
        return None, None, None
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if k == 0 else float(special.betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(special.betaincinv(k + 1, n - k, 1.0 - tail))
    return k / n, low, high


def exact_rate(k: int, exposure: float, confidence: float = 0.95) -> Interval:
    """Return a rate of events with its exact interval.

    Parameters
    ----------
    k : int
        Events.
    exposure : float
        What they are counted over.
    confidence : float
        Coverage, at least.

    Returns
    -------
    tuple of float or None
        Value, lower and upper end; None without exposure.

    Notes
    -----
    Garwood, Biometrika 28 (1936) 437.
    """
    if exposure <= 0:
        return None, None, None
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if k == 0 else float(special.gammaincinv(k, tail))
    return k / exposure, low / exposure, float(special.gammaincinv(k + 1, 1.0 - tail)) / exposure


def exact_quantile(values: Sequence[float], q: float, confidence: float = 0.95) -> Interval:
    """Return a quantile with the interval that the order of the values gives, whatever their distribution.

    Parameters
    ----------
    values : sequence of float
        Independent values; infinite for what had not ended.
    q : float
        The share, above 0 and below 1.
    confidence : float
        Coverage, at least.

    Returns
    -------
    tuple of float or None
        The smallest value that a share q does not exceed, lower and upper end; None for an end that
        these values do not bound.

    Raises
    ------
    ValueError
        If q is out of range.

    Notes
    -----
    How many values lie below the quantile is binomial (David and Nagaraja, Order Statistics, 2003,
    section 7.1).
    """
    if not 0.0 < q < 1.0:
        raise ValueError(f"q must lie between 0 and 1, got {q!r}")
    n = len(values)
    if n == 0:
        return None, None, None
    ordered = sorted(values)
    tail = (1.0 - confidence) / 2.0
    # ranks from 1: of n values, X lie at or below the quantile, and rank r lies above it where X < r
    lower = int(stats.binom.ppf(tail, n, q))
    upper = int(stats.binom.ppf(1.0 - tail, n, q)) + 1
    return (
        _finite(ordered[max(1, math.ceil(q * n - 1e-9)) - 1]),
        _finite(ordered[lower - 1]) if lower >= 1 else None,
        _finite(ordered[upper - 1]) if upper <= n else None,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

"""Tests of one figure against another that was measured independently, and what such a test can see."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import ndtr, ndtri

from screening.evaluate.record import Figure

__all__ = [
    "TestKind",
    "has_interval",
    "interval_p",
    "kind_of",
    "p_values",
    "rate_p",
    "share_p",
    "visible_value",
]


class TestKind(Enum):
    """Which test two figures allow."""

    __test__ = False  # no case of a test suite, whatever its name

    SHARE = "share"
    RATE = "rate"
    INTERVAL = "interval"
    NONE = "none"

    @property
    def text(self) -> str:
        """What is said of it."""
        return {
            "share": "Fisher, exact",
            "rate": "conditional binomial, exact",
            "interval": "normal, from both intervals",
            "none": "none: no interval",
        }[self.value]


def kind_of(before: Figure, now: Figure) -> TestKind:
    """Return which test two figures allow.

    Parameters
    ----------
    before, now : Figure
        Of one key.

    Returns
    -------
    TestKind
        Exact for shares of independent trials and for rates; by the intervals for others that have
        them on the side that faces the other figure.
    """
    both = (before, now)
    if all(_is_share(figure) for figure in both):
        return TestKind.SHARE
    if all(_is_rate(figure) for figure in both):
        return TestKind.RATE
    if before.unit == now.unit and all(has_interval(figure) for figure in both):
        return TestKind.INTERVAL if _facing(before, now) > 0.0 else TestKind.NONE
    return TestKind.NONE


def p_values(pairs: Sequence[tuple[Figure, Figure]], kinds: Sequence[TestKind]) -> NDArray[np.float64]:
    """Return the p-value of each pair.

    Parameters
    ----------
    pairs : sequence of (Figure, Figure)
        Before and now.
    kinds : sequence of TestKind
        Which test.

    Returns
    -------
    ndarray of shape (n,), float64
        Two-sided; NaN where there is no test.
    """
    found = np.full(len(pairs), np.nan)
    for kind in (TestKind.SHARE, TestKind.RATE):
        chosen = [i for i, this in enumerate(kinds) if this is kind]
        if chosen:
            counts = np.array(
                [[pairs[i][0].k, pairs[i][0].n, pairs[i][1].k, pairs[i][1].n] for i in chosen], float
            )
            found[chosen] = (share_p if kind is TestKind.SHARE else rate_p)(*counts.T)
    for i, kind in enumerate(kinds):
        if kind is TestKind.INTERVAL:
            found[i] = interval_p(*pairs[i])
    return found


def share_p(
    k0: NDArray[np.float64], n0: NDArray[np.float64], k1: NDArray[np.float64], n1: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return Fisher's exact test of two shares.

    Parameters
    ----------
    k0, n0, k1, n1 : ndarray of shape (n,), float64
        Successes and trials before and now.

    Returns
    -------
    ndarray of shape (n,), float64
        Twice the smaller tail, at most 1.

    Notes
    -----
    Fisher, Journal of the Royal Statistical Society 98 (1935) 39: given both margins the count is
    hypergeometric. Doubling the tail keeps the order of the p-values that of the counts.
    """
    law = (n0 + n1, k0 + k1, n1)
    return _doubled(stats.hypergeom.cdf(k1, *law), stats.hypergeom.sf(k1 - 1, *law))


def rate_p(
    k0: NDArray[np.float64], n0: NDArray[np.float64], k1: NDArray[np.float64], n1: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the exact conditional test of two Poisson rates.

    Parameters
    ----------
    k0, n0, k1, n1 : ndarray of shape (n,), float64
        Events and exposures before and now.

    Returns
    -------
    ndarray of shape (n,), float64
        Twice the smaller tail, at most 1.

    Notes
    -----
    Przyborowski and Wilenski, Biometrika 31 (1940) 313: given their sum, the events of one are
    binomial with the share of its exposure.
    """
    law = (k0 + k1, n1 / (n0 + n1))
    return _doubled(stats.binom.cdf(k1, *law), stats.binom.sf(k1 - 1, *law))


def interval_p(before: Figure, now: Figure) -> float:
    """Return the p-value that two intervals give.

    Parameters
    ----------
    before, now : Figure
        With intervals, which need not be symmetric.

    Returns
    -------
    float
        Two-sided.

    Notes
    -----
    Zou and Donner, Statistics in Medicine 27 (2008) 1693: the standard error of a difference is put
    together from the half of each interval that faces the other estimate.
    """
    difference = abs((now.value or 0.0) - (before.value or 0.0))
    return float(2.0 * ndtr(-difference / _facing(before, now)))


def visible_value(before: Figure, now: Figure, kind: TestKind, *, alpha: float, power: float) -> float | None:
    """Return the value, for the worse, that the test would call significant with some power.

    The baseline's count stands; the count to come varies. Intervals are taken as wide as they are now.

    Parameters
    ----------
    before, now : Figure
        `now` gives the trials and which way is good.
    kind : TestKind
        Which test.
    alpha : float
        Two-sided level of this one test, after correction.
    power : float
        Chance that it is called.

    Returns
    -------
    float or None
        None where there is no test, or even the worst value would not be seen.
    """
    is_drop = now.better == "higher"
    k0, n0, n1 = float(before.k or 0), float(before.n or 0.0), float(now.n or 0.0)
    if kind is TestKind.SHARE:
        expected = k0 / n0 * n1
        edge = _edge(lambda k: share_p(*_one(k0, n0, k, n1)), expected, n1, is_drop=is_drop, alpha=alpha)
        if edge is None:
            return None
        if is_drop:  # P(count <= edge) = power: quantile of the beta distribution
            return float(stats.beta.ppf(1.0 - power, edge + 1.0, n1 - edge)) if edge < n1 else 1.0
        return float(stats.beta.ppf(power, edge, n1 - edge + 1.0)) if edge > 0 else 0.0
    if kind is TestKind.RATE:
        return _visible_rate(k0, n0, n1, is_drop=is_drop, alpha=alpha, power=power)
    if kind is TestKind.INTERVAL and before.value is not None:
        spread = math.hypot(_half(before, is_upper=not is_drop), _half(now, is_upper=is_drop))
        way = -1.0 if is_drop else 1.0
        return before.value + way * float(-ndtri(0.5 * alpha) + ndtri(power)) * spread
    return None


def _visible_rate(
    k0: float, n0: float, n1: float, *, is_drop: bool, alpha: float, power: float
) -> float | None:
    expected = k0 / n0 * n1
    top = 10.0 * (expected + 10.0)
    edge = _edge(lambda k: rate_p(*_one(k0, n0, k, n1)), expected, top, is_drop=is_drop, alpha=alpha)
    if edge is None:
        return None
    if is_drop:  # P(count <= edge) = power: quantile of the chi-squared distribution
        return float(0.5 * stats.chi2.ppf(1.0 - power, 2.0 * edge + 2.0) / n1)
    return float(0.5 * stats.chi2.ppf(power, 2.0 * edge) / n1)


def _edge(
    p_of: Callable[[float], NDArray[np.float64]], expected: float, top: float, *, is_drop: bool, alpha: float
) -> float | None:
    """Return the count nearest to the expected one that is called worse; None where not even the last is.

    The p-value falls with the distance from the expected count: the edge is found by halving.
    """
    near = math.ceil(expected) - 1 if is_drop else math.floor(expected) + 1
    far = 0 if is_drop else math.floor(top)
    if (near < far if is_drop else near > far) or p_of(far)[0] > alpha:
        return None
    if p_of(near)[0] <= alpha:
        return float(near)
    while abs(far - near) > 1:
        middle = (near + far) // 2
        if p_of(middle)[0] <= alpha:
            far = middle
        else:
            near = middle
    return float(far)


def _one(*values: float) -> tuple[NDArray[np.float64], ...]:
    return tuple(np.array([value], dtype=np.float64) for value in values)


def _doubled(lower: NDArray[np.float64], upper: NDArray[np.float64]) -> NDArray[np.float64]:
    doubled: NDArray[np.float64] = np.minimum(1.0, 2.0 * np.minimum(lower, upper))
    return doubled


def _is_share(figure: Figure) -> bool:
    k, n = figure.k, figure.n
    return (
        figure.unit == ""
        and figure.method == "clopper-pearson"
        and k is not None
        and n is not None
        and n >= 1
        and n == int(n)
        and 0 <= k <= n
    )


def _is_rate(figure: Figure) -> bool:
    is_counted = figure.k is not None and figure.n is not None and figure.k >= 0 and figure.n > 0.0
    return figure.unit.startswith("1/") and figure.method == "garwood" and is_counted


def has_interval(figure: Figure) -> bool:
    """Return whether a figure has an interval on both sides.

    Parameters
    ----------
    figure : Figure
        The figure.

    Returns
    -------
    bool
        False also where its confidence is none.
    """
    return (
        figure.low is not None
        and figure.high is not None
        and 0.0 < figure.confidence < 1.0
        and math.isfinite(figure.low)
        and math.isfinite(figure.high)
    )


def _facing(before: Figure, now: Figure) -> float:
    """Return the standard error of the difference, from the halves that face each other."""
    is_up = (now.value or 0.0) >= (before.value or 0.0)
    return math.hypot(_half(before, is_upper=is_up), _half(now, is_upper=not is_up))


def _half(figure: Figure, *, is_upper: bool) -> float:
    value = figure.value or 0.0
    width = (figure.high or 0.0) - value if is_upper else value - (figure.low or 0.0)
    return max(0.0, width) / float(ndtri(0.5 + 0.5 * figure.confidence))

"""The fit behind S-curves: binomial answers against any variable, for many curves at once.

By maximum likelihood, Fisher scoring with halved steps. A fit that cannot be had is a named outcome and
never a number.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

__all__ = ["Link", "Outcome", "ResponseCurves", "cdf", "density", "fit_response", "quantile"]

Link = Literal["probit", "logit"]
Outcome = Literal[
    "fitted",
    "no trials",
    "never detected",
    "always detected",
    "separated",
    "not rising",
    "not falling",
    "not converged",
    "not covered",
]

MAX_STEPS = 60
TOLERANCE = 1e-12
#: A point where the fitted curve expects fewer answers, or misses, than this says nothing about its width.
MIN_EXPECTED = 0.05
TINY = 1e-12


class ResponseCurves(NamedTuple):
    """Curves p(x) = c + (1 - c) F((x - location) / scale) fitted to counts.

    Attributes
    ----------
    location : ndarray of shape (n_fit,), float64
        Where half of the answers not due to chance are given; not-a-number where there is no fit.
    scale : ndarray of shape (n_fit,), float64
        Positive for a rising curve, negative for a falling one.
    chance : ndarray of shape (n_fit,), float64
        c.
    covariance : ndarray of shape (n_fit, 2, 2), float64
        Of intercept and slope of (x - location) / scale, from the expected information.
    log_likelihood : ndarray of shape (n_fit,), float64
        Binomial, without the constant.
    deviance : ndarray of shape (n_fit,), float64
        Against the observed shares; chi-squared with n_point - 2 degrees of freedom if the curve is right.
    outcome : ndarray of shape (n_fit,), str
        "fitted", or why not.
    link : {"probit", "logit"}
        F is the normal or the logistic distribution function.
    """

    location: NDArray[np.float64]
    scale: NDArray[np.float64]
    chance: NDArray[np.float64]
    covariance: NDArray[np.float64]
    log_likelihood: NDArray[np.float64]
    deviance: NDArray[np.float64]
    outcome: NDArray[np.str_]
    link: Link

    def probability(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the fitted probabilities.

        Parameters
        ----------
        x : array-like of shape (n_x,), float64
            Values.

        Returns
        -------
        ndarray of shape (n_fit, n_x), float64
            Not-a-number where there is no fit.
        """
        eta = (np.asarray(x, dtype=np.float64)[None, :] - self.location[:, None]) / self.scale[:, None]
        c = self.chance[:, None]
        found: NDArray[np.float64] = c + (1.0 - c) * cdf(eta, self.link)
        return found

    def at(self, p: float) -> NDArray[np.float64]:
        """Return where the probability is p.

        Parameters
        ----------
        p : float
            Between 0 and 1.

        Returns
        -------
        ndarray of shape (n_fit,), float64
            Values of x; not-a-number where there is no fit or p is not above chance.
        """
        return self.location + self.scale * quantile(p, self.chance, self.link)


def fit_response(
    x: ArrayLike,
    k: ArrayLike,
    n: ArrayLike,
    *,
    chance: ArrayLike = 0.0,
    link: Link = "logit",
    rising: bool | None = None,
    cover: tuple[float, float] | None = None,
) -> ResponseCurves:
    """Fit the probability of an answer against any variable, for many curves at once.

    Parameters
    ----------
    x : array-like of shape (n_point,) or (n_fit, n_point), float64
        Speed, thickness, distance, logarithm of an activity.
    k : array-like of shape (n_point,) or (n_fit, n_point), int
        Answers.
    n : array-like, broadcast to the shape of k, int
        Trials; points without trials weigh nothing.
    chance : array-like, broadcast to (n_fit,), float64
        Share of answers by chance, fixed.
    link : {"probit", "logit"}
        Normal or logistic distribution function.
    rising : bool, optional
        True: a falling curve is the outcome "not rising". False: a rising one is "not falling". None: either
        is a fit.
    cover : (float, float), optional
        Probabilities (without chance) that the fitted curve must pass within the points.

    Returns
    -------
    ResponseCurves
        One for each row.

    Raises
    ------
    ValueError
        If shapes do not fit, counts are none, or chance is not in [0, 1).

    Notes
    -----
    Finney, Probit Analysis (1971), chapters 4 and 7 (natural response); Fisher scoring.
    """
    xs, ks, ns, c = _checked(x, k, n, chance)
    outcome = np.full(len(ks), "fitted", dtype="U16")
    _name_empty(outcome, ks, ns)
    beta = _start(xs, ks, ns, c, link)
    beta, converged = _score(beta, xs, ks, ns, c, link)
    slope = beta[:, 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        location, scale = -beta[:, 0] / slope, 1.0 / slope
    fitted = cdf(beta[:, :1] + slope[:, None] * xs, link)
    _name(outcome, _is_separated(xs, ks, ns, c, fitted), "separated")
    _name(outcome, ~converged | ~np.isfinite(location) | ~np.isfinite(scale), "not converged")
    if rising is not None:
        wrong = (slope <= 0) if rising else (slope >= 0)
        _name(outcome, wrong, "not rising" if rising else "not falling")
    if cover is not None:
        _name(outcome, ~_is_covered(xs, ns, location, scale, link, cover), "not covered")
    has = outcome == "fitted"
    likelihood = _log_likelihood(beta, xs, ks, ns, c, link)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = ks / ns
        best = special.xlogy(ks, share) + special.xlogy(ns - ks, 1.0 - share)
    deviance = 2.0 * (np.nansum(best, axis=1) - likelihood)
    nan = np.nan
    covariance = np.full((len(ks), 2, 2), nan)
    if has.any():
        covariance[has] = _inverse(_information(beta[has], xs[has], ns[has], c[has], link))
    return ResponseCurves(
        np.where(has, location, nan),
        np.where(has, scale, nan),
        c,
        covariance,
        np.where(has, likelihood, nan),
        np.where(has, deviance, nan),
        outcome,
        link,
    )


def _checked(
    x: ArrayLike, k: ArrayLike, n: ArrayLike, chance: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    ks = np.atleast_2d(np.asarray(k, dtype=np.float64))
    try:
        xs = np.broadcast_to(np.asarray(x, dtype=np.float64), ks.shape)
        trials = np.asarray(n, dtype=np.float64)
        if trials.ndim == 1 and trials.size == len(ks) != ks.shape[1]:
            trials = trials[:, None]
        ns = np.broadcast_to(trials, ks.shape)
        c = np.broadcast_to(np.asarray(chance, dtype=np.float64), (len(ks),)).copy()
    except ValueError as error:
        raise ValueError(f"counts of shape {ks.shape} do not fit the rest: {error}") from error
    if not np.isfinite(xs).all():
        raise ValueError("values of x must be finite")
    if not np.all((ks >= 0) & (ks <= ns)):
        bad = np.argwhere(~((ks >= 0) & (ks <= ns)))[0]
        raise ValueError(f"{ks[tuple(bad)]:g} answers in {ns[tuple(bad)]:g} trials")
    if not np.all((c >= 0) & (c < 1)):
        raise ValueError(f"chance must lie in [0, 1), got {c[~((c >= 0) & (c < 1))][0]}")
    return xs, ks, ns, c


def _name(outcome: NDArray[np.str_], where: NDArray[np.bool_], name: Outcome) -> None:
    """Name the outcome where none was named before."""
    outcome[where & (outcome == "fitted")] = name


def _name_empty(outcome: NDArray[np.str_], ks: NDArray[np.float64], ns: NDArray[np.float64]) -> None:
    total, trials = ks.sum(axis=1), ns.sum(axis=1)
    _name(outcome, trials == 0, "no trials")
    _name(outcome, total == 0, "never detected")
    _name(outcome, total == trials, "always detected")


def _is_separated(
    xs: NDArray[np.float64],
    ks: NDArray[np.float64],
    ns: NDArray[np.float64],
    c: NDArray[np.float64],
    fitted: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Return where hits and misses do not overlap, so that the steepest curve is the likeliest.

    Without chance this is decided by the counts (Albert and Anderson, Biometrika 71 (1984) 1). With chance
    hits may lie anywhere, and the sign is a fit that is neither 0 nor 1 at fewer than two points.
    """
    has_hit, has_miss = ks > 0, ks < ns
    hit_low = np.min(np.where(has_hit, xs, np.inf), axis=1)
    hit_high = np.max(np.where(has_hit, xs, -np.inf), axis=1)
    miss_low = np.min(np.where(has_miss, xs, np.inf), axis=1)
    miss_high = np.max(np.where(has_miss, xs, -np.inf), axis=1)
    by_counts = (c == 0) & ((miss_high <= hit_low) | (hit_high <= miss_low))
    between = (ns * np.minimum(fitted, 1.0 - fitted) > MIN_EXPECTED).sum(axis=1)
    found: NDArray[np.bool_] = by_counts | ((c > 0) & (between < 2))
    return found


def _is_covered(
    xs: NDArray[np.float64],
    ns: NDArray[np.float64],
    location: NDArray[np.float64],
    scale: NDArray[np.float64],
    link: Link,
    cover: tuple[float, float],
) -> NDArray[np.bool_]:
    low = np.min(np.where(ns > 0, xs, np.inf), axis=1)
    high = np.max(np.where(ns > 0, xs, -np.inf), axis=1)
    with np.errstate(invalid="ignore", over="ignore"):
        ends = np.sort(
            np.column_stack([cdf((low - location) / scale, link), cdf((high - location) / scale, link)])
        )
    return (ends[:, 0] <= cover[0]) & (ends[:, 1] >= cover[1])


def cdf(eta: NDArray[np.float64], link: Link) -> NDArray[np.float64]:
    """Return the normal or logistic distribution function.

    Parameters
    ----------
    eta : ndarray, float64
        Arguments.
    link : {"probit", "logit"}
        Which.

    Returns
    -------
    ndarray, float64
        Probabilities.
    """
    found: NDArray[np.float64] = special.ndtr(eta) if link == "probit" else special.expit(eta)
    return found


def density(eta: NDArray[np.float64], link: Link) -> NDArray[np.float64]:
    """Return the normal or logistic density.

    Parameters
    ----------
    eta : ndarray, float64
        Arguments.
    link : {"probit", "logit"}
        Which.

    Returns
    -------
    ndarray, float64
        Densities.
    """
    if link == "probit":
        normal: NDArray[np.float64] = np.exp(-0.5 * eta * eta) / np.sqrt(2.0 * np.pi)
        return normal
    p = special.expit(eta)
    logistic: NDArray[np.float64] = p * (1.0 - p)
    return logistic


def quantile(p: float, chance: NDArray[np.float64], link: Link) -> NDArray[np.float64]:
    """Return where p is reached, in widths from the location.

    Parameters
    ----------
    p : float
        Probability, chance included.
    chance : ndarray of shape (n_fit,), float64
        Share by chance.
    link : {"probit", "logit"}
        Which distribution function.

    Returns
    -------
    ndarray of shape (n_fit,), float64
        Not-a-number where p is not above chance.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        excess = (p - chance) / (1.0 - chance)
        excess = np.where((excess > 0) & (excess < 1), excess, np.nan)
        found: NDArray[np.float64] = special.ndtri(excess) if link == "probit" else special.logit(excess)
    return found


def _start(
    xs: NDArray[np.float64],
    ks: NDArray[np.float64],
    ns: NDArray[np.float64],
    c: NDArray[np.float64],
    link: Link,
) -> NDArray[np.float64]:
    """Return intercepts and slopes of straight lines through the transformed shares."""
    share = (ks + 0.5) / (ns + 1.0)
    excess = np.clip((share - c[:, None]) / (1.0 - c[:, None]), 0.01, 0.99)
    y = special.ndtri(excess) if link == "probit" else special.logit(excess)
    weight = ns * density(y, link) ** 2 / (excess * (1.0 - excess)) + TINY
    total = weight.sum(axis=1, keepdims=True)
    dx = xs - (weight * xs).sum(axis=1, keepdims=True) / total
    slope = (weight * dx * y).sum(axis=1) / np.maximum((weight * dx * dx).sum(axis=1), TINY)
    intercept = ((weight * y).sum(axis=1) - slope * (weight * xs).sum(axis=1)) / total[:, 0]
    return np.column_stack([intercept, slope])


def _log_likelihood(
    beta: NDArray[np.float64],
    xs: NDArray[np.float64],
    ks: NDArray[np.float64],
    ns: NDArray[np.float64],
    c: NDArray[np.float64],
    link: Link,
) -> NDArray[np.float64]:
    eta = beta[:, :1] + beta[:, 1:] * xs
    p = c[:, None] + (1.0 - c[:, None]) * cdf(eta, link)
    q = (1.0 - c[:, None]) * cdf(-eta, link)
    found: NDArray[np.float64] = (
        special.xlogy(ks, np.maximum(p, 1e-300)) + special.xlogy(ns - ks, np.maximum(q, 1e-300))
    ).sum(axis=1)
    return found


def _score(
    beta: NDArray[np.float64],
    xs: NDArray[np.float64],
    ks: NDArray[np.float64],
    ns: NDArray[np.float64],
    c: NDArray[np.float64],
    link: Link,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the coefficients of largest likelihood, and where they were found."""
    beta = beta.copy()
    converged = np.zeros(len(beta), dtype=bool)
    likelihood = _log_likelihood(beta, xs, ks, ns, c, link)
    active = np.arange(len(beta))
    for _ in range(MAX_STEPS):
        x, k, n, chance = xs[active], ks[active], ns[active], c[active]
        now, before = beta[active], likelihood[active]
        step = _step(now, x, k, n, chance, link)
        new = now + step
        after = _log_likelihood(new, x, k, n, chance, link)
        for _ in range(12):
            worse = ~(after >= before - 1e-10 * np.abs(before))
            if not worse.any():
                break
            step[worse] *= 0.5
            new[worse] = now[worse] + step[worse]
            after[worse] = _log_likelihood(new[worse], x[worse], k[worse], n[worse], chance[worse], link)
        beta[active], likelihood[active] = new, after
        eta_change = np.abs(step[:, :1] + step[:, 1:] * x).max(axis=1)
        done = eta_change < 1e-7
        done |= (np.abs(after - before) < TOLERANCE * np.abs(before)) & (eta_change < 1e-4)
        converged[active[done]] = True
        active = active[~done]
        if active.size == 0:
            break
    return beta, converged


def _step(
    beta: NDArray[np.float64],
    xs: NDArray[np.float64],
    ks: NDArray[np.float64],
    ns: NDArray[np.float64],
    c: NDArray[np.float64],
    link: Link,
) -> NDArray[np.float64]:
    eta = beta[:, :1] + beta[:, 1:] * xs
    upper = cdf(-eta, link)
    p = c[:, None] + (1.0 - c[:, None]) * cdf(eta, link)
    q = (1.0 - c[:, None]) * upper
    slope = (1.0 - c[:, None]) * density(eta, link)
    pull = slope / np.maximum(p * q, 1e-300)
    residual = (ks * q - (ns - ks) * p) * pull
    weight = ns * slope * pull
    gradient = np.column_stack([residual.sum(axis=1), (residual * xs).sum(axis=1)])
    information = _moments(weight, xs)
    step = (_inverse(information) @ gradient[:, :, None])[:, :, 0]
    # No step moves a point of the grid by more than 3 widths: a flat likelihood would throw it away.
    size = np.abs(step[:, :1] + step[:, 1:] * xs).max(axis=1)
    limited: NDArray[np.float64] = step * np.minimum(1.0, 3.0 / np.maximum(size, TINY))[:, None]
    return np.where(np.isfinite(limited), limited, 0.0)


def _information(
    beta: NDArray[np.float64],
    xs: NDArray[np.float64],
    ns: NDArray[np.float64],
    c: NDArray[np.float64],
    link: Link,
) -> NDArray[np.float64]:
    eta = beta[:, :1] + beta[:, 1:] * xs
    p = c[:, None] + (1.0 - c[:, None]) * cdf(eta, link)
    q = (1.0 - c[:, None]) * cdf(-eta, link)
    slope = (1.0 - c[:, None]) * density(eta, link)
    return _moments(ns * slope**2 / np.maximum(p * q, 1e-300), xs)


def _moments(weight: NDArray[np.float64], xs: NDArray[np.float64]) -> NDArray[np.float64]:
    zeroth, first = weight.sum(axis=1), (weight * xs).sum(axis=1)
    second = (weight * xs * xs).sum(axis=1)
    return np.stack([np.stack([zeroth, first], axis=1), np.stack([first, second], axis=1)], axis=1)


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b, d = matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 1, 1]
    determinant = a * d - b * b
    safe = np.where(determinant > 1e-14 * np.maximum(a * d, 1e-300), determinant, np.nan)
    rows = np.stack([np.stack([d, -b], axis=1), np.stack([-b, a], axis=1)], axis=1)
    found: NDArray[np.float64] = rows / safe[:, None, None]
    return found

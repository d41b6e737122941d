"""Sweeps of a test plan: the fitted curve, and where the required probability is reached."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from screening.evaluate.metrics.response import ResponseCurves, fit_response

from .sweeping import Sweep

__all__ = ["Crossing", "SweepFit", "fit_sweep"]

#: Resamples of the trials, and the share of them in which a value must come out for it to have an interval.
N_RESAMPLE, LEAST_SHARE = 2000, 0.9

#: Fields along which the signal falls exponentially: fitted in the value itself, all others in its logarithm.
LINEAR = frozenset(("thickness", "steel"))


class Crossing(NamedTuple):
    """Where a fitted curve reaches a probability.

    Attributes
    ----------
    p : float
        The probability.
    value : float or None
        In the base unit; None where there is no fit, or where it would lie outside the values tried.
    low, high : float or None
        Interval by resampling trials, two-sided at the plan's confidence.
    note : str
        Why there is none.
    """

    p: float
    value: float | None
    low: float | None
    high: float | None
    note: str


class SweepFit(NamedTuple):
    """A curve fitted to the counts of a sweep.

    Attributes
    ----------
    outcome : str
        "fitted", or why not.
    curves : ResponseCurves
        The fit.
    crossings : tuple of Crossing
        At the probabilities asked for.
    fit_p : float or None
        Probability of a worse fit if the curve were right (deviance, chi-squared); None without
        a degree of freedom.
    """

    outcome: str
    curves: ResponseCurves
    crossings: tuple[Crossing, ...]
    fit_p: float | None

    def probability(self, sweep: Sweep, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the fitted probabilities.

        Parameters
        ----------
        sweep : Sweep
            What was varied.
        values : ndarray of shape (n,), float64
            In the base unit.

        Returns
        -------
        ndarray of shape (n,), float64
            Not-a-number without a fit.
        """
        found: NDArray[np.float64] = self.curves.probability(_axis(sweep, values))[0]
        return found


def fit_sweep(
    sweep: Sweep,
    hits: NDArray[np.bool_],
    *,
    chance: float,
    at: tuple[float, ...],
    confidence: float = 0.95,
    n_resample: int = N_RESAMPLE,
    seed: int = 0,
) -> SweepFit:
    """Fit a curve to a sweep whose points share their random numbers.

    Parameters
    ----------
    sweep : Sweep
        What was varied.
    hits : ndarray of shape (n_point, n_trial), bool
        Whether the event happened; trial i has the same random numbers at every point.
    chance : float
        Share of trials without a source in which it happens, fixed; below 1.
    at : tuple of float
        Probabilities to find.
    confidence : float
        Of the intervals: trials are resampled whole, over all points at once.
    n_resample : int
        Resamples.
    seed : int
        Of the resampling.

    Returns
    -------
    SweepFit
        The fit.
    """
    n_point, n_trial = hits.shape
    x = _axis(sweep, np.array(sweep.values[:n_point]))
    fit = fit_response(x, hits.sum(axis=1), n_trial, chance=chance, link="probit", rising=sweep.is_easier_up)
    outcome = str(fit.outcome[0])
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0xC14E]))
    chosen = rng.integers(0, n_trial, (n_resample, n_trial))
    weight = np.zeros((n_resample, n_trial))
    np.add.at(weight, (np.arange(n_resample)[:, None], chosen), 1.0)
    again = fit_response(
        x,
        np.rint(weight @ hits.T.astype(np.float64)),
        n_trial,
        chance=chance,
        link="probit",
        rising=sweep.is_easier_up,
    )
    crossings = tuple(
        _crossing(sweep, p, fit, again, float(x.min()), float(x.max()), confidence, outcome) for p in at
    )
    free = n_point - 2
    fit_p = float(stats.chi2.sf(fit.deviance[0], free)) if outcome == "fitted" and free > 0 else None
    return SweepFit(outcome, fit, crossings, fit_p)


def _axis(sweep: Sweep, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values if sweep.name in LINEAR else np.log(values)


def _back(sweep: Sweep, x: float) -> float:
    return float(x) if sweep.name in LINEAR else float(np.exp(x))


def _crossing(
    sweep: Sweep,
    p: float,
    fit: ResponseCurves,
    again: ResponseCurves,
    first: float,
    last: float,
    confidence: float,
    outcome: str,
) -> Crossing:
    if outcome != "fitted":
        return Crossing(p, None, None, None, outcome)
    x = float(fit.at(p)[0])
    if not np.isfinite(x):
        return Crossing(p, None, None, None, "not above chance")
    if not first <= x <= last:
        place = "below" if x < first else "above"
        return Crossing(p, None, None, None, f"outside the values tried: {place} them")
    found = again.at(p)
    found = found[np.isfinite(found)]
    if found.size < LEAST_SHARE * again.location.size:
        share = found.size / again.location.size
        return Crossing(
            p, _back(sweep, x), None, None, f"no interval: fitted in {share:.0%} of the resamples"
        )
    error = 0.5 * (1.0 - confidence)
    low, high = (_back(sweep, q) for q in np.quantile(found, [error, 1.0 - error]))
    return Crossing(p, _back(sweep, x), low, high, "")

"""S-curves: the probability of detection against activity, and the minimum detectable activity.

Pd(A) = c + (1 - c) Phi((ln A - m) / s), with c the share of passes without a source that alarm, fixed; the
activity detected with probability p is exp(m + s Phi^-1((p - c) / (1 - c))). The fit is that of
:mod:`screening.evaluate.metrics.response`, which also serves speed, shielding and distance, rising or not.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from screening.evaluate.metrics.response import Outcome, ResponseCurves, fit_response

__all__ = [
    "COVER",
    "DetectionCurve",
    "DetectionCurves",
    "Outcome",
    "ResponseCurves",
    "fit_detection_curve",
    "fit_detection_curves",
    "fit_response",
]

#: The fitted curve, without chance, must go from at most the first at the weakest activity of the grid to at
#: least the second at the strongest (scoring, weak-source benchmark).
COVER = (0.02, 0.99)


class DetectionCurves(NamedTuple):
    """Curves of detection against activity.

    Attributes
    ----------
    response : ResponseCurves
        In the logarithm of the activity.
    """

    response: ResponseCurves

    @property
    def outcome(self) -> NDArray[np.str_]:
        """Outcome of each fit."""
        return self.response.outcome

    @property
    def midpoint(self) -> NDArray[np.float64]:
        """Activity at which half of the detections not due to chance are made."""
        with np.errstate(over="ignore"):
            found: NDArray[np.float64] = np.exp(self.response.location)
        return found

    def mda(self, p: float = 0.95) -> NDArray[np.float64]:
        """Return the activities detected with probability p.

        Parameters
        ----------
        p : float
            Between 0 and 1.

        Returns
        -------
        ndarray of shape (n_fit,), float64
            In the unit of the activities; not-a-number where there is no fit, or p is not above chance.
        """
        with np.errstate(over="ignore"):  # a curve that hardly rises reaches p nowhere
            found: NDArray[np.float64] = np.exp(self.response.at(p))
        return found


class DetectionCurve(NamedTuple):
    """One curve of detection against activity, with the counts it was fitted to.

    Attributes
    ----------
    outcome : str
        "fitted", or why there is no number: "never detected", "always detected", "separated" (a step
        between two activities), "not rising", "not converged", "not covered" (the grid does not reach from
        0.02 to 0.99), "no trials".
    m, s : float or None
        Mean and width in the logarithm of the activity.
    chance : float
        Pd without a source, fixed.
    deviance : float or None
        Of the fit.
    n_activity : int
        Activities.
    curves : DetectionCurves
        The same as arrays of one fit.
    """

    outcome: str
    m: float | None
    s: float | None
    chance: float
    deviance: float | None
    n_activity: int
    curves: DetectionCurves

    @property
    def is_fitted(self) -> bool:
        """Whether there is a curve."""
        return self.outcome == "fitted"

    @property
    def midpoint(self) -> float | None:
        """Activity at which half of the detections not due to chance are made; None without a fit."""
        return float(np.exp(self.m)) if self.m is not None else None

    def probability(self, activity: ArrayLike) -> NDArray[np.float64]:
        """Return the fitted probability of detection.

        Parameters
        ----------
        activity : array-like of shape (n,), float64
            Above 0.

        Returns
        -------
        ndarray of shape (n,), float64
            Not-a-number without a fit.
        """
        x = np.log(np.asarray(activity, dtype=np.float64))
        found: NDArray[np.float64] = self.curves.response.probability(x)[0]
        return found

    def mda(self, p: float = 0.95) -> float | None:
        """Return the activity detected with probability p.

        Parameters
        ----------
        p : float
            Above chance and below 1.

        Returns
        -------
        float or None
            In the unit of the activities; None without a fit.

        Raises
        ------
        ValueError
            If p is not between chance and 1.
        """
        if not self.chance < p < 1.0:
            raise ValueError(f"p must lie between chance ({self.chance}) and 1, got {p}")
        return float(self.curves.mda(p)[0]) if self.is_fitted else None


def fit_detection_curve(
    activity: ArrayLike,
    n_detected: ArrayLike,
    n_pass: ArrayLike,
    *,
    chance: float,
    cover: tuple[float, float] | None = COVER,
) -> DetectionCurve:
    """Fit the probability of detection against activity.

    Parameters
    ----------
    activity : array-like of shape (n_activity,), float64
        Above 0, any unit.
    n_detected, n_pass : array-like of shape (n_activity,), int
        Passes detected, and passes. One number of passes serves for all activities.
    chance : float
        Share of passes without a source that alarm.
    cover : (float, float) or None
        Probabilities (without chance) the grid must reach on both sides; None asks for nothing.

    Returns
    -------
    DetectionCurve
        The fit, or why there is none.
    """
    counts = np.asarray(n_detected)[None, :]
    curves = fit_detection_curves(activity, counts, n_pass, chance=chance, cover=cover)
    fit, outcome = curves.response, str(curves.outcome[0])
    has = outcome == "fitted"
    return DetectionCurve(
        outcome=outcome,
        m=float(fit.location[0]) if has else None,
        s=float(fit.scale[0]) if has else None,
        chance=float(chance),
        deviance=float(fit.deviance[0]) if has else None,
        n_activity=counts.shape[1],
        curves=curves,
    )


def fit_detection_curves(
    activity: ArrayLike,
    n_detected: ArrayLike,
    n_pass: ArrayLike,
    *,
    chance: ArrayLike,
    cover: tuple[float, float] | None = COVER,
) -> DetectionCurves:
    """Fit many curves of detection against activity at once.

    Parameters
    ----------
    activity : array-like of shape (n_activity,) or (n_fit, n_activity), float64
        Above 0, any unit.
    n_detected : array-like of shape (n_fit, n_activity), int
        Passes detected.
    n_pass : array-like, broadcast to (n_fit, n_activity), int
        Passes.
    chance : array-like, broadcast to (n_fit,), float64
        Share of passes without a source that alarm.
    cover : (float, float) or None
        As for :func:`fit_detection_curve`.

    Returns
    -------
    DetectionCurves
        One for each row.

    Raises
    ------
    ValueError
        If an activity is not above 0, or counts are none.
    """
    levels = np.asarray(activity, dtype=np.float64)
    if not np.all(np.isfinite(levels) & (levels > 0)):
        raise ValueError("activities must be finite and above 0")
    found = fit_response(
        np.log(levels), n_detected, n_pass, chance=chance, link="probit", rising=True, cover=cover
    )
    return DetectionCurves(found)

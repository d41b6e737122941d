"""Curves: any of a report, and those made from scores and counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from screening.evaluate.metrics.curves import Roc, auc, roc
from screening.evaluate.metrics.froc import Froc
from screening.evaluate.metrics.proportions import clopper_pearson
from screening.evaluate.metrics.sigmoid import DetectionCurve, fit_detection_curve
from screening.evaluate.record import Curve

from .drawing import Display, draw_line, set_scale, style_of

__all__ = ["CurveDisplay", "DetDisplay", "DetectionCurveDisplay", "FrocDisplay", "RocDisplay"]


class CurveDisplay(Display):
    """A curve of a report.

    Parameters
    ----------
    curve : Curve
        Its numbers.
    """

    def __init__(self, curve: Curve) -> None:
        self.curve = curve

    @classmethod
    def from_curve(cls, curve: Curve) -> Self:
        """Return a display of a curve.

        Parameters
        ----------
        curve : Curve
            As it stands in a report.

        Returns
        -------
        CurveDisplay
            Not drawn yet.
        """
        return cls(curve)

    def plot(self, ax: Any | None = None) -> Self:
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where; new ones when omitted.

        Returns
        -------
        CurveDisplay
            Itself.
        """
        ax = self._on(ax)
        curve = self.curve
        names = [series.name for series in curve.series]
        xs, ys = [np.empty(0)], [np.empty(0)]
        for series in curve.series:
            x, y, low, high = (_numbers(v) for v in (series.x, series.y, series.low, series.high))
            draw_line(
                ax,
                x,
                y,
                low=low,
                high=high,
                kind=series.style,
                label=series.name,
                **style_of(series.name, names),
            )
            xs, ys = [*xs, x], [*ys, y, low, high]
        set_scale(ax, "x", curve.x_scale, np.concatenate(xs))
        set_scale(ax, "y", curve.y_scale, np.concatenate(ys))
        ax.set(xlabel=curve.x_label, ylabel=curve.y_label, title=curve.title)
        if names:
            ax.legend(frameon=False)
        return self


class RocDisplay(Display):
    """Probability of detection against false alarm probability.

    Parameters
    ----------
    roc : Roc
        Operating points.
    name : str
        The detector.
    """

    def __init__(self, roc: Roc, *, name: str = "") -> None:
        self.roc, self.name = roc, name
        self.auc = auc(roc)

    @classmethod
    def from_scores(cls, scores: ArrayLike, truth: ArrayLike, *, name: str = "") -> Self:
        """Return the display of a score.

        Parameters
        ----------
        scores : array-like of shape (n,), float64
            Higher means more likely positive.
        truth : array-like of shape (n,), bool
            Positive or not.
        name : str
            The detector.

        Returns
        -------
        RocDisplay
            Not drawn yet.
        """
        return cls(roc(scores, truth), name=name)

    def plot(self, ax: Any | None = None, *, is_log: bool = False) -> Self:
        """Draw it, on axes that may hold others.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where; new ones when omitted.
        is_log : bool
            A logarithmic axis of false alarms: where a screening detector works.

        Returns
        -------
        RocDisplay
            Itself.
        """
        ax = self._on(ax)
        label = f"{self.name}, area {self.auc:.3f}" if self.name else f"area {self.auc:.3f}"
        style = _next_style(ax)
        draw_line(ax, self.roc.fpr, self.roc.tpr, kind="step", label=label, **style)
        if is_log:
            set_scale(ax, "x", "log", self.roc.fpr)
        ax.set(xlabel="false alarm probability", ylabel="probability of detection")
        ax.legend(frameon=False)
        return self


class DetDisplay(Display):
    """Probability of a miss against false alarm probability, both as normal deviates.

    Parameters
    ----------
    fpr, fnr : ndarray of shape (n_point,), float64
        Operating points.
    name : str
        The detector.
    """

    def __init__(self, fpr: NDArray[np.float64], fnr: NDArray[np.float64], *, name: str = "") -> None:
        self.fpr, self.fnr, self.name = fpr, fnr, name

    @classmethod
    def from_scores(cls, scores: ArrayLike, truth: ArrayLike, *, name: str = "") -> Self:
        """Return the display of a score.

        Parameters
        ----------
        scores : array-like of shape (n,), float64
            Higher means more likely positive.
        truth : array-like of shape (n,), bool
            Positive or not.
        name : str
            The detector.

        Returns
        -------
        DetDisplay
            Not drawn yet.
        """
        found = roc(scores, truth)
        return cls(found.fpr, 1.0 - found.tpr, name=name)

    def plot(self, ax: Any | None = None) -> Self:
        """Draw it, on axes that may hold others.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where; new ones when omitted.

        Returns
        -------
        DetDisplay
            Itself. Points with a share of 0 or 1 have no normal deviate and are not drawn.
        """
        ax = self._on(ax)
        inside = (self.fpr > 0.0) & (self.fpr < 1.0) & (self.fnr > 0.0) & (self.fnr < 1.0)
        draw_line(ax, self.fpr[inside], self.fnr[inside], label=self.name, **_next_style(ax))
        lines = [line.get_xydata() for line in ax.get_lines()]
        drawn = np.concatenate([np.asarray(points, dtype=np.float64) for points in lines])
        set_scale(ax, "x", "probit", drawn[:, 0])
        set_scale(ax, "y", "probit", drawn[:, 1])
        ax.set(xlabel="false alarm probability", ylabel="probability of a miss")
        if self.name:
            ax.legend(frameon=False)
        return self


class FrocDisplay(Display):
    """Share of objects found against false alarms per picture.

    Parameters
    ----------
    curve : Froc
        Its points.
    name : str
        The detector.
    """

    def __init__(self, curve: Froc, *, name: str = "") -> None:
        self.froc, self.name = curve, name

    @classmethod
    def from_froc(cls, curve: Froc, *, name: str = "") -> Self:
        """Return the display of a free-response curve.

        Parameters
        ----------
        curve : Froc
            From :func:`screening.evaluate.metrics.froc.froc`.
        name : str
            The detector.

        Returns
        -------
        FrocDisplay
            Not drawn yet.
        """
        return cls(curve, name=name)

    def plot(self, ax: Any | None = None, *, with_threats: bool = False) -> Self:
        """Draw it, on axes that may hold others.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where; new ones when omitted.
        with_threats : bool
            Count false alarms on pictures with threats, instead of on clean ones.

        Returns
        -------
        FrocDisplay
            Itself.
        """
        ax = self._on(ax)
        x = self.froc.nlf_with if with_threats else self.froc.nlf
        draw_line(ax, x, self.froc.llf, kind="step", label=self.name, **_next_style(ax))
        set_scale(ax, "x", "log", x)
        which = "with threats" if with_threats else "without threats"
        ax.set(xlabel=f"false alarms per picture {which}", ylabel="share of objects found", ylim=(0.0, 1.02))
        if self.name:
            ax.legend(frameon=False)
        return self


class DetectionCurveDisplay(Display):
    """Detection against activity: shares with exact intervals, the fitted curve, and its activity at p.

    Parameters
    ----------
    activity : ndarray of shape (n_activity,), float64
        In `unit`.
    n_detected, n_pass : ndarray of shape (n_activity,), int64
        Counts.
    fit : DetectionCurve
        Fitted to them.
    p : float
        Probability whose activity is marked.
    name, unit : str
        The detector, and the unit of the activity.
    """

    def __init__(
        self,
        activity: NDArray[np.float64],
        n_detected: NDArray[np.int64],
        n_pass: NDArray[np.int64],
        fit: DetectionCurve,
        *,
        p: float = 0.95,
        name: str = "",
        unit: str = "kBq",
    ) -> None:
        self.activity, self.n_detected, self.n_pass = activity, n_detected, n_pass
        self.fit, self.p, self.name, self.unit = fit, p, name, unit
        self.mda = fit.mda(p)
        bounds = [clopper_pearson(int(k), int(n)) for k, n in zip(n_detected, n_pass, strict=True)]
        self.low = np.array([bound.low for bound in bounds])
        self.high = np.array([bound.high for bound in bounds])

    @classmethod
    def from_counts(
        cls,
        activity: ArrayLike,
        n_detected: ArrayLike,
        n_pass: ArrayLike,
        *,
        chance: float = 0.0,
        p: float = 0.95,
        name: str = "",
        unit: str = "kBq",
    ) -> Self:
        """Return the display of counts, with the curve fitted to them.

        Parameters
        ----------
        activity : array-like of shape (n_activity,), float64
            Above 0.
        n_detected, n_pass : array-like of shape (n_activity,), int
            Passes with an alarm, and all.
        chance : float
            Probability of an alarm without a source.
        p : float
            Probability whose activity is marked.
        name, unit : str
            The detector, and the unit of the activity.

        Returns
        -------
        DetectionCurveDisplay
            Not drawn yet.
        """
        a = np.asarray(activity, dtype=np.float64)
        k = np.asarray(n_detected, dtype=np.int64)
        n = np.broadcast_to(np.asarray(n_pass, dtype=np.int64), k.shape)
        return cls(a, k, n, fit_detection_curve(a, k, n, chance=chance), p=p, name=name, unit=unit)

    def plot(self, ax: Any | None = None) -> Self:
        """Draw it, on axes that may hold others.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where; new ones when omitted.

        Returns
        -------
        DetectionCurveDisplay
            Itself. Without a fit the points stand alone, and the legend says why.
        """
        ax = self._on(ax)
        style = _next_style(ax)
        share = self.n_detected / self.n_pass
        name = self.name or "measured"
        label = name if self.fit.is_fitted else f"{name}, no curve: {self.fit.outcome}"
        draw_line(ax, self.activity, share, low=self.low, high=self.high, kind="points", label=label, **style)
        if self.fit.is_fitted:
            fine = np.geomspace(self.activity.min(), self.activity.max(), 200)
            line = {key: style[key] for key in ("color", "linestyle", "linewidth")}
            mda = "" if self.mda is None else f", {self.p:g} at {self.mda:.4g} {self.unit}"
            ax.plot(fine, self.fit.probability(fine), label=f"fit{mda}", **line)
            if self.mda is not None:
                ax.plot(
                    [self.mda, self.mda], [0.0, self.p], color=style["color"], linewidth=0.8, linestyle=":"
                )
        set_scale(ax, "x", "log", self.activity)
        ax.set(xlabel=f"activity, {self.unit}", ylabel="probability of detection", ylim=(-0.02, 1.04))
        ax.legend(frameon=False)
        return self


def _numbers(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _next_style(ax: Any) -> dict[str, Any]:
    """Return the style of the next display on some axes."""
    n_drawn = len(ax.get_legend_handles_labels()[0])
    names = [str(i) for i in range(n_drawn + 1)]
    return style_of(names[-1], names)

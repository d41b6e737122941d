"""What all displays share: matplotlib when it is needed, axes, scales."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from screening.errors import ConfigurationError
from screening.evaluate.report.ink import DASHES, MARKS, Pen, pens
from screening.evaluate.report.scales import PROBIT_EDGE, scale_of

__all__ = ["Display", "draw_line", "require_pyplot", "set_scale", "style_of"]

#: matplotlib's names of the marks.
_MARKERS = dict(zip(MARKS, "os^DvPX", strict=True))


class Display:
    """A picture that holds its numbers.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        After :meth:`plot`.
    """

    ax_: Any
    figure_: Any

    def _on(self, ax: Any | None) -> Any:
        """Return the axes to draw on, new ones when none are given, and remember them."""
        if ax is None:
            _, ax = require_pyplot().subplots()
        self.ax_, self.figure_ = ax, ax.figure
        return ax


def require_pyplot() -> Any:
    """Return matplotlib's pyplot.

    Returns
    -------
    module
        ``matplotlib.pyplot``.

    Raises
    ------
    ConfigurationError
        If matplotlib is not installed.
    """
    try:
        return import_module("matplotlib.pyplot")
    except ImportError:
        raise ConfigurationError(
            "displays need matplotlib: install screening with the extra 'report'", value="matplotlib"
        ) from None


def style_of(name: str, others: list[str]) -> dict[str, Any]:
    """Return how the line of a name is drawn among others, as in the page.

    Parameters
    ----------
    name : str
        The line.
    others : list of str
        All lines of the picture, this one too.

    Returns
    -------
    dict of str to object
        ``color``, ``linestyle``, ``marker`` and the like.
    """
    pen: Pen = pens(others)[name]
    lengths = tuple(float(piece) for piece in DASHES[DASHES.index(pen.dash)].split())
    return {
        "color": pen.colour,
        "linestyle": (0, tuple(length / 1.5 for length in lengths)) if lengths else "-",
        "marker": _MARKERS[pen.mark],
        "markersize": 4.5,
        "linewidth": 1.6,
    }


def set_scale(ax: Any, which: str, kind: str, values: NDArray[np.float64]) -> None:
    """Set one axis to a scale that shows all of some numbers, with the ticks of the page.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes.
    which : {"x", "y"}
        Which.
    kind : {"linear", "log", "probit"}
        Scale.
    values : ndarray of float64
        What must be seen.
    """
    axis = ax.xaxis if which == "x" else ax.yaxis
    if kind == "log":
        (ax.set_xscale if which == "x" else ax.set_yscale)("log", nonpositive="clip")
        low, high = ax.get_xlim() if which == "x" else ax.get_ylim()
        ticks = [t for t in scale_of("log", np.array([low, high])).ticks if low <= t.value <= high]
        labelled = [t for t in ticks if t.label]
        axis.set_ticks([t.value for t in labelled], [t.label for t in labelled])
        axis.set_ticks([t.value for t in ticks if not t.label], minor=True)
        axis.set_minor_formatter(import_module("matplotlib.ticker").NullFormatter())
    elif kind == "probit":
        (ax.set_xscale if which == "x" else ax.set_yscale)("function", functions=(_deviate, ndtr))
        scale = scale_of("probit", values)
        (ax.set_xlim if which == "x" else ax.set_ylim)(scale.low, scale.high)
        axis.set_ticks([tick.value for tick in scale.ticks], [tick.label for tick in scale.ticks])
        axis.set_ticks([], minor=True)


def draw_line(
    ax: Any,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    low: NDArray[np.float64] | None = None,
    high: NDArray[np.float64] | None = None,
    kind: str = "line",
    label: str = "",
    **style: Any,
) -> None:
    """Draw a line, steps or points, with a band or bars.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes.
    x, y : ndarray of shape (n,), float64
        Points; not-a-number is a gap.
    low, high : ndarray of shape (n,), float64, optional
        Band.
    kind : {"line", "step", "points"}
        How.
    label : str
        For the legend.
    **style : object
        Of matplotlib's ``plot``.
    """
    has_band = low is not None and high is not None and low.size == x.size
    if kind == "points":
        style["linestyle"] = "none"
        if has_band and low is not None and high is not None:
            bars = np.maximum(0.0, np.vstack([y - low, high - y]))
            ax.errorbar(x, y, yerr=bars, label=label, capsize=2, **style)
            return
    else:
        style["markevery"] = max(1, x.size // 6)
    if kind == "step":
        style["drawstyle"] = "steps-post"
    ax.plot(x, y, label=label, **style)
    if has_band:
        step = "post" if kind == "step" else None
        ax.fill_between(x, low, high, step=step, color=style.get("color"), alpha=0.14, linewidth=0)


def _deviate(share: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = ndtri(np.clip(share, PROBIT_EDGE, 1.0 - PROBIT_EDGE))
    return found

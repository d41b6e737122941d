"""Axes: where a number stands on a linear, logarithmic or probit scale, and which ticks it gets."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

__all__ = ["Scale", "Tick", "scale_of"]

Kind = Literal["linear", "log", "probit"]

#: Shares an axis of normal deviates may show: both tails to one in a million.
PROBIT_TICKS = (
    *(10.0**-i for i in range(6, 2, -1)),
    *(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998),
    *(1.0 - 10.0**-i for i in range(3, 7)),
)
PROBIT_EDGE = 1e-6
#: Share of an axis kept apart at an end for what it cannot show.
END = 0.1
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Tick(NamedTuple):
    """A mark on an axis.

    Attributes
    ----------
    value : float
        Where.
    label : str
        What is written; empty for a small mark.
    """

    value: float
    label: str


class Scale(NamedTuple):
    """An axis.

    Attributes
    ----------
    kind : {"linear", "log", "probit"}
        What is even on it.
    low, high : float
        Its ends.
    ticks : tuple of Tick
        Its marks.
    """

    kind: Kind
    low: float
    high: float
    ticks: tuple[Tick, ...]

    def place(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where values stand along the axis.

        Parameters
        ----------
        values : ndarray of float64
            Numbers, NaN where there is none.

        Returns
        -------
        ndarray of float64
            0 at the low end, 1 at the high end; values beyond an end stand on it.
        """
        clipped = np.clip(values, self.low, self.high)
        low, high = (_even(self.kind, np.array(end)) for end in (self.low, self.high))
        placed: NDArray[np.float64] = (_even(self.kind, clipped) - low) / (high - low)
        return placed


def scale_of(kind: Kind, values: NDArray[np.float64], *, n_tick: int = 6) -> Scale:
    """Return an axis that shows all of some numbers.

    Parameters
    ----------
    kind : {"linear", "log", "probit"}
        What is even on it. What a logarithmic axis (0 and below) or a probit axis (0, 1 and beyond)
        cannot show stands on its end, which lies apart from the numbers it can show and is labelled 0 or 1.
    values : ndarray of float64
        Numbers; those that are not finite are passed over.
    n_tick : int
        About how many labelled marks.

    Returns
    -------
    Scale
        The axis.
    """
    shown = values[np.isfinite(values)]
    if kind == "linear":
        return _linear_scale(shown, n_tick)
    lowest = "≤ 0" if (shown < 0.0).any() else "0" if (shown == 0.0).any() else ""
    if kind == "log":
        return _with_ends(_log_scale(shown[shown > 0.0], n_tick), lowest, "")
    highest = "≥ 1" if (shown > 1.0).any() else "1" if (shown == 1.0).any() else ""
    return _with_ends(_probit_scale(shown[(shown > 0.0) & (shown < 1.0)]), lowest, highest)


def _with_ends(scale: Scale, lowest: str, highest: str) -> Scale:
    """Return an axis with ends for what it cannot show: on its last number that would be read as it."""
    low, high = (float(_even(scale.kind, np.array(end))) for end in (scale.low, scale.high))
    room = END * (high - low)
    ticks = scale.ticks
    if lowest:
        scale = scale._replace(low=_back(scale.kind, low - room))
        ticks = (Tick(scale.low, lowest), *ticks)
    if highest:
        scale = scale._replace(high=_back(scale.kind, high + room))
        ticks = (*ticks, Tick(scale.high, highest))
    return scale._replace(ticks=ticks)


def _back(kind: Kind, value: float) -> float:
    return float(10.0**value if kind == "log" else ndtr(value))


def _even(kind: Kind, values: NDArray[np.float64]) -> NDArray[np.float64]:
    if kind == "log":
        return np.log10(values)
    if kind == "probit":
        deviates: NDArray[np.float64] = ndtri(values)
        return deviates
    return values


def _linear_scale(values: NDArray[np.float64], n_tick: int) -> Scale:
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    if low >= 0.0 and low < 0.5 * high:
        low = 0.0
    if not high > low:  # all numbers are equal
        low, high = min(low, 0.0), max(high, 0.0) or float(low == 0.0)
    step = _round_step((high - low) / n_tick)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    decimals = next(
        (d for d in range(12) if abs(step * 10**d - round(step * 10**d)) < 1e-6 * 10**d * step), 12
    )
    ticks = [Tick(i * step, _decimal(i * step, decimals)) for i in range(first, last + 1)]
    return Scale("linear", first * step, last * step, tuple(ticks))


def _log_scale(values: NDArray[np.float64], n_tick: int) -> Scale:
    low, high = (float(values.min()), float(values.max())) if values.size else (0.1, 1.0)
    if high / low < 1.05:
        low, high = low / 2.0, high * 2.0
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    digits = range(1, 10)
    marks = [(digit, power) for power in range(first, last + 1) for digit in digits]
    inner = [(d, p) for d, p in marks if low / 1.001 <= d * 10.0**p <= high * 1.001]
    below = max((d * 10.0**p for d, p in marks if d * 10.0**p <= low * 1.001), default=10.0**first)
    above = min((d * 10.0**p for d, p in marks if d * 10.0**p >= high / 1.001), default=10.0**last)
    n_decade = math.log10(above / below)
    every = max(1, math.ceil(n_decade / n_tick))
    if n_decade > 2.0:
        labelled = {(1, p) for p in range(first, last + 1) if p % every == 0}
    elif n_decade > 0.7:
        labelled = {(d, p) for d, p in marks if d in (1, 2, 5)}
    else:
        labelled = (
            set(marks) if len(inner) <= n_tick + 2 else {(d, p) for d, p in marks if d in (1, 2, 3, 5, 7)}
        )
    ticks = [
        Tick(d * 10.0**p, _power(d, p) if (d, p) in labelled else "")
        for d, p in marks
        if below / 1.001 <= d * 10.0**p <= above * 1.001 and (d == 1 or n_decade <= 5.0)
    ]
    return Scale("log", below, above, tuple(ticks))


def _probit_scale(values: NDArray[np.float64]) -> Scale:
    low, high = (float(values.min()), float(values.max())) if values.size else (0.01, 0.99)
    low, high = max(low, PROBIT_EDGE), min(high, 1.0 - PROBIT_EDGE)
    below = max((t for t in PROBIT_TICKS if t <= low * 1.001), default=PROBIT_EDGE)
    above = min((t for t in PROBIT_TICKS if t >= high * 0.9999), default=1.0 - PROBIT_EDGE)
    if not above > below:
        below, above = min(below, 0.4), max(above, 0.6)
    ticks: list[Tick] = []
    room = (float(ndtri(above)) - float(ndtri(below))) / 9.0  # closer labels would run into each other
    for value in (t for t in PROBIT_TICKS if below <= t <= above):
        is_apart = not ticks or float(ndtri(value) - ndtri(ticks[-1].value)) >= room
        if is_apart:
            ticks.append(
                Tick(
                    value,
                    f"{value:.6f}".rstrip("0") if value >= 1e-3 else _power(1, round(math.log10(value))),
                )
            )
    return Scale("probit", below, above, tuple(ticks))


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return float(next(d for d in (1.0, 2.0, 2.5, 5.0, 10.0) if d * power >= rough * 0.999) * power)


def _decimal(value: float, decimals: int) -> str:
    if abs(value) >= 1e6 or (value and abs(value) < 1e-4):
        return f"{value:.3g}"
    return f"{value:.{decimals}f}"


def _power(digit: int, power: int) -> str:
    if -3 <= power <= 4:
        value = digit * 10.0**power
        return f"{value:.{max(0, -power)}f}"
    times = "" if digit == 1 else f"{digit}·"
    return f"{times}10{str(power).translate(SUPERSCRIPTS)}"

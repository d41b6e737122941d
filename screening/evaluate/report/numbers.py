"""How a number is written: one rule for the page, the terminal and the documents."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from screening.evaluate.record import Figure

__all__ = [
    "Words",
    "counted",
    "figure_words",
    "is_number",
    "p_words",
    "rounded",
    "shortened_numbers",
    "trials_words",
    "unit_words",
]

SIGNIFICANT = 4  #: digits of a number without an interval
MISSING = "none"
#: Method of a figure of a detector that never makes the claim it is about, and how such a figure is written.
NO_CLAIM = "none: no claim"
NOTHING = "–"
#: Nouns whose plural is not made by "s"; units that are symbols have none.
PLURALS = {"occupancy": "occupancies"}
NOUNS = ("hour", "picture", "pass", "scan", "image", "day", "scene", "container", "trip")
#: Unit of a figure that is a verdict: 1 pass, 0 fail, no value inconclusive.
VERDICT = "verdict"

#: So many numbers in a row are cut to the first few.
MANY_NUMBERS = re.compile(r"\b\d+(?:, \d+){12,}\b")
FIRST_NUMBERS = 8


class Words(NamedTuple):
    """A figure in words.

    Attributes
    ----------
    value : str
        The number, or "none".
    interval : str
        "[0.91, 0.98]"; empty without one.
    trials : str
        "38 of 40", "3 in 240 hours"; empty without them.
    """

    value: str
    interval: str
    trials: str


def counted(n: int, one: str, more: str) -> str:
    """Return a number with its noun.

    Parameters
    ----------
    n : int
        How many.
    one, more : str
        The noun for one, and for any other number.

    Returns
    -------
    str
        "1 figure", "2 figures".
    """
    return f"{n} {one if n == 1 else more}"


def is_number(value: float | None) -> bool:
    """Return whether there is a finite number.

    Parameters
    ----------
    value : float or None
        Perhaps a number.

    Returns
    -------
    bool
        False for None, infinite and not-a-number.
    """
    return value is not None and math.isfinite(value)


def rounded(value: float | None, *, spread: float | None = None) -> str:
    """Return a number with as many digits as are worth reading.

    Parameters
    ----------
    value : float or None
        The number.
    spread : float, optional
        Half the width of its interval: two digits of that are shown. Four significant digits without.

    Returns
    -------
    str
        "none" where there is no number.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if spread is None or not math.isfinite(spread) or spread <= 0.0:
        if value == round(value) and abs(value) < 1e9:
            return f"{value:.0f}"
        return _fixed(value, SIGNIFICANT - 1 - _exponent(value))
    return _fixed(value, 1 - _exponent(spread))


def figure_words(figure: Figure) -> Words:
    """Return value, interval and trials of a figure, with one number of decimals.

    Parameters
    ----------
    figure : Figure
        The figure.

    Returns
    -------
    Words
        For a table.
    """
    if figure.unit == VERDICT:
        said = {1.0: "pass", 0.0: "fail"}.get(-1.0 if figure.value is None else figure.value, "inconclusive")
        return Words(said, "", trials_words(figure))
    if figure.value is None and figure.method == NO_CLAIM:
        return Words(NOTHING, "", "")
    spread = None
    interval = ""
    low, high = (bound if is_number(bound) else None for bound in (figure.low, figure.high))
    if low is not None and high is not None:
        spread = 0.5 * (high - low)
        interval = f"[{rounded(low, spread=spread)}, {rounded(high, spread=spread)}]"
    elif low is not None:
        interval = f"at least {rounded(low)}"
    elif high is not None:
        interval = f"at most {rounded(high)}"
    return Words(rounded(figure.value, spread=spread), interval, trials_words(figure))


def shortened_numbers(words: str) -> str:
    """Return words with long lists of numbers cut short.

    Parameters
    ----------
    words : str
        Perhaps with "trials 1, 2, 3, ...".

    Returns
    -------
    str
        The first eight numbers and how many there are; all are in report.json.
    """

    def _cut(found: re.Match[str]) -> str:
        numbers = found.group().split(", ")
        return f"{', '.join(numbers[:FIRST_NUMBERS])} and {len(numbers) - FIRST_NUMBERS} more"

    return MANY_NUMBERS.sub(_cut, words)


def trials_words(figure: Figure) -> str:
    """Return the trials behind a figure.

    Parameters
    ----------
    figure : Figure
        The figure.

    Returns
    -------
    str
        Empty without any.
    """
    if figure.n is None or not math.isfinite(figure.n):
        return "" if figure.k is None or figure.k == figure.value else f"{figure.k}"
    if figure.k is None:
        return f"n = {rounded(figure.n)}"
    if figure.unit.startswith("1/"):
        return f"{figure.k} in {rounded(figure.n)} {_plural(figure.unit[2:], figure.n)}"
    return f"{figure.k} of {rounded(figure.n)}"


def unit_words(unit: str, metric: str = "") -> str:
    """Return the unit as it stands behind a metric.

    Parameters
    ----------
    unit : str
        Of a figure.
    metric : str
        Which may name the unit already.

    Returns
    -------
    str
        ", kBq"; ", per hour" for "1/hour"; empty where there is nothing to add.
    """
    said = f"per {unit[2:]}" if unit.startswith("1/") else unit
    return "" if not said or said == VERDICT or metric.endswith(said) else f", {said}"


def _plural(noun: str, n: float) -> str:
    if n == 1 or (noun not in PLURALS and noun not in NOUNS):
        return noun
    return PLURALS.get(noun, f"{noun}es" if noun.endswith("s") else f"{noun}s")


def p_words(p: float | None) -> str:
    """Return a p-value.

    Parameters
    ----------
    p : float or None
        Of a test.

    Returns
    -------
    str
        Three decimals, or a power of ten where it is small; empty without one.
    """
    if p is None or not math.isfinite(p):
        return ""
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1e}"


def _exponent(value: float) -> int:
    return math.floor(math.log10(abs(value))) if value else 0


def _fixed(value: float, decimals: int) -> str:
    if value and (abs(value) < 1e-4 or abs(value) >= 1e9):
        return f"{value:.{max(1, min(decimals + _exponent(value), 6))}e}"
    text = f"{value:.{max(0, min(decimals, 9))}f}"
    return text.removeprefix("-") if float(text) == 0.0 else text

"""Pass, fail or inconclusive, from counts: exact one-sided bounds, and how many trials it takes.

A requirement is met when the one-sided bound at the plan's confidence says so, not when the observed share
does. Between "shown to be met" and "shown not to be met" lies "inconclusive": too few trials.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from screening.evaluate.metrics.proportions import clopper_pearson, garwood

__all__ = ["Judgement", "judge_at_least", "judge_at_most", "judge_rate"]

Verdict = Literal["pass", "fail", "inconclusive"]

#: More trials than this are not asked for: the true value then lies too near the requirement.
MOST_TRIALS = 1_000_000


class Judgement(NamedTuple):
    """What counts say of a requirement.

    Attributes
    ----------
    verdict : {"pass", "fail", "inconclusive"}
        Pass: the bound lies on the right side of the requirement. Fail: the other bound lies on the wrong
        side. Inconclusive: neither.
    value : float
        Observed share, or rate.
    lower, upper : float
        Exact one-sided bounds, each at the confidence.
    needed : float or None
        Trials (or exposure) in all that would decide if the share stayed as observed; None when decided,
        or when more than a million would be needed.
    """

    verdict: Verdict
    value: float
    lower: float
    upper: float
    needed: float | None


def judge_at_least(k: int, n: int, required: float, confidence: float) -> Judgement:
    """Judge successes against a least probability.

    Parameters
    ----------
    k, n : int
        Successes and trials, n at least 1.
    required : float
        Least probability of success.
    confidence : float
        Of each one-sided bound.

    Returns
    -------
    Judgement
        Pass when the lower bound reaches `required`; fail when the upper bound lies below it.
    """
    return _judge(k, n, required, confidence, is_floor=True)


def judge_at_most(k: int, n: int, maximum: float, confidence: float) -> Judgement:
    """Judge events against a largest probability.

    Parameters
    ----------
    k, n : int
        Events and trials, n at least 1.
    maximum : float
        Largest probability of the event.
    confidence : float
        Of each one-sided bound.

    Returns
    -------
    Judgement
        Pass when the upper bound is at most `maximum`; fail when the lower bound lies above it.
    """
    return _judge(k, n, maximum, confidence, is_floor=False)


def judge_rate(k: int, exposure: float, maximum: float, confidence: float) -> Judgement:
    """Judge events in an exposure against a largest rate.

    Parameters
    ----------
    k : int
        Events.
    exposure : float
        How much was watched, above 0.
    maximum : float
        Largest rate, per unit of the exposure.
    confidence : float
        Of each one-sided bound (Garwood).

    Returns
    -------
    Judgement
        As :func:`judge_at_most`.

    Raises
    ------
    ValueError
        If the exposure is not above 0.
    """
    if not exposure > 0.0:
        raise ValueError(f"exposure must be above 0, got {exposure!r}")
    lower, upper = _poisson_bounds(k, confidence)
    verdict = _verdict(lower / exposure, upper / exposure, maximum, is_floor=False)
    needed = None
    if verdict == "inconclusive":
        factor = 1.1
        while factor < MOST_TRIALS:
            low, high = _poisson_bounds(round(k * factor), confidence)
            if high <= maximum * exposure * factor or low > maximum * exposure * factor:
                needed = exposure * factor
                break
            factor *= 1.1
    return Judgement(verdict, k / exposure, lower / exposure, upper / exposure, needed)


def _judge(k: int, n: int, limit: float, confidence: float, *, is_floor: bool) -> Judgement:
    lower, upper = _bounds(k, n, confidence)
    verdict = _verdict(lower, upper, limit, is_floor=is_floor)
    needed: float | None = None
    if verdict == "inconclusive":
        total = n
        while total < MOST_TRIALS:
            total = max(total + 1, math.ceil(total * 1.02))
            low, high = _bounds(round(k / n * total), total, confidence)
            if _verdict(low, high, limit, is_floor=is_floor) != "inconclusive":
                needed = float(total)
                break
    return Judgement(verdict, k / n, lower, upper, needed)


def _bounds(k: int, n: int, confidence: float) -> tuple[float, float]:
    return (
        clopper_pearson(k, n, confidence=confidence, side="lower").low,
        clopper_pearson(k, n, confidence=confidence, side="upper").high,
    )


def _poisson_bounds(k: int, confidence: float) -> tuple[float, float]:
    return (
        garwood(k, confidence=confidence, side="lower").low,
        garwood(k, confidence=confidence, side="upper").high,
    )


def _verdict(lower: float, upper: float, limit: float, *, is_floor: bool) -> Verdict:
    if is_floor:
        return "pass" if lower >= limit else "fail" if upper < limit else "inconclusive"
    return "pass" if upper <= limit else "fail" if lower > limit else "inconclusive"

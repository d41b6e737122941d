"""How many samples a claim takes, and how likely a plan is to pass.

A plan is: n trials, at most so many misses (or false alarms). It passes when the exact one-sided bound then
lies on the right side of the limit, so that what passes has shown the claim at its confidence.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
from scipy import special, stats

from screening.evaluate.metrics.exact import tail

__all__ = [
    "PairedPlan",
    "Plan",
    "detection_plan",
    "false_alarm_plan",
    "mcnemar_power",
    "paired_plan",
    "plan_table",
    "power",
    "rate_plan_hours",
]

MAX_TRIALS = 10_000_000


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A test that shows a probability to be above, or below, a limit.

    Attributes
    ----------
    kind : {"detection", "false alarm"}
        Whether the probability must be at least, or below, the limit.
    limit : float
        The limit.
    confidence : float
        One-sided.
    n : int
        Trials.
    n_allowed : int
        Misses (detection) or false alarms up to which the test passes.
    bound : float
        The exact one-sided bound if just so many happen.
    """

    kind: Literal["detection", "false alarm"]
    limit: float
    confidence: float
    n: int
    n_allowed: int
    bound: float

    @property
    def text(self) -> str:
        """The plan for people."""
        if self.kind == "detection":
            return (
                f"{self.n - self.n_allowed} of {self.n} detected shows a probability of detection of at "
                f"least {self.limit:g} at {self.confidence:.0%} confidence (bound {self.bound:.4f}); "
                f"misses allowed: {self.n_allowed}."
            )
        return (
            f"at most {self.n_allowed} false alarms in {self.n} trials shows a false alarm probability "
            f"below {self.limit:g} at {self.confidence:.0%} confidence (bound {self.bound:.3g})."
        )


class PairedPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How many samples two detectors must both see for a difference to show.

    Attributes
    ----------
    only_a, only_b : float
        Supposed shares of samples that only a, or only b, gets right.
    confidence, power : float
        Two-sided confidence of McNemar's exact test, and probability that it finds the difference.
    n : int
        Samples.
    """

    only_a: float
    only_b: float
    confidence: float
    power: float
    n: int

    @property
    def text(self) -> str:
        """The plan for people."""
        return (
            f"{self.n} samples seen by both detectors tell them apart with probability {self.power:.0%} at "
            f"{self.confidence:.0%} confidence, if a alone is right on {self.only_a:.1%} and b alone on "
            f"{self.only_b:.1%} of samples."
        )


def detection_plan(limit: float, *, n_allowed: int = 0, confidence: float = 0.95) -> Plan:
    """Return the fewest trials that show a probability of detection.

    Parameters
    ----------
    limit : float
        The probability must be at least this, between 0 and 1.
    n_allowed : int
        Misses up to which the test passes.
    confidence : float
        One-sided.

    Returns
    -------
    Plan
        59 trials for 0.95 at 95 % without a miss, 93 with one, 124 with two.

    Raises
    ------
    ValueError
        If the limit is not between 0 and 1, or the number allowed is negative.

    Notes
    -----
    The lower bound of Clopper and Pearson reaches the limit just if the binomial probability of so few misses
    at the limit is at most 1 - confidence.
    """
    n = _fewest(1.0 - limit, n_allowed, confidence)
    bound = float(stats.beta.ppf(1.0 - confidence, n - n_allowed, n_allowed + 1))
    return Plan(kind="detection", limit=limit, confidence=confidence, n=n, n_allowed=n_allowed, bound=bound)


def false_alarm_plan(limit: float, *, n_allowed: int = 0, confidence: float = 0.95) -> Plan:
    """Return the fewest benign trials that show a false alarm probability below a limit.

    Parameters
    ----------
    limit : float
        The probability must be below this, between 0 and 1.
    n_allowed : int
        False alarms up to which the test passes.
    confidence : float
        One-sided.

    Returns
    -------
    Plan
        2,995 trials for 1e-3 at 95 % without a false alarm.

    Raises
    ------
    ValueError
        If the limit is not between 0 and 1, or the number allowed is negative.
    """
    n = _fewest(limit, n_allowed, confidence)
    bound = float(stats.beta.ppf(confidence, n_allowed + 1, n - n_allowed))
    return Plan(kind="false alarm", limit=limit, confidence=confidence, n=n, n_allowed=n_allowed, bound=bound)


def rate_plan_hours(limit_per_h: float, *, n_allowed: int = 0, confidence: float = 0.95) -> float:
    """Return the fewest hours of background that show a rate of false alarms below a limit.

    Parameters
    ----------
    limit_per_h : float
        Above 0.
    n_allowed : int
        False alarms up to which the test passes.
    confidence : float
        One-sided.

    Returns
    -------
    float
        Hours: Garwood's upper bound of so many events, over the limit.

    Raises
    ------
    ValueError
        If the limit is not above 0, or the number allowed is negative.
    """
    if not limit_per_h > 0 or n_allowed < 0:
        raise ValueError(f"a limit of {limit_per_h} per hour with {n_allowed} allowed")
    return float(0.5 * stats.chi2.ppf(1.0 - tail(confidence, "upper"), 2 * n_allowed + 2) / limit_per_h)


def power(plan: Plan, probability: float) -> float:
    """Return how likely a plan is to pass.

    Parameters
    ----------
    plan : Plan
        The test.
    probability : float
        True probability of detection, or of a false alarm.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    ValueError
        If the probability is not in [0, 1].
    """
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"a probability lies in [0, 1], got {probability}")
    bad = 1.0 - probability if plan.kind == "detection" else probability
    return float(stats.binom.cdf(plan.n_allowed, plan.n, bad))


def plan_table(
    limit: float,
    *,
    kind: Literal["detection", "false alarm"] = "detection",
    most_allowed: int = 5,
    confidence: float = 0.95,
) -> list[Plan]:
    """Return plans with none up to several misses or false alarms allowed.

    Parameters
    ----------
    limit : float
        Between 0 and 1.
    kind : {"detection", "false alarm"}
        What is shown.
    most_allowed : int
        Of the last plan.
    confidence : float
        One-sided.

    Returns
    -------
    list of Plan
        One for each number allowed.
    """
    make = detection_plan if kind == "detection" else false_alarm_plan
    return [make(limit, n_allowed=x, confidence=confidence) for x in range(most_allowed + 1)]


def paired_plan(
    only_a: float, only_b: float, *, confidence: float = 0.95, required_power: float = 0.8
) -> PairedPlan:
    """Return how many samples both detectors must see for McNemar's exact test to find a difference.

    Parameters
    ----------
    only_a, only_b : float
        Supposed shares of samples that only a, or only b, gets right.
    confidence : float
        Two-sided.
    required_power : float
        Probability of finding the difference.

    Returns
    -------
    PairedPlan
        The smallest n from which on the power stays at or above the one asked over the next hundredth of n:
        the power of an exact test does not rise evenly.

    Raises
    ------
    ValueError
        If shares are not of a difference, or more than 200,000 samples would be needed.
    """
    if not (0.0 <= only_a <= 1.0 and 0.0 <= only_b <= 1.0 and only_a + only_b <= 1.0) or only_a == only_b:
        raise ValueError(f"shares of {only_a} and {only_b} are no difference to be found")
    z = special.ndtri([1.0 - tail(confidence), required_power])
    discordant, effect = only_a + only_b, abs(only_a - only_b)
    # Start below the normal approximation: Connor, Biometrics 43 (1987) 207.
    root = z[0] * np.sqrt(discordant) + z[1] * np.sqrt(max(discordant - effect**2, 0.0))
    n = max(1, int(0.7 * (root / effect) ** 2))
    if n > 200_000:
        raise ValueError(f"about {n} samples would be needed, more than can be planned for here")
    while True:
        step = max(1, n // 100)
        checked = range(n, n + step + 1)
        weak = [m for m in checked if mcnemar_power(m, only_a, only_b, confidence) < required_power]
        if not weak:
            break
        n = weak[-1] + 1
    found = mcnemar_power(n, only_a, only_b, confidence)
    return PairedPlan(only_a=only_a, only_b=only_b, confidence=confidence, power=found, n=n)


def mcnemar_power(n: int, only_a: float, only_b: float, confidence: float = 0.95) -> float:
    """Return the probability that McNemar's exact test finds a difference.

    Parameters
    ----------
    n : int
        Samples.
    only_a, only_b : float
        True shares of samples that only a, or only b, gets right.
    confidence : float
        Two-sided.

    Returns
    -------
    float
        Exact, up to outcomes with less than 1e-9 in all.
    """
    discordant = only_a + only_b
    low = int(stats.binom.ppf(5e-10, n, discordant))
    high = int(stats.binom.ppf(1.0 - 5e-10, n, discordant))
    d = np.arange(max(low, 1), high + 1)
    # The largest number on one side that is significant among d.
    critical = stats.binom.ppf(tail(confidence), d, 0.5)
    critical -= stats.binom.cdf(critical, d, 0.5) > tail(confidence)
    share = only_a / discordant
    found = stats.binom.cdf(critical, d, share) + stats.binom.sf(d - critical - 1, d, share)
    return float(np.sum(stats.binom.pmf(d, n, discordant) * np.where(critical >= 0, found, 0.0)))


def _fewest(bad: float, n_allowed: int, confidence: float) -> int:
    """Return the smallest n with P(at most n_allowed of n | bad) <= 1 - confidence."""
    error = tail(confidence, "upper")
    if not 0.0 < bad < 1.0 or n_allowed < 0:
        raise ValueError(f"a limit of {bad} (or its complement) with {n_allowed} allowed")
    low, high = n_allowed, n_allowed + 1
    while stats.binom.cdf(n_allowed, high, bad) > error * (1.0 + 1e-12):
        low, high = high, 2 * high
        if high > MAX_TRIALS:
            raise ValueError(f"more than {MAX_TRIALS} trials would be needed")
    while high - low > 1:
        middle = (low + high) // 2
        is_enough = stats.binom.cdf(n_allowed, middle, bad) <= error * (1.0 + 1e-12)
        low, high = (low, middle) if is_enough else (middle, high)
    return high

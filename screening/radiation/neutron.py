"""The neutron test: exact Poisson, conditional on a measured background and its own uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, pdtr

from screening.records import Occupancy

from .gross import log10_excess_p
from .occupancy import MOST_COUNTS, sliding_sum
from .settings import NeutronSettings

__all__ = ["NeutronTest", "attained_size", "measure_neutrons"]


@dataclass(frozen=True, slots=True)
class NeutronTest:
    """Neutron counts of one pass against their background.

    Attributes
    ----------
    background_cps : float or None
        Background rate over all panels; None without one.
    max_cps : float or None
        Highest rate over a window; None if none was seen whole.
    max_nsigma : float or None
        Largest (S - B) / sqrt(B), for the reader; the alarm rests on `log10_p`.
    log10_p : float
        Smallest conditional probability of a window, times the number of windows tested.
    attained_size : float or None
        Probability that a pass of this background alarms without a source, the discreteness of
        counts and the number of windows taken into account (an upper bound: windows overlap).
    window_s : float
        Length of the shortest window tested, seconds; 0 if none could be.
    is_alarm : bool
        Whether the pass alarms.
    n_lost : int
        Readings that are missing.
    n_dead : int
        Panels that counted nothing, or improbably little, where counts were expected.
    log10_deficit : float or None
        Log10 of the probability of so few counts, the most improbable of all panels and their sum,
        with the suppression that a load may cause; None without a background.
    """

    background_cps: float | None
    max_cps: float | None
    max_nsigma: float | None
    log10_p: float
    attained_size: float | None
    window_s: float
    is_alarm: bool
    n_lost: int
    n_dead: int
    log10_deficit: float | None = None


def attained_size(total: int, share: float, alpha: float) -> float:
    """Return the size a conditional binomial test attains.

    Parameters
    ----------
    total : int
        Counts of window and background together.
    share : float
        Probability that one of them falls into the window, without a source.
    alpha : float
        Nominal size.

    Returns
    -------
    float
        P(X >= k) for the smallest k with P(X >= k) <= alpha, X binomial; 0 if no outcome alarms.
    """

    def _tail(k: int) -> float:
        return float(betainc(float(k), total - k + 1.0, share))

    # The tail falls with k, and totals may be large: halve.
    low, high = 1, total
    if total < 1 or _tail(total) > alpha:
        return 0.0
    while low < high:
        middle = (low + high) // 2
        if _tail(middle) <= alpha:
            high = middle
        else:
            low = middle + 1
    return _tail(low)


def measure_neutrons(occupancy: Occupancy, settings: NeutronSettings) -> NeutronTest:
    """Test the neutron counts of a pass, all panels summed.

    Windows of the shortest allowed length and the whole pass are tested. Given the counts of window
    and background together, the window's count is binomial (Przyborowski and Wilenski, Biometrika 31
    (1940) 313), with the ship effect as part of the null hypothesis; the probabilities are
    multiplied by the number of windows. Without a background, each window is held against the rest
    of its own pass; a background of a few seconds is joined by that rest.

    Parameters
    ----------
    occupancy : Occupancy
        A pass with neutron counts.
    settings : NeutronSettings
        Window, size and ship effect.

    Returns
    -------
    NeutronTest
        The result.
    """
    raw = np.minimum(np.asarray(occupancy.neutron_counts, dtype=np.int64), MOST_COUNTS)
    interval_s = np.asarray(occupancy.neutron_interval_s, dtype=np.float64)
    whole = (raw >= 0).all(axis=1) & (interval_s >= 1e-3) & (interval_s <= 1e7)
    counts = np.where(whole, raw.sum(axis=1), 0).astype(np.float64)
    time_s = np.where(whole, interval_s, 0.0)
    rates = _background_rates(occupancy, raw.shape[1])
    live_s = occupancy.background.live_time_s if occupancy.background is not None else 0.0
    background_cps = float(rates.sum()) if rates is not None else None

    windows = _windows(counts, time_s, settings.min_window_s)
    log10_p = 0.0
    size: float | None = None
    tested: list[float] = []
    max_cps: float | None = None
    max_nsigma: float | None = None
    n_looks = max(1, len(windows))
    alpha = settings.false_alarm / n_looks
    for n, t in windows:
        max_cps = n / t if max_cps is None else max(max_cps, n / t)
        if background_cps is not None:
            reference, reference_s = round(background_cps * live_s), live_s
            if live_s < settings.short_background_s:
                reference += round(counts.sum() - n)
                reference_s += float(time_s.sum()) - t
            expected = background_cps * t
            if expected > 0:
                nsigma = (n - expected) / math.sqrt(expected)
                max_nsigma = nsigma if max_nsigma is None else max(max_nsigma, nsigma)
        else:
            reference, reference_s = round(counts.sum() - n), float(time_s.sum()) - t
        if reference_s <= 0:
            continue
        tested.append(t)
        odds = settings.ship_effect * t / reference_s
        p = float(log10_excess_p(n, reference, odds)) + math.log10(n_looks)
        if p <= log10_p:
            log10_p = p
            size = n_looks * attained_size(round(n) + reference, odds / (1.0 + odds), alpha)
    n_dead = 0
    log10_deficit: float | None = None
    if rates is not None:
        expected_panel = rates * float(time_s.sum())
        seen = np.where(raw >= 0, raw, 0).sum(axis=0)
        panel_s = (np.where(raw >= 0, 1.0, 0.0) * time_s[:, np.newaxis]).sum(axis=0)
        deficit = _log10_deficit(seen, panel_s, rates, live_s, settings)
        is_silent = (seen == 0) & (expected_panel >= settings.min_expected_dead)
        n_dead = int((is_silent | (deficit[:-1] < math.log10(settings.dead_probability))).sum())
        log10_deficit = float(deficit.min())
    return NeutronTest(
        background_cps=background_cps,
        max_cps=max_cps,
        max_nsigma=max_nsigma,
        log10_p=log10_p,
        attained_size=size,
        window_s=min(tested, default=0.0),
        is_alarm=log10_p <= math.log10(settings.false_alarm),
        n_lost=int((~whole).sum()),
        n_dead=n_dead,
        log10_deficit=log10_deficit,
    )


def _log10_deficit(
    seen: NDArray[np.int64],
    panel_s: NDArray[np.float64],
    rates: NDArray[np.float64],
    live_s: float,
    settings: NeutronSettings,
) -> NDArray[np.float64]:
    """Return log10 of the probability of counts as few as seen, by panel and then of their sum.

    Exact: a deficit of the pass is an excess of its background, binomial given the counts of both; and
    Poisson where the background does not say how long it was averaged.
    """
    left = 1.0 - settings.max_suppression
    counts = np.append(seen, seen.sum()).astype(np.float64)
    time_s = np.append(panel_s, float(panel_s.mean()))
    cps = np.append(rates, rates.sum())
    if live_s < settings.short_background_s:
        found = np.log10(np.maximum(pdtr(counts, left * cps * time_s), 1e-300))
    else:
        ratio = live_s / (left * np.maximum(time_s, 1e-9))
        found = log10_excess_p(np.rint(cps * live_s), counts, ratio)
    return np.asarray(np.where(np.isfinite(found), found, 0.0), dtype=np.float64)


def _background_rates(occupancy: Occupancy, n_panel: int) -> NDArray[np.float64] | None:
    """Return the neutron background by panel, or None if it cannot be used."""
    background = occupancy.background
    if background is None or background.neutron_cps is None:
        return None
    rates = np.asarray(background.neutron_cps, dtype=np.float64)
    # A rate of zero is no background: neutron tubes count cosmic neutrons all day, and a threshold
    # on zero would alarm at the first of them.
    usable = rates.shape == (n_panel,) and np.isfinite(rates).all() and (rates >= 0).all() and rates.sum() > 0
    return rates if usable and math.isfinite(background.live_time_s) else None


def _windows(
    counts: NDArray[np.float64], time_s: NDArray[np.float64], min_window_s: float
) -> list[tuple[float, float]]:
    """Return (counts, seconds) of every window of the shortest length, and of the whole pass."""
    total_s = float(time_s.sum())
    if total_s <= 0:
        return []
    cadence = float(np.median(time_s[time_s > 0]))
    width = max(1, math.ceil(min_window_s / cadence - 1e-6))
    found = [(float(counts.sum()), total_s)] if total_s >= 0.99 * min_window_s else []
    if width < counts.shape[0]:
        sums = sliding_sum(np.stack([counts, time_s], axis=1), width)
        found += [(float(n), float(t)) for n, t in sums if t >= 0.99 * width * cadence]
    return found

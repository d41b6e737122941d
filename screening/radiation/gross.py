"""Gross-count tests of one pass: the portal's own rule, and contrast where there is no background."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from screening.kernels import count_windows

from .occupancy import PassCounts, covered_intervals, sliding_sum
from .settings import RadiationSettings

__all__ = ["ContrastTest", "GrossTest", "apply_gross_rule", "compare_within_pass", "log10_excess_p"]

#: Where the tail of the beta integral underflows, log10 p is reported as this.
_LOG10_FLOOR = -300.0

#: How far the loudest window may lie above both ends of a pass without a source: a vehicle casts
#: its shadow on the ends too, if unequally.
_PROFILE_RATIO = 1.6


@dataclass(frozen=True, slots=True)
class GrossTest:
    """The portal alarm rule applied to one pass.

    Attributes
    ----------
    nsigma : ndarray of shape (n_window, n_group), float64
        (S - B) / sqrt(B); NaN where nothing was expected.
    max_nsigma : float or None
        The largest; None if no window could be tested.
    max_group : str or None
        Group of panels it came from.
    max_window : int or None
        First interval of that window.
    n_alarm_windows : int
        Windows (of all groups) above the threshold.
    is_alarm : bool or None
        Whether any window alarmed; None if none could be tested.
    in_alarm : ndarray of shape (n_interval,), bool
        Intervals that lie in an alarming window.
    ratio : ndarray of shape (n_window,), float64
        S / B of the sum over all panels; NaN where nothing was expected.
    """

    nsigma: NDArray[np.float64]
    max_nsigma: float | None
    max_group: str | None
    max_window: int | None
    n_alarm_windows: int
    is_alarm: bool | None
    in_alarm: NDArray[np.bool_]
    ratio: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ContrastTest:
    """Loudest against quietest window of one pass, without a background.

    Attributes
    ----------
    ratio : float or None
        Largest over smallest rate of a window, all panels; None if no window was seen whole or the
        quietest is empty.
    log10_p : float
        Logarithm of the probability of the most significant comparison, times the number of
        comparisons made; 0 if nothing could be compared.
    method : str
        "windows" (loudest against quietest) or "profile" (loudest against both ends of the pass).
    group : str
        Group of panels it came from.
    is_alarm : bool
        Whether the pass alarms.
    in_alarm : ndarray of shape (n_interval,), bool
        Intervals of the loudest window and of every other window as far above the quietest.
    quiet : ndarray of shape (n_interval,), bool
        The quietest intervals, for a background from within the pass.
    """

    ratio: float | None
    log10_p: float
    method: str
    group: str
    is_alarm: bool
    in_alarm: NDArray[np.bool_]
    quiet: NDArray[np.bool_]


def apply_gross_rule(counts: PassCounts, background_cps: NDArray[np.float64], n_sigma: float) -> GrossTest:
    """Apply the portal alarm rule to every window and group of panels.

    A window alarms if S > B + n_sigma sqrt(B), B the expected background counts of the window.
    Every window counts, those before the occupancy included, as in the portal.

    Parameters
    ----------
    counts : PassCounts
        The pass.
    background_cps : ndarray of shape (n_panel,), float64
        Background rates, finite and not negative, counts/s.
    n_sigma : float
        Threshold.

    Returns
    -------
    GrossTest
        The result.

    Notes
    -----
    A complete pass of one cadence goes through the kernel. Where readings are missing, or intervals
    differ, S and B are both summed over what was seen, so that a panel's silence lowers the
    threshold with the counts and hides nothing.
    """
    window = counts.window
    sums = sliding_sum(counts.group_sum(counts.counts), window)
    time_s = counts.panel_time_s
    expected = sliding_sum(counts.group_sum(time_s * background_cps), window)
    if counts.is_regular and counts.n_window and (expected > 0).all():
        background = np.array([background_cps[list(group)].sum() for group in counts.groups])
        background *= window * float(np.median(counts.interval_s))
        grouped = np.ascontiguousarray(counts.group_sum(counts.counts), dtype=np.int64)
        nsigma = count_windows(grouped, background, window=window, n_sigma=n_sigma).nsigma
        expected = np.broadcast_to(background, sums.shape)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            nsigma = np.where(expected > 0, (sums - expected) / np.sqrt(expected), np.nan)
    above = nsigma > n_sigma
    in_alarm = covered_intervals(np.asarray(above.any(axis=1)), window, counts.n_interval)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(expected[:, 0] > 0, sums[:, 0] / expected[:, 0], np.nan)
    valid = np.isfinite(nsigma)
    if not valid.any():
        return GrossTest(nsigma, None, None, None, 0, None, in_alarm, ratio)
    i, group = np.unravel_index(int(np.nanargmax(nsigma)), nsigma.shape)
    return GrossTest(
        nsigma=nsigma,
        max_nsigma=float(nsigma[i, group]),
        max_group=counts.group_names[group],
        max_window=int(i),
        n_alarm_windows=int(above.sum()),
        is_alarm=bool(above.any()),
        in_alarm=in_alarm,
        ratio=ratio,
    )


def log10_excess_p(
    n_signal: NDArray[np.float64] | float,
    n_reference: NDArray[np.float64] | float,
    ratio: NDArray[np.float64] | float,
) -> NDArray[np.float64]:
    """Probability of an excess at least as large between two Poisson counts.

    Given their total n, the first count is binomial with probability ratio / (1 + ratio) if the
    true means stand in that ratio (Przyborowski and Wilenski, Biometrika 31 (1940) 313). The tail
    is the regularised incomplete beta integral.

    Parameters
    ----------
    n_signal, n_reference : ndarray of float64
        The two counts.
    ratio : ndarray of float64
        Largest ratio of their means under the null hypothesis (> 0).

    Returns
    -------
    ndarray of float64
        log10 of the probability, not below -300; 0 where `n_signal` is 0.
    """
    signal = np.asarray(n_signal, dtype=np.float64)
    reference = np.asarray(n_reference, dtype=np.float64)
    share = ratio / (1.0 + ratio)
    tail = betainc(np.maximum(signal, 1.0), reference + 1.0, share)
    tail = np.where(signal > 0, tail, 1.0)
    with np.errstate(divide="ignore"):
        return np.maximum(np.log10(tail), _LOG10_FLOOR)


def compare_within_pass(counts: PassCounts, settings: RadiationSettings) -> ContrastTest:
    """Compare the loudest window of a pass with its quietest, and with both its ends.

    Without a background, a vehicle's shadow alone makes one window quieter than another: the null
    hypothesis lets the rates differ by what suppression explains, 1 / (1 - max_suppression). The
    profile test asks for less contrast but for the shape of a source: a peak above both ends of the
    pass, where a shadow gives a dip. Each probability is multiplied by the number of comparisons.

    Parameters
    ----------
    counts : PassCounts
        The pass.
    settings : RadiationSettings
        `max_suppression` and `contrast_false_alarm`.

    Returns
    -------
    ContrastTest
        The result. A pass of constant rate never alarms here: it has no contrast, and no answer.
    """
    n_interval, window = counts.n_interval, counts.window
    nothing = np.zeros(n_interval, dtype=bool)
    sums = sliding_sum(counts.group_sum(counts.counts), window)
    time_s = sliding_sum(counts.group_sum(counts.panel_time_s), window)
    # A window in which a panel was silent is quiet for the wrong reason.
    whole = time_s >= 0.999 * time_s.max(axis=0, initial=0.0)
    whole &= time_s > 0
    n_looks = max(1, counts.n_window**2 * len(counts.groups))
    best: tuple[float, str, str] = (0.0, "windows", "SUM")
    ratio: float | None = None
    quiet_window, loud_window = 0, 0
    for group, name in enumerate(counts.group_names):
        usable = np.flatnonzero(whole[:, group])
        if usable.size < 2:
            continue
        rates = sums[usable, group] / time_s[usable, group]
        low, high = int(usable[np.argmin(rates)]), int(usable[np.argmax(rates)])
        if group == 0:
            ratio = float(rates.max() / rates.min()) if rates.min() > 0 else None
            quiet_window, loud_window = low, high
        ends = max(sums[usable[0], group], sums[usable[-1], group])
        for method, reference, allowed in (
            ("windows", sums[low, group], 1.0 / (1.0 - settings.max_suppression)),
            ("profile", ends, _PROFILE_RATIO),
        ):
            log10_p = float(log10_excess_p(sums[high, group], reference, allowed)) + math.log10(n_looks)
            best = min(best, (log10_p, method, name))
    is_alarm = best[0] < math.log10(settings.contrast_false_alarm)
    in_alarm, quiet = nothing.copy(), nothing.copy()
    if ratio is not None or counts.n_window:
        quiet = _quietest(counts, sums[:, 0], whole[:, 0], quiet_window)
    if is_alarm and counts.n_window:
        floor = sums[quiet_window, 0] + settings.n_sigma * math.sqrt(max(1.0, sums[quiet_window, 0]))
        level = 0.5 * (floor + sums[loud_window, 0])
        in_alarm = covered_intervals(sums[:, 0] >= level, window, n_interval)
        quiet &= ~in_alarm
    return ContrastTest(ratio, min(best[0], 0.0), best[1], best[2], is_alarm, in_alarm, quiet)


def _quietest(
    counts: PassCounts, sums: NDArray[np.float64], whole: NDArray[np.bool_], quiet_window: int
) -> NDArray[np.bool_]:
    """Return the intervals of the quietest windows, about an eighth of the pass."""
    quiet = np.zeros(counts.n_interval, dtype=bool)
    order = np.argsort(np.where(whole, sums, np.inf), kind="stable")
    wanted = max(counts.window, counts.n_interval // 8)
    for i in (quiet_window, *order.tolist()):
        if quiet.sum() >= wanted or not whole[i]:
            break
        quiet[i : i + counts.window] = True
    return quiet

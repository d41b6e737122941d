"""The background a pass is held against: its age, its health, and how the vehicle suppresses it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.records import Background, ReasonCode, ScanIdentity

from .gross import GrossTest
from .occupancy import PassCounts, sliding_sum
from .quality import GateList
from .settings import RadiationSettings

__all__ = [
    "Suppression",
    "background_age_s",
    "check_age",
    "check_background",
    "check_panels",
    "measure_suppression",
]


@dataclass(frozen=True, slots=True)
class Suppression:
    """How far the pass fell below its background.

    Attributes
    ----------
    largest_dip : float or None
        1 - S / B of the quietest window; negative if every window lies above background. Biased
        upwards by counting noise, as in the log its limit comes from.
    typical : float
        Median of 1 - S / B over windows apart from the tested ones, 0 to `max_suppression`; 0 where
        there is none. For scaling a background, never for a threshold.
    is_collapse : bool
        The quietest window is too quiet for a shadow.
    """

    largest_dip: float | None
    typical: float
    is_collapse: bool


def background_age_s(background: Background, identity: ScanIdentity) -> int | None:
    """Return the age of a background at the start of a scan.

    Parameters
    ----------
    background : Background
        The background.
    identity : ScanIdentity
        The scan's times.

    Returns
    -------
    int or None
        Seconds, negative if the background is younger; None if either time is unknown.
    """
    if background.t_end_utc is None or identity.t_start_utc is None:
        return None
    return round((identity.t_start_utc - background.t_end_utc).total_seconds())


def check_age(
    gates: GateList, background: Background, identity: ScanIdentity, settings: RadiationSettings
) -> None:
    """Gate the age of a background; one that is younger than the scan, or of no known age, is stale.

    Parameters
    ----------
    gates : GateList
        Where the gate goes.
    background : Background
        The background.
    identity : ScanIdentity
        The scan's times.
    settings : RadiationSettings
        Limits. Only a portal's own background may end shortly after the start, inside the look-back.
    """
    age = background_age_s(background, identity)
    lead = settings.background_overlap_s if background.origin == "portal" else 0.0
    if age is not None and age < -lead:
        # Said by a name of its own: a negative age reads like an arithmetic slip.
        gates.at_most("background_newer_than_scan_s", ReasonCode.BKG_STALE, -age, lead)
        return
    fresh = age is not None and age <= settings.max_background_age_s
    gates.add("background_age_s", ReasonCode.BKG_STALE, age, settings.max_background_age_s, passed=fresh)


def check_background(
    gates: GateList,
    background: Background | None,
    identity: ScanIdentity,
    n_panel: int,
    settings: RadiationSettings,
    *,
    is_portal: bool,
) -> NDArray[np.float64] | None:
    """Gate a background's presence, age and health, and return the rates to test against.

    Parameters
    ----------
    gates : GateList
        Where the gates go.
    background : Background or None
        The background.
    identity : ScanIdentity
        The scan's times.
    n_panel : int
        Panels of the scan.
    settings : RadiationSettings
        Limits.
    is_portal : bool
        Whether the limits of a portal's panels apply; a handheld's crystal may be small.

    Returns
    -------
    ndarray of shape (n_panel,), float64, or None
        Rates, counts/s; None if there is nothing that a threshold can stand on: no background, one
        of another number of panels, or rates that are zero or not finite (a background of zero
        would make a threshold of zero).
    """
    rates: NDArray[np.float64] | None = None
    if background is not None and background.gamma_cps.shape == (n_panel,):
        rates = np.asarray(background.gamma_cps, dtype=np.float64)
        sound = np.isfinite(rates).all() and (rates >= 0).all() and rates.sum() > 0
        if not (sound and math.isfinite(background.live_time_s)):
            rates = None
    gates.at_least("background", ReasonCode.BKG_MISSING, float(rates is not None), 1)
    if background is None:
        return None
    check_age(gates, background, identity, settings)
    if rates is None or not is_portal:
        return rates
    gates.at_least(
        "background_min_cps", ReasonCode.Q_DETECTOR_DEAD, float(rates.min()), settings.min_panel_cps
    )
    gates.at_most("background_max_cps", ReasonCode.Q_SATURATED, float(rates.max()), settings.max_panel_cps)
    spread = float(rates.max() / rates.min()) if rates.min() > 0 else None
    gates.at_most("background_panel_ratio", ReasonCode.Q_DETECTOR_DEAD, spread, settings.max_panel_ratio)
    return rates


def check_panels(
    gates: GateList, counts: PassCounts, background_cps: NDArray[np.float64], settings: RadiationSettings
) -> None:
    """Gate panels that count far less in the pass than in the background.

    Parameters
    ----------
    gates : GateList
        Where the gate goes.
    counts : PassCounts
        The pass.
    background_cps : ndarray of shape (n_panel,), float64
        Background rates.
    settings : RadiationSettings
        Limits.
    """
    expected = counts.panel_time_s.sum(axis=0) * background_cps
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(expected > 0, counts.counts.sum(axis=0) / expected, 0.0)
    gates.at_least(
        "panel_fraction", ReasonCode.Q_DETECTOR_DEAD, float(share.min()), settings.min_panel_fraction
    )


def measure_suppression(
    gates: GateList,
    counts: PassCounts,
    test: GrossTest,
    background_cps: NDArray[np.float64],
    settings: RadiationSettings,
) -> Suppression:
    """Measure how far the pass fell below its background, and gate it.

    Parameters
    ----------
    gates : GateList
        Where the gates go.
    counts : PassCounts
        The pass.
    test : GrossTest
        The alarm rule applied to it.
    background_cps : ndarray of shape (n_panel,), float64
        Background rates.
    settings : RadiationSettings
        Limits.

    Returns
    -------
    Suppression
        The dips.
    """
    ratio = test.ratio
    valid = np.isfinite(ratio)
    dip = float(1.0 - ratio[valid].min()) if valid.any() else None
    gates.at_most("suppression", ReasonCode.RAD_BASELINE_SUPPRESSED, dip, settings.max_suppression)
    # One pillar may collapse while the other counts on, so each group is looked at.
    expected = sliding_sum(counts.group_sum(counts.panel_time_s * background_cps), counts.window)
    sums = sliding_sum(counts.group_sum(counts.counts), counts.window)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (sums + 2.0 * np.sqrt(sums + 1.0)) / expected
    quietest = float(np.nanmin(np.where(expected > 0, share, np.nan), initial=np.inf))
    fine = gates.at_least(
        "collapse",
        ReasonCode.Q_SATURATED,
        quietest if np.isfinite(quietest) else None,
        settings.collapse_fraction,
    )
    window = counts.window
    tested = sliding_sum(test.in_alarm[:, np.newaxis].astype(np.float64), window)[:, 0] > 0
    inside = np.arange(ratio.shape[0]) >= counts.n_prior
    apart = valid & ~tested & inside & (ratio < 1.0)
    typical = (
        float(np.clip(np.median(1.0 - ratio[apart]), 0.0, settings.max_suppression)) if apart.any() else 0.0
    )
    return Suppression(largest_dip=dip, typical=typical, is_collapse=not fine)

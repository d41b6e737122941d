"""Gamma counts of one pass: the alarm rule, its background and gates, and what they leave to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from screening.records import (
    Background,
    CountMeasurement,
    Finding,
    FlagModality,
    Occupancy,
    ReasonCode,
    Scan,
    decimal_string,
)

from .background import check_background, check_panels, measure_suppression
from .gross import ContrastTest, GrossTest, apply_gross_rule, compare_within_pass
from .limits import detection_limit_mbq
from .occupancy import PassCounts, sliding_sum
from .products import time_products
from .quality import (
    GateList,
    check_counts,
    check_coverage,
    check_device,
    check_occupancy,
    check_speed,
)
from .quality_spectra import check_copies
from .settings import RadiationSettings

__all__ = ["GammaEvidence", "weigh_pass"]


@dataclass(slots=True)
class GammaEvidence:
    """What the gamma counts of one scan say, and which part of it to look at in energy.

    Attributes
    ----------
    gates : GateList
        Every gate applied.
    findings : list of Finding
        Alarms.
    scores : dict of str to str
        Figures for the flag.
    measurement : CountMeasurement or None
        For the public JSON.
    detection_limit_mbq : float or None
        Cs-137 at the lane's centre.
    foreground : ndarray of shape (n_interval,), bool
        Intervals to identify.
    quiet : ndarray of shape (n_interval,), bool, or None
        Intervals that may serve as background.
    background : Background or None
        The background, if it passed as one.
    typical_suppression : float
        Share of background the vehicle keeps off.
    extent : float
        Share of the pass at half the excess or more; 0 without an alarm.
    products : dict of str to ndarray
        Time profile.
    """

    gates: GateList
    foreground: NDArray[np.bool_]
    findings: list[Finding] = field(default_factory=list)
    scores: dict[str, str] = field(default_factory=dict)
    measurement: CountMeasurement | None = None
    detection_limit_mbq: float | None = None
    quiet: NDArray[np.bool_] | None = None
    background: Background | None = None
    typical_suppression: float = 0.0
    extent: float = 0.0
    products: dict[str, NDArray[Any]] = field(default_factory=dict)


def weigh_pass(
    scan: Scan, occupancy: Occupancy, counts: PassCounts, settings: RadiationSettings
) -> GammaEvidence:
    """Apply the alarm rule and every gate to one pass.

    Parameters
    ----------
    scan : Scan
        The scan.
    occupancy : Occupancy
        Its payload.
    counts : PassCounts
        Its counts.
    settings : RadiationSettings
        Limits.

    Returns
    -------
    GammaEvidence
        The evidence.
    """
    gates = GateList()
    occupied = np.arange(counts.n_interval) >= counts.n_prior
    evidence = GammaEvidence(gates=gates, foreground=occupied if occupied.any() else ~occupied)
    rates = check_background(
        gates, occupancy.background, scan.identity, counts.n_panel, settings, is_portal=True
    )
    check_coverage(gates, occupancy, counts, settings)
    check_occupancy(gates, occupancy, counts, settings)
    speed = check_speed(gates, occupancy, counts, settings)
    is_overloaded = check_counts(gates, occupancy, counts, settings)
    check_copies(gates, occupancy, counts)
    check_device(gates, occupancy, FlagModality.RAD_GROSS)

    contrast = compare_within_pass(counts, settings)
    test: GrossTest | None = None
    if rates is not None:
        evidence.background = occupancy.background
        test = apply_gross_rule(counts, rates, settings.n_sigma)
        check_panels(gates, counts, rates, settings)
        suppression = measure_suppression(gates, counts, test, rates, settings)
        is_overloaded |= suppression.is_collapse
        evidence.typical_suppression = suppression.typical
        evidence.detection_limit_mbq = _limit(
            occupancy, counts, rates, suppression.largest_dip, speed, settings
        )
        evidence.scores["suppression"] = decimal_string(suppression.largest_dip)
    gates.at_most(
        "detection_limit_mbq_cs137",
        ReasonCode.Q_COVERAGE,
        evidence.detection_limit_mbq,
        settings.max_detection_limit_mbq,
    )
    evidence.measurement = _measurement(counts, rates, test, contrast)
    evidence.scores |= {
        "max_nsigma": decimal_string(evidence.measurement.max_nsigma),
        "contrast": decimal_string(contrast.ratio),
        "contrast_log10_p": decimal_string(contrast.log10_p),
        "detection_limit_mbq_cs137": decimal_string(evidence.detection_limit_mbq),
    }
    _choose_intervals(evidence, test, contrast)
    if evidence.measurement.alarm:
        evidence.extent = _extent(counts, test, contrast)
    if test is not None and test.is_alarm:
        evidence.findings.append(_rule_finding(counts, test, evidence.measurement, settings, is_overloaded))
    elif test is None and contrast.is_alarm:
        evidence.findings.append(_contrast_finding(contrast, evidence.measurement, is_overloaded))
    if is_overloaded and not evidence.findings:
        # Beside an alarm, the alarm itself is the severe finding.
        evidence.findings.append(
            Finding(
                code=ReasonCode.Q_SATURATED,
                text="counts were lost to overload, or fell further than a vehicle's shadow explains",
                is_severe=True,
            )
        )
    evidence.products = time_products(counts, test, rates, settings.n_sigma)
    return evidence


def _choose_intervals(evidence: GammaEvidence, test: GrossTest | None, contrast: ContrastTest) -> None:
    """Choose the intervals to look at in energy, and those that may serve as background."""
    if test is not None:
        if test.is_alarm:
            evidence.foreground = test.in_alarm
            evidence.quiet = ~test.in_alarm
    elif contrast.is_alarm:
        evidence.foreground = contrast.in_alarm
        evidence.quiet = contrast.quiet


def _extent(counts: PassCounts, test: GrossTest | None, contrast: ContrastTest) -> float:
    """Return the share of the pass at half the excess or more, all panels summed."""
    if test is None:
        return float(contrast.in_alarm.mean())
    excess = test.ratio - 1.0
    excess = np.where(np.isfinite(excess), excess, 0.0)[min(counts.n_prior, excess.size - 1) :]
    highest = float(excess.max(initial=0.0))
    return float((excess >= 0.5 * highest).mean()) if highest > 0 else 0.0


def _measurement(
    counts: PassCounts,
    rates: NDArray[np.float64] | None,
    test: GrossTest | None,
    contrast: ContrastTest,
) -> CountMeasurement:
    sums = sliding_sum(counts.counts.sum(axis=1)[:, np.newaxis], counts.window)
    time_s = sliding_sum(counts.interval_s[:, np.newaxis], counts.window)
    max_cps = float((sums / time_s).max()) if sums.size else None
    alarm = test.is_alarm if test is not None else contrast.is_alarm or None
    return CountMeasurement(
        background_cps=float(rates.sum()) if rates is not None else None,
        max_cps=max_cps,
        max_nsigma=test.max_nsigma if test is not None else None,
        alarm=alarm,
        contrast=contrast.ratio,
    )


def _limit(
    occupancy: Occupancy,
    counts: PassCounts,
    rates: NDArray[np.float64],
    dip: float | None,
    speed_m_s: float | None,
    settings: RadiationSettings,
) -> float | None:
    if speed_m_s is None or dip is None:
        return None
    counting = counts.is_seen.mean(axis=0) > 0.5
    counting &= counts.counts.sum(axis=0) > 0
    return detection_limit_mbq(
        settings.gross_panel if occupancy.spectra is None else settings.spectral_panel,
        background_cps=float(rates[counting].sum()),
        suppression=min(max(dip, 0.0), 1.0),
        n_panel=int(counting.sum()),
        speed_m_s=speed_m_s,
        window_s=counts.window * float(np.median(counts.interval_s)),
        n_sigma=settings.n_sigma,
        z=float(ndtri(settings.detection_probability)),
    )


def _rule_finding(
    counts: PassCounts,
    test: GrossTest,
    measured: CountMeasurement,
    settings: RadiationSettings,
    is_overloaded: bool,
) -> Finding:
    start = float(counts.t_s[test.max_window]) if test.max_window is not None else None
    nsigma = test.max_nsigma if test.max_nsigma is not None else 0.0
    return Finding(
        code=ReasonCode.RAD_GAMMA_NSIGMA,
        text=f"{nsigma:.1f} sigma above background on {test.max_group} (threshold {settings.n_sigma:g}), "
        f"highest rate {measured.max_cps or 0.0:.0f} against {measured.background_cps or 0.0:.0f} counts/s",
        params={
            "max_nsigma": decimal_string(test.max_nsigma),
            "n_sigma": decimal_string(settings.n_sigma),
            "max_cps": decimal_string(measured.max_cps),
            "background_cps": decimal_string(measured.background_cps),
            "window_start_s": decimal_string(start),
            "n_alarm_windows": decimal_string(test.n_alarm_windows),
        },
        evidence_ref=f"nsigma/{test.max_group}",
        is_severe=is_overloaded,
    )


def _contrast_finding(contrast: ContrastTest, measured: CountMeasurement, is_overloaded: bool) -> Finding:
    ratio = "without a quiet window" if contrast.ratio is None else f"{contrast.ratio:.1f} times the quietest"
    return Finding(
        code=ReasonCode.RAD_GAMMA_NSIGMA,
        text=f"alarm by contrast within the pass: the loudest window is {ratio}, more than a shadow "
        f"explains (log10 p {contrast.log10_p:.0f}, by {contrast.method} of {contrast.group})",
        params={
            "contrast": decimal_string(contrast.ratio),
            "log10_p": decimal_string(contrast.log10_p),
            "max_cps": decimal_string(measured.max_cps),
        },
        evidence_ref="rate_cps",
        is_severe=is_overloaded,
    )

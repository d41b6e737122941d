"""Gamma counts of a static spectrum: no occupancy rule, and a test only against a background."""

from __future__ import annotations

import math

import numpy as np

from screening.records import (
    CountMeasurement,
    Finding,
    FlagModality,
    Occupancy,
    ReasonCode,
    Scan,
    decimal_string,
)

from .analyser_pass import GammaEvidence
from .background import check_background
from .occupancy import PassCounts
from .quality import GateList, check_device, usable_live_times
from .settings import RadiationSettings

__all__ = ["weigh_static"]


def weigh_static(
    scan: Scan, occupancy: Occupancy, counts: PassCounts, settings: RadiationSettings
) -> GammaEvidence:
    """Compare a static measurement with its background, if it has one.

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
        The evidence. There is no lane, hence no detection limit: nuclides can be named, but a
        static spectrum alone never says that a container holds nothing (Q_COVERAGE).
    """
    gates = GateList()
    evidence = GammaEvidence(gates=gates, foreground=np.ones(counts.n_interval, dtype=bool))
    rates = check_background(
        gates, occupancy.background, scan.identity, counts.n_panel, settings, is_portal=False
    )
    total = float(counts.counts.sum())
    gates.at_least("counts", ReasonCode.Q_COVERAGE, total, 1)
    silent = float((~counts.is_seen).mean())
    gates.at_least("coverage", ReasonCode.Q_COVERAGE, 1.0 - silent, 1.0 - settings.max_lost_fraction)
    live_s = _live_time_s(occupancy, counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        highest = float((counts.counts.sum(axis=0) / live_s.sum(axis=0)).max(initial=0.0))
    gates.at_most("panel_cps", ReasonCode.Q_SATURATED, highest, settings.overload_panel_cps)
    share = float((live_s / counts.interval_s[:, np.newaxis]).min(initial=1.0))
    if occupancy.live_time_s is not None:
        # Static times are whole measurements; a missing live time stays the real time.
        impossible = (~usable_live_times(occupancy, counts) & np.isfinite(occupancy.live_time_s)).sum()
        gates.at_most("impossible_live_times", ReasonCode.Q_COVERAGE, int(impossible), 0)
    gates.at_least("lowest_live_fraction", ReasonCode.Q_SATURATED, share, settings.min_live_fraction)
    check_device(gates, occupancy, FlagModality.RAD_GROSS)
    gates.add(
        "detection_limit_mbq_cs137",
        ReasonCode.Q_COVERAGE,
        None,
        settings.max_detection_limit_mbq,
        passed=False,
    )
    if occupancy.is_background_subtracted:
        evidence.findings.append(
            Finding(
                code=ReasonCode.BKG_MISSING,
                text="the counts are differences: there is nothing to hold against a background",
            )
        )
        return evidence
    if rates is None or occupancy.background is None:
        return evidence
    evidence.background = occupancy.background
    expected = float((live_s * rates).sum())
    seconds = float(live_s.sum(axis=0).mean())
    scale = seconds / occupancy.background.live_time_s
    # Counting error of the background itself, and its unknown drift, stand beside the scan's own.
    variance = expected * (1.0 + scale) + (settings.static_systematic * expected) ** 2
    nsigma = (total - expected) / math.sqrt(variance) if variance > 0 else None
    is_alarm = None if nsigma is None else nsigma > settings.n_sigma
    evidence.measurement = CountMeasurement(
        background_cps=float(rates.sum()),
        max_cps=total / seconds if seconds > 0 else None,
        max_nsigma=nsigma,
        alarm=is_alarm,
    )
    evidence.scores["max_nsigma"] = decimal_string(nsigma)
    evidence.extent = float(bool(is_alarm))
    if is_alarm and nsigma is not None:
        evidence.findings.append(
            Finding(
                code=ReasonCode.RAD_GAMMA_NSIGMA,
                text=f"{nsigma:.1f} sigma above background (threshold {settings.n_sigma:g}, with a "
                f"background uncertain by {100 * settings.static_systematic:g} %)",
                params={
                    "max_nsigma": decimal_string(nsigma),
                    "n_sigma": decimal_string(settings.n_sigma),
                    "max_cps": decimal_string(evidence.measurement.max_cps),
                    "background_cps": decimal_string(float(rates.sum())),
                },
                evidence_ref="spectrum/SUM",
            )
        )
    return evidence


def _live_time_s(
    occupancy: Occupancy, counts: PassCounts
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Live time by interval and panel, real time where a device gives none, seconds."""
    real = counts.panel_time_s
    if occupancy.live_time_s is None:
        return real
    live = np.asarray(occupancy.live_time_s, dtype=np.float64)
    is_given = np.isfinite(live) & (live > 0)
    return np.where(is_given, np.where(is_given, live, 0.0) * counts.is_seen, real)

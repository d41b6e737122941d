"""Detectors of one tier beside each other, and all beside the oracle."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from screening.evaluate.metrics.comparison import holm, verdict
from screening.evaluate.metrics.resampling import Estimate
from screening.evaluate.record import Comparison

from .analysis import Found, figure_of_merit
from .gathered import Gathered
from .plan import ORACLE
from .wording import REFERENCE, tier_of

__all__ = ["comparisons"]


def comparisons(known: Gathered, found: Found, section: str) -> list[Comparison]:
    """Return every pair of one tier, everyone below the oracle, and by source everyone over the reference.

    Parameters
    ----------
    known : Gathered
        The bench.
    found : Found
        Its curves.
    section : str
        Section of the report.

    Returns
    -------
    list of Comparison
        Corrected after Holm over the pairs, and over the sources of each detector.
    """
    pairs = []
    for tier in ("blind", "informed"):
        members = [name for name in known.detectors if tier_of(known, name) == tier]
        pairs += list(combinations(members[::-1], 2))
    if ORACLE in found.curves and REFERENCE["blind"] in found.curves:
        pairs += [(ORACLE, name) for name in known.detectors if name != ORACLE]
    families: list[list[tuple[str, str, str, Estimate, NDArray[np.float64]]]] = [[]]
    for a, b in pairs:
        families[0].append((a, b, "", *figure_of_merit(found, a, b)))
    families += [
        [
            (name, reference, stratum.name, *figure_of_merit(found, name, reference, np.array([i])))
            for i, stratum in enumerate(known.track.strata)
        ]
        for tier, reference in REFERENCE.items()
        for name in known.detectors
        if reference in found.curves and name != reference and tier_of(known, name) == tier
    ]
    rows = []
    for family in families:
        ps = [_p(estimate, resampled) for *_, estimate, resampled in family]
        for (a, b, stratum, estimate, _), p, corrected in zip(family, ps, holm(ps), strict=True):
            rows.append(
                Comparison(
                    section=section,
                    metric="activity detected with probability 0.95",
                    stratum=stratum,
                    a=a,
                    b=b,
                    effect=estimate.value,
                    effect_name="1 - ratio of detectable activities, geometric mean over sources"
                    if not stratum
                    else "1 - ratio of detectable activities",
                    low=estimate.low,
                    high=estimate.high,
                    p=p,
                    p_holm=corrected,
                    n=estimate.n,
                    test=f"{estimate.method} of background and passes",
                    verdict=verdict(estimate.value, corrected) if known.scale.is_measure else "not tested",
                )
            )
    return rows


def _p(estimate: Estimate, resampled: NDArray[np.float64]) -> float | None:
    """Return the two-sided p-value of no difference: where 0 lies among the resamples."""
    values = resampled[~np.isnan(resampled)]
    if estimate.low is None or values.size == 0:
        return None
    fewer = min(int((values <= 0).sum()), int((values >= 0).sum()))
    return float(min(1.0, 2.0 * (fewer + 1) / (values.size + 1)))

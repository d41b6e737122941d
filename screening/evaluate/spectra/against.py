"""One detector against others, and against the oracles, on the same spectra."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.evaluate.metrics.comparison import holm, paired_shares, verdict
from screening.evaluate.record import Comparison, Figure

from .figures import estimate_figure, resampled
from .scored import Answer, Answers

__all__ = ["comparisons", "shares_of_ceiling"]

#: Resamples of a comparison: its smallest p-value is about 2 over this, and is corrected for all of them.
_N_RESAMPLE = 10_000


def comparisons(
    answers: Answers,
    first: str,
    others: Sequence[str],
    strata: dict[str, Callable[[Answer], bool]],
    *,
    section: str,
) -> list[Comparison]:
    """Compare one detector with others on the same spectra.

    Parameters
    ----------
    answers : dict of str to list of Answer
        By detector, in the same order of spectra.
    first : str
        The one that is compared.
    others : sequence of str
        With these.
    strata : dict of str to callable
        Which spectra, by name of the stratum.
    section : str
        Where they stand.

    Returns
    -------
    list of Comparison
        McNemar's test where each spectrum has a parent of its own, else a bootstrap over parents. Corrected
        by Holm: those on all spectra are one family, those on parts of them another.
    """
    rows: list[Comparison] = []
    for other in others:
        for stratum, holds in strata.items():
            pairs = [(a, b) for a, b in zip(answers[first], answers[other], strict=True) if holds(a)]
            found = paired_shares(
                [a.is_correct for a, _ in pairs],
                [b.is_correct for _, b in pairs],
                [a.case.parent for a, _ in pairs],
                n_resample=_N_RESAMPLE,
            )
            rows.append(
                Comparison(
                    section=section,
                    metric="correct",
                    stratum=stratum,
                    a=first,
                    b=other,
                    effect=found.effect,
                    effect_name="difference of shares",
                    low=found.low,
                    high=found.high,
                    p=found.p,
                    n=found.n,
                    test=found.test,
                )
            )
    whole = [row for row in rows if not row.stratum]
    parts = [row for row in rows if row.stratum]
    return [
        _judged(row, p)
        for family in (whole, parts)
        for row, p in zip(family, holm([row.p for row in family]), strict=True)
    ]


def _judged(row: Comparison, p_holm: float | None) -> Comparison:
    return msgspec.structs.replace(row, p_holm=p_holm, verdict=verdict(row.effect, p_holm))


def shares_of_ceiling(
    answers: Answers,
    detectors: Sequence[str],
    ceiling: str,
    strata: dict[str, Callable[[Answer], bool]],
    *,
    section: str,
    headline: str = "",
) -> list[Figure]:
    """Return how much of what an oracle names correctly each detector names correctly.

    Parameters
    ----------
    answers : dict of str to list of Answer
        By detector, in the same order of spectra.
    detectors : sequence of str
        Which.
    ceiling : str
        The oracle.
    strata : dict of str to callable
        Which spectra, by name of the stratum; "" for all.
    section : str
        Where they stand.
    headline : str
        The detector whose share over all spectra stands in the first table.

    Returns
    -------
    list of Figure
        Ratios of the two shares, intervals over parents.
    """
    found = []
    for detector in detectors:
        for stratum, holds in strata.items():
            pairs = [(a, b) for a, b in zip(answers[detector], answers[ceiling], strict=True) if holds(a)]
            both = np.array([[a.is_correct, b.is_correct] for a, b in pairs], dtype=np.float64).reshape(-1, 2)
            estimate = resampled(both, [a.case.parent for a, _ in pairs], _ratio)
            note = f"{ceiling}: {both[:, 1].mean():.3f} correct" if pairs else ""
            found.append(
                estimate_figure(
                    estimate,
                    section=section,
                    metric=f"correct, over {ceiling}",
                    detector=detector,
                    stratum=stratum,
                    better="higher",
                    is_headline=detector == headline and not stratum,
                    note=note,
                )
            )
    return found


def _ratio(sums: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.float64]:
    del n
    return np.where(sums[:, 1] > 0, sums[:, 0] / np.maximum(sums[:, 1], 1.0), np.nan)

"""Figures of identification from scored answers: fractions, averages, the worst group, comparisons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from screening.evaluate.identification import Verdict
from screening.evaluate.metrics.exact import MIN_PARENTS
from screening.evaluate.metrics.proportions import proportion
from screening.evaluate.metrics.resampling import (
    Estimate,
    bootstrap_weighted,
    clusters_of,
    interval_of,
    resampled_sums,
)
from screening.evaluate.record import Better, Figure, figure_of

from .scored import Answer

__all__ = [
    "averages",
    "estimate_figure",
    "fractions",
    "group_figures",
    "refusals",
    "resampled",
    "share_of",
]

_BETTER: dict[str, Better] = {"correct": "higher", "partial": "", "wrong": "lower", "missed": "lower"}

#: Classes of truth, spectra with a source only.
_CONFIDENCE = 0.95


def share_of(
    answers: Sequence[Answer],
    hits: Callable[[Answer], bool],
    *,
    section: str,
    metric: str,
    detector: str,
    stratum: str = "",
    better: Better = "",
    is_headline: bool = False,
    note: str = "",
) -> Figure:
    """Return the share of spectra for which something holds, with the interval its draws allow.

    Parameters
    ----------
    answers : sequence of Answer
        Of one detector.
    hits : callable
        What is counted.
    section, metric, detector, stratum : str
        Its key.
    better : {"higher", "lower", ""}
        Which way is good.
    is_headline : bool
        Shown in the first table.
    note : str
        What must be said beside it.

    Returns
    -------
    Figure
        Over all of them; exact where each has a parent of its own, else over parents.
    """
    found = proportion([hits(one) for one in answers], [one.case.parent for one in answers])
    return figure_of(
        found,
        section=section,
        metric=metric,
        detector=detector,
        stratum=stratum,
        better=better,
        is_headline=is_headline,
        note=note,
    )


def fractions(
    answers: Sequence[Answer], *, section: str, detector: str, stratum: str = "", is_headline: bool = False
) -> list[Figure]:
    """Return the four fractions; they add up to one.

    Parameters
    ----------
    answers : sequence of Answer
        Of one detector.
    section, detector, stratum : str
        Their key.
    is_headline : bool
        Whether the share of correct and wrong answers stands in the first table.

    Returns
    -------
    list of Figure
        Correct, partial, wrong, missed, of all spectra.
    """
    return [
        share_of(
            answers,
            lambda one, kind=kind: one.score.verdict is kind,  # type: ignore[misc]
            section=section,
            metric=kind.value,
            detector=detector,
            stratum=stratum,
            better=_BETTER[kind.value],
            is_headline=is_headline and kind in (Verdict.CORRECT, Verdict.WRONG),
        )
        for kind in Verdict
    ]


def averages(
    answers: Sequence[Answer], *, section: str, detector: str, stratum: str = "", is_headline: bool = False
) -> list[Figure]:
    """Return answer rate, false SNM, and precision, recall and F averaged per spectrum.

    Parameters
    ----------
    answers : sequence of Answer
        Of one detector, of spectra with a source.
    section, detector, stratum : str
        Their key.
    is_headline : bool
        Whether answer rate and false SNM stand in the first table.

    Returns
    -------
    list of Figure
        Five.
    """
    parents = [one.case.parent for one in answers]
    found = [
        share_of(
            answers,
            lambda one: one.score.is_answered,
            section=section,
            metric="answered",
            detector=detector,
            stratum=stratum,
            better="higher",
            is_headline=is_headline,
            note="a list of labels, however short; no answer counts as missed",
        ),
        share_of(
            answers,
            lambda one: one.score.is_false_snm,
            section=section,
            metric="false SNM",
            detector=detector,
            stratum=stratum,
            better="lower",
            is_headline=is_headline,
        ),
    ]
    values = np.array([one.score[3:6] for one in answers], dtype=np.float64).reshape(-1, 3)
    for column, name in enumerate(("precision", "recall", "F")):
        estimate = resampled(values[:, [column]], parents, lambda sums, n: sums[:, 0] / n)
        found.append(
            estimate_figure(
                estimate,
                section=section,
                metric=f"{name}, mean per spectrum",
                detector=detector,
                stratum=stratum,
                better="higher",
            )
        )
    return found


def resampled(
    values: NDArray[np.float64],
    parents: Sequence[str],
    combine: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
) -> Estimate:
    """Return a function of sums over spectra, and of their number, with its interval over parents.

    Parameters
    ----------
    values : ndarray of shape (n, n_column), float64
        One row a spectrum.
    parents : sequence of str, length n
        What each was drawn from.
    combine : callable
        From sums of shape (n_resample, n_column) and numbers (n_resample,) to (n_resample,).

    Returns
    -------
    Estimate
        The number; none where it is not a number.
    """
    n = len(values)
    clusters = clusters_of(parents, n)
    value = float(combine(values.sum(axis=0)[np.newaxis], np.array([float(n)]))[0]) if n else np.nan
    if clusters.n_parent < MIN_PARENTS:
        return interval_of(value, np.empty(0), clusters)
    return interval_of(value, combine(*resampled_sums(values, parents)), clusters)


def estimate_figure(
    found: Estimate,
    *,
    section: str,
    metric: str,
    detector: str,
    stratum: str = "",
    better: Better = "",
    note: str = "",
    is_headline: bool = False,
) -> Figure:
    """Return a resampled number as a figure.

    Parameters
    ----------
    found : Estimate
        The number.
    section, metric, detector, stratum : str
        Its key.
    better : {"higher", "lower", ""}
        Which way is good.
    note : str
        What must be said beside it.
    is_headline : bool
        Shown in the first table.

    Returns
    -------
    Figure
        The same number.
    """
    return Figure(
        section=section,
        metric=metric,
        detector=detector,
        stratum=stratum,
        value=found.value if found.value is not None and np.isfinite(found.value) else None,
        low=found.low,
        high=found.high,
        confidence=found.confidence,
        n=float(found.n),
        method=found.method,
        better=better,
        note=note,
        is_headline=is_headline,
    )


def group_figures(
    answers: Sequence[Answer],
    group_of: Callable[[Answer], str],
    *,
    what: str,
    section: str,
    detector: str,
) -> list[Figure]:
    """Return the mean over groups and the worst group, each group counting alike.

    Parameters
    ----------
    answers : sequence of Answer
        Of one detector.
    group_of : callable
        Name of an answer's group.
    what : str
        What the groups are, in the plural: "labels".
    section, detector : str
        Their key.

    Returns
    -------
    list of Figure
        Two. The interval of the worst is its lower bound alone, at a level that holds for all groups
        together (the first step of Holm's procedure: one of m groups at 0.05 / m).
    """
    names = sorted({group_of(one) for one in answers})
    number = {name: k for k, name in enumerate(names)}
    group = np.array([number[group_of(one)] for one in answers])
    hit = np.array([one.is_correct for one in answers], dtype=np.float64)
    member = (group[:, np.newaxis] == np.arange(len(names))).astype(np.float64)

    def _macro(weight: NDArray[np.int64]) -> NDArray[np.float64]:
        size = np.maximum(weight @ member, 1.0)
        mean: NDArray[np.float64] = (weight @ (member * hit[:, np.newaxis]) / size).mean(axis=1)
        return mean

    parents = [one.case.parent for one in answers]
    macro = bootstrap_weighted(_macro, hit.size, parents, stratum=group)
    shares = {name: float(hit[group == k].mean()) for name, k in number.items()}
    worst = min(names, key=lambda name: (shares[name], name))
    mine = [one for one in answers if group_of(one) == worst]
    confidence = 1.0 - 2.0 * (1.0 - _CONFIDENCE) / len(names)
    bound = proportion(
        [one.is_correct for one in mine], [one.case.parent for one in mine], confidence=confidence
    )
    return [
        estimate_figure(
            macro,
            section=section,
            metric=f"correct, mean over {what}",
            detector=detector,
            better="higher",
            note=f"{len(names)} {what}",
        ),
        Figure(
            section=section,
            metric=f"correct, worst of {what}",
            detector=detector,
            value=bound.value,
            low=bound.low,
            high=None,
            confidence=_CONFIDENCE,
            k=bound.k,
            n=bound.n,
            method=f"lower bound, Holm over {len(names)} groups; {bound.method}",
            better="higher",
            note=f"{worst}, of {len(names)} {what}",
        ),
    ]


def refusals(answers: Sequence[Answer], *, section: str, detector: str) -> list[Figure]:
    """Return how often each reason code stands beside an empty answer.

    Parameters
    ----------
    answers : sequence of Answer
        Of one detector.
    section, detector : str
        Their key.

    Returns
    -------
    list of Figure
        One for each code met, of all spectra.
    """
    codes = Counter(code for one in answers if not one.score.is_answered for code in set(one.reply.codes))
    return [
        share_of(
            answers,
            lambda one, code=code: not one.score.is_answered and code in one.reply.codes,  # type: ignore[misc]
            section=section,
            metric=f"no answer, with {code}",
            detector=detector,
        )
        for code in sorted(codes)
    ]

"""Detection of objects on pictures: free-response curves, average precision, curves over containers.

A free-response curve (FROC) is the share of truths found against false alarms per picture. Pictures without
any threat give the false alarms of the first axis; those on pictures with threats are kept apart on a second,
because a detector that looks around a find behaves otherwise there. Hidden truths stand in no curve; they
are asked to be covered by an opaque region instead.

Everything starts from :func:`pool`: the matches of all pictures (:func:`match`) as flat arrays. Intervals are
a bootstrap over scenes: all pictures made of one base picture, or of one container, are drawn together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .matching import match
from .pooling import Pooled, detected, detection_by, hidden_covered, pool, select, strata
from .proportions import MIN_PARENTS, clopper_pearson

__all__ = [
    "FP_LEVELS",
    "Estimate",
    "Froc",
    "Pooled",
    "Summary",
    "average_precision",
    "container_scores",
    "detected",
    "detection_by",
    "froc",
    "hidden_covered",
    "llf_at",
    "match",
    "normalised_area",
    "pool",
    "select",
    "strata",
    "summary",
]

#: False alarms per picture at which curves are read.
FP_LEVELS = (0.01, 0.05, 0.1, 0.5, 1.0)
#: False alarm rate over clean containers at which the container's curve is read: "90 % at 6 %".
CONTAINER_FPR = 0.06
#: Score of a container without a candidate: finite, for curves, and below any that a detector gives.
NO_CANDIDATE = float(np.finfo(np.float64).min)
#: Numbers of a resampling held at once.
CHUNK_SIZE = 4_000_000


class Froc(NamedTuple):
    """A free-response curve, from the strictest threshold to the laxest; the first point finds nothing.

    Attributes
    ----------
    nlf : ndarray of shape (n_point,), float64
        False alarms per picture without threats; not a number without such pictures.
    nlf_with : ndarray of shape (n_point,), float64
        False alarms per picture with threats; not a number without such pictures.
    llf : ndarray of shape (n_point,), float64
        Share of the truths that can be seen that are found.
    threshold : ndarray of shape (n_point,), float64
        Scores at or above it count; the first is infinite.
    """

    nlf: NDArray[np.float64]
    nlf_with: NDArray[np.float64]
    llf: NDArray[np.float64]
    threshold: NDArray[np.float64]


class Estimate(NamedTuple):
    """A number with its interval over scenes.

    Attributes
    ----------
    value, low, high : float or None
        The number and its interval; None when there is none.
    method : str
        Of the interval, or why there is none.
    n : int
        What it rests on: truths that can be seen, or containers with a threat.
    n_clean : int
        Clean pictures, or clean containers.
    """

    value: float | None
    low: float | None
    high: float | None
    method: str
    n: int
    n_clean: int


class Summary(NamedTuple):
    """What is read off the curves of one detector.

    Attributes
    ----------
    llf : dict of float to Estimate
        Share found, by false alarms per picture without threats.
    area : Estimate
        Area under the curve up to 1 false alarm a picture, of 1.
    precision : Estimate
        Average precision over all pictures.
    container_auc : Estimate
        Area under the curve over containers.
    container_tpr : Estimate
        Share of containers with a threat that alarm, at 6 % of the clean ones.
    """

    llf: dict[float, Estimate]
    area: Estimate
    precision: Estimate
    container_auc: Estimate
    container_tpr: Estimate


def froc(pooled: Pooled) -> Froc:
    """Return the free-response curve.

    Parameters
    ----------
    pooled : Pooled
        All pictures.

    Returns
    -------
    Froc
        One point for each distinct score, all pictures together.

    Raises
    ------
    ValueError
        If no truth can be seen.
    """
    n_truth = int(np.count_nonzero(~pooled.truth_is_hidden))
    if not n_truth:
        raise ValueError("no truth that can be seen: there is no curve")
    order, last = _ranked(pooled.score)
    picture = pooled.candidate_picture[order]
    is_hit = pooled.candidate_truth[order] >= 0
    is_clean = pooled.picture_is_clean[picture]
    n_clean = int(pooled.picture_is_clean.sum())
    n_with = pooled.picture_is_clean.size - n_clean

    def _share(events: NDArray[np.bool_], n: int) -> NDArray[np.float64]:
        if not n:
            return np.full(last.size + 1, np.nan)
        return np.concatenate([[0.0], np.cumsum(events)[last] / n])

    return Froc(
        nlf=_share(~is_hit & is_clean, n_clean),
        nlf_with=_share(~is_hit & ~is_clean, n_with),
        llf=_share(is_hit, n_truth),
        threshold=np.concatenate([[np.inf], pooled.score[order][last]]),
    )


def llf_at(curve: Froc, fp_per_picture: float) -> float:
    """Return the share found at the laxest threshold that keeps to a false alarm rate.

    Parameters
    ----------
    curve : Froc
        The curve.
    fp_per_picture : float
        False alarms per picture without threats.

    Returns
    -------
    float
        0 to 1; no value is read between points, as no threshold gives it.

    Raises
    ------
    ValueError
        If the rate is negative, or no picture is without threats.
    """
    if not fp_per_picture >= 0 or np.isnan(curve.nlf[0]):
        raise ValueError(f"no point at {fp_per_picture!r} false alarms per picture without threats")
    return float(curve.llf[np.searchsorted(curve.nlf, fp_per_picture, side="right") - 1])


def normalised_area(curve: Froc, limit: float = 1.0) -> float:
    """Return the area under a curve up to a false alarm rate, divided by that rate.

    Parameters
    ----------
    curve : Froc
        The curve, taken as steps: between two points the lower one is what can be had. Beyond its last
        point it goes on level, as a detector without further candidates has no further false alarms.
    limit : float
        False alarms per picture without threats.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    ValueError
        If the limit is not positive, or no picture is without threats.
    """
    if not limit > 0 or np.isnan(curve.nlf[0]):
        raise ValueError(f"no area up to {limit!r} false alarms per picture without threats")
    ends = np.minimum(np.append(curve.nlf[1:], np.inf), limit)
    return float(np.sum(curve.llf * np.maximum(ends - np.minimum(curve.nlf, limit), 0.0)) / limit)


def average_precision(pooled: Pooled) -> float:
    """Return the average precision over all pictures.

    Parameters
    ----------
    pooled : Pooled
        All pictures; false alarms on all of them count.

    Returns
    -------
    float
        Sum over distinct scores of the gain in recall times the precision there, without interpolation.

    Raises
    ------
    ValueError
        If no truth can be seen.
    """
    n_truth = int(np.count_nonzero(~pooled.truth_is_hidden))
    if not n_truth:
        raise ValueError("no truth that can be seen: there is no precision")
    order, last = _ranked(pooled.score)
    hits = np.cumsum(pooled.candidate_truth[order] >= 0)[last]
    return float(np.sum(np.diff(hits, prepend=0) / n_truth * hits / (last + 1)))


def container_scores(pooled: Pooled) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the scores of containers, for curves over containers.

    Parameters
    ----------
    pooled : Pooled
        All pictures.

    Returns
    -------
    score : ndarray of shape (n_container,), float64
        Highest score in each; those without a candidate share the lowest number there is, so that a
        threshold set on one split means the same on another.
    has_threat : ndarray of shape (n_container,), bool
        Whether it holds a threat that can be seen. Containers with hidden threats alone are left out.
    """
    asked = pooled.container_state >= 0
    score = pooled.container_score[asked]
    return np.where(np.isneginf(score), NO_CANDIDATE, score), pooled.container_state[asked] == 1


def summary(
    pooled: Pooled,
    *,
    levels: Sequence[float] = FP_LEVELS,
    container_fpr: float = CONTAINER_FPR,
    n_resample: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Summary:
    """Return what is read off the curves, with intervals over scenes.

    Parameters
    ----------
    pooled : Pooled
        All pictures.
    levels : sequence of float
        False alarms per picture without threats.
    container_fpr : float
        Share of clean containers that may alarm.
    n_resample : int
        Resamples of scenes.
    confidence : float
        Of the intervals.
    seed : int
        Of the resampling.

    Returns
    -------
    Summary
        Figures that need what is not there (a truth that can be seen, a clean picture) are None and say so.
    """
    n_truth = int(np.count_nonzero(~pooled.truth_is_hidden))
    n_clean = int(pooled.picture_is_clean.sum())
    case_score, has_threat = container_scores(pooled)
    n_case, n_clean_case = int(has_threat.sum()), int((~has_threat).sum())
    ones = np.ones((1, len(pooled.scenes)))
    point = _resampled(pooled, ones, levels, container_fpr)
    n_scene = np.unique(pooled.picture_scene).size
    spread = None
    if n_scene >= MIN_PARENTS:
        rng = np.random.default_rng(np.random.SeedSequence(seed))
        there = np.zeros(len(pooled.scenes))
        there[np.unique(pooled.picture_scene)] = 1.0 / n_scene
        weights = rng.multinomial(n_scene, there, size=n_resample).astype(np.float64)
        step = max(1, CHUNK_SIZE // max(1, n_truth, case_score.size))
        spread = np.concatenate(
            [
                _resampled(pooled, weights[i : i + step], levels, container_fpr)
                for i in range(0, n_resample, step)
            ]
        )
    truth_scenes = np.unique(pooled.picture_scene[pooled.truth_picture[~pooled.truth_is_hidden]]).size

    def _estimate(column: int, n: int, n_negative: int) -> Estimate:
        value = float(point[0, column])
        if np.isnan(value):
            return Estimate(None, None, None, "none: nothing to measure it on", n, n_negative)
        if spread is None:
            reason = f"none: {n_scene} scenes, {MIN_PARENTS} needed"
            return Estimate(value, None, None, reason, n, n_negative)
        if truth_scenes < MIN_PARENTS:
            reason = f"none: threats in {truth_scenes} scenes, {MIN_PARENTS} needed"
            return Estimate(value, None, None, reason, n, n_negative)
        drawn = spread[:, column]
        drawn = drawn[~np.isnan(drawn)]
        error = 0.5 * (1.0 - confidence)
        low, high = (float(np.quantile(drawn, at)) for at in (error, 1.0 - error))
        method = f"bootstrap over {n_scene} scenes"
        if low == high and value in (0.0, 1.0):  # equal outcomes have no spread: count scenes as trials
            low, high = clopper_pearson(truth_scenes if value else 0, truth_scenes, confidence=confidence)
            method = f"clopper-pearson over {truth_scenes} scenes"
        return Estimate(value, low, high, method, n, n_negative)

    n_level = len(levels)
    return Summary(
        llf={level: _estimate(i, n_truth, n_clean) for i, level in enumerate(levels)},
        area=_estimate(n_level, n_truth, n_clean),
        precision=_estimate(n_level + 1, n_truth, n_clean),
        container_auc=_estimate(n_level + 2, n_case, n_clean_case),
        container_tpr=_estimate(n_level + 3, n_case, n_clean_case),
    )


def _resampled(
    pooled: Pooled, weights: NDArray[np.float64], levels: Sequence[float], container_fpr: float
) -> NDArray[np.float64]:
    """Return all figures of each resample: shares found, area, precision, and two of the containers.

    `weights` of shape (n_resample, n_scene) says how often each scene was drawn. A figure that a resample
    cannot have is not a number.
    """
    of_picture = weights[:, pooled.picture_scene]
    n_clean = of_picture[:, pooled.picture_is_clean].sum(axis=1)[:, None]
    n_truth = of_picture[:, pooled.truth_picture[~pooled.truth_is_hidden]].sum(axis=1)[:, None]
    hits, alarms, everything = (_running(weights @ table) for table in _tables(pooled))
    with np.errstate(invalid="ignore", divide="ignore"):
        llf, nlf = hits / n_truth, alarms / n_clean
        precision = np.where(everything > 0, hits / everything, 0.0)
        gains = np.diff(hits, axis=1) / n_truth
    at_levels = _read(nlf, llf, levels)
    ends = np.minimum(np.concatenate([nlf[:, 1:], np.full((len(nlf), 1), np.inf)], axis=1), 1.0)
    area = np.sum(llf * np.maximum(ends - np.minimum(nlf, 1.0), 0.0), axis=1)
    area[np.isnan(nlf[:, 0])] = np.nan
    mean_precision = np.sum(gains * precision[:, 1:], axis=1)
    mean_precision[n_truth[:, 0] == 0] = np.nan
    return np.column_stack(
        [at_levels, area, mean_precision, *_container_figures(pooled, of_picture, container_fpr)]
    )


def _tables(pooled: Pooled) -> list[sparse.csr_array]:
    """Return counts of hits, of false alarms on clean pictures and of both on all, by scene and step.

    A step ends at a score with a hit in it, the last one at the lowest score: between these the share found
    does not change, so that nothing read off the curves does.
    """
    order, last = _ranked(pooled.score)
    picture = pooled.candidate_picture[order]
    is_hit = pooled.candidate_truth[order] >= 0
    run = np.searchsorted(last, np.arange(order.size))
    has_hit = np.bincount(run[is_hit], minlength=last.size) > 0
    step: NDArray[np.int64] = (
        np.cumsum(has_hit)[run] - has_hit[run]
    )  # runs without a hit go to the step that follows
    shape = (len(pooled.scenes), int(has_hit.sum()) + 1)
    scene = pooled.picture_scene[picture]
    is_clean = pooled.picture_is_clean[picture]
    return [
        sparse.coo_array((np.ones(int(kept.sum())), (scene[kept], step[kept])), shape=shape).tocsr()
        for kept in (is_hit, ~is_hit & is_clean, np.ones(order.size, dtype=bool))
    ]


def _container_figures(
    pooled: Pooled, of_picture: NDArray[np.float64], container_fpr: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    asked = pooled.container_state >= 0
    score, has_threat = container_scores(pooled)
    order, last = _ranked(score)
    ends = np.append(0, last + 1)
    of_case = of_picture[:, pooled.container_picture[asked][order]]
    threats = _running(of_case * has_threat[order])[:, ends]
    clean = _running(of_case * ~has_threat[order])[:, ends]
    with np.errstate(invalid="ignore", divide="ignore"):
        tpr, fpr = threats / threats[:, -1:], clean / clean[:, -1:]
    area = np.sum(np.diff(fpr, axis=1) * 0.5 * (tpr[:, 1:] + tpr[:, :-1]), axis=1)
    return area, _read(fpr, tpr, (container_fpr,))[:, 0]


def _read(x: NDArray[np.float64], y: NDArray[np.float64], levels: Sequence[float]) -> NDArray[np.float64]:
    """Return, by row, y at the last point whose x is at most each level; x ascends along each row."""
    found = np.empty((len(x), len(levels)))
    rows = np.arange(len(x))
    for i, level in enumerate(levels):
        found[:, i] = y[rows, np.count_nonzero(x <= level, axis=1) - 1]
    found[np.isnan(x[:, 0])] = np.nan
    return found


def _running(events: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return running sums along rows, with a first column of zeros."""
    return np.concatenate([np.zeros((len(events), 1)), np.cumsum(events, axis=1)], axis=1)


def _ranked(score: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the order from the highest score, and where each run of equal scores ends in it."""
    order = np.argsort(-score, kind="stable").astype(np.int64)
    ordered = score[order]
    is_last = np.ones(score.size, dtype=bool)
    is_last[:-1] = ordered[1:] != ordered[:-1]
    return order, np.flatnonzero(is_last).astype(np.int64)

"""Maps by pixel against truth: overlap, curves over pixels, errors of pictures and of places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .matching import Boxed, Outcome, PictureMatch, box_iou, centre
from .proportions import MIN_PARENTS
from .resampling import bootstrap

__all__ = [
    "Localisation",
    "PixelScores",
    "box_iou",
    "localisation_error",
    "mask_iou",
    "mean_absolute_error",
    "offsets",
    "peak_signal_to_noise",
    "pixel_scores",
]


class PixelScores(NamedTuple):
    """Pixels of an object told from other pixels by a map.

    Attributes
    ----------
    auroc : float
        Probability that a pixel of an object scores above another, ties counted half.
    average_precision : float
        Sum over distinct scores of the gain in recall times the precision there.
    n_object, n_other : int
        Pixels.
    """

    auroc: float
    average_precision: float
    n_object: int
    n_other: int


class Localisation(NamedTuple):
    """How far candidates lie from the truths that they hit.

    Attributes
    ----------
    median, low, high : float or None
        Median distance of the centroids, with its interval over scenes; None without hits, the interval
        also with fewer than 5 scenes.
    p95 : float or None
        Distance that 95 % of the hits do not exceed.
    n : int
        Hits.
    unit : {"px", "mm"}
        Of the distances.
    method : str
        Of the interval, or why there is none.
    """

    median: float | None
    low: float | None
    high: float | None
    p95: float | None
    n: int
    unit: str
    method: str


def mask_iou(a: ArrayLike, b: ArrayLike) -> float:
    """Return the intersection over union of two masks.

    Parameters
    ----------
    a, b : array-like of shape (n_row, n_column), bool
        Masks of one picture.

    Returns
    -------
    float
        0 to 1; 1 if both are empty, as they agree.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    first, second = np.asarray(a, dtype=bool), np.asarray(b, dtype=bool)
    if first.shape != second.shape:
        raise ValueError(f"masks of shapes {first.shape} and {second.shape} are not of one picture")
    union = int(np.count_nonzero(first | second))
    return 1.0 if not union else int(np.count_nonzero(first & second)) / union


def pixel_scores(maps: Iterable[tuple[ArrayLike, ArrayLike]]) -> PixelScores:
    """Return how well maps tell the pixels of objects from all others, exactly, ties included.

    Pixels are counted by distinct value one map after the other, so that the pictures need not be held
    together; a map of 8 or 16 bits keeps at most as many numbers as it has values.

    Parameters
    ----------
    maps : iterable of (score, truth)
        Of each picture: scores of any number type, and a mask of the same shape. Pixels that measure
        nothing are left out by the caller.

    Returns
    -------
    PixelScores
        Over the pixels of all pictures.

    Raises
    ------
    ValueError
        If shapes differ, a score is not a number, or objects or other pixels are missing.
    """
    values = np.empty(0, dtype=np.float64)
    counts = np.empty((2, 0), dtype=np.int64)
    for score, truth in maps:
        one, is_object = np.asarray(score), np.asarray(truth, dtype=bool)
        if one.shape != is_object.shape:
            raise ValueError(f"scores {one.shape} and truth {is_object.shape} are not of one picture")
        if one.dtype.kind == "f" and np.isnan(one).any():
            raise ValueError(f"{int(np.isnan(one).sum())} scores of pixels are not a number")
        new, place = np.unique(one, return_inverse=True)
        place = place.reshape(is_object.shape)
        kinds = np.stack([np.bincount(place[side], minlength=new.size) for side in (is_object, ~is_object)])
        joined, place = np.unique(np.concatenate([values, new.astype(np.float64)]), return_inverse=True)
        total = np.zeros((2, joined.size), dtype=np.int64)
        for row, both in zip(total, np.concatenate([counts, kinds], axis=1), strict=True):
            np.add.at(row, place, both)
        values, counts = joined, total
    n_object, n_other = (int(n) for n in counts.sum(axis=1))
    if not n_object or not n_other:
        raise ValueError(f"needs pixels of objects and others, got {n_object} and {n_other}")
    hits, alarms = counts[:, ::-1].astype(np.float64)
    found, false = np.cumsum(hits), np.cumsum(alarms)
    above = found - 0.5 * hits
    return PixelScores(
        auroc=float(np.sum(alarms * above) / (n_object * n_other)),
        average_precision=float(np.sum(hits * found / (found + false)) / n_object),
        n_object=n_object,
        n_other=n_other,
    )


def peak_signal_to_noise(truth: ArrayLike, found: ArrayLike, *, peak: float) -> float:
    """Return the peak signal to noise ratio of a picture.

    Parameters
    ----------
    truth, found : array-like of shape (n_row, n_column), float64
        The picture without errors, and with them.
    peak : float
        Signal that counts as the peak, stated beside the figure: the air level, not the largest value that
        happens to be in a picture.

    Returns
    -------
    float
        10 log10(peak^2 / mean squared error), dB; infinite without an error.

    Raises
    ------
    ValueError
        If shapes differ or the peak is not positive.
    """
    if not peak > 0:
        raise ValueError(f"the peak must be positive, got {peak!r}")
    error = float(np.mean(_difference(truth, found) ** 2))
    return float("inf") if error == 0 else float(10.0 * np.log10(peak * peak / error))


def mean_absolute_error(truth: ArrayLike, found: ArrayLike) -> float:
    """Return the mean absolute error of a picture.

    Parameters
    ----------
    truth, found : array-like of shape (n_row, n_column), float64
        The picture without errors, and with them.

    Returns
    -------
    float
        In units of the picture.

    Raises
    ------
    ValueError
        If shapes differ.
    """
    return float(np.mean(np.abs(_difference(truth, found))))


def offsets(
    matched: PictureMatch, candidates: Sequence[Boxed], pitch: tuple[float, float] = (1.0, 1.0)
) -> NDArray[np.float64]:
    """Return how far the hits of a picture lie from their truths.

    Parameters
    ----------
    matched : PictureMatch
        The match of these candidates.
    candidates : sequence of Boxed
        As they were given to :func:`screening.evaluate.metrics.matching.match`.
    pitch : tuple of float
        Row and column pitch: mm for distances in mm, 1 for pixels.

    Returns
    -------
    ndarray of shape (n_hit,), float64
        Distances of the centroids of masks, or of boxes that have none.

    Raises
    ------
    ValueError
        If the number of candidates is another.
    """
    if len(candidates) != matched.score.size:
        raise ValueError(f"{len(candidates)} candidates, {matched.score.size} were matched")
    found = []
    for i in np.flatnonzero(matched.outcome == Outcome.HIT).tolist():
        here, there = centre(candidates[i]), centre(matched.truths[matched.truth_of[i]])
        found.append(np.hypot((here[0] - there[0]) * pitch[0], (here[1] - there[1]) * pitch[1]))
    return np.array(found, dtype=np.float64)


def localisation_error(
    distances: ArrayLike, scenes: Sequence[str], *, unit: str = "px", seed: int = 0
) -> Localisation:
    """Return the error of place of hits.

    Parameters
    ----------
    distances : array-like of shape (n_hit,), float64
        As of :func:`offsets`. Misses have none: the share found stands beside this figure.
    scenes : sequence of str, length n_hit
        What each picture was made from.
    unit : {"px", "mm"}
        Of the distances.
    seed : int
        Of the bootstrap over scenes.

    Returns
    -------
    Localisation
        Median with its interval, and 95th percentile.

    Raises
    ------
    ValueError
        If the lengths differ or a distance is negative or not a number.
    """
    values = np.asarray(distances, dtype=np.float64)
    if values.shape != (len(scenes),):
        raise ValueError(f"{values.size} distances of {len(scenes)} scenes")
    if not (values >= 0).all():
        raise ValueError("distances must be numbers and not negative")
    if not values.size:
        return Localisation(None, None, None, None, 0, unit, "none: no hits")
    n_scene = len(set(scenes))
    median, p95 = float(np.median(values)), float(np.quantile(values, 0.95))
    if n_scene < MIN_PARENTS:
        reason = f"none: {n_scene} scenes, {MIN_PARENTS} needed"
        return Localisation(median, None, None, p95, values.size, unit, reason)
    found = bootstrap(np.median, values, scenes, seed=seed)
    if found.low is None:  # equal distances: pixels are whole
        return Localisation(median, None, None, p95, values.size, unit, found.method)
    return Localisation(
        median, found.low, found.high, p95, values.size, unit, f"bootstrap over {n_scene} scenes"
    )


def _difference(truth: ArrayLike, found: ArrayLike) -> NDArray[np.float64]:
    first, second = np.asarray(truth, dtype=np.float64), np.asarray(found, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"pictures of shapes {first.shape} and {second.shape} cannot be compared")
    return second - first

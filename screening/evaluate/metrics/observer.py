"""An objective observer of test objects: what can be seen is decided by templates, not by a person.

The observer knows what the object looks like and where it would be, and answers by the response of a
matched filter: the sum of a patch times a template, the mean patch with the object less the mean without,
learned from exposures of their own. In noise with correlations the template is pre-whitened by the
covariance of the noise. Against alternatives (with or without; one of four directions) the highest response
wins, and the share of right answers is a plain proportion of trials with an exact interval.

Decision rule, the same for all test objects: seen if the lower bound of the exact 95 % interval of the share
of right answers lies above the middle between guessing and certainty: 0.75 of two choices, 0.625 of four.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, stats

from .proportions import Proportion, proportion

__all__ = [
    "Detectability",
    "Observer",
    "choices",
    "detectability",
    "is_seen",
    "limit_of",
    "middle",
    "observer",
    "paired_choices",
]

#: Share of the mean variance that is added to the diagonal of an estimated covariance: few patches know it
#: badly.
SHRINKAGE = 0.1


class Observer(NamedTuple):
    """A linear observer.

    Attributes
    ----------
    weights : ndarray of shape (n_template, n_pixel), float64
        One row for each alternative.
    offset : ndarray of shape (n_template,), float64
        Half the response of each to its own object: alternatives of unequal strength are compared fairly.
    """

    weights: NDArray[np.float64]
    offset: NDArray[np.float64]


class Detectability(NamedTuple):
    """Separation of an observer's responses.

    Attributes
    ----------
    d_prime : float
        Difference of the mean responses over the root of the mean of their variances.
    low, high : float
        95 % interval by the large-sample variance.
    n_with, n_without : int
        Patches.
    """

    d_prime: float
    low: float
    high: float
    n_with: int
    n_without: int


def observer(signals: Sequence[ArrayLike], without: ArrayLike, *, is_whitened: bool = False) -> Observer:
    """Learn an observer from exposures that are not tested.

    Parameters
    ----------
    signals : sequence of array-like, each of shape (n_patch, n_row, n_column)
        Patches with each of the alternatives; one for detection, four for four directions.
    without : array-like of shape (n_patch, n_row, n_column), float64
        Patches without any.
    is_whitened : bool
        Use the covariance of the noise, estimated from the patches without an object; without it the filter
        is matched to white noise.

    Returns
    -------
    Observer
        Weights.

    Raises
    ------
    ValueError
        If shapes do not fit or there are fewer than two patches.
    """
    background = _flat(without)
    mean = background.mean(axis=0)
    templates = []
    for patches in signals:
        flat = _flat(patches)
        if flat.shape[1] != mean.size:
            raise ValueError(f"patches of {flat.shape[1]} and {mean.size} pixels cannot be compared")
        templates.append(flat.mean(axis=0) - mean)
    template = np.array(templates)
    weights = template
    if is_whitened:
        residual = background - mean
        covariance = residual.T @ residual / (len(residual) - 1)
        level = float(np.trace(covariance)) / len(covariance)
        if not level > 0:
            raise ValueError("the patches without an object have no noise to whiten")
        covariance += SHRINKAGE * level * np.eye(len(covariance))
        weights = linalg.solve(covariance, template.T, assume_a="pos").T
    offset = np.einsum("ij,ij->i", weights, mean + 0.5 * template)
    return Observer(weights, offset)


def choices(seen_by: Observer, patches: ArrayLike) -> NDArray[np.int64]:
    """Return which alternative an observer takes each patch for.

    Parameters
    ----------
    seen_by : Observer
        Of two alternatives or more.
    patches : array-like of shape (n_patch, n_row, n_column), float64
        Each with one of them.

    Returns
    -------
    ndarray of shape (n_patch,), int64
        Index of the alternative with the highest response.
    """
    return np.asarray(np.argmax(_flat(patches) @ seen_by.weights.T - seen_by.offset, axis=1), dtype=np.int64)


def paired_choices(seen_by: Observer, with_object: ArrayLike, without: ArrayLike) -> NDArray[np.bool_]:
    """Return whether an observer picks the patch with the object out of each pair.

    Parameters
    ----------
    seen_by : Observer
        Of one alternative.
    with_object, without : array-like of shape (n_pair, n_row, n_column), float64
        One pair a trial.

    Returns
    -------
    ndarray of shape (n_pair,), bool
        Right or wrong; a tie is wrong.
    """
    first, second = _flat(with_object), _flat(without)
    return np.asarray(first @ seen_by.weights[0] > second @ seen_by.weights[0])


def detectability(seen_by: Observer, with_object: ArrayLike, without: ArrayLike) -> Detectability:
    """Return how far an observer's responses to an object lie from those to none.

    Parameters
    ----------
    seen_by : Observer
        Of one alternative.
    with_object, without : array-like of shape (n_patch, n_row, n_column), float64
        Patches that it did not learn from.

    Returns
    -------
    Detectability
        d' with its interval; of two alternatives it gives Phi(d' / sqrt 2) right answers where responses
        are normal.

    Raises
    ------
    ValueError
        If responses do not vary.

    Notes
    -----
    Variance of the estimate: 1/n1 + 1/n0 + d'^2 / (2 (n1 + n0)), Hedges and Olkin, Statistical methods for
    meta-analysis (1985), chapter 5.
    """
    first, second = _flat(with_object) @ seen_by.weights[0], _flat(without) @ seen_by.weights[0]
    spread = 0.5 * (float(np.var(first, ddof=1)) + float(np.var(second, ddof=1)))
    if not spread > 0:
        raise ValueError("the responses do not vary: there is no noise")
    d_prime = float(first.mean() - second.mean()) / float(np.sqrt(spread))
    variance = 1 / first.size + 1 / second.size + d_prime**2 / (2 * (first.size + second.size))
    half = float(stats.norm.ppf(0.975) * np.sqrt(variance))
    return Detectability(d_prime, d_prime - half, d_prime + half, first.size, second.size)


def middle(n_alternative: int) -> float:
    """Return the share of right answers that lies in the middle between guessing and certainty.

    Parameters
    ----------
    n_alternative : int
        Two or more.

    Returns
    -------
    float
        0.75 of two, 0.625 of four.

    Raises
    ------
    ValueError
        If there is nothing to choose from.
    """
    if n_alternative < 2:
        raise ValueError(f"a choice needs two alternatives or more, got {n_alternative}")
    return 0.5 * (1.0 + 1.0 / n_alternative)


def is_seen(correct: ArrayLike, n_alternative: int) -> tuple[bool, Proportion]:
    """Decide whether an object is seen.

    Parameters
    ----------
    correct : array-like of shape (n_trial,), bool
        Right answers of independent trials.
    n_alternative : int
        Of the choice.

    Returns
    -------
    seen : bool
        By the decision rule of this module.
    share : Proportion
        Share of right answers with its exact interval.
    """
    share = proportion(correct)
    return share.low is not None and share.low > middle(n_alternative), share


def limit_of(steps: Sequence[float], seen: Sequence[bool], *, is_harder_up: bool = True) -> float | None:
    """Return the last step of a series up to which everything is seen.

    Parameters
    ----------
    steps : sequence of float
        Thickness, diameter.
    seen : sequence of bool
        As decided for each.
    is_harder_up : bool
        Whether larger steps are harder to see through or with (steel thickness); False where smaller ones
        are harder (wire diameter).

    Returns
    -------
    float or None
        None where even the easiest is not seen. The easiest and the hardest step tested are printed beside
        it by the caller: a limit at the end of the series is a bound.
    """
    order = sorted(range(len(steps)), key=lambda i: steps[i], reverse=not is_harder_up)
    reached = None
    for i in order:
        if not seen[i]:
            break
        reached = steps[i]
    return reached


def _flat(patches: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(patches, dtype=np.float64)
    if values.ndim != 3 or len(values) < 2:
        raise ValueError(f"needs two patches or more of shape (n, n_row, n_column), got {values.shape}")
    return values.reshape(len(values), -1)

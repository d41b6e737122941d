"""The ceiling of identification: exact templates on an exact background, and a likelihood ratio.

The oracle is told the expected background of the very spectrum, and of each source it might hold the spectrum
that source would make in this instrument; of the sources that are there the exact one, shield and all. Only
counting noise is left. No detector that must find out any of that can do better but by luck.

A second oracle knows the same shapes and not how much background there is: smooth sources, which a rate gives
away, must then be told by their shape. It is the nearer ceiling where vehicles shade.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["likelihood_ratios", "ranked", "shape_ratios", "threshold_at"]

#: Labels the oracle names at most, and steps of its amplitudes at most.
MOST_LABELS = 3
_MOST_STEPS = 80

#: Halvings of the interval in which the share of a source lies.
_HALVINGS = 40


def likelihood_ratios(
    counts: NDArray[np.float64], background: NDArray[np.float64], templates: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return for each template how much likelier the counts are with it than without.

    Poisson counts of mean b + a t, with b known: the best a >= 0 solves sum n t / (b + a t) = sum t. The
    left side falls and is convex in a, so that Newton's steps from a = 0 never pass the solution.

    Parameters
    ----------
    counts : ndarray of shape (n_channel,), float64
        Counts.
    background : ndarray of shape (n_channel,), float64
        Expected without any of the templates.
    templates : ndarray of shape (n_label, n_channel), float64
        Expected of each source, of any scale.

    Returns
    -------
    ratio : ndarray of shape (n_label,), float64
        2 ln(L(best a) / L(0)), 0 where the best is none.
    amplitude : ndarray of shape (n_label,), float64
        The best a.
    """
    total = templates.sum(axis=1)
    hit = counts > 0
    n = counts[hit]
    # Where something is counted and nothing expected the ratio would be infinite: a floor far below a count.
    floor = 1e-6 * max(float(background.sum()), 1.0) / background.size
    relative = templates[:, hit] / np.maximum(background[hit], floor)
    amplitude = np.zeros(total.size)
    open_ = (relative @ n > total) & (total > 0)
    for _ in range(_MOST_STEPS):
        if not open_.any():
            break
        part = relative[open_] / (1.0 + amplitude[open_, np.newaxis] * relative[open_])
        step = (part @ n - total[open_]) / np.maximum(part**2 @ n, 1e-300)
        amplitude[open_] += np.maximum(step, 0.0)
        open_[np.flatnonzero(open_)[step < 1e-6 * amplitude[open_] + 1e-12]] = False
    ratio = 2.0 * (np.log1p(amplitude[:, np.newaxis] * relative) @ n - amplitude * total)
    return np.maximum(ratio, 0.0), amplitude


def shape_ratios(
    counts: NDArray[np.float64], background: NDArray[np.float64], templates: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the same where the scale of the background is fitted too.

    With both scales free the best mean holds as many counts as were counted, and only the share w of the
    source is left: the best w in 0 to 1 of sum n ln((1 - w) b + w t) for shapes b, t of unit sum, a concave
    function whose slope is brought to 0 by halving.

    Parameters
    ----------
    counts, background, templates : ndarray
        As for :func:`likelihood_ratios`; the scale of the background does not matter.

    Returns
    -------
    ratio : ndarray of shape (n_label,), float64
        2 ln(L(best w) / L(0)).
    share : ndarray of shape (n_label,), float64
        The best w.
    """
    hit = counts > 0
    n = counts[hit]
    floor = 1e-6 / background.size
    shape = np.maximum(background[hit] / max(float(background.sum()), 1e-300), floor)
    total = np.maximum(templates.sum(axis=1), 1e-300)
    relative = templates[:, hit] / total[:, np.newaxis] / shape - 1.0
    low, high = np.zeros(total.size), np.full(total.size, 1.0 - 1e-9)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        rises = (relative / (1.0 + middle[:, np.newaxis] * relative)) @ n > 0.0
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
    share = np.where(relative @ n > 0.0, 0.5 * (low + high), 0.0)
    ratio = 2.0 * (np.log1p(share[:, np.newaxis] * relative) @ n)
    return np.maximum(ratio, 0.0), share


def ranked(
    counts: NDArray[np.float64],
    background: NDArray[np.float64],
    templates: NDArray[np.float64],
    labels: Sequence[str],
    *,
    is_scale_known: bool = True,
) -> list[tuple[str, float]]:
    """Return the labels the oracle would name, each given those before it.

    Parameters
    ----------
    counts, background, templates : ndarray
        As for :func:`likelihood_ratios`.
    labels : sequence of str, length n_label
        What the templates are of.
    is_scale_known : bool
        Whether the scale of the background is.

    Returns
    -------
    list of (str, float)
        Label and likelihood ratio, at most three; ratios do not rise where each is told by its own.
    """
    found: list[tuple[str, float]] = []
    known = background.copy()
    left = list(range(len(labels)))
    while left and len(found) < MOST_LABELS:
        ratios = likelihood_ratios if is_scale_known else shape_ratios
        ratio, amount = ratios(counts, known, templates[left])
        best = int(np.argmax(ratio))
        if ratio[best] <= 0.0:
            break
        found.append((labels[left[best]], float(ratio[best])))
        template = templates[left[best]]
        if not is_scale_known:
            known = known * ((1.0 - amount[best]) / max(float(known.sum()), 1e-300))
            template = template / max(float(template.sum()), 1e-300)
        known = known + amount[best] * template
        del left[best]
    return found


def threshold_at(null: NDArray[np.float64], rate: float) -> float:
    """Return the likelihood ratio above which a share of backgrounds would be given a name.

    Parameters
    ----------
    null : ndarray of shape (n,), float64
        Largest ratios of spectra without a source.
    rate : float
        Share of them, 0 to 1.

    Returns
    -------
    float
        At most `rate` of `null` lie above it; the largest of all where the rate is below one in n.

    Raises
    ------
    ValueError
        If there are none, or the rate is no share.
    """
    if null.size == 0 or not 0.0 <= rate <= 1.0:
        raise ValueError(f"a threshold needs ratios and a rate of 0 to 1, got {null.size} and {rate:g}")
    ordered = np.sort(null)[::-1]
    allowed = min(int(np.floor(rate * null.size)), null.size - 1)
    return float(ordered[allowed])

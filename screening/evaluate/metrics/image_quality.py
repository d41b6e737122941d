"""Image quality of a scanner from pictures of test objects, as numbers of arrays.

The questions are those that cargo-imaging standards ask in their public summaries (penetration, wires,
contrast, resolution, material); the rules by which they are answered here are this project's own and stated
with each. They are no test of conformity to any standard.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from .observer import (
    Detectability,
    Observer,
    choices,
    detectability,
    is_seen,
    limit_of,
    middle,
    observer,
    paired_choices,
)
from .proportions import Proportion, proportion

__all__ = [
    "PAIR_DIP",
    "Detectability",
    "Mtf",
    "Observer",
    "PhotonTransfer",
    "choices",
    "contrast_to_noise",
    "detectability",
    "dynamic_range",
    "is_seen",
    "limit_of",
    "material_table",
    "middle",
    "mtf_of_edge",
    "observer",
    "pair_dip",
    "paired_choices",
    "photon_transfer",
    "signal_to_noise",
]

#: Dip between two wires from which they count as resolved, of their mean depth: the rule of duplex wire
#: indicators (ISO 19232-5).
PAIR_DIP = 0.2
#: Bins of the edge's spread, to a pixel.
OVERSAMPLING = 4


class PhotonTransfer(NamedTuple):
    """Noise law var = s_e^2 + g m + (c m)^2.

    Attributes
    ----------
    electronic_sigma : float
        s_e, counts.
    gain : float
        g, counts a quantum.
    multiplicative : float
        c.
    residual : float
        Root mean square of (variance - law) / law over the patches.
    """

    electronic_sigma: float
    gain: float
    multiplicative: float
    residual: float


class Mtf(NamedTuple):
    """Modulation transfer across an edge.

    Attributes
    ----------
    frequency : ndarray of shape (n,), float64
        Cycles a pixel.
    value : ndarray of shape (n,), float64
        1 at 0.
    at_50, at_10 : float or None
        Frequencies at which it falls to 50 and to 10 %, cycles a pixel; None beyond the last.
    angle_degrees : float
        Of the edge to the columns of the patch.
    """

    frequency: NDArray[np.float64]
    value: NDArray[np.float64]
    at_50: float | None
    at_10: float | None
    angle_degrees: float


def photon_transfer(mean: ArrayLike, variance: ArrayLike) -> PhotonTransfer:
    """Fit the noise law to means and variances of patches that hold nothing but noise.

    Parameters
    ----------
    mean, variance : array-like of shape (n_patch,), float64
        Signal over dark, counts, and its variance, counts squared.

    Returns
    -------
    PhotonTransfer
        No term is negative; each patch weighs by its relative error.

    Raises
    ------
    ValueError
        If fewer than three patches are given, or a variance is not positive.

    Notes
    -----
    Janesick, Photon Transfer (SPIE, 2007), without its fixed-pattern term.
    """
    m, v = np.asarray(mean, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    if m.shape != v.shape or m.ndim != 1 or m.size < 3:
        raise ValueError(f"needs three patches or more, got means {m.shape} and variances {v.shape}")
    if not (v > 0).all() or not np.isfinite(m).all():
        raise ValueError("variances must be positive and means numbers")
    terms = np.column_stack([np.ones(m.size), np.maximum(m, 0.0), m**2])
    scale = np.maximum(np.abs(terms).max(axis=0), 1e-300)
    found, _ = optimize.nnls(terms / scale / v[:, None], np.ones(m.size))
    a, g, c = found / scale
    law = terms @ np.array([a, g, c])
    return PhotonTransfer(
        float(np.sqrt(a)), float(g), float(np.sqrt(c)), float(np.sqrt(np.mean((v / law - 1.0) ** 2)))
    )


def signal_to_noise(values: ArrayLike) -> float:
    """Return the mean over the standard deviation of a patch that holds nothing but noise.

    Parameters
    ----------
    values : array-like, float64
        Signal over dark.

    Returns
    -------
    float
        Infinite without noise.
    """
    patch = np.asarray(values, dtype=np.float64)
    sigma = float(patch.std(ddof=1))
    return float("inf") if sigma == 0 else float(patch.mean()) / sigma


def contrast_to_noise(inside: ArrayLike, outside: ArrayLike) -> float:
    """Return the difference of two patches over the root of the mean of their variances.

    Parameters
    ----------
    inside, outside : array-like, float64
        Patches on an object and beside it.

    Returns
    -------
    float
        Positive where the object is darker.
    """
    first, second = np.asarray(inside, dtype=np.float64), np.asarray(outside, dtype=np.float64)
    sigma = float(np.sqrt(0.5 * (first.var(ddof=1) + second.var(ddof=1))))
    apart = float(second.mean() - first.mean())
    return apart / sigma if sigma > 0 else float(np.copysign(np.inf, apart))


def dynamic_range(air: ArrayLike, opaque: ArrayLike) -> tuple[float, float]:
    """Return the dynamic range of a scanner and its scatter floor.

    Parameters
    ----------
    air, opaque : array-like, float64
        Signal over dark in open beam, and behind what lets nothing through.

    Returns
    -------
    dynamic_range : float
        Air over the standard deviation of a pixel behind the opaque place.
    floor : float
        Mean signal behind it over air: scatter and glare.
    """
    level, dark = np.asarray(air, dtype=np.float64), np.asarray(opaque, dtype=np.float64)
    sigma = float(dark.std(ddof=1))
    top = float(level.mean())
    return top / sigma if sigma > 0 else float("inf"), float(dark.mean()) / top


def mtf_of_edge(patch: ArrayLike) -> Mtf:
    """Return the modulation transfer from a slightly slanted edge that runs roughly along the columns.

    Parameters
    ----------
    patch : array-like of shape (n_row, n_column), float64
        One edge, crossing every row; dark on either side. Averaged exposures show less noise.

    Returns
    -------
    Mtf
        Across the edge, along rows.

    Raises
    ------
    ValueError
        If the patch is too small, or no edge crosses its rows.

    Notes
    -----
    The slanted edge of ISO 12233: each row's edge is the centroid of its derivative, a line through them
    orders all pixels by their distance from the edge, in bins of a quarter pixel. The spectrum of the
    derivative, under a Hann window, is corrected for the bins and for the finite difference.
    """
    values = np.asarray(patch, dtype=np.float64)
    if values.ndim != 2 or values.shape[0] < 8 or values.shape[1] < 16:
        raise ValueError(f"an edge needs 8 rows and 16 columns or more, got {values.shape}")
    n_row, n_column = values.shape
    rows, columns = np.arange(n_row), np.arange(n_column)
    slope = np.abs(np.diff(values, axis=1))
    middle_of = slope.mean(axis=0).argmax() + 0.5
    for reach in (
        n_column / 3,
        8.0,
        5.0,
    ):  # noise far from the edge pulls the centroids: look closer each time
        near = np.abs(columns[:-1] + 0.5 - np.reshape(middle_of, (-1, 1))) <= reach
        weight = np.where(near, slope, 0.0)
        weight = np.maximum(weight - np.quantile(slope, 0.5), 0.0) * near
        total = weight.sum(axis=1)
        if not (total > 0).all():
            raise ValueError("no edge crosses every row of the patch")
        line = np.polyfit(rows, (weight * (columns[:-1] + 0.5)).sum(axis=1) / total, 1)
        middle_of = np.polyval(line, rows)
    angle = float(np.arctan(line[0]))
    distance = (columns - np.reshape(middle_of, (-1, 1))) * np.cos(angle)
    half = min(-distance[:, 0].min(), distance[:, -1].min(), n_column / 2)
    n_bin = int(half * OVERSAMPLING)
    place = np.floor(distance * OVERSAMPLING).astype(np.int64) + n_bin
    inside = (place >= 0) & (place < 2 * n_bin)
    count = np.bincount(place[inside], minlength=2 * n_bin)
    if n_bin < 2 * OVERSAMPLING:
        raise ValueError("the edge lies at the side of the patch")
    known = np.flatnonzero(count)
    mean = np.bincount(place[inside], weights=values[inside], minlength=2 * n_bin)[known] / count[known]
    spread = np.interp(np.arange(2 * n_bin), known, mean)
    step = np.diff(spread)
    centre = float(np.sum(np.arange(step.size) * step**2) / np.sum(step**2))
    window = 0.5 + 0.5 * np.cos(np.pi * np.clip((np.arange(step.size) - centre) / n_bin, -1.0, 1.0))
    spectrum = np.abs(np.fft.rfft(step * window, 8 * step.size))
    cycles = np.fft.rfftfreq(8 * step.size, 1.0 / OVERSAMPLING)
    keep = cycles <= 1.0
    frequency: NDArray[np.float64] = np.asarray(cycles[keep], dtype=np.float64)
    value = spectrum[keep] / spectrum[0] / np.sinc(frequency / OVERSAMPLING) ** 2
    return Mtf(
        frequency,
        value,
        _falls_to(frequency, value, 0.5),
        _falls_to(frequency, value, 0.1),
        np.degrees(angle),
    )


def pair_dip(profile: ArrayLike, first: float, second: float) -> float:
    """Return the dip between two wires, of their mean depth.

    Parameters
    ----------
    profile : array-like of shape (n,), float64
        Signal across the pair, lower at the wires; a mean over many lines.
    first, second : float
        Where the wires' middles are, pixels.

    Returns
    -------
    float
        0 where they are one, 1 where the signal between them is that beside them. From 0.2 they are resolved.

    Raises
    ------
    ValueError
        If the wires do not lie inside the profile, in order.
    """
    values = np.asarray(profile, dtype=np.float64)
    if not 1.0 <= first < second <= values.size - 2.0:
        raise ValueError(f"wires at {first!r} and {second!r} do not lie in a profile of {values.size}")
    apart = second - first
    base = float(np.median(np.concatenate([values[: int(first - apart)], values[int(second + apart) + 1 :]])))
    fine = np.arange(0.0, values.size - 1, 0.1)
    drawn = base - np.interp(fine, np.arange(values.size), values)
    reach = max(0.35 * apart, 0.1)

    def _highest(at: float) -> float:
        return float(drawn[np.abs(fine - at) <= reach].max())

    depth = 0.5 * (_highest(first) + _highest(second))
    if depth <= 0:
        return 0.0
    between = float(drawn[np.abs(fine - 0.5 * (first + second)) <= max(0.1 * apart, 0.1)].min())
    return float(np.clip((depth - between) / depth, 0.0, 1.0))


def material_table(
    learned: Mapping[tuple[str, float], ArrayLike], tested: Mapping[tuple[str, float], ArrayLike]
) -> dict[tuple[str, float], Proportion]:
    """Return how often the material of a block is told right, by material and thickness.

    Each tested exposure is given the material whose learned features of the same thickness lie nearest, in
    units of their common covariance (a linear discriminant).

    Parameters
    ----------
    learned, tested : mapping of (material, thickness) to array-like of shape (n, n_feature), float64
        Features of the blocks, such as -ln T of both energies, from exposures that are apart.

    Returns
    -------
    dict of (material, thickness) to Proportion
        Share told right of each block tested, exact interval.

    Raises
    ------
    ValueError
        If a thickness was learned with one material only, or too few exposures.
    """
    found: dict[tuple[str, float], Proportion] = {}
    for thickness in sorted({key[1] for key in tested}):
        names = sorted(name for name, at in learned if at == thickness)
        blocks = [np.asarray(learned[name, thickness], dtype=np.float64) for name in names]
        if len(names) < 2 or min(len(block) for block in blocks) < 3:
            raise ValueError(f"thickness {thickness:g} needs two materials and three exposures of each")
        means = np.array([block.mean(axis=0) for block in blocks])
        rest = np.concatenate([block - mean for block, mean in zip(blocks, means, strict=True)])
        covariance = rest.T @ rest / (len(rest) - len(blocks))
        covariance += 1e-12 * max(float(np.trace(covariance)), 1e-300) * np.eye(len(covariance))
        weights = np.linalg.solve(covariance, means.T)
        for name, at in tested:
            if at == thickness:
                features = np.asarray(tested[name, at], dtype=np.float64)
                score = features @ weights - 0.5 * np.einsum("ij,ji->i", means, weights)
                found[name, at] = proportion(np.array(names)[score.argmax(axis=1)] == name)
    return found


def _falls_to(x: NDArray[np.float64], y: NDArray[np.float64], level: float) -> float | None:
    below = np.flatnonzero(y < level)
    if not below.size:
        return None
    i = int(below[0])
    if i == 0:
        return float(x[0])
    return float(x[i - 1] + (y[i - 1] - level) / (y[i - 1] - y[i]) * (x[i] - x[i - 1]))

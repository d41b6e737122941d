"""Non-negative fits of a spectrum: smooth continuum, measured background, and nuclides one by one.

Chi-squared with variances from the model (Fisher scoring of the Poisson likelihood), widened by a
systematic share: templates are never exact, and without it any strong measured spectrum would need a
dozen nuclides to be explained.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.ndimage import uniform_filter1d
from scipy.optimize import nnls

from screening.errors import ModelError
from screening.physics import FwhmLaw

from .spectrum import MeasuredSpectrum, noise_excess
from .templates import (
    GERMANIUM_R662,
    TemplateSet,
    build_templates,
    continuum_basis,
    intrinsic_columns,
    nuclide_continua,
)

__all__ = ["Fit", "Problem", "add_best", "bins_per_fwhm", "gains", "pose", "quick_gains", "select", "solve"]

#: Bins in one FWHM; germanium has so many that time counts more than the last few percent of sharpness.
BINS_PER_FWHM = 3.0
BINS_PER_FWHM_GERMANIUM = 2.3

#: Relative errors of the model: of every bin; of the peaks; and of their position, in FWHM.
SYSTEMATIC = 0.025
SYSTEMATIC_PEAK = 0.06
SYSTEMATIC_SHIFT = 0.05

#: Prior on the scale of a measured background (suppression by the vehicle, age).
BACKGROUND_SIGMA = 0.3


class Problem(NamedTuple):
    """A spectrum on an axis, with what may explain it.

    Attributes
    ----------
    counts : ndarray of shape (n_bin,), float64
        Counts.
    extra_variance : ndarray of shape (n_bin,), float64
        Variance beyond that of the model's counts: subtraction noise, background statistics.
    templates : TemplateSet
        Nuclides.
    fixed : ndarray of shape (n_bin, n_fixed), float64
        Columns present in every fit: the measured background first if there is one, then the continuum.
    has_background : bool
        Whether the first fixed column is a measured background.
    """

    counts: NDArray[np.float64]
    extra_variance: NDArray[np.float64]
    templates: TemplateSet
    fixed: NDArray[np.float64]
    has_background: bool


class Fit(NamedTuple):
    """A solved fit.

    Attributes
    ----------
    labels : tuple of int
        Nuclides in the order they entered.
    columns : ndarray of shape (n_bin, n_column), float64
        Design matrix.
    owner : ndarray of shape (n_column,), int64
        Label of each column; -1 for the fixed ones.
    is_peak : ndarray of shape (n_column,), bool
        The column is made of peaks (not of a nuclide's continuum).
    amplitude : ndarray of shape (n_column,), float64
        Non-negative amplitudes.
    weight : ndarray of shape (n_bin,), float64
        Inverse variance of each bin.
    chi2 : float
        Weighted sum of squared residuals.
    """

    labels: tuple[int, ...]
    columns: NDArray[np.float64]
    owner: NDArray[np.int64]
    is_peak: NDArray[np.bool_]
    amplitude: NDArray[np.float64]
    weight: NDArray[np.float64]
    chi2: float

    @property
    def model(self) -> NDArray[np.float64]:
        """Fitted counts in each bin."""
        return self.columns @ self.amplitude

    def part(self, label: int, *, peaks_only: bool = False) -> NDArray[np.float64]:
        """Return the fitted counts of one label.

        Parameters
        ----------
        label : int
            Index of the label; -1 for background and continuum.
        peaks_only : bool, default False
            Leave its continuum out.

        Returns
        -------
        ndarray of shape (n_bin,), float64
            Counts.
        """
        mine = self.owner == label
        if peaks_only:
            mine = mine & self.is_peak
        return np.asarray(self.columns[:, mine] @ self.amplitude[mine])


def bins_per_fwhm(r662: float) -> float:
    """Return how finely a spectrum of some resolution is binned.

    Parameters
    ----------
    r662 : float
        FWHM over energy at 662 keV.

    Returns
    -------
    float
        Bins in one FWHM.
    """
    return BINS_PER_FWHM_GERMANIUM if r662 < GERMANIUM_R662 else BINS_PER_FWHM


def pose(
    spectrum: MeasuredSpectrum,
    law: FwhmLaw,
    axis_kev: NDArray[np.float64],
    *,
    gain: float = 1.0,
    offset_kev: float = 0.0,
    bend_kev: float = 0.0,
    background: MeasuredSpectrum | None = None,
    templates: TemplateSet | None = None,
    continuum: NDArray[np.float64] | None = None,
    excess: NDArray[np.float64] | None = None,
) -> Problem:
    """Put a spectrum on an axis of true energy.

    Parameters
    ----------
    spectrum : MeasuredSpectrum
        What is to be explained.
    law : FwhmLaw
        Resolution.
    axis_kev : ndarray of shape (n_bin + 1,), float64
        Bin edges, keV.
    gain, offset_kev, bend_kev : float
        Calibration, as in :meth:`MeasuredSpectrum.on_axis`.
    background : MeasuredSpectrum, optional
        A background measured apart; the same gain is taken.
    templates : TemplateSet, optional
        Templates for this law and axis; built when omitted.
    continuum : ndarray of shape (n_bin, n_spline), float64, optional
        Continuum for this law and axis; built when omitted.
    excess : ndarray of shape (n_channel,), float64, optional
        Added variance by channel; estimated when omitted.

    Returns
    -------
    Problem
        The problem.
    """
    counts = spectrum.on_axis(axis_kev, gain=gain, offset_kev=offset_kev, bend_kev=bend_kev)
    if excess is None:
        excess = noise_excess(spectrum)
    extra = np.maximum(
        spectrum._replace(cumulative=np.concatenate([[0.0], np.cumsum(excess)])).on_axis(
            axis_kev, gain=gain, offset_kev=offset_kev, bend_kev=bend_kev
        ),
        0.0,
    )
    fixed = continuum_basis(law, axis_kev) if continuum is None else continuum
    if templates is None:
        templates = build_templates(law, axis_kev)
    fixed = np.concatenate([fixed, intrinsic_columns(templates)], axis=1)
    if background is not None:
        scale = spectrum.live_time_s / background.live_time_s
        column = background.on_axis(axis_kev, gain=gain, offset_kev=offset_kev, bend_kev=bend_kev) * scale
        extra = extra + column * scale
        fixed = np.concatenate([column[:, None], fixed], axis=1)
    return Problem(counts, extra, templates, fixed, background is not None)


def solve(
    problem: Problem,
    labels: tuple[int, ...],
    *,
    variants: dict[int, tuple[int, ...]],
    start: Fit | None = None,
) -> Fit:
    """Fit the fixed columns and some nuclides.

    Parameters
    ----------
    problem : Problem
        What to fit.
    labels : tuple of int
        Nuclides.
    variants : dict of int to tuple of int
        Shields and crystals of each nuclide that may be mixed.
    start : Fit, optional
        An earlier fit whose model gives the variances; local means are used when omitted.

    Returns
    -------
    Fit
        The fit.
    """
    templates = problem.templates
    columns, owner, is_peak = [problem.fixed], [-1] * problem.fixed.shape[1], [False] * problem.fixed.shape[1]
    for label in labels:
        chosen = [label * templates.n_variant + v for v in variants[label]]
        columns.append(templates.peaks[:, chosen].toarray())
        owner += [label] * len(chosen)
        is_peak += [True] * len(chosen)
        extra, extra_is_peak = _companions(templates, label, variants[label][0])
        columns += extra
        owner += [label] * len(extra)
        is_peak += extra_is_peak
    design = np.concatenate(columns, axis=1)
    weight = _weights(problem, start)
    amplitude, chi2 = _nnls(design, problem.counts, weight, problem.has_background)
    return Fit(tuple(labels), design, np.array(owner), np.array(is_peak), amplitude, weight, chi2)


def _companions(
    templates: TemplateSet, label: int, variant: int
) -> tuple[list[NDArray[np.float64]], list[bool]]:
    """Columns that come with a nuclide and prove nothing: its continuum, its lowest lines, impurities."""
    extra = [shape[:, None] for shape in nuclide_continua(templates, label, variant)]
    is_peak = [False] * len(extra)
    parts = templates.parts(label, variant)
    extra += [part[:, None] for part in parts]
    is_peak += [True] * len(parts)
    return extra, is_peak


def _weights(problem: Problem, start: Fit | None) -> NDArray[np.float64]:
    counts = problem.counts
    broad = uniform_filter1d(counts, 31, mode="nearest")
    if start is None:
        level = uniform_filter1d(counts, 5, mode="nearest")
        variance = np.maximum(level, 0.3 * broad) + 0.2 + (SYSTEMATIC * level) ** 2 + problem.extra_variance
        return np.asarray(1.0 / variance)
    model = start.model
    peaks = start.columns[:, start.is_peak] @ start.amplitude[start.is_peak]
    axis, law = problem.templates.axis_kev, problem.templates.law
    slope = np.gradient(model) * law.fwhm_kev(0.5 * (axis[1:] + axis[:-1])) / np.diff(axis)
    variance = np.maximum(model, 0.1 * broad) + 0.2 + problem.extra_variance
    variance += (SYSTEMATIC * model) ** 2 + (SYSTEMATIC_PEAK * peaks) ** 2 + (SYSTEMATIC_SHIFT * slope) ** 2
    return np.asarray(1.0 / variance)


def _nnls(
    design: NDArray[np.float64],
    counts: NDArray[np.float64],
    weight: NDArray[np.float64],
    has_background: bool,
) -> tuple[NDArray[np.float64], float]:
    root = np.sqrt(weight)
    weighted = design * root[:, None]
    scale = np.sqrt((weighted**2).sum(axis=0))
    scale = np.where(scale > 0, scale, 1.0)
    weighted = weighted / scale
    target = counts * root
    gram = weighted.T @ weighted
    gram[np.diag_indices_from(gram)] += 1e-7
    right = weighted.T @ target
    if has_background:
        gram[0, 0] += 1.0 / (BACKGROUND_SIGMA * scale[0]) ** 2
        right[0] += 1.0 / (BACKGROUND_SIGMA**2 * scale[0])
    # NNLS on the Cholesky factor: as many rows as columns, however many bins there are.
    try:
        factor = np.linalg.cholesky(gram).T
        solution, _ = nnls(factor, np.linalg.solve(factor.T, right), maxiter=20 * right.size)
    except (np.linalg.LinAlgError, RuntimeError) as error:
        raise ModelError(f"the fit of the spectrum failed: {error}", value=right.size) from error
    residual = target - weighted @ solution
    return solution / scale, float(residual @ residual)


def gains(problem: Problem, fit: Fit) -> NDArray[np.float64]:
    """Return by how much chi-squared would fall for each template that is added.

    The score test: the residual projected on what of the template the present columns do not explain.

    Parameters
    ----------
    problem : Problem
        What is fitted.
    fit : Fit
        The present fit.

    Returns
    -------
    ndarray of shape (n_label, n_variant), float64
        Expected fall of chi-squared, 0 where the amplitude would be negative.
    """
    templates = problem.templates
    active = fit.columns[:, fit.amplitude > 0]
    root = np.sqrt(fit.weight)
    residual = (problem.counts - fit.model) * fit.weight
    weighted = active * root[:, None]
    gram = weighted.T @ weighted
    gram[np.diag_indices_from(gram)] *= 1.0 + 1e-6
    gram[np.diag_indices_from(gram)] += 1e-12
    cross = templates.peaks.T @ (active * fit.weight[:, None])
    own = np.asarray(templates.squares.T @ fit.weight)
    inner = cho_solve(cho_factor(gram), cross.T)
    free = np.maximum(own - np.einsum("ij,ji->i", cross, inner), 1e-3 * own + 1e-300)
    score = np.asarray(templates.peaks.T @ residual)
    gain = np.where((score > 0) & (own > 0), score**2 / free, 0.0)
    return gain.reshape(-1, templates.n_variant)


def quick_gains(problem: Problem) -> NDArray[np.float64]:
    """Return what each template would explain beyond the continuum alone, for a scan of gains.

    Parameters
    ----------
    problem : Problem
        What is fitted.

    Returns
    -------
    ndarray of shape (n_label,), float64
        Fall of chi-squared for each nuclide's best shield.
    """
    templates = problem.templates
    weight = _weights(problem, None)
    weighted = problem.fixed * weight[:, None]
    gram = problem.fixed.T @ weighted
    gram[np.diag_indices_from(gram)] *= 1.0 + 1e-6
    gram[np.diag_indices_from(gram)] += 1e-12
    factor = cho_factor(gram)
    smooth = problem.fixed @ cho_solve(factor, weighted.T @ problem.counts)
    residual = (problem.counts - smooth) * weight
    own = np.asarray(templates.squares.T @ weight)
    free = own
    if templates.law.r662 > GERMANIUM_R662:
        cross = templates.peaks.T @ weighted
        free = np.maximum(own - np.einsum("ij,ji->i", cross, cho_solve(factor, cross.T)), 1e-3 * own + 1e-300)
    score = np.asarray(templates.peaks.T @ residual)
    gain = np.where((score > 0) & (own > 0), score**2 / np.maximum(free, 1e-300), 0.0)
    best: NDArray[np.float64] = gain.reshape(-1, templates.n_variant).max(axis=1)
    return best


def add_best(
    problem: Problem,
    fit: Fit,
    variants: dict[int, tuple[int, ...]],
    *,
    handicap: NDArray[np.float64],
    least: float,
) -> tuple[Fit, float] | None:
    """Add the nuclide that explains most of what is left.

    Parameters
    ----------
    problem : Problem
        What is fitted.
    fit : Fit
        The present fit.
    variants : dict of int to tuple of int
        Filled with the chosen nuclide's best shields.
    handicap : ndarray of shape (n_label,), float64
        What each nuclide has to bring beyond the others; infinite for those not allowed.
    least : float
        Smallest fall of chi-squared worth adding.

    Returns
    -------
    tuple of Fit and float, or None
        The new fit and the expected gain; None when nothing reaches `least`.
    """
    gain = gains(problem, fit)
    # A share of the gain as well: where systematic errors rule, a small share means nothing.
    best_of = gain.max(axis=1) * (1.0 - 0.01 * handicap) - handicap
    if fit.labels:
        best_of[list(fit.labels)] = -np.inf
    label = int(np.argmax(best_of))
    if not best_of[label] >= least:
        return None
    order = np.argsort(-gain[label], kind="stable")
    variants[label] = tuple(int(v) for v in order[:3])
    new = solve(problem, (*fit.labels, label), variants=variants, start=fit)
    return new, float(gain[label, order[0]])


def select(
    problem: Problem, *, handicap: NDArray[np.float64], n_most: int, least: float
) -> tuple[Fit, dict[int, tuple[int, ...]]]:
    """Add nuclides one by one until nothing explains enough of what is left.

    Parameters
    ----------
    problem : Problem
        What is fitted.
    handicap : ndarray of shape (n_label,), float64
        What each nuclide has to bring beyond the others.
    n_most : int
        Most nuclides to add.
    least : float
        Smallest fall of chi-squared worth adding.

    Returns
    -------
    fit : Fit
        The last fit.
    variants : dict of int to tuple of int
        Shields and crystals of each nuclide in it.
    """
    variants: dict[int, tuple[int, ...]] = {}
    fit = solve(problem, (), variants=variants)
    fit = solve(problem, (), variants=variants, start=fit)
    for _ in range(n_most):
        step = add_best(problem, fit, variants, handicap=handicap, least=least)
        if step is None:
            break
        fit = step[0]
    return fit, variants

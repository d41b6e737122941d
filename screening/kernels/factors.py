"""Poisson regression of spectra on few non-negative factors, and what a template adds to them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _factors as _engine

__all__ = ["MAX_BINS", "MAX_FACTORS", "FactorFit", "fit_factors", "log_ratios"]

#: Largest number of factors, and of bins in a row.
MAX_FACTORS, MAX_BINS = 23, 1024


class FactorFit(NamedTuple):
    """Fits of rows.

    Attributes
    ----------
    amplitude : ndarray of shape (n_row, n_factor), float32
        Amplitudes, 0 or more.
    deviance : ndarray of shape (n_row,), float64
        2 sum(n ln(n / m) - n + m).
    n_step : ndarray of shape (n_row,), int32
        Steps each fit took; -1 where it did not converge.
    ratio : ndarray of shape (n_row, n_template), float32
        Signed root of twice the logarithm of the likelihood ratio with and without each template.
    """

    amplitude: NDArray[np.float32]
    deviance: NDArray[np.float64]
    n_step: NDArray[np.int32]
    ratio: NDArray[np.float32]


def fit_factors(
    spectra: NDArray[np.float32],
    basis: NDArray[np.float32],
    start: NDArray[np.float64] | None = None,
    *,
    templates: NDArray[np.float32] | None = None,
    gate: float = 3.0,
    tolerance: float = 1e-3,
    max_steps: int = 50,
) -> FactorFit:
    """Fit each row with the most likely non-negative amplitudes of a fixed basis.

    Counts are Poisson about amplitude @ basis: what non-negative factorisation under the Kullback-Leibler
    divergence (Lee and Seung, Nature 401 (1999) 788) does for new spectra. Multiplicative updates need
    hundreds of rounds; Fisher scoring with the bounds kept needs three or four from the answer of the row
    before, and windows that slide differ little from one to the next.

    Parameters
    ----------
    spectra : ndarray of shape (n_row, n_bin), float32
        Counts, 0 or more; rows that follow each other are best alike.
    basis : ndarray of shape (n_factor, n_bin), float32
        Factors, 0 or more, each with something in it.
    start : ndarray of shape (n_factor,), float64, optional
        Amplitudes from which the first row starts, above 0; all alike when omitted. They are scaled to the
        counts.
    templates : ndarray of shape (n_template, n_bin), float32, optional
        Spectra whose presence is tested, each in turn beside the whole basis.
    gate : float
        From this score statistic on (Rao: slope over the root of the information beyond the factors), the
        likelihood ratio is fitted; below it the score statistic itself is returned, which is the same in
        the limit of weak sources and costs no fit.
    tolerance : float
        A fit ends when the next step would gain less than this in the logarithm of the likelihood.
    max_steps : int
        Steps after which a fit has not converged.

    Returns
    -------
    FactorFit
        Amplitudes, deviances, steps, ratios. Sums are in single precision: a deviance is right to 1e-3.

    Raises
    ------
    TypeError
        If an array has another dtype.
    ValueError
        If shapes do not fit, numbers are negative or not finite, a factor or template is empty, or there
        are too many.
    """
    if spectra.dtype != np.float32 or basis.dtype != np.float32:
        raise TypeError(f"spectra and basis need dtype float32, got {spectra.dtype} and {basis.dtype}")
    if templates is not None and templates.dtype != np.float32:
        raise TypeError(f"templates need dtype float32, got {templates.dtype}")
    _check_rows("basis", basis)
    n_factor, n_bin = basis.shape
    if not 1 <= n_factor <= MAX_FACTORS or not 1 <= n_bin <= MAX_BINS:
        raise ValueError(
            f"a basis has 1 to {MAX_FACTORS} factors of 1 to {MAX_BINS} bins, got shape {basis.shape}"
        )
    if spectra.ndim != 2 or spectra.shape[1] != n_bin:
        raise ValueError(f"spectra need shape (n_row, {n_bin}), got {spectra.shape}")
    if spectra.size and not (np.isfinite(spectra).all() and spectra.min() >= 0.0):
        raise ValueError("spectra must hold finite counts of 0 or more")
    if templates is not None:
        _check_rows("templates", templates)
        if templates.shape[1] != n_bin:
            raise ValueError(f"templates need shape (n_template, {n_bin}), got {templates.shape}")
    first = np.ones(n_factor) if start is None else np.ascontiguousarray(start, dtype=np.float64)
    if first.shape != (n_factor,) or not (np.isfinite(first).all() and (first > 0.0).all()):
        raise ValueError(f"start needs {n_factor} amplitudes above 0, got {start!r}")
    if not math.isfinite(gate) or not tolerance > 0.0 or max_steps < 1:
        raise ValueError(
            "gate must be finite, tolerance above 0 and max_steps at least 1, "
            f"got {gate}, {tolerance}, {max_steps}"
        )
    has_templates = templates is not None and templates.shape[0] > 0
    return FactorFit(
        *_engine.fit_factors(
            np.ascontiguousarray(spectra),
            np.ascontiguousarray(basis),
            first,
            templates=np.ascontiguousarray(templates) if has_templates else None,
            gate=float(gate),
            tolerance=float(tolerance),
            max_steps=int(max_steps),
        )
    )


def log_ratios(
    counts: NDArray[np.uint16],
    background: NDArray[np.float32],
    templates: NDArray[np.float32],
    levels: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return what counts say for a template on a known background: sum(n ln(1 + level s / b)).

    Less level * sum(s) this is the logarithm of the likelihood ratio of Poisson counts with and without the
    template at that level: what an observer knows who knows the truth. Every interval of a run is asked for
    some levels of each of many templates, which is a hundred logarithms a bin.

    Parameters
    ----------
    counts : ndarray of shape (n_row, n_bin), uint16
        Counts.
    background : ndarray of shape (n_row, n_bin), float32
        Expected background, above 0.
    templates : ndarray of shape (n_template, n_bin), float32
        Expected counts of each template at level 1, 0 or more.
    levels : ndarray of shape (n_level,), float32
        Levels, 0 or more.

    Returns
    -------
    ndarray of shape (n_row, n_template, n_level), float32
        Sums.

    Raises
    ------
    TypeError
        If an array has another dtype.
    ValueError
        If shapes do not fit, or numbers are out of their range.
    """
    if counts.dtype != np.uint16 or any(x.dtype != np.float32 for x in (background, templates, levels)):
        raise TypeError(
            "counts need dtype uint16, background, templates and levels float32, got "
            f"{counts.dtype}, {background.dtype}, {templates.dtype}, {levels.dtype}"
        )
    if counts.ndim != 2 or background.shape != counts.shape or counts.shape[1] > MAX_BINS:
        raise ValueError(
            f"counts and background need one shape (n_row, n_bin up to {MAX_BINS}), "
            f"got {counts.shape} and {background.shape}"
        )
    if templates.ndim != 2 or templates.shape[1] != counts.shape[1] or levels.ndim != 1:
        raise ValueError(
            f"templates need shape (n_template, {counts.shape[1]}) and levels (n_level,), "
            f"got {templates.shape} and {levels.shape}"
        )
    if background.size and not (np.isfinite(background).all() and background.min() > 0.0):
        raise ValueError("background must be finite and above 0")
    for name, values in (("templates", templates), ("levels", levels)):
        if values.size and not (np.isfinite(values).all() and values.min() >= 0.0):
            raise ValueError(f"{name} must be finite and 0 or more")
    return _engine.log_ratios(
        np.ascontiguousarray(counts),
        np.ascontiguousarray(background),
        np.ascontiguousarray(templates),
        np.ascontiguousarray(levels),
    )


def _check_rows(name: str, rows: NDArray[np.float32]) -> None:
    if rows.ndim != 2:
        raise ValueError(f"{name} must have two axes, got shape {rows.shape}")
    if rows.size and not (np.isfinite(rows).all() and rows.min() >= 0.0):
        raise ValueError(f"{name} must be finite and 0 or more")
    if rows.shape[0] and not (rows.sum(axis=1, dtype=np.float64) > 0.0).all():
        raise ValueError(f"{name} must have something in every row")

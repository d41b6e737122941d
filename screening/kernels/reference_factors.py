"""NumPy twins of Poisson regression on factors: the oracle the compiled rows are tested against."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .factors import FactorFit

__all__ = ["fit_factors", "log_ratios"]

#: Rounds of multiplicative updates in which the twin settles.
_ROUNDS = 3_000


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
    """Twin of :func:`screening.kernels.fit_factors`, by multiplicative updates in double precision.

    Parameters
    ----------
    spectra : ndarray of shape (n_row, n_bin), float32
        Counts.
    basis : ndarray of shape (n_factor, n_bin), float32
        Factors.
    start : ndarray of shape (n_factor,), float64, optional
        Where the first row starts.
    templates : ndarray of shape (n_template, n_bin), float32, optional
        What is tested.
    gate : float
        Score statistic from which the likelihood ratio is fitted.
    tolerance, max_steps : float, int
        Not used: the twin goes on until nothing changes.

    Returns
    -------
    FactorFit
        Fits; steps are 0.
    """
    del tolerance, max_steps
    n, w = spectra.astype(np.float64), basis.astype(np.float64)
    first = np.ones(w.shape[0]) if start is None else start
    amplitude, mean = _settled(n, w, np.broadcast_to(first, (n.shape[0], w.shape[0])))
    deviance = _deviance(n, mean)
    s = np.zeros((0, w.shape[1])) if templates is None else templates.astype(np.float64)
    ratio = np.zeros((n.shape[0], s.shape[0]))
    for i in range(n.shape[0]):
        free = w[amplitude[i] > 1e-9 * max(amplitude[i].max(), 1e-300)]
        for t in range(s.shape[0]):
            slope = float(s[t] @ (n[i] / mean[i] - 1.0))
            weighted = s[t] / mean[i]
            own = information = float(s[t] @ weighted)
            if slope > 0.0 and free.size:
                cross = free @ weighted
                information -= float(cross @ np.linalg.solve((free / mean[i]) @ free.T, cross))
            if not information > 1e-6 * own:
                continue
            ratio[i, t] = slope / np.sqrt(information)
            if ratio[i, t] >= gate:
                begin = np.append(np.maximum(amplitude[i], 1e-9), max(slope / information, 1e-9))
                _, with_it = _settled(n[i : i + 1], np.vstack([w, s[t]]), begin[np.newaxis])
                ratio[i, t] = np.sqrt(max(deviance[i] - _deviance(n[i : i + 1], with_it)[0], 0.0))
    return FactorFit(
        amplitude.astype(np.float32), deviance, np.zeros(n.shape[0], np.int32), ratio.astype(np.float32)
    )


def log_ratios(
    counts: NDArray[np.uint16],
    background: NDArray[np.float32],
    templates: NDArray[np.float32],
    levels: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Twin of :func:`screening.kernels.log_ratios`.

    Parameters
    ----------
    counts : ndarray of shape (n_row, n_bin), uint16
        Counts.
    background : ndarray of shape (n_row, n_bin), float32
        Expected background.
    templates : ndarray of shape (n_template, n_bin), float32
        Expected counts at level 1.
    levels : ndarray of shape (n_level,), float32
        Levels.

    Returns
    -------
    ndarray of shape (n_row, n_template, n_level), float32
        Sums.
    """
    share = templates.astype(np.float64) / background.astype(np.float64)[:, np.newaxis]
    logs = np.log1p(levels.astype(np.float64)[:, np.newaxis] * share[:, :, np.newaxis])
    return np.asarray(np.einsum("ib,itlb->itl", counts.astype(np.float64), logs), dtype=np.float32)


def _settled(
    n: NDArray[np.float64], w: NDArray[np.float64], start: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return amplitudes and expected counts after many multiplicative updates."""
    amplitude = start * (n.sum(axis=1) / np.maximum(start @ w.sum(axis=1), 1e-300))[:, np.newaxis]
    for _ in range(_ROUNDS):
        mean = np.maximum(amplitude @ w, 1e-300)
        updated = amplitude * ((n / mean) @ w.T) / w.sum(axis=1)
        is_still = np.allclose(updated, amplitude, rtol=1e-9, atol=1e-12)
        amplitude = updated
        if is_still:
            break
    return amplitude, np.maximum(amplitude @ w, 1e-6)


def _deviance(n: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    terms = np.where(n > 0, n * np.log(np.where(n > 0, n, 1.0) / mean), 0.0) - n + mean
    return np.asarray(2.0 * terms.sum(axis=1))

"""The small arrays behind an answer, for ``--products`` and reports."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from screening.kernels import rebin

from .gross import GrossTest
from .occupancy import PassCounts, sliding_sum
from .occupancy_spectra import PassSpectra

__all__ = ["MAX_BINS", "fit_products", "merge_bins", "neutron_products", "spectrum_products", "time_products"]

#: Spectra are handed on with at most this many bins.
MAX_BINS = 2048


def time_products(
    counts: PassCounts,
    test: GrossTest | None,
    background_cps: NDArray[np.float64] | None,
    n_sigma: float,
) -> dict[str, NDArray[Any]]:
    """Return the time profile of a pass.

    Parameters
    ----------
    counts : PassCounts
        The pass.
    test : GrossTest or None
        The alarm rule applied to it; None without a background.
    background_cps : ndarray of shape (n_panel,), float64, or None
        Background rates.
    n_sigma : float
        Alarm threshold.

    Returns
    -------
    dict of str to ndarray
        `t_s` and `rate_cps` of shape (n_interval,), `panel_cps` (n_interval, n_panel), `background_cps`
        and `threshold_cps` of shape (1,), `window_t_s` (n_window,) (centres) and `nsigma`
        (n_window, n_group).
    """
    found: dict[str, NDArray[Any]] = {
        "t_s": counts.t_s,
        "rate_cps": counts.counts.sum(axis=1) / counts.interval_s,
        "panel_cps": counts.counts / counts.interval_s[:, np.newaxis],
    }
    if test is not None and background_cps is not None:
        window_s = counts.window * float(np.median(counts.interval_s))
        total = float(background_cps.sum())
        found["background_cps"] = np.array([total])
        found["threshold_cps"] = np.array([total + n_sigma * np.sqrt(total * window_s) / window_s])
        half = 0.5 * sliding_sum(counts.interval_s[:, np.newaxis], counts.window)[:, 0]
        found["window_t_s"] = counts.t_s[: half.shape[0]] + half
        found["nsigma"] = test.nsigma
    return found


def neutron_products(
    counts: NDArray[np.int64], interval_s: NDArray[np.float64], background_cps: float | None
) -> dict[str, NDArray[Any]]:
    """Return the neutron time profile.

    Parameters
    ----------
    counts : ndarray of shape (n, n_panel), int64
        Neutron counts, -1 where missing.
    interval_s : ndarray of shape (n,), float64
        Intervals.
    background_cps : float or None
        Background rate over all panels.

    Returns
    -------
    dict of str to ndarray
        `neutron_t_s`, `neutron_cps` of shape (n,), NaN where missing; `neutron_background_cps` (1,).
    """
    timed = np.isfinite(interval_s) & (interval_s > 0)
    whole = (counts >= 0).all(axis=1) & timed
    seconds = np.where(timed, interval_s, 0.0)
    found: dict[str, NDArray[Any]] = {
        "neutron_t_s": np.cumsum(seconds) - seconds,
        "neutron_cps": np.where(
            whole, counts.sum(axis=1, dtype=np.float64) / np.where(timed, interval_s, 1.0), np.nan
        ),
    }
    if background_cps is not None:
        found["neutron_background_cps"] = np.array([background_cps])
    return found


def spectrum_products(spectra: PassSpectra) -> dict[str, NDArray[Any]]:
    """Return the spectra of the foreground.

    Parameters
    ----------
    spectra : PassSpectra
        Foreground and background.

    Returns
    -------
    dict of str to ndarray
        `energy_edges_kev` of shape (n + 1,), `spectrum` (n,) gross counts and, with a background,
        `background_spectrum` (n,) scaled to the same live time and `net_spectrum` (n,); n at most
        `MAX_BINS`.
    """
    fore, back = spectra.foreground, spectra.background
    edges, counts = merge_bins(spectra.edges_kev, fore.counts)
    found: dict[str, NDArray[Any]] = {"energy_edges_kev": edges, "spectrum": counts}
    if back is not None and back.live_time_s > 0:
        _, scaled = merge_bins(spectra.edges_kev, back.counts)
        scaled = scaled * (fore.live_time_s / back.live_time_s)
        found["background_spectrum"] = scaled
        found["net_spectrum"] = counts - scaled
    return found


def fit_products(found: dict[str, NDArray[Any]], edges_kev: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Return the fitted components on the axis of the spectrum they explain.

    Parameters
    ----------
    found : dict of str to ndarray
        Products of an identifier: `energy_kev` (m + 1,) bin edges, and arrays (m,) of counts.
    edges_kev : ndarray of shape (n + 1,), float64
        Axis of the spectrum.

    Returns
    -------
    dict of str to ndarray
        `fit` and `component/<name>` of shape (n,), counts; empty without an axis.
    """
    own = found.get("energy_kev")
    if own is None:
        return {}
    result: dict[str, NDArray[Any]] = {}
    for name, values in found.items():
        key = {"fitted": "fit", "continuum": "component/continuum"}.get(name, name)
        if key != "fit" and not key.startswith("component/"):
            continue
        counts = np.ascontiguousarray(values, dtype=np.float64)[np.newaxis]
        result[key] = rebin(counts, np.asarray(own, dtype=np.float64), edges_kev)[0]
    return result


def merge_bins(
    edges: NDArray[np.float64], counts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Merge neighbouring channels until at most `MAX_BINS` are left.

    Parameters
    ----------
    edges : ndarray of shape (n + 1,), float64
        Channel edges.
    counts : ndarray of shape (n,), float64
        Counts.

    Returns
    -------
    edges : ndarray of shape (m + 1,), float64
        Edges kept.
    counts : ndarray of shape (m,), float64
        Sums; none is lost.
    """
    step = -(-counts.shape[0] // MAX_BINS)
    if step <= 1:
        return edges, counts
    starts = np.arange(0, counts.shape[0], step)
    return np.append(edges[starts], edges[-1]), np.add.reduceat(counts, starts)

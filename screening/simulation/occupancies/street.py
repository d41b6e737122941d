"""A street instead of a portal: one NaI log passes sources, on a background that changes along the way."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from .background import COMPONENTS, background_table
from .batch import checked_edges
from .checks import check_range
from .electronics import pass_discriminator
from .lane import FACE_M, Panels, rectangle_share
from .response import PanelResponse, panel_response

__all__ = ["StreetRun", "street_run", "street_source"]

#: Spread of the logarithm of potassium, uranium and thorium along a street, and the range of the lengths over
#: which they change, metres; of radon from run to run; range of the mean rate, counts/s.
_SIGMA, _LENGTH_M, _RADON_SIGMA, _RATE_CPS = 0.35, (5.0, 50.0), 0.5, (300.0, 2500.0)

#: Points in an interval over which a source that is passed is averaged.
_SUBSTEPS = 4


class StreetRun(NamedTuple):
    """A run along a street without any source.

    Attributes
    ----------
    counts : ndarray of shape (n_interval, n_bin), uint16
        Spectra.
    amplitude : ndarray of shape (n_interval, 5), float64
        Expected counts of each of :data:`screening.simulation.occupancies.background.COMPONENTS`.
    shape : ndarray of shape (5, n_bin), float64
        Their spectra, of unit sum: amplitude @ shape is what is expected.
    interval_s : float
        Interval, seconds.
    """

    counts: NDArray[np.uint16]
    amplitude: NDArray[np.float64]
    shape: NDArray[np.float64]
    interval_s: float


def street_run(
    seed: int,
    edges_kev: NDArray[np.float64],
    *,
    duration_s: float = 300.0,
    interval_s: float = 0.1,
    speed_m_s: float = 5.0,
    rate_cps: float | None = None,
    fwhm_662: float = 0.075,
) -> StreetRun:
    """Simulate a run: potassium, uranium and thorium that change along it, radon, cosmic rays.

    Each of the first three follows exp(0.35 z - 0.35^2 / 2), z a Gaussian process whose correlation falls as
    exp(-distance / length), the length drawn for each from 5 to 50 m. Cosmic rays are constant, radon is
    drawn once.

    Parameters
    ----------
    seed : int
        Seed.
    edges_kev : ndarray of shape (n_bin + 1,), float64
        Axis.
    duration_s : float, default 300
        Length of the run, seconds.
    interval_s : float, default 0.1
        Interval, seconds.
    speed_m_s : float, default 5
        Speed, m/s.
    rate_cps : float, optional
        Mean rate on the axis, counts/s; drawn from 300 to 2,500 (evenly in the logarithm) when omitted.
    fwhm_662 : float, default 0.075
        Relative FWHM at 662 keV.

    Returns
    -------
    StreetRun
        The run.

    Raises
    ------
    ValueError
        If a duration, speed or rate is outside its range, the axis does not rise, or a bin holds more than
        65,535 counts.
    """
    check_range("duration_s", duration_s, interval_s, 1e5)
    check_range("interval_s", interval_s, 0.01, 10.0)
    check_range("speed_m_s", speed_m_s, 0.0, 60.0)
    check_range("fwhm_662", fwhm_662, 0.01, 0.3)
    edges_kev = checked_edges(edges_kev)
    if rate_cps is not None:
        check_range("rate_cps", rate_cps, 1.0, 1e5)
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x57EE7]))
    response = panel_response("srpm", fwhm_662)
    table = background_table(response, "concrete")
    shape = _on_axis(response, table.table.spectra[: len(COMPONENTS)], edges_kev)
    share = table.share * shape.sum(axis=1)
    shape /= shape.sum(axis=1, keepdims=True)
    n_interval = round(duration_s / interval_s)
    mean = float(np.exp(rng.uniform(*np.log(_RATE_CPS)))) if rate_cps is None else rate_cps
    factor = np.ones((n_interval, len(COMPONENTS)))
    for k in range(3):
        length = float(np.exp(rng.uniform(*np.log(_LENGTH_M))))
        factor[:, k] = np.exp(_SIGMA * _correlated(n_interval, speed_m_s * interval_s / length, rng))
        factor[:, k] *= np.exp(-0.5 * _SIGMA**2)
    factor[:, 3] = np.exp(_RADON_SIGMA * rng.standard_normal())
    amplitude = factor * share
    amplitude *= mean * interval_s / amplitude.sum(axis=1).mean()
    counts = rng.poisson(amplitude @ shape)
    if counts.size and counts.max() > np.iinfo(np.uint16).max:
        raise ValueError(
            f"a bin of {counts.max()} counts is outside 0 to 65535: shorten interval_s or cut the axis finer"
        )
    return StreetRun(counts.astype(np.uint16), amplitude, shape, interval_s)


def street_source(
    label: str,
    edges_kev: NDArray[np.float64],
    since_s: NDArray[np.float64],
    *,
    interval_s: float = 0.1,
    speed_m_s: float = 5.0,
    closest_m: float = 10.0,
    fwhm_662: float = 0.075,
) -> NDArray[np.float64]:
    """Return the expected counts of a bare source that the log passes, in vacuum.

    Parameters
    ----------
    label : str
        Key of :data:`screening.physics.NUCLIDES`.
    edges_kev : ndarray of shape (n_bin + 1,), float64
        Axis.
    since_s : ndarray of shape (n_interval,), float64
        Start of each interval after the closest approach, seconds.
    interval_s : float, default 0.1
        Interval, seconds.
    speed_m_s : float, default 5
        Speed, m/s.
    closest_m : float, default 10
        Closest approach, metres; the 4 x 16 inch face looks across the path.
    fwhm_662 : float, default 0.075
        Relative FWHM at 662 keV.

    Returns
    -------
    ndarray of shape (n_interval, n_bin), float64
        Counts for each MBq.

    Raises
    ------
    ValueError
        If the label is unknown, or a distance or speed is outside its range.
    """
    check_range("closest_m", closest_m, 0.1, 1000.0)
    check_range("speed_m_s", speed_m_s, 0.0, 60.0)
    check_range("interval_s", interval_s, 0.001, 3600.0)
    check_range("fwhm_662", fwhm_662, 0.01, 0.3)
    if not np.isfinite(since_s).all():
        raise ValueError(f"since_s must be finite, got {since_s!r}")
    edges_kev = checked_edges(edges_kev)
    response = panel_response("srpm", fwhm_662)
    spectrum = _on_axis(response, response.table(label).spectra, edges_kev)[0]
    times = since_s[:, np.newaxis] + (np.arange(_SUBSTEPS) + 0.5) / _SUBSTEPS * interval_s
    log = Panels(np.array([closest_m]), np.zeros(1), FACE_M["srpm"])
    share = rectangle_share(speed_m_s * times, 0.0, 0.0, log)[..., 0].mean(axis=1)
    return np.asarray(1e6 * interval_s * share[:, np.newaxis] * spectrum)


def _on_axis(
    response: PanelResponse, spectra: NDArray[np.float64], edges_kev: NDArray[np.float64]
) -> NDArray[np.float64]:
    fine = response.edges_kev
    passed = spectra * pass_discriminator(0.5 * (fine[1:] + fine[:-1]))
    summed = np.concatenate([np.zeros((spectra.shape[0], 1)), np.cumsum(passed, axis=1)], axis=1)
    return np.stack([np.diff(np.interp(edges_kev, fine, row)) for row in summed])


def _correlated(n: int, step: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a Gaussian process of unit variance whose correlation falls as exp(-steps * step)."""
    kept = np.exp(-step)
    noise = rng.standard_normal(n) * np.sqrt(1.0 - kept * kept)
    noise[0] = rng.standard_normal()
    return np.asarray(lfilter([1.0], [1.0, -kept], noise))

"""Fit a simulated spectrum to a measured one: offset, gain, width, one scatter amplitude, and scales."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, lsq_linear

from screening.physics import FwhmLaw
from screening.physics.bremsstrahlung import bremsstrahlung
from screening.physics.decay import activities, lines_of
from screening.records import Background, Occupancy
from screening.simulation.spectra.channels import channel_counts, piled_up
from screening.simulation.spectra.crystal import Crystal, Deposits, deposits_of
from screening.simulation.spectra.pairs import photon_pairs
from screening.simulation.spectra.photons import FLUX_EDGES, Photons, scattered_back, through, through_layers
from screening.simulation.spectra.sources import emitted, emitted_origins
from screening.simulation.spectra.summing import summed
from screening.simulation.spectra.views import any_response
from screening.sources import open_background, open_scans

from .gamma_setups import (
    BACKGROUND_SPREAD,
    BOUNDS,
    GERMANIUM_SPREAD,
    PRIOR_SPREAD,
    GammaSetup,
    kind_of,
    range_of,
)

__all__ = ["Fit", "Measured", "fit_shape", "read_measured", "source_deposits"]

#: Relative error allowed to the model in each channel beside counting statistics: without it the strongest
#: peak alone would set every parameter.
_MODEL_ERROR = 0.03

_DENSITY = {"aluminium": 2.70, "steel": 7.85}


class Measured(NamedTuple):
    """A measured spectrum on its own energy axis.

    Attributes
    ----------
    counts, background : ndarray of shape (n_channel,), float64
        Counts, and those of a separate background on the same channels scaled by live time (zeros if none).
    variance : ndarray of shape (n_channel,), float64
        Variance of the counts and of the scaled background together, at least 1.
    edges_kev : ndarray of shape (n_channel + 1,), float64
        Channel edges as the file states them, keV.
    live_time_s : float
        Live time, seconds.
    n_detector : int
        Crystals whose spectra were summed.
    """

    counts: NDArray[np.float64]
    background: NDArray[np.float64]
    variance: NDArray[np.float64]
    edges_kev: NDArray[np.float64]
    live_time_s: float
    n_detector: int


class Fit(NamedTuple):
    """The best fit.

    Attributes
    ----------
    parameters : dict of str to float
        Fitted values, the keys of ``BOUNDS``; ``background`` only where there is one.
    source, background : ndarray of shape (n_channel,), float64
        Fitted counts of the simulated source (with pile-up) and of the measured background.
    sigma : ndarray of shape (n_channel,), float64
        Error of each channel the fit assumed: counting, and 3 % of the model.
    law : FwhmLaw
        Fitted resolution.
    fitted : ndarray of shape (n_channel,), bool
        Channels that took part.
    reduced_chi_squared : float
        Of the residuals over `sigma`.
    """

    parameters: dict[str, float]
    source: NDArray[np.float64]
    background: NDArray[np.float64]
    sigma: NDArray[np.float64]
    law: FwhmLaw
    fitted: NDArray[np.bool_]
    reduced_chi_squared: float


def read_measured(
    path: Path, background: Path | str | None = None, *, subtracted_background: Path | None = None
) -> Measured:
    """Read a measured spectrum and its background.

    Parameters
    ----------
    path : Path
        File with the spectrum; the crystals and intervals of a portal are summed, in energy.
    background : Path, "own" or None
        File with a background, or the one within the file.
    subtracted_background : Path, optional
        The background a device has subtracted: it adds its variance.

    Returns
    -------
    Measured
        The spectrum.

    Raises
    ------
    ValueError
        If the file holds no calibrated spectra or not the background asked for.
    """
    payload = open_scans(path)[-1].payload
    if not isinstance(payload, Occupancy) or payload.spectra is None or payload.energy_edges_kev is None:
        raise ValueError(f"{path} holds no calibrated spectra")
    counts, edges = _on_one_axis(payload.spectra.sum(axis=0), payload.energy_edges_kev)
    if payload.live_time_s is not None:
        live = float(payload.live_time_s.mean(axis=1).sum())
    else:
        live = float(payload.interval_s.sum())
    scaled = np.zeros(counts.size)
    variance = np.maximum(counts, 1.0)
    if background is not None:
        found = payload.background if background == "own" else open_background(Path(background))
        scaled, extra = _scaled_background(found, edges, live, path)
        variance = variance + extra
    elif subtracted_background is not None:
        found = open_background(subtracted_background)
        variance = variance + _scaled_background(found, edges, live, path)[0]
    return Measured(counts, scaled, variance, edges, live, payload.n_panel)


def _scaled_background(
    found: object, edges: NDArray[np.float64], live_time_s: float, path: Path
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a background on the channels of a spectrum, scaled by live time, and its variance."""
    if not isinstance(found, Background) or found.spectra is None or found.energy_edges_kev is None:
        raise ValueError(f"{path} has no calibrated background")
    own, own_edges = _on_one_axis(found.spectra, found.energy_edges_kev)
    cumulative = np.concatenate([[0.0], np.cumsum(own)])
    scale = live_time_s / found.live_time_s
    scaled = np.diff(np.interp(edges, own_edges, cumulative)) * scale
    return scaled, scaled * scale


def _on_one_axis(
    spectra: NDArray[np.float64], edges_kev: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if spectra.shape[0] == 1:
        return spectra[0].astype(np.float64), edges_kev[0].astype(np.float64)
    axis = np.arange(0.0, 3000.0, 0.5)
    total = np.zeros(axis.size - 1)
    for counts, own in zip(spectra, edges_kev, strict=True):
        cumulative = np.concatenate([[0.0], np.cumsum(counts.astype(np.float64))])
        total += np.diff(np.interp(axis, own, cumulative))
    return total, axis


def source_deposits(setup: GammaSetup) -> tuple[Deposits, Deposits]:
    """Return what the source leaves in the crystal, and its scatter off the surroundings at amplitude one.

    Parameters
    ----------
    setup : GammaSetup
        Source, holder, housing, surface, crystal.

    Returns
    -------
    source, scatter : Deposits
        Per decay, for one photon on the face per photon emitted.
    """
    crystal = Crystal(setup.response, setup.response, 0.0)
    origin = emitted(setup.label)
    if setup.made_of:
        now = activities(dict(setup.made_of), age_s=setup.age_s)
        energy, rate = lines_of(now, min_photons_per_s=1e-5)
        kept = energy > FLUX_EDGES[0]
        stops_in = setup.layers[0][0] if setup.layers else "steel"
        origin = Photons(energy[kept], rate[kept], bremsstrahlung(now, stops_in, FLUX_EDGES))
    if setup.impurities != 1.0:
        is_impurity = np.array([one.endswith("*") for one in emitted_origins(setup.label)])
        number = np.where(is_impurity, setup.impurities, 1.0) * origin.number
        origin = Photons(origin.energy_kev, number, origin.continuum)
    photons = through_layers(origin, setup.layers)
    material, thickness_mm = setup.housing
    areal = 0.1 * thickness_mm * _DENSITY[material]
    back = Photons(np.zeros(0), np.zeros(0), scattered_back(photons, setup.surface))
    source = deposits_of(crystal, through(photons, material, areal))
    pairs = photon_pairs(setup.label)
    if setup.solid_share > 0.0 and pairs is not None:
        source = source.joined(summed(crystal, pairs, setup.solid_share))
    return source, deposits_of(crystal.around(), through(back, material, areal))


def fit_shape(setup: GammaSetup, measured: Measured) -> Fit:
    """Fit the simulated shape to the measured one.

    Weighted least squares over the channels in range. The scales of source, scatter and background enter
    linearly and are solved at each step, the scatter within its bounds relative to the source; offset,
    gain and the two parameters of the width are walked within theirs. Pile-up is the measured spectrum
    folded with itself at the probability that rate and resolving time give: nothing of it is fitted.

    Parameters
    ----------
    setup : GammaSetup
        What is simulated.
    measured : Measured
        What was measured.

    Returns
    -------
    Fit
        The best fit.
    """
    source, scatter = source_deposits(setup)
    edges = measured.edges_kev
    low, high = setup.range_kev
    fitted = (edges[:-1] >= low) & (edges[1:] <= high)
    rate = measured.counts.sum() / measured.live_time_s / measured.n_detector
    chance = float(rate * setup.resolving_us * 1e-6)
    pile_up = _pile_up(measured, chance)
    sigma = np.sqrt(measured.variance + (_MODEL_ERROR * measured.counts) ** 2)
    kind = kind_of(setup.response)
    floor_kev = any_response(setup.response.split("@")[0]).fwhm_law.floor_kev
    light = any_response(setup.response).nonproportionality

    def _shapes(p: NDArray[np.float64]) -> tuple[NDArray[np.float64], FwhmLaw]:
        law = FwhmLaw(float(np.exp(p[2])), float(p[3]), floor_kev)
        energy = np.concatenate([np.linspace(10.0, 400.0, 196), np.linspace(410.0, 4000.0, 360)])
        recorded = p[1] * energy * (1.0 + setup.light * (light(energy) - 1.0)) + p[0]
        slope = (recorded[1] - recorded[0]) / (energy[1] - energy[0])
        true = np.interp(edges, recorded, energy) + np.minimum(edges - recorded[0], 0.0) / slope
        parts = [channel_counts(one, true, law) for one in (source, scatter)]
        return np.stack(parts, axis=1) * (1.0 - 2.0 * chance), law

    def _solved(p: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], FwhmLaw]:
        parts, law = _shapes(p)
        return parts, _scales(parts, measured, pile_up, sigma, fitted), law

    def _residuals(p: NDArray[np.float64]) -> NDArray[np.float64]:
        parts, scales, _ = _solved(p)
        model = parts @ scales[:2] + scales[2] * measured.background + pile_up
        off = (measured.counts - model)[fitted] / sigma[fitted]
        return np.concatenate([off, (p - prior) / spread])

    order = ("offset_kev", "gain", "fwhm_662", "exponent")
    lower, upper = np.array([range_of(name, setup.response) for name in order]).T
    lower[2], upper[2] = np.log(lower[2]), np.log(upper[2])
    width, exponent = setup.start
    prior = np.array([0.0, 1.0, np.log(width), exponent])
    spread = np.array([PRIOR_SPREAD[name] for name in order])
    if len(setup.peaks_kev) == 1:
        # One peak has one width: the exponent stays where it is expected.
        spread[3] = 0.01
    if kind == "hpge":
        spread[:2] = GERMANIUM_SPREAD
    best = least_squares(
        _residuals, prior, bounds=(lower, upper), x_scale=[3.0, 0.01, 0.1, 0.05], diff_step=1e-4, max_nfev=30
    )
    parts, scales, law = _solved(best.x)
    parameters = {
        "gain": float(best.x[1]),
        "offset_kev": float(best.x[0]),
        "fwhm_662": float(np.exp(best.x[2])),
        "exponent": float(best.x[3]),
        "scatter": float(scales[1] / scales[0]) if scales[0] > 0.0 else 0.0,
    }
    if measured.background.any():
        parameters["background"] = float(scales[2])
    n_free = 6 + int(measured.background.any())
    return Fit(
        parameters,
        parts @ scales[:2] + pile_up,
        scales[2] * measured.background,
        sigma,
        law,
        fitted,
        float(2.0 * best.cost / max(int(fitted.sum()) - n_free, 1)),
    )


def _scales(
    parts: NDArray[np.float64],
    measured: Measured,
    pile_up: NDArray[np.float64],
    sigma: NDArray[np.float64],
    fitted: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Scales of source, scatter and background within their bounds."""
    # Source and scatter as mixtures of the least and the most scatter allowed: both at least zero.
    least, most = BOUNDS["scatter"]
    mixtures = np.stack([parts[:, 0] + least * parts[:, 1], parts[:, 0] + most * parts[:, 1]], axis=1)
    weight = 1.0 / sigma[fitted]
    columns = [mixtures[fitted, 0] * weight, mixtures[fitted, 1] * weight]
    has_background = bool(measured.background.any())
    if has_background:
        columns.append(measured.background[fitted] * weight)
    design = np.stack(columns, axis=1)
    norm = np.maximum(np.sqrt((design**2).sum(axis=0)), 1e-300)
    low, high = np.zeros(design.shape[1]), np.full(design.shape[1], np.inf)
    if has_background:
        low[2], high[2] = np.array(BOUNDS["background"]) * norm[2]
    target = (measured.counts - pile_up)[fitted] * weight
    if has_background:
        # One row more: the scale that the live times tell.
        design = np.vstack([design, [0.0, 0.0, 1.0 / BACKGROUND_SPREAD]])
        target = np.append(target, 1.0 / BACKGROUND_SPREAD)
    found = lsq_linear(design / norm, target, bounds=(low, high), method="bvls").x / norm
    scale = found[0] + found[1]
    return np.array([scale, found[0] * least + found[1] * most, found[2] if has_background else 0.0])


def _pile_up(measured: Measured, chance: float) -> NDArray[np.float64]:
    """Events that are two, from the measured spectrum folded with itself, on its own channels."""
    even = np.arange(0.0, measured.edges_kev[-1] + 1.0, 1.0)
    cumulative = np.concatenate([[0.0], np.cumsum(np.maximum(measured.counts, 0.0))])
    once = np.diff(np.interp(even, measured.edges_kev, cumulative))
    doubled = piled_up(once, chance) - (1.0 - 2.0 * chance) * once
    pairs = np.concatenate([[0.0], np.cumsum(doubled)])
    return np.diff(np.interp(measured.edges_kev, even, pairs))

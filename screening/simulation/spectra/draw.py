"""Random spectra with their truth: sources behind shields on a family of backgrounds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.physics import attenuation, nuclide

from .channels import blurred, photon_deposits, piled_up
from .instrument import Detector, draw_detector
from .intrinsic import intrinsic_deposits, muon_deposits
from .pairs import photon_pairs
from .photons import Photons
from .site import draw_site, shaded, site_flux
from .sources import draw_hiding, emitted, hidden
from .summing import PhotonPairs, summed

__all__ = ["SimulatedSpectrum", "SpectrumRecipe", "background_counts", "simulate_spectrum", "source_counts"]

#: Share of draws in which a source stands near enough for its photons to meet in a small crystal, and the
#: share of directions the crystal then fills: from 0.5 m or so to contact.
_NEAR_SHARE, _NEAR_RANGE = 0.4, (0.002, 0.3)

#: Share of directions above which a small crystal is seen as from one centimetre, not as from afar.
_NEAR_VIEW = 0.02

#: Crystals above this volume are not held against sources, cm3.
_LARGEST_NEAR_CM3 = 200.0


class SpectrumRecipe(NamedTuple):
    """What to simulate; every None is drawn.

    Attributes
    ----------
    sources : tuple of str
        Labels present beside the background; empty for background alone.
    net_counts : float
        Expected counts of all sources together.
    signal_to_background : float
        Net over background counts.
    kind : str or None
        Class of detector.
    has_background : bool
        A separate background measurement comes along.
    calibration_error, harshness : float
        As in :func:`screening.simulation.spectra.draw_detector`.
    """

    sources: tuple[str, ...] = ()
    net_counts: float = 3000.0
    signal_to_background: float = 1.0
    kind: str | None = None
    has_background: bool = False
    calibration_error: float = 1.0
    harshness: float = 1.0


class SimulatedSpectrum(NamedTuple):
    """A spectrum with its truth.

    Attributes
    ----------
    counts : ndarray of shape (n_channel,), float64
        Poisson counts.
    edges_kev : ndarray of shape (n_channel + 1,), float64
        Channel edges as a file would give them, keV.
    live_time_s : float
        Live time, seconds.
    background : tuple of (counts, edges_kev, live_time_s), or None
        A background measured apart.
    detector : Detector
        The instrument.
    sources : tuple of str
        Labels present.
    net_counts : float
        Expected counts of the sources.
    """

    counts: NDArray[np.float64]
    edges_kev: NDArray[np.float64]
    live_time_s: float
    background: tuple[NDArray[np.float64], NDArray[np.float64], float] | None
    detector: Detector
    sources: tuple[str, ...]
    net_counts: float


def simulate_spectrum(
    recipe: SpectrumRecipe, seed: int | np.random.SeedSequence, *, detector: Detector | None = None
) -> SimulatedSpectrum:
    """Draw one spectrum.

    The rate of the background is drawn log-uniform from 30 to 2,000 counts/s (handhelds to portals); what
    follows for the rate with the source and the instrument's resolving time makes the pile-up, of three in
    ten events at most: an instrument nearer to its source would be moved away. A separate
    background lasts 2 to 40 times as long (log-uniform), and its scale is wrong by up to +-30 % (15 % as a
    rule): the vehicle shades, radon changes. Half of the separate ones were taken without the vehicle that
    shades up to half of all directions by 2 to 40 g/cm2 of steel, so that their shape differs too.

    Parameters
    ----------
    recipe : SpectrumRecipe
        What to simulate.
    seed : int or numpy.random.SeedSequence
        Seed; the same seed gives the same spectrum, bit for bit.
    detector : Detector, optional
        The instrument; drawn from the seed when omitted.

    Returns
    -------
    SimulatedSpectrum
        The spectrum and its truth.

    Raises
    ------
    ValueError
        If a label or a class of detector is unknown, or a number of the recipe is outside its range.
    """
    _check(recipe)
    rng = np.random.default_rng(seed)
    if detector is None:
        detector = draw_detector(
            rng, recipe.kind, calibration_error=recipe.calibration_error, harshness=recipe.harshness
        )
    open_site, shape = _backgrounds(detector, rng)
    source = np.zeros(detector.n_channel)
    if recipe.sources:
        share = rng.dirichlet(np.full(len(recipe.sources), 4.0))
        for name, part in zip(recipe.sources, share, strict=True):
            one = source_counts(detector, name, rng)
            if one.sum() > 0:
                source += part * one / one.sum()
        source *= recipe.net_counts / max(source.sum(), 1e-12)
        background_total = recipe.net_counts / recipe.signal_to_background
    else:
        background_total = recipe.net_counts
    expected = shape / max(shape.sum(), 1e-12) * background_total
    rate = float(np.exp(rng.uniform(np.log(30.0), np.log(2000.0))))
    live_time_s = max(background_total / rate, 0.05)
    gross_rate = (background_total + float(source.sum())) / live_time_s
    gross = piled_up(expected + source, min(gross_rate * detector.resolving_us * 1e-6, 0.3))
    counts = rng.poisson(gross).astype(np.float64)
    separate = None
    if recipe.has_background:
        times = float(np.exp(rng.uniform(np.log(2.0), np.log(40.0))))
        scale = times * float(np.clip(rng.normal(1.0, 0.15), 0.7, 1.3))
        before = open_site if rng.random() < 0.5 else shape
        before = before / max(before.sum(), 1e-12) * background_total
        separate = (
            rng.poisson(before * scale).astype(np.float64),
            detector.edges_kev,
            live_time_s * times,
        )
    return SimulatedSpectrum(
        counts, detector.edges_kev, live_time_s, separate, detector, recipe.sources, float(source.sum())
    )


def _check(recipe: SpectrumRecipe) -> None:
    for name in recipe.sources:
        nuclide(name)
    if not 0.0 <= recipe.net_counts < np.inf:
        raise ValueError(f"net_counts is {recipe.net_counts:g}; allowed: finite, 0 or more")
    if not 0.0 < recipe.signal_to_background < np.inf:
        raise ValueError(
            f"signal_to_background is {recipe.signal_to_background:g}; allowed: finite and above 0"
        )


def source_counts(detector: Detector, name: str, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the expected spectrum of one label behind a random shield, of arbitrary scale.

    Parameters
    ----------
    detector : Detector
        The instrument.
    name : str
        Label in :data:`screening.physics.NUCLIDES`.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of shape (n_channel,), float64
        Expected counts; at least some lie above the discriminator if the label has any line there.

    Raises
    ------
    ValueError
        If no such label is known.
    """
    hiding = draw_hiding(rng, name)
    photons = hidden(emitted(name, rng), hiding)
    near = float(np.exp(rng.uniform(*np.log(_NEAR_RANGE)))) if rng.random() < _NEAR_SHARE else 0.0
    if near > _NEAR_VIEW:
        detector = detector._replace(crystal=detector.crystal.near())
    deposits = photon_deposits(detector, photons)
    pairs = photon_pairs(name)
    if near > 0.0 and pairs is not None and detector.crystal.volume_cm3 < _LARGEST_NEAR_CM3:
        passed = np.ones(pairs.number.size)
        for material, areal in hiding.layers:
            both = attenuation(material, pairs.first_kev) + attenuation(material, pairs.second_kev)
            passed *= np.exp(-both * areal)
        seen = PhotonPairs(pairs.first_kev, pairs.second_kev, pairs.number * passed)
        deposits = deposits.joined(summed(detector.crystal, seen, near))
    return blurred(detector, deposits)


def background_counts(detector: Detector, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the expected background of one instrument at a random site, counts per second.

    Potassium, the uranium and thorium series in ground and walls with all they scatter, radon, the sky,
    cosmic rays, and what the crystal holds itself.

    Parameters
    ----------
    detector : Detector
        The instrument.
    rng : numpy.random.Generator
        Source of randomness; the site it draws does not depend on the instrument.

    Returns
    -------
    ndarray of shape (n_channel,), float64
        Expected counts per second.
    """
    site = draw_site(rng)
    return _counts_at(detector, site_flux(site), site.cosmic)


def _backgrounds(
    detector: Detector, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return counts per second of an open site, and of the same beside a vehicle that shades it."""
    site = draw_site(rng)
    flux = site_flux(site)
    share, steel = float(rng.uniform(0.0, 0.5)), float(np.exp(rng.uniform(np.log(2.0), np.log(40.0))))
    beside = shaded(flux, share, steel)
    return _counts_at(detector, flux, site.cosmic), _counts_at(detector, beside, site.cosmic)


def _counts_at(detector: Detector, flux: Photons, cosmic: float) -> NDArray[np.float64]:
    around = detector._replace(crystal=detector.crystal.around())
    deposits = photon_deposits(around, flux.scaled(around.crystal.face_area_cm2), scatter=0.0)
    deposits = deposits.joined(muon_deposits(detector.crystal, cosmic))
    if detector.lanthanum > 0.0:
        own = intrinsic_deposits(around.crystal, detector.actinium_bq_cm3, detector.quenching)
        deposits = deposits.joined(own.scaled(detector.lanthanum))
    return blurred(detector, deposits)

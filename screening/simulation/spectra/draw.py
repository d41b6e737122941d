"""Random spectra with their truth: sources behind shields on a family of backgrounds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

from screening.physics import NUCLIDES, attenuation
from screening.physics.detector import ELECTRON_REST_KEV

from .instrument import Detector, discriminator, draw_detector, expected_counts

__all__ = ["SimulatedSpectrum", "SpectrumRecipe", "background_counts", "simulate_spectrum", "source_counts"]

#: Shields drawn: material and range of areal density, g/cm2.
SHIELDS: tuple[tuple[str, float, float], ...] = (
    ("aluminium", 0.0, 0.5),
    ("steel", 1.0, 40.0),
    ("lead", 0.5, 12.0),
    ("water", 5.0, 30.0),
    ("polyethylene", 2.0, 40.0),
)

#: Cascades that sum in a small crystal near the source: pairs of keV, photons of the sum a decay.
CASCADES: dict[str, tuple[tuple[float, float], ...]] = {
    "Co-60": ((1173.2, 1332.5),),
    "Y-88": ((898.0, 1836.1),),
    "Ba-133": ((81.0, 356.0), (81.0, 302.9), (31.0, 81.0)),
    "Na-22": ((511.0, 1274.5),),
    "Eu-152": ((121.8, 344.3), (121.8, 1408.0)),
    "Cs-134": ((604.7, 795.9),),
}

#: Emitters of bremsstrahlung: end point of the beta spectrum, keV, and photons of it a line photon.
BREMSSTRAHLUNG: dict[str, tuple[float, float]] = {
    "DU": (2270.0, 60.0), "LEU": (2270.0, 4.0), "Re-188": (2120.0, 0.3), "Ce-144": (2990.0, 1.0),
    "Ru-106": (3540.0, 0.5), "Tm-170": (968.0, 1.0),
}  # fmt: skip


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
    """
    rng = np.random.default_rng(seed)
    if detector is None:
        detector = draw_detector(
            rng, recipe.kind, calibration_error=recipe.calibration_error, harshness=recipe.harshness
        )
    shape = background_counts(detector, rng)
    source = np.zeros(detector.n_channel)
    if recipe.sources:
        share = rng.dirichlet(np.full(len(recipe.sources), 4.0))
        for name, part in zip(recipe.sources, share, strict=True):
            one = source_counts(detector, name, rng)
            if one.sum() > 0:
                source += part * one / one.sum()
        source *= recipe.net_counts / max(source.sum(), 1e-12)
        background_total = recipe.net_counts / max(recipe.signal_to_background, 1e-6)
    else:
        background_total = recipe.net_counts
    expected = shape / max(shape.sum(), 1e-12) * background_total
    rate = float(np.exp(rng.uniform(np.log(30.0), np.log(2000.0))))
    live_time_s = max(background_total / rate, 0.05)
    counts = rng.poisson(expected + source).astype(np.float64)
    separate = None
    if recipe.has_background:
        times = float(np.exp(rng.uniform(np.log(2.0), np.log(40.0))))
        # The vehicle shades, radon changes: the scale is not exactly that of the live times.
        scale = times * float(np.clip(rng.normal(1.0, 0.15), 0.7, 1.4))
        separate = (
            rng.poisson(expected * scale).astype(np.float64),
            detector.edges_kev,
            live_time_s * times,
        )
    return SimulatedSpectrum(
        counts, detector.edges_kev, live_time_s, separate, detector, recipe.sources, float(source.sum())
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
    """
    nuclide = NUCLIDES[name]
    energy, intensity = nuclide.energy_kev, nuclide.intensity.copy()
    # The share of daughters and impurities is not fixed.
    for root in sorted({origin for origin in nuclide.origin if origin.endswith("*")}):
        mine = np.array([origin == root for origin in nuclide.origin])
        intensity[mine] *= float(np.exp(rng.normal(-0.3, 0.8)))
    if name in ("HEU", "LEU", "DU", "WGPu", "RGPu"):
        metal = "plutonium" if name.endswith("Pu") else "uranium"
        depth = attenuation(metal, energy) * float(np.exp(rng.uniform(np.log(0.1), np.log(30.0))))
        intensity = intensity * -np.expm1(-depth) / depth
    material, low, high = SHIELDS[int(rng.choice(len(SHIELDS), p=[0.45, 0.2, 0.12, 0.13, 0.1]))]
    # A shield that would leave nothing of the source is no test of anything: thin it.
    strongest = float((energy * intensity).sum() / max(intensity.sum(), 1e-300))
    most = min(high, 4.0 / float(attenuation(material, max(strongest, 20.0))))
    areal = float(rng.uniform(min(low, most), max(most, min(low, most))))
    mu = attenuation(material, energy)
    passed = intensity * np.exp(-mu * areal)
    scattering = attenuation(material, energy, process="incoherent")
    mean_free_paths = float((scattering * areal * passed).sum() / max(passed.sum(), 1e-300))
    sums_kev, sums = _cascade_sums(name, energy, passed, rng)
    counts = expected_counts(
        detector,
        np.concatenate([energy, sums_kev]),
        np.concatenate([passed, sums]),
        downscatter=min(mean_free_paths, 4.0) * float(rng.uniform(0.3, 1.5)),
    )
    if name in BREMSSTRAHLUNG:
        end_kev, amount = BREMSSTRAHLUNG[name]
        grid = np.linspace(25.0, 0.9 * end_kev, 4000)
        beta = np.exp(-grid / (0.13 * end_kev)) * (1.0 - grid / end_kev)
        through = np.exp(-attenuation(material, grid) * areal)
        strength = amount * float(rng.uniform(0.2, 1.0)) * intensity[energy > 100.0].sum()
        photons = strength * beta / beta.sum() * through
        counts += expected_counts(detector, grid, photons, downscatter=1.0, is_continuous=True)
    return counts


def _cascade_sums(
    name: str, energy: NDArray[np.float64], passed: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if name not in CASCADES or rng.random() < 0.5:
        return np.zeros(0), np.zeros(0)
    closeness = float(np.exp(rng.uniform(np.log(0.002), np.log(0.08))))
    pairs = CASCADES[name]
    weaker = [
        min(passed[np.argmin(np.abs(energy - a))], passed[np.argmin(np.abs(energy - b))]) for a, b in pairs
    ]
    return np.array([a + b for a, b in pairs]), closeness * np.array(weaker)


def background_counts(detector: Detector, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the expected shape of a background in one instrument, of arbitrary scale.

    Potassium, the uranium and thorium series in ground and walls with their own ratios, radon in the air,
    cosmic rays, and what the crystal holds itself.

    Parameters
    ----------
    detector : Detector
        The instrument.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of shape (n_channel,), float64
        Expected counts.
    """
    energies, photons, scatter = [], [], []
    # Ground and walls: what comes through unscattered, with much more that was scattered.
    for name, nominal in (("K-40", 16.0), ("Ra-226", 0.8), ("Th-232", 0.8)):
        nuclide = NUCLIDES[name]
        passed = nuclide.intensity * np.exp(-attenuation("concrete", nuclide.energy_kev) * 12.0)
        energies.append(nuclide.energy_kev)
        photons.append(nominal * float(np.exp(rng.normal(0.0, 0.45))) * passed)
        scatter.append(np.full(passed.size, float(rng.uniform(0.8, 4.0))))
    radon = NUCLIDES["Ra-226"]
    energies.append(radon.energy_kev)
    photons.append(0.15 * float(np.exp(rng.normal(0.0, 0.7))) * radon.intensity)
    scatter.append(np.full(radon.intensity.size, 1.0))
    counts = expected_counts(
        detector, np.concatenate(energies), np.concatenate(photons), downscatter=np.concatenate(scatter)
    )
    total = counts.sum()
    annihilation = float(rng.uniform(0.001, 0.008)) * total
    line = expected_counts(detector, np.array([ELECTRON_REST_KEV]), np.array([1.0]), downscatter=0.5)
    counts += annihilation * line / max(line.sum(), 1e-12)
    centre = detector.true_kev(0.5 * (detector.edges_kev[1:] + detector.edges_kev[:-1]))
    cosmic = np.exp(-centre / float(rng.uniform(900.0, 2500.0))) * (centre > detector.threshold_kev)
    counts += float(rng.uniform(0.01, 0.06)) * total * cosmic / max(cosmic.sum(), 1e-12)
    if detector.intrinsic > 0:
        counts += detector.intrinsic * total * _lanthanum(detector, centre, rng)
    return counts * discriminator(detector) if detector.intrinsic > 0 else counts


def _lanthanum(
    detector: Detector, centre: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """La-138 and the alphas of the Ac-227 series, seen from inside the crystal, of unit sum."""

    def peak(energy: float, width: float = 1.0) -> NDArray[np.float64]:
        spread = float(detector.law.fwhm_kev(energy)) / 2.354820045 * width
        return np.asarray(np.exp(-0.5 * ((centre - energy) / spread) ** 2) / spread)

    beta = np.clip(1.0 - centre / 255.0, 0.0, None) ** 1.5
    # The 789 keV gamma starts the second beta spectrum, as sharply as the resolution allows.
    sigma = float(detector.law.fwhm_kev(789.0)) / 2.354820045
    above = np.clip(1.0 - np.maximum(centre - 789.0, 0.0) / 255.0, 0.0, None) ** 1.5
    above *= 0.5 * erfc((789.0 - centre) / (sigma * np.sqrt(2.0)))
    shape = beta / max(beta.sum(), 1e-12) * 0.25 + above / max(above.sum(), 1e-12) * 0.2
    capture = 0.8 * peak(1472.0) + 0.2 * peak(1441.0)
    shape += 0.2 * capture / max(capture.sum(), 1e-12)
    plateau = 0.5 * erfc((centre - 1150.0) / 150.0)
    shape += 0.25 * plateau / max(plateau.sum(), 1e-12)
    alphas = sum(
        weight * peak(energy * float(rng.uniform(0.97, 1.03)), 1.3)
        for energy, weight in ((1750.0, 0.2), (1880.0, 0.3), (2020.0, 0.4), (2180.0, 0.4), (2400.0, 0.2))
    )
    shape += float(rng.uniform(0.02, 0.15)) * np.asarray(alphas) / max(float(np.sum(alphas)), 1e-12)
    return np.asarray(shape)

"""A fast, randomised detector: from photon lines to the expected counts in each channel.

Analytic, not a Monte Carlo: full-energy peaks with tails, Compton continuum by Klein-Nishina with a free
share of multiple scatters, scatter on the way and from the surroundings, x-ray, single and double escape,
annihilation, soft low-level discriminator, non-proportionality and calibration errors. It differs on
purpose from the templates of :mod:`screening.radiation`: what is fitted must not be what was simulated.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, erfc

from screening.physics import MATERIALS, FwhmLaw, attenuation, compton_continuum, full_energy_efficiency
from screening.physics.detector import ELECTRON_REST_KEV, compton_edge_kev

__all__ = ["DETECTOR_CLASSES", "Detector", "discriminator", "draw_detector", "expected_counts"]

#: Classes of detector: crystal, range of FWHM at 662 keV, range of mean path (cm), share among draws.
DETECTOR_CLASSES: dict[str, tuple[str, tuple[float, float], tuple[float, float], float]] = {
    "hpge": ("hpge", (0.0019, 0.0045), (1.5, 7.0), 0.2),
    "czt": ("czt", (0.008, 0.026), (0.4, 2.0), 0.13),
    "labr3": ("labr3", (0.025, 0.040), (1.5, 7.0), 0.2),
    "nai": ("nai", (0.060, 0.095), (2.0, 10.0), 0.27),
    "csi": ("csi", (0.065, 0.14), (0.6, 4.0), 0.2),
}

#: Energy of the x-ray that escapes, keV, and the largest share that does, by crystal.
ESCAPE: dict[str, tuple[float, float]] = {
    "hpge": (9.9, 0.03), "czt": (25.0, 0.15), "labr3": (33.5, 0.12), "nai": (28.6, 0.18), "csi": (29.8, 0.15),
}  # fmt: skip

#: Deposit axis of the continua, and the line energies at which their shapes are tabulated, keV.
DEPOSIT_EDGES = np.linspace(np.sqrt(5.0), np.sqrt(3300.0), 501) ** 2
SHAPE_ENERGIES = np.geomspace(30.0, 3200.0, 160)
EFFICIENCY_GRID = np.geomspace(8.0, 3300.0, 160)


class Detector(NamedTuple):
    """One instrument with all its faults.

    Attributes
    ----------
    kind : str
        Class of detector.
    crystal : str
        Material.
    path_cm : float
        Mean path through the crystal, cm.
    law : FwhmLaw
        Resolution.
    tail : float
        Share of a peak in its exponential low-energy tail.
    window_g_cm2 : float
        Aluminium before the crystal, g/cm2.
    fill : float
        Share of multiple scatters in the Compton continuum.
    compton_scale : float
        Compton counts over what the closed form gives.
    threshold_kev, threshold_width_kev, ceiling_kev : float
        Low-level discriminator, its width, and the highest energy recorded, keV.
    nonproportionality : float
        Relative excess of light at 60 keV.
    gain, offset_kev, quadratic : float
        Energy of the file = gain * E + offset + quadratic * (E / 1000 keV)^2.
    n_channel : int
        Channels.
    scatter : float
        Scatter from the surroundings, 1 is nominal.
    intrinsic : float
        Intrinsic activity, counts/s per unit of background.
    """

    kind: str
    crystal: str
    path_cm: float
    law: FwhmLaw
    tail: float
    window_g_cm2: float
    fill: float
    compton_scale: float
    threshold_kev: float
    threshold_width_kev: float
    ceiling_kev: float
    nonproportionality: float
    gain: float
    offset_kev: float
    quadratic: float
    n_channel: int
    scatter: float
    intrinsic: float

    @property
    def edges_kev(self) -> NDArray[np.float64]:
        """Channel edges as the file gives them, keV."""
        return np.linspace(0.0, self.ceiling_kev, self.n_channel + 1)

    def true_kev(self, file_kev: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the deposited energy that is recorded at an energy of the file.

        Parameters
        ----------
        file_kev : ndarray of shape (n,), float64
            Energy of the file, keV, ascending.

        Returns
        -------
        ndarray of shape (n,), float64
            Deposited energy, keV, ascending.
        """
        energy = np.linspace(0.0, 5000.0, 1001)
        # Light falls off as a scintillator's does: an excess below some hundred keV, none at 662 keV.
        light = energy * (1.0 + self.nonproportionality * (np.exp(-(energy - 60.0) / 180.0) - 0.035))
        recorded = self.gain * light + self.offset_kev + self.quadratic * (energy / 1000.0) ** 2
        return np.interp(file_kev, recorded, energy)


def draw_detector(
    rng: np.random.Generator,
    kind: str | None = None,
    *,
    calibration_error: float = 1.0,
    harshness: float = 1.0,
) -> Detector:
    """Return a random instrument.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    kind : str, optional
        Class in ``DETECTOR_CLASSES``; drawn by share when omitted.
    calibration_error : float, default 1
        Scale of gain, offset and non-proportionality errors.
    harshness : float, default 1
        Scale of tails and of the spread of scatter.

    Returns
    -------
    Detector
        The instrument.
    """
    if kind is None:
        names = list(DETECTOR_CLASSES)
        share = np.array([DETECTOR_CLASSES[name][3] for name in names])
        kind = names[int(rng.choice(len(names), p=share / share.sum()))]
    crystal, (r_low, r_high), (path_low, path_high), _ = DETECTOR_CLASSES[kind]
    is_germanium = kind == "hpge"
    law = FwhmLaw(
        float(np.exp(rng.uniform(np.log(r_low), np.log(r_high)))),
        float(np.clip(rng.normal(0.5, 0.05), 0.35, 0.65)),
        float(rng.uniform(0.6, 1.2)) if is_germanium else 0.0,
    )
    error = calibration_error * (0.05 if is_germanium else 1.0)
    return Detector(
        kind=kind,
        crystal=crystal,
        path_cm=float(np.exp(rng.uniform(np.log(path_low), np.log(path_high)))),
        law=law,
        tail=float(harshness * (rng.uniform(0.1, 0.35) if kind == "czt" else rng.uniform(0.0, 0.06))),
        window_g_cm2=float(np.exp(rng.uniform(np.log(0.08), np.log(1.4)))),
        fill=float(rng.uniform(0.1, 0.6)),
        compton_scale=float(np.exp(rng.normal(0.0, 0.25 * harshness))),
        threshold_kev=float(np.exp(rng.uniform(np.log(15.0), np.log(60.0)))),
        threshold_width_kev=float(rng.uniform(1.0, 6.0)),
        ceiling_kev=float(
            rng.choice([1600.0, 2100.0, 2800.0, 3000.0, 3100.0], p=[0.08, 0.07, 0.25, 0.4, 0.2])
        ),
        nonproportionality=0.0 if is_germanium else float(abs(rng.normal(0.0, 0.015)) * calibration_error),
        gain=float(1.0 + np.clip(rng.normal(0.0, 0.012), -0.04, 0.04) * error),
        offset_kev=float(np.clip(rng.normal(0.0, 2.0), -8.0, 8.0) * error),
        quadratic=float(rng.normal(0.0, 1.5) * error),
        n_channel=int(rng.choice([4096, 8192, 16384]))
        if is_germanium
        else int(rng.choice([512, 1024, 1024, 2048])),
        scatter=float(rng.uniform(0.0, 2.0)),
        intrinsic=float(rng.uniform(0.3, 1.5)) if kind == "labr3" else 0.0,
    )


def expected_counts(
    detector: Detector,
    energy_kev: NDArray[np.float64],
    intensity: NDArray[np.float64],
    *,
    downscatter: float | NDArray[np.float64] = 0.0,
    is_continuous: bool = False,
) -> NDArray[np.float64]:
    """Return the counts expected in each channel from photons that reach the detector.

    Parameters
    ----------
    detector : Detector
        The instrument.
    energy_kev : ndarray of shape (n_line,), float64
        Line energies, keV.
    intensity : ndarray of shape (n_line,), float64
        Photons at the crystal's face.
    downscatter : float or ndarray of shape (n_line,), default 0
        Photons scattered in the cargo for each that comes through unscattered.
    is_continuous : bool, default False
        The energies sample a continuous spectrum, more finely than any resolution seen there.

    Returns
    -------
    ndarray of shape (n_channel,), float64
        Expected counts.
    """
    inside = (energy_kev > 8.0) & (energy_kev < 3200.0) & (intensity > 0)
    energy, photons = energy_kev[inside], intensity[inside]
    if energy.size == 0:
        return np.zeros(detector.n_channel)
    chance_full, chance_any = _efficiencies(detector)
    full = photons * np.interp(energy, EFFICIENCY_GRID, chance_full)
    interacts = photons * np.interp(energy, EFFICIENCY_GRID, chance_any)
    compton = np.maximum(interacts - full, 0.0) * detector.compton_scale
    peaks = [(energy, full)]
    escape_kev, share = ESCAPE[detector.crystal]
    leaves = full * share * np.exp(-np.maximum(energy - escape_kev, 0.0) / 60.0) * (energy > escape_kev + 8.0)
    peaks += [(energy, -leaves), (energy - escape_kev, leaves)]
    high = energy > 1300.0
    if np.any(high):
        pairs = compton[high] * 0.12 * np.clip((energy[high] - 1022.0) / 1500.0, 0.0, 1.0)
        peaks += [
            (energy[high] - ELECTRON_REST_KEV, pairs),
            (energy[high] - 2 * ELECTRON_REST_KEV, 0.6 * pairs),
        ]
        peaks.append((np.array([ELECTRON_REST_KEV]), np.array([0.8 * detector.scatter * pairs.sum()])))
    true_edges = detector.true_kev(detector.edges_kev)
    counts = np.zeros(detector.n_channel) if is_continuous else _peaks(detector, true_edges, peaks)
    single, multiple, back, forward = _shapes()
    forwards = interacts * np.broadcast_to(downscatter, energy_kev.shape)[inside]
    deposit = (1.0 - detector.fill) * (single @ _at_shapes(energy, compton))
    deposit += detector.fill * (multiple @ _at_shapes(energy, compton))
    deposit += 0.25 * detector.scatter * (back @ _at_shapes(energy, interacts))
    deposit += forward @ _at_shapes(energy, forwards)
    if is_continuous:
        deposit += np.histogram(energy, DEPOSIT_EDGES, weights=full)[0]
    counts += _smeared(detector, true_edges, deposit)
    return np.maximum(counts, 0.0) * discriminator(detector)


def discriminator(detector: Detector) -> NDArray[np.float64]:
    """Return the share of events that pass the low-level discriminator, by channel.

    Parameters
    ----------
    detector : Detector
        The instrument.

    Returns
    -------
    ndarray of shape (n_channel,), float64
        0 to 1.
    """
    true_edges = detector.true_kev(detector.edges_kev)
    centre = 0.5 * (true_edges[1:] + true_edges[:-1])
    passed: NDArray[np.float64] = 0.5 * erfc((detector.threshold_kev - centre) / detector.threshold_width_kev)
    return passed


@lru_cache(maxsize=8)
def _efficiencies(detector: Detector) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Chance of full absorption and of any interaction, behind the window, on ``EFFICIENCY_GRID``."""
    window = np.exp(-attenuation("aluminium", EFFICIENCY_GRID) * detector.window_g_cm2)
    areal = MATERIALS[detector.crystal].density_g_cm3 * detector.path_cm
    full = window * full_energy_efficiency(EFFICIENCY_GRID, detector.crystal, detector.path_cm)
    return full, window * -np.expm1(-attenuation(detector.crystal, EFFICIENCY_GRID) * areal)


def _peaks(
    detector: Detector,
    edges: NDArray[np.float64],
    parts: list[tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> NDArray[np.float64]:
    energy = np.concatenate([part[0] for part in parts])
    area = np.concatenate([part[1] for part in parts])
    energy = np.maximum(energy, 1.0)
    sigma = detector.law.fwhm_kev(energy) / 2.354820045
    counts = np.zeros(edges.size - 1)
    for shift, width, share in ((0.0, 1.0, 1.0 - detector.tail), (-1.2, 1.5, detector.tail)):
        if share <= 0:
            continue
        middle, spread = energy + shift * sigma, sigma * width
        first = np.clip(np.searchsorted(edges, middle - 4.5 * spread) - 1, 0, counts.size)
        last = np.clip(np.searchsorted(edges, middle + 4.5 * spread), 0, counts.size)
        length = last - first
        line = np.repeat(np.arange(energy.size), length)
        start = np.cumsum(length) - length
        bins = np.arange(length.sum()) - np.repeat(start - first, length)
        scale = 1.0 / (spread[line] * np.sqrt(2.0))
        upper = erf((edges[bins + 1] - middle[line]) * scale)
        lower = erf((edges[bins] - middle[line]) * scale)
        counts += np.bincount(bins, 0.5 * share * area[line] * (upper - lower), minlength=counts.size)
    return counts


@cache
def _shapes() -> tuple[NDArray[np.float64], ...]:
    """Continua at ``SHAPE_ENERGIES``, each (n_deposit, n_energy).

    Single and multiple scatters in the crystal, photons scattered back by walls and floor, photons
    scattered in the cargo (mostly forwards, then many times). The first three have unit sums.
    """
    single = compton_continuum(DEPOSIT_EDGES, SHAPE_ENERGIES, fill=0.0)
    multiple = compton_continuum(DEPOSIT_EDGES, SHAPE_ENERGIES, fill=1.0)
    energy = SHAPE_ENERGIES
    lowest = energy - compton_edge_kev(energy)
    centre = 0.5 * (DEPOSIT_EDGES[1:] + DEPOSIT_EDGES[:-1])[:, None]
    width = np.diff(DEPOSIT_EDGES)[:, None]
    top = lowest + 0.25 * (energy - lowest)
    back = ((centre >= 0.93 * lowest) & (centre <= top)) * np.maximum(top - centre, 0.0) * width
    once = ((centre >= lowest) & (centre <= energy)) * width
    many = (
        np.exp(-centre / (60.0 + 0.12 * energy)) * (1.0 - np.exp(-centre / 45.0)) * (centre < energy) * width
    )

    def unit(shape: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(shape / np.maximum(shape.sum(axis=0), 1e-9))

    return unit(single), unit(multiple), unit(back), 0.5 * unit(once) + 0.8 * unit(many)


def _at_shapes(energy: NDArray[np.float64], amount: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share amounts at line energies among the two nearest tabulated ones."""
    position = np.interp(np.log(energy), np.log(SHAPE_ENERGIES), np.arange(SHAPE_ENERGIES.size))
    low = np.minimum(position.astype(np.int64), SHAPE_ENERGIES.size - 2)
    share = position - low
    size = SHAPE_ENERGIES.size
    shared = np.zeros(size)
    shared += np.bincount(low, amount * (1 - share), minlength=size)
    shared += np.bincount(low + 1, amount * share, minlength=size)
    return shared


def _smeared(
    detector: Detector, true_edges: NDArray[np.float64], deposit: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Smear a continuum by the resolution and bring it to the channels."""
    matrix = _smearing(detector)
    if matrix is not None:
        deposit = matrix @ deposit
    cumulative = np.concatenate([[0.0], np.cumsum(deposit)])
    return np.diff(np.interp(true_edges, DEPOSIT_EDGES, cumulative))


@lru_cache(maxsize=4)
def _smearing(detector: Detector) -> NDArray[np.float64] | None:
    centre = 0.5 * (DEPOSIT_EDGES[1:] + DEPOSIT_EDGES[:-1])
    sigma = detector.law.fwhm_kev(centre) / 2.354820045
    step = np.diff(DEPOSIT_EDGES)
    if not np.any(sigma > 0.7 * step):
        return None
    z = (DEPOSIT_EDGES[:, None] - centre[None, :]) / np.maximum(sigma, 0.3 * step)[None, :]
    matrix: NDArray[np.float64] = np.diff(0.5 * (1.0 + erf(np.clip(z, -5.0, 5.0) / np.sqrt(2.0))), axis=0)
    return matrix

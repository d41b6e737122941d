"""The crystal's own activity, seen from inside: La-138, and the alphas of the Ac-227 series, in LaBr3."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from screening.physics import MATERIALS, attenuation
from screening.physics.detector import ELECTRON_REST_KEV

from .crystal import DEPOSIT_EDGES, Crystal, Deposits, shifted

__all__ = ["LANTHANUM_BQ_CM3", "intrinsic_deposits", "muon_deposits"]

#: La-138 in lanthanum bromide, decays per second and cm3: natural abundance 0.0888 %, half-life
#: 1.03e11 years, 5.08 g/cm3 of LaBr3 (378.6 g/mol).
LANTHANUM_BQ_CM3 = 5.08 / 378.62 * 6.02214e23 * 8.88e-4 * np.log(2.0) / (1.03e11 * 3.15576e7)

#: Electron capture (65.5 %) feeds the 1435.8 keV level of Ba-138, beta decay (34.5 %, end point 264 keV)
#: the 788.7 keV level of Ce-138 (ENSDF).
_CAPTURE, _CAPTURE_KEV, _BETA_KEV, _BETA_END_KEV = 0.655, 1435.8, 788.7, 264.0

#: Shells of barium captured from: binding energy, keV, and share (about, from its decay energy of 306 keV).
_SHELLS = ((37.44, 0.63), (5.99, 0.28), (1.29, 0.09))

#: Alphas of the Ac-227 series: energy, keV, and number per decay of the series (ENSDF, groups merged).
_ALPHAS = (
    (5740.0, 0.40), (5860.0, 0.10), (5978.0, 0.24), (6038.0, 0.24), (5607.0, 0.26), (5716.0, 0.52),
    (6425.0, 0.08), (6553.0, 0.13), (6819.0, 0.79), (7386.0, 1.0), (6278.0, 0.16), (6623.0, 0.84),
)  # fmt: skip


def intrinsic_deposits(crystal: Crystal, actinium_bq_cm3: float, quenching: float) -> Deposits:
    """Return what a lanthanum bromide crystal counts of itself in a second.

    A photon born inside leaves the crystal unseen with ``1 / (1 + mu l)``, `l` the mean chord (Wigner's
    rational approximation); one that interacts leaves what a photon from outside that interacts leaves.
    What the same decay leaves beside it (x-rays, beta electron) is always caught, and adds.

    Parameters
    ----------
    crystal : Crystal
        The crystal.
    actinium_bq_cm3 : float
        Activity of Ac-227 with its daughters, decays per second and cm3.
    quenching : float
        Light of a 6 MeV alpha over that of an electron of the same energy.

    Returns
    -------
    Deposits
        Events a second.
    """
    decays = LANTHANUM_BQ_CM3 * crystal.volume_cm3
    capture, beta = _lanthanum(crystal)
    centre = 0.5 * (DEPOSIT_EDGES[1:] + DEPOSIT_EDGES[:-1])
    alphas = np.zeros(centre.size)
    for energy, number in _ALPHAS:
        # Light grows faster than energy; the recoil and a coincident gamma or electron smear it upwards.
        light = energy * quenching * (1.0 + 0.05 * (energy - 6000.0) / 1000.0)
        alphas += number * np.exp(-0.5 * ((centre - light) / 30.0) ** 2) * np.diff(DEPOSIT_EDGES)
    alphas *= actinium_bq_cm3 * crystal.volume_cm3 / (30.0 * np.sqrt(2.0 * np.pi))
    return Deposits(capture.energy_kev, decays * capture.number, decays * (capture.continuum + beta) + alphas)


def muon_deposits(crystal: Crystal, scale: float) -> Deposits:
    """Return the events of muons that clip a crystal, below the highest deposit of the axis.

    A convex body is crossed on short chords with a density of about one over its mean chord, so the
    spectrum is flat well below the mean loss.

    Parameters
    ----------
    crystal : Crystal
        The crystal.
    scale : float
        Muons over one a minute and cm2.

    Returns
    -------
    Deposits
        Events a second.
    """
    # About 1.5 MeV cm2/g for a muon at its minimum in heavy materials.
    chord_kev = 1500.0 * MATERIALS[crystal.parts[0][0].crystal].density_g_cm3 * _mean_chord_cm(crystal)
    muons = scale / 60.0 * crystal.face_area_cm2
    return Deposits(np.zeros(0), np.zeros(0), muons * np.diff(DEPOSIT_EDGES) / chord_kev)


def _mean_chord_cm(crystal: Crystal) -> float:
    """Four volumes over surface, of a cube of that volume."""
    return float(4.0 / 6.0 * crystal.volume_cm3 ** (1.0 / 3.0))


@lru_cache(maxsize=64)
def _lanthanum(crystal: Crystal) -> tuple[Deposits, NDArray[np.float64]]:
    """Events per decay: captures (peaks and continuum), and the continuum of beta decays."""
    centre = 0.5 * (DEPOSIT_EDGES[1:] + DEPOSIT_EDGES[:-1])
    material = crystal.parts[0][0].crystal
    areal = MATERIALS[material].density_g_cm3 * _mean_chord_cm(crystal)
    energies: list[float] = []
    numbers: list[float] = []
    continuum = np.zeros(centre.size)
    beta = np.zeros(centre.size)
    for energy in (_CAPTURE_KEV, _BETA_KEV):
        line = np.array([energy])
        depth = float(attenuation(material, line)[0] - attenuation(material, line, process="coherent")[0])
        seen = depth * areal / (1.0 + depth * areal)
        inside = seen / max(float(crystal.total(line)[0]), 1e-12)
        peak_kev, chance = crystal.peaks(line)
        below = inside * crystal.continuum(line)[:, 0]
        if energy == _CAPTURE_KEV:
            for shell_kev, share in _SHELLS:
                energies.extend((peak_kev[0] + shell_kev).tolist())
                numbers.extend((_CAPTURE * share * inside * chance[0]).tolist())
                energies.append(shell_kev)
                numbers.append(_CAPTURE * share * (1.0 - seen))
                continuum += _CAPTURE * share * shifted(below, shell_kev)
        else:
            spectrum = _beta_spectrum()
            for start, weight in spectrum:
                beta += (1.0 - _CAPTURE) * weight * shifted(below, start)
                for peak, number in zip(peak_kev[0], inside * chance[0], strict=True):
                    beta += (1.0 - _CAPTURE) * weight * number * _spike(peak + start)
                beta += (1.0 - _CAPTURE) * weight * (1.0 - seen) * _spike(start)
    return Deposits(np.array(energies), np.array(numbers), continuum), beta


def _beta_spectrum() -> list[tuple[float, float]]:
    """Energies of the electron with their shares: the allowed shape."""
    kinetic = (np.arange(44) + 0.5) * _BETA_END_KEV / 44.0
    total = kinetic + ELECTRON_REST_KEV
    shape = np.sqrt(kinetic**2 + 2.0 * kinetic * ELECTRON_REST_KEV) * total * (_BETA_END_KEV - kinetic) ** 2
    # Fermi's function of the daughter (Z = 58), without relativity: slow electrons are held back least.
    velocity = np.sqrt(1.0 - (ELECTRON_REST_KEV / total) ** 2)
    pull = 2.0 * np.pi * 58.0 / 137.036 / velocity
    shape *= pull / -np.expm1(-pull)
    return list(zip(kinetic.tolist(), (shape / shape.sum()).tolist(), strict=True))


def _spike(energy_kev: float) -> NDArray[np.float64]:
    """One event, 6 keV wide: the step of the beta spectrum."""
    return np.diff(np.clip((DEPOSIT_EDGES - energy_kev + 3.0) / 6.0, 0.0, 1.0))

"""What a source sends out, and what is left of it behind what it is hidden in."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.physics import attenuation, nuclide
from screening.physics.bremsstrahlung import bremsstrahlung
from screening.records import Category

from .photons import FLUX_EDGES, FLUX_KEV, Photons, through, through_layers

__all__ = ["Hiding", "draw_hiding", "emitted", "emitted_origins", "hidden", "metal_of"]

#: Lines weaker than this share of a label's strongest are not followed, unless they are above 1 MeV.
_LEAST_SHARE = 2e-6

#: Materials that hold themselves back.
_METALS = {"HEU": "uranium", "LEU": "uranium", "DU": "uranium", "U-233": "uranium", "WGPu": "plutonium",
           "RGPu": "plutonium", "Pu-238": "plutonium"}  # fmt: skip

#: Optical depth of a shield at the energies that pass best: beyond it nothing of the source is left.
_MOST_DEPTH = 5.0


class Hiding(NamedTuple):
    """What a source is hidden in.

    Attributes
    ----------
    layers : tuple of (str, float)
        Innermost first: material and areal density, g/cm2.
    cover : float
        Share of the source's directions that the first layer covers; the rest passes beside it.
    """

    layers: tuple[tuple[str, float], ...]
    cover: float = 1.0


def draw_hiding(rng: np.random.Generator, name: str) -> Hiding:
    """Return a random shield for a label.

    ================  ======  =================================================================
    what              share   range and reason
    ================  ======  =================================================================
    holder            0.34    aluminium or polyethylene to 0.6 g/cm2: a bare or capsuled source
    steel             0.16    0 to 60 g/cm2: cargo, or a container's wall (1.6 g/cm2) upwards
    light cargo       0.20    polyethylene, water or wood to 60 g/cm2
    lead              0.12    to 5 cm (57 g/cm2), over 60 to 100 % of the directions
    patient           0.10    10 to 30 cm of water; 0.6 of the draws of medical labels
    lead in cargo     0.08    a pig of lead or steel inside light cargo
    ================  ======  =================================================================

    Whatever would leave less than exp(-5) of the energies that pass best is thinned to that: a spectrum
    without its source is no sample of it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    name : str
        Label, for how likely a patient is.

    Returns
    -------
    Hiding
        The shield.

    Raises
    ------
    ValueError
        If no such label is known.
    """
    is_medical = Category.MEDICAL in nuclide(name).categories
    kind = int(rng.choice(6, p=[0.34, 0.16, 0.20, 0.12, 0.10, 0.08]))
    if is_medical and rng.random() < 0.55:
        kind = 4
    light = ("polyethylene", "water", "wood")[int(rng.integers(3))]
    amount, more, cover = rng.uniform(), rng.uniform(), 1.0
    if kind == 0:
        layers: tuple[tuple[str, float], ...] = (
            ("aluminium" if more < 0.7 else "polyethylene", 0.6 * amount),
        )
    elif kind == 1:
        layers = (("steel", 60.0 * amount**1.5),)
    elif kind == 2:
        layers = ((light, 60.0 * amount),)
    elif kind == 3:
        layers, cover = (("lead", 56.8 * amount**2),), float(rng.uniform(0.6, 1.0))
    elif kind == 4:
        layers = (("water", 10.0 + 20.0 * amount),)
    else:
        layers = (("lead" if rng.random() < 0.6 else "steel", 25.0 * more**1.5), (light, 40.0 * amount))
    return Hiding(_thinned(name, layers), cover)


def emitted(name: str, rng: np.random.Generator | None = None) -> Photons:
    """Return what a label sends out: lines, and bremsstrahlung where it makes any.

    Parameters
    ----------
    name : str
        Key of :data:`screening.physics.NUCLIDES`.
    rng : numpy.random.Generator, optional
        Draws the share of daughters and impurities, and the self-absorption of nuclear metals; without it
        the table's own shares and no self-absorption.

    Returns
    -------
    Photons
        Photons per decay.

    Raises
    ------
    ValueError
        If no such label is known.
    """
    energy, table, origin, continuum = _emission(name)
    intensity = table.copy()
    if rng is not None:
        # Daughters of free age and impurities: log-normal, a factor of two or so, less rather than more.
        for root in sorted({one for one in origin if one.endswith("*")}):
            mine = np.array([one == root for one in origin])
            intensity[mine] *= float(np.exp(rng.normal(-0.3, 0.8)))
    photons = Photons(energy, intensity, continuum.copy())
    if rng is not None and name in _METALS:
        photons = _self_absorbed(
            photons, _METALS[name], float(np.exp(rng.uniform(np.log(0.1), np.log(30.0))))
        )
    return photons


def metal_of(name: str) -> str | None:
    """Return the metal that a label is made of.

    Parameters
    ----------
    name : str
        Key of :data:`screening.physics.NUCLIDES`.

    Returns
    -------
    str or None
        Material, which holds back its own photons; None for all but nuclear metals.
    """
    return _METALS.get(name)


def emitted_origins(name: str) -> tuple[str, ...]:
    """Return which member of a label emits each line of :func:`emitted`.

    Parameters
    ----------
    name : str
        Key of :data:`screening.physics.NUCLIDES`.

    Returns
    -------
    tuple of str
        Members of the chain; daughters and impurities of free share end in "*".
    """
    return _emission(name)[2]


def hidden(photons: Photons, hiding: Hiding) -> Photons:
    """Return what comes out of a shield.

    Parameters
    ----------
    photons : Photons
        What the source sends out.
    hiding : Hiding
        What it is hidden in.

    Returns
    -------
    Photons
        Unscattered lines and scattered continuum.

    Raises
    ------
    ValueError
        If the cover is outside 0 to 1, or a layer is outside the tables of scatter.
    """
    if not 0.0 <= hiding.cover <= 1.0:
        raise ValueError(f"cover {hiding.cover:g} of a shield is outside 0 to 1")
    if not hiding.layers:
        return photons
    inner = through(photons, *hiding.layers[0])
    if hiding.cover < 1.0:
        inner = Photons(
            photons.energy_kev,
            hiding.cover * inner.number + (1.0 - hiding.cover) * photons.number,
            hiding.cover * inner.continuum + (1.0 - hiding.cover) * photons.continuum,
        )
    return through_layers(inner, hiding.layers[1:])


def _self_absorbed(photons: Photons, metal: str, areal_density_g_cm2: float) -> Photons:
    """Photons that leave the flat face of a piece of metal that emits in all its depth."""
    depth = attenuation(metal, photons.energy_kev) * areal_density_g_cm2
    on_axis = attenuation(metal, FLUX_KEV) * areal_density_g_cm2
    return Photons(
        photons.energy_kev,
        photons.number * -np.expm1(-depth) / depth,
        photons.continuum * -np.expm1(-on_axis) / on_axis,
    )


def _thinned(name: str, layers: tuple[tuple[str, float], ...]) -> tuple[tuple[str, float], ...]:
    energy, intensity, _, _ = _emission(name)
    if energy.size == 0 or intensity.sum() <= 0.0:
        return layers
    # What passes best, weighed by intensity: the depth at which exp(-5) of the photon energy is left.
    depths = np.zeros(energy.size)
    for material, areal in layers:
        depths += attenuation(material, energy) * areal
    weight = intensity * energy
    passed = float((weight * np.exp(-depths)).sum() / weight.sum())
    if passed >= np.exp(-_MOST_DEPTH):
        return layers
    low, high = 0.0, 1.0
    for _ in range(20):
        middle = 0.5 * (low + high)
        is_seen = (weight * np.exp(-middle * depths)).sum() / weight.sum() >= np.exp(-_MOST_DEPTH)
        low, high = (middle, high) if is_seen else (low, middle)
    return tuple((material, areal * low) for material, areal in layers)


@lru_cache(maxsize=256)
def _emission(
    name: str,
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[str, ...], NDArray[np.float64]]:
    label = nuclide(name)
    kept = (label.energy_kev > FLUX_EDGES[0]) & (label.energy_kev < 0.99 * FLUX_EDGES[-1])
    if np.any(kept):
        strongest = label.intensity[kept].max()
        kept &= (label.intensity > _LEAST_SHARE * strongest) | (label.energy_kev > 1000.0)
    origin = tuple(one for one, keep in zip(label.origin, kept, strict=True) if keep)
    # Betas stop in the source itself: a nuclear metal, a patient, or the steel of a capsule.
    stops_in = _METALS.get(name, "water" if Category.MEDICAL in label.categories else "steel")
    energy, intensity = label.energy_kev[kept], label.intensity[kept]
    # Shared between all that ask for the label.
    energy.flags.writeable = intensity.flags.writeable = False
    return energy, intensity, origin, bremsstrahlung(name, stops_in, FLUX_EDGES)

"""Photons of a source behind layers: its lines, and what is scattered out of the layers."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.physics import attenuation, nuclide
from screening.physics.materials import material_data
from screening.physics.scatter import SHIELDS, backscattered, emerging, largest_areal_density_g_cm2
from screening.simulation.spectra.photons import FLUX_EDGES
from screening.simulation.spectra.sources import emitted as bare_source
from screening.simulation.spectra.sources import metal_of

__all__ = ["PHOTON_EDGES_KEV", "PHOTON_KEV", "Photons", "emitted", "off_the_ground", "through"]

#: Bins of scattered photons, keV, and their middles.
PHOTON_EDGES_KEV = np.geomspace(20.0, 3200.0, 121)
PHOTON_KEV = np.sqrt(PHOTON_EDGES_KEV[1:] * PHOTON_EDGES_KEV[:-1])

#: Lines that a portal can see, keV.
_LINE_RANGE_KEV = (20.0, 3200.0)

#: Photons that reach a panel from the road over those that reach it straight, if the road sent back all that
#: meet it: half of a source's photons meet the road; what it sends back leaves by the cosine law, 4
#: cos(angle) times as much towards the panel as an isotropic source would send; and the face is farther and
#: more aslant. For a source in the lane's middle, 1.8 m up, and a panel of that height 2.5 m away: 0.5 * 4 *
#: 0.58 * (2.5 / 3.08)^3.
_GROUND_SHARE = 0.5 * 4.0 * (1.8 / np.hypot(1.8, 2.5)) * (2.5 / np.hypot(1.8, 2.5)) ** 3

#: Thinnest layer from which scatter is reckoned, g/cm2.
_THINNEST_G_CM2 = 0.05


class Photons(NamedTuple):
    """Photons on their way to a panel.

    Attributes
    ----------
    energy_kev : ndarray of shape (n_line,), float64
        Lines, keV.
    lines : ndarray of shape (n_line,), float64
        Photons per decay that have not been scattered.
    scattered : ndarray of shape (n_bin,), float64
        Photons per decay in the bins of :data:`PHOTON_EDGES_KEV` that have, and bremsstrahlung.
    """

    energy_kev: NDArray[np.float64]
    lines: NDArray[np.float64]
    scattered: NDArray[np.float64]


@lru_cache(maxsize=1024)
def emitted(label: str, shielding: tuple[tuple[str, float], ...] = (), radius_g_cm2: float = 0.0) -> Photons:
    """Return what comes out of a source's shielding.

    Parameters
    ----------
    label : str
        Key of :data:`screening.physics.NUCLIDES`.
    shielding : tuple of (str, float)
        Layers from the inside: material and areal density, g/cm2.
    radius_g_cm2 : float, default 0
        Of a sphere of the source's own metal, g/cm2.

    Returns
    -------
    Photons
        Per decay, into the full solid angle.

    Raises
    ------
    ValueError
        If the label or a material is unknown, a thickness is negative, or a source that is no nuclear metal
        has a radius.
    """
    nuclide(label)
    source = bare_source(label)
    low, high = _LINE_RANGE_KEV
    inside = (source.energy_kev >= low) & (source.energy_kev < high)
    up_to = np.concatenate([[0.0], np.cumsum(source.continuum)])
    photons = Photons(
        source.energy_kev[inside],
        source.number[inside],
        np.diff(np.interp(PHOTON_EDGES_KEV, FLUX_EDGES, up_to)),
    )
    if radius_g_cm2 > 0.0:
        metal = metal_of(label)
        if metal is None:
            raise ValueError(f"{label} is no nuclear metal: radius_g_cm2 must be 0, got {radius_g_cm2:g}")
        photons = Photons(
            photons.energy_kev,
            photons.lines * _out_of_sphere(attenuation(metal, photons.energy_kev) * radius_g_cm2),
            photons.scattered * _out_of_sphere(attenuation(metal, PHOTON_KEV) * radius_g_cm2),
        )
    for material, areal_density_g_cm2 in shielding:
        photons = through(photons, material, areal_density_g_cm2)
    return photons


def _out_of_sphere(depth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share that leaves a sphere untouched which emits everywhere, by its radius in free paths.

    Case, de Hoffmann and Placzek, Introduction to the Theory of Neutron Diffusion (1953): 3 / (8 x^3)
    (2 x^2 - 1 + (1 + 2 x) exp(-2 x)); 1 - 3 x / 4 where that cancels.
    """
    x = np.maximum(depth, 1e-3)
    found = 3.0 / (8.0 * x**3) * (2.0 * x**2 - 1.0 + (1.0 + 2.0 * x) * np.exp(-2.0 * x))
    return np.where(depth > 1e-3, found, 1.0 - 0.75 * depth)


def through(photons: Photons, material: str, areal_density_g_cm2: float) -> Photons:
    """Return what comes through a layer: what is not touched, and what is scattered and still comes out.

    Parameters
    ----------
    photons : Photons
        What goes in.
    material : str
        Material of the layer.
    areal_density_g_cm2 : float
        Its areal density, g/cm2.

    Returns
    -------
    Photons
        What comes out.

    Raises
    ------
    ValueError
        If the material is unknown or the thickness negative.
    """
    if not areal_density_g_cm2 >= 0.0:
        raise ValueError(f"a layer of {material} has 0 g/cm2 or more, got {areal_density_g_cm2:g}")
    if areal_density_g_cm2 < _THINNEST_G_CM2:
        passed = photons.lines * np.exp(-attenuation(material, photons.energy_kev) * areal_density_g_cm2)
        return Photons(photons.energy_kev, passed, photons.scattered)
    shell, equal = _nearest_shell(material)
    # Thicker than the thickest shell of the tables: one shell after the other.
    n_shell = int(np.ceil(areal_density_g_cm2 * equal / largest_areal_density_g_cm2(shell) - 1e-9))
    each = areal_density_g_cm2 / n_shell
    kept, scatter = _layer(material, round(each, 3))
    narrow = np.exp(-attenuation(material, photons.energy_kev) * each)
    lines, scattered = photons.lines, photons.scattered
    for _ in range(n_shell):
        entering = np.histogram(photons.energy_kev, PHOTON_EDGES_KEV, weights=lines)[0]
        scattered = kept * scattered + scatter @ (entering + scattered)
        lines = lines * narrow
    return Photons(photons.energy_kev, lines, scattered)


def off_the_ground(photons: Photons) -> Photons:
    """Return photons with those that a concrete road scatters towards a panel.

    Parameters
    ----------
    photons : Photons
        What a source sends in every direction.

    Returns
    -------
    Photons
        Straight and by way of the road.
    """
    entering = np.histogram(photons.energy_kev, PHOTON_EDGES_KEV, weights=photons.lines)[0]
    back = _road() @ (entering + photons.scattered)
    return Photons(photons.energy_kev, photons.lines, photons.scattered + _GROUND_SHARE * back)


@cache
def _road() -> NDArray[np.float64]:
    return backscattered("concrete", PHOTON_KEV, PHOTON_EDGES_KEV)


@lru_cache(maxsize=1024)
def _layer(material: str, areal_density_g_cm2: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the share of each bin that is untouched, and the matrix of what is scattered out."""
    kept = np.exp(-attenuation(material, PHOTON_KEV) * areal_density_g_cm2)
    return kept, _scattered(material, areal_density_g_cm2)


def _scattered(material: str, areal_density_g_cm2: float) -> NDArray[np.float64]:
    """Return photons in each bin that a layer scatters out, per photon of each bin that goes in.

    The tables hold some materials; another is taken as the one of them nearest in atomic number, as thick in
    mean free paths of 600 keV, where cargo scatters most.
    """
    shell, equal = _nearest_shell(material)
    most = largest_areal_density_g_cm2(shell)
    return np.asarray(emerging(shell, min(areal_density_g_cm2 * equal, most), PHOTON_KEV, PHOTON_EDGES_KEV))


@cache
def _nearest_shell(material: str) -> tuple[str, float]:
    """Return the nearest material with a table, and how thick it is for each g/cm2."""
    if material in SHIELDS:
        return material, 1.0
    number = np.log(material_data(material).effective_z)
    shell = min(SHIELDS, key=lambda one: abs(np.log(material_data(one).effective_z) - number))
    return shell, float(attenuation(material, 600.0) / attenuation(shell, 600.0))

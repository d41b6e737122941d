"""Natural backgrounds as a family: what the ground, walls, air and sky of one site send to a detector."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.physics import NUCLIDES
from screening.physics.detector import ELECTRON_REST_KEV

from .medium import flux_in_medium, scattered_in_medium
from .photons import FLUX_EDGES, FLUX_KEV, Photons, no_continuum, through

__all__ = ["Site", "draw_site", "shaded", "site_flux"]

#: Typical activity of soil, Bq/g: world medians (UNSCEAR 2000 report, annex B: 400, 35 and 30 Bq/kg).
TYPICAL_BQ_G = {"K-40": 0.400, "Ra-226": 0.035, "Th-232": 0.030}

#: Photons from cosmic rays at sea level between 3 and 10 MeV, about, cm-2 s-1, and their index: an order
#: of magnitude, drawn over a factor of ten.
_COSMIC_FLUX, _COSMIC_INDEX = 0.01, 1.6


class Site(NamedTuple):
    """Where a detector stands.

    Attributes
    ----------
    ground_bq_g : tuple of (float, float, float)
        K-40, Ra-226 and Th-232 (with daughters) in the ground, Bq/g.
    wall_bq_g : tuple of (float, float, float)
        The same in walls of concrete.
    wall : float
        Share of the upper half of the sky that walls fill, 0 to 1.
    scatter : float
        Scattered photons over those of an even half space.
    radon : float
        Radon daughters in air and washed out by rain, over the lines of radium in the ground.
    sky : float
        Photons scattered back by the air, over those of an air that the ground shines into everywhere.
    cosmic : float
        Cosmic photons and muons over typical.
    lutetium : float
        Lu-176 nearby (another detector's crystals, ceramics), photons/cm2/s.
    """

    ground_bq_g: tuple[float, float, float]
    wall_bq_g: tuple[float, float, float]
    wall: float
    scatter: float
    radon: float
    sky: float
    cosmic: float
    lutetium: float


def draw_site(rng: np.random.Generator) -> Site:
    """Return a random site.

    Activities are log-normal about the world medians with a spread of a factor 1.7 (about what soils and
    building materials show); walls fill none to all of the upper half (a quarter of sites has none);
    scatter is 0.7 to 1.3 of an even half space (wet or layered ground, oblique views); radon is none to
    0.8 of the radium lines (rain raises them by tens of percent), and a dry day in half of all cases; one
    site in thirty has lutetium near by.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Site
        The site.
    """
    spread = np.exp(rng.normal(0.0, 0.53, 6)) * np.tile(list(TYPICAL_BQ_G.values()), 2)
    return Site(
        ground_bq_g=(float(spread[0]), float(spread[1]), float(spread[2])),
        wall_bq_g=(float(spread[3]), float(spread[4]), float(spread[5])),
        wall=float(max(rng.uniform(-0.33, 1.0), 0.0)),
        scatter=float(rng.uniform(0.7, 1.3)),
        radon=float(max(rng.uniform(-0.8, 0.8), 0.0)),
        sky=float(rng.uniform(0.1, 0.5)),
        cosmic=float(np.exp(rng.uniform(np.log(0.3), np.log(3.0)))),
        lutetium=float(rng.uniform(0.001, 0.02)) if rng.random() < 1 / 30 else 0.0,
    )


def site_flux(site: Site) -> Photons:
    """Return the photons through a detector at a site.

    Parameters
    ----------
    site : Site
        Where it stands.

    Returns
    -------
    Photons
        Photons through each cm2 a second.
    """
    energies: list[NDArray[np.float64]] = []
    numbers: list[NDArray[np.float64]] = []
    continuum = no_continuum()
    media = (("soil", site.ground_bq_g, 0.5), ("concrete", site.wall_bq_g, 0.5 * site.wall))
    for medium, activities, half in media:
        for label, activity in zip(TYPICAL_BQ_G, activities, strict=True):
            flux = flux_in_medium(label, medium)
            energies.append(flux.energy_kev)
            numbers.append(half * activity * flux.number)
            scattered = half * activity * flux.continuum
            continuum += site.scatter * scattered
            if medium == "soil":
                # The open part of the sky sends back what the air scatters.
                continuum += 0.5 * (1.0 - site.wall) * site.sky * activity * _sky(label)
    radium = flux_in_medium("Ra-226", "soil")
    washed_out = 0.5 * site.radon * TYPICAL_BQ_G["Ra-226"]
    energies.append(radium.energy_kev)
    numbers.append(washed_out * radium.number)
    # Daughters on the surface are seen bare, over ground that throws some back.
    continuum += 0.35 * washed_out * radium.continuum
    cosmic_line, cosmic_continuum = _cosmic()
    energies.append(np.array([ELECTRON_REST_KEV]))
    numbers.append(np.array([site.cosmic * cosmic_line]))
    continuum += site.cosmic * cosmic_continuum
    if site.lutetium > 0.0:
        lutetium = NUCLIDES["Lu-176"]
        kept = lutetium.energy_kev > FLUX_EDGES[0]
        energies.append(lutetium.energy_kev[kept])
        numbers.append(site.lutetium * lutetium.intensity[kept])
    # The same lines come from ground, walls and air.
    energy, where = np.unique(np.concatenate(energies), return_inverse=True)
    return Photons(energy, np.bincount(where, np.concatenate(numbers)).astype(np.float64), continuum)


def shaded(flux: Photons, share: float, areal_density_g_cm2: float) -> Photons:
    """Return a background part of which comes through a vehicle.

    Parameters
    ----------
    flux : Photons
        The background of the empty site.
    share : float
        Part of all directions that the vehicle fills, 0 to 1.
    areal_density_g_cm2 : float
        Steel it stands for, g/cm2.

    Returns
    -------
    Photons
        The background beside the vehicle.

    Raises
    ------
    ValueError
        If the share is outside 0 to 1, or the steel outside its table.
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"share of directions {share:g} is outside 0 to 1")
    behind = through(flux, "steel", areal_density_g_cm2)
    return Photons(
        flux.energy_kev,
        (1.0 - share) * flux.number + share * behind.number,
        (1.0 - share) * flux.continuum + share * behind.continuum,
    )


@lru_cache(maxsize=8)
def _sky(label: str) -> NDArray[np.float64]:
    """Return what air scatters of the ground's lines, per Bq/g, if the ground shone into all of it alike."""
    lines = flux_in_medium(label, "soil")
    return scattered_in_medium("air", lines.energy_kev, 0.5 * lines.number, no_continuum())[0]


@lru_cache(maxsize=1)
def _cosmic() -> tuple[float, NDArray[np.float64]]:
    """Return the 511 keV line and the continuum below a power law of photons from 3 to 10 MeV, in air."""
    source = np.where(FLUX_KEV > 3000.0, FLUX_KEV ** (1.0 - _COSMIC_INDEX), 0.0)
    flux, line = scattered_in_medium("air", np.zeros(0), np.zeros(0), source)
    scale = _COSMIC_FLUX / flux[FLUX_KEV > 3000.0].sum()
    return float(line * scale), flux * scale

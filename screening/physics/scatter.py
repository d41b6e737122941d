"""Photons that come out of a shield, or back from a surface, after scattering: simulated tables.

``tables/scatter.npz`` is written by :func:`screening.simulation.photons.write_scatter`: a point source in
a spherical shell whose inner radius is a quarter of its thickness, and a point source above a wide, thick
surface. Spectra are kept on an axis that is cut where single scattering ends, so that they move with the
source energy; annihilation quanta, K lines and photons that scattered coherently alone are kept apart.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .attenuation import attenuation, transmission
from .detector import ELECTRON_REST_KEV

__all__ = [
    "SHIELDS",
    "SURFACES",
    "backscattered",
    "buildup_factor",
    "emerging",
    "emerging_edges_kev",
    "largest_areal_density_g_cm2",
]

#: Materials of shells.
SHIELDS: tuple[str, ...] = (
    "water", "polyethylene", "wood", "concrete", "aluminium", "steel", "tungsten", "lead",
)  # fmt: skip

#: Materials of surfaces.
SURFACES: tuple[str, ...] = ("concrete", "soil", "steel", "water")

#: Source energies of the tables, keV.
ENERGY_RANGE_KEV = (15.0, 10000.0)

#: Lowest energy of a scattered photon that is kept, keV.
LOWEST_KEV = 10.0

#: Bins of each piece of the axis, see :func:`emerging_edges_kev`.
_PIECES = (24, 24, 40)

#: Chance below which a table holds nothing: none was seen in the histories.
_NONE = 1e-9


class _Table(NamedTuple):
    energy_kev: NDArray[np.float64]  # (n_energy,)
    areal: NDArray[np.float64]  # (n_thickness,), g/cm2, from 0 on for a shell; one entry for a surface
    total: NDArray[np.float64]  # (n_thickness, n_energy): scattered photons, without those in lines
    shape: NDArray[np.float64]  # (n_thickness, n_energy, n_bin), each row sums to 1
    line: NDArray[np.float64]  # (n_thickness, n_energy, 4): annihilation, K alpha, K beta, coherent
    line_kev: NDArray[np.float64]  # (3,)


def emerging_edges_kev(energy_kev: float) -> NDArray[np.float64]:
    """Return the edges on which scattered photons of a source energy E are kept.

    Equal steps of the logarithm between 10 keV, the energy left after a scatter by 180 degrees, that after
    one by 90 degrees, and E.

    Parameters
    ----------
    energy_kev : float
        Source energy, keV, at least 15.

    Returns
    -------
    ndarray of shape (89,), float64
        Edges, keV, increasing.
    """
    alpha = energy_kev / ELECTRON_REST_KEV
    knots = (LOWEST_KEV, energy_kev / (1 + 2 * alpha), energy_kev / (1 + alpha), energy_kev)
    parts = [
        np.geomspace(low, high, n, endpoint=False)
        for low, high, n in zip(knots[:-1], knots[1:], _PIECES, strict=True)
    ]
    return np.append(np.concatenate(parts), energy_kev)


def largest_areal_density_g_cm2(material: str) -> float:
    """Return the thickest shell of a material in the table.

    Parameters
    ----------
    material : str
        One of ``SHIELDS``.

    Returns
    -------
    float
        Areal density, g/cm2.

    Raises
    ------
    ValueError
        If there is no such shell.
    """
    return float(_shield(material).areal[-1])


def emerging(
    material: str, areal_density_g_cm2: float, energy_kev: ArrayLike, edges_kev: ArrayLike
) -> NDArray[np.float64]:
    """Return the scattered photons that come out of a shell around a source.

    What passes without an interaction is not among them; :func:`screening.physics.transmission` gives it.
    What scattered coherently alone is among them, in the bin of the source energy.

    Parameters
    ----------
    material : str
        One of ``SHIELDS``.
    areal_density_g_cm2 : float
        Areal density of the shell, g/cm2, 0 to :func:`largest_areal_density_g_cm2`.
    energy_kev : array_like of shape (n_line,)
        Source energies, 15 to 10,000 keV.
    edges_kev : array_like of shape (n_bin + 1,)
        Edges of the bins of the photons that come out, keV, increasing.

    Returns
    -------
    ndarray of shape (n_bin, n_line), float64
        Photons in each bin per source photon; those below 10 keV are left out.

    Raises
    ------
    ValueError
        If the material, the areal density or an energy is outside the table, or edges do not increase.
    """
    table = _shield(material)
    most = float(table.areal[-1])
    if not 0 <= areal_density_g_cm2 <= most:
        raise ValueError(
            f"areal density {areal_density_g_cm2:g} g/cm2 of {material} is outside the table, 0 to {most:g}"
        )
    energy, edges = _checked(energy_kev, edges_kev)
    if areal_density_g_cm2 == 0:
        return np.zeros((edges.size - 1, energy.size))
    upper = int(np.clip(np.searchsorted(table.areal, areal_density_g_cm2), 1, table.areal.size - 1))
    low, high = table.areal[upper - 1 : upper + 1]
    share = float((areal_density_g_cm2 - low) / (high - low))
    # The number per g/cm2 falls nearly as an exponential; at 0 it is that of the thinnest shell.
    first = max(upper - 1, 1)
    total = _by_thickness(table.total, table.areal, first, upper, share, areal_density_g_cm2)
    line = _by_thickness(table.line, table.areal, first, upper, share, areal_density_g_cm2)
    shape = (1 - share) * table.shape[first] + share * table.shape[upper]
    return _spread(table, total, shape, line, energy, edges)


def backscattered(surface: str, energy_kev: ArrayLike, edges_kev: ArrayLike) -> NDArray[np.float64]:
    """Return the photons that come back from a wide, thick surface.

    The source is a point above it, so that every cosine of incidence is as likely; all directions of
    return are taken together.

    Parameters
    ----------
    surface : str
        One of ``SURFACES``.
    energy_kev : array_like of shape (n_line,)
        Source energies, 15 to 10,000 keV.
    edges_kev : array_like of shape (n_bin + 1,)
        Edges of the bins of the photons that come back, keV, increasing.

    Returns
    -------
    ndarray of shape (n_bin, n_line), float64
        Photons in each bin per photon that meets the surface; those below 10 keV are left out.

    Raises
    ------
    ValueError
        If the surface or an energy is outside the table, or edges do not increase.
    """
    if surface not in SURFACES:
        raise ValueError(f"unknown surface {surface!r}; known: {', '.join(SURFACES)}")
    table = _load(f"surface/{surface}")
    energy, edges = _checked(energy_kev, edges_kev)
    return _spread(table, table.total[0], table.shape[0], table.line[0], energy, edges)


def buildup_factor(
    material: str, areal_density_g_cm2: float, energy_kev: ArrayLike, *, response: str = "number"
) -> NDArray[np.float64]:
    """Return the buildup factor of a shell: all photons that come out over those without an interaction.

    Parameters
    ----------
    material : str
        One of ``SHIELDS``.
    areal_density_g_cm2 : float
        Areal density of the shell, g/cm2.
    energy_kev : array_like of shape (n_line,)
        Source energies, 15 to 10,000 keV.
    response : str, default "number"
        What is counted: "number" of photons, or "exposure", each by its energy times the energy
        absorption of air, for which the photoelectric part and the mean energy of a Compton electron
        stand.

    Returns
    -------
    ndarray of shape (n_line,), float64
        Buildup factor, 1 or more. The published ones are of infinite media and somewhat larger: here
        nothing comes back from outside the shell.

    Raises
    ------
    ValueError
        As :func:`emerging`, if `response` is unknown, or if nothing passes without an interaction.
    """
    if response not in ("number", "exposure"):
        raise ValueError(f"unknown response {response!r}; known: number, exposure")
    energy = np.atleast_1d(np.asarray(energy_kev, dtype=np.float64))
    edges = np.geomspace(LOWEST_KEV, ENERGY_RANGE_KEV[1], 601)
    scattered = emerging(material, areal_density_g_cm2, energy, edges)
    direct = transmission(material, energy, areal_density_g_cm2)
    if not (direct > 0.0).all():
        raise ValueError(
            f"at {float(energy[direct == 0.0][0]):g} keV nothing passes {areal_density_g_cm2:g} g/cm2 of "
            f"{material} without an interaction: the buildup factor is allowed up to some 700 mean free paths"
        )
    if response == "number":
        return np.asarray(1 + scattered.sum(axis=0) / direct)
    weight = _air_exposure(np.sqrt(edges[1:] * edges[:-1]))
    return np.asarray(1 + (scattered * weight[:, None]).sum(axis=0) / (direct * _air_exposure(energy)))


def _air_exposure(energy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Energy absorbed in air per photon and cm2/g, keV, without pair production's small share."""
    alpha = energy / ELECTRON_REST_KEV
    cosine = np.linspace(-1, 1, 201)[:, None]
    left = 1 / (1 + alpha * (1 - cosine))
    shape = left**2 * (left + 1 / left - 1 + cosine**2)
    transferred = ((1 - left) * shape).sum(axis=0) / shape.sum(axis=0)
    per_photon = (
        attenuation("air", energy, process="photoelectric")
        + attenuation("air", energy, process="incoherent") * transferred
        + np.maximum(1 - 2 * ELECTRON_REST_KEV / energy, 0)
        * (
            attenuation("air", energy, process="pair_nuclear")
            + attenuation("air", energy, process="pair_electron")
        )
    )
    return np.asarray(energy * per_photon)


def _by_thickness(
    values: NDArray[np.float64], areal: NDArray[np.float64], first: int, upper: int, share: float, at: float
) -> NDArray[np.float64]:
    low = np.log(np.maximum(values[first], _NONE) / areal[first])
    high = np.log(np.maximum(values[upper], _NONE) / areal[upper])
    found = at * np.exp((1 - share) * low + share * high)
    return np.where((values[first] > 0) | (values[upper] > 0), found, 0.0)


def _spread(
    table: _Table,
    total: NDArray[np.float64],
    shape: NDArray[np.float64],
    line: NDArray[np.float64],
    energy: NDArray[np.float64],
    edges: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Mix source energies, and place the mixture on the caller's bins."""
    grid = np.log(table.energy_kev)
    node = np.clip(np.searchsorted(grid, np.log(energy), side="right") - 1, 0, grid.size - 2)
    shares = np.clip((np.log(energy) - grid[node]) / (grid[node + 1] - grid[node]), 0.0, 1.0)
    found = np.empty((edges.size - 1, energy.size))
    logs = np.log(np.maximum(total, _NONE))
    for k, (e, i, s) in enumerate(zip(energy.tolist(), node.tolist(), shares.tolist(), strict=True)):
        number = float(np.exp((1 - s) * logs[i] + s * logs[i + 1]))
        below = np.zeros(shape.shape[1] + 1)
        np.cumsum(number * ((1 - s) * shape[i] + s * shape[i + 1]), out=below[1:])
        found[:, k] = np.diff(np.interp(edges, emerging_edges_kev(e), below))
        places = (*table.line_kev, e)
        for where, strength in zip(places, (1 - s) * line[i] + s * line[i + 1], strict=True):
            # The last edge belongs to the last bin.
            bin_ = int(np.searchsorted(edges, where, side="right")) - 1 - int(where == edges[-1])
            if strength > 0 and 0 <= bin_ < found.shape[0]:
                found[bin_, k] += strength
    return found


def _shield(material: str) -> _Table:
    if material not in SHIELDS:
        raise ValueError(f"unknown shield {material!r}; known: {', '.join(SHIELDS)}")
    return _load(f"shell/{material}")


@cache
def _load(key: str) -> _Table:
    path = files("screening.physics") / "tables" / "scatter.npz"
    names = ("energy_kev", "areal", "total", "shape", "line", "line_kev")
    with path.open("rb") as stream, np.load(stream) as stored:
        arrays = [stored[f"{key}/{name}"].astype(np.float64) for name in names]
    table = _Table(*arrays)
    # Kept as the ratio to the largest bin.
    whole = table.shape.sum(axis=-1, keepdims=True)
    table = table._replace(shape=table.shape / np.where(whole > 0, whole, 1.0))
    for array in table:
        array.flags.writeable = False
    return table


def _checked(energy_kev: ArrayLike, edges_kev: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    energy = np.atleast_1d(np.asarray(energy_kev, dtype=np.float64))
    low, high = ENERGY_RANGE_KEV
    outside = ~((energy >= low) & (energy <= high))
    if outside.any():
        raise ValueError(
            f"photon energy {energy[outside][0]:g} keV is outside the table, {low:g} to {high:g} keV"
        )
    edges = np.asarray(edges_kev, dtype=np.float64)
    if edges.ndim != 1 or edges.size < 2 or not (np.diff(edges) > 0).all():
        raise ValueError(f"edges_kev needs at least two edges, increasing, got {edges}")
    return energy, edges

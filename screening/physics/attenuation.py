"""Mass attenuation coefficients of elements and materials, 1 keV to 20 MeV.

The table ``tables/xcom.npz`` is NIST XCOM (Berger et al., NIST Standard Reference Database 8), public
data of the United States government, kept by process. Between its points each process is interpolated
linearly in log(coefficient) against log(energy), and the total is their sum: interpolating the total itself
reads up to 4 % high where one process takes over from another. At an absorption edge, where the table
holds the energy twice, the value above the edge is returned.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .materials import MATERIALS, SYMBOLS, MaterialData, material_data

__all__ = ["MATERIALS", "PROCESSES", "SYMBOLS", "MaterialData", "attenuation", "transmission"]

#: Lowest and highest photon energy of the table, keV.
ENERGY_RANGE_KEV = (1.0, 20000.0)

#: Processes that can be asked for; ``total`` includes coherent scattering.
PROCESSES = ("coherent", "incoherent", "photoelectric", "pair_nuclear", "pair_electron")


class _Element(NamedTuple):
    """The rows of one element, with their logarithms: (n_row,) and (n_row, n_process); where each begins."""

    energy_kev: NDArray[np.float64]
    log_step: NDArray[np.float64]
    value: NDArray[np.float64]
    log_value: NDArray[np.float64]
    first_kev: NDArray[np.float64]


def attenuation(
    material: str | MaterialData, energy_kev: ArrayLike, *, process: str = "total"
) -> NDArray[np.float64]:
    """Return the mass attenuation coefficient of a material.

    Parameters
    ----------
    material : str or MaterialData
        Name in ``MATERIALS``, an element symbol, or a composition (:func:`screening.physics.mixture`).
    energy_kev : array_like of shape (...)
        Photon energy, 1 to 20,000 keV.
    process : str, default "total"
        "total" (with coherent scattering), or one of ``PROCESSES``.

    Returns
    -------
    ndarray of shape (...), float64
        Coefficient, cm2/g.

    Raises
    ------
    ValueError
        If the material or the process is unknown, or an energy is not finite or outside the table.
    """
    energy = np.asarray(energy_kev, dtype=np.float64)
    low, high = ENERGY_RANGE_KEV
    outside = ~((energy >= low) & (energy <= high))
    if np.any(outside):
        value = float(energy[outside].ravel()[0]) if energy.ndim else float(energy)
        raise ValueError(f"photon energy {value:g} keV is outside the table, {low:g} to {high:g} keV")
    if process != "total" and process not in PROCESSES:
        raise ValueError(f"unknown process {process!r}; known: total, {', '.join(PROCESSES)}")
    result = np.zeros(energy.shape)
    for symbol, fraction in material_data(material).composition:
        result += fraction * _element(SYMBOLS.index(symbol), energy, process)
    return result


def transmission(
    material: str | MaterialData, energy_kev: ArrayLike, areal_density_g_cm2: ArrayLike
) -> NDArray[np.float64]:
    """Return the narrow-beam transmission of a layer.

    Parameters
    ----------
    material : str or MaterialData
        As :func:`attenuation`.
    energy_kev : array_like of shape (...)
        Photon energy, 1 to 20,000 keV.
    areal_density_g_cm2 : array_like
        Areal density, g/cm2, 0 or more; broadcast against the energies.

    Returns
    -------
    ndarray, float64
        Share that passes without any interaction, coherent scattering included.

    Raises
    ------
    ValueError
        As :func:`attenuation`; if an areal density is negative or not finite.
    """
    density = np.asarray(areal_density_g_cm2, dtype=np.float64)
    wrong = ~(np.isfinite(density) & (density >= 0.0))
    if np.any(wrong):
        raise ValueError(
            f"areal density {float(density[wrong].ravel()[0]):g} g/cm2 is not allowed: finite and 0 or more"
        )
    return np.exp(-attenuation(material, energy_kev) * density)


def _element(z: int, energy: NDArray[np.float64], process: str) -> NDArray[np.float64]:
    table = _table()[z]
    # side="right" puts an energy that is exactly an edge above it.
    upper = np.clip(np.searchsorted(table.energy_kev, energy, side="right"), 1, table.energy_kev.size - 1)
    lower = upper - 1
    share = np.log(energy / table.energy_kev[lower]) / table.log_step[lower]
    if process != "total":
        return _process(table, PROCESSES.index(process), lower, share)
    total = _process(table, 0, lower, share)
    for column in range(1, len(PROCESSES)):
        if table.first_kev[column] <= energy.max(initial=0.0):
            total += _process(table, column, lower, share)
    return total


def _process(
    table: _Element, column: int, lower: NDArray[np.intp], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    logs = table.log_value[:, column]
    with np.errstate(invalid="ignore"):
        found = np.exp(logs[lower] * (1 - share) + logs[lower + 1] * share)
    if np.isfinite(logs).all():
        return np.asarray(found)
    # Below a threshold (pair production) the logarithm does not exist: linear, which is 0 where both are.
    values = table.value[:, column]
    y0, y1 = values[lower], values[lower + 1]
    return np.where((y0 > 0) & (y1 > 0), found, y0 * (1 - share) + y1 * share)


@cache
def _table() -> dict[int, _Element]:
    with (files("screening.physics") / "tables" / "xcom.npz").open("rb") as stream, np.load(stream) as table:
        z = table["z"]
        # The table has four digits: an edge at 131.6 keV must come back from float32 as just that.
        energy = np.round(table["energy_kev"].astype(np.float64), 4)
        values = table["coefficient"].astype(np.float64)
    found = {}
    for k in np.unique(z):
        mine = z == k
        columns = values[mine]
        with np.errstate(divide="ignore"):
            logs = np.log(columns)
        # the last energy at which a process is still nothing: it begins there
        first = np.array([energy[mine][max(int((column > 0).argmax()) - 1, 0)] for column in columns.T])
        found[int(k)] = _Element(
            energy[mine], np.log(energy[mine][1:] / energy[mine][:-1]), columns, logs, first
        )
    return found

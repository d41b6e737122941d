"""Mass attenuation coefficients of elements and materials, 1 keV to 20 MeV.

The table ``tables/xcom.npz`` is NIST XCOM (Berger et al., NIST Standard Reference Database 8), public
data of the United States government, kept by process. Between its points the coefficients are
interpolated linearly in log(coefficient) against log(energy), as the database itself advises; at an
absorption edge, where the table holds the energy twice, the value above the edge is returned.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["MATERIALS", "PROCESSES", "SYMBOLS", "MaterialData", "attenuation", "transmission"]

#: Lowest and highest photon energy of the table, keV.
ENERGY_RANGE_KEV = (1.0, 20000.0)

#: Processes that can be asked for; ``total`` includes coherent scattering.
PROCESSES = ("coherent", "incoherent", "photoelectric", "pair_nuclear", "pair_electron")

#: Element symbols, the index is the atomic number.
SYMBOLS = [
    "n", "H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Na", "Mg", "Al", "Si", "P", "S", "Cl",
    "Ar", "K", "Ca", "Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se",
    "Br", "Kr", "Rb", "Sr", "Y", "Zr", "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb",
    "Te", "I", "Xe", "Cs", "Ba", "La", "Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er",
    "Tm", "Yb", "Lu", "Hf", "Ta", "W", "Re", "Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi", "Po", "At",
    "Rn", "Fr", "Ra", "Ac", "Th", "Pa", "U", "Np", "Pu", "Am", "Cm", "Bk", "Cf", "Es", "Fm",
]  # fmt: skip


class MaterialData(NamedTuple):
    """A material.

    Attributes
    ----------
    density_g_cm3 : float
        Density, g/cm3; typical where it varies.
    composition : tuple of (str, float)
        Element symbols and mass fractions, which sum to 1.
    """

    density_g_cm3: float
    composition: tuple[tuple[str, float], ...]


def _by_atoms(density_g_cm3: float, **atoms: float) -> MaterialData:
    mass = {symbol: count * _ATOMIC_MASS[symbol] for symbol, count in atoms.items()}
    total = sum(mass.values())
    return MaterialData(density_g_cm3, tuple((symbol, value / total) for symbol, value in mass.items()))


def _by_mass(density_g_cm3: float, **fractions: float) -> MaterialData:
    total = sum(fractions.values())
    return MaterialData(density_g_cm3, tuple((symbol, value / total) for symbol, value in fractions.items()))


# Standard atomic weights (IUPAC, abridged) of the elements the compounds below need.
_ATOMIC_MASS = {
    "H": 1.008, "Li": 6.94, "B": 10.81, "C": 12.011, "N": 14.007, "O": 15.999, "F": 18.998, "Na": 22.990,
    "Al": 26.982, "Si": 28.085, "S": 32.06, "Cl": 35.45, "K": 39.098, "Ca": 40.078, "Zn": 65.38, "Br": 79.904,
    "Y": 88.906, "Cd": 112.414, "Te": 127.60, "I": 126.904, "Cs": 132.905, "La": 138.905, "Ce": 140.116,
    "Lu": 174.967, "W": 183.84, "Bi": 208.980, "Ge": 72.630, "Gd": 157.25, "U": 238.029, "P": 30.974,
}  # fmt: skip

#: Materials by name. Elements are known by their symbol as well ("Fe").
MATERIALS: dict[str, MaterialData] = {
    "air": _by_mass(0.001205, C=0.000124, N=0.755268, O=0.231781, Ar=0.012827),
    "water": _by_atoms(1.0, H=2, O=1),
    "polyethylene": _by_atoms(0.94, C=1, H=2),
    "pvt": _by_atoms(1.032, C=9, H=10),
    "wood": _by_mass(0.6, H=0.06, C=0.50, O=0.44),
    "concrete": _by_mass(2.3, H=0.01, C=0.001, O=0.529107, Na=0.016, Mg=0.002, Al=0.033872, Si=0.337021,
                         K=0.013, Ca=0.044, Fe=0.014),
    "soil": _by_mass(1.5, H=0.02, O=0.53, Al=0.07, Si=0.30, K=0.015, Ca=0.03, Fe=0.035),
    "glass": _by_atoms(2.5, Si=1, O=2),
    "aluminium": _by_mass(2.70, Al=1.0),
    "steel": _by_mass(7.85, C=0.002, Mn=0.008, Fe=0.99),
    "iron": _by_mass(7.87, Fe=1.0),
    "copper": _by_mass(8.96, Cu=1.0),
    "tungsten": _by_mass(19.3, W=1.0),
    "lead": _by_mass(11.35, Pb=1.0),
    "uranium": _by_mass(18.95, U=1.0),
    "plutonium": _by_mass(19.8, Pu=1.0),
    "tissue": _by_mass(1.0, H=0.101, C=0.111, N=0.026, O=0.762),
    "nai": _by_atoms(3.67, Na=1, I=1),
    "csi": _by_atoms(4.51, Cs=1, I=1),
    "labr3": _by_atoms(5.08, La=1, Br=3),
    "cebr3": _by_atoms(5.1, Ce=1, Br=3),
    "hpge": _by_mass(5.32, Ge=1.0),
    "czt": _by_atoms(5.78, Cd=9, Zn=1, Te=10),
    "bgo": _by_atoms(7.13, Bi=4, Ge=3, O=12),
    "lyso": _by_atoms(7.1, Lu=18, Y=2, Si=10, O=50),
    "cadmium-tungstate": _by_atoms(7.9, Cd=1, W=1, O=4),
    "gadolinium-oxysulfide": _by_atoms(7.32, Gd=2, O=2, S=1),
    "potassium-chloride": _by_atoms(1.98, K=1, Cl=1),
    "silica": _by_atoms(2.65, Si=1, O=2),
}  # fmt: skip


def attenuation(material: str, energy_kev: ArrayLike, *, process: str = "total") -> NDArray[np.float64]:
    """Return the mass attenuation coefficient of a material.

    Parameters
    ----------
    material : str
        Name in ``MATERIALS``, or an element symbol.
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
    for symbol, fraction in _composition(material):
        result += fraction * _element(SYMBOLS.index(symbol), energy, process)
    return result


def transmission(material: str, energy_kev: ArrayLike, areal_density_g_cm2: float) -> NDArray[np.float64]:
    """Return the narrow-beam transmission of a layer.

    Parameters
    ----------
    material : str
        Name in ``MATERIALS``, or an element symbol.
    energy_kev : array_like of shape (...)
        Photon energy, 1 to 20,000 keV.
    areal_density_g_cm2 : float
        Areal density, g/cm2.

    Returns
    -------
    ndarray of shape (...), float64
        Share that passes without any interaction.

    Raises
    ------
    ValueError
        As :func:`attenuation`.
    """
    return np.exp(-attenuation(material, energy_kev) * areal_density_g_cm2)


def _composition(material: str) -> tuple[tuple[str, float], ...]:
    if material in MATERIALS:
        return MATERIALS[material].composition
    if material in SYMBOLS[1:]:
        return ((material, 1.0),)
    raise ValueError(
        f"unknown material {material!r}; known: {', '.join(sorted(MATERIALS))} and element symbols"
    )


def _element(z: int, energy: NDArray[np.float64], process: str) -> NDArray[np.float64]:
    table_energy, table = _table()[z]
    columns = table if process == "total" else table[:, PROCESSES.index(process), None]
    # side="right" puts an energy that is exactly an edge above it.
    upper = np.clip(np.searchsorted(table_energy, energy, side="right"), 1, table_energy.size - 1)
    e0, e1 = table_energy[upper - 1], table_energy[upper]
    share = np.log(energy / e0) / np.log(e1 / e0)
    total: NDArray[np.float64]
    if process == "total":
        # The sum over processes is interpolated, as the table's own total is.
        sums = columns.sum(axis=1)
        y0, y1 = sums[upper - 1], sums[upper]
    else:
        y0, y1 = columns[upper - 1, 0], columns[upper, 0]
    positive = (y0 > 0) & (y1 > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = np.exp(np.log(y0) * (1 - share) + np.log(y1) * share)
    # Below a threshold (pair production) the logarithm does not exist: linear, which is 0 where both are.
    return np.where(positive, total, y0 * (1 - share) + y1 * share)


@cache
def _table() -> dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    with (files("screening.physics") / "tables" / "xcom.npz").open("rb") as stream, np.load(stream) as table:
        z = table["z"]
        # float32 holds the table's four digits; 12.345 keV as float32 must still equal 12.345.
        energy = np.round(table["energy_kev"].astype(np.float64), 5)
        values = table["coefficient"].astype(np.float64)
    return {int(k): (energy[z == k], values[z == k]) for k in np.unique(z)}

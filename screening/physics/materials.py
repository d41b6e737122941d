"""Named materials by mass fraction, and mixtures of them.

``tables/materials.csv`` names each material with its density, its composition (by atoms of a formula or
by mass) and where the figures come from: chemical formulae; NIST and ESTAR compositions; ICRU Report 44
for tissues; and typical compositions for goods that have no single one. Goods marked "bulk" or "packed"
carry the density they are shipped at. Elements are known by their symbols as well.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

__all__ = ["ATOMIC_MASS", "MATERIALS", "SYMBOLS", "MaterialData", "material_data", "mixture"]

#: Element symbols, the index is the atomic number.
SYMBOLS = [
    "n", "H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Na", "Mg", "Al", "Si", "P", "S", "Cl",
    "Ar", "K", "Ca", "Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se",
    "Br", "Kr", "Rb", "Sr", "Y", "Zr", "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb",
    "Te", "I", "Xe", "Cs", "Ba", "La", "Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er",
    "Tm", "Yb", "Lu", "Hf", "Ta", "W", "Re", "Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi", "Po", "At",
    "Rn", "Fr", "Ra", "Ac", "Th", "Pa", "U", "Np", "Pu", "Am", "Cm", "Bk", "Cf", "Es", "Fm",
]  # fmt: skip

#: Standard atomic weights (IUPAC, abridged; the mass of the longest-lived isotope where there is none).
ATOMIC_MASS = {
    "H": 1.008, "He": 4.0026, "Li": 6.94, "Be": 9.0122, "B": 10.81, "C": 12.011, "N": 14.007, "O": 15.999,
    "F": 18.998, "Ne": 20.180, "Na": 22.990, "Mg": 24.305, "Al": 26.982, "Si": 28.085, "P": 30.974,
    "S": 32.06, "Cl": 35.45, "Ar": 39.95, "K": 39.098, "Ca": 40.078, "Sc": 44.956, "Ti": 47.867,
    "V": 50.942, "Cr": 51.996, "Mn": 54.938, "Fe": 55.845, "Co": 58.933, "Ni": 58.693, "Cu": 63.546,
    "Zn": 65.38, "Ga": 69.723, "Ge": 72.630, "As": 74.922, "Se": 78.971, "Br": 79.904, "Kr": 83.798,
    "Rb": 85.468, "Sr": 87.62, "Y": 88.906, "Zr": 91.224, "Nb": 92.906, "Mo": 95.95, "Tc": 97.0,
    "Ru": 101.07, "Rh": 102.91, "Pd": 106.42, "Ag": 107.87, "Cd": 112.414, "In": 114.82, "Sn": 118.71,
    "Sb": 121.76, "Te": 127.60, "I": 126.904, "Xe": 131.29, "Cs": 132.905, "Ba": 137.33, "La": 138.905,
    "Ce": 140.116, "Pr": 140.91, "Nd": 144.24, "Pm": 145.0, "Sm": 150.36, "Eu": 151.96, "Gd": 157.25,
    "Tb": 158.93, "Dy": 162.50, "Ho": 164.93, "Er": 167.26, "Tm": 168.93, "Yb": 173.05, "Lu": 174.967,
    "Hf": 178.49, "Ta": 180.95, "W": 183.84, "Re": 186.21, "Os": 190.23, "Ir": 192.22, "Pt": 195.08,
    "Au": 196.97, "Hg": 200.59, "Tl": 204.38, "Pb": 207.2, "Bi": 208.980, "Po": 209.0, "At": 210.0,
    "Rn": 222.0, "Fr": 223.0, "Ra": 226.0, "Ac": 227.0, "Th": 232.04, "Pa": 231.04, "U": 238.029,
    "Np": 237.0, "Pu": 244.0, "Am": 243.0, "Cm": 247.0, "Bk": 247.0, "Cf": 251.0, "Es": 252.0, "Fm": 257.0,
}  # fmt: skip


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

    @property
    def effective_z(self) -> float:
        """Mean atomic number, weighted by electrons: the Z that bremsstrahlung yields follow."""
        electrons = [(SYMBOLS.index(s), f * SYMBOLS.index(s) / ATOMIC_MASS[s]) for s, f in self.composition]
        return sum(z * n for z, n in electrons) / sum(n for _, n in electrons)


def _fractions(basis: str, text: str) -> tuple[tuple[str, float], ...]:
    words = text.split()
    parts = {symbol: float(amount) for symbol, amount in zip(words[::2], words[1::2], strict=True)}
    if basis == "atoms":
        parts = {symbol: count * ATOMIC_MASS[symbol] for symbol, count in parts.items()}
    total = sum(parts.values())
    return tuple((symbol, value / total) for symbol, value in parts.items())


def _rows() -> Iterator[tuple[str, MaterialData]]:
    table = files("screening.physics") / "tables" / "materials.csv"
    with table.open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            composition = _fractions(row["basis"], row["composition"])
            yield row["name"], MaterialData(float(row["density_g_cm3"]), composition)


#: Materials by name, read-only. Elements are known by their symbol as well ("Fe").
MATERIALS: Mapping[str, MaterialData] = MappingProxyType(dict(_rows()))


def material_data(material: str | MaterialData) -> MaterialData:
    """Return density and composition of a material.

    Parameters
    ----------
    material : str or MaterialData
        Name in :data:`MATERIALS`, an element symbol (its density is not known and given as NaN), or
        the data themselves, which are checked.

    Returns
    -------
    MaterialData
        The material.

    Raises
    ------
    ValueError
        If the name is unknown, or the composition holds an unknown element or does not sum to 1.
    """
    if isinstance(material, MaterialData):
        for symbol, fraction in material.composition:
            if symbol not in ATOMIC_MASS:
                raise ValueError(f"unknown element {symbol!r}; known: H to Fm")
            if not 0.0 <= fraction <= 1.0 + 1e-9:
                raise ValueError(f"mass fraction of {symbol} is {fraction:g}; allowed: 0 to 1")
        total = sum(fraction for _, fraction in material.composition)
        if not abs(total - 1.0) < 1e-6:
            raise ValueError(f"mass fractions sum to {total:g}, they must sum to 1 within 1e-6")
        return material
    if material in MATERIALS:
        return MATERIALS[material]
    if material in ATOMIC_MASS:
        return MaterialData(float("nan"), ((material, 1.0),))
    raise ValueError(
        f"unknown material {material!r}; known: {', '.join(sorted(MATERIALS))} and element symbols"
    )


def mixture(
    fractions: Mapping[str | MaterialData, float], *, density_g_cm3: float | None = None
) -> MaterialData:
    """Return a mixture of materials, for :func:`screening.physics.attenuation`.

    Parameters
    ----------
    fractions : mapping of (str or MaterialData) to float
        Mass of each part, in any unit; divided by their sum.
    density_g_cm3 : float, optional
        Density of the mixture, g/cm3; without it the parts' volumes add up.

    Returns
    -------
    MaterialData
        The mixture, elements in the order they first occur.

    Raises
    ------
    ValueError
        If a part is unknown, a fraction is negative or not finite, all are zero, the density is not
        positive, or it is left out and a part has none (element symbols).
    """
    for name, value in fractions.items():
        if not (np.isfinite(value) and value >= 0.0):
            raise ValueError(f"mass fraction of {name!r} is {value:g}; allowed: finite, 0 or more")
    total = float(sum(fractions.values()))
    if total <= 0.0:
        raise ValueError(f"mass fractions sum to {total:g}; allowed: above 0")
    elements: dict[str, float] = {}
    volume = 0.0
    for name, value in fractions.items():
        part = material_data(name)
        volume += value / total / part.density_g_cm3
        for symbol, fraction in part.composition:
            elements[symbol] = elements.get(symbol, 0.0) + value / total * fraction
    density = 1.0 / volume if density_g_cm3 is None else float(density_g_cm3)
    if not (np.isfinite(density) and density > 0.0):
        raise ValueError(f"density of the mixture is {density:g} g/cm3; allowed: finite and above 0")
    whole = sum(elements.values())
    return MaterialData(density, tuple((symbol, value / whole) for symbol, value in elements.items()))

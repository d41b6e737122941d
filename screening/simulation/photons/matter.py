"""Tables of what photons and electrons meet in a material, for the transport kernel.

Cross sections are XCOM's, by element. The scales of the scattering function and of the form factor are
set per material so that XCOM's own incoherent and coherent cross sections come out: no table of either is
needed.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from screening.kernels.photons import (
    N_COLUMN,
    N_LINE,
    N_SLOT,
    PhotonMaterials,
    node_energies_kev,
)
from screening.physics import MATERIALS, MaterialData, attenuation
from screening.physics.decay import AVOGADRO
from screening.physics.detector import ELECTRON_REST_KEV
from screening.physics.materials import ATOMIC_MASS, SYMBOLS

from .fluorescence import K_LINES

__all__ = ["HOUSINGS", "body_material", "electron_range_g_cm2", "photon_materials", "radiative_yield"]

#: Materials of housings, beside those of :data:`screening.physics.MATERIALS`: packed powder and sheet.
HOUSINGS: dict[str, MaterialData] = {
    "magnesia-powder": MaterialData(2.0, (("Mg", 0.6030), ("O", 0.3970))),
    "ptfe-sheet": MaterialData(2.2, (("C", 0.2402), ("F", 0.7598))),
    "abs-plastic": MaterialData(1.05, (("H", 0.0811), ("C", 0.8526), ("N", 0.0663))),
    "silica-glass": MaterialData(2.2, (("Si", 0.4674), ("O", 0.5326))),
}

_HC_KEV_ANGSTROM = 12.398420
_RADIUS_CM = 2.8179403262e-13
#: Lowest energy of a radiated photon, and least energy of an electron that may leak or radiate, as in
#: photons.h.
_BREMS_LOW_KEV, _ELECTRON_KEV = 30.0, 100.0
#: Where the scales of scattering function and form factor are taken.
_BOUND_KEV = np.array([30.0, 45.0, 60.0, 80.0, 100.0, 150.0])
_COHERENT_KEV = 150.0


def body_material(name: str) -> MaterialData:
    """Return density and composition of a material.

    Parameters
    ----------
    name : str
        Name in ``HOUSINGS`` or :data:`screening.physics.MATERIALS`.

    Returns
    -------
    MaterialData
        Density and mass fractions.

    Raises
    ------
    ValueError
        If the material is unknown.
    """
    found = HOUSINGS.get(name) or MATERIALS.get(name)
    if found is None:
        raise ValueError(f"unknown material {name!r}; known: {', '.join(sorted({*HOUSINGS, *MATERIALS}))}")
    return found


def klein_nishina_cm2(energy_kev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cross section of a free electron (Klein and Nishina 1929).

    Parameters
    ----------
    energy_kev : ndarray of shape (...), float64
        Photon energy, keV.

    Returns
    -------
    ndarray of shape (...), float64
        Cross section, cm2.
    """
    a = energy_kev / ELECTRON_REST_KEV
    log = np.log1p(2 * a)
    return (
        2 * np.pi * _RADIUS_CM**2
        * ((1 + a) / a**2 * (2 * (1 + a) / (1 + 2 * a) - log / a) + log / (2 * a)
           - (1 + 3 * a) / (1 + 2 * a) ** 2)
    )  # fmt: skip


def _electrons_per_g(symbol: str) -> float:
    """Moles of electrons in a gram, Z / A."""
    return SYMBOLS.index(symbol) / ATOMIC_MASS[symbol]


def _means(data: MaterialData) -> tuple[float, float, float]:
    """Mean Z (by mass), moles of electrons in a gram, and mean Z of an electron."""
    z = np.array([SYMBOLS.index(symbol) for symbol, _ in data.composition], dtype=np.float64)
    share = np.array([fraction for _, fraction in data.composition])
    electrons = np.array([_electrons_per_g(symbol) for symbol, _ in data.composition])
    total = float(share @ electrons)
    return float(share @ z), total, float(share @ (electrons * z)) / total


def electron_range_g_cm2(data: MaterialData, energy_kev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the extrapolated range of electrons.

    Tabata, Ito and Okabe, Nuclear Instruments and Methods 103 (1972) 85: the straight path that scattering
    leaves, shorter than the path along the track in heavy materials. For compounds their mean Z and A.

    Parameters
    ----------
    data : MaterialData
        The material.
    energy_kev : ndarray of shape (...), float64
        Kinetic energy, keV.

    Returns
    -------
    ndarray of shape (...), float64
        Range, g/cm2.
    """
    z, electrons, _ = _means(data)
    t = energy_kev / ELECTRON_REST_KEV
    a1 = 0.2335 * (z / electrons) / z**1.209
    a2 = 1.78e-4 * z
    a3 = 0.9891 - 3.01e-4 * z
    a4 = 1.468 - 1.180e-2 * z
    a5 = 1.232 / z**0.109
    return np.asarray(a1 * (np.log1p(a2 * t) / a2 - a3 * t / (1 + a4 * t**a5)))


def radiative_yield(data: MaterialData, energy_kev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of an electron's energy that it radiates on its way to rest.

    6e-4 Z T / (1 + 6e-4 Z T), T in MeV (Turner, Atoms, Radiation, and Radiation Protection, after Koch and
    Motz 1959), with the mean Z of an electron of the material.

    Parameters
    ----------
    data : MaterialData
        The material.
    energy_kev : ndarray of shape (...), float64
        Kinetic energy, keV.

    Returns
    -------
    ndarray of shape (...), float64
        Share, 0 to 1.
    """
    x = 6e-4 * _means(data)[2] * energy_kev / 1e3
    return x / (1 + x)


def _binding(data: MaterialData) -> float:
    """Scale of x / (x + x0) that gives XCOM's incoherent cross section between 30 and 150 keV."""
    wanted = np.zeros(_BOUND_KEV.size)
    for symbol, fraction in data.composition:
        wanted += fraction * attenuation(symbol, _BOUND_KEV, process="incoherent")
    wanted /= _means(data)[1] * AVOGADRO * klein_nishina_cm2(_BOUND_KEV)
    cosine = np.linspace(-1, 1, 401)
    scales = np.geomspace(1e-3, 3.0, 400)
    found = np.empty((scales.size, _BOUND_KEV.size))
    for k, energy in enumerate(_BOUND_KEV):
        p = 1 / (1 + energy / ELECTRON_REST_KEV * (1 - cosine))
        shape = p**2 * (p + 1 / p - 1 + cosine**2)
        x = energy / _HC_KEV_ANGSTROM * np.sqrt((1 - cosine) / 2)
        found[:, k] = (x / (x + scales[:, None])) @ shape / shape.sum()
    return float(scales[np.argmin(((found - wanted) ** 2).sum(axis=1))])


def _form(data: MaterialData) -> float:
    """Scale b^2 that gives XCOM's coherent cross section at 150 keV, where it falls as 1/E^2."""
    coherent = squares = 0.0
    for symbol, fraction in data.composition:
        z = SYMBOLS.index(symbol)
        coherent += fraction * float(attenuation(symbol, _COHERENT_KEV, process="coherent"))
        squares += fraction * AVOGADRO * z * _electrons_per_g(symbol)
    return coherent * _COHERENT_KEV**2 / (4 * np.pi * (_RADIUS_CM * _HC_KEV_ANGSTROM) ** 2 * squares)


@cache
def _element(symbol: str) -> NDArray[np.float64]:
    """Mass coefficients at the nodes: photoelectric, incoherent, coherent, pair; shape (4, n_node)."""
    energy = np.minimum(node_energies_kev(), 20000.0)
    kinds = ("photoelectric", "incoherent", "coherent", "pair_nuclear", "pair_electron")
    found = [attenuation(symbol, energy, process=kind) for kind in kinds]
    pair = np.where(energy > 2 * ELECTRON_REST_KEV, found[3] + found[4], 0.0)
    return np.array([*found[:3], pair])


def _table(data: MaterialData) -> tuple[NDArray[np.float32], list[str]]:
    energy = node_energies_kev()
    parts = sum(fraction * _element(symbol) for symbol, fraction in data.composition)
    parts = np.asarray(parts)
    total = parts.sum(axis=0)
    table = np.zeros((energy.size, N_COLUMN))
    table[:, 0] = total * data.density_g_cm3
    table[:, 1:4] = (np.cumsum(parts[:3], axis=0) / total).T
    with_lines = sorted(
        (symbol for symbol, _ in data.composition if symbol in K_LINES), key=SYMBOLS.index, reverse=True
    )[:N_SLOT]
    fractions = dict(data.composition)
    for slot, symbol in enumerate(with_lines):
        lines = K_LINES[symbol]
        around = lines.edge_kev * np.array([0.998, 1.002])
        below, above = attenuation(symbol, around, process="photoelectric")
        k_share = 1 - below / above * (around[0] / around[1]) ** 3
        of_element = fractions[symbol] * _element(symbol)[0] / parts[0]
        table[:, 4 + slot] = np.where(
            energy >= lines.edge_kev, of_element * k_share * lines.fluorescence, 0.0
        )
    table[:, 4 : 4 + N_SLOT] = np.cumsum(table[:, 4 : 4 + N_SLOT], axis=1)
    table[:, 7] = electron_range_g_cm2(data, energy) / data.density_g_cm3
    fast = np.maximum(energy, _ELECTRON_KEV)
    mean = 2 * radiative_yield(data, fast) * (np.log(fast / _BREMS_LOW_KEV) - 1 + _BREMS_LOW_KEV / fast)
    table[:, 8] = np.exp(-mean)
    return table.astype(np.float32), with_lines


def photon_materials(names: tuple[str, ...]) -> PhotonMaterials:
    """Return the tables of some materials.

    Parameters
    ----------
    names : tuple of str, length n_material
        Names in ``HOUSINGS`` or :data:`screening.physics.MATERIALS`.

    Returns
    -------
    PhotonMaterials
        Tables in that order.

    Raises
    ------
    ValueError
        If a material is unknown.
    """
    datas = [body_material(name) for name in names]
    line_kev = np.zeros((len(names), N_SLOT, N_LINE))
    line_cum = np.ones((len(names), N_SLOT, N_LINE))
    tables = []
    for k, data in enumerate(datas):
        table, with_lines = _table(data)
        tables.append(table)
        for slot, symbol in enumerate(with_lines):
            line_kev[k, slot] = K_LINES[symbol].line_kev
            line_cum[k, slot] = np.cumsum(K_LINES[symbol].share)
    # Six digits: what a mathematical library rounds differently must not reach the histories.
    binding = np.array([float(f"{_binding(data):.6g}") for data in datas])
    form = np.array([float(f"{_form(data):.6g}") for data in datas])
    return PhotonMaterials(np.array(tables), binding, form, line_kev, line_cum)

"""Generate ``tables/neutron_response.npz`` of :mod:`screening.physics.neutrons` by a small Monte Carlo.

Run time never loads this module. Neutrons are followed one by one through a source's shield (a sphere) and
through a panel of helium-3 tubes in a polyethylene box, by Woodcock tracking. Cross sections are simple:
hydrogen by effective-range theory (Blatt and Jackson, Phys. Rev. 76 (1949) 18; scattering lengths and
ranges of Dilg, Phys. Rev. C 11 (1975) 103), the others as a few points read off the evaluated curves
(ENDF/B-VIII.0). Below 0.5 eV a neutron is thermal, with the transport cross section that gives
polyethylene its diffusion length of 2.1 cm. The absolute scale is not taken from here but from the
published efficiency of such panels.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["SHIELDS", "SPECTRA", "leakage", "panel_response", "write_neutron_tables"]

_FloatArray = NDArray[np.float64]

#: Edges of neutron energy, MeV; the first group is thermal.
EDGES_MEV = np.concatenate([[1e-9, 5e-7], np.geomspace(1e-5, 16.0, 32)])

#: Shields and their thicknesses, cm.
SHIELDS = {
    "polyethylene": (0.0, 1.0, 2.5, 5.0, 7.5, 10.0, 15.0, 20.0),
    "borated-polyethylene": (0.0, 1.0, 2.5, 5.0, 7.5, 10.0, 15.0, 20.0),
    "lead": (0.0, 1.0, 2.5, 5.0, 7.5, 10.0),
    "steel": (0.0, 1.0, 2.5, 5.0, 10.0, 15.0, 20.0),
}

#: The shield of the reference source: lead, then polyethylene (material, cm).
REFERENCE_SHIELD = (("lead", 0.5), ("polyethylene", 2.5))

_THERMAL_MEV = 5e-7


def _watt(a: float, b: float) -> Callable[[np.random.Generator, int], _FloatArray]:
    def draw(rng: np.random.Generator, n: int) -> _FloatArray:
        # a Maxwellian in the frame of the fragment, moved with it (Everett and Cashwell, LA-9721-MS)
        w = a * (-np.log(rng.random(n)) - np.log(rng.random(n)) * np.cos(0.5 * np.pi * rng.random(n)) ** 2)
        return np.asarray(w + a * a * b / 4.0 + (2.0 * rng.random(n) - 1.0) * np.sqrt(a * a * b * w))

    return draw


def _maxwell(temperature_mev: float) -> Callable[[np.random.Generator, int], _FloatArray]:
    def draw(rng: np.random.Generator, n: int) -> _FloatArray:
        return np.asarray(rng.gamma(1.5, temperature_mev, n))

    return draw


def _americium_beryllium(rng: np.random.Generator, n: int) -> _FloatArray:
    """Four broad groups with the mean of ISO 8529-1, 4.16 MeV."""
    group = rng.choice(4, n, p=[0.15, 0.38, 0.30, 0.17])
    mean, spread = np.array([1.0, 3.1, 5.0, 7.9])[group], np.array([0.4, 0.6, 0.7, 0.8])[group]
    return np.asarray(np.clip(rng.normal(mean, spread), 0.05, 11.0))


#: Spectra of sources. Cf-252: Maxwellian of 1.42 MeV (ISO 8529-1). Plutonium: Watt spectrum of Pu-240
#: (a = 0.795 MeV, b = 4.69 / MeV; Verbeke et al., UCRL-AR-228518).
SPECTRA: dict[str, Callable[[np.random.Generator, int], _FloatArray]] = {
    "Cf-252": _maxwell(1.42),
    "Pu": _watt(0.795, 4.689),
    "Am-Be": _americium_beryllium,
}


def _points(*pairs: tuple[float, float]) -> Callable[[_FloatArray], _FloatArray]:
    log_e = np.log([pair[0] for pair in pairs])
    value = np.array([pair[1] for pair in pairs])
    return lambda energy: np.asarray(np.interp(np.log(energy), log_e, value))


def _hydrogen(energy: _FloatArray) -> _FloatArray:
    """Free-proton scattering, b, energy in MeV."""
    k2 = 0.0120566 * energy  # wave number squared in the centre of mass, 1/fm2
    found = np.zeros(energy.shape)
    for weight, length, reach in ((3.0, 5.424, 1.759), (1.0, -23.748, 2.75)):
        # the effective-range expansion holds with the sign convention k cot(delta) = -1/a + r k^2 / 2
        found += weight * np.pi / (k2 + (-1.0 / length + 0.5 * reach * k2) ** 2)
    return np.where(energy <= _THERMAL_MEV, 35.0, 0.01 * found)


class Nucleus(NamedTuple):
    """A nucleus.

    Attributes
    ----------
    mass : float
        In neutron masses.
    scatter, inelastic : callable
        Cross sections, b, of the energy in MeV.
    capture_thermal_b : float
        At 0.0253 eV, falling as 1/v.
    level_mev : float
        Lowest excitation.
    """

    mass: float
    scatter: Callable[[_FloatArray], _FloatArray]
    inelastic: Callable[[_FloatArray], _FloatArray]
    capture_thermal_b: float
    level_mev: float


def _none(energy: _FloatArray) -> _FloatArray:
    return np.zeros(energy.shape)


_NUCLEI = {
    "H": Nucleus(1.0, _hydrogen, _none, 0.332, 0.0),
    "C": Nucleus(
        11.9,
        _points((1e-8, 4.8), (0.01, 4.7), (0.1, 4.4), (0.5, 3.4), (1.0, 2.6), (2.0, 1.7), (3.0, 1.5),
                (5.0, 1.1), (8.0, 0.9), (15.0, 0.8)),
        _points((1e-8, 0.0), (4.8, 0.0), (6.0, 0.2), (8.0, 0.35), (15.0, 0.4)),
        0.0035,
        4.44,
    ),
    "B": Nucleus(10.7, _points((1e-8, 4.3), (0.5, 3.5), (2.0, 2.0), (15.0, 1.0)), _none, 767.0, 0.0),
    "Fe": Nucleus(
        55.4,
        _points((1e-8, 11.3), (1e-3, 8.0), (0.1, 4.0), (0.5, 2.8), (1.0, 2.3), (3.0, 1.4),
                (8.0, 1.0), (15.0, 0.8)),
        _points((1e-8, 0.0), (0.86, 0.0), (1.0, 0.4), (2.0, 0.8), (3.0, 1.2), (5.0, 1.4), (15.0, 1.4)),
        2.56,
        0.847,
    ),
    "Pb": Nucleus(
        205.4,
        _points((1e-8, 11.3), (0.1, 10.0), (0.5, 6.5), (1.0, 4.5), (3.0, 3.0), (8.0, 1.8), (15.0, 1.5)),
        _points((1e-8, 0.0), (0.6, 0.0), (1.0, 0.3), (2.0, 0.7), (3.0, 1.6), (5.0, 2.2), (15.0, 2.4)),
        0.17,
        0.57,
    ),
    "He-3": Nucleus(2.99, _points((1e-8, 3.2), (15.0, 2.0)), _none, 5330.0, 0.0),
}  # fmt: skip

#: Atoms per barn and centimetre. The tubes: 3 atm of helium-3, filling a quarter of their layer.
_MATERIALS: dict[str, dict[str, float]] = {
    "polyethylene": {"H": 0.0807, "C": 0.0404},
    "borated-polyethylene": {"H": 0.0815, "C": 0.0408, "B": 0.00279},
    "lead": {"Pb": 0.0330},
    "steel": {"Fe": 0.0847},
    "tubes": {"He-3": 0.25 * 3.0 * 2.5e-5},
}


def _transport(
    rng: np.random.Generator,
    energy: _FloatArray,
    position: _FloatArray,
    direction: _FloatArray,
    materials: tuple[str, ...],
    where: Callable[[_FloatArray], NDArray[np.int64]],
) -> tuple[_FloatArray, NDArray[np.bool_]]:
    """Follow neutrons to the end: energies with which they leave (0 if captured), and captures in helium.

    `where` gives the index into `materials` of each position, -1 for gas that is passed freely, -2 outside.
    """
    energy, position, direction = energy.copy(), position.copy(), direction.copy()
    nuclei = sorted({name for material in materials for name in _MATERIALS[material]})
    density = np.array([[_MATERIALS[material].get(name, 0.0) for name in nuclei] for material in materials])
    alive = np.arange(energy.size)
    left = np.zeros(energy.size)
    is_counted = np.zeros(energy.size, dtype=bool)
    while alive.size:
        e = np.maximum(energy[alive], 2.53e-8)
        slow = np.sqrt(2.53e-8 / e)
        parts = np.stack(
            [
                np.stack([n.scatter(e), n.inelastic(e), n.capture_thermal_b * slow])
                for n in (_NUCLEI[name] for name in nuclei)
            ]
        )  # (nucleus, process, neutron), b
        total = np.einsum("mn,npk->mk", density, parts)
        largest = total.max(axis=0)
        position[alive] += direction[alive] * (-np.log(rng.random(alive.size)) / largest)[:, None]
        place = where(position[alive])
        outside = place == -2
        left[alive[outside]] = energy[alive[outside]]
        real = np.zeros(alive.size, dtype=bool)
        inside = place >= 0
        columns = np.flatnonzero(inside)
        real[columns] = rng.random(columns.size) * largest[columns] < total[place[columns], columns]
        hit = np.flatnonzero(real)
        rate = density[place[hit]].T[:, None, :] * parts[:, :, hit]
        flat = rate.reshape(3 * len(nuclei), hit.size)
        chosen = (rng.random(hit.size) * flat.sum(axis=0) > np.cumsum(flat, axis=0)).sum(axis=0)
        nucleus, process = np.divmod(chosen, 3)
        captured = process == 2
        is_counted[alive[hit[captured]]] = np.array(nuclei)[nucleus[captured]] == "He-3"
        for k, name in enumerate(nuclei):
            mine = hit[(nucleus == k) & ~captured]
            hard = process[(nucleus == k) & ~captured] == 1
            _scatter(rng, energy, direction, alive[mine], hard, _NUCLEI[name])
        gone = outside.copy()
        gone[hit[captured]] = True
        alive = alive[~gone]
    return left, is_counted


def _scatter(
    rng: np.random.Generator,
    energy: _FloatArray,
    direction: _FloatArray,
    which: NDArray[np.int64],
    is_inelastic: NDArray[np.bool_],
    nucleus: Nucleus,
) -> None:
    n = which.size
    cosine_cm = 2.0 * rng.random(n) - 1.0
    a, e = nucleus.mass, energy[which]
    after = e * (1.0 + a * a + 2.0 * a * cosine_cm) / (1.0 + a) ** 2
    cosine = (1.0 + a * cosine_cm) / np.sqrt(np.maximum(1.0 + a * a + 2.0 * a * cosine_cm, 1e-12))
    # an excited nucleus boils the neutron off with what is left, in any direction
    after = np.where(is_inelastic, np.maximum(e - nucleus.level_mev, 1e-3) * rng.random(n), after)
    cosine = np.where(is_inelastic, cosine_cm, cosine)
    is_thermal = e <= _THERMAL_MEV
    after = np.where(is_thermal, 2.53e-8, np.where(after <= _THERMAL_MEV, 2.53e-8, after))
    cosine = np.where(is_thermal, cosine_cm, cosine)
    energy[which] = after
    u, v, w = direction[which].T
    azimuth = 2.0 * np.pi * rng.random(n)
    sine = np.sqrt(np.maximum(1.0 - cosine**2, 0.0))
    flat = np.sqrt(np.maximum(1.0 - w**2, 1e-12))
    direction[which, 0] = u * cosine + sine * (u * w * np.cos(azimuth) - v * np.sin(azimuth)) / flat
    direction[which, 1] = v * cosine + sine * (v * w * np.cos(azimuth) + u * np.sin(azimuth)) / flat
    direction[which, 2] = w * cosine - sine * flat * np.cos(azimuth)
    direction[which] /= np.linalg.norm(direction[which], axis=1, keepdims=True)


def panel_response(rng: np.random.Generator, n: int) -> _FloatArray:
    """Return counts per neutron that meets the panel's face, by energy group.

    A box 30 cm wide and 200 cm high: 3.8 cm of polyethylene, 5 cm with the tubes, 10 cm of polyethylene.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    n : int
        Neutrons in each group.

    Returns
    -------
    ndarray of shape (n_group,), float64
        Response, not anchored.
    """

    def _where(position: _FloatArray) -> NDArray[np.int64]:
        x, y, z = position.T
        outside = (np.abs(x) > 15.0) | (np.abs(y) > 100.0) | (z < 0.0) | (z > 18.8)
        return np.where(outside, -2, np.where((z > 3.8) & (z < 8.8), 1, 0))

    found = np.zeros(EDGES_MEV.size - 1)
    for group, (low, high) in enumerate(pairwise(EDGES_MEV.tolist())):
        energy = low * (high / low) ** rng.random(n)
        position = np.zeros((n, 3))
        position[:, 0] = 30.0 * rng.random(n) - 15.0
        position[:, 1] = 200.0 * rng.random(n) - 100.0
        direction = np.tile([0.0, 0.0, 1.0], (n, 1))
        _, counted = _transport(rng, energy, position, direction, ("polyethylene", "tubes"), _where)
        found[group] = counted.mean()
    return found


def leakage(
    rng: np.random.Generator, n: int, spectrum: str, layers: tuple[tuple[str, float], ...]
) -> _FloatArray:
    """Return the spectrum that leaves a shield around a source.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    n : int
        Neutrons.
    spectrum : str
        Key of :data:`SPECTRA`.
    layers : tuple of (str, float)
        Shells from the inside out: material and thickness in cm, around a hollow of 2 cm radius.

    Returns
    -------
    ndarray of shape (n_group,), float64
        Neutrons that leave per neutron emitted, by energy group.
    """
    energy = np.clip(SPECTRA[spectrum](rng, n), 1e-5, 15.9)
    shells = tuple(layer for layer in layers if layer[1] > 0.0)
    if shells:
        radii = 2.0 + np.cumsum([thickness for _, thickness in shells])
        bounds = np.concatenate([[2.0], radii])

        def _where(position: _FloatArray) -> NDArray[np.int64]:
            index = np.searchsorted(bounds, np.linalg.norm(position, axis=1)) - 1
            return np.where(index >= len(shells), -2, index)

        direction = rng.normal(size=(n, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        names = tuple(material for material, _ in shells)
        energy, _ = _transport(rng, energy, np.zeros((n, 3)), direction, names, _where)
    return np.histogram(energy, EDGES_MEV)[0] / n


def write_neutron_tables(out_dir: Path, *, n: int = 20_000, seed: int = 20240601) -> Path:
    """Write the table of panel responses.

    Parameters
    ----------
    out_dir : Path
        Folder of the tables.
    n : int, default 20000
        Neutrons for each case.
    seed : int
        Seed.

    Returns
    -------
    Path
        The file written.
    """
    rng = np.random.default_rng(seed)
    response = panel_response(rng, n)
    arrays: dict[str, NDArray[np.float64]] = {"edges_mev": EDGES_MEV, "response": response}
    arrays["reference"] = np.array(leakage(rng, 4 * n, "Cf-252", REFERENCE_SHIELD) @ response)
    for spectrum in SPECTRA:
        for shield, thicknesses in SHIELDS.items():
            leaving = [leakage(rng, 2 * n, spectrum, ((shield, thickness),)) for thickness in thicknesses]
            arrays[f"{spectrum} {shield} cm"] = np.array(thicknesses)
            arrays[f"{spectrum} {shield} count"] = np.array([row @ response for row in leaving])
            arrays[f"{spectrum} {shield} leak"] = np.array([row.sum() for row in leaving])
    path = out_dir / "neutron_response.npz"
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return path

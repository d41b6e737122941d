"""Decay chains, ages and mixtures; the lines and cascades of single nuclides.

The table ``tables/decay.npz`` (made by :mod:`screening.training.decay_tables`, which names its sources)
holds half-lives, decay branches and masses of the 1,252 radioactive nuclides of ICRP Publication 107, with
their photon lines and beta branches. A chain is solved as the exponential of
its rate matrix, by scaling and squaring. Every number in it is a share between 0 and 1 and nothing is
subtracted, so the result keeps its digits for milliseconds beside 10^9 years and for the smallest traces,
where the sums of Bateman's formula cancel.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["AVOGADRO", "Cascade", "activities", "beta_branches", "cascades", "half_life_s", "lines_of"]

#: Avogadro's number, 1/mol (SI, exact).
AVOGADRO = 6.02214076e23

#: Largest age, s: 10^11 years.
MAX_AGE_S = 3.156e18

_FloatArray = NDArray[np.float64]


class Cascade(NamedTuple):
    """Photons that leave one decay together.

    Attributes
    ----------
    probability : float
        Share of decays.
    energy_kev : tuple of float
        Photon energies, descending, at least two.
    """

    probability: float
    energy_kev: tuple[float, ...]


class _Table(NamedTuple):
    """The table, indices resolved: daughters and lines by nuclide."""

    position: dict[str, int]
    name: list[str]
    half_life_s: _FloatArray
    atomic_mass: _FloatArray
    daughters: list[list[tuple[int, float]]]
    line_kev: list[_FloatArray]
    line_intensity: list[_FloatArray]
    beta_kev: list[_FloatArray]
    beta_intensity: list[_FloatArray]


def activities(amounts: Mapping[str, float], *, unit: str = "Bq", age_s: float = 0.0) -> dict[str, float]:
    """Return what a mixture of nuclides and their daughters decays at after some time.

    Parameters
    ----------
    amounts : mapping of str to float
        Nuclides ("U-235", "Pa-234m") with their amounts at the start.
    unit : {"Bq", "g"}
        Unit of the amounts.
    age_s : float, default 0
        Time since then, 0 to 3.156e18 s.

    Returns
    -------
    dict of str to float
        Activity of each nuclide that is there, Bq, parents before daughters.

    Raises
    ------
    ValueError
        If a nuclide or the unit is unknown, an amount is negative or not finite, or the age is outside
        its range.
    """
    if unit not in ("Bq", "g"):
        raise ValueError(f"unit must be 'Bq' or 'g', got {unit!r}")
    if not 0.0 <= age_s <= MAX_AGE_S:
        raise ValueError(f"age {age_s:g} s is outside the range 0 to {MAX_AGE_S:g} s")
    table = _table()
    atoms: dict[int, float] = {}
    for name, amount in amounts.items():
        position = _index(name)
        if not (np.isfinite(amount) and amount >= 0.0):
            raise ValueError(f"amount of {name} is {amount:g} {unit}; allowed: finite, 0 or more")
        scale = (
            table.half_life_s[position] / np.log(2.0)
            if unit == "Bq"
            else AVOGADRO / table.atomic_mass[position]
        )
        atoms[position] = float(amount * scale)
    members = _members(atoms)
    rate = np.log(2.0) / table.half_life_s[members]
    start = np.array([atoms.get(k, 0.0) for k in members])
    end = start @ _propagator(members, rate, float(age_s))
    found = end * rate
    return {table.name[k]: float(a) for k, a in zip(members, found, strict=True) if a > 0.0}


def lines_of(
    activity: Mapping[str, float], *, min_photons_per_s: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the photon lines of some activities.

    Parameters
    ----------
    activity : mapping of str to float
        Bq by nuclide, as :func:`activities` returns.
    min_photons_per_s : float, default 0
        Weakest line wanted.

    Returns
    -------
    energy_kev : ndarray of shape (n_line,), float64
        Gamma and x-ray lines, ascending, 1 keV and above; each nuclide's own, not merged.
    photons_per_s : ndarray of shape (n_line,), float64
        Photons per second; lines below 1e-8 photons per decay of their nuclide are not in the table.

    Raises
    ------
    ValueError
        If a nuclide is unknown, or an activity is negative or not finite.
    """
    table = _table()
    energies, rates = [np.zeros(0)], [np.zeros(0)]
    for name, becquerel in activity.items():
        if not (np.isfinite(becquerel) and becquerel >= 0.0):
            raise ValueError(f"activity of {name} is {becquerel:g} Bq; allowed: finite, 0 or more")
        position = _index(name)
        energies.append(table.line_kev[position])
        rates.append(table.line_intensity[position] * becquerel)
    energy, rate = np.concatenate(energies), np.concatenate(rates)
    keep = (rate > 0.0) & (rate >= min_photons_per_s)
    energy, rate = energy[keep], rate[keep]
    order = np.argsort(energy, kind="stable")
    return energy[order], rate[order]


def half_life_s(name: str) -> float:
    """Return the half-life of one nuclide.

    Parameters
    ----------
    name : str
        Nuclide, "Pa-234m".

    Returns
    -------
    float
        Half-life, s.

    Raises
    ------
    ValueError
        If the nuclide is unknown or stable.
    """
    return float(_table().half_life_s[_index(name)])


def beta_branches(name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the beta-minus branches of one nuclide.

    Parameters
    ----------
    name : str
        Nuclide, "Y-90".

    Returns
    -------
    endpoint_kev : ndarray of shape (n_branch,), float64
        Largest electron energies, ascending.
    intensity : ndarray of shape (n_branch,), float64
        Electrons per decay. Both are shared between calls and read-only.

    Raises
    ------
    ValueError
        If the nuclide is unknown or stable.
    """
    table, position = _table(), _index(name)
    return table.beta_kev[position], table.beta_intensity[position]


def cascades(name: str) -> tuple[Cascade, ...]:
    """Return the photons that one decay of a nuclide emits together.

    For true-coincidence summing: photons of a cascade meet a detector at once. K x-rays of capture and
    conversion are taken at their mean energy, positrons as two photons of 511 keV; cascades below 2e-4
    of decays, and angular correlation, are left out. Nuclides alone, without daughters.

    Parameters
    ----------
    name : str
        Nuclide, "Co-60".

    Returns
    -------
    tuple of Cascade
        Strongest first; empty for a nuclide without cascades in the table.

    Raises
    ------
    ValueError
        If the nuclide is unknown or stable.
    """
    _index(name)
    return _cascades().get(name, ())


def _index(name: str) -> int:
    try:
        return _table().position[name]
    except KeyError:
        raise ValueError(
            f"unknown or stable nuclide {name!r}; known: the {len(_table().position)} radioactive nuclides "
            "of ICRP 107, written 'Cs-137', 'Pa-234m'"
        ) from None


def _members(parents: Mapping[int, float]) -> list[int]:
    """Return the parents and all that follows them, every parent before its daughters."""
    daughters = _table().daughters
    order: list[int] = []
    done: set[int] = set()
    for parent in parents:
        path: list[tuple[int, int]] = [(parent, 0)]
        while path:
            node, step = path.pop()
            if step == 0 and node in done:
                continue
            done.add(node)
            children = daughters[node]
            while step < len(children) and children[step][0] in done:
                step += 1
            if step < len(children):
                path += [(node, step + 1), (children[step][0], 0)]
            else:
                order.append(node)
    return order[::-1]


def _propagator(members: list[int], rate: _FloatArray, age_s: float) -> _FloatArray:
    """Return the matrix that takes atoms at the start (rows) to atoms at the end (columns).

    exp(A t) of the triangular rate matrix A: for a step h so small that the fastest rate times h is at
    most 1/2, exp(A h) = exp(-q h) exp((A + q) h) with q the fastest rate, a series of non-negative terms;
    then squared until the step is the age. The diagonal is set to exp(-rate h) at each step, so that slow
    rates do not drown in rounding.
    """
    n = len(members)
    if age_s == 0.0 or n == 0:
        return np.eye(n)
    place = {node: k for k, node in enumerate(members)}
    matrix = np.zeros((n, n))
    for node, k in place.items():
        for child, share in _table().daughters[node]:
            matrix[k, place[child]] += share * rate[k]
    fastest = float(rate.max())
    n_squaring = max(0, int(np.ceil(np.log2(2.0 * fastest * age_s))))
    step = age_s / 2.0**n_squaring
    np.fill_diagonal(matrix, fastest - rate)
    matrix *= step
    term, total = np.eye(n), np.eye(n)
    # Past n terms a chain of n members is complete; the rest falls off as 0.5^k / k!.
    for k in range(1, n + 20):
        term = term @ matrix / k
        total += term
    total *= np.exp(-fastest * step)
    for squaring in range(n_squaring + 1):
        if squaring:
            total = total @ total
        np.fill_diagonal(total, np.exp(-rate * (step * 2.0**squaring)))
    return total


def _split(values: NDArray[np.floating[Any]], owner: NDArray[np.int16], n: int) -> list[_FloatArray]:
    parts = np.split(values.astype(np.float64), np.searchsorted(owner, np.arange(1, n)))
    for part in parts:
        part.flags.writeable = False
    return parts


@cache
def _table() -> _Table:
    with (files("screening.physics") / "tables" / "decay.npz").open("rb") as stream, np.load(stream) as table:
        name = [word.decode() for word in table["name"].tolist()]
        n = len(name)
        daughters: list[list[tuple[int, float]]] = [[] for _ in range(n)]
        for parent, daughter, share in zip(
            table["parent"].tolist(), table["daughter"].tolist(), table["branching"].tolist(), strict=True
        ):
            daughters[parent].append((daughter, share))
        return _Table(
            {word: k for k, word in enumerate(name)},
            name,
            table["half_life_s"],
            table["atomic_mass"],
            daughters,
            # the table's 661.657 keV must come back from float32 as that
            _split(np.round(table["line_kev"].astype(np.float64), 4), table["line_of"], n),
            _split(table["line_intensity"], table["line_of"], n),
            _split(np.round(table["beta_kev"].astype(np.float64), 3), table["beta_of"], n),
            _split(table["beta_intensity"], table["beta_of"], n),
        )


@cache
def _cascades() -> dict[str, tuple[Cascade, ...]]:
    found: dict[str, list[Cascade]] = {}
    with (files("screening.physics") / "tables" / "cascades.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            energies = tuple(float(word) for word in row["energies_kev"].split())
            found.setdefault(row["name"], []).append(Cascade(float(row["probability"]), energies))
    return {name: tuple(rows) for name, rows in found.items()}

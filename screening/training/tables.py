"""Generate the tables of :mod:`screening.physics`: attenuation and nuclide lines.

Run time never loads this module: the tables are files of the package. Sources: NIST XCOM (Standard
Reference Database 8) for attenuation; the decay data of `actigamma` (Apache-2.0, JEFF-3.1.1 and
ENDF/B decay sublibraries) for lines; `radioactivedecay` (MIT, ICRP 107) for chains and half-lives.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["GROUPS", "Group", "compact_attenuation", "nuclide_lines", "write_tables"]

#: Process columns of the attenuation table, in its order.
PROCESSES = ("coherent", "incoherent", "photoelectric", "pair_nuclear", "pair_electron")

#: Smallest line kept, relative to the strongest at or above its energy, and to the strongest of all.
MIN_RELATIVE = 0.01
MIN_OF_ALL = 1e-6
MIN_ENERGY_KEV = 12.0
MAX_LINES = 60


class Group(NamedTuple):
    """A label with the nuclides behind it.

    Attributes
    ----------
    name : str
        The label that is reported.
    categories : str
        Categories, separated by blanks.
    parents : dict of str to float
        Amounts at separation.
    unit : {"Bq", "g"}
        Unit of the amounts.
    age_y : float
        Age since separation, years: daughters grow in.
    stop : tuple of str
        Daughters left out with all that follows them.
    half_life_of : str
        The nuclide whose half-life the label has.
    note : str
        What a reader should know.
    companions : tuple of str
        Impurities and daughters whose share is not fixed: they and all that follows them come with the
        label and prove nothing. Their lines are marked with a star in the table.
    """

    name: str
    categories: str
    parents: Mapping[str, float]
    unit: str = "Bq"
    age_y: float = 0.0
    stop: tuple[str, ...] = ()
    half_life_of: str = ""
    note: str = ""
    companions: tuple[str, ...] = ()


def _single(categories: str, *names: str) -> list[Group]:
    return [Group(name, categories, {name: 1.0}, half_life_of=name) for name in names]


def _with_daughters(categories: str, age_y: float, *names: str) -> list[Group]:
    return [Group(name, categories, {name: 1.0}, "Bq", age_y, half_life_of=name) for name in names]


#: The labels this package can name. Compositions of uranium and plutonium are typical public figures
#: (mass fractions; IAEA safeguards glossary and open literature), not those of any real material.
GROUPS: tuple[Group, ...] = (
    # Natural radioactivity
    *_single("norm", "K-40", "Be-7", "La-138", "Lu-176"),
    Group(
        "Ra-226",
        "norm",
        {"Ra-226": 1.0},
        "Bq",
        20.0,
        half_life_of="Ra-226",
        note="in equilibrium with radon and its daughters; the gamma lines of the U-238 series in nature",
    ),
    Group("Th-232", "norm", {"Th-232": 1.0}, "Bq", 50.0, half_life_of="Th-232", note="with daughters"),
    Group(
        "Th-228",
        "norm",
        {"Th-228": 1.0},
        "Bq",
        0.1,
        half_life_of="Th-228",
        note="Th-232 series without Ac-228; also U-232 and its daughters",
    ),
    Group(
        "Ac-227",
        "norm",
        {"Ac-227": 1.0},
        "Bq",
        1.0,
        half_life_of="Ac-227",
        note="impurity of lanthanum halide crystals, as a source",
    ),
    # Special nuclear material
    Group(
        "HEU",
        "snm",
        {"U-235": 0.93, "U-238": 0.06, "U-234": 0.01, "U-232": 1e-10},
        "g",
        20.0,
        half_life_of="U-235",
        note="93 % U-235 with a trace of U-232",
        companions=("U-232",),
    ),
    Group(
        "LEU",
        "nuclear",
        {"U-235": 0.045, "U-238": 0.9546, "U-234": 0.0004},
        "g",
        5.0,
        half_life_of="U-235",
        note="4.5 % U-235",
    ),
    Group(
        "WGPu",
        "snm",
        {"Pu-238": 1.2e-4, "Pu-239": 0.938, "Pu-240": 0.058, "Pu-241": 3.5e-3, "Pu-242": 2e-4},
        "g",
        20.0,
        half_life_of="Pu-239",
        note="low-burn-up plutonium with Am-241 grown in",
        companions=("Am-241",),
    ),
    Group(
        "RGPu",
        "snm",
        {"Pu-238": 0.013, "Pu-239": 0.603, "Pu-240": 0.243, "Pu-241": 0.091, "Pu-242": 0.05},
        "g",
        10.0,
        half_life_of="Pu-239",
        note="high-burn-up plutonium with Am-241 grown in",
        companions=("Am-241",),
    ),
    Group(
        "U-233",
        "snm",
        {"U-233": 1.0, "U-232": 1e-6},
        "g",
        20.0,
        half_life_of="U-233",
        note="with 1 ppm of U-232",
        companions=("U-232",),
    ),
    Group(
        "Np-237",
        "snm nuclear",
        {"Np-237": 1.0},
        "Bq",
        1.0,
        ("U-233",),
        half_life_of="Np-237",
        note="with Pa-233",
    ),
    # Other nuclear material
    Group(
        "DU",
        "nuclear",
        {"U-238": 0.998, "U-235": 0.002},
        "g",
        5.0,
        half_life_of="U-238",
        note="depleted or natural uranium: Pa-234m, Th-234",
    ),
    *_single("nuclear industrial", "Pu-238"),
    Group(
        "Cf-252",
        "nuclear industrial",
        {"Cf-252": 1.0},
        half_life_of="Cf-252",
        note="a fission neutron source: the lines its neutrons make nearby",
    ),
    # Industrial sources and contaminants
    *_single(
        "industrial",
        "Am-241",
        "Ba-133",
        "Bi-207",
        "Cd-109",
        "Ce-139",
        "Co-57",
        "Co-58",
        "Co-60",
        "Cs-134",
        "Eu-152",
        "Eu-154",
        "Eu-155",
        "Fe-59",
        "Gd-153",
        "Hf-181",
        "Hg-203",
        "Ir-192",
        "Mn-54",
        "Na-22",
        "Na-24",
        "Nb-95",
        "Sb-124",
        "Sb-125",
        "Sc-46",
        "Se-75",
        "Ta-182",
        "Tm-170",
        "Y-88",
        "Yb-169",
        "Zn-65",
        "Br-82",
        "Kr-85",
    ),
    *_with_daughters("industrial", 0.5, "Cs-137", "Ag-110m", "Ce-144", "Ru-106", "Sn-113", "Zr-95"),
    *_with_daughters("industrial", 0.06, "Ba-140"),
    *_single("industrial medical", "Au-198", "Sr-85", "Cr-51", "Ho-166m"),
    # Medical
    *_single(
        "medical",
        "Ga-67",
        "I-123",
        "I-125",
        "I-131",
        "In-111",
        "Lu-177",
        "Sm-153",
        "Tc-99m",
        "Xe-133",
        "Pd-103",
        "Rb-82",
        "Ga-68",
        "Cu-67",
        "I-124",
        "Re-188",
    ),
    *_with_daughters("medical", 0.01, "Mo-99", "Ra-223"),
    Group("Zr-89", "medical", {"Zr-89": 1.0, "Y-89m": 0.999}, half_life_of="Zr-89", note="with Y-89m"),
    Group(
        "Tl-201",
        "medical",
        {"Tl-201": 1.0, "Tl-202": 0.01, "Tl-200": 0.003},
        half_life_of="Tl-201",
        note="with its impurities Tl-200 and Tl-202",
        companions=("Tl-202", "Tl-200"),
    ),
    Group(
        "annihilation",
        "medical",
        {"F-18": 1.0},
        half_life_of="F-18",
        note="511 keV alone: F-18 or another positron emitter",
    ),
)


#: Lines around a fission neutron source in steel and hydrogen: inelastic scattering on Fe-56, capture by
#: hydrogen (IAEA prompt-gamma data), whose shares depend on what is near. No decay
#: data hold them; intensities are of the order met in practice.
NEUTRON_LINES = ((846.8, 1.0, "Fe-56(n,n')"), (2223.2, 0.6, "H-1(n,gamma)*"))


def write_tables(xcom_csv: Path, out_dir: Path) -> list[Path]:
    """Write every table of :mod:`screening.physics`.

    Parameters
    ----------
    xcom_csv : Path
        NIST XCOM as CSV (columns ``z, energy_mev`` and one a process, cm2/g).
    out_dir : Path
        Folder of the tables.

    Returns
    -------
    list of Path
        The files written.
    """
    z, energy_kev, values = compact_attenuation(xcom_csv)
    attenuation = out_dir / "xcom.npz"
    np.savez_compressed(attenuation, z=z, energy_kev=energy_kev, coefficient=values)
    written = [attenuation]
    groups, lines = io.StringIO(), io.StringIO()
    group_rows = csv.writer(groups, lineterminator="\n")
    line_rows = csv.writer(lines, lineterminator="\n")
    group_rows.writerow(("name", "half_life_s", "categories", "note"))
    line_rows.writerow(("name", "energy_kev", "intensity", "origin"))
    for group in GROUPS:
        half_life_s, rows = nuclide_lines(group)
        rows = list(NEUTRON_LINES) if group.name == "Cf-252" else rows
        group_rows.writerow((group.name, f"{half_life_s:.6g}", group.categories, group.note))
        line_rows.writerows((group.name, f"{e:.2f}", f"{i:.4g}", origin) for e, i, origin in rows)
    for name, text in (("nuclides.csv", groups), ("lines.csv", lines)):
        path = out_dir / name
        path.write_text(text.getvalue(), encoding="utf-8")
        written.append(path)
    return written


def compact_attenuation(
    xcom_csv: Path, *, low_kev: float = 1.0, high_kev: float = 20000.0
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    """Return the XCOM rows from 1 keV to the first above `high_kev`.

    Parameters
    ----------
    xcom_csv : Path
        NIST XCOM as CSV.
    low_kev, high_kev : float
        Range to keep, keV.

    Returns
    -------
    z : ndarray of shape (n_row,), uint8
        Atomic number.
    energy_kev : ndarray of shape (n_row,), float32
        Photon energy, keV, ascending within an element; twice at an absorption edge.
    coefficient : ndarray of shape (n_row, 5), float32
        cm2/g by process, in the order of ``PROCESSES``.
    """
    rows = np.genfromtxt(xcom_csv, delimiter=",", names=True)
    energy = rows["energy_mev"] * 1e3
    keep = (energy >= low_kev) & (energy <= high_kev)
    values = np.stack([rows[name] for name in PROCESSES], axis=1)[keep]
    return rows["z"][keep].astype(np.uint8), energy[keep].astype(np.float32), values.astype(np.float32)


def nuclide_lines(group: Group) -> tuple[float, list[tuple[float, float, str]]]:
    """Return the half-life and the lines of one label.

    Parameters
    ----------
    group : Group
        The label and what is behind it.

    Returns
    -------
    half_life_s : float
        Half-life of the parent, seconds.
    lines : list of (energy_kev, intensity, origin)
        Photons per decay of the first parent (of all activity, for mixtures by mass), by energy.
    """
    import radioactivedecay

    activity = _activities(group, radioactivedecay)
    root_of = {name: root for root in group.companions for name in _descent((root,), radioactivedecay, group)}
    database = _database()
    found: list[tuple[float, float, str]] = []
    for name, share in activity.items():
        key = name.replace("-", "")
        if key not in database:
            continue
        for kind in ("gamma", "x-ray"):
            if kind not in database.gettypes(key) or not database.haslines(key, kind):
                continue
            energies = np.asarray(database.getenergies(key, kind)) / 1e3
            intensities = np.asarray(database.getintensities(key, kind)) * share
            origin = f"{root_of[name]}*" if name in root_of else name
            found += [(float(e), float(i), origin) for e, i in zip(energies, intensities, strict=True)]
    fixed = _strongest([line for line in found if not line[2].endswith("*")])
    companions = [_strongest([line for line in found if line[2] == f"{name}*"]) for name in group.companions]
    # Companions are cut to their own strongest lines, whatever their share.
    lines = sorted([*fixed, *(line for some in companions for line in some)])
    return float(radioactivedecay.Nuclide(group.half_life_of).half_life("s")), lines


def _database() -> Any:
    import actigamma

    return actigamma.Decay2012Database()


def _activities(group: Group, library: Any) -> dict[str, float]:
    inventory = library.Inventory(dict(group.parents), group.unit)
    if group.age_y > 0:
        inventory = inventory.decay(group.age_y, "y")
    values = {str(name): float(value) for name, value in inventory.activities("Bq").items()}
    dropped = _descent(group.stop, library, group)
    values = {name: value for name, value in values.items() if name not in dropped and value > 0}
    if group.unit == "Bq":
        parent = values.get(next(iter(group.parents)), 0.0)
        scale = parent if parent > 0 else max(values.values())
    else:
        scale = sum(values.values())
    return {name: value / scale for name, value in values.items()}


def _descent(names: tuple[str, ...], library: Any, group: Group) -> set[str]:
    """Return some nuclides and all that follows them, as far as it is not put in itself."""
    found, frontier = set(names), list(names)
    while frontier:
        for child in library.Nuclide(frontier.pop()).progeny():
            name = str(child)
            if name in found or name in group.parents or name == "SF" or "-" not in name:
                continue
            if library.Nuclide(name).half_life("s") == float("inf"):
                continue
            found.add(name)
            frontier.append(name)
    return found


def _strongest(found: list[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    """Keep lines that a spectrum can show, merging those closer than any detector separates."""
    merged: list[tuple[float, float, str]] = []
    for line_kev, photons, origin in sorted(found):
        if line_kev < MIN_ENERGY_KEV or photons <= 0:
            continue
        if merged and line_kev - merged[-1][0] < 0.25 and merged[-1][2] == origin:
            e, i, o = merged[-1]
            merged[-1] = ((e * i + line_kev * photons) / (i + photons), i + photons, o)
        else:
            merged.append((line_kev, photons, origin))
    if not merged:
        return []
    # What hides a line is the continuum of the lines above it, so it is compared with those and not with
    # the strongest of all: the 375 and 414 keV lines of plutonium count, though Am-241 is 10^3 stronger.
    energy = np.array([line[0] for line in merged])
    intensity = np.array([line[1] for line in merged])
    above = np.array([intensity[energy >= 0.85 * e].max() for e in energy])
    share = intensity / above
    keep = (share >= MIN_RELATIVE) & (intensity >= MIN_OF_ALL * intensity.max())
    ranked = sorted(np.flatnonzero(keep), key=lambda k: (-share[k] * intensity[k] ** 0.25, k))[:MAX_LINES]
    return [merged[k] for k in sorted(ranked)]

"""Generate the tables of :mod:`screening.physics`: attenuation and nuclide lines.

Run time never loads this module: the tables are files of the package. Sources: NIST XCOM (Standard
Reference Database 8) for attenuation; the decay data of `actigamma` (Apache-2.0, JEFF-3.1.1 and
ENDF/B decay sublibraries) for lines; `radioactivedecay` (MIT, ICRP 107) for chains and half-lives.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .labels import GROUPS, Group
from .simulated_labels import MORE_GROUPS

__all__ = [
    "GROUPS",
    "MORE_GROUPS",
    "Group",
    "compact_attenuation",
    "group_activities",
    "nuclide_lines",
    "write_tables",
]

#: Process columns of the attenuation table, in its order.
PROCESSES = ("coherent", "incoherent", "photoelectric", "pair_nuclear", "pair_electron")

#: Smallest line kept, relative to the strongest at or above its energy, and to the strongest of all.
MIN_RELATIVE = 0.01
MIN_OF_ALL = 1e-6
MIN_ENERGY_KEV = 12.0
MAX_LINES = 60

#: Smallest share of a label's decays that is listed: U-232 in uranium counts at 1e-6.
MIN_SHARE = 1e-9


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
    groups, lines, mixtures = io.StringIO(), io.StringIO(), io.StringIO()
    mixture_rows = csv.writer(mixtures, lineterminator="\n")
    mixture_rows.writerow(("name", "nuclide", "decays"))
    group_rows = csv.writer(groups, lineterminator="\n")
    line_rows = csv.writer(lines, lineterminator="\n")
    group_rows.writerow(("name", "half_life_s", "categories", "note", "is_named"))
    line_rows.writerow(("name", "energy_kev", "intensity", "origin"))
    # The labels that can be reported come first: a classifier counts its outputs in this order.
    for group in (*GROUPS, *MORE_GROUPS):
        half_life_s, rows = nuclide_lines(group)
        for member, share in group_activities(group).items():
            if share >= MIN_SHARE:
                mixture_rows.writerow((group.name, member, f"{share:.6g}"))
        is_named = "yes" if group in GROUPS else "no"
        group_rows.writerow((group.name, f"{half_life_s:.6g}", group.categories, group.note, is_named))
        line_rows.writerows((group.name, f"{e:.2f}", f"{i:.4g}", origin) for e, i, origin in rows)
    for name, text in (("nuclides.csv", groups), ("lines.csv", lines), ("mixtures.csv", mixtures)):
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


def group_activities(group: Group) -> dict[str, float]:
    """Return what decays within one label.

    Parameters
    ----------
    group : Group
        The label and what is behind it.

    Returns
    -------
    dict of str to float
        Decays of each nuclide per decay of the first parent (of all activity, for mixtures by mass).
    """
    import radioactivedecay

    return _activities(group, radioactivedecay)


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
    decay = [] if group.is_without_decay_lines else [*fixed, *(line for some in companions for line in some)]
    lines = sorted([*decay, *group.neutron_lines])
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

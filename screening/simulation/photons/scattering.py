"""Write the scatter tables that :mod:`screening.physics.scatter` reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from screening.kernels.photons import PhotonSetup, PhotonTally, transport_photons
from screening.physics.detector import ELECTRON_REST_KEV
from screening.physics.scatter import ENERGY_RANGE_KEV, SHIELDS, SURFACES, emerging_edges_kev

from .fluorescence import K_LINES
from .matter import body_material, photon_materials
from .responses import DEFAULT_SEED, run_seed

__all__ = ["DEFAULT_HISTORIES", "THICKEST_G_CM2", "shell_setup", "surface_setup", "write_scatter"]

#: What the shipped table was made with.
DEFAULT_HISTORIES = 100_000

#: Thickest shell of each material, g/cm2: more than 4 mean free paths at 662 keV.
THICKEST_G_CM2 = {
    "water": 120.0, "polyethylene": 120.0, "wood": 120.0, "concrete": 120.0, "aluminium": 100.0,
    "steel": 100.0, "tungsten": 80.0, "lead": 80.0,
}  # fmt: skip

#: Shells, as parts of the thickest.
_PARTS = (0.0, 0.005, 0.015, 0.03, 0.06, 0.1, 0.16, 0.25, 0.37, 0.52, 0.73, 1.0)
#: Depth of a surface, g/cm2: what comes back has not been deeper.
_DEPTH_G_CM2 = 150.0


def shell_setup(material: str, areal_density_g_cm2: float) -> PhotonSetup:
    """Return a point source in a spherical shell.

    Parameters
    ----------
    material : str
        Material of the shell.
    areal_density_g_cm2 : float
        Its areal density, g/cm2.

    Returns
    -------
    PhotonSetup
        The inner radius is a quarter of the thickness.

    Raises
    ------
    ValueError
        If the material is unknown or the areal density is not above 0.
    """
    if not 0 < areal_density_g_cm2 < 1e6:
        raise ValueError(f"areal density must be above 0, below 1e6 g/cm2, got {areal_density_g_cm2:g}")
    thickness = areal_density_g_cm2 / body_material(material).density_g_cm3
    bounds = np.array([[thickness / 4, 0.0, 0.0, 0.0], [thickness * 5 / 4, 0.0, 0.0, 0.0]])
    return PhotonSetup(
        photon_materials((material,)), "sphere", bounds, np.array([-1, 0], dtype=np.int32), -1, "centre"
    )


def surface_setup(material: str) -> PhotonSetup:
    """Return a wide, thick surface below a point source.

    Parameters
    ----------
    material : str
        Its material.

    Returns
    -------
    PhotonSetup
        A layer of 150 g/cm2.

    Raises
    ------
    ValueError
        If the material is unknown.
    """
    depth = _DEPTH_G_CM2 / body_material(material).density_g_cm3
    bounds = np.array([[1e7, 1e7, 0.0, depth]])
    return PhotonSetup(
        photon_materials((material,)), "box", bounds, np.array([0], dtype=np.int32), -1, "surface"
    )


def _energies(material: str) -> NDArray[np.float64]:
    low, high = ENERGY_RANGE_KEV
    fixed = [2 * ELECTRON_REST_KEV]
    for symbol, _ in body_material(material).composition:
        if symbol in K_LINES and K_LINES[symbol].edge_kev > low:
            fixed += [K_LINES[symbol].edge_kev * 0.988, K_LINES[symbol].edge_kev * 1.012]
    wanted = np.geomspace(low, high, 30).tolist()
    kept = [e for e in wanted if e in (low, high) or min(abs(np.log(e / f)) for f in fixed) > 0.04]
    kept[0], kept[-1] = low, high
    return np.array([float(f"{e:.6g}") for e in sorted([*kept, *fixed])])


def _line_kev(material: str) -> list[float]:
    """Annihilation quanta, and the mean K alpha and K beta energy of the heaviest element that has them."""
    symbols = [symbol for symbol, _ in body_material(material).composition if symbol in K_LINES]
    if not symbols:
        return [ELECTRON_REST_KEV, 0.0, 0.0]
    lines = K_LINES[max(symbols, key=lambda symbol: K_LINES[symbol].edge_kev)]
    energy, share = np.array(lines.line_kev), np.array(lines.share)
    means = [float(energy[part] @ share[part] / share[part].sum()) for part in (slice(0, 2), slice(2, 4))]
    return [ELECTRON_REST_KEV, *(round(mean, 3) for mean in means)]


def _rows(tallies: list[PhotonTally]) -> tuple[list[float], list[NDArray[np.float64]], list[list[float]]]:
    total, shape, line = [], [], []
    for tally in tallies:
        n = tally.n_histories
        total.append(float(tally.histogram.sum()) / n)
        shape.append(tally.histogram / max(int(tally.histogram.max()), 1))
        line.append([float(tally.peaks[k]) / n for k in (5, 1, 2, 0)])
    return total, shape, line


def _table(
    key: str, material: str, setups: list[PhotonSetup | None], areal: list[float], histories: int, seed: int,
    progress: Callable[[str, float, int], None] | None,
) -> dict[str, NDArray[np.generic]]:  # fmt: skip
    energies = _energies(material)
    totals, shapes, lines = [], [], []
    for j, setup in enumerate(setups):
        if setup is None:
            totals.append([0.0] * energies.size)
            shapes.append([np.zeros(emerging_edges_kev(100.0).size - 1)] * energies.size)
            lines.append([[0.0] * 4] * energies.size)
            continue
        tallies = [
            transport_photons(
                setup, energy, emerging_edges_kev(energy), n_histories=histories,
                seed=run_seed(seed, key, j * 1000 + k),
            )
            for k, energy in enumerate(energies.tolist())
        ]  # fmt: skip
        total, shape, line = _rows(tallies)
        totals.append(total)
        shapes.append(shape)
        lines.append(line)
        if progress is not None:
            progress(key, areal[j], histories * energies.size)
    return {
        "energy_kev": energies,
        "areal": np.array(areal),
        "total": np.array(totals, dtype=np.float32),
        "shape": np.array(shapes).astype(np.float16),
        "line": np.array(lines, dtype=np.float32),
        "line_kev": np.array(_line_kev(material)),
    }


def write_scatter(
    out_dir: Path,
    names: Iterable[str] | None = None,
    histories: int = DEFAULT_HISTORIES,
    seed: int = DEFAULT_SEED,
    progress: Callable[[str, float, int], None] | None = None,
) -> Path:
    """Simulate shells and surfaces and write ``scatter.npz``.

    With the defaults this is the table the package ships, byte for byte.

    Parameters
    ----------
    out_dir : Path
        Folder to write to.
    names : iterable of str, optional
        "shell/lead", "surface/soil", ...; all shells of :data:`screening.physics.scatter.SHIELDS` and
        surfaces of :data:`screening.physics.scatter.SURFACES` if not given.
    histories : int, default 100000
        Photons per energy and thickness; ten times as many for a surface.
    seed : int, default 20260
        Seed.
    progress : callable, optional
        Called with the name, the areal density (g/cm2) and the histories after each thickness.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If a name is unknown.
    """
    known = (*(f"shell/{name}" for name in SHIELDS), *(f"surface/{name}" for name in SURFACES))
    arrays = {}
    for key in known if names is None else names:
        if key not in known:
            raise ValueError(f"unknown name {key!r}; known: {', '.join(known)}")
        kind, material = key.split("/")
        if kind == "shell":
            areal = [round(part * THICKEST_G_CM2[material], 6) for part in _PARTS]
            setups = [shell_setup(material, value) if value > 0 else None for value in areal]
            part = _table(key, material, setups, areal, histories, seed, progress)
        else:
            part = _table(
                key, material, [surface_setup(material)], [_DEPTH_G_CM2], 10 * histories, seed, progress
            )
        arrays.update({f"{key}/{name}": value for name, value in part.items()})
    path = Path(out_dir) / "scatter.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)
    return path

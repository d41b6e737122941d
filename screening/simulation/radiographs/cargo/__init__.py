"""Cargo: what containers are filled with, as packings of bodies with the statistics of real loads.

Each kind fills a :class:`~screening.simulation.radiographs.hold.Load` from a generator and stops where
the box may carry no more. Densities are bulk densities of common goods.
"""

from __future__ import annotations

import numpy as np

from screening.simulation.radiographs.hold import MAX_PAYLOAD_KG, Hold, Load
from screening.simulation.radiographs.scene import Scene

# each module registers its kinds on import, in this order
from . import bulk, cartons, chilled, household, long_goods, machines, mixed, packages, rounds  # noqa: F401
from .registry import CARGO_KINDS, CargoType, cargo_type

__all__ = ["CARGO_KINDS", "CargoType", "Hold", "Load", "add_cargo", "cargo_type", "payload_kg"]


def payload_kg(hold: Hold) -> float:
    """Return the largest mass a hold of this length may carry.

    Parameters
    ----------
    hold : Hold
        The space.

    Returns
    -------
    float
        kg.
    """
    return MAX_PAYLOAD_KG["20" if hold.length_m < 7.0 else "40" if hold.length_m < 12.6 else "45"]


def add_cargo(
    scene: Scene, kind: str, hold: Hold, rng: np.random.Generator, *, max_mass_kg: float | None = None
) -> float:
    """Fill a hold.

    Parameters
    ----------
    scene : Scene
        The scene, changed.
    kind : str
        A key of :data:`CARGO_KINDS`.
    hold : Hold
        The space to fill.
    rng : numpy.random.Generator
        Sizes, places and densities.
    max_mass_kg : float, optional
        Largest mass; what a container of this length may carry when omitted.

    Returns
    -------
    float
        Mass of what was put in, kg.

    Raises
    ------
    ValueError
        If `kind` is unknown or the mass not positive.
    """
    if kind not in CARGO_KINDS:
        raise ValueError(f"cargo must be one of {', '.join(sorted(CARGO_KINDS))}, got {kind!r}")
    limit = payload_kg(hold) if max_mass_kg is None else max_mass_kg
    if not limit > 0.0:
        raise ValueError(f"max_mass_kg must be positive, got {limit!r}")
    load = Load(scene, hold, limit)
    CARGO_KINDS[kind].fill(load, rng)
    return load.mass_kg

"""Objects that a recipe's kind asks for: a pig or a block in a load, a small load hidden in an empty box."""

from __future__ import annotations

import numpy as np

from .hold import Hold
from .scene import Region, Scene

__all__ = ["add_hidden", "add_object"]

STEEL_G_CM3 = 7.85
LEAD_G_CM3 = 11.35


def add_object(scene: Scene, kind: str, hold: Hold, rng: np.random.Generator) -> Region | None:
    """Add one object worth finding.

    Parameters
    ----------
    scene : Scene
        The scene, changed.
    kind : {"dense", "shielded"}
        A lead or steel pig, or a large shielded load.
    hold : Hold
        Where it stands.
    rng : numpy.random.Generator
        Its place and size.

    Returns
    -------
    Region or None
        The window it is seen in.
    """
    if kind == "dense":
        size = rng.uniform(0.11, 0.17)
        heavy = rng.random() < 0.6
        centre = (
            rng.uniform(-0.5, 0.5),
            rng.uniform(hold.y0_m + 0.15 * hold.length_m, hold.y1_m - 0.15 * hold.length_m),
            hold.z0_m + rng.uniform(0.45, 0.65) * hold.height_m,
        )
        if heavy:
            half = (size, size, size)
            return scene.ellipsoid("lead", LEAD_G_CM3, centre, half)
        x, y, z = ((c - size, c + size) for c in centre)
        return scene.box("steel", STEEL_G_CM3, x, y, z)
    if kind == "shielded":
        middle = rng.uniform(hold.y0_m + 0.25 * hold.length_m, hold.y1_m - 0.25 * hold.length_m)
        half_length, height = rng.uniform(0.5, 0.9), rng.uniform(0.9, 1.5)
        y, z = (middle - half_length, middle + half_length), (hold.z0_m + 0.1, hold.z0_m + 0.1 + height)
        region = scene.box("steel", STEEL_G_CM3, (-0.45, 0.45), y, z)
        scene.box("organic", 0.4, (-0.6, 0.6), y, (hold.z0_m, hold.z0_m + 0.1))
        return region
    raise ValueError(f"object must be dense or shielded, got {kind!r}")


def add_hidden(
    scene: Scene, material: str, mass_kg: float, hold: Hold, rng: np.random.Generator
) -> Region | None:
    """Add a small load hidden in an empty container: on the floor, at a wall, in a corner.

    Parameters
    ----------
    scene : Scene
        The scene, changed.
    material : {"organic", "steel", "lead"}
        What it is made of.
    mass_kg : float
        Its mass.
    hold : Hold
        Where it hides.
    rng : numpy.random.Generator
        Its place and shape.

    Returns
    -------
    Region or None
        The window it is seen in.

    Raises
    ------
    ValueError
        If the material is none of these, or the load does not fit into the hold.
    """
    densities = {"organic": 0.8, "steel": STEEL_G_CM3, "lead": LEAD_G_CM3}
    if material not in densities:
        raise ValueError(f"material must be one of {', '.join(densities)}, got {material!r}")
    density = densities[material]
    side = (mass_kg / (density * 1000.0)) ** (1 / 3)
    flat = rng.uniform(0.5, 1.5)
    size = (side / flat, side * flat**0.5, side * flat**0.5)
    room = (2 * hold.half_width_m, hold.length_m / 2, hold.height_m)
    if not all(0.0 < one < limit for one, limit in zip(size, room, strict=True)):
        raise ValueError(f"{mass_kg!r} kg of {material} do not fit into a hold {hold.length_m:.2f} m long")
    edge = 1.14 - size[0] / 2
    x = rng.choice([-edge, edge, rng.uniform(-edge, edge)])
    y = rng.uniform(hold.y0_m + size[1], hold.y1_m - size[1])
    low = hold.z0_m + size[2] / 2
    z = low if rng.random() < 0.6 else rng.uniform(low, hold.z1_m - size[2])
    spans = [(c - s / 2, c + s / 2) for c, s in zip((float(x), y, z), size, strict=True)]
    return scene.box(material, density, spans[0], spans[1], spans[2])

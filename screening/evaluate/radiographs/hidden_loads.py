"""Small loads hidden in an empty container: material, mass, shape and place, put in by thickness.

Each place is a space of the container with what fits into it. A load is a brick, a sheet or a tube of its
mass; it is traced alone through the scanner's own geometry and put into the finished picture of the empty.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from screening.simulation.radiographs.containers import WIDTH_M, Container
from screening.simulation.radiographs.geometry import FanGeometry
from screening.simulation.radiographs.shadows import Shadow, shadow_of
from screening.simulation.radiographs.shapes import assemble
from screening.simulation.radiographs.solids import block, disc

__all__ = [
    "MASSES_KG",
    "MATERIALS",
    "PLACES",
    "SHAPES",
    "HiddenLoad",
    "Space",
    "cells_of",
    "hidden_shadow",
    "space_of",
]

#: Density of what is hidden, g/cm3: a range is drawn from.
MATERIALS: dict[str, tuple[float, float]] = {
    "organic": (0.3, 1.2),
    "steel": (7.85, 7.85),
    "lead": (11.35, 11.35),
}

#: 0.5 to 50 kg, five a decade.
MASSES_KG = tuple(float(np.round(0.5 * 10 ** (k / 5), 3)) for k in range(11))

SHAPES = ("brick", "sheet", "tube")

PLACES = ("floor corner", "under floor", "wall corrugation", "roof", "doors", "front wall", "reefer unit")

#: Depth of the corrugation, m, and how much of the space under the floor is free between two members.
_CORRUGATION_M, _BETWEEN_MEMBERS_M = 0.036, 0.26

#: Thinnest a sheet and a tube are made, m.
_THINNEST_M = 0.004


class HiddenLoad(NamedTuple):
    """A load to hide.

    Attributes
    ----------
    material : str
        A key of :data:`MATERIALS`.
    place : str
        One of :data:`PLACES`.
    shape : str
        One of :data:`SHAPES`.
    mass_kg : float
        Its mass.
    """

    material: str
    place: str
    shape: str
    mass_kg: float


class Space(NamedTuple):
    """A hiding place: a box of the scene.

    Attributes
    ----------
    low, high : tuple of float
        Corners (x, y, z), m.
    thin_axis : int
        The axis along which a sheet lies flat.
    """

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    thin_axis: int


def cells_of(container: Container) -> list[tuple[str, str]]:
    """Return the material and place of every load that a container can hide.

    Parameters
    ----------
    container : Container
        The empty container.

    Returns
    -------
    list of tuple of str
        (material, place); the unit of a reefer in reefers alone, roofs where there is one.
    """
    places = [
        place
        for place in PLACES
        if (place != "reefer unit" or container.kind == "reefer")
        and (place != "roof" or container.kind in ("standard", "reefer"))
        and (place != "wall corrugation" or container.kind in ("standard", "open-top"))
        and (place != "under floor" or container.kind in ("standard", "open-top"))
    ]
    return [(material, place) for material in MATERIALS for place in places]


def space_of(place: str, container: Container, rng: np.random.Generator) -> Space:
    """Return a hiding place of a container.

    Parameters
    ----------
    place : str
        One of :data:`PLACES`.
    container : Container
        The container.
    rng : numpy.random.Generator
        Where along the container, which side, which corner.

    Returns
    -------
    Space
        The free space.

    Raises
    ------
    ValueError
        If the place is unknown.
    """
    c, hold = container, container.hold
    side = float(rng.choice([-1.0, 1.0]))
    inner = hold.half_width_m
    along = float(rng.uniform(hold.y0_m + 0.4, hold.y1_m - 2.4))
    front, back = (hold.y0_m, hold.y1_m) if c.doors_at > 0 else (hold.y1_m, hold.y0_m)
    inward = 1.0 if back > front else -1.0
    x_side = (inner - 0.6, inner) if side > 0 else (-inner, -inner + 0.6)
    if place == "floor corner":
        end = front if rng.random() < 0.5 else back
        y = (end, end + 0.6) if end == hold.y0_m else (end - 0.6, end)
        return _space(x_side, y, (hold.z0_m, hold.z0_m + 0.5), 2)
    if place == "under floor":
        y = (along, along + _BETWEEN_MEMBERS_M)
        return _space((-1.1, 1.1), y, (c.base_z_m + 0.03, c.floor_z_m - c.floor_mm / 1000.0), 2)
    if place == "wall corrugation":
        outer = side * (WIDTH_M / 2 - 0.012)
        x = (outer - side * _CORRUGATION_M, outer)
        z = hold.z0_m + float(rng.uniform(0.05, 0.3)) * hold.height_m
        return _space(x, (along, along + 2.0), (z, z + 0.6 * hold.height_m), 0)
    if place == "roof":
        return _space((-1.05, 1.05), (along, along + 2.0), (hold.z1_m - 0.06, hold.z1_m), 2)
    if place == "doors":
        return _space((-1.1, 1.1), (back, back - inward * 0.1), (hold.z0_m + 0.1, hold.z1_m - 0.1), 1)
    if place == "front wall":
        return _space((-1.1, 1.1), (front, front + inward * 0.1), (hold.z0_m + 0.1, hold.z1_m - 0.1), 1)
    if place == "reefer unit":
        wall = c.y0_m if c.doors_at > 0 else c.y1_m
        return _space(
            (-0.9, 0.9), (wall + inward * 0.08, wall + inward * 0.42), (c.base_z_m + 1.2, c.base_z_m + 2.2), 1
        )
    raise ValueError(f"place must be one of {', '.join(PLACES)}, got {place!r}")


def hidden_shadow(
    load: HiddenLoad, space: Space, geometry: FanGeometry, rng: np.random.Generator
) -> Shadow | None:
    """Return what a hidden load puts in the way.

    Parameters
    ----------
    load : HiddenLoad
        What is hidden.
    space : Space
        Where it hides.
    geometry : FanGeometry
        The scanner's.
    rng : numpy.random.Generator
        Density, proportions and place within the space.

    Returns
    -------
    Shadow or None
        None if so much of it does not fit into the space, or lies beyond the picture's edge.
    """
    material, shape = load.material, load.shape
    density = float(rng.uniform(*MATERIALS[material]))
    room = np.array(space.high) - np.array(space.low)
    volume = load.mass_kg / (1000.0 * density)
    size = _size(volume, shape, room, space.thin_axis, rng)
    if size is None:
        return None
    free = room - size
    centre = np.array(space.low) + size / 2 + free * rng.random(3)
    if shape == "tube":
        axis = int(np.argmax(size))
        radius = float(np.delete(size, axis).min()) / 2.0
        part = disc(_named(material), density, "xyz"[axis], (0.0, 0.0, 0.0), radius, float(size[axis]))
    else:
        part = block(
            _named(material), density, (0.0, 0.0, 0.0), (float(size[0]), float(size[1]), float(size[2]))
        )
    body = assemble(f"hidden {material}", "threat", [part])
    try:
        return shadow_of(body, geometry, (float(centre[0]), float(centre[1]), float(centre[2])))
    except ValueError:  # beyond the picture's edge
        return None


def _named(material: str) -> str:
    return "wood" if material == "organic" else material


def _space(x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], thin_axis: int) -> Space:
    spans = [tuple(sorted(span)) for span in (x, y, z)]
    return Space((spans[0][0], spans[1][0], spans[2][0]), (spans[0][1], spans[1][1], spans[2][1]), thin_axis)


def _size(
    volume: float, shape: str, room: np.ndarray, thin_axis: int, rng: np.random.Generator
) -> np.ndarray | None:
    """Return the sides of a body of a volume within a room; None if it does not fit."""
    if shape == "tube":
        # a lying or standing cylinder along the longest side of the room, ten times as long as wide if it can
        axis = int(np.argmax(room))
        widest = float(np.delete(room, axis).min())
        width = min(max((4.0 * volume / (10.0 * np.pi)) ** (1 / 3), _THINNEST_M), widest)
        length = 4.0 * volume / (np.pi * width**2)
        if length > room[axis]:
            length = float(room[axis])
            width = float(np.sqrt(4.0 * volume / (np.pi * length)))
        if width > widest:
            return None
        size = np.full(3, width)
        size[axis] = length
        return size
    flat = 1.0
    if shape == "sheet":
        flat = float(rng.uniform(6.0, 20.0))
    side = volume ** (1 / 3)
    size = np.full(3, side * flat ** (1 / 3))
    size[thin_axis] = max(side / flat ** (2 / 3), _THINNEST_M)
    for _ in range(3):  # what is too long for the room is made up for on the other sides
        over = size > room
        if not over.any():
            break
        size = np.minimum(size, room)
        rest = ~(size >= room)
        if not rest.any():
            break
        size[rest] *= (volume / float(np.prod(size))) ** (1.0 / int(rest.sum()))
    if (size > room * (1.0 + 1e-9)).any() or np.prod(size) < volume * (1.0 - 1e-6):
        return None
    return size

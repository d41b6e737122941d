"""Containers of every type, with their wear and what the last load left."""

from __future__ import annotations

import numpy as np

from .container_types import add_special_container
from .dry_box import (
    CONTAINER_LENGTHS_M,
    CONTAINER_TYPES,
    WIDTH_M,
    Container,
    add_floor,
    add_frame,
    add_front_and_doors,
    add_roof,
    add_walls,
)
from .parts import PLYWOOD_G_CM3, STEEL_G_CM3
from .scene import Scene

__all__ = ["CONTAINER_LENGTHS_M", "CONTAINER_TYPES", "WIDTH_M", "Container", "add_container"]

_SIDE_M = WIDTH_M / 2


def add_container(
    scene: Scene,
    container: Container,
    rng: np.random.Generator,
    *,
    has_residue: bool = False,
) -> None:
    """Add an empty container to a scene.

    Parameters
    ----------
    scene : Scene
        The scene, changed.
    container : Container
        The container.
    rng : numpy.random.Generator
        Wear: dents and patches differ from box to box.
    has_residue : bool, default False
        Leave dunnage, straps and sweepings of the last load in it.

    Raises
    ------
    ValueError
        If its kind is unknown or its size impossible.
    """
    c = container
    if c.kind not in CONTAINER_TYPES:
        raise ValueError(f"container must be one of {', '.join(CONTAINER_TYPES)}, got {c.kind!r}")
    if not (3.0 <= c.length_m <= 17.0 and 1.0 <= c.height_m <= 3.2):
        raise ValueError(
            f"a container is 3 to 17 m long and 1 to 3.2 m high, got {c.length_m!r} by {c.height_m!r}"
        )
    if c.kind != "standard":
        add_special_container(scene, c, rng)
    else:
        add_walls(scene, c, rng)
        add_frame(scene, c)
        add_roof(scene, c)
        add_front_and_doors(scene, c)
        add_floor(scene, c, rng)
        _add_wear(scene, c, rng)
    # drawn whether it is left or not, so that all else stays the same
    left = np.random.default_rng(rng.integers(0, 2**63))
    if has_residue and c.kind != "tank":
        _add_residue(scene, c, left)


def _add_wear(scene: Scene, c: Container, rng: np.random.Generator) -> None:
    """Weld patches on, dent the walls, wet the floor."""
    top = c.base_z_m + c.height_m
    for _ in range(rng.integers(0, 4)):
        side = float(rng.choice([-1.0, 1.0])) * (_SIDE_M - 0.012)
        patch = rng.uniform(c.y0_m + 0.3, c.y1_m - 0.8)
        low = rng.uniform(c.base_z_m + 0.3, top - 0.9)
        y = (patch, patch + rng.uniform(0.1, 0.4))
        thick = rng.uniform(0.0008, 0.002)
        scene.box("steel", STEEL_G_CM3, (side, side + thick), y, (low, low + rng.uniform(0.15, 0.5)))
    for _ in range(rng.integers(0, 3)):
        # a dent stretches its middle and crosses its rim obliquely: a faint bowl
        side = float(rng.choice([-1.0, 1.0])) * (_SIDE_M - 0.03)
        centre = (side, rng.uniform(c.y0_m + 0.6, c.y1_m - 0.6), rng.uniform(c.base_z_m + 0.4, top - 0.4))
        half = rng.uniform(0.08, 0.3)
        scene.ellipsoid("steel", 0.35, centre, (0.004, half, half * rng.uniform(0.6, 1.3)))
    if rng.random() < 0.25:
        start = rng.uniform(c.y0_m + 0.2, c.y1_m - 1.2)
        y = (start, min(start + rng.uniform(0.4, 3.0), c.y1_m - 0.1))
        wet = PLYWOOD_G_CM3 * rng.uniform(0.05, 0.2)
        scene.box("water", wet, (-1.1, 1.1), y, (c.floor_z_m - c.floor_mm / 1000.0, c.floor_z_m))


def _add_residue(scene: Scene, c: Container, rng: np.random.Generator) -> None:
    """Leave what the last load left: dunnage, straps, a pallet, sweepings."""
    hold = c.hold
    for _ in range(rng.integers(1, 6)):
        y = rng.uniform(hold.y0_m, hold.y1_m - 0.3)
        pick = rng.random()
        if pick < 0.45:
            x = rng.uniform(-1.0, 0.3)
            length = rng.uniform(0.4, 1.2)
            # a batten across, or along
            span = (x, x + length) if rng.random() < 0.5 else (x, x + 0.09)
            along = (y, y + 0.09) if span[1] - span[0] > 0.2 else (y, min(y + length, hold.y1_m))
            scene.box("wood", 0.5, span, along, (hold.z0_m, hold.z0_m + rng.uniform(0.04, 0.09)))
        elif pick < 0.7:
            side = float(rng.choice([-1.0, 1.0])) * (hold.half_width_m - 0.02)
            z = rng.uniform(hold.z0_m + 0.2, hold.z1_m - 0.6)
            scene.box("polyethylene", 0.9, (side, side + 0.004), (y, y + 0.05), (z, z + 0.5))
        elif pick < 0.85 and hold.z1_m - hold.z0_m > 1.5:
            scene.box("wood", 0.12, (-0.6, 0.6), (y, min(y + 0.8, hold.y1_m)), (hold.z0_m, hold.z0_m + 0.14))
        else:
            half = (rng.uniform(0.1, 0.5), rng.uniform(0.1, 0.4), rng.uniform(0.02, 0.05))
            centre = (rng.uniform(-0.5, 0.5), y + 0.2, hold.z0_m)
            scene.ellipsoid("organic", rng.uniform(0.3, 0.9), centre, half)

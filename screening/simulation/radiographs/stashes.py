"""Hiding places built into a container or its load: false walls, floors, roofs, and cored bales."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .hold import Hold
from .parts import STEEL_G_CM3, edge_on_plate
from .scene import Scene, SceneObject

__all__ = ["STASHES", "add_stash"]

_FILLINGS = (("cocaine-like", 1.05), ("cannabis-like", 0.5), ("banknotes", 0.85), ("tobacco", 0.3))


def _bricks(
    scene: Scene,
    x: tuple[float, float],
    y: tuple[float, float],
    z: tuple[float, float],
    rng: np.random.Generator,
) -> None:
    """Fill a space with bricks of one kind, with gaps of a few millimetres and some missing."""
    material, density = _FILLINGS[int(rng.integers(0, len(_FILLINGS)))]
    counts = [max(int((b - a) / s), 1) for (a, b), s in zip((x, y, z), (0.24, 0.14, 0.06), strict=True)]
    steps = [(b - a) / n for (a, b), n in zip((x, y, z), counts, strict=True)]
    for i in range(counts[0]):
        for j in range(counts[1]):
            for k in range(counts[2]):
                if rng.random() < 0.04:
                    continue
                low = [o + n * s for o, n, s in zip((x[0], y[0], z[0]), (i, j, k), steps, strict=True)]
                spans = [(a + 0.002, a + s - 0.002) for a, s in zip(low, steps, strict=True)]
                scene.box(material, density * rng.normal(1.0, 0.04), spans[0], spans[1], spans[2])


def _false_wall(scene: Scene, hold: Hold, rng: np.random.Generator) -> None:
    """Build a second front wall of sheet or plywood, 0.25 to 0.8 m before the true one."""
    deep = rng.uniform(0.25, 0.8)
    at_front = rng.random() < 0.75
    inner = hold.y0_m + deep if at_front else hold.y1_m - deep
    z = (hold.z0_m, hold.z1_m)
    if rng.random() < 0.6:
        edge_on_plate(scene, (-1.13, 1.13), inner, z, 0.002)
        for x in np.linspace(-1.05, 1.05, 6):
            scene.box("steel", 3.0, (float(x) - 0.02, float(x) + 0.02), (inner - 0.02, inner + 0.02), z)
    else:
        scene.box("plywood", 0.65, (-1.13, 1.13), (inner - 0.009, inner + 0.009), z)
    y = (hold.y0_m + 0.04, inner - 0.05) if at_front else (inner + 0.05, hold.y1_m - 0.04)
    top = hold.z0_m + rng.uniform(0.4, 0.95) * hold.height_m
    _bricks(scene, (-1.08, 1.08), y, (hold.z0_m + 0.02, top), rng)


def _false_floor(scene: Scene, hold: Hold, rng: np.random.Generator) -> None:
    """Build a second floor on battens over part of the length, with bricks between."""
    long = min(rng.uniform(1.2, 5.0), hold.length_m - 0.2)
    y0 = rng.uniform(hold.y0_m + 0.05, hold.y1_m - long - 0.05)
    tall = rng.uniform(0.07, 0.16)
    scene.box("plywood", 0.68, (-1.14, 1.14), (y0, y0 + long), (hold.z0_m + tall, hold.z0_m + tall + 0.018))
    for batten in np.arange(y0, y0 + long - 0.04, 0.45):
        scene.box(
            "wood", 0.55, (-1.14, 1.14), (float(batten), float(batten) + 0.045), (hold.z0_m, hold.z0_m + tall)
        )
    for start in np.arange(y0 + 0.05, y0 + long - 0.4, 0.45):
        span = (float(start), float(start) + 0.39)
        _bricks(scene, (-1.1, 1.1), span, (hold.z0_m + 0.005, hold.z0_m + tall - 0.005), rng)


def _false_roof(scene: Scene, hold: Hold, rng: np.random.Generator) -> None:
    """Build a sheet ceiling under the roof, with flat packs above it."""
    long = min(rng.uniform(1.2, 6.0), hold.length_m - 0.2)
    y0 = rng.uniform(hold.y0_m + 0.05, hold.y1_m - long - 0.05)
    deep = rng.uniform(0.06, 0.14)
    z = hold.z1_m - deep
    scene.box("steel", STEEL_G_CM3, (-1.13, 1.13), (y0, y0 + long), (z - 0.0012, z))
    _bricks(scene, (-1.0, 1.0), (y0 + 0.05, y0 + long - 0.05), (z + 0.003, hold.z1_m - 0.004), rng)


def _bale_core(scene: Scene, hold: Hold, rng: np.random.Generator) -> None:
    """Bricks wrapped in cloth in the middle of a bale or a stack."""
    half = (rng.uniform(0.25, 0.45), rng.uniform(0.2, 0.45), rng.uniform(0.15, 0.32))
    y = rng.uniform(hold.y0_m + half[1] + 0.1, hold.y1_m - half[1] - 0.1)
    z = hold.z0_m + rng.uniform(half[2] + 0.1, max(0.6 * hold.height_m, half[2] + 0.11))
    x = float(rng.choice([-0.55, 0.55]))
    scene.box(
        "textile", 0.02, (x - half[0], x + half[0]), (y - half[1], y + half[1]), (z - half[2], z + half[2])
    )
    shrunk = [0.93 * h for h in half]
    _bricks(
        scene,
        (x - shrunk[0], x + shrunk[0]),
        (y - shrunk[1], y + shrunk[1]),
        (z - shrunk[2], z + shrunk[2]),
        rng,
    )


#: Hiding places by label.
STASHES: dict[str, Callable[[Scene, Hold, np.random.Generator], None]] = {
    "false-wall": _false_wall,
    "false-floor": _false_floor,
    "false-roof": _false_roof,
    "bale-core": _bale_core,
}


def add_stash(scene: Scene, name: str, hold: Hold, rng: np.random.Generator) -> SceneObject:
    """Build a hiding place with what is in it, as one labelled object of kind "stash".

    Parameters
    ----------
    scene : Scene
        The scene, changed.
    name : str
        A key of :data:`STASHES`.
    hold : Hold
        The space it is built in.
    rng : numpy.random.Generator
        Its size, place and filling.

    Returns
    -------
    SceneObject
        What the scene knows of it.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if name not in STASHES:
        raise ValueError(f"stash must be one of {', '.join(sorted(STASHES))}, got {name!r}")
    with scene.labelled(name, "stash") as found:
        STASHES[name](scene, hold, rng)
    return found

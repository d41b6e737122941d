"""Cargo: what containers are filled with, as packings of simple bodies.

Each kind is a function of the hold (the space to fill) and a generator. Densities are bulk densities
of common goods; masses are kept below what a container may carry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .scene import Region, Scene

__all__ = ["CARGO_KINDS", "Hold", "add_cargo", "add_hidden", "add_object"]

STEEL_G_CM3 = 7.85
LEAD_G_CM3 = 11.35


class Hold(NamedTuple):
    """The space inside a container, m.

    Attributes
    ----------
    y0_m, y1_m : float
        Its ends.
    z0_m, z1_m : float
        Floor and ceiling.
    half_width_m : float
        Half its width.
    """

    y0_m: float
    y1_m: float
    z0_m: float
    z1_m: float
    half_width_m: float = 1.15

    @property
    def length_m(self) -> float:
        """Length along the motion."""
        return self.y1_m - self.y0_m

    @property
    def height_m(self) -> float:
        """Clear height."""
        return self.z1_m - self.z0_m


def _cartons(scene: Scene, hold: Hold, rng: np.random.Generator, low: float, high: float) -> None:
    density = rng.uniform(low, high)
    carton = rng.uniform(0.28, 0.45)
    layers = max(int(rng.uniform(0.45, 0.97) * (hold.height_m - 0.15) / carton), 1)
    y = hold.y0_m + 0.04
    while y + 0.9 < hold.y1_m:
        depth = min(rng.uniform(1.0, 1.2), hold.y1_m - y)
        for x0 in (-1.14, 0.02):
            x = (x0, x0 + rng.uniform(1.02, 1.12))
            scene.box("organic", 0.22, x, (y, y + depth), (hold.z0_m, hold.z0_m + 0.14))
            count = max(int(depth / carton), 1)
            height = max(layers - int(rng.random() < 0.25), 1)
            for layer in range(height):
                z = hold.z0_m + 0.145 + layer * carton
                for k in range(count):
                    span = (y + k * depth / count + 0.004, y + (k + 1) * depth / count - 0.004)
                    mean = density * rng.normal(1.0, 0.06)
                    scene.box("organic", max(mean, 0.02), x, span, (z, z + carton - 0.006))
        y += depth + rng.uniform(0.01, 0.08)


def _boxes(scene: Scene, hold: Hold, rng: np.random.Generator) -> None:
    """Palletised cartons."""
    _cartons(scene, hold, rng, 0.10, 0.38)


def _textiles(scene: Scene, hold: Hold, rng: np.random.Generator) -> None:
    """Light goods: textiles, foam, furniture."""
    _cartons(scene, hold, rng, 0.03, 0.12)


def _drums(scene: Scene, hold: Hold, rng: np.random.Generator) -> None:
    """Steel drums of liquid, in one or two layers."""
    density = rng.uniform(0.55, 0.95)
    rows = int(rng.integers(2, 4))
    for layer in range(int(rng.integers(1, 3))):
        z = hold.z0_m + 0.14 + layer * 1.02 + 0.44
        if z + 0.44 > hold.z1_m:
            break
        scene.box("organic", 0.2, (-1.1, 1.1), (hold.y0_m, hold.y1_m), (z - 0.58, z - 0.45))
        y = hold.y0_m + 0.32
        while y + 0.3 < hold.y1_m:
            for x in np.linspace(-0.8, 0.8, rows):
                fill = density * (1.0 if rng.random() < 0.95 else 0.0)
                scene.cylinder("steel", 0.08, "z", (float(x), y, z), 0.292, 0.88)
                scene.cylinder("organic", fill, "z", (float(x), y, z - 0.03), 0.288, 0.80)
            y += 0.61


def _rolls(scene: Scene, hold: Hold, rng: np.random.Generator) -> None:
    """Paper rolls standing on end, with open cores."""
    radius, length = rng.uniform(0.45, 0.56), rng.uniform(0.8, 1.15)
    density = rng.uniform(0.5, 0.85)
    for layer in range(2 if 2 * length < hold.height_m else 1):
        z = hold.z0_m + (layer + 0.5) * length + 0.01
        y = hold.y0_m + radius
        while y + radius < hold.y1_m:
            for x in (-0.57, 0.57):
                scene.cylinder("organic", density, "z", (x, y, z), radius, length - 0.01)
                scene.cylinder("organic", -density, "z", (x, y, z), 0.045, length - 0.01)
            y += 2 * radius + 0.01


def _bales(scene: Scene, hold: Hold, rng: np.random.Generator) -> None:
    """Pressed bales whose density varies within and between them."""
    density = rng.uniform(0.18, 0.42)
    z = hold.z0_m
    while z + 0.72 < hold.z1_m:
        y = hold.y0_m + rng.uniform(0.0, 0.1)
        while y + 1.0 < hold.y1_m:
            length = rng.uniform(0.95, 1.15)
            for x in ((-1.12, -0.02), (0.02, 1.12)):
                mean = density * rng.normal(1.0, 0.12)
                tall = rng.uniform(0.66, 0.74)
                for k in range(4):
                    part = (y + k * length / 4, y + (k + 1) * length / 4)
                    scene.box("organic", max(mean * rng.normal(1.0, 0.08), 0.05), x, part, (z, z + tall))
            y += length + rng.uniform(0.0, 0.05)
        z += 0.74


def _bulk(scene: Scene, hold: Hold, rng: np.random.Generator) -> None:
    """Loose bulk: a rough heap."""
    density = rng.uniform(0.25, 0.7)
    n = max(int(hold.length_m / 0.06), 4)
    rough = np.cumsum(rng.normal(0.0, 1.0, n))
    rough = np.convolve(rough, np.ones(7) / 7, mode="same")
    rough = (rough - rough.mean()) / (rough.std() + 1e-9)
    level = hold.height_m * np.clip(rng.uniform(0.35, 0.65) + 0.10 * rough, 0.1, 0.92)
    edges = np.linspace(hold.y0_m, hold.y1_m, n + 1)
    for k in range(n):
        mean = density * rng.normal(1.0, 0.02)
        z = (hold.z0_m, hold.z0_m + float(level[k]))
        scene.box("organic", mean, (-1.14, 1.14), (float(edges[k]), float(edges[k + 1])), z)


def _lumps(scene: Scene, hold: Hold, rng: np.random.Generator) -> None:
    """Scrap, stones and castings: lumps laid down at random, denser below."""
    share = hold.length_m / 11.8
    material, density = (("steel", 3.2), ("aluminium", 2.4), ("organic", 0.9))[rng.integers(0, 3)]
    height = rng.uniform(0.3, 0.75) * hold.height_m
    for _ in range(int(rng.uniform(350, 700) * share)):
        size = rng.uniform(0.05, 0.17, 3)
        centre = (
            rng.uniform(-1.0, 1.0),
            rng.uniform(hold.y0_m + 0.1, hold.y1_m - 0.1),
            hold.z0_m + 0.1 + height * rng.beta(1.0, 1.4),
        )
        half = (float(size[0]), float(size[1]), float(size[2]))
        scene.ellipsoid(material, density * rng.uniform(0.3, 1.0), centre, half)


def _machinery(scene: Scene, hold: Hold, rng: np.random.Generator) -> None:
    """Machines on skids: frames, housings, shafts and motors."""
    y = hold.y0_m + rng.uniform(0.1, 0.5)
    while y + 1.2 < hold.y1_m:
        length = min(rng.uniform(1.5, 3.2), hold.y1_m - y)
        height = rng.uniform(0.5, 0.9) * hold.height_m
        scene.box("steel", 0.35, (-0.9, 0.9), (y, y + length), (hold.z0_m, hold.z0_m + 0.12))
        scene.box("steel", 0.09, (-0.8, 0.8), (y, y + length), (hold.z0_m + 0.12, hold.z0_m + height))
        for _ in range(int(rng.integers(5, 11))):
            centre = (
                rng.uniform(-0.6, 0.6),
                rng.uniform(y + 0.25, y + length - 0.25),
                hold.z0_m + rng.uniform(0.3, max(height - 0.2, 0.35)),
            )
            pick = rng.random()
            if pick < 0.4:
                half = tuple(float(v) for v in rng.uniform(0.08, 0.3, 3))
                x, yy, z = ((c - h, c + h) for c, h in zip(centre, half, strict=True))
                scene.box("steel", rng.uniform(0.3, 1.6), x, yy, z)
            elif pick < 0.75:
                axis, density = "xyz"[rng.integers(0, 3)], rng.uniform(0.6, 3.0)
                radius, span = rng.uniform(0.05, 0.2), rng.uniform(0.3, 0.9)
                scene.cylinder("steel", density, axis, centre, radius, span)
            else:
                axes = tuple(float(v) for v in rng.uniform(0.1, 0.28, 3))
                scene.ellipsoid("aluminium", rng.uniform(0.8, 2.2), centre, (axes[0], axes[1], axes[2]))
        y += length + rng.uniform(0.2, 0.9)


def _sheets(scene: Scene, hold: Hold, rng: np.random.Generator) -> None:
    """Bundles of sawn timber or board on bearers."""
    density = rng.uniform(0.4, 0.7)
    z = hold.z0_m
    while z + 0.6 < hold.z1_m:
        thick = rng.uniform(0.35, 0.55)
        y = hold.y0_m + 0.05
        while y + 2.0 < hold.y1_m:
            length = rng.uniform(2.2, 4.2)
            end = min(y + length, hold.y1_m)
            for bearer in np.arange(y + 0.2, end, 0.9):
                scene.box("organic", 0.5, (-1.1, 1.1), (bearer, bearer + 0.1), (z, z + 0.08))
            for x in ((-1.12, -0.03), (0.03, 1.12)):
                for board in np.arange(0.08, thick, 0.05):
                    scene.box("organic", density, x, (y, end), (z + board, z + board + 0.047))
            y = end + rng.uniform(0.03, 0.2)
        z += thick + 0.1
        if rng.random() < 0.3:
            break


def _tubes(scene: Scene, hold: Hold, rng: np.random.Generator) -> None:
    """Steel tubes along the container."""
    radius, wall = rng.uniform(0.04, 0.12), rng.uniform(0.003, 0.006)
    end = hold.y0_m + min(rng.uniform(0.7, 0.98) * hold.length_m, 11.8)
    middle = (hold.y0_m + end) / 2
    z = hold.z0_m + 0.1 + radius
    top = hold.z0_m + rng.uniform(0.3, 0.6) * hold.height_m
    budget = 20e3
    while z < top and budget > 0:
        for x in np.arange(-1.0, 1.0, 2 * radius + 0.01):
            mass = 7850 * np.pi * (radius**2 - (radius - wall) ** 2) * (end - hold.y0_m)
            budget -= mass
            place = (float(x), middle, z)
            scene.cylinder("steel", STEEL_G_CM3, "y", place, radius, end - hold.y0_m)
            scene.cylinder("steel", -STEEL_G_CM3, "y", place, radius - wall, end - hold.y0_m)
        z += 2 * radius + 0.01


def _coils(scene: Scene, hold: Hold, rng: np.random.Generator) -> None:
    """Steel coils with their axis across the motion: opaque rings."""
    count = int(rng.integers(2, 5))
    for y in np.linspace(hold.y0_m + 0.9, hold.y1_m - 0.9, count):
        radius, width = rng.uniform(0.45, 0.62), rng.uniform(0.5, 0.9)
        centre = (0.0, float(y), hold.z0_m + 0.1 + radius)
        scene.cylinder("steel", STEEL_G_CM3, "x", centre, radius, width)
        scene.cylinder("steel", -STEEL_G_CM3, "x", centre, 0.25, width)
        scene.box("organic", 0.5, (-0.7, 0.7), (y - 0.5, y + 0.5), (hold.z0_m, hold.z0_m + 0.15))


def _sacks(scene: Scene, hold: Hold, rng: np.random.Generator) -> None:
    """Sacks stacked by hand: rice, coffee, polymer."""
    density = rng.uniform(0.35, 0.75)
    height = rng.uniform(0.35, 0.7) * hold.height_m
    z = hold.z0_m + 0.09
    while z < hold.z0_m + height:
        y = hold.y0_m + rng.uniform(0.2, 0.4)
        while y + 0.3 < hold.y1_m:
            for x in (-0.76, 0.0, 0.76):
                centre = (x, y + rng.normal(0, 0.01), z)
                scene.ellipsoid("organic", density * rng.normal(1.0, 0.05), centre, (0.39, 0.3, 0.1))
            y += 0.52
        z += 0.16


def _mixed(scene: Scene, hold: Hold, rng: np.random.Generator) -> None:
    """Groupage: several kinds, one behind the other."""
    kinds = rng.choice([k for k in CARGO_KINDS if k not in ("mixed", "half")], int(rng.integers(2, 5)))
    cuts = np.linspace(hold.y0_m, hold.y1_m, kinds.size + 1)
    for kind, y0, y1 in zip(kinds, cuts[:-1], cuts[1:], strict=True):
        CARGO_KINDS[str(kind)](scene, hold._replace(y0_m=float(y0), y1_m=float(y1) - 0.1), rng)


def _half(scene: Scene, hold: Hold, rng: np.random.Generator) -> None:
    """Fill a container over part of its length."""
    kinds = [k for k in CARGO_KINDS if k not in ("mixed", "half")]
    share = rng.uniform(0.15, 0.6)
    start = hold.y0_m if rng.random() < 0.7 else hold.y1_m - share * hold.length_m
    part = hold._replace(y0_m=start, y1_m=start + max(share * hold.length_m, 2.2))
    CARGO_KINDS[str(rng.choice(kinds))](scene, part, rng)


#: Cargo kinds by name; each adds itself to a scene.
CARGO_KINDS: dict[str, Callable[[Scene, Hold, np.random.Generator], None]] = {
    "boxes": _boxes,
    "textiles": _textiles,
    "drums": _drums,
    "rolls": _rolls,
    "bales": _bales,
    "bulk": _bulk,
    "lumps": _lumps,
    "machinery": _machinery,
    "sheets": _sheets,
    "tubes": _tubes,
    "coils": _coils,
    "sacks": _sacks,
    "mixed": _mixed,
    "half": _half,
}


def add_cargo(scene: Scene, kind: str, hold: Hold, rng: np.random.Generator) -> None:
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

    Raises
    ------
    ValueError
        If `kind` is unknown.
    """
    if kind not in CARGO_KINDS:
        raise ValueError(f"cargo must be one of {', '.join(sorted(CARGO_KINDS))}, got {kind!r}")
    CARGO_KINDS[kind](scene, hold, rng)


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
    """
    density = {"organic": 0.8, "steel": STEEL_G_CM3, "lead": LEAD_G_CM3}[material]
    side = (mass_kg / (density * 1000.0)) ** (1 / 3)
    flat = rng.uniform(0.5, 1.5)
    size = (side / flat, side * flat**0.5, side * flat**0.5)
    edge = 1.14 - size[0] / 2
    x = rng.choice([-edge, edge, rng.uniform(-edge, edge)])
    y = rng.uniform(hold.y0_m + size[1], hold.y1_m - size[1])
    low = hold.z0_m + size[2] / 2
    z = low if rng.random() < 0.6 else rng.uniform(low, hold.z1_m - size[2])
    spans = [(c - s / 2, c + s / 2) for c, s in zip((float(x), y, z), size, strict=True)]
    return scene.box(material, density, spans[0], spans[1], spans[2])

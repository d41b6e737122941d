"""Goods pressed into bales or filled into sacks: textile waste, cotton, paper, rice, coffee, cement."""

from __future__ import annotations

import numpy as np

from screening.simulation.radiographs.hold import Load

from .registry import cargo_type
from .stacking import Place, deposit, pallet, pallet_places

__all__: list[str] = []


@cargo_type(
    "bales", ("47", "52", "63", "39"), ("waste paper", "raw cotton", "worn clothing", "plastic scrap")
)
def _bales(load: Load, rng: np.random.Generator) -> None:
    """Pressed bales: denser in their middle and in the layers of the press, bulging between wires."""
    hold = load.hold
    material, low, high = (
        ("paper", 0.35, 0.62),
        ("cotton", 0.32, 0.5),
        ("textile", 0.3, 0.5),
        ("polyethylene", 0.25, 0.42),
    )[int(rng.integers(0, 4))]
    density = rng.uniform(low, high)
    wide, tall, deep = rng.uniform(1.02, 1.12), rng.uniform(0.66, 0.78), rng.uniform(0.75, 1.25)
    layers = int(rng.uniform(0.7, 1.0) * hold.height_m / tall)
    for layer in range(max(layers, 1)):
        z = hold.z0_m + layer * tall
        y = hold.y0_m + rng.uniform(0.0, 0.1)
        while y + deep < hold.y1_m:
            for side in (-1.0, 1.0):
                mean = density * rng.normal(1.0, 0.10)
                if load.room_kg() < 1000.0 * mean * wide * deep * tall:
                    continue
                slip = rng.normal(0.0, 0.02)
                x = (0.02, 0.02 + wide) if side > 0 else (-0.02 - wide, -0.02)
                _bale(load, material, mean, Place(x, (y + slip, y + slip + deep)), (z, z + tall), rng)
            y += deep + abs(rng.normal(0.03, 0.03))


def _bale(
    load: Load,
    material: str,
    density: float,
    place: Place,
    z: tuple[float, float],
    rng: np.random.Generator,
) -> None:
    """Press one bale: strokes of the ram side by side, a bulge, lumps, wires."""
    strokes = int(rng.integers(5, 9))
    edges = np.linspace(place.y[0], place.y[1], strokes + 1)
    for k in range(strokes):
        mean = density * (0.90 + 0.09 * rng.standard_normal())
        tall = z[1] - 0.01 - abs(rng.normal(0.0, 0.02))
        load.box(material, max(mean, 0.05), place.x, (float(edges[k]), float(edges[k + 1])), (z[0], tall))
    middle = tuple((a + b) / 2 for a, b in (place.x, place.y, z))
    half = tuple((b - a) / 2 for a, b in (place.x, place.y, z))
    load.ellipsoid(
        material, 0.18 * density, (middle[0], middle[1], middle[2]), (half[0], half[1] * 1.04, half[2])
    )
    for _ in range(6):
        centre = (
            rng.uniform(place.x[0] + 0.2, place.x[1] - 0.2),
            rng.uniform(place.y[0] + 0.12, place.y[1] - 0.12),
            rng.uniform(z[0] + 0.12, z[1] - 0.12),
        )
        lump = rng.uniform(0.06, 0.2, 3)
        load.ellipsoid(
            material,
            density * rng.normal(0.0, 0.45),
            centre,
            (float(lump[0]), float(lump[1]), float(lump[2])),
        )
    for wire in np.linspace(place.y[0] + 0.12, place.y[1] - 0.12, 4):
        load.box("steel", 7.85, place.x, (float(wire), float(wire) + 0.004), (z[1] - 0.014, z[1] - 0.010))


@cargo_type("sacks", ("10", "09", "17", "11"), ("rice in bags", "green coffee", "sugar in bags", "flour"))
def _sacks(load: Load, rng: np.random.Generator) -> None:
    """Sacks stacked by hand in crossed layers: pillows with thin lines of air between them."""
    hold = load.hold
    material, density = (("rice", 0.78), ("coffee", 0.6), ("sugar", 0.82), ("flour", 0.58))[
        int(rng.integers(0, 4))
    ]
    length, wide, thick = rng.uniform(0.68, 0.8), rng.uniform(0.40, 0.5), rng.uniform(0.13, 0.17)
    per_layer = 1000.0 * density * 0.9 * 2 * hold.half_width_m * hold.length_m * thick
    layers = min(int(0.85 * hold.height_m / thick), int(load.room_kg() / per_layer))
    layers = max(int(layers * rng.uniform(0.8, 1.0)), 1)
    for layer in range(layers):
        z = hold.z0_m + (layer + 0.5) * thick
        is_crossed = layer % 2 == 1
        dx, dy = (wide, length) if is_crossed else (length, wide)
        n_x = max(int(2 * hold.half_width_m / dx), 1)
        y = hold.y0_m + dy / 2 + rng.uniform(0.0, 0.05)
        while y + dy / 2 < hold.y1_m:
            if layer == layers - 1 and rng.random() < 0.25:
                y += dy
                continue
            for i in range(n_x):
                x = -hold.half_width_m + (i + 0.5) * (2 * hold.half_width_m / n_x)
                mean = density * rng.normal(1.0, 0.02)
                jitter = rng.normal(0.0, 0.008, 2)
                _pillow(load, material, mean, (x + jitter[0], y + jitter[1], z), (dx, dy, thick))
            y += dy * rng.uniform(0.97, 1.02)


def _pillow(
    load: Load,
    material: str,
    density: float,
    centre: tuple[float, float, float],
    size: tuple[float, float, float],
) -> None:
    """Lay a sack: flat in its middle, rounded to its seams."""
    core = [(c - 0.38 * s, c + 0.38 * s) for c, s in zip(centre[:2], size[:2], strict=True)]
    load.box(
        material, 0.68 * density, core[0], core[1], (centre[2] - 0.48 * size[2], centre[2] + 0.48 * size[2])
    )
    half = (0.54 * size[0], 0.54 * size[1], 0.62 * size[2])
    load.ellipsoid(material, 0.68 * density, centre, half)


@cargo_type(
    "cement", ("25", "31", "32"), ("cement in bags", "fertiliser in bags", "titanium dioxide"), is_dense=True
)
def _cement(load: Load, rng: np.random.Generator) -> None:
    """Bags of minerals or fertiliser on pallets, low and heavy."""
    hold = load.hold
    material, density = (
        ("cement", 1.25),
        ("fertiliser-npk", 0.98),
        ("fertiliser-kcl", 1.05),
        ("titanium-dioxide", 0.95),
    )[int(rng.integers(0, 4))]
    thick = rng.uniform(0.11, 0.15)
    layers = int(rng.integers(6, 10))
    for place in pallet_places(hold, rng, gap_m=0.08):
        if load.room_kg() < 1300.0:
            break
        deck = pallet(load, place, hold.z0_m)
        for layer in range(layers):
            z = deck + (layer + 0.5) * thick
            if z + thick > hold.z1_m or load.room_kg() < 150.0:
                break
            n_x, n_y = (2, 3) if layer % 2 else (3, 2)
            sx, sy = (place.x[1] - place.x[0]) / n_x, (place.y[1] - place.y[0]) / n_y
            for i in range(n_x):
                for j in range(n_y):
                    centre = (
                        place.x[0] + (i + 0.5) * sx,
                        place.y[0] + (j + 0.5) * sy + rng.normal(0.0, 0.008),
                        z,
                    )
                    _pillow(load, material, density * rng.normal(1.0, 0.015), centre, (sx, sy, thick))


@cargo_type("big-bags", ("28", "38", "39", "25"), ("plastic granules", "soda ash", "minerals in big bags"))
def _big_bags(load: Load, rng: np.random.Generator) -> None:
    """Flexible bags of a tonne on pallets: bulging drums with loops and a loose top."""
    hold = load.hold
    material, density = (
        ("polypropylene", 0.55),
        ("soda-ash", 1.0),
        ("polyethylene", 0.56),
        ("fertiliser-urea", 0.75),
    )[int(rng.integers(0, 4))]
    tall = rng.uniform(0.85, 1.15)
    tiers = 2 if 2 * (tall + 0.25) < hold.height_m and density < 0.7 else 1
    for place in pallet_places(hold, rng):
        for tier in range(tiers):
            if load.room_kg() < 1100.0:
                return
            z = pallet(load, place, hold.z0_m + tier * (tall + 0.25))
            cx, cy = (place.x[0] + place.x[1]) / 2, (place.y[0] + place.y[1]) / 2
            high = tall * rng.uniform(0.9, 1.0)
            half = 0.5 * min(place.x[1] - place.x[0], place.y[1] - place.y[0])
            load.cylinder(material, 0.8 * density, "z", (cx, cy, z + high / 2), 0.97 * half, high)
            load.ellipsoid(
                material, 0.2 * density, (cx, cy, z + 0.45 * high), (1.08 * half, 1.08 * half, 0.62 * high)
            )
            load.ellipsoid(material, 0.7 * density, (cx, cy, z + high), (0.8 * half, 0.8 * half, 0.12))
            for side in (-0.7, 0.7):
                load.box(
                    "polypropylene",
                    0.5,
                    (cx - 0.4, cx + 0.4),
                    (cy + side * half - 0.01, cy + side * half + 0.01),
                    (z + high, z + high + 0.2),
                )


@cargo_type("loose-sacks", ("07", "12", "23"), ("onions in nets", "groundnuts", "animal feed"))
def _loose_sacks(load: Load, rng: np.random.Generator) -> None:
    """Sacks thrown in, lying as they fell."""
    material, density = (("vegetables", 0.5), ("grain", 0.62), ("soya", 0.6))[int(rng.integers(0, 3))]
    hold = load.hold
    number = int(160 * hold.length_m)
    top = hold.z0_m + rng.uniform(0.5, 0.85) * hold.height_m
    deposit(load, material, density, (0.2, 0.3), number, rng, top_m=top, flatness=0.4)

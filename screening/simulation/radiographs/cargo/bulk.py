"""Loose goods: grain, ore, coal, scrap, logs thrown in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from screening.simulation.radiographs.hold import Hold, Load

from .registry import cargo_type
from .stacking import deposit, heap

__all__: list[str] = []


def _profile(hold: Hold, mean_m: float, roughness: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a heap's height along the hold: poured in a few cones, then levelled a little."""
    n = max(int(hold.length_m / 0.06), 8)
    y = np.linspace(0.0, hold.length_m, n)
    level = np.zeros(n)
    for _ in range(int(rng.integers(2, 6))):
        centre = rng.uniform(0.0, hold.length_m)
        level = np.maximum(level, rng.uniform(0.85, 1.1) - 0.09 * np.abs(y - centre))
    level += roughness * np.convolve(rng.standard_normal(n + 8), np.ones(9) / 3.0, mode="valid")
    level *= mean_m / max(float(np.mean(level)), 1e-3)
    return np.clip(level, 0.05, hold.height_m * 0.95)


def _mean_height(load: Load, density: float, share: float) -> float:
    """Return the height that a mass limit and the space allow."""
    floor = 2 * load.hold.half_width_m * load.hold.length_m
    return min(share * load.hold.height_m, 0.95 * load.room_kg() / (1000.0 * density * floor))


@cargo_type("bulk", ("10", "12", "23"), ("wheat in bulk", "soya beans in bulk", "malt"))
def _bulk(load: Load, rng: np.random.Generator) -> None:
    """Grain in a liner: a smooth surface, even density, a bulkhead of boards at the doors."""
    hold = load.hold
    material, density = (("grain", 0.77), ("soya", 0.73), ("rice", 0.8), ("flour", 0.6))[
        int(rng.integers(0, 4))
    ]
    mean = _mean_height(load, density, rng.uniform(0.45, 0.8))
    heap(load, material, density, _profile(hold, mean, 0.01, rng), rng, spread=0.006)
    door = hold.y1_m - 0.03
    for z in np.arange(hold.z0_m, hold.z0_m + 1.5, 0.31):
        load.box("wood", 0.55, (-1.14, 1.14), (door, door + 0.03), (float(z), float(z) + 0.28))


@cargo_type("lumps", ("26", "27", "44"), ("iron ore", "coal", "charcoal", "firewood"))
def _lumps(load: Load, rng: np.random.Generator) -> None:
    """Lumps as they fell: a bed of fines with a packing of pieces in and on it."""
    hold = load.hold
    material, density, solid = (
        ("coal", 0.8, 1.35),
        ("iron-ore", 2.4, 4.2),
        ("charcoal", 0.22, 0.45),
        ("limestone", 1.4, 2.5),
        ("bauxite", 1.25, 2.2),
    )[int(rng.integers(0, 5))]
    mean = _mean_height(load, density, rng.uniform(0.35, 0.75))
    profile = _profile(hold, 0.72 * mean, 0.05, rng)
    heap(load, material, density, profile, rng, spread=0.03)
    # pieces in the bed add and take away: what a packing of finite lumps looks like from the side
    edges = np.linspace(hold.y0_m, hold.y1_m, profile.size + 1)
    for _ in range(int(90 * hold.length_m)):
        k = int(rng.integers(0, profile.size))
        size = rng.uniform(0.05, 0.2)
        sign = 1.0 if rng.random() < 0.5 else -1.0
        depth = max(float(profile[k]) - size, size)
        centre = (
            rng.uniform(-hold.half_width_m + size, hold.half_width_m - size),
            float(edges[k]) + 0.03,
            hold.z0_m + rng.uniform(size, max(depth, size + 0.01)),
        )
        half = size * rng.uniform(0.6, 1.0, 3)
        centre = hold.within(centre, (float(half[0]), float(half[1]), float(half[2])))
        load.ellipsoid(
            material,
            sign * (solid - density) * 0.55,
            centre,
            (float(half[0]), float(half[1]), float(half[2])),
        )
    _crown(load, material, solid, profile, edges, rng)


def _crown(
    load: Load,
    material: str,
    density: float,
    profile: NDArray[np.float64],
    edges: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    """Lay pieces on the surface, which breaks its outline."""
    hold = load.hold
    for _ in range(int(120 * hold.length_m)):
        k = int(rng.integers(0, profile.size))
        x = rng.uniform(-0.95, 0.95) * hold.half_width_m
        drop = (
            0.13 if abs(x) > 0.88 * hold.half_width_m else 0.06 if abs(x) > 0.62 * hold.half_width_m else 0.0
        )
        size = np.exp(rng.uniform(np.log(0.03), np.log(0.14)))
        half = size * rng.uniform(0.6, 1.1, 3)
        z = hold.z0_m + float(profile[k]) - drop + rng.uniform(-0.3, 0.9) * float(half[2])
        if z + half[2] < hold.z1_m:
            axes = (float(half[0]), float(half[1]), float(half[2]))
            place = hold.within((x, float(edges[k]) + rng.uniform(0.0, 0.06), z), axes)
            load.ellipsoid(material, density, place, axes)


@cargo_type(
    "scrap", ("72", "74", "76"), ("steel scrap", "mixed metal scrap", "aluminium scrap"), is_dense=True
)
def _scrap(load: Load, rng: np.random.Generator) -> None:
    """Metal scrap: sheets, profiles, blocks and pipes as they fell, denser below."""
    hold = load.hold
    material, factor = (("steel", 1.0), ("steel", 1.0), ("aluminium", 0.7), ("copper", 0.6))[
        int(rng.integers(0, 4))
    ]
    solid = {"steel": 7.85, "aluminium": 2.7, "copper": 8.96}[material]
    top = hold.z0_m + rng.uniform(0.35, 0.75) * hold.height_m
    limit = load.part(hold, load.room_kg() * rng.uniform(0.6, 1.0))
    deposit(
        limit,
        material,
        solid,
        (0.06, 0.22),
        int(150 * hold.length_m),
        rng,
        top_m=top,
        flatness=0.45,
        share=0.22 * factor,
    )
    for _ in range(int(55 * hold.length_m)):
        if limit.room_kg() < 100.0:
            break
        _piece(limit, material, solid, top, rng)
    load.mass_kg += limit.mass_kg


def _piece(load: Load, material: str, solid: float, top: float, rng: np.random.Generator) -> None:
    """One recognisable piece: a block, a plate on edge, a pipe, a turned part."""
    hold = load.hold
    z = hold.z0_m + 0.08 + (top - hold.z0_m - 0.1) * rng.beta(1.0, 1.3)
    y = rng.uniform(hold.y0_m + 0.35, hold.y1_m - 0.35)
    x = rng.uniform(-0.75, 0.75)
    pick = rng.random()
    if pick < 0.35:
        half = rng.uniform(0.02, 0.13, 3)
        at = hold.within((x, y, z), (float(half[0]), float(half[1]), float(half[2])))
        spans = [(c - h, c + h) for c, h in zip(at, half, strict=True)]
        load.box(material, 0.6 * solid, spans[0], spans[1], spans[2])
    elif pick < 0.6:
        axis = "xyz"[int(rng.integers(0, 3))]
        radius, length = rng.uniform(0.02, 0.08), rng.uniform(0.2, 0.65)
        at = hold.within_cylinder(axis, (x, y, z), radius, length)
        load.cylinder(material, solid, axis, at, radius, length, inner_m=0.8 * radius)
    elif pick < 0.8:
        wide, tall, thick = rng.uniform(0.1, 0.34), rng.uniform(0.05, 0.3), rng.uniform(0.002, 0.01)
        at = hold.within((x, y, z), (thick, wide, tall))
        spans = [(c - h, c + h) for c, h in zip(at, (thick, wide, tall), strict=True)]
        load.box(material, solid, spans[0], spans[1], spans[2])
    else:
        radius, length = rng.uniform(0.05, 0.15), rng.uniform(0.04, 0.2)
        at = hold.within_cylinder("x", (x, y, z), radius, length)
        load.cylinder(material, solid * 0.8, "x", at, radius, length, inner_m=0.5 * radius)


@cargo_type("logs", ("44",), ("logs in the rough", "tropical round wood"))
def _logs(load: Load, rng: np.random.Generator) -> None:
    """Round wood along the container, each log of its own thickness and length."""
    hold = load.hold
    density = rng.uniform(0.6, 0.95)
    length = min(rng.uniform(0.7, 0.98) * hold.length_m, 11.8)
    z = hold.z0_m
    while load.room_kg() > 800.0:
        radius = rng.uniform(0.13, 0.28)
        if z + 2 * radius > hold.z1_m:
            break
        x = -hold.half_width_m + 0.02
        tall = 0.0
        while True:
            r = radius * rng.uniform(0.75, 1.1)
            if x + 2 * r > hold.half_width_m or load.room_kg() < 800.0:
                break
            long = length * rng.uniform(0.85, 1.0)
            y0 = hold.y0_m + 0.03 + rng.uniform(0.0, max(hold.length_m - long - 0.06, 0.01))
            pieces = 5
            for k in range(pieces):
                # a taper, and bark of uneven thickness
                here = r * (1.0 - 0.025 * k) * rng.uniform(0.985, 1.015)
                centre = (x + r, y0 + (k + 0.5) * long / pieces, z + r + rng.normal(0.0, 0.004))
                load.cylinder("wood", density * rng.normal(1.0, 0.02), "y", centre, here, long / pieces)
            x += 2 * r + 0.01
            tall = max(tall, 2 * r)
        z += 0.92 * max(tall, 0.1)

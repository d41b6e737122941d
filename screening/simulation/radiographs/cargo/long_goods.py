"""Boards, timber, metal sheets, reinforcing bars, stone slabs, ingots."""

from __future__ import annotations

import numpy as np

from screening.simulation.radiographs.hold import Load

from .registry import cargo_type
from .stacking import Place, pallet, pallet_places, strap

__all__: list[str] = []


@cargo_type("sheets", ("44", "48"), ("plywood", "fibreboard", "particle board"))
def _sheets(load: Load, rng: np.random.Generator) -> None:
    """Packs of board on bearers, tier on tier: even blocks with thin horizontal lines."""
    hold = load.hold
    material, density = (("plywood", 0.62), ("mdf", 0.74), ("plasterboard", 0.78))[int(rng.integers(0, 3))]
    long = min(float(rng.choice([2.44, 2.5, 3.05])), hold.length_m - 0.1)
    z = hold.z0_m
    while z + 0.5 < hold.z1_m and load.room_kg() > 1500.0:
        thick = rng.uniform(0.4, 0.75)
        if z + 0.09 + thick > hold.z1_m:
            break
        y = hold.y0_m + 0.03
        while y + long <= hold.y1_m:
            if load.room_kg() < 1000.0 * density * 2.2 * long * thick:
                break
            for bearer in np.linspace(y + 0.15, y + long - 0.24, 4):
                load.box("wood", 0.5, (-1.1, 1.1), (float(bearer), float(bearer) + 0.09), (z, z + 0.085))
            slip = rng.normal(0.0, 0.01)
            for side in ((-1.13, -0.02), (0.02, 1.13)):
                _boards(
                    load,
                    material,
                    density,
                    Place(side, (y + slip, y + long + slip)),
                    (z + 0.085, z + 0.085 + thick),
                    rng,
                )
            for at in (y + 0.5, y + long - 0.5):
                strap(load, at, (z + 0.05, z + 0.085 + thick), 1.13)
            y += long + rng.uniform(0.03, 0.12)
        z += 0.085 + thick + 0.002
        if rng.random() < 0.2:
            break


def _boards(
    load: Load, material: str, density: float, place: Place, z: tuple[float, float], rng: np.random.Generator
) -> None:
    """Stack a pack: groups of boards whose edges are never quite flush."""
    groups = max(int((z[1] - z[0]) / 0.06), 1)
    edges = np.linspace(z[0], z[1], groups + 1)
    for k in range(groups):
        slip = rng.normal(0.0, 0.004, 2)
        load.box(
            material,
            density * rng.normal(1.0, 0.01),
            (place.x[0], place.x[1]),
            (place.y[0] + slip[0], place.y[1] + slip[1]),
            (float(edges[k]), float(edges[k + 1]) - 0.002),
        )


@cargo_type("timber", ("44",), ("sawn timber", "planed softwood", "wooden flooring"))
def _timber(load: Load, rng: np.random.Generator) -> None:
    """Bundles of sawn timber of several lengths, with stickers between the layers."""
    hold = load.hold
    density = rng.uniform(0.42, 0.68)
    bundle = rng.uniform(0.42, 0.62)
    z = hold.z0_m
    tiers = int(rng.uniform(0.75, 1.0) * hold.height_m / (bundle + 0.09))
    for _ in range(max(tiers, 1)):
        for side in (-1.0, 1.0):
            y = hold.y0_m + 0.04
            while y + 1.8 < hold.y1_m and load.room_kg() > 700.0:
                long = min(float(rng.choice([2.4, 3.0, 3.6, 4.2, 4.8])), hold.y1_m - y - 0.02)
                x = (0.03, 1.12) if side > 0 else (-1.12, -0.03)
                _bundle(load, density, Place(x, (y, y + long)), (z, z + bundle), rng)
                y += long + rng.uniform(0.04, 0.3)
        z += bundle + 0.085


def _bundle(
    load: Load, density: float, place: Place, z: tuple[float, float], rng: np.random.Generator
) -> None:
    for bearer in np.arange(place.y[0] + 0.25, place.y[1] - 0.1, 0.95):
        load.box("wood", 0.5, place.x, (float(bearer), float(bearer) + 0.08), (z[0], z[0] + 0.08))
    layers = max(int((z[1] - z[0] - 0.08) / 0.052), 1)
    for k in range(layers):
        low = z[0] + 0.08 + k * 0.052
        ends = place.y[0] + abs(rng.normal(0.0, 0.02)), place.y[1] - abs(rng.normal(0.0, 0.05))
        gap = 0.006 if k % 4 == 3 else 0.001
        load.box("wood", density * rng.normal(1.0, 0.03), place.x, ends, (low, low + 0.052 - gap))


@cargo_type(
    "metal-sheets",
    ("72", "76", "74"),
    ("cold-rolled steel sheets", "aluminium plates", "tinplate"),
    is_dense=True,
)
def _metal_sheets(load: Load, rng: np.random.Generator) -> None:
    """Packs of metal sheet: very dark, very low, far apart."""
    hold = load.hold
    material, density = (("steel", 7.8), ("aluminium", 2.68), ("steel", 7.8))[int(rng.integers(0, 3))]
    thick = rng.uniform(0.04, 0.16) if material == "steel" else rng.uniform(0.2, 0.5)
    for place in pallet_places(hold, rng, gap_m=0.4):
        mass = 1000 * density * (place.x[1] - place.x[0]) * (place.y[1] - place.y[0]) * thick
        if load.room_kg() < mass + 60.0:
            break
        deck = pallet(load, place, hold.z0_m)
        high = thick * rng.uniform(0.6, 1.0)
        load.box(material, density, place.x, place.y, (deck, deck + high))
        load.box("cardboard", 0.4, place.x, place.y, (deck + high, deck + high + 0.008))
        if rng.random() < 0.35 and load.room_kg() > mass:
            load.box("wood", 0.3, place.x, place.y, (deck + high + 0.008, deck + high + 0.09))
            load.box(material, density, place.x, place.y, (deck + high + 0.09, deck + 1.7 * high + 0.09))


@cargo_type("rebar", ("72", "73"), ("reinforcing bars", "wire rod", "steel sections"), is_dense=True)
def _rebar(load: Load, rng: np.random.Generator) -> None:
    """Bundles of bars over the whole floor: a dark band, ragged at its ends."""
    hold = load.hold
    length = min(rng.uniform(0.85, 0.99) * hold.length_m, 11.8)
    y0 = hold.y0_m + 0.04
    bundle = rng.uniform(0.09, 0.13)
    for row in range(3):
        z = hold.z0_m + 0.08 + (row + 0.5) * (2 * bundle + 0.05)
        for x in np.arange(-1.0, 1.01, 2 * bundle + 0.03):
            mass = 1000 * 5.4 * 3.1416 * bundle**2 * length
            if load.room_kg() < mass:
                return
            slip = rng.normal(0.0, 0.04)
            y = y0 + length / 2 + slip
            # bars leave a third of a bundle open; a few stick out
            load.cylinder("steel", 5.4, "y", (float(x), y, z), bundle, length - 0.25)
            for _ in range(5):
                out = rng.uniform(-0.1, 0.14)
                bar = (float(x) + rng.normal(0.0, 0.4 * bundle), y + out, z + rng.normal(0.0, 0.4 * bundle))
                load.cylinder("steel", 7.85, "y", bar, 0.008, length - 0.1)
        for batten in np.arange(y0 + 0.6, y0 + length, 2.0):
            low = hold.z0_m + 0.03 + row * (2 * bundle + 0.05)
            load.box("wood", 0.6, (-1.1, 1.1), (float(batten), float(batten) + 0.09), (low, low + 0.05))


@cargo_type("slabs", ("25", "68"), ("granite slabs", "marble slabs", "stone blocks"), is_dense=True)
def _slabs(load: Load, rng: np.random.Generator) -> None:
    """Stone slabs on edge in A-frames along the box, or crates of them."""
    hold = load.hold
    material = str(rng.choice(["granite", "marble"]))
    tall, thick = rng.uniform(1.1, 1.8), rng.uniform(0.018, 0.032)
    long = rng.uniform(1.9, 3.0)
    tall = min(tall, hold.height_m - 0.35)
    y = hold.y0_m + 0.25
    while y + long < hold.y1_m and load.room_kg() > 2500.0:
        per_slab = 1000 * 2.68 * long * tall * thick
        number = min(int(rng.integers(8, 20)), int(load.room_kg() * 0.5 / per_slab))
        for k in range(number):
            side = 1.0 if k % 2 else -1.0
            # each leans on the one before: its foot further out than its head; drawn upright in three steps
            foot = side * (0.30 + (k // 2) * (thick + 0.004))
            for step in range(3):
                lean = side * -0.05 * step
                z = (hold.z0_m + 0.16 + step * tall / 3, hold.z0_m + 0.16 + (step + 1) * tall / 3)
                x = foot + lean
                ends = (y + 0.01 * rng.standard_normal(), y + long + 0.01 * rng.standard_normal())
                load.box(material, 2.68, (x - thick / 2, x + thick / 2), ends, z)
        for post in (y + 0.2, y + long / 2, y + long - 0.3):
            load.box("wood", 0.6, (-0.9, 0.9), (post, post + 0.1), (hold.z0_m, hold.z0_m + 0.16))
            for x in (-0.85, 0.8):
                load.box("wood", 0.6, (x, x + 0.08), (post, post + 0.1), (hold.z0_m, hold.z0_m + tall + 0.1))
            load.box(
                "wood",
                0.5,
                (-0.9, 0.9),
                (post, post + 0.08),
                (hold.z0_m + 0.16 + tall, hold.z0_m + 0.24 + tall),
            )
        y += long + rng.uniform(0.4, 1.5)


@cargo_type(
    "ingots",
    ("76", "78", "79", "80"),
    ("aluminium ingots", "zinc ingots", "tin ingots", "lead ingots"),
    is_dense=True,
)
def _ingots(load: Load, rng: np.random.Generator) -> None:
    """Metal ingots stacked crosswise in low strapped bundles of a tonne."""
    hold = load.hold
    material, density = (("aluminium", 2.65), ("zinc", 7.0), ("tin", 7.2), ("lead", 11.2))[
        int(rng.integers(0, 4))
    ]
    wide, long, thick = 0.11, rng.uniform(0.62, 0.75), 0.075
    layers = max(int(1000.0 / (1000 * density * 0.75 * long * long * thick)), 2)
    y = hold.y0_m + 0.25
    pitch = max(hold.length_m / 13.0, long + 0.12)
    while y + long < hold.y1_m:
        for x0 in (-0.95, 0.2):
            if load.room_kg() < 1100.0:
                return
            for layer in range(layers):
                z = (hold.z0_m + layer * thick, hold.z0_m + (layer + 1) * thick - 0.004)
                n = int(long / wide)
                for k in range(n):
                    at = k * long / n
                    if layer % 2:
                        load.box(
                            material, density, (x0, x0 + long), (y + at + 0.006, y + at + long / n - 0.006), z
                        )
                    else:
                        load.box(
                            material, density, (x0 + at + 0.006, x0 + at + long / n - 0.006), (y, y + long), z
                        )
        y += pitch * rng.uniform(0.97, 1.05)

"""Goods in cartons, on pallets or stacked loose: textiles, electronics, bottles, cans, tiles."""

from __future__ import annotations

import numpy as np

from screening.simulation.radiographs.hold import Load

from .registry import cargo_type
from .stacking import Place, pallet, pallet_places, stack_boxes

__all__: list[str] = []


def _size(rng: np.random.Generator, low: float, high: float) -> tuple[float, float, float]:
    first, second, third = rng.uniform(low, high, 3)
    return float(first), float(second), float(third)


@cargo_type(
    "boxes", ("39", "84", "94", "95"), ("general merchandise", "plastic articles", "toys"), is_light=True
)
def _boxes(load: Load, rng: np.random.Generator) -> None:
    """Palletised cartons; each pallet holds one article, heights differ, tops are ragged."""
    hold = load.hold
    material = str(rng.choice(["cardboard", "polypropylene", "mixed-cargo"]))
    mean, fill = rng.uniform(0.10, 0.34), rng.uniform(0.45, 0.97)
    for place in pallet_places(hold, rng):
        deck = pallet(load, place, hold.z0_m)
        density = mean * np.exp(rng.normal(0.0, 0.25))
        top = deck + min(fill * rng.uniform(0.85, 1.03), 0.98) * (hold.z1_m - deck)
        stack_boxes(
            load,
            material,
            density,
            place,
            (deck, top),
            _size(rng, 0.24, 0.5),
            rng,
            spread=0.08,
            missing=0.2,
            void=rng.uniform(0.0, 0.08),
            grain=rng.uniform(0.2, 0.7),
        )


@cargo_type("textiles", ("61", "62", "63"), ("garments", "household linen", "knitwear"), is_light=True)
def _textiles(load: Load, rng: np.random.Generator) -> None:
    """Cartons of garments stacked loose from wall to wall, soft and bulging."""
    hold = load.hold
    mean = rng.uniform(0.07, 0.16)
    across, tall = rng.uniform(0.36, 0.58), rng.uniform(0.28, 0.45)
    y = hold.y0_m + 0.02
    high = rng.uniform(0.6, 0.97)
    while y + 0.35 < hold.y1_m:
        along = rng.uniform(0.38, 0.62)
        end = min(y + along, hold.y1_m)
        row = (-hold.half_width_m + 0.01, hold.half_width_m - rng.uniform(0.01, 0.12))
        top = hold.z0_m + high * rng.uniform(0.93, 1.0) * hold.height_m
        stack_boxes(
            load,
            "textile",
            mean * rng.normal(1.0, 0.05),
            Place(row, (y, end)),
            (hold.z0_m, top),
            (across, end - y, tall),
            rng,
            spread=0.12,
            missing=0.15,
            grain=0.4,
        )
        y = end + rng.exponential(0.012)


@cargo_type("electronics", ("84", "85"), ("computers", "television sets", "printed circuit assemblies"))
def _electronics(load: Load, rng: np.random.Generator) -> None:
    """Appliances in foam: a box of air and foam, boards, a transformer or a panel in each."""
    hold = load.hold
    size = (rng.uniform(0.3, 0.55), rng.uniform(0.4, 0.8), rng.uniform(0.25, 0.6))
    for place in pallet_places(hold, rng):
        deck = pallet(load, place, hold.z0_m)
        across = max(int((place.x[1] - place.x[0]) / size[0]), 1)
        along = max(int((place.y[1] - place.y[0]) / size[1]), 1)
        layers = max(int(rng.uniform(0.75, 0.95) * (hold.z1_m - deck) / size[2]), 1)
        sx, sy = (place.x[1] - place.x[0]) / across, (place.y[1] - place.y[0]) / along
        for layer in range(layers):
            z = deck + layer * size[2]
            for i in range(across):
                for j in range(along):
                    x0, y0 = place.x[0] + i * sx, place.y[0] + j * sy
                    load.box(
                        "polystyrene-foam",
                        0.06,
                        (x0 + 0.004, x0 + sx - 0.004),
                        (y0 + 0.004, y0 + sy - 0.004),
                        (z + 0.002, z + size[2] - 0.003),
                    )
                    load.box(
                        "electronics",
                        0.42,
                        (x0 + 0.06, x0 + sx - 0.06),
                        (y0 + 0.06, y0 + sy - 0.06),
                        (z + 0.05, z + size[2] * 0.8),
                    )
                    at = (x0 + 0.12, y0 + 0.12 + rng.normal(0.0, 0.004), z + 0.08)
                    load.box(
                        "steel", 3.2, (at[0], at[0] + 0.07), (at[1], at[1] + 0.08), (at[2], at[2] + 0.07)
                    )
                    load.box(
                        "copper", 1.6, (at[0], at[0] + 0.07), (at[1], at[1] + 0.08), (at[2], at[2] + 0.07)
                    )


@cargo_type("bottles", ("22", "20", "33"), ("wine in bottles", "mineral water", "olive oil in bottles"))
def _bottles(load: Load, rng: np.random.Generator) -> None:
    """Cases of glass bottles: bodies below, necks and air above, layer on layer."""
    hold = load.hold
    liquid = str(rng.choice(["wine", "beer", "vegetable-oil"]))
    case = (rng.uniform(0.24, 0.34), rng.uniform(0.3, 0.4), rng.uniform(0.30, 0.34))
    layers = int(rng.integers(4, 8))
    for place in pallet_places(hold, rng):
        deck = pallet(load, place, hold.z0_m)
        for layer in range(layers):
            z = deck + layer * case[2]
            if z + case[2] > hold.z1_m or load.room_kg() < 300.0:
                break
            bodies = (z + 0.004, z + 0.62 * case[2])
            # glass is a fifth of a case, liquid four tenths; round bottles leave the rest open
            stack_boxes(
                load, liquid, 0.42, place, bodies, (case[0], case[1], bodies[1] - bodies[0]), rng, spread=0.02
            )
            load.box("window-glass", 0.28, place.x, place.y, bodies)
            load.box("window-glass", 0.19, place.x, place.y, (bodies[1], z + 0.97 * case[2]))
            load.box("cardboard", 0.25, place.x, place.y, (z + 0.97 * case[2], z + 0.99 * case[2]))
            pitch = 0.085
            for y in np.arange(place.y[0] + pitch / 2, place.y[1] - pitch / 2, pitch):
                # what a row of bottles adds in its middle
                centre = ((place.x[0] + place.x[1]) / 2, float(y), (bodies[0] + bodies[1]) / 2)
                load.box(liquid, 0.16, place.x, (centre[1] - 0.024, centre[1] + 0.024), bodies)


@cargo_type("cans", ("16", "20", "22"), ("canned fish", "canned vegetables", "beer in cans"))
def _cans(load: Load, rng: np.random.Generator) -> None:
    """Trays of tins under film: even, dense blocks with thin lines between the layers."""
    hold = load.hold
    goods = str(rng.choice(["fish", "vegetables", "beer"]))
    tray = rng.uniform(0.09, 0.14)
    layers = int(rng.integers(9, 17))
    for place in pallet_places(hold, rng):
        deck = pallet(load, place, hold.z0_m)
        for layer in range(layers):
            z = deck + layer * (tray + 0.004)
            if z + tray > hold.z1_m or load.room_kg() < 150.0:
                break
            size = (0.38, 0.27, tray)
            stack_boxes(load, goods, 0.62, place, (z, z + tray), size, rng, spread=0.015)
            load.box("steel", 0.085, place.x, place.y, (z + 0.003, z + tray - 0.003))
            for lid in (z + 0.002, z + tray - 0.003):
                load.box("steel", 3.4, place.x, place.y, (lid, lid + 0.0006))
        if rng.random() < 0.5:
            load.box("polyethylene", 0.05, place.x, place.y, (deck, hold.z0_m + 0.16))


@cargo_type("tiles", ("69", "68"), ("ceramic tiles", "sanitary ware", "porcelain stoneware"), is_dense=True)
def _tiles(load: Load, rng: np.random.Generator) -> None:
    """Ceramic tiles: low pallets, because a few of them are all that a container may weigh."""
    hold = load.hold
    size = (rng.uniform(0.3, 0.62), rng.uniform(0.3, 0.62), rng.uniform(0.07, 0.12))
    high = rng.uniform(0.55, 0.95)
    # a tenth of the floor stays free, where the weight limit leaves it
    for place in pallet_places(hold, rng, gap_m=0.12):
        if load.room_kg() < 900.0:
            break
        deck = pallet(load, place, hold.z0_m)
        top = min(deck + high * rng.uniform(0.9, 1.05), hold.z1_m)
        narrow = Place((place.x[0] + 0.06, place.x[1] - 0.06), place.y)
        stack_boxes(load, "ceramics", 1.85, narrow, (deck, top), size, rng, spread=0.02)


@cargo_type("cigarettes", ("24",), ("cigarettes", "tobacco products"), is_light=True)
def _cigarettes(load: Load, rng: np.random.Generator) -> None:
    """Master cases of cigarettes, all alike: a very regular grid."""
    hold = load.hold
    size = (0.39, 0.58, 0.52)
    for place in pallet_places(hold, rng, gap_m=0.02):
        deck = pallet(load, place, hold.z0_m)
        stack_boxes(load, "tobacco", 0.24, place, (deck, hold.z1_m - 0.1), size, rng, spread=0.01)


@cargo_type("medicines", ("30", "33"), ("pharmaceuticals", "cosmetics", "medical supplies"), is_light=True)
def _medicines(load: Load, rng: np.random.Generator) -> None:
    """Small cartons of many articles: every pallet differs, every carton a little."""
    hold = load.hold
    for place in pallet_places(hold, rng):
        deck = pallet(load, place, hold.z0_m)
        z = deck
        top = deck + rng.uniform(0.4, 0.75) * (hold.z1_m - deck)
        while z < top:
            material = str(rng.choice(["cardboard", "water", "polypropylene"]))
            size = _size(rng, 0.22, 0.42)
            z1 = min(z + size[2] * int(rng.integers(1, 3)), hold.z1_m)
            if z1 - z < size[2]:
                break
            z = stack_boxes(
                load, material, rng.uniform(0.12, 0.5), place, (z, z1), size, rng, spread=0.15, grain=0.5
            )

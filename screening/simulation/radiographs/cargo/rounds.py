"""Round goods: drums, paper rolls, steel coils, tyres, tubes, cable reels, liquid containers."""

from __future__ import annotations

import itertools

import numpy as np

from screening.simulation.radiographs.hold import Load

from .registry import cargo_type
from .stacking import Place, pallet, pallet_places, strap

__all__: list[str] = []

STEEL_G_CM3 = 7.85


@cargo_type("drums", ("27", "29", "32", "34"), ("lubricating oil", "chemicals in drums", "paint"))
def _drums(load: Load, rng: np.random.Generator) -> None:
    """Steel drums of 200 litres, four to a pallet or on the floor, in one or two tiers."""
    hold = load.hold
    liquid, density = (("oil", 0.88), ("glycol", 1.1), ("water", 1.0), ("paint", 1.25))[
        int(rng.integers(0, 4))
    ]
    radius, tall = 0.29, 0.88
    tiers = 2 if rng.random() < 0.6 else 1
    is_palletised = rng.random() < 0.5
    z = hold.z0_m
    for _ in range(tiers):
        if z + tall + 0.15 > hold.z1_m:
            break
        if is_palletised:
            for place in pallet_places(hold, rng):
                deck = pallet(load, place, z)
                for dx in (0.27, 0.73):
                    for dy in (0.27, 0.73):
                        x = place.x[0] + dx * (place.x[1] - place.x[0])
                        y = place.y[0] + dy * (place.y[1] - place.y[0])
                        _drum(load, (x, y, deck), (min(radius, 0.24 * 1.15), tall), liquid, density, rng)
            z += 0.145 + tall
        else:
            load.box("plywood", 0.6, (-1.1, 1.1), (hold.y0_m, hold.y1_m), (z, z + 0.012))
            y, k = hold.y0_m + radius + 0.01, 0
            while y + radius < hold.y1_m:
                # offset rows: three and four drums by turns
                for x in (-0.82, -0.24, 0.36, 0.84) if k % 2 == 0 else (-0.55, 0.05, 0.62):
                    _drum(
                        load, (x, y + rng.normal(0.0, 0.006), z + 0.012), (radius, tall), liquid, density, rng
                    )
                y, k = y + (0.535 if k % 2 == 0 else 0.545), k + 1
            z += 0.012 + tall


def _drum(
    load: Load,
    foot: tuple[float, float, float],
    size: tuple[float, float],
    liquid: str,
    density: float,
    rng: np.random.Generator,
) -> None:
    """Add a drum: 1.2 mm steel, two rolling hoops, ullage on top; one in fifty is empty."""
    radius, tall = size
    if load.room_kg() < 230.0:
        return
    x, y, z = foot
    middle = z + tall / 2
    load.cylinder("steel", STEEL_G_CM3, "z", (x, y, middle), radius, tall - 0.01, inner_m=radius - 0.0012)
    for lid in (z + 0.012, z + tall - 0.015):
        load.cylinder("steel", STEEL_G_CM3, "z", (x, y, lid), radius, 0.0012)
    for hoop in (z + tall / 3, z + 2 * tall / 3):
        load.cylinder("steel", STEEL_G_CM3, "z", (x, y, hoop), radius + 0.006, 0.02, inner_m=radius)
    if rng.random() < 0.98:
        level = rng.uniform(0.9, 0.95) * tall
        load.cylinder(liquid, density, "z", (x, y, z + 0.012 + level / 2), radius - 0.0012, level)


@cargo_type(
    "rolls", ("48", "39", "54"), ("newsprint in rolls", "kraft paper", "plastic film on rolls"), is_dense=True
)
def _rolls(load: Load, rng: np.random.Generator) -> None:
    """Paper rolls standing on end, wound a little tighter at the core, which is open."""
    hold = load.hold
    radius, length = rng.uniform(0.48, 0.6), rng.uniform(0.75, 1.25)
    density = rng.uniform(0.6, 0.95)
    tiers = 2 if 2 * length + 0.02 < hold.height_m else 1
    for tier in range(tiers):
        z = hold.z0_m + (tier + 0.5) * length + 0.004 * (tier + 1)
        y, k = hold.y0_m + radius + 0.01, 0
        while y + radius < hold.y1_m:
            side = hold.half_width_m - radius - 0.01
            for x in (-side, side):
                if load.room_kg() < 1000.0 * density * 3.14 * radius**2 * length:
                    return
                mean = density * rng.normal(1.0, 0.015)
                centre = (float(x) + rng.normal(0.0, 0.004), y + rng.normal(0.0, 0.004), z)
                load.cylinder("paper", mean, "z", centre, radius, length - 0.006, inner_m=0.04)
                load.cylinder("paper", 0.06 * mean, "z", centre, 0.5 * radius, length - 0.006, inner_m=0.04)
                load.cylinder("cardboard", 0.75, "z", centre, 0.04, length - 0.002, inner_m=0.033)
            k += 1
            # rolls of more than half the width stand staggered
            y += (
                2 * radius + abs(rng.normal(0.008, 0.006))
                if 4 * radius < 2 * hold.half_width_m
                else 2 * radius + 0.01
            )


@cargo_type(
    "coils",
    ("72", "73", "76"),
    ("hot-rolled steel coils", "galvanised coil", "aluminium coils"),
    is_dense=True,
)
def _coils(load: Load, rng: np.random.Generator) -> None:
    """Metal coils in cradles of timber: eye to the side (a ring) or eye to the sky (a block)."""
    hold = load.hold
    is_steel = rng.random() < 0.75
    material, density = ("steel", 7.7) if is_steel else ("aluminium", 2.6)
    is_side = rng.random() < 0.6
    radius, width = rng.uniform(0.45, 0.68), rng.uniform(0.55, 1.25)
    bore = 0.254 if rng.random() < 0.6 else 0.305
    mass = 1000 * density * 3.1416 * (radius**2 - bore**2) * width
    number = max(min(int(load.room_kg() / (mass + 60.0)), int(hold.length_m / (2 * radius + 0.35)), 8), 1)
    # weight is spread along the floor: coils stand apart, never in a heap
    for y in (
        np.linspace(hold.y0_m + radius + 0.3, hold.y1_m - radius - 0.3, number)
        if number > 1
        else ((hold.y0_m + hold.y1_m) / 2,)
    ):
        at = float(y) + rng.normal(0.0, 0.05)
        while mass > load.room_kg():
            radius *= 0.93
            mass = 1000 * density * 3.1416 * max(radius**2 - bore**2, 0.02) * width
        r = radius * rng.uniform(0.96, 1.0)
        if is_side:
            centre = (rng.normal(0.0, 0.03), at, hold.z0_m + 0.11 + r)
            load.cylinder(material, density, "x", centre, r, width, inner_m=bore)
            for side in (-1.0, 1.0):
                # a wedge of steps under each flank, on two beams
                for k in range(4):
                    low = hold.z0_m + 0.1 + 0.05 * k
                    place = at + side * (0.28 + 0.07 * k)
                    load.box("wood", 0.6, (-0.6, 0.6), (place, place + 0.07), (low, low + 0.05))
            load.box("wood", 0.6, (-1.0, 1.0), (at - 0.6, at - 0.45), (hold.z0_m, hold.z0_m + 0.1))
            load.box("wood", 0.6, (-1.0, 1.0), (at + 0.45, at + 0.6), (hold.z0_m, hold.z0_m + 0.1))
        else:
            centre = (rng.normal(0.0, 0.05), at, hold.z0_m + 0.12 + width / 2)
            deck = Place((-r, r), (at - r, at + r))
            pallet(load, deck, hold.z0_m)
            load.cylinder(material, density, "z", (centre[0], at, centre[2] + 0.03), r, width, inner_m=bore)
        strap(load, at + 0.8 * r, (hold.z0_m, hold.z0_m + 2 * r), 0.9)


@cargo_type("tyres", ("40",), ("new pneumatic tyres", "used tyres"))
def _tyres(load: Load, rng: np.random.Generator) -> None:
    """Tyres lying in columns, or laced: each leans on its neighbour."""
    hold = load.hold
    radius = rng.uniform(0.29, 0.36) if rng.random() < 0.7 else rng.uniform(0.48, 0.53)
    width = 0.66 * radius
    y, k = hold.y0_m + radius, 0
    columns = max(int(2 * hold.half_width_m / (2 * radius)), 2)
    while y + radius < hold.y1_m:
        layers = int((hold.height_m * rng.uniform(0.85, 0.98)) / width)
        shift = 0.3 * radius if k % 2 else 0.0
        for x in np.linspace(-hold.half_width_m + radius, hold.half_width_m - radius, columns):
            for layer in range(layers):
                if load.room_kg() < 60.0:
                    return
                z = hold.z0_m + (layer + 0.5) * width
                slip = rng.normal(0.0, 0.018, 2)
                centre = (
                    float(
                        np.clip(x + shift + slip[0], -hold.half_width_m + radius, hold.half_width_m - radius)
                    ),
                    y + slip[1],
                    z,
                )
                load.cylinder("tyre", 1.15, "z", centre, radius, width * 0.98, inner_m=0.86 * radius)
                load.cylinder("tyre", 0.42, "z", centre, 0.86 * radius, width * 0.9, inner_m=0.58 * radius)
                load.cylinder("steel", 0.9, "z", centre, 0.61 * radius, width * 0.8, inner_m=0.58 * radius)
        y, k = y + 2 * radius * rng.uniform(0.99, 1.04), k + 1


@cargo_type("tubes", ("73", "76", "39"), ("steel pipes", "welded tubes", "casing"))
def _tubes(load: Load, rng: np.random.Generator) -> None:
    """Pipes along the container in nested rows, with stakes and wedges."""
    hold = load.hold
    material, density = (("steel", 7.85), ("steel", 7.85), ("pvc", 1.38), ("aluminium", 2.7))[
        int(rng.integers(0, 4))
    ]
    radius = rng.uniform(0.035, 0.16)
    wall = (
        radius * rng.uniform(0.05, 0.12)
        if material != "steel"
        else max(0.003, radius * rng.uniform(0.03, 0.08))
    )
    length = min(rng.uniform(0.75, 0.99) * hold.length_m, 11.9)
    y0 = hold.y0_m + rng.uniform(0.05, max(hold.length_m - length, 0.06))
    each = 1000 * density * 3.1416 * (radius**2 - (radius - wall) ** 2) * length
    top = hold.z0_m + rng.uniform(0.35, 0.9) * hold.height_m
    z, row = hold.z0_m + 0.08 + radius, 0
    while z + radius < top and load.room_kg() > each:
        offset = radius if row % 2 else 0.0
        for x in np.arange(
            -hold.half_width_m + 0.06 + radius + offset, hold.half_width_m - 0.06 - radius, 2 * radius
        ):
            if load.room_kg() < each:
                break
            slip = rng.normal(0.0, 0.03)
            long = length * rng.uniform(0.985, 1.0)
            centre = (float(x), y0 + length / 2 + slip, z + rng.normal(0.0, 0.001))
            load.cylinder(material, density, "y", centre, radius, long, inner_m=radius - wall)
        if row % 4 == 3:
            for batten in np.arange(y0 + 0.4, y0 + length, 2.2):
                load.box(
                    "wood",
                    0.55,
                    (-1.1, 1.1),
                    (float(batten), float(batten) + 0.08),
                    (z + radius, z + radius + 0.05),
                )
            z += 0.05
        z, row = z + 1.74 * radius, row + 1
    for stake in np.arange(y0 + 0.4, y0 + length, 2.2):
        load.box("wood", 0.6, (-1.1, 1.1), (float(stake), float(stake) + 0.1), (hold.z0_m, hold.z0_m + 0.08))
        strap(load, float(stake) + 0.2, (hold.z0_m, z), 1.1)


@cargo_type("cable-reels", ("85", "74"), ("power cable on drums", "copper wire"), is_dense=True)
def _cable_reels(load: Load, rng: np.random.Generator) -> None:
    """Cable on wooden drums standing on their flanges."""
    hold = load.hold
    y = hold.y0_m + 0.1
    while y + 0.8 < hold.y1_m:
        radius = min(rng.uniform(0.4, 0.95), (hold.height_m - 0.05) / 2)
        width = rng.uniform(0.5, 1.0)
        mass = 1000 * 3.6 * 3.1416 * (0.72 * radius) ** 2 * width
        if load.room_kg() < mass + 100.0:
            break
        x = rng.uniform(-1.0, 1.0) * max(hold.half_width_m - width / 2 - 0.05, 0.0)
        centre = (x, y + radius, hold.z0_m + radius)
        if y + 2 * radius > hold.y1_m:
            break
        for side in (-0.5, 0.5):
            flange = (centre[0] + side * width, centre[1], centre[2])
            load.cylinder("wood", 0.6, "x", flange, radius, 0.05)
        wound = radius * rng.uniform(0.7, 0.9)
        core = 0.4 * radius
        load.cylinder("copper", 2.2, "x", centre, wound, width - 0.06, inner_m=core)
        load.cylinder("pvc", 0.7, "x", centre, wound, width - 0.06, inner_m=core)
        load.cylinder("wood", 0.6, "x", centre, core, width - 0.06, inner_m=core - 0.04)
        for wedge in (-0.5, 0.5):
            load.box(
                "wood",
                0.6,
                (x - width / 2, x + width / 2),
                (centre[1] + wedge * radius - 0.05, centre[1] + wedge * radius + 0.05),
                (hold.z0_m, hold.z0_m + 0.1),
            )
        y += 2 * radius + rng.uniform(0.05, 0.3)


@cargo_type(
    "liquid-totes", ("28", "29", "34", "15"), ("chemicals in IBC", "detergent concentrate", "vegetable oil")
)
def _liquid_totes(load: Load, rng: np.random.Generator) -> None:
    """Plastic tanks of 1,000 litres in a cage of steel tube on a pallet."""
    hold = load.hold
    liquid, density = (("water", 1.05), ("vegetable-oil", 0.92), ("detergent", 1.05), ("ethanol", 0.8))[
        int(rng.integers(0, 4))
    ]
    for place in pallet_places(hold, rng):
        if load.room_kg() < 1150.0:
            break
        deck = pallet(load, place, hold.z0_m)
        level = rng.uniform(0.82, 0.93)
        inner_x = (place.x[0] + 0.04, place.x[1] - 0.04)
        inner_y = (place.y[0] + 0.04, place.y[1] - 0.04)
        load.box(liquid, density, inner_x, inner_y, (deck + 0.02, deck + level))
        for y in np.linspace(place.y[0], place.y[1] - 0.02, 8):
            for x in (place.x[0], place.x[1] - 0.02):
                load.box("steel", 1.6, (x, x + 0.02), (float(y), float(y) + 0.02), (deck, deck + 1.0))
        for z in np.linspace(deck + 0.05, deck + 0.98, 5):
            for x in (place.x[0], place.x[1] - 0.02):
                load.box("steel", 1.6, (x, x + 0.02), place.y, (float(z), float(z) + 0.02))
        load.cylinder(
            "polyethylene",
            0.9,
            "z",
            ((place.x[0] + place.x[1]) / 2, (place.y[0] + place.y[1]) / 2, deck + 1.0),
            0.11,
            0.05,
        )


@cargo_type("flexitank", ("15", "22", "20"), ("wine in bulk", "palm oil", "fruit juice concentrate"))
def _flexitank(load: Load, rng: np.random.Generator) -> None:
    """Lay a bag of liquid over the whole floor, its top a flat cushion, with a bulkhead at the doors."""
    hold = load.hold
    liquid, density = (("wine", 0.99), ("vegetable-oil", 0.92), ("honey", 1.3))[int(rng.integers(0, 3))]
    # at most 24 tonnes, and at most what stays below the middle of the walls
    area = 2 * 1.12 * min(hold.length_m - 0.3, 11.6)
    height = min(
        1000.0 * min(load.room_kg(), 24_000.0) / (1e6 * density * area) * rng.uniform(0.85, 1.0), 1.45
    )
    edges = np.linspace(hold.y0_m + 0.05, hold.y0_m + 0.05 + min(hold.length_m - 0.3, 11.6), 81)
    middle, half = (edges[0] + edges[-1]) / 2, (edges[-1] - edges[0]) / 2
    for y0, y1 in itertools.pairwise(edges):
        u = abs((y0 + y1) / 2 - middle) / half
        round_off = (1.0 - u**8) ** 0.5
        for across, share in ((0.0, 1.0), (0.75, 0.96), (0.9, 0.85)):
            inner, outer = across * 1.13, {0.0: 0.75, 0.75: 0.9, 0.9: 1.0}[across] * 1.13
            top = hold.z0_m + max(height * share * round_off * (1.0 + 0.01 * rng.standard_normal()), 0.02)
            spans = ((-outer, outer),) if across == 0.0 else ((-outer, -inner), (inner, outer))
            for x in spans:
                load.box(liquid, density, x, (float(y0), float(y1)), (hold.z0_m, top))
    door = float(edges[-1]) + 0.05
    for z in np.arange(hold.z0_m + 0.15, hold.z0_m + 1.6, 0.33):
        load.box("steel", 1.2, (-1.13, 1.13), (door, door + 0.04), (float(z), float(z) + 0.06))
    load.box("plywood", 0.6, (-1.13, 1.13), (door - 0.02, door), (hold.z0_m, hold.z0_m + 1.5))

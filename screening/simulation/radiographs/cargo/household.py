"""Furniture, removals and foam: light goods of many shapes."""

from __future__ import annotations

import numpy as np

from screening.simulation.radiographs.hold import Load

from .registry import cargo_type
from .stacking import Place

__all__: list[str] = []


@cargo_type("furniture", ("94",), ("wooden furniture", "office furniture", "chairs"), is_light=True)
def _furniture(load: Load, rng: np.random.Generator) -> None:
    """Furniture in flat packs and whole pieces: panels, drawers, tables with their legs up."""
    hold = load.hold
    y = hold.y0_m + 0.03
    while y + 0.5 < hold.y1_m:
        deep = rng.uniform(0.4, 0.9)
        if y + deep > hold.y1_m:
            break
        for x0, x1 in ((-1.13, -0.02), (0.02, 1.13)):
            z = hold.z0_m
            while z + 0.35 < hold.z1_m:
                tall = min(rng.uniform(0.3, 1.1), hold.z1_m - z - 0.02)
                if tall < 0.2:
                    break
                _piece(load, Place((x0, x1), (y, y + deep)), (z, z + tall), rng)
                z += tall + rng.uniform(0.005, 0.04)
        y += deep + rng.uniform(0.01, 0.08)


def _piece(load: Load, place: Place, z: tuple[float, float], rng: np.random.Generator) -> None:
    pick = rng.random()
    x, y = place.x, place.y
    if pick < 0.35:
        # flat pack: boards on edge with foam at the ends
        for k in range(int((y[1] - y[0]) / 0.09)):
            at = y[0] + 0.09 * k
            load.box(
                "mdf",
                0.68,
                (x[0] + 0.05, x[1] - 0.05),
                (at, at + rng.uniform(0.016, 0.05)),
                (z[0] + 0.01, z[1] - rng.uniform(0.01, 0.05)),
            )
    elif pick < 0.7:
        # a cabinet: walls of 16 mm, shelves or drawers, handles
        for side in (y[0], y[1] - 0.016):
            load.box("mdf", 0.7, x, (side, side + 0.016), z)
        for side in (x[0], x[1] - 0.016):
            load.box("mdf", 0.7, (side, side + 0.016), y, z)
        for shelf in np.linspace(z[0], z[1] - 0.016, int(rng.integers(2, 6))):
            load.box("mdf", 0.7, x, y, (float(shelf), float(shelf) + 0.016))
            load.box(
                "steel",
                3.0,
                (x[0], x[0] + 0.1),
                ((y[0] + y[1]) / 2 - 0.05, (y[0] + y[1]) / 2 + 0.05),
                (float(shelf) + 0.03, float(shelf) + 0.04),
            )
    elif pick < 0.85:
        # an upholstered seat: foam, a frame, springs
        load.box("polyurethane-foam", 0.05, x, y, (z[0], z[1]))
        load.box("wood", 0.5, x, (y[0], y[0] + 0.05), z)
        load.box("wood", 0.5, x, y, (z[0], z[0] + 0.03))
        for spring in np.arange(y[0] + 0.1, y[1] - 0.05, 0.1):
            load.cylinder(
                "steel",
                0.35,
                "z",
                ((x[0] + x[1]) / 2, float(spring), (z[0] + z[1]) / 2),
                0.03,
                0.6 * (z[1] - z[0]),
            )
    else:
        for at in (y[0] + 0.02, y[1] - 0.07):
            for leg in (x[0] + 0.03, x[1] - 0.08):
                load.box("wood", 0.62, (leg, leg + 0.05), (at, at + 0.05), z)
        load.box("wood", 0.62, x, y, (z[0], z[0] + 0.025))


@cargo_type(
    "household", ("94", "99", "85"), ("household effects", "personal effects", "removal goods"), is_light=True
)
def _household(load: Load, rng: np.random.Generator) -> None:
    """Load a household on the move: cartons, appliances, bicycles, mattresses, rolled carpets, no order."""
    hold = load.hold
    y = hold.y0_m + 0.03
    while y + 0.45 < hold.y1_m:
        deep = rng.uniform(0.42, 0.85)
        if y + deep > hold.y1_m:
            break
        x = -hold.half_width_m + 0.01
        while x + 0.4 < hold.half_width_m:
            wide = min(rng.uniform(0.4, 0.95), hold.half_width_m - x)
            z = hold.z0_m
            while z + 0.25 < hold.z1_m - rng.uniform(0.0, 0.5):
                tall = min(rng.uniform(0.22, 0.9), hold.z1_m - z - 0.02)
                _effect(load, Place((x, x + wide - 0.01), (y, y + deep - 0.01)), (z, z + tall), rng)
                z += tall + 0.005
            x += wide
        y += deep + abs(rng.normal(0.0, 0.03))


def _effect(load: Load, place: Place, z: tuple[float, float], rng: np.random.Generator) -> None:
    x, y = place.x, place.y
    cx, cy, cz = (x[0] + x[1]) / 2, (y[0] + y[1]) / 2, (z[0] + z[1]) / 2
    pick = rng.random()
    if pick < 0.45:
        # a carton of anything: layers of different weight
        for low in np.arange(z[0], z[1] - 0.05, 0.1):
            load.box(
                "mixed-cargo",
                float(np.exp(rng.normal(np.log(0.14), 0.7))),
                x,
                y,
                (float(low), float(low) + 0.095),
            )
    elif pick < 0.6 and z[1] - z[0] > 0.5:
        # a washing machine or a cooker: sheet, motor, a block of concrete
        load.box("steel", 0.14, x, y, z)
        load.cylinder(
            "steel", 0.5, "x", (cx, cy, cz), 0.3 * min(y[1] - y[0], z[1] - z[0]) + 0.05, 0.5 * (x[1] - x[0])
        )
        load.cylinder("copper", 3.0, "x", (cx, cy + 0.05, z[0] + 0.12), 0.06, 0.15)
        load.box(
            "concrete", 1.8, (x[0] + 0.1, x[1] - 0.1), (cy - 0.12, cy + 0.12), (z[1] - 0.16, z[1] - 0.06)
        )
    elif pick < 0.7:
        load.box("polyurethane-foam", 0.045, x, y, z)
        for k in np.arange(z[0] + 0.05, z[1], 0.09):
            load.box("steel", 0.12, x, y, (float(k), float(k) + 0.012))
    elif pick < 0.8:
        load.cylinder(
            "wool", 0.32, "z", (cx, cy, cz), 0.4 * min(x[1] - x[0], y[1] - y[0]), z[1] - z[0], inner_m=0.03
        )
    elif pick < 0.88 and y[1] - y[0] > 0.5 and z[1] - z[0] > 0.4:
        for wheel in (y[0] + 0.2, y[1] - 0.2):
            load.cylinder("aluminium", 2.7, "x", (cx, wheel, z[0] + 0.2), 0.2, 0.02, inner_m=0.185)
            load.cylinder("tyre", 1.1, "x", (cx, wheel, z[0] + 0.2), 0.22, 0.03, inner_m=0.2)
        load.cylinder("steel", 4.0, "y", (cx, cy, z[0] + 0.42), 0.015, 0.5 * (y[1] - y[0]))
    else:
        # books, tools, crockery: small and heavy
        load.box("cardboard", 0.08, x, y, z)
        for _ in range(4):
            half = rng.uniform(0.04, 0.12, 3)
            at = (
                rng.uniform(x[0] + 0.1, x[1] - 0.1),
                rng.uniform(y[0] + 0.1, y[1] - 0.1),
                rng.uniform(z[0] + 0.05, z[1] - 0.05),
            )
            material, density = (("paper", 0.8), ("ceramics", 0.9), ("steel", 1.5))[int(rng.integers(0, 3))]
            load.box(
                material, density, *[(c - float(h), c + float(h)) for c, h in zip(at, half, strict=True)]
            )


@cargo_type(
    "mattresses", ("94", "39"), ("mattresses", "polyurethane foam blocks", "insulation"), is_light=True
)
def _mattresses(load: Load, rng: np.random.Generator) -> None:
    """Foam blocks or sprung mattresses to the roof: almost nothing to see but the springs."""
    hold = load.hold
    has_springs = rng.random() < 0.5
    thick = rng.uniform(0.18, 0.28)
    y = hold.y0_m + 0.02
    while y + thick < hold.y1_m:
        density = rng.uniform(0.03, 0.06)
        high = hold.z1_m - rng.uniform(0.1, 0.4)
        load.box("polyurethane-foam", density, (-1.1, 1.1), (y, y + thick - 0.012), (hold.z0_m, high))
        load.box("textile", 0.25, (-1.1, 1.1), (y, y + 0.006), (hold.z0_m, high))
        if has_springs:
            # coils of wire stand in rows; each row adds a thin comb
            for z in np.arange(hold.z0_m + 0.05, high - 0.05, 0.07):
                load.box(
                    "steel", 0.03, (-1.05, 1.05), (y + 0.03, y + thick - 0.04), (float(z), float(z) + 0.012)
                )
        y += thick


@cargo_type(
    "appliances", ("84", "85"), ("refrigerators", "washing machines", "air conditioners"), is_light=True
)
def _appliances(load: Load, rng: np.random.Generator) -> None:
    """White goods side by side: foam and sheet, with a compressor or a counterweight in each."""
    hold = load.hold
    is_fridge = rng.random() < 0.5
    size = (0.6, 0.62, 1.7) if is_fridge else (0.62, 0.64, 0.88)
    layers = max(int(hold.height_m / (size[2] + 0.03)), 1)
    y = hold.y0_m + 0.03
    while y + size[1] < hold.y1_m:
        for x in (-1.1, -0.36, 0.38):
            for layer in range(layers):
                z = hold.z0_m + layer * (size[2] + 0.03) + 0.02
                a, b = x + rng.uniform(0.0, 0.03), y + rng.uniform(0.0, 0.015)
                _appliance(load, (a, b, z), size, is_fridge=is_fridge)
        y += size[1] + 0.03


def _appliance(
    load: Load, corner: tuple[float, float, float], size: tuple[float, float, float], *, is_fridge: bool
) -> None:
    a, b, z = corner
    x, y = (a, a + size[0]), (b, b + size[1])
    load.box("polystyrene-foam", 0.02, x, y, (z - 0.02, z + 0.03))
    for side in x:
        load.box("steel", 7.85, (side - 0.0003, side + 0.0003), y, (z, z + size[2]))
    for end in y:
        load.box("steel", 0.35, x, (end - 0.004, end + 0.004), (z, z + size[2]))
    if is_fridge:
        load.box("polyurethane-foam", 0.05, x, y, (z + 0.3, z + size[2]))
        load.box(
            "polyurethane-foam",
            -0.05,
            (x[0] + 0.06, x[1] - 0.06),
            (y[0] + 0.06, y[1] - 0.06),
            (z + 0.36, z + size[2] - 0.06),
        )
        load.ellipsoid("steel", 3.2, (a + 0.3, b + 0.14, z + 0.14), (0.11, 0.09, 0.1))
        for shelf in (0.7, 1.0, 1.3):
            load.box(
                "window-glass",
                2.4,
                (x[0] + 0.06, x[1] - 0.06),
                (y[0] + 0.08, y[1] - 0.08),
                (z + shelf, z + shelf + 0.004),
            )
    else:
        load.cylinder("steel", 0.30, "x", (a + 0.31, b + 0.32, z + 0.46), 0.27, 0.36)
        load.cylinder("steel", -0.26, "x", (a + 0.31, b + 0.32, z + 0.46), 0.25, 0.34)
        load.box(
            "concrete", 2.1, (x[0] + 0.12, x[1] - 0.12), (y[0] + 0.15, y[1] - 0.15), (z + 0.76, z + 0.84)
        )
        load.cylinder("copper", 2.6, "x", (a + 0.31, b + 0.4, z + 0.14), 0.06, 0.13)
        load.cylinder("steel", 2.6, "x", (a + 0.31, b + 0.4, z + 0.14), 0.06, 0.13)

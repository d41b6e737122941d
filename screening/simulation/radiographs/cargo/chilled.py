"""Food in refrigerated boxes: fruit on pallets, meat on hooks or in cartons, frozen fish."""

from __future__ import annotations

import numpy as np

from screening.simulation.radiographs.hold import Load

from .registry import cargo_type
from .stacking import Place, pallet, pallet_places, stack_boxes

__all__: list[str] = []


@cargo_type("fruit", ("08", "07"), ("bananas", "oranges", "apples", "grapes"), container="reefer")
def _fruit(load: Load, rng: np.random.Generator) -> None:
    """Open cartons of fruit on pallets: even stacks, air between the layers and a gap above."""
    hold = load.hold
    material, density = (("banana", 0.50), ("fruit", 0.52), ("vegetables", 0.45))[int(rng.integers(0, 3))]
    size = (0.38, 0.5, rng.uniform(0.16, 0.27))
    top = hold.z1_m - rng.uniform(0.05, 0.25)
    for place in pallet_places(hold, rng, gap_m=0.03):
        if load.room_kg() < 300.0:
            break
        deck = pallet(load, place, hold.z0_m)
        high = stack_boxes(
            load, material, density, place, (deck, top), size, rng, spread=0.03, void=0.09, grain=0.15
        )
        if material == "banana":
            # bunches: humps of fruit in each layer
            for z in np.arange(deck + 0.4 * size[2], high, size[2]):
                for y in np.arange(place.y[0] + 0.12, place.y[1] - 0.05, 0.25):
                    centre = ((place.x[0] + place.x[1]) / 2, float(y), float(z))
                    load.ellipsoid(material, 0.10, centre, (0.5, 0.1, 0.08))
        for corner_x in (place.x[0], place.x[1] - 0.01):
            for corner_y in (place.y[0], place.y[1] - 0.03):
                load.box(
                    "cardboard",
                    0.6,
                    (corner_x, corner_x + 0.01),
                    (corner_y, corner_y + 0.03),
                    (deck, max(high, deck + 0.1)),
                )


@cargo_type("meat-hanging", ("02",), ("chilled beef quarters", "chilled lamb carcasses"), container="reefer")
def _meat_hanging(load: Load, rng: np.random.Generator) -> None:
    """Carcasses and quarters on hooks from rails under the roof, shoulder to shoulder."""
    hold = load.hold
    is_beef = rng.random() < 0.5
    for rail in np.linspace(-0.85, 0.85, 4 if is_beef else 6):
        load.box(
            "steel",
            7.85,
            (float(rail) - 0.006, float(rail) + 0.006),
            (hold.y0_m, hold.y1_m),
            (hold.z1_m - 0.06, hold.z1_m),
        )
        y = hold.y0_m + 0.3 + rng.uniform(0.0, 0.2)
        step = 0.34 if is_beef else 0.24
        while y < hold.y1_m - 0.25:
            if load.room_kg() < 120.0:
                return
            _carcass(load, (float(rail) + rng.normal(0.0, 0.02), y), is_beef=is_beef, rng=rng)
            y += step * rng.uniform(0.9, 1.15)


def _carcass(load: Load, place: tuple[float, float], *, is_beef: bool, rng: np.random.Generator) -> None:
    hold = load.hold
    x, y = place
    long = (1.35 if is_beef else 0.95) * rng.uniform(0.9, 1.08)
    scale = 1.0 if is_beef else 0.62
    top = hold.z1_m - 0.12
    load.cylinder("steel", 7.85, "z", (x, y, top), 0.006, 0.16)
    # leg above, loin, ribs around an open chest, with the bones in them
    for share, half_y, half_z, density in (
        (0.16, 0.11, 0.24, 1.0),
        (0.45, 0.13, 0.30, 0.85),
        (0.78, 0.15, 0.28, 0.65),
    ):
        centre = (x, y + rng.normal(0.0, 0.01), top - share * long)
        axes = (0.12 * scale, half_y * scale, min(half_z, 0.33 * long))
        load.ellipsoid("meat", density, centre, axes)
    for k in range(10):
        rib = (x, y, top - long * (0.5 + 0.045 * k))
        load.ellipsoid("bone", 0.8, rib, (0.1 * scale, 0.13 * scale, 0.008))
    load.cylinder("bone", 1.5, "z", (x, y - 0.05 * scale, top - 0.55 * long), 0.018, 0.8 * long)
    load.cylinder("bone", 1.5, "z", (x, y, top - 0.2 * long), 0.02, 0.3 * long)


@cargo_type(
    "meat-boxed",
    ("02", "03"),
    ("frozen beef in cartons", "frozen poultry", "frozen fish"),
    container="reefer",
    is_dense=True,
)
def _meat_boxed(load: Load, rng: np.random.Generator) -> None:
    """Frozen cartons as one block, with the lanes of air that the T-floor blows through."""
    hold = load.hold
    material, density = (("meat", 0.82), ("fish", 0.7), ("butter", 0.85))[int(rng.integers(0, 3))]
    size = (0.37, rng.uniform(0.52, 0.6), rng.uniform(0.13, 0.17))
    step = size[1] + 0.003
    per_row = 1000.0 * density * 2.2 * size[1]
    rows = int(hold.length_m / step)
    layers = int(min(0.97 * hold.height_m, load.room_kg() / (per_row * rows)) / size[2])
    for row in range(rows):
        y = hold.y0_m + 0.01 + row * step
        place = Place((-1.11, 1.11), (y, y + size[1]))
        top = hold.z0_m + (layers + 0.1) * size[2]
        stack_boxes(load, material, density, place, (hold.z0_m, top), size, rng, spread=0.05)


@cargo_type("dairy", ("04", "21"), ("milk powder in bags", "cheese", "butter"), container="reefer")
def _dairy(load: Load, rng: np.random.Generator) -> None:
    """Cartons of dairy goods on pallets under film."""
    hold = load.hold
    material, density = (("cheese", 0.85), ("butter", 0.8), ("milk-powder", 0.55))[int(rng.integers(0, 3))]
    high = min(
        rng.uniform(0.6, 0.9) * hold.height_m,
        0.95 * load.room_kg() / (1000 * density * 2.1 * hold.length_m) + 0.15,
    )
    for place in pallet_places(hold, rng):
        if load.room_kg() < 400.0:
            break
        deck = pallet(load, place, hold.z0_m)
        stack_boxes(
            load,
            material,
            density,
            place,
            (deck, hold.z0_m + max(high, 0.5)),
            (0.3, 0.4, 0.22),
            rng,
            spread=0.02,
        )

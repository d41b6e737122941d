"""Machines, engines and vehicles."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import numpy as np

from screening.simulation.radiographs.hold import Load
from screening.simulation.radiographs.parts import Course
from screening.simulation.radiographs.vehicle_parts import Bodies, add_engine, add_tyre
from screening.simulation.radiographs.vehicles import add_car, add_motorcycle, add_van

from .registry import cargo_type
from .stacking import Place, pallet

__all__: list[str] = []

AddVehicle = Callable[[Bodies, Course, float, float, np.random.Generator], float]


@cargo_type(
    "machinery",
    ("84", "85"),
    ("machine tools", "industrial machinery", "pumps and compressors"),
    is_dense=True,
)
def _machinery(load: Load, rng: np.random.Generator) -> None:
    """Machines on skids: castings, housings, shafts, motors, a switch cabinet, braced with timber."""
    hold = load.hold
    y = hold.y0_m + rng.uniform(0.1, 0.5)
    while y + 1.2 < hold.y1_m and load.room_kg() > 1500.0:
        length = min(rng.uniform(1.3, 3.2), hold.y1_m - y)
        height = rng.uniform(0.5, 0.9) * hold.height_m
        _machine(load, Place((-0.85, 0.85), (y, y + length)), height, rng)
        for beam in (y + 0.1, y + length - 0.2):
            load.box("wood", 0.6, (-1.0, 1.0), (beam, beam + 0.1), (hold.z0_m, hold.z0_m + 0.1))
        y += length + rng.uniform(0.2, 0.9)


def _machine(load: Load, place: Place, height: float, rng: np.random.Generator) -> None:
    hold = load.hold
    y0, y1 = place.y
    z0 = hold.z0_m + 0.1
    # a bed of ribbed casting, columns on it, sheet-metal covers around
    load.box("cast-iron", rng.uniform(0.5, 1.4), place.x, place.y, (z0, z0 + rng.uniform(0.15, 0.35)))
    for x in (place.x[0], place.x[1]):
        load.box("steel", 7.85, (x - 0.001, x + 0.001), place.y, (z0, z0 + height * 0.9))
    for _ in range(int(rng.integers(1, 3))):
        at = rng.uniform(y0 + 0.15, max(y1 - 0.5, y0 + 0.2))
        wide = min(rng.uniform(0.2, 0.5), y1 - at)
        load.box(
            "cast-iron",
            rng.uniform(0.6, 1.8),
            (-0.4, 0.4),
            (at, at + wide),
            (z0 + 0.2, z0 + height * rng.uniform(0.6, 0.95)),
        )
    for _ in range(int(rng.integers(12, 26))):
        _part(load, (y0, y1), (z0 + 0.2, z0 + max(height, 0.6)), rng)
    cabinet = rng.uniform(y0, max(y1 - 0.45, y0 + 0.01))
    load.box(
        "steel", 0.12, (0.45, 0.83), (cabinet, min(cabinet + 0.4, y1)), (z0 + 0.3, z0 + min(height, 1.7))
    )
    load.box(
        "electronics",
        0.3,
        (0.5, 0.8),
        (cabinet + 0.05, min(cabinet + 0.35, y1)),
        (z0 + 0.5, z0 + min(height, 1.5)),
    )


def _part(load: Load, y: tuple[float, float], z: tuple[float, float], rng: np.random.Generator) -> None:
    """Add a block with bores, a shaft with gears, a motor, a pipe run, a casting."""
    centre = (
        rng.uniform(-0.55, 0.55),
        rng.uniform(y[0] + 0.2, max(y[1] - 0.2, y[0] + 0.21)),
        rng.uniform(z[0], z[1] - 0.15),
    )
    pick = rng.random()
    if pick < 0.25:
        half = rng.uniform(0.05, 0.22, 3)
        centre = load.hold.within(centre, (float(half[0]), float(half[1]), float(half[2])))
        spans = [(c - h, c + h) for c, h in zip(centre, half, strict=True)]
        density = rng.uniform(1.2, 5.0)
        load.box("steel", density, spans[0], spans[1], spans[2])
        radius = 0.22 * float(min(half[1], half[2]))
        bores: list[tuple[float, float, float]] = []
        for _ in range(int(rng.integers(0, 4))):
            bore = (
                centre[0],
                centre[1] + rng.uniform(-0.7, 0.7) * half[1],
                centre[2] + rng.uniform(-0.7, 0.7) * half[2],
            )
            # what is bored is not bored again
            if all(math.dist(bore, other) >= 2.0 * radius for other in bores):
                bores.append(bore)
                load.cylinder("steel", -density, "x", bore, radius, 2 * float(half[0]))
    elif pick < 0.45:
        axis = "xy"[int(rng.integers(0, 2))]
        radius, span = rng.uniform(0.018, 0.05), rng.uniform(0.3, 0.9)
        # gears of up to 17 cm are on it
        centre = load.hold.within_cylinder(axis, centre, 0.17, span)
        load.cylinder("steel", 7.85, axis, centre, radius, span)
        for _ in range(int(rng.integers(1, 4))):
            shift = rng.uniform(-0.4, 0.4) * span
            gear = (
                centre[0] + (shift if axis == "x" else 0.0),
                centre[1] + (shift if axis == "y" else 0.0),
                centre[2],
            )
            load.cylinder(
                "steel", 6.5, axis, gear, rng.uniform(0.06, 0.17), rng.uniform(0.02, 0.06), inner_m=radius
            )
    elif pick < 0.65:
        axis, radius, span = "xyz"[int(rng.integers(0, 3))], rng.uniform(0.07, 0.17), rng.uniform(0.2, 0.5)
        centre = load.hold.within_cylinder(axis, centre, radius, span)
        load.cylinder("steel", 3.0, axis, centre, radius, span)
        load.cylinder("copper", 1.6, axis, centre, 0.85 * radius, 0.7 * span, inner_m=0.5 * radius)
        load.cylinder("steel", 4.0, axis, centre, 0.45 * radius, 0.75 * span)
    elif pick < 0.85:
        axis, radius, span = "xyz"[int(rng.integers(0, 3))], rng.uniform(0.015, 0.05), rng.uniform(0.4, 1.3)
        centre = load.hold.within_cylinder(axis, centre, radius, span)
        load.cylinder("steel", 7.85, axis, centre, radius, span, inner_m=radius * 0.85)
    else:
        axes = rng.uniform(0.06, 0.2, 3)
        centre = load.hold.within(centre, (float(axes[0]), float(axes[1]), float(axes[2])))
        load.ellipsoid(
            "aluminium", rng.uniform(0.8, 2.4), centre, (float(axes[0]), float(axes[1]), float(axes[2]))
        )


@cargo_type("engines", ("84", "87"), ("used engines", "gearboxes", "vehicle parts"), is_dense=True)
def _engines(load: Load, rng: np.random.Generator) -> None:
    """Put used engines and gearboxes on pallets, stacked in two tiers, oil still in them."""
    hold = load.hold
    tiers = int(rng.integers(1, 3))
    for tier in range(tiers):
        z = hold.z0_m + 1.05 * tier
        y = hold.y0_m + 0.1
        while y + 1.0 < hold.y1_m:
            for x in (-0.58, 0.58):
                if load.room_kg() < 500.0:
                    return
                deck = pallet(load, Place((x - 0.5, x + 0.5), (y, y + 0.9)), z)
                size = (rng.uniform(0.55, 0.8), rng.uniform(0.55, 0.85), rng.uniform(0.55, 0.75))
                middle = (x + rng.normal(0.0, 0.04), y + 0.42, deck + size[2] / 2 + 0.02)
                add_engine(load, middle, size, rng, is_iron=bool(rng.random() < 0.6))
                if rng.random() < 0.5:
                    box = (middle[0], y + 0.42 + size[1] / 2 - 0.02, deck + 0.25)
                    load.cylinder("aluminium", 2.1, "y", box, 0.17, 0.3)
                    load.cylinder("steel", 5.0, "y", box, 0.08, 0.34)
            y += rng.uniform(0.98, 1.2)


@cargo_type("cars", ("87",), ("used passenger cars", "new motor cars"))
def _cars(load: Load, rng: np.random.Generator) -> None:
    """Two or three cars, the second raised on a ramp of timber in high boxes, tied to the floor."""
    hold = load.hold
    y = hold.y0_m + rng.uniform(0.05, 0.3)
    while y + 4.95 < hold.y1_m:
        forwards = rng.random() < 0.6
        length = _drive_in(load, add_car, y, forwards=forwards, rng=rng)
        for wheel in (y + 0.6, y + length - 0.9):
            load.box("wood", 0.6, (-0.95, 0.95), (wheel, wheel + 0.1), (hold.z0_m, hold.z0_m + 0.09))
        y += length + rng.uniform(0.1, 0.5)
    _luggage(load, y, rng)


@cargo_type("van", ("87", "94"), ("used van with household effects", "motor vehicles"))
def _van(load: Load, rng: np.random.Generator) -> None:
    """Drive in a van, with tyres and boxes in it, and a car or loose goods behind."""
    hold = load.hold
    y = hold.y0_m + rng.uniform(0.05, 0.3)
    if y + 5.45 < hold.y1_m:
        length = _drive_in(load, add_van, y, forwards=True, rng=rng)
        for _ in range(int(rng.integers(3, 14))):
            centre = (
                rng.uniform(-0.5, 0.5),
                rng.uniform(y + 0.5 * length, y + 0.9 * length),
                hold.z0_m + 0.55,
            )
            half = rng.uniform(0.1, 0.3, 3)
            load.box(
                "mixed-cargo",
                rng.uniform(0.08, 0.5),
                *[(c - float(h), c + float(h)) for c, h in zip(centre, half, strict=True)],
            )
        y += length + 0.2
    if y + 4.95 < hold.y1_m and rng.random() < 0.7:
        y += _drive_in(load, add_car, y, forwards=bool(rng.random() < 0.5), rng=rng) + 0.2
    _luggage(load, y, rng)


@cargo_type("motorcycles", ("87",), ("motorcycles", "mopeds in crates"))
def _motorcycles(load: Load, rng: np.random.Generator) -> None:
    """Motorcycles in steel crates, side by side, in two tiers."""
    hold = load.hold
    for tier in range(2 if hold.height_m > 2.3 else 1):
        z = hold.z0_m + 1.2 * tier
        y = hold.y0_m + 0.1
        while y + 2.15 < hold.y1_m:
            for x in (-0.75, 0.0, 0.75):
                if load.room_kg() < 300.0:
                    return
                start = y + rng.uniform(0.0, 0.05)
                forwards = rng.random() < 0.5
                course = Course(start if forwards else start + 2.05, 1 if forwards else -1)
                add_motorcycle(load, course, x, z + 0.06, rng)
                for corner in (start - 0.02, start + 2.08):
                    for side in (-0.33, 0.33):
                        load.box(
                            "steel",
                            2.2,
                            (x + side - 0.015, x + side + 0.015),
                            (corner, corner + 0.03),
                            (z, z + 1.15),
                        )
                for rail in (z + 0.02, z + 1.13):
                    load.box("steel", 1.5, (x - 0.34, x + 0.34), (start, start + 2.08), (rail, rail + 0.012))
            y += 2.15


def _drive_in(load: Load, add: AddVehicle, y: float, *, forwards: bool, rng: np.random.Generator) -> float:
    """Put a vehicle in, front first or not; its length is drawn before its place is known."""
    probe = copy.deepcopy(rng)
    length = add(_Nowhere(), Course(0.0), 0.0, 0.0, probe)
    course = Course(y, 1) if forwards else Course(y + length, -1)
    return add(load, course, 0.0, load.hold.z0_m, rng)


class _Nowhere:
    """Takes bodies and keeps none: to measure a vehicle before it is placed."""

    def box(self, *_: object) -> None:
        """Keep nothing."""

    def cylinder(self, *_: object) -> None:
        """Keep nothing."""

    def ellipsoid(self, *_: object) -> None:
        """Keep nothing."""

    def tube(self, *_: object) -> None:
        """Keep nothing."""


def _luggage(load: Load, y: float, rng: np.random.Generator) -> None:
    """Fill what is left of the box with tyres, parts and cartons."""
    hold = load.hold
    if hold.y1_m - y < 0.7:
        return
    for _ in range(int(18 * (hold.y1_m - y))):
        half = rng.uniform(0.1, 0.28, 3)
        at = (
            rng.uniform(-0.85, 0.85),
            rng.uniform(y + 0.3, hold.y1_m - 0.3),
            hold.z0_m + max(float(half[2]), 0.32) + rng.choice([0.0, 0.5, 1.0]),
        )
        if rng.random() < 0.4:
            add_tyre(load, at, 0.31, 0.19, 0.2)
        else:
            load.box(
                "mixed-cargo",
                rng.uniform(0.1, 0.45),
                *[(c - float(h), c + float(h)) for c, h in zip(at, half, strict=True)],
            )


@cargo_type("machine-parts", ("84", "73"), ("bearings", "castings", "hand tools"), is_dense=True)
def _machine_parts(load: Load, rng: np.random.Generator) -> None:
    """Small heavy parts in wooden crates: dark grains in a light box."""
    hold = load.hold
    y = hold.y0_m + 0.05
    while y + 0.8 < hold.y1_m:
        deep = rng.uniform(0.7, 1.1)
        for x in (-0.58, 0.58):
            tall = rng.uniform(0.45, 1.0)
            if load.room_kg() < 900.0 or y + deep > hold.y1_m:
                return
            place = Place((x - 0.5, x + 0.5), (y, y + deep))
            deck = pallet(load, place, hold.z0_m)
            for side in (place.x[0], place.x[1] - 0.02):
                load.box("wood", 0.55, (side, side + 0.02), place.y, (deck, deck + tall))
            for end in (place.y[0], place.y[1] - 0.02):
                load.box("wood", 0.55, place.x, (end, end + 0.02), (deck, deck + tall))
            fill = rng.uniform(0.3, 0.85) * tall
            size = rng.uniform(0.04, 0.11)
            for _ in range(int(110 * deep * fill / (12 * size))):
                centre = (
                    rng.uniform(place.x[0] + 0.08, place.x[1] - 0.08),
                    rng.uniform(place.y[0] + 0.08, place.y[1] - 0.08),
                    deck + rng.uniform(0.05, max(fill, 0.07)),
                )
                if rng.random() < 0.5:
                    load.cylinder(
                        "steel",
                        7.0,
                        "xyz"[int(rng.integers(0, 3))],
                        centre,
                        0.6 * size,
                        0.9 * size,
                        inner_m=0.25 * size,
                    )
                else:
                    load.ellipsoid("steel", 6.0, centre, (0.8 * size, size, 0.6 * size))
        y += deep + rng.uniform(0.03, 0.2)

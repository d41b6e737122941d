"""Vehicles that travel inside containers: cars, vans, motorcycles."""

from __future__ import annotations

import numpy as np

from .parts import STEEL_G_CM3, Course
from .vehicle_parts import Bodies, add_engine, add_tyre

__all__ = ["add_car", "add_motorcycle", "add_van"]

_GLASS_G_CM3 = 2.4


def add_car(
    scene: Bodies,
    course: Course,
    x_m: float,
    floor_z_m: float,
    rng: np.random.Generator,
) -> float:
    """Add a passenger car standing along the motion.

    Parameters
    ----------
    scene : Bodies
        Where it is added.
    course : Course
        Its zero is the front bumper.
    x_m : float
        Its middle across.
    floor_z_m : float
        Height of what it stands on.
    rng : numpy.random.Generator
        Size and equipment.

    Returns
    -------
    float
        Its length, m.
    """
    length, width = rng.uniform(3.9, 4.9), rng.uniform(1.66, 1.85)
    height = rng.uniform(1.40, 1.72)
    wheelbase = 0.59 * length
    front_axle = 0.19 * length
    ground = floor_z_m
    radius = rng.uniform(0.30, 0.34)
    waist = ground + 0.62 * height
    _add_car_shell(scene, course, x_m, ground, (length, width, height), waist)
    for axle in (front_axle, front_axle + wheelbase):
        for sign in (-1.0, 1.0):
            centre = (x_m + sign * (width / 2 - 0.12), course.at(axle), ground + radius)
            add_tyre(scene, centre, radius, 0.6 * radius, 0.2)
            scene.cylinder("aluminium", 1.3, "x", centre, 0.6 * radius, 0.12)
            scene.cylinder("cast-iron", 7.2, "x", centre, 0.13, 0.024)
            spring = (centre[0] - sign * 0.15, centre[1], ground + radius + 0.2)
            scene.cylinder("steel", 1.3, "z", spring, 0.06, 0.35)
        scene.cylinder("steel", STEEL_G_CM3, "x", (x_m, course.at(axle), ground + radius), 0.018, width - 0.3)
    engine = (x_m, course.at(0.15 * length), ground + 0.55)
    add_engine(scene, engine, (0.62, 0.55, 0.6), rng, is_iron=bool(rng.random() < 0.5))
    scene.cylinder(
        "aluminium", 2.2, "y", (x_m + 0.1, course.at(0.15 * length + 0.45), ground + 0.4), 0.16, 0.4
    )
    scene.box(
        "lead",
        4.6,
        (x_m + 0.4, x_m + 0.57),
        course.span(0.08 * length, 0.08 * length + 0.24),
        (ground + 0.6, ground + 0.78),
    )
    scene.box(
        "aluminium",
        0.8,
        (x_m - 0.32, x_m + 0.32),
        course.span(0.045 * length, 0.045 * length + 0.05),
        (ground + 0.35, ground + 0.75),
    )
    # a tank of petrol before the rear axle, exhaust along the floor, spare wheel in the boot
    tank = front_axle + wheelbase - 0.35
    scene.box(
        "gasoline",
        0.74 * rng.uniform(0.1, 0.9),
        (x_m - 0.5, x_m + 0.5),
        course.span(tank - 0.35, tank + 0.1),
        (ground + 0.25, ground + 0.45),
    )
    scene.cylinder(
        "steel", 1.4, "y", (x_m + 0.25, course.at(0.55 * length), ground + 0.2), 0.03, 0.6 * length
    )
    scene.cylinder("steel", 0.6, "y", (x_m + 0.3, course.at(0.9 * length), ground + 0.28), 0.1, 0.45)
    scene.cylinder("tyre", 0.4, "z", (x_m, course.at(0.88 * length), ground + 0.42), 0.3, 0.14)
    for row in (0.42, 0.64):
        seat = row * length
        for x in (x_m - 0.38, x_m + 0.38):
            across = (x - 0.25, x + 0.25)
            scene.box(
                "polyurethane-foam",
                0.08,
                across,
                course.span(seat, seat + 0.5),
                (ground + 0.45, ground + 0.6),
            )
            scene.box(
                "polyurethane-foam",
                0.08,
                across,
                course.span(seat + 0.45, seat + 0.6),
                (ground + 0.55, ground + 1.15),
            )
            scene.box("steel", 0.35, across, course.span(seat, seat + 0.5), (ground + 0.32, ground + 0.42))
    scene.cylinder("steel", 1.2, "y", (x_m + 0.37, course.at(0.36 * length), ground + 0.85), 0.18, 0.03)
    scene.box(
        "abs",
        0.2,
        (x_m - 0.7, x_m + 0.7),
        course.span(0.29 * length, 0.29 * length + 0.3),
        (ground + 0.7, ground + 0.95),
    )
    return float(length)


def _add_car_shell(
    scene: Bodies, course: Course, x_m: float, ground: float, size: tuple[float, float, float], waist: float
) -> None:
    """Doors, wings, roof, bonnet, glass, sills: sheet steel under 1 mm, doubled where it is a box."""
    length, width, height = size
    x0, x1 = x_m - width / 2, x_m + width / 2
    sill = ground + 0.18
    for side in (x0, x1):
        skin = (side - 0.0009, side + 0.0009)
        scene.box(
            "steel", STEEL_G_CM3, skin, course.span(0.05 * length, 0.97 * length), (sill + 0.1, waist - 0.12)
        )
        scene.box(
            "steel", STEEL_G_CM3, skin, course.span(0.27 * length, 0.95 * length), (waist - 0.12, waist)
        )
        scene.box(
            "window-glass",
            _GLASS_G_CM3,
            (side - 0.002, side + 0.002),
            course.span(0.36 * length, 0.82 * length),
            (waist, ground + height - 0.08),
        )
        scene.box(
            "steel",
            1.1,
            (side - 0.04, side + 0.04),
            course.span(0.25 * length, 0.72 * length),
            (sill, sill + 0.12),
        )
        # pillars lean; a rail joins them at the roof
        top = ground + height - 0.03
        for foot, head in ((0.27, 0.38), (0.56, 0.56), (0.90, 0.80)):
            low, high = (side, course.at(foot * length), waist), (side, course.at(head * length), top)
            scene.tube("steel", STEEL_G_CM3, low, high, 0.032, 0.0295)
        rail = ((side, course.at(0.38 * length), top), (side, course.at(0.80 * length), top))
        scene.tube("steel", STEEL_G_CM3, rail[0], rail[1], 0.03, 0.0275)
        belt = ((side, course.at(0.05 * length), waist - 0.08), (side, course.at(0.95 * length), waist))
        scene.tube("steel", STEEL_G_CM3, belt[0], belt[1], 0.018, 0.0165)
        # wheel arches: doubled sheet around each wheel
        for axle in (0.19 * length, 0.78 * length):
            for k in range(8):
                first, last = np.pi * k / 8.0, np.pi * (k + 1) / 8.0
                points = [
                    (side, course.at(axle) + 0.4 * float(np.cos(t)), ground + 0.32 + 0.4 * float(np.sin(t)))
                    for t in (first, last)
                ]
                scene.tube("steel", STEEL_G_CM3, points[0], points[1], 0.014, 0.0125)
    across = (x0 + 0.03, x1 - 0.03)
    roof = ground + height
    scene.box(
        "steel",
        STEEL_G_CM3,
        (x0 + 0.12, x1 - 0.12),
        course.span(0.38 * length, 0.80 * length),
        (roof - 0.002, roof),
    )
    scene.box(
        "steel", STEEL_G_CM3, across, course.span(0.02 * length, 0.27 * length), (waist - 0.1, waist - 0.0985)
    )
    scene.box(
        "steel",
        STEEL_G_CM3,
        across,
        course.span(0.87 * length, 0.98 * length),
        (waist - 0.03, waist - 0.0285),
    )
    scene.box(
        "steel", STEEL_G_CM3, across, course.span(0.25 * length, 0.92 * length), (sill + 0.08, sill + 0.083)
    )
    for bumper in (0.0, 0.975):
        scene.box(
            "abs",
            0.35,
            across,
            course.span(bumper * length, (bumper + 0.025) * length),
            (ground + 0.3, ground + 0.6),
        )
        scene.box(
            "steel",
            0.9,
            across,
            course.span((bumper + 0.006) * length, (bumper + 0.02) * length),
            (ground + 0.4, ground + 0.52),
        )
    # windscreen and rear window lean: glass across the beam, drawn as slats half a slat deep
    for foot, head in ((0.27, 0.38), (0.91, 0.80)):
        for k in range(16):
            at = (foot + (head - foot) * (k + 0.5) / 16.0) * length
            z = waist + (roof - waist) * k / 16.0
            step = (roof - waist) / 16.0
            span = course.span(at - 0.012, at + 0.012)
            scene.box("window-glass", 0.42, (x0 + 0.15, x1 - 0.15), span, (z, z + step))


def add_van(scene: Bodies, course: Course, x_m: float, floor_z_m: float, rng: np.random.Generator) -> float:
    """Add a panel van standing along the motion.

    Parameters
    ----------
    scene : Bodies
        Where it is added.
    course : Course
        Its zero is the front bumper.
    x_m : float
        Its middle across.
    floor_z_m : float
        Height of what it stands on.
    rng : numpy.random.Generator
        Size and equipment.

    Returns
    -------
    float
        Its length, m.
    """
    length, width, height = rng.uniform(4.7, 5.4), rng.uniform(1.85, 1.95), rng.uniform(1.9, 2.1)
    ground = floor_z_m
    radius = 0.34
    x0, x1 = x_m - width / 2, x_m + width / 2
    roof = ground + height
    for side in (x0, x1):
        skin = (side - 0.0008, side + 0.0008)
        scene.box(
            "steel", STEEL_G_CM3, skin, course.span(0.1 * length, length), (ground + 0.25, ground + 1.1)
        )
        scene.box("steel", STEEL_G_CM3, skin, course.span(0.42 * length, length), (ground + 1.1, roof - 0.05))
        scene.box(
            "window-glass",
            _GLASS_G_CM3,
            (side - 0.002, side + 0.002),
            course.span(0.22 * length, 0.42 * length),
            (ground + 1.1, roof - 0.35),
        )
        for rib in np.arange(0.45, 0.99, 0.12):
            scene.box(
                "steel",
                0.9,
                (side - 0.03, side + 0.03),
                course.span(rib * length, rib * length + 0.05),
                (ground + 0.4, roof - 0.05),
            )
    across = (x0 + 0.05, x1 - 0.05)
    scene.box("steel", STEEL_G_CM3, across, course.span(0.28 * length, length), (roof - 0.002, roof - 0.0008))
    scene.box(
        "steel", STEEL_G_CM3, across, course.span(0.1 * length, length), (ground + 0.42, ground + 0.4225)
    )
    scene.box(
        "steel",
        STEEL_G_CM3,
        across,
        course.span(0.02 * length, 0.16 * length),
        (ground + 1.0, ground + 1.0015),
    )
    for k in range(10):
        at = (0.12 + 0.17 * (k + 0.5) / 10.0) * length
        z = ground + 1.0 + (height - 1.0) * k / 10.0
        scene.box(
            "window-glass",
            0.3,
            (x0 + 0.12, x1 - 0.12),
            course.span(at - 0.04, at + 0.04),
            (z, z + (height - 1.0) / 10.0),
        )
    scene.box("steel", 0.1, across, course.span(length - 0.04, length), (ground + 0.4, roof - 0.05))
    scene.box(
        "steel", 0.08, across, course.span(0.43 * length, 0.43 * length + 0.03), (ground + 0.42, roof - 0.1)
    )
    for axle in (0.17 * length, 0.17 * length + 0.6 * length):
        for sign in (-1.0, 1.0):
            centre = (x_m + sign * (width / 2 - 0.13), course.at(axle), ground + radius)
            add_tyre(scene, centre, radius, 0.6 * radius, 0.22)
            scene.cylinder("steel", 2.6, "x", centre, 0.6 * radius, 0.06)
            scene.cylinder("cast-iron", 7.2, "x", centre, 0.14, 0.026)
        scene.cylinder("steel", 6.0, "x", (x_m, course.at(axle), ground + radius), 0.035, width - 0.3)
    add_engine(scene, (x_m, course.at(0.12 * length), ground + 0.65), (0.66, 0.62, 0.7), rng)
    scene.box(
        "aluminium",
        0.8,
        (x_m - 0.35, x_m + 0.35),
        course.span(0.03 * length, 0.03 * length + 0.05),
        (ground + 0.35, ground + 0.85),
    )
    for x in (x_m - 0.55, x_m + 0.1, x_m + 0.5):
        seat = 0.31 * length
        scene.box(
            "polyurethane-foam",
            0.08,
            (x - 0.2, x + 0.2),
            course.span(seat, seat + 0.45),
            (ground + 0.75, ground + 0.9),
        )
        scene.box(
            "polyurethane-foam",
            0.08,
            (x - 0.2, x + 0.2),
            course.span(seat + 0.4, seat + 0.52),
            (ground + 0.85, ground + 1.5),
        )
        scene.box(
            "steel", 0.3, (x - 0.2, x + 0.2), course.span(seat, seat + 0.45), (ground + 0.5, ground + 0.74)
        )
    for x in (x_m - 0.45, x_m + 0.45):
        hollow = (x - 0.04, x + 0.04)
        scene.box(
            "steel", 1.3, hollow, course.span(0.1 * length, 0.98 * length), (ground + 0.3, ground + 0.42)
        )
    scene.box(
        "diesel",
        0.84 * rng.uniform(0.1, 0.9),
        (x_m - 0.4, x_m + 0.2),
        course.span(0.5 * length, 0.62 * length),
        (ground + 0.25, ground + 0.42),
    )
    return float(length)


def add_motorcycle(
    scene: Bodies, course: Course, x_m: float, floor_z_m: float, rng: np.random.Generator
) -> float:
    """Add a motorcycle standing along the motion.

    Parameters
    ----------
    scene : Bodies
        Where it is added.
    course : Course
        Its zero is the front of the front wheel.
    x_m : float
        Its middle across.
    floor_z_m : float
        Height of what it stands on.
    rng : numpy.random.Generator
        Size.

    Returns
    -------
    float
        Its length, m.
    """
    radius, base = rng.uniform(0.28, 0.32), rng.uniform(1.3, 1.45)
    for axle in (radius, radius + base):
        centre = (x_m, course.at(axle), floor_z_m + radius)
        add_tyre(scene, centre, radius, 0.7 * radius, 0.13)
        scene.cylinder("steel", 5.0, "x", centre, 0.12, 0.012)
        scene.cylinder("steel", STEEL_G_CM3, "x", centre, 0.02, 0.2)
    middle = course.at(radius + 0.5 * base)
    z = floor_z_m + 0.38
    scene.box(
        "aluminium",
        1.6,
        (x_m - 0.17, x_m + 0.17),
        course.span(radius + 0.3 * base, radius + 0.72 * base),
        (z - 0.13, z + 0.12),
    )
    scene.cylinder("aluminium", 1.9, "z", (x_m, course.at(radius + 0.42 * base), z + 0.2), 0.07, 0.2)
    scene.ellipsoid("steel", 0.25, (x_m, middle, z + 0.45), (0.13, 0.28, 0.14))
    scene.box(
        "polyurethane-foam",
        0.12,
        (x_m - 0.12, x_m + 0.12),
        course.span(radius + 0.55 * base, radius + 1.05 * base),
        (z + 0.35, z + 0.45),
    )
    for k in range(8):
        # the fork leans back
        at = radius + 0.05 + 0.035 * k
        for x in (x_m - 0.1, x_m + 0.1):
            scene.cylinder(
                "steel", 3.5, "z", (x, course.at(at), floor_z_m + radius + 0.04 + 0.08 * k), 0.024, 0.08
            )
    scene.cylinder("steel", 0.9, "y", (x_m + 0.16, course.at(radius + 0.85 * base), z - 0.05), 0.05, 0.6)
    return float(2 * radius + base)

"""Road vehicles: tractors with their cab, and the cars and vans that travel inside containers."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from .parts import STEEL_G_CM3, Course, hollow_section, pipe
from .scene import Region, Scene

__all__ = ["Bodies", "add_car", "add_engine", "add_motorcycle", "add_tractor", "add_van", "add_wheels"]

_GLASS_G_CM3 = 2.4


class Bodies(Protocol):
    """Whatever boxes, cylinders and ellipsoids can be added to: a scene, or a load that weighs them."""

    def box(
        self,
        material: str,
        density_g_cm3: float,
        x: tuple[float, float],
        y: tuple[float, float],
        z: tuple[float, float],
    ) -> Region | None:
        """Add a box."""

    def cylinder(
        self,
        material: str,
        density_g_cm3: float,
        axis: str,
        centre: tuple[float, float, float],
        radius_m: float,
        length_m: float,
    ) -> Region | None:
        """Add a cylinder."""

    def ellipsoid(
        self,
        material: str,
        density_g_cm3: float,
        centre: tuple[float, float, float],
        half_axes: tuple[float, float, float],
    ) -> Region | None:
        """Add an ellipsoid."""


def add_wheels(
    scene: Bodies, y_m: float, rng: np.random.Generator, *, is_twin: bool, radius_m: float = 0.5
) -> None:
    """Add an axle of a truck with its wheels: tyres with tread and steel cord, rims, hubs, brakes.

    Parameters
    ----------
    scene : Bodies
        Where it is added.
    y_m : float
        Place of the axle along the motion.
    rng : numpy.random.Generator
        Wear and pressure.
    is_twin : bool
        Two wheels a side.
    radius_m : float, default 0.5
        Outer radius of the tyre.
    """
    z = radius_m
    scene.cylinder("steel", STEEL_G_CM3, "x", (0.0, y_m, z), 0.065, 1.9)
    tyre = radius_m * rng.uniform(0.97, 1.0)
    rim = 0.57 * radius_m
    places = ((-1.08, -0.76), (0.76, 1.08)) if is_twin else ((-1.02,), (1.02,))
    for side in places:
        for x in side:
            width = 0.27 if is_twin else 0.36
            add_tyre(scene, (x, y_m, z), tyre, rim, width)
            scene.cylinder("steel", STEEL_G_CM3, "x", (x, y_m, z), rim * 0.95, 0.012)
            scene.cylinder("steel", STEEL_G_CM3, "x", (x, y_m, z), rim, width * 0.75)
            scene.cylinder("steel", -STEEL_G_CM3, "x", (x, y_m, z), rim - 0.008, width * 0.75)
        hub = float(np.mean(side))
        scene.cylinder("steel", 5.5, "x", (hub, y_m, z), 0.12, 0.28)
        inner = 0.82 * hub
        scene.cylinder("steel", STEEL_G_CM3, "x", (inner, y_m, z), 0.21, 0.05)


def add_tyre(
    scene: Bodies, centre: tuple[float, float, float], radius_m: float, rim_m: float, width_m: float
) -> None:
    """Add a tyre with its axis across the motion: tread with steel belts, two side walls.

    Parameters
    ----------
    scene : Bodies
        Where it is added.
    centre : tuple of float
        Its centre, m.
    radius_m, rim_m, width_m : float
        Outer radius, radius of its bead, width.
    """
    tread = 0.05 * radius_m + 0.012
    scene.cylinder("tyre", 1.25, "x", centre, radius_m, width_m)
    scene.cylinder("tyre", -1.25, "x", centre, radius_m - tread, width_m)
    # the side walls, a tenth of its width each, down to the bead
    scene.cylinder("tyre", 0.25, "x", centre, radius_m - tread, width_m)
    scene.cylinder("tyre", -0.25, "x", centre, rim_m, width_m)
    scene.cylinder("steel", 1.6, "x", centre, rim_m + 0.012, width_m * 0.85)
    scene.cylinder("steel", -1.6, "x", centre, rim_m, width_m * 0.85)


def add_engine(
    scene: Bodies,
    centre: tuple[float, float, float],
    size: tuple[float, float, float],
    rng: np.random.Generator,
    *,
    is_iron: bool = True,
) -> None:
    """Add an engine: block with bores, head, sump, crankshaft, flywheel, manifold, alternator.

    Parameters
    ----------
    scene : Bodies
        Where it is added.
    centre : tuple of float
        Its centre, m.
    size : tuple of float
        Across, along and height, m; cylinders stand in a row along the motion.
    rng : numpy.random.Generator
        What hangs on it.
    is_iron : bool, default True
        Cast iron; aluminium otherwise.
    """
    material, density = ("cast-iron", 7.2) if is_iron else ("aluminium", 2.7)
    cx, cy, cz = centre
    wx, wy, wz = size
    block_z = (cz - 0.22 * wz, cz + 0.28 * wz)
    y = (cy - wy / 2, cy + wy / 2)
    scene.box(material, density * 0.62, (cx - wx * 0.24, cx + wx * 0.24), y, block_z)
    n = int(rng.choice([4, 6])) if wy > 0.7 else 4
    for k in range(n):
        bore = cy - wy / 2 + (k + 0.5) * wy / n
        radius = 0.36 * wy / n
        scene.cylinder(material, -density * 0.55, "z", (cx, bore, cz + 0.03 * wz), radius, 0.48 * wz)
        piston = cz + wz * (0.12 if k % 3 == 0 else -0.04)
        scene.cylinder("aluminium", 1.6, "z", (cx, bore, piston), radius * 0.98, 0.1 * wz)
        scene.box("steel", 4.0, (cx - 0.012, cx + 0.012), (bore - 0.02, bore + 0.02), (cz - 0.2 * wz, piston))
    scene.box("aluminium", 1.5, (cx - wx * 0.26, cx + wx * 0.26), y, (cz + 0.28 * wz, cz + 0.42 * wz))
    scene.box("steel", 0.9, (cx - wx * 0.2, cx + wx * 0.2), y, (cz - 0.45 * wz, cz - 0.22 * wz))
    scene.cylinder("steel", 6.5, "y", (cx, cy, cz - 0.22 * wz), 0.055 * wz + 0.02, wy)
    scene.cylinder("steel", STEEL_G_CM3, "y", (cx, y[1] + 0.02, cz - 0.2 * wz), 0.22 * wz, 0.04)
    scene.box("steel", 1.0, (cx + wx * 0.24, cx + wx * 0.42), y, (cz + 0.05 * wz, cz + 0.25 * wz))
    alternator = (cx - wx * 0.36, y[0] + 0.12, cz + rng.uniform(-0.1, 0.15) * wz)
    scene.cylinder("copper", 2.6, "y", alternator, 0.07, 0.14)
    scene.cylinder("steel", 3.2, "y", alternator, 0.07, 0.14)


def add_tractor(
    scene: Scene,
    course: Course,
    rng: np.random.Generator,
    *,
    fifth_wheel_z_m: float | None,
    is_whole: bool,
) -> None:
    """Add a road tractor: cab, engine, seats, tanks, frame and axles.

    Parameters
    ----------
    scene : Scene
        The scene, changed.
    course : Course
        Its zero is the front of the container; the cab is before that.
    rng : numpy.random.Generator
        Make and equipment.
    fifth_wheel_z_m : float or None
        Height of the plate the trailer rests on; None for a straight truck, which has its axles
        elsewhere.
    is_whole : bool
        With its cab; else only the rear of it, whose axles are under the trailer.
    """
    if fifth_wheel_z_m is not None:
        axles = (0.55, 1.9) if rng.random() < 0.5 else (0.9,)
        for behind in axles:
            add_wheels(scene, course.at(behind), rng, is_twin=True)
            scene.cylinder("steel", 5.0, "x", (0.0, course.at(behind), 0.52), 0.19, 0.4)
        frame = course.span(-3.2 if is_whole else -0.3, 2.4)
        for x in (-0.39, 0.39):
            scene.box("steel", STEEL_G_CM3, (x - 0.004, x + 0.004), frame, (0.68, 0.95))
            for z in (0.68, 0.941):
                scene.box("steel", STEEL_G_CM3, (x - 0.04, x + 0.04), frame, (z, z + 0.009))
        scene.box(
            "steel", 3.5, (-0.48, 0.48), course.span(0.85, 1.6), (fifth_wheel_z_m - 0.12, fifth_wheel_z_m)
        )
    if not is_whole:
        return
    # the front axle under the cab, whose floor is at 1.15 m
    add_wheels(scene, course.at(-2.55), rng, is_twin=False)
    roof = rng.uniform(2.95, 3.75) if fifth_wheel_z_m is not None else rng.uniform(2.6, 2.95)
    front, back = -3.45, rng.uniform(-1.35, -1.1)
    floor = 1.15
    for x in (-1.2, 1.2):
        skin = (x - 0.0006, x + 0.0006)
        scene.box("steel", STEEL_G_CM3, skin, course.span(front + 0.1, back), (floor - 0.45, floor + 0.75))
        scene.box("steel", STEEL_G_CM3, skin, course.span(-2.1, back), (floor + 0.75, roof - 0.2))
        scene.box(
            "window-glass",
            _GLASS_G_CM3,
            (x - 0.0025, x + 0.0025),
            course.span(front + 0.25, -2.15),
            (floor + 0.75, floor + 1.45),
        )
        for pillar in (front + 0.12, -2.12, back - 0.06):
            hollow_section(
                scene, (x - 0.06, x + 0.06), course.span(pillar, pillar + 0.07), (floor, roof - 0.1), 0.003
            )
    x = (-1.18, 1.18)
    # windscreen, front and rear wall stand across the motion: thin sheet seen edge-on
    scene.box("window-glass", 0.6, x, course.span(front + 0.1, front + 0.17), (floor + 0.75, floor + 1.55))
    scene.box("steel", 0.10, x, course.span(front, front + 0.1), (floor - 0.45, floor + 0.75))
    scene.box("steel", 0.09, x, course.span(back - 0.05, back), (floor, roof - 0.15))
    scene.box("steel", STEEL_G_CM3, x, course.span(front + 0.2, back), (roof - 0.2, roof - 0.1985))
    scene.box("fibreglass", 1.2, x, course.span(front + 0.5, back), (roof - 0.01, roof))
    scene.box("steel", STEEL_G_CM3, x, course.span(front + 0.1, back), (floor, floor + 0.002))
    scene.box(
        "polyurethane-foam", 0.08, (-1.1, 1.1), course.span(-1.9, back - 0.08), (floor + 0.45, floor + 0.6)
    )
    for seat in (-0.65, 0.65):
        across = (seat - 0.25, seat + 0.25)
        scene.box("polyurethane-foam", 0.09, across, course.span(-2.75, -2.25), (floor + 0.35, floor + 0.5))
        scene.box("polyurethane-foam", 0.09, across, course.span(-2.3, -2.14), (floor + 0.5, floor + 1.15))
        scene.box("steel", 0.35, across, course.span(-2.75, -2.2), (floor + 0.1, floor + 0.34))
    # dashboard, steering wheel, and the engine below and behind
    scene.box("abs", 0.18, (-1.1, 1.1), course.span(front + 0.2, front + 0.6), (floor + 0.45, floor + 0.85))
    scene.cylinder("steel", 1.0, "y", (0.65, course.at(front + 0.72), floor + 0.85), 0.22, 0.03)
    add_engine(scene, (0.0, course.at(-2.35), 1.0), (0.9, 1.15, 0.95), rng)
    scene.box("aluminium", 0.9, (-0.55, 0.55), course.span(front + 0.1, front + 0.2), (0.65, 1.35))
    scene.cylinder("aluminium", 1.9, "y", (0.0, course.at(-1.45), 0.85), 0.22, 0.75)
    scene.box("steel", 1.2, (-1.2, 1.2), course.span(front - 0.03, front + 0.03), (0.35, 0.6))
    for side, kind in ((-1.0, "tank"), (1.0, "exhaust")):
        middle = course.at(-0.75)
        if kind == "tank":
            pipe(
                scene,
                "y",
                (side * 0.93, middle, 0.72),
                0.31,
                1.05,
                0.003,
                material="aluminium",
                density_g_cm3=2.7,
            )
            level = rng.uniform(0.2, 0.95)
            scene.box(
                "diesel",
                0.84,
                (side * 0.93 - 0.27, side * 0.93 + 0.27),
                course.span(-1.26, -0.24),
                (0.43, 0.43 + 0.55 * level),
            )
        else:
            pipe(scene, "y", (side * 0.9, middle, 0.72), 0.22, 0.7, 0.004)
            scene.cylinder("steel", 0.5, "y", (side * 0.9, middle, 0.72), 0.21, 0.68)
            scene.box(
                "lead", 3.2, (side * 0.9 - 0.22, side * 0.9 + 0.22), course.span(-0.3, -0.05), (0.55, 0.78)
            )
    if roof > 3.3:
        scene.box(
            "fibreglass", 0.25, (-1.1, 1.1), course.span(front + 0.7, front + 0.76), (roof, roof + 0.35)
        )


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
        # pillars lean: stacked short pieces
        for foot, head in ((0.27, 0.38), (0.56, 0.56), (0.90, 0.80)):
            for k in range(6):
                at = (foot + (head - foot) * k / 5.0) * length
                z = waist + (ground + height - waist) * k / 6.0
                step = (ground + height - waist) / 6.0
                scene.box(
                    "steel", 1.6, (side - 0.03, side + 0.03), course.span(at - 0.03, at + 0.04), (z, z + step)
                )
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
    # windscreen and rear window lean as well
    for foot, head in ((0.27, 0.38), (0.91, 0.80)):
        for k in range(8):
            at = (foot + (head - foot) * (k + 0.5) / 8.0) * length
            z = waist + (roof - waist) * k / 8.0
            step = (roof - waist) / 8.0
            scene.box(
                "window-glass", 0.35, (x0 + 0.15, x1 - 0.15), course.span(at - 0.03, at + 0.03), (z, z + step)
            )


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

"""Road tractors and the front of straight trucks: cab, engine, seats, tanks, frame and axles."""

from __future__ import annotations

import itertools

import numpy as np

from .meshes import extruded
from .parts import STEEL_G_CM3, Course, pipe
from .scene import Scene
from .vehicle_parts import add_engine, add_wheels

__all__ = ["add_tractor"]

_GLASS_G_CM3 = 2.4


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
        axles = (0.75, 2.1) if rng.random() < 0.5 else (1.0,)
        for behind in axles:
            add_wheels(scene, course.at(behind), rng, is_twin=True)
            scene.cylinder("steel", 5.0, "x", (0.0, course.at(behind), 0.52), 0.19, 0.4)
        frame = course.span(-3.2 if is_whole else -0.3, 2.4)
        for x in (-0.39, 0.39):
            scene.box("steel", STEEL_G_CM3, (x - 0.004, x + 0.004), frame, (0.68, 0.95))
            for z in (0.68, 0.941):
                scene.box("steel", STEEL_G_CM3, (x - 0.04, x + 0.04), frame, (z, z + 0.009))
        scene.box(
            "steel", 3.5, (-0.48, 0.48), course.span(0.8, 1.6), (fifth_wheel_z_m - 0.12, fifth_wheel_z_m)
        )
    if not is_whole:
        return
    # the front axle under the cab, whose floor is at 1.15 m
    add_wheels(scene, course.at(-2.55), rng, is_twin=False)
    roof = rng.uniform(2.95, 3.75) if fifth_wheel_z_m is not None else rng.uniform(2.6, 2.95)
    front, back = -3.45, rng.uniform(-1.35, -1.1)
    floor = 1.15
    outline = [
        (front, floor - 0.4),
        (front, floor + 0.75),
        (front + 0.28, floor + 1.6),
        (front + 0.75, roof),
        (back, roof - 0.05),
        (back, floor - 0.15),
        (-1.95, floor - 0.4),
    ]
    for x in (-1.2, 1.2):
        _add_side(scene, course, x, outline)
        glass = (x - 0.0025, x + 0.0025)
        scene.box(
            "window-glass", _GLASS_G_CM3, glass, course.span(front + 0.35, -2.15), (floor + 0.8, floor + 1.45)
        )
        door = [(front + 0.2, floor + 0.75), (-2.15, floor + 0.75), (-2.15, floor - 0.3)]
        for (u0, z0), (u1, z1) in itertools.pairwise(door):
            scene.tube("steel", STEEL_G_CM3, (x, course.at(u0), z0), (x, course.at(u1), z1), 0.02, 0.0185)
    width = (-1.18, 1.18)
    # front and rear wall stand across the motion: thin sheet seen edge-on; the windscreen leans
    for k in range(14):
        u = front + 0.02 + 0.28 * (k + 0.5) / 14.0
        z = floor + 0.75 + 0.85 * k / 14.0
        scene.box("window-glass", 0.5, width, course.span(u - 0.012, u + 0.012), (z, z + 0.85 / 14.0))
    scene.box("steel", 0.10, width, course.span(front, front + 0.1), (floor - 0.45, floor + 0.75))
    scene.box("steel", 0.09, width, course.span(back - 0.05, back), (floor, roof - 0.15))
    scene.box("steel", STEEL_G_CM3, width, course.span(front + 0.8, back), (roof - 0.2, roof - 0.1985))
    scene.box("fibreglass", 1.2, width, course.span(front + 0.8, back), (roof - 0.01, roof))
    scene.box("steel", STEEL_G_CM3, width, course.span(front + 0.1, back), (floor, floor + 0.002))
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


def _add_side(scene: Scene, course: Course, x_m: float, outline: list[tuple[float, float]]) -> None:
    """Add one side of a cab: sheet within an outline, and a hollow frame along it."""
    corners = [(course.at(behind), z) for behind, z in outline]
    sheet = extruded(corners, 0.0012)
    scene.mesh("steel", STEEL_G_CM3, sheet.vertices_m, sheet.triangles, centre=(x_m, 0.0, 0.0))
    for (y0, z0), (y1, z1) in itertools.pairwise([*corners, corners[0]]):
        scene.tube("steel", STEEL_G_CM3, (x_m, y0, z0), (x_m, y1, z1), 0.04, 0.0375)

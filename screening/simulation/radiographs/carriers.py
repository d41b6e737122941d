"""What carries containers: rail wagons on their track, trailers with their tractor, straight trucks."""

from __future__ import annotations

import numpy as np

from .containers import Container
from .parts import STEEL_G_CM3, Course, edge_on_plate, hollow_section, pipe
from .scene import Scene
from .tractors import add_tractor
from .vehicle_parts import add_wheels

__all__ = ["CARRIER_KINDS", "add_carrier", "carrier_reach_m", "draw_base_height_m"]

#: What a container can stand on: a flat wagon, a well wagon, a well wagon with two boxes on each other,
#: a skeletal trailer (tractor outside the picture), one with its tractor, a straight truck, or nothing.
CARRIER_KINDS = ("rail", "rail-well", "double-stack", "road", "road-cab", "truck", "none")

#: Height of the container's underside over the rail or road, m, by carrier.
_BASE_HEIGHT_M = {
    "rail": (1.08, 1.2),
    "rail-well": (0.28, 0.42),
    "double-stack": (0.28, 0.42),
    "road": (1.15, 1.35),
    "road-cab": (1.15, 1.35),
    "truck": (1.1, 1.25),
    "none": (1.15, 1.35),
}


def draw_base_height_m(kind: str, rng: np.random.Generator) -> float:
    """Draw the height at which a carrier holds a container.

    Parameters
    ----------
    kind : str
        One of :data:`CARRIER_KINDS`.
    rng : numpy.random.Generator
        The draw.

    Returns
    -------
    float
        Height of the underside over the road or rail, m.

    Raises
    ------
    ValueError
        If the kind is unknown.
    """
    _check(kind)
    return float(rng.uniform(*_BASE_HEIGHT_M[kind]))


def carrier_reach_m(kind: str) -> tuple[float, float]:
    """Return how far a carrier reaches before and behind its containers.

    Parameters
    ----------
    kind : str
        One of :data:`CARRIER_KINDS`.

    Returns
    -------
    tuple of float
        m before the front and behind the end that belong in the picture.

    Raises
    ------
    ValueError
        If the kind is unknown.
    """
    _check(kind)
    return {"road-cab": (3.9, 0.3), "truck": (2.5, 0.3)}.get(kind, (0.0, 0.0))


def add_carrier(
    scene: Scene,
    kind: str,
    containers: tuple[Container, ...],
    rng: np.random.Generator,
    *,
    direction: int = 1,
) -> None:
    """Add what the containers stand on.

    Parameters
    ----------
    scene : Scene
        The scene, changed.
    kind : str
        One of :data:`CARRIER_KINDS`.
    containers : tuple of Container
        What it carries.
    rng : numpy.random.Generator
        Places of axles and boxes.
    direction : int, default 1
        1: the front of the vehicle is at the small end of the motion; -1: mirrored.

    Raises
    ------
    ValueError
        If `kind` is none of these.
    """
    _check(kind)
    if kind == "none":
        return
    y0 = min(c.y0_m for c in containers)
    y1 = max(c.y1_m for c in containers)
    base = min(c.base_z_m for c in containers)
    if kind == "rail":
        _add_flat_wagon(scene, y0, y1, base, rng)
    elif kind in ("rail-well", "double-stack"):
        _add_well_wagon(scene, y0, y1, base, rng)
    else:
        front = y0 if direction > 0 else y1
        course = Course(front, direction)
        if kind == "truck":
            _add_straight_truck(scene, course, y1 - y0, base, rng)
        else:
            _add_trailer(scene, course, y1 - y0, base, rng, has_tractor=kind == "road-cab")
        _add_road(scene, rng)


def _check(kind: str) -> None:
    if kind not in CARRIER_KINDS:
        raise ValueError(f"carrier must be one of {', '.join(CARRIER_KINDS)}, got {kind!r}")


def _picture_span(scene: Scene) -> tuple[float, float]:
    """Return the length of road or track that any line sees: a skewed fan sees it shifted."""
    along, aside = scene.geometry.column_y_m, 2.0 * abs(scene.geometry.skew) + 0.1
    return float(along.min()) - aside, float(along.max()) + aside


def _add_road(scene: Scene, rng: np.random.Generator) -> None:
    """Lay a concrete slab with a kerb of uneven height: nothing is seen below the road."""
    y = _picture_span(scene)
    scene.box("concrete", 2.3, (-1.45, 1.45), y, (-0.6, -0.12 + rng.uniform(-0.03, 0.03)))


def _add_track(scene: Scene, rng: np.random.Generator) -> None:
    """Two rails (foot, web, head), sleepers with their fastenings, ballast between them."""
    span = _picture_span(scene)
    for x in (-0.755, 0.755):
        # UIC 60: head 72 mm, web 16.5 mm, foot 150 mm, 172 mm high
        scene.box("steel", STEEL_G_CM3, (x - 0.036, x + 0.036), span, (-0.040, 0.0))
        scene.box("steel", STEEL_G_CM3, (x - 0.008, x + 0.008), span, (-0.155, -0.040))
        scene.box("steel", STEEL_G_CM3, (x - 0.075, x + 0.075), span, (-0.172, -0.155))
    is_concrete = rng.random() < 0.7
    pitch = rng.uniform(0.58, 0.63)
    y = span[0] + rng.uniform(0.0, pitch)
    while y < span[1]:
        wide = rng.normal(0.0, 0.006)
        if is_concrete:
            scene.box("concrete", 2.4, (-1.3, 1.3), (y, y + 0.26 + wide), (-0.41, -0.185))
        else:
            scene.box("wood", 0.85, (-1.3, 1.3), (y, y + 0.25 + wide), (-0.34, -0.185))
        for x in (-0.755, 0.755):
            scene.box("steel", 3.0, (x - 0.13, x + 0.13), (y + 0.08, y + 0.18), (-0.185, -0.13))
        y += pitch
    # ballast lies between the sleepers, its top rough
    edges = np.arange(span[0], span[1], 0.11)
    for start in edges:
        top = -0.26 + rng.normal(0.0, 0.02)
        scene.box("granite", 1.55, (-1.5, 1.5), (float(start), float(start) + 0.11), (-0.6, top))


def _add_bogie(scene: Scene, y: float, rng: np.random.Generator, *, wheel_radius: float = 0.46) -> None:
    """Two wheelsets in a frame: discs with flanges, axles, axle boxes, springs, brake blocks."""
    base = rng.uniform(0.88, 0.93)
    r = wheel_radius
    for wheel in (y - base, y + base):
        for x in (-0.755, 0.755):
            # a rim 135 mm wide and a thin web on a hub; brake blocks press on the tread
            scene.cylinder("steel", STEEL_G_CM3, "x", (x, wheel, r), r, 0.135)
            scene.cylinder("steel", -STEEL_G_CM3, "x", (x, wheel, r), r - 0.07, 0.135)
            scene.cylinder("steel", STEEL_G_CM3, "x", (x, wheel, r), r - 0.07, 0.026)
            scene.cylinder("steel", STEEL_G_CM3, "x", (x, wheel, r), 0.13, 0.15)
            inner = x - 0.075 if x > 0 else x + 0.075
            scene.cylinder("steel", STEEL_G_CM3, "x", (inner, wheel, r), r + 0.028, 0.022)
            for side in (-1.0, 1.0):
                block = wheel + side * (r + 0.03)
                scene.box(
                    "steel", 6.0, (x - 0.04, x + 0.04), (block - 0.03, block + 0.03), (r - 0.16, r + 0.16)
                )
        scene.cylinder("steel", STEEL_G_CM3, "x", (0.0, wheel, r), 0.085, 2.15)
        for x in (-1.03, 1.03):
            scene.box("steel", 5.5, (x - 0.09, x + 0.09), (wheel - 0.14, wheel + 0.14), (r - 0.13, r + 0.13))
            for spring in (-0.2, 0.2):
                place = (x, wheel + spring, r + 0.12)
                pipe(scene, "z", place, 0.075, 0.22, 0.028)
    for x in (-1.03, 1.03):
        frame = (x - 0.045, x + 0.045)
        hollow_section(scene, frame, (y - 1.2, y + 1.2), (r + 0.16, r + 0.33), 0.012)
        scene.box("steel", 3.5, frame, (y - 0.3, y + 0.3), (r - 0.02, r + 0.3))
    hollow_section(scene, (-1.0, 1.0), (y - 0.16, y + 0.16), (r + 0.12, r + 0.32), 0.014)
    for x in (-0.8, 0.8):
        scene.cylinder("steel", 2.6, "z", (x, y, r + 0.34), 0.07, 0.06)


def _add_coupling(scene: Scene, end: float, outward: float) -> None:
    """Buffers and a screw coupling, or their mirror at the other end."""
    for x in (-0.875, 0.875):
        scene.cylinder("steel", 3.0, "y", (x, end + outward * 0.25, 1.03), 0.085, 0.5)
        scene.cylinder("steel", STEEL_G_CM3, "y", (x, end + outward * 0.54, 1.03), 0.225, 0.04)
    scene.box(
        "steel",
        4.0,
        (-0.06, 0.06),
        (min(end, end + outward * 0.6), max(end, end + outward * 0.6)),
        (0.96, 1.08),
    )


def _add_flat_wagon(scene: Scene, y0: float, y1: float, base: float, rng: np.random.Generator) -> None:
    ends = (y0 - rng.uniform(0.3, 0.5), y1 + rng.uniform(0.3, 0.5))
    middle = (ends[0] + ends[1]) / 2
    # boxes stand on spigot plates, clear of the deck
    deck = base - 0.03
    for x in (-1.2, 1.2):
        # fish-bellied side sills: deeper in the middle
        for span, depth in (
            ((ends[0], ends[0] + 2.6), 0.26),
            ((ends[0] + 2.6, middle - 1.5), 0.40),
            ((middle - 1.5, middle + 1.5), 0.46),
            ((middle + 1.5, ends[1] - 2.6), 0.40),
            ((ends[1] - 2.6, ends[1]), 0.26),
        ):
            if span[1] - span[0] > 0.05:
                scene.box("steel", STEEL_G_CM3, (x - 0.006, x + 0.006), span, (deck - depth, deck))
                scene.box(
                    "steel", STEEL_G_CM3, (x - 0.06, x + 0.06), span, (deck - depth, deck - depth + 0.012)
                )
        scene.box("steel", STEEL_G_CM3, (x - 0.06, x + 0.06), ends, (deck - 0.012, deck))
    for x in (-0.2, 0.2):
        scene.box("steel", STEEL_G_CM3, (x - 0.005, x + 0.005), ends, (deck - 0.36, deck - 0.03))
        scene.box("steel", STEEL_G_CM3, (x - 0.07, x + 0.07), ends, (deck - 0.36, deck - 0.345))
    for y in np.arange(ends[0] + 0.4, ends[1] - 0.3, 1.4):
        edge_on_plate(scene, (-1.15, 1.15), float(y), (deck - 0.24, deck), 0.010)
        scene.box(
            "steel", STEEL_G_CM3, (-1.15, 1.15), (float(y) - 0.04, float(y) + 0.04), (deck - 0.007, deck)
        )
    # brake gear: cylinder, air tank, rods, hand wheel
    scene.cylinder("steel", 2.2, "y", (0.5, middle + 0.8, deck - 0.42), 0.16, 0.55)
    scene.cylinder("steel", 1.2, "y", (-0.55, middle - 0.7, deck - 0.42), 0.15, 0.9)
    scene.cylinder("steel", STEEL_G_CM3, "y", (0.0, middle, deck - 0.48), 0.016, ends[1] - ends[0] - 5.0)
    # pivots stand some 2.2 m behind the headstocks
    pivot = rng.uniform(2.15, 2.35)
    for bogie in (ends[0] + pivot, ends[1] - pivot):
        _add_bogie(scene, bogie, rng)
    for end, outward in ((ends[0], -1.0), (ends[1], 1.0)):
        edge_on_plate(scene, (-1.2, 1.2), end, (deck - 0.3, deck), 0.012)
        _add_coupling(scene, end, outward)
        # the neighbour's buffers and headstock
        far = end + outward * 1.2
        _add_coupling(scene, far, -outward)
        edge_on_plate(scene, (-1.2, 1.2), far, (deck - 0.3, deck), 0.012)
    for y in (y0 + 0.09, y1 - 0.09):
        for x in (-1.13, 1.13):
            scene.box("steel", 5.5, (x - 0.05, x + 0.05), (y - 0.05, y + 0.05), (deck, base + 0.05))
    _add_track(scene, rng)


def _add_well_wagon(scene: Scene, y0: float, y1: float, base: float, rng: np.random.Generator) -> None:
    ends = (y0 - 0.25, y1 + 0.25)
    for x in (-1.38, 1.38):
        scene.box("steel", STEEL_G_CM3, (x - 0.005, x + 0.005), ends, (base - 0.1, base + 0.75))
        hollow_section(scene, (x - 0.07, x + 0.07), ends, (base + 0.68, base + 0.80), 0.010)
        hollow_section(scene, (x - 0.05, x + 0.09), ends, (base - 0.16, base - 0.05), 0.012)
        for y in np.arange(ends[0] + 0.5, ends[1] - 0.3, 1.1):
            scene.box(
                "steel", 1.2, (x - 0.05, x + 0.05), (float(y), float(y) + 0.09), (base - 0.05, base + 0.7)
            )
    for y in np.arange(ends[0] + 0.8, ends[1] - 0.5, 2.2):
        edge_on_plate(scene, (-1.35, 1.35), float(y), (base - 0.14, base - 0.02), 0.010)
    for end, outward in ((ends[0], -1.0), (ends[1], 1.0)):
        edge_on_plate(scene, (-1.3, 1.3), end, (base - 0.1, base + 0.7), 0.012)
        # the end platform over the bogie: bolster, deck, coupler
        deck = (min(end, end + outward * 2.4), max(end, end + outward * 2.4))
        scene.box("steel", STEEL_G_CM3, (-1.3, 1.3), deck, (1.08, 1.09))
        for x in (-0.25, 0.25):
            scene.box("steel", STEEL_G_CM3, (x - 0.007, x + 0.007), deck, (0.72, 1.08))
        _add_bogie(scene, end + outward * 1.35, rng)
        scene.box(
            "steel",
            5.0,
            (-0.12, 0.12),
            (min(end + outward * 2.4, end + outward * 3.0), max(end + outward * 2.4, end + outward * 3.0)),
            (0.75, 0.95),
        )
    _add_track(scene, rng)


def _add_trailer(
    scene: Scene, course: Course, length: float, base: float, rng: np.random.Generator, *, has_tractor: bool
) -> None:
    start, stop = -rng.uniform(0.05, 0.25), length + rng.uniform(0.05, 0.2)
    main = course.span(start, stop)
    top = base - 0.01
    for x in (-0.5, 0.5):
        # the gooseneck in front is shallow, the beam behind it deep
        for span, depth in ((course.span(start, 3.2), 0.16), (course.span(3.2, stop), 0.42)):
            scene.box("steel", STEEL_G_CM3, (x - 0.004, x + 0.004), span, (top - depth, top))
            scene.box("steel", STEEL_G_CM3, (x - 0.065, x + 0.065), span, (top - depth, top - depth + 0.014))
        scene.box("steel", STEEL_G_CM3, (x - 0.065, x + 0.065), main, (top - 0.014, top))
    for behind in (0.1, length / 2 - 0.4, length / 2 + 0.4, length - 0.15):
        span = course.span(behind - 0.06, behind + 0.06)
        scene.box("steel", STEEL_G_CM3, (-1.2, 1.2), span, (top - 0.1, top - 0.09))
        edge_on_plate(scene, (-1.2, 1.2), span[0], (top - 0.15, top), 0.006)
        edge_on_plate(scene, (-1.2, 1.2), span[1], (top - 0.15, top), 0.006)
    for behind in np.arange(1.0, length - 0.5, 1.1):
        edge_on_plate(scene, (-0.48, 0.48), course.at(float(behind)), (top - 0.12, top - 0.02), 0.005)
    for x in (-0.85, 0.85):
        leg = (x - 0.05, x + 0.05)
        hollow_section(scene, leg, course.span(3.4, 3.52), (rng.uniform(0.25, 0.4), top - 0.1), 0.006)
    edge_on_plate(scene, (-0.9, 0.9), course.at(3.46), (0.75, 0.8), 0.03)
    rear = length - rng.uniform(1.2, 1.9)
    for behind in (rear - 2.62, rear - 1.31, rear):
        if behind > 3.6:
            add_wheels(scene, course.at(behind), rng, is_twin=False)
            scene.box("steel", 3.0, (-0.6, -0.4), course.span(behind - 0.35, behind + 0.4), (0.55, 0.7))
            scene.box("steel", 3.0, (0.4, 0.6), course.span(behind - 0.35, behind + 0.4), (0.55, 0.7))
            for x in (-0.45, 0.45):
                # air bags and brake chambers
                scene.cylinder("rubber", 0.35, "z", (x, course.at(behind + 0.35), 0.72), 0.13, 0.24)
                scene.cylinder("steel", 2.0, "y", (x, course.at(behind - 0.22), 0.55), 0.08, 0.16)
    for x, behind in ((-0.75, length * 0.55), (0.2, length * 0.62)):
        pipe(scene, "y", (x, course.at(behind), top - 0.55), 0.12, 0.8, 0.004)
    # rear bumper with lights, side guards
    scene.box("steel", 2.0, (-1.2, 1.2), course.span(stop - 0.1, stop), (0.45, 0.57))
    for x in (-1.2, 1.2):
        for z in (0.55, 0.85):
            scene.box(
                "aluminium", 1.2, (x - 0.02, x + 0.02), course.span(4.0, max(rear - 3.3, 4.2)), (z, z + 0.1)
            )
    add_tractor(scene, course, rng, fifth_wheel_z_m=top - 0.16, is_whole=has_tractor)


def _add_straight_truck(
    scene: Scene, course: Course, length: float, base: float, rng: np.random.Generator
) -> None:
    top = base - 0.02
    start = -2.3
    for x in (-0.43, 0.43):
        scene.box(
            "steel", STEEL_G_CM3, (x - 0.004, x + 0.004), course.span(start, length), (top - 0.36, top - 0.08)
        )
        for z in (top - 0.37, top - 0.09):
            scene.box("steel", STEEL_G_CM3, (x - 0.04, x + 0.04), course.span(start, length), (z, z + 0.009))
    for behind in np.arange(0.2, length, 0.6):
        edge_on_plate(scene, (-1.15, 1.15), course.at(float(behind)), (top - 0.08, top), 0.005)
    rear = length - rng.uniform(1.6, 2.4)
    add_wheels(scene, course.at(rear), rng, is_twin=True)
    if length > 7.0:
        add_wheels(scene, course.at(rear - 1.35), rng, is_twin=True)
    add_tractor(scene, course, rng, fifth_wheel_z_m=None, is_whole=True)

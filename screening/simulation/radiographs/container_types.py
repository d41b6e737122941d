"""Containers that are not plain boxes: refrigerated, open top, flat rack, tank.

Dimensions as builders commonly state them for ISO 1496-2 (thermal), 1496-1 (open top), 1496-5
(platform) and 1496-3 (tank) containers.
"""

from __future__ import annotations

import itertools

import numpy as np

from .dry_box import (
    WIDTH_M,
    Container,
    add_floor,
    add_frame,
    add_front_and_doors,
    add_walls,
)
from .meshes import turned
from .parts import STEEL_G_CM3, edge_on_plate, hollow_section, ordered, pipe
from .scene import Scene

__all__ = ["add_special_container"]

_SIDE_M = WIDTH_M / 2
_FOAM_G_CM3 = 0.045
_ALUMINIUM_G_CM3 = 2.7


def add_special_container(scene: Scene, container: Container, rng: np.random.Generator) -> None:
    """Add an empty container that is not a plain box.

    Parameters
    ----------
    scene : Scene
        The scene, changed.
    container : Container
        The container.
    rng : numpy.random.Generator
        Wear and fittings.

    Raises
    ------
    ValueError
        If its kind is none of these.
    """
    if container.kind == "reefer":
        _add_reefer(scene, container, rng)
    elif container.kind == "open-top":
        _add_open_top(scene, container, rng)
    elif container.kind == "flat-rack":
        _add_flat_rack(scene, container, rng)
    elif container.kind == "tank":
        _add_tank(scene, container, rng)
    else:
        raise ValueError(
            f"special containers are reefer, open-top, flat-rack or tank, got {container.kind!r}"
        )


def _add_reefer(scene: Scene, c: Container, rng: np.random.Generator) -> None:
    """Flat insulated walls on a steel frame, an aluminium T-floor, the machine at the front."""
    top = c.base_z_m + c.height_m
    y = (c.y0_m + 0.05, c.y1_m - 0.05)
    add_frame(scene, c)
    for sign in (-1.0, 1.0):
        outer = sign * (_SIDE_M - 0.012)
        z = (c.base_z_m + 0.17, top - 0.06)
        scene.box("steel", STEEL_G_CM3, ordered(outer, outer - sign * 0.0008), y, z)
        scene.box("polyurethane-foam", _FOAM_G_CM3, ordered(outer, outer - sign * 0.065), y, z)
        scene.box("steel", STEEL_G_CM3, ordered(outer - sign * 0.065, outer - sign * 0.0657), y, z)
        # stiffeners between the skins, one every 0.6 m
        for post in np.arange(y[0] + 0.3, y[1], 0.61):
            span = (float(post), float(post) + 0.05)
            scene.box("steel", 0.35, ordered(outer, outer - sign * 0.06), span, z)
    x = (-_SIDE_M + 0.07, _SIDE_M - 0.07)
    scene.box("polyurethane-foam", _FOAM_G_CM3, x, y, (top - 0.105, top - 0.02))
    scene.box("aluminium", _ALUMINIUM_G_CM3, x, y, (top - 0.0212, top - 0.02))
    scene.box("aluminium", _ALUMINIUM_G_CM3, x, y, (top - 0.106, top - 0.1048))
    # T-bars along the box, 63 mm high: stems and heads
    floor = c.floor_z_m
    scene.box("polyurethane-foam", _FOAM_G_CM3, x, y, (floor - 0.14, floor - 0.066))
    scene.box("aluminium", _ALUMINIUM_G_CM3, x, y, (floor - 0.066, floor - 0.063))
    for stem in np.arange(-1.08, 1.09, 0.06):
        at = float(stem)
        scene.box(
            "aluminium", _ALUMINIUM_G_CM3, (at - 0.0012, at + 0.0012), y, (floor - 0.063, floor - 0.003)
        )
        scene.box("aluminium", _ALUMINIUM_G_CM3, (at - 0.016, at + 0.016), y, (floor - 0.003, floor))
    for member in np.arange(c.y0_m + 0.3, c.y1_m - 0.2, 0.45):
        edge_on_plate(scene, x, float(member), (c.base_z_m + 0.03, floor - 0.14), 0.004)
    front, back = (c.y0_m, c.y1_m) if c.doors_at > 0 else (c.y1_m, c.y0_m)
    inward = float(c.doors_at)
    for depth in (0.105, 0.055):
        # doors: two skins and foam, seen along their length
        edge_on_plate(scene, x, back - inward * depth, (c.base_z_m + 0.12, top - 0.08), 0.0012)
    scene.box("polyurethane-foam", 0.06, x, ordered(back - inward * 0.055, back - inward * 0.105),
              (c.base_z_m + 0.12, top - 0.08))  # fmt: skip
    for bar in (-0.7, 0.7):
        scene.cylinder(
            "steel", 3.0, "z", (bar, back - inward * 0.022, (c.base_z_m + top) / 2), 0.017, c.height_m - 0.1
        )
    _add_machine(scene, c, rng, front, inward)


def _add_machine(scene: Scene, c: Container, rng: np.random.Generator, front: float, inward: float) -> None:
    """Compressor, condenser, evaporator, fans, electrics in the front 0.45 m."""
    z0 = c.base_z_m + 0.15

    def deep(a: float, b: float) -> tuple[float, float]:
        return ordered(front + inward * a, front + inward * b)

    height = c.height_m - 0.25
    edge_on_plate(scene, (-1.1, 1.1), front + inward * 0.44, (z0, z0 + height), 0.0012)
    for x in (-1.08, -0.36, 0.36, 1.08):
        hollow_section(scene, (x - 0.03, x + 0.03), deep(0.05, 0.40), (z0, z0 + height), 0.003)
    condenser = (z0 + 0.62, z0 + 1.12)
    scene.box("aluminium", 0.55, (-0.85, 0.45), deep(0.10, 0.16), condenser)
    scene.box("copper", 0.35, (-0.85, 0.45), deep(0.10, 0.16), condenser)
    scene.box("aluminium", 0.5, (-0.95, 0.95), deep(0.24, 0.36), (z0 + 1.55, z0 + 1.95))
    scene.box("copper", 0.3, (-0.95, 0.95), deep(0.24, 0.36), (z0 + 1.55, z0 + 1.95))
    compressor = (rng.uniform(-0.65, -0.5), front + inward * 0.24, z0 + 0.24)
    scene.cylinder("steel", 5.2, "x", compressor, 0.11, 0.46)
    scene.cylinder("steel", 4.0, "z", (compressor[0], compressor[1], z0 + 0.4), 0.06, 0.12)
    scene.cylinder("steel", 1.9, "z", (0.55, front + inward * 0.2, z0 + 0.3), 0.08, 0.5)
    for x in (-0.45, 0.45):
        motor = (x, front + inward * 0.30, z0 + 2.08)
        scene.cylinder("steel", 4.0, "z", motor, 0.06, 0.12)
        scene.cylinder("aluminium", 0.5, "z", (x, motor[1], z0 + 1.98), 0.18, 0.05)
    scene.cylinder("steel", 3.5, "y", (-0.2, front + inward * 0.24, z0 + 0.87), 0.08, 0.16)
    # the electric box: contactors, transformer, a coiled power cable
    scene.box("steel", 0.5, (0.55, 1.0), deep(0.05, 0.25), (z0 + 0.55, z0 + 1.4))
    scene.box("steel", 3.5, (0.62, 0.78), deep(0.08, 0.2), (z0 + 0.6, z0 + 0.74))
    scene.box("copper", 0.9, (0.2, 0.5), deep(0.06, 0.2), (z0 + 0.05, z0 + 0.4))


def _add_open_top(scene: Scene, c: Container, rng: np.random.Generator) -> None:
    """Build a box without a roof: strong rails, bows across, a tarpaulin that sags between them."""
    add_walls(scene, c, rng)
    add_frame(scene, c)
    add_front_and_doors(scene, c)
    add_floor(scene, c, rng)
    top = c.base_z_m + c.height_m
    for sign in (-1.0, 1.0):
        side = sign * _SIDE_M
        hollow_section(scene, (side, side - sign * 0.08), (c.y0_m, c.y1_m), (top - 0.12, top), 0.004)
    for bow in np.arange(c.y0_m + 0.6, c.y1_m - 0.4, 0.62):
        pipe(scene, "x", (0.0, float(bow) + rng.normal(0.0, 0.02), top - 0.03), 0.019, 2.3, 0.0025)
    scene.box("pvc", 1.3, (-_SIDE_M, _SIDE_M), (c.y0_m, c.y1_m), (top - 0.004, top - 0.0032))


def _add_flat_rack(scene: Scene, c: Container, rng: np.random.Generator) -> None:
    """Build a platform of I-beams with an end wall at each end."""
    top = c.base_z_m + c.height_m
    deck = c.floor_z_m
    y = (c.y0_m, c.y1_m)
    for x in (-1.12, 1.12):
        scene.box("steel", STEEL_G_CM3, (x - 0.005, x + 0.005), y, (deck - 0.60, deck - 0.06))
        for z in (deck - 0.61, deck - 0.07):
            scene.box("steel", STEEL_G_CM3, (x - 0.09, x + 0.09), y, (z, z + 0.014))
    for member in np.arange(c.y0_m + 0.3, c.y1_m - 0.2, 0.4):
        edge_on_plate(scene, (-1.05, 1.05), float(member), (deck - 0.35, deck - 0.06), 0.006)
    board = c.y0_m + 0.1
    while board < c.y1_m - 0.2:
        end = min(board + rng.uniform(1.8, 2.4), c.y1_m - 0.1)
        scene.box(
            "wood", 0.62 * rng.uniform(0.9, 1.1), (-1.15, 1.15), (board, end - 0.004), (deck - 0.05, deck)
        )
        board = end
    for end, inward in ((c.y0_m, 1.0), (c.y1_m, -1.0)):
        for sign in (-1.0, 1.0):
            post = ordered(sign * _SIDE_M, sign * (_SIDE_M - 0.16))
            foot = ordered(end, end + inward * 0.34)
            hollow_section(scene, post, foot, (deck, top), 0.010)
            for height in ((c.base_z_m, c.base_z_m + 0.118), (top - 0.118, top)):
                corner = ordered(end, end + inward * 0.178)
                inner = ordered(sign * _SIDE_M, sign * (_SIDE_M - 0.162))
                hollow_section(scene, inner, corner, height, 0.018)
        scene.box(
            "steel",
            0.22,
            (-1.05, 1.05),
            ordered(end + inward * 0.05, end + inward * 0.11),
            (deck, top - 0.15),
        )


def _add_tank(scene: Scene, c: Container, rng: np.random.Generator) -> None:
    """Build a frame around an insulated stainless vessel with dished ends, manhole and outlet."""
    add_frame(scene, c)
    top = c.base_z_m + c.height_m
    radius = min(1.16, (c.height_m - 0.25) / 2)
    z = top - radius - 0.09
    middle = (c.y0_m + c.y1_m) / 2
    dish = 0.30
    straight = c.length_m - 2 * (dish + 0.1)
    shell = 0.0045
    for material, density, outer, wall in (
        ("polyurethane-foam", _FOAM_G_CM3, radius, 0.05),
        ("aluminium", _ALUMINIUM_G_CM3, radius, 0.0008),
        ("steel", STEEL_G_CM3, radius - 0.05, shell),
    ):
        pipe(scene, "y", (0.0, middle, z), outer, straight, wall, material=material, density_g_cm3=density)
    for sign in (-1.0, 1.0):
        # a dished end: the shell between two halves of ellipsoids, its hollow towards the vessel
        end = (0.0, middle + sign * straight / 2, z)
        turn = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, sign], [0.0, -sign, 0.0]])
        for ring, deep, density in (
            (radius - 0.05, dish, STEEL_G_CM3),
            (radius - 0.05 - shell, dish - shell, -STEEL_G_CM3),
        ):
            t = np.linspace(0.0, 0.995, 14)
            half = turned(np.stack([ring * np.sqrt(1.0 - t * t), deep * t], axis=1), n_side=48)
            scene.mesh("steel", density, half.vertices_m, half.triangles, centre=end, rotation=turn)
    for y in (c.y0_m + 0.04, c.y1_m - 0.04):
        for sign in (-1.0, 1.0):
            edge_on_plate(scene, (-1.1, 1.1), y, (top - 0.1, top), 0.006)
            edge_on_plate(scene, (-1.1, 1.1), y, (c.base_z_m, c.base_z_m + 0.1), 0.006)
            # a saddle holds the vessel to the end frame
            x = ordered(sign * 0.5, sign * 0.9)
            near = c.y0_m if y < middle else c.y1_m - 0.35
            scene.box("steel", 1.2, x, (near, near + 0.35), (c.base_z_m + 0.1, z - 0.6))
    for lid in (middle, middle + 0.9):
        scene.cylinder(
            "steel", STEEL_G_CM3, "z", (0.0, lid, top - 0.05), 0.28 if lid == middle else 0.09, 0.03
        )
    pipe(
        scene,
        "x",
        (0.7, c.y1_m - 0.4 if c.doors_at > 0 else c.y0_m + 0.4, c.base_z_m + 0.2),
        0.045,
        0.5,
        0.004,
    )
    scene.cylinder(
        "steel",
        4.5,
        "y",
        (0.0, c.y1_m - 0.15 if c.doors_at > 0 else c.y0_m + 0.15, c.base_z_m + 0.25),
        0.09,
        0.2,
    )
    scene.box("aluminium", 0.5, (-0.25, 0.25), (c.y0_m + 0.3, c.y1_m - 0.3), (top - 0.04, top - 0.02))
    fill = rng.uniform(0.8, 0.95) if rng.random() < 0.75 else 0.0
    if fill > 0.0:
        _add_liquid(scene, (0.0, middle, z), radius - 0.055, straight + dish, fill, rng.uniform(0.8, 1.3))


def _add_liquid(
    scene: Scene,
    centre: tuple[float, float, float],
    radius: float,
    length: float,
    level: float,
    density: float,
) -> None:
    """Fill a lying cylinder to a share of its height: slabs up to a flat surface."""
    edges = np.linspace(-radius, -radius + 2.0 * radius * level, 49)
    for low, high in itertools.pairwise(edges):
        half = float(np.sqrt(max(radius**2 - ((low + high) / 2) ** 2, 0.0)))
        y = (centre[1] - length / 2, centre[1] + length / 2)
        scene.box("water", density, (-half, half), y, (centre[2] + float(low), centre[2] + float(high)))

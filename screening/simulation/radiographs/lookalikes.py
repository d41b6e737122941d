"""Innocent objects that are mistaken for threats: compressors, batteries, counterweights, soap.

Each is of the family of what it is mistaken for. A model that is shown both cannot learn "something was
put here".
"""

from __future__ import annotations

import math

import numpy as np

from .object_types import ThreatType, object_table
from .solids import Part, block, disc, plate, rod, solid_of_revolution, spheroid

__all__ = ["LOOKALIKES"]

STEEL_G_CM3 = 7.85
LEAD_G_CM3 = 11.35


def _compressor(rng: np.random.Generator) -> list[Part]:
    """Return a hermetic compressor: a steel pot with motor, crank and piston in it."""
    r = rng.uniform(0.08, 0.13)
    return [
        spheroid("steel", STEEL_G_CM3, (0.0, 0.0, 0.0), (r, r, 1.15 * r)),
        spheroid("steel", -STEEL_G_CM3, (0.0, 0.0, 0.0), (r - 0.004, r - 0.004, 1.15 * r - 0.004)),
        disc("steel", 6.0, "z", (0.0, 0.0, 0.2 * r), 0.72 * r, 0.7 * r),
        disc("copper", 2.5, "z", (0.0, 0.0, 0.2 * r), 0.72 * r, 1.0 * r),
        disc("steel", STEEL_G_CM3, "z", (0.0, 0.0, 0.0), 0.12 * r, 1.7 * r),
        disc("cast-iron", 7.2, "y", (0.0, 0.25 * r, -0.6 * r), 0.3 * r, 0.8 * r),
        rod("copper", 8.9, (0.0, r, 0.3 * r), (0.0, r + 0.08, 0.6 * r), 0.005),
        block("steel", 3.0, (0.0, 0.0, -1.15 * r), (2.0 * r, 2.0 * r, 0.012)),
    ]


def _engine_block(rng: np.random.Generator) -> list[Part]:
    """Return a bare four-cylinder block with its crankshaft."""
    long, wide, tall = rng.uniform(0.38, 0.5), rng.uniform(0.22, 0.3), rng.uniform(0.25, 0.32)
    parts = [block("cast-iron", 5.2, (0.0, 0.0, 0.0), (wide, long, tall))]
    for k in range(4):
        y = (k - 1.5) * long / 4.2
        parts.append(disc("cast-iron", -5.0, "z", (0.0, y, 0.06 * tall), 0.09 * long, 0.7 * tall))
    parts.append(block("cast-iron", -4.0, (0.0, 0.0, -0.4 * tall), (0.7 * wide, 0.9 * long, 0.18 * tall)))
    parts.append(disc("steel", STEEL_G_CM3, "y", (0.0, 0.0, -0.35 * tall), 0.03, 1.1 * long))
    return parts


def _battery(rng: np.random.Generator) -> list[Part]:
    """Return a lead-acid battery: six cells of plates, straps, posts."""
    long, wide, tall = rng.uniform(0.24, 0.51), rng.uniform(0.17, 0.22), rng.uniform(0.18, 0.22)
    parts = [
        block("polypropylene", 0.9, (0.0, 0.0, 0.0), (wide, long, tall)),
        block("polypropylene", -0.9, (0.0, 0.0, 0.0), (wide - 0.006, long - 0.006, tall - 0.006)),
    ]
    for k in range(6):
        y = (k - 2.5) * (long - 0.01) / 6.0
        cell = (wide - 0.012, (long - 0.01) / 6.0 - 0.006)
        parts.append(block("lead", 3.4, (0.0, y, -0.015), (*cell, 0.72 * tall)))
        parts.append(block("sulphuric-acid", 0.75, (0.0, y, -0.01), (*cell, 0.8 * tall)))
        parts.append(block("lead", 9.0, (0.0, y, 0.33 * tall), (cell[0], 0.012, 0.012)))
    posts = (-0.42, 0.42)
    return parts + [
        disc("lead", LEAD_G_CM3, "z", (0.05, y * long, tall / 2 + 0.01), 0.008, 0.02) for y in posts
    ]


def _coil_core(rng: np.random.Generator) -> list[Part]:
    """Return a small slit coil of strip on its core."""
    r, wide = rng.uniform(0.14, 0.28), rng.uniform(0.06, 0.18)
    return [
        disc("steel", 7.7, "x", (0.0, 0.0, 0.0), r, wide),
        disc("steel", -7.7, "x", (0.0, 0.0, 0.0), 0.55 * r, wide),
        disc("cardboard", 0.7, "x", (0.0, 0.0, 0.0), 0.55 * r, wide),
        disc("cardboard", -0.7, "x", (0.0, 0.0, 0.0), 0.5 * r, wide),
    ]


def _counterweight(rng: np.random.Generator) -> list[Part]:
    """Return a cast counterweight: a block with a lifting eye and two holes."""
    size = (rng.uniform(0.1, 0.25), rng.uniform(0.15, 0.4), rng.uniform(0.12, 0.3))
    return [
        block("cast-iron", 7.1, (0.0, 0.0, 0.0), size),
        disc("cast-iron", -7.1, "x", (0.0, 0.3 * size[1], 0.0), 0.02, size[0]),
        disc("cast-iron", -7.1, "x", (0.0, -0.3 * size[1], 0.0), 0.02, size[0]),
        disc("steel", STEEL_G_CM3, "x", (0.0, 0.0, size[2] / 2 + 0.03), 0.035, 0.02),
        disc("steel", -STEEL_G_CM3, "x", (0.0, 0.0, size[2] / 2 + 0.03), 0.02, 0.02),
    ]


def _gas_cylinder(rng: np.random.Generator) -> list[Part]:
    """Return a steel gas bottle with dome, valve and cap."""
    r, tall, wall = rng.uniform(0.07, 0.115), rng.uniform(0.6, 1.35), rng.uniform(0.005, 0.008)
    outline = [(0.8 * r, 0.0), (r, 0.03), (r, tall - r), (0.7 * r, tall - 0.35 * r), (0.25 * r, tall)]
    inner = [
        (0.7 * r, wall),
        (r - wall, 0.04),
        (r - wall, tall - r),
        (0.65 * r, tall - 0.4 * r),
        (0.12 * r, tall - 0.05),
    ]
    return [
        solid_of_revolution("steel", STEEL_G_CM3, outline, (0.0, 0.0, -tall / 2)),
        solid_of_revolution("steel", -STEEL_G_CM3, inner, (0.0, 0.0, -tall / 2)),
        disc("brass", 8.0, "z", (0.0, 0.0, tall / 2 + 0.04), 0.016, 0.08),
        disc("brass", 7.0, "y", (0.0, 0.02, tall / 2 + 0.05), 0.012, 0.06),
    ]


def _tool_box(rng: np.random.Generator) -> list[Part]:
    """Return a steel box of tools: spanners, hammers, sockets, a drill."""
    size = (rng.uniform(0.2, 0.28), rng.uniform(0.42, 0.6), rng.uniform(0.2, 0.3))
    parts = [
        block("steel", STEEL_G_CM3, (0.0, 0.0, 0.0), size),
        block("steel", -STEEL_G_CM3, (0.0, 0.0, 0.0), (size[0] - 0.003, size[1] - 0.003, size[2] - 0.003)),
    ]
    for _ in range(int(rng.integers(14, 30))):
        y, z = rng.uniform(-0.3, 0.3) * size[1], rng.uniform(-0.42, 0.3) * size[2]
        x = rng.uniform(-0.4, 0.4) * size[0]
        length = rng.uniform(0.1, 0.28)
        angle = rng.uniform(-0.5, 0.5)
        half = (0.5 * length * math.cos(angle), min(0.5 * length * math.sin(angle), 0.08))
        half = (min(half[0], 0.5 * size[1] - abs(y) - 0.01), half[1])
        parts.append(
            rod(
                "steel",
                STEEL_G_CM3,
                (x, y - half[0], z - half[1]),
                (x, y + half[0], z + half[1]),
                rng.uniform(0.004, 0.012),
            )
        )
        if rng.random() < 0.5:
            parts.append(
                disc("steel", STEEL_G_CM3, "x", (x, y + half[0], z + half[1]), rng.uniform(0.01, 0.025), 0.02)
            )
    parts.append(block("steel", 2.5, (0.0, 0.0, -0.3 * size[2]), (0.06, 0.16, 0.06)))
    return parts


def _drill_pipes(rng: np.random.Generator) -> list[Part]:
    """Return lengths of pipe with fittings, as long as rifles."""
    parts: list[Part] = []
    for k in range(int(rng.integers(3, 9))):
        r, long = rng.uniform(0.009, 0.02), rng.uniform(0.6, 1.0)
        centre = (0.05 * (k % 3), rng.normal(0.0, 0.03), 0.05 * (k // 3))
        parts += [
            disc("steel", STEEL_G_CM3, "y", centre, r, long),
            disc("steel", -STEEL_G_CM3, "y", centre, 0.75 * r, long),
        ]
        for end in (-0.5, 0.5):
            parts.append(
                disc("steel", STEEL_G_CM3, "y", (centre[0], centre[1] + end * long, centre[2]), 1.4 * r, 0.04)
            )
    return parts


def _power_tools(rng: np.random.Generator) -> list[Part]:
    """Return electric drills, the size and weight of pistols."""
    parts: list[Part] = []
    for k in range(int(rng.integers(2, 7))):
        x, z = 0.09 * (k % 2), 0.24 * (k // 2)
        parts += [
            disc("steel", 5.0, "y", (x, 0.0, z), 0.024, 0.11),
            disc("copper", 2.0, "y", (x, 0.0, z), 0.026, 0.07),
            disc("steel", STEEL_G_CM3, "y", (x, 0.12, z), 0.018, 0.06),
            plate(
                "abs",
                0.7,
                [(-0.08, -0.02), (-0.02, -0.02), (-0.03, -0.16), (-0.10, -0.16)],
                0.035,
                (x, 0.0, z),
            ),
            plate(
                "abs", 0.5, [(-0.1, -0.035), (0.09, -0.035), (0.09, 0.035), (-0.1, 0.035)], 0.06, (x, 0.0, z)
            ),
            block("lithium-battery", 2.2, (x, -0.065, z - 0.17), (0.06, 0.1, 0.04)),
        ]
    return parts


def _soap(rng: np.random.Generator) -> list[Part]:
    """Return cartons of soap bars, as dense as bricks of narcotics."""
    grid = (int(rng.integers(2, 8)), int(rng.integers(2, 4)), int(rng.integers(2, 5)))
    places = [(0.055 * i, 0.2 * j, 0.11 * k) for i, j, k in np.ndindex(*grid)]
    return [block("soap", rng.normal(1.0, 0.02), place, (0.05, 0.19, 0.1)) for place in places]


def _paper_packs(rng: np.random.Generator) -> list[Part]:
    """Return reams of paper, as banknotes are."""
    piles, high = int(rng.integers(1, 4)), int(rng.integers(1, 6))
    places = [(0.22 * i, 0.0, 0.055 * k) for i, k in np.ndindex(piles, high)]
    return [block("paper", 0.8 * rng.normal(1.0, 0.02), place, (0.21, 0.297, 0.052)) for place in places]


def _dummy(rng: np.random.Generator) -> list[Part]:
    """Return a roll of wet carpet and a water boiler, upright: as much water as a person."""
    r, tall = rng.uniform(0.12, 0.18), rng.uniform(0.9, 1.4)
    return [
        disc("water", 0.9, "z", (0.0, 0.0, 0.0), r, tall),
        disc("steel", STEEL_G_CM3, "z", (0.0, 0.0, 0.0), r + 0.002, tall + 0.004),
        disc("steel", -STEEL_G_CM3, "z", (0.0, 0.0, 0.0), r, tall),
        disc("polyurethane-foam", 0.04, "z", (0.0, 0.0, 0.0), r + 0.04, tall),
    ]


#: Innocent objects, by label, with the family they are mistaken for.
LOOKALIKES: dict[str, ThreatType] = object_table(
    ("compressor", "source", _compressor, True),
    ("engine-block", "source", _engine_block, True),
    ("lead-acid-battery", "snm", _battery, True),
    ("coil-core", "snm", _coil_core, True),
    ("counterweight", "snm", _counterweight, True),
    ("gas-cylinder", "weapon", _gas_cylinder, True),
    ("tool-box", "weapon", _tool_box, True),
    ("pipes", "weapon", _drill_pipes, False),
    ("power-tools", "weapon", _power_tools, True),
    ("soap", "contraband", _soap, True),
    ("paper-packs", "contraband", _paper_packs, True),
    ("boiler", "person", _dummy, True),
)

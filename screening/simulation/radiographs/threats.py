"""What screening looks for, as assemblies by name.

Sizes and masses are those of published descriptions of such objects in general; nothing here describes
a particular item. Each name belongs to a family; look-alikes are of the family they are mistaken for.
"""

from __future__ import annotations

import math

import numpy as np

from .lookalikes import LOOKALIKES
from .object_types import ThreatType, object_table
from .people import lying, sitting, standing
from .shapes import Assembly, about_z, assemble, moved
from .solids import Part, block, disc, rod, spheroid
from .weapons import blade, pistol, rifle, shell

__all__ = ["THREATS", "draw_lookalike", "draw_threat", "threat_family"]

LEAD_G_CM3 = 11.35
STEEL_G_CM3 = 7.85
TUNGSTEN_G_CM3 = 18.0
#: Half density metal of uranium, and delta-phase plutonium.
URANIUM_G_CM3 = 18.95
PLUTONIUM_G_CM3 = 15.8


def _source_pig(rng: np.random.Generator) -> list[Part]:
    """Return a lead pot in a steel can, with a cavity, a capsule, a plug and a handle."""
    radius, wall = rng.uniform(0.06, 0.15), rng.uniform(0.6, 0.85)
    tall = 2.0 * radius * rng.uniform(1.0, 1.4)
    cavity, depth = radius * (1.0 - wall), tall * (1.0 - wall) * 1.2
    return [
        disc("lead", LEAD_G_CM3, "z", (0.0, 0.0, 0.0), radius, tall),
        disc("steel", STEEL_G_CM3, "z", (0.0, 0.0, 0.0), radius + 0.004, tall + 0.008),
        disc("steel", -STEEL_G_CM3, "z", (0.0, 0.0, 0.0), radius, tall),
        disc("lead", -LEAD_G_CM3, "z", (0.0, 0.0, 0.0), cavity, depth),
        disc(
            "steel",
            STEEL_G_CM3,
            "z",
            (0.0, 0.0, -0.2 * depth),
            min(0.012, 0.6 * cavity),
            min(0.03, 0.5 * depth),
        ),
        disc("steel", STEEL_G_CM3, "z", (0.0, 0.0, tall / 2 + 0.02), 0.5 * radius, 0.03),
        *_handle(radius, tall / 2 + 0.03),
    ]


def _handle(radius: float, z: float) -> list[Part]:
    return [
        rod("steel", STEEL_G_CM3, (0.0, -0.7 * radius, z), (0.0, -0.7 * radius, z + 0.07), 0.006),
        rod("steel", STEEL_G_CM3, (0.0, 0.7 * radius, z), (0.0, 0.7 * radius, z + 0.07), 0.006),
        rod("steel", STEEL_G_CM3, (0.0, -0.7 * radius, z + 0.07), (0.0, 0.7 * radius, z + 0.07), 0.006),
    ]


def _source_cask(rng: np.random.Generator) -> list[Part]:
    """Return a cask of steel, with lead inside, for a large source; lifting lugs and a bolted lid."""
    radius, tall = rng.uniform(0.17, 0.30), rng.uniform(0.45, 0.75)
    cavity = rng.uniform(0.03, 0.06)
    parts = [
        disc("steel", STEEL_G_CM3, "z", (0.0, 0.0, 0.0), radius, tall),
        disc("steel", -STEEL_G_CM3, "z", (0.0, 0.0, 0.0), radius - 0.02, tall - 0.05),
        disc("lead", LEAD_G_CM3, "z", (0.0, 0.0, 0.0), radius - 0.02, tall - 0.05),
        disc("lead", -LEAD_G_CM3, "z", (0.0, 0.0, 0.0), cavity, 0.45 * tall),
        disc("steel", 5.0, "z", (0.0, 0.0, -0.05), 0.5 * cavity, 0.2 * tall),
        disc("steel", STEEL_G_CM3, "z", (0.0, 0.0, tall / 2 + 0.015), 0.75 * radius, 0.03),
    ]
    for k in range(8):
        angle = k * math.pi / 4.0
        bolt = (0.65 * radius * math.cos(angle), 0.65 * radius * math.sin(angle), tall / 2 + 0.04)
        parts.append(disc("steel", STEEL_G_CM3, "z", bolt, 0.012, 0.03))
    lugs = [(0.0, side * (radius + 0.03), 0.25 * tall) for side in (-1.0, 1.0)]
    return parts + [disc("steel", STEEL_G_CM3, "y", place, 0.03, 0.06) for place in lugs]


def _radiography_camera(rng: np.random.Generator) -> list[Part]:
    """Return an industrial radiography projector: a uranium shield with a curved channel, cased."""
    shield = rng.uniform(0.045, 0.06)
    long = rng.uniform(0.3, 0.36)
    return [
        block("steel", 0.7, (0.0, 0.0, 0.0), (0.13, long, 0.15)),
        spheroid("uranium", URANIUM_G_CM3, (0.0, 0.0, 0.0), (shield, 1.45 * shield, shield)),
        rod("uranium", -URANIUM_G_CM3, (0.0, -1.25 * shield, 0.012), (0.0, 0.0, 0.0), 0.006),
        rod("uranium", -URANIUM_G_CM3, (0.0, 0.0, 0.0), (0.0, 1.25 * shield, -0.012), 0.006),
        disc("steel", 5.0, "y", (0.0, long / 2 + 0.02, 0.0), 0.035, 0.05),
        disc("steel", 5.0, "y", (0.0, -long / 2 - 0.02, 0.0), 0.03, 0.05),
        *_handle(0.1, 0.08),
    ]


def _snm_metal(rng: np.random.Generator) -> tuple[str, float]:
    return ("uranium", URANIUM_G_CM3) if rng.random() < 0.6 else ("plutonium", PLUTONIUM_G_CM3)


def _snm_sphere(rng: np.random.Generator) -> list[Part]:
    """Return a bare metal sphere of 4 to 12 cm."""
    material, density = _snm_metal(rng)
    radius = rng.uniform(0.02, 0.06)
    return [spheroid(material, density, (0.0, 0.0, 0.0), (radius, radius, radius))]


def _snm_cylinder(rng: np.random.Generator) -> list[Part]:
    """Return bare metal cylinders of 4 to 12 cm, one or a few stacked in a thin can."""
    material, density = _snm_metal(rng)
    radius, tall = rng.uniform(0.02, 0.06), rng.uniform(0.03, 0.12)
    number = int(rng.integers(1, 4)) if radius < 0.04 else 1
    parts = [
        disc(material, density, "z", (0.0, 0.0, (k - (number - 1) / 2) * (tall + 0.006)), radius, tall)
        for k in range(number)
    ]
    height = number * (tall + 0.006) + 0.01
    parts.append(disc("steel", STEEL_G_CM3, "z", (0.0, 0.0, 0.0), radius + 0.003, height))
    parts.append(disc("steel", -STEEL_G_CM3, "z", (0.0, 0.0, 0.0), radius + 0.0022, height - 0.002))
    return parts


def _snm_shielded(rng: np.random.Generator) -> list[Part]:
    """Return metal in a shell of lead, tungsten or polyethylene, or of two of them."""
    material, density = _snm_metal(rng)
    core = rng.uniform(0.02, 0.055)
    shells = [
        ("lead", LEAD_G_CM3, rng.uniform(0.02, 0.06)),
        ("tungsten", TUNGSTEN_G_CM3, rng.uniform(0.015, 0.04)),
    ]
    chosen = [shells[int(rng.integers(0, 2))]] if rng.random() < 0.75 else []
    if not chosen or rng.random() < 0.5:
        chosen.append(("borated-polyethylene", 1.0, rng.uniform(0.05, 0.15)))
    parts = [spheroid(material, density, (0.0, 0.0, 0.0), (core, core, core))]
    inner = core
    for name, shell_density, thick in chosen:
        outer = inner + thick
        parts.append(disc(name, shell_density, "z", (0.0, 0.0, 0.0), outer, 2.0 * outer))
        if inner == core:
            parts.append(spheroid(name, -shell_density, (0.0, 0.0, 0.0), (core, core, core)))
        else:
            parts.append(disc(name, -shell_density, "z", (0.0, 0.0, 0.0), inner, 2.0 * inner))
        inner = outer
    return parts


def _rifle(rng: np.random.Generator) -> list[Part]:
    return rifle(rng)


def _rifle_bundle(rng: np.random.Generator) -> list[Part]:
    """Return rifles head to tail in two layers, wrapped or in a crate."""
    number = int(rng.integers(3, 11))
    parts: list[Part] = []
    for k in range(number):
        turn = about_z(math.pi if k % 2 else 0.0)
        tilt = moved(rifle(rng), (0.0, 0.0, 0.0), turn)
        place = (0.07 * (k // 2) - 0.035 * (number // 2), rng.normal(0.0, 0.02), 0.13 * (k % 2))
        parts += moved(tilt, place)
    if rng.random() < 0.5:
        wide = 0.07 * (number // 2) + 0.12
        parts += _crate((wide, 1.05, 0.42), (0.0, 0.0, 0.06))
    return parts


def _crate(size: tuple[float, float, float], centre: tuple[float, float, float]) -> list[Part]:
    wide, long, tall = size
    x, y, z = centre
    return [
        *(block("wood", 0.55, (x + s * wide / 2, y, z), (0.018, long, tall)) for s in (-1.0, 1.0)),
        *(block("wood", 0.55, (x, y + s * long / 2, z), (wide, 0.018, tall)) for s in (-1.0, 1.0)),
        *(block("wood", 0.55, (x, y, z + s * tall / 2), (wide, long, 0.018)) for s in (-1.0, 1.0)),
    ]


def _pistols(rng: np.random.Generator) -> list[Part]:
    """Return a bundle of pistols, lying any way."""
    parts: list[Part] = []
    for k in range(int(rng.integers(4, 13))):
        turn = about_z(float(rng.choice([0.0, math.pi])))
        place = (0.04 * (k % 3), 0.17 * ((k // 3) % 2) + rng.normal(0.0, 0.01), 0.12 * (k // 6))
        parts += moved(pistol(rng), place, turn)
    return parts


def _blades(rng: np.random.Generator) -> list[Part]:
    parts: list[Part] = []
    for k in range(int(rng.integers(1, 12))):
        parts += moved(blade(rng), (0.006 * k, rng.normal(0.0, 0.02), 0.012 * k))
    return parts


def _shells(rng: np.random.Generator) -> list[Part]:
    """Return artillery shells standing side by side."""
    parts: list[Part] = []
    calibre = float(rng.choice([0.082, 0.105, 0.122, 0.155]))
    for k in range(int(rng.integers(1, 5))):
        parts += moved(shell(rng, calibre), (0.0, 1.1 * calibre * k, 0.0))
    return parts


#: Bulk of pressed narcotics, g/cm3.
_NARCOTICS = (
    ("cocaine-like", 1.05),
    ("heroin-like", 1.0),
    ("methamphetamine-like", 0.85),
    ("cannabis-like", 0.5),
)


def _brick(rng: np.random.Generator, material: str, density: float) -> list[Part]:
    size = (rng.uniform(0.045, 0.055), rng.uniform(0.19, 0.22), rng.uniform(0.12, 0.14))
    return [
        block(material, density, (0.0, 0.0, 0.0), size),
        block("rubber", 0.9, (0.0, 0.0, size[2] / 2 + 0.001), (size[0], size[1], 0.0015)),
    ]


def _bricks(rng: np.random.Generator, grid: tuple[int, int, int]) -> list[Part]:
    material, density = _NARCOTICS[int(rng.integers(0, len(_NARCOTICS)))]
    parts: list[Part] = []
    for i in range(grid[0]):
        for j in range(grid[1]):
            for k in range(grid[2]):
                slip = rng.normal(0.0, 0.003, 3)
                place = (
                    0.058 * (i - (grid[0] - 1) / 2),
                    0.225 * (j - (grid[1] - 1) / 2),
                    0.145 * (k - (grid[2] - 1) / 2),
                )
                parts += moved(_brick(rng, material, density * rng.normal(1.0, 0.04)), np.array(place) + slip)
    return parts


def _narcotics_brick(rng: np.random.Generator) -> list[Part]:
    return _bricks(rng, (1, 1, 1))


def _narcotics_bag(rng: np.random.Generator) -> list[Part]:
    """Return a holdall of bricks."""
    grid = (int(rng.integers(3, 7)), int(rng.integers(2, 4)), int(rng.integers(2, 4)))
    parts = _bricks(rng, grid)
    size = (0.058 * grid[0] + 0.02, 0.225 * grid[1] + 0.02, 0.145 * grid[2] + 0.02)
    return [*parts, block("textile", 0.04, (0.0, 0.0, 0.0), size)]


def _narcotics_pallet(rng: np.random.Generator) -> list[Part]:
    """Return a pallet of bricks."""
    layers = int(rng.integers(3, 8))
    deck = -0.145 * layers / 2.0 - 0.07
    return [*_bricks(rng, (14, 4, layers)), block("wood", 0.3, (0.0, 0.0, deck), (0.85, 1.0, 0.12))]


def _cash(rng: np.random.Generator) -> list[Part]:
    """Return banknotes in straps and bricks, wrapped."""
    parts: list[Part] = []
    n = (int(rng.integers(1, 5)), int(rng.integers(1, 5)), int(rng.integers(1, 6)))
    for i in range(n[0]):
        for j in range(n[1]):
            for k in range(n[2]):
                place = (0.068 * i, 0.16 * j, 0.11 * k)
                parts.append(block("banknotes", 0.88 * rng.normal(1.0, 0.03), place, (0.066, 0.155, 0.108)))
    return parts


def _charge(rng: np.random.Generator) -> list[Part]:
    """Return a large improvised charge: jerrycans or drums of explosive with a battery and wires."""
    material, density = (
        ("explosive-anfo-like", 0.85),
        ("explosive-tnt-like", 1.55),
        ("explosive-rdx-like", 1.55),
    )[int(rng.integers(0, 3))]
    parts: list[Part] = []
    for k in range(int(rng.integers(1, 5))):
        y = 0.36 * k
        parts.append(block(material, density, (0.0, y, 0.0), (0.17, 0.33, 0.42)))
        parts.append(block("polyethylene", 0.25, (0.0, y, 0.0), (0.175, 0.335, 0.43)))
    parts.append(block("lead-acid-battery", 2.3, (0.0, -0.3, -0.1), (0.17, 0.2, 0.18)))
    parts.append(rod("copper", 8.9, (0.0, -0.2, 0.02), (0.0, 0.1, 0.24), 0.003))
    return parts


#: What is looked for, by label.
THREATS: dict[str, ThreatType] = object_table(
    ("source-pig", "source", _source_pig, True),
    ("source-cask", "source", _source_cask, True),
    ("radiography-camera", "source", _radiography_camera, True),
    ("snm-sphere", "snm", _snm_sphere, True),
    ("snm-cylinder", "snm", _snm_cylinder, True),
    ("snm-shielded", "snm", _snm_shielded, True),
    ("rifle", "weapon", _rifle, False),
    ("rifle-bundle", "weapon", _rifle_bundle, True),
    ("pistol", "weapon", pistol, False),
    ("pistols", "weapon", _pistols, True),
    ("blades", "weapon", _blades, False),
    ("shells", "weapon", _shells, True),
    ("explosive-charge", "weapon", _charge, True),
    ("narcotics-brick", "contraband", _narcotics_brick, False),
    ("narcotics-bag", "contraband", _narcotics_bag, True),
    ("narcotics-pallet", "contraband", _narcotics_pallet, True),
    ("cash", "contraband", _cash, True),
    ("person-standing", "person", standing, True),
    ("person-sitting", "person", sitting, True),
    ("person-lying", "person", lying, True),
)


def threat_family(name: str) -> str:
    """Return the family of a threat or look-alike.

    Parameters
    ----------
    name : str
        A key of :data:`THREATS` or :data:`LOOKALIKES`.

    Returns
    -------
    str
        Its family.

    Raises
    ------
    ValueError
        If it is neither.
    """
    found = THREATS.get(name) or LOOKALIKES.get(name)
    if found is None:
        known = ", ".join(sorted({*THREATS, *LOOKALIKES}))
        raise ValueError(f"object must be one of {known}, got {name!r}")
    return found.family


def draw_threat(name: str, rng: np.random.Generator) -> Assembly:
    """Build one threat or look-alike.

    Parameters
    ----------
    name : str
        A key of :data:`THREATS` or :data:`LOOKALIKES`.
    rng : numpy.random.Generator
        Its size and make.

    Returns
    -------
    Assembly
        The object about its own middle.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    family = threat_family(name)
    found = THREATS.get(name)
    kind = ("person" if family == "person" else "threat") if found else "lookalike"
    one = assemble(name, kind, (found or LOOKALIKES[name]).build(rng))
    middle = -(np.array(one.low_m) + np.array(one.high_m)) / 2.0
    return assemble(name, kind, moved(one.parts, middle))


def draw_lookalike(threat: str, rng: np.random.Generator) -> Assembly:
    """Build an innocent object of the family of a threat.

    Parameters
    ----------
    threat : str
        Name of the threat it stands for.
    rng : numpy.random.Generator
        Which, and its size.

    Returns
    -------
    Assembly
        The object.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    family = threat_family(threat)
    names = [name for name, kind in LOOKALIKES.items() if kind.family == family]
    return draw_threat(str(rng.choice(names)), rng)

"""Firearms, blades and shells, from outlines and tubes. Proportions are those of common types in general."""

from __future__ import annotations

import itertools
import math

import numpy as np

from .solids import Part, block, disc, plate, rod, solid_of_revolution

__all__ = ["blade", "pistol", "rifle", "shell"]

STEEL_G_CM3 = 7.85


def rifle(rng: np.random.Generator) -> list[Part]:
    """Return a rifle lying along the motion, muzzle towards growing y.

    Parameters
    ----------
    rng : numpy.random.Generator
        Length, stock, whether a magazine is in it.

    Returns
    -------
    list of Part
        Barrel with bore, gas tube, receiver with bolt, magazine with cartridges, grip, stock, sights.
    """
    scale = rng.uniform(0.92, 1.12)

    def at(y: float, z: float, x: float = 0.0) -> tuple[float, float, float]:  # numpydoc ignore=GL08
        return x, y * scale, z * scale

    barrel = 0.40 * rng.uniform(0.8, 1.2)
    parts = [
        rod("steel", STEEL_G_CM3, at(0.12, 0.02), at(0.12 + barrel, 0.02), 0.0095 * scale),
        rod("steel", -STEEL_G_CM3, at(0.12, 0.02), at(0.12 + barrel, 0.02), 0.0039 * scale),
        # chamber end, gas tube, front sight
        rod("steel", STEEL_G_CM3, at(0.10, 0.02), at(0.19, 0.02), 0.014 * scale),
        rod("steel", 4.5, at(0.12, 0.045), at(0.12 + 0.6 * barrel, 0.045), 0.0085 * scale),
        block("steel", 6.0, at(0.12 + 0.62 * barrel, 0.034), (0.02 * scale, 0.03 * scale, 0.045 * scale)),
        block("steel", 6.0, at(0.10 + barrel, 0.045), (0.014 * scale, 0.022 * scale, 0.05 * scale)),
        # receiver of sheet, bolt and spring in it
        block("steel", STEEL_G_CM3, at(-0.02, 0.01), (0.034 * scale, 0.26 * scale, 0.062 * scale)),
        block("steel", -STEEL_G_CM3, at(-0.02, 0.01), (0.0305 * scale, 0.25 * scale, 0.058 * scale)),
        rod("steel", STEEL_G_CM3, at(-0.02, 0.022), at(0.10, 0.022), 0.012 * scale),
        rod("steel", 2.2, at(-0.14, 0.024), at(-0.02, 0.024), 0.008 * scale),
        block("steel", 4.0, at(-0.07, -0.012), (0.012 * scale, 0.05 * scale, 0.025 * scale)),
        # trigger guard
        rod("steel", STEEL_G_CM3, at(-0.10, -0.065), at(-0.03, -0.065), 0.003),
        rod("steel", STEEL_G_CM3, at(-0.03, -0.065), at(-0.03, -0.02), 0.003),
    ]
    grip = [(-0.13, -0.02), (-0.09, -0.02), (-0.115, -0.12), (-0.155, -0.115)]
    parts.append(plate("nylon", 1.1, _scaled(grip, scale), 0.03))
    guard = [(0.12, -0.005), (0.30, 0.0), (0.30, 0.055), (0.12, 0.06)]
    parts.append(plate("wood" if rng.random() < 0.6 else "nylon", 0.45, _scaled(guard, scale), 0.045))
    if rng.random() < 0.7:
        stock = [(-0.15, 0.035), (-0.40, 0.02), (-0.40, -0.105), (-0.37, -0.105), (-0.15, -0.02)]
        parts.append(plate("wood", 0.7, _scaled(stock, scale), 0.034))
        parts.append(block("steel", STEEL_G_CM3, at(-0.402, -0.043), (0.034, 0.003, 0.12 * scale)))
    else:
        parts += [rod("steel", STEEL_G_CM3, at(-0.15, z), at(-0.37, z - 0.02), 0.005) for z in (0.03, -0.03)]
        parts.append(rod("steel", STEEL_G_CM3, at(-0.37, 0.01), at(-0.37, -0.06), 0.008))
    if rng.random() < 0.75:
        parts += _magazine(scale, curve=rng.uniform(0.0, 0.55), is_full=bool(rng.random() < 0.6))
    return parts


def _magazine(scale: float, *, curve: float, is_full: bool) -> list[Part]:
    """Return a magazine bent towards the muzzle: short boxes, each turned a little more."""
    parts: list[Part] = []
    y, z, angle = 0.055, -0.02, 0.0
    step, pieces = 0.032, 6
    for _ in range(pieces):
        a = math.sin(angle), -math.cos(angle)
        centre = (0.0, (y + a[0] * step / 2) * scale, (z + a[1] * step / 2) * scale)
        c, s = math.cos(angle), math.sin(angle)
        turn = np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
        size = (0.024 * scale, 0.062 * scale, step * scale)
        parts.append(block("steel", 1.5, centre, size)._replace(rotation=turn))
        if is_full:
            inner = (0.019 * scale, 0.05 * scale, 0.9 * step * scale)
            parts.append(block("brass", 2.2, centre, inner)._replace(rotation=turn))
            parts.append(
                block("lead", 1.3, centre, (inner[0], 0.4 * inner[1], inner[2]))._replace(rotation=turn)
            )
        y, z = y + a[0] * step, z + a[1] * step
        angle += curve / pieces
    return parts


def pistol(rng: np.random.Generator) -> list[Part]:
    """Return a pistol, muzzle towards growing y.

    Parameters
    ----------
    rng : numpy.random.Generator
        Size, frame, whether it is loaded.

    Returns
    -------
    list of Part
        Slide, barrel, frame, grip, magazine, trigger guard.
    """
    s = rng.uniform(0.85, 1.15)
    slide = (0.026 * s, 0.18 * s, 0.026 * s)
    parts = [
        block("steel", STEEL_G_CM3, (0.0, 0.0, 0.0), slide),
        block("steel", -STEEL_G_CM3, (0.0, 0.005 * s, -0.004 * s), (0.016 * s, 0.165 * s, 0.019 * s)),
        rod("steel", STEEL_G_CM3, (0.0, -0.01 * s, 0.0), (0.0, 0.092 * s, 0.0), 0.0075 * s),
        rod("steel", -STEEL_G_CM3, (0.0, -0.01 * s, 0.0), (0.0, 0.092 * s, 0.0), 0.0045),
        rod("steel", 3.5, (0.0, 0.0, -0.012 * s), (0.0, 0.08 * s, -0.012 * s), 0.004 * s),
        block("steel", 6.0, (0.0, -0.06 * s, -0.005 * s), (0.014 * s, 0.05 * s, 0.018 * s)),
    ]
    frame = [
        (-0.085, -0.012),
        (0.075, -0.012),
        (0.075, -0.03),
        (-0.02, -0.034),
        (-0.048, -0.115),
        (-0.098, -0.105),
    ]
    is_steel = rng.random() < 0.45
    parts.append(
        plate("steel" if is_steel else "nylon", 2.6 if is_steel else 0.9, _scaled(frame, s), 0.027 * s)
    )
    corners = [(0.005, -0.033), (0.012, -0.062), (-0.018, -0.066)]
    for (y0, z0), (y1, z1) in itertools.pairwise(corners):
        parts.append(rod("steel", STEEL_G_CM3, (0.0, y0 * s, z0 * s), (0.0, y1 * s, z1 * s), 0.003))
    if rng.random() < 0.7:
        magazine = [(-0.055, -0.03), (-0.032, -0.03), (-0.058, -0.108), (-0.082, -0.103)]
        parts.append(plate("brass", 2.4, _scaled(magazine, s), 0.018 * s))
        parts.append(plate("lead", 1.6, _scaled(magazine, s), 0.012 * s))
        parts.append(plate("steel", 1.2, _scaled(magazine, s), 0.021 * s))
    return parts


def blade(rng: np.random.Generator) -> list[Part]:
    """Return a knife or machete along the motion.

    Parameters
    ----------
    rng : numpy.random.Generator
        Length and outline.

    Returns
    -------
    list of Part
        Blade with tang, grip, rivets.
    """
    long = rng.uniform(0.2, 0.55)
    wide = rng.uniform(0.03, 0.07)
    edge = [
        (0.0, -wide / 2),
        (0.85 * long, -wide / 2),
        (long, 0.1 * wide),
        (0.8 * long, wide / 2),
        (0.0, wide / 2),
    ]
    tang = [(-0.12, -0.3 * wide), (0.0, -0.3 * wide), (0.0, 0.3 * wide), (-0.12, 0.3 * wide)]
    thick = rng.uniform(0.0022, 0.005)
    parts = [plate("steel", STEEL_G_CM3, edge, thick), plate("steel", STEEL_G_CM3, tang, thick)]
    for side in (-1.0, 1.0):
        grip = block(
            "wood" if rng.random() < 0.5 else "abs",
            0.95,
            (side * 0.009, -0.06, 0.0),
            (0.012, 0.12, 0.75 * wide),
        )
        parts.append(grip)
    rivets = (-0.10, -0.06, -0.02)
    return parts + [disc("brass", 8.4, "x", (0.0, y, 0.0), 0.003, 0.03) for y in rivets]


def shell(rng: np.random.Generator, calibre_m: float) -> list[Part]:
    """Return an artillery shell standing on its base.

    Parameters
    ----------
    rng : numpy.random.Generator
        Thickness of its wall.
    calibre_m : float
        Its diameter.

    Returns
    -------
    list of Part
        Body, filling, driving band, fuze.
    """
    r = calibre_m / 2.0
    wall = r * rng.uniform(0.22, 0.3)
    outline = [
        (0.9 * r, 0.0),
        (r, 0.6 * r),
        (r, 4.2 * r),
        (0.85 * r, 6.0 * r),
        (0.55 * r, 7.6 * r),
        (0.3 * r, 8.4 * r),
    ]
    hollow = [
        (0.9 * r - wall, 1.2 * wall),
        (r - wall, 0.8 * r + wall),
        (r - wall, 4.2 * r),
        (0.85 * r - wall, 5.9 * r),
        (max(0.55 * r - 0.8 * wall, 0.15 * r), 7.4 * r),
        (0.12 * r, 8.3 * r),
    ]
    return [
        solid_of_revolution("steel", STEEL_G_CM3, outline),
        solid_of_revolution("steel", -STEEL_G_CM3, hollow),
        solid_of_revolution("explosive-tnt-like", 1.55, hollow),
        disc("copper", 8.9, "z", (0.0, 0.0, 0.9 * r), 1.02 * r, 0.12 * r),
        disc("copper", -8.9, "z", (0.0, 0.0, 0.9 * r), 0.97 * r, 0.12 * r),
        disc("aluminium", 2.7, "z", (0.0, 0.0, 8.8 * r), 0.24 * r, 0.9 * r),
    ]


def _scaled(outline: list[tuple[float, float]], scale: float) -> list[tuple[float, float]]:
    return [(y * scale, z * scale) for y, z in outline]

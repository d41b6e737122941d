"""Ways of stacking that many goods share: pallets, piles of boxes, packings of particles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.simulation.radiographs.hold import Hold, Load

__all__ = ["Place", "deposit", "heap", "pallet", "pallet_places", "stack_boxes", "strap"]


class Place(NamedTuple):
    """A footprint on the floor.

    Attributes
    ----------
    x, y : tuple of float
        Its extent, m.
    """

    x: tuple[float, float]
    y: tuple[float, float]


def pallet_places(hold: Hold, rng: np.random.Generator, *, gap_m: float = 0.05) -> Iterator[Place]:
    """Yield the places of pallets, two abreast, with the gaps and the slips of a forklift.

    Parameters
    ----------
    hold : Hold
        The space.
    rng : numpy.random.Generator
        Slips.
    gap_m : float, default 0.05
        Mean gap along the motion.

    Yields
    ------
    Place
        From the front to the doors.
    """
    deep = 1.2 if rng.random() < 0.5 else 1.0
    wide = min(1.12, hold.half_width_m - 0.02) if deep < 1.1 else 1.0
    y = hold.y0_m + rng.uniform(0.01, 0.06)
    while y + deep <= hold.y1_m:
        furthest = y
        for side in (-1.0, 1.0):
            inner = side * rng.uniform(0.01, max(hold.half_width_m - wide - 0.01, 0.012))
            x = (inner, inner + wide) if side > 0 else (inner - wide, inner)
            start = y + rng.uniform(0.0, 0.04)
            if start + deep > hold.y1_m + 0.02:
                continue
            yield Place(x, (start, start + deep))
            furthest = max(furthest, start)
        y = furthest + deep + rng.exponential(gap_m)


def pallet(load: Load, place: Place, z_m: float) -> float:
    """Add a wooden pallet: deck, nine blocks, bottom boards.

    Parameters
    ----------
    load : Load
        What it belongs to.
    place : Place
        Its footprint.
    z_m : float
        Height it stands on.

    Returns
    -------
    float
        Height of its deck.
    """
    x, (y0, y1) = place.x, place.y
    load.box("wood", 0.52, x, (y0, y1), (z_m + 0.122, z_m + 0.144))
    load.box("wood", 0.30, x, (y0, y1), (z_m + 0.100, z_m + 0.122))
    wide = x[1] - x[0]
    for at in (y0, (y0 + y1) / 2 - 0.07, y1 - 0.14):
        load.box("wood", 0.55, x, (at, at + 0.14), (z_m, z_m + 0.022))
        for block in (x[0], x[0] + wide / 2 - 0.05, x[1] - 0.10):
            load.box("wood", 0.6, (block, block + 0.10), (at, at + 0.14), (z_m + 0.022, z_m + 0.100))
    return z_m + 0.144


def stack_boxes(
    load: Load,
    material: str,
    density_g_cm3: float,
    place: Place,
    z: tuple[float, float],
    size: tuple[float, float, float],
    rng: np.random.Generator,
    *,
    spread: float = 0.06,
    missing: float = 0.0,
    void: float = 0.0,
    grain: float = 0.0,
) -> float:
    """Pile boxes of one size on a footprint, each with its own density and a small slip.

    Parameters
    ----------
    load : Load
        What they belong to; stops when it is full.
    material : str
        What is in them.
    density_g_cm3 : float
        Mean density of a box.
    place : Place
        The footprint.
    z : tuple of float
        Lowest and highest height.
    size : tuple of float
        Size of a box across, along and in height, m.
    rng : numpy.random.Generator
        Densities, slips, missing boxes.
    spread : float, default 0.06
        Relative spread of the density from box to box.
    missing : float, default 0
        Share of boxes missing in the top layer.
    void : float, default 0
        Share of the height of each box that is empty above its goods.
    grain : float, default 0
        Unevenness within a box: two lumps of this relative density more or less; the mean stays.

    Returns
    -------
    float
        Height of the pile's top.
    """
    across = max(int((place.x[1] - place.x[0] + 0.02) / size[0]), 1)
    along = max(int((place.y[1] - place.y[0] + 0.02) / size[1]), 1)
    layers = max(int((z[1] - z[0]) / size[2] + 0.02), 0)
    step_x, step_y = (place.x[1] - place.x[0]) / across, (place.y[1] - place.y[0]) / along
    mass = 1000.0 * density_g_cm3 * size[0] * size[1] * size[2]
    lean = rng.normal(0.0, 0.003, 2)
    for layer in range(layers):
        if load.room_kg() < mass * across * along * 0.5:
            return z[0] + layer * size[2]
        low = z[0] + layer * size[2]
        is_top = layer == layers - 1
        density = density_g_cm3 * np.maximum(1.0 + spread * rng.standard_normal((across, along)), 0.2)
        slip = 0.003 * rng.standard_normal((across, along, 2)) + lean * layer
        for i in range(across):
            for j in range(along):
                if is_top and missing and rng.random() < missing:
                    continue
                x0 = place.x[0] + i * step_x + slip[i, j, 0]
                y0 = place.y[0] + j * step_y + slip[i, j, 1]
                spans = (
                    (x0 + 0.002, x0 + step_x - 0.003),
                    (y0 + 0.002, y0 + step_y - 0.003),
                    (low + 0.001, low + size[2] * (1.0 - void) - 0.002),
                )
                load.box(material, float(density[i, j]), *spans)
                if grain:
                    _add_grain(load, material, grain * float(density[i, j]), spans, rng)
    return z[0] + layers * size[2]


def _add_grain(
    load: Load,
    material: str,
    density_g_cm3: float,
    spans: tuple[tuple[float, float], tuple[float, float], tuple[float, float]],
    rng: np.random.Generator,
) -> None:
    """Make a box uneven: one part of it denser and another as much lighter, as its goods lie in it."""
    shares = rng.uniform(0.3, 0.7, (2, 3))
    places = rng.random((2, 3))
    volume = np.prod(shares, axis=1)
    for share, place, density in zip(
        shares, places, (density_g_cm3, -density_g_cm3 * volume[0] / volume[1]), strict=True
    ):
        # never lighter than nothing
        density = max(density, -0.9 * density_g_cm3)
        inner = []
        for (a, b), part, at in zip(spans, share, place, strict=True):
            start = a + at * (1.0 - part) * (b - a)
            inner.append((float(start), float(start + part * (b - a))))
        load.box(material, float(density), inner[0], inner[1], inner[2])


def strap(load: Load, y_m: float, z: tuple[float, float], half_width_m: float) -> None:
    """Add a steel or web strap around a stack, seen as a thin line.

    Parameters
    ----------
    load : Load
        What it belongs to.
    y_m : float
        Its place along the motion.
    z : tuple of float
        The stack's height.
    half_width_m : float
        Half the stack's width.
    """
    for side in (-half_width_m, half_width_m):
        load.box("steel", 7.85, (side - 0.0006, side + 0.0006), (y_m, y_m + 0.03), z)
    load.box("steel", 7.85, (-half_width_m, half_width_m), (y_m, y_m + 0.03), (z[1], z[1] + 0.001))


def deposit(
    load: Load,
    material: str,
    density_g_cm3: float,
    size_m: tuple[float, float],
    number: int,
    rng: np.random.Generator,
    *,
    top_m: float | None = None,
    flatness: float = 1.0,
    share: float = 1.0,
) -> NDArray[np.float64]:
    """Let particles fall one by one onto what lies there: a ballistic packing.

    Each falls straight down at a random place of the floor, rests on the highest point under it, and
    raises the surface there; it then rolls towards the lowest of its neighbours, once.

    Parameters
    ----------
    load : Load
        What they belong to; stops when it is full.
    material : str
        What they are made of.
    density_g_cm3 : float
        Density of a particle.
    size_m : tuple of float
        Smallest and largest half axis; sizes are log-uniform.
    number : int
        How many at most.
    rng : numpy.random.Generator
        Sizes and places.
    top_m : float, optional
        Height at which the pile ends; the hold's ceiling when omitted.
    flatness : float, default 1
        Vertical half axis over the horizontal ones.
    share : float, default 1
        Part of each particle's volume that is solid.

    Returns
    -------
    ndarray of shape (n_x, n_y), float64
        Height of the surface over the floor on a grid of 5 cm, m.
    """
    hold = load.hold
    cell = 0.05
    n_x = max(int(2 * hold.half_width_m / cell), 2)
    n_y = max(int(hold.length_m / cell), 2)
    surface = np.zeros((n_x, n_y))
    limit = (hold.height_m if top_m is None else top_m - hold.z0_m) - 0.02
    radii = np.exp(rng.uniform(np.log(size_m[0]), np.log(size_m[1]), number))
    shape = rng.uniform(0.7, 1.35, (number, 3))
    # a heap: more falls in the middle of the box than at its ends
    falls_x, falls_y = rng.random(number), rng.random(number)
    for k in range(number):
        radius = radii[k]
        half = radius * shape[k]
        half[2] *= flatness
        reach = max(int(radius / cell), 1)
        i = int(reach + falls_x[k] * max(n_x - 2 * reach - 1, 0))
        j = int(reach + falls_y[k] * max(n_y - 2 * reach - 1, 0))
        rest = _highest(surface, i, j, reach)
        for di, dj in ((reach, 0), (-reach, 0), (0, reach), (0, -reach)):
            ii, jj = i + di, j + dj
            if reach <= ii < n_x - reach and reach <= jj < n_y - reach:
                lower = _highest(surface, ii, jj, reach)
                if lower < rest:
                    i, j, rest = ii, jj, lower
        if rest + 2 * half[2] > limit or load.room_kg() <= 0.0:
            continue
        centre = (
            -hold.half_width_m + (i + 0.5) * cell,
            hold.y0_m + (j + 0.5) * cell,
            hold.z0_m + rest + float(half[2]),
        )
        load.ellipsoid(
            material, density_g_cm3 * share, centre, (float(half[0]), float(half[1]), float(half[2]))
        )
        # particles nest: the surface rises by less than their height
        window = surface[max(i - reach, 0) : i + reach + 1, max(j - reach, 0) : j + reach + 1]
        np.maximum(window, rest + 1.25 * half[2], out=window)
    return surface


def _highest(surface: NDArray[np.float64], i: int, j: int, reach: int) -> float:
    return float(surface[max(i - reach, 0) : i + reach + 1, max(j - reach, 0) : j + reach + 1].max())


def heap(
    load: Load,
    material: str,
    density_g_cm3: float,
    height_m: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    spread: float = 0.02,
) -> None:
    """Add loose goods whose surface has a given profile along the motion, falling to the walls.

    Parameters
    ----------
    load : Load
        What they belong to.
    material : str
        What they are.
    density_g_cm3 : float
        Bulk density.
    height_m : ndarray of shape (n,), float64
        Height over the floor in n equal parts of the hold.
    rng : numpy.random.Generator
        Density from part to part.
    spread : float, default 0.02
        Relative spread of that.
    """
    hold = load.hold
    edges = np.linspace(hold.y0_m, hold.y1_m, height_m.size + 1)
    noise = np.convolve(rng.standard_normal(height_m.size + 4), np.ones(5) / 5**0.5, mode="valid")
    for k, level in enumerate(height_m):
        density = max(density_g_cm3 * (1.0 + spread * float(noise[k])), 0.05)
        y = (float(edges[k]), float(edges[k + 1]))
        for share, drop in ((0.62, 0.0), (0.88, 0.06), (1.0, 0.13)):
            # three steps of an angle of repose across the box
            half = share * hold.half_width_m
            top = hold.z0_m + max(float(level) - drop, 0.02)
            before = hold.z0_m if share == 0.62 else None
            if before is not None:
                load.box(material, density, (-half, half), y, (before, top))
            else:
                inner = {0.88: 0.62, 1.0: 0.88}[share] * hold.half_width_m
                load.box(material, density, (-half, -inner), y, (hold.z0_m, top))
                load.box(material, density, (inner, half), y, (hold.z0_m, top))

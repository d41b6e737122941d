"""Threat image projection: positives for any picture, each with its matched negatives.

How an object gets into a picture is in :mod:`.projection`; what it alone puts in the way, in
:mod:`.shadows`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.records import Radiograph

from .geometry import FanGeometry, Region
from .lookalikes import LOOKALIKES
from .projection import Injected, Target, inject, prepare_target
from .shadows import Shadow, assumed_geometry, shadow_of
from .shapes import about_z, random_rotation
from .threats import THREATS, draw_lookalike, draw_threat

__all__ = [
    "Injected",
    "InjectionPair",
    "Shadow",
    "Target",
    "assumed_geometry",
    "draw_injections",
    "inject",
    "prepare_target",
    "shadow_of",
]


#: Places tried for one object, and the mass above which it stands on the floor, kg.
N_TRIED, FLOOR_KG = 12, 60.0


class InjectionPair(NamedTuple):
    """A positive with its matched negatives.

    Attributes
    ----------
    positive : Injected
        With a threat.
    lookalike : Injected
        With an innocent object of the same family at the same place: whoever learns the traces of
        injection learns nothing.
    negative : Radiograph
        The picture as it was.
    """

    positive: Injected
    lookalike: Injected
    negative: Radiograph


def draw_injections(
    radiograph: Radiograph,
    rng: np.random.Generator,
    n: int,
    *,
    box: Region | None = None,
    geometry: FanGeometry | None = None,
    threats: Sequence[str] | None = None,
    target: Target | None = None,
) -> list[InjectionPair]:
    """Put drawn threats into a picture, each in a copy of its own, with matched negatives.

    Parameters
    ----------
    radiograph : Radiograph
        The picture, measured or simulated.
    rng : numpy.random.Generator
        Objects, places, orientations, noise.
    n : int
        How many.
    box : Region, optional
        Where objects may be: a container's hold. Heavy things and people stand on its lower edge, others lie
        among what is in it. The middle of the picture when omitted.
    geometry : FanGeometry, optional
        Source and pixels; :func:`assumed_geometry` when omitted.
    threats : sequence of str, optional
        Keys of ``THREATS`` to draw from; all that fit when omitted.
    target : Target, optional
        The picture already prepared.

    Returns
    -------
    list of InjectionPair
        In the order drawn.

    Raises
    ------
    ValueError
        If `n` is not positive, a name is unknown, or nothing fits into the box.
    """
    if n < 1:
        raise ValueError(f"needs one injection or more, got {n}")
    names = list(THREATS) if threats is None else list(threats)
    for name in names:
        if name not in THREATS:
            raise ValueError(f"threat must be one of {', '.join(sorted(THREATS))}, got {name!r}")
    ready = prepare_target(radiograph) if target is None else target
    view = assumed_geometry(radiograph) if geometry is None else geometry
    n_row, n_column = radiograph.raw.shape[:2]
    where = box or Region(n_row // 6, n_column // 10, (2 * n_row) // 3, n_column - n_column // 10)
    pairs: list[InjectionPair] = []
    refused = 0
    while len(pairs) < n:
        made = _draw_pair(ready, view, where, str(rng.choice(names)), rng)
        if made is None:
            refused += 1
            if refused > 50 * n:
                raise ValueError(f"none of {', '.join(names)} fits into rows and columns {tuple(where)}")
            continue
        pairs.append(made)
    return pairs


def _draw_pair(
    target: Target, view: FanGeometry, where: Region, name: str, rng: np.random.Generator
) -> InjectionPair | None:
    """Draw one place, and put the threat and its look-alike there; None if either does not fit."""
    angle, shift = 2.0 * np.pi * rng.random(), (float(rng.random()), float(rng.random()))
    free = random_rotation(rng)
    x = float(rng.uniform(-0.8, 0.8))
    noise = int(rng.integers(0, 2**63))
    tried, rank = rng.random((N_TRIED, 2)), rng.random()
    objects = (draw_threat(name, rng), draw_lookalike(name, rng))
    place: tuple[float, float] | None = None
    made = []
    for one in objects:
        stands = (THREATS.get(one.label) or LOOKALIKES[one.label]).stands
        turn = about_z(angle) if stands else free
        half = np.abs(turn) @ (np.array(one.size_m) / 2.0)
        tall, long = half[2] / view.pitch_m[0] + 2.0, half[1] / view.pitch_m[1] + 2.0
        rows, columns = (where.row0 + tall, where.row1 - tall), (where.col0 + long, where.col1 - long)
        if rows[0] >= rows[1] or columns[0] >= columns[1]:
            return None
        if place is None:
            spots = np.array([rows[0], columns[0]]) + tried * [rows[1] - rows[0], columns[1] - columns[0]]
            place = _among_goods(target, spots, (tall, long), rank)
        on_floor = one.kind == "person" or one.mass_kg > FLOOR_KG
        row = rows[1] if on_floor else float(np.clip(place[0], *rows))
        column = float(np.clip(place[1], *columns))
        seen = float(np.interp(row, np.arange(view.row_z_m.size), view.row_z_m))
        z = view.source_height_m + (seen - view.source_height_m) * (1.0 + x / view.source_distance_m)
        y = float(np.interp(column, np.arange(view.column_y_m.size), view.column_y_m))
        shadow = shadow_of(one, view, (x, y, z), turn)
        made.append(inject(target, shadow, np.random.default_rng(noise), shift=shift))
    return InjectionPair(made[0], made[1], target.radiograph)


def _among_goods(
    target: Target, spots: NDArray[np.float64], half_px: tuple[float, float], rank: float
) -> tuple[float, float]:
    """Return one of the spots in the thicker half: things lie on or among goods, not in the air."""
    neg_log = target.planes[0].neg_log
    depth = []
    for row, column in spots:
        rows = slice(max(int(row - half_px[0]), 0), int(row + half_px[0]) + 1)
        columns = slice(max(int(column - half_px[1]), 0), int(column + half_px[1]) + 1)
        depth.append(float(np.median(neg_log[rows, columns])))
    order = np.argsort(depth, kind="stable")
    half = len(order) // 2
    chosen = spots[order[half + min(int(rank * (len(order) - half)), len(order) - half - 1)]]
    return float(chosen[0]), float(chosen[1])

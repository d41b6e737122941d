"""Scenes of test objects: one beside the other in the beam of a simulated scanner, exposed many times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from screening.simulation.radiographs.scanner import Scanner
    from screening.simulation.radiographs.scene import Scene

__all__ = [
    "DENSITY",
    "Builder",
    "Tile",
    "add_arrow",
    "add_wire",
    "exposures",
    "made_scanner",
    "steel_cm",
]

#: Densities of what test objects are made of, g/cm3.
DENSITY = {"steel": 7.85, "lead": 11.35, "aluminium": 2.70, "polyethylene": 0.95}
#: Height of the picture about the middle of the fan, and open beam between objects, m.
PICTURE_M, GAP_M = 0.9, 0.15

Builder = Callable[["Scene", float, float], None]


class Tile(NamedTuple):
    """A test object, and how much of the picture about its middle is looked at.

    Attributes
    ----------
    name : tuple
        What it is.
    width_m : float
        Room it takes along the motion.
    window_m : tuple of float
        Height and width of the patch.
    build : callable
        Puts it into a scene about a place along the motion and a height.
    """

    name: tuple[object, ...]
    width_m: float
    window_m: tuple[float, float]
    build: Builder


def made_scanner(family: str, kind: str, rng: np.random.Generator) -> Scanner:
    """Return an instance of a family, without faulty pixels.

    Parameters
    ----------
    family, kind : str
        Keys of the simulator's families and kinds.
    rng : numpy.random.Generator
        Its properties.

    Returns
    -------
    Scanner
        The instance; test objects are not laid on faulty rows.
    """
    from screening.simulation.radiographs.scanner import draw_scanner

    return draw_scanner(kind, rng, n_row=680, family=family, has_defects=False)


def steel_cm(scene: Scene, thickness_cm: float, y_m: float, z_m: float, size_m: tuple[float, float]) -> None:
    """Put a plate of steel into a scene, towards the source from the centre plane.

    Parameters
    ----------
    scene : Scene
        The scene.
    thickness_cm : float
        Along the beam; 0 puts nothing.
    y_m, z_m : float
        Its middle.
    size_m : tuple of float
        Height and width.
    """
    if thickness_cm > 0:
        high, wide = size_m[0] / 2.0, size_m[1] / 2.0
        depth = (-0.02 - thickness_cm / 100.0, -0.02)
        scene.box("steel", DENSITY["steel"], depth, (y_m - wide, y_m + wide), (z_m - high, z_m + high))


def add_arrow(
    scene: Scene, material: str, thickness_cm: float, direction: int, y_m: float, z_m: float, size_m: float
) -> None:
    """Put an arrow into a scene: a shaft, and a head of four steps.

    Parameters
    ----------
    scene : Scene
        The scene.
    material : str
        A key of :data:`DENSITY`.
    thickness_cm : float
        Along the beam.
    direction : int
        0 to 3: up, along the motion, down, against it.
    y_m, z_m : float
        Its middle.
    size_m : float
        Its length, and the width of its head.
    """
    # along the arrow from its tail, and half its width there, in parts of its length
    parts = [(-0.5, 0.0, 0.1)]
    parts += [(0.125 * k, 0.125 * (k + 1), 0.5 - 0.125 * k) for k in range(4)]
    for tail, tip, half in parts:
        along = (tail * size_m, tip * size_m)
        across = (-half * size_m, half * size_m)
        if direction >= 2:
            along = (-along[1], -along[0])
        y, z = (across, along) if direction % 2 == 0 else (along, across)
        scene.box(
            material,
            DENSITY[material],
            (0.0, thickness_cm / 100.0),
            (y_m + y[0], y_m + y[1]),
            (z_m + z[0], z_m + z[1]),
        )


def add_wire(
    scene: Scene, diameter_mm: float, y_m: float, z_m: float, length_m: float, *, is_level: bool = False
) -> None:
    """Put a wire of steel into a scene.

    Parameters
    ----------
    scene : Scene
        The scene.
    diameter_mm : float
        Of the wire.
    y_m, z_m : float
        Its middle.
    length_m : float
        Its length.
    is_level : bool
        Along the motion instead of upright.
    """
    axis = "y" if is_level else "z"
    scene.cylinder("steel", DENSITY["steel"], axis, (0.0, y_m, z_m), diameter_mm / 2000.0, length_m)


def exposures(
    scanner: Scanner, tiles: Sequence[Tile], n: int, seeds: np.random.SeedSequence
) -> dict[tuple[object, ...], NDArray[np.float64]]:
    """Take pictures of test objects, and cut out what is about each.

    Parameters
    ----------
    scanner : Scanner
        The instrument.
    tiles : sequence of Tile
        Test objects, one beside the other, open beam between them.
    n : int
        Pictures of the same scene, each with its own noise.
    seeds : numpy.random.SeedSequence
        Of the noise.

    Returns
    -------
    dict of tuple to ndarray of shape (n, n_energy, n_row, n_column)
        By name: transmission, dark subtracted, over the calibration's air and the reference detector.
        Tiles of the same size give patches of the same shape.
    """
    from screening.simulation.radiographs.exposure import expose
    from screening.simulation.radiographs.geometry import FanGeometry
    from screening.simulation.radiographs.scene import Scene

    pitch = scanner.pitch_m
    n_row = round(PICTURE_M / pitch[0])
    n_column = round((sum(tile.width_m + GAP_M for tile in tiles) + GAP_M) / pitch[1])
    height = scanner.source_height_m
    row_z = np.asarray(height + ((n_row - 1) / 2.0 - np.arange(n_row)) * pitch[0], dtype=np.float64)
    column_y = np.asarray(np.arange(n_column) * pitch[1], dtype=np.float64)
    scene = Scene(FanGeometry(scanner.source_distance_m, height, row_z, column_y, pitch))
    windows = []
    start = GAP_M
    for tile in tiles:
        # the middle of a pixel: patches of like tiles hold the same part of the object
        column = round((start + tile.width_m / 2.0) / pitch[1])
        tile.build(scene, column * pitch[1], height)
        half = [max(2, round(metres / 2.0 / step)) for metres, step in zip(tile.window_m, pitch, strict=True)]
        windows.append((tile.name, (n_row - 1) // 2, column, half))
        start += tile.width_m + GAP_M
    found: dict[tuple[object, ...], list[NDArray[np.float64]]] = {tile.name: [] for tile in tiles}
    for one in seeds.spawn(n):
        counts = expose(scene, scanner, np.random.default_rng(one))
        dark = np.zeros_like(counts.dark) if scanner.is_dark_subtracted else counts.dark
        signal = counts.raw - dark[:, None, :].astype(np.float64)
        through = signal / (counts.air - counts.dark)[:, None, :]
        through /= counts.reference / np.median(counts.reference, axis=0)
        for name, row, column, (high, wide) in windows:
            patch = through[max(row - high, 0) : row + high + 1, column - wide : column + wide + 1]
            found[name].append(np.moveaxis(patch, 2, 0))
    return {name: np.array(patches) for name, patches in found.items()}

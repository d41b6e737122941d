"""Contact sheets of all that scenes are made of: to be looked at by a person who knows real scans.

Pictures show the root of the optical depth at 6 MV, white for air and black for what is opaque, so that
walls and heavy goods both show. Noise and faults are left out: these show the scenes, not a scanner.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .cargo import CARGO_KINDS, add_cargo
from .carriers import add_carrier, carrier_reach_m, draw_base_height_m
from .containers import CONTAINER_LENGTHS_M, Container, add_container
from .exposure import transmission
from .geometry import FanGeometry
from .lookalikes import LOOKALIKES
from .scene import Scene
from .shapes import put
from .stashes import STASHES, add_stash
from .threats import THREATS, draw_threat

__all__ = ["cargo_pictures", "carrier_pictures", "threat_pictures", "write_gallery"]

Named = tuple[str, NDArray[np.uint8]]

#: Signal of an opaque place over air, where black is.
_BLACK = 7e-4

#: Grey levels of a sheet: enough for the eye, and small.
_LEVELS = 32

#: Carrier, length and container type of each carrier picture.
_CARRIERS = (
    ("rail", "40", "standard"),
    ("road-cab", "40", "standard"),
    ("rail-well", "20", "tank"),
    ("truck", "20", "reefer"),
    ("road", "45", "open-top"),
    ("rail", "40", "flat-rack"),
)


def cargo_pictures(seed: int, *, scale: float = 5.0) -> list[Named]:
    """Return a picture of each kind of cargo in its container.

    Parameters
    ----------
    seed : int
        Seed of every load.
    scale : float, default 5
        Pixel size over that of a full picture.

    Returns
    -------
    list of (str, ndarray of shape (n_row, n_column), uint8)
        Name with its mass, and grey levels.
    """
    found = []
    for name, kind in CARGO_KINDS.items():
        rng = np.random.default_rng(seed)
        box = Container(0.0, CONTAINER_LENGTHS_M["40"], 2.591, 1.2, kind=kind.container)
        scene = Scene(_view((-0.2, box.length_m + 0.2), (1.15, 4.5), scale))
        add_container(scene, box, rng)
        mass = add_cargo(scene, name, box.hold, rng)
        found.append((f"{name}, {mass / 1000.0:.1f} t", _grey(scene)))
    return found


def carrier_pictures(seed: int, *, scale: float = 4.0) -> list[Named]:
    """Return a picture of each carrier with an empty container of each type.

    Parameters
    ----------
    seed : int
        Seed of every picture.
    scale : float, default 4
        Pixel size over that of a full picture.

    Returns
    -------
    list of (str, ndarray of shape (n_row, n_column), uint8)
        Name and grey levels.
    """
    found = []
    for carrier, length, kind in _CARRIERS:
        rng = np.random.default_rng(seed)
        base = draw_base_height_m(carrier, rng)
        box = Container(0.0, CONTAINER_LENGTHS_M[length], 2.591, base, kind=kind)
        reach = carrier_reach_m(carrier)
        scene = Scene(_view((-1.2 - reach[0], box.length_m + 1.2 + reach[1]), (-0.2, 4.6), scale))
        add_container(scene, box, rng)
        add_carrier(scene, carrier, (box,), rng)
        found.append((f"{carrier}, {length} ft {kind}", _grey(scene)))
    return found


def threat_pictures(seed: int, *, n_px: int = 110) -> list[Named]:
    """Return a picture of each threat, look-alike and hiding place, each at a scale of its own.

    Parameters
    ----------
    seed : int
        Seed of every object.
    n_px : int, default 110
        Largest extent of a picture.

    Returns
    -------
    list of (str, ndarray of shape (n_row, n_column), uint8)
        Name with its mass, and grey levels.
    """
    found = []
    for name in (*THREATS, *LOOKALIKES):
        one = draw_threat(name, np.random.default_rng(seed))
        tall, long = one.size_m[2] * 1.1 + 0.02, one.size_m[1] * 1.1 + 0.02
        pitch = max(tall, long) / n_px
        scene = Scene(_square((-long / 2, long / 2), (2.0 - tall / 2, 2.0 + tall / 2), pitch))
        put(scene, one, (0.0, 0.0, 2.0))
        found.append((f"{name}, {one.mass_kg:.3g} kg", _grey(scene)))
    for name in STASHES:
        box = Container(0.0, CONTAINER_LENGTHS_M["20"], 2.591, 1.2)
        scene = Scene(_square((-0.1, box.length_m + 0.1), (1.1, 4.3), (box.length_m + 0.2) / n_px))
        add_container(scene, box, np.random.default_rng(seed))
        add_stash(scene, name, box.hold, np.random.default_rng(seed))
        found.append((name, _grey(scene)))
    return found


def write_gallery(out_dir: Path, seed: int = 1) -> list[Path]:
    """Write the contact sheets.

    Parameters
    ----------
    out_dir : Path
        Folder, made if needed; receives ``scenes-cargo.png``, ``scenes-carriers.png`` and
        ``scenes-threats.png``.
    seed : int, default 1
        Seed of every picture.

    Returns
    -------
    list of Path
        The sheets.

    Raises
    ------
    ImportError
        If Pillow, which comes with matplotlib (extra "report"), is not installed.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    sheets = (
        ("scenes-cargo.png", cargo_pictures(seed), 4),
        ("scenes-carriers.png", carrier_pictures(seed), 2),
        ("scenes-threats.png", threat_pictures(seed), 9),
    )
    paths = []
    for name, pictures, columns in sheets:
        path = out_dir / name
        _write_sheet(path, pictures, columns)
        paths.append(path)
    return paths


def _view(y: tuple[float, float], z: tuple[float, float], scale: float) -> FanGeometry:
    pitch = (0.0072 * scale, 0.0072 * scale)
    return _square(y, z, pitch[0], skew=0.04)


def _square(
    y: tuple[float, float], z: tuple[float, float], pitch_m: float, *, skew: float = 0.0
) -> FanGeometry:
    rows, columns = max(int((z[1] - z[0]) / pitch_m), 8), max(int((y[1] - y[0]) / pitch_m), 8)
    return FanGeometry(
        source_distance_m=5.5,
        source_height_m=1.7,
        row_z_m=z[1] - (np.arange(rows, dtype=np.float64) + 0.5) * pitch_m,
        column_y_m=y[0] + (np.arange(columns, dtype=np.float64) + 0.5) * pitch_m,
        pitch_m=(pitch_m, pitch_m),
        skew=skew,
    )


def _grey(scene: Scene) -> NDArray[np.uint8]:
    """Return grey levels, 255 for air and 0 for what is opaque: the root of the optical depth."""
    signal = transmission(scene, "6MV", n_bins=20) + _BLACK
    depth = np.sqrt(np.clip(np.log(signal) / np.log(_BLACK), 0.0, 1.0))
    step = 255.0 / (_LEVELS - 1)
    return np.asarray(np.rint((1.0 - depth) * (_LEVELS - 1)) * step, dtype=np.uint8)


def _write_sheet(path: Path, pictures: Iterable[Named], columns: int) -> None:
    from PIL import Image, ImageDraw

    named = list(pictures)
    margin, title = 6, 13
    wide = max(max(picture.shape[1] for _, picture in named), 118) + margin
    rows = [named[k : k + columns] for k in range(0, len(named), columns)]
    heights = [max(picture.shape[0] for _, picture in row) + title + margin for row in rows]
    sheet = Image.new("L", (wide * columns, sum(heights)), 255)
    draw = ImageDraw.Draw(sheet)
    top = 0
    for row, height in zip(rows, heights, strict=True):
        for k, (name, picture) in enumerate(row):
            sheet.paste(Image.fromarray(picture), (k * wide, top + title))
            draw.text((k * wide + 2, top), name, fill=0)
        top += height
    sheet.save(path, optimize=True)

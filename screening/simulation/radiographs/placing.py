"""Where objects stand in a hold, how hidden they are there, and what goods they displace."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .hold import Hold
from .scene import Scene, SceneObject
from .shapes import Assembly, about_z, put, random_rotation

__all__ = ["place_assembly"]

#: Places tried for one object.
N_TRIED = 24

#: Heavier than this and it stands on the floor, kg.
_FLOOR_KG = 60.0

Triple = tuple[float, float, float]


def place_assembly(
    scene: Scene,
    assembly: Assembly,
    hold: Hold,
    rng: np.random.Generator,
    cargo: dict[str, NDArray[np.float32]],
    *,
    stands: bool,
    occlusion: float | None = None,
) -> SceneObject:
    """Put an object among the goods of a hold.

    Parameters
    ----------
    scene : Scene
        The scene, changed.
    assembly : Assembly
        The object, about its own middle.
    hold : Hold
        The space.
    rng : numpy.random.Generator
        Place and orientation; the same generator puts another object of about that size in about
        the same place.
    cargo : dict of str to ndarray of shape (n_row, n_column), float32
        Areal density of the goods alone, by material: tells the thin places from the thick ones, and
        what the object displaces.
    stands : bool
        It keeps its upright.
    occlusion : float, optional
        0 for the thinnest goods among the places tried, 1 for the thickest; any when omitted.

    Returns
    -------
    SceneObject
        What the scene knows of it.

    Raises
    ------
    ValueError
        If the object does not fit into the hold.
    """
    turns = rng.uniform(0.0, 2.0 * np.pi)
    free = random_rotation(rng)
    tried = rng.random((N_TRIED, 3))
    rank = rng.random() if occlusion is None else occlusion
    turn = about_z(turns) if stands else free
    half = _half_size(assembly, turn)
    if not _fits(half, hold):
        turn = np.eye(3)
        half = _half_size(assembly, turn)
        if not _fits(half, hold):
            size = ", ".join(f"{2 * value:.2f}" for value in half)
            raise ValueError(
                f"{assembly.label} of {size} m does not fit into a hold {hold.length_m:.2f} m long"
            )
    on_floor = assembly.kind == "person" or assembly.mass_kg > _FLOOR_KG or 2 * half[2] > 0.8 * hold.height_m
    total = np.zeros(scene.geometry.shape, dtype=np.float32)
    for plane in cargo.values():
        total += plane
    places: list[tuple[float, Triple]] = []
    for u, v, w in tried:
        low = hold.z0_m + half[2] + 0.002
        # a third lie on the floor, whatever they weigh
        height = 0.0 if on_floor or w < 0.33 else (w - 0.33) / 0.67
        place = (
            float((2 * u - 1) * (hold.half_width_m - half[0])),
            float(hold.y0_m + half[1] + v * (hold.length_m - 2 * half[1])),
            float(low + height * max(0.85 * hold.height_m - 2 * half[2], 0.0)),
        )
        places.append((_goods_at(scene, total, place, half), place))
    places.sort(key=lambda one: one[0])
    depth, place = places[min(int(rank * N_TRIED), N_TRIED - 1)]
    if depth > 0.0:
        _displace(scene, assembly, place, turn, half, hold, cargo)
    return put(scene, assembly, place, turn)


def _half_size(assembly: Assembly, turn: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.abs(turn) @ (np.array(assembly.size_m) / 2.0))


def _fits(half: NDArray[np.float64], hold: Hold) -> bool:
    return bool(half[0] < hold.half_width_m and 2 * half[1] < hold.length_m and 2 * half[2] < hold.height_m)


def _window(
    scene: Scene, plane: NDArray[np.float32], place: Triple, half: NDArray[np.float64]
) -> NDArray[np.float32]:
    spans = [(c - h, c + h) for c, h in zip(place, half, strict=True)]
    window = scene.geometry.window_of(spans[0], spans[1], spans[2])
    if window is None:
        return np.zeros((0, 0), dtype=np.float32)
    return plane[window.row0 : window.row1, window.col0 : window.col1]


def _goods_at(scene: Scene, plane: NDArray[np.float32], place: Triple, half: NDArray[np.float64]) -> float:
    """Return the mean areal density where an object would be seen; -1 outside the picture."""
    seen = _window(scene, plane, place, half)
    return float(seen.mean()) if seen.size else -1.0


def _displace(
    scene: Scene,
    assembly: Assembly,
    place: Triple,
    turn: NDArray[np.float64],
    half: NDArray[np.float64],
    hold: Hold,
    cargo: dict[str, NDArray[np.float32]],
) -> None:
    """Take the goods away where the largest solid part of the object is.

    Where along the beam the goods are is not known, so that their median density along the rays about is
    taken, spread over the width of the hold. A ray that holds less holds none then.
    """
    solid = [part for part in assembly.parts if part.mesh is None and part.density_g_cm3 > 0.0]
    if not solid:
        return
    part = max(solid, key=lambda one: float(np.prod(one.half_size_m)))
    if float(np.prod(part.half_size_m)) < 0.3 * float(np.prod(np.array(assembly.size_m) / 2.0)):
        return
    centre = turn @ np.array(part.centre) + np.array(place)
    where = (float(centre[0]), float(centre[1]), float(centre[2]))
    width_cm = 200.0 * hold.half_width_m
    for material, plane in cargo.items():
        seen = _window(scene, plane, place, half)
        # the median: a window reaches a pixel or two beyond the object, and beyond the goods
        density = float(np.median(seen)) / width_cm if seen.size else 0.0
        if density < 0.005:
            continue
        rotation = turn @ part.rotation
        if part.shape == "cylinder":
            scene.cylinder(material, -density, "z", where, part.size[0], part.size[2], rotation=rotation)
        elif part.shape == "ellipsoid":
            scene.ellipsoid(material, -density, where, part.size, rotation=rotation)
        else:
            spans = [(c - s / 2, c + s / 2) for c, s in zip(where, part.size, strict=True)]
            scene.box(material, -density, spans[0], spans[1], spans[2], rotation=rotation)

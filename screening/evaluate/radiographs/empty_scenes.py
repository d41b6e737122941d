"""Empty containers, ordinary loads and hidden loads, with what every detector says of them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from screening.evaluate.detectors import DetectorUnderTest
from screening.records import Radiograph
from screening.simulation.radiographs.geometry import Region
from screening.simulation.radiographs.injection import Target, inject, prepare_target
from screening.simulation.radiographs.shadows import Shadow
from screening.simulation.radiographs.tracing import MATERIAL_ALIASES

from .expected import expected_signal, separation
from .hidden_loads import MASSES_KG, SHAPES, HiddenLoad, cells_of, hidden_shadow, space_of
from .pictures import Picture, empty_recipe, load_recipe, stream, take_picture
from .rows import AnswerRow, answers_of, detectors_named

__all__ = ["KEYS", "EmptyRow", "HiddenRow", "empty_scene", "load_scene"]

#: Splits of the empties by the key of their seeds, and the key of the ordinary loads.
KEYS = {"validation": 41, "test": 42, "loads": 43, "full": 45}


class HiddenRow(msgspec.Struct, frozen=True, kw_only=True):
    """A hidden load.

    Attributes
    ----------
    material, place, shape : str
        What, where, how.
    mass_kg : float
        Its mass.
    d_prime : float or None
        Detectability by the matched filter at the noise of this picture; None where it did not fit.
    answers : tuple of AnswerRow
        One per detector; empty where it did not fit.
    """

    material: str
    place: str
    shape: str
    mass_kg: float
    d_prime: float | None
    answers: tuple[AnswerRow, ...]


class EmptyRow(msgspec.Struct, frozen=True, kw_only=True):
    """An empty container, or a loaded one.

    Attributes
    ----------
    sample : str
        Its name.
    is_loaded : bool
        Truth.
    scanner, geometry, cargo : str
        Family of scanners, family of geometry, kind of cargo.
    has_residue : bool
        Something of the last load is left in it.
    n_container : int
        Containers on the picture: its answer is about all of them.
    answers : tuple of AnswerRow
        One per detector.
    hidden : tuple of HiddenRow
        Loads hidden in it, each in a copy.
    """

    sample: str
    is_loaded: bool
    scanner: str
    geometry: str
    cargo: str
    has_residue: bool
    n_container: int
    answers: tuple[AnswerRow, ...]
    hidden: tuple[HiddenRow, ...] = ()


def empty_scene(
    *, settings: str, detectors: list[str], seed: int, split: str, index: int, n_hidden: int
) -> bytes:
    """Take a picture of an empty container, and of it with loads hidden: one job of the bench.

    Parameters
    ----------
    settings : str
        Settings as JSON.
    detectors : list of str
        Registered names.
    seed : int
        Of the bench.
    split : {"validation", "test", "full"}
        Which split; the last is at full size.
    index : int
        Which container.
    n_hidden : int
        Loads hidden in it, each alone; materials and places in turn.

    Returns
    -------
    bytes
        EmptyRow, msgpack.
    """
    built = detectors_named(tuple(detectors), settings)
    scale = 1.0 if split == "full" else None
    geometry, recipe = empty_recipe(seed, KEYS[split], index, scale=scale)
    picture = take_picture(recipe)
    hidden: list[HiddenRow] = []
    if n_hidden:
        rng = stream(seed, 44, index)
        cells = cells_of(picture.composition.containers[0])
        masses = rng.permutation(len(MASSES_KG))
        start = int(rng.integers(len(cells)))
        target = prepare_target(_payload(picture))
        for k in range(n_hidden):
            material, place = cells[(start + k) % len(cells)]
            mass = MASSES_KG[int(masses[k % len(MASSES_KG)])]
            shape = SHAPES[int(rng.integers(len(SHAPES)))]
            hidden.append(
                _hide(picture, target, HiddenLoad(material, place, shape, mass), rng, built, detectors)
            )
    row = EmptyRow(
        sample=f"empty-{split}-{index:04d}",
        is_loaded=False,
        scanner=str(recipe.family),
        geometry=geometry,
        cargo="",
        has_residue=recipe.has_residue,
        n_container=len(picture.truth["boxes"]),
        answers=tuple(row for row, _ in answers_of(built, detectors, picture.scan)),
        hidden=tuple(hidden),
    )
    return msgspec.msgpack.encode(row)


def load_scene(*, settings: str, detectors: list[str], seed: int, index: int) -> bytes:
    """Take a picture of an ordinary load that is declared empty: one job of the bench.

    Parameters
    ----------
    settings : str
        Settings as JSON.
    detectors : list of str
        Registered names.
    seed, index : int
        Of the bench; which load.

    Returns
    -------
    bytes
        EmptyRow, msgpack.
    """
    built = detectors_named(tuple(detectors), settings)
    recipe = msgspec.structs.replace(load_recipe(seed, KEYS["loads"], index), declared_empty=True)
    picture = take_picture(recipe)
    row = EmptyRow(
        sample=f"load-{index:04d}",
        is_loaded=True,
        scanner=str(recipe.family),
        geometry=f"{recipe.length} {picture.composition.containers[0].kind}",
        cargo=str(recipe.cargo),
        has_residue=False,
        n_container=len(picture.truth["boxes"]),
        answers=tuple(row for row, _ in answers_of(built, detectors, picture.scan)),
    )
    return msgspec.msgpack.encode(row)


def _payload(picture: Picture) -> Radiograph:
    payload = picture.scan.payload
    if not isinstance(payload, Radiograph):
        raise TypeError(f"a radiograph was expected, got {picture.scan.modality}")
    return payload


def _hide(
    picture: Picture,
    target: Target,
    load: HiddenLoad,
    rng: np.random.Generator,
    built: Sequence[DetectorUnderTest],
    names: list[str],
) -> HiddenRow:
    """Put one load into a copy of the picture, and ask about it."""
    space = space_of(load.place, picture.composition.containers[0], rng)
    shadow = hidden_shadow(load, space, picture.composition.scene.geometry, rng)
    noise = np.random.default_rng(int(rng.integers(0, 2**63)))
    row = HiddenRow(**load._asdict(), d_prime=None, answers=())
    if shadow is None:
        return row
    try:
        made = inject(target, shadow, noise)
    except ValueError:  # cut off by the picture's edge
        return row
    scan = msgspec.structs.replace(picture.scan, payload=made.radiograph)
    return msgspec.structs.replace(
        row,
        d_prime=_d_prime(picture, shadow),
        answers=tuple(one for one, _ in answers_of(built, names, scan)),
    )


def _d_prime(picture: Picture, shadow: Shadow) -> float:
    """Return the matched filter's d' of a shadow behind the scene that is there."""
    payload = _payload(picture)
    n_row, n_column = payload.raw.shape[:2]
    height, width = next(iter(shadow.planes.values())).shape
    row0, col0 = max(shadow.row, 0), max(shadow.column, 0)
    row1, col1 = min(shadow.row + height, n_row), min(shadow.column + width, n_column)
    window = (slice(row0, row1), slice(col0, col1))
    inner = (slice(row0 - shadow.row, row1 - shadow.row), slice(col0 - shadow.column, col1 - shadow.column))
    before = {name: plane[window] for name, plane in picture.composition.scene.areal_density.items()}
    after = dict(before)
    for name, plane in shadow.planes.items():
        known = name if name in after else MATERIAL_ALIASES.get(name, name)
        after[known] = after[known] + plane[inner] if known in after else plane[inner]
    region = Region(row0, col0, row1, col1)
    scanner = picture.composition.scanner
    first = expected_signal(payload, before, scanner, region)
    second = expected_signal(payload, after, scanner, region)
    return separation(first, second)

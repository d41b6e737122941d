"""The loaded-or-empty model's own test split, drawn again as its training drew it, with the shipped model."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np

from screening.classifiers import Model, load_model
from screening.config import Settings
from screening.radiography.empty import excess_areal_density

__all__ = ["MODEL", "CardRow", "card_maps", "plan"]

MODEL = "empties"

#: What the training adds to its seed for each part of what its card reports (screening.training.empties).
TEST_SEED, HIDDEN_SEED, FULL_SEED = 1000, 2000, 3000

#: Containers of the test split, loads hidden a cell, and full-size pictures, as the training has them.
N_EMPTY, N_LOADED, N_HIDDEN, N_FULL = 1200, 700, 25, {False: 16, True: 8}

HIDDEN_KG = (2.0, 5.0, 10.0, 20.0, 50.0)
MATERIALS = ("organic", "steel", "lead")


class CardRow(msgspec.Struct, frozen=True, kw_only=True):
    """The scores of the containers of one picture.

    Attributes
    ----------
    part : str
        "test", "full" or "hidden".
    is_loaded : bool
        Truth.
    index : int
        Its place in the order of the part.
    family, container : str
        Family of scanners, type of container.
    has_residue : bool
        Something of the last load is left.
    material, mass_kg : str and float
        Of a hidden load.
    loaded, excess : tuple of float
        Both scores, one for each container.
    """

    part: str
    is_loaded: bool
    index: int
    family: str
    container: str
    has_residue: bool
    material: str
    mass_kg: float
    loaded: tuple[float, ...]
    excess: tuple[float, ...]


def plan(seed: int, share: float) -> list[dict[str, object]]:
    """Return the jobs that draw the split again.

    Parameters
    ----------
    seed : int
        That the model was trained with.
    share : float
        Of the split, 0 to 1: the beginning of each part.

    Returns
    -------
    list of dict
        Arguments of :func:`card_maps`, settings apart.
    """
    from screening.training.empties_scenes import TEST, draw_recipe

    jobs: list[dict[str, object]] = []
    for is_loaded, wanted in ((False, N_EMPTY), (True, N_LOADED)):
        n = index = 0
        while n < wanted * share:
            rng = _stream(seed + TEST_SEED, TEST.stream, int(is_loaded), index)
            if is_loaded:
                rng.random()  # whether it would be a hidden load: none is, but the number is drawn
            recipe = draw_recipe(TEST, rng, is_loaded=is_loaded, is_hidden=False)
            n += 2 if recipe.length == "2x20" else 1
            index += 1
        step = 20
        jobs += [
            {"part": "test", "is_loaded": is_loaded, "start": k, "stop": min(k + step, index), "seed": seed}
            for k in range(0, index, step)
        ]
        full = round(N_FULL[is_loaded] * share)
        jobs += [
            {"part": "full", "is_loaded": is_loaded, "start": k, "stop": k + 1, "seed": seed}
            for k in range(full)
        ]
    n_hidden = max(round(N_HIDDEN * share), 1)
    jobs += [
        {
            "part": "hidden",
            "is_loaded": True,
            "start": 0,
            "stop": n_hidden,
            "seed": seed,
            "material": material,
            "mass_kg": mass,
        }
        for material in MATERIALS
        for mass in HIDDEN_KG
    ]
    return jobs


def card_maps(
    *,
    settings: str,
    part: str,
    is_loaded: bool,
    start: int,
    stop: int,
    seed: int,
    material: str = "",
    mass_kg: float = 0.0,
) -> bytes:
    """Draw pictures of the split and score their containers: one job of the bench.

    Parameters
    ----------
    settings : str
        Settings as JSON: where the model is.
    part : {"test", "full", "hidden"}
        Which part of the split.
    is_loaded : bool
        Loads or empties.
    start, stop : int
        Which pictures.
    seed : int
        That the model was trained with.
    material, mass_kg : str and float
        Of a hidden load.

    Returns
    -------
    bytes
        List of CardRow, msgpack.
    """
    from screening.training.empties_scenes import TEST, draw_maps, draw_recipe, full_size_maps

    rows = []
    for index in range(start, stop):
        if part == "full":
            rng = _stream(seed + FULL_SEED, TEST.stream, int(is_loaded), index)
            recipe = draw_recipe(TEST, rng, is_loaded=is_loaded, is_hidden=False, scale=1.0, has_defects=True)
            maps = full_size_maps(TEST, seed + FULL_SEED, index, is_loaded=is_loaded)
        elif part == "hidden":
            rng = _stream(seed + HIDDEN_SEED, "osl".index(material[0]), int(mass_kg * 10), index)
            recipe = draw_recipe(
                TEST, rng, is_loaded=True, is_hidden=True, hidden_material=material, hidden_mass_kg=mass_kg
            )
            maps = draw_maps(recipe, rng)[:1]
        else:
            rng = _stream(seed + TEST_SEED, TEST.stream, int(is_loaded), index)
            if is_loaded:
                rng.random()
            recipe = draw_recipe(TEST, rng, is_loaded=is_loaded, is_hidden=False)
            maps = draw_maps(recipe, rng)
        loaded: tuple[float, ...] = ()
        if maps:
            answer = _model(settings).run(hull=np.stack(maps))["loaded"]
            loaded = tuple(float(one) for one in answer.reshape(-1))
        rows.append(
            CardRow(
                part=part,
                is_loaded=is_loaded,
                index=index,
                family=str(recipe.family),
                container=str(recipe.container),
                has_residue=recipe.has_residue,
                material=material,
                mass_kg=mass_kg,
                loaded=loaded,
                excess=tuple(float(excess_areal_density(one)) for one in maps),
            )
        )
    return msgspec.msgpack.encode(rows)


@lru_cache(maxsize=1)
def _model(settings: str) -> Model:
    chosen = msgspec.json.decode(settings, type=Settings).models
    folder = Path(chosen.folder) if chosen.folder is not None else None
    return load_model(MODEL, folder=folder, allowed=chosen.allowed)


def _stream(*key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(list(key)))

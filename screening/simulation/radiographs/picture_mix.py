"""What sets of radiographs are made of: presets, and the recipe of each picture.

What is covered (kinds, cargo, scanners) follows from the index alone, so that the first n pictures are as
balanced as n allows; what is only varied is drawn from a stream of the picture's own.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import numpy as np

from screening.errors import ConfigurationError

from .cargo import CARGO_KINDS
from .families import SCANNER_FAMILIES
from .recipes import ORDINARY_CARGO, RadiographRecipe
from .threats import THREATS

__all__ = [
    "MATCHED",
    "RADIOGRAPH_PRESETS",
    "VARIANTS",
    "MatchedRecipe",
    "draw_picture",
    "draw_radiograph_recipe",
]

Variant = Literal["with", "without", "lookalike"]

#: Pictures of one scene, in their order: with the threat, as it would be without, and with an innocent
#: object in the threat's place.
VARIANTS: tuple[Variant, ...] = ("with", "without", "lookalike")

#: What a set can be made of.
RADIOGRAPH_PRESETS = {
    "mixed": "half ordinary loads, with empties, a dense block and a shielding pig among them",
    "loaded": "ordinary loads of every cargo",
    "empties": "empty containers",
    "dense": "a large steel block in light goods",
    "hidden": "containers declared empty with 0.5 to 50 kg hidden in them",
    "cargo": "every kind of cargo in turn, past every scanner family in turn",
    "families": "every scanner family as everything it is built as, in turn, past every cargo in turn",
    "threats": "scenes of three: a threat in a load, the load alone, an innocent object in its place",
    "injected": "the same by threat image projection: put into a finished picture",
    "samples": "what ships: thumbnails of an empty, a load, a block and a pig, then four of the families",
}

#: Presets whose pictures come in threes.
MATCHED = ("threats", "injected")

#: Every scanner family as everything it is built as.
_BUILT = tuple((family, kind) for family, ranges in SCANNER_FAMILIES.items() for kind in ranges.kinds)

_KINDS = {
    "mixed": ("loaded", "empty", "loaded", "dense", "loaded", "empty", "shielded", "loaded"),
    "empties": ("empty",),
    "dense": ("dense",),
    "hidden": ("hidden",),
    "samples": ("empty", "loaded", "dense", "shielded"),
}


#: What follows the thumbnails among the samples: two at full size, then a gamma scanner's and a coarse one's.
_SAMPLED: tuple[dict[str, Any], ...] = (
    {"family": "rail-dual", "scanner": "dual", "carrier": "rail", "length": "40", "cargo": "machinery"},
    {"family": "rail-dual", "scanner": "dual", "carrier": "road", "length": "20", "cargo": "cars"},
    {"family": "gamma", "scanner": "vacis-co", "carrier": "road", "length": "2x20", "cargo": "drums"},
    {"family": "mobile-coarse", "scanner": "single-4", "carrier": "road", "length": "20", "cargo": "tyres"},
)


class MatchedRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One picture of a scene of three.

    Attributes
    ----------
    recipe : RadiographRecipe
        The scene; with threats where they are part of it, without where they are put in afterwards.
    variant : {"with", "without", "lookalike"}
        Which of the three.
    injected : str or None
        The threat put into the finished picture.
    """

    recipe: RadiographRecipe
    variant: Variant
    injected: str | None = None


def draw_picture(preset: str, seed: int, index: int) -> RadiographRecipe | MatchedRecipe:
    """Return what one picture of a set is made from.

    Parameters
    ----------
    preset : str
        A key of :data:`RADIOGRAPH_PRESETS`.
    seed : int
        Seed of the set.
    index : int
        Which picture.

    Returns
    -------
    RadiographRecipe or MatchedRecipe
        The latter for presets whose pictures come in threes.

    Raises
    ------
    ConfigurationError
        If the preset is unknown.
    """
    if preset not in MATCHED:
        return draw_radiograph_recipe(preset, seed, index)
    scene, which = divmod(index, len(VARIANTS))
    recipe = draw_radiograph_recipe(preset, seed, scene)
    variant = VARIANTS[which]
    if preset == "injected":
        bare = msgspec.structs.replace(recipe, threats=())
        return MatchedRecipe(recipe=bare, variant=variant, injected=recipe.threats[0])
    return MatchedRecipe(recipe=recipe, variant=variant)


def draw_radiograph_recipe(preset: str, seed: int, index: int) -> RadiographRecipe:
    """Return the recipe of one picture of a set, or of one scene of three pictures.

    Parameters
    ----------
    preset : str
        A key of :data:`RADIOGRAPH_PRESETS`.
    seed : int
        Seed of the set.
    index : int
        Which picture or scene.

    Returns
    -------
    RadiographRecipe
        The same for the same preset, seed and index, whatever else is in the set.

    Raises
    ------
    ConfigurationError
        If the preset is unknown.
    """
    if preset not in RADIOGRAPH_PRESETS:
        raise ConfigurationError(
            f"unknown preset {preset!r}; known: {', '.join(RADIOGRAPH_PRESETS)}", value=preset
        )
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x5E7, index]))
    kinds = _KINDS.get(preset, ("loaded",))
    kind = kinds[index % len(kinds)]
    fields: dict[str, Any] = {
        "kind": kind,
        "scanner": str(rng.choice(["dual", "dual", "single", "linac-9", "vacis-co"])),
        "length": str(rng.choice(["40", "40", "20", "45", "2x20"])),
        "is_high_cube": bool(rng.random() < 0.5),
        "has_dropout": bool(rng.random() < 0.1),
        "seed": int(rng.integers(0, 2**31)),
    }
    cargo = sorted(CARGO_KINDS)
    if kind == "loaded":
        fields["cargo"] = str(rng.choice(cargo))
    if kind == "hidden":
        fields["hidden_material"] = str(rng.choice(["organic", "steel", "lead"]))
        fields["hidden_mass_kg"] = round(float(np.exp(rng.uniform(np.log(0.5), np.log(50.0)))), 2)
        fields["declared_empty"] = True
    if preset == "cargo":
        turn, which = divmod(index, len(cargo))
        fields |= _built((turn + which) % len(_BUILT)) | {"cargo": cargo[which]}
    if preset == "families":
        turn, which = divmod(index, len(_BUILT))
        fields |= _built(which) | {"cargo": cargo[turn % len(cargo)]}
    if preset in MATCHED:
        fields |= _built(int(rng.integers(len(_BUILT)))) | {
            "cargo": str(rng.choice(ORDINARY_CARGO)),
            "threats": (list(THREATS)[index % len(THREATS)],),
            "occlusion": round(float(rng.random()), 3),
        }
    if preset == "samples":
        fields |= _sample(index, kind)
    return msgspec.convert(fields, RadiographRecipe)


def _built(which: int) -> dict[str, Any]:
    family, kind = _BUILT[which]
    return {"family": family, "scanner": kind}


def _sample(index: int, kind: str) -> dict[str, Any]:
    """Return what sets one of the shipped samples apart; the first four are thumbnails."""
    turn, which = divmod(index, len(_KINDS["samples"]))
    if turn % 2 == 0:
        thumbnail = {"scale": 4.0, "scanner": "dual", "length": "20", "has_dropout": False}
        return thumbnail | {"cargo": "boxes" if kind == "loaded" else None}
    fields = {"kind": "loaded", "has_dropout": which == 0, "scale": 1.0 if which < 2 else 2.0}
    if which == 0:
        fields["threats"] = ("source-pig",)
    return fields | _SAMPLED[which]

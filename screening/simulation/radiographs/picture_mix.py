"""What sets of radiographs are made of: presets, and the recipe of each picture.

What is covered (kinds, cargo, scanners) follows from the index alone, so that the first n pictures are as
balanced as n allows; what is only varied is drawn from a stream of the picture's own.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from screening.errors import ConfigurationError

from .cargo import CARGO_KINDS
from .pictures import RadiographRecipe
from .scanner import SCANNER_KINDS

__all__ = ["RADIOGRAPH_PRESETS", "draw_radiograph_recipe"]

#: What a set can be made of.
RADIOGRAPH_PRESETS = {
    "mixed": "half ordinary loads, with empties, a dense block and a shielding pig among them",
    "loaded": "ordinary loads of every cargo",
    "empties": "empty containers",
    "dense": "a large steel block in light goods",
    "hidden": "containers declared empty with 0.5 to 50 kg hidden in them",
    "cargo": "every kind of cargo in turn, each past every kind of scanner",
    "families": "every kind of scanner in turn, all past the same mix of loads",
    "samples": "thumbnails of an empty, a load, a block and a pig, 20 ft, dual energy",
}

_KINDS = {
    "mixed": ("loaded", "empty", "loaded", "dense", "loaded", "empty", "shielded", "loaded"),
    "empties": ("empty",),
    "dense": ("dense",),
    "hidden": ("hidden",),
    "samples": ("empty", "loaded", "dense", "shielded"),
}


def draw_radiograph_recipe(preset: str, seed: int, index: int) -> RadiographRecipe:
    """Return the recipe of one picture of a set.

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
    scanners = list(SCANNER_KINDS)
    if kind == "loaded":
        fields["cargo"] = str(rng.choice(cargo))
    if kind == "hidden":
        fields["hidden_material"] = str(rng.choice(["organic", "steel", "lead"]))
        fields["hidden_mass_kg"] = round(float(np.exp(rng.uniform(np.log(0.5), np.log(50.0)))), 2)
        fields["declared_empty"] = True
    if preset == "cargo":
        turn, which = divmod(index, len(cargo))
        fields |= {"cargo": cargo[which], "scanner": scanners[(turn + which) % len(scanners)]}
    if preset == "families":
        turn, which = divmod(index, len(scanners))
        fields |= {"scanner": scanners[which], "cargo": cargo[turn % len(cargo)]}
    if preset == "samples":
        fields |= {"scale": 4.0, "scanner": "dual", "length": "20", "has_dropout": False}
        fields["cargo"] = "boxes" if kind == "loaded" else None
    return msgspec.convert(fields, RadiographRecipe)

"""Simulated pictures of the bench: what each is made from, and the scene behind it.

Pictures are thumbnails of about 20 mm a pixel, as the presets of the simulator make them: a pixel is larger
and as noisy as one of full size, so what noise hides is hidden more (by the scale of the thumbnail) than
on the scanner's own picture. Thousands of scenes fit into minutes that way.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np

from screening.records import Scan
from screening.simulation.radiographs import (
    Composition,
    RadiographRecipe,
    compose,
    simulate_pair,
    simulate_radiograph,
)
from screening.simulation.radiographs.cargo import CARGO_KINDS
from screening.simulation.radiographs.families import SCANNER_FAMILIES
from screening.simulation.radiographs.picture_mix import draw_radiograph_recipe
from screening.simulation.radiographs.threats import THREATS

__all__ = [
    "BUILT",
    "GEOMETRIES",
    "PITCH_M",
    "Picture",
    "cargo_family",
    "empty_recipe",
    "load_recipe",
    "stream",
    "take_picture",
    "take_triple",
    "threat_recipe",
    "thumbnail_scale",
]

#: Row pitch that thumbnails have on average, m.
PITCH_M = 0.020

#: Every scanner family as everything it is built as.
BUILT = tuple((family, kind) for family, ranges in SCANNER_FAMILIES.items() for kind in ranges.kinds)

#: Every so many scenes with a threat one is loaded with any kind of cargo; the rest are ordinary.
ANY_CARGO_EVERY = 4

#: Share of empties with dunnage, straps and sweepings of the last load.
RESIDUE_SHARE = 0.25

#: Families of geometry of empty containers: length, high cube, type. The last was in no training.
GEOMETRIES: dict[str, tuple[str, bool, str]] = {
    "20 standard": ("20", False, "standard"),
    "40 standard": ("40", False, "standard"),
    "40 high": ("40", True, "standard"),
    "45 high": ("45", True, "standard"),
    "2 x 20": ("2x20", False, "standard"),
    "20 reefer": ("20", False, "reefer"),
    "40 reefer high": ("40", True, "reefer"),
    "20 open top": ("20", False, "open-top"),
    "40 open top": ("40", False, "open-top"),
    "40 flat rack": ("40", False, "flat-rack"),
}

_CARRIERS = ("rail", "rail", "rail-well", "road", "road", "road-cab")


class Picture(NamedTuple):
    """A simulated picture.

    Attributes
    ----------
    scan : Scan
        As the scanner sends it.
    truth : dict
        As the simulator tells it.
    composition : Composition
        The scene behind it.
    """

    scan: Scan
    truth: dict[str, Any]
    composition: Composition


def stream(seed: int, *key: int) -> np.random.Generator:
    """Return the random numbers of one place in the bench.

    Parameters
    ----------
    seed : int
        Of the bench.
    *key : int
        Which section, split, sample.

    Returns
    -------
    numpy.random.Generator
        Independent of that of any other key.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, 0xEBA1, *key]))


def thumbnail_scale(family: str) -> float:
    """Return by how much the pixels of a family are enlarged.

    Parameters
    ----------
    family : str
        A key of ``SCANNER_FAMILIES``.

    Returns
    -------
    float
        Pixel size over that of its full picture.
    """
    return round(PITCH_M / float(np.mean(SCANNER_FAMILIES[family].pitch_m)), 2)


def cargo_family(cargo: str) -> str:
    """Return the family a kind of cargo belongs to.

    Parameters
    ----------
    cargo : str
        A key of ``CARGO_KINDS``.

    Returns
    -------
    str
        "bulk", "cartons", "rounds" and so on: as the simulator groups how they are loaded.
    """
    return CARGO_KINDS[cargo].fill.__module__.rpartition(".")[2].replace("_", " ")


def threat_recipe(seed: int, split: int, index: int) -> RadiographRecipe:
    """Draw a scene with a threat: the simulator's preset "threats", threats in turn.

    Parameters
    ----------
    seed, split, index : int
        Of the bench; which split; which scene.

    Returns
    -------
    RadiographRecipe
        Every fourth scene carries any of all kinds of cargo in turn, the others ordinary loads.
    """
    set_seed = int(stream(seed, 1, split).integers(0, 2**31))
    recipe = draw_radiograph_recipe("threats", set_seed, index)
    turn, rest = divmod(index, ANY_CARGO_EVERY)
    fields: dict[str, Any] = {"scale": thumbnail_scale(str(recipe.family)), "has_dropout": False}
    if rest == ANY_CARGO_EVERY - 1:
        kinds = sorted(name for name, kind in CARGO_KINDS.items() if kind.container != "tank")
        fields["cargo"] = kinds[turn % len(kinds)]
    # every threat meets every place in the cycle of four: four divides twenty
    shifted = (index + index // len(THREATS)) % len(THREATS)
    fields["threats"] = (list(THREATS)[shifted],)
    return msgspec.structs.replace(recipe, **fields)


def load_recipe(seed: int, key: int, index: int, *, scale: float | None = None) -> RadiographRecipe:
    """Draw a loaded container: every kind of cargo in turn past every scanner in turn.

    Parameters
    ----------
    seed, key, index : int
        Of the bench; which section; which picture.
    scale : float, optional
        Pixel size over that of a full picture; a thumbnail's when omitted.

    Returns
    -------
    RadiographRecipe
        The load.
    """
    rng = stream(seed, key, index)
    kinds = sorted(CARGO_KINDS)
    turn, which = divmod(index, len(kinds))
    family, scanner = BUILT[(5 * turn + which) % len(BUILT)]
    return RadiographRecipe(
        kind="loaded",
        cargo=kinds[which],
        family=family,
        scanner=scanner,
        length=str(rng.choice(["20", "40", "40", "45"])),  # type: ignore[arg-type]
        is_high_cube=bool(rng.random() < 0.5),
        carrier=str(rng.choice(_CARRIERS)),
        scale=thumbnail_scale(family) if scale is None else scale,
        seed=int(rng.integers(0, 2**31)),
    )


def empty_recipe(
    seed: int, key: int, index: int, *, geometry: str | None = None, scale: float | None = None
) -> tuple[str, RadiographRecipe]:
    """Draw an empty container: every geometry in turn past every scanner in turn.

    Parameters
    ----------
    seed, key, index : int
        Of the bench; which split; which container.
    geometry : str, optional
        A key of :data:`GEOMETRIES` instead of the one whose turn it is.
    scale : float, optional
        Pixel size over that of a full picture; a thumbnail's when omitted.

    Returns
    -------
    geometry : str
        Its family of geometry.
    recipe : RadiographRecipe
        The container.
    """
    rng = stream(seed, key, index)
    turn, which = divmod(index, len(GEOMETRIES))
    name = geometry or list(GEOMETRIES)[which]
    length, is_high, container = GEOMETRIES[name]
    family, scanner = BUILT[(7 * turn + which) % len(BUILT)]
    recipe = RadiographRecipe(
        kind="empty",
        family=family,
        scanner=scanner,
        length=length,  # type: ignore[arg-type]
        is_high_cube=is_high,
        container=container,
        carrier=str(rng.choice(_CARRIERS)),
        has_residue=bool(rng.random() < RESIDUE_SHARE),
        declared_empty=True,
        scale=thumbnail_scale(family) if scale is None else scale,
        seed=int(rng.integers(0, 2**31)),
    )
    return name, recipe


def take_picture(recipe: RadiographRecipe) -> Picture:
    """Simulate a picture and keep its scene.

    Parameters
    ----------
    recipe : RadiographRecipe
        What to simulate, with its seed.

    Returns
    -------
    Picture
        The scan is that of ``simulate_radiograph``.
    """
    scan, truth = simulate_radiograph(recipe)
    return Picture(scan, truth, _scene(recipe, "with"))


def take_triple(recipe: RadiographRecipe) -> tuple[Picture, Picture, tuple[Scan, dict[str, Any]]]:
    """Simulate a scene with its threat, without it, and with an innocent object in its place.

    Parameters
    ----------
    recipe : RadiographRecipe
        What to simulate, with a threat and its seed.

    Returns
    -------
    positive, negative : Picture
        With their scenes.
    lookalike : tuple of Scan and dict
        The scan and its truth.
    """
    made = simulate_pair(recipe)
    positive = Picture(*made.positive, _scene(recipe, "with"))
    negative = Picture(*made.negative, _scene(recipe, "without"))
    return positive, negative, made.lookalike


def _scene(recipe: RadiographRecipe, variant: Any) -> Composition:
    """Put the scene of a simulated picture together again (the first of its three streams; tested)."""
    first = np.random.SeedSequence([recipe.seed, 0x5EED]).spawn(3)[0]
    return compose(recipe, np.random.default_rng(first), variant=variant)

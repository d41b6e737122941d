"""Scenes that the loaded-or-empty model learns from and is measured on, as hull maps.

Pictures are simulated at a quarter of the size, with noise between that of the mean of so many pixels
and that of one: the network reads a map of 64 x 256 cells, so that nothing is lost, and thousands of
scenes fit into minutes. Splits never share a seed; one family of scanners and one type of container
are kept for the test.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.radiography.empty import hull_map
from screening.radiography.planes import correct_plane, most_penetrating
from screening.radiography.see import plane_density, plane_maps
from screening.records import ContainerBox, LineCalibration, Radiograph
from screening.simulation.radiographs import RadiographRecipe, compose, container_boxes, simulate_radiograph
from screening.simulation.radiographs.cargo import CARGO_KINDS
from screening.simulation.radiographs.exposure import expose
from screening.simulation.radiographs.families import SCANNER_FAMILIES

__all__ = [
    "SEEN_FAMILIES",
    "TEST",
    "TRAIN",
    "UNSEEN_CONTAINER",
    "UNSEEN_FAMILY",
    "VALIDATION",
    "Labelled",
    "Plan",
    "draw_maps",
    "draw_recipe",
    "draw_set",
    "full_size_maps",
]

#: What a container can stand on: carriers show behind and beside it.
_CARRIERS = ("rail", "rail", "rail-well", "road", "road", "road-cab")

#: Share of containers with dunnage, straps and sweepings of the last load, up to a few kilograms.
_RESIDUE_SHARE = 0.25


#: Undersides that are found too high or too low where they do not stand out, and by how much, in rows of
#: a thumbnail.
UNDERSIDE_SHARE = 0.3
UNDERSIDE_ROWS = (-3, 6)


#: Parts of a row and of a line whose transmissions are averaged: floors and rails lie along the rows.
PARTS = (2, 1)


class Labelled(NamedTuple):
    """Maps with their truth.

    Attributes
    ----------
    maps : ndarray of shape (n, 3, 64, 256), float32
        Hull maps.
    is_loaded : ndarray of shape (n,), bool
        Truth.
    recipes : tuple of RadiographRecipe
        What each is from.
    """

    maps: NDArray[np.float32]
    is_loaded: NDArray[np.bool_]
    recipes: tuple[RadiographRecipe, ...]


class Plan(NamedTuple):
    """Settings of one split: never the same seeds, and more variety in the test.

    Attributes
    ----------
    stream : int
        Stream of its seeds.
    families : tuple of str
        Families of scanners, each as likely.
    containers : tuple of str
        Types of container, by how often they are named.
    scales : tuple of float
        Pixel sizes over that of a full picture.
    """

    stream: int
    families: tuple[str, ...]
    containers: tuple[str, ...]
    scales: tuple[float, ...]


#: The portal's fine pixels and low source, and flat racks, are kept for the test.
UNSEEN_FAMILY, UNSEEN_CONTAINER = "portal", "flat-rack"

SEEN_FAMILIES = tuple(name for name in SCANNER_FAMILIES if name != UNSEEN_FAMILY)
_SEEN_CONTAINERS = (*("standard",) * 6, *("reefer",) * 2, *("open-top",) * 2)
TRAIN = Plan(1, SEEN_FAMILIES, _SEEN_CONTAINERS, (3.5, 4.0, 4.5))
VALIDATION = Plan(2, SEEN_FAMILIES, _SEEN_CONTAINERS, (3.5, 4.0, 4.5))
TEST = Plan(
    3,
    (*SEEN_FAMILIES, UNSEEN_FAMILY),
    (*_SEEN_CONTAINERS, UNSEEN_CONTAINER, UNSEEN_CONTAINER),
    (3.0, 3.7, 5.0),
)


def draw_maps(recipe: RadiographRecipe, rng: np.random.Generator) -> list[NDArray[np.float32]]:
    """Simulate one picture and return the map of each container in it.

    Parameters
    ----------
    recipe : RadiographRecipe
        What to simulate; only its most penetrating energy is exposed.
    rng : numpy.random.Generator
        Scene, scanner and noise.

    Returns
    -------
    list of ndarray of shape (3, 64, 256), float32
        From left to right.
    """
    composition = compose(recipe, rng)
    # the mean over scale^2 pixels keeps its level and loses noise; lines average along the motion. Between
    # that and no averaging at all lie scanners of every pixel size
    scale = recipe.scale ** rng.choice([1.0, 1.0, 0.5, 0.0])
    scanner = composition.scanner._replace(
        energies=composition.scanner.energies[:1],
        gain=composition.scanner.gain / scale**2,
        electronic_sigma=composition.scanner.electronic_sigma / scale,
        line_sigma=composition.scanner.line_sigma / scale**0.5,
    )
    counts = expose(composition.scene, scanner, rng, parts=PARTS)
    radiograph = Radiograph(
        raw=counts.raw,
        energies=scanner.energies,
        calibration=LineCalibration(
            dark=counts.dark,
            air=counts.air,
            electronic_sigma=scanner.electronic_sigma,
            gain=scanner.gain,
            scatter_floor=scanner.scatter_floor * rng.uniform(0.9, 1.3),
        ),
        reference=counts.reference,
        is_dark_subtracted=scanner.is_dark_subtracted,
    )
    plane = correct_plane(radiograph, 0)
    density, variance = plane_density(plane)
    if density is None:
        raise ValueError(f"no steel curve for {plane.label!r}")
    # the model is told the noise of a full-size pixel, as the analysis will
    variance = variance * np.float32(scale**2)
    n_row, n_column = plane.neg_log.shape
    is_live = _with_gaps(plane.is_live, rng)
    maps = []
    for box in container_boxes(composition):
        # the analysis finds hulls to a pixel or two, but the underside against a carrier less surely
        jitter = rng.integers(-1, 2, 4)
        if rng.random() < UNDERSIDE_SHARE:
            jitter[2] = rng.integers(UNDERSIDE_ROWS[0], UNDERSIDE_ROWS[1] + 1)
        hull = ContainerBox(
            row0=int(np.clip(box["row0"] + jitter[0], 0, n_row - 8)),
            col0=int(np.clip(box["col0"] + jitter[1], 0, n_column - 8)),
            row1=int(np.clip(box["row1"] + jitter[2], 8, n_row)),
            col1=int(np.clip(box["col1"] + jitter[3], 8, n_column)),
            complete=bool(box["complete"]),
        )
        one = hull_map(density, variance, is_live, hull)
        one[1] /= np.float32(scale)
        maps.append(one)
    return maps


def _with_gaps(is_live: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Lose a few lines and pixels of some pictures: a gap must not read as a load."""
    live = is_live.copy()
    if rng.random() < 0.3:
        for _ in range(int(rng.integers(1, 5))):
            start = int(rng.integers(0, live.shape[1]))
            live[:, start : start + int(rng.integers(1, 4))] = False
    if rng.random() < 0.2:
        row, column = (int(rng.integers(0, size)) for size in live.shape)
        live[row : row + 4, column : column + 3] = False
    return live


def draw_set(plan: Plan, seed: int, n_empty: int, n_loaded: int, *, hidden_share: float) -> Labelled:
    """Simulate a set.

    Parameters
    ----------
    plan : Plan
        What it is drawn from.
    seed : int
        Seed of everything random; a smaller set of the same seed is the beginning of a larger one.
    n_empty, n_loaded : int
        Containers at least.
    hidden_share : float
        Share of the loads that are small ones hidden in an empty container.

    Returns
    -------
    Labelled
        Empties, then loads.
    """
    maps: list[NDArray[np.float32]] = []
    labels: list[bool] = []
    recipes: list[RadiographRecipe] = []
    for is_loaded, wanted in ((False, n_empty), (True, n_loaded)):
        index, before = 0, len(labels)
        while len(labels) - before < wanted:
            rng = np.random.default_rng(np.random.SeedSequence([seed, plan.stream, int(is_loaded), index]))
            index += 1
            is_hidden = is_loaded and rng.random() < hidden_share
            recipe = draw_recipe(plan, rng, is_loaded=is_loaded, is_hidden=is_hidden)
            found = draw_maps(recipe, rng)
            maps += found
            labels += [is_loaded] * len(found)
            recipes += [recipe] * len(found)
    return Labelled(np.stack(maps), np.array(labels), tuple(recipes))


def draw_recipe(
    plan: Plan, rng: np.random.Generator, *, is_loaded: bool, is_hidden: bool, **fixed: Any
) -> RadiographRecipe:
    """Draw what one picture is simulated from.

    Parameters
    ----------
    plan : Plan
        What it is drawn from.
    rng : numpy.random.Generator
        The draw.
    is_loaded, is_hidden : bool
        An ordinary load, or a small one hidden in an empty container.
    **fixed
        Fields of the recipe that are not drawn.

    Returns
    -------
    RadiographRecipe
        The recipe.
    """
    family = str(rng.choice(plan.families))
    # a hidden load is in the first container of a picture alone
    lengths = ("20", "40", "45") if is_hidden else ("20", "40", "45", "2x20")
    fields: dict[str, Any] = {
        "kind": "hidden" if is_hidden else "loaded" if is_loaded else "empty",
        "family": family,
        "scanner": str(rng.choice(SCANNER_FAMILIES[family].kinds)),
        "length": str(rng.choice(lengths)),
        "is_high_cube": bool(rng.random() < 0.5),
        "carrier": str(rng.choice(_CARRIERS)),
        "scale": float(rng.choice(plan.scales)),
        "has_residue": bool(rng.random() < _RESIDUE_SHARE),
        "has_defects": False,
    }
    container = str(rng.choice(plan.containers))
    if is_loaded and not is_hidden:
        cargo = str(rng.choice(sorted(CARGO_KINDS)))
        fields["cargo"] = cargo
        # goods that need a container of their own keep it
        container = container if CARGO_KINDS[cargo].container == "standard" else CARGO_KINDS[cargo].container
    fields["container"] = container
    if is_hidden:
        fields["hidden_material"] = str(rng.choice(["organic", "steel", "lead"]))
        fields["hidden_mass_kg"] = float(np.exp(rng.uniform(np.log(3.0), np.log(80.0))))
    return RadiographRecipe(**{**fields, **fixed})


def full_size_maps(plan: Plan, seed: int, index: int, *, is_loaded: bool) -> list[NDArray[np.float32]]:
    """Return the maps of a full-size picture as the analysis makes them, hulls found and not given.

    Parameters
    ----------
    plan : Plan
        What it is drawn from.
    seed, index : int
        Seed of the set, and which picture of it.
    is_loaded : bool
        Whether it carries an ordinary load.

    Returns
    -------
    list of ndarray of shape (3, 64, 256), float32
        From left to right; empty if no container was found.

    Raises
    ------
    TypeError
        If the simulator gave no radiograph.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, plan.stream, int(is_loaded), index]))
    recipe = draw_recipe(plan, rng, is_loaded=is_loaded, is_hidden=False, scale=1.0, has_defects=True)
    scan, _ = simulate_radiograph(recipe, int(rng.integers(0, 2**31)))
    radiograph = scan.payload
    if not isinstance(radiograph, Radiograph):
        raise TypeError(f"expected a Radiograph, got {type(radiograph).__name__}")
    plane = correct_plane(radiograph, most_penetrating(radiograph.energies))
    return list(plane_maps(plane, radiograph.pitch_mm)[1])

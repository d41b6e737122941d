"""Scenes put together from recipes: containers on their carrier, goods in them, objects among the goods."""

from __future__ import annotations

import copy
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .cargo import CARGO_KINDS, add_cargo, payload_kg
from .carriers import add_carrier, carrier_reach_m, draw_base_height_m
from .containers import CONTAINER_LENGTHS_M, WIDTH_M, Container, add_container
from .geometry import FanGeometry, Region
from .hidden import add_hidden, add_object
from .hold import Hold
from .lookalikes import LOOKALIKES
from .placing import place_assembly
from .recipes import ORDINARY_CARGO, RadiographRecipe
from .scanner import Scanner, draw_line_positions, draw_scanner
from .scene import Scene, SceneObject
from .stashes import STASHES, add_stash
from .threats import THREATS, draw_lookalike, draw_threat

__all__ = ["Composition", "Matched", "compose", "compose_pair", "container_boxes"]

#: Detector rows of a picture are kept within these, whatever the recipe asks for.
ROW_LIMITS = (40, 1700)

#: Rows of the usual detector, full size, and how far (in the logarithm) a pitch may be from its own for
#: the picture to have that many.
N_ROW, SAME_DETECTOR = 680, 0.16

Variant = Literal["with", "without", "lookalike"]


class Composition(NamedTuple):
    """A scene put together, before any exposure.

    Attributes
    ----------
    scene : Scene
        Areal densities.
    scanner : Scanner
        The instrument that will look at it.
    containers : tuple of Container
        What stands where; neighbours after the vehicle's own.
    cargo_areal_density : ndarray of shape (n_row, n_column), float32
        g/cm2 of the load alone, objects in it included.
    regions : tuple of (str, Region)
        Objects with their kind: those of the recipe's kind, then threats and look-alikes.
    objects : tuple of SceneObject
        The same, with what each one's areal density is.
    cargo : tuple of str
        What was loaded into each container; "" for nothing.
    carrier : str
        What it stands on.
    cargo_mass_kg : float
        Mass of all goods, objects apart.
    """

    scene: Scene
    scanner: Scanner
    containers: tuple[Container, ...]
    cargo_areal_density: NDArray[np.float32]
    regions: tuple[tuple[str, Region], ...]
    objects: tuple[SceneObject, ...] = ()
    cargo: tuple[str, ...] = ()
    carrier: str = "none"
    cargo_mass_kg: float = 0.0


class Matched(NamedTuple):
    """One scene three times: so that a model learns the object, not the scene.

    Attributes
    ----------
    positive : Composition
        With the recipe's threats.
    negative : Composition
        The same without them.
    lookalike : Composition
        The same with an innocent object of the same family in the place of each.
    """

    positive: Composition
    negative: Composition
    lookalike: Composition


def compose(recipe: RadiographRecipe, rng: np.random.Generator, *, variant: Variant = "with") -> Composition:
    """Put the scene of a recipe together.

    Parameters
    ----------
    recipe : RadiographRecipe
        What to simulate.
    rng : numpy.random.Generator
        Everything random of the scene and of the scanner instance.
    variant : {"with", "without", "lookalike"}
        With the recipe's threats, without them, or with look-alikes; all else is the same.

    Returns
    -------
    Composition
        The scene and its scanner.

    Raises
    ------
    ValueError
        If an object does not fit into what the picture shows of its container, or `variant` is none of
        these.
    """
    if variant not in ("with", "without", "lookalike"):
        raise ValueError(f"variant must be with, without or lookalike, got {variant!r}")
    # threats draw from a stream of their own, so that all else is the same without them
    threat_seed = int(rng.integers(0, 2**63))
    carrier = recipe.carrier or ("rail" if rng.random() < 0.5 else "road")
    cargo = _draw_cargo(recipe, rng, 1 + (recipe.length == "2x20") + (carrier == "double-stack"))
    containers = _draw_containers(recipe, carrier, cargo, rng)
    own = len(containers)
    containers += _draw_neighbours(recipe, containers, rng)
    scanner, geometry = _draw_geometry(recipe, carrier, tuple(containers[:own]), rng)
    scene = Scene(geometry)
    for c in containers:
        add_container(scene, c, rng, has_residue=recipe.has_residue)
    add_carrier(scene, carrier, tuple(containers[:own]), rng)
    structure = dict(scene.areal_density)
    before = scene.total()
    mass = 0.0
    loaded: list[str] = []
    for k, c in enumerate(containers):
        kind = _load_of(recipe, cargo, k, own, c, rng)
        loaded.append(kind)
        if kind:
            limit = payload_kg(c.hold) if k < own else None
            mass += add_cargo(scene, kind, c.hold, rng, max_mass_kg=limit)
    _add_kind_object(scene, recipe, containers[0], rng)
    if recipe.threats and variant != "without":
        goods = {
            name: plane - structure[name] if name in structure else plane
            for name, plane in scene.areal_density.items()
        }
        _add_threats(scene, recipe, containers[0], goods, threat_seed, variant)
    regions = tuple((one.label, one.region) for one in scene.objects if one.region is not None)
    return Composition(
        scene,
        scanner,
        tuple(containers),
        scene.total() - before,
        regions,
        tuple(one for one in scene.objects if one.region is not None),
        tuple(loaded),
        carrier,
        mass,
    )


def compose_pair(recipe: RadiographRecipe, seed: int) -> Matched:
    """Put a scene together with its threats, without them, and with look-alikes.

    Parameters
    ----------
    recipe : RadiographRecipe
        What to simulate; its `threats` must not be empty.
    seed : int
        Seed of the scenes, the same for all three.

    Returns
    -------
    Matched
        Geometry, scanner, containers and goods are the same in each.

    Raises
    ------
    ValueError
        If the recipe holds no threats.
    """
    if not recipe.threats:
        raise ValueError(f"a matched scene needs threats in its recipe, got {recipe.threats!r}")
    variants: tuple[Variant, ...] = ("with", "without", "lookalike")
    made = [compose(recipe, np.random.default_rng(seed), variant=variant) for variant in variants]
    return Matched(made[0], made[1], made[2])


def container_boxes(composition: Composition) -> list[dict[str, Any]]:
    """Return the true outer hull of every container, in pixels, from left to right.

    Parameters
    ----------
    composition : Composition
        The scene.

    Returns
    -------
    list of dict
        ``row0``, ``col0``, ``row1``, ``col1`` (half-open) and ``complete``.
    """
    geometry = composition.scene.geometry
    n_row, n_column = geometry.shape
    side = WIDTH_M / 2
    boxes = []
    for c in composition.containers:
        rows = [geometry.row_of(z, x) for z in (c.base_z_m, c.base_z_m + c.height_m) for x in (-side, side)]
        # a skewed fan sees the near and the far end apart: the hull is what holds both
        ends = [geometry.column_of(y, x) for y in (c.y0_m, c.y1_m) for x in (-side, side)]
        col0, col1 = min(ends), max(ends)
        box = {
            "row0": max(round(min(rows)), 0),
            "col0": max(round(col0), 0),
            "row1": min(round(max(rows)), n_row),
            "col1": min(round(col1), n_column),
            "complete": bool(col0 >= 0 and col1 <= n_column),
        }
        if box["col0"] < box["col1"] and box["row0"] < box["row1"]:
            boxes.append(box)
    return sorted(boxes, key=lambda one: (one["col0"], one["row0"]))


def _draw_cargo(recipe: RadiographRecipe, rng: np.random.Generator, n: int) -> list[str]:
    """Draw the cargo of each container; beside an object it stays light, so that it is what shows."""
    choices = ORDINARY_CARGO if recipe.kind == "loaded" else ("textiles", "boxes")
    drawn = [str(rng.choice(choices)) for _ in range(n)]
    if recipe.cargoes:
        return [recipe.cargoes[k % len(recipe.cargoes)] for k in range(n)]
    return [recipe.cargo] * n if recipe.cargo else drawn


def _load_of(
    recipe: RadiographRecipe, cargo: list[str], k: int, own: int, c: Container, rng: np.random.Generator
) -> str:
    """Return what goes into a container; "" for nothing."""
    if c.kind == "tank":
        return ""
    if k >= own:
        # what the next wagon carries says nothing of this one
        return "" if rng.random() < 0.25 else str(rng.choice(ORDINARY_CARGO))
    return "" if recipe.kind in ("empty", "hidden") else cargo[k]


def _draw_containers(
    recipe: RadiographRecipe, carrier: str, cargo: list[str], rng: np.random.Generator
) -> list[Container]:
    base = draw_base_height_m(carrier, rng)
    kinds = [
        recipe.container
        or (CARGO_KINDS[name].container if recipe.kind not in ("empty", "hidden") else "standard")
        for name in cargo
    ]
    lengths = ["20", "20"] if recipe.length == "2x20" else [recipe.length]
    containers = []
    y = 0.0
    for k, length in enumerate(lengths):
        one = _draw_container(
            recipe, y, CONTAINER_LENGTHS_M[length], base, kinds[min(k, len(kinds) - 1)], rng
        )
        if len(lengths) == 2:
            one = one._replace(doors_at=-1 if k == 0 else 1)
        containers.append(one)
        y = one.y1_m + rng.uniform(0.1, 0.5)
    if carrier == "double-stack":
        below = containers[0].height_m
        upper = CONTAINER_LENGTHS_M["40" if recipe.length == "2x20" else recipe.length]
        span = containers[-1].y1_m - containers[0].y0_m
        start = (span - upper) / 2.0 if recipe.length == "2x20" else 0.0
        containers.append(_draw_container(recipe, start, upper, base + below + 0.02, kinds[-1], rng))
    return containers


def _draw_container(
    recipe: RadiographRecipe, y0: float, length: float, base: float, kind: str, rng: np.random.Generator
) -> Container:
    return Container(
        y0_m=y0,
        length_m=length,
        height_m=2.896 if recipe.is_high_cube else 2.591,
        base_z_m=base,
        wall_mm=rng.uniform(1.6, 2.0),
        corrugation_m=rng.uniform(0.27, 0.286),
        kind=kind,
        doors_at=1,
    )


def _draw_neighbours(
    recipe: RadiographRecipe, containers: list[Container], rng: np.random.Generator
) -> list[Container]:
    """Return boxes of the next wagons, whose near ends reach into the picture."""
    found = []
    first, last = containers[0].y0_m, max(c.y1_m for c in containers)
    length = CONTAINER_LENGTHS_M["40"]
    before, after = rng.uniform(1.4, 2.0), rng.uniform(1.4, 2.0)
    if recipe.neighbours in ("before", "both"):
        found.append(
            _draw_container(recipe, first - before - length, length, containers[0].base_z_m, "standard", rng)
        )
    if recipe.neighbours in ("after", "both"):
        found.append(_draw_container(recipe, last + after, length, containers[0].base_z_m, "standard", rng))
    return found


def _draw_geometry(
    recipe: RadiographRecipe, carrier: str, containers: tuple[Container, ...], rng: np.random.Generator
) -> tuple[Scanner, FanGeometry]:
    """Draw the scanner, and lay its picture around the vehicle."""
    # rows are as many as the instance's pitch needs, and faults are drawn by row: look ahead at the pitch
    ahead = draw_scanner(
        recipe.scanner, copy.deepcopy(rng), n_row=N_ROW, family=recipe.family, has_defects=recipe.has_defects
    )
    top = max(c.base_z_m + c.height_m for c in containers)
    reach = carrier_reach_m(carrier)
    if carrier == "road-cab":
        top = max(top, 4.0)
    distance, source = ahead.source_distance_m, ahead.source_height_m
    margin, depth = 0.2, 0.2
    span = (top - source) * distance / (distance - WIDTH_M / 2) + source + margin + depth
    n_row = int(np.clip(round(span / (ahead.pitch_m[0] * recipe.scale)), *ROW_LIMITS))
    usual = round(N_ROW / recipe.scale)
    if abs(np.log(n_row / usual)) < SAME_DETECTOR:
        # the same detector, a little nearer or further away
        n_row = max(usual, ROW_LIMITS[0])
    scanner = draw_scanner(
        recipe.scanner, rng, n_row=n_row, family=recipe.family, has_defects=recipe.has_defects
    )
    # the picture was laid out for the instance looked ahead at, and rows are drawn before its place is
    scanner = scanner._replace(source_distance_m=distance, source_height_m=source)
    if recipe.has_dropout:
        scanner = scanner._replace(dropout_row=int(rng.integers(n_row // 4, n_row // 2)))
    if recipe.mirrored is not None:
        scanner = scanner._replace(is_mirrored=recipe.mirrored)
    if recipe.skew is not None or recipe.family is None:
        scanner = scanner._replace(skew=recipe.skew or 0.0)
    highest = source + (top - source) * distance / (distance - WIDTH_M / 2) + rng.uniform(0.12, 0.3)
    pitch_row = (highest + rng.uniform(0.12, 0.3)) / n_row
    pitch_column = scanner.pitch_m[1] * recipe.scale * rng.uniform(0.97, 1.03)
    y0, y1 = containers[0].y0_m - reach[0], max(c.y1_m for c in containers) + reach[1]
    has_near = {"none": (0.0, 0.0), "before": (1.0, 0.0), "after": (0.0, 1.0), "both": (1.0, 1.0)}
    more = has_near[recipe.neighbours]
    y0 += (
        rng.uniform(0.5, 1.2) if recipe.cut in ("start", "both") else -rng.uniform(0.75, 1.0) - 1.9 * more[0]
    )
    y1 += -rng.uniform(0.5, 1.2) if recipe.cut in ("end", "both") else rng.uniform(0.75, 1.0) + 1.9 * more[1]
    aside = abs(scanner.skew) * WIDTH_M / 2
    y0 -= 0.0 if recipe.cut in ("start", "both") else aside
    y1 += 0.0 if recipe.cut in ("end", "both") else aside
    n_column = max(int((y1 - y0) / pitch_column), 8)
    geometry = FanGeometry(
        source_distance_m=distance,
        source_height_m=source,
        row_z_m=highest - (np.arange(n_row, dtype=np.float64) + 0.5) * pitch_row,
        column_y_m=draw_line_positions(scanner, n_column, y0, pitch_column, rng),
        pitch_m=(pitch_row, pitch_column),
        skew=scanner.skew,
    )
    return scanner, geometry


def _add_kind_object(scene: Scene, recipe: RadiographRecipe, c: Container, rng: np.random.Generator) -> None:
    """Add what the recipe's kind is named for."""
    hold = _shown(scene, c.hold)
    if recipe.kind == "hidden":
        with scene.labelled("hidden", "threat"):
            add_hidden(scene, recipe.hidden_material, recipe.hidden_mass_kg, hold, rng)
    elif recipe.kind in ("dense", "shielded"):
        with scene.labelled(recipe.kind, "threat"):
            add_object(scene, recipe.kind, hold, rng)


def _shown(scene: Scene, hold: Hold) -> Hold:
    """Return the part of a hold that is in the picture, whatever the depth."""
    lines = scene.geometry.column_y_m
    aside = abs(scene.geometry.skew) * hold.half_width_m
    return hold._replace(
        y0_m=max(hold.y0_m, float(lines.min()) + aside), y1_m=min(hold.y1_m, float(lines.max()) - aside)
    )


def _add_threats(
    scene: Scene,
    recipe: RadiographRecipe,
    c: Container,
    goods: dict[str, NDArray[np.float32]],
    seed: int,
    variant: Variant,
) -> None:
    hold = _shown(scene, c.hold)
    for index, name in enumerate(recipe.threats):
        streams = np.random.SeedSequence([seed, index]).spawn(2)
        build, place = (np.random.default_rng(stream) for stream in streams)
        if name in STASHES:
            # nothing innocent looks like a second wall: the look-alike is a box that has none
            if variant == "with" and add_stash(scene, name, c.hold, build).region is None:
                raise ValueError(f"{name} lies in the end that the picture cuts off: {recipe.cut!r}")
            continue
        one = draw_threat(name, build) if variant == "with" else draw_lookalike(name, build)
        known = THREATS.get(one.label) or LOOKALIKES[one.label]
        place_assembly(scene, one, hold, place, goods, stands=known.stands, occlusion=recipe.occlusion)

"""Sets of simulated radiographs on disk: archives, a truth file each, and one table of labels."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from screening.records import Radiograph, Scan, file_scan_id, sha256_hex
from screening.simulation import sets

from .injection import Injected, InjectionPair, draw_injections
from .picture_mix import (
    MATCHED,
    RADIOGRAPH_PRESETS,
    VARIANTS,
    MatchedRecipe,
    draw_picture,
    draw_radiograph_recipe,
)
from .pictures import MatchedScans, simulate_pair, simulate_radiograph
from .recipes import RadiographRecipe
from .scene import Region

__all__ = ["RADIOGRAPH_PRESETS", "draw_radiograph_recipe", "write_set"]

#: Columns of labels.csv: those of the evaluation (docs/evaluate.md) first, then what else is known.
LABEL_COLUMNS = (
    "path",
    "index",
    "modality",
    "is_empty",
    "has_dense",
    "is_shielded",
    "has_threat",
    "level",
    "split",
    "parent",
    "group",
    "scan_id",
    "kind",
    "cargo",
    "threat",
    "variant",
    "declared_empty",
    "lost_lines",
    "n_containers",
    "cargo_mass_kg",
    "seed",
)

#: Cargo that is neither opaque nor holds compact dense bodies: only of these is that said.
PLAIN_CARGO = ("boxes", "textiles")


def write_set(
    out_dir: Path,
    preset: str,
    n: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
    *,
    has_maps: bool = False,
    workers: int = 1,
) -> Path:
    """Simulate a set of radiographs and write it; see :func:`screening.simulation.sets.write_set`.

    Parameters
    ----------
    out_dir : Path
        Folder, made if needed. Receives ``scan-<index>.h5``, ``scan-<index>.json`` (recipe and truth)
        and ``labels.csv``.
    preset : str
        A key of :data:`RADIOGRAPH_PRESETS`.
    n : int
        How many pictures.
    seed : int
        Seed of the set.
    progress : callable, optional
        Called with (done, of) after each picture.
    has_maps : bool, default False
        Also write ``scan-<index>.npz`` with the truth by pixel.
    workers : int
        Processes; the bytes do not depend on it.

    Returns
    -------
    Path
        The labels file.

    Raises
    ------
    ConfigurationError
        If the preset is unknown, `n` is not positive, or the folder holds another set.
    StoreError
        If the disk refuses.
    """
    return sets.write_set(
        "radiographs", out_dir, preset, n, seed, workers=workers, has_maps=has_maps, progress=progress
    )


def _make(recipe: RadiographRecipe | MatchedRecipe) -> sets.MadeScan:
    if isinstance(recipe, RadiographRecipe):
        scan, truth = simulate_radiograph(recipe)
    elif recipe.injected is None:
        scan, truth = _scene(recipe.recipe)[VARIANTS.index(recipe.variant)]
    else:
        scan, truth = _with_injection(recipe)
    truth = dict(truth)
    maps = {name: truth.pop(name) for name, value in list(truth.items()) if isinstance(value, np.ndarray)}
    manifest = scan.identity.manifest
    truth["declared_empty"] = None if manifest is None else manifest.is_declared_empty
    return sets.MadeScan(scan, truth, {name: _compact(plane) for name, plane in maps.items()})


# the three pictures of a scene are made together, and mostly written one after the other
@lru_cache(maxsize=1)
def _scene(recipe: RadiographRecipe) -> MatchedScans:
    return simulate_pair(recipe)


@lru_cache(maxsize=1)
def _injected_scene(recipe: RadiographRecipe, threat: str) -> tuple[Scan, dict[str, Any], InjectionPair]:
    scan, truth = simulate_radiograph(recipe)
    if not isinstance(scan.payload, Radiograph):
        raise TypeError(f"a radiograph was expected, got {scan.modality}")
    box = truth["boxes"][0]
    hold = Region(box["row0"], box["col0"], box["row1"], box["col1"])
    rng = np.random.default_rng(np.random.SeedSequence([recipe.seed, 0x71F]))
    (pair,) = draw_injections(scan.payload, rng, 1, box=hold, threats=[threat])
    return scan, truth, pair


def _with_injection(recipe: MatchedRecipe) -> tuple[Scan, dict[str, Any]]:
    scan, truth, pair = _injected_scene(recipe.recipe, recipe.injected or "")
    found: Injected | None = {"with": pair.positive, "lookalike": pair.lookalike}.get(recipe.variant)
    salted = sha256_hex(f"{scan.identity.scan_id} {recipe.injected} {recipe.variant}".encode())
    identity = msgspec.structs.replace(scan.identity, scan_id=file_scan_id(salted, 0))
    payload = pair.negative if found is None else found.radiograph
    truth = {**truth, "injected": None if found is None else found.truth}
    if found is not None:
        window = Region(*(found.truth[name] for name in Region._fields))
        rows, columns = slice(window.row0, window.row1), slice(window.col0, window.col1)
        mask = np.zeros(payload.raw.shape[:2], dtype=bool)
        density = np.zeros(mask.shape, dtype=np.float32)
        mask[rows, columns] = found.mask
        density[rows, columns] = found.areal_density
        truth |= {"injected_mask": mask, "injected_areal_density_g_cm2": density}
    return msgspec.structs.replace(scan, identity=identity, payload=payload), truth


def _compact(plane: Any) -> Any:
    """Return areal densities in half precision: 0.05 % of their value is far below what is seen."""
    return plane.astype(np.float16) if plane.dtype.kind == "f" else plane


def _label(row: dict[str, Any]) -> dict[str, Any]:
    """Return one row of labels; an empty cell means that the truth does not say."""
    kind, drawn = row["kind"], row["recipe"]
    recipe, variant = drawn.get("recipe", drawn), drawn.get("variant", "")
    threat = drawn.get("injected") or ";".join(recipe["threats"])
    has_threat = (variant == "with") if variant else bool(threat)
    is_plain = (kind == "empty" or recipe["cargo"] in PLAIN_CARGO) and not threat
    is_healthy = not row["lost_columns"] and recipe["cut"] == "none"
    level = {"dense": "HIGH", "shielded": "UNKNOWN"}.get(kind, "")
    if kind in ("empty", "loaded") and is_plain and is_healthy:
        level = "LOW"
    return {
        "path": row["file"],
        "index": 0,
        "modality": "radiograph",
        "is_empty": _cell(row["is_empty"]),
        "has_dense": _cell(True if kind == "dense" else False if is_plain else None),
        "is_shielded": _cell(True if kind == "shielded" else False if is_plain else None),
        "has_threat": _cell(has_threat if kind in ("empty", "loaded") else None),
        "level": level,
        "split": "test",
        "parent": f"scene-{row['index'] // len(VARIANTS):05d}"
        if row["preset"] in MATCHED
        else row["scan_id"],
        "group": recipe["family"] or recipe["scanner"],
        "scan_id": row["scan_id"],
        "kind": kind,
        "cargo": row["cargo"] or "",
        "threat": threat,
        "variant": variant,
        "declared_empty": _cell(row["declared_empty"]),
        "lost_lines": len(row["lost_columns"]),
        "n_containers": len(row["boxes"]),
        "cargo_mass_kg": round(row["cargo_mass_kg"], 1),
        "seed": recipe["seed"],
    }


def _cell(value: bool | None) -> str:
    return "" if value is None else str(value).lower()


#: How sets of radiographs are made.
SET = sets.SetKind(
    name="radiographs",
    stem="scan",
    presets=RADIOGRAPH_PRESETS,
    draw=draw_picture,
    make=_make,
    columns=LABEL_COLUMNS,
    label=_label,
    largest_job=len(VARIANTS),
)

"""Sets of simulated radiographs on disk: archives, a truth file each, and one table of labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from screening.simulation import sets

from .picture_mix import RADIOGRAPH_PRESETS, draw_radiograph_recipe
from .pictures import RadiographRecipe, simulate_radiograph

__all__ = ["RADIOGRAPH_PRESETS", "draw_radiograph_recipe", "write_set"]

#: Columns of labels.csv: those of the evaluation (docs/evaluate.md) first, then what else is known.
LABEL_COLUMNS = (
    "path",
    "index",
    "modality",
    "is_empty",
    "has_dense",
    "is_shielded",
    "level",
    "split",
    "parent",
    "group",
    "scan_id",
    "kind",
    "cargo",
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


def _make(recipe: RadiographRecipe) -> sets.MadeScan:
    scan, truth = simulate_radiograph(recipe)
    maps = {name: truth.pop(name) for name, value in list(truth.items()) if isinstance(value, np.ndarray)}
    manifest = scan.identity.manifest
    truth["declared_empty"] = None if manifest is None else manifest.is_declared_empty
    return sets.MadeScan(scan, truth, {name: _compact(plane) for name, plane in maps.items()})


def _compact(plane: Any) -> Any:
    """Return areal densities in half precision: 0.05 % of their value is far below what is seen."""
    return plane.astype(np.float16) if plane.dtype.kind == "f" else plane


def _label(row: dict[str, Any]) -> dict[str, Any]:
    """Return one row of labels; an empty cell means that the truth does not say."""
    kind, recipe = row["kind"], row["recipe"]
    is_plain = kind == "empty" or recipe["cargo"] in PLAIN_CARGO
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
        "level": level,
        "split": "test",
        "parent": row["scan_id"],
        "group": recipe["scanner"],
        "scan_id": row["scan_id"],
        "kind": kind,
        "cargo": row["cargo"] or "",
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
    draw=draw_radiograph_recipe,
    make=_make,
    columns=LABEL_COLUMNS,
    label=_label,
    largest_job=1,
)

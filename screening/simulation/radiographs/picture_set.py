"""Sets of simulated radiographs on disk: archives, a truth file each, and one table of labels."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from screening.archive import write_scan
from screening.errors import ConfigurationError

from .cargo import CARGO_KINDS
from .pictures import RadiographRecipe, simulate_radiograph

__all__ = ["RADIOGRAPH_PRESETS", "draw_radiograph_recipe", "write_set"]

#: What a set can be made of: how often each kind comes, and what holds for all its pictures.
RADIOGRAPH_PRESETS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "mixed": (("loaded", "empty", "loaded", "dense", "loaded", "empty", "shielded", "loaded"), {}),
    "loaded": (("loaded",), {}),
    "empties": (("empty",), {}),
    "dense": (("dense",), {}),
    "hidden": (("hidden",), {}),
    "samples": (("empty", "loaded", "dense", "shielded"), {"scale": 4.0, "scanner": "dual"}),
}

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
    kinds, fixed = RADIOGRAPH_PRESETS[preset]
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x5E7, index]))
    kind = kinds[index % len(kinds)]
    fields: dict[str, Any] = {
        "kind": kind,
        "scanner": str(rng.choice(["dual", "dual", "single", "linac-9", "vacis-co"])),
        "length": str(rng.choice(["40", "40", "20", "45", "2x20"])),
        "is_high_cube": bool(rng.random() < 0.5),
        "has_dropout": bool(rng.random() < 0.1),
        "seed": int(rng.integers(0, 2**31)),
    }
    if kind == "loaded":
        fields["cargo"] = str(rng.choice(sorted(CARGO_KINDS)))
    if kind == "hidden":
        fields["hidden_material"] = str(rng.choice(["organic", "steel", "lead"]))
        fields["hidden_mass_kg"] = round(float(np.exp(rng.uniform(np.log(0.5), np.log(50.0)))), 2)
        fields["declared_empty"] = True
    if preset == "samples":
        fields["cargo"] = "boxes" if kind == "loaded" else None
        fields["length"], fields["has_dropout"] = "20", False
    return msgspec.convert({**fields, **fixed}, RadiographRecipe)


def write_set(
    out_dir: Path,
    preset: str,
    n: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
    *,
    has_maps: bool = False,
) -> Path:
    """Simulate a set of radiographs and write it.

    A picture whose truth file is there is not made again: the truth is written after its archive, so a
    set that was interrupted goes on where it stopped, with the same result.

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
        Also write ``scan-<index>.npz`` with the true areal densities (float16, g/cm2).

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
    if n < 1:
        raise ConfigurationError("a set needs at least one picture", value=n)
    recipes = [draw_radiograph_recipe(preset, seed, index) for index in range(n)]
    out_dir.mkdir(parents=True, exist_ok=True)
    rows = []
    for index, recipe in enumerate(recipes):
        stem = f"scan-{index:05d}"
        truth_file = out_dir / f"{stem}.json"
        if truth_file.is_file():
            truth = json.loads(truth_file.read_text(encoding="utf-8"))
            if (truth["preset"], truth["set_seed"]) != (preset, seed):
                raise ConfigurationError(
                    f"{truth_file.name} belongs to preset {truth['preset']} with seed {truth['set_seed']}",
                    value=truth_file.name,
                )
        else:
            truth = _write_one(out_dir, stem, recipe, has_maps=has_maps)
            truth = {"preset": preset, "set_seed": seed, **truth}
            _replace(truth_file, json.dumps(truth, indent=1, sort_keys=True) + "\n")
        rows.append(truth)
        if progress is not None:
            progress(index + 1, n)
    return _write_labels(out_dir / "labels.csv", rows)


def _write_one(out_dir: Path, stem: str, recipe: RadiographRecipe, *, has_maps: bool) -> dict[str, Any]:
    scan, truth = simulate_radiograph(recipe)
    write_scan(out_dir / f"{stem}.h5", scan)
    maps = {name: truth.pop(name) for name in ("areal_density_g_cm2", "cargo_areal_density_g_cm2")}
    if has_maps:
        with (out_dir / f"{stem}.npz").open("wb") as stream:
            np.savez_compressed(stream, **{name: plane.astype(np.float16) for name, plane in maps.items()})
    manifest = scan.identity.manifest
    return {
        "file": f"{stem}.h5",
        "scan_id": scan.identity.scan_id,
        "declared_empty": None if manifest is None else manifest.is_declared_empty,
        "recipe": msgspec.to_builtins(recipe),
        **truth,
    }


def _write_labels(path: Path, rows: list[dict[str, Any]]) -> Path:
    partial = path.with_suffix(".part")
    with partial.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, LABEL_COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(_label(row))
    partial.replace(path)
    return path


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


def _replace(path: Path, text: str) -> None:
    partial = path.with_suffix(".part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)

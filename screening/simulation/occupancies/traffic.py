"""Sets of simulated passes on disk: archives, labels and truth, resumable."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from screening.archive import write_scan
from screening.errors import ConfigurationError

from .mix import PRESETS, draw_recipe
from .passes import simulate_occupancy

__all__ = ["LABEL_FIELDS", "NAMED_FROM_NSIGMA", "PRESETS", "draw_recipe", "write_set"]

#: Columns of labels.csv: those every data set has, and what the simulation knows besides.
LABEL_FIELDS = (
    "path",
    "index",
    "modality",
    "truth_nuclides",
    "has_source",
    "has_neutrons",
    "level",
    "split",
    "parent",
    "group",
    "scan_id",
    "container_id",
    "categories",
    "expected_nsigma",
    "seed",
)

#: Expected significance of the counts from which labels.csv asks for the nuclides by name.
NAMED_FROM_NSIGMA = 20.0


def write_set(
    out_dir: Path,
    preset: str,
    n: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Simulate a set of passes and write it.

    A pass whose truth file is there is not made again: the truth is written after its archive, so a
    set that was interrupted goes on where it stopped, and the result is the same.

    Parameters
    ----------
    out_dir : Path
        Folder, made if needed. Receives ``pass-<index>.h5``, ``pass-<index>.json`` (truth) and
        ``labels.csv``.
    preset : str
        One of `PRESETS`.
    n : int
        How many passes.
    seed : int
        Seed of the set.
    progress : callable, optional
        Called with (done, of) after each pass.

    Returns
    -------
    Path
        The labels file.

    Raises
    ------
    ConfigurationError
        If the preset is unknown, `n` is not positive, or the folder holds another set.
    """
    if preset not in PRESETS:
        raise ConfigurationError(f"unknown preset {preset!r}; known: {', '.join(PRESETS)}", value=preset)
    if n < 1:
        raise ConfigurationError("a set needs at least one pass", value=n)
    out_dir.mkdir(parents=True, exist_ok=True)
    rows = []
    for index in range(n):
        stem = f"pass-{index:05d}"
        truth_file = out_dir / f"{stem}.json"
        if truth_file.is_file():
            truth = json.loads(truth_file.read_text(encoding="utf-8"))
            if (truth["preset"], truth["set_seed"]) != (preset, seed):
                raise ConfigurationError(
                    f"{truth_file.name} belongs to preset {truth['preset']} with seed {truth['set_seed']}",
                    value=str(truth_file.name),
                )
        else:
            recipe = draw_recipe(preset, seed, index)
            scan, truth = simulate_occupancy(recipe)
            write_scan(out_dir / f"{stem}.h5", scan)
            truth = {
                "file": f"{stem}.h5",
                "scan_id": scan.identity.scan_id,
                "portal": recipe.portal,
                "preset": preset,
                "set_seed": seed,
                **truth,
            }
            _write_atomically(truth_file, json.dumps(truth, indent=1, sort_keys=True) + "\n")
        rows.append(truth)
        if progress is not None:
            progress(index + 1, n)
    return _write_labels(out_dir / "labels.csv", rows)


def _label(truth: dict[str, Any]) -> dict[str, Any]:
    """Return one row of labels.csv: nuclides are asked for where a spectrum holds enough of them."""
    sources = truth["nuclides"]
    asked = ""
    if not sources:
        asked = "none"
    elif truth["portal"] == "srpm" and truth["expected_nsigma"] >= NAMED_FROM_NSIGMA:
        asked = ";".join(sources)
    has_neutrons = any(source["neutrons_per_s"] > 0 for source in truth["sources"])
    return {
        "path": truth["file"],
        "index": 0,
        "modality": "radiation",
        "truth_nuclides": asked,
        "has_source": str(bool(sources)).lower(),
        "has_neutrons": str(has_neutrons).lower(),
        "level": truth["level_expected"],
        "split": "test",
        "parent": "",
        "group": truth["portal"],
        "scan_id": truth["scan_id"],
        "container_id": truth["container_id"],
        "categories": ";".join(truth["categories"]),
        "expected_nsigma": truth["expected_nsigma"],
        "seed": truth["seed"],
    }


def _write_labels(path: Path, rows: list[dict[str, Any]]) -> Path:
    temporary = path.with_suffix(".part")
    with temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, LABEL_FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_label(truth) for truth in rows)
    temporary.replace(path)
    return path


def _write_atomically(path: Path, text: str) -> None:
    temporary = path.with_suffix(".part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)

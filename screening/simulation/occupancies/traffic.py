"""Sets of simulated passes on disk: archives, labels and truth, resumable."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from screening.archive import write_scan
from screening.errors import ConfigurationError
from screening.simulation.presets import container_number, demo_traffic

from .passes import simulate_occupancy
from .recipe import OccupancyRecipe, SourceRecipe

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

#: What can be asked for: passes without any source, and traffic with its usual share of nuisance and a
#: few sources, past plastic panels or past spectrometers; or the containers of the demonstration.
PRESETS = ("quiet", "mixed", "quiet-spectra", "mixed-spectra", "demo")

#: Expected significance of the counts from which labels.csv asks for the nuclides by name.
NAMED_FROM_NSIGMA = 20.0

#: Share of each kind of load in mixed traffic; the rest is innocent.
_NORM_SHARE, _MEDICAL_SHARE, _SOURCE_SHARE = 0.15, 0.08, 0.12

_NORM_LOADS: tuple[tuple[tuple[str, float], ...], ...] = (
    (("K-40", 300.0),),
    (("K-40", 40.0), ("Ra-226", 6.0), ("Th-232", 5.0)),
    (("Ra-226", 40.0), ("Th-232", 12.0)),
)
_MEDICAL = (("Tc-99m", 60.0), ("I-131", 20.0), ("Tl-201", 40.0), ("In-111", 20.0), ("Ga-67", 30.0))
_SOURCES = (
    ("Cs-137", 10.0),
    ("Co-60", 6.0),
    ("Ir-192", 8.0),
    ("Ba-133", 10.0),
    ("Am-241", 400.0),
    ("Se-75", 10.0),
)


def draw_recipe(preset: str, seed: int, index: int) -> OccupancyRecipe:
    """Draw one pass of a preset.

    Parameters
    ----------
    preset : str
        One of `PRESETS`.
    seed : int
        Seed of the set.
    index : int
        Which pass; each has a stream of its own, so that a set can be resumed or extended.

    Returns
    -------
    OccupancyRecipe
        The recipe, its seed included.

    Raises
    ------
    ConfigurationError
        If the preset is unknown.
    """
    if preset not in PRESETS:
        raise ConfigurationError(f"unknown preset {preset!r}; known: {', '.join(PRESETS)}", value=preset)
    if preset == "demo":
        cases = demo_traffic(seed + index // 16)
        return cases[index % len(cases)].occupancy
    rng = np.random.default_rng(np.random.SeedSequence([seed, index, 0x7AFF]))
    portal: Literal["rpm", "srpm"] = "srpm" if preset.endswith("-spectra") else "rpm"
    speed = float(np.clip(rng.normal(2.2, 0.4), 1.0, 3.4))
    depth = float(np.clip(rng.normal(0.36, 0.06), 0.05, 0.46))
    background = (420.0 if portal == "rpm" else 260.0) * float(np.exp(rng.normal(0.0, 0.12)))
    sources = _draw_load(rng) if preset.startswith("mixed") else ()
    return OccupancyRecipe(
        portal=portal,
        speed_m_s=round(speed, 3),
        suppression=round(depth, 3),
        background_cps=round(background, 1),
        vehicle_m=round(float(rng.uniform(15.5, 19.0)), 2),
        ship_effect=round(float(rng.uniform(1.0, 1.3)), 3),
        sources=sources,
        container_id=container_number(int(rng.integers(0, 1_000_000))),
        seed=int(rng.integers(0, 2**31)),
    )


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


def _draw_load(rng: np.random.Generator) -> tuple[SourceRecipe, ...]:
    kind = rng.random()
    if kind < _NORM_SHARE:
        load = _NORM_LOADS[int(rng.integers(len(_NORM_LOADS)))]
        factor = float(np.exp(rng.normal(0.0, 0.4)))
        return tuple(
            SourceRecipe(
                label=label,
                activity_mbq=round(activity * factor, 3),
                position_m=10.4,
                spread_m=11.6,
                shielding=(("silica", 25.0),),
            )
            for label, activity in load
        )
    if kind < _NORM_SHARE + _MEDICAL_SHARE:
        label, activity = _MEDICAL[int(rng.integers(len(_MEDICAL)))]
        return (
            SourceRecipe(
                label=label,
                activity_mbq=round(activity * float(np.exp(rng.normal(0.0, 0.5))), 3),
                position_m=1.6,
                shielding=(("tissue", 12.0),),
            ),
        )
    if kind < _NORM_SHARE + _MEDICAL_SHARE + _SOURCE_SHARE:
        label, activity = _SOURCES[int(rng.integers(len(_SOURCES)))]
        return (
            SourceRecipe(
                label=label,
                activity_mbq=round(activity * float(np.exp(rng.normal(0.0, 0.7))), 3),
                position_m=round(float(rng.uniform(5.0, 16.0)), 2),
                across_m=round(float(rng.uniform(-1.0, 1.0)), 2),
                shielding=(("steel", round(float(rng.uniform(0.0, 15.0)), 2)),),
            ),
        )
    return ()


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

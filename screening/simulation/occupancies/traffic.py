"""Sets of simulated passes on disk: archives, labels and truth, resumable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from screening.errors import ConfigurationError
from screening.simulation import sets

from . import mix
from .cases import CASE_PRESETS, draw_case
from .passes import simulate_occupancy
from .recipe import OccupancyRecipe

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

#: What sets can be made of: what imitates traffic, and what covers a question.
PRESETS = {
    "quiet": "innocent traffic past plastic panels: no source at all",
    "mixed": "traffic with its usual share of NORM, patients and a few sources, past plastic panels",
    "quiet-spectra": "innocent traffic past spectrometers",
    "mixed-spectra": "traffic with nuisance and sources past spectrometers",
    "demo": "the sixteen containers of the demonstration, over and over",
    **CASE_PRESETS,
    "samples": "what ships: the containers of the demonstration, then every other preset in turn",
}

#: Passes of the demonstration at the head of the samples, and the presets that follow in turn.
_N_DEMO = 16
_SAMPLED = ("quiet", "mixed", "quiet-spectra", *CASE_PRESETS)

#: Expected significance of the counts from which labels.csv asks for the nuclides by name.
NAMED_FROM_NSIGMA = 20.0


def draw_recipe(preset: str, seed: int, index: int) -> OccupancyRecipe:
    """Draw one pass of a preset.

    Parameters
    ----------
    preset : str
        A key of `PRESETS`.
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
    if preset == "samples":
        turn, which = divmod(index - _N_DEMO, len(_SAMPLED))
        return draw_recipe("demo", seed, index) if turn < 0 else draw_recipe(_SAMPLED[which], seed, turn)
    if preset in CASE_PRESETS:
        return draw_case(preset, seed, index)
    if preset not in mix.PRESETS:
        raise ConfigurationError(f"unknown preset {preset!r}; known: {', '.join(PRESETS)}", value=preset)
    return mix.draw_recipe(preset, seed, index)


def write_set(
    out_dir: Path,
    preset: str,
    n: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
    *,
    workers: int = 1,
) -> Path:
    """Simulate a set of passes and write it; see :func:`screening.simulation.sets.write_set`.

    Parameters
    ----------
    out_dir : Path
        Folder, made if needed. Receives ``pass-<index>.h5``, ``pass-<index>.json`` (recipe and truth) and
        ``labels.csv``.
    preset : str
        A key of `PRESETS`.
    n : int
        How many passes.
    seed : int
        Seed of the set.
    progress : callable, optional
        Called with (done, of) after each pass.
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
    return sets.write_set("occupancies", out_dir, preset, n, seed, workers=workers, progress=progress)


def _make(recipe: OccupancyRecipe) -> sets.MadeScan:
    scan, truth = simulate_occupancy(recipe)
    return sets.MadeScan(scan, {"portal": recipe.portal, **truth}, {})


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


#: How sets of passes are made.
SET = sets.SetKind(
    name="occupancies",
    stem="pass",
    presets=PRESETS,
    draw=draw_recipe,
    make=_make,
    columns=LABEL_FIELDS,
    label=_label,
    largest_job=32,
)

"""What simulated traffic is made of: presets, and the recipe of each pass of a set."""

from __future__ import annotations

from typing import Literal

import numpy as np

from screening.errors import ConfigurationError
from screening.simulation.presets import container_number, demo_traffic

from .recipe import OccupancyRecipe, SourceRecipe

__all__ = ["PRESETS", "draw_recipe"]

#: What can be asked for: passes without any source, and traffic with its usual share of nuisance and a
#: few sources, past plastic panels or past spectrometers; or the containers of the demonstration.
PRESETS = ("quiet", "mixed", "quiet-spectra", "mixed-spectra", "demo")

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

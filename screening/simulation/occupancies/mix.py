"""What simulated traffic is made of: presets, and the recipe of each pass of a set."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from screening.errors import ConfigurationError
from screening.simulation.presets import container_number, demo_traffic

from .background import background_table
from .conditions import CargoRecipe, RainRecipe
from .goods import GOODS, bulk_load, draw_patient
from .recipe import USUAL_BACKGROUND_CPS, OccupancyRecipe, SourceRecipe
from .response import NODES_G_CM2, panel_response
from .shadow import EMPTY_SHADE

__all__ = ["CARGOES", "PRESETS", "draw_recipe", "draw_suppression", "load_suppression"]

#: What can be asked for: passes without any source, and traffic with its usual share of nuisance and a
#: few sources, past plastic panels or past spectrometers; or the containers of the demonstration.
PRESETS = ("quiet", "mixed", "quiet-spectra", "mixed-spectra", "demo")

#: Share of each kind of load in mixed traffic; the rest is innocent.
_NORM_SHARE, _MEDICAL_SHARE, _SOURCE_SHARE = 0.15, 0.08, 0.12

#: Ordinary loads: material, and usual mass over the volume of the box, g/cm3 (8 to 26 t in 67 m3).
CARGOES: tuple[tuple[str, float, float], ...] = (
    ("mixed-cargo", 0.12, 0.36),
    ("textile", 0.08, 0.22),
    ("paper", 0.22, 0.38),
    ("wood", 0.20, 0.38),
    ("polyethylene", 0.16, 0.38),
    ("electronics", 0.08, 0.22),
    ("machinery", 0.10, 0.36),
    ("steel", 0.20, 0.38),
    ("grain", 0.26, 0.38),
    ("fruit", 0.22, 0.36),
    ("meat", 0.26, 0.38),
    ("wine", 0.24, 0.38),
    ("rubber", 0.12, 0.26),
    ("vehicle", 0.05, 0.14),
    ("aluminium", 0.12, 0.34),
)

#: Empty boxes, and boxes of which only a part is loaded, among all.
_EMPTY_SHARE, _PARTLY_SHARE = 0.10, 0.12

#: Share of a panel's view that a loaded box fills: mean and spread over vehicles and their places in the
#: lane.
_VIEW, _VIEW_SPREAD, _VIEW_RANGE = 0.497, 0.063, (0.33, 0.57)

_SOURCES = (
    ("Cs-137", 10.0),
    ("Co-60", 6.0),
    ("Ir-192", 8.0),
    ("Ba-133", 10.0),
    ("Am-241", 400.0),
    ("Se-75", 10.0),
)

#: Steel around sources, g/cm2: of fixed thickness, so that responses can be kept.
_STEEL_G_CM2 = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)


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
    is_mixed = preset.startswith("mixed")
    vehicle_m = round(float(rng.uniform(15.5, 19.0)), 2)
    box_m = (4.3, round(vehicle_m - 0.5, 2))
    background = USUAL_BACKGROUND_CPS[portal] * float(np.exp(rng.normal(0.0, 0.12)))
    fields: dict[str, Any] = {
        "portal": portal,
        "speed_m_s": round(float(np.clip(rng.normal(2.2, 0.4), 1.0, 3.4)), 3),
        "background_cps": round(background, 1),
        "vehicle_m": vehicle_m,
        "box_m": box_m,
        "ship_effect": round(float(rng.uniform(1.0, 1.3)), 3),
        "background_mix": tuple(round(float(f), 3) for f in np.exp(rng.normal(0.0, 0.25, 4))),
        "radon_factor": round(float(np.exp(rng.normal(0.0, 0.3))), 3),
        "container_id": container_number(int(rng.integers(0, 1_000_000))),
        "seed": int(rng.integers(0, 2**31)),
    }
    cargo = _draw_cargo(rng)
    sources: tuple[SourceRecipe, ...] = ()
    if is_mixed:
        if rng.random() < 0.05:
            fields["rain"] = RainRecipe(
                start_s=-round(float(rng.uniform(0.0, 7200.0)), 1),
                excess=round(float(rng.uniform(0.05, 0.5)), 3),
            )
        cargo, sources, goods = _draw_load(rng, box_m, cargo)
        fields["goods"] = goods
    return OccupancyRecipe(
        cargo=cargo,
        sources=sources,
        suppression=draw_suppression(portal, cargo, rng),
        is_declared_empty=cargo is None,
        **fields,
    )


def draw_suppression(
    portal: Literal["rpm", "srpm"], cargo: CargoRecipe | None, rng: np.random.Generator
) -> float:
    """Draw how much background a box keeps off the panels.

    Parameters
    ----------
    portal : {"rpm", "srpm"}
        Kind of panel.
    cargo : CargoRecipe or None
        What the box holds; None: nothing.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    float
        For `suppression` of a recipe: the share of the view that the box fills, times what the load holds
        back.
    """
    view = float(np.clip(rng.normal(_VIEW, _VIEW_SPREAD), *_VIEW_RANGE))
    if cargo is None:
        return round(EMPTY_SHADE * view / _VIEW, 4)
    return round(max(EMPTY_SHADE * view / _VIEW, view * load_suppression(portal, cargo)), 4)


def load_suppression(portal: str, cargo: CargoRecipe) -> float:
    """Return the share of all background that a load holds back where it fills the view.

    Parameters
    ----------
    portal : {"rpm", "srpm"}
        Kind of panel.
    cargo : CargoRecipe
        The load.

    Returns
    -------
    float
        0 to 1.
    """
    kept = _kept(portal, cargo.material)
    return float(1.0 - np.interp(1.3 * cargo.across_g_cm2, NODES_G_CM2, kept))


@lru_cache(maxsize=256)
def _kept(portal: str, material: str) -> NDArray[np.float64]:
    table = background_table(panel_response(portal, 0.075), material)
    return np.asarray(table.share @ table.kept)


def _draw_cargo(rng: np.random.Generator) -> CargoRecipe | None:
    kind = rng.random()
    material, low, high = CARGOES[int(rng.integers(len(CARGOES)))]
    density = float(rng.uniform(low, high))
    part = rng.random()
    if kind < _EMPTY_SHARE:
        return None
    profile: tuple[float, ...] = ()
    if kind < _EMPTY_SHARE + _PARTLY_SHARE:
        filled = np.arange(12) < 3 + int(6 * part)
        profile = tuple(float(one) for one in (filled if rng.random() < 0.5 else filled[::-1]))
        density *= float(np.mean(profile))
    return CargoRecipe(material=material, density_g_cm3=round(density, 4), profile=profile)


def _draw_load(
    rng: np.random.Generator, box_m: tuple[float, float], cargo: CargoRecipe | None
) -> tuple[CargoRecipe | None, tuple[SourceRecipe, ...], tuple[str, ...]]:
    kind = rng.random()
    if kind < _NORM_SHARE:
        names = list(GOODS)
        share = np.array([GOODS[name].share for name in names])
        name = names[int(rng.choice(len(names), p=share / share.sum()))]
        load, sources = bulk_load(name, box_m, rng)
        return load, sources, (GOODS[name].goods,)
    if kind < _NORM_SHARE + _MEDICAL_SHARE:
        return cargo, (draw_patient(rng),), ()
    if kind < _NORM_SHARE + _MEDICAL_SHARE + _SOURCE_SHARE:
        label, activity = _SOURCES[int(rng.integers(len(_SOURCES)))]
        source = SourceRecipe(
            label=label,
            activity_mbq=round(activity * float(np.exp(rng.normal(0.0, 0.7))), 3),
            position_m=round(float(rng.uniform(box_m[0] + 0.2, box_m[1] - 0.2)), 2),
            across_m=round(float(rng.uniform(-1.0, 1.0)), 2),
            height_m=round(float(rng.uniform(1.3, 3.2)), 2),
            shielding=(("steel", float(rng.choice(_STEEL_G_CM2))),),
        )
        return cargo, (source,), ()
    return cargo, (), ()

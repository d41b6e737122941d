"""Presets that cover a question instead of imitating traffic: every cell of a sweep, every fault in turn.

What is swept follows from the index alone; what is only varied is drawn. So the first n passes of a preset
are balanced over its cells as well as n allows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from screening.errors import ConfigurationError
from screening.physics import MATERIALS
from screening.physics.neutron_sources import neutrons_per_decay
from screening.physics.nuclides import specific_activity_bq_g
from screening.simulation.presets import container_number
from screening.simulation.spectra.sources import metal_of

from .conditions import BeamRecipe, NeighbourRecipe, RainRecipe
from .goods import GOODS, PATIENTS, bulk_load, draw_patient
from .mix import draw_suppression
from .motion import stop_and_go
from .recipe import OccupancyRecipe, SourceRecipe

__all__ = ["CASE_PRESETS", "draw_case"]

#: Front and rear of the box behind the vehicle's front, metres.
BOX_M = (4.3, 16.5)

#: Sources of the sweep and the activity, MBq, its decade begins with: bare and at 2.2 m/s about 10 to 20
#: sigma of the sum of four spectrometers; more for uranium and plutonium, of which grams are the question.
SWEPT_SOURCES: tuple[tuple[str, float], ...] = (
    ("Cs-137", 0.7),
    ("Co-60", 0.33),
    ("Ba-133", 0.26),
    ("Ir-192", 0.18),
    ("Eu-152", 0.23),
    ("Am-241", 1.1),
    ("Co-57", 0.38),
    ("Se-75", 0.21),
    ("Ra-226", 0.21),
    ("Th-232", 0.15),
    ("Np-237", 0.6),
    ("HEU", 50.0),
    ("LEU", 50.0),
    ("DU", 50.0),
    ("WGPu", 2000.0),
    ("RGPu", 2000.0),
)

#: Shielding of the sweep: nothing, 1 cm of steel, 20 cm of water, 2 cm of lead.
SWEPT_SHIELDING: tuple[tuple[tuple[str, float], ...], ...] = (
    (),
    (("steel", 7.9),),
    (("water", 20.0),),
    (("lead", 22.7),),
)

#: Speeds of the sweep, m/s: a crawl, the usual 8 km/h, and too fast.
SWEPT_SPEEDS_M_S = (1.0, 2.2, 3.4)

#: What is hidden, and its activity, MBq, in a masking case.
MASKED_MBQ: tuple[tuple[str, float], ...] = (
    ("HEU", 400.0),
    ("WGPu", 1e6),
    ("Cs-137", 4.0),
    ("Co-60", 3.0),
    ("Am-241", 200.0),
    ("DU", 800.0),
)

#: Neutron sources and their activity, MBq: of californium, half a kilogram of weapons plutonium and a tenth
#: of reactor plutonium, of which spontaneous fission makes 23, 120, 30 and 36 thousand neutrons a second.
NEUTRON_SOURCES: tuple[tuple[str, float], ...] = (
    ("Cf-252", 0.2),
    ("Cf-252", 1.0),
    ("WGPu", 5.1e6),
    ("RGPu", 2.3e7),
)

#: Shielding of the neutron cases: a steel can, moderated, and gammas stopped with neutrons let through. Bare
#: plutonium is no case: nobody carries it so.
NEUTRON_SHIELDING: tuple[tuple[tuple[str, float], ...], ...] = (
    (("steel", 8.0),),
    (("steel", 8.0), ("polyethylene", 10.0)),
    (("lead", 57.0),),
    (("lead", 57.0), ("polyethylene", 10.0)),
)

#: What can be wrong with a pass.
FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "dead panel": {"dead_panel": 1},
    "stuck panel": {"stuck_panel": 2},
    "gain off": {"panel_gains": (1.0, 0.85, 1.0, 1.1), "portal": "srpm"},
    "gain drifts": {"gain_drift_per_s": -0.006, "portal": "srpm"},
    "lost intervals": {"lost_intervals": 6},
    "no speed": {"has_speed": False},
    "cut short": {"has_end": False},
    "beam stuck": {"stuck_s": 6.0},
    "no calibration": {"has_calibration": False, "portal": "srpm"},
    "no neutrons": {"has_neutrons": False},
    "no background": {"background_age_s": None},
    "old background": {"background_age_s": 7200.0},
    "reported fault": {"faults": ("HV low, panel 2",)},
    "tampered": {"is_tampered": True},
}

#: Circumstances that are no fault of the portal.
CONDITIONS: dict[str, dict[str, Any]] = {
    "rain": {"rain": RainRecipe(start_s=-900.0, excess=0.35)},
    "radon": {"radon_factor": 3.0, "portal": "srpm"},
    "stop and go": {"motion": stop_and_go(2.2, 8.0, 4.0)},
    "follower": {"follower_gap_m": 2.0},
    "wide lane": {"lane_m": 6.0},
    "two panels": {"n_panel": 2},
    "source in the next lane": {"neighbours": (NeighbourRecipe(label="Cs-137", activity_mbq=200.0),)},
    "x-ray machine near by": {"beams": (BeamRecipe(),)},
}

#: Neutrons a second below which no panel beside a moving vehicle tells a source: they are left out.
LEAST_NEUTRONS_PER_S = 1000.0

#: What each preset holds.
CASE_PRESETS = {
    "sources": "sweep: 16 sources x 4 shieldings x 3 speeds, activity over a decade, spectra",
    "norm": "21 goods that radiate by nature, in bulk, past plastic panels and spectrometers in turn",
    "medical": "patients in the cab, past plastic panels and spectrometers in turn",
    "masking": "a source inside a load of NORM or beside a patient, with the load alone in turn, spectra",
    "neutrons": "neutron sources in steel, moderated and behind lead; in turn cargo of steel without any",
    "faults": "each fault a portal can have in turn, every second round with a source aboard",
    "conditions": "rain, radon, stops, followers, other lanes and machines, every second round with a source",
}


def draw_case(preset: str, seed: int, index: int) -> OccupancyRecipe:
    """Draw one pass of a preset that covers a question.

    Parameters
    ----------
    preset : str
        A key of `CASE_PRESETS`.
    seed : int
        Seed of the set.
    index : int
        Which pass.

    Returns
    -------
    OccupancyRecipe
        The recipe, its seed included.

    Raises
    ------
    ConfigurationError
        If the preset is unknown.
    """
    if preset not in CASE_PRESETS:
        raise ConfigurationError(f"unknown preset {preset!r}; known: {', '.join(CASE_PRESETS)}", value=preset)
    rng = np.random.default_rng(np.random.SeedSequence([seed, index, 0xCA5E]))
    fields: dict[str, Any] = {
        "portal": "srpm",
        "speed_m_s": round(float(np.clip(rng.normal(2.2, 0.4), 1.0, 3.4)), 3),
        "box_m": BOX_M,
        "vehicle_m": round(float(rng.uniform(16.8, 19.0)), 2),
        "ship_effect": round(float(rng.uniform(1.0, 1.3)), 3),
        "container_id": container_number(int(rng.integers(0, 1_000_000))),
        "seed": int(rng.integers(0, 2**31)),
    }
    fields |= _CASES[preset](index, rng)
    suppression = round(float(np.clip(rng.normal(0.36, 0.06), 0.05, 0.46)), 3)
    if "cargo" in fields:
        suppression = draw_suppression(fields["portal"], fields["cargo"], rng)
    return OccupancyRecipe(suppression=suppression, **fields)


def _scaled(activity_mbq: float, rng: np.random.Generator) -> float:
    """Return an activity from half a decade below to half a decade above."""
    return float(f"{activity_mbq * 10 ** rng.uniform(-0.5, 0.5):.4g}")


def _point(
    label: str, activity_mbq: float, shielding: tuple[tuple[str, float], ...], rng: np.random.Generator
) -> SourceRecipe:
    activity = _scaled(activity_mbq, rng)
    neutrons = float(f"{neutrons_per_decay(label) * activity * 1e6:.4g}")
    return SourceRecipe(
        label=label,
        activity_mbq=activity,
        position_m=round(float(rng.uniform(5.0, 15.5)), 2),
        across_m=round(float(rng.uniform(-1.0, 1.0)), 2),
        height_m=round(float(rng.uniform(1.4, 3.2)), 2),
        shielding=shielding,
        neutrons_per_s=neutrons if neutrons >= LEAST_NEUTRONS_PER_S else 0.0,
        radius_g_cm2=_sphere_g_cm2(label, activity),
    )


def _load(index: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return a whole load of goods that radiate by nature."""
    name = list(GOODS)[index % len(GOODS)]
    cargo, sources = bulk_load(name, BOX_M, rng)
    return {"cargo": cargo, "sources": sources, "goods": (GOODS[name].goods,)}


def _patient(index: int, rng: np.random.Generator) -> dict[str, Any]:
    return {"sources": (draw_patient(rng, list(PATIENTS)[index % len(PATIENTS)]),)}


def _in_turn(index: int) -> dict[str, Any]:
    return {"portal": ("srpm", "rpm")[index % 2]}


def _sources(index: int, rng: np.random.Generator) -> dict[str, Any]:
    rest, which = divmod(index, len(SWEPT_SOURCES))
    rest, shielding = divmod(rest, len(SWEPT_SHIELDING))
    label, activity = SWEPT_SOURCES[which]
    return {
        "speed_m_s": SWEPT_SPEEDS_M_S[rest % len(SWEPT_SPEEDS_M_S)],
        "sources": (_point(label, activity * 10**0.5, SWEPT_SHIELDING[shielding], rng),),
    }


def _norm(index: int, rng: np.random.Generator) -> dict[str, Any]:
    return {**_load(index // 2, rng), **_in_turn(index)}


def _medical(index: int, rng: np.random.Generator) -> dict[str, Any]:
    return {**_patient(index // 2, rng), **_in_turn(index)}


def _masking(index: int, rng: np.random.Generator) -> dict[str, Any]:
    case, is_alone = divmod(index, 2)
    rest, which = divmod(case, len(MASKED_MBQ))
    cover = _patient(rest // 3, rng) if rest % 3 == 2 else _load(rest - rest // 3, rng)
    label, activity = MASKED_MBQ[which]
    hidden = _point(label, activity, (("steel", 8.0),), rng)
    return cover if is_alone else {**cover, "sources": (*cover["sources"], hidden)}


def _neutrons(index: int, rng: np.random.Generator) -> dict[str, Any]:
    case, is_innocent = divmod(index, 2)
    if is_innocent:
        return {"ship_effect": round(float(rng.uniform(1.2, 1.8)), 3), **_in_turn(case)}
    rest, which = divmod(case, len(NEUTRON_SOURCES))
    label, activity = NEUTRON_SOURCES[which]
    source = _point(label, activity, NEUTRON_SHIELDING[rest % len(NEUTRON_SHIELDING)], rng)
    return {"sources": (source,), **_in_turn(case)}


def _sphere_g_cm2(label: str, activity_mbq: float) -> float:
    """Return the radius of a sphere of metal, in steps of a tenth so that responses keep; else 0."""
    metal = metal_of(label)
    if metal is None:
        return 0.0
    mass_g = activity_mbq * 1e6 / specific_activity_bq_g(label)
    radius = (0.75 / math.pi * mass_g * MATERIALS[metal].density_g_cm3 ** 2) ** (1.0 / 3.0)
    return float(f"{1.1 ** round(math.log(radius, 1.1)):.4g}")


def _faults(index: int, rng: np.random.Generator) -> dict[str, Any]:
    return _circumstances(FAULTS, index, rng)


def _conditions(index: int, rng: np.random.Generator) -> dict[str, Any]:
    return _circumstances(CONDITIONS, index, rng)


def _circumstances(table: dict[str, dict[str, Any]], index: int, rng: np.random.Generator) -> dict[str, Any]:
    rest, which = divmod(index, len(table))
    fields: dict[str, Any] = {**_in_turn(rest // 2), **list(table.values())[which]}
    if rest % 2:
        fields["sources"] = (_point("Cs-137", 5.0, (("steel", 5.0),), rng),)
    return fields


_CASES: dict[str, Callable[[int, np.random.Generator], dict[str, Any]]] = {
    "sources": _sources,
    "norm": _norm,
    "medical": _medical,
    "masking": _masking,
    "neutrons": _neutrons,
    "faults": _faults,
    "conditions": _conditions,
}

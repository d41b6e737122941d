"""The scans of a test plan: trial i of a scenario follows from plan, seed and i alone."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from screening.errors import ConfigurationError
from screening.records import Occupancy, Scan

from .image_scenarios import ImageScenario, IndicatorScenario, MeasuredScenario
from .portal_scenarios import BenignScenario, SourceScenario
from .quantities import parse_quantity
from .scenario import Scenario
from .schema import Plan
from .sweeping import Sweep, sweep_kind, sweep_of

__all__ = [
    "Trial",
    "make_trial",
    "measured_samples",
    "replay_trial",
    "trial_count",
    "trial_seed",
]

#: A scan of the empty lane, seconds: long against the windows of an alarm, short against its drift.
LANE_SCAN_S = 60.0

#: The vehicle of scenarios with a source, m: length, box behind its front, and where the source lies.
VEHICLE_M, BOX_M, POSITION_M, HEIGHT_M = 17.0, (4.3, 16.5), 9.0, 1.8

#: How far above a masking load the source lies, m: the load outshines it and does not shield it.
ABOVE_LOAD_M = 0.1

#: Pixel size of pictures in the short form over that of full ones.
SHORT_SCALE = 4.0


class Trial(NamedTuple):
    """One scan with what is true of it.

    Attributes
    ----------
    scan : Scan
        What a detector gets.
    seed : int
        It was made from.
    truth : dict
        As the simulator states it, or the labels.
    beside_s : float or None
        Seconds from the start of the scan until the source was beside the panels.
    required : tuple of str or None
        Labels that must be named.
    duration_s : float
        Of the scan, where it is exposure.
    """

    scan: Scan
    seed: int
    truth: dict[str, Any]
    beside_s: float | None = None
    required: tuple[str, ...] | None = None
    duration_s: float = 0.0


def trial_count(scenario: Scenario) -> int:
    """Return how many trials a scenario has at each point of its sweep.

    Parameters
    ----------
    scenario : Scenario
        Any but a measured one.

    Returns
    -------
    int
        Its trials; of an empty lane the scans that its hours take.
    """
    if isinstance(scenario, BenignScenario) and scenario.hours is not None:
        return math.ceil(scenario.hours * 3600.0 / LANE_SCAN_S)
    return int(scenario.trials or 0)


def trial_seed(seed: int, scenario: str, index: int) -> int:
    """Return the seed of a trial.

    Parameters
    ----------
    seed : int
        Of the run.
    scenario : str
        Its name: to add a scenario to a plan changes no trial of another.
    index : int
        Which trial. All points of a sweep share it: common random numbers.

    Returns
    -------
    int
        0 to 2^31 - 1.
    """
    name = int.from_bytes(hashlib.sha256(scenario.encode()).digest()[:8], "little")
    state = np.random.SeedSequence([seed, name, index, 0x97A4]).generate_state(1, np.uint32)
    return int(state[0] >> 1)


def make_trial(scenario: Scenario, index: int, seed: int, *, point: int = 0, is_short: bool = False) -> Trial:
    """Simulate one trial.

    Parameters
    ----------
    scenario : Scenario
        Any but a measured one.
    index : int
        Which trial.
    seed : int
        Of the run.
    point : int
        Which value of the sweep; the one after the last is a pass without the sources, for chance.
    is_short : bool
        Pictures as thumbnails.

    Returns
    -------
    Trial
        The scan.

    Raises
    ------
    ConfigurationError
        If the scenario is measured, or the simulator refuses what it asks for.
    """
    sweep = sweep_of(scenario)
    own = trial_seed(seed, scenario.name, index)
    try:
        if isinstance(scenario, SourceScenario):
            return _source_trial(scenario, sweep, point, own)
        if isinstance(scenario, BenignScenario):
            return _benign_trial(scenario, own)
        if isinstance(scenario, ImageScenario):
            return _image_trial(scenario, sweep, point, own, is_short=is_short)
        if isinstance(scenario, IndicatorScenario):
            from .indicators import indicator_scan

            steel, diameter, contrast = (
                None if getattr(scenario, name) is None else _value(scenario, sweep, name, point)
                for name in ("steel", "diameter", "contrast")
            )
            scan, place = indicator_scan(
                scenario.indicator,
                own,
                steel_cm=steel or 0.0,
                diameter_cm=diameter or 0.0,
                contrast=contrast or 0.0,
                scanner=scenario.scanner,
                family=scenario.family,
            )
            return Trial(scan, own, place)
    except ValueError as error:
        raise ConfigurationError(f"scenario {scenario.name!r}, trial {index}: {error}", value=index) from None
    raise ConfigurationError(f"scenario {scenario.name!r} is measured: its scans are on disk")


def replay_trial(
    plan: Plan, scenario: str, index: int, seed: int, *, point: int = 0, is_short: bool = False
) -> Trial:
    """Make a trial of a run again, as a report names it.

    Parameters
    ----------
    plan : Plan
        The plan.
    scenario : str
        Name of the scenario.
    index, seed, point, is_short : int, int, int, bool
        As in :func:`make_trial`.

    Returns
    -------
    Trial
        The same scan.

    Raises
    ------
    ConfigurationError
        If there is no such scenario or trial.
    """
    found = [one for one in plan.scenario if one.name == scenario]
    if not found:
        names = ", ".join(one.name for one in plan.scenario)
        raise ConfigurationError(f"no scenario {scenario!r}; there are: {names}", value=scenario)
    return make_trial(found[0], index, seed, point=point, is_short=is_short)


def measured_samples(scenario: MeasuredScenario, folder: Path) -> tuple[list[Any], tuple[Any, ...]]:
    """Return the rows of a measured scenario.

    Parameters
    ----------
    scenario : MeasuredScenario
        The scenario.
    folder : Path
        Of the plan.

    Returns
    -------
    samples : list of Sample
        Rows that fit; for the event "identified" those whose nuclides are known.
    problems : tuple of Problem
        What does not fit together in the data set.

    Raises
    ------
    ConfigurationError
        If a column is unknown, or no row fits whose truth is known.
    """
    from screening.evaluate.dataset import read_dataset
    from screening.evaluate.samples import Problem, Sample

    where = scenario.where or {"split": "test"}
    strange = [name for name in where if name not in Sample.__struct_fields__]
    if strange:
        raise ConfigurationError(
            f"scenario {scenario.name!r}: no column {strange[0]!r}; "
            f"known: {', '.join(Sample.__struct_fields__)}",
            value=strange[0],
        )
    dataset = read_dataset(folder / scenario.folder)
    rows = [s for s in dataset.samples if all(_cell(getattr(s, k)) == v for k, v in where.items())]
    if not rows:
        asked = ", ".join(f"{name} = {value}" for name, value in where.items())
        raise ConfigurationError(f"scenario {scenario.name!r}: no row of {scenario.folder} with {asked}")
    if scenario.event != "identified":
        return rows, dataset.problems
    # to name nothing is right where nothing is, not where nobody knows what is there
    known = [row for row in rows if row.truth_nuclides is not None]
    if not known:
        raise ConfigurationError(
            f"scenario {scenario.name!r}: event 'identified' needs truth_nuclides, which no row of "
            f"{scenario.folder} that fits has"
        )
    unknown = (
        Problem(kind="truth not known", where=row.id, text=f"{row.id} has no truth_nuclides: not counted")
        for row in rows
        if row.truth_nuclides is None
    )
    return known, (*dataset.problems, *unknown)


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        return ";".join(value) or "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _value(scenario: Any, sweep: Sweep | None, name: str, point: int) -> float:
    """Return the value of a field that may be swept."""
    value = getattr(scenario, name)
    if isinstance(value, list):
        return _swept(sweep, point)
    return parse_quantity(value, sweep_kind(name), name=name)


def _swept(sweep: Sweep | None, point: int) -> float:
    if sweep is None or not 0 <= point <= len(sweep.values):
        raise ValueError(f"no point {point} in the sweep")
    # the point after the last is that without a source, at a value from the middle
    return sweep.values[len(sweep.values) // 2 if point == len(sweep.values) else point]


def _source_trial(scenario: SourceScenario, sweep: Sweep | None, point: int, seed: int) -> Trial:
    from screening.physics import MATERIALS
    from screening.simulation.occupancies import OccupancyRecipe, SourceRecipe, simulate_occupancy

    layers = tuple(
        (
            shield.material,
            round(
                MATERIALS[shield.material].density_g_cm3
                * (
                    _swept(sweep, point)
                    if isinstance(shield.thickness, list)
                    else parse_quantity(shield.thickness, "thickness", name="thickness")
                ),
                4,
            ),
        )
        for shield in scenario.shielding
    )
    sources = []
    is_bare = sweep is not None and point == len(sweep.values)
    for one in () if is_bare else scenario.sources:
        activity_mbq, neutrons_per_s = _strength(one, sweep, point)
        sources.append(
            SourceRecipe(
                label=one.nuclide,
                activity_mbq=activity_mbq,
                position_m=POSITION_M,
                height_m=HEIGHT_M,
                shielding=layers,
                neutrons_per_s=neutrons_per_s,
                radius_g_cm2=_metal_radius(one.nuclide, activity_mbq),
            )
        )
    speed = _value(scenario, sweep, "speed", point)
    fields: dict[str, Any] = {"suppression": scenario.suppression}
    if scenario.masking is not None:
        cargo, loads, suppression = _masking_load(scenario.masking, scenario.portal, seed)
        height_m = round(cargo.top_m + ABOVE_LOAD_M, 3)
        sources = [*(msgspec.structs.replace(one, height_m=height_m) for one in sources), *loads]
        fields = {"cargo": cargo, "suppression": suppression}
    if scenario.background is not None:
        fields["background_cps"] = parse_quantity(scenario.background, "rate", name="background")
    recipe = OccupancyRecipe(
        portal=scenario.portal,
        speed_m_s=speed,
        vehicle_m=VEHICLE_M,
        box_m=BOX_M,
        lane_m=2.0 * _value(scenario, sweep, "distance", point),
        sources=tuple(sources),
        seed=seed,
        **fields,
    )
    scan, truth = simulate_occupancy(recipe, seed)
    payload = scan.payload
    prior_s = payload.n_prior * recipe.interval_s if isinstance(payload, Occupancy) else 0.0
    labels = scenario.labels if scenario.labels is not None else [one.nuclide for one in scenario.sources]
    return Trial(scan, seed, truth, prior_s + POSITION_M / speed, tuple(dict.fromkeys(labels)))


def _masking_load(name: str, portal: Any, seed: int) -> tuple[Any, tuple[Any, ...], float]:
    """Draw a load of goods that radiate by nature: the cargo, its activity, and the shadow it casts."""
    from screening.simulation.occupancies.goods import bulk_load
    from screening.simulation.occupancies.mix import draw_suppression

    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x3A5C]))
    cargo, loads = bulk_load(name, BOX_M, rng)
    return cargo, loads, draw_suppression(portal, cargo, rng)


def _strength(source: Any, sweep: Sweep | None, point: int) -> tuple[float, float]:
    """Return activity, MBq, and neutrons a second of a source."""
    from screening.physics.neutron_sources import neutrons_per_decay

    each = neutrons_per_decay(source.nuclide)
    if source.emission is not None:
        given = source.emission
        rate = (
            _swept(sweep, point)
            if isinstance(given, list)
            else parse_quantity(given, "emission", name="emission")
        )
        return rate / each * 1e-6, rate
    given = source.activity
    activity = (
        _swept(sweep, point)
        if isinstance(given, list)
        else parse_quantity(given, "activity", name="activity")
    )
    return activity, each * activity * 1e6


def _metal_radius(label: str, activity_mbq: float) -> float:
    """Return the radius of a sphere of a source's own metal, g/cm2; 0 where it has none.

    Rounded to three digits, so that responses are made once for all trials of a scenario.
    """
    from screening.physics import MATERIALS
    from screening.physics.nuclides import specific_activity_bq_g
    from screening.simulation.spectra.sources import metal_of

    metal = metal_of(label)
    if metal is None:
        return 0.0
    mass_g = activity_mbq * 1e6 / specific_activity_bq_g(label)
    density = MATERIALS[metal].density_g_cm3
    return float(f"{(0.75 / math.pi * mass_g * density**2) ** (1.0 / 3.0):.3g}")


def _benign_trial(scenario: BenignScenario, seed: int) -> Trial:
    from screening.simulation.occupancies import OccupancyRecipe, simulate_occupancy
    from screening.simulation.occupancies.mix import draw_recipe

    if scenario.goods is not None:
        cargo, loads, suppression = _masking_load(scenario.goods, scenario.portal, seed)
        recipe = OccupancyRecipe(
            portal=scenario.portal,
            vehicle_m=VEHICLE_M,
            box_m=BOX_M,
            cargo=cargo,
            sources=loads,
            suppression=suppression,
        )
    elif scenario.traffic == "vehicles":
        preset = "quiet" if scenario.portal == "rpm" else "quiet-spectra"
        recipe = draw_recipe(preset, seed, 0)
    else:
        recipe = OccupancyRecipe(
            portal=scenario.portal, suppression=0.0, vehicle_m=VEHICLE_M, speed_m_s=VEHICLE_M / LANE_SCAN_S
        )
    scan, truth = simulate_occupancy(msgspec.structs.replace(recipe, seed=seed), seed)
    payload = scan.payload
    duration = float(payload.interval_s.sum()) if isinstance(payload, Occupancy) else 0.0
    return Trial(scan, seed, truth, required=(), duration_s=duration)


def _image_trial(
    scenario: ImageScenario, sweep: Sweep | None, point: int, seed: int, *, is_short: bool
) -> Trial:
    from screening.simulation.radiographs import RadiographRecipe, simulate_radiograph

    fields: dict[str, Any] = {"kind": "loaded" if scenario.scene == "threat" else scenario.scene}
    if scenario.scene == "hidden":
        fields |= {
            "hidden_material": scenario.material,
            "hidden_mass_kg": _value(scenario, sweep, "mass", point),
            "declared_empty": True,
        }
    if scenario.threat is not None:
        fields["threats"] = (scenario.threat,)
    recipe = RadiographRecipe(
        cargo=scenario.cargo,
        scanner=scenario.scanner,
        family=scenario.family,
        length=scenario.container,
        scale=SHORT_SCALE if is_short else 1.0,
        seed=seed,
        **fields,
    )
    scan, truth = simulate_radiograph(recipe, seed)
    return Trial(scan, seed, truth)

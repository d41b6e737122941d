"""What a simulated pass is made of, and what its truth is."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from screening.physics import NUCLIDES
from screening.records import Category, Level, OperatingMode

__all__ = ["OccupancyRecipe", "SourceRecipe", "expected_level", "recipe_from_dict", "truth_of"]


class SourceRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something radioactive in a vehicle.

    Attributes
    ----------
    label : str
        Key of :data:`screening.physics.NUCLIDES`.
    activity_mbq : float
        Activity, MBq (all of it, if spread).
    position_m : float
        Metres behind the vehicle's front; the middle, if spread.
    spread_m : float
        Length over which it is spread evenly; 0 for a point.
    across_m : float
        Place across the lane, from its centre.
    height_m : float
        Height over the road.
    shielding : tuple of (str, float)
        Layers around it: material and areal density, g/cm2.
    neutrons_per_s : float
        Neutrons it emits each second.
    """

    label: str
    activity_mbq: float
    position_m: float = 9.0
    spread_m: float = 0.0
    across_m: float = 0.0
    height_m: float = 1.8
    shielding: tuple[tuple[str, float], ...] = ()
    neutrons_per_s: float = 0.0


class OccupancyRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to simulate.

    Attributes
    ----------
    portal : {"rpm", "srpm"}
        Gross counts of plastic panels, or spectra of NaI logs.
    n_panel : int
        Panels, half on each pillar.
    interval_s : float
        Gamma interval, seconds.
    n_channel : int
        Channels of a spectrum (up to 3 MeV).
    fwhm_662 : float
        Relative FWHM at 662 keV.
    speed_m_s : float
        Vehicle speed.
    vehicle_m : float
        Vehicle length.
    box_m : tuple of float
        Front and rear of the container behind the vehicle's front.
    suppression : float
        Share of background that the loaded container keeps off.
    background_cps : float or None
        Gamma background of one panel; None takes the portal's usual one (420 plastic, 260 NaI).
    neutron_background_cps : float
        Neutron background of one panel.
    ship_effect : float
        Factor on the neutron background beside the container.
    sources : tuple of SourceRecipe
        What is radioactive.
    background_age_s : float or None
        Seconds between the background's end and the scan; None: no background was recorded.
    background_live_s : float
        Seconds behind the background.
    has_speed, has_end, has_calibration, has_neutrons : bool
        Whether the scan brings them.
    lost_intervals : int
        Intervals lost in the middle of the pass.
    dead_panel : int or None
        A panel that counts nothing in the pass.
    is_tampered : bool
        The tamper switch was set.
    faults : tuple of str
        Faults the portal reports.
    container_id : str or None
        Container number.
    is_declared_empty : bool or None
        The manifest's word.
    goods : tuple of str
        Declared goods, HS codes.
    site, lane : str or None
        Where.
    operating_mode : OperatingMode
        Mode.
    seed : int
        Seed, unless given with the call.
    """

    portal: Literal["rpm", "srpm"] = "rpm"
    n_panel: int = 4
    interval_s: float = 0.2
    n_channel: int = 512
    fwhm_662: float = 0.075
    speed_m_s: float = 2.2
    vehicle_m: float = 17.0
    box_m: tuple[float, float] = (4.3, 16.5)
    suppression: float = 0.3
    background_cps: float | None = None
    neutron_background_cps: float = 0.6
    ship_effect: float = 1.0
    sources: tuple[SourceRecipe, ...] = ()
    background_age_s: float | None = 4.0
    background_live_s: float = 120.0
    has_speed: bool = True
    has_end: bool = True
    has_calibration: bool = True
    has_neutrons: bool = True
    lost_intervals: int = 0
    dead_panel: int | None = None
    is_tampered: bool = False
    faults: tuple[str, ...] = ()
    container_id: str | None = None
    is_declared_empty: bool | None = None
    goods: tuple[str, ...] = ()
    site: str | None = "SIM"
    lane: str | None = "1"
    operating_mode: OperatingMode = OperatingMode.OPS
    seed: int = 0

    @property
    def panel_background_cps(self) -> float:
        """Gamma background of one panel, counts/s."""
        return self.background_cps or (420.0 if self.portal == "rpm" else 260.0)


def recipe_from_dict(fields: dict[str, Any]) -> OccupancyRecipe:
    """Return a recipe from plain values, as presets and TOML hold them.

    Parameters
    ----------
    fields : dict
        Fields of :class:`OccupancyRecipe`.

    Returns
    -------
    OccupancyRecipe
        The recipe.

    Raises
    ------
    ValueError
        If a field is unknown or has a wrong value (msgspec's ValidationError is one).
    """
    return msgspec.convert(fields, OccupancyRecipe)


def truth_of(recipe: OccupancyRecipe, seed: int, nsigma: float) -> dict[str, Any]:
    """Return the truth of a pass.

    Parameters
    ----------
    recipe : OccupancyRecipe
        What was simulated.
    seed : int
        With which seed.
    nsigma : float
        Largest (S - B) / sqrt(B) of its mean counts.

    Returns
    -------
    dict
        As :func:`screening.simulation.occupancies.simulate_occupancy` describes it; plain values.
    """
    categories = sorted({str(c) for s in recipe.sources for c in NUCLIDES[s.label].categories})
    return {
        "container_id": recipe.container_id,
        "nuclides": [source.label for source in recipe.sources],
        "categories": categories,
        "sources": [msgspec.to_builtins(source) for source in recipe.sources],
        "suppression": recipe.suppression,
        "speed_m_s": recipe.speed_m_s,
        "expected_nsigma": round(nsigma, 3),
        "is_gamma_alarm_expected": nsigma > 5.0,
        "level_expected": str(expected_level(recipe, nsigma)),
        "seed": seed,
    }


def expected_level(recipe: OccupancyRecipe, nsigma: float) -> Level:
    """Return the level a perfect instrument of this kind would give: a source too weak to see counts.

    Parameters
    ----------
    recipe : OccupancyRecipe
        What was simulated.
    nsigma : float
        Largest (S - B) / sqrt(B) of its mean counts.

    Returns
    -------
    Level
        HIGH for a source, UNKNOWN for what is innocent and can be named, or for a doubt; else LOW.
    """
    innocent = {Category.MEDICAL, Category.NORM}
    is_neutron_source = any(source.neutrons_per_s > 0 for source in recipe.sources)
    if recipe.is_tampered or is_neutron_source:
        return Level.HIGH
    if recipe.sources:
        is_innocent = all(set(NUCLIDES[s.label].categories) & innocent for s in recipe.sources)
        can_name = recipe.portal == "srpm" and recipe.has_calibration
        return Level.UNKNOWN if is_innocent and (can_name or nsigma <= 5.0) else Level.HIGH
    is_faulty = (
        recipe.background_age_s is None
        or not -2.0 <= recipe.background_age_s <= 900.0
        or not (recipe.has_speed and recipe.has_end and recipe.has_calibration)
        or recipe.lost_intervals > 0
        or recipe.dead_panel is not None
        or bool(recipe.faults)
    )
    return Level.UNKNOWN if is_faulty else Level.LOW

"""What a simulated pass is made of, and what its truth is."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from screening.physics import NUCLIDES
from screening.records import Category, Level, OperatingMode
from screening.simulation.spectra.sources import metal_of

from .checks import check_material, check_motion, check_range
from .conditions import BeamRecipe, CargoRecipe, NeighbourRecipe, RainRecipe

__all__ = [
    "USUAL_BACKGROUND_CPS",
    "OccupancyRecipe",
    "SourceRecipe",
    "expected_level",
    "recipe_from_dict",
    "truth_of",
]

#: Gamma background of one panel, counts/s: what the ground gives a panel of the usual face (2,300 for the
#: plastic panel, 460 for the log, in the open), less what lead behind and beside it and poorer ground keep
#: off.
USUAL_BACKGROUND_CPS = {"rpm": 1300.0, "srpm": 260.0}


#: What is left free between the panels' faces and anything that passes them, metres.
_CLEAR_M = 0.1


class SourceRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something radioactive in a vehicle.

    Attributes
    ----------
    label : str
        Key of :data:`screening.physics.NUCLIDES`.
    activity_mbq : float
        Activity, MBq (all of it, if spread); of a chain that of its parent, of a material by mass that of
        everything in it (a gram of WGPu is 10.2 GBq, half of it Pu-241).
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
    radius_g_cm2 : float
        Radius of a sphere of the source's own metal (uranium, plutonium), g/cm2, which holds back its own
        photons; 0: so thin that all leave.
    is_bulk : bool
        Spread through the width of the box as well: the cargo itself is active, and absorbs its own photons.
        Needs a cargo.
    """

    label: str
    activity_mbq: float
    position_m: float = 9.0
    spread_m: float = 0.0
    across_m: float = 0.0
    height_m: float = 1.8
    shielding: tuple[tuple[str, float], ...] = ()
    neutrons_per_s: float = 0.0
    radius_g_cm2: float = 0.0
    is_bulk: bool = False

    def __post_init__(self) -> None:
        if self.label not in NUCLIDES:
            raise ValueError(f"unknown nuclide {self.label!r}; known: {', '.join(NUCLIDES)}")
        check_range("activity_mbq", self.activity_mbq, 0.0, 1e12)
        check_range("neutrons_per_s", self.neutrons_per_s, 0.0, 1e12)
        check_range("spread_m", self.spread_m, 0.0, 60.0)
        check_range("radius_g_cm2", self.radius_g_cm2, 0.0, 500.0 if metal_of(self.label) else 0.0)
        check_range("across_m", self.across_m, -1.5, 1.5)
        check_range("height_m", self.height_m, 0.0, 5.0)
        for material, areal_density_g_cm2 in self.shielding:
            check_material(material)
            check_range(f"shielding with {material}", areal_density_g_cm2, 0.0, 1000.0)


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
        Vehicle speed; at the start, if `motion` changes it.
    motion : tuple of (float, float)
        Changes of speed after the front reaches the portal: seconds, and the speed at their end (m/s, evenly
        approached; 0 stands, negative reverses). The last speed is kept.
    vehicle_m : float
        Vehicle length.
    box_m : tuple of float
        Front and rear of the container behind the vehicle's front.
    follower_gap_m : float or None
        Another vehicle of the same kind follows so closely that the occupancy does not end between them.
    stuck_s : float
        Seconds for which the occupancy goes on after the vehicle has left; its end is never told.
    lane_m : float
        From the panels of one pillar to those of the other.
    heights_m : tuple of float
        Heights of a pillar's panels; empty takes the usual ones (1.8 for one, 1.0 to 2.7 for more).
    face_m : tuple of float or None
        Extent of a panel along the lane and upwards; None takes the usual one (0.35 x 1.70 plastic, 0.10 x
        0.41 NaI). What it catches of the photons that cross the face stays that of the usual one.
    cargo : CargoRecipe or None
        What the box holds, which photons of sources pass on their way; None: nothing in the way.
    has_ground : bool
        Sources are also seen by what the road scatters of their photons.
    suppression : float
        Share of background that the loaded container keeps off a panel beside it, all energies together.
    background_cps : float or None
        Gamma background of one panel; None takes the portal's usual one (``USUAL_BACKGROUND_CPS``).
    background_mix : tuple of float
        Potassium, uranium series, thorium series and radon in the background of spectra, over the usual
        site's.
    radon_factor : float
        Radon in the air during pass and background over its daily mean.
    rain : RainRecipe or None
        Rain brings radon's daughters down.
    neighbours : tuple of NeighbourRecipe
        Sources that pass in other lanes.
    beams : tuple of BeamRecipe
        Pulsed x-ray machines that fire near by.
    neutron_background_cps : float
        Neutron background of one panel.
    ship_effect : float
        Factor on the neutron background beside the container; what is more comes in bursts.
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
    stuck_panel : int or None
        A panel that repeats its first reading.
    panel_gains : tuple of float
        Gain of each panel in the pass over that of its calibration and background; empty: all right.
    gain_drift_per_s : float
        Relative change of every gain each second, as a warming portal has it.
    dead_time_s : float or None
        Dead time of a panel after each count, seconds; None takes the portal's usual one.
    is_paralysable : bool
        Events in the dead time prolong it: at high rates the counts collapse.
    overload_cps : float or None
        Rate from which the panel's electronics shut it off (counts 0); None: never.
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
    motion: tuple[tuple[float, float], ...] = ()
    vehicle_m: float = 17.0
    box_m: tuple[float, float] = (4.3, 16.5)
    follower_gap_m: float | None = None
    stuck_s: float = 0.0
    lane_m: float = 5.0
    heights_m: tuple[float, ...] = ()
    face_m: tuple[float, float] | None = None
    cargo: CargoRecipe | None = None
    has_ground: bool = True
    suppression: float = 0.3
    background_cps: float | None = None
    background_mix: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    radon_factor: float = 1.0
    rain: RainRecipe | None = None
    neighbours: tuple[NeighbourRecipe, ...] = ()
    beams: tuple[BeamRecipe, ...] = ()
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
    stuck_panel: int | None = None
    panel_gains: tuple[float, ...] = ()
    gain_drift_per_s: float = 0.0
    dead_time_s: float | None = None
    is_paralysable: bool = False
    overload_cps: float | None = None
    is_tampered: bool = False
    faults: tuple[str, ...] = ()
    container_id: str | None = None
    is_declared_empty: bool | None = None
    goods: tuple[str, ...] = ()
    site: str | None = "SIM"
    lane: str | None = "1"
    operating_mode: OperatingMode = OperatingMode.OPS
    seed: int = 0

    def __post_init__(self) -> None:
        _check_portal(self)
        _check_vehicle(self)

    @property
    def train_m(self) -> float:
        """Length of all that passes in the occupancy: the vehicle, and one that follows it, metres."""
        if self.follower_gap_m is None:
            return self.vehicle_m
        return 2.0 * self.vehicle_m + self.follower_gap_m

    @property
    def panel_background_cps(self) -> float:
        """Gamma background of one panel, counts/s."""
        if self.background_cps is not None:
            return self.background_cps
        return USUAL_BACKGROUND_CPS[self.portal]


def _check_portal(recipe: OccupancyRecipe) -> None:
    if recipe.portal not in USUAL_BACKGROUND_CPS:
        raise ValueError(f"unknown portal {recipe.portal!r}; known: {', '.join(USUAL_BACKGROUND_CPS)}")
    if recipe.n_panel % 2 or not 2 <= recipe.n_panel <= 16:
        raise ValueError(
            f"panels stand on two pillars: an even number from 2 to 16 is needed, got {recipe.n_panel}"
        )
    check_range("lane_m", recipe.lane_m, 3.0, 10.0)
    if recipe.heights_m and len(recipe.heights_m) != recipe.n_panel // 2:
        raise ValueError(f"heights_m needs {recipe.n_panel // 2} heights, got {len(recipe.heights_m)}")
    for height_m in recipe.heights_m:
        check_range("heights_m", height_m, 0.1, 6.0)
    for side_m in recipe.face_m or ():
        check_range("face_m", side_m, 0.02, 4.0)
    check_range("interval_s", recipe.interval_s, 0.02, 5.0)
    check_range("n_channel", recipe.n_channel, 16, 16384)
    check_range("fwhm_662", recipe.fwhm_662, 0.01, 0.3)
    if recipe.background_cps is not None:
        check_range("background_cps", recipe.background_cps, 1e-9, 1e5)
    check_range("neutron_background_cps", recipe.neutron_background_cps, 0.0, 1e4)
    check_range("ship_effect", recipe.ship_effect, 1.0, 20.0)
    for factor in recipe.background_mix:
        check_range("background_mix", factor, 0.0, 20.0)
    check_range("radon_factor", recipe.radon_factor, 0.0, 20.0)
    check_range("background_live_s", recipe.background_live_s, 0.1, 1e5)
    for name in ("dead_panel", "stuck_panel"):
        panel = getattr(recipe, name)
        if panel is not None:
            check_range(name, panel, 0, recipe.n_panel - 1)
    if recipe.panel_gains and len(recipe.panel_gains) != recipe.n_panel:
        raise ValueError(f"panel_gains needs {recipe.n_panel} gains, got {len(recipe.panel_gains)}")
    for gain in recipe.panel_gains:
        check_range("panel_gains", gain, 0.3, 3.0)
    check_range("gain_drift_per_s", recipe.gain_drift_per_s, -0.02, 0.02)
    if recipe.dead_time_s is not None:
        check_range("dead_time_s", recipe.dead_time_s, 0.0, 1e-3)
    if recipe.overload_cps is not None:
        check_range("overload_cps", recipe.overload_cps, 100.0, 1e9)
    check_range("lost_intervals", recipe.lost_intervals, 0, 100_000)


def _check_vehicle(recipe: OccupancyRecipe) -> None:
    check_range("vehicle_m", recipe.vehicle_m, 2.0, 100.0)
    front, rear = recipe.box_m
    if not 0.0 <= front < rear or not rear < float("inf"):
        raise ValueError(f"box_m needs a front from 0 and a rear behind it, got {recipe.box_m!r}")
    check_range("suppression", recipe.suppression, 0.0, 0.95)
    check_range("stuck_s", recipe.stuck_s, 0.0, 3600.0)
    if recipe.follower_gap_m is not None:
        check_range("follower_gap_m", recipe.follower_gap_m, 0.0, 10.0)
    check_motion(recipe.speed_m_s, recipe.motion)
    if recipe.cargo is not None:
        check_range(
            "half_width_m of the cargo", recipe.cargo.half_width_m, 0.1, 0.5 * recipe.lane_m - _CLEAR_M
        )
        if rear > recipe.vehicle_m:
            raise ValueError(
                f"a box that holds cargo ends with the vehicle at {recipe.vehicle_m:g} m, got {rear:g}"
            )
    for other in recipe.neighbours:
        low = 0.5 * recipe.lane_m + _CLEAR_M
        check_range(f"distance across to the neighbour {other.label}", abs(other.across_m), low, 100.0)
    for source in recipe.sources:
        most = 0.5 * recipe.lane_m - _CLEAR_M
        check_range(f"across_m of {source.label}", source.across_m, -most, most)
        low, high = 0.5 * source.spread_m, recipe.train_m - 0.5 * source.spread_m
        if low > high:
            raise ValueError(
                f"a source spread over {source.spread_m:g} m does not fit a vehicle of {recipe.train_m:g} m"
            )
        check_range(f"position_m of {source.label}", source.position_m, low, high)
        if source.is_bulk and recipe.cargo is None:
            raise ValueError(f"the bulk source {source.label} needs a cargo that holds it")


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
        or recipe.stuck_panel is not None
        or recipe.stuck_s > 0
        or any(abs(gain - 1.0) >= 0.1 for gain in recipe.panel_gains)
        or bool(recipe.beams)
        or bool(recipe.faults)
    )
    return Level.UNKNOWN if is_faulty else Level.LOW

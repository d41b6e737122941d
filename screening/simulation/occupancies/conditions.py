"""What surrounds a pass: cargo, rain, other lanes, x-ray machines."""

from __future__ import annotations

import msgspec

from screening.physics import NUCLIDES

from .checks import check_material, check_range

__all__ = ["BeamRecipe", "CargoRecipe", "NeighbourRecipe", "RainRecipe"]


class CargoRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What fills the box of a vehicle.

    Attributes
    ----------
    material : str
        Name in :data:`screening.physics.MATERIALS`, or an element symbol.
    density_g_cm3 : float
        Mass over the volume of the box, averaged along it.
    profile : tuple of float
        Load of equal parts of the box from front to rear, relative to each other; empty: even.
    half_width_m, floor_m, top_m : float
        Inner half width, and heights of floor and top of the load over the road.
    """

    material: str = "polyethylene"
    density_g_cm3: float = 0.25
    profile: tuple[float, ...] = ()
    half_width_m: float = 1.17
    floor_m: float = 1.2
    top_m: float = 3.6

    def __post_init__(self) -> None:
        check_material(self.material)
        check_range("density_g_cm3", self.density_g_cm3, 0.0, 20.0)
        for part in self.profile:
            check_range("profile", part, 0.0, 1e3)
        if self.profile and sum(self.profile) <= 0.0:
            raise ValueError(f"a load profile needs something above 0, got {self.profile!r}")
        check_range("half_width_m", self.half_width_m, 0.1, 1.5)
        check_range("floor_m", self.floor_m, 0.0, 5.0)
        check_range("top_m", self.top_m, self.floor_m + 0.05, 6.0)

    @property
    def across_g_cm2(self) -> float:
        """Areal density straight across the box, g/cm2."""
        return self.density_g_cm3 * 200.0 * self.half_width_m


class RainRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A shower: radon's daughters are washed out of the air, lie on the ground, and decay.

    Attributes
    ----------
    start_s : float
        When it began, seconds after the vehicle's front reached the portal (negative: before).
    duration_s : float
        How long it lasts.
    excess : float
        Share that it would add to the background if it rained for ever.
    half_life_s : float
        With which the deposit decays: Pb-214 (26.8 min) and Bi-214 (19.9 min) together appear as some 30 min.
    """

    start_s: float = -1200.0
    duration_s: float = 1800.0
    excess: float = 0.3
    half_life_s: float = 1800.0

    def __post_init__(self) -> None:
        check_range("start_s", self.start_s, -1e9, 1e9)
        check_range("duration_s", self.duration_s, 0.0, 1e6)
        check_range("excess", self.excess, 0.0, 5.0)
        check_range("half_life_s", self.half_life_s, 60.0, 1e5)


class NeighbourRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source that passes in another lane.

    Attributes
    ----------
    label : str
        Key of :data:`screening.physics.NUCLIDES`.
    activity_mbq : float
        Activity, MBq.
    across_m : float
        Place across, from this lane's centre; beyond the pillars (negative: beyond the first).
    at_s : float
        When it passes the portal's plane, seconds after this vehicle's front did.
    speed_m_s : float
        Its speed.
    height_m : float
        Its height.
    shielding : tuple of (str, float)
        Layers around it: material and areal density, g/cm2. What backs the panels adds to it: see
        :data:`screening.simulation.occupancies.expected.BACKING`.
    """

    label: str
    activity_mbq: float
    across_m: float = 6.0
    at_s: float = 4.0
    speed_m_s: float = 2.2
    height_m: float = 1.8
    shielding: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if self.label not in NUCLIDES:
            raise ValueError(f"unknown nuclide {self.label!r}; known: {', '.join(NUCLIDES)}")
        check_range("activity_mbq", self.activity_mbq, 0.0, 1e12)
        check_range("distance across to a neighbour", abs(self.across_m), 3.0, 100.0)
        check_range("at_s", self.at_s, -1e5, 1e5)
        check_range("speed_m_s", self.speed_m_s, 0.05, 40.0)
        check_range("height_m", self.height_m, 0.0, 5.0)
        for material, areal_density_g_cm2 in self.shielding:
            check_material(material)
            check_range(f"shielding with {material}", areal_density_g_cm2, 0.0, 1000.0)


class BeamRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pulsed x-ray machine that fires near the portal.

    Attributes
    ----------
    start_s, duration_s : float
        When it fires, seconds after the vehicle's front reached the portal.
    pulses_per_s : float
        Pulses a second; linear accelerators give 100 to 400, each a few microseconds long.
    photons_per_pulse : float
        Scattered photons that one panel detects from one pulse. All of a pulse are one event to the
        electronics.
    mean_kev : float
        Mean energy that one of them leaves.
    """

    start_s: float = 2.0
    duration_s: float = 1.5
    pulses_per_s: float = 250.0
    photons_per_pulse: float = 0.8
    mean_kev: float = 220.0

    def __post_init__(self) -> None:
        check_range("start_s", self.start_s, -1e5, 1e5)
        check_range("duration_s", self.duration_s, 0.0, 1e5)
        check_range("pulses_per_s", self.pulses_per_s, 0.0, 1e5)
        check_range("photons_per_pulse", self.photons_per_pulse, 0.0, 1e4)
        check_range("mean_kev", self.mean_kev, 20.0, 5000.0)

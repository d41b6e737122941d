"""Scenarios at a portal: a source to find, or nothing to find."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from screening.physics import NUCLIDES

from .checks import check_judged, check_material, check_values, listed, unknown
from .quantities import parse_quantity
from .scenario import Scenario
from .sweeping import Values, sweep_of

__all__ = ["BenignScenario", "Shield", "Source", "SourceScenario", "has_blank"]

Portal: TypeAlias = Literal["rpm", "srpm"]


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source.

    Attributes
    ----------
    nuclide : str
        A label of the nuclide table.
    activity : str or list of str or None
        With its unit: "500 kBq"; a list is swept.
    emission : str or list of str or None
        Of neutrons, instead of the activity: "20000 n/s".
    """

    nuclide: str
    activity: Values | None = None
    emission: Values | None = None

    def __post_init__(self) -> None:
        if self.nuclide not in NUCLIDES:
            raise ValueError(unknown("nuclide", self.nuclide, NUCLIDES, where="screening.physics.NUCLIDES"))
        if (self.activity is None) == (self.emission is None):
            raise ValueError(f"activity: {self.nuclide} needs either an activity or an emission")
        check_values("activity", self.activity, "activity")
        check_values("emission", self.emission, "emission")
        if self.emission is not None:
            from screening.physics.neutron_sources import neutrons_per_decay

            if not neutrons_per_decay(self.nuclide) > 0.0:
                raise ValueError(f"emission: {self.nuclide} emits no neutrons of its own")


class Shield(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A layer around a source.

    Attributes
    ----------
    material : str
        A name of the table of materials.
    thickness : str or list of str
        With its unit; a list is swept.
    """

    material: str
    thickness: Values

    def __post_init__(self) -> None:
        check_material(self.material)
        check_values("thickness", self.thickness, "thickness")


class SourceScenario(Scenario, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="source"):
    """A vehicle with a source passes a portal.

    Attributes
    ----------
    portal : {"rpm", "srpm"}
        "rpm": plastic panels; "srpm": NaI spectrometers.
    sources : tuple of Source
        What is aboard, in one place: tables with the keys below.
    shielding : tuple of Shield
        Around them: tables with the keys below.
    masking : str or None
        Goods that radiate by nature on top of which they lie, a key of ``GOODS`` of the simulator: each
        trial is a load of its own.
    speed : str or list of str
        Of the vehicle.
    distance : str or list of str
        From the path of the source to the panels of either side: half the lane.
    background : str or None
        Of one panel; the usual one of the portal when omitted.
    suppression : float
        Share of the background that the vehicle keeps off the panels.
    event : {"alarm", "alarm-within", "neutron-alarm", "identified", "high", "not-low"}
        What is counted.
    within : str or None
        For "alarm-within": time after the source was beside the panels.
    labels : tuple of str or None
        For "identified": labels that must be named; the sources' own when omitted.
    """

    portal: Portal
    sources: tuple[Source, ...]
    shielding: tuple[Shield, ...] = ()
    masking: str | None = None
    speed: Values = "2.2 m/s"
    distance: Values = "2.5 m"
    background: str | None = None
    suppression: float = 0.0
    event: Literal["alarm", "alarm-within", "neutron-alarm", "identified", "high", "not-low"] = "alarm"
    within: str | None = None
    labels: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sources:
            raise ValueError("sources: at least one is needed; without any it is a scenario of kind 'benign'")
        check_values("speed", self.speed, "speed")
        check_values("distance", self.distance, "distance")
        for text in listed(self.distance):
            half_lane = parse_quantity(text, "distance", name="distance")
            if not 1.5 <= half_lane <= 5.0:
                raise ValueError(f"distance: 1.5 to 5 m are allowed, got {text!r}")
        if self.background is not None:
            parse_quantity(self.background, "rate", name="background")
        if not 0.0 <= self.suppression < 0.95:
            raise ValueError(f"suppression: 0 to 0.95 are allowed, got {self.suppression!r}")
        if (self.event == "alarm-within") != (self.within is not None):
            raise ValueError("within: goes with event 'alarm-within' and with no other")
        if self.within is not None:
            parse_quantity(self.within, "time", name="within")
        if self.event == "identified" and self.portal != "srpm":
            raise ValueError("event: 'identified' needs spectra, which a portal of kind 'srpm' has")
        if self.labels is not None and self.event != "identified":
            raise ValueError("labels: go with event 'identified' and with no other")
        _check_goods("masking", self.masking)
        check_judged(self)

    def swept(self) -> list[tuple[str, Values | None, bool]]:
        """Return the fields that may hold a list: strength, thickness, speed, distance.

        Returns
        -------
        list of (str, str or list of str or None, bool)
            Name, value, and whether larger values are easier to detect.
        """
        return [
            *(("activity", source.activity, True) for source in self.sources),
            *(("emission", source.emission, True) for source in self.sources),
            *(("thickness", shield.thickness, False) for shield in self.shielding),
            ("speed", self.speed, False),
            ("distance", self.distance, False),
        ]


class BenignScenario(Scenario, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="benign"):
    """Nothing to find passes a portal: what is counted is a false alarm.

    Attributes
    ----------
    portal : {"rpm", "srpm"}
        "rpm": plastic panels; "srpm": NaI spectrometers.
    traffic : {"vehicles", "empty lane"}
        "vehicles": loaded and empty containers as they come, without any radioactive load; "empty lane":
        background alone, in scans of a minute, at most one alarm in each.
    goods : str or None
        A load that radiates by nature in every vehicle: then what is counted is a nuisance.
    hours : float or None
        For an empty lane, instead of trials.
    maximum_per_hour : float or None
        For an empty lane, instead of `maximum`.
    event : {"alarm", "high", "not-low"}
        What is counted.
    """

    portal: Portal
    traffic: Literal["vehicles", "empty lane"] = "vehicles"
    goods: str | None = None
    hours: float | None = None
    maximum_per_hour: float | None = None
    event: Literal["alarm", "high", "not-low"] = "alarm"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.required is not None or self.limit is not None:
            raise ValueError("required: a benign scenario has a maximum, not a required probability")
        _check_goods("goods", self.goods)
        if self.traffic == "empty lane":
            if self.goods is not None:
                raise ValueError("goods: an empty lane has none")
            if self.hours is None or self.maximum_per_hour is None:
                raise ValueError("hours: an empty lane is watched for hours, against maximum_per_hour")
            if self.trials is not None or self.maximum is not None:
                raise ValueError("trials: an empty lane has hours and maximum_per_hour instead")
            for name, value in (("hours", self.hours), ("maximum_per_hour", self.maximum_per_hour)):
                if not 0.0 < value < 1e6:
                    raise ValueError(f"{name}: above 0 to 1e6 is allowed, got {value!r}")
        else:
            if self.hours is not None or self.maximum_per_hour is not None:
                raise ValueError("hours: vehicles are counted in trials, against maximum")
            check_judged(self)


def has_blank(scenario: Scenario) -> bool:
    """Tell whether a scenario is run without its source too: a sweep, for the share that chance gives.

    Parameters
    ----------
    scenario : Scenario
        Any.

    Returns
    -------
    bool
        False of one whose event names the source, which chance cannot.
    """
    return (
        isinstance(scenario, SourceScenario)
        and scenario.event != "identified"
        and sweep_of(scenario) is not None
    )


def _check_goods(field: str, name: str | None) -> None:
    from screening.simulation.occupancies.goods import GOODS

    if name is not None and name not in GOODS:
        raise ValueError(unknown(field, name, GOODS))

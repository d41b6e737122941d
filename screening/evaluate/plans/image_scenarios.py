"""Scenarios at a scanner: a container, or a test object in the beam; and measured rows of either kind."""

from __future__ import annotations

from typing import Literal

import msgspec

from .checks import check_judged, check_scanner, check_values, unknown
from .scenario import Scenario
from .sweeping import Values

__all__ = ["ImageScenario", "IndicatorScenario", "MeasuredScenario"]


class ImageScenario(Scenario, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="image"):
    """A container passes a scanner.

    Attributes
    ----------
    scene : {"empty", "loaded", "hidden", "threat"}
        "empty": nothing in it; "loaded": an ordinary load; "hidden": a small load in an empty one;
        "threat": an object among goods.
    scanner : str
        A kind of scanner of the simulator.
    family : str or None
        A family that is built as this scanner.
    cargo : str or None
        Goods; drawn when omitted.
    container : {"20", "40", "45"}
        Length in feet.
    material : {"organic", "steel", "lead"} or None
        Of what is hidden.
    mass : str or list of str or None
        Of what is hidden.
    threat : str or None
        A threat of the simulator.
    event : {"loaded", "dense", "shielded", "threat", "object", "high", "not-low"}
        What is counted; "object": a place pointed at is where the object is.
    """

    scene: Literal["empty", "loaded", "hidden", "threat"]
    scanner: str = "dual"
    family: str | None = None
    cargo: str | None = None
    container: Literal["20", "40", "45"] = "40"
    material: Literal["organic", "steel", "lead"] | None = None
    mass: Values | None = None
    threat: str | None = None
    event: Literal["loaded", "dense", "shielded", "threat", "object", "high", "not-low"]

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.scene == "hidden") != (self.mass is not None and self.material is not None):
            raise ValueError("mass: a hidden load, and nothing else, has a material and a mass")
        check_values("mass", self.mass, "mass")
        if (self.scene == "threat") != (self.threat is not None):
            raise ValueError("threat: a scene of kind 'threat', and no other, names one")
        if self.event == "object" and self.scene not in ("hidden", "threat"):
            raise ValueError(f"event: there is no object to point at in a scene of kind {self.scene!r}")
        check_scanner(self.scanner, self.family)
        from screening.simulation.radiographs.cargo import CARGO_KINDS
        from screening.simulation.radiographs.threats import THREATS

        if self.cargo is not None and self.cargo not in CARGO_KINDS:
            raise ValueError(unknown("cargo", self.cargo, CARGO_KINDS))
        if self.threat is not None and self.threat not in THREATS:
            raise ValueError(unknown("threat", self.threat, THREATS))
        check_judged(self)

    def swept(self) -> list[tuple[str, Values | None, bool]]:
        """Return the field that may hold a list: the mass.

        Returns
        -------
        list of (str, str or list of str or None, bool)
            Name, value, and whether larger values are easier to detect.
        """
        return [("mass", self.mass, True)]


class IndicatorScenario(Scenario, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="indicator"):
    """A test object in a scanner's beam: what the picture shows, whoever looks at it.

    Attributes
    ----------
    indicator : {"penetration", "wire", "contrast"}
        "penetration": a lead block behind steel; "wire": a steel wire in air or behind steel; "contrast": a
        step in a plate of steel.
    steel : str or list of str or None
        Steel in the beam besides.
    diameter : str or list of str or None
        Of the wire.
    contrast : str or list of str or None
        Step over the thickness of the plate: "2 %".
    scanner : str
        A kind of scanner of the simulator.
    family : str or None
        A family that is built as this scanner.
    event : {"seen"}
        The object stands out of its surroundings.
    """

    indicator: Literal["penetration", "wire", "contrast"]
    steel: Values | None = None
    diameter: Values | None = None
    contrast: Values | None = None
    scanner: str = "dual"
    family: str | None = None
    event: Literal["seen"] = "seen"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_scanner(self.scanner, self.family)
        check_values("steel", self.steel, "thickness")
        check_values("diameter", self.diameter, "thickness")
        check_values("contrast", self.contrast, "share")
        if self.indicator in ("penetration", "contrast") and self.steel is None:
            raise ValueError(f"steel: the indicator {self.indicator!r} is behind, or of, steel")
        if (self.indicator == "wire") != (self.diameter is not None):
            raise ValueError("diameter: a wire, and nothing else, has one")
        if (self.indicator == "contrast") != (self.contrast is not None):
            raise ValueError("contrast: the indicator of that name, and no other, has one")
        check_judged(self)

    def swept(self) -> list[tuple[str, Values | None, bool]]:
        """Return the fields that may hold a list: steel, diameter, contrast.

        Returns
        -------
        list of (str, str or list of str or None, bool)
            Name, value, and whether larger values are easier to detect.
        """
        return [
            ("steel", self.steel, False),
            ("diameter", self.diameter, True),
            ("contrast", self.contrast, True),
        ]


class MeasuredScenario(Scenario, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="measured"):
    """Rows of a labelled data set.

    Attributes
    ----------
    folder : str
        With ``labels.csv``, relative to the plan.
    where : dict of str to str
        Columns of the labels and the value each must have; empty: all rows of the split "test".
    event : {"alarm", "identified", "loaded", "dense", "shielded", "threat", "high", "not-low"}
        What is counted.
    """

    folder: str
    where: dict[str, str] = msgspec.field(default_factory=dict)
    event: Literal["alarm", "identified", "loaded", "dense", "shielded", "threat", "high", "not-low"]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.trials is not None:
            raise ValueError("trials: a measured scenario has as many as its rows")
        if self.limit is not None:
            raise ValueError("limit: a measured scenario has no sweep")
        if (self.required is None) == (self.maximum is None):
            raise ValueError("required: either a required or a maximum probability is needed")

"""Recipes: all that says what to simulate, checked when it is made."""

from __future__ import annotations

import math
from typing import Any, Literal

import msgspec

from screening.records import OperatingMode

from .cargo import CARGO_KINDS
from .carriers import CARRIER_KINDS
from .containers import CONTAINER_TYPES
from .families import SCANNER_FAMILIES, SCANNER_KINDS
from .lookalikes import LOOKALIKES
from .stashes import STASHES
from .threats import THREATS

__all__ = ["ORDINARY_CARGO", "RADIOGRAPH_KINDS", "RadiographRecipe", "recipe_from_dict"]

#: What a recipe can ask for.
RADIOGRAPH_KINDS = ("loaded", "empty", "dense", "shielded", "hidden")

#: The loads a "loaded" recipe draws from: ordinary ones, not those opaque by nature.
ORDINARY_CARGO = (
    "boxes", "textiles", "bales", "timber", "sacks", "half", "furniture", "household", "electronics",
    "medicines", "appliances", "tyres", "mattresses", "cigarettes", "sheets", "loose-sacks",
)  # fmt: skip


#: Largest hidden load, kg: of wood it is still a small part of a 20 ft container.
MAX_HIDDEN_KG = 500.0


class RadiographRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to simulate.

    Attributes
    ----------
    kind : {"loaded", "empty", "dense", "shielded", "hidden"}
        An ordinary load; nothing; a load with a lead or steel pig in it; a load with a large steel
        block; an empty container with a small load hidden in it.
    cargo : str or None
        A key of ``CARGO_KINDS``; None draws one.
    scanner : str
        A key of ``SCANNER_KINDS``.
    family : str or None
        A key of ``SCANNER_FAMILIES`` that is built as this scanner; None takes the usual one.
    length : {"20", "40", "45", "2x20"}
        Container length in feet, or two on one carrier.
    is_high_cube : bool
        2.896 m high instead of 2.591 m.
    container : str or None
        One of ``CONTAINER_TYPES``; None takes what the cargo travels in.
    carrier : str or None
        One of ``CARRIER_KINDS``; None draws rail or road. "double-stack" puts a second box on top.
    cargoes : tuple of str
        Cargo of each container in turn, instead of `cargo`; fewer names are repeated.
    threats : tuple of str
        Keys of ``THREATS``, ``LOOKALIKES`` or ``STASHES`` put into the first container.
    occlusion : float or None
        Where a threat hides: 0 behind the thinnest goods among the places tried, 1 behind the
        thickest; None anywhere.
    mirrored : bool or None
        The end of the vehicle comes first; None as the scanner has it.
    skew : float or None
        Tangent of the fan's angle off the square to the motion, -0.3 to 0.3. None takes the instance's
        where a `family` is named, and 0 where none is: a plain recipe stays a plain picture.
    neighbours : {"none", "before", "after", "both"}
        Boxes of the next wagon, cut by the picture's edge.
    has_residue : bool
        Dunnage, straps and sweepings of the last load on the floor.
    lines_lost : float
        Lines that never arrive: a share below 1, else their number.
    declared_empty : bool or None
        What the manifest says; None: the truth of the kind.
    hidden_material : {"organic", "steel", "lead"}
        Material of a hidden load.
    hidden_mass_kg : float
        Its mass.
    scale : float
        Pixel size over that of a full picture: 4 gives a thumbnail of 170 rows.
    cut : {"none", "start", "end", "both"}
        Ends of the container outside the picture.
    has_calibration, has_reference : bool
        Whether the scan brings dark and air, and a reference detector.
    has_defects : bool
        Dead rows, failed and saturated pixels at the rates seen on real scanners.
    has_dropout : bool
        One module missing in packets of lines.
    calibration_age_s : int
        Age of the calibration at the scan.
    container_id, site, lane : str or None
        Carried into the identity.
    operating_mode : OperatingMode
        Carried into the identity.
    seed : int
        Used when :func:`simulate_radiograph` gets none.
    """

    kind: Literal["loaded", "empty", "dense", "shielded", "hidden"] = "loaded"
    cargo: str | None = None
    scanner: str = "dual"
    family: str | None = None
    length: Literal["20", "40", "45", "2x20"] = "40"
    is_high_cube: bool = False
    container: str | None = None
    carrier: str | None = None
    cargoes: tuple[str, ...] = ()
    threats: tuple[str, ...] = ()
    occlusion: float | None = None
    mirrored: bool | None = None
    skew: float | None = None
    neighbours: Literal["none", "before", "after", "both"] = "none"
    has_residue: bool = False
    lines_lost: float = 0.0
    declared_empty: bool | None = None
    hidden_material: Literal["organic", "steel", "lead"] = "steel"
    hidden_mass_kg: float = 10.0
    scale: float = 1.0
    cut: Literal["none", "start", "end", "both"] = "none"
    has_calibration: bool = True
    has_reference: bool = True
    has_defects: bool = True
    has_dropout: bool = False
    calibration_age_s: int = 600
    container_id: str | None = None
    site: str | None = "SIM"
    lane: str | None = None
    operating_mode: OperatingMode = OperatingMode.OPS
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, known in (
            ("cargo", self.cargo, CARGO_KINDS),
            ("scanner", self.scanner, SCANNER_KINDS),
            ("family", self.family, SCANNER_FAMILIES),
            ("container", self.container, CONTAINER_TYPES),
            ("carrier", self.carrier, CARRIER_KINDS),
        ):
            if value is not None:
                _require_known(name, value, known)
        for value in self.cargoes:
            _require_known("cargo", value, CARGO_KINDS)
        for value in self.threats:
            _require_known("threat", value, {**THREATS, **LOOKALIKES, **STASHES})
        if self.family is not None and self.scanner not in SCANNER_FAMILIES[self.family].kinds:
            built = ", ".join(SCANNER_FAMILIES[self.family].kinds)
            raise ValueError(f"family {self.family} is built as {built}, not as {self.scanner!r}")
        if self.container == "tank" and self.threats:
            raise ValueError(f"a tank container has no hold for {', '.join(self.threats)}")
        if self.occlusion is not None and not 0.0 <= self.occlusion <= 1.0:
            raise ValueError(f"occlusion must be 0 to 1, got {self.occlusion!r}")
        if self.skew is not None and not -0.3 <= self.skew <= 0.3:
            raise ValueError(f"skew must be -0.3 to 0.3, got {self.skew!r}")
        if not 0.5 <= self.scale <= 16:
            raise ValueError(f"scale must be 0.5 to 16, got {self.scale!r}")
        if not 0 <= self.lines_lost < math.inf:
            raise ValueError(f"lines_lost must be finite and not negative, got {self.lines_lost!r}")
        if not 0 < self.hidden_mass_kg <= MAX_HIDDEN_KG:
            raise ValueError(
                f"hidden_mass_kg must be above 0 to {MAX_HIDDEN_KG:g}, got {self.hidden_mass_kg!r}"
            )
        if self.calibration_age_s < 0:
            raise ValueError(f"calibration_age_s must not be negative, got {self.calibration_age_s!r}")
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed!r}")


def recipe_from_dict(fields: dict[str, Any]) -> RadiographRecipe:
    """Return a recipe from plain values, as presets and TOML hold them.

    Parameters
    ----------
    fields : dict
        Fields of :class:`RadiographRecipe`.

    Returns
    -------
    RadiographRecipe
        The recipe.

    Raises
    ------
    ValueError
        If a field is unknown or has a wrong value (msgspec's ValidationError is one).
    """
    return msgspec.convert(fields, RadiographRecipe)


def _require_known(name: str, value: str, known: Any) -> None:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(sorted(known))}, got {value!r}")

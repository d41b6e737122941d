"""Quantities as test plans write them: a number and its unit, never one without the other."""

from __future__ import annotations

import math
import re

__all__ = ["UNITS", "parse_quantity"]

#: Factor of each unit on the base unit of its kind. 1 Ci = 37 GBq.
UNITS: dict[str, dict[str, float]] = {
    "activity": {"Bq": 1e-6, "kBq": 1e-3, "MBq": 1.0, "GBq": 1e3, "TBq": 1e6, "uCi": 0.037, "mCi": 37.0},
    "emission": {"n/s": 1.0},
    "speed": {"m/s": 1.0, "km/h": 1.0 / 3.6},
    "thickness": {"mm": 0.1, "cm": 1.0, "m": 100.0},
    "distance": {"cm": 0.01, "m": 1.0},
    "rate": {"cps": 1.0},
    "time": {"s": 1.0, "min": 60.0, "h": 3600.0},
    "mass": {"g": 1e-3, "kg": 1.0},
    "share": {"%": 0.01},
}

#: Base unit of each kind: what :func:`parse_quantity` returns.
BASE = {
    "activity": "MBq",
    "emission": "n/s",
    "speed": "m/s",
    "thickness": "cm",
    "distance": "m",
    "rate": "cps",
    "time": "s",
    "mass": "kg",
    "share": "",
}

_FORM = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S*)")


def parse_quantity(text: str, kind: str, *, name: str = "") -> float:
    """Return a quantity in the base unit of its kind.

    Parameters
    ----------
    text : str
        A number and a unit: "500 kBq".
    kind : str
        A key of :data:`UNITS`.
    name : str
        What it is called in the message of an error.

    Returns
    -------
    float
        In MBq, n/s, m/s, cm (thickness), m (distance), counts/s, s, kg, or as a share; above 0.

    Raises
    ------
    ValueError
        If the unit is missing or of another kind, or the number is not above 0 and finite.
    """
    units = UNITS[kind]
    what = f"{name or kind}: {text!r}"
    allowed = ", ".join(units)
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{what} is no number with a unit; allowed units: {allowed}")
    if not match[2]:
        raise ValueError(f"{what} has no unit; allowed: {allowed}")
    if match[2] not in units:
        raise ValueError(f"{what}: unit {match[2]!r} is none of a {kind}; allowed: {allowed}")
    value = float(match[1])
    if not (math.isfinite(value) and value > 0.0):
        raise ValueError(f"{what} must be above 0 and finite")
    return value * units[match[2]]

"""What a recipe may ask for: each refusal names the value and the allowed range."""

from __future__ import annotations

import math

from screening.physics import MATERIALS
from screening.physics.attenuation import SYMBOLS

__all__ = ["check_material", "check_motion", "check_range"]

#: Fastest vehicle, m/s.
_MAX_SPEED_M_S = 40.0

#: Slowest speed at which a vehicle is said to move, m/s: slower, a pass would take hours.
_MIN_SPEED_M_S = 0.05


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Refuse a value outside a range.

    Parameters
    ----------
    name : str
        What the value is.
    value : float
        The value.
    low, high : float
        Allowed range, both ends included.

    Raises
    ------
    ValueError
        If the value is outside, or not a number.
    """
    if not low <= value <= high:
        raise ValueError(f"{name} must be from {low:g} to {high:g}, got {value:g}")


def check_material(name: str) -> None:
    """Refuse a material that is not known.

    Parameters
    ----------
    name : str
        Name of a material, or an element symbol.

    Raises
    ------
    ValueError
        If neither is known.
    """
    if name not in MATERIALS and name not in SYMBOLS[1:]:
        raise ValueError(f"unknown material {name!r}; known: {', '.join(MATERIALS)} and element symbols")


def check_motion(speed_m_s: float, motion: tuple[tuple[float, float], ...]) -> None:
    """Refuse a motion with which a vehicle never leaves the portal.

    Parameters
    ----------
    speed_m_s : float
        Speed at the start.
    motion : tuple of (float, float)
        Seconds, and the speed at their end.

    Raises
    ------
    ValueError
        If a speed or a time is outside its range, or the vehicle stands or reverses at the end.
    """
    check_range("speed_m_s", speed_m_s, 0.0 if motion else _MIN_SPEED_M_S, _MAX_SPEED_M_S)
    for duration_s, speed_then_m_s in motion:
        check_range("seconds of a motion", duration_s, 0.0, 3600.0)
        check_range("speed of a motion", speed_then_m_s, -_MAX_SPEED_M_S, _MAX_SPEED_M_S)
    if motion and not motion[-1][1] >= _MIN_SPEED_M_S:
        raise ValueError(
            f"a motion must end with a speed from {_MIN_SPEED_M_S:g} to {_MAX_SPEED_M_S:g} m/s, "
            f"or the vehicle never leaves, got {motion[-1][1]:g}"
        )
    if not all(math.isfinite(value) for pair in motion for value in pair):
        raise ValueError("a motion must be finite")

"""What a scenario varies: a list in the place of a value makes a curve of the result."""

from __future__ import annotations

from typing import Protocol, TypeAlias

import msgspec

from .quantities import parse_quantity

__all__ = ["LEAST_POINTS", "Sweep", "Swept", "Values", "sweep_kind", "sweep_of"]

#: One value, or a list of them: then the result is a curve.
Values: TypeAlias = str | list[str]

#: Points that a fitted curve needs at least.
LEAST_POINTS = 4


class Swept(Protocol):
    """A scenario, as far as its sweep is asked for."""

    def swept(self) -> list[tuple[str, Values | None, bool]]:
        """Return the fields that may hold a list.

        Returns
        -------
        list of (str, str or list of str or None, bool)
            Name, value, and whether larger values are easier to detect.
        """
        ...


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """What a scenario varies.

    Attributes
    ----------
    name : str
        The field: "activity", "speed", "thickness", "distance", "mass", "diameter", "contrast".
    texts : tuple of str
        Values as written, in rising order.
    values : tuple of float
        The same in the base unit.
    is_easier_up : bool
        Larger values are easier to detect.
    """

    name: str
    texts: tuple[str, ...]
    values: tuple[float, ...]
    is_easier_up: bool


def sweep_of(scenario: Swept) -> Sweep | None:
    """Return what a scenario varies.

    Parameters
    ----------
    scenario : Swept
        Any scenario.

    Returns
    -------
    Sweep or None
        None: one point.

    Raises
    ------
    ValueError
        If it varies two things, or in too few steps for a curve.
    """
    found = [
        (name, sweep_kind(name), value, is_easier_up)
        for name, value, is_easier_up in scenario.swept()
        if isinstance(value, list)
    ]
    if not found:
        return None
    if len(found) > 1:
        raise ValueError(f"{found[1][0]}: one list is swept in a scenario, and {found[0][0]} is one")
    name, kind, value, is_easier_up = found[0]
    pairs = sorted((parse_quantity(text, kind, name=name), text) for text in value)
    values = tuple(one for one, _ in pairs)
    if len(set(values)) < LEAST_POINTS:
        raise ValueError(f"{name}: a curve needs {LEAST_POINTS} different values, got {len(set(values))}")
    if len(set(values)) < len(values):
        raise ValueError(f"{name}: a value stands twice in the list")
    return Sweep(name=name, texts=tuple(text for _, text in pairs), values=values, is_easier_up=is_easier_up)


def sweep_kind(name: str) -> str:
    """Return the kind of quantity that a swept field is.

    Parameters
    ----------
    name : str
        Of a :class:`Sweep`.

    Returns
    -------
    str
        A key of :data:`.quantities.UNITS`.
    """
    return {"steel": "thickness", "diameter": "thickness", "contrast": "share"}.get(name, name)

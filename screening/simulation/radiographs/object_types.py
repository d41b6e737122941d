"""What a kind of object is: its name, its family, how it is built and how it lies."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .solids import Part

__all__ = ["Build", "ThreatType", "object_table"]

Build = Callable[[np.random.Generator], list[Part]]


class ThreatType(NamedTuple):
    """One kind of object.

    Attributes
    ----------
    name : str
        Its label.
    family : {"source", "snm", "weapon", "contraband", "person"}
        What it is, or is mistaken for.
    build : callable
        Returns its parts, drawing from a generator.
    stands : bool
        It stands on its base; else it may lie any way.
    """

    name: str
    family: str
    build: Build
    stands: bool


def object_table(*rows: tuple[str, str, Build, bool]) -> dict[str, ThreatType]:
    """Return kinds of objects by name.

    Parameters
    ----------
    *rows : tuple
        Name, family, builder, and whether it stands.

    Returns
    -------
    dict of str to ThreatType
        In the order given.
    """
    return {name: ThreatType(name, family, build, stands) for name, family, build, stands in rows}

"""Kinds of cargo by name: how each is loaded, what is declared for it, what it does to a picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from screening.simulation.radiographs.hold import Load

__all__ = ["CARGO_KINDS", "CargoType", "cargo_type"]

Fill = Callable[[Load, np.random.Generator], None]


class CargoType(NamedTuple):
    """One kind of cargo.

    Attributes
    ----------
    name : str
        Its name in recipes.
    fill : callable
        Puts it into a load, drawing from a generator.
    hs_chapters : tuple of str
        Chapters of the Harmonized System it is declared under, two digits.
    goods : tuple of str
        Words a manifest declares it with.
    container : str
        The container type it travels in.
    is_dense : bool
        Places of it are opaque to a 6 MV scanner by nature.
    is_light : bool
        Nowhere near opaque: an object in it shows.
    """

    name: str
    fill: Fill
    hs_chapters: tuple[str, ...]
    goods: tuple[str, ...]
    container: str = "standard"
    is_dense: bool = False
    is_light: bool = False


#: Cargo kinds by name.
CARGO_KINDS: dict[str, CargoType] = {}


def cargo_type(
    name: str,
    hs_chapters: tuple[str, ...],
    goods: tuple[str, ...],
    *,
    container: str = "standard",
    is_dense: bool = False,
    is_light: bool = False,
) -> Callable[[Fill], Fill]:
    """Return a decorator that registers how a kind of cargo is loaded.

    Parameters
    ----------
    name : str
        Its name in recipes.
    hs_chapters : tuple of str
        Chapters of the Harmonized System.
    goods : tuple of str
        Words of a manifest.
    container : str, default "standard"
        The container type it travels in.
    is_dense, is_light : bool
        What it does to a picture.

    Returns
    -------
    callable
        Registers the function it is given and returns it.

    Raises
    ------
    ValueError
        If the name is taken.
    """

    def register(fill: Fill) -> Fill:  # numpydoc ignore=GL08
        if name in CARGO_KINDS:
            raise ValueError(f"cargo {name!r} is registered twice")
        CARGO_KINDS[name] = CargoType(name, fill, hs_chapters, goods, container, is_dense, is_light)
        return fill

    return register

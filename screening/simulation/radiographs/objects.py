"""Labelled objects of a scene: what is known of each apart from what hides it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .geometry import FanGeometry, Region
from .tracing import Placed, trace_alone

__all__ = ["SceneObject"]


class SceneObject:
    """What was added while an object was labelled: the ground truth of its mask.

    Parameters
    ----------
    geometry : FanGeometry
        Of its scene.
    label, kind : str
        What it is called.

    Attributes
    ----------
    label, kind : str
        What it is called.
    """

    def __init__(self, geometry: FanGeometry, label: str, kind: str) -> None:
        self.label = label
        self.kind = kind
        self._geometry = geometry
        self._placed: list[Placed] = []
        self._seen: tuple[int, Region | None, NDArray[np.float32], tuple[str, ...]] | None = None

    @property
    def region(self) -> Region | None:
        """Smallest window that holds it; None if it is not in the picture."""
        return self._trace()[1]

    @property
    def areal_density(self) -> NDArray[np.float32]:
        """Areal density of the object alone in its window, g/cm2; shape (0, 0) if not in the picture."""
        return self._trace()[2]

    @property
    def materials(self) -> tuple[str, ...]:
        """The names of its materials, sorted."""
        return self._trace()[3]

    def add(self, placed: Placed) -> None:
        """Add a body; the scene does so for what is added to it meanwhile.

        Parameters
        ----------
        placed : Placed
            The body.
        """
        self._placed.append(placed)

    def _trace(self) -> tuple[int, Region | None, NDArray[np.float32], tuple[str, ...]]:
        if self._seen is None or self._seen[0] != len(self._placed):
            region, density = trace_alone(self._placed, self._geometry)
            names = tuple(sorted({p.material for p in self._placed}))
            self._seen = (len(self._placed), region, density, names)
        return self._seen

"""Which photons of a label leave in one decay."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from screening.physics.decay import cascades
from screening.physics.nuclides import members

from .photons import FLUX_EDGES
from .summing import PhotonPairs

__all__ = ["photon_pairs"]

#: Pairs rarer than this, per decay of the label, are left out.
_LEAST = 1e-3


@lru_cache(maxsize=256)
def photon_pairs(name: str) -> PhotonPairs | None:
    """Return the photons that decays of a label, or of its daughters, emit together.

    Parameters
    ----------
    name : str
        Key of :data:`screening.physics.NUCLIDES`.

    Returns
    -------
    PhotonPairs or None
        Per decay of the label, strongest first; None if it has none worth following.
    """
    found: dict[tuple[float, float], float] = {}
    for member, amount in members(name).items():
        for cascade in cascades(member):
            energies = [energy for energy in cascade.energy_kev if energy > FLUX_EDGES[0]]
            for first in range(len(energies)):
                for second in range(first + 1, len(energies)):
                    pair = (energies[first], energies[second])
                    found[pair] = found.get(pair, 0.0) + amount * cascade.probability
    kept = sorted((pair for pair in found if found[pair] > _LEAST), key=lambda pair: (-found[pair], pair))
    if not kept:
        return None
    return PhotonPairs(
        np.array([pair[0] for pair in kept]),
        np.array([pair[1] for pair in kept]),
        np.array([found[pair] for pair in kept]),
    )

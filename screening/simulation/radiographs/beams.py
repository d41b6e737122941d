"""Beams of scanner instances: a nominal label with the endpoint and filtration that were drawn for it."""

from __future__ import annotations

from functools import cache

import numpy as np

from screening.physics.attenuation import attenuation
from screening.radiography.curves import Beam, beam

__all__ = ["NOMINAL_MV", "endpoint_sensitivity", "instance_beam"]

#: Nominal endpoint of each bremsstrahlung label, MV.
NOMINAL_MV = {"9MV": 9.0, "6MV": 6.0, "4MV": 4.0}

#: Bins of a spectrum; -ln T of steel, lead and wood is that of 400 bins to 0.15 % up to 200 g/cm2.
SPECTRUM_BINS = 40

LOWEST_KEV = 60.0
#: Cadmium tungstate, 3 cm.
DETECTOR_G_CM2 = 23.7


@cache
def instance_beam(label: str, endpoint_mv: float, tungsten_g_cm2: float, steel_g_cm2: float) -> Beam:
    """Return the beam of an instance.

    Kramers' spectrum behind tungsten and steel, weighed by the energy that cadmium tungstate takes, as
    :func:`screening.radiography.curves.beam` has it for the nominal label; gamma lines behind the steel.

    Parameters
    ----------
    label : str
        Energy label.
    endpoint_mv : float
        Endpoint, 1 to 20 MV; of no effect on gamma lines.
    tungsten_g_cm2, steel_g_cm2 : float
        Filtration, 0 to 100 g/cm2; gamma lines see the steel alone.

    Returns
    -------
    Beam
        Energies and their share of the air signal.

    Raises
    ------
    ValueError
        If the label is unknown or a value is out of its range.
    """
    for name, value in (("tungsten", tungsten_g_cm2), ("steel", steel_g_cm2)):
        if not 0.0 <= value <= 100.0:
            raise ValueError(f"{name} must be 0 to 100 g/cm2, got {value!r}")
    if label not in NOMINAL_MV:
        lines = beam(label)
        weight = lines.weight * np.exp(-attenuation("steel", lines.energy_kev) * steel_g_cm2)
        return Beam(lines.energy_kev, weight / weight.sum())
    if not 1.0 <= endpoint_mv <= 20.0:
        raise ValueError(f"endpoint must be 1 to 20 MV, got {endpoint_mv!r}")
    edges = np.geomspace(LOWEST_KEV, 1000.0 * endpoint_mv, SPECTRUM_BINS + 1)
    energy = np.sqrt(edges[:-1] * edges[1:])
    number = (1000.0 * endpoint_mv / energy - 1.0) * np.diff(edges)
    number *= np.exp(
        -attenuation("tungsten", energy) * tungsten_g_cm2 - attenuation("steel", energy) * steel_g_cm2
    )
    weight = number * energy * (1.0 - np.exp(-attenuation("cadmium-tungstate", energy) * DETECTOR_G_CM2))
    return Beam(energy, weight / weight.sum())


@cache
def endpoint_sensitivity(label: str, endpoint_mv: float, tungsten_g_cm2: float, steel_g_cm2: float) -> float:
    """Return d ln(-ln T) / d ln(endpoint) behind 60 g/cm2 of steel.

    Parameters
    ----------
    label : str
        Energy label.
    endpoint_mv, tungsten_g_cm2, steel_g_cm2 : float
        As of :func:`instance_beam`.

    Returns
    -------
    float
        Negative for bremsstrahlung, 0 for gamma lines.
    """
    if label not in NOMINAL_MV:
        return 0.0
    depth = []
    for factor in (0.98, 1.02):
        one = instance_beam(label, endpoint_mv * factor, tungsten_g_cm2, steel_g_cm2)
        behind = one.weight @ np.exp(-60.0 * attenuation("steel", one.energy_kev))
        depth.append(-np.log(behind))
    return float(np.log(depth[1] / depth[0]) / np.log(1.02 / 0.98))

"""Nuclide lines, photon attenuation, materials and detector response: tables and lookups."""

from .attenuation import attenuation, transmission
from .detector import (
    FwhmLaw,
    compton_continuum,
    full_energy_efficiency,
    klein_nishina_electron,
)
from .materials import MATERIALS, MaterialData, material_data, mixture
from .nuclides import NAMED, NUCLIDES, Nuclide, nuclide

__all__ = [
    "MATERIALS",
    "NAMED",
    "NUCLIDES",
    "FwhmLaw",
    "MaterialData",
    "Nuclide",
    "attenuation",
    "compton_continuum",
    "full_energy_efficiency",
    "klein_nishina_electron",
    "material_data",
    "mixture",
    "nuclide",
    "transmission",
]

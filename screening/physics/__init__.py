"""Nuclide lines, photon attenuation, materials and detector response: tables and lookups."""

from .attenuation import attenuation, transmission
from .bremsstrahlung import bremsstrahlung
from .decay import Cascade, activities, beta_branches, cascades, half_life_s, lines_of
from .detector import (
    FwhmLaw,
    compton_continuum,
    full_energy_efficiency,
    klein_nishina_electron,
)
from .materials import MATERIALS, MaterialData, material_data, mixture
from .nuclides import NAMED, NUCLIDES, Nuclide, members, nuclide
from .response import RESPONSES, Response, response
from .scatter import backscattered, emerging

__all__ = [
    "MATERIALS",
    "NAMED",
    "NUCLIDES",
    "RESPONSES",
    "Cascade",
    "FwhmLaw",
    "MaterialData",
    "Nuclide",
    "Response",
    "activities",
    "attenuation",
    "backscattered",
    "beta_branches",
    "bremsstrahlung",
    "cascades",
    "compton_continuum",
    "emerging",
    "full_energy_efficiency",
    "half_life_s",
    "klein_nishina_electron",
    "lines_of",
    "material_data",
    "members",
    "mixture",
    "nuclide",
    "response",
    "transmission",
]

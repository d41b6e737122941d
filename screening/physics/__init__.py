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
from .response import RESPONSES, Response, response
from .scatter import backscattered, emerging

__all__ = [
    "MATERIALS",
    "NAMED",
    "NUCLIDES",
    "RESPONSES",
    "FwhmLaw",
    "MaterialData",
    "Nuclide",
    "Response",
    "attenuation",
    "backscattered",
    "compton_continuum",
    "emerging",
    "full_energy_efficiency",
    "klein_nishina_electron",
    "material_data",
    "mixture",
    "nuclide",
    "response",
    "transmission",
]

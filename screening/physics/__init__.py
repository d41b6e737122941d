"""Nuclide lines, photon attenuation, materials and detector response: tables and lookups."""

from .attenuation import attenuation, transmission
from .beams import Beam, beam, beam_of, deposited_share, rescaled_attenuation
from .bremsstrahlung import bremsstrahlung
from .decay import Cascade, activities, beta_branches, cascades, half_life_s, lines_of
from .detector import (
    FwhmLaw,
    compton_continuum,
    full_energy_efficiency,
    klein_nishina_electron,
)
from .materials import MATERIALS, MaterialData, material_data, mixture
from .neutron_sources import neutron_emission, neutrons_per_decay
from .neutrons import (
    NeutronPanel,
    altitude_factor,
    background_rate,
    cosmic_counts,
    gamma_counts,
    panel_rate,
    ship_factor,
)
from .nuclides import NAMED, NUCLIDES, Nuclide, members, nuclide
from .response import RESPONSES, Response, response
from .scatter import backscattered, emerging
from .transparency import ScaleFit, fit_scales, semiz_figure

__all__ = [
    "MATERIALS",
    "NAMED",
    "NUCLIDES",
    "RESPONSES",
    "Beam",
    "Cascade",
    "FwhmLaw",
    "MaterialData",
    "NeutronPanel",
    "Nuclide",
    "Response",
    "ScaleFit",
    "activities",
    "altitude_factor",
    "attenuation",
    "background_rate",
    "backscattered",
    "beam",
    "beam_of",
    "beta_branches",
    "bremsstrahlung",
    "cascades",
    "compton_continuum",
    "cosmic_counts",
    "deposited_share",
    "emerging",
    "fit_scales",
    "full_energy_efficiency",
    "gamma_counts",
    "half_life_s",
    "klein_nishina_electron",
    "lines_of",
    "material_data",
    "members",
    "mixture",
    "neutron_emission",
    "neutrons_per_decay",
    "nuclide",
    "panel_rate",
    "rescaled_attenuation",
    "response",
    "semiz_figure",
    "ship_factor",
    "transmission",
]

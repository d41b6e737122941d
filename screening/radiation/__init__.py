"""Radiation analysis: from counts, spectra and neutrons of one scan to findings, without a level."""

from .analyser import RadiationAnalyser
from .settings import LaneGeometry, NeutronSettings, RadiationSettings

__all__ = ["LaneGeometry", "NeutronSettings", "RadiationAnalyser", "RadiationSettings"]

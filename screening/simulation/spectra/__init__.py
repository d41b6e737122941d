"""Spectra of random instruments: sources behind shields, on a family of backgrounds, with their truth."""

from .channels import discriminator, expected_counts, piled_up
from .crystal import Crystal
from .draw import SimulatedSpectrum, SpectrumRecipe, background_counts, simulate_spectrum, source_counts
from .instrument import DETECTOR_CLASSES, Detector, draw_detector

__all__ = [
    "DETECTOR_CLASSES",
    "Crystal",
    "Detector",
    "SimulatedSpectrum",
    "SpectrumRecipe",
    "background_counts",
    "discriminator",
    "draw_detector",
    "expected_counts",
    "piled_up",
    "simulate_spectrum",
    "source_counts",
]

"""Spectra of random instruments: sources behind shields, on a family of backgrounds, with their truth."""

from .draw import SimulatedSpectrum, SpectrumRecipe, background_counts, simulate_spectrum, source_counts
from .instrument import DETECTOR_CLASSES, Detector, discriminator, draw_detector, expected_counts

__all__ = [
    "DETECTOR_CLASSES",
    "Detector",
    "SimulatedSpectrum",
    "SpectrumRecipe",
    "background_counts",
    "discriminator",
    "draw_detector",
    "expected_counts",
    "simulate_spectrum",
    "source_counts",
]

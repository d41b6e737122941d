"""Photon Monte Carlo: detectors, shields and surfaces, and the tables made with it."""

from .detectors import DETECTORS
from .responses import write_responses
from .scattering import write_scatter

__all__ = ["DETECTORS", "write_responses", "write_scatter"]

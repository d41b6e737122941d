"""Photon Monte Carlo: detectors, shields and surfaces, and the tables made with it."""

from .responses import write_responses
from .scattering import write_scatter

__all__ = ["write_responses", "write_scatter"]

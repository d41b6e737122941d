"""What is evaluated: detectors of our own, references, third parties', outside programs."""

from __future__ import annotations

from .answer import Candidate, DetectorAnswer
from .gross import GrossCountDetector
from .pipeline import PipelineDetector
from .protocol import CAPABILITIES, DetectorUnderTest, capabilities_of
from .registry import GROUP, chosen_detectors, load_detectors, registered_names
from .replay import ReplayDetector, ReplayError

__all__ = [
    "CAPABILITIES",
    "GROUP",
    "Candidate",
    "DetectorAnswer",
    "DetectorUnderTest",
    "GrossCountDetector",
    "PipelineDetector",
    "ReplayDetector",
    "ReplayError",
    "capabilities_of",
    "chosen_detectors",
    "load_detectors",
    "registered_names",
]

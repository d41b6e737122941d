"""What is evaluated: detectors of our own, references, third parties', outside programs."""

from __future__ import annotations

from .builtin import (
    GROUP,
    Candidate,
    DetectorAnswer,
    DetectorUnderTest,
    GrossCountDetector,
    PipelineDetector,
    load_detectors,
)

__all__ = [
    "GROUP",
    "Candidate",
    "DetectorAnswer",
    "DetectorUnderTest",
    "GrossCountDetector",
    "PipelineDetector",
    "load_detectors",
]

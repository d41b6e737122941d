"""Measure detectors against labelled samples: answer rates, errors and their intervals."""

from __future__ import annotations

from .detectors import DetectorAnswer, DetectorUnderTest
from .record import Evaluation, evaluation_schema
from .report import evaluation_table
from .run import run

__all__ = [
    "DetectorAnswer",
    "DetectorUnderTest",
    "Evaluation",
    "evaluation_schema",
    "evaluation_table",
    "run",
]

"""Measure detectors against labelled samples: answer rates, errors and their intervals."""

from __future__ import annotations

from .detectors import DetectorAnswer, DetectorUnderTest
from .record import Evaluation, Part, evaluation_schema
from .report import changes_table, evaluation_table, read_report
from .requests import Outcome, Request, run_request
from .run import run

__all__ = [
    "DetectorAnswer",
    "DetectorUnderTest",
    "Evaluation",
    "Outcome",
    "Part",
    "Request",
    "changes_table",
    "evaluation_schema",
    "evaluation_table",
    "read_report",
    "run",
    "run_request",
]

"""From a case to the inputs of the decision table: what counts, with what level, and why not better."""

from __future__ import annotations

from .case import WeighedCase, case_inputs, weigh
from .conclusions import ILLICIT_CODES

__all__ = ["ILLICIT_CODES", "WeighedCase", "case_inputs", "weigh"]

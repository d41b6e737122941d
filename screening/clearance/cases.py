"""From a container's evidence to the inputs of the decision table: see :mod:`.weighing`."""

from __future__ import annotations

from .weighing import WeighedCase, case_inputs, weigh

__all__ = ["WeighedCase", "case_inputs", "weigh"]

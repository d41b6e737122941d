"""Whole-system operations: they run the parts, and contain no analysis, decision or drawing of their own."""

from .demo import DemoOutcome, run_demo

__all__ = ["DemoOutcome", "run_demo"]

"""Whole-system operations: they run the parts, and contain no analysis, decision or drawing of their own."""

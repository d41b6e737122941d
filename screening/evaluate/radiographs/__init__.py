"""The bench of radiographs, and threats put into measured pictures."""

from __future__ import annotations

from .bench import run_bench

__all__ = ["run_bench"]

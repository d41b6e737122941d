"""Batch: index an archive, run the pipeline over it, compare with what was stored, report.

The reports for people are in :mod:`screening.reanalyse.report`, which the live jobs use too.
"""

from __future__ import annotations

from .run import RunSummary, run

__all__ = ["RunSummary", "run"]

"""Reports: one page for people, tables for machines, and what changed since a baseline."""

from __future__ import annotations

from .page import evaluation_page, evaluation_table, figure_rows

__all__ = ["evaluation_page", "evaluation_table", "figure_rows"]

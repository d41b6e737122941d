"""Reports: one page for people, tables for machines, and what changed since a baseline."""

from __future__ import annotations

from .baseline import Change, Changes, compare, stripped
from .files import parquet_notice, read_report, write_report
from .page import evaluation_page
from .paired import stored_pairs
from .provenance import provenance
from .table import changes_table, evaluation_table, markdown_table

__all__ = [
    "Change",
    "Changes",
    "changes_table",
    "compare",
    "evaluation_page",
    "evaluation_table",
    "markdown_table",
    "parquet_notice",
    "provenance",
    "read_report",
    "stored_pairs",
    "stripped",
    "write_report",
]

"""Reports for people: one self-contained HTML file on the containers of a run."""

from __future__ import annotations

from .entries import Entry, ReportedScan, reported_scan, scan_products
from .page import write_report
from .stored import entries_from_store

__all__ = ["Entry", "ReportedScan", "entries_from_store", "reported_scan", "scan_products", "write_report"]

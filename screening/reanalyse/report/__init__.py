"""Reports for people: one self-contained HTML file on the containers of a run."""

from __future__ import annotations

from .entries import Entry, ReportedScan, reported_scan, scan_products
from .page import write_report

__all__ = ["Entry", "ReportedScan", "reported_scan", "scan_products", "write_report"]

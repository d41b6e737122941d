"""Measures of a programme, from the ledger: pure functions of its records, and the tables they stand in."""

from __future__ import annotations

from .figures import Measure, programme_measures, seal_measures
from .records import LedgerRecords, read_ledger
from .runs import Expected, Run, container_runs
from .tables import read_expected, read_truths, write_tables
from .trips import PointRead, SealTruth, Trip, seal_trips

__all__ = [
    "Expected",
    "LedgerRecords",
    "Measure",
    "PointRead",
    "Run",
    "SealTruth",
    "Trip",
    "container_runs",
    "programme_measures",
    "read_expected",
    "read_ledger",
    "read_truths",
    "seal_measures",
    "seal_trips",
    "write_tables",
]

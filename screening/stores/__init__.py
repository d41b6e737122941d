"""Where results are kept: one SQLite file with scans, flags, decisions and owed messages."""

from __future__ import annotations

from .results import SCHEMA_VERSION, ResultStore
from .rows import Message, Owed, StoredScan

__all__ = ["SCHEMA_VERSION", "Message", "Owed", "ResultStore", "StoredScan"]

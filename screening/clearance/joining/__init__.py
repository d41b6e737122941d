"""From the set of a container's sealed records to its case: order, repetition and lateness do not matter."""

from __future__ import annotations

from .crossings import Discrepancy, account_crossings
from .fold import join_case
from .scans import containers_ruled

__all__ = ["Discrepancy", "account_crossings", "containers_ruled", "join_case"]

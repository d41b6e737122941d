"""The desk: the one place where records, cases, the ledger and owed messages change together.

What speaks to a database is loaded when it is first asked for: views and rules come without it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .views import CaseView, DeskRules, OutboxMessage, SinkWants, Taken

if TYPE_CHECKING:
    from .appending import DeskLedger
    from .database import Database
    from .desk import Desk
    from .outbox import Outbox

__all__ = [
    "CaseView",
    "Database",
    "Desk",
    "DeskLedger",
    "DeskRules",
    "Outbox",
    "OutboxMessage",
    "SinkWants",
    "Taken",
]

_HOMES = {"Database": "database", "Desk": "desk", "DeskLedger": "appending", "Outbox": "outbox"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)

"""The desk: the one place where records, cases, the ledger and owed messages change together."""

from __future__ import annotations

from .appending import DeskLedger
from .database import Database
from .desk import Desk
from .outbox import Outbox
from .views import CaseView, DeskRules, OutboxMessage, SinkWants, Taken

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

"""Clearance commands: decisions, keys, the ledger, and what is shared."""

from __future__ import annotations

import typer

from . import (
    decisions,
    desk,
    keys,
    ledger,
    measures,
    outbox,
    policies,
    revoking,
    sealing,
    serving,
    sharing,
    transit,
)

__all__ = ["app"]

app = typer.Typer(help="Decisions: make keys, decide, share, verify, audit.", no_args_is_help=True)
for module in (
    keys,
    sealing,
    decisions,
    desk,
    ledger,
    sharing,
    revoking,
    transit,
    serving,
    measures,
    outbox,
    policies,
):
    module.register(app)

"""Clearance commands."""

from __future__ import annotations

import typer

__all__ = ["app"]

app = typer.Typer(help="Decisions: verify what was signed.", no_args_is_help=True)

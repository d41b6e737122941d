"""Live acquisition: lanes, spool, supervised analysis and cases."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .running import run_acquire
    from .settings import AcquireSettings, LaneSettings, read_acquire_settings

_HOMES = {
    "AcquireSettings": ".settings",
    "LaneSettings": ".settings",
    "read_acquire_settings": ".settings",
    "run_acquire": ".running",
}

__all__ = ["AcquireSettings", "LaneSettings", "read_acquire_settings", "run_acquire"]


def __getattr__(name: str) -> Any:
    # Loaded on use: analysis children import their half of the package, and not the other.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)

"""Emulated instruments: they speak the wire protocols of portals and scanners, on loopback by default."""

from __future__ import annotations

from .portal import PortalEmulator
from .running import EmulatorPorts, run_emulator
from .scanner import ScannerEmulator, line_stream
from .traffic import Passage, Vehicle

__all__ = [
    "EmulatorPorts",
    "Passage",
    "PortalEmulator",
    "ScannerEmulator",
    "Vehicle",
    "line_stream",
    "run_emulator",
]

"""Seals on the way: readings taken from gateways, and what a journey's readings leave open."""

from __future__ import annotations

from .timeline import CustodyPoint, JourneyGap, custody_timeline, journey_gaps, longest_silence

__all__ = ["CustodyPoint", "JourneyGap", "custody_timeline", "journey_gaps", "longest_silence"]

"""Where sealed records go: the protocol of a sink, the relay, and the sinks that come with the package.

The sinks themselves are reached through the entry points ``screening.clearance``, so that what only one
of them needs is loaded only where it is used.
"""

from __future__ import annotations

from .attempts import RelaySettings
from .registry import GROUP, build_sinks, registered_sinks
from .relay import LaneState, Relay
from .sink import DecisionSink, SinkContext, SinkError, SinkMessage

__all__ = [
    "GROUP",
    "DecisionSink",
    "LaneState",
    "Relay",
    "RelaySettings",
    "SinkContext",
    "SinkError",
    "SinkMessage",
    "build_sinks",
    "registered_sinks",
]

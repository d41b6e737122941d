"""Image analysis: correct, find the container, say what cannot be seen, and what is dense or empty.

The analyser is loaded when it is first asked for: reading a configuration needs the settings alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .settings import RadiographySettings

if TYPE_CHECKING:
    from .analyser import RadiographAnalyser

__all__ = ["RadiographAnalyser", "RadiographySettings"]


def __getattr__(name: str) -> Any:
    if name == "RadiographAnalyser":
        from .analyser import RadiographAnalyser

        return RadiographAnalyser
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Radiation and X-ray screening of cargo: from scanner bytes to risk flags and clearance decisions.

The public names load on first use, so that ``import screening`` stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from screening.assembly import analyse, build_pipeline
    from screening.pipeline import Pipeline
    from screening.records import RiskFlag, Scan
    from screening.sources import open_scan

_HOMES = {
    "Pipeline": "screening.pipeline",
    "RiskFlag": "screening.records",
    "Scan": "screening.records",
    "analyse": "screening.assembly",
    "build_pipeline": "screening.assembly",
    "open_scan": "screening.sources",
}

__all__ = ["Pipeline", "RiskFlag", "Scan", "__version__", "analyse", "build_pipeline", "open_scan"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name not in _HOMES:
        raise AttributeError(f"module 'screening' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("screening")
    except PackageNotFoundError:  # a source tree that was never installed
        return "0+unknown"


def __dir__() -> list[str]:
    return sorted(__all__)

"""Detectors of series by name: ours, and anyone's through the entry points ``screening.detectors``."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, cast

from screening.config import Settings
from screening.errors import ConfigurationError

from .bank import BankDetector
from .counting import GrossCounts
from .factorised import FactorDeviance, FactorTemplates
from .protocol import SeriesDetector, is_series_detector
from .spectral import (
    MatchedFilter,
    PlainComponents,
    PrincipalComponents,
    RawComponents,
    SpectralRatios,
)

__all__ = ["BUILT_IN", "GROUP", "chosen_names", "make_detector"]

GROUP = "screening.detectors"

#: Ours, in the order of the tables.
BUILT_IN: dict[str, type[BankDetector]] = {
    kind.name: kind
    for kind in (
        GrossCounts,
        SpectralRatios,
        RawComponents,
        PlainComponents,
        PrincipalComponents,
        FactorDeviance,
        MatchedFilter,
        FactorTemplates,
    )
}


def chosen_names(detectors: list[str] | None) -> tuple[list[str], list[str]]:
    """Return which detectors are tested, and which of those asked for are of another kind.

    Parameters
    ----------
    detectors : list of str or None
        Names of ours, of entry points, or ``"package.module:Class"``; None for ours and every entry point
        that names a class with `fit` and `score`.

    Returns
    -------
    names : list of str
        What is tested; all of ours where only others were asked for.
    others : list of str
        Entry points that are no detectors of series.

    Raises
    ------
    ConfigurationError
        If a name is neither ours nor registered.
    """
    entries = {entry.name: entry for entry in entry_points(group=GROUP)}
    if detectors is None:
        return [*BUILT_IN, *(name for name in sorted(entries) if _is_series_entry(entries[name]))], []
    names: list[str] = []
    others: list[str] = []
    for name in dict.fromkeys(detectors):
        if name in BUILT_IN or ":" in name:
            names.append(name)
        elif name not in entries:
            raise ConfigurationError(
                f"no detector {name!r}; of series there are: {', '.join(BUILT_IN)}; "
                f"registered: {', '.join(sorted(entries))}",
                value=name,
            )
        else:
            (names if _is_series_entry(entries[name]) else others).append(name)
    return names or list(BUILT_IN), others


def make_detector(name: str, settings: Settings) -> SeriesDetector:
    """Return a detector that has learned nothing yet.

    Parameters
    ----------
    name : str
        From `chosen_names`.
    settings : Settings
        Handed to others' detectors.

    Returns
    -------
    SeriesDetector
        The detector.

    Raises
    ------
    ConfigurationError
        If it cannot be built or is no detector of series; the message says why.
    """
    if name in BUILT_IN:
        ours: Any = BUILT_IN[name]()
        return cast(SeriesDetector, ours)
    try:
        made: Any = _factory(name)(settings)
    except Exception as error:
        raise ConfigurationError(
            f"detector {name!r} cannot be built: {type(error).__name__}: {error}", value=name
        ) from error
    if not is_series_detector(made):
        raise ConfigurationError(f"detector {name!r} has no name, fit or score", value=name)
    found: SeriesDetector = made
    return found


def _factory(name: str) -> Any:
    if ":" in name:
        module, _, attribute = name.partition(":")
        return getattr(import_module(module), attribute)
    return next(entry for entry in entry_points(group=GROUP) if entry.name == name).load()


def _is_series_entry(entry: Any) -> bool:
    try:
        loaded = entry.load()
    except Exception:  # whoever asks for it by name is told why
        return False
    return callable(getattr(loaded, "fit", None)) and callable(getattr(loaded, "score", None))

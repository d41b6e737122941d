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
from .plan import KNOWN, ORACLE
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


def chosen_names(
    detectors: list[str] | None, settings: Settings | None = None
) -> tuple[list[str], list[str]]:
    """Return which detectors are tested, and which of those asked for are of another kind.

    Parameters
    ----------
    detectors : list of str or None
        Names of ours, of entry points, or ``"package.module:Class"``; None for ours and every entry point
        that makes something with `fit` and `score`.
    settings : Settings, optional
        Handed to entry points that are no classes: only what they make tells of which kind they are.

    Returns
    -------
    names : list of str
        What is tested; all of ours where only others were asked for.
    others : list of str
        Entry points that are no detectors of series.

    Raises
    ------
    ConfigurationError
        If a name is neither ours nor registered, or two detectors have one name.
    """
    settings = settings or Settings()
    entries = {entry.name: entry for entry in entry_points(group=GROUP)}
    if detectors is None:
        found = [name for name in sorted(entries) if _is_series_entry(entries[name], settings)]
        _check_apart([*BUILT_IN, *found], settings)
        return [*BUILT_IN, *found], []
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
            # One that cannot be loaded is asked, so that the report says why it could not learn.
            (others if _is_series_entry(entries[name], settings) is False else names).append(name)
    _check_apart(names, settings)
    return names or list(BUILT_IN), others


def _check_apart(names: list[str], settings: Settings) -> None:
    """Refuse two detectors of one name, whose figures could not be told apart."""
    seen = {KNOWN: "a reference of the bench", ORACLE: "a reference of the bench"}
    for name in names:
        try:
            own = make_detector(name, settings).name
        except ConfigurationError:  # that it cannot be built is a result of the bench
            continue
        if own in seen:
            raise ConfigurationError(f"detector {name!r} has the name {own!r} of {seen[own]}", value=own)
        seen[own] = f"detector {name!r}"


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


def _is_series_entry(entry: Any, settings: Settings) -> bool | None:
    """Return whether an entry point makes detectors of series; None where it cannot be loaded or built."""
    try:
        loaded = entry.load()
        if not isinstance(loaded, type):  # a function that makes one
            return is_series_detector(loaded(settings))
    except Exception:  # whoever asks for it by name is told why
        return None
    return callable(getattr(loaded, "fit", None)) and callable(getattr(loaded, "score", None))

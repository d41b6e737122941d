"""The registered detectors, built in or not: all come through the entry points ``screening.detectors``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NamedTuple

from screening.config import Settings
from screening.errors import ConfigurationError, ScreeningError

from .protocol import CAPABILITIES, DetectorUnderTest, capabilities_of

__all__ = ["GROUP", "Chosen", "chosen_detectors", "chosen_with_entries", "load_detectors", "registered_names"]

GROUP = "screening.detectors"


def registered_names() -> tuple[str, ...]:
    """Return the names under which detectors are registered.

    Returns
    -------
    tuple of str
        Sorted.
    """
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


class Chosen(NamedTuple):
    """A detector and where it came from.

    Attributes
    ----------
    entry : str or None
        Its entry point; None for one that was handed over.
    detector : DetectorUnderTest
        The detector.
    """

    entry: str | None
    detector: DetectorUnderTest


def load_detectors(
    names: list[str] | None, settings: Settings, *, capabilities: Collection[str] = ()
) -> list[DetectorUnderTest]:
    """Return detectors by name, built-in ones through the same door as anyone's.

    Parameters
    ----------
    names : list of str or None
        Their entry points; None for all that answer scans: detectors of series of spectra, which the
        weak-source bench asks, come through the same door.
    settings : Settings
        Handed to each.
    capabilities : collection of str
        What each must be able to do; those that do not say what they can are kept.

    Returns
    -------
    list of DetectorUnderTest
        In the order of the names.

    Raises
    ------
    ConfigurationError
        If a name is not registered or registered twice, a detector cannot be built (the message says
        why) or does not answer scans, or a capability is unknown.
    """
    strange = sorted(set(capabilities) - CAPABILITIES)
    if strange:
        raise ConfigurationError(
            f"no capability {strange[0]!r}; there are: {', '.join(sorted(CAPABILITIES))}", value=strange[0]
        )
    return [one.detector for one in _loaded(names, settings) if _can(one.detector, capabilities)]


def chosen_detectors(
    wanted: Sequence[str | DetectorUnderTest] | None, settings: Settings
) -> list[DetectorUnderTest]:
    """Return detectors, some by name and some as they are.

    Parameters
    ----------
    wanted : sequence of str or DetectorUnderTest, or None
        Registered names or detectors; None for all that answer scans.
    settings : Settings
        Handed to those built by name.

    Returns
    -------
    list of DetectorUnderTest
        In the order wanted.

    Raises
    ------
    ConfigurationError
        If none is named, two have one name, or one cannot be built or is no detector.
    """
    return [one.detector for one in chosen_with_entries(wanted, settings)]


def chosen_with_entries(wanted: Sequence[str | DetectorUnderTest] | None, settings: Settings) -> list[Chosen]:
    """Return detectors with their entry points.

    Parameters
    ----------
    wanted : sequence of str or DetectorUnderTest, or None
        As in :func:`chosen_detectors`.
    settings : Settings
        Handed to those built by name.

    Returns
    -------
    list of Chosen
        In the order wanted.

    Raises
    ------
    ConfigurationError
        As in :func:`chosen_detectors`.
    """
    if wanted is None:
        chosen = _loaded(None, settings)
    else:
        names = [item for item in wanted if isinstance(item, str)]
        loaded = {one.entry: one for one in _loaded(names, settings)} if names else {}
        chosen = [
            loaded[item] if isinstance(item, str) else Chosen(None, _checked(item, repr(item)))
            for item in wanted
        ]
    twice = [name for name, n in Counter(one.detector.name for one in chosen).items() if n > 1]
    if twice or not chosen:
        why = f"detector {twice[0]!r} is named twice" if twice else "no detector is named"
        raise ConfigurationError(why, value=twice)
    return chosen


def _loaded(names: list[str] | None, settings: Settings) -> list[Chosen]:
    entries = list(entry_points(group=GROUP))
    if not entries:
        raise ConfigurationError(f"no entry points {GROUP}: install the package (pip install -e .)")
    found: dict[str, EntryPoint] = {entry.name: entry for entry in entries}
    wanted = sorted(found) if names is None else list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in found]
    if unknown:
        raise ConfigurationError(
            f"no detector {unknown[0]!r}; registered: {', '.join(sorted(found))}", value=unknown[0]
        )
    loaded = []
    for name in wanted:
        values = sorted({entry.value for entry in entries if entry.name == name})
        if len(values) > 1:
            raise ConfigurationError(
                f"detector {name!r} is registered as {' and as '.join(values)}", value=name
            )
        built = _built(found[name], settings)
        if _scores_series(built):
            if names is None:
                continue
            raise ConfigurationError(
                f"detector {name!r} scores series of spectra; the weak-source bench asks it", value=name
            )
        loaded.append(Chosen(name, _checked(built, f"{name} ({found[name].value})")))
    return loaded


def _built(entry: EntryPoint, settings: Settings) -> Any:
    try:
        detector = entry.load()(settings)
    except ScreeningError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"detector {entry.name} ({entry.value}) cannot be built: {type(error).__name__}: {error}",
            value=entry.value,
        ) from error
    if not getattr(detector, "version", "") and entry.dist is not None:
        with suppress(AttributeError, TypeError):  # one with slots, or a frozen record, stays without
            detector.version = f"{entry.dist.name} {entry.dist.version}"
    return detector


def _scores_series(detector: Any) -> bool:
    return not hasattr(detector, "answer") and hasattr(detector, "fit") and hasattr(detector, "score")


def _checked(detector: Any, where: str) -> DetectorUnderTest:
    if not isinstance(detector, DetectorUnderTest):
        raise ConfigurationError(f"detector {where} has no name or answer", value=where)
    name = detector.name
    if not isinstance(name, str) or not name.strip():
        raise ConfigurationError(f"detector {where} is named {name!r}: a name is a text", value=where)
    return detector


def _can(detector: DetectorUnderTest, capabilities: Collection[str]) -> bool:
    stated = capabilities_of(detector)
    return stated is None or set(capabilities) <= stated

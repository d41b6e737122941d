"""The registered detectors, built in or not: all come through the entry points ``screening.detectors``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from screening.config import Settings
from screening.errors import ConfigurationError, ScreeningError

from .protocol import CAPABILITIES, DetectorUnderTest, capabilities_of

__all__ = ["GROUP", "chosen_detectors", "load_detectors", "registered_names"]

GROUP = "screening.detectors"


def registered_names() -> tuple[str, ...]:
    """Return the names under which detectors are registered.

    Returns
    -------
    tuple of str
        Sorted.
    """
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def load_detectors(
    names: list[str] | None, settings: Settings, *, capabilities: Collection[str] = ()
) -> list[DetectorUnderTest]:
    """Return detectors by name, built-in ones through the same door as anyone's.

    Parameters
    ----------
    names : list of str or None
        Their entry points; None for all that are registered.
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
        why), or a capability is unknown.
    """
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
    for name in wanted:
        values = sorted({entry.value for entry in entries if entry.name == name})
        if len(values) > 1:
            raise ConfigurationError(
                f"detector {name!r} is registered as {' and as '.join(values)}", value=name
            )
    strange = sorted(set(capabilities) - CAPABILITIES)
    if strange:
        raise ConfigurationError(
            f"no capability {strange[0]!r}; there are: {', '.join(sorted(CAPABILITIES))}", value=strange[0]
        )
    built = [_built(found[name], settings) for name in wanted]
    return [detector for detector in built if _can(detector, capabilities)]


def chosen_detectors(
    wanted: Sequence[str | DetectorUnderTest] | None, settings: Settings
) -> list[DetectorUnderTest]:
    """Return detectors, some by name and some as they are.

    Parameters
    ----------
    wanted : sequence of str or DetectorUnderTest, or None
        Registered names or detectors; None for all that are registered.
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
    if wanted is None:
        tested = load_detectors(None, settings)
    else:
        names = [item for item in wanted if isinstance(item, str)]
        loaded = (
            dict(zip(dict.fromkeys(names), load_detectors(names, settings), strict=True)) if names else {}
        )
        tested = [loaded[item] if isinstance(item, str) else _checked(item, repr(item)) for item in wanted]
    twice = [name for name, n in Counter(detector.name for detector in tested).items() if n > 1]
    if twice or not tested:
        why = f"detector {twice[0]!r} is named twice" if twice else "no detector is named"
        raise ConfigurationError(why, value=twice)
    return tested


def _built(entry: EntryPoint, settings: Settings) -> DetectorUnderTest:
    try:
        detector = entry.load()(settings)
    except ScreeningError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"detector {entry.name} ({entry.value}) cannot be built: {type(error).__name__}: {error}",
            value=entry.value,
        ) from error
    found = _checked(detector, f"{entry.name} ({entry.value})")
    if not getattr(found, "version", "") and entry.dist is not None:
        with suppress(AttributeError, TypeError):  # one with slots, or a frozen record, stays without
            found.version = f"{entry.dist.name} {entry.dist.version}"  # type: ignore[attr-defined]
    return found


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

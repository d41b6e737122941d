"""The registered sources, built in or not: all come through the entry points ``screening.sources``."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from screening.errors import ConfigurationError, UnrecognisedFormatError

from .protocol import ScanSource

__all__ = ["GROUP", "HEAD_BYTES", "load_source", "recognise_bytes", "registered_sources"]

GROUP = "screening.sources"

HEAD_BYTES = 4096
"""How much of a file a source sees to recognise it."""


@cache
def registered_sources() -> tuple[ScanSource, ...]:
    """Return one instance of every registered source, in the order in which they are asked.

    Returns
    -------
    tuple of ScanSource
        By priority, then by name.

    Raises
    ------
    ConfigurationError
        If none is registered (the package is not installed), or one cannot be loaded.
    """
    found = [load_source(entry) for entry in entry_points(group=GROUP)]
    if not found:
        raise ConfigurationError(f"no entry points {GROUP}: install the package (pip install -e .)")
    return tuple(sorted(found, key=lambda source: (source.priority, source.name)))


def load_source(entry: EntryPoint) -> ScanSource:
    """Return the source of an entry point.

    Parameters
    ----------
    entry : importlib.metadata.EntryPoint
        Names a class without arguments.

    Returns
    -------
    ScanSource
        An instance.

    Raises
    ------
    ConfigurationError
        With the cause, if it cannot be imported or is not a source.
    """
    try:
        source = entry.load()()
    except Exception as error:
        raise ConfigurationError(
            f"source {entry.name!r} ({entry.value}) cannot be loaded: {error}", value=entry.value
        ) from error
    if not isinstance(source, ScanSource):
        raise ConfigurationError(f"source {entry.name!r} ({entry.value}) lacks a part of ScanSource")
    return source


def recognise_bytes(head: bytes, name: str) -> ScanSource:
    """Return the first source that recognises a file.

    Parameters
    ----------
    head : bytes
        The first bytes of the file.
    name : str
        File name.

    Returns
    -------
    ScanSource
        The source.

    Raises
    ------
    UnrecognisedFormatError
        If none does; the message names what was tried.
    """
    sources = registered_sources()
    for source in sources:
        if source.recognises(head[:HEAD_BYTES], name):
            return source
    tried = ", ".join(source.name for source in sources)
    raise UnrecognisedFormatError(f"{name}: not recognised; tried {tried}", value=bytes(head[:16]))

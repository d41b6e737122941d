"""The registered sinks, built in or not: all come through the entry points ``screening.clearance``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points

from screening.clearance.settings import SinkSettings
from screening.errors import ConfigurationError, ScreeningError

from .sink import DecisionSink, SinkContext

__all__ = ["GROUP", "build_sinks", "registered_sinks"]

GROUP = "screening.clearance"


def registered_sinks() -> tuple[str, ...]:
    """Return the kinds of sinks that are registered.

    Returns
    -------
    tuple of str
        Sorted.
    """
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def build_sinks(
    settings: Sequence[SinkSettings], context: SinkContext, *, entries: Iterable[EntryPoint] | None = None
) -> list[DecisionSink]:
    """Return the sinks of a site.

    Parameters
    ----------
    settings : sequence of SinkSettings
        One table each.
    context : SinkContext
        What the site lends to them.
    entries : iterable of EntryPoint, optional
        Where kinds are looked up; the installed entry points when omitted.

    Returns
    -------
    list of DecisionSink
        In the order of the settings.

    Raises
    ------
    ConfigurationError
        If a kind is not registered or registered twice, or a sink cannot be built (the message says
        why) or is none.
    """
    known = list(entry_points(group=GROUP) if entries is None else entries)
    return [_built(one, context, known) for one in settings]


def _built(settings: SinkSettings, context: SinkContext, known: Sequence[EntryPoint]) -> DecisionSink:
    values = sorted({entry.value for entry in known if entry.name == settings.kind})
    if not values:
        names = ", ".join(sorted({entry.name for entry in known})) or "none"
        raise ConfigurationError(
            f"sink {settings.name}: no kind {settings.kind!r}; registered: {names}", value=settings.kind
        )
    if len(values) > 1:
        raise ConfigurationError(
            f"sink {settings.name}: {settings.kind!r} is registered as {' and as '.join(values)}",
            value=settings.kind,
        )
    entry = next(entry for entry in known if entry.name == settings.kind)
    try:
        sink = entry.load()(settings, context)
    except ScreeningError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"sink {settings.name} ({entry.value}) cannot be built: {type(error).__name__}: {error}",
            value=entry.value,
        ) from error
    if not isinstance(sink, DecisionSink):
        raise ConfigurationError(
            f"sink {settings.name} ({entry.value}) has no name, kinds or deliver", value=entry.value
        )
    if sink.name != settings.name:
        raise ConfigurationError(
            f"sink {settings.name} ({entry.value}) calls itself {sink.name!r}", value=entry.value
        )
    return sink

"""Times as the tables keep them: whole milliseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from screening.records import utc_string

__all__ = ["from_ms", "text_of_ms", "to_ms"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_ms(t: datetime) -> int:
    """Return a time in milliseconds since 1970.

    Parameters
    ----------
    t : datetime
        An aware time.

    Returns
    -------
    int
        Rounded down.

    Raises
    ------
    ValueError
        If the time has no zone.
    """
    if t.tzinfo is None:
        raise ValueError(f"a desk needs times with a zone, got {t!r}")
    return (t - _EPOCH) // timedelta(milliseconds=1)


def from_ms(ms: int) -> datetime:
    """Return the time of a number of milliseconds since 1970.

    Parameters
    ----------
    ms : int
        Milliseconds.

    Returns
    -------
    datetime
        Aware, UTC.
    """
    return _EPOCH + timedelta(milliseconds=ms)


def text_of_ms(ms: int | None) -> str | None:
    """Return the RFC 3339 form of a number of milliseconds since 1970.

    Parameters
    ----------
    ms : int or None
        Milliseconds.

    Returns
    -------
    str or None
        UTC; None for None.
    """
    return None if ms is None else utc_string(from_ms(ms))

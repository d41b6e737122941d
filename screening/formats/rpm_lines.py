"""Lines of a gross-count portal: cut a byte stream into tagged records, with bounded memory.

The stream comes from a network: it may arrive byte by byte, with lines merged, cut or interleaved with
garbage, and it may never send a line end. Nothing here raises on what it receives.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

__all__ = [
    "MAX_LINE_BYTES",
    "Line",
    "LineSplitter",
    "date_of_name",
    "follow_midnight",
    "is_daily_file",
    "tagged",
    "time_of_day_s",
]

MAX_LINE_BYTES = 4096
"""A record is below 100 bytes; a line beyond this is garbage and is dropped up to its end."""

_TAG = re.compile(r"(?:G[BSAHLX]|N[BSAH]|SP|T[TC]|SG[1-3]|SN[12])(?=,|$)")
_TIME = re.compile(r"([01]\d|2[0-3])-([0-5]\d)-([0-5]\d)\.(\d{3})")
_RECORD = re.compile(
    rb"(?:(?:G[BSAHLX]|N[BSAH]|SG[1-3]|SN[12])(?:,[ \d.]+)+|SP(?:,[ \d.]+)+|T[TC](?:,[ \d.]*)*)"
    rb"(?:,\d\d-\d\d-\d\d\.\d{3})?"
)
_DATE = re.compile(r"(?<!\d)(20\d\d)[-_. ]?(0[1-9]|1[0-2])[-_. ]?(0[1-9]|[12]\d|3[01])(?!\d)")


class Line(NamedTuple):
    """One tagged record.

    Attributes
    ----------
    tag : str
        "GS", "GX", ...; "" for text without a tag.
    fields : tuple of str
        What follows, without a time of day.
    time : str or None
        The time of day a host appended, "HH-MM-SS.mmm".
    """

    tag: str
    fields: tuple[str, ...]
    time: str | None = None


class LineSplitter:
    """Cuts a stream at CR or LF.

    Attributes
    ----------
    n_too_long : int
        Lines dropped because they were too long.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._is_skipping = False
        self.n_too_long = 0

    def feed(self, data: bytes) -> list[str]:
        """Return the lines completed by some bytes.

        Parameters
        ----------
        data : bytes
            What arrived.

        Returns
        -------
        list of str
            Without blank lines; bytes beyond ASCII become replacement characters.
        """
        lines: list[str] = []
        position = 0
        while position < len(data):
            end = _line_end(data, position)
            self._append(data, position, len(data) if end < 0 else end)
            if end < 0:
                break
            position = end + 1
            if not self._is_skipping and self._buffer:
                text = self._buffer.decode("ascii", "replace").strip()
                if text:
                    lines.append(text)
            self._buffer.clear()
            self._is_skipping = False
        return lines

    def close(self) -> str:
        """Return what was left of a cut line, and forget it.

        Returns
        -------
        str
            The beginning of a line; "" if there was none.
        """
        text = self._buffer.decode("ascii", "replace").strip()
        self._buffer.clear()
        self._is_skipping = False
        return text

    def _append(self, data: bytes, start: int, end: int) -> None:
        if self._is_skipping:
            return
        if len(self._buffer) + end - start > MAX_LINE_BYTES:
            self._buffer.clear()
            self.n_too_long += 1
            self._is_skipping = True
        else:
            self._buffer += data[start:end]


def _line_end(data: bytes, start: int) -> int:
    line_feed = data.find(b"\n", start)
    # Look for CR only before the LF: over a gigabyte of either this stays linear.
    carriage_return = data.find(b"\r", start, line_feed if line_feed >= 0 else len(data))
    return carriage_return if carriage_return >= 0 else line_feed


def tagged(text: str) -> list[Line]:
    """Return the records in one line; more than one if a line end was lost.

    Parameters
    ----------
    text : str
        A line.

    Returns
    -------
    list of Line
        Text before the first tag, or without any, has the tag "".
    """
    starts = [match.start() for match in _TAG.finditer(text)]
    records: list[Line] = []
    if not starts or text[: starts[0]].strip():
        records.append(Line("", (text[: starts[0]] if starts else text,)))
    for start, end in pairwise([*starts, len(text)] if starts else []):
        tag, _, rest = text[start:end].partition(",")
        fields = [item.strip() for item in rest.split(",")] if rest else []
        time = fields.pop() if fields and _TIME.fullmatch(fields[-1]) else None
        records.append(Line(tag.strip(), tuple(fields), time))
    return records


def is_daily_file(head: bytes) -> bool:
    """Tell whether a file's beginning holds records of a gross-count portal.

    Spectroscopic portals write daily files with the same tags, but a detector's name in the first
    field; those are not meant.

    Parameters
    ----------
    head : bytes
        The first few thousand bytes.

    Returns
    -------
    bool
        True if its first line, and nine lines in ten, are such records.
    """
    lines = [line.strip() for line in head.splitlines()]
    if len(lines) > 1:
        lines.pop()  # it may be cut
    lines = [line for line in lines if line]
    matches = [_RECORD.fullmatch(line) is not None for line in lines]
    return bool(matches) and matches[0] and sum(matches) >= 0.9 * len(matches)


def date_of_name(name: str) -> date | None:
    """Return the date in a file's name.

    Parameters
    ----------
    name : str
        "RPM8-2026-11-21.txt", "20261121.csv", ...

    Returns
    -------
    datetime.date or None
        None if there is none.
    """
    for match in _DATE.finditer(name):
        try:
            return date(int(match[1]), int(match[2]), int(match[3]))
        except ValueError:
            continue
    return None


def time_of_day_s(text: str) -> float:
    """Return a time of day in seconds.

    Parameters
    ----------
    text : str
        "HH-MM-SS.mmm".

    Returns
    -------
    float
        Seconds after midnight; NaN if it is not such a time.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        return float("nan")
    hours, minutes, seconds, milliseconds = (int(item) for item in match.groups())
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000


def follow_midnight(previous: datetime | None, now: datetime) -> datetime:
    """Return a time of a daily file, a day later if midnight passed since the previous line.

    Parameters
    ----------
    previous : datetime or None
        Time of the line before.
    now : datetime
        Time of this line on the file's date.

    Returns
    -------
    datetime
        The same time of day, at most half a day before `previous`.
    """
    while previous is not None and now < previous - timedelta(hours=12):
        now += timedelta(days=1)
    return now

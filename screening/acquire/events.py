"""What the live service tells: one event at a time, to people, to a file, and to a view."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import msgspec
import structlog

__all__ = ["Event", "EventLog", "read_events", "reason_text"]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened in the service.

    Attributes
    ----------
    event : str
        "started", "connected", "disconnected", "begun", "stored", "suspect", "discarded", "analysed",
        "decided", "lagging", "failed", "stopped".
    text : str
        One line for a person.
    t : float
        When, seconds since 1970 UTC.
    lane : str or None
        In which lane.
    scan_id : str or None
        Which scan.
    container_id : str or None
        Which container.
    fields : dict
        Whatever else the event tells.
    """

    event: str
    text: str
    t: float
    lane: str | None = None
    scan_id: str | None = None
    container_id: str | None = None
    fields: dict[str, Any] = {}


class EventLog:
    """Hand each event to a stream, a file and listeners, in the order in which they happen.

    Parameters
    ----------
    path : Path or None
        File that gets one JSON object a line, appended; None: none.
    stream : TextIO or None
        Where people read, usually standard error; None: nowhere.
    listeners : tuple of callables
        Called with each event.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        stream: TextIO | None = None,
        listeners: tuple[Callable[[Event], None], ...] = (),
    ) -> None:
        self._file: BinaryIO | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            is_cut = _ends_inside_a_line(path)
            self._file = path.open("ab", buffering=0)  # a reader of the file sees whole events, at once
            if is_cut:
                self._file.write(b"\n")
        self._listeners = listeners
        self._log: Any = None
        if stream is not None:
            # Wrapped here and not configured for the whole process: a library must not do that.
            self._log = structlog.wrap_logger(
                structlog.PrintLogger(stream),
                processors=[
                    structlog.processors.add_log_level,
                    structlog.processors.TimeStamper(fmt="iso", utc=True),
                    structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0),
                ],
            )

    def emit(
        self,
        event: str,
        text: str,
        *,
        lane: str | None = None,
        scan_id: str | None = None,
        container_id: str | None = None,
        **fields: Any,
    ) -> None:
        """Tell an event.

        Parameters
        ----------
        event : str
            Kind of event.
        text : str
            One line for a person.
        lane, scan_id, container_id : str, optional
            What it is about.
        **fields : object
            Whatever else it tells; JSON values.
        """
        told = Event(
            event=event,
            text=text,
            t=time.time(),
            lane=lane,
            scan_id=scan_id,
            container_id=container_id,
            fields=fields,
        )
        if self._file is not None:
            try:
                self._file.write(msgspec.json.encode(told) + b"\n")
            except OSError as error:  # a full disk must not stop the lanes, and it shows on the stream
                if self._log is not None:
                    self._log.warning(f"events file: {error.strerror}")
        if self._log is not None:
            about = {"lane": lane, "container": container_id}
            why = reason_text(told)
            line = f"{text} ({why})" if why else text
            self._log.info(line, **{name: value for name, value in about.items() if value is not None})
        for listener in self._listeners:
            listener(told)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def reason_text(event: Event) -> str:
    """Return the reason codes of an answer or a decision, for a person.

    Parameters
    ----------
    event : Event
        Any event.

    Returns
    -------
    str
        The codes; empty for other events. What an exercise says of itself is left out: the title or
        the text of the event says it.
    """
    codes = event.fields.get("codes")
    if event.event not in ("analysed", "decided") or not isinstance(codes, list):
        return ""
    return " ".join(str(code) for code in codes if code not in ("EXERCISE", "MODE_NOT_OPS"))


def _ends_inside_a_line(path: Path) -> bool:
    """Tell whether a kill left half an event at the end of a file."""
    if not path.exists() or path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def read_events(path: Path, offset: int = 0) -> tuple[list[Event], int]:
    """Read the events that a file has gained.

    Parameters
    ----------
    path : Path
        File written by an EventLog; one that is not there yet holds none.
    offset : int
        Where the last call ended.

    Returns
    -------
    events : list of Event
        Whole events since then; lines cut by a kill are passed over.
    offset : int
        Where this call ended.
    """
    if not path.exists():
        return [], offset
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    events = []
    for line in whole.splitlines():
        try:
            events.append(msgspec.json.decode(line, type=Event))
        except msgspec.DecodeError:
            sys.stderr.write(f"{path.name}: a line is no event\n")
    return events, offset + len(whole)

"""What a person sees while lanes run: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import OrderedDict
from types import TracebackType
from typing import TextIO

import msgspec
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from screening.records import Level, worst

from .events import Event, reason_text

__all__ = ["LaneView"]

_COLOUR = {"LOW": "green", "UNKNOWN": "yellow", "HIGH": "bold red"}
_KEPT = 16


class _Row(msgspec.Struct, kw_only=True):
    container: str
    radiation: dict[str, str] = {}
    radiograph: dict[str, str] = {}
    decision: str = ""
    risk: str = ""
    why: str = ""


class LaneView:
    """Show containers as their events come in.

    Parameters
    ----------
    stream : TextIO
        Where to show them, usually standard output.
    title : str
        Title; an exercise says so here.
    n_expected : int or None
        How many containers will come, if that is known.
    """

    def __init__(self, stream: TextIO, *, title: str, n_expected: int | None = None) -> None:
        self._console = Console(file=stream, highlight=False)
        self._title = title
        self._n_expected = n_expected
        self._started = time.monotonic()
        self._rows: OrderedDict[str, _Row] = OrderedDict()
        self._lanes: dict[str, str] = {}
        self._n_decided = 0
        self._live: Live | None = None

    def __enter__(self) -> LaneView:
        if self._console.is_terminal:
            self._live = Live(self._table(), console=self._console, refresh_per_second=6)
            self._live.start()
        else:
            self._console.print(self._title, markup=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.update(self._table())
            self._live.stop()
            self._live = None

    @property
    def n_decided(self) -> int:
        """Number of containers decided so far, each counted once."""
        return self._n_decided

    def show(self, event: Event) -> None:
        """Take one event.

        Parameters
        ----------
        event : Event
            As the service told it.
        """
        self._take(event)
        if self._live is not None:
            self._live.update(self._table())
        elif event.event in ("stored", "analysed", "decided", "failed", "suspect", "recovered", "discarded"):
            self._console.print(self._line(event), markup=False, soft_wrap=True)

    def _take(self, event: Event) -> None:
        if event.event in ("connected", "disconnected") and event.lane is not None:
            self._lanes[event.lane] = event.event
        name = event.container_id or event.scan_id
        if name is None or event.event not in ("begun", "identity", "stored", "analysed", "decided"):
            return
        if event.event in ("begun", "identity"):
            return
        row = self._rows.setdefault(name, _Row(container=name))
        fields = event.fields
        lane = event.lane or ""
        if event.event == "stored":
            lanes = row.radiograph if fields.get("kind") == "linestream" else row.radiation
            lanes.setdefault(lane, "stored")
        elif event.event == "analysed":
            lanes = row.radiograph if fields.get("modality") == "radiograph" else row.radiation
            lanes[lane] = str(fields.get("level", "UNKNOWN"))
            row.why = reason_text(event)
        else:
            self._n_decided += not row.decision
            row.decision, row.risk = str(fields.get("action", "")), str(fields.get("risk", ""))
            row.why = reason_text(event)

    def _line(self, event: Event) -> str:
        about = " ".join(part for part in (event.lane, event.container_id) if part)
        why = reason_text(event)
        end = f" ({why})" if why else ""
        return f"{time.monotonic() - self._started:6.1f} s  {about:<16}  {event.text}{end}"

    def _table(self) -> Table:
        expected = f" of {self._n_expected}" if self._n_expected is not None else ""
        lanes = ", ".join(f"{lane} {state}" for lane, state in sorted(self._lanes.items()))
        table = Table(
            title=self._title, caption=f"{self._n_decided}{expected} decided. {lanes}", title_style="bold"
        )
        for column in ("container", "radiation", "image", "risk", "decision", "reasons"):
            table.add_column(column, no_wrap=column != "reasons")
        for row in list(self._rows.values())[-_KEPT:]:
            table.add_row(
                row.container,
                _level(_worst(row.radiation)),
                _level(_worst(row.radiograph)),
                _level(row.risk),
                row.decision,
                Text(row.why),
            )
        return table


def _level(text: str) -> Text:
    return Text(text, style=_COLOUR.get(text, ""))


def _worst(lanes: dict[str, str]) -> str:
    """Return the worst of what several lanes say; a scan without an answer yet shows as stored."""
    levels = [Level(text) for text in lanes.values() if text in _COLOUR]
    if len(levels) < len(lanes) and worst(*levels) is not Level.HIGH:
        return "stored"
    return worst(*levels) if levels else ""

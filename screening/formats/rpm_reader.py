"""The events of a gross-count portal's connection; see :mod:`screening.formats.rpm` for the records."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.records import (
    Background,
    IntervalBlock,
    ReasonCode,
    ScanHeader,
    ScanIdentity,
    ScanNote,
    ScanTrailer,
    TimeSource,
)

from .rpm_encode import MPH_M_S
from .rpm_lines import Line, LineSplitter, tagged

__all__ = [
    "GAMMA_INTERVAL_S",
    "NEUTRON_INTERVAL_S",
    "N_PRIOR",
    "RpmEvent",
    "RpmReader",
    "Status",
    "live_scan_id",
]

GAMMA_INTERVAL_S = 0.2
NEUTRON_INTERVAL_S = 1.0
N_PRIOR = 5
"""Intervals before the occupancy that a portal sends with its first."""

BURST_S = 0.1
"""Intervals that arrive within this time are one burst; the next real one is 0.2 s away."""

MAX_INTERVALS = 3000
"""10 minutes: a stuck occupancy is cut here, so that memory stays bounded."""

SILENCE_S = 30.0
"""An occupancy without a line for so long has lost its end."""

MAX_PANELS = 16

_FAULTS = {"GH": "gamma background high", "GL": "gamma background low", "NH": "neutron background high"}


class Status(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a portal says outside the data of an occupancy.

    Attributes
    ----------
    kind : {"background", "fault", "fault-cleared", "tamper-set", "tamper-cleared", "setup", "garbage"}
        What it is.
    text : str
        One line.
    t_utc : datetime or None
        When it arrived.
    background : Background or None
        The new background, for "background".
    """

    kind: Literal["background", "fault", "fault-cleared", "tamper-set", "tamper-cleared", "setup", "garbage"]
    text: str
    t_utc: datetime | None = None
    background: Background | None = None


RpmEvent = ScanHeader | IntervalBlock | ScanTrailer | Status


def live_scan_id(t_utc: datetime | None) -> str:
    """Return a new UUIDv7 (RFC 9562).

    Parameters
    ----------
    t_utc : datetime or None
        Time to put into it; None for now.

    Returns
    -------
    str
        The UUID.
    """
    milliseconds = int((t_utc.timestamp() if t_utc is not None else time.time()) * 1000)
    number = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | secrets.randbits(12) << 64
    return str(uuid.UUID(int=number | 0x2 << 62 | secrets.randbits(62)))


@dataclass(slots=True)
class _Open:
    """The occupancy being received."""

    first_utc: datetime | None
    last_utc: datetime | None
    n_panel: int
    faults: list[str]
    is_tampered: bool
    header: ScanHeader | None = None
    start_utc: datetime | None = None
    pending: list[list[int]] = field(default_factory=list)
    neutron: list[list[int]] = field(default_factory=list)
    n_neutron: int = 0
    n_interval: int = 0
    n_prior: int = 0
    neutron_background_cps: float | None = None
    speeds_m_s: list[float] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    notes: list[ScanNote] = field(default_factory=list)

    def note(self, text: str, reason: ReasonCode | None = None) -> None:
        if len(self.notes) < 50:
            self.notes.append(ScanNote(text=text, reason=reason))


class RpmReader:
    """Turns a portal's bytes into the events of its occupancies.

    Parameters
    ----------
    identity_template : ScanIdentity
        Site, lane, device, mode and clock of every scan; its scan_id is replaced.
    new_scan_id : callable
        Gives the identifier of a scan that begins at a time.
    n_panel : int or None
        Gamma panels fitted; further columns are dropped (a two-panel portal sends four). None keeps
        the columns of each occupancy's first interval.
    gamma_background_s, neutron_background_s : float
        Time that the counts of a ``GB`` and of an ``NB`` record stand for, seconds.
    """

    def __init__(
        self,
        identity_template: ScanIdentity,
        *,
        new_scan_id: Callable[[datetime | None], str] = live_scan_id,
        n_panel: int | None = None,
        gamma_background_s: float = 1.0,
        neutron_background_s: float = 5.0,
    ) -> None:
        self._template = identity_template
        self._new_scan_id = new_scan_id
        self._n_panel = n_panel
        self._gamma_background_s = gamma_background_s
        self._neutron_background_s = neutron_background_s
        self._splitter = LineSplitter()
        self._n_too_long = 0
        self._open: _Open | None = None
        self._background: Background | None = None
        self._neutron_cps: NDArray[np.float64] | None = None
        self._faults: list[str] = []
        self._is_tampered = False

    def feed(self, data: bytes, host_time_utc: datetime | None) -> list[RpmEvent]:
        """Return the events that some bytes complete.

        Parameters
        ----------
        data : bytes
            What arrived; empty to let time pass.
        host_time_utc : datetime or None
            When it arrived; None if unknown.

        Returns
        -------
        list of ScanHeader, IntervalBlock, ScanTrailer or Status
            In order.
        """
        events: list[RpmEvent] = []
        self._expire(host_time_utc, events)
        for text in self._splitter.feed(data):
            for line in tagged(text):
                self.take(line, host_time_utc, events)
        if self._splitter.n_too_long > self._n_too_long:
            self._n_too_long = self._splitter.n_too_long
            self._garbage("a line beyond all length was dropped", host_time_utc, events)
        return events

    def close(self) -> list[RpmEvent]:
        """Return the events that the end of the connection brings.

        Returns
        -------
        list of ScanHeader, IntervalBlock, ScanTrailer or Status
            An open occupancy ends incomplete.
        """
        events: list[RpmEvent] = []
        if self._splitter.close():
            self._garbage("the connection ended inside a line", None, events)
        if self._open is not None:
            self._end(events, "the connection ended before the end of the occupancy")
        return events

    def take(self, line: Line, t_utc: datetime | None, events: list[RpmEvent]) -> None:
        """Handle one record.

        Parameters
        ----------
        line : Line
            The record.
        t_utc : datetime or None
            When it arrived.
        events : list
            Takes the events.
        """
        tag = line.tag
        if tag in ("GS", "GA"):
            self._gamma(line, t_utc, events)
        elif tag in ("NS", "NA"):
            self._neutron(line, t_utc)
        elif tag in ("GB", "GH", "GL"):
            if self._open is not None:
                self._end(events, f"{tag} arrived before the end of the occupancy (GX)")
            self._background_record(line, t_utc, events)
        elif tag in ("NB", "NH"):
            self._background_record(line, t_utc, events)
        elif tag == "SP":
            self._speed(line)
        elif tag == "GX":
            self._end_record(line, t_utc, events)
        elif tag in ("TT", "TC"):
            self._tamper(tag, t_utc, events)
        elif tag:
            if self._open is not None:
                self._open.note(f"set-up record {tag} inside the occupancy", ReasonCode.Q_OCCUPANCY)
            events.append(Status(kind="setup", text=",".join((tag, *line.fields)), t_utc=t_utc))
        else:
            self._garbage(f"not a record: {line.fields[0][:40]!r}", t_utc, events)
        if self._open is not None and t_utc is not None:
            self._open.last_utc = t_utc

    def _gamma(self, line: Line, t_utc: datetime | None, events: list[RpmEvent]) -> None:
        is_new = self._open is None
        if self._open is None:
            self._open = _Open(
                first_utc=t_utc,
                last_utc=t_utc,
                n_panel=self._n_panel or min(max(len(line.fields), 1), MAX_PANELS),
                faults=list(self._faults),
                is_tampered=self._is_tampered,
            )
        scan = self._open
        row = _row(line, scan.n_panel, allow_more=self._n_panel is not None)
        if -1 in row:
            scan.note(f"a {line.tag} record is damaged", ReasonCode.INPUT_CORRUPT)
        if line.tag == "GA" and "gamma" not in scan.alarms:
            scan.alarms.append("gamma")
        burst_ended = False
        if scan.header is None and not is_new:
            burst_ended = _seconds(scan.first_utc, t_utc) > BURST_S or len(scan.pending) > N_PRIOR
        if burst_ended:
            self._begin(scan, events)
        scan.pending.append(row)
        if scan.header is not None:
            self._flush(scan, events)
        if scan.n_interval >= MAX_INTERVALS:
            self._end(events, f"the occupancy did not end within {MAX_INTERVALS} intervals (stuck)")

    def _begin(self, scan: _Open, events: list[RpmEvent]) -> None:
        """Emit the header and the burst, now that it is known which intervals were sent back in time."""
        scan.n_prior = min(len(scan.pending) - 1, N_PRIOR)
        clock = msgspec.structs.replace(self._template.clock, t_source=TimeSource.BACKDATED)
        if scan.first_utc is not None:
            scan.start_utc = scan.first_utc - timedelta(seconds=(scan.n_prior + 1) * GAMMA_INTERVAL_S)
        identity = msgspec.structs.replace(
            self._template,
            scan_id=self._new_scan_id(scan.start_utc),
            t_start_utc=scan.start_utc,
            t_end_utc=None,
            clock=clock,
        )
        fixed = {
            "kind": "occupancy",
            "panel_ids": tuple(f"p{j + 1}" for j in range(scan.n_panel)),
            "background": self._checked_background(scan),
            "n_prior": scan.n_prior,
        }
        scan.header = ScanHeader(identity=identity, modality="radiation", fixed=fixed)
        events.append(scan.header)
        self._flush(scan, events)

    def _checked_background(self, scan: _Open) -> Background | None:
        background = self._background
        if background is None or len(background.gamma_cps) != scan.n_panel:
            scan.note("no background was received before the occupancy", ReasonCode.BKG_MISSING)
            return None
        if not (background.gamma_cps > 0).any():
            scan.note("the portal's background is 0 in every panel", ReasonCode.BKG_MISSING)
            return None
        for j in np.flatnonzero(~(background.gamma_cps > 0)):
            scan.note(f"the background of panel p{j + 1} is 0", ReasonCode.Q_DETECTOR_DEAD)
        prior = np.array(scan.pending[: scan.n_prior], dtype=np.float64)
        if scan.n_prior == N_PRIOR and (prior >= 0).all():
            before_cps = prior.sum() / (N_PRIOR * GAMMA_INTERVAL_S)
            ratio = float(before_cps / background.gamma_cps.sum())
            if ratio < 0.4:
                text = f"before the vehicle the rate is {ratio:.2f} of the portal's background record"
                scan.note(text, ReasonCode.BKG_STALE)
            elif ratio > 2.5:
                scan.note(f"before the vehicle the rate is {ratio:.1f} times the background record")
        return background

    def _flush(self, scan: _Open, events: list[RpmEvent]) -> None:
        n_new = len(scan.pending)
        if n_new == 0 and not scan.neutron:
            return
        index = np.arange(scan.n_interval, scan.n_interval + n_new)
        neutron = np.array(scan.neutron, dtype=np.int64) if scan.neutron else None
        block = IntervalBlock(
            # Whole intervals of 0.2 s: times as ratios keep every start exact to the last digit.
            t_s=index / (1.0 / GAMMA_INTERVAL_S),
            interval_s=np.full(n_new, GAMMA_INTERVAL_S),
            gamma_counts=np.array(scan.pending, dtype=np.int64).reshape(n_new, scan.n_panel),
            neutron_counts=neutron,
            neutron_interval_s=None if neutron is None else np.full(len(neutron), NEUTRON_INTERVAL_S),
            is_occupied=index >= scan.n_prior,
        )
        scan.n_interval += n_new
        scan.pending, scan.neutron = [], []
        events.append(block)

    def _neutron(self, line: Line, t_utc: datetime | None) -> None:
        scan = self._open
        if scan is None:
            return
        if scan.n_neutron == 0:
            scan.n_neutron = min(max(len(line.fields), 1), MAX_PANELS)
        row = _row(line, scan.n_neutron, allow_more=False)
        if -1 in row:
            scan.note(f"a {line.tag} record is damaged", ReasonCode.INPUT_CORRUPT)
        if line.tag == "NA" and "neutron" not in scan.alarms:
            scan.alarms.append("neutron")
        if len(scan.neutron) < MAX_INTERVALS:
            scan.neutron.append(row)

    def _background_record(self, line: Line, t_utc: datetime | None, events: list[RpmEvent]) -> None:
        if line.tag in _FAULTS:
            text = _FAULTS[line.tag]
            if text not in self._faults:
                self._faults.append(text)
                events.append(Status(kind="fault", text=text, t_utc=t_utc))
            if self._open is not None and text not in self._open.faults:
                self._open.faults.append(text)
            return
        is_gamma = line.tag == "GB"
        n_panel = (self._n_panel if is_gamma else None) or min(max(len(line.fields), 1), MAX_PANELS)
        row = _row(line, n_panel, allow_more=is_gamma and self._n_panel is not None)
        if -1 in row:
            # The last good background stays, with its age.
            self._garbage(f"a {line.tag} record is damaged", t_utc, events)
            return
        self._clear_faults("gamma" if is_gamma else "neutron", t_utc, events)
        if not is_gamma:
            self._neutron_cps = np.array(row, dtype=np.float64) / self._neutron_background_s
            if self._background is not None:
                self._background = msgspec.structs.replace(self._background, neutron_cps=self._neutron_cps)
            return
        self._background = Background(
            gamma_cps=np.array(row, dtype=np.float64) / self._gamma_background_s,
            live_time_s=self._gamma_background_s,
            neutron_cps=self._neutron_cps,
            t_end_utc=t_utc,
            origin="portal",
        )
        text = ",".join((line.tag, *line.fields))
        events.append(Status(kind="background", text=text, t_utc=t_utc, background=self._background))

    def _clear_faults(self, which: str, t_utc: datetime | None, events: list[RpmEvent]) -> None:
        for text in [item for item in self._faults if item.startswith(which)]:
            self._faults.remove(text)
            events.append(Status(kind="fault-cleared", text=text, t_utc=t_utc))

    def _speed(self, line: Line) -> None:
        scan = self._open
        if scan is None:
            return
        try:
            mph = float(line.fields[1])
        except (IndexError, ValueError):
            scan.note("a speed record is damaged")
            return
        if mph >= 99.999 or not mph > 0:
            scan.note(f"a speed of {mph:g} mph is the portal's limit, not a measurement")
        elif len(scan.speeds_m_s) < 100:
            scan.speeds_m_s.append(mph * MPH_M_S)

    def _end_record(self, line: Line, t_utc: datetime | None, events: list[RpmEvent]) -> None:
        if self._open is None:
            self._garbage("GX without an occupancy", t_utc, events)
            return
        if t_utc is not None:
            self._open.last_utc = t_utc
        if len(line.fields) > 1 and line.fields[1].isdecimal():
            self._open.neutron_background_cps = int(line.fields[1]) / 1000.0
        self._end(events, None)

    def _end(self, events: list[RpmEvent], why_incomplete: str | None) -> None:
        scan = self._open
        self._open = None
        if scan is None or (scan.header is None and not scan.pending):
            return
        if scan.header is None:
            self._begin(scan, events)
        self._flush(scan, events)
        if why_incomplete is not None:
            scan.note(why_incomplete, ReasonCode.Q_OCCUPANCY)
        speeds = scan.speeds_m_s
        if speeds and max(speeds) > 2 * min(speeds):
            text = f"{len(speeds)} speeds between {min(speeds):.2f} and {max(speeds):.2f} m/s"
            scan.note(text, ReasonCode.Q_SPEED)
        elapsed_s = _seconds(scan.start_utc, scan.last_utc)
        missing = round(elapsed_s / GAMMA_INTERVAL_S) - scan.n_interval
        if missing > max(5, 0.05 * scan.n_interval):
            text = f"about {missing} intervals fewer than the time between first and last line holds"
            scan.note(text, ReasonCode.Q_OCCUPANCY)
        length_s = scan.n_interval * GAMMA_INTERVAL_S
        fixed: dict[str, object] = {
            "speed_m_s": float(np.median(speeds)) if speeds else None,
            "is_complete": why_incomplete is None,
            "is_tampered": scan.is_tampered,
            "faults": tuple(scan.faults),
            "device_alarms": tuple(scan.alarms),
        }
        background = scan.header.fixed["background"] if scan.header is not None else None
        total_cps = scan.neutron_background_cps
        if background is not None and background.neutron_cps is None and scan.n_neutron and total_cps:
            # Without a NB record, the total that GX carries is all there is: spread it evenly.
            each_cps = np.full(scan.n_neutron, total_cps / scan.n_neutron)
            fixed["background"] = msgspec.structs.replace(background, neutron_cps=each_cps)
        end_utc = None if scan.start_utc is None else scan.start_utc + timedelta(seconds=length_s)
        events.append(ScanTrailer(t_end_utc=end_utc, fixed=fixed, notes=tuple(scan.notes)))

    def _tamper(self, tag: str, t_utc: datetime | None, events: list[RpmEvent]) -> None:
        self._is_tampered = tag == "TT"
        if self._is_tampered and self._open is not None:
            self._open.is_tampered = True
        events.append(
            Status(kind="tamper-set" if self._is_tampered else "tamper-cleared", text=tag, t_utc=t_utc)
        )

    def _garbage(self, text: str, t_utc: datetime | None, events: list[RpmEvent]) -> None:
        if self._open is not None:
            self._open.note(text, ReasonCode.INPUT_CORRUPT)
        events.append(Status(kind="garbage", text=text, t_utc=t_utc))

    def _expire(self, t_utc: datetime | None, events: list[RpmEvent]) -> None:
        if self._open is not None and _seconds(self._open.last_utc, t_utc) > SILENCE_S:
            self._end(events, f"no line for {SILENCE_S:.0f} s inside the occupancy")


def _seconds(before: datetime | None, after: datetime | None) -> float:
    return 0.0 if before is None or after is None else (after - before).total_seconds()


def _row(line: Line, n_panel: int, *, allow_more: bool) -> list[int]:
    """Return a record's counts; -1 where a field is damaged or missing, everywhere if there are too many."""
    fields = line.fields[:n_panel] if allow_more else line.fields
    if len(fields) > n_panel:
        return [-1] * n_panel
    values = [int(item) if item.isdecimal() and item.isascii() and len(item) <= 9 else -1 for item in fields]
    return values + [-1] * (n_panel - len(values))

"""ASCII records of gross-count portals (TSA and Rapiscan), from a connection or a daily file.

Each line is a tag and zero-padded counts: ``GB``/``NB`` backgrounds every 5 s, ``GS``/``NS`` intervals
of an occupancy (gamma 0.2 s, neutron 1 s), ``GA``/``NA`` the same with the portal's own alarm,
``GH``/``GL``/``NH`` background faults, ``SP`` speed, ``GX`` end of occupancy, ``TT``/``TC`` tamper,
``SG``/``SN`` set-up. There is no time on the wire: the intervals are placed on their 0.2 s cadence,
backwards from the moment the first arrived.

Two things the records do not say are taken as follows, and can be set otherwise. ``GB`` counts are
counts per second: with the portal's alarm window of 5 intervals, 1 s, they are then its background as
they stand. ``NB`` counts are counts per 5 s, the period of the record. The first is checked in every
occupancy against the intervals before the vehicle.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from screening.errors import FormatError
from screening.records import (
    InputRef,
    IntervalBlock,
    Scan,
    ScanBuilder,
    ScanHeader,
    ScanIdentity,
    ScanNote,
    ScanTrailer,
    file_scan_id,
    sha256_hex,
)

from .rpm_encode import (
    encode_background,
    encode_end,
    encode_fault,
    encode_gamma,
    encode_neutron,
    encode_occupancy,
    encode_setup,
    encode_speed,
    encode_tamper,
)
from .rpm_lines import LineSplitter, date_of_name, follow_midnight, is_daily_file, tagged, time_of_day_s
from .rpm_reader import (
    GAMMA_INTERVAL_S,
    N_PRIOR,
    NEUTRON_INTERVAL_S,
    RpmEvent,
    RpmReader,
    Status,
    live_scan_id,
)

__all__ = [
    "GAMMA_INTERVAL_S",
    "NEUTRON_INTERVAL_S",
    "N_PRIOR",
    "RpmEvent",
    "RpmReader",
    "Status",
    "encode_background",
    "encode_end",
    "encode_fault",
    "encode_gamma",
    "encode_neutron",
    "encode_occupancy",
    "encode_setup",
    "encode_speed",
    "encode_tamper",
    "is_daily_file",
    "live_scan_id",
    "read_daily_file",
]


def read_daily_file(data: bytes, *, name: str) -> list[Scan]:
    """Return the occupancies of a daily file.

    Parameters
    ----------
    data : bytes
        Lines with the time of day as their last field; a plain capture of the wire is read too.
    name : str
        File name; a date in it is taken as the file's.

    Returns
    -------
    list of Scan
        In order; times are None without a date.

    Raises
    ------
    FormatError
        If there is no occupancy in it.
    """
    digest = sha256_hex(data)
    input_ref = InputRef(kind="scan", uri=name, n_bytes=len(data), sha256=digest)
    day = date_of_name(name)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else datetime(2000, 1, 1, tzinfo=UTC)
    scans: list[Scan] = []
    builder: ScanBuilder | None = None
    reader = RpmReader(ScanIdentity(scan_id=""), new_scan_id=lambda _: file_scan_id(digest, len(scans)))
    splitter = LineSplitter()
    previous: datetime | None = None
    events: list[RpmEvent] = []
    for text in [*splitter.feed(data), splitter.close()]:
        for line in tagged(text) if text else []:
            if line.time is not None:
                now = midnight + timedelta(seconds=time_of_day_s(line.time))
                previous = follow_midnight(previous, now)
            events += reader.feed(b"", previous)
            reader.take(line, previous, events)
        builder = _collect(events, builder, scans, input_ref, has_date=day is not None)
        events = []
    _collect(reader.close(), builder, scans, input_ref, has_date=day is not None)
    if not scans:
        raise FormatError(f"{name}: holds portal records but no occupancy")
    return scans


def _collect(
    events: list[RpmEvent],
    builder: ScanBuilder | None,
    scans: list[Scan],
    input_ref: InputRef,
    *,
    has_date: bool,
) -> ScanBuilder | None:
    for event in events:
        if isinstance(event, ScanHeader):
            builder = ScanBuilder(event)
        elif isinstance(event, IntervalBlock) and builder is not None:
            builder.add(event)
        elif isinstance(event, ScanTrailer) and builder is not None:
            scan = builder.build(msgspec.structs.replace(event, inputs=(input_ref,)))
            builder = None
            scans.append(scan if has_date else _without_times(scan))
    return builder


def _without_times(scan: Scan) -> Scan:
    identity = msgspec.structs.replace(scan.identity, t_start_utc=None, t_end_utc=None)
    payload = scan.payload
    background = getattr(payload, "background", None)
    if background is not None:
        background = msgspec.structs.replace(background, t_end_utc=None)
        payload = msgspec.structs.replace(payload, background=background)
    note = ScanNote(text="the file's name holds no date: times are not known")
    return msgspec.structs.replace(scan, identity=identity, payload=payload, notes=(*scan.notes, note))

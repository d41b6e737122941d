"""Bytes of the spool: segment headers and records, version 1. Layout and history are in docs/spool.md."""

from __future__ import annotations

import struct
import zlib
from enum import IntEnum
from typing import NamedTuple

from screening.errors import StoreError

__all__ = [
    "MAX_PAYLOAD",
    "RECORD_MAGIC",
    "SEGMENT_HEADER_SIZE",
    "SPOOL_VERSION",
    "Address",
    "Damage",
    "RecordType",
    "SpoolRecord",
    "decode_segment_header",
    "encode_record",
    "encode_segment_header",
    "scan_segment",
]

SPOOL_VERSION = 1
SEGMENT_MAGIC = b"SCRSPOOL"
RECORD_MAGIC = b"\xa5REC"
MAX_PAYLOAD = 1 << 20  # a flipped length can never ask for more memory than this

_SEGMENT = struct.Struct("<8sHHQqI")  # magic, version, header size, segment number, wall ns, CRC-32
_RECORD = struct.Struct("<4sBBHIQqq")  # magic, type, lane length, 0, payload length, sequence, mono, wall
_CRC = struct.Struct("<I")

SEGMENT_HEADER_SIZE = _SEGMENT.size


class RecordType(IntEnum):
    """What a record holds."""

    DATA = 1
    CONNECTED = 2
    DISCONNECTED = 3
    BEGIN = 4
    SCAN = 5
    IDENTITY = 6
    GAP = 7
    CONFIG = 8
    DISCARD = 9
    STATE = 10


class Address(NamedTuple):
    """Where a record stands.

    Attributes
    ----------
    segment : int
        Number of the segment.
    offset : int
        Offset of the record's first byte in the segment's file.
    """

    segment: int
    offset: int


class SpoolRecord(NamedTuple):
    """One record, as it was written.

    Attributes
    ----------
    address : Address
        Where it stands.
    end : int
        Offset just behind it.
    type : int
        A RecordType; numbers unknown to this version are kept.
    lane : str
        Lane it belongs to; empty for the service's own.
    sequence : int
        Rises by one from record to record, across segments.
    mono_ns, wall_ns : int
        Host clocks when it was written: monotonic (of one boot) and UTC since 1970, nanoseconds.
    payload : bytes
        What it holds.
    """

    address: Address
    end: int
    type: int
    lane: str
    sequence: int
    mono_ns: int
    wall_ns: int
    payload: bytes


class Damage(NamedTuple):
    """Bytes of a segment that hold no valid record.

    Attributes
    ----------
    address : Address
        Where they begin.
    n_bytes : int
        How many there are, up to the next valid record or the end of the file.
    at_tail : bool
        Nothing valid follows: a torn end.
    """

    address: Address
    n_bytes: int
    at_tail: bool


def encode_segment_header(number: int, wall_ns: int) -> bytes:
    """Return the first bytes of a segment.

    Parameters
    ----------
    number : int
        Number of the segment.
    wall_ns : int
        When it begins, UTC nanoseconds since 1970.

    Returns
    -------
    bytes
        32 bytes.
    """
    bare = _SEGMENT.pack(SEGMENT_MAGIC, SPOOL_VERSION, _SEGMENT.size, number, wall_ns, 0)[:-4]
    return bare + _CRC.pack(zlib.crc32(bare))


def decode_segment_header(data: bytes) -> int:
    """Return the number of the segment that begins with some bytes.

    Parameters
    ----------
    data : bytes
        At least the header.

    Returns
    -------
    int
        Number of the segment.

    Raises
    ------
    StoreError
        If the bytes are no segment header, are damaged, or of a newer version.
    """
    if len(data) < _SEGMENT.size:
        raise StoreError("spool segment shorter than its header", value=len(data))
    magic, version, _, number, _, crc = _SEGMENT.unpack_from(data)
    if magic != SEGMENT_MAGIC or crc != zlib.crc32(data[: _SEGMENT.size - 4]):
        raise StoreError("not a spool segment, or its header is damaged", value=data[:8])
    if version > SPOOL_VERSION:
        raise StoreError(f"spool version {version} is newer than {SPOOL_VERSION}", value=version)
    return int(number)


def encode_record(
    kind: RecordType, lane: str, payload: bytes, *, sequence: int, mono_ns: int, wall_ns: int
) -> bytes:
    """Return a record's bytes.

    Parameters
    ----------
    kind : RecordType
        What it holds.
    lane : str
        Lane it belongs to.
    payload : bytes
        At most MAX_PAYLOAD bytes.
    sequence : int
        Number of the record.
    mono_ns, wall_ns : int
        Host clocks, nanoseconds.

    Returns
    -------
    bytes
        The record, with its CRC-32.

    Raises
    ------
    ValueError
        If the payload or the lane's name is too long.
    """
    name = lane.encode()
    if len(payload) > MAX_PAYLOAD or len(name) > 255:
        raise ValueError(f"payload of {len(payload)} or lane of {len(name)} bytes is too long")
    header = _RECORD.pack(RECORD_MAGIC, kind, len(name), 0, len(payload), sequence, mono_ns, wall_ns)
    body = b"".join((header, name, payload))
    return body + _CRC.pack(zlib.crc32(body))


def scan_segment(number: int, blob: bytes, *, base: int = 0) -> tuple[list[SpoolRecord], list[Damage]]:
    """Return every valid record of a segment, and the places where there is none.

    Behind damage the search goes on at the next record magic with a valid CRC, so that one flipped
    bit costs the record it is in and no other.

    Parameters
    ----------
    number : int
        Number of the segment.
    blob : bytes
        Part of the segment's file, beginning where a record is due.
    base : int
        Offset of that part in the file.

    Returns
    -------
    records : list of SpoolRecord
        In order.
    damages : list of Damage
        In order.
    """
    records: list[SpoolRecord] = []
    damages: list[Damage] = []
    i = 0
    while i < len(blob):
        record = _record_at(number, blob, i, base)
        if record is not None:
            records.append(record)
            i = record.end - base
            continue
        found = _next_record(number, blob, i + 1, base)
        end = len(blob) if found is None else found
        damages.append(Damage(Address(number, base + i), end - i, at_tail=found is None))
        i = end
    return records, damages


def _record_at(number: int, blob: bytes, i: int, base: int) -> SpoolRecord | None:
    if len(blob) - i < _RECORD.size + 4:
        return None
    magic, kind, n_lane, zero, n_payload, sequence, mono_ns, wall_ns = _RECORD.unpack_from(blob, i)
    if magic != RECORD_MAGIC or zero != 0 or n_payload > MAX_PAYLOAD:
        return None
    lane_end = i + _RECORD.size + n_lane
    body_end = lane_end + n_payload
    if body_end + 4 > len(blob):
        return None
    if zlib.crc32(memoryview(blob)[i:body_end]) != _CRC.unpack_from(blob, body_end)[0]:
        return None
    return SpoolRecord(
        Address(number, base + i),
        base + body_end + 4,
        kind,
        blob[i + _RECORD.size : lane_end].decode(errors="replace"),
        sequence,
        mono_ns,
        wall_ns,
        blob[lane_end:body_end],
    )


def _next_record(number: int, blob: bytes, i: int, base: int) -> int | None:
    while True:
        i = blob.find(RECORD_MAGIC, i)
        if i < 0:
            return None
        if _record_at(number, blob, i, base) is not None:
            return i
        i += 1

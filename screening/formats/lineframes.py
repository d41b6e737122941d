"""Frames of the line stream: what a line scanner sends while it scans, byte by byte.

Little-endian frames with a 36-byte head (its own checksum, so that a damaged length never swallows
what follows), a payload and the payload's CRC-32C. The byte layout and the rules of the exchange are in
``docs/formats.md``. The receiver answers a scan's end with an acknowledgement only after the scan is on
disk and fsynced; a sender that got none may send the whole scan again under the same identifier.
"""

from __future__ import annotations

import struct
import uuid
from datetime import datetime
from enum import IntEnum
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.errors import FormatError
from screening.records import Device, Manifest, OperatingMode, canonical_bytes

from .crc32c import crc32c

__all__ = [
    "CALIBRATION_HEAD",
    "HEAD_BYTES",
    "LINE_HEAD",
    "MAGIC",
    "MAX_PAYLOAD_BYTES",
    "VERSION",
    "Frame",
    "FrameReader",
    "LineScanBegin",
    "LineScanEnd",
    "MessageType",
    "encode_ack",
    "encode_calibration",
    "encode_end",
    "encode_event",
    "encode_header",
    "encode_heartbeat",
    "encode_line",
]

MAGIC = b"SLN\x01"
VERSION = 1
HEAD_BYTES = 36
MAX_PAYLOAD_BYTES = 1 << 20
"""A frame beyond this is damaged: 16,384 rows of calibration at 8 energies are half of it."""

_HEAD = struct.Struct("<4sBBHI16sI")
LINE_HEAD = struct.Struct("<HBBQfI")
CALIBRATION_HEAD = struct.Struct("<BBHI")


class MessageType(IntEnum):
    """What a frame carries."""

    SCAN_BEGIN = 1
    CALIBRATION = 2
    LINE = 3
    SCAN_END = 4
    ACK = 5
    HEARTBEAT = 6
    EVENT = 7


class LineScanBegin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The JSON payload of SCAN_BEGIN.

    Attributes
    ----------
    n_row : int
        Detector elements in a line, 1 to 16,384.
    energies : tuple of str
        "6MV", "4MV", "Cs-137", ...; a line frame says which one by index.
    pitch_mm : tuple of two floats, or None
        Pixel pitch (row, column) at the container's centre plane.
    saturation : int
        Raw value at and above which a pixel is saturated.
    is_dark_subtracted : bool
        The scanner clips at 0 after subtracting dark.
    has_reference : bool
        Whether line frames carry a reference detector.
    first_line_id : int
        Line identifier of the first column.
    electronic_sigma, gain : float or None
        Photon-transfer constants, counts; both are needed for a calibration.
    scatter_floor : float or None
        Signal of an opaque place over air.
    calibration_id, calibration_made_at : str or None
        Name and time of the dark and air that follow.
    t_start_utc : datetime or None
        Start by the scanner's clock.
    container_id, id_source, site, lane : str or None
        As the scanner knows them.
    device : Device
        The scanner.
    operating_mode : OperatingMode
        Only Ops can clear cargo.
    manifest : Manifest or None
        What was declared.
    motion : {"forward", "reverse", "unknown"}
        Direction of the motion.
    schema : {"line-stream/1"}
        Version of this record.
    """

    n_row: int
    energies: tuple[str, ...]
    pitch_mm: tuple[float, float] | None = None
    saturation: int = 65535
    is_dark_subtracted: bool = False
    has_reference: bool = False
    first_line_id: int = 0
    electronic_sigma: float | None = None
    gain: float | None = None
    scatter_floor: float | None = None
    calibration_id: str | None = None
    calibration_made_at: str | None = None
    t_start_utc: datetime | None = None
    container_id: str | None = None
    id_source: Literal["OCR", "MANUAL", "RFID", "MANIFEST", "DEVICE"] | None = None
    site: str | None = None
    lane: str | None = None
    device: Device = Device()
    operating_mode: OperatingMode = OperatingMode.OPS
    manifest: Manifest | None = None
    motion: Literal["forward", "reverse", "unknown"] = "unknown"
    schema: Literal["line-stream/1"] = "line-stream/1"

    def __post_init__(self) -> None:
        if not 1 <= self.n_row <= 16384:
            raise ValueError(f"n_row needs 1 to 16384, got {self.n_row}")
        if not 1 <= len(self.energies) <= 8:
            raise ValueError(f"1 to 8 energies are allowed, got {len(self.energies)}")
        if not 0 <= self.first_line_id <= 0xFFFF:
            raise ValueError(f"first_line_id needs 0 to 65535, got {self.first_line_id}")
        if self.t_start_utc is not None and self.t_start_utc.tzinfo is None:
            raise ValueError(f"t_start_utc needs a zone, got {self.t_start_utc}")


class LineScanEnd(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The JSON payload of SCAN_END.

    Attributes
    ----------
    n_column : int or None
        Columns the scanner sent; tells how many were lost at the end.
    t_end_utc : datetime or None
        End by the scanner's clock.
    speed_m_s : float or None
        Speed of the motion.
    is_tampered : bool
        A tamper switch was set.
    faults : tuple of str
        Faults of the scanner.
    is_aborted : bool
        The scanner gave the scan up.
    """

    n_column: int | None = None
    t_end_utc: datetime | None = None
    speed_m_s: float | None = None
    is_tampered: bool = False
    faults: tuple[str, ...] = ()
    is_aborted: bool = False


class Frame(NamedTuple):
    """One intact frame.

    Attributes
    ----------
    kind : int
        Message type; an unknown one is kept, for later versions.
    scan_id : str
        UUID of the scan; the nil UUID outside scans.
    sequence : int
        The sender's frame counter, modulo 2^32.
    payload : bytes
        What it carries.
    """

    kind: int
    scan_id: str
    sequence: int
    payload: bytes


class FrameReader:
    """Cuts a byte stream into intact frames, and finds the next one after damage.

    Attributes
    ----------
    n_skipped : int
        Bytes that belonged to no frame.
    n_damaged : int
        Frames with an intact head and a damaged payload.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.n_skipped = 0
        self.n_damaged = 0

    @property
    def n_pending(self) -> int:
        """Return how many bytes of an incomplete frame are held.

        Returns
        -------
        int
            At most one frame's.
        """
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that some bytes complete.

        Parameters
        ----------
        data : bytes
            What arrived.

        Returns
        -------
        list of Frame
            In order. At most one frame's bytes stay in memory.
        """
        frames: list[Frame] = []
        # Pieces, so that a huge garbage chunk is never copied into the buffer as a whole.
        for start in range(0, len(data), MAX_PAYLOAD_BYTES):
            self._buffer += data[start : start + MAX_PAYLOAD_BYTES]
            self._cut(frames)
        return frames

    def _cut(self, frames: list[Frame]) -> None:
        buffer, position = self._buffer, 0
        view = memoryview(buffer)
        try:
            while True:
                found = buffer.find(MAGIC, position)
                if found < 0:
                    # The last three bytes may begin a magic.
                    keep = next((k for k in (3, 2, 1) if buffer.endswith(MAGIC[:k], position)), 0)
                    self.n_skipped += len(buffer) - keep - position
                    position = len(buffer) - keep
                    break
                self.n_skipped += found - position
                position = found
                if len(buffer) - position < HEAD_BYTES:
                    break
                head = _read_head(view[position : position + HEAD_BYTES])
                if head is None:
                    self.n_skipped += 1
                    position += 1
                    continue
                kind, sequence, scan_id, n_bytes = head
                end = position + HEAD_BYTES + n_bytes + 4
                if len(buffer) < end:
                    break
                payload = bytes(view[position + HEAD_BYTES : end - 4])
                if crc32c(payload) == int.from_bytes(view[end - 4 : end], "little"):
                    frames.append(Frame(kind, scan_id, sequence, payload))
                    position = end
                else:
                    # Its length is sure, its pixels are not; but bytes may have been lost inside it,
                    # so the next magic is looked for right behind the head.
                    self.n_damaged += 1
                    position += HEAD_BYTES
        finally:
            view.release()
            del buffer[:position]

    def close(self) -> list[Frame]:
        """Return intact frames inside a last frame that will never be complete.

        Returns
        -------
        list of Frame
            Usually none; some if bytes were lost inside a frame just before the end.
        """
        frames: list[Frame] = []
        while self._buffer:
            n_drop = HEAD_BYTES if self._buffer.startswith(MAGIC) else len(self._buffer)
            self.n_skipped += min(n_drop, len(self._buffer))
            del self._buffer[:n_drop]
            self._cut(frames)
        return frames


def _read_head(head: memoryview) -> tuple[int, int, str, int] | None:
    _, version, kind, flags, sequence, scan_id, n_bytes = _HEAD.unpack_from(head)
    # The cheap tests come first: garbage may hold many a magic.
    if version != VERSION or flags != 0 or n_bytes > MAX_PAYLOAD_BYTES:
        return None
    if int.from_bytes(head[32:36], "little") != crc32c(head[:32]):
        return None
    return kind, sequence, str(uuid.UUID(bytes=scan_id)), n_bytes


def _frame(kind: MessageType, scan_id: str | None, sequence: int, payload: bytes) -> bytes:
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise FormatError(f"a payload of {len(payload)} bytes exceeds {MAX_PAYLOAD_BYTES}")
    identifier = uuid.UUID(scan_id).bytes if scan_id else bytes(16)
    head = _HEAD.pack(MAGIC, VERSION, kind, 0, sequence & 0xFFFFFFFF, identifier, len(payload))
    return b"".join(
        (head, crc32c(head).to_bytes(4, "little"), payload, crc32c(payload).to_bytes(4, "little"))
    )


def encode_header(scan_id: str, begin: LineScanBegin, *, sequence: int = 0) -> bytes:
    """Return a SCAN_BEGIN frame.

    Parameters
    ----------
    scan_id : str
        UUID of the scan.
    begin : LineScanBegin
        What is known at its beginning.
    sequence : int
        Frame counter.

    Returns
    -------
    bytes
        The frame.
    """
    return _frame(MessageType.SCAN_BEGIN, scan_id, sequence, msgspec.json.encode(begin))


def encode_calibration(
    scan_id: str, kind: Literal["dark", "air"], values: NDArray[np.float32], *, sequence: int = 0
) -> bytes:
    """Return a CALIBRATION frame; a scan's come before its first line.

    Parameters
    ----------
    scan_id : str
        UUID of the scan.
    kind : {"dark", "air"}
        Which one; air with dark not subtracted.
    values : ndarray of shape (n_row, n_energy), float32
        Counts.
    sequence : int
        Frame counter.

    Returns
    -------
    bytes
        The frame.
    """
    n_row, n_energy = values.shape
    head = CALIBRATION_HEAD.pack(0 if kind == "dark" else 1, 0, n_energy, n_row)
    payload = head + np.ascontiguousarray(values, dtype="<f4").tobytes()
    return _frame(MessageType.CALIBRATION, scan_id, sequence, payload)


def encode_line(
    scan_id: str,
    line_id: int,
    energy: int,
    pixels: NDArray[np.uint16],
    *,
    time_us: int,
    reference: float = float("nan"),
    sequence: int = 0,
) -> bytes:
    """Return a LINE frame.

    Parameters
    ----------
    scan_id : str
        UUID of the scan.
    line_id : int
        Number of the column, taken modulo 65,536; the energies of one column share it.
    energy : int
        Index of the energy.
    pixels : ndarray of shape (n_row,), uint16
        Raw counts.
    time_us : int
        Device time after the scan's start, microseconds.
    reference : float
        Reference detector, counts; NaN without one.
    sequence : int
        Frame counter.

    Returns
    -------
    bytes
        The frame.
    """
    head = LINE_HEAD.pack(line_id & 0xFFFF, energy, 0, time_us, reference, len(pixels))
    payload = head + np.ascontiguousarray(pixels, dtype="<u2").tobytes()
    return _frame(MessageType.LINE, scan_id, sequence, payload)


def encode_end(scan_id: str, end: LineScanEnd, *, sequence: int = 0) -> bytes:
    """Return a SCAN_END frame.

    Parameters
    ----------
    scan_id : str
        UUID of the scan.
    end : LineScanEnd
        What is known at its end.
    sequence : int
        Frame counter.

    Returns
    -------
    bytes
        The frame.
    """
    return _frame(MessageType.SCAN_END, scan_id, sequence, msgspec.json.encode(end))


def encode_ack(scan_id: str, *, sequence: int = 0) -> bytes:
    """Return an ACK frame, from the receiver to the sender: the scan is on disk, fsynced.

    Parameters
    ----------
    scan_id : str
        UUID of the scan.
    sequence : int
        Frame counter.

    Returns
    -------
    bytes
        The frame; it has no payload.
    """
    return _frame(MessageType.ACK, scan_id, sequence, b"")


def encode_heartbeat(*, temperature_c: float | None, t_utc: str | None = None, sequence: int = 0) -> bytes:
    """Return a HEARTBEAT frame.

    Parameters
    ----------
    temperature_c : float or None
        Temperature of the detectors, degrees Celsius.
    t_utc : str or None
        The scanner's clock, RFC 3339.
    sequence : int
        Frame counter.

    Returns
    -------
    bytes
        The frame.
    """
    body = {"temperature_c": temperature_c, "t_utc": t_utc}
    return _frame(MessageType.HEARTBEAT, None, sequence, msgspec.json.encode(body))


def encode_event(kind: str, text: str, *, scan_id: str | None = None, sequence: int = 0) -> bytes:
    """Return an EVENT frame.

    Parameters
    ----------
    kind : str
        "data-lost", "buffer-full", "tamper", "fault", ...
    text : str
        One line.
    scan_id : str or None
        The scan it concerns.
    sequence : int
        Frame counter.

    Returns
    -------
    bytes
        The frame.
    """
    return _frame(MessageType.EVENT, scan_id, sequence, canonical_bytes({"kind": kind, "text": text}))

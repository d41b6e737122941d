"""A scan: who, where and when, with one payload of raw measurements."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from .codes import OperatingMode, ReasonCode, TimeSource

__all__ = [
    "CalibrationRef",
    "ClockState",
    "Device",
    "Gap",
    "InputRef",
    "Manifest",
    "ScanIdentity",
    "ScanNote",
    "freeze_arrays",
]


def freeze_arrays(record: msgspec.Struct) -> None:
    """Replace every array field of a record by a read-only view of itself.

    Parameters
    ----------
    record : msgspec.Struct
        A record whose construction just ended.
    """
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if isinstance(value, np.ndarray) and value.flags.writeable:
            view: NDArray[np.generic] = value.view()
            view.flags.writeable = False
            msgspec.structs.force_setattr(record, name, view)


class Device(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The instrument, as it names itself. A claim, not a fact: names never choose an analysis.

    Attributes
    ----------
    make, model, serial, firmware : str or None
        As given by the device; None where it gave nothing.
    detector : str or None
        Detector kind as named by the file ("NaI", "HPGe", ...). Headers lie.
    """

    make: str | None = None
    model: str | None = None
    serial: str | None = None
    firmware: str | None = None
    detector: str | None = None


class ClockState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The clock behind a scan's times.

    Attributes
    ----------
    t_source : TimeSource
        DEVICE, HOST, or BACKDATED (computed from a cadence).
    source : str or None
        Name of the time service; None if nothing is known of it.
    offset_ms, uncertainty_ms : int or None
        Measured offset of the clock and its uncertainty, in milliseconds; None if not measured.
    is_synchronised : bool or None
        False turns the scan UNKNOWN (CLOCK_UNSYNC); None says nothing was recorded, as in old files.
    """

    t_source: TimeSource = TimeSource.DEVICE
    source: str | None = None
    offset_ms: int | None = None
    uncertainty_ms: int | None = None
    is_synchronised: bool | None = None


class InputRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One input that a result rests on.

    Attributes
    ----------
    kind : str
        "scan", "background", "sidecar", "calibration", "spool", ...
    uri : str
        File name (no folder: the same bytes elsewhere are the same input) or spool address.
    n_bytes : int
        Size in bytes.
    sha256 : str
        Hash of the bytes, 64 hexadecimal digits.
    """

    kind: str
    uri: str
    n_bytes: int
    sha256: str


class CalibrationRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The calibration a scan was taken with.

    Attributes
    ----------
    state : {"VALID", "STALE", "MISSING", "FAILED"}
        What is known of it.
    id : str or None
        Its name.
    sha256 : str or None
        Hash of its bytes.
    made_at : str or None
        When it was made, RFC 3339 UTC.
    age_s, max_age_s : int or None
        Its age at the scan and the site's limit, seconds.
    """

    state: Literal["VALID", "STALE", "MISSING", "FAILED"] = "VALID"
    id: str | None = None
    sha256: str | None = None
    made_at: str | None = None
    age_s: int | None = None
    max_age_s: int | None = None


class Gap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Intervals or lines that were sent and not received. Recorded, never closed up.

    Attributes
    ----------
    index : int
        Index of the first missing interval or line in the payload's own axis.
    n_missing : int
        How many are missing (>= 1).
    cause : str
        "line ids", "spool", "connection", ...
    """

    index: int
    n_missing: int
    cause: str


class ScanNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something a source saw that the level must account for (reason), or only tell (no reason).

    Attributes
    ----------
    text : str
        One line for a person.
    reason : ReasonCode or None
        The reason code it raises; None for a remark.
    """

    text: str
    reason: ReasonCode | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was declared of the container.

    Attributes
    ----------
    is_declared_empty : bool or None
        None when nothing was declared.
    goods : tuple of str
        Harmonised System codes.
    gross_mass_kg : float or None
        Declared mass, kg.
    """

    is_declared_empty: bool | None = None
    goods: tuple[str, ...] = ()
    gross_mass_kg: float | None = None


class ScanIdentity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who, where and when.

    Attributes
    ----------
    scan_id : str
        UUIDv7 for a live scan; for a file UUIDv8 from the sha256 of its bytes and the index in it.
    site, lane : str or None
        Where it was taken.
    device : Device
        The instrument.
    container_id : str or None
        ISO 6346 number as read, compact; None if not known.
    id_source : {"OCR", "MANUAL", "RFID", "MANIFEST", "DEVICE"} or None
        Where that number comes from.
    ocr_confidence : float or None
        Confidence of the reading, 0 to 1.
    operating_mode : OperatingMode
        Only Ops can clear cargo.
    t_start_utc, t_end_utc : datetime or None
        Start and end, aware, UTC; None if the file holds no time.
    clock : ClockState
        What is known of the clock.
    manifest : Manifest or None
        What was declared; None if unknown.
    """

    scan_id: str
    site: str | None = None
    lane: str | None = None
    device: Device = Device()
    container_id: str | None = None
    id_source: Literal["OCR", "MANUAL", "RFID", "MANIFEST", "DEVICE"] | None = None
    ocr_confidence: float | None = None
    operating_mode: OperatingMode = OperatingMode.OPS
    t_start_utc: datetime | None = None
    t_end_utc: datetime | None = None
    clock: ClockState = ClockState()
    manifest: Manifest | None = None

"""What spectrum files have in common: time slices of several detectors, and how they become scans.

The readers of N42.42 and of the other spectrum formats fill a :class:`Document`; this module decides
what is one occupancy, what are separate static scans and what is background, and moves the counts
into arrays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from screening.records import Device, ReasonCode, ScanNote

from .calibration import Calibration

__all__ = [
    "DetectorSpectrum",
    "Document",
    "GrossCount",
    "Role",
    "Slice",
    "duration_s",
    "merge_simultaneous",
    "series_of",
    "time_utc",
]

Role = Literal["foreground", "background", "calibration", "derived"]

MAX_INTERVAL_S = 10.0
"""Longest interval of a vehicle pass; anything longer is a measurement of its own."""

MAX_DURATION_S = 1e9

MAX_GROSS_COUNT = float(2**53)

MAX_JUMP_S = 60.0
"""Longest pause inside one pass."""

_DURATION = re.compile(
    r"P(?:(?P<d>\d+)D)?(?:T(?:(?P<h>[\d.]+)H)?(?:(?P<m>[\d.]+)M)?(?:(?P<s>[\d.]+(?:[eE][+-]?\d+)?)S)?)?"
)


@dataclass(slots=True)
class DetectorSpectrum:
    """One detector's spectrum in one slice; `counts` is set by readers that have numbers, else `text`."""

    detector: str
    live_time_s: float
    calibration: Calibration | None
    text: str = ""
    is_counted_zeroes: bool = False
    counts: NDArray[np.float64] | None = None


@dataclass(slots=True)
class GrossCount:
    """One detector's gross count in one slice."""

    detector: str
    counts: float
    live_time_s: float

    @property
    def whole(self) -> int:
        """Return the counts as an integer.

        Returns
        -------
        int
            -1 if they are negative, not finite or beyond 2^53.
        """
        return round(self.counts) if 0 <= self.counts <= MAX_GROSS_COUNT else -1


@dataclass(slots=True)
class Slice:
    """Everything measured in one interval of time; NaN and None where the file gives nothing."""

    start_utc: datetime | None = None
    real_time_s: float = np.nan
    role: Role = "foreground"
    is_occupied: bool | None = None
    speed_m_s: float | None = None
    is_end: bool = False
    group: str = ""
    spectra: list[DetectorSpectrum] = field(default_factory=list)
    gamma: list[GrossCount] = field(default_factory=list)
    neutron: list[GrossCount] = field(default_factory=list)

    def gamma_detectors(self) -> set[str]:
        """Return the names of the detectors that sent spectra or gamma counts.

        Returns
        -------
        set of str
            Names as in the file.
        """
        return {item.detector for item in self.spectra} | {item.detector for item in self.gamma}

    def detectors(self) -> set[str]:
        """Return the names of all detectors that sent something.

        Returns
        -------
        set of str
            Names as in the file.
        """
        return self.gamma_detectors() | {item.detector for item in self.neutron}


@dataclass(slots=True)
class Document:
    """A whole file, before it is cut into scans."""

    device: Device = field(default_factory=Device)
    lane: str | None = None
    slices: list[Slice] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    device_alarms: list[str] = field(default_factory=list)
    is_tampered: bool = False
    is_background_subtracted: bool = False
    notes: list[ScanNote] = field(default_factory=list)

    def note(self, text: str, reason: ReasonCode | None = None) -> None:
        """Add a note once.

        Parameters
        ----------
        text : str
            One line.
        reason : ReasonCode or None
            The reason code it raises; None for a remark.
        """
        note = ScanNote(text=text, reason=reason)
        if note not in self.notes:
            self.notes.append(note)


@lru_cache(maxsize=4096)
def duration_s(text: str | None) -> float:
    """Return an ISO 8601 duration ("PT0.250S", "PT1H2M3S") or a plain number in seconds.

    Parameters
    ----------
    text : str or None
        As in the file.

    Returns
    -------
    float
        Seconds; NaN if there is none, or it is negative, beyond 30 years, or not readable.
    """
    if not text:
        return np.nan
    match = _DURATION.fullmatch(text.strip())
    try:
        if match is None or text.strip() in ("P", "PT"):
            value = float(text)
        else:
            days, hours, minutes, seconds = (float(match[key] or 0) for key in "dhms")
            value = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    except ValueError:
        return np.nan
    return value if 0 <= value <= MAX_DURATION_S else np.nan


@lru_cache(maxsize=4096)
def time_utc(text: str | None) -> tuple[datetime | None, bool]:
    """Return an ISO 8601 time in UTC.

    Parameters
    ----------
    text : str or None
        As in the file.

    Returns
    -------
    time : datetime or None
        Aware, UTC; None if there is none, or it is not readable, or not of the years 1970 to 2200.
    has_zone : bool
        False if the file gave no zone and UTC was taken.
    """
    if not text:
        return None, True
    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError:
        return None, True
    if not 1970 <= parsed.year <= 2200:
        return None, True
    if parsed.tzinfo is None:
        return parsed.replace(tzinfo=UTC), False
    return parsed.astimezone(UTC), True


def merge_simultaneous(slices: list[Slice]) -> list[Slice]:
    """Join slices that are one interval written detector by detector.

    Parameters
    ----------
    slices : list of Slice
        In file order.

    Returns
    -------
    list of Slice
        Slices of the same group, role, start and length with different detectors are one.
    """
    merged: list[Slice] = []
    by_start: dict[tuple[object, ...], Slice] = {}
    for item in slices:
        key = (item.group, item.role, item.start_utc, item.real_time_s)
        known = by_start.get(key) if item.start_utc is not None else None
        if known is None or known.detectors() & item.detectors():
            by_start[key] = item
            merged.append(item)
            continue
        known.spectra += item.spectra
        known.gamma += item.gamma
        known.neutron += item.neutron
        known.speed_m_s = item.speed_m_s if known.speed_m_s is None else known.speed_m_s
        known.is_end |= item.is_end
        known.is_occupied = item.is_occupied if known.is_occupied is None else known.is_occupied
    return merged


def series_of(slices: list[Slice]) -> list[Slice] | None:
    """Return the slices in time order if together they are one vehicle pass.

    A pass has several short intervals of the same detectors without long pauses: at least two if the
    portal marked its occupancy, at least four otherwise (a handheld's file with two or three short
    spectra is not a pass).

    Parameters
    ----------
    slices : list of Slice
        Foreground slices of one group.

    Returns
    -------
    list of Slice or None
        Sorted by time; None if they are separate measurements.
    """
    n_least = 2 if any(item.is_occupied is not None for item in slices) else 4
    if len(slices) < n_least:
        return None
    has_time = [item.start_utc is not None for item in slices]
    if any(has_time) and not all(has_time):
        return None
    if all(has_time):
        slices = sorted(slices, key=lambda item: item.start_utc or datetime.min.replace(tzinfo=UTC))
    for item in slices:
        if item.real_time_s > MAX_INTERVAL_S:
            return None
    for before, after in pairwise(slices):
        if before.start_utc and after.start_utc:
            jump_s = (after.start_utc - before.start_utc).total_seconds()
            if jump_s - (before.real_time_s if before.real_time_s > 0 else 0.0) > MAX_JUMP_S:
                return None
    gamma = [item.gamma_detectors() for item in slices]
    shared = set.intersection(*[names for names in gamma if names]) if any(gamma) else set()
    return slices if shared else None

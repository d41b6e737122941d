"""What a detector says of one scan."""

from __future__ import annotations

import msgspec

from screening.records import Level

__all__ = ["Candidate", "DetectorAnswer"]


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A place on a picture that a detector points at.

    Attributes
    ----------
    row0, col0, row1, col1 : int
        Box, half-open, in pixels of the input picture.
    score : float
        Higher is more likely an object.
    kind : str
        Its class, "" for any.
    view : int
        Index of the picture within the scan.
    """

    row0: int
    col0: int
    row1: int
    col1: int
    score: float
    kind: str = ""
    view: int = 0


class DetectorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a detector says of one scan. None everywhere means: no answer to that question.

    Attributes
    ----------
    level : Level
        Its level; UNKNOWN counts as no answer.
    codes : tuple of str
        Reason codes.
    alarm : bool or None
        Whether it alarms.
    alarm_score : float or None
        What the alarm is decided by; higher is more alarming.
    nuclides : tuple of str or None
        Named labels; empty: none found. None: it does not identify.
    load_score : float or None
        Evidence of load in a container, higher is more; for the curve of loaded against empty.
    is_loaded : bool or None
        Its own call.
    has_dense, is_shielded : bool or None
        Its own calls.
    alarm_time_s : float or None
        Seconds from the start of the scan to its first alarm.
    confidences : dict of str to float or None
        Probability of labels (those named, and others it considered): for calibration.
    prediction_set : tuple of str or None
        A set of labels meant to hold the truth with a stated probability (conformal prediction).
    threat_score, has_threat : float or None, bool or None
        Evidence of a threat on the picture, higher is more; its own call.
    candidates : tuple of Candidate or None
        Places it points at; empty: none. None: it does not point.
    cargo_mass_kg, hideable_fraction : float or None
        As in the measurements of the pipeline.
    """

    level: Level
    codes: tuple[str, ...] = ()
    alarm: bool | None = None
    alarm_score: float | None = None
    nuclides: tuple[str, ...] | None = None
    load_score: float | None = None
    is_loaded: bool | None = None
    has_dense: bool | None = None
    is_shielded: bool | None = None
    alarm_time_s: float | None = None
    confidences: dict[str, float] | None = None
    prediction_set: tuple[str, ...] | None = None
    threat_score: float | None = None
    has_threat: bool | None = None
    candidates: tuple[Candidate, ...] | None = None
    cargo_mass_kg: float | None = None
    hideable_fraction: float | None = None

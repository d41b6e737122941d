"""The record riskflag/1: what one modality concluded of one scan, immutable and re-derivable.

Non-integers are decimal strings, always: the canonical form must not depend on how a machine prints
a float. The fields are those of docs/formats.md; a flag is unsigned until the clearance seals it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from .codes import FlagModality, Level, OperatingMode, ReasonCode
from .findings import ModelRef
from .scan import CalibrationRef, Device, InputRef

__all__ = [
    "FlagClock",
    "FlagGate",
    "FlagPipeline",
    "FlagQuality",
    "FlagScores",
    "Reason",
    "RiskFlag",
    "Subject",
]


class Subject(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The container a flag is about.

    Attributes
    ----------
    container_id : str or None
        ISO 6346 number, compact.
    id_source : str or None
        OCR, MANUAL, RFID, MANIFEST or DEVICE.
    check_digit_ok : bool or None
        None when there is no number.
    ocr_confidence : str or None
        Decimal string.
    """

    container_id: str | None = None
    id_source: str | None = None
    check_digit_ok: bool | None = None
    ocr_confidence: str | None = None


class Reason(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One reason behind a level.

    Attributes
    ----------
    code : ReasonCode
        The code.
    level : Level or None
        The level this reason alone gives; None for an advisory.
    text : str
        One line for a person.
    params : dict of str to str
        Figures as decimal strings.
    niem_code : str or None
        NIEM CBRN code, where one maps.
    evidence_ref : str or None
        Product or region that shows it.
    """

    code: ReasonCode
    level: Level | None
    text: str
    params: dict[str, str] = {}
    niem_code: str | None = None
    evidence_ref: str | None = None


class FlagScores(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Scores behind a level, decimal strings.

    Attributes
    ----------
    raw : dict of str to str
        Named scores.
    labels : tuple of str
        Labels, most likely first.
    threshold_id : str or None
        Which set of thresholds judged them.
    ood_score : str or None
        Out-of-distribution score.
    """

    raw: dict[str, str] = {}
    labels: tuple[str, ...] = ()
    threshold_id: str | None = None
    ood_score: str | None = None


class FlagGate(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"passed": "pass"},
):
    """One quality gate as it was applied."""

    name: str
    passed: bool
    value: str
    limit: str


class FlagQuality(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Quality of the scan behind a flag.

    Attributes
    ----------
    gates : tuple of FlagGate
        Every gate applied.
    coverage : str or None
        Share of the vehicle that was seen, decimal string.
    lost_lines, lost_records : int or None
        How many are missing.
    saturated : str or None
        Saturated share, decimal string.
    speed_m_s : str or None
        Speed, decimal string.
    occupancy_ok : bool or None
        The occupancy had a start and an end.
    """

    gates: tuple[FlagGate, ...] = ()
    coverage: str | None = None
    lost_lines: int | None = None
    lost_records: int | None = None
    saturated: str | None = None
    speed_m_s: str | None = None
    occupancy_ok: bool | None = None


class FlagClock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Times of a scan, RFC 3339 UTC, and what is known of the clock."""

    source: str | None = None
    offset_ms: int | None = None
    uncertainty_ms: int | None = None
    t_start: str | None = None
    t_end: str | None = None
    t_source: str = "DEVICE"


class FlagPipeline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What made a flag, so that it can be made again.

    Attributes
    ----------
    version : str
        Version of this package.
    kernel_isa : str
        Instruction set the kernels ran with.
    models : tuple of ModelRef
        Models by name and hash.
    config_sha256 : str
        Hash of the configuration.
    threshold_sha256 : str
        Hash of the thresholds.
    """

    version: str
    kernel_isa: str
    models: tuple[ModelRef, ...]
    config_sha256: str
    threshold_sha256: str


class RiskFlag(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One modality's answer for one scan.

    Attributes
    ----------
    schema : {"riskflag/1"}
        Version of this record.
    flag_id : str
        sha256 of the canonical body without flag_id, key_id and signature.
    scan_id : str
        The scan.
    site, lane : str or None
        Where.
    device : Device
        Instrument.
    operating_mode : OperatingMode
        Only Ops clears cargo.
    subject : Subject
        The container.
    modality : FlagModality
        Kind of evidence.
    level : Level
        LOW, UNKNOWN or HIGH.
    is_severe : bool
        Neutrons, SNM or an overload.
    reasons : tuple of Reason
        At least one unless LOW.
    scores : FlagScores
        Scores.
    quality : FlagQuality
        Quality gates.
    calibration : CalibrationRef
        Calibration used.
    background_age_s : int or None
        Age of the background at the scan, seconds; negative if it is younger than the scan.
    clock : FlagClock
        Times.
    pipeline : FlagPipeline
        What made it.
    inputs : tuple of InputRef
        Every input, by hash.
    supersedes : str or None
        The flag_id this one replaces.
    created_at : str or None
        The scan's end, RFC 3339 UTC: the same input gives the same flag.
    key_id, signature : str or None
        None until sealed.
    """

    flag_id: str
    scan_id: str
    site: str | None
    lane: str | None
    device: Device
    operating_mode: OperatingMode
    subject: Subject
    modality: FlagModality
    level: Level
    is_severe: bool
    reasons: tuple[Reason, ...]
    scores: FlagScores
    quality: FlagQuality
    calibration: CalibrationRef
    background_age_s: int | None
    clock: FlagClock
    pipeline: FlagPipeline
    inputs: tuple[InputRef, ...]
    schema: Literal["riskflag/1"] = "riskflag/1"
    supersedes: str | None = None
    created_at: str | None = None
    key_id: str | None = None
    signature: str | None = None

    def __post_init__(self) -> None:
        if self.level is not Level.LOW and not self.reasons:
            raise ValueError(f"a flag of level {self.level} needs at least one reason")

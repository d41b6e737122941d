"""One risk flag for each assessment of a scan."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from screening.errors import ScreeningError
from screening.records import (
    Analysis,
    Assessment,
    CalibrationRef,
    Finding,
    FlagClock,
    FlagGate,
    FlagModality,
    FlagPipeline,
    FlagQuality,
    FlagScores,
    Gate,
    InputRef,
    Level,
    Occupancy,
    RadiographMeasurements,
    Reason,
    ReasonCode,
    RiskFlag,
    Scan,
    ScanIdentity,
    Subject,
    content_id,
    decimal_string,
    utc_string,
)

from .evidence import calibration_of, identity_reasons, missing_evidence, reason, scan_reasons
from .identity import has_valid_check_digit
from .levels import EXPLAINABLE, LEVEL_OF_CODE, NIEM_OF_CODE, level_of

__all__ = ["Provenance", "assess", "unread_flag"]

_EXPLANATIONS = frozenset({ReasonCode.RAD_NUCLIDE_MEDICAL, ReasonCode.RAD_NUCLIDE_NORM})
_NOT_INNOCENT = frozenset(
    {ReasonCode.RAD_NEUTRON, ReasonCode.RAD_NUCLIDE_SNM, ReasonCode.RAD_NUCLIDE_INDUSTRIAL}
)
_SEVERE = frozenset({ReasonCode.RAD_NEUTRON, ReasonCode.RAD_NUCLIDE_SNM})


class Provenance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What made a flag, apart from the scan and the models.

    Attributes
    ----------
    version : str
        Version of this package.
    kernel_isa : str
        Instruction set the kernels run with.
    config_sha256 : str
        Hash of the configuration.
    threshold_sha256 : str
        Hash of the thresholds.
    threshold_id : str or None
        Name of that set of thresholds.
    """

    version: str
    kernel_isa: str
    config_sha256: str
    threshold_sha256: str
    threshold_id: str | None = None


def assess(scan: Scan, analysis: Analysis, provenance: Provenance) -> tuple[RiskFlag, ...]:
    """Return one flag for each assessment.

    Parameters
    ----------
    scan : Scan
        The scan that was analysed.
    analysis : Analysis
        What was found.
    provenance : Provenance
        What made it.

    Returns
    -------
    tuple of RiskFlag
        Unsigned; never empty: an analysis that assessed nothing gives one UNKNOWN flag.
    """
    assessments = analysis.assessments or (_nothing_assessed(analysis),)
    has_explanation = _has_innocent_explanation(assessments)
    about_scan = tuple(scan_reasons(scan))
    flags = []
    for assessment in assessments:
        reasons = _reasons(assessment, analysis, about_scan, has_explanation=has_explanation)
        flag = _unanswered(scan.identity, provenance, assessment.modality, reasons, scan.inputs)
        flags.append(
            _with_id(
                msgspec.structs.replace(
                    flag,
                    is_severe=flag.is_severe or any(finding.is_severe for finding in assessment.findings),
                    scores=FlagScores(
                        raw=dict(assessment.scores),
                        labels=assessment.labels,
                        threshold_id=provenance.threshold_id,
                        ood_score=assessment.ood_score,
                    ),
                    quality=_quality(scan, assessment, analysis),
                    calibration=calibration_of(scan),
                    background_age_s=_background_age_s(scan),
                    pipeline=msgspec.structs.replace(flag.pipeline, models=analysis.models),
                )
            )
        )
    return tuple(flags)


def unread_flag(
    identity: ScanIdentity,
    error: ScreeningError,
    provenance: Provenance,
    *,
    modality: FlagModality,
    inputs: tuple[InputRef, ...] = (),
) -> RiskFlag:
    """Return the UNKNOWN flag of a scan that could not be read or analysed.

    Parameters
    ----------
    identity : ScanIdentity
        What is known of the scan.
    error : ScreeningError
        Why; its reason code becomes the flag's.
    provenance : Provenance
        What tried.
    modality : FlagModality
        The modality that went without an answer.
    inputs : tuple of InputRef
        The bytes as received.

    Returns
    -------
    RiskFlag
        Unsigned, UNKNOWN.
    """
    failed = reason(ReasonCode(error.reason), str(error), at_least=Level.UNKNOWN)
    reasons = _joined((failed,), identity_reasons(identity))
    return _with_id(_unanswered(identity, provenance, modality, reasons, inputs))


def _unanswered(
    identity: ScanIdentity,
    provenance: Provenance,
    modality: FlagModality,
    reasons: tuple[Reason, ...],
    inputs: tuple[InputRef, ...],
) -> RiskFlag:
    """Return a flag that holds all but what an analysis measured, and no identifier yet."""
    clock = identity.clock
    return RiskFlag(
        flag_id="",
        scan_id=identity.scan_id,
        site=identity.site,
        lane=identity.lane,
        device=identity.device,
        operating_mode=identity.operating_mode,
        subject=_subject(identity),
        modality=modality,
        level=level_of(reasons),
        is_severe=any(reason.code in _SEVERE for reason in reasons),
        reasons=reasons,
        scores=FlagScores(threshold_id=provenance.threshold_id),
        quality=FlagQuality(),
        calibration=CalibrationRef(state="MISSING"),
        background_age_s=None,
        clock=FlagClock(
            source=clock.source,
            offset_ms=clock.offset_ms,
            uncertainty_ms=clock.uncertainty_ms,
            t_start=utc_string(identity.t_start_utc),
            t_end=utc_string(identity.t_end_utc),
            t_source=str(clock.t_source),
        ),
        pipeline=FlagPipeline(
            version=provenance.version,
            kernel_isa=provenance.kernel_isa,
            models=(),
            config_sha256=provenance.config_sha256,
            threshold_sha256=provenance.threshold_sha256,
        ),
        inputs=inputs,
        created_at=utc_string(identity.t_end_utc),
    )


def _with_id(flag: RiskFlag) -> RiskFlag:
    flag_id = content_id(flag, without=("flag_id", "key_id", "signature"))
    return msgspec.structs.replace(flag, flag_id=flag_id)


def _nothing_assessed(analysis: Analysis) -> Assessment:
    is_radiation = analysis.modality == "radiation"
    return Assessment(
        modality=FlagModality.RAD_GROSS if is_radiation else FlagModality.XRAY,
        findings=(Finding(code=ReasonCode.Q_COVERAGE, text="the analysis assessed nothing"),),
    )


def _has_innocent_explanation(assessments: Iterable[Assessment]) -> bool:
    """Tell whether the scan named medical nuclides or NORM, and nothing that is not innocent."""
    codes = {finding.code for assessment in assessments for finding in assessment.findings}
    return bool(codes & _EXPLANATIONS) and not codes & _NOT_INNOCENT


def _reasons(
    assessment: Assessment,
    analysis: Analysis,
    about_scan: tuple[Reason, ...],
    *,
    has_explanation: bool,
) -> tuple[Reason, ...]:
    own = (
        *(_of_finding(finding, has_explanation=has_explanation) for finding in assessment.findings),
        *(_of_gate(gate) for gate in assessment.gates if not gate.passed),
    )
    reasons = _joined(own, about_scan)
    is_corrupt = any(reason.code is ReasonCode.INPUT_CORRUPT for reason in reasons)
    if is_corrupt or level_of(reasons) is Level.HIGH:
        return reasons
    # Asked of every other flag, not only of those without a reason: an exercise sets reasons aside
    # later, and what is left must not read LOW for want of a measurement.
    return _joined(reasons, missing_evidence(assessment, analysis.measurements))


def _joined(own: tuple[Reason, ...], added: Iterable[Reason]) -> tuple[Reason, ...]:
    """Append reasons, but for those whose code stands among the first already at that level or above."""
    kept = list(own)
    for new in added:
        said = [reason.level for reason in kept if reason.code is new.code]
        if not said or (new.level is not None and all(level is None for level in said)):
            kept.append(new)
    return tuple(kept)


def _of_finding(finding: Finding, *, has_explanation: bool) -> Reason:
    level = LEVEL_OF_CODE[finding.code]
    is_explained = finding.is_explained and has_explanation and not finding.is_severe
    if is_explained and finding.code in EXPLAINABLE:
        level = Level.UNKNOWN
    return Reason(
        code=finding.code,
        level=level,
        text=finding.text,
        params=dict(finding.params),
        niem_code=NIEM_OF_CODE.get(finding.code),
        evidence_ref=finding.evidence_ref,
    )


def _of_gate(gate: Gate) -> Reason:
    failed = reason(gate.code, _gate_text(gate), at_least=Level.UNKNOWN)
    return msgspec.structs.replace(failed, params={"value": gate.value, "limit": gate.limit})


def _subject(identity: ScanIdentity) -> Subject:
    number = identity.container_id
    return Subject(
        container_id=number,
        id_source=identity.id_source,
        check_digit_ok=None if number is None else has_valid_check_digit(number),
        ocr_confidence=None if identity.ocr_confidence is None else decimal_string(identity.ocr_confidence),
    )


def _quality(scan: Scan, assessment: Assessment, analysis: Analysis) -> FlagQuality:
    payload, measured = scan.payload, analysis.measurements
    values = {gate.name: gate.value for gate in assessment.gates}
    quality = measured.quality if isinstance(measured, RadiographMeasurements) else None
    return FlagQuality(
        gates=tuple(
            FlagGate(name=gate.name, passed=gate.passed, value=gate.value, limit=gate.limit)
            for gate in assessment.gates
        ),
        coverage=values.get("coverage"),
        lost_lines=None if quality is None else quality.lost_lines,
        lost_records=sum(gap.n_missing for gap in payload.gaps) if isinstance(payload, Occupancy) else None,
        saturated=None if quality is None else decimal_string(quality.saturated_fraction),
        speed_m_s=None if payload.speed_m_s is None else decimal_string(payload.speed_m_s),
        occupancy_ok=payload.is_complete if isinstance(payload, Occupancy) else None,
    )


def _background_age_s(scan: Scan) -> int | None:
    payload, start = scan.payload, scan.identity.t_start_utc
    if not isinstance(payload, Occupancy) or payload.background is None or start is None:
        return None
    taken = payload.background.t_end_utc
    return None if taken is None else int((start - taken).total_seconds())


def _gate_text(gate: Gate) -> str:
    words = gate.name.replace("_", " ")
    if gate.value == "none":
        return f"{words}: not measured (limit {gate.limit})"
    if (gate.value, gate.limit) == ("0", "1"):
        return f"{words}: missing"
    return f"{words}: {gate.value} against a limit of {gate.limit}"

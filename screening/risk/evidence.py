"""What must have been measured before a modality may be LOW, and what the scan itself tells.

An analysis without findings is silent, not innocent: these rules turn silence into reasons.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from screening.records import (
    Assessment,
    CalibrationRef,
    CountMeasurement,
    FlagModality,
    Level,
    Occupancy,
    OperatingMode,
    RadiationMeasurements,
    RadiographMeasurements,
    Reason,
    ReasonCode,
    Scan,
    ScanIdentity,
    worst,
)

from .identity import has_valid_check_digit
from .levels import LEVEL_OF_CODE, NIEM_OF_CODE

__all__ = ["calibration_of", "identity_reasons", "missing_evidence", "reason", "scan_reasons"]


def reason(code: ReasonCode, text: str, *, at_least: Level | None = None) -> Reason:
    """Return a reason with the level of its code.

    Parameters
    ----------
    code : ReasonCode
        The code.
    text : str
        One line for a person.
    at_least : Level or None
        Level below which the reason may not fall, whatever the table says.

    Returns
    -------
    Reason
        The reason.
    """
    level = LEVEL_OF_CODE[code]
    if at_least is not None:
        level = at_least if level is None else worst(level, at_least)
    return Reason(code=code, level=level, text=text, niem_code=NIEM_OF_CODE.get(code))


def identity_reasons(identity: ScanIdentity) -> Iterator[Reason]:
    """Yield what the operating mode, the clock and the container number speak against LOW.

    Parameters
    ----------
    identity : ScanIdentity
        Who, where and when.

    Yields
    ------
    Reason
        One by one.
    """
    mode = identity.operating_mode
    if mode is not OperatingMode.OPS:
        yield reason(ReasonCode.MODE_NOT_OPS, f"the operating mode was {mode}: only Ops clears cargo")
    if mode is OperatingMode.EXERCISE:
        yield reason(ReasonCode.EXERCISE, "EXERCISE: not a screening of cargo")
    if identity.clock.is_synchronised is False:
        yield reason(ReasonCode.CLOCK_UNSYNC, "the clock was not synchronised")
    if identity.container_id is not None and not has_valid_check_digit(identity.container_id):
        yield reason(ReasonCode.ID_CHECKDIGIT, "the container number fails its form or check digit")


def scan_reasons(scan: Scan) -> Iterator[Reason]:
    """Yield what a scan tells of itself: notes, tampering, faults, an end never received, calibration.

    Parameters
    ----------
    scan : Scan
        The scan.

    Yields
    ------
    Reason
        One by one.
    """
    payload = scan.payload
    is_occupancy = isinstance(payload, Occupancy)
    for note in scan.notes:
        if note.reason is not None:
            yield reason(note.reason, note.text, at_least=Level.UNKNOWN)
    if payload.is_tampered:
        yield reason(ReasonCode.DEVICE_TAMPER, "the device reported tampering")
    if payload.faults:
        yield reason(ReasonCode.Q_DETECTOR_DEAD, f"the device reported: {', '.join(payload.faults)}")
    if not payload.is_complete:
        yield reason(
            ReasonCode.Q_OCCUPANCY if is_occupancy else ReasonCode.Q_COVERAGE,
            "the end of the scan was not received",
        )
    calibration = calibration_of(scan)
    if calibration.state == "STALE":
        yield reason(ReasonCode.CAL_STALE, "the calibration is older than the site's limit")
    elif calibration.state != "VALID":
        state = "failed" if calibration.state == "FAILED" else "is missing"
        yield reason(ReasonCode.CAL_MISSING, f"the calibration {state}")
    yield from identity_reasons(scan.identity)


def calibration_of(scan: Scan) -> CalibrationRef:
    """Return the calibration that a scan's flag names.

    Parameters
    ----------
    scan : Scan
        The scan.

    Returns
    -------
    CalibrationRef
        The radiograph's own, or the energy calibration of the spectra; gross counts need none.
    """
    payload = scan.payload
    if isinstance(payload, Occupancy):
        if payload.spectra is None:
            return CalibrationRef(id="gross counts: none needed")
        if payload.energy_edges_kev is None:
            return CalibrationRef(state="MISSING")
        return CalibrationRef(id="energy calibration of the file")
    if payload.calibration is None:
        return CalibrationRef(state="MISSING")
    ref = payload.calibration.ref
    is_old = ref.age_s is not None and ref.max_age_s is not None and ref.age_s > ref.max_age_s
    if is_old and ref.state == "VALID":
        return CalibrationRef(
            state="STALE",
            id=ref.id,
            sha256=ref.sha256,
            made_at=ref.made_at,
            age_s=ref.age_s,
            max_age_s=ref.max_age_s,
        )
    return ref


def missing_evidence(
    assessment: Assessment, measurements: RadiationMeasurements | RadiographMeasurements
) -> Iterator[Reason]:
    """Yield what keeps an assessment without findings from being LOW.

    Parameters
    ----------
    assessment : Assessment
        What one modality says.
    measurements : RadiationMeasurements or RadiographMeasurements
        What was measured.

    Yields
    ------
    Reason
        One by one; none if everything needed is there.
    """
    if not assessment.gates:
        yield reason(ReasonCode.Q_COVERAGE, "no quality gate was applied")
    if isinstance(measurements, RadiographMeasurements):
        yield from _missing_in_radiograph(assessment.modality, measurements)
    else:
        yield from _missing_in_radiation(assessment, measurements)


def _missing_in_radiation(assessment: Assessment, measured: RadiationMeasurements) -> Iterator[Reason]:
    match assessment.modality:
        case FlagModality.RAD_GROSS:
            yield from _untested(measured.gamma, "gamma counts", ReasonCode.RAD_GAMMA_NSIGMA)
        case FlagModality.NEUTRON:
            yield from _untested(measured.neutron, "neutron counts", ReasonCode.RAD_NEUTRON)
        case FlagModality.RAD_SPECTRAL:
            # Without an energy calibration nothing can be tested, and the failed gate says so already.
            is_told = any(g.code is ReasonCode.CAL_MISSING and not g.passed for g in assessment.gates)
            if assessment.ood_score in (None, "none") and measured.anomaly is None and not is_told:
                yield reason(ReasonCode.MODEL_ERROR, "nothing tested whether the spectrum was understood")
            elif measured.anomaly is not None and not (
                math.isfinite(measured.anomaly.score) and math.isfinite(measured.anomaly.threshold)
            ):
                yield reason(ReasonCode.MODEL_ERROR, "the spectral score is not a finite number")
        case other:
            yield reason(ReasonCode.Q_COVERAGE, f"a radiation analysis says nothing of {other}")
            return
    limit = measured.detection_limit_mbq_cs137
    if assessment.modality is not FlagModality.NEUTRON and (limit is None or not math.isfinite(limit)):
        yield reason(ReasonCode.Q_COVERAGE, "no detection limit could be stated")


def _untested(counts: CountMeasurement | None, what: str, alarm: ReasonCode) -> Iterator[Reason]:
    if counts is not None and counts.alarm:
        yield reason(alarm, f"the {what} alarmed")
    elif counts is None or counts.alarm is None:
        yield reason(ReasonCode.BKG_MISSING, f"the {what} could not be tested against a background")
    elif counts.max_nsigma is None or not math.isfinite(counts.max_nsigma):
        yield reason(ReasonCode.BKG_MISSING, f"the {what} have no significance above a background")


def _missing_in_radiograph(modality: FlagModality, measured: RadiographMeasurements) -> Iterator[Reason]:
    if modality is not FlagModality.XRAY:
        yield reason(ReasonCode.Q_COVERAGE, f"a radiograph says nothing of {modality}")
    elif not measured.containers:
        yield reason(ReasonCode.Q_COVERAGE, "no container was found in the picture")
    elif not any(box.complete for box in measured.containers):
        yield reason(ReasonCode.Q_COVERAGE, "no container is complete in the picture")
    for value, what in (
        (measured.hideable_fraction, "where a threat could hide unseen"),
        (measured.opaque_fraction, "how much of the picture is opaque"),
    ):
        if value is None or not math.isfinite(value):
            yield reason(ReasonCode.Q_COVERAGE, f"nothing measured {what}")
    hideable = measured.hideable_fraction
    if hideable is not None and hideable > 0:
        yield reason(ReasonCode.IMG_SHIELDED, "the configured threat could hide where the picture is blind")

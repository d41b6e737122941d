"""Writes decisions as N42.42-2012 documents into a folder: one result for the decision, one for each flag."""

from __future__ import annotations

import math
import uuid

from screening.clearance.settings import SinkSettings
from screening.formats.n42_results import (
    AnalysisResult,
    ResultAlarm,
    ResultFault,
    ResultNuclide,
    write_results,
)
from screening.records import FlagModality, Level, ReasonCode, RiskFlag, Scan

from .folder import FolderOptions, drop_file, file_name, opened_folder
from .niem import ALARM_CATEGORY, interchange_fields
from .sink import SinkContext, SinkMessage, Told, options_of, told_by

__all__ = ["N42Sink", "n42_document", "result_of_flag", "results_of"]

RADIATION = frozenset({FlagModality.RAD_GROSS, FlagModality.RAD_SPECTRAL, FlagModality.NEUTRON})


class N42Sink:
    """Writes each decision as an N42 document.

    Parameters
    ----------
    settings : SinkSettings
        Name, kinds and :class:`FolderOptions`.
    context : SinkContext
        Where flags, and the scans behind them, are looked up.
    """

    def __init__(self, settings: SinkSettings, context: SinkContext) -> None:
        self.name, self.kinds = settings.name, settings.kinds
        self._context = context
        self._folder = opened_folder(options_of(settings, FolderOptions).folder, self.name)

    def deliver(self, message: SinkMessage) -> None:
        """Write a decision; see :class:`DecisionSink`.

        Parameters
        ----------
        message : SinkMessage
            The message.

        Raises
        ------
        SinkError
            If it is no decision, or could not be written.
        """
        told = told_by(message, self._context)
        document = n42_document(told, key=message.key, scan=_scan_behind(told, self._context))
        drop_file(self._folder, file_name(message, "n42"), document)


def n42_document(told: Told, *, key: str, scan: Scan | None = None) -> bytes:
    """Return a decision as an N42.42-2012 document.

    Parameters
    ----------
    told : Told
        The decision with its flags.
    key : str
        Hash of the decision's record; the document's identifier is made from it.
    scan : Scan or None
        The measurement of one of its radiation flags, written with background and calibration.

    Returns
    -------
    bytes
        UTF-8 XML.
    """
    container = told.decision.consignment.container_id
    radiation = [flag for flag in told.flags if flag.modality in RADIATION]
    return write_results(
        results_of(told),
        document_id=str(uuid.UUID(bytes=bytes.fromhex(key)[:16], version=5)),
        device=radiation[0].device if radiation else None,
        item=f"container {container}",
        scan=scan,
    )


def results_of(told: Told) -> tuple[AnalysisResult, ...]:
    """Return what a decision and its flags come to, as analysis results.

    Parameters
    ----------
    told : Told
        The decision with its flags.

    Returns
    -------
    tuple of AnalysisResult
        That of the decision first, then one for each flag.
    """
    return (_of_decision(told), *(result_of_flag(flag) for flag in told.flags))


def result_of_flag(flag: RiskFlag) -> AnalysisResult:
    """Return a flag as an analysis result.

    UNKNOWN without an alarm or a nuclide is a failure: "success, no alarm" would read as clear.

    Parameters
    ----------
    flag : RiskFlag
        The flag.

    Returns
    -------
    AnalysisResult
        The result.
    """
    alarms = tuple(
        _alarm(reason.code, reason.text) for reason in flag.reasons if ALARM_CATEGORY[reason.code] is not None
    )
    nuclides = (
        tuple(_nuclide(label, flag) for label in flag.scores.labels) if flag.modality in RADIATION else ()
    )
    failed = [
        ResultFault(code=gate.name, text=f"gate failed: {gate.value} against a limit of {gate.limit}")
        for gate in flag.quality.gates
        if not gate.passed
    ]
    doubts = [
        ResultFault(code=reason.code.value, text=reason.text, severity="Warning")
        for reason in flag.reasons
        if ALARM_CATEGORY[reason.code] is None and reason.level is not None
    ]
    is_exercise = any(reason.code is ReasonCode.EXERCISE for reason in flag.reasons)
    parts = [
        *(["EXERCISE, never valid for cargo"] if is_exercise else []),
        f"container {flag.subject.container_id or 'not known'}",
        f"level {flag.level.value}",
        *(f"{reason.code.value}: {reason.text}" for reason in flag.reasons),
    ]
    return AnalysisResult(
        algorithm=f"screening {flag.modality.value}",
        version=flag.pipeline.version,
        is_success=flag.level is not Level.UNKNOWN or bool(alarms or nuclides),
        description="; ".join(parts),
        started_at=flag.created_at,
        remarks=(f"flag {flag.flag_id}", f"operating mode {flag.operating_mode.value}"),
        alarms=alarms,
        nuclides=nuclides,
        faults=(*failed, *doubts),
    )


def _of_decision(told: Told) -> AnalysisResult:
    decision = told.decision
    parts = [
        *(["EXERCISE, never valid for cargo"] if decision.is_exercise else []),
        f"container {decision.consignment.container_id}",
        f"risk {decision.risk.value}",
        f"action {decision.action.value}",
        *(code.value for code in decision.reason_codes),
    ]
    alarms = tuple(
        _alarm(code, code.value) for code in decision.reason_codes if ALARM_CATEGORY[code] is not None
    )
    missing = tuple(
        ResultFault(code="EVIDENCE_NOT_AT_HAND", text=f"flag {flag_id} is not in this document")
        for flag_id in told.missing
    )
    faults = tuple(
        ResultFault(code=code.value, text="reason of the decision", severity="Warning")
        for code in decision.reason_codes
        if ALARM_CATEGORY[code] is None
    )
    is_answer = decision.risk is Level.HIGH or (
        decision.risk is Level.LOW and not told.missing and not decision.is_exercise
    )
    return AnalysisResult(
        algorithm="screening clearance",
        version=f"{decision.policy.id} {decision.policy.version}",
        is_success=is_answer or bool(alarms),
        description="; ".join(parts),
        started_at=decision.decided_at,
        remarks=(
            f"decision {decision.decision_id}",
            f"by {decision.administration}",
            *(f"{name} {code}" for name, code in interchange_fields(decision).items()),
        ),
        alarms=alarms,
        faults=(*missing, *faults),
    )


def _alarm(code: ReasonCode, text: str) -> ResultAlarm:
    category = ALARM_CATEGORY[code]
    if category == "Gamma":
        return ResultAlarm(category="Gamma", text=text)
    return ResultAlarm(category="Neutron" if category == "Neutron" else "Isotope", text=text)


def _nuclide(label: str, flag: RiskFlag) -> ResultNuclide:
    stated = flag.scores.raw.get(label)
    try:
        confidence = float(stated) if stated is not None else None
    except ValueError:
        confidence = None
    if confidence is not None and not (math.isfinite(confidence) and 0.0 <= confidence <= 1.0):
        confidence = None
    codes = {
        reason.code: reason.code.value.removeprefix("RAD_NUCLIDE_").lower()
        for reason in flag.reasons
        if reason.params.get("nuclide") == label and reason.code.value.startswith("RAD_NUCLIDE_")
    }
    return ResultNuclide(name=label, confidence=confidence, category=" ".join(codes.values()) or None)


def _scan_behind(told: Told, context: SinkContext) -> Scan | None:
    """Return the measurement to write: that of the first radiation flag whose scan is kept."""
    if context.scan is None:
        return None
    for flag in told.flags:
        if flag.modality in RADIATION:
            scan = context.scan(flag)
            if scan is not None and scan.modality == "radiation":
                return scan
    return None

"""Writes decisions as DICOS threat detection reports into a folder."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from screening.clearance.settings import SinkSettings
from screening.formats.dicos_tdr import (
    Ability,
    AlarmDecision,
    Assessment,
    TdrType,
    ThreatRegion,
    ThreatReport,
    write_tdr,
)
from screening.records import Action, Device, FlagModality, Level, Reason, ReasonCode, RiskFlag

from .folder import drop_file, file_name, opened_folder
from .n42 import RADIATION
from .niem import interchange_fields
from .sink import SinkContext, SinkMessage, Told, options_of, told_by

__all__ = ["TdrOptions", "TdrSink", "alarm_decision", "threat_report"]

_INNOCENT = frozenset({3, 4, 5, 7, 8})
_SHIELDING = frozenset({ReasonCode.IMG_SHIELDED, ReasonCode.IMG_DENSE})
_CLEARING = frozenset({Action.CLEARED_FOR_DEPARTURE, Action.ACCEPT})
_ALARMING = frozenset({"HIGH_THREAT", "THREAT"})
_BOX = ("row0", "col0", "row1", "col1")
_MAX_PIXEL = 1 << 24  # what a DICOS polygon holds exactly: it is made of single-precision floats


class TdrOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of a sink of threat detection reports.

    Attributes
    ----------
    folder : str
        Where to; it must exist.
    institution, address : str
        Who and where the site is.
    """

    folder: str
    institution: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "unknown"
    address: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)] = "unknown"


class TdrSink:
    """Writes each decision as a threat detection report.

    Parameters
    ----------
    settings : SinkSettings
        Name, kinds and :class:`TdrOptions`.
    context : SinkContext
        Where flags are looked up.

    Raises
    ------
    ConfigurationError
        If the folder is missing, or pydicom is not installed.
    """

    def __init__(self, settings: SinkSettings, context: SinkContext) -> None:
        from screening.formats.dicos_tdr import require_pydicom

        require_pydicom()
        self.name, self.kinds = settings.name, settings.kinds
        self._context = context
        self._options = options_of(settings, TdrOptions)
        self._folder = opened_folder(self._options.folder, self.name)

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
        report = threat_report(
            told, key=message.key, institution=self._options.institution, address=self._options.address
        )
        drop_file(self._folder, file_name(message, "dcs"), write_tdr(report))


def threat_report(
    told: Told, *, key: str, institution: str = "unknown", address: str = "unknown"
) -> ThreatReport:
    """Return a decision as a threat detection report.

    Parameters
    ----------
    told : Told
        The decision with its flags.
    key : str
        Hash of the decision's record; the identifiers are made from it.
    institution, address : str
        The site.

    Returns
    -------
    ThreatReport
        The report. The regions are the reasons of the flags; one without a place in a picture (a
        radiation alarm) has none.
    """
    decision = told.decision
    regions = [_region(flag, reason, told) for flag in told.flags for reason in _worth(flag)]
    if decision.risk is Level.HIGH and not any(region.assessment in _ALARMING for region in regions):
        # A seal, an officer, targeting: readers refuse an alarm that is about nothing.
        codes = " ".join(code.value for code in decision.reason_codes) or "no reason given"
        regions.append(
            ThreatRegion(
                assessment="THREAT",
                ability="NO_INTERFERENCE",
                category="OTHER",
                text=f"decision {decision.action.value}: {codes}",
            )
        )
    image = next((flag for flag in told.flags if flag.modality is FlagModality.XRAY), None)
    shown = image or next(iter(told.flags), None)
    remarks = [
        *(["EXERCISE: never valid for cargo"] if decision.is_exercise else []),
        f"decision {decision.decision_id}: risk {decision.risk.value}, action {decision.action.value}",
        *(f"evidence not at hand: flag {flag_id}" for flag_id in told.missing),
        *(f"{name} {code}" for name, code in interchange_fields(decision).items()),
    ]
    return ThreatReport(
        key=key,
        study_key=shown.scan_id if shown is not None else key,
        series_key=key,
        decision=alarm_decision(told, tuple(regions)),
        tdr_type=_tdr_type(told),
        decided_at=datetime.fromisoformat(decision.decided_at),
        object_id=decision.consignment.container_id,
        scanned_at=_time(shown.clock.t_start if shown is not None else None),
        calibrated_at=_time(shown.calibration.made_at if shown is not None else None),
        institution=institution,
        address=address,
        station=(shown.lane if shown is not None else None) or "unknown",
        device=shown.device if shown is not None else Device(),
        software=shown.pipeline.version if shown is not None else "unknown",
        algorithms=_algorithms(told),
        regions=tuple(regions),
        remarks=tuple(remarks),
        is_further_screened=bool(decision.adjudications) or decision.inputs.destuff is not None,
        is_operational=not decision.is_exercise,
        operators=tuple(dict.fromkeys(item.officer_ref for item in decision.adjudications)),
    )


def alarm_decision(told: Told, regions: tuple[ThreatRegion, ...]) -> AlarmDecision:
    """Return the alarm decision of a report.

    Parameters
    ----------
    told : Told
        The decision with its flags.
    regions : tuple of ThreatRegion
        What it shows.

    Returns
    -------
    {"ALARM", "CLEAR", "UNKNOWN"}
        CLEAR only of a LOW decision that clears, taken in operation, with all of its evidence at hand
        and every region judged to be no threat. Never of UNKNOWN.
    """
    decision = told.decision
    if decision.risk is Level.HIGH:
        return "ALARM"
    is_clear = (
        decision.risk is Level.LOW
        and decision.action in _CLEARING
        and not decision.is_exercise
        and not told.missing
        and all(region.assessment == "NO_THREAT" for region in regions)
    )
    return "CLEAR" if is_clear else "UNKNOWN"


def _worth(flag: RiskFlag) -> list[Reason]:
    return [reason for reason in flag.reasons if reason.level is not None]


def _region(flag: RiskFlag, reason: Reason, told: Told) -> ThreatRegion:
    assessment: Assessment = "UNKNOWN"
    text = f"{flag.modality.value} {reason.code.value}: {reason.text}"
    if _is_resolved(flag, told):
        assessment, text = "NO_THREAT", f"resolved: {text}"
    elif reason.level is Level.HIGH:
        assessment = "HIGH_THREAT" if flag.is_severe else "THREAT"
    ability: Ability = "SHIELD" if reason.code in _SHIELDING else "NO_INTERFERENCE"
    category = "ANOMALY" if reason.code in (ReasonCode.IMG_ANOMALY, ReasonCode.IMG_SHIELDED) else "OTHER"
    return ThreatRegion(
        assessment=assessment,
        ability=ability,
        probability=_probability(flag, reason),
        category=category,
        text=text,
        location=_location(reason),
        box=_box(reason),
    )


def _is_resolved(flag: RiskFlag, told: Told) -> bool:
    """Tell whether the decision itself names what resolved a flag that was not LOW."""
    decision = told.decision
    if decision.risk is not Level.LOW or decision.is_exercise:
        return False
    about = [item.code in _INNOCENT for item in decision.adjudications if item.flag_id == flag.flag_id]
    if about:
        return all(about)
    if decision.inputs.destuff == "CLEAN":
        return flag.modality not in RADIATION or decision.inputs.remeasured == "LOW"
    return flag.modality in RADIATION and decision.inputs.radiation is Level.LOW


def _probability(flag: RiskFlag, reason: Reason) -> float | None:
    stated = reason.params.get("probability") or reason.params.get("confidence")
    if stated is None and (label := reason.params.get("nuclide")) is not None:
        stated = flag.scores.raw.get(label)
    try:
        value = float(stated) if stated is not None else -1.0
    except ValueError:
        return None
    return value if 0.0 <= value <= 1.0 else None


def _box(reason: Reason) -> tuple[int, int, int, int] | None:
    try:
        row0, col0, row1, col1 = (int(reason.params[name]) for name in _BOX)
    except (KeyError, ValueError):
        return None
    if 0 <= row0 < row1 <= _MAX_PIXEL and 0 <= col0 < col1 <= _MAX_PIXEL:
        return row0, col0, row1, col1
    return None


def _location(reason: Reason) -> str:
    parts = [f"{name} {reason.params[name]}" for name in ("row", "column") if name in reason.params]
    if reason.evidence_ref:
        parts.append(reason.evidence_ref)
    return ", ".join(parts)


def _tdr_type(told: Told) -> TdrType:
    if len(told.decision.flags) > 1:
        return "AGGREGATE"
    if not told.decision.adjudications:
        return "MACHINE"
    return "AGGREGATE" if told.decision.flags else "OPERATOR"


def _algorithms(told: Told) -> tuple[str, ...]:
    named = [f"screening {flag.modality.value} {flag.pipeline.version}" for flag in told.flags]
    models = [f"{model.name} {model.sha256[:16]}" for flag in told.flags for model in flag.pipeline.models]
    policy = told.decision.policy
    return tuple(dict.fromkeys([*named, *models, f"policy {policy.id} {policy.version}"]))


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)

"""Codes of other people's vocabularies, all from the tables in this one module.

NIEM's CBRN domain and two EDIFACT code lists (UN/EDIFACT 7365 and 4517). Every table is total: it has an
entry for each of our codes, and None says that the other vocabulary has no word for it, so that the
element is left out. What was not taken in operation (Test, Exercise, Other, Unknown) never clears cargo,
in any vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from screening.records import (
    Action,
    Adjudication,
    ClearanceDecision,
    Level,
    OperatingMode,
    ReasonCode,
    SealEvent,
    SealState,
)

__all__ = [
    "ALARM_CATEGORY",
    "OPERATING_MODE",
    "PROCESSING_INDICATOR",
    "RESOLUTION",
    "SEAL_CONDITION",
    "SEAL_CONDITION_OF_EVENT",
    "SEAL_INTACT",
    "SEAL_VERIFICATION",
    "THREAT_LEVEL",
    "inspection_resolution",
    "interchange_fields",
    "processing_indicator",
    "seal_condition",
    "seal_intact",
    "threat_level",
]

#: NIEM threat level. NoThreat is never said: LOW is a low risk, and Medium is nothing we tell apart.
THREAT_LEVEL: Mapping[Level, str] = MappingProxyType(
    {Level.LOW: "Low", Level.UNKNOWN: "Unknown", Level.HIGH: "High"}
)

#: NIEM operating mode; ours are NIEM's words.
OPERATING_MODE: Mapping[OperatingMode, str] = MappingProxyType({mode: mode.value for mode in OperatingMode})

#: NIEM inspection resolution of each OSCAR code.
RESOLUTION: Mapping[int, str] = MappingProxyType(
    {
        1: "IllegalRadioactiveMaterialFound",  # contraband
        2: "OtherThreat",  # real, other
        3: "MedicalIsotopeOnPerson",
        4: "NORM",
        5: "LegalRadioactiveMaterialFound",  # declared
        6: "NothingSuspiciousFound",  # physical inspection negative
        7: "FalseRadiationAlarm",  # background only
        8: "FalseRadiationAlarm",  # false, other
        9: "Other",  # authorised test
        10: "IllegalRadioactiveMaterialFound",  # unauthorised
        11: "Other",
    }
)

_ILLICIT = frozenset({1, 2, 10})
#: Special nuclear material by its legal definition (plutonium, U-233, uranium enriched in U-235), as
#: instruments and our own analysis name it.
_SNM = ("Pu-", "WGPu", "RGPu", "Pu", "U-233", "U-235", "HEU", "LEU")

_ALARMS: dict[ReasonCode, str | None] = {
    ReasonCode.RAD_GAMMA_NSIGMA: "Gamma",
    ReasonCode.RAD_NEUTRON: "Neutron",
    ReasonCode.RAD_SPECTRAL_ANOMALY: "Isotope",
    ReasonCode.RAD_NUCLIDE_SNM: "Isotope",
    ReasonCode.RAD_NUCLIDE_INDUSTRIAL: "Isotope",
    ReasonCode.RAD_NUCLIDE_MEDICAL: "Isotope",
    ReasonCode.RAD_NUCLIDE_NORM: "Isotope",
}

#: NIEM (and N42) radiation alarm category of each reason; None: no radiation alarm.
ALARM_CATEGORY: Mapping[ReasonCode, str | None] = MappingProxyType(
    {code: _ALARMS.get(code) for code in ReasonCode}
)

_Seal = Literal["VERIFIED", "UNVERIFIED", "FAULT", "BROKEN"]

#: NIEM seal intact of the table's input. An electronic fault or a missing proof says nothing of the bolt.
SEAL_INTACT: Mapping[_Seal | None, str | None] = MappingProxyType(
    {"VERIFIED": "Intact", "UNVERIFIED": None, "FAULT": None, "BROKEN": "Broken", None: None}
)

#: NIEM seal verification of the table's input.
SEAL_VERIFICATION: Mapping[_Seal | None, str] = MappingProxyType(
    {
        "VERIFIED": "verified",
        "UNVERIFIED": "unverified",
        "FAULT": "unverified",
        "BROKEN": "unverified",
        None: "unknown",
    }
)

#: EDIFACT 4517, seal condition, of the table's input: 1 in right condition, 4 broken, 5 faulty electronics.
SEAL_CONDITION: Mapping[_Seal | None, str | None] = MappingProxyType(
    {"VERIFIED": "1", "UNVERIFIED": None, "FAULT": "5", "BROKEN": "4", None: None}
)

#: EDIFACT 4517 of each seal event. TAMPER is damage to the seal; a gap or a deviation is none of its states.
SEAL_CONDITION_OF_EVENT: Mapping[str, str | None] = MappingProxyType(
    {
        "SEALED": "1",
        "READ": "1",
        "ARRIVED": "1",
        "UNSEALED": "3",
        "BROKEN": "4",
        "TAMPER": "2",
        "LOW_BATTERY": "5",
        "FAULT": "5",
        "GAP": None,
        "SHOCK": None,
        "ROUTE_DEVIATION": None,
    }
)

#: EDIFACT 7365, processing indicator, of each action: 4 released, 5 to be examined, 7 detained, 8 may move
#: under customs transfer.
PROCESSING_INDICATOR: Mapping[Action, str] = MappingProxyType(
    {
        Action.HOLD: "7",
        Action.REFER_SECONDARY_RAD: "5",
        Action.REFER_NII: "5",
        Action.REFER_DESTUFF: "5",
        Action.RESEAL: "5",
        Action.CLEARED_FOR_DEPARTURE: "8",
        Action.ACCEPT: "4",
    }
)

_ERROR = "14"


def threat_level(level: Level, mode: OperatingMode = OperatingMode.OPS) -> str:
    """Return the NIEM threat level.

    Parameters
    ----------
    level : Level
        Our level.
    mode : OperatingMode
        Mode it was taken in.

    Returns
    -------
    str
        "High", "Low" or "Unknown"; never "Low" of what was not taken in operation.
    """
    if level is Level.LOW and mode is not OperatingMode.OPS:
        return THREAT_LEVEL[Level.UNKNOWN]
    return THREAT_LEVEL[level]


def inspection_resolution(adjudication: Adjudication, mode: OperatingMode = OperatingMode.OPS) -> str:
    """Return the NIEM inspection resolution of an officer's conclusion.

    Parameters
    ----------
    adjudication : Adjudication
        The conclusion.
    mode : OperatingMode
        Mode of the scan it concludes on.

    Returns
    -------
    str
        "SNM" where an illicit finding names it; "Other" for a code that is unknown, and for an innocent
        one outside operation: a test finds nothing out about cargo.
    """
    code = adjudication.code
    if code in _ILLICIT and any(_is_snm(name) for name in adjudication.nuclides):
        return "SNM"
    if code not in _ILLICIT and mode is not OperatingMode.OPS:
        return "Other"
    return RESOLUTION.get(code, "Other")


def processing_indicator(action: Action, mode: OperatingMode = OperatingMode.OPS) -> str:
    """Return EDIFACT 7365 of an action.

    Parameters
    ----------
    action : Action
        The action.
    mode : OperatingMode
        Mode of the decision.

    Returns
    -------
    str
        "14" (error) outside operation, whatever the action: it neither releases nor detains a real box.
    """
    return PROCESSING_INDICATOR[action] if mode is OperatingMode.OPS else _ERROR


def seal_intact(seal: SealState, reasons: tuple[ReasonCode, ...] = ()) -> str | None:
    """Return NIEM seal intact.

    Parameters
    ----------
    seal : SealState
        The seal behind a decision.
    reasons : tuple of ReasonCode
        Why it was decided so.

    Returns
    -------
    str or None
        "Broken", "Absent" or "Intact"; None where nobody knows.
    """
    if seal.intact is False or ReasonCode.SEAL_BROKEN in reasons:
        return "Broken"
    if ReasonCode.SEAL_ABSENT in reasons:
        return "Absent"
    return "Intact" if seal.intact is True else None


def seal_condition(event: SealEvent) -> str | None:
    """Return EDIFACT 4517 of a seal event.

    Parameters
    ----------
    event : SealEvent
        The event.

    Returns
    -------
    str or None
        1 right, 2 damaged, 3 missing, 4 broken, 5 faulty electronics; None where the event says nothing
        of the seal's condition.
    """
    return SEAL_CONDITION_OF_EVENT[event.event]


def interchange_fields(decision: ClearanceDecision) -> dict[str, str]:
    """Return the codes of a decision in other vocabularies.

    Parameters
    ----------
    decision : ClearanceDecision
        The decision.

    Returns
    -------
    dict of str to str
        By the name of the element; elements without a word are left out.
    """
    mode = OperatingMode.EXERCISE if decision.is_exercise else OperatingMode.OPS
    found = {
        "niem:ThreatLevelCode": threat_level(decision.risk, mode),
        "niem:OperatingModeCode": OPERATING_MODE[mode],
        "niem:SealIntactCode": seal_intact(decision.seal, decision.reason_codes),
        "niem:SealVerificationCode": decision.seal.verification,
        "edifact:7365": processing_indicator(decision.action, mode),
        "edifact:4517": SEAL_CONDITION[decision.inputs.seal],
    }
    resolutions = [inspection_resolution(item, mode) for item in decision.adjudications]
    if resolutions:
        found["niem:InspectionResolutionCode"] = " ".join(dict.fromkeys(resolutions))
    return {name: code for name, code in found.items() if code is not None}


def _is_snm(name: str) -> bool:
    text = name.strip()
    return text in _SNM or text.startswith("Pu-")

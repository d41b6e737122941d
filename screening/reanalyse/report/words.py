"""The codes of the records in the words of a person who has to act on them."""

from __future__ import annotations

from screening.records import Action, Category, FlagModality, Level, ReasonCode

__all__ = [
    "ACTION_SHORT",
    "ACTION_WORDS",
    "CATEGORY_WORDS",
    "CODE_WORDS",
    "LEVEL_SIGNS",
    "LEVEL_WORDS",
    "MODALITY_WORDS",
    "SEAL_WORDS",
    "spaced_container_id",
]

# A sign beside each level: colour is never the only carrier.
LEVEL_SIGNS = {Level.LOW: "✓", Level.UNKNOWN: "?", Level.HIGH: "▲"}

LEVEL_WORDS = {
    Level.LOW: "nothing found, everything seen",
    Level.UNKNOWN: "no answer that clears it: next step required",
    Level.HIGH: "something found that must be resolved",
}

ACTION_WORDS = {
    Action.HOLD: "Hold the container",
    Action.REFER_SECONDARY_RAD: "Refer to secondary radiation inspection",
    Action.REFER_NII: "Refer to imaging",
    Action.REFER_DESTUFF: "Refer to destuffing",
    Action.RESEAL: "Seal again",
    Action.CLEARED_FOR_DEPARTURE: "Cleared for departure",
    Action.ACCEPT: "Accept on arrival",
}

ACTION_SHORT = {
    Action.HOLD: "Hold",
    Action.REFER_SECONDARY_RAD: "Secondary radiation",
    Action.REFER_NII: "Imaging",
    Action.REFER_DESTUFF: "Destuff",
    Action.RESEAL: "Seal again",
    Action.CLEARED_FOR_DEPARTURE: "Cleared",
    Action.ACCEPT: "Accepted",
}

MODALITY_WORDS = {
    FlagModality.RAD_GROSS: "Gamma counts",
    FlagModality.RAD_SPECTRAL: "Gamma spectrum",
    FlagModality.NEUTRON: "Neutron counts",
    FlagModality.XRAY: "Radiograph",
    FlagModality.SEAL: "Seal",
    FlagModality.TARGETING: "Advance data",
}

CATEGORY_WORDS = {
    Category.NORM: "natural",
    Category.MEDICAL: "medical",
    Category.INDUSTRIAL: "industrial",
    Category.NUCLEAR: "nuclear",
    Category.SNM: "special nuclear",
}

SEAL_WORDS = {
    "VERIFIED": "verified",
    "UNVERIFIED": "not verified",
    "FAULT": "faulty",
    "BROKEN": "broken",
    None: "not read",
}

CODE_WORDS = {
    ReasonCode.RAD_GAMMA_NSIGMA: "gamma counts above the alarm threshold",
    ReasonCode.RAD_NEUTRON: "neutron counts above the alarm threshold",
    ReasonCode.RAD_SPECTRAL_ANOMALY: "spectrum unlike the background",
    ReasonCode.RAD_NUCLIDE_SNM: "special nuclear material named",
    ReasonCode.RAD_NUCLIDE_INDUSTRIAL: "industrial source named",
    ReasonCode.RAD_NUCLIDE_MEDICAL: "medical nuclide named",
    ReasonCode.RAD_NUCLIDE_NORM: "natural radioactivity named",
    ReasonCode.RAD_BASELINE_SUPPRESSED: "background suppressed by the load beyond the limit",
    ReasonCode.IMG_ANOMALY: "anomaly in the picture",
    ReasonCode.IMG_THREAT: "threat-like object in the picture",
    ReasonCode.IMG_DENSE: "dense object in the picture",
    ReasonCode.IMG_SHIELDED: "a place where something could hide unseen",
    ReasonCode.IMG_MANIFEST_MISMATCH: "picture and manifest disagree",
    ReasonCode.IMG_NOT_EMPTY: "declared empty, load seen",
    ReasonCode.IMG_PERSON: "person in the picture",
    ReasonCode.Q_LINES_LOST: "lines of the picture never received",
    ReasonCode.Q_COVERAGE: "coverage or sensitivity below the limit",
    ReasonCode.Q_SPEED: "speed missing or out of range",
    ReasonCode.Q_OCCUPANCY: "occupancy without a proper start and end",
    ReasonCode.Q_DETECTOR_DEAD: "detectors without signal",
    ReasonCode.Q_SATURATED: "detectors saturated",
    ReasonCode.Q_CROSSTALK: "disturbed by a neighbouring scanner",
    ReasonCode.CAL_STALE: "calibration too old",
    ReasonCode.CAL_MISSING: "calibration missing",
    ReasonCode.BKG_STALE: "background too old or of another time",
    ReasonCode.BKG_MISSING: "background missing",
    ReasonCode.CLOCK_UNSYNC: "clock not synchronised",
    ReasonCode.MODEL_UNVERIFIED: "model not verified",
    ReasonCode.MODEL_OOD: "measurement unlike anything the model knows",
    ReasonCode.MODEL_ERROR: "model gave no answer",
    ReasonCode.INPUT_CORRUPT: "data could not be read",
    ReasonCode.ID_MISMATCH: "container numbers disagree",
    ReasonCode.ID_CHECKDIGIT: "container number fails its check digit",
    ReasonCode.SEAL_BROKEN: "seal broken",
    ReasonCode.SEAL_ABSENT: "seal absent",
    ReasonCode.SEAL_FAULT: "seal faulty",
    ReasonCode.SEAL_LOW_BATTERY: "seal battery low",
    ReasonCode.SEAL_GAP: "gap in the seal's custody",
    ReasonCode.SEAL_UNVERIFIED: "seal not verified",
    ReasonCode.TARGET_MISSING: "no risk assessment on advance data",
    ReasonCode.DEVICE_TAMPER: "device reports tampering",
    ReasonCode.MODE_NOT_OPS: "not taken in operation",
    ReasonCode.STEP_SKIPPED: "a required step is missing",
    ReasonCode.ARRIVAL_MISSING: "no valid arrival record",
    ReasonCode.TIMEOUT: "no answer in time",
    ReasonCode.EXERCISE: "exercise",
}


def spaced_container_id(container_id: str | None) -> str:
    """Return a container number as it is painted on the box.

    Parameters
    ----------
    container_id : str or None
        Compact ISO 6346 number.

    Returns
    -------
    str
        "CSQU 305438 3"; anything that is not such a number unchanged; "no container number" for None.
    """
    if container_id is None:
        return "no container number"
    is_iso = len(container_id) == 11 and container_id[:4].isalpha() and container_id[4:].isdigit()
    return f"{container_id[:4]} {container_id[4:10]} {container_id[10]}" if is_iso else container_id

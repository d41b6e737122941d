"""The level of each reason code, and of reasons together.

LOW is no property of any code: it is what is left when everything needed was measured and no reason
speaks against it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from screening.records import Level, Reason, ReasonCode, worst

__all__ = ["EXPLAINABLE", "LEVEL_OF_CODE", "MODE_CODES", "NIEM_OF_CODE", "level_of"]

_LEVELS: dict[ReasonCode, Level | None] = {
    # An alarm or a picture of something that must be looked for.
    ReasonCode.RAD_GAMMA_NSIGMA: Level.HIGH,
    ReasonCode.RAD_SPECTRAL_ANOMALY: Level.HIGH,
    ReasonCode.RAD_NEUTRON: Level.HIGH,
    ReasonCode.RAD_NUCLIDE_SNM: Level.HIGH,
    ReasonCode.RAD_NUCLIDE_INDUSTRIAL: Level.HIGH,
    ReasonCode.IMG_THREAT: Level.HIGH,
    ReasonCode.IMG_DENSE: Level.HIGH,
    ReasonCode.IMG_PERSON: Level.HIGH,
    ReasonCode.SEAL_BROKEN: Level.HIGH,
    ReasonCode.DEVICE_TAMPER: Level.HIGH,
    # Something that has to be explained by somebody.
    ReasonCode.RAD_NUCLIDE_MEDICAL: Level.UNKNOWN,
    ReasonCode.RAD_NUCLIDE_NORM: Level.UNKNOWN,
    ReasonCode.RAD_BASELINE_SUPPRESSED: Level.UNKNOWN,
    ReasonCode.IMG_SHIELDED: Level.UNKNOWN,
    ReasonCode.IMG_ANOMALY: Level.UNKNOWN,
    ReasonCode.IMG_NOT_EMPTY: Level.UNKNOWN,
    # Evidence that is missing, old, damaged or not what it claims to be.
    ReasonCode.ID_MISMATCH: Level.UNKNOWN,
    ReasonCode.ID_CHECKDIGIT: Level.UNKNOWN,
    ReasonCode.Q_LINES_LOST: Level.UNKNOWN,
    ReasonCode.Q_COVERAGE: Level.UNKNOWN,
    ReasonCode.Q_SPEED: Level.UNKNOWN,
    ReasonCode.Q_OCCUPANCY: Level.UNKNOWN,
    ReasonCode.Q_DETECTOR_DEAD: Level.UNKNOWN,
    ReasonCode.Q_SATURATED: Level.UNKNOWN,
    ReasonCode.Q_CROSSTALK: Level.UNKNOWN,
    ReasonCode.CAL_STALE: Level.UNKNOWN,
    ReasonCode.CAL_MISSING: Level.UNKNOWN,
    ReasonCode.BKG_STALE: Level.UNKNOWN,
    ReasonCode.BKG_MISSING: Level.UNKNOWN,
    ReasonCode.CLOCK_UNSYNC: Level.UNKNOWN,
    ReasonCode.MODEL_UNVERIFIED: Level.UNKNOWN,
    ReasonCode.MODEL_OOD: Level.UNKNOWN,
    ReasonCode.MODEL_ERROR: Level.UNKNOWN,
    ReasonCode.INPUT_CORRUPT: Level.UNKNOWN,
    ReasonCode.SEAL_ABSENT: Level.UNKNOWN,
    ReasonCode.SEAL_FAULT: Level.UNKNOWN,
    ReasonCode.SEAL_LOW_BATTERY: Level.UNKNOWN,
    ReasonCode.SEAL_GAP: Level.UNKNOWN,
    ReasonCode.SEAL_UNVERIFIED: Level.UNKNOWN,
    ReasonCode.TARGET_MISSING: Level.UNKNOWN,
    ReasonCode.MODE_NOT_OPS: Level.UNKNOWN,
    ReasonCode.STEP_SKIPPED: Level.UNKNOWN,
    ReasonCode.ARRIVAL_MISSING: Level.UNKNOWN,
    ReasonCode.TIMEOUT: Level.UNKNOWN,
    ReasonCode.EXERCISE: Level.UNKNOWN,
    # Told, and without a level of its own below its limit; beyond it a gate fails, which is UNKNOWN.
    ReasonCode.IMG_MANIFEST_MISMATCH: None,
}

#: Level that each code gives by itself; None for an advisory.
LEVEL_OF_CODE: Mapping[ReasonCode, Level | None] = MappingProxyType(_LEVELS)

#: Alarms that an innocent explanation in the same scan turns from HIGH to UNKNOWN.
EXPLAINABLE = frozenset({ReasonCode.RAD_GAMMA_NSIGMA, ReasonCode.RAD_SPECTRAL_ANOMALY})

#: Reasons that speak of the operating mode and not of the cargo.
MODE_CODES = frozenset({ReasonCode.EXERCISE, ReasonCode.MODE_NOT_OPS})

#: NIEM CBRN codes at the interchange: alarm category, inspection resolution, seal intact, seal
#: verification or operating mode, whichever list the code belongs to.
NIEM_OF_CODE: Mapping[ReasonCode, str] = MappingProxyType(
    {
        ReasonCode.RAD_GAMMA_NSIGMA: "Gamma",
        ReasonCode.RAD_NEUTRON: "Neutron",
        ReasonCode.RAD_SPECTRAL_ANOMALY: "Isotope",
        ReasonCode.RAD_NUCLIDE_INDUSTRIAL: "Isotope",
        ReasonCode.RAD_NUCLIDE_MEDICAL: "Isotope",
        ReasonCode.RAD_NUCLIDE_NORM: "NORM",
        ReasonCode.RAD_NUCLIDE_SNM: "SNM",
        ReasonCode.IMG_THREAT: "OtherThreat",
        ReasonCode.SEAL_BROKEN: "Broken",
        ReasonCode.SEAL_ABSENT: "Absent",
        ReasonCode.SEAL_UNVERIFIED: "unverified",
        ReasonCode.EXERCISE: "Exercise",
    }
)


def level_of(reasons: Iterable[Reason], *, set_aside: Collection[ReasonCode] = ()) -> Level:
    """Return the level that reasons give together.

    HIGH stays HIGH beside any doubt, with one exception: where the bytes are not those that were sent
    (INPUT_CORRUPT) nothing computed from them is known, and the answer is UNKNOWN.

    Parameters
    ----------
    reasons : iterable of Reason
        All reasons of one flag.
    set_aside : collection of ReasonCode
        Codes that do not count; only the mode codes of an exercise ever are.

    Returns
    -------
    Level
        LOW only if no reason that counts has a level.
    """
    counted = [reason for reason in reasons if reason.code not in set_aside]
    if any(reason.code is ReasonCode.INPUT_CORRUPT for reason in counted):
        return Level.UNKNOWN
    return worst(Level.LOW, *(reason.level for reason in counted if reason.level is not None))

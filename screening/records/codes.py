"""The closed vocabularies: levels, reason codes, modalities, modes and actions."""

from __future__ import annotations

from enum import IntFlag, StrEnum

__all__ = [
    "Action",
    "Category",
    "FlagModality",
    "Level",
    "Material",
    "OperatingMode",
    "PixelState",
    "ReasonCode",
    "RegionKind",
    "TimeSource",
    "worst",
]


class Level(StrEnum):
    """Risk level. UNKNOWN is a first-class answer: it is what the flow sends to the next step."""

    LOW = "LOW"
    UNKNOWN = "UNKNOWN"
    HIGH = "HIGH"

    @property
    def rank(self) -> int:
        """Order of severity: LOW 0, UNKNOWN 1, HIGH 2."""
        return _RANK[self]


_RANK = {Level.LOW: 0, Level.UNKNOWN: 1, Level.HIGH: 2}


def worst(*levels: Level) -> Level:
    """Return the most severe of the levels.

    Parameters
    ----------
    *levels : Level
        At least one level: nothing at all is no reason for LOW.

    Returns
    -------
    Level
        The most severe one; UNKNOWN when none is given.
    """
    return max(levels, key=lambda level: level.rank, default=Level.UNKNOWN)


class ReasonCode(StrEnum):
    """Why a flag has its level. The level of each code is set in :mod:`screening.risk` alone."""

    RAD_GAMMA_NSIGMA = "RAD_GAMMA_NSIGMA"
    RAD_NEUTRON = "RAD_NEUTRON"
    RAD_SPECTRAL_ANOMALY = "RAD_SPECTRAL_ANOMALY"
    RAD_NUCLIDE_SNM = "RAD_NUCLIDE_SNM"
    RAD_NUCLIDE_INDUSTRIAL = "RAD_NUCLIDE_INDUSTRIAL"
    RAD_NUCLIDE_MEDICAL = "RAD_NUCLIDE_MEDICAL"
    RAD_NUCLIDE_NORM = "RAD_NUCLIDE_NORM"
    RAD_BASELINE_SUPPRESSED = "RAD_BASELINE_SUPPRESSED"
    IMG_ANOMALY = "IMG_ANOMALY"
    IMG_THREAT = "IMG_THREAT"
    IMG_DENSE = "IMG_DENSE"
    IMG_SHIELDED = "IMG_SHIELDED"
    IMG_MANIFEST_MISMATCH = "IMG_MANIFEST_MISMATCH"
    IMG_NOT_EMPTY = "IMG_NOT_EMPTY"
    IMG_PERSON = "IMG_PERSON"
    Q_LINES_LOST = "Q_LINES_LOST"
    Q_COVERAGE = "Q_COVERAGE"
    Q_SPEED = "Q_SPEED"
    Q_OCCUPANCY = "Q_OCCUPANCY"
    Q_DETECTOR_DEAD = "Q_DETECTOR_DEAD"
    Q_SATURATED = "Q_SATURATED"
    Q_CROSSTALK = "Q_CROSSTALK"
    CAL_STALE = "CAL_STALE"
    CAL_MISSING = "CAL_MISSING"
    BKG_STALE = "BKG_STALE"
    BKG_MISSING = "BKG_MISSING"
    CLOCK_UNSYNC = "CLOCK_UNSYNC"
    MODEL_UNVERIFIED = "MODEL_UNVERIFIED"
    MODEL_OOD = "MODEL_OOD"
    MODEL_ERROR = "MODEL_ERROR"
    INPUT_CORRUPT = "INPUT_CORRUPT"
    ID_MISMATCH = "ID_MISMATCH"
    ID_CHECKDIGIT = "ID_CHECKDIGIT"
    SEAL_BROKEN = "SEAL_BROKEN"
    SEAL_ABSENT = "SEAL_ABSENT"
    SEAL_FAULT = "SEAL_FAULT"
    SEAL_LOW_BATTERY = "SEAL_LOW_BATTERY"
    SEAL_GAP = "SEAL_GAP"
    SEAL_UNVERIFIED = "SEAL_UNVERIFIED"
    TARGET_MISSING = "TARGET_MISSING"
    DEVICE_TAMPER = "DEVICE_TAMPER"
    MODE_NOT_OPS = "MODE_NOT_OPS"
    STEP_SKIPPED = "STEP_SKIPPED"
    ARRIVAL_MISSING = "ARRIVAL_MISSING"
    TIMEOUT = "TIMEOUT"
    EXERCISE = "EXERCISE"


class FlagModality(StrEnum):
    """What kind of evidence one flag is about."""

    RAD_GROSS = "RAD_GROSS"
    RAD_SPECTRAL = "RAD_SPECTRAL"
    NEUTRON = "NEUTRON"
    XRAY = "XRAY"
    SEAL = "SEAL"
    TARGETING = "TARGETING"


class OperatingMode(StrEnum):
    """NIEM operating mode. Only Ops can clear cargo."""

    OPS = "Ops"
    TEST = "Test"
    EXERCISE = "Exercise"
    OTHER = "Other"
    UNKNOWN = "Unknown"


class TimeSource(StrEnum):
    """Where a scan's times come from."""

    DEVICE = "DEVICE"
    HOST = "HOST"
    BACKDATED = "BACKDATED"


class Action(StrEnum):
    """What one administration does with a container."""

    HOLD = "HOLD"
    REFER_SECONDARY_RAD = "REFER_SECONDARY_RAD"
    REFER_NII = "REFER_NII"
    REFER_DESTUFF = "REFER_DESTUFF"
    RESEAL = "RESEAL"
    CLEARED_FOR_DEPARTURE = "CLEARED_FOR_DEPARTURE"
    ACCEPT = "ACCEPT"


class Category(StrEnum):
    """Category of a nuclide; one nuclide may have several."""

    NORM = "norm"
    MEDICAL = "medical"
    INDUSTRIAL = "industrial"
    NUCLEAR = "nuclear"
    SNM = "snm"


class Material(StrEnum):
    """Material class of an image region; ``ambiguous`` is an answer."""

    ORGANIC = "organic"
    LIGHT_METAL = "light-metal"
    STEEL = "steel"
    HEAVY = "heavy"
    AMBIGUOUS = "ambiguous"


class RegionKind(StrEnum):
    """Kind of a region marked in a radiograph."""

    DENSE = "dense"
    OPAQUE = "opaque"
    THREAT = "threat"
    ANOMALY = "anomaly"
    VEHICLE = "vehicle"
    LOAD = "load"


class PixelState(IntFlag):
    """State of one radiograph pixel; LIVE is zero. A masked or repaired pixel is never clear."""

    LIVE = 0
    DEAD_ROW = 1
    DROPOUT = 2
    ISOLATED_ZERO = 4
    LOST_LINE = 8
    SATURATED = 16
    CENSORED = 32
    REPAIRED = 64

    @classmethod
    def unseen(cls) -> PixelState:
        """Return the states whose signal says nothing of the cargo.

        Returns
        -------
        PixelState
            Every state but LIVE and CENSORED.
        """
        return cls.DEAD_ROW | cls.DROPOUT | cls.ISOLATED_ZERO | cls.LOST_LINE | cls.SATURATED | cls.REPAIRED

"""The case: everything that is known of one container, as the table's inputs are weighed from it."""

from __future__ import annotations

from typing import Literal

import msgspec

from .clearance import Adjudication, SealEvent, Targeting
from .evidence import (
    AdvanceData,
    Crossing,
    Destuffing,
    Goods,
    IdentityRuling,
    Journey,
    Remeasurement,
    SecondaryInspection,
)
from .flag import RiskFlag

__all__ = ["Case"]


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One container's evidence so far, in the current seal epoch.

    Attributes
    ----------
    schema : {"case/2"}
        Version of this record.
    container_id : str
        ISO 6346 number, compact.
    flags : tuple of RiskFlag
        Flags of the container, in order of creation.
    targeting : tuple of Targeting
        Each administration's own.
    seal_events : tuple of SealEvent
        Those of the current seal epoch, in order of time.
    adjudications : tuple of Adjudication
        In order of time.
    destuff : {"CLEAN", "FOUND"} or None
        Outcome of opening the container.
    remeasured : {"LOW", "NOT_LOW"} or None
        Radiation measured again after destuffing.
    has_moved : bool or None
        Whether it moved since it was sealed; None: nobody knows.
    epoch_started_at : str or None
        When the seal that opened the current epoch was put on; None in the first.
    low_counts_after : str or None
        Time of the last trouble that a later seal followed: what was found LOW before it says nothing of
        the container now. Doubts and alarms from before still stand.
    intel_at : str or None
        When new intelligence on the container came in: what was LOW before counts no more.
    journey : Journey or None
        The way it is to take under the current seal.
    crossings : tuple of Crossing
        Points that are accounted for, in order of time; of all epochs.
    secondaries : tuple of SecondaryInspection
        Secondary measurements.
    secondary_flags : tuple of RiskFlag
        Flags of secondary measurements and of those after destuffing: they raise, and never count as
        screening.
    destuffings : tuple of Destuffing
        Every opening on record.
    remeasurements : tuple of Remeasurement
        Every measurement after one.
    doubtful_scans : tuple of RiskFlag
        Flags of scans that may be of this container; nobody has ruled on them.
    rulings : tuple of IdentityRuling
        Rulings that gave a scan to this container.
    advance : tuple of AdvanceData
        What was declared, in order of time.
    goods : tuple of Goods
        Declared goods, from the latest declaration to each administration.
    """

    container_id: str
    flags: tuple[RiskFlag, ...] = ()
    targeting: tuple[Targeting, ...] = ()
    seal_events: tuple[SealEvent, ...] = ()
    adjudications: tuple[Adjudication, ...] = ()
    destuff: Literal["CLEAN", "FOUND"] | None = None
    remeasured: Literal["LOW", "NOT_LOW"] | None = None
    has_moved: bool | None = None
    epoch_started_at: str | None = None
    low_counts_after: str | None = None
    intel_at: str | None = None
    journey: Journey | None = None
    crossings: tuple[Crossing, ...] = ()
    secondaries: tuple[SecondaryInspection, ...] = ()
    secondary_flags: tuple[RiskFlag, ...] = ()
    destuffings: tuple[Destuffing, ...] = ()
    remeasurements: tuple[Remeasurement, ...] = ()
    doubtful_scans: tuple[RiskFlag, ...] = ()
    rulings: tuple[IdentityRuling, ...] = ()
    advance: tuple[AdvanceData, ...] = ()
    goods: tuple[Goods, ...] = ()
    schema: Literal["case/2"] = "case/2"

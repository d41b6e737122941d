"""What is recorded of seals and of a programme: one trip, one expected reading, one container.

An empty cell means "not known"; what is not known is not scored. Times are RFC 3339 with a zone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from screening.records import Action, Level

__all__ = ["NOT_OPENED", "ContainerRun", "CustodyRead", "ExpectedContainer", "SealTrip"]

#: Kind of opening of a trip on which nobody opened anything.
NOT_OPENED = "none"


class SealTrip(msgspec.Struct, frozen=True, kw_only=True):
    """One trip of one seal.

    Attributes
    ----------
    trip : str
        Unique.
    seal, model : str
        The device and its model.
    route, temperature : str
        Strata: free text ("rail", "cold").
    departed_at, arrived_at : datetime
        When it was armed, and when its watch ended.
    opening_kind : str
        How it was opened ("doors", "hinge", "wall"); "none": it was not; "": not known.
    opened_at : datetime or None
        When; None where it was not opened.
    reports : tuple of datetime
        Reports of tampering, in order.
    has_gap, has_low_battery, has_fault : bool
        Reported: a gap of custody, a low battery, a fault.
    """

    trip: str
    seal: str
    model: str
    route: str = ""
    temperature: str = ""
    departed_at: datetime
    arrived_at: datetime
    opening_kind: str = NOT_OPENED
    opened_at: datetime | None = None
    reports: tuple[datetime, ...] = ()
    has_gap: bool = False
    has_low_battery: bool = False
    has_fault: bool = False

    @property
    def is_opened(self) -> bool | None:
        """Whether it was opened; None where that is not known."""
        return None if not self.opening_kind else self.opening_kind != NOT_OPENED

    @property
    def is_unknown(self) -> bool:
        """Whether the seal's own word is UNKNOWN: a gap, a fault or a low battery, and no tampering."""
        return not self.reports and (self.has_gap or self.has_fault or self.has_low_battery)

    @property
    def detected_at(self) -> datetime | None:
        """First report at or after the opening."""
        if self.opened_at is None:
            return None
        return next((at for at in self.reports if at >= self.opened_at), None)

    @property
    def n_false(self) -> int:
        """How many reports of tampering came before any opening, or without one."""
        return sum(self.opened_at is None or at < self.opened_at for at in self.reports)


class CustodyRead(msgspec.Struct, frozen=True, kw_only=True):
    """One reading that a custody point should have made.

    Attributes
    ----------
    trip, seal, point : str
        Which trip, which device, where.
    read_at : datetime or None
        When it was read; None: it was not.
    """

    trip: str
    seal: str
    point: str
    read_at: datetime | None = None


class ExpectedContainer(msgspec.Struct, frozen=True, kw_only=True):
    """One container of the list that a vessel or train announced.

    Attributes
    ----------
    container_id : str
        Its number.
    list : str
        The vessel or train.
    """

    container_id: str
    list: str


class ContainerRun(msgspec.Struct, frozen=True, kw_only=True):
    """What was done with one container.

    Attributes
    ----------
    container_id, list : str
        Its number, and its vessel or train.
    arrived_at : datetime
        When it came.
    targeting, targeting_other : Level or None
        Risk on advance data by this administration and by the other; None: not assessed.
    is_sealed : bool
        A container security device was put on.
    radiation, image : Level or None
        Levels; None: not done.
    decided_at : datetime or None
        When this administration decided for good; None: not yet.
    action : Action or None
        First decision that asked for something, or the one that let it go.
    is_destuffed : bool
        It was emptied.
    border : {"ACCEPT", "REJECT", "RE_EXAMINE"} or None
        What the other administration did; None: it has not come there.
    """

    container_id: str
    list: str
    arrived_at: datetime
    targeting: Level | None = None
    targeting_other: Level | None = None
    is_sealed: bool = False
    radiation: Level | None = None
    image: Level | None = None
    decided_at: datetime | None = None
    action: Action | None = None
    is_destuffed: bool = False
    border: Literal["ACCEPT", "REJECT", "RE_EXAMINE"] | None = None

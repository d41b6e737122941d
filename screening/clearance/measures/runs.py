"""One row for each container that came: what was done with it, from the records of a ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Literal, NamedTuple

import msgspec

from screening.clearance.identity import check_container_id
from screening.clearance.transit.route import time_of
from screening.records import (
    Acceptance,
    Action,
    AdvanceData,
    ClearanceDecision,
    Crossing,
    Destuffing,
    FlagModality,
    IdentityRuling,
    Level,
    ReasonCode,
    Remeasurement,
    RiskFlag,
    Sealed,
    SealEvent,
    SecondaryInspection,
    TargetingAssessment,
    container_of,
    stated_at,
    worst,
)

__all__ = ["Expected", "Run", "container_runs"]

NOT_ANNOUNCED = "not announced"

_RADIATION = (FlagModality.RAD_GROSS, FlagModality.RAD_SPECTRAL, FlagModality.NEUTRON)
_DONE = (Action.CLEARED_FOR_DEPARTURE, Action.ACCEPT)
_DOUBTED = (ReasonCode.ID_MISMATCH, ReasonCode.ID_CHECKDIGIT)
_Border = Literal["ACCEPT", "REJECT", "RE_EXAMINE"]


class Expected(NamedTuple):
    """One container of the list that a vessel or train announced.

    Attributes
    ----------
    container_id : str
        Its number, compact.
    list : str
        The vessel or train.
    """

    container_id: str
    list: str


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What was done with one container on one visit.

    Attributes
    ----------
    container_id, list : str
        Its number, and its vessel or train.
    arrived_at : datetime or None
        When it came; None: it has not.
    targeting, targeting_other : Level or None
        Latest risk on advance data by this administration, and the worst of the others'.
    is_sealed : bool
        A seal was put on.
    radiation, image : Level or None
        Worst of the flags that were not superseded; those of secondary inspections are not among them.
    has_arrived : bool
        Its arrival at the border was recorded.
    decided_at : datetime or None
        When it was first let go after it came; None: not yet.
    action : Action or None
        First decision that asked for something, or the one that let it go.
    is_destuffed : bool
        It was emptied.
    border : {"ACCEPT", "REJECT", "RE_EXAMINE"} or None
        What the other administration did last; None: it has not come there.
    """

    container_id: str
    list: str
    arrived_at: datetime | None = None
    targeting: Level | None = None
    targeting_other: Level | None = None
    is_sealed: bool = False
    radiation: Level | None = None
    image: Level | None = None
    has_arrived: bool = False
    decided_at: datetime | None = None
    action: Action | None = None
    is_destuffed: bool = False
    border: _Border | None = None

    @property
    def needs_image(self) -> bool:
        """Whether an image is required: targeting or radiation is not LOW, or missing."""
        return self.targeting is not Level.LOW or self.radiation is not Level.LOW


class _Timed(NamedTuple):
    t: datetime
    record: Sealed


def container_runs(
    records: Iterable[Sealed],
    expected: Sequence[Expected],
    *,
    administration: str,
    stage: Literal["DEPARTURE", "ARRIVAL"] = "DEPARTURE",
) -> tuple[Run, ...]:
    """Return what was done with each container, visit by visit.

    Parameters
    ----------
    records : iterable of Sealed
        Those of a ledger, in any order.
    expected : sequence of Expected
        All that vessels and trains announced.
    administration : str
        Whose ledger it is: tells its own targeting from the other's.
    stage : {"DEPARTURE", "ARRIVAL"}
        Where the ledger is kept. A container comes to the place of examination with its entry, or the
        first thing that was done with it there; to the border with its arrival.

    Returns
    -------
    tuple of Run
        By list and number. A visit begins with an entry, and the advance data before it. Its list is the
        conveyance its records name, where that was announced; else the only list that announced it.
    """
    by_container: dict[str, list[_Timed]] = {}
    acceptances: dict[str, list[_Timed]] = {}
    everything = list(records)
    ruled = _rulings(everything)
    for record in everything:
        t = time_of(stated_at(record))
        if t is None:
            continue
        if isinstance(record, Acceptance):
            acceptances.setdefault(record.decision_id, []).append(_Timed(t, record))
            continue
        number = _number(record, ruled)
        if number is not None:
            by_container.setdefault(number, []).append(_Timed(t, record))
    lists: dict[str, list[str]] = {}
    for one in expected:
        lists.setdefault(one.container_id, []).append(one.list)
    runs = []
    for number, timed in by_container.items():
        timed.sort(key=lambda one: one.t)
        visits = _visits(timed)
        names = _names(visits, lists.get(number, []))
        for name, visit in zip(names, visits, strict=True):
            run = _run(number, name, visit, acceptances, administration, stage)
            if run != Run(container_id=number, list=name):  # nothing but a journey or the like
                runs.append(run)
    return tuple(sorted(runs, key=lambda run: (run.list, run.container_id)))


def _rulings(records: Iterable[Sealed]) -> dict[str, str]:
    """Return the scans that every ruling gives to one and the same container."""
    said: dict[str, set[str]] = {}
    for record in records:
        if isinstance(record, IdentityRuling):
            said.setdefault(record.scan_id, set()).add(record.container_id)
    return {scan: next(iter(numbers)) for scan, numbers in said.items() if len(numbers) == 1}


def _number(record: Sealed, ruled: dict[str, str]) -> str | None:
    if isinstance(record, RiskFlag):
        if record.scan_id in ruled:
            return ruled[record.scan_id]
        if any(reason.code in _DOUBTED for reason in record.reasons):
            return None
    number = container_of(record)
    if number is None:
        return None
    checked = check_container_id(number)
    return checked.compact if checked.is_valid else None


def _visits(timed: list[_Timed]) -> list[list[_Timed]]:
    """Cut the records of a container where it came again."""
    entries = [one.t for one in timed if isinstance(one.record, Crossing) and one.record.point == "ENTRY"]
    borders: list[datetime] = []
    for previous, entry in pairwise(entries):
        ends = [one.t for one in timed if previous < one.t < entry and _ends_visit(one.record)]
        if not ends:  # the same entry, recorded twice
            continue
        last = max(ends)
        before = [
            one.t
            for one in timed
            if last < one.t < entry and isinstance(one.record, AdvanceData | TargetingAssessment)
        ]
        borders.append(min(before, default=entry))
    visits: list[list[_Timed]] = [[] for _ in range(len(borders) + 1)]
    for one in timed:
        visits[sum(border <= one.t for border in borders)].append(one)
    return visits


def _ends_visit(record: Sealed) -> bool:
    if isinstance(record, ClearanceDecision):
        return record.action in _DONE
    return isinstance(record, Crossing) and record.point != "ENTRY"


def _names(visits: list[list[_Timed]], announced: list[str]) -> list[str]:
    left = list(announced)
    names: list[str | None] = []
    said = [_conveyances(visit) for visit in visits]
    for conveyances in said:
        name = next((one for one in conveyances if one in left), None)
        names.append(name)
        if name is not None:
            left.remove(name)
    if names.count(None) == 1 and len(left) == 1:
        names[names.index(None)] = left[0]
    found = [
        name or next(iter(conveyances), NOT_ANNOUNCED) for name, conveyances in zip(names, said, strict=True)
    ]
    times: Counter[str] = Counter()
    for i, name in enumerate(found):
        times[name] += 1
        if times[name] > 1:
            found[i] = f"{name} ({times[name]})"
    return found


def _conveyances(visit: list[_Timed]) -> list[str]:
    records = [one.record for one in visit if isinstance(one.record, Crossing | AdvanceData)]
    return [record.conveyance for record in records if record.conveyance]


def _run(
    number: str,
    name: str,
    visit: list[_Timed],
    acceptances: dict[str, list[_Timed]],
    administration: str,
    stage: Literal["DEPARTURE", "ARRIVAL"],
) -> Run:
    arrived_at = _arrived_at(visit, stage)
    decisions = [(one.t, one.record) for one in visit if isinstance(one.record, ClearanceDecision)]
    own = [(t, record) for t, record in decisions if record.administration == administration]
    let_go = [t for t, record in own if record.action in _DONE and arrived_at is not None and t >= arrived_at]
    asked = [record.action for _, record in own if record.action not in _DONE]
    let = [record.action for _, record in own if record.action in _DONE]
    judged = sorted(
        (one for _, record in decisions for one in acceptances.get(record.decision_id, ())),
        key=lambda one: one.t,
    )
    last = judged[-1].record if judged else None
    targeting, targeting_other = _targetings(visit, administration)
    return Run(
        container_id=number,
        list=name,
        arrived_at=arrived_at,
        targeting=targeting,
        targeting_other=targeting_other,
        is_sealed=any(isinstance(one.record, SealEvent) and one.record.event == "SEALED" for one in visit),
        radiation=_level(visit, _RADIATION),
        image=_level(visit, (FlagModality.XRAY,)),
        has_arrived=any(_is_arrival(one.record) for one in visit),
        decided_at=min(let_go, default=None),
        action=next(iter([*asked, *let]), None),
        is_destuffed=any(isinstance(one.record, Destuffing) for one in visit),
        border=last.outcome if isinstance(last, Acceptance) else None,
    )


def _is_arrival(record: Sealed) -> bool:
    if isinstance(record, Crossing):
        return record.point == "ARRIVAL"
    return isinstance(record, SealEvent) and record.event == "ARRIVED"


def _arrived_at(visit: list[_Timed], stage: str) -> datetime | None:
    if stage == "ARRIVAL":
        return next((one.t for one in visit if _is_arrival(one.record)), None)
    entries = (one.t for one in visit if isinstance(one.record, Crossing) and one.record.point == "ENTRY")
    # without a record of its entry it was there, at the latest, when something was first done with it
    done = (
        one.t
        for one in visit
        if isinstance(one.record, RiskFlag | SealEvent | SecondaryInspection | Destuffing | Crossing)
    )
    return next(entries, None) or next(done, None)


def _targetings(visit: list[_Timed], administration: str) -> tuple[Level | None, Level | None]:
    latest: dict[str, Level] = {}
    for one in visit:  # in order of time
        if isinstance(one.record, AdvanceData):
            for risk in one.record.risks:
                latest[risk.administration] = risk.level
    for one in visit:
        if isinstance(one.record, TargetingAssessment):
            latest[one.record.targeting.administration] = one.record.targeting.level
    own = latest.pop(administration, None)
    return own, worst(*latest.values()) if latest else None


def _level(visit: list[_Timed], modalities: tuple[FlagModality, ...]) -> Level | None:
    secondary = {
        flag_id
        for one in visit
        if isinstance(one.record, SecondaryInspection | Remeasurement)
        for flag_id in one.record.flag_ids
    }
    flags = [one.record for one in visit if isinstance(one.record, RiskFlag)]
    flags = [flag for flag in flags if flag.modality in modalities and flag.flag_id not in secondary]
    replaced = {(flag.supersedes, flag.scan_id, flag.modality) for flag in flags if flag.supersedes}
    levels = [flag.level for flag in flags if (flag.flag_id, flag.scan_id, flag.modality) not in replaced]
    return worst(*levels) if levels else None

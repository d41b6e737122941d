"""What officers concluded of the radiation flags together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Literal, NamedTuple

from screening.clearance.identity import are_two_people
from screening.clearance.policy import Policy
from screening.clearance.seals import parse_time
from screening.records import (
    Adjudication,
    Case,
    Level,
    SecondaryInspection,
    canonical_bytes,
    sha256_hex,
)

from .flags import FUTURE, WeighedFlag
from .gates import RADIATION

__all__ = ["ILLICIT_CODES", "conclusion_of"]

_Outcome = Literal["INNOCENT_MEASURED", "INNOCENT_PAPER", "INCONCLUSIVE", "ILLICIT"]

#: Codes of alarm-station adjudication (OSCAR) that find the alarm real (contraband, other) or the
#: activity unauthorised.
ILLICIT_CODES = frozenset({1, 2, 10})
#: Medical, NORM, declared: innocent by paper or by a measurement.
_INNOCENT = frozenset({3, 4, 5})
#: Background only, other false alarm: claims about a measurement, so nothing without one.
_FALSE_ALARM = frozenset({7, 8})
#: From the least that a conclusion may come to, to the most.
_ORDER: tuple[_Outcome, ...] = ("INCONCLUSIVE", "INNOCENT_PAPER", "INNOCENT_MEASURED")


class _Rules(NamedTuple):
    policy: Policy
    now: datetime
    low_after: datetime | None
    secondaries: Mapping[str, SecondaryInspection]
    needs_measurement: bool


def conclusion_of(
    case: Case,
    weighed: Iterable[WeighedFlag],
    *,
    policy: Policy,
    now: datetime,
    low_after: datetime | None,
    needs_measurement: bool,
    is_trusted: Callable[[SecondaryInspection], bool],
) -> _Outcome | None:
    """Return what officers concluded; every radiation flag that is not LOW needs its own conclusion.

    Parameters
    ----------
    case : Case
        The case.
    weighed : iterable of WeighedFlag
        Its flags.
    policy : Policy
        Who has to sign, and whether the record of a measurement is wanted.
    now : datetime
        Time of the decision, aware.
    low_after : datetime or None
        Time from which on a conclusion counts; an illicit finding always does.
    needs_measurement : bool
        Paper is not enough: severe, or behind a hiding place.
    is_trusted : callable
        Whether the record of a secondary measurement is sealed by a trusted key.

    Returns
    -------
    str or None
        The least of the outcomes; ILLICIT if one is; None if a flag has none.
    """
    if any(concluded.code in ILLICIT_CODES for concluded in case.adjudications):
        return "ILLICIT"
    known = {
        sha256_hex(canonical_bytes(record)): record
        for record in case.secondaries
        if record.container_id == case.container_id and is_trusted(record)
    }
    rules = _Rules(policy, now, low_after, known, needs_measurement)
    outcomes: list[_Outcome | None] = []
    for one in weighed:
        if one.flag.modality in RADIATION and one.level != Level.LOW:
            latest = [_outcome(concluded, rules) for concluded in _latest(case.adjudications, one, rules)]
            outcomes.append(min(latest, key=_ORDER.index, default=None))
    if not outcomes or None in outcomes:
        return None
    return next(outcome for outcome in _ORDER if outcome in outcomes)


def _latest(
    adjudications: Iterable[Adjudication], one: WeighedFlag, rules: _Rules
) -> tuple[Adjudication, ...]:
    """Return the latest conclusion on a flag; several that state the same time all count."""
    made = parse_time(one.flag.created_at)
    covered = _covered(one, rules)
    found: list[tuple[datetime, Adjudication]] = []
    for concluded in adjudications:
        at = parse_time(concluded.at)
        is_of_it = concluded.flag_id == one.flag.flag_id or covered(concluded)
        if not is_of_it or at is None or at - rules.now > FUTURE:
            continue
        if rules.low_after is not None and at <= rules.low_after:
            continue
        if made is None or at >= made:
            found.append((at, concluded))
    last = max((at for at, _ in found), default=None)
    return tuple(concluded for at, concluded in found if at == last)


def _covered(one: WeighedFlag, rules: _Rules) -> Callable[[Adjudication], bool]:
    """Return which conclusions on another flag cover a doubt of a secondary measurement.

    The measurement was made for an alarm; a conclusion on that alarm that cites it has it in view. An
    alarm of the secondary measurement itself always needs its own.
    """
    if one.role != "SECONDARY" or one.level == Level.HIGH or not one.is_verified:
        return lambda _: False
    its = {sha256: r for sha256, r in rules.secondaries.items() if one.flag.flag_id in r.flag_ids}
    return lambda concluded: any(
        sha256 in concluded.evidence and concluded.flag_id in record.concerns
        for sha256, record in its.items()
    )


def _outcome(concluded: Adjudication, rules: _Rules) -> _Outcome:
    """Return what one conclusion comes to.

    A measurement names its instrument. Neutrons, SNM, an overload or a hiding place take a
    measurement and a second person; an emptied box (code 6), a test source (9) and anything else
    (11) explain no alarm.
    """
    if concluded.code not in _INNOCENT | _FALSE_ALARM:
        return "INCONCLUSIVE"
    is_measured = _is_measured(concluded, rules)
    has_second = are_two_people(concluded.officer_ref, concluded.second_officer_ref)
    if rules.needs_measurement and not (is_measured and has_second):
        return "INCONCLUSIVE"
    if rules.policy.second_person == "always" and not has_second:
        return "INCONCLUSIVE"
    if is_measured:
        return "INNOCENT_MEASURED"
    return "INNOCENT_PAPER" if concluded.code in _INNOCENT else "INCONCLUSIVE"


def _is_measured(concluded: Adjudication, rules: _Rules) -> bool:
    """Tell whether a conclusion rests on a measurement; where the policy asks for it, on one on record."""
    if concluded.basis != "MEASUREMENT" or not (concluded.instrument or "").strip():
        return False
    if not rules.policy.needs_secondary_record:
        return True
    at = parse_time(concluded.at)
    cited = [record for sha256, record in rules.secondaries.items() if sha256 in concluded.evidence]
    return any(
        record.instrument == concluded.instrument
        and concluded.flag_id in record.concerns
        and (measured := parse_time(record.at)) is not None
        and at is not None
        and measured <= at
        and (rules.low_after is None or measured > rules.low_after)
        for record in cited
    )

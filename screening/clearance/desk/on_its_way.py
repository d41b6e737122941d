"""A container that was cleared and has left: how long its departure goes on, and when to look again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from screening.clearance.policy import Policy
from screening.clearance.seals import parse_time
from screening.clearance.transit import longest_silence
from screening.records import Action, Case, ClearanceDecision

from .clock import to_ms

__all__ = ["arrival_ends", "expiry_of", "is_on_its_way", "journey_times", "lasting_longer"]


def is_on_its_way(
    case: Case, draft: ClearanceDecision, previous: ClearanceDecision, at: datetime, policy: Policy
) -> bool:
    """Tell whether a container that was cleared has left, and is not late yet.

    Nothing is known of its arrival then, and nothing can be: the decision it left with goes on. A gap, a
    breach, another seal, or any report of an arrival ends that.

    Parameters
    ----------
    case : Case
        The case.
    draft : ClearanceDecision
        What would be decided of it now.
    previous : ClearanceDecision
        Its latest decision.
    at : datetime
        This moment.
    policy : Policy
        The administration's policy.

    Returns
    -------
    bool
        Whether it is.
    """
    if previous.action is not Action.CLEARED_FOR_DEPARTURE or draft.inputs.transit is not None:
        return False
    ends = (expiry_of(previous), arrival_ends(case, previous, policy))
    if case.has_moved is not True or any(end is not None and to_ms(at) >= end for end in ends):
        return False
    sealed = parse_time(draft.seal.sealed_at)
    has_crossed = any(
        one.point in ("ARRIVAL", "EXIT")
        and ((t := parse_time(one.at)) is None or sealed is None or t >= sealed)
        for one in case.crossings
    )
    return not has_crossed and all(event.event != "ARRIVED" for event in case.seal_events)


def arrival_ends(case: Case, previous: ClearanceDecision, policy: Policy) -> int | None:
    """Return when a container on its way is late.

    Parameters
    ----------
    case : Case
        The case.
    previous : ClearanceDecision
        The decision it left with.
    policy : Policy
        The administration's policy.

    Returns
    -------
    int or None
        Milliseconds; None: when its decision expires.
    """
    if case.journey is not None:
        ends = parse_time(case.journey.arrives_before)
        return 0 if ends is None else to_ms(ends) + 1
    decided = parse_time(previous.decided_at)
    if policy.arrival_window_s is None or decided is None:
        return None
    return to_ms(decided) + 1000 * policy.arrival_window_s + 1


def lasting_longer(policy: Policy, by: timedelta) -> Policy:
    """Return a policy under which what was young enough so long ago still is.

    Parameters
    ----------
    policy : Policy
        The policy.
    by : datetime.timedelta
        How long ago.

    Returns
    -------
    Policy
        To weigh by, never to decide by.
    """
    more_s = math.ceil(by.total_seconds())
    return msgspec.structs.replace(
        policy,
        max_flag_age_s=policy.max_flag_age_s + more_s,
        max_targeting_age_s=policy.max_targeting_age_s + more_s,
        max_seal_reading_age_s=policy.max_seal_reading_age_s + more_s,
    )


def journey_times(case: Case) -> Iterator[int]:
    """Yield when silence on the way begins to say something: then the case is weighed again.

    Parameters
    ----------
    case : Case
        The case.

    Yields
    ------
    int
        Milliseconds.
    """
    journey = case.journey
    if journey is None:
        return
    ends = [point.not_after for point in journey.points if point.is_required]
    known = [t for text in (*ends, journey.arrives_before) if (t := parse_time(text)) is not None]
    read = [t for event in case.seal_events if (t := parse_time(event.at)) is not None]
    departs = parse_time(journey.departs_at)
    heard = max(read, default=departs)
    if heard is not None and (longest := longest_silence(journey)) is not None:
        known.append(heard + longest)
    # Just after: at the very moment nothing is late yet.
    yield from (to_ms(t) + 1 for t in known)


def expiry_of(decision: ClearanceDecision) -> int | None:
    """Return when a decision expires.

    Parameters
    ----------
    decision : ClearanceDecision
        The decision.

    Returns
    -------
    int or None
        Milliseconds; None if it does not tell.
    """
    expires = parse_time(decision.validity.expires)
    return None if expires is None else to_ms(expires)

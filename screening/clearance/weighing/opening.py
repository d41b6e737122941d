"""What opening the container answers: only what was found before it was opened."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Literal

from screening.clearance.seals import parse_time
from screening.records import Case, Destuffing, FlagModality, Level, ReasonCode

from .flags import WeighedFlag
from .gates import GAMMA, RADIATION

__all__ = ["destuffed", "remeasured"]

_PICTURES = (FlagModality.XRAY,)


def destuffed(
    case: Case,
    weighed: Iterable[WeighedFlag],
    *,
    has_intel: bool,
    not_before: datetime,
    is_trusted: Callable[[Destuffing], bool],
) -> Literal["CLEAN", "FOUND"] | None:
    """Return the outcome of opening the container, as far as it still says something.

    Parameters
    ----------
    case : Case
        The case.
    weighed : iterable of WeighedFlag
        Its flags.
    has_intel : bool
        There is new intelligence on the container: only an opening known to be later says something.
    not_before : datetime
        What was found clean before this is as old as a LOW flag that no longer counts: boxes travel, and
        are filled again.
    is_trusted : callable
        Whether the record of an opening is sealed by a trusted key.

    Returns
    -------
    {"CLEAN", "FOUND"} or None
        CLEAN only if every picture that is not LOW was made before it.
    """
    if case.destuff != "CLEAN":
        return case.destuff
    opened_at = _opened_at(case, is_trusted)
    if case.destuffings and (opened_at is None or opened_at < not_before):
        return None
    if (has_intel and case.intel_at is None) or _is_doubted_since(case, weighed, _PICTURES, is_trusted):
        return None
    return "CLEAN"


def remeasured(
    case: Case, weighed: Iterable[WeighedFlag], *, is_trusted: Callable[[Destuffing], bool]
) -> Literal["LOW", "NOT_LOW"] | None:
    """Return the measurement after destuffing, as far as it still says something.

    Parameters
    ----------
    case : Case
        The case.
    weighed : iterable of WeighedFlag
        Its flags.
    is_trusted : callable
        Whether the record of an opening is sealed by a trusted key.

    Returns
    -------
    {"LOW", "NOT_LOW"} or None
        LOW only while its own flags are LOW under the policy too and measured what had alarmed: gamma
        rays, and neutrons after a neutron alarm; and if every radiation flag that is not LOW was made
        before the opening.
    """
    if case.remeasured != "LOW":
        return case.remeasured
    flags = list(weighed)
    named = {flag_id for record in case.remeasurements for flag_id in record.flag_ids}
    is_doubted = any(one.level != Level.LOW for one in flags if one.flag.flag_id in named)
    if is_doubted or _is_doubted_since(case, flags, RADIATION, is_trusted):
        return "NOT_LOW"
    if case.remeasurements and not _was_measured(flags, named):
        return None
    return "LOW"


def _was_measured(flags: Iterable[WeighedFlag], named: Collection[str]) -> bool:
    alarms = [one for one in flags if one.flag.modality in RADIATION and one.level != Level.LOW]
    measured = {one.flag.modality for one in flags if one.flag.flag_id in named and one.is_current}
    has_neutrons = any(
        one.flag.modality is FlagModality.NEUTRON or ReasonCode.RAD_NEUTRON in one.codes for one in alarms
    )
    return not measured.isdisjoint(GAMMA) and (not has_neutrons or FlagModality.NEUTRON in measured)


def _opened_at(case: Case, is_trusted: Callable[[Destuffing], bool]) -> datetime | None:
    """Return when the container was last opened and found clean, by word of a trusted key."""
    return max(
        (
            at
            for one in case.destuffings
            if one.outcome == "CLEAN" and (at := parse_time(one.at)) is not None and is_trusted(one)
        ),
        default=None,
    )


def _is_doubted_since(
    case: Case,
    weighed: Iterable[WeighedFlag],
    modalities: tuple[FlagModality, ...],
    is_trusted: Callable[[Destuffing], bool],
) -> bool:
    """Tell whether a flag that is not LOW was made after the last clean opening, or nobody knows when.

    A case that holds no record of an opening was put together by somebody who vouches for its order.
    """
    if not case.destuffings:
        return False
    opened_at = _opened_at(case, is_trusted)
    doubted = [one for one in weighed if one.flag.modality in modalities and one.level != Level.LOW]
    return any(_is_after(parse_time(one.flag.created_at), opened_at) for one in doubted)


def _is_after(made: datetime | None, opened_at: datetime | None) -> bool:
    return made is None or opened_at is None or made > opened_at

"""What opening a container came to, and which examinations found nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from screening.clearance.identity import are_two_people
from screening.clearance.seals import parse_time
from screening.records import Destuffing, FlagModality, Level, Remeasurement, RiskFlag
from screening.risk import level_of

from .epochs import FUTURE, Examination
from .held import Held
from .scans import Scans

__all__ = ["Opened", "examinations_of", "open_up"]


class Opened(NamedTuple):
    """What opening came to.

    Attributes
    ----------
    destuff : {"CLEAN", "FOUND"} or None
        Outcome of opening the container.
    remeasured : {"LOW", "NOT_LOW"} or None
        Radiation measured again after it.
    """

    destuff: Literal["CLEAN", "FOUND"] | None
    remeasured: Literal["LOW", "NOT_LOW"] | None


def examinations_of(held: Held, scans: Scans, now: datetime) -> list[Examination]:
    """Return the examinations that found nothing: LOW images and clean openings, under trusted keys.

    Parameters
    ----------
    held : Held
        Everything held of the container.
    scans : Scans
        Its flags.
    now : datetime
        The present, aware.

    Returns
    -------
    list of Examination
        In any order.
    """
    found = []
    pictures = [flag for flag in scans.own if flag.modality is FlagModality.XRAY]
    spoiled = {flag.scan_id for flag in pictures if not (held.vouches(flag) and is_low(flag))}
    for flag in pictures:
        at = _past(flag.created_at, now)
        if flag.scan_id not in spoiled and at is not None:
            found.append(Examination(at, flag.site, is_opening_by_two=False))
    for opening, at in _clean(held, now):
        by_two = are_two_people(opening.officer_ref, opening.second_officer_ref)
        found.append(Examination(at, opening.place, is_opening_by_two=by_two))
    return found


def open_up(held: Held, scans: Scans, now: datetime, low_counts_after: datetime | None) -> Opened:
    """Return what opening the container came to.

    Parameters
    ----------
    held : Held
        Everything held of the container.
    scans : Scans
        Its flags.
    now : datetime
        The present, aware.
    low_counts_after : datetime or None
        Time from which on good news counts, aware.

    Returns
    -------
    Opened
        FOUND whoever said so and whenever; CLEAN and LOW only under a trusted key and after that time,
        and LOW only after the last clean opening, from flags that are LOW and were made after it.
    """
    clean = [at for _, at in _clean(held, now) if low_counts_after is None or at > low_counts_after]
    destuff: Literal["CLEAN", "FOUND"] | None = "CLEAN" if clean else None
    if any(one.outcome == "FOUND" for one in held.of(Destuffing)):
        destuff = "FOUND"
    return Opened(destuff, _remeasured(held, scans, now, max(clean, default=None)))


def is_low(flag: RiskFlag) -> bool:
    """Tell whether a flag is LOW by its word and by its reasons.

    Parameters
    ----------
    flag : RiskFlag
        The flag.

    Returns
    -------
    bool
        Whether it is.
    """
    return flag.level is Level.LOW and level_of(flag.reasons) is Level.LOW


def _clean(held: Held, now: datetime) -> list[tuple[Destuffing, datetime]]:
    return [
        (one, at)
        for one in held.of(Destuffing, trusted_only=True)
        if one.outcome == "CLEAN" and (at := _past(one.at, now)) is not None
    ]


def _remeasured(
    held: Held, scans: Scans, now: datetime, opened_at: datetime | None
) -> Literal["LOW", "NOT_LOW"] | None:
    outcomes = set()
    flags = {flag.flag_id: flag for flag in scans.secondary if held.vouches(flag)}
    for one in held.of(Remeasurement):
        at = parse_time(one.at)
        if one.outcome == "NOT_LOW":
            if opened_at is None or at is None or at >= opened_at:
                outcomes.add("NOT_LOW")
            continue
        measured = [flags.get(flag_id) for flag_id in one.flag_ids]
        is_after = opened_at is not None and (done := _past(one.at, now)) is not None and done > opened_at
        if held.vouches(one) and is_after and measured and all(_is_low_after(m, opened_at) for m in measured):
            outcomes.add("LOW")
    if "NOT_LOW" in outcomes:
        return "NOT_LOW"
    return "LOW" if outcomes else None


def _is_low_after(flag: RiskFlag | None, opened_at: datetime | None) -> bool:
    made = None if flag is None else parse_time(flag.created_at)
    return (
        flag is not None and is_low(flag) and made is not None and opened_at is not None and made > opened_at
    )


def _past(text: str | None, now: datetime) -> datetime | None:
    at = parse_time(text)
    return None if at is None or at - now > FUTURE else at

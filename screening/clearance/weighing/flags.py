"""One flag at a time: the level it counts with, and whether it may support LOW."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from screening.clearance.identity import is_read_surely
from screening.clearance.policy import Policy
from screening.clearance.seals import parse_time
from screening.records import (
    Case,
    FlagModality,
    Level,
    OperatingMode,
    ReasonCode,
    RiskFlag,
    worst,
)
from screening.risk import EXPLAINABLE, MODE_CODES, has_valid_check_digit, level_of

from .gates import GAMMA, RADIATION, detection_limits, doubts_of

__all__ = [
    "FUTURE",
    "Standard",
    "WeighedFlag",
    "image_of",
    "is_norm_alone",
    "is_screened",
    "is_severe",
    "weigh_flags",
    "worst_of",
]

#: A statement further ahead of the clock than this proves nothing yet.
FUTURE = timedelta(minutes=5)
_NORM_CODES = EXPLAINABLE | {ReasonCode.RAD_NUCLIDE_NORM}
_SEVERE = frozenset({ReasonCode.RAD_NEUTRON, ReasonCode.RAD_NUCLIDE_SNM})
_Role = Literal["OWN", "SECONDARY", "DOUBTFUL"]


class Standard(NamedTuple):
    """What a flag is held against.

    Attributes
    ----------
    now : datetime
        Time of the decision, aware.
    policy : Policy
        The policy.
    is_trusted : callable
        Whether a flag is sealed by a trusted key.
    was_sealed : callable
        Whether one that is not was sealed by a key that has been revoked since.
    exercise : bool
        An exercise: what speaks of the operating mode alone is set aside.
    revoked : collection of str
        What is no longer good.
    low_after : datetime or None
        Time from which on a LOW counts.
    intel_at : datetime or None
        Time from which on a LOW image counts, where there is new intelligence.
    has_intel : bool
        There is new intelligence on the container.
    ruled : collection of str
        Scans that an officer ruled to be of the container.
    """

    now: datetime
    policy: Policy
    is_trusted: Callable[[RiskFlag], bool]
    was_sealed: Callable[[RiskFlag], bool]
    exercise: bool
    revoked: Collection[str]
    low_after: datetime | None
    intel_at: datetime | None
    has_intel: bool
    ruled: Collection[str]


class WeighedFlag(NamedTuple):
    """One flag with the level it counts with.

    Attributes
    ----------
    flag : RiskFlag
        The flag.
    role : {"OWN", "SECONDARY", "DOUBTFUL"}
        Only the container's own flags count as screening.
    level : Level
        The level it counts with.
    is_verified : bool
        A trusted key sealed it.
    is_current : bool
        Its LOW counts: it is young enough, and nothing came in between.
    codes : frozenset of ReasonCode
        Why it is not better.
    is_in_doubt : bool
        Something is held against it that it does not say itself.
    """

    flag: RiskFlag
    role: _Role
    level: Level
    is_verified: bool
    is_current: bool
    codes: frozenset[ReasonCode]
    is_in_doubt: bool = False


def weigh_flags(case: Case, standard: Standard) -> list[WeighedFlag]:
    """Return every flag of a case that no later analysis of the same scan replaces.

    Parameters
    ----------
    case : Case
        The case.
    standard : Standard
        What they are held against.

    Returns
    -------
    list of WeighedFlag
        The container's own, then secondary ones, then those in doubt.
    """
    limits = detection_limits(flag for flag in (*case.flags, *case.secondary_flags))
    roles: tuple[tuple[_Role, tuple[RiskFlag, ...]], ...] = (
        ("OWN", case.flags),
        ("SECONDARY", case.secondary_flags),
        ("DOUBTFUL", case.doubtful_scans),
    )
    weighed = [_weigh(flag, role, case, standard, limits) for role, flags in roles for flag in flags]
    later: dict[str, list[WeighedFlag]] = {}
    for one in weighed:
        if one.flag.supersedes is not None:
            later.setdefault(one.flag.supersedes, []).append(one)
    return [
        one for one in weighed if not any(_replaces(again, one) for again in later.get(one.flag.flag_id, ()))
    ]


def _replaces(again: WeighedFlag, one: WeighedFlag) -> bool:
    """Tell whether a flag takes the place of the one that it names.

    It proves that it may: a trusted key sealed it, nothing is held against it, it is of the same scan at
    the same lane, looked at all that the first one looked at, and plays the same part. What could not be
    told the second time says nothing against an alarm.
    """
    new, old = again.flag, one.flag
    is_same = (new.scan_id, new.modality, new.site, new.lane, new.created_at, again.role) == (
        old.scan_id, old.modality, old.site, old.lane, old.created_at, one.role,
    )  # fmt: skip
    seen = {part.sha256 for part in old.inputs} <= {part.sha256 for part in new.inputs}
    is_answer = one.level != Level.HIGH or again.level != Level.UNKNOWN
    return again.is_verified and not again.is_in_doubt and is_same and seen and is_answer


def _weigh(
    flag: RiskFlag, role: _Role, case: Case, standard: Standard, limits: Mapping[str, Decimal]
) -> WeighedFlag:
    if not standard.is_trusted(flag):
        # Not what was sent: nothing in it is known, not even that it is HIGH. One that was sealed, under
        # a key that has been revoked since, is what was sent; it clears nothing, and its alarm stands.
        stated = worst(flag.level, level_of(flag.reasons))
        is_alarm = stated == Level.HIGH and standard.was_sealed(flag)
        level = Level.HIGH if is_alarm else Level.UNKNOWN
        found = {reason.code for reason in flag.reasons if reason.level is not None} if is_alarm else set()
        return WeighedFlag(flag, role, level, False, False, frozenset({ReasonCode.INPUT_CORRUPT, *found}))
    set_aside = MODE_CODES if standard.exercise else frozenset()
    counted = [reason for reason in flag.reasons if reason.code not in set_aside]
    codes = {reason.code for reason in counted if reason.level is not None}
    level = level_of(counted)
    if not standard.exercise or flag.level == Level.HIGH:
        level = worst(level, flag.level)
    doubts = set(doubts_of(flag, standard.policy, standard.revoked, limits))
    doubts |= _doubts_of_identity(flag, role, case, standard)
    if flag.operating_mode is not OperatingMode.OPS and not standard.exercise:
        doubts.add(ReasonCode.MODE_NOT_OPS)
    made = parse_time(flag.created_at)
    if made is not None and made - standard.now > FUTURE:
        doubts.add(ReasonCode.CLOCK_UNSYNC)
    if doubts:
        level = worst(level, Level.UNKNOWN)
    is_current = _is_current(flag, made, standard)
    return WeighedFlag(flag, role, level, True, is_current, frozenset(codes | doubts), bool(doubts))


def _doubts_of_identity(flag: RiskFlag, role: _Role, case: Case, standard: Standard) -> set[ReasonCode]:
    doubts = set()
    number, is_ruled = flag.subject.container_id, flag.scan_id in standard.ruled
    # A handheld names no container; the record of the measurement does.
    is_its = number == case.container_id or is_ruled or (role == "SECONDARY" and number is None)
    is_sure = is_ruled or number is None or is_read_surely(flag.subject, standard.policy.min_ocr_confidence)
    if role == "DOUBTFUL" or not is_its or not is_sure:
        doubts.add(ReasonCode.ID_MISMATCH)
    if not has_valid_check_digit(case.container_id):
        doubts.add(ReasonCode.ID_CHECKDIGIT)
    return doubts


def _is_current(flag: RiskFlag, made: datetime | None, standard: Standard) -> bool:
    ended = parse_time(flag.clock.t_end)
    if made is not None and ended is not None:
        # An old scan that is told of again is as old as it was.
        made = min(made, ended)
    if made is None or (standard.now - made).total_seconds() > standard.policy.max_flag_age_s:
        return False
    if standard.low_after is not None and made <= standard.low_after:
        return False
    is_of_contents = flag.modality in (FlagModality.XRAY, FlagModality.TARGETING)
    if standard.has_intel and is_of_contents:
        return standard.intel_at is not None and made > standard.intel_at
    return True


def worst_of(weighed: Iterable[WeighedFlag]) -> Level | None:
    """Return the worst level of some flags.

    Parameters
    ----------
    weighed : iterable of WeighedFlag
        The flags.

    Returns
    -------
    Level or None
        An old LOW supports nothing, nor does one of a secondary measurement or of a scan in doubt; an old
        doubt or alarm still stands. None if nothing counts.
    """
    counted = [
        one.level for one in weighed if one.level != Level.LOW or (one.is_current and one.role == "OWN")
    ]
    return worst(*counted) if counted else None


def is_screened(weighed: Iterable[WeighedFlag]) -> bool:
    """Tell whether the container was screened for radiation.

    Parameters
    ----------
    weighed : iterable of WeighedFlag
        Every flag.

    Returns
    -------
    bool
        False without a current gamma flag of the container's own, and where a radiation flag cannot be
        verified: it may be the one that was HIGH.
    """
    flags = [one for one in weighed if one.flag.modality in RADIATION]
    has_gamma = any(one.is_current and one.role == "OWN" and one.flag.modality in GAMMA for one in flags)
    return has_gamma and all(one.is_verified for one in flags)


def is_severe(one: WeighedFlag) -> bool:
    """Tell whether an alarm is severe: by its word, or because it is of neutrons or of SNM.

    Parameters
    ----------
    one : WeighedFlag
        A radiation flag.

    Returns
    -------
    bool
        Whether it takes a measurement and a second person.
    """
    is_of_it = one.flag.modality is FlagModality.NEUTRON or not one.codes.isdisjoint(_SEVERE)
    return one.flag.is_severe or (one.level == Level.HIGH and is_of_it)


def is_norm_alone(weighed: Iterable[WeighedFlag]) -> bool:
    """Tell whether NORM, spread over the box, is all that current radiation flags speak of.

    The identification must itself have stated that the activity is spread over the box (``is_spread``)
    and that the upper limit on the configured SNM lies below its threshold (``is_snm_below_limit``);
    neutrons must have been measured. What was not stated does not hold.

    Parameters
    ----------
    weighed : iterable of WeighedFlag
        Every flag.

    Returns
    -------
    bool
        Whether it is.
    """
    flags = [one for one in weighed if one.flag.modality in RADIATION]
    norm = [r for one in flags for r in one.flag.reasons if r.code is ReasonCode.RAD_NUCLIDE_NORM]
    return (
        bool(norm)
        and all(one.is_current and one.codes <= _NORM_CODES for one in flags)
        and all(r.params.get("is_spread") == r.params.get("is_snm_below_limit") == "true" for r in norm)
        and any(one.flag.modality is FlagModality.NEUTRON and one.role == "OWN" for one in flags)
    )


def image_of(weighed: Iterable[WeighedFlag]) -> Literal["LOW", "UNKNOWN", "HIGH", "SHIELDED"] | None:
    """Return what the pictures show together.

    Parameters
    ----------
    weighed : iterable of WeighedFlag
        Every flag.

    Returns
    -------
    {"LOW", "UNKNOWN", "HIGH", "SHIELDED"} or None
        None without a picture that counts.
    """
    pictures = [one for one in weighed if one.flag.modality is FlagModality.XRAY]
    level = worst_of(pictures)
    if level is None:
        return None
    if level != Level.HIGH and any(ReasonCode.IMG_SHIELDED in one.codes for one in pictures):
        return "SHIELDED"
    return level.value

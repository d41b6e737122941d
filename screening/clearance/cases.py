"""From a container's evidence to the inputs of the decision table.

Before the table reads it, every piece of evidence is asked: is it sealed by a trusted key, is it
about this container, is it recent, does an officer's conclusion cover it. What fails turns into
UNKNOWN or into nothing, whichever is the worse; a HIGH that can be verified stays HIGH.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Literal, NamedTuple

from screening.errors import PolicyError
from screening.records import (
    Adjudication,
    Case,
    CaseInputs,
    ClearanceDecision,
    FlagModality,
    Level,
    OperatingMode,
    ReasonCode,
    RiskFlag,
    SealEvent,
    worst,
)
from screening.risk import EXPLAINABLE, MODE_CODES, has_valid_check_digit, level_of

from .keys import KeyRing, VerificationError
from .policy import Policy
from .seals import SealReport, parse_time, read_seal
from .signatures import verify_sealed

__all__ = ["WeighedCase", "case_inputs", "weigh"]

_GAMMA = (FlagModality.RAD_GROSS, FlagModality.RAD_SPECTRAL)
_RADIATION = (*_GAMMA, FlagModality.NEUTRON)
_NORM_CODES = EXPLAINABLE | {ReasonCode.RAD_NUCLIDE_NORM}
_FUTURE = timedelta(minutes=5)
_Outcome = Literal["INNOCENT_MEASURED", "INNOCENT_PAPER", "INCONCLUSIVE", "ILLICIT"]

#: Codes of alarm-station adjudication (OSCAR) that find the alarm real (contraband, other) or the
#: activity unauthorised.
_ILLICIT = frozenset({1, 2, 10})
#: Medical, NORM, declared: innocent by paper or by a measurement.
_INNOCENT = frozenset({3, 4, 5})
#: Background only, other false alarm: claims about a measurement, so nothing without one.
_FALSE_ALARM = frozenset({7, 8})


class WeighedCase(NamedTuple):
    """A case as the table sees it.

    Attributes
    ----------
    inputs : CaseInputs
        What the table reads.
    reason_codes : tuple of ReasonCode
        Why the inputs are not better, in the order of the vocabulary.
    flags : tuple of RiskFlag
        The flags of the case that were not superseded.
    seal : SealReport
        The seal.
    """

    inputs: CaseInputs
    reason_codes: tuple[ReasonCode, ...]
    flags: tuple[RiskFlag, ...]
    seal: SealReport


class _Weighed(NamedTuple):
    """One flag with the level it counts with, and whether it may support LOW."""

    flag: RiskFlag
    level: Level
    is_verified: bool
    is_recent: bool
    codes: frozenset[ReasonCode]


def case_inputs(
    case: Case,
    *,
    now: datetime,
    policy: Policy,
    keys: KeyRing,
    exercise: bool = False,
    previous: ClearanceDecision | None = None,
) -> CaseInputs:
    """Return what the decision table reads of a case.

    Parameters
    ----------
    case : Case
        The evidence of the current seal epoch.
    now : datetime
        Time of the decision, aware.
    policy : Policy
        Maximum ages.
    keys : KeyRing
        The keys whose flags and seal events count.
    exercise : bool
        Decide an exercise: see :func:`weigh`.
    previous : ClearanceDecision or None
        The previous decision on the same container.

    Returns
    -------
    CaseInputs
        The inputs.
    """
    return weigh(case, now=now, policy=policy, keys=keys, exercise=exercise, previous=previous).inputs


def weigh(
    case: Case,
    *,
    now: datetime,
    policy: Policy,
    keys: KeyRing,
    exercise: bool = False,
    previous: ClearanceDecision | None = None,
) -> WeighedCase:
    """Return a case as the table sees it, with the reasons.

    Parameters
    ----------
    case : Case
        The evidence of the current seal epoch.
    now : datetime
        Time of the decision, aware.
    policy : Policy
        Maximum ages.
    keys : KeyRing
        The keys whose flags and seal events count.
    exercise : bool
        In an exercise, records under exercise keys count, and the two reasons that speak of the
        operating mode alone are set aside, so that the flow can be shown to its end. Such a case holds
        exercise flags only.
    previous : ClearanceDecision or None
        The previous decision on the same container.

    Returns
    -------
    WeighedCase
        Inputs and reasons.

    Raises
    ------
    PolicyError
        If an exercise is asked for over a flag that was not taken in one.
    """
    if exercise and any(flag.operating_mode is not OperatingMode.EXERCISE for flag in case.flags):
        raise PolicyError("an exercise decides only on flags taken in an exercise", value=case.container_id)

    is_trusted = partial(_is_verified, keys=keys, exercise=exercise)
    weighed = _not_superseded(
        [_weigh_flag(flag, case, now, policy, keys, exercise=exercise) for flag in case.flags]
    )
    seal = _with_seal_flags(
        read_seal(
            case, now=now, max_age_s=policy.max_seal_reading_age_s, is_trusted=is_trusted, previous=previous
        ),
        weighed,
    )
    image = _image(weighed)
    severe = any(one.flag.is_severe for one in weighed if one.flag.modality in _RADIATION)
    # A picture that cannot be verified may be the one that showed a place to hide.
    is_hidden = any(
        ReasonCode.IMG_SHIELDED in one.codes or not one.is_verified
        for one in weighed
        if one.flag.modality is FlagModality.XRAY
    )
    radiation = _radiation(weighed)
    adjudication = _adjudication(case, weighed, now, needs_measurement=severe or is_hidden)
    may_be_norm = policy.norm_low and image == "LOW" and not severe and adjudication is None
    if may_be_norm and radiation == Level.UNKNOWN and _is_norm_alone(weighed):
        radiation = Level.LOW
    targeting = _targeting(case, weighed, now, policy)
    inputs = CaseInputs(
        targeting=targeting,
        seal=seal.seal,
        radiation=radiation,
        severe=severe,
        adjudication=adjudication,
        image=image,
        destuff=case.destuff,
        remeasured=case.remeasured,
        transit=seal.transit,
    )
    codes = {code for one in weighed for code in one.codes} | set(seal.codes)
    codes |= _absences(inputs)
    if exercise:
        codes.add(ReasonCode.EXERCISE)
    return WeighedCase(
        inputs,
        tuple(code for code in ReasonCode if code in codes),
        tuple(one.flag for one in weighed),
        seal,
    )


def _not_superseded(weighed: list[_Weighed]) -> list[_Weighed]:
    """Drop the flags that a later analysis of the same scan and modality replaces, and can prove it."""
    replaced = {
        (one.flag.supersedes, one.flag.scan_id, one.flag.modality) for one in weighed if one.is_verified
    }
    return [one for one in weighed if (one.flag.flag_id, one.flag.scan_id, one.flag.modality) not in replaced]


def _is_verified(record: RiskFlag | SealEvent, keys: KeyRing, *, exercise: bool) -> bool:
    try:
        verify_sealed(record, keys, allow_exercise=exercise)
    except VerificationError:
        return False
    return True


def _weigh_flag(
    flag: RiskFlag, case: Case, now: datetime, policy: Policy, keys: KeyRing, *, exercise: bool
) -> _Weighed:
    if not _is_verified(flag, keys, exercise=exercise):
        # Not what was sent: nothing in it is known, not even that it is HIGH.
        return _Weighed(flag, Level.UNKNOWN, False, False, frozenset({ReasonCode.INPUT_CORRUPT}))
    set_aside = MODE_CODES if exercise else frozenset()
    counted = [reason for reason in flag.reasons if reason.code not in set_aside]
    codes = {reason.code for reason in counted if reason.level is not None}
    level = level_of(counted)
    if not exercise or flag.level == Level.HIGH:
        level = worst(level, flag.level)
    if flag.subject.container_id != case.container_id:
        level = worst(level, Level.UNKNOWN)
        codes.add(ReasonCode.ID_MISMATCH)
    if not has_valid_check_digit(case.container_id):
        level = worst(level, Level.UNKNOWN)
        codes.add(ReasonCode.ID_CHECKDIGIT)
    made = parse_time(flag.created_at)
    if made is not None and made - now > _FUTURE:
        level = worst(level, Level.UNKNOWN)
        codes.add(ReasonCode.CLOCK_UNSYNC)
    is_recent = made is not None and (now - made).total_seconds() <= policy.max_flag_age_s
    return _Weighed(flag, level, True, is_recent, frozenset(codes))


def _worst_of(weighed: Iterable[_Weighed]) -> Level | None:
    """Return the worst level; an old LOW supports nothing, an old doubt or alarm still stands."""
    counted = [one.level for one in weighed if one.is_recent or one.level != Level.LOW]
    return worst(*counted) if counted else None


def _radiation(weighed: list[_Weighed]) -> Level | None:
    flags = [one for one in weighed if one.flag.modality in _RADIATION]
    level = _worst_of(flags)
    if level == Level.HIGH:
        return level
    is_screened = any(one.is_recent and one.flag.modality in _GAMMA for one in flags)
    # One flag of a scan that cannot be verified may be the one that was HIGH: the scan is missing.
    return level if is_screened and all(one.is_verified for one in flags) else None


def _is_norm_alone(weighed: list[_Weighed]) -> bool:
    """Tell whether NORM, spread over the box, is all that fresh radiation flags speak of.

    The identification must itself have stated that the activity is spread over the box (``is_spread``)
    and that the upper limit on the configured SNM lies below its threshold (``is_snm_below_limit``);
    neutrons must have been measured. What was not stated does not hold.
    """
    flags = [one for one in weighed if one.flag.modality in _RADIATION]
    norm = [r for one in flags for r in one.flag.reasons if r.code is ReasonCode.RAD_NUCLIDE_NORM]
    return (
        bool(norm)
        and all(one.is_recent and one.codes <= _NORM_CODES for one in flags)
        and all(r.params.get("is_spread") == r.params.get("is_snm_below_limit") == "true" for r in norm)
        and any(one.flag.modality is FlagModality.NEUTRON for one in flags)
    )


def _image(weighed: list[_Weighed]) -> Literal["LOW", "UNKNOWN", "HIGH", "SHIELDED"] | None:
    pictures = [one for one in weighed if one.flag.modality is FlagModality.XRAY]
    level = _worst_of(pictures)
    if level is None:
        return None
    if level != Level.HIGH and any(ReasonCode.IMG_SHIELDED in one.codes for one in pictures):
        return "SHIELDED"
    return level.value


def _targeting(case: Case, weighed: list[_Weighed], now: datetime, policy: Policy) -> Level | None:
    """Return the worst of the administrations' latest assessments; they score independently."""
    latest: dict[str, tuple[datetime, Level]] = {}
    for assessed in case.targeting:
        at = parse_time(assessed.at)
        is_known = at is not None and at - now <= _FUTURE
        if assessed.container_id != case.container_id or at is None or not is_known:
            continue
        known = latest.get(assessed.administration)
        if known is None or at > known[0]:
            latest[assessed.administration] = (at, assessed.level)
        elif at == known[0]:
            latest[assessed.administration] = (at, worst(known[1], assessed.level))
    limit = timedelta(seconds=policy.max_targeting_age_s)
    levels = [level for at, level in latest.values() if now - at <= limit or level != Level.LOW]
    flagged = _worst_of(one for one in weighed if one.flag.modality is FlagModality.TARGETING)
    if flagged is not None:
        levels.append(flagged)
    return worst(*levels) if levels else None


def _with_seal_flags(seal: SealReport, weighed: list[_Weighed]) -> SealReport:
    level = _worst_of(one for one in weighed if one.flag.modality is FlagModality.SEAL)
    if level == Level.HIGH:
        return seal._replace(seal="BROKEN", codes=(*seal.codes, ReasonCode.SEAL_BROKEN))
    if level == Level.UNKNOWN and seal.seal == "VERIFIED":
        return seal._replace(seal="UNVERIFIED", codes=(*seal.codes, ReasonCode.SEAL_UNVERIFIED))
    return seal


def _adjudication(
    case: Case, weighed: list[_Weighed], now: datetime, *, needs_measurement: bool
) -> _Outcome | None:
    """Return what officers concluded of the radiation flags together; every one not LOW needs its own."""
    if any(concluded.code in _ILLICIT for concluded in case.adjudications):
        return "ILLICIT"
    outcomes: list[_Outcome | None] = []
    for one in weighed:
        if one.flag.modality in _RADIATION and one.level != Level.LOW:
            latest = _latest(case.adjudications, one.flag, now)
            outcomes.append(None if latest is None else _outcome(latest, needs_measurement=needs_measurement))
    if not outcomes or None in outcomes:
        return None
    order: tuple[_Outcome, ...] = ("INCONCLUSIVE", "INNOCENT_PAPER", "INNOCENT_MEASURED")
    return next(outcome for outcome in order if outcome in outcomes)


def _latest(adjudications: Iterable[Adjudication], flag: RiskFlag, now: datetime) -> Adjudication | None:
    made = parse_time(flag.created_at)
    found: tuple[datetime, Adjudication] | None = None
    for concluded in adjudications:
        at = parse_time(concluded.at)
        if concluded.flag_id != flag.flag_id or at is None or at - now > _FUTURE:
            continue
        if (made is None or at >= made) and (found is None or at >= found[0]):
            found = (at, concluded)
    return None if found is None else found[1]


def _outcome(concluded: Adjudication, *, needs_measurement: bool) -> _Outcome:
    """Return what one conclusion comes to.

    A measurement names its instrument. Neutrons, SNM, an overload or a hiding place take a
    measurement and a second person; an emptied box (code 6), a test source (9) and anything else
    (11) explain no alarm.
    """
    is_measured = concluded.basis == "MEASUREMENT" and concluded.instrument is not None
    if concluded.code not in _INNOCENT | _FALSE_ALARM:
        return "INCONCLUSIVE"
    if needs_measurement:
        second = concluded.second_officer_ref
        has_second = second is not None and second != concluded.officer_ref
        return "INNOCENT_MEASURED" if is_measured and has_second else "INCONCLUSIVE"
    if is_measured:
        return "INNOCENT_MEASURED"
    return "INNOCENT_PAPER" if concluded.code in _INNOCENT else "INCONCLUSIVE"


def _absences(inputs: CaseInputs) -> set[ReasonCode]:
    codes: set[ReasonCode] = set()
    if inputs.targeting is None:
        codes.add(ReasonCode.TARGET_MISSING)
    wants_image = inputs.targeting != Level.LOW or inputs.radiation != Level.LOW
    if inputs.radiation is None or (wants_image and inputs.image is None and inputs.destuff != "CLEAN"):
        codes.add(ReasonCode.STEP_SKIPPED)
    return codes

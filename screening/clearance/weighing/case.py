"""A whole case as the table sees it.

Before the table reads it, every piece of evidence is asked: is it sealed by a trusted key, is it
about this container, is it recent, does an officer's conclusion cover it. What fails turns into
UNKNOWN or into nothing, whichever is the worse; a HIGH that can be verified stays HIGH.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from screening.clearance.keys import KeyRing, VerificationError
from screening.clearance.norm import NormExplanation, explain_norm
from screening.clearance.policy import Policy
from screening.clearance.seals import SealReport, parse_time, read_seal
from screening.clearance.signatures import verify_sealed
from screening.errors import PolicyError
from screening.records import (
    Case,
    CaseInputs,
    ClearanceDecision,
    FlagModality,
    Level,
    OperatingMode,
    ReasonCode,
    RiskFlag,
    Sealed,
    worst,
)

from .conclusions import conclusion_of
from .flags import (
    FUTURE,
    Standard,
    WeighedFlag,
    image_of,
    is_norm_alone,
    is_screened,
    is_severe,
    weigh_flags,
    worst_of,
)
from .gates import RADIATION
from .opening import destuffed, remeasured

__all__ = ["WeighedCase", "case_inputs", "weigh"]


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
    advice : tuple of NormExplanation
        Declared goods that may explain an alarm; for a person to read, and without any weight.
    """

    inputs: CaseInputs
    reason_codes: tuple[ReasonCode, ...]
    flags: tuple[RiskFlag, ...]
    seal: SealReport
    advice: tuple[NormExplanation, ...] = ()


def case_inputs(
    case: Case,
    *,
    now: datetime,
    policy: Policy,
    keys: KeyRing,
    exercise: bool = False,
    previous: ClearanceDecision | None = None,
    revoked: Collection[str] = frozenset(),
    is_trusted: Callable[[Sealed], bool] | None = None,
) -> CaseInputs:
    """Return what the decision table reads of a case.

    Parameters
    ----------
    case : Case
        The evidence of the current seal epoch.
    now : datetime
        Time of the decision, aware.
    policy : Policy
        Maximum ages, and what else is asked of evidence.
    keys : KeyRing
        The keys whose records count.
    exercise : bool
        Decide an exercise: see :func:`weigh`.
    previous : ClearanceDecision or None
        The previous decision on the same container.
    revoked : collection of str
        What is no longer good: see :func:`weigh`.
    is_trusted : callable or None
        Takes the place of verification: see :func:`weigh`.

    Returns
    -------
    CaseInputs
        The inputs.
    """
    return weigh(
        case,
        now=now,
        policy=policy,
        keys=keys,
        exercise=exercise,
        previous=previous,
        revoked=revoked,
        is_trusted=is_trusted,
    ).inputs


def weigh(
    case: Case,
    *,
    now: datetime,
    policy: Policy,
    keys: KeyRing,
    exercise: bool = False,
    previous: ClearanceDecision | None = None,
    revoked: Collection[str] = frozenset(),
    is_trusted: Callable[[Sealed], bool] | None = None,
    was_sealed: Callable[[Sealed], bool] | None = None,
) -> WeighedCase:
    """Return a case as the table sees it, with the reasons.

    Parameters
    ----------
    case : Case
        The evidence of the current seal epoch.
    now : datetime
        Time of the decision, aware.
    policy : Policy
        Maximum ages, and what else is asked of evidence.
    keys : KeyRing
        The keys whose records count.
    exercise : bool
        In an exercise, records under exercise keys count, and the two reasons that speak of the
        operating mode alone are set aside, so that the flow can be shown to its end. Such a case holds
        exercise flags only.
    previous : ClearanceDecision or None
        The previous decision on the same container.
    revoked : collection of str
        Hashes of models and identifiers of calibrations that are no longer good; the container's own
        number, where there is new intelligence on it.
    is_trusted : callable or None
        Tells whether a record is sealed by a trusted key, where somebody verified all of them before;
        None: each is verified here.
    was_sealed : callable or None
        Tells of a record that is not trusted whether its signature held all the same, under a key that
        was revoked since: a HIGH under it stays HIGH, and nothing else does. None: of none.

    Returns
    -------
    WeighedCase
        Inputs and reasons.

    Raises
    ------
    PolicyError
        If an exercise is asked for over a flag that was not taken in one.
    """
    every = (*case.flags, *case.secondary_flags, *case.doubtful_scans)
    if exercise and any(flag.operating_mode is not OperatingMode.EXERCISE for flag in every):
        raise PolicyError("an exercise decides only on flags taken in an exercise", value=case.container_id)

    trusts = is_trusted or partial(_is_verified, keys=keys, exercise=exercise)
    has_intel = case.container_id in revoked
    low_after = parse_time(case.low_counts_after)
    weighed = weigh_flags(
        case,
        Standard(
            now=now,
            policy=policy,
            is_trusted=trusts,
            was_sealed=was_sealed or _never,
            exercise=exercise,
            revoked=revoked,
            low_after=low_after,
            intel_at=parse_time(case.intel_at),
            has_intel=has_intel,
            ruled=frozenset(
                ruling.scan_id
                for ruling in case.rulings
                if ruling.container_id == case.container_id and trusts(ruling)
            ),
        ),
    )
    seal = _with_seal_flags(
        read_seal(
            case, now=now, max_age_s=policy.max_seal_reading_age_s, is_trusted=trusts, previous=previous
        ),
        weighed,
    )
    image = image_of(weighed)
    severe = any(is_severe(one) for one in weighed if one.flag.modality in RADIATION)
    # A picture that cannot be verified may be the one that showed a place to hide.
    is_hidden = any(
        ReasonCode.IMG_SHIELDED in one.codes or not one.is_verified
        for one in weighed
        if one.flag.modality is FlagModality.XRAY
    )
    has_screening = is_screened(weighed)
    radiation = worst_of(one for one in weighed if one.flag.modality in RADIATION)
    if not has_screening and radiation != Level.HIGH:
        radiation = None
    adjudication = conclusion_of(
        case,
        weighed,
        policy=policy,
        now=now,
        low_after=low_after,
        needs_measurement=severe or is_hidden,
        is_trusted=trusts,
    )
    measured_again = remeasured(case, weighed, is_trusted=trusts)
    if not has_screening:
        # An explanation of one alarm is no answer for a box that was not screened.
        adjudication = "ILLICIT" if adjudication == "ILLICIT" else None
        measured_again = None if measured_again == "LOW" else measured_again
    may_be_norm = policy.norm_low and image == "LOW" and not severe and adjudication is None
    if may_be_norm and radiation == Level.UNKNOWN and is_norm_alone(weighed):
        radiation = Level.LOW
    inputs = CaseInputs(
        targeting=_targeting(case, weighed, now, policy, has_intel=has_intel, trusts=trusts),
        seal=seal.seal,
        radiation=radiation,
        severe=severe,
        adjudication=adjudication,
        image=image,
        destuff=destuffed(
            case,
            weighed,
            has_intel=has_intel,
            not_before=now - timedelta(seconds=policy.max_flag_age_s),
            is_trusted=trusts,
        ),
        remeasured=measured_again,
        transit=seal.transit,
    )
    codes = {code for one in weighed for code in one.codes} | set(seal.codes)
    codes |= _absences(inputs)
    if has_intel and inputs.targeting != Level.LOW:
        codes.add(ReasonCode.TARGET_MISSING)
    if exercise:
        codes.add(ReasonCode.EXERCISE)
    return WeighedCase(
        inputs,
        tuple(code for code in ReasonCode if code in codes),
        tuple(one.flag for one in weighed),
        seal,
        _advice(case, weighed),
    )


def _never(record: Sealed) -> bool:
    return False


def _is_verified(record: Sealed, keys: KeyRing, *, exercise: bool) -> bool:
    try:
        verify_sealed(record, keys, allow_exercise=exercise)
    except VerificationError:
        return False
    return True


def _targeting(
    case: Case,
    weighed: list[WeighedFlag],
    now: datetime,
    policy: Policy,
    *,
    has_intel: bool,
    trusts: Callable[[Sealed], bool],
) -> Level | None:
    """Return the worst of the administrations' latest assessments; they score independently."""
    latest: dict[str, tuple[datetime, Level]] = {}
    for assessed in case.targeting:
        at = parse_time(assessed.at)
        is_known = at is not None and at - now <= FUTURE
        if assessed.container_id != case.container_id or at is None or not is_known:
            continue
        known = latest.get(assessed.administration)
        if known is None or at > known[0]:
            latest[assessed.administration] = (at, assessed.level)
        elif at == known[0]:
            latest[assessed.administration] = (at, worst(known[1], assessed.level))
    limit = timedelta(seconds=policy.max_targeting_age_s)
    intel_at = parse_time(case.intel_at)
    has_data = not policy.needs_advance_data or any(
        data.container_id == case.container_id and trusts(data) for data in case.advance
    )

    def counts(at: datetime, level: Level) -> bool:
        if level != Level.LOW:
            return True
        is_after_intel = not has_intel or (intel_at is not None and at > intel_at)
        return has_data and is_after_intel and now - at <= limit

    levels = [level for at, level in latest.values() if counts(at, level)]
    flagged = worst_of(one for one in weighed if one.flag.modality is FlagModality.TARGETING)
    # A flag may tell of danger; that there is none is for the administration to state.
    if flagged is not None and flagged != Level.LOW:
        levels.append(flagged)
    if has_intel and not (levels and intel_at is not None):
        levels.append(Level.UNKNOWN)
    return worst(*levels) if levels else None


def _with_seal_flags(seal: SealReport, weighed: list[WeighedFlag]) -> SealReport:
    level = worst_of(one for one in weighed if one.flag.modality is FlagModality.SEAL)
    if level == Level.HIGH:
        return seal._replace(seal="BROKEN", codes=(*seal.codes, ReasonCode.SEAL_BROKEN))
    if level == Level.UNKNOWN and seal.seal == "VERIFIED":
        return seal._replace(seal="UNVERIFIED", codes=(*seal.codes, ReasonCode.SEAL_UNVERIFIED))
    return seal


def _advice(case: Case, weighed: list[WeighedFlag]) -> tuple[NormExplanation, ...]:
    alarms = [one for one in weighed if one.flag.modality in RADIATION and one.is_verified]
    has_neutrons = any(ReasonCode.RAD_NEUTRON in one.codes for one in alarms)
    if all(one.level == Level.LOW for one in alarms):
        return ()
    measured = (label for one in alarms for label in one.flag.scores.labels)
    by_hand = (nuclide for record in case.secondaries for nuclide in record.nuclides)
    return explain_norm(case.goods, (*measured, *by_hand), has_neutrons=has_neutrons)


def _absences(inputs: CaseInputs) -> set[ReasonCode]:
    codes: set[ReasonCode] = set()
    if inputs.targeting is None:
        codes.add(ReasonCode.TARGET_MISSING)
    wants_image = inputs.targeting != Level.LOW or inputs.radiation != Level.LOW
    if inputs.radiation is None or (wants_image and inputs.image is None and inputs.destuff != "CLEAN"):
        codes.add(ReasonCode.STEP_SKIPPED)
    return codes

"""What a policy asks of the measurement behind a flag before its LOW counts.

A flag was judged by its lane's own limits. Each gate here can only add a doubt: a HIGH stays HIGH.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import chain

from screening.clearance.policy import Policy
from screening.clearance.seals import parse_time
from screening.records import FlagModality, Level, ReasonCode, RiskFlag

__all__ = ["GAMMA", "RADIATION", "detection_limits", "doubts_of"]

GAMMA = (FlagModality.RAD_GROSS, FlagModality.RAD_SPECTRAL)
RADIATION = (*GAMMA, FlagModality.NEUTRON)
_SENSORS = (*RADIATION, FlagModality.XRAY)
#: Gross and neutron counts need no energy calibration, so none has an age.
_CALIBRATED = (FlagModality.RAD_SPECTRAL, FlagModality.XRAY)
_LIMIT = "detection_limit_mbq_cs137"


def detection_limits(flags: Iterable[RiskFlag]) -> dict[str, Decimal]:
    """Return the detection limit of each scan: the largest that one of its gamma flags states.

    Parameters
    ----------
    flags : iterable of RiskFlag
        Flags; the gross counts of a scan state the limit for its spectra too.

    Returns
    -------
    dict of str to Decimal
        MBq of Cs-137 by scan; a scan that states none, or no number, is left out.
    """
    found: dict[str, Decimal] = {}
    unstated: set[str] = set()
    for flag in flags:
        if flag.modality not in GAMMA:
            continue
        gates = (gate.value for gate in flag.quality.gates if gate.name == _LIMIT)
        for text in chain(gates, (flag.scores.raw[_LIMIT],) if _LIMIT in flag.scores.raw else ()):
            limit = _number(text)
            if limit is None:
                unstated.add(flag.scan_id)
            else:
                found[flag.scan_id] = max(limit, found.get(flag.scan_id, limit))
    return {scan_id: limit for scan_id, limit in found.items() if scan_id not in unstated}


def doubts_of(
    flag: RiskFlag, policy: Policy, revoked: Collection[str], limits: Mapping[str, Decimal]
) -> Iterator[ReasonCode]:
    """Yield what a policy, and what was revoked since, hold against a flag.

    Parameters
    ----------
    flag : RiskFlag
        The flag, verified.
    policy : Policy
        The policy.
    revoked : collection of str
        Hashes of models, and identifiers and hashes of calibrations, that are no longer good.
    limits : dict of str to Decimal
        Detection limits by scan.

    Yields
    ------
    ReasonCode
        One for each doubt.
    """
    if any(model.sha256 in revoked or model.card_sha256 in revoked for model in flag.pipeline.models):
        yield ReasonCode.MODEL_UNVERIFIED
    if flag.level is Level.LOW and not all(gate.passed for gate in flag.quality.gates):
        # Whoever made it does not believe itself.
        yield ReasonCode.INPUT_CORRUPT
    if flag.modality not in _SENSORS:
        return
    yield from _calibration(flag, policy, revoked)
    yield from _background(flag, policy)
    if policy.max_clock_error_ms is not None:
        offset, uncertainty = flag.clock.offset_ms, flag.clock.uncertainty_ms
        # An offset without its uncertainty is a reading, and says little of what the clock is worth.
        is_known = offset is not None and uncertainty is not None
        if not is_known or abs(offset or 0) + abs(uncertainty or 0) > policy.max_clock_error_ms:
            yield ReasonCode.CLOCK_UNSYNC
    if policy.max_detection_limit_mbq is not None and flag.modality in GAMMA:
        limit = limits.get(flag.scan_id)
        if limit is None or limit > Decimal(policy.max_detection_limit_mbq):
            yield ReasonCode.Q_COVERAGE


def _calibration(flag: RiskFlag, policy: Policy, revoked: Collection[str]) -> Iterator[ReasonCode]:
    used = flag.calibration
    if used.state == "STALE" or used.id in revoked or used.sha256 in revoked:
        yield ReasonCode.CAL_STALE
    if used.state in ("MISSING", "FAILED"):
        yield ReasonCode.CAL_MISSING
    if policy.max_calibration_age_s is None:
        return
    age_s = _age_at_scan(flag)
    if age_s is None and flag.modality in _CALIBRATED:
        yield ReasonCode.CAL_MISSING
    # One made after the scan is not the one it was taken with.
    elif age_s is not None and not 0 <= age_s <= policy.max_calibration_age_s:
        yield ReasonCode.CAL_STALE


def _age_at_scan(flag: RiskFlag) -> float | None:
    """Return the larger of the stated age and the one that the times give, seconds."""
    made, scanned = parse_time(flag.calibration.made_at), _scan_time(flag)
    ages: list[float] = [] if flag.calibration.age_s is None else [flag.calibration.age_s]
    if made is not None and scanned is not None:
        ages.append((scanned - made).total_seconds())
    return max(ages, key=abs, default=None)


def _scan_time(flag: RiskFlag) -> datetime | None:
    return parse_time(flag.clock.t_start) or parse_time(flag.created_at)


def _background(flag: RiskFlag, policy: Policy) -> Iterator[ReasonCode]:
    if policy.max_background_age_s is None or flag.modality not in RADIATION:
        return
    if flag.background_age_s is None:
        yield ReasonCode.BKG_MISSING
    elif abs(flag.background_age_s) > policy.max_background_age_s:
        yield ReasonCode.BKG_STALE


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and number >= 0 else None

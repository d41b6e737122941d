"""Whether good bytes still hold, here and now: validity, void conditions, models, calibrations."""

from __future__ import annotations

from collections.abc import Iterator

from screening.clearance.policy import Policy
from screening.clearance.seals import parse_time
from screening.records import (
    FlagModality,
    Level,
    RiskFlag,
    SealEvent,
    TargetingAssessment,
)

from .checks import BundleCheck, Opened, failed, passed
from .trust import Trust

__all__ = ["check_calibrations", "check_models", "check_validity", "check_voids"]

_BREACHES = ("BROKEN", "TAMPER")
#: Only instruments are calibrated.
_MEASURED = (FlagModality.RAD_GROSS, FlagModality.RAD_SPECTRAL, FlagModality.NEUTRON, FlagModality.XRAY)


def check_validity(opened: Opened) -> BundleCheck:
    """Check that the decision holds at the time of asking.

    Parameters
    ----------
    opened : Opened
        The bundle.

    Returns
    -------
    BundleCheck
        EXPIRED or NOT_YET if not.
    """
    validity = opened.decision.validity
    start, end = parse_time(validity.not_before), parse_time(validity.expires)
    text = f"from {validity.not_before} to {validity.expires}"
    if start is None or end is None or opened.at >= end:
        return failed("validity", "EXPIRED", text)
    if opened.at < start:
        return failed("validity", "NOT_YET", text)
    return passed("validity", text)


def check_voids(opened: Opened) -> Iterator[BundleCheck]:
    """Check that nothing has happened that voids the decision by its own word.

    New intelligence on the container counts whatever the decision says: it is the verifier's own.

    Parameters
    ----------
    opened : Opened
        The bundle.

    Yields
    ------
    BundleCheck
        VOID_ and the condition, for each that is met; or one that passed.
    """
    decision, revoked = opened.decision, opened.revocations
    events = {one.event for one in opened.records if isinstance(one, SealEvent)}
    models = {model.sha256 for flag in opened.all_flags for model in flag.pipeline.models}
    calibrations = {flag.calibration.id for flag in opened.all_flags}
    met = {
        "SEAL_BROKEN": bool(events.intersection(_BREACHES)),
        "ROUTE_DEVIATION": "ROUTE_DEVIATION" in events,
        "NEW_INTEL": any(_is_new_intel(opened, one) for one in opened.records),
        "MODEL_REVOKED": bool(models & revoked.models),
        "CAL_REVOKED": bool(calibrations & revoked.calibrations),
    }
    conditions: set[str] = {name for name in decision.validity.void_on if met[name]}
    if decision.consignment.container_id in revoked.containers:
        conditions.add("NEW_INTEL")
    for name in sorted(conditions):
        yield failed("void", f"VOID_{name}", f"the decision is void: {name.lower().replace('_', ' ')}")
    if not conditions:
        yield passed("void", "none of its conditions is met")


def _is_new_intel(opened: Opened, record: object) -> bool:
    """Tell whether a record is an assessment, made after the decision, that is not LOW."""
    if not isinstance(record, TargetingAssessment) or record.targeting.level is Level.LOW:
        return False
    made, decided = parse_time(record.targeting.at), parse_time(opened.decision.decided_at)
    return made is None or decided is None or made > decided


def check_models(opened: Opened, trust: Trust) -> BundleCheck:
    """Check that every model behind a flag is on the verifier's own list, and not revoked.

    Parameters
    ----------
    opened : Opened
        The bundle.
    trust : Trust
        The list.

    Returns
    -------
    BundleCheck
        MODEL_NOT_ALLOWED at the first that is not.
    """
    models = {model.sha256: model.name for flag in opened.all_flags for model in flag.pipeline.models}
    for digest, name in sorted(models.items()):
        if digest in opened.revocations.models:
            return failed("models", "MODEL_NOT_ALLOWED", f"{name} {digest[:12]} is revoked")
        if digest not in trust.models:
            return failed("models", "MODEL_NOT_ALLOWED", f"{name} {digest[:12]} is not allowed here")
    return passed("models", f"{len(models)} models, all allowed here")


def check_calibrations(opened: Opened, policy: Policy | None) -> BundleCheck:
    """Check that every instrument was calibrated when it measured.

    Parameters
    ----------
    opened : Opened
        The bundle.
    policy : Policy or None
        The verifier's own policy, whose limit of age counts besides the flag's.

    Returns
    -------
    BundleCheck
        CALIBRATION_NOT_VALID at the first that was not.
    """
    limit = None if policy is None else policy.max_calibration_age_s
    flags = [flag for flag in opened.all_flags if flag.modality in _MEASURED]
    for flag in flags:
        problem = _calibration_problem(flag, limit)
        if problem is None and flag.calibration.id in opened.revocations.calibrations:
            problem = "revoked"
        if problem is not None:
            text = f"{flag.modality} of {flag.scan_id}: calibration {problem}"
            return failed("calibrations", "CALIBRATION_NOT_VALID", text)
    return passed("calibrations", f"valid at the time of the scan, {len(flags)} flags")


def _calibration_problem(flag: RiskFlag, limit: int | None) -> str | None:
    calibration = flag.calibration
    if calibration.state != "VALID":
        return calibration.state.lower()
    if limit is not None and calibration.age_s is None:
        return "of unknown age"
    limits = [one for one in (calibration.max_age_s, limit) if one is not None]
    if calibration.age_s is not None and limits and calibration.age_s > min(limits):
        return f"{calibration.age_s} s old, limit {min(limits)} s"
    return None

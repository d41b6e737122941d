"""What is asked of a record before the desk takes it: outside of any transaction, and without a database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from screening.clearance.keys import KeyRing, Scope, VerificationError
from screening.clearance.seals import parse_time
from screening.clearance.signatures import read_record, verify_sealed
from screening.records import (
    EVIDENCE,
    SEALED,
    IdentityRuling,
    OperatingMode,
    Remeasurement,
    Revocation,
    RevocationList,
    RiskFlag,
    Sealed,
    SecondaryInspection,
    container_of,
    sha256_hex,
    stated_at,
)

from .names import compact_number
from .views import DeskRules

__all__ = ["WANTED", "Checked", "check_record"]

#: Kinds a desk takes: evidence, and what others say of decisions. A decision of somebody else is for
#: whoever accepts it, and a tree head for whoever audits.
WANTED = frozenset({*EVIDENCE, "acceptance/1", "revocation/1", "revocationlist/1"})

_MAX_NAME = 128


class Checked(NamedTuple):
    """A record as received, and what was found.

    Attributes
    ----------
    sha256 : str
        Hash of its bytes.
    body : bytes
        Its bytes.
    record : Sealed or None
        The record, if it may be taken.
    failure : str or None
        Code of what speaks against it.
    text : str
        One line for a person.
    is_old : bool
        It would be refused for its age, unless it is known already.
    """

    sha256: str
    body: bytes
    record: Sealed | None
    failure: str | None = None
    text: str = ""
    is_old: bool = False


class _Kind(msgspec.Struct):
    schema: str


def check_record(
    body: bytes, *, received_at: datetime, keys: KeyRing, rules: DeskRules, scope: Scope
) -> Checked:
    """Return what speaks against taking a record.

    Parameters
    ----------
    body : bytes
        As received.
    received_at : datetime
        When, by this machine's clock.
    keys : KeyRing
        The keys trusted.
    rules : DeskRules
        Limits.
    scope : {"ops", "exercise"}
        Scope of the desk's own key: exercise and operation share no records.

    Returns
    -------
    Checked
        The record, or the code of its refusal.
    """
    if len(body) > rules.max_record_bytes:
        text = f"{len(body)} bytes, and at most {rules.max_record_bytes} are taken"
        return Checked(sha256_hex(body), body, None, "TOO_LARGE", text)
    body = bytes(body)
    sha256 = sha256_hex(body)
    try:
        kind = msgspec.json.decode(body, type=_Kind).schema
    except (ValueError, RecursionError) as error:  # of which those of JSON and UTF-8 are kinds
        return Checked(sha256, body, None, "MALFORMED", f"no record: {error}")
    if kind not in WANTED:
        return Checked(sha256, body, None, "NOT_WANTED", f"a desk does not take {kind[:40]!r}")
    try:
        record = read_record(body, SEALED[kind])
        # Its key must have been valid when the record says that it was made; else when it came.
        at = parse_time(stated_at(record))
        verify_sealed(record, keys, allow_exercise=scope == "exercise", at=at or received_at)
    except VerificationError as error:
        return Checked(sha256, body, None, error.failure, str(error))
    failure = (
        _name_failure(record)
        or _scope_failure(record, keys, scope)
        or _clock_failure(record, received_at, rules)
    )
    if failure is not None:
        return Checked(sha256, body, None, *failure)
    is_old = (
        at is not None
        and received_at - at > timedelta(seconds=rules.max_record_age_s)
        # What was revoked stays revoked.
        and not isinstance(record, Revocation | RevocationList)
    )
    return Checked(sha256, body, record, is_old=is_old)


def _name_failure(record: Sealed) -> tuple[str, str] | None:
    """Refuse names that no database column takes, before they spoil a transaction for others."""
    names = [container_of(record)]
    if isinstance(record, RiskFlag):
        calibration = record.calibration
        names += [record.scan_id, calibration.id, calibration.sha256]
        names += [model.sha256 for model in record.pipeline.models]
    elif isinstance(record, IdentityRuling):
        names.append(record.scan_id)
    elif isinstance(record, SecondaryInspection | Remeasurement):
        names += record.flag_ids
    elif isinstance(record, Revocation):
        names.append(record.subject)
    elif isinstance(record, RevocationList):
        names += [one.subject for one in record.revocations]
    for name in names:
        if name is not None and (len(name) > _MAX_NAME or not name.isprintable()):
            return "BAD_NAME", f"{name[:40]!r} is no name: at most {_MAX_NAME} printable characters"
    number = names[0]
    if number is not None and not isinstance(record, RiskFlag) and compact_number(number) != number:
        # Whoever joins cases would pass over it, and with it over what it says.
        return "BAD_NAME", f"{number[:40]!r} is no container number in compact form"
    return None


def _scope_failure(record: Sealed, keys: KeyRing, scope: Scope) -> tuple[str, str] | None:
    is_exercise = scope == "exercise"
    if isinstance(record, RiskFlag):
        # An operational lane may seal the flags of its exercises; they say so themselves.
        is_of_exercise = record.operating_mode is OperatingMode.EXERCISE
    else:
        key = keys.get(record.key_id or "")
        is_of_exercise = key is not None and key.scope == "exercise"
    if is_of_exercise == is_exercise:
        return None
    if is_of_exercise:
        return "EXERCISE_RECORD", "a record of an exercise; this desk is of the operation"
    return "NOT_EXERCISE", "a record of the operation; this desk runs an exercise"


def _clock_failure(record: Sealed, received_at: datetime, rules: DeskRules) -> tuple[str, str] | None:
    text = stated_at(record)
    at = parse_time(text)
    if at is None and text is not None:
        return "CLOCK", f"{text[:40]!r} is no time with a zone"
    if at is not None and at - received_at > timedelta(seconds=rules.max_clock_skew_s):
        ahead = (at - received_at).total_seconds()
        return (
            "CLOCK",
            f"dated {ahead:.0f} s ahead of this clock; at most {rules.max_clock_skew_s:g} s are taken",
        )
    return None

"""Verification of sealed records: what holds, and the name of what does not."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from cryptography.exceptions import InvalidSignature

from screening.errors import IntegrityError
from screening.records import (
    Crossing,
    Destuffing,
    RiskFlag,
    Sealed,
    SealEvent,
    SecondaryInspection,
    administration_of,
    canonical_bytes,
    parse_canonical,
    parse_strict,
)

from .keys import KeyRing, PublicKey, VerificationError, check_id, fits_scope, signed_message

__all__ = ["read_record", "verify_content", "verify_record", "verify_sealed"]

S = TypeVar("S", bound=Sealed)


def verify_record(
    data: bytes, kind: type[S], keys: KeyRing, *, allow_exercise: bool = False, at: datetime | None = None
) -> S:
    """Parse a sealed record and return it only if everything about it holds.

    Parameters
    ----------
    data : bytes
        The record as received.
    kind : type
        Kind expected; another kind does not verify.
    keys : KeyRing
        The keys trusted.
    allow_exercise : bool
        Whether a record under an exercise key counts; only an exercise says yes.
    at : datetime or None
        When it was sealed, as far as known: a key's validity is held against it.

    Returns
    -------
    record
        The record.

    Raises
    ------
    VerificationError
        With the check that failed.
    """
    record = read_record(data, kind)
    verify_sealed(record, keys, allow_exercise=allow_exercise, at=at)
    return record


def read_record(data: bytes, kind: type[S]) -> S:
    """Parse a sealed record whose seal is still to be verified.

    Parameters
    ----------
    data : bytes
        The record as received.
    kind : type
        Kind expected; another kind does not parse.

    Returns
    -------
    record
        The record that these bytes, and no others, are the canonical form of.

    Raises
    ------
    VerificationError
        MALFORMED or NOT_CANONICAL.
    """
    found = parse_canonical(data, kind)
    if found is not None:
        return found
    try:
        record = parse_strict(data, kind)
    except IntegrityError as error:
        raise VerificationError(str(error), "MALFORMED", value=error.value) from None
    if canonical_bytes(record) != data:
        raise VerificationError("the bytes are not the canonical form of the record", "NOT_CANONICAL")
    return record


def verify_sealed(
    record: Sealed, keys: KeyRing, *, allow_exercise: bool = False, at: datetime | None = None
) -> PublicKey:
    """Verify a record that was already parsed.

    Parameters
    ----------
    record : Sealed
        The record.
    keys : KeyRing
        The keys trusted.
    allow_exercise : bool
        Whether a record under an exercise key counts.
    at : datetime or None
        When it was sealed, as far as known.

    Returns
    -------
    PublicKey
        The key it was sealed with.

    Raises
    ------
    VerificationError
        With the check that failed.
    """
    check_id(record)
    if record.key_id is None or record.signature is None:
        raise VerificationError("the record is not sealed", "UNSIGNED")
    key = _usable_key(record.key_id, record.schema, keys, allow_exercise=allow_exercise, at=at)
    body = canonical_bytes(record, without=("signature",))
    _verify_signature(key, record.schema, body, record.signature)
    _check_binding(record, key)
    if not fits_scope(record, key.scope):
        raise VerificationError(f"a key of scope {key.scope} seals no such {record.schema}", "WRONG_SCOPE")
    return key


def verify_content(
    schema: str,
    data: bytes,
    key_id: str,
    signature: str,
    keys: KeyRing,
    *,
    allow_exercise: bool = False,
    at: datetime | None = None,
) -> None:
    """Verify a signature that stands apart from what it covers.

    Parameters
    ----------
    schema : str
        The kind of content.
    data : bytes
        The content.
    key_id, signature : str
        Key and signature.
    keys : KeyRing
        The keys trusted.
    allow_exercise : bool
        Whether an exercise key counts.
    at : datetime or None
        Time at which the key has to be valid; None leaves its validity unchecked.

    Raises
    ------
    VerificationError
        With the check that failed.
    """
    key = _usable_key(key_id, schema, keys, allow_exercise=allow_exercise, at=at)
    _verify_signature(key, schema, data, signature)


def _usable_key(
    key_id: str, schema: str, keys: KeyRing, *, allow_exercise: bool, at: datetime | None
) -> PublicKey:
    key = keys.get(key_id)
    if key is None:
        raise VerificationError(f"key {key_id} is not trusted here", "UNKNOWN_KEY", value=key_id)
    if key.scope == "exercise" and not allow_exercise:
        raise VerificationError(f"key {key_id} is for exercises only", "EXERCISE_KEY", value=key_id)
    if not key.may_seal(schema):
        raise VerificationError(f"key {key_id} does not seal {schema}", "WRONG_KIND", value=schema)
    if key.is_revoked:
        raise VerificationError(f"key {key_id} is revoked", "REVOKED_KEY", value=key_id)
    if key.not_before is not None and at is not None and at < datetime.fromisoformat(key.not_before):
        raise VerificationError(
            f"key {key_id} is not valid before {key.not_before}", "NOT_YET_VALID", value=key_id
        )
    if key.expires is not None and at is not None and at >= datetime.fromisoformat(key.expires):
        raise VerificationError(f"key {key_id} expired on {key.expires}", "EXPIRED_KEY", value=key_id)
    return key


def _verify_signature(key: PublicKey, schema: str, data: bytes, signature: str) -> None:
    try:
        raw = bytes.fromhex(signature)
        key.verifier.verify(raw, signed_message(schema, data))
    except (ValueError, InvalidSignature):
        raise VerificationError(
            f"the signature is not that of key {key.key_id}", "BAD_SIGNATURE", value=signature
        ) from None
    # The signature does not cover itself: without this, one record could be written in several ways.
    if raw.hex() != signature:
        raise VerificationError("the signature is not in lower-case hexadecimal", "BAD_SIGNATURE")


def _check_binding(record: Sealed, key: PublicKey) -> None:
    """Check that a key speaks for the site, lane, modality and administration that the record names."""
    if isinstance(record, RiskFlag):
        if key.modalities and record.modality not in key.modalities:
            raise VerificationError(
                f"key {key.key_id} seals no flag of {record.modality}",
                "WRONG_MODALITY",
                value=record.modality,
            )
        is_bound = _allows(key.sites, record.site) and _allows(key.lanes, record.lane)
    elif isinstance(record, SealEvent):
        is_bound = _allows(key.sites, record.place) and _allows(key.lanes, record.reader)
    elif isinstance(record, Destuffing | SecondaryInspection | Crossing):
        is_bound = record.place is None or _allows(key.sites, record.place)
    else:
        is_bound = True
    if not is_bound:
        raise VerificationError(
            f"key {key.key_id} does not speak for that site and lane", "WRONG_LANE", value=key.key_id
        )
    administration = administration_of(record)
    if administration is not None and not _allows(key.administrations, administration):
        raise VerificationError(
            f"key {key.key_id} does not speak for {administration}",
            "WRONG_ADMINISTRATION",
            value=administration,
        )


def _allows(names: tuple[str, ...], name: str | None) -> bool:
    return not names or name in names

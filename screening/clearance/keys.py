r"""Ed25519 keys with a scope, sealing of records, and verification of sealed ones.

A signature covers ``"<schema>\n"`` and the canonical bytes of the record with its key_id, so that a
record of one kind never verifies as another. A key is of scope ``ops`` or ``exercise``; the scope is
part of the key's identifier, and nobody takes a record under an exercise key for a real one unless
the caller runs an exercise and says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from screening.errors import IntegrityError, PolicyError
from screening.records import (
    Acceptance,
    ClearanceDecision,
    OperatingMode,
    RiskFlag,
    SealEvent,
    canonical_bytes,
    content_id,
    parse_strict,
)

__all__ = [
    "Failure",
    "KeyRing",
    "PublicKey",
    "Scope",
    "Sealed",
    "Signer",
    "VerificationError",
    "verify_content",
    "verify_record",
    "verify_sealed",
]

Scope = Literal["ops", "exercise"]
Sealed = RiskFlag | SealEvent | ClearanceDecision | Acceptance
Failure = Literal[
    "MALFORMED", "NOT_CANONICAL", "WRONG_ID", "UNSIGNED", "UNKNOWN_KEY", "EXERCISE_KEY", "WRONG_KIND",
    "WRONG_SCOPE", "REVOKED_KEY", "EXPIRED_KEY", "BAD_SIGNATURE",
]  # fmt: skip
S = TypeVar("S", RiskFlag, SealEvent, ClearanceDecision, Acceptance)

#: Which field of a record is the hash of its body.
_ID_FIELD = {"riskflag/1": "flag_id", "clearance/1": "decision_id", "acceptance/1": "acceptance_id"}


class VerificationError(IntegrityError):
    """A record that is not what its key holder sealed.

    Parameters
    ----------
    message : str
        One line for a person.
    failure : str
        Which check failed.
    value : object, optional
        The value that offended.

    Attributes
    ----------
    failure : str
        Which check failed.
    """

    def __init__(self, message: str, failure: Failure, *, value: object = None) -> None:
        super().__init__(message, value=value)
        self.failure: Failure = failure


class PublicKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to verify with, and what it is trusted for.

    Attributes
    ----------
    key_id : str
        "<scope>-" and the first 32 hexadecimal digits of the sha256 of the scope and the key.
    public_key : str
        The 32 bytes of the key, hexadecimal.
    scope : {"ops", "exercise"}
        Whether it signs for cargo.
    kinds : tuple of str
        Schemas it may seal ("riskflag/1"); empty for all.
    is_revoked : bool
        Nothing verifies under a revoked key.
    expires : str or None
        End of its validity, RFC 3339 UTC; None for no end.
    """

    key_id: str
    public_key: str
    scope: Scope
    kinds: tuple[str, ...] = ()
    is_revoked: bool = False
    expires: str | None = None
    schema: Literal["publickey/1"] = "publickey/1"

    def __post_init__(self) -> None:
        if self.key_id != _key_id(bytes.fromhex(self.public_key), self.scope):
            raise ValueError(f"key_id {self.key_id!r} is not that of the key and scope")
        if self.expires is not None and datetime.fromisoformat(self.expires).tzinfo is None:
            raise ValueError(f"expires needs a zone, got {self.expires!r}")


class KeyRing:
    """The keys somebody trusts; each at most once.

    Parameters
    ----------
    keys : iterable of PublicKey
        The keys.
    """

    def __init__(self, keys: Iterable[PublicKey] = ()) -> None:
        self._keys = {key.key_id: key for key in keys}

    def __iter__(self) -> Iterator[PublicKey]:
        return iter(self._keys.values())

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, key_id: str) -> PublicKey | None:
        """Return a trusted key.

        Parameters
        ----------
        key_id : str
            Its identifier.

        Returns
        -------
        PublicKey or None
            None if it is not trusted.
        """
        return self._keys.get(key_id)


class Signer:
    """A private key that seals records.

    Parameters
    ----------
    key : Ed25519PrivateKey
        The key.
    scope : {"ops", "exercise"}
        Its scope.

    Attributes
    ----------
    scope : {"ops", "exercise"}
        Its scope.
    public : PublicKey
        What others verify with.
    """

    def __init__(self, key: Ed25519PrivateKey, scope: Scope) -> None:
        self._key = key
        self.scope: Scope = scope
        raw = key.public_key().public_bytes_raw()
        self.public = PublicKey(key_id=_key_id(raw, scope), public_key=raw.hex(), scope=scope)

    @property
    def key_id(self) -> str:
        """Identifier of the key.

        Returns
        -------
        str
            That of its public half.
        """
        return self.public.key_id

    def seal(self, record: S) -> S:
        """Return the record with this key's identifier and signature.

        Parameters
        ----------
        record : RiskFlag, SealEvent, ClearanceDecision or Acceptance
            The record; a signature it carries is replaced.

        Returns
        -------
        record
            The sealed record.

        Raises
        ------
        IntegrityError
            If the record's identifier is not the hash of its body.
        PolicyError
            If the key's scope is not the record's: an exercise key seals no flag, decision or
            acceptance of cargo, and an operational key no exercise decision.
        """
        if not _fits_scope(record, self.scope):
            raise PolicyError(
                f"a key of scope {self.scope} does not seal this {record.schema}", value=self.key_id
            )
        _check_id(record)
        named = msgspec.structs.replace(record, key_id=self.key_id, signature=None)
        signature = self.sign(record.schema, canonical_bytes(named, without=("signature",)))
        return msgspec.structs.replace(named, signature=signature)

    def sign(self, schema: str, data: bytes) -> str:
        """Return a signature over a kind of content and its bytes.

        Parameters
        ----------
        schema : str
            The kind ("policy/1").
        data : bytes
            The content.

        Returns
        -------
        str
            128 hexadecimal digits.
        """
        return self._key.sign(_message(schema, data)).hex()


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
        When it was sealed, as far as known: a key's expiry is held against it.

    Returns
    -------
    record
        The record.

    Raises
    ------
    VerificationError
        With the check that failed.
    """
    try:
        record = parse_strict(data, kind)
    except IntegrityError as error:
        raise VerificationError(str(error), "MALFORMED", value=error.value) from None
    if canonical_bytes(record) != data:
        raise VerificationError("the bytes are not the canonical form of the record", "NOT_CANONICAL")
    verify_sealed(record, keys, allow_exercise=allow_exercise, at=at)
    return record


def verify_sealed(
    record: Sealed, keys: KeyRing, *, allow_exercise: bool = False, at: datetime | None = None
) -> PublicKey:
    """Verify a record that was already parsed.

    Parameters
    ----------
    record : RiskFlag, SealEvent, ClearanceDecision or Acceptance
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
    _check_id(record)
    if record.key_id is None or record.signature is None:
        raise VerificationError("the record is not sealed", "UNSIGNED")
    key = _usable_key(record.key_id, record.schema, keys, allow_exercise=allow_exercise, at=at)
    body = canonical_bytes(record, without=("signature",))
    _verify_signature(key, record.schema, body, record.signature)
    if not _fits_scope(record, key.scope):
        raise VerificationError(f"a key of scope {key.scope} seals no such {record.schema}", "WRONG_SCOPE")
    return key


def verify_content(
    schema: str, data: bytes, key_id: str, signature: str, keys: KeyRing, *, allow_exercise: bool = False
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

    Raises
    ------
    VerificationError
        With the check that failed.
    """
    key = _usable_key(key_id, schema, keys, allow_exercise=allow_exercise, at=None)
    _verify_signature(key, schema, data, signature)


def _usable_key(
    key_id: str, schema: str, keys: KeyRing, *, allow_exercise: bool, at: datetime | None
) -> PublicKey:
    key = keys.get(key_id)
    if key is None:
        raise VerificationError(f"key {key_id} is not trusted here", "UNKNOWN_KEY", value=key_id)
    if key.scope == "exercise" and not allow_exercise:
        raise VerificationError(f"key {key_id} is for exercises only", "EXERCISE_KEY", value=key_id)
    if key.kinds and schema not in key.kinds:
        raise VerificationError(f"key {key_id} does not seal {schema}", "WRONG_KIND", value=schema)
    if key.is_revoked:
        raise VerificationError(f"key {key_id} is revoked", "REVOKED_KEY", value=key_id)
    if key.expires is not None and at is not None and at >= datetime.fromisoformat(key.expires):
        raise VerificationError(f"key {key_id} expired on {key.expires}", "EXPIRED_KEY", value=key_id)
    return key


def _verify_signature(key: PublicKey, schema: str, data: bytes, signature: str) -> None:
    try:
        raw = bytes.fromhex(signature)
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public_key)).verify(raw, _message(schema, data))
    except (ValueError, InvalidSignature):
        raise VerificationError(
            f"the signature is not that of key {key.key_id}", "BAD_SIGNATURE", value=signature
        ) from None
    # The signature does not cover itself: without this, one record could be written in several ways.
    if raw.hex() != signature:
        raise VerificationError("the signature is not in lower-case hexadecimal", "BAD_SIGNATURE")


def _fits_scope(record: Sealed, scope: Scope) -> bool:
    """Tell whether a key of a scope may seal a record: an exercise key nothing that speaks of cargo.

    An operational lane may seal the flags of its own exercises: they say EXERCISE themselves.
    """
    is_exercise = scope == "exercise"
    if isinstance(record, ClearanceDecision):
        return record.is_exercise == is_exercise
    if isinstance(record, RiskFlag):
        return not is_exercise or record.operating_mode is OperatingMode.EXERCISE
    return not is_exercise or isinstance(record, SealEvent)


def _check_id(record: Sealed) -> None:
    field = _ID_FIELD.get(record.schema)
    if field is None:
        return
    stated = getattr(record, field)
    if stated != content_id(record, without=(field, "key_id", "signature")):
        raise VerificationError(f"{field} is not the hash of the record", "WRONG_ID", value=stated)


def _message(schema: str, data: bytes) -> bytes:
    return schema.encode() + b"\n" + data


def _key_id(raw: bytes, scope: Scope) -> str:
    return f"{scope}-{hashlib.sha256(scope.encode() + raw).hexdigest()[:32]}"

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
from functools import lru_cache
from typing import Literal, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from screening.errors import IntegrityError, PolicyError
from screening.records import (
    Acceptance,
    ClearanceDecision,
    FlagModality,
    OperatingMode,
    RiskFlag,
    Sealed,
    canonical_bytes,
    content_id,
)

__all__ = [
    "EVERY_KIND",
    "SENDER_KINDS",
    "Failure",
    "KeyRing",
    "PublicKey",
    "Scope",
    "Signer",
    "VerificationError",
    "check_id",
    "fits_scope",
    "signed_message",
]

Scope = Literal["ops", "exercise"]
Failure = Literal[
    "MALFORMED", "NOT_CANONICAL", "WRONG_ID", "UNSIGNED", "UNKNOWN_KEY", "EXERCISE_KEY", "WRONG_KIND",
    "WRONG_SCOPE", "WRONG_LANE", "WRONG_MODALITY", "WRONG_ADMINISTRATION", "REVOKED_KEY", "EXPIRED_KEY",
    "NOT_YET_VALID", "BAD_SIGNATURE",
]  # fmt: skip
S = TypeVar("S", bound=Sealed)

#: Among the kinds of a key: it seals every kind, as an administration's own key does.
EVERY_KIND = "*"
#: What a key seals that states no kinds: measurements. Whoever forgot to say what a lane's key is for must
#: not have made one that concludes, revokes, signs policies or decides.
SENDER_KINDS = ("riskflag/1", "sealevent/1")
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
        Schemas it may seal ("riskflag/1"), or "*" for all; empty: flags and seal events.
    is_revoked : bool
        Nothing verifies under a revoked key.
    expires : str or None
        End of its validity, RFC 3339 UTC; None for no end.
    not_before : str or None
        Start of its validity, RFC 3339 UTC; None for no start.
    sites, lanes : tuple of str
        Sites and lanes (places and readers, for seal events) it speaks for; empty for all.
    modalities : tuple of str
        Modalities of the flags it may seal ("XRAY"); empty for all.
    administrations : tuple of str
        Administrations it speaks for, on records that name one; empty for all.
    holder : str or None
        Who holds it, for a person.
    """

    key_id: str
    public_key: str
    scope: Scope
    kinds: tuple[str, ...] = ()
    is_revoked: bool = False
    expires: str | None = None
    not_before: str | None = None
    sites: tuple[str, ...] = ()
    lanes: tuple[str, ...] = ()
    modalities: tuple[FlagModality, ...] = ()
    administrations: tuple[str, ...] = ()
    holder: str | None = None
    schema: Literal["publickey/1", "publickey/2"] = "publickey/2"

    def __post_init__(self) -> None:
        if self.key_id != _key_id(bytes.fromhex(self.public_key), self.scope):
            raise ValueError(f"key_id {self.key_id!r} is not that of the key and scope")
        for name in ("expires", "not_before"):
            text = getattr(self, name)
            if text is not None and datetime.fromisoformat(text).tzinfo is None:
                raise ValueError(f"{name} needs a zone, got {text!r}")

    def may_seal(self, schema: str) -> bool:
        """Tell whether it is trusted for a kind of content.

        Parameters
        ----------
        schema : str
            The kind ("riskflag/1").

        Returns
        -------
        bool
            Whether it is.
        """
        return schema in (self.kinds or SENDER_KINDS) or EVERY_KIND in self.kinds

    @property
    def verifier(self) -> Ed25519PublicKey:
        """The key as the library takes it.

        Returns
        -------
        Ed25519PublicKey
            To verify with.
        """
        return _verifier(self.public_key)


class KeyRing:
    """The keys somebody trusts; each at most once.

    Parameters
    ----------
    keys : iterable of PublicKey
        The keys.
    revoked : iterable of str
        Identifiers of keys that were revoked since: nothing verifies under them.
    """

    def __init__(self, keys: Iterable[PublicKey] = (), *, revoked: Iterable[str] = ()) -> None:
        lost = frozenset(revoked)
        self._keys = {
            key.key_id: msgspec.structs.replace(key, is_revoked=True) if key.key_id in lost else key
            for key in keys
        }

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
        What its holder verifies with: for every kind. What others trust it for, they say.
    """

    def __init__(self, key: Ed25519PrivateKey, scope: Scope) -> None:
        self._key = key
        self.scope: Scope = scope
        raw = key.public_key().public_bytes_raw()
        self.public = PublicKey(
            key_id=_key_id(raw, scope), public_key=raw.hex(), scope=scope, kinds=(EVERY_KIND,)
        )

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
        record : Sealed
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
        self._check_scope(record)
        check_id(record)
        return self._sealed(record)

    def name_and_seal(self, record: S) -> S:
        """Return the record under the hash of its body as its identifier, sealed.

        Parameters
        ----------
        record : Sealed
            A record of a kind with an identifier; one that it carries is replaced, and so is a signature.

        Returns
        -------
        record
            The sealed record.

        Raises
        ------
        PolicyError
            If the key's scope is not the record's.
        """
        self._check_scope(record)
        field = _ID_FIELD[record.schema]
        identifier = content_id(record, without=(field, "key_id", "signature"))
        return self._sealed(msgspec.structs.replace(record, **{field: identifier}))

    def _check_scope(self, record: Sealed) -> None:
        if not fits_scope(record, self.scope):
            raise PolicyError(
                f"a key of scope {self.scope} does not seal this {record.schema}", value=self.key_id
            )

    def _sealed(self, record: S) -> S:
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
        return self._key.sign(signed_message(schema, data)).hex()


def fits_scope(record: Sealed, scope: Scope) -> bool:
    """Tell whether a key of a scope may seal a record: an exercise key nothing that speaks of cargo.

    An operational lane may seal the flags of its own exercises: they say EXERCISE themselves. Evidence
    under an exercise key counts in exercises alone; an acceptance is never an exercise.

    Parameters
    ----------
    record : Sealed
        The record.
    scope : {"ops", "exercise"}
        Scope of the key.

    Returns
    -------
    bool
        Whether the two go together.
    """
    is_exercise = scope == "exercise"
    if isinstance(record, ClearanceDecision):
        return record.is_exercise == is_exercise
    if isinstance(record, RiskFlag):
        return not is_exercise or record.operating_mode is OperatingMode.EXERCISE
    return not (is_exercise and isinstance(record, Acceptance))


def check_id(record: Sealed) -> None:
    """Check that a record's identifier is the hash of its body.

    Parameters
    ----------
    record : Sealed
        The record; kinds without an identifier pass.

    Raises
    ------
    VerificationError
        If it is not.
    """
    field = _ID_FIELD.get(record.schema)
    if field is None:
        return
    stated = getattr(record, field)
    if stated != content_id(record, without=(field, "key_id", "signature")):
        raise VerificationError(f"{field} is not the hash of the record", "WRONG_ID", value=stated)


def signed_message(schema: str, data: bytes) -> bytes:
    """Return what a signature covers.

    Parameters
    ----------
    schema : str
        The kind of content.
    data : bytes
        The content.

    Returns
    -------
    bytes
        The kind, a line feed, the content: one kind never verifies as another.
    """
    return schema.encode() + b"\n" + data


@lru_cache(maxsize=1024)
def _verifier(public_key: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))


def _key_id(raw: bytes, scope: Scope) -> str:
    return f"{scope}-{hashlib.sha256(scope.encode() + raw).hexdigest()[:32]}"

"""Sealing what somebody states, within what the key is for."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from screening.errors import FormatError, IntegrityError
from screening.records import EVIDENCE, Evidence, parse_strict, stated_at

from .key_files import load_signer, read_own_public_key
from .keys import KeyRing, PublicKey, Signer, VerificationError, check_id
from .seals import parse_time
from .signatures import verify_content, verify_sealed

__all__ = ["OwnKey"]

#: Kinds of evidence whose identifier is the hash of their body.
_ID_FIELD = {"riskflag/1": "flag_id"}


class OwnKey:
    """A private key together with what its public half says it is for.

    Whoever trusts the key refuses what that does not allow. To seal it all the same would only move the
    refusal to where nobody can mend it.

    Parameters
    ----------
    signer : Signer
        The key.
    public : PublicKey
        Its public half, with kinds, sites, lanes and validity.

    Raises
    ------
    FormatError
        If the two are not halves of one key.
    """

    def __init__(self, signer: Signer, public: PublicKey) -> None:
        if signer.key_id != public.key_id:
            raise FormatError(f"the public key {public.key_id} is not that of key {signer.key_id}")
        self.signer = signer
        self.public = public

    @classmethod
    def load(cls, path: Path) -> OwnKey:
        """Return the key of a private key file and of the public one beside it.

        Parameters
        ----------
        path : Path
            The private key file.

        Returns
        -------
        OwnKey
            The key.

        Raises
        ------
        ConfigurationError
            If one of the files cannot be read.
        FormatError
            If one of them is no such key, or they are not halves of one key.
        """
        signer = load_signer(path)
        return cls(signer, read_own_public_key(path))

    def check_kind(self, schema: str, at: datetime) -> None:
        """Check that the key is for a kind of content.

        Parameters
        ----------
        schema : str
            The kind ("policy/1").
        at : datetime
            When it is to sign, aware.

        Raises
        ------
        VerificationError
            WRONG_KIND, REVOKED_KEY, NOT_YET_VALID or EXPIRED_KEY.
        """
        mark = self.signer.sign(schema, b"")
        verify_content(schema, b"", self.signer.key_id, mark, self._ring, allow_exercise=True, at=at)

    def check_place(self, place: str | None, reader: str | None) -> None:
        """Check that the key speaks for a place and a reader.

        Parameters
        ----------
        place, reader : str or None
            Site and lane, or place and reader; None is not checked.

        Raises
        ------
        VerificationError
            WRONG_LANE.
        """
        for what, name, allowed in (
            ("place", place, self.public.sites),
            ("reader", reader, self.public.lanes),
        ):
            if name is not None and allowed and name not in allowed:
                text = f"key {self.public.key_id} does not speak for {what} {name!r}: {', '.join(allowed)}"
                raise VerificationError(text, "WRONG_LANE", value=name)

    def check_sealed(self, record: Evidence) -> None:
        """Check that a record this key has sealed is one that the key is for.

        Parameters
        ----------
        record : Evidence
            The sealed record.

        Raises
        ------
        VerificationError
            With what whoever trusts the key would find.
        """
        verify_sealed(record, self._ring, allow_exercise=True, at=parse_time(stated_at(record)))

    def seal(self, data: bytes) -> Evidence:
        """Return the sealed record of an unsealed one.

        Parameters
        ----------
        data : bytes
            JSON of a record of evidence: ``schema`` names its kind; key_id and signature are left out, and
            so may be an identifier that is the hash of the body.

        Returns
        -------
        Evidence
            Sealed.

        Raises
        ------
        FormatError
            If it is no such record, or an identifier it states is not its own; the message names the field.
        VerificationError
            If the key is not for it.
        PolicyError
            If the key's scope is not the record's.
        """
        record, is_named = _read_draft(data)
        # What the key is for is asked first: a key of the wrong kind is told so, whatever the record says.
        if not self.public.may_seal(record.schema):
            kinds = ", ".join(self.public.kinds) or "riskflag/1, sealevent/1"
            text = f"key {self.public.key_id} does not seal {record.schema}: it is for {kinds}"
            raise VerificationError(text, "WRONG_KIND", value=record.schema)
        sealed = self.signer.seal(record) if is_named else self.signer.name_and_seal(record)
        self.check_sealed(sealed)
        return sealed

    @property
    def _ring(self) -> KeyRing:
        return KeyRing([self.public])


def _read_draft(data: bytes) -> tuple[Evidence, bool]:
    """Return the record, and whether its identifier, if its kind has one, is given."""
    try:
        fields: dict[str, Any] = parse_strict(data, dict)
    except IntegrityError as error:
        raise FormatError(f"not a record: {str(error).partition(': ')[2] or error}") from None
    schema = fields.get("schema")
    kind = EVIDENCE.get(schema) if isinstance(schema, str) else None
    if kind is None:
        said = "schema is missing" if schema is None else f"schema {schema!r} is no kind of evidence"
        raise FormatError(f"{said}; there are {', '.join(EVIDENCE)}", value=schema)
    if fields.get("key_id") is not None or fields.get("signature") is not None:
        raise FormatError("it is sealed already: key_id and signature are to be left out", value=schema)
    field = _ID_FIELD.get(str(schema))
    is_named = field is None or bool(fields.get(field))
    if field is not None and not is_named:
        fields = {**fields, field: ""}
    try:
        record: Evidence = msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise FormatError(f"not a valid {schema}: {error}", value=schema) from None
    if parse_time(stated_at(record)) is None:
        raise FormatError(
            f"not a valid {schema}: {stated_at(record)!r} is no time, RFC 3339 in UTC", value=schema
        )
    if field is not None and is_named:
        try:
            check_id(record)
        except VerificationError as error:
            raise FormatError(f"not a valid {schema}: {error}; leave it out", value=schema) from None
    return record, is_named

"""Keys as files: made once, readable by their owner alone, never overwritten."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from screening.errors import ConfigurationError, IntegrityError
from screening.records import SEALED, parse_strict, utc_string

from .keys import EVERY_KIND, SENDER_KINDS, PublicKey, Scope, Signer

__all__ = ["ROLES", "generate_exercise_key", "generate_key", "load_signer", "read_public_key"]

#: Content that is signed apart from the bytes it covers.
_UNSEALED_KINDS = ("bundle/1", "policy/1", "webhook/1", EVERY_KIND)

#: What a key seals, by whose it is.
ROLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "lane": ("riskflag/1",),
        "gateway": ("sealevent/1",),
        "officer": (
            "conclusion/1",
            "secondary/1",
            "destuffing/1",
            "remeasurement/1",
            "identityruling/1",
        ),
        "administration": (EVERY_KIND,),
    }
)


class _PrivateKeyFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    key_id: str
    private_key: str
    scope: Scope
    schema: Literal["privatekey/1"] = "privatekey/1"


def generate_key(
    path: Path,
    scope: Scope,
    *,
    kinds: Sequence[str] = (),
    sites: Sequence[str] = (),
    lanes: Sequence[str] = (),
    holder: str | None = None,
    not_before: datetime | None = None,
    expires: datetime | None = None,
) -> Signer:
    """Make a key pair, write it, and return its signer.

    The private key is written to `path`, readable by its owner alone where the system has such modes,
    and the public one beside it with the suffix ``.pub``. Neither is ever overwritten. What the key is
    for stands in the public file: whoever trusts the key trusts it for that, and may narrow it in a
    copy.

    Parameters
    ----------
    path : Path
        Where the private key goes.
    scope : {"ops", "exercise"}
        Its scope.
    kinds : sequence of str
        Schemas it may seal ("riskflag/1"), or "*" for all; empty: flags and seal events.
    sites, lanes : sequence of str
        Sites and lanes (places and readers, for seal events) it speaks for; empty for all.
    holder : str or None
        Who holds it, for a person.
    not_before, expires : datetime or None
        Its validity, aware; None for no bound.

    Returns
    -------
    Signer
        The new key.

    Raises
    ------
    ConfigurationError
        If one of the files exists or cannot be written, a kind is unknown, or the key would never be valid.
    """
    unknown = sorted(set(kinds) - {*SEALED, *_UNSEALED_KINDS})
    if unknown:
        raise ConfigurationError(f"no such kind of record: {', '.join(unknown)}", value=unknown)
    if not_before is not None and expires is not None and expires <= not_before:
        raise ConfigurationError("the key would expire before it is valid", value=utc_string(expires))
    for existing in (path, _public_path(path)):
        if existing.exists():
            raise ConfigurationError(
                f"{existing.name} exists; a key is never overwritten", value=str(existing)
            )
    key = Ed25519PrivateKey.generate()
    signer = Signer(key, scope)
    private = _PrivateKeyFile(
        key_id=signer.key_id, private_key=key.private_bytes_raw().hex(), scope=signer.scope
    )
    _write_once(path, msgspec.json.encode(private), 0o400)
    public = msgspec.structs.replace(
        signer.public,
        kinds=tuple(kinds) or SENDER_KINDS,
        sites=tuple(sites),
        lanes=tuple(lanes),
        holder=holder,
        not_before=utc_string(not_before),
        expires=utc_string(expires),
    )
    _write_once(_public_path(path), msgspec.json.encode(public), 0o444)
    return signer


def generate_exercise_key(path: Path) -> Signer:
    """Make a key pair of scope ``exercise`` for every kind; see :func:`generate_key`.

    Nothing under it counts for cargo, and one key often plays all parts of an exercise.

    Parameters
    ----------
    path : Path
        Where the private key goes.

    Returns
    -------
    Signer
        The new key.
    """
    return generate_key(path, "exercise", kinds=(EVERY_KIND,))


def load_signer(path: Path) -> Signer:
    """Return the signer of a private key file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Signer
        The key.

    Raises
    ------
    ConfigurationError
        If it cannot be read.
    IntegrityError
        If it is not a key file, or its key_id is not that of its key and scope.
    """
    stored = parse_strict(_read(path), _PrivateKeyFile)
    try:
        signer = Signer(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(stored.private_key)), stored.scope)
    except ValueError as error:
        raise IntegrityError(f"{path.name}: not a private key: {error}") from None
    if signer.key_id != stored.key_id:
        raise IntegrityError(f"{path.name}: key_id is not that of the key and scope", value=stored.key_id)
    return signer


def read_public_key(path: Path) -> PublicKey:
    """Return the key of a public key file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    PublicKey
        The key.

    Raises
    ------
    ConfigurationError
        If it cannot be read.
    IntegrityError
        If it is not a public key file.
    """
    return parse_strict(_read(path), PublicKey)


def _public_path(path: Path) -> Path:
    return path.with_name(path.name + ".pub")


def _write_once(path: Path, data: bytes, mode: int) -> None:
    try:
        # Without O_BINARY, Windows would write line feeds as two bytes.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise ConfigurationError(f"{path.name} exists; a key is never overwritten", value=str(path)) from None
    except OSError as error:
        raise ConfigurationError(f"{path.name}: {error.strerror}", value=str(path)) from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path.name}: {error.strerror}", value=str(path)) from None

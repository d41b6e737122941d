"""Keys as files: made once, readable by their owner alone, never overwritten."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from screening.errors import ConfigurationError, FormatError, IntegrityError
from screening.records import SEALED, FlagModality, parse_strict, utc_string

from .keys import EVERY_KIND, SENDER_KINDS, PublicKey, Scope, Signer

__all__ = [
    "ROLES",
    "generate_exercise_key",
    "generate_key",
    "load_signer",
    "read_own_public_key",
    "read_public_key",
]

#: Content that is signed apart from the bytes it covers.
_UNSEALED_KINDS = ("bundle/1", "policy/1", "webhook/1", EVERY_KIND)

_OFFICERS = ("conclusion/1", "secondary/1", "destuffing/1", "remeasurement/1", "identityruling/1")

#: What a key seals, by whose it is. An administration's decides and answers for what it sends; it neither
#: measures nor concludes: whoever trusts a partner's must not let it lift an alarm at their own desk.
ROLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "lane": ("riskflag/1",),
        "gateway": ("sealevent/1",),
        "officer": _OFFICERS,
        "administration": tuple(
            sorted({*SEALED, "bundle/1", "policy/1", "webhook/1"} - {*SENDER_KINDS, *_OFFICERS})
        ),
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
    modalities: Sequence[str] = (),
    administrations: Sequence[str] = (),
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
    modalities : sequence of str
        Modalities of the flags it may seal ("XRAY"); empty for all.
    administrations : sequence of str
        Administrations it speaks for; empty for all.
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
        If one of the files exists or cannot be written, a kind or a modality is unknown, or the key
        would never be valid.
    """
    unknown = sorted(set(kinds) - {*SEALED, *_UNSEALED_KINDS})
    if unknown:
        known = ", ".join(sorted({*SEALED, *_UNSEALED_KINDS}))
        raise ConfigurationError(
            f"no such kind of record: {', '.join(unknown)}; there are {known}", value=unknown
        )
    bound_to = _modalities(modalities)
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
        modalities=bound_to,
        administrations=tuple(administrations),
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


def _modalities(names: Sequence[str]) -> tuple[FlagModality, ...]:
    unknown = sorted(set(names) - {one.value for one in FlagModality})
    if unknown:
        known = ", ".join(FlagModality)
        raise ConfigurationError(f"no such modality: {', '.join(unknown)}; there are {known}", value=unknown)
    return tuple(FlagModality(name) for name in names)


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
        If it cannot be read, or if others than its owner may read it.
    FormatError
        If it is not a private key file, or its key_id is not that of its key and scope.
    """
    data = _read(path, is_private=True)
    try:
        stored = parse_strict(data, _PrivateKeyFile)
    except IntegrityError as error:
        raise _no_key(path, data, "private", error) from None
    try:
        signer = Signer(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(stored.private_key)), stored.scope)
    except ValueError as error:
        raise FormatError(f"{path.name}: not a private key file: {error}", value=str(path)) from None
    if signer.key_id != stored.key_id:
        raise FormatError(f"{path.name}: key_id is not that of the key and scope", value=stored.key_id)
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
    FormatError
        If it is not a public key file.
    """
    data = _read(path)
    try:
        return parse_strict(data, PublicKey)
    except IntegrityError as error:
        raise _no_key(path, data, "public", error) from None


def read_own_public_key(path: Path) -> PublicKey:
    """Return the public key beside a private one, which says what the key is for.

    Parameters
    ----------
    path : Path
        The private key file.

    Returns
    -------
    PublicKey
        The key of the file of that name with the suffix ``.pub``.

    Raises
    ------
    ConfigurationError
        If it cannot be read.
    FormatError
        If it is not a public key file.
    """
    return read_public_key(_public_path(path))


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


def _read(path: Path, *, is_private: bool = False) -> bytes:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if is_private and os.name == "posix" and mode & 0o077:
                raise ConfigurationError(
                    f"{path.name}: others than its owner may use this private key (mode {mode:04o}): "
                    f"chmod 600 {path}",
                    value=str(path),
                )
            return file.read()
    except OSError as error:
        raise ConfigurationError(f"{path.name}: {error.strerror}", value=str(path)) from None


def _no_key(path: Path, data: bytes, wanted: str, error: IntegrityError) -> FormatError:
    """Return what is wrong with a file that is no such key; what stands in it is nobody's business."""
    for kind, name in ((_PrivateKeyFile, "private"), (PublicKey, "public")):
        with suppress(IntegrityError):
            parse_strict(data, kind)
            text = f"{path.name}: this is a {name} key file, a {wanted} one is needed"
            return FormatError(text, value=str(path))
    why = str(error).partition(": ")[2]
    return FormatError(f"{path.name}: not a {wanted} key file: {why}", value=str(path))

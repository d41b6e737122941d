"""A zip file that can be written in one way only, and a reader that takes no other.

Members are stored, not compressed: a deflate stream depends on the library that made it, and a stored
file cannot be a decompression bomb. Every program opens the file; this reader takes only what
:func:`encode_zip` would write, so that two readers can never see two contents in it.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable

import msgspec

from .failures import BundleError

__all__ = ["Limits", "decode_zip", "encode_zip"]

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_LOCAL_MAGIC, _CENTRAL_MAGIC, _END_MAGIC = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_ZIP64_MAGICS = (b"PK\x06\x06", b"PK\x06\x07")
#: 1980-01-01, the first day a zip file knows: when a member was made is in its record.
_DATE = 1 << 5 | 1
_VERSION = 10
_MAX_32 = 0xFFFFFFFF
_MAX_16 = 0xFFFF
_NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)?")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The budget of one bundle.

    Attributes
    ----------
    n_bytes : int
        Of the whole file; nothing is larger than the file, since nothing is compressed.
    n_members : int
        Of members.
    n_name : int
        Bytes of a member's name.
    n_record_bytes : int
        Of one member that is parsed; evidence files are hashed, never parsed.
    """

    n_bytes: int = 256 << 20
    n_members: int = 4096
    n_name: int = 160
    n_record_bytes: int = 4 << 20


def encode_zip(members: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a zip file of stored members.

    Parameters
    ----------
    members : iterable of (str, bytes)
        Names and contents, in the order in which they stand in the file.

    Returns
    -------
    bytes
        The file; the same members give the same bytes everywhere.

    Raises
    ------
    BundleError
        If there are more members or bytes than a file without zip64 holds.
    """
    body, directory = bytearray(), bytearray()
    n_members = 0
    for name, data in members:
        coded = name.encode("ascii")
        if len(body) + len(data) > _MAX_32 - (1 << 20) or n_members == _MAX_16 - 1:
            raise BundleError("more than a bundle holds", "TOO_LARGE", value=name)
        checksum, size = zlib.crc32(data), len(data)
        directory += _CENTRAL.pack(
            _CENTRAL_MAGIC, _VERSION, _VERSION, 0, 0, 0, _DATE, checksum, size, size, len(coded), 0, 0, 0, 0,
            0, len(body),
        )  # fmt: skip
        directory += coded
        body += _LOCAL.pack(_LOCAL_MAGIC, _VERSION, 0, 0, 0, _DATE, checksum, size, size, len(coded), 0)
        body += coded
        body += data
        n_members += 1
    end = _END.pack(_END_MAGIC, 0, 0, n_members, n_members, len(directory), len(body), 0)
    return bytes(body + directory + end)


def decode_zip(data: bytes, limits: Limits) -> list[tuple[str, bytes]]:
    """Return the members of a file that :func:`encode_zip` wrote.

    Parameters
    ----------
    data : bytes
        The file.
    limits : Limits
        The budget.

    Returns
    -------
    list of (str, bytes)
        Names and contents, in the order of the file.

    Raises
    ------
    BundleError
        For everything else, with the failure.
    """
    if len(data) > limits.n_bytes:
        raise BundleError(f"{len(data)} bytes, at most {limits.n_bytes}", "TOO_LARGE", value=len(data))
    if data[:4] != _LOCAL_MAGIC:
        at = data.find(_LOCAL_MAGIC)
        if at < 0:
            raise BundleError("not a bundle: no zip file", "NOT_A_BUNDLE", value=data[:4])
        raise BundleError(f"{at} bytes before the first member", "PREPENDED", value=data[:4])
    members: list[tuple[str, bytes]] = []
    seen: set[str] = set()
    at = 0
    while data[at : at + 4] == _LOCAL_MAGIC:
        if len(members) == limits.n_members:
            raise BundleError(f"more than {limits.n_members} members", "TOO_MANY_MEMBERS")
        name, content, at = _member(data, at, limits)
        if name in seen:
            raise BundleError(f"{name} is there twice", "DUPLICATE_NAME", value=name)
        seen.add(name)
        members.append((name, content))
    expected = encode_zip(members)
    if data != expected:
        raise _difference(data[at:], expected[at:])
    return members


def _member(data: bytes, at: int, limits: Limits) -> tuple[str, bytes, int]:
    """Return one member's name and content, and where the next begins."""
    if at + _LOCAL.size > len(data):
        raise BundleError("the file ends within a header", "TRUNCATED", value=at)
    _, version, flags, method, _, _, checksum, packed, size, n_name, n_extra = _LOCAL.unpack_from(data, at)
    if flags & 1:
        raise BundleError("a member is encrypted", "ENCRYPTED", value=flags)
    if packed == _MAX_32 or size == _MAX_32 or version >= 45:
        raise BundleError("a member has zip64 sizes", "ZIP64", value=at)
    if method != 0 or packed != size:
        raise BundleError("a member is compressed", "COMPRESSED", value=method)
    if n_extra:
        raise BundleError("a header has an extra field", "EXTRA_FIELD", value=n_extra)
    if n_name > limits.n_name:
        raise BundleError(f"a name of {n_name} bytes", "NAME_TOO_LONG", value=n_name)
    start = at + _LOCAL.size + n_name
    if start + size > len(data):
        raise BundleError("the file ends within a member", "TRUNCATED", value=at)
    name = data[at + _LOCAL.size : start]
    if _NAME.fullmatch(name) is None:
        raise BundleError(f"no member of a bundle is named {name!r}", "BAD_NAME", value=name)
    content = data[start : start + size]
    if zlib.crc32(content) != checksum:
        raise BundleError(f"{name.decode()} does not fit its checksum", "CORRUPT", value=name)
    return name.decode(), content, start + size


def _difference(found: bytes, expected: bytes) -> BundleError:
    """Name what is wrong behind the members, or in fields of their headers that mean nothing."""
    if found == expected:
        return BundleError("a header is not as this package writes it", "NOT_CANONICAL_BUNDLE")
    if found[: len(expected)] == expected:
        n = len(found) - len(expected)
        return BundleError(f"{n} bytes after the end", "APPENDED", value=n)
    if expected[: len(found)] == found or _LOCAL_MAGIC[: len(found)] == found:
        return BundleError("the file ends too early", "TRUNCATED", value=len(found))
    if any(magic in found for magic in _ZIP64_MAGICS):
        return BundleError("the directory has zip64 records", "ZIP64")
    n_fixed = len(expected) - 2
    if len(found) > n_fixed + 2 and found[:n_fixed] == expected[:n_fixed]:
        return BundleError("the file has a comment", "COMMENT", value=found[n_fixed:][:64])
    return BundleError("the directory does not describe the members", "DIRECTORY")

"""Canonical JSON (RFC 8785), content identifiers, and strict parsing of what others sent."""

from __future__ import annotations

import hashlib
import json
import math
import re
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import rfc8785

from screening.errors import IntegrityError

__all__ = [
    "canonical_bytes",
    "content_id",
    "decimal_string",
    "file_scan_id",
    "parse_canonical",
    "parse_strict",
    "sha256_hex",
    "utc_string",
]

T = TypeVar("T")

_LONG_NUMBER = re.compile(rb"[:,\[]-?[0-9]{16}")
_PLAIN = frozenset({str, int, bool, type(None)})
_ESCAPES = (b"\\u", b"\\b", b"\\t", b"\\n", b"\\f", b"\\r")
#: What MessagePack puts before a float of either width, and before an integer of more than 32 bits.
_FLOAT32, _FLOAT64 = b"\xca", b"\xcb"
_UINT64, _INT64 = b"\xcf", b"\xd3"
_SORTED = msgspec.json.Encoder(order="sorted")
_PACKED = msgspec.msgpack.Encoder()


def sha256_hex(data: bytes | memoryview) -> str:
    """Return the sha256 of some bytes.

    Parameters
    ----------
    data : bytes
        The bytes.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return hashlib.sha256(data).hexdigest()


def canonical_bytes(record: msgspec.Struct | dict[str, Any], *, without: tuple[str, ...] = ()) -> bytes:
    """Return the RFC 8785 form of a record.

    Parameters
    ----------
    record : msgspec.Struct or dict
        The record.
    without : tuple of str
        Top-level fields to leave out.

    Returns
    -------
    bytes
        UTF-8.

    Raises
    ------
    IntegrityError
        If it holds a float (signed records hold decimal strings), or an integer of 2^53 or more.
    """
    body: Any = record
    if without:
        body = _plain(record)
        for name in without:
            body.pop(name, None)
    quick = _quick_form(body)
    if quick is not None:
        return quick
    body = _plain(body)
    _forbid_floats(body, "")
    try:
        return rfc8785.dumps(body)
    except rfc8785.CanonicalizationError as error:
        raise IntegrityError(f"no canonical form: {error}", value=str(error)) from None


def content_id(record: msgspec.Struct | dict[str, Any], *, without: tuple[str, ...]) -> str:
    """Return the sha256 of a record's canonical form.

    Parameters
    ----------
    record : msgspec.Struct or dict
        The record.
    without : tuple of str
        Fields the identifier does not cover (itself, the key and the signature).

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return sha256_hex(canonical_bytes(record, without=without))


def parse_strict(data: bytes, kind: type[T]) -> T:
    """Parse JSON that came from elsewhere.

    Parameters
    ----------
    data : bytes
        UTF-8 JSON.
    kind : type
        The record type; its unknown fields are refused.

    Returns
    -------
    record
        An instance of `kind`.

    Raises
    ------
    IntegrityError
        On invalid UTF-8, duplicate keys (most parsers keep the last: HIGH then LOW would read LOW),
        non-finite numbers, unknown or missing fields, wrong types.
    """
    try:
        record = parse_canonical(data, kind)
        if record is not None:
            return record
        json.loads(data.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
        return msgspec.json.decode(data, type=kind)
    except (ValueError, RecursionError) as error:  # bad UTF-8, bad JSON and integers without end are kinds
        raise IntegrityError(f"not a valid {kind.__name__}: {error}", value=data[:64]) from None


def parse_canonical(data: bytes, kind: type[T]) -> T | None:
    """Parse bytes that are most likely the canonical form of what they say.

    What is parsed holds every key once, and so does what is written of it again: bytes that are the same
    hold no key twice, and no number that is none. They are ASCII, or no quick form would be the same.

    Parameters
    ----------
    data : bytes
        JSON.
    kind : type
        The record type.

    Returns
    -------
    record or None
        None if the bytes are no such record, or not its canonical form, or nobody can tell quickly:
        whoever asks then looks closer.
    """
    try:
        record = msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return record if _quick_form(record) == data else None


def decimal_string(value: float | int | None, digits: int = 6) -> str:
    """Return a number as the decimal string that signed records carry.

    Parameters
    ----------
    value : float or int or None
        The number; None and non-finite numbers give "none".
    digits : int
        Significant digits kept.

    Returns
    -------
    str
        Plain notation, no exponent, no trailing zeros: "12.5", "0.000125", "-3".
    """
    if value is None or not math.isfinite(value):
        return "none"
    if isinstance(value, int):
        return str(value)
    text = format(Decimal(f"{float(value):.{digits - 1}e}"), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def file_scan_id(sha256: str, index: int = 0) -> str:
    """Return the UUIDv8 of a scan in a file, from the file's hash and the scan's index in it.

    Parameters
    ----------
    sha256 : str
        Hash of the file's bytes.
    index : int
        Which scan of the file.

    Returns
    -------
    str
        The UUID (RFC 9562, version 8, variant 10).
    """
    digest = hashlib.sha256(f"screening/scan/{sha256}/{index}".encode()).digest()
    number = int.from_bytes(digest[:16], "big")
    number = number & ~(0xF << 76) | (0x8 << 76)
    number = number & ~(0x3 << 62) | (0x2 << 62)
    return str(uuid.UUID(int=number))


def utc_string(t: datetime | None) -> str | None:
    """Return a time as RFC 3339 UTC with milliseconds.

    Parameters
    ----------
    t : datetime or None
        An aware time.

    Returns
    -------
    str or None
        "2010-01-24T00:08:24.078Z"; None for None.

    Raises
    ------
    ValueError
        If the time has no zone.
    """
    if t is None:
        return None
    if t.tzinfo is None:
        raise ValueError(f"a time without a zone cannot be recorded, got {t!r}")
    return t.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(record: Any) -> dict[str, Any]:
    return msgspec.to_builtins(record) if isinstance(record, msgspec.Struct) else dict(record)


def _quick_form(body: Any) -> bytes | None:
    """Return the canonical form where a compiled encoder gives the same, else None.

    It does for plain ASCII without control characters: keys then sort alike in every encoding, and
    nothing but quotes and backslashes is escaped. Integers of 2^53 or more have 16 digits at least;
    whatever could be one, hashes included, is left to the reference encoder unless it is quoted.

    JSON shows no float that is not finite: it is written as null. MessagePack marks every float, and
    every integer of more than 32 bits, by a byte of its own. Where that byte is not, no such number is;
    where it is, it may as well be part of another number, and the slower look decides.
    """
    try:
        text, packed = _SORTED.encode(body), _PACKED.encode(body)
    except (TypeError, ValueError, OverflowError):
        return None
    if not text.isascii():
        return None
    if b"\\" in text and any(escape in text for escape in _ESCAPES):
        return None
    if (_FLOAT32 in packed or _FLOAT64 in packed) and _holds_float(msgspec.to_builtins(body)):
        return None
    if (_UINT64 in packed or _INT64 in packed) and _LONG_NUMBER.search(text):
        return None
    return text


def _holds_float(value: Any) -> bool:
    """Tell whether there is a float anywhere; where it is, is looked for only then."""
    if isinstance(value, dict):
        items: Any = value.values()
    elif isinstance(value, list | tuple):
        items = value
    else:
        return isinstance(value, float)
    return any(type(item) not in _PLAIN and _holds_float(item) for item in items)


def _forbid_floats(value: Any, where: str) -> None:
    if isinstance(value, float):
        raise IntegrityError(
            f"{where or 'record'} is a float; signed records hold decimal strings", value=value
        )
    if isinstance(value, dict):
        for key, item in value.items():
            _forbid_floats(item, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            _forbid_floats(item, f"{where}[{i}]")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise IntegrityError("duplicate keys in JSON", value=[k for k, _ in pairs])
    return found


def _no_constant(text: str) -> Any:
    raise IntegrityError(f"{text} is not a JSON number", value=text)

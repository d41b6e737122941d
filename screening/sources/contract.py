"""Checks that every source passes, built in or not; call them from your own tests.

    from screening.sources.contract import check_source

    def test_my_source():
        check_source(MySource(), valid={"pass.xyz": data}, beside={})

Each check raises AssertionError with what was promised and what happened.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from screening.archive import archive_bytes
from screening.errors import FormatError
from screening.records import Background, Occupancy, Radiograph, Scan, sha256_hex

from .protocol import ScanSource
from .registry import HEAD_BYTES

__all__ = ["check_source"]

_FOREIGN = {
    "empty": b"",
    "text": b"an ordinary text, of no format at all\n" * 20,
    "zeros": bytes(512),
    "png": b"\x89PNG\r\n\x1a\n" + bytes(64),
    "zip": b"PK\x03\x04" + bytes(64),
}


def check_source(
    source: ScanSource,
    *,
    valid: Mapping[str, bytes],
    beside: Mapping[str, bytes] | None = None,
    n_damaged: int = 20,
) -> None:
    """Check that a source keeps the promises of ScanSource.

    Parameters
    ----------
    source : ScanSource
        The source.
    valid : mapping of str to bytes
        At least one file that it reads, by name.
    beside : mapping of str to bytes, optional
        Files that lie in the same folder.
    n_damaged : int
        How many damaged variants of each file to try; the damage is the same in every run.

    Raises
    ------
    AssertionError
        If a promise is broken.
    """
    files = dict(beside or {})
    require = _require
    require(isinstance(source, ScanSource), "a source has name, priority, recognises, read, read_background")
    require(bool(source.name) and source.name == source.name.strip().lower(), "name is short and lower case")
    require(bool(valid), "at least one valid file is needed")
    for kind, data in _FOREIGN.items():
        require(source.recognises(data, "unnamed") is False, f"recognises says False to {kind}")
    for name, data in valid.items():
        require(source.recognises(data[:HEAD_BYTES], name) is True, f"recognises says True to {name}")
        _check_scans(source, name, data, files)
        _check_background(source, name, data, files)
        _check_damage(source, name, data, files, n_damaged)


def _check_scans(source: ScanSource, name: str, data: bytes, files: dict[str, bytes]) -> None:
    first = source.read(data, name=name, beside=files.get)
    again = source.read(data, name=name, beside=files.get)
    _require(len(first) > 0, f"{name}: at least one scan")
    _require(len({scan.identity.scan_id for scan in first}) == len(first), f"{name}: distinct identifiers")
    _require(
        [archive_bytes(scan) for scan in first] == [archive_bytes(scan) for scan in again],
        f"{name}: the same bytes give the same scans",
    )
    for scan in first:
        _require(isinstance(scan, Scan), f"{name}: read returns Scan records")
        _require(isinstance(scan.payload, Occupancy | Radiograph), f"{name}: a payload of a known kind")
        _require(bool(scan.inputs), f"{name}: every scan names its inputs")
        _require(
            any(item.sha256 == sha256_hex(data) and item.n_bytes == len(data) for item in scan.inputs)
            or source.name == "archive",
            f"{name}: an input has the hash of the bytes read",
        )
        _require(
            all("/" not in item.uri and "\\" not in item.uri for item in scan.inputs),
            f"{name}: inputs are named without their folder",
        )
        _require(not _writable(scan.payload), f"{name}: arrays are read-only")
        for time in (scan.identity.t_start_utc, scan.identity.t_end_utc):
            _require(time is None or time.tzinfo is not None, f"{name}: times have a zone")


def _check_background(source: ScanSource, name: str, data: bytes, files: dict[str, bytes]) -> None:
    try:
        background = source.read_background(data, name=name, beside=files.get)
    except FormatError as error:
        _check_message(error, name)
        return
    _require(isinstance(background, Background), f"{name}: read_background returns a Background")
    _require(bool(np.all(background.gamma_cps >= 0)), f"{name}: background rates are not negative")


def _check_damage(
    source: ScanSource, name: str, data: bytes, files: dict[str, bytes], n_damaged: int
) -> None:
    generator = random.Random(20_260_101)  # noqa: S311 - damage, not a secret
    for number in range(n_damaged):
        damaged = bytearray(data)
        if number % 3 == 0:
            del damaged[generator.randrange(len(damaged)) :]
        elif number % 3 == 1:
            for _ in range(1 + len(damaged) // 200):
                damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        else:
            start = generator.randrange(len(damaged))
            del damaged[start : start + 1 + generator.randrange(200)]
        content = bytes(damaged)
        _require(
            source.recognises(content[:HEAD_BYTES], name) in (True, False), f"{name}: recognises never raises"
        )
        try:
            scans = source.read(content, name=name, beside=files.get)
        except FormatError as error:
            _check_message(error, name)
        except Exception as error:
            raise AssertionError(
                f"{name}, damaged variant {number}: only FormatError may be raised, got {error!r}"
            ) from error
        else:
            _require(
                all(isinstance(scan, Scan) for scan in scans), f"{name}: damaged files give scans or errors"
            )


def _check_message(error: FormatError, name: str) -> None:
    text = str(error)
    _require(name.partition(".")[0] in text, f"{name}: the error names the file, got {text!r}")
    _require("\n" not in text, f"{name}: the error is one line, got {text!r}")


def _writable(record: Any) -> bool:
    for field in record.__struct_fields__:
        value = getattr(record, field)
        if isinstance(value, np.ndarray) and value.flags.writeable:
            return True
        if isinstance(value, msgspec.Struct) and _writable(value):
            return True
    return False


def _require(condition: bool, promise: str) -> None:
    if not condition:
        raise AssertionError(promise)

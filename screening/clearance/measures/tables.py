"""The tables that measures come from and go to: UTF-8 CSV, columns as in docs/seals.md."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from screening.clearance.identity import check_container_id
from screening.clearance.transit.route import time_of
from screening.errors import FormatError, StoreError

from .runs import Expected, Run
from .trips import NOT_TOLD, PointRead, SealTruth, Trip

__all__ = ["read_expected", "read_truths", "write_tables"]

_TRIPS = (
    "trip", "seal", "model", "route", "temperature", "departed_at", "arrived_at", "opening_kind", "opened_at",
    "reports", "has_gap", "has_low_battery", "has_fault",
)  # fmt: skip
_READS = ("trip", "seal", "point", "read_at")
_EXPECTED = ("container_id", "list")
_RUNS = (
    "container_id", "list", "arrived_at", "targeting", "targeting_other", "is_sealed", "radiation", "image",
    "decided_at", "action", "is_destuffed", "border",
)  # fmt: skip
_TRUTHS = ("container_id", "seal", "model", "route", "temperature", "opening_kind", "opened_at")


def read_expected(path: Path) -> tuple[Expected, ...]:
    """Read the list of containers that vessels and trains announced.

    Parameters
    ----------
    path : Path
        ``container_id,list``, one row for each container.

    Returns
    -------
    tuple of Expected
        In the order of the file; numbers in compact form.

    Raises
    ------
    FormatError
        If it cannot be read, a cell is empty, or a row stands twice.
    """
    found: dict[Expected, None] = {}
    for number, cells in _rows(path, _EXPECTED):
        one = Expected(check_container_id(cells["container_id"]).compact, cells["list"])
        if not (one.container_id and one.list) or one in found:
            raise FormatError(
                f"{path.name}, line {number}: a container and its list are needed, once", value=number
            )
        found[one] = None
    return tuple(found)


def read_truths(path: Path) -> dict[tuple[str, str], SealTruth]:
    """Read what is known of seals besides what they reported.

    Parameters
    ----------
    path : Path
        ``container_id,seal,model,route,temperature,opening_kind,opened_at``, one row for each seal on a
        container. ``opening_kind`` is ``none`` where it was not opened, empty where nobody knows.

    Returns
    -------
    dict of (str, str) to SealTruth
        By container and seal.

    Raises
    ------
    FormatError
        If it cannot be read, a time does not go with its kind, or a seal stands twice.
    """
    found: dict[tuple[str, str], SealTruth] = {}
    for number, cells in _rows(path, _TRUTHS):
        opened_at = time_of(cells["opened_at"] or None)
        is_opened = cells["opening_kind"] not in ("", "none")
        key = (check_container_id(cells["container_id"]).compact, cells["seal"])
        if (opened_at is not None) != is_opened or (cells["opened_at"] and opened_at is None) or key in found:
            raise FormatError(
                f"{path.name}, line {number}: a seal stands once, with opened_at where it was opened",
                value=number,
            )
        found[key] = SealTruth(
            container_id=key[0],
            seal=key[1],
            model=cells["model"] or NOT_TOLD,
            route=cells["route"],
            temperature=cells["temperature"],
            opening_kind=cells["opening_kind"],
            opened_at=opened_at,
        )
    return found


def write_tables(
    folder: Path,
    *,
    expected: Sequence[Expected],
    runs: Sequence[Run],
    trips: Sequence[Trip] = (),
    reads: Sequence[PointRead] = (),
) -> tuple[Path, ...]:
    """Write the tables that ``screening evaluate --programme`` reads.

    Parameters
    ----------
    folder : Path
        Where; made if it is missing.
    expected : sequence of Expected
        All that was announced.
    runs : sequence of Run
        What was done; a container that has not come has no row there.
    trips, reads : sequence
        Of seals; without trips there are no such tables.

    Returns
    -------
    tuple of Path
        The files.

    Raises
    ------
    StoreError
        If one cannot be written.
    """
    came = [run for run in runs if run.arrived_at is not None]
    tables: list[tuple[str, tuple[str, ...], Iterable[Mapping[str, Any]]]] = [
        ("expected.csv", _EXPECTED, [one._asdict() for one in expected]),
        ("containers.csv", _RUNS, map(msgspec.structs.asdict, came)),
    ]
    if trips:
        tables.append(("seal-trials.csv", _TRIPS, map(msgspec.structs.asdict, trips)))
    if trips and reads:
        tables.append(("custody.csv", _READS, map(msgspec.structs.asdict, reads)))
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, columns, rows in tables:
            stream = io.StringIO()
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([_cell(row[column]) for column in columns] for row in rows)
            part = folder / f"{name}.part"
            part.write_text(stream.getvalue(), encoding="utf-8", newline="")
            os.replace(part, folder / name)  # noqa: PTH105 - whole or not at all
            written.append(folder / name)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror})", value=str(folder)) from None
    return tuple(written)


def _rows(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FormatError(f"{path}: {error.strerror or error}", value=str(path)) from None
    except UnicodeDecodeError as error:
        raise FormatError(f"{path.name}: not UTF-8 at byte {error.start}", value=error.start) from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in reader.fieldnames or ()]
        if sorted(header) != sorted(columns):
            raise FormatError(f"{path.name}: columns are {', '.join(columns)}", value=header)
        reader.fieldnames = header
        found = []
        for row in reader:
            if None in row or None in row.values():
                raise FormatError(f"{path.name}, line {reader.line_num}: {len(header)} cells are needed")
            found.append((reader.line_num, {name: cell.strip() for name, cell in row.items()}))
    except csv.Error as error:
        raise FormatError(f"{path.name}, line {reader.line_num}: {error}", value=reader.line_num) from None
    return found


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple):
        return ";".join(_cell(one) for one in value)
    return str(value.value) if isinstance(value, Enum) else str(value)

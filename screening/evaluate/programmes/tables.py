"""Read and write the tables of seals and programmes: strict, with every mismatch named and counted."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from screening.errors import FormatError, StoreError
from screening.evaluate.record import LeftOut
from screening.evaluate.whole_files import write_whole
from screening.records import Action, Level, sha256_hex

from .records import NOT_OPENED, ContainerRun, CustodyRead, ExpectedContainer, SealTrip

__all__ = [
    "CONTAINERS",
    "CUSTODY",
    "EXPECTED",
    "TRIALS",
    "Table",
    "read_containers",
    "read_custody",
    "read_expected",
    "read_trips",
    "write_table",
]

TRIALS, CUSTODY, EXPECTED, CONTAINERS = "seal-trials.csv", "custody.csv", "expected.csv", "containers.csv"

Row = TypeVar("Row")

_TRIP_COLUMNS = (
    "trip", "seal", "model", "route", "temperature", "departed_at", "arrived_at", "opening_kind", "opened_at",
    "reports", "has_gap", "has_low_battery", "has_fault",
)  # fmt: skip
_READ_COLUMNS = ("trip", "seal", "point", "read_at")
_EXPECTED_COLUMNS = ("container_id", "list")
_CONTAINER_COLUMNS = (
    "container_id", "list", "arrived_at", "targeting", "targeting_other", "is_sealed", "radiation", "image",
    "decided_at", "action", "is_destuffed", "border",
)  # fmt: skip
_COLUMNS: dict[type, tuple[str, ...]] = {
    SealTrip: _TRIP_COLUMNS,
    CustodyRead: _READ_COLUMNS,
    ExpectedContainer: _EXPECTED_COLUMNS,
    ContainerRun: _CONTAINER_COLUMNS,
}


class Table(NamedTuple):
    """A table that was read.

    Attributes
    ----------
    rows : tuple
        Those that could be read.
    left_out : tuple of LeftOut
        Those that could not, one each.
    sha256 : str
        Of the file.
    left_out_keys : frozenset of tuple of str
        First two cells of each row that could not be read: what else speaks of them is no error of its own.
    """

    rows: tuple[Any, ...]
    left_out: tuple[LeftOut, ...]
    sha256: str
    left_out_keys: frozenset[tuple[str, str]] = frozenset()


def read_trips(path: str | Path) -> Table:
    """Read ``seal-trials.csv``.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    Table
        Of :class:`.records.SealTrip`.

    Raises
    ------
    FormatError
        If it cannot be read, or a column is missing, unknown or there twice.
    """
    return _read(Path(path), SealTrip, _trip, lambda one: one.trip)


def read_custody(path: str | Path) -> Table:
    """Read ``custody.csv``.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    Table
        Of :class:`.records.CustodyRead`.

    Raises
    ------
    FormatError
        As :func:`read_trips`.
    """
    return _read(Path(path), CustodyRead, _custody, lambda one: f"{one.trip} {one.seal} at {one.point}")


def read_expected(path: str | Path) -> Table:
    """Read ``expected.csv``.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    Table
        Of :class:`.records.ExpectedContainer`.

    Raises
    ------
    FormatError
        As :func:`read_trips`.
    """
    return _read(Path(path), ExpectedContainer, _expected, lambda one: f"{one.container_id} of {one.list}")


def read_containers(path: str | Path) -> Table:
    """Read ``containers.csv``.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    Table
        Of :class:`.records.ContainerRun`.

    Raises
    ------
    FormatError
        As :func:`read_trips`.
    """
    return _read(Path(path), ContainerRun, _container, lambda one: f"{one.container_id} of {one.list}")


def write_table(path: str | Path, rows: Sequence[Any]) -> None:
    """Write a table of records of one kind.

    Parameters
    ----------
    path : path-like
        The file.
    rows : sequence
        Records, at least one.

    Raises
    ------
    ValueError
        If there are no rows.
    StoreError
        If it cannot be written.
    """
    if not rows:
        raise ValueError("a table needs at least one row, got none")
    columns = _COLUMNS[type(rows[0])]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(getattr(row, name)) for name in columns])
    try:
        write_whole(Path(path), stream.getvalue().encode())
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror})", value=str(path)) from None


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple):
        return ";".join(_cell(one) for one in value)
    return str(value.value) if isinstance(value, Level | Action) else str(value)


def _read(
    path: Path, kind: type, make: Callable[[dict[str, str]], Row], name_of: Callable[[Row], str]
) -> Table:
    columns = _COLUMNS[kind]
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise FormatError(f"{path}: {error.strerror or error}", value=str(path)) from None
    except UnicodeDecodeError as error:
        raise FormatError(f"{path.name}: not UTF-8 at byte {error.start}", value=error.start) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines: list[tuple[int, list[str]]] = []
        ended = 0
        for row in reader:
            if any(cell.strip() for cell in row):
                lines.append((ended + 1, row))  # the line on which it begins
            ended = reader.line_num
    except csv.Error as error:
        raise FormatError(f"{path.name}, line {reader.line_num}: {error}", value=reader.line_num) from None
    header = [cell.strip() for cell in lines[0][1]] if lines else []
    _check_header(path.name, header, columns)
    rows: list[Row] = []
    left_out: list[LeftOut] = []
    seen: set[str] = set()
    lost: set[tuple[str, str]] = set()
    for number, row in lines[1:]:
        where = f"{path.name} line {number}"
        cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
        key = (cells.get(columns[0], ""), cells.get(columns[1], ""))
        if len(row) != len(header):
            text_ = f"{len(row)} cells under {len(header)} columns"
            left_out.append(LeftOut(kind="invalid value", where=where, text=text_))
            lost.add(key)
            continue
        try:
            one = make(cells)
        except ValueError as error:
            lost.add(key)
            left_out.append(LeftOut(kind="invalid value", where=where, text=str(error)))
            continue
        if name_of(one) in seen:
            text_ = f"{name_of(one)} stands twice; the first counts"
            left_out.append(LeftOut(kind="duplicate id", where=where, text=text_))
            continue
        seen.add(name_of(one))
        rows.append(one)
    return Table(tuple(rows), tuple(left_out), sha256_hex(data), frozenset(lost))


def _check_header(name: str, header: Iterable[str], columns: tuple[str, ...]) -> None:
    counts = Counter(header)
    problems = [
        *(f"column {one!r} twice" for one, n in counts.items() if n > 1),
        *(f"no column {one!r}" for one in columns if one not in counts),
        *(f"unknown column {one!r}" for one in counts if one not in columns),
    ]
    if problems:
        raise FormatError(f"{name}: {problems[0]}; columns: {', '.join(columns)}", value=problems[0])


def _trip(cells: dict[str, str]) -> SealTrip:
    departed, arrived = _needed_time(cells, "departed_at"), _needed_time(cells, "arrived_at")
    if arrived < departed:
        raise ValueError(f"arrived_at {cells['arrived_at']} lies before departed_at {cells['departed_at']}")
    kind, opened = cells["opening_kind"], _time(cells, "opened_at")
    if (opened is not None) != (kind not in ("", NOT_OPENED)):
        raise ValueError(f"opened_at {cells['opened_at']!r} does not go with opening_kind {kind!r}")
    if opened is not None and not departed <= opened <= arrived:
        raise ValueError(f"opened_at {cells['opened_at']} lies outside of the trip")
    reports = tuple(sorted(_parsed("reports", one) for one in cells["reports"].split(";") if one.strip()))
    if reports and not departed <= reports[0] <= reports[-1] <= arrived:
        raise ValueError(f"reports {cells['reports']} lie outside of the trip")
    return SealTrip(
        trip=_needed(cells, "trip"),
        seal=_needed(cells, "seal"),
        model=_needed(cells, "model"),
        route=cells["route"],
        temperature=cells["temperature"],
        departed_at=departed,
        arrived_at=arrived,
        opening_kind=kind,
        opened_at=opened,
        reports=reports,
        has_gap=_flag(cells, "has_gap"),
        has_low_battery=_flag(cells, "has_low_battery"),
        has_fault=_flag(cells, "has_fault"),
    )


def _custody(cells: dict[str, str]) -> CustodyRead:
    return CustodyRead(
        trip=_needed(cells, "trip"),
        seal=_needed(cells, "seal"),
        point=_needed(cells, "point"),
        read_at=_time(cells, "read_at"),
    )


def _expected(cells: dict[str, str]) -> ExpectedContainer:
    return ExpectedContainer(container_id=_needed(cells, "container_id"), list=_needed(cells, "list"))


def _container(cells: dict[str, str]) -> ContainerRun:
    arrived, decided = _needed_time(cells, "arrived_at"), _time(cells, "decided_at")
    if decided is not None and decided < arrived:
        raise ValueError(f"decided_at {cells['decided_at']} lies before arrived_at {cells['arrived_at']}")
    border = cells["border"]
    if border not in ("", "ACCEPT", "REJECT", "RE_EXAMINE"):
        raise ValueError(f"border {border!r} is none of ACCEPT, REJECT, RE_EXAMINE")
    action = cells["action"]
    if action and action not in {one.value for one in Action}:
        raise ValueError(f"action {action!r} is none of {', '.join(one.value for one in Action)}")
    return ContainerRun(
        container_id=_needed(cells, "container_id"),
        list=_needed(cells, "list"),
        arrived_at=arrived,
        targeting=_level(cells, "targeting"),
        targeting_other=_level(cells, "targeting_other"),
        is_sealed=_flag(cells, "is_sealed"),
        radiation=_level(cells, "radiation"),
        image=_level(cells, "image"),
        decided_at=decided,
        action=Action(action) if action else None,
        is_destuffed=_flag(cells, "is_destuffed"),
        border=border or None,  # type: ignore[arg-type]
    )


def _needed(cells: dict[str, str], name: str) -> str:
    if not cells[name]:
        raise ValueError(f"{name} is empty")
    return cells[name]


def _needed_time(cells: dict[str, str], name: str) -> datetime:
    return _parsed(name, _needed(cells, name))


def _time(cells: dict[str, str], name: str) -> datetime | None:
    return _parsed(name, cells[name]) if cells[name] else None


def _parsed(name: str, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{name} {text!r} is no time of RFC 3339") from None
    if at.tzinfo is None:
        raise ValueError(f"{name} {text!r} has no zone")
    try:
        return at.astimezone(UTC)
    except OverflowError:  # the first and the last day of the calendar, in a zone beyond it
        raise ValueError(f"{name} {text!r} lies outside of the calendar") from None


def _flag(cells: dict[str, str], name: str) -> bool:
    word = cells[name].lower()
    if word not in ("true", "false"):
        raise ValueError(f"{name} {cells[name]!r} is neither true nor false")
    return word == "true"


def _level(cells: dict[str, str], name: str) -> Level | None:
    word = cells[name]
    if word and word not in {level.value for level in Level}:
        raise ValueError(f"{name} {word!r} is none of {', '.join(level.value for level in Level)}")
    return Level(word) if word else None

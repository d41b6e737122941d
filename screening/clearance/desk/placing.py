"""Which case a scan joins, and which containers it may be of: by rulings, secondary records, its number.

It follows from the set of what is known, never from its order: whatever comes later and bears on a
scan places that scan again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, true, update

from screening.clearance.identity import SCAN_KEY, case_key, near_numbers
from screening.records import (
    AdvanceData,
    IdentityRuling,
    Remeasurement,
    RiskFlag,
    Sealed,
    SecondaryInspection,
)

from .dialects import insert_new
from .names import compact_number
from .tables import apart, cases, doubts, named_flags, records, rulings

__all__ = ["Manifest", "Placed", "bears_on_identity", "note_facts", "place_again", "place_new"]

#: Characters at the start and at the end of a number of which one wrong character or one swap leaves
#: either the first or the last as they are.
_START, _REST = 4, 7


class Manifest(NamedTuple):
    """What a policy says of container numbers.

    Attributes
    ----------
    is_needed : bool
        A number that was read counts only once advance data declare it.
    min_ocr_confidence : str or None
        Least confidence of a reading.
    """

    is_needed: bool = False
    min_ocr_confidence: str | None = None


class Placed(NamedTuple):
    """Where flags were placed.

    Attributes
    ----------
    keys : dict of str to str
        Key of the case for each flag, by the hash of its bytes.
    moved : dict of str to int
        Records that a case gained or lost by moving.
    doubted : set of str
        Containers that a scan in doubt may be of: they are due.
    """

    keys: dict[str, str]
    moved: dict[str, int]
    doubted: set[str]


class _Known(NamedTuple):
    """What is known that bears on some flags."""

    rulings: Mapping[str, frozenset[str]]
    named: Mapping[str, frozenset[str]]
    is_declared: Callable[[str], bool] | None


def bears_on_identity(record: Sealed | None, manifest: Manifest) -> bool:
    """Tell whether a record may change which container a scan is of, or may be of one in doubt.

    Parameters
    ----------
    record : Sealed or None
        The record.
    manifest : Manifest
        What the policy says of numbers.

    Returns
    -------
    bool
        Such records are taken by one transaction after the other.
    """
    if isinstance(record, RiskFlag):
        return manifest.is_needed or _own_key(record, manifest, None).startswith(SCAN_KEY)
    return isinstance(record, IdentityRuling | AdvanceData | SecondaryInspection | Remeasurement)


def note_facts(connection: Connection, fresh: Iterable[Sealed]) -> None:
    """Write down what records say of scans.

    Parameters
    ----------
    connection : Connection
        In a write transaction.
    fresh : iterable of Sealed
        Records that are not known yet.
    """
    ruled, named = [], []
    for record in fresh:
        if isinstance(record, IdentityRuling):
            ruled.append({"scan_id": record.scan_id, "container_id": compact_number(record.container_id)})
        elif isinstance(record, SecondaryInspection | Remeasurement):
            box = compact_number(record.container_id)
            named += [{"flag_id": flag_id, "container_id": box} for flag_id in record.flag_ids]
    if ruled:
        connection.execute(insert_new(connection, rulings).on_conflict_do_nothing(), ruled)
    if named:
        connection.execute(insert_new(connection, named_flags).on_conflict_do_nothing(), named)


def place_new(
    connection: Connection, flags: Mapping[str, RiskFlag], declared: set[str], manifest: Manifest
) -> Placed:
    """Place flags that are not known yet.

    Parameters
    ----------
    connection : Connection
        In a write transaction.
    flags : mapping of str to RiskFlag
        By the hash of their bytes.
    declared : set of str
        Containers that the same transaction declares.
    manifest : Manifest
        What the policy says of numbers.

    Returns
    -------
    Placed
        Where each belongs.
    """
    return _place(connection, flags, {}, declared, manifest)


def place_again(
    connection: Connection, new: Iterable[Sealed], declared: set[str], manifest: Manifest
) -> Placed:
    """Place the flags again that new records bear on.

    Parameters
    ----------
    connection : Connection
        In a write transaction; the new records are in it already.
    new : iterable of Sealed
        The new records.
    declared : set of str
        Containers that they declare.
    manifest : Manifest
        What the policy says of numbers.

    Returns
    -------
    Placed
        Which cases gained or lost records.
    """
    scan_ids: set[str] = set()
    flag_ids: set[str] = set()
    boxes: set[str] = set()
    for record in new:
        if isinstance(record, IdentityRuling):
            scan_ids.add(record.scan_id)
        elif isinstance(record, SecondaryInspection | Remeasurement):
            flag_ids.update(record.flag_ids)
        elif isinstance(record, AdvanceData):
            boxes.add(compact_number(record.container_id))
    hashes: set[str] = set()
    if scan_ids:
        query = select(records.c.sha256).where(records.c.scan_id.in_(sorted(scan_ids)))
        hashes.update(connection.execute(query).scalars())
    if flag_ids:
        query = select(apart.c.sha256).where(apart.c.flag_id.in_(sorted(flag_ids)))
        hashes.update(connection.execute(query).scalars())
    for box in sorted(boxes):
        hashes.update(
            connection.execute(select(apart.c.sha256).where(_is_near(apart.c.reading, box))).scalars()
        )
    if not hashes:
        return Placed({}, {}, set())
    query = select(records.c.sha256, records.c.case_key, records.c.body).where(
        records.c.sha256.in_(sorted(hashes))
    )
    rows = connection.execute(query).all()
    flags = {row.sha256: msgspec.json.decode(bytes(row.body), type=RiskFlag) for row in rows}
    return _place(connection, flags, {row.sha256: row.case_key for row in rows}, declared, manifest)


def _place(
    connection: Connection,
    flags: Mapping[str, RiskFlag],
    present: Mapping[str, str],
    declared: set[str],
    manifest: Manifest,
) -> Placed:
    if not flags:
        return Placed({}, {}, set())
    known = _known(connection, flags.values(), declared, manifest)
    keys = {sha256: _target(flag, known, manifest) for sha256, flag in flags.items()}
    moved: dict[str, int] = {}
    for sha256, key in keys.items():
        former = present.get(sha256)
        if former is not None and former != key:
            moved[former] = moved.get(former, 0) - 1
            moved[key] = moved.get(key, 0) + 1
            connection.execute(update(records).where(records.c.sha256 == sha256).values(case_key=key))
    in_doubt = {sha256: flag for sha256, flag in flags.items() if keys[sha256].startswith(SCAN_KEY)}
    settled = [sha256 for sha256 in present if sha256 not in in_doubt]
    doubted: set[str] = set()
    if settled:
        scans = {flags[sha256].scan_id for sha256 in settled}
        doubted.update(
            connection.execute(select(doubts.c.container_id).where(doubts.c.scan_id.in_(scans))).scalars()
        )
        connection.execute(delete(apart).where(apart.c.sha256.in_(settled)))
    if in_doubt:
        doubted |= _doubt(connection, in_doubt, known, declared, manifest)
    return Placed(keys, moved, doubted)


def _doubt(
    connection: Connection,
    flags: Mapping[str, RiskFlag],
    known: _Known,
    declared: set[str],
    manifest: Manifest,
) -> set[str]:
    """Note flags as kept apart, and return the containers they may be of."""
    pairs: set[tuple[str, str]] = set()
    for flag in flags.values():
        boxes = set(known.rulings.get(flag.scan_id, ())) | set(known.named.get(flag.flag_id, ()))
        own = _own_key(flag, manifest._replace(is_needed=False), None)
        if boxes and not own.startswith(SCAN_KEY):
            boxes.add(own)
        boxes.update(_near_declared(connection, flag.subject.container_id, declared))
        pairs.update((flag.scan_id, box) for box in boxes)
    rows = [
        {
            "sha256": sha256,
            "flag_id": flag.flag_id,
            "scan_id": flag.scan_id,
            "reading": None
            if flag.subject.container_id is None
            else compact_number(flag.subject.container_id),
        }
        for sha256, flag in sorted(flags.items())
    ]
    connection.execute(insert_new(connection, apart).on_conflict_do_nothing(), rows)
    if pairs:
        doubtful = [{"scan_id": scan_id, "container_id": box} for scan_id, box in sorted(pairs)]
        connection.execute(insert_new(connection, doubts).on_conflict_do_nothing(), doubtful)
    return {box for _, box in pairs}


def _known(
    connection: Connection, flags: Iterable[RiskFlag], declared: set[str], manifest: Manifest
) -> _Known:
    flags = list(flags)
    scan_ids = sorted({flag.scan_id for flag in flags})
    ruled: dict[str, frozenset[str]] = {}
    for row in connection.execute(select(rulings).where(rulings.c.scan_id.in_(scan_ids))):
        ruled[row.scan_id] = ruled.get(row.scan_id, frozenset()) | {row.container_id}
    named: dict[str, frozenset[str]] = {}
    unsure = [flag.flag_id for flag in flags if _own_key(flag, manifest, None).startswith(SCAN_KEY)]
    if unsure:
        for row in connection.execute(select(named_flags).where(named_flags.c.flag_id.in_(sorted(unsure)))):
            named[row.flag_id] = named.get(row.flag_id, frozenset()) | {row.container_id}
    if not manifest.is_needed:
        return _Known(ruled, named, None)
    numbers = sorted({compact_number(flag.subject.container_id or "") for flag in flags})
    query = select(cases.c.key).where(cases.c.key.in_(numbers), cases.c.is_declared)
    on_it = declared | set(connection.execute(query).scalars())
    return _Known(ruled, named, on_it.__contains__)


def _target(flag: RiskFlag, known: _Known, manifest: Manifest) -> str:
    """Return the case a flag joins: as ruled, else by its number, else as a measurement names it."""
    boxes = known.rulings.get(flag.scan_id, frozenset())
    if boxes:
        return next(iter(boxes)) if len(boxes) == 1 else SCAN_KEY + flag.scan_id
    own = _own_key(flag, manifest, known.is_declared)
    named = known.named.get(flag.flag_id, frozenset())
    # What a handheld instrument measured has no number of its own.
    if own.startswith(SCAN_KEY) and flag.subject.container_id is None and len(named) == 1:
        return next(iter(named))
    return own


def _own_key(flag: RiskFlag, manifest: Manifest, is_declared: Callable[[str], bool] | None) -> str:
    return case_key(flag, declared=is_declared, min_ocr_confidence=manifest.min_ocr_confidence)


def _near_declared(connection: Connection, reading: str | None, declared: set[str]) -> set[str]:
    if reading is None:
        return set()
    compact = compact_number(reading)
    query = select(cases.c.key).where(cases.c.is_declared, _is_near(cases.c.key, compact))
    return set(near_numbers(compact, {*connection.execute(query).scalars(), *declared}))


def _is_near(column: ColumnElement[str], number: str) -> ColumnElement[bool]:
    """Return a condition that every number near this one meets, and few others."""
    if len(number) <= _REST:
        return true()
    return and_(
        func.length(column) == len(number),
        or_(
            func.substr(column, 1, _START) == number[:_START],
            func.substr(column, _REST) == number[_REST - 1 :],
        ),
    )

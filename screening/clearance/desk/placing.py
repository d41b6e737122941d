"""Which case a scan joins, and which containers it may be of: by rulings, secondary records, its number.

It follows from the set of what is known, never from its order: whatever comes later and bears on a
scan places that scan again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Select, bindparam, delete, func, or_, select, update

from screening.clearance.identity import SCAN_KEY, case_key, numbers_near
from screening.clearance.joining import containers_ruled
from screening.records import (
    AdvanceData,
    IdentityRuling,
    Remeasurement,
    Revocation,
    RevocationList,
    RiskFlag,
    Sealed,
    SecondaryInspection,
)

from .dialects import add_new, is_among, listed, write_rows
from .names import compact_number
from .ruled import keys_revoked_by, rulings_on, scans_ruled_under
from .tables import apart, cases, doubts, named_flags, records, rulings

__all__ = ["Manifest", "Placed", "bears_on_identity", "note_facts", "place_again", "place_new"]

#: Characters at the start and at the end of a number of which one wrong character or one swap leaves
#: either the first or the last as they are.
_START, _REST = 4, 7
#: Of a reading, as its column takes it.
_LONGEST = 64

_MOVE = (
    update(records).where(records.c.sha256 == bindparam("at_sha256")).values(case_key=bindparam("new_key"))
)


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

    rulings: Mapping[str, Mapping[str, frozenset[str]]]
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
    if isinstance(record, Revocation | RevocationList):
        return bool(keys_revoked_by([record]))
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
    add_new(connection, rulings, ruled)
    add_new(connection, named_flags, named)


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
    new = list(new)
    lost = keys_revoked_by(new)
    scan_ids = scans_ruled_under(connection, lost)
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
    if boxes:
        hashes |= _apart_near(connection, boxes)
    if not hashes:
        return Placed({}, {}, set())
    query = select(records.c.sha256, records.c.case_key, records.c.body).where(
        records.c.sha256.in_(sorted(hashes))
    )
    rows = connection.execute(query).all()
    flags = {row.sha256: msgspec.json.decode(bytes(row.body), type=RiskFlag) for row in rows}
    return _place(connection, flags, {row.sha256: row.case_key for row in rows}, declared, manifest, lost)


def _place(
    connection: Connection,
    flags: Mapping[str, RiskFlag],
    present: Mapping[str, str],
    declared: set[str],
    manifest: Manifest,
    lost: frozenset[str] = frozenset(),
) -> Placed:
    if not flags:
        return Placed({}, {}, set())
    known = _known(connection, flags.values(), declared, manifest, lost)
    keys = {sha256: _target(flag, known, manifest) for sha256, flag in flags.items()}
    moved: dict[str, int] = {}
    rows = []
    for sha256, key in keys.items():
        former = present.get(sha256)
        if former is not None and former != key:
            moved[former] = moved.get(former, 0) - 1
            moved[key] = moved.get(key, 0) + 1
            rows.append({"at_sha256": sha256, "new_key": key})
    write_rows(connection, _MOVE, rows)
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
    near = _near_declared(connection, (flag.subject.container_id for flag in flags.values()), declared)
    for flag in flags.values():
        boxes = set(containers_ruled(flag, known.rulings.get(flag.scan_id, {})))
        boxes |= known.named.get(flag.flag_id, frozenset())
        own = _own_key(flag, manifest._replace(is_needed=False), None)
        if boxes and not own.startswith(SCAN_KEY):
            boxes.add(own)
        boxes |= near.get(flag.subject.container_id or "", set())
        pairs.update((flag.scan_id, box) for box in boxes)
    rows = [
        {
            "sha256": sha256,
            "flag_id": flag.flag_id,
            "scan_id": flag.scan_id,
            "reading": _reading(flag),
        }
        for sha256, flag in sorted(flags.items())
    ]
    add_new(connection, apart, rows)
    doubtful = [{"scan_id": scan_id, "container_id": box} for scan_id, box in sorted(pairs)]
    add_new(connection, doubts, doubtful)
    return {box for _, box in pairs}


def _reading(flag: RiskFlag) -> str | None:
    """Return the number that declared ones are compared with; what is longer than any is none."""
    number = compact_number(flag.subject.container_id or "")
    return number if 0 < len(number) <= _LONGEST else None


def _known(
    connection: Connection,
    flags: Iterable[RiskFlag],
    declared: set[str],
    manifest: Manifest,
    lost: frozenset[str],
) -> _Known:
    flags = list(flags)
    scan_ids = sorted({flag.scan_id for flag in flags})
    ruled = rulings_on(connection, scan_ids, lost)
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
    boxes = containers_ruled(flag, known.rulings.get(flag.scan_id, {}))
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


def _near_declared(
    connection: Connection, readings: Iterable[str | None], declared: set[str]
) -> dict[str, set[str]]:
    """Return the declared containers near each reading."""
    near = {reading: numbers_near(reading) for reading in readings if reading}
    if not near:
        return {}
    dialect = connection.dialect.name
    wanted = {"near": listed(dialect, frozenset().union(*near.values()))}
    found = {*declared, *connection.execute(_declared_among(dialect), wanted).scalars()}
    return {reading: found & numbers for reading, numbers in near.items()}


def _apart_near(connection: Connection, boxes: Iterable[str]) -> set[str]:
    """Return the flags kept apart whose readings may be of one of some containers, and few others."""
    forms = frozenset().union(*(_blurred(box) for box in boxes))
    dialect = connection.dialect.name
    wanted = {
        "starts": listed(dialect, {box[:_START] for box in boxes}),
        "ends": listed(dialect, {box[_REST - 1 :] for box in boxes}),
    }
    rows = connection.execute(_apart_alike(dialect), wanted).all()
    return {row.sha256 for row in rows if not forms.isdisjoint(_blurred(row.reading))}


@lru_cache(maxsize=4096)
def _blurred(number: str) -> frozenset[str]:
    """Return a number in all forms that lack one character or have two neighbours swapped.

    Two numbers of which one is a misreading of the other share a form: each with the wrong character
    blotted out, or the one swapped and the other as it is.
    """
    blots = (number[:i] + "\n" + number[i + 1 :] for i in range(len(number)))
    swaps = (number[:i] + number[i : i + 2][::-1] + number[i + 2 :] for i in range(len(number)))
    return frozenset((number, *blots, *swaps))


@lru_cache
def _declared_among(dialect: str) -> Select[Any]:
    return select(cases.c.key).where(cases.c.is_declared, is_among(dialect, cases.c.key, "near"))


@lru_cache
def _apart_alike(dialect: str) -> Select[Any]:
    """Return the query for readings that start or end like one of some numbers: all that are near do."""
    start, end = func.substr(apart.c.reading, 1, _START), func.substr(apart.c.reading, _REST)
    return select(apart.c.sha256, apart.c.reading).where(
        or_(is_among(dialect, start, "starts"), is_among(dialect, end, "ends"))
    )

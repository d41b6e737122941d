"""Write a run's answers as a result store, and read the ones stored before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from screening.errors import IntegrityError, StoreError
from screening.records import RiskFlag, ScanIdentity, ScreeningReport
from screening.stores import ResultStore, StoredScan

from .compare import Answer, answers_of

__all__ = ["Stored", "stored_answers", "write_store"]

RESULTS = "results.jsonl"
STORES = ("*.sqlite", "../*.sqlite")  # in the archive, or beside it as an acquisition leaves it


class Stored(NamedTuple):
    """Stored answers and the file they were found in."""

    name: str
    answers: Mapping[tuple[str, str], Answer]


def stored_answers(folder: Path, *, own: Path) -> Stored | None:
    """Return the answers stored with an archive.

    Parameters
    ----------
    folder : Path
        The archive. A result store in it or beside it is taken first, then ``results.jsonl`` in it.
    own : Path
        The store this run writes: not an earlier answer.

    Returns
    -------
    Stored or None
        None where nothing is stored.

    Raises
    ------
    IntegrityError
        If something is stored and cannot be read: a comparison with a part of it would mislead.
    """
    for pattern in STORES:
        for path in sorted(folder.glob(pattern)):
            store = _opened(path) if path.resolve() != own.resolve() else None
            if store is not None:
                with store:
                    flags = [
                        flag for scan in store.scans() for flag in store.flags_of_scan(scan.identity.scan_id)
                    ]
                return Stored(path.name, answers_of(flags))
    path = folder / RESULTS
    return Stored(path.name, answers_of(_flags_of_lines(path))) if path.is_file() else None


def write_store(path: Path, reports: Iterable[ScreeningReport]) -> int:
    """Write a run's flags as a result store, in one step.

    Parameters
    ----------
    path : Path
        The store; replaced if it is there.
    reports : iterable of ScreeningReport
        The run's reports. What could not be analysed has no flag and is in ``results.jsonl`` alone.

    Returns
    -------
    int
        How many scans it holds.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    partial = path.with_name(path.name + ".part")
    partial.unlink(missing_ok=True)
    seen: set[str] = set()
    with ResultStore(partial) as store:
        for report in reports:
            # The same file may lie in the archive twice: it is one scan.
            if report.flags and report.scan_id is not None and report.scan_id not in seen:
                seen.add(report.scan_id)
                store.record(scan=_scan_of(report), flags=report.flags)
    try:
        partial.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror})", value=str(path)) from None
    return len(seen)


def _scan_of(report: ScreeningReport) -> StoredScan:
    flag = report.flags[0]
    return StoredScan(
        identity=ScanIdentity(
            scan_id=flag.scan_id,
            site=flag.site,
            lane=flag.lane,
            device=flag.device,
            container_id=flag.subject.container_id,
            operating_mode=flag.operating_mode,
            t_start_utc=_time(flag.clock.t_start),
            t_end_utc=_time(flag.clock.t_end),
        ),
        modality=report.modality or "",
        inputs=flag.inputs,
    )


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _opened(path: Path) -> ResultStore | None:
    # Other SQLite files may lie there, the work ledger of a run among them.
    try:
        return ResultStore(path, read_only=True)
    except StoreError:
        return None


def _flags_of_lines(path: Path) -> list[RiskFlag]:
    flags: list[RiskFlag] = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            flags.extend(msgspec.json.decode(line, type=ScreeningReport).flags)
        except (msgspec.DecodeError, ValueError) as error:
            raise IntegrityError(f"{path.name}, line {number}: {error}", value=line[:64]) from None
    return flags

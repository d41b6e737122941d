"""Entries of a report from what an acquisition left: its result store and its archive."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from screening.archive import read_products, read_scan
from screening.errors import ScreeningError
from screening.pipeline import Pipeline
from screening.records import (
    Action,
    Level,
    Manifest,
    RadiationMeasurements,
    RadiographMeasurements,
    RiskFlag,
    Scan,
    ScreeningReport,
    utc_string,
    worst,
)
from screening.stores import ResultStore, StoredScan

from .entries import Entry, ReportedScan, reported_scan

__all__ = ["entries_from_store"]


def entries_from_store(
    store: ResultStore,
    archive_dir: str | Path,
    *,
    reports: Mapping[str, ScreeningReport] | None = None,
    pipeline: Pipeline | None = None,
) -> list[Entry]:
    """Return the entries of everything a store holds.

    Parameters
    ----------
    store : ResultStore
        Scans, flags and decisions.
    archive_dir : path-like
        Where ``<scan_id>.h5`` lie, with the products written by the acquisition, and beside them
        ``<scan_id>.json``, its ``screening/1`` reports with the measurements.
    reports : mapping of str to ScreeningReport, optional
        Reports by scan_id, where they are not beside the archives.
    pipeline : Pipeline, optional
        Analyses again, from the archive, the scans without a report, for their measurements. The
        flags shown stay the stored ones; where the new ones differ the entry says so.

    Returns
    -------
    list of Entry
        The containers, HIGH before UNKNOWN before LOW, what is held first, then by time; scans of no
        known container are entries of their own.
    """
    folder = Path(archive_dir)
    grouped: dict[str, list[ReportedScan]] = {}
    manifests: dict[str, Manifest] = {}
    for stored in reversed(store.scans()):
        scan_id = stored.identity.scan_id
        flags = tuple(store.flags_of_scan(scan_id))
        shown = _reported(stored, flags, folder, (reports or {}).get(scan_id), pipeline)
        # A scan without a container number gets a section of its own: nobody may join strangers.
        key = stored.identity.container_id or f"\0{scan_id}"
        grouped.setdefault(key, []).append(shown)
        if stored.identity.manifest is not None:
            manifests[key] = stored.identity.manifest
    entries = []
    for key, scans in grouped.items():
        container_id = None if key.startswith("\0") else key
        decision = store.latest_decision(container_id) if container_id is not None else None
        ordered = tuple(sorted(scans, key=lambda scan: scan.taken_at or ""))
        entries.append(
            Entry(container_id=container_id, scans=ordered, decision=decision, manifest=manifests.get(key))
        )
    return sorted(entries, key=_urgency)


def _urgency(entry: Entry) -> tuple[int, bool, str]:
    is_held = entry.decision is not None and entry.decision.action is Action.HOLD
    return -entry.level.rank, not is_held, entry.scans[0].taken_at or ""


def _reported(
    stored: StoredScan,
    flags: tuple[RiskFlag, ...],
    folder: Path,
    report: ScreeningReport | None,
    pipeline: Pipeline | None,
) -> ReportedScan:
    name = f"{stored.identity.scan_id}.h5"
    level = worst(*(flag.level for flag in flags))
    try:
        scan = read_scan(folder / name)
        products = read_products(folder / name)
    except (ScreeningError, OSError) as error:
        return _without_archive(stored, flags, level, f"not in the archive: {error}")
    notes: tuple[str, ...] = ()
    measurements: RadiationMeasurements | RadiographMeasurements | None = None
    report = report or _report_beside(folder / name)
    if report is not None:
        measurements = _measured(report.measurements, scan)
    elif pipeline is not None:
        measurements, notes = _again(scan, flags, pipeline)
    shown = reported_scan(
        scan, level=level, flags=flags, measurements=measurements, products=products, path=name
    )
    return _with_notes(shown, notes)


def _report_beside(archive: Path) -> ScreeningReport | None:
    # The flags come from the store in any case: a report that is missing or damaged costs figures only.
    try:
        return msgspec.json.decode(archive.with_suffix(".json").read_bytes(), type=ScreeningReport)
    except (OSError, msgspec.DecodeError):
        return None


def _again(
    scan: Scan, flags: tuple[RiskFlag, ...], pipeline: Pipeline
) -> tuple[RadiationMeasurements | RadiographMeasurements | None, tuple[str, ...]]:
    try:
        result = pipeline.screen(scan)
    except (ScreeningError, ValueError, ArithmeticError, LookupError) as error:
        pipeline.abandon()
        return None, (f"could not be analysed again: {error}",)
    if {flag.flag_id for flag in result.flags} == {flag.flag_id for flag in flags}:
        return result.measurements, ()
    return result.measurements, ("analysed again, this scan gives other flags than the stored ones shown",)


def _measured(value: Any, scan: Scan) -> RadiationMeasurements | RadiographMeasurements | None:
    if value is None:
        return None
    # A report that came through JSON holds plain dictionaries; one of this process the records.
    body = value if isinstance(value, dict) else msgspec.to_builtins(value)
    if scan.modality == "radiation":
        return msgspec.convert(body, RadiationMeasurements)
    return msgspec.convert(body, RadiographMeasurements)


def _without_archive(
    stored: StoredScan, flags: tuple[RiskFlag, ...], level: Level, note: str
) -> ReportedScan:
    identity = stored.identity
    return ReportedScan(
        scan_id=identity.scan_id,
        modality="radiation" if stored.modality == "radiation" else "radiograph",
        level=level,
        flags=flags,
        place=" · ".join(part for part in (identity.site, identity.lane) if part) or None,
        taken_at=utc_string(identity.t_start_utc),
        notes=(*(n.text for n in stored.notes), note),
    )


def _with_notes(scan: ReportedScan, notes: tuple[str, ...]) -> ReportedScan:
    return msgspec.structs.replace(scan, notes=(*scan.notes, *notes))

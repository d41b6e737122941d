"""Results of the live service as entries of a report: read, nothing computed anew."""

from __future__ import annotations

from pathlib import Path

import msgspec

from screening.archive import read_products, read_scan
from screening.errors import ScreeningError
from screening.reanalyse.report import Entry, ReportedScan, reported_scan
from screening.records import (
    RadiationMeasurements,
    RadiographMeasurements,
    ScreeningReport,
    utc_string,
    worst,
)
from screening.stores import ResultStore, StoredScan

__all__ = ["report_entries"]


def report_entries(store: ResultStore, archive: Path) -> list[Entry]:
    """Return what the store and the archive hold, one entry per container, in order of arrival.

    Parameters
    ----------
    store : ResultStore
        Scans, flags and decisions.
    archive : Path
        Folder of the scans' archives, with their reports beside them.

    Returns
    -------
    list of Entry
        Containers, then each scan that belongs to none.
    """
    scans = sorted(store.scans(), key=lambda scan: scan.identity.scan_id)  # UUIDv7: in order of time
    containers: dict[str, list[StoredScan]] = {}
    for scan in scans:
        containers.setdefault(scan.identity.container_id or scan.identity.scan_id, []).append(scan)
    return [_entry(store, archive, name, found) for name, found in containers.items()]


def _entry(store: ResultStore, archive: Path, name: str, scans: list[StoredScan]) -> Entry:
    container_id = scans[0].identity.container_id
    manifests = [scan.identity.manifest for scan in scans if scan.identity.manifest is not None]
    return Entry(
        container_id=container_id,
        scans=tuple(_reported(store, archive, scan) for scan in scans),
        decision=None if container_id is None else store.latest_decision(container_id),
        manifest=manifests[0] if manifests else None,
    )


def _reported(store: ResultStore, archive: Path, stored: StoredScan) -> ReportedScan:
    flags = tuple(store.flags_of_scan(stored.identity.scan_id))
    level = worst(*(flag.level for flag in flags))
    path = archive / f"{stored.identity.scan_id}.h5"
    try:
        report = msgspec.json.decode(path.with_suffix(".json").read_bytes(), type=ScreeningReport)
        kind = RadiationMeasurements if report.modality == "radiation" else RadiographMeasurements
        measurements = None if report.measurements is None else msgspec.convert(report.measurements, kind)
        return reported_scan(
            read_scan(path),
            level=level,
            flags=flags,
            measurements=measurements,
            products=read_products(path),
            path=path.name,
        )
    except (OSError, ScreeningError, msgspec.DecodeError) as error:
        identity = stored.identity
        return ReportedScan(
            scan_id=identity.scan_id,
            modality="radiograph" if stored.modality == "radiograph" else "radiation",
            level=level,
            flags=flags,
            place=" · ".join(part for part in (identity.site, identity.lane) if part) or None,
            taken_at=utc_string(identity.t_start_utc),
            path=path.name,
            notes=(*(note.text for note in stored.notes), f"not in the archive: {error}"),
        )

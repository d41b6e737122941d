"""What a report shows: one entry per container, with its scans and the decision taken on them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.records import (
    ClearanceDecision,
    Level,
    Manifest,
    Occupancy,
    OperatingMode,
    Radiograph,
    RiskFlag,
    Scan,
    SealEvent,
    Targeting,
    UnreadInput,
    utc_string,
    worst,
)
from screening.risk import MODE_CODES, level_of

__all__ = ["Entry", "ReportedScan", "reported_scan", "scan_products"]


class ReportedScan(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One scan of a container.

    Attributes
    ----------
    scan_id : str or None
        The scan; None when its bytes could not be read.
    modality : {"radiation", "radiograph"} or None
        What it is.
    level : Level
        Worst level of the flags; UNKNOWN without any.
    flags : tuple of RiskFlag
        What was concluded.
    measurements : RadiationMeasurements or RadiographMeasurements or None
        What was measured.
    products : dict of str to ndarray
        Maps, spectra and profiles behind the answer; the report draws those whose names it knows
        (docs/reanalyse.md) and leaves out the rest.
    place, taken_at, device : str or None
        Where, when and with what.
    path : str or None
        The file it was read from.
    error : UnreadInput or None
        Why it could not be analysed.
    notes : tuple of str
        What the reader remarked.
    """

    scan_id: str | None
    modality: Literal["radiation", "radiograph"] | None
    level: Level
    flags: tuple[RiskFlag, ...] = ()
    measurements: Any = None
    products: dict[str, NDArray[Any]] = {}
    place: str | None = None
    taken_at: str | None = None
    device: str | None = None
    path: str | None = None
    error: UnreadInput | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_exercise(self) -> bool:
        """Whether every flag was raised in an exercise."""
        return bool(self.flags) and all(f.operating_mode is OperatingMode.EXERCISE for f in self.flags)

    @property
    def shown_level(self) -> Level:
        """The level; of an exercise, the one that the same evidence would have in operation."""
        if not self.is_exercise or self.error is not None:
            return self.level
        return worst(*(level_of(flag.reasons, set_aside=MODE_CODES) for flag in self.flags))


class Entry(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One container, or one scan that belongs to none.

    Attributes
    ----------
    container_id : str or None
        ISO 6346 number, compact; None if not known.
    scans : tuple of ReportedScan
        Its scans.
    decision : ClearanceDecision or None
        What was decided; None when nothing was.
    targeting : tuple of Targeting
        Risk on advance data.
    seal_events : tuple of SealEvent
        Readings of its seal.
    manifest : Manifest or None
        What was declared.
    notes : tuple of str
        Lines for a person.
    """

    container_id: str | None
    scans: tuple[ReportedScan, ...] = ()
    decision: ClearanceDecision | None = None
    targeting: tuple[Targeting, ...] = ()
    seal_events: tuple[SealEvent, ...] = ()
    manifest: Manifest | None = None
    notes: tuple[str, ...] = ()

    @property
    def level(self) -> Level:
        """The decision's risk, or the worst of the scans without one; UNKNOWN with neither."""
        return self.decision.risk if self.decision is not None else worst(*(s.level for s in self.scans))


def reported_scan(
    scan: Scan,
    *,
    level: Level,
    flags: tuple[RiskFlag, ...],
    measurements: Any = None,
    products: dict[str, NDArray[Any]] | None = None,
    path: str | None = None,
) -> ReportedScan:
    """Return the entry of a scan.

    Parameters
    ----------
    scan : Scan
        The scan.
    level : Level
        Its level.
    flags : tuple of RiskFlag
        Its flags.
    measurements : RadiationMeasurements or RadiographMeasurements, optional
        Its measurements.
    products : dict of str to ndarray, optional
        The analysis' products; what can be taken from the scan itself is added.
    path : str, optional
        The file it was read from.

    Returns
    -------
    ReportedScan
        The entry.
    """
    identity = scan.identity
    device = " ".join(part for part in (identity.device.make, identity.device.model) if part)
    return ReportedScan(
        scan_id=identity.scan_id,
        modality=scan.modality,
        level=level,
        flags=flags,
        measurements=measurements,
        products={**scan_products(scan), **(products or {})},
        place=" · ".join(part for part in (identity.site, identity.lane) if part) or None,
        taken_at=utc_string(identity.t_start_utc),
        device=device or None,
        path=path,
        notes=tuple(note.text for note in scan.notes),
    )


def scan_products(scan: Scan) -> dict[str, NDArray[Any]]:
    """Return what can be drawn of a scan without any analysis.

    Parameters
    ----------
    scan : Scan
        The scan.

    Returns
    -------
    dict of str to ndarray
        For an occupancy of several intervals ``t_s`` (k,), ``rate_cps`` (k,) over all panels (NaN
        where a panel sent nothing) and the same for neutrons; for a radiograph ``pitch_mm`` (2,).
    """
    payload = scan.payload
    if isinstance(payload, Radiograph):
        return (
            {} if payload.pitch_mm is None else {"pitch_mm": np.asarray(payload.pitch_mm, dtype=np.float64)}
        )
    return _profiles(payload)


def _profiles(payload: Occupancy) -> dict[str, NDArray[Any]]:
    products: dict[str, NDArray[Any]] = {}
    if payload.n_interval > 1:
        products["t_s"] = payload.t_s
        products["interval_s"] = payload.interval_s
        products["rate_cps"] = _rate(payload.gamma_counts, payload.interval_s)
    neutrons, interval_s = payload.neutron_counts, payload.neutron_interval_s
    if neutrons is not None and interval_s is not None and len(neutrons) > 1:
        products["neutron_t_s"] = np.concatenate([[0.0], np.cumsum(interval_s)[:-1]])
        products["neutron_cps"] = _rate(neutrons, interval_s)
    return products


def _rate(counts: NDArray[np.int64], interval_s: NDArray[np.float64]) -> NDArray[np.float64]:
    total = np.where((counts < 0).any(axis=1), np.nan, counts.sum(axis=1))
    return np.asarray(total / interval_s, dtype=np.float64)

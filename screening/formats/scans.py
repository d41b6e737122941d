"""From a document of time slices to scans: arrays, backgrounds, gaps and notes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.errors import FormatError, ResourceLimitError
from screening.records import (
    Background,
    Gap,
    InputRef,
    Occupancy,
    ReasonCode,
    Scan,
    ScanIdentity,
    file_scan_id,
    sha256_hex,
)

from .calibration import Calibration, channel_edges
from .measurements import (
    MAX_INTERVAL_S,
    DetectorSpectrum,
    Document,
    GrossCount,
    Slice,
    merge_simultaneous,
    series_of,
)

__all__ = ["MAX_ARRAY_BYTES", "background_of", "scans_of"]

MAX_ARRAY_BYTES = 1 << 30
"""Default limit on the spectra of one scan in memory, bytes."""

_MAX_COUNT = float(2**32 - 1)


class _Spectra(NamedTuple):
    counts: NDArray[np.uint32]  # (n_slice, n_panel, n_channel)
    is_present: NDArray[np.bool_]  # (n_slice, n_panel)
    edges_kev: NDArray[np.float64] | None  # (n_panel, n_channel + 1)


def scans_of(document: Document, data: bytes, *, name: str, max_bytes: int = MAX_ARRAY_BYTES) -> list[Scan]:
    """Return the scans of a file.

    Parameters
    ----------
    document : Document
        Its time slices.
    data : bytes
        Its bytes, for the scan identifiers.
    name : str
        File name.
    max_bytes : int
        Limit on one scan's spectra, bytes.

    Returns
    -------
    list of Scan
        A pass through a portal as one occupancy, every other foreground measurement as a static scan
        of its own; background goes to each of them. A file with background alone gives that as a scan.

    Raises
    ------
    FormatError
        If no gamma measurement is in it.
    ResourceLimitError
        If the spectra would not fit `max_bytes`.
    """
    _name_detectors(document)
    foreground, background_slices = _by_role(document, name)
    background = background_of_slices(document, background_slices, name, max_bytes)
    input_ref = InputRef(kind="scan", uri=name, n_bytes=len(data), sha256=sha256_hex(data))
    shared_notes = tuple(document.notes)
    scans = []
    for index, slices in enumerate(foreground):
        document.notes = []
        payload = _occupancy(document, slices, background, name, max_bytes)
        first = slices[0].start_utc
        length_s = float(payload.t_s[-1] + np.nan_to_num(payload.interval_s[-1]))
        identity = ScanIdentity(
            scan_id=file_scan_id(input_ref.sha256, index),
            device=document.device,
            lane=document.lane,
            t_start_utc=first,
            t_end_utc=None if first is None else first + timedelta(seconds=length_s),
        )
        notes = (*shared_notes, *document.notes)
        scans.append(Scan(identity=identity, payload=payload, inputs=(input_ref,), notes=notes))
    return scans


def background_of(document: Document, *, name: str, max_bytes: int = MAX_ARRAY_BYTES) -> Background:
    """Return a file's measurements as a background.

    Parameters
    ----------
    document : Document
        Its time slices.
    name : str
        File name.
    max_bytes : int
        Limit on the spectra, bytes.

    Returns
    -------
    Background
        The sum of the slices the file calls background; of all slices if it calls none so.

    Raises
    ------
    FormatError
        If it holds no gamma measurement with a live time.
    """
    _name_detectors(document)
    marked = [item for item in document.slices if item.role == "background"]
    slices = marked or [item for item in document.slices if item.role == "foreground"]
    background = background_of_slices(document, merge_simultaneous(slices), name, max_bytes)
    if background is None:
        raise FormatError(f"{name}: holds no gamma measurement with a live time to use as a background")
    return background


def _name_detectors(document: Document) -> None:
    for item in document.slices:
        sent: tuple[DetectorSpectrum | GrossCount, ...] = (*item.spectra, *item.gamma, *item.neutron)
        for entry in sent:
            entry.detector = entry.detector or "detector"


def _by_role(document: Document, name: str) -> tuple[list[list[Slice]], list[Slice]]:
    slices = merge_simultaneous(document.slices)
    n_ignored = sum(item.role in ("calibration", "derived") for item in slices)
    if n_ignored:
        document.note(f"{n_ignored} calibration or derived measurements were not used")
    background = [item for item in slices if item.role == "background"]
    foreground = [item for item in slices if item.role == "foreground"]
    groups: list[list[Slice]] = []
    for _, members in groupby(foreground, key=lambda item: item.group):
        group = list(members)
        # A portal's quiet minutes between vehicles are written as one long unoccupied slice.
        quiet = [s for s in group if s.is_occupied is False and s.real_time_s > MAX_INTERVAL_S]
        if quiet and len(quiet) < len(group):
            background += quiet
            group = [item for item in group if item not in quiet]
        series = series_of(group)
        groups += [series] if series else [[item] for item in group]
    has_gamma = [group for group in groups if any(item.spectra or item.gamma for item in group)]
    if len(has_gamma) < len(groups):
        document.note(f"{len(groups) - len(has_gamma)} measurements without gamma counts were not used")
    if not has_gamma:
        has_gamma = [[item] for item in background if item.spectra or item.gamma]
        if has_gamma:
            document.note("the file holds background measurements only; they are read as scans")
            background = []
    if not has_gamma:
        raise FormatError(f"{name}: holds no gamma measurement")
    return has_gamma, background


def _panels(slices: Sequence[Slice]) -> tuple[tuple[str, ...], bool]:
    has_spectra = any(item.spectra for item in slices)
    found: dict[str, None] = {}
    for item in slices:
        sent: Sequence[DetectorSpectrum | GrossCount] = item.spectra if has_spectra else item.gamma
        for entry in sent:
            found.setdefault(entry.detector)
    return tuple(found), has_spectra


def _occupancy(
    document: Document, slices: list[Slice], background: Background | None, name: str, max_bytes: int
) -> Occupancy:
    gamma_slices = [item for item in slices if item.spectra or item.gamma]
    panels, has_spectra = _panels(gamma_slices)
    if has_spectra:
        beside = {g.detector for item in gamma_slices for g in item.gamma} - set(panels)
        if beside:
            text = f"gross counts of {', '.join(sorted(beside))} beside spectra of others were not analysed"
            document.note(text, ReasonCode.Q_COVERAGE)
    n_interval, n_panel = len(gamma_slices), len(panels)
    interval_s, t_s = _times(document, gamma_slices)
    live_time_s = np.full((n_interval, n_panel), np.nan)
    gamma_counts = np.full((n_interval, n_panel), -1, dtype=np.int64)
    spectra = None
    if has_spectra:
        spectra = _spectra(document, gamma_slices, panels, name, max_bytes)
        totals = spectra.counts.sum(axis=2, dtype=np.int64)
        gamma_counts[spectra.is_present] = totals[spectra.is_present]
    for i, item in enumerate(gamma_slices):
        sent: Sequence[DetectorSpectrum | GrossCount] = item.spectra if has_spectra else item.gamma
        for entry in sent:
            j = panels.index(entry.detector)
            # Gross counts come with zero where nobody knows the live time (the schema wants a figure). A
            # spectrum's zero is kept: the analysis has to see it, and refuses it.
            is_known = entry.live_time_s > 0 or not isinstance(entry, GrossCount)
            live_time_s[i, j] = entry.live_time_s if is_known else np.nan
            if isinstance(entry, GrossCount):
                gamma_counts[i, j] = entry.whole
    if np.isfinite(live_time_s).any() and (live_time_s > interval_s[:, None] * 1.02 + 0.02).any():
        document.note("a live time is longer than its real time")
    neutron_counts, neutron_interval_s = _neutrons(slices)
    is_series = len(slices) > 1
    states = [item.is_occupied for item in gamma_slices]
    is_occupied = None if None in states else np.array(states, dtype=bool)
    speeds = [item.speed_m_s for item in slices if item.speed_m_s is not None]
    moving = [value for value in speeds if value > 0]
    speed_m_s = float(np.mean(moving)) if moving else (0.0 if speeds and is_series else None)
    n_prior = 0
    if is_series and is_occupied is not None and is_occupied.any():
        n_prior = int(np.argmax(is_occupied))
    return Occupancy(
        kind="occupancy" if is_series else "static",
        interval_s=interval_s,
        t_s=t_s,
        panel_ids=panels,
        gamma_counts=gamma_counts,
        live_time_s=live_time_s if np.isfinite(live_time_s).any() else None,
        spectra=None if spectra is None else spectra.counts,
        energy_edges_kev=None if spectra is None else spectra.edges_kev,
        neutron_counts=neutron_counts,
        neutron_interval_s=neutron_interval_s,
        background=background,
        is_occupied=is_occupied,
        n_prior=n_prior,
        speed_m_s=speed_m_s,
        is_tampered=document.is_tampered,
        faults=tuple(document.faults),
        device_alarms=tuple(document.device_alarms),
        # A portal that tells its occupancy goes on until the beam is free; a file that stops before is cut.
        is_complete=not (
            is_series and is_occupied is not None and is_occupied[-1] and not gamma_slices[-1].is_end
        ),
        is_background_subtracted=document.is_background_subtracted,
        gaps=_gaps(t_s, interval_s) if is_series else (),
    )


def _times(document: Document, slices: list[Slice]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    interval_s = np.array([item.real_time_s for item in slices], dtype=np.float64)
    for i, item in enumerate(slices):
        if not interval_s[i] > 0:
            sent: Sequence[DetectorSpectrum | GrossCount] = (*item.spectra, *item.gamma)
            interval_s[i] = max((s.live_time_s for s in sent if s.live_time_s > 0), default=np.nan)
    first = slices[0].start_utc
    if first is not None and all(item.start_utc is not None for item in slices):
        t_s = np.array([(item.start_utc - first).total_seconds() for item in slices if item.start_utc])
        if len(slices) > 1:
            unknown = np.flatnonzero(~np.isfinite(interval_s[:-1]))
            interval_s[unknown] = np.diff(t_s)[unknown]
    else:
        t_s = np.concatenate(([0.0], np.cumsum(np.nan_to_num(interval_s))[:-1]))
    if not (interval_s > 0).all():
        document.note("an interval has neither a real nor a live time", ReasonCode.INPUT_CORRUPT)
        interval_s[~(interval_s > 0)] = np.nan
    return interval_s, t_s


def _gaps(t_s: NDArray[np.float64], interval_s: NDArray[np.float64]) -> tuple[Gap, ...]:
    typical = float(np.nanmedian(interval_s)) if np.isfinite(interval_s).any() else np.nan
    if not typical > 0:
        return ()
    missing_s = np.diff(t_s) - np.where(np.isfinite(interval_s[:-1]), interval_s[:-1], typical)
    found = np.flatnonzero(missing_s > 0.5 * typical)
    return tuple(
        Gap(index=int(i) + 1, n_missing=max(1, round(float(missing_s[i]) / typical)), cause="times")
        for i in found
    )


def _neutrons(slices: list[Slice]) -> tuple[NDArray[np.int64] | None, NDArray[np.float64] | None]:
    with_neutrons = [item for item in slices if item.neutron]
    if not with_neutrons:
        return None, None
    names = list(dict.fromkeys(entry.detector for item in with_neutrons for entry in item.neutron))
    counts = np.full((len(with_neutrons), len(names)), -1, dtype=np.int64)
    interval_s = np.full(len(with_neutrons), np.nan)
    for i, item in enumerate(with_neutrons):
        live = [entry.live_time_s for entry in item.neutron if entry.live_time_s > 0]
        interval_s[i] = item.real_time_s if item.real_time_s > 0 else max(live, default=np.nan)
        for entry in item.neutron:
            counts[i, names.index(entry.detector)] = entry.whole
    return counts, interval_s


def _spectra(
    document: Document, slices: list[Slice], panels: tuple[str, ...], name: str, max_bytes: int
) -> _Spectra:
    n_slice, n_panel = len(slices), len(panels)
    column = {panel: j for j, panel in enumerate(panels)}
    first: dict[str, NDArray[np.uint32]] = {}
    for item in slices:
        for entry in item.spectra:
            if entry.detector not in first:
                first[entry.detector] = _counts(document, entry, None, None, name)
    n_channel = max(len(counts) for counts in first.values())
    if n_slice * n_panel * n_channel * 4 > max_bytes:
        raise ResourceLimitError(
            f"{name}: {n_slice} x {n_panel} spectra of {n_channel} channels exceed {max_bytes} bytes",
            value=n_slice * n_panel * n_channel * 4,
        )
    counts = np.zeros((n_slice, n_panel, n_channel), dtype=np.uint32)
    is_present = np.zeros((n_slice, n_panel), dtype=bool)
    calibrations: list[dict[Calibration | None, None]] = [{} for _ in panels]
    for i, item in enumerate(slices):
        for entry in item.spectra:
            j = column[entry.detector]
            size = len(first[entry.detector])
            _counts(document, entry, size, counts[i, j, :size], name)
            is_present[i, j] = True
            calibrations[j].setdefault(entry.calibration)
    sizes = [len(first[panel]) for panel in panels]
    if len(set(sizes)) > 1:
        document.note(f"detectors have {min(sizes)} to {n_channel} channels; short ones end in zeros")
    edges = _edges(document, panels, sizes, calibrations, n_channel)
    return _Spectra(counts, is_present, edges)


def _edges(
    document: Document,
    panels: tuple[str, ...],
    sizes: list[int],
    calibrations: list[dict[Calibration | None, None]],
    n_channel: int,
) -> NDArray[np.float64] | None:
    edges = np.empty((len(panels), n_channel + 1))
    invalid = []
    for j, (size, found) in enumerate(zip(sizes, calibrations, strict=True)):
        valid = [e for e in (channel_edges(item, size) for item in found) if e is not None]
        if not valid:
            invalid.append(panels[j])
            continue
        tops = [float(item[-1]) for item in valid]
        if max(tops) - min(tops) > 0.01 * tops[0]:
            text = f"the energy calibration of {panels[j]} changes inside the scan"
            document.note(text, ReasonCode.CAL_STALE)
        edges[j, : size + 1] = valid[0]
        beyond = np.arange(1, n_channel - size + 1)
        edges[j, size + 1 :] = valid[0][-1] + beyond * (valid[0][-1] - valid[0][-2])
    if invalid:
        document.note(f"no valid energy calibration for {', '.join(invalid)}", ReasonCode.CAL_MISSING)
        return None
    return edges


def _counts(
    document: Document,
    entry: DetectorSpectrum,
    n_channel: int | None,
    out: NDArray[np.uint32] | None,
    name: str,
) -> NDArray[np.uint32]:
    from screening.kernels import parse_counts

    where = f"{name}: spectrum of {entry.detector}"
    if entry.counts is not None:
        return _from_numbers(document, entry.counts, n_channel, out, where)
    text = entry.text.encode("ascii", "replace")
    try:
        return parse_counts(
            text, n_channel, counted_zeroes=entry.is_counted_zeroes, out=out, is_zeroed=out is not None
        )
    except ResourceLimitError as error:
        raise ResourceLimitError(f"{where}: {error}", value=error.value) from None
    except FormatError as error:
        if entry.is_counted_zeroes:
            raise FormatError(f"{where}: {error}", value=error.value) from None
        numbers = _numbers(text, where, error)
        return _from_numbers(document, numbers, n_channel, out, where)


def _numbers(text: bytes, where: str, error: FormatError) -> NDArray[np.float64]:
    try:
        numbers = np.array(text.split(), dtype=np.float64)
    except ValueError:
        raise FormatError(f"{where}: {error}", value=error.value) from None
    if len(numbers) > 1 << 20:
        raise ResourceLimitError(f"{where}: {len(numbers)} channels", value=len(numbers))
    return numbers


def _from_numbers(
    document: Document,
    numbers: NDArray[np.float64],
    n_channel: int | None,
    out: NDArray[np.uint32] | None,
    where: str,
) -> NDArray[np.uint32]:
    if len(numbers) == 0 or not np.isfinite(numbers).all() or (np.abs(numbers) > _MAX_COUNT).any():
        raise FormatError(f"{where}: counts are missing, not finite or beyond 32 bits")
    if n_channel is not None and len(numbers) != n_channel:
        raise FormatError(f"{where}: {len(numbers)} channels where {n_channel} are due", value=len(numbers))
    if (numbers < 0).any():
        document.is_background_subtracted = True
        document.note("negative counts: the spectra are background-subtracted; negative channels read as 0")
    rounded = np.rint(np.clip(numbers, 0.0, None))
    if (numbers != np.rint(numbers)).any():
        total, kept = float(np.clip(numbers, 0.0, None).sum()), float(rounded.sum())
        bad = abs(total - kept) > 0.01 * max(total, 1.0)
        text = f"fractional counts were rounded ({total:.6g} became {kept:.6g}): not counts as measured"
        document.note(text, ReasonCode.INPUT_CORRUPT if bad else None)
    counts = rounded.astype(np.uint32)
    if out is None:
        return counts
    out[:] = counts
    return out


def background_of_slices(
    document: Document, slices: list[Slice], name: str, max_bytes: int
) -> Background | None:
    """Return the sum of some slices as a background.

    Parameters
    ----------
    document : Document
        Takes the notes.
    slices : list of Slice
        What to sum.
    name : str
        File name.
    max_bytes : int
        Limit on the spectra, bytes.

    Returns
    -------
    Background or None
        None without a gamma measurement that has a live time.
    """
    useful = [item for item in slices if item.spectra or item.gamma]
    if not useful:
        return None
    panels, has_spectra = _panels(useful)
    live_s, counts = np.zeros(len(panels)), np.zeros(len(panels))
    read = _spectra(document, useful, panels, name, max_bytes) if has_spectra else None
    for item in useful:
        sent: Sequence[DetectorSpectrum | GrossCount] = item.spectra if has_spectra else item.gamma
        for entry in sent:
            j = panels.index(entry.detector)
            one_live_s = entry.live_time_s if entry.live_time_s > 0 else item.real_time_s
            live_s[j] += one_live_s
            if isinstance(entry, GrossCount):
                # A count that is none leaves the rate unknown, and with it the live time.
                counts[j] += entry.counts if entry.whole >= 0 else np.nan
                live_s[j] += 0.0 if entry.whole >= 0 else np.nan
    if not (np.isfinite(live_s) & (live_s > 0)).all():
        document.note("a background measurement has no live time and was not used", ReasonCode.BKG_MISSING)
        return None
    common_s = float(live_s.mean())
    spectra = None
    if read is not None:
        sums = read.counts.sum(axis=0, dtype=np.float64)
        counts = sums.sum(axis=1)
        spectra = sums * (common_s / live_s)[:, None]
    neutron_counts, neutron_s = _neutrons(slices)
    neutron_cps = None
    if neutron_counts is not None and neutron_s is not None:
        is_known = (neutron_counts >= 0) & np.isfinite(neutron_s)[:, None]
        known_s = (is_known * np.nan_to_num(neutron_s)[:, None]).sum(axis=0)
        if (known_s > 0).all():
            neutron_cps = np.where(is_known, neutron_counts, 0).sum(axis=0) / known_s
    ends = [
        item.start_utc + timedelta(seconds=float(np.nan_to_num(item.real_time_s)))
        for item in useful
        if item.start_utc is not None
    ]
    return Background(
        gamma_cps=counts / live_s,
        live_time_s=common_s,
        neutron_cps=neutron_cps,
        spectra=spectra,
        energy_edges_kev=None if read is None else read.edges_kev,
        t_end_utc=max(ends, default=None),
        origin="file",
    )
